//! Random numbers from a seed, the same on every machine.
//!
//! Only integer operations and the four exact floating-point ones are used: logarithms and powers
//! differ between platforms in their last bit, and one bit changes a whole log.

/// xoshiro256** 1.0 (D. Blackman and S. Vigna, "Scrambled Linear Pseudorandom Number Generators",
/// ACM TOMS 47(4), 2021), seeded by SplitMix64 as its authors advise.
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator whose whole future the seed decides.
    pub fn new(seed: u64) -> Rng {
        let mut word = seed;
        Rng {
            state: std::array::from_fn(|_| split_mix(&mut word)),
        }
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..bound` (D. Lemire's multiply-and-shift; its bias, below `bound` / 2^64, does
    /// not matter here).
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// A number in `0.0..1.0`: 53 bits, all that a double holds.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the items, each as likely as the others.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// An index in `0..count` where low ones are much likelier: visits to pages, requests of
    /// addresses and uses of browsers are all spread like that.
    pub fn skewed(&mut self, count: usize) -> usize {
        let unit = self.unit();
        (unit * unit * count as f64) as usize
    }

    /// A waiting time with mean 1: von Neumann's comparison method ("Various techniques used in
    /// connection with random digits", 1951), which needs no logarithm.
    pub fn waiting(&mut self) -> f64 {
        let mut whole = 0.0;
        loop {
            let first = self.unit();
            let (mut last, mut run) = (first, 1);
            loop {
                let next = self.unit();
                if next >= last {
                    break;
                }
                last = next;
                run += 1;
            }
            if run % 2 == 1 {
                return whole + first;
            }
            whole += 1.0;
        }
    }
}

/// SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014).
fn split_mix(word: &mut u64) -> u64 {
    *word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *word;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number that belongs to a text: sizes of pages and the like, which must not change from one
/// request to the next (FNV-1a, 64 bits).
pub fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}

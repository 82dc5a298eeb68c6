//! A first look at whether a key is among those that are sought: a few hundred among millions of lines.
//!
//! One bit for each hash, modulo a fixed number of bits that fit a processor's nearest cache (a Bloom filter with one hash
//! function: Bloom 1970, *Space/time trade-offs in hash coding with allowable errors*). It never misses a key, and lets
//! one in a few dozen others pass, so who asks it must look closer.

/// Bits: 8 KiB.
const BITS: usize = 1 << 16;

const WORD: usize = u64::BITS as usize;

/// See the file's header.
#[derive(Clone)]
pub struct Sieve {
    words: Box<[u64; BITS / WORD]>,
    is_empty: bool,
}

impl Default for Sieve {
    fn default() -> Sieve {
        Sieve {
            words: Box::new([0; BITS / WORD]),
            is_empty: true,
        }
    }
}

impl Sieve {
    /// The keys with these well-mixed hashes.
    pub fn of(hashes: impl IntoIterator<Item = u64>) -> Sieve {
        let mut sieve = Sieve::default();
        for hash in hashes {
            let bit = hash as usize % BITS;
            sieve.words[bit / WORD] |= 1 << (bit % WORD);
            sieve.is_empty = false;
        }
        sieve
    }

    /// True for every key that was given, and for a few others.
    #[inline]
    pub fn may_hold(&self, hash: u64) -> bool {
        let bit = hash as usize % BITS;
        self.words[bit / WORD] >> (bit % WORD) & 1 == 1
    }

    /// True if no key was given.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::capped::mix64;

    #[test]
    fn what_was_given_passes_and_most_others_do_not() {
        let sieve = Sieve::of((0..2_000).map(mix64));
        assert!(!sieve.is_empty() && Sieve::default().is_empty());
        assert!((0..2_000).all(|key| sieve.may_hold(mix64(key))));
        let others = (2_000..102_000).filter(|key| sieve.may_hold(mix64(*key)));
        // 2,000 of 65,536 bits, so 3% of the others.
        assert!(others.count() < 4_000);
    }
}

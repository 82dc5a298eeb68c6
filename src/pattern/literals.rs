//! Which of thousands of literals are in a text, in a pass whose steps do not wait for each other.
//!
//! Every literal is known by its rarest four bytes (or two, if it is short). A bit for each such group of
//! bytes tells at which places of a text a literal could stand, and there it is compared. Unlike an automaton
//! this is built in a moment, and it reads a few small tables that stay in the processor's caches. It never
//! errs: what the bits let through is compared byte for byte.

/// Bytes of a text that are looked up together.
const GRAM: usize = 4;

/// Makes ASCII letters lower case, and does no more than confuse other bytes.
const FOLD: u32 = 0x2020_2020;

/// Spreads groups of bytes over a table: 2^64 divided by the golden ratio (Knuth, The Art of Computer
/// Programming, volume 3, 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// Words of 64 bits in which there is a bit for each pair of bytes.
const PAIR_WORDS: usize = 1 << 10;

/// What ordinary targets are made of: a group of four bytes that is in here is no good sign of a literal.
const ORDINARY: &[u8] = b"/index.html /images/ .jpg .jpeg .png .gif .svg .css .json .woff2 .ico .php? .aspx \
    .js? .min.js -min. /static/ /assets/ /media/ /product/ /products/ /category/ /search? /article/ /blog/ /news/ \
    /account/ /user/ /users/ /order/ /orders/ /cart/ /checkout/ /shop/ /page/ /pages/ /item/ /items/ /content/ \
    /uploads/ /download/ /files/ /fonts/ /style /script /themes/ /plugins/ /api/v1/ /api/v2/ ?page= &page= ?id= \
    &sort= &lang= ?ver= &size= &color= ?utm_source= &utm_medium= &utm_campaign= http://www. https:// .com/ .org/ \
    -and- -the- -for- -with- -of- ation ing- tion- ment- ight able-  er- ers- ed- es- ly- -bl -st -sh -ch -co -ca \
    shop store garden table black white green blue red small large price color";

/// The square of how many may share a gram before that counts for something: each is compared wherever the gram
/// stands.
const CROWD: u32 = 8;

/// What it costs to be made of ordinary parts, as compared with the ranks in [`RANKS`].
const IS_ORDINARY: u32 = 100;

/// Bytes of ordinary targets and headers, most common first.
const BY_USE: &[u8] = b"eatoisrnlc/dpmu-hg.1025346789bfyvwk_x=?&jqz:";

/// How common each byte is; 0 for what ordinary texts lack.
const RANKS: [u8; 256] = {
    let mut ranks = [0; 256];
    let mut at = 0;
    while at < BY_USE.len() {
        let byte = BY_USE[at];
        ranks[byte as usize] = (BY_USE.len() - at) as u8;
        ranks[byte.to_ascii_uppercase() as usize] = ranks[byte as usize];
        at += 1;
    }
    ranks
};

/// One literal.
struct Item {
    /// The bytes that it is known by, folded; two for a short one.
    gram: u32,
    /// Where the literal begins among the bytes of all.
    start: u32,
    /// The next literal in the same chain.
    next: u32,
    length: u8,
    /// Where in the literal its gram stands.
    at: u8,
}

/// Literals, ready to be found. `WORDS` of 64 bits tell where the longer ones could stand: some fifty bits for
/// each literal keep almost all ordinary text out.
pub(super) struct Literals<const WORDS: usize> {
    bytes: Vec<u8>,
    items: Vec<Item>,
    heads: Vec<u32>,
    grams: Box<[u64; WORDS]>,
    pairs: Box<[u64; PAIR_WORDS]>,
    /// The bytes that are literals by themselves, in either case.
    singles: ByteSet,
    /// The same if they are no more than two, which the processor looks for at once.
    few: Option<[u8; 2]>,
    /// Some literal is empty, and so in every text.
    everywhere: bool,
}

/// A set of bytes.
#[derive(Default)]
struct ByteSet([u64; 4]);

impl ByteSet {
    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    #[inline]
    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }
}

/// Who is told which literals are in a text.
pub(super) trait Finder {
    /// Whether to say so if a literal is there: not if it is known already.
    fn wants(&self, number: usize) -> bool;

    /// A literal is in the text. Whether to go on.
    fn found(&mut self, number: usize) -> bool;
}

/// Asks whether there is any.
struct Any(bool);

impl Finder for Any {
    #[inline]
    fn wants(&self, _: usize) -> bool {
        true
    }

    #[inline]
    fn found(&mut self, _: usize) -> bool {
        self.0 = true;
        false
    }
}

/// What speaks against a gram while literals are taken.
struct Load<const WORDS: usize> {
    /// For each chain, how many literals are in it.
    shared: Vec<u16>,
    /// The grams of [`ORDINARY`], and some that are taken for them.
    ordinary: Box<[u64; WORDS]>,
}

impl<const WORDS: usize> Literals<WORDS> {
    /// Takes literals; the order gives their numbers. ASCII letters are found in either case.
    pub(super) fn new(literals: &[&[u8]]) -> Literals<WORDS> {
        let mut all = Literals {
            bytes: Vec::with_capacity(literals.iter().map(|literal| literal.len()).sum()),
            items: Vec::with_capacity(literals.len()),
            heads: vec![NONE; (2 * literals.len()).next_power_of_two()],
            grams: Box::new([0; WORDS]),
            pairs: Box::new([0; PAIR_WORDS]),
            singles: ByteSet::default(),
            few: None,
            everywhere: false,
        };
        let mut load = Load {
            shared: vec![0; all.heads.len()],
            ordinary: Box::new([0; WORDS]),
        };
        for part in ORDINARY.windows(GRAM) {
            let (word, bit) = Self::place(folded(part));
            load.ordinary[word] |= bit;
        }
        for literal in literals {
            all.add(literal, &mut load);
        }
        let mut singles = (0..=u8::MAX).filter(|byte| all.singles.has(*byte));
        all.few = match (singles.next(), singles.next(), singles.next()) {
            // where there is none, a byte is looked for that makes no difference
            (first, second, None) => Some([
                first.unwrap_or_default(),
                second.or(first).unwrap_or_default(),
            ]),
            _ => None,
        };
        all
    }

    fn add(&mut self, literal: &[u8], load: &mut Load<WORDS>) {
        let literal = &literal[..literal.len().min(usize::from(u8::MAX))];
        let width = match literal.len() {
            length @ 0..=2 => length,
            length if length < GRAM => 2,
            _ => GRAM,
        };
        let rarest = literal.windows(width.max(1)).enumerate();
        let rarest = rarest.min_by_key(|(_, gram)| {
            let ranks = gram.iter().map(|b| u32::from(RANKS[usize::from(*b)]));
            let gram = first(folded(gram), width);
            let others = u32::from(load.shared[self.chain(gram, width)]);
            let (word, bit) = Self::place(gram);
            let ordinary = width == GRAM && load.ordinary[word] & bit != 0;
            ranks.sum::<u32>() + others * others / CROWD + if ordinary { IS_ORDINARY } else { 0 }
        });
        let (at, gram) = rarest.unwrap_or((0, &[]));
        let gram = first(folded(gram), width);
        match width {
            0 => self.everywhere = true,
            1 => {
                self.singles.add(literal[0].to_ascii_lowercase());
                self.singles.add(literal[0].to_ascii_uppercase());
            }
            2 => {
                let pair = gram as u16 | FOLD as u16;
                self.pairs[usize::from(pair >> 6)] |= 1 << (pair & 63);
            }
            _ => {
                let (word, bit) = Self::place(gram);
                self.grams[word] |= bit;
            }
        }
        let chain = self.chain(gram, width);
        load.shared[chain] = load.shared[chain].saturating_add(1);
        self.items.push(Item {
            gram,
            start: self.bytes.len() as u32,
            next: self.heads[chain],
            length: literal.len() as u8,
            at: at as u8,
        });
        self.heads[chain] = (self.items.len() - 1) as u32;
        self.bytes.extend_from_slice(literal);
    }

    /// The chain of the literals that are known by a gram of some width.
    #[inline]
    fn chain(&self, gram: u32, width: usize) -> usize {
        let key = u64::from(gram) | (width as u64) << 32;
        // the length is a power of two
        (key.wrapping_mul(SPREAD) >> 32) as usize & (self.heads.len() - 1)
    }

    /// The word and the bit that stand for a gram.
    #[inline]
    fn place(gram: u32) -> (usize, u64) {
        let hash = u64::from(gram).wrapping_mul(SPREAD);
        let bits = 64 - WORDS.trailing_zeros();
        let word = (hash >> bits) as usize & (WORDS - 1);
        (word, 1 << (hash >> (bits - 6) & 63))
    }

    /// Whether a literal could be known by these four bytes, or by the first two of them.
    #[inline]
    fn may_stand(&self, window: u32) -> (bool, bool) {
        let (word, bit) = Self::place(window);
        let pair = self.pairs[usize::from(window as u16 >> 6)] >> (window & 63);
        (self.grams[word] & bit != 0, pair & 1 != 0)
    }

    /// Whether one of the literals is in a text.
    #[inline]
    pub(super) fn are_in(&self, text: &[u8]) -> bool {
        let mut any = Any(false);
        self.each(text, &mut any);
        any.0
    }

    /// Hands the number of each literal that is in a text to a finder, for every place unless it does not want
    /// that, until it has enough.
    #[inline]
    pub(super) fn each(&self, text: &[u8], finder: &mut impl Finder) {
        if self.everywhere && !self.chain_finds(text, 0, 0, 0, finder) {
            return;
        }
        if !self.singles_found(text, finder) {
            return;
        }
        for (at, window) in text.windows(GRAM).enumerate() {
            let window = folded(window);
            let widths = self.may_stand(window);
            if (widths.0 | widths.1) && !self.finds(text, at, (window, widths), finder) {
                return;
            }
        }
        // the last places have no four bytes left
        for at in text.len().saturating_sub(GRAM - 1)..text.len() {
            let window = folded(&text[at..]);
            let widths = self.may_stand(window);
            if (widths.0 | widths.1) && !self.finds(text, at, (window, widths), finder) {
                return;
            }
        }
    }

    /// Compares the literals that may be known by the bytes at a place: by four, by fewer, or by both.
    #[cold]
    fn finds(
        &self,
        text: &[u8],
        at: usize,
        (window, (four, fewer)): (u32, (bool, bool)),
        finder: &mut impl Finder,
    ) -> bool {
        let mut look = |width| self.chain_finds(text, at, window, width, finder);
        (!four || look(GRAM)) && (!fewer || look(2))
    }

    /// Literals of one byte: each is handed on once, for some texts have little else.
    #[inline]
    fn singles_found(&self, text: &[u8], finder: &mut impl Finder) -> bool {
        if self
            .few
            .is_some_and(|[a, b]| memchr::memchr2(a, b, text).is_none())
        {
            return true;
        }
        let mut seen = ByteSet::default();
        for (at, byte) in text.iter().enumerate() {
            if self.singles.has(*byte) && !seen.has(*byte) {
                seen.add(*byte);
                if !self.chain_finds(text, at, folded(&[*byte]), 1, finder) {
                    return false;
                }
            }
        }
        true
    }

    fn chain_finds(
        &self,
        text: &[u8],
        at: usize,
        window: u32,
        width: usize,
        finder: &mut impl Finder,
    ) -> bool {
        let gram = first(window, width);
        let mut next = self.heads[self.chain(gram, width)];
        while let Some(item) = self.items.get(next as usize) {
            let number = next as usize;
            next = item.next;
            if item.gram == gram
                && finder.wants(number)
                && self.stands(item, text, at)
                && !finder.found(number)
            {
                return false;
            }
        }
        true
    }

    /// Whether a literal stands in a text so that its gram is at `at`.
    #[inline]
    fn stands(&self, item: &Item, text: &[u8], at: usize) -> bool {
        let start = item.start as usize;
        let literal = &self.bytes[start..start + usize::from(item.length)];
        let here = at.checked_sub(usize::from(item.at));
        here.and_then(|from| text.get(from..from + literal.len()))
            .is_some_and(|there| there.eq_ignore_ascii_case(literal))
    }
}

/// The first four bytes as a number, letters in lower case. What lacks at the end of a text counts as blanks, which
/// no more than lets a literal be compared that is too long.
#[inline]
fn folded(bytes: &[u8]) -> u32 {
    let four = bytes.first_chunk().copied().unwrap_or_else(|| {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        [byte(0), byte(1), byte(2), byte(3)]
    });
    u32::from_le_bytes(four) | FOLD
}

/// The first bytes of a window.
#[inline]
fn first(window: u32, width: usize) -> u32 {
    window & !u32::MAX.checked_shl(8 * width as u32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The plain way: every literal at every place.
    fn plainly(literals: &[Vec<u8>], text: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        for (number, literal) in literals.iter().enumerate() {
            let places = 0..(text.len() + 1).saturating_sub(literal.len());
            let here = |at: usize| text[at..at + literal.len()].eq_ignore_ascii_case(literal);
            if places.into_iter().any(here) {
                found.push(number);
            }
        }
        found
    }

    /// Wants each literal once.
    struct Once(Vec<usize>);

    impl Finder for Once {
        fn wants(&self, number: usize) -> bool {
            !self.0.contains(&number)
        }

        fn found(&mut self, number: usize) -> bool {
            self.0.push(number);
            true
        }
    }

    fn quickly(literals: &[Vec<u8>], text: &[u8]) -> Vec<usize> {
        let slices: Vec<&[u8]> = literals.iter().map(Vec::as_slice).collect();
        let index: Literals<64> = Literals::new(&slices);
        let mut once = Once(Vec::new());
        index.each(text, &mut once);
        let mut found = once.0;
        found.sort_unstable();
        assert_eq!(index.are_in(text), !found.is_empty());
        found
    }

    proptest! {
        #[test]
        fn finds_what_comparing_everywhere_finds(
            literals in prop::collection::vec("[ab@`.\\[{~^\u{0}\u{e9}]{0,6}", 0..12),
            text in "[abAB@`.\\[{~^\u{0}\u{e9}]{0,30}",
        ) {
            let literals: Vec<Vec<u8>> = literals.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(quickly(&literals, text.as_bytes()), plainly(&literals, text.as_bytes()));
        }

        #[test]
        fn finds_pieces_of_a_text_wherever_they_stand(
            text in prop::collection::vec(any::<u8>(), 1..60),
            cuts in prop::collection::vec((0usize..60, 0usize..30), 1..20),
        ) {
            let piece = |(from, length): &(usize, usize)| {
                let from = from % text.len();
                text[from..(from + length).min(text.len())].to_ascii_lowercase()
            };
            let literals: Vec<Vec<u8>> = cuts.iter().map(piece).collect();
            let all: Vec<usize> = (0..literals.len()).collect();
            prop_assert_eq!(quickly(&literals, &text), all);
        }
    }
}

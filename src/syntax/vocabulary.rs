//! Lists of words in which a word is found in one step, whether it is there or not.
//!
//! The compiler makes the tables, so that no start pays for them. Not for what a word means: each list belongs
//! to the grammar that asks.

/// Spreads the bytes of a word over a table: 2^64 divided by the golden ratio (Knuth, The Art of Computer
/// Programming, volume 3, 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Words by a hash of theirs, each with the number of its list. Words with the same place follow one another.
pub struct Vocabulary<const SLOTS: usize> {
    /// Another part of each word's hash, which tells most other words from it; 0 where there is none.
    tags: [u8; SLOTS],
    words: [&'static [u8]; SLOTS],
    lists: [u8; SLOTS],
}

impl<const SLOTS: usize> Vocabulary<SLOTS> {
    /// Takes lists; a word that is in several belongs to the first of them. `SLOTS` is a power of two and at least
    /// twice as many as there are words.
    pub const fn new(lists: &[&[&'static str]]) -> Self {
        assert!(SLOTS.is_power_of_two() && lists.len() <= u8::MAX as usize);
        let mut all = Vocabulary {
            tags: [0; SLOTS],
            words: [&[]; SLOTS],
            lists: [0; SLOTS],
        };
        let mut count = 0;
        let mut list = 0;
        while list < lists.len() {
            let mut at = 0;
            while at < lists[list].len() {
                let word = lists[list][at].as_bytes();
                let (mut slot, tag) = Self::place(word);
                while all.tags[slot] != 0 {
                    slot = (slot + 1) & (SLOTS - 1);
                }
                all.tags[slot] = tag;
                all.words[slot] = word;
                all.lists[slot] = list as u8;
                count += 1;
                assert!(2 * count <= SLOTS);
                at += 1;
            }
            list += 1;
        }
        all
    }

    /// The number of the list that a word is in.
    #[inline]
    pub fn list(&self, word: &[u8]) -> Option<usize> {
        let (mut slot, tag) = Self::place(word);
        while self.tags[slot] != 0 {
            if self.tags[slot] == tag && self.words[slot] == word {
                return Some(usize::from(self.lists[slot]));
            }
            slot = (slot + 1) & (SLOTS - 1);
        }
        None
    }

    /// Whether a word is in one of the lists.
    #[inline]
    pub fn has(&self, word: &[u8]) -> bool {
        self.list(word).is_some()
    }

    /// Where a word would stand, and its tag.
    #[inline]
    const fn place(word: &[u8]) -> (usize, u8) {
        let hash = hash(word);
        ((hash >> 32) as usize & (SLOTS - 1), (hash >> 56) as u8 | 1)
    }
}

/// A hash of the length of a word and of its first and last bytes, which tell words apart well enough.
#[inline]
const fn hash(word: &[u8]) -> u64 {
    let (first, last) = match (word.first_chunk(), word.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (word.first_chunk(), word.last_chunk()) {
            (Some(first), Some(last)) => (
                u32::from_le_bytes(*first) as u64,
                u32::from_le_bytes(*last) as u64,
            ),
            _ => match word {
                [] => (0, 0),
                [first, .., last] => (*first as u64, (word[1] as u64) << 8 | *last as u64),
                [only] => (*only as u64, 0),
            },
        },
    };
    let mixed = (first ^ word.len() as u64).wrapping_mul(SPREAD);
    (mixed.rotate_left(29) ^ last).wrapping_mul(SPREAD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: &[&str] = &["a", "is", "cat", "wget", "printf", "certutil", "apt-cache"];
    const SECOND: &[&str] = &["cat", "cut", "order", "pg_read_file", "pg_read_pile"];
    static BOTH: Vocabulary<32> = Vocabulary::new(&[FIRST, SECOND]);

    #[test]
    fn the_first_list_that_has_a_word_counts() {
        for (number, list) in [FIRST, SECOND].into_iter().enumerate() {
            for word in list {
                let expected = if FIRST.contains(word) { 0 } else { number };
                assert_eq!(BOTH.list(word.as_bytes()), Some(expected), "{word}");
            }
        }
        for word in ["", "b", "as", "cot", "pg_read_mile", "certutils"] {
            assert!(!BOTH.has(word.as_bytes()), "{word}");
        }
    }

    proptest! {
        #[test]
        fn no_other_word_is_in_a_list(word in "[acistuwgeprnf_-]{0,12}") {
            let listed = FIRST.contains(&&word[..]) || SECOND.contains(&&word[..]);
            prop_assert_eq!(BOTH.has(word.as_bytes()), listed);
        }
    }
}

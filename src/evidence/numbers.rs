//! Pages that differ in a number alone (`?t=123`): which ones a client asked for.
//!
//! Forums, shops and archives number what they hold. Who reads all of it asks for numbers that lie close together, each
//! once; who makes up a new address for every request to get past a cache takes numbers that lie anywhere.

use serde::{Deserialize, Serialize};

use crate::evidence::filed::{Lawful, lawful};
use crate::evidence::sketch::Sketch;
use crate::evidence::weight::Weigh;
use crate::merge::Merge;

/// Longest number that names a page: longer ones are times and chance.
const MOST_DIGITS: usize = 9;

/// The numbered pages that a client asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Numbers {
    /// Requests for them.
    pub requests: u32,
    /// Least and greatest number.
    range: Option<(u32, u32)>,
    /// Which, by hash.
    pub pages: Sketch,
}

impl Numbers {
    /// Counts a request for a page, by the hash of its path and query.
    pub fn note(&mut self, page: u64, number: u32) {
        self.requests = self.requests.saturating_add(1);
        self.widen(number, number);
        self.pages.note(page);
    }

    /// How many numbers there are from the least to the greatest.
    pub fn width(&self) -> u64 {
        self.range
            .map_or(0, |(least, most)| u64::from(most - least) + 1)
    }

    fn widen(&mut self, least: u32, most: u32) {
        self.range = Some(match self.range {
            Some((low, high)) => (low.min(least), high.max(most)),
            None => (least, most),
        });
    }
}

impl Weigh for Numbers {
    fn heap_bytes(&self) -> usize {
        self.pages.heap_bytes()
    }
}

impl Lawful for Numbers {
    fn is_lawful(&self) -> bool {
        self.range.is_none_or(|(least, most)| least <= most)
    }
}
lawful!(Numbers);

impl Merge for Numbers {
    fn merge(&mut self, other: Numbers) {
        self.requests = self.requests.saturating_add(other.requests);
        if let Some((least, most)) = other.range {
            self.widen(least, most);
        }
        self.pages.merge(other.pages);
    }
}

/// The number of a query whose first value is one: `t=123`, `t=123&start=15`.
pub fn numbered(query: Option<&[u8]>) -> Option<u32> {
    let query = query?;
    let first = query.split(|byte| *byte == b'&').next()?;
    let value = &first[memchr::memchr(b'=', first)? + 1..];
    if value.is_empty() || value.len() > MOST_DIGITS {
        return None;
    }
    value.iter().try_fold(0u32, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::capped::mix64;

    #[test]
    fn a_number_is_the_first_value_of_a_query() {
        assert_eq!(numbered(Some(b"t=123&start=15")), Some(123));
        assert_eq!(numbered(Some(b"t=999999999")), Some(999_999_999));
        for other in [
            &b""[..],
            b"q=shoes",
            b"t=",
            b"123",
            b"_=1700000000000",
            b"t=12a",
        ] {
            assert_eq!(numbered(Some(other)), None, "{other:?}");
        }
        assert_eq!(numbered(None), None);
    }

    #[test]
    fn parts_are_the_same_as_the_whole() {
        let of = |numbers: std::ops::Range<u32>| {
            let mut found = Numbers::default();
            numbers.for_each(|number| found.note(mix64(u64::from(number)), number));
            found
        };
        let mut merged = of(40..90);
        merged.merge(of(10..40));
        assert_eq!(merged, of(10..90));
        assert_eq!((merged.width(), merged.requests), (80, 80));
    }
}

//! How much one client asked for in each minute, in as few bytes as a flood of hours leaves for each of its clients.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::evidence::filed::{Steps, write_steps};
use crate::evidence::weight::{Weigh, grown};
use crate::merge::Merge;

/// Seconds in a minute.
const MINUTE_S: i64 = 60;

/// Requests by the minute of the clock, for the minutes with any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minutes {
    /// Minutes since the epoch with their requests, in order.
    counts: Vec<(u32, u32)>,
}

impl Minutes {
    /// Counts a request; true for the first of its minute.
    #[inline]
    pub fn note(&mut self, secs: i64) -> bool {
        let minute = minute(secs);
        match self.counts.last_mut() {
            Some((last, count)) if *last == minute => {
                *count = count.saturating_add(1);
                false
            }
            Some((last, _)) if *last > minute => self.note_earlier(minute),
            _ => {
                self.counts.push((minute, 1));
                true
            }
        }
    }

    /// Lines may be out of order.
    #[cold]
    fn note_earlier(&mut self, minute: u32) -> bool {
        match self.counts.binary_search_by_key(&minute, |(at, _)| *at) {
            Ok(at) => {
                self.counts[at].1 = self.counts[at].1.saturating_add(1);
                false
            }
            Err(at) => {
                self.counts.insert(at, (minute, 1));
                true
            }
        }
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.counts.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Requests beyond the first `limit` of each minute.
    pub fn beyond(&self, limit: u64) -> u64 {
        let counts = self.counts.iter();
        counts
            .map(|(_, count)| u64::from(*count).saturating_sub(limit))
            .sum()
    }

    /// Minutes with requests.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// True when nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Bytes of so many minutes on the heap.
    pub fn bytes(minutes: usize) -> usize {
        grown::<(u32, u32)>(minutes)
    }
}

/// The minute of a second; what lies before 1970 counts as one.
fn minute(secs: i64) -> u32 {
    u32::try_from(secs.div_euclid(MINUTE_S).max(0)).unwrap_or(u32::MAX)
}

impl Weigh for Minutes {
    fn heap_bytes(&self) -> usize {
        Minutes::bytes(self.counts.len())
    }
}

impl Serialize for Minutes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_steps(self.counts.iter().copied(), serializer)
    }
}

impl<'de> Deserialize<'de> for Minutes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Minutes, D::Error> {
        Steps::deserialize(deserializer).map(|Steps(counts)| Minutes { counts })
    }
}

impl Merge for Minutes {
    fn merge(&mut self, other: Minutes) {
        let mut theirs = other.counts.into_iter().peekable();
        let Some((first, _)) = theirs.peek() else {
            return;
        };
        // Mostly one of the two is later than the other, but for a minute that was cut.
        let cut = self.counts.partition_point(|(minute, _)| minute < first);
        let mut mine = self.counts.split_off(cut).into_iter().peekable();
        loop {
            let next = match (mine.peek(), theirs.peek()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    let sum = a.1.saturating_add(b.1);
                    mine.next();
                    theirs.next().map(|(minute, _)| (minute, sum))
                }
                (Some(a), Some(b)) if a.0 < b.0 => mine.next(),
                (_, Some(_)) => theirs.next(),
                (_, None) => mine.next(),
            };
            match next {
                Some(next) => self.counts.push(next),
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(seconds: &[i64]) -> Minutes {
        let mut minutes = Minutes::default();
        let mut new = 0;
        for second in seconds {
            new += usize::from(minutes.note(*second));
        }
        assert_eq!(new, minutes.len());
        minutes
    }

    #[test]
    fn what_is_beyond_a_limit_is_counted_minute_by_minute() {
        let minutes = count(&[0, 1, 59, 60, 61, 180, -5, 2]);
        assert_eq!((minutes.len(), minutes.requests()), (3, 8));
        assert_eq!(
            [0, 1, 2, 4, 5].map(|limit| minutes.beyond(limit)),
            [8, 5, 3, 1, 0]
        );
    }

    proptest! {
        #[test]
        fn neither_order_nor_cuts_matter(seconds in prop::collection::vec(0i64..2_000, 0..60), cut in 0usize..60) {
            let mut sorted = seconds.clone();
            sorted.sort_unstable();
            let whole = count(&sorted);
            prop_assert_eq!(&count(&seconds), &whole);
            let (left, right) = seconds.split_at(cut.min(seconds.len()));
            let mut merged = count(left);
            merged.merge(count(right));
            prop_assert_eq!(merged, whole);
        }
    }
}

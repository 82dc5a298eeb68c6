//! A handful of values and how often each occurred, in fixed space.

use crate::merge::Merge;

/// Counts of a few hashed values: exact up to [`SKETCH_VALUES`] distinct ones, beyond that of the
/// values with the smallest hashes (a sample that does not depend on the order of arrival).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    sorted: Vec<(u64, u32)>,
}

/// Values a sketch keeps.
pub const SKETCH_VALUES: usize = 16;

impl Sketch {
    /// Counts a value.
    pub fn note(&mut self, hash: u64) {
        self.add(hash, 1);
    }

    /// Distinct values kept: all of them up to [`SKETCH_VALUES`].
    pub fn distinct(&self) -> usize {
        self.sorted.len()
    }

    /// Kept values and their counts.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.sorted.iter().copied()
    }

    fn add(&mut self, hash: u64, count: u32) {
        match self.sorted.binary_search_by_key(&hash, |(kept, _)| *kept) {
            Ok(at) => self.sorted[at].1 += count,
            Err(at) if at < SKETCH_VALUES => {
                self.sorted.insert(at, (hash, count));
                self.sorted.truncate(SKETCH_VALUES);
            }
            Err(_) => {}
        }
    }
}

impl Merge for Sketch {
    fn merge(&mut self, other: Sketch) {
        for (hash, count) in other.sorted {
            self.add(hash, count);
        }
    }
}

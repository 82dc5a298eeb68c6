//! The first K of something, by time and place, never by arrival.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::evidence::filed::{hold, is_ascending};
use crate::evidence::weight::{Weigh, grown};
use crate::merge::Merge;
use crate::time::Time;

/// Where a line stands: enough to find it again, small enough to keep by the thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Locator {
    /// The record's time.
    pub time: Time,
    /// Index of the source among the inputs in their sorted order.
    pub source: u32,
    /// Byte offset of the line within the source.
    pub offset: u64,
}

/// Keeps the K smallest different values it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstK<T, const K: usize> {
    sorted: Vec<T>,
}

impl<T, const K: usize> Default for FirstK<T, K> {
    fn default() -> Self {
        FirstK { sorted: Vec::new() }
    }
}

impl<T: Ord, const K: usize> FirstK<T, K> {
    /// Shows it a value.
    pub fn push(&mut self, value: T) {
        if self.sorted.len() == K && self.sorted.last().is_some_and(|last| *last <= value) {
            return;
        }
        if let Err(at) = self.sorted.binary_search(&value) {
            self.sorted.insert(at, value);
            self.sorted.truncate(K);
        }
    }

    /// The values kept, smallest first.
    pub fn as_slice(&self) -> &[T] {
        &self.sorted
    }
}

impl<T: Ord, const K: usize> FirstK<T, K> {
    /// Keeps no more than the `most` smallest.
    pub fn truncate(&mut self, most: usize) {
        if self.sorted.len() > most {
            self.sorted.truncate(most);
            self.sorted.shrink_to_fit();
        }
    }
}

impl<T, const K: usize> Weigh for FirstK<T, K> {
    fn heap_bytes(&self) -> usize {
        grown::<T>(self.sorted.len())
    }
}

impl<T: Serialize, const K: usize> Serialize for FirstK<T, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sorted.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + Ord, const K: usize> Deserialize<'de> for FirstK<T, K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sorted: Vec<T> = Vec::deserialize(deserializer)?;
        let lawful = sorted.len() <= K && is_ascending(&sorted);
        hold(lawful, "more values than are kept, or not in order")?;
        Ok(FirstK { sorted })
    }
}

impl<T: Ord, const K: usize> Merge for FirstK<T, K> {
    fn merge(&mut self, other: Self) {
        for value in other.sorted {
            self.push(value);
        }
    }
}

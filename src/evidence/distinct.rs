//! Distinct clients per bucket: exact below a cap, a sample of known rate above it.
//!
//! The same sampling as `capped`, over (bucket, client) pairs.

mod filed;

use std::collections::BTreeMap;

use crate::evidence::weight::{allocated, tree};
use crate::merge::Merge;

/// Notes of the bucket at hand before repeats are removed: bounds what one crowded bucket can take.
const MAX_AT_HAND: usize = 1 << 18;

/// Leading bits of a hash that a sample can be chosen by.
const MOST_LEVEL: u32 = 63;

/// Hashes of the clients seen in each bucket.
#[derive(Debug, Clone)]
pub struct DistinctPerBucket {
    buckets: BTreeMap<i64, Vec<u64>>,
    current: Option<(i64, Vec<u64>)>,
    pairs: usize,
    level: u32,
    /// Bytes taken at most.
    most: usize,
}

impl DistinctPerBucket {
    /// Nothing noted yet, and room for so many bytes.
    pub fn new(bytes: usize) -> DistinctPerBucket {
        DistinctPerBucket {
            buckets: BTreeMap::new(),
            current: None,
            pairs: 0,
            level: 0,
            most: bytes,
        }
    }

    /// Bytes taken, without the bucket at hand.
    pub fn weight(&self) -> usize {
        self.pairs * size_of::<u64>()
            + self.buckets.len() * (tree::<i64, Vec<u64>>(1) + allocated(1))
    }

    /// Pairs kept.
    pub fn len(&self) -> usize {
        self.pairs
    }

    /// True when nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.pairs == 0
    }

    /// Keeps no more than `other` does, so that both are the same sample.
    pub fn sample_like(&mut self, other: &DistinctPerBucket) {
        while self.level < other.level {
            self.raise_level();
        }
    }

    /// Notes a client (by its stable hash) in a bucket; the same pair may be noted again.
    #[inline]
    pub fn note(&mut self, bucket: i64, hash: u64) {
        if hash.leading_zeros() < self.level {
            return;
        }
        match &mut self.current {
            Some((at, hashes)) if *at == bucket && hashes.len() < MAX_AT_HAND => hashes.push(hash),
            _ => {
                self.flush();
                self.current = Some((bucket, vec![hash]));
            }
        }
    }

    /// Files the bucket at hand. Call before reading.
    pub fn flush(&mut self) {
        if let Some((bucket, mut hashes)) = self.current.take() {
            hashes.sort_unstable();
            hashes.dedup();
            self.put(bucket, hashes);
        }
    }

    /// The distinct clients of each bucket from `first` to `last`, summed up.
    pub fn between(&self, first: i64, last: i64) -> u64 {
        let buckets = self.buckets.range(first..=last.max(first));
        (buckets.map(|(_, hashes)| hashes.len() as u64).sum::<u64>()) << self.level
    }

    /// Distinct clients in a bucket.
    pub fn count(&self, bucket: i64) -> u64 {
        (self.buckets.get(&bucket).map_or(0, Vec::len) as u64) << self.level
    }

    /// One client in so many is kept.
    pub fn one_in(&self) -> u64 {
        1 << self.level
    }

    /// True when the counts are estimates.
    pub fn is_sampled(&self) -> bool {
        self.level > 0
    }

    /// Joins a sorted list without repeats into a bucket.
    fn put(&mut self, bucket: i64, hashes: Vec<u64>) {
        let level = self.level;
        let kept = self.buckets.entry(bucket).or_default();
        self.pairs -= kept.len();
        if kept.is_empty() {
            *kept = hashes;
            kept.retain(|hash| hash.leading_zeros() >= level);
        } else {
            kept.extend(
                hashes
                    .into_iter()
                    .filter(|hash| hash.leading_zeros() >= level),
            );
            kept.sort_unstable();
            kept.dedup();
        }
        kept.shrink_to_fit();
        self.pairs += kept.len();
        if kept.is_empty() {
            self.buckets.remove(&bucket);
        }
        while self.weight() > self.most && self.level < MOST_LEVEL {
            self.raise_level();
        }
    }

    fn raise_level(&mut self) {
        self.level += 1;
        let level = self.level;
        for hashes in self.buckets.values_mut() {
            hashes.retain(|hash| hash.leading_zeros() >= level);
            hashes.shrink_to_fit();
        }
        self.buckets.retain(|_, hashes| !hashes.is_empty());
        self.pairs = self.buckets.values().map(Vec::len).sum();
    }
}

impl Merge for DistinctPerBucket {
    fn merge(&mut self, mut other: Self) {
        self.flush();
        other.flush();
        self.sample_like(&other);
        for (bucket, hashes) in other.buckets {
            self.put(bucket, hashes);
        }
    }
}

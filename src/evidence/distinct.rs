//! Distinct clients per bucket: exact below a cap, a sample of known rate above it.
//!
//! The same sampling as `capped`, over (bucket, client) pairs.

use std::collections::BTreeMap;

use crate::merge::Merge;

/// Pairs kept at most; 8 bytes each.
pub const MAX_PAIRS: usize = 8_000_000;

/// Notes of the bucket at hand before repeats are removed: bounds what one crowded bucket can take.
const MAX_AT_HAND: usize = 1 << 18;

/// Hashes of the clients seen in each bucket.
#[derive(Debug, Clone, Default)]
pub struct DistinctPerBucket {
    buckets: BTreeMap<i64, Vec<u64>>,
    current: Option<(i64, Vec<u64>)>,
    pairs: usize,
    level: u32,
}

impl DistinctPerBucket {
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

    /// Distinct clients in a bucket.
    pub fn count(&self, bucket: i64) -> u64 {
        (self.buckets.get(&bucket).map_or(0, Vec::len) as u64) << self.level
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
        while self.pairs > MAX_PAIRS && self.level < 63 {
            self.raise_level();
        }
    }

    fn raise_level(&mut self) {
        self.level += 1;
        let level = self.level;
        for hashes in self.buckets.values_mut() {
            hashes.retain(|hash| hash.leading_zeros() >= level);
        }
        self.pairs = self.buckets.values().map(Vec::len).sum();
    }
}

impl Merge for DistinctPerBucket {
    fn merge(&mut self, mut other: Self) {
        self.flush();
        other.flush();
        while self.level < other.level {
            self.raise_level();
        }
        for (bucket, hashes) in other.buckets {
            self.put(bucket, hashes);
        }
    }
}

//! A map that never outgrows its cap and still gives the same answer in any order of arrival.
//!
//! Below the cap every count is exact. Above it, the map keeps the keys whose hash begins with
//! `level` zero bits, raising `level` until the keys fit: Gibbons' distinct sampling ("Distinct
//! Sampling for Highly-Accurate Answers to Distinct Values Queries", VLDB 2001). A key that is kept
//! was never dropped, so its counts are exact; the number of all keys is estimated as
//! `kept * 2^level`. A part never needs a higher level than the whole, so the result does not
//! depend on how the input was cut.

mod filed;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::evidence::index::Index;
use crate::evidence::weight::{INDEX_BYTES, Weigh};
use crate::merge::Merge;

/// A key with a hash that is the same on every machine and in every run.
pub trait StableHash {
    /// 64 well-mixed bits.
    fn stable_hash(&self) -> u64;
}

/// The finaliser of MurmurHash3 (Appleby): every input bit reaches every output bit.
pub fn mix64(mut value: u64) -> u64 {
    value ^= value >> 33;
    value = value.wrapping_mul(0xff51_afd7_ed55_8ccd);
    value ^= value >> 33;
    value = value.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

/// What [`mix64`] made this from: shifts by more than half of the bits undo themselves, and odd factors have inverses
/// modulo 2^64.
pub fn unmix64(mut value: u64) -> u64 {
    value ^= value >> 33;
    value = value.wrapping_mul(0x9cb4_b2f8_1293_37db);
    value ^= value >> 33;
    value = value.wrapping_mul(0x4f74_430c_22a5_4005);
    value ^ (value >> 33)
}

impl StableHash for u64 {
    fn stable_hash(&self) -> u64 {
        mix64(*self)
    }
}

impl StableHash for crate::client::Client {
    fn stable_hash(&self) -> u64 {
        let key = self.key();
        mix64((key as u64) ^ mix64((key >> 64) as u64))
    }
}

/// A stable 64-bit hash of a byte string: multiply-fold over 8-byte words, finished by [`mix64`].
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 / golden ratio, as in Fibonacci hashing (Knuth 6.4)
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(MULTIPLIER);
        (product as u64) ^ ((product >> 64) as u64)
    };
    let mut hash = bytes.len() as u64 ^ MULTIPLIER;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        hash = fold(
            hash,
            u64::from_le_bytes(word.try_into().unwrap_or_default()).wrapping_add(MULTIPLIER),
        );
    }
    let mut tail = [0u8; 8];
    let rest = words.remainder();
    tail[..rest.len()].copy_from_slice(rest);
    mix64(fold(hash, u64::from_le_bytes(tail)))
}

/// The map. See the file's header for what happens at the cap.
///
/// Entries stand side by side in the order of their arrival, and an index says by hash where each stands. Most logs name
/// a client several times within seconds, so that its entry is still in the processor's caches; a new one is written
/// behind the last; and room that is not used yet is a few bytes of the index.
#[derive(Debug, Clone)]
pub struct CappedMap<K, V> {
    index: Index,
    entries: Vec<(K, V)>,
    cap: usize,
    level: u32,
}

impl<K: StableHash + Eq + Copy, V> CappedMap<K, V> {
    /// An empty map that holds at most `cap` keys.
    pub fn new(cap: usize) -> Self {
        CappedMap {
            index: Index::default(),
            entries: Vec::new(),
            cap: cap.min(MOST),
            level: 0,
        }
    }

    /// The value of `key`, made if missing; `None` when the key is outside the sample.
    #[inline]
    pub fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> Option<&mut V> {
        self.entry_of(key, key.stable_hash(), make)
    }

    /// The same for who asked for the key's [`candidate`](Self::candidate) before, even if the map has grown since.
    #[inline]
    pub fn entry_at(
        &mut self,
        candidate: Option<u32>,
        key: K,
        hash: u64,
        make: impl FnOnce() -> V,
    ) -> Option<&mut V> {
        match candidate.map(|at| at as usize) {
            Some(at) if self.entries.get(at).is_some_and(|known| known.0 == key) => {
                Some(&mut self.entries[at].1)
            }
            _ => self.entry_of(key, hash, make),
        }
    }

    #[inline]
    fn entry_of(&mut self, key: K, hash: u64, make: impl FnOnce() -> V) -> Option<&mut V> {
        if hash.leading_zeros() < self.level {
            return None;
        }
        let at = match self.find(&key, hash) {
            Some(at) => at as usize,
            None => {
                self.push(hash, (key, make()));
                match self.entries.len() <= self.cap {
                    true => self.entries.len() - 1,
                    false => self.make_room(&key, hash)?,
                }
            }
        };
        Some(&mut self.entries[at].1)
    }

    /// Thins the keys out, and says where this one stands if it was kept.
    #[cold]
    fn make_room(&mut self, key: &K, hash: u64) -> Option<usize> {
        self.raise_level();
        self.find(key, hash).map(|at| at as usize)
    }

    /// Reads what a search for a key with this stable hash begins with. The value means nothing: asked one right after the
    /// other, the cache misses of several keys overlap, which those of searches do not.
    #[inline]
    pub fn peek(&self, hash: u64) -> u64 {
        self.index.peek(short(hash))
    }

    /// Where a key with this stable hash stands, if one that differs from it in the other half of the hash does not stand
    /// before it. See [`peek`](Self::peek).
    #[inline]
    pub fn candidate(&self, hash: u64) -> Option<u32> {
        self.index.find(short(hash), |_| true)
    }

    /// Looks at the entry of a [`candidate`](Self::candidate) through `look`, which should read from both of its ends: it may
    /// lie across lines of the cache.
    #[inline]
    pub fn touch(&self, candidate: Option<u32>, look: impl Fn(&K, &V) -> u64) -> u64 {
        let entry = candidate.and_then(|at| self.entries.get(at as usize));
        entry.map_or(0, |(key, value)| look(key, value))
    }

    /// The value of a [`candidate`](Self::candidate), if the key is the one that was meant.
    #[inline]
    pub fn at(&self, candidate: Option<u32>, key: &K) -> Option<&V> {
        let entry = self.entries.get(candidate? as usize)?;
        (entry.0 == *key).then_some(&entry.1)
    }

    #[inline]
    fn find(&self, key: &K, hash: u64) -> Option<u32> {
        let is_key = |at: u32| self.entries[at as usize].0 == *key;
        self.index.find(short(hash), is_key)
    }

    /// Adds an entry that is not there yet.
    #[inline]
    fn push(&mut self, hash: u64, entry: (K, V)) {
        // At most the cap.
        self.index.insert(short(hash), self.entries.len() as u32);
        self.entries.push(entry);
    }

    /// The value of `key`, if it is kept.
    pub fn get(&self, key: &K) -> Option<&V> {
        let at = self.find(key, key.stable_hash())?;
        Some(&self.entries[at as usize].1)
    }

    /// Keeps no more of the keys than `other` does, so that both are the same sample.
    pub fn sample_like<W>(&mut self, other: &CappedMap<K, W>) {
        if other.level > self.level {
            self.set_level(other.level);
        }
    }

    /// Whether a key would be kept.
    pub fn keeps(&self, key: &K) -> bool {
        in_sample(key, self.level)
    }

    /// The standard error of figures over keys, as a share of them; `None` when they are exact. It is that of a count of so
    /// many independent keys (Gibbons 2001, 3.2).
    pub fn error(&self) -> Option<f64> {
        self.is_sampled()
            .then(|| standard_error(self.entries.len()))
    }

    /// The values of all kept keys, in no order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// Halves the sample; false when it is as small as can be.
    pub fn thin(&mut self) -> bool {
        let more = self.level < MOST_LEVEL;
        if more {
            self.set_level(self.level + 1);
        }
        more
    }

    /// Every kept key, in no order: sort before anything depends on it.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The same for all threads of the pool together.
    pub fn par_iter(&self) -> impl ParallelIterator<Item = (&K, &V)>
    where
        K: Sync,
        V: Sync,
    {
        self.entries.par_iter().map(|(key, value)| (key, value))
    }

    /// Keys kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Distinct keys met: exact below the cap, an estimate above it.
    pub fn distinct(&self) -> u64 {
        self.estimate(self.entries.len())
    }

    /// Of all keys met, how many are like `kept` of those kept.
    pub fn estimate(&self, kept: usize) -> u64 {
        (kept as u64) << self.level
    }

    /// A sum over all keys, from that over those kept.
    pub fn scaled(&self, sum: u64) -> u64 {
        sum.saturating_mul(1 << self.level)
    }

    /// True when the cap was reached, so that figures over keys are estimates.
    pub fn is_sampled(&self) -> bool {
        self.level > 0
    }

    /// Bytes of the entries, without what they have on the heap.
    pub fn flat_weight(&self) -> usize {
        self.entries.len() * (size_of::<(K, V)>() + INDEX_BYTES)
    }

    fn raise_level(&mut self) {
        // 64 bits of hash bound the loop.
        while self.entries.len() > self.cap && self.level < MOST_LEVEL {
            self.set_level(self.level + 1);
        }
    }

    fn set_level(&mut self, level: u32) {
        self.level = level;
        self.entries.retain(|(key, _)| in_sample(key, level));
        self.index.clear();
        for (at, (key, _)) in self.entries.iter().enumerate() {
            self.index.insert(short(key.stable_hash()), at as u32);
        }
    }
}

impl<K: StableHash + Eq + Copy, V: Weigh> CappedMap<K, V> {
    /// Bytes of everything kept.
    pub fn weight(&self) -> usize {
        let values = self.entries.iter().map(|(_, value)| value.heap_bytes());
        self.flat_weight() + values.sum::<usize>()
    }

    /// Keeps what weighs at most `most` bytes. As long as a value never weighs less for being merged with others, the
    /// level does not depend on how the input was cut, whenever this was called for its parts.
    pub fn fit(&mut self, most: usize) {
        // 64 bits of hash bound the loop.
        while self.weight() > most && self.thin() {}
    }
}

fn in_sample<K: StableHash>(key: &K, level: u32) -> bool {
    key.stable_hash().leading_zeros() >= level
}

/// The standard error of a count of so many independent keys, as a share of it.
pub fn standard_error(kept: usize) -> f64 {
    1.0 / (kept.max(1) as f64).sqrt()
}

/// Keys that an index has places for, with one more while the map is being thinned out.
const MOST: usize = u32::MAX as usize - 2;

/// Leading bits of a hash that a sample can be chosen by.
const MOST_LEVEL: u32 = 63;

/// The half of a hash that the index goes by: not the one whose leading bits a sample lacks.
#[inline]
fn short(hash: u64) -> u32 {
    hash as u32
}

/// Entries that are looked for side by side when maps are merged; see [`CappedMap::peek`].
const MERGED_TOGETHER: usize = 64;

impl<K: StableHash + Eq + Copy, V: Merge> Merge for CappedMap<K, V> {
    fn merge(&mut self, mut other: Self) {
        if other.entries.len() > self.entries.len() && other.cap == self.cap {
            std::mem::swap(self, &mut other);
        }
        self.sample_like(&other);
        drop(other.index);
        let mut entries = other.entries.into_iter().peekable();
        let mut batch = Vec::with_capacity(MERGED_TOGETHER);
        // No key comes twice, so that what is not found before a batch is not there later.
        let mut found = Vec::with_capacity(MERGED_TOGETHER);
        while entries.peek().is_some() {
            let next = entries.by_ref().take(MERGED_TOGETHER);
            batch.extend(next.map(|entry| (entry.0.stable_hash(), entry)));
            let peeked = batch.iter().map(|(hash, _)| self.peek(*hash));
            std::hint::black_box(peeked.fold(0, |all, one| all ^ one));
            found.extend(batch.iter().map(|(hash, (key, _))| self.find(key, *hash)));
            for ((hash, (key, value)), found) in batch.drain(..).zip(found.drain(..)) {
                match found {
                    Some(at) => self.entries[at as usize].1.merge(value),
                    None if hash.leading_zeros() < self.level => {}
                    None => self.push(hash, (key, value)),
                }
            }
        }
        self.raise_level();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::filed::again;
    use proptest::prelude::*;

    fn count(keys: &[u64], cap: usize) -> CappedMap<u64, u64> {
        let mut map = CappedMap::new(cap);
        for &key in keys {
            if let Some(value) = map.entry(key, || 0) {
                *value += 1;
            }
        }
        map
    }

    fn sorted(map: &CappedMap<u64, u64>) -> Vec<(u64, u64)> {
        let mut all: Vec<_> = map.iter().map(|(key, value)| (*key, *value)).collect();
        all.sort_unstable();
        all
    }

    proptest! {
        #[test]
        fn mixing_can_be_undone(value: u64) {
            prop_assert_eq!(unmix64(mix64(value)), value);
        }

        #[test]
        fn a_map_that_was_read_is_as_it_was(keys in prop::collection::vec(0u64..500, 0..300), cap in 4usize..200) {
            let mut map = count(&keys, cap);
            let mut read = again(&map);
            prop_assert_eq!(sorted(&read), sorted(&map));
            for map in [&mut map, &mut read] {
                map.merge(count(&[3, 501, 502], cap));
                if let Some(value) = map.entry(7, || 0) {
                    *value += 1;
                }
            }
            prop_assert_eq!(sorted(&read), sorted(&map));
            prop_assert_eq!(read.distinct(), map.distinct());
            prop_assert!(keys.iter().all(|key| read.get(key) == map.get(key)));
        }

        #[test]
        fn the_cut_does_not_matter(keys in prop::collection::vec(0u64..500, 0..600), cut in 0usize..600, cap in 4usize..200) {
            let whole = count(&keys, cap);
            let (left, right) = keys.split_at(cut.min(keys.len()));
            let mut merged = count(left, cap);
            merged.merge(count(right, cap));
            prop_assert_eq!(sorted(&whole), sorted(&merged));
            prop_assert_eq!(whole.distinct(), merged.distinct());
            prop_assert!(whole.len() <= cap);
        }
    }

    /// A map of the level, the cap and the steps given, as a file would have it.
    fn read(cap: usize, level: u32, steps: &[(u64, u64)]) -> Option<CappedMap<u64, u64>> {
        let written = postcard::to_allocvec(&(cap, level, steps)).unwrap();
        postcard::from_bytes(&written).ok()
    }

    #[test]
    fn a_map_that_breaks_its_laws_is_none() {
        assert_eq!(
            sorted(&read(2, 0, &[(5, 1), (2, 1)]).unwrap()),
            [(5, 1), (7, 1)]
        );
        assert!(read(2, 0, &[(5, 1), (0, 1)]).is_none(), "a key twice");
        assert!(
            read(2, 0, &[(5, 1), (u64::MAX, 1)]).is_none(),
            "a key out of order"
        );
        assert!(read(1, 0, &[(5, 1), (2, 1)]).is_none(), "too many keys");
        assert!(read(2, 64, &[]).is_none(), "no such level");
        let zeros = mix64(5).leading_zeros();
        assert!(read(2, zeros, &[(5, 1)]).is_some());
        assert!(
            read(2, zeros + 1, &[(5, 1)]).is_none(),
            "outside of the sample"
        );
    }

    #[test]
    fn a_map_that_is_just_full_needs_no_higher_level() {
        // Filling to the cap, one key more, and back to the cap by sampling: whole and merged must agree
        // on the level at which everything fits.
        let keys: Vec<u64> = (0..200).collect();
        for cap in 4..40 {
            let whole = count(&keys, cap);
            let mut merged = count(&keys[..3], cap);
            merged.merge(count(&keys[3..], cap));
            assert_eq!(sorted(&whole), sorted(&merged), "cap {cap}");
        }
    }

    #[test]
    fn below_the_cap_counts_are_exact_and_above_it_estimated() {
        let keys: Vec<u64> = (0..10_000).collect();
        assert_eq!(count(&keys, 20_000).distinct(), 10_000);
        let sampled = count(&keys, 1_000);
        assert!(sampled.is_sampled());
        // Standard error of distinct sampling is about 1.2 / sqrt(kept): 5% here, so 25% is five sigma.
        assert!(
            (7_500..12_500).contains(&sampled.distinct()),
            "{}",
            sampled.distinct()
        );
    }
}

//! Maps in files: what they keep, in the order of the keys, and at which level. The index is made anew.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CappedMap, MOST, MOST_LEVEL, StableHash, in_sample, short};
use crate::evidence::filed::{StepKey, Steps, hold, write_steps};
use crate::evidence::index::Index;

/// Entries in the order of their keys, as they are written.
struct Sorted<'a, K, V>(&'a [(K, V)]);

impl<K: StepKey, V: Serialize> Serialize for Sorted<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Keys beside places: sorting does not jump about in memory then.
        let keys = self.0.iter().map(|(key, _)| *key);
        let mut order: Vec<(K, u32)> = keys.zip(0..).collect();
        order.sort_unstable();
        let entries = order
            .iter()
            .map(|(key, at)| (*key, &self.0[*at as usize].1));
        write_steps(entries, serializer)
    }
}

impl<K: StepKey, V: Serialize> Serialize for CappedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.cap, self.level, Sorted(&self.entries)).serialize(serializer)
    }
}

impl<'de, K: StepKey + StableHash, V: Deserialize<'de>> Deserialize<'de> for CappedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (cap, level, Steps(entries)): (usize, u32, Steps<K, V>) =
            Deserialize::deserialize(deserializer)?;
        hold(cap <= MOST && level <= MOST_LEVEL, "no sample")?;
        hold(entries.len() <= cap || level == MOST_LEVEL, "too many keys")?;
        let mut index = Index::with_room(entries.len());
        for ((key, _), at) in entries.iter().zip(0..) {
            hold(in_sample(key, level), "a key outside of the sample")?;
            index.insert(short(key.stable_hash()), at);
        }
        Ok(CappedMap {
            index,
            entries,
            cap,
            level,
        })
    }
}

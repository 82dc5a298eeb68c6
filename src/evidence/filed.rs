//! How counts are written to files, and what they are held against when they are read.
//!
//! Files may be damaged, or made by somebody who wants us to fail. Whatever the code relies on (that a list is in order, that
//! a sample keeps to its cap) is therefore made sure of when a value is read; what breaks a law of its type is no value.
//!
//! Entries with keys are written in the order of their keys, each key as its step from the one before it. Addresses of a
//! flood then take two bytes instead of five, minutes one instead of four; no key can be there twice; and equal counts
//! are equal bytes.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::client::Client;

/// Something whose fields depend on each other.
pub trait Lawful {
    /// Works out what follows from what was read.
    fn complete(&mut self) {}

    /// Whether a value that was read is one that could have been counted.
    fn is_lawful(&self) -> bool {
        true
    }
}

/// Writes and reads a type as its derives say (`#[serde(remote = "Self")]`), and refuses what is not [`Lawful`].
macro_rules! lawful {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$type>::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use $crate::evidence::filed::{Lawful, hold};
                let mut read = <$type>::deserialize(deserializer)?;
                read.complete();
                hold(read.is_lawful(), concat!("no ", stringify!($type)))?;
                Ok(read)
            }
        }
    };
}
pub(crate) use lawful;

/// Refuses what breaks a law.
///
/// # Errors
/// `what`, when the law does not hold.
pub fn hold<E: Error>(law: bool, what: &'static str) -> Result<(), E> {
    law.then_some(()).ok_or_else(|| E::custom(what))
}

/// Whether values are in order, and none is there twice.
pub fn is_ascending<T: Ord>(values: impl IntoIterator<Item = T>) -> bool {
    values.into_iter().is_sorted_by(|a, b| a < b)
}

/// A key that can be written as what it is behind another.
pub trait StepKey: Ord + Copy {
    /// What is written.
    type Step: Serialize + DeserializeOwned;

    /// How far it is behind the key before it, if there is one.
    fn step(self, before: Option<Self>) -> Self::Step;

    /// The key so far behind another; `None` if there is none, or if it is not behind it.
    fn behind(before: Option<Self>, step: Self::Step) -> Option<Self>;
}

/// Numbers are written as differences.
macro_rules! differences {
    ($($number:ty),*) => {$(
        impl StepKey for $number {
            type Step = $number;

            fn step(self, before: Option<Self>) -> Self {
                before.map_or(self, |before| self.wrapping_sub(before))
            }

            fn behind(before: Option<Self>, step: Self) -> Option<Self> {
                match before {
                    Some(before) => Some(before.wrapping_add(step)).filter(|key| *key > before),
                    None => Some(step),
                }
            }
        }
    )*};
}
differences!(u32, u64, i64, u128);

impl StepKey for Client {
    type Step = u128;

    fn step(self, before: Option<Client>) -> u128 {
        self.key().step(before.map(Client::key))
    }

    fn behind(before: Option<Client>, step: u128) -> Option<Client> {
        u128::behind(before.map(Client::key), step).map(Client::from_key)
    }
}

/// Writes entries that are in the order of their keys.
///
/// # Errors
/// Those of the serializer.
pub fn write_steps<K: StepKey, V: Serialize, S: Serializer>(
    entries: impl ExactSizeIterator<Item = (K, V)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut written = serializer.serialize_seq(Some(entries.len()))?;
    let mut before = None;
    for (key, value) in entries {
        written.serialize_element(&(key.step(before), value))?;
        before = Some(key);
    }
    written.end()
}

/// Entries that [`write_steps`] wrote.
pub struct Steps<K, V>(pub Vec<(K, V)>);

impl<'de, K: StepKey, V: Deserialize<'de>> Deserialize<'de> for Steps<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = deserializer.deserialize_seq(StepsVisitor(PhantomData))?;
        Ok(Steps(entries))
    }
}

struct StepsVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K: StepKey, V: Deserialize<'de>> Visitor<'de> for StepsVisitor<K, V> {
    type Value = Vec<(K, V)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("entries in the order of their keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        /// Bytes that are reserved because a file says how many entries come; whatever is beyond must have come.
        const BELIEVED: usize = 1 << 20;
        let most = BELIEVED / size_of::<(K, V)>().max(1);
        let mut all: Vec<(K, V)> = Vec::with_capacity(entries.size_hint().unwrap_or(0).min(most));
        while let Some((step, value)) = entries.next_element::<(K::Step, V)>()? {
            let before = all.last().map(|(key, _)| *key);
            let key = K::behind(before, step);
            let key = key.ok_or_else(|| A::Error::custom("keys are not in order"))?;
            all.push((key, value));
        }
        Ok(all)
    }
}

/// Texts as bytes, for `#[serde(with = "bytes")]`: serde writes and reads `Box<[u8]>` byte by byte.
pub mod bytes {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    /// Writes a text.
    ///
    /// # Errors
    /// Those of the serializer.
    #[allow(clippy::borrowed_box)] // what serde calls it with
    pub fn serialize<S: Serializer>(text: &Box<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(text)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Box<[u8]>, D::Error> {
        reader.deserialize_byte_buf(Bytes)
    }

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Box<[u8]>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            Ok(bytes.into())
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
            Ok(bytes.into())
        }
    }
}

/// What is read of a value that was written.
#[cfg(test)]
pub fn again<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let written = postcard::to_allocvec(value).unwrap();
    postcard::from_bytes(&written).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::distinct::DistinctPerBucket;
    use crate::evidence::first::FirstK;
    use crate::evidence::histogram::Histogram;
    use crate::evidence::minutes::Minutes;
    use crate::evidence::sketch::Sketch;

    fn read<T: DeserializeOwned>(like: impl Serialize) -> Option<T> {
        postcard::from_bytes(&postcard::to_allocvec(&like).unwrap()).ok()
    }

    #[test]
    fn lists_that_are_not_in_order_or_too_long_are_no_values() {
        assert!(read::<FirstK<u64, 2>>(vec![3u64, 4]).is_some());
        assert!(read::<FirstK<u64, 2>>(vec![4u64, 3]).is_none());
        assert!(read::<FirstK<u64, 2>>(vec![3u64, 4, 5]).is_none());
        let hash = |hash: u64| (hash.to_le_bytes(), 1u32);
        assert_eq!(
            read::<Sketch>(vec![hash(1), hash(2)]).unwrap().distinct(),
            2
        );
        assert!(read::<Sketch>(vec![hash(2), hash(2)]).is_none());
        assert!(read::<Sketch>((1..=17).map(hash).collect::<Vec<_>>()).is_none());
        assert_eq!(
            read::<Minutes>(vec![(9u32, 1u32), (1, 1)]).unwrap().len(),
            2
        );
        assert!(read::<Minutes>(vec![(9u32, 1u32), (0, 1)]).is_none());
    }

    #[test]
    fn sums_and_ranges_that_contradict_each_other_are_no_values() {
        let histogram = |range: Option<(u64, u64)>, count: u64| {
            read::<Histogram>((vec![(3u16, 2u64)], range, count))
        };
        assert_eq!(histogram(Some((3, 3)), 2).unwrap().quantile(0.5), Some(3));
        assert!(histogram(Some((4, 3)), 2).is_none());
        assert!(histogram(None, 2).is_none());
        assert!(histogram(Some((3, 3)), 9).is_none());
    }

    #[test]
    fn clients_come_back_in_their_buckets_and_nowhere_else() {
        let mut clients = DistinctPerBucket::new(4_000);
        for bucket in 29_000_000..29_000_010 {
            (0..bucket % 7 * 20).for_each(|client| {
                clients.note(bucket, crate::evidence::capped::mix64(client as u64));
            });
        }
        clients.flush();
        let mut read = again(&clients);
        assert!(read.is_sampled());
        for clients in [&mut clients, &mut read] {
            clients.note(29_000_003, 1);
            clients.flush();
        }
        let counts = |clients: &DistinctPerBucket| {
            let buckets = 28_999_999..29_000_011;
            buckets
                .map(|bucket| clients.count(bucket))
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(&read), counts(&clients));
        assert_eq!(
            (read.len(), read.weight()),
            (clients.len(), clients.weight())
        );
        type Written = (u32, usize, Vec<(i64, ())>, Vec<(u64, Vec<(u32, ())>)>);
        let written = |level: u32, index: u32| -> Written {
            (level, 4_000, vec![(7, ())], vec![(5, vec![(index, ())])])
        };
        let is_read = |written: Written| super::tests::read::<DistinctPerBucket>(written).is_some();
        assert!(is_read(written(0, 0)));
        assert!(!is_read(written(0, 1)) && !is_read(written(40, 0)) && !is_read(written(64, 0)));
        assert!(!is_read((0, 4_000, vec![(7, ())], Vec::new())));
        assert!(!is_read((0, 1, vec![(7, ())], vec![(5, vec![(0, ())])])));
    }
}

//! Clients by the bucket in files: for each client the buckets that it came in, which takes a byte or two for each where the
//! hashes of each bucket's clients would take eight.
//!
//! A client is written as what its hash was made from. Of IPv4 addresses that is the address, and those of a flood are close
//! together.

use std::fmt;

use rayon::slice::ParallelSliceMut;
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DistinctPerBucket, MOST_LEVEL};
use crate::evidence::capped::{mix64, unmix64};
use crate::evidence::filed::{StepKey, Steps, hold, write_steps};

/// Clients with the indices of their buckets, sorted.
struct Pairs(Vec<(u64, u32)>);

/// The numbers of all buckets.
struct Numbers<'a>(&'a DistinctPerBucket);

/// The indices of one client's buckets.
struct Indices<'a>(&'a [(u64, u32)]);

impl Serialize for Pairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let clients: Vec<_> = self.0.chunk_by(|a, b| a.0 == b.0).collect();
        let clients = clients.into_iter();
        write_steps(
            clients.map(|pairs| (pairs[0].0, Indices(pairs))),
            serializer,
        )
    }
}

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_steps(
            self.0.buckets.keys().map(|bucket| (*bucket, ())),
            serializer,
        )
    }
}

impl Serialize for Indices<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_steps(self.0.iter().map(|(_, index)| (*index, ())), serializer)
    }
}

/// To be flushed before.
impl Serialize for DistinctPerBucket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.current.is_some() {
            return Err(S::Error::custom(
                "clients by the bucket that were not flushed",
            ));
        }
        let buckets = self.buckets.values().zip(0..);
        let pairs = buckets.flat_map(|(hashes, index)| {
            let clients = hashes.iter().map(|hash| unmix64(*hash));
            clients.map(move |client| (client, index))
        });
        let mut pairs: Vec<(u64, u32)> = pairs.collect();
        pairs.par_sort_unstable();
        (self.level, self.most, Numbers(self), Pairs(pairs)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DistinctPerBucket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Level, bytes, buckets, clients.
        const FIELDS: usize = 4;
        deserializer.deserialize_tuple(FIELDS, Whole)
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = DistinctPerBucket;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("clients by the bucket")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let missing = || A::Error::custom("clients by the bucket that are not complete");
        let (level, most) = (fields.next_element()?, fields.next_element()?);
        let mut read = DistinctPerBucket::new(most.ok_or_else(missing)?);
        read.level = level.ok_or_else(missing)?;
        hold(read.level <= MOST_LEVEL, "no sample")?;
        let Steps(numbers): Steps<i64, ()> = fields.next_element()?.ok_or_else(missing)?;
        let mut buckets = vec![Vec::new(); numbers.len()];
        let clients = Clients {
            buckets: &mut buckets,
            level: read.level,
        };
        fields.next_element_seed(clients)?.ok_or_else(missing)?;
        for ((bucket, ()), mut hashes) in numbers.into_iter().zip(buckets) {
            hold(!hashes.is_empty(), "a bucket without clients")?;
            hashes.sort_unstable();
            hashes.shrink_to_fit();
            read.pairs += hashes.len();
            read.buckets.insert(bucket, hashes);
        }
        let fits = read.weight() <= read.most || read.level == MOST_LEVEL;
        hold(fits, "more clients than there is room for")?;
        Ok(read)
    }
}

/// Hands clients out to their buckets as they come.
struct Clients<'a> {
    buckets: &'a mut [Vec<u64>],
    level: u32,
}

impl<'de> DeserializeSeed<'de> for Clients<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Clients<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("clients with their buckets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut clients: A) -> Result<(), A::Error> {
        let mut before = None;
        while let Some((step, Steps(indices))) = clients.next_element::<(u64, Steps<u32, ()>)>()? {
            before = u64::behind(before, step);
            let client = before.ok_or_else(|| A::Error::custom("clients are not in order"))?;
            let hash = mix64(client);
            hold(
                hash.leading_zeros() >= self.level,
                "a client outside of the sample",
            )?;
            for (index, ()) in indices {
                let bucket = self.buckets.get_mut(index as usize);
                let bucket = bucket.ok_or_else(|| A::Error::custom("no such bucket"))?;
                bucket.push(hash);
            }
        }
        Ok(())
    }
}

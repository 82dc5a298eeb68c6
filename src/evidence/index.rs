//! Where entries of a table stand, by hash: what a map is beside its entries.
//!
//! Open addressing with linear probing (Knuth 6.4, algorithm L) over words of half a hash and half a place. Slots follow
//! each other in the order of the hashes, so that growing copies from front to back. hashbrown looks at two distant
//! lines of memory where this looks at one, and cannot be asked to fetch one ahead: on millions of clients that is
//! most of the time of counting.

/// A slot that nothing stands in. Not zero: memory that is zero from the system is shared until it is written to, and to read
/// each page first and write to it then costs two faults, and a message to all other processors.
const FREE: u64 = u64::MAX;

/// Slots of the smallest index.
const LEAST_SLOTS: usize = 16;

/// Occupied at most: 3 of 4 slots. A search in vain then meets 8.5 slots on average (Knuth 6.4), which is a line of
/// memory.
const LOAD: (usize, usize) = (3, 4);

/// An index of places below 2^32 - 1. It holds no keys: who searches says which place is meant.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// [`FREE`], or the hash and the place.
    slots: Vec<u64>,
    len: usize,
}

impl Index {
    /// An empty index with room for so many places, as if they had been added one by one.
    pub fn with_room(places: usize) -> Index {
        let mut slots = LEAST_SLOTS;
        while places * LOAD.1 > slots * LOAD.0 {
            slots *= 2;
        }
        Index {
            slots: vec![FREE; slots],
            len: 0,
        }
    }

    /// Reads what stands where a search for this hash begins, so that it is near when the search comes. The value
    /// means nothing.
    #[inline]
    pub fn peek(&self, hash: u32) -> u64 {
        match self.slots.is_empty() {
            true => 0,
            false => self.slots[self.home(hash)],
        }
    }

    /// A place with this hash that `is_meant`.
    #[inline]
    pub fn find(&self, hash: u32, is_meant: impl Fn(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mut slot = self.home(hash);
        loop {
            let (known, place) = read(self.slots[slot])?;
            if known == hash && is_meant(place) {
                return Some(place);
            }
            slot = self.after(slot);
        }
    }

    /// Adds a place that is not there yet.
    #[inline]
    pub fn insert(&mut self, hash: u32, place: u32) {
        if (self.len + 1) * LOAD.1 > self.slots.len() * LOAD.0 {
            self.grow();
        }
        self.put(write(hash, place));
        self.len += 1;
    }

    /// Forgets everything, and keeps the room.
    pub fn clear(&mut self) {
        self.slots.fill(FREE);
        self.len = 0;
    }

    /// The slot at which a search begins: the hash, scaled down to the number of slots.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> u32::BITS) as usize
    }

    #[inline]
    fn after(&self, slot: usize) -> usize {
        match slot + 1 == self.slots.len() {
            true => 0,
            false => slot + 1,
        }
    }

    #[inline]
    fn put(&mut self, word: u64) {
        let mut slot = self.home((word >> u32::BITS) as u32);
        while self.slots[slot] != FREE {
            slot = self.after(slot);
        }
        self.slots[slot] = word;
    }

    #[cold]
    fn grow(&mut self) {
        let more = (self.slots.len() * 2).max(LEAST_SLOTS);
        let words = std::mem::replace(&mut self.slots, vec![FREE; more]);
        for word in words.into_iter().filter(|word| *word != FREE) {
            self.put(word);
        }
    }
}

#[inline]
fn write(hash: u32, place: u32) -> u64 {
    u64::from(hash) << u32::BITS | u64::from(place)
}

#[inline]
fn read(word: u64) -> Option<(u32, u32)> {
    (word != FREE).then_some(((word >> u32::BITS) as u32, word as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Few different hashes, at both ends of the slots as well, so that they collide and wrap around.
        #[test]
        fn every_place_is_found_under_its_hash_alone(
            hashes in prop::collection::vec(prop_oneof![0u32..20, u32::MAX - 20..=u32::MAX, any::<u32>()], 0..300),
        ) {
            let mut index = Index::default();
            for (place, hash) in (0..).zip(&hashes) {
                prop_assert_eq!(index.find(*hash, |found| found == place), None);
                index.insert(*hash, place);
            }
            for (place, hash) in (0..).zip(&hashes) {
                prop_assert_eq!(index.find(*hash, |found| found == place), Some(place));
                prop_assert_eq!(index.find(hash.wrapping_add(1), |found| found == place), None);
                let any = index.find(*hash, |_| true).map(|any| hashes[any as usize]);
                prop_assert_eq!(any, Some(*hash));
            }
            index.clear();
            prop_assert!(hashes.iter().all(|hash| index.find(*hash, |_| true).is_none()));
        }
    }
}

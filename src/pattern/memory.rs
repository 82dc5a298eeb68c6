//! A memory of strings that repeat, such as user agents: each is judged once.
//!
//! Bounded by construction. It never changes a verdict, because whole strings are compared.

use std::hash::BuildHasher;

use super::verdict::Match;
use crate::evidence::capped::hash_bytes;

/// Strings of one memory. With [`MEMORY_KEY`] this bounds it to 4 MiB.
const MEMORY_SLOTS: usize = 4096;

/// Slots that a string may use. With one, a few hundred user agents already collide in pairs that
/// drive each other out on every line.
const MEMORY_WAYS: usize = 4;

/// Longest string that is remembered, in bytes.
pub(super) const MEMORY_KEY: usize = 1024;

/// One remembered string and what was found in it.
#[derive(Default)]
pub(super) struct Slot {
    key: Vec<u8>,
    /// The hash by which others count the string, for them.
    pub(super) hash: u64,
    pub(super) matches: Box<[Match]>,
}

/// Where a string may be: what is left of its hash, to look no further at most others, and its slot's place
/// from 1 on; 0 is none.
#[derive(Clone, Copy, Default)]
struct Way {
    tag: u32,
    slot: u32,
}

/// A set-associative memory: a string has a few ways, and takes the one of them that was used least
/// lately. Never wrong, because the whole string is compared. Takes room as strings come.
#[derive(Default)]
pub(super) struct Memory {
    ways: Vec<[Way; MEMORY_WAYS]>,
    slots: Vec<Slot>,
    /// The slot that was asked for last: lines of one client often follow each other.
    last: usize,
    hasher: hashbrown::DefaultHashBuilder,
}

impl Memory {
    /// Whether `key` is remembered, and then the [`last`](Self::last).
    #[inline]
    pub(super) fn recall(&mut self, key: &[u8]) -> bool {
        let same = self
            .slots
            .get(self.last)
            .is_some_and(|slot| slot.key == key);
        same || match self.find(key) {
            Some(slot) => {
                self.last = slot;
                true
            }
            None => false,
        }
    }

    /// The string that was recalled or stored last.
    #[inline]
    pub(super) fn last(&self) -> &Slot {
        &self.slots[self.last]
    }

    #[inline]
    fn find(&mut self, key: &[u8]) -> Option<usize> {
        let (set, tag) = self.place(key);
        let ways = self.ways.get_mut(set)?;
        let slots = &self.slots;
        let holds = |way: &Way| {
            let slot = (way.slot as usize)
                .checked_sub(1)
                .filter(|_| way.tag == tag);
            slot.is_some_and(|slot| slots[slot].key == key)
        };
        let at = ways.iter().position(holds)?;
        ways[..=at].rotate_right(1);
        Some(ways[0].slot as usize - 1)
    }

    /// Remembers what was found in `key`, in place of what its ways were asked for least lately.
    pub(super) fn store(&mut self, key: &[u8], matches: &[Match]) {
        if self.ways.is_empty() {
            self.ways = vec![Default::default(); MEMORY_SLOTS / MEMORY_WAYS];
        }
        let (set, tag) = self.place(key);
        let ways = &mut self.ways[set];
        ways.rotate_right(1);
        if ways[0].slot == 0 {
            self.slots.push(Slot::default());
            ways[0].slot = self.slots.len() as u32;
        }
        ways[0].tag = tag;
        self.last = ways[0].slot as usize - 1;
        let slot = &mut self.slots[self.last];
        slot.key.clear();
        slot.key.extend_from_slice(key);
        slot.hash = hash_bytes(key);
        slot.matches = matches.into();
    }

    /// The ways of a string, and its tag.
    #[inline]
    fn place(&self, key: &[u8]) -> (usize, u32) {
        let hash = self.hasher.hash_one(key);
        let set = hash as usize % (MEMORY_SLOTS / MEMORY_WAYS);
        (set, (hash >> 32) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_recalled_until_others_take_its_place() {
        let mut memory = Memory::default();
        assert!(!memory.recall(b""));
        let keys = || (0..2 * MEMORY_SLOTS).map(|number| number.to_string());
        for key in keys() {
            assert!(!memory.recall(key.as_bytes()));
            memory.store(key.as_bytes(), &[]);
            assert!(memory.recall(key.as_bytes()));
        }
        let left = keys().filter(|key| memory.recall(key.as_bytes())).count();
        assert!(left <= MEMORY_SLOTS && left > MEMORY_SLOTS / 2, "{left}");
    }
}

//! A memory of strings that repeat, such as user agents: each is judged once.
//!
//! Bounded by construction. It never changes a verdict, because whole strings are compared.

use super::verdict::Match;

/// Slots of one memory of repeated strings. With [`MEMORY_KEY`] this bounds it to 4 MiB.
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
    known: bool,
    pub(super) matches: Box<[Match]>,
}

/// A set-associative memory: a string has a few slots, and takes the one of them that was used least
/// lately. Bounded by construction, and never wrong, because the whole string is compared.
pub(super) struct Memory {
    slots: Vec<Slot>,
    hasher: hashbrown::DefaultHashBuilder,
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory {
            slots: (0..MEMORY_SLOTS).map(|_| Slot::default()).collect(),
            hasher: Default::default(),
        }
    }

    /// The slot that holds `key`, or the one that it may take.
    #[inline]
    pub(super) fn slot(&mut self, key: &[u8]) -> &mut Slot {
        use std::hash::BuildHasher;
        let hash = self.hasher.hash_one(key);
        let first = hash as usize % (MEMORY_SLOTS / MEMORY_WAYS) * MEMORY_WAYS;
        let ways = &mut self.slots[first..first + MEMORY_WAYS];
        if ways[0].holds(key) {
            return &mut ways[0];
        }
        let at = ways.iter().position(|slot| slot.holds(key));
        ways[..=at.unwrap_or(MEMORY_WAYS - 1)].rotate_right(1);
        &mut ways[0]
    }
}

impl Slot {
    #[inline]
    pub(super) fn holds(&self, key: &[u8]) -> bool {
        self.known && self.key == key
    }

    pub(super) fn store(&mut self, key: &[u8], matches: &[Match]) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.known = true;
        self.matches = matches.into();
    }
}

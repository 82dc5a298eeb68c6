//! How many bytes counts take, so that caps hold in bytes and not in entries that may be of any size.
//!
//! What a value weighs follows from what it holds and not from how it came about: a part never weighs more than the
//! whole that it is merged into. That is what keeps the result the same however the input was cut.

/// Bytes that finding an entry takes beside the entry itself: slots of 8 bytes (`evidence/index`), of which three in eight are
/// occupied when it has just grown.
pub const INDEX_BYTES: usize = 8 * 8 / 3;

/// A B-tree that was filled in order has nodes that are little more than half full (`std`'s have 11 places, of which 6
/// stay occupied).
const TREE_PLACES: usize = 11;
const TREE_FILLED: usize = 6;

/// Something that may have memory of its own on the heap.
pub trait Weigh {
    /// Bytes on the heap, without those of the value itself.
    fn heap_bytes(&self) -> usize;
}

/// Bytes that an allocation of `bytes` takes: those of the common allocators come in steps of 16, and tell their size in
/// another 8.
pub const fn allocated(bytes: usize) -> usize {
    const STEP: usize = 16;
    const HEAD: usize = 8;
    match bytes {
        0 => 0,
        _ => (bytes + HEAD).next_multiple_of(STEP),
    }
}

/// Bytes of a vector that grew to `len` values: room is doubled, so that half of it may be empty.
pub const fn grown<T>(len: usize) -> usize {
    /// What `Vec` begins with, for values of up to 1 KiB.
    const LEAST: usize = 4;
    match len {
        0 => 0,
        1..LEAST => allocated(LEAST * size_of::<T>()),
        _ => allocated(len.next_power_of_two() * size_of::<T>()),
    }
}

/// Bytes of a B-tree of `len` entries.
pub const fn tree<K, V>(len: usize) -> usize {
    len * (size_of::<K>() + size_of::<V>()) * TREE_PLACES / TREE_FILLED
}

impl Weigh for u64 {
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Weigh for Box<[u8]> {
    fn heap_bytes(&self) -> usize {
        allocated(self.len())
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, Weigh::heap_bytes)
    }
}

impl<T: Weigh> Weigh for Box<T> {
    fn heap_bytes(&self) -> usize {
        allocated(size_of::<T>()) + self.as_ref().heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_come_in_steps() {
        assert_eq!([0, 1, 24, 25].map(allocated), [0, 16, 32, 48]);
        assert_eq!([0, 1, 5].map(grown::<u64>), [0, 48, 80]);
    }
}

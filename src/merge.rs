//! What every count can do: take in another count of the same kind.
//!
//! Merging is associative, and commutative where nothing depends on the order of sources. That is
//! what lets the same code serve a chunk, a thread, a file and later a machine.

/// A partial result that can absorb another.
pub trait Merge {
    /// Adds `other` into `self`.
    fn merge(&mut self, other: Self);
}

/// What only one of the two has is kept.
impl<T: Merge> Merge for Option<T> {
    fn merge(&mut self, other: Option<T>) {
        match (self, other) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }
}

impl<T: Merge> Merge for Box<T> {
    fn merge(&mut self, other: Box<T>) {
        self.as_mut().merge(*other);
    }
}

impl Merge for u64 {
    fn merge(&mut self, other: u64) {
        *self = self.saturating_add(other);
    }
}

impl<const N: usize> Merge for [u64; N] {
    fn merge(&mut self, other: [u64; N]) {
        for (mine, theirs) in self.iter_mut().zip(other) {
            mine.merge(theirs);
        }
    }
}

impl Merge for u32 {
    fn merge(&mut self, other: u32) {
        *self = self.saturating_add(other);
    }
}

impl<const N: usize> Merge for [u32; N] {
    fn merge(&mut self, other: [u32; N]) {
        for (mine, theirs) in self.iter_mut().zip(other) {
            *mine = mine.saturating_add(theirs);
        }
    }
}

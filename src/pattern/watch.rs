//! Watching an inspector at work: every text that it looks at, every entry that it tries there.
//!
//! For explanations and for measuring what entries cost. The inspector tells; it never asks, so that
//! nobody who watches can change a verdict.

use super::entry::{Field, PatternId};
use crate::decode::Decoded;

/// What an inspector does, in the order in which it does it.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// The log's escapes were removed from a field.
    Unescaped {
        /// As logged.
        raw: &'a [u8],
        /// Without escapes.
        text: &'a [u8],
    },
    /// A text is judged next; what follows is about it, until the next one.
    Text(Look<'a>),
    /// An entry is tried.
    Tried(PatternId),
    /// The entry's expressions hold; its grammar is asked for a structure.
    Asked,
    /// The entry matched: these bytes of the text, end exclusive.
    Fired {
        /// First byte.
        start: usize,
        /// The byte behind the last one.
        end: usize,
    },
    /// All entries of the text were tried.
    Done,
}

/// A text that is judged.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Whose entries are tried.
    pub field: Field,
    /// The decoded text.
    pub view: &'a Decoded,
    /// The decoded name of the parameter whose value it is.
    pub name: Option<&'a [u8]>,
    /// Whether expressions are tried; not on a part whose whole they have seen.
    pub expressions: bool,
    /// Whether grammars are asked; not on a whole whose parts they will see.
    pub grammars: bool,
}

/// Somebody who watches.
pub trait Watch: Send {
    /// Is told what happens.
    fn told(&mut self, event: Told<'_>);
}

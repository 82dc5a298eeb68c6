//! The embedded packs as the build script left them: read, sorted and with what follows from each entry, so
//! that a start neither parses TOML nor takes expressions apart.
//!
//! `patterns/*.toml` stay the only source: `build.rs` reads them with the code that reads other packs.

use std::borrow::Cow;

use super::entry::{Field, Pattern};
use super::facts::{Facts, GateWords, Loosened};
use crate::category::Category;
use crate::severity::{Confidence, Severity};
use crate::syntax::bytes::Signs;

/// One entry, as it stands in the binary. The fields are those of [`Pattern`] and [`Facts`].
struct Ready {
    place: &'static str,
    id: &'static str,
    title: &'static str,
    category: Category,
    severity: Severity,
    confidence: Confidence,
    technique: Option<&'static str>,
    fields: &'static [Field],
    parameter: Option<&'static str>,
    regex: Option<&'static str>,
    syntax: Option<&'static str>,
    probe: bool,
    why: &'static str,
    references: &'static [&'static str],
    matches: &'static [&'static str],
    ignores: &'static [&'static str],
    tool: Option<&'static str>,
    words: Option<&'static [u8]>,
    structural: bool,
    signs: &'static [Signs],
    loose: Option<(&'static str, usize)>,
}

include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// The packs, by name, as they were written.
pub(super) fn packs() -> &'static [(&'static str, &'static str)] {
    PACKS
}

/// Every entry with what follows from it, and where it stands; sorted by id.
pub(super) fn entries() -> impl Iterator<Item = (Pattern, Facts, &'static str)> {
    ENTRIES.iter().map(|ready| {
        let facts = Facts {
            words: ready.words.map(Cow::Borrowed),
            structural: ready.structural,
            signs: Cow::Borrowed(ready.signs),
            loose: ready.loose.map(|(expression, within)| Loosened {
                expression: expression.into(),
                within,
            }),
        };
        (ready.pattern(), facts, ready.place)
    })
}

/// What the gate looks for: in targets, and in other texts.
pub(super) fn gate() -> [GateWords; 2] {
    GATE.map(|(literals, open)| GateWords {
        literals: Cow::Borrowed(literals),
        open,
    })
}

impl Ready {
    fn pattern(&self) -> Pattern {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Pattern {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            category: self.category,
            severity: self.severity,
            confidence: self.confidence,
            technique: owned(self.technique),
            fields: self.fields.to_vec(),
            parameter: owned(self.parameter),
            regex: owned(self.regex),
            syntax: owned(self.syntax),
            probe: self.probe,
            why: self.why.to_owned(),
            references: list(self.references),
            matches: list(self.matches),
            ignores: list(self.ignores),
            tool: owned(self.tool),
        }
    }
}

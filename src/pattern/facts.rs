//! What follows from an entry about every text that it matches, for the gate and for the search for candidates.
//!
//! Derived for the embedded packs when the program is built (`build.rs` includes this file), so that no
//! start pays for it, and for other packs when they are read.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex_syntax::hir::{HirKind, Look};

use super::entry::{Field, Pattern};
use super::need::{self, Need};
use crate::syntax::bytes::{Signs, is_odd};

/// Literals, each behind its length in one byte.
pub type Packed = Cow<'static, [u8]>;

/// When an entry is tried on a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Where one of these literals is; `None` for an entry that is tried on every text.
    pub words: Option<Packed>,
    /// Also where a byte is odd, for the entry rests on structure.
    pub structural: bool,
    /// Sets of signs: what its expression matches has one of each set.
    pub signs: Cow<'static, [Signs]>,
    /// Its expression without the bounds of long repetitions, if it has any.
    pub loose: Option<Loosened>,
}

/// An expression without the bounds of long repetitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loosened {
    /// It matches whatever the one with bounds does, and more.
    pub expression: Cow<'static, str>,
    /// No match shorter than this, in bytes, exceeds a bound that was left out.
    pub within: usize,
}

/// What the gate looks for in texts of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateWords {
    /// One of these is in every text without an odd byte that an entry matches.
    pub literals: Packed,
    /// From some entry no literal follows, so that everything passes.
    pub open: bool,
}

/// The fields whose texts are cut like a request target.
pub const TARGETS: &[Field] = &[Field::Target, Field::Path, Field::Query];

/// The fields that are looked at as a whole.
pub const TEXTS: &[Field] = &[
    Field::Referer,
    Field::UserAgent,
    Field::Extra,
    Field::Request,
    Field::Line,
];

/// Entities that decode without a semicolon; with one, the semicolon itself opens the gate.
const BARE_ENTITIES: [&str; 4] = ["&amp", "&gt", "&lt", "&quot"];

/// Literals so common in ordinary requests that they say nothing.
const COMMON: &[&str] = &[
    ".php?", ".asp?", ".aspx?", ".jsp?", "/", ".", "-", "_", "=", ":", " ", "?", "&", ",", "~",
    "!", "@", ".php", "php", ".asp", "asp", ".html", "html", ".js", "www", "com", ".com", "src",
    "img", "css", "id", "in", "cat", "page", "url", "index", "http",
];

impl Facts {
    /// Derives them from an entry.
    pub fn of(pattern: &Pattern) -> Facts {
        let expression = pattern.regex.as_deref();
        let literals = expression.and_then(|text| need::of_expression(text, need::by_length));
        // decoding removes what the features of `text` stand for, so that no literal tells of them
        let of_text = |name: &str| name.starts_with("text.");
        let grammar = pattern.syntax.as_deref().filter(|name| !of_text(name));
        let words = || grammar.and_then(|_| need::of_syntax(pattern));
        let structural = literals.is_none() && words().is_some();
        Facts {
            words: literals.or_else(words).map(|need| pack(&need)),
            structural,
            signs: expression.map_or_else(Vec::new, need::signs_of).into(),
            loose: expression
                .and_then(need::loosened)
                .map(|(expression, within)| Loosened {
                    expression: expression.into(),
                    within,
                }),
        }
    }
}

impl GateWords {
    /// Derives them from the entries that look at one of `fields`.
    pub fn of<'p>(patterns: impl Iterator<Item = &'p Pattern>, fields: &[Field]) -> GateWords {
        let entities = BARE_ENTITIES.map(|entity| entity.as_bytes().to_vec());
        let mut literals = BTreeSet::from(entities);
        let mut open = false;
        let looking = |pattern: &&Pattern| fields.iter().any(|field| pattern.looks_at(*field));
        for pattern in patterns.filter(looking) {
            match gate_need(pattern) {
                Some(need) => literals.extend(need),
                None => open = true,
            }
        }
        GateWords {
            literals: pack(&without_longer(literals)),
            open,
        }
    }
}

/// Literals in one piece. Longer ones are cut, which leaves them needed.
fn pack(literals: &[Vec<u8>]) -> Packed {
    let mut packed = Vec::new();
    for literal in literals {
        let length = u8::try_from(literal.len()).unwrap_or(u8::MAX);
        packed.push(length);
        packed.extend_from_slice(&literal[..usize::from(length)]);
    }
    Cow::Owned(packed)
}

/// The literals of one piece.
pub fn unpack(mut packed: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = packed.split_first()?;
        let (literal, rest) = rest.split_at_checked(usize::from(*length))?;
        packed = rest;
        Some(literal)
    })
}

/// Leaves out literals that contain another: where they are, that one is too. This leaves a third of those of
/// the packs.
fn without_longer(all: BTreeSet<Vec<u8>>) -> Vec<Vec<u8>> {
    let shorter = |literal: &[u8]| {
        let starts = 0..literal.len();
        starts.into_iter().any(|start| {
            let ends = start + 1..=literal.len();
            ends.into_iter()
                .any(|end| end - start < literal.len() && all.contains(&literal[start..end]))
        })
    };
    let left = all.iter().filter(|literal| !shorter(literal));
    left.cloned().collect()
}

/// How rarely ordinary requests meet a need: best is one that takes an odd byte in any case.
fn rarity(need: &Need) -> usize {
    need.iter()
        .filter(|literal| !literal.iter().any(|&b| is_odd(b)))
        .map(|literal| {
            let common = COMMON
                .iter()
                .any(|word| word.as_bytes() == literal.as_slice());
            if common { 0 } else { literal.len() }
        })
        .min()
        .unwrap_or(usize::MAX)
}

/// What any text that the entry matches must have; `None` when nothing follows. A literal with an odd
/// byte in it needs no search, nor does one with a byte that is left after decoding: these bytes themselves
/// open the gate.
fn gate_need(pattern: &Pattern) -> Option<Need> {
    let expression = pattern.regex.as_deref();
    let mut need = [
        expression.and_then(|text| need::of_expression(text, rarity)),
        need::of_syntax(pattern),
        pattern.parameter.as_deref().and_then(of_name),
    ]
    .into_iter()
    .flatten()
    .max_by_key(rarity)?;
    let opens = |b: &u8| is_odd(*b) || matches!(b, b'%' | b'+');
    need.retain(|literal| !literal.iter().any(opens));
    Some(need)
}

/// What a target needs for one of its parameters to have a name that matches. A name that is spelled out
/// stands between the sign before it and `=`, which keeps `ant` from being seen in `variant=`.
fn of_name(expression: &str) -> Option<Need> {
    let names = need::parse(expression).and_then(|hir| match hir.kind() {
        HirKind::Concat(parts) => match parts.as_slice() {
            [first, names, last]
                if *first.kind() == HirKind::Look(Look::Start)
                    && *last.kind() == HirKind::Look(Look::End) =>
            {
                need::exact(names)
            }
            _ => None,
        },
        _ => None,
    });
    let Some(names) = names else {
        return need::of_expression(expression, rarity);
    };
    let signs = [&b"?"[..], b"&"];
    let named = |name: Vec<u8>| signs.map(|sign| [sign, &name, b"="].concat());
    Some(names.into_iter().flat_map(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    #[test]
    fn literals_within_others_suffice() {
        let all = words(&["shell", "/shell.php", "c99", "c99", "c9"]);
        let left = without_longer(all.into_iter().collect());
        assert_eq!(left, words(&["c9", "shell"]));
    }

    #[test]
    fn packing_loses_nothing() {
        let literals = words(&["", "a", "select", "\u{e9}"]);
        let packed = pack(&literals);
        assert_eq!(unpack(&packed).collect::<Vec<_>>(), literals);
    }

    #[test]
    fn names_that_are_spelled_out_stand_between_signs() {
        let mut need = of_name("^(?:cmd[0-1]|ant)$").unwrap();
        need.sort();
        let expected = ["&ant=", "&cmd0=", "&cmd1=", "?ant=", "?cmd0=", "?cmd1="];
        assert_eq!(need, words(&expected));
        assert_eq!(
            of_name("^globals|_conf"),
            Some(words(&["_conf", "globals"]))
        );
    }
}

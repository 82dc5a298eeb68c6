//! The gate: a few nanoseconds that spare ordinary requests the whole inspection.
//!
//! It is derived from the patterns, not written beside them. From every expression follows what any
//! text that it matches must contain: a byte that ordinary requests lack, or one of a few literals.
//! A text that contains neither cannot match, so the gate never changes a result. An entry from
//! which nothing follows opens the gate for good: slow, but right.

use aho_corasick::AhoCorasick;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::entry::Pattern;
use crate::decode;
use crate::syntax::{lookup, markup, path, script, shell, sql};

/// Longer texts are always looked at: they are rare, and odd.
const MAX_GATED: usize = 2048;

/// Entities that decode without a semicolon; with one, the semicolon itself opens the gate.
const BARE_ENTITIES: [&str; 4] = ["&amp", "&gt", "&lt", "&quot"];

/// Decides whether a raw text (as logged) needs inspection.
pub struct Gate {
    literals: AhoCorasick,
    open: bool,
}

/// What a text must have to match: an odd byte, or one of these literals.
type Need = Vec<String>;

impl Gate {
    /// Derives the gate from the entries.
    pub fn new(patterns: &[Pattern]) -> Gate {
        let mut literals: Vec<String> = BARE_ENTITIES.map(String::from).to_vec();
        let mut open = false;
        for pattern in patterns {
            match need_of(pattern) {
                Some(need) => literals.extend(need),
                None => open = true,
            }
        }
        literals.sort_unstable();
        literals.dedup();
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(&literals);
        match built {
            Ok(literals) => Gate { literals, open },
            // too many literals for an automaton: every text is looked at
            Err(_) => Gate {
                literals: AhoCorasick::new([""]).expect("one empty literal fits"),
                open: true,
            },
        }
    }

    /// False only if no pattern can match anything decoded from `raw`.
    #[inline]
    pub fn passes(&self, raw: &[u8]) -> bool {
        if self.open || raw.len() > MAX_GATED {
            return true;
        }
        let (kinds, equals, ampersands) = survey(raw);
        if kinds & ODD != 0 || equals > ampersands + 1 {
            return true;
        }
        if kinds & CODED != 0 {
            return self.passes_decoded(raw);
        }
        self.literals.is_match(raw) || hides_text(raw)
    }

    /// The same for text with percent signs, plus signs or non-ASCII bytes.
    #[cold]
    fn passes_decoded(&self, raw: &[u8]) -> bool {
        let plain: Vec<u8> = raw
            .iter()
            .map(|&b| if b == b'+' { b' ' } else { b })
            .collect();
        let mut once = Vec::with_capacity(raw.len());
        let mut folded = Vec::with_capacity(raw.len());
        decode::one_round(&plain, &mut once);
        if once.contains(&0) || once.contains(&b'%') {
            return true;
        }
        decode::fold(&once, &mut folded);
        let (kinds, equals, ampersands) = survey(&folded);
        kinds & ODD != 0
            || equals > ampersands + 1
            || self.literals.is_match(&folded)
            || hides_text(&folded)
    }
}

/// A byte that ordinary requests lack.
const ODD: u8 = 1;
/// A byte that may decode to something else.
const CODED: u8 = 2;

/// The kind of every byte.
const KINDS: [u8; 256] = {
    let mut table = [ODD; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() {
            table[byte] = 0;
        } else if b >= 0x80 {
            table[byte] = CODED;
        }
        byte += 1;
    }
    let plain = b"-_.~/,:@!=&? ";
    let mut at = 0;
    while at < plain.len() {
        table[plain[at] as usize] = 0;
        at += 1;
    }
    table[b'%' as usize] = CODED;
    table[b'+' as usize] = CODED;
    table
};

/// The kinds of bytes in a text, and how many `=` and `&` it has.
#[inline]
fn survey(text: &[u8]) -> (u8, usize, usize) {
    let mut kinds = 0;
    let mut equals = 0;
    let mut ampersands = 0;
    for &byte in text {
        kinds |= KINDS[usize::from(byte)];
        equals += usize::from(byte == b'=');
        ampersands += usize::from(byte == b'&');
    }
    (kinds, equals, ampersands)
}

/// Whether a parameter is base64 of text: what it hides must be looked at.
fn hides_text(text: &[u8]) -> bool {
    let mut out = Vec::new();
    memchr::memchr_iter(b'=', text).any(|at| {
        let value = &text[at + 1..];
        let end = memchr::memchr(b'&', value).unwrap_or(value.len());
        decode::base64_text(&value[..end], &mut out)
    })
}

/// What any text that the entry matches must have; `None` when nothing follows.
fn need_of(pattern: &Pattern) -> Option<Need> {
    let of_regex = |expression: &Option<String>| {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .dot_matches_new_line(true)
            .build()
            .parse(expression.as_deref()?)
            .ok()?;
        need_of_hir(&hir)
    };
    let of_syntax = || {
        let (grammar, _) = pattern.syntax.as_deref()?.split_once('.')?;
        let words: &[&str] = match grammar {
            "sql" => sql::NEEDS,
            "markup" => markup::NEEDS,
            "script" => script::NEEDS,
            "shell" => shell::NEEDS,
            "path" => path::NEEDS,
            "lookup" => lookup::NEEDS,
            _ => return None,
        };
        Some(words.iter().map(|word| (*word).to_string()).collect())
    };
    [
        of_regex(&pattern.regex),
        of_syntax(),
        of_regex(&pattern.parameter),
    ]
    .into_iter()
    .flatten()
    .max_by_key(worth)
}

/// How rarely a need is met by ordinary text: an odd byte alone is best, then long literals.
fn worth(need: &Need) -> usize {
    need.iter().map(String::len).min().unwrap_or(usize::MAX)
}

/// The need of an expression.
fn need_of_hir(hir: &Hir) -> Option<Need> {
    match hir.kind() {
        HirKind::Literal(literal) => need_of_literal(&literal.0),
        HirKind::Class(class) => class_is_odd(class).then(Need::new),
        HirKind::Capture(capture) => need_of_hir(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => need_of_hir(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(need_of_hir).max_by_key(worth),
        HirKind::Alternation(branches) => {
            let mut all = Need::new();
            for branch in branches {
                all.extend(need_of_hir(branch)?);
            }
            Some(all)
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// An odd byte within it, or the literal itself.
fn need_of_literal(literal: &[u8]) -> Option<Need> {
    if literal.iter().any(|&b| KINDS[usize::from(b)] == ODD) {
        return Some(Need::new());
    }
    let text = std::str::from_utf8(literal).ok()?;
    (!text.is_empty()).then(|| vec![text.to_string()])
}

/// Whether every byte of a class is odd.
fn class_is_odd(class: &Class) -> bool {
    let odd = |low: u8, high: u8| (low..=high).all(|b| KINDS[usize::from(b)] == ODD);
    match class {
        Class::Bytes(bytes) => bytes.iter().all(|range| odd(range.start(), range.end())),
        Class::Unicode(unicode) => unicode.iter().all(|range| {
            match (u8::try_from(range.start()), u8::try_from(range.end())) {
                (Ok(low), Ok(high)) => odd(low, high),
                _ => false,
            }
        }),
    }
}

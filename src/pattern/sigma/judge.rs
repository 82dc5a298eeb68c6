//! Asks rules about records: a scan for literals first, then the rules that need one that was found.
//!
//! Rules see a record twice, as logged and decoded, and match if they match either.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use rsigma_eval::{CompiledRule, evaluate_rule};

use super::clue::Clues;
use super::record::{Field, Record, Texts, View};
use crate::event::Access;
use crate::pattern::entry;

/// Up to this many literals the scan for them is a table of states, which is fastest and takes a KiB or two
/// for each byte of a literal.
const MAX_TABLE: usize = 3000;

/// Characters beyond ASCII whose lower case has an ASCII letter: the Kelvin sign, the dotted capital I, and the
/// long s, which expressions take for an s (Unicode CaseFolding.txt). A text with one may match a rule whose
/// literals it lacks.
const FOLDING: [&[u8]; 3] = [
    "\u{212a}".as_bytes(),
    "\u{130}".as_bytes(),
    "\u{17f}".as_bytes(),
];

/// Compiled rules.
#[derive(Default)]
pub struct Rules {
    rules: Vec<(CompiledRule, Clues)>,
    literals: Option<AhoCorasick>,
    /// For each literal, the rules that need it.
    needed_by: Vec<Vec<u16>>,
    /// Rules from which no literal follows: asked about every record.
    always: Vec<u16>,
    /// Which texts beside the target are searched.
    referer: bool,
    agent: bool,
    line: bool,
}

/// A rule that matched.
pub struct Found {
    /// Its index.
    pub rule: usize,
    /// Where.
    pub field: entry::Field,
    /// What is quoted of the record.
    pub matched: String,
    /// Whether it took decoding.
    pub decoded: bool,
}

/// Buffers of one worker.
#[derive(Default)]
pub struct Scratch {
    view: View,
    candidates: Vec<u16>,
}

impl Rules {
    /// Puts rules together, at most 65,535.
    pub(super) fn new(rules: Vec<(CompiledRule, Clues)>) -> Rules {
        let mut by_literal: std::collections::BTreeMap<&[u8], Vec<u16>> = Default::default();
        let mut always = Vec::new();
        for (index, (_, clues)) in (0u16..).zip(&rules) {
            match &clues.need {
                Some(need) => {
                    for literal in need {
                        by_literal.entry(literal).or_default().push(index);
                    }
                }
                None => always.push(index),
            }
        }
        let (literals, mut needed_by): (Vec<&[u8]>, Vec<Vec<u16>>) = by_literal.into_iter().unzip();
        let kind = match literals.len() <= MAX_TABLE {
            true => AhoCorasickKind::DFA,
            false => AhoCorasickKind::ContiguousNFA,
        };
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(kind))
            .build(&literals)
            .ok();
        if automaton.is_none() {
            always = (0u16..).take(rules.len()).collect();
            needed_by.clear();
        }
        let line = rules.iter().any(|(_, clues)| clues.line);
        let uses = |field| line || rules.iter().any(|(_, clues)| clues.fields.contains(&field));
        Rules {
            literals: automaton,
            needed_by,
            always,
            referer: uses(Field::Referer),
            agent: uses(Field::UserAgent),
            line,
            rules,
        }
    }

    /// Hands every rule that matches a record to `sink`, in order. `gated` leaves out rules that cannot match,
    /// and changes nothing else.
    pub fn judge(
        &self,
        access: &Access<'_>,
        gated: bool,
        scratch: &mut Scratch,
        sink: &mut dyn FnMut(Found),
    ) {
        let raw = self.wanted(Texts::raw(access));
        let decoded = scratch.view.decode(raw);
        let candidates = &mut scratch.candidates;
        candidates.clear();
        if gated {
            candidates.extend_from_slice(&self.always);
            self.search(raw, access, candidates);
            if let Some(texts) = decoded {
                self.search(texts, access, candidates);
            }
            candidates.sort_unstable();
            candidates.dedup();
        } else {
            candidates.extend((0u16..).take(self.rules.len()));
        }
        if candidates.is_empty() {
            return;
        }
        let raw = Record::new(access, raw);
        let decoded = decoded.map(|texts| Record::new(access, texts));
        for &index in candidates.iter() {
            let (rule, clues) = &self.rules[usize::from(index)];
            let matches = |record: &&Record<'_>| evaluate_rule(rule, record).is_some();
            let views = [(Some(&raw), false), (decoded.as_ref(), true)];
            let seen = views.into_iter().find_map(|(record, decoded)| {
                let record = record.filter(matches)?;
                Some((record, decoded))
            });
            if let Some((record, decoded)) = seen {
                let (field, matched) = clues.quote(record);
                sink(Found {
                    rule: usize::from(index),
                    field: field.map_or(entry::Field::Line, Field::place),
                    matched,
                    decoded,
                });
            }
        }
    }

    /// The texts that some rule looks at.
    fn wanted<'a>(&self, texts: Texts<'a>) -> Texts<'a> {
        Texts {
            target: texts.target,
            referer: if self.referer { texts.referer } else { b"" },
            agent: if self.agent { texts.agent } else { b"" },
        }
    }

    /// Adds the rules that a literal in the record calls for.
    #[inline]
    fn search(&self, texts: Texts<'_>, access: &Access<'_>, candidates: &mut Vec<u16>) {
        for text in [texts.target, texts.referer, texts.agent] {
            self.search_text(text, candidates);
        }
        if self.line {
            let fields = [
                access.request,
                access.method,
                access.protocol,
                access.client_text,
                access.user.unwrap_or_default(),
                access.vhost.unwrap_or_default(),
                access.extras,
            ];
            for text in fields {
                self.search_text(text, candidates);
            }
        }
    }

    #[inline]
    fn search_text(&self, text: &[u8], candidates: &mut Vec<u16>) {
        if let Some(literals) = &self.literals {
            for found in literals.find_overlapping_iter(text) {
                candidates.extend_from_slice(&self.needed_by[found.pattern().as_usize()]);
                if candidates.len() > self.rules.len() * 2 {
                    candidates.sort_unstable();
                    candidates.dedup();
                }
            }
        }
        if !text.is_ascii() && has_folding(text) {
            candidates.clear();
            candidates.extend((0u16..).take(self.rules.len()));
        }
    }
}

/// See [`FOLDING`].
#[cold]
fn has_folding(text: &[u8]) -> bool {
    FOLDING
        .iter()
        .any(|sign| memchr::memmem::find(text, sign).is_some())
}

impl Found {
    /// The quoted text, at most `limit` bytes of it.
    pub fn quoted(&self, limit: usize) -> Cow<'_, str> {
        let end = (0..=limit.min(self.matched.len()))
            .rev()
            .find(|&at| self.matched.is_char_boundary(at))
            .unwrap_or(0);
        Cow::Borrowed(&self.matched[..end])
    }
}

//! Asks rules about records: a scan for literals first, then the rules that need one that was found.
//!
//! Rules see a record twice, as logged and decoded, and match if they match either.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use hashbrown::HashMap;
use rsigma_eval::{CompiledRule, evaluate_rule};

use super::clue::Clues;
use super::record::{Field, Record, Texts, View};
use crate::event::Access;
use crate::pattern::entry;

/// Up to this many literals the scan for them is a table of states, which is fastest and takes a KiB or two
/// for each byte of a literal.
const MAX_TABLE: usize = 3000;

/// Longest header that is remembered, in bytes, and how many are: at most 4 MiB.
const MAX_KEY: usize = 1024;
const MAX_HEADERS: usize = 4096;

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
    /// Headers that were searched, and the rules that each calls for.
    headers: HashMap<Vec<u8>, Vec<u16>>,
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
        if self.rules.is_empty() {
            return;
        }
        let raw = self.wanted(Texts::raw(access));
        let mut view = std::mem::take(&mut scratch.view);
        let decoded = view.decode(raw);
        scratch.candidates.clear();
        if gated {
            scratch.candidates.extend_from_slice(&self.always);
            scratch.search(self, raw, access);
            if let Some(texts) = decoded {
                scratch.search(self, texts, access);
            }
            scratch.candidates.sort_unstable();
            scratch.candidates.dedup();
        } else {
            let all = (0u16..).take(self.rules.len());
            scratch.candidates.extend(all);
        }
        self.ask(access, raw, decoded, &scratch.candidates, sink);
        scratch.view = view;
    }

    /// Asks rules about a record in both views.
    fn ask(
        &self,
        access: &Access<'_>,
        raw: Texts<'_>,
        decoded: Option<Texts<'_>>,
        candidates: &[u16],
        sink: &mut dyn FnMut(Found),
    ) {
        if candidates.is_empty() {
            return;
        }
        let raw = Record::new(access, raw);
        let decoded = decoded.map(|texts| Record::new(access, texts));
        for &index in candidates {
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

    /// Adds the rules that a literal in a text calls for.
    #[inline]
    fn search_text(&self, text: &[u8], candidates: &mut Vec<u16>) {
        // most texts have none, and to learn that is cheaper than to ask for all
        let literals = self.literals.as_ref();
        if let Some(literals) = literals.filter(|literals| literals.is_match(text)) {
            for found in literals.find_overlapping_iter(text) {
                candidates.extend_from_slice(&self.needed_by[found.pattern().as_usize()]);
                if candidates.len() > self.rules.len() * 2 {
                    candidates.sort_unstable();
                    candidates.dedup();
                }
            }
        }
        if !text.is_ascii() && has_folding(text) {
            candidates.extend((0u16..).take(self.rules.len()));
        }
    }
}

impl Scratch {
    /// Adds the rules that a literal in a record calls for.
    fn search(&mut self, rules: &Rules, texts: Texts<'_>, access: &Access<'_>) {
        rules.search_text(texts.target, &mut self.candidates);
        for text in [texts.referer, texts.agent] {
            self.search_header(rules, text);
        }
        if rules.line {
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
                rules.search_text(text, &mut self.candidates);
            }
        }
    }

    /// The same for a text that many requests repeat: each is searched once.
    fn search_header(&mut self, rules: &Rules, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        if let Some(known) = self.headers.get(text) {
            return self.candidates.extend_from_slice(known);
        }
        let before = self.candidates.len();
        let mut found = std::mem::take(&mut self.candidates);
        let mut own = found.split_off(before);
        rules.search_text(text, &mut own);
        found.extend_from_slice(&own);
        self.candidates = found;
        if text.len() <= MAX_KEY {
            if self.headers.len() >= MAX_HEADERS {
                self.headers.clear();
            }
            own.sort_unstable();
            own.dedup();
            self.headers.insert(text.to_vec(), own);
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

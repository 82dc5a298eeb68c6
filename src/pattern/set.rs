//! The patterns of all packs, compiled: which entries look at which field, and what each needs.
//!
//! Not the judging of records: see `inspector`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use rayon::prelude::*;
use regex::bytes::{Regex, RegexBuilder};

use super::entry::{Field, Pattern, PatternId};
use super::feature::{Syntax, syntax_names};
use super::gate::Gate;
use super::need::{self, Need};
use super::sigma::Loaded;
use super::sigma::judge::Rules;
use crate::error::{Error, Result};

/// Limit on one compiled expression in bytes; a sane entry needs a hundredth.
pub const MAX_COMPILED: usize = 1 << 20;

/// What an entry compiles to.
pub(super) struct Compiled {
    pub(super) syntax: Option<Syntax>,
    pub(super) parameter: Option<Regex>,
    pub(super) regex: Option<LazyRegex>,
}

/// An expression that is compiled when first needed: most entries never are, and starting fast
/// matters. Its syntax and size were checked when it was loaded.
pub(super) struct LazyRegex {
    expression: String,
    compiled: OnceLock<Regex>,
}

impl LazyRegex {
    pub(super) fn get(&self) -> &Regex {
        self.compiled
            .get_or_init(|| compile_regex(&self.expression).expect("checked by `compile_entry`"))
    }
}

/// The entries that look at one field.
pub(super) struct FieldSet {
    /// Finds the literals that expressions need.
    pub(super) literals: Option<AhoCorasick>,
    /// For each literal, the entries that need it.
    pub(super) needed_by: Vec<Vec<u16>>,
    /// Entries that rest on structure: tried on every text with an odd byte.
    pub(super) structural: Vec<u16>,
    /// Entries from which no literal follows: tried on every text.
    pub(super) always: Vec<u16>,
}

/// All patterns, compiled. Shared between workers.
pub struct PatternSet {
    patterns: Vec<Pattern>,
    pub(super) compiled: Vec<Compiled>,
    /// In the order of [`Field::ALL`].
    pub(super) fields: Vec<FieldSet>,
    pub(super) gate: Gate,
    /// Sigma rules, whose entries follow the packs' own.
    pub(super) sigma: Rules,
}

impl PatternSet {
    /// Compiles checked entries, sorted by id. The error names the entry's index and the fault.
    pub fn compile(
        patterns: Vec<Pattern>,
    ) -> std::result::Result<PatternSet, Vec<(usize, String)>> {
        let mut faults = Vec::new();
        let mut compiled = Vec::with_capacity(patterns.len());
        for (index, pattern) in patterns.iter().enumerate() {
            match compile_entry(pattern) {
                Ok(entry) => compiled.push(entry),
                Err(fault) => faults.push((index, fault)),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let needs: Vec<Option<Need>> = patterns
            .iter()
            .map(|pattern| need::of_expression(pattern.regex.as_deref()?, need::by_length))
            .collect();
        // Building automata is what a small log waits for, so every core helps.
        let fields = || {
            let all = Field::ALL.par_iter();
            all.map(|field| compile_field(&patterns, &needs, *field))
                .collect()
        };
        let (fields, gate): (Vec<FieldSet>, Gate) = rayon::join(fields, || Gate::new(&patterns));
        Ok(PatternSet {
            patterns,
            compiled,
            fields,
            gate,
            sigma: Rules::default(),
        })
    }

    /// The same with Sigma rules, which are judged beside the entries of the packs. Replaces those it had.
    ///
    /// # Errors
    /// When there are more entries and rules together than a [`PatternId`] can tell apart.
    pub fn with_sigma(mut self, loaded: Loaded) -> Result<PatternSet> {
        self.patterns.truncate(self.compiled.len());
        self.patterns.extend(loaded.entries);
        if self.patterns.len() > usize::from(u16::MAX) {
            return Err(Error::Usage(format!(
                "{} patterns and Sigma rules are more than {}; drop some",
                self.patterns.len(),
                u16::MAX
            )));
        }
        self.sigma = loaded.rules;
        Ok(self)
    }

    /// The entry of a Sigma rule.
    pub(super) fn sigma_id(&self, rule: usize) -> PatternId {
        PatternId((self.compiled.len() + rule) as u16)
    }

    /// The entries, those of the packs sorted by id, then Sigma rules; [`PatternId`] indexes them.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// What lets requests through.
    #[cfg(test)]
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// One entry.
    pub fn pattern(&self, id: PatternId) -> &Pattern {
        &self.patterns[usize::from(id.0)]
    }
}

/// Compiles an expression for the decoded, lower-case view.
pub fn compile_regex(expression: &str) -> std::result::Result<Regex, String> {
    RegexBuilder::new(expression)
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| gist(&error))
}

/// What an expression's fault comes to: the last of the lines in which the libraries draw it.
fn gist(error: &dyn std::fmt::Display) -> String {
    let drawn = error.to_string();
    let last = drawn.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_string()
}

/// Compiles one entry, checking its expressions.
fn compile_entry(pattern: &Pattern) -> std::result::Result<Compiled, String> {
    if let Some(expression) = &pattern.regex {
        regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(expression)
            .map_err(|error| format!("regex: {}", gist(&error)))?;
    }
    let parameter = match &pattern.parameter {
        Some(expression) => {
            Some(compile_regex(expression).map_err(|error| format!("parameter: {error}"))?)
        }
        None => None,
    };
    let syntax = match &pattern.syntax {
        Some(name) => Some(Syntax::parse(name).ok_or_else(|| {
            format!(
                "syntax {name:?} is not known; use one of {}",
                syntax_names().join(", ")
            )
        })?),
        None => None,
    };
    if pattern.regex.is_none() && syntax.is_none() && parameter.is_none() {
        return Err("nothing to look for; give `regex`, `syntax` or `parameter`".into());
    }
    let regex = pattern.regex.clone().map(|expression| LazyRegex {
        expression,
        compiled: OnceLock::new(),
    });
    Ok(Compiled {
        syntax,
        parameter,
        regex,
    })
}

/// Sorts what looks at one field by the literals that it needs.
fn compile_field(patterns: &[Pattern], needs: &[Option<Need>], field: Field) -> FieldSet {
    let mut by_literal: BTreeMap<Vec<u8>, Vec<u16>> = BTreeMap::new();
    let mut always = Vec::new();
    let mut structural = Vec::new();
    for (index, (pattern, need)) in (0u16..).zip(patterns.iter().zip(needs)) {
        if !pattern.looks_at(field) {
            continue;
        }
        // decoding removes what the features of `text` stand for, so that no literal tells of them
        let of_text = pattern
            .syntax
            .as_deref()
            .is_some_and(|name| name.starts_with("text."));
        let words = need.clone().or_else(|| {
            let words = need::of_syntax(pattern).filter(|_| !of_text)?;
            structural.push(index);
            Some(words)
        });
        match words {
            Some(words) => {
                for word in words {
                    by_literal.entry(word).or_default().push(index);
                }
            }
            None => always.push(index),
        }
    }
    let (literals, needed_by): (Vec<Vec<u8>>, Vec<Vec<u16>>) = by_literal.into_iter().unzip();
    let automaton = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(&literals)
        .ok();
    if automaton.is_none() {
        always.extend(needed_by.iter().flatten());
        always.sort_unstable();
        always.dedup();
    }
    FieldSet {
        literals: automaton,
        needed_by,
        structural,
        always,
    }
}

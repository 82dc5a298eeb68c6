//! The patterns of all packs, compiled: which entries look at which field, and what each needs.
//!
//! Not the judging of records: see `inspector`.

use std::sync::OnceLock;

use regex::bytes::{Match, Regex, RegexBuilder};

use super::candidates::{self, Candidates, EntrySet, GROUPS, Seen};
use super::entry::{Field, Pattern, PatternId};
use super::facts::Facts;
use super::feature::{Analyses, Grammar, Syntax, syntax_names};
use super::gate::Gate;
use super::need;
use super::sigma::Loaded;
use super::sigma::judge::Rules;
use crate::decode::Decoded;
use crate::error::{Error, Result};

/// Limit on one compiled expression in bytes; a sane entry needs a hundredth.
pub const MAX_COMPILED: usize = 1 << 20;

/// What an entry compiles to.
pub(super) struct Compiled {
    pub(super) syntax: Option<Syntax>,
    pub(super) parameter: Option<LazyRegex>,
    pub(super) regex: Option<LazyRegex>,
}

/// An expression that is compiled when first needed: most entries never are, and starting fast
/// matters. Its syntax and size were checked when it was loaded.
pub(super) struct LazyRegex {
    expression: String,
    compiled: OnceLock<Regex>,
    /// The same without bounds of long repetitions, if it has any: an automaton that counts may cost a hundred
    /// times as much as one that does not.
    loose: OnceLock<Option<Loose>>,
}

/// An expression without the bounds of long repetitions.
struct Loose {
    regex: Regex,
    /// No match shorter than this, in bytes, exceeds a bound that was left out.
    within: usize,
}

impl LazyRegex {
    fn new(expression: &str) -> LazyRegex {
        LazyRegex {
            expression: expression.to_owned(),
            compiled: OnceLock::new(),
            loose: OnceLock::new(),
        }
    }

    /// The first match.
    pub(super) fn find<'t>(&self, text: &'t [u8]) -> Option<Match<'t>> {
        let loosened = || {
            let (expression, within) = need::loosened(&self.expression)?;
            let regex = compile_regex(&expression).ok()?;
            Some(Loose { regex, within })
        };
        let Some(loose) = self.loose.get_or_init(loosened) else {
            return self.get().find(text);
        };
        // whatever matches with the bounds matches without them, and in the same order of preference: if the
        // first match without keeps them, it is the first match with them, and else that is no earlier
        let found = loose.regex.find(text)?;
        match found.len() < loose.within {
            true => Some(found),
            false => self.get().find_at(text, found.start()),
        }
    }

    pub(super) fn get(&self) -> &Regex {
        self.compiled
            .get_or_init(|| compile_regex(&self.expression).expect("checked by `compile_entry`"))
    }
}

/// The entries that ask one grammar.
struct Asking {
    all: EntrySet,
    /// Those among them that ask it whatever else they want.
    surely: EntrySet,
}

/// An entry on its way into a set.
pub(super) struct Entry {
    pub(super) pattern: Pattern,
    pub(super) facts: Facts,
    /// The build script and this crate's tests have seen to its expressions.
    pub(super) proved: bool,
}

/// All patterns, compiled. Shared between workers.
pub struct PatternSet {
    patterns: Vec<Pattern>,
    pub(super) compiled: Vec<Compiled>,
    facts: Vec<Facts>,
    /// In the order of [`GROUPS`]. Made when the first text needs it: in most small logs none does.
    candidates: [OnceLock<Candidates>; GROUPS.len()],
    /// In the order of [`Grammar::ALL`].
    grammars: OnceLock<[Asking; Grammar::ALL.len()]>,
    /// The entries that ask for a NUL, and those that ask for character references.
    of_decoding: OnceLock<[EntrySet; 2]>,
    pub(super) gate: Gate,
    /// Sigma rules, whose entries follow the packs' own.
    pub(super) sigma: Rules,
}

impl PatternSet {
    /// Compiles checked entries, sorted by id. The error names the entry's index and the fault.
    pub(super) fn compile(
        entries: Vec<Entry>,
        gate: Gate,
    ) -> std::result::Result<PatternSet, Vec<(usize, String)>> {
        let mut set = PatternSet {
            patterns: Vec::with_capacity(entries.len()),
            compiled: Vec::with_capacity(entries.len()),
            facts: Vec::with_capacity(entries.len()),
            candidates: Default::default(),
            grammars: OnceLock::new(),
            of_decoding: OnceLock::new(),
            gate,
            sigma: Rules::default(),
        };
        let mut faults = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            match compile_entry(&entry.pattern, entry.proved) {
                Ok(compiled) => set.compiled.push(compiled),
                Err(fault) => faults.push((index, fault)),
            }
            set.patterns.push(entry.pattern);
            set.facts.push(entry.facts);
        }
        if faults.is_empty() {
            Ok(set)
        } else {
            Err(faults)
        }
    }

    /// Puts the entries that may match a text of `field` into `into`, and nothing else.
    #[inline]
    pub(super) fn candidates(
        &self,
        field: Field,
        text: &[u8],
        seen: &mut Seen,
        into: &mut EntrySet,
    ) {
        self.candidates_of(field).of(field, text, seen, into);
    }

    /// Takes out of the candidates for a text those that ask a grammar which sees nothing in it, or for what
    /// decoding has not met. Only grammars that some candidate asks in any case are asked.
    pub(super) fn drop_unseen(
        &self,
        candidates: &mut EntrySet,
        analyses: &mut Analyses,
        view: &Decoded,
    ) {
        let of_decoding =
            || [Syntax::Nul, Syntax::References].map(|met| asking(&self.compiled, met));
        let [nuls, references] = self.of_decoding.get_or_init(of_decoding);
        if !view.nul {
            candidates.remove(nuls);
        }
        if !view.references {
            candidates.remove(references);
        }
        let grammars = self.grammars.get_or_init(|| by_grammar(&self.compiled));
        for (grammar, asking) in Grammar::ALL.into_iter().zip(grammars) {
            if candidates.meets(&asking.surely) && !analyses.sees(grammar, view) {
                candidates.remove(&asking.all);
            }
        }
    }

    /// Whether an entry looks at a field.
    pub(super) fn looks_at(&self, index: u16, field: Field) -> bool {
        self.candidates_of(field).looks_at(index, field)
    }

    fn candidates_of(&self, field: Field) -> &Candidates {
        let group = candidates::group(field);
        let patterns = &self.patterns[..self.facts.len()];
        let made = || Candidates::new(patterns, &self.facts, GROUPS[group]);
        self.candidates[group].get_or_init(made)
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
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// One entry.
    pub fn pattern(&self, id: PatternId) -> &Pattern {
        &self.patterns[usize::from(id.0)]
    }
}

/// Sorts entries by the grammar that they ask.
fn by_grammar(compiled: &[Compiled]) -> [Asking; Grammar::ALL.len()] {
    Grammar::ALL.map(|grammar| {
        let none = || EntrySet::with_room(compiled.len());
        let mut asking = Asking {
            all: none(),
            surely: none(),
        };
        for (index, entry) in (0u16..).zip(compiled) {
            if entry.syntax.and_then(Syntax::grammar) == Some(grammar) {
                asking.all.add(index);
                if entry.regex.is_none() && entry.parameter.is_none() {
                    asking.surely.add(index);
                }
            }
        }
        asking
    })
}

/// The entries that ask for one feature.
fn asking(compiled: &[Compiled], feature: Syntax) -> EntrySet {
    let mut all = EntrySet::with_room(compiled.len());
    for (index, entry) in (0u16..).zip(compiled) {
        if entry.syntax == Some(feature) {
            all.add(index);
        }
    }
    all
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

/// Compiles one entry, checking its expressions unless they are proved.
fn compile_entry(pattern: &Pattern, proved: bool) -> std::result::Result<Compiled, String> {
    if let Some(expression) = pattern.regex.as_deref().filter(|_| !proved) {
        regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(expression)
            .map_err(|error| format!("regex: {}", gist(&error)))?;
    }
    if let Some(expression) = pattern.parameter.as_deref().filter(|_| !proved) {
        compile_regex(expression).map_err(|error| format!("parameter: {error}"))?;
    }
    let syntax = match &pattern.syntax {
        Some(name) => Some(Syntax::parse(name).ok_or_else(|| {
            format!(
                "syntax {name:?} is not known; use one of {}",
                syntax_names().join(", ")
            )
        })?),
        None => None,
    };
    if pattern.regex.is_none() && syntax.is_none() && pattern.parameter.is_none() {
        return Err("nothing to look for; give `regex`, `syntax` or `parameter`".into());
    }
    Ok(Compiled {
        syntax,
        parameter: pattern.parameter.as_deref().map(LazyRegex::new),
        regex: pattern.regex.as_deref().map(LazyRegex::new),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts with gaps of every length around the bounds that entries have.
    fn stretched(text: &str) -> impl Iterator<Item = Vec<u8>> {
        let places = (1..text.len()).filter(|at| text.is_char_boundary(*at));
        places.step_by(5).flat_map(move |at| {
            [0usize, 7, 58, 199, 301].map(|gap| {
                let (before, after) = text.split_at(at);
                let filler = "x ".repeat(gap.div_ceil(2));
                let all = [before, &filler[..gap], after, " ", text].concat();
                all.to_ascii_lowercase().into_bytes()
            })
        })
    }

    #[test]
    fn leaving_bounds_out_first_changes_no_match() {
        let (mut with, mut matched) = (0, 0);
        for pattern in crate::pattern::load::embedded().unwrap().patterns() {
            let Some(expression) = &pattern.regex else {
                continue;
            };
            if need::loosened(expression).is_none() {
                continue;
            }
            with += 1;
            let exact = compile_regex(expression).unwrap();
            let lazy = LazyRegex::new(expression);
            for text in pattern.matches.iter().flat_map(|text| stretched(text)) {
                let found = exact.find(&text).map(|found| found.range());
                matched += usize::from(found.is_some());
                assert_eq!(
                    lazy.find(&text).map(|found| found.range()),
                    found,
                    "{}",
                    pattern.id
                );
            }
        }
        assert!(with > 30 && matched > 1000, "{with} {matched}");
    }
}

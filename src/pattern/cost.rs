//! What an entry costs at worst, without a clock: the size of its automaton and what lets it be tried.
//!
//! `regex` searches a text of n bytes with an automaton of m states in O(m·n) ("Untrusted input" in
//! that crate's documentation; Thompson, CACM 11(6), 1968), whatever the text is: nothing is
//! exponential, and every entry is searched for its first match alone, never for all of them. What an
//! author can still do is make m enormous, because a bounded repetition is written out:
//! `(?:[a-z]{1,60}/){1,60}` has seven thousand states. So m is what is bounded here. Finding the literals
//! that entries need is linear too: they have at most 24 bytes, so that no more end in one place, and
//! the candidates that they make are thinned out. The texts and probes are for those who measure; they
//! bring their own clock.

use regex_automata::nfa::thompson::{BuildError, Compiler, Config, NFA, WhichCaptures};
use regex_automata::util::syntax;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::entry::{Pattern, PatternId};
use super::feature::Analyses;
use super::need;
use super::set::PatternSet;
use crate::decode::Decoded;
use crate::syntax::bytes::is_odd;

/// Most states that the automaton of one expression may have: on the longest field that is looked at,
/// 64 KiB, at most 2^28 steps. Of the first 197 expressions within the program half had fewer than 90
/// states, 95 of 100 fewer than 620, and the largest 1,518 (lists of many words), so that whatever an
/// author writes out by hand stays below, and repetitions within repetitions do not.
pub const MAX_STATES: usize = 4096;

/// Longest text that the shortest match of an expression is spelled out to, in bytes.
const MAX_SPELLED: usize = 16 * 1024;

/// Literals of an entry that are woven into one worst-case text.
const WORST_LITERALS: usize = 16;

/// The states of an expression's automaton as the engine builds it: forward, without captures. `None`
/// when there is none, because the expression is faulty or takes a mebibyte.
pub fn states(expression: &str) -> Option<usize> {
    let automaton = automaton(expression).ok()?;
    Some(automaton.states().len())
}

fn automaton(expression: &str) -> Result<NFA, Box<BuildError>> {
    Compiler::new()
        .syntax(
            syntax::Config::new()
                .unicode(false)
                .utf8(false)
                .dot_matches_new_line(true),
        )
        .configure(
            Config::new()
                .utf8(false)
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(super::set::MAX_COMPILED)),
        )
        .build(expression)
        .map_err(Box::new)
}

/// Why an entry's worst case is too far from linear, and what to do; `None` when it is not.
pub fn fault(pattern: &Pattern) -> Option<String> {
    let expressions = [("regex", &pattern.regex), ("parameter", &pattern.parameter)];
    expressions.into_iter().find_map(|(name, expression)| {
        let size = match automaton(expression.as_deref()?) {
            Ok(automaton) => {
                let states = automaton.states().len();
                (states > MAX_STATES).then(|| format!("{states} states"))
            }
            Err(error) => error
                .size_limit()
                .map(|bytes| format!("an automaton of more than {bytes} bytes")),
        }?;
        Some(format!(
            "{name}: {size}, and {MAX_STATES} states are the most: each byte of a text may cost a \
             step for each; lower the bounds of repetitions such as {{1,99}}, or use + or *"
        ))
    })
}

/// What makes an entry dear though it is right; `None` for most.
pub fn note(pattern: &Pattern) -> Option<String> {
    let Some(expression) = &pattern.regex else {
        return (pattern.syntax.is_none()).then(|| {
            "has neither `regex` nor `syntax`: it is tried on every parameter, and every value matches"
                .to_string()
        });
    };
    match need::of_expression(expression, need::by_length) {
        None if pattern.syntax.is_none() => Some(
            "can match without any literal, so that it is tried on every text of its fields; give \
             it a word that must be there"
                .to_string(),
        ),
        None => None,
        Some(literals) => {
            let common: Vec<&Vec<u8>> = literals.iter().filter(is_common).collect();
            (!common.is_empty()).then(|| {
                format!(
                    "needs no more than {}, which most texts have, so that it is tried on most; \
                     give it a longer literal that must be there",
                    shown(&common)
                )
            })
        }
    }
}

/// Whether most texts hold a literal: one byte, and an ordinary one.
fn is_common(literal: &&Vec<u8>) -> bool {
    matches!(literal.as_slice(), [byte] if !is_odd(*byte))
}

/// Literals for people.
fn shown(literals: &[&Vec<u8>]) -> String {
    const SHOWN: usize = 6;
    let more = if literals.len() > SHOWN { " ..." } else { "" };
    let names: Vec<String> = literals
        .iter()
        .take(SHOWN)
        .map(|literal| format!("`{}`", literal.escape_ascii()))
        .collect();
    names.join(" or ") + more
}

/// One entry, ready to be tried on texts that somebody brings.
pub struct Probe<'s> {
    set: &'s PatternSet,
    index: usize,
}

impl<'s> Probe<'s> {
    /// A probe of an entry of `set`; its expression is compiled now.
    pub fn new(set: &'s PatternSet, id: PatternId) -> Probe<'s> {
        let index = usize::from(id.0);
        if let Some(expression) = &set.compiled[index].regex {
            expression.get();
        }
        Probe { set, index }
    }

    /// Tries the entry's expression and grammar on a text, whatever gate and literals would say.
    pub fn matches(&self, view: &Decoded) -> bool {
        let compiled = &self.set.compiled[self.index];
        let expression = compiled
            .regex
            .as_ref()
            .is_none_or(|regex| regex.find(&view.lower).is_some());
        expression
            && compiled
                .syntax
                .is_none_or(|feature| Analyses::default().span(feature, view).is_some())
    }
}

/// Texts that cost the entry much: its literals, again and again, and all but the end of what it
/// matches, its samples and near misses, again and again, so that it must begin anew everywhere. Each has
/// `length` bytes.
pub fn worst_texts(pattern: &Pattern, length: usize) -> Vec<Decoded> {
    let literals: Vec<Vec<u8>> = match &pattern.regex {
        Some(expression) => need::of_expression(expression, need::by_length).unwrap_or_default(),
        None => need::of_syntax(pattern).unwrap_or_default(),
    };
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    pieces.push(
        literals
            .iter()
            .take(WORST_LITERALS)
            .flatten()
            .copied()
            .collect(),
    );
    pieces.extend(pattern.regex.as_deref().and_then(almost));
    pieces.extend(
        pattern
            .ignores
            .iter()
            .chain(&pattern.matches)
            .map(|sample| sample.to_ascii_lowercase().into_bytes()),
    );
    pieces.retain(|piece| !piece.is_empty());
    pieces.iter().map(|piece| repeated(piece, length)).collect()
}

/// A piece repeated up to a length.
fn repeated(piece: &[u8], length: usize) -> Decoded {
    let bytes: Vec<u8> = piece.iter().copied().cycle().take(length).collect();
    let mut view = Decoded::default();
    view.set_plain(&bytes, 0);
    view
}

/// The shortest text that an expression matches, without its last byte.
fn almost(expression: &str) -> Option<Vec<u8>> {
    let hir = need::parse(expression)?;
    let mut text = Vec::new();
    shortest(&hir, &mut text);
    text.pop();
    Some(text)
}

/// Appends a short text that a part matches; cut where it gets long.
fn shortest(hir: &Hir, text: &mut Vec<u8>) {
    if text.len() >= MAX_SPELLED {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(class) => text.extend(first_of(class)),
        HirKind::Capture(capture) => shortest(&capture.sub, text),
        HirKind::Repetition(repetition) => {
            for _ in 0..repetition.min {
                if text.len() >= MAX_SPELLED {
                    return;
                }
                shortest(&repetition.sub, text);
            }
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| shortest(part, text)),
        HirKind::Alternation(branches) => {
            if let Some(branch) = branches.first() {
                shortest(branch, text);
            }
        }
    }
}

/// A character of a class, as bytes.
fn first_of(class: &Class) -> Vec<u8> {
    match class {
        Class::Bytes(ranges) => ranges.iter().next().map(|range| vec![range.start()]),
        Class::Unicode(ranges) => {
            let first = ranges.iter().next();
            first.map(|range| range.start().to_string().into_bytes())
        }
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(regex: &str) -> Pattern {
        let set = crate::pattern::load::embedded().unwrap();
        Pattern {
            regex: Some(regex.to_string()),
            syntax: None,
            parameter: None,
            ..set.patterns()[0].clone()
        }
    }

    #[test]
    fn bounded_repetitions_are_what_counts() {
        assert!(states("abc").unwrap() < 8);
        let (one, ten) = (states("[a-z]").unwrap(), states("[a-z]{10}").unwrap());
        assert!(ten > one + 8, "{one} {ten}");
        let nested = states("(?:[a-z]{1,50}/){1,50}").unwrap();
        assert!(nested > 2500, "{nested}");
        assert_eq!(states("("), None);
    }

    #[test]
    fn entries_within_the_program_stay_below_the_bound() {
        let set = crate::pattern::load::embedded().unwrap();
        for pattern in set.patterns() {
            assert_eq!(fault(pattern), None, "{}", pattern.id);
        }
    }

    #[test]
    fn a_blown_up_entry_is_refused_and_told_why() {
        let told = fault(&entry("select(?:[a-z]{1,99}/){1,99}x")).unwrap();
        assert!(
            told.starts_with("regex: ") && told.contains("4096"),
            "{told}"
        );
        assert_eq!(fault(&entry("select[a-z]+x")), None);
        let named = Pattern {
            parameter: Some("(?:a{1,99}b){1,99}".to_string()),
            ..entry("x")
        };
        assert!(fault(&named).unwrap().starts_with("parameter: "));
    }

    #[test]
    fn entries_that_are_always_tried_are_noted() {
        assert!(
            note(&entry("[a-z]+"))
                .unwrap()
                .contains("without any literal")
        );
        assert!(note(&entry("[/=]")).unwrap().contains("`/` or `=`"));
        // no ordinary text has these
        assert_eq!(note(&entry("[;|]")), None);
        assert_eq!(note(&entry("union[a-z ]+select")), None);
    }

    #[test]
    fn worst_texts_nearly_match() {
        assert_eq!(almost("ab{2}(?:cd|e)[x-z]").unwrap(), b"abbcd");
        let texts = worst_texts(&entry("union all select"), 999);
        assert!(texts.len() >= 2);
        for text in &texts {
            assert_eq!(text.lower.len(), 999);
        }
        assert!(texts[1].lower.starts_with(b"union all selecunion"));
        assert!(!worst_texts(&entry("a{4000000}"), 99).is_empty());
    }

    #[test]
    fn a_probe_says_what_the_inspector_says_of_one_text() {
        let set = crate::pattern::load::embedded().unwrap();
        let index = set
            .patterns()
            .iter()
            .position(|p| p.id == "sql-union")
            .unwrap();
        let probe = Probe::new(&set, PatternId(index as u16));
        let mut view = Decoded::default();
        view.set_plain(b"1' union select password from users--", 1);
        assert!(probe.matches(&view));
        view.set_plain(b"western union select comfort", 0);
        assert!(!probe.matches(&view));
    }
}

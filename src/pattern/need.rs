//! What a text must contain for an expression to match: literals that follow from its syntax.
//!
//! Both the gate and the search for candidates rest on this; neither needs to be told anything by
//! the author of a pattern. They differ in what they call rare, so they bring their own measure.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::entry::Pattern;
use crate::syntax::needs;

/// One of these byte strings is in every text that matches.
pub type Need = Vec<Vec<u8>>;

/// How rarely ordinary text meets a need; higher is better.
pub type Rank = fn(&Need) -> usize;

/// Classes of up to this many bytes are spelled out as literals of one byte.
const MAX_CLASS: usize = 12;

/// Most literals of one need: beyond, searching for them costs more than it saves.
const MAX_LITERALS: usize = 1000;

/// Longest prefix of a literal that is looked for.
const MAX_LITERAL: usize = 24;

/// An expression as it is compiled, in parts; `None` when it is none.
pub(super) fn parse(expression: &str) -> Option<Hir> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .build()
        .parse(expression)
        .ok()
}

/// Repetitions of up to so many rounds are counted where an expression is loosened.
const MAX_COUNTED: u32 = 8;

/// An expression without the bounds of its long repetitions: it matches whatever the given one does, and more.
/// With it comes a length in bytes: shorter matches keep the bounds in any case. `None` when it has no
/// such bounds. Automata that must count begin anew at every place of a text and grow with each; those that
/// need not stay small.
pub(super) fn loosened(expression: &str) -> Option<(String, usize)> {
    let hir = parse(expression)?;
    let mut within = usize::MAX;
    let loose = loosen(&hir, &mut within);
    (loose != hir).then(|| (loose.to_string(), within))
}

fn loosen(hir: &Hir, within: &mut usize) -> Hir {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let sub = &repetition.sub;
            let (min, max) = (repetition.min, repetition.max);
            if min > MAX_COUNTED {
                *within = 0;
            }
            if let Some(max) = max.filter(|max| *max > MAX_COUNTED) {
                // rounds that take no byte are not bounded by a length
                let takes = sub
                    .properties()
                    .minimum_len()
                    .is_some_and(|least| least > 0);
                *within = (*within).min(if takes { max as usize } else { 0 });
            }
            Hir::repetition(Repetition {
                min: min.min(MAX_COUNTED),
                max: max.filter(|max| *max <= MAX_COUNTED),
                greedy: repetition.greedy,
                sub: Box::new(loosen(sub, within)),
            })
        }
        HirKind::Capture(capture) => loosen(&capture.sub, within),
        HirKind::Concat(parts) => {
            Hir::concat(parts.iter().map(|part| loosen(part, within)).collect())
        }
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| loosen(part, within)).collect())
        }
        _ => hir.clone(),
    }
}

/// The best need of an expression; `None` when nothing follows from it.
pub fn of_expression(expression: &str, rank: Rank) -> Option<Need> {
    let hir = parse(expression)?;
    let mut need = of_hir(&hir, rank)?;
    for literal in &mut need {
        literal.truncate(MAX_LITERAL);
    }
    need.sort_unstable();
    need.dedup();
    Some(need)
}

/// The same for an expression over text, with Unicode's classes and cases: the literals are UTF-8 in any case.
pub fn of_text_expression(expression: &str, ignore_case: bool, rank: Rank) -> Option<Need> {
    let hir = regex_syntax::ParserBuilder::new()
        .case_insensitive(ignore_case)
        .build()
        .parse(expression)
        .ok()?;
    of_hir(&hir, rank)
}

/// What a text without odd bytes must contain for the entry's grammar to read it.
pub fn of_syntax(pattern: &Pattern) -> Option<Need> {
    let (grammar, _) = pattern.syntax.as_deref()?.split_once('.')?;
    let words: &[&str] = match grammar {
        "sql" => needs::SQL,
        "markup" => needs::MARKUP,
        "script" => needs::SCRIPT,
        "shell" => needs::SHELL,
        "path" => needs::PATH,
        "lookup" => needs::LOOKUP,
        // the byte itself opens the gate
        "text" => &[],
        _ => return None,
    };
    Some(words.iter().map(|word| word.as_bytes().to_vec()).collect())
}

/// Long literals are rare: the length of the shortest.
pub fn by_length(need: &Need) -> usize {
    need.iter().map(Vec::len).min().unwrap_or(0)
}

/// The need of a parsed expression.
fn of_hir(hir: &Hir, rank: Rank) -> Option<Need> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_vec()]),
        HirKind::Class(class) => of_class(class),
        HirKind::Capture(capture) => of_hir(&capture.sub, rank),
        HirKind::Repetition(repetition) if repetition.min > 0 => of_hir(&repetition.sub, rank),
        HirKind::Concat(parts) => of_concat(parts, rank),
        HirKind::Alternation(branches) => {
            let mut all = Need::new();
            for branch in branches {
                all.extend(of_hir(branch, rank)?);
            }
            (all.len() <= MAX_LITERALS).then_some(all)
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// The best part of a sequence. Neighbours that stand for few texts each are joined to longer ones.
fn of_concat(parts: &[Hir], rank: Rank) -> Option<Need> {
    let mut best: Option<Need> = None;
    let mut offer = |need: Need| {
        if best.as_ref().is_none_or(|known| rank(&need) > rank(known)) {
            best = Some(need);
        }
    };
    let mut joined: Need = vec![Vec::new()];
    for part in parts
        .iter()
        .filter(|part| !matches!(part.kind(), HirKind::Look(_)))
    {
        if let Some(longer) = exact(part).and_then(|next| product(&joined, &next)) {
            joined = longer;
            continue;
        }
        if let Some(longer) = starts(part).and_then(|next| product(&joined, &next)) {
            offer(longer);
        } else if by_length(&joined) > 0 {
            offer(joined);
        }
        if let Some(need) = of_hir(part, rank) {
            offer(need);
        }
        joined = last_round(part).unwrap_or_else(|| vec![Vec::new()]);
    }
    if by_length(&joined) > 0 {
        offer(joined);
    }
    best
}

/// Every left text followed by every right one, if these are few.
fn product(left: &Need, right: &Need) -> Option<Need> {
    (left.len() * right.len() <= MAX_LITERALS).then(|| {
        left.iter()
            .flat_map(|left| right.iter().map(move |right| [&left[..], right].concat()))
            .collect()
    })
}

/// What the end of a part is, if that is few texts: the last round of a repetition.
fn last_round(part: &Hir) -> Option<Need> {
    match part.kind() {
        HirKind::Repetition(repetition) if repetition.min > 0 => exact(&repetition.sub),
        HirKind::Repetition(_) => None,
        _ => exact(part),
    }
}

/// What every text that a part matches begins with; never empty texts.
fn starts(hir: &Hir) -> Option<Need> {
    let all = match hir.kind() {
        HirKind::Literal(literal) => vec![literal.0.to_vec()],
        HirKind::Class(class) => of_class(class)?,
        HirKind::Capture(capture) => starts(&capture.sub)?,
        HirKind::Repetition(repetition) if repetition.min > 0 => starts(&repetition.sub)?,
        HirKind::Alternation(branches) => {
            let mut all = Need::new();
            for branch in branches {
                all.extend(starts(branch)?);
            }
            all
        }
        HirKind::Concat(parts) => {
            let mut all: Need = vec![Vec::new()];
            for part in parts {
                match exact(part).and_then(|next| product(&all, &next)) {
                    Some(longer) => all = longer,
                    None => {
                        if let Some(longer) = starts(part).and_then(|next| product(&all, &next)) {
                            all = longer;
                        }
                        break;
                    }
                }
            }
            all
        }
        _ => return None,
    };
    (all.len() <= MAX_LITERALS && by_length(&all) > 0).then_some(all)
}

/// Every text that a part matches, if these are few; may be the empty one.
pub(super) fn exact(hir: &Hir) -> Option<Need> {
    let all: Need = match hir.kind() {
        HirKind::Empty => vec![Vec::new()],
        HirKind::Literal(literal) => vec![literal.0.to_vec()],
        HirKind::Class(class) => of_class(class)?,
        HirKind::Capture(capture) => exact(&capture.sub)?,
        HirKind::Repetition(repetition) if (repetition.min, repetition.max) == (0, Some(1)) => {
            let mut all = exact(&repetition.sub)?;
            all.push(Vec::new());
            all
        }
        HirKind::Alternation(branches) => {
            let mut all = Need::new();
            for branch in branches {
                all.extend(exact(branch)?);
            }
            all
        }
        HirKind::Concat(parts) => {
            let mut all: Need = vec![Vec::new()];
            for part in parts {
                all = product(&all, &exact(part)?)?;
            }
            all
        }
        _ => return None,
    };
    (all.len() <= MAX_LITERALS).then_some(all)
}

/// The bytes of a small class.
fn of_class(class: &Class) -> Option<Need> {
    let mut bytes = Vec::new();
    match class {
        Class::Bytes(ranges) => {
            for range in ranges.iter() {
                bytes.extend((range.start()..=range.end()).map(|byte| vec![byte]));
            }
        }
        // byte strings that are UTF-8 are folded into such classes
        Class::Unicode(ranges) => {
            for range in ranges.iter() {
                for character in (range.start()..=range.end()).take(MAX_CLASS + 1) {
                    bytes.push(character.to_string().into_bytes());
                }
            }
        }
    }
    (bytes.len() <= MAX_CLASS && !bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(expression: &str) -> Option<Vec<String>> {
        of_expression(expression, by_length).map(|need| {
            need.into_iter()
                .map(|literal| String::from_utf8_lossy(&literal).into_owned())
                .collect()
        })
    }

    #[test]
    fn literals_follow_from_syntax() {
        let strings = |list: &[&str]| Some(list.iter().map(|s| (*s).to_string()).collect());
        assert_eq!(need("abc"), strings(&["abc"]));
        assert_eq!(need("a(?:bc|de)f"), strings(&["abcf", "adef"]));
        assert_eq!(need("x*selec[st]+"), strings(&["selecs", "select"]));
        assert_eq!(need(r"\bunion[a-z]+all"), strings(&["union"]));
        assert_eq!(
            need("/(?:shell[0-9]*|cmd.*x)"),
            strings(&["/cmd", "/shell"])
        );
        assert_eq!(need("[a-z]*"), None);
        assert_eq!(need("(?:abc)?"), None);
        assert_eq!(need("(?:abc|[a-z]+)"), None);
    }

    #[test]
    fn loosened_expressions_match_whatever_the_given_ones_do() {
        let mut compared = 0;
        for pattern in crate::pattern::load::embedded().unwrap().patterns() {
            let Some(expression) = &pattern.regex else {
                continue;
            };
            let Some((loose, _)) = loosened(expression) else {
                continue;
            };
            let compile = |text: &str| crate::pattern::set::compile_regex(text).unwrap();
            let (exact, loose) = (compile(expression), compile(&loose));
            for sample in pattern.matches.iter().chain(&pattern.ignores) {
                let mut view = crate::decode::Decoded::default();
                let form = crate::decode::Form::Urlencoded;
                view.decode(sample.as_bytes(), form, &mut Vec::new());
                if exact.is_match(&view.lower) {
                    compared += 1;
                    assert!(loose.is_match(&view.lower), "{}: {sample}", pattern.id);
                }
            }
        }
        assert!(compared > 50, "{compared}");
        assert_eq!(loosened("a{1,3}(?:b|c)+"), None);
        let (loose, within) = loosened("x[^>]{0,200}?y{40}").unwrap();
        assert_eq!(within, 0);
        assert_eq!(loosened("a{1,90}(?:b|c{2,70})").unwrap().1, 70);
        assert_eq!(loosened("(?:a?b?){1,90}").unwrap().1, 0);
        let loose = crate::pattern::set::compile_regex(&loose).unwrap();
        assert!(loose.is_match(&[b"x", &[b'a'; 999][..], &[b'y'; 40]].concat()));
        assert!(!loose.is_match(b"x>yyyyyyyyyyyyy"));
    }

    /// The law that gate and candidates rest on: what matches contains one of the literals.
    #[test]
    fn every_match_contains_a_needed_literal() {
        for pattern in crate::pattern::load::embedded().unwrap().patterns() {
            let Some(expression) = &pattern.regex else {
                continue;
            };
            let regex = crate::pattern::set::compile_regex(expression).unwrap();
            let Some(need) = of_expression(expression, by_length) else {
                continue;
            };
            for sample in pattern.matches.iter().chain(&pattern.ignores) {
                let lower = sample.to_ascii_lowercase();
                if regex.is_match(lower.as_bytes()) {
                    assert!(
                        need.iter().any(
                            |literal| memchr::memmem::find(lower.as_bytes(), literal).is_some()
                        ),
                        "{}: {sample}",
                        pattern.id
                    );
                }
            }
        }
    }
}

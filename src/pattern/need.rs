//! What a text must contain for an expression to match: literals that follow from its syntax.
//!
//! Both the gate and the search for candidates rest on this; neither needs to be told anything by
//! the author of a pattern.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::entry::Pattern;
use crate::syntax::{lookup, markup, path, script, shell, sql};

/// One of these byte strings is in every text that matches.
pub type Need = Vec<Vec<u8>>;

/// Classes of up to this many bytes are spelled out as literals of one byte.
const MAX_CLASS: usize = 12;

/// Most literals of one need: beyond, the need says little.
const MAX_LITERALS: usize = 400;

/// Longest prefix of a literal that is looked for.
const MAX_LITERAL: usize = 24;

/// The need of an expression; `None` when nothing follows from it.
pub fn of_expression(expression: &str) -> Option<Need> {
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .build()
        .parse(expression)
        .ok()?;
    let mut need = of_hir(&hir)?;
    need.sort_unstable();
    need.dedup();
    Some(need)
}

/// What a text without odd bytes must contain for the entry's grammar to read it.
pub fn of_syntax(pattern: &Pattern) -> Option<Need> {
    let (grammar, _) = pattern.syntax.as_deref()?.split_once('.')?;
    let words: &[&str] = match grammar {
        "sql" => sql::NEEDS,
        "markup" => markup::NEEDS,
        "script" => script::NEEDS,
        "shell" => shell::NEEDS,
        "path" => path::NEEDS,
        "lookup" => lookup::NEEDS,
        // the byte itself opens the gate
        "text" => &[],
        _ => return None,
    };
    Some(words.iter().map(|word| word.as_bytes().to_vec()).collect())
}

/// How rarely ordinary text meets a need: the length of its shortest literal, then how few it has.
pub fn worth(need: &Need) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = need.iter().map(Vec::len).min().unwrap_or(0);
    (shortest, std::cmp::Reverse(need.len()))
}

/// The need of a parsed expression.
fn of_hir(hir: &Hir) -> Option<Need> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            Some(vec![literal.0[..literal.0.len().min(MAX_LITERAL)].to_vec()])
        }
        HirKind::Class(class) => of_class(class),
        HirKind::Capture(capture) => of_hir(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => of_hir(&repetition.sub),
        HirKind::Concat(parts) => of_concat(parts),
        HirKind::Alternation(branches) => {
            let mut all = Need::new();
            for branch in branches {
                all.extend(of_hir(branch)?);
            }
            (all.len() <= MAX_LITERALS).then_some(all)
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// The best part of a sequence; neighbouring parts that are literals through and through are joined.
fn of_concat(parts: &[Hir]) -> Option<Need> {
    let mut best: Option<Need> = None;
    let mut joined: Need = Vec::new();
    let mut offer = |need: Need| {
        if best
            .as_ref()
            .is_none_or(|known| worth(&need) > worth(known))
        {
            best = Some(need);
        }
    };
    for part in parts {
        if matches!(part.kind(), HirKind::Look(_)) {
            continue;
        }
        match exact(part) {
            Some(exact) if joined.is_empty() => joined = exact,
            Some(exact) if joined.len() * exact.len() <= MAX_LITERALS / 4 => {
                joined = joined
                    .iter()
                    .flat_map(|left| exact.iter().map(move |right| [&left[..], right].concat()))
                    .collect();
            }
            other => {
                if !joined.is_empty() {
                    offer(cut(std::mem::take(&mut joined)));
                }
                match other {
                    Some(exact) => joined = exact,
                    None => {
                        if let Some(need) = of_hir(part) {
                            offer(need);
                        }
                    }
                }
            }
        }
    }
    if !joined.is_empty() {
        offer(cut(joined));
    }
    best
}

/// Keeps literals short; drops the need if one is empty.
fn cut(mut need: Need) -> Need {
    for literal in &mut need {
        literal.truncate(MAX_LITERAL);
    }
    need
}

/// Every text that a part matches, if these are few.
fn exact(hir: &Hir) -> Option<Need> {
    let all: Need = match hir.kind() {
        HirKind::Literal(literal) => vec![literal.0.to_vec()],
        HirKind::Class(class) => of_class(class)?,
        HirKind::Capture(capture) => exact(&capture.sub)?,
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
                let next = exact(part)?;
                if all.len() * next.len() > MAX_LITERALS / 4 {
                    return None;
                }
                all = all
                    .iter()
                    .flat_map(|left| next.iter().map(move |right| [&left[..], right].concat()))
                    .collect();
            }
            all
        }
        _ => return None,
    };
    (all.len() <= MAX_LITERALS && all.iter().all(|literal| !literal.is_empty())).then_some(all)
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
        Class::Unicode(ranges) => {
            for range in ranges.iter() {
                let low = u8::try_from(range.start()).ok()?;
                let high = u8::try_from(range.end()).ok()?;
                if high >= 0x80 {
                    return None;
                }
                bytes.extend((low..=high).map(|byte| vec![byte]));
            }
        }
    }
    (bytes.len() <= MAX_CLASS && !bytes.is_empty()).then_some(bytes)
}

//! Is somebody reading the database through the page? Many payloads that differ in their numbers only (the position in
//! a name, the row of a table) and are answered differently: no tool reads on where nothing comes back.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scene, Sign, Weight};
use crate::evidence::tries::Try;
use crate::text::count;

/// Payloads of one shape from which a value is read piece by piece; a test takes some.
const LEAST: usize = 20;

/// Share of them that the page must have answered, not refused or failed at.
const ANSWERED: f64 = 0.6;

/// Sizes beyond which answers to payloads of one length differ by what they hold, in bytes: a token, a date and
/// compression vary by some.
const SAME: u64 = 12;

/// Share of the answers that must differ from the most frequent one of their length: a blind read is answered two
/// ways about equally often, a row of a table hardly ever twice alike.
const VARIED: f64 = 0.1;

pub(super) fn sign(scene: &Scene<'_>) -> Option<Sign> {
    if !scene.is_query() {
        return None;
    }
    let mut shapes: BTreeMap<u64, Vec<&Try>> = BTreeMap::new();
    for attempt in scene.tries.iter().filter(|attempt| attempt.asked.reads) {
        shapes.entry(attempt.asked.shape).or_default().push(attempt);
    }
    let reading: Vec<(f64, Vec<&Try>)> = shapes
        .into_values()
        .filter_map(|attempts| Some((varied(&attempts)?, attempts)))
        .filter(|(varied, _)| *varied >= VARIED)
        .collect();
    let (share, attempts) = reading.iter().max_by_key(|(_, attempts)| {
        let first = attempts.iter().map(|attempt| attempt.at).min();
        (attempts.len(), std::cmp::Reverse(first))
    })?;
    let mut lines: Vec<_> = attempts.iter().map(|attempt| attempt.at).collect();
    lines.sort_unstable();
    lines.truncate(2);
    let reason = format!(
        "{} payloads differ in their numbers only, as when a value is read piece by piece (at least {LEAST} are needed), and {:.0}% of the answers differ from the usual one to payloads of that length, at least {:.0}% are needed",
        count(attempts.len() as u64),
        share * 100.0,
        VARIED * 100.0
    );
    Some(Sign {
        weight: Weight::Proof,
        reason,
        lines,
    })
}

/// The share of answers that are not the most frequent one to payloads of their length; `None` when these are no
/// answered payloads that go on and on.
fn varied(attempts: &[&Try]) -> Option<f64> {
    let texts: BTreeSet<u64> = attempts.iter().map(|attempt| attempt.asked.text).collect();
    let ok: Vec<&&Try> = attempts
        .iter()
        .filter(|attempt| !attempt.answer.is_refused() && !attempt.answer.is_failure())
        .collect();
    if texts.len() < LEAST || (ok.len() as f64) < ANSWERED * attempts.len() as f64 {
        return None;
    }
    let mut by_length: BTreeMap<u32, BTreeMap<(u16, u64), usize>> = BTreeMap::new();
    for attempt in &ok {
        let answer = (
            attempt.answer.status,
            attempt.answer.bytes.unwrap_or(0) / (SAME + 1),
        );
        let answers = by_length.entry(attempt.asked.length).or_default();
        *answers.entry(answer).or_default() += 1;
    }
    // A size at the edge of two steps would count as two answers.
    let usual = |answers: &BTreeMap<(u16, u64), usize>| {
        let beside = |at: &(u16, u64)| answers.get(&(at.0, at.1 + 1)).copied().unwrap_or(0);
        let joined = answers.iter().map(|(at, count)| count + beside(at));
        joined.max().unwrap_or(0)
    };
    let usual: usize = by_length.values().map(usual).sum();
    Some(1.0 - usual as f64 / ok.len() as f64)
}

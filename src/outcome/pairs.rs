//! Do answers follow the truth of the condition in the payload? A tool asks the same question with a true and
//! a false condition (`AND 4821=4821`, `AND 4821=9117`); a page that answers both alike did not look.

use std::collections::BTreeMap;

use super::{Scene, Sign, Weight};
use crate::evidence::tries::Try;
use crate::text::count;

/// Chance of answers falling into two groups by luck, below which it is not luck.
const LUCK: f64 = 1e-3;

/// Chance above which groups say nothing: one pair alone is always told apart by something.
const DOUBT: f64 = 0.5;

/// Of the payloads asked both ways and answered differently, those in which the answers must follow the condition.
const CONSISTENT: f64 = 0.7;

/// Answers with the same status differ when their sizes are further apart than this many bytes, or than this share:
/// a page that shows its input varies by some digits.
const APART: u64 = 12;
const APART_SHARE: f64 = 0.01;

/// Answers of one kind must agree but for this share: tools repeat requests when the network fails.
const STRAY: f64 = 0.1;

/// A question asked both ways.
struct Question<'a> {
    yes: Vec<&'a Try>,
    no: Vec<&'a Try>,
}

pub(super) fn sign(scene: &Scene<'_>) -> Option<Sign> {
    if !scene.is_query() {
        return None;
    }
    // A question that is answered alike either way did not fit the statement; a tool asks many that do not.
    let mut questions = questions(scene.tries);
    questions.retain(|question| !question.is_alike());
    let asked: usize = questions.iter().map(Question::weight).sum();
    let told: Vec<&Question<'_>> = questions
        .iter()
        .filter(|question| question.is_told())
        .collect();
    let answered: usize = told.iter().map(|question| question.weight()).sum();
    if answered == 0 || (answered as f64) < CONSISTENT * asked as f64 {
        return None;
    }
    let luck: f64 = told.iter().map(|question| question.luck()).product();
    if luck > DOUBT {
        return None;
    }
    let best = told
        .iter()
        .max_by_key(|question| (question.weight(), std::cmp::Reverse(question.first())))?;
    let (yes, no) = best.example()?;
    let (trues, falses) = told.iter().fold((0, 0), |(yes, no), question| {
        (yes + question.yes.len(), no + question.no.len())
    });
    let reason = format!(
        "{} payloads with a true condition and {} with a false one were answered differently, for example {} and {}; answers followed the condition in {:.0}% of the payloads asked both ways that were not all answered alike, at least {:.0}% are needed, and chance would do it once in {} times",
        count(trues as u64),
        count(falses as u64),
        answer(yes),
        answer(no),
        answered as f64 / asked as f64 * 100.0,
        CONSISTENT * 100.0,
        count((1.0 / luck).min(1e9).round() as u64)
    );
    Some(Sign {
        weight: if luck <= LUCK {
            Weight::Proof
        } else {
            Weight::Hint
        },
        reason,
        lines: vec![yes.at, no.at],
    })
}

fn answer(attempt: &Try) -> String {
    match attempt.answer.bytes {
        Some(bytes) => format!(
            "{} with {} bytes",
            attempt.answer.status,
            crate::text::count(bytes)
        ),
        None => attempt.answer.status.to_string(),
    }
}

/// The questions that were asked with a true and with a false condition. Refused attempts and those that met an
/// overload say nothing about the condition.
fn questions(tries: &[Try]) -> Vec<Question<'_>> {
    let mut by_shape: BTreeMap<u64, Question<'_>> = BTreeMap::new();
    for attempt in tries {
        let gone = matches!(attempt.answer.status, 0 | 502..=599);
        let Some(truth) = attempt
            .asked
            .truth
            .filter(|_| !gone && !attempt.answer.is_refused())
        else {
            continue;
        };
        let question = by_shape.entry(attempt.asked.shape).or_insert(Question {
            yes: Vec::new(),
            no: Vec::new(),
        });
        match truth {
            true => question.yes.push(attempt),
            false => question.no.push(attempt),
        }
    }
    let both = |question: &Question<'_>| !question.yes.is_empty() && !question.no.is_empty();
    by_shape.into_values().filter(both).collect()
}

impl Question<'_> {
    /// Attempts that have a counterpart.
    fn weight(&self) -> usize {
        2 * self.yes.len().min(self.no.len())
    }

    fn first(&self) -> crate::evidence::first::Locator {
        let all = self.yes.iter().chain(&self.no);
        all.map(|attempt| attempt.at)
            .min()
            .unwrap_or(self.yes[0].at)
    }

    /// True when all answers are alike, whatever the condition.
    fn is_alike(&self) -> bool {
        let all: Vec<&Try> = self.yes.iter().chain(&self.no).copied().collect();
        let Some(usual) = middle(&all) else {
            return true;
        };
        let odd = all.iter().filter(|attempt| apart(attempt, usual)).count();
        odd as f64 <= STRAY * all.len() as f64
    }

    /// An attempt of each kind, the first of those that are answered like most of their kind.
    fn example(&self) -> Option<(&Try, &Try)> {
        let pick = |side: &[&'_ Try]| -> Option<(u16, Option<u64>)> {
            middle(side).map(|attempt| (attempt.answer.status, attempt.answer.bytes))
        };
        let like = |side: &[&'_ Try], usual: (u16, Option<u64>)| -> Option<usize> {
            let same = side
                .iter()
                .enumerate()
                .filter(|(_, attempt)| (attempt.answer.status, attempt.answer.bytes) == usual);
            same.min_by_key(|(_, attempt)| attempt.at)
                .map(|(index, _)| index)
        };
        let yes = like(&self.yes, pick(&self.yes)?)?;
        let no = like(&self.no, pick(&self.no)?)?;
        Some((self.yes[yes], self.no[no]))
    }

    /// True when nearly every answer to one side is apart from the usual answer to the other, and like that of its own.
    fn is_told(&self) -> bool {
        let (Some(yes), Some(no)) = (middle(&self.yes), middle(&self.no)) else {
            return false;
        };
        let strays = |side: &[&Try], own: &Try, other: &Try| {
            side.iter()
                .filter(|attempt| nearer(attempt, other, own))
                .count() as f64
                > STRAY * side.len() as f64
        };
        apart(yes, no) && !strays(&self.yes, yes, no) && !strays(&self.no, no, yes)
    }

    /// The chance that labels dealt by lot separate the answers as well, one way or the other.
    fn luck(&self) -> f64 {
        let (yes, no) = (self.yes.len() as f64, self.no.len() as f64);
        let steps = 1..=self.yes.len().min(self.no.len());
        let ways: f64 = steps
            .map(|step| (yes.max(no) + step as f64) / step as f64)
            .product();
        (2.0 / ways).min(1.0)
    }
}

/// The attempt with the middle answer.
fn middle<'a>(side: &[&'a Try]) -> Option<&'a Try> {
    let mut sorted = side.to_vec();
    sorted.sort_by_key(|attempt| (attempt.answer.status, attempt.answer.bytes, attempt.at));
    sorted.get(sorted.len() / 2).copied()
}

fn apart(one: &Try, other: &Try) -> bool {
    if one.answer.status != other.answer.status {
        return true;
    }
    let (Some(one), Some(other)) = (one.answer.bytes, other.answer.bytes) else {
        return false;
    };
    let far = APART.max((APART_SHARE * one.max(other) as f64) as u64);
    one.abs_diff(other) > far
}

/// True when an answer is nearer to `this` than to `that`.
fn nearer(attempt: &Try, this: &Try, that: &Try) -> bool {
    let distance = |to: &Try| {
        let status = attempt.answer.status != to.answer.status;
        let bytes = |of: &Try| of.answer.bytes.unwrap_or(0);
        (status, bytes(attempt).abs_diff(bytes(to)))
    };
    distance(this) <= distance(that)
}

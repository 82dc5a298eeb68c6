//! Why one line is a hit, or none: how it was read, how it was decoded, what was tried, what fired.
//!
//! The inspector itself tells all of it while it judges ([`crate::pattern::watch`]), so that an explanation cannot
//! differ from a verdict. Not for layout: `report` shows it. A line is judged alone here; what its
//! client did besides is the scan's business.

mod record;
mod understand;

use serde::Serialize;

use crate::category::Category;
use crate::decode::Layer;
use crate::format::spec::Arena;
use crate::pattern::describe::{self, Reference};
use crate::pattern::entry::{Field, Pattern, PatternId};
use crate::pattern::inspector::Inspector;
use crate::pattern::need;
use crate::pattern::set::PatternSet;
use crate::pattern::verdict::{Match, Verdict};
use crate::severity::{Confidence, Severity};
use crate::text::visible;
pub use record::What;
use record::{Recorder, Seen};
pub use understand::{Given, InputKind, Understood};

/// Bytes of text shown before and after what matched.
const CONTEXT: usize = 160;

/// At most this many patterns that came near are named.
const MAX_NEAR: usize = 5;

/// Shorter literals are in too many texts for their patterns to have come near.
const MIN_NEAR_LITERAL: usize = 3;

/// What one line shows, and how that was found. Bytes that are no text show as `\xHH`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// As given.
    pub input: String,
    /// How it was read.
    pub understood: Understood,
    /// Every text that was judged, in order.
    pub places: Vec<Place>,
    /// What fired.
    pub matches: Vec<Fired>,
    /// Where nothing fired: patterns whose words are there, and what they missed.
    pub near: Vec<Near>,
    /// What it comes to; `null` when nothing fired.
    pub verdict: Option<Summary>,
}

/// A text that was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// Whose patterns were tried.
    pub field: Field,
    /// What part of it.
    pub what: What,
    /// The parameter that it belongs to.
    pub parameter: Option<String>,
    /// How it came in, then every layer that was removed.
    pub steps: Vec<DecodingStep>,
    /// What the patterns saw; they compare without case.
    pub text: String,
    /// Rounds of decoding that it took.
    pub rounds: u8,
}

/// A text between two layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecodingStep {
    /// What was removed; nothing for the text as it came in.
    pub layers: Vec<Layer>,
    /// What was left.
    pub text: String,
}

/// A pattern that fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fired {
    /// Its id.
    pub pattern: String,
    /// What a match is.
    pub title: String,
    /// What kind of attack it is.
    pub category: Category,
    /// How much harm a success would mean.
    pub severity: Severity,
    /// How sure it is, given the server's answer and how it was encoded.
    pub confidence: Confidence,
    /// How sure it would be by itself.
    pub by_itself: Confidence,
    /// Where.
    pub field: Field,
    /// The parameter whose value matched.
    pub parameter: Option<String>,
    /// Index into `places`.
    pub place: usize,
    /// The text before what matched, at most 160 bytes.
    pub before: String,
    /// What matched, at most 200 bytes.
    pub matched: String,
    /// The text behind it, at most 160 bytes.
    pub after: String,
    /// Why it matters.
    pub why: String,
    /// Where to read more.
    pub references: Vec<Reference>,
}

/// A pattern that was tried, because a word of it is there, and did not fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Near {
    /// Its id.
    pub pattern: String,
    /// What a match would be.
    pub title: String,
    /// How sure one would be.
    pub confidence: Confidence,
    /// Where it was tried.
    pub field: Field,
    /// In which parameter.
    pub parameter: Option<String>,
    /// The word that is there.
    pub literal: String,
    /// What is not.
    pub missing: String,
}

/// What the matches come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The gravest category among the surest matches.
    pub category: Category,
    /// Every category that matched, gravest first.
    pub categories: Vec<Category>,
    /// How much harm a success would mean.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
}

/// Judges one line alone and says how. `input` is a line of a log, a request line, a target or a URL;
/// `given` adds to what it says.
pub fn explain(set: &PatternSet, input: &[u8], given: &Given<'_>) -> Explanation {
    let arena = Arena::new();
    let reading = understand::read(input, given, &arena);
    let mut recorder = Recorder::default();
    let verdict = {
        // without the gate, so that also what it would spare is told; it never changes a verdict
        let mut inspector = Inspector::without_gate(set).watched(&mut recorder);
        reading.judge(&mut inspector).cloned()
    };
    let seen = recorder.seen;
    let status = reading.understood.status;
    let matches = verdict.as_ref().map_or_else(Vec::new, |verdict| {
        let fired = verdict.matches.iter();
        fired
            .filter_map(|hit| fired_of(set, hit, &seen, status))
            .collect()
    });
    Explanation {
        input: visible(input).into_owned(),
        understood: reading.understood,
        near: match verdict {
            None => near(set, &seen),
            Some(_) => Vec::new(),
        },
        places: seen.iter().map(place).collect(),
        matches,
        verdict: verdict.as_ref().map(summary),
    }
}

fn summary(verdict: &Verdict) -> Summary {
    Summary {
        category: verdict.category,
        categories: verdict.categories.clone(),
        severity: verdict.severity,
        confidence: verdict.confidence,
    }
}

fn place(seen: &Seen) -> Place {
    let steps = seen.steps.iter().map(|step| DecodingStep {
        layers: step.layers.clone(),
        text: visible(&step.text).into_owned(),
    });
    Place {
        field: seen.field,
        what: seen.what,
        parameter: seen.name.as_deref().map(|name| visible(name).into_owned()),
        steps: steps.collect(),
        text: visible(&seen.text).into_owned(),
        rounds: seen.rounds,
    }
}

/// Finds where a match of the verdict was made.
fn fired_of(set: &PatternSet, hit: &Match, seen: &[Seen], status: Option<u16>) -> Option<Fired> {
    let pattern = set.pattern(hit.pattern);
    // matches within a line of no format are made in its target and told of the line
    let in_field = |seen: &Seen| seen.field == hit.field || hit.field == Field::Line;
    let (index, place, (start, end)) = seen.iter().enumerate().find_map(|(index, place)| {
        let span = place.fired(hit.pattern).filter(|_| in_field(place))?;
        let same = place.text.get(span.0..span.1)?.starts_with(&hit.matched);
        (same && place.name.as_deref() == hit.parameter.as_deref()).then_some((index, place, span))
    })?;
    let matched_end = start + hit.matched.len();
    Some(Fired {
        pattern: pattern.id.clone(),
        title: pattern.title.clone(),
        category: pattern.category,
        severity: pattern.severity,
        confidence: hit.confidence(set, status),
        by_itself: pattern.confidence,
        field: hit.field,
        parameter: hit
            .parameter
            .as_deref()
            .map(|name| visible(name).into_owned()),
        place: index,
        before: visible(&place.text[from_character(&place.text, start)..start]).into_owned(),
        matched: visible(&place.text[start..matched_end.min(end)]).into_owned(),
        after: visible(&place.text[matched_end..to_character(&place.text, matched_end)])
            .into_owned(),
        why: pattern.why.clone(),
        references: describe::references(pattern),
    })
}

/// Where the context before `at` begins: not within a character.
fn from_character(text: &[u8], at: usize) -> usize {
    let mut from = at.saturating_sub(CONTEXT);
    while from < at && is_continuation(text[from]) {
        from += 1;
    }
    from
}

/// Where the context behind `at` ends: not within a character.
fn to_character(text: &[u8], at: usize) -> usize {
    let mut to = text.len().min(at + CONTEXT);
    while to > at && to < text.len() && is_continuation(text[to]) {
        to -= 1;
    }
    to
}

/// A byte within a character (RFC 3629).
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// The patterns of which a word is there, those of the longest word first.
fn near(set: &PatternSet, seen: &[Seen]) -> Vec<Near> {
    let mut found: Vec<(usize, PatternId, Near)> = Vec::new();
    for place in seen {
        for tried in place.tried.iter().filter(|tried| tried.span.is_none()) {
            let Some(near) = near_of(set, place, tried.pattern, tried.asked) else {
                continue;
            };
            let length = near.literal.len();
            match found.iter_mut().find(|(_, id, _)| *id == tried.pattern) {
                Some(known) if known.0 >= length => {}
                Some(known) => *known = (length, tried.pattern, near),
                None => found.push((length, tried.pattern, near)),
            }
        }
    }
    found.sort_by_key(|(length, id, _)| (std::cmp::Reverse(*length), *id));
    found.truncate(MAX_NEAR);
    found.into_iter().map(|(_, _, near)| near).collect()
}

/// How near a pattern came that was tried in vain.
fn near_of(set: &PatternSet, place: &Seen, id: PatternId, asked: bool) -> Option<Near> {
    let pattern = set.pattern(id);
    let lower = place.text.to_ascii_lowercase();
    let literal = words(pattern)?
        .into_iter()
        .filter(|literal| literal.len() >= MIN_NEAR_LITERAL && holds_word(&lower, literal))
        .max_by_key(Vec::len)?;
    let missing = match (&pattern.syntax, &pattern.parameter) {
        (Some(syntax), _) if asked => format!("the grammar sees no {syntax}"),
        (_, Some(_)) => "its `parameter` or its `regex` does not match".to_string(),
        _ => "its `regex` does not match".to_string(),
    };
    Some(Near {
        pattern: pattern.id.clone(),
        title: pattern.title.clone(),
        confidence: pattern.confidence,
        field: place.field,
        parameter: place.name.as_deref().map(|name| visible(name).into_owned()),
        literal: visible(&literal).into_owned(),
        missing,
    })
}

/// The words that tell of an entry: what its expression needs, or what its feature is named for.
fn words(pattern: &Pattern) -> Option<need::Need> {
    if let Some(expression) = &pattern.regex {
        return need::of_expression(expression, need::by_length);
    }
    let (_, feature) = pattern.syntax.as_deref()?.split_once('.')?;
    let mut words = need::of_syntax(pattern)?;
    words.retain(|word| {
        let word = word.trim_ascii();
        feature.split('_').any(|part| part.as_bytes() == word)
    });
    Some(words)
}

/// Whether a text holds a word by itself, not as a part of a longer one.
fn holds_word(text: &[u8], word: &[u8]) -> bool {
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    memchr::memmem::find_iter(text, word).any(|at| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let apart_before = !(letter(before) && letter(word.first()));
        let apart_behind = !(letter(text.get(at + word.len())) && letter(word.last()));
        apart_before && apart_behind
    })
}

#[cfg(test)]
mod tests;

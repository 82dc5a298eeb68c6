//! What was attacked and whether it worked, and what the server itself said.

use std::io;

use super::page::{Page, Text, Tone};
use super::place::Places;
use super::section::{BODY, LABEL, and_more, beside, title};
use crate::report::phrases;
use crate::report::view::{Injection, Symptom};
use crate::report::words::{self, Clock};
use crate::terms::Outcome;

const INJECTIONS: usize = 10;
/// Links told per kind of message.
const LINKS: usize = 5;
const SYMPTOMS: usize = 12;
const SAMPLES: usize = 2;
const LINES: usize = 3;
const ACTORS: usize = 24;

/// Writes the attacked endpoints, the likeliest successes first.
pub fn injections(
    injections: &[Injection],
    clock: &Clock,
    places: &Places,
    page: &mut Page,
) -> io::Result<()> {
    if injections.is_empty() {
        return Ok(());
    }
    title("What was attacked", page)?;
    let ordered = phrases::likeliest_first(injections);
    for injection in ordered.into_iter().take(INJECTIONS) {
        one_injection(injection, clock, places, page)?;
    }
    and_more(INJECTIONS, injections.len(), "endpoints", page)
}

fn one_injection(
    injection: &Injection,
    clock: &Clock,
    places: &Places,
    page: &mut Page,
) -> io::Result<()> {
    page.paragraph(BODY, target(injection), LINES)?;
    beside("attempts", attempts(injection, clock).into(), LINES, page)?;
    beside("worked?", outcome(injection), LINES, page)?;
    let indent = BODY + LABEL;
    for sample in injection.samples.iter().take(SAMPLES) {
        page.line(
            indent,
            places.quote(sample, page.width().saturating_sub(indent)),
        )?;
    }
    Ok(())
}

fn target(injection: &Injection) -> Text {
    let place = Text::new()
        .toned(Tone::Warn, injection.category.title())
        .plain(" in ")
        .toned(Tone::Accent, &injection.endpoint);
    match &injection.parameter {
        Some(parameter) => place.plain(", parameter ").toned(Tone::Accent, parameter),
        None => place,
    }
}

fn attempts(injection: &Injection, clock: &Clock) -> String {
    let by = match injection.actors.is_empty() {
        true => String::new(),
        false => format!(" by {}", words::list(&injection.actors, 0, ACTORS)),
    };
    let techniques = match injection.techniques.is_empty() {
        true => String::new(),
        false => format!("; {}", words::term(&injection.techniques.join(", "))),
    };
    let when = clock.range(injection.first, injection.last);
    format!(
        "{}{by}, {when}{techniques}",
        words::count(injection.attempts)
    )
}

fn outcome(injection: &Injection) -> Text {
    let (tone, answer) = match injection.outcome {
        Outcome::Blocked => (Tone::Good, "blocked"),
        Outcome::NoEvidence => (Tone::Plain, "nothing speaks for it"),
        Outcome::Suspected => (Tone::Warn, "suspected"),
        Outcome::Likely => (Tone::Alarm, "likely"),
    };
    let text = Text::new().toned(tone, answer);
    match injection.outcome_reasons.is_empty() {
        true => text,
        false => text
            .plain(": ")
            .plain(&injection.outcome_reasons.join("; ")),
    }
}

/// Writes what the error logs say.
pub fn symptoms(
    symptoms: &[Symptom],
    clock: &Clock,
    places: &Places,
    page: &mut Page,
) -> io::Result<()> {
    if symptoms.is_empty() {
        return Ok(());
    }
    title("What the error logs say", page)?;
    for symptom in symptoms.iter().take(SYMPTOMS) {
        one_symptom(symptom, clock, places, page)?;
    }
    and_more(SYMPTOMS, symptoms.len(), "kinds", page)
}

fn one_symptom(
    symptom: &Symptom,
    clock: &Clock,
    places: &Places,
    page: &mut Page,
) -> io::Result<()> {
    let what = Text::new()
        .toned(Tone::Warn, &words::term(symptom.kind.name()))
        .plain(&format!(
            "  {}, ",
            words::counted(symptom.count, "message", "messages")
        ))
        .plain(&clock.range(symptom.first, symptom.last));
    page.paragraph(BODY, what, LINES)?;
    let indent = BODY + LABEL;
    let beside: Vec<String> = symptom
        .links
        .iter()
        .filter_map(phrases::link)
        .take(LINKS)
        .collect();
    let told = match beside.is_empty() {
        true => symptom.title.clone(),
        false => format!("{}: {}", symptom.title, beside.join(", ")),
    };
    page.paragraph(indent, told.as_str().into(), LINES)?;
    match symptom.evidence.first() {
        Some(line) => page.line(
            indent,
            places.quote(line, page.width().saturating_sub(indent)),
        ),
        None => page.line(indent, Text::new().quiet(&symptom.sample)),
    }
}

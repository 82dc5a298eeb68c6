//! Why it happened, as far as logs tell: what the verdict rests on, what was attacked, what the server said.

use std::io::{self, Write};

use super::Draft;
use super::page::{Page, blank, code, text};
use super::story::more;
use crate::report::phrases;
use crate::report::view::{Burst, Incident, Injection, Symptom};
use crate::report::words::{self, Clock};
use crate::terms::Outcome;

/// Attacked places, kinds of messages and bursts at most; the report has all.
const ROWS: usize = 15;

/// Writes the root cause and its evidence.
pub fn cause<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    page.heading("Root cause and evidence")?;
    draft.each(
        "The logs show no cause to look for.",
        page,
        |incident, page| {
            reasons(incident, page)?;
            attacked(incident, &draft.clock, page)?;
            bursts(incident, &draft.clock, page)?;
            said(incident, &draft.clock, page)?;
            Ok(true)
        },
    )?;
    match draft.told.is_empty() {
        true => Ok(()),
        false => page.list([
            blank("why the attack, or the load, could do this: the cause behind the cause"),
            blank("why it was not noticed or stopped earlier"),
        ]),
    }
}

fn reasons<W: Write>(incident: &Incident, page: &mut Page<W>) -> io::Result<()> {
    page.paragraph(&format!(
        "{}, confidence {}:",
        text(&phrases::capitalised(words::cause_in_words(incident.cause))),
        words::confidence(incident.confidence)
    ))?;
    page.list(incident.reasons.iter().map(|reason| text(reason)))
}

fn attacked<W: Write>(incident: &Incident, clock: &Clock, page: &mut Page<W>) -> io::Result<()> {
    if incident.injections.is_empty() {
        return Ok(());
    }
    let ordered = phrases::likeliest_first(&incident.injections);
    page.paragraph("What was attacked, the likeliest successes first:")?;
    let shown = ordered.iter().take(ROWS);
    let rows: Vec<_> = shown
        .map(|injection| place(injection, clock, page))
        .collect();
    page.table(["What", "Where", "Attempts", "Did it work?", "Lines"], rows)?;
    more(ordered.len(), ROWS, "attacked places", page)
}

fn place<W: Write>(injection: &Injection, clock: &Clock, page: &mut Page<W>) -> [String; 5] {
    let at = match &injection.parameter {
        Some(parameter) => format!("{}, {}", code(&injection.endpoint), code(parameter)),
        None => code(&injection.endpoint),
    };
    let attempts = format!(
        "{}, {}",
        words::count(injection.attempts),
        clock.range(injection.first, injection.last)
    );
    let answer = phrases::outcome(injection.outcome);
    let answer = match injection.outcome {
        Outcome::Likely => format!("**{answer}**"),
        _ => answer.to_owned(),
    };
    let why = match injection.outcome_reasons.is_empty() {
        true => String::new(),
        false => format!(": {}", text(&injection.outcome_reasons.join("; "))),
    };
    [
        text(&phrases::attack(injection)),
        at,
        text(&attempts),
        format!("{answer}{why}"),
        page.refer(&injection.samples),
    ]
}

fn bursts<W: Write>(incident: &Incident, clock: &Clock, page: &mut Page<W>) -> io::Result<()> {
    if incident.bursts.is_empty() {
        return Ok(());
    }
    page.paragraph("What rose above the ordinary:")?;
    let rows = incident.bursts.iter().take(ROWS);
    page.table(
        ["What", "When", "Ordinary", "Peak", "Requests above"],
        rows.map(|burst| rise(burst, clock)),
    )?;
    more(incident.bursts.len(), ROWS, "bursts", page)
}

fn rise(burst: &Burst, clock: &Clock) -> [String; 5] {
    let dimension = words::term(burst.dimension.name());
    let what = match &burst.key {
        Some(key) => format!("{} {}", text(&dimension), code(key)),
        None => text(&dimension),
    };
    [
        what,
        text(&clock.span(burst.start, burst.end)),
        text(&words::rate(burst.baseline_rps)),
        text(&words::rate(burst.peak_rps)),
        words::about(burst.excess_requests),
    ]
}

fn said<W: Write>(incident: &Incident, clock: &Clock, page: &mut Page<W>) -> io::Result<()> {
    if incident.symptoms.is_empty() {
        return Ok(());
    }
    page.paragraph("What the error logs say:")?;
    let shown = incident.symptoms.iter().take(ROWS);
    let rows: Vec<_> = shown.map(|symptom| message(symptom, clock, page)).collect();
    page.table(["What", "Messages", "When", "Lines"], rows)?;
    more(incident.symptoms.len(), ROWS, "kinds of messages", page)
}

fn message<W: Write>(symptom: &Symptom, clock: &Clock, page: &mut Page<W>) -> [String; 4] {
    [
        text(&format!(
            "{}: {}",
            words::term(symptom.kind.name()),
            symptom.title
        )),
        words::count(symptom.count),
        text(&clock.range(symptom.first, symptom.last)),
        page.refer(&symptom.evidence),
    ]
}

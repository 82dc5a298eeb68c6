//! The incidents, gravest first: those that matter in full, the background noise in a line each.

use std::cmp::Reverse;
use std::io;

use super::overview::{cause_in_words, severity_tone};
use super::page::{Page, Text, Tone};
use super::{Context, attacked, cost, timeline, who, words};
use crate::report::view::Incident;
use crate::severity::Severity;

/// Indentation of titles inside an incident, and of what stands below them.
pub const TITLE: usize = 1;
pub const BODY: usize = 3;
/// Columns of the labels beside what they name.
pub const LABEL: usize = 14;

/// More incidents than this in full would bury the gravest.
const IN_FULL: usize = 8;
const IN_BRIEF: usize = 12;
const HEADLINE_LINES: usize = 6;
const BRIEF_LINES: usize = 2;
const REASONS: usize = 8;
const REASON_LINES: usize = 4;

/// Writes every incident, or as many as a reader can take.
pub fn render_all(incidents: &[Incident], context: &Context, page: &mut Page) -> io::Result<()> {
    let mut ordered: Vec<&Incident> = incidents.iter().collect();
    ordered.sort_by_key(|incident| {
        (
            Reverse(incident.attack),
            Reverse(incident.severity),
            incident.id,
        )
    });
    let grave = ordered
        .iter()
        .filter(|incident| incident.severity > Severity::Low)
        .count();
    let (full, brief) = ordered.split_at(grave.clamp(1, IN_FULL).min(ordered.len()));
    for incident in full {
        in_full(incident, context, page)?;
    }
    in_brief(brief, full.is_empty(), context, page)
}

/// A title inside an incident.
pub fn title(text: &str, page: &mut Page) -> io::Result<()> {
    page.blank()?;
    page.line(TITLE, Text::new().strong(text))
}

/// Says how much of a list was left out, if anything was.
pub fn and_more(shown: usize, total: usize, what: &str, page: &mut Page) -> io::Result<()> {
    match total.saturating_sub(shown) {
        0 => Ok(()),
        left => page.line(
            BODY,
            Text::new().quiet(&format!("and {} more {what}", words::count(left as u64))),
        ),
    }
}

fn in_full(incident: &Incident, context: &Context, page: &mut Page) -> io::Result<()> {
    let clock = context.clock.on_day_of(incident.start);
    page.blank()?;
    page.rule(heading(incident))?;
    page.paragraph(
        TITLE,
        Text::from(incident.headline.as_str()),
        HEADLINE_LINES,
    )?;
    page.paragraph(
        TITLE,
        Text::new().quiet(&when_and_how_sure(incident, context)),
        2,
    )?;
    reasons(&incident.reasons, page)?;
    timeline::render(&incident.timeline, &context.clock, &context.places, page)?;
    who::bursts(&incident.bursts, &clock, page)?;
    who::actors(&incident.actors, &clock, page)?;
    attacked::injections(&incident.injections, &clock, &context.places, page)?;
    attacked::symptoms(&incident.symptoms, &clock, &context.places, page)?;
    cost::impact(&incident.impact, &clock, page)?;
    cost::mitigations(&incident.mitigations, page)
}

fn heading(incident: &Incident) -> Text {
    Text::new()
        .strong(&format!("Incident {}", incident.id))
        .quiet(" · ")
        .toned(severity_tone(incident.severity), incident.severity.name())
        .quiet(" · ")
        .strong(cause_in_words(incident.cause))
}

fn when_and_how_sure(incident: &Incident, context: &Context) -> String {
    let clock = &context.clock;
    let cut = match (incident.ongoing_at_start, incident.ongoing_at_end) {
        (true, true) => "; the logs begin and stop inside it",
        (true, false) => "; the logs begin inside it",
        (false, true) => "; the logs stop inside it",
        (false, false) => "",
    };
    format!(
        "{} {}, confidence {}{cut}",
        clock.span(incident.start, incident.end),
        clock.zone(),
        words::confidence(incident.confidence)
    )
}

fn reasons(reasons: &[String], page: &mut Page) -> io::Result<()> {
    if reasons.is_empty() {
        return Ok(());
    }
    title("Why we think so", page)?;
    for reason in reasons.iter().take(REASONS) {
        bullet(reason, page)?;
    }
    and_more(REASONS, reasons.len(), "reasons", page)
}

fn bullet(text: &str, page: &mut Page) -> io::Result<()> {
    page.hanging(BODY, Text::new().quiet("•"), 2, text.into(), REASON_LINES)
}

fn in_brief(
    incidents: &[&Incident],
    alone: bool,
    context: &Context,
    page: &mut Page,
) -> io::Result<()> {
    if incidents.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.rule(Text::new().strong(if alone {
        "Incidents"
    } else {
        "Other incidents"
    }))?;
    for incident in incidents.iter().take(IN_BRIEF) {
        one_in_brief(incident, context, page)?;
    }
    and_more(IN_BRIEF, incidents.len(), "in --format json", page)
}

fn one_in_brief(incident: &Incident, context: &Context, page: &mut Page) -> io::Result<()> {
    let tone = severity_tone(incident.severity);
    let label = Text::new()
        .plain(&format!("{:>2} ", incident.id))
        .toned(tone, incident.severity.name());
    let when = context.clock.span(incident.start, incident.end);
    let first = Text::new()
        .plain(cause_in_words(incident.cause))
        .toned(Tone::Quiet, &format!(", {when}"));
    page.hanging(TITLE, label, LABEL, first, BRIEF_LINES)?;
    page.paragraph(
        TITLE + LABEL,
        Text::from(incident.headline.as_str()),
        BRIEF_LINES,
    )
}

//! The incidents, gravest first: those that matter in full, the background noise in a line each.

use std::cmp::Reverse;
use std::io;

use super::page::{Page, Text, Tone};
use super::section::{Context, LABEL, TITLE, and_more, bullet, severity_tone, title};
use super::{attacked, charts, cost, timeline, who};
use crate::report::view::{Incident, Report};
use crate::report::words;
use crate::severity::Severity;

/// More incidents than this in full would bury the gravest.
const IN_FULL: usize = 8;
const IN_BRIEF: usize = 12;
const HEADLINE_LINES: usize = 6;
const BRIEF_LINES: usize = 2;
const REASONS: usize = 8;
const REASON_LINES: usize = 4;

/// Writes every incident, or as many as a reader can take.
pub fn render_all(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    let mut ordered: Vec<&Incident> = report.incidents.iter().collect();
    ordered.sort_by_key(|incident| {
        (
            is_noise(incident),
            !incident.attack,
            Reverse(incident.severity),
            incident.id,
        )
    });
    let grave = ordered
        .iter()
        .filter(|incident| !is_noise(incident))
        .count();
    let (full, brief) = ordered.split_at(grave.clamp(1, IN_FULL).min(ordered.len()));
    for incident in full {
        in_full(incident, report, context, page)?;
    }
    in_brief(brief, context, page)
}

fn is_noise(incident: &Incident) -> bool {
    incident.severity == Severity::Low
}

fn in_full(
    incident: &Incident,
    report: &Report,
    context: &Context,
    page: &mut Page,
) -> io::Result<()> {
    let clock = context.clock.on_day_of(incident.start);
    page.blank()?;
    page.rule(heading(incident))?;
    // The verdict's may go on to name other incidents.
    if !report.verdict.headline.starts_with(&incident.headline) {
        page.paragraph(TITLE, incident.headline.as_str().into(), HEADLINE_LINES)?;
    }
    page.paragraph(
        TITLE,
        Text::new().quiet(&when_and_how_sure(incident, context)),
        2,
    )?;
    charts::up_close(&report.series, incident, &context.clock, page)?;
    reasons(&incident.reasons, page)?;
    timeline::render(&incident.timeline, &context.clock, &context.places, page)?;
    who::bursts(&incident.bursts, &clock, page)?;
    who::actors(&incident.actors, &clock, page)?;
    attacked::injections(&incident.injections, &clock, &context.places, page)?;
    attacked::symptoms(&incident.symptoms, &clock, &context.places, page)?;
    cost::impact(&incident.impact, &clock, page)?;
    cost::mitigations(&incident.mitigations, &clock, page)
}

fn heading(incident: &Incident) -> Text {
    Text::new()
        .strong(&format!("Incident {}", incident.id))
        .quiet(" · ")
        .toned(severity_tone(incident.severity), incident.severity.name())
        .quiet(" · ")
        .strong(words::cause_in_words(incident.cause))
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
        bullet(reason.as_str().into(), REASON_LINES, page)?;
    }
    and_more(REASONS, reasons.len(), "reasons", page)
}

fn in_brief(incidents: &[&Incident], context: &Context, page: &mut Page) -> io::Result<()> {
    if incidents.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.rule(Text::new().strong("Other incidents"))?;
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
        .plain(words::cause_in_words(incident.cause))
        .toned(Tone::Quiet, &format!(", {when}"));
    page.hanging(TITLE, label, LABEL, first, BRIEF_LINES)?;
    page.paragraph(
        TITLE + LABEL,
        Text::from(incident.headline.as_str()),
        BRIEF_LINES,
    )
}

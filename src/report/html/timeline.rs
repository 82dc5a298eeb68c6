//! The story, step by step: each opens the lines that prove it, and shows its time in the charts.

use maud::{Markup, html};

use super::Page;
use super::markup::{actors, lines, moment, more, phase, severity, text};
use crate::report::view::{Incident, TimelineEntry};
use crate::report::words::{self, Clock};

/// Steps of an incident at most; the report has all.
const STEPS: usize = 300;

/// The timeline of every incident that is told.
pub fn section(page: &Page<'_>) -> Markup {
    if page.told.is_empty() {
        return html! {};
    }
    super::markup::section(
        "timeline",
        "Timeline",
        html! {
            p.hint { "Times in " (page.clock.zone()) ". Each step opens the lines that prove it" span.js-only { " and shows its time in the charts" } "." }
            @for incident in &page.told { (story(incident, page)) }
        },
    )
}

fn story(incident: &Incident, page: &Page<'_>) -> Markup {
    html! {
        @if page.told.len() > 1 {
            h3 { a href={ "#incident-" (incident.id) } { "Incident " (incident.id) } ": " (words::cause_in_words(incident.cause)) }
        }
        ol.timeline {
            @for (at, step) in incident.timeline.iter().take(STEPS).enumerate() {
                @let clock = match at.checked_sub(1) {
                    Some(before) => page.clock.on_day_of(incident.timeline[before].time),
                    None => page.clock.clone(),
                };
                li { (one(step, &clock, page)) }
            }
        }
        (more(incident.timeline.len(), STEPS, "steps"))
    }
}

fn one(step: &TimelineEntry, clock: &Clock, page: &Page<'_>) -> Markup {
    let end = step.end.filter(|end| *end > step.time);
    let when = clock.range(step.time, end.unwrap_or(step.time));
    html! {
        details.step data-from=(step.time.secs()) data-to=(end.unwrap_or(step.time).secs()) {
            summary {
                span.when { (moment(step.time, &when)) }
                span.marks { (phase(step.phase)) (severity(step.severity)) }
                span.what { (text(&step.summary)) }
            }
            div.proof {
                @if let Some(end) = end { p { "Lasted " (words::spoken(end.seconds_since(step.time))) "." } }
                @if !step.actors.is_empty() { p { "Who: " (actors(&step.actors, page)) } }
                @match step.evidence.is_empty() {
                    true => p.hint { "No single line stands for this step: it is counted over many." },
                    false => (lines(&step.evidence)),
                }
            }
        }
    }
}

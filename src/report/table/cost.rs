//! What an incident cost, and what would have helped.

use std::io;

use super::page::{Page, Text, Tone};
use super::section::{BODY, and_more, beside, bullet, title};
use super::words::{self, Clock};
use crate::report::view::{Impact, Mitigation, Outage};

const OUTAGES: usize = 8;
const MITIGATIONS: usize = 8;
const LINES: usize = 4;

/// Writes the impact.
pub fn impact(impact: &Impact, clock: &Clock, page: &mut Page) -> io::Result<()> {
    title("What it cost", page)?;
    beside("requests", failed(impact), LINES, page)?;
    let met_an_error = clients(impact);
    if !met_an_error.is_empty() {
        beside("clients", met_an_error, LINES, page)?;
    }
    for outage in impact.outages.iter().take(OUTAGES) {
        beside("down", down(outage, clock), LINES, page)?;
    }
    and_more(OUTAGES, impact.outages.len(), "outages", page)?;
    match impact.lost_requests_estimate {
        Some(lost) => {
            let never = format!(
                "about {} never arrived",
                words::counted(lost, "request", "requests")
            );
            beside("lost", never.into(), LINES, page)
        }
        None => Ok(()),
    }
}

fn failed(impact: &Impact) -> Text {
    let whole = format!("of {} failed with 5xx", words::count(impact.requests));
    let share = impact
        .failed_ratio
        .map_or(String::new(), |ratio| format!(" ({})", words::share(ratio)));
    match impact.failed {
        0 => Text::from(format!("none {whole}")),
        failed => Text::new()
            .toned(Tone::Warn, &format!("{}{share}", words::count(failed)))
            .plain(" ")
            .plain(&whole),
    }
}

fn clients(impact: &Impact) -> Text {
    match impact.clients_failed {
        0 => Text::new(),
        failed => Text::from(format!(
            "{} of {} met an error",
            words::count(failed),
            words::count(impact.clients)
        )),
    }
}

fn down(outage: &Outage, clock: &Clock) -> Text {
    Text::new()
        .toned(Tone::Alarm, &clock.span(outage.start, outage.end))
        .plain("  ")
        .plain(&outage.reason)
}

/// Writes what would have helped.
pub fn mitigations(mitigations: &[Mitigation], page: &mut Page) -> io::Result<()> {
    if mitigations.is_empty() {
        return Ok(());
    }
    title("What would have helped", page)?;
    for mitigation in mitigations.iter().take(MITIGATIONS) {
        one_mitigation(mitigation, page)?;
    }
    and_more(MITIGATIONS, mitigations.len(), "measures", page)
}

fn one_mitigation(mitigation: &Mitigation, page: &mut Page) -> io::Result<()> {
    bullet(mitigation.summary.as_str().into(), LINES, page)?;
    if mitigation.targets.is_empty() {
        return Ok(());
    }
    let targets = words::list(&mitigation.targets, 0, page.room(BODY + 2));
    page.line(BODY + 2, Text::new().toned(Tone::Accent, &targets))
}

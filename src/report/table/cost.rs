//! What an incident cost, and what would have helped.

use std::io;

use super::incident::{BODY, LABEL, and_more, title};
use super::page::{Page, Text, Tone};
use super::words::{self, Clock};
use crate::report::view::{Impact, Mitigation, Outage};

const OUTAGES: usize = 8;
const MITIGATIONS: usize = 8;
const LINES: usize = 4;

/// Writes the impact.
pub fn impact(impact: &Impact, clock: &Clock, page: &mut Page) -> io::Result<()> {
    title("What it cost", page)?;
    beside("requests", failed(impact), page)?;
    beside("clients", clients(impact).into(), page)?;
    for outage in impact.outages.iter().take(OUTAGES) {
        beside("down", down(outage, clock), page)?;
    }
    and_more(OUTAGES, impact.outages.len(), "outages", page)?;
    match impact.lost_requests_estimate {
        Some(lost) => {
            let never = format!(
                "about {} never arrived",
                words::counted(lost, "request", "requests")
            );
            beside("lost", never.into(), page)
        }
        None => Ok(()),
    }
}

fn failed(impact: &Impact) -> Text {
    let share = impact
        .failed_ratio
        .map_or(String::new(), |ratio| format!(" ({})", words::share(ratio)));
    let tone = if impact.failed > 0 {
        Tone::Warn
    } else {
        Tone::Plain
    };
    Text::new()
        .toned(tone, &format!("{}{share}", words::count(impact.failed)))
        .plain(&format!(
            " of {} failed with 5xx",
            words::count(impact.requests)
        ))
}

fn clients(impact: &Impact) -> String {
    format!(
        "{} of {} met an error",
        words::count(impact.clients_failed),
        words::count(impact.clients)
    )
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
    page.hanging(
        BODY,
        Text::new().quiet("•"),
        2,
        mitigation.summary.as_str().into(),
        LINES,
    )?;
    if let Some(effect) = effect(mitigation) {
        page.paragraph(BODY + 2, Text::new().quiet(&effect), LINES)?;
    }
    if mitigation.targets.is_empty() {
        return Ok(());
    }
    let targets = words::list(&mitigation.targets, 0, page.room(BODY + 2));
    page.line(BODY + 2, Text::new().toned(Tone::Accent, &targets))
}

fn effect(mitigation: &Mitigation) -> Option<String> {
    let attack = mitigation
        .attack_share
        .map(|share| format!("{} of the attack", words::share(share)));
    let innocent = mitigation
        .innocent_share
        .map(|share| format!("{} of everyone else", words::share(share)));
    match (attack, innocent) {
        (None, None) => None,
        (Some(attack), Some(innocent)) => {
            Some(format!("would have stopped {attack}, and {innocent}"))
        }
        (Some(one), None) | (None, Some(one)) => Some(format!("would have stopped {one}")),
    }
}

fn beside(label: &str, body: Text, page: &mut Page) -> io::Result<()> {
    page.hanging(BODY, Text::new().quiet(label), LABEL, body, LINES)
}

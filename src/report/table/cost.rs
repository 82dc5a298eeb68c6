//! What an incident cost, and what would have helped.

use std::io;

use super::page::{Page, Text, Tone};
use super::section::{BODY, and_more, beside, bullet, title};
use crate::report::view::{Impact, Mitigation, Outage, RateLimit, Target};
use crate::report::words::{self, Clock};

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
    times(impact, page)?;
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

/// How long it was down, and how soon each turn came after the onset.
fn times(impact: &Impact, page: &mut Page) -> io::Result<()> {
    /// With one outage its own line says how long.
    const SEVERAL: usize = 2;
    if impact.outages.len() >= SEVERAL {
        let down = words::duration(impact.minutes_down * 60.0);
        beside("in all", format!("down for {down}").into(), LINES, page)?;
    }
    let turns = [
        ("first sign of trouble", impact.time_to_detect_s),
        ("first limits", impact.time_to_mitigate_s),
        ("ordinary again", impact.time_to_recover_s),
    ];
    let told = turns.into_iter().filter_map(|(what, seconds)| {
        let after = words::duration(seconds? as f64);
        Some(format!("{what} after {after}"))
    });
    let told: Vec<String> = told.collect();
    match told.is_empty() {
        true => Ok(()),
        false => beside("onset", told.join(", ").into(), LINES, page),
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
            "{} of {} met an error, {} of them no attackers",
            words::count(failed),
            words::count(impact.clients),
            words::count(impact.innocent_clients_failed)
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
pub fn mitigations(mitigations: &[Mitigation], clock: &Clock, page: &mut Page) -> io::Result<()> {
    if mitigations.is_empty() {
        return Ok(());
    }
    title("What would have helped", page)?;
    for mitigation in mitigations.iter().take(MITIGATIONS) {
        one_mitigation(mitigation, clock, page)?;
    }
    and_more(MITIGATIONS, mitigations.len(), "measures", page)
}

fn one_mitigation(mitigation: &Mitigation, clock: &Clock, page: &mut Page) -> io::Result<()> {
    bullet(mitigation.summary.as_str().into(), LINES, page)?;
    if mitigation.limits.iter().any(|limit| limit.advised) {
        return limits(&mitigation.limits, page);
    }
    let targets = match mitigation.details.is_empty() {
        true => mitigation.targets.clone(),
        false => networks(&mitigation.details, clock),
    };
    if targets.is_empty() {
        return Ok(());
    }
    let targets = words::list(&targets, 0, page.room(BODY + 2));
    page.line(BODY + 2, Text::new().toned(Tone::Accent, &targets))
}

/// Each network, and from when on it would have helped.
fn networks(details: &[Target], clock: &Clock) -> Vec<String> {
    let told = details.iter().map(|target| match target.from {
        Some(from) => format!("{} from {}", target.target, clock.moment(from)),
        None => target.target.clone(),
    });
    told.collect()
}

/// The limits that would have refused anything; of more generous ones there is nothing to tell.
fn limits(limits: &[RateLimit], page: &mut Page) -> io::Result<()> {
    /// Columns of a limit and of a share.
    const NUMBER: usize = 8;
    let cell = |text: &str| Text::from(format!("{text:>NUMBER$}"));
    let head = "a minute   attack  others  innocent clients refused";
    page.line(BODY + 2, Text::new().quiet(head))?;
    let share = |ratio: Option<f64>| ratio.map_or(String::new(), words::share);
    let bites = |limit: &&RateLimit| limit.attack_share.is_some_and(|share| share > 0.0);
    for limit in limits.iter().filter(bites) {
        let row = cell(&words::count(limit.per_minute))
            .plain(" ")
            .text(cell(&share(limit.attack_share)))
            .text(cell(&share(limit.innocent_share)))
            .plain("  ")
            .plain(&words::count(limit.innocent_clients));
        let row = match limit.advised {
            true => row.toned(Tone::Accent, "  ← this one"),
            false => row,
        };
        page.line(BODY + 2, row)?;
    }
    Ok(())
}

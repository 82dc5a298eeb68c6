//! What it cost.

use std::io::{self, Write};

use super::Draft;
use super::page::{Page, blank, text};
use super::story::more;
use crate::report::view::{Impact, Incident};
use crate::report::words::{self, Clock};

/// Outages at most; the report has all.
const OUTAGES: usize = 15;

/// Writes the impact.
pub fn impact<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    page.heading("Impact")?;
    draft.each("The logs show no harm.", page, |incident, page| {
        page.table(["", ""], rows(&incident.impact))?;
        outages(incident, &draft.clock, page)?;
        Ok(true)
    })?;
    match draft.told.is_empty() {
        true => Ok(()),
        false => page.list([blank(
            "orders, revenue, data, trust: what it cost besides requests",
        )]),
    }
}

fn rows(impact: &Impact) -> Vec<[String; 2]> {
    let share = |ratio: Option<f64>| ratio.map(words::share);
    let failed = match share(impact.failed_ratio) {
        Some(ratio) => format!("{} ({ratio})", words::about(impact.failed)),
        None => words::about(impact.failed),
    };
    let ordinary = share(impact.failed_ratio_before);
    let duration = |seconds: Option<u64>| seconds.map(|seconds| words::spoken(seconds as f64));
    let met_errors = (impact.clients_failed > 0).then_some(impact.innocent_clients_failed);
    let down = (impact.minutes_down > 0.0).then(|| words::spoken(impact.minutes_down * 60.0));
    let rows = [
        ("Requests meanwhile", Some(words::about(impact.requests))),
        ("Failed with 5xx", Some(failed)),
        ("Failing before it", ordinary),
        ("Clients meanwhile", Some(words::about(impact.clients))),
        (
            "Clients that met an error",
            Some(words::about(impact.clients_failed)),
        ),
        ("Innocent clients among these", met_errors.map(words::about)),
        ("Down or failing for", down),
        (
            "Requests that never arrived, estimated",
            impact.lost_requests_estimate.map(words::about),
        ),
        (
            "First sign of trouble after",
            duration(impact.time_to_detect_s),
        ),
        ("First limits after", duration(impact.time_to_mitigate_s)),
        ("Ordinary again after", duration(impact.time_to_recover_s)),
    ];
    let told = rows
        .into_iter()
        .filter_map(|(what, value)| Some((what, value?)));
    told.map(|(what, value)| [what.to_owned(), text(&value)])
        .collect()
}

fn outages<W: Write>(incident: &Incident, clock: &Clock, page: &mut Page<W>) -> io::Result<()> {
    let outages = &incident.impact.outages;
    if outages.is_empty() {
        return Ok(());
    }
    page.paragraph("The service was down or failing:")?;
    page.list(outages.iter().take(OUTAGES).map(|outage| {
        let span = clock.range(outage.start, outage.end);
        let long = words::spoken(outage.end.seconds_since(outage.start));
        text(&format!("{span} ({long}): {}", outage.reason))
    }))?;
    more(outages.len(), OUTAGES, "outages", page)
}

//! What it cost.

use std::io::{self, Write};

use super::Draft;
use super::page::{Page, blank, text};
use super::story::more;
use crate::report::phrases;
use crate::report::view::Incident;
use crate::report::words::{self, Clock};

/// Outages at most; the report has all.
const OUTAGES: usize = 15;

/// Writes the impact.
pub fn impact<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    page.heading("Impact")?;
    draft.each("The logs show no harm.", page, |incident, page| {
        let rows = phrases::impact(&incident.impact);
        page.table(
            ["", ""],
            rows.map(|(what, value)| [what.to_owned(), text(&value)]),
        )?;
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

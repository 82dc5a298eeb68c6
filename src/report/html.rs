//! The report as one page of HTML that needs nothing else: no network, no other file, and no script to be read.
//!
//! The renderer writes all text and all tables; the script (`html/*.js`) adds charts, sorting, searching and paging. Log
//! text reaches the page by `markup::text` or, for the script, by `data`; a strict policy (`shell`) would stop what got past
//! them. Renders what the report says and computes nothing.

mod attacked;
mod charts;
mod data;
mod helped;
mod incident;
mod inputs;
mod list;
mod markup;
mod shell;
mod timeline;
mod verdict;
mod who;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, Write};

use maud::html;

use crate::report::phrases;
use crate::report::view::{Actor, Incident, Report};
use crate::report::words::Clock;
use crate::time::UtcOffset;
use list::Lists;

/// Incidents with a section of their own; the others are rows of a table.
const TOLD: usize = 25;

/// What all parts of the page are given.
struct Page<'r> {
    report: &'r Report,
    /// The incidents that are told, gravest first.
    told: Vec<&'r Incident>,
    /// Every actor and its incident, those that attack first.
    actors: Vec<(&'r Incident, &'r Actor)>,
    /// The place of an actor among these, by its id.
    places: HashMap<&'r str, usize>,
    clock: Clock,
}

impl<'r> Page<'r> {
    fn new(report: &'r Report, tz: Option<UtcOffset>) -> Page<'r> {
        let (told, _) = phrases::told_and_listed(report, TOLD);
        let pairs = report.incidents.iter().flat_map(|incident| {
            let actors = incident.actors.iter();
            actors.map(move |actor| (incident, actor))
        });
        let mut actors: Vec<_> = pairs.collect();
        actors.sort_by_key(|(_, actor)| !actor.role.is_attack());
        let ids = actors.iter().enumerate();
        Page {
            report,
            told,
            places: ids.map(|(at, (_, actor))| (&*actor.id, at)).collect(),
            actors,
            clock: Clock::new(tz.unwrap_or(report.window.utc_offset)),
        }
    }
}

/// Writes the page; times in `tz`, or in the log's own zone.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(report: &Report, tz: Option<UtcOffset>, out: &mut dyn Write) -> io::Result<()> {
    let page = Page::new(report, tz);
    let mut lists = Lists::default();
    let body = html! {
        (verdict::header(&page))
        main #report {
            (verdict::facts(&page))
            @if !page.told.is_empty() || !report.series.requests.is_empty() {
                div.story {
                    (charts::section(&page))
                    (timeline::section(&page))
                }
            }
            (incident::sections(&page))
            (who::sections(&page, &mut lists))
            (inputs::sections(&page))
        }
    };
    shell::begin(&page, out)?;
    out.write_all(body.0.as_bytes())?;
    shell::end(&page, &lists, out)
}

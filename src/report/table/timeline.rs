//! The story of one incident: when, which phase, what happened, and the lines that prove it.

use std::io;

use super::page::{Page, Text, Tone};
use super::place::Places;
use super::section::{BODY, and_more, severity_tone, title};
use crate::report::view::TimelineEntry;
use crate::report::words::{self, Clock};

const ENTRIES: usize = 40;
/// Columns of `13:58:03` and its gap.
const TIME: usize = 10;
/// Columns of the longest phase, `degradation`, and its gap.
const PHASE: usize = 13;
const SUMMARY_LINES: usize = 5;
const ACTORS: usize = 24;

/// Writes the timeline.
pub fn render(
    entries: &[TimelineEntry],
    clock: &Clock,
    places: &Places,
    page: &mut Page,
) -> io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    title(&format!("Timeline ({})", clock.zone()), page)?;
    let mut day = String::new();
    for entry in entries.iter().take(ENTRIES) {
        let date = clock.date(entry.time);
        if date != day {
            page.line(BODY, Text::new().quiet(&date))?;
            day = date;
        }
        one(entry, clock, page)?;
        evidence(entry, places, page)?;
    }
    and_more(ENTRIES, entries.len(), "entries in --format json", page)
}

fn one(entry: &TimelineEntry, clock: &Clock, page: &mut Page) -> io::Result<()> {
    let label = Text::new()
        .plain(&clock.time(entry.time))
        .padded(TIME)
        .toned(
            severity_tone(entry.severity),
            &words::term(entry.phase.name()),
        );
    page.hanging(
        BODY,
        label,
        TIME + PHASE,
        summary(entry, clock),
        SUMMARY_LINES,
    )
}

fn summary(entry: &TimelineEntry, clock: &Clock) -> Text {
    let mut text = Text::from(entry.summary.as_str());
    if let Some(end) = entry.end.filter(|end| end.secs() > entry.time.secs()) {
        let until = clock.on_day_of(entry.time).moment(end);
        let lasted = words::duration(end.seconds_since(entry.time));
        text = text
            .quiet(" ")
            .kept(Tone::Quiet, &format!("(until {until},"))
            .quiet(" ")
            .kept(Tone::Quiet, &format!("{lasted})"));
    }
    if !entry.actors.is_empty() {
        text = text.quiet(&format!(" [{}]", words::list(&entry.actors, 0, ACTORS)));
    }
    text
}

/// The first line in words, the others by their place.
fn evidence(entry: &TimelineEntry, places: &Places, page: &mut Page) -> io::Result<()> {
    let indent = BODY + TIME;
    let Some(first) = entry.evidence.first() else {
        return Ok(());
    };
    let columns = page.width().saturating_sub(indent);
    page.line(indent, places.quote(first, columns))?;
    if entry.evidence.len() == 1 {
        return Ok(());
    }
    let others = places.further(&entry.evidence, page.room(indent) - "also ".len());
    page.line(indent, Text::new().quiet("also ").quiet(&others))
}

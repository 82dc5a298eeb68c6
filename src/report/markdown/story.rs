//! What happened: the summary, and the timeline.

use std::io::{self, Write};

use super::Draft;
use super::page::{Page, blank, text};
use crate::report::phrases;
use crate::report::view::{Incident, NOTHING_READ, TimelineEntry};
use crate::report::words;

/// Steps of an incident in its timeline at most; the report has all.
const STEPS: usize = 60;

/// Writes title, head and summary.
pub fn summary<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    let verdict = &draft.report.verdict;
    let title = match draft.told.first() {
        Some(first) => {
            let cause = words::cause_in_words(first.cause);
            format!("Postmortem: {cause} on {}", draft.clock.date(first.start))
        }
        None => "Postmortem: no incident found".to_owned(),
    };
    page.title(&title)?;
    page.paragraph(&format!(
        "Draft from logs by {} {}. What logs cannot know is left {}.",
        text(&draft.report.tool.name),
        text(&draft.report.tool.version),
        blank("like this"),
    ))?;
    head(draft, page)?;
    page.heading("Summary")?;
    let several = draft.told.len() > 1;
    let is_told = |incident: &&Incident| verdict.headline.starts_with(&incident.headline);
    if !several || !draft.told.iter().any(is_told) {
        page.paragraph(&text(&verdict.headline))?;
    }
    for incident in &draft.told {
        match several {
            true => {
                let headline = text(&incident.headline);
                page.paragraph(&format!("**Incident {}**: {headline}", incident.id))?;
            }
            false if !verdict.headline.starts_with(&incident.headline) => {
                page.paragraph(&text(&incident.headline))?;
            }
            false => {}
        }
        page.paragraph(&text(&phrases::users(incident)))?;
    }
    if draft.told.is_empty() && verdict.headline != NOTHING_READ {
        page.paragraph(&text(&phrases::covered(draft.report, &draft.clock)))?;
    }
    besides(draft, page)
}

/// The facts that a reader looks for first.
fn head<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    let mut rows = vec![["Status".to_owned(), blank("draft, in review, final")]];
    rows.push(["Authors".to_owned(), blank("names")]);
    if let Some(first) = draft.told.first() {
        let span = format!(
            "{} {} ({})",
            draft.clock.range(first.start, first.end),
            draft.clock.zone(),
            words::spoken(first.end.seconds_since(first.start)),
        );
        let cause = format!(
            "{} (confidence {})",
            words::cause_in_words(first.cause),
            words::confidence(first.confidence)
        );
        rows.push(["When".to_owned(), text(&span)]);
        rows.push(["Severity".to_owned(), first.severity.name().to_owned()]);
        rows.push(["Cause".to_owned(), text(&cause)]);
    }
    let logs = draft.report.inputs.len() as u64;
    let read = format!(
        "{}, {}",
        words::counted(logs, "log", "logs"),
        words::counted(draft.report.totals.requests, "request", "requests")
    );
    rows.push(["Read".to_owned(), text(&read)]);
    page.table(["", ""], rows)
}

/// The incidents that have no section.
fn besides<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    /// Lines of background noise at most.
    const LISTED: usize = 20;
    if draft.listed.is_empty() {
        return Ok(());
    }
    page.paragraph("Besides:")?;
    page.list(draft.listed.iter().take(LISTED).map(|incident| {
        let span = draft.clock.range(incident.start, incident.end);
        format!("{}: {}", text(&span), text(&incident.headline))
    }))?;
    more(draft.listed.len(), LISTED, "incidents", page)
}

/// Says how much a cut list leaves out.
pub fn more<W: Write>(all: usize, shown: usize, what: &str, page: &mut Page<W>) -> io::Result<()> {
    match all.checked_sub(shown) {
        None | Some(0) => Ok(()),
        Some(left) => page.paragraph(&format!(
            "{} more {what} are in the report as JSON.",
            words::count(left as u64)
        )),
    }
}

/// Writes the timeline.
pub fn timeline<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    page.heading("Timeline")?;
    if !draft.told.is_empty() {
        page.paragraph(&format!(
            "All times in {}. Numbers such as E1 stand for the lines in the appendix.",
            text(&draft.clock.zone())
        ))?;
    }
    draft.each(
        "Nothing happened that belongs here.",
        page,
        |incident, page| steps(draft, incident, page),
    )?;
    if draft.told.is_empty() {
        return Ok(());
    }
    page.list([
        blank("when was it noticed, and by whom or which alarm"),
        blank("who was called, and when"),
        blank("what was decided and done, and when"),
    ])
}

fn steps<W: Write>(draft: &Draft<'_>, incident: &Incident, page: &mut Page<W>) -> io::Result<bool> {
    let mut clock = draft.clock.clone();
    let shown = incident.timeline.iter().take(STEPS);
    let rows: Vec<[String; 4]> = shown
        .map(|step| {
            let row = row(step, &clock, page);
            clock = clock.on_day_of(step.time);
            row
        })
        .collect();
    if rows.is_empty() {
        return Ok(false);
    }
    page.table(["Time", "Phase", "What happened", "Lines"], rows)?;
    more(incident.timeline.len(), STEPS, "steps", page)?;
    Ok(true)
}

fn row<W: Write>(step: &TimelineEntry, clock: &words::Clock, page: &mut Page<W>) -> [String; 4] {
    let when = match step.end {
        Some(end) => clock.range(step.time, end),
        None => clock.moment(step.time),
    };
    [
        text(&when),
        text(&words::term(step.phase.name())),
        text(&step.summary),
        page.refer(&step.evidence),
    ]
}

//! The report as the draft of a postmortem, in Markdown: to be pasted into an issue tracker or a wiki.
//!
//! The sections stand in the order in which people write them, and stay when there is nothing to say. What logs cannot
//! know, such as who was called, is left as a marked blank. Renders what the report says and computes nothing.

mod actions;
mod impact;
mod indicators;
mod page;
mod root;
mod story;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use crate::report::phrases;
use crate::report::view::{Incident, Report};
use crate::report::words::Clock;
use crate::time::UtcOffset;
use page::Page;

/// More incidents than this told one by one would bury the gravest.
const TOLD: usize = 5;

/// What all sections are given.
struct Draft<'r> {
    report: &'r Report,
    /// The incidents that are told, gravest first.
    told: Vec<&'r Incident>,
    /// Those that are only listed.
    listed: Vec<&'r Incident>,
    clock: Clock,
}

impl<'r> Draft<'r> {
    fn new(report: &'r Report, tz: Option<UtcOffset>) -> Draft<'r> {
        let (told, listed) = phrases::told_and_listed(report, TOLD);
        Draft {
            report,
            told,
            listed,
            clock: Clock::new(tz.unwrap_or(report.window.utc_offset)),
        }
    }

    /// Runs `write` for each incident, under a heading of its own where there are several.
    fn each<W: Write>(
        &self,
        nothing: &str,
        page: &mut Page<W>,
        mut write: impl FnMut(&'r Incident, &mut Page<W>) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut said = false;
        for incident in &self.told {
            if self.told.len() > 1 {
                let span = self.clock.span(incident.start, incident.end);
                page.subheading(&format!("Incident {}: {span}", incident.id))?;
            }
            let wrote = write(incident, page)?;
            if !wrote && self.told.len() > 1 {
                page.paragraph(nothing)?;
            }
            said |= wrote;
        }
        match said || self.told.len() > 1 {
            true => Ok(()),
            false => page.paragraph(nothing),
        }
    }
}

/// Writes the report; times in `tz`, or in the log's own zone.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(report: &Report, tz: Option<UtcOffset>, out: &mut dyn Write) -> io::Result<()> {
    let draft = Draft::new(report, tz);
    let mut page = Page::new(out);
    story::summary(&draft, &mut page)?;
    story::timeline(&draft, &mut page)?;
    root::cause(&draft, &mut page)?;
    impact::impact(&draft, &mut page)?;
    actions::helped(&draft, &mut page)?;
    indicators::indicators(&draft, &mut page)?;
    indicators::appendix(&draft, &mut page)
}

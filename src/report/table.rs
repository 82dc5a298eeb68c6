//! The report as text for people: what an on-call engineer reads at 3 a.m.
//!
//! The verdict comes first, then the shape of the traffic, then each incident with its story, and
//! last what the reader must know before trusting it. Renders what the report says and computes
//! nothing; long lists are cut and say so, the JSON has them whole.

mod attacked;
mod charts;
mod closing;
mod cost;
mod incident;
mod overview;
pub(crate) mod page;
mod place;
mod section;
mod spark;
mod timeline;
mod who;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use crate::report::view::Report;
use crate::report::words::Clock;
use crate::time::UtcOffset;
use page::Page;
use place::Places;
use section::Context;

/// Narrower than this, columns would fall over each other: the terminal may wrap instead.
pub(crate) const MIN_WIDTH: usize = 48;

/// How the table is laid out.
#[derive(Debug, Clone, Copy)]
pub struct TableOptions {
    /// Columns; fewer than 48 count as 48.
    pub width: usize,
    /// The zone to show times in; the log's own when `None`.
    pub tz: Option<UtcOffset>,
    /// Whether to write colours.
    pub color: bool,
}

/// Writes the report.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(report: &Report, options: &TableOptions, out: &mut dyn Write) -> io::Result<()> {
    let context = Context {
        clock: Clock::new(options.tz.unwrap_or(report.window.utc_offset)),
        places: Places::new(&report.inputs),
    };
    let mut page = Page::new(out, options.width.max(MIN_WIDTH), options.color);
    overview::render(report, &context, &mut page)?;
    incident::render_all(report, &context, &mut page)?;
    closing::render(report, &context, &mut page)
}

//! What sections share: the grid of indentations and labels, titles, cut lists, and the words and
//! tones of the report's vocabularies.

use std::collections::BTreeMap;
use std::io;

use super::page::{Page, Text, Tone};
use super::place::Places;
use crate::report::phrases;
use crate::report::view::Name;
use crate::report::words::{self, Clock};
use crate::severity::Severity;

/// What every section needs besides its part of the report.
pub struct Context {
    pub clock: Clock,
    pub places: Places,
}

/// Indentation of titles inside an incident.
pub const TITLE: usize = 1;
/// Indentation of what stands below a title.
pub const BODY: usize = 3;
/// Columns of the labels beside what they name.
pub const LABEL: usize = 14;

/// A title inside an incident.
pub fn title(text: &str, page: &mut Page) -> io::Result<()> {
    page.blank()?;
    page.line(TITLE, Text::new().strong(text))
}

/// A quiet label and what it names, in at most `max_lines` lines.
pub fn beside(label: &str, body: Text, max_lines: usize, page: &mut Page) -> io::Result<()> {
    page.hanging(BODY, Text::new().quiet(label), LABEL, body, max_lines)
}

/// One of several sentences.
pub fn bullet(body: Text, max_lines: usize, page: &mut Page) -> io::Result<()> {
    page.hanging(BODY, Text::new().quiet("•"), 2, body, max_lines)
}

/// Says how much of a list was left out, if anything was.
pub fn and_more(shown: usize, total: usize, what: &str, page: &mut Page) -> io::Result<()> {
    match total.saturating_sub(shown) {
        0 => Ok(()),
        left => {
            let left = words::count(left as u64);
            page.line(BODY, Text::new().quiet(&format!("and {left} more {what}")))
        }
    }
}

/// Hits by category, most frequent first.
pub fn by_category(hits: &BTreeMap<Name, u64>, tone: Tone) -> Text {
    let ordered = phrases::by_category(hits);
    ordered.iter().fold(Text::new(), |text, one| {
        let glue = if text.is_empty() { "" } else { ", " };
        text.plain(glue).kept(tone, one)
    })
}

/// How loudly a severity speaks.
pub fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Alarm,
        Severity::Medium => Tone::Warn,
        Severity::Low => Tone::Quiet,
    }
}

//! How an input is read, as text for people: the vote, then lines field by field.
//!
//! Renders what the preview says and computes nothing. All of it may be hostile; the page escapes.

use std::io::{self, Write};

use crate::preview::{Line, Reading, Standing};
use crate::report::table::page::{Page, Text, Tone};
use crate::report::table::{MIN_WIDTH, TableOptions};

/// Columns of the labels.
const LABELS: usize = 16;

/// Most lines that one text may take; the JSON has it whole.
const TEXT_LINES: usize = 6;

/// The format of an input, and how the others fared.
///
/// # Errors
/// Whatever the writer returns.
pub fn vote(reading: &Reading, options: &TableOptions, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut page(options, out);
    page.rule(Text::new().strong(&reading.input))?;
    let verdict = match (reading.format, reading.title) {
        (Some(format), Some(title)) => format!("read as {format}: {title}"),
        _ => "in none of the known formats; `aftertrace formats` lists them".to_string(),
    };
    page.paragraph(1, Text::from(verdict), TEXT_LINES)?;
    for note in &reading.notes {
        page.paragraph(1, Text::from(note.as_str()), TEXT_LINES)?;
    }
    page.blank()?;
    page.line(1, Text::new().strong("The vote"))?;
    let (tried, hopeless): (Vec<_>, Vec<_>) = reading
        .votes
        .iter()
        .partition(|vote| vote.read > 0 || vote.reason.is_some());
    for standing in tried {
        labelled(page, standing.format, &outcome(standing, reading.sampled))?;
    }
    if !hopeless.is_empty() {
        let names: Vec<&str> = hopeless.iter().map(|vote| vote.format).collect();
        labelled(
            page,
            "not tried",
            &format!("{}: nothing in the input looks like them", names.join(", ")),
        )?;
    }
    Ok(())
}

fn outcome(standing: &Standing, sampled: usize) -> String {
    let read = format!("reads {} of {sampled} lines", standing.read);
    match (standing.line, standing.reason) {
        (Some(line), Some(reason)) => format!("{read}; line {line}: {reason}"),
        _ => read,
    }
}

/// One line, field by field.
///
/// # Errors
/// Whatever the writer returns.
pub fn line(line: &Line, options: &TableOptions, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut page(options, out);
    page.blank()?;
    page.line(1, Text::new().strong(&format!("Line {}", line.line)))?;
    if let Some(reason) = line.unparsed {
        return labelled(page, "no record", reason);
    }
    let fields = &line.fields;
    let time = fields.time.map(|time| time.to_rfc3339());
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let micros = |micros: u64| format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000);
    let rows = [
        ("time", &time),
        ("client", &fields.client),
        ("forwarded for", &fields.forwarded),
        ("user", &fields.user),
        ("host", &fields.vhost),
        ("request", &fields.request),
        ("method", &fields.method),
        ("target", &fields.target),
        ("protocol", &fields.protocol),
        ("status", &number(fields.status.map(u64::from))),
        ("bytes", &number(fields.bytes)),
        ("duration", &fields.duration_us.map(micros)),
        ("referer", &fields.referer),
        ("user agent", &fields.user_agent),
        ("further fields", &fields.extras),
        ("program", &fields.program),
        ("level", &fields.level),
        ("message", &fields.message),
    ];
    for (label, value) in rows {
        if let Some(value) = value {
            labelled(page, label, value)?;
        }
    }
    Ok(())
}

fn page<'o>(options: &TableOptions, out: &'o mut dyn Write) -> Page<'o> {
    Page::new(out, options.width.max(MIN_WIDTH), options.color)
}

fn labelled(page: &mut Page<'_>, label: &str, text: &str) -> io::Result<()> {
    let label = Text::new().toned(Tone::Accent, label);
    page.hanging(3, label, LABELS, Text::from(text), TEXT_LINES)
}

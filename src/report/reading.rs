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
    for row in rows(&tried) {
        match row.as_slice() {
            [one] => labelled(page, one.format, &outcome(one, reading.sampled))?,
            many => {
                let names: Vec<&str> = many.iter().map(|standing| standing.format).collect();
                let told = outcome(many[0], reading.sampled);
                let label = format!("{} formats", many.len());
                labelled(page, &label, &format!("each {told}: {}", names.join(", ")))?;
            }
        }
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

/// Formats that read nothing go into one row if the same line stops them for the same reason.
fn rows<'r>(standings: &[&'r Standing]) -> Vec<Vec<&'r Standing>> {
    let mut rows: Vec<Vec<&Standing>> = Vec::new();
    for standing in standings.iter().copied() {
        let alike = |row: &&mut Vec<&Standing>| {
            let first = row[0];
            first.read + standing.read == 0
                && (first.line, first.reason) == (standing.line, standing.reason)
        };
        match rows.iter_mut().find(alike) {
            Some(row) => row.push(standing),
            None => rows.push(vec![standing]),
        }
    }
    rows
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_fail_alike_share_a_row() {
        let standing = |format, read, line, reason| Standing {
            format,
            read,
            line,
            reason,
        };
        let all = [
            standing("a", 5, None, None),
            standing("b", 0, Some(1), Some("x")),
            standing("c", 0, Some(1), Some("y")),
            standing("d", 0, Some(1), Some("x")),
        ];
        let all: Vec<&Standing> = all.iter().collect();
        let names: Vec<Vec<&str>> = rows(&all)
            .iter()
            .map(|row| row.iter().map(|standing| standing.format).collect())
            .collect();
        assert_eq!(names, [vec!["a"], vec!["b", "d"], vec!["c"]]);
    }
}

//! The comment on top of a file: from which report it is, what it does, how it is applied and undone.
//!
//! Headlines, paths and names come from logs and from strangers. Each line begins with the sign of a comment, is short,
//! holds no control characters, and ends in nothing that continues it.

use std::fmt::Write;

use super::plan::Plan;
use crate::report::escape;
use crate::report::words::Clock;

/// Columns of a line. `ipset restore` reads lines of up to 1,023 bytes, and takes what follows for another.
const COLUMNS: usize = 96;

/// What all these programs take for the beginning of a comment.
const SIGN: &str = "# ";

/// What a file does and how it is used, in words.
pub struct Guide<'a> {
    /// A sentence.
    pub does: String,
    /// How it is put to use, one step each.
    pub apply: &'a [&'a str],
    /// How that is undone.
    pub undo: &'a [&'a str],
}

/// The comment.
pub fn comment(plan: &Plan<'_>, guide: &Guide<'_>) -> String {
    let report = plan.report;
    let tool = format!("{} {}", report.tool.name, report.tool.version);
    let clock = Clock::new(report.window.utc_offset);
    let time = match (report.window.start, report.window.end) {
        (Some(start), Some(end)) => format!("{} {}", clock.range(start, end), clock.zone()),
        _ => "no time".to_string(),
    };
    let mut out = String::new();
    let exporter = concat!("aftertrace ", env!("CARGO_PKG_VERSION"));
    let from = format!(
        "Written by {exporter} from \"{}\", a report of {tool}.",
        plan.path
    );
    paragraph(&mut out, "", &from);
    let headline = &report.verdict.headline;
    paragraph(
        &mut out,
        "",
        &format!("It covers {time} and says: \"{headline}\""),
    );
    blank(&mut out);
    paragraph(&mut out, "", &guide.does);
    for note in plan.notes() {
        paragraph(&mut out, "", &format!("Note: {note}."));
    }
    blank(&mut out);
    for (label, steps) in [("Apply: ", guide.apply), ("Undo:  ", guide.undo)] {
        let mut label = label;
        for step in steps {
            paragraph(&mut out, label, step);
            label = "       ";
        }
    }
    out
}

fn blank(out: &mut String) {
    let _ = writeln!(out, "{}", SIGN.trim_end());
}

/// Writes text in lines of comments, cut between words where that is possible.
fn paragraph(out: &mut String, label: &str, text: &str) {
    let safe = escape::terminal(text);
    let mut line = format!("{SIGN}{label}");
    let empty = SIGN.len() + label.len();
    let room = COLUMNS - empty;
    let mut flush = |line: &mut String| {
        if line.ends_with('\\') {
            // Apache reads on in the next line.
            line.push(' ');
            line.push('.');
        }
        let _ = writeln!(out, "{line}");
        *line = format!("{SIGN}{}", " ".repeat(label.len()));
    };
    for word in safe.split(' ') {
        let mut word = word;
        while !word.is_empty() || line.len() == empty {
            let gap = usize::from(line.len() > empty);
            let used = escape::width(&line);
            if used + gap + escape::width(word) <= COLUMNS {
                if gap == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                break;
            }
            if gap == 1 {
                flush(&mut line);
                continue;
            }
            let cut = word
                .char_indices()
                .nth(room)
                .map_or(word.len(), |(at, _)| at);
            line.push_str(&word[..cut]);
            word = &word[cut..];
            flush(&mut line);
        }
    }
    if line.len() > empty {
        flush(&mut line);
    }
}

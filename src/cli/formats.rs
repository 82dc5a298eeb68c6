//! `aftertrace formats`: which log formats there are, and how given files are read.

use std::io::{self, Write};

use aftertrace::error::Result;
use aftertrace::format::ALL;
use aftertrace::format::spec::{Format as LogFormat, LogKind};
use aftertrace::inputs::{Inputs, Reading};
use aftertrace::pass::Log;
use aftertrace::preview;
use aftertrace::report::{json, reading};
use serde::Serialize;

use super::{Format, FormatsArguments, Outcome, messages, output};

/// Runs the command.
pub fn run(arguments: &FormatsArguments) -> Result<Outcome> {
    if arguments.explain.is_empty() {
        output::write_to(None, |out| list(arguments, out))?;
        return Ok(Outcome::Finished);
    }
    let who = arguments.proxies.who();
    let reading = Reading {
        mmap: true,
        formats: &arguments.given.options(),
        who: &who,
    };
    let inputs = Inputs::open(&arguments.explain, &reading)?;
    output::write_to(None, |out| explain(arguments, &inputs, out))?;
    messages::warnings(&inputs.warnings, false, false);
    Ok(match inputs.warnings.iter().any(messages::is_unreadable) {
        true => Outcome::Incomplete,
        false => Outcome::Finished,
    })
}

/// A row of the list.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    kind: LogKind,
    title: &'static str,
    example: &'static str,
}

impl Row {
    fn of(format: &LogFormat) -> Row {
        Row {
            name: format.name,
            kind: format.kind,
            title: format.title,
            example: format.samples.first().copied().unwrap_or_default(),
        }
    }
}

fn list(arguments: &FormatsArguments, out: &mut dyn Write) -> io::Result<()> {
    let rows = ALL.iter().map(|format| Row::of(format));
    if arguments.format == Format::Json {
        return rows
            .map(|row| json::write_line(&row, out))
            .try_for_each(|written| written);
    }
    for (heading, kind) in [
        ("Access logs", LogKind::Access),
        ("Error logs", LogKind::Error),
    ] {
        writeln!(out, "{heading}")?;
        for row in rows.clone().filter(|row| row.kind == kind) {
            writeln!(out, "\n  {}: {}", row.name, row.title)?;
            for line in row.example.lines() {
                writeln!(out, "    {}", aftertrace::report::escape::terminal(line))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn explain(arguments: &FormatsArguments, inputs: &Inputs, out: &mut dyn Write) -> io::Result<()> {
    let logs: Vec<Log<'_>> = [LogKind::Access, LogKind::Error]
        .into_iter()
        .flat_map(|kind| inputs.logs(kind))
        .collect();
    for (index, source) in inputs.sources.iter().enumerate() {
        let log = logs.iter().find(|log| log.source == index as u32);
        let given = inputs.readers.named(&source.name);
        let notes = inputs.notes(index);
        let read = preview::reading(&source.name, source.view(), log, &given, notes);
        match arguments.format {
            Format::Json => as_json(&read, log, arguments.lines, out)?,
            Format::Table => as_page(&read, log, arguments, out)?,
        }
    }
    Ok(())
}

/// The vote as an object, then each line as one.
fn as_json(
    read: &preview::Reading,
    log: Option<&Log<'_>>,
    lines: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    json::write_line(read, out)?;
    let Some(log) = log else { return Ok(()) };
    preview::lines(log, lines, |line| json::write_line(line, out))
}

fn as_page(
    read: &preview::Reading,
    log: Option<&Log<'_>>,
    arguments: &FormatsArguments,
    out: &mut dyn Write,
) -> io::Result<()> {
    let options = output::page(arguments.color);
    reading::vote(read, &options, out)?;
    if let Some(log) = log {
        preview::lines(log, arguments.lines, |line| {
            reading::line(line, &options, out)
        })?;
    }
    writeln!(out)
}

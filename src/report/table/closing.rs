//! The end of the page: what to know before trusting the rest, and what became of every line read.

use std::io;

use super::page::{Page, Text, Tone};
use super::section::{Context, and_more};
use crate::report::view::{Database, Evidence, Input, KnownParty, Report, Warning};
use crate::report::words::{self, Clock};

const WARNINGS: usize = 20;
const WARNING_LINES: usize = 4;
const KNOWN: usize = 10;
const INPUTS: usize = 30;
const NOTES: usize = 5;
const LINES: usize = 3;
const INDENT: usize = 1;
const NOTE_INDENT: usize = 3;

/// Writes warnings and inputs.
pub fn render(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    warnings(&report.warnings, page)?;
    known(&report.known, page)?;
    databases(&report.databases, page)?;
    inputs(&report.inputs, &context.clock, page)?;
    page.blank()?;
    let signature = format!(
        "{} {} · in full: --format json · evidence: sed -n LINEp FILE",
        report.tool.name, report.tool.version
    );
    page.paragraph(INDENT, Text::new().quiet(&signature), 2)?;
    if evidence(report).all(|line| line.line.is_some()) {
        return Ok(());
    }
    let by_offset = "FILE@OFFSET: tail -c +$((OFFSET+1)) FILE | head -1";
    page.paragraph(INDENT, Text::new().quiet(by_offset), 2)
}

fn evidence(report: &Report) -> impl Iterator<Item = &Evidence> {
    let steps = report
        .incidents
        .iter()
        .flat_map(|incident| &incident.timeline);
    steps.flat_map(|step| &step.evidence)
}

fn warnings(warnings: &[Warning], page: &mut Page) -> io::Result<()> {
    if warnings.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.rule(Text::new().strong("Warnings"))?;
    for warning in warnings.iter().take(WARNINGS) {
        let mark = Text::new().toned(Tone::Warn, "!");
        page.hanging(INDENT, mark, 2, warning_text(warning), WARNING_LINES)?;
    }
    and_more(WARNINGS, warnings.len(), "warnings", page)
}

fn warning_text(warning: &Warning) -> Text {
    let text = Text::new();
    match &warning.input {
        Some(input) if !warning.message.contains(input.as_str()) => {
            text.toned(Tone::Accent, input).plain(": ")
        }
        _ => text,
    }
    .plain(&warning.message)
}

/// Known clients that were there.
fn known(parties: &[KnownParty], page: &mut Page) -> io::Result<()> {
    let met: Vec<&KnownParty> = parties.iter().filter(|party| party.requests > 0).collect();
    if met.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.rule(Text::new().strong("Known clients, counted and not accused"))?;
    for party in met.iter().take(KNOWN) {
        let networks = party.networks.join(", ");
        let (name, of) = match &party.name {
            Some(name) => (name.as_str(), format!(" ({networks})")),
            None => (networks.as_str(), String::new()),
        };
        let requests = words::counted(party.requests, "request", "requests");
        let hits = match party.hits {
            0 => String::new(),
            hits => format!(", {} of them suspicious", words::count(hits)),
        };
        let text = Text::new().toned(Tone::Accent, name).quiet(&of);
        page.paragraph(INDENT, text.plain(&format!("  {requests}{hits}")), LINES)?;
    }
    and_more(KNOWN, met.len(), "known clients", page)
}

/// What says where clients are.
fn databases(databases: &[Database], page: &mut Page) -> io::Result<()> {
    if databases.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.rule(Text::new().strong("Countries and autonomous systems"))?;
    for database in databases.iter().take(INPUTS) {
        let text = Text::new().toned(Tone::Accent, &database.path);
        let about = format!("  {}", words::database(database));
        page.paragraph(INDENT, text.quiet(&about), LINES)?;
    }
    and_more(INPUTS, databases.len(), "databases", page)
}

fn inputs(inputs: &[Input], clock: &Clock, page: &mut Page) -> io::Result<()> {
    if inputs.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.rule(Text::new().strong("Inputs"))?;
    for input in inputs.iter().take(INPUTS) {
        one_input(input, clock, page)?;
    }
    and_more(INPUTS, inputs.len(), "inputs", page)
}

fn one_input(input: &Input, clock: &Clock, page: &mut Page) -> io::Result<()> {
    let name = Text::new().toned(Tone::Accent, &input.path).quiet(&format!(
        "  {}, {}",
        words::term(&input.format),
        words::bytes(input.bytes)
    ));
    page.paragraph(INDENT, name, LINES)?;
    page.paragraph(NOTE_INDENT, lines(input), LINES)?;
    if let (Some(first), Some(last)) = (input.first, input.last) {
        page.paragraph(
            NOTE_INDENT,
            coverage(input, &clock.range(first, last), clock),
            LINES,
        )?;
    }
    for note in input.notes.iter().take(NOTES) {
        page.paragraph(NOTE_INDENT, Text::new().quiet(note), LINES)?;
    }
    and_more(NOTES, input.notes.len(), "notes", page)
}

fn lines(input: &Input) -> Text {
    let tone = if input.unparsed > 0 {
        Tone::Warn
    } else {
        Tone::Plain
    };
    let mut text = Text::new()
        .plain(&format!(
            "{} = ",
            words::counted(input.lines, "line", "lines")
        ))
        .plain(&words::counted(input.records, "record", "records"))
        .plain(" + ")
        .toned(tone, &format!("{} unparsed", words::count(input.unparsed)));
    if input.blank > 0 {
        text = text.plain(&format!(" + {} blank", words::count(input.blank)));
    }
    text
}

fn coverage(input: &Input, range: &str, clock: &Clock) -> Text {
    let zone = match input.utc_offset {
        Some(offset) => format!("; written in {}", Clock::new(offset).zone()),
        None => String::new(),
    };
    let skew = match input.clock_skew_s {
        Some(skew) if skew != 0.0 => format!("; its clock is off by {skew:+.0} s"),
        _ => String::new(),
    };
    Text::from(format!("{range} {}{zone}{skew}", clock.zone()))
}

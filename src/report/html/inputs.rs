//! The end of the page: what to know before trusting the rest, known clients, and what became of every line read.

use maud::{Markup, html};

use super::Page;
use super::list::{Cell, Kind, Table, cell, keyed, number};
use super::markup::{code, codes, moment, more, section, text};
use crate::report::view::{Database, Input, KnownParty, Warning};
use crate::report::words::{self, Clock};

/// Warnings, inputs, known parties, and notes of an input, at most; the report has all.
const WARNINGS: usize = 200;
const INPUTS: usize = 500;
const KNOWN: usize = 200;
const NOTES: usize = 20;

/// Writes warnings, known clients and inputs.
pub fn sections(page: &Page<'_>) -> Markup {
    let report = page.report;
    html! {
        @if !report.warnings.is_empty() { (section("warnings", "Warnings", warnings(&report.warnings))) }
        @if report.known.iter().any(|party| party.requests > 0) {
            (section("known", "Known clients, counted and not accused", known(&report.known)))
        }
        @if !report.inputs.is_empty() { (section("inputs", "Inputs", inputs(page))) }
        @if !report.databases.is_empty() {
            (section("databases", "Databases of where clients are", databases(&report.databases)))
        }
    }
}

fn warnings(warnings: &[Warning]) -> Markup {
    html! {
        ul.warnings {
            @for warning in warnings.iter().take(WARNINGS) {
                li {
                    @if let Some(input) = &warning.input {
                        @if !warning.message.contains(input.as_str()) { (code(input)) ": " }
                    }
                    (text(&warning.message))
                }
            }
        }
        (more(warnings.len(), WARNINGS, "warnings"))
    }
}

fn known(parties: &[KnownParty]) -> Markup {
    let met: Vec<&KnownParty> = parties.iter().filter(|party| party.requests > 0).collect();
    html! {
        ul {
            @for party in met.iter().take(KNOWN) {
                li {
                    @if let Some(name) = &party.name { (text(name)) " " }
                    (codes(&party.networks, KNOWN, party.networks.len()))
                    ": " (words::counted(party.requests, "request", "requests"))
                    @if party.hits > 0 { ", " (words::count(party.hits)) " of them suspicious" }
                }
            }
        }
        (more(met.len(), KNOWN, "known clients"))
    }
}

fn inputs(page: &Page<'_>) -> Markup {
    let all = &page.report.inputs;
    let rows: Vec<Vec<Cell>> = all
        .iter()
        .take(INPUTS)
        .map(|input| row(input, &page.clock))
        .collect();
    let table = Table {
        id: "input-list".to_owned(),
        caption: "What was read, and what became of every line",
        columns: vec![
            ("Input", Kind::Text),
            ("Format", Kind::Text),
            ("Size", Kind::Number),
            ("Lines", Kind::Number),
            ("Records", Kind::Number),
            ("Unparsed", Kind::Number),
            ("Blank", Kind::Number),
            ("Covers", Kind::Key),
            ("Remarks", Kind::Text),
        ],
        all: rows.len(),
        rows,
    };
    html! {
        (table.frame())
        (more(all.len(), INPUTS, "inputs"))
    }
}

fn databases(databases: &[Database]) -> Markup {
    html! {
        ul {
            @for database in databases.iter().take(INPUTS) {
                li { (code(&database.path)) ": " (text(&words::database(database))) }
            }
        }
        (more(databases.len(), INPUTS, "databases"))
    }
}

fn row(input: &Input, clock: &Clock) -> Vec<Cell> {
    let covers = html! {
        @if let (Some(first), Some(last)) = (input.first, input.last) { (moment(first, &clock.range(first, last))) }
    };
    vec![
        cell(code(&input.path)),
        cell(html! { (text(&words::term(&input.format))) }),
        keyed(&words::bytes(input.bytes), input.bytes as f64),
        number(input.lines),
        number(input.records),
        number(input.unparsed),
        number(input.blank),
        Cell::new(
            covers,
            input.first.map_or(-1.0, |first| first.secs() as f64),
        ),
        cell(remarks(input)),
    ]
}

fn remarks(input: &Input) -> Markup {
    let zone = input.utc_offset;
    let skew = input.clock_skew_s.filter(|skew| *skew != 0.0);
    html! {
        ul.plain {
            @if let Some(offset) = zone { li { "written in " (Clock::new(offset).zone()) } }
            @if let Some(skew) = skew { li { "its clock is off by " (format!("{skew:+.0} s")) } }
            @for note in input.notes.iter().take(NOTES) { li { (text(note)) } }
        }
        (more(input.notes.len(), NOTES, "notes"))
    }
}

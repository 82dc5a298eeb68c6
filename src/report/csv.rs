//! Incidents, their steps and their actors as CSV (RFC 4180), for spreadsheets: one table, in which `record` says what a row is.
//!
//! A spreadsheet runs a cell that begins like a formula, and an attacker writes the cells: such a cell gets an apostrophe in
//! front, as OWASP advises ("CSV Injection"), and what a terminal would obey is escaped.

use std::io::{self, Write};

use csv::Writer;

use crate::report::escape;
use crate::report::view::{
    Actor, Evidence, Incident, Mitigation, Origin, Report, Target, TimelineEntry,
};
use crate::time::Time;

/// The columns. `text` is what the row is about: a headline, a summary, an address, a network, a user agent; of an
/// `origin`, where some of an actor's addresses are, the last three.
const HEAD: [&str; 16] = [
    "record",
    "incident",
    "cause",
    "actor",
    "time",
    "end",
    "phase",
    "kind",
    "severity",
    "clients",
    "requests",
    "text",
    "lines",
    "country",
    "asn",
    "organization",
];

/// What a row says of its own.
#[derive(Default)]
struct Row {
    actor: String,
    span: (Option<Time>, Option<Time>),
    phase: &'static str,
    kind: String,
    severity: &'static str,
    clients: Option<u64>,
    requests: Option<u64>,
    text: String,
    lines: String,
    origin: [String; 3],
}

/// Writes the table.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Writer::from_writer(out);
    table.write_record(HEAD)?;
    for incident in &report.incidents {
        for (record, row) in rows(incident) {
            table.write_record(cells(record, incident, row).map(safe))?;
        }
    }
    table.flush()
}

/// The rows of an incident: itself, its steps, each actor with what it came from, and what would have helped. A cell of a spreadsheet holds 32,767
/// characters at most, so that each address has a row.
fn rows(incident: &Incident) -> impl Iterator<Item = (&'static str, Row)> {
    let steps = incident.timeline.iter().map(|entry| ("step", step(entry)));
    let actors = incident.actors.iter().flat_map(|one| {
        let lists = [
            ("address", &one.clients),
            ("network", &one.networks),
            ("user_agent", &one.user_agents),
        ];
        let values = lists
            .into_iter()
            .flat_map(|(record, texts)| texts.iter().map(move |text| (record, text)));
        let values = values.map(|(record, text)| {
            let row = Row {
                actor: one.id.clone(),
                text: text.clone(),
                ..Row::default()
            };
            (record, row)
        });
        let origins = one.origins.iter();
        let origins = origins.map(|from| ("origin", origin(one, from)));
        std::iter::once(("actor", actor(one)))
            .chain(values)
            .chain(origins)
    });
    let whole = std::iter::once(("incident", whole(incident)));
    let measures = incident.mitigations.iter().flat_map(|measure| {
        let targets = measure.details.iter().map(|one| ("target", target(one)));
        std::iter::once(("measure", advice(measure))).chain(targets)
    });
    whole.chain(steps).chain(actors).chain(measures)
}

fn cells(record: &str, incident: &Incident, row: Row) -> [String; HEAD.len()] {
    let time = |time: Option<Time>| time.map_or(String::new(), Time::to_rfc3339);
    let number = |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
    let [country, asn, organization] = row.origin;
    [
        record.to_owned(),
        incident.id.to_string(),
        incident.cause.name().to_owned(),
        row.actor,
        time(row.span.0),
        time(row.span.1),
        row.phase.to_owned(),
        row.kind,
        row.severity.to_owned(),
        number(row.clients),
        number(row.requests),
        row.text,
        row.lines,
        country,
        asn,
        organization,
    ]
}

fn whole(incident: &Incident) -> Row {
    Row {
        span: (Some(incident.start), Some(incident.end)),
        kind: incident.cause.name().to_owned(),
        severity: incident.severity.name(),
        clients: Some(incident.impact.clients),
        requests: Some(incident.impact.requests),
        text: incident.headline.clone(),
        ..Row::default()
    }
}

fn step(step: &TimelineEntry) -> Row {
    let place = |line: &Evidence| match line.line {
        Some(number) => format!("{}:{number}", line.source),
        None => format!("{}@{}", line.source, line.offset),
    };
    let lines: Vec<String> = step.evidence.iter().map(place).collect();
    Row {
        actor: step.actors.join(" "),
        span: (Some(step.time), step.end),
        phase: step.phase.name(),
        kind: step.kind.clone(),
        severity: step.severity.name(),
        text: step.summary.clone(),
        lines: lines.join(" "),
        ..Row::default()
    }
}

fn actor(actor: &Actor) -> Row {
    Row {
        actor: actor.id.clone(),
        span: (Some(actor.first), Some(actor.last)),
        kind: actor.role.name().to_owned(),
        clients: Some(actor.client_count),
        requests: Some(actor.requests),
        ..Row::default()
    }
}

fn origin(actor: &Actor, origin: &Origin) -> Row {
    let number = origin.asn.map(|number| number.to_string());
    Row {
        actor: actor.id.clone(),
        clients: Some(origin.clients),
        requests: Some(origin.requests),
        origin: [
            origin.country.clone().unwrap_or_default(),
            number.unwrap_or_default(),
            origin.organization.clone().unwrap_or_default(),
        ],
        ..Row::default()
    }
}

fn advice(measure: &Mitigation) -> Row {
    Row {
        kind: measure.kind.to_string(),
        text: measure.summary.clone(),
        ..Row::default()
    }
}

/// A network to block, with the attackers within and the time of their first request.
fn target(target: &Target) -> Row {
    Row {
        span: (target.from, None),
        clients: Some(target.clients),
        text: target.target.clone(),
        ..Row::default()
    }
}

/// A cell that does nothing.
pub fn safe(cell: String) -> String {
    /// What begins a formula in Excel, LibreOffice and Google Sheets. Tabs and ends of lines are escaped before.
    const FORMULAS: [char; 4] = ['=', '+', '-', '@'];
    let text = escape::terminal(&cell);
    // Also behind blanks, which are cut off on import, and in the wide forms that are taken for the narrow ones.
    match text.trim_start().starts_with(FORMULAS) || text.starts_with(['＝', '＋', '－', '＠'])
    {
        true => format!("'{text}"),
        false => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::rich;

    fn table(report: &Report) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        render(report, &mut out).unwrap();
        let mut table = csv::Reader::from_reader(&out[..]);
        let rows = table
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect());
        rows.collect()
    }

    #[test]
    fn steps_and_actors_are_rows() {
        let rows = table(&rich(&str::to_string));
        let of = |record: &str| rows.iter().filter(|row| row[0] == record).count();
        assert_eq!((of("incident"), of("step"), of("actor")), (4, 5, 2));
        assert!(
            rows.iter()
                .any(|row| row[0] == "origin"
                    && row[13..] == ["NL", "64496", "Example Hosting B.V."])
        );
        assert!(of("address") > 2 && of("network") > 2 && of("user_agent") == 2);
        assert!(
            rows.iter()
                .any(|row| row[0] == "actor" && row[3] == "A2" && row[9] == "42613")
        );
    }

    #[test]
    fn no_cell_is_a_formula_or_moves_a_cursor() {
        for attack in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", " =1", "\x1b[2J", "\"=1", "＝1",
        ] {
            let hostile = |text: &str| format!("{attack}{text}");
            for row in table(&rich(&hostile)) {
                for cell in row {
                    assert_eq!(escape::terminal(&cell), cell);
                    let first = cell.trim_start().chars().next();
                    assert!(
                        !first.is_some_and(|first| "=+-@\t\r\n＝＋－＠".contains(first)),
                        "{cell}"
                    );
                }
            }
        }
    }
}

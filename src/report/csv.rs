//! The timeline and the actors as CSV (RFC 4180), for spreadsheets: one table, in which `record` says what a row is.
//!
//! A spreadsheet runs a cell that begins like a formula, and an attacker writes the cells: such a cell gets an apostrophe in
//! front, as OWASP advises ("CSV Injection"), and what a terminal would obey is escaped.

use std::io::{self, Write};

use csv::Writer;

use crate::report::escape;
use crate::report::view::{Actor, Incident, Report, TimelineEntry};

/// The columns.
const HEAD: [&str; 16] = [
    "record",
    "incident",
    "cause",
    "id",
    "time",
    "end",
    "phase",
    "kind",
    "severity",
    "clients",
    "requests",
    "summary",
    "addresses",
    "networks",
    "user_agents",
    "evidence",
];

type Row = [String; HEAD.len()];

/// Writes the table.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Writer::from_writer(out);
    table.write_record(HEAD)?;
    for incident in &report.incidents {
        for entry in &incident.timeline {
            table.write_record(step(incident, entry).map(safe))?;
        }
        for one in &incident.actors {
            table.write_record(actor(incident, one).map(safe))?;
        }
    }
    table.flush()
}

fn step(incident: &Incident, step: &TimelineEntry) -> Row {
    let place = |line: &crate::report::view::Evidence| match line.line {
        Some(number) => format!("{}:{number}", line.source),
        None => format!("{}@{}", line.source, line.offset),
    };
    [
        "step".to_owned(),
        incident.id.to_string(),
        incident.cause.name().to_owned(),
        step.actors.join(" "),
        step.time.to_rfc3339(),
        step.end.map_or(String::new(), |end| end.to_rfc3339()),
        step.phase.name().to_owned(),
        step.kind.clone(),
        step.severity.name().to_owned(),
        String::new(),
        String::new(),
        step.summary.clone(),
        String::new(),
        String::new(),
        String::new(),
        step.evidence
            .iter()
            .map(place)
            .collect::<Vec<_>>()
            .join(" "),
    ]
}

fn actor(incident: &Incident, actor: &Actor) -> Row {
    [
        "actor".to_owned(),
        incident.id.to_string(),
        incident.cause.name().to_owned(),
        actor.id.clone(),
        actor.first.to_rfc3339(),
        actor.last.to_rfc3339(),
        String::new(),
        actor.role.name().to_owned(),
        incident.severity.name().to_owned(),
        actor.client_count.to_string(),
        actor.requests.to_string(),
        String::new(),
        actor.clients.join(" "),
        actor.networks.join(" "),
        actor.user_agents.join(" | "),
        String::new(),
    ]
}

/// A cell that does nothing.
fn safe(cell: String) -> String {
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

    fn rows(report: &Report) -> Vec<Vec<String>> {
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
        let rows = rows(&rich(&str::to_string));
        let of = |record: &str| rows.iter().filter(|row| row[0] == record).count();
        assert_eq!((of("step"), of("actor")), (5, 2));
        assert!(rows.iter().any(|row| row[3] == "A2" && row[9] == "42613"));
    }

    #[test]
    fn no_cell_is_a_formula_or_moves_a_cursor() {
        for attack in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", " =1", "\x1b[2J", "\"=1", "＝1",
        ] {
            let hostile = |text: &str| format!("{attack}{text}");
            for row in rows(&rich(&hostile)) {
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

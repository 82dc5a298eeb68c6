//! What to look for elsewhere, and the appendix: the lines that the statements rest on, and what to know before trusting them.

use std::io::{self, Write};

use super::Draft;
use super::page::{Page, code, text};
use super::story::more;
use crate::report::view::{Actor, Incident, Origin, Warning};
use crate::report::words;

/// Actors, and values of each kind for one of them, at most; the report has all.
const ACTORS: usize = 20;
const VALUES: usize = 25;

/// Writes networks, agents and targets.
pub fn indicators<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    page.heading("Indicators")?;
    draft.each("Nobody to look for elsewhere.", page, |incident, page| {
        for actor in incident.actors.iter().take(ACTORS) {
            one(actor, draft, page)?;
        }
        more(incident.actors.len(), ACTORS, "actors", page)?;
        targets(incident, page)?;
        Ok(!incident.actors.is_empty() || !incident.injections.is_empty())
    })
}

fn one<W: Write>(actor: &Actor, draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    page.paragraph(&format!(
        "**{}**, {}: {}, {}, {}",
        text(&actor.id),
        text(&words::term(actor.role.name())),
        words::counted(actor.client_count, "client", "clients"),
        words::counted(actor.requests, "request", "requests"),
        text(&draft.clock.range(actor.first, actor.last)),
    ))?;
    let lists = [
        ("Clients", &actor.clients, actor.client_count as usize),
        ("Networks", &actor.networks, actor.networks.len()),
        ("User agents", &actor.user_agents, actor.user_agents.len()),
        ("Paths", &actor.paths, actor.paths.len()),
    ];
    let told = lists
        .into_iter()
        .filter(|(_, values, _)| !values.is_empty());
    page.list(told.map(|(what, values, all)| format!("{what}: {}", cut(values, all))))?;
    origins(actor, page)
}

/// Where its clients are.
fn origins<W: Write>(actor: &Actor, page: &mut Page<W>) -> io::Result<()> {
    if actor.origins.is_empty() {
        return Ok(());
    }
    let row = |origin: &Origin| {
        let number = origin.asn.map(|number| format!("AS{number}"));
        [
            number.unwrap_or_default(),
            text(origin.organization.as_deref().unwrap_or_default()),
            text(origin.country.as_deref().unwrap_or_default()),
            words::count(origin.clients),
            format!(
                "{} ({})",
                words::count(origin.requests),
                text(&words::part_of(origin.requests, actor.requests))
            ),
        ]
    };
    page.table(
        ["System", "Organisation", "Country", "Addresses", "Requests"],
        actor.origins.iter().take(VALUES).map(row),
    )?;
    more(actor.origins.len(), VALUES, "origins", page)
}

/// Some values, and how many more there are.
fn cut(values: &[String], all: usize) -> String {
    let shown: Vec<String> = values
        .iter()
        .take(VALUES)
        .map(|value| code(value))
        .collect();
    match all.max(values.len()) - shown.len() {
        0 => shown.join(", "),
        left => format!(
            "{} and {} more, in the report as JSON",
            shown.join(", "),
            words::count(left as u64)
        ),
    }
}

fn targets<W: Write>(incident: &Incident, page: &mut Page<W>) -> io::Result<()> {
    let mut targets: Vec<&str> = incident
        .injections
        .iter()
        .map(|place| &*place.endpoint)
        .collect();
    targets.sort_unstable();
    targets.dedup();
    if targets.is_empty() {
        return Ok(());
    }
    let targets: Vec<String> = targets.into_iter().map(str::to_owned).collect();
    page.list([format!("Attacked places: {}", cut(&targets, targets.len()))])
}

/// Writes the lines that were referred to, what was read, and the warnings.
pub fn appendix<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    page.heading("Appendix: evidence")?;
    page.evidence()?;
    page.paragraph("Read:")?;
    page.list(draft.report.inputs.iter().map(|input| {
        format!(
            "{}: {}, {} of them not understood",
            code(&input.path),
            words::counted(input.lines, "line", "lines"),
            words::count(input.unparsed),
        )
    }))?;
    if !draft.report.databases.is_empty() {
        page.paragraph("Countries and autonomous systems are from:")?;
        page.list(draft.report.databases.iter().map(|database| {
            let about = text(&words::database(database));
            format!("{}: {about}", code(&database.path))
        }))?;
    }
    if draft.report.warnings.is_empty() {
        return Ok(());
    }
    page.paragraph("To be known before this is trusted:")?;
    page.list(draft.report.warnings.iter().map(warning))
}

fn warning(warning: &Warning) -> String {
    match &warning.input {
        Some(input) if !warning.message.contains(input.as_str()) => {
            format!("{}: {}", code(input), text(&warning.message))
        }
        _ => text(&warning.message),
    }
}

//! Actors, their networks and addresses, and what they aimed at, over all incidents.

use maud::{Markup, html};

use super::Page;
use super::list::{Cell, Kind, List, Lists, Table, cell, number, when};
use super::markup::{code, code_lines, codes, more, section, text};
use crate::report::phrases;
use crate::report::view::{Actor, Burst, Incident, Injection, Origin};
use crate::report::words;
use crate::terms::Dimension;

/// Actors, attacked places, and values of each kind for one actor, at most; the report has all.
pub const ACTORS: usize = 500;
const TARGETS: usize = 1_000;
const VALUES: usize = 12;

/// Writes the tables.
pub fn sections(page: &Page<'_>, lists: &mut Lists) -> Markup {
    html! {
        @if !page.actors.is_empty() {
            (section("actors", "Actors", actors(page)))
            div.beside {
                (section("networks", "Networks", networks(page, lists)))
                (section("addresses", "Addresses", addresses(page, lists)))
            }
        }
        @if has_targets(page) { (section("targets", "Targets", targets(page))) }
    }
}

fn actors(page: &Page<'_>) -> Markup {
    let shown = page.actors.iter().take(ACTORS).enumerate();
    let rows: Vec<_> = shown
        .map(|(place, (incident, actor))| row(place, incident, actor, page))
        .collect();
    let table = Table {
        id: "actor-list".to_owned(),
        caption: "Who acted: a campaign of many addresses that behave alike is one actor",
        columns: vec![
            ("Actor", Kind::Text),
            ("Role", Kind::Text),
            ("Incident", Kind::Number),
            ("Clients", Kind::Number),
            ("Requests", Kind::Number),
            ("First", Kind::Key),
            ("Last", Kind::Key),
            ("What is known", Kind::Text),
        ],
        all: rows.len(),
        rows,
    };
    html! {
        (table.render())
        (more(page.actors.len(), ACTORS, "actors"))
    }
}

fn row(place: usize, incident: &Incident, actor: &Actor, page: &Page<'_>) -> Vec<Cell> {
    vec![
        cell(html! { b #{ "actor-" (place) } { (text(&actor.id)) } }),
        cell(html! { (words::term(actor.role.name())) }),
        number(u64::from(incident.id)),
        number(actor.client_count),
        number(actor.requests),
        when(actor.first, &page.clock),
        when(actor.last, &page.clock),
        cell(known(actor)),
    ]
}

fn known(actor: &Actor) -> Markup {
    let answers = actor.status.iter().filter(|&(_, &number)| number > 0);
    let answers: Vec<String> = answers
        .map(|(class, &number)| format!("{class} {}", words::part_of(number, actor.requests)))
        .collect();
    let networks: Vec<String> = actor
        .networks
        .iter()
        .map(|net| phrases::network(net))
        .collect();
    let hits = phrases::by_category(&actor.hits_by_category);
    let clients = usize::try_from(actor.client_count).unwrap_or(usize::MAX);
    let lines = [("User agents", &actor.user_agents), ("Paths", &actor.paths)];
    html! {
        details {
            summary { "networks, agents, paths" }
            dl.pairs {
                @if !hits.is_empty() { div { dt { "Suspicious" } dd { (text(&hits.join(", "))) } } }
                @if !answers.is_empty() { div { dt { "Answered" } dd { (text(&answers.join(", "))) } } }
                @if !actor.clients.is_empty() { div { dt { "Clients" } dd { (codes(&actor.clients, VALUES, clients)) } } }
                @if !networks.is_empty() { div { dt { "Networks" } dd { (codes(&networks, VALUES, networks.len())) } } }
                @for (what, values) in lines.iter().filter(|(_, values)| !values.is_empty()) {
                    div { dt { (what) } dd { (code_lines(values, VALUES)) } }
                }
                (origins(&actor.origins))
            }
        }
    }
}

fn origins(origins: &[Origin]) -> Markup {
    html! {
        @if !origins.is_empty() {
            div { dt { "Where" } dd { ul.plain {
                @for origin in origins.iter().take(VALUES) {
                    li {
                        (text(&words::origin(origin))) ": "
                        (words::counted(origin.clients, "client", "clients")) ", "
                        (words::counted(origin.requests, "request", "requests"))
                    }
                }
                @if origins.len() > VALUES { li { "and " (words::count((origins.len() - VALUES) as u64)) " more" } }
            } } }
        }
    }
}

fn networks(page: &Page<'_>, lists: &mut Lists) -> Markup {
    let mut list = List::new("network-list");
    for (incident, actor) in &page.actors {
        let networks: Vec<String> = actor
            .networks
            .iter()
            .map(|net| phrases::network(net))
            .collect();
        list.add(&networks, &whose(incident, actor));
    }
    lists.table(
        list,
        "Networks that the actors' addresses are in",
        &["Network", "Actor", "Role", "Incident"],
    )
}

fn addresses(page: &Page<'_>, lists: &mut Lists) -> Markup {
    let mut list = List::new("address-list");
    for (incident, actor) in &page.actors {
        list.add(&actor.clients, &whose(incident, actor));
    }
    lists.table(
        list,
        "Addresses and host names of the actors",
        &["Address", "Actor", "Role", "Incident"],
    )
}

/// The cells that all values of an actor share.
fn whose(incident: &Incident, actor: &Actor) -> [String; 3] {
    [
        actor.id.clone(),
        words::term(actor.role.name()),
        incident.id.to_string(),
    ]
}

/// Paths that rose above the ordinary.
fn flooded(incident: &Incident) -> impl Iterator<Item = (&Burst, &String)> {
    let paths = incident
        .bursts
        .iter()
        .filter(|burst| burst.dimension == Dimension::Path);
    paths.filter_map(|burst| Some((burst, burst.key.as_ref()?)))
}

/// Whether anything is known of what was aimed at.
pub fn has_targets(page: &Page<'_>) -> bool {
    let mut incidents = page.report.incidents.iter();
    incidents.any(|incident| !incident.injections.is_empty() || flooded(incident).next().is_some())
}

fn targets(page: &Page<'_>) -> Markup {
    let rows = page.report.incidents.iter().flat_map(|incident| {
        let injected = incident
            .injections
            .iter()
            .map(|place| attacked(place, incident, page));
        injected.chain(flooded(incident).map(|(burst, path)| risen(burst, path, incident, page)))
    });
    let count = |incident: &Incident| incident.injections.len() + flooded(incident).count();
    let all = page.report.incidents.iter().map(count).sum();
    let rows: Vec<Vec<Cell>> = rows.take(TARGETS).collect();
    let table = Table {
        id: "target-list".to_owned(),
        caption: "What was aimed at: attacked places, and paths that were asked for far more than usual",
        columns: vec![
            ("Place", Kind::Text),
            ("Parameter", Kind::Text),
            ("What", Kind::Text),
            ("Requests", Kind::Number),
            ("First", Kind::Key),
            ("Last", Kind::Key),
            ("Did it work?", Kind::Text),
            ("Incident", Kind::Number),
        ],
        all: rows.len(),
        rows,
    };
    html! {
        (table.render())
        (more(all, TARGETS, "targets"))
    }
}

fn attacked(place: &Injection, incident: &Incident, page: &Page<'_>) -> Vec<Cell> {
    let outcome = place.outcome;
    vec![
        cell(code(&place.endpoint)),
        cell(html! { @if let Some(parameter) = &place.parameter { (code(parameter)) } }),
        cell(html! { (text(&phrases::attack(place))) }),
        number(place.attempts),
        when(place.first, &page.clock),
        when(place.last, &page.clock),
        cell(
            html! { span class={ "outcome outcome-" (outcome.name()) } { (phrases::outcome(outcome)) } },
        ),
        number(u64::from(incident.id)),
    ]
}

fn risen(burst: &Burst, path: &str, incident: &Incident, page: &Page<'_>) -> Vec<Cell> {
    vec![
        cell(code(path)),
        cell(html! {}),
        cell(html! { (words::cause_named(&burst.classification).unwrap_or("surge")) }),
        number(burst.requests),
        when(burst.start, &page.clock),
        when(burst.end, &page.clock),
        cell(html! {}),
        number(u64::from(incident.id)),
    ]
}

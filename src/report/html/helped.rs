//! What would have helped, counted on the logs.

use maud::{Markup, html};

use super::Page;
use super::list::{Cell, Kind, Table, cell, keyed, number, when};
use super::markup::{code, codes, more, share, text};
use crate::report::phrases;
use crate::report::view::{Incident, Mitigation, RateLimit, Target};
use crate::report::words;

/// Measures of an incident, and targets of one of them, at most; the report has all.
const MEASURES: usize = 50;
const TARGETS: usize = 200;

/// The measures.
pub fn measures(incident: &Incident, page: &Page<'_>) -> Markup {
    html! {
        @if !incident.mitigations.is_empty() {
            h4 { "What would have helped" }
            @for (at, measure) in incident.mitigations.iter().take(MEASURES).enumerate() {
                (one(measure, &format!("measure-{}-{at}", incident.id), page))
            }
            (more(incident.mitigations.len(), MEASURES, "measures"))
        }
    }
}

fn one(measure: &Mitigation, id: &str, page: &Page<'_>) -> Markup {
    html! {
        div.measure {
            p { b { (text(&phrases::capitalised(&measure.summary))) } }
            (shares(measure))
            @if !measure.details.is_empty() {
                (networks(measure, id, page).frame())
                (more(measure.details.len(), TARGETS, "networks"))
            } @else if !measure.targets.is_empty() {
                p { (codes(&measure.targets, TARGETS, measure.targets.len())) }
            }
            @if !measure.limits.is_empty() { (limits(measure, id).frame()) }
        }
    }
}

/// What the sentence does not say itself.
fn shares(measure: &Mitigation) -> Markup {
    html! {
        @if let Some(attack) = measure.attack_share.filter(|share| !measure.summary.contains(&words::share(*share))) {
            p.hint {
                (words::share(attack)) " of the attack's requests"
                @if let Some(innocent) = measure.innocent_share { ", " (words::share(innocent)) " of the others" }
            }
        }
    }
}

fn ratio(ratio: Option<f64>) -> Cell {
    keyed(&share(ratio), ratio.unwrap_or(-1.0))
}

fn networks(measure: &Mitigation, id: &str, page: &Page<'_>) -> Table {
    let details = &measure.details;
    let begun = details.iter().any(|target| target.from.is_some());
    let located = details.iter().any(|target| !target.origins.is_empty());
    let mut columns = vec![
        ("Network", Kind::Text),
        ("Attackers", Kind::Number),
        ("Of the attack", Kind::Number),
        ("Others within", Kind::Number),
        ("Of the other requests", Kind::Number),
    ];
    columns.extend(begun.then_some(("Attacked from", Kind::Key)));
    columns.extend(located.then_some(("Where", Kind::Text)));
    let shown = measure.details.iter().take(TARGETS);
    Table {
        id: id.to_owned(),
        caption: "Networks to block",
        columns,
        rows: shown
            .map(|target| network(target, begun, located, page))
            .collect(),
        all: measure.details.len().min(TARGETS),
    }
}

/// A row; when and where only in tables that know it.
fn network(target: &Target, begun: bool, located: bool, page: &Page<'_>) -> Vec<Cell> {
    let mut cells = vec![
        cell(code(&phrases::network(&target.target))),
        number(target.clients),
        ratio(target.attack_share),
        number(target.innocent_clients),
        ratio(target.innocent_share),
    ];
    if begun {
        let since = target.from.map(|from| when(from, &page.clock));
        cells.push(since.unwrap_or_else(|| Cell::new(html! {}, -1.0)));
    }
    if located {
        let origins: Vec<String> = target.origins.iter().map(words::origin).collect();
        cells.push(cell(html! { (text(&origins.join(", "))) }));
    }
    cells
}

fn limits(measure: &Mitigation, id: &str) -> Table {
    Table {
        id: format!("{id}-limits"),
        caption: "Limits to each client, strictest first",
        columns: vec![
            ("Requests a minute", Kind::Number),
            ("Of the attack refused", Kind::Number),
            ("Of the other requests refused", Kind::Number),
            ("Others refused at least once", Kind::Number),
        ],
        rows: measure.limits.iter().take(TARGETS).map(limit).collect(),
        all: measure.limits.len().min(TARGETS),
    }
}

fn limit(limit: &RateLimit) -> Vec<Cell> {
    let per_minute = words::count(limit.per_minute);
    let named = html! {
        @if limit.advised { b { (text(&per_minute)) " (advised)" } } @else { (text(&per_minute)) }
    };
    vec![
        Cell::new(named, limit.per_minute as f64),
        ratio(limit.attack_share),
        ratio(limit.innocent_share),
        number(limit.innocent_clients),
    ]
}

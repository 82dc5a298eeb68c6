//! What was attacked and whether it worked, what rose above the ordinary, and what the error logs say.

use maud::{Markup, html};

use super::Page;
use super::list::{Cell, Kind, Table, cell, keyed, number};
use super::markup::{actors, code, lines, moment, more, text};
use crate::report::phrases;
use crate::report::view::{Burst, Incident, Injection, Ranked, Symptom};
use crate::report::words;

/// Attacked places, bursts, kinds of messages, and links of one of these, at most; the report has all.
const PLACES: usize = 100;
const BURSTS: usize = 100;
const MESSAGES: usize = 50;
const LINKS: usize = 20;
/// Leading values of a burst.
const LEADING: usize = 5;

/// The attacked places, the likeliest successes first.
pub fn places(incident: &Incident, page: &Page<'_>) -> Markup {
    let ordered = phrases::likeliest_first(&incident.injections);
    html! {
        @if !ordered.is_empty() {
            h4 { "What was attacked, and whether it worked" }
            div.cards { @for injection in ordered.iter().take(PLACES) { (place(injection, page)) } }
            (more(ordered.len(), PLACES, "attacked places"))
        }
    }
}

fn place(injection: &Injection, page: &Page<'_>) -> Markup {
    html! {
        details.card {
            summary {
                span class={ "outcome outcome-" (injection.outcome.name()) } { (phrases::outcome(injection.outcome)) }
                span.what {
                    (text(&phrases::attack(injection))) " in " (code(&injection.endpoint))
                    @if let Some(parameter) = &injection.parameter { ", parameter " (code(parameter)) }
                }
                span.number { (words::counted(injection.attempts, "attempt", "attempts")) }
            }
            div.proof {
                p {
                    (moment(injection.first, &page.clock.range(injection.first, injection.last)))
                    @if !injection.actors.is_empty() { ", by " (actors(&injection.actors, page)) }
                }
                @if !injection.outcome_reasons.is_empty() {
                    p { "Did it work? " (phrases::capitalised(phrases::outcome(injection.outcome))) ":" }
                    ul { @for reason in &injection.outcome_reasons { li { (text(reason)) } } }
                }
                (lines(&injection.samples))
            }
        }
    }
}

/// The bursts.
pub fn bursts(incident: &Incident, page: &Page<'_>) -> Markup {
    if incident.bursts.is_empty() {
        return html! {};
    }
    let shown = incident.bursts.iter().take(BURSTS);
    let rows: Vec<Vec<Cell>> = shown.map(|burst| rise(burst, page)).collect();
    let table = Table {
        id: format!("bursts-{}", incident.id),
        caption: "Bursts",
        columns: vec![
            ("What", Kind::Text),
            ("When", Kind::Key),
            ("Ordinary", Kind::Number),
            ("Peak", Kind::Number),
            ("Requests above", Kind::Number),
            ("Clients", Kind::Number),
            ("What it is", Kind::Text),
            ("Leading", Kind::Text),
        ],
        all: rows.len(),
        rows,
    };
    html! {
        h4 { "What rose above the ordinary" }
        (table.frame())
        (more(incident.bursts.len(), BURSTS, "bursts"))
    }
}

fn rise(burst: &Burst, page: &Page<'_>) -> Vec<Cell> {
    let what = html! {
        (phrases::dimension(burst.dimension))
        @if let Some(key) = &burst.key { " " (code(key)) }
    };
    let new = burst.new_client_ratio;
    let clients = html! {
        (words::count(burst.clients))
        @if let Some(new) = new { small { (words::share(new)) " new" } }
    };
    let kind = words::cause_named(&burst.classification).unwrap_or("surge");
    let when = html! {
        (moment(burst.start, &page.clock.span(burst.start, burst.end)))
        small { "peak " (page.clock.on_day_of(burst.start).moment(burst.peak_at)) }
    };
    vec![
        cell(what),
        Cell::new(when, burst.start.secs() as f64),
        keyed(&words::rate(burst.baseline_rps), burst.baseline_rps),
        keyed(&words::rate(burst.peak_rps), burst.peak_rps),
        number(burst.excess_requests),
        Cell::new(clients, burst.clients as f64),
        cell(html! { (kind) small { (words::confidence(burst.confidence)) " sure" } }),
        cell(leading(burst)),
    ]
}

fn leading(burst: &Burst) -> Markup {
    let top = &burst.top;
    let lists: [(&str, &[Ranked]); 4] = [
        ("networks", &top.networks),
        ("clients", &top.clients),
        ("paths", &top.paths),
        ("user agents", &top.user_agents),
    ];
    let there = lists.into_iter().filter(|(_, values)| !values.is_empty());
    html! {
        details {
            summary { "who and what" }
            dl.pairs {
                @for (what, values) in there {
                    div {
                        dt { (what) }
                        dd { ul.plain {
                            @for value in values.iter().take(LEADING) {
                                li { (code(&phrases::network(&value.key))) " " (words::part_of(value.requests, burst.requests)) }
                            }
                        } }
                    }
                }
            }
        }
    }
}

/// What the error logs say.
pub fn messages(incident: &Incident, page: &Page<'_>) -> Markup {
    html! {
        @if !incident.symptoms.is_empty() {
            h4 { "What the error logs say" }
            div.cards { @for symptom in incident.symptoms.iter().take(MESSAGES) { (message(symptom, page)) } }
            (more(incident.symptoms.len(), MESSAGES, "kinds of messages"))
        }
    }
}

fn message(symptom: &Symptom, page: &Page<'_>) -> Markup {
    let links = symptom.links.iter().filter_map(phrases::link).take(LINKS);
    let links: Vec<String> = links.collect();
    html! {
        details.card {
            summary {
                span.kind { (words::term(symptom.kind.name())) }
                span.what { (text(&symptom.title)) }
                span.number { (words::counted(symptom.count, "message", "messages")) }
            }
            div.proof {
                p { (moment(symptom.first, &page.clock.range(symptom.first, symptom.last))) }
                @if !links.is_empty() { p { (text(&phrases::capitalised(&links.join(", ")))) "." } }
                @if symptom.by_requests { p.hint { "Single requests bring these messages about, without any trouble of the server." } }
                @if symptom.once_per_lifetime { p.hint { "The server writes these once in its life, however long the trouble lasts." } }
                @match symptom.evidence.is_empty() {
                    true => p { (code(&symptom.sample)) },
                    false => (lines(&symptom.evidence)),
                }
            }
        }
    }
}

//! The incidents: all as a table where there are several, and each that is told with its reasons, its cost and what belongs to it.

use maud::{Markup, html};

use super::list::{Cell, Kind, Table, cell, keyed, number, when};
use super::markup::{moment, more, section, severity, text};
use super::{Page, attacked, helped};
use crate::report::phrases;
use crate::report::view::{Impact, Incident};
use crate::report::words;

/// Rows of the table, reasons and outages of an incident at most; the report has all.
const INCIDENTS: usize = 1_000;
const REASONS: usize = 50;
const OUTAGES: usize = 50;

/// Writes the incidents.
pub fn sections(page: &Page<'_>) -> Markup {
    if page.told.is_empty() {
        return html! {};
    }
    let several = page.report.incidents.len() > 1;
    section(
        "incidents",
        if several { "Incidents" } else { "The incident" },
        html! {
            @if several { (overview(page)) }
            @for incident in &page.told { (told(incident, page)) }
        },
    )
}

fn overview(page: &Page<'_>) -> Markup {
    let all = &page.report.incidents;
    let rows: Vec<Vec<Cell>> = all
        .iter()
        .take(INCIDENTS)
        .map(|incident| row(incident, page))
        .collect();
    let table = Table {
        id: "incident-list".to_owned(),
        caption: "All incidents",
        columns: vec![
            ("Incident", Kind::Number),
            ("Severity", Kind::Key),
            ("Began", Kind::Key),
            ("Lasted", Kind::Number),
            ("Requests", Kind::Number),
            ("What happened", Kind::Text),
        ],
        all: rows.len(),
        rows,
    };
    html! {
        (table.render())
        (more(all.len(), INCIDENTS, "incidents"))
    }
}

fn row(incident: &Incident, page: &Page<'_>) -> Vec<Cell> {
    let is_told = page.told.iter().any(|told| std::ptr::eq(*told, incident));
    let lasted = incident.end.seconds_since(incident.start);
    vec![
        Cell::new(
            html! {
                @match is_told {
                    true => a href={ "#incident-" (incident.id) } { (incident.id) },
                    false => (incident.id),
                }
            },
            f64::from(incident.id),
        ),
        Cell::new(
            severity(incident.severity),
            f64::from(incident.severity as u8),
        ),
        when(incident.start, &page.clock),
        keyed(&words::duration(lasted), lasted),
        number(incident.impact.requests),
        cell(html! { (text(&incident.headline)) }),
    ]
}

fn told(incident: &Incident, page: &Page<'_>) -> Markup {
    let several = page.report.incidents.len() > 1;
    let cause = words::cause_in_words(incident.cause);
    let edges = [
        (incident.ongoing_at_start, "The logs begin inside it."),
        (incident.ongoing_at_end, "The logs end inside it."),
    ];
    html! {
        article.incident #{ "incident-" (incident.id) } aria-labelledby={ "incident-" (incident.id) "-title" } {
            h3 id={ "incident-" (incident.id) "-title" } {
                @if several { "Incident " (incident.id) ": " (cause) } @else { (phrases::capitalised(cause)) }
            }
            p.marks {
                (severity(incident.severity))
                " " (moment(incident.start, &page.clock.span(incident.start, incident.end)))
                ", confidence " (words::confidence(incident.confidence)) " "
                button.zoom.js-only type="button" data-from=(incident.start.secs()) data-to=(incident.end.secs()) { "Show in the charts" }
            }
            @if page.report.verdict.headline != incident.headline { p { (text(&incident.headline)) } }
            @for (_, said) in edges.iter().filter(|(there, _)| *there) { p.note { (said) } }
            div.columns {
                (impact(incident, page))
                (reasons(incident))
            }
            (attacked::places(incident, page))
            (attacked::bursts(incident, page))
            (attacked::messages(incident, page))
            (helped::measures(incident, page))
        }
    }
}

fn reasons(incident: &Incident) -> Markup {
    html! {
        @if !incident.reasons.is_empty() {
            div {
                h4 { "Why we think so" }
                ul { @for reason in incident.reasons.iter().take(REASONS) { li { (text(reason)) } } }
                (more(incident.reasons.len(), REASONS, "reasons"))
            }
        }
    }
}

fn impact(incident: &Incident, page: &Page<'_>) -> Markup {
    html! {
        div {
            h4 { "What it cost" }
            p { (text(&phrases::users(incident))) }
            dl.pairs {
                @for (what, value) in phrases::impact(&incident.impact) { div { dt { (what) } dd { (value) } } }
            }
            (outages(&incident.impact, page))
        }
    }
}

fn outages(impact: &Impact, page: &Page<'_>) -> Markup {
    html! {
        @if !impact.outages.is_empty() {
            p { "The service was down or failing:" }
            ul {
                @for outage in impact.outages.iter().take(OUTAGES) {
                    li { (moment(outage.start, &page.clock.span(outage.start, outage.end))) ": " (text(&outage.reason)) }
                }
            }
            (more(impact.outages.len(), OUTAGES, "outages"))
        }
    }
}

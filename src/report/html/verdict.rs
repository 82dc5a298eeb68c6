//! The top of the page: the answer, the switch between light and dark, the way to the sections, and the facts beside the answer.

use maud::{Markup, html};

use super::Page;
use super::markup::{moment, text};
use crate::report::phrases;
use crate::report::view::{NOTHING_READ, Report, Totals};
use crate::report::words;

/// The verdict.
pub fn header(page: &Page<'_>) -> Markup {
    let report = page.report;
    let verdict = &report.verdict;
    let unread = report.totals.requests == 0 && report.incidents.is_empty();
    let (class, badge) = match (unread, verdict.attack) {
        (true, _) => ("unknown", "No verdict"),
        (_, true) => ("attack", "Attack"),
        (_, false) => ("calm", "No attack found"),
    };
    html! {
        a.skip href="#report" { "Skip to the report" }
        header class={ "verdict " (class) } {
            div.top {
                p.answer {
                    strong.badge { (badge) }
                    @if let Some(cause) = words::cause_named(&verdict.cause) { " " span.cause { (cause) } }
                    @if !unread { " " span.sure { "confidence " (words::confidence(verdict.confidence)) } }
                }
                (switch())
            }
            h1 { (text(&verdict.headline)) }
            @if let (Some(start), Some(end)) = (verdict.start, verdict.end) {
                p.when { (moment(start, &page.clock.span(start, end))) ", times in " (page.clock.zone()) }
            }
            @if unread && (verdict.headline == NOTHING_READ || report.inputs.is_empty()) {
                p { (phrases::advice(report)) }
            } @else if !unread && !verdict.attack {
                p { (text(&phrases::how_sure(report))) }
            }
            @if !report.warnings.is_empty() {
                p.note { a href="#warnings" { (words::counted(report.warnings.len() as u64, "warning", "warnings")) } " to be read before this is trusted." }
            }
            (navigation(page))
        }
    }
}

/// Radio buttons need no script: the style sheet looks which one is chosen.
fn switch() -> Markup {
    html! {
        fieldset.switch {
            legend { "Colours" }
            @for (value, title) in [("auto", "Auto"), ("light", "Light"), ("dark", "Dark")] {
                label {
                    input id={ "theme-" (value) } type="radio" name="theme" value=(value) checked[value == "auto"];
                    span { (title) }
                }
            }
        }
    }
}

fn navigation(page: &Page<'_>) -> Markup {
    let report = page.report;
    let actors = !page.actors.is_empty();
    let targets = super::who::has_targets(page);
    let links = [
        ("charts", "Charts", !report.series.requests.is_empty()),
        ("timeline", "Timeline", !page.told.is_empty()),
        ("incidents", "Incidents", !page.told.is_empty()),
        ("actors", "Actors", actors),
        ("networks", "Networks", actors),
        ("addresses", "Addresses", actors),
        ("targets", "Targets", targets),
        ("warnings", "Warnings", !report.warnings.is_empty()),
        ("inputs", "Inputs", !report.inputs.is_empty()),
    ];
    html! {
        nav aria-label="Sections" {
            ul {
                @for (id, title, _) in links.iter().filter(|(_, _, there)| *there) {
                    li { a href={ "#" (id) } { (title) } }
                }
            }
        }
    }
}

/// What was looked at.
pub fn facts(page: &Page<'_>) -> Markup {
    let Report { window, totals, .. } = page.report;
    if window.start.is_none() && totals.requests == 0 {
        return html! {};
    }
    html! {
        section.facts aria-label="What was looked at" {
            dl.tiles {
                @if let (Some(start), Some(end)) = (window.start, window.end) {
                    div.wide { dt { "Window" } dd { (words::duration(end.seconds_since(start))) small { (page.clock.range(start, end)) " " (page.clock.zone()) } } }
                }
                div { dt { "Requests" } dd { (words::count(totals.requests)) @if let Some(sent) = totals.bytes_sent { small { (words::bytes(sent)) " sent" } } } }
                div { dt { "Clients" } dd { (words::count(totals.clients)) } }
                (answers(totals))
                div.wide {
                    dt { "Suspicious lines" }
                    dd { (words::count(totals.hits)) small { (text(&phrases::by_category(&totals.hits_by_category).join(", "))) } }
                }
            }
        }
    }
}

fn answers(totals: &Totals) -> Markup {
    let classes = totals.status.iter().filter(|&(_, &number)| number > 0);
    html! {
        @for (class, number) in classes {
            div { dt { "Answers " (text(class)) } dd { (words::count(*number)) small { (words::part_of(*number, totals.requests)) } } }
        }
    }
}

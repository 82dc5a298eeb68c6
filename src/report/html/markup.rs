//! Pieces that every part of the page is made of: text, code, lists that are cut, lines that prove a statement.

use maud::{Markup, Render, html};

use super::Page;
use crate::report::escape;
use crate::report::phrases;
use crate::report::view::Evidence;
use crate::report::words;
use crate::severity::Severity;
use crate::terms::Phase;
use crate::time::Time;

/// Longest text of a line, in columns: the report has it whole.
const LONGEST_LINE: usize = 2_000;

/// Text that means nothing to HTML and does nothing to its reader: the only way for what comes from a report.
pub struct Text<'t>(&'t str);

impl Render for Text<'_> {
    fn render_to(&self, out: &mut String) {
        out.push_str(&escape::html(self.0));
    }
}

/// [`Text`].
pub fn text(text: &str) -> Text<'_> {
    Text(text)
}

/// Text as it stands in a log.
pub fn code(value: &str) -> Markup {
    html! { code { (text(value)) } }
}

/// Some values as code, and how many more there are; `all` counts those that the list itself leaves out.
pub fn codes(values: &[String], most: usize, all: usize) -> Markup {
    let left = all.max(values.len()) - values.len().min(most);
    html! {
        @for (at, value) in values.iter().take(most).enumerate() {
            @if at > 0 { ", " }
            (code(value))
        }
        @if left > 0 { " and " (words::count(left as u64)) " more" }
    }
}

/// The same with a line for each: what is long, and may have commas in it.
pub fn code_lines(values: &[String], most: usize) -> Markup {
    let left = values.len().saturating_sub(most);
    html! {
        ul.plain {
            @for value in values.iter().take(most) { li { (code(value)) } }
            @if left > 0 { li { "and " (words::count(left as u64)) " more" } }
        }
    }
}

/// Says how much a cut list leaves out.
pub fn more(all: usize, shown: usize, what: &str) -> Markup {
    let left = all.saturating_sub(shown);
    html! {
        @if left > 0 {
            p.more { (words::count(left as u64)) " more " (what) " are in the report as JSON." }
        }
    }
}

/// A section with its heading, by which it is named.
pub fn section(id: &str, title: &str, body: Markup) -> Markup {
    html! {
        section #(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (title) }
            (body)
        }
    }
}

/// How grave, in a word and a colour.
pub fn severity(severity: Severity) -> Markup {
    html! { span class={ "severity " (severity.name()) } { (severity.name()) } }
}

/// A phase, in words and a colour.
pub fn phase(phase: Phase) -> Markup {
    html! {
        span.phase {
            span class={ "swatch phase-" (phase.name()) } {}
            (words::term(phase.name()))
        }
    }
}

/// A time for machines beside what people read.
pub fn moment(time: Time, shown: &str) -> Markup {
    html! { time datetime=(time.to_rfc3339()) { (shown) } }
}

/// A share, or nothing where it is unknown.
pub fn share(ratio: Option<f64>) -> String {
    ratio.map_or_else(String::new, words::share)
}

/// Actors by their ids, each leading to what is known of it.
pub fn actors(ids: &[String], page: &Page<'_>) -> Markup {
    html! {
        @for (at, id) in ids.iter().enumerate() {
            @if at > 0 { ", " }
            (actor(id, page))
        }
    }
}

/// One of them.
pub fn actor(id: &str, page: &Page<'_>) -> Markup {
    html! {
        @match page.places.get(id).filter(|place| **place < super::who::ACTORS) {
            Some(place) => a href={ "#actor-" (place) } { (text(id)) },
            None => (text(id)),
        }
    }
}

/// Lines that prove a statement, each with its place.
pub fn lines(lines: &[Evidence]) -> Markup {
    html! {
        ol.lines {
            @for line in lines {
                li {
                    span.place { (text(&line.source)) b { (phrases::line_number(line)) } }
                    code { (text(&escape::fit(&line.text, LONGEST_LINE))) }
                }
            }
        }
    }
}

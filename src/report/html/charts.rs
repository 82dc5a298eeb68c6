//! The shape of the traffic: the places where the script draws charts, what their colours mean, and the same as a table.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::Page;
use super::list::{Cell, Kind, Table, number, when};
use super::markup::phase;
use crate::report::view::Series;
use crate::report::words;
use crate::terms::Phase;
use crate::time::Time;

/// Rows of the table that says what the charts show, at most.
const STEPS: usize = 48;

/// The four series, as the script names them and as people do.
pub fn series(series: &Series) -> [(&'static str, &'static str, &[u64]); 4] {
    [
        ("requests", "Requests", &series.requests),
        ("errors_5xx", "5xx answers", &series.errors_5xx),
        ("hits", "Suspicious lines", &series.hits),
        ("clients", "Clients", &series.clients),
    ]
}

/// The charts.
pub fn section(page: &Page<'_>) -> Markup {
    let data = &page.report.series;
    if data.requests.is_empty() || data.bucket_s == 0 {
        return html! {};
    }
    super::markup::section(
        "charts",
        "Over time",
        html! {
            div #plots.js-only role="group" tabindex="0" aria-label="Charts over time" aria-describedby="plots-help" {
                div.bar {
                    output #readout {}
                    button #zoom-out type="button" disabled { "Zoom out" }
                }
                @for (name, title, values) in series(data) { (figure(name, title, values, data.bucket_s)) }
                figure.plot-frame.phases data-plot="phases" {
                    figcaption { "Phases" }
                    div.plot aria-hidden="true" {}
                }
                (legend(page))
                p #covers.hint {}
                p #plots-help.hint {
                    "Drag over a chart to zoom, double click to see all again. With the keyboard: arrows move, "
                    kbd { "+" } " and " kbd { "-" } " zoom, " kbd { "Esc" } " shows all."
                }
                p #spoken.unseen aria-live="polite" {}
            }
            details.numbers {
                summary { "The same as a table" }
                (numbers(page).frame())
            }
        },
    )
}

fn figure(name: &str, title: &str, values: &[u64], bucket_s: u64) -> Markup {
    let highest = values.iter().copied().max().unwrap_or(0);
    let unit = words::per_bucket(bucket_s);
    html! {
        figure.plot-frame data-plot=(name) data-title=(title) {
            figcaption {
                span class={ "swatch series-" (name) } {}
                (title) " "
                span.value {}
            }
            div.plot role="img" aria-label={ (title) " over time, at most " (words::count(highest)) (unit) ". The table below has the numbers." } {}
        }
    }
}

/// The phases that there are; their bands are drawn in the same colours.
fn legend(page: &Page<'_>) -> Markup {
    let incidents = &page.report.incidents;
    let steps = incidents.iter().flat_map(|incident| &incident.timeline);
    let phases: BTreeSet<Phase> = steps.map(|step| step.phase).collect();
    html! {
        @if !phases.is_empty() {
            ul.legend aria-label="Phases, by the colour of their bands" {
                @for one in phases { li { (phase(one)) } }
            }
        }
    }
}

/// A row for each stretch of time, with the busiest bucket in it.
fn numbers(page: &Page<'_>) -> Table {
    let data = &page.report.series;
    let merged = data.requests.len().div_ceil(STEPS).max(1);
    let columns = series(data).map(|(_, title, values)| (title, busiest(values, merged)));
    let start = data.start.unwrap_or_default();
    let step_s = merged as u64 * data.bucket_s;
    let rows = (0..columns[0].1.len()).map(|row| {
        let time = Time::from_secs(start.secs().saturating_add_unsigned(row as u64 * step_s));
        let values = columns.iter().map(|(_, values)| values.get(row).copied());
        let values = values.map(|value| number(value.unwrap_or(0)));
        [when(time, &page.clock)]
            .into_iter()
            .chain(values)
            .collect()
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let titles = columns.iter().map(|(title, _)| (*title, Kind::Number));
    Table {
        id: "numbers".to_owned(),
        caption: match merged {
            1 => "Every step of the series",
            _ => "The busiest step of the series in each stretch of time",
        },
        columns: [("From", Kind::Key)].into_iter().chain(titles).collect(),
        all: rows.len(),
        rows,
    }
}

/// One number for every `merged` numbers: their highest, so that a spike of a minute is seen in a month.
pub fn busiest(values: &[u64], merged: usize) -> Vec<u64> {
    let stretches = values.chunks(merged.max(1));
    stretches
        .map(|stretch| stretch.iter().copied().max().unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_shows_its_busiest_bucket() {
        assert_eq!(busiest(&[1, 5, 2, 0, 3], 2), [5, 2, 3]);
        assert_eq!(busiest(&[1, 5], 1), [1, 5]);
        assert_eq!(busiest(&[], 3), [0; 0]);
    }
}

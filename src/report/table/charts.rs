//! The series as charts over a time axis: the whole log at the top, and an incident up close.

use std::cmp::Reverse;
use std::io;
use std::ops::Range;

use super::page::{Page, Text, Tone};
use super::section::severity_tone;
use super::spark::Scale;
use crate::report::view::{Incident, Series};
use crate::report::words::{self, Clock};
use crate::time::Time;

/// Indentation of the charts, and columns of their labels.
pub const INDENT: usize = 1;
pub const LABEL: usize = 11;
const GAP: usize = 2;

/// Up close, this part of an incident's length is shown before and after it.
const MARGIN: f64 = 0.25;
/// A closer look is worth its lines when it magnifies at least so much,
const MAGNIFIED: f64 = 2.0;
/// and when there are at least so many buckets to see.
const ENOUGH_BUCKETS: usize = 8;

/// Draws the whole series, with a bar for each incident.
pub fn overview(
    series: &Series,
    incidents: &[Incident],
    clock: &Clock,
    page: &mut Page,
) -> io::Result<()> {
    draw(series, 0..series.requests.len(), incidents, clock, page)
}

/// Draws the part of the series around an incident, where that shows more than the overview.
pub fn up_close(
    series: &Series,
    incident: &Incident,
    clock: &Clock,
    page: &mut Page,
) -> io::Result<()> {
    let shown = around(series, incident);
    let magnified = series.requests.len() as f64 / shown.len().max(1) as f64;
    if shown.len() < ENOUGH_BUCKETS || magnified < MAGNIFIED {
        return Ok(());
    }
    draw(series, shown, std::slice::from_ref(incident), clock, page)
}

/// The buckets of an incident and its margins.
fn around(series: &Series, incident: &Incident) -> Range<usize> {
    let Some(start) = series.start else {
        return 0..0;
    };
    let margin = incident.end.seconds_since(incident.start) * MARGIN;
    let bucket_of = |time: Time, shift: f64| {
        let bucket = (time.seconds_since(start) + shift) / series.bucket_s.max(1) as f64;
        (bucket.max(0.0) as usize).min(series.requests.len())
    };
    let from = bucket_of(incident.start, -margin);
    let to = bucket_of(incident.end, margin + series.bucket_s as f64);
    from..to.max(from)
}

fn draw(
    series: &Series,
    shown: Range<usize>,
    incidents: &[Incident],
    clock: &Clock,
    page: &mut Page,
) -> io::Result<()> {
    let rows = rows(series, &shown);
    let captions = rows.iter().map(|row| row.caption.chars().count()).max();
    let taken = INDENT + LABEL + GAP + captions.unwrap_or(0);
    let Some(scale) = scale_of(series, &shown, page.width().saturating_sub(taken)) else {
        return Ok(());
    };
    page.blank()?;
    for row in &rows {
        let chart = Text::new().toned(row.tone, &scale.chart(row.values));
        line(
            row.label,
            chart.padded(scale.columns() + GAP).quiet(&row.caption),
            page,
        )?;
    }
    match incidents.len() {
        0 => {}
        1 => line("incident", bars(incidents, &scale), page)?,
        _ => line("incidents", bars(incidents, &scale), page)?,
    }
    line("", Text::new().quiet(&scale.axis(clock)), page)?;
    let legend = legend(&scale, series.bucket_s, clock);
    page.paragraph(INDENT + LABEL, Text::new().quiet(&legend), 2)
}

/// One chart: what it counts, how it looks, and how high it reaches.
struct Row<'a> {
    label: &'static str,
    tone: Tone,
    values: &'a [u64],
    caption: String,
}

fn rows<'a>(series: &'a Series, shown: &Range<usize>) -> [Row<'a>; 4] {
    let unit = words::per_bucket(series.bucket_s);
    [
        ("requests", &series.requests, Tone::Accent),
        ("clients", &series.clients, Tone::Plain),
        ("5xx", &series.errors_5xx, Tone::Alarm),
        ("patterns", &series.hits, Tone::Warn),
    ]
    .map(|(label, whole, tone)| {
        let values = part(whole, shown);
        Row {
            label,
            tone,
            values,
            caption: peak(values, &unit),
        }
    })
}

fn scale_of(series: &Series, shown: &Range<usize>, room: usize) -> Option<Scale> {
    let skipped = i64::try_from(shown.start as u64 * series.bucket_s).ok()?;
    let start = Time::from_secs(series.start?.secs() + skipped);
    Scale::new(start, series.bucket_s, shown.len(), room)
}

fn part<'a>(values: &'a [u64], shown: &Range<usize>) -> &'a [u64] {
    &values[shown.start.min(values.len())..shown.end.min(values.len())]
}

fn line(label: &str, chart: Text, page: &mut Page) -> io::Result<()> {
    page.line(INDENT, Text::new().quiet(label).padded(LABEL).text(chart))
}

fn peak(values: &[u64], unit: &str) -> String {
    match values.iter().copied().max().unwrap_or(0) {
        0 => "none".to_string(),
        highest => format!("max {}{unit}", words::count(highest)),
    }
}

fn legend(scale: &Scale, bucket_s: u64, clock: &Clock) -> String {
    let zone = clock.zone();
    match scale.seconds_per_column() {
        column if column > bucket_s as f64 => format!(
            "{zone}; a column covers {} and shows its busiest {}",
            words::duration(column),
            words::bucket(bucket_s)
        ),
        _ => zone,
    }
}

/// A bar for each incident, its number at the start; the gravest is drawn over the others.
fn bars(incidents: &[Incident], scale: &Scale) -> Text {
    let mut cells = vec![(' ', Tone::Plain); scale.columns()];
    let mut order: Vec<&Incident> = incidents.iter().collect();
    order.sort_by_key(|incident| (incident.severity, Reverse(incident.id)));
    for incident in order {
        let (from, to) = (
            scale.column_of(incident.start),
            scale.column_of(incident.end),
        );
        let tone = severity_tone(incident.severity);
        cells[from..=to.max(from)].fill(('━', tone));
        for (cell, digit) in cells[from..]
            .iter_mut()
            .zip(incident.id.to_string().chars())
        {
            *cell = (digit, tone);
        }
    }
    cells.iter().fold(Text::new(), |text, (cell, tone)| {
        text.toned(*tone, cell.encode_utf8(&mut [0; 4]))
    })
}

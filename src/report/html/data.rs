//! What the script is given: the series, the phases and the long lists, as JSON that cannot end the element it stands in.
//!
//! Text is made visible (`escape::terminal`) before it gets here, because the script shows it as it is.

use std::io::{self, Write};

use serde::Serialize;

use super::Page;
use super::charts::{busiest, series};
use super::list::Lists;
use crate::report::json;
use crate::report::words;

/// Points of a series at most: half a year of minutes. Of more, each shows the busiest bucket of several.
const POINTS: usize = 262_144;

/// Bands at most, so that drawing stays quick.
const BANDS: usize = 5_000;

#[derive(Serialize)]
struct Data<'d> {
    zone: String,
    /// Seconds to be added to a time in UTC.
    offset_s: i32,
    /// When the first point is, in seconds since 1970 in UTC.
    start: i64,
    /// Seconds of a bucket, how people say it, and how many buckets a point stands for.
    bucket_s: u64,
    bucket: String,
    unit: String,
    merged: usize,
    series: Vec<Points>,
    bands: Vec<Band>,
    lists: &'d Lists,
}

#[derive(Serialize)]
struct Points {
    name: &'static str,
    values: Vec<u64>,
}

/// A phase of an incident, in seconds since 1970 in UTC.
#[derive(Serialize)]
struct Band {
    phase: &'static str,
    title: String,
    from: i64,
    to: i64,
}

/// Writes the data.
///
/// # Errors
/// Whatever the writer returns.
pub fn write(page: &Page<'_>, lists: &Lists, out: &mut dyn Write) -> io::Result<()> {
    let data = &page.report.series;
    let merged = data.requests.len().div_ceil(POINTS).max(1);
    let points = series(data).map(|(name, _, values)| Points {
        name,
        values: busiest(values, merged),
    });
    let data = Data {
        zone: page.clock.zone(),
        offset_s: page.clock.offset().0,
        start: data.start.unwrap_or_default().secs(),
        bucket_s: data.bucket_s,
        bucket: words::bucket(data.bucket_s),
        unit: words::per_bucket(data.bucket_s),
        merged,
        series: points.into(),
        bands: bands(page),
        lists,
    };
    json::write_in_html(&data, out)
}

fn bands(page: &Page<'_>) -> Vec<Band> {
    let incidents = &page.report.incidents;
    let steps = incidents.iter().flat_map(|incident| &incident.timeline);
    let bands = steps.take(BANDS).map(|step| Band {
        phase: step.phase.name(),
        title: words::term(step.phase.name()),
        from: step.time.secs(),
        to: step.end.unwrap_or(step.time).max(step.time).secs(),
    });
    bands.collect()
}

//! Asks the program about traffic of the model: by counts alone, or from lines to the report.

use std::error::Error;
use std::io::Write;

use aftertrace::counts::AccessCounts;
use aftertrace::pass::Bounded;
use aftertrace::pattern::set::PatternSet;
use aftertrace::plan::{Plan, Stretch};
use aftertrace::{ScanOptions, Silent};

use crate::model::{Asked, Flood, MIDNIGHT, Request, Site, lines};
use crate::rng::Rng;

/// Requests by the minute of the day.
#[derive(Clone)]
pub struct Minutes {
    first: i64,
    counts: Vec<(u32, u32)>,
}

impl Minutes {
    /// Ordinary traffic.
    pub fn of(site: &Site, rng: &mut Rng) -> Minutes {
        let (first, last) = site.span();
        let mut minutes = Minutes {
            first: first / 60,
            counts: vec![(0, 0); ((last - first) / 60 + 1) as usize],
        };
        site.requests(rng, |request| minutes.add(request));
        minutes
    }

    /// Adds a request.
    pub fn add(&mut self, (second, _, asked): Request) {
        let at = (second / 60 - self.first) as usize;
        if let Some((requests, assets)) = self.counts.get_mut(at) {
            *requests += 1;
            *assets += u32::from(asked == Asked::Asset);
        }
    }

    /// What the planner finds: bursts of everything, and rises of pages alone.
    pub fn bursts(&self) -> Vec<Stretch> {
        let mut counts = AccessCounts::new(60, Default::default());
        for (minute, (requests, assets)) in (self.first..).zip(&self.counts) {
            if *requests > 0 {
                let cell = counts.minutes.cell(MIDNIGHT + minute * 60);
                cell.requests = *requests;
                cell.assets = *assets;
                (cell.first_second, cell.last_second) = (0, 59);
            }
        }
        counts.flush();
        let plan = Plan::new(&counts);
        plan.bursts.iter().chain(&plan.pages).copied().collect()
    }
}

/// How far off the beginning and the end of a flood were told, in seconds.
pub type Off = (i64, i64);

/// How the planner, given counts by the minute, tells a flood.
pub fn by_counts(site: &Site, day: &Minutes, flood: &Flood, rng: &mut Rng) -> Option<Off> {
    let mut minutes = day.clone();
    site.flood(rng, flood, |request| minutes.add(request));
    let bursts = minutes.bursts();
    let spans = bursts.iter().map(|burst| (burst.start, burst.end));
    closest(flood, spans)
}

/// How a report, made from lines, tells a flood.
///
/// # Errors
/// When a temporary file cannot be written, or the scan fails.
pub fn by_lines(
    site: &Site,
    flood: &Flood,
    rng: &mut Rng,
    patterns: &PatternSet,
) -> Result<Option<Off>, Box<dyn Error>> {
    let mut requests = Vec::new();
    site.requests(rng, |request| requests.push(request));
    site.flood(rng, flood, |request| requests.push(request));
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(lines(requests, rng).as_bytes())?;
    let paths = [file.path().to_path_buf()];
    let report = aftertrace::analyze(&paths, &ScanOptions::default(), patterns, &Silent)?;
    let attacks = report.incidents.iter().filter(|incident| incident.attack);
    let bursts = attacks.flat_map(|incident| &incident.bursts);
    Ok(closest(
        flood,
        bursts.map(|burst| (burst.start.secs(), burst.end.secs())),
    ))
}

/// The span that overlaps a flood and begins closest to it.
fn closest(flood: &Flood, spans: impl Iterator<Item = (i64, i64)>) -> Option<Off> {
    let (start, end) = (
        MIDNIGHT + flood.start,
        MIDNIGHT + flood.start + flood.seconds - 1,
    );
    let found = spans.filter(|span| span.0 <= end && span.1 >= start);
    let off = found.map(|span| ((span.0 - start).abs(), (span.1 - end).abs()));
    off.min()
}

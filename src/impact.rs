//! What it cost, counted on these very logs.

use crate::evidence::clients::Span;
use crate::finding::{Finding, Kind};
use crate::focus::Tally;
use crate::merge::Merge;
use crate::report::view::{Impact, Outage};
use crate::time::Time;

/// A run of failures is an outage when at least this share of the requests failed.
pub const OUTAGE_SHARE: f64 = 0.5;

/// The baseline is taken as at least this where a rate is told as a multiple of it, in requests a
/// second: one request in a quarter of an hour.
pub const LEAST_BASELINE_RPS: f64 = 0.001;

/// Impact of the findings of one incident; `counts` covers its whole time.
pub fn impact(findings: &[&Finding], counts: &Tally<'_>) -> Impact {
    let outages = outages(findings);
    let lost: f64 = findings
        .iter()
        .filter_map(|finding| match finding.kind {
            Kind::Silence(silence) => Some(silence.expected),
            _ => None,
        })
        .sum();
    let silent = findings
        .iter()
        .any(|finding| matches!(finding.kind, Kind::Silence(_)));
    let (clients, clients_failed) = counts.clients();
    Impact {
        requests: counts.requests,
        failed: counts.errors_5xx,
        failed_ratio: (counts.requests > 0)
            .then(|| rounded(counts.errors_5xx as f64 / counts.requests as f64)),
        clients,
        clients_failed,
        outages,
        lost_requests_estimate: silent.then_some(lost.round() as u64),
    }
}

/// Silences, and runs in which most requests failed, in time order.
pub fn outages(findings: &[&Finding]) -> Vec<Outage> {
    let mut outages: Vec<Outage> = findings
        .iter()
        .filter_map(|finding| match &finding.kind {
            Kind::Silence(_) => Some(Outage {
                start: finding.start,
                end: finding.end,
                reason: "nothing was logged".to_string(),
            }),
            Kind::Failures { share, .. } if *share >= OUTAGE_SHARE => Some(Outage {
                start: finding.start,
                end: finding.end,
                reason: format!("{:.0}% of the requests failed with 5xx", share * 100.0),
            }),
            _ => None,
        })
        .collect();
    outages.sort_by_key(|outage| (outage.start, outage.end));
    outages
}

/// Four digits after the point: more would be noise.
pub fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Start and end of several findings.
pub fn extent(findings: &[&Finding]) -> Option<(Time, Time)> {
    let spans = findings.iter().map(|finding| Span {
        count: 1,
        first: finding.start,
        last: finding.end,
    });
    let all = spans.reduce(|mut all, span| {
        all.merge(span);
        all
    })?;
    Some((all.first, all.last))
}

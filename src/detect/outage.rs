//! Was the service down, or failing?
//!
//! A server that is down logs nothing, so a silence that chance does not explain counts as much as a
//! run of failed answers.

use crate::finding::{Case, Finding, Kind};
use crate::plan::{Silence, Stretch};
use crate::text::{count, counted, duration};
use crate::time::Time;

/// Share of failed answers below which a run of them is no trouble worth telling.
const MIN_SHARE: f64 = 0.05;

/// Share of 502 and 504 among the failures from which they are named: below it they are a remark.
const GATEWAY_SHARE: f64 = 0.1;

/// Share of failures from which a whole log is one run of them.
const WHOLE_SHARE: f64 = 0.5;

/// Failures of a whole log below which they may be a single page's.
const WHOLE_LEAST: u64 = 100;

/// Silences, then runs of failures; where most of all requests failed, the whole log is one.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let silences = case.plan.silences.iter().map(silence);
    let failures = case
        .plan
        .failures
        .iter()
        .filter_map(|stretch| failures(case, stretch));
    let found: Vec<Finding> = silences.chain(failures).collect();
    let told = found
        .iter()
        .any(|finding| matches!(finding.kind, Kind::Failures { .. }));
    match told {
        true => found,
        false => found.into_iter().chain(whole(case)).collect(),
    }
}

/// A log in which most requests fail holds no ordinary time that a run of failures could stand out of.
fn whole(case: &Case<'_>) -> Option<Finding> {
    let stretch = case.plan.minutes.all_failures()?;
    let requests = case.access.requests();
    let share = stretch.count as f64 / requests.max(1) as f64;
    let reason = format!(
        "{} of {} in the whole log failed with 5xx, so that it holds no ordinary time to compare with: whether there \
         was more traffic than usual cannot be told from it",
        count(stretch.count),
        counted(requests, "request", "requests")
    );
    let kind = Kind::Failures { stretch, share };
    (share >= WHOLE_SHARE && stretch.count >= WHOLE_LEAST)
        .then(|| finding(kind, stretch.start, stretch.end, 0.9, reason))
}

/// The plan asks for a silence that chance does not explain, so that only a fault of logging is left as doubt.
fn silence(silence: &Silence) -> Finding {
    let reason = format!(
        "nothing was logged for {}, in which the baseline brings {}",
        duration(silence.end - silence.start),
        counted(silence.expected.round() as u64, "request", "requests")
    );
    finding(
        Kind::Silence(*silence),
        silence.start,
        silence.end,
        0.99,
        reason,
    )
}

/// Failures of those who send payloads are not among the counts; see [`crate::failures`].
fn failures(case: &Case<'_>, stretch: &Stretch) -> Option<Finding> {
    let minutes = &case.plan.minutes;
    let sum = |series| minutes.sum(series, stretch.start, stretch.end);
    let requests = sum(&minutes.requests).saturating_sub(sum(&minutes.aside));
    let share = stretch.count as f64 / requests.max(1) as f64;
    let gateway = sum(&minutes.gateway).min(stretch.count);
    let unanswered = match gateway as f64 >= GATEWAY_SHARE * stretch.count as f64 && gateway > 0 {
        true => format!(
            "; {} with 502 or 504, when the application gave no answer",
            count(gateway)
        ),
        false => String::new(),
    };
    let reason = format!(
        "{} failed with 5xx, {:.0}% of all in those minutes{unanswered}",
        counted(stretch.count, "request", "requests"),
        share * 100.0
    );
    let kind = Kind::Failures {
        stretch: *stretch,
        share,
    };
    (share >= MIN_SHARE).then(|| finding(kind, stretch.start, stretch.end, 0.9, reason))
}

fn finding(kind: Kind, start: i64, end: i64, confidence: f64, reason: String) -> Finding {
    let (start, end) = (Time::from_secs(start), Time::from_secs(end));
    Finding {
        kind,
        start,
        end,
        clients: Vec::new(),
        role: None,
        confidence,
        reasons: vec![reason],
        samples: Vec::new(),
    }
}

//! What belongs together: findings become clusters, by time and by the clients that they share.
//!
//! Not for what a cluster means; `incident` decides that.

use std::collections::BTreeMap;

use crate::actor::{Draft, edges};
use crate::finding::{Finding, Kind};
use crate::focus::{GroupCounts, Window};
use crate::impact;
use crate::terms::Cause;
use crate::time::Time;

/// Findings less than this apart in time belong together, in seconds.
const LINK_S: i64 = 30 * 60;

/// A scan belongs to a graver incident when it lies wholly within this time around it, in seconds.
const SCAN_LINK_S: i64 = 2 * 3600;

/// Injection attempts this long before a surge are part of the same attack, in seconds.
const BEFORE_SURGE_S: i64 = 3 * 3600;
/// What lasts longer than this is background to anything else, in seconds.
const LASTING_S: i64 = 6 * 3600;

/// Findings that belong together, by index, and the time they take.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Indices of the findings.
    pub findings: Vec<usize>,
    /// First evidence.
    pub start: Time,
    /// Last evidence.
    pub end: Time,
}

impl Cluster {
    /// Whether a burst in it has no window of its own in the plan and is told by the whole cluster's.
    pub fn needs_counts(&self, findings: &[Finding]) -> bool {
        let is_failures = |index: &usize| matches!(findings[*index].kind, Kind::Failures { .. });
        self.findings.iter().any(is_failures)
    }

    /// What must be counted for its impact.
    pub fn window(&self) -> Window {
        Window {
            start: self.start.secs(),
            end: self.end.secs(),
            posts_to: None,
            failed: false,
        }
    }
}

/// Moves the edges of floods from whole buckets to the flooders' own first and last requests.
pub fn sharpen(findings: &mut [Finding], drafts: &[Draft], traces: &[GroupCounts]) {
    for (draft, counts) in drafts.iter().zip(traces) {
        let finding = &mut findings[draft.finding];
        if let (Kind::Burst { .. } | Kind::BruteForce { .. }, Some((start, end))) =
            (&finding.kind, edges(counts))
        {
            finding.start = Time::from_secs(start);
            finding.end = Time::from_secs(end.max(start));
        }
    }
}

/// Groups findings: those close in time, those that share clients, and scans around graver things.
pub fn cluster(findings: &[Finding]) -> Vec<Cluster> {
    let mut group: Vec<usize> = (0..findings.len()).collect();
    for a in 0..findings.len() {
        for b in a + 1..findings.len() {
            if related(&findings[a], &findings[b]) {
                let (from, to) = (group[b].max(group[a]), group[b].min(group[a]));
                group
                    .iter_mut()
                    .filter(|member| **member == from)
                    .for_each(|member| *member = to);
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (finding, group) in group.into_iter().enumerate() {
        members.entry(group).or_default().push(finding);
    }
    let mut clusters: Vec<Cluster> = members
        .into_values()
        .filter_map(|members| {
            let parts: Vec<&Finding> = members.iter().map(|index| &findings[*index]).collect();
            let (start, end) = impact::extent(&parts)?;
            Some(Cluster {
                findings: members,
                start,
                end,
            })
        })
        .collect();
    clusters.sort_by_key(|cluster| (cluster.start, cluster.end, cluster.findings.clone()));
    clusters
}

fn related(a: &Finding, b: &Finding) -> bool {
    let shared = || {
        a.clients
            .iter()
            .any(|client| b.clients.binary_search(client).is_ok())
    };
    let gap = (a.start.secs().max(b.start.secs()) - a.end.secs().min(b.end.secs())).max(0);
    match (is_background(a), is_background(b)) {
        (false, false) => gap <= LINK_S || shared() || precedes_surge(a, b) || precedes_surge(b, a),
        (true, true) => shared(),
        (true, false) => shared() || within(a, b),
        (false, true) => shared() || within(b, a),
    }
}

/// Probing, and what goes on for very long, must not glue unrelated things together.
fn is_background(finding: &Finding) -> bool {
    let lasting = finding.end.secs() - finding.start.secs() > LASTING_S;
    match finding.kind {
        Kind::Scan
        | Kind::Burst {
            cause: Cause::Scan, ..
        } => true,
        Kind::Injection => lasting,
        Kind::Burst { cause, .. } => lasting && !cause.is_attack(),
        _ => false,
    }
}

fn precedes_surge(first: &Finding, second: &Finding) -> bool {
    let surge = matches!(
        second.kind,
        Kind::Burst {
            cause: Cause::Ddos | Cause::Dos,
            ..
        }
    );
    let ago = second.start.secs() - first.end.secs();
    surge && matches!(first.kind, Kind::Injection) && (0..=BEFORE_SURGE_S).contains(&ago)
}

fn within(scan: &Finding, graver: &Finding) -> bool {
    graver.kind.is_attack()
        && scan.start.secs() >= graver.start.secs() - SCAN_LINK_S
        && scan.end.secs() <= graver.end.secs() + SCAN_LINK_S
}

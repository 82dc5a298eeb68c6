//! What belongs together: findings become clusters, by time and by the clients that they share.
//!
//! Not for what a cluster means; `incident` decides that.

use std::collections::BTreeMap;

use crate::actor::{Draft, edges};
use crate::client::Client;
use crate::evidence::clients::ClientStats;
use crate::finding::{Finding, Kind};
use crate::focus::Window;
use crate::impact;
use crate::pace::is_fast;
use crate::terms::Cause;
use crate::time::Time;
use crate::trace::GroupCounts;

/// Cause and effect, and waves of traffic, belong together when they are less than this apart, in seconds.
const LINK_S: i64 = 30 * 60;

/// A scan belongs to a graver incident from the same network when it lies wholly within this time around it, in
/// seconds. One that lasts longer leads up to nothing.
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

    /// Whether a limit to what each client may ask for is worth being tried on it: a flood, guessed passwords, or attackers
    /// most of whose requests came faster than the strictest limit.
    pub fn is_of_volume(
        &self,
        findings: &[Finding],
        known: impl Fn(&Client) -> Option<ClientStats>,
    ) -> bool {
        let attacks = self.findings.iter().map(|index| &findings[*index]);
        let mut attacks = attacks.filter(|finding| finding.kind.is_attack());
        let floods = |finding: &Finding| {
            matches!(finding.kind, Kind::Burst { .. } | Kind::BruteForce { .. })
        };
        if attacks.clone().any(floods) {
            return true;
        }
        attacks.any(|finding| {
            let clients = finding.clients.iter().filter_map(&known);
            let (mut all, mut fast) = (0, 0);
            for stats in clients {
                all += stats.requests();
                fast += stats.requests() * u64::from(is_fast(&stats));
            }
            fast > all / 2
        })
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

/// Groups findings: those that share clients, causes and effects close in time, and scans that lead up to floods.
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

/// Whether two findings are parts of one incident. Time alone says so only where one is the other's effect, or where
/// both are traffic; two parties that attack on the same day are two incidents.
fn related(a: &Finding, b: &Finding) -> bool {
    let gap = (a.start.secs().max(b.start.secs()) - a.end.secs().min(b.end.secs())).max(0);
    if shares_clients(a, b) {
        return true;
    }
    match (is_background(a), is_background(b)) {
        (false, false) => gap <= reach(a, b) || precedes_surge(a, b) || precedes_surge(b, a),
        (true, true) => false,
        (true, false) => leads_up(a, b) || (neighbours(a, b) && within(a, b)),
        (false, true) => leads_up(b, a) || (neighbours(a, b) && within(b, a)),
    }
}

/// How far apart two findings may be that share no client, in seconds; negative where time says nothing.
fn reach(a: &Finding, b: &Finding) -> i64 {
    const NEVER: i64 = -1;
    let kinds = [(a, b), (b, a)];
    let any = |is: fn(&Finding, &Finding) -> bool| kinds.iter().any(|(a, b)| is(a, b));
    if any(|a, _| is_effect(a)) {
        return LINK_S;
    }
    if is_traffic(a) && is_traffic(b) {
        return LINK_S;
    }
    let by_hand = |finding: &Finding| matches!(finding.kind, Kind::Injection | Kind::Webshell);
    if by_hand(a) && by_hand(b) {
        let led_in = matches!(a.kind, Kind::Webshell) || matches!(b.kind, Kind::Webshell);
        return match led_in || neighbours(a, b) {
            true => LINK_S,
            false => 0,
        };
    }
    if any(|a, b| is_flood(a) && matches!(b.kind, Kind::Injection | Kind::Webshell)) {
        return LINK_S;
    }
    if any(|a, b| is_flood(a) && matches!(b.kind, Kind::BruteForce { .. })) {
        return 0;
    }
    let guesses = |finding: &Finding| matches!(finding.kind, Kind::BruteForce { .. });
    match (guesses(a) && guesses(b)) || neighbours(a, b) {
        true => LINK_S,
        false => NEVER,
    }
}

/// What follows from whatever else went on.
fn is_effect(finding: &Finding) -> bool {
    matches!(
        finding.kind,
        Kind::Failures { .. }
            | Kind::Silence(_)
            | Kind::Burst {
                cause: Cause::ServerFault,
                ..
            }
    )
}

fn is_traffic(finding: &Finding) -> bool {
    matches!(finding.kind, Kind::Burst { .. })
}

fn is_flood(finding: &Finding) -> bool {
    matches!(
        finding.kind,
        Kind::Burst {
            cause: Cause::Ddos | Cause::Dos,
            ..
        }
    )
}

fn shares_clients(a: &Finding, b: &Finding) -> bool {
    let (few, many) = by_size(a, b);
    let mut clients = few.iter();
    clients.any(|client| many.binary_search(client).is_ok())
}

/// Whether some clients of both are in one network.
fn neighbours(a: &Finding, b: &Finding) -> bool {
    let (few, many) = by_size(a, b);
    few.iter().any(|client| {
        let Some(network) = client.network() else {
            return false;
        };
        let first = Client::from_ip(network.network());
        let at = many.partition_point(|other| *other < first);
        many.get(at)
            .is_some_and(|other| other.network() == Some(network))
    })
}

fn by_size<'a>(a: &'a Finding, b: &'a Finding) -> (&'a [Client], &'a [Client]) {
    match a.clients.len() <= b.clients.len() {
        true => (&a.clients, &b.clients),
        false => (&b.clients, &a.clients),
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
    let ago = second.start.secs() - first.end.secs();
    is_flood(second) && matches!(first.kind, Kind::Injection) && (0..=BEFORE_SURGE_S).contains(&ago)
}

/// Whether somebody looked the site over right before a flood. Who does so while it is going on, and shares nothing
/// with it, is a part of the background.
fn leads_up(scan: &Finding, flood: &Finding) -> bool {
    let (began, ended) = (scan.start.secs(), scan.end.secs());
    let onset = flood.start.secs();
    is_flood(flood)
        && ended - began <= SCAN_LINK_S
        && began < onset
        && (onset - LINK_S..=onset + LINK_S).contains(&ended)
}

fn within(scan: &Finding, graver: &Finding) -> bool {
    graver.kind.is_attack()
        && scan.start.secs() >= graver.start.secs() - SCAN_LINK_S
        && scan.end.secs() <= graver.end.secs() + SCAN_LINK_S
}

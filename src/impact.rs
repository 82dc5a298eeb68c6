//! What it cost, counted on these very logs.

use hashbrown::HashSet;

use crate::client::Client;
use crate::evidence::clients::Span;
use crate::finding::{Finding, Kind};
use crate::merge::Merge;
use crate::plan::Plan;
use crate::report::view::{Impact, Outage, Symptom};
use crate::service::Service;
use crate::symptoms::{Party, is_their_doing};
use crate::tally::Tally;
use crate::terms::SymptomKind;
use crate::time::Time;

/// A run of failures is an outage when at least this share of the requests failed.
pub const OUTAGE_SHARE: f64 = 0.5;

/// The baseline is taken as at least this where a rate is told as a multiple of it, in requests a
/// second: one request in a quarter of an hour.
pub const LEAST_BASELINE_RPS: f64 = 0.001;

/// What the toll of one incident is counted from.
pub struct Toll<'a> {
    /// Its findings.
    pub findings: &'a [&'a Finding],
    /// What the error logs say.
    pub symptoms: &'a [Symptom],
    /// Its actors.
    pub parties: &'a [Party<'a>],
    /// The plan.
    pub plan: &'a Plan,
    /// Requests of attackers that were refused, the first of each, by time.
    pub first_refused: Vec<Time>,
    /// First and last evidence.
    pub span: (Time, Time),
}

/// Impact of the findings of one incident; `counts` covers its whole time.
pub fn impact(toll: &Toll<'_>, counts: &Tally<'_>) -> Impact {
    let outages = outages(toll.findings);
    let silences = || {
        let findings = toll.findings.iter();
        findings.filter_map(|finding| match finding.kind {
            Kind::Silence(silence) => Some(silence.expected),
            _ => None,
        })
    };
    let lost: f64 = silences().sum();
    let (clients, clients_failed) = counts.clients();
    let service = Service::new(toll.plan, toll.onset());
    let (before, after) = service.failed_around(toll.span.1.secs());
    let since = |time: i64| u64::try_from(time - toll.onset()).ok();
    Impact {
        requests: counts.requests,
        failed: counts.errors_5xx,
        failed_ratio: (counts.requests > 0)
            .then(|| rounded(counts.errors_5xx as f64 / counts.requests as f64)),
        clients,
        clients_failed,
        minutes_down: rounded(minutes_down(&outages)),
        outages,
        lost_requests_estimate: silences().next().map(|_| lost.round() as u64),
        innocent_clients_failed: clients_failed.saturating_sub(toll.attackers_failed(counts)),
        failed_ratio_before: before.map(rounded),
        failed_ratio_after: after.map(rounded),
        time_to_detect_s: toll.first_sign().and_then(since),
        time_to_mitigate_s: toll.first_limit(&service).and_then(since),
        time_to_recover_s: recovered(toll.plan, toll.findings).and_then(since),
    }
}

impl Toll<'_> {
    /// When what harms the service began: the surge, the guessing, the failures. Without any of these, the
    /// incident's first evidence.
    fn onset(&self) -> i64 {
        onset(self.findings).unwrap_or(self.span.0.secs())
    }

    /// The first message of overload, the first failed answer of a run, the first silence.
    fn first_sign(&self) -> Option<i64> {
        let troubles = self
            .findings
            .iter()
            .filter(|finding| matches!(finding.kind, Kind::Failures { .. } | Kind::Silence(_)));
        let signs = troubles.map(|finding| finding.start.secs());
        let ordinary = [
            SymptomKind::Start,
            SymptomKind::Stop,
            SymptomKind::Reload,
            SymptomKind::RateLimited,
        ];
        let messages = self.symptoms.iter().filter(|symptom| {
            !ordinary.contains(&symptom.kind) && !is_their_doing(symptom, self.parties)
        });
        let messages = messages.map(|symptom| symptom.first.secs());
        signs
            .chain(messages)
            .filter(|time| *time >= self.onset())
            .min()
    }

    /// The first wave of refusals: to the second where an attacker was refused in it.
    fn first_limit(&self, service: &Service<'_>) -> Option<i64> {
        let end = self.span.1.secs();
        let wave = service.first_refusals(end).map(|bucket| {
            let refused = self.first_refused.iter().map(|time| time.secs());
            let mut exact = refused.filter(|time| (bucket..=end).contains(time));
            exact.next().unwrap_or(bucket)
        });
        let limits = self.symptoms.iter();
        let limited = limits
            .filter(|symptom| symptom.kind == SymptomKind::RateLimited)
            .map(|symptom| symptom.first.secs());
        wave.into_iter()
            .chain(limited)
            .filter(|time| *time >= self.onset())
            .min()
    }

    /// Attackers that met a 5xx.
    fn attackers_failed(&self, counts: &Tally<'_>) -> u64 {
        let attacking = || self.parties.iter().filter(|party| party.role.is_attack());
        let attackers: HashSet<Client> = attacking()
            .flat_map(|party| party.clients.iter().copied())
            .collect();
        let met = |client: &&Client| {
            let share = counts.share(client);
            share.is_some_and(|share| share.errors_5xx > 0)
        };
        // Who is of both samples, those named and those counted, is of the smaller one.
        let each = attacking().map(|party| party.weight).max();
        let failed = attackers.iter().filter(met).count() as u64;
        failed * each.unwrap_or(1).max(counts.weight_of_a_client())
    }
}

/// When what harms the service began.
fn onset(findings: &[&Finding]) -> Option<i64> {
    let harms = findings.iter().filter(|finding| {
        matches!(
            finding.kind,
            Kind::Burst { .. } | Kind::BruteForce { .. } | Kind::Failures { .. } | Kind::Silence(_)
        )
    });
    harms.map(|finding| finding.start.secs()).min()
}

/// When the service was ordinary again after the last trouble, in seconds since the epoch.
pub fn recovered(plan: &Plan, findings: &[&Finding]) -> Option<i64> {
    // The first second after a trouble, and whether it is known to the second when it ended.
    let after = findings.iter().filter_map(|finding| match finding.kind {
        Kind::Burst { .. } => Some((finding.end.secs() + 1, false)),
        Kind::Failures { .. } => Some((finding.end.secs() + 1, true)),
        Kind::Silence(_) => Some((finding.end.secs(), true)),
        _ => None,
    });
    let (after, exact) = after.max()?;
    Service::new(plan, onset(findings)?).ordinary_from(after, exact)
}

/// Minutes of the outages together, what overlaps counted once.
fn minutes_down(outages: &[Outage]) -> f64 {
    let (mut down, mut until) = (0.0, i64::MIN);
    // by their beginnings
    for outage in outages {
        let (start, end) = (outage.start.secs().max(until), outage.end.secs());
        down += (end - start).max(0) as f64;
        until = until.max(end);
    }
    down / 60.0
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

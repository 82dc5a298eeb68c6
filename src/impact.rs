//! What it cost, and what would have helped, counted on these very logs.

use hashbrown::{HashMap, HashSet};

use crate::client::Client;
use crate::evidence::clients::Span;
use crate::finding::{Finding, Kind};
use crate::focus::Tally;
use crate::merge::Merge;
use crate::plan::Plan;
use crate::report::view::{Actor, Impact, Injection, Mitigation, Outage, Symptom};
use crate::service::Service;
use crate::symptoms::{Party, is_their_doing};
use crate::terms::{Outcome, Role, SymptomKind};
use crate::text::counted;
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
        let attacking = self.parties.iter().filter(|party| party.role.is_attack());
        let attackers: HashSet<Client> = attacking
            .flat_map(|party| party.clients.iter().copied())
            .collect();
        let failed = counts
            .shares()
            .filter(|(client, share)| share.errors_5xx > 0 && attackers.contains(client));
        failed.count() as u64
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

/// Networks named in a measure at most; more belongs in a file.
const MAX_NETWORKS: usize = 50;

/// Networks that hold less than this share of the flood are no advice.
const WORTH_BLOCKING: f64 = 0.05;

/// A network is worth blocking as a whole when at least this many of its addresses attacked.
const NETWORK_MEMBERS: usize = 3;

/// Measures that these logs speak for.
pub fn mitigations(
    actors: &[Actor],
    injections: &[Injection],
    window: &Tally<'_>,
) -> Vec<Mitigation> {
    let flooders: Vec<&Actor> = actors
        .iter()
        .filter(|actor| actor.role == Role::Flooder)
        .collect();
    let mut measures: Vec<Mitigation> = block_networks(&flooders, window).into_iter().collect();
    measures.extend(block_clients(actors));
    measures.extend(fix_endpoints(injections));
    measures
}

/// The networks in which several flooders sit, and whom blocking them would have stopped.
fn block_networks(flooders: &[&Actor], window: &Tally<'_>) -> Option<Mitigation> {
    let attackers: HashSet<Client> = flooders
        .iter()
        .flat_map(|actor| &actor.clients)
        .filter_map(|name| name.parse().ok().map(Client::from_ip))
        .collect();
    // Per network: attacking addresses, their requests, and everybody else's.
    let mut networks: HashMap<ipnet::IpNet, (usize, u64, u64)> = attackers
        .iter()
        .filter_map(|client| Some((client.network()?, (0, 0, 0))))
        .collect();
    if networks.is_empty() {
        return None;
    }
    let (mut attack, mut innocent) = (0u64, 0u64);
    for (client, share) in window.shares() {
        let requests = u64::from(share.requests);
        let attacks = attackers.contains(&client);
        *(if attacks { &mut attack } else { &mut innocent }) += requests;
        let network = client.network();
        if let Some(entry) = network.and_then(|network| networks.get_mut(&network)) {
            entry.0 += usize::from(attacks);
            *(if attacks { &mut entry.1 } else { &mut entry.2 }) += requests;
        }
    }
    let mut chosen: Vec<_> = networks
        .into_iter()
        .filter(|(_, (members, hostile, others))| *members >= NETWORK_MEMBERS && hostile > others)
        .collect();
    chosen.sort_by_key(|(network, (_, requests, _))| (std::cmp::Reverse(*requests), *network));
    chosen.truncate(MAX_NETWORKS);
    let worth: u64 = chosen.iter().map(|(_, (_, hostile, _))| hostile).sum();
    if attack == 0 || (worth as f64) < WORTH_BLOCKING * attack as f64 {
        return None;
    }
    let stopped: u64 = chosen.iter().map(|(_, (_, requests, _))| requests).sum();
    let caught: u64 = chosen.iter().map(|(_, (_, _, others))| others).sum();
    let share = |part: u64, whole: u64| (whole > 0).then(|| rounded(part as f64 / whole as f64));
    Some(Mitigation {
        kind: "block_networks",
        summary: format!(
            "blocking {} would have stopped {:.0}% of the flood and {:.1}% of the other requests",
            counted(chosen.len() as u64, "network", "networks"),
            stopped as f64 / attack as f64 * 100.0,
            caught as f64 / innocent.max(1) as f64 * 100.0
        ),
        targets: chosen
            .into_iter()
            .map(|(network, _)| network.to_string())
            .collect(),
        attack_share: share(stopped, attack),
        innocent_share: share(caught, innocent),
    })
}

/// Few attackers are named one by one.
fn block_clients(actors: &[Actor]) -> Option<Mitigation> {
    /// More than these nobody blocks by hand.
    const FEW: usize = 10;
    let attackers = || actors.iter().filter(|actor| actor.role.is_attack());
    let mut targets: Vec<String> = attackers()
        .flat_map(|actor| actor.clients.iter().cloned())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    let requests: u64 = attackers().map(|actor| actor.requests).sum();
    (1..=FEW).contains(&targets.len()).then(|| Mitigation {
        kind: "block_clients",
        summary: format!(
            "blocking {} would have stopped all {} of the attack",
            counted(targets.len() as u64, "client", "clients"),
            counted(requests, "request", "requests")
        ),
        targets,
        attack_share: Some(1.0),
        innocent_share: Some(0.0),
    })
}

/// The parameters where an injection showed signs of success.
fn fix_endpoints(injections: &[Injection]) -> Option<Mitigation> {
    let weak =
        |injection: &&Injection| matches!(injection.outcome, Outcome::Suspected | Outcome::Likely);
    let mut targets: Vec<String> = injections
        .iter()
        .filter(weak)
        .map(|injection| match &injection.parameter {
            Some(parameter) => format!("{}?{parameter}", injection.endpoint),
            None => injection.endpoint.clone(),
        })
        .collect();
    targets.sort_unstable();
    targets.dedup();
    let attempts: u64 = injections
        .iter()
        .filter(weak)
        .map(|injection| injection.attempts)
        .sum();
    (!targets.is_empty()).then(|| Mitigation {
        kind: "fix_endpoint",
        summary: format!(
            "{} answered {} with signs of success: fix this first",
            counted(targets.len() as u64, "place", "places"),
            counted(attempts, "injection attempt", "injection attempts")
        ),
        targets,
        attack_share: None,
        innocent_share: None,
    })
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

//! Did one client, network or path take much of the server although the sum of all requests hardly shows it?
//!
//! Who is as busy as ever, who browses, who names itself a robot, whom other detectors tell of, and what comes at the
//! same hour every day is nobody's attack. What is left must be large beside what the server is used to, or
//! smaller and met by refusals and failures.

use crate::client::Client;
use crate::evidence::clients::ClientStats;
use crate::finding::{Case, Finding, Kind, role};
use crate::focus::{WindowCounts, is_refusal};
use crate::nature::{is_password_guessing, is_robot, probing_share};
use crate::plan::Stretch;
use crate::suspects::ranked;
use crate::terms::{Cause, Dimension};
use crate::text::{count, counted};
use crate::time::Time;
use crate::watch::Rise;

/// A rise of this share of the server's busiest ordinary hour is large: a server made for twice that hour, as is
/// usual, has lost half of its room to one source.
const LARGE: f64 = 0.5;

/// A rise is harmful from this share of its requests on that are refused or fail.
const HARMED: f64 = 0.2;

/// Of the log's buckets, the share that is quieter than its busiest ordinary hour.
const BUSY_QUANTILE: f64 = 0.9;

/// At most this share of a rise may come from clients that load what pages consist of.
const BROWSING: f64 = 0.2;

/// At most this share of a rise may come from user agents that name a robot.
const ROBOTS: f64 = 0.5;

/// Clients whose requests met client errors, or held payloads, with this share are scanners, told of elsewhere.
const PROBING: f64 = 0.3;

/// From this share on, one client is what rises, and not its network or the path.
const ONE_CLIENT: f64 = 0.8;

/// From this many sources on a flood is distributed, as for a burst of everything.
const DISTRIBUTED: usize = 10;

/// Client before network before path: the narrowest that explains a rise is told.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let busy = busy_rps(case);
    let mut found: Vec<Finding> = Vec::new();
    for dimension in [Dimension::Client, Dimension::Network, Dimension::Path] {
        let rises = case.rises.iter().zip(case.risen).enumerate();
        let ours =
            rises.filter(|(_, (rise, _))| rise.dimension == dimension && rise.within.is_none());
        let findings: Vec<Finding> = ours
            .filter_map(|(index, (rise, counts))| judge(case, index, rise, counts, busy))
            .filter(|finding| !found.iter().any(|known| tells_of(known, finding)))
            .collect();
        found.extend(findings);
    }
    found
}

/// Requests a second in the log's busiest ordinary hours.
fn busy_rps(case: &Case<'_>) -> f64 {
    let mut expected = case.plan.normal.expected.clone();
    expected.sort_by(f64::total_cmp);
    let at = (expected.len() as f64 * BUSY_QUANTILE) as usize;
    let busy = expected.get(at.min(expected.len().saturating_sub(1)));
    busy.copied().unwrap_or(0.0) / case.plan.minutes.bucket_s.max(1) as f64
}

/// True when a finding at the same time names a client of the other already.
fn tells_of(known: &Finding, other: &Finding) -> bool {
    let together = known.start <= other.end && other.start <= known.end;
    together
        && other
            .clients
            .iter()
            .any(|client| known.clients.binary_search(client).is_ok())
}

fn judge(
    case: &Case<'_>,
    index: usize,
    rise: &Rise,
    counts: &WindowCounts,
    busy_rps: f64,
) -> Option<Finding> {
    let stretch = &rise.stretch;
    let clients = ranked(&counts.clients);
    let most = clients.first()?.1 as f64;
    if rise.dimension != Dimension::Client && most >= ONE_CLIENT * counts.requests as f64 {
        return None;
    }
    let signs = Signs::new(case, &clients, counts);
    let seconds = (stretch.end - stretch.start + 1) as f64;
    let share = stretch.excess as f64 / seconds / busy_rps.max(f64::MIN_POSITIVE);
    let large = share >= LARGE || signs.harmed >= HARMED;
    if !large
        || !signs.accuse()
        || failed_before(case, stretch)
        || is_password_guessing(case, stretch, counts)
    {
        return None;
    }
    let mut accused: Vec<Client> = clients
        .iter()
        .filter(|(client, _)| {
            !case
                .access
                .clients
                .get(client)
                .is_some_and(ClientStats::browses)
        })
        .map(|(client, _)| *client)
        .collect();
    accused.sort_unstable();
    let cause = match accused.len() > DISTRIBUTED {
        true => Cause::Ddos,
        false => Cause::Dos,
    };
    let key = case.key(&rise.subject)?;
    Some(Finding {
        start: Time::from_secs(stretch.start),
        end: Time::from_secs(stretch.end),
        clients: accused,
        role: role(cause),
        // From 0.5, just large enough, to 0.8 for what outweighs everybody else: an impolite script asks like this, too.
        confidence: 0.5 + 0.3 * (1.0 - (-share).exp()),
        reasons: vec![size_sentence(rise, &key, share), signs.sentence()],
        samples: Vec::new(),
        kind: Kind::Burst {
            cause,
            stretch: everybody(case, stretch),
            window: index,
            dimension: rise.dimension,
            key: Some(key),
        },
    })
}

/// Who wonders at failures asks again: retries against a server that fails already accuse nobody.
fn failed_before(case: &Case<'_>, stretch: &Stretch) -> bool {
    let mut failures = case.plan.failures.iter();
    failures.any(|failed| failed.start < stretch.start && failed.end >= stretch.start)
}

/// The same time as a stretch of everybody's requests, which is what an incident is measured by.
fn everybody(case: &Case<'_>, stretch: &Stretch) -> Stretch {
    let minutes = &case.plan.minutes;
    let seconds = (stretch.end - stretch.start + 1) as f64;
    let count = minutes.sum(&minutes.requests, stretch.start, stretch.end);
    let expected =
        &case.plan.normal.expected[minutes.bucket(stretch.start)..=minutes.bucket(stretch.end)];
    let baseline_rps =
        expected.iter().sum::<f64>() / expected.len() as f64 / minutes.bucket_s as f64;
    let inside = minutes.bucket(stretch.start)..=minutes.bucket(stretch.end);
    let peak = inside
        .max_by_key(|at| (minutes.requests[*at], std::cmp::Reverse(*at)))
        .unwrap_or(0);
    let peak_rps = f64::from(minutes.requests[peak]) / minutes.bucket_s as f64;
    Stretch {
        baseline_rps,
        peak_at: minutes.start + peak as i64 * minutes.bucket_s,
        peak_rps,
        count,
        excess: (count as f64 - baseline_rps * seconds).max(0.0) as u64,
        ratio: peak_rps / baseline_rps.max(f64::MIN_POSITIVE),
        ..*stretch
    }
}

/// What tells a flood from visitors, robots and scanners, as shares 0..1 of the rise's requests.
struct Signs {
    browsing: f64,
    robots: f64,
    probing: f64,
    harmed: f64,
}

impl Signs {
    fn new(case: &Case<'_>, clients: &[(Client, u64)], counts: &WindowCounts) -> Signs {
        let of_requests = |part: u64| part as f64 / counts.requests.max(1) as f64;
        let named: Vec<Client> = clients.iter().map(|(client, _)| *client).collect();
        let browsing = clients.iter().filter(|(client, _)| {
            case.access
                .clients
                .get(client)
                .is_some_and(ClientStats::browses)
        });
        let robots = counts
            .agents
            .iter()
            .filter(|(_, agent)| is_robot(&agent.text));
        let harmed = counts
            .answers
            .iter()
            .filter(|(status, _)| is_harm(**status));
        Signs {
            browsing: of_requests(browsing.map(|(_, requests)| requests).sum()),
            robots: of_requests(robots.map(|(_, agent)| agent.stats).sum()),
            probing: probing_share(case, counts, &named),
            harmed: of_requests(harmed.map(|(_, answers)| answers.count).sum()),
        }
    }

    fn accuse(&self) -> bool {
        self.browsing <= BROWSING && self.robots <= ROBOTS && self.probing <= PROBING
    }

    fn sentence(&self) -> String {
        format!(
            "{:.0}% of it come from clients that load what pages consist of (at most {:.0}%), {:.0}% from robots that \
             say so (at most {:.0}%), {:.0}% were refused or failed",
            self.browsing * 100.0,
            BROWSING * 100.0,
            self.robots * 100.0,
            ROBOTS * 100.0,
            self.harmed * 100.0
        )
    }
}

/// An answer that says "too much", or a failure.
fn is_harm(status: u16) -> bool {
    is_refusal(status) || matches!(status, 500..=599)
}

fn size_sentence(rise: &Rise, key: &str, share: f64) -> String {
    let stretch = &rise.stretch;
    let what = match rise.dimension {
        Dimension::Path => "for",
        _ => "from",
    };
    format!(
        "requests {what} {key} rose from {:.2} to {:.2} a second for {}: {} more than its own baseline, {:.0}% of what \
         everybody brings in busy hours (from {:.0}% on it is large)",
        stretch.baseline_rps,
        stretch.peak_rps,
        counted(
            ((stretch.end - stretch.start + 1) / 60) as u64,
            "minute",
            "minutes"
        ),
        count(stretch.excess),
        share * 100.0,
        LARGE * 100.0
    )
}

//! What a burst consists of: its size, and the clients, networks, paths and agents that lead it.
//!
//! Ranks by excess over what each brings ordinarily, so that a busy page is not blamed for being busy.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::actor;
use crate::client::Client;
use crate::evidence::endpoints::TextMap;
use crate::finding::{Case, Finding, Kind};
use crate::focus::{Subject, WindowCounts};
use crate::impact::rounded;
use crate::networks::{Attacker, Network, Networks, Strays};
use crate::plan::Stretch;
use crate::report::view::{Burst, BurstTop, Ranked};
use crate::suspects::ranked;
use crate::terms::{Cause, Dimension};
use crate::text::visible;
use crate::time::Time;
use crate::watch;

/// Values listed of a burst's leading clients, networks, paths and agents.
const TOP: usize = 10;

/// Clients looked at when those with the most excess are sought, those with the most requests first.
const RANKED_CLIENTS: usize = 10 * TOP;

/// One kind of burst within a finding: which series rose, and how it is classified.
struct Rise<'a> {
    finding: &'a Finding,
    dimension: Dimension,
    /// The path, where one path's series rose.
    key: Option<String>,
    cause: Cause,
    stretch: &'a Stretch,
    /// What the second pass counted of it.
    counts: &'a WindowCounts,
    /// A part of a finding has a time of its own: that of its first and last request.
    own_time: bool,
}

impl Rise<'_> {
    fn time(&self) -> (Time, Time) {
        match self.counts.span {
            Some(span) if self.own_time => {
                (span.first.floor_to_second(), span.last.floor_to_second())
            }
            _ => (self.finding.start, self.finding.end),
        }
    }
}

/// The bursts among the findings of one incident; `failed` counts the failed requests of its whole time, which a rise
/// without a window of its own is told by.
pub fn bursts<'a>(
    case: &Case<'a>,
    findings: &[&'a Finding],
    cause: Cause,
    failed: Option<&'a WindowCounts>,
) -> Vec<Burst> {
    let of_finding = |finding: &&'a Finding| {
        let own = rise(case, finding, cause, failed);
        own.into_iter().chain(parts(case, finding))
    };
    let rises = findings.iter().flat_map(of_finding);
    rises.map(|rise| burst(case, rise)).collect()
}

/// The paths, networks and clients that stand out in a burst of everything. Who is not accused of it is as busy
/// as it is for reasons of its own.
fn parts<'a>(case: &Case<'a>, finding: &'a Finding) -> Vec<Rise<'a>> {
    let Kind::Burst {
        cause,
        window: burst,
        dimension: Dimension::Total,
        ..
    } = finding.kind
    else {
        return Vec::new();
    };
    let rises = case.rises.iter().zip(case.risen);
    let within = rises.filter(|(rise, counts)| {
        rise.within == Some(burst) && is_part(rise, counts, &finding.clients)
    });
    let parts = within.map(|(rise, counts)| Rise {
        finding,
        dimension: rise.dimension,
        key: case.key(&rise.subject),
        cause,
        stretch: &rise.stretch,
        counts,
        own_time: true,
    });
    parts.collect()
}

/// Whether a rise is one of those who are accused: the client itself; of a network at least two; a path in any
/// case.
fn is_part(rise: &watch::Rise, counts: &WindowCounts, accused: &[Client]) -> bool {
    let named = |client: &Client| accused.binary_search(client).is_ok();
    match rise.subject {
        Subject::All | Subject::Path(_) => true,
        Subject::Client(client) => named(&client),
        Subject::Network(_) => {
            counts
                .clients
                .iter()
                .filter(|(client, _)| named(client))
                .count()
                > 1
        }
    }
}

fn rise<'a>(
    case: &Case<'a>,
    finding: &'a Finding,
    incident: Cause,
    failed: Option<&'a WindowCounts>,
) -> Option<Rise<'a>> {
    let counted = |window: &usize| case.windows.get(*window);
    let (key, cause) = (None, incident);
    let (dimension, key, cause, stretch, counts) = match &finding.kind {
        Kind::Burst {
            cause,
            stretch,
            window,
            dimension,
            key: risen,
        } => match dimension {
            Dimension::Total => (*dimension, key, *cause, stretch, counted(window)),
            _ => {
                let own = &case.rises.get(*window)?.stretch;
                let counts = case.risen.get(*window);
                (*dimension, risen.clone(), *cause, own, counts)
            }
        },
        Kind::BruteForce {
            path,
            stretch,
            window,
            ..
        } => {
            let key = Some(visible(path).into_owned());
            let cause = Cause::BruteForce;
            (Dimension::Path, key, cause, stretch, counted(window))
        }
        // Failures during an attack are its effect as far as anybody can tell from logs.
        Kind::Failures { stretch, .. } => (Dimension::Status5xx, key, cause, stretch, failed),
        _ => return None,
    };
    Some(Rise {
        finding,
        dimension,
        key,
        cause,
        stretch,
        counts: counts?,
        own_time: false,
    })
}

fn burst(case: &Case<'_>, rise: Rise<'_>) -> Burst {
    let (stretch, counts) = (rise.stretch, rise.counts);
    let (start, end) = rise.time();
    let is_new = |client: &Client| {
        let known = case.access.clients.get(client);
        known.is_none_or(|stats| stats.first() >= start.floor_to_second())
    };
    let clients = counts.clients.iter();
    let newcomers = clients.filter(|(client, _)| is_new(client)).count();
    Burst {
        dimension: rise.dimension,
        key: rise.key,
        start,
        peak_at: Time::from_secs(stretch.peak_at),
        end,
        baseline_rps: rounded(stretch.baseline_rps),
        peak_rps: rounded(stretch.peak_rps),
        requests: stretch.count,
        excess_requests: stretch.excess,
        clients: counts.clients.distinct(),
        new_client_ratio: (!stretch.at_log_start)
            .then(|| rounded(newcomers as f64 / counts.clients.len().max(1) as f64)),
        classification: rise.cause.name().into(),
        confidence: rounded(rise.finding.confidence),
        top: top(case, counts, stretch, &rise.finding.clients),
    }
}

/// What a client sent outside of a window in which it sent `inside` requests.
fn requests_outside(case: &Case<'_>, client: Client, inside: u64) -> u64 {
    case.access
        .clients
        .get(&client)
        .map_or(0, |stats| stats.requests())
        .saturating_sub(inside)
}

/// How long a burst and the rest of the log are, in seconds.
struct Lengths {
    inside: f64,
    outside: f64,
}

impl Lengths {
    /// What somebody sent in the burst, and how much of that is more than it sends ordinarily.
    fn rank(&self, key: String, inside: u64, outside: u64) -> Ranked {
        let usual = outside as f64 / self.outside * self.inside;
        Ranked {
            key,
            requests: inside,
            excess: (inside as f64 - usual).max(0.0) as u64,
        }
    }

    /// The leading texts of a map; `all` tells how often one occurs in the whole log.
    fn texts(&self, texts: &TextMap<u64>, all: impl Fn(&u64) -> u64) -> Vec<Ranked> {
        leading(texts.iter().map(|(hash, text)| {
            let outside = all(hash).saturating_sub(text.stats);
            self.rank(visible(&text.text).into_owned(), text.stats, outside)
        }))
    }
}

fn top(case: &Case<'_>, counts: &WindowCounts, stretch: &Stretch, suspects: &[Client]) -> BurstTop {
    let inside = (stretch.end - stretch.start + 1) as f64;
    let lengths = Lengths {
        inside,
        outside: (case.log_seconds() as f64 - inside).max(1.0),
    };
    let clients = ranked(&counts.clients);
    let (paths, agents) = (&case.access.paths, &case.access.agents);
    BurstTop {
        clients: leading(
            clients
                .iter()
                .take(RANKED_CLIENTS)
                .map(|(client, requests)| {
                    let outside = requests_outside(case, *client, *requests);
                    lengths.rank(actor::name(case, *client), *requests, outside)
                }),
        ),
        networks: networks(case, suspects, &clients, &lengths),
        paths: lengths.texts(&counts.paths, |hash| {
            paths
                .get(hash)
                .map_or(0, |path| u64::from(path.stats.requests))
        }),
        user_agents: lengths.texts(&counts.agents, |hash| {
            agents.get(hash).map_or(0, |agent| agent.stats)
        }),
    }
}

/// The narrowest networks that hold the excess of those who are part of it; of everybody, where nobody can be named.
fn networks(
    case: &Case<'_>,
    suspects: &[Client],
    clients: &[(Client, u64)],
    lengths: &Lengths,
) -> Vec<Ranked> {
    let attacker = |(client, requests): &(Client, u64)| {
        let outside = requests_outside(case, *client, *requests);
        let excess = lengths.rank(String::new(), *requests, outside).excess;
        let takes_part = match suspects.is_empty() {
            true => excess > 0,
            false => suspects.binary_search(client).is_ok(),
        };
        takes_part.then(|| Attacker {
            client: *client,
            attack: excess,
            innocent: requests.saturating_sub(excess),
        })
    };
    let mut networks = Networks::new(clients.iter().filter_map(attacker));
    let others = clients.par_iter().filter(|entry| attacker(entry).is_none());
    networks.bystanders(others.copied());
    let ranked = |network: Network| Ranked {
        key: network.network.to_string(),
        requests: network.attack + network.innocent,
        excess: network.attack,
    };
    leading(networks.cover(Strays::Named).into_iter().map(ranked))
}

/// Those with the most excess; who brings none is no part of a burst.
fn leading(values: impl Iterator<Item = Ranked>) -> Vec<Ranked> {
    let mut all: Vec<Ranked> = values.filter(|value| value.excess > 0).collect();
    all.sort_unstable_by(|a, b| {
        (b.excess, b.requests, &a.key).cmp(&(a.excess, a.requests, &b.key))
    });
    all.truncate(TOP);
    all
}

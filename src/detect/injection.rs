//! Who sent injection payloads at this site, beyond the background noise of the Internet?
//!
//! Every public server is probed at random, mostly for software that it does not run. What makes an
//! incident is persistence, or aim: payloads at the site's own pages.

use crate::attempts::REFERER;
use crate::client::Client;
use crate::evidence::clients::HitStats;
use crate::evidence::endpoints::Endpoint;
use crate::evidence::first::Locator;
use crate::finding::{Case, Finding, Kind};
use crate::merge::Merge;
use crate::terms::Role;

/// Payload lines from which a single client is an attacker of its own, wherever it aimed.
const PERSISTENT: u64 = 20;

/// Payload lines at the site's own pages from which a client is an attacker of its own.
const AIMED: u64 = 10;

/// Lines of high confidence that an attacker of its own must have sent: an unusual filter language in
/// an API's own parameters repeats a thousand times and is no attack.
const DOUBTLESS: u64 = 3;

/// Payload lines on one parameter, from clients that are no attackers of their own, that make a
/// campaign spread over many addresses, if at least half of them leave no doubt.
const SPREAD: u64 = 50;

/// Findings for single attackers, then one for attacks spread over many addresses.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let aimed = aimed_payloads(case);
    let mut singles: Vec<(Client, &HitStats)> = case
        .access
        .hit_clients
        .iter()
        .filter(|(client, hits)| {
            let aim = aimed.get(*client).copied().unwrap_or_default();
            let persistent = hits.direct >= PERSISTENT && hits.high >= AIMED;
            hits.high >= DOUBTLESS && (persistent || aim.lines >= AIMED || aim.rewarded)
        })
        .map(|(client, hits)| (*client, hits))
        .collect();
    singles.sort_unstable_by_key(|(client, _)| *client);
    let alone = |client: &Client| {
        singles
            .binary_search_by_key(client, |(known, _)| *known)
            .is_ok()
    };
    let spread = spread_attack(case, alone);
    let singles = singles
        .iter()
        .filter_map(|(client, hits)| single(case, *client, hits));
    singles.chain(spread).collect()
}

/// A payload in a parameter or the user agent. One in the referer may be the echo of another request.
fn is_aimed(endpoint: &Endpoint) -> bool {
    endpoint
        .parameter
        .as_deref()
        .is_some_and(|parameter| parameter != REFERER)
}

/// A client's payloads at the site's own pages.
#[derive(Clone, Copy, Default)]
struct Aim {
    /// Payload lines.
    lines: u64,
    /// One of the pages answered somebody's payload with more than it ever gives visitors.
    rewarded: bool,
}

/// What each client sent to endpoints that the site has.
fn aimed_payloads(case: &Case<'_>) -> hashbrown::HashMap<Client, Aim> {
    let mut aimed: hashbrown::HashMap<Client, Aim> = hashbrown::HashMap::new();
    let endpoints = case.access.endpoints.iter().map(|(_, endpoint)| endpoint);
    let own = endpoints.filter(|endpoint| is_aimed(endpoint) && case.is_own_path(&endpoint.path));
    for endpoint in own {
        let rewarded = case.oversize(endpoint).is_some();
        for (client, attempts) in endpoint.clients.iter() {
            let aim = aimed.entry(*client).or_default();
            aim.lines += attempts.span.count;
            aim.rewarded |= rewarded;
        }
    }
    aimed
}

fn single(case: &Case<'_>, client: Client, hits: &HitStats) -> Option<Finding> {
    let span = hits.span()?;
    let kinds: Vec<&str> = hits
        .categories()
        .iter()
        .map(|(category, _)| category.title())
        .collect();
    Some(Finding {
        kind: Kind::Injection,
        start: span.first,
        end: span.last,
        clients: vec![client],
        role: Some(Role::Injector),
        confidence: sureness(hits.direct, hits.high),
        reasons: vec![format!(
            "one client sent {} lines with payloads ({})",
            hits.direct,
            kinds.join(", ")
        )],
        samples: samples(case, [client].iter()),
    })
}

/// Certainty from how many lines there are and how many of them leave no doubt: 0.4 at least, 0.7 for many
/// doubtful ones (twenty are two thirds of the way), 0.99 when several are plain (three are).
fn sureness(payloads: u64, high: u64) -> f64 {
    let plenty = 1.0 - (-(payloads as f64) / 20.0).exp();
    let plain = 1.0 - (-(high as f64) / 3.0).exp();
    0.4 + 0.3 * plenty + 0.29 * plain
}

fn spread_attack(case: &Case<'_>, alone: impl Fn(&Client) -> bool) -> Option<Finding> {
    let mut clients: Vec<Client> = Vec::new();
    let (mut lines, mut span, mut places) = (0, None::<crate::evidence::clients::Span>, 0u32);
    for (_, endpoint) in case.access.endpoints.iter() {
        if !is_aimed(endpoint) || !case.is_own_path(&endpoint.path) {
            continue;
        }
        if endpoint.high * 2 < endpoint.span.count {
            continue;
        }
        let visitor = |client: &Client| {
            case.access
                .clients
                .get(client)
                .is_some_and(|stats| stats.browses())
        };
        let others = || {
            endpoint
                .clients
                .iter()
                .filter(|(client, _)| !alone(client) && !visitor(client))
        };
        let count: u64 = others().map(|(_, attempts)| attempts.span.count).sum();
        if count < SPREAD {
            continue;
        }
        lines += count;
        places += 1;
        for (client, seen) in others() {
            clients.push(*client);
            span.merge(Some(seen.span));
        }
    }
    clients.sort_unstable();
    clients.dedup();
    let span = span?;
    Some(Finding {
        kind: Kind::Injection,
        start: span.first,
        end: span.last,
        role: Some(Role::Injector),
        confidence: sureness(lines, lines / 2),
        reasons: vec![format!(
            "{lines} payload lines at {places} of the site's own parameters came from {} addresses, few from each",
            clients.len()
        )],
        samples: samples(case, clients.iter()),
        clients,
    })
}

/// The first suspicious lines of some clients.
fn samples<'a>(case: &Case<'_>, clients: impl Iterator<Item = &'a Client>) -> Vec<Locator> {
    /// Lines shown for a finding.
    const SHOWN: usize = 5;
    let kept = clients.filter_map(|client| case.access.hit_samples.get(client));
    let mut all: Vec<Locator> = kept
        .flat_map(|first| first.as_slice().iter().copied())
        .collect();
    all.sort_unstable();
    all.truncate(SHOWN);
    all
}

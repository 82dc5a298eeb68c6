//! Who: clients that acted as one become one actor, with every address listed.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};
use rayon::iter::ParallelIterator;

use crate::client::Client;
use crate::evidence::clients::{CLASSES, HitStats, Span};
use crate::evidence::endpoints::{Text, TextMap};
use crate::finding::{Case, Finding, Kind};
use crate::merge::Merge;
use crate::networks::{Attacker, Networks, Strays};
use crate::origins::Atlas;
use crate::pass::Limits;
use crate::report::view::{self, Name, named};
use crate::terms::Role;
use crate::text::visible;
use crate::trace::{Group, GroupCounts};

/// Payloads this long before a flood are an attack of their own, in seconds.
const BEFORE_FLOOD_S: i64 = 300;

/// Flooders are followed this long before and after their burst, to find its true edges.
const EDGE_S: i64 = 30 * 60;

/// Values listed of an actor's user agents and paths.
const LISTED: usize = 20;

/// An actor before its requests were counted.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its part.
    pub role: Role,
    /// Who, sorted.
    pub clients: Vec<Client>,
    /// How many clients each of them stands for: one, unless there are more than could be kept.
    pub weight: u64,
    /// Index of the finding that named it.
    pub finding: usize,
    /// When to follow it, seconds since the epoch; `None` where the survey's counts say it all.
    pub watch: Option<(i64, i64)>,
}

/// Makes actors out of findings. A client is part of one actor only: of the gravest role it has.
pub fn cast(case: &Case<'_>, findings: &[Finding]) -> Vec<Draft> {
    let floods = || {
        findings
            .iter()
            .filter(|finding| finding.role == Some(Role::Flooder))
            .filter(|finding| !is_own_volume(finding, findings.iter()))
    };
    let onset: HashMap<Client, i64> = floods()
        .flat_map(|finding| {
            finding
                .clients
                .iter()
                .map(|client| (*client, finding.start.secs()))
        })
        .collect();
    let mut order: Vec<usize> = (0..findings.len())
        .filter(|index| findings[*index].role.is_some())
        .collect();
    order.sort_by_key(|index| {
        (
            findings[*index].role.map(gravity),
            findings[*index].start,
            *index,
        )
    });
    let mut taken: HashSet<Client> = HashSet::new();
    let mut drafts = Vec::new();
    for index in order {
        let finding = &findings[index];
        let Some(role) = finding.role else { continue };
        let clients: Vec<Client> = finding
            .clients
            .iter()
            .filter(|client| {
                role == Role::Flooder
                    || !onset
                        .get(*client)
                        .is_some_and(|onset| mostly_floods(case, **client, *onset))
            })
            .filter(|client| taken.insert(**client))
            .copied()
            .collect();
        if !clients.is_empty() {
            let watch = watch(finding);
            drafts.push(Draft {
                role,
                clients,
                weight: case.weight_of_a_client(&finding.kind),
                finding: index,
                watch,
            });
        }
    }
    drafts
}

/// True for a burst of which all clients are named for their payloads anyway: a tool that injects is not a surge
/// besides, it just has much to ask.
pub fn is_own_volume<'f>(
    burst: &Finding,
    findings: impl Iterator<Item = &'f Finding> + Clone,
) -> bool {
    let injects = |client: &Client| {
        let mut injections = findings
            .clone()
            .filter(|finding| matches!(finding.kind, Kind::Injection));
        injections.any(|finding| finding.clients.binary_search(client).is_ok())
    };
    !burst.clients.is_empty() && burst.clients.iter().all(injects)
}

fn gravity(role: Role) -> u8 {
    match role {
        Role::WebshellOperator => 0,
        Role::Injector => 1,
        Role::BruteForcer => 2,
        Role::Flooder => 3,
        Role::Scanner => 4,
        Role::Crawler => 5,
        Role::Crowd => 6,
    }
}

/// True for a client whose payloads are a part of what it sent in the flood; not for an attacker that was at
/// work before the flood began.
fn mostly_floods(case: &Case<'_>, client: Client, onset: i64) -> bool {
    let span = case
        .access
        .hit_clients
        .get(&client)
        .and_then(HitStats::span);
    span.is_none_or(|span| span.first.secs() >= onset - BEFORE_FLOOD_S)
}

/// A crowd is followed around its burst, since addresses are shared and change hands. Of an attacker of its own
/// the survey knows enough.
fn watch(finding: &Finding) -> Option<(i64, i64)> {
    let (start, end) = (finding.start.secs(), finding.end.secs());
    match finding.kind {
        Kind::BruteForce { .. } => Some((start, end)),
        Kind::Burst { .. } => Some((start - EDGE_S, end + EDGE_S)),
        _ => None,
    }
}

/// What the third look must count: one group for each actor, without clients where nobody is followed.
pub fn groups(drafts: &[Draft], limits: Limits) -> Vec<Group> {
    let group = |draft: &Draft| match draft.watch {
        Some((start, end)) => Group {
            clients: draft.clients.clone(),
            start: start.max(limits.since),
            end: end.min(limits.until),
        },
        None => Group::default(),
    };
    drafts.iter().map(group).collect()
}

/// Replaces the empty counts of actors that were not followed by what the survey knows of them. Paths and user
/// agents are then those of their suspicious requests.
pub fn fill(case: &Case<'_>, drafts: &[Draft], traces: &mut [GroupCounts]) {
    for (draft, counts) in drafts.iter().zip(traces) {
        if draft.watch.is_none() {
            draft
                .clients
                .iter()
                .for_each(|client| add_known(case, *client, counts));
        }
    }
}

fn add_known(case: &Case<'_>, client: Client, counts: &mut GroupCounts) {
    if let Some(stats) = case.access.clients.get(&client) {
        let span = Span {
            count: stats.requests(),
            first: stats.first(),
            last: stats.last(),
        };
        counts.clients.insert(client, span);
        counts.span = joined(counts.span.into_iter().chain([span]));
        counts.by_class.merge(stats.by_class.map(u64::from));
    }
    if let Some(hits) = case.access.hit_clients.get(&client) {
        add_texts(&mut counts.paths, hits.paths.iter(), &case.access.paths);
        add_texts(&mut counts.agents, hits.agents.iter(), &case.access.agents);
    }
    let samples = case.access.hit_samples.get(&client);
    for at in samples.iter().flat_map(|samples| samples.as_slice()) {
        counts.first.push(*at);
    }
}

/// Adds counted hashes under the texts that they are hashes of.
fn add_texts<S>(
    texts: &mut TextMap<u64>,
    counted: impl Iterator<Item = (u64, u32)>,
    known: &TextMap<S>,
) {
    for (hash, count) in counted {
        let Some(known) = known.get(&hash) else {
            continue;
        };
        if let Some(entry) = texts.entry(hash, || Text::new(&known.text)) {
            entry.stats += u64::from(count);
        }
    }
}

/// When a crowd's burst really began and ended, in seconds: the first moment from which several of its
/// clients appear for the first time within a minute, and the last before which several are seen for
/// the last time. One early visit does not count. Too few clients for company are told by how much they ask.
pub fn edges(counts: &GroupCounts) -> Option<(i64, i64)> {
    if counts.clients.len() < COMPANY_SHARE
        && let Some(edges) = counts.busy_span()
    {
        return Some(edges);
    }
    let mut first: Vec<i64> = counts
        .clients
        .values()
        .map(|span| span.first.secs())
        .collect();
    let mut last: Vec<i64> = counts
        .clients
        .values()
        .map(|span| span.last.secs())
        .collect();
    first.sort_unstable();
    last.sort_unstable();
    let company = (first.len() / COMPANY_SHARE).clamp(1, COMPANY);
    let close = |run: &&[i64]| run[company - 1] - run[0] <= COMPANY_S;
    let onset = first.windows(company).find(close).map(|run| run[0]);
    let end = last
        .windows(company)
        .rfind(close)
        .map(|run| run[company - 1]);
    Some((
        onset.or(first.first().copied())?,
        end.or(last.last().copied())?,
    ))
}

/// So many clients within [`COMPANY_S`] seconds are a crowd's beginning (or its end): one in
/// [`COMPANY_SHARE`], and never more than [`COMPANY`].
const COMPANY: usize = 5;
const COMPANY_SHARE: usize = 20;
const COMPANY_S: i64 = 60;

/// The actor as the report shows it.
pub fn actor(
    case: &Case<'_>,
    draft: &Draft,
    counts: &GroupCounts,
    id: String,
    atlas: &Atlas<'_>,
) -> Option<view::Actor> {
    let span = counts.span?;
    let hits = hits(case, &draft.clients);
    Some(view::Actor {
        id,
        role: draft.role,
        clients: names(case, &busiest(draft, counts)),
        client_count: draft.clients.len() as u64 * draft.weight,
        networks: networks(case, draft, counts),
        user_agents: top(&counts.agents, LISTED)
            .into_iter()
            .map(|ranked| ranked.0)
            .collect(),
        first: span.first.floor_to_second(),
        last: span.last.floor_to_second(),
        requests: span.count.saturating_mul(draft.weight),
        hits_by_category: named(
            hits.categories()
                .iter()
                .map(|(category, span)| (category.name(), span.count)),
        ),
        paths: top(&counts.paths, LISTED)
            .into_iter()
            .map(|ranked| ranked.0)
            .collect(),
        status: statuses(
            &counts
                .by_class
                .map(|count| count.saturating_mul(draft.weight)),
        ),
        origins: origins(draft, counts, atlas),
    })
}

/// Where the clients are, with what they sent.
fn origins(draft: &Draft, counts: &GroupCounts, atlas: &Atlas<'_>) -> Vec<view::Origin> {
    let sent = |client: &Client| counts.clients.get(client).map_or(0, |span| span.count);
    let addresses = draft.clients.iter();
    let addresses = addresses.filter_map(|client| Some((client.ip()?, sent(client))));
    let mut origins = atlas.origins(addresses);
    for origin in &mut origins {
        origin.clients = origin.clients.saturating_mul(draft.weight);
        origin.requests = origin.requests.saturating_mul(draft.weight);
    }
    origins
}

/// The clients by what they sent, most first.
fn busiest(draft: &Draft, counts: &GroupCounts) -> Vec<Client> {
    let requests = |client: &Client| counts.clients.get(client).map_or(0, |span| span.count);
    let mut clients = draft.clients.clone();
    clients.sort_by_key(|client| (std::cmp::Reverse(requests(client)), *client));
    clients
}

/// Hits of several clients together.
pub fn hits(case: &Case<'_>, clients: &[Client]) -> HitStats {
    let mut all = HitStats::default();
    for hits in clients
        .iter()
        .filter_map(|client| case.access.hit_clients.get(client))
    {
        all.merge(hits.clone());
    }
    all
}

/// Addresses and host names as text, in the order given.
pub fn names(case: &Case<'_>, clients: &[Client]) -> Vec<String> {
    clients.iter().map(|client| name(case, *client)).collect()
}

/// A client as text.
pub fn name(case: &Case<'_>, client: Client) -> String {
    case.name(client)
}

/// The narrowest networks that hold an actor's clients, those that sent most first. Everybody else in the log is
/// innocent here.
fn networks(case: &Case<'_>, draft: &Draft, counts: &GroupCounts) -> Vec<String> {
    let attackers = draft.clients.iter().map(|client| Attacker {
        client: *client,
        attack: counts.clients.get(client).map_or(0, |span| span.count),
        innocent: 0,
    });
    let mut networks = Networks::new(attackers);
    // One client is a network of its own, whoever is near.
    if draft.clients.len() > 1 {
        let others = case.access.clients.par_iter();
        let others = others.filter(|(client, _)| draft.clients.binary_search(client).is_err());
        networks.bystanders(others.map(|(client, stats)| (*client, stats.requests())));
    }
    let found = networks.cover(Strays::Named).into_iter();
    found.map(|found| found.network.to_string()).collect()
}

/// The most frequent texts with their counts; ties by text.
pub fn top(texts: &TextMap<u64>, most: usize) -> Vec<(String, u64)> {
    let mut all: Vec<(&[u8], u64)> = texts
        .iter()
        .map(|(_, text)| (&*text.text, text.stats))
        .collect();
    all.sort_unstable_by_key(|(text, count)| (std::cmp::Reverse(*count), *text));
    all.into_iter()
        .take(most)
        .map(|(text, count)| (visible(text).into_owned(), count))
        .collect()
}

/// Counts by status class under the report's names; `none` only where a request has none.
pub fn statuses(by_class: &[u64; CLASSES]) -> BTreeMap<Name, u64> {
    const NAMES: [&str; CLASSES] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];
    let counts = NAMES.into_iter().zip(by_class.iter().copied());
    named(counts.filter(|(name, count)| *name != "none" || *count > 0))
}

/// Earliest and latest of several spans.
pub fn joined(spans: impl Iterator<Item = Span>) -> Option<Span> {
    crate::pass::merge_all(spans)
}

/// Actors by client, for linking endpoints to them.
pub fn index(drafts: &[Draft]) -> HashMap<Client, usize> {
    let members = drafts.iter().enumerate();
    members
        .flat_map(|(index, draft)| draft.clients.iter().map(move |client| (*client, index)))
        .collect()
}

/// Indices of the actors among some clients.
pub fn among(
    index: &HashMap<Client, usize>,
    clients: impl Iterator<Item = Client>,
) -> BTreeSet<usize> {
    clients
        .filter_map(|client| index.get(&client).copied())
        .collect()
}

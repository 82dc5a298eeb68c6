//! Who sent injection payloads, beyond the background noise of the Internet?
//!
//! What makes an incident is aim: payloads at the site's own pages, from one client or from several that act as one.
//! Payloads that were strewn over the Internet make a scan: when one client sends many, or when many clients send the
//! same exploit one after the other.

use hashbrown::HashMap;

use crate::aim::{Aim, SURE, Sent, aims};
use crate::campaign::{self, Lead, groups};
use crate::client::Client;
use crate::evidence::clients::{HitStats, Span};
use crate::evidence::first::Locator;
use crate::finding::{Case, Finding, Kind};
use crate::merge::Merge;
use crate::terms::Role;
use crate::text::{count, counted};

/// Points (see `aim`) from which a client, or several of one network, attack this site: eight plain lines, six that
/// would run code. One or two may be a visitor's experiment, and a reader of a security blog searches for three.
const ATTACK: u64 = 8 * SURE;

/// The same for clients of different networks that act as one: chance brings more of what is alike in many.
const CAMPAIGN: u64 = 16 * SURE;

/// Lines of high confidence that an attacker must have sent: an unusual filter language in an API's own
/// parameters repeats a thousand times and is no attack.
const DOUBTLESS: u64 = 3;

/// Payload lines from which a single client scans, wherever it aimed, and those of them that leave no doubt.
const PERSISTENT: u64 = 20;
const PERSISTENT_HIGH: u64 = 10;

/// Of an injector's suspicious lines, one in so many is aimed at the site; below that it is a scanner that sends
/// payloads too.
const AIMED_SHARE: u64 = 10;

/// Clients that send one exploit, one after the other, from which that is a campaign. An ordinary server meets the
/// same exploit from a handful of addresses a day.
const SPRAY: usize = 20;

/// Exploits of a client that takes part in such a campaign, which are at least half of what is suspicious about it. Bots
/// that try a dozen are the background noise.
const SINGLE_MINDED: usize = 2;

/// Findings for attacks on the site, then for exploits that were sprayed.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let aims = aims(case);
    let leads = leads(
        case,
        &aims,
        |aim| &aim.aimed,
        |client, aim| {
            let alone = attacks_alone(case, client, aim);
            alone
                || (aim.points > 0
                    && aim.aimed.lines() >= aim.strewn.lines()
                    && !visits(case, client))
        },
    );
    let mut findings: Vec<Finding> = groups(&leads, true)
        .into_iter()
        .filter_map(|group| {
            let clients = group.iter().map(|index| leads[*index].client).collect();
            attack(case, &aims, clients)
        })
        .collect();
    let named = |client: Client| {
        let mut all = findings.iter();
        all.any(|finding| finding.clients.binary_search(&client).is_ok())
    };
    let strewn = self::leads(
        case,
        &aims,
        |aim| &aim.strewn,
        |client, aim| aim.strewn.high > 0 && !visits(case, client) && !named(client),
    );
    let sprays = sprays(case, &aims, strewn);
    findings.extend(sprays);
    findings
}

/// Clients that an attack may consist of, sorted, with what they have in common with others.
fn leads(
    case: &Case<'_>,
    aims: &HashMap<Client, Aim>,
    sent: impl Fn(&Aim) -> &Sent,
    takes_part: impl Fn(Client, &Aim) -> bool,
) -> Vec<Lead> {
    let lead = |(client, aim): (&Client, &Aim)| {
        let sent = sent(aim);
        let hits = case.access.hit_clients.get(client)?;
        let span = sent.span.or(hits.span())?;
        takes_part(*client, aim).then(|| Lead {
            client: *client,
            span: (span.first, span.last),
            lines: sent.lines(),
            targets: sent.targets.clone(),
            kinds: sent.kinds.clone(),
            agents: hits.agents.iter().map(|(agent, _)| agent).collect(),
        })
    };
    let mut leads: Vec<Lead> = aims.iter().filter_map(lead).collect();
    leads.sort_unstable_by_key(|lead| lead.client);
    leads
}

/// Somebody with a browser, who follows links.
fn visits(case: &Case<'_>, client: Client) -> bool {
    let stats = case.access.clients.get(&client);
    stats.is_some_and(|stats| stats.browses())
}

fn attacks_alone(case: &Case<'_>, client: Client, aim: &Aim) -> bool {
    let Some(hits) = case.access.hit_clients.get(&client) else {
        return false;
    };
    let persistent = hits.direct >= PERSISTENT && hits.high >= PERSISTENT_HIGH;
    hits.high >= DOUBTLESS && (persistent || aim.points >= ATTACK || aim.rewarded)
}

/// What a group did together, if that is an attack.
fn attack(case: &Case<'_>, aims: &HashMap<Client, Aim>, clients: Vec<Client>) -> Option<Finding> {
    let of = || {
        clients
            .iter()
            .filter_map(|client| Some((*client, aims.get(client)?)))
    };
    let together = Together::of(case, of());
    let mut networks = clients.iter().map(|client| client.network());
    let first = networks.next()?;
    let least = match networks.all(|network| network == first) {
        true => ATTACK,
        false => CAMPAIGN,
    };
    let enough = together.points >= least
        && together.high >= DOUBTLESS
        && 2 * together.high >= together.lines;
    if !enough && !of().any(|(client, aim)| attacks_alone(case, client, aim)) {
        return None;
    }
    let rewarded = of().any(|(_, aim)| aim.rewarded);
    let aimed = rewarded || together.lines * AIMED_SHARE >= together.hits.lines;
    let (kind, role) = match aimed {
        true => (Kind::Injection, Role::Injector),
        false => (Kind::Scan, Role::Scanner),
    };
    let reason = match clients.as_slice() {
        [one] => format!(
            "{} sent {} with payloads ({})",
            case.name(*one),
            counted(together.hits.direct, "line", "lines"),
            titles(&together.hits)
        ),
        several => format!(
            "{} ({}) at {} of the site came from {} clients that share networks, user agents or targets",
            counted(together.lines, "payload line", "payload lines"),
            titles(&together.hits),
            counted(together.places, "place", "places"),
            count(several.len() as u64),
        ),
    };
    finding(case, kind, role, clients, &together, reason)
}

/// What several clients sent.
struct Together {
    points: u64,
    lines: u64,
    high: u64,
    places: u64,
    /// All their suspicious lines.
    hits: HitStats,
    span: Option<Span>,
}

impl Together {
    fn of<'a>(case: &Case<'_>, clients: impl Iterator<Item = (Client, &'a Aim)>) -> Together {
        let mut all = Together {
            points: 0,
            lines: 0,
            high: 0,
            places: 0,
            hits: HitStats::default(),
            span: None,
        };
        let mut places: Vec<u64> = Vec::new();
        for (client, aim) in clients {
            all.points += aim.points;
            all.lines += aim.aimed.lines();
            all.high += aim.aimed.high;
            places.extend(&aim.aimed.targets);
            if let Some(hits) = case.access.hit_clients.get(&client) {
                all.span.merge(hits.span());
                all.hits.merge(hits.clone());
            }
        }
        places.sort_unstable();
        places.dedup();
        all.places = places.len() as u64;
        all
    }
}

/// Kinds of payloads, gravest first.
fn titles(hits: &HitStats) -> String {
    let kinds = hits.categories().iter();
    let kinds: Vec<&str> = kinds.map(|(category, _)| category.title()).collect();
    kinds.join(", ")
}

fn finding(
    case: &Case<'_>,
    kind: Kind,
    role: Role,
    mut clients: Vec<Client>,
    together: &Together,
    reason: String,
) -> Option<Finding> {
    clients.sort_unstable();
    let span = together.span?;
    Some(Finding {
        kind,
        start: span.first,
        end: span.last,
        role: Some(role),
        confidence: sureness(together.hits.direct, together.hits.high),
        reasons: vec![reason],
        samples: samples(case, clients.iter()),
        clients,
    })
}

/// Certainty from how many lines there are and how many of them leave no doubt: 0.4 at least, 0.7 for many
/// doubtful ones (twenty are two thirds of the way), 0.99 when several are plain (three are).
fn sureness(payloads: u64, high: u64) -> f64 {
    let plenty = 1.0 - (-(payloads as f64) / 20.0).exp();
    let plain = 1.0 - (-(high as f64) / 3.0).exp();
    0.4 + 0.3 * plenty + 0.29 * plain
}

/// One exploit from many clients, one after the other.
fn sprays(case: &Case<'_>, aims: &HashMap<Client, Aim>, mut leads: Vec<Lead>) -> Vec<Finding> {
    // A bot that tries whatever it knows is the background noise; it counts among those who were at it.
    for lead in &mut leads {
        let hits = case.access.hit_clients.get(&lead.client);
        let all = hits.map_or(0, |hits| hits.lines);
        if lead.targets.len() > SINGLE_MINDED || 2 * lead.lines < all {
            lead.targets.clear();
        }
    }
    let spray = |group: Vec<usize>| {
        let clients: Vec<Client> = group.iter().map(|index| leads[*index].client).collect();
        let of = clients
            .iter()
            .filter_map(|client| Some((*client, aims.get(client)?)));
        let together = Together::of(case, of);
        let reason = format!(
            "{} sent the same exploits ({}) one after the other, {}: at least {SPRAY}, and most of those who \
             sent any meanwhile, make a campaign",
            counted(clients.len() as u64, "client", "clients"),
            titles(&together.hits),
            counted(together.hits.direct, "line", "lines"),
        );
        finding(case, Kind::Scan, Role::Scanner, clients, &together, reason)
    };
    let groups = campaign::sprays(&leads, SPRAY);
    groups.into_iter().filter_map(spray).collect()
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

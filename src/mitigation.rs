//! What would have helped, counted on these very logs.

mod limits;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use ipnet::IpNet;
use rayon::iter::ParallelIterator;

use crate::addresses::AddressMap;
use crate::client::Client;
use crate::evidence::capped::CappedMap;
use crate::impact::rounded;
use crate::networks::{Attacker, Network, Networks, Strays};
use crate::origins::Atlas;
use crate::pace::Pace;
use crate::report::view::{Actor, Injection, Mitigation, Origin, Target};
use crate::tally::Tally;
use crate::terms::{Cause, Outcome};
use crate::text::{count, counted, part_of};
use crate::time::Time;

/// Networks named in a measure at most; more belongs in a file.
const MAX_NETWORKS: usize = 50;

/// Networks that hold less than this share of the attack are no advice.
const WORTH_BLOCKING: f64 = 0.05;

/// A single address is worth a line beside networks when it sent this share of the attack.
const WORTH_A_LINE: f64 = 0.01;

/// More addresses than these nobody blocks by hand.
const FEW: usize = 10;

/// Places named that were tried without success, those with the most attempts: what there is to look at in an hour.
const MOST_TRIED: usize = 5;

/// What measures are judged by.
pub struct Attack<'a> {
    /// What the incident is.
    pub cause: Cause,
    /// Everybody who acts in it, also those who do not attack.
    pub actors: &'a [Actor],
    /// Every attacker, with its first request of the attack.
    pub onsets: HashMap<Client, Time>,
    /// What was attacked.
    pub injections: &'a [Injection],
    /// The counts of its time.
    pub window: &'a Tally<'a>,
    /// What clients asked for by the minute, if that matters.
    pub pace: Option<&'a Pace>,
    /// Where clients are.
    pub atlas: &'a Atlas<'a>,
}

/// Measures that these logs speak for.
pub fn mitigations(attack: &Attack<'_>) -> Vec<Mitigation> {
    let attackers: Vec<&Actor> = attack
        .actors
        .iter()
        .filter(|actor| actor.role.is_attack())
        .collect();
    let measures = [
        block_networks(attack, &sample_of(&attackers)),
        block_clients(&attackers),
        limits::rate_limit(attack, sample_of(&attackers)),
        fix_endpoints(attack.injections),
    ];
    measures.into_iter().flatten().collect()
}

/// Clients of whom is said who attacks: all of them, unless there were more attackers than could be kept.
fn sample_of(attackers: &[&Actor]) -> CappedMap<Client, ()> {
    let named = |actor: &&Actor| actor.client_count / actor.clients.len().max(1) as u64;
    let one_in = attackers.iter().map(named).max().unwrap_or(1);
    let mut sample = CappedMap::new(usize::MAX);
    while sample.scaled(1) < one_in && sample.thin() {}
    sample
}

fn measure(kind: &'static str, summary: String, targets: Vec<String>) -> Mitigation {
    Mitigation {
        kind: kind.into(),
        summary,
        targets,
        attack_share: None,
        innocent_share: None,
        details: Vec::new(),
        limits: Vec::new(),
    }
}

/// A part of a whole as the report tells it; `None` of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| rounded(part as f64 / whole as f64))
}

/// The narrowest networks that hold most of the attack, and whom blocking them would have stopped.
fn block_networks(attack: &Attack<'_>, sample: &CappedMap<Client, ()>) -> Option<Mitigation> {
    let (window, onsets) = (attack.window, &attack.onsets);
    let sent = onsets.keys().filter_map(|client| {
        let share = window.share(client)?;
        Some((*client, u64::from(share.requests)))
    });
    let sent: Vec<(Client, u64)> = sent.collect();
    // A single one is in no network with others, and to look at everybody else would be in vain.
    if sent.len() < 2 {
        return None;
    }
    let all: u64 = sent.iter().map(|(_, requests)| requests).sum();
    let mut networks = Networks::new(sent.iter().map(|(client, attack)| Attacker {
        client: *client,
        attack: *attack,
        innocent: 0,
    }));
    let others = window.shares();
    let others = others.filter(|(client, _)| !onsets.contains_key(client) && sample.keeps(client));
    let innocent =
        networks.bystanders(others.map(|(client, share)| (client, u64::from(share.requests))));
    let mut chosen = networks.cover(Strays::LeftOut);
    let worth = |network: &Network| {
        network.addresses > 1 || network.attack as f64 >= WORTH_A_LINE * all as f64
    };
    chosen.retain(worth);
    chosen.truncate(MAX_NETWORKS);
    let wide = chosen.iter().filter(|network| network.addresses > 1);
    let wide: u64 = wide.map(|network| network.attack).sum();
    if all == 0 || (wide as f64) < WORTH_BLOCKING * all as f64 {
        return None;
    }
    let mut measure = blocking(&chosen, onsets, all, innocent);
    for (target, network) in measure.details.iter_mut().zip(&chosen) {
        target.origins = origins(attack.atlas, &network.network, &sent);
    }
    Some(measure)
}

/// Where the attackers within a network are.
fn origins(atlas: &Atlas<'_>, network: &IpNet, sent: &[(Client, u64)]) -> Vec<Origin> {
    let within = sent.iter().filter_map(|(client, requests)| {
        let address = client.ip().filter(|address| network.contains(address))?;
        Some((address, *requests))
    });
    atlas.origins(within)
}

/// Blocking some networks, when so many requests were attacks and so many not.
fn blocking(
    chosen: &[Network],
    onsets: &HashMap<Client, Time>,
    attack: u64,
    innocent: u64,
) -> Mitigation {
    let stopped: u64 = chosen.iter().map(|network| network.attack).sum();
    let caught: u64 = chosen.iter().map(|network| network.innocent).sum();
    let detail = |(network, from): (&Network, Option<Time>)| Target {
        target: network.network.to_string(),
        clients: network.addresses,
        attack_share: share(network.attack, attack),
        innocent_clients: network.bystanders,
        innocent_share: share(network.innocent, innocent),
        from,
        origins: Vec::new(),
    };
    let summary = format!(
        "Blocking {} would have stopped {} of the attack's requests and {} of the others",
        counted(chosen.len() as u64, "network", "networks"),
        part_of(stopped, attack),
        part_of(caught, innocent),
    );
    let names = chosen.iter().map(|network| network.network.to_string());
    Mitigation {
        attack_share: share(stopped, attack),
        innocent_share: share(caught, innocent),
        details: chosen
            .iter()
            .zip(beginnings(chosen, onsets))
            .map(detail)
            .collect(),
        ..measure("block_networks", summary, names.collect())
    }
}

/// When the first of the attackers within each network began.
fn beginnings(chosen: &[Network], onsets: &HashMap<Client, Time>) -> Vec<Option<Time>> {
    let map = AddressMap::new(chosen.iter().map(|network| network.network).zip(0..));
    let mut first: Vec<Option<Time>> = vec![None; chosen.len()];
    for (client, onset) in onsets {
        if let Some(network) = map.get(*client) {
            let first = &mut first[network as usize];
            *first = Some(first.map_or(*onset, |first| first.min(*onset)));
        }
    }
    first
}

/// Few attackers are named one by one.
fn block_clients(attackers: &[&Actor]) -> Option<Mitigation> {
    let mut targets: Vec<String> = attackers
        .iter()
        .flat_map(|actor| actor.clients.iter().cloned())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    let requests: u64 = attackers.iter().map(|actor| actor.requests).sum();
    let summary = format!(
        "Blocking {} would have stopped {} of the attack",
        counted(targets.len() as u64, "client", "clients"),
        match requests {
            1 => "the one request".to_string(),
            _ => format!("all {} requests", count(requests)),
        }
    );
    (1..=FEW).contains(&targets.len()).then(|| Mitigation {
        attack_share: Some(1.0),
        innocent_share: Some(0.0),
        ..measure("block_clients", summary, targets)
    })
}

/// The parameters where an injection showed signs of success; where none did, those that were tried most.
fn fix_endpoints(injections: &[Injection]) -> Option<Mitigation> {
    let worked =
        |injection: &&Injection| matches!(injection.outcome, Outcome::Suspected | Outcome::Likely);
    let weak = places(injections.iter().filter(worked));
    if weak.is_empty() {
        return most_tried(injections);
    }
    let attempts: u64 = weak.iter().map(|(_, attempts)| attempts).sum();
    let summary = match weak.len() {
        1 => format!(
            "1 place answered with signs of success to some of {} there: fix it first",
            counted(attempts, "injection attempt", "injection attempts")
        ),
        many => format!(
            "{} places answered with signs of success to some of {} there: fix these first",
            count(many as u64),
            counted(attempts, "injection attempt", "injection attempts")
        ),
    };
    let targets = weak.into_iter().map(|(place, _)| place).collect();
    Some(measure("fix_endpoint", summary, targets))
}

fn most_tried(injections: &[Injection]) -> Option<Mitigation> {
    let mut tried = places(injections.iter());
    let all: u64 = tried.iter().map(|(_, attempts)| attempts).sum();
    // A stable sort: places with as many attempts stay in the order of their names.
    tried.sort_by_key(|(_, attempts)| Reverse(*attempts));
    let places = tried.len();
    tried.truncate(MOST_TRIED);
    let most: u64 = tried.iter().map(|(_, attempts)| attempts).sum();
    let of = match places > MOST_TRIED {
        true => format!("{} of {}", count(most), count(all)),
        false => format!("all {}", count(all)),
    };
    let summary = match (places, all) {
        (0, _) => return None,
        (_, 1) => "The one injection attempt went here; nothing shows that it worked".to_string(),
        _ => format!(
            "Tried most, with {of} injection attempts; nothing shows that any of them worked"
        ),
    };
    let targets = tried.into_iter().map(|(place, _)| place).collect();
    Some(measure("check_endpoint", summary, targets))
}

/// Attacked places by name, each with its attempts.
fn places<'a>(injections: impl Iterator<Item = &'a Injection>) -> Vec<(String, u64)> {
    let mut places: BTreeMap<String, u64> = BTreeMap::new();
    for injection in injections {
        let place = match &injection.parameter {
            Some(parameter) => format!("{}?{parameter}", injection.endpoint),
            None => injection.endpoint.clone(),
        };
        *places.entry(place).or_default() += injection.attempts;
    }
    places.into_iter().collect()
}

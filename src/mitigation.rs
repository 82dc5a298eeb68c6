//! What would have helped, counted on these very logs.

use hashbrown::HashSet;
use rayon::iter::ParallelIterator;

use crate::client::Client;
use crate::impact::rounded;
use crate::networks::{Attacker, Network, Networks, Strays};
use crate::origins::Atlas;
use crate::report::view::{Actor, Injection, Mitigation, Target};
use crate::tally::Tally;
use crate::terms::Outcome;
use crate::text::counted;

/// Networks named in a measure at most; more belongs in a file.
const MAX_NETWORKS: usize = 50;

/// Networks that hold less than this share of the attack are no advice.
const WORTH_BLOCKING: f64 = 0.05;

/// A single address is worth a line beside networks when it sent this share of the attack.
const WORTH_A_LINE: f64 = 0.01;

/// More addresses than these nobody blocks by hand.
const FEW: usize = 10;

/// Measures that these logs speak for; `window` counts the incident's time.
pub fn mitigations(
    actors: &[Actor],
    injections: &[Injection],
    window: &Tally<'_>,
    atlas: &Atlas<'_>,
) -> Vec<Mitigation> {
    let attackers: Vec<&Actor> = actors
        .iter()
        .filter(|actor| actor.role.is_attack())
        .collect();
    let mut measures: Vec<Mitigation> = block_networks(&attackers, window, atlas)
        .into_iter()
        .collect();
    measures.extend(block_clients(&attackers));
    measures.extend(fix_endpoints(injections));
    measures
}

/// The narrowest networks that hold most of the attack, and whom blocking them would have stopped.
fn block_networks(
    attackers: &[&Actor],
    window: &Tally<'_>,
    atlas: &Atlas<'_>,
) -> Option<Mitigation> {
    let hostile: HashSet<Client> = attackers
        .iter()
        .flat_map(|actor| &actor.clients)
        .filter_map(|name| name.parse().ok().map(Client::from_ip))
        .collect();
    let sent = hostile.iter().filter_map(|client| {
        let share = window.share(client)?;
        Some((*client, u64::from(share.requests)))
    });
    let sent: Vec<(Client, u64)> = sent.collect();
    // A single one is in no network with others, and to look at everybody else would be in vain.
    if sent.len() < 2 {
        return None;
    }
    let attack: u64 = sent.iter().map(|(_, requests)| requests).sum();
    let mut networks = Networks::new(sent.iter().map(|(client, attack)| Attacker {
        client: *client,
        attack: *attack,
        innocent: 0,
    }));
    let others = window.shares();
    let others = others.filter(|(client, _)| !hostile.contains(client));
    let innocent =
        networks.bystanders(others.map(|(client, share)| (client, u64::from(share.requests))));
    let mut chosen = networks.cover(Strays::LeftOut);
    let worth = |network: &Network| {
        network.addresses > 1 || network.attack as f64 >= WORTH_A_LINE * attack as f64
    };
    chosen.retain(worth);
    chosen.truncate(MAX_NETWORKS);
    let wide = chosen.iter().filter(|network| network.addresses > 1);
    let wide: u64 = wide.map(|network| network.attack).sum();
    if attack == 0 || (wide as f64) < WORTH_BLOCKING * attack as f64 {
        return None;
    }
    let mut measure = blocking(&chosen, attack, innocent);
    for (target, network) in measure.details.iter_mut().zip(&chosen) {
        let within = sent.iter().filter_map(|(client, attack)| {
            let address = client
                .ip()
                .filter(|address| network.network.contains(address));
            Some((address?, *attack))
        });
        target.origins = atlas.origins(within);
    }
    Some(measure)
}

/// Blocking some networks, when so many requests were attacks and so many not.
fn blocking(chosen: &[Network], attack: u64, innocent: u64) -> Mitigation {
    let share = |part: u64, whole: u64| (whole > 0).then(|| rounded(part as f64 / whole as f64));
    let stopped: u64 = chosen.iter().map(|network| network.attack).sum();
    let caught: u64 = chosen.iter().map(|network| network.innocent).sum();
    let detail = |network: &Network| Target {
        target: network.network.to_string(),
        clients: network.addresses,
        attack_share: share(network.attack, attack),
        innocent_clients: network.bystanders,
        innocent_share: share(network.innocent, innocent),
        from: None,
        origins: Vec::new(),
    };
    Mitigation {
        kind: "block_networks".into(),
        summary: format!(
            "blocking {} would have stopped {:.0}% of the attack's requests and {:.1}% of the others",
            counted(chosen.len() as u64, "network", "networks"),
            stopped as f64 / attack.max(1) as f64 * 100.0,
            caught as f64 / innocent.max(1) as f64 * 100.0
        ),
        targets: chosen
            .iter()
            .map(|network| network.network.to_string())
            .collect(),
        attack_share: share(stopped, attack),
        innocent_share: share(caught, innocent),
        details: chosen.iter().map(detail).collect(),
        limits: Vec::new(),
    }
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
    (1..=FEW).contains(&targets.len()).then(|| Mitigation {
        kind: "block_clients".into(),
        summary: format!(
            "blocking {} would have stopped all {} of the attack",
            counted(targets.len() as u64, "client", "clients"),
            counted(requests, "request", "requests")
        ),
        targets,
        attack_share: Some(1.0),
        innocent_share: Some(0.0),
        details: Vec::new(),
        limits: Vec::new(),
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
        kind: "fix_endpoint".into(),
        summary: format!(
            "{} answered {} with signs of success: fix this first",
            counted(targets.len() as u64, "place", "places"),
            counted(attempts, "injection attempt", "injection attempts")
        ),
        targets,
        attack_share: None,
        innocent_share: None,
        details: Vec::new(),
        limits: Vec::new(),
    })
}

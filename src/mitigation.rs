//! What would have helped, counted on these very logs.

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
use crate::pace::{LIMITS, Pace};
use crate::report::view::{Actor, Injection, Mitigation, Origin, RateLimit, Target};
use crate::tally::{Share, Tally};
use crate::terms::{Cause, Outcome};
use crate::text::{self, count, counted};
use crate::time::Time;

/// Networks named in a measure at most; more belongs in a file.
const MAX_NETWORKS: usize = 50;

/// Networks that hold less than this share of the attack are no advice.
const WORTH_BLOCKING: f64 = 0.05;

/// A single address is worth a line beside networks when it sent this share of the attack.
const WORTH_A_LINE: f64 = 0.01;

/// More addresses than these nobody blocks by hand.
const FEW: usize = 10;

/// A limit that lets more than half of an attack pass leaves a server that was overloaded many times over as overloaded.
const WORTH_LIMITING: f64 = 0.5;

/// An innocent client that is refused counts as much as so many of the attack's: one visitor in a hundred may be refused
/// if that keeps off another tenth of the attack, and not for less.
const REFUSED: f64 = 10.0;

/// With fewer innocent clients than these nobody has shown what visitors ask for, and only a limit that a browser can live
/// with is advised.
const WITNESSES: u64 = 20;

/// Requests a minute from which on a browser can: a page a minute with all that belongs to it.
const A_PAGE: u64 = 60;

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
        rate_limit(attack, sample_of(&attackers)),
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

/// The same in words.
fn percent(part: u64, whole: u64) -> String {
    text::share(part as f64 / whole.max(1) as f64)
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
        percent(stopped, attack),
        percent(caught, innocent),
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

/// Requests, and clients, of one side.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    requests: u64,
    clients: u64,
}

impl Side {
    fn add(&mut self, requests: u64) {
        self.requests += requests;
        self.clients += u64::from(requests > 0);
    }

    fn and(self, other: Side) -> Side {
        Side {
            requests: self.requests + other.requests,
            clients: self.clients + other.clients,
        }
    }
}

/// What comes from attackers, and from the others.
#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    attack: Side,
    innocent: Side,
}

impl Sides {
    fn side(&mut self, attacks: bool) -> &mut Side {
        match attacks {
            true => &mut self.attack,
            false => &mut self.innocent,
        }
    }

    fn and(self, other: Sides) -> Sides {
        Sides {
            attack: self.attack.and(other.attack),
            innocent: self.innocent.and(other.innocent),
        }
    }
}

/// What one limit would have refused.
struct Trial {
    limit: u64,
    refused: Sides,
}

impl Trial {
    /// The share of the attack that is kept off, less what the innocent clients that are refused weigh.
    fn gain(&self, all: &Sides) -> f64 {
        let ratio = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        let kept_off = ratio(self.refused.attack.requests, all.attack.requests);
        let touched = ratio(self.refused.innocent.clients, all.innocent.clients);
        kept_off - REFUSED * touched
    }

    fn is_worth_it(&self, all: &Sides) -> bool {
        let refused = self.refused.attack.requests as f64;
        refused >= WORTH_LIMITING * all.attack.requests as f64 && self.gain(all) > 0.0
    }

    fn as_advice(&self, all: &Sides, sample: &CappedMap<Client, ()>) -> String {
        let limit = a_minute(self.limit);
        format!(
            "A limit of {limit} for each client {}",
            self.told(all, sample)
        )
    }

    /// What is said of the strictest where none is worth it.
    fn as_refusal(&self, all: &Sides, sample: &CappedMap<Client, ()>) -> String {
        let limit = a_minute(self.limit);
        match self.refused.attack.requests {
            0 => format!(
                "No limit to the requests of each client would have helped: no attacker sent more than {limit}"
            ),
            _ => format!(
                "No limit to the requests of each client is worth it: even {limit} {}",
                self.told(all, sample)
            ),
        }
    }

    /// The end of a sentence about it.
    fn told(&self, all: &Sides, sample: &CappedMap<Client, ()>) -> String {
        let refused = &self.refused;
        let attack = percent(refused.attack.requests, all.attack.requests);
        if all.innocent.clients == 0 {
            return format!(
                "would have refused {attack} of the attack's requests; nobody else was there"
            );
        }
        format!(
            "would have refused {attack} of the attack's requests and {} of the others, and {} of {} at least once",
            percent(refused.innocent.requests, all.innocent.requests),
            count(sample.scaled(refused.innocent.clients)),
            counted(
                sample.scaled(all.innocent.clients),
                "innocent client",
                "innocent clients"
            ),
        )
    }

    fn row(&self, all: &Sides, sample: &CappedMap<Client, ()>, best: Option<&Trial>) -> RateLimit {
        let refused = &self.refused;
        RateLimit {
            per_minute: self.limit,
            attack_share: share(refused.attack.requests, all.attack.requests),
            innocent_share: share(refused.innocent.requests, all.innocent.requests),
            innocent_clients: sample.scaled(refused.innocent.clients),
            advised: best.is_some_and(|best| best.limit == self.limit),
        }
    }
}

/// The limit for each client that keeps off most of the attack for the fewest innocent clients refused. Where none is worth
/// it, a flood gets to know that.
fn rate_limit(attack: &Attack<'_>, mut sample: CappedMap<Client, ()>) -> Option<Mitigation> {
    let pace = attack.pace?;
    sample.sample_like(pace.sample());
    let attacks = |client: &Client| attack.onsets.contains_key(client);
    let all = everybody(attack, &sample);
    if all.attack.requests == 0 {
        return None;
    }
    let trial = |limit: u64| {
        let mut refused = Sides::default();
        for (client, minutes) in pace.clients().filter(|(client, _)| sample.keeps(client)) {
            refused.side(attacks(client)).add(minutes.beyond(limit));
        }
        Trial { limit, refused }
    };
    let trials = LIMITS.map(trial);
    let witnesses = sample.scaled(all.innocent.clients);
    let shown = || shown(&trials, witnesses);
    let best = best(shown(), &all);
    let summary = match (best, shown().next()) {
        (Some(best), _) => best.as_advice(&all, &sample),
        (None, Some(strictest)) if is_flood(attack.cause) => strictest.as_refusal(&all, &sample),
        _ => return None,
    };
    let row = |trial: &Trial| trial.row(&all, &sample, best);
    let limit = best.map(|best| a_minute(best.limit));
    Some(Mitigation {
        attack_share: best.map(row).and_then(|row| row.attack_share),
        innocent_share: best.map(row).and_then(|row| row.innocent_share),
        limits: trials.iter().map(row).collect(),
        ..measure("rate_limit", summary, limit.into_iter().collect())
    })
}

/// The limits of which so many innocent clients show whom they would hit.
fn shown(trials: &[Trial], innocent: u64) -> impl Iterator<Item = &Trial> {
    let is_shown = move |trial: &&Trial| innocent >= WITNESSES || trial.limit >= A_PAGE;
    trials.iter().filter(is_shown)
}

/// The one that gains most, if any is worth it; of equal ones the most generous, which is the last.
fn best<'t>(trials: impl Iterator<Item = &'t Trial>, all: &Sides) -> Option<&'t Trial> {
    let worth = trials.filter(|trial| trial.is_worth_it(all));
    worth.max_by(|a, b| a.gain(all).total_cmp(&b.gain(all)))
}

/// Whether volume is what an incident consists of, so that people will ask about limits.
fn is_flood(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Ddos | Cause::Dos | Cause::InjectionAndSurge | Cause::BruteForce
    )
}

/// Everybody of a sample who was there.
fn everybody(attack: &Attack<'_>, sample: &CappedMap<Client, ()>) -> Sides {
    let shares = attack.window.shares();
    let shares = shares.filter(|(client, _)| sample.keeps(client));
    let add = |mut sides: Sides, (client, share): (Client, Share)| {
        let side = sides.side(attack.onsets.contains_key(&client));
        side.add(u64::from(share.requests));
        sides
    };
    shares
        .fold(Sides::default, add)
        .reduce(Sides::default, Sides::and)
}

fn a_minute(limit: u64) -> String {
    format!("{} requests a minute", count(limit))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn side(requests: u64, clients: u64) -> Side {
        Side { requests, clients }
    }

    fn all(innocent: u64) -> Sides {
        Sides {
            attack: side(1_000, 10),
            innocent: side(innocent * 10, innocent),
        }
    }

    /// The limit that is advised of some, given as what each refuses: of the attack, and innocent clients.
    fn advised(innocent: u64, refused: [(u64, u64, u64); 3]) -> Option<u64> {
        let trials = refused.map(|(limit, attack, clients)| Trial {
            limit,
            refused: Sides {
                attack: side(attack, 10),
                innocent: side(clients, clients),
            },
        });
        best(shown(&trials, innocent), &all(innocent)).map(|trial| trial.limit)
    }

    #[test]
    fn a_limit_is_worth_as_much_of_the_attack_as_it_spares_visitors() {
        // One visitor in a hundred for another tenth of the attack, and not for less.
        assert_eq!(
            advised(1_000, [(10, 950, 10), (30, 840, 0), (60, 500, 0)]),
            Some(10)
        );
        assert_eq!(
            advised(1_000, [(10, 930, 10), (30, 840, 0), (60, 500, 0)]),
            Some(30)
        );
        // Of those that refuse the same the most generous.
        assert_eq!(
            advised(1_000, [(10, 900, 0), (30, 900, 0), (60, 900, 0)]),
            Some(60)
        );
    }

    #[test]
    fn a_limit_that_lets_half_of_the_attack_pass_is_not_worth_it() {
        assert_eq!(
            advised(1_000, [(10, 499, 0), (30, 400, 0), (60, 0, 0)]),
            None
        );
        assert_eq!(
            advised(1_000, [(10, 990, 99), (30, 400, 0), (60, 0, 0)]),
            None
        );
        assert_eq!(
            advised(1_000, [(10, 990, 98), (30, 400, 0), (60, 0, 0)]),
            Some(10)
        );
    }

    #[test]
    fn where_hardly_anybody_else_was_there_only_generous_limits_are_advised() {
        assert_eq!(
            advised(WITNESSES - 1, [(10, 990, 0), (30, 980, 0), (60, 700, 0)]),
            Some(60)
        );
        assert_eq!(
            advised(WITNESSES, [(10, 990, 0), (30, 980, 0), (60, 700, 0)]),
            Some(10)
        );
        assert_eq!(advised(0, [(10, 990, 0), (30, 980, 0), (60, 400, 0)]), None);
    }
}

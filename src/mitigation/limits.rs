//! Which limit for each client would have kept off most of the attack for the fewest visitors refused.

use rayon::iter::ParallelIterator;

use super::{Attack, measure, share};
use crate::client::Client;
use crate::evidence::capped::CappedMap;
use crate::pace::LIMITS;
use crate::report::view::{Mitigation, RateLimit};
use crate::tally::Share;
use crate::terms::Cause;
use crate::text::{count, counted, part_of};

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
        let attack = part_of(refused.attack.requests, all.attack.requests);
        if all.innocent.clients == 0 {
            return format!(
                "would have refused {attack} of the attack's requests; nobody else was there"
            );
        }
        format!(
            "would have refused {attack} of the attack's requests and {} of the others, and {} of {} at least once",
            part_of(refused.innocent.requests, all.innocent.requests),
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
pub(super) fn rate_limit(
    attack: &Attack<'_>,
    mut sample: CappedMap<Client, ()>,
) -> Option<Mitigation> {
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

//! Do the clients of a log stand behind proxies that the log takes for the clients?
//!
//! Told from a sample: most requests come from addresses that pass on requests of others, as a forwarded field shows. A
//! client can send that field as well, with an address of its own for every request; so where connections come
//! from public addresses, hardly anybody else may ask directly.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::addresses::private;
use crate::client::Client;

/// Requests in a sample from which it tells anything.
const ENOUGH: usize = 10;

/// Who passes on requests of this many others is no client.
const BEHIND: usize = 2;

/// Share of the requests that must come through private addresses: nobody on the internet can pretend to be there.
const THROUGH_PRIVATE: f64 = 0.5;

/// The same where it is known that proxies stand in front, some of which may have been forgotten.
const THROUGH_FORGOTTEN: f64 = 0.02;

/// The same for public ones.
const THROUGH_PUBLIC: f64 = 0.9;

/// Direct visitors for each public proxy, and in all, that a site may have that stands behind them: health checks, and
/// who found the server's own address.
const DIRECT_EACH: usize = 2;

/// Addresses that look like proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relays {
    /// They, those with the most requests first.
    pub addresses: Vec<Client>,
    /// How many others they name in the sample.
    pub behind: usize,
}

/// A sampled request: who connected, and the client that its forwarded field names, if another.
pub type Sighting = (Client, Option<Client>);

impl Relays {
    /// What a sample of requests shows; `None` if clients come by themselves. `known` if it is known that there are
    /// proxies.
    pub fn of(sample: &[Sighting], known: bool) -> Option<Relays> {
        let private = private();
        let mut named: BTreeMap<Client, (usize, BTreeSet<Client>)> = BTreeMap::new();
        let mut direct = BTreeSet::new();
        for (connection, behind) in sample {
            match behind {
                Some(client) => {
                    let (requests, clients) = named.entry(*connection).or_default();
                    *requests += 1;
                    clients.insert(*client);
                }
                None => {
                    direct.insert(*connection);
                }
            }
        }
        let relays = |within: bool| {
            let mut found: Vec<_> = named
                .iter()
                .filter(|(address, (_, clients))| {
                    clients.len() >= BEHIND && (!within || private.contains(**address))
                })
                .collect();
            found.sort_by_key(|(address, (requests, _))| (std::cmp::Reverse(*requests), **address));
            found
        };
        let share = |found: &[(&Client, &(usize, BTreeSet<Client>))]| {
            let requests: usize = found.iter().map(|(_, (requests, _))| requests).sum();
            requests as f64 / sample.len() as f64
        };
        let (all, inner) = (relays(false), relays(true));
        let through = match known {
            true => THROUGH_FORGOTTEN,
            false => THROUGH_PRIVATE,
        };
        let public = share(&all) >= THROUGH_PUBLIC && direct.len() <= DIRECT_EACH * (all.len() + 1);
        let found = match () {
            () if sample.len() < ENOUGH => return None,
            () if share(&inner) >= through => inner,
            () if public => all,
            () => return None,
        };
        let behind: BTreeSet<Client> = found
            .iter()
            .flat_map(|(_, (_, clients))| clients)
            .copied()
            .collect();
        Some(Relays {
            addresses: found.into_iter().map(|(address, _)| *address).collect(),
            behind: behind.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(network: &str, host: usize) -> Client {
        Client::parse(format!("{network}.{host}").as_bytes())
    }

    fn shown(sample: &[Sighting]) -> Option<Relays> {
        Relays::of(sample, false)
    }

    fn sample(write: impl Fn(usize) -> Sighting) -> Vec<Sighting> {
        (0..200).map(write).collect()
    }

    #[test]
    fn private_proxies_are_recognised() {
        let found = shown(&sample(|n| {
            (client("10.0.0", n % 2), Some(client("203.0.113", n % 100)))
        }));
        let found = found.unwrap();
        assert_eq!(found.addresses, [client("10.0.0", 0), client("10.0.0", 1)]);
        assert_eq!(found.behind, 100);
    }

    #[test]
    fn public_proxies_are_recognised_where_nobody_comes_directly() {
        let through = |n: usize| (client("198.51.100", n % 3), Some(client("203.0.113", n)));
        assert!(shown(&sample(through)).is_some());
        let health_checks = sample(|n| match n % 20 {
            0 => (client("192.0.2", 1), None),
            _ => through(n),
        });
        assert!(shown(&health_checks).is_some());
    }

    #[test]
    fn a_flood_that_claims_to_be_others_is_no_proxy() {
        let flood = sample(|n| match n % 20 {
            0 => (client("192.0.2", n), None),
            _ => (client("198.51.100", 7), Some(client("203.0.113", n))),
        });
        assert_eq!(shown(&flood), None);
    }

    #[test]
    fn clients_that_come_by_themselves_are_none() {
        assert_eq!(shown(&sample(|n| (client("192.0.2", n), None))), None);
        // an office whose gateway tells its own network
        let office = sample(|n| match n % 3 {
            0 => (client("198.51.100", 1), Some(client("10.0.0", n))),
            _ => (client("192.0.2", n), None),
        });
        assert_eq!(shown(&office), None);
        assert_eq!(shown(&[]), None);
        let one = sample(|_| (client("10.0.0", 1), Some(client("203.0.113", 1))));
        assert_eq!(shown(&one), None);
    }

    #[test]
    fn a_proxy_that_was_forgotten_is_told() {
        let forgotten = sample(|n| match n % 20 {
            0 => (client("10.0.0", 8), Some(client("203.0.113", n))),
            _ => (client("192.0.2", n), None),
        });
        assert_eq!(shown(&forgotten), None);
        let told = Relays::of(&forgotten, true).unwrap();
        assert_eq!(told.addresses, [client("10.0.0", 8)]);
    }
}

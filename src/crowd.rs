//! What all clients and paths of a log are together, worked out once: each burst is compared with what of it lies outside of
//! the burst, which follows from the whole and the few that take part.

use hashbrown::HashMap;

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::event::is_asset;
use crate::evidence::capped::hash_bytes;
use crate::evidence::clients::ClientStats;

/// Bins of requests per client: powers of two.
pub const VOLUME_BINS: usize = 24;

/// Clients of one network (a /24 or a /48) that make company of each other.
const COMPANY: u64 = 3;

/// See the file's header.
pub struct Crowd {
    /// Clients by [`volume_bin`].
    pub volumes: [u64; VOLUME_BINS],
    /// Requests by the [`shape`] of their path.
    pub shapes: HashMap<u64, f64>,
    /// Requests for images, styles, scripts and fonts.
    pub assets: u64,
    /// Clients with a single request.
    once: u64,
    networks: Members,
}

/// Clients of each network, by [`Client::network_key`].
#[derive(Default)]
struct Members {
    clients: HashMap<u128, u64>,
    all: u64,
    /// Those with company.
    together: u64,
}

impl Members {
    fn of(clients: impl Iterator<Item = Client>) -> Members {
        let mut members = Members::default();
        for network in clients.filter_map(Client::network_key) {
            *members.clients.entry(network).or_default() += 1;
            members.all += 1;
        }
        members.together = members.clients.values().copied().map(together).sum();
        members
    }

    /// Share of the clients that have company.
    fn share(&self) -> f64 {
        self.together as f64 / self.all.max(1) as f64
    }

    /// The same without some of them.
    fn share_without(&self, gone: &Members) -> f64 {
        let lost = gone.clients.iter().map(|(network, gone)| {
            let before = self.clients.get(network).copied().unwrap_or(0);
            together(before) - together(before.saturating_sub(*gone))
        });
        let left = self.together - lost.sum::<u64>();
        left as f64 / self.all.saturating_sub(gone.all).max(1) as f64
    }
}

/// How many of a network's clients have company: all or none.
fn together(members: u64) -> u64 {
    if members >= COMPANY { members } else { 0 }
}

/// Share of some clients that have company in their network.
pub fn company(clients: impl Iterator<Item = Client>) -> f64 {
    Members::of(clients).share()
}

/// Who a log's clients are beside some.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ordinary {
    /// Share that has company in its network.
    pub company: f64,
    /// Share with a single request.
    pub once: f64,
}

impl Crowd {
    /// Of all that was counted.
    pub fn of(access: &AccessCounts) -> Crowd {
        let clients = || access.clients.iter();
        let ((volumes, once), (networks, (shapes, assets))) = rayon::join(
            || volumes(clients().map(|(_, stats)| stats.requests())),
            || {
                rayon::join(
                    || Members::of(clients().map(|(client, _)| *client)),
                    || paths(access),
                )
            },
        );
        Crowd {
            volumes,
            shapes,
            assets,
            once,
            networks,
        }
    }

    /// Who is left without `some` clients, each named once.
    pub fn without(&self, access: &AccessCounts, some: &[Client]) -> Ordinary {
        let known = || {
            let some = some.iter();
            some.filter_map(|client| Some((*client, access.clients.get(client)?)))
        };
        let is_once = |(_, stats): &(Client, &ClientStats)| stats.requests() == 1;
        let left = (access.clients.len() - known().count()).max(1);
        let once = self.once - known().filter(is_once).count() as u64;
        let gone = Members::of(known().map(|(client, _)| client));
        Ordinary {
            company: self.networks.share_without(&gone),
            once: once as f64 / left as f64,
        }
    }
}

/// Clients by their requests, and those with one.
fn volumes(requests: impl Iterator<Item = u64>) -> ([u64; VOLUME_BINS], u64) {
    let (mut volumes, mut once) = ([0; VOLUME_BINS], 0);
    for requests in requests.filter(|requests| *requests > 0) {
        volumes[volume_bin(requests)] += 1;
        once += u64::from(requests == 1);
    }
    (volumes, once)
}

/// Requests by the shape of their path, and those for assets.
fn paths(access: &AccessCounts) -> (HashMap<u64, f64>, u64) {
    let (mut shapes, mut assets) = (HashMap::new(), 0);
    for (_, path) in access.paths.iter() {
        let requests = u64::from(path.stats.requests);
        *shapes.entry(shape(&path.text)).or_default() += requests as f64;
        assets += if is_asset(&path.text) { requests } else { 0 };
    }
    (shapes, assets)
}

/// The bin of a client with so many requests.
pub fn volume_bin(requests: u64) -> usize {
    (requests.max(1).ilog2() as usize).min(VOLUME_BINS - 1)
}

/// Paths differ in numbers and ids only, so they are weighed by shape: digits count as one digit.
pub fn shape(path: &[u8]) -> u64 {
    let mut shape = Vec::with_capacity(path.len());
    for byte in path {
        let byte = if byte.is_ascii_digit() { b'0' } else { *byte };
        if byte != b'0' || shape.last() != Some(&b'0') {
            shape.push(byte);
        }
    }
    hash_bytes(&shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(number: u8) -> Client {
        Client::parse(format!("192.0.{}.{}", number % 5, number / 5).as_bytes())
    }

    /// Counts of so many requests of each client.
    fn counted(requests: &[u8]) -> AccessCounts {
        let mut access = AccessCounts::new(60, Default::default());
        for (number, requests) in (0..).zip(requests) {
            for _ in 0..*requests {
                let stats = access.clients.entry(client(number), ClientStats::default);
                stats.unwrap().note(1_779_192_000, 2, false);
            }
        }
        access
    }

    proptest! {
        /// What is left of the whole is what the others are.
        #[test]
        fn what_is_left_is_what_the_others_are(
            requests in prop::collection::vec(0u8..4, 0..40),
            some in prop::collection::hash_set(0u8..50, 0..30),
        ) {
            let access = counted(&requests);
            let crowd = Crowd::of(&access);
            let named: Vec<Client> = some.iter().copied().map(client).collect();
            let others = || access.clients.iter().filter(|(client, _)| !named.contains(client));
            let once = others().filter(|(_, stats)| stats.requests() == 1).count();
            let expected = Ordinary {
                company: company(others().map(|(client, _)| *client)),
                once: once as f64 / others().count().max(1) as f64,
            };
            prop_assert_eq!(crowd.without(&access, &named), expected);
            prop_assert_eq!(crowd.volumes.iter().sum::<u64>(), access.clients.len() as u64);
        }
    }

    #[test]
    fn paths_that_differ_in_digits_have_one_shape() {
        assert_eq!(shape(b"/p/12/a"), shape(b"/p/7/a"));
        assert_ne!(shape(b"/p/12/a"), shape(b"/p/12/b"));
    }
}

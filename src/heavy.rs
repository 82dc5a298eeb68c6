//! The heaviest clients, networks and paths of a log, in one look over all that were counted.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::{HashMap, HashSet};
use rayon::iter::ParallelIterator;

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::event::is_asset;
use crate::evidence::capped::mix64;
use crate::evidence::clients::ClientStats;

/// What has fewer requests in all is not watched: a visitor who looks around for a while has as many.
const LEAST_REQUESTS: u64 = 200;

/// Seconds that a client is taken to stay beyond its last request.
const LINGER_S: u64 = 60;

/// How many of each are wanted at most.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Clients.
    pub clients: usize,
    /// Networks.
    pub networks: usize,
    /// Paths.
    pub paths: usize,
}

/// The heaviest of a log.
pub struct Heaviest {
    /// One half by requests, the other by requests for the time that they stayed, so that in a long log a short visit with
    /// much to ask is not lost among those who are there every day.
    pub clients: Vec<Client>,
    /// The networks with the most requests, of those with several clients: see [`Client::network_key`].
    pub networks: Vec<u128>,
    /// The hashes of the paths with the most requests, images, styles and scripts aside.
    pub paths: Vec<u64>,
    /// How fast the ordinary client asks while it is there, in requests a second.
    pub visitor_rps: f64,
}

impl Heaviest {
    /// Looks for them.
    pub fn of(access: &AccessCounts, most: Most) -> Heaviest {
        let sums = Sums::new(access.clients.len());
        let none = || Seen::new(most.clients);
        let seen = access
            .clients
            .par_iter()
            .fold(none, |mut seen, (client, stats)| {
                seen.note(*client, stats);
                if let Some(network) = client.network_key() {
                    sums.add(network, stats.requests());
                }
                seen
            });
        let seen = seen.reduce(none, Seen::and);
        Heaviest {
            visitor_rps: seen.requests as f64 / seen.seconds.max(1) as f64,
            clients: seen.heaviest(most.clients),
            networks: networks(access, &sums, most.networks),
            paths: paths(access, most.paths),
        }
    }
}

/// Seconds that a client was there.
fn stay(client: &ClientStats) -> u64 {
    let seconds = client.last().secs() - client.first().secs();
    u64::try_from(seconds).unwrap_or(0) + LINGER_S
}

/// Clients that may be among the heaviest, and what all did together.
struct Seen {
    busy: Top<(Reverse<u64>, Client)>,
    dense: Top<(Reverse<u64>, Client)>,
    requests: u64,
    seconds: u64,
}

impl Seen {
    fn new(most: usize) -> Seen {
        Seen {
            busy: Top::new(most / 2),
            dense: Top::new(most),
            requests: 0,
            seconds: 0,
        }
    }

    fn note(&mut self, client: Client, stats: &ClientStats) {
        let (requests, seconds) = (stats.requests(), stay(stats));
        self.requests += requests;
        self.seconds += seconds;
        if requests >= LEAST_REQUESTS {
            let density = requests * LINGER_S * LINGER_S / (seconds + LINGER_S * LINGER_S);
            self.busy.push((Reverse(requests), client));
            self.dense.push((Reverse(density), client));
        }
    }

    fn and(self, other: Seen) -> Seen {
        Seen {
            busy: self.busy.and(other.busy),
            dense: self.dense.and(other.dense),
            requests: self.requests + other.requests,
            seconds: self.seconds + other.seconds,
        }
    }

    fn heaviest(self, most: usize) -> Vec<Client> {
        let busy = self.busy.first().into_iter();
        let mut chosen: Vec<Client> = busy.map(|(_, client)| client).collect();
        // Those of the dense that are busy as well are half of them at most.
        let taken: HashSet<Client> = chosen.iter().copied().collect();
        let dense = self.dense.first().into_iter().map(|(_, client)| client);
        let others = dense.filter(|client| !taken.contains(client));
        chosen.extend(others.take(most - most / 2));
        chosen
    }
}

/// The first so many of all values, in their order, without keeping all.
struct Top<T> {
    most: usize,
    values: Vec<T>,
}

impl<T: Ord> Top<T> {
    fn new(most: usize) -> Top<T> {
        Top {
            most,
            values: Vec::new(),
        }
    }

    fn push(&mut self, value: T) {
        /// So many times the values wanted are gathered before they are sorted.
        const GATHERED: usize = 8;
        self.values.push(value);
        if self.values.len() > GATHERED * (self.most + 1) {
            self.cut();
        }
    }

    fn and(mut self, other: Top<T>) -> Top<T> {
        self.values.extend(other.values);
        self.cut();
        self
    }

    fn cut(&mut self) {
        self.values.sort_unstable();
        self.values.truncate(self.most);
    }

    fn first(mut self) -> Vec<T> {
        self.cut();
        self.values
    }
}

/// Requests of networks, summed by hash first, so that the networks of millions of clients need no entry each.
struct Sums(Vec<AtomicU32>);

impl Sums {
    /// For so many clients: a sum for a few of them, 4 MB at most.
    fn new(clients: usize) -> Sums {
        const CLIENTS_PER_SUM: usize = 4;
        const SUMS: std::ops::RangeInclusive<usize> = 1 << 10..=1 << 20;
        let sums = (clients / CLIENTS_PER_SUM).next_power_of_two();
        let sums = sums.clamp(*SUMS.start(), *SUMS.end());
        Sums((0..sums).map(|_| AtomicU32::new(0)).collect())
    }

    fn of(&self, network: u128) -> &AtomicU32 {
        &self.0[network_hash(network) as usize & (self.0.len() - 1)]
    }

    /// Enough of each client's requests to see whether they are enough: so few that sums have room for millions of clients.
    fn add(&self, network: u128, requests: u64) {
        let enough = requests.min(LEAST_REQUESTS) as u32;
        self.of(network).fetch_add(enough, Ordering::Relaxed);
    }

    /// Whether the network may have as many as matter.
    fn may_matter(&self, network: u128) -> bool {
        u64::from(self.of(network).load(Ordering::Relaxed)) >= LEAST_REQUESTS
    }
}

/// The networks with the most requests, of those with several clients.
fn networks(access: &AccessCounts, sums: &Sums, most: usize) -> Vec<u128> {
    /// Clients whose networks are counted at a time, or somewhat more.
    const AT_A_TIME: usize = 1 << 18;
    let members = || {
        let clients = access.clients.par_iter();
        let networks = clients.filter_map(|(client, stats)| Some((client.network_key()?, stats)));
        let heavy = networks.filter(|(network, _)| sums.may_matter(*network));
        heavy.map(|(network, stats)| (network, stats.requests()))
    };
    let mut heaviest = Top::new(most);
    let few: Vec<(u128, u64)> = members().take_any(AT_A_TIME + 1).collect();
    if few.len() <= AT_A_TIME {
        heaviest_of(few, &mut heaviest);
    } else {
        drop(few);
        let parts = members().count().div_ceil(AT_A_TIME) as u64;
        for part in 0..parts {
            // The bits that the sums' places do not use.
            let of_part = |network: u128| (network_hash(network) >> u32::BITS) % parts == part;
            let members = members().filter(|(network, _)| of_part(*network));
            heaviest_of(members.collect(), &mut heaviest);
        }
    }
    let heaviest = heaviest.first().into_iter();
    heaviest.map(|(_, network)| network).collect()
}

/// Sums up the requests of networks, one of which is named for each of its clients.
fn heaviest_of(members: Vec<(u128, u64)>, heaviest: &mut Top<(Reverse<u64>, u128)>) {
    let mut networks: HashMap<u128, (u64, u32)> = HashMap::new();
    for (network, requests) in members {
        let (all, members) = networks.entry(network).or_default();
        *all += requests;
        *members += 1;
    }
    let several = networks
        .into_iter()
        .filter(|(_, (requests, members))| *requests >= LEAST_REQUESTS && *members > 1);
    several.for_each(|(network, (requests, _))| heaviest.push((Reverse(requests), network)));
}

/// A well-mixed hash of a network.
pub fn network_hash(network: u128) -> u64 {
    mix64(network as u64 ^ mix64((network >> 64) as u64))
}

/// The paths with the most requests, images, styles and scripts aside.
fn paths(access: &AccessCounts, most: usize) -> Vec<u64> {
    let mut all: Vec<(u64, u64)> = access
        .paths
        .iter()
        .map(|(hash, path)| (u64::from(path.stats.requests), *hash, path))
        .filter(|(requests, _, path)| *requests >= LEAST_REQUESTS && !is_asset(&path.text))
        .map(|(requests, hash, _)| (requests, hash))
        .collect();
    all.sort_unstable_by_key(|(requests, hash)| (Reverse(*requests), *hash));
    all.truncate(most);
    all.into_iter().map(|(_, hash)| hash).collect()
}

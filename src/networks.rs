//! The narrowest set of networks that explains where attackers sit: prefixes of any length, few of them, dense
//! with attackers, and with few innocent addresses inside.
//!
//! A trade-off in bits, settled by dynamic programming over the binary trie of the attacking addresses (dyadic CART:
//! Donoho 1997, *CART and best-ortho-basis*, Annals of Statistics 25). A prefix with `n` attackers among `T`
//! addresses costs what naming it costs, less the Poisson fitness `n log2(n / T)` of a block of constant density
//! (Scargle et al. 2013, *Bayesian Blocks*, equation 19, here over addresses instead of time). So neighbouring
//! networks that are equally full become one, a gap between them keeps them apart, and a scattered attacker is
//! cheapest by itself. Every innocent address within a chosen prefix, and every attack request outside of all, costs
//! as well.
//!
//! Time is that of sorting the attackers, and a walk down the trie for each innocent; memory is for attackers alone,
//! which are counted by wider and wider networks when they are more than `MAX_UNITS`.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use rayon::iter::ParallelIterator;

use crate::client::Client;

/// What naming a prefix costs, in bits. A network is named rather than its attackers one by one when about one in
/// 2^10 of its addresses attacks, or more: three addresses of a /24, two of a /27, some sixty of a /16.
const NAME_V4: f64 = 10.0;

/// The same over the /64 networks of IPv6. A home has a /56 there (RFC 6177, 2), where IPv4 gives it one address:
/// 8 bits more. Two /64 of a /56 or five of a /48 become one prefix.
const NAME_V6: f64 = NAME_V4 + 8.0;

/// An innocent address within a prefix costs so many times what naming a prefix costs: a visitor shut out is worse
/// than one more line in a list.
const CAUGHT: f64 = 2.0;

/// Lengths by which attackers are counted, IPv4 and IPv6, the narrowest that gives at most [`MAX_UNITS`]. An IPv6
/// host chooses the last 64 bits of its address anew at will (RFC 8981), so a /64 is what a /32 is in IPv4.
const UNITS: [(u8, u8); 4] = [(32, 64), (24, 48), (16, 32), (8, 16)];

/// Places counted at most; one takes about 130 bytes, with its part of the trie.
const MAX_UNITS: usize = 1 << 19;

/// Bits of a key; IPv4 takes the last 32 (RFC 4291, 2.5.5.2).
const KEY_BITS: u8 = 128;
const V4_BITS: u8 = 96;
const V4_PREFIX: u128 = 0xffff << 32;

/// What becomes of attackers outside of all networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strays {
    /// Every attacker is within a network, if need be within one of its own.
    Named,
    /// Whoever sent less than the average attacker may be left out.
    LeftOut,
}

/// A network with attackers in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// A prefix of any length; a single address is a /32 or a /128.
    pub network: IpNet,
    /// Attacking addresses.
    pub addresses: u64,
    /// Their attack requests.
    pub attack: u64,
    /// Addresses within that do not attack.
    pub bystanders: u64,
    /// Innocent requests from within, those that attackers bring ordinarily among them.
    pub innocent: u64,
}

/// One attacker.
#[derive(Debug, Clone, Copy)]
pub struct Attacker {
    /// Who; a host name is passed over.
    pub client: Client,
    /// Requests above what it brings ordinarily.
    pub attack: u64,
    /// Requests that it brings ordinarily.
    pub innocent: u64,
}

/// A prefix of keys: a branch of the trie, or a place with attackers.
#[derive(Debug, Clone)]
struct Node {
    prefix: u128,
    length: u8,
    /// One of the attackers within.
    someone: u128,
    /// The branches, `None` for a place.
    children: Option<(u32, u32)>,
    /// A place's attackers; bystanders that are in no branch.
    own: Tally,
}

/// What lies within a prefix.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Places with attackers.
    units: u64,
    addresses: u64,
    attack: u64,
    bystanders: u64,
    /// Requests of bystanders.
    innocent: u64,
    /// Requests that attackers bring ordinarily.
    ordinary: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.units += other.units;
        self.addresses += other.addresses;
        self.attack += other.attack;
        self.bystanders += other.bystanders;
        self.innocent += other.innocent;
        self.ordinary += other.ordinary;
    }
}

/// Innocent clients and their requests.
struct Bystanders {
    /// By node.
    of: Vec<(u64, u64)>,
    /// Requests of all, wherever they are.
    requests: u64,
}

impl Bystanders {
    fn and(mut self, other: Bystanders) -> Bystanders {
        self.requests += other.requests;
        for (mine, theirs) in self.of.iter_mut().zip(other.of) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
        self
    }
}

/// The trie of attacking addresses.
#[derive(Debug, Clone)]
pub struct Networks {
    nodes: Vec<Node>,
    root: Option<u32>,
    /// Requests of the average attacker.
    typical: f64,
    /// The row of [`UNITS`] in use.
    units: (u8, u8),
}

impl Networks {
    /// Attackers, in any order; one that is named twice is one with the sum of its requests.
    pub fn new(attackers: impl Iterator<Item = Attacker>) -> Networks {
        let mut attackers: Vec<Attacker> = attackers
            .filter(|attacker| !attacker.client.is_name())
            .collect();
        attackers.sort_unstable_by_key(|attacker| attacker.client);
        attackers.dedup_by(|again, kept| {
            let same = again.client == kept.client;
            if same {
                kept.attack += again.attack;
                kept.innocent += again.innocent;
            }
            same
        });
        let total: u64 = attackers.iter().map(|attacker| attacker.attack).sum();
        let typical = (total as f64 / attackers.len().max(1) as f64).max(1.0);
        let fits = |units: &&(u8, u8)| {
            let next =
                |pair: &[Attacker]| unit(pair[0].client, **units) != unit(pair[1].client, **units);
            attackers.windows(2).filter(|pair| next(pair)).count() < MAX_UNITS
        };
        let units = UNITS.iter().find(fits).copied();
        let units = units.unwrap_or(UNITS[UNITS.len() - 1]);
        let mut trie = Networks {
            nodes: places(&attackers, units),
            root: None,
            typical,
            units,
        };
        trie.root = trie.branch();
        trie
    }

    /// Joins the places, which stand in the order of their keys, into a binary trie without nodes of one branch.
    /// Returns its root.
    fn branch(&mut self) -> Option<u32> {
        let places = self.nodes.len() as u32;
        // The way from the root to the latest place; a branch on it waits for its right side.
        let mut way: Vec<u32> = Vec::new();
        for place in 0..places {
            if let Some(mut left) = way.pop() {
                let (prefix, length) = common(
                    self.nodes[place as usize - 1].prefix,
                    self.nodes[place as usize].prefix,
                );
                while let Some(above) =
                    way.pop_if(|above| self.nodes[*above as usize].length > length)
                {
                    self.attach(above, left);
                    left = above;
                }
                way.push(self.nodes.len() as u32);
                self.nodes.push(Node {
                    prefix,
                    length,
                    someone: self.nodes[place as usize].someone,
                    children: Some((left, left)),
                    own: Tally::default(),
                });
            }
            way.push(place);
        }
        let mut right = way.pop()?;
        while let Some(above) = way.pop() {
            self.attach(above, right);
            right = above;
        }
        Some(right)
    }

    fn attach(&mut self, above: u32, right: u32) {
        if let Some(children) = &mut self.nodes[above as usize].children {
            children.1 = right;
        }
    }

    /// Counts innocent clients with their requests, each client once. Returns all their requests.
    pub fn bystanders(&mut self, clients: impl ParallelIterator<Item = (Client, u64)>) -> u64 {
        let none = || Bystanders {
            of: vec![(0, 0); self.nodes.len()],
            requests: 0,
        };
        let count = |mut all: Bystanders, (client, requests)| {
            all.requests += requests;
            if let Some(node) = self.home(client) {
                let (bystanders, innocent) = &mut all.of[node];
                *bystanders += 1;
                *innocent += requests;
            }
            all
        };
        let all = clients.fold(none, count).reduce(none, Bystanders::and);
        for (node, (bystanders, innocent)) in self.nodes.iter_mut().zip(all.of) {
            node.own.bystanders += bystanders;
            node.own.innocent += innocent;
        }
        all.requests
    }

    /// The node of the longest prefix that holds a client.
    fn home(&self, client: Client) -> Option<usize> {
        let mut at = self.root.filter(|_| !client.is_name())?;
        let holds = |node: &Node| cut(client.key(), node.length) == node.prefix;
        if !holds(&self.nodes[at as usize]) {
            return None;
        }
        while let Some((left, right)) = self.nodes[at as usize].children {
            let side = [left, right];
            match side
                .into_iter()
                .find(|side| holds(&self.nodes[*side as usize]))
            {
                Some(side) => at = side,
                None => break,
            }
        }
        Some(at as usize)
    }

    /// The cheapest set of networks, those with the most attack requests first.
    pub fn cover(&self, strays: Strays) -> Vec<Network> {
        let Some(root) = self.root else {
            return Vec::new();
        };
        let mut chosen = self.best(root, strays).networks;
        chosen.sort_by_key(|network| {
            (
                Reverse(network.attack),
                Reverse(network.addresses),
                network.network,
            )
        });
        chosen
    }

    /// The cheapest way to explain a part of the trie. As deep as keys are long.
    fn best(&self, at: u32, strays: Strays) -> Choice {
        let node = &self.nodes[at as usize];
        let Some((left, right)) = node.children else {
            return self.place(node, strays);
        };
        let mut best = self.best(left, strays).and(self.best(right, strays));
        best.inside.add(&node.own);
        // A prefix over both families is no network.
        let mixed = node.length < V4_BITS && cut(V4_PREFIX, node.length) == node.prefix;
        let whole = self.price(node, &best.inside);
        if !mixed && whole <= best.cost {
            best.cost = whole;
            best.networks = vec![network(node.prefix, node.length, &best.inside)];
        }
        best
    }

    /// A single address by its name; several in one place by the place's name; or nobody.
    fn place(&self, node: &Node, strays: Strays) -> Choice {
        let inside = node.own;
        let (cost, named) = match inside.addresses {
            1 => {
                let alone = Tally {
                    bystanders: 0,
                    innocent: 0,
                    ..inside
                };
                (name_cost(node), network(node.someone, KEY_BITS, &alone))
            }
            _ => {
                let whole = network(node.prefix, node.length, &inside);
                (self.price(node, &inside), whole)
            }
        };
        let left_out = match strays {
            Strays::LeftOut => name_cost(node) * inside.attack as f64 / self.typical,
            Strays::Named => f64::INFINITY,
        };
        let networks = match cost <= left_out {
            true => vec![named],
            false => Vec::new(),
        };
        Choice {
            cost: cost.min(left_out),
            networks,
            inside,
        }
    }

    /// What one prefix for all of a node costs, in bits.
    fn price(&self, node: &Node, inside: &Tally) -> f64 {
        let unit_length = unit_length(node.prefix, self.units);
        let width = f64::from(unit_length.saturating_sub(node.length));
        let units = inside.units as f64;
        let fitness = units * (units.log2() - width);
        let caught = inside.bystanders as f64 + inside.innocent as f64 / self.typical;
        name_cost(node) * (1.0 + CAUGHT * caught) - fitness
    }
}

/// How a part of the trie is explained.
struct Choice {
    /// In bits.
    cost: f64,
    networks: Vec<Network>,
    inside: Tally,
}

impl Choice {
    /// Two parts side by side.
    fn and(mut self, mut other: Choice) -> Choice {
        if other.networks.len() > self.networks.len() {
            std::mem::swap(&mut self.networks, &mut other.networks);
        }
        self.cost += other.cost;
        self.networks.append(&mut other.networks);
        self.inside.add(&other.inside);
        self
    }
}

/// The places of sorted attackers.
fn places(attackers: &[Attacker], units: (u8, u8)) -> Vec<Node> {
    let same = |a: &Attacker, b: &Attacker| unit(a.client, units) == unit(b.client, units);
    let place = |members: &[Attacker]| {
        let (prefix, length) = narrowed(members, unit(members[0].client, units));
        let mut own = Tally {
            units: 1,
            addresses: members.len() as u64,
            ..Tally::default()
        };
        for member in members {
            own.attack += member.attack;
            own.ordinary += member.innocent;
        }
        Node {
            prefix,
            length,
            someone: members[0].client.key(),
            children: None,
            own,
        }
    };
    attackers.chunk_by(same).map(place).collect()
}

/// What members of a place share beyond its prefix, where that is no chance: `n` addresses that are spread evenly
/// share another bit with a probability of 2^(1 - n).
fn narrowed(members: &[Attacker], place: (u128, u8)) -> (u128, u8) {
    let (first, last) = (
        members[0].client.key(),
        members[members.len() - 1].client.key(),
    );
    let shared = common(first, last);
    let bits = u64::from(shared.1 - place.1) * (members.len() as u64 - 1);
    match bits as f64 >= NAME_V6 {
        true => shared,
        false => place,
    }
}

/// The place in which a client is counted.
fn unit(client: Client, units: (u8, u8)) -> (u128, u8) {
    let length = unit_length(client.key(), units);
    (cut(client.key(), length), length)
}

/// How long the prefixes of places are, in bits of a key.
fn unit_length(key: u128, (v4, v6): (u8, u8)) -> u8 {
    match is_v4(key) {
        true => V4_BITS + v4,
        false => v6,
    }
}

/// Whether a key is that of an IPv4 address.
fn is_v4(key: u128) -> bool {
    cut(key, V4_BITS) == V4_PREFIX
}

/// What naming a prefix costs, in bits.
fn name_cost(node: &Node) -> f64 {
    match node.length >= V4_BITS && is_v4(node.prefix) {
        true => NAME_V4,
        false => NAME_V6,
    }
}

/// The first `length` bits of a key.
fn cut(key: u128, length: u8) -> u128 {
    match length {
        0 => 0,
        _ => key & (u128::MAX << (KEY_BITS - length.min(KEY_BITS))),
    }
}

/// The longest prefix that two keys share.
fn common(a: u128, b: u128) -> (u128, u8) {
    let length = (a ^ b).leading_zeros() as u8;
    (cut(a, length), length)
}

/// A network as the report names it.
fn network(prefix: u128, length: u8, inside: &Tally) -> Network {
    let address = match is_v4(prefix) && length >= V4_BITS {
        true => (IpAddr::V4(Ipv4Addr::from(prefix as u32)), length - V4_BITS),
        false => (IpAddr::V6(Ipv6Addr::from(prefix)), length),
    };
    Network {
        network: IpNet::new_assert(address.0, address.1),
        addresses: inside.addresses,
        attack: inside.attack,
        bystanders: inside.bystanders,
        innocent: inside.innocent + inside.ordinary,
    }
}

#[cfg(test)]
mod tests;

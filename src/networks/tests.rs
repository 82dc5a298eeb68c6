//! The cover against hand-made cases, its definition, and every other cover of small networks.

use std::collections::BTreeSet;

use proptest::prelude::*;

use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator};

use super::*;

fn client(text: &str) -> Client {
    Client::from_ip(text.parse().unwrap())
}

fn attacker(text: &str) -> Attacker {
    Attacker {
        client: client(text),
        attack: 100,
        innocent: 0,
    }
}

fn cover(attackers: &[String], innocents: &[String], strays: Strays) -> Vec<Network> {
    let mut networks = Networks::new(attackers.iter().map(|text| attacker(text)));
    networks.bystanders(innocents.par_iter().map(|text| (client(text), 20)));
    networks.cover(strays)
}

fn names(cover: &[Network]) -> BTreeSet<String> {
    cover
        .iter()
        .map(|network| network.network.to_string())
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

/// `count` addresses of a /24, spread over it.
fn spread(network: &str, count: u32) -> Vec<String> {
    let at = |n: u32| format!("{network}.{}", n * 255 / (count - 1));
    (0..count).map(at).collect()
}

#[test]
fn neighbouring_networks_with_attackers_in_each_are_one() {
    let attackers: Vec<String> = (20..24)
        .flat_map(|third| spread(&format!("203.0.{third}"), 12))
        .collect();
    let found = cover(&attackers, &[], Strays::Named);
    assert_eq!(names(&found), set(&["203.0.20.0/22"]));
    assert_eq!(found[0].addresses, 48);
    assert_eq!(found[0].attack, 4800);
}

#[test]
fn a_gap_keeps_networks_apart() {
    let mut attackers = spread("203.0.20", 30);
    attackers.extend(spread("203.0.90", 30));
    let found = cover(&attackers, &[], Strays::Named);
    assert_eq!(names(&found), set(&["203.0.20.0/24", "203.0.90.0/24"]));
}

#[test]
fn scattered_attackers_stay_single_addresses() {
    let attackers: Vec<String> = (1..60)
        .map(|n| format!("{}.{}.7.{}", 3 * n, 4 * n, n))
        .collect();
    let found = cover(&attackers, &[], Strays::Named);
    assert_eq!(found.len(), 59);
    assert!(
        found
            .iter()
            .all(|network| network.network.prefix_len() == 32)
    );
}

#[test]
fn an_infected_host_does_not_condemn_its_office() {
    let office: Vec<String> = (1..60).map(|n| format!("192.0.2.{n}")).collect();
    let infected = ["192.0.2.77".to_string(), "192.0.2.80".to_string()];
    let found = cover(&infected[..1], &office, Strays::Named);
    assert_eq!(names(&found), set(&["192.0.2.77/32"]));
    let near: Vec<String> = (64..96)
        .filter(|n| ![77, 80].contains(n))
        .map(|n| format!("192.0.2.{n}"))
        .collect();
    let found = cover(&infected, &near, Strays::Named);
    assert_eq!(names(&found), set(&["192.0.2.77/32", "192.0.2.80/32"]));
}

#[test]
fn innocent_visitors_narrow_a_prefix() {
    let attackers: Vec<String> = (128..160).map(|n| format!("198.51.100.{n}")).collect();
    let visitors: Vec<String> = (1..100).map(|n| format!("198.51.100.{n}")).collect();
    let found = cover(&attackers, &visitors, Strays::Named);
    assert_eq!(names(&found), set(&["198.51.100.128/27"]));
    assert_eq!((found[0].bystanders, found[0].innocent), (0, 0));
}

#[test]
fn a_home_of_ipv6_and_a_site_are_one_prefix_each() {
    let home: Vec<String> = (1..900)
        .map(|n| format!("2001:db8:7:8:{:x}::{n:x}", n * 7919 % 0x1_0000))
        .collect();
    let found = cover(&home, &[], Strays::Named);
    assert_eq!(names(&found), set(&["2001:db8:7:8::/64"]));
    assert_eq!(found[0].addresses, 899);
    let site: Vec<String> = (0..300)
        .map(|n| format!("2001:db8:42:{:x}::{n:x}", n * 218 + 1))
        .collect();
    let found = cover(&site, &[], Strays::Named);
    assert_eq!(names(&found), set(&["2001:db8:42::/48"]));
    let one = ["2001:db8:9:9::5".to_string()];
    let found = cover(&one, &[], Strays::Named);
    assert_eq!(names(&found), set(&["2001:db8:9:9::5/128"]));
}

#[test]
fn addresses_that_share_more_than_chance_explains_are_named_by_that() {
    let rack: Vec<String> = (1..900)
        .map(|n| format!("2001:db8:7:8:9:{:x}::{n:x}", n * 7919 % 0x1_0000))
        .collect();
    let others = ["2001:db8:7:8:a::1".to_string()];
    let found = cover(&rack, &others, Strays::Named);
    assert_eq!(names(&found), set(&["2001:db8:7:8:9::/80"]));
    assert_eq!(found[0].bystanders, 0);
    let pair = [
        "2001:db8:7:8:4000::1".to_string(),
        "2001:db8:7:8:6000::9".to_string(),
    ];
    let found = cover(&pair, &[], Strays::Named);
    assert_eq!(names(&found), set(&["2001:db8:7:8::/64"]));
}

#[test]
fn families_are_never_mixed_and_names_are_passed_over() {
    let mut attackers = vec![
        attacker("::1"),
        attacker("203.0.113.9"),
        attacker("::2:0:0"),
    ];
    attackers.push(Attacker {
        client: Client::parse(b"host.example"),
        attack: 5,
        innocent: 5,
    });
    let found = Networks::new(attackers.into_iter()).cover(Strays::Named);
    assert_eq!(
        found.iter().map(|network| network.addresses).sum::<u64>(),
        3
    );
    let four = |network: &&Network| {
        network
            .network
            .contains(&IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)))
    };
    assert_eq!(found.iter().filter(four).count(), 1);
    assert!(
        Networks::new(std::iter::empty())
            .cover(Strays::Named)
            .is_empty()
    );
}

#[test]
fn who_sent_little_may_be_left_out() {
    let attackers = [
        ("203.0.113.9", 10_000),
        ("198.51.100.1", 1),
        ("192.0.2.4", 1),
    ];
    let trie = || {
        Networks::new(attackers.iter().map(|(text, attack)| Attacker {
            client: client(text),
            attack: *attack,
            innocent: 0,
        }))
    };
    assert_eq!(trie().cover(Strays::Named).len(), 3);
    let found = trie().cover(Strays::LeftOut);
    assert_eq!(names(&found), set(&["203.0.113.9/32"]));
}

#[test]
fn a_million_addresses_are_counted_by_wider_networks() {
    let every = (0..1_200_000u32).map(|n| Attacker {
        client: Client::from_ip(IpAddr::V4(Ipv4Addr::from(0x0b00_0000 + n * 7))),
        attack: 1,
        innocent: 0,
    });
    let found = Networks::new(every).cover(Strays::Named);
    assert_eq!(
        found.iter().map(|network| network.addresses).sum::<u64>(),
        1_200_000
    );
    assert!(found.len() < 20, "{found:?}");
}

/// Addresses of a /27, by their last five bits.
fn small(host: u8) -> Client {
    Client::from_ip(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 32 + host % 32)))
}

fn trie(attackers: &[(u8, u16)], innocents: &BTreeSet<u8>) -> Networks {
    let mut networks = Networks::new(attackers.iter().map(|(host, attack)| Attacker {
        client: small(*host),
        attack: u64::from(*attack),
        innocent: 0,
    }));
    let attacks = |host: &u8| attackers.iter().any(|known| known.0 == *host);
    let others = innocents.par_iter().filter(|host| !attacks(host));
    networks.bystanders(others.map(|host| (small(*host), 30)));
    networks
}

/// What a set of networks costs, from the definition.
fn cost(
    chosen: &[IpNet],
    attackers: &[(u8, u16)],
    innocents: &BTreeSet<u8>,
    strays: Strays,
) -> f64 {
    let hosts: BTreeSet<u8> = attackers.iter().map(|known| known.0).collect();
    let total: f64 = attackers.iter().map(|known| f64::from(known.1)).sum();
    let typical = (total / hosts.len() as f64).max(1.0);
    let inside = |network: &IpNet, host: u8| network.contains(&small(host).ip().unwrap());
    let one = |network: &IpNet| {
        let units = hosts.iter().filter(|host| inside(network, **host)).count() as f64;
        let caught = innocents
            .iter()
            .filter(|host| !hosts.contains(host) && inside(network, **host));
        let caught = caught.count() as f64 * (1.0 + 30.0 / typical);
        let width = f64::from(32 - network.prefix_len());
        match units {
            0.0 => 0.0,
            _ => NAME_V4 * (1.0 + CAUGHT * caught) - units * (units.log2() - width),
        }
    };
    let covered = |host: u8| chosen.iter().any(|network| inside(network, host));
    let left_out = attackers.iter().filter(|known| !covered(known.0));
    let left_out: f64 = left_out.map(|known| f64::from(known.1)).sum();
    let left_out = match strays {
        Strays::Named if left_out > 0.0 => f64::INFINITY,
        _ => NAME_V4 * left_out / typical,
    };
    chosen.iter().map(one).sum::<f64>() + left_out
}

/// Every set of disjoint networks within a network that holds a host of `hosts` in each.
fn every_cover(network: IpNet, hosts: &BTreeSet<u8>) -> Vec<Vec<IpNet>> {
    if !hosts
        .iter()
        .any(|host| network.contains(&small(*host).ip().unwrap()))
    {
        return vec![Vec::new()];
    }
    let mut all = vec![vec![network]];
    if network.prefix_len() == 32 {
        all.push(Vec::new());
        return all;
    }
    let halves: Vec<IpNet> = network.subnets(network.prefix_len() + 1).unwrap().collect();
    for left in every_cover(halves[0], hosts) {
        for right in every_cover(halves[1], hosts) {
            all.push(left.iter().chain(&right).copied().collect());
        }
    }
    all
}

fn few() -> impl Strategy<Value = (Vec<(u8, u16)>, BTreeSet<u8>)> {
    let attackers = prop::collection::btree_map(0u8..32, 1u16..500, 1..6);
    let innocents = prop::collection::btree_set(0u8..32, 0..4);
    (attackers, innocents)
        .prop_map(|(attackers, innocents)| (attackers.into_iter().collect(), innocents))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_cheaper((attackers, innocents) in few(), named in any::<bool>()) {
        let strays = if named { Strays::Named } else { Strays::LeftOut };
        let found: Vec<IpNet> = trie(&attackers, &innocents)
            .cover(strays)
            .iter()
            .map(|network| network.network)
            .collect();
        let hosts: BTreeSet<u8> = attackers.iter().map(|known| known.0).collect();
        let ours = cost(&found, &attackers, &innocents, strays);
        let all = every_cover("203.0.113.32/27".parse().unwrap(), &hosts);
        let least = all
            .iter()
            .map(|chosen| cost(chosen, &attackers, &innocents, strays))
            .fold(f64::INFINITY, f64::min);
        prop_assert!((ours - least).abs() < 1e-6, "{found:?} costs {ours}, not {least}");
    }

    #[test]
    fn a_cover_holds_everybody_once_and_adds_up(
        attackers in prop::collection::vec((any::<u32>(), any::<bool>(), 0u64..1000, 0u64..50), 1..80),
        innocents in prop::collection::vec((any::<u32>(), any::<bool>()), 0..80),
        mask in prop::sample::select(vec![0xffff_ffffu32, 0xffff, 0x0f0f_00ff, 0xfff]),
    ) {
        let address = |n: u32, six: bool| {
            let n = n & mask;
            Client::from_ip(match six {
                true => IpAddr::V6(Ipv6Addr::from((0x2001_0db8u128 << 96) | (u128::from(n) << 52))),
                false => IpAddr::V4(Ipv4Addr::from(n)),
            })
        };
        let attackers: Vec<Attacker> = attackers
            .into_iter()
            .map(|(n, six, attack, innocent)| Attacker { client: address(n, six), attack, innocent })
            .collect();
        let hostile: BTreeSet<Client> = attackers.iter().map(|attacker| attacker.client).collect();
        let others: BTreeSet<Client> = innocents
            .into_iter()
            .map(|(n, six)| address(n, six))
            .filter(|client| !hostile.contains(client))
            .collect();
        let build = |attackers: Vec<Attacker>, others: Vec<Client>| {
            let mut networks = Networks::new(attackers.into_iter());
            networks.bystanders(others.into_par_iter().map(|client| (client, 3)));
            networks.cover(Strays::Named)
        };
        let found = build(attackers.clone(), others.iter().copied().collect());
        for client in &hostile {
            let holds = |network: &&Network| network.network.contains(&client.ip().unwrap());
            prop_assert_eq!(found.iter().filter(holds).count(), 1, "{:?}", client);
        }
        for network in &found {
            let inside = |client: &Client| network.network.contains(&client.ip().unwrap());
            let members: Vec<&Attacker> = attackers.iter().filter(|a| inside(&a.client)).collect();
            prop_assert_eq!(network.attack, members.iter().map(|a| a.attack).sum::<u64>());
            let caught = others.iter().filter(|client| inside(client)).count() as u64;
            prop_assert_eq!(network.bystanders, caught);
            let ordinary = members.iter().map(|a| a.innocent).sum::<u64>();
            prop_assert_eq!(network.innocent, 3 * caught + ordinary);
        }
        let backwards = build(
            attackers.into_iter().rev().collect(),
            others.into_iter().rev().collect(),
        );
        prop_assert_eq!(found, backwards);
    }
}

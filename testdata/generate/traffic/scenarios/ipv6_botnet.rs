//! A flood from prefixes of every length.

use super::{File, Scenario};
use crate::traffic::attackers::{Botnet, FLOOD_AGENTS};
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "ipv6-botnet",
    about: "\
At 19:30 a flood of fifty minutes came from all over 2001:db8:bad::/48, from one /64 and one /80 elsewhere, from
198.19.96.0/22 and from three single addresses. The report must say `ddos`, and name just these networks.",
    args: &[],
    build,
};

/// The networks that the flood comes from, single addresses apart.
pub const NETWORKS: [&str; 4] = [
    "198.19.96.0/22",
    "2001:db8:bad::/48",
    "2001:db8:f00d:7::/64",
    "2001:db8:beef:1:2::/80",
];

fn build() -> Vec<File> {
    let zone = Zone(2);
    let mut story = Story::new(0x1076_B074, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2024, 2, 20), 16, 0, 0);
    let last = first + 6 * HOUR;
    visits(&mut story, first, last, visits_for(5.0, 20));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let herd = Botnet {
        addresses: addresses(&mut story),
        agents: FLOOD_AGENTS.to_vec(),
    };
    let targets = [
        "/".to_owned(),
        story.shop.search("sale"),
        "/?r=1".to_owned(),
    ];
    let began = first + 210 * MINUTE;
    herd.flood(
        &mut story,
        (began, began + 50 * MINUTE),
        90.0,
        &targets,
        |rng, _| Answer(200, 17_204, rng.between(40, 90)),
    );
    vec![File::gzip("access.log.gz", story.access_log())]
}

fn addresses(story: &mut Story) -> Vec<String> {
    let rng = &mut story.rng;
    let mut part = |most: i64| rng.between(1, most);
    let mut all: Vec<String> = Vec::new();
    for _ in 0..220 {
        all.push(format!(
            "2001:db8:bad:{:x}::{:x}",
            part(0xffff),
            part(0xffff)
        ));
        all.push(format!(
            "2001:db8:f00d:7:{:x}:{:x}:0:5",
            part(0xffff),
            part(0xffff)
        ));
    }
    for _ in 0..120 {
        all.push(format!(
            "2001:db8:beef:1:2:{:x}:{:x}:9",
            part(0xffff),
            part(0xffff)
        ));
        all.push(format!("198.19.{}.{}", 95 + part(4), part(254)));
    }
    all.extend(["198.19.7.7", "203.0.113.66", "100.99.3.4"].map(str::to_owned));
    all.sort_unstable();
    all.dedup();
    // In no order, since those at the front of a herd send more than others.
    let mut dealt: Vec<(u64, String)> = all
        .into_iter()
        .map(|address| (story.rng.next(), address))
        .collect();
    dealt.sort_unstable();
    dealt.into_iter().map(|(_, address)| address).collect()
}

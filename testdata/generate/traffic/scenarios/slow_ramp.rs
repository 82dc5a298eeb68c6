//! A flood that grows slowly.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::attackers::FLOOD_AGENTS;
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "slow-ramp",
    about: "\
From 15:10:00 a flood grew evenly for forty minutes, from nothing to two hundred and forty requests a minute, as machine after machine of 300
joined; it kept that rate for ten minutes and stopped at 16:00:00. The report must say `ddos`, with the onset at the
ramp's beginning, not where the total first stands out, and name the machines.",
    args: &[],
    build,
};

/// How long the flood grows.
const RAMP: i64 = 40 * MINUTE;

/// Requests a minute at its height.
const HEIGHT: f64 = 240.0;

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x510_3A39, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2024, 3, 6), 13, 0, 0);
    let last = first + 5 * HOUR;
    visits(&mut story, first, last, visits_for(10.0, 15));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let began = first + 130 * MINUTE;
    let herd = address::botnet(&mut story.rng, 300, 8, 0.0);
    for at in story.moments(began, began + RAMP + 10 * MINUTE, HEIGHT) {
        let grown = ((at - began) as f64 / RAMP as f64).min(1.0);
        // The later, the more machines take part, and each asks as often as the others.
        let number = story.rng.below(herd.len() as u64) as usize;
        if number as f64 > grown * herd.len() as f64 {
            continue;
        }
        let who = Who {
            client: &herd[number],
            agent: FLOOD_AGENTS[number % FLOOD_AGENTS.len()],
        };
        let target = match story.rng.below(3) {
            0 => "/".to_owned(),
            _ => story.shop.search("lamp"),
        };
        let took = story.rng.between(40, 200);
        story.get(at, who, &target, Answer(200, 17_204, took));
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

//! A flood that is switched on and off.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::attackers::{Botnet, FLOOD_AGENTS};
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "pulses",
    about: "\
From 22:00:00 to 22:52:00 a herd of 200 addresses flooded a shop for three minutes of every seven, eight times. The report must say
`ddos` once: one incident from the first pulse to the end of the last, not eight, and name the herd.",
    args: &[],
    build,
};

const PULSES: i64 = 8;
const PERIOD: i64 = 7 * MINUTE;
const ON: i64 = 3 * MINUTE;

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x9_0152, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 10, 3), 19, 0, 0);
    let last = first + 5 * HOUR;
    visits(&mut story, first, last, visits_for(8.0, 21));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let herd = Botnet {
        addresses: address::botnet(&mut story.rng, 200, 6, 0.0),
        agents: FLOOD_AGENTS.to_vec(),
    };
    let targets = ["/".to_owned(), story.shop.search("sale")];
    for pulse in 0..PULSES {
        let on = first + 3 * HOUR + pulse * PERIOD;
        herd.flood(&mut story, (on, on + ON), 180.0, &targets, |rng, _| {
            Answer(200, 17_204, rng.between(50, 400))
        });
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

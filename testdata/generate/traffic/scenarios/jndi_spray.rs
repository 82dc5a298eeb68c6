//! A look-up from everywhere.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::campaigns::spray_lookups;
use crate::traffic::clock::{DAY, HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "jndi-spray",
    about: "\
From 08:00 on 48 addresses anywhere sent one JNDI look-up each to the home page, in the user agent or in a parameter that
the shop does not have, one every eight minutes. Nothing answered. The report must say `scan`, low, and name
all of them as one actor.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x1D41_0645, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2021, 12, 14), 0, 0, 0);
    let last = first + DAY;
    visits(&mut story, first, last, visits_for(4.0, 20));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let hosts: Vec<String> = (0..48)
        .map(|_| address::shared(story.rng.below(address::SHARED_SPACE)))
        .collect();
    spray_lookups(&mut story, &hosts, first + 8 * HOUR, 8 * MINUTE);
    vec![File::gzip("access.log.gz", story.access_log())]
}

//! A normal day.

use super::{File, Scenario};
use crate::traffic::clock::{DAY, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "quiet-day",
    about: "\
A Tuesday like any other: people come at their hours and search for union jack mugs and 5' 6\"
ladders, robots and the monitor do their rounds, and some thirty stray scanners try a probe or two each.
The report must find no incident (`none`): background noise is no attack on this shop.",
    args: &[],
    build,
};

/// Lines a minute in the busiest hour.
const BUSIEST: f64 = 7.0;

fn build() -> Vec<File> {
    let zone = Zone(2);
    let mut story = Story::new(0x0901_E700, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2022, 6, 14), 0, 0, 0);
    let last = first + DAY;
    visits(&mut story, first, last, visits_for(BUSIEST, 20));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.3);
    story.server_says(
        first + 61_000,
        "notice",
        "signal 10 (SIGUSR1) received from 9112, reopening logs",
    );
    story.server_says(first + 61_000, "notice", "reopening logs");
    vec![
        File::gzip("access.log.gz", story.access_log()),
        File::plain("error.log", story.error_log()),
    ]
}

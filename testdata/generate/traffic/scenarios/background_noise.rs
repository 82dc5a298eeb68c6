//! The noise of the Internet, louder than usual.

use super::{File, Scenario};
use crate::traffic::campaigns::noise;
use crate::traffic::clock::{DAY, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "background-noise",
    about: "\
An ordinary day on which ten bots an hour came by from anywhere, each with a handful of whatever exploits and probes it
knows, and none with anything that the shop has. The report must find no attack (`none`).",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0xBAC6_401E, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 8, 22), 0, 0, 0);
    let last = first + DAY;
    visits(&mut story, first, last, visits_for(5.0, 20));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 2.0);
    noise(&mut story, first, last, 10.0);
    vec![File::gzip("access.log.gz", story.access_log())]
}

//! A list of words, a word every two minutes.

use super::{File, Scenario};
use crate::traffic::campaigns::slow_directory_scan;
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "directory-scan",
    about: "\
203.0.113.77 asked for 144 directories and archives that the shop does not have, a word every two minutes for five hours,
from a list that no pattern knows. The report must say `scan`, low, and name that address and no other.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0xD12E_5CA4, Shop::pretty(), Server::Apache, zone);
    let first = zone.at((2023, 5, 16), 8, 0, 0);
    let last = first + 10 * HOUR;
    visits(&mut story, first, last, visits_for(5.0, 20));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let who = Who {
        client: "203.0.113.77",
        agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/112.0",
    };
    slow_directory_scan(&mut story, who, first + 2 * HOUR, 2 * MINUTE);
    vec![File::gzip("access.log.gz", story.access_log())]
}

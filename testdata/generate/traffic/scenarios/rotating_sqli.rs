//! Two hundred probes from a hundred and fifty homes.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::campaigns::{PROXY_AGENT, in_turn};
use crate::traffic::clock::{DAY, HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "rotating-sqli",
    about: "\
From 03:00 to 21:00 somebody sent two hundred SQL payloads to `no` of `/item.php` through residential proxies: some
hundred and ten of 150 addresses anywhere, one or a few requests each, always with the same user agent. The report
must say `injection`, and name all of them as one actor.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0x2074_7E51, Shop::scripts(), Server::Nginx, zone);
    let first = zone.at((2023, 3, 21), 0, 0, 0);
    let last = first + DAY;
    visits(&mut story, first, last, visits_for(5.0, 20));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let homes: Vec<String> = (0..150)
        .map(|_| address::shared(story.rng.below(address::SHARED_SPACE)))
        .collect();
    let gap = 5 * MINUTE + 24_000;
    in_turn(&mut story, &homes, PROXY_AGENT, first + 3 * HOUR, gap, 200);
    vec![File::gzip("access.log.gz", story.access_log())]
}

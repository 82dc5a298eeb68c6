//! A monitor that somebody set to ask four times a second.

use super::{File, Scenario};
use crate::traffic::agents::MONITOR;
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::{MONITOR_ADDRESS, robots};
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "monitor-gone-wild",
    about: "\
The shop's own monitor, which asks for `/health` every two minutes, was set to every 900 milliseconds by
mistake, from 14:10 until somebody saw it at 14:38. The report must say that it is no attack: a robot
(`crawler`), a monitor in this case, and accuse nobody.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(2);
    let mut story = Story::new(0x3031_7014, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2022, 6, 8), 12, 0, 0);
    let last = first + 4 * HOUR;
    visits(&mut story, first, last, visits_for(5.0, 14));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let who = Who {
        client: MONITOR_ADDRESS,
        agent: MONITOR,
    };
    let mut at = first + 130 * MINUTE;
    while at < first + 158 * MINUTE {
        let asked = at + story.rng.between(0, 40);
        let took = story.rng.between(3, 20);
        story.ask(asked, who, "HEAD", "/health", "-", Answer(200, 0, took));
        at += 900;
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

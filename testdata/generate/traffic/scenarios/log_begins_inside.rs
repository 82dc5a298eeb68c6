//! A log that was rotated in the middle of a flood.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::attackers::{Botnet, FLOOD_AGENTS};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "log-begins-inside",
    about: "\
The log was rotated at 12:00:00 (UTC+2), while a flood from 240 addresses of 198.19.0.0/16 had been running for a while;
it stopped at 12:50:00, and the shop was itself again until the log ends at 15:00. The report must say `ddos`
from the first second of the log to 12:50:00, and name the flooders, although no minute before the flood was
logged.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(2);
    let mut story = Story::new(0x1065_1DE5, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 8, 24), 12, 0, 0);
    let (before, last) = (first - HOUR, first + 3 * HOUR);
    let stopped = first + 50 * MINUTE;
    visits(&mut story, before, last, visits_for(12.0, 13));
    robots(&mut story, before, last, MINUTE);
    strays(&mut story, before, last, 2.0);
    let herd = Botnet {
        addresses: address::botnet(&mut story.rng, 240, 9, 0.0),
        agents: FLOOD_AGENTS.to_vec(),
    };
    let targets = ["/".to_owned(), story.shop.search("sale")];
    let span = (before, stopped - SECOND);
    herd.flood(&mut story, span, 130.0, &targets, |rng, _| {
        Answer(200, 17_204, rng.between(50, 400))
    });
    story
        .requests
        .retain(|request| request.logged_at() >= first);
    vec![File::gzip("access.log.gz", story.access_log())]
}

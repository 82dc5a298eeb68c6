//! A robot that takes more than it should, but hides nothing.

use super::{File, Scenario};
use crate::traffic::attackers::crawl;
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "crawler",
    about: "\
A price-comparison service read every item of the shop for 20 minutes, a request a second from two
addresses with its own name as the user agent, after asking for robots.txt. The report must call it a
`crawler` and no attack.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0xC4A3_1E40, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2022, 3, 9), 8, 0, 0);
    let last = first + 3 * HOUR;
    visits(&mut story, first, last, visits_for(4.0, 10));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let clients = ["203.0.113.40".to_owned(), "203.0.113.41".to_owned()];
    let began = first + 70 * MINUTE + 12_000;
    crawl(&mut story, &clients, (began, began + 20 * MINUTE), 1_000);
    vec![File::plain("access.log", story.access_log())]
}

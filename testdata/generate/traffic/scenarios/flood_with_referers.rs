//! A flood that dresses up.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::agents;
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::{Shop, page_bytes};
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "flood-with-referers",
    about: "\
From 16:40 to 16:58 two hundred addresses asked for pages of the shop, twenty times the usual traffic, each request with another
browser's user agent and a search engine or the shop itself as referer; now and then one asked for the icon.
It looks like a crowd by everything that is easily faked. The report must say `ddos` and name the addresses.",
    args: &[],
    build,
};

/// The second octet of the herd's addresses, which visitors do not have.
pub const HERD: &str = "198.19.";

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0xFA4E_4EF5, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 6, 1), 14, 0, 0);
    let last = first + 4 * HOUR;
    visits(&mut story, first, last, visits_for(8.0, 16));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let herd = address::botnet(&mut story.rng, 200, 90, 0.0);
    let referers = [
        "https://www.search.example/",
        "https://search.example/results?q=shop",
        "https://shop.example/",
        "https://shop.example/c/kitchen",
    ];
    let (from, to) = (first + 160 * MINUTE, first + 178 * MINUTE);
    for at in story.moments(from, to, 160.0) {
        let client = story.rng.pick(&herd).clone();
        let browsers = std::mem::take(&mut story.browsers);
        let agent = agents::browser(&mut story.rng, &browsers).to_owned();
        story.browsers = browsers;
        let who = Who {
            client: &client,
            agent: &agent,
        };
        let index = story.rng.skewed(story.shop.items);
        let target = match story.rng.below(25) {
            0 => "/favicon.ico".to_owned(),
            1..=8 => "/".to_owned(),
            9..=14 => story.shop.category(index),
            _ => story.shop.item(index),
        };
        let referer = *story.rng.pick(&referers);
        let bytes = page_bytes(&mut story.rng, &target);
        let took = story.rng.between(90, 900);
        story.ask(at, who, "GET", &target, referer, Answer(200, bytes, took));
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

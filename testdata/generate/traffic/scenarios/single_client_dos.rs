//! One client that a busy site cannot bear, and that no rate shows.

use super::{File, Scenario};
use crate::traffic::clock::{MINUTE, Millis, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Layout, Server};

pub const SCENARIO: Scenario = Scenario {
    name: "single-client-dos",
    about: "\
From 11:25:00 to 11:37:00 one client asked a busy shop under Apache for its price list of all items, once a second, where that
page takes many seconds to make: a quarter more requests, not more than one busy minute brings, but meanwhile every
other page took seconds and one in six was answered with 503. The log has request times (`%D`). The report must say `dos`, name the
one client and nobody else, and tell the failures of the others.",
    args: &[],
    build,
};

/// The client.
pub const GLUTTON: &str = "203.0.113.88";

/// What it asks for.
const PRICE_LIST: &str = "/prices.php?format=pdf&group=all";

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0x51_C11E, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2022, 5, 17), 11, 0, 0);
    let last = first + 55 * MINUTE;
    visits(&mut story, first, last, visits_for(220.0, 11));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    readers(&mut story, first, last);
    let (from, to) = (first + 25 * MINUTE, first + 37 * MINUTE);
    story.edit(from + MINUTE, to, |rng, request| {
        request.took += rng.between(2 * SECOND, 9 * SECOND);
        if rng.chance(1.0 / 6.0) {
            (request.status, request.bytes) = (503, 299);
        }
        true
    });
    let who = Who {
        client: GLUTTON,
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:91.0) Gecko/20100101 Firefox/91.0",
    };
    for at in story.moments(from, to, 60.0) {
        let took = story.rng.between(15 * SECOND, 30 * SECOND);
        let answer = match story.rng.chance(0.3) {
            true => Answer(503, 299, took),
            false => Answer(200, 1_840_212, took),
        };
        story.get(at, who, PRICE_LIST, answer);
    }
    vec![File::gzip(
        "access.log.gz",
        story.access_log_as(Layout::Timed),
    )]
}

/// Customers who want the price list now and then.
fn readers(story: &mut Story, from: Millis, to: Millis) {
    for at in story.moments(from, to, 0.1) {
        let person = crate::traffic::visitors::stranger(story);
        let who = Who {
            client: &person.address,
            agent: &person.agent,
        };
        let took = story.rng.between(15 * SECOND, 22 * SECOND);
        story.get(at, who, PRICE_LIST, Answer(200, 1_840_212, took));
    }
}

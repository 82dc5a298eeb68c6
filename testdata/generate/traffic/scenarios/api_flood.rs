//! A flood where nobody has images or referers.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "api-flood",
    about: "\
An API without pages serves a hundred devices of several makers. From 09:35 to 09:55 a hundred and fifty addresses of
four rented networks posted searches to it, twenty-five times the usual traffic, with one library's
user agent; half of the answers were 502 after some minutes. The report must say `ddos` and name the hundred and
fifty, although the log has neither images nor referers to tell them by.",
    args: &[],
    build,
};

/// Where the flood comes from, and nobody else.
pub const RENTED: &str = "198.19.";
const DEVICES: usize = 100;
const MAKERS: [&str; 8] = [
    "AcmeThermo/1.2",
    "AcmeThermo/1.3",
    "HeatBox/4.0 (esp32)",
    "HeatBox/4.1 (esp32)",
    "okhttp/4.9.1",
    "okhttp/3.14.9",
    "Valve/0.9 lwip",
    "Valve/1.0 lwip",
];

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0xA41F_100D, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 9, 12), 8, 0, 0);
    let last = first + 3 * HOUR;
    for number in 0..DEVICES {
        let client = address::visitor(&mut story.rng);
        let who = Who {
            client: &client,
            agent: MAKERS[number % MAKERS.len()],
        };
        let mut at = first + story.rng.between(0, 10 * MINUTE);
        while at < last {
            let target = format!("/v1/devices/{}/plan", 1_000 + number);
            story.get(at, who, &target, Answer(200, 740, 22));
            if story.rng.chance(0.3) {
                let bytes = 300 + story.rng.below(900);
                story.ask(
                    at + 400,
                    who,
                    "POST",
                    "/v1/search",
                    "-",
                    Answer(200, bytes, 60),
                );
            }
            at += 8 * MINUTE + story.rng.between(0, 4 * MINUTE);
        }
    }
    let herd = address::botnet(&mut story.rng, 150, 4, 0.0);
    let (from, to) = (first + 95 * MINUTE, first + 115 * MINUTE);
    for at in story.moments(from, to, 130.0) {
        let client = story.rng.pick(&herd).clone();
        let who = Who {
            client: &client,
            agent: "python-requests/2.31.0",
        };
        let failed = at > from + 4 * MINUTE && story.rng.chance(0.5);
        let answer = if failed {
            Answer(502, 157, 4 * SECOND)
        } else {
            Answer(200, 410, 700)
        };
        story.ask(at, who, "POST", "/v1/search", "-", answer);
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

//! A handful of clients against a blog that hardly anybody reads.

use super::{File, Scenario};
use crate::traffic::agents::browser;
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "sparse-dos",
    about: "\
A blog with two or three requests a minute, and minutes with none, was asked for its search ten times a second from
21:14:00 to 21:19:00 by five rented machines, each with a user agent of its own. The report must say `dos` or `ddos` with
onset and end to the second, and name the five.",
    args: &[],
    build,
};

/// Who floods, and nobody else.
pub const MACHINES: [&str; 5] = [
    "203.0.113.5",
    "203.0.113.77",
    "203.0.113.140",
    "203.0.113.141",
    "203.0.113.209",
];

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0x5_9A25_ED05, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2023, 11, 9), 12, 0, 0);
    let last = first + 12 * HOUR;
    visits(&mut story, first, last, visits_for(2.5, 20));
    strays(&mut story, first, last, 1.0);
    let began = first + 9 * HOUR + 14 * MINUTE;
    let agents: Vec<String> = MACHINES
        .iter()
        .map(|_| browser(&mut story.rng, &story.browsers).to_owned())
        .collect();
    for at in story.moments(began, began + 5 * MINUTE, 600.0) {
        let number = story.rng.below(MACHINES.len() as u64) as usize;
        let who = Who {
            client: MACHINES[number],
            agent: &agents[number],
        };
        let target = story
            .shop
            .search(&format!("{}", story.rng.between(10_000, 99_999)));
        let answer = match story.rng.below(10) {
            0..=5 => Answer(200, 9_214, story.rng.between(300, 4_000)),
            _ => Answer(503, 299, story.rng.between(1, 20)),
        };
        story.get(at, who, &target, answer);
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

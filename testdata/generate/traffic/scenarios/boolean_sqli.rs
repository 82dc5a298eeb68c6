//! A blind injection into the path of an API, told by two answers.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, Millis, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Server, encode};

pub const SCENARIO: Scenario = Scenario {
    name: "boolean-sqli",
    about: "\
A tool asked /api/v1/stock/ and the search the same questions with true and with false conditions. The API answered
true ones like an item and false ones like none; the search, which shows what was typed, answered both alike. The
report must list the API as one place, say that it probably worked there, and nothing of the kind of the search.",
    args: &[],
    build,
};

const TOOL: Who = Who {
    client: "203.0.113.41",
    agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36",
};

fn build() -> Vec<File> {
    let zone = Zone(2);
    let mut story = Story::new(0xB001_EA11, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2024, 6, 5), 18, 0, 0);
    let last = first + 3 * HOUR;
    visits(&mut story, first, last, visits_for(4.0, 18));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let mut at = first + 80 * MINUTE;
    for round in 0..24 {
        let left = 1_000 + story.rng.below(8_999);
        let right = if round % 2 == 0 {
            left
        } else {
            left % 8_000 + 1_001
        };
        let condition = format!("{left}={right}");
        for payload in [
            format!("17 AND {condition}"),
            format!("17' AND {condition} AND 'kXbe'='kXbe"),
        ] {
            stock(&mut story, at, &payload, round % 2 == 0);
            at += story.rng.between(400, 2_600);
            search(&mut story, at, &payload);
            at += story.rng.between(400, 2_600);
        }
    }
    vec![File::plain("access.log", story.access_log())]
}

/// The statement holds a bare number: a quote in it finds nothing at all.
fn stock(story: &mut Story, at: Millis, payload: &str, holds: bool) {
    let target = format!("/api/v1/stock/{}", encode(payload).replace('+', "%20"));
    let answer = match holds && !payload.contains('\'') {
        true => Answer(200, 74, 30),
        false => Answer(404, 31, 28),
    };
    story.get(at, TOOL, &target, answer);
}

/// Nothing is found, and the page shows three times what was typed.
fn search(story: &mut Story, at: Millis, payload: &str) {
    let target = format!("/search?q={}", encode(payload));
    let bytes = 14_900 + 3 * payload.len() as u64;
    story.get(at, TOOL, &target, Answer(200, bytes, 55));
}

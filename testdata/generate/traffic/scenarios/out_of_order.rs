//! A flood whose log is out of order.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::attackers::{Botnet, FLOOD_AGENTS};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Layout, Server};

pub const SCENARIO: Scenario = Scenario {
    name: "out-of-order",
    about: "\
A flood from 150 addresses ran from 21:40 to 22:05 across a log rotation at 21:50; the log comes from
several front ends that were merged carelessly, so that lines stand up to a minute from their place, and the
names of the two files sort newest first. The report must say `ddos` with the times that the lines themselves carry,
and not one line or minute may be lost to the order.",
    args: &[],
    build,
};

/// How far from its place a line may stand.
const DISORDER: i64 = MINUTE;

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x0070_FA0D, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2022, 4, 6), 20, 0, 0);
    let (began, ended, last) = (first + 100 * MINUTE, first + 125 * MINUTE, first + 3 * HOUR);
    visits(&mut story, first, last, visits_for(3.0, 21));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let herd = Botnet {
        addresses: address::botnet(&mut story.rng, 150, 6, 0.1),
        agents: FLOOD_AGENTS[..2].to_vec(),
    };
    let targets = [story.shop.search("rug"), "/".to_owned()];
    herd.flood(
        &mut story,
        (began, ended),
        55.0,
        &targets,
        |rng, at| match rng.below(10) {
            0..=6 if at > began + 4 * MINUTE => Answer(503, 1_204, rng.between(10, 40)),
            _ => Answer(200, 17_000 + rng.below(900), rng.between(200, 2_000)),
        },
    );
    let rotated = first + 110 * MINUTE + 3 * SECOND;
    let (newer, older) = shuffle(&mut story, rotated);
    vec![
        File::plain("access.log", newer),
        File::plain("access.log.1", older),
    ]
}

/// The lines after and before the rotation, each up to [`DISORDER`] late.
fn shuffle(story: &mut Story, rotated: i64) -> (Vec<u8>, Vec<u8>) {
    let mut arrivals: Vec<(i64, String)> = Vec::new();
    for request in std::mem::take(&mut story.requests) {
        let late = story.rng.between(0, DISORDER);
        let line = request.render(story.server, Layout::Combined, story.zone);
        arrivals.push((request.logged_at() + late, line));
    }
    arrivals.sort_by_key(|arrival| arrival.0);
    let (mut newer, mut older) = (Vec::new(), Vec::new());
    for (arrival, line) in arrivals {
        let file = if arrival < rotated {
            &mut older
        } else {
            &mut newer
        };
        file.extend_from_slice(line.as_bytes());
    }
    (newer, older)
}

//! The application dies on its own.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "server-fault",
    about: "\
The application behind nginx was not running from 14:20 to 14:47 after a failed deployment: every
page was answered with 502, visitors pressed reload and went away, and no request in the log had a part
in it. The report must say `server_fault`, no attack, with the outage's beginning and end.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(2);
    let mut story = Story::new(0x5E4F_A017, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2022, 9, 21), 13, 0, 0);
    let (down, up) = (first + 80 * MINUTE, first + 107 * MINUTE);
    let last = first + 3 * HOUR;
    visits(&mut story, first, last, visits_for(8.0, 14));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let mut again = Vec::new();
    story.edit(down, up, |rng, request| {
        if request.line.contains("/static/") || request.line.contains("/media/") {
            return rng.chance(0.1);
        }
        (request.status, request.bytes, request.took) = (502, 552, 1);
        for number in 1..=rng.skewed(4) as i64 {
            let mut retry = request.clone();
            retry.at += number * (3 * SECOND + rng.between(0, 900));
            again.push(retry);
        }
        true
    });
    story
        .requests
        .extend(again.into_iter().filter(|request| request.at < up));
    let failed: Vec<_> = story
        .requests
        .iter()
        .filter(|r| r.status == 502)
        .cloned()
        .collect();
    for request in &failed {
        story.upstream_refused(request);
    }
    vec![
        File::plain("access.log", story.access_log()),
        File::plain("error.log", story.error_log()),
    ]
}

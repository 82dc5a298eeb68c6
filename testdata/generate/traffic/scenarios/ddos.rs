//! A shop under a distributed flood for four hours of a Sunday night.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::attackers::{Botnet, FLOOD_AGENTS};
use crate::traffic::clock::{HOUR, MINUTE, Millis, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::rng::Rng;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Request, Server};

pub const SCENARIO: Scenario = Scenario {
    name: "ddos-2023-05-07",
    about: "\
In the night of 2023-05-07 a herd of 600 addresses in two dozen /24 networks flooded a shop behind
nginx from 02:00 to 06:00 (UTC-4): the application's workers ran out, answers became 502 and 504,
the machine was replaced by a bigger one at 03:21-03:28 without effect, and from 05:30 on limits and
blocks (429, 444) wore the flood down. The report must say `ddos`, with the onset at 02:00, the
silence of 03:21, the restart, the mitigation and the recovery after 06:00, and must name the flooders
but not the shoppers, whose addresses are scattered and whose browsers pull pictures.",
    args: &[],
    build,
};

const ZONE: Zone = Zone(-4);
const DATE: (i64, i64, i64) = (2023, 5, 7);
const ADDRESSES: usize = 600;
const NETWORKS: usize = 24;
/// Share of addresses that lie in none of those networks.
const SCATTERED: f64 = 0.15;
/// Lines a minute of ordinary traffic at two in the morning.
const ORDINARY: f64 = 4.0;
/// Rates of the flood in requests a minute: from hour and minute on, until the next row.
const FLOOD: [(i64, i64, f64); 9] = [
    (2, 0, 18.0),
    (2, 4, 44.0),
    (2, 9, 76.0),
    (2, 30, 90.0),
    (3, 28, 84.0),
    (4, 5, 150.0),
    (4, 20, 86.0),
    (5, 40, 44.0),
    (5, 52, 12.0),
];
const FLOOD_END: (i64, i64) = (5, 59);

/// How the flood fares.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// The shop copes, more and more slowly.
    Coping,
    /// Nearly every answer is an error.
    Failing,
    /// Limits and blocks are in place.
    Shedding,
}

fn clock(hour: i64, minute: i64) -> Millis {
    ZONE.at(DATE, hour, minute, 0)
}

fn build() -> Vec<File> {
    let mut story = Story::new(0x0DD0_5230_0507, Shop::pretty(), Server::Nginx, ZONE);
    let (first, last) = (clock(0, 0) - HOUR, clock(7, 30));
    visits(&mut story, first, last, visits_for(ORDINARY, 2));
    robots(&mut story, first, last, 30 * SECOND);
    strays(&mut story, first, last, 2.0);
    suffer(&mut story);
    flood(&mut story);
    let (stopped, back) = (clock(3, 21) + 6 * SECOND, clock(3, 27) + 48 * SECOND);
    story.silence(stopped, back);
    complain(&mut story);
    stop_and_start(&mut story, stopped, back);
    vec![
        File::gzip("access.log.gz", story.access_log()),
        File::gzip("error.log.gz", story.error_log()),
    ]
}

fn state(at: Millis) -> State {
    if at < clock(2, 9) {
        State::Coping
    } else if at < clock(5, 30) {
        State::Failing
    } else {
        State::Shedding
    }
}

fn flood(story: &mut Story) {
    let herd = Botnet {
        addresses: address::botnet(&mut story.rng, ADDRESSES, NETWORKS, SCATTERED),
        agents: FLOOD_AGENTS.to_vec(),
    };
    let targets = [
        story.shop.search("sale"),
        "/".to_owned(),
        story.shop.category(5),
        story.shop.search("lamp"),
    ];
    for (number, (hour, minute, rate)) in FLOOD.into_iter().enumerate() {
        let until = FLOOD
            .get(number + 1)
            .map_or(FLOOD_END, |(hour, minute, _)| (*hour, *minute));
        let span = (clock(hour, minute), clock(until.0, until.1));
        herd.flood(story, span, rate, &targets, |rng, at| {
            answer(rng, state(at))
        });
    }
}

/// What a request for a page gets.
fn answer(rng: &mut Rng, state: State) -> Answer {
    let slow = rng.between(900, 9_000);
    match (state, rng.below(100)) {
        (State::Coping, 0..=84) => Answer(200, 17_000 + rng.below(900), slow),
        (State::Coping, _) => Answer(499, 0, slow),
        (State::Failing, 0..=4) => Answer(200, 17_000 + rng.below(900), 3 * slow),
        (State::Failing, 5..=12) => Answer(504, 562, 60 * SECOND),
        (State::Failing, 13..=30) => Answer(502, 552, rng.between(1, 30)),
        (State::Failing, 31..=45) => Answer(499, 0, slow),
        // The application itself turns requests away while its queue is full.
        (State::Failing, _) => Answer(503, 1_204, rng.between(5, 60)),
        (State::Shedding, 0..=54) => Answer(444, 0, 0),
        (State::Shedding, 55..=92) => Answer(429, 162, 1),
        (State::Shedding, _) => Answer(200, 17_000 + rng.below(900), slow / 4),
    }
}

/// Visitors fare no better than the flood, except that nobody blocks them.
fn suffer(story: &mut Story) {
    story.edit(clock(2, 9), clock(5, 36), |rng, request| {
        if is_static(request) {
            // A page that failed pulls nothing: most of these requests never came.
            return rng.chance(0.2);
        }
        let Answer(status, bytes, took) = answer(rng, State::Failing);
        (request.status, request.bytes, request.took) = (status, bytes, took);
        true
    });
}

fn is_static(request: &Request) -> bool {
    ["/static/", "/media/", "/favicon"]
        .iter()
        .any(|prefix| request.line.contains(prefix))
}

/// The error log's side of the failed requests.
fn complain(story: &mut Story) {
    let requests = story.requests.clone();
    for request in &requests {
        match request.status {
            504 => story.upstream_timed_out(request),
            502 if story.rng.chance(0.8) => story.no_live_upstreams(request),
            502 => story.upstream_refused(request),
            429 => limited(story, request),
            _ => {}
        }
    }
    for at in story.moments(clock(2, 41), clock(5, 20), 0.4) {
        story.server_says(at, "alert", "1024 worker_connections are not enough");
    }
}

fn limited(story: &mut Story, request: &Request) {
    let excess = format!(
        "{}.{:03}",
        story.rng.between(20, 31),
        story.rng.below(1_000)
    );
    let text = format!("limiting requests, excess: {excess} by zone \"perclient\"");
    story.nginx_about(request, "error", &text, None);
}

fn stop_and_start(story: &mut Story, stopped: Millis, back: Millis) {
    story
        .messages
        .retain(|message| !(stopped..back).contains(&message.at));
    story.server_says(
        stopped,
        "notice",
        "signal 15 (SIGTERM) received from 1, exiting",
    );
    story.server_says(stopped, "notice", "exiting");
    story.nginx_starts(back);
    let reload = clock(5, 30) + 4 * SECOND;
    story.server_says(
        reload,
        "notice",
        "signal 1 (SIGHUP) received from 7712, reconfiguring",
    );
    story.server_says(reload, "notice", "reconfiguring");
    story.server_says(reload + MINUTE / 60, "notice", "start worker processes");
}

//! A release with a mistake in it.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "deploy-breaks-pages",
    about: "\
A release at 11:20 broke the pages of all items, which answered 500 until it was taken back at 11:52, and
moved the styles, so that pages kept from before asked for files that were gone (404). Everybody
met it, some pressed reload, and nobody new came. The report must say `server_fault`, no attack, accuse
nobody, and give the beginning and the end.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0xDE91_0500, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 5, 23), 9, 0, 0);
    let (broken, mended) = (first + 140 * MINUTE, first + 172 * MINUTE);
    let last = first + 5 * HOUR;
    visits(&mut story, first, last, visits_for(9.0, 11));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let mut again = Vec::new();
    story.edit(broken, mended, |rng, request| {
        if request.line.contains("/static/") {
            (request.status, request.bytes) = (404, 153);
        }
        if request.line.contains(" /p/") {
            (request.status, request.bytes, request.took) = (500, 1_873, 30);
            for number in 1..=rng.skewed(3) as i64 {
                let mut retry = request.clone();
                retry.at += number * (4 * SECOND + rng.between(0, 2_500));
                again.push(retry);
            }
        }
        !request.line.contains("/media/") || rng.chance(0.3)
    });
    let again = again.into_iter().filter(|request| request.at < mended);
    story.requests.extend(again);
    vec![File::gzip("access.log.gz", story.access_log())]
}

//! A crowd that a letter brought, and a server that could not take it.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{stranger, visit_item, visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "product-launch",
    about: "\
A new lamp went on sale at 10:00, announced by mail and in the shop's app, so that nearly nobody came with
a referer. For a quarter of an hour the shop had more visitors than it could take: a third of the pages was
answered with 503, without the pictures that belong to them. The report must call it a
`flash_crowd`, not an attack, accuse nobody, and tell the failures.",
    args: &[],
    build,
};

const LAMP: usize = 1;

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0x1A07_C4ED, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 3, 14), 7, 0, 0);
    let opened = first + 3 * HOUR;
    let last = first + 5 * HOUR;
    visits(&mut story, first, last, visits_for(6.0, 10));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    for (from, to, per_minute) in [(0, 3, 14.0), (3, 12, 11.0), (12, 25, 5.0), (25, 45, 2.0)] {
        let span = (opened + from * MINUTE, opened + to * MINUTE);
        for at in story.moments(span.0, span.1, per_minute) {
            let person = stranger(&mut story);
            let referer = match story.rng.chance(0.05) {
                true => "https://social.example/",
                false => "-",
            };
            visit_item(&mut story, &person, at, referer, LAMP);
        }
    }
    // What belongs to a page that failed is not asked for: a page's address is its pictures' referer.
    let mut failed: Vec<(String, String)> = Vec::new();
    story.requests.sort_by_key(|request| request.at);
    story.edit(opened + MINUTE, opened + 15 * MINUTE, |rng, request| {
        let is_page = request.line.contains(" /p/") || request.line.contains(" /c/");
        if is_page && rng.chance(0.35) {
            (request.status, request.bytes, request.took) = (503, 190, 3);
            let target = request.line.split(' ').nth(1).unwrap_or_default();
            failed.push((request.client.clone(), target.to_owned()));
            return true;
        }
        let orphan = |(client, page): &(String, String)| {
            *client == request.client && request.referer.ends_with(page.as_str())
        };
        is_page || !failed.iter().any(orphan)
    });
    story.requests.retain(|request| request.logged_at() < last);
    vec![File::gzip("access.log.gz", story.access_log())]
}

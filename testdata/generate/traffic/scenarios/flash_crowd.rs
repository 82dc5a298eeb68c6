//! Real people, all at once.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{stranger, visit_item, visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "flash-crowd",
    about: "\
A television programme showed one stool of the shop at 20:15, and for half an hour fifteen times as
many visitors as usual came, from everywhere, with every browser, by way of the programme's page,
pulling the pictures. The report must call it a `flash_crowd`, not an attack, and accuse nobody.",
    args: &[],
    build,
};

const STOOL: usize = 0;

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0xF1A5_4C20, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2022, 11, 18), 17, 0, 0);
    let shown = first + 3 * HOUR + 15 * MINUTE + 20_000;
    let last = first + 6 * HOUR;
    visits(&mut story, first, last, visits_for(8.0, 20));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    for (from, to, per_minute) in [(0, 2, 5.0), (2, 12, 16.0), (12, 22, 9.0), (22, 40, 3.0)] {
        let span = (shown + from * MINUTE, shown + to * MINUTE);
        for at in story.moments(span.0, span.1, per_minute) {
            let person = stranger(&mut story);
            let referers = [
                "https://tv.example/at-home/friday",
                "https://social.example/",
                "https://www.search.example/",
                "-",
            ];
            let referer = referers[story.rng.skewed(referers.len())];
            visit_item(&mut story, &person, at, referer, STOOL);
        }
    }
    story.requests.retain(|request| request.logged_at() < last);
    vec![File::gzip("access.log.gz", story.access_log())]
}

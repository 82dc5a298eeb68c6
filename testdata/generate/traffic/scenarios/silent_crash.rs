//! A server dies without a word.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "silent-crash",
    about: "\
A machine lost its power at 16:12:00, 53 seconds after its last request, and was back at 16:33:30, hung again at 16:37:40 and was back for good at
17:02:10. There is no error log, and the access log holds nothing but ordinary requests. The report must say
`server_fault`, no attack, with two outages, the first return as one that failed, and a recovery.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(-5);
    let mut story = Story::new(0x51_1E47, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2022, 10, 19), 14, 0, 0);
    let last = first + 5 * HOUR;
    visits(&mut story, first, last, visits_for(14.0, 16));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let at = |minutes: i64, seconds: i64| first + minutes * MINUTE + seconds * SECOND;
    story.silence(at(132, 0), at(153, 30));
    story.silence(at(157, 40), at(182, 10));
    vec![File::gzip("access.log.gz", story.access_log())]
}

//! A log whose clock shows one minute of every hour.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Layout, Server};

pub const SCENARIO: Scenario = Scenario {
    name: "hourly-clock",
    about: "\
Two ordinary days of a shop whose log was put together with a broken format of times: the minute is always :05, and the seconds are
those of the wrong moment, so that an hour's lines stand in one minute in no order, and times run back by up to a minute. The
report must find no incident (`none`): neither bursts every hour nor silences between them, nor a clock that was set back.",
    args: &[],
    build,
};

/// The minute of each hour that the clock shows.
const SHOWN: i64 = 5 * MINUTE;

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x40_0217, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 4, 18), 0, 0, 0);
    let last = first + 48 * HOUR;
    visits(&mut story, first, last, visits_for(4.0, 20));
    robots(&mut story, first, last, 5 * MINUTE);
    let mut requests = story.requests.clone();
    requests.sort_by_key(|request| request.logged_at());
    let mut log = String::new();
    for mut request in requests {
        let hour = request.logged_at().div_euclid(HOUR) * HOUR;
        request.at = hour + SHOWN + story.rng.between(0, 59) * SECOND;
        request.took = 0;
        log += &request.render(story.server, Layout::Combined, zone);
    }
    vec![File::gzip("access.log.gz", log.into_bytes())]
}

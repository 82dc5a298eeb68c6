//! A site that sleeps at night.

use super::{File, Scenario};
use crate::traffic::clock::{DAY, HOUR, Zone};
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "nightly-gaps",
    about: "\
Four days of a small shop for the trade, open to its own network only: a few requests a minute from 7 to 19 o'clock,
and nothing at all in the nights. The report must find no incident (`none`): what is silent every night is not down.",
    args: &[],
    build,
};

const DAYS: i64 = 4;

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x71_6877, Shop::scripts(), Server::Apache, zone);
    let midnight = zone.at((2023, 3, 7), 0, 0, 0);
    for day in 0..DAYS {
        let open = midnight + day * DAY + 7 * HOUR;
        let closed = open + 12 * HOUR;
        visits(&mut story, open, closed, visits_for(2.0, 12));
        story.silence(closed, open + DAY);
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

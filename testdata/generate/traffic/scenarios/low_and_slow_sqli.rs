//! One probe every ten minutes, for a day.

use super::{File, Scenario};
use crate::traffic::campaigns::{PROXY_AGENT, in_turn};
use crate::traffic::clock::{DAY, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "low-and-slow-sqli",
    about: "\
Amid a day's ordinary traffic 203.0.113.40, with an ordinary browser's name, sent one SQL payload every ten minutes
to `no` of `/item.php`; every answer was the page's own. The report must say `injection`, name that address and no
other, and see no sign that it worked.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x510F_51DE, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2023, 2, 7), 0, 0, 0);
    let last = first + DAY;
    visits(&mut story, first, last, visits_for(7.0, 20));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let who = ["203.0.113.40".to_owned()];
    in_turn(
        &mut story,
        &who,
        PROXY_AGENT,
        first + 9 * MINUTE,
        10 * MINUTE,
        138,
    );
    vec![File::gzip("access.log.gz", story.access_log())]
}

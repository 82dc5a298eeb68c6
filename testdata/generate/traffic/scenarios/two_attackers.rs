//! The same tool in two hands.

use super::{File, Scenario};
use crate::traffic::attackers::SQLMAP_AGENT;
use crate::traffic::campaigns::{in_turn, sql_payload};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Server, encode};

pub const SCENARIO: Scenario = Scenario {
    name: "two-attackers",
    about: "\
At 09:20 203.0.113.40 ran sqlmap at `no` of `/item.php`, and at 15:45 198.51.100.90 ran the same version of it at the
search. They have nothing else in common. The report must tell two incidents of `injection`, with one actor each.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(-3);
    let mut story = Story::new(0x2A77_AC4E, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2022, 10, 4), 8, 0, 0);
    let last = first + 10 * HOUR;
    visits(&mut story, first, last, visits_for(5.0, 20));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let one = ["203.0.113.40".to_owned()];
    in_turn(
        &mut story,
        &one,
        SQLMAP_AGENT,
        first + 80 * MINUTE,
        4 * SECOND,
        90,
    );
    let other = Who {
        client: "198.51.100.90",
        agent: SQLMAP_AGENT,
    };
    let mut at = first + 465 * MINUTE;
    for n in 0..70 {
        let target = story.shop.search(&encode(&sql_payload(n)));
        story.get(at, other, &target, Answer(200, 9_310, 80));
        at += story.rng.between(2, 6) * SECOND;
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

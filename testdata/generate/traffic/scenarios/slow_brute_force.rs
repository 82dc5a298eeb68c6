//! Somebody has time.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "slow-brute-force",
    about: "\
Two addresses took turns at the login form for the whole log, one password every 45 seconds or so, so that no minute
stands out. Wrong passwords are refused with 401; the last one was right. The report must say `brute_force`,
name the two, and show the login that worked.",
    args: &[],
    build,
};

pub const GUESSERS: [&str; 2] = ["203.0.113.18", "203.0.113.201"];

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0x5107_B407, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 4, 11), 6, 0, 0);
    let last = first + 10 * HOUR;
    visits(&mut story, first, last, visits_for(2.0, 12));
    robots(&mut story, first, last, 4 * MINUTE);
    strays(&mut story, first, last, 0.5);
    let login = story.shop.login();
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0";
    let mut at = first + 3 * MINUTE;
    let mut number = 0;
    while at < last - 20 * MINUTE {
        let who = Who {
            client: GUESSERS[number % GUESSERS.len()],
            agent,
        };
        story.ask(at, who, "POST", login, "-", Answer(401, 5_310, 180));
        at += 45 * SECOND + story.rng.between(-9 * SECOND, 9 * SECOND);
        number += 1;
    }
    let who = Who {
        client: GUESSERS[0],
        agent,
    };
    story.ask(at, who, "POST", login, "-", Answer(302, 0, 205));
    story.get(
        at + 2 * SECOND,
        who,
        "/account/orders",
        Answer(200, 9_211, 60),
    );
    vec![File::gzip("access.log.gz", story.access_log())]
}

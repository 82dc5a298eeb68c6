//! Stolen passwords, tried from everywhere.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::agents;
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "credential-stuffing",
    about: "\
From 02:20 to 04:10 three hundred addresses tried stolen passwords at the login form, three to six each,
with browsers' user agents and without looking at anything else. A wrong password brings the form again (200),
a right one a redirect (302): eleven worked, and the account page was fetched after each. Customers
logged in meanwhile. The report must say `brute_force`, name the three hundred and no customer, and show
logins that worked.",
    args: &[],
    build,
};

/// Every so many attempts one works.
const WORKS: usize = 120;
/// The first address of the herd that uses this user agent, so that tests know it.
pub const STUFFING_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.88 Safari/537.36";

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0xC4ED_57FF, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 1, 17), 0, 0, 0);
    let last = first + 7 * HOUR;
    visits(&mut story, first, last, visits_for(6.0, 6));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let herd: Vec<String> = (0..300)
        .map(|n| address::shared(0x2_0000 + n * 811))
        .collect();
    let login = story.shop.login();
    let form = story.shop.url(login);
    let mut number = 0;
    for client in &herd {
        let who = Who {
            client,
            agent: STUFFING_AGENT,
        };
        for _ in 0..story.rng.between(3, 6) {
            number += 1;
            let at = first + 140 * MINUTE + story.rng.between(0, 110 * MINUTE);
            story.get(at, who, login, Answer(200, 5_200, 40));
            let posted = at + story.rng.between(300, 900);
            let works = number % WORKS == 0;
            let answer = if works {
                Answer(302, 0, 190)
            } else {
                Answer(200, 5_310, 180)
            };
            story.ask(posted, who, "POST", login, &form, answer);
            if works {
                let seen = posted + story.rng.between(SECOND, 2 * SECOND);
                story.get(seen, who, "/account", Answer(200, 8_800, 60));
            }
        }
    }
    debug_assert!(
        agents::browsers()
            .iter()
            .all(|agent| agent != STUFFING_AGENT)
    );
    vec![File::gzip("access.log.gz", story.access_log())]
}

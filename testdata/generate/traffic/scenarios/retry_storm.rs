//! An app that tries again too fast.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "retry-storm",
    about: "\
The database behind an app's API was away from 18:31 to 18:49. The app answers an error by asking again
within two seconds, so that the same 160 phones as before brought twelve times the usual
traffic, all of it failing, until the database was back. The report must say `server_fault`, no attack, and accuse
nobody; that traffic rose is a consequence.",
    args: &[],
    build,
};

/// Phones with the app.
const PHONES: usize = 160;
/// How often one refreshes, in seconds.
const REFRESH_S: i64 = 150;
const AGENT: &str = "ShopApp/5.1 (Android 12; Pixel 6) okhttp/4.9.1";
const CALLS: [&str; 3] = [
    "/api/v2/me/basket",
    "/api/v2/offers?near=1",
    "/api/v2/me/messages",
];

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x4E74_4157, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 2, 2), 17, 0, 0);
    let (away, back) = (first + 91 * MINUTE, first + 109 * MINUTE);
    let last = first + 3 * HOUR;
    let phones: Vec<String> = (0..PHONES)
        .map(|_| address::visitor(&mut story.rng))
        .collect();
    for phone in &phones {
        let who = Who {
            client: phone,
            agent: AGENT,
        };
        let mut at = first + story.rng.between(0, REFRESH_S * SECOND);
        while at < last {
            let call = *story.rng.pick(&CALLS);
            let down = (away..back).contains(&at);
            let answer = match down {
                true => Answer(503, 162, 2),
                false => Answer(200, 900 + story.rng.below(2_000), 35),
            };
            story.get(at, who, call, answer);
            at += match down {
                true => story.rng.between(9 * SECOND, 15 * SECOND),
                false => REFRESH_S * SECOND + story.rng.between(-40 * SECOND, 40 * SECOND),
            };
        }
    }
    vec![File::gzip("access.log.gz", story.access_log())]
}

//! Somebody guesses passwords, and one fits.

use super::{File, Scenario};
use crate::traffic::attackers::guess_passwords;
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "brute-force",
    about: "\
Six addresses of one network posted some nine hundred passwords to the login form in 40 minutes, all
refused with 401 but the last, which opened an account that was then looked through. The report must
say `brute_force`, name the six addresses, and show the login that worked.",
    args: &[],
    build,
};

fn build() -> Vec<File> {
    let zone = Zone(-5);
    let mut story = Story::new(0xB407_EF04, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2022, 12, 2), 20, 0, 0);
    let last = first + 3 * HOUR;
    visits(&mut story, first, last, visits_for(4.0, 21));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let addresses: Vec<String> = (0..6)
        .map(|n| format!("203.0.113.{}", 60 + 7 * n))
        .collect();
    let began = first + 75 * MINUTE;
    let ended = began + 40 * MINUTE;
    guess_passwords(&mut story, &addresses, (began, ended), 23.0);
    let who = Who {
        client: &addresses[3],
        agent: "python-requests/2.28.1",
    };
    let login = story.shop.login();
    story.ask(ended, who, "POST", login, "-", Answer(302, 0, 205));
    for (number, page) in ["/account", "/account/orders", "/account/addresses"]
        .into_iter()
        .enumerate()
    {
        let at = ended + (2 + 4 * number as i64) * SECOND;
        story.get(at, who, page, Answer(200, 8_800 + 411 * number as u64, 60));
    }
    vec![File::plain("access.log", story.access_log())]
}

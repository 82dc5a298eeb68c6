//! A blind injection that shows in nothing but how long answers take.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, Millis, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Layout, Server, encode};

pub const SCENARIO: Scenario = Scenario {
    name: "blind-sqli-timed",
    about: "\
The log ends each line with Apache's %D. One client made the database sleep through the number in /stock.php
and read a name with it, letter by letter; the same payloads at /item.php, which binds its number, changed
nothing. The report must say that the first worked and that the second shows no evidence of it.",
    args: &[],
    build,
};

const INTRUDER: Who = Who {
    client: "198.51.100.61",
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
};

/// Waits as tools ask for them, in the dialects that they try.
const WAITS: [&str; 8] = [
    "17 AND SLEEP(5)",
    "17' AND SLEEP(5)-- -",
    "17) AND SLEEP(5)-- -",
    "17;SELECT PG_SLEEP(5)--",
    "17;WAITFOR DELAY '0:0:5'--",
    "17 AND (SELECT 4152 FROM (SELECT(SLEEP(5)))a)",
    "17 OR SLEEP(5)",
    "17 AND SLEEP(0)",
];

/// What the server's own part of a request takes.
const QUICK: (Millis, Millis) = (18, 140);

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x71ED_0001, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2023, 3, 14), 9, 0, 0);
    let last = first + 3 * HOUR;
    visits(&mut story, first, last, visits_for(3.5, 9));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let mut at = first + 70 * MINUTE;
    for page in ["/item.php", "/stock.php"] {
        for payload in WAITS {
            ask(&mut story, page, at, payload);
            at += story.rng.between(7, 20) * SECOND;
        }
    }
    for position in 1..=6 {
        for guess in [64, 96, 112, 104] {
            let payload =
                format!("17 AND IF(ORD(MID((SELECT DATABASE()),{position},1))>{guess},SLEEP(3),0)");
            ask(&mut story, "/stock.php", at, &payload);
            at += story.rng.between(4, 9) * SECOND;
        }
    }
    vec![File::plain(
        "access.log",
        story.access_log_as(Layout::Timed),
    )]
}

/// Asks a page, which waits if its database runs the statement: MySQL, and the number bare.
fn ask(story: &mut Story, page: &str, at: Millis, payload: &str) {
    let quick = story.rng.between(QUICK.0, QUICK.1);
    let runs = page == "/stock.php" && payload.starts_with("17 ");
    let waits = match payload {
        _ if !runs => 0,
        text if text.contains("SLEEP(3)") && story.rng.chance(0.5) => 3 * SECOND,
        text if text.contains("SLEEP(5)") => 5 * SECOND,
        _ => 0,
    };
    let bytes = if page == "/stock.php" { 61 } else { 17_402 };
    let target = format!("{page}?no={}", encode(payload));
    story.get(at, INTRUDER, &target, Answer(200, bytes, quick + waits));
}

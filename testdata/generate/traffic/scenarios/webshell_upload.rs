//! A web shell whose name is in no list, and what only looks like one.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, Millis, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "webshell-upload",
    about: "\
A client sent a file to the picture form, asked for a script in the folder of thumbnails that nobody knew before, and
worked with it, by query and then by POST, for an hour. An administrator's page used by one address, a job that
calls a script every five minutes, and a scanner to which every address answers 200 with one size are no shells. The
report must say `webshell` with the upload and the path, and accuse the one client alone.",
    args: &[],
    build,
};

const SHELL: &str = "/static/thumbs/cache/q7x2m.php";
const OPERATOR: Who = Who {
    client: "203.0.113.77",
    agent: "python-requests/2.28.1",
};
const ADMIN: Who = Who {
    client: "192.0.2.25",
    agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:108.0) Gecko/20100101 Firefox/108.0",
};
const JOB: Who = Who {
    client: "192.0.2.9",
    agent: "curl/7.88.1",
};
const SCANNER: Who = Who {
    client: "198.51.100.140",
    agent: "Mozilla/5.0 (compatible; Nmap Scripting Engine)",
};
const SHELL_NAMES: [&str; 10] = [
    "c99.php",
    "r57.php",
    "wso.php",
    "b374k.php",
    "shell.php",
    "cmd.php",
    "up.php",
    "alfa.php",
    "mini.php",
    "1.php",
];

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x5E11_0002, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2023, 1, 11), 13, 0, 0);
    let last = first + 4 * HOUR;
    visits(&mut story, first, last, visits_for(3.5, 13));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    administrate(&mut story, first + 20 * MINUTE);
    let mut at = first + MINUTE;
    while at < last {
        story.get(
            at,
            JOB,
            "/tasks/run.php?key=7f3e",
            Answer(200, 2 + at as u64 % 3, 400),
        );
        at += 5 * MINUTE;
    }
    for (number, name) in SHELL_NAMES.into_iter().enumerate() {
        let target = format!("/images/{name}");
        for again in 0..4 {
            let at = first + 30 * MINUTE + (4 * number as i64 + again) * SECOND;
            story.get(at, SCANNER, &target, Answer(200, 5_120, 9));
        }
    }
    operate(&mut story, first + 110 * MINUTE);
    vec![File::plain("access.log", story.access_log())]
}

/// Pages of reports, some of them filled in and sent.
fn administrate(story: &mut Story, start: Millis) {
    let form = story.shop.url("/office/report.php");
    let mut at = start;
    for number in 0..30u64 {
        let method = if number % 3 == 0 { "POST" } else { "GET" };
        let bytes = 8_000 + 311 * number;
        let target = format!("/office/report.php?month={}", number % 12 + 1);
        story.ask(at, ADMIN, method, &target, &form, Answer(200, bytes, 120));
        story.ask(
            at + SECOND,
            ADMIN,
            "GET",
            "/static/css/shop.4f1c.css",
            &form,
            Answer(200, 38_211, 3),
        );
        at += story.rng.between(60, 300) * SECOND;
    }
}

fn operate(story: &mut Story, start: Millis) {
    story.get(
        start,
        OPERATOR,
        "/review.php?no=12",
        Answer(200, 11_240, 70),
    );
    story.ask(
        start + 9 * SECOND,
        OPERATOR,
        "POST",
        "/review.php?no=12",
        "-",
        Answer(302, 0, 110),
    );
    let mut at = start + 31 * SECOND;
    story.get(at, OPERATOR, SHELL, Answer(200, 3, 12));
    for (command, bytes) in [
        ("id", 57),
        ("pwd", 34),
        ("ls%20-la", 1_911),
        ("uname%20-a", 141),
    ] {
        at += story.rng.between(9, 40) * SECOND;
        let target = format!("{SHELL}?z={command}");
        story.get(at, OPERATOR, &target, Answer(200, bytes, 40));
    }
    for _ in 0..18 {
        at += story.rng.between(20, 300) * SECOND;
        let bytes = 40 + story.rng.below(22_000);
        story.ask(at, OPERATOR, "POST", SHELL, "-", Answer(200, bytes, 90));
    }
}

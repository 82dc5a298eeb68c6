//! Errors of several lines.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "php-fatal-traces",
    about: "\
A nightly job ran into the morning and held locks: from 09:20 to 09:46 two pages of five died in a deadlock, and
PHP wrote a trace of seven lines for each. Every trace is one message with one client, who stands in its last line.
The report must say `server_fault`, no attack, and count each trace once.",
    args: &[],
    build,
};

/// Share of the pages that die while the locks are held.
const DEADLOCKED: f64 = 0.4;

/// What PHP writes to its standard error, line ends and all, and nginx copies.
const TRACE: &str = "FastCGI sent in stderr: \"PHP message: PHP Fatal error:  Uncaught PDOException: \
SQLSTATE[40001]: Serialization failure: 1213 Deadlock found when trying to get lock; try restarting transaction in \
/srv/shop/lib/Stock.php:88
Stack trace:
#0 /srv/shop/lib/Stock.php(88): PDOStatement->execute()
#1 /srv/shop/pages/item.php(31): Stock->reserve(41)
#2 /srv/shop/index.php(17): require('/srv/shop/pages...')
#3 {main}
  thrown in /srv/shop/lib/Stock.php on line 88\" while reading response header from upstream";

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0x7_2ACE, Shop::pretty(), Server::Nginx, zone);
    let first = zone.at((2023, 2, 14), 8, 0, 0);
    let last = first + 3 * HOUR;
    let (locked, free) = (first + 80 * MINUTE, first + 106 * MINUTE);
    visits(&mut story, first, last, visits_for(14.0, 9));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let mut failed = Vec::new();
    story.edit(locked, free, |rng, request| {
        let page = !request.line.contains("/static/") && !request.line.contains("/media/");
        if page && rng.chance(DEADLOCKED) {
            (request.status, request.bytes) = (500, 0);
            failed.push(request.clone());
        }
        true
    });
    for request in &failed {
        story.nginx_about(request, "error", TRACE, Some("fastcgi://127.0.0.1:9000"));
    }
    vec![
        File::gzip("access.log.gz", story.access_log()),
        File::gzip("error.log.gz", story.error_log()),
    ]
}

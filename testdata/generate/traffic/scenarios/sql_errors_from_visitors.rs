//! Customers whose searches the script cannot bear.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Request, Server};

pub const SCENARIO: Scenario = Scenario {
    name: "sql-errors-from-visitors",
    about: "\
The search puts what people type into its statement as it is: every apostrophe (O'Neill, children's chair) is a 500 and
an SQL error in the error log. Nobody attacked. The report must not speak of an injection, nor accuse anybody.",
    args: &[],
    build,
};

/// What customers type who know how names are spelt.
const TYPED: [&str; 5] = [
    "o%27neill+hoodie",
    "children%27s+chair",
    "valentine%27s+mug",
    "5%27+6%22+ladder",
    "levi%27s",
];

/// The share of searches that are like that.
const QUOTED: f64 = 0.5;

fn build() -> Vec<File> {
    let zone = Zone(1);
    let mut story = Story::new(0x0E11_1A11, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2021, 11, 20), 10, 0, 0);
    let last = first + 3 * HOUR;
    visits(&mut story, first, last, visits_for(5.0, 10));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let mut failed: Vec<Request> = Vec::new();
    story.edit(first, last, |rng, request| {
        let path = "/find.php?term=";
        if request.line.contains(path) && rng.chance(QUOTED) {
            request.line = format!("GET {path}{} HTTP/1.1", rng.pick(&TYPED));
        }
        if request.line.contains("/find.php?term=") && request.line.contains("%27") {
            request.status = 500;
            request.bytes = 312;
            failed.push(request.clone());
        }
        true
    });
    for request in failed {
        let typed = request.line.split("term=").nth(1).unwrap_or_default();
        let typed = typed.split([' ', '&']).next().unwrap_or_default();
        let near = typed
            .replace("%27", "'")
            .replace("%22", "\"")
            .replace('+', " ");
        let near = near.split_once('\'').map_or("", |(_, rest)| rest);
        let complaint = format!(
            "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version \
             for the right syntax to use near '{near}%'' at line 1"
        );
        story.sql_error(&request, &complaint, "find.php");
    }
    vec![
        File::plain("access.log", story.access_log()),
        File::plain("error.log", story.error_log()),
    ]
}

//! The database behind the application is gone.

use super::{File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::Server;

pub const SCENARIO: Scenario = Scenario {
    name: "database-down",
    about: "\
The database was stopped for an upgrade from 11:26 to 11:48: every page was answered with 500, while images and
styles were served as ever. The report must say `server_fault`, no attack, with the beginning and the end of the
failures, and that the messages tell of the database.",
    args: &[],
    build,
};

/// What PHP says when nobody listens on the database's port.
const REFUSED: &str = "PHP Fatal error:  Uncaught mysqli_sql_exception: (HY000/2002): Connection refused in \
/srv/shop/lib/database.php:12";

fn build() -> Vec<File> {
    let zone = Zone(9);
    let mut story = Story::new(0xDB_D093, Shop::scripts(), Server::Apache, zone);
    let first = zone.at((2022, 9, 14), 9, 0, 0);
    let last = first + 5 * HOUR;
    let (down, up) = (first + 146 * MINUTE, first + 168 * MINUTE);
    visits(&mut story, first, last, visits_for(11.0, 11));
    robots(&mut story, first, last, MINUTE);
    strays(&mut story, first, last, 1.0);
    let mut failed = Vec::new();
    story.edit(down, up, |_, request| {
        let page = !request.line.contains("/static/") && !request.line.contains("/media/");
        if page {
            (request.status, request.bytes) = (500, 0);
            failed.push(request.clone());
        }
        true
    });
    for request in &failed {
        story.apache_about(request, "php:error", REFUSED);
    }
    vec![
        File::gzip("access.log.gz", story.access_log()),
        File::plain("error.log", story.error_log()),
    ]
}

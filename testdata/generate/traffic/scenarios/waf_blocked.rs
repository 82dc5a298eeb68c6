//! An injection tool in front of a firewall.

use super::{File, Scenario};
use crate::traffic::attackers::{SQL_PROBES, sleeping, union_columns};
use crate::traffic::clock::{HOUR, MINUTE, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Server, encode};

pub const SCENARIO: Scenario = Scenario {
    name: "waf-blocked",
    about: "\
One client sent some hundred SQL and script payloads to the search and to the list of a group; a firewall answered
each with 403, while everybody else got pages. The report must say that all of it was blocked.",
    args: &[],
    build,
};

const TOOL: Who = Who {
    client: "198.51.100.203",
    agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/104.0.0.0 Safari/537.36",
};

fn build() -> Vec<File> {
    let zone = Zone(-5);
    let mut story = Story::new(0x0403_0403, Shop::scripts(), Server::Nginx, zone);
    let first = zone.at((2022, 8, 30), 15, 0, 0);
    let last = first + 3 * HOUR;
    visits(&mut story, first, last, visits_for(5.0, 15));
    robots(&mut story, first, last, 2 * MINUTE);
    strays(&mut story, first, last, 1.0);
    let mut at = first + 100 * MINUTE;
    for round in 0..4 {
        let mut payloads: Vec<String> = SQL_PROBES.iter().map(|&text| text.to_owned()).collect();
        payloads.extend((1..6).map(|count| union_columns(count + round)));
        payloads.extend((0..4).map(|_| sleeping(&mut story.rng)));
        payloads.push("<script>alert(document.domain)</script>".to_owned());
        for payload in payloads {
            for page in ["/find.php?term=", "/list.php?group="] {
                let target = format!("{page}{}", encode(&payload));
                story.get(at, TOOL, &target, Answer(403, 548, 1));
                at += story.rng.between(300, 1_900);
            }
        }
    }
    vec![File::plain("access.log", story.access_log())]
}

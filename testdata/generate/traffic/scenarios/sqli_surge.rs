//! SQL injection that works, and a surge that takes the shop down for two hours.

use super::{File, Scenario};
use crate::traffic::address;
use crate::traffic::attackers::{
    Botnet, FLOOD_AGENTS, SQL_PROBES, SQLMAP_AGENT, blind, directory_scan, sleeping, union_columns,
    union_rows,
};
use crate::traffic::clock::{Millis, SECOND, Zone};
use crate::traffic::noise::strays;
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::{Answer, Story, Who};
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Server, encode};

pub const SCENARIO: Scenario = Scenario {
    name: "sqli-surge-2021-09-05",
    about: "\
On 2021-09-05 (GMT) one attacker looked around a PHP shop under Apache from 12:20, found `no` of
`/item.php` injectable from 13:12, read the customers table by UNION from 13:38, and at 13:51 some 420
addresses began a surge with SLEEP and UNION payloads mixed in: database connections and
MaxRequestWorkers ran out, processes crashed, the server was killed at 14:00, a restart at 14:15 failed,
and service was restored at 16:00. The report must say `injection_and_surge`, with recon, injection,
access, surge, degradation, outage, restart and recovery in its timeline, and the injection into
`/item.php` as `likely`.",
    args: &[],
    build,
};

const ZONE: Zone = Zone(0);
const DATE: (i64, i64, i64) = (2021, 9, 5);
/// Lines a minute of ordinary traffic at noon.
const ORDINARY: f64 = 9.0;
const HERD: usize = 420;
const HAND: Who = Who {
    client: "203.0.113.91",
    agent: "Mozilla/5.0 (X11; Linux x86_64; rv:78.0) Gecko/20100101 Firefox/78.0",
};
const TOOL: Who = Who {
    client: "203.0.113.91",
    agent: SQLMAP_AGENT,
};
const SECOND_TOOL: Who = Who {
    client: "2001:db8:51:9::4f",
    agent: "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:40.0) Gecko/20100101 Firefox/40.1",
};

fn clock(hour: i64, minute: i64, second: i64) -> Millis {
    ZONE.at(DATE, hour, minute, second)
}

fn build() -> Vec<File> {
    let mut story = Story::new(0x5121_2021_0905, Shop::scripts(), Server::Apache, ZONE);
    let (first, last) = (clock(9, 30, 0), clock(18, 0, 0));
    visits(&mut story, first, last, visits_for(ORDINARY, 12));
    robots(&mut story, first, last, 60 * SECOND);
    strays(&mut story, first, last, 2.0);
    look_around(&mut story);
    probe(&mut story);
    extract(&mut story);
    let herd = herd(&mut story);
    surge(&mut story, &herd);
    fail_again(&mut story, &herd);
    come_back(&mut story);
    let crashed = clock(14, 0, 5);
    let (tried, given_up, restored) = (clock(14, 15, 12), clock(14, 18, 40), clock(16, 0, 0));
    story.silence(crashed, tried);
    story.silence(given_up, restored);
    let dead = [(crashed, tried), (given_up, restored)];
    story.messages.retain(|message| {
        dead.iter()
            .all(|(from, to)| !(*from..*to).contains(&message.at))
    });
    lifecycle(&mut story, tried, restored);
    vec![
        File::gzip("access.log.gz", story.access_log()),
        File::plain("error.log", story.error_log()),
    ]
}

/// A look at the shop, `robots.txt`, and a list of directory names.
fn look_around(story: &mut Story) {
    let pages = [
        "/",
        "/robots.txt",
        "/list.php?group=3",
        "/item.php?no=17",
        "/sitemap.xml",
    ];
    for (number, target) in pages.into_iter().enumerate() {
        let at = clock(12, 20, 40) + number as i64 * 21 * SECOND;
        story.get(
            at,
            HAND,
            target,
            Answer(200, 6_700 + 90 * number as u64, 60),
        );
    }
    let scanner = Who {
        client: HAND.client,
        agent: "gobuster/3.1.0",
    };
    directory_scan(story, scanner, clock(12, 31, 0), 6);
}

/// By hand first: does a quote hurt, does a false condition empty the page?
fn probe(story: &mut Story) {
    let mut at = clock(13, 12, 5);
    for probe in SQL_PROBES {
        ask_item(story, HAND, at, probe);
        at += story.rng.between(6, 25) * SECOND;
    }
    for probe in [
        "lamp'",
        "lamp' OR '1'='1",
        "lamp%' AND '%'='",
        "lamp\" OR 1=1-- -",
    ] {
        let target = story.shop.search(&encode(probe));
        story.get(at, HAND, &target, Answer(200, 9_310, 80));
        at += story.rng.between(6, 25) * SECOND;
    }
    for columns in 1..=5 {
        ask_item(story, HAND, at, &union_columns(columns));
        at += story.rng.between(5, 14) * SECOND;
    }
}

/// Then by tool: guessing characters, then whole rows, from two addresses.
fn extract(story: &mut Story) {
    let mut at = clock(13, 27, 43);
    for position in 1..=16 {
        for step in 0..7 {
            ask_item(
                story,
                TOOL,
                at,
                &blind(position, 97 + (step * 37 + position) % 26),
            );
            at += story.rng.between(500, 2_500);
        }
    }
    for table in ["information_schema.tables", "information_schema.columns"] {
        for offset in 0..6 {
            ask_item(
                story,
                TOOL,
                at,
                &union_rows(table, "table_schema,table_name", offset * 50),
            );
            at += story.rng.between(900, 3_000);
        }
    }
    let mut at = clock(13, 38, 2);
    for offset in 0..110 {
        let payload = union_rows("customers", "email,pass_hash,phone", offset * 50);
        ask_item(story, SECOND_TOOL, at, &payload);
        at += story.rng.between(2_000, 9_000);
    }
}

/// Asks for an item with a payload in its number, and answers as the vulnerable script does: rows
/// of other tables make the page longer, refused statements make it a 500.
fn ask_item(story: &mut Story, who: Who, at: Millis, payload: &str) {
    let target = format!("/item.php?no={}", encode(payload));
    let more = story.rng.below(60);
    let complaint = complaint(payload);
    let answer = match payload {
        _ if complaint.is_some() => Answer(500, 1_873, 40),
        _ if payload.contains("FROM customers") => Answer(200, 41_000 + 37 * more, 210),
        _ if payload.contains("FROM information_schema") => Answer(200, 33_500 + 31 * more, 160),
        // A false condition finds no item, and the page says so in few words.
        _ if payload.contains("1=2") || more < 30 => Answer(200, 7_204, 60),
        _ => Answer(200, 19_870, 60),
    };
    story.get(at, who, &target, answer);
    if let (Some(complaint), Some(request)) = (complaint, story.requests.last().cloned()) {
        story.sql_error(&request, &complaint, "item.php");
    }
}

/// What the database has against a payload that stands where the script expects a bare number, in a
/// query of five columns.
fn complaint(payload: &str) -> Option<String> {
    let columns = payload.matches("NULL").count();
    if payload.contains("ORDER BY 9") {
        Some("Unknown column '9' in 'order clause'".to_owned())
    } else if payload.contains("UNION") && !payload.contains("FROM") && columns != 5 {
        Some("The used SELECT statements have a different number of columns".to_owned())
    } else if payload.contains(['\'', '"', ';']) {
        let near = payload.trim_start_matches(|c: char| c.is_ascii_digit());
        Some(format!(
            "You have an error in your SQL syntax; check the manual that corresponds to your \
             MariaDB server version for the right syntax to use near '{near}' at line 1"
        ))
    } else {
        None
    }
}

fn herd(story: &mut Story) -> Botnet {
    Botnet {
        addresses: address::botnet(&mut story.rng, HERD, 9, 0.4),
        agents: FLOOD_AGENTS[..3].to_vec(),
    }
}

/// Targets of the surge; a thirtieth of them with a payload.
fn surge_targets(story: &mut Story) -> Vec<String> {
    let mut targets = Vec::new();
    for number in 0..150 {
        targets.push(match number % 30 {
            7 => {
                let payload = sleeping(&mut story.rng);
                format!("/item.php?no={}", encode(&payload))
            }
            19 => format!(
                "/item.php?no={}",
                encode(&union_rows("orders", "id,total", number))
            ),
            0 | 10 | 20 => "/".to_owned(),
            n if n % 2 == 0 => story.shop.search("lamp"),
            n => story.shop.item(n as usize),
        });
    }
    targets
}

/// 13:51:10 to the crash at 14:00:05.
fn surge(story: &mut Story, herd: &Botnet) {
    let targets = surge_targets(story);
    let steps = [
        (clock(13, 51, 10), 130.0),
        (clock(13, 52, 30), 300.0),
        (clock(13, 54, 0), 520.0),
        (clock(13, 58, 0), 640.0),
        (clock(14, 0, 5), 0.0),
    ];
    for pair in steps.windows(2) {
        let [(from, rate), (to, _)] = [pair[0], pair[1]];
        herd.flood(story, (from, to), rate, &targets, |rng, at| {
            let failing = at >= clock(13, 53, 40);
            match rng.below(100) {
                0..=41 if failing => Answer(500, 1_873, rng.between(4_000, 11_000)),
                42..=57 if failing => Answer(503, 380, rng.between(20, 500)),
                _ => Answer(200, 15_000 + rng.below(6_000), rng.between(700, 9_000)),
            }
        });
    }
    hurt_visitors(story, clock(13, 53, 40), clock(14, 0, 5));
    complain(story, clock(13, 51, 10), clock(14, 0, 5));
}

fn hurt_visitors(story: &mut Story, from: Millis, to: Millis) {
    story.edit(from, to, |rng, request| {
        if request.line.contains(".php") && rng.chance(0.5) {
            (request.status, request.bytes, request.took) =
                (500, 1_873, rng.between(4_000, 11_000));
        }
        true
    });
}

/// A refused database connection for a good part of the failed requests, and crashed processes.
fn complain(story: &mut Story, from: Millis, to: Millis) {
    let failed: Vec<_> = story
        .requests
        .iter()
        .filter(|request| request.status == 500 && (from..to).contains(&request.at))
        .cloned()
        .collect();
    for request in &failed {
        if story.rng.chance(0.4) {
            story.too_many_connections(request);
        }
    }
}

/// The restart of 14:15: the surge is still there.
fn fail_again(story: &mut Story, herd: &Botnet) {
    let targets = surge_targets(story);
    let span = (clock(14, 15, 14), clock(14, 18, 40));
    herd.flood(story, span, 240.0, &targets, |rng, _| match rng.below(10) {
        0..=7 => Answer(500, 1_873, rng.between(100, 3_000)),
        _ => Answer(503, 380, 40),
    });
    hurt_visitors(story, span.0, span.1);
    complain(story, span.0, span.1);
}

/// After the repair the attacker tries once more, and gets ordinary error pages.
fn come_back(story: &mut Story) {
    let mut at = clock(16, 41, 0);
    for offset in 0..5 {
        let payload = union_rows("customers", "email,pass_hash,phone", offset);
        let target = format!("/item.php?no={}", encode(&payload));
        story.get(at, HAND, &target, Answer(404, 4_120, 20));
        at += 9 * SECOND;
    }
}

fn lifecycle(story: &mut Story, tried: Millis, restored: Millis) {
    let workers = "AH00161: server reached MaxRequestWorkers setting, consider raising the \
                   MaxRequestWorkers setting";
    story.server_says(clock(13, 55, 2), "mpm_prefork:error", workers);
    for (minute, second, pid) in [
        (58, 40, 21_107),
        (59, 12, 21_131),
        (59, 48, 21_104),
        (59, 58, 21_122),
    ] {
        let text = format!("AH00052: child pid {pid} exit signal Segmentation fault (11)");
        story.server_says(clock(13, minute, second), "core:notice", text);
    }
    story.apache_starts(tried);
    story.server_says(
        tried + 170 * SECOND,
        "core:notice",
        "AH00052: child pid 22018 exit signal Segmentation fault (11)",
    );
    story.server_says(
        clock(14, 18, 39),
        "mpm_prefork:notice",
        "AH00169: caught SIGTERM, shutting down",
    );
    story.apache_starts(restored);
}

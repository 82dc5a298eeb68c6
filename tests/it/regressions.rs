//! One test for each mistake that the program once made, named for what went wrong. Each makes its
//! own small log; what every report must hold is in `laws`, what whole stories must say in `stories`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{each, number, parse, report_in, run_in, text};
use crate::traffic::rng::Rng;
use crate::traffic::writers::gzip;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// The day of every log here.
const DAY: &str = "2022-03-09";

const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:97.0) Gecko/20100101 Firefox/97.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.80 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.3 Safari/605.1.15",
];
const MONITOR: &str = "uptime-probe/2.1";
const SEARCH_BOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
/// What a page has ordinarily, in bytes; a little more or less.
const PAGE_BYTES: u64 = 8_000;

/// An access log in the making: its lines with their second of the day.
struct Log {
    lines: Vec<(u64, String)>,
    rng: Rng,
    zone: &'static str,
}

/// One request and its answer.
struct Entry<'a> {
    client: &'a str,
    request: &'a str,
    status: u16,
    bytes: u64,
    referer: &'a str,
    agent: &'a str,
}

impl Log {
    fn new(seed: u64) -> Log {
        let rng = Rng::new(seed);
        Log {
            lines: Vec::new(),
            rng,
            zone: "+0000",
        }
    }

    fn add(&mut self, second: u64, entry: &Entry) {
        let Entry {
            client,
            request,
            status,
            bytes,
            referer,
            agent,
        } = entry;
        let (clock, zone) = (clock(second), self.zone);
        let line = format!(
            "{client} - - [09/Mar/2022:{clock} {zone}] \"{request} HTTP/1.1\" {status} {bytes} \"{referer}\" \"{agent}\""
        );
        self.lines.push((second, line));
    }

    /// A request of no browser: no referer, a page's usual size.
    fn bare(&mut self, second: u64, client: &str, request: &str, status: u16, agent: &str) {
        let bytes = self.page_bytes();
        self.add(
            second,
            &Entry {
                client,
                request,
                status,
                bytes,
                referer: "-",
                agent,
            },
        );
    }

    fn page_bytes(&mut self) -> u64 {
        PAGE_BYTES - 400 + self.rng.below(800)
    }

    /// A page with what belongs to it: a style, a script and a picture, asked for in its name.
    fn page(&mut self, second: u64, client: &str, path: &str, referer: &str, agent: &str) {
        let bytes = self.page_bytes();
        let page = Entry {
            client,
            request: &format!("GET {path}"),
            status: 200,
            bytes,
            referer,
            agent,
        };
        self.add(second, &page);
        let url = format!("https://shop.example{path}");
        let picture = format!("GET /img/{}.jpg", self.rng.below(40));
        for (request, bytes) in [
            ("GET /site.css", 4_100),
            ("GET /site.js", 9_300),
            (&picture, 21_000),
        ] {
            let later = second + self.rng.below(3);
            self.add(
                later,
                &Entry {
                    client,
                    request,
                    status: 200,
                    bytes,
                    referer: &url,
                    agent,
                },
            );
        }
    }

    /// People who come and look at three pages each, one of them about every `gap` seconds.
    fn visitors(&mut self, from: u64, to: u64, gap: u64) {
        let mut start = from;
        while start < to {
            let (net, host) = (self.rng.below(200), 1 + self.rng.below(250));
            let client = format!("100.{}.{net}.{host}", 64 + self.rng.below(60));
            let agent = *self.rng.pick(&BROWSERS);
            let mut second = start;
            let mut referer = "https://www.search.example/".to_owned();
            for _ in 0..3 {
                let path = format!("/item?id={}", 1 + self.rng.below(60));
                self.page(second, &client, &path, &referer, agent);
                referer = format!("https://shop.example{path}");
                second += 10 + self.rng.below(50);
            }
            start += 1 + self.rng.below(2 * gap - 1);
        }
        self.lines
            .retain(|(second, _)| *second <= to || *second < from);
    }

    /// The monitor's question, once a minute.
    fn monitor(&mut self, from: u64, to: u64) {
        for second in (from..to).step_by(MINUTE as usize) {
            self.bare(second, "192.0.2.250", "HEAD /health", 200, MONITOR);
        }
    }

    /// Every answer between two seconds, both included, becomes the failure of a gateway.
    fn fail(&mut self, from: u64, to: u64) {
        for (second, line) in &mut self.lines {
            if (from..=to).contains(second) {
                let (head, tail) = line.split_once("HTTP/1.1\" ").unwrap();
                let rest = tail.splitn(3, ' ').nth(2).unwrap();
                *line = format!("{head}HTTP/1.1\" 502 157 {rest}");
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut lines: Vec<&(u64, String)> = self.lines.iter().collect();
        lines.sort_by_key(|(second, _)| *second);
        let lines = lines
            .into_iter()
            .flat_map(|(_, line)| [line.as_str(), "\n"]);
        lines.collect::<String>().into_bytes()
    }

    /// A folder with the log as `access.log`.
    fn folder(&self) -> TempDir {
        folder(&[("access.log", &self.bytes())])
    }

    fn report(&self) -> Value {
        report_in(self.folder().path(), &["access.log"])
    }
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// A second of the day as `HH:MM:SS`.
fn clock(second: u64) -> String {
    let (hours, minutes) = (second / HOUR, second / MINUTE % 60);
    format!("{hours:02}:{minutes:02}:{:02}", second % MINUTE)
}

/// A second of the day as reports give it, for logs in UTC.
fn utc(second: u64) -> String {
    format!("{DAY}T{}Z", clock(second))
}

fn at(hour: u64, minute: u64, second: u64) -> u64 {
    hour * HOUR + minute * MINUTE + second
}

fn cause(report: &Value) -> &str {
    report["verdict"]["cause"].as_str().unwrap()
}

/// The clients of every actor of an incident that is an attack.
fn accused(report: &Value) -> BTreeSet<&str> {
    each(report, "/incidents/*")
        .into_iter()
        .filter(|incident| incident["attack"] == true)
        .flat_map(|incident| each(incident, "/actors/*/clients/*"))
        .filter_map(Value::as_str)
        .collect()
}

const FLOOD_START: u64 = 12 * HOUR;
const FLOOD_END: u64 = FLOOD_START + 10 * MINUTE;
const FLOOD_CLIENTS: u64 = 120;
const BOT: &str = "203.0.113.77";

fn flooder(index: u64) -> String {
    format!("198.18.{}.{}", index % 6, 10 + index / 6)
}

/// Four hours of visitors, the monitor and a search bot; at noon 120 new clients ask for one search.
fn flood() -> Log {
    let mut log = Log::new(7);
    log.visitors(10 * HOUR, 14 * HOUR, 30);
    log.monitor(10 * HOUR, 14 * HOUR);
    for turn in 0..60 {
        let path = format!("GET /item?id={}", 1 + turn % 60);
        log.bare(10 * HOUR + 17 + turn * 240, BOT, &path, 200, SEARCH_BOT);
    }
    for second in FLOOD_START..FLOOD_END {
        for _ in 0..12 {
            let client = flooder(log.rng.below(FLOOD_CLIENTS));
            let status = if log.rng.chance(0.6) { 503 } else { 200 };
            log.bare(second, &client, "GET /search?q=shoe", status, BROWSERS[1]);
        }
    }
    log
}

#[test]
fn a_log_cut_just_after_a_minute_began_is_no_flood() {
    let (start, end) = (12 * HOUR, 12 * HOUR + 20 * MINUTE);
    for seed in 1..=3 {
        let mut log = Log::new(seed);
        log.visitors(start, end, 8);
        log.page(end - 1, "192.0.2.61", "/", "-", BROWSERS[0]);
        log.lines.retain(|(second, _)| *second < end);
        for client in ["192.0.2.61", "192.0.2.62", "192.0.2.63"] {
            log.bare(end, client, "GET /item?id=3", 200, BROWSERS[0]);
        }
        let report = log.report();
        assert!(number(&report, "/totals/requests") > 1_200);
        assert_eq!(cause(&report), "none", "seed {seed}: {}", report["verdict"]);
    }
}

#[test]
fn traffic_that_stops_is_no_flood_before() {
    let mut log = Log::new(2);
    log.visitors(9 * HOUR, 10 * HOUR, 10);
    log.monitor(9 * HOUR, 12 * HOUR);
    let report = log.report();
    assert_eq!(report["verdict"]["attack"], false, "{}", report["verdict"]);
    assert!(accused(&report).is_empty());
}

/// Four hours of visitors, and within them injections that bring far more than a page has.
fn rich_answers(attempts: u64) -> Value {
    let mut log = Log::new(3);
    log.visitors(9 * HOUR, 13 * HOUR, 20);
    for attempt in 0..attempts {
        let request = format!(
            "GET /item?id=-7%27%20UNION%20SELECT%20login,secret,{attempt}%20FROM%20members--%20x"
        );
        let entry = Entry {
            client: "203.0.113.9",
            request: &request,
            status: 200,
            bytes: 60_000 + attempt,
            referer: "-",
            agent: BROWSERS[0],
        };
        log.add(11 * HOUR + attempt * 9, &entry);
    }
    log.report()
}

#[test]
fn headline_admits_what_the_body_suspects() {
    let report = rich_answers(40);
    let incident = &report["incidents"][0];
    let outcomes = each(incident, "/injections/*/outcome");
    assert!(
        outcomes.iter().any(|outcome| *outcome == "suspected"),
        "{outcomes:?}"
    );
    for headline in [&incident["headline"], &report["verdict"]["headline"]] {
        let headline = headline.as_str().unwrap();
        assert!(headline.contains("may have worked"), "{headline}");
    }
    let severity = incident["severity"].as_str().unwrap();
    assert!(["high", "critical"].contains(&severity), "{severity}");
}

#[test]
fn few_attempts_with_a_rich_answer_are_found() {
    let report = rich_answers(5);
    assert_eq!(cause(&report), "injection", "{}", report["verdict"]);
    assert_eq!(accused(&report), BTreeSet::from(["203.0.113.9"]));
}

#[test]
fn since_and_until_keep_the_report_inside_them() {
    let folder = flood().folder();
    let minute = MINUTE;
    for (since, until) in [
        (FLOOD_START - 20 * minute, FLOOD_START + 5 * minute + 30),
        (FLOOD_START + 3 * minute + 10, FLOOD_END + 30 * minute),
        (FLOOD_START - 40 * minute + 7, FLOOD_END + 40 * minute + 7),
    ] {
        let (since, until) = (utc(since), utc(until));
        let report = report_in(
            folder.path(),
            &["access.log", "--since", &since, "--until", &until],
        );
        let totals = number(&report, "/totals/requests");
        assert!(totals > 0);
        let inside = |value: &Value| {
            let time = value.as_str().unwrap();
            since.as_str() <= time && time <= until.as_str()
        };
        for span in each(&report, "/window")
            .into_iter()
            .chain(each(&report, "/incidents/*"))
        {
            assert!(
                inside(&span["start"]) && inside(&span["end"]),
                "{} to {} is outside {since} to {until}",
                span["start"],
                span["end"]
            );
        }
        for impact in each(&report, "/incidents/*/impact") {
            assert!(number(impact, "/requests") <= totals);
        }
    }
}

#[test]
fn an_error_log_keeps_its_zone_under_until() {
    let mut log = Log::new(6);
    log.zone = "-0400";
    log.visitors(8 * HOUR, 12 * HOUR, 30);
    let mut errors = String::new();
    let mut accesses = log.lines.clone();
    accesses.sort_by_key(|(second, _)| *second);
    for (number, (second, line)) in accesses.iter().step_by(20).enumerate() {
        let client = line.split(' ').next().unwrap();
        let clock = clock(*second);
        errors += &format!(
            "2022/03/09 {clock} [error] 71#71: *{number} open() \"/srv/www/gone.png\" failed (2: No such file or directory), client: {client}, server: shop.example, request: \"GET /gone.png HTTP/1.1\", host: \"shop.example\"\n"
        );
    }
    let folder = folder(&[
        ("access.log", &log.bytes()),
        ("error.log", errors.as_bytes()),
    ]);
    // 12:00 UTC is 08:00 on the server: a few minutes of the four hours remain.
    let until = format!("{DAY}T12:12:00Z");
    for more in [&[][..], &["--until", &until]] {
        let mut arguments = vec!["access.log", "error.log"];
        arguments.extend(more);
        let report = report_in(folder.path(), &arguments);
        let errors = each(&report, "/inputs/*")
            .into_iter()
            .find(|input| input["kind"] == "error")
            .expect("an error log");
        assert_eq!(errors["utc_offset"], "-04:00", "{more:?}");
    }
}

#[test]
fn a_search_bot_is_not_named_a_flooder() {
    let log = flood();
    let during = (FLOOD_START..FLOOD_END).filter(|second| {
        let is_bot = |line: &str| line.starts_with(BOT);
        log.lines
            .iter()
            .any(|(at, line)| at == second && is_bot(line))
    });
    assert!((2..=3).contains(&during.count()), "the log itself");
    let report = log.report();
    assert_eq!(cause(&report), "ddos", "{}", report["verdict"]);
    let accused = accused(&report);
    assert!(!accused.contains(BOT));
    let missed: Vec<String> = (0..FLOOD_CLIENTS)
        .map(flooder)
        .filter(|client| !accused.contains(client.as_str()))
        .collect();
    assert!(missed.is_empty(), "not accused: {missed:?}");
}

#[test]
fn no_advice_blocks_more_visitors_than_attackers() {
    let report = flood().report();
    let advice: Vec<&Value> = each(&report, "/incidents/*/mitigations/*")
        .into_iter()
        .filter(|advice| advice["kind"] == "block_networks")
        .collect();
    assert!(!advice.is_empty());
    for advice in advice {
        let share = |name: &str| advice[name].as_f64().unwrap();
        assert!(share("attack_share") > share("innocent_share"), "{advice}");
    }
}

/// Visitors whose backend fails between two seconds, with a request in each of them.
fn backend_failure(from: u64, to: u64) -> Value {
    let mut log = Log::new(9);
    log.visitors(10 * HOUR, 13 * HOUR, 10);
    for second in [from, to] {
        log.bare(second, "192.0.2.30", "GET /item?id=2", 200, BROWSERS[2]);
    }
    log.fail(from, to);
    log.report()
}

#[test]
fn failures_begin_with_the_first_failed_answer() {
    let (from, to) = (at(11, 20, 34), at(11, 29, 29));
    let report = backend_failure(from, to);
    let outages: Vec<(&str, &str)> = each(&report, "/incidents/*/impact/outages/*")
        .into_iter()
        .map(|outage| {
            let time = |key: &str| outage[key].as_str().unwrap();
            (time("start"), time("end"))
        })
        .collect();
    assert_eq!(outages, [(utc(from).as_str(), utc(to).as_str())]);
}

#[test]
fn the_peak_is_not_before_the_onset() {
    let mut log = Log::new(10);
    for minute in 0..6 * MINUTE {
        let client = format!("192.0.2.{}", 1 + minute % 30);
        let path = format!("GET /item?id={}", minute % 11);
        log.bare(8 * HOUR + minute * MINUTE, &client, &path, 200, BROWSERS[0]);
    }
    let start = at(11, 3, 20);
    for request in 0..400 {
        let client = format!("198.51.100.{}", 1 + request % 40);
        let second = start + request * 300 / 400;
        log.bare(second, &client, "GET /search?q=shoe", 200, BROWSERS[1]);
    }
    let report = log.report();
    let mut peaks = 0;
    for incident in each(&report, "/incidents/*") {
        let times = |kind: &str| -> Vec<&str> {
            let steps = each(incident, "/timeline/*").into_iter();
            steps
                .filter(|step| step["kind"] == kind)
                .map(|step| step["time"].as_str().unwrap())
                .collect()
        };
        for peak in times("peak") {
            let onset = *times("onset").iter().min().expect("an onset");
            assert!(onset <= peak, "the peak {peak} is before {onset}");
            peaks += 1;
        }
    }
    assert!(peaks > 0, "the burst is told: {}", report["verdict"]);
}

#[test]
fn a_cut_archive_ends_with_status_2() {
    let mut log = Log::new(11);
    log.visitors(9 * HOUR, 11 * HOUR, 10);
    let packed = gzip(&[log.bytes()]).unwrap();
    let cut = &packed[..packed.len() / 2];
    let noise: Vec<u8> = (0..20_000).map(|_| log.rng.below(256) as u8).collect();
    let folder = folder(&[
        ("cut.log.gz", cut),
        ("empty.log", b""),
        ("noise.log", &noise),
    ]);
    let scan = |file: &str| run_in(folder.path(), &["scan", "--format", "json", file]);
    for file in ["cut.log.gz", "empty.log", "noise.log"] {
        let output = scan(file);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{file}: {said}");
        assert!(said.contains(file), "{file}: {said}");
    }
    let read = number(&parse(&scan("cut.log.gz")), "/totals/requests");
    let all = log.lines.len() as u64;
    assert!(all / 4 < read && read < all, "{read} of {all} lines");
}

#[test]
fn shares_of_failures_stay_below_the_whole() {
    let outage = backend_failure(at(11, 20, 34), at(11, 29, 29));
    for report in [outage, flood().report()] {
        let bursts: Vec<&Value> = each(&report, "/incidents/*/bursts/*")
            .into_iter()
            .filter(|burst| burst["dimension"] == "status_5xx")
            .collect();
        assert!(!bursts.is_empty());
        for burst in bursts {
            let whole = number(burst, "/requests");
            for kind in ["clients", "networks", "paths", "user_agents"] {
                for entry in each(burst, &format!("/top/{kind}/*")) {
                    assert!(number(entry, "/requests") <= whole, "{entry} of {whole}");
                }
            }
        }
    }
}

#[test]
fn a_customer_who_logs_in_is_no_guesser() {
    let mut log = Log::new(13);
    log.visitors(9 * HOUR, 13 * HOUR, 30);
    let login = |log: &mut Log, second, client: &str, status, referer: &str, agent: &str| {
        let entry = Entry {
            client,
            request: "POST /login",
            status,
            bytes: 900,
            referer,
            agent,
        };
        log.add(second, &entry);
    };
    let customer = |index: u64| format!("192.0.2.{}", 1 + index);
    for index in 0..60 {
        let (second, client) = (9 * HOUR + 31 + index * 235, customer(index));
        let (agent, url) = (BROWSERS[(index % 3) as usize], "https://shop.example/login");
        log.page(second, &client, "/login", "https://shop.example/", agent);
        login(&mut log, second + 14, &client, 302, url, agent);
        log.page(second + 15, &client, "/account", url, agent);
    }
    let guesser = |index: u64| format!("203.0.113.{}", 1 + index);
    for attempt in 0..3_000 {
        let client = guesser(attempt % 100);
        login(
            &mut log,
            11 * HOUR + attempt,
            &client,
            401,
            "-",
            BROWSERS[1],
        );
    }
    let report = log.report();
    assert_eq!(cause(&report), "brute_force", "{}", report["verdict"]);
    let named: BTreeSet<&str> = each(&report, "/incidents/*/actors/*")
        .into_iter()
        .filter(|actor| actor["role"] == "brute_forcer")
        .flat_map(|actor| each(actor, "/clients/*"))
        .filter_map(Value::as_str)
        .collect();
    let caught = (0..100).filter(|index| named.contains(guesser(*index).as_str()));
    assert!(caught.count() >= 95, "{named:?}");
    let wronged = (0..60).map(customer);
    let wronged: Vec<String> = wronged.filter(|who| named.contains(who.as_str())).collect();
    assert!(wronged.is_empty(), "{wronged:?}");
}

#[test]
fn sizes_near_the_limit_do_not_overflow() {
    let mut log = Log::new(14);
    log.visitors(9 * HOUR, 9 * HOUR + 10 * MINUTE, 10);
    for second in [60, 61] {
        let entry = Entry {
            client: "192.0.2.4",
            request: "GET /item?id=1",
            status: 200,
            bytes: u64::MAX,
            referer: "-",
            agent: BROWSERS[0],
        };
        log.add(9 * HOUR + second, &entry);
    }
    let folder = log.folder();
    for format in ["json", "table"] {
        let output = run_in(folder.path(), &["scan", "--format", format, "access.log"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{format}: {said}");
        assert!(!said.contains("panicked"), "{format}: {said}");
    }
    let report = report_in(folder.path(), &["access.log"]);
    assert_eq!(number(&report, "/totals/requests"), log.lines.len() as u64);
}

#[test]
fn a_monitor_of_a_missing_page_is_no_scan() {
    let mut log = Log::new(15);
    log.visitors(0, 24 * HOUR - 1, 120);
    for minute in 0..24 * 60 {
        let second = minute * MINUTE + 5;
        log.bare(second, "192.0.2.251", "GET /server-status", 404, MONITOR);
    }
    let report = log.report();
    assert_eq!(cause(&report), "none", "{}", report["verdict"]);
    assert_eq!(report["incidents"], serde_json::json!([]));
}

/// The ids of the patterns that `hits --no-context` tells of a request.
fn patterns_of(target: &str, referer: &str) -> Vec<String> {
    let line = format!(
        "192.0.2.1 - - [19/May/2026:14:02:00 +0000] \"GET {target} HTTP/1.1\" 200 5 \"{referer}\" \"Mozilla/5.0\"\n"
    );
    let output = crate::harness::aftertrace()
        .args([
            "hits",
            "--no-context",
            "--quiet",
            "--min-confidence",
            "low",
            "-",
        ])
        .write_stdin(line)
        .output()
        .unwrap();
    let hits = crate::harness::text(&output.stdout);
    hits.lines()
        .flat_map(|hit| {
            let hit: serde_json::Value = serde_json::from_str(hit).unwrap();
            let ids = hit["patterns"].as_array().unwrap().clone();
            ids.into_iter().map(|id| id.as_str().unwrap().to_string())
        })
        .collect()
}

#[test]
fn an_attack_behind_hundreds_of_parameters_is_seen() {
    let many: Vec<String> = (0..400).map(|number| format!("x{number}=1")).collect();
    let target = format!("/?{}&a='+union+select+1,2,3--+", many.join("&"));
    assert!(patterns_of(&target, "-").contains(&"sql-union".to_string()));
}

#[test]
fn an_attack_behind_many_lesser_matches_is_seen() {
    let many = vec!["q=2%2B2%3D4'"; 200].join("&");
    let target = format!("/?{many}&a='+union+select+1,2,3--+");
    assert!(patterns_of(&target, "-").contains(&"sql-union".to_string()));
}

#[test]
fn a_search_is_as_harmless_in_the_referer_as_it_was_in_the_request() {
    for query in ["rm+-rf+%2F+explained", "%60backtick%60+in+bash"] {
        assert!(patterns_of(&format!("/s?q={query}"), "-").is_empty());
        let referer = format!("https://shop.example/s?q={query}");
        assert!(patterns_of("/style.css", &referer).is_empty(), "{query}");
    }
    let referer = "https://shop.example/s?q='+union+select+password+from+users--+";
    assert!(patterns_of("/", referer).contains(&"sql-union".to_string()));
}

#[test]
fn a_folder_without_packs_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for arguments in [
        &["patterns", "check", path][..],
        &["hits", "--patterns", path, "access.log"],
    ] {
        let output = crate::harness::run_in(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = crate::harness::text(&output.stderr);
        assert!(told.contains("no *.toml in this folder"), "{told}");
    }
}

#[test]
fn a_broken_expression_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let pack =
        std::fs::read_to_string(crate::harness::repository().join("testdata/patterns/shop.toml"))
            .unwrap();
    let broken = pack.replace("^-?[0-9]+(?:", "^-?[0-9]+((?:");
    assert_ne!(pack, broken);
    std::fs::write(folder.path().join("a.toml"), broken).unwrap();
    let output = crate::harness::run_in(folder.path(), &["patterns", "check", "."]);
    let told = crate::harness::text(&output.stderr);
    assert!(told.contains("regex: unclosed group"), "{told}");
    assert!(!told.contains(r"\x0a"), "{told}");
}

#[test]
fn logs_of_servers_behind_another_that_begin_later_are_no_crowd() {
    let mut edge = String::new();
    let mut behind = [String::new(), String::new()];
    let mut random: u64 = 1;
    for second in 0..5 * HOUR {
        random = (random * 1_103_515_245 + 12_345) % (1 << 31);
        if !(random >> 16).is_multiple_of(4) {
            continue;
        }
        let client = format!("198.51.{}.{}", (random >> 8) % 100, (random >> 12) % 250);
        let page = format!("/item/{}", (random >> 10) % 60);
        for target in [&page[..], "/site.css", "/site.js", "/logo.png"] {
            let referer = match target == page {
                true => "-".to_owned(),
                false => format!("https://shop.example{page}"),
            };
            let (hour, minute) = (8 + second / HOUR, second / MINUTE % 60);
            let agent = BROWSERS[(random >> 9) as usize % BROWSERS.len()];
            let rest = format!(
                "[09/Mar/2022:{hour:02}:{minute:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 512 \"{referer}\" \"{agent}\"",
                second % MINUTE
            );
            edge += &format!("{client} - - {rest}\n");
            // the edge's log goes back further
            if second >= 200 * MINUTE {
                for (index, log) in behind.iter_mut().enumerate() {
                    *log += &format!("10.0.0.{} - - {rest} \"{client}\"\n", index + 2);
                }
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, log) in [("edge", &edge), ("app1", &behind[0]), ("app2", &behind[1])] {
        fs::write(folder.path().join(format!("{name}.log")), log).unwrap();
    }
    let report = report_in(folder.path(), &["."]);
    assert_eq!(
        report["verdict"]["cause"], "none",
        "{}",
        report["verdict"]["headline"]
    );
    assert_eq!(report["incidents"].as_array().map(Vec::len), Some(0));
}

/// Four hours of visitors, and at noon 150 addresses without a shared network that ask for one search and mostly fail.
fn scattered_flood(agent: &str) -> Log {
    let mut log = Log::new(31);
    log.visitors(10 * HOUR, 14 * HOUR, 30);
    for second in FLOOD_START..FLOOD_END {
        for _ in 0..12 {
            let client = format!("{}.18.7.9", 11 + log.rng.below(150));
            let status = if log.rng.chance(0.6) { 503 } else { 200 };
            log.bare(second, &client, "GET /search?q=shoe", status, agent);
        }
    }
    log
}

#[test]
fn a_flood_that_calls_itself_a_search_bot_is_a_flood() {
    for agent in [SEARCH_BOT, "ShopBot/1.0"] {
        let report = scattered_flood(agent).report();
        assert_eq!(cause(&report), "ddos", "{}", report["verdict"]);
        let reasons = report["incidents"][0]["reasons"].to_string();
        assert!(reasons.contains("names itself a robot, which anybody can"));
    }
}

#[test]
fn a_search_bot_of_one_network_that_reads_every_page_is_believed() {
    let mut log = Log::new(32);
    log.visitors(10 * HOUR, 14 * HOUR, 30);
    for second in FLOOD_START..FLOOD_END {
        for turn in 0..8 {
            let client = format!("203.0.113.{}", 60 + turn * 2);
            let path = format!("GET /page/{}", (second - FLOOD_START) * 8 + turn);
            log.bare(second, &client, &path, 200, SEARCH_BOT);
        }
    }
    let report = log.report();
    assert_eq!(cause(&report), "crawler", "{}", report["verdict"]);
    let headline = report["verdict"]["headline"].as_str().unwrap();
    assert!(headline.contains("a crawler raised"), "{headline}");
}

#[test]
fn a_flood_in_a_log_of_few_user_agents_is_no_crowd() {
    let mut log = scattered_flood(BROWSERS[1]);
    // No referers either, as where HAProxy captures the user agent only.
    for (_, line) in &mut log.lines {
        let mut parts: Vec<&str> = line.split('"').collect();
        parts[3] = "-";
        *line = parts.join("\"");
    }
    let report = log.report();
    assert_eq!(cause(&report), "ddos", "{}", report["verdict"]);
}

#[test]
fn the_headline_names_another_grave_incident() {
    let mut log = flood();
    for attempt in 0..40 {
        let request = format!(
            "GET /item?id=-7%27%20UNION%20SELECT%20login,secret,{attempt}%20FROM%20members--%20x"
        );
        let entry = Entry {
            client: "203.0.113.9",
            request: &request,
            status: 200,
            bytes: 60_000 + attempt,
            referer: "-",
            agent: BROWSERS[0],
        };
        log.add(13 * HOUR + attempt * 9, &entry);
    }
    let report = log.report();
    assert_eq!(cause(&report), "ddos", "{}", report["verdict"]);
    let headline = report["verdict"]["headline"].as_str().unwrap();
    let clause = headline.split_once(". Also ").map(|(_, clause)| clause);
    let clause = clause.unwrap_or_else(|| panic!("nothing else in: {headline}"));
    assert!(clause.starts_with("injection attempts, which "), "{clause}");
    assert!(clause.contains("worked (incident 2, "), "{clause}");
}

#[test]
fn a_window_inside_a_flood_is_not_sure_that_nothing_happened() {
    let folder = flood().folder();
    let (since, until) = (utc(FLOOD_START + 2 * MINUTE), utc(FLOOD_END - 2 * MINUTE));
    let within = ["access.log", "--since", &since, "--until", &until];
    let verdict = &report_in(folder.path(), &within)["verdict"];
    assert!(number_of(&verdict["confidence"]) < 0.5, "{verdict}");
    let headline = verdict["headline"].as_str().unwrap();
    for part in [
        "% of all requests failed",
        "not known from this window",
        "--since",
    ] {
        assert!(headline.contains(part), "{headline}");
    }
    // Four hours of visitors are known well enough.
    let quiet = Log::folder(&{
        let mut log = Log::new(33);
        log.visitors(10 * HOUR, 14 * HOUR, 10);
        log
    });
    let since = utc(11 * HOUR);
    let verdict = &report_in(quiet.path(), &["access.log", "--since", &since])["verdict"];
    assert!(number_of(&verdict["confidence"]) > 0.9, "{verdict}");
}

#[test]
fn a_gap_in_a_log_does_not_lead_over_an_attack() {
    let mut log = Log::new(35);
    log.visitors(8 * HOUR, 10 * HOUR, 10);
    log.visitors(13 * HOUR, 18 * HOUR, 10);
    for attempt in 0..60 {
        let request =
            format!("GET /item?id=-7%27%20UNION%20SELECT%20login,{attempt}%20FROM%20members--%20x");
        log.bare(
            16 * HOUR + attempt * 20,
            "203.0.113.9",
            &request,
            200,
            BROWSERS[0],
        );
    }
    let report = log.report();
    assert_eq!(
        report["verdict"]["cause"], "injection",
        "{}",
        report["verdict"]
    );
    let gap = each(&report, "/incidents/*")
        .into_iter()
        .find(|incident| incident["cause"] == "server_fault")
        .expect("the gap is told");
    assert!(number_of(&gap["confidence"]) < 0.7, "{gap}");
    let headline = gap["headline"].as_str().unwrap();
    assert!(headline.contains("its log is missing"), "{headline}");
}

#[test]
fn lines_that_nobody_could_read_are_a_doubt_that_nothing_happened() {
    let mut log = Log::new(36);
    log.visitors(9 * HOUR, 14 * HOUR, 10);
    let sure = |log: &Log| number_of(&log.report()["verdict"]["confidence"]);
    let before = sure(&log);
    let quarter = log.lines.len() / 3;
    for line in 0..quarter as u64 {
        log.lines
            .push((10 * HOUR + line, "no line of a log".to_owned()));
    }
    let after = sure(&log);
    assert!((after - 0.75 * before).abs() < 0.02, "{before} {after}");
}

#[test]
fn reasons_begin_with_what_gave_the_incident_its_name() {
    let mut log = flood();
    for attempt in 0..40 {
        let request =
            format!("GET /item?id=-7%27%20UNION%20SELECT%20login,{attempt}%20FROM%20members--%20x");
        log.bare(
            FLOOD_START + attempt * 5,
            "203.0.113.9",
            &request,
            200,
            BROWSERS[0],
        );
    }
    let report = log.report();
    let incident = &report["incidents"][0];
    assert_eq!(incident["cause"], "injection_and_surge");
    let first = incident["reasons"][0].as_str().unwrap();
    assert!(first.starts_with("203.0.113.9 sent 40 lines"), "{first}");
    assert!(!first.contains("(-"), "{first}");
}

fn number_of(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

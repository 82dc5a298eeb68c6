//! Logs of several servers side by side, whose clocks are not the same.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use aftertrace::time::Time;
use serde_json::Value;

use crate::harness::{each, number, report_in};

/// The code of the warning about requests that two logs hold.
const TWICE: &str = "requests_logged_twice";

/// 2026-05-19T14:00:00Z.
const START: i64 = 1_779_199_200;

/// An hour of visitors with a flood from 14:20 to 14:25 that one of two servers answers, logged by a clock that is
/// `ahead` seconds fast; the balancer in front logs all of it as `every` 1.
fn log(ahead: i64, of: usize, every: usize, seen_as: Option<&str>) -> String {
    let mut log = String::new();
    let mut number = 0;
    let mut line = |second: i64, client: String, target: String, status: u16, agent: &str| {
        number += 1;
        if number % every != of % every {
            return;
        }
        let time = Time::from_secs(START + second + ahead);
        let stamp = time.format_at(Default::default(), "%d/%b/%Y:%H:%M:%S +0000");
        let client = seen_as.map_or(client, str::to_owned);
        writeln!(
            log,
            "{client} - - [{stamp}] \"GET {target} HTTP/1.1\" {status} {} \"-\" \"{agent}\"",
            2000 + number % 700
        )
        .unwrap();
    };
    for second in 0..3600i64 {
        let visitor = second * 7 % 193;
        let agent = format!("Mozilla/5.0 (X11; Linux x86_64) {visitor}");
        let target = format!("/item/{}?from={second}", second * second % 89);
        line(second, format!("192.0.2.{visitor}"), target, 200, &agent);
        if (1200..1500).contains(&second) {
            for source in 0..40i64 {
                let client = format!("203.0.113.{}", (second * 3 + source) % 250);
                line(
                    second,
                    client,
                    format!("/search?q={source}"),
                    503,
                    "flood/1.0",
                );
            }
        }
    }
    log
}

fn error_log(ahead: i64) -> String {
    let mut log = String::new();
    for second in (1205..1500i64).step_by(3) {
        let time = Time::from_secs(START + second + ahead);
        let stamp = time.format_at(Default::default(), "%Y/%m/%d %H:%M:%S");
        let client = (second * 3 + second % 40) % 250;
        writeln!(
            log,
            "{stamp} [error] 8#8: *{second} no live upstreams while connecting to upstream, client: 203.0.113.{client}, \
             server: shop.example, request: \"GET /search?q={} HTTP/1.1\", upstream: \"http://app/\", host: \"shop.example\"",
            second % 40
        )
        .unwrap();
    }
    log
}

fn write(folder: &Path, name: &str, log: &str) {
    fs::write(folder.join(name), log).unwrap();
}

fn skew(report: &Value, path: &str) -> f64 {
    let inputs = each(report, "/inputs/*");
    let input = inputs.iter().find(|input| input["path"] == path);
    let skew = &input.unwrap_or_else(|| panic!("no {path}"))["clock_skew_s"];
    skew.as_f64().unwrap_or_else(|| panic!("{path}: {skew}"))
}

#[test]
fn a_fast_clock_is_told_and_taken_out_of_the_timeline_and_evidence_keeps_its_time() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "access.log", &log(0, 0, 1, None));
    write(folder.path(), "error.log", &error_log(95));
    let report = report_in(
        folder.path(),
        &["access.log", "error.log", "--error-tz", "UTC"],
    );
    assert_eq!(skew(&report, "access.log"), 0.0);
    assert_eq!(skew(&report, "error.log"), 95.0);
    let timeline = each(&report, "/incidents/0/timeline/*");
    let steps = timeline.iter().filter(|step| {
        each(step, "/evidence/*")
            .iter()
            .any(|line| line["source"] == "error.log")
    });
    let steps: Vec<_> = steps.collect();
    assert!(!steps.is_empty());
    for step in steps {
        // The log says 14:21:40 of what happened at 14:20:05.
        let first = &each(step, "/evidence/*")[0]["text"];
        assert!(
            first.as_str().unwrap().starts_with("2026/05/19 14:21:40"),
            "{first}"
        );
        assert_eq!(step["time"], "2026-05-19T14:20:05Z", "{step}");
    }
}

#[test]
fn servers_behind_a_balancer_are_held_against_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "balancer.log", &log(0, 0, 1, None));
    write(folder.path(), "one.log", &log(90, 0, 2, Some("10.0.0.1")));
    write(folder.path(), "two.log", &log(-37, 1, 2, Some("10.0.0.1")));
    let report = report_in(folder.path(), &["balancer.log", "one.log", "two.log"]);
    assert_eq!(skew(&report, "balancer.log"), 0.0);
    assert_eq!(skew(&report, "one.log"), 90.0);
    assert_eq!(skew(&report, "two.log"), -37.0);
    let warnings = each(&report, "/warnings/*");
    let twice = warnings.iter().filter(|warning| warning["code"] == TWICE);
    let twice: Vec<_> = twice.map(|warning| &warning["input"]).collect();
    assert_eq!(twice, ["one.log", "two.log"]);
}

#[test]
fn two_servers_that_share_the_load_make_one_story() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "one.log", &log(0, 0, 2, None));
    write(folder.path(), "two.log", &log(0, 1, 2, None));
    let apart = report_in(folder.path(), &["one.log", "two.log"]);
    write(folder.path(), "all.log", &log(0, 0, 1, None));
    let together = report_in(folder.path(), &["all.log"]);
    for path in ["/totals/requests", "/totals/clients"] {
        assert_eq!(number(&apart, path), number(&together, path), "{path}");
    }
    for field in ["cause", "start", "end"] {
        assert_eq!(
            apart["verdict"][field], together["verdict"][field],
            "{field}"
        );
    }
    assert_eq!(apart["verdict"]["cause"], "ddos");
    // Nothing was there twice, and their clocks share nothing to be told by.
    assert!(
        each(&apart, "/warnings/*")
            .iter()
            .all(|warning| warning["code"] != "duplicate_content" && warning["code"] != TWICE)
    );
}

#[test]
fn a_zone_that_others_disagree_about_is_told_to_be_assumed() {
    let folder = tempfile::tempdir().unwrap();
    let balanced = |n: u32| {
        let (minute, second) = (n / 60, n % 60);
        format!(
            "May 19 14:{minute:02}:{second:02} lb haproxy[9]: 198.51.100.{}:4242 [19/May/2026:14:{minute:02}:{second:02}.100] \
             web app/app1 0/0/1/14/36 200 2896 - - ---- 12/12/3/1/0 0/0 \"GET /i/{n} HTTP/1.1\"\n",
            n % 200
        )
    };
    let balanced: String = (0..600).map(balanced).collect();
    write(folder.path(), "balancer.log", &balanced);
    write(folder.path(), "one.log", &log(0, 0, 1, None));
    let elsewhere = log(0, 0, 1, None).replace(" +0000]", " +0100]");
    write(folder.path(), "two.log", &elsewhere);
    let assumed = |logs: &[&str]| {
        let report = report_in(folder.path(), logs);
        let warnings = each(&report, "/warnings/*");
        let assumed = warnings
            .iter()
            .filter(|warning| warning["code"] == "error_tz_assumed");
        let told = |warning: &&Value| warning["message"].as_str().unwrap().to_string();
        assumed.map(told).collect::<Vec<_>>()
    };
    assert!(assumed(&["balancer.log", "one.log"]).is_empty());
    let told = assumed(&["balancer.log", "one.log", "two.log"]);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("balancer.log carries no time zone")
            && told[0].contains("+00:00 is assumed"),
        "{told:?}"
    );
}

//! Times as servers write them: with any offset and without, counted in anything, over summer and winter, without a year.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use aftertrace::time::{Time, UtcOffset};
use serde_json::Value;

use crate::harness::{each, number, report_in, run_in, text};

/// 2026-10-25T00:00:00Z, an hour before Central Europe goes back to winter time.
const MIDNIGHT: i64 = 1_792_886_400;

/// Three hours of visitors with a flood from 01:20 to 01:25 UTC; each record is written by `write`.
fn log(write: impl Fn(&mut String, Time, usize, &str, &str, u16)) -> String {
    let mut log = String::new();
    let mut records = 0;
    for second in 0..3 * 3600 {
        let time = Time::from_secs(MIDNIGHT + second);
        let visitor = format!("192.0.2.{}", second * 7 % 193);
        write(&mut log, time, records, &visitor, "/item", 200);
        records += 1;
        if (4800..5100).contains(&second) {
            for source in 0..40 {
                let client = format!("203.0.113.{}", (second * 3 + source) % 250);
                write(&mut log, time, records, &client, "/search?q=x", 503);
                records += 1;
            }
        }
    }
    log
}

fn clf(log: &mut String, stamp: &str, client: &str, target: &str, status: u16) {
    writeln!(
        log,
        "{client} - - [{stamp}] \"GET {target} HTTP/1.1\" {status} 512 \"-\" \"x\""
    )
    .unwrap();
}

/// The zones that the records take in turn.
const OFFSETS: [i32; 4] = [0, -4 * 3600, 5 * 3600 + 1800, 12 * 3600 + 2700];

fn story(report: &Value) -> [&Value; 4] {
    let verdict = &report["verdict"];
    [
        &verdict["cause"],
        &verdict["start"],
        &verdict["end"],
        &report["totals"]["requests"],
    ]
}

fn report_of(folder: &Path, log: &str) -> Value {
    fs::write(folder.join("access.log"), log).unwrap();
    report_in(folder, &["access.log"])
}

#[test]
fn any_offset_and_any_count_of_seconds_tell_the_same_story() {
    let folder = tempfile::tempdir().unwrap();
    let stamp = |time: Time, offset: i32| time.format_at(UtcOffset(offset), "%d/%b/%Y:%H:%M:%S %z");
    let plain = log(|log, time, _, client, target, status| {
        clf(log, &stamp(time, 0), client, target, status);
    });
    let plain = report_of(folder.path(), &plain);
    assert_eq!(plain["verdict"]["start"], "2026-10-25T01:20:00Z");
    let mixed = log(|log, time, number, client, target, status| {
        clf(
            log,
            &stamp(time, OFFSETS[number % OFFSETS.len()]),
            client,
            target,
            status,
        );
    });
    assert_eq!(story(&report_of(folder.path(), &mixed)), story(&plain));
    type Count = fn(Time) -> String;
    let counts: [Count; 5] = [
        |time| time.secs().to_string(),
        |time| format!("{}.500", time.secs()),
        |time| format!("{}", time.micros() / 1000),
        |time| format!("{}", time.micros()),
        |time| format!("{}", time.micros() * 1000),
    ];
    for count in counts {
        let json = log(|log, time, _, client, target, status| {
            writeln!(
                log,
                r#"{{"when":{},"ip":"{client}","request":"GET {target} HTTP/1.1","status":{status},"bytes":512}}"#,
                count(time)
            )
            .unwrap();
        });
        let report = report_of(folder.path(), &json);
        let shown = count(Time::from_secs(MIDNIGHT));
        assert_eq!(
            report["totals"]["requests"], plain["totals"]["requests"],
            "{shown}"
        );
        let start = report["verdict"]["start"].as_str().unwrap_or_default();
        assert!(start.starts_with("2026-10-25T01:20:00"), "{shown}: {start}");
    }
}

/// What nginx says while the flood lasts and an hour before, on a wall clock in Berlin.
fn errors() -> String {
    let mut log = String::new();
    for second in (0..3 * 3600)
        .step_by(60)
        .chain((4800..5100).step_by(5))
        .collect::<std::collections::BTreeSet<_>>()
    {
        let offset = if second < 3600 { 7200 } else { 3600 };
        let stamp =
            Time::from_secs(MIDNIGHT + second).format_at(UtcOffset(offset), "%Y/%m/%d %H:%M:%S");
        let flood = (4800..5100).contains(&second);
        let (client, target) = match flood {
            true => (format!("203.0.113.{}", second * 3 % 250), "/search?q=x"),
            false => (format!("192.0.2.{}", second * 7 % 193), "/item"),
        };
        let what = match flood {
            true => "no live upstreams while connecting to upstream",
            false => "access forbidden by rule",
        };
        writeln!(
            log,
            "{stamp} [error] 8#8: *{second} {what}, client: {client}, server: shop.example, request: \"GET {target} HTTP/1.1\", host: \"shop.example\""
        )
        .unwrap();
    }
    log
}

fn first_symptom<'r>(report: &'r Value, kind: &str) -> &'r Value {
    let symptoms = each(report, "/incidents/0/symptoms/*");
    let found = symptoms.into_iter().find(|symptom| symptom["kind"] == kind);
    &found.unwrap_or_else(|| panic!("no {kind}: {}", report["incidents"][0]["symptoms"]))["first"]
}

#[test]
fn the_hour_that_comes_twice_is_told_apart_with_a_name_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let access = log(|log, time, _, client, target, status| {
        let stamp = time.format_at(UtcOffset(0), "%d/%b/%Y:%H:%M:%S %z");
        clf(log, &stamp, client, target, status);
    });
    fs::write(folder.path().join("access.log"), access).unwrap();
    fs::write(folder.path().join("error.log"), errors()).unwrap();
    for arguments in [&["--error-tz", "Europe/Berlin"][..], &[]] {
        let mut all = vec!["access.log", "error.log"];
        all.extend(arguments);
        let report = report_in(folder.path(), &all);
        // 02:20 on the wall, the second one of that night.
        assert_eq!(
            first_symptom(&report, "upstream_down"),
            "2026-10-25T01:20:00Z",
            "{arguments:?}"
        );
        assert_eq!(number(&report, "/inputs/1/unparsed"), 0);
    }
}

#[test]
fn a_year_that_is_not_written_turns_at_new_year() {
    let folder = tempfile::tempdir().unwrap();
    // 2024-12-31T23:30:00Z
    let start = Time::from_secs(1_735_687_800);
    let mut access = String::new();
    let mut messages = String::new();
    for second in 0..3600i64 {
        let time = Time::from_secs(start.secs() + second);
        let stamp = time.format_at(UtcOffset(0), "%d/%b/%Y:%H:%M:%S %z");
        clf(
            &mut access,
            &stamp,
            &format!("192.0.2.{}", second % 193),
            "/item",
            200,
        );
        if second % 60 == 0 {
            let syslog = time.format_at(UtcOffset(0), "%b %e %H:%M:%S");
            writeln!(
                messages,
                "{syslog} web1 systemd[1]: Started Session {second} of user root."
            )
            .unwrap();
        }
    }
    fs::write(folder.path().join("access.log"), access).unwrap();
    fs::write(folder.path().join("messages"), messages).unwrap();
    let report = report_in(
        folder.path(),
        &["access.log", "messages", "--error-tz", "UTC"],
    );
    let inputs = each(&report, "/inputs/*");
    let messages = inputs
        .iter()
        .find(|input| input["path"] == "messages")
        .unwrap();
    assert_eq!(messages["first"], "2024-12-31T23:30:00Z", "{messages}");
    assert_eq!(messages["last"], "2025-01-01T00:29:00Z", "{messages}");
    assert!(messages["notes"].to_string().contains("year"), "{messages}");
}

#[test]
fn a_clock_that_was_set_back_is_told_and_no_time_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut access = String::new();
    for second in 0..7200i64 {
        // After an hour the clock is set back by half an hour.
        let shown = MIDNIGHT + second - if second >= 3600 { 1800 } else { 0 };
        let stamp = Time::from_secs(shown).format_at(UtcOffset(0), "%d/%b/%Y:%H:%M:%S %z");
        clf(
            &mut access,
            &stamp,
            &format!("192.0.2.{}", second % 193),
            "/item",
            200,
        );
    }
    let report = report_of(folder.path(), &access);
    assert_eq!(number(&report, "/totals/requests"), 7200);
    assert_eq!(report["window"]["start"], "2026-10-25T00:00:00Z");
    assert_eq!(report["window"]["end"], "2026-10-25T01:29:59Z");
    let told = report["inputs"][0]["notes"].to_string() + &report["warnings"].to_string();
    assert!(told.contains("back"), "{told}");
    assert_eq!(report["verdict"]["attack"], false);
}

#[test]
fn a_time_outside_the_log_is_no_verdict_and_says_how_far_the_log_reaches() {
    let folder = tempfile::tempdir().unwrap();
    let plain = log(|log, time, _, client, target, status| {
        let stamp = time.format_at(UtcOffset(0), "%d/%b/%Y:%H:%M:%S %z");
        clf(log, &stamp, client, target, status);
    });
    fs::write(folder.path().join("access.log"), plain).unwrap();
    for bound in [["--since", "2030-01-01"], ["--until", "2020-01-01"]] {
        let report = report_in(folder.path(), &["access.log", bound[0], bound[1]]);
        assert_eq!(
            report["verdict"]["headline"],
            "No verdict: nothing lies in the time asked for; the log reaches from 2026-10-25 00:00:00 to \
             2026-10-25 02:59:59 (UTC)"
        );
        assert!(report["window"]["start"].is_null() && report["window"]["end"].is_null());
        let page = run_in(
            folder.path(),
            &["scan", "-q", "access.log", bound[0], bound[1]],
        );
        let page = text(&page.stdout);
        assert!(page.contains("nothing in the time asked for"), "{page}");
        assert!(!page.contains("Add the access log"), "{page}");
    }
}

#[test]
fn requests_without_a_zone_are_read_in_utc_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let line = "192.0.2.7:50000 [26/Oct/2024:23:00:01.803] fe be/web0 0/0/1/50/50 200 15439 - - ---- 1/10/5/2/0 0/0 \
                \"GET /item HTTP/1.1\"\n";
    fs::write(folder.path().join("haproxy.log"), line.repeat(50)).unwrap();
    let assumed = |report: &Value| {
        let warnings = report["warnings"].as_array().unwrap();
        let told = warnings
            .iter()
            .find(|warning| warning["code"] == "error_tz_assumed");
        told.map(|warning| warning["message"].as_str().unwrap().to_owned())
    };
    let report = report_in(folder.path(), &["haproxy.log"]);
    let told = assumed(&report).expect("a warning");
    assert!(
        told.contains("+00:00 is assumed; --error-tz sets it"),
        "{told}"
    );
    let given = report_in(folder.path(), &["haproxy.log", "--error-tz", "+02:00"]);
    assert_eq!(assumed(&given), None);
}

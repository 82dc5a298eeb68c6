//! Windows of large logs: what is read of them, and that the answer is that of reading everything.

use std::fs;
use std::io::Write;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::harness::{each, number, report_in, run_in, text};

/// Bytes from which a log is not read whole.
const LARGE: usize = 1 << 20;

/// A line at a second of a day.
fn line(out: &mut Vec<u8>, second: u64, client: &str, target: &str, status: u16) {
    let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
    let written = writeln!(
        out,
        "{client} - - [19/May/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET {target} HTTP/1.1\" {status} 512 \"-\" \
         \"Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\""
    );
    written.unwrap();
}

/// A day: visitors, every line late by up to `late` seconds, and a flood and an injection at noon.
fn day(every_s: u64, late: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    for n in 0..86_400 / every_s {
        let at = (n * every_s).saturating_sub(late[n as usize % late.len()]);
        let client = format!("203.0.113.{}", n * 31 % 200);
        let target = match n % 3 {
            0 => format!("/page/{}", n * 7 % 40),
            1 => "/style.css".to_string(),
            _ => "/logo.png".to_string(),
        };
        line(&mut out, at, &client, &target, 200);
        let noon = 43_200..43_800;
        if noon.contains(&at) {
            for source in 0..10 * every_s {
                line(
                    &mut out,
                    at,
                    &format!("198.51.100.{}", source % 8),
                    "/search",
                    503,
                );
            }
            line(
                &mut out,
                at,
                "192.0.2.66",
                "/item?id=1'%20UNION%20SELECT%20password%20FROM%20users--",
                200,
            );
        }
    }
    out
}

/// The same log out of order, so that it is read whole: with a first line far ahead of the others.
fn out_of_order(folder: &Path) -> tempfile::TempDir {
    let mut swapped = Vec::new();
    line(&mut swapped, 86_399, "203.0.113.1", "/", 200);
    swapped.extend(fs::read(folder.join("access.log")).unwrap());
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("access.log"), swapped).unwrap();
    other
}

/// The report on a window of the file, read in part and as a whole.
fn both(folder: &Path, since: &str, until: &str) -> [Value; 2] {
    let whole = out_of_order(folder);
    let options = [
        "access.log",
        "--since",
        since,
        "--until",
        until,
        "--tz",
        "UTC",
    ];
    [folder, whole.path()].map(|folder| report_in(folder, &options))
}

/// The suspicious lines of a window, likewise.
fn both_hits(folder: &Path, since: &str, until: &str) -> [Vec<Value>; 2] {
    let whole = out_of_order(folder);
    let options = ["hits", "access.log", "--since", since, "--until", until];
    [folder, whole.path()].map(|folder| {
        let printed = text(&run_in(folder, &options).stdout);
        let hits = printed
            .lines()
            .map(|hit| serde_json::from_str(hit).unwrap());
        hits.map(told).collect()
    })
}

/// Without what tells where lines stand and how many there are.
fn told(mut report: Value) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("line");
                fields.remove("offset");
                fields.values_mut().for_each(forget);
            }
            Value::Array(items) => items.iter_mut().for_each(forget),
            _ => {}
        }
    }
    let fields = report.as_object_mut().unwrap();
    fields.remove("inputs");
    fields.remove("warnings");
    forget(&mut report);
    report
}

/// The last minute of the day that no line is late enough to be the last of.
const LAST_MINUTE: u64 = 1435;

#[test]
fn a_window_tells_what_reading_everything_tells() {
    let config = Config {
        cases: 6,
        ..Config::default()
    };
    let cases = (
        3u64..8,
        proptest::collection::vec(0u64..200, 1..40),
        // Both logs go on behind the window, or they would end at different times.
        0u64..LAST_MINUTE,
        10u64..600,
    );
    let tried = TestRunner::new(config).run(&cases, |(every_s, late, from, minutes)| {
        let log = day(every_s, &late);
        prop_assert!(log.len() > LARGE);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("access.log"), log).unwrap();
        let clock = |minute: u64| format!("2026-05-19T{:02}:{:02}:00Z", minute / 60, minute % 60);
        let (since, until) = (clock(from), clock((from + minutes).min(LAST_MINUTE)));
        let [part, whole] = both(folder.path(), &since, &until);
        prop_assert_eq!(told(part), told(whole));
        let [part, whole] = both_hits(folder.path(), &since, &until);
        prop_assert_eq!(part, whole);
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn only_the_window_is_read_and_its_evidence_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let log = day(4, &[0]);
    fs::write(folder.path().join("access.log"), &log).unwrap();
    let [part, whole] = both(
        folder.path(),
        "2026-05-19T11:55:00Z",
        "2026-05-19T12:15:00Z",
    );
    let (read, all) = (number(&part, "/inputs/0/bytes"), log.len() as u64);
    assert!(read < all * 2 / 3, "{read} of {all}");
    let notes = each(&part, "/inputs/*/notes/*");
    let note = notes
        .iter()
        .filter_map(|note| note.as_str())
        .find(|note| note.starts_with("only bytes "));
    assert!(note.is_some(), "{notes:?}");
    assert_eq!(part["verdict"], whole["verdict"]);
    assert_eq!(part["verdict"]["attack"], true);
    let sum =
        ["records", "unparsed", "blank"].map(|key| number(&part, &format!("/inputs/0/{key}")));
    assert_eq!(sum.iter().sum::<u64>(), number(&part, "/inputs/0/lines"));
    let content = text(&log);
    let lines: Vec<&str> = content.lines().collect();
    let evidence = each(&part, "/incidents/*/timeline/*/evidence/*");
    assert!(!evidence.is_empty());
    for line in evidence {
        let quoted = line["text"].as_str().unwrap();
        assert_eq!(lines[number(line, "/line") as usize - 1], quoted);
        assert!(content[number(line, "/offset") as usize..].starts_with(quoted));
    }
}

#[test]
fn far_inside_a_large_log_lines_have_places_instead_of_numbers() {
    let folder = tempfile::tempdir().unwrap();
    // Before a day's log, another day of 70 MiB.
    let mut log = Vec::new();
    let filler = "x".repeat(4000);
    for second in 0..18_000 {
        line(&mut log, second, "203.0.113.1", &format!("/{filler}"), 200);
    }
    let before = log.len();
    for second in 50_000..51_000 {
        line(
            &mut log,
            second,
            "192.0.2.66",
            "/item?id=1'%20UNION%20SELECT%20password%20FROM%20users--",
            200,
        );
    }
    fs::write(folder.path().join("access.log"), &log).unwrap();
    let options = [
        "access.log",
        "--since",
        "2026-05-19T13:53:00Z",
        "--until",
        "2026-05-19T14:00:00Z",
    ];
    let report = report_in(folder.path(), &options);
    assert!(number(&report, "/inputs/0/bytes") < (log.len() - before) as u64 * 2);
    let content = text(&log);
    let evidence = each(&report, "/incidents/*/timeline/*/evidence/*");
    assert!(!evidence.is_empty());
    for line in evidence {
        assert!(line["line"].is_null());
        let rest = &content[number(line, "/offset") as usize..];
        assert!(rest.starts_with(line["text"].as_str().unwrap()));
    }
    let table = text(&run_in(folder.path(), &[&["scan"], &options[..]].concat()).stdout);
    assert!(
        table.contains("access.log@") && table.contains("tail -c +$((OFFSET+1))"),
        "{table}"
    );
    let hits = text(&run_in(folder.path(), &[&["hits"], &options[..]].concat()).stdout);
    let first: Value = serde_json::from_str(hits.lines().next().unwrap()).unwrap();
    assert!(first["line"].is_null());
    assert!(content[number(&first, "/offset") as usize..].starts_with("192.0.2.66"));
}

#[test]
fn a_time_before_the_end_is_found_from_the_end_and_both_seconds_count() {
    let folder = tempfile::tempdir().unwrap();
    let log = day(4, &[0]);
    fs::write(folder.path().join("access.log"), &log).unwrap();
    let report = report_in(folder.path(), &["access.log", "--since=-40s"]);
    // The last line is of 23:59:56, and the first that counts is of 23:59:16.
    assert_eq!(number(&report, "/totals/requests"), 11);
    assert!(number(&report, "/inputs/0/bytes") < log.len() as u64 / 2);
    let second = "2026-05-19T10:00:00Z";
    let only = ["access.log", "--since", second, "--until", second];
    assert_eq!(
        number(&report_in(folder.path(), &only), "/totals/requests"),
        1
    );
}

#[test]
fn a_window_begins_behind_what_another_log_has_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let log = day(4, &[0]);
    let half = log.len() / 2
        + log[log.len() / 2..]
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap()
        + 1;
    fs::write(folder.path().join("access.log.1"), &log[..half]).unwrap();
    fs::write(folder.path().join("access.log"), &log).unwrap();
    let window = [
        "--since",
        "2026-05-19T11:55:00Z",
        "--until",
        "2026-05-19T12:15:00Z",
    ];
    let alone = report_in(folder.path(), &[&["access.log"], &window[..]].concat());
    let twice = report_in(
        folder.path(),
        &[&["access.log", "access.log.1"], &window[..]].concat(),
    );
    assert_eq!(twice["totals"]["requests"], alone["totals"]["requests"]);
    let content = text(&log);
    let lines: Vec<&str> = content.lines().collect();
    let evidence = each(&twice, "/incidents/*/timeline/*/evidence/*");
    assert!(!evidence.is_empty());
    for line in evidence {
        let quoted = line["text"].as_str().unwrap();
        assert_eq!(lines[number(line, "/line") as usize - 1], quoted);
    }
}

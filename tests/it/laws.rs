//! What must hold for every report, whatever the logs: no line is lost, sums are sums, and every
//! line quoted as evidence stands where the report says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{each, lines, number, read_log, report_in, scenarios};
use crate::traffic::large::{self, Size};

/// Checks all laws on one report of the files in a folder.
pub fn check(name: &str, folder: &Path, report: &Value) {
    no_line_is_lost(name, folder, report);
    sums_are_sums(name, report);
    evidence_stands_where_it_says(name, folder, report);
    incidents_are_ordered(name, report);
}

pub fn no_line_is_lost(name: &str, folder: &Path, report: &Value) {
    for input in each(report, "/inputs/*") {
        let path = input["path"].as_str().unwrap();
        let log = read_log(&folder.join(path));
        let count = lines(&log).len() as u64;
        assert_eq!(number(input, "/lines"), count, "{name}: lines of {path}");
        let accounted =
            number(input, "/records") + number(input, "/unparsed") + number(input, "/blank");
        assert_eq!(
            accounted, count,
            "{name}: records, unparsed and blank lines of {path}"
        );
        assert_eq!(
            number(input, "/bytes"),
            log.len() as u64,
            "{name}: bytes of {path}"
        );
    }
}

fn sum(report: &Value, pointer: &str) -> u64 {
    each(report, pointer)
        .into_iter()
        .map(|value| value.as_u64().unwrap())
        .sum()
}

fn sums_are_sums(name: &str, report: &Value) {
    let requests = number(report, "/totals/requests");
    assert_eq!(
        sum(report, "/series/requests/*"),
        requests,
        "{name}: series of requests"
    );
    // A line that does not parse can be a hit, but has no time and so no place in the series.
    let timed = sum(report, "/series/hits/*");
    let hits = number(report, "/totals/hits");
    let unparsed = sum(report, "/inputs/*/unparsed");
    assert!(
        timed <= hits && hits <= timed + unparsed,
        "{name}: series of hits has {timed} of {hits}, {unparsed} lines did not parse"
    );
    let status = report
        .pointer("/totals/status")
        .and_then(Value::as_object)
        .unwrap();
    let failed = status.get("5xx").and_then(Value::as_u64).unwrap_or(0);
    assert_eq!(
        sum(report, "/series/errors_5xx/*"),
        failed,
        "{name}: series of 5xx"
    );
    let known: u64 = status.values().filter_map(Value::as_u64).sum();
    assert!(known <= requests, "{name}: more answers than requests");
    let records: u64 = each(report, "/inputs/*")
        .into_iter()
        .filter(|input| input["kind"] == "access")
        .map(|input| number(input, "/records"))
        .sum();
    assert_eq!(records, requests, "{name}: access records");
    let lengths: Vec<usize> = ["requests", "errors_5xx", "hits", "clients"]
        .map(|series| each(report, &format!("/series/{series}/*")).len())
        .to_vec();
    assert!(
        lengths.iter().all(|length| *length == lengths[0]),
        "{name}: {lengths:?}"
    );
}

fn evidence_stands_where_it_says(name: &str, folder: &Path, report: &Value) {
    let mut logs: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut seen = 0;
    for pointer in [
        "/incidents/*/timeline/*/evidence/*",
        "/incidents/*/injections/*/samples/*",
        "/incidents/*/symptoms/*/evidence/*",
    ] {
        for evidence in each(report, pointer) {
            let source = evidence["source"].as_str().unwrap();
            let path = folder.join(source);
            let log = logs.entry(path.clone()).or_insert_with(|| read_log(&path));
            let line = number(evidence, "/line") as usize;
            let stored = lines(log)[line - 1];
            let quoted = evidence["text"].as_str().unwrap();
            assert_eq!(quoted, readable(stored), "{name}: {source} line {line}");
            seen += 1;
        }
    }
    let incidents = each(report, "/incidents/*").len();
    assert!(
        seen >= incidents,
        "{name}: {incidents} incidents, {seen} lines of evidence"
    );
}

/// A line as text: bytes that are no UTF-8 stand as `\xHH`, and a CR at the end belongs to it no more
/// than the LF does.
fn readable(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut text = String::new();
    for chunk in line.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

fn incidents_are_ordered(name: &str, report: &Value) {
    let starts: Vec<&str> = each(report, "/incidents/*/start")
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(starts.is_sorted(), "{name}: {starts:?}");
    for incident in each(report, "/incidents/*") {
        let id = &incident["id"];
        assert!(
            incident["start"].as_str() <= incident["end"].as_str(),
            "{name}: incident {id} ends before it starts"
        );
        let times: Vec<&str> = each(incident, "/timeline/*/time")
            .into_iter()
            .filter_map(Value::as_str)
            .collect();
        assert!(
            times.is_sorted(),
            "{name}: timeline of incident {id}: {times:?}"
        );
        for actor in each(incident, "/timeline/*/actors/*") {
            let known = each(incident, "/actors/*/id");
            assert!(
                known.contains(&actor),
                "{name}: {actor} is in the timeline only"
            );
        }
    }
}

#[test]
fn the_laws_hold_for_every_scenario() {
    for scenario in scenarios() {
        check(&scenario.name, &scenario.folder, &scenario.report());
    }
}

#[test]
fn the_laws_hold_for_generated_logs() {
    for seed in 1..=3 {
        let folder = tempfile::tempdir().unwrap();
        let size = Size {
            lines: 8_000,
            clients: 900 * seed,
        };
        let mut log = Vec::new();
        large::write(size, seed, &mut log).unwrap();
        // A part of the lines is damaged, so that not all are records.
        for (number, line) in log.split_mut(|byte| *byte == b'\n').enumerate() {
            if (number as u64).is_multiple_of(97 * seed) && line.len() > 60 {
                line[30..60].fill(b'\xFE');
            }
        }
        fs::write(folder.path().join("a.log"), &log).unwrap();
        let report = report_in(folder.path(), &["a.log"]);
        assert!(number(&report, "/inputs/0/unparsed") > 0);
        check(&format!("seed {seed}"), folder.path(), &report);
    }
}

#[test]
fn totals_of_two_files_are_the_sum_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let size = Size {
        lines: 4_000,
        clients: 700,
    };
    let mut log = Vec::new();
    large::write(size, 11, &mut log).unwrap();
    let middle = log[..log.len() / 3]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    fs::write(folder.path().join("whole.log"), &log).unwrap();
    fs::write(folder.path().join("a.log"), &log[..middle]).unwrap();
    fs::write(folder.path().join("b.log"), &log[middle..]).unwrap();
    let whole = report_in(folder.path(), &["whole.log"]);
    let parts = report_in(folder.path(), &["a.log", "b.log"]);
    assert_eq!(whole["totals"], parts["totals"]);
    assert_eq!(whole["series"], parts["series"]);
    assert_eq!(whole["window"], parts["window"]);
}

//! Logs that are made to cost much: each gives a report that obeys the laws, and none a panic. What they cost is
//! measured by `benches/growth`.

use std::collections::HashSet;
use std::fs;

use crate::harness::{each, parse, run_in, text};
use crate::laws;
use crate::traffic::evil::{self, Evil};

/// Bytes of each log: the form is that of the large ones, and a hundred of them are read in a minute.
const BYTES: usize = 100_000;

fn every_log_of(group: &[Evil]) {
    for evil in group {
        let folder = tempfile::tempdir().unwrap();
        let log = evil.log(BYTES);
        assert!(log.len() >= BYTES, "{}: {} bytes", evil.name, log.len());
        fs::write(folder.path().join("a.log"), &log).unwrap();
        let output = run_in(folder.path(), &["scan", "--format", "json", "a.log"]);
        // What is no log is refused, with a report that says so.
        assert!(
            matches!(output.status.code(), Some(0 | 2)),
            "{}: {}, {}",
            evil.name,
            output.status,
            text(&output.stderr)
        );
        let report = parse(&output);
        // Records of other decades are counted, and the report says that its series lacks them.
        let strays = each(&report, "/warnings/*/code");
        if strays.iter().any(|code| *code == "stray_times") {
            laws::no_line_is_lost(evil.name, folder.path(), &report);
        } else {
            laws::check(evil.name, folder.path(), &report);
        }
    }
}

#[test]
fn what_is_hard_to_judge() {
    every_log_of(evil::GROUPS[0]);
}

#[test]
fn what_is_hard_to_count() {
    every_log_of(evil::GROUPS[1]);
}

#[test]
fn what_is_hard_to_read() {
    every_log_of(evil::GROUPS[2]);
}

#[test]
fn what_is_no_access_log() {
    every_log_of(evil::GROUPS[3]);
}

#[test]
fn every_log_has_a_name_of_its_own_and_is_the_same_each_time() {
    let mut names = HashSet::new();
    for evil in evil::all() {
        assert!(names.insert(evil.name), "two logs are called {}", evil.name);
        assert!(evil.log(10_000) == evil.log(10_000), "{}", evil.name);
    }
}

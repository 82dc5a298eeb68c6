//! Every scenario gives the report that lies beside it, and the same bytes however it is run.
//!
//! `UPDATE_GOLDEN=1 cargo test scenarios` writes the expected reports anew; look at the difference
//! before you commit it. What a report must say in any case is in `stories`.

use std::fs;

use crate::harness::{Scenario, run_in, scenarios, text};

/// Sizes of chunks that cut lines in odd places.
const CHUNK_BYTES: [&str; 3] = ["997", "4099", "65537"];
const THREADS: [&str; 3] = ["1", "2", "3"];

fn scan(scenario: &Scenario, format: &str, more: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["scan", "--quiet", "--color", "never", "--format", format];
    let own = scenario.command_line();
    arguments.extend(own.iter().map(String::as_str));
    arguments.extend(more);
    run_in(&scenario.folder, &arguments).stdout
}

fn compare(scenario: &Scenario, file: &str, found: &[u8]) -> Result<(), String> {
    let path = scenario.home.join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
        return Ok(());
    }
    let expected = fs::read(&path).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (text(&expected), text(found));
    let mut pairs = expected.lines().zip(found.lines()).enumerate();
    let first = pairs.find(|(_, (expected, found))| expected != found);
    let (number, (old, new)) = first.unwrap_or((0, ("(an end)", "(another end)")));
    Err(format!(
        "{}/{file} differs from line {} on:\n  expected {old}\n  found    {new}\n\
         if the new report is right: UPDATE_GOLDEN=1 cargo test scenarios",
        scenario.name,
        number + 1
    ))
}

#[test]
fn reports_are_the_expected_ones() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        for (format, file) in [("table", "expected.table.txt"), ("json", "expected.json")] {
            let found = scan(&scenario, format, &[]);
            complaints.extend(compare(&scenario, file, &found).err());
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn threads_and_chunks_change_nothing() {
    for scenario in scenarios() {
        let expected = scan(&scenario, "json", &[]);
        let threads = THREADS.map(|number| vec!["--threads", number]);
        let chunks = CHUNK_BYTES.map(|number| vec!["--chunk-bytes", number]);
        for variant in threads.into_iter().chain(chunks).chain([vec!["--no-mmap"]]) {
            let found = scan(&scenario, "json", &variant);
            assert!(
                found == expected,
                "{}: {variant:?} changes the report",
                scenario.name
            );
        }
    }
}

#[test]
fn the_order_of_arguments_changes_nothing() {
    for mut scenario in scenarios() {
        let (json, table) = (scan(&scenario, "json", &[]), scan(&scenario, "table", &[]));
        scenario.inputs.reverse();
        assert!(
            scan(&scenario, "json", &[]) == json && scan(&scenario, "table", &[]) == table,
            "{}: the order of its files changes the report",
            scenario.name
        );
    }
}

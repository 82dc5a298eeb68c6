//! Every scenario gives the report that lies beside it, and the same bytes however it is run.
//!
//! `UPDATE_GOLDEN=1 cargo test scenarios` writes the expected reports anew; look at the difference
//! before you commit it. What a report must say in any case is in `stories`.

use std::fs;
use std::path::Path;

use crate::harness::{Scenario, run_in, scenarios, text};

/// Sizes of chunks that cut lines in odd places.
const CHUNK_BYTES: [&str; 3] = ["997", "4099", "65537"];
const THREADS: [&str; 3] = ["1", "2", "3"];

/// The formats of a report, and the file beside a scenario that shows each.
const FORMATS: [(&str, &str); 7] = [
    ("table", "expected.table.txt"),
    ("json", "expected.json"),
    ("markdown", "expected.md"),
    ("html", "expected.html.txt"),
    ("csv", "expected.csv"),
    ("timesketch", "expected.timesketch.jsonl"),
    ("ecs", "expected.ecs.ndjson"),
];

fn scan(scenario: &Scenario, format: &str, more: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["scan", "--quiet", "--color", "never", "--format", format];
    let own = scenario.command_line();
    arguments.extend(own.iter().map(String::as_str));
    arguments.extend(more);
    run_in(&scenario.folder, &arguments).stdout
}

/// What is compared of a page: all but the styles and scripts, which are the same in every page and lie in `src/report/html`, and
/// their hashes; a tag begins a line, so that a difference can be read. Other formats are compared as they are.
fn shown(format: &str, written: Vec<u8>) -> Vec<u8> {
    if format != "html" {
        return written;
    }
    let page = String::from_utf8(written).unwrap();
    let hash = regex::Regex::new("'sha256-[^']*'").unwrap();
    let page = hash.replace_all(&page, "'sha256-...'");
    let part = regex::Regex::new("(?s)<(style|script)>.*?</(style|script)>").unwrap();
    let parts = part.find_iter(&page).count();
    assert_eq!(parts, 4, "two styles and two scripts");
    let page = part.replace_all(&page, "<$1>...</$1>");
    page.replace("><", ">\n<").into()
}

/// Holds what was printed against a file of the scenario, or writes it there.
pub fn compare(scenario: &Scenario, file: &str, found: &[u8]) -> Result<(), String> {
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
        for (format, file) in FORMATS {
            let found = shown(format, scan(&scenario, format, &[]));
            complaints.extend(compare(&scenario, file, &found).err());
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_saved_report_is_printed_as_when_it_was_made() {
    for scenario in scenarios() {
        for (format, file) in FORMATS {
            let arguments = [
                "report",
                "expected.json",
                "--color",
                "never",
                "--format",
                format,
            ];
            let printed = shown(format, run_in(&scenario.home, &arguments).stdout);
            let expected = fs::read(scenario.home.join(file)).unwrap();
            assert!(printed == expected, "{}: {format}", scenario.name);
        }
    }
}

#[test]
fn every_report_is_what_its_schema_says() {
    let schema = run_in(Path::new("."), &["schema", "report"]).stdout;
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for scenario in scenarios() {
        let report = fs::read(scenario.home.join("expected.json")).unwrap();
        let mut report = serde_json::from_slice(&report).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&report)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", scenario.name);
        report["verdict"]["start"] = "yesterday".into();
        report["incidents"] = serde_json::json!([{ "cause": "bad luck" }]);
        assert!(!validator.is_valid(&report));
    }
}

#[test]
fn every_hit_is_what_its_schema_says() {
    let schema = run_in(Path::new("."), &["schema", "hits"]).stdout;
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    for scenario in scenarios() {
        let own = scenario.command_line();
        let inputs = own
            .iter()
            .map(String::as_str)
            .filter(|part| !part.starts_with('-'));
        let mut arguments = vec!["hits", "--quiet", "--min-confidence", "low"];
        arguments.extend(inputs.filter(|input| scenario.folder.join(input).exists()));
        let hits = run_in(&scenario.folder, &arguments).stdout;
        for line in text(&hits).lines() {
            let hit = serde_json::from_str(line).unwrap();
            let faults: Vec<_> = validator
                .iter_errors(&hit)
                .map(|fault| fault.to_string())
                .collect();
            assert!(faults.is_empty(), "{}: {line}: {faults:#?}", scenario.name);
            seen += 1;
        }
    }
    assert!(seen > 0);
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

//! `--sigma DIR` and `patterns sigma DIR` as a whole: rules that apply find their lines, the others are listed.

use std::fs;

use serde_json::Value;

use crate::harness::{parse, report_in, repository, run_in, text};

const RULES: &str = "testdata/sigma";
const LOG: &str = "testdata/sigma/access.log";

/// What the last digits of the rules' ids are preceded by.
const FAMILY: &str = "sigma-5d0f6c1e-8a1b-4d2c-9e57-1a2b3c4d";

fn hits(arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["hits", "-q", "--no-context", "--min-confidence", "low", LOG];
    all.extend(arguments);
    let output = run_in(repository(), &all);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The line of each hit of a Sigma rule, with the rule's number and the place.
fn by_rules(hits: &[Value]) -> Vec<(u64, String, String)> {
    let mut found = Vec::new();
    for hit in hits {
        for id in hit["patterns"].as_array().unwrap() {
            if let Some(number) = id.as_str().unwrap().strip_prefix(FAMILY) {
                let field = hit["field"].as_str().unwrap();
                let line = hit["line"].as_u64().unwrap();
                found.push((line, number.to_owned(), field.to_owned()));
            }
        }
    }
    found
}

#[test]
fn each_rule_finds_its_lines_and_no_others() {
    let found = by_rules(&hits(&["--sigma", RULES]));
    let lines: Vec<(u64, &str)> = found.iter().map(|(l, n, _)| (*l, n.as_str())).collect();
    assert_eq!(
        lines,
        [
            (1, "0001"),
            (3, "0002"),
            (4, "0003"),
            (5, "0005"),
            (6, "0007"),
            (7, "0007"),
            (8, "0008"),
            (10, "0009"),
            (11, "0010"),
        ]
    );
}

#[test]
fn a_match_says_what_it_is_and_is_never_sure_by_itself() {
    let all = hits(&["--sigma", RULES]);
    let of_line = |line: u64| all.iter().find(|hit| hit["line"] == line).unwrap();
    let admin = of_line(1);
    assert_eq!(admin["confidence"], "medium");
    assert_eq!(admin["category"], "scanner");
    assert_eq!(admin["severity"], "high");
    assert_eq!(admin["field"], "path");
    assert_eq!(admin["matched"], "/shop-admin/");
    assert_eq!(of_line(3)["confidence"], "low");
    assert_eq!(of_line(6)["field"], "line");
    assert_eq!(of_line(8)["field"], "user_agent");
}

#[test]
fn the_packs_find_the_same_with_rules_and_without() {
    let own = |hits: Vec<Value>| -> Vec<(Value, Vec<Value>)> {
        let all = hits.into_iter().map(|hit| {
            let ids = hit["patterns"].as_array().unwrap().iter();
            let own = ids.filter(|id| !id.as_str().unwrap().starts_with("sigma-"));
            (hit["line"].clone(), own.cloned().collect())
        });
        all.filter(|(_, ids): &(_, Vec<Value>)| !ids.is_empty())
            .collect()
    };
    let with = own(hits(&["--sigma", RULES]));
    assert!(!with.is_empty());
    assert_eq!(with, own(hits(&[])));
}

#[test]
fn scan_counts_matches_of_rules() {
    let without = report_in(repository(), &[LOG]);
    let with = report_in(repository(), &[LOG, "--sigma", RULES]);
    let hits = |report: &Value| report["totals"]["hits"].as_u64().unwrap();
    assert!(hits(&with) >= hits(&without) + 5, "{}", hits(&with));
}

#[test]
fn threads_and_pieces_cannot_be_seen() {
    let reference = hits(&["--sigma", RULES]);
    for extra in [["-j", "1"], ["--chunk-bytes", "100"]] {
        assert_eq!(
            hits(&["--sigma", RULES, extra[0], extra[1]]),
            reference,
            "{extra:?}"
        );
    }
}

#[test]
fn every_rule_is_listed_with_what_became_of_it() {
    let output = run_in(
        repository(),
        &["patterns", "sigma", RULES, "--format", "json"],
    );
    let rows = parse(&output);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 22);
    let used = rows.iter().filter(|row| !row["pattern"].is_null());
    assert_eq!(used.count(), 8);
    for (title, part) in [
        ("Session fixation by cookie", "`cs-cookie`"),
        ("Everything but known sessions", "`cs-cookie`"),
        ("Upload form misused", "`cs-body`"),
        ("A shell started", "log source"),
        ("Many refusals", "counts over several lines"),
        ("A burst of coupons", "correlates"),
        ("Child processes", "error logs"),
        ("Night work", "time"),
        ("Names from a list", "`expand`"),
        ("A modifier that", "sounds_like"),
        ("An expression that", "unclosed"),
        ("A selection that", "selections"),
        ("Withdrawn", "deprecated"),
        (
            "SQL injection into the coupon field, once more",
            "another rule",
        ),
    ] {
        let row = rows.iter().find(|row| {
            let found = row["title"].as_str();
            found.is_some_and(|found| found.starts_with(title))
        });
        let reason = row.unwrap()["reason"].as_str().unwrap();
        assert!(reason.contains(part), "{title}: {reason}");
    }
}

#[test]
fn warnings_are_few_and_say_where_the_rest_is() {
    let output = run_in(repository(), &["hits", LOG, "--sigma", RULES]);
    let told = text(&output.stderr);
    assert!(
        told.contains("14 of 22 Sigma rules cannot apply; see `aftertrace patterns sigma"),
        "{told}"
    );
    assert!(told.lines().count() <= 6, "{told}");
    let quiet = run_in(repository(), &["hits", "-q", LOG, "--sigma", RULES]);
    assert_eq!(text(&quiet.stderr), "");
}

#[test]
fn a_folder_that_is_none_ends_the_run_and_hostile_titles_are_escaped() {
    for arguments in [
        ["hits", LOG, "--sigma", "testdata/nowhere"],
        ["scan", LOG, "--sigma", "testdata/patterns"],
    ] {
        let output = run_in(repository(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let rule = "title: \"\\e[31mred\"\nlogsource: {category: webserver}\ndetection:\n  s: {cs-cookie: x}\n  condition: s\n";
    fs::write(folder.path().join("a.yml"), rule).unwrap();
    let output = run_in(folder.path(), &["patterns", "sigma", "."]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!output.stdout.contains(&0x1b));
    assert!(text(&output.stdout).contains("red"));
}

//! What `explain`, `patterns explain` and the catalogue print, and what they refuse.
//!
//! `testdata/explanations/NAME.args` holds the arguments of a run, one a line, `NAME.txt` what it prints.
//! `UPDATE_GOLDEN=1 cargo test explain` writes the latter anew; look at the difference before you commit
//! it.

use std::fs;

use serde_json::Value;

use crate::harness::{aftertrace, repository, run_in, text};

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run_in(repository(), arguments);
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The output of a run that must succeed.
fn printed(arguments: &[&str]) -> String {
    let (status, printed, complaint) = run(arguments);
    assert_eq!(status, Some(0), "{arguments:?}: {complaint}");
    printed
}

#[test]
fn whole_outputs_are_the_expected_ones() {
    let folder = repository().join("testdata/explanations");
    let mut complaints = Vec::new();
    let mut names = crate::harness::names_in(&folder);
    names.retain(|name| name.ends_with(".args"));
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let arguments = fs::read_to_string(folder.join(&name)).unwrap();
        let arguments: Vec<&str> = arguments.lines().collect();
        let found = printed(&arguments);
        let path = folder.join(name.replace(".args", ".txt"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &found).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != found {
            complaints.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(
        complaints.is_empty(),
        "these differ; if the new text is right: UPDATE_GOLDEN=1 cargo test explain\n{}",
        complaints.join("\n")
    );
}

#[test]
fn many_lines_come_from_arguments_and_standard_input() {
    let output = aftertrace()
        .args(["explain", "--format", "json", "/first", "-"])
        .write_stdin("/a?b=%3Cscript%3Ealert(1)%3C/script%3E\r\n\n/last")
        .output()
        .unwrap();
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let inputs: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["input"].as_str())
        .collect();
    assert_eq!(
        inputs,
        ["/first", "/a?b=%3Cscript%3Ealert(1)%3C/script%3E", "/last"]
    );
    assert!(lines[0]["verdict"].is_null());
    assert_eq!(lines[1]["verdict"]["category"], "xss");
}

/// `explain` and `hits` must never tell different stories of one line.
#[test]
fn explanations_say_what_hits_say() {
    let surge = crate::harness::scenario("sqli-surge-2021-09-05");
    let log = crate::harness::read_log(&surge.folder.join("access.log.gz"));
    let lines = crate::harness::lines(&log);
    let arguments = [
        "hits",
        "-q",
        "--no-context",
        "--min-confidence",
        "low",
        "access.log.gz",
    ];
    let hits = text(&run_in(&surge.folder, &arguments).stdout);
    let hits: Vec<Value> = hits
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // some hits, and lines that are none
    let numbers: Vec<usize> = hits
        .iter()
        .step_by(hits.len() / 60 + 1)
        .map(|hit| hit["line"].as_u64().unwrap() as usize)
        .chain((1..=lines.len()).step_by(lines.len() / 60 + 1))
        .collect();
    let input: Vec<&[u8]> = numbers.iter().map(|number| lines[number - 1]).collect();
    let output = aftertrace()
        .args(["explain", "--format", "json", "-"])
        .write_stdin(input.join(&b'\n'))
        .output()
        .unwrap();
    let told: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), numbers.len());
    for (number, told) in numbers.iter().zip(&told) {
        let hit = hits.iter().find(|hit| hit["line"] == *number as u64);
        let Some(hit) = hit else {
            assert!(told["verdict"].is_null(), "line {number}");
            continue;
        };
        for key in ["category", "categories", "severity", "confidence"] {
            assert_eq!(told["verdict"][key], hit[key], "line {number}: {key}");
        }
        let mut ids: Vec<&Value> = told["matches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fired| &fired["pattern"])
            .collect();
        ids.dedup();
        let listed: Vec<&Value> = hit["patterns"].as_array().unwrap().iter().collect();
        assert_eq!(ids, listed, "line {number}");
    }
}

#[test]
fn hostile_lines_reach_the_terminal_as_text() {
    let evil = b"/x?a=\x1b[2J%1b%5b31m\xff\xfe<script>alert(1)</script>\xe2\x80\xae' or 1=1--\x07";
    let output = aftertrace()
        .args(["explain", "-", "--user-agent", "\u{1b}]0;x\u{7}"])
        .write_stdin(evil.to_vec())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let page = String::from_utf8(output.stdout).expect("a page is UTF-8");
    for line in page.lines() {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(!line.contains('\u{202e}'), "{line:?}");
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
    assert!(page.contains("cross-site scripting"), "{page}");
}

#[test]
fn colour_comes_when_asked_for() {
    let escapes = |color| {
        let arguments = ["explain", "--color", color, "/?a=<script>alert(1)</script>"];
        printed(&arguments).contains('\x1b')
    };
    assert!(escapes("always"));
    assert!(!escapes("never") && !escapes("auto"));
    let no_color = aftertrace()
        .env("NO_COLOR", "1")
        .args(["explain", "/?a=<script>alert(1)</script>"])
        .output()
        .unwrap();
    assert!(!no_color.stdout.contains(&0x1b));
}

#[test]
fn an_unknown_pattern_is_2_and_near_ones_are_offered() {
    let (status, page, complaint) = run(&["patterns", "explain", "sql-unoin"]);
    assert_eq!((status, page.as_str()), (Some(2), ""));
    assert!(complaint.contains("did you mean sql-union"), "{complaint}");
    let (status, _, complaint) = run(&["patterns", "explain", "\u{1b}[2Jzzzzzz"]);
    assert_eq!(status, Some(2));
    assert!(complaint.contains("patterns list") && !complaint.contains('\x1b'));
}

#[test]
fn every_pattern_can_be_explained() {
    let all: Value =
        serde_json::from_str(&printed(&["patterns", "list", "--format", "json"])).unwrap();
    let all = all.as_array().unwrap();
    for entry in all.iter().step_by(9) {
        let id = entry["id"].as_str().unwrap();
        let page = printed(&["patterns", "explain", id]);
        assert!(
            page.contains("What it looks for") && page.contains("Does not match"),
            "{page}"
        );
        let json = printed(&["patterns", "explain", id, "--format", "json"]);
        let told: Value = serde_json::from_str(&json).unwrap();
        for key in [
            "id",
            "title",
            "severity",
            "confidence",
            "why",
            "matches",
            "ignores",
        ] {
            assert_eq!(told[key], entry[key], "{id}: {key}");
        }
    }
}

#[test]
fn the_catalogue_can_be_narrowed_to_a_category() {
    let all = printed(&["patterns", "list"]);
    let sql = printed(&["patterns", "list", "--category", "sql_injection"]);
    assert!(sql.lines().count() > 5);
    for line in sql.lines().skip(1) {
        assert_eq!(line.split_whitespace().nth(1), Some("sql_injection"));
        let id = line.split_whitespace().next().unwrap();
        assert!(all.lines().any(|line| line.starts_with(id)), "{id}");
    }
    let (status, _, complaint) = run(&["patterns", "list", "--category", "magic"]);
    assert_eq!(status, Some(2));
    assert!(complaint.contains("sql_injection"), "{complaint}");
}

/// An entry whose expression is written out to millions of states, or is tried everywhere.
fn pack(regex: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let entry = format!(
        "[[pattern]]\nid = \"house-rule\"\ntitle = \"t\"\ncategory = \"scanner\"\nseverity = \"low\"\n\
         confidence = \"low\"\nfields = [\"path\"]\nregex = '''{regex}'''\nwhy = \"w\"\n\
         references = [\"CAPEC-310\"]\nmatches = [\"/house/rule\"]\nignores = [\"/1\"]\n"
    );
    fs::write(folder.path().join("house.toml"), entry).unwrap();
    folder
}

#[test]
fn an_entry_that_is_far_from_linear_is_refused() {
    let folder = pack("(?:[a-z]{1,80}/?){1,80}rule");
    let output = run_in(folder.path(), &["patterns", "check", "."]);
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    for piece in [
        "house.toml:1: entry house-rule: regex: ",
        " states",
        "repetitions",
    ] {
        assert!(complaint.contains(piece), "{piece}: {complaint}");
    }
    let folder = pack("house/[a-z]{1,80}");
    let output = run_in(folder.path(), &["patterns", "check", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn an_entry_that_is_always_tried_is_a_note() {
    let folder = pack("[a-z]+");
    let output = run_in(folder.path(), &["patterns", "check", "."]);
    assert_eq!(output.status.code(), Some(0));
    let note = text(&output.stderr);
    assert!(
        note.starts_with("note: ")
            && note.contains("house.toml:1: entry house-rule: can match without"),
        "{note}"
    );
}

#[test]
fn timing_has_a_row_for_every_entry_and_counts_on_logs() {
    let folder = pack("house/[a-z]+");
    let line = |target: &str| {
        format!(
            "192.0.2.9 - - [02/Feb/2022:12:00:01 +0000] \"GET {target} HTTP/1.1\" 200 5 \"-\" \"t\"\n"
        )
    };
    let log = line("/house/rule") + &line("/house/rules") + &line("/house/1") + &line("/");
    fs::write(folder.path().join("a.log"), log).unwrap();
    let arguments = ["patterns", "check", ".", "--format", "json", "--timing"];
    let alone = run_in(folder.path(), &arguments);
    let alone: Value = serde_json::from_slice(&alone.stdout).unwrap();
    let entry = &alone["entries"][0];
    assert_eq!(entry["id"], "house-rule");
    assert!(entry["states"].as_u64().unwrap() > 5);
    assert!(entry["samples_ns_per_kib"].as_f64().unwrap() > 0.0);
    assert!(entry["worst_ns_per_kib"].as_f64().unwrap() > 0.0);
    assert!(alone["lines"].is_null() && entry["logs"].is_null());

    let with_log = [&arguments[..], &["a.log"]].concat();
    let on_logs = run_in(folder.path(), &with_log);
    let on_logs: Value = serde_json::from_slice(&on_logs.stdout).unwrap();
    assert_eq!(on_logs["lines"], 4);
    let logs = &on_logs["entries"][0]["logs"];
    assert_eq!((&logs["tried"], &logs["fired"]), (&3.into(), &2.into()));
    assert!((logs["share"].as_f64().unwrap() - 1.0).abs() < 1e-9);

    let table = run_in(
        folder.path(),
        &["patterns", "check", ".", "--timing", "a.log"],
    );
    let table = text(&table.stdout);
    assert!(table.starts_with("ID "), "{table}");
    assert!(
        table.lines().any(|line| line.starts_with("house-rule ")),
        "{table}"
    );
    let missing = run_in(
        folder.path(),
        &["patterns", "check", ".", "--timing", "no.log"],
    );
    assert_eq!(missing.status.code(), Some(2));
}

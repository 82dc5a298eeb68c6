//! The command line's promises: exit statuses, streams, files, and calm in the face of any input.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{
    aftertrace, each, fields, names_in, number, parse, program, read_log, report_in, run_in,
    scenario, text,
};

/// A line that parses, at 12:00:SECOND.
fn line(second: u64, target: &str) -> String {
    format!(
        "192.0.2.9 - - [02/Feb/2022:12:00:{second:02} +0000] \"GET {target} HTTP/1.1\" 200 512 \"-\" \"test\"\n"
    )
}

/// A folder with one log of a few ordinary lines.
fn small_log() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let log: String = (0..30).map(|second| line(second, "/")).collect();
    fs::write(folder.path().join("a.log"), log).unwrap();
    folder
}

fn status(folder: &Path, arguments: &[&str]) -> Option<i32> {
    run_in(folder, arguments).status.code()
}

#[test]
fn exit_status_is_0_whatever_was_found() {
    for name in ["quiet-day", "ddos-2023-05-07"] {
        let scenario = scenario(name);
        assert_eq!(
            status(&scenario.folder, &["scan", &scenario.inputs[0]]),
            Some(0),
            "{name}"
        );
    }
}

#[test]
fn fail_on_gives_1_from_its_severity_on() {
    let ddos = scenario("ddos-2023-05-07");
    let quiet = scenario("quiet-day");
    let severity = |scenario: &crate::harness::Scenario, limit| {
        let mut arguments = vec!["scan", "--quiet", "--fail-on", limit];
        arguments.extend(scenario.inputs.iter().map(String::as_str));
        status(&scenario.folder, &arguments)
    };
    assert_eq!(severity(&ddos, "low"), Some(1));
    assert_eq!(severity(&ddos, "high"), Some(1));
    assert_eq!(severity(&quiet, "critical"), Some(0));
    let crawler = scenario("crawler");
    assert_eq!(severity(&crawler, "critical"), Some(0));
}

#[test]
fn bad_usage_is_2_and_explained() {
    let folder = small_log();
    for arguments in [
        &["scan"][..],
        &["scan", "a.log", "--format", "poem"],
        &["scan", "a.log", "--since", "yesterday"],
        &["scan", "a.log", "--bucket", "0"],
        &["scan", "a.log", "--fail-on", "huge"],
        &["no-such-command"],
    ] {
        let output = run_in(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_read_is_2_but_the_rest_is_reported() {
    let folder = small_log();
    let output = run_in(
        folder.path(),
        &["scan", "--format", "json", "missing.log", "a.log"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("missing.log"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(number(&parse(&output), "/totals/requests"), 30);
}

#[test]
fn nothing_to_read_is_2_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let output = run_in(folder.path(), &["scan", "missing.log"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("missing.log"));
}

#[test]
fn data_goes_to_standard_output_and_warnings_to_standard_error() {
    let dirty = scenario("dirty-input");
    let mut arguments = vec!["scan", "--format", "json"];
    arguments.extend(dirty.inputs.iter().map(String::as_str));
    let output = run_in(&dirty.folder, &arguments);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stderr).contains("notes.txt"),
        "{}",
        text(&output.stderr)
    );
    assert!(parse(&output).is_object());
    arguments.push("--quiet");
    let quiet = run_in(&dirty.folder, &arguments);
    assert!(quiet.stderr.is_empty(), "{}", text(&quiet.stderr));
    assert!(quiet.stdout == output.stdout);
}

#[test]
fn standard_input_is_read_like_a_file() {
    let brute = scenario("brute-force");
    let log = read_log(&brute.folder.join("access.log"));
    let output = aftertrace()
        .args(["scan", "-", "--format", "json"])
        .write_stdin(log)
        .output()
        .unwrap();
    let mut piped = parse(&output);
    let mut stored = report_in(&brute.folder, &["access.log"]);
    assert_eq!(piped["inputs"][0]["path"], "-");
    for report in [&mut piped, &mut stored] {
        report["inputs"][0]["path"] = Value::Null;
    }
    assert_eq!(piped["inputs"], stored["inputs"]);
    assert_eq!(piped["totals"], stored["totals"]);
    assert_eq!(piped["series"], stored["series"]);
    assert_eq!(piped["verdict"], stored["verdict"]);
}

#[test]
fn a_directory_is_read_with_all_its_logs() {
    let folder = small_log();
    let nested = folder.path().join("logs");
    fs::create_dir(&nested).unwrap();
    fs::rename(folder.path().join("a.log"), nested.join("a.log")).unwrap();
    fs::write(nested.join("b.log"), line(40, "/b")).unwrap();
    let report = report_in(folder.path(), &["logs"]);
    assert_eq!(number(&report, "/totals/requests"), 31);
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let surge = scenario("sqli-surge-2021-09-05");
    let mut child = Command::new(program())
        .current_dir(&surge.folder)
        .args(["hits", "access.log.gz", "--min-confidence", "low"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with('{'));
    let mut complaint = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaint)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(complaint, "");
}

#[test]
fn an_output_file_appears_whole_and_alone() {
    let folder = small_log();
    fs::write(
        folder.path().join("report.json"),
        "what was there before ".repeat(9_000),
    )
    .unwrap();
    let arguments = ["scan", "--quiet", "--format", "json", "a.log"];
    let printed = run_in(folder.path(), &arguments).stdout;
    let output = run_in(
        folder.path(),
        &[&arguments[..], &["-o", "report.json"]].concat(),
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    assert!(fs::read(folder.path().join("report.json")).unwrap() == printed);
    assert_eq!(names_in(folder.path()), ["a.log", "report.json"]);
}

#[test]
fn an_output_file_that_cannot_be_written_is_2_and_named() {
    let folder = small_log();
    let output = run_in(
        folder.path(),
        &["scan", "a.log", "-o", "no/such/folder/report.json"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no/such/folder/report.json"));
}

#[test]
fn since_and_until_bound_what_is_counted() {
    let brute = scenario("brute-force");
    let log = text(&read_log(&brute.folder.join("access.log")));
    let minute = |line: &str| line.split('[').nth(1).map(|rest| rest[12..17].to_owned());
    let within = |from: &str, to: &str| {
        let inside = |time: String| time.as_str() >= from && time.as_str() < to;
        log.lines()
            .filter_map(minute)
            .filter(|time| inside(time.clone()))
            .count() as u64
    };
    let counted = |since: &str, until: &str| {
        let arguments = ["access.log", "--since", since, "--until", until];
        number(&report_in(&brute.folder, &arguments), "/totals/requests")
    };
    let expected = within("21:00", "21:30");
    assert!(expected > 0);
    assert_eq!(
        counted("2022-12-02T21:00:00-05:00", "2022-12-02T21:30:00-05:00"),
        expected
    );
    assert_eq!(
        counted("2022-12-03T02:00:00Z", "2022-12-03T02:30:00Z"),
        expected
    );
    assert_eq!(
        counted("2022-12-02 21:00", "2022-12-02 21:30"),
        expected,
        "the log's own zone"
    );
    let total = log.lines().count() as u64;
    assert_eq!(counted("-30d", "2022-12-04 00:00"), total);
    let last_hour = number(
        &report_in(&brute.folder, &["access.log", "--since", "-1h"]),
        "/totals/requests",
    );
    assert!(last_hour > 0 && last_hour < total / 2);
}

#[test]
fn a_file_that_is_no_log_is_named() {
    let folder = small_log();
    fs::write(
        folder.path().join("poem.txt"),
        "Roses are red\nViolets are blue\n".repeat(20),
    )
    .unwrap();
    let output = run_in(
        folder.path(),
        &["scan", "a.log", "poem.txt", "--format", "json"],
    );
    let report = parse(&output);
    let warned = each(&report, "/warnings/*/input");
    assert!(
        warned.iter().any(|input| **input == "poem.txt"),
        "{warned:?}"
    );
    assert!(text(&output.stderr).contains("poem.txt"));
    assert_eq!(number(&report, "/totals/requests"), 30);
}

/// Ordinary lines with something in their midst; the report must count every line.
fn survives(middle: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut file = fs::File::create(folder.path().join("a.log")).unwrap();
    for second in 0..20 {
        file.write_all(line(second, "/").as_bytes()).unwrap();
    }
    file.write_all(middle).unwrap();
    for second in 20..40 {
        file.write_all(line(second, "/").as_bytes()).unwrap();
    }
    drop(file);
    let report = report_in(folder.path(), &["a.log"]);
    let input = &report["inputs"][0];
    let accounted =
        number(input, "/records") + number(input, "/unparsed") + number(input, "/blank");
    assert_eq!(accounted, number(input, "/lines"));
    assert!(number(&report, "/totals/requests") >= 40);
    report
}

#[test]
fn a_line_of_100_mb_is_one_line() {
    let mut line = vec![b'A'; 100_000_000];
    line.push(b'\n');
    let report = survives(&line);
    assert_eq!(number(&report, "/inputs/0/lines"), 41);
    assert_eq!(number(&report, "/inputs/0/unparsed"), 1);
}

#[test]
fn a_request_of_2_mb_is_one_line_and_searched_at_its_beginning() {
    let target = format!(
        "/find?q=<script>alert(1)</script>&x={}",
        "y".repeat(2_000_000)
    );
    let report = survives(line(20, &target).as_bytes());
    assert_eq!(number(&report, "/inputs/0/lines"), 41);
    assert!(number(&report, "/totals/hits") >= 1);
}

#[test]
fn binary_garbage_is_counted_line_by_line() {
    let garbage: Vec<u8> = (0..=255u8).cycle().take(64 * 256).collect();
    let report = survives(&[&garbage[..], b"\n"].concat());
    assert!(number(&report, "/inputs/0/unparsed") > 0);
}

#[test]
fn a_gzip_file_that_breaks_off_is_read_as_far_as_it_goes() {
    let quiet = scenario("quiet-day");
    let whole = fs::read(quiet.folder.join("access.log.gz")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log.gz"), &whole[..whole.len() / 2]).unwrap();
    let output = run_in(folder.path(), &["scan", "--format", "json", "a.log.gz"]);
    assert!(
        text(&output.stderr).contains("a.log.gz"),
        "{}",
        text(&output.stderr)
    );
    assert!(number(&parse(&output), "/totals/requests") > 1_000);
}

#[test]
fn an_empty_file_is_no_error() {
    let folder = small_log();
    fs::write(folder.path().join("empty.log"), "").unwrap();
    let output = run_in(
        folder.path(),
        &["scan", "--format", "json", "a.log", "empty.log"],
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(number(&parse(&output), "/totals/requests"), 30);
}

#[test]
fn the_table_is_safe_and_80_columns_wide() {
    for name in ["dirty-input", "sqli-surge-2021-09-05", "ddos-2023-05-07"] {
        let scenario = scenario(name);
        let mut arguments = vec!["scan", "--quiet"];
        arguments.extend(scenario.inputs.iter().map(String::as_str));
        let table = run_in(&scenario.folder, &arguments).stdout;
        let table = String::from_utf8(table).expect("a table is UTF-8");
        for line in table.lines() {
            assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
            assert!(
                unicode_width::UnicodeWidthStr::width(line) <= 80,
                "{name}: {line}"
            );
        }
    }
}

#[test]
fn colour_comes_when_asked_for() {
    let folder = small_log();
    let escapes = |arguments: &[&str]| {
        let all = [&["scan", "a.log"], arguments].concat();
        run_in(folder.path(), &all).stdout.contains(&0x1b)
    };
    assert!(escapes(&["--color", "always"]));
    assert!(!escapes(&["--color", "never"]));
    assert!(!escapes(&[]), "no colour off a terminal");
    assert!(!escapes(&["--color", "always", "--format", "json"]));
}

#[test]
fn times_are_shown_in_the_zone_asked_for() {
    let ddos = scenario("ddos-2023-05-07");
    let table = |zone: &[&str]| {
        let all = [&["scan", "--quiet", "access.log.gz", "error.log.gz"], zone].concat();
        text(&run_in(&ddos.folder, &all).stdout)
    };
    assert!(table(&[]).contains("02:00"), "the log's own zone");
    assert!(table(&["--tz", "UTC"]).contains("06:00"));
    assert_ne!(table(&["--tz", "UTC"]), table(&["--tz", "+02:00"]));
}

#[test]
fn the_bucket_is_the_series_step() {
    let brute = scenario("brute-force");
    let series =
        |bucket| report_in(&brute.folder, &["access.log", "--bucket", bucket])["series"].clone();
    let (minutes, quarters) = (series("1m"), series("15m"));
    assert_eq!(number(&minutes, "/bucket_s"), 60);
    assert_eq!(number(&quarters, "/bucket_s"), 900);
    assert!(each(&minutes, "/requests/*").len() > 10 * each(&quarters, "/requests/*").len());
}

#[test]
fn the_offset_of_error_logs_can_be_given() {
    let ddos = scenario("ddos-2023-05-07");
    let error_input = |more: &[&str]| {
        let report = report_in(
            &ddos.folder,
            &[&["access.log.gz", "error.log.gz"], more].concat(),
        );
        let inputs = each(&report, "/inputs/*");
        let found = inputs.into_iter().find(|input| input["kind"] == "error");
        found.unwrap().clone()
    };
    let (found, given) = (error_input(&[]), error_input(&["--error-tz", "+00:00"]));
    assert_eq!(
        found["utc_offset"], "-04:00",
        "inferred from the access log"
    );
    assert_eq!(given["utc_offset"], "+00:00");
    assert_ne!(found["first"], given["first"]);
}

fn hits(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = run_in(folder, &[&["hits"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect()
}

#[test]
fn hits_are_lines_of_the_input_in_order() {
    let surge = scenario("sqli-surge-2021-09-05");
    let log = read_log(&surge.folder.join("access.log.gz"));
    let stored = crate::harness::lines(&log);
    let found = hits(&surge.folder, &["access.log.gz"]);
    assert!(found.len() > 300, "{}", found.len());
    let numbers: Vec<u64> = found.iter().map(|hit| number(hit, "/line")).collect();
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "one object a line, in order"
    );
    for hit in &found {
        for field in [
            "source", "time", "target", "status", "category", "patterns", "severity",
        ] {
            assert!(!hit[field].is_null(), "{field} of {hit}");
        }
        let line = text(stored[number(hit, "/line") as usize - 1]);
        assert_eq!(hit["client"], line.split(' ').next().unwrap());
        // A request that is no request line is a target as a whole.
        if let Some((_, _, target)) = fields(&line) {
            assert_eq!(hit["target"], target);
        }
        assert!(
            hit["categories"]
                .as_array()
                .unwrap()
                .contains(&hit["category"])
        );
    }
}

#[test]
fn surer_hits_are_among_the_less_sure() {
    let surge = scenario("sqli-surge-2021-09-05");
    let count = |confidence| {
        hits(
            &surge.folder,
            &["access.log.gz", "--min-confidence", confidence],
        )
        .len()
    };
    let (low, medium, high) = (count("low"), count("medium"), count("high"));
    assert!(
        low >= medium && medium >= high && high > 0,
        "{low} {medium} {high}"
    );
    assert_eq!(hits(&surge.folder, &["access.log.gz"]).len(), medium);
}

#[test]
fn ordinary_searches_are_no_hits() {
    let quiet = scenario("quiet-day");
    for hit in hits(&quiet.folder, &["access.log.gz"]) {
        let target = hit["target"].as_str().unwrap_or_default();
        assert!(!target.starts_with("/search?"), "{hit}");
    }
}

#[test]
fn patterns_are_listed_and_hold() {
    let folder = tempfile::tempdir().unwrap();
    let listed = run_in(folder.path(), &["patterns", "list"]);
    assert_eq!(listed.status.code(), Some(0));
    assert!(text(&listed.stdout).lines().count() > 50);
    let checked = run_in(folder.path(), &["patterns", "check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
}

/// A pack with one entry of its own.
const PACK: &str = r#"
[[pattern]]
id = "house-teapot"
title = "The teapot that nobody should ask for"
category = "sensitive_file"
severity = "high"
confidence = "high"
fields = ["path"]
regex = '''/secret-teapot\b'''
why = "Only an intruder knows of it."
references = ["CWE-538"]
matches = ['/secret-teapot']
ignores = ['SAMPLE']
"#;

#[test]
fn patterns_of_ones_own_are_checked_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("packs");
    fs::create_dir(&packs).unwrap();
    fs::write(
        folder.path().join("a.log"),
        line(1, "/secret-teapot") + &line(2, "/teapot"),
    )
    .unwrap();
    fs::write(
        packs.join("house.toml"),
        PACK.replace("SAMPLE", "/secret-kettle"),
    )
    .unwrap();
    assert_eq!(
        status(folder.path(), &["patterns", "check", "packs"]),
        Some(0)
    );
    assert!(hits(folder.path(), &["a.log"]).is_empty());
    let found = hits(folder.path(), &["a.log", "--patterns", "packs"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["patterns"][0], "house-teapot");

    fs::write(
        packs.join("house.toml"),
        PACK.replace("SAMPLE", "/a/secret-teapot"),
    )
    .unwrap();
    let failed = run_in(folder.path(), &["patterns", "check", "packs"]);
    assert_eq!(failed.status.code(), Some(2));
    assert!(
        text(&failed.stderr).contains("house-teapot"),
        "{}",
        text(&failed.stderr)
    );
}

#[test]
fn completions_and_the_manual_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = text(&run_in(folder.path(), &["--help"]).stdout);
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("   ")) // the rest of a long description
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        commands.contains(&"scan") && commands.contains(&"report"),
        "{commands:?}"
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&run_in(folder.path(), &["completions", shell]).stdout);
        let missing = commands.iter().find(|command| !script.contains(**command));
        assert_eq!(missing, None, "{shell}");
        assert!(script.contains("fail-on"), "{shell}");
    }
    let manual = text(&run_in(folder.path(), &["man"]).stdout);
    for command in commands.iter().filter(|command| **command != "help") {
        let title = format!(".SH \"COMMAND {}\"", command.to_uppercase());
        assert!(manual.contains(&title), "{title}");
    }
    assert!(manual.contains(".SH \"COMMAND PATTERNS CHECK\""));
}

#[test]
fn a_report_can_be_read_from_standard_input_and_fails_like_a_scan() {
    let folder = small_log();
    let saved = run_in(folder.path(), &["scan", "a.log", "--format", "json"]).stdout;
    fs::write(folder.path().join("report.json"), &saved).unwrap();
    let printed = run_in(
        folder.path(),
        &["report", "report.json", "--format", "json"],
    );
    assert_eq!(printed.stdout, saved);
    assert_eq!(
        status(
            folder.path(),
            &["report", "report.json", "--fail-on", "low"]
        ),
        Some(0)
    );
    assert_eq!(status(folder.path(), &["report", "a.log"]), Some(2));
    assert_eq!(status(folder.path(), &["report", "missing.json"]), Some(2));
    let attacked = scenario("ddos-2023-05-07");
    let gate = ["report", "expected.json", "--fail-on", "high"];
    assert_eq!(status(&attacked.home, &gate), Some(1));
}

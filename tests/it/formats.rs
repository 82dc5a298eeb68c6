//! `aftertrace formats`: the list, and how files are read.

use std::fs;

use aftertrace::format::ALL;
use serde_json::Value;

use crate::harness::{run_in, text};

fn objects(output: &[u8]) -> Vec<Value> {
    let lines = text(output);
    let objects = lines.lines().map(serde_json::from_str);
    objects.collect::<Result<_, _>>().expect("an object a line")
}

#[test]
fn every_format_is_listed_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let table = text(&run_in(folder.path(), &["formats"]).stdout);
    for format in ALL {
        let title = format!("  {}: {}", format.name, format.title);
        assert!(table.lines().any(|line| line == title), "{title}\n{table}");
    }
    let listed = objects(&run_in(folder.path(), &["formats", "--format", "json"]).stdout);
    assert_eq!(listed.len(), ALL.len());
    for (listed, format) in listed.iter().zip(ALL) {
        assert_eq!(listed["name"], format.name);
        assert_eq!(listed["example"], format.samples[0]);
    }
}

#[test]
fn the_examples_are_explained_as_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for format in ALL {
        let name = format!("{}.txt", format.name);
        fs::write(folder.path().join(&name), format.samples[0]).unwrap();
        let arguments = [
            "formats",
            "--explain",
            &name,
            "--format",
            "json",
            "--lines",
            "100",
        ];
        let told = objects(&run_in(folder.path(), &arguments).stdout);
        assert_eq!(told[0]["format"], format.name, "{}", told[0]);
        let record = told.iter().skip(1).find(|line| line["unparsed"].is_null());
        let record = record.unwrap_or_else(|| panic!("{name}: no record: {told:?}"));
        assert!(record["fields"]["time"].is_string(), "{name}: {record}");
    }
}

#[test]
fn the_loser_of_a_vote_says_at_which_line() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        r#"192.0.2.1 - - [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 512 "-" "x""#,
        "half a li",
        r#"192.0.2.2 - - [19/May/2026:14:02:12 +0000] "GET /b?c=1%27 HTTP/1.1" 500 71 "-" "x""#,
    ];
    fs::write(folder.path().join("a.log"), lines.join("\n")).unwrap();
    let page = run_in(folder.path(), &["formats", "--explain", "a.log"]);
    let page = text(&page.stdout);
    for expected in [
        "read as combined",
        "combined        reads 2 of 3 lines",
        "reads 0 of 3 lines; line 1: ",
        "target          /b?c=1%27",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    // What is no log is a warning and status 0 beside a log, as everywhere.
    fs::write(folder.path().join("note.txt"), "nothing of interest\n").unwrap();
    let output = run_in(
        folder.path(),
        &["formats", "--explain", "a.log", "note.txt"],
    );
    assert!(text(&output.stderr).contains("note.txt is in none of the known log formats"));
}

#[test]
fn where_nothing_can_be_read_the_error_is_said_even_in_quiet() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("note.txt"), "nothing of interest\n").unwrap();
    let output = run_in(folder.path(), &["scan", "-q", "note.txt"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.starts_with("error: note.txt is in none of the known log formats"),
        "{said}"
    );
    assert!(said.contains("--access-format"), "{said}");
}

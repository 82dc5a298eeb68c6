//! README.md tells the truth: every command in a `console` block runs, and prints what is shown.
//!
//! A line `...` in a block stands for lines left out. Commands that build or test the repository are
//! not run from within its own tests; the test command must be the one that `.ci/run` uses.
//!
//! `UPDATE_GOLDEN=1 cargo test readme` writes what the commands print now into the page: as many lines
//! as were shown, counted from the beginning before a `...` and from the end behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::generated::generator;
use crate::harness::{program, repository, text};

/// Commands that cannot run inside the tests.
const NOT_HERE: [&str; 6] = [
    "cargo test",
    "cargo install",
    "cargo build",
    "cargo bench",
    "git ",
    ".ci/run",
];
/// How README.md runs the program from a fresh clone.
const CARGO_RUN: &str = "cargo run --release -- ";
const CARGO_GENERATE: &str = "cargo run --release --example generate -- ";

/// A command and what the page shows of its output.
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).expect("README.md")
}

fn commands(page: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut inside = false;
    let mut fence = false;
    for (number, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            fence = !fence;
            inside = fence && line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            found.push(Shown {
                line: number + 1,
                command: command.to_owned(),
                output: Vec::new(),
            });
        } else if let Some(shown) = found.last_mut().filter(|_| inside) {
            shown.output.push(line.to_owned());
        }
    }
    found
}

/// A folder with all that the tree holds, where commands may write without harm.
fn copy_of_the_tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(repository()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name != "target" && name != ".git" {
            copy(&entry.path(), &folder.path().join(name));
        }
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            copy(&path, &to.join(path.file_name().unwrap()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

fn run(command: &str, folder: &Path) -> (Option<i32>, String, String) {
    let built = command
        .replace(CARGO_GENERATE, &format!("{} ", generator().display()))
        .replace(CARGO_RUN, "aftertrace ");
    let path = std::env::var("PATH").unwrap_or_default();
    let folder_of_program = program().parent().unwrap();
    let output = Command::new("sh")
        .args(["-c", &built])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder_of_program.display()))
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Whether lines are those shown, where `...` may stand for any number of them.
fn agrees(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((dots, rest)) if dots.trim() == "..." => {
            (0..=printed.len()).any(|skipped| agrees(rest, &printed[skipped..]))
        }
        Some((line, rest)) => {
            printed
                .first()
                .is_some_and(|first| first.trim_end() == line.trim_end())
                && agrees(rest, &printed[1..])
        }
    }
}

/// What to show of an output in place of what is shown of it.
fn refreshed(shown: &[String], printed: &[&str]) -> Vec<String> {
    let is_gap = |line: &String| line.trim() == "...";
    let all = || printed.iter().map(|line| line.trim_end().to_owned());
    let (Some(first), Some(last)) = (
        shown.iter().position(is_gap),
        shown.iter().rposition(is_gap),
    ) else {
        return all().collect();
    };
    let behind = shown.len() - last - 1;
    let mut lines: Vec<String> = all().take(first).collect();
    lines.push("...".to_owned());
    lines.extend(all().skip(printed.len().saturating_sub(behind)));
    lines
}

fn without_blank_end(mut lines: Vec<String>) -> Vec<String> {
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines
}

#[test]
fn every_command_runs_and_prints_what_is_shown() {
    let folder = copy_of_the_tree();
    let page = readme();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut new_page: Vec<String> = page.lines().map(str::to_owned).collect();
    let shown: Vec<Shown> = commands(&page)
        .into_iter()
        .filter(|shown| {
            !NOT_HERE
                .iter()
                .any(|start| shown.command.starts_with(start))
        })
        .collect();
    assert!(
        shown
            .iter()
            .any(|shown| shown.command.starts_with(CARGO_RUN)),
        "README.md shows how to run the program"
    );
    // One after the other, as a reader types them.
    let ran = shown.into_iter().map(|shown| {
        let result = run(&shown.command, folder.path());
        (shown, result)
    });
    let ran: Vec<_> = ran.collect();
    // From the end on, so that lines of commands above keep their numbers.
    for (shown, (status, printed, complaint)) in ran.into_iter().rev() {
        let Shown { line, command, .. } = shown;
        let output = without_blank_end(shown.output);
        assert!(
            matches!(status, Some(0 | 1)),
            "README.md:{line}: `{command}` ends with {status:?}: {complaint}"
        );
        let printed_lines: Vec<&str> = printed.trim_end().lines().collect();
        if update && !output.is_empty() {
            let place = line..line + output.len();
            new_page.splice(place, refreshed(&output, &printed_lines));
            continue;
        }
        assert!(
            output.is_empty() || agrees(&output, &printed_lines),
            "README.md:{line}: `{command}` prints something else (UPDATE_GOLDEN=1 shows it in the \
             page):\n{printed}"
        );
    }
    if update {
        let path = repository().join("README.md");
        fs::write(path, new_page.join("\n") + "\n").unwrap();
    }
}

#[test]
fn the_test_command_is_the_one_of_ci() {
    let page = readme();
    let tests: Vec<String> = commands(&page)
        .into_iter()
        .map(|shown| shown.command)
        .filter(|command| command.starts_with("cargo test"))
        .collect();
    assert_eq!(
        tests.len(),
        1,
        "README.md names one command that passes the tests"
    );
    let ci = fs::read_to_string(repository().join(".ci/run")).unwrap();
    assert!(
        ci.lines().any(|line| line.trim() == tests[0]),
        ".ci/run does not call `{}`",
        tests[0]
    );
}

#[test]
fn left_out_lines_are_understood() {
    let shown = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(agrees(&shown("a\n...\nd"), &["a", "b", "c", "d"]));
    assert!(agrees(&shown("a\n..."), &["a"]));
    assert!(!agrees(&shown("a\n...\nd"), &["a", "b"]));
    let page = "```console\n$ one\nout\n$ two\n```\n$ not this\n```sh\n$ nor this\n```\n";
    let found = commands(page);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].command.as_str(), found[0].line), ("one", 2));
    assert_eq!(found[0].output, ["out"]);
}

#[test]
fn outputs_are_refreshed_in_the_shape_that_is_shown() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let printed = ["1", "2", "3", "4", "5"];
    assert_eq!(refreshed(&lines("old"), &printed), printed);
    assert_eq!(
        refreshed(&lines("a\nb\n...\nc"), &printed),
        ["1", "2", "...", "5"]
    );
    assert_eq!(refreshed(&lines("a\n..."), &printed), ["1", "..."]);
}

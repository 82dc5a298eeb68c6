//! README.md's recipes work: each is run as it stands there, with stand-ins for the programs of others.
//!
//! A stand-in hands out the scenario's logs where the real program would fetch them, and refuses arguments without
//! which the real one would fetch something else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{program, read_log, repository, scenario, text};

/// Where the recipes' logs lie, in README.md.
const LOGS: &str = "/var/log";

/// What a crontab's line has before its command: five fields of time and a user.
const CRONTAB_FIELDS: usize = 6;

const STAND_INS: [(&str, &str); 6] = [
    (
        "kubectl",
        r#"case "$*" in "logs "*" -l "*--tail=-1*) cat "$LOGS/nginx/access.log";; *) exit 9;; esac"#,
    ),
    (
        "journalctl",
        r#"case "$*" in *"-u nginx"*"-o short-iso"*) sed 's/^/2021-09-05T12:00:00+0000 web1 nginx[663]: /' "$LOGS/nginx/access.log";; *) exit 9;; esac"#,
    ),
    ("ssh", r#"shift; exec "$@""#),
    (
        "aws",
        r#"case "$*" in
"s3 cp --recursive s3://"*) mkdir -p "$5" && cp "$LOGS"/nginx/* "$5";;
"s3 cp s3://"*.gz" -") gzip -c "$LOGS/nginx/access.log";;
*) exit 9;;
esac"#,
    ),
    ("mail", r#"cat > mailed.txt"#),
    (
        "timesketch_importer",
        r#"for file; do :; done; grep -c '"timestamp_desc"' "$file""#,
    ),
];

/// The commands of the page's recipes, in order.
fn recipes(page: &str) -> Vec<String> {
    let section = page.split("\n## Recipes\n").nth(1).expect("recipes");
    let section = section.split("\n## ").next().expect("a section");
    let mut kind = None;
    let mut found = Vec::new();
    for line in section.lines() {
        match (line.strip_prefix("```"), kind) {
            (Some(_), Some(_)) => kind = None,
            (Some(name), None) => kind = Some(name),
            (None, Some("crontab")) => found.push(behind(line, CRONTAB_FIELDS)),
            (None, Some("sh")) => found.push(line.to_owned()),
            _ => {}
        }
    }
    found
}

/// What is behind so many words.
fn behind(line: &str, words: usize) -> String {
    let mut rest = line;
    for _ in 0..words {
        let (_, after) = rest.split_once(char::is_whitespace).expect("a word");
        rest = after.trim_start();
    }
    rest.to_owned()
}

/// A folder with logs in `log/nginx`, and with the stand-ins in `bin`.
fn kitchen() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("log/nginx");
    fs::create_dir_all(&logs).unwrap();
    let story = scenario("sqli-surge-2021-09-05");
    let mut access = read_log(&story.folder.join("access.log.gz"));
    access.extend_from_slice(b"no line of a log\n");
    fs::write(logs.join("access.log"), access).unwrap();
    let errors = read_log(&story.folder.join("error.log"));
    fs::write(logs.join("error.log"), errors).unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for (name, script) in STAND_INS {
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn run(command: &str, folder: &Path) -> Output {
    let logs = folder.join("log");
    let path = std::env::var("PATH").unwrap_or_default();
    let ours = program().parent().unwrap();
    let path = format!("{}:{}:{path}", folder.join("bin").display(), ours.display());
    Command::new("sh")
        .args(["-c", &command.replace(LOGS, &logs.display().to_string())])
        .current_dir(folder)
        .env("PATH", path)
        .env("LOGS", &logs)
        .output()
        .unwrap()
}

#[test]
fn every_recipe_works_as_it_stands() {
    let page = fs::read_to_string(repository().join("README.md")).unwrap();
    let recipes = recipes(&page);
    assert!(recipes.len() > STAND_INS.len(), "{recipes:?}");
    let folder = kitchen();
    let has_jq = run("command -v jq", folder.path()).status.success();
    for recipe in &recipes {
        if recipe.contains("jq ") && !has_jq {
            eprintln!("skipped, since there is no jq: {recipe}");
            continue;
        }
        let output = run(recipe, folder.path());
        let printed = text(&output.stdout);
        let complaint = text(&output.stderr);
        let is_gate = recipe.contains("--fail-on") && !recipe.contains("||");
        let expected = i32::from(is_gate);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{recipe}: {complaint}"
        );
        let writes = recipe.contains(" -o ") || recipe.contains("| mail");
        assert!(writes || !printed.trim().is_empty(), "{recipe}: nothing");
        if recipe.ends_with("| aftertrace scan -") {
            assert!(printed.contains("ATTACK"), "{recipe}: {printed}");
        }
    }
    let file = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(file("mailed.txt").contains("ATTACK"));
    assert!(file("aftertrace.md").starts_with("# Postmortem"));
}

//! Holds the layers against the code: a file of `src` may use only files of lower rows.
//!
//! A new file needs a row in [`ROWS`]. When a test here fails, the message names the file and says
//! what to do; ARCHITECTURE.md says why the rows are as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::repository;
use crate::tokens::{Token, tokens};

/// The rows, lowest first; `*` stands for every file of the folder that no other row names.
const ROWS: &[&[&str]] = &[
    // Vocabulary, and what knows nothing but bytes and numbers.
    &["error", "time", "severity", "category", "terms", "client"],
    &[
        "addresses",
        "text",
        "merge",
        "networks",
        "segment",
        "chunk",
        "decode",
        "syntax/bytes",
        "syntax/needs",
        "syntax/vocabulary",
        "syntax/mod",
    ],
    &["report/escape", "proxies", "known", "pseudonym"],
    // Inputs, records, grammars, what is normal.
    &[
        "source/archive",
        "source/discover",
        "source/fault",
        "source/handle",
        "source/overlap",
        "event",
        "syntax/*",
    ],
    &["source/decompress", "source/map"],
    &["source/spool", "source/stream"],
    &["source/open", "baseline"],
    // What may be found in a line, and what is counted of it.
    &[
        "pattern/entry",
        "pattern/literals",
        "pattern/symptom",
        "pattern/words",
    ],
    &["pattern/need"],
    &["pattern/facts"],
    &[
        "pattern/candidates",
        "pattern/gate",
        "pattern/ready",
        "pattern/sigma",
    ],
    &["evidence/filed", "evidence/index", "evidence/weight"],
    &["evidence/caps"],
    &["evidence/capped"],
    &[
        "evidence/distinct",
        "evidence/first",
        "evidence/series",
        "evidence/sketch",
    ],
    &[
        "evidence/clients",
        "evidence/histogram",
        "evidence/numbers",
        "evidence/order",
        "evidence/sieve",
        "evidence/tries",
    ],
    &["evidence/*"],
    &["evidence/scripts", "evidence/shapes"],
    // From a line to a record.
    &["format/spec"],
    &["format/combined"],
    &[
        "format/json",
        "format/extras",
        "format/envelope",
        "format/sample",
    ],
    &["format/record"],
    &["format/quoting", "format/directive", "format/json_keys"],
    &["format/template"],
    &[
        "format/apache_logformat",
        "format/nginx_logformat",
        "format/json_guess",
        "format/haproxy_captures",
        "format/hex_escapes",
        "format/w3c",
    ],
    &["format/*", "pattern/feature"],
    &["format/messages"],
    &["format/mod", "pattern/set", "server_config"],
    &["readers"],
    &["pattern/verdict", "pattern/cost", "pattern/describe"],
    &["pattern/memory", "pattern/watch"],
    &["pattern/inspector"],
    &["pattern/load"],
    &["explain"],
    // The report's shape, and the passes that fill it.
    &["part"],
    &["report/view", "noted", "pass", "relays"],
    &[
        "inputs", "look", "counts", "edges", "season", "bisect", "origins",
    ],
    &["survey", "complaints", "focus"],
    &["tally", "trace"],
    &["quote", "preview", "skew", "ahead", "pace"],
    &["context"],
    &[
        "attempts", "hits", "clock", "crowd", "heavy", "norms", "plan",
    ],
    &["stream", "failures", "service", "watch", "room"],
    &["sweep"],
    // From counts to claims.
    &["finding", "suspects"],
    &["manners", "doubt"],
    &["nature", "campaign", "aim"],
    &["detect/*"],
    &["detect/mod"],
    // From claims to incidents.
    &["symptoms"],
    &["actor", "impact", "outcome"],
    &["cluster", "breakdown", "timeline", "mitigation"],
    &["headline", "estimates"],
    &["assemble"],
    &["incident"],
    &["analysis"],
    // From the report to text.
    &["report/sample"],
    &[
        "report/words",
        "report/json",
        "report/pseudonymize",
        "report/saved",
        "report/schema",
        "report/techniques",
    ],
    &["report/phrases"],
    &[
        "report/csv",
        "report/ecs",
        "report/html",
        "report/markdown",
        "report/table",
        "report/timesketch",
    ],
    &[
        "report/catalogue",
        "report/explanation",
        "report/reading",
        "export",
    ],
    &["report/mod"],
    &["lib"],
    // The program.
    &["progress"],
    &["cli"],
    &["main"],
];

/// Libraries that only some files may name.
const CONFINED: &[(&str, &[&str])] = &[
    ("chrono", &["time", "time/*"]),
    ("clap", &["cli", "cli/*", "main"]),
    ("indicatif", &["progress", "main"]),
    // the library has no randomness
    ("getrandom", &["cli", "cli/*"]),
    ("unsafe", &["source/fault", "source/map"]),
    // the library has no clock: the same bytes give the same report
    ("Instant", &["cli/*", "progress"]),
];

/// Only the program may print; the library returns values.
const PRINTERS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
const MAY_PRINT: &[&str] = &["cli", "cli/*", "progress", "main"];

/// The longest function there is, in lines. A ratchet: lower it when that function gets shorter,
/// never raise it.
const LONGEST_FUNCTION: usize = 60;

/// A file of `src`.
struct File {
    /// `format/combined`, `format/mod`, `lib`.
    module: String,
    source: String,
    tokens: Vec<Token>,
}

fn files() -> Vec<File> {
    let root = repository().join("src");
    let mut files: Vec<File> = rust_files(&root)
        .into_iter()
        // Unit tests may use anything, those in a file of their own as well as those at a file's end.
        .filter(|path| !path.ends_with("tests.rs"))
        .map(|path| {
            let source = fs::read_to_string(&path).unwrap();
            let module = path.strip_prefix(&root).unwrap().with_extension("");
            File {
                module: module.to_str().unwrap().replace('\\', "/"),
                tokens: tokens(&source),
                source,
            }
        })
        .collect();
    files.sort_by(|a, b| a.module.cmp(&b.module));
    assert!(files.iter().any(|file| file.module == "lib"));
    files
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The row of a module: the one that names it, else the one of its folder, else the one of the file
/// that was split into that folder (`report/table/who` belongs to `report/table`).
fn row(module: &str) -> Option<usize> {
    let named = |wanted: &str| ROWS.iter().position(|row| row.contains(&wanted));
    match module.rsplit_once('/') {
        None | Some((_, "mod")) => named(module),
        Some((folder, _)) => named(module)
            .or_else(|| named(&format!("{folder}/*")))
            .or_else(|| row(folder)),
    }
}

/// The file that a module is, or is a part of.
fn whole(module: &str, modules: &BTreeMap<String, Option<usize>>) -> String {
    match module.rsplit_once('/') {
        Some((folder, _)) if modules.contains_key(folder) => whole(folder, modules),
        _ => module.to_owned(),
    }
}

/// Whether a `mod.rs` only lists submodules; such a one needs no row, and nobody can use it.
fn only_lists(file: &File) -> bool {
    let words: Vec<&str> = file
        .tokens
        .iter()
        .map(|token| token.text.as_str())
        .collect();
    let mut statements = words.split(|word| *word == ";");
    file.module.ends_with("/mod")
        && statements.all(|words| {
            matches!(
                words,
                [] | ["mod", _] | ["pub", "mod", _] | ["pub", "(", "crate", ")", "mod", _]
            )
        })
}

/// Every path that begins with `crate`, `self` or `super`, as the names from the crate's root.
fn used_paths(file: &File) -> Vec<(Vec<String>, usize)> {
    let here = module_path(&file.module);
    let words: Vec<&str> = file
        .tokens
        .iter()
        .map(|token| token.text.as_str())
        .collect();
    let mut paths = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let starts_path = at < 2 || words[at - 1] != ":";
        let base = match words[at] {
            "crate" => Some(Vec::new()),
            "self" => Some(here.clone()),
            "super" => Some(parent(&here)),
            _ => None,
        };
        let Some(base) = base.filter(|_| starts_path && is_separator(&words, at + 1)) else {
            at += 1;
            continue;
        };
        let line = file.tokens[at].line;
        let mut found = Vec::new();
        at = walk(&words, at + 3, &base, &mut found);
        paths.extend(found.into_iter().map(|path| (path, line)));
    }
    paths
}

/// Follows a path or a tree of them from `at` on; returns where it ends.
fn walk(words: &[&str], mut at: usize, prefix: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match words.get(at) {
            Some(&"{") => {
                at += 1;
                while words.get(at).is_some_and(|word| *word != "}") {
                    at = match words[at] {
                        "," => at + 1,
                        _ => walk(words, at, &path, found),
                    };
                }
                return at + 1;
            }
            Some(&"super") => path = parent(&path),
            Some(&"self" | &"*") => {}
            Some(word) if word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                path.push((*word).to_owned());
            }
            _ => return at.max(1),
        }
        at += 1;
        if !is_separator(words, at) {
            break;
        }
        at += 2;
    }
    if words.get(at) == Some(&"as") {
        at += 2;
    }
    found.push(path);
    at
}

fn is_separator(words: &[&str], at: usize) -> bool {
    words.get(at) == Some(&":") && words.get(at + 1) == Some(&":")
}

fn module_path(module: &str) -> Vec<String> {
    let mut path: Vec<String> = module.split('/').map(str::to_owned).collect();
    if ["mod", "lib", "main"].contains(&path[path.len() - 1].as_str()) {
        path.pop();
    }
    path
}

fn parent(path: &[String]) -> Vec<String> {
    path[..path.len().saturating_sub(1)].to_vec()
}

/// The file that a path leads into: the one with the longest name.
fn target<'a>(path: &[String], modules: &'a BTreeMap<String, Option<usize>>) -> &'a str {
    for length in (1..=path.len()).rev() {
        let name = path[..length].join("/");
        for candidate in [name.clone(), format!("{name}/mod")] {
            if let Some((module, _)) = modules.get_key_value(&candidate) {
                return module;
            }
        }
    }
    modules
        .get_key_value("lib")
        .map(|(module, _)| module)
        .unwrap()
}

/// Modules of the program, whose root is `main` and not `lib`.
fn is_program(module: &str) -> bool {
    listed(module, &["cli", "cli/*", "progress", "main"])
}

fn listed(module: &str, list: &[&str]) -> bool {
    let folder = module
        .rsplit_once('/')
        .map(|(folder, _)| format!("{folder}/*"));
    list.contains(&module) || folder.is_some_and(|folder| list.contains(&folder.as_str()))
}

/// The files that a file's paths lead to, with the line of each; parts of the same file may use each
/// other.
fn uses(file: &File, modules: &BTreeMap<String, Option<usize>>) -> BTreeSet<(String, usize)> {
    let own = whole(&file.module, modules);
    used_paths(file)
        .into_iter()
        .map(|(path, line)| (target(&path, modules).to_owned(), line))
        .filter(|(used, _)| whole(used, modules) != own)
        .collect()
}

fn fail_with(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_file_has_a_row_and_uses_lower_rows_only() {
    let files = files();
    let modules: BTreeMap<String, Option<usize>> = files
        .iter()
        .map(|file| (file.module.clone(), row(&file.module)))
        .collect();
    let mut complaints = Vec::new();
    for file in &files {
        let Some(own) = modules[&file.module] else {
            if !only_lists(file) {
                complaints.push(format!(
                    "src/{}.rs has no row: give it one in ROWS of tests/it/architecture.rs",
                    file.module
                ));
            }
            continue;
        };
        for (used, line) in uses(file, &modules) {
            if modules[&used].is_none_or(|row| row >= own) && !is_program(&used) {
                complaints.push(format!(
                    "src/{}.rs:{line} (row {own}) uses {used} (row {:?}): move what it needs to a \
                     lower row, or pass it in as a value",
                    file.module, modules[&used]
                ));
            }
        }
    }
    fail_with(complaints);
}

#[test]
fn every_row_names_files_that_exist() {
    let files = files();
    let stale = ROWS.iter().copied().flatten().filter(|name| {
        let folder = name.strip_suffix('*');
        !files.iter().any(|file| match folder {
            Some(folder) => file.module.starts_with(folder),
            None => file.module == **name,
        })
    });
    fail_with(
        stale
            .map(|name| format!("no file for {name}: take it out of ROWS"))
            .collect(),
    );
}

#[test]
fn libraries_and_unsafe_stay_where_they_belong() {
    let mut complaints = Vec::new();
    for file in files() {
        for (name, places) in CONFINED {
            let named = file.tokens.iter().find(|token| token.text == *name);
            if let Some(token) = named.filter(|_| !listed(&file.module, places)) {
                complaints.push(format!(
                    "src/{}.rs:{} names {name}, which belongs to {places:?} alone",
                    file.module, token.line
                ));
            }
        }
    }
    fail_with(complaints);
}

#[test]
fn the_library_does_not_print() {
    let mut complaints = Vec::new();
    for file in files()
        .iter()
        .filter(|file| !listed(&file.module, MAY_PRINT))
    {
        for pair in file.tokens.windows(2) {
            if PRINTERS.contains(&pair[0].text.as_str()) && pair[1].text == "!" {
                complaints.push(format!(
                    "src/{}.rs:{} prints: return the text instead",
                    file.module, pair[0].line
                ));
            }
        }
    }
    fail_with(complaints);
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut complaints = Vec::new();
    for folder in ["src", "tests", "benches", "testdata/generate"] {
        for path in rust_files(&repository().join(folder)) {
            let source = fs::read_to_string(&path).unwrap();
            let header = source.lines().next().unwrap_or_default();
            if header.trim_start_matches("//!").trim().is_empty() || !header.starts_with("//!") {
                complaints.push(format!(
                    "{} has no header: begin it with a line `//! What this file is for`",
                    path.display()
                ));
            }
        }
    }
    fail_with(complaints);
}

#[test]
fn functions_stay_short() {
    let mut complaints = Vec::new();
    for file in files() {
        for (name, from, to) in functions(&file) {
            if to - from + 1 > LONGEST_FUNCTION {
                complaints.push(format!(
                    "src/{}.rs:{from}: {name} has {} lines; {LONGEST_FUNCTION} are the most: split it",
                    file.module,
                    to - from + 1
                ));
            }
        }
    }
    fail_with(complaints);
}

/// The functions of a file with their first and last lines.
fn functions(file: &File) -> Vec<(String, usize, usize)> {
    let tokens = &file.tokens;
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let name = tokens.get(at + 1).map_or("", |next| next.text.as_str());
        if token.text != "fn" || name == "(" {
            continue;
        }
        let mut depth = 0;
        for end in &tokens[at..] {
            match end.text.as_str() {
                ";" if depth == 0 => break,
                "{" => depth += 1,
                "}" if depth == 1 => {
                    found.push((name.to_owned(), token.line, end.line));
                    break;
                }
                "}" => depth -= 1,
                _ => {}
            }
        }
    }
    found
}

#[test]
fn the_test_sees_what_it_must() {
    let source = "use crate::{error::Error, pattern::{self, set::PatternSet as Set}};\n\
                  use super::spec::*;\nfn f() -> crate::time::Time { x }\nself.crate_name();";
    let file = File {
        module: "format/combined".to_owned(),
        tokens: tokens(source),
        source: source.to_owned(),
    };
    let names = [
        "error",
        "time",
        "pattern/mod",
        "pattern/set",
        "format/spec",
        "lib",
    ];
    let modules = names.map(|name| (name.to_owned(), row(name))).into();
    let used: Vec<String> = uses(&file, &modules)
        .into_iter()
        .map(|(used, _)| used)
        .collect();
    assert_eq!(
        used,
        ["error", "format/spec", "pattern/mod", "pattern/set", "time"]
    );
    assert_eq!(row("report/table/who"), row("report/table"));
    assert_eq!(row("no/such"), None);
    assert_eq!(functions(&file), [("f".to_owned(), 3, 3)]);
    assert!(file.source.contains("super"));
}

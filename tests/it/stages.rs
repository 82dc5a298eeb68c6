//! A scan that is done in stages by several processes gives the report of one.

use std::fs;
use std::path::{Path, PathBuf};

use aftertrace::error::Result;
use aftertrace::evidence::caps::{Caps, LEAST_LIMIT};
use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::report::json;
use aftertrace::report::view::Report;
use aftertrace::source::discover::discover;
use aftertrace::source::open::{OpenOptions, Source, open_all};
use aftertrace::stages::{self, Here, Next, Partial, Piece};
use aftertrace::time::Zone;
use aftertrace::{ScanOptions, Silent, TimeBound, analyze};

use crate::harness::{
    Scenario, aftertrace, program, read_log, repository, run_in, scenario, scenarios, text,
};
use crate::memory::MANY;
use crate::traffic::many;

/// More rounds than any log needs.
const MOST_ROUNDS: usize = 60;

fn printed(report: &Report) -> String {
    let mut out = Vec::new();
    json::render(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Shows the first line that differs.
fn same(found: &str, expected: &str, about: &str) {
    let mut lines = found.lines().zip(expected.lines());
    let other = lines.find(|(found, expected)| found != expected);
    assert!(found == expected, "{about}: {other:?}");
}

fn file_of(partial: &Partial) -> Vec<u8> {
    let mut file = Vec::new();
    partial.write(&mut file, "a part").unwrap();
    file
}

fn read(file: &[u8]) -> Partial {
    Partial::read(file, "a part").unwrap()
}

/// What a file says comes back from it.
fn through_a_file(partial: &Partial) -> Partial {
    read(&file_of(partial))
}

/// A scan in stages, as a cluster makes it.
struct Stages<'s> {
    options: &'s ScanOptions,
    patterns: &'s PatternSet,
    /// Bytes of a plain file that one process surveys; all of it if not given.
    survey: Option<usize>,
    /// The most that a plan lists in one piece.
    split: u64,
}

impl Stages<'_> {
    fn asked(&self) -> (&ScanOptions, &PatternSet) {
        (self.options, self.patterns)
    }

    fn open(path: &Path) -> Source {
        let (found, _) = discover(&[path.to_path_buf()]).unwrap();
        let (mut sources, _) = open_all(&found, &OpenOptions::default());
        sources.remove(0)
    }

    /// What each process is given in the first stage.
    fn shares(&self, paths: &[PathBuf]) -> Vec<Here> {
        let mut shares = Vec::new();
        for path in paths {
            let whole = Here::whole(Self::open(path));
            let bytes = whole.size;
            match self.survey.filter(|_| whole.source.is_plain()) {
                None => shares.push(whole),
                Some(each) => shares.extend((0..bytes).step_by(each).map(|start| {
                    let range = start..(start + each).min(bytes);
                    Here::range_of(vec![Self::open(path)], range, None).unwrap()
                })),
            }
        }
        shares
    }

    fn survey(&self, here: Here) -> Partial {
        let part = stages::survey(&[here], self.asked(), Vec::new(), &Silent);
        through_a_file(&part.unwrap())
    }

    /// A piece of a plan, by a process that maps the file or one that is sent the bytes.
    fn focus(&self, plan: &[u8], piece: &Piece, streamed: bool) -> Partial {
        let path = Path::new(&piece.input);
        let here = match (piece.range, piece.size) {
            (Some((start, end)), Some(size)) if streamed => {
                let bytes = fs::read(path).unwrap();
                let stream =
                    std::io::Cursor::new(bytes[start.saturating_sub(1) as usize..].to_vec());
                let share = Some((start as usize..end as usize, size as usize));
                Here::stream(stream, &piece.input, share, None).unwrap()
            }
            (Some((start, end)), _) => {
                let range = start as usize..end as usize;
                vec![Here::range_of(vec![Self::open(path)], range, None).unwrap()]
            }
            (None, _) => vec![Here::whole(Self::open(path))],
        };
        through_a_file(&stages::focus(read(plan), here, self.asked(), &Silent).unwrap())
    }

    /// All rounds, until there is a report.
    fn finish(&self, mut whole: Partial) -> Report {
        for round in 0..MOST_ROUNDS {
            let evidence = file_of(&whole);
            let load = || Ok(read(&evidence));
            let plan = match stages::plan(load, self.asked(), &Silent).unwrap() {
                Next::Report(report) => return *report,
                Next::Read(plan) => plan,
            };
            let pieces = plan.pieces(self.split);
            let mut file = Vec::new();
            plan.write_plan(&evidence[..], &mut file, "a plan").unwrap();
            let plan = file;
            assert!(!pieces.is_empty(), "round {round} asks for nothing");
            let parts = pieces.iter().zip(round..);
            let parts = parts.map(|(piece, n)| self.focus(&plan, piece, n % 2 == 0));
            let mut parts: Vec<Partial> = parts.collect();
            parts.insert(parts.len() / 2, whole);
            whole = united(parts).unwrap();
        }
        panic!("no report after {MOST_ROUNDS} rounds");
    }

    fn report(&self, paths: &[PathBuf]) -> String {
        let shares = self.shares(paths).into_iter();
        let parts: Vec<Partial> = shares.map(|here| self.survey(here)).collect();
        printed(&self.finish(united(parts).unwrap()))
    }
}

/// United like a tree: neighbours first, and in turns the later before the earlier.
fn united(mut parts: Vec<Partial>) -> Result<Partial> {
    let mut turned = false;
    while parts.len() > 1 {
        let mut pairs = Vec::new();
        let mut rest = parts.into_iter();
        while let Some(one) = rest.next() {
            turned = !turned;
            pairs.push(match rest.next() {
                None => one,
                Some(other) if turned => stages::unite(other, one)?,
                Some(other) => stages::unite(one, other)?,
            });
        }
        parts = pairs;
    }
    Ok(through_a_file(&parts.remove(0)))
}

/// The logs of a scenario, unpacked into a folder.
fn unpacked(scenario: &Scenario, folder: &Path) -> Vec<PathBuf> {
    let each = scenario.inputs.iter().map(|input| {
        let path = folder.join(input.trim_end_matches(".gz"));
        fs::write(&path, read_log(&scenario.folder.join(input))).unwrap();
        path
    });
    each.collect()
}

#[test]
fn however_logs_are_shared_the_report_is_that_of_one_process() {
    let options = ScanOptions::default();
    let patterns = load::embedded().unwrap();
    for (scenario, n) in scenarios().iter().zip(1..) {
        let folder = tempfile::tempdir().unwrap();
        let plain = unpacked(scenario, folder.path());
        let as_it_lies = scenario.inputs.iter();
        let as_it_lies = as_it_lies.map(|input| scenario.folder.join(input));
        for (paths, survey) in [
            (as_it_lies.collect(), None),
            (plain, Some(150_000 + 977 * n)),
        ] {
            let expected = analyze(&paths, &options, &patterns, &Silent).unwrap();
            let stages = Stages {
                options: &options,
                patterns: &patterns,
                survey,
                split: 300_001,
            };
            let about = format!("{}, {survey:?}", scenario.name);
            same(&stages.report(&paths), &printed(&expected), &about);
        }
    }
}

#[test]
fn times_zones_and_contexts_hold_in_stages() {
    let patterns = load::embedded().unwrap();
    let scenario = scenario("sqli-surge-2021-09-05");
    let folder = tempfile::tempdir().unwrap();
    let paths = unpacked(&scenario, folder.path());
    let relative = ScanOptions {
        since: Some(TimeBound::BeforeEnd(3 * 3600)),
        ..ScanOptions::default()
    };
    let zoned = ScanOptions {
        error_tz: Zone::parse("Europe/Berlin"),
        context: false,
        bucket_s: 10,
        ..ScanOptions::default()
    };
    for options in [relative, zoned] {
        let expected = analyze(&paths, &options, &patterns, &Silent).unwrap();
        let stages = Stages {
            options: &options,
            patterns: &patterns,
            survey: Some(300_007),
            split: 1 << 20,
        };
        same(
            &stages.report(&paths),
            &printed(&expected),
            &format!("{options:?}"),
        );
    }
}

#[test]
fn estimates_do_not_depend_on_who_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.log");
    many::write(MANY, 1, &mut fs::File::create(&path).unwrap()).unwrap();
    let options = ScanOptions {
        caps: Caps::new(LEAST_LIMIT).ok().unwrap(),
        ..ScanOptions::default()
    };
    let patterns = load::embedded().unwrap();
    let expected = analyze(std::slice::from_ref(&path), &options, &patterns, &Silent).unwrap();
    let stages = Stages {
        options: &options,
        patterns: &patterns,
        survey: Some(9_000_001),
        split: 11 << 20,
    };
    same(
        &stages.report(&[path]),
        &printed(&expected),
        "the least memory",
    );
}

#[test]
fn what_one_log_repeats_of_another_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = read_log(&scenario("quiet-day").folder.join("access.log.gz"));
    let cut = log.iter().rposition(|byte| *byte == b'\n').unwrap() / 2;
    let cut = cut + log[cut..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let paths = [
        write("access.log", &log[cut / 2..]),
        write("access.log.1", &log[..cut]),
        write("copy.log", &log[..cut]),
    ];
    let (options, patterns) = (ScanOptions::default(), load::embedded().unwrap());
    let expected = analyze(&paths, &options, &patterns, &Silent).unwrap();
    let repeated = expected.warnings.iter();
    let repeated = repeated.filter(|warning| warning.code == "duplicate_content");
    assert!(repeated.count() > 0);
    let stages = Stages {
        options: &options,
        patterns: &patterns,
        survey: Some(100_003),
        split: 1 << 20,
    };
    same(&stages.report(&paths), &printed(&expected), "copies");
}

#[test]
fn what_was_lost_is_told_and_the_rest_is_reported() {
    let scenario = scenario("two-attackers");
    let folder = tempfile::tempdir().unwrap();
    let paths = unpacked(&scenario, folder.path());
    let (options, patterns) = (ScanOptions::default(), load::embedded().unwrap());
    let stages = Stages {
        options: &options,
        patterns: &patterns,
        survey: Some(100_000),
        split: 1 << 20,
    };
    let mut shares = stages.shares(&paths);
    let lost = shares.remove(1);
    let range = lost.range.clone().unwrap();
    let name = lost.source.name.clone();
    let mut parts: Vec<Partial> = shares.into_iter().map(|here| stages.survey(here)).collect();
    let mut missing = Partial::new(Vec::new());
    missing
        .lose(&name, Some(range), Some(lost.size), "no such block")
        .unwrap();
    missing
        .lose("s3a://logs/gone.log", None, None, "no such key")
        .unwrap();
    parts.push(missing);
    let report = stages.finish(united(parts).unwrap());
    let unreadable = report.warnings.iter();
    let unreadable: Vec<&str> = unreadable
        .filter(|warning| warning.code == "unreadable")
        .map(|warning| &warning.message[..])
        .collect();
    assert_eq!(unreadable.len(), 2, "{unreadable:?}");
    assert!(
        unreadable
            .iter()
            .any(|text| text.contains("s3a://logs/gone.log: cannot read: no such key"))
    );
    assert!(
        unreadable
            .iter()
            .any(|text| text.contains("bytes 100,000 to 200,000: no such block"))
    );
    let all = analyze(&paths, &options, &patterns, &Silent).unwrap();
    let (some, all) = (report.totals.requests, all.totals.requests);
    assert!(some > all / 2 && some < all, "{some} of {all}");
}

/// Runs the program; what it says on standard error.
fn said(folder: &Path, arguments: &[&str], status: i32) -> String {
    let output = run_in(folder, arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
    said
}

#[test]
fn what_cannot_be_united_is_refused_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let log = read_log(&scenario("quiet-day").folder.join("access.log.gz"));
    fs::write(here.join("a.log"), &log).unwrap();
    fs::write(here.join("b.log"), &log[..log.len() / 2]).unwrap();
    let survey = |more: &[&str], part: &str| {
        let all = [&["map", "-q", "--stage", "survey", "-o", part], more].concat();
        said(here, &all, 0);
    };
    survey(&["a.log"], "a.part");
    survey(&["b.log"], "b.part");
    survey(&["--range", "0..4000", "a.log"], "begin.part");
    survey(&["--range", "3000..9000", "a.log"], "middle.part");
    survey(&["--bucket", "10s", "a.log"], "other.part");
    fs::write(
        here.join("cut.part"),
        &fs::read(here.join("a.part")).unwrap()[..2000],
    )
    .unwrap();
    fs::write(
        here.join("report.json"),
        run_in(here, &["scan", "-q", "a.log", "--format", "json"]).stdout,
    )
    .unwrap();
    let merge = |parts: &[&str]| {
        let all = [&["merge", "-o", "whole"], parts].concat();
        said(here, &all, 2)
    };
    for (parts, words) in [
        (
            &["a.part", "other.part"][..],
            &["other options", "--bucket=10s"][..],
        ),
        (&["a.part", "a.part"], &["counted twice", "a.log", "a.part"]),
        (&["begin.part", "middle.part"], &["counted twice", "a.log"]),
        (&["cut.part"], &["cut.part", "cut short"]),
        (&["a.log"], &["a.log", "no part of aftertrace"]),
        (&["report.json"], &["report.json", "aftertrace report"]),
        (&["none.part"], &["none.part", "cannot read"]),
    ] {
        let said = merge(parts);
        assert!(
            words.iter().all(|word| said.contains(word)),
            "{parts:?}: {said}"
        );
        assert!(!here.join("whole").exists(), "{parts:?}");
    }
    let incomplete = said(here, &["report", "a.part"], 2);
    assert!(
        incomplete.contains("not complete") && incomplete.contains("aftertrace plan a.part"),
        "{incomplete}"
    );
    said(here, &["plan", "a.part", "-o", "a.plan"], 0);
    let focus = ["map", "--stage", "focus", "-o", "x.part", "--plan"];
    for (more, words) in [
        (
            &["a.plan", "b.log"][..],
            &["b.log", "not among the inputs"][..],
        ),
        (&["a.part", "a.log"], &["no plan", "aftertrace plan"]),
        (
            &["a.plan", "--bucket", "10s", "a.log"],
            &["--bucket=10s", "belongs to the survey"],
        ),
    ] {
        let said = said(here, &[&focus[..], more].concat(), 2);
        assert!(
            words.iter().all(|word| said.contains(word)),
            "{more:?}: {said}"
        );
    }
}

/// A part of each log; returns the statuses of `map`, and what the parts are called.
fn each(here: &Path, stage: &[&str], logs: &[&str]) -> (Vec<i32>, Vec<String>) {
    let map = |(n, log): (usize, &&str)| {
        let part = format!("{n}.part");
        let words = ["map", "-q", "-o", &part, "--stage"];
        let output = run_in(here, &[&words[..], stage, &[log]].concat());
        (output.status.code().unwrap(), part)
    };
    logs.iter().enumerate().map(map).unzip()
}

fn merge(here: &Path, parts: &[String], target: &str) {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    said(here, &[&["merge", "-o", target], &parts[..]].concat(), 0);
}

/// Adds a part of each log to the whole, as a script does; returns the statuses of `map`.
fn add_each(here: &Path, stage: &[&str], logs: &[&str]) -> Vec<i32> {
    let (statuses, mut parts) = each(here, stage, logs);
    if here.join("whole").exists() {
        parts.insert(0, "whole".to_string());
    }
    merge(here, &parts, "whole");
    statuses
}

/// Plans what is to be read next; false if there is nothing.
fn is_planned(here: &Path) -> bool {
    let plan = run_in(here, &["plan", "whole", "-o", "plan"]);
    plan.status.success()
}

/// All that comes after the survey; returns the statuses of `map`, and the report with its status.
fn go_on(here: &Path, logs: &[&str]) -> (Vec<i32>, String, Option<i32>) {
    let mut statuses = Vec::new();
    for _ in 0..MOST_ROUNDS {
        if !is_planned(here) {
            break;
        }
        statuses.extend(add_each(here, &["focus", "--plan", "plan"], logs));
    }
    let report = run_in(here, &["report", "whole", "--format", "json"]);
    (statuses, text(&report.stdout), report.status.code())
}

fn scanned(here: &Path, logs: &[&str]) -> String {
    let all = [&["scan", "-q", "--format", "json"], logs].concat();
    text(&run_in(here, &all).stdout)
}

/// A folder with two logs that take a few rounds.
fn two_logs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario("two-attackers");
    unpacked(&scenario, folder.path());
    let log = read_log(&self::scenario("quiet-day").folder.join("access.log.gz"));
    fs::write(folder.path().join("quiet.log"), log).unwrap();
    folder
}

const TWO: [&str; 2] = ["access.log", "quiet.log"];

#[test]
fn what_was_named_twice_is_told_by_those_who_know() {
    let folder = two_logs();
    let here = folder.path();
    add_each(here, &["survey"], &["quiet.log"]);
    let repeated = ["map", "--stage", "survey", "--repeated", "--name"];
    said(
        here,
        &[&repeated[..], &["quiet.log", "-o", "next"]].concat(),
        0,
    );
    said(here, &["merge", "whole", "next", "-o", "whole"], 0);
    let (statuses, found, _) = go_on(here, &["quiet.log"]);
    assert!(statuses.iter().all(|status| *status == 0));
    let expected = scanned(here, &["quiet.log", "quiet.log"]);
    assert!(expected.contains("duplicate_input"));
    same(&found, &expected, "named twice");
}

#[test]
fn a_log_that_is_missing_is_no_fault_of_others() {
    let folder = two_logs();
    let here = folder.path();
    let logs = ["access.log", "gone.log", "quiet.log"];
    assert_eq!(add_each(here, &["survey"], &logs), [0, 2, 0]);
    let (statuses, found, status) = go_on(here, &TWO);
    assert!(statuses.iter().all(|status| *status == 0), "{statuses:?}");
    assert_eq!(status, Some(2));
    same(&found, &scanned(here, &logs), "one is missing");
    // Whoever names it again hears no more of it, and it is not told twice.
    fs::remove_file(here.join("whole")).unwrap();
    add_each(here, &["survey"], &logs);
    let (statuses, again, _) = go_on(here, &logs);
    assert!(statuses.iter().all(|status| *status == 0), "{statuses:?}");
    same(&again, &found, "named in each stage");
}

#[test]
fn logs_that_grow_are_read_as_far_as_they_were_surveyed() {
    let folder = two_logs();
    let here = folder.path();
    let expected = scanned(here, &TWO);
    add_each(here, &["survey"], &TWO);
    let log = fs::read(here.join("access.log")).unwrap();
    let grown = [&log[..], &log[..log.len() / 2]].concat();
    fs::write(here.join("access.log"), &grown).unwrap();
    let (statuses, found, _) = go_on(here, &TWO);
    assert!(statuses.iter().all(|status| *status == 0), "{statuses:?}");
    let report = |json: &str| -> serde_json::Value {
        let mut report: serde_json::Value = serde_json::from_str(json).unwrap();
        report["inputs"].as_array_mut().unwrap().clear();
        report
    };
    assert_eq!(report(&found), report(&expected));
    // The same where the survey is of a log that is longer by now.
    fs::remove_file(here.join("whole")).unwrap();
    let size = log.len().to_string();
    assert_eq!(
        add_each(here, &["survey", "--size", &size], &["access.log"]),
        [0]
    );
    add_each(here, &["survey"], &["quiet.log"]);
    assert_eq!(report(&go_on(here, &TWO).1), report(&expected));
}

#[test]
fn logs_that_are_others_by_now_are_lost_and_end_no_loop() {
    let rewrite = |log: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(log).unwrap();
        change(&mut bytes);
        fs::write(log, bytes).unwrap();
    };
    for what in ["shorter", "another one", "gone"] {
        let folder = two_logs();
        let here = folder.path();
        let log = here.join("access.log");
        add_each(here, &["survey"], &TWO);
        match what {
            "shorter" => rewrite(&log, &|bytes| bytes.truncate(bytes.len() - 100)),
            "another one" => rewrite(&log, &|bytes| bytes[20] ^= 1),
            _ => fs::remove_file(&log).unwrap(),
        }
        let (statuses, found, status) = go_on(here, &TWO);
        assert_eq!((statuses.contains(&2), status), (true, Some(2)), "{what}");
        assert!(found.contains("cannot read bytes 0 to"), "{what}: {found}");
        // What was counted of it before is in no figure: the report is that of the other one.
        let alone: serde_json::Value = serde_json::from_str(&scanned(here, &TWO[1..])).unwrap();
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found["totals"], alone["totals"], "{what}");
        assert_eq!(found["incidents"], alone["incidents"], "{what}");
        let table = text(&run_in(here, &["report", "whole"]).stdout);
        assert!(table.contains("1 input could not be"), "{what}: {table}");
    }
}

#[test]
fn parts_that_answer_nothing_are_refused() {
    let folder = two_logs();
    let here = folder.path();
    add_each(here, &["survey"], &TWO);
    // Nobody answers for the other log: some day nothing is left to be answered for this one.
    for _ in 0..MOST_ROUNDS {
        said(here, &["plan", "whole", "-o", "plan"], 0);
        let focus = ["map", "-q", "--stage", "focus", "--plan", "plan"];
        said(
            here,
            &[&focus[..], &["quiet.log", "-o", "next"]].concat(),
            0,
        );
        let merged = run_in(here, &["merge", "whole", "next", "-o", "whole"]);
        if !merged.status.success() {
            let said = text(&merged.stderr);
            assert!(said.contains("none of these parts answers"), "{said}");
            return;
        }
    }
    panic!("answers without end");
}

#[test]
fn whenever_a_log_vanishes_the_loop_ends_with_the_report_of_the_others() {
    let scenario = scenario("sqli-surge-2021-09-05");
    for vanishes in 1..6 {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        unpacked(&scenario, here);
        let logs = ["access.log", "error.log"];
        add_each(here, &["survey"], &logs);
        for round in 0..MOST_ROUNDS {
            if round == vanishes {
                fs::remove_file(here.join("access.log")).unwrap();
            }
            if !is_planned(here) {
                break;
            }
            // As a tree, in which answers meet before they come to the rest.
            let (_, answers) = each(here, &["focus", "--plan", "plan"], &logs);
            merge(here, &answers, "answers");
            merge(here, &["answers", "whole"].map(String::from), "whole");
        }
        let report = run_in(here, &["report", "whole", "--format", "json"]);
        let found: serde_json::Value = serde_json::from_str(&text(&report.stdout)).unwrap();
        let alone: serde_json::Value =
            serde_json::from_str(&scanned(here, &["error.log"])).unwrap();
        assert_eq!(found["totals"], alone["totals"], "{vanishes}");
        assert_eq!(found["incidents"], alone["incidents"], "{vanishes}");
        assert!(!here.join("access.log").exists());
    }
}

#[test]
fn the_loop_of_the_readme_gives_the_report_of_scan() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, section) = readme.split_once("## map, merge, plan").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let (script, _) = block.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    let scenario = scenario("sqli-surge-2021-09-05");
    for input in &scenario.inputs {
        fs::copy(scenario.folder.join(input), logs.join(input)).unwrap();
    }
    let programs = program().parent().unwrap();
    let path = std::env::join_paths([programs, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let mut shell = std::process::Command::new("sh");
    let run = shell
        .args(["-euc", script])
        .current_dir(&folder)
        .env("PATH", path);
    let output = run.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected = run_in(folder.path(), &["scan", "-q", "logs", "--format", "json"]).stdout;
    let found = fs::read(folder.path().join("report.json")).unwrap();
    same(&text(&found), &text(&expected), "the loop");
}

#[test]
fn a_stream_is_read_no_farther_than_its_range_goes() {
    let folder = tempfile::tempdir().unwrap();
    let log = read_log(&scenario("quiet-day").folder.join("access.log.gz"));
    let size = log.len().to_string();
    let part = folder.path().join("a.part");
    let map = |stream: &[u8]| {
        aftertrace()
            .args([
                "map",
                "-q",
                "--stage",
                "survey",
                "--name",
                "s3://logs/a.log",
            ])
            .args(["--range", "1000..5000", "--size", &size, "-", "-o"])
            .arg(&part)
            .write_stdin(stream)
            .output()
            .unwrap()
    };
    // A pipe that holds much less than the log: whoever writes all of it is told that nobody reads on.
    let output = map(&log[999..]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let early = map(&log[999..3000]);
    assert_eq!(early.status.code(), Some(2));
    let said = text(&early.stderr);
    assert!(
        said.contains("ended 2,000 bytes before the end of the range"),
        "{said}"
    );
}

//! What a line's surroundings make of it: the same words from attackers, visitors and a whole site.
//!
//! The words come from a pack of the tests, `testdata/words/three-words.toml`, one of each confidence.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{number, program, report_in, repository, run_in, scenarios, text};

/// A log under construction.
#[derive(Default)]
struct Log {
    text: String,
    second: u64,
}

impl Log {
    /// A request by client 192.0.2.`client`.
    fn request(&mut self, client: u64, target: &str, status: u16) -> &mut Log {
        self.second += 1;
        let (hour, minute, second) = (
            self.second / 3600 % 24,
            self.second / 60 % 60,
            self.second % 60,
        );
        self.text += &format!(
            "192.0.2.{client} - - [19/May/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET {target} HTTP/1.1\" \
             {status} 512 \"-\" \"Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\"\n"
        );
        self
    }

    /// Somebody looks at ten pages with what belongs to them.
    fn browses(&mut self, client: u64) -> &mut Log {
        for page in 0..10 {
            self.request(client, &format!("/page/{page}"), 200)
                .request(client, "/style.css", 200)
                .request(client, "/logo.png", 200);
        }
        self
    }

    /// The hits in this log, at any confidence.
    fn hits(&self, options: &[&str]) -> Vec<Value> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("access.log"), &self.text).unwrap();
        hits_in(
            folder.path(),
            &[&["--min-confidence", "low", "access.log"], options].concat(),
        )
    }
}

fn hits_in(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let packs = repository().join("testdata/words");
    let packs = packs.to_str().unwrap();
    let output = run_in(
        folder,
        &[&["hits", "--quiet", "--patterns", packs], arguments].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    let parse = |line: &str| serde_json::from_str(line).expect("one JSON object a line");
    lines.lines().map(parse).collect()
}

/// (target, confidence, why it changed) of each hit.
fn told(hits: &[Value]) -> Vec<(&str, &str, &str)> {
    hits.iter()
        .map(|hit| {
            let because = hit.pointer("/context/because").and_then(Value::as_str);
            (
                hit["target"].as_str().unwrap(),
                hit["confidence"].as_str().unwrap(),
                because.unwrap_or_default(),
            )
        })
        .collect()
}

const LOW: &str = "/item?q=maybeodd";
const MEDIUM: &str = "/item?q=likelyodd";
const HIGH: &str = "/item?q=surelyodd";

#[test]
fn an_attackers_doubtful_and_empty_lines_count_more() {
    let mut log = Log::default();
    log.request(1, HIGH, 200)
        .request(1, HIGH, 200)
        .request(1, LOW, 200)
        .request(1, "/old-console", 404)
        .request(1, "/missing.png", 404)
        .request(1, "/index.html", 200)
        .request(1, "/item?q=%7Bx", 200)
        .request(2, LOW, 200)
        .request(2, "/item?q=%7Bx", 200)
        .request(2, "/old-console", 404);
    assert_eq!(
        told(&log.hits(&[])),
        [
            (HIGH, "high", ""),
            (HIGH, "high", ""),
            (LOW, "medium", "sure_attacks"),
            ("/old-console", "medium", "sure_attacks"),
            ("/item?q=%7Bx", "medium", "sure_attacks"),
            (LOW, "low", ""),
        ]
    );
    let empty = &log.hits(&[])[3];
    assert_eq!(empty["category"], "scanner");
    assert!(empty["context"]["from"].is_null());
    assert_eq!(empty["patterns"].as_array().unwrap().len(), 0);
}

#[test]
fn without_context_every_line_speaks_for_itself() {
    let mut log = Log::default();
    log.request(1, HIGH, 200)
        .request(1, HIGH, 200)
        .request(1, LOW, 200)
        .request(1, "/old-console", 404)
        .browses(2)
        .request(2, MEDIUM, 200);
    let alone = log.hits(&["--no-context"]);
    assert_eq!(
        told(&alone),
        [
            (HIGH, "high", ""),
            (HIGH, "high", ""),
            (LOW, "low", ""),
            (MEDIUM, "medium", ""),
        ]
    );
    assert!(alone.iter().all(|hit| hit["context"].is_null()));
}

#[test]
fn a_visitors_only_oddity_counts_less_unless_it_is_plain() {
    let mut log = Log::default();
    log.browses(1)
        .request(1, MEDIUM, 200)
        .browses(2)
        .request(2, HIGH, 200)
        .request(3, MEDIUM, 200);
    assert_eq!(
        told(&log.hits(&[])),
        [
            (MEDIUM, "low", "ordinary_visitor"),
            (HIGH, "high", ""),
            (MEDIUM, "medium", ""),
        ]
    );
}

#[test]
fn what_many_visitors_send_is_a_habit_of_the_site() {
    let mut log = Log::default();
    for visitor in 1..=6 {
        log.browses(visitor);
        for _ in 0..4 {
            log.request(visitor, MEDIUM, 200);
        }
    }
    log.request(7, MEDIUM, 200)
        .request(7, "/other?q=likelyodd", 200);
    let hits = log.hits(&[]);
    let (last, before) = hits.split_last().unwrap();
    assert_eq!(before.len(), 25);
    for hit in told(before) {
        assert_eq!(hit, (MEDIUM, "low", "site_habit"));
    }
    assert_eq!(last["confidence"], "medium", "a habit belongs to its place");
}

#[test]
fn what_many_bots_send_is_no_habit() {
    let mut log = Log::default();
    for bot in 1..=20 {
        log.request(bot, MEDIUM, 200).request(bot, MEDIUM, 200);
    }
    let hits = log.hits(&[]);
    assert_eq!(hits.len(), 40);
    assert!(hits.iter().all(|hit| hit["confidence"] == "medium"));
}

#[test]
fn an_office_behind_one_address_is_not_its_one_player() {
    let mut log = Log::default();
    log.browses(1).browses(1).browses(1);
    log.request(1, HIGH, 200)
        .request(1, HIGH, 200)
        .request(1, LOW, 200)
        .request(1, "/old-news", 404);
    for person in 0..40 {
        log.request(1, &format!("/article/{person}"), 200);
    }
    let hits = log.hits(&[]);
    assert_eq!(told(&hits)[2], (LOW, "low", ""));
    assert_eq!(hits.len(), 3, "a dead link is no scan");
}

#[test]
fn a_colleague_behind_an_attackers_address_is_not_accused() {
    let mut log = Log::default();
    for _ in 0..8 {
        log.request(1, HIGH, 200);
    }
    log.request(1, "/old-console", 404);
    let attack = log.text.clone();
    log.text.clear();
    log.request(1, "/old-news", 404).request(1, LOW, 200);
    let colleague = log.text.replace("Firefox/128.0", "Chrome/130.0");
    log.text.clear();
    log.second += 2 * 3600;
    log.request(1, "/later", 404).request(1, LOW, 200);
    log.text = attack + &colleague + &log.text;
    let hits = log.hits(&[]);
    assert_eq!(
        told(&hits)[8..],
        [
            ("/old-console", "medium", "sure_attacks"),
            (LOW, "low", ""),
            (LOW, "low", "")
        ]
    );
}

#[test]
fn many_odd_paths_that_do_not_exist_are_probing() {
    let mut log = Log::default();
    for path in 0..6 {
        log.request(1, &format!("/p{path}/item?q=maybeodd"), 404)
            .request(1, &format!("/q{path}/"), 404);
    }
    let hits = log.hits(&[]);
    assert_eq!(hits.len(), 12);
    for (_, confidence, because) in told(&hits) {
        assert_eq!((confidence, because), ("medium", "probing"));
    }
}

#[test]
fn scan_counts_the_lines_that_hits_prints() {
    for scenario in scenarios() {
        for option in [&[][..], &["--no-context"]] {
            let report = report_in(&scenario.folder, &[&["."], option].concat());
            let output = run_in(
                &scenario.folder,
                &[&["hits", "--quiet", "."], option].concat(),
            );
            let printed = text(&output.stdout).lines().count() as u64;
            let counted = number(&report, "/totals/hits");
            assert_eq!(counted, printed, "{} {option:?}", scenario.name);
        }
    }
}

#[test]
fn threads_and_chunks_cannot_be_seen() {
    let mut log = Log::default();
    for client in 1..=8 {
        log.browses(client).request(client, MEDIUM, 200);
        log.request(client + 20, HIGH, 200)
            .request(client + 20, HIGH, 404)
            .request(client + 20, "/gone", 404)
            .request(client + 40, LOW, 200);
    }
    let whole = log.hits(&[]);
    assert!(whole.len() > 30);
    for options in [["-j", "1"], ["-j", "3"], ["--chunk-bytes", "300"]] {
        assert_eq!(log.hits(&options), whole, "{options:?}");
    }
}

#[test]
fn a_stream_is_judged_as_it_arrives() {
    let packs = repository().join("testdata/words");
    let mut child = Command::new(program())
        .args(["hits", "--no-context", "--quiet", "--patterns"])
        .arg(packs)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut log = Log::default();
    log.request(1, "/index.html", 200).request(1, HIGH, 200);
    for round in 0..3 {
        // The answer to what was sent comes while the stream is still open.
        input.write_all(log.text.as_bytes()).unwrap();
        input.flush().unwrap();
        let mut answer = String::new();
        output.read_line(&mut answer).unwrap();
        let hit: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(hit["target"], HIGH);
        assert_eq!(hit["source"], "-");
        assert_eq!(hit["line"], 2 * round + 2);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_stream_gives_what_the_file_gives() {
    let mut log = Log::default();
    for client in 0..200 {
        log.browses(client).request(client, MEDIUM, 200);
        log.text += "no record <script>alert(document.cookie)</script>\n\n";
    }
    log.text += &"x".repeat(3 << 20);
    log.text += "\n";
    log.request(1, HIGH, 200);
    let mut from_file = log.hits(&["--no-context"]);
    assert!(from_file.len() > 400);
    for packed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = log.text.clone().into_bytes();
        if packed {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&bytes).unwrap();
            bytes = gzip.finish().unwrap();
        }
        let packs = repository().join("testdata/words");
        let output = crate::harness::aftertrace()
            .current_dir(folder.path())
            .args([
                "hits",
                "--no-context",
                "--min-confidence",
                "low",
                "--patterns",
            ])
            .arg(packs)
            .arg("-")
            .write_stdin(bytes)
            .output()
            .unwrap();
        for hit in &mut from_file {
            hit["source"] = "-".into();
        }
        let lines = text(&output.stdout);
        let streamed: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(streamed, from_file);
    }
}

#[test]
fn a_stream_that_is_no_log_or_damaged_is_2() {
    let run = |bytes: &[u8]| {
        let output = crate::harness::aftertrace()
            .args(["hits", "--no-context", "-"])
            .write_stdin(bytes)
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (status, told) = run(b"neither this\nnor that\n");
    assert!(told.contains("none of the known log formats"), "{told}");
    assert_eq!(status, Some(0), "as for a file: {told}");
    let mut log = Log::default();
    log.browses(1);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(log.text.as_bytes()).unwrap();
    let mut packed = gzip.finish().unwrap();
    packed.truncate(packed.len() - 6);
    let (status, told) = run(&packed);
    assert!(told.contains("Its first 30 lines were judged"), "{told}");
    assert_eq!(status, Some(2));
}

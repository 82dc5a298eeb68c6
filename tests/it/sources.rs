//! What logs come in: packings, archives, twins, files that change, and archives that attack.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::harness::{each, number, parse, report_in, run_in, text};

/// Lines of a quiet shop, with an attack in line 20 of every 100.
fn log(lines: std::ops::Range<usize>) -> Vec<u8> {
    let line = |n: usize| {
        let target = match n % 100 {
            19 => "/item?id=1'%20UNION%20SELECT%20password%20FROM%20users--".to_string(),
            kind => format!(
                "/{}/{}",
                ["cart", "item", "search", "login"][kind % 4],
                n * 7919 % 500
            ),
        };
        format!(
            "192.0.2.{} - - [19/May/2026:{:02}:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 ({})\"\n",
            n % 200,
            8 + n / 3600,
            n / 60 % 60,
            n % 60,
            500 + n % 77,
            n % 5
        )
    };
    lines.flat_map(|n| line(n).into_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive; names are taken as they are.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn codes(report: &Value) -> Vec<&str> {
    let codes = each(report, "/warnings/*/code").into_iter();
    codes.map(|code| code.as_str().unwrap()).collect()
}

fn names(report: &Value) -> Vec<&str> {
    let names = each(report, "/inputs/*/path").into_iter();
    names.map(|name| name.as_str().unwrap()).collect()
}

/// The books of every input hold.
fn assert_books(report: &Value) {
    for input in each(report, "/inputs/*") {
        let of = |field: &str| number(input, field);
        let sum = of("/records") + of("/unparsed") + input["blank"].as_u64().unwrap_or(0);
        assert_eq!(sum, of("/lines"), "{input}");
    }
}

#[test]
fn any_packing_gives_the_same_report_whatever_the_name() {
    let text = log(0..3000);
    let member = tar(&[("access.log", &text)]);
    let packed = [
        text.clone(),
        gzip(&text),
        zstd(&text),
        bzip2(&text),
        xz(&text),
        xz(&gzip(&text)),
        member.clone(),
        gzip(&member),
        xz(&member),
        tar(&[("a.tar.zst", &zstd(&member))]),
    ];
    let mut reports = packed.iter().map(|bytes| {
        let folder = folder(&[("log", bytes)]);
        let report = report_in(folder.path(), &["log"]);
        assert_eq!(codes(&report), [""; 0]);
        assert_books(&report);
        (
            report["totals"].clone(),
            report["incidents"].as_array().unwrap().len(),
        )
    });
    let plain = reports.next().unwrap();
    assert_eq!(plain.0["requests"], 3000);
    for report in reports {
        assert_eq!(report, plain);
    }
}

#[test]
fn standard_input_is_unpacked_as_it_comes() {
    let text = log(0..300);
    for packed in [
        text.clone(),
        gzip(&text),
        zstd(&text),
        bzip2(&text),
        xz(&text),
    ] {
        let mut command = crate::harness::aftertrace();
        command
            .args(["hits", "--no-context", "-"])
            .write_stdin(packed);
        let output = command.output().unwrap();
        assert_eq!(
            text_lines(&output.stdout),
            3,
            "{}",
            crate::harness::text(&output.stderr)
        );
    }
}

fn text_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn members_are_inputs_and_their_names_do_no_harm() {
    let archive = gzip(&tar(&[
        ("web1/access.log", &log(0..500)),
        ("web2/access.log.gz", &gzip(&log(500..900))),
        ("../\x1b[31metc", &log(900..1000)),
    ]));
    let folder = folder(&[("logs.tar.gz", &archive)]);
    let report = report_in(folder.path(), &["."]);
    assert_eq!(
        names(&report),
        [
            "./logs.tar.gz:web1/access.log",
            "./logs.tar.gz:web2/access.log.gz",
            "./logs.tar.gz:../\x1b[31metc"
        ]
    );
    assert_eq!(number(&report, "/totals/requests"), 1000);
    assert_eq!(codes(&report), ["odd_member_name"]);
    let output = run_in(folder.path(), &["scan", "."]);
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    assert_eq!(crate::harness::names_in(folder.path()), ["logs.tar.gz"]);
}

#[test]
fn what_is_there_twice_is_counted_once() {
    let old = log(0..2000);
    let files: [(&str, &[u8]); 5] = [
        ("access.log", &log(1900..3000)),
        ("access.log.1", &old),
        ("access.log.1.gz", &gzip(&old)),
        ("backup.log.gz", &gzip(&old)[..9000]),
        ("copy.tar", &tar(&[("access.log.1", &old)])),
    ];
    let folder = folder(&files);
    let report = report_in(folder.path(), &["."]);
    assert_eq!(number(&report, "/totals/requests"), 3000);
    let twice = codes(&report)
        .into_iter()
        .filter(|code| *code == "duplicate_content");
    assert_eq!(twice.count(), 4);
    assert_books(&report);
    assert_eq!(number(&report, "/inputs/0/lines"), 1000);
    let note = report["inputs"][0]["notes"].to_string();
    assert!(note.contains("the first 100 lines"), "{note}");
    // Lines keep their numbers.
    let output = run_in(folder.path(), &["hits", "access.log", "access.log.1"]);
    let new = log(1900..3000);
    let mut lines = 0;
    for hit in text(&output.stdout).lines() {
        let hit: Value = serde_json::from_str(hit).unwrap();
        let file = if hit["source"] == "access.log" {
            &new
        } else {
            &old
        };
        let line = file
            .split(|byte| *byte == b'\n')
            .nth(number(&hit, "/line") as usize - 1);
        assert!(text(line.unwrap()).contains("UNION"), "{hit}");
        lines += 1;
    }
    assert_eq!(lines, 30);
}

#[test]
fn damage_and_bombs_leave_the_rest_unharmed() {
    let good = log(0..1000);
    let packed = gzip(&log(1000..5000));
    let archive = tar(&[("a.log", &log(5000..6000)), ("b.log", &log(6000..7000))]);
    let zeros = gzip(&vec![0; 8 << 20]);
    let folder = folder(&[
        ("bomb.gz", &gzip(&gzip(&zeros))),
        ("good.log", &good),
        ("other.zip", b"PK\x03\x04 and so on"),
        ("torn.gz", &packed[..packed.len() / 2]),
        ("torn.tar.gz", &gzip(&archive[..archive.len() / 2 + 3000])),
    ]);
    let report = report_in(folder.path(), &["."]);
    assert_books(&report);
    let names = names(&report);
    assert_eq!(
        names,
        [
            "./good.log",
            "./torn.gz",
            "./torn.tar.gz:a.log",
            "./torn.tar.gz:b.log"
        ]
    );
    assert_eq!(number(&report, "/inputs/0/records"), 1000);
    assert!(number(&report, "/inputs/1/records") > 1000);
    assert_eq!(number(&report, "/inputs/2/records"), 1000);
    let mut codes = codes(&report);
    codes.dedup();
    // What is torn ends within a line.
    assert_eq!(codes, ["damaged_archive", "not_a_log", "unparsed_lines"]);
    assert!(report["warnings"].to_string().contains("is a zip archive"));
}

/// Runs the program on a log that is cut and written again all the time; it must end by itself.
#[cfg(unix)]
#[test]
fn a_file_that_is_truncated_while_it_is_read_kills_nobody() {
    let text = log(0..40_000);
    let folder = folder(&[("access.log", &text), ("still.log", &log(40_000..41_000))]);
    let path = folder.path().join("access.log");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| cut_and_grow(&path, &text, &done));
        for arguments in [
            &["scan", "--format", "json", "."][..],
            &["hits", "."],
            &["scan", "--no-mmap", "--format", "json", "."],
        ] {
            for _ in 0..6 {
                let output = run_in(folder.path(), arguments);
                // A status, and no signal.
                assert_eq!(
                    output.status.code(),
                    Some(0),
                    "{}",
                    crate::harness::text(&output.stderr)
                );
                if arguments[0] == "scan" {
                    let report = parse(&output);
                    assert_books(&report);
                    assert!(names(&report).contains(&"./still.log"));
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[cfg(unix)]
fn cut_and_grow(path: &Path, text: &[u8], done: &AtomicBool) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    for round in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        file.set_len([0, 5000, 1 << 20][round % 3]).unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
        file.write_all(&text[..text.len() / (1 + round % 4)])
            .unwrap();
    }
}

/// A survey that begins before everything is unpacked must not show in the report.
#[test]
fn packed_logs_give_the_very_report_of_plain_ones() {
    let parts = [log(0..12_000), log(12_000..24_000), log(24_000..30_000)];
    let elsewhere = |n: usize| {
        let line = "198.51.100.9 - - [19/May/2026:09:00:00 +0000] \"GET /other HTTP/1.1\" 200 9\n";
        line.repeat(n)
    };
    // The middle of b.log is in c.log as well, d.log is another format further on.
    let files: [(&str, Vec<u8>); 4] = [
        ("a.log", parts[0].clone()),
        ("b.log", parts[1].clone()),
        ("c.log", [&parts[1][..], &parts[2][..]].concat()),
        (
            "d.log",
            [&parts[2][..], elsewhere(60_000).as_bytes()].concat(),
        ),
    ];
    let scan = |files: &[(&str, Vec<u8>)], how: fn(&[u8]) -> Vec<u8>| {
        let packed: Vec<(&str, Vec<u8>)> = files
            .iter()
            .map(|(name, bytes)| (*name, how(bytes)))
            .collect();
        let borrowed: Vec<(&str, &[u8])> = packed
            .iter()
            .map(|(name, bytes)| (*name, bytes.as_slice()))
            .collect();
        let folder = folder(&borrowed);
        let scan = ["scan", "--format", "json", "--quiet", "."];
        let hits = ["hits", "."];
        let scanned = run_in(folder.path(), &scan).stdout;
        (scanned, run_in(folder.path(), &hits).stdout)
    };
    for these in [&files[..2], &files[1..3], &files[3..]] {
        let plain = scan(these, <[u8]>::to_vec);
        assert!(!plain.0.is_empty() && !plain.1.is_empty());
        for how in [gzip, zstd] {
            assert!(scan(these, how) == plain, "{}", these[0].0);
        }
    }
}

#[test]
fn an_archive_on_standard_input_is_searched_without_context_too() {
    let archive = gzip(&tar(&[
        ("a.log", &log(0..500)),
        ("b.log.gz", &gzip(&log(500..900))),
    ]));
    let mut command = crate::harness::aftertrace();
    command
        .args(["hits", "--no-context", "-"])
        .write_stdin(archive);
    let output = command.output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let sources: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["source"].clone())
        .collect();
    assert_eq!(sources[..5], ["-:a.log"; 5]);
    assert_eq!(sources[5..], ["-:b.log.gz"; 4]);
}

#[test]
fn an_archive_of_junk_is_told_of_in_a_few_warnings() {
    let names: Vec<String> = (0..500).map(|n| format!("junk{n:03}")).collect();
    let mut members: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), &b"neither this\nnor that\n"[..]))
        .collect();
    let good = log(0..300);
    members.push(("access.log", &good));
    let folder = folder(&[("backup.tar", &tar(&members))]);
    let report = report_in(folder.path(), &["."]);
    assert_eq!(number(&report, "/totals/requests"), 300);
    assert_eq!(codes(&report), ["not_a_log"; 4]);
    let told = report["warnings"].to_string();
    assert!(told.contains("backup.tar holds 497 more files"), "{told}");
}

/// macOS grants 256 descriptors.
#[cfg(unix)]
#[test]
fn more_inputs_than_descriptors_are_all_read() {
    let names: Vec<String> = (0..400).map(|n| format!("{n:03}.log")).collect();
    let contents: Vec<Vec<u8>> = (0..400)
        .map(|n| match n % 2 {
            0 => log(n * 20..n * 20 + 20),
            _ => gzip(&log(n * 20..n * 20 + 20)),
        })
        .collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&contents)
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    let folder = folder(&files);
    let program = crate::harness::program().display().to_string();
    for option in ["--quiet", "--no-mmap"] {
        let output = std::process::Command::new("sh")
            .current_dir(folder.path())
            .arg("-c")
            .arg(r#"ulimit -n 256 && exec "$0" scan --format json "$1" ."#)
            .args([&program, option])
            .output()
            .unwrap();
        let report = parse(&output);
        assert_eq!(number(&report, "/totals/requests"), 8000);
        assert_eq!(codes(&report), [""; 0]);
    }
}

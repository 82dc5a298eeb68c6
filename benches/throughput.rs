//! How many bytes a second each stage of the way takes: cutting lines, reading records, matching
//! patterns, and the whole scan. `cargo bench`; the README beside it says more.

#[path = "../testdata/generate/traffic/mod.rs"]
mod traffic;

use std::path::PathBuf;
use std::sync::OnceLock;

use aftertrace::event::Event;
use aftertrace::format::spec::{Arena, Desk};
use aftertrace::format::vote;
use aftertrace::pattern::inspector::Inspector;
use aftertrace::pattern::load;
use aftertrace::{ScanOptions, Silent, analyze, chunk};
use divan::Bencher;
use divan::counter::BytesCount;

use traffic::large::{self, Size};

/// About 64 MB, with the mix of lines, clients and paths of the log of 5 million lines.
const SIZE: Size = Size {
    lines: 270_000,
    clients: 92_000,
};
const SEED: u64 = 20_240_311;

/// Runs of each measurement; the fastest and the median are what counts.
const RUNS: u32 = 8;

fn main() {
    divan::main();
}

/// The log, made once.
fn log() -> &'static [u8] {
    static LOG: OnceLock<Vec<u8>> = OnceLock::new();
    LOG.get_or_init(|| {
        let mut log = Vec::new();
        large::write(SIZE, SEED, &mut log).expect("memory takes every byte");
        log
    })
}

/// The log as a file, for the whole scan.
fn log_file() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join("throughput.log");
    std::fs::write(&path, log()).expect("the target folder can be written");
    path
}

fn bytes() -> BytesCount {
    BytesCount::new(log().len())
}

/// Finding the ends of lines.
#[divan::bench(sample_count = RUNS, sample_size = 1)]
fn cut(bencher: Bencher) {
    let log = log();
    bencher.counter(bytes()).bench(|| chunk::lines(log).count());
}

/// Finding the fields and the times.
#[divan::bench(sample_count = RUNS, sample_size = 1)]
fn parse(bencher: Bencher) {
    let log = log();
    let reader = vote(log).expect("a log").reader;
    bencher.counter(bytes()).bench(|| {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut records = 0;
        for (at, line) in chunk::lines(log) {
            records += usize::from(reader.read(line, at as u64, &mut desk).is_ok());
        }
        records
    });
}

/// Finding the fields, and judging every request by every pattern.
#[divan::bench(sample_count = RUNS, sample_size = 1)]
fn parse_and_match(bencher: Bencher) {
    let log = log();
    let reader = vote(log).expect("a log").reader;
    let patterns = load::embedded().expect("the packs within the program hold");
    bencher.counter(bytes()).bench(|| {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut inspector = Inspector::new(&patterns);
        let mut hits = 0;
        for (at, line) in chunk::lines(log) {
            if let Ok(Event::Access(access)) = reader.read(line, at as u64, &mut desk) {
                hits += usize::from(inspector.inspect(&access).is_some());
            }
        }
        hits
    });
}

/// From the file to the report, on as many cores as given.
#[divan::bench(args = [1, 2], sample_count = RUNS, sample_size = 1)]
fn scan(bencher: Bencher, threads: usize) {
    let paths = [log_file()];
    let patterns = load::embedded().expect("the packs within the program hold");
    let options = ScanOptions {
        threads: Some(threads),
        ..ScanOptions::default()
    };
    bencher
        .counter(bytes())
        .bench(|| analyze(&paths, &options, &patterns, &Silent).expect("a readable log"));
}

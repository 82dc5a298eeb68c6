//! How long a window of ten minutes takes out of a large log in order, beside `wc -l` of all of it.
//!
//! ```console
//! $ cargo run --release --example windows -- [--size GB] [--keep]
//! ```
//!
//! Writes the log to `target/windows.log` first (10 GB unless told otherwise, one day), and removes it afterwards.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::time::Time;
use aftertrace::{ScanOptions, Silent, TimeBound};

/// Bytes of a gigabyte.
const GB: u64 = 1_000_000_000;

/// Gigabytes unless told otherwise.
const DEFAULT_GB: u64 = 10;

/// Seconds that the log covers: a day from 2026-05-19T00:00:00Z on.
const DAY_S: u64 = 86_400;
const START_S: i64 = 1_779_148_800;

/// Where the windows begin, seconds after the start, and how long they are.
const WINDOWS_S: [u64; 3] = [600, 43_200, 82_800];
const LENGTH_S: u64 = 600;

/// Runs of each measurement; the fastest counts.
const RUNS: usize = 5;

/// Different lines.
const VARIANTS: usize = 4096;

type Answer<T> = Result<T, Box<dyn Error>>;

fn main() -> Answer<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = arguments.iter().position(|argument| argument == "--size");
    let size = match size {
        Some(at) => arguments
            .get(at + 1)
            .ok_or("--size needs a number of GB")?
            .parse()?,
        None => DEFAULT_GB,
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/windows.log");
    let written = write(&path, size * GB)?;
    println!(
        "{:.1} GB, one day, times in order",
        written as f64 / GB as f64
    );
    let measured = measure(&path);
    if !arguments.iter().any(|argument| argument == "--keep") {
        fs::remove_file(&path)?;
    }
    measured
}

/// What stands before and after the time of each line.
fn variants() -> Vec<(String, String)> {
    let line = |n: usize| {
        let client = format!("203.0.{}.{} - - [", n * 7 % 256, n * 13 % 256);
        let (path, size) = (n * 31 % 997, 500 + n * 17 % 40_000);
        let rest = format!(
            " +0000] \"GET /catalogue/item-{path}?page={} HTTP/1.1\" 200 {size} \"https://shop.example/catalogue\" \
             \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n",
            n % 9
        );
        (client, rest)
    };
    (0..VARIANTS).map(line).collect()
}

fn write(path: &Path, size: u64) -> Answer<u64> {
    let variants = variants();
    let mean = variants
        .iter()
        .map(|(before, after)| before.len() + after.len())
        .sum::<usize>()
        / VARIANTS;
    let per_second = size / (mean as u64 + 20) / DAY_S + 1;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut written = 0;
    let mut next = 0;
    for second in 0..DAY_S {
        let time = format!(
            "19/May/2026:{:02}:{:02}:{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60
        );
        for _ in 0..per_second {
            let (before, after) = &variants[next % VARIANTS];
            next += 1;
            out.write_all(before.as_bytes())?;
            out.write_all(time.as_bytes())?;
            out.write_all(after.as_bytes())?;
            written += before.len() + time.len() + after.len();
        }
    }
    out.flush()?;
    Ok(written as u64)
}

fn measure(path: &Path) -> Answer<()> {
    let patterns = load::embedded()?;
    let count = fastest(|| {
        let status = Command::new("wc").arg("-l").arg(path).output()?.status;
        if status.success() {
            Ok(())
        } else {
            Err("wc failed".into())
        }
    })?;
    println!("{:>10.1} ms  wc -l", millis(count));
    for start in WINDOWS_S {
        let mut requests = 0;
        let time = fastest(|| {
            requests = scan(path, start, &patterns)?;
            Ok(())
        })?;
        println!(
            "{:>10.1} ms  scan of ten minutes from {:02}:{:02} on ({requests} requests)",
            millis(time),
            start / 3600,
            start / 60 % 60
        );
    }
    Ok(())
}

/// The requests that a scan of a window counts.
fn scan(path: &Path, start: u64, patterns: &PatternSet) -> Answer<u64> {
    let at = |second: u64| Some(TimeBound::At(Time::from_secs(START_S + second as i64)));
    let options = ScanOptions {
        since: at(start),
        until: at(start + LENGTH_S - 1),
        ..ScanOptions::default()
    };
    let paths: [PathBuf; 1] = [path.to_path_buf()];
    let report = aftertrace::analyze(&paths, &options, patterns, &Silent)?;
    Ok(report.totals.requests)
}

fn fastest(mut run: impl FnMut() -> Answer<()>) -> Answer<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let started = Instant::now();
        run()?;
        best = best.min(started.elapsed());
    }
    Ok(best)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

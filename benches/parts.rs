//! How large the part of a log's survey is, and how long it takes to write and to read, beside the survey itself.
//!
//! ```console
//! $ cargo run --release --example parts -- LOG...
//! ```
//!
//! Each log is surveyed by itself; all of it is held in memory, so that the disk is not measured.

use std::error::Error;
use std::fs;
use std::time::Instant;

use aftertrace::complaints::survey_errors;
use aftertrace::evidence::caps::Caps;
use aftertrace::format::spec::LogKind;
use aftertrace::format::vote;
use aftertrace::part;
use aftertrace::pass::{Limits, Log, Run};
use aftertrace::pattern::load;
use aftertrace::pattern::symptom;
use aftertrace::survey::{Survey, survey_access};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of a megabyte.
const MB: f64 = 1e6;

/// Runs of each measurement; the fastest counts.
const RUNS: usize = 3;

type Answer<T> = Result<T, Box<dyn Error>>;

fn main() -> Answer<()> {
    for log in std::env::args().skip(1) {
        let bytes = fs::read(&log)?;
        println!("{log}: {:.1} MB", bytes.len() as f64 / MB);
        measure(&bytes)?;
    }
    Ok(())
}

fn measure(bytes: &[u8]) -> Answer<()> {
    let format = vote(bytes).ok_or("no log")?.format;
    let log = Log::of(format, bytes).ok_or("not of its format")?;
    let limits = Limits {
        since: i64::MIN,
        until: i64::MAX,
    };
    let run = Run {
        chunk_bytes: 1 << 20,
        caps: Caps::default(),
        advance: &|_| (),
        ledger: None,
    };
    let began = Instant::now();
    if format.kind == LogKind::Error {
        let counts = survey_errors(&[log], &symptom::embedded()?, limits, &run);
        println!("  survey: {:.2} s", began.elapsed().as_secs_f64());
        return both_ways(&counts);
    }
    let patterns = load::embedded()?;
    let survey = Survey {
        patterns: &patterns,
        limits,
        bucket_s: 60,
    };
    let counts = survey_access(&[log], survey, &run);
    println!(
        "  survey: {:.2} s, {} clients, {} paths, {} pairs of client and minute",
        began.elapsed().as_secs_f64(),
        counts.clients.len(),
        counts.paths.len(),
        counts.bucket_clients.len(),
    );
    both_ways(&counts)
}

fn both_ways<T: Serialize + DeserializeOwned>(counts: &T) -> Answer<()> {
    let mut file = Vec::new();
    let mut least = [f64::MAX; 2];
    for _ in 0..RUNS {
        file.clear();
        let began = Instant::now();
        part::write(&(), counts, &mut file, "part")?;
        least[0] = least[0].min(began.elapsed().as_secs_f64());
        let began = Instant::now();
        let ((), read): ((), T) = part::read(&file[..], "part")?;
        least[1] = least[1].min(began.elapsed().as_secs_f64());
        drop(read);
    }
    let [write_s, read_s] = least;
    let megabytes = file.len() as f64 / MB;
    println!("  part: {megabytes:.2} MB, written in {write_s:.2} s, read in {read_s:.2} s");
    Ok(())
}

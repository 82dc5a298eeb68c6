//! How small a burst is still found, and how often a quiet day raises a false alarm: `sensitivity [--full]` prints
//! tables in Markdown. A tool for measuring, not part of the program.
//!
//! Most of it drives the planner on counts by the minute, since a day at 500 requests a second is too much
//! text; a smaller grid goes from lines to the report, so that both can be compared.

#[path = "sensitivity/measure.rs"]
mod measure;
#[path = "sensitivity/model.rs"]
mod model;
#[path = "../testdata/generate/traffic/rng.rs"]
#[allow(dead_code)]
mod rng;

use std::error::Error;

use aftertrace::pattern::load;
use measure::{Minutes, Off, by_counts, by_lines};
use model::{Flood, Site};
use rng::Rng;

const SEED: u64 = 0x5E45_1711;

/// Requests a second, and how many different days are made of each.
const RATES: [(f64, usize); 6] = [
    (0.05, 60),
    (0.2, 60),
    (1.0, 60),
    (5.0, 60),
    (50.0, 20),
    (500.0, 3),
];
const TIMES: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0];
const SECONDS: [(i64, &str); 6] = [
    (20, "20 s"),
    (60, "1 min"),
    (120, "2 min"),
    (600, "10 min"),
    (3_600, "1 h"),
    (21_600, "6 h"),
];

/// Floods per cell of the table by counts.
const TRIALS: usize = 20;

/// The hours in which traffic is at least what it is on average, in seconds of the day: floods come then, so that the
/// rate that a table names is the least baseline of its floods.
const BUSY_S: (i64, i64) = (9 * 3600, 21 * 3600);

/// Times as much of everything with `--full`.
const FULL: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let more = match std::env::args().nth(1).as_deref() {
        None => 1,
        Some("--full") => FULL,
        Some(_) => return Err("usage: sensitivity [--full]".into()),
    };
    println!(
        "## False alarms\n\n| requests/s | pictures logged | quiet days | false alarms | per 30 days |\n|---|---|---|---|---|"
    );
    let mut rng = Rng::new(SEED);
    let mut days = Vec::new();
    for assets in [true, false] {
        for (rate, count) in RATES {
            let site = Site {
                rate,
                assets,
                from: 0,
                hours: 24,
            };
            let made: Vec<Minutes> = (0..count * more)
                .map(|_| Minutes::of(&site, &mut rng))
                .collect();
            let alarms: usize = made.iter().map(|day| day.bursts().len()).sum();
            let often = alarms as f64 * 30.0 / made.len() as f64;
            let logged = if assets { "yes" } else { "no" };
            println!(
                "| {rate} | {logged} | {} | {alarms} | {often:.2} |",
                made.len()
            );
            days.push((site, made));
        }
    }
    for (site, made) in &days {
        table(site, made, TRIALS * more, &mut rng);
    }
    from_lines(more, &mut rng)
}

/// One table a site: sizes down, lengths across.
fn table(site: &Site, days: &[Minutes], trials: usize, rng: &mut Rng) {
    let logged = if site.assets { "logged" } else { "not logged" };
    println!(
        "\n## {} requests/s, pictures {logged}, by counts\n",
        site.rate
    );
    let names: Vec<&str> = SECONDS.iter().map(|(_, name)| *name).collect();
    println!(
        "| size | {} |\n|---|{}",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    for times in TIMES {
        let cells: Vec<String> = SECONDS
            .iter()
            .map(|(seconds, _)| {
                let found: Vec<Option<Off>> = (0..trials)
                    .map(|trial| {
                        let start = rng.between(BUSY_S.0, BUSY_S.1 - seconds);
                        let flood = Flood {
                            times,
                            start,
                            seconds: *seconds,
                            sources: 1,
                        };
                        by_counts(site, &days[trial % days.len()], &flood, rng)
                    })
                    .collect();
                cell(&found)
            })
            .collect();
        println!("| ×{times} | {} |", cells.join(" | "));
    }
}

/// Share found, and the medians of how far off beginning and end are.
fn cell(found: &[Option<Off>]) -> String {
    let off: Vec<Off> = found.iter().flatten().copied().collect();
    let median = |part: fn(&Off) -> i64| {
        let mut all: Vec<i64> = off.iter().map(part).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    match (median(|off| off.0), median(|off| off.1)) {
        (Some(start), Some(end)) => format!("{}% {start}/{end}", off.len() * 100 / found.len()),
        _ => "0%".to_owned(),
    }
}

/// The whole way, for different numbers of sources.
fn from_lines(more: usize, rng: &mut Rng) -> Result<(), Box<dyn Error>> {
    const TRIALS: usize = 3;
    let patterns = load::embedded()?;
    println!(
        "\n## From lines to the report\n\n| requests/s | size | length | 1 source | 10 | 1,000 | 100,000 |\n|---|---|---|---|---|---|---|"
    );
    for (rate, times, seconds, length) in [
        (0.2, 10.0, 600, "10 min"),
        (1.0, 3.0, 120, "2 min"),
        (1.0, 3.0, 3_600, "1 h"),
        (1.0, 100.0, 20, "20 s"),
        (5.0, 2.0, 600, "10 min"),
        (5.0, 3.0, 120, "2 min"),
        (5.0, 10.0, 3_600, "1 h"),
    ] {
        let mut cells = Vec::new();
        for sources in [1, 10, 1_000, 100_000] {
            let mut found = Vec::new();
            for _ in 0..TRIALS * more {
                let site = Site {
                    rate,
                    assets: true,
                    from: 9,
                    hours: 5,
                };
                let start = rng.between(10 * 3600, 12 * 3600);
                let flood = Flood {
                    times,
                    start,
                    seconds,
                    sources,
                };
                found.push(by_lines(&site, &flood, rng, &patterns)?);
            }
            cells.push(cell(&found));
        }
        println!("| {rate} | ×{times} | {length} | {} |", cells.join(" | "));
    }
    Ok(())
}

//! The inputs that are made to cost much, beside an ordinary log of the same size.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::child::{self, Cost};
use crate::traffic::evil::{self, Evil};
use crate::traffic::large::{self, Size};
use crate::{Answer, Bench};

/// Bytes of each log.
const BYTES: usize = 10_000_000;

/// Lines of an ordinary log of that size, and its clients.
const ORDINARY: Size = Size {
    lines: 41_500,
    clients: 14_000,
};
const SEED: u64 = 20_240_311;

/// The longest that any of them may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The shortest processor time that is told apart, in seconds.
const TICK: f64 = 0.01;

/// Times what an ordinary log takes that any may take.
const GOAL: f64 = 10.0;

/// Prints one row for each input, those first that take the most processor time: it depends less on what else runs.
pub fn worst(bench: &Bench) -> Answer<()> {
    let ordinary = bench.log("ordinary", |file| large::write(ORDINARY, SEED, file))?;
    let start = bench.start()?;
    let (ordinary, start) = (measure(bench, ordinary)?, measure(bench, start)?);
    let mut rows: Vec<(&Evil, Cost)> = Vec::new();
    for evil in evil::all() {
        let path = bench.folder.join(format!("{}.log", evil.name));
        fs::write(&path, evil.log(BYTES))?;
        rows.push((evil, measure(bench, path)?));
    }
    rows.sort_by(|a, b| b.1.user.total_cmp(&a.1.user));
    println!(
        "\n### Worst inputs\n\n\
         Logs of {} MB. An ordinary one takes {:.0} ms ({:.0} ms of processor time, {:.0} MiB), three lines take {:.0} ms \
         ({:.0} ms). {} of {} inputs take more than {GOAL:.0} times as long as the ordinary one, {} more than so many times \
         its processor time.\n\n\
         | input | what | scan | to ordinary | processor | to ordinary | beyond starting | memory beside the map |\n\
         |---|---|---|---|---|---|---|---|",
        BYTES / 1_000_000,
        ordinary.wall * 1e3,
        ordinary.user * 1e3,
        ordinary.mebibytes(),
        start.wall * 1e3,
        start.user * 1e3,
        rows.iter()
            .filter(|row| row.1.wall > GOAL * ordinary.wall)
            .count(),
        rows.len(),
        rows.iter()
            .filter(|row| row.1.user > GOAL * ordinary.user)
            .count()
    );
    for (evil, cost) in rows {
        println!(
            "| `{}` | {} | {}{:.0} ms | {:.1}× | {:.0} ms | {:.1}× | {:.0}× | {:.0} MiB |",
            evil.name,
            evil.what,
            if cost.ended { "> " } else { "" },
            cost.wall * 1e3,
            cost.wall / ordinary.wall,
            cost.user * 1e3,
            cost.user / ordinary.user,
            (cost.user - start.user) / (ordinary.user - start.user).max(TICK),
            cost.mebibytes()
        );
    }
    Ok(())
}

/// Scans a log, and removes it.
fn measure(bench: &Bench, log: PathBuf) -> Answer<Cost> {
    let cost = child::scan(&bench.program, &[], &log, bench.runs, LIMIT)?;
    fs::remove_file(log)?;
    Ok(cost)
}

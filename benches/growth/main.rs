//! How time and memory of a scan grow, and which input of a given size takes longest: prints tables in Markdown.
//!
//! ```console
//! $ cargo build --release && cargo run --release --example growth -- [WHAT]... [--max-size GB] [--runs N]
//! ```
//!
//! WHAT is `size`, `hits`, `clients`, `patterns`, `windows` or `worst`; all of them when none is named. The logs are
//! written to a folder in `target` one after the other, and removed again; none is larger than `--max-size` (3 GB). The
//! program that is measured is `target/release/aftertrace`, or what AFTERTRACE names.

mod child;
mod series;
#[path = "../../testdata/generate/traffic/mod.rs"]
mod traffic;
mod worst;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of a gigabyte.
const GB: f64 = 1e9;

/// The largest log, in bytes, unless told otherwise.
const MAX_SIZE: u64 = 3_000_000_000;

/// Runs of each measurement; the fastest counts.
const RUNS: usize = 3;

const USAGE: &str =
    "usage: growth [size|hits|clients|patterns|windows|worst]... [--max-size GB] [--runs N]";

type Answer<T> = Result<T, Box<dyn Error>>;

/// What the measurements need to know.
struct Bench {
    program: PathBuf,
    /// Where logs are written.
    folder: PathBuf,
    max_size: u64,
    runs: usize,
}

/// A table.
type Task = fn(&Bench) -> Answer<()>;

const TASKS: [(&str, Task); 6] = [
    ("size", series::size),
    ("hits", series::hits),
    ("clients", series::clients),
    ("patterns", series::patterns),
    ("windows", series::windows),
    ("worst", worst::worst),
];

fn main() -> Answer<()> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut bench = Bench {
        program: match std::env::var_os("AFTERTRACE") {
            Some(program) => program.into(),
            None => top.join("target/release/aftertrace"),
        },
        folder: top.join(format!("target/growth.{}", std::process::id())),
        max_size: MAX_SIZE,
        runs: RUNS,
    };
    let mut chosen = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--max-size" => {
                let size: f64 = arguments.next().ok_or(USAGE)?.parse()?;
                bench.max_size = (size * GB) as u64;
            }
            "--runs" => bench.runs = arguments.next().ok_or(USAGE)?.parse::<usize>()?.max(1),
            name => chosen.push(*TASKS.iter().find(|task| task.0 == name).ok_or(USAGE)?),
        }
    }
    if chosen.is_empty() {
        chosen.extend(TASKS);
    }
    fs::create_dir_all(&bench.folder)?;
    let done = chosen.iter().try_for_each(|(_, task)| task(&bench));
    fs::remove_dir_all(&bench.folder)?;
    done
}

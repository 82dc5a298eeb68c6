//! Writes the logs that the tests and benches read.
//!
//! ```text
//! cargo run --release --example generate -- scenario NAME DIR
//! cargo run --release --example generate -- scenarios testdata/scenarios
//! cargo run --release --example generate -- large --lines 5000000 --clients 1700000 FILE
//! cargo run --release --example generate -- many --lines N --clients C --targets T --agents A FILE
//! ```

mod traffic;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use traffic::large;
use traffic::many;
use traffic::scenarios;

/// The seed of large logs and of those with many clients; `--seed` replaces it.
const LARGE_SEED: u64 = 20_240_311;

const USAGE: &str = "usage: generate scenario NAME DIR
       generate scenarios DIR
       generate large --lines N --clients N [--seed N] FILE
       generate many --lines N --clients N --targets N --agents N
                     [--floods N --flooders N --flood-lines N] [--seed N] FILE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["scenario", name, folder] => scenario(name, Path::new(folder)),
        ["scenarios", folder] => all_scenarios(Path::new(folder)),
        ["large", options @ .., file] => large_log(options, Path::new(file)),
        ["many", options @ .., file] => log_of_many(options, Path::new(file)),
        _ => Err(io::Error::other(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "generate: {error}");
            ExitCode::from(2)
        }
    }
}

fn scenario(name: &str, folder: &Path) -> io::Result<()> {
    let found = scenarios::ALL.iter().find(|scenario| scenario.name == name);
    let Some(scenario) = found else {
        let names: Vec<&str> = scenarios::ALL
            .iter()
            .map(|scenario| scenario.name)
            .collect();
        let text = format!("no scenario {name}; there are {}", names.join(", "));
        return Err(io::Error::other(text));
    };
    scenario.write(folder)
}

fn all_scenarios(folder: &Path) -> io::Result<()> {
    scenarios::ALL
        .iter()
        .try_for_each(|scenario| scenario.write(&folder.join(scenario.name)))
}

fn large_log(options: &[&str], file: &Path) -> io::Result<()> {
    let mut seed = LARGE_SEED;
    let mut size = large::Size {
        lines: 0,
        clients: 0,
    };
    for (name, number) in numbers(options)? {
        match name {
            "--lines" => size.lines = number,
            "--clients" => size.clients = number,
            "--seed" => seed = number,
            _ => return Err(io::Error::other(USAGE)),
        }
    }
    large::write(size, seed, &mut File::create(file)?)
}

fn log_of_many(options: &[&str], file: &Path) -> io::Result<()> {
    let mut seed = LARGE_SEED;
    let mut size = many::Size::default();
    for (name, number) in numbers(options)? {
        match name {
            "--lines" => size.lines = number,
            "--clients" => size.clients = number,
            "--targets" => size.targets = number,
            "--agents" => size.agents = number,
            "--floods" => size.floods = number,
            "--flooders" => size.flooders = number,
            "--flood-lines" => size.flood_lines = number,
            "--seed" => seed = number,
            _ => return Err(io::Error::other(USAGE)),
        }
    }
    many::write(size, seed, &mut File::create(file)?)
}

/// Options with a number each.
fn numbers<'a>(options: &[&'a str]) -> io::Result<Vec<(&'a str, u64)>> {
    let number = |pair: &[&'a str]| Some((pair[0], pair.get(1)?.parse().ok()?));
    let read: Option<Vec<_>> = options.chunks(2).map(number).collect();
    read.ok_or_else(|| io::Error::other(USAGE))
}

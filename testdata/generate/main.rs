//! Writes the logs that the tests and benches read.
//!
//! ```text
//! cargo run --release --example generate -- scenario NAME DIR
//! cargo run --release --example generate -- scenarios testdata/scenarios
//! cargo run --release --example generate -- large --lines 5000000 --clients 1700000 FILE
//! cargo run --release --example generate -- many --lines N --clients C --targets T --agents A FILE
//! cargo run --release --example generate -- evil NAME BYTES FILE
//! cargo run --release --example generate -- databases testdata/mmdb
//! ```

mod traffic;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use traffic::evil;
use traffic::large::{self, Mix};
use traffic::many;
use traffic::mmdb;
use traffic::scenarios;

/// The seed of large logs and of those with many clients; `--seed` replaces it.
const LARGE_SEED: u64 = 20_240_311;

const USAGE: &str = "usage: generate scenario NAME DIR
       generate scenarios DIR
       generate evil NAME BYTES FILE
       generate databases DIR
       generate large --lines N --clients N [--seed N] [--attacks N] [--floods N] [--rate N] FILE
         --attacks  attack lines in a thousand (default 5); when given, no two are alike
         --floods   floods, which have 40% of the lines together (default 0)
         --rate     requests a second outside floods (default 20)
       generate many --lines N --clients N --targets N --agents N
                     [--floods N --flooders N --flood-lines N] [--seed N] FILE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["scenario", name, folder] => scenario(name, Path::new(folder)),
        ["scenarios", folder] => all_scenarios(Path::new(folder)),
        ["databases", folder] => databases(Path::new(folder)),
        ["evil", name, bytes, file] => evil_log(name, bytes, Path::new(file)),
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

fn evil_log(name: &str, bytes: &str, file: &Path) -> io::Result<()> {
    let bytes = bytes.parse().map_err(io::Error::other)?;
    let Some(evil) = evil::all().find(|evil| evil.name == name) else {
        let names: Vec<&str> = evil::all().map(|evil| evil.name).collect();
        let text = format!("no evil log {name}; there are {}", names.join(", "));
        return Err(io::Error::other(text));
    };
    std::fs::write(file, evil.log(bytes))
}

fn all_scenarios(folder: &Path) -> io::Result<()> {
    scenarios::ALL
        .iter()
        .try_for_each(|scenario| scenario.write(&folder.join(scenario.name)))
}

fn databases(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut databases = mmdb::databases().into_iter();
    databases.try_for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes))
}

fn large_log(options: &[&str], file: &Path) -> io::Result<()> {
    let mut seed = LARGE_SEED;
    let mut size = large::Size {
        lines: 0,
        clients: 0,
    };
    let mut mix = Mix::default();
    for (name, number) in numbers(options)? {
        match name {
            "--lines" => size.lines = number,
            "--clients" => size.clients = number,
            "--seed" => seed = number,
            "--attacks" => (mix.attacks, mix.numbered) = (number, true),
            "--floods" => mix.floods = number,
            "--rate" if number > 0 => mix.rate = number,
            _ => return Err(io::Error::other(USAGE)),
        }
    }
    large::write_mix(size, mix, seed, &mut File::create(file)?)
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

//! Writes the logs that the tests and benches read.
//!
//! ```text
//! cargo run --release --example generate -- scenario NAME DIR
//! cargo run --release --example generate -- scenarios testdata/scenarios
//! cargo run --release --example generate -- large --lines 5000000 --clients 1700000 FILE
//! cargo run --release --example generate -- evil NAME BYTES FILE
//! ```

mod traffic;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use traffic::evil;
use traffic::large::{self, Mix, Size};
use traffic::scenarios;

/// The seed of large logs; `--seed` replaces it.
const LARGE_SEED: u64 = 20_240_311;

const USAGE: &str = "usage: generate scenario NAME DIR
       generate scenarios DIR
       generate evil NAME BYTES FILE
       generate large --lines N --clients N [--seed N] [--attacks N] [--floods N] [--rate N] FILE
         --attacks  attack lines in a thousand (default 5); when given, no two are alike
         --floods   floods, which have 40% of the lines together (default 0)
         --rate     requests a second outside floods (default 20)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["scenario", name, folder] => scenario(name, Path::new(folder)),
        ["scenarios", folder] => all_scenarios(Path::new(folder)),
        ["evil", name, bytes, file] => evil_log(name, bytes, Path::new(file)),
        ["large", options @ .., file] => large_log(options, Path::new(file)),
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

fn large_log(options: &[&str], file: &Path) -> io::Result<()> {
    let mut seed = LARGE_SEED;
    let mut size = Size {
        lines: 0,
        clients: 0,
    };
    let mut mix = Mix::default();
    for pair in options.chunks(2) {
        let value = pair.get(1).and_then(|text| text.parse().ok());
        match (pair[0], value) {
            ("--lines", Some(number)) => size.lines = number,
            ("--clients", Some(number)) => size.clients = number,
            ("--seed", Some(number)) => seed = number,
            ("--attacks", Some(number)) => (mix.attacks, mix.numbered) = (number, true),
            ("--floods", Some(number)) => mix.floods = number,
            ("--rate", Some(number)) if number > 0 => mix.rate = number,
            _ => return Err(io::Error::other(USAGE)),
        }
    }
    large::write_mix(size, mix, seed, &mut File::create(file)?)
}

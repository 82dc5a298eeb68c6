//! What lies under `testdata/scenarios` is what the generator writes, byte for byte.

use std::collections::HashSet;
use std::fs;
use std::process::Command;

use crate::harness::{lines, names_in, program, read_log, repository, scenario};
use crate::traffic::large::{self, Size};
use crate::traffic::scenarios::ALL;

const REMEDY: &str = "run `cargo run --release --example generate -- scenarios testdata/scenarios`, and see what changed";

#[test]
fn the_stored_scenarios_are_the_generated_ones() {
    for generated in ALL {
        let stored = scenario(generated.name);
        let about = fs::read_to_string(stored.home.join("README.md")).unwrap();
        assert_eq!(about, generated.readme(), "{}: {REMEDY}", generated.name);
        assert_eq!(
            stored.arguments, generated.args,
            "{}: {REMEDY}",
            generated.name
        );
        let files = (generated.build)();
        let mut names: Vec<&str> = files.iter().map(|file| file.name).collect();
        names.sort_unstable();
        assert_eq!(stored.inputs, names, "{}: {REMEDY}", generated.name);
        for file in files {
            // What a gzip file holds is compared, not how a version of the compressor packs it.
            let same = read_log(&stored.folder.join(file.name)) == file.unpacked();
            assert!(same, "{}/{} differs: {REMEDY}", generated.name, file.name);
        }
    }
}

#[test]
fn no_scenario_lies_there_that_nobody_generates() {
    for name in names_in(&repository().join("testdata/scenarios")) {
        assert!(
            ALL.iter().any(|scenario| scenario.name == name),
            "testdata/scenarios/{name} is not generated: add it to ALL of the generator"
        );
    }
}

#[test]
fn the_command_writes_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(generator())
        .args(["scenario", "brute-force"])
        .arg(folder.path())
        .status()
        .expect("cargo builds examples along with tests");
    assert!(status.success());
    for name in scenario("brute-force").inputs {
        let written = read_log(&folder.path().join("logs").join(&name));
        assert!(written == read_log(&scenario("brute-force").folder.join(&name)));
    }
}

/// The built `generate` example, which stands beside the program.
pub fn generator() -> std::path::PathBuf {
    let folder = program().parent().unwrap().join("examples");
    folder.join(format!("generate{}", std::env::consts::EXE_SUFFIX))
}

#[test]
fn a_large_log_has_the_lines_and_clients_asked_for() {
    let size = Size {
        lines: 20_000,
        clients: 6_800,
    };
    let (mut log, mut again) = (Vec::new(), Vec::new());
    large::write(size, 7, &mut log).unwrap();
    large::write(size, 7, &mut again).unwrap();
    assert!(log == again, "the same seed gives the same bytes");
    let text = String::from_utf8(log).unwrap();
    let clients: HashSet<&str> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(lines(text.as_bytes()).len() as u64, size.lines);
    assert_eq!(clients.len() as u64, size.clients);
}

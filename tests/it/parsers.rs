//! The properties of parsers, on a bounded number of inputs: every seed, and what is made of it at random. `fuzz/` looks
//! for more.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::properties::{ALL, Property, seeds};

/// What is done to an input.
#[derive(Debug, Clone)]
enum Change {
    /// Other bytes in place of some.
    Splice(Index, u8, Vec<u8>),
    /// A part of another seed.
    Borrow(Index, Index, Index, u8),
    /// A part once more.
    Repeat(Index, u8),
    /// The rest left out.
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    // what means something to some parser
    let signs = prop::sample::select(&b"\"\\'%$[]{}:,;| \t\r\n\0-+/=<>0\xff\x1f"[..]);
    let bytes = prop::collection::vec(prop_oneof![3 => signs, 1 => any::<u8>()], 0..6);
    prop_oneof![
        4 => (index(), 0..8u8, bytes).prop_map(|(at, length, bytes)| Change::Splice(at, length, bytes)),
        2 => (index(), index(), index(), any::<u8>()).prop_map(|(at, of, from, length)| Change::Borrow(at, of, from, length)),
        1 => (index(), any::<u8>()).prop_map(|(at, length)| Change::Repeat(at, length)),
        1 => index().prop_map(Change::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change, seeds: &[Vec<u8>]) {
    let place = |index: &Index, length: usize| index.index(length + 1);
    match change {
        Change::Splice(at, length, new) => {
            let at = place(at, bytes.len());
            let end = bytes.len().min(at + usize::from(*length));
            bytes.splice(at..end, new.iter().copied());
        }
        Change::Borrow(at, of, from, length) => {
            let other = of.get(seeds);
            let from = place(from, other.len());
            let end = other.len().min(from + usize::from(*length));
            let at = place(at, bytes.len());
            bytes.splice(at..at, other[from..end].iter().copied());
        }
        Change::Repeat(at, length) => {
            let at = place(at, bytes.len());
            let end = bytes.len().min(at + usize::from(*length));
            bytes.extend_from_within(at..end);
        }
        Change::Cut(at) => bytes.truncate(place(at, bytes.len())),
    }
}

/// How many inputs are made; fewer where each takes long.
fn cases(property: &Property) -> u32 {
    match property.name {
        "report" => 24,
        "judged" | "server_config" => 64,
        "envelope" | "whole_input" | "packed" => 128,
        _ => 512,
    }
}

fn try_out(name: &str) {
    let property = ALL.iter().find(|property| property.name == name);
    let property = property.unwrap_or_else(|| panic!("a property of the name {name}"));
    let seeds = (property.seeds)();
    assert!(!seeds.is_empty());
    (property.check)(b"");
    if property.name != "report" {
        seeds.iter().for_each(|seed| (property.check)(seed));
    }
    let changes = prop::collection::vec(change(), 1..6);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases(property))
    };
    proptest!(config, |(seed in prop::sample::select(seeds.clone()), changes in changes)| {
        let mut input = seed;
        for change in &changes {
            apply(&mut input, change, &seeds);
        }
        (property.check)(&input);
    });
}

/// A test for each property, so that they run beside each other.
macro_rules! properties {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            try_out(stringify!($name));
        })*

        const TRIED: &[&str] = &[$(stringify!($name)),*];
    };
}

properties! {
    one_format whole_input envelope json custom_format server_config packed archive database part decoded judged report
}

#[test]
fn every_property_is_tried_here_and_by_a_fuzzer() {
    let all: BTreeSet<String> = ALL.iter().map(|one| one.name.to_owned()).collect();
    let tried: BTreeSet<String> = TRIED.iter().map(|name| name.to_string()).collect();
    assert_eq!(tried, all);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let targets = fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    assert_eq!(targets.collect::<BTreeSet<_>>(), all);
}

#[test]
fn the_seeds_are_what_they_should_be() {
    let samples: usize = aftertrace::format::ALL
        .iter()
        .map(|format| format.samples.len() + 1)
        .sum();
    assert_eq!(seeds::of_formats().len(), samples);
}

#[test]
#[ignore = "writes what the fuzzers begin with to fuzz/corpus"]
fn seeds_are_written() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for property in ALL {
        let folder = corpus.join(property.name);
        fs::create_dir_all(&folder).unwrap();
        for (index, seed) in (property.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{index:03}")), seed).unwrap();
        }
    }
}

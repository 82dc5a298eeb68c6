//! Tests of the program as a whole: one binary, so that it links once.

#[path = "../../testdata/generate/traffic/mod.rs"]
mod traffic;

mod architecture;
mod cli;
mod context;
mod explain;
mod fuzz;
mod generated;
mod harness;
mod laws;
mod readme;
mod regressions;
mod scenarios;
mod stories;
mod tokens;

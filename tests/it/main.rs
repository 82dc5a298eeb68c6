//! Tests of the program as a whole: one binary, so that it links once.

#[path = "../../benches/sensitivity/measure.rs"]
mod measure;
#[path = "../../benches/sensitivity/model.rs"]
mod model;
#[path = "../../testdata/generate/traffic/mod.rs"]
mod traffic;

mod architecture;
mod cli;
mod clients;
mod context;
mod custom_formats;
mod error_formats;
mod evil;
mod explain;
mod export;
mod formats;
mod fuzz;
mod generated;
mod harness;
mod hosts;
mod json_formats;
mod laws;
mod limits;
mod line_formats;
mod memory;
mod origins;
mod parsers;
mod parts;
mod properties;
mod pseudonyms;
mod readme;
mod recipes;
mod regressions;
mod retold;
mod scenarios;
mod sensitivity;
mod sigma;
mod sources;
mod stages;
mod stories;
mod times;
mod tokens;
mod windows;

use traffic::rng;

//! The mergeable counts that the passes collect.

pub mod aside;
pub mod capped;
pub mod caps;
pub mod clients;
pub mod conduct;
pub mod distinct;
pub mod endpoints;
pub mod errors;
pub mod filed;
pub mod first;
pub mod histogram;
pub mod index;
pub mod lines;
pub mod minutes;
pub mod misses;
pub mod numbers;
pub mod order;
pub mod scripts;
pub mod series;
pub mod shapes;
pub mod sieve;
pub mod sketch;
pub mod tries;
pub mod weight;

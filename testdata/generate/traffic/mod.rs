//! A made-up web shop and everything that happens to its logs, from a seed: the same seed gives the
//! same bytes on every machine, whatever versions of crates are installed.
//!
//! Used by the `generate` example, by the tests (which prove that `testdata/scenarios` is what this
//! code writes) and by the benches. Addresses are those reserved for documentation and tests
//! (RFC 5737, RFC 3849, RFC 2544) and, where more are needed, the shared space of RFC 6598; hosts
//! end in `.example` (RFC 2606). Nobody real is named.

#![allow(dead_code)] // each of the three users needs a part of it

pub mod address;
pub mod agents;
pub mod attackers;
pub mod campaigns;
pub mod clock;
pub mod errors;
pub mod evil;
pub mod large;
pub mod many;
pub mod mmdb;
pub mod noise;
pub mod rng;
pub mod robots;
pub mod scenarios;
pub mod shop;
pub mod story;
pub mod visitors;
pub mod writers;

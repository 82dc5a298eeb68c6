//! Server log forensics: logs in, attack timeline out.
//!
//! Values flow one way: bytes → chunks → [`event::Event`] (borrowed) → verdicts of [`pattern`] →
//! [`evidence`] (counts that merge) → [`finding::Finding`] → incident → [`report::view::Report`] →
//! text. [`analysis::analyze`] walks the whole way; `ARCHITECTURE.md` shows where each thing lives.
//!
//! The library never prints, never asks for the time, uses no network and no randomness: the same
//! bytes give the same report.

#![warn(missing_docs)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod actor;
pub mod addresses;
pub mod ahead;
pub mod aim;
pub mod analysis;
pub mod assemble;
pub mod attempts;
pub mod baseline;
pub mod bisect;
pub mod breakdown;
pub mod campaign;
pub mod category;
pub mod chunk;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod complaints;
pub mod context;
pub mod counts;
pub mod crowd;
pub mod decode;
pub mod detect;
pub mod doubt;
pub mod edges;
pub mod error;
pub mod estimates;
pub mod event;
pub mod evidence;
pub mod explain;
pub mod export;
pub mod failures;
pub mod finding;
pub mod focus;
pub mod format;
pub mod headline;
pub mod heavy;
pub mod hits;
pub mod impact;
pub mod incident;
pub mod inputs;
pub mod known;
pub mod look;
pub mod manners;
pub mod merge;
pub mod mitigation;
pub mod nature;
pub mod networks;
pub mod norms;
pub mod noted;
pub mod origins;
pub mod outcome;
pub mod pace;
pub mod part;
pub mod pass;
pub mod pattern;
pub mod plan;
pub mod preview;
pub mod proxies;
pub mod pseudonym;
pub mod quote;
pub mod readers;
pub mod relays;
pub mod report;
pub mod room;
pub mod season;
pub mod segment;
pub mod server_config;
pub mod service;
pub mod severity;
pub mod skew;
pub mod source;
pub mod stream;
pub mod survey;
pub mod suspects;
pub mod sweep;
pub mod symptoms;
pub mod syntax;
pub mod tally;
pub mod terms;
pub mod text;
pub mod time;
pub mod timeline;
pub mod trace;
pub mod watch;

pub use analysis::{Observer, ScanOptions, Silent, TimeBound, analyze, hits, streams};

//! Server log forensics: logs in, attack timeline out.

#![warn(missing_docs)]

pub mod baseline;
pub mod category;

pub mod client;
pub mod error;
pub mod event;
pub mod evidence;
pub mod format;
pub mod merge;
pub mod report;
pub mod segment;
pub mod severity;
pub mod terms;
pub mod time;

//! Server log forensics: logs in, attack timeline out.

#![warn(missing_docs)]

pub mod category;
pub mod chunk;
pub mod client;
pub mod error;
pub mod event;
pub mod format;
pub mod pattern;
pub mod report;
pub mod severity;
pub mod source;
pub mod terms;
pub mod text;
pub mod time;

//! Server log forensics: logs in, attack timeline out.

#![warn(missing_docs)]

pub mod category;
pub mod client;
pub mod decode;
pub mod error;
pub mod event;
pub mod format;
pub mod pattern;
pub mod report;
pub mod severity;
pub mod syntax;
pub mod terms;
pub mod time;

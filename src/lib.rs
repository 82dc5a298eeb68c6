//! Server log forensics: logs in, attack timeline out.

#![warn(missing_docs)]

pub mod category;
pub mod client;
pub mod error;
pub mod event;
pub mod format;
pub mod report;
pub mod severity;
pub mod terms;
pub mod time;

//! What can stop a run: every error says what failed, where, and what to do about it.
//!
//! Conditions that do not stop a run are warnings in the report, not errors.

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An error that ends the run (exit status 2).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An input, a pack or an output could not be read or written.
    #[error("{path}: {doing}: {source}")]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// What was being done, as in "cannot open".
        doing: &'static str,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// One or more entries of pattern packs are wrong; every fault found is listed.
    #[error("{}", .0.join("\n"))]
    Patterns(Vec<String>),
    /// A saved report could not be read as one.
    #[error("{path}: {what}")]
    Report {
        /// The file concerned.
        path: PathBuf,
        /// What is wrong with it, where, and what to do.
        what: String,
    },
    /// A file could not be read as a part.
    #[error("{path}: {what}")]
    Part {
        /// The file concerned.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// A database of countries or autonomous systems cannot be used.
    #[error("{path}: {what}")]
    Database {
        /// The file concerned.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// An option's value makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Nothing that was named could be read as a log.
    #[error("no log to read: {0}")]
    NoInput(String),
}

impl Error {
    /// Wraps an I/O error with the path and the action.
    pub fn io(path: impl Into<PathBuf>, doing: &'static str, source: std::io::Error) -> Error {
        Error::Io {
            path: path.into(),
            doing,
            source,
        }
    }
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What the reader must know before trusting the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// Stable, for scripts.
    pub code: Cow<'static, str>,
    /// For people.
    pub message: String,
    /// The input concerned.
    pub input: Option<String>,
}

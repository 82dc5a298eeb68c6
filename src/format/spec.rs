//! What a log format is: a name, samples that prove it, and a function from a line to a record.

use serde::Serialize;

use crate::client::Client;
use crate::event::{Event, Unparsed};
use crate::time::{self, LocalTime, Time, UtcOffset};

/// What kind of log an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum LogKind {
    Access,
    Error,
}

/// A log format. One file each in `format/`, one row each in `format::ALL`.
pub struct Format {
    /// As the report names it: `combined`, `nginx_error`.
    pub name: &'static str,
    /// Access or error log.
    pub kind: LogKind,
    /// What writes it, for people.
    pub title: &'static str,
    /// Lines that this format reads and that win the vote for it; tests hold both.
    pub samples: &'static [&'static str],
    /// The client of a line, read alone, for those who only follow some clients; `None` where only
    /// `parse` can tell. Never another client than `parse` finds.
    pub client: fn(&[u8]) -> Option<Client>,
    /// Reads one line (without its line end).
    pub parse: for<'a> fn(&'a [u8], &mut TimeCache) -> Result<Event<'a>, Unparsed>,
}

/// Remembers the last timestamp: in a busy log most lines repeat it, and comparing 26 bytes is
/// several times cheaper than reading a date.
#[derive(Debug, Clone, Default)]
pub struct TimeCache {
    field: [u8; 26],
    value: Option<(Time, UtcOffset)>,
    local_field: [u8; 19],
    local: Option<LocalTime>,
}

impl TimeCache {
    /// Like [`time::parse_clf`], remembering the last answer.
    #[inline]
    pub fn clf(&mut self, field: &[u8]) -> Option<(Time, UtcOffset)> {
        if let (Some(value), true) = (self.value, field == self.field) {
            return Some(value);
        }
        let value = time::parse_clf(field)?;
        self.field.copy_from_slice(field);
        self.value = Some(value);
        Some(value)
    }
    /// Like [`time::parse_nginx_error`], remembering the last answer.
    #[inline]
    pub fn nginx_error(&mut self, field: &[u8]) -> Option<LocalTime> {
        if let (Some(local), true) = (self.local, field == self.local_field) {
            return Some(local);
        }
        let local = time::parse_nginx_error(field)?;
        self.local_field.copy_from_slice(field);
        self.local = Some(local);
        Some(local)
    }
}

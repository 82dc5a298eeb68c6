//! What a log format is: a name, samples that prove it, and a reader for each input in that format.

use std::sync::Arc;

use bumpalo::Bump;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::client::Client;
use crate::event::{Event, Unparsed};
use crate::proxies::HeaderName;
use crate::time::{self, LocalTime, Time, UtcOffset};

/// What kind of log an input is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
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
    /// Records of the other kind stand among those of `kind`: a load balancer writes requests and the
    /// loss of its servers into one file.
    pub mixed: bool,
    /// What writes it, for people.
    pub title: &'static str,
    /// Small logs (a line, or a header and lines) that this format reads and that win the vote for it; tests hold both.
    pub samples: &'static [&'static str],
    /// A reader for an input that begins with these bytes: all of them, or as much as is there yet (at least the
    /// first lines). `None` if the input cannot be in this format.
    pub reader: fn(Bytes<'_>) -> Option<Reader>,
}

/// Reads the lines of one input. Knows what its format leaves open: the columns that a header names, the keys of
/// a JSON log, the year that a syslog line lacks.
pub trait ReadLine: Send + Sync {
    /// Reads one line (without its line end), which begins at byte `at` of its input.
    ///
    /// # Errors
    /// Why the line is no record; [`Unparsed::Header`] for a line that describes others.
    fn read<'a>(&self, line: &'a [u8], at: u64, desk: &mut Desk<'a>)
    -> Result<Event<'a>, Unparsed>;

    /// The client of a line, read alone, for those who only follow some clients; `None` where only `read` can
    /// tell. Never another client than `read` finds.
    fn client(&self, _line: &[u8]) -> Option<Client> {
        None
    }

    /// What a line says first, read alone, for those who seek a few requests among many; `None` where only `read` can
    /// tell. Never anything else than `read` finds, if that finds a request.
    fn glance<'a>(&self, _line: &'a [u8], _times: &mut TimeCache) -> Option<Glance<'a>> {
        None
    }

    /// A reader that also knows this; `None` for one that has no use for it.
    fn with_years(&self, _hint: &YearHint) -> Option<Reader> {
        None
    }

    /// A reader that takes [`Access::forwarded`](crate::event::Access::forwarded) from this header, where the format's
    /// fields have names.
    fn forwarded_from(&self, _header: &HeaderName) -> Sought {
        Sought::Unnamed
    }

    /// Whether records of both kinds may be among the lines, whatever [`Format::mixed`] says.
    fn is_mixed(&self) -> bool {
        false
    }

    /// Whether it reads the lines of every input in its format alike, as it learnt nothing from one.
    fn is_fixed(&self) -> bool {
        false
    }

    /// What the report says about how the lines are read, where that was found out rather than known.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The beginning of a request. See [`ReadLine::glance`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glance<'a> {
    /// When.
    pub time: Time,
    /// Who asked.
    pub client: Client,
    /// The method.
    pub method: &'a [u8],
    /// The target up to the first `?`.
    pub path: &'a [u8],
}

/// What is known from outside about the year of an input whose times write none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct YearHint {
    /// When the file was last written.
    pub modified: Option<Time>,
    /// First and last record of the other inputs.
    pub neighbours: Option<(Time, Time)>,
}

/// A shared [`ReadLine`].
pub type Reader = Arc<dyn ReadLine>;

/// What came of looking for a field by its name.
pub enum Sought {
    /// The format's fields have no names.
    Unnamed,
    /// They have, and none has this one.
    Lacking,
    /// This reader takes it.
    Found(Reader),
}

impl Sought {
    /// Where the fields have names: this reader, or none has the name.
    pub fn named<R: ReadLine + 'static>(reader: Option<R>) -> Sought {
        match reader {
            Some(reader) => Sought::Found(Arc::new(reader)),
            None => Sought::Lacking,
        }
    }
}

/// What a format without anything left open needs: three functions.
pub struct Fixed {
    /// See [`ReadLine::read`].
    pub read: for<'a> fn(&'a [u8], &mut Desk<'a>) -> Result<Event<'a>, Unparsed>,
    /// See [`ReadLine::client`].
    pub client: fn(&[u8]) -> Option<Client>,
    /// See [`ReadLine::glance`].
    pub glance: for<'a> fn(&'a [u8], &mut TimeCache) -> Option<Glance<'a>>,
}

impl Fixed {
    /// A reader that is the same for every input.
    pub fn reader(
        read: for<'a> fn(&'a [u8], &mut Desk<'a>) -> Result<Event<'a>, Unparsed>,
    ) -> Option<Reader> {
        Some(Arc::new(Fixed {
            read,
            client: |_| None,
            glance: |_, _| None,
        }))
    }
}

impl ReadLine for Fixed {
    #[inline]
    fn read<'a>(
        &self,
        line: &'a [u8],
        _at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        (self.read)(line, desk)
    }

    fn client(&self, line: &[u8]) -> Option<Client> {
        (self.client)(line)
    }

    #[inline]
    fn glance<'a>(&self, line: &'a [u8], times: &mut TimeCache) -> Option<Glance<'a>> {
        (self.glance)(line, times)
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

/// Where a worker puts what it cannot borrow from a line: decoded JSON strings, targets put together from a path
/// and a query. One for each chunk, so that its size is bounded by the chunk's.
pub struct Desk<'a> {
    arena: &'a Bump,
    /// The last times read.
    pub times: TimeCache,
}

/// Reads one line by itself, for tests.
#[cfg(test)]
pub fn read_alone<'a>(format: &Format, line: &'a [u8]) -> Result<Event<'a>, Unparsed> {
    let reader = (format.reader)(line.into()).ok_or(Unparsed::NotThisFormat)?;
    let arena = Box::leak(Box::new(Arena::new()));
    reader.read(line, 0, &mut Desk::new(arena))
}

/// Reads the request of one line, for tests.
#[cfg(test)]
pub fn request_alone<'a>(
    format: &Format,
    line: &'a [u8],
) -> Result<crate::event::Access<'a>, Unparsed> {
    read_alone(format, line).map(|event| match event {
        Event::Access(access) => access,
        Event::Error(record) => panic!("no request: {record:?}"),
    })
}

/// Client and forwarded addresses of one line for who takes the client from a header, for tests; `None` if the format
/// lacks it. `head` is what the reader learns from.
#[cfg(test)]
pub fn forwarded_alone(
    format: &Format,
    head: &str,
    line: &str,
    header: &str,
) -> Option<(String, Option<String>)> {
    let header = HeaderName::parse(header).expect("a header");
    let reader = (format.reader)(head.as_bytes().into()).expect("such a log");
    let reader = match reader.forwarded_from(&header) {
        Sought::Found(reader) => reader,
        Sought::Lacking => return None,
        Sought::Unnamed => panic!("fields without names"),
    };
    let arena = Arena::new();
    let at = head.find(line).unwrap_or_default() as u64;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match reader.read(line.as_bytes(), at, &mut Desk::new(&arena)) {
        Ok(Event::Access(access)) => Some((text(access.client_text), access.forwarded.map(text))),
        other => panic!("{other:?}: {line}"),
    }
}

/// The memory behind a [`Desk`].
pub type Arena = Bump;

impl<'a> Desk<'a> {
    /// An empty desk.
    pub fn new(arena: &'a Arena) -> Desk<'a> {
        Desk {
            arena,
            times: TimeCache::default(),
        }
    }

    /// Keeps a copy of `bytes`.
    pub fn keep(&self, bytes: &[u8]) -> &'a [u8] {
        self.arena.alloc_slice_copy(bytes)
    }

    /// Keeps the parts, one behind the other.
    pub fn join(&self, parts: &[&[u8]]) -> &'a [u8] {
        let mut joined = bumpalo::collections::Vec::with_capacity_in(
            parts.iter().map(|part| part.len()).sum(),
            self.arena,
        );
        for part in parts {
            joined.extend_from_slice(part);
        }
        joined.into_bump_slice()
    }

    /// An empty text to write into; end with `into_bump_slice`.
    pub fn writer(&self) -> bumpalo::collections::Vec<'a, u8> {
        bumpalo::collections::Vec::new_in(self.arena)
    }
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

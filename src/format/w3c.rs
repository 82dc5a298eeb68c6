//! Extended log files of the W3C: which column is what stands in lines that begin with `#Fields:`.
//!
//! "Extended Log File Format" (W3C Working Draft WD-logfile-960323). A server writes new headers when it starts and when
//! its fields are changed, so a file may have several; each holds for the lines after it. A file that rotation began in
//! the middle has none at first: then a header further on is tried, and what the server writes unless told otherwise.
//! Times are UTC. What no field here is known for is left out, except request headers, which are searched for attacks.

use std::ops::Range;

use memchr::memmem;

use crate::bytes::Bytes;
use crate::chunk;
use crate::event::{Access, Event, Unparsed};
use crate::format::record::{Draft, Field};
use crate::format::spec::{Arena, Desk, ReadLine, Sought};
use crate::proxies::HeaderName;
use crate::time::{self, Unit, UtcOffset};

/// How one kind of server writes such files.
pub struct Dialect {
    /// What this server writes unless told otherwise, as `#Fields:` would have it; the newest first.
    pub defaults: &'static [&'static str],
    /// Whether a header may be this server's.
    pub accepts: fn(&str) -> bool,
    /// Between two columns.
    pub separator: u8,
    /// A whole number in `time-taken` counts these; with a point it is always seconds, as the draft has it.
    pub time_taken: Unit,
    /// Takes back how the server wrote a field.
    pub decode: for<'a> fn(Field, &'a [u8], &Desk<'a>) -> &'a [u8],
}

/// How a header line begins.
const FIELDS: &[u8] = b"#Fields:";

/// How the line begins that says when the server started.
const DATE: &[u8] = b"#Date:";

/// Bytes at the beginning of an input in which a header or a fitting line must stand.
const HEAD: usize = 64 << 10;

/// Lines of the beginning that are tried where there is no header before them.
const TRIED: usize = 64;

/// Most changes of the fields that are remembered: a server is not set up anew more often in one file.
const MAX_HEADERS: usize = 4096;

/// Most places that are looked at: in the URL or the user agent of a request it is no header, and anybody may write it there.
const MOST_FOUND: usize = 1 << 20;

/// How far before `#Fields:` its `#Date:` may stand, in bytes.
const HEADER_BLOCK: usize = 1024;

/// What the columns of an input are, and where that changes.
#[derive(Clone)]
pub struct Table {
    dialect: &'static Dialect,
    /// From which byte on which columns hold, in order.
    parts: Vec<(u64, Layout)>,
    /// Of lines before the first header, or in a file without any: the layout that was found to fit them.
    assumed: Option<Layout>,
    /// There were more headers than are remembered.
    full: bool,
}

/// The columns between one header and the next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layout {
    fields: Vec<Field>,
    /// What the header calls them, with a blank between two.
    names: Box<str>,
    /// The day in the header, `2026-05-19`, for lines that only have a clock.
    day: Option<[u8; 10]>,
}

impl Table {
    /// Learns the columns from an input's bytes. `None` if neither a header nor a line of the dialect stands near its
    /// beginning.
    pub fn learn(bytes: Bytes<'_>, dialect: &'static Dialect) -> Option<Table> {
        let head = bytes.head(HEAD);
        let mut table = Table {
            dialect,
            parts: Vec::new(),
            assumed: None,
            full: false,
        };
        let first = headers(head.into()).next().map(|at| at.start);
        let before = &head[..first.unwrap_or(head.len())];
        if has_record(before) {
            table.assumed = table.fitting(before, bytes);
        }
        let own = headers(head.into())
            .next()
            .is_some_and(|line| table.accepts(bytes.get(line)));
        if !own && table.assumed.is_none() {
            return None;
        }
        for line in headers(bytes) {
            let text = bytes.get(line.clone());
            if !table.accepts(text) {
                continue;
            }
            let layout = dialect.layout(text, day_before(bytes, line.start));
            if table.parts.last().is_none_or(|(_, last)| *last != layout) {
                table.full = table.parts.len() >= MAX_HEADERS;
                if table.full {
                    break;
                }
                table.parts.push((line.start as u64, layout));
            }
        }
        Some(table)
    }

    fn accepts(&self, header: &[u8]) -> bool {
        std::str::from_utf8(header).is_ok_and(|header| (self.dialect.accepts)(header))
    }

    /// The layout in which most lines can be read that no header precedes.
    fn fitting(&self, before: &[u8], bytes: Bytes<'_>) -> Option<Layout> {
        let near = bytes.head(4 * HEAD);
        let next = headers(near.into())
            .map(|line| &near[line])
            .find(|text| self.accepts(text));
        let layout = |text: &[u8]| self.dialect.layout(text, None);
        let defaults = self.dialect.defaults.iter().map(|text| text.as_bytes());
        let candidates = next.into_iter().chain(defaults).map(layout);
        let counted = candidates.map(|layout| (self.readable(before, &layout), layout));
        // Of two that read as many, the first.
        let mut best: Option<(usize, Layout)> = None;
        for (count, layout) in counted {
            if count > best.as_ref().map_or(0, |(most, _)| *most) {
                best = Some((count, layout));
            }
        }
        best.map(|(_, layout)| layout)
    }

    /// How many of the first lines are whole records with a client and a status in this layout.
    fn readable(&self, before: &[u8], layout: &Layout) -> usize {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let lines = chunk::lines(before).take(TRIED);
        let mut fits = |line| {
            let read = self.dialect.read(layout, line, &mut desk);
            read.is_ok_and(|access| !access.client.is_name() && access.status.is_some())
        };
        lines.filter(|(_, line)| fits(line)).count()
    }
}

impl ReadLine for Table {
    fn read<'a>(
        &self,
        line: &'a [u8],
        at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        if line.first() == Some(&b'#') {
            return Err(Unparsed::Header);
        }
        let after = self.parts.partition_point(|(start, _)| *start <= at);
        let layout = match after.checked_sub(1) {
            Some(last) => Some(&self.parts[last].1),
            None => self
                .assumed
                .as_ref()
                .or(self.parts.first().map(|(_, layout)| layout)),
        };
        let layout = layout.ok_or(Unparsed::NotThisFormat)?;
        self.dialect.read(layout, line, desk).map(Event::Access)
    }

    fn forwarded_from(&self, header: &HeaderName) -> Sought {
        let mut table = self.clone();
        let parts = table.parts.iter_mut().map(|(_, layout)| layout);
        let layouts = parts.chain(table.assumed.as_mut());
        let found = layouts.filter_map(|layout| layout.take_forwarded(header).then_some(()));
        Sought::named((found.count() > 0).then_some(table))
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.assumed.is_some() {
            notes.push(
                "no #Fields line stands before the first records; they are read as the server writes them unless told otherwise, or as a later header says"
                    .to_string(),
            );
        }
        match self.parts.len() {
            0 | 1 => {}
            count => notes.push(format!(
                "its fields change: {count} headers say what they are"
            )),
        }
        if self.full {
            notes.push(format!(
                "only the first {MAX_HEADERS} changes of its fields are followed"
            ));
        }
        notes
    }
}

impl Layout {
    /// Makes the column of a header the one that is [`Field::Forwarded`]; false if there is none, and then none is. IIS
    /// lets its administrator name further columns.
    fn take_forwarded(&mut self, header: &HeaderName) -> bool {
        let mut found = false;
        for (field, name) in self.fields.iter_mut().zip(self.names.split(' ')) {
            let free = matches!(field, Field::Forwarded | Field::Extra | Field::Ignored);
            let inner = name
                .strip_prefix("cs(")
                .and_then(|name| name.strip_suffix(')'));
            if free && header.is(inner.unwrap_or(name).as_bytes()) {
                *field = Field::Forwarded;
                found = true;
            } else if *field == Field::Forwarded {
                *field = Field::Extra;
            }
        }
        found
    }
}

impl Dialect {
    /// The columns that a header names.
    fn layout(&self, header: &[u8], day: Option<[u8; 10]>) -> Layout {
        let header = header.strip_prefix(FIELDS).unwrap_or(header);
        let words = header.split(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        let names: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(|word| String::from_utf8_lossy(word).to_ascii_lowercase())
            .collect();
        let has = |name: &str| names.iter().any(|other| other == name);
        let field = |name: &String| match name.as_str() {
            // The name of the distribution, where the one asked for is given as well.
            "cs(host)" | "cs-host" if has("x-host-header") => Field::Ignored,
            name => self.field(name),
        };
        Layout {
            fields: names.iter().map(field).collect(),
            names: names.join(" ").into(),
            day,
        }
    }

    /// What a column is. `c`, `s`, `cs` and `sc` stand for client and server; `s-ip` is the server's own address.
    fn field(&self, name: &str) -> Field {
        match name {
            "date" => Field::Date,
            "time" => Field::Clock,
            "c-ip" => Field::Client,
            "cs-method" => Field::Method,
            "cs-uri" => Field::Target,
            "cs-uri-stem" => Field::Path,
            "cs-uri-query" => Field::Query,
            "cs-version" | "cs-protocol-version" => Field::Protocol,
            "sc-status" => Field::Status,
            "sc-bytes" => Field::Bytes,
            "time-taken" => Field::Duration(self.time_taken),
            "cs-username" => Field::User,
            "cs-host" | "cs(host)" | "x-host-header" => Field::Host,
            "cs(user-agent)" => Field::UserAgent,
            "cs(referer)" | "cs(referrer)" => Field::Referer,
            "x-forwarded-for" | "cs(x-forwarded-for)" | "x_forwarded_for" => Field::Forwarded,
            _ if name.starts_with("cs(") => Field::Extra,
            _ => Field::Ignored,
        }
    }

    fn read<'a>(
        &self,
        layout: &Layout,
        line: &'a [u8],
        desk: &mut Desk<'a>,
    ) -> Result<Access<'a>, Unparsed> {
        let mut draft = Draft::default();
        let mut rest = Some(line);
        let mut dated = false;
        for field in &layout.fields {
            let value = column(&mut rest, self.separator).ok_or(Unparsed::Truncated)?;
            let field = match field {
                Field::Ignored => continue,
                Field::Duration(_) if value.contains(&b'.') => Field::Duration(Unit::Seconds),
                field => *field,
            };
            dated |= field == Field::Date;
            let value = (self.decode)(field, value, desk);
            draft.set(field, value, desk)?;
        }
        if rest.is_some_and(|rest| !rest.is_empty()) {
            return Err(Unparsed::NotThisFormat);
        }
        if let (false, Some(day)) = (dated, layout.day) {
            let day = desk.keep(&day);
            draft.set(Field::Date, day, desk)?;
        }
        let mut access = draft.finish(desk)?;
        access.utc_offset = Some(UtcOffset::UTC);
        Ok(access)
    }
}

/// Cuts a column off. Some servers put values into quotes; a separator in there belongs to the value.
fn column<'a>(rest: &mut Option<&'a [u8]>, separator: u8) -> Option<&'a [u8]> {
    let text = (*rest)?;
    if let Some(inner) = text.strip_prefix(b"\"")
        && let Some(end) = closing_quote(inner, separator)
    {
        *rest = inner.get(end + 2..);
        return Some(&inner[..end]);
    }
    let end = memchr::memchr(separator, text);
    *rest = end.map(|end| &text[end + 1..]);
    Some(&text[..end.unwrap_or(text.len())])
}

/// Where the quote is that ends a column; a quote within it is written twice.
fn closing_quote(inner: &[u8], separator: u8) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'"', &inner[from..])?;
        match inner.get(at + 1) {
            Some(b'"') => from = at + 2,
            Some(next) if *next != separator => from = at + 1,
            _ => return Some(at),
        }
    }
}

/// The header lines of an input, without their ends.
fn headers(bytes: Bytes<'_>) -> impl Iterator<Item = Range<usize>> {
    /// A mark that some editors put before a text (Unicode, 23.8).
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let begins = move |at: &usize| {
        let before = bytes.get(at.saturating_sub(BYTE_ORDER_MARK.len())..*at);
        *at == 0 || before.ends_with(b"\n") || *at == before.len() && before == BYTE_ORDER_MARK
    };
    let found = bytes.places(0..bytes.len(), FIELDS, MOST_FOUND).into_iter();
    found.filter(begins).filter_map(move |start| {
        let (_, line) = bytes.lines(start..bytes.len()).next()?;
        let end = memchr::memchr(b'\r', line).unwrap_or(line.len());
        Some(start..start + end)
    })
}

/// The day in the `#Date:` that belongs to the header at a byte.
fn day_before(bytes: Bytes<'_>, at: usize) -> Option<[u8; 10]> {
    let block = bytes.get(at.saturating_sub(HEADER_BLOCK)..at);
    let found = memmem::rfind(block, DATE)?;
    let text = block[found + DATE.len()..].trim_ascii_start();
    let stamp = text.get(..19)?;
    time::parse_iso(stamp)?;
    stamp[..10].try_into().ok()
}

/// True if some line is no header.
fn has_record(bytes: &[u8]) -> bool {
    chunk::lines(bytes).any(|(_, line)| !matches!(line.first(), None | Some(b'#' | 0xef)))
}

//! What somebody pasted: a line of a log, a request line, a target, a URL, or none of these.
//!
//! A log line is read by the formats themselves, a request line by the code that cuts it in a log, so
//! that the same text means the same here and there.

use std::borrow::Cow;

use serde::Serialize;

use crate::chunk;
use crate::event::{Access, ErrorRecord, Event};
use crate::format::combined::request_line;
use crate::format::spec::{Arena, Desk};
use crate::format::{Vote, vote};
use crate::pattern::inspector::Inspector;
use crate::pattern::load::blank_access;
use crate::pattern::verdict::Verdict;
use crate::readers::Readers;
use crate::text::visible;

/// The method of a request of which only the target is known.
const ASSUMED_METHOD: &[u8] = b"GET";

/// What is known besides the line; it goes before what the line says.
#[derive(Clone, Copy, Default)]
pub struct Given<'a> {
    /// The user agent.
    pub user_agent: Option<&'a [u8]>,
    /// The referer.
    pub referer: Option<&'a [u8]>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Formats that the user gave.
    pub readers: Option<&'a Readers>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A line of an access log.
    AccessLine,
    /// A line of an error log that names a request.
    ErrorLine,
    /// A line of an error log that names none: patterns do not look at it.
    ErrorMessage,
    /// `GET /x?y HTTP/1.1`.
    RequestLine,
    /// `/x?y`.
    Target,
    /// `https://host/x?y`.
    Url,
    /// None of these: judged as a line in no format.
    Unknown,
}

/// How a line was read. What it does not say is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Understood {
    /// What it is.
    pub kind: InputKind,
    /// The log format that read it.
    pub format: Option<&'static str>,
    /// The host of a URL: not judged, for logs do not have it in the target.
    pub host: Option<String>,
    /// What follows `#` in a URL: not judged, for clients do not send it.
    pub fragment: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The request target, as logged; the whole request where it is no request line.
    pub target: Option<String>,
    /// The protocol.
    pub protocol: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The referer.
    pub referer: Option<String>,
    /// The user agent.
    pub user_agent: Option<String>,
    /// What follows the fields of the format; quoted fields of it are judged.
    pub extras: Option<String>,
}

/// A line as it is judged.
pub(super) struct Reading<'a> {
    pub(super) understood: Understood,
    line: &'a [u8],
    /// The parts of the request, where there is one.
    request: Option<Request<'a>>,
}

/// What of a record is judged.
#[derive(Default)]
struct Request<'a> {
    whole: &'a [u8],
    method: &'a [u8],
    target: Cow<'a, [u8]>,
    protocol: &'a [u8],
    status: Option<u16>,
    referer: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
    extras: &'a [u8],
}

/// What a line was taken for, before anything is added to it.
#[derive(Default)]
struct Parts<'a> {
    format: Option<&'static str>,
    host: Option<&'a [u8]>,
    fragment: Option<&'a [u8]>,
    request: Option<Request<'a>>,
}

/// Reads a line and adds what is given.
pub(super) fn read<'a>(input: &'a [u8], given: &Given<'a>, arena: &'a Arena) -> Reading<'a> {
    let line = input.trim_ascii_end();
    let (kind, mut parts) = take(line, given.readers, arena);
    if let Some(request) = &mut parts.request {
        request.status = given.status.or(request.status);
        request.referer = given.referer.or(request.referer);
        request.user_agent = given.user_agent.or(request.user_agent);
    }
    Reading {
        understood: understood(kind, &parts),
        line,
        request: parts.request,
    }
}

fn understood(kind: InputKind, parts: &Parts<'_>) -> Understood {
    let text = |bytes: &[u8]| visible(bytes).into_owned();
    let of = |get: fn(&Request<'_>) -> Option<String>| parts.request.as_ref().and_then(get);
    let given = |bytes: &[u8]| (!bytes.is_empty()).then(|| visible(bytes).into_owned());
    Understood {
        kind,
        format: parts.format,
        host: parts.host.map(text),
        fragment: parts.fragment.map(text),
        method: parts
            .request
            .as_ref()
            .and_then(|request| given(request.method)),
        target: parts
            .request
            .as_ref()
            .and_then(|request| given(&request.target)),
        protocol: parts
            .request
            .as_ref()
            .and_then(|request| given(request.protocol)),
        status: parts.request.as_ref().and_then(|request| request.status),
        referer: of(|request| request.referer.map(|text| visible(text).into_owned())),
        user_agent: of(|request| request.user_agent.map(|text| visible(text).into_owned())),
        extras: of(|request| {
            let extras = request.extras;
            (!extras.is_empty()).then(|| visible(extras).into_owned())
        }),
    }
}

/// Tells what a line is: the strictest reading first.
fn take<'a>(line: &'a [u8], readers: Option<&Readers>, arena: &'a Arena) -> (InputKind, Parts<'a>) {
    if let Some(read) = log_line(line, readers, arena) {
        return read;
    }
    if let Some(parts) = url(line) {
        return (InputKind::Url, parts);
    }
    let (method, target, protocol) = request_line(line);
    let upper = method.iter().all(u8::is_ascii_uppercase);
    if !method.is_empty() && (!protocol.is_empty() || (upper && target.starts_with(b"/"))) {
        return (InputKind::RequestLine, only(cut(line)));
    }
    match line.first() {
        Some(b'/') => (InputKind::Target, only(target_of(Cow::Borrowed(line)))),
        Some(b'?') => {
            let target = [b"/", line].concat();
            (InputKind::Target, only(target_of(Cow::Owned(target))))
        }
        _ => (InputKind::Unknown, Parts::default()),
    }
}

/// A line that a log format reads.
fn log_line<'a>(
    line: &'a [u8],
    readers: Option<&Readers>,
    arena: &'a Arena,
) -> Option<(InputKind, Parts<'a>)> {
    let vote = match readers {
        Some(readers) => readers.vote_on_line(line),
        None => vote(line),
    };
    let Vote { format, reader, .. } = vote?;
    // What a format needs to know may stand before the line: `#Fields:`.
    let mut desk = Desk::new(arena);
    let mut lines = chunk::lines(line);
    let event = lines.find_map(|(at, line)| reader.read(line, at as u64, &mut desk).ok())?;
    let (kind, request) = match event {
        Event::Access(access) => (InputKind::AccessLine, Some(of_access(&access))),
        Event::Error(record) => match of_error(&record) {
            Some(request) => (InputKind::ErrorLine, Some(request)),
            None => (InputKind::ErrorMessage, None),
        },
    };
    let parts = Parts {
        format: Some(format.name),
        request,
        ..Parts::default()
    };
    Some((kind, parts))
}

fn of_access<'a>(access: &Access<'a>) -> Request<'a> {
    Request {
        whole: access.request,
        method: access.method,
        target: Cow::Borrowed(access.target),
        protocol: access.protocol,
        status: access.status,
        referer: access.referer,
        user_agent: access.user_agent,
        extras: access.extras,
    }
}

fn of_error<'a>(record: &ErrorRecord<'a>) -> Option<Request<'a>> {
    Some(Request {
        referer: record.referer,
        ..cut(record.request?)
    })
}

/// A request line in its parts.
fn cut(request: &[u8]) -> Request<'_> {
    let (method, target, protocol) = request_line(request);
    Request {
        whole: request,
        method,
        target: Cow::Borrowed(target),
        protocol,
        ..Request::default()
    }
}

fn target_of(target: Cow<'_, [u8]>) -> Request<'_> {
    Request {
        method: ASSUMED_METHOD,
        target,
        ..Request::default()
    }
}

fn only(request: Request<'_>) -> Parts<'_> {
    Parts {
        request: Some(request),
        ..Parts::default()
    }
}

/// An absolute URL (RFC 3986, 3): what a client sends of it is path and query.
fn url(line: &[u8]) -> Option<Parts<'_>> {
    let scheme = [&b"http://"[..], b"https://"].into_iter().find(|scheme| {
        line.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })?;
    let rest = &line[scheme.len()..];
    let (sent, fragment) = match memchr::memchr(b'#', rest) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let host_end = memchr::memchr2(b'/', b'?', sent).unwrap_or(sent.len());
    let (host, target) = sent.split_at(host_end);
    let target = match target.first() {
        Some(b'/') => Cow::Borrowed(target),
        _ => Cow::Owned([b"/", target].concat()),
    };
    Some(Parts {
        host: Some(host),
        fragment,
        ..only(target_of(target))
    })
}

impl Reading<'_> {
    /// Judges the line as the log it comes from would be.
    pub(super) fn judge<'i>(&self, inspector: &'i mut Inspector<'_>) -> Option<&'i Verdict> {
        match &self.request {
            Some(request) => inspector.inspect(&Access {
                request: request.whole,
                method: request.method,
                target: &request.target,
                protocol: request.protocol,
                status: request.status,
                referer: request.referer,
                user_agent: request.user_agent,
                extras: request.extras,
                ..blank_access()
            }),
            None if self.understood.kind == InputKind::ErrorMessage => None,
            None => inspector.inspect_line(self.line),
        }
    }
}

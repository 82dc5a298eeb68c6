//! HAProxy's log: `option httplog`, `httpslog`, `tcplog`, failed connections, and `log-format`s close to them.
//!
//! `client:port [accepted] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes cookies state connections queues
//! {request headers} {response headers} "request"` (configuration manual, 8.2). Only what stands up to the size and the
//! request must be in its place, so that lines of a `log-format` made from it are read as well. Times of acceptance are
//! local and have no zone. HAProxy writes quotes, `#` and unprintable bytes as `#22`, which is taken back. Its own
//! messages (`Server web/app is DOWN`) have no time but that of what carries them to the log.
//!
//! Captured headers have no names in the log. What they are is told from what they hold, see [`Capture`].

use std::sync::Arc;

use bumpalo::collections::Vec as ArenaVec;

use crate::bytes::Bytes;
use crate::client::Client;
use crate::event::{Access, ErrorRecord, Event, Unparsed};
use crate::format::combined::request_line;
use crate::format::haproxy_captures::{Capture, Captures, MAX_CAPTURES, captures};
use crate::format::hex_escapes::{self, HAPROXY};
use crate::format::record::{number, token};
use crate::format::spec::{Desk, Format, LogKind, ReadLine, Reader};
use crate::time::{self, Time, Unit, UtcOffset};

/// What HAProxy writes, without what syslog puts before it.
pub const FORMAT: Format = Format {
    name: "haproxy_http",
    kind: LogKind::Access,
    mixed: true,
    title: "HAProxy log (httplog, httpslog, tcplog)",
    samples: &[
        r#"203.0.113.7:51000 [09/May/2026:14:26:03.120] fe bk/<NOSRV> 0/30000/-1/-1/30000 503 212 - - sQ-- 2000/1990/800/0/0 0/745 "GET /cart HTTP/1.1""#,
        r#"2001:db8::7:51000 [09/May/2026:14:26:03.120] https~ web/app1 10/0/30/+69/+109 200 +2750 - - ---- 1/1/1/1/+1 0/0 {shop.example|Mozilla/5.0|203.0.113.9} {text/html} "GET /a#22b?c=d HTTP/1.1""#,
        r#"203.0.113.7:51000 [09/May/2026:14:26:03.120] http http/<NOSRV> -1/-1/-1/-1/2001 408 0 - - cR-- 2/1/0/0/0 0/0 "<BADREQ>""#,
        r#"203.0.113.7:51000 [09/May/2026:14:26:03.120] https~ web/app1 0/0/0/4/4 200 78 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/2.0" 0/0000000000000000/0/0/0 shop.example/TLSv1.3/TLS_AES_256_GCM_SHA384"#,
        "203.0.113.7:51000 [09/May/2026:14:26:03.120] db db/pg1 0/0/5007 212 -- 0/0/0/0/3 0/0",
        "203.0.113.7:51000 [09/May/2026:14:26:03.120] https/1: SSL handshake failure",
    ],
    reader,
};

fn reader(bytes: Bytes<'_>) -> Option<Reader> {
    Some(Arc::new(Haproxy {
        captures: Captures::learn(bytes, |line| {
            let line = Line::cut(line).ok()?;
            Some(line.detail?.captured)
        }),
    }))
}

/// What stands for the request where there was none.
const BAD_REQUEST: &[u8] = b"<BADREQ>";

/// How messages of HAProxy's own begin.
const OWN: [&[u8]; 4] = [b"Server ", b"backend ", b"Proxy ", b"Backup Server "];

struct Haproxy {
    captures: Captures,
}

impl ReadLine for Haproxy {
    fn read<'a>(&self, line: &'a [u8], _: u64, desk: &mut Desk<'a>) -> Result<Event<'a>, Unparsed> {
        let line = Line::cut(line)?;
        match line.detail {
            Some(detail) => Ok(Event::Access(self.access(&line, detail, desk))),
            None => Ok(Event::Error(failed(&line))),
        }
    }

    fn client(&self, line: &[u8]) -> Option<Client> {
        let end = line.iter().position(|byte| *byte == b' ')?;
        Some(Client::parse(address(&line[..end])?))
    }

    fn notes(&self) -> Vec<String> {
        self.captures.notes()
    }
}

impl Haproxy {
    fn access<'a>(&self, line: &Line<'a>, detail: Detail<'a>, desk: &Desk<'a>) -> Access<'a> {
        let mut access = Access {
            time: line.time,
            utc_offset: line.zone,
            client: Client::parse(line.client),
            client_text: line.client,
            vhost: detail.server_name,
            user: None,
            request: b"",
            method: b"",
            target: b"",
            protocol: b"",
            status: detail.status,
            bytes: detail.bytes,
            referer: None,
            user_agent: None,
            duration_us: detail.took_us,
            forwarded: None,
            extras: detail.middle,
        };
        if detail.request != BAD_REQUEST {
            access.request = hex_escapes::decode(detail.request, HAPROXY, |_| true, desk);
            (access.method, access.target, access.protocol) = request_line(access.request);
        }
        let mut searched: Option<ArenaVec<'a, u8>> = None;
        let mut search = |value: &[u8]| {
            let start = || {
                let mut text = desk.writer();
                text.extend_from_slice(detail.middle);
                text
            };
            quote(searched.get_or_insert_with(start), value);
        };
        for cookie in detail.cookies.iter().filter(|cookie| !cookie.is_empty()) {
            search(hex_escapes::decode(cookie, HAPROXY, |_| true, desk));
        }
        for (index, value) in captures(detail.captured).take(MAX_CAPTURES).enumerate() {
            if value.is_empty() || value == b"-" {
                continue;
            }
            let value = hex_escapes::decode(value, HAPROXY, |_| true, desk);
            match self.captures.at(index) {
                Capture::Host => access.vhost = Some(value),
                Capture::UserAgent => access.user_agent = Some(value),
                Capture::Referer => access.referer = Some(value),
                Capture::Forwarded => access.forwarded = Some(value),
                Capture::Other => search(value),
            }
        }
        access.extras = searched.map_or(detail.middle, ArenaVec::into_bump_slice);
        access
    }
}

/// A connection that came to nothing: `frontend/listener: SSL handshake failure`.
fn failed<'a>(line: &Line<'a>) -> ErrorRecord<'a> {
    ErrorRecord {
        time: line.time,
        utc_offset: line.zone,
        program: None,
        level: b"",
        client: Some(Client::parse(line.client)),
        message: line.rest,
        request: None,
        referer: None,
    }
}

/// Adds a value in quotes, as extras have it that are searched.
fn quote(text: &mut ArenaVec<'_, u8>, value: &[u8]) {
    if !text.is_empty() && !text.ends_with(b" ") {
        text.push(b' ');
    }
    text.push(b'"');
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text.push(b'"');
}

/// A line as far as its fields go.
struct Line<'a> {
    client: &'a [u8],
    time: Time,
    zone: Option<UtcOffset>,
    /// What follows the time.
    rest: &'a [u8],
    /// What it says of a connection that was served; `None` for one that failed.
    detail: Option<Detail<'a>>,
}

/// What became of a connection.
#[derive(Clone, Copy)]
struct Detail<'a> {
    took_us: Option<u64>,
    status: Option<u16>,
    bytes: Option<u64>,
    /// From the frontend to the queues.
    middle: &'a [u8],
    /// Captured cookies, as the client and the server sent them.
    cookies: [&'a [u8]; 2],
    /// The blocks in braces.
    captured: &'a [u8],
    request: &'a [u8],
    /// The name that the client asked for in TLS (`httpslog`).
    server_name: Option<&'a [u8]>,
}

impl<'a> Line<'a> {
    fn cut(line: &'a [u8]) -> Result<Line<'a>, Unparsed> {
        if OWN.iter().any(|start| line.starts_with(start)) {
            return Err(Unparsed::BadTime);
        }
        let open = memchr::memchr(b'[', line).ok_or(Unparsed::NotThisFormat)?;
        let client = line[..open].strip_suffix(b" ").and_then(address);
        let client = client.ok_or(Unparsed::NotThisFormat)?;
        let inner = &line[open + 1..];
        let close = memchr::memchr(b']', inner).ok_or(Unparsed::Truncated)?;
        let (time, zone) = accepted(&inner[..close]).ok_or(Unparsed::BadTime)?;
        let rest = match &inner[close + 1..] {
            [b' ', rest @ ..] => rest,
            [] => return Err(Unparsed::Truncated),
            _ => return Err(Unparsed::NotThisFormat),
        };
        let failure = failure(rest);
        let detail = match failure {
            Some(_) => None,
            None => Some(Detail::cut(rest)?),
        };
        Ok(Line {
            client,
            time,
            zone,
            rest: failure.unwrap_or(rest),
            detail,
        })
    }
}

/// The address before the port; `unix:1` for a client on a Unix socket.
fn address(field: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memrchr(b':', field)?;
    let (address, port) = (&field[..colon], &field[colon + 1..]);
    let fits = !address.is_empty() && !address.contains(&b' ') && number(port).is_some();
    fits.then_some(address)
}

/// `09/May/2026:14:26:03.120`, local (`%t`, `%tr`), or with a zone and without a fraction (`%T`, `%Tl`).
fn accepted(field: &[u8]) -> Option<(Time, Option<UtcOffset>)> {
    match time::parse_clf(field) {
        Some((time, zone)) => Some((time, Some(zone))),
        None => Some((time::parse_clf_local(field)?.at(UtcOffset::UTC), None)),
    }
}

/// What is said of a connection that failed: it follows `frontend/listener: `.
fn failure(rest: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b' ', rest)?.checked_sub(1)?;
    (rest[colon] == b':' && rest[..colon].contains(&b'/')).then(|| &rest[colon + 2..])
}

impl<'a> Detail<'a> {
    fn cut(rest: &'a [u8]) -> Result<Detail<'a>, Unparsed> {
        let mut at = rest;
        let frontend = token(&mut at)?;
        let server = token(&mut at)?;
        if frontend.is_empty() || !server.contains(&b'/') {
            return Err(Unparsed::NotThisFormat);
        }
        let timers = Timers::read(token(&mut at)?)?;
        let mut detail = Detail {
            took_us: timers.took_us,
            status: None,
            bytes: None,
            middle: rest,
            cookies: [b""; 2],
            captured: b"",
            request: b"",
            server_name: None,
        };
        if timers.count < HTTP_TIMERS {
            detail.bytes = Some(size(token(&mut at)?)?);
            return Ok(detail);
        }
        detail.status = status(token(&mut at)?)?;
        detail.bytes = Some(size(token(&mut at)?)?);
        detail.cut_tail(rest, at)
    }

    /// What follows the size. The request ends the line, or what was left of it by a syslog that cuts.
    fn cut_tail(mut self, rest: &'a [u8], tail: &'a [u8]) -> Result<Detail<'a>, Unparsed> {
        // No other field has a quote in it: HAProxy writes them as `#22`.
        let open = memchr::memchr(b'"', tail).ok_or(Unparsed::Truncated)?;
        let (before, request) = (&tail[..open], &tail[open + 1..]);
        let end = memchr::memchr(b'"', request).unwrap_or(request.len());
        self.request = &request[..end];
        let after = request.get(end + 1..).unwrap_or_default();
        self.server_name = server_name(after);
        let brace = memchr::memchr(b'{', before).unwrap_or(before.len());
        self.captured = &before[brace..];
        let middle = rest.len() - tail.len() + brace;
        self.middle = rest[..middle].trim_ascii_end();
        let mut fields = before[..brace].split(|byte| *byte == b' ');
        let mut cookie = || fields.next().filter(|cookie| cookie.contains(&b'='));
        self.cookies = [cookie().unwrap_or_default(), cookie().unwrap_or_default()];
        Ok(self)
    }
}

/// `0/0/0/0/0 shop.example/TLSv1.3/CIPHER`, behind the request of `httpslog`.
fn server_name(after: &[u8]) -> Option<&[u8]> {
    let tls = after.rsplit(|byte| *byte == b' ').next()?;
    let mut parts = tls.split(|byte| *byte == b'/');
    let (name, version) = (parts.next()?, parts.next()?);
    let given = !name.is_empty() && name != b"-";
    (given && version.starts_with(b"TLSv")).then_some(name)
}

/// `TR/Tw/Tc/Tr/Ta` of requests has five, `Tw/Tc/Tt` of connections three; before version 1.7 requests had five as
/// well (`Tq/Tw/Tc/Tr/Tt`).
const HTTP_TIMERS: usize = 5;

/// How long each part took, in milliseconds; -1 for what was not reached, `+` before what was logged too early
/// (`option logasap`).
struct Timers {
    count: usize,
    /// The last one, which is the whole.
    took_us: Option<u64>,
}

impl Timers {
    fn read(field: &[u8]) -> Result<Timers, Unparsed> {
        let mut timers = Timers {
            count: 0,
            took_us: None,
        };
        for part in field.split(|byte| *byte == b'/') {
            let digits = part.strip_prefix(b"+").unwrap_or(part);
            timers.took_us = match digits {
                b"-1" => None,
                _ => Some(
                    Unit::Milliseconds
                        .micros(digits)
                        .ok_or(Unparsed::NotThisFormat)?,
                ),
            };
            timers.count += 1;
        }
        match timers.count {
            3.. => Ok(timers),
            _ => Err(Unparsed::NotThisFormat),
        }
    }
}

/// The status, -1 or 0 if there was none.
fn status(field: &[u8]) -> Result<Option<u16>, Unparsed> {
    if matches!(field, b"-1" | b"0" | b"-") {
        return Ok(None);
    }
    let status = number(field).filter(|status| (100..1000).contains(status));
    Ok(Some(status.ok_or(Unparsed::BadNumber)? as u16))
}

fn size(field: &[u8]) -> Result<u64, Unparsed> {
    number(field.strip_prefix(b"+").unwrap_or(field)).ok_or(Unparsed::BadNumber)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::{read_alone, request_alone};
    use proptest::prelude::*;

    fn access(line: &str) -> Access<'_> {
        request_alone(&FORMAT, line.as_bytes())
            .unwrap_or_else(|reason| panic!("{reason:?}: {line}"))
    }

    #[test]
    fn every_field_is_cut() {
        let record = access(FORMAT.samples[1]);
        assert_eq!(record.time.to_rfc3339(), "2026-05-09T14:26:03.120000Z");
        assert_eq!(record.utc_offset, None);
        assert_eq!(record.client_text, b"2001:db8::7");
        assert_eq!(record.method, b"GET");
        assert_eq!(record.target, b"/a\"b?c=d");
        assert_eq!((record.status, record.bytes), (Some(200), Some(2750)));
        assert_eq!(record.duration_us, Some(109_000));
        assert_eq!(record.vhost, Some(&b"shop.example"[..]));
        assert_eq!(record.user_agent, Some(&b"Mozilla/5.0"[..]));
        assert_eq!(record.forwarded, Some(&b"203.0.113.9"[..]));
        let middle =
            "https~ web/app1 10/0/30/+69/+109 200 +2750 - - ---- 1/1/1/1/+1 0/0 \"text/html\"";
        assert_eq!(record.extras, middle.as_bytes());
    }

    #[test]
    fn refused_and_cut_requests_and_connections() {
        let refused = access(FORMAT.samples[0]);
        assert_eq!(
            (refused.status, refused.duration_us),
            (Some(503), Some(30_000_000))
        );
        let silent = access(FORMAT.samples[2]);
        assert_eq!((silent.request, silent.target), (&b""[..], &b""[..]));
        let tls = access(FORMAT.samples[3]);
        assert_eq!(tls.vhost, Some(&b"shop.example"[..]));
        let tcp = access(FORMAT.samples[4]);
        assert_eq!((tcp.status, tcp.bytes), (None, Some(212)));
        assert_eq!(tcp.duration_us, Some(5_007_000));
        let cut = &FORMAT.samples[0][..FORMAT.samples[0].len() - 12];
        assert_eq!(access(cut).target, b"/ca");
        let plain = "unix:1 [09/May/2026:14:26:03 +0200] a b/c 0/0/0/0/-1 -1 0 \"-\"";
        let plain = access(plain);
        assert_eq!((plain.status, plain.duration_us), (None, None));
        assert_eq!(plain.client_text, b"unix");
        assert_eq!(plain.utc_offset, Some(UtcOffset(7200)));
    }

    #[test]
    fn captured_cookies_and_unknown_headers_are_searched() {
        let line = r#"192.0.2.1:1 [09/May/2026:14:26:03.120] a b/c 0/0/0/1/1 200 5 id=#22' k=v ---- 1/1/0/0/0 0/0 {x y|\} "GET / HTTP/1.1""#;
        let record = access(line);
        let extras =
            r#"a b/c 0/0/0/1/1 200 5 id=#22' k=v ---- 1/1/0/0/0 0/0 "id=\"'" "k=v" "x y" "\\""#;
        assert_eq!(String::from_utf8_lossy(record.extras), extras);
    }

    #[test]
    fn a_failed_connection_is_an_error() {
        let Ok(Event::Error(record)) = read_alone(&FORMAT, FORMAT.samples[5].as_bytes()) else {
            panic!("an error");
        };
        assert_eq!(record.message, b"SSL handshake failure");
        assert_eq!(record.client, Some(Client::parse(b"203.0.113.7")));
    }

    #[test]
    fn what_is_missing_and_what_is_wrong_is_named() {
        use Unparsed::*;
        let start = "192.0.2.1:1 [09/May/2026:14:26:03.120]";
        for (line, reason) in [
            ("", NotThisFormat),
            (
                "Server web/app is DOWN, reason: Layer4 timeout, check duration: 1ms.",
                BadTime,
            ),
            (
                r#"192.0.2.1 - - [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 5"#,
                NotThisFormat,
            ),
            ("192.0.2.1:1 [09/May/2026", Truncated),
            ("192.0.2.1:1 [09/Mai/2026:14:26:03.120] a b/c", BadTime),
            (start, Truncated),
            (&format!("{start} a b/c 0/0/0/1/1 200"), Truncated),
            (
                &format!("{start} a b/c 0/0/0/1/1 200 5 - - ----"),
                Truncated,
            ),
            (&format!("{start} a b/c 0/0/x/1/1 200 5"), NotThisFormat),
            (&format!("{start} a b/c 0/0/0/1/1 abc 5"), BadNumber),
            (&format!("{start} a b/c 0/0/0/1/1 200 x"), BadNumber),
            (&format!("{start} a b 0/0/0/1/1 200 5"), NotThisFormat),
        ] {
            assert_eq!(read_alone(&FORMAT, line.as_bytes()), Err(reason), "{line}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(
            sample in 0..FORMAT.samples.len(),
            cut in any::<proptest::sample::Index>(),
            more in proptest::collection::vec(proptest::sample::select(&b"a0 /{}|\"#2:[]-+"[..]), 0..60),
        ) {
            let line = FORMAT.samples[sample].as_bytes();
            let line = [&line[..cut.index(line.len())], &more].concat();
            let Ok(Event::Access(record)) = read_alone(&FORMAT, &line) else { return Ok(()) };
            prop_assert!(line.starts_with(record.client_text));
        }
    }
}

//! HAProxy's `option httplog clf`: a combined line whose referer and user agent are always empty, then HAProxy's fields.
//!
//! `port milliseconds "frontend" "backend" "server" TR Tw Tc Tr Ta state ...` (configuration manual, 8.2.3). The time is
//! UTC; the milliseconds behind it belong to it. Escapes are taken back as in the other formats of HAProxy.

use crate::event::{Event, Unparsed};
use crate::format::combined::{combined, reader, request_line};
use crate::format::extras::columns;
use crate::format::haproxy_escapes::decoded;
use crate::format::record::number;
use crate::format::spec::{Desk, Format, LogKind};
use crate::time::{Time, Unit};

/// HAProxy's combined lines.
pub const FORMAT: Format = Format {
    name: "haproxy_clf",
    kind: LogKind::Access,
    mixed: false,
    title: "HAProxy log (httplog clf)",
    samples: &[
        r#"203.0.113.7 - - [09/May/2026:14:26:03 +0000] "GET /cart HTTP/1.1" 503 212 "" "" 51000 120 "fe" "bk" "<NOSRV>" 0 30000 -1 -1 30000 sQ-- 2000 1990 800 0 0 0 745 "" "" "#,
        r#"203.0.113.7 - - [09/May/2026:14:26:03 +0000] "<BADREQ>" 400 0 "" "" 54564 017 "fe" "fe" "<NOSRV>" -1 -1 -1 -1 0 CR-- 2 1 0 0 0 0 0 "" "" "#,
    ],
    reader: |_| reader(parse),
};

/// What stands for the request where there was none.
const BAD_REQUEST: &[u8] = b"<BADREQ>";

/// A second has so many milliseconds.
const MILLIS: u64 = 1_000;

fn parse<'a>(line: &'a [u8], desk: &mut Desk<'a>) -> Result<Event<'a>, Unparsed> {
    let mut access = combined(line, desk)?;
    if access.referer != Some(b"") || access.user_agent != Some(b"") {
        return Err(Unparsed::NotThisFormat);
    }
    let mut fields = columns(access.extras);
    let mut next = || fields.next().ok_or(Unparsed::Truncated);
    number(next()?).ok_or(Unparsed::NotThisFormat)?;
    let millis = number(next()?).filter(|millis| *millis < MILLIS);
    let millis = millis.ok_or(Unparsed::NotThisFormat)?;
    for _ in ["frontend", "backend", "server"] {
        if !next()?.starts_with(b"\"") {
            return Err(Unparsed::NotThisFormat);
        }
    }
    for _ in ["TR", "Tw", "Tc", "Tr"] {
        timer(next()?)?;
    }
    access.duration_us = timer(next()?)?;
    access.time = Time::from_micros(access.time.micros() + (millis * MILLIS) as i64);
    access.referer = None;
    access.user_agent = None;
    if access.request == BAD_REQUEST {
        access.request = b"";
        access.target = b"";
    } else {
        access.request = decoded(access.request, desk);
        (access.method, access.target, access.protocol) = request_line(access.request);
    }
    Ok(Event::Access(access))
}

/// Milliseconds, or -1 for what was not reached; `+` before what was logged too early.
fn timer(field: &[u8]) -> Result<Option<u64>, Unparsed> {
    match field.strip_prefix(b"+").unwrap_or(field) {
        b"-1" => Ok(None),
        digits => match Unit::Milliseconds.micros(digits) {
            None => Err(Unparsed::NotThisFormat),
            micros => Ok(micros),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::read_alone;
    use proptest::prelude::*;

    #[test]
    fn time_and_request_are_read() {
        let Ok(Event::Access(refused)) = read_alone(&FORMAT, FORMAT.samples[0].as_bytes()) else {
            panic!("a request");
        };
        assert_eq!(refused.time.to_rfc3339(), "2026-05-09T14:26:03.120000Z");
        assert_eq!(refused.duration_us, Some(30_000_000));
        assert_eq!((refused.target, refused.user_agent), (&b"/cart"[..], None));
        let Ok(Event::Access(bad)) = read_alone(&FORMAT, FORMAT.samples[1].as_bytes()) else {
            panic!("a request");
        };
        assert_eq!((bad.request, bad.target), (&b""[..], &b""[..]));
    }

    #[test]
    fn escapes_are_taken_back() {
        let line = FORMAT.samples[0].replace("/cart", "/a#22b?c=#22#23d#FF");
        let Ok(Event::Access(access)) = read_alone(&FORMAT, line.as_bytes()) else {
            panic!("a request");
        };
        assert_eq!(access.target, b"/a\"b?c=\"#d\xFF");
        assert_eq!(access.request, b"GET /a\"b?c=\"#d\xFF HTTP/1.1");
    }

    proptest! {
        #[test]
        fn a_line_cut_anywhere_never_panics(sample in 0..FORMAT.samples.len(), cut in any::<proptest::sample::Index>()) {
            let line = FORMAT.samples[sample].as_bytes();
            let _ = read_alone(&FORMAT, &line[..cut.index(line.len())]);
        }
    }
}

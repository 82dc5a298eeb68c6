//! The access log of IIS, and other servers' W3C extended logs whose columns are separated by blanks.
//!
//! IIS writes `+` for the blanks within a field, `time-taken` in milliseconds, and headers that an administrator added
//! (`X-Forwarded-For`) under their own names ("Configure logging in IIS"). The status is not that of HTTP alone: the
//! substatus and the system's error follow it in columns that are left out.

use std::sync::Arc;

use crate::bytes::Bytes;
use crate::format::record::Field;
use crate::format::spec::{Desk, Format, LogKind, Reader};
use crate::format::w3c::{Dialect, Table};
use crate::time::Unit;

/// IIS' default and whatever its administrator chose.
pub const FORMAT: Format = Format {
    name: "iis_w3c",
    kind: LogKind::Access,
    mixed: false,
    title: "IIS access log (W3C extended)",
    samples: &[
        "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-05-19 14:02:11\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n2026-05-19 14:02:11 10.0.0.9 GET /item id=1' 443 - 203.0.113.7 Mozilla/5.0+(X11) - 500 0 0 31\r\n",
        "2026-05-19 14:02:11 10.0.0.9 GET /item id=1' 443 SHOP\\ana 203.0.113.7 probe/1.0 - 500 0 0 31\n",
        "2026-05-19 14:02:11 10.0.0.9 GET / - 443 - 203.0.113.7 probe/1.0 200 0 0 31\n",
        "#Fields: date time c-ip cs-method cs-uri-stem sc-status X-Forwarded-For\n2026-05-19 14:02:11 10.0.0.2 GET / 200 203.0.113.7,+10.0.0.3\n#Date: 2026-05-19 14:02:12\n#Fields: time c-ip cs-uri-stem sc-status\n14:02:12 203.0.113.7 / 200\n",
    ],
    reader,
};

static DIALECT: Dialect = Dialect {
    defaults: &[
        "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
        "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken",
        "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-substatus sc-win32-status",
    ],
    accepts,
    separator: b' ',
    time_taken: Unit::Milliseconds,
    decode,
};

/// Requests have a status; CloudFront's files have tabs.
fn accepts(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    header.contains("sc-status") && !header.contains("x-edge-location")
}

/// Takes `+` for a blank back where IIS writes it so.
fn decode<'a>(field: Field, value: &'a [u8], desk: &Desk<'a>) -> &'a [u8] {
    let written = matches!(
        field,
        Field::UserAgent | Field::Referer | Field::Extra | Field::Forwarded
    );
    if !written || !value.contains(&b'+') {
        return value;
    }
    let mut text = desk.writer();
    text.extend_from_slice(value);
    for byte in text.iter_mut().filter(|byte| **byte == b'+') {
        *byte = b' ';
    }
    text.into_bump_slice()
}

fn reader(bytes: Bytes<'_>) -> Option<Reader> {
    Some(Arc::new(Table::learn(bytes, &DIALECT)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk;
    use crate::event::{Access, Event, Unparsed};
    use crate::format::spec::{Arena, forwarded_alone};
    use crate::time::UtcOffset;
    use proptest::prelude::*;

    fn all<'a>(log: &'a str, arena: &'a Arena) -> Vec<Result<Access<'a>, Unparsed>> {
        let reader = reader(log.as_bytes().into()).expect("such a log");
        let mut desk = Desk::new(arena);
        let mut read = |(at, line)| match reader.read(line, at as u64, &mut desk) {
            Ok(Event::Access(access)) => Ok(access),
            Ok(Event::Error(_)) => unreachable!("an access log"),
            Err(reason) => Err(reason),
        };
        chunk::lines(log.as_bytes()).map(&mut read).collect()
    }

    #[test]
    fn every_field_is_cut() {
        let arena = Arena::new();
        let lines = all(FORMAT.samples[0], &arena);
        assert_eq!(lines[..4], [const { Err(Unparsed::Header) }; 4]);
        let record = lines[4].unwrap();
        assert_eq!(record.time.to_rfc3339(), "2026-05-19T14:02:11Z");
        assert_eq!(record.utc_offset, Some(UtcOffset::UTC));
        assert_eq!(record.client_text, b"203.0.113.7");
        assert_eq!(record.request, b"GET /item?id=1'");
        assert_eq!(record.target, b"/item?id=1'");
        assert_eq!(record.user_agent, Some(&b"Mozilla/5.0 (X11)"[..]));
        assert_eq!((record.user, record.referer), (None, None));
        assert_eq!((record.status, record.bytes), (Some(500), None));
        assert_eq!(record.duration_us, Some(31_000));
    }

    #[test]
    fn a_header_holds_until_the_next() {
        let arena = Arena::new();
        let log = "#Date: 2026-05-19 14:00:00\n#Fields: time c-ip cs-uri-stem sc-status\n\
                   14:02:11 203.0.113.7 /a 200\n\
                   #Date: 2026-05-20 00:00:00\n#Fields: time sc-status cs-uri-stem c-ip x-unknown\n\
                   00:02:12 404 /b 203.0.113.8 x\n";
        let found: Vec<_> = all(log, &arena).into_iter().flatten().collect();
        let (first, second) = (found[0], found[1]);
        assert_eq!(first.time.to_rfc3339(), "2026-05-19T14:02:11Z");
        assert_eq!((first.target, first.status), (&b"/a"[..], Some(200)));
        assert_eq!(second.time.to_rfc3339(), "2026-05-20T00:02:12Z");
        assert_eq!((second.target, second.status), (&b"/b"[..], Some(404)));
        assert_eq!(second.client_text, b"203.0.113.8");
        let notes = reader(log.as_bytes().into()).unwrap().notes();
        assert!(notes[0].contains("2 headers"), "{notes:?}");
    }

    #[test]
    fn lines_before_the_first_header_are_read() {
        let arena = Arena::new();
        for log in [FORMAT.samples[1], FORMAT.samples[2]] {
            let record = all(log, &arena)[0].unwrap();
            assert_eq!(record.client_text, b"203.0.113.7");
            assert_eq!(record.duration_us, Some(31_000));
            assert_eq!(reader(log.as_bytes().into()).unwrap().notes().len(), 1);
        }
        let own = "2026-05-19 14:02:11 203.0.113.7 404 /x\n#Fields: date time c-ip sc-status cs-uri-stem\n\
                   2026-05-19 14:02:12 203.0.113.8 200 /y\n";
        let found: Vec<_> = all(own, &arena).into_iter().flatten().collect();
        assert_eq!((found[0].target, found[0].status), (&b"/x"[..], Some(404)));
        assert_eq!(found[1].target, b"/y");
    }

    #[test]
    fn forwarded_addresses_quotes_and_seconds() {
        let arena = Arena::new();
        let forwarded = all(FORMAT.samples[3], &arena)[1].unwrap();
        assert_eq!(forwarded.forwarded, Some(&b"203.0.113.7, 10.0.0.3"[..]));
        let log = "#Fields: date time c-ip cs-method cs-uri sc-status cs(User-Agent) cs(Cookie) time-taken\n\
                   2026-05-19 14:02:11 \"203.0.113.7\" GET \"/a b\" 200 \"say \"\"x\"\" twice\" k=v 0.25\n";
        let quoted = all(log, &arena)[1].unwrap();
        assert_eq!(quoted.target, b"/a b");
        assert_eq!(quoted.user_agent, Some(&b"say \"\"x\"\" twice"[..]));
        assert_eq!(quoted.duration_us, Some(250_000));
        assert_eq!(quoted.extras, b"\"k=v\"");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let arena = Arena::new();
        let header = "#Fields: date time c-ip sc-status cs-uri-stem\n";
        for (line, reason) in [
            ("2026-05-19 14:02:11 203.0.113.7", Unparsed::Truncated),
            (
                "2026-05-19 14:02:11 203.0.113.7 200 /a b",
                Unparsed::NotThisFormat,
            ),
            ("2026-15-19 14:02:11 203.0.113.7 200 /a", Unparsed::BadTime),
            ("2026-05-19 14:02:11 203.0.113.7 x /a", Unparsed::BadNumber),
        ] {
            let log = format!("{header}{line}\n");
            assert_eq!(all(log.leak(), &arena)[1], Err(reason), "{line}");
        }
        for log in [
            "",
            "#Fields: date time level message\n2026-05-19 14:02:11 info x\n",
            "a b c\n",
        ] {
            assert!(reader(log.as_bytes().into()).is_none(), "{log}");
        }
    }

    #[test]
    fn a_named_header_is_a_column_of_any_header_line() {
        let log = "#Fields: date time c-ip cs-uri-stem sc-status X-Forwarded-For\n\
                   2026-05-19 14:02:11 10.0.0.1 /a 200 192.0.2.1,+203.0.113.7\n\
                   #Fields: date time c-ip cs-uri-stem sc-status X-Forwarded-For cs(X-Real-IP) sc(X-Served-For)\n\
                   2026-05-19 14:02:12 10.0.0.1 /b 200 192.0.2.1 203.0.113.8 x\n";
        let lines: Vec<&str> = log.lines().collect();
        for (header, line, list) in [
            ("X-Forwarded-For", lines[1], Some("192.0.2.1, 203.0.113.7")),
            ("x_forwarded_for", lines[3], Some("192.0.2.1")),
            ("X-Real-IP", lines[3], Some("203.0.113.8")),
            // the column came later
            ("X-Real-IP", lines[1], None),
        ] {
            assert_eq!(
                forwarded_alone(&FORMAT, log, line, header),
                Some(("10.0.0.1".into(), list.map(str::to_string))),
                "{header}: {line}"
            );
        }
        for header in ["X-Served-For", "c-ip"] {
            assert_eq!(forwarded_alone(&FORMAT, log, lines[1], header), None);
        }
    }

    proptest! {
        #[test]
        fn never_panics(
            sample in 0..FORMAT.samples.len(),
            cut in any::<proptest::sample::Index>(),
            more in proptest::collection::vec(proptest::sample::select(&b"a0 /\"\n#:+-."[..]), 0..60),
        ) {
            let text = FORMAT.samples[sample].as_bytes();
            let text = [&text[..cut.index(text.len())], &more, b"\n#Fields: c-ip time sc-status\n", text].concat();
            let Some(reader) = reader((&text).into()) else { return Ok(()) };
            let arena = Arena::new();
            let mut desk = Desk::new(&arena);
            for (at, line) in chunk::lines(&text) {
                let _ = reader.read(line, at as u64, &mut desk);
            }
        }
    }
}

//! Error logs of Apache httpd 2.4 and 2.2.
//!
//! 2.4 (`ErrorLogFormat`'s default, server/core.c and server/log.c):
//! `[time] [module:level] [pid N:tid N] (errno)text: [client IP:port] AHnnnnn: text, referer: URL`,
//! where all but time, level and text may be missing. 2.2: `[time] [level] [client IP] text`.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::chunk::MAX_LINE;
use crate::client::Client;
use crate::event::{ErrorRecord, Event, Unparsed};
use crate::format::record::cut_bracket;
use crate::format::spec::{Fixed, Format, LogKind};
use crate::time::{self, LocalTime, UtcOffset};

/// Apache 2.4.
pub const APACHE_ERROR: Format = Format {
    name: "apache_error",
    kind: LogKind::Error,
    mixed: false,
    title: "Apache 2.4 error log",
    samples: &[
        "[Tue May 19 14:25:58.123456 2026] [mpm_event:error] [pid 811:tid 140] AH00484: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting",
        "[Tue May 19 14:25:58.123456 2026] [core:notice] [pid 811] AH00094: Command line: '/usr/sbin/apache2'",
        "[Tue May 19 14:25:58.123456 2026] [php:error] [pid 812:tid 812] [client 203.0.113.7:51000] PHP Fatal error:  Maximum execution time of 30 seconds exceeded, referer: https://shop.example/",
        "[Tue May 19 14:25:58.123456 2026] [proxy:error] [pid 9:tid 1] (111)Connection refused: AH00957: HTTP: attempt to connect to 10.0.0.5:8080 (10.0.0.5:8080) failed",
        "[Tue May  9 14:25:58.123456 2026] [:error] [pid 812] [client 2001:db8::7:51000] script '/srv/a.php' not found or unable to stat",
    ],
    reader: |_| Fixed::reader(|line, _| parse(line, Version::V24)),
};

/// Apache 2.2.
pub const APACHE22_ERROR: Format = Format {
    name: "apache22_error",
    kind: LogKind::Error,
    mixed: false,
    title: "Apache 2.2 error log",
    samples: &[
        "[Tue May 19 14:25:58 2026] [error] server reached MaxClients setting, consider raising the MaxClients setting",
        "[Tue May  9 14:25:58 2026] [error] [client 203.0.113.7] File does not exist: /srv/favicon.ico, referer: https://shop.example/",
    ],
    reader: |_| Fixed::reader(|line, _| parse(line, Version::V22)),
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V24,
    V22,
}

const REFERER: &[u8] = b", referer: ";
static REFERER_FINDER: LazyLock<memchr::memmem::FinderRev<'static>> =
    LazyLock::new(|| memchr::memmem::FinderRev::new(REFERER));
static CLIENT_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b": [client "));

/// How far into a message the system's error text may reach: `(N)` and the longest texts of
/// strerror(3) in use stay well below.
const OS_ERROR_MAX: usize = 128;

fn parse(line: &[u8], version: Version) -> Result<Event<'_>, Unparsed> {
    if line.len() > MAX_LINE {
        return Err(Unparsed::TooLong);
    }
    let (time, rest) = cut_time(line)?;
    let (level, rest) = cut_level(rest, version)?;
    let Body { client, message } = Body::cut(rest, version);
    let (message, referer) = cut_referer(message);
    Ok(Event::Error(ErrorRecord {
        time: time.at(UtcOffset::UTC),
        utc_offset: None,
        program: None,
        level,
        client,
        message,
        request: None,
        referer,
    }))
}

fn cut_time(line: &[u8]) -> Result<(LocalTime, &[u8]), Unparsed> {
    let (field, rest) = match cut_bracket(line) {
        Some(cut) => cut,
        None if starts_like_time(line) => return Err(Unparsed::Truncated),
        None => return Err(Unparsed::NotThisFormat),
    };
    match time::parse_apache_error(field) {
        Some(time) => Ok((time, rest)),
        None if starts_like_time(line) => Err(Unparsed::BadTime),
        None => Err(Unparsed::NotThisFormat),
    }
}

/// `[Tue May `: a weekday and a month, whatever follows.
fn starts_like_time(line: &[u8]) -> bool {
    matches!(
        line,
        [b'[', a, b, c, b' ', d, e, f, b' ', ..]
            if [a, b, c, d, e, f].iter().all(|byte| byte.is_ascii_alphabetic())
    )
}

/// Version 2.4 writes `[module:level]` (the module may be empty), 2.2 `[level]`.
fn cut_level(rest: &[u8], version: Version) -> Result<(&[u8], &[u8]), Unparsed> {
    let (field, rest) = cut_bracket(rest).ok_or(Unparsed::Truncated)?;
    let level = match (memchr::memchr(b':', field), version) {
        (Some(colon), Version::V24) => &field[colon + 1..],
        (None, Version::V22) => field,
        _ => return Err(Unparsed::NotThisFormat),
    };
    let is_level = !level.is_empty() && level.iter().all(u8::is_ascii_alphanumeric);
    is_level
        .then_some((level, rest))
        .ok_or(Unparsed::NotThisFormat)
}

/// What the level is followed by.
struct Body<'a> {
    client: Option<Client>,
    message: &'a [u8],
}

impl<'a> Body<'a> {
    fn cut(mut rest: &'a [u8], version: Version) -> Body<'a> {
        if rest.starts_with(b"[pid ")
            && let Some((_, after)) = cut_bracket(rest)
        {
            rest = after;
        }
        // The backend of a proxied request: no client, and no part of the message.
        if rest.starts_with(b"[remote ")
            && let Some((_, after)) = cut_bracket(rest)
        {
            rest = after;
        }
        if let Some((field, message)) = cut_client(rest) {
            return Body {
                client: Some(read_client(field, version)),
                message,
            };
        }
        Body {
            client: client_after_os_error(rest).map(|field| read_client(field, version)),
            message: rest,
        }
    }
}

fn cut_client(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (field, after) = cut_bracket(rest)?;
    Some((field.strip_prefix(b"client ")?, after))
}

/// The client that stands behind `(111)Connection refused: `. The message keeps both: the system's
/// error is often the cause.
fn client_after_os_error(rest: &[u8]) -> Option<&[u8]> {
    let digits = rest.strip_prefix(b"(")?;
    if !digits.first()?.is_ascii_digit() {
        return None;
    }
    let reach = &rest[..rest.len().min(OS_ERROR_MAX)];
    let at = CLIENT_FINDER.find(reach)?;
    cut_client(&rest[at + b": ".len()..]).map(|(field, _)| field)
}

/// Version 2.4 appends the port, also to IPv6 addresses and without brackets around them; and so it does where its
/// `ErrorLogFormat` is told to look like 2.2 (`[client\ %a]`).
fn read_client(field: &[u8], version: Version) -> Client {
    let client = Client::parse(field);
    if version == Version::V22 && !client.is_name() {
        return client;
    }
    let port = memchr::memrchr(b':', field).filter(|&colon| {
        let port = &field[colon + 1..];
        !port.is_empty() && port.iter().all(u8::is_ascii_digit)
    });
    Client::parse(port.map_or(field, |colon| &field[..colon]))
}

/// Cuts `, referer: URL` off the end: its last occurrence, so that nothing of a message is lost
/// to a text inside it.
fn cut_referer(message: &[u8]) -> (&[u8], Option<&[u8]>) {
    match REFERER_FINDER.rfind(message) {
        Some(at) => (&message[..at], Some(&message[at + REFERER.len()..])),
        None => (message, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::read_alone;
    use proptest::prelude::*;

    fn read<'a>(format: &Format, line: &'a [u8]) -> Result<ErrorRecord<'a>, Unparsed> {
        read_alone(format, line).map(|event| match event {
            Event::Error(record) => record,
            Event::Access(_) => unreachable!("an error format gives error records"),
        })
    }

    fn apache24(rest: &str) -> (String, Option<Client>, String, Option<String>) {
        let line = format!("[Tue May 19 14:25:58.123456 2026] {rest}");
        let record = read(&APACHE_ERROR, line.as_bytes()).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            text(record.level),
            record.client,
            text(record.message),
            record.referer.map(text),
        )
    }

    #[test]
    fn parts_of_a_line() {
        let address = |text: &str| Some(Client::parse(text.as_bytes()));
        let cases = [
            (
                "[core:notice] [pid 1] AH00094: x",
                "notice",
                None,
                "AH00094: x",
                None,
            ),
            (
                "[a:error] [pid 1:tid 2] [client 192.0.2.1:80] x, referer: y",
                "error",
                address("192.0.2.1"),
                "x",
                Some("y"),
            ),
            (
                "[a:error] [pid 1:tid 2] [client 2001:db8::1:51234] x",
                "error",
                address("2001:db8::1"),
                "x",
                None,
            ),
            (
                "[a:warn] [pid 1:tid 2] [client ::1:51234] x",
                "warn",
                address("::1"),
                "x",
                None,
            ),
            (
                "[a:error] [pid 1] [remote 10.0.0.5:80] AH01102: x",
                "error",
                None,
                "AH01102: x",
                None,
            ),
            (
                "[a:error] [pid 1] (28)No space left on device: AH00646: x",
                "error",
                None,
                "(28)No space left on device: AH00646: x",
                None,
            ),
            (
                "[a:error] [pid 1] (70007)The timeout specified has expired: [client 192.0.2.1:80] AH01075: x",
                "error",
                address("192.0.2.1"),
                "(70007)The timeout specified has expired: [client 192.0.2.1:80] AH01075: x",
                None,
            ),
            (
                "[a:error] [pid 1] [client 192.0.2.1:80] [client 192.0.2.9:1] x, referer: a, referer: b",
                "error",
                address("192.0.2.1"),
                "[client 192.0.2.9:1] x, referer: a",
                Some("b"),
            ),
            (
                "[a:error] [pid 1] text (1): [client 192.0.2.1:80] x",
                "error",
                None,
                "text (1): [client 192.0.2.1:80] x",
                None,
            ),
            ("[a:trace8] [pid 1] ", "trace8", None, "", None),
        ];
        for (rest, level, client, message, referer) in cases {
            let expected = (
                level.to_string(),
                client,
                message.to_string(),
                referer.map(str::to_string),
            );
            assert_eq!(apache24(rest), expected, "{rest}");
        }
    }

    #[test]
    fn version_2_4_that_writes_like_2_2_has_a_port_to_cut() {
        for (field, client) in [
            ("192.0.2.1:52643", "192.0.2.1"),
            ("2001:db8::1:38585", "2001:db8::1"),
            ("::1:38585", "::1"),
            ("host.example:80", "host.example"),
        ] {
            let line = format!("[Tue May  9 14:25:58 2026] [error] [client {field}] x");
            let record = read(&APACHE22_ERROR, line.as_bytes()).unwrap();
            assert_eq!(record.client, Some(Client::parse(client.as_bytes())));
        }
    }

    #[test]
    fn version_2_2_has_no_port_to_cut() {
        let line =
            b"[Tue May  9 14:25:58 2026] [error] [client 2001:db8::1] File does not exist: /x";
        let record = read(&APACHE22_ERROR, line).unwrap();
        assert_eq!(record.client, Some(Client::parse(b"2001:db8::1")));
        assert_eq!(record.message, b"File does not exist: /x");
    }

    #[test]
    fn reasons() {
        use Unparsed::*;
        for (line, reason) in [
            ("", NotThisFormat),
            ("Stack trace:", NotThisFormat),
            ("[19-May-2026 14:25:58] WARNING: x", NotThisFormat),
            ("[Tue May 19 14:2", Truncated),
            ("[Tue May 39 14:25:58.123456 2026] [core:notice] x", BadTime),
            ("[Tue May 19 14:25:58.123456 2026]", Truncated),
            ("[Tue May 19 14:25:58.123456 2026] [core:not", Truncated),
            (
                "[Tue May 19 14:25:58.123456 2026] [notice] x",
                NotThisFormat,
            ),
        ] {
            assert_eq!(read(&APACHE_ERROR, line.as_bytes()), Err(reason), "{line}");
        }
        let long = vec![b'['; MAX_LINE + 1];
        assert_eq!(read(&APACHE_ERROR, &long), Err(TooLong));
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            Just(b"[Tue May 19 14:25:58.123456 2026] ".to_vec()),
            Just(b"[Tue May 19 14:25:58 2026] ".to_vec()),
            Just(b"[core:error] ".to_vec()),
            Just(b"[error] ".to_vec()),
            Just(b"[pid 1:tid 2] ".to_vec()),
            Just(b"(5)x: ".to_vec()),
            Just(b"[client 192.0.2.1:80] ".to_vec()),
            Just(b", referer: ".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #[test]
        fn never_panics_and_fields_are_parts_of_the_line(
            pieces in proptest::collection::vec(piece(), 0..10),
        ) {
            let line = pieces.concat();
            let range = line.as_ptr_range();
            for format in [&APACHE_ERROR, &APACHE22_ERROR] {
                let Ok(record) = read(format, &line) else { continue };
                for field in [Some(record.level), Some(record.message), record.referer].into_iter().flatten() {
                    let part = field.as_ptr_range();
                    prop_assert!(field.is_empty() || (range.start <= part.start && part.end <= range.end));
                }
            }
        }
    }
}

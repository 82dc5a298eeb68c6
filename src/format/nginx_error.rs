//! Error logs of nginx.
//!
//! `2026/05/19 14:26:03 [error] PID#TID: *CONN text, client: IP, server: NAME, request: "...",
//! subrequest: "...", upstream: "...", host: "...", referrer: "..."`: the order of the context is
//! fixed and each part may be missing (ngx_http_log_error and ngx_http_log_error_handler). Nothing
//! in it is escaped, so text and context can both hold what looks like context.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::chunk::MAX_LINE;
use crate::client::Client;
use crate::event::{ErrorRecord, Event, Unparsed};
use crate::format::spec::{Desk, Fixed, Format, LogKind};
use crate::time::UtcOffset;

/// The only format nginx writes errors in.
pub const FORMAT: Format = Format {
    name: "nginx_error",
    kind: LogKind::Error,
    mixed: false,
    title: "nginx error log",
    samples: &[
        r#"2026/05/19 14:26:03 [error] 811#811: *42 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 203.0.113.7, server: shop.example, request: "GET /cart HTTP/1.1", upstream: "fastcgi://unix:/run/php.sock", host: "shop.example", referrer: "https://shop.example/""#,
        "2026/05/19 14:26:03 [alert] 811#811: 1024 worker_connections are not enough",
        "2026/05/19 14:26:03 [notice] 811#811: signal 1 (SIGHUP) received from 1, reconfiguring",
        "2026/05/19 14:26:03 [info] 811#0: *7 client timed out (110: Connection timed out) while waiting for request, client: 2001:db8::7, server: 0.0.0.0:443",
    ],
    reader: |_| Fixed::reader(parse),
};

/// `2026/05/19 14:26:03`.
const TIME_LEN: usize = 19;

const CLIENT: &[u8] = b", client: ";
static CLIENT_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(CLIENT));

/// How many places that look like the beginning of the context are tried; more than one means that
/// somebody forged them, and the limit keeps a hostile line from costing quadratic time.
const MAX_CANDIDATES: usize = 8;

fn parse<'a>(line: &'a [u8], desk: &mut Desk<'a>) -> Result<Event<'a>, Unparsed> {
    if line.len() > MAX_LINE {
        return Err(Unparsed::TooLong);
    }
    if !starts_like_date(line) {
        return Err(Unparsed::NotThisFormat);
    }
    let field = line.get(..TIME_LEN).ok_or(Unparsed::Truncated)?;
    let time = desk.times.nginx_error(field).ok_or(Unparsed::BadTime)?;
    let (level, rest) = cut_level(&line[TIME_LEN..])?;
    let text = cut_connection(rest)?;
    let context = Context::find(text);
    Ok(Event::Error(ErrorRecord {
        time: time.at(UtcOffset::UTC),
        utc_offset: None,
        program: None,
        level,
        client: context.client.map(Client::parse),
        message: context.message,
        request: context.request,
        referer: context.referrer,
    }))
}

/// `2026/0`: enough to tell a date from the lines of a stack trace.
fn starts_like_date(line: &[u8]) -> bool {
    matches!(line, [a, b, c, d, b'/', e, ..]
        if [a, b, c, d, e].iter().all(|byte| byte.is_ascii_digit()))
}

fn cut_level(rest: &[u8]) -> Result<(&[u8], &[u8]), Unparsed> {
    let Some(inner) = rest.strip_prefix(b" [") else {
        return Err(match rest.len() < 2 {
            true => Unparsed::Truncated,
            false => Unparsed::NotThisFormat,
        });
    };
    let end = memchr::memchr(b']', inner).ok_or(Unparsed::Truncated)?;
    let level = &inner[..end];
    let is_level = !level.is_empty() && level.iter().all(u8::is_ascii_lowercase);
    is_level
        .then_some((level, &inner[end + 1..]))
        .ok_or(Unparsed::NotThisFormat)
}

/// Cuts ` PID#TID: ` and, where the message is about a connection, `*CONN `.
fn cut_connection(rest: &[u8]) -> Result<&[u8], Unparsed> {
    let ids = rest.strip_prefix(b" ").ok_or(Unparsed::Truncated)?;
    let end = ids
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b'#')
        .ok_or(Unparsed::Truncated)?;
    if !ids[..end].contains(&b'#') {
        return Err(Unparsed::NotThisFormat);
    }
    let text = ids[end..]
        .strip_prefix(b": ")
        .ok_or(Unparsed::NotThisFormat)?;
    let Some(number) = text.strip_prefix(b"*") else {
        return Ok(text);
    };
    let digits = number
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let after = &number[digits..];
    Ok(if digits == 0 {
        text
    } else {
        after.strip_prefix(b" ").unwrap_or(after)
    })
}

/// A message and the context that nginx adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Context<'a> {
    message: &'a [u8],
    client: Option<&'a [u8]>,
    request: Option<&'a [u8]>,
    referrer: Option<&'a [u8]>,
    /// True when a field other than the referrer holds what looks like another context.
    forged: bool,
}

impl<'a> Context<'a> {
    /// Finds where the message ends and its context begins.
    ///
    /// Of the places that could be it, the first wins before which every quote is closed (a path
    /// in quotes can hold anything), and whose context holds no second one outside the referrer
    /// (the last field, where an attacker can write anything). Failing both, closed quotes count
    /// for more. Who forges a closing quote and a full context in a path can still mislead.
    fn find(text: &'a [u8]) -> Context<'a> {
        let mut best = Context {
            message: text,
            client: None,
            request: None,
            referrer: None,
            forged: false,
        };
        let mut best_rank = 0;
        for at in CLIENT_FINDER.find_iter(text).take(MAX_CANDIDATES) {
            let Some(context) = Context::read(text, at) else {
                continue;
            };
            let closed = quotes_are_closed(context.message);
            let rank = match (closed, context.forged) {
                (true, false) => return context,
                (true, true) => 3,
                (false, false) => 2,
                (false, true) => 1,
            };
            if rank > best_rank {
                (best, best_rank) = (context, rank);
            }
        }
        best
    }

    /// Reads the context that begins at `at`; `None` when it is none.
    fn read(text: &'a [u8], at: usize) -> Option<Context<'a>> {
        let rest = &text[at + CLIENT.len()..];
        let (client, mut rest) = rest.split_at(memchr::memchr(b',', rest).unwrap_or(rest.len()));
        if !is_client(client) {
            return None;
        }
        if let Some(after) = rest.strip_prefix(b", server: ") {
            let (server, after) =
                after.split_at(memchr::memchr(b',', after).unwrap_or(after.len()));
            if server.iter().any(|byte| matches!(byte, b'"' | b' ')) {
                return None;
            }
            rest = after;
        }
        let mut context = Context {
            message: &text[..at],
            client: Some(client),
            request: None,
            referrer: None,
            forged: false,
        };
        for (index, key) in KEYS.iter().enumerate() {
            let Some(value) = rest.strip_prefix(*key) else {
                continue;
            };
            let (value, after) = cut_value(value, &KEYS[index + 1..]);
            match index {
                REQUEST => context.request = Some(value),
                REFERRER => context.referrer = Some(value),
                _ => {}
            }
            context.forged |= index != REFERRER && CLIENT_FINDER.find(value).is_some();
            rest = after;
        }
        rest.is_empty().then_some(context)
    }
}

/// The client that the last line of a message of several lines names: what a program wrote to its standard error
/// keeps its line ends, and the context follows behind it.
pub fn client_of_tail(line: &[u8]) -> Option<Client> {
    Context::find(line).client.map(Client::parse)
}

/// The quoted context fields, in their order.
const KEYS: [&[u8]; 5] = [
    b", request: \"",
    b", subrequest: \"",
    b", upstream: \"",
    b", host: \"",
    b", referrer: \"",
];
const REQUEST: usize = 0;
const REFERRER: usize = 4;

/// A value ends at the first quote that the line's end or a later field follows; a line that nginx
/// cut at its limit of 2048 bytes (NGX_MAX_ERROR_STR) ends inside a value.
fn cut_value<'a>(value: &'a [u8], later: &[&[u8]]) -> (&'a [u8], &'a [u8]) {
    for quote in memchr::memchr_iter(b'"', value) {
        let after = &value[quote + 1..];
        if after.is_empty() || later.iter().any(|key| after.starts_with(key)) {
            return (&value[..quote], after);
        }
    }
    (value, b"")
}

/// An address, or a Unix socket.
fn is_client(field: &[u8]) -> bool {
    !Client::parse(field).is_name() || field.starts_with(b"unix:")
}

/// What a FastCGI program wrote is quoted without regard to quotes in it, and does not count.
fn quotes_are_closed(text: &[u8]) -> bool {
    text.starts_with(b"FastCGI sent in stderr")
        || memchr::memchr_iter(b'"', text).count().is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::read_alone;
    use proptest::prelude::*;

    fn read(line: &[u8]) -> Result<ErrorRecord<'_>, Unparsed> {
        read_alone(&FORMAT, line).map(|event| match event {
            Event::Error(record) => record,
            Event::Access(_) => unreachable!("an error format gives error records"),
        })
    }

    /// Message, client, request and referrer of a text.
    fn cut(text: &str) -> [String; 4] {
        let line = format!("2026/05/19 14:26:03 [error] 811#812: *42 {text}");
        let record = read(line.as_bytes()).unwrap();
        let show = |field: Option<&[u8]>| {
            field.map_or("none".to_string(), |field| {
                String::from_utf8(field.to_vec()).unwrap()
            })
        };
        [
            show(Some(record.message)),
            record
                .client
                .map_or("none".to_string(), |client| format!("{client:?}")),
            show(record.request),
            show(record.referer),
        ]
    }

    #[test]
    fn context_is_cut_off() {
        let cases = [
            ("x", ["x", "none", "none", "none"]),
            ("x, client: 192.0.2.1", ["x", "192.0.2.1", "none", "none"]),
            (
                "x, client: 192.0.2.1, server: 0.0.0.0:80",
                ["x", "192.0.2.1", "none", "none"],
            ),
            (
                r#"x, client: 192.0.2.1, server: , request: "GET / HTTP/1.1", host: "a""#,
                ["x", "192.0.2.1", "GET / HTTP/1.1", "none"],
            ),
            (
                r#"x, client: 2001:db8::1, server: a, request: "GET /"b" HTTP/1.1", upstream: "u", host: "h", referrer: "r""#,
                ["x", "2001:db8::1", r#"GET /"b" HTTP/1.1"#, "r"],
            ),
            (
                r#"limiting requests, excess: 5.1 by zone "z", client: 192.0.2.1, server: a, request: "GET / HTTP/1.1", subrequest: "/auth""#,
                [
                    r#"limiting requests, excess: 5.1 by zone "z""#,
                    "192.0.2.1",
                    "GET / HTTP/1.1",
                    "none",
                ],
            ),
            (
                r#"x, client: unix:, server: a, request: "GET / HT"#,
                ["x", "name", "GET / HT", "none"],
            ),
            (
                r#"PHP: near '6" rod', client: 192.0.2.1, server: a, request: "GET / HTTP/1.1""#,
                [
                    r#"PHP: near '6" rod'"#,
                    "192.0.2.1",
                    "GET / HTTP/1.1",
                    "none",
                ],
            ),
            (
                "x, client: nobody",
                ["x, client: nobody", "none", "none", "none"],
            ),
        ];
        for (text, expected) in cases {
            let mut found = cut(text);
            if found[1].starts_with("name:") {
                found[1] = "name".to_string();
            }
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn forged_context_accuses_nobody() {
        let real = r#", client: 192.0.2.1, server: a, request: "GET /x HTTP/1.1", host: "a""#;
        let forged = r#", client: 198.51.100.9, server: a, request: "GET /f HTTP/1.1""#;
        let in_path =
            format!(r#"open() "/srv/x{forged}" failed (2: No such file or directory){real}"#);
        let half_in_path = format!(
            r#"open() "/srv/x, client: 198.51.100.9, server: a" failed (2: No such file or directory){real}"#
        );
        let in_referrer = format!(r#"x{real}, referrer: "y{forged}, host: "a"""#);
        let in_request = format!(
            r#"x, client: 192.0.2.1, server: a, request: "GET /{forged} HTTP/1.1", host: "a""#
        );
        let after_php = in_referrer.replace(
            "x,",
            r#"FastCGI sent in stderr: "PHP: 6" rod'" while reading,"#,
        );
        for text in [in_path, half_in_path, in_referrer, in_request, after_php] {
            assert_eq!(cut(&text)[1], "192.0.2.1", "{text}");
        }
    }

    #[test]
    fn prefix_and_reasons() {
        use Unparsed::*;
        let master = read(b"2026/05/19 14:26:03 [notice] 1#1: start worker processes").unwrap();
        assert_eq!(master.level, b"notice");
        assert_eq!(master.message, b"start worker processes");
        let star = read(b"2026/05/19 14:26:03 [notice] 1#1: *x").unwrap();
        assert_eq!(star.message, b"*x");
        for (line, reason) in [
            ("", NotThisFormat),
            ("Stack trace:", NotThisFormat),
            ("#0 /srv/db.php(26): PDO->query()", NotThisFormat),
            ("2026/05/19 14:2", Truncated),
            ("2026/13/19 14:26:03 [error] 1#1: x", BadTime),
            ("2026/05/19 14:26:03", Truncated),
            ("2026/05/19 14:26:03 [err", Truncated),
            ("2026/05/19 14:26:03 x", NotThisFormat),
            ("2026/05/19 14:26:03 [error] 12#", Truncated),
            ("2026/05/19 14:26:03 [error] 12: x", NotThisFormat),
        ] {
            assert_eq!(read(line.as_bytes()), Err(reason), "{line}");
        }
        assert_eq!(read(&vec![b'2'; MAX_LINE + 1]), Err(TooLong));
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            Just(b"2026/05/19 14:26:03 [error] 1#1: ".to_vec()),
            Just(b"*42 ".to_vec()),
            Just(b", client: 192.0.2.1".to_vec()),
            Just(b", server: a".to_vec()),
            Just(b", request: \"GET / HTTP/1.1\"".to_vec()),
            Just(b", upstream: \"".to_vec()),
            Just(b", referrer: \"".to_vec()),
            Just(b"\"".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #[test]
        fn never_panics_and_fields_are_parts_of_the_line(
            pieces in proptest::collection::vec(piece(), 0..10),
        ) {
            let line = [b"2026/05/19 14:26:03 [error] 1#1: ".to_vec(), pieces.concat()].concat();
            for line in [&line[..], &line[33..]] {
                let range = line.as_ptr_range();
                let Ok(record) = read(line) else { continue };
                let fields = [Some(record.level), Some(record.message), record.request, record.referer];
                for field in fields.into_iter().flatten() {
                    let part = field.as_ptr_range();
                    prop_assert!(field.is_empty() || (range.start <= part.start && part.end <= range.end));
                }
            }
        }
    }
}

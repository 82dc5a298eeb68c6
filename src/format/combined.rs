//! Access logs in the line format that Apache and nginx share: common, combined, vhost_combined.
//!
//! Fields are cut, never decoded: `\"`, `\xHH` and percent signs arrive as logged. The time is what
//! anchors a line, because users may contain spaces, brackets and (in Apache) quotes.

use crate::chunk::MAX_LINE;
use crate::client::Client;
use crate::event::{Access, Event, Unparsed};
use crate::time::{self, Time, UtcOffset};
use std::ops::Range;
use std::sync::Arc;

use crate::format::spec::{Desk, Fixed, Format, Glance, LogKind, Reader, TimeCache};

/// Apache's `common`: without referer and user agent.
pub const COMMON: Format = Format {
    name: "common",
    kind: LogKind::Access,
    mixed: false,
    title: "NCSA common log format (Apache, many others)",
    samples: &[
        r#"203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET /item?id=1 HTTP/1.1" 200 512"#,
        r#"host.example - ana [19/May/2026:14:02:11 +0000] "-" 408 -"#,
        r#"2001:db8::7 - - [19/May/2026:14:02:11 +0200] "GET /slow HTTP/1.1" 200 512 1532"#,
    ],
    reader: |_| glancing(|line, desk| parse(line, desk, Layout::Common)),
};

/// Apache's `combined` and nginx's default; extras may follow.
pub const COMBINED: Format = Format {
    name: "combined",
    kind: LogKind::Access,
    mixed: false,
    title: "combined log format (nginx default, Apache)",
    samples: &[
        r#"203.0.113.7 - ana [19/May/2026:14:02:11 +0000] "GET /item?id=1%27 HTTP/1.1" 500 71 "-" "probe/1.0""#,
        r#"2001:db8::7 - - [19/May/2026:14:02:11 -0400] "GET / HTTP/2.0" 200 0 "https://shop.example/" "x" "203.0.113.9, 10.0.0.2" 0.412 0.409"#,
        r#"203.0.113.7 - - [19/May/2026:14:02:11 +0000] "\x16\x03\x01\x00\xA5" 400 157 "-" "-""#,
        r#"203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET /?q=\"a b\" HTTP/1.1" 200 9 "-" "say \"x\"""#,
    ],
    reader: |_| glancing(|line, desk| parse(line, desk, Layout::Combined)),
};

/// Debian's `vhost_combined`: the virtual host and its port come first.
pub const VHOST_COMBINED: Format = Format {
    name: "vhost_combined",
    kind: LogKind::Access,
    mixed: false,
    title: "combined log format with the virtual host first (Debian's Apache)",
    samples: &[
        r#"shop.example:443 203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET / HTTP/2.0" 200 99 "-" "x""#,
        r#"shop.example:443 client.example - - [19/May/2026:14:02:11 +0000] "GET / HTTP/2.0" 200 99 "-" "x""#,
        r#"[2001:db8::1]:80 2001:db8::7 - a b [19/May/2026:14:02:11 +0000] "-" 408 0 "-" "-" 1532"#,
        r#"shop.example 203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET / HTTP/2.0" 200 99 "-" "x""#,
        r#"shop.example: unix: - - [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 6 "-" "probe/1.0""#,
    ],
    reader: |_| Fixed::reader(|line, desk| parse(line, desk, Layout::VhostCombined)),
};

/// A reader for a layout in which the client stands first.
pub fn reader(
    read: for<'a> fn(&'a [u8], &mut Desk<'a>) -> Result<Event<'a>, Unparsed>,
) -> Option<Reader> {
    Some(Arc::new(Fixed {
        read,
        client: first_token,
        glance: |_, _| None,
    }))
}

/// The same for one that takes time, client, method and path from where they stand in the combined format.
pub fn glancing(
    read: for<'a> fn(&'a [u8], &mut Desk<'a>) -> Result<Event<'a>, Unparsed>,
) -> Option<Reader> {
    Some(Arc::new(Fixed {
        read,
        client: first_token,
        glance,
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    Common,
    Combined,
    VhostCombined,
}

/// `19/May/2026:14:02:11 +0000`.
const TIME_LEN: usize = 26;

/// What stands between the users' field and the request: `[`, the time, `] `.
const STAMP_LEN: usize = TIME_LEN + 3;

/// Longer than `2026-05-19T14:02:11.123456789 +02:00` no time is.
const MAX_TIME: usize = 40;

/// Reads a line of a format that appends fields of its own to the combined ones.
///
/// # Errors
/// Why it is no record in the combined format.
pub fn combined<'a>(line: &'a [u8], desk: &mut Desk<'a>) -> Result<Access<'a>, Unparsed> {
    cut(line, desk, Layout::Combined, |access| access)
}

fn parse<'a>(line: &'a [u8], desk: &mut Desk<'a>, layout: Layout) -> Result<Event<'a>, Unparsed> {
    cut(line, desk, layout, Event::Access)
}

/// Inlined into each of its few callers, which `wrap` what it makes at once: a record is large, and would be copied on its
/// way out.
#[inline(always)]
fn cut<'a, T>(
    line: &'a [u8],
    desk: &mut Desk<'a>,
    layout: Layout,
    wrap: impl FnOnce(Access<'a>) -> T,
) -> Result<T, Unparsed> {
    if line.len() > MAX_LINE {
        return Err(Unparsed::TooLong);
    }
    let (identity, stamp) = match Identity::anonymous(line, layout) {
        Some(found) => found,
        None => {
            let stamp = find_stamp(line)?;
            (Identity::cut(&line[..stamp.start], layout)?, stamp)
        }
    };
    let (time, utc_offset) =
        read_stamp(&line[stamp.start + 1..stamp.end - 2], desk).ok_or(Unparsed::BadTime)?;
    let answer = Answer::cut(&line[stamp.end + 1..])?;
    let tail = Tail::cut(answer.rest, layout)?;
    let RequestLine {
        method,
        target,
        protocol,
    } = RequestLine::cut(answer.request);
    Ok(wrap(Access {
        time,
        utc_offset,
        client: identity.key,
        client_text: identity.client,
        vhost: identity.vhost,
        user: identity.user,
        request: answer.request,
        method,
        target,
        protocol,
        status: answer.status,
        bytes: answer.bytes,
        referer: tail.referer,
        user_agent: tail.user_agent,
        duration_us: None,
        forwarded: None,
        extras: tail.extras,
    }))
}

/// The client stands first, up to a blank.
fn first_token(line: &[u8]) -> Option<Client> {
    Client::leading(line).map(|(client, _)| client)
}

/// Time, client, method and path of what nearly every line is: see [`Identity::anonymous`]. The path ends at its query, or at the
/// blank before a protocol that ends the request.
#[inline]
fn glance<'a>(line: &'a [u8], times: &mut TimeCache) -> Option<Glance<'a>> {
    /// `HTTP/1.1" 200 `.
    const ANSWER: usize = 14;
    let (identity, stamp) = Identity::anonymous(line, Layout::Common)?;
    let request = line.get(stamp.end + 1..)?;
    let (method, rest) = cut_method(request)?;
    let end = memchr::memchr3(b' ', b'?', b'"', rest)?;
    let ended = match rest[end] {
        b'?' => true,
        b' ' => rest.get(end + 1..end + 1 + ANSWER).is_some_and(is_answer),
        _ => false,
    };
    if !ended {
        return None;
    }
    Some(Glance {
        time: times.clf(&line[stamp.start + 1..stamp.end - 2])?.0,
        client: identity.key,
        method,
        path: &rest[..end],
    })
}

/// `HTTP/1.1" 200 `: the end of a request line and a status, with nothing in doubt.
fn is_answer(bytes: &[u8]) -> bool {
    match bytes {
        [
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            major,
            b'.',
            minor,
            b'"',
            b' ',
            a,
            b,
            c,
            b' ',
        ] => [*major, *minor, *a, *b, *c].iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Reads the time between the brackets: as NCSA's servers write it, the same with a fraction of the second, or ISO 8601
/// (nginx's `$time_iso8601`, Apache's `%{%FT%T%z}t`).
#[inline]
fn read_stamp(field: &[u8], desk: &mut Desk<'_>) -> Option<(Time, Option<UtcOffset>)> {
    if field.len() == TIME_LEN
        && let Some((time, offset)) = desk.times.clf(field)
    {
        return Some((time, Some(offset)));
    }
    let fraction = time::parse_clf_fraction(field).map(|(time, offset)| (time, Some(offset)));
    fraction.or_else(|| time::parse_iso(field))
}

/// Where the time and its brackets are, with the blank behind them: the last thing before the first quote that opens the
/// request.
fn find_stamp(line: &[u8]) -> Result<Range<usize>, Unparsed> {
    let mut bracketed = false;
    for quote in memchr::memchr_iter(b'"', line) {
        let before = &line[..quote];
        if !before.ends_with(b"] ") {
            continue;
        }
        if let Some(at) = quote.checked_sub(STAMP_LEN)
            && line[at] == b'['
        {
            return Ok(at..quote);
        }
        if let Some(stamp) = other_stamp(line, quote) {
            return Ok(stamp);
        }
        bracketed = true;
    }
    Err(match bracketed {
        true => Unparsed::BadTime,
        false if may_be_beginning(line) => Unparsed::Truncated,
        false => Unparsed::NotThisFormat,
    })
}

/// A time before `quote` that is not as long as others.
fn other_stamp(line: &[u8], quote: usize) -> Option<Range<usize>> {
    let close = quote - 2;
    let reach = close.saturating_sub(MAX_TIME + 1);
    let open = reach + memchr::memrchr(b'[', &line[reach..close])?;
    let field = &line[open + 1..close];
    let reads = time::parse_clf_fraction(field).is_some() || time::parse_iso(field).is_some();
    reads.then_some(open..quote)
}

/// True when the line looks like one of these formats as far as it goes: an address first, or a
/// date in brackets that no request follows.
fn may_be_beginning(line: &[u8]) -> bool {
    let first = line.split(|&byte| byte == b' ').next().unwrap_or(line);
    let dated = memchr::memchr(b'[', line)
        .and_then(|at| line.get(at + 1..at + 4))
        .is_some_and(|day| day[0].is_ascii_digit() && day[1].is_ascii_digit() && day[2] == b'/');
    dated || !Client::parse(first).is_name()
}

/// What stands before the time.
struct Identity<'a> {
    vhost: Option<&'a [u8]>,
    client: &'a [u8],
    key: Client,
    user: Option<&'a [u8]>,
}

impl<'a> Identity<'a> {
    /// The short way for what nearly every line is: `CLIENT - - [TIME] "`. Finds what the long way
    /// finds, and says where the time is.
    #[inline]
    fn anonymous(line: &'a [u8], layout: Layout) -> Option<(Identity<'a>, Range<usize>)> {
        const NOBODY: &[u8] = b" - - [";
        if layout == Layout::VhostCombined {
            return None;
        }
        let (key, length) = Client::leading(line)?;
        let (client, rest) = line.split_at(length);
        let stamp = length + NOBODY.len() - 1;
        let quote = line.get(stamp + STAMP_LEN - 2..stamp + STAMP_LEN + 1)?;
        if client.is_empty() || !rest.starts_with(NOBODY) || quote != b"] \"" {
            return None;
        }
        let identity = Identity {
            vhost: None,
            client,
            key,
            user: None,
        };
        Some((identity, stamp..stamp + STAMP_LEN))
    }

    fn cut(field: &'a [u8], layout: Layout) -> Result<Identity<'a>, Unparsed> {
        let field = field.strip_suffix(b" ").ok_or(Unparsed::NotThisFormat)?;
        let (vhost, field) = match layout {
            Layout::VhostCombined => {
                let (vhost, rest) = cut_token(field).ok_or(Unparsed::NotThisFormat)?;
                (Some(vhost), rest)
            }
            _ => (None, field),
        };
        let (client, rest) = cut_token(field).ok_or(Unparsed::NotThisFormat)?;
        let (ident, user) = cut_token(rest).ok_or(Unparsed::NotThisFormat)?;
        let fits = match vhost {
            Some(vhost) => {
                client != b"-" && (has_port(vhost) || is_address(client) || client == UNIX)
            }
            // An address in the place of the identity: everything is one field further right.
            None => ident == b"-" || !is_address(ident),
        };
        if client.is_empty() || !fits {
            return Err(Unparsed::NotThisFormat);
        }
        Ok(Identity {
            vhost,
            client,
            key: Client::parse(client),
            user: given(user),
        })
    }
}

/// nginx's word for a client on a Unix socket, whose port is empty as well.
const UNIX: &[u8] = b"unix:";

fn is_address(field: &[u8]) -> bool {
    !Client::parse(field).is_name()
}

/// `name:443` and `[2001:db8::1]:443`, but no bare IPv6 address.
fn has_port(vhost: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', vhost) else {
        return false;
    };
    let (name, port) = (&vhost[..colon], &vhost[colon + 1..]);
    !port.is_empty()
        && port.iter().all(u8::is_ascii_digit)
        && (name.ends_with(b"]") || !name.contains(&b':'))
}

/// The request and what was answered.
struct Answer<'a> {
    request: &'a [u8],
    status: Option<u16>,
    bytes: Option<u64>,
    rest: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Cuts `REQUEST" STATUS BYTES`. The request ends at the first quote that is not escaped and
    /// that a status follows: some servers do not escape quotes.
    fn cut(field: &'a [u8]) -> Result<Answer<'a>, Unparsed> {
        match Answer::plain(field) {
            Some(answer) => Ok(answer),
            None => Answer::any(field),
        }
    }

    /// The short way for what nearly every line is: no quote within the request, a status of three digits, and a number. Finds
    /// what the long way finds.
    #[inline]
    fn plain(field: &'a [u8]) -> Option<Answer<'a>> {
        let quote = memchr::memchr(b'"', field)?;
        let (request, after) = field.split_at(quote);
        let ([b'"', b' ', status @ .., b' '], rest) = after.split_first_chunk::<6>()? else {
            return None;
        };
        let status = read_status(status)?;
        if request == b"-" || request.ends_with(b"\\") {
            return None;
        }
        let (mut bytes, mut digits) = (0, 0);
        let end = loop {
            match rest.get(digits) {
                Some(digit @ b'0'..=b'9') if digits < FITTING => {
                    bytes = 10 * bytes + u64::from(digit - b'0');
                    digits += 1;
                }
                Some(b' ') if digits > 0 => break digits + 1,
                None if digits > 0 => break digits,
                _ => return None,
            }
        };
        Some(Answer {
            request,
            status,
            bytes: Some(bytes),
            rest: &rest[end..],
        })
    }

    fn any(field: &'a [u8]) -> Result<Answer<'a>, Unparsed> {
        let mut failure = Unparsed::Truncated;
        for quote in memchr::memchr_iter(b'"', field) {
            if is_escaped(field, quote) {
                continue;
            }
            let Some(after) = field[quote + 1..].strip_prefix(b" ") else {
                continue;
            };
            let (status, rest) = split_token(after);
            let Some(status) = read_status(status) else {
                failure = Unparsed::BadNumber;
                continue;
            };
            let rest = rest.ok_or(Unparsed::Truncated)?;
            let (bytes, rest) = split_token(rest);
            return Ok(Answer {
                request: if &field[..quote] == b"-" {
                    b""
                } else {
                    &field[..quote]
                },
                status,
                bytes: read_bytes(bytes)?,
                rest: rest.unwrap_or_default(),
            });
        }
        Err(failure)
    }
}

/// Three digits, or `-` for none.
fn read_status(field: &[u8]) -> Option<Option<u16>> {
    match field {
        b"-" => Some(None),
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => Some(Some(
            u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'),
        )),
        _ => None,
    }
}

/// So many digits make no number that is too large for 64 bits.
const FITTING: usize = 19;

fn read_bytes(field: &[u8]) -> Result<Option<u64>, Unparsed> {
    match field {
        b"-" => return Ok(None),
        b"" => return Err(Unparsed::Truncated),
        _ => {}
    }
    if field.len() > FITTING {
        let text = std::str::from_utf8(field).map_err(|_| Unparsed::BadNumber)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        return match text.parse() {
            Ok(number) if digits => Ok(Some(number)),
            _ => Err(Unparsed::BadNumber),
        };
    }
    let mut digits = true;
    let number = field.iter().fold(0, |sum: u64, byte| {
        let digit = byte.wrapping_sub(b'0');
        digits &= digit < 10;
        sum.wrapping_mul(10).wrapping_add(u64::from(digit))
    });
    digits.then_some(Some(number)).ok_or(Unparsed::BadNumber)
}

/// What follows the answer.
#[derive(Default)]
struct Tail<'a> {
    referer: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
    extras: &'a [u8],
}

impl<'a> Tail<'a> {
    fn cut(rest: &'a [u8], layout: Layout) -> Result<Tail<'a>, Unparsed> {
        if layout == Layout::Common {
            // A quoted field here is a referer: the line is in the longer format.
            return match rest.starts_with(b"\"") {
                true => Err(Unparsed::NotThisFormat),
                false => Ok(Tail {
                    extras: rest,
                    ..Tail::default()
                }),
            };
        }
        let (referer, rest) = cut_quoted(rest)?;
        let (user_agent, extras) = cut_quoted(rest)?;
        Ok(Tail {
            referer: given(referer),
            user_agent: given(user_agent),
            extras,
        })
    }
}

/// Cuts a field in quotes off the front, and the space after it. The field ends at the first
/// quote that is not escaped and that a space or the line's end follows.
///
/// # Errors
/// [`Unparsed::NotThisFormat`] if no quote opens it, [`Unparsed::Truncated`] if none closes it.
pub fn cut_quoted(field: &[u8]) -> Result<(&[u8], &[u8]), Unparsed> {
    // What most lines say of the referer, found without a search.
    if let Some(rest) = field.strip_prefix(b"\"-\" ") {
        return Ok((b"-", rest));
    }
    let inner = match field.split_first() {
        Some((b'"', inner)) => inner,
        Some(_) => return Err(Unparsed::NotThisFormat),
        None => return Err(Unparsed::Truncated),
    };
    for quote in memchr::memchr_iter(b'"', inner) {
        match inner.get(quote + 1) {
            None | Some(b' ') if !is_escaped(inner, quote) => {
                let rest = inner.get(quote + 2..).unwrap_or_default();
                return Ok((&inner[..quote], rest));
            }
            _ => {}
        }
    }
    Err(Unparsed::Truncated)
}

/// True when an odd number of backslashes stands before `at`: Apache writes `\"` for a quote and
/// `\\` for a backslash (mod_log_config), nginx `\x22` and `\x5C` (ngx_http_log_module).
#[inline]
pub fn is_escaped(field: &[u8], at: usize) -> bool {
    let backslashes = field[..at]
        .iter()
        .rev()
        .take_while(|&&byte| byte == b'\\')
        .count();
    backslashes % 2 == 1
}

/// Cuts a request field into method, target and protocol, as every access log's is. What does not
/// begin with a method is all target.
pub fn request_line(request: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let RequestLine {
        method,
        target,
        protocol,
    } = RequestLine::cut(request);
    (method, target, protocol)
}

/// A request line in its three parts.
struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    protocol: &'a [u8],
}

impl<'a> RequestLine<'a> {
    /// The first token is the method, the last one the protocol if it says so, and all between is
    /// the target, spaces included. What does not begin with a method is all target.
    fn cut(request: &'a [u8]) -> RequestLine<'a> {
        match cut_method(request) {
            Some((method, rest)) => {
                let (target, protocol) = cut_protocol(rest);
                RequestLine {
                    method,
                    target,
                    protocol,
                }
            }
            None => RequestLine {
                method: b"",
                target: request,
                protocol: b"",
            },
        }
    }
}

#[inline]
fn cut_protocol(rest: &[u8]) -> (&[u8], &[u8]) {
    // What nearly every line ends with, ` HTTP/1.1`, found without a search.
    if let Some((target, [b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor])) =
        rest.split_last_chunk()
        && *major != b' '
        && *minor != b' '
    {
        return (target, &rest[target.len() + 1..]);
    }
    let last = memchr::memrchr(b' ', rest).map_or(0, |space| space + 1);
    if !rest[last..].starts_with(b"HTTP/") {
        return (rest, b"");
    }
    (&rest[..last.saturating_sub(1)], &rest[last..])
}

/// The method that a request begins with, and what follows the blank behind it.
#[inline]
fn cut_method(request: &[u8]) -> Option<(&[u8], &[u8])> {
    // Of nearly all requests, found without a search.
    match request {
        [b'G', b'E', b'T', b' ', rest @ ..] => Some((b"GET", rest)),
        [b'P', b'O', b'S', b'T', b' ', rest @ ..] => Some((b"POST", rest)),
        _ => cut_token(request).filter(|(method, _)| is_method(method)),
    }
}

/// A method is a token (RFC 9110, 5.6.2 and 9.1).
#[inline]
fn is_method(token: &[u8]) -> bool {
    !token.is_empty() && token.iter().all(|byte| IN_TOKEN[usize::from(*byte)])
}

/// Letters, digits and a few signs (RFC 9110, 5.6.2).
const IN_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let signs = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < signs.len() {
        table[signs[at] as usize] = true;
        at += 1;
    }
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = table[byte] || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// `-` stands for nothing.
#[inline]
fn given(field: &[u8]) -> Option<&[u8]> {
    (field != b"-").then_some(field)
}

/// Up to the first space, and what follows it; `None` without a space.
#[inline]
fn cut_token(field: &[u8]) -> Option<(&[u8], &[u8])> {
    // These tokens are a few bytes long: a plain loop beats a call into memchr.
    let space = field.iter().position(|&byte| byte == b' ')?;
    Some((&field[..space], &field[space + 1..]))
}

/// Up to the first space or the end, and what follows the space.
#[inline]
fn split_token(field: &[u8]) -> (&[u8], Option<&[u8]>) {
    match cut_token(field) {
        Some((token, rest)) => (token, Some(rest)),
        None => (field, None),
    }
}

#[cfg(test)]
mod tests;

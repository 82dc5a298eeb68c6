//! From named fields to a record: what formats have in common whose columns or keys a header, a configuration or
//! a vote names.
//!
//! Such a format says of each piece of a line which [`Field`] it is; a [`Draft`] collects them and becomes a record.
//! Nothing is copied but what must be put together (a target from its path and its query) or decoded.

use bumpalo::collections::Vec;

use crate::client::Client;
pub use crate::client::host_of;
use crate::event::{Access, ErrorRecord, Unparsed};
use crate::format::combined::request_line;
use crate::format::spec::Desk;
use crate::time::{self, Time, Unit, UtcOffset};

/// What a piece of a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The client's address or name; a port behind it (`203.0.113.7:51000`, `[2001:db8::7]:443`) is cut off.
    Client,
    /// Date and time as the field's form tells: CLF, ISO 8601, or a count since 1970.
    Time,
    /// `2026-05-19`, of a time in two fields.
    Date,
    /// `14:02:11`, the other one.
    Clock,
    /// `GET /a HTTP/1.1`.
    Request,
    /// `GET`.
    Method,
    /// The target whole: `/a?b=c`.
    Target,
    /// The target without its query.
    Path,
    /// The query, with or without its `?`.
    Query,
    /// `HTTP/1.1`.
    Protocol,
    /// The status code.
    Status,
    /// Bytes sent.
    Bytes,
    /// The referer.
    Referer,
    /// The user agent.
    UserAgent,
    /// The virtual host.
    Host,
    /// The authenticated user.
    User,
    /// How long the request took.
    Duration(Unit),
    /// What [`Access::forwarded`] is to be.
    Forwarded,
    /// Anything else that a client may have sent: kept among the extras and searched.
    Extra,
    /// Of no interest.
    Ignored,
}

/// A record in the making.
#[derive(Default)]
pub struct Draft<'a> {
    time: Option<(Time, Option<UtcOffset>)>,
    date: Option<&'a [u8]>,
    clock: Option<&'a [u8]>,
    client: Option<&'a [u8]>,
    request: Option<&'a [u8]>,
    method: Option<&'a [u8]>,
    target: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
    query: Option<&'a [u8]>,
    protocol: Option<&'a [u8]>,
    status: Option<u16>,
    bytes: Option<u64>,
    referer: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    duration_us: Option<u64>,
    forwarded: Option<&'a [u8]>,
    extras: Option<Vec<'a, u8>>,
}

impl<'a> Draft<'a> {
    /// Takes a piece of the line. An empty one and `-` say nothing. Of two pieces for one field the first counts that
    /// says something.
    ///
    /// # Errors
    /// [`Unparsed::BadTime`] and [`Unparsed::BadNumber`] for a time, a status or a size that is none.
    #[inline]
    pub fn set(
        &mut self,
        field: Field,
        value: &'a [u8],
        desk: &mut Desk<'a>,
    ) -> Result<(), Unparsed> {
        if value.is_empty() || value == b"-" {
            return Ok(());
        }
        let text = match field {
            Field::Time => return self.set_time(value, desk),
            Field::Status => return self.set_status(value),
            Field::Bytes => return self.set_bytes(value),
            Field::Duration(unit) => {
                self.duration_us = self.duration_us.or_else(|| unit.micros(value));
                return Ok(());
            }
            Field::Extra => {
                self.add_extra(value, desk);
                return Ok(());
            }
            Field::Ignored => return Ok(()),
            Field::Client => &mut self.client,
            Field::Date => &mut self.date,
            Field::Clock => &mut self.clock,
            Field::Request => &mut self.request,
            Field::Method => &mut self.method,
            Field::Target => &mut self.target,
            Field::Path => &mut self.path,
            Field::Query => &mut self.query,
            Field::Protocol => &mut self.protocol,
            Field::Referer => &mut self.referer,
            Field::UserAgent => &mut self.user_agent,
            Field::Host => &mut self.host,
            Field::User => &mut self.user,
            Field::Forwarded => &mut self.forwarded,
        };
        text.get_or_insert(value);
        Ok(())
    }

    /// Takes a time that was read already.
    pub fn set_moment(&mut self, time: Time, zone: Option<UtcOffset>) {
        self.time.get_or_insert((time, zone));
    }

    /// Takes a duration in microseconds that was read already.
    pub fn set_duration(&mut self, micros: u64) {
        self.duration_us.get_or_insert(micros);
    }

    /// The record of a message instead of a request's: of a format that holds both.
    ///
    /// # Errors
    /// [`Unparsed::BadTime`] without a time.
    pub fn message(
        self,
        level: &'a [u8],
        message: &'a [u8],
        desk: &mut Desk<'a>,
    ) -> Result<ErrorRecord<'a>, Unparsed> {
        let request = self.asked(desk).request;
        let client = self.client.map(|text| Client::parse(host_of(text)));
        let (time, utc_offset) = self.time.ok_or(Unparsed::BadTime)?;
        Ok(ErrorRecord {
            time,
            utc_offset,
            program: None,
            level,
            client,
            message,
            request: Some(request).filter(|request| !request.is_empty()),
            referer: self.referer,
        })
    }

    fn set_time(&mut self, value: &'a [u8], desk: &mut Desk<'a>) -> Result<(), Unparsed> {
        if self.time.is_none() {
            self.time = Some(read_time(value, desk).ok_or(Unparsed::BadTime)?);
        }
        Ok(())
    }

    fn set_status(&mut self, value: &[u8]) -> Result<(), Unparsed> {
        // nginx writes 000 where no answer was sent, others 0; neither is a status.
        let status = number(value).filter(|status| *status < 1000);
        let status = status.ok_or(Unparsed::BadNumber)? as u16;
        self.status = self.status.or((status >= 100).then_some(status));
        Ok(())
    }

    fn set_bytes(&mut self, value: &[u8]) -> Result<(), Unparsed> {
        let bytes = number(value).ok_or(Unparsed::BadNumber)?;
        self.bytes.get_or_insert(bytes);
        Ok(())
    }

    /// Extras are written as a line of a log would have them: in quotes, with quotes inside escaped.
    fn add_extra(&mut self, value: &[u8], desk: &Desk<'a>) {
        let extras = self.extras.get_or_insert_with(|| desk.writer());
        if !extras.is_empty() {
            extras.push(b' ');
        }
        extras.push(b'"');
        for byte in value {
            if matches!(byte, b'"' | b'\\') {
                extras.push(b'\\');
            }
            extras.push(*byte);
        }
        extras.push(b'"');
    }

    /// The record.
    ///
    /// # Errors
    /// [`Unparsed::BadTime`] without a time; [`Unparsed::NotThisFormat`] if nothing says what was asked for or by whom.
    pub fn finish(self, desk: &mut Desk<'a>) -> Result<Access<'a>, Unparsed> {
        let (time, utc_offset) = match (self.time, self.date, self.clock) {
            (Some(time), ..) => time,
            (None, Some(date), Some(clock)) => {
                let both = desk.join(&[date, b" ", clock]);
                time::parse_iso(both).ok_or(Unparsed::BadTime)?
            }
            _ => return Err(Unparsed::BadTime),
        };
        let client_text = host_of(self.client.unwrap_or(b"-"));
        let asked = self.asked(desk);
        if self.client.is_none() && self.status.is_none() && asked.request.is_empty() {
            return Err(Unparsed::NotThisFormat);
        }
        Ok(Access {
            time,
            utc_offset,
            client: Client::parse(client_text),
            client_text,
            vhost: self.host,
            user: self.user,
            request: asked.request,
            method: asked.method,
            target: asked.target,
            protocol: asked.protocol,
            status: self.status,
            bytes: self.bytes,
            referer: self.referer,
            user_agent: self.user_agent,
            duration_us: self.duration_us,
            forwarded: self.forwarded,
            extras: self.extras.map_or(b"", Vec::into_bump_slice),
        })
    }

    /// The request, whole and in its parts, whichever of them the log gives.
    fn asked(&self, desk: &Desk<'a>) -> Asked<'a> {
        if let Some(request) = self.request {
            let (method, target, protocol) = request_line(request);
            return Asked {
                request,
                method,
                target,
                protocol,
            };
        }
        let target = match (self.target, self.path, self.query) {
            (Some(target), ..) => target,
            // the path may hold the query already
            (None, Some(path), Some(_)) if path.contains(&b'?') => path,
            (None, path, Some(query)) => {
                let query = query.strip_prefix(b"?").unwrap_or(query);
                desk.join(&[path.unwrap_or_default(), b"?", query])
            }
            (None, path, None) => path.unwrap_or_default(),
        };
        let method = self.method.unwrap_or_default();
        let protocol = self.protocol.unwrap_or_default();
        let request = match (method, target, protocol) {
            (b"", b"", _) => b"",
            (_, _, b"") => desk.join(&[method, b" ", target]),
            _ => desk.join(&[method, b" ", target, b" ", protocol]),
        };
        Asked {
            request,
            method,
            target,
            protocol,
        }
    }
}

struct Asked<'a> {
    request: &'a [u8],
    method: &'a [u8],
    target: &'a [u8],
    protocol: &'a [u8],
}

/// The address that the nearest proxy wrote: the last one (X-Forwarded-For grows at its end).
pub fn nearest(list: &[u8]) -> &[u8] {
    let last = memchr::memrchr(b',', list).map_or(0, |comma| comma + 1);
    list[last..].trim_ascii()
}

/// A time in one of the forms that servers write: `19/May/2026:14:02:11 +0000` (with or without brackets), ISO 8601, or
/// a count since 1970. The zone is `None` where it is not written.
pub fn read_time(value: &[u8], desk: &mut Desk<'_>) -> Option<(Time, Option<UtcOffset>)> {
    let inner = value
        .strip_prefix(b"[")
        .and_then(|rest| rest.strip_suffix(b"]"));
    let value = inner.unwrap_or(value);
    match value {
        [_, _, b'/', ..] => {
            let (time, zone) = desk.times.clf(value)?;
            Some((time, Some(zone)))
        }
        [_, _, _, _, b'-' | b'/', ..] => time::parse_iso(value),
        _ => Some((time::parse_epoch(value)?, Some(UtcOffset::UTC))),
    }
}

/// Cuts off the text up to the next blank, and the blank.
///
/// # Errors
/// [`Unparsed::Truncated`] where there is no text left.
pub fn token<'a>(text: &mut &'a [u8]) -> Result<&'a [u8], Unparsed> {
    if text.is_empty() {
        return Err(Unparsed::Truncated);
    }
    // A few bytes long as a rule: a plain loop beats a call into memchr.
    let end = text.iter().position(|byte| *byte == b' ');
    let token = &text[..end.unwrap_or(text.len())];
    *text = end.map_or(b"", |end| &text[end + 1..]);
    Ok(token)
}

/// Cuts `[...]` and the blank after it off the front.
pub fn cut_bracket(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = rest.strip_prefix(b"[")?;
    let end = memchr::memchr(b']', inner)?;
    let after = &inner[end + 1..];
    Some((&inner[..end], after.strip_prefix(b" ").unwrap_or(after)))
}

/// A whole number; `None` for what is none, or too large.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::Arena;

    fn record<'a>(fields: &[(Field, &'a str)], arena: &'a Arena) -> Result<Access<'a>, Unparsed> {
        let mut desk = Desk::new(arena);
        let mut draft = Draft::default();
        for (field, value) in fields {
            draft.set(*field, value.as_bytes(), &mut desk)?;
        }
        draft.finish(&mut desk)
    }

    #[test]
    fn a_request_in_parts_and_one_in_one_piece_are_the_same() {
        let arena = Arena::new();
        let common = [
            (Field::Client, "203.0.113.7:51000"),
            (Field::Time, "2026-05-19T14:02:11Z"),
            (Field::Status, "200"),
        ];
        let whole = [&common[..], &[(Field::Request, "GET /a?b=1 HTTP/1.1")]].concat();
        let parts = [
            &common[..],
            &[
                (Field::Method, "GET"),
                (Field::Path, "/a"),
                (Field::Query, "?b=1"),
                (Field::Protocol, "HTTP/1.1"),
            ],
        ]
        .concat();
        let whole = record(&whole, &arena).unwrap();
        assert_eq!(whole, record(&parts, &arena).unwrap());
        assert_eq!((whole.method, whole.target), (&b"GET"[..], &b"/a?b=1"[..]));
        assert_eq!(whole.client_text, b"203.0.113.7");
    }

    #[test]
    fn times_are_read_in_every_form() {
        let arena = Arena::new();
        let noon = |text| {
            let (time, zone) = read_time(text, &mut Desk::new(&arena))?;
            Some((time.to_rfc3339(), zone.map(UtcOffset::label)))
        };
        let zone = |text: &str| Some(text.to_string());
        for (text, time, offset) in [
            (
                &b"[19/May/2026:14:02:11 +0200]"[..],
                "2026-05-19T12:02:11Z",
                zone("+02:00"),
            ),
            (
                b"2026-05-19T14:02:11+05:45",
                "2026-05-19T08:17:11Z",
                zone("+05:45"),
            ),
            (
                b"2026-05-19 14:02:11.5",
                "2026-05-19T14:02:11.500000Z",
                None,
            ),
            (b"1779199331", "2026-05-19T14:02:11Z", zone("+00:00")),
            (
                b"1779199331.520",
                "2026-05-19T14:02:11.520000Z",
                zone("+00:00"),
            ),
            (
                b"1779199331520",
                "2026-05-19T14:02:11.520000Z",
                zone("+00:00"),
            ),
            (
                b"1779199331520000000",
                "2026-05-19T14:02:11.520000Z",
                zone("+00:00"),
            ),
        ] {
            assert_eq!(noon(text), Some((time.to_string(), offset)));
        }
        for text in [&b"yesterday"[..], b"", b"1.2.3", b"2026-13-19T14:02:11Z"] {
            assert_eq!(noon(text), None);
        }
    }

    #[test]
    fn what_says_nothing_is_no_record() {
        let arena = Arena::new();
        let time = (Field::Time, "1779199331");
        assert_eq!(record(&[time], &arena), Err(Unparsed::NotThisFormat));
        assert_eq!(
            record(&[(Field::Client, "x")], &arena),
            Err(Unparsed::BadTime)
        );
        let bad = [time, (Field::Status, "abc")];
        assert_eq!(record(&bad, &arena), Err(Unparsed::BadNumber));
    }
}

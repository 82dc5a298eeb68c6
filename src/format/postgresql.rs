//! PostgreSQL's log on stderr: `2026-05-19 14:02:11.123 UTC [811] shop@db ERROR:  text`.
//!
//! What stands before the severity is the administrator's choice (`log_line_prefix`); here it must begin with a time
//! (`%t` or `%m`) or a count of seconds (`%n`), as it does by default and in every distribution. Lines with the
//! statement, a detail or a hint go on with the message before them (src/backend/utils/error/elog.c).

use crate::chunk::MAX_LINE;
use crate::event::{ErrorRecord, Event, Unparsed};
use crate::format::spec::{Fixed, Format, LogKind};
use crate::time::zone::is_zone;
use crate::time::{self, LocalTime, Time, UtcOffset};

/// The text format. The message keeps its severity, which is part of how it is known.
pub const FORMAT: Format = Format {
    name: "postgresql",
    kind: LogKind::Error,
    mixed: false,
    title: "PostgreSQL log (stderr)",
    samples: &[
        "2026-05-19 14:02:11.123 UTC [811] shop@db FATAL:  sorry, too many clients already",
        "2026-05-19 14:02:11 CEST [811]: [3-1] user=shop,db=db LOG:  database system is ready to accept connections",
        "2026-05-19 14:02:11 +03 ERROR:  syntax error at or near \"'\" at character 31",
        "1779199331.123 [811] LOG:  server process (PID 812) was terminated by signal 9: Killed",
    ],
    reader: |_| Fixed::reader(|line, _| parse(line)),
};

/// The severities of messages (elog.c, error_severity).
const SEVERITIES: [&[u8]; 8] = [
    b"LOG", b"INFO", b"DEBUG", b"NOTICE", b"WARNING", b"ERROR", b"FATAL", b"PANIC",
];

/// What belongs to the message before it.
const PARTS: [&[u8]; 6] = [
    b"STATEMENT",
    b"DETAIL",
    b"HINT",
    b"CONTEXT",
    b"QUERY",
    b"LOCATION",
];

/// How far a prefix may reach: names of users, databases, applications and hosts have at most 63 bytes each.
const MAX_PREFIX: usize = 512;

fn parse(line: &[u8]) -> Result<Event<'_>, Unparsed> {
    if line.len() > MAX_LINE {
        return Err(Unparsed::TooLong);
    }
    if !line.starts_with(b"1") && !line.starts_with(b"2") {
        return Err(Unparsed::NotThisFormat);
    }
    let (time, utc_offset, rest) = cut_time(line)?;
    let (level, message) = find_severity(rest).ok_or(Unparsed::NotThisFormat)?;
    if PARTS.contains(&level) {
        return Err(Unparsed::NotThisFormat);
    }
    Ok(Event::Error(ErrorRecord {
        time,
        utc_offset,
        program: None,
        level,
        client: None,
        message,
        request: None,
        referer: None,
    }))
}

/// `2026-05-19 14:02:11.123 UTC ` or `1779199331.123 `.
fn cut_time(line: &[u8]) -> Result<(Time, Option<UtcOffset>, &[u8]), Unparsed> {
    /// Date and time without a fraction.
    const STAMP: usize = 19;
    if line.get(4) != Some(&b'-') {
        let end = memchr::memchr(b' ', line).ok_or(Unparsed::NotThisFormat)?;
        /// `1779199331.123`
        const COUNT: usize = 14;
        let is_count = end == COUNT && line[10] == b'.';
        let time = is_count.then(|| time::parse_epoch(&line[..end])).flatten();
        let time = time.ok_or(Unparsed::NotThisFormat)?;
        return Ok((time, Some(UtcOffset::UTC), &line[end + 1..]));
    }
    let rest = line.get(STAMP..).ok_or(Unparsed::Truncated)?;
    let blank = memchr::memchr(b' ', rest).ok_or(Unparsed::Truncated)?;
    let (stamp, rest) = (&line[..STAMP + blank], &rest[blank + 1..]);
    let (local, None) = time::parse_iso(stamp).ok_or(Unparsed::BadTime)? else {
        return Err(Unparsed::NotThisFormat);
    };
    // `%t:%r:%u@%d:[%p]:` is the prefix of Amazon RDS.
    let end = memchr::memchr2(b' ', b':', rest).ok_or(Unparsed::NotThisFormat)?;
    let (zone, rest) = (&rest[..end], &rest[end + 1..]);
    if !is_zone(zone) {
        return Err(Unparsed::NotThisFormat);
    }
    let offset = UtcOffset::named(zone);
    let local = LocalTime::from_micros(local.micros());
    Ok((local.at(offset.unwrap_or(UtcOffset::UTC)), offset, rest))
}

/// The first severity with its colon and two blanks: the prefix before it may hold anything else. Returns the
/// severity, and the text from it on.
fn find_severity(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let reach = &rest[..rest.len().min(MAX_PREFIX)];
    let mut colons = memchr::memmem::find_iter(reach, b":  ");
    colons.find_map(|colon| {
        let before = &rest[..colon];
        let letters = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric());
        let start = colon - letters.count();
        let word = &before[start..];
        let severity = match word {
            [level @ .., b'1'..=b'5'] if level == b"DEBUG" => level,
            _ => word,
        };
        let known = SEVERITIES.contains(&severity) || PARTS.contains(&severity);
        known.then(|| (severity, &rest[start..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prefixes_in_their_variants() {
        for (prefix, time) in [
            (
                "2026-05-19 14:02:11.123 UTC [811] ",
                "2026-05-19T14:02:11.123000Z",
            ),
            (
                "2026-05-19 14:02:11 CEST [811]: [1-1] user=a,db=b ",
                "2026-05-19T12:02:11Z",
            ),
            (
                "2026-05-19 14:02:11.123 EDT [811] a@b ",
                "2026-05-19T18:02:11.123000Z",
            ),
            ("2026-05-19 14:02:11 UTC ", "2026-05-19T14:02:11Z"),
            (
                "2026-05-19 14:02:11 UTC:203.0.113.7(51000):a@b:[811]:",
                "2026-05-19T14:02:11Z",
            ),
            ("1779199331.123 [811] ", "2026-05-19T14:02:11.123000Z"),
        ] {
            let line = format!("{prefix}FATAL:  x: ERROR:  y");
            let Ok(Event::Error(record)) = parse(line.as_bytes()) else {
                panic!("{line}");
            };
            assert_eq!(record.time.to_rfc3339(), time, "{line}");
            assert_eq!(record.level, b"FATAL");
            assert_eq!(record.message, b"FATAL:  x: ERROR:  y");
        }
    }

    #[test]
    fn an_ambiguous_zone_is_local_time() {
        let Ok(Event::Error(record)) = parse(b"2026-05-19 14:02:11 IST [1] LOG:  x") else {
            panic!("a record");
        };
        assert_eq!(record.utc_offset, None);
    }

    #[test]
    fn reasons() {
        use Unparsed::*;
        for (line, reason) in [
            ("", NotThisFormat),
            ("\tfrom orders", NotThisFormat),
            ("2026-05-19 14:02", Truncated),
            ("2026-05-39 14:02:11 UTC [1] LOG:  x", BadTime),
            (
                "2026-05-19 14:02:11 UTC [1] STATEMENT:  select 'LOG:  x'",
                NotThisFormat,
            ),
            ("2026-05-19 14:02:11 0 [Note] InnoDB: x", NotThisFormat),
            ("2026/05/19 14:26:03 [error] 1#1: x", NotThisFormat),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(reason), "{line}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(cut in 0usize..80, rest in proptest::collection::vec(any::<u8>(), 0..40)) {
            for line in FORMAT.samples {
                let _ = parse(&[&line.as_bytes()[..cut.min(line.len())], &rest[..]].concat());
            }
        }
    }
}

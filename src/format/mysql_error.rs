//! The error logs of MySQL and MariaDB.
//!
//! MySQL 5.7 and later: `2026-05-19T14:02:11.123456Z 0 [Warning] [MY-010055] [Server] text`; MariaDB and MySQL 5.6:
//! `2026-05-19 14:02:11 0 [Warning] text`; older: `260519 14:02:11 [Warning] text`; and mysqld_safe's lines without
//! brackets. A crash is told with `mysqld got signal 11 ;` and a dump of many lines.
//! (The error log format of the MySQL 8.0 Reference Manual, 7.4.2.8; "Error Log" of the MariaDB documentation.)

use crate::chunk::MAX_LINE;
use crate::event::{ErrorRecord, Event, Unparsed};
use crate::format::record::cut_bracket;
use crate::format::spec::{Fixed, Format, LogKind};
use crate::time::{self, Time, UtcOffset};

/// MySQL and MariaDB.
pub const FORMAT: Format = Format {
    name: "mysql_error",
    kind: LogKind::Error,
    mixed: false,
    title: "MySQL and MariaDB error log",
    samples: &[
        "2026-05-19T14:02:11.123456Z 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.0.36'  socket: '/run/mysqld/mysqld.sock'  port: 3306.",
        "2026-05-19 14:02:11 0 [Note] InnoDB: Starting crash recovery from checkpoint LSN=44388",
        "2026-05-19  4:02:11 140215 [Warning] Aborted connection 140215 to db: 'shop' user: 'shop' host: 'web1.example' (Got timeout reading communication packets)",
        "260519  4:02:11 [ERROR] mysqld got signal 11 ;",
        "260519 14:02:11 mysqld_safe Starting mysqld daemon with databases from /var/lib/mysql",
        "2026-05-19T14:02:11Z UTC - mysqld got signal 11 ;",
    ],
    reader: |_| Fixed::reader(|line, _| parse(line)),
};

/// What stands in brackets behind the thread (sql/log.cc of both; MySQL 8 knows the first four).
const LEVELS: [&[u8]; 5] = [b"System", b"ERROR", b"Warning", b"Note", b"Info"];

fn parse(line: &[u8]) -> Result<Event<'_>, Unparsed> {
    if line.len() > MAX_LINE {
        return Err(Unparsed::TooLong);
    }
    let (time, utc_offset, rest) = cut_time(line)?;
    let (level, message) = cut_level(rest).ok_or(Unparsed::NotThisFormat)?;
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

type Cut<'a> = (Time, Option<UtcOffset>, &'a [u8]);

/// The three forms of the time, and the blank behind it.
fn cut_time(line: &[u8]) -> Result<Cut<'_>, Unparsed> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match (digits, line.get(digits)) {
        (4, Some(b'-')) => cut_long(line),
        (6, Some(b' ')) => cut_short(line),
        _ => Err(Unparsed::NotThisFormat),
    }
}

/// `2026-05-19T14:02:11.123456Z ` and `2026-05-19 14:02:11 `.
fn cut_long(line: &[u8]) -> Result<Cut<'_>, Unparsed> {
    const DATE: usize = 11;
    const LEN: usize = 19;
    if line.len() <= LEN {
        return Err(Unparsed::Truncated);
    }
    let rest = &line[LEN..];
    let blank = memchr::memchr(b' ', rest).ok_or(Unparsed::Truncated)?;
    let time = match line[DATE] {
        // MariaDB pads the hour with a blank
        b' ' => {
            let mut stamp = [0; LEN];
            stamp.copy_from_slice(&line[..LEN]);
            stamp[DATE] = b'0';
            (blank == 0).then(|| time::parse_iso(&stamp)).flatten()
        }
        _ => time::parse_iso(&line[..LEN + blank]),
    };
    let (time, zone) = time.ok_or(Unparsed::BadTime)?;
    Ok((time, zone, &rest[blank + 1..]))
}

/// `260519 14:02:11 `, of this century.
fn cut_short(line: &[u8]) -> Result<Cut<'_>, Unparsed> {
    const LEN: usize = 15;
    let (stamp, rest) = line.split_at_checked(LEN).ok_or(Unparsed::Truncated)?;
    let mut long = *b"20yy-mm-dd hh:mm:ss";
    long[2..4].copy_from_slice(&stamp[..2]);
    long[5..7].copy_from_slice(&stamp[2..4]);
    long[8..10].copy_from_slice(&stamp[4..6]);
    long[11..].copy_from_slice(&stamp[7..]);
    if long[11] == b' ' {
        long[11] = b'0';
    }
    let (time, zone) = time::parse_iso(&long).ok_or(Unparsed::BadTime)?;
    let rest = rest.strip_prefix(b" ").ok_or(Unparsed::Truncated)?;
    Ok((time, zone, rest))
}

/// `0 [Warning] [MY-010055] [Server] text`, `[Warning] text`, `mysqld_safe text`, ` InnoDB: text`,
/// `7f2a InnoDB: text`, `UTC - mysqld got signal 11 ;`. Returns level and text.
fn cut_level(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let trimmed = rest.trim_ascii_start();
    let word = trimmed
        .split(|byte| *byte == b' ')
        .next()
        .unwrap_or_default();
    let after = trimmed[word.len()..].trim_ascii_start();
    let is_thread = !word.is_empty() && word.iter().all(u8::is_ascii_hexdigit);
    let text = match is_thread {
        true => after,
        false => trimmed,
    };
    if let Some((level, message)) = cut_bracket(text) {
        let known = LEVELS.iter().any(|one| one.eq_ignore_ascii_case(level));
        return known.then(|| (level, skip_codes(message)));
    }
    if let Some(message) = text.strip_prefix(b"UTC - ") {
        return message
            .windows(b" got signal ".len())
            .any(|part| part == b" got signal ")
            .then_some((b"", message));
    }
    let starts: [&[u8]; 4] = [
        b"InnoDB: ",
        b"mysqld_safe ",
        b"mariadbd-safe ",
        b"mysqld_safe: ",
    ];
    let known = starts.iter().any(|start| text.starts_with(start));
    known.then_some((b"", text))
}

/// Skips `[MY-010055] [Server] ` of MySQL 8.
fn skip_codes(message: &[u8]) -> &[u8] {
    let Some((code, after)) = cut_bracket(message) else {
        return message;
    };
    match (code.starts_with(b"MY-"), cut_bracket(after)) {
        (true, Some((_, text))) => text,
        (true, None) => after,
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_age_of_lines() {
        let warning = (&b"Warning"[..], &b"x"[..]);
        for (line, time, zone, (level, message)) in [
            (
                "2026-05-19T14:02:11.123456Z 12 [Warning] [MY-010055] [Server] x",
                "2026-05-19T14:02:11.123456Z",
                Some(0),
                warning,
            ),
            (
                "2026-05-19T14:02:11.123456+02:00 12 [Warning] x",
                "2026-05-19T12:02:11.123456Z",
                Some(7200),
                warning,
            ),
            (
                "2026-05-19 14:02:11 12 [Warning] x",
                "2026-05-19T14:02:11Z",
                None,
                warning,
            ),
            (
                "2026-05-19  4:02:11     12 [Warning] x",
                "2026-05-19T04:02:11Z",
                None,
                warning,
            ),
            (
                "260519  4:02:11 [Warning] x",
                "2026-05-19T04:02:11Z",
                None,
                warning,
            ),
            (
                "2026-05-19 14:02:11 7f2a InnoDB: x",
                "2026-05-19T14:02:11Z",
                None,
                (b"", b"InnoDB: x"),
            ),
            (
                "260519 14:02:11  InnoDB: x",
                "2026-05-19T14:02:11Z",
                None,
                (b"", b"InnoDB: x"),
            ),
        ] {
            let Ok(Event::Error(record)) = parse(line.as_bytes()) else {
                panic!("{line}");
            };
            assert_eq!(record.time.to_rfc3339(), time, "{line}");
            assert_eq!(record.utc_offset, zone.map(UtcOffset), "{line}");
            assert_eq!((record.level, record.message), (level, message), "{line}");
        }
    }

    #[test]
    fn reasons() {
        use Unparsed::*;
        for (line, reason) in [
            ("", NotThisFormat),
            (
                "Version: '10.11.19-MariaDB'  socket: '/run/x'  port: 3306",
                NotThisFormat,
            ),
            ("2026-05-19 14:02", Truncated),
            ("2026-05-39 14:02:11 0 [Note] x", BadTime),
            ("2026-05-19 14:02:11.123 UTC [811] LOG:  x", NotThisFormat),
            ("2026-05-19 14:02:11 hello", NotThisFormat),
            ("260519 14:0", Truncated),
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

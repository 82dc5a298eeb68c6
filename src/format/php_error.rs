//! PHP's own error log: `[19-May-2026 14:25:58 UTC] PHP Fatal error:  text`.
//!
//! What `error_log` names in php.ini (main/main.c of php-src, php_log_err_with_severity): the zone is written by name,
//! and what a program hands to error_log() stands there without a level. A stack trace goes on over several lines.

use crate::chunk::MAX_LINE;
use crate::event::{ErrorRecord, Event, Unparsed};
use crate::format::spec::{Fixed, Format, LogKind};
use crate::time::zone::{is_zone, offset_at};
use crate::time::{self, UtcOffset};

/// The only format PHP writes its errors in.
pub const FORMAT: Format = Format {
    name: "php_error",
    kind: LogKind::Error,
    mixed: false,
    title: "PHP error log",
    samples: &[
        "[19-May-2026 14:25:58 UTC] PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in /srv/www/cart.php on line 26",
        "[19-May-2026 14:25:58 Europe/Berlin] PHP Warning:  Undefined variable $user in /srv/www/a.php on line 3",
        "[19-May-2026 14:25:58 America/New_York] payment service did not answer",
    ],
    reader: |_| Fixed::reader(|line, _| parse(line)),
};

/// `19-May-2026 14:25:58`.
const TIME_LEN: usize = 20;

fn parse(line: &[u8]) -> Result<Event<'_>, Unparsed> {
    if line.len() > MAX_LINE {
        return Err(Unparsed::TooLong);
    }
    let inner = match line {
        [b'[', a, b, b'-', ..] if a.is_ascii_digit() && b.is_ascii_digit() => &line[1..],
        _ => return Err(Unparsed::NotThisFormat),
    };
    let end = memchr::memchr(b']', inner).ok_or(Unparsed::Truncated)?;
    let message = &inner[end + 1..];
    let message = message.strip_prefix(b" ").unwrap_or(message);
    let (stamp, zone) = inner[..end]
        .split_at_checked(TIME_LEN)
        .ok_or(Unparsed::BadTime)?;
    let local = time::parse_php_fpm(stamp).ok_or(Unparsed::BadTime)?;
    let zone = match zone {
        // Before PHP 5.3; php-fpm has no zone either, but other words for its levels.
        [] if message.starts_with(b"PHP ") => b"",
        [b' ', zone @ ..] if is_zone(zone) => zone,
        _ => return Err(Unparsed::NotThisFormat),
    };
    let offset = offset_at(zone, local);
    Ok(Event::Error(ErrorRecord {
        time: local.at(offset.unwrap_or(UtcOffset::UTC)),
        utc_offset: offset,
        program: None,
        level: level(message),
        client: None,
        message,
        request: None,
        referer: None,
    }))
}

/// `Fatal error` of `PHP Fatal error:  text`; empty for what the program wrote itself.
fn level(message: &[u8]) -> &[u8] {
    /// Longer than `Recoverable fatal error` no level is.
    const MAX_LEVEL: usize = 32;
    let Some(rest) = message.strip_prefix(b"PHP ") else {
        return b"";
    };
    let reach = &rest[..rest.len().min(MAX_LEVEL)];
    memchr::memchr(b':', reach).map_or(b"", |end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> ErrorRecord<'_> {
        match parse(line.as_bytes()) {
            Ok(Event::Error(record)) => record,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn zones_with_one_meaning_are_used_and_others_left_open() {
        let record = read("[19-May-2026 14:25:58 CEST] PHP Warning:  x");
        assert_eq!(record.time.to_rfc3339(), "2026-05-19T12:25:58Z");
        assert_eq!(record.utc_offset, Some(UtcOffset(7200)));
        assert_eq!(record.level, b"Warning");
        assert_eq!(record.message, b"PHP Warning:  x");
        let record = read("[19-May-2026 14:25:58 Europe/Berlin] x");
        assert_eq!(record.utc_offset, Some(UtcOffset(7200)));
        assert_eq!((record.level, record.message), (&b""[..], &b"x"[..]));
        assert_eq!(
            read("[19-May-2026 14:25:58] PHP Notice:  x").utc_offset,
            None
        );
        assert_eq!(read("[19-May-2026 14:25:58 CST] x").utc_offset, None);
    }

    #[test]
    fn reasons() {
        use Unparsed::*;
        for (line, reason) in [
            ("", NotThisFormat),
            ("Stack trace:", NotThisFormat),
            ("#0 {main}", NotThisFormat),
            ("[19-May-2026 14:2", Truncated),
            ("[39-May-2026 14:25:58 UTC] x", BadTime),
            (
                "[19-May-2026 14:25:58] NOTICE: fpm is running",
                NotThisFormat,
            ),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(reason), "{line}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(cut in 0usize..60, rest in proptest::collection::vec(any::<u8>(), 0..40)) {
            let line = "[19-May-2026 14:25:58 Europe/Berlin] PHP Warning:  x".as_bytes();
            let _ = parse(&[&line[..cut.min(line.len())], &rest[..]].concat());
        }
    }
}

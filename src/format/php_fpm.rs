//! The log of php-fpm itself: `[19-May-2026 14:25:58] WARNING: [pool www] text`.
//!
//! It tells what the web server in front cannot see: worker limits, and children that the kernel
//! killed (sapi/fpm/fpm/zlog.c of php-src). Not for PHP's own error log.

use crate::chunk::MAX_LINE;
use crate::event::{ErrorRecord, Event, Unparsed};
use crate::format::spec::{Fixed, Format, LogKind};
use crate::time::{self, UtcOffset};

/// The only format php-fpm writes.
pub const FORMAT: Format = Format {
    name: "php_fpm",
    kind: LogKind::Error,
    mixed: false,
    title: "php-fpm log",
    samples: &[
        "[19-May-2026 14:25:58] WARNING: [pool www] server reached pm.max_children setting (20), consider raising it",
        "[19-May-2026 14:25:58] NOTICE: ready to handle connections",
        "[19-May-2026 14:25:58.104233] WARNING: [pool www] child 811 exited on signal 11 (SIGSEGV) after 5.2 seconds from start",
    ],
    reader: |_| Fixed::reader(|line, _| parse(line)),
};

/// What php-fpm calls its levels.
const LEVELS: [&[u8]; 5] = [b"DEBUG", b"NOTICE", b"WARNING", b"ERROR", b"ALERT"];

fn parse(line: &[u8]) -> Result<Event<'_>, Unparsed> {
    if line.len() > MAX_LINE {
        return Err(Unparsed::TooLong);
    }
    let inner = match line {
        [b'[', a, b, b'-', ..] if a.is_ascii_digit() && b.is_ascii_digit() => &line[1..],
        _ => return Err(Unparsed::NotThisFormat),
    };
    let end = memchr::memchr(b']', inner).ok_or(Unparsed::Truncated)?;
    let (level, message) = cut_level(&inner[end + 1..])?;
    Ok(Event::Error(ErrorRecord {
        time: time::parse_php_fpm(&inner[..end])
            .ok_or(Unparsed::BadTime)?
            .at(UtcOffset::UTC),
        utc_offset: None,
        program: None,
        level,
        client: None,
        message,
        request: None,
        referer: None,
    }))
}

fn cut_level(rest: &[u8]) -> Result<(&[u8], &[u8]), Unparsed> {
    if rest.len() < 2 {
        return Err(Unparsed::Truncated);
    }
    let rest = rest.strip_prefix(b" ").ok_or(Unparsed::NotThisFormat)?;
    let colon = memchr::memchr(b':', rest).ok_or(Unparsed::NotThisFormat)?;
    let (level, message) = (&rest[..colon], &rest[colon + 1..]);
    LEVELS
        .contains(&level)
        .then(|| (level, message.strip_prefix(b" ").unwrap_or(message)))
        .ok_or(Unparsed::NotThisFormat)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_of_a_line() {
        let line = b"[19-May-2026 14:25:58] WARNING: [pool www] seems busy: x";
        let Ok(Event::Error(record)) = parse(line) else {
            panic!("a record")
        };
        assert_eq!(record.level, b"WARNING");
        assert_eq!(record.message, b"[pool www] seems busy: x");
        assert_eq!(record.client, None);
    }

    #[test]
    fn reasons() {
        use Unparsed::*;
        for (line, reason) in [
            ("", NotThisFormat),
            ("[pool www] x", NotThisFormat),
            ("[19-May-2026 14:2", Truncated),
            ("[19-May-2026 14:25:58]", Truncated),
            ("[19-May-2026 14:25:58] WARN", NotThisFormat),
            ("[39-May-2026 14:25:58] NOTICE: x", BadTime),
            ("[19-May-2026 14:25:58 UTC] PHP Warning:  x", NotThisFormat),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(reason), "{line}");
        }
        assert_eq!(parse(&vec![b'['; MAX_LINE + 1]), Err(TooLong));
    }

    proptest! {
        #[test]
        fn never_panics(
            start in prop_oneof![Just("[19-May-2026 14:25:58"), Just("["), Just("")],
            rest in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let _ = parse(&[start.as_bytes(), b"] NOTICE: ", &rest].concat());
            let _ = parse(&[start.as_bytes(), &rest].concat());
        }
    }
}

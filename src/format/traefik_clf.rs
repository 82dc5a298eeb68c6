//! Traefik's access log in its default format: combined, then four fields.
//!
//! The number of the request since the start, the router, the URL of the server that answered, and the time taken in
//! milliseconds (`pkg/middlewares/accesslog/logger_formatters.go`). What no router took has `"-"` for both. Referer
//! and user agent are quoted as Go does it: `\"`, `\x1b`, `\u00fc`.

use crate::event::{Event, Unparsed};
use crate::format::combined::{combined, glancing};
use crate::format::extras::columns;
use crate::format::record::number;
use crate::format::spec::{Desk, Format, LogKind};
use crate::time::Unit;

/// `accessLog: {}`.
pub const FORMAT: Format = Format {
    name: "traefik_clf",
    kind: LogKind::Access,
    mixed: false,
    title: "Traefik access log (common format)",
    samples: &[
        r#"203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 502 11 "-" "x" 4410 "shop@docker" "http://10.0.0.5:80" 31ms"#,
        r#"203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET /.env HTTP/2.0" 404 19 "-" "say \"x\" \u00fc" 4411 "-" "-" 0ms"#,
        r#"203.0.113.7 - ana [19/May/2026:14:02:11 +0000] "GET /a?b=c HTTP/1.1" - - "https://shop.example/" "x" 4412 "a b@file" "-" 30000ms"#,
    ],
    reader: |_| glancing(parse),
};

fn parse<'a>(line: &'a [u8], desk: &mut Desk<'a>) -> Result<Event<'a>, Unparsed> {
    let mut access = combined(line, desk)?;
    let mut fields = columns(access.extras);
    let mut next = || fields.next().ok_or(Unparsed::Truncated);
    number(next()?).ok_or(Unparsed::NotThisFormat)?;
    for _ in ["router", "server"] {
        let name = next()?;
        if !name.starts_with(b"\"") {
            return Err(Unparsed::NotThisFormat);
        }
    }
    let took = next()?.strip_suffix(b"ms").ok_or(Unparsed::NotThisFormat)?;
    let took = Unit::Milliseconds.micros(took);
    access.duration_us = Some(took.ok_or(Unparsed::NotThisFormat)?);
    Ok(Event::Access(access))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Access;
    use crate::format::spec::request_alone;
    use proptest::prelude::*;

    fn access(line: &str) -> Result<Access<'_>, Unparsed> {
        request_alone(&FORMAT, line.as_bytes())
    }

    #[test]
    fn what_the_server_sent_back_is_read() {
        let timed_out = access(FORMAT.samples[2]).unwrap();
        assert_eq!(timed_out.duration_us, Some(30_000_000));
        assert_eq!((timed_out.status, timed_out.bytes), (None, None));
        assert_eq!(timed_out.user, Some(&b"ana"[..]));
    }

    #[test]
    fn other_extras_are_not_taken_for_these() {
        let line = |extras: &str| {
            FORMAT.samples[0].replace(r#"4410 "shop@docker" "http://10.0.0.5:80" 31ms"#, extras)
        };
        for (extras, reason) in [
            ("", Unparsed::Truncated),
            ("1532", Unparsed::Truncated),
            ("0.412 0.409 .", Unparsed::NotThisFormat),
            (r#"1 "a" "b" 31"#, Unparsed::NotThisFormat),
            (r#"1 "a" "b" xms"#, Unparsed::NotThisFormat),
            (r#"1 a "b" 31ms"#, Unparsed::NotThisFormat),
            (r#"1 "a" "b"#, Unparsed::Truncated),
        ] {
            assert_eq!(access(&line(extras)), Err(reason), "{extras}");
        }
    }

    proptest! {
        #[test]
        fn a_line_cut_anywhere_never_panics(sample in 0..FORMAT.samples.len(), cut in any::<proptest::sample::Index>()) {
            let line = FORMAT.samples[sample];
            let _ = access(&line[..cut.index(line.len())]);
        }
    }
}

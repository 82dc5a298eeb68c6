//! The access log of Kubernetes' ingress-nginx: combined, then its `upstreaminfo` fields.
//!
//! `$request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr
//! $upstream_response_length $upstream_response_time $upstream_status $req_id` (the `log-format-upstream` of its
//! ConfigMap). Old versions lack the alternative, and repeat the client in brackets before the user. A request that was
//! tried on several upstreams has lists in four of the fields.

use crate::event::{Event, Unparsed};
use crate::format::combined::{combined, glancing};
use crate::format::extras::columns;
use crate::format::record::number;
use crate::format::spec::{Desk, Format, LogKind};
use crate::time::Unit;

/// The only format ingress-nginx writes unless told otherwise.
pub const FORMAT: Format = Format {
    name: "ingress_nginx",
    kind: LogKind::Access,
    mixed: false,
    title: "Kubernetes ingress-nginx access log",
    samples: &[
        r#"203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 9 "-" "x" 301 0.020 [shop-web-80] [] 10.1.0.4:80 9 0.019 200 a1b2"#,
        r#"203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET /cart HTTP/2.0" 503 190 "-" "x" 88 0.000 [shop-web-80] [] - - - - 936bf8aa23c6bca944d21cc59e418b68"#,
        r#"203.0.113.7 - - [19/May/2026:14:02:11 +0000] "GET /cart HTTP/2.0" 502 552 "-" "x" 88 5.003 [shop-web-80] [] 10.1.0.4:80, 10.1.0.5:80 : 10.1.0.4:80 0, 0 : 552 5.000, 0.001 : 0.002 504, 502 : 502 936bf8aa"#,
        r#"203.0.113.7 - [203.0.113.7] - ana [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 9 "-" "x" 301 0.020 [shop-web-80] 10.1.0.4:80 9 0.019 200 a1b2"#,
    ],
    reader: |_| glancing(parse),
};

/// Columns of the versions without an alternative upstream.
const LEAST_COLUMNS: usize = 8;

fn parse<'a>(line: &'a [u8], desk: &mut Desk<'a>) -> Result<Event<'a>, Unparsed> {
    let mut access = combined(line, desk)?;
    let mut fields = columns(access.extras);
    let length = fields.next().ok_or(Unparsed::Truncated)?;
    number(length).ok_or(Unparsed::NotThisFormat)?;
    let took = fields.next().ok_or(Unparsed::Truncated)?;
    let took = took.contains(&b'.').then(|| Unit::Seconds.micros(took));
    let took = took.flatten().ok_or(Unparsed::NotThisFormat)?;
    let upstream = fields.next().ok_or(Unparsed::Truncated)?;
    if !(upstream.starts_with(b"[") && upstream.ends_with(b"]")) {
        return Err(Unparsed::NotThisFormat);
    }
    if columns(access.extras).count() < LEAST_COLUMNS {
        return Err(Unparsed::Truncated);
    }
    access.duration_us = Some(took);
    access.user = access.user.and_then(user);
    Ok(Event::Access(access))
}

/// The user behind the client's repetition: `[203.0.113.7] - ana`.
fn user(field: &[u8]) -> Option<&[u8]> {
    let repeated = field.strip_prefix(b"[").and_then(|rest| {
        let end = memchr::memchr(b']', rest)?;
        rest[end + 1..].strip_prefix(b" - ")
    });
    let user = repeated.unwrap_or(field);
    (user != b"-").then_some(user)
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
    fn time_and_user_are_read() {
        let tried_thrice = access(FORMAT.samples[2]).unwrap();
        assert_eq!(tried_thrice.duration_us, Some(5_003_000));
        assert_eq!(tried_thrice.user, None);
        let old = access(FORMAT.samples[3]).unwrap();
        assert_eq!(
            (old.user, old.duration_us),
            (Some(&b"ana"[..]), Some(20_000))
        );
        let nobody = FORMAT.samples[3].replace("] - ana [", "] - - [");
        assert_eq!(access(&nobody).unwrap().user, None);
    }

    #[test]
    fn other_extras_are_not_taken_for_these() {
        let line = |extras: &str| {
            FORMAT.samples[0].replace(
                "301 0.020 [shop-web-80] [] 10.1.0.4:80 9 0.019 200 a1b2",
                extras,
            )
        };
        for (extras, reason) in [
            ("", Unparsed::Truncated),
            ("1532", Unparsed::Truncated),
            ("0.412 0.409 .", Unparsed::NotThisFormat),
            ("301 412 [x] [] - - - - a", Unparsed::NotThisFormat),
            ("301 0.412 \"x\" [] - - - - a", Unparsed::NotThisFormat),
            (
                "301 0.020 [shop-web-80] [] 10.1.0.4:80",
                Unparsed::Truncated,
            ),
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

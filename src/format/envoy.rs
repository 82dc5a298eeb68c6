//! Envoy's access log in its default format, and Istio's, which is made from it.
//!
//! `[start] "method path protocol" code flags received sent duration upstream_time "x-forwarded-for" "user-agent" "request-id"
//! "authority" "upstream"` (Envoy's documentation, "Access logging"). Istio puts three fields before the sizes (details of the
//! response and of the connection, the failure of the upstream's transport) and six behind, of which the fourth is the
//! connection's own client.
//!
//! Envoy writes header values as they came, quotes included. What stands between the first and the last fields in quotes is
//! the user agent, whatever quotes it holds.

use std::sync::Arc;

use crate::client::Client;
use crate::event::{Access, Event, Unparsed};
use crate::format::combined::request_line;
use crate::format::record::{host_of, number, token};
use crate::format::spec::{Desk, Format, LogKind, ReadLine, Reader, Sought};
use crate::proxies::HeaderName;
use crate::time::{self, Unit};

/// Envoy's own format and Istio's.
pub const FORMAT: Format = Format {
    name: "envoy",
    kind: LogKind::Access,
    mixed: false,
    title: "Envoy access log (default format, Istio)",
    samples: &[
        r#"[2026-05-19T14:26:03.120Z] "GET /cart HTTP/1.1" 503 UO 0 81 0 - "203.0.113.7" "x" "b-1" "shop.example" "-""#,
        r#"[2026-05-19T14:26:03.120Z] "GET /a HTTP/2" 200 - 0 154 31 30 "198.51.100.1, 203.0.113.7" "say "x"" "b-1" "shop.example" "10.0.2.1:80""#,
        r#"[2026-05-19T14:26:03.120Z] "GET /cart HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{connection_failure} - "delayed connect error: 111" 0 152 4 - "203.0.113.7" "x" "b-1" "shop.example" "10.0.2.1:8080" outbound|80||shop.default - 10.0.1.9:80 10.0.3.4:51000 - default"#,
        r#"[2026-05-19T14:26:03.120Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - 10.0.1.9:443 203.0.113.7:51000 - -"#,
    ],
    reader: |_| Some(Arc::new(Envoy) as Reader),
};

/// The header in the first field in quotes.
const FORWARDED_FOR: &[u8] = b"x-forwarded-for";

struct Envoy;

impl ReadLine for Envoy {
    fn read<'a>(&self, line: &'a [u8], _: u64, _: &mut Desk<'a>) -> Result<Event<'a>, Unparsed> {
        parse(line).map(Event::Access)
    }

    /// The default format has one header of those that name clients; another one stands in none of its fields.
    fn forwarded_from(&self, header: &HeaderName) -> Sought {
        Sought::named(header.is(FORWARDED_FOR).then_some(Envoy))
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "the client is the connection's own where the lines have it (Istio), else the last address of x-forwarded-for, which the nearest proxy wrote, else unknown"
                .to_string(),
        ]
    }
}

fn parse(line: &[u8]) -> Result<Access<'_>, Unparsed> {
    let inner = line.strip_prefix(b"[").ok_or(Unparsed::NotThisFormat)?;
    let end = memchr::memchr(b']', inner).ok_or(Unparsed::Truncated)?;
    let (time, utc_offset) = time::parse_iso(&inner[..end]).ok_or(Unparsed::BadTime)?;
    let (request, mut rest) = cut_request(&inner[end + 1..])?;
    let status = number(token(&mut rest)?).ok_or(Unparsed::BadNumber)?;
    let _flags = token(&mut rest)?;
    skip_details(&mut rest)?;
    let _received = number(token(&mut rest)?).ok_or(Unparsed::BadNumber)?;
    let bytes = number(token(&mut rest)?).ok_or(Unparsed::BadNumber)?;
    let duration_us = Unit::Milliseconds.micros(token(&mut rest)?);
    let _upstream_time = token(&mut rest)?;
    let Quoted {
        forwarded,
        user_agent,
        authority,
        extras,
    } = Quoted::cut(rest)?;
    let client_text = remote(extras)
        .or_else(|| forwarded.map(last))
        .unwrap_or(b"-");
    let request = if request == b"- - -" { b"" } else { request };
    let (method, target, protocol) = request_line(request);
    Ok(Access {
        time,
        utc_offset,
        client: Client::parse(client_text),
        client_text,
        vhost: authority,
        user: None,
        request,
        method,
        target,
        protocol,
        // 0 stands for a connection that was closed before an answer.
        status: Some(status as u16).filter(|_| (100..1000).contains(&status)),
        bytes: Some(bytes),
        referer: None,
        user_agent,
        duration_us,
        forwarded,
        extras,
    })
}

/// Cuts ` "REQUEST" ` off: it ends at the first quote that a status follows.
fn cut_request(field: &[u8]) -> Result<(&[u8], &[u8]), Unparsed> {
    let Some(inner) = field.strip_prefix(b" \"") else {
        return Err(match field.len() {
            0 | 1 => Unparsed::Truncated,
            _ => Unparsed::NotThisFormat,
        });
    };
    let status_follows = |at: &usize| {
        let after = inner[at + 1..].strip_prefix(b" ").unwrap_or_default();
        let digits = after
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        matches!(digits, 1 | 3) && after.get(digits) == Some(&b' ')
    };
    let end = memchr::memchr_iter(b'"', inner).find(status_follows);
    let end = end.ok_or(Unparsed::Truncated)?;
    Ok((&inner[..end], &inner[end + 2..]))
}

/// Istio's `details termination "failure"`, where a number would follow in Envoy's own format.
fn skip_details(rest: &mut &[u8]) -> Result<(), Unparsed> {
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return Ok(());
    }
    let open = memchr::memmem::find(rest, b" \"").ok_or(Unparsed::NotThisFormat)?;
    let inner = &rest[open + 2..];
    let number_follows = |at: &usize| {
        let after = inner[at + 1..].strip_prefix(b" ").unwrap_or_default();
        after.first().is_some_and(u8::is_ascii_digit)
    };
    let end = memchr::memchr_iter(b'"', inner).find(number_follows);
    *rest = &inner[end.ok_or(Unparsed::Truncated)? + 2..];
    Ok(())
}

/// The fields in quotes and what follows them.
struct Quoted<'a> {
    forwarded: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    extras: &'a [u8],
}

impl<'a> Quoted<'a> {
    /// `"x-forwarded-for" "user-agent" "request-id" "authority" "upstream"`, the first from the left, the others from the right.
    fn cut(rest: &'a [u8]) -> Result<Quoted<'a>, Unparsed> {
        const BORDER: &[u8] = b"\" \"";
        let inner = rest.strip_prefix(b"\"").ok_or(Unparsed::NotThisFormat)?;
        let last_quote = memchr::memrchr(b'"', inner).ok_or(Unparsed::Truncated)?;
        let (mut fields, after) = (&inner[..last_quote], &inner[last_quote + 1..]);
        let first = memchr::memmem::find(fields, BORDER).ok_or(Unparsed::Truncated)?;
        let forwarded = &fields[..first];
        fields = &fields[first + BORDER.len()..];
        let mut cut_last = || {
            let border = memchr::memmem::rfind(fields, BORDER).ok_or(Unparsed::Truncated)?;
            let field = &fields[border + BORDER.len()..];
            fields = &fields[..border];
            Ok(field)
        };
        let _upstream = cut_last()?;
        let authority = cut_last()?;
        let _request_id = cut_last()?;
        let given = |field: &'a [u8]| (!field.is_empty() && field != b"-").then_some(field);
        Ok(Quoted {
            forwarded: given(forwarded),
            user_agent: given(fields),
            authority: given(authority),
            extras: after.strip_prefix(b" ").unwrap_or(after),
        })
    }
}

/// The client's address among Istio's last fields: `cluster upstream_local downstream_local downstream_remote sni route`.
fn remote(extras: &[u8]) -> Option<&[u8]> {
    const REMOTE: usize = 3;
    let remote = host_of(extras.split(|byte| *byte == b' ').nth(REMOTE)?);
    (!Client::parse(remote).is_name()).then_some(remote)
}

/// The last entry of a list of addresses.
fn last(forwarded: &[u8]) -> &[u8] {
    let last = forwarded.rsplit(|byte| *byte == b',').next();
    host_of(last.unwrap_or(forwarded).trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::{forwarded_alone, read_alone, request_alone};
    use proptest::prelude::*;

    fn access(line: &str) -> Access<'_> {
        request_alone(&FORMAT, line.as_bytes())
            .unwrap_or_else(|reason| panic!("{reason:?}: {line}"))
    }

    #[test]
    fn the_nearest_proxy_says_who_asked() {
        let record = access(FORMAT.samples[1]);
        assert_eq!(record.client_text, b"203.0.113.7");
        assert_eq!(record.forwarded, Some(&b"198.51.100.1, 203.0.113.7"[..]));
        assert_eq!(record.user_agent, Some(&br#"say "x""#[..]));
        assert_eq!(record.vhost, Some(&b"shop.example"[..]));
        assert_eq!((record.status, record.bytes), (Some(200), Some(154)));
        assert_eq!(record.duration_us, Some(31_000));
        let unknown = FORMAT.samples[0].replace("\"203.0.113.7\"", "\"-\"");
        assert_eq!(access(&unknown).client_text, b"-");
    }

    #[test]
    fn istio_knows_the_connection() {
        let refused = access(FORMAT.samples[2]);
        assert_eq!(refused.client_text, b"10.0.3.4");
        assert_eq!(refused.forwarded, Some(&b"203.0.113.7"[..]));
        assert_eq!(
            (refused.status, refused.duration_us),
            (Some(503), Some(4_000))
        );
        let nothing = access(FORMAT.samples[3]);
        assert_eq!((nothing.status, nothing.request), (None, &b""[..]));
        assert_eq!(nothing.client_text, b"203.0.113.7");
    }

    #[test]
    fn forged_quotes_stay_in_their_fields() {
        let line = FORMAT.samples[0].replace("\"x\"", r#""x" "y" 200 - "z" "q""#);
        assert_eq!(
            access(&line).user_agent,
            Some(&br#"x" "y" 200 - "z" "q"#[..])
        );
        let line = FORMAT.samples[0].replace("/cart", "/a\" b");
        assert_eq!(access(&line).target, b"/a\" b");
    }

    #[test]
    fn what_is_missing_and_what_is_wrong_is_named() {
        use Unparsed::*;
        let line = FORMAT.samples[0];
        for (line, reason) in [
            (String::new(), NotThisFormat),
            ("[2026-05-19T14:26".into(), Truncated),
            (line.replace("2026-05", "2026-15"), BadTime),
            (line.replace(" 503 UO 0 81", " 503 UO 0 x"), BadNumber),
            (line[..60].into(), Truncated),
            (line[..line.len() - 20].into(), Truncated),
            ("[2026-05-19T14:26:03.120Z] x".into(), NotThisFormat),
        ] {
            assert_eq!(read_alone(&FORMAT, line.as_bytes()), Err(reason), "{line}");
        }
    }

    #[test]
    fn of_headers_that_name_clients_there_is_one() {
        let line = FORMAT.samples[2];
        assert_eq!(
            forwarded_alone(&FORMAT, line, line, "X-Forwarded-For"),
            Some(("10.0.3.4".into(), Some("203.0.113.7".into())))
        );
        assert_eq!(forwarded_alone(&FORMAT, line, line, "X-Real-IP"), None);
    }

    proptest! {
        #[test]
        fn never_panics(
            sample in 0..FORMAT.samples.len(),
            cut in any::<proptest::sample::Index>(),
            more in proptest::collection::vec(proptest::sample::select(&b"a0 /\"\\:[]-."[..]), 0..60),
        ) {
            let line = FORMAT.samples[sample].as_bytes();
            let line = [&line[..cut.index(line.len())], &more].concat();
            let _ = read_alone(&FORMAT, &line);
        }
    }
}

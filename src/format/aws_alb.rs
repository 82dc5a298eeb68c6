//! Access logs of AWS' Application and Classic Load Balancers.
//!
//! `type time elb client:port target:port request_processing_time target_processing_time response_processing_time
//! elb_status_code target_status_code received_bytes sent_bytes "request" "user_agent" ssl_cipher ssl_protocol ...` ("Access
//! logs for your Application Load Balancer"); the classic one has no type. More fields follow, and more were added over
//! the years; only three of them are looked at: the host asked for in TLS and the time of the request's arrival.
//!
//! What was refused has `-` for its target and -1 for times. A target that never answers has -1 as well, and then the
//! request took from its arrival to the log's time, which is that of the response.

use std::sync::Arc;

use crate::client::Client;
use crate::event::{Access, Event, Unparsed};
use crate::format::combined::{cut_quoted, is_escaped, request_line};
use crate::format::record::{host_of, number, token};
use crate::format::spec::{Desk, Format, LogKind, ReadLine, Reader, Sought};
use crate::proxies::HeaderName;
use crate::time::{self, Time, Unit, UtcOffset};

/// What the load balancers write to S3.
pub const FORMAT: Format = Format {
    name: "aws_alb",
    kind: LogKind::Access,
    mixed: false,
    title: "AWS Application or Classic Load Balancer access log",
    samples: &[
        r#"h2 2026-05-19T14:26:03.120001Z app/web/50dc 203.0.113.7:51000 - -1 -1 -1 503 - 200 310 "GET https://shop.example:443/cart HTTP/2.0" "x" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:tg "Root=1-a" "shop.example" "arn:cert" 1 2026-05-19T14:26:03.119Z "forward" "-" "-" "-" "-" "-" "-" TID_1"#,
        r#"https 2026-05-19T14:27:03.120001Z app/web/50dc 203.0.113.7:51000 10.0.0.1:80 0.000 -1 -1 504 - 200 310 "GET https://shop.example:443/a?b=%22 HTTP/1.1" "say \x22x\x22" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:tg "Root=1-a" "shop.example" "arn:cert" 0 2026-05-19T14:26:03.120001Z "forward" "-" "-" "10.0.0.1:80" "-" "-" "-""#,
        r#"http 2026-05-19T14:26:03.120001Z app/web/50dc 203.0.113.7:51000 - -1 -1 -1 400 - 17 272 "- http://shop.example:80- -" "-" - - - "-" "-" "-" - 2026-05-19T14:26:03.119Z "-" "-" "-" "-" "-" "-" "-""#,
        r#"2026-05-19T14:26:03.120001Z classic-lb 203.0.113.7:51000 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://shop.example:80/ HTTP/1.1" "curl/8.5.0" - -"#,
    ],
    reader: |_| Some(Arc::new(Alb) as Reader),
};

struct Alb;

impl ReadLine for Alb {
    fn read<'a>(&self, line: &'a [u8], _: u64, desk: &mut Desk<'a>) -> Result<Event<'a>, Unparsed> {
        parse(line, desk)
    }

    /// No field has a header, and the addresses behind the known fields are those of targets.
    fn forwarded_from(&self, _header: &HeaderName) -> Sought {
        Sought::Lacking
    }

    fn is_fixed(&self) -> bool {
        true
    }
}

/// What an Application Load Balancer calls the protocols it speaks.
const TYPES: [&[u8]; 6] = [b"http", b"https", b"h2", b"grpcs", b"ws", b"wss"];

fn parse<'a>(line: &'a [u8], desk: &mut Desk<'a>) -> Result<Event<'a>, Unparsed> {
    let mut rest = line;
    let mut first = token(&mut rest)?;
    if TYPES.contains(&first) {
        first = token(&mut rest)?;
    }
    let time = moment(first)?;
    let _balancer = token(&mut rest)?;
    let client_text = without_port(token(&mut rest)?);
    let _target = token(&mut rest)?;
    let times = [token(&mut rest)?, token(&mut rest)?, token(&mut rest)?];
    let took = took(times)?;
    let status = given(token(&mut rest)?, Unparsed::BadNumber)?;
    let _target_status = token(&mut rest)?;
    let _received = token(&mut rest)?;
    let bytes = given(token(&mut rest)?, Unparsed::BadNumber)?;
    let (request, rest) = cut_request(rest)?;
    let (user_agent, rest) = cut_quoted(rest)?;
    let asked = Asked::read(request, desk);
    let tail = Tail::read(rest);
    let since_arrival = || {
        tail.arrived
            .and_then(|arrived| micros_between(arrived, time))
    };
    Ok(Event::Access(Access {
        time,
        utc_offset: Some(UtcOffset::UTC),
        client: Client::parse(client_text),
        client_text,
        vhost: asked.host.or(tail.domain),
        user: None,
        request: asked.request,
        method: asked.method,
        target: asked.target,
        protocol: asked.protocol,
        status: status
            .map(|status| status as u16)
            .filter(|status| *status >= 100),
        bytes,
        referer: None,
        user_agent: (user_agent != b"-").then_some(user_agent),
        duration_us: took.or_else(since_arrival),
        forwarded: None,
        extras: rest,
    }))
}

/// The address before the port, which always follows it: that of IPv6 may stand without brackets, and
/// `2001:db8::7:51000` is then no address.
fn without_port(field: &[u8]) -> &[u8] {
    let colon = memchr::memrchr(b':', field).filter(|at| number(&field[at + 1..]).is_some());
    let host = &field[..colon.unwrap_or(field.len())];
    let inner = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"));
    inner.unwrap_or(host)
}

fn moment(field: &[u8]) -> Result<Time, Unparsed> {
    match field {
        [_, _, _, _, b'-', ..] => {}
        _ => return Err(Unparsed::NotThisFormat),
    }
    let (time, zone) = time::parse_iso(field).ok_or(Unparsed::BadTime)?;
    zone.map(|_| time).ok_or(Unparsed::BadTime)
}

fn micros_between(from: Time, to: Time) -> Option<u64> {
    u64::try_from(to.micros() - from.micros()).ok()
}

/// The three times together, in microseconds; `None` if one was not reached.
fn took(times: [&[u8]; 3]) -> Result<Option<u64>, Unparsed> {
    let mut sum = Some(0u64);
    for time in times {
        sum = match time {
            b"-1" | b"-" => None,
            _ => {
                let micros = Unit::Seconds.micros(time).ok_or(Unparsed::NotThisFormat)?;
                sum.map(|sum| sum.saturating_add(micros))
            }
        };
    }
    Ok(sum.filter(|_| times.iter().all(|time| !matches!(*time, b"-1" | b"-"))))
}

/// A number, or `-` for none.
fn given(field: &[u8], otherwise: Unparsed) -> Result<Option<u64>, Unparsed> {
    match field {
        b"-" => Ok(None),
        _ => Ok(Some(number(field).ok_or(otherwise)?)),
    }
}

/// Cuts the request off: it ends at the first quote behind which another field in quotes begins.
fn cut_request(field: &[u8]) -> Result<(&[u8], &[u8]), Unparsed> {
    let inner = match field.split_first() {
        Some((b'"', inner)) => inner,
        Some(_) => return Err(Unparsed::NotThisFormat),
        None => return Err(Unparsed::Truncated),
    };
    let mut ends = memchr::memchr_iter(b'"', inner);
    let end = ends.find(|at| inner[at + 1..].starts_with(b" \"") && !is_escaped(inner, *at));
    let end = end.ok_or(Unparsed::Truncated)?;
    Ok((&inner[..end], &inner[end + 2..]))
}

/// The request, and the host that stands in its URL.
struct Asked<'a> {
    request: &'a [u8],
    method: &'a [u8],
    target: &'a [u8],
    protocol: &'a [u8],
    host: Option<&'a [u8]>,
}

impl<'a> Asked<'a> {
    fn read(request: &'a [u8], desk: &Desk<'a>) -> Asked<'a> {
        let (method, url, protocol) = request_line(request);
        let (host, path) = match split_url(url) {
            Some((host, path)) => (Some(host).filter(|host| !host.is_empty()), path),
            None => (None, url),
        };
        // `- http://host:80- -` and `- - -`: no request that could be read.
        if method == b"-" {
            let nothing = b"";
            let host = host.and_then(|host| host.split(|byte| *byte == b' ').next());
            let host = host.map(|host| host_of(host.strip_suffix(b"-").unwrap_or(host)));
            return Asked {
                request: nothing,
                method: nothing,
                target: nothing,
                protocol: nothing,
                host,
            };
        }
        let request = match host {
            Some(_) => desk.join(&[method, b" ", path, b" ", protocol]),
            None => request,
        };
        Asked {
            request,
            method,
            target: path,
            protocol,
            host: host.map(host_of),
        }
    }
}

/// Cuts `https://host:443/path` before the path.
fn split_url(url: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', url)?;
    if !url[..colon].iter().all(u8::is_ascii_lowercase) {
        return None;
    }
    let rest = url[colon..].strip_prefix(b"://")?;
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    Some(rest.split_at(end.unwrap_or(rest.len())))
}

/// What is of interest behind the user agent.
struct Tail<'a> {
    /// The host asked for in TLS.
    domain: Option<&'a [u8]>,
    /// When the request arrived.
    arrived: Option<Time>,
}

impl<'a> Tail<'a> {
    /// `cipher protocol target_group "trace" "domain" "certificate" priority arrived`; whatever is missing is missing.
    fn read(rest: &'a [u8]) -> Tail<'a> {
        let mut none = Tail {
            domain: None,
            arrived: None,
        };
        let mut at = rest;
        for _ in ["cipher", "protocol", "target group"] {
            if token(&mut at).is_err() {
                return none;
            }
        }
        let mut quoted = [&b""[..]; 3];
        for field in &mut quoted {
            let Ok((text, after)) = cut_quoted(at) else {
                return none;
            };
            (*field, at) = (text, after);
        }
        none.domain = (quoted[1] != b"-").then_some(quoted[1]);
        let _priority = token(&mut at);
        none.arrived = token(&mut at).ok().and_then(|field| moment(field).ok());
        none
    }
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
    fn refused_requests_are_read() {
        let refused = access(FORMAT.samples[0]);
        assert_eq!(refused.client_text, b"203.0.113.7");
        assert_eq!(refused.request, b"GET /cart HTTP/2.0");
        assert_eq!(
            (refused.method, refused.target),
            (&b"GET"[..], &b"/cart"[..])
        );
        assert_eq!(refused.vhost, Some(&b"shop.example"[..]));
        assert_eq!((refused.status, refused.bytes), (Some(503), Some(310)));
        assert_eq!(refused.duration_us, Some(1_001));
        let malformed = access(FORMAT.samples[2]);
        assert_eq!((malformed.request, malformed.target), (&b""[..], &b""[..]));
        assert_eq!(malformed.vhost, Some(&b"shop.example"[..]));
        assert_eq!(malformed.user_agent, None);
    }

    #[test]
    fn ports_behind_addresses_without_brackets_are_no_part_of_them() {
        for client in ["2001:db8::7:51000", "[2001:db8::7]:443"] {
            let line = FORMAT.samples[0].replace("203.0.113.7:51000", client);
            let record = access(&line);
            assert_eq!(record.client_text, b"2001:db8::7", "{client}");
            assert_eq!(record.client, Client::parse(b"2001:db8::7"), "{client}");
        }
    }

    #[test]
    fn a_target_that_never_answers_takes_until_the_response() {
        let late = access(FORMAT.samples[1]);
        assert_eq!(late.duration_us, Some(60_000_000));
        assert_eq!(late.target, b"/a?b=%22");
        assert_eq!(late.user_agent, Some(&br"say \x22x\x22"[..]));
        let classic = access(FORMAT.samples[3]);
        assert_eq!(classic.duration_us, Some(1_178));
        assert_eq!(classic.vhost, Some(&b"shop.example"[..]));
    }

    #[test]
    fn odd_requests() {
        for (request, method, target, host) in [
            (
                "GET https://shop.example:443?a=b HTTP/1.1",
                "GET",
                "?a=b",
                Some("shop.example"),
            ),
            (
                "GET https://[2001:db8::1]:443/ HTTP/1.1",
                "GET",
                "/",
                Some("2001:db8::1"),
            ),
            ("GET /relative HTTP/1.1", "GET", "/relative", None),
            ("OPTIONS * HTTP/1.1", "OPTIONS", "*", None),
            (
                "GET http://h:80/\" 200 \" HTTP/1.1",
                "GET",
                "/\" 200 \"",
                Some("h"),
            ),
            ("- - -", "", "", None),
        ] {
            let line = FORMAT.samples[3].replace("GET http://shop.example:80/ HTTP/1.1", request);
            let record = access(&line);
            assert_eq!(record.method, method.as_bytes(), "{request}");
            assert_eq!(record.target, target.as_bytes(), "{request}");
            assert_eq!(record.vhost, host.map(str::as_bytes), "{request}");
        }
    }

    #[test]
    fn what_is_missing_and_what_is_wrong_is_named() {
        use Unparsed::*;
        let line = FORMAT.samples[3];
        for (line, reason) in [
            (String::new(), Truncated),
            ("http x".into(), NotThisFormat),
            (line[..40].into(), Truncated),
            (line.replace("2026-05", "2026-15"), BadTime),
            (line.replace("0.000073", "x"), NotThisFormat),
            (line.replace("200 200", "2x0 200"), BadNumber),
            (line.replace("\"GET", "GET"), NotThisFormat),
            (line[..line.len() - 20].into(), Truncated),
        ] {
            assert_eq!(read_alone(&FORMAT, line.as_bytes()), Err(reason), "{line}");
        }
    }

    #[test]
    fn no_header_is_logged() {
        let line = FORMAT.samples[1];
        assert_eq!(
            forwarded_alone(&FORMAT, line, line, "X-Forwarded-For"),
            None
        );
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

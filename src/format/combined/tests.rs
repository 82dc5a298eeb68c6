//! Lines of the common log formats: the usual, the odd and the broken ones.

use super::*;
use crate::format::spec::request_alone as access;
use proptest::prelude::*;

fn read(line: &str) -> Access<'_> {
    access(&COMBINED, line.as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {line}"))
}

fn with_request(request: &str) -> String {
    format!(r#"192.0.2.1 - - [19/May/2026:14:02:11 +0000] "{request}" 200 5 "-" "-""#)
}

#[test]
fn every_field_is_cut() {
    let record = read(
        r#"192.0.2.1 - ana [19/May/2026:14:02:11 +0200] "GET /a?b=c HTTP/1.1" 200 512 "https://shop.example/" "x/1 (y)" 0.1 -"#,
    );
    assert_eq!(record.time.to_rfc3339(), "2026-05-19T12:02:11Z");
    assert_eq!(record.utc_offset, Some(crate::time::UtcOffset(7200)));
    assert_eq!(record.client, Client::parse(b"192.0.2.1"));
    assert_eq!(record.client_text, b"192.0.2.1");
    assert_eq!(record.user, Some(&b"ana"[..]));
    assert_eq!(record.request, b"GET /a?b=c HTTP/1.1");
    assert_eq!(record.method, b"GET");
    assert_eq!(
        (record.path(), record.query()),
        (&b"/a"[..], Some(&b"b=c"[..]))
    );
    assert_eq!(record.protocol, b"HTTP/1.1");
    assert_eq!((record.status, record.bytes), (Some(200), Some(512)));
    assert_eq!(record.referer, Some(&b"https://shop.example/"[..]));
    assert_eq!(record.user_agent, Some(&b"x/1 (y)"[..]));
    assert_eq!(record.extras, b"0.1 -");
    assert_eq!(record.vhost, None);
}

#[test]
fn times_with_fractions_and_in_iso_8601_stand_between_the_brackets() {
    for (stamp, time, zone) in [
        (
            "19/May/2026:16:02:11.298 +0200",
            "2026-05-19T14:02:11.298000Z",
            Some(7200),
        ),
        (
            "2026-05-19T16:02:11+02:00",
            "2026-05-19T14:02:11Z",
            Some(7200),
        ),
        (
            "2026-05-19T14:02:11.5Z",
            "2026-05-19T14:02:11.500000Z",
            Some(0),
        ),
        ("2026-05-19 16:02:11", "2026-05-19T16:02:11Z", None),
    ] {
        let line = format!(r#"192.0.2.1 - a [b [{stamp}] "GET / HTTP/1.1" 200 5 "-" "x""#);
        let record = read(Box::leak(line.into_boxed_str()));
        assert_eq!(record.time.to_rfc3339(), time, "{stamp}");
        assert_eq!(record.utc_offset.map(|zone| zone.0), zone, "{stamp}");
        assert_eq!(record.user, Some(&b"a [b"[..]), "{stamp}");
    }
}

#[test]
fn request_lines_of_every_kind() {
    let cases = [
        ("GET / HTTP/1.1", "GET", "/", "HTTP/1.1"),
        ("-", "", "", ""),
        ("", "", "", ""),
        ("GET /", "GET", "/", ""),
        ("GET", "", "GET", ""),
        ("GET HTTP/1.1", "GET", "", "HTTP/1.1"),
        ("GET /a b c HTTP/1.0", "GET", "/a b c", "HTTP/1.0"),
        ("GET /a' OR 1=1 --", "GET", "/a' OR 1=1 --", ""),
        (r"\x16\x03\x01 \x00", "", r"\x16\x03\x01 \x00", ""),
        (r"\x03\x00\x00/*\xE0", "", r"\x03\x00\x00/*\xE0", ""),
        ("% % HTTP/1.1", "%", "%", "HTTP/1.1"),
        (" / HTTP/1.1", "", " / HTTP/1.1", ""),
        (
            r#"GET /?q=\"x\" HTTP/1.1"#,
            "GET",
            r#"/?q=\"x\""#,
            "HTTP/1.1",
        ),
        (r"GET /?q=\\ HTTP/1.1", "GET", r"/?q=\\", "HTTP/1.1"),
        (r"GET /\\", "GET", r"/\\", ""),
        (r"GET /?q=\x22 HTTP/1.1", "GET", r"/?q=\x22", "HTTP/1.1"),
        (r#"GET /?q="x" HTTP/1.1"#, "GET", r#"/?q="x""#, "HTTP/1.1"),
        (r#"GET /" 1 " HTTP/1.1"#, "GET", r#"/" 1 ""#, "HTTP/1.1"),
        ("PROPFIND /ä%", "PROPFIND", "/ä%", ""),
    ];
    for (request, method, target, protocol) in cases {
        let line = with_request(request);
        let record = read(&line);
        assert_eq!(record.method, method.as_bytes(), "{request}");
        assert_eq!(record.target, target.as_bytes(), "{request}");
        assert_eq!(record.protocol, protocol.as_bytes(), "{request}");
        assert_eq!(record.status, Some(200), "{request}");
    }
}

#[test]
fn odd_clients_and_users() {
    let line = |start: &str| {
        format!(r#"{start} [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 5 "-" "-""#)
    };
    for (start, client, user) in [
        ("2001:db8::1 - -", "2001:db8::1", None),
        ("[2001:db8::1] - -", "[2001:db8::1]", None),
        ("pool-7.isp.example - -", "pool-7.isp.example", None),
        ("192.0.2.1 - ana maria", "192.0.2.1", Some("ana maria")),
        (r#"192.0.2.1 - """#, "192.0.2.1", Some(r#""""#)),
        (
            r#"192.0.2.1 - a [x] \"b"#,
            "192.0.2.1",
            Some(r#"a [x] \"b"#),
        ),
        ("192.0.2.1 root -", "192.0.2.1", None),
        ("- - -", "-", None),
    ] {
        let line = line(start);
        let record = read(&line);
        assert_eq!(record.client_text, client.as_bytes(), "{start}");
        assert_eq!(record.user, user.map(str::as_bytes), "{start}");
    }
}

#[test]
fn virtual_hosts_are_told_from_clients() {
    for sample in VHOST_COMBINED.samples {
        assert!(
            access(&VHOST_COMBINED, sample.as_bytes())
                .unwrap()
                .vhost
                .is_some()
        );
    }
    for sample in COMBINED.samples.iter().chain(COMMON.samples) {
        assert!(
            access(&VHOST_COMBINED, sample.as_bytes()).is_err(),
            "{sample}"
        );
    }
}

#[test]
fn what_is_missing_and_what_is_wrong_is_named() {
    use Unparsed::*;
    let stamp = "192.0.2.1 - - [19/May/2026:14:02:11 +0000]";
    let cases = [
        (String::new(), NotThisFormat),
        ("hello world".into(), NotThisFormat),
        (r#"{"status":"200"}"#.into(), NotThisFormat),
        ("192.0.2.1 - - [19/May/20".into(), Truncated),
        (format!("{stamp} \"GET / HT"), Truncated),
        (format!("{stamp} \"GET /\" 200"), Truncated),
        (format!("{stamp} \"GET /\" 200 5"), Truncated),
        (format!("{stamp} \"GET /\" 200 5 \"-\""), Truncated),
        (
            format!("{stamp} \"GET /\" 200 5 \"-\" \"Mozilla"),
            Truncated,
        ),
        (format!("{stamp} \"GET /\" 200 5 - -"), NotThisFormat),
        (format!("{stamp} \"GET /\" 2x0 5 \"-\" \"-\""), BadNumber),
        (format!("{stamp} \"GET /\" 200 x \"-\" \"-\""), BadNumber),
        (
            format!("{stamp} \"GET /\" 200 99999999999999999999 \"-\" \"-\""),
            BadNumber,
        ),
        (with_request("/").replace("19/May", "39/May"), BadTime),
        (with_request("/").replace(":11 +0000", " +0000"), BadTime),
        (
            with_request("/").replace("192.0.2.1 - -", "-"),
            NotThisFormat,
        ),
        (with_request(&"a".repeat(MAX_LINE)), TooLong),
    ];
    for (line, reason) in cases {
        let found = access(&COMBINED, line.as_bytes()).unwrap_err();
        assert_eq!(found, reason, "{}", &line[..line.len().min(200)]);
    }
}

#[test]
fn bytes_that_are_no_text_pass() {
    let line =
        b"192.0.2.1 - - [19/May/2026:14:02:11 +0000] \"GET /\x00\xff% HTTP/1.1\" - - \"\" \"\xfe\"";
    let record = access(&COMBINED, line).unwrap();
    assert_eq!(record.target, b"/\x00\xff%");
    assert_eq!((record.status, record.bytes), (None, None));
    assert_eq!(
        (record.referer, record.user_agent),
        (Some(&b""[..]), Some(&b"\xfe"[..]))
    );
}

/// Pieces of log lines, so that chance gets past the first check.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"192.0.2.1 - - ".to_vec()),
        Just(b"[19/May/2026:14:02:11 +0000] ".to_vec()),
        Just(b"\"GET / HTTP/1.1\" ".to_vec()),
        Just(b"200 5 ".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"\\".to_vec()),
        Just(b" ".to_vec()),
        Just(b"shop.example:80 ".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #[test]
    fn never_panics_and_fields_are_parts_of_the_line(
        pieces in proptest::collection::vec(piece(), 0..12),
    ) {
        let line = pieces.concat();
        let range = line.as_ptr_range();
        for format in [&COMMON, &COMBINED, &VHOST_COMBINED] {
            let Ok(record) = access(format, &line) else { continue };
            let optional = [record.vhost, record.user, record.referer, record.user_agent];
            for field in optional.into_iter().flatten().chain([
                record.client_text, record.request, record.method, record.target, record.protocol,
                record.extras,
            ]) {
                let part = field.as_ptr_range();
                prop_assert!(field.is_empty() || (range.start <= part.start && part.end <= range.end));
            }
        }
    }
}

//! Formats as administrators write them, what is wrong with others, and a model that writes lines in any format.

use proptest::prelude::*;

use super::*;
use crate::client::Client;
use crate::event::{Access, Event, Unparsed};
use crate::format::spec::{Arena, Desk, ReadLine};
use crate::time::{Time, UtcOffset};

fn template(format: &str) -> Template {
    compile(format).unwrap_or_else(|fault| panic!("{format}: {fault}"))
}

fn read<'a>(template: &Template, line: &'a [u8]) -> Result<Access<'a>, Unparsed> {
    let mut desk = Desk::new(Box::leak(Box::new(Arena::new())));
    match template.read(line, 0, &mut desk)? {
        Event::Access(access) => Ok(access),
        Event::Error(_) => unreachable!("a template gives requests"),
    }
}

fn access<'a>(format: &str, line: &'a str) -> Access<'a> {
    let found = read(&template(format), line.as_bytes());
    found.unwrap_or_else(|reason| panic!("{format}: {reason:?}: {line}"))
}

fn fault(format: &str) -> String {
    match compile(format) {
        Ok(_) => panic!("{format} is no fault"),
        Err(fault) => fault.to_string(),
    }
}

/// The line that the formats below write, but for what they do not have.
const TIME: &str = "2026-05-19T14:02:11Z";

#[test]
fn formats_of_the_documentation_are_read() {
    for (format, line) in [
        (
            r#"LogFormat "%h %l %u %t \"%r\" %>s %b" common"#,
            r#"203.0.113.7 - ana [19/May/2026:14:02:11 +0000] "GET /a?b=c HTTP/1.1" 200 512"#,
        ),
        (
            r#"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\""#,
            r#"203.0.113.7 - ana [19/May/2026:14:02:11 +0000] "GET /a?b=c HTTP/1.1" 200 512 "-" "x""#,
        ),
        (
            "vhost_combined",
            r#"shop.example:443 203.0.113.7 - ana [19/May/2026:14:02:11 +0000] "GET /a?b=c HTTP/1.1" 200 512 "-" "x""#,
        ),
        (
            "combinedio",
            r#"203.0.113.7 - ana [19/May/2026:14:02:11 +0000] "GET /a?b=c HTTP/1.1" 200 512 "-" "x" 88 700"#,
        ),
        (
            "CustomLog logs/a \"%a %u %{sec}t.%{usec_frac}t %m %U%q %H %s %B %^FB %X %{c}a %{tid}P\"",
            "203.0.113.7 ana 1779199331.000000 GET /a?b=c HTTP/1.1 200 512 88 + 10.0.0.1 7",
        ),
        (
            "%{%Y-%m-%d}t %{end:%H:%M}t %{%H:%M:%S}t %{%z}t %!200,304{Cookie}i %<s %h %u \"%r\" %b",
            "2026-05-19 14:05 14:02:11 +0000 - 200 203.0.113.7 ana \"GET /a?b=c HTTP/1.1\" 512",
        ),
        (
            "log_format main '$remote_addr - $remote_user [$time_local] '\n  '\"$request\" $status $body_bytes_sent '\n  '\"$http_referer\" \"$http_user_agent\"';",
            r#"203.0.113.7 - ana [19/May/2026:14:02:11 +0000] "GET /a?b=c HTTP/1.1" 200 512 "-" "x""#,
        ),
        (
            r"$time_iso8601\t${remote_addr}\t$remote_user\t$request_method\t$uri$is_args$args\t$server_protocol\t$status\t$bytes_sent",
            "2026-05-19T14:02:11+00:00\t203.0.113.7\tana\tGET\t/a?b=c\tHTTP/1.1\t200\t512",
        ),
        (
            "$msec $remote_addr $remote_user $request_method $scheme://$host$request_uri $server_protocol $status $body_bytes_sent",
            "1779199331.000 203.0.113.7 ana GET https://shop.example/a?b=c HTTP/1.1 200 512",
        ),
        (
            "escape=json '{\"t\":\"$time_iso8601\",\"a\":\"$remote_addr\",\"u\":\"$remote_user\",\"r\":\"$request\",\"s\":$status,\"b\":$bytes_sent}'",
            r#"{"t":"2026-05-19T14:02:11+00:00","a":"203.0.113.7","u":"ana","r":"GET /a?b=c HTTP/1.1","s":200,"b":512}"#,
        ),
    ] {
        let access = access(format, line);
        assert_eq!(access.time.to_rfc3339(), TIME, "{format}");
        assert_eq!(access.utc_offset, Some(UtcOffset::UTC), "{format}");
        assert_eq!(access.client_text, b"203.0.113.7", "{format}");
        assert_eq!(access.user, Some(&b"ana"[..]), "{format}");
        assert_eq!(access.request, b"GET /a?b=c HTTP/1.1", "{format}");
        assert_eq!(access.method, b"GET", "{format}");
        assert_eq!(access.target, b"/a?b=c", "{format}");
        assert_eq!(access.status, Some(200), "{format}");
        assert_eq!(access.bytes, Some(512), "{format}");
    }
}

#[test]
fn a_target_without_a_method_is_the_target() {
    let line = "203.0.113.7 - - [19/May/2026:14:02:11 +0000] /a?b=c 200 512";
    let found = access("%h %l %u %t %U%q %>s %b", line);
    assert!(found.has_target());
    assert_eq!((found.method, found.target), (&b""[..], &b"/a?b=c"[..]));
    let line = "203.0.113.7 [19/May/2026:14:02:11 +0000] /a?b=c HTTP/1.1";
    assert!(access("%h %t %U%q %H", line).has_target());
    // what somebody sent instead of a request line
    for junk in ["/a?b=c", " /a", "\\x16\\x03"] {
        let line = format!("203.0.113.7 [19/May/2026:14:02:11 +0000] \"{junk}\"");
        assert!(!access("%h %t \"%r\"", &line).has_target(), "{junk}");
    }
}

#[test]
fn values_that_hold_what_separates_them_are_read() {
    let tricky = access(
        "$remote_addr - $remote_user [$time_local] $request $status",
        "203.0.113.7 - - [01/Jan/2020 [19/May/2026:14:02:11 +0000] GET /a 7 [b HTTP/1.1 200",
    );
    assert_eq!(tricky.user, Some(&b"- [01/Jan/2020"[..]));
    assert_eq!(tricky.target, b"/a 7 [b");
    let upstreams = access(
        "$msec \"$request\" $upstream_addr $upstream_response_time $status",
        "1779199331.5 \"GET / HTTP/1.1\" 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 0.001, - : 0.002 502",
    );
    assert_eq!(upstreams.status, Some(502));
    let quoted = access(
        r#"%t "%{User-Agent}i" "%r""#,
        r#"[19/May/2026:14:02:11 +0000] "a\" \"b" "GET /?q=\" x""#,
    );
    assert_eq!(quoted.user_agent, Some(&br#"a\" \"b"#[..]));
    assert_eq!(quoted.target, br#"/?q=\" x"#);
}

#[test]
fn lists_of_proxies_without_quotes_are_one_value() {
    let read_as = |format: &str, list: &str| {
        let line =
            format!("{list} 192.0.2.1 - [19/May/2026:14:02:11 +0000] \"GET / HTTP/1.1\" 200");
        let found = access(format, line.leak());
        let proxies = found.forwarded.unwrap_or(b"-");
        let proxies = String::from_utf8_lossy(proxies).into_owned();
        (proxies, found.client, found.user.map(<[u8]>::to_vec))
    };
    let apache = r#"%{X-Forwarded-For}i %h %u %t "%r" %>s"#;
    let nginx =
        r#"$http_x_forwarded_for $remote_addr $remote_user [$time_local] "$request" $status"#;
    for format in [apache, nginx] {
        for list in [
            "-",
            "203.0.113.9",
            "203.0.113.9, 198.51.100.7",
            "unknown, 203.0.113.9,2001:db8::1,  [2001:db8::7]:4711",
            // nothing follows the comma
            "203.0.113.9,",
            "203.0.113.9, 198.51.100.7,",
        ] {
            let (found, client, user) = read_as(format, list);
            assert_eq!(client, Client::parse(b"192.0.2.1"), "{format}: {list}");
            assert_eq!((found.as_str(), user), (list, None), "{format}");
        }
    }
    let line = r#"203.0.113.9, 198.51.100.7 - - [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200"#;
    let nearest = access(r#"%{X-Forwarded-For}i %l %u %t "%r" %>s"#, line);
    assert_eq!(nearest.client, Client::parse(b"198.51.100.7"));
}

#[test]
fn fields_beside_the_usual_ones() {
    let slow = access(
        r#"%h %t "%r" %>s %T/%{ms}T %D "%{X-Forwarded-For}i" "%{Cookie}i" %{Host}i"#,
        r#"10.0.0.1 [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 1/1234 1234567 "203.0.113.7, 198.51.100.4" "a=' or 1=1" shop.example"#,
    );
    assert_eq!(slow.duration_us, Some(1_234_567));
    assert_eq!(slow.forwarded, Some(&b"203.0.113.7, 198.51.100.4"[..]));
    assert_eq!(slow.extras, br#""a=' or 1=1""#);
    assert_eq!(slow.vhost, Some(&b"shop.example"[..]));
    let behind = access(
        r#"%{X-Forwarded-For}i %t "%r" %>s"#,
        r#"203.0.113.7, 198.51.100.4 [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200"#,
    );
    assert_eq!(behind.client_text, b"198.51.100.4");
    let refused = access(
        "\"$request\" $status $request_time $upstream_response_time $msec $remote_addr $made_here",
        "\"\" 400 0.000 - 1779199331.000 unix: x y",
    );
    assert_eq!((refused.request, refused.status), (&b""[..], Some(400)));
    let named = template("$msec \"$request\" $made_here");
    assert!(named.notes().concat().contains("$made_here"));
    let local = access("%{%F %T}t \"%r\" %s", "2026-05-19 14:02:11 \"GET /\" 200");
    assert_eq!(local.utc_offset, None);
}

#[test]
fn json_strings_are_decoded() {
    let format = r#"escape=json {"time":"$time_iso8601","agent":"$http_user_agent","request":"$request","status":$status,"addr":"$remote_addr"}"#;
    let line = br#"{"time":"2026-05-19T14:02:11+00:00","agent":"a\"b\\ \u0001\t\/ \u00zz","request":"GET /\u001f HTTP/1.1","status":200,"addr":"203.0.113.7"}"#;
    let access = read(&template(format), line).unwrap();
    assert_eq!(access.user_agent, Some(&b"a\"b\\ \x01\t/ \\u00zz"[..]));
    assert_eq!(access.target, b"/\x1f");
}

#[test]
fn faults_say_what_would_help() {
    for (format, says) in [
        ("%h %l %u \"%r\" %>s %b", "add %t"),
        ("%h %t %>s", "add \\\"%r\\\""),
        ("%h %{%H:%M:%S}t \"%r\"", "%{%H:%M:%S}t is not enough"),
        ("$remote_addr \"$request\"", "add $time_iso8601"),
        (
            "$remote_addr $time_local $args",
            "$request_method and $request_uri",
        ),
        ("%h %t \"%r\" %y", "%y is no directive of Apache"),
        ("%h %t \"%r\" %{abc", "} is missing"),
        ("%h %t \"%r\" %", "a letter must follow"),
        (
            "$remote_addr$status $msec \"$request\"",
            "$remote_addr and $status",
        ),
        ("%h%l %t \"%r\"", "%h and %l"),
        ("${msec \"$request\"", "${msec is not complete"),
        ("", "no directive"),
        ("GET / HTTP/1.1", "no directive"),
        ("combinde", "combinde is no format"),
        ("%h %t \"%r\" %{%Q}t", "%{%Q}t is no directive"),
    ] {
        let fault = fault(format);
        assert!(fault.contains(says), "{format}: {fault}");
    }
    let many = format!("$msec \"$request\"{}", " $status".repeat(200));
    assert!(fault(&many).contains("more than 128"));
}

#[test]
fn lines_of_other_formats_are_told_why() {
    let template = template(r#"%h %l %u %t "%r" %>s %b"#);
    for (line, reason) in [
        ("", Unparsed::NotThisFormat),
        (
            "203.0.113.7 - - [19/May/2026:14:02:11 +0000] \"GET /",
            Unparsed::Truncated,
        ),
        (
            "203.0.113.7 - - [31/Feb/2026:14:02:11 +0000] \"GET /\" 200 5",
            Unparsed::BadTime,
        ),
        (
            "203.0.113.7 - - yesterday \"GET /\" 200 5",
            Unparsed::BadTime,
        ),
        (
            "203.0.113.7 - - [19/May/2026:14:02:11 +0000] \"GET /\" ok 5",
            Unparsed::BadNumber,
        ),
    ] {
        assert_eq!(
            read(&template, line.as_bytes()).map(|_| ()),
            Err(reason),
            "{line}"
        );
    }
}

#[test]
fn no_line_takes_long() {
    let template = template(&format!("$msec{} \"$request\"", " $http_a".repeat(40)));
    let line = format!("1779199331.000{}", " a".repeat(500_000));
    assert!(read(&template, line.as_bytes()).is_err());
}

/// A directive as a model of the server writes it: its text in Apache's format and in nginx', and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Client,
    User,
    Status,
    Bytes,
    Referer,
    Agent,
    Duration,
    Host,
}

const PARTS: [(Part, &str, &str); 8] = [
    (Part::Client, "%h", "$remote_addr"),
    (Part::User, "%u", "$remote_user"),
    (Part::Status, "%>s", "$status"),
    (Part::Bytes, "%B", "$body_bytes_sent"),
    (Part::Referer, "%{Referer}i", "$http_referer"),
    (Part::Agent, "%{User-Agent}i", "$http_user_agent"),
    (Part::Duration, "%D", "$request_time"),
    (Part::Host, "%v", "$host"),
];

/// What a server writes of one request.
#[derive(Debug, Clone)]
struct Written {
    target: String,
    referer: String,
    agent: String,
    status: u16,
    bytes: u32,
    seconds: u32,
    micros: u32,
}

/// The escaping of each syntax, as its server does it.
fn escape(text: &str, escaping: Escaping) -> String {
    let each = |c: char| match (escaping, c) {
        (Escaping::Backslash | Escaping::Json, '"' | '\\') => format!("\\{c}"),
        (Escaping::Backslash, c) if c < ' ' => format!("\\x{:02x}", c as u32),
        (Escaping::Json, c) if c < ' ' => format!("\\u{:04X}", c as u32),
        (Escaping::Hexadecimal, c) if c < ' ' || matches!(c, '"' | '\\') => {
            format!("\\x{:02X}", c as u32)
        }
        _ => c.to_string(),
    };
    text.chars().map(each).collect()
}

fn written() -> impl Strategy<Value = Written> {
    let text = || "[ -~\u{1}\t]{0,20}";
    (
        "/[!-~]{0,20}",
        text(),
        text(),
        100..600u16,
        any::<u32>(),
        0..2_000_000_000u32,
        0..5_000_000u32,
    )
        .prop_map(
            |(target, referer, agent, status, bytes, seconds, micros)| Written {
                target,
                referer,
                agent,
                status,
                bytes,
                seconds,
                micros,
            },
        )
}

/// What the record must hold of a text.
fn expected(text: &str, escaping: Escaping) -> Option<Vec<u8>> {
    let logged = match escaping {
        Escaping::Json => text.to_owned(),
        _ => escape(text, escaping),
    };
    (!matches!(logged.as_str(), "" | "-")).then(|| logged.into_bytes())
}

fn value(part: Part, of: &Written, escaping: Escaping) -> String {
    match part {
        Part::Client => "203.0.113.7".to_owned(),
        Part::User => "ana".to_owned(),
        Part::Status => of.status.to_string(),
        Part::Bytes => of.bytes.to_string(),
        Part::Referer => escape(&of.referer, escaping),
        Part::Agent => escape(&of.agent, escaping),
        Part::Duration if escaping == Escaping::Backslash => of.micros.to_string(),
        Part::Duration => format!("{}.{:03}", of.micros / 1_000_000, of.micros / 1_000 % 1_000),
        Part::Host => "shop.example".to_owned(),
    }
}

/// A format with these parts in this order, and a line in it.
fn model(
    parts: &[(Part, &str, &str)],
    between: &str,
    of: &Written,
    escaping: Escaping,
) -> (String, String) {
    let apache = escaping == Escaping::Backslash;
    let time = Time::from_secs(i64::from(of.seconds));
    let clf = time.format_at(UtcOffset::UTC, "%d/%b/%Y:%H:%M:%S %z");
    let (stamp, request) = match apache {
        true => ("%t", "%r"),
        false => ("[$time_local]", "$request"),
    };
    let mut format = vec![stamp.to_owned(), format!("\"{request}\"")];
    let line = format!("GET {} HTTP/1.1", escape(&of.target, escaping));
    let mut values = vec![format!("[{clf}]"), format!("\"{line}\"")];
    for (part, in_apache, in_nginx) in parts {
        let directive = if apache { in_apache } else { in_nginx };
        format.push(format!("\"{directive}\""));
        values.push(format!("\"{}\"", value(*part, of, escaping)));
    }
    let middle = format.len() / 2;
    format.rotate_left(middle);
    values.rotate_left(middle);
    let prefix = match escaping {
        Escaping::Json => "escape=json ",
        _ => "",
    };
    (
        format!("{prefix}#{between}{}", format.join(between)),
        format!("#{between}{}", values.join(between)),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_a_server_writes_is_what_is_read(
        parts in prop::sample::subsequence(PARTS.to_vec(), 0..=PARTS.len()).prop_shuffle(),
        between in prop::sample::select(vec![" ", "|", ";", " ~ ", ","]),
        of in written(),
        escaping in prop::sample::select(vec![
            Escaping::Backslash, Escaping::Hexadecimal, Escaping::Json,
        ]),
    ) {
        let (format, line) = model(&parts, between, &of, escaping);
        let template = compile(&format).map_err(|fault| {
            TestCaseError::fail(format!("{format}: {fault}"))
        })?;
        let found = read(&template, line.as_bytes());
        prop_assert!(found.is_ok(), "{format}\n{line}\n{found:?}");
        let found = found.unwrap();
        let has = |part: Part| parts.iter().any(|(other, ..)| *other == part);
        let target = expected(&of.target, escaping);
        prop_assert_eq!(found.time.secs(), i64::from(of.seconds));
        prop_assert_eq!(Some(found.target.to_vec()), target, "{}\n{}", &format, &line);
        if has(Part::Status) {
            prop_assert_eq!(found.status, Some(of.status));
        }
        if has(Part::Bytes) {
            prop_assert_eq!(found.bytes, Some(u64::from(of.bytes)));
        }
        if has(Part::Referer) {
            prop_assert_eq!(found.referer.map(<[u8]>::to_vec), expected(&of.referer, escaping));
        }
        if has(Part::Agent) {
            prop_assert_eq!(found.user_agent.map(<[u8]>::to_vec), expected(&of.agent, escaping));
        }
        if has(Part::Client) {
            prop_assert_eq!(found.client_text, b"203.0.113.7");
        }
        if let Some(client) = template.client(line.as_bytes()) {
            prop_assert_eq!(client, found.client);
        }
        if has(Part::Duration) {
            let exact = u64::from(of.micros);
            let micros = if escaping == Escaping::Backslash { exact } else { exact / 1_000 * 1_000 };
            prop_assert_eq!(found.duration_us, Some(micros));
        }
    }

    #[test]
    fn no_format_and_no_line_makes_it_panic(
        format in prop_oneof![
            "[$%{}a-z_ \"'\\\\<>!0-9^:,;#\u{e9}]{0,60}",
            "(\\$(msec|request|status|host|args|is_args|uri|upstream_addr)|%(t|r|U|q|h|u|>s|\\{%F %T\\}t|\\{sec\\}t)|[ \"|,/]){1,20}",
        ],
        line in prop_oneof!["[ -~]{0,200}", "([0-9.]{1,14}|/|\"|GET| |, |-|\\[19/May/2026:14:02:11 \\+0000\\]){0,40}"],
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        if let Ok(template) = compile(&format) {
            for line in [line.as_bytes(), &bytes] {
                let found = read(&template, line);
                if let (Ok(found), Some(client)) = (found, template.client(line)) {
                    prop_assert_eq!(client, found.client);
                }
            }
        }
    }
}

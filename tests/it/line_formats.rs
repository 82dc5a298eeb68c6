//! The log of a surge with injections, written as each format of lines: what a format can hold of the story, the report
//! must tell.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harness::number;
use crate::retold::{Record, kept, records, report_of, story};

/// `05 Sep` and the time of day in UTC.
fn at(record: &Record<'_>, pattern: &str) -> String {
    record.time.format_at(Default::default(), pattern)
}

fn combined(record: &Record<'_>) -> String {
    format!(
        r#"{} - - [{}] "{}" {} {} "{}" "{}""#,
        record.client,
        record.stamp,
        record.request,
        record.status,
        size(record),
        record.referer,
        record.agent
    )
}

fn size(record: &Record<'_>) -> String {
    record
        .bytes
        .map_or("-".to_owned(), |bytes| bytes.to_string())
}

/// nginx with the time, the upstream's, the list of proxies and the host behind.
fn extended(record: &Record<'_>) -> String {
    combined(record) + r#" 0.031 0.030 "203.0.113.200, 10.0.0.3" "shop.example""#
}

fn vhost(record: &Record<'_>) -> String {
    format!("shop.example:443 {}", combined(record))
}

fn ingress(record: &Record<'_>) -> String {
    combined(record) + " 301 0.020 [shop-web-80] [] 10.1.0.4:80 9 0.019 200 a1b2"
}

fn traefik(record: &Record<'_>) -> String {
    combined(record) + r#" 4410 "shop@docker" "http://10.0.0.5:80" 31ms"#
}

/// What HAProxy writes for itself, as rsyslog files it: without a year, a user agent and a referer.
fn haproxy(record: &Record<'_>) -> String {
    format!(
        r#"{} lb1 haproxy[811]: {}:51000 [{}] fe bk/app1 0/0/1/30/31 {} {} - - ---- 20/19/8/4/0 0/0 "{}""#,
        at(record, "%b %e %H:%M:%S"),
        record.client,
        at(record, "%d/%b/%Y:%H:%M:%S.000"),
        record.status,
        record.bytes.unwrap_or_default(),
        record.request
    )
}

fn haproxy_clf(record: &Record<'_>) -> String {
    format!(
        r#"{} - - [{}] "{}" {} {} "" "" 51000 120 "fe" "bk" "app1" 0 0 1 30 31 ---- 20 19 8 4 0 0 0 "" "" "#,
        record.client,
        record.stamp,
        record.request,
        record.status,
        record.bytes.unwrap_or_default()
    )
}

fn balancer(record: &Record<'_>) -> String {
    let time = at(record, "%Y-%m-%dT%H:%M:%S.120001Z");
    format!(
        r#"https {time} app/web/50dc {}:51000 10.0.0.1:80 0.000 0.030 0.001 {} {} 200 {} "{} https://shop.example:443{} {}" "{}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:tg "Root=1-a" "shop.example" "arn:cert" 0 {time} "forward" "-" "-" "10.0.0.1:80" "{}" "-" "-" TID_1"#,
        record.client,
        record.status,
        record.status,
        record.bytes.unwrap_or_default(),
        record.method,
        record.target,
        record.protocol,
        record.agent,
        record.status
    )
}

fn envoy(record: &Record<'_>) -> String {
    format!(
        r#"[{}] "{}" {} - 0 {} 31 30 "{}" "{}" "b-1" "shop.example" "10.0.2.1:80""#,
        at(record, "%Y-%m-%dT%H:%M:%S.120Z"),
        record.request,
        record.status,
        record.bytes.unwrap_or_default(),
        record.client,
        record.agent
    )
}

/// Path and query as two columns, `-` for none.
fn split<'r>(record: &Record<'r>) -> (&'r str, &'r str) {
    match record.target.split_once('?') {
        Some((path, query)) if !query.is_empty() => (path, query),
        _ => (record.target.trim_end_matches('?'), "-"),
    }
}

/// IIS writes a header again when it is restarted, and with other columns when an administrator changed them.
fn iis(records: &[Record<'_>]) -> String {
    let mut log = String::new();
    for (number, record) in records.iter().enumerate() {
        let changed = number >= records.len() / 2;
        if number % (records.len() / 2) == 0 {
            let columns = match changed {
                false => "cs(User-Agent) cs(Referer) sc-status sc-bytes",
                true => "sc-status sc-bytes s-computername cs(Referer) cs(User-Agent)",
            };
            writeln!(
                log,
                "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip {columns}\r"
            )
            .unwrap();
        }
        let (path, query) = split(record);
        let (agent, bytes) = (
            record.agent.replace(' ', "+"),
            record.bytes.unwrap_or_default(),
        );
        let (status, referer) = (record.status, record.referer);
        let tail = match changed {
            false => format!("{agent} {referer} {status} {bytes}"),
            true => format!("{status} {bytes} WEB1 {referer} {agent}"),
        };
        writeln!(
            log,
            "{} {} {path} {query} {} {tail}\r",
            at(record, "%Y-%m-%d %H:%M:%S"),
            record.method,
            record.client
        )
        .unwrap();
    }
    log
}

fn cloudfront(records: &[Record<'_>]) -> String {
    let mut log = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query\n".to_owned();
    // It writes percent signs and blanks encoded, of paths and queries once more.
    let encoded = |text: &str| text.replace('%', "%25").replace(' ', "%20");
    for record in records {
        let (path, query) = split(record);
        let line = [
            &at(record, "%Y-%m-%d\t%H:%M:%S"),
            "FRA2-C1",
            &record.bytes.unwrap_or_default().to_string(),
            record.client,
            record.method,
            "shop.example",
            &encoded(path),
            &record.status.to_string(),
            &encoded(record.referer),
            &encoded(record.agent),
            &encoded(query),
        ];
        log += &(line.join("\t") + "\n");
    }
    log
}

/// How much of a record a format holds.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Everything,
    /// No referer, perhaps no user agent either: crowds are judged by less.
    Less,
}

type Line = fn(&Record<'_>) -> String;

const LINES: [(&str, Line, Holds); 10] = [
    ("combined", combined, Holds::Everything),
    ("combined", extended, Holds::Everything),
    ("vhost_combined", vhost, Holds::Everything),
    ("ingress_nginx", ingress, Holds::Everything),
    ("traefik_clf", traefik, Holds::Everything),
    ("haproxy_http", haproxy, Holds::Less),
    ("haproxy_clf", haproxy_clf, Holds::Less),
    ("aws_alb", balancer, Holds::Less),
    ("envoy", envoy, Holds::Less),
    // The last column of CLF is the size; who wrote it is not said.
    ("common", common, Holds::Less),
];

fn common(record: &Record<'_>) -> String {
    format!(
        r#"{} - - [{}] "{}" {} {}"#,
        record.client,
        record.stamp,
        record.request,
        record.status,
        size(record)
    )
}

/// What no format can lose.
fn gist(report: &Value) -> Value {
    let totals = &report["totals"];
    json!({
        "attack": report["verdict"]["attack"], "cause": report["verdict"]["cause"],
        "requests": totals["requests"], "clients": totals["clients"], "status": totals["status"],
        "records": report["inputs"][0]["records"], "unparsed": number(report, "/inputs/0/unparsed"),
    })
}

#[test]
fn every_format_of_lines_tells_the_story_of_the_combined_log() {
    let kept = kept();
    let records = records(&kept);
    let expected = report_of(&(kept.join("\n") + "\n"));
    assert_eq!(expected["verdict"]["cause"], "injection_and_surge");
    let of_lines = LINES.iter().map(|(name, write, holds)| {
        let lines = records.iter().map(|record| write(record) + "\n");
        (*name, lines.collect::<String>(), *holds)
    });
    let with_headers = [
        ("iis_w3c", iis(&records), Holds::Everything),
        ("cloudfront", cloudfront(&records), Holds::Everything),
    ];
    for (format, log, holds) in of_lines.chain(with_headers) {
        let report = report_of(&log);
        assert_eq!(report["inputs"][0]["format"], format, "{}", &log[..300]);
        assert_eq!(gist(&report), gist(&expected), "{format}");
        if holds == Holds::Everything {
            assert_eq!(story(&report), story(&expected), "{format}");
        }
    }
}

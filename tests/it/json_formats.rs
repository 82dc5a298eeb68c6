//! The log of a surge with injections, written as each JSON format: the report must tell the same story as of the
//! combined log that it was made from.

use std::fmt::Write as _;
use std::fs;

use aftertrace::time::{Time, parse_clf};
use serde_json::{Value, json};

use crate::harness::{each, lines, number, read_log, report_in, scenario, text};

/// A line of the combined log, cut.
struct Record<'a> {
    client: &'a str,
    stamp: &'a str,
    time: Time,
    request: &'a str,
    method: &'a str,
    target: &'a str,
    protocol: &'a str,
    status: u16,
    bytes: Option<u64>,
    referer: &'a str,
    agent: &'a str,
}

impl Record<'_> {
    fn iso(&self) -> String {
        self.time.to_rfc3339()
    }

    fn nanoseconds(&self) -> i64 {
        self.time.micros() * 1_000
    }
}

/// `None` for what was escaped or is no request: those lines are left out everywhere, so that the logs say the same.
fn cut(line: &str) -> Option<Record<'_>> {
    let pieces: Vec<&str> = line.split('"').collect();
    let [head, request, numbers, referer, " ", agent, ""] = pieces[..] else {
        return None;
    };
    if line.contains('\\') {
        return None;
    }
    let (client, rest) = head.split_once(" - - [")?;
    let stamp = rest.strip_suffix("] ")?;
    let (status, bytes) = numbers.trim().split_once(' ')?;
    let mut parts = request.split(' ');
    let (method, target, protocol) = (parts.next()?, parts.next()?, parts.next()?);
    (parts.next().is_none() && !referer.is_empty() && !agent.is_empty()).then_some(())?;
    Some(Record {
        client,
        stamp,
        time: parse_clf(stamp.as_bytes())?.0,
        request,
        method,
        target,
        protocol,
        status: status.parse().ok()?,
        bytes: bytes.parse().ok(),
        referer,
        agent,
    })
}

fn nginx(record: &Record<'_>) -> Value {
    json!({
        "time_local": record.stamp, "remote_addr": record.client, "remote_user": "", "request": record.request,
        "status": record.status.to_string(), "body_bytes_sent": record.bytes, "http_referer": record.referer,
        "http_user_agent": record.agent, "request_id": "5f2c",
    })
}

fn caddy(record: &Record<'_>) -> Value {
    json!({
        "level": "info", "ts": record.time.secs(), "logger": "http.log.access.log0", "msg": "handled request",
        "request": {
            "remote_ip": "10.0.0.7", "client_ip": record.client, "proto": record.protocol, "method": record.method,
            "host": "shop.example", "uri": record.target,
            "headers": {"User-Agent": [record.agent], "Referer": [record.referer], "Accept": ["*/*"]},
        },
        "size": record.bytes, "status": record.status, "resp_headers": {"Server": ["Caddy"]},
    })
}

fn traefik(record: &Record<'_>) -> Value {
    json!({
        "ClientHost": record.client, "RequestMethod": record.method, "RequestPath": record.target,
        "RequestProtocol": record.protocol, "DownstreamStatus": record.status, "DownstreamContentSize": record.bytes,
        "StartUTC": record.iso(), "request_User-Agent": record.agent, "request_Referer": record.referer, "level": "info", "msg": "",
    })
}

fn cloudflare(record: &Record<'_>) -> Value {
    json!({
        "ClientIP": record.client, "ClientRequestMethod": record.method, "ClientRequestURI": record.target,
        "ClientRequestProtocol": record.protocol, "EdgeResponseStatus": record.status, "EdgeResponseBytes": record.bytes,
        "EdgeStartTimestamp": record.nanoseconds(), "ClientRequestUserAgent": record.agent, "ClientRequestReferer": record.referer,
        "RayID": "9a",
    })
}

fn unknown(record: &Record<'_>) -> Value {
    json!({
        "zeit": record.iso(), "knoten": "10.0.0.7", "adr": record.client, "frage": record.request, "antwort": record.status,
        "size": record.bytes, "womit": record.agent, "woher": record.referer, "faden": 17,
    })
}

fn elastic(record: &Record<'_>) -> Value {
    json!({
        "@timestamp": record.iso(), "source": {"ip": record.client}, "url": {"original": record.target},
        "http": {
            "request": {"method": record.method, "referrer": record.referer},
            "response": {"status_code": record.status, "body": {"bytes": record.bytes}},
        },
        "user_agent": {"original": record.agent}, "ecs": {"version": "8.11"},
    })
}

/// A way to write a record.
type Writer = fn(&Record<'_>) -> Value;

const FORMATS: &[(&str, Writer)] = &[
    ("nginx_json", nginx),
    ("caddy_json", caddy),
    ("traefik_json", traefik),
    ("cloudflare_json", cloudflare),
    ("json", unknown),
    ("json", elastic),
];

/// What the report says, whatever the log was written as.
fn story(report: &Value) -> Value {
    let incidents = each(report, "/incidents/*").into_iter().map(|incident| {
        let actors = each(incident, "/actors/*").into_iter();
        let actors: Vec<Value> = actors
            .map(|actor| json!([actor["role"], actor["clients"], actor["requests"]]))
            .collect();
        json!([
            incident["cause"],
            incident["severity"],
            incident["start"],
            incident["end"],
            actors
        ])
    });
    json!({
        "attack": report["verdict"]["attack"], "cause": report["verdict"]["cause"],
        "start": report["verdict"]["start"], "end": report["verdict"]["end"],
        "records": number(report, "/inputs/0/records"), "unparsed": number(report, "/inputs/0/unparsed"),
        "incidents": incidents.collect::<Vec<Value>>(),
    })
}

fn report_of(log: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("access.log"), log).unwrap();
    report_in(folder.path(), &["access.log"])
}

#[test]
fn every_json_format_tells_the_story_of_the_combined_log() {
    let source = scenario("sqli-surge-2021-09-05");
    let log = read_log(&source.folder.join("access.log.gz"));
    let kept: Vec<String> = lines(&log).into_iter().map(text).collect();
    let kept: Vec<(&str, Record<'_>)> = kept
        .iter()
        .filter_map(|line| Some((line.as_str(), cut(line)?)))
        .collect();
    let combined: String = kept.iter().map(|(line, _)| format!("{line}\n")).collect();
    let combined = report_of(&combined);
    let expected = story(&combined);
    assert_eq!(expected["attack"], true);
    assert!(
        expected["incidents"][0][4][0][1]
            .as_array()
            .is_some_and(|clients| !clients.is_empty())
    );
    for (format, write) in FORMATS {
        let mut log = String::new();
        for (_, record) in &kept {
            writeln!(log, "{}", write(record)).unwrap();
        }
        let report = report_of(&log);
        assert_eq!(report["inputs"][0]["format"], *format);
        assert_eq!(story(&report), expected, "{format}");
    }
}

//! The log of a surge with injections, written as each JSON format: the report must tell the same story as of the
//! combined log that it was made from.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::retold::{Record, kept, records, report_of, story};

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

/// With the path and the query in keys of their own, under names that nobody knows.
fn apart(record: &Record<'_>) -> Value {
    let (path, query) = record.target.split_once('?').unwrap_or((record.target, ""));
    json!({
        "zeit": record.iso(), "adr": record.client, "wie": record.method, "p": path, "q": query,
        "fassung": record.protocol, "antwort": record.status, "bytes_gesendet": record.bytes, "womit": record.agent,
        "rf": record.referer,
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
    ("json", apart),
    ("json", elastic),
];

#[test]
fn every_json_format_tells_the_story_of_the_combined_log() {
    let kept = kept();
    let combined = report_of(&(kept.join("\n") + "\n"));
    let expected = story(&combined);
    assert_eq!(expected["attack"], true);
    assert!(
        expected["incidents"][0][4][0][1]
            .as_array()
            .is_some_and(|clients| !clients.is_empty())
    );
    for (format, write) in FORMATS {
        let mut log = String::new();
        for record in records(&kept) {
            writeln!(log, "{}", write(&record)).unwrap();
        }
        let report = report_of(&log);
        assert_eq!(report["inputs"][0]["format"], *format);
        assert_eq!(story(&report), expected, "{format}");
    }
}

//! Hand-made reports for the renderers' tests: a rich one, a quiet one, an empty one.
//!
//! Every piece of log text goes through `text`, so that a test can make all of it hostile at once.

use std::collections::BTreeMap;

use crate::category::Category;
use crate::format::spec::LogKind;
use crate::report::view::*;
use crate::severity::Severity;
use crate::terms::{Cause, Dimension, Outcome, Phase, Role, SymptomKind};
use crate::time::{Time, UtcOffset};

/// Turns the sample's log text into what a test wants it to be.
pub type Rewrite<'a> = &'a dyn Fn(&str) -> String;

const ACCESS: &str = "/var/log/nginx/shop.access.log";
const ERROR: &str = "/var/log/nginx/shop.error.log";

/// What a renderer of JSON lines writes, which nothing in a terminal obeys.
pub fn json_lines(
    render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    render(&mut out).expect("writing to memory");
    let text = String::from_utf8(out).expect("text");
    let lines = text.lines().map(|line| {
        assert_eq!(crate::report::escape::terminal(line), line);
        serde_json::from_str(line).expect("JSON")
    });
    lines.collect()
}

/// An attack with everything that a report can hold, an older and a smaller incident.
pub fn rich(text: Rewrite) -> Report {
    Report {
        verdict: Verdict {
            attack: true,
            cause: "injection_and_surge".into(),
            confidence: 0.93,
            headline: text(
                "SQL injection against /product.php from 13:58, then a surge to 480 requests per second from three \
                 networks that left the server without free workers from 14:06 and down for 11 minutes.",
            ),
            start: Some(at("13:58:03")),
            end: Some(at("15:47:12")),
        },
        incidents: vec![scan(text), surge(text), noise(3, text), noise(4, text)],
        warnings: vec![
            Warning {
                code: "error_zone_inferred".into(),
                message: text(
                    "the error log carries no zone; UTC+00:00 aligns best with the access log",
                ),
                input: Some(text(ERROR)),
            },
            Warning {
                code: "cap".into(),
                message: text("more than 65,536 distinct paths; the rest is counted together"),
                input: None,
            },
        ],
        ..quiet(text)
    }
}

/// A day without an incident.
pub fn quiet(text: Rewrite) -> Report {
    Report {
        schema_version: SCHEMA_VERSION.into(),
        tool: Tool {
            name: "aftertrace".into(),
            version: "0.1.0".into(),
        },
        pseudonymized: false,
        verdict: Verdict {
            attack: false,
            cause: "none".into(),
            confidence: 0.97,
            headline: text("Nothing in these logs looks like an attack."),
            start: None,
            end: None,
        },
        inputs: vec![access_input(text), error_input(text)],
        window: Window {
            start: Some(at("00:00:01")),
            end: Some(at("23:59:58")),
            bucket_s: 60,
            utc_offset: UtcOffset::UTC,
        },
        totals: totals(),
        known: Vec::new(),
        databases: Vec::new(),
        series: series(),
        incidents: Vec::new(),
        warnings: Vec::new(),
    }
}

fn totals() -> Totals {
    Totals {
        requests: 1_812_345,
        bytes_sent: Some(42_300_000_000),
        clients: 48_213,
        status: named([
            ("2xx", 1_402_311),
            ("3xx", 120_034),
            ("4xx", 77_777),
            ("5xx", 212_223),
        ]),
        hits: 3_214,
        hits_by_category: named([
            ("sql_injection", 3_001),
            ("path_traversal", 200),
            ("scanner", 13),
        ]),
    }
}

/// A day with its rhythm, and a surge after noon.
fn series() -> Series {
    let requests: Vec<u64> = (0..1440).map(day_shape).collect();
    let surge = 838..947;
    let series_of = |inside: u64, outside: u64| -> Vec<u64> {
        (0..1440)
            .map(|minute| {
                if surge.contains(&minute) {
                    inside + minute as u64 % 7 * inside / 9
                } else {
                    outside
                }
            })
            .collect()
    };
    Series {
        start: Some(at("00:00:00")),
        bucket_s: 60,
        clients: requests.iter().map(|requests| requests / 9).collect(),
        requests,
        errors_5xx: series_of(1_900, 0),
        hits: series_of(30, 0),
    }
}

/// Nothing could be read.
pub fn empty() -> Report {
    let quiet = quiet(&str::to_string);
    Report {
        inputs: Vec::new(),
        window: Window {
            start: None,
            end: None,
            bucket_s: 60,
            utc_offset: UtcOffset::UTC,
        },
        totals: Totals {
            requests: 0,
            bytes_sent: None,
            clients: 0,
            status: BTreeMap::new(),
            hits: 0,
            hits_by_category: BTreeMap::new(),
        },
        series: Series {
            start: None,
            bucket_s: 60,
            requests: Vec::new(),
            errors_5xx: Vec::new(),
            hits: Vec::new(),
            clients: Vec::new(),
        },
        ..quiet
    }
}

fn at(clock: &str) -> Time {
    Time::parse_rfc3339(&format!("2021-09-05T{clock}Z")).expect("a time of day")
}

/// A day's rhythm with a surge in the afternoon and a silence inside it.
fn day_shape(minute: u64) -> u64 {
    let hour = minute / 60;
    let base = 220 + 60 * hour.min(24 - hour) + minute % 13 * 9;
    match minute {
        850..=860 => 0,
        838..=946 => base + 14_000 + minute % 5 * 2_900,
        _ => base,
    }
}

fn access_input(text: Rewrite) -> Input {
    Input {
        path: text(ACCESS),
        kind: LogKind::Access,
        format: "combined".into(),
        bytes: 412_345_678,
        lines: 1_812_360,
        records: 1_812_345,
        unparsed: 14,
        blank: 1,
        first: Some(at("00:00:01")),
        last: Some(at("23:59:58")),
        utc_offset: Some(UtcOffset::UTC),
        clock_skew_s: None,
        notes: vec![text(
            "14 lines: the line ends too early, such as line 812,001",
        )],
    }
}

fn error_input(text: Rewrite) -> Input {
    Input {
        path: text(ERROR),
        kind: LogKind::Error,
        format: "nginx_error".into(),
        bytes: 1_234_567,
        lines: 8_123,
        records: 8_123,
        unparsed: 0,
        blank: 0,
        first: Some(at("06:15:10")),
        last: Some(at("15:40:00")),
        utc_offset: Some(UtcOffset::UTC),
        clock_skew_s: Some(-2.0),
        notes: Vec::new(),
    }
}

fn line(source: &str, line: u64, time: &str, body: &str, text: Rewrite) -> Evidence {
    Evidence {
        source: text(source),
        line: Some(line),
        offset: line * 200,
        time: Some(at(time)),
        lines: 1,
        text: text(body),
    }
}

fn probe(number: u64, time: &str, text: Rewrite) -> Evidence {
    let body = format!(
        "203.0.113.77 - - [05/Sep/2021:{time} +0000] \"GET /product.php?id=7%27%20UNION%20SELECT%201,2,user()--%20- \
         HTTP/1.1\" 500 812 \"-\" \"sqlmap/1.5 (https://sqlmap.org)\""
    );
    line(ACCESS, number, time, &body, text)
}

fn surge(text: Rewrite) -> Incident {
    Incident {
        id: 2,
        cause: Cause::InjectionAndSurge,
        attack: true,
        severity: Severity::Critical,
        confidence: 0.93,
        reasons: vec![
            text("3,001 requests carry SQL injection that parses, all against one parameter."),
            text(
                "Requests rose 29-fold within 40 seconds; 97% of the clients inside were never seen outside.",
            ),
            text("The error log reports exhausted workers 5 m 58 s after the surge began."),
        ],
        start: at("13:58:03"),
        end: at("15:47:12"),
        ongoing_at_start: false,
        ongoing_at_end: false,
        headline: text(
            "SQL injection against /product.php from 13:58, then a surge to 480 requests per second from three \
             networks that left the server without free workers from 14:06 and down for 11 minutes.",
        ),
        timeline: story(text),
        bursts: vec![
            burst(Dimension::Total, None, text),
            burst(Dimension::Path, Some("/search"), text),
        ],
        actors: vec![injector(text), flooder(text)],
        injections: vec![injection(text)],
        symptoms: vec![symptom(text)],
        impact: impact(text),
        mitigations: mitigations(text),
    }
}

fn impact(text: Rewrite) -> Impact {
    Impact {
        requests: 1_502_111,
        failed: 212_223,
        failed_ratio: Some(0.1413),
        clients: 44_001,
        clients_failed: 31_870,
        outages: vec![Outage {
            start: at("14:10:02"),
            end: at("14:20:59"),
            reason: text(
                "no request was answered for 10 m 57 s; the baseline would have brought one every 60 ms",
            ),
        }],
        lost_requests_estimate: Some(11_200),
        minutes_down: 10.95,
        innocent_clients_failed: 1_204,
        failed_ratio_before: Some(0.0004),
        failed_ratio_after: Some(0.0011),
        time_to_detect_s: Some(358),
        time_to_mitigate_s: Some(5_400),
        time_to_recover_s: Some(9_122),
    }
}

fn mitigations(text: Rewrite) -> Vec<Mitigation> {
    vec![
        Mitigation {
            kind: "block_networks".into(),
            summary: text("Blocking three networks at the edge"),
            targets: vec![
                text("198.51.100.0/24"),
                text("192.0.2.0/24"),
                text("2001:db8:77::/48"),
            ],
            attack_share: Some(0.968),
            innocent_share: Some(0.0004),
            details: vec![Target {
                target: text("198.51.100.0/24"),
                clients: 118,
                attack_share: Some(0.61),
                innocent_clients: 2,
                innocent_share: Some(0.0003),
                from: Some(at("14:00:03")),
                origins: vec![hosting(118, 852_914, text)],
            }],
            limits: Vec::new(),
        },
        Mitigation {
            kind: "rate_limit".into(),
            summary: text("Letting each client send 30 requests a minute"),
            targets: Vec::new(),
            attack_share: Some(0.84),
            innocent_share: Some(0.002),
            details: Vec::new(),
            limits: vec![
                RateLimit {
                    advised: true,
                    ..limit(30, 0.84, 0.002, 3)
                },
                limit(60, 0.71, 0.0, 0),
            ],
        },
        Mitigation {
            kind: "fix_endpoint".into(),
            summary: text("Bound parameters in /product.php, parameter id"),
            targets: Vec::new(),
            attack_share: None,
            innocent_share: None,
            details: Vec::new(),
            limits: Vec::new(),
        },
    ]
}

fn limit(per_minute: u64, attack: f64, innocent: f64, innocent_clients: u64) -> RateLimit {
    RateLimit {
        per_minute,
        attack_share: Some(attack),
        innocent_share: Some(innocent),
        innocent_clients,
        advised: false,
    }
}

fn hosting(clients: u64, requests: u64, text: Rewrite) -> Origin {
    Origin {
        country: Some(text("NL")),
        asn: Some(64_496),
        organization: Some(text("Example Hosting B.V.")),
        clients,
        requests,
    }
}

fn entry(
    time: &str,
    phase: Phase,
    severity: Severity,
    summary: &str,
    text: Rewrite,
) -> TimelineEntry {
    TimelineEntry {
        time: at(time),
        end: None,
        phase,
        kind: "onset".to_string(),
        severity,
        summary: text(summary),
        actors: vec!["A1".to_string()],
        metrics: BTreeMap::new(),
        evidence: vec![probe(811_904, time, text)],
    }
}

fn story(text: Rewrite) -> Vec<TimelineEntry> {
    let crash = "2021/09/05 14:06:01 [alert] 812#812: 1024 worker_connections are not enough while connecting to upstream";
    vec![
        TimelineEntry {
            end: Some(at("14:40:11")),
            evidence: (0..5)
                .map(|index| probe(811_904 + index * 17, "13:58:03", text))
                .collect(),
            ..entry(
                "13:58:03",
                Phase::Injection,
                Severity::High,
                "First SQL injection in /product.php, parameter id: union, boolean and time-based.",
                text,
            )
        },
        entry(
            "14:00:03",
            Phase::Surge,
            Severity::High,
            "Requests rise from 16/s to 480/s within 40 seconds.",
            text,
        ),
        TimelineEntry {
            actors: Vec::new(),
            evidence: vec![line(ERROR, 7_001, "14:06:01", crash, text)],
            ..entry(
                "14:06:01",
                Phase::Degradation,
                Severity::Critical,
                "The server runs out of worker connections.",
                text,
            )
        },
        TimelineEntry {
            end: Some(at("14:20:59")),
            evidence: Vec::new(),
            ..entry(
                "14:10:02",
                Phase::Outage,
                Severity::Critical,
                "No request is answered.",
                text,
            )
        },
        entry(
            "15:47:12",
            Phase::Recovery,
            Severity::Low,
            "The rate is back at its baseline.",
            text,
        ),
    ]
}

fn ranked(values: &[&str], text: Rewrite) -> Vec<Ranked> {
    let entry = |(index, value): (usize, &&str)| Ranked {
        key: text(value),
        requests: 600_000 >> index,
        excess: 1,
    };
    values.iter().enumerate().map(entry).collect()
}

fn burst(dimension: Dimension, key: Option<&str>, text: Rewrite) -> Burst {
    Burst {
        dimension,
        key: key.map(text),
        start: at("14:00:03"),
        peak_at: at("14:31:00"),
        end: at("15:46:58"),
        baseline_rps: 16.4,
        peak_rps: 482.2,
        requests: 1_500_007,
        excess_requests: 1_398_220,
        clients: 44_001,
        new_client_ratio: Some(0.968),
        classification: "ddos".into(),
        confidence: 0.91,
        top: BurstTop {
            clients: Vec::new(),
            networks: ranked(
                &["198.51.100.0/24", "192.0.2.0/24", "2001:db8:77::/48"],
                text,
            ),
            paths: ranked(&["/search", "/"], text),
            user_agents: ranked(
                &[
                    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)",
                    "curl/7.68.0",
                ],
                text,
            ),
        },
    }
}

fn injector(text: Rewrite) -> Actor {
    Actor {
        id: "A1".to_string(),
        role: Role::Injector,
        clients: vec![text("203.0.113.77")],
        client_count: 1,
        networks: vec![text("203.0.113.0/24")],
        user_agents: vec![text("sqlmap/1.5 (https://sqlmap.org)")],
        first: at("13:58:03"),
        last: at("14:40:11"),
        requests: 3_120,
        hits_by_category: named([("sql_injection", 3_001)]),
        paths: vec![text("/product.php"), text("/")],
        status: named([("2xx", 120), ("5xx", 3_000)]),
        origins: Vec::new(),
    }
}

fn flooder(text: Rewrite) -> Actor {
    Actor {
        id: "A2".to_string(),
        role: Role::Flooder,
        clients: (0..200)
            .map(|host| text(&format!("198.51.100.{host}")))
            .collect(),
        client_count: 42_613,
        networks: vec![
            text("198.51.100.0/24"),
            text("192.0.2.0/24"),
            text("2001:db8:77::/48"),
        ],
        user_agents: vec![text(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)",
        )],
        first: at("14:00:03"),
        last: at("15:46:58"),
        requests: 1_398_220,
        hits_by_category: BTreeMap::new(),
        paths: vec![text("/search")],
        status: named([("2xx", 1_198_220), ("5xx", 200_000)]),
        origins: vec![hosting(42_613, 1_398_220, text)],
    }
}

fn injection(text: Rewrite) -> Injection {
    Injection {
        category: Category::SqlInjection,
        endpoint: text("/product.php"),
        parameter: Some(text("id")),
        techniques: vec![
            "union".to_string(),
            "boolean".to_string(),
            "time_based".to_string(),
        ],
        attempts: 3_001,
        actors: vec!["A1".to_string()],
        first: at("13:58:03"),
        last: at("14:40:11"),
        outcome: Outcome::Suspected,
        outcome_reasons: vec![
            text("120 answers were 200 and 40 times larger than this path's usual answer"),
            text("the database reported syntax errors in the same seconds"),
        ],
        samples: vec![
            probe(811_904, "13:58:03", text),
            probe(813_377, "14:02:44", text),
        ],
    }
}

fn symptom(text: Rewrite) -> Symptom {
    let message = "2021/09/05 14:06:01 [alert] 812#812: 1024 worker_connections are not enough";
    Symptom {
        kind: SymptomKind::ConnectionsExhausted,
        first: at("14:06:01"),
        last: at("15:40:00"),
        count: 8_011,
        title: text("nginx has no free connections"),
        by_requests: false,
        once_per_lifetime: false,
        sample: text(message),
        evidence: vec![line(ERROR, 7_001, "14:06:01", message, text)],
        links: vec![
            link(Relation::SameRequest, "/search.php", 2, 0.0),
            link(Relation::SameClient, "A2", 7_900, 483.0),
            link(Relation::Overlaps, "surge", 1, 480.0),
            link(Relation::Precedes, "silence", 1, 241.0),
        ],
    }
}

fn link(relation: Relation, to: &str, count: u64, lag_s: f64) -> SymptomLink {
    SymptomLink {
        relation,
        to: to.to_string(),
        count,
        lag_s: Some(lag_s),
        evidence: Vec::new(),
    }
}

fn bare(id: u32, cause: Cause, severity: Severity, start: &str, end: &str) -> Incident {
    Incident {
        id,
        cause,
        attack: cause.is_attack(),
        severity,
        confidence: 0.8,
        reasons: Vec::new(),
        start: at(start),
        end: at(end),
        ongoing_at_start: false,
        ongoing_at_end: false,
        headline: String::new(),
        timeline: Vec::new(),
        bursts: Vec::new(),
        actors: Vec::new(),
        injections: Vec::new(),
        symptoms: Vec::new(),
        impact: Impact {
            requests: 210,
            failed: 0,
            failed_ratio: Some(0.0),
            clients: 1,
            clients_failed: 0,
            outages: Vec::new(),
            lost_requests_estimate: None,
            minutes_down: 0.0,
            innocent_clients_failed: 0,
            failed_ratio_before: None,
            failed_ratio_after: None,
            time_to_detect_s: None,
            time_to_mitigate_s: None,
            time_to_recover_s: None,
        },
        mitigations: Vec::new(),
    }
}

fn scan(text: Rewrite) -> Incident {
    Incident {
        headline: text(
            "One client asked for 210 paths that do not exist, among them backups and configuration files.",
        ),
        ongoing_at_start: true,
        ..bare(1, Cause::Scan, Severity::Medium, "00:00:01", "00:14:10")
    }
}

fn noise(id: u32, text: Rewrite) -> Incident {
    Incident {
        headline: text("One client probed for /.env and /.git/config, was answered 404, and left."),
        ..bare(id, Cause::Scan, Severity::Low, "18:01:02", "18:01:09")
    }
}

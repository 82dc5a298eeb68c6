//! `--access-format` and `--server-config`: logs in formats that nobody knows but the server's administrator.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{report_in, run_in, text};

/// The same requests in the combined format and in one of our own: ordinary ones, and an injection that is tried
/// in many forms.
fn logs(folder: &Path) {
    let (mut combined, mut own) = (String::new(), String::new());
    for n in 0..600 {
        let (minute, second) = (n / 60, n % 60);
        let (client, target, status) = match n % 10 {
            3 if n > 300 => (
                "203.0.113.9".to_owned(),
                format!("/item?id={n}%27%20UNION%20SELECT%20login,password%20FROM%20users--%20-"),
                500,
            ),
            _ => (
                format!("198.51.100.{}", n % 40),
                format!("/item?id={n}"),
                200,
            ),
        };
        let clock = format!("19/May/2026:14:{minute:02}:{second:02} +0200");
        combined += &format!(
            "{client} - - [{clock}] \"GET {target} HTTP/1.1\" {status} 512 \"-\" \"Mozilla/5.0 (X11)\"\n"
        );
        own += &format!(
            "2026-05-19T14:{minute:02}:{second:02}+0200|{status}|512|GET|{target}|{client}|Mozilla/5.0 (X11)\n"
        );
    }
    fs::write(folder.join("combined.log"), combined).unwrap();
    fs::write(folder.join("own.log"), own).unwrap();
}

const FORMAT: &str = "%{%Y-%m-%dT%H:%M:%S%z}t|%>s|%B|%m|%U%q|%h|%{User-Agent}i";

fn input<'a>(report: &'a Value, path: &str) -> &'a Value {
    let inputs = report["inputs"].as_array().unwrap();
    inputs
        .iter()
        .find(|input| input["path"] == path)
        .unwrap_or_else(|| panic!("{path} in {inputs:?}"))
}

fn codes(report: &Value) -> Vec<&str> {
    let warnings = report["warnings"].as_array().unwrap();
    warnings
        .iter()
        .map(|warning| warning["code"].as_str().unwrap())
        .collect()
}

#[test]
fn a_log_in_a_format_of_its_own_tells_the_same_story() {
    let folder = tempfile::tempdir().unwrap();
    logs(folder.path());
    let combined = report_in(folder.path(), &["combined.log"]);
    let own = report_in(folder.path(), &["own.log", "--access-format", FORMAT]);
    assert_eq!(input(&own, "own.log")["format"], "custom");
    assert_eq!(input(&own, "own.log")["unparsed"], 0);
    assert_eq!(own["totals"], combined["totals"]);
    assert!(!own["incidents"].as_array().unwrap().is_empty());
    let told = |report: &Value| -> Vec<Value> {
        let incidents = report["incidents"].as_array().unwrap();
        incidents
            .iter()
            .map(|incident| incident["headline"].clone())
            .collect()
    };
    assert_eq!(told(&own), told(&combined));
    assert!(!codes(&own).contains(&"access_format_unused"));
}

#[test]
fn a_given_format_is_used_where_it_fits_and_not_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    logs(folder.path());
    let both = report_in(
        folder.path(),
        &["combined.log", "own.log", "--access-format", FORMAT],
    );
    assert_eq!(input(&both, "combined.log")["format"], "combined");
    assert_eq!(input(&both, "own.log")["format"], "custom");
    let unused = report_in(folder.path(), &["combined.log", "--access-format", FORMAT]);
    assert!(codes(&unused).contains(&"access_format_unused"));
    let combined = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                    \"$http_referer\" \"$http_user_agent\"";
    let tie = report_in(
        folder.path(),
        &["combined.log", "--access-format", combined],
    );
    assert_eq!(input(&tie, "combined.log")["format"], "custom");
    assert_eq!(
        tie["totals"],
        report_in(folder.path(), &["combined.log"])["totals"]
    );
}

#[test]
fn a_format_that_cannot_work_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    logs(folder.path());
    for (format, says) in [
        (
            "%h \"%r\" %>s",
            "--access-format: nothing in it says when a request came; add %t",
        ),
        (
            "$time_local $status",
            "--access-format: nothing in it says what was requested; add \"$request\"",
        ),
        ("%h %t \"%r\" %Z", "%Z is no directive of Apache"),
        (
            "%h [$time_local] \"$request\" $status",
            "%h is of Apache's LogFormat and $time_local of nginx' log_format",
        ),
        (
            "$remote_addr [$time_locl] \"$request\" $status",
            "$time_locl is no variable of nginx: did you mean $time_local?",
        ),
    ] {
        for command in ["scan", "hits"] {
            let output = run_in(
                folder.path(),
                &[command, "own.log", "--access-format", format],
            );
            assert_eq!(output.status.code(), Some(2), "{format}");
            let said = text(&output.stderr);
            assert!(said.contains(says), "{format}: {said}");
        }
    }
}

#[test]
fn hits_explain_and_formats_know_it_too() {
    let folder = tempfile::tempdir().unwrap();
    logs(folder.path());
    let given = ["--access-format", FORMAT];
    let hits = run_in(folder.path(), &[&["hits", "own.log"], &given[..]].concat());
    assert_eq!(text(&hits.stdout).lines().count(), 30);
    let log = fs::read_to_string(folder.path().join("own.log")).unwrap();
    let line = log.lines().find(|line| line.contains("UNION")).unwrap();
    let arguments = [&["explain", line, "--format", "json"], &given[..]].concat();
    let explained = run_in(folder.path(), &arguments);
    let explained: Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!(explained["understood"]["format"], "custom");
    assert_eq!(explained["verdict"]["category"], "sql_injection");
    let arguments = [
        "formats",
        "--explain",
        "own.log",
        "--format",
        "json",
        "--lines",
        "2",
    ];
    let shown = run_in(folder.path(), &[&arguments[..], &given[..]].concat());
    let shown = text(&shown.stdout);
    let lines: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["format"], "custom");
    assert_eq!(lines[0]["votes"][0]["format"], "custom");
    assert_eq!(lines[1]["fields"]["target"], "/item?id=0");
    let piped = crate::harness::aftertrace()
        .args(["hits", "-", "--no-context"])
        .args(given)
        .write_stdin(log.clone())
        .output()
        .unwrap();
    assert_eq!(text(&piped.stdout).lines().count(), 30);
}

#[test]
fn the_client_behind_proxies_is_taken_from_the_header_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let line = |n: usize| {
        let clock = format!("19/May/2026:14:{:02}:{:02} +0000", n / 60, n % 60);
        format!(
            "10.0.0.1 [{clock}] \"GET /{n} HTTP/1.1\" 200 \"198.51.100.{}\" \"203.0.113.{}\"\n",
            n % 20,
            n % 50
        )
    };
    let log: String = (0..300).map(line).collect();
    fs::write(folder.path().join("own.log"), log).unwrap();
    let apache = r#"%h %t "%r" %>s "%{X-Real-IP}i" "%{X-Forwarded-For}i""#;
    let nginx = r#"$remote_addr [$time_local] "$request" $status "$http_x_real_ip" "$http_x_forwarded_for""#;
    for format in [apache, nginx] {
        for (header, clients) in [
            (None, 1),
            (Some("X-Real-IP"), 20),
            (Some("X-Forwarded-For"), 50),
            (Some("CF-Connecting-IP"), 1),
        ] {
            let mut arguments = vec!["own.log", "--access-format", format];
            arguments.extend(header.iter().flat_map(|header| ["--client-from", header]));
            let report = report_in(folder.path(), &arguments);
            assert_eq!(input(&report, "own.log")["format"], "custom");
            assert_eq!(report["totals"]["clients"], clients, "{format} {header:?}");
            assert_eq!(
                codes(&report).contains(&"no_client_field"),
                header == Some("CF-Connecting-IP")
            );
        }
    }
    let arguments = [
        "formats",
        "--explain",
        "own.log",
        "--access-format",
        apache,
        "--client-from",
        "X-Real-IP",
    ];
    let shown = run_in(folder.path(), &arguments);
    assert!(
        text(&shown.stdout).contains("198.51.100.0"),
        "{}",
        text(&shown.stdout)
    );
}

#[test]
fn configurations_give_each_log_its_own_format() {
    let folder = tempfile::tempdir().unwrap();
    logs(folder.path());
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("logs/shop")).unwrap();
    fs::rename(path("own.log"), path("logs/shop/access.log.1")).unwrap();
    fs::rename(path("combined.log"), path("logs/front.log")).unwrap();
    fs::create_dir_all(path("conf/sites")).unwrap();
    let conf = format!("LogFormat \"{FORMAT}\" own\nIncludeOptional sites/*.conf\n");
    fs::write(path("conf/httpd.conf"), conf).unwrap();
    let site = "<VirtualHost *:80>\n  CustomLog /var/log/shop/access.log own\n</VirtualHost>\n";
    fs::write(path("conf/sites/shop.conf"), site).unwrap();
    let nginx = "http { log_format main '$remote_addr - $remote_user [$time_local] \"$request\" '\n\
                 '$status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"';\n\
                 access_log /var/log/nginx/front.log main; }";
    fs::write(path("conf/nginx.conf"), nginx).unwrap();
    let report = report_in(
        folder.path(),
        &[
            "logs",
            "--server-config",
            "conf/httpd.conf",
            "--server-config",
            "conf/nginx.conf",
        ],
    );
    for (log, note) in [
        (
            "logs/shop/access.log.1",
            "read with the format `own` of conf/httpd.conf:1",
        ),
        (
            "logs/front.log",
            "read with the format `main` of conf/nginx.conf:1",
        ),
    ] {
        let input = input(&report, log);
        assert_eq!(input["format"], "custom", "{log}");
        let notes = input["notes"].to_string();
        assert!(notes.contains(note), "{log}: {notes}");
    }
    // Both servers logged the same requests here.
    assert_eq!(codes(&report), ["requests_logged_twice"]);
    fs::write(path("conf/nginx.conf"), "http {\n access_log 'x;\n}").unwrap();
    let broken = run_in(
        folder.path(),
        &["scan", "logs", "--server-config", "conf/nginx.conf"],
    );
    assert_eq!(broken.status.code(), Some(2));
    assert!(text(&broken.stderr).contains("conf/nginx.conf:2: quotes"));
}

#[test]
fn a_format_that_is_too_short_is_not_used_and_shows_where_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = String::new();
    for n in 0..60 {
        log += &format!(
            "2024-06-10T08:00:{n:02}+00:00|192.0.2.7|-|GET /item?id={n}%27 HTTP/1.1|500|900|0.050|shop.example|-\n"
        );
    }
    fs::write(folder.path().join("own.log"), log).unwrap();
    let short = "$time_iso8601|$remote_addr|$http_x_forwarded_for|$request|$status";
    let output = run_in(
        folder.path(),
        &[
            "scan",
            "own.log",
            "--format",
            "json",
            "--access-format",
            short,
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    let expected = "line 1 of own.log has more than the format: at column 69, behind $status, \u{201c}|900|0.050|shop.example|-\u{201d} follows";
    assert!(said.contains(expected), "{said}");
    let wrong = "$time_iso8601|$status|$remote_addr|$request";
    let output = run_in(
        folder.path(),
        &[
            "scan",
            "own.log",
            "--format",
            "json",
            "--access-format",
            wrong,
        ],
    );
    let said = text(&output.stderr);
    let expected = "line 1 of own.log is not in it from column 27 on, where $status is expected: \u{201c}192.0.2.7|-|GET /item";
    assert!(said.contains(expected), "{said}");
    let whole = format!("{short}|$body_bytes_sent|$request_time|$host|$http_referer");
    let report = report_in(folder.path(), &["own.log", "--access-format", &whole]);
    assert_eq!(input(&report, "own.log")["records"], 60);
}

//! Who the client is: proxies in front, claims that nobody vouches for, and clients that are known.

use std::fs;

use serde_json::Value;

use crate::harness::{each, number, report_in, run_in, text};

/// Requests of visitors in the hours of a log, one for each of so many seconds.
const EVERY_S: u64 = 4;

/// Seconds that a log lasts.
const LASTS_S: u64 = 4 * 3600;

/// How many visitors there are.
const VISITORS: u64 = 150;

/// A request.
struct Request {
    /// Second of the log.
    at: u64,
    connection: String,
    /// What the header says; empty for none.
    forwarded: String,
    target: String,
    status: u16,
}

/// A log under construction.
#[derive(Default)]
struct Log {
    requests: Vec<Request>,
}

impl Log {
    /// Visitors for the whole time: each looks at a page and what belongs to it. `come` gives connection and header.
    fn visited(come: impl Fn(u64) -> (String, String)) -> Log {
        let mut log = Log::default();
        for n in 0..LASTS_S / EVERY_S {
            let target = match n % 3 {
                0 => format!("/page/{}", n * 7 % 40),
                1 => "/style.css".to_string(),
                _ => "/logo.png".to_string(),
            };
            log.add(n * EVERY_S, come(n / 3 * 31 % VISITORS), &target, 200);
        }
        log
    }

    fn add(
        &mut self,
        at: u64,
        (connection, forwarded): (String, String),
        target: &str,
        status: u16,
    ) {
        self.requests.push(Request {
            at,
            connection,
            forwarded,
            target: target.to_string(),
            status,
        });
    }

    /// Twenty requests a second for five minutes, two hours after the beginning.
    fn flood(&mut self, who: impl Fn(u64) -> (String, String)) {
        for n in 0..6000 {
            self.add(7200 + n / 20, who(n), "/search", 503);
        }
    }

    /// A client that injects SQL, half an hour after the beginning.
    fn injection(&mut self, who: &(String, String)) {
        for n in 0..40 {
            let target = format!("/item?id={n}'%20UNION%20SELECT%20password%20FROM%20users--%20");
            self.add(1800 + n * 5, who.clone(), &target, 200);
        }
    }

    /// The combined format with the header behind it, by time.
    fn text(&mut self) -> String {
        self.write(|request, clock, forwarded| {
            let agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0";
            let clock = format!("19/May/2026:{clock} +0000");
            format!(
                "{} - - [{clock}] \"GET {} HTTP/1.1\" {} 512 \"-\" \
                 \"{agent}\" \"{forwarded}\"\n",
                request.connection, request.target, request.status
            )
        })
    }

    /// nginx's JSON, with the header under this key.
    fn json(&mut self, key: &str) -> String {
        self.write(|request, clock, forwarded| {
            format!(
                "{{\"time_iso8601\":\"2026-05-19T{clock}+00:00\",\"remote_addr\":\"{}\",\"request\":\"GET {} HTTP/1.1\",\
                 \"status\":\"{}\",\"body_bytes_sent\":\"512\",\"{key}\":\"{forwarded}\"}}\n",
                request.connection, request.target, request.status
            )
        })
    }

    /// What IIS writes, with the header in a column of this name.
    fn w3c(&mut self, column: &str) -> String {
        let lines = self.write(|request, clock, forwarded| {
            let (stem, query) = request
                .target
                .split_once('?')
                .unwrap_or((&request.target, "-"));
            format!(
                "2026-05-19 {clock} 10.9.9.9 GET {stem} {query} 443 - {} probe/1.0 {} 31 {}\n",
                request.connection,
                request.status,
                forwarded.replace(' ', "+")
            )
        });
        format!(
            "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem \
             cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status time-taken {column}\n{lines}"
        )
    }

    /// A line of each request, by time, from its clock and what its header says.
    fn write(&mut self, line: impl Fn(&Request, &str, &str) -> String) -> String {
        self.requests.sort_by_key(|request| request.at);
        let line = |request: &Request| {
            let (hour, minute, second) = (request.at / 3600, request.at / 60 % 60, request.at % 60);
            let forwarded = match request.forwarded.as_str() {
                "" => "-",
                given => given,
            };
            line(
                request,
                &format!("{hour:02}:{minute:02}:{second:02}"),
                forwarded,
            )
        };
        self.requests.iter().map(line).collect()
    }

    fn report(&mut self, options: &[&str]) -> Value {
        report_of(&self.text(), options)
    }
}

fn report_of(log: &str, options: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("access.log"), log).unwrap();
    fs::write(folder.path().join("known"), KNOWN).unwrap();
    report_in(folder.path(), &[&["access.log"], options].concat())
}

const KNOWN: &str =
    "# who is known\n198.51.100.0/24  Head office\n192.0.2.250  Monitor  # every ten seconds\n";

fn visitor(n: u64) -> String {
    format!("203.0.113.{}", n + 1)
}

fn behind(proxy: &str, list: &str) -> (String, String) {
    (proxy.to_string(), list.to_string())
}

fn directly(client: &str) -> (String, String) {
    behind(client, "")
}

fn named<'a>(report: &'a Value, pointer: &str) -> Vec<&'a str> {
    each(report, pointer)
        .into_iter()
        .filter_map(Value::as_str)
        .collect()
}

fn warned(report: &Value, code: &str) -> Option<String> {
    let warnings = each(report, "/warnings/*");
    let found = warnings
        .into_iter()
        .find(|warning| warning["code"] == code)?;
    Some(found["message"].as_str().unwrap().to_string())
}

/// A site behind two proxies, one of them private; one client in it floods and another injects, both with a claim
/// to be somebody else.
fn proxied() -> Log {
    let mut log = Log::visited(|n| behind("10.0.0.1", &format!("{}, 192.0.2.10", visitor(n))));
    log.flood(|n| {
        let claim = format!("198.18.{}.{}", n / 250 % 250, n % 250);
        behind("10.0.0.1", &format!("{claim}, 2001:db8::bad, 192.0.2.10"))
    });
    log.injection(&behind(
        "10.0.0.1",
        "8.8.8.8, unknown, 203.0.113.222, 192.0.2.10",
    ));
    log
}

const THROUGH: &[&str] = &[
    "--client-from",
    "x_forwarded_for",
    "--trusted-proxy",
    "10.0.0.0/8,192.0.2.10",
];

#[test]
fn behind_trusted_proxies_the_right_client_is_accused_whatever_it_claims() {
    let report = proxied().report(THROUGH);
    let accused = named(&report, "/incidents/*/actors/*/clients/*");
    assert!(accused.contains(&"2001:db8::bad"), "{accused:?}");
    assert!(accused.contains(&"203.0.113.222"), "{accused:?}");
    assert!(
        accused
            .iter()
            .all(|client| !client.starts_with("198.18.") && *client != "10.0.0.1"),
        "{accused:?}"
    );
    assert_eq!(number(&report, "/totals/clients"), VISITORS + 2);
    for code in ["clients_behind_proxy", "no_client_field"] {
        assert_eq!(warned(&report, code), None);
    }
}

/// The report on a log of [`proxied`] that names its fields: who asked is found if the name is right, and said to be
/// unknown if not.
fn check_named(log: &str, header: &str) {
    let through = |header| report_of(log, &["--client-from", header, THROUGH[2], THROUGH[3]]);
    let report = through(header);
    let accused = named(&report, "/incidents/*/actors/*/clients/*");
    for client in ["2001:db8::bad", "203.0.113.222"] {
        assert!(accused.contains(&client), "{accused:?}");
    }
    assert_eq!(number(&report, "/totals/clients"), VISITORS + 2);
    assert_eq!(warned(&report, "no_client_field"), None);
    let report = through("X-Nowhere");
    assert_eq!(number(&report, "/totals/clients"), 1);
    let told = warned(&report, "no_client_field").expect("a warning");
    assert!(
        told.contains("access.log") && told.contains("X-Nowhere"),
        "{told}"
    );
}

#[test]
fn the_key_of_a_json_log_that_the_user_names_says_who_asked() {
    let plain = proxied().json("http_true_client");
    check_named(&plain, "True-Client");
    let docker = |line: &str| {
        let time = &line[line.find("2026").unwrap()..][..19];
        let log = serde_json::json!({"log": format!("{line}\n"), "stream": "stdout", "time": format!("{time}.5Z")});
        format!("{log}\n")
    };
    let in_container: String = plain.lines().map(docker).collect();
    check_named(&in_container, "True-Client");
}

#[test]
fn the_column_of_a_w3c_log_that_the_user_names_says_who_asked() {
    check_named(&proxied().w3c("cs(True-Client)"), "true_client");
    check_named(&proxied().w3c("X-Forwarded-For"), "X-Forwarded-For");
}

#[test]
fn a_proxy_that_nobody_named_is_told_and_not_accused_with_confidence() {
    let report = proxied().report(&[]);
    let told = warned(&report, "clients_behind_proxy").expect("a warning");
    assert!(
        told.contains("10.0.0.1") && told.contains("--client-from X-Forwarded-For"),
        "{told}"
    );
    let mut log = Log::visited(|n| behind("10.0.0.1", &format!("{}, 192.0.2.10", visitor(n))));
    log.flood(|_| behind("10.0.0.1", "203.0.113.99, 192.0.2.10"));
    let flooded = log.report(&[]);
    let incident = &flooded["incidents"][0];
    assert!(incident["confidence"].as_f64().unwrap() < 0.5, "{incident}");
    let reasons = named(incident, "/reasons/*").join(" ");
    assert!(reasons.contains("looks like a proxy"), "{reasons}");
    // with the field alone, private addresses are passed over and the last public one is taken
    let alone = proxied().report(&["--client-from", "X-Forwarded-For"]);
    assert_eq!(number(&alone, "/totals/clients"), 1);
    let told = warned(&alone, "clients_behind_proxy").expect("a warning");
    assert!(
        told.contains("192.0.2.10") && told.contains("name more proxies"),
        "{told}"
    );
}

#[test]
fn whoever_connects_directly_is_who_it_is() {
    let mut log = Log::visited(|n| behind("10.0.0.1", &visitor(n)));
    // the flood goes past the proxy, with a claim
    log.flood(|n| behind("192.0.2.77", &format!("198.18.0.{}", n % 250)));
    let report = log.report(&[
        "--client-from",
        "X-Forwarded-For",
        "--trusted-proxy",
        "private",
    ]);
    assert_eq!(
        named(&report, "/incidents/*/actors/*/clients/*"),
        ["192.0.2.77"]
    );
    assert_eq!(number(&report, "/totals/clients"), VISITORS + 1);
    // nobody asked about proxies, and a flood from one address that claims to be many is no proxy
    let mut log = Log::visited(|n| directly(&visitor(n)));
    log.flood(|n| behind("192.0.2.77", &format!("198.18.0.{}", n % 250)));
    let report = log.report(&[]);
    assert_eq!(warned(&report, "clients_behind_proxy"), None);
    assert!(number(&report, "/incidents/0/bursts/0/requests") >= 6000);
}

#[test]
fn a_log_without_the_field_is_named() {
    let mut log = Log::visited(|n| directly(&visitor(n)));
    let report = log.report(&["--client-from", "X-Real-IP"]);
    let told = warned(&report, "no_client_field").expect("a warning");
    assert!(
        told.contains("access.log") && told.contains("X-Real-IP"),
        "{told}"
    );
    assert_eq!(number(&report, "/totals/clients"), VISITORS);
}

#[test]
fn an_office_that_floods_and_attacks_is_counted_and_not_accused() {
    let mut log = Log::visited(|n| directly(&visitor(n)));
    log.flood(|n| directly(&format!("198.51.100.{}", n % 3 + 1)));
    log.injection(&directly("198.51.100.9"));
    let accused = log.report(&[]);
    assert_eq!(accused["verdict"]["attack"], true);
    for options in [&["--known", "known"][..], &["--exclude", "198.51.100.0/24"]] {
        let report = log.report(options);
        assert_eq!(report["incidents"].as_array().unwrap().len(), 0, "{report}");
        assert_eq!(report["verdict"]["attack"], false);
        for key in [
            "/totals/requests",
            "/totals/clients",
            "/totals/status/5xx",
            "/totals/bytes_sent",
        ] {
            assert_eq!(number(&report, key), number(&accused, key), "{key}");
        }
        for series in ["requests", "errors_5xx", "clients"] {
            assert_eq!(
                report["series"][series], accused["series"][series],
                "{series}"
            );
        }
        let party = &report["known"][0];
        assert_eq!(
            (number(party, "/requests"), number(party, "/hits")),
            (6040, 40)
        );
        assert_eq!(party["networks"][0], "198.51.100.0/24");
        assert!(warned(&report, "known_client_hits").is_some());
    }
    let report = log.report(&["--known", "known"]);
    assert_eq!(report["known"][0]["name"], "Head office");
    assert_eq!(
        (
            &report["known"][1]["name"],
            number(&report, "/known/1/requests")
        ),
        (&"Monitor".into(), 0)
    );
}

#[test]
fn an_attack_stays_one_beside_a_known_client() {
    let mut log = Log::visited(|n| directly(&visitor(n)));
    for n in 0..LASTS_S / 10 {
        log.add(n * 10, directly("192.0.2.250"), "/health", 200);
    }
    log.flood(|n| directly(&format!("192.0.2.{}", n % 40 + 1)));
    log.injection(&directly("198.51.100.9"));
    let report = log.report(&["--known", "known"]);
    assert_eq!(report["verdict"]["cause"], "ddos", "{}", report["verdict"]);
    let accused = named(&report, "/incidents/*/actors/*/clients/*");
    assert_eq!(accused.len(), 40, "{accused:?}");
    let top = named(&report, "/incidents/*/bursts/*/top/clients/*/key");
    assert!(!top.contains(&"192.0.2.250"), "{top:?}");
}

#[test]
fn a_log_of_known_clients_alone_is_quiet() {
    let mut log = Log::default();
    for n in 0..2000 {
        log.add(n, directly("192.0.2.250"), "/health", 200);
    }
    let report = log.report(&["--known", "known"]);
    assert_eq!(report["verdict"]["attack"], false);
    assert_eq!(number(&report, "/totals/requests"), 2000);
}

#[test]
fn hits_of_known_clients_are_not_listed() {
    let mut log = Log::visited(|n| directly(&visitor(n)));
    log.injection(&directly("198.51.100.9"));
    log.injection(&directly("192.0.2.66"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("access.log"), log.text()).unwrap();
    for more in [&[][..], &["--no-context"]] {
        let output = run_in(
            folder.path(),
            &[&["hits", "access.log", "--exclude", "198.51.100.9"], more].concat(),
        );
        let (lines, told) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(lines.lines().count(), 40);
        assert!(
            lines
                .lines()
                .all(|line| line.contains("\"client\":\"192.0.2.66\"")),
            "{lines}"
        );
        assert!(
            told.contains("40 requests of clients named by --exclude"),
            "{told}"
        );
    }
}

#[test]
fn options_that_make_no_sense_are_refused_with_what_would() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("known"), "192.0.2.1 a\nweb.example b\n").unwrap();
    for (options, told) in [
        (&["--trusted-proxy", "10.0.0.0/8"][..], "--client-from"),
        (&["--client-from", "a b"], "X-Forwarded-For"),
        (&["--exclude", "10.0.0.0/40"], "10.0.0.0/8"),
        (
            &["--known", "known"],
            "known:2: `web.example` is no network",
        ),
        (&["--known", "missing"], "missing: cannot read"),
    ] {
        let output = run_in(folder.path(), &[&["scan", "access.log"], options].concat());
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        assert!(message.contains(told), "{options:?}: {message}");
    }
}

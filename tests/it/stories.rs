//! What the report about each scenario must say, whatever the snapshots say: the cause, the phases
//! near their times, and who did it, checked against the logs themselves.

use crate::harness::{Scenario, each, fields, read_log, scenario, text};
use crate::traffic::agents::PRICE_CRAWLER;
use crate::traffic::attackers::{FLOOD_AGENTS, SQLMAP_AGENT};
use crate::traffic::campaigns::PROXY_AGENT;
use crate::traffic::scenarios::api_flood::RENTED;
use crate::traffic::scenarios::credential_stuffing::STUFFING_AGENT;
use crate::traffic::scenarios::flood_with_referers::HERD;
use crate::traffic::scenarios::ipv6_botnet::NETWORKS;
use crate::traffic::scenarios::slow_brute_force::GUESSERS;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// At least this share of the attacking addresses must be accused.
const FOUND: f64 = 0.9;
/// At most this share of the accused may be innocent.
const WRONGED: f64 = 0.05;
/// How far from the truth a surge's beginning may be located, in seconds.
const ONSET_ERROR: i64 = 60;

struct Story {
    scenario: Scenario,
    report: Value,
}

fn story(name: &str) -> Story {
    let scenario = scenario(name);
    let report = scenario.report();
    Story { scenario, report }
}

impl Story {
    fn cause(&self) -> &str {
        self.report["verdict"]["cause"].as_str().unwrap()
    }

    fn attack(&self) -> bool {
        self.report["verdict"]["attack"].as_bool().unwrap()
    }

    /// The incident that the verdict is about.
    fn main_incident(&self) -> &Value {
        each(&self.report, "/incidents/*")
            .into_iter()
            .find(|incident| incident["cause"] == self.report["verdict"]["cause"])
            .expect("an incident of the verdict's cause")
    }

    /// Whether an entry of a phase lies between two times, or lasts into the span.
    #[track_caller]
    fn expect_phase(&self, phase: &str, from: &str, to: &str) {
        let entries = each(self.main_incident(), "/timeline/*");
        let seen: Vec<(&str, &str)> = entries
            .iter()
            .filter(|entry| entry["phase"] == phase)
            .map(|entry| {
                let start = entry["time"].as_str().unwrap();
                (start, entry["end"].as_str().unwrap_or(start))
            })
            .collect();
        assert!(
            seen.iter().any(|(start, end)| *start <= to && *end >= from),
            "{}: no {phase} between {from} and {to}, only {seen:?}",
            self.scenario.name
        );
    }

    /// The beginning of the earliest burst of the total within the main incident.
    #[track_caller]
    fn expect_onset(&self, expected: &str) {
        let bursts = each(self.main_incident(), "/bursts/*");
        let starts: Vec<&str> = bursts
            .iter()
            .filter(|burst| burst["dimension"] == "total")
            .filter_map(|burst| burst["start"].as_str())
            .collect();
        let near = |start: &&str| (seconds(start) - seconds(expected)).abs() <= ONSET_ERROR;
        assert!(
            starts.iter().any(near),
            "{}: the surge began at {expected}, not at {starts:?}",
            self.scenario.name
        );
    }

    /// The clients of every actor whose role accuses.
    fn accused(&self) -> BTreeSet<String> {
        each(&self.report, "/incidents/*/actors/*")
            .into_iter()
            .filter(|actor| !matches!(actor["role"].as_str(), Some("crowd" | "crawler")))
            .flat_map(|actor| each(actor, "/clients/*"))
            .filter_map(|client| client.as_str().map(str::to_owned))
            .collect()
    }

    /// The clients of the access logs, and whether `guilty` holds for any of their lines.
    fn clients(&self, guilty: impl Fn(&str, &str, &str) -> bool) -> BTreeMap<String, bool> {
        let mut clients = BTreeMap::new();
        for input in self
            .scenario
            .inputs
            .iter()
            .filter(|name| name.starts_with("access"))
        {
            let log = text(&read_log(&self.scenario.folder.join(input)));
            for (client, agent, target) in log.lines().filter_map(fields) {
                *clients.entry(client.to_owned()).or_insert(false) |= guilty(client, agent, target);
            }
        }
        clients
    }

    /// The guilty are accused, nearly all of them, and nearly nobody else is.
    #[track_caller]
    fn expect_accused(&self, guilty: impl Fn(&str, &str, &str) -> bool) {
        let clients = self.clients(guilty);
        let accused = self.accused();
        let is_guilty = |client: &&String| clients.get(*client).copied().unwrap_or(false);
        let all_guilty = clients.values().filter(|guilty| **guilty).count();
        let caught = accused.iter().filter(is_guilty).count();
        let innocent: Vec<&String> = accused.iter().filter(|client| !is_guilty(client)).collect();
        let name = &self.scenario.name;
        assert!(
            caught as f64 >= FOUND * all_guilty as f64,
            "{name}: only {caught} of {all_guilty} attackers are named"
        );
        assert!(
            innocent.len() as f64 <= WRONGED * accused.len() as f64,
            "{name}: {} of {} accused are innocent, such as {:?}",
            innocent.len(),
            accused.len(),
            &innocent[..innocent.len().min(8)]
        );
    }

    fn symptoms(&self) -> BTreeSet<&str> {
        each(self.main_incident(), "/symptoms/*/kind")
            .into_iter()
            .filter_map(Value::as_str)
            .collect()
    }

    /// The outcome at an attacked place, with its reasons.
    #[track_caller]
    fn outcome(&self, category: &str, place: &str, parameter: Option<&str>) -> (String, String) {
        let all = each(&self.report, "/incidents/*/injections/*");
        let found = all.iter().find(|injection| {
            injection["category"] == category
                && injection["endpoint"] == place
                && injection["parameter"].as_str() == parameter
        });
        let places: Vec<&Value> = all.iter().map(|injection| &injection["endpoint"]).collect();
        let found =
            found.unwrap_or_else(|| panic!("{category} at {place} is not told: {places:?}"));
        let reasons = found["outcome_reasons"].to_string();
        (found["outcome"].as_str().unwrap().to_owned(), reasons)
    }
}

/// Seconds into the month of an RFC 3339 time in UTC, for differences within a story.
fn seconds(time: &str) -> i64 {
    let part = |from: usize| time[from..from + 2].parse::<i64>().unwrap();
    ((part(8) * 24 + part(11)) * 60 + part(14)) * 60 + part(17)
}

fn is_flood(_: &str, agent: &str, _: &str) -> bool {
    FLOOD_AGENTS.contains(&agent)
}

#[test]
fn ddos() {
    let story = story("ddos-2023-05-07");
    assert_eq!((story.cause(), story.attack()), ("ddos", true));
    story.expect_onset("2023-05-07T06:00:00Z");
    story.expect_phase("surge", "2023-05-07T06:00:00Z", "2023-05-07T06:10:00Z");
    story.expect_phase(
        "degradation",
        "2023-05-07T06:05:00Z",
        "2023-05-07T06:20:00Z",
    );
    story.expect_phase("outage", "2023-05-07T07:20:00Z", "2023-05-07T07:28:00Z");
    story.expect_phase("restart", "2023-05-07T07:27:40Z", "2023-05-07T07:28:00Z");
    story.expect_phase("mitigation", "2023-05-07T09:29:00Z", "2023-05-07T09:40:00Z");
    story.expect_phase("recovery", "2023-05-07T09:55:00Z", "2023-05-07T10:30:00Z");
    story.expect_accused(is_flood);
    let symptoms = story.symptoms();
    for kind in [
        "connections_exhausted",
        "upstream_timeout",
        "upstream_down",
        "start",
        "rate_limited",
    ] {
        assert!(symptoms.contains(kind), "{kind} is not among {symptoms:?}");
    }
}

#[test]
fn sqli_surge() {
    let story = story("sqli-surge-2021-09-05");
    assert_eq!(
        (story.cause(), story.attack()),
        ("injection_and_surge", true)
    );
    story.expect_onset("2021-09-05T13:51:10Z");
    story.expect_phase("recon", "2021-09-05T12:20:00Z", "2021-09-05T12:50:00Z");
    story.expect_phase("injection", "2021-09-05T13:12:00Z", "2021-09-05T13:51:00Z");
    story.expect_phase("access", "2021-09-05T13:15:00Z", "2021-09-05T13:51:00Z");
    story.expect_phase("surge", "2021-09-05T13:51:00Z", "2021-09-05T13:53:00Z");
    story.expect_phase(
        "degradation",
        "2021-09-05T13:53:00Z",
        "2021-09-05T14:00:10Z",
    );
    story.expect_phase("outage", "2021-09-05T14:00:00Z", "2021-09-05T14:15:00Z");
    story.expect_phase("outage", "2021-09-05T14:20:00Z", "2021-09-05T15:59:00Z");
    story.expect_phase("restart", "2021-09-05T14:15:00Z", "2021-09-05T14:15:30Z");
    story.expect_phase("restart", "2021-09-05T15:59:00Z", "2021-09-05T16:00:30Z");
    story.expect_phase("recovery", "2021-09-05T16:00:00Z", "2021-09-05T16:30:00Z");
    let attackers = ["203.0.113.91", "2001:db8:51:9::4f"];
    story.expect_accused(|client, agent, target| {
        attackers.contains(&client) || agent == SQLMAP_AGENT || is_flood(client, agent, target)
    });
    let symptoms = story.symptoms();
    for kind in [
        "workers_exhausted",
        "database_error",
        "child_crash",
        "start",
    ] {
        assert!(symptoms.contains(kind), "{kind} is not among {symptoms:?}");
    }
    let worked = each(story.main_incident(), "/injections/*")
        .into_iter()
        .any(|injection| {
            injection["endpoint"] == "/item.php"
                && injection["parameter"] == "no"
                && injection["outcome"] == "likely"
        });
    assert!(worked, "the injection into no of /item.php worked");
}

#[test]
fn quiet_day() {
    let story = story("quiet-day");
    assert_eq!((story.cause(), story.attack()), ("none", false));
    assert_eq!(each(&story.report, "/incidents/*").len(), 0);
    assert_eq!(story.report["verdict"]["start"], Value::Null);
}

#[test]
fn dirty_input() {
    let story = story("dirty-input");
    assert!(!story.attack(), "stray lines make no attack");
    let warned = each(&story.report, "/warnings/*/input");
    assert!(
        warned.iter().any(|input| **input == "notes.txt"),
        "{warned:?}"
    );
    let formats: BTreeSet<&str> = each(&story.report, "/inputs/*/format")
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(formats.len() >= 3, "{formats:?}");
    let categories = story.report["totals"]["hits_by_category"]
        .as_object()
        .unwrap();
    for category in ["sql_injection", "xss", "path_traversal"] {
        assert!(
            categories.contains_key(category),
            "{category} hides in a line that does not parse"
        );
    }
}

#[test]
fn out_of_order() {
    let story = story("out-of-order");
    assert_eq!((story.cause(), story.attack()), ("ddos", true));
    story.expect_onset("2022-04-06T21:40:00Z");
    story.expect_accused(is_flood);
}

#[test]
fn flash_crowd() {
    let story = story("flash-crowd");
    assert_eq!((story.cause(), story.attack()), ("flash_crowd", false));
    // A crowd gathers; it has no first second.
    story.expect_phase("surge", "2022-11-18T19:14:30Z", "2022-11-18T19:18:00Z");
    assert!(story.accused().is_empty(), "{:?}", story.accused());
}

#[test]
fn crawler() {
    let story = story("crawler");
    assert_eq!((story.cause(), story.attack()), ("crawler", false));
    assert!(story.accused().is_empty(), "{:?}", story.accused());
    let agents = each(story.main_incident(), "/actors/*/user_agents/*");
    assert!(
        agents
            .iter()
            .any(|agent| agent.as_str() == Some(PRICE_CRAWLER)),
        "{agents:?}"
    );
}

#[test]
fn brute_force() {
    let story = story("brute-force");
    assert_eq!((story.cause(), story.attack()), ("brute_force", true));
    story
        .expect_accused(|_, agent, target| agent.starts_with("python") && target.contains("login"));
    story.expect_phase(
        "brute_force",
        "2022-12-03T02:15:00Z",
        "2022-12-03T02:20:00Z",
    );
    story.expect_phase("access", "2022-12-03T02:54:30Z", "2022-12-03T02:56:30Z");
}

#[test]
fn server_fault() {
    let story = story("server-fault");
    assert_eq!((story.cause(), story.attack()), ("server_fault", false));
    assert!(story.accused().is_empty(), "{:?}", story.accused());
    story.expect_phase("outage", "2022-09-21T12:19:30Z", "2022-09-21T12:22:00Z");
    story.expect_phase("recovery", "2022-09-21T12:46:00Z", "2022-09-21T13:10:00Z");
}

#[test]
fn webshell() {
    let story = story("webshell");
    assert_eq!((story.cause(), story.attack()), ("webshell", true));
    story.expect_phase("access", "2022-01-29T20:55:00Z", "2022-01-29T21:30:00Z");
    story.expect_accused(|_, _, target| target.contains("wso.php"));
    let endpoints = each(story.main_incident(), "/injections/*/endpoint");
    assert!(
        endpoints
            .iter()
            .any(|endpoint| **endpoint == "/uploads/reviews/wso.php")
    );
}

/// Seconds by which an outage's edge may be off.
const EDGE_ERROR: i64 = 10;

/// Asserts that the main incident has an outage with these edges.
#[track_caller]
fn expect_outage(story: &Story, start: &str, end: &str) {
    let parsed = |text: &str| aftertrace::time::Time::parse_rfc3339(text).unwrap().secs();
    let outages = each(story.main_incident(), "/impact/outages/*");
    let near = |value: &Value, wanted: &str| {
        (parsed(value.as_str().unwrap()) - parsed(wanted)).abs() <= EDGE_ERROR
    };
    assert!(
        outages
            .iter()
            .any(|outage| near(&outage["start"], start) && near(&outage["end"], end)),
        "{outages:?}"
    );
}

#[test]
fn php_fatal_traces() {
    let story = story("php-fatal-traces");
    assert_eq!((story.cause(), story.attack()), ("server_fault", false));
    let failed = story.main_incident()["impact"]["failed"].as_u64().unwrap();
    let symptoms = each(story.main_incident(), "/symptoms/*");
    let [traces] = symptoms[..] else {
        panic!("one kind of message: {symptoms:?}")
    };
    assert_eq!(traces["kind"], "database_error");
    assert_eq!(traces["count"], failed, "a trace is one message");
    assert_eq!(traces["evidence"][0]["lines"], 7);
    for input in each(&story.report, "/inputs/*") {
        let number = |field: &str| input[field].as_u64().unwrap();
        let books = number("records") + number("unparsed") + number("blank");
        assert_eq!(books, number("lines"));
        assert_eq!(number("unparsed"), 0, "a trace belongs to its record");
    }
}

#[test]
fn silent_crash() {
    let story = story("silent-crash");
    assert_eq!((story.cause(), story.attack()), ("server_fault", false));
    expect_outage(&story, "2022-10-19T21:11:07Z", "2022-10-19T21:33:30Z");
    expect_outage(&story, "2022-10-19T21:37:40Z", "2022-10-19T22:02:10Z");
    let kinds = each(story.main_incident(), "/timeline/*/kind");
    let failed = kinds.iter().filter(|kind| ***kind == "restart_failed");
    assert_eq!(failed.count(), 1, "{kinds:?}");
    story.expect_phase("recovery", "2022-10-19T22:01:50Z", "2022-10-19T22:04:00Z");
    let down = story.main_incident()["impact"]["minutes_down"].as_f64();
    assert!((46.5..=47.5).contains(&down.unwrap()), "{down:?}");
}

#[test]
fn database_down() {
    let story = story("database-down");
    assert_eq!((story.cause(), story.attack()), ("server_fault", false));
    assert!(story.accused().is_empty(), "{:?}", story.accused());
    story.expect_phase("recovery", "2022-09-14T02:47:30Z", "2022-09-14T02:50:00Z");
    let titles = each(story.main_incident(), "/symptoms/*/title");
    assert!(
        titles
            .iter()
            .any(|title| title.as_str().unwrap().contains("database")),
        "{titles:?}"
    );
    let impact = &story.main_incident()["impact"];
    assert_eq!(impact["clients_failed"], impact["innocent_clients_failed"]);
}

#[test]
fn nightly_gaps() {
    let story = story("nightly-gaps");
    assert_eq!((story.cause(), story.attack()), ("none", false));
    assert_eq!(each(&story.report, "/incidents/*").len(), 0);
}

#[test]
fn a_wait_that_was_asked_for_and_came_is_a_proof_and_only_there() {
    let told = story("blind-sqli-timed");
    assert_eq!(told.cause(), "injection");
    let (stock, reasons) = told.outcome("sql_injection", "/stock.php", Some("no"));
    assert_eq!(stock, "likely", "{reasons}");
    assert!(reasons.contains("5.0 s asked"), "{reasons}");
    let (item, reasons) = told.outcome("sql_injection", "/item.php", Some("no"));
    assert_eq!(item, "no_evidence", "{reasons}");
    assert!(reasons.contains("no answer took longer than"), "{reasons}");
    let notes = told.report["inputs"][0]["notes"].to_string();
    assert!(notes.contains("microseconds"), "{notes}");
    told.expect_phase("access", "2023-03-14T10:10:00Z", "2023-03-14T10:30:00Z");
}

#[test]
fn answers_that_follow_the_condition_are_a_proof_and_reflections_are_not() {
    let told = story("boolean-sqli");
    assert_eq!(told.cause(), "injection");
    let (stock, reasons) = told.outcome("sql_injection", "/api/v1/stock/{}", None);
    assert_eq!(stock, "likely", "{reasons}");
    assert!(reasons.contains("true condition"), "{reasons}");
    let (search, reasons) = told.outcome("sql_injection", "/search", Some("q"));
    assert_eq!(search, "no_evidence", "{reasons}");
}

#[test]
fn a_shell_with_an_unknown_name_is_found_and_its_lookalikes_are_not() {
    let told = story("webshell-upload");
    assert_eq!(told.cause(), "webshell");
    let operators: BTreeSet<&str> = each(&told.report, "/incidents/*/actors/*")
        .into_iter()
        .filter(|actor| actor["role"] == "webshell_operator")
        .flat_map(|actor| each(actor, "/clients/*"))
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(operators, BTreeSet::from(["203.0.113.77"]));
    let steps = each(told.main_incident(), "/timeline/*");
    let used = steps
        .iter()
        .find(|step| step["kind"] == "webshell")
        .unwrap();
    let (summary, lines) = (used["summary"].to_string(), used["evidence"].to_string());
    assert!(
        summary.contains("/static/thumbs/cache/q7x2m.php"),
        "{summary}"
    );
    assert!(lines.contains("POST /review.php"), "the upload: {lines}");
}

#[test]
fn what_a_firewall_refused_is_blocked() {
    let told = story("waf-blocked");
    assert_eq!(told.cause(), "injection");
    for (category, place, parameter) in [
        ("sql_injection", "/find.php", "term"),
        ("sql_injection", "/list.php", "group"),
        ("xss", "/find.php", "term"),
    ] {
        let (outcome, reasons) = told.outcome(category, place, Some(parameter));
        assert_eq!(outcome, "blocked", "{place}: {reasons}");
    }
}

#[test]
fn apostrophes_of_visitors_are_no_injection() {
    let told = story("sql-errors-from-visitors");
    assert!(!told.attack(), "{}", told.cause());
    assert!(each(&told.report, "/incidents/*/injections/*").is_empty());
    assert!(told.accused().is_empty(), "{:?}", told.accused());
    let log = text(&read_log(&told.scenario.folder.join("error.log")));
    assert!(
        log.matches("error in your SQL syntax").count() >= 8,
        "the story has errors"
    );
}

/// The actors that are accused, over all incidents: role and clients.
fn accused_actors(story: &Story) -> Vec<(&str, usize)> {
    each(&story.report, "/incidents/*/actors/*")
        .into_iter()
        .map(|actor| {
            (
                actor["role"].as_str().unwrap(),
                each(actor, "/clients/*").len(),
            )
        })
        .collect()
}

#[test]
fn low_and_slow_sqli() {
    let story = story("low-and-slow-sqli");
    assert_eq!((story.cause(), story.attack()), ("injection", true));
    assert_eq!(accused_actors(&story), [("injector", 1)]);
    story.expect_accused(|client, _, _| client == "203.0.113.40");
    let outcomes = each(story.main_incident(), "/injections/*/outcome");
    assert!(
        outcomes.iter().all(|outcome| **outcome == "no_evidence"),
        "{outcomes:?}"
    );
}

#[test]
fn rotating_sqli() {
    let story = story("rotating-sqli");
    assert_eq!((story.cause(), story.attack()), ("injection", true));
    assert_eq!(accused_actors(&story).len(), 1);
    story.expect_accused(|_, agent, target| {
        agent == PROXY_AGENT && target.starts_with("/item.php?no=") && target.contains('%')
    });
}

#[test]
fn jndi_spray() {
    let story = story("jndi-spray");
    assert_eq!((story.cause(), story.attack()), ("scan", true));
    assert_eq!(story.main_incident()["severity"], "low");
    assert_eq!(accused_actors(&story).len(), 1);
    story.expect_accused(|_, agent, target| agent.contains("ndi:") || target.contains("x=%24%7B"));
}

#[test]
fn directory_scan() {
    let story = story("directory-scan");
    assert_eq!((story.cause(), story.attack()), ("scan", true));
    assert_eq!(story.main_incident()["severity"], "low");
    assert_eq!(accused_actors(&story), [("scanner", 1)]);
    story.expect_accused(|client, _, _| client == "203.0.113.77");
}

#[test]
fn two_attackers() {
    let story = story("two-attackers");
    assert_eq!((story.cause(), story.attack()), ("injection", true));
    let causes = each(&story.report, "/incidents/*/cause");
    assert_eq!(causes, ["injection", "injection"]);
    assert_eq!(accused_actors(&story), [("injector", 1), ("injector", 1)]);
    story.expect_accused(|_, agent, _| agent == SQLMAP_AGENT);
}

#[test]
fn ipv6_botnet() {
    let story = story("ipv6-botnet");
    assert_eq!((story.cause(), story.attack()), ("ddos", true));
    story.expect_accused(is_flood);
    story.expect_onset("2024-02-20T17:30:00Z");
    let blocked = each(story.main_incident(), "/mitigations/*")
        .into_iter()
        .find(|measure| measure["kind"] == "block_networks")
        .expect("networks to block");
    let targets: BTreeSet<&str> = each(blocked, "/targets/*")
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(targets, NETWORKS.into_iter().collect());
    assert!(blocked["attack_share"].as_f64().unwrap() > 0.95);
    assert!(blocked["innocent_share"].as_f64().unwrap() < 0.01);
    let networks = each(story.main_incident(), "/actors/*/networks/*");
    for network in NETWORKS {
        assert!(
            networks.iter().any(|named| **named == network),
            "{network}: {networks:?}"
        );
    }
}

#[test]
fn background_noise() {
    let story = story("background-noise");
    assert_eq!((story.cause(), story.attack()), ("none", false));
    assert!(story.accused().is_empty(), "{:?}", story.accused());
}

/// What is no attack is said to be none, in so many words, and nobody is accused.
#[track_caller]
fn expect_no_attack(name: &str, cause: &str, words: &str) -> Story {
    let story = story(name);
    assert_eq!((story.cause(), story.attack()), (cause, false), "{name}");
    assert!(story.accused().is_empty(), "{name}: {:?}", story.accused());
    let headline = story.main_incident()["headline"].as_str().unwrap();
    assert!(
        headline.starts_with("No attack") && headline.contains(words),
        "{name}: {headline}"
    );
    story
}

#[test]
fn product_launch() {
    let story = expect_no_attack("product-launch", "flash_crowd", "a crowd of visitors");
    let failed = story.main_incident()["impact"]["failed"].as_u64().unwrap();
    assert!(failed > 50, "the failures of the crowd are told: {failed}");
}

#[test]
fn deploy_breaks_pages() {
    let story = expect_no_attack("deploy-breaks-pages", "server_fault", "the server failed");
    story.expect_phase(
        "degradation",
        "2023-05-23T11:19:30Z",
        "2023-05-23T11:23:00Z",
    );
    // The last failure logged: nobody asked for an item between then and the roll-back.
    story.expect_phase("recovery", "2023-05-23T11:48:30Z", "2023-05-23T12:10:00Z");
}

#[test]
fn monitor_gone_wild() {
    expect_no_attack(
        "monitor-gone-wild",
        "crawler",
        "a monitor that asks too often",
    );
}

#[test]
fn retry_storm() {
    expect_no_attack("retry-storm", "server_fault", "its clients tried again");
}

#[test]
fn credential_stuffing() {
    let story = story("credential-stuffing");
    assert_eq!((story.cause(), story.attack()), ("brute_force", true));
    let clients = story.clients(|_, agent, _| agent == STUFFING_AGENT);
    let accused = story.accused();
    assert!(
        accused.iter().all(|client| clients[client]),
        "no customer is accused"
    );
    story.expect_accused(|_, agent, _| agent == STUFFING_AGENT);
    story.expect_phase("access", "2023-01-17T02:20:00Z", "2023-01-17T04:11:00Z");
    let successes = each(story.main_incident(), "/timeline/*")
        .into_iter()
        .filter(|step| step["phase"] == "access")
        .flat_map(|step| each(step, "/evidence/*/text"))
        .filter_map(Value::as_str)
        .collect::<Vec<_>>();
    assert!(successes.len() >= 5, "{successes:?}");
    let stolen = |line: &&str| line.contains(STUFFING_AGENT) && line.contains("\" 302 ");
    assert!(successes.iter().all(stolen), "{successes:?}");
}

#[test]
fn slow_brute_force() {
    let story = story("slow-brute-force");
    assert_eq!((story.cause(), story.attack()), ("brute_force", true));
    story.expect_accused(|client, _, _| GUESSERS.contains(&client));
    story.expect_phase(
        "brute_force",
        "2023-04-11T05:00:00Z",
        "2023-04-11T05:10:00Z",
    );
    story.expect_phase("access", "2023-04-11T14:35:00Z", "2023-04-11T15:00:00Z");
}

#[test]
fn flood_with_referers() {
    let story = story("flood-with-referers");
    assert_eq!((story.cause(), story.attack()), ("ddos", true));
    story.expect_onset("2023-06-01T16:40:00Z");
    story.expect_accused(|client, _, _| client.starts_with(HERD));
}

#[test]
fn api_flood() {
    let story = story("api-flood");
    assert_eq!((story.cause(), story.attack()), ("ddos", true));
    story.expect_onset("2023-09-12T09:35:00Z");
    story.expect_accused(|client, _, _| client.starts_with(RENTED));
}

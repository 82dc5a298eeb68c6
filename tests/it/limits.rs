//! What would have helped, counted once more from the lines of the scenarios: the limits for each client, and when the
//! attack came from each network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;

use aftertrace::time::{Time, parse_clf};
use ipnet::IpNet;
use serde_json::Value;

use crate::harness::{Scenario, each, lines, number, read_log, scenarios};

/// A request: its second and its client.
type Request = (i64, String);

/// The requests of a report's access logs, as far as these lines read by themselves; `None` if some do not.
fn requests(scenario: &Scenario, report: &Value) -> Option<Vec<Request>> {
    let mut all = Vec::new();
    for input in each(report, "/inputs/*") {
        if input["kind"] != "access" {
            continue;
        }
        let log = read_log(&scenario.folder.join(input["path"].as_str()?));
        for line in lines(&log) {
            let line = std::str::from_utf8(line).ok()?;
            let client = line.split(' ').next()?;
            let stamp = line.split_once('[')?.1.split_once(']')?.0;
            let (time, _) = parse_clf(stamp.as_bytes())?;
            all.push((time.secs(), client.to_owned()));
        }
    }
    Some(all)
}

fn seconds(value: &Value) -> i64 {
    Time::parse_rfc3339(value.as_str().unwrap()).unwrap().secs()
}

fn attackers(incident: &Value) -> BTreeSet<&str> {
    const NO_ATTACK: [&str; 2] = ["crowd", "crawler"];
    let actors = each(incident, "/actors/*").into_iter();
    let attackers = actors.filter(|actor| !NO_ATTACK.contains(&actor["role"].as_str().unwrap()));
    let clients = attackers.flat_map(|actor| each(actor, "/clients/*"));
    clients.filter_map(Value::as_str).collect()
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0)
}

/// Compares a table of limits with the requests of its incident.
fn compare(name: &str, incident: &Value, measure: &Value, requests: &[&Request]) {
    let attackers = attackers(incident);
    let mut minutes: BTreeMap<(&str, i64), u64> = BTreeMap::new();
    for (second, client) in requests {
        *minutes.entry((client, second.div_euclid(60))).or_default() += 1;
    }
    let attacks = |client: &str| attackers.contains(client);
    let side = |attack: bool| {
        requests
            .iter()
            .filter(move |(_, client)| attacks(client) == attack)
    };
    for row in each(measure, "/limits/*") {
        let limit = number(row, "/per_minute");
        let refused = |attack: bool| -> Vec<(&str, u64)> {
            let beyond = minutes
                .iter()
                .map(|((client, _), sent)| (*client, sent.saturating_sub(limit)));
            beyond
                .filter(|(client, more)| attacks(client) == attack && *more > 0)
                .collect()
        };
        let sum = |attack: bool| refused(attack).iter().map(|(_, more)| more).sum();
        let shares = [("attack_share", true), ("innocent_share", false)];
        for (field, attack) in shares {
            let expected = share(sum(attack), side(attack).count() as u64);
            assert_eq!(
                row[field].as_f64(),
                expected,
                "{name}: {limit} a minute, {field}"
            );
        }
        let innocent: BTreeSet<&str> = refused(false)
            .into_iter()
            .map(|(client, _)| client)
            .collect();
        assert_eq!(
            number(row, "/innocent_clients"),
            innocent.len() as u64,
            "{name}: {limit}"
        );
    }
    let advised: Vec<_> = each(measure, "/limits/*")
        .into_iter()
        .filter(|row| row["advised"] == true)
        .collect();
    assert_eq!(advised.len(), each(measure, "/targets/*").len(), "{name}");
    for row in advised {
        assert!(row["attack_share"].as_f64() >= Some(0.5), "{name}");
        assert_eq!(row["attack_share"], measure["attack_share"], "{name}");
    }
}

/// The first request of an attacker within each network came when it is said. Who injects is followed from its first
/// suspicious request on, whatever it looked at before.
fn compare_beginnings(name: &str, incident: &Value, measure: &Value, requests: &[&Request]) {
    let attackers = attackers(incident);
    let actors = each(incident, "/actors/*");
    let floods = |role: &Value| role == "flooder" || role == "brute_forcer";
    for target in each(measure, "/details/*") {
        let network: IpNet = target["target"].as_str().unwrap().parse().unwrap();
        let within = |client: &str| {
            client
                .parse::<IpAddr>()
                .is_ok_and(|address| network.contains(&address))
        };
        let of_attack = requests
            .iter()
            .filter(|(_, client)| attackers.contains(client.as_str()) && within(client));
        let times: BTreeSet<i64> = of_attack.map(|(second, _)| *second).collect();
        let told = seconds(&target["from"]);
        let mut there = actors.iter().filter(|actor| {
            let clients = each(actor, "/clients/*");
            clients
                .iter()
                .any(|client| within(client.as_str().unwrap()))
        });
        match there.all(|actor| floods(&actor["role"])) {
            true => assert_eq!(Some(&told), times.first(), "{name}: {network}"),
            false => assert!(times.contains(&told), "{name}: {network}"),
        }
    }
}

#[test]
fn limits_and_beginnings_are_what_the_lines_say() {
    let (mut limits, mut networks) = (0, 0);
    for scenario in scenarios() {
        let report = fs::read(scenario.home.join("expected.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        let Some(requests) = requests(&scenario, &report) else {
            continue;
        };
        for incident in each(&report, "/incidents/*") {
            let span = seconds(&incident["start"])..=seconds(&incident["end"]);
            let inside: Vec<&Request> = requests
                .iter()
                .filter(|(second, _)| span.contains(second))
                .collect();
            // Where an incident begins with a step before its cluster, its time is not in the report.
            if inside.len() as u64 != number(incident, "/impact/requests") {
                continue;
            }
            for measure in each(incident, "/mitigations/*") {
                match measure["kind"].as_str().unwrap() {
                    "rate_limit" => {
                        compare(&scenario.name, incident, measure, &inside);
                        limits += 1;
                    }
                    "block_networks" => {
                        compare_beginnings(&scenario.name, incident, measure, &inside);
                        networks += 1;
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(
        limits > 5 && networks > 5,
        "{limits} and {networks} were compared"
    );
}

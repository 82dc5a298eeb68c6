//! The report as alerts in the Elastic Common Schema, one JSON object a line: for a SIEM.
//!
//! An alert for each incident, and one for each place that was attacked in it. Field names are those of ECS 8.17
//! (elastic.co/docs/reference/ecs): `@timestamp`, `ecs.version` and `message` are what every event must have, and `event.kind` and
//! `event.category` what makes it an alert. What ECS has no field for stands under `aftertrace`.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::json::write_line;
use super::techniques::{self, Technique};
use crate::report::view::{Actor, Incident, Injection, Origin, Report};
use crate::severity::Severity;
use crate::text::counted;
use crate::time::Time;

/// The version whose fields are used.
const VERSION: &str = "8.17.0";

/// Writes the alerts.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut write = |mut alert: Value| {
        if let Some(tags) = alert["tags"]
            .as_array_mut()
            .filter(|_| report.pseudonymized)
        {
            tags.push(json!("pseudonymized"));
        }
        write_line(&alert, out)
    };
    for incident in &report.incidents {
        write(of_incident(report, incident))?;
        for injection in &incident.injections {
            write(of_injection(report, incident, injection))?;
        }
    }
    Ok(())
}

fn of_incident(report: &Report, incident: &Incident) -> Value {
    let mut alert = event(
        report,
        incident,
        &Told {
            dataset: "incident",
            span: (incident.start, incident.end),
            message: &incident.headline,
            reasons: &incident.reasons,
        },
    );
    alert["rule"] = json!({ "name": incident.cause, "category": "incident" });
    alert["related"] = related(&incident.actors);
    alert["tags"] = json!([incident.cause, incident.severity]);
    alert["aftertrace"] = json!({
        "incident": incident.id,
        "confidence": incident.confidence,
        "impact": incident.impact,
        "networks": networks(&incident.actors),
    });
    source(&mut alert, &incident.actors.iter().collect::<Vec<_>>());
    threat(&mut alert, techniques::of_cause(incident.cause));
    alert
}

fn of_injection(report: &Report, incident: &Incident, injection: &Injection) -> Value {
    let takes_part = |actor: &&Actor| injection.actors.contains(&actor.id);
    let place = match &injection.parameter {
        Some(parameter) => format!("{}, parameter {parameter}", injection.endpoint),
        None => injection.endpoint.clone(),
    };
    let message = format!(
        "{} in {place}: {}, outcome: {}",
        injection.category.title(),
        counted(injection.attempts, "attempt", "attempts"),
        injection.outcome.name().replace('_', " "),
    );
    let mut alert = event(
        report,
        incident,
        &Told {
            dataset: "injection",
            span: (injection.first, injection.last),
            message: &message,
            reasons: &injection.outcome_reasons,
        },
    );
    alert["rule"] = json!({ "name": injection.category, "category": "injection" });
    alert["url"] = json!({ "path": injection.endpoint });
    let actors: Vec<&Actor> = incident.actors.iter().filter(takes_part).collect();
    source(&mut alert, &actors);
    alert["related"] = related(actors);
    alert["tags"] = json!([injection.category, injection.outcome]);
    alert["aftertrace"] = json!({
        "incident": incident.id,
        "parameter": injection.parameter,
        "techniques": injection.techniques,
        "attempts": injection.attempts,
        "outcome": injection.outcome,
    });
    if let Some(line) = injection.samples.first() {
        alert["event"]["original"] = line.text.clone().into();
        alert["log"] = json!({ "file": { "path": line.source } });
    }
    threat(&mut alert, &[techniques::of_category(injection.category)]);
    alert
}

/// What both kinds of alerts tell.
struct Told<'a> {
    dataset: &'a str,
    span: (Time, Time),
    message: &'a str,
    reasons: &'a [String],
}

fn event(report: &Report, incident: &Incident, told: &Told<'_>) -> Value {
    let tool = &report.tool;
    json!({
        "@timestamp": told.span.0,
        "ecs": { "version": VERSION },
        "message": told.message,
        "event": {
            "kind": if incident.attack { "alert" } else { "event" },
            "category": category(incident),
            "type": ["info"],
            "module": tool.name,
            "dataset": format!("{}.{}", tool.name, told.dataset),
            "start": told.span.0,
            "end": told.span.1,
            "severity": severity(incident.severity),
            "reason": told.reasons.join("; "),
        },
        "observer": { "product": tool.name, "version": tool.version, "type": "log-analysis" },
    })
}

/// What ECS allows in `event.category`.
fn category(incident: &Incident) -> &'static [&'static str] {
    match incident.attack {
        true => &["web", "intrusion_detection"],
        false => &["web"],
    }
}

/// Numbers for `event.severity`, the middles of the ranges in which Elastic's rules score what they call so.
fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 21,
        Severity::Medium => 47,
        Severity::High => 73,
        Severity::Critical => 99,
    }
}

/// Addresses, and names of hosts, of all who took part.
fn related<'a>(actors: impl IntoIterator<Item = &'a Actor>) -> Value {
    let clients = actors.into_iter().flat_map(|actor| &actor.clients);
    let clients: BTreeSet<&str> = clients.map(String::as_str).collect();
    let is_address = |client: &&str| client.parse::<std::net::IpAddr>().is_ok();
    let (addresses, hosts): (Vec<&str>, Vec<&str>) = clients.into_iter().partition(is_address);
    json!({ "ip": addresses, "hosts": hosts })
}

fn networks(actors: &[Actor]) -> BTreeSet<&str> {
    let networks = actors.iter().flat_map(|actor| &actor.networks);
    networks.map(String::as_str).collect()
}

/// Adds `source.*` where all who took part are in one country and system, as far as that is known; where they are in several,
/// all of them stand under `aftertrace`.
fn source(alert: &mut Value, actors: &[&Actor]) {
    let origins = actors.iter().flat_map(|actor| &actor.origins);
    let origins: Vec<&Origin> = origins.collect();
    let Some(first) = origins.first() else {
        return;
    };
    let place = |origin: &Origin| {
        (
            origin.country.clone(),
            origin.asn,
            origin.organization.clone(),
        )
    };
    if origins.iter().any(|other| place(other) != place(first)) {
        alert["aftertrace"]["origins"] = json!(origins);
        return;
    }
    if let Some(country) = &first.country {
        alert["source"]["geo"]["country_iso_code"] = json!(country);
    }
    if let Some(number) = first.asn {
        alert["source"]["as"]["number"] = json!(number);
    }
    if let Some(name) = &first.organization {
        alert["source"]["as"]["organization"]["name"] = json!(name);
    }
}

/// Adds `threat.*`, if there is any.
fn threat(alert: &mut Value, techniques: &[Technique]) {
    if techniques.is_empty() {
        return;
    }
    let of = |field: fn(&Technique) -> &'static str| -> Vec<&str> {
        techniques.iter().map(field).collect()
    };
    let mut technique = Map::new();
    technique.insert("id".to_owned(), json!(of(|technique| technique.id)));
    technique.insert("name".to_owned(), json!(of(|technique| technique.name)));
    let parts = techniques.iter().filter_map(|technique| technique.part);
    let (ids, names): (Vec<&str>, Vec<&str>) = parts.unzip();
    if !ids.is_empty() {
        technique.insert(
            "subtechnique".to_owned(),
            json!({ "id": ids, "name": names }),
        );
    }
    alert["threat"] = json!({
        "framework": "MITRE ATT&CK",
        "tactic": { "id": of(|technique| technique.tactic), "name": of(|technique| technique.tactic_name) },
        "technique": technique,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{json_lines, rich};

    fn alerts(report: &Report) -> Vec<Value> {
        json_lines(|out| render(report, out))
    }

    #[test]
    fn every_alert_has_the_required_fields_and_its_technique() {
        let alerts = alerts(&rich(&str::to_string));
        assert_eq!(alerts.len(), 5);
        for alert in &alerts {
            assert!(alert["@timestamp"].is_string() && alert["message"].is_string());
            assert_eq!(alert["ecs"]["version"], VERSION);
            assert!(alert["event"]["category"].is_array() && alert["event"]["kind"].is_string());
        }
        let surge = alerts
            .iter()
            .find(|alert| alert["rule"]["name"] == "injection_and_surge");
        let technique = &surge.unwrap()["threat"]["technique"];
        assert_eq!(technique["id"], json!(["T1190", "T1499"]));
        assert_eq!(technique["subtechnique"]["id"], json!(["T1499.002"]));
        let source = &surge.unwrap()["source"];
        assert_eq!(source["geo"]["country_iso_code"], "NL");
        assert_eq!(source["as"]["number"], 64_496);
        assert_eq!(source["as"]["organization"]["name"], "Example Hosting B.V.");
        let injection = alerts
            .iter()
            .find(|alert| alert["rule"]["category"] == "injection")
            .unwrap();
        assert_eq!(injection["threat"]["technique"]["id"], json!(["T1190"]));
        assert_eq!(injection["related"]["ip"], json!(["203.0.113.77"]));
    }

    #[test]
    fn hostile_text_stays_a_string() {
        let hostile = |text: &str| format!("\"}}\n{{\"\u{1b}[2J\u{202e}{text}");
        assert_eq!(alerts(&rich(&hostile)).len(), 5);
    }
}

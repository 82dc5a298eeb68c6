//! The report as events for Timesketch, one JSON object a line.
//!
//! Its importer (timesketch.org, "Import from JSON or CSV") asks for `message`, `datetime` and `timestamp_desc`, and takes any
//! other field as it is; `tag` becomes tags. An event for each step of an incident, and one for each line that proves it.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::json::write_line;
use crate::report::view::{Evidence, Incident, Report, TimelineEntry};
use crate::report::words;
use crate::time::Time;

/// Countries and systems of an actor that a step names, those that sent most; the report has all.
const ORIGINS: usize = 10;

/// Writes the events in time order.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut events: Vec<(Time, Value)> = Vec::new();
    for incident in &report.incidents {
        for step in &incident.timeline {
            events.push((step.time, of_step(incident, step)));
            let lines = step.evidence.iter();
            events.extend(lines.map(|line| of_line(incident, step, line)));
        }
    }
    events.sort_by_key(|(time, _)| *time);
    events.into_iter().try_for_each(|(_, mut event)| {
        if let Some(tags) = event["tag"].as_array_mut().filter(|_| report.pseudonymized) {
            tags.push(json!("pseudonymized"));
        }
        write_line(&event, out)
    })
}

fn of_step(incident: &Incident, step: &TimelineEntry) -> Value {
    let mut event = json!({
        "message": step.summary,
        "datetime": step.time,
        "timestamp": step.time.micros(),
        "timestamp_desc": "Step of an incident",
        "data_type": "aftertrace:step",
        "incident": incident.id,
        "cause": incident.cause,
        "phase": step.phase,
        "kind": step.kind,
        "severity": step.severity,
        "end": step.end,
        "actors": step.actors,
        "tag": ["aftertrace", incident.cause, step.phase],
    });
    let acting = incident.actors.iter();
    let acting = acting.filter(|actor| step.actors.contains(&actor.id));
    let origins = acting.flat_map(|actor| actor.origins.iter().take(ORIGINS));
    let origins: Vec<String> = origins.map(words::origin).collect();
    if !origins.is_empty() {
        event["origins"] = json!(origins);
    }
    event
}

/// A line without a time of its own stands at its step.
fn of_line(incident: &Incident, step: &TimelineEntry, line: &Evidence) -> (Time, Value) {
    let time = line.time.unwrap_or(step.time);
    let event = json!({
        "message": line.text,
        "datetime": time,
        "timestamp": time.micros(),
        "timestamp_desc": "Log line",
        "data_type": "aftertrace:line",
        "incident": incident.id,
        "phase": step.phase,
        "kind": step.kind,
        "filename": line.source,
        "line": line.line,
        "offset": line.offset,
        "tag": ["aftertrace", "evidence"],
    });
    (time, event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{json_lines, rich};

    fn events(report: &Report) -> Vec<Value> {
        json_lines(|out| render(report, out))
    }

    #[test]
    fn every_event_has_what_the_importer_asks_for_in_time_order() {
        let mut report = rich(&str::to_string);
        report.incidents[1].timeline[1].actors = vec!["A2".to_owned()];
        let events = events(&report);
        let mut last = i64::MIN;
        for event in &events {
            assert!(event["message"].is_string() && event["timestamp_desc"].is_string());
            let time = Time::parse_rfc3339(event["datetime"].as_str().unwrap()).unwrap();
            assert_eq!(event["timestamp"], time.micros());
            assert!(time.micros() >= last);
            last = time.micros();
        }
        let of = |kind: &str| {
            events
                .iter()
                .filter(|event| event["data_type"] == kind)
                .count()
        };
        assert!(
            events
                .iter()
                .any(|event| event["origins"] == json!(["AS64496 Example Hosting B.V. (NL)"]))
        );
        assert_eq!((of("aftertrace:step"), of("aftertrace:line")), (5, 8));
    }

    #[test]
    fn hostile_text_stays_a_string() {
        let hostile = |text: &str| format!("\"}}\n{{\"\u{1b}[2J\u{202e}{text}");
        assert_eq!(
            events(&rich(&hostile)).len(),
            events(&rich(&str::to_string)).len()
        );
    }
}

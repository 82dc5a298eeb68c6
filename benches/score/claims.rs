//! What a report claims, taken from its JSON as a script would.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::truth::{Span, span, time};
use aftertrace::time::Time;

/// Roles that accuse nobody of an attack.
const INNOCENT_ROLES: [&str; 2] = ["crowd", "crawler"];

/// One incident of a report.
#[derive(Debug)]
pub struct Incident<'r> {
    /// Its fields.
    pub json: &'r Value,
    /// From its first to its last evidence.
    pub span: Option<Span>,
    /// The addresses that it accuses.
    pub accused: BTreeSet<&'r str>,
}

/// What a report claims.
#[derive(Debug)]
pub struct Claims<'r> {
    /// The whole of it.
    pub json: &'r Value,
    /// Its incidents.
    pub incidents: Vec<Incident<'r>>,
    /// The gravest of those that touch the time of the truth.
    main: Option<usize>,
}

impl<'r> Claims<'r> {
    /// Takes a report apart; `window` is when the incident that is looked for happened.
    pub fn of(report: &'r Value, window: Option<Span>) -> Claims<'r> {
        let incidents: Vec<Incident<'r>> = list(&report["incidents"]).map(Incident::of).collect();
        let touches = |incident: &Incident<'_>| match (incident.span, window) {
            (Some(span), Some(window)) => span.touches(window),
            _ => true,
        };
        let main = (0..incidents.len())
            .filter(|at| touches(&incidents[*at]))
            .max_by_key(|at| (incidents[*at].rank(), std::cmp::Reverse(*at)));
        Claims {
            json: report,
            incidents,
            main,
        }
    }

    /// The gravest incident of the truth's time.
    pub fn main(&self) -> Option<&Incident<'r>> {
        self.main.map(|at| &self.incidents[at])
    }

    /// When the first step of a phase begins in the main incident.
    pub fn first_step(&self, phase: &str) -> Option<Time> {
        self.steps(phase).map(|span| span.start).min()
    }

    /// When the last step of a phase is over in the main incident.
    pub fn last_step(&self, phase: &str) -> Option<Time> {
        self.steps(phase).map(|span| span.end).max()
    }

    fn steps(&self, phase: &str) -> impl Iterator<Item = Span> {
        let steps = self.main().map(|main| list(&main.json["timeline"]));
        steps
            .into_iter()
            .flatten()
            .filter(move |step| step["phase"] == phase)
            .filter_map(|step| {
                let start = time(&step["time"])?;
                let end = time(&step["end"]).unwrap_or(start);
                Some(Span { start, end })
            })
    }

    /// Every outage of every incident.
    pub fn outages(&self) -> Vec<Span> {
        let outages = |incident: &Incident<'r>| list(&incident.json["impact"]["outages"]);
        self.incidents
            .iter()
            .flat_map(outages)
            .filter_map(span)
            .collect()
    }
}

impl<'r> Incident<'r> {
    fn of(json: &'r Value) -> Incident<'r> {
        let accused = list(&json["actors"])
            .filter(|actor| {
                json["attack"] == true && !INNOCENT_ROLES.iter().any(|role| actor["role"] == *role)
            })
            .flat_map(|actor| list(&actor["clients"]))
            .filter_map(Value::as_str)
            .collect();
        Incident {
            span: span(json),
            accused,
            json,
        }
    }

    /// Background probing, which is nobody's incident.
    pub fn is_low_scan(&self) -> bool {
        self.json["cause"] == "scan" && self.json["severity"] == "low"
    }

    /// The cause, the severity and the time, for people.
    pub fn describe(&self) -> String {
        let text = |name: &str| self.json[name].as_str().unwrap_or("?");
        format!(
            "{} {} {} – {}",
            text("severity"),
            text("cause"),
            text("start"),
            text("end")
        )
    }

    /// The graver, the greater; among equals attacks, then the surer.
    fn rank(&self) -> (usize, bool, u64) {
        let severities = ["low", "medium", "high", "critical"];
        let severity = severities
            .iter()
            .position(|name| self.json["severity"] == *name);
        let confidence = self.json["confidence"].as_f64().unwrap_or(0.0);
        (
            severity.map_or(0, |at| at + 1),
            self.json["attack"] == true,
            (confidence * 1000.0) as u64,
        )
    }
}

/// The values of an array; none if it is not there.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

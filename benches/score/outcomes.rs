//! Whether injections worked: the report's outcomes, endpoint by endpoint, against what the application did.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::claims::{Claims, list};
use crate::lines::{Line, Lines};
use crate::row::Row;
use crate::truth::Truth;

/// Labels of lines, and the categories that name the same thing.
const CATEGORIES: [(&str, &[&str]); 8] = [
    ("sqli", &["sql_injection"]),
    ("xss", &["xss"]),
    ("traversal", &["path_traversal", "file_inclusion"]),
    ("cmdi", &["command_injection", "code_injection"]),
    ("log4shell", &["jndi_injection"]),
    ("webshell", &["webshell"]),
    ("upload", &["webshell"]),
    ("nosqli", &["nosql_injection"]),
];

/// What an attack did at one place, by the truth.
#[derive(Debug, Default, Clone, Copy)]
struct Deed {
    attempts: u32,
    executed: u32,
    exfil: u32,
}

impl Deed {
    fn add(&mut self, line: &Line) {
        let seen = line.succeeded && line.visible;
        self.attempts += 1;
        self.executed += u32::from(seen);
        self.exfil += u32::from(seen && line.note == "exfil");
    }

    /// What a careful reader may say. Data that left must be called likely; an execution that shows in nothing
    /// but ordinary answers need only be suspected.
    fn right(&self) -> &'static [&'static str] {
        match self {
            Deed { exfil: 1.., .. } => &["likely"],
            Deed { executed: 1.., .. } => &["likely", "suspected"],
            _ => &["blocked", "no_evidence"],
        }
    }
}

/// Outcomes of the places where it worked, and of those where the report says that it did.
pub fn rows(truth: &Truth, claims: &Claims<'_>, lines: &Lines) -> Vec<Row> {
    if lines.hostile.is_empty() {
        return listed(truth, claims);
    }
    let mut deeds: BTreeMap<(&str, &str), Deed> = BTreeMap::new();
    for line in &lines.hostile {
        let at = (line.label.as_str(), place(&line.path));
        deeds.entry(at).or_default().add(line);
    }
    let claimed: Vec<&Value> = claims
        .incidents
        .iter()
        .flat_map(|incident| list(&incident.json["injections"]))
        .collect();
    let mut rows = Vec::new();
    let mut agreed = 0;
    for ((label, path), deed) in &deeds {
        let Some((_, categories)) = CATEGORIES.iter().find(|(known, _)| known == label) else {
            continue;
        };
        let best = best(claimed.iter().copied().filter(|claim| {
            categories
                .iter()
                .any(|category| claim["category"] == **category)
                && place(claim["endpoint"].as_str().unwrap_or_default()) == *path
        }));
        let right = deed.right().contains(&best.unwrap_or("no_evidence"));
        agreed += u32::from(right && deed.executed == 0);
        if !right || deed.executed > 0 {
            let found = format!(
                "{} ({} attempts, {} executed, {} with data)",
                best.unwrap_or("not listed"),
                deed.attempts,
                deed.executed,
                deed.exfil
            );
            rows.push(Row::goal(format!("outcome {label} {path}"), right, found));
        }
    }
    rows.push(Row::told(
        "outcomes",
        format!("{agreed} places rightly told as without success"),
    ));
    rows
}

/// Without labelled lines: the endpoints that the truth lists.
fn listed(truth: &Truth, claims: &Claims<'_>) -> Vec<Row> {
    let injection = &truth.json["attack"]["injection"];
    let succeeded = injection["succeeded"] == true;
    let mut rows = Vec::new();
    for endpoint in list(&injection["endpoints"]) {
        let (path, succeeded) = match endpoint {
            Value::String(path) => (path.as_str(), succeeded),
            _ => (
                endpoint["path"]
                    .as_str()
                    .or(endpoint["endpoint"].as_str())
                    .unwrap_or_default(),
                endpoint["succeeded"].as_bool().unwrap_or(succeeded),
            ),
        };
        let incidents = claims.incidents.iter();
        let claimed = incidents.flat_map(|incident| list(&incident.json["injections"]));
        let best =
            best(claimed.filter(|claim| {
                place(claim["endpoint"].as_str().unwrap_or_default()) == place(path)
            }));
        let said = matches!(best, Some("likely" | "suspected"));
        let found = format!(
            "{} where it {}",
            best.unwrap_or("not listed"),
            if succeeded { "worked" } else { "failed" }
        );
        rows.push(Row::goal(
            format!("outcome {path}"),
            best.is_some() && said == succeeded,
            found,
        ));
    }
    if rows.is_empty() {
        rows.push(Row::skipped("outcomes", "the truth names no endpoints"));
    }
    rows
}

/// The gravest outcome among claims.
fn best<'v>(claims: impl Iterator<Item = &'v Value>) -> Option<&'v str> {
    let order = ["blocked", "no_evidence", "suspected", "likely"];
    claims
        .filter_map(|claim| claim["outcome"].as_str())
        .max_by_key(|outcome| order.iter().position(|known| known == outcome))
}

/// Where an attack aims: the path up to the first segment that holds a payload or stands for any (`<sku>`, `*`,
/// `{id}`), so that thousands of payloads in one segment are one place.
fn place(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    let foreign = |c: char| "%'\"()<>{}*;|`$ ".contains(c);
    match path.find(foreign) {
        Some(at) => &path[..path[..at].rfind('/').map_or(0, |slash| slash + 1)],
        None => path,
    }
}

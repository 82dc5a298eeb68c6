//! Lists that no program in particular reads: networks a line, and a table.

use std::fmt::Write;

use super::plan::{Entry, Plan};
use crate::error::{Error, Result};
use crate::report::csv::safe;
use crate::report::view::Origin;
use crate::time::Time;

/// The columns of the table.
const HEAD: [&str; 10] = [
    "network",
    "attackers",
    "attack_share",
    "innocent_clients",
    "innocent_share",
    "from",
    "roles",
    "incident",
    "cause",
    "origins",
];

/// One network a line. Without a comment, because what reads such lists takes each line for a network.
pub fn cidr(plan: &Plan<'_>) -> String {
    let mut out = String::new();
    for network in plan.networks() {
        let _ = writeln!(out, "{network}");
    }
    out
}

/// The table. What is left of a network that known clients were cut out of has no shares and numbers: the report tells them
/// of the whole network alone.
///
/// # Errors
/// None that memory does not bring about.
pub fn csv(plan: &Plan<'_>) -> Result<String> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let written = (|| {
        table.write_record(HEAD)?;
        for entry in plan.entries() {
            for network in &entry.left {
                table.write_record(cells(entry, network.to_string()).map(safe))?;
            }
        }
        table.flush()?;
        Ok(())
    })();
    written.map_err(|error: csv::Error| Error::io("the table", "cannot write", error.into()))?;
    let bytes = table.into_inner().unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn cells(entry: &Entry<'_>, network: String) -> [String; HEAD.len()] {
    let whole = entry.is_whole();
    let told = |figure: Option<String>| figure.filter(|_| whole).unwrap_or_default();
    let share = |share: Option<f64>| told(share.map(|share| share.to_string()));
    let number = |number: Option<u64>| told(number.map(|number| number.to_string()));
    let origins: Vec<String> = entry.origins.iter().map(origin).collect();
    [
        network,
        number(Some(entry.attackers)),
        share(entry.attack_share),
        number(entry.innocent_clients),
        share(entry.innocent_share),
        entry.from.map_or(String::new(), Time::to_rfc3339),
        entry.roles.join(" "),
        entry.incident.id.to_string(),
        entry.incident.cause.name().to_string(),
        origins.join("; "),
    ]
}

fn origin(origin: &Origin) -> String {
    let parts = [
        origin.country.clone(),
        origin.asn.map(|number| format!("AS{number}")),
        origin.organization.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(" ")
}

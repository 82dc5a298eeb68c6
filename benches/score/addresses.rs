//! Attacking addresses: how many of them were found, and how many of those accused are innocent.

use std::collections::BTreeSet;
use std::io;

use crate::claims::{Claims, list};
use crate::lines::Lines;
use crate::row::Row;
use crate::truth::Truth;

/// The least share that is good enough: the goals of the project.
const PRECISION: f64 = 0.98;
const RECALL: f64 = 0.97;

/// Precision and recall. Those who only probe in the background may be accused of just that.
///
/// # Errors
/// When the list of addresses cannot be read.
pub fn rows(truth: &Truth, claims: &Claims<'_>, lines: &Lines) -> io::Result<Vec<Row>> {
    let accused: BTreeSet<&str> = claims
        .incidents
        .iter()
        .flat_map(|incident| {
            let excused = incident.is_low_scan();
            let accused = incident.accused.iter().copied();
            accused.filter(move |client| !(excused && lines.noise.contains(*client)))
        })
        .collect();
    let Some(attackers) = attackers(truth)? else {
        return Ok(match truth.attack() {
            Some(false) => vec![blameless(claims)],
            _ => vec![Row::skipped(
                "addresses",
                format!("no attacker_ips.tsv; {} accused", accused.len()),
            )],
        });
    };
    let both = accused
        .iter()
        .filter(|client| attackers.contains(**client))
        .count();
    let share = |of: usize| both as f64 / of.max(1) as f64;
    let (precision, recall) = (share(accused.len()), share(attackers.len()));
    Ok(vec![
        Row::goal(
            "address precision",
            precision >= PRECISION,
            format!("{precision:.4} ({both} of {} accused)", accused.len()),
        ),
        Row::goal(
            "address recall",
            recall >= RECALL,
            format!("{recall:.4} ({both} of {} attackers)", attackers.len()),
        ),
    ])
}

/// Without an attack nobody may be accused of more than probing.
fn blameless(claims: &Claims<'_>) -> Row {
    let graver = claims
        .incidents
        .iter()
        .filter(|incident| !incident.is_low_scan());
    let accused: usize = graver.map(|incident| incident.accused.len()).sum();
    Row::goal(
        "addresses",
        accused == 0,
        format!("{accused} accused, none guilty"),
    )
}

/// The attacking addresses, from the list or from the actors of the truth.
fn attackers(truth: &Truth) -> io::Result<Option<BTreeSet<String>>> {
    if let Some(text) = truth.text("attacker_ips.tsv")? {
        let first = |row: &str| row.split('\t').next().unwrap_or_default().to_string();
        let listed: BTreeSet<String> = text
            .lines()
            .map(first)
            .filter(|address| !address.is_empty() && address != "ip")
            .collect();
        return Ok((!listed.is_empty()).then_some(listed));
    }
    let mut named = BTreeSet::new();
    for actor in list(&truth.json["actors"]) {
        for field in ["ips", "addresses", "clients"] {
            let names = list(&actor[field]).filter_map(serde_json::Value::as_str);
            named.extend(names.map(str::to_string));
        }
    }
    Ok((!named.is_empty()).then_some(named))
}

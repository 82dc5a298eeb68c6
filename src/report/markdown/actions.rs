//! What would have helped, counted on the logs, and what is to be done.

use std::io::{self, Write};

use super::Draft;
use super::page::{Page, blank, code, text};
use super::story::more;
use crate::report::view::{Mitigation, Target};
use crate::report::words;

/// Targets of a measure at most; the report has all.
const TARGETS: usize = 30;

/// Writes what would have helped.
pub fn helped<W: Write>(draft: &Draft<'_>, page: &mut Page<W>) -> io::Result<()> {
    page.heading("What would have helped")?;
    draft.each(
        "Nothing that these logs could count.",
        page,
        |incident, page| {
            for mitigation in &incident.mitigations {
                measure(mitigation, page)?;
            }
            Ok(!incident.mitigations.is_empty())
        },
    )?;
    match draft.told.is_empty() {
        true => Ok(()),
        false => page.list([blank("actions, each with an owner and a date")]),
    }
}

fn measure<W: Write>(mitigation: &Mitigation, page: &mut Page<W>) -> io::Result<()> {
    page.paragraph(&text(&mitigation.summary))?;
    if mitigation.details.is_empty() {
        page.list(
            mitigation
                .targets
                .iter()
                .take(TARGETS)
                .map(|target| code(target)),
        )?;
        return more(mitigation.targets.len(), TARGETS, "targets", page);
    }
    const HEAD: [&str; 5] = [
        "Network",
        "Attackers",
        "Of the attack",
        "Others within",
        "Of the other requests",
    ];
    let shown = || mitigation.details.iter().take(TARGETS);
    match shown().any(|target| !target.origins.is_empty()) {
        false => page.table(HEAD, shown().map(network))?,
        true => {
            let [a, b, c, d, e] = HEAD;
            let placed = shown().map(|target| {
                let [network, attackers, attack, others, innocent] = network(target);
                let place = place(target);
                [network, attackers, attack, others, innocent, place]
            });
            page.table([a, b, c, d, e, "Where"], placed)?;
        }
    }
    more(mitigation.details.len(), TARGETS, "networks", page)
}

/// Where most of a network's attackers are.
fn place(target: &Target) -> String {
    let first = target.origins.first().map(words::origin);
    let others = match target.origins.len().saturating_sub(1) {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    text(&(first.unwrap_or_default() + &others))
}

fn network(target: &Target) -> [String; 5] {
    let share = |ratio: Option<f64>| text(&ratio.map_or(String::new(), words::share));
    [
        code(&target.target),
        words::count(target.clients),
        share(target.attack_share),
        words::count(target.innocent_clients),
        share(target.innocent_share),
    ]
}

//! What would have helped, counted on the logs, and what is to be done.

use std::io::{self, Write};

use super::Draft;
use super::page::{Page, blank, code, text};
use super::story::more;
use crate::report::view::{Mitigation, RateLimit, Target};
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
                measure(draft, mitigation, page)?;
            }
            Ok(!incident.mitigations.is_empty())
        },
    )?;
    match draft.told.is_empty() {
        true => Ok(()),
        false => page.list([blank("actions, each with an owner and a date")]),
    }
}

fn measure<W: Write>(
    draft: &Draft<'_>,
    mitigation: &Mitigation,
    page: &mut Page<W>,
) -> io::Result<()> {
    page.paragraph(&text(&mitigation.summary))?;
    if !mitigation.limits.is_empty() {
        return page.table(LIMITS, mitigation.limits.iter().map(limit));
    }
    if mitigation.details.is_empty() {
        let targets = mitigation.targets.iter().take(TARGETS);
        page.list(targets.map(|target| code(target)))?;
        return more(mitigation.targets.len(), TARGETS, "targets", page);
    }
    let shown = || mitigation.details.iter().take(TARGETS);
    match shown().any(|target| !target.origins.is_empty()) {
        false => page.table(NETWORKS, shown().map(|target| network(draft, target)))?,
        true => {
            let [a, b, c, d, e, f] = NETWORKS;
            let placed = shown().map(|target| {
                let [network, from, attackers, attack, others, innocent] = network(draft, target);
                let place = place(target);
                [network, from, attackers, attack, others, innocent, place]
            });
            page.table([a, b, c, d, e, f, "Where"], placed)?;
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

const NETWORKS: [&str; 6] = [
    "Network",
    "From",
    "Attackers",
    "Of the attack",
    "Others within",
    "Of the other requests",
];

fn network(draft: &Draft<'_>, target: &Target) -> [String; NETWORKS.len()] {
    [
        code(&target.target),
        target
            .from
            .map_or(String::new(), |from| draft.clock.moment(from)),
        words::count(target.clients),
        share(target.attack_share),
        words::count(target.innocent_clients),
        share(target.innocent_share),
    ]
}

const LIMITS: [&str; 4] = [
    "Requests a minute",
    "Refused of the attack",
    "Of the other requests",
    "Innocent clients refused",
];

fn limit(limit: &RateLimit) -> [String; LIMITS.len()] {
    let per_minute = words::count(limit.per_minute);
    [
        match limit.advised {
            true => format!("**{per_minute}**"),
            false => per_minute,
        },
        share(limit.attack_share),
        share(limit.innocent_share),
        words::count(limit.innocent_clients),
    ]
}

fn share(ratio: Option<f64>) -> String {
    text(&ratio.map_or(String::new(), words::share))
}

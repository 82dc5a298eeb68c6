//! Was a web shell there, and did somebody use it?
//!
//! A request for a shell's name proves nothing: scanners ask for hundreds, and some servers answer all of them
//! alike. And a shell may have any name. What tells one is its use: a script that few know, where no program
//! belongs or right after something was sent to the site, which answers commands, each with an answer of its own.

use std::collections::BTreeSet;

use crate::category::Category;
use crate::client::Client;
use crate::evidence::endpoints::Endpoint;
use crate::evidence::first::Locator;
use crate::evidence::scripts::{Script, Uses};
use crate::finding::{Case, Finding, Kind};
use crate::terms::Role;
use crate::text::{counted, visible};
use crate::time::Time;

/// Answers with 2xx to one client from which a shell was used rather than met.
const USES: u64 = 3;

/// Different sizes of answers: a page for everything that is not there has one.
const SIZES: usize = 3;

/// Clients that share a shell at most. What more of them ask for is a page.
const OPERATORS: usize = 5;

/// Weight that the signs must come to, of 9.
const ENOUGH: u32 = 5;

/// A script is new when nobody asked for it in this share of the log before.
const NEW: f64 = 0.05;

/// What was sent to the site this long before the first use may have brought the script, in seconds.
const BROUGHT_S: i64 = 3600;

/// Share of the uses that must carry a command or a body.
const BUSY: f64 = 0.3;

/// One finding for each path that acts like a web shell.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let scripts = case.norms.scripts.iter().map(|(_, script)| script);
    let mut found: Vec<Finding> = scripts.filter_map(|script| used(case, script)).collect();
    found.sort_by(|a, b| (a.start, &a.clients, &a.reasons).cmp(&(b.start, &b.clients, &b.reasons)));
    found
}

/// The paths that act like web shells.
pub fn paths(case: &Case<'_>) -> Vec<Box<[u8]>> {
    let scripts = case.norms.scripts.iter().map(|(_, script)| script);
    let acting = scripts.filter(|script| used(case, script).is_some());
    acting.map(|script| script.path.clone()).collect()
}

/// What speaks for a shell, with its weight.
struct Weighed {
    weight: u32,
    reasons: Vec<String>,
    upload: Option<Locator>,
}

fn used(case: &Case<'_>, script: &Script) -> Option<Finding> {
    let users: Vec<(&Client, &Uses)> = script.users.iter().collect();
    let mut operators: Vec<(&Client, &Uses)> = users
        .iter()
        .filter(|(_, uses)| uses.answered >= USES && is_busy(uses))
        .copied()
        .collect();
    operators.sort_unstable_by_key(|(client, _)| **client);
    let mut known: Vec<(&Client, &Uses)> = users
        .iter()
        .filter(|(_, uses)| uses.answered > 0)
        .copied()
        .collect();
    known.sort_unstable_by_key(|(client, _)| **client);
    if operators.is_empty() || known.len() > OPERATORS {
        return None;
    }
    let sizes: BTreeSet<u64> = operators
        .iter()
        .flat_map(|(_, uses)| uses.sizes.iter().copied())
        .collect();
    if sizes.len() < SIZES {
        return None;
    }
    let signs = weigh(case, script, &operators, &known);
    if signs.weight < ENOUGH {
        return None;
    }
    let requests: u64 = operators.iter().map(|(_, uses)| uses.answered).sum();
    let first = format!(
        "{} answered {} of {} with 2xx and at least {} different sizes, and {}",
        visible(&script.path),
        counted(requests, "request", "requests"),
        counted(operators.len() as u64, "client", "clients"),
        sizes.len(),
        match known.len() - operators.len() {
            0 => "nobody else got an answer from it".to_string(),
            others => format!(
                "only {} got an answer from it besides",
                counted(others as u64, "client", "clients")
            ),
        }
    );
    // Who brought it and looked whether it answers belongs to those who use it.
    let brought = known
        .iter()
        .min_by_key(|(client, uses)| (uses.span.first, **client));
    if let (Some(brought), Some(_)) = (brought, signs.upload)
        && !operators.iter().any(|(client, _)| client == &brought.0)
    {
        operators.push(*brought);
        operators.sort_unstable_by_key(|(client, _)| **client);
    }
    Some(finding(&operators, first, signs))
}

fn finding(operators: &[(&Client, &Uses)], first: String, signs: Weighed) -> Finding {
    let spans = || operators.iter().map(|(_, uses)| uses.span);
    let upload = signs.upload.map(|at| at.time);
    let start = spans().map(|span| span.first).chain(upload).min();
    let mut samples: Vec<Locator> = signs.upload.into_iter().collect();
    let mut lines: Vec<Locator> = operators
        .iter()
        .flat_map(|(_, uses)| uses.first.as_slice().iter().copied())
        .collect();
    lines.sort_unstable();
    samples.extend(lines);
    let mut reasons = vec![first];
    reasons.extend(signs.reasons);
    Finding {
        kind: Kind::Webshell,
        start: start.unwrap_or(Time::from_secs(0)),
        end: spans()
            .map(|span| span.last)
            .max()
            .unwrap_or(Time::from_secs(0)),
        role: Some(Role::WebshellOperator),
        confidence: (0.45 + 0.07 * f64::from(signs.weight)).min(0.95),
        reasons,
        samples,
        clients: operators.iter().map(|(client, _)| **client).collect(),
    }
}

/// True when most uses bring something: a command, or a body.
fn is_busy(uses: &Uses) -> bool {
    (uses.commands + uses.posts) as f64 >= BUSY * uses.answered as f64
}

/// `known` are all clients that the script answered.
fn weigh(
    case: &Case<'_>,
    script: &Script,
    operators: &[(&Client, &Uses)],
    known: &[(&Client, &Uses)],
) -> Weighed {
    let mut signs = Weighed {
        weight: 0,
        reasons: Vec::new(),
        upload: upload(case, known),
    };
    let mut add = |weight: u32, reason: String| {
        signs.weight += weight;
        signs.reasons.push(reason);
    };
    if script.is_misplaced() {
        add(
            2,
            "it lies in a folder of uploads, pictures or temporary files, where no program belongs"
                .to_string(),
        );
    }
    if let Some((weight, reason)) = orders(operators) {
        add(weight, reason);
    }
    if is_known_name(case, script) {
        add(
            2,
            "the path or a parameter is one of known web shells".to_string(),
        );
    }
    if let Some(quiet) = quiet_before(case, known) {
        add(
            1,
            format!(
                "nobody got an answer from it in the first {:.0}% of the log, at least {:.0}% are needed",
                quiet * 100.0,
                NEW * 100.0
            ),
        );
    }
    if operators.iter().all(|(client, _)| !browses(case, client)) {
        add(
            1,
            "none of these clients loads what pages consist of, as a browser does".to_string(),
        );
    }
    if signs.upload.is_some() {
        signs.weight += 1;
        signs.reasons.push(format!(
            "the client that used it first had sent something to the site at most {} min before",
            BROUGHT_S / 60
        ));
    }
    signs
}

/// What the requests bring, with its weight.
fn orders(operators: &[(&Client, &Uses)]) -> Option<(u32, String)> {
    /// Commands from which they are no search that happens to look like one.
    const COMMANDS: u64 = 2;
    let commands: u64 = operators.iter().map(|(_, uses)| uses.commands).sum();
    let posts: u64 = operators.iter().map(|(_, uses)| uses.posts).sum();
    if commands >= COMMANDS {
        let reason = format!(
            "{commands} requests carry a parameter that reads like a command, at least {COMMANDS} are needed"
        );
        return Some((2, reason));
    }
    let reason = format!("{posts} requests carry a body, at least {USES} are needed");
    (posts >= USES).then_some((1, reason))
}

/// The last thing that the first user sent to the site before it used the script.
fn upload(case: &Case<'_>, operators: &[(&Client, &Uses)]) -> Option<Locator> {
    let (client, uses) = operators
        .iter()
        .min_by_key(|(client, uses)| (uses.span.first, **client))?;
    let first = uses.first.as_slice().first()?;
    let sent = case.norms.sent(client).iter().rev();
    let mut before = sent.filter(|at| **at < *first);
    let last = before.next()?;
    (first.time.secs() - last.time.secs() <= BROUGHT_S).then_some(*last)
}

/// The share of the log before the first use, if it is long enough to say that the script is new.
fn quiet_before(case: &Case<'_>, operators: &[(&Client, &Uses)]) -> Option<f64> {
    let (start, end) = case.plan.minutes.span()?;
    let first = operators
        .iter()
        .map(|(_, uses)| uses.span.first.secs())
        .min()?;
    let share = (first - start) as f64 / (end - start).max(1) as f64;
    (share >= NEW).then_some(share)
}

fn browses(case: &Case<'_>, client: &Client) -> bool {
    let stats = case.access.clients.get(client);
    stats.is_some_and(|stats| stats.browses())
}

fn is_known_name(case: &Case<'_>, script: &Script) -> bool {
    let known = |endpoint: &Endpoint| {
        endpoint.category == Category::Webshell && endpoint.path == script.path
    };
    case.access
        .endpoints
        .iter()
        .any(|(_, endpoint)| known(endpoint))
}

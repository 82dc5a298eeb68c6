//! Who did it: the bursts and what they consist of, and the actors.

use std::io;

use super::page::{Page, Text, Tone};
use super::section::{BODY, LABEL, and_more, beside, by_category, title};
use crate::report::phrases;
use crate::report::view::{Actor, Burst, Ranked};
use crate::report::words::{self, Clock};
use crate::terms::Role;

const BURSTS: usize = 6;
const ACTORS: usize = 10;
const ORIGINS: usize = 5;
const LINES: usize = 2;

/// Writes the bursts.
pub fn bursts(bursts: &[Burst], clock: &Clock, page: &mut Page) -> io::Result<()> {
    if bursts.is_empty() {
        return Ok(());
    }
    title("Bursts", page)?;
    for burst in bursts.iter().take(BURSTS) {
        one_burst(burst, clock, page)?;
    }
    and_more(BURSTS, bursts.len(), "bursts", page)
}

fn one_burst(burst: &Burst, clock: &Clock, page: &mut Page) -> io::Result<()> {
    let what = Text::new().toned(Tone::Accent, phrases::dimension(burst.dimension));
    let kind = words::cause_named(&burst.classification).unwrap_or("surge");
    let mut first = Text::new()
        .strong(&format!(
            "{} → {}",
            words::rate(burst.baseline_rps),
            words::rate(burst.peak_rps)
        ))
        .plain(&format!(
            ", {kind} ({})",
            words::confidence(burst.confidence)
        ));
    if let Some(key) = &burst.key {
        first = Text::new()
            .toned(Tone::Accent, &words::shortened(key))
            .plain("  ")
            .text(first);
    }
    page.hanging(BODY, what, LABEL, first, LINES)?;
    let when = format!(
        "{}, peak {}",
        clock.span(burst.start, burst.end),
        clock.moment(burst.peak_at)
    );
    beside("", when.into(), LINES, page)?;
    beside("", size(burst).into(), LINES, page)?;
    let named = |network: &Ranked| Ranked {
        key: phrases::network(&network.key),
        ..network.clone()
    };
    let networks: Vec<Ranked> = burst.top.networks.iter().map(named).collect();
    ranked("  networks", &networks, burst.requests, page)?;
    ranked("  clients", &burst.top.clients, burst.requests, page)?;
    ranked("  paths", &burst.top.paths, burst.requests, page)?;
    ranked(
        "  user agents",
        &burst.top.user_agents,
        burst.requests,
        page,
    )
}

fn size(burst: &Burst) -> String {
    let new = burst.new_client_ratio.map_or_else(String::new, |new| {
        format!(", {} of them new", words::share(new))
    });
    format!(
        "{}, {} above the baseline; {}{new}",
        words::counted(burst.requests, "request", "requests"),
        words::count(burst.excess_requests),
        words::counted(burst.clients, "client", "clients"),
    )
}

/// Leading values with their share of the burst.
fn ranked(label: &str, values: &[Ranked], whole: u64, page: &mut Page) -> io::Result<()> {
    let named: Vec<String> = values
        .iter()
        .map(|value| {
            format!(
                "{} {}",
                words::shortened(&value.key),
                words::part_of(value.requests, whole)
            )
        })
        .collect();
    some(label, &named, 0, page)
}

/// A labelled list on one line; nothing when it is empty.
fn some(label: &str, values: &[String], total: u64, page: &mut Page) -> io::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let columns = page.room(BODY + LABEL);
    beside(
        label,
        words::list(values, total, columns).into(),
        LINES,
        page,
    )
}

/// Writes the actors, those who attack first.
pub fn actors(actors: &[Actor], clock: &Clock, page: &mut Page) -> io::Result<()> {
    if actors.is_empty() {
        return Ok(());
    }
    title("Who", page)?;
    let (attackers, others): (Vec<&Actor>, Vec<&Actor>) =
        actors.iter().partition(|actor| actor.role.is_attack());
    for actor in attackers.iter().chain(&others).take(ACTORS) {
        one_actor(actor, clock, page)?;
    }
    and_more(ACTORS, actors.len(), "actors", page)
}

fn one_actor(actor: &Actor, clock: &Clock, page: &mut Page) -> io::Result<()> {
    let tone = if actor.role.is_attack() {
        Tone::Alarm
    } else {
        Tone::Plain
    };
    let label = Text::new()
        .strong(&actor.id)
        .plain(" ")
        .toned(tone, role(actor.role));
    let first = Text::from(format!(
        "{} sent {}",
        words::counted(actor.client_count, "client", "clients"),
        words::counted(actor.requests, "request", "requests")
    ));
    page.hanging(BODY, label, LABEL, first.text(hits(actor)), LINES)?;
    let when = format!("{}{}", clock.span(actor.first, actor.last), answers(actor));
    beside("", when.into(), LINES, page)?;
    some("  clients", &actor.clients, actor.client_count, page)?;
    let networks: Vec<String> = actor
        .networks
        .iter()
        .map(|net| phrases::network(net))
        .collect();
    some("  networks", &networks, 0, page)?;
    origins(actor, page)?;
    some("  user agents", &short(&actor.user_agents), 0, page)?;
    some("  paths", &short(&actor.paths), 0, page)
}

/// Where an actor's clients are, a line each.
fn origins(actor: &Actor, page: &mut Page) -> io::Result<()> {
    for (index, origin) in actor.origins.iter().take(ORIGINS).enumerate() {
        let label = if index == 0 { "  from" } else { "" };
        let told = format!(
            "{}: {}, {} of the requests",
            words::origin(origin),
            words::counted(origin.clients, "address", "addresses"),
            words::part_of(origin.requests, actor.requests),
        );
        beside(label, told.into(), LINES, page)?;
    }
    match actor.origins.len().saturating_sub(ORIGINS) {
        0 => Ok(()),
        left => beside("", format!("and {left} more").into(), LINES, page),
    }
}

/// The part an actor plays, short enough for the label.
fn role(role: Role) -> &'static str {
    match role {
        Role::Injector => "injector",
        Role::Flooder => "flooder",
        Role::Scanner => "scanner",
        Role::BruteForcer => "guesser",
        Role::WebshellOperator => "operator",
        Role::Crawler => "crawler",
        Role::Crowd => "crowd",
    }
}

fn short(values: &[String]) -> Vec<String> {
    values.iter().map(|value| words::shortened(value)).collect()
}

fn hits(actor: &Actor) -> Text {
    match actor.hits_by_category.is_empty() {
        true => Text::new(),
        false => Text::new()
            .plain("; ")
            .text(by_category(&actor.hits_by_category, Tone::Warn)),
    }
}

fn answers(actor: &Actor) -> String {
    let classes: Vec<String> = actor
        .status
        .iter()
        .filter(|&(_, &number)| number > 0)
        .map(|(class, &number)| format!("{class} {}", words::part_of(number, actor.requests)))
        .collect();
    match classes.is_empty() {
        true => String::new(),
        false => format!("; answered {}", classes.join(", ")),
    }
}

//! What of a report is an estimate because memory did not suffice for all of it, and how good it is.

use crate::client::Client;
use crate::counts::{AccessCounts, ErrorCounts};
use crate::error::Warning;
use crate::evidence::capped::{CappedMap, StableHash};
use crate::evidence::tries::MAX_TRIES;
use crate::focus::WindowCounts;
use crate::norms::Norms;
use crate::pace::Pace;
use crate::tally::Tally;
use crate::text::count;

/// Stable, for scripts.
const CODE: &str = "cap_reached";

/// What to do about it.
const ADVICE: &str = "a larger --memory-limit makes it exact";

fn warning(message: String) -> Warning {
    Warning {
        code: CODE.into(),
        message,
        input: None,
    }
}

/// Of a map whose keys are a sample. The error is that of distinct sampling (Gibbons 2001): one standard deviation.
fn sampled<K: StableHash + Eq + Copy, V>(what: &str, map: &CappedMap<K, V>) -> Option<Warning> {
    let error = map.error()?;
    Some(warning(format!(
        "there are more distinct {what} than the memory limit has room for: their number, about {}, is an estimate with a \
         standard error of {}, and whatever is said of them rests on a sample of {}, one in {}; who or what is not of it \
         is not named; {ADVICE}",
        count(map.distinct()),
        percent(error),
        count(map.len() as u64),
        count(map.scaled(1)),
    )))
}

/// A share as people read it, never 0%.
fn percent(share: f64) -> String {
    match share * 100.0 {
        small if small < 0.1 => format!("{small:.2}%"),
        large => format!("{large:.1}%"),
    }
}

/// Of the survey of access logs.
pub fn of_survey(access: &AccessCounts) -> Vec<Warning> {
    let maps = [
        sampled("clients", &access.clients),
        sampled("known clients", &access.aside.clients),
        sampled("host names", &access.names),
        sampled("paths", &access.paths),
        sampled("user agents", &access.agents),
        sampled("clients with odd requests", &access.conduct),
        sampled("values that many send to one place", &access.habits),
        sampled("clients with suspicious requests", &access.hit_clients),
        sampled(
            "clients whose first suspicious lines are quoted",
            &access.hit_samples,
        ),
        sampled("clients that met rejected pages", &access.misses),
        sampled("attacked endpoints", &access.endpoints),
    ];
    let attempts = (access.tries < MAX_TRIES).then(|| {
        warning(format!(
            "there are more attempts at {} attacked endpoints than the memory limit has room for: outcomes rest on {} \
             attempts at each at most, chosen by lot; {ADVICE}",
            count(access.endpoints.distinct()),
            count(access.tries as u64)
        ))
    });
    let earliest = access.minutes.overflowed() || access.buckets.overflowed();
    let earliest = earliest.then(|| {
        warning(format!(
            "the records cover more minutes or buckets than the memory limit has room for: the earliest are left out of \
             the series and of the search for bursts; {ADVICE}"
        ))
    });
    let maps = maps.into_iter().flatten();
    maps.chain(of_buckets(access))
        .chain(attempts)
        .chain(earliest)
        .collect()
}

fn of_buckets(access: &AccessCounts) -> Option<Warning> {
    /// Clients of a bucket for which the error is told.
    const CLIENTS: u64 = 10_000;
    let clients = &access.bucket_clients;
    let error = (clients.one_in() as f64 / CLIENTS as f64).sqrt();
    clients.is_sampled().then(|| {
        warning(format!(
            "there are more clients in more buckets than the memory limit has room for: the series of clients is estimated \
             from one client in {}; where a bucket has {}, with a standard error of {}; {ADVICE}",
            count(clients.one_in()),
            count(CLIENTS),
            percent(error),
        ))
    })
}

/// Of the survey of error logs.
pub fn of_errors(errors: &ErrorCounts) -> Vec<Warning> {
    let maps = [
        sampled("clients with errors of the database", &errors.database),
        sampled("clients in messages of error logs", &errors.mentions),
    ];
    let forgotten = errors.forgotten.then(|| {
        warning(format!(
            "the messages of error logs cover more minutes than the memory limit has room for: the earliest are left out; \
             {ADVICE}"
        ))
    });
    maps.into_iter().flatten().chain(forgotten).collect()
}

/// Of the closer looks.
pub fn of_looks(
    windows: &[&[WindowCounts]],
    tallies: &[Tally<'_>],
    paces: &[Option<Pace>],
    norms: &Norms,
) -> Vec<Warning> {
    let paces = paces.iter().flatten();
    let paces = paces.filter_map(|pace| clients(pace.sample()));
    let windows = || windows.iter().flat_map(|some| some.iter());
    let clients = windows().filter_map(|window| clients(&window.clients));
    let texts = windows().filter(|window| window.paths.is_sampled() || window.agents.is_sampled());
    let texts = texts.count();
    let texts = (texts > 0).then(|| {
        warning(format!(
            "in {} more paths or user agents were asked for than the memory limit has room for: the leading ones are \
             those of a sample; {ADVICE}",
            stretches(texts)
        ))
    });
    let tallies = tallies.iter().filter_map(Tally::error);
    let [places, scripts, senders] = norms.errors();
    let ordinary = [
        (
            places,
            "attacked places whose ordinary answers are compared",
        ),
        (scripts, "scripts that few ask for"),
        (senders, "clients that send data"),
    ];
    let ordinary = ordinary.into_iter().filter(|(error, _)| error.is_some());
    let ordinary = ordinary.map(|(_, what)| {
        warning(format!(
            "there are more {what} than the memory limit has room for: only a sample of them is looked at; {ADVICE}"
        ))
    });
    let found = [
        worst(clients, "that were looked at closer"),
        worst(tallies, "whose impact is told"),
        worst(paces, "in which limits for each client are tried"),
        texts,
    ];
    found.into_iter().flatten().chain(ordinary).collect()
}

fn clients<V>(map: &CappedMap<Client, V>) -> Option<(u64, f64)> {
    Some((map.distinct(), map.error()?))
}

/// Of several stretches of time with so many clients and errors, the one with the largest error.
fn worst(found: impl Iterator<Item = (u64, f64)>, which: &str) -> Option<Warning> {
    let all: Vec<(u64, f64)> = found.collect();
    let (clients, error) = all.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(warning(format!(
        "in {} {which} there are more clients than the memory limit has room for: their number, who they are and what they \
         did are estimated from samples; at worst with a standard error of {}, where there are about {}; {ADVICE}",
        stretches(all.len()),
        percent(error),
        count(clients),
    )))
}

fn stretches(number: usize) -> String {
    match number {
        1 => "a stretch of time".to_owned(),
        _ => format!("{} stretches of time", count(number as u64)),
    }
}

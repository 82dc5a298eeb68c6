//! What documents say of a report in sentences and rows of two, whatever the medium: which incidents are told and in which order,
//! what an incident cost, what messages stand beside, what a clean answer rests on.
//!
//! Plain text, not escaped: each renderer does that for its medium.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::category::Category;
use crate::format::spec::LogKind;
use crate::report::view::{
    Evidence, Impact, Incident, Injection, Name, Relation, Report, SymptomLink,
};
use crate::report::words::{self, Clock};
use crate::severity::Severity;
use crate::source::open::is_unreadable;
use crate::terms::{Dimension, Outcome};

/// What to do where no request could be read.
pub fn advice(report: &Report) -> &'static str {
    match report.inputs.is_empty() {
        true => "None of the inputs is a log that this program reads; the warnings below say why.",
        false => {
            "Without access records an attack can be neither found nor ruled out. Add the access log."
        }
    }
}

/// The incidents in the order in which they are told, gravest first, and those that are only listed: beyond `most`, and what robots
/// do that find nothing, unless there is nothing else.
pub fn told_and_listed(report: &Report, most: usize) -> (Vec<&Incident>, Vec<&Incident>) {
    let mut told: Vec<&Incident> = report.incidents.iter().collect();
    told.sort_by_key(|incident| {
        let severity = Reverse(incident.severity);
        (!incident.attack, severity, incident.start, incident.id)
    });
    let noise = |incident: &&Incident| incident.severity > Severity::Low;
    let grave = told.iter().take_while(|incident| noise(incident)).count();
    let listed = told.split_off(grave.clamp(1, most).min(told.len()));
    (told, listed)
}

/// What a clean answer rests on, and what it cannot cover.
pub fn how_sure(report: &Report) -> String {
    let lines: u64 = report.inputs.iter().map(|input| input.lines).sum();
    let unparsed: u64 = report.inputs.iter().map(|input| input.unparsed).sum();
    let looked_at = looked_at(report);
    let readable = match (unparsed, unread(report)) {
        (0, 0) => "Every line could be read.".to_string(),
        (0, unread) => format!(
            "{} could not be read in full, which the warnings name.",
            words::counted(unread, "input", "inputs")
        ),
        (_, _) => format!(
            "{} of {} lines ({}) could not be read as records; they were searched for attack patterns all the same.",
            words::count(unparsed),
            words::count(lines),
            words::part_of(unparsed, lines)
        ),
    };
    format!(
        "Looked at {looked_at}. {readable} Not in a log, and so not covered: request bodies, and requests that \
         never reached this server."
    )
}

/// Inputs of which something could not be read.
fn unread(report: &Report) -> u64 {
    let warnings = report.warnings.iter();
    let unread = warnings.filter(|warning| is_unreadable(warning));
    unread
        .map(|warning| &warning.input)
        .collect::<BTreeSet<_>>()
        .len() as u64
}

fn looked_at(report: &Report) -> String {
    let requests = words::counted(report.totals.requests, "request", "requests");
    let error_logs = report
        .inputs
        .iter()
        .filter(|input| input.kind == LogKind::Error);
    match error_logs
        .map(|input| input.records)
        .reduce(|sum, records| sum + records)
    {
        None => format!("{requests}; no error log was given"),
        Some(1) => format!("{requests} and 1 line of error logs"),
        Some(lines) => format!("{requests} and {} lines of error logs", words::count(lines)),
    }
}

/// What it was for those who use the site.
pub fn users(incident: &Incident) -> String {
    let impact = &incident.impact;
    let during = format!(
        "{} sent {} meanwhile.",
        words::about_so_many(impact.clients, "client", "clients"),
        words::about_so_many(impact.requests, "request", "requests"),
    );
    let failed = match impact.clients_failed {
        0 => "None of them met a server error.".to_owned(),
        failed if incident.attack => format!(
            "{} of them met a server error, and {} of these took no part in the attack.",
            words::about(failed),
            match impact.innocent_clients_failed {
                0 => "none".to_owned(),
                innocent => words::about(innocent),
            },
        ),
        failed => format!("{} of them met a server error.", words::about(failed)),
    };
    let down = match impact.minutes_down > 0.0 {
        true => format!(
            " The service was down or failing for {}.",
            words::spoken(impact.minutes_down * 60.0)
        ),
        false => String::new(),
    };
    format!("{during} {failed}{down}")
}

/// What was read where nothing was found.
pub fn covered(report: &Report, clock: &Clock) -> String {
    let window = &report.window;
    match (window.start, window.end) {
        (Some(start), Some(end)) => format!(
            "The logs cover {} {}.",
            clock.range(start, end),
            clock.zone()
        ),
        _ => "The logs hold no request in the time asked for.".to_owned(),
    }
}

/// What an incident cost: a name and its value, of what is known.
pub fn impact(impact: &Impact) -> impl Iterator<Item = (&'static str, String)> {
    let share = |ratio: Option<f64>| ratio.map(words::share);
    let failed = match share(impact.failed_ratio) {
        Some(ratio) => format!("{} ({ratio})", words::about(impact.failed)),
        None => words::about(impact.failed),
    };
    let ordinary = share(impact.failed_ratio_before);
    let duration = |seconds: Option<u64>| seconds.map(|seconds| words::spoken(seconds as f64));
    let met_errors = (impact.clients_failed > 0).then_some(impact.innocent_clients_failed);
    let down = (impact.minutes_down > 0.0).then(|| words::spoken(impact.minutes_down * 60.0));
    let rows = [
        ("Requests meanwhile", Some(words::about(impact.requests))),
        ("Failed with 5xx", Some(failed)),
        ("Failing before it", ordinary),
        ("Clients meanwhile", Some(words::about(impact.clients))),
        (
            "Clients that met an error",
            Some(words::about(impact.clients_failed)),
        ),
        ("Innocent clients among these", met_errors.map(words::about)),
        ("Down or failing for", down),
        (
            "Requests that never arrived, estimated",
            impact.lost_requests_estimate.map(words::about),
        ),
        (
            "First sign of trouble after",
            duration(impact.time_to_detect_s),
        ),
        ("First limits after", duration(impact.time_to_mitigate_s)),
        ("Ordinary again after", duration(impact.time_to_recover_s)),
    ];
    rows.into_iter()
        .filter_map(|(what, value)| Some((what, value?)))
}

/// The attacked places, the likeliest successes first.
pub fn likeliest_first(injections: &[Injection]) -> Vec<&Injection> {
    let mut ordered: Vec<&Injection> = injections.iter().collect();
    ordered.sort_by_key(|injection| (Reverse(injection.outcome), Reverse(injection.attempts)));
    ordered
}

/// What was tried at a place: `SQL injection (union, boolean)`.
pub fn attack(injection: &Injection) -> String {
    let category = injection.category.title();
    match injection.techniques.is_empty() {
        true => category.to_owned(),
        false => format!(
            "{category} ({})",
            words::term(&injection.techniques.join(", "))
        ),
    }
}

/// Whether it worked.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Blocked => "blocked",
        Outcome::NoEvidence => "nothing speaks for it",
        Outcome::Suspected => "suspected",
        Outcome::Likely => "likely",
    }
}

/// With a capital at the beginning of a sentence.
pub fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + rest.as_str()
}

/// What messages stand beside, in a few words.
pub fn link(link: &SymptomLink) -> Option<String> {
    let lag = || Some(words::duration(link.lag_s.filter(|lag| *lag >= 0.0)?));
    let to = words::term(&link.to);
    let named = words::count(link.count);
    Some(match link.relation {
        Relation::SameRequest => format!("about a request for {}", words::shortened(&link.to)),
        Relation::SameClient => format!("{named} name {to}"),
        Relation::Overlaps => format!("{} into the {to}", lag()?),
        Relation::Precedes => format!("{} before the {to}", lag()?),
    })
}

/// Hits by category, most frequent first: `SQL injection 3,001`.
pub fn by_category(hits: &BTreeMap<Name, u64>) -> Vec<String> {
    let mut ordered: Vec<(&Name, &u64)> = hits.iter().collect();
    ordered.sort_by_key(|&(name, number)| (Reverse(number), name));
    let told = ordered.into_iter();
    told.map(|(name, number)| format!("{} {}", category_in_words(name), words::count(*number)))
        .collect()
}

fn category_in_words(name: &str) -> String {
    let known = Category::ALL
        .into_iter()
        .find(|category| category.name() == name);
    known.map_or_else(
        || words::term(name),
        |category| category.title().to_string(),
    )
}

/// What was watched.
pub fn dimension(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Total => "all requests",
        Dimension::Path => "one path",
        Dimension::Network => "one network",
        Dimension::Client => "one client",
        Dimension::Status5xx => "5xx answers",
    }
}

/// A network of a single address as people write it.
pub fn network(network: &str) -> String {
    let single = network
        .strip_suffix("/32")
        .filter(|address| !address.contains(':'))
        .or_else(|| network.strip_suffix("/128"));
    single.unwrap_or(network).to_owned()
}

/// `:LINE`, or `@OFFSET` where the lines before were not read.
pub fn line_number(evidence: &Evidence) -> String {
    match evidence.line {
        Some(line) => format!(":{line}"),
        None => format!("@{}", evidence.offset),
    }
}

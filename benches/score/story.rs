//! Cause, times and extra incidents: whether the story is the true one.

use aftertrace::time::Time;

use crate::claims::{Claims, Incident, list};
use crate::row::Row;
use crate::truth::{Span, Truth, time};

/// How far a surge's onset, its end and an outage's edge may be off, in seconds: the goals of the project.
const ONSET_S: f64 = 30.0;
const END_S: f64 = 120.0;
const OUTAGE_S: f64 = 10.0;

/// What a class of the truth is called in reports: the first word that occurs in the class decides, so the
/// special ones come first. Several names are right where logs cannot tell them apart.
const CAUSES: [(&[&str], &[&str]); 12] = [
    (
        &[
            "sqli_and_surge",
            "injection_and_surge",
            "and_surge",
            "and_flood",
        ],
        &["injection_and_surge"],
    ),
    (&["ddos", "botnet"], &["ddos"]),
    (&["dos"], &["dos"]),
    (&["brute", "cred", "stuffing"], &["brute_force"]),
    (&["webshell", "web_shell", "upload"], &["webshell"]),
    (
        &["sql", "inject", "jndi", "log4", "rce", "xss"],
        &["injection"],
    ),
    (&["flash", "launch", "crowd"], &["flash_crowd"]),
    (&["crawl"], &["crawler"]),
    (&["monitor", "retr"], &["server_fault", "crawler", "none"]),
    (
        &[
            "fault", "deploy", "outage", "down", "crash", "disk", "database", "upstream", "config",
        ],
        &["server_fault"],
    ),
    (&["scan", "probe", "probing", "recon"], &["scan"]),
    (&["none", "quiet", "benign", "normal"], &["none"]),
];

/// What the report may call a class; `None` for one that is not known here.
pub fn right_causes(class: &str) -> Option<&'static [&'static str]> {
    let known = |(words, _): &&(&[&str], _)| words.iter().any(|word| class.contains(word));
    CAUSES.iter().find(known).map(|(_, causes)| *causes)
}

/// The report's word on the truth's time: the main incident's cause, and whether it is an attack. Background
/// probing is nobody's incident.
fn said<'c>(claims: &'c Claims<'_>) -> (&'c str, bool) {
    match claims.main() {
        Some(main) => (
            main.json["cause"].as_str().unwrap_or("?"),
            main.json["attack"] == true,
        ),
        None => ("none", false),
    }
}

/// The report's words that the truth itself says are right.
fn accepted(truth: &Truth) -> Vec<&str> {
    let words = list(&truth.json["root_cause"]["accept"]);
    words.filter_map(serde_json::Value::as_str).collect()
}

/// Cause and attack.
pub fn cause(truth: &Truth, claims: &Claims<'_>) -> Vec<Row> {
    let class = truth.class();
    let (mut cause, mut attack) = said(claims);
    let right = right_causes(&class);
    if claims.main().is_some_and(Incident::is_low_scan)
        && right.is_none_or(|right| !right.contains(&"scan"))
    {
        (cause, attack) = ("none", false);
    }
    let found = format!("{cause} for {class}");
    let mut rows = vec![match right {
        _ if accepted(truth).contains(&cause) => Row::goal("cause", true, found),
        Some(right) => Row::goal("cause", right.contains(&cause), found),
        None => Row::skipped("cause", format!("a class unknown here: {found}")),
    }];
    rows.push(match truth.attack() {
        Some(is) => Row::goal("attack", is == attack, format!("{attack} for {is}")),
        None => Row::skipped("attack", "the truth does not say"),
    });
    let verdict = claims.json["verdict"]["cause"].as_str().unwrap_or("?");
    rows.push(Row::told("verdict", verdict));
    rows
}

/// Onset, end, symptoms, outages, recovery.
pub fn times(truth: &Truth, claims: &Claims<'_>) -> Vec<Row> {
    let start = |name| truth.named(name).map(|phase| phase.span.start).min();
    let mut rows = vec![
        edge(
            "surge onset",
            start("surge_onset"),
            claims.first_step("surge"),
            Some(ONSET_S),
        ),
        edge(
            "surge end",
            surge_end(truth),
            last_burst(claims),
            Some(END_S),
        ),
        edge(
            "first symptom",
            start("first_error_symptom"),
            claims.first_step("degradation"),
            None,
        ),
        edge(
            "mitigation",
            start("mitigation"),
            claims.first_step("mitigation"),
            None,
        ),
    ];
    rows.extend(outages(truth, claims));
    rows.push(edge(
        "recovery",
        start("recovery"),
        claims.last_step("recovery"),
        None,
    ));
    rows
}

/// One moment held against the truth, with a goal or without.
fn edge(what: &str, truth: Option<Time>, said: Option<Time>, goal: Option<f64>) -> Row {
    let Some(truth) = truth else {
        return Row::skipped(what, "the truth names none");
    };
    let Some(said) = said else {
        let found = format!("the report names none; true: {}", truth.to_rfc3339());
        return match goal {
            Some(_) => Row::goal(what, false, found),
            None => Row::told(what, found),
        };
    };
    let error = said.seconds_since(truth);
    let found = format!(
        "{error:+.0} s ({} for {})",
        said.to_rfc3339(),
        truth.to_rfc3339()
    );
    match goal {
        Some(goal) => Row::goal(what, error.abs() <= goal, found),
        None => Row::told(what, found),
    }
}

/// The end of the part named so, or the last request of those who flooded.
fn surge_end(truth: &Truth) -> Option<Time> {
    let named = truth.named("surge_end").map(|phase| phase.span.end).max();
    let floods = |actor: &&serde_json::Value| !actor["by_label"]["flood"].is_null();
    let lasts = list(&truth.json["actors"]).filter(floods);
    named.or_else(|| lasts.filter_map(|actor| time(&actor["last"])).max())
}

/// When the last burst of the main incident's total traffic is over, or of any other if that has none.
fn last_burst(claims: &Claims<'_>) -> Option<Time> {
    let end = |total_only: bool| {
        list(&claims.main()?.json["bursts"])
            .filter(|burst| !total_only || burst["dimension"] == "total")
            .filter_map(|burst| time(&burst["end"]))
            .max()
    };
    end(true).or_else(|| end(false))
}

/// Each silence and crash of the truth against the nearest outage of the report.
fn outages(truth: &Truth, claims: &Claims<'_>) -> Vec<Row> {
    let said = claims.outages();
    let gaps = truth
        .phases
        .iter()
        .filter(|phase| phase.name == "log_gap" || phase.name == "outage");
    let mut rows: Vec<Row> = gaps
        .map(|phase| outage(&phase.name, phase.span, &said))
        .collect();
    let gaps: Vec<Span> = truth.named("log_gap").map(|phase| phase.span).collect();
    let crashes = truth
        .phases
        .iter()
        .filter(|phase| phase.name.contains("crash"));
    for crash in crashes.filter(|crash| !gaps.iter().any(|gap| gap.touches(crash.span))) {
        let nearest = said
            .iter()
            .map(|span| span.start.seconds_since(crash.span.start));
        let nearest = nearest.min_by(|a, b| a.abs().total_cmp(&b.abs()));
        let found = nearest.map_or("no outage".to_string(), |error| {
            format!("the nearest outage begins {error:+.0} s from it")
        });
        rows.push(Row::told(crash.name.as_str(), found));
    }
    if rows.is_empty() {
        rows.push(Row::told(
            "outages",
            format!("none true, {} in the report", said.len()),
        ));
    }
    rows
}

fn outage(name: &str, truth: Span, said: &[Span]) -> Row {
    let errors = |span: &Span| {
        (
            span.start.seconds_since(truth.start),
            span.end.seconds_since(truth.end),
        )
    };
    let worst = |(start, end): &(f64, f64)| start.abs().max(end.abs());
    let nearest = said
        .iter()
        .map(errors)
        .min_by(|a, b| worst(a).total_cmp(&worst(b)));
    let length = truth.end.seconds_since(truth.start);
    match nearest {
        Some(nearest) => Row::goal(
            name,
            worst(&nearest) <= OUTAGE_S,
            format!(
                "start {:+.0} s, end {:+.0} s, of {length:.0} s",
                nearest.0, nearest.1
            ),
        ),
        None => Row::goal(
            name,
            false,
            format!(
                "the report names no outage; {length:.0} s from {}",
                truth.start.to_rfc3339()
            ),
        ),
    }
}

/// Incidents that the truth does not know.
pub fn extra(truth: &Truth, claims: &Claims<'_>) -> Vec<Row> {
    let main = claims.main().map(|main| main.json);
    let right = right_causes(&truth.class()).unwrap_or_default();
    let expected = |incident: &&Incident<'_>| match (incident.span, truth.window) {
        _ if main.is_some_and(|main| std::ptr::eq(main, incident.json)) => !right.contains(&"none"),
        (Some(span), Some(window)) => span.touches(window) && truth.attack() == Some(true),
        _ => false,
    };
    let extra = claims
        .incidents
        .iter()
        .filter(|incident| !incident.is_low_scan());
    let mut rows: Vec<Row> = extra
        .filter(|incident| !expected(incident))
        .map(|incident| Row::goal("extra incident", false, incident.describe()))
        .collect();
    if rows.is_empty() {
        rows.push(Row::goal("extra incidents", true, "none"));
    }
    rows
}

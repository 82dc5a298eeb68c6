//! A story told again: the log of a surge with injections, record by record, to be written in other formats.

use std::fs;

use aftertrace::time::{Time, parse_clf};
use serde_json::{Value, json};

use crate::harness::{each, lines, number, read_log, report_in, scenario, text};

/// A line of the combined log, cut.
pub struct Record<'a> {
    pub client: &'a str,
    /// As the combined format writes the time.
    pub stamp: &'a str,
    pub time: Time,
    pub request: &'a str,
    pub method: &'a str,
    pub target: &'a str,
    pub protocol: &'a str,
    pub status: u16,
    pub bytes: Option<u64>,
    pub referer: &'a str,
    pub agent: &'a str,
}

impl Record<'_> {
    pub fn iso(&self) -> String {
        self.time.to_rfc3339()
    }

    pub fn nanoseconds(&self) -> i64 {
        self.time.micros() * 1_000
    }
}

/// `None` for what was escaped or is no request: those lines are left out everywhere, so that the logs say the same.
fn cut(line: &str) -> Option<Record<'_>> {
    let pieces: Vec<&str> = line.split('"').collect();
    let [head, request, numbers, referer, " ", agent, ""] = pieces[..] else {
        return None;
    };
    if line.contains('\\') {
        return None;
    }
    let (client, rest) = head.split_once(" - - [")?;
    let stamp = rest.strip_suffix("] ")?;
    let (status, bytes) = numbers.trim().split_once(' ')?;
    let mut parts = request.split(' ');
    let (method, target, protocol) = (parts.next()?, parts.next()?, parts.next()?);
    (parts.next().is_none() && !referer.is_empty() && !agent.is_empty()).then_some(())?;
    Some(Record {
        client,
        stamp,
        time: parse_clf(stamp.as_bytes())?.0,
        request,
        method,
        target,
        protocol,
        status: status.parse().ok()?,
        bytes: bytes.parse().ok(),
        referer,
        agent,
    })
}

/// The lines of the scenario that every format can hold.
pub fn kept() -> Vec<String> {
    let source = scenario("sqli-surge-2021-09-05");
    let log = read_log(&source.folder.join("access.log.gz"));
    let all = lines(&log).into_iter().map(text);
    all.filter(|line| cut(line).is_some()).collect()
}

/// The records of these lines.
pub fn records(kept: &[String]) -> Vec<Record<'_>> {
    kept.iter().filter_map(|line| cut(line)).collect()
}

/// What the report says, whatever the log was written as.
pub fn story(report: &Value) -> Value {
    let incidents = each(report, "/incidents/*").into_iter().map(|incident| {
        let actors = each(incident, "/actors/*").into_iter();
        let actors: Vec<Value> = actors
            .map(|actor| json!([actor["role"], actor["clients"], actor["requests"]]))
            .collect();
        json!([
            incident["cause"],
            incident["severity"],
            incident["start"],
            incident["end"],
            actors
        ])
    });
    json!({
        "attack": report["verdict"]["attack"], "cause": report["verdict"]["cause"],
        "start": report["verdict"]["start"], "end": report["verdict"]["end"],
        "records": number(report, "/inputs/0/records"), "unparsed": number(report, "/inputs/0/unparsed"),
        "incidents": incidents.collect::<Vec<Value>>(),
    })
}

pub fn report_of(log: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("access.log"), log).unwrap();
    report_in(folder.path(), &["access.log"])
}

//! Scores reports against incidents whose truth is known: `score DIR...` scans the logs of each DIR, compares
//! the report with `DIR/truth.json` and prints what was right and what was not. `score --report FILE DIR` takes
//! a report that `scan --format json` wrote instead. The exit status is 1 when a goal is missed.
//!
//! Beside `truth.json` lie the logs and, if there are any, `attacker_ips.tsv` (address, actor, requests) and
//! `lines.tsv` (line, actor, label, succeeded, visible, note), plain or xz. What the truth does not say is
//! skipped and named. A tool for measuring, not part of the program.

mod addresses;
mod claims;
mod lines;
mod outcomes;
mod row;
mod story;
#[cfg(test)]
mod tests;
mod truth;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::report::json;
use aftertrace::{ScanOptions, Silent};
use serde_json::Value;

use claims::Claims;
use row::{Row, Standing};
use truth::Truth;

const USAGE: &str = "usage: score [--report FILE] DIR...";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (report, folders) = arguments(std::env::args().skip(1))?;
    let set = load::embedded()?;
    let mut missed = 0;
    for folder in &folders {
        let rows = score(folder, report.as_deref(), &set)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        println!("{}", folder.display());
        rows.iter().for_each(|row| println!("{row}"));
        missed += rows
            .iter()
            .filter(|row| row.standing == Standing::Missed)
            .count();
    }
    println!("{missed} goals missed in {} incidents", folders.len());
    Ok(match missed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The report to take, if one is named, and the incidents.
fn arguments(
    mut given: impl Iterator<Item = String>,
) -> Result<(Option<PathBuf>, Vec<PathBuf>), Box<dyn Error>> {
    let (mut report, mut folders) = (None, Vec::new());
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--report" => report = Some(PathBuf::from(given.next().ok_or(USAGE)?)),
            _ => folders.push(PathBuf::from(argument)),
        }
    }
    if folders.is_empty() || (report.is_some() && folders.len() > 1) {
        return Err(USAGE.into());
    }
    Ok((report, folders))
}

/// Everything that can be said about one incident.
fn score(
    folder: &Path,
    report: Option<&Path>,
    set: &PatternSet,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let truth = Truth::read(folder)?;
    let report: Value = match report {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => scan(&truth, set)?,
    };
    let claims = Claims::of(&report, truth.window);
    let lines = lines::Lines::read(&truth)?;
    let mut rows = story::cause(&truth, &claims);
    rows.extend(story::times(&truth, &claims));
    rows.extend(addresses::rows(&truth, &claims, &lines)?);
    rows.extend(lines.rows(&truth, set)?);
    rows.extend(outcomes::rows(&truth, &claims, &lines));
    rows.extend(story::extra(&truth, &claims));
    Ok(rows)
}

/// The report on an incident's logs, as a script would get it.
fn scan(truth: &Truth, set: &PatternSet) -> Result<Value, Box<dyn Error>> {
    let report = aftertrace::analyze(&truth.logs, &ScanOptions::default(), set, &Silent)?;
    let mut text = Vec::new();
    json::render(&report, &mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

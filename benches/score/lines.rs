//! The lines of the access log and their labels: which of them `hits` flags, and who sends background noise.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::IpAddr;

use aftertrace::hits::HitLine;
use aftertrace::pattern::set::PatternSet;
use aftertrace::severity::Confidence;
use aftertrace::{ScanOptions, Silent};

use crate::row::Row;
use crate::truth::{Truth, log_bytes};

/// Labels that are no attack by what the line says: visitors, and a flood of ordinary requests.
const PLAIN_LABELS: [&str; 3] = ["benign", "flood", "recon"];
const BENIGN: &str = "benign";

/// One labelled line.
#[derive(Debug, Clone)]
pub struct Line {
    /// 1-based.
    pub number: u64,
    /// `benign`, `sqli`, ...
    pub label: String,
    /// Whether the application executed it.
    pub succeeded: bool,
    /// Whether the logged line gives it away.
    pub visible: bool,
    /// `executed`, `exfil`, ...
    pub note: String,
    /// The path that was asked for; empty for lines that need none.
    pub path: String,
}

/// The labels of an incident.
#[derive(Debug, Default)]
pub struct Lines {
    /// Every line that somebody hostile sent, floods left out.
    pub hostile: Vec<Line>,
    /// Lines by label.
    counts: BTreeMap<String, u64>,
    /// Clients that belong to no incident but probe.
    pub noise: BTreeSet<String>,
    /// Why there are none.
    missing: Option<String>,
}

impl Lines {
    /// Reads `lines.tsv` beside the access log that it describes.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(truth: &Truth) -> Result<Lines, Box<dyn Error>> {
        let mut lines = Lines::default();
        let Some(labels) = truth.text("lines.tsv")? else {
            lines.missing = Some("no lines.tsv".to_string());
            return Ok(lines);
        };
        let [log] = &truth.access[..] else {
            lines.missing = Some("lines.tsv describes one access log".to_string());
            return Ok(lines);
        };
        let bytes = log_bytes(log)?;
        let starts = line_starts(&bytes);
        let by_column = |row: &str| row.split('\t').map(str::to_string).collect::<Vec<_>>();
        for row in labels.lines() {
            let cells = by_column(row);
            let Some(number) = cells.first().and_then(|cell| cell.parse::<u64>().ok()) else {
                continue; // the heading
            };
            let at = starts
                .get(number as usize - 1)
                .map(|start| line_at(&bytes, *start));
            lines.add(&cells, number, &at.unwrap_or_default());
        }
        Ok(lines)
    }

    fn add(&mut self, cells: &[String], number: u64, logged: &str) {
        let cell = |at: usize| cells.get(at).map_or("-", String::as_str);
        let label = cell(2);
        *self.counts.entry(label.to_string()).or_default() += 1;
        if cell(1).starts_with("noise") {
            self.noise.extend(client(logged));
        }
        if !PLAIN_LABELS.contains(&label) {
            self.hostile.push(Line {
                number,
                label: label.to_string(),
                succeeded: cell(3) == "yes",
                visible: cell(4) != "no",
                note: cell(5).to_string(),
                path: path(logged).unwrap_or_default().to_string(),
            });
        }
    }

    /// Flagged lines by label: recall for hostile ones, false lines for the others.
    ///
    /// # Errors
    /// When the log cannot be searched.
    pub fn rows(&self, truth: &Truth, set: &PatternSet) -> Result<Vec<Row>, Box<dyn Error>> {
        if let Some(why) = &self.missing {
            return Ok(vec![Row::skipped("flagged lines", why)]);
        }
        let flagged = flagged(truth, set)?;
        let hostile: BTreeMap<u64, &Line> = self
            .hostile
            .iter()
            .map(|line| (line.number, line))
            .collect();
        let mut rows = Vec::new();
        for label in self
            .counts
            .keys()
            .filter(|label| !PLAIN_LABELS.contains(&label.as_str()))
        {
            let of = |visible: bool| {
                self.hostile
                    .iter()
                    .filter(move |line| line.label == *label && (line.visible || !visible))
            };
            let seen = of(true)
                .filter(|line| flagged.contains(&line.number))
                .count();
            let visible = of(true).count();
            rows.push(Row::told(
                format!("lines of {label}"),
                format!(
                    "{:.4} recall ({seen} of {visible} visible; {} in all)",
                    seen as f64 / visible.max(1) as f64,
                    of(false).count()
                ),
            ));
        }
        let right = flagged
            .iter()
            .filter(|line| hostile.contains_key(line))
            .count();
        let benign = self.counts.get(BENIGN).copied().unwrap_or(0);
        let wrong = flagged.len() - right;
        rows.push(Row::told(
            "flagged lines",
            format!(
                "{:.4} precision ({right} of {}); {wrong} others, of {benign} benign lines and floods",
                right as f64 / flagged.len().max(1) as f64,
                flagged.len(),
            ),
        ));
        Ok(rows)
    }
}

/// The numbers of the lines that `hits` prints.
fn flagged(truth: &Truth, set: &PatternSet) -> Result<BTreeSet<u64>, Box<dyn Error>> {
    let mut lines = BTreeSet::new();
    let mut keep = |hit: &HitLine<'_>| {
        lines.extend(hit.line);
        Ok(())
    };
    let options = ScanOptions::default();
    aftertrace::hits(
        &truth.access,
        &options,
        set,
        Confidence::Medium,
        &Silent,
        &mut keep,
    )?;
    Ok(lines)
}

fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let ends = memchr::memchr_iter(b'\n', bytes).map(|end| end + 1);
    std::iter::once(0)
        .chain(ends)
        .filter(|start| *start < bytes.len())
        .collect()
}

fn line_at(bytes: &[u8], start: usize) -> String {
    let rest = &bytes[start..];
    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    String::from_utf8_lossy(&rest[..end]).into_owned()
}

/// The first word of a line that is an address: true for the usual formats, whichever field it stands in.
fn client(line: &str) -> Option<String> {
    let words = line.split([' ', '"', ',', '\t']);
    words
        .filter_map(|word| word.parse::<IpAddr>().ok())
        .map(|address| address.to_string())
        .next()
}

/// The path of the request: what stands between the method and the query or the protocol.
fn path(line: &str) -> Option<&str> {
    let mut words = line.split([' ', '"']);
    let methods = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"];
    words.find(|word| methods.contains(word))?;
    words.next()?.split('?').next()
}

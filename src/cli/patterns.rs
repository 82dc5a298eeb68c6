//! `aftertrace patterns`: the catalogue, and the proof of a pack.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aftertrace::error::Result;
use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::report::{escape, json};

use super::{Format, Outcome, output};

/// Blanks between the columns of the catalogue.
const GAP: usize = 2;

/// Prints every pattern.
pub fn list(format: Format, pattern_dirs: &[PathBuf]) -> Result<Outcome> {
    let patterns = load::load(pattern_dirs)?;
    output::write_to(None, |out| match format {
        Format::Json => json::write_pretty(patterns.patterns(), out),
        Format::Table => catalogue(&patterns, out),
    })?;
    Ok(Outcome::Finished)
}

/// One line for each pattern, in columns.
fn catalogue(patterns: &PatternSet, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![["ID", "CATEGORY", "SEVERITY", "CONFIDENCE", "TITLE"].map(String::from)];
    rows.extend(patterns.patterns().iter().map(|pattern| {
        [
            escape::terminal(&pattern.id).into_owned(),
            pattern.category.name().to_string(),
            pattern.severity.name().to_string(),
            pattern.confidence.name().to_string(),
            escape::terminal(&pattern.title).into_owned(),
        ]
    }));
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| {
            rows.iter()
                .map(|row| escape::width(&row[column]))
                .max()
                .unwrap_or(0)
                + GAP
        })
        .collect();
    for row in &rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| pad(cell, width));
        writeln!(out, "{}", cells.collect::<String>().trim_end())?;
    }
    Ok(())
}

fn pad(cell: &str, width: usize) -> String {
    format!(
        "{cell}{}",
        " ".repeat(width.saturating_sub(escape::width(cell)))
    )
}

/// Proves a pack, or those within the program.
pub fn check(dir: Option<&Path>) -> Result<Outcome> {
    let report = load::check(dir)?;
    let checked = format!(
        "{} patterns in {} packs hold: {} samples match, {} near misses stay silent",
        report.patterns, report.packs, report.matches, report.ignores
    );
    output::write_to(None, |out| writeln!(out, "{checked}"))?;
    Ok(Outcome::Finished)
}

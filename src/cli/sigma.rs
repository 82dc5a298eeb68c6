//! `--sigma DIR`, and `aftertrace patterns sigma DIR`: which Sigma rules are used, and why the others are not.

use std::io::{self, Write};
use std::path::PathBuf;

use aftertrace::error::{Result, Warning};
use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::pattern::sigma::{self, Listed};
use aftertrace::report::{escape, json};

use super::{Format, Outcome, ReadingArguments, messages, output};

/// How many rules that cannot apply a warning names.
const NAMED: usize = 3;

/// Blanks between columns.
const GAP: usize = 2;

/// The patterns that the arguments ask for. Says how many Sigma rules cannot apply.
pub fn patterns(input: &ReadingArguments) -> Result<PatternSet> {
    let patterns = load::load(&input.pattern_dirs)?;
    if input.sigma_dirs.is_empty() {
        return Ok(patterns);
    }
    let loaded = sigma::load(&input.sigma_dirs)?;
    messages::warnings(
        &left_out(&loaded.listed, &input.sigma_dirs),
        input.quiet,
        false,
    );
    patterns.with_sigma(loaded)
}

/// The warnings about rules that cannot apply: how many, and the first few.
fn left_out(listed: &[Listed], dirs: &[PathBuf]) -> Vec<Warning> {
    let others: Vec<&Listed> = listed.iter().filter(|rule| !rule.applies()).collect();
    if others.is_empty() {
        return Vec::new();
    }
    let warning = |message| Warning {
        code: "sigma_rules".into(),
        message,
        input: None,
    };
    let dirs: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    let mut warnings = vec![warning(format!(
        "{} of {} Sigma rules cannot apply; see `aftertrace patterns sigma {}`",
        others.len(),
        listed.len(),
        dirs.join(" ")
    ))];
    let first = others.iter().take(NAMED);
    warnings.extend(first.map(|rule| warning(why(rule))));
    if others.len() > NAMED {
        warnings.push(warning(format!("... and {} more", others.len() - NAMED)));
    }
    warnings
}

/// A rule and the reason that is given for it.
fn why(rule: &Listed) -> String {
    let title = rule.title.as_deref().map(|title| format!(" ({title})"));
    format!(
        "{}{}: {}",
        rule.file,
        title.unwrap_or_default(),
        rule.reason.as_deref().unwrap_or_default()
    )
}

/// Prints every rule of some folders.
pub fn list(format: Format, dirs: &[PathBuf]) -> Result<Outcome> {
    let listed = sigma::load(dirs)?.listed;
    output::write_to(None, |out| match format {
        Format::Json => json::write_pretty(&listed, out),
        Format::Table => table(&listed, out),
    })?;
    Ok(Outcome::Finished)
}

/// The rules that apply in columns, then the others with the reasons.
fn table(listed: &[Listed], out: &mut dyn Write) -> io::Result<()> {
    let (used, others): (Vec<&Listed>, Vec<&Listed>) =
        listed.iter().partition(|rule| rule.applies());
    writeln!(out, "{} of {} rules apply", used.len(), listed.len())?;
    if !used.is_empty() {
        writeln!(out)?;
        columns(&used, out)?;
    }
    let partly = used.iter().filter(|rule| rule.reason.is_some());
    for (heading, rules) in [
        ("apply in part", partly.copied().collect()),
        ("cannot apply", others),
    ] {
        if rules.is_empty() {
            continue;
        }
        writeln!(out, "\n{} {heading}", rules.len())?;
        for rule in rules {
            writeln!(out, "  {}", escape::terminal(&why(rule)))?;
        }
    }
    Ok(())
}

fn columns(rules: &[&Listed], out: &mut dyn Write) -> io::Result<()> {
    let mut rows = vec![["CATEGORY", "SEVERITY", "CONFIDENCE", "TITLE", "FILE"].map(String::from)];
    rows.extend(rules.iter().map(|rule| {
        [
            rule.category.map_or("", |category| category.name()).into(),
            rule.severity.map_or("", |severity| severity.name()).into(),
            rule.confidence.map_or("", |sure| sure.name()).into(),
            escape::terminal(rule.title.as_deref().unwrap_or_default()).into_owned(),
            escape::terminal(&rule.file).into_owned(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| escape::width(&row[column])).max();
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| width(column).unwrap_or(0) + GAP)
        .collect();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(
                ' ',
                width.saturating_sub(escape::width(cell)),
            ));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

//! `aftertrace patterns`: the catalogue, one entry of it, the proof of a pack and what it costs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aftertrace::category::Category;
use aftertrace::error::{Error, Result};
use aftertrace::pattern::describe::describe;
use aftertrace::pattern::entry::Pattern;
use aftertrace::pattern::load;
use aftertrace::report::{catalogue, escape, json};

use super::{
    CheckArguments, Format, ListFormat, Outcome, PatternsCommand, columns, hint, messages, output,
    sigma, timing,
};

/// Ids that are offered for one that nobody has.
const OFFERED: usize = 3;

/// Runs the command.
pub fn run(command: &PatternsCommand) -> Result<Outcome> {
    match command {
        PatternsCommand::List {
            format,
            category,
            pattern_dirs,
        } => list(*format, *category, pattern_dirs),
        PatternsCommand::Explain {
            id,
            format,
            color,
            pattern_dirs,
        } => {
            let patterns = load::load(pattern_dirs)?;
            let entry = find(patterns.patterns(), id)?;
            let description = describe(entry);
            output::write_to(None, |out| match format {
                Format::Json => json::write_pretty(&description, out),
                Format::Table => catalogue::page(&description, &output::page(*color), out),
            })?;
            Ok(Outcome::Finished)
        }
        PatternsCommand::Check(arguments) => check(arguments),
        PatternsCommand::Sigma { format, dirs } => sigma::list(*format, dirs),
    }
}

/// Prints every pattern, or those of one category.
fn list(
    format: ListFormat,
    category: Option<Category>,
    pattern_dirs: &[PathBuf],
) -> Result<Outcome> {
    let patterns = load::load(pattern_dirs)?;
    let chosen: Vec<Pattern> = patterns
        .patterns()
        .iter()
        .filter(|pattern| category.is_none_or(|category| pattern.category == category))
        .cloned()
        .collect();
    output::write_to(None, |out| match format {
        ListFormat::Json => json::write_pretty(&chosen, out),
        ListFormat::Markdown => catalogue::markdown(&chosen, out),
        ListFormat::Table => overview(&chosen, out),
    })?;
    Ok(Outcome::Finished)
}

/// One line for each pattern, in columns.
fn overview(patterns: &[Pattern], out: &mut dyn Write) -> io::Result<()> {
    let head = ["ID", "CATEGORY", "SEVERITY", "CONFIDENCE", "TITLE"];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(patterns.iter().map(|pattern| {
        vec![
            pattern.id.clone(),
            pattern.category.name().to_string(),
            pattern.severity.name().to_string(),
            pattern.confidence.name().to_string(),
            pattern.title.clone(),
        ]
    }));
    columns(&rows, out)
}

/// The entry of an id.
fn find<'p>(patterns: &'p [Pattern], id: &str) -> Result<&'p Pattern> {
    let found = patterns.iter().find(|pattern| pattern.id == id);
    found.ok_or_else(|| {
        let ids = patterns.iter().map(|pattern| pattern.id.as_str());
        let near = hint::closest(id, ids, OFFERED);
        let remedy = match near.split_last() {
            None => "`aftertrace patterns list` shows all".to_string(),
            Some((only, [])) => format!("did you mean {only}?"),
            Some((last, others)) => format!("did you mean {} or {last}?", others.join(", ")),
        };
        Error::Usage(format!("no pattern has the id {id:?}; {remedy}"))
    })
}

/// Proves a pack, or those within the program, and says what they cost.
fn check(arguments: &CheckArguments) -> Result<Outcome> {
    let dir: Option<&Path> = arguments.dir.as_deref();
    let (report, set) = load::check_set(dir)?;
    messages::notes(&report.notes);
    let Some(logs) = &arguments.timing else {
        let checked = format!(
            "{} patterns in {} packs hold: {} samples match, {} near misses stay silent",
            report.patterns, report.packs, report.matches, report.ignores
        );
        output::write_to(None, |out| writeln!(out, "{}", escape::terminal(&checked)))?;
        return Ok(Outcome::Finished);
    };
    let (timing, warnings) = timing::measure(&set, logs)?;
    output::write_to(None, |out| match arguments.format {
        Format::Json => json::write_pretty(&timing, out),
        Format::Table => timing::table(&timing, out),
    })?;
    messages::warnings(&warnings, false, false);
    match warnings.iter().any(messages::is_unreadable) {
        true => Ok(Outcome::Incomplete),
        false => Ok(Outcome::Finished),
    }
}

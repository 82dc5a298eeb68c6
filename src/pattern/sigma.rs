//! Rules that people already have: Sigma rules for web servers, beside the patterns of the packs.
//!
//! The library `rsigma` reads rules and evaluates them; what is written here is what makes them fit: which
//! files are read (`read`), which rules can say something about a line of an access log and which cannot
//! (`check`), what a record looks like to a rule (`record`), what a rule counts as (`classify`), and which
//! rules are worth asking about a record at all (`clue`, `judge`).
//!
//! Specification: <https://sigmahq.io/sigma-specification/>, version 2 (rules, modifiers, taxonomy).

mod check;
mod classify;
mod clue;
pub(super) mod judge;
mod read;
mod record;

use std::path::PathBuf;

use serde::Serialize;

use self::check::Checked;
use self::judge::Rules;
use super::entry::Pattern;
use crate::category::Category;
use crate::error::Result;
use crate::severity::{Confidence, Severity};

/// Most rules that are used. Beyond, others are listed as left out.
const MAX_RULES: usize = 8192;

/// Most regular expressions over all rules: with the limit on each, this bounds what they take.
const MAX_EXPRESSIONS: usize = 2048;

/// One rule that was found, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The file.
    pub file: String,
    /// Which document of the file, from 1 on.
    pub document: usize,
    /// The rule's title; `null` where none could be read.
    pub title: Option<String>,
    /// The id under which its matches are reported; `null` if it cannot apply.
    pub pattern: Option<String>,
    /// The category of its matches.
    pub category: Option<Category>,
    /// How much harm a success would mean.
    pub severity: Option<Severity>,
    /// How sure a match is.
    pub confidence: Option<Confidence>,
    /// Why it cannot apply, or, beside `pattern`, which part of it cannot.
    pub reason: Option<String>,
}

impl Listed {
    /// Whether the rule is used.
    pub fn applies(&self) -> bool {
        self.pattern.is_some()
    }
}

/// The rules of some folders: those that apply, compiled, and a list of all.
pub struct Loaded {
    /// Every rule found, by file and document.
    pub listed: Vec<Listed>,
    /// The rules that apply, as entries of a catalogue, in the order of `rules`.
    pub(super) entries: Vec<Pattern>,
    pub(super) rules: Rules,
}

/// Reads the `*.yml` and `*.yaml` files below each folder, in order of name.
///
/// # Errors
/// When a folder cannot be read, or has no such file. A file or rule that cannot be used is listed with the
/// reason, and is no error.
pub fn load(dirs: &[PathBuf]) -> Result<Loaded> {
    let mut listed = Vec::new();
    let mut checked: Vec<Checked> = Vec::new();
    let mut expressions = 0;
    for dir in dirs {
        for found in read::documents(dir)? {
            let title = found.title();
            let result = found.value.and_then(|value| {
                let rule = check::check(&value)?;
                if checked.len() >= MAX_RULES {
                    return Err(format!("only {MAX_RULES} rules are used at once"));
                }
                if expressions + rule.expressions > MAX_EXPRESSIONS {
                    return Err(format!(
                        "the rules before it have {MAX_EXPRESSIONS} regular expressions, as many as are used at once"
                    ));
                }
                if checked.iter().any(|other| other.entry.id == rule.entry.id) {
                    return Err(format!("another rule has its id, {}", rule.entry.id));
                }
                expressions += rule.expressions;
                Ok(rule)
            });
            listed.push(row(found.file, found.document, title, &result));
            checked.extend(result.ok());
        }
    }
    let (entries, rules) = checked
        .into_iter()
        .map(|rule| (rule.entry, (rule.compiled, rule.clues)))
        .unzip::<_, _, Vec<_>, Vec<_>>();
    Ok(Loaded {
        listed,
        entries,
        rules: Rules::new(rules),
    })
}

fn row(
    file: String,
    document: usize,
    title: Option<String>,
    result: &std::result::Result<Checked, String>,
) -> Listed {
    let entry = result.as_ref().ok().map(|rule| &rule.entry);
    Listed {
        file,
        document,
        title,
        pattern: entry.map(|entry| entry.id.clone()),
        category: entry.map(|entry| entry.category),
        severity: entry.map(|entry| entry.severity),
        confidence: entry.map(|entry| entry.confidence),
        reason: match result {
            Ok(rule) => rule.note.clone(),
            Err(reason) => Some(reason.clone()),
        },
    }
}

#[cfg(test)]
mod tests;

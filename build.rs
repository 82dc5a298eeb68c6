//! Reads the packs under `patterns/` when the program is built, and writes them as Rust, together with what
//! follows from each entry: to derive that takes longer than to read a small log.
//!
//! Only what can be derived is done here. Whether entries are right is for `patterns check` and the tests.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use pattern::entry::Pattern;
use pattern::facts::{Facts, GateWords, TARGETS, TEXTS};
use serde::Deserialize;

// the files of the library that this needs, and nothing else of it
#[allow(dead_code)]
#[path = "src/category.rs"]
mod category;
#[allow(dead_code)]
#[path = "src/severity.rs"]
mod severity;
#[allow(dead_code)]
#[path = "src/syntax"]
mod syntax {
    pub mod bytes;
    pub mod needs;
}
#[allow(dead_code)]
#[path = "src/pattern"]
mod pattern {
    pub mod entry;
    pub mod facts;
    pub mod need;
}

/// Where the packs are.
const FOLDER: &str = "patterns";

/// The form of a pack.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    #[serde(default)]
    pattern: Vec<toml::Spanned<Pattern>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    for input in [FOLDER, "build.rs", "src/pattern", "src/syntax"] {
        println!("cargo::rerun-if-changed={input}");
    }
    // over several packs the last entry of an id counts, as in `pattern/load`
    let mut entries = BTreeMap::new();
    let mut rust = String::from("static PACKS: &[(&str, &str)] = &[\n");
    for file in packs()? {
        for (place, pattern) in read(&file)? {
            entries.insert(pattern.id.clone(), (place, pattern));
        }
        let text = fs::canonicalize(&file)?;
        writeln!(rust, "    ({:?}, include_str!({text:?})),", named(&file))?;
    }
    writeln!(rust, "];\n\nstatic ENTRIES: [Ready; {}] = [", entries.len())?;
    for (place, pattern) in entries.values() {
        write(&mut rust, place, pattern)?;
    }
    rust.push_str("];\n\nstatic GATE: [(&[u8], bool); 2] = [\n");
    for fields in [TARGETS, TEXTS] {
        let patterns = entries.values().map(|(_, pattern)| pattern);
        let words = GateWords::of(patterns, fields);
        writeln!(rust, "    ({}, {}),", bytes(&words.literals), words.open)?;
    }
    rust.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("packs.rs"), rust)?;
    Ok(())
}

/// The packs, in order of name.
fn packs() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        let path = entry?.path();
        if path.extension().is_some_and(|name| name == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The name of a pack as messages give it.
fn named(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    format!("{FOLDER}/{}", name.to_string_lossy())
}

/// The entries of a pack, each with its place.
fn read(file: &Path) -> Result<Vec<(String, Pattern)>, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let line = |offset: usize| 1 + text[..offset].matches('\n').count();
    let pack: Pack = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line(span.start));
        format!("{}:{line}: {}", file.display(), error.message())
    })?;
    let placed = pack.pattern.into_iter().map(|entry| {
        let place = format!("{}:{}", named(file), line(entry.span().start));
        (place, entry.into_inner())
    });
    Ok(placed.collect())
}

/// Writes an entry as a value of `Ready` in `pattern/ready`.
fn write(rust: &mut String, place: &str, pattern: &Pattern) -> std::fmt::Result {
    let facts = Facts::of(pattern);
    let fields: Vec<String> = pattern
        .fields
        .iter()
        .map(|f| format!("Field::{f:?}"))
        .collect();
    let words = facts.words.as_deref().map(bytes);
    let words = words.map_or("None".to_owned(), |words| format!("Some({words})"));
    let loose = facts.loose.as_ref();
    let loose = loose.map(|loose| (loose.expression.as_ref(), loose.within));
    writeln!(
        rust,
        "    Ready {{ place: {place:?}, id: {:?}, title: {:?}, category: Category::{:?}, \
         severity: Severity::{:?}, confidence: Confidence::{:?}, technique: {:?}, fields: &[{}], \
         parameter: {:?}, regex: {:?}, syntax: {:?}, probe: {}, why: {:?}, references: &{:?}, \
         matches: &{:?}, ignores: &{:?}, tool: {:?}, words: {words}, structural: {}, signs: &{:?}, \
         loose: {:?} }},",
        pattern.id,
        pattern.title,
        pattern.category,
        pattern.severity,
        pattern.confidence,
        pattern.technique,
        fields.join(", "),
        pattern.parameter,
        pattern.regex,
        pattern.syntax,
        pattern.probe,
        pattern.why,
        pattern.references,
        pattern.matches,
        pattern.ignores,
        pattern.tool,
        facts.structural,
        facts.signs,
        loose,
    )
}

/// Bytes as Rust writes them.
fn bytes(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii())
}

//! Finds rule files and cuts them into documents, within bounds. Not what a document means.

use std::fs::{self, File};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use yaml_serde::Value;

use crate::error::{Error, Result};
use crate::text::visible;

/// Largest rule file in bytes. The longest of SigmaHQ's rules have a few tens of KiB.
const MAX_FILE: u64 = 256 << 10;

/// How deep folders are followed.
const MAX_FOLDERS: usize = 32;

/// Most files.
const MAX_FILES: usize = 50_000;

/// Most brackets that may be open at once in a file. Rules nest four levels; the time of the YAML library
/// grows with the square of the depth, and brackets in expressions do not always close.
const MAX_BRACKETS: usize = 1000;

/// Most levels that one line may open (`- - - x`).
const MAX_LEVELS_OF_LINE: usize = 16;

/// A document of a rule file, or why there is none.
pub(super) struct Document {
    pub(super) file: String,
    /// From 1 on.
    pub(super) document: usize,
    pub(super) value: std::result::Result<Value, String>,
}

impl Document {
    /// The title, if it can be read.
    pub(super) fn title(&self) -> Option<String> {
        let value = self.value.as_ref().ok()?;
        Some(value.get("title")?.as_str()?.to_string())
    }
}

/// Every document of every rule file below `dir`, by name of the file.
///
/// # Errors
/// When a folder cannot be read, when there is no rule file, or when there are too many.
pub(super) fn documents(dir: &Path) -> Result<Vec<Document>> {
    let mut files = Vec::new();
    collect(dir, MAX_FOLDERS, &mut files)?;
    if files.is_empty() {
        return Err(Error::Usage(format!(
            "{}: no Sigma rules there (*.yml, *.yaml)",
            dir.display()
        )));
    }
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let file = visible(path.as_os_str().as_encoded_bytes()).into_owned();
        let values = match text(&path) {
            Ok(text) => cut(&text),
            Err(reason) => vec![Err(reason)],
        };
        found.extend((1..).zip(values).map(|(document, value)| Document {
            file: file.clone(),
            document,
            value,
        }));
    }
    Ok(found)
}

/// Adds the rule files below `dir`. Hidden names are left out; linked folders are not entered, for they may
/// lead back.
fn collect(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| Error::io(dir, "cannot read the folder of Sigma rules", source);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, files)?;
            }
        } else if path.extension().is_some_and(|e| e == "yml" || e == "yaml") {
            if files.len() >= MAX_FILES {
                return Err(Error::Usage(format!(
                    "{}: more than {MAX_FILES} rule files; name a smaller folder",
                    dir.display()
                )));
            }
            files.push(path);
        }
    }
    Ok(())
}

/// A file's text, or why it is not read.
fn text(path: &Path) -> std::result::Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err("is no regular file".into());
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("is larger than {} KiB", MAX_FILE >> 10));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is no UTF-8 text".to_string())?;
    match is_too_deep(&text) {
        true => Err("nests deeper than any rule".into()),
        false => Ok(text),
    }
}

/// Whether brackets or list signs open more levels than a rule has. Counts brackets in strings as well, so
/// the bound is generous.
fn is_too_deep(text: &str) -> bool {
    let mut open = 0usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_BRACKETS {
            return true;
        }
    }
    text.lines().any(|line| {
        let words = line.split_ascii_whitespace();
        words.take_while(|word| matches!(*word, "-" | "?")).count() > MAX_LEVELS_OF_LINE
    })
}

/// The documents of a text. After one that is no YAML the rest cannot be told apart.
fn cut(text: &str) -> Vec<std::result::Result<Value, String>> {
    let mut values = Vec::new();
    for document in yaml_serde::Deserializer::from_str(text) {
        let read = catch_unwind(AssertUnwindSafe(|| Value::deserialize(document)));
        match read {
            Ok(Ok(Value::Null)) => {}
            Ok(Ok(value)) => values.push(Ok(value)),
            Ok(Err(error)) => {
                values.push(Err(format!("is no YAML: {error}")));
                break;
            }
            Err(_) => {
                values.push(Err("makes the YAML library fail".into()));
                break;
            }
        }
    }
    if values.is_empty() {
        values.push(Err("is empty".into()));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_bounded_before_yaml_is_read() {
        assert!(!is_too_deep("a: [[1], {b: 2}]\n- - x\n"));
        assert!(is_too_deep(&"[".repeat(MAX_BRACKETS + 1)));
        assert!(is_too_deep(&"- ".repeat(MAX_LEVELS_OF_LINE + 1)));
        assert!(!is_too_deep(&"- x\n".repeat(100_000)));
    }

    #[test]
    fn a_broken_document_keeps_those_before_it() {
        let values = cut("title: a\n---\n---\ntitle: b\n---\n{\n---\ntitle: c\n");
        let oks: Vec<bool> = values.iter().map(std::result::Result::is_ok).collect();
        assert_eq!(oks, [true, true, false]);
        assert_eq!(cut("").len(), 1);
    }

    #[test]
    fn aliases_do_not_multiply() {
        let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
        for (before, name) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            let aliases = vec![format!("*{before}"); 9].join(",");
            bomb += &format!("{name}: &{name} [{aliases}]\n");
        }
        assert!(cut(&bomb)[0].is_err());
    }
}

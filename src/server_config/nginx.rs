//! nginx.conf: `log_format`, `access_log`, `error_log`, `include`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::quoting::{Kind, NginxTokens, Word};

use super::files::{Files, Text};
use super::{Declaration, Definition, Place, Source};

/// Blocks whose logs are not of HTTP requests.
const OTHER_PROTOCOLS: [&str; 2] = ["stream", "mail"];

/// Blocks within blocks; nginx itself has no more than five kinds of them.
const DEEPEST: usize = 64;

/// Reads the access logs that a configuration declares.
///
/// # Errors
/// When the file that was named is no configuration of nginx.
pub(super) fn declarations(main: &Text, files: &mut Files) -> Result<Vec<Declaration>> {
    let mut reading = Reading::default();
    reading.file(main, files, false)?;
    Ok(reading.finish(files))
}

#[derive(Default)]
struct Reading {
    formats: BTreeMap<String, Definition>,
    /// Path, format, place.
    logs: Vec<(String, String, Place)>,
}

impl Reading {
    /// Reads a file; `foreign` if the block that includes it is of another protocol.
    fn file(&mut self, text: &Text, files: &mut Files, foreign: bool) -> Result<()> {
        files.enter(text);
        let mut blocks: Vec<bool> = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut line = 1;
        for token in NginxTokens::new(&text.text) {
            if words.is_empty() {
                line = token.line;
            }
            let place = || Place {
                file: Arc::clone(&text.name),
                line,
            };
            let skipped = foreign || blocks.contains(&true);
            match token.kind {
                Kind::Word(word) => words.push(word),
                Kind::End => {
                    self.directive(&words, place(), files, skipped);
                    words.clear();
                }
                Kind::Open if blocks.len() >= DEEPEST => {
                    return Err(syntax(&text.name, token.line, "blocks are nested too deep"));
                }
                Kind::Open => {
                    let name = words.first().map_or("", |word| word.text.as_str());
                    blocks.push(OTHER_PROTOCOLS.contains(&name));
                    words.clear();
                }
                Kind::Close => {
                    blocks.pop();
                    words.clear();
                }
                Kind::Unclosed => {
                    let what = "quotes are opened here that nothing closes";
                    return Err(syntax(&text.name, token.line, what));
                }
            }
        }
        files.leave();
        Ok(())
    }

    fn directive(&mut self, words: &[Word], place: Place, files: &mut Files, skipped: bool) {
        let [name, arguments @ ..] = words else {
            return;
        };
        match (name.text.as_str(), arguments) {
            ("include", [path]) => {
                let wild = path.text.contains(['*', '?', '[']);
                let root = files.folder();
                let texts = files.include(&path.text, &root, &place.to_string(), !wild);
                for text in texts {
                    if let Err(error) = self.file(&text, files, skipped) {
                        files.leave();
                        files.warn(error.to_string());
                    }
                }
            }
            ("log_format", [name, format @ ..]) if !skipped => {
                let definition = Definition {
                    name: name.text.clone(),
                    place,
                    source: Source::Nginx(format.to_vec()),
                };
                self.formats.insert(name.text.clone(), definition);
            }
            ("access_log", [path, parameters @ ..]) if !skipped => {
                let named = parameters
                    .first()
                    .filter(|word| word.quoted || !word.text.contains('='));
                let format = named.map_or("combined", |word| word.text.as_str());
                if is_file(&path.text) {
                    let path = without_variables(&path.text);
                    self.logs.push((path, format.to_owned(), place));
                }
            }
            _ => {}
        }
    }

    fn finish(self, files: &mut Files) -> Vec<Declaration> {
        let Reading { formats, logs } = self;
        let declare = |(path, name, place): (String, String, Place)| {
            let format = formats.get(&name).cloned();
            // nginx defines this one itself, and the vote on content knows it
            if format.is_none() && name != "combined" {
                files.warn(format!(
                    "{place}: {path} is in the format `{name}`, which no log_format defines; its format is told by content"
                ));
            }
            Declaration {
                path,
                place,
                format,
            }
        };
        logs.into_iter().map(declare).collect()
    }
}

fn syntax(file: &str, line: usize, what: &str) -> Error {
    Error::Usage(format!(
        "{file}:{line}: {what}; try `nginx -t -c FILE`, or give another file"
    ))
}

/// Not `off`, not a syslog server, not what is thrown away.
fn is_file(path: &str) -> bool {
    let elsewhere = ["syslog:", "memory:", "/dev/"];
    path != "off" && !elsewhere.iter().any(|prefix| path.starts_with(prefix))
}

/// Variables in a path mean any text.
fn without_variables(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        out.push('*');
        let after = &rest[at + 1..];
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        rest = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').map_or("", |(_, rest)| rest),
            None => after.trim_start_matches(name),
        };
    }
    out.push_str(rest);
    out
}

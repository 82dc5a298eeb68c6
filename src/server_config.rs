//! Which log is in which format, as the configuration of the server that wrote them says: httpd.conf or nginx.conf with
//! everything that they include.
//!
//! A configuration is read, not obeyed: conditions on modules and definitions count as fulfilled, and what has nothing
//! to do with logs is passed over. It may have been copied from another machine, so that paths are looked for beside it
//! as well.

mod apache;
mod files;
mod names;
mod nginx;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Result, Warning};
use crate::format::custom::{compile_apache, compile_nginx_words};
use crate::format::directive::Fault;
use crate::format::quoting::Word;
use crate::format::spec::Reader;
use files::{Files, Text};

/// The code of warnings about a configuration.
pub const WARNING: &str = "server_config";

/// What a configuration says about logs.
#[derive(Default)]
pub struct ServerLogs {
    logs: Vec<ServerLog>,
}

/// An access log and its format.
struct ServerLog {
    /// As the configuration names it.
    path: String,
    reader: Reader,
}

/// A place in a configuration: `nginx.conf:12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    file: Arc<str>,
    line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A format as a configuration defines it.
#[derive(Debug, Clone)]
struct Definition {
    name: String,
    place: Place,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Apache(String),
    Nginx(Vec<Word>),
}

/// A log as a configuration declares it.
#[derive(Debug)]
struct Declaration {
    path: String,
    place: Place,
    /// `None` for one that the configuration does not define; said in a warning.
    format: Option<Definition>,
}

impl ServerLogs {
    /// Reads a configuration and what it includes.
    ///
    /// # Errors
    /// When the file itself cannot be read, or is not written as the server demands.
    pub fn read(path: &Path) -> Result<(ServerLogs, Vec<Warning>)> {
        let mut files = Files::new(path);
        let text = files.main()?;
        ServerLogs::of(text, files)
    }

    /// The same for a text alone, which `name` stands for in messages. No file is read, whatever it includes.
    ///
    /// # Errors
    /// When it is not written as the server demands.
    pub fn parse(name: &str, text: &str) -> Result<(ServerLogs, Vec<Warning>)> {
        let name = Path::new(name);
        ServerLogs::of(Text::given(name, text), Files::closed(name))
    }

    fn of(text: Text, mut files: Files) -> Result<(ServerLogs, Vec<Warning>)> {
        let name = Arc::clone(&text.name);
        let declared = match apache::is_apache(&text) {
            true => apache::declarations(text, &mut files),
            false => nginx::declarations(&text, &mut files)?,
        };
        let mut logs = ServerLogs::default();
        let mut compiled = HashMap::new();
        for declaration in declared {
            let Some(format) = &declaration.format else {
                continue;
            };
            let reader = compiled
                .entry((format.place.clone(), format.name.clone()))
                .or_insert_with(|| compile(format));
            match reader {
                Ok(reader) => logs.logs.push(ServerLog {
                    path: declaration.path,
                    reader: reader.clone(),
                }),
                Err(fault) => {
                    let place = &declaration.place;
                    let Definition {
                        name, place: at, ..
                    } = format;
                    files.warn(format!(
                        "{place}: {} is in the format `{name}` of {at}, which is of no use here: {fault}",
                        declaration.path
                    ));
                }
            }
        }
        if logs.logs.is_empty() {
            files.warn(format!(
                "{name} defines no format for an access log; all formats are told by content"
            ));
        }
        Ok((logs, files.into_warnings()))
    }

    /// Joins what two configurations say.
    pub fn extend(&mut self, other: ServerLogs) {
        self.logs.extend(other.logs);
    }

    /// The readers for a log of this name: those of the logs whose paths agree with it most.
    pub fn readers_for(&self, input: &str) -> Vec<Reader> {
        let agreeing = self.logs.iter().filter_map(|log| {
            let agreement = names::agreement(&log.path, input)?;
            Some((agreement, &log.reader))
        });
        let agreeing: Vec<_> = agreeing.collect();
        let most = agreeing.iter().map(|(agreement, _)| *agreement).max();
        let best = agreeing
            .into_iter()
            .filter(|(agreement, _)| Some(*agreement) == most);
        distinct(best.map(|(_, reader)| reader))
    }

    /// All readers, for a log of a name that no configuration mentions.
    pub fn readers(&self) -> Vec<Reader> {
        distinct(self.logs.iter().map(|log| &log.reader))
    }
}

/// Each reader once.
fn distinct<'a>(readers: impl Iterator<Item = &'a Reader>) -> Vec<Reader> {
    let mut found: Vec<Reader> = Vec::new();
    for reader in readers {
        if !found.iter().any(|known| Arc::ptr_eq(known, reader)) {
            found.push(reader.clone());
        }
    }
    found
}

fn compile(format: &Definition) -> std::result::Result<Reader, Fault> {
    let template = match &format.source {
        Source::Apache(text) => compile_apache(text)?,
        Source::Nginx(words) => compile_nginx_words(words)?,
    };
    let note = format!("read with the format `{}` of {}", format.name, format.place);
    Ok(Arc::new(template.noted(note)))
}

#[cfg(test)]
mod tests;

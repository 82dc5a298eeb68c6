//! httpd.conf, apache2.conf: `LogFormat`, `CustomLog`, `TransferLog`, `GlobalLog`, `Include`, `Define`, `ErrorLogFormat`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::format::apache_logformat::nickname;
use crate::format::quoting::apache_words;

use super::files::{Files, Text};
use super::{Declaration, Definition, Place, Source};

/// Directives by which a configuration of Apache is known; nginx has none of these names.
const KNOWN_BY: [&str; 10] = [
    "logformat",
    "customlog",
    "transferlog",
    "globallog",
    "errorlog",
    "serverroot",
    "loadmodule",
    "documentroot",
    "includeoptional",
    "servername",
];

/// What `${NAME}` may stand for at most, in bytes: definitions may name others.
const LONGEST_LINE: usize = 64 << 10;

/// Whether a configuration is one of Apache, else one of nginx.
pub(super) fn is_apache(text: &Text) -> bool {
    let mut lines = text.text.lines().map(str::trim_start);
    lines.any(|line| {
        let first = line.split_whitespace().next().unwrap_or_default();
        line.starts_with('<') || KNOWN_BY.contains(&first.to_ascii_lowercase().as_str())
    })
}

/// Reads the access logs that a configuration declares.
pub(super) fn declarations(main: Text, files: &mut Files) -> Vec<Declaration> {
    let mut reading = Reading {
        root: files.folder(),
        ..Reading::default()
    };
    reading.file(&main, files);
    reading.finish(files)
}

#[derive(Default)]
struct Reading {
    /// What relative paths rest on.
    root: PathBuf,
    variables: BTreeMap<String, String>,
    /// By the virtual host that they stand in, 0 for none, and their name.
    formats: BTreeMap<(usize, String), Definition>,
    /// What logs without a format are written in, by virtual host.
    defaults: BTreeMap<usize, Definition>,
    logs: Vec<Log>,
    hosts: usize,
    host: usize,
}

struct Log {
    path: String,
    /// As given; `None` for the format that no nickname was given to.
    format: Option<String>,
    host: usize,
    place: Place,
}

impl Reading {
    fn file(&mut self, text: &Text, files: &mut Files) {
        files.enter(text);
        for (line, number) in logical_lines(&text.text) {
            let place = Place {
                file: Arc::clone(&text.name),
                line: number,
            };
            let line = self.with_variables(&line);
            self.directive(&line, place, files);
        }
        files.leave();
    }

    fn directive(&mut self, line: &str, place: Place, files: &mut Files) {
        let words = apache_words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let [name, arguments @ ..] = words.as_slice() else {
            return;
        };
        match (name.to_ascii_lowercase().as_str(), arguments) {
            ("<virtualhost", _) => {
                self.hosts += 1;
                self.host = self.hosts;
            }
            ("</virtualhost>", _) => self.host = 0,
            ("serverroot", [root, ..]) => self.root = PathBuf::from(root),
            ("define", [name, value, ..]) => {
                self.variables.insert((*name).to_owned(), (*value).to_owned());
            }
            ("include" | "includeoptional", [path, ..]) => {
                let optional = name.eq_ignore_ascii_case("includeoptional");
                let root = self.root.clone();
                for text in files.include(&without_undefined(path), &root, &place.to_string(), !optional) {
                    self.file(&text, files);
                }
            }
            ("logformat", [format]) => {
                let definition = self.definition(format, "LogFormat", place);
                self.defaults.insert(self.host, definition);
            }
            ("logformat", [format, nickname, ..]) => {
                let definition = self.definition(format, nickname, place);
                self.formats
                    .insert((self.host, (*nickname).to_owned()), definition);
            }
            ("customlog" | "globallog", [path, format, ..]) if !is_condition(format) => {
                self.log(path, Some(format), place);
            }
            ("customlog" | "globallog" | "transferlog", [path, ..]) => self.log(path, None, place),
            ("errorlogformat", _) => files.warn(format!(
                "{place}: ErrorLogFormat is not supported; error logs are read as Apache writes them by default"
            )),
            _ => {}
        }
    }

    fn definition(&self, format: &str, name: &str, place: Place) -> Definition {
        Definition {
            name: name.to_owned(),
            place,
            source: Source::Apache(format.to_owned()),
        }
    }

    fn log(&mut self, path: &str, format: Option<&str>, place: Place) {
        if let Some(path) = file_of(path) {
            self.logs.push(Log {
                path,
                format: format.map(str::to_owned),
                host: self.host,
                place,
            });
        }
    }

    /// Replaces `${NAME}`; what the configuration does not define (Debian's envvars do) stays.
    fn with_variables(&self, line: &str) -> String {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(at) = rest.find("${") {
            let Some(length) = rest[at..].find('}') else {
                break;
            };
            out.push_str(&rest[..at]);
            let call = &rest[at..=at + length];
            let value = self.variables.get(&call[2..length]);
            let value = value.map_or(call, String::as_str);
            if out.len() + value.len() <= LONGEST_LINE {
                out.push_str(value);
            }
            rest = &rest[at + length + 1..];
        }
        out.push_str(rest);
        out
    }

    fn finish(mut self, files: &mut Files) -> Vec<Declaration> {
        let logs = std::mem::take(&mut self.logs);
        let declare = |log: Log| Declaration {
            format: self.format(&log, files),
            path: log.path,
            place: log.place,
        };
        logs.into_iter().map(declare).collect()
    }

    fn format(&self, log: &Log, files: &mut Files) -> Option<Definition> {
        let host = log.host;
        let own = |text: &str, name: &str| self.definition(text, name, log.place.clone());
        let Some(name) = &log.format else {
            let default = self.defaults.get(&host).or_else(|| self.defaults.get(&0));
            let common = || nickname("common").map(|text| own(text, "common"));
            // LogFormat with nothing but a nickname makes that one the default
            return match default {
                Some(Definition {
                    source: Source::Apache(text),
                    ..
                }) if !text.contains('%') => self.named(text, host).cloned(),
                Some(default) => Some(default.clone()),
                None => common(),
            };
        };
        if name.contains('%') {
            return Some(own(name, "CustomLog"));
        }
        let found = self.named(name, host).cloned();
        if found.is_none() {
            files.warn(format!(
                "{}: {} is in the format `{name}`, which no LogFormat defines; its format is told by content",
                log.place, log.path
            ));
        }
        found
    }

    fn named(&self, name: &str, host: usize) -> Option<&Definition> {
        let of = |host: usize| self.formats.get(&(host, name.to_owned()));
        of(host).or_else(|| of(0))
    }
}

/// `env=!dontlog`, `"expr=%{REQUEST_STATUS} >= 400"`.
fn is_condition(word: &str) -> bool {
    word.starts_with("env=") || word.starts_with("expr=")
}

/// The file that a log goes to; through a pipe, the one that rotatelogs or cronolog is told. `None` for other programs.
fn file_of(target: &str) -> Option<String> {
    let Some(command) = target.strip_prefix('|') else {
        let elsewhere = target.starts_with("syslog") || target.starts_with("/dev/");
        return (!elsewhere).then(|| without_undefined(target));
    };
    let command = command.trim_start_matches(['|', '$']);
    let words = apache_words(command);
    let (program, arguments) = words.split_first()?;
    let rotates = program.ends_with("rotatelogs") || program.ends_with("cronolog");
    let file = arguments
        .iter()
        .find(|word| rotates && word.contains('/') && !word.starts_with('-'))?;
    Some(without_conversions(file))
}

/// Variables that are not defined mean any text in a path.
fn without_undefined(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}

/// Conversions of strftime(3) in a path mean any text.
fn without_conversions(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => {
                characters.next();
                if !out.ends_with('*') {
                    out.push('*');
                }
            }
            _ => out.push(character),
        }
    }
    out
}

/// The lines without comments, those that a backslash continues put together, with the number of their first line.
fn logical_lines(text: &str) -> Vec<(String, usize)> {
    let mut lines = Vec::new();
    let mut open: Option<(String, usize)> = None;
    for (index, line) in text.lines().enumerate() {
        let (mut whole, number) = open.take().unwrap_or((String::new(), index + 1));
        match line.strip_suffix('\\') {
            Some(continued) => {
                whole.push_str(continued);
                open = Some((whole, number));
            }
            None => {
                whole.push_str(line);
                lines.push((whole, number));
            }
        }
    }
    lines.extend(open);
    lines.retain(|(line, _)| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#')
    });
    lines
}

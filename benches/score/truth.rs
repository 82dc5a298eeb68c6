//! What really happened: `truth.json` and the files beside it, read as far as they go.

use std::error::Error;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aftertrace::source::decompress::peel;
use aftertrace::time::{Time, UtcOffset};
use serde_json::Value;

/// Files of a folder that are logs when the truth lists none.
const LOG_ENDINGS: [&str; 2] = [".log", ".log.gz"];

/// A stretch of time; an instant has one end twice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// First.
    pub start: Time,
    /// Last.
    pub end: Time,
}

impl Span {
    /// Whether two stretches share an instant.
    pub fn touches(self, other: Span) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// A named part of the story.
#[derive(Debug, Clone)]
pub struct Phase {
    /// `surge_onset`, `log_gap`, ...
    pub name: String,
    /// When.
    pub span: Span,
}

/// What really happened.
#[derive(Debug)]
pub struct Truth {
    /// Where it lies.
    pub folder: PathBuf,
    /// The whole of it.
    pub json: Value,
    /// The logs.
    pub logs: Vec<PathBuf>,
    /// The access logs among them, as far as the truth names them.
    pub access: Vec<PathBuf>,
    /// When it happened.
    pub window: Option<Span>,
    /// Its parts.
    pub phases: Vec<Phase>,
}

impl Truth {
    /// Reads a folder.
    ///
    /// # Errors
    /// When there is no truth, or no log.
    pub fn read(folder: &Path) -> Result<Truth, Box<dyn Error>> {
        let json: Value = serde_json::from_slice(&fs::read(folder.join("truth.json"))?)?;
        let named = |kind: &str| -> Vec<PathBuf> {
            names(&json["files"][kind])
                .into_iter()
                .map(|name| folder.join(name))
                .filter(|path| path.exists())
                .collect()
        };
        let mut access = named("access");
        let mut logs = access.clone();
        let kinds = json["files"].as_object().into_iter().flatten();
        for (kind, _) in kinds.filter(|(kind, _)| *kind != "access") {
            logs.extend(named(kind));
        }
        if logs.is_empty() {
            logs = logs_in(folder)?;
            access = logs
                .iter()
                .filter(|path| is_access(path))
                .cloned()
                .collect();
        }
        if logs.is_empty() {
            return Err("no logs beside the truth".into());
        }
        let phases = json["phases"].as_array().into_iter().flatten();
        Ok(Truth {
            folder: folder.to_path_buf(),
            window: span(&json["window"]),
            phases: phases.filter_map(phase).collect(),
            logs,
            access,
            json,
        })
    }

    /// The parts with a name.
    pub fn named<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t Phase> {
        self.phases.iter().filter(move |phase| phase.name == name)
    }

    /// The class of the root cause; `none` where there is none.
    pub fn class(&self) -> String {
        let root = &self.json["root_cause"];
        let class = [
            &root["cls"],
            &root["class"],
            &root["cause"],
            root,
            &self.json["cause"],
        ];
        let class = class.into_iter().find_map(Value::as_str);
        class.unwrap_or("none").to_ascii_lowercase()
    }

    /// Whether it was an attack, if the truth says.
    pub fn attack(&self) -> Option<bool> {
        match (self.json["kind"].as_str(), &self.json["attack"]) {
            (_, Value::Bool(attack)) => Some(*attack),
            (Some(kind), _) => Some(kind == "attack"),
            _ => None,
        }
    }

    /// The text of a file of the folder, plain or with `.xz`; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read or unpacked.
    pub fn text(&self, name: &str) -> io::Result<Option<String>> {
        let plain = self.folder.join(name);
        if plain.exists() {
            return fs::read_to_string(plain).map(Some);
        }
        let packed = self.folder.join(format!("{name}.xz"));
        if !packed.exists() {
            return Ok(None);
        }
        let text = log_bytes(&packed)?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }
}

/// The bytes of a log, unpacked.
///
/// # Errors
/// When it cannot be read or unpacked.
pub fn log_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    peel(fs::File::open(path)?)?
        .reader
        .read_to_end(&mut plain)?;
    Ok(plain)
}

/// One name, or a list of them.
fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::String(name) => vec![name],
        _ => value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
    }
}

fn is_access(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().contains("access"))
}

fn logs_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut logs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if LOG_ENDINGS
            .iter()
            .any(|ending| path.to_string_lossy().ends_with(ending))
        {
            logs.push(path);
        }
    }
    logs.sort();
    Ok(logs)
}

fn phase(value: &Value) -> Option<Phase> {
    Some(Phase {
        name: value["name"].as_str()?.to_string(),
        span: span(value)?,
    })
}

/// The stretch of a value with `start` and `end`, or `start_epoch` and `end_epoch`.
pub fn span(value: &Value) -> Option<Span> {
    let read = |name: &str| {
        let epoch = value[format!("{name}_epoch")].as_i64();
        epoch.map(Time::from_secs).or_else(|| time(&value[name]))
    };
    let start = read("start")?;
    Some(Span {
        start,
        end: read("end").unwrap_or(start),
    })
}

/// A time: seconds since 1970, or RFC 3339 with any offset.
pub fn time(value: &Value) -> Option<Time> {
    if let Some(secs) = value.as_i64() {
        return Some(Time::from_secs(secs));
    }
    let text = value.as_str()?;
    Time::parse_rfc3339(text).or_else(|| {
        // `-0400` without a colon, or no zone at all
        let at = text.len().checked_sub(5)?;
        let (local, zone) = (text.get(..at)?, text.get(at..)?);
        let offset = UtcOffset::parse(zone)?.label();
        Time::parse_rfc3339(&format!("{local}{offset}"))
    })
}

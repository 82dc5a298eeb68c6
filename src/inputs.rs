//! What was named on the command line, found, opened, and identified by its content.

use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result, Warning};
use crate::format::spec::{Format, LogKind};
use crate::format::timing::Timing;
use crate::format::{self, vote};
use crate::pass::Log;
use crate::source::decompress::foreign;
use crate::source::discover::discover;
use crate::source::open::{OpenOptions, Source, open_all};
use crate::time::UtcOffset;

/// Opened inputs whose format is known.
pub struct Inputs {
    /// The inputs, in their sorted order.
    pub sources: Vec<Source>,
    /// The format of each; `None` for what is no log.
    pub formats: Vec<Option<&'static Format>>,
    /// Where each says how long requests took, if it does.
    pub timings: Vec<Option<Timing>>,
    /// What could not be read or understood.
    pub warnings: Vec<Warning>,
}

impl Inputs {
    /// Finds, opens and identifies inputs.
    ///
    /// # Errors
    /// [`Error::NoInput`] when nothing that was named can be read.
    pub fn open(paths: &[PathBuf], mmap: bool) -> Result<Inputs> {
        let (found, mut warnings) = discover(paths)?;
        let (sources, troubles) = open_all(
            &found,
            &OpenOptions {
                mmap,
                ..OpenOptions::default()
            },
        );
        warnings.extend(troubles);
        if sources.is_empty() {
            let reasons: Vec<String> = warnings
                .into_iter()
                .map(|warning| warning.message)
                .collect();
            return Err(Error::NoInput(reasons.join("; ")));
        }
        let mut inputs = Inputs {
            sources,
            formats: Vec::new(),
            timings: Vec::new(),
            warnings,
        };
        inputs.identify();
        let told = inputs.sources.iter().flat_map(Source::warnings);
        inputs.warnings.extend(told);
        Ok(inputs)
    }

    /// Votes on what each input is.
    fn identify(&mut self) {
        let sources = &self.sources;
        self.formats = sources
            .iter()
            .map(|source| vote(source.bytes()).map(|vote| vote.format))
            .collect();
        let timing = |(source, format): (&Source, &Option<&'static Format>)| {
            let access = (*format).filter(|format| format.kind == LogKind::Access)?;
            format::timing(source.bytes(), access)
        };
        self.timings = sources.iter().zip(&self.formats).map(timing).collect();
        for (source, format) in sources.iter().zip(&self.formats) {
            if format.is_none() {
                self.warnings.push(no_log(&source.name, source.bytes()));
            }
        }
    }

    /// Keeps what is left of mapped files that were shortened, and says so. True if there were any: then the run must
    /// begin again, which it does once a file at most.
    pub fn keep_what_is_left(&mut self) -> bool {
        let sources = self.sources.iter();
        let shortened: Vec<Warning> = sources.filter_map(Source::keep_what_is_left).collect();
        if shortened.is_empty() {
            return false;
        }
        let of_source = |warning: &Warning| {
            let mut sources = self.sources.iter();
            sources.any(|source| warning.input.as_ref() == Some(&source.name))
        };
        let stale = |warning: &Warning| is_unknown(warning) && of_source(warning);
        self.warnings.retain(|warning| !stale(warning));
        self.warnings.extend(shortened);
        self.identify();
        true
    }

    /// The warnings about mapped files that were shortened, for a run that cannot begin again.
    pub fn losses(&self) -> Vec<Warning> {
        self.sources.iter().filter_map(Source::loss).collect()
    }

    /// The logs of a kind. Their offset is UTC until told otherwise.
    pub fn logs(&self, kind: LogKind) -> Vec<Log<'_>> {
        let all = self.sources.iter().zip(&self.formats).enumerate();
        all.filter_map(|(index, (source, format))| {
            let format = (*format).filter(|format| format.kind == kind)?;
            Some(Log {
                source: index as u32,
                bytes: source.bytes(),
                format,
                offset: UtcOffset::UTC,
                timing: self.timings[index],
            })
        })
        .collect()
    }

    /// Makes sure that every mapped byte is still there.
    ///
    /// # Errors
    /// When a file was shortened since it was opened; see [`Inputs::keep_what_is_left`].
    pub fn check(&self) -> Result<()> {
        match self.losses().into_iter().next() {
            None => Ok(()),
            Some(loss) => Err(Error::io(
                loss.input.unwrap_or_default(),
                "cannot go on reading",
                io::Error::other(loss.message),
            )),
        }
    }
}

/// The codes of inputs in which no format was recognised.
const EMPTY: &str = "empty_input";
const NOT_A_LOG: &str = "not_a_log";

fn is_unknown(warning: &Warning) -> bool {
    [EMPTY, NOT_A_LOG].contains(&warning.code)
}

/// The warning about an input in which no format was recognised; `bytes` is all that it has, or its beginning.
pub fn no_log(name: &str, bytes: &[u8]) -> Warning {
    let (code, what) = match foreign(bytes) {
        _ if bytes.is_empty() => (EMPTY, "is empty".to_string()),
        Some(kind) => (
            NOT_A_LOG,
            format!("is {kind}, which cannot be read; unpack it first"),
        ),
        None => (
            NOT_A_LOG,
            "is in none of the known log formats and was left out".to_string(),
        ),
    };
    Warning {
        code,
        message: format!("{name} {what}"),
        input: Some(name.to_string()),
    }
}

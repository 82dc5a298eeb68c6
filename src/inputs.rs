//! What was named on the command line, found, opened, and identified by its content.

use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result, Warning};
use crate::event::Event;
use crate::format::spec::{Arena, Desk, LogKind, Reader};
use crate::format::timing::Timing;
use crate::format::{self, Vote, vote};
use crate::pass::{Clock, Log, Skip};
use crate::source::decompress::foreign;
use crate::source::discover::discover;
use crate::source::open::{OpenOptions, Source, open_all};
use crate::source::overlap::{self, Piece};
use crate::text::{count, counted};
use crate::time::UtcOffset;

/// A beginning of an input, or all of it, that stands in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// What is left out.
    pub skip: Skip,
    /// Index of the input that has it as well.
    pub of: usize,
}

/// Opened inputs whose format is known.
pub struct Inputs {
    /// The inputs, in their sorted order.
    pub sources: Vec<Source>,
    /// The format of each; `None` for what is no log.
    pub formats: Vec<Option<Vote>>,
    /// Where each says how long requests took, if it does.
    pub timings: Vec<Option<Timing>>,
    /// What each repeats of another, where it is counted.
    pub repeats: Vec<Option<Repeat>>,
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
            repeats: Vec::new(),
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
        self.formats = sources.iter().map(|source| vote(source.bytes())).collect();
        let timing = |(source, vote): (&Source, &Option<Vote>)| {
            let vote = vote.as_ref()?;
            let access = vote.format.kind == LogKind::Access;
            access.then(|| format::timing(source.bytes(), &vote.reader))?
        };
        self.timings = sources.iter().zip(&self.formats).map(timing).collect();
        for (source, format) in sources.iter().zip(&self.formats) {
            if format.is_none() {
                self.warnings.push(no_log(&source.name, source.bytes()));
            }
        }
        self.compare();
    }

    /// Finds what is there twice.
    fn compare(&mut self) {
        let votes = self.formats.iter().enumerate();
        let logs: Vec<(usize, &Vote)> = votes
            .filter_map(|(index, vote)| Some((index, vote.as_ref()?)))
            .collect();
        let clocks: Vec<_> = logs.iter().map(|(_, vote)| time_of(&vote.reader)).collect();
        let mut pieces = Vec::with_capacity(logs.len());
        for ((index, vote), time) in logs.iter().zip(&clocks) {
            pieces.push(Piece {
                bytes: self.sources[*index].bytes(),
                format: vote.format.name,
                time,
            });
        }
        let mut repeats = vec![None; self.sources.len()];
        for ((index, _), found) in logs.iter().zip(overlap::find(&pieces)) {
            repeats[*index] = found.map(|found| Repeat {
                skip: Skip {
                    bytes: found.bytes,
                    lines: found.lines,
                },
                of: logs[found.of].0,
            });
        }
        self.repeats = repeats;
        for index in 0..self.sources.len() {
            let name = &self.sources[index].name;
            let warning = self.repeat_note(index).map(|note| Warning {
                code: DUPLICATE_CONTENT,
                message: format!("{name}: {note}"),
                input: Some(name.clone()),
            });
            self.warnings.extend(warning);
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
        let stale = |warning: &Warning| is_found_again(warning) && of_source(warning);
        self.warnings.retain(|warning| !stale(warning));
        self.warnings.extend(shortened);
        self.identify();
        true
    }

    /// The warnings about mapped files that were shortened, for a run that cannot begin again.
    pub fn losses(&self) -> Vec<Warning> {
        self.sources.iter().filter_map(Source::loss).collect()
    }

    /// What was found out about how to read an input.
    pub fn notes(&self, index: usize) -> Vec<String> {
        let vote = self.formats[index].as_ref();
        let mut notes = vote.map_or_else(Vec::new, |vote| vote.reader.notes());
        notes.extend(self.timings[index].map(Timing::note));
        notes.extend(self.repeat_note(index));
        notes
    }

    /// The logs of a kind. Their offset is UTC until told otherwise.
    pub fn logs(&self, kind: LogKind) -> Vec<Log<'_>> {
        let all = self.sources.iter().zip(&self.formats).enumerate();
        all.filter_map(|(index, (source, format))| {
            let vote = format.as_ref()?;
            (vote.format.kind == kind || vote.format.mixed).then(|| Log {
                source: index as u32,
                bytes: source.bytes(),
                format: vote.format,
                reader: vote.reader.clone(),
                clock: Clock::fixed(UtcOffset::UTC),
                timing: self.timings[index],
                skip: self.skip(index),
            })
        })
        .collect()
    }

    /// The beginning of an input that is counted elsewhere.
    pub fn skip(&self, index: usize) -> Skip {
        self.repeats[index].map_or(Skip::default(), |repeat| repeat.skip)
    }

    /// What was left out of an input, in words that follow its name.
    fn repeat_note(&self, index: usize) -> Option<String> {
        let repeat = self.repeats[index]?;
        let Skip { bytes, lines } = repeat.skip;
        let of = &self.sources[repeat.of].name;
        let lines = counted(lines, "line", "lines");
        let all = bytes == self.sources[index].bytes().len();
        let what = if all { "all" } else { "the first" };
        Some(format!(
            "{what} {lines} ({} bytes) are in {of} as well and were counted there",
            count(bytes as u64)
        ))
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

/// The code of the warning about an input that has lines of another one.
pub const DUPLICATE_CONTENT: &str = "duplicate_content";

/// Reads the time of a line, in seconds on the log's own clock.
fn time_of(reader: &Reader) -> impl Fn(&[u8]) -> Option<i64> + Sync {
    |line| {
        let arena = Arena::new();
        match reader.read(line, 0, &mut Desk::new(&arena)).ok()? {
            Event::Access(access) => Some(access.time.secs()),
            Event::Error(record) => Some(record.time.secs()),
        }
    }
}

/// The codes of inputs in which no format was recognised.
const EMPTY: &str = "empty_input";
const NOT_A_LOG: &str = "not_a_log";

fn is_found_again(warning: &Warning) -> bool {
    [EMPTY, NOT_A_LOG, DUPLICATE_CONTENT].contains(&warning.code)
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

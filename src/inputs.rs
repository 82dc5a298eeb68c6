//! What was named on the command line, found, opened, and identified by its content.

use std::path::PathBuf;

use crate::error::{Error, Result, Warning};
use crate::event::Event;
use crate::format::sample;
use crate::format::spec::{Arena, Desk, LogKind, YearHint};
use crate::format::timing::Timing;
use crate::format::{self, Vote};
use crate::pass::{Clock, Log};
use crate::readers::{FormatOptions, Readers};
use crate::source::discover::discover;
use crate::source::open::{OpenOptions, Source, open_all};
use crate::time::{Time, UtcOffset};

/// Opened inputs whose format is known.
pub struct Inputs {
    /// The inputs, in their sorted order.
    pub sources: Vec<Source>,
    /// The format of each; `None` for what is no log.
    pub formats: Vec<Option<Vote>>,
    /// Where each says how long requests took, if it does.
    pub timings: Vec<Option<Timing>>,
    /// The formats that the user gave.
    pub readers: Readers,
    /// What could not be read or understood.
    pub warnings: Vec<Warning>,
}

impl Inputs {
    /// Finds, opens and identifies inputs.
    ///
    /// # Errors
    /// [`Error::NoInput`] when nothing that was named can be read; what [`Readers::new`] returns.
    pub fn open(paths: &[PathBuf], mmap: bool, formats: &FormatOptions) -> Result<Inputs> {
        let (readers, about_formats) = Readers::new(formats)?;
        let (found, mut warnings) = discover(paths)?;
        warnings.extend(about_formats);
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
        let vote = |source: &Source| readers.vote(&source.name, source.bytes());
        let mut formats: Vec<_> = sources.iter().map(vote).collect();
        tell_years(&sources, &mut formats);
        warnings.extend(readers.unused(formats.iter().flatten()));
        let timing = |(source, vote): (&Source, &Option<Vote>)| {
            let vote = vote.as_ref()?;
            let access = vote.format.kind == LogKind::Access;
            access.then(|| format::timing(source.bytes(), &vote.reader))?
        };
        let timings = sources.iter().zip(&formats).map(timing).collect();
        for (source, format) in sources.iter().zip(&formats) {
            if format.is_none() {
                warnings.push(no_log(&source.name, source.bytes().is_empty()));
            }
        }
        Ok(Inputs {
            sources,
            formats,
            timings,
            readers,
            warnings,
        })
    }

    /// What was found out about how to read an input.
    pub fn notes(&self, index: usize) -> Vec<String> {
        let vote = self.formats[index].as_ref();
        let mut notes = vote.map_or_else(Vec::new, |vote| vote.reader.notes());
        notes.extend(self.timings[index].map(Timing::note));
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
            })
        })
        .collect()
    }

    /// Makes sure that every mapped byte is still there.
    ///
    /// # Errors
    /// When a file was shortened since it was opened.
    pub fn check(&self) -> Result<()> {
        self.sources.iter().try_for_each(Source::check)
    }
}

/// Tells the readers of inputs without years what the files and the other inputs say about them.
fn tell_years(sources: &[Source], formats: &mut [Option<Vote>]) {
    let wants = |vote: &Option<Vote>| {
        let reader = vote.as_ref().map(|vote| &vote.reader);
        reader.is_some_and(|reader| reader.with_years(&YearHint::default()).is_some())
    };
    let lacking: Vec<usize> = (0..formats.len())
        .filter(|index| wants(&formats[*index]))
        .collect();
    if lacking.is_empty() {
        return;
    }
    let others = (0..formats.len()).filter(|index| !lacking.contains(index));
    let spans = others.filter_map(|index| ends(sources[index].bytes(), formats[index].as_ref()?));
    let neighbours = spans.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
    for index in lacking {
        let hint = YearHint {
            modified: sources[index].modified,
            neighbours,
        };
        if let Some(vote) = &mut formats[index]
            && let Some(reader) = vote.reader.with_years(&hint)
        {
            vote.reader = reader;
        }
    }
}

/// The earliest and latest time among a sample of an input's lines.
fn ends(bytes: &[u8], vote: &Vote) -> Option<(Time, Time)> {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let time = |(at, line)| match vote.reader.read(line, at, &mut desk) {
        Ok(Event::Access(access)) => Some(access.time),
        Ok(Event::Error(record)) => Some(record.time),
        Err(_) => None,
    };
    let times: Vec<Time> = sample::lines(bytes).into_iter().filter_map(time).collect();
    Some((*times.iter().min()?, *times.iter().max()?))
}

/// The warning about an input in which no format was recognised.
pub fn no_log(name: &str, empty: bool) -> Warning {
    let (code, what) = match empty {
        true => ("empty_input", "is empty"),
        false => (
            "not_a_log",
            "is in none of the known log formats and was left out",
        ),
    };
    Warning {
        code,
        message: format!("{name} {what}"),
        input: Some(name.to_string()),
    }
}

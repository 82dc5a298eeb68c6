//! The survey of access logs, begun on what is unpacked already while the rest still is.
//!
//! How an input is read is certain only when all of it is there: lines from all over it vote on its format, and another
//! input may have the same lines. Until then this goes by the beginning of each, and counts whole chunks as they come.
//! When the inputs are identified, [`Ahead::confirmed`] holds what was supposed against what is. If it was right,
//! only the rest is left to be read; if anything was wrong, everything counted is dropped and all is read again.
//! Chunks are cut where they would be cut later, so that nobody can tell from the counts.
//!
//! A supposition is made only where it can hardly be wrong: of inputs whose readers learn nothing from an input and whose
//! times write a zone, and of two that begin alike only of the first, because they may be the same.

use std::collections::BTreeSet;
use std::iter;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::bytes::Bytes;
use crate::chunk::{line_end, without};
use crate::counts::AccessCounts;
use crate::format::forwarded::Column;
use crate::inputs::Inputs;
use crate::pass::{Clock, Log, Part, Run, Task, stretches};
use crate::season::writes_zone;
use crate::source::open::Source;
use crate::survey::{Survey, survey_access, survey_coming, survey_rest};
use crate::time::UtcOffset;

/// Bytes of an input that tell what it seems to be: more lines than vote on all of it.
const HEAD: usize = 1 << 20;

/// Inputs of which so many first bytes are the same are held to be the same.
const ALIKE: usize = 4 << 10;

/// How long a worker sleeps when nothing is there to be read. Decoders write some megabytes meanwhile, which is some
/// chunks.
const LULL: Duration = Duration::from_millis(5);

/// What was counted before the inputs were identified.
#[derive(Default)]
pub struct Ahead {
    /// Chunks and noted lines in these name sources, not logs.
    pub parts: Vec<AccessCounts>,
    /// What was counted in them.
    pub begun: Vec<Begun>,
}

/// An input of which something was counted, and how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The index of the source.
    pub source: u32,
    /// The format that it seemed to be in.
    pub format: String,
    /// The column of forwarded addresses, if they were wanted.
    pub column: Option<Option<Column>>,
    /// What was counted, in order.
    pub done: Vec<Range<usize>>,
}

impl Ahead {
    /// Surveys what comes of the inputs, until nothing more comes. Returns at once if everything is there.
    pub fn survey(inputs: &Inputs, survey: Survey<'_>, run: &Run<'_>) -> Ahead {
        if inputs.sources.iter().all(Source::is_whole) {
            return Ahead::default();
        }
        let coming = Coming::new(inputs, run.chunk_bytes);
        let parts = survey_coming(|| coming.next(), survey, run);
        Ahead {
            parts,
            begun: coming.begun(),
        }
    }

    /// Surveys what is here of inputs, each by what it seems to be: all of those that are whole, or the share of those whose bytes
    /// are elsewhere.
    pub fn of_shares(inputs: &Inputs, survey: Survey<'_>, run: &Run<'_>) -> Ahead {
        let coming = Coming::new(inputs, run.chunk_bytes);
        let shares = 0..inputs.sources.len();
        let logs = shares.filter_map(|index| coming.share(index));
        let logs: Vec<Log<'_>> = logs.collect();
        if logs.is_empty() {
            return Ahead::default();
        }
        let mut counts = survey_access(&logs, survey, run);
        counts.rename_logs(|log| logs[log].source as usize);
        let begun = logs.iter().map(|log| Begun {
            source: log.source,
            format: log.format.name.to_string(),
            column: log.hops.as_ref().map(|hops| hops.column),
            done: vec![log.part.bytes.clone()],
        });
        Ahead {
            begun: begun.collect(),
            parts: vec![counts],
        }
    }

    /// What of it holds for the logs as they were identified.
    pub fn confirmed(self, logs: &[Log<'_>]) -> Confirmed {
        let place = |begun: &Begun| logs.iter().position(|log| begun.fits(log));
        let found = self.begun.iter().map(|begun| Some((begun, place(begun)?)));
        let found: Option<Vec<_>> = found.collect();
        let mut done = vec![Vec::new(); logs.len()];
        let Some(found) = found else {
            return Confirmed {
                parts: Vec::new(),
                done,
            };
        };
        for (begun, log) in &found {
            done[*log].clone_from(&begun.done);
        }
        let log_of = |source: usize| {
            let mut found = found.iter();
            found.find_map(|(begun, log)| (begun.source as usize == source).then_some(*log))
        };
        let mut parts = self.parts;
        for part in &mut parts {
            part.rename_logs(|log| log_of(log).unwrap_or(log));
        }
        Confirmed { parts, done }
    }
}

impl Begun {
    /// Whether the log is what it seemed to be, and is counted from its beginning to its end.
    fn fits(&self, log: &Log<'_>) -> bool {
        let column = log.hops.as_ref().map(|hops| hops.column);
        log.source == self.source
            && log.format.name == self.format
            && log.reader.is_fixed()
            && log.clock == Clock::fixed(UtcOffset::UTC)
            && log.part == Part::all(log.bytes)
            && column == self.column
    }
}

/// What was counted already of the logs of a survey.
pub struct Confirmed {
    parts: Vec<AccessCounts>,
    /// Ranges of each log, in order.
    done: Vec<Vec<Range<usize>>>,
}

impl Confirmed {
    /// Bytes that need not be read again.
    pub fn bytes(&self) -> u64 {
        let done = self.done.iter().flatten();
        done.map(|range| range.len() as u64).sum()
    }

    /// Surveys the rest.
    pub fn complete(self, logs: &[Log<'_>], survey: Survey<'_>, run: &Run<'_>) -> AccessCounts {
        let rest = stretches(logs).into_iter();
        let rest = rest.flat_map(|(source, range)| {
            let log = logs.iter().position(|log| log.source == source);
            let done = log.map(|log| self.done[log].clone());
            let gaps = without(range, done.unwrap_or_default()).into_iter();
            gaps.map(move |gap| (source, gap))
        });
        survey_rest(self.parts, logs, rest.collect(), survey, run)
    }
}

/// Hands out chunks of inputs that are still unpacked.
struct Coming<'a> {
    inputs: &'a Inputs,
    chunk_bytes: usize,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    /// One for each source.
    looks: Vec<Look<'a>>,
    /// How the inputs begin that were looked at.
    beginnings: BTreeSet<&'a [u8]>,
}

/// What is known of a source.
enum Look<'a> {
    /// Not enough of it is there yet.
    None,
    /// Somebody is looking.
    Now,
    /// It is left to those who see all of it.
    Later,
    /// It is counted as it comes.
    Log(Box<Cursor<'a>>),
}

/// How far a log was handed out.
struct Cursor<'a> {
    /// Has the beginning for its bytes.
    log: Log<'a>,
    /// Where the next chunk begins.
    at: usize,
    /// Up to where there is no line end for it.
    sought: usize,
}

/// Something for a worker to do.
enum Next<'a> {
    Look(usize),
    Read(Log<'a>, Task),
    Wait,
    Nothing,
}

impl<'a> Coming<'a> {
    fn new(inputs: &'a Inputs, chunk_bytes: usize) -> Coming<'a> {
        let looks = inputs.sources.iter().map(|_| Look::None).collect();
        Coming {
            inputs,
            chunk_bytes: chunk_bytes.max(1),
            state: Mutex::new(State {
                looks,
                beginnings: BTreeSet::new(),
            }),
        }
    }

    /// The next chunk, waiting for it if need be; `None` when everything is unpacked, whatever was not handed out.
    fn next(&self) -> Option<(Log<'a>, Task)> {
        loop {
            match self.choose() {
                Next::Read(log, task) => return Some((log, task)),
                Next::Look(index) => {
                    let look = self.look(index).map_or(Look::Later, Look::Log);
                    self.state().looks[index] = look;
                }
                Next::Wait => thread::sleep(LULL),
                Next::Nothing => return None,
            }
        }
    }

    fn choose(&self) -> Next<'a> {
        let sources = &self.inputs.sources;
        if sources.iter().all(Source::is_whole) {
            return Next::Nothing;
        }
        let mut state = self.state();
        for (index, (source, look)) in sources.iter().zip(&mut state.looks).enumerate() {
            match look {
                Look::None if source.is_whole() || source.so_far().len() >= HEAD => {
                    *look = Look::Now;
                    return Next::Look(index);
                }
                Look::Log(cursor) => {
                    if let Some(range) = cursor.advance(source, self.chunk_bytes) {
                        let log = Log {
                            bytes: Bytes::from(&source.so_far()[..range.end]),
                            ..cursor.log.clone()
                        };
                        return Next::Read(log, (index, range));
                    }
                }
                Look::None | Look::Now | Look::Later => {}
            }
        }
        Next::Wait
    }

    /// What a source seems to be, if it can be counted as such.
    fn look(&self, index: usize) -> Option<Box<Cursor<'a>>> {
        let source = &self.inputs.sources[index];
        let whole = source.is_whole();
        let so_far = source.so_far();
        let head = &so_far[..so_far.len().min(HEAD)];
        let head = match whole && so_far.len() <= HEAD {
            true => head,
            false => &head[..memchr::memrchr(b'\n', head)? + 1],
        };
        let log = self.seeming(index, head)?;
        Some(Box::new(Cursor {
            log,
            at: 0,
            sought: 0,
        }))
    }

    /// What a source seems to be by a beginning that no other has, if it can be counted as such.
    fn seeming(&self, index: usize, head: &'a [u8]) -> Option<Log<'a>> {
        let beginning = &head[..head.len().min(ALIKE)];
        if !self.state().beginnings.insert(beginning) {
            return None;
        }
        let log = self.inputs.seeming(index, head)?;
        let sure = log.reader.is_fixed() && writes_zone(&log);
        sure.then_some(log)
    }

    /// What is here of a source, if it can be counted as what its lines seem to be.
    fn share(&self, index: usize) -> Option<Log<'a>> {
        let bytes = self.inputs.sources[index].view();
        let share = bytes.share(0..bytes.len());
        let lines = bytes.whole_lines(share.clone());
        let head = bytes.get(lines.start..lines.end.min(lines.start.saturating_add(HEAD)));
        let head = match head.len() < lines.len() {
            true => &head[..memchr::memrchr(b'\n', head)? + 1],
            false => head,
        };
        let seeming = self.seeming(index, head)?;
        Some(Log {
            bytes,
            part: Part {
                bytes: share,
                lines_before: None,
            },
            ..seeming
        })
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was handed out.
    fn begun(self) -> Vec<Begun> {
        let state = self.state.into_inner();
        let looks = state.unwrap_or_else(PoisonError::into_inner).looks;
        let begun = |look| match look {
            Look::Log(cursor) if cursor.at > 0 => Some(Begun {
                source: cursor.log.source,
                format: cursor.log.format.name.to_string(),
                column: cursor.log.hops.map(|hops| hops.column),
                done: iter::once(0..cursor.at).collect(),
            }),
            _ => None,
        };
        looks.into_iter().filter_map(begun).collect()
    }
}

impl Cursor<'_> {
    /// The next chunk of a log, as [`tasks`] cuts it, if all of it is there.
    fn advance(&mut self, source: &Source, chunk_bytes: usize) -> Option<Range<usize>> {
        // Asked first, so that what is there afterwards is all if it says so.
        let whole = source.is_whole();
        let bytes = source.so_far();
        let from = self.sought.max(self.at.saturating_add(chunk_bytes - 1));
        let end = match line_end(bytes, from) {
            Some(end) => end,
            None if whole && self.at < bytes.len() => bytes.len(),
            None => {
                self.sought = bytes.len();
                return None;
            }
        };
        let range = self.at..end;
        self.at = end;
        Some(range)
    }
}

#[cfg(test)]
mod tests;

//! How a pass over the logs runs: chunks, workers, merged parts.
//!
//! Workers take chunks in turn and count into a part of their own; nothing is shared and nothing is
//! locked. Since merging is commutative, neither the number of workers nor who took which chunk can
//! be seen in the result.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::chunk;
use crate::event::{Access, Event, Unparsed};
use crate::format::spec::{Format, TimeCache};
use crate::format::timing::Timing;
use crate::merge::Merge;
use crate::time::UtcOffset;

/// Bytes per chunk unless told otherwise: large enough that taking one costs nothing, small enough
/// that two workers finish together and that a window of minutes does not touch the whole log.
pub const DEFAULT_CHUNK_BYTES: usize = 1 << 20;

/// A log: its bytes and how to read them.
#[derive(Clone, Copy)]
pub struct Log<'a> {
    /// Index of the source among the inputs in their sorted order.
    pub source: u32,
    /// All of it, decompressed.
    pub bytes: &'a [u8],
    /// Its format.
    pub format: &'static Format,
    /// The zone of its times, for formats that do not write one.
    pub offset: UtcOffset,
    /// Where it says how long each request took, if it does.
    pub timing: Option<Timing>,
}

impl Log<'_> {
    /// How long a request of this log took, in microseconds, where the log says. Read only where it is asked for,
    /// because most passes have no use for it.
    pub fn duration_us(&self, access: &Access<'_>) -> Option<u64> {
        self.timing?.read(access.extras)
    }
}

/// A part of a log, and the time its records cover.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkSpan {
    /// Index into the logs surveyed.
    pub log: usize,
    /// Bytes.
    pub start: usize,
    /// Bytes.
    pub end: usize,
    /// Earliest record, seconds since the epoch.
    pub first: i64,
    /// Latest record; before `first` when there is none.
    pub last: i64,
    /// Physical lines that begin in it.
    pub lines: u64,
}

/// Which records count.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Seconds since the epoch; earlier records are set aside.
    pub since: i64,
    /// Seconds since the epoch; later records are set aside.
    pub until: i64,
}

impl Limits {
    /// Whether a record of this second counts.
    pub fn contain(&self, secs: i64) -> bool {
        (self.since..=self.until).contains(&secs)
    }
}

/// How the passes are run.
pub struct Run<'a> {
    /// Bytes per chunk.
    pub chunk_bytes: usize,
    /// Told the bytes done, from any worker.
    pub advance: &'a (dyn Fn(u64) + Sync),
}

/// A chunk to do: which log, which bytes.
pub type Task = (usize, Range<usize>);

/// Cuts logs into tasks.
pub fn tasks(logs: &[Log<'_>], chunk_bytes: usize) -> Vec<Task> {
    let cut = |(index, log): (usize, &Log<'_>)| {
        chunk::chunks(log.bytes, chunk_bytes)
            .into_iter()
            .map(move |range| (index, range))
    };
    logs.iter().enumerate().flat_map(cut).collect()
}

/// Lets every thread of the current pool take tasks until none is left; returns one result a thread.
pub fn work<W: Send>(
    tasks: &[Task],
    run: &Run<'_>,
    start: impl Fn() -> W + Sync,
    step: impl Fn(&mut W, &Task) + Sync,
) -> Vec<W> {
    let next = AtomicUsize::new(0);
    rayon::broadcast(|_| {
        let mut worker = start();
        while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            step(&mut worker, task);
            (run.advance)(task.1.len() as u64);
        }
        worker
    })
}

/// Merges the workers' parts; `None` only when there are none.
pub fn merge_all<T: Merge>(parts: impl IntoIterator<Item = T>) -> Option<T> {
    parts.into_iter().reduce(|mut left, right| {
        left.merge(right);
        left
    })
}

/// Reads one line; what is longer than a line may be is not read at all.
pub fn read<'a>(
    log: &Log<'_>,
    line: &'a [u8],
    times: &mut TimeCache,
) -> Result<Event<'a>, Unparsed> {
    if line.len() > chunk::MAX_LINE {
        return Err(Unparsed::TooLong);
    }
    (log.format.parse)(line, times)
}

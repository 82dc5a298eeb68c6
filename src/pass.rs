//! How a pass over the logs runs: chunks, workers, merged parts.
//!
//! Workers take chunks in turn and count into a part of their own; nothing is shared and nothing is
//! locked. Since merging is commutative, neither the number of workers nor who took which chunk can
//! be seen in the result.

use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::addresses::AddressMap;
use crate::bytes::Bytes;
use crate::chunk;
use crate::client::Client;
use crate::event::{Access, Event, Unparsed};
use crate::evidence::caps::{Caps, Share};
use crate::format::forwarded::Column;
use crate::format::spec::{Desk, Format, Glance, Reader, TimeCache};
use crate::format::timing::Timing;
use crate::known::Known;
use crate::merge::Merge;
use crate::proxies::{HeaderName, Proxies};
use crate::time::{LocalTime, Time, UtcOffset};

mod ledger;
mod spans;

pub use ledger::{Cut, Entry, Ledger, Stretch, Surveyed, count, settle};
pub use spans::{ChunkSpan, MOST_SPANS, coarsen, file_books};

/// Bytes per chunk unless told otherwise: large enough that taking one costs nothing, small enough
/// that two workers finish together and that a window of minutes does not touch the whole log.
pub const DEFAULT_CHUNK_BYTES: usize = 1 << 20;

/// How the wall clock of a log that writes no zone is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// The offset at the log's beginning.
    pub offset: UtcOffset,
    /// From which byte on another offset holds, in order: the clock was moved for summer or winter.
    pub changes: Vec<(u64, UtcOffset)>,
}

impl Clock {
    /// One offset for all of a log.
    pub fn fixed(offset: UtcOffset) -> Clock {
        Clock {
            offset,
            changes: Vec::new(),
        }
    }

    /// The offset that holds at a byte of the log.
    pub fn at(&self, byte: u64) -> UtcOffset {
        let before = self.changes.partition_point(|(from, _)| *from <= byte);
        match before.checked_sub(1) {
            Some(last) => self.changes[last].1,
            None => self.offset,
        }
    }
}

/// How clients are told from proxies and from those who are not to be accused, as the user says.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// The header that names the client behind the proxies.
    pub client_from: Option<HeaderName>,
    /// The proxies that are believed.
    pub trusted: Option<AddressMap>,
    /// Monitors, offices and the like.
    pub known: Arc<Known>,
}

/// Where a log says who asked, when proxies stand in front of it.
#[derive(Clone)]
pub struct Hops {
    /// How one of the addresses is chosen.
    pub proxies: Arc<Proxies>,
    /// Where they stand, unless the reader finds them.
    pub column: Option<Column>,
}

impl Hops {
    /// Gives a record the client behind the proxies, if its line names one that can be believed.
    #[inline]
    pub fn resolve(&self, access: &mut Access<'_>) {
        if let Some(column) = &self.column {
            access.forwarded = column.read(access.extras);
        }
        let picked = access
            .forwarded
            .and_then(|list| self.proxies.pick(access.client, list));
        if let Some((client, text)) = picked {
            access.client = client;
            access.client_text = text;
        }
    }
}

/// What is read of a log: all that no other log has as well, or as much of it as the time that was asked for takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From the beginning of a line to the end of one.
    pub bytes: Range<usize>,
    /// Lines before it; `None` if they were not counted.
    pub lines_before: Option<u64>,
}

impl Part {
    /// All of these bytes.
    pub fn all(bytes: Bytes<'_>) -> Part {
        Part {
            bytes: 0..bytes.len(),
            lines_before: Some(0),
        }
    }
}

/// A log: its bytes and how to read them.
#[derive(Clone)]
pub struct Log<'a> {
    /// Index of the source among the inputs in their sorted order.
    pub source: u32,
    /// All of it, decompressed.
    pub bytes: Bytes<'a>,
    /// What is read of them.
    pub part: Part,
    /// Its format.
    pub format: &'static Format,
    /// Reads its lines.
    pub reader: Reader,
    /// The zone of its times, where it writes none.
    pub clock: Clock,
    /// Where it says how long each request took, if it does.
    pub timing: Option<Timing>,
    /// Where it says who asked, if that is not who connected.
    pub hops: Option<Hops>,
    /// Whose requests are set aside.
    pub known: Option<Arc<Known>>,
}

impl<'a> Log<'a> {
    /// A log of which nothing is known but its bytes and its format; `None` if they do not fit each other.
    pub fn of(format: &'static Format, bytes: impl Into<Bytes<'a>>) -> Option<Log<'a>> {
        let bytes = bytes.into();
        Some(Log {
            source: 0,
            bytes,
            part: Part::all(bytes),
            format,
            reader: (format.reader)(bytes)?,
            clock: Clock::fixed(UtcOffset::UTC),
            timing: None,
            hops: None,
            known: None,
        })
    }

    /// Reads the line that begins at byte `at`; what is longer than a line may be is not read at all.
    ///
    /// # Errors
    /// Why it is no record.
    #[inline]
    pub fn read<'l>(
        &self,
        line: &'l [u8],
        at: u64,
        desk: &mut Desk<'l>,
    ) -> Result<Event<'l>, Unparsed> {
        let line = without_lead(line);
        if line.len() > chunk::MAX_LINE {
            return Err(Unparsed::TooLong);
        }
        // Set right where it is: a record is too large to be moved about for nothing.
        let mut event = self.reader.read(line, at, desk);
        let (time, zone) = match &mut event {
            Ok(Event::Access(access)) => {
                if let Some(hops) = &self.hops {
                    hops.resolve(access);
                }
                (&mut access.time, &mut access.utc_offset)
            }
            Ok(Event::Error(record)) => (&mut record.time, &mut record.utc_offset),
            Err(_) => return event,
        };
        if zone.is_none() {
            self.set_right(time, zone, at);
        }
        event
    }

    /// Whether records of both kinds may be among its lines.
    pub fn is_mixed(&self) -> bool {
        self.format.mixed || self.reader.is_mixed()
    }

    /// See [`ReadLine::client`](crate::format::spec::ReadLine::client).
    #[inline]
    pub fn client(&self, line: &[u8]) -> Option<Client> {
        match self.hops {
            Some(_) => None,
            None => self.reader.client(without_lead(line)),
        }
    }

    /// See [`ReadLine::glance`](crate::format::spec::ReadLine::glance).
    #[inline]
    pub fn glance<'l>(&self, line: &'l [u8], times: &mut TimeCache) -> Option<Glance<'l>> {
        match self.hops {
            Some(_) => None,
            None => self.reader.glance(without_lead(line), times),
        }
    }

    /// The party that a client belongs to, if it is known: counted, and never accused.
    #[inline]
    pub fn party(&self, client: Client) -> Option<u32> {
        self.known.as_ref()?.party(client)
    }

    /// From the wall clock to a point in time.
    fn set_right(&self, time: &mut Time, zone: &mut Option<UtcOffset>, at: u64) {
        let offset = self.clock.at(at);
        *time = LocalTime::from_micros(time.micros()).at(offset);
        *zone = Some(offset);
    }

    /// How long a request of this log took, in microseconds, where the log says. Read only where it is asked for,
    /// because most passes have no use for it.
    pub fn duration_us(&self, access: &Access<'_>) -> Option<u64> {
        access
            .duration_us
            .or_else(|| self.timing?.read(access.extras))
    }
}

/// A line without what is no part of its record: the byte order mark of a file that this one was made from, and the NUL
/// bytes of a hole, which a crash of the machine leaves, or a file that was cut while a server went on writing where it was.
#[inline]
fn without_lead(line: &[u8]) -> &[u8] {
    match line {
        [0, ..] => {
            let begins = line.iter().position(|byte| *byte != 0);
            &line[begins.unwrap_or(line.len())..]
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        _ => line,
    }
}

/// Which records count.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Seconds since the epoch; earlier records are set aside.
    pub since: i64,
    /// Seconds since the epoch; later records are set aside, and those of this second count.
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
    /// How much memory the counts may take.
    pub caps: Caps,
    /// Told the bytes done, from any worker.
    pub advance: &'a (dyn Fn(u64) + Sync),
    /// What other machines counted; `None` where one works alone.
    pub ledger: Option<&'a dyn Ledger>,
}

impl Run<'_> {
    /// See [`Ledger::beside`].
    pub fn beside(&self, other: &'static str, pass: &'static str) {
        if let Some(ledger) = self.ledger {
            ledger.beside(other, pass);
        }
    }
}

/// A chunk to do: which log, which bytes.
pub type Task = (usize, Range<usize>);

/// Chunks at most: what is kept for each of them must not grow with a log of any length.
const MAX_CHUNKS: usize = 1 << 16;

/// Cuts what is read of the logs into tasks.
pub fn tasks(logs: &[Log<'_>], chunk_bytes: usize) -> Vec<Task> {
    tasks_of(logs, &stretches(logs), chunk_bytes)
}

/// What is read of the logs.
pub fn stretches(logs: &[Log<'_>]) -> Vec<Stretch> {
    let parts = logs.iter().filter(|log| !log.part.bytes.is_empty());
    parts
        .map(|log| (log.source, log.part.bytes.clone()))
        .collect()
}

/// Cuts stretches of the logs into tasks.
pub fn tasks_of(logs: &[Log<'_>], stretches: &[Stretch], chunk_bytes: usize) -> Vec<Task> {
    let bytes: usize = logs.iter().map(|log| log.part.bytes.len()).sum();
    let chunk_bytes = chunk_bytes.max(bytes / MAX_CHUNKS);
    let cut = |(source, range): &Stretch| {
        let index = logs.iter().position(|log| log.source == *source)?;
        let cut = logs[index].bytes.chunks(range.clone(), chunk_bytes);
        Some(cut.into_iter().map(move |range| (index, range)))
    };
    stretches.iter().filter_map(cut).flatten().collect()
}

/// Lets every thread of the current pool take tasks until none is left; returns one result a thread.
pub fn work<W: Send>(
    tasks: &[Task],
    run: &Run<'_>,
    start: impl Fn() -> W + Sync,
    step: impl Fn(&mut W, &Task) + Sync,
) -> Vec<W> {
    let next = AtomicUsize::new(0);
    let take = || tasks.get(next.fetch_add(1, Ordering::Relaxed));
    work_on(take, start, |worker, task| {
        step(worker, task);
        (run.advance)(task.1.len() as u64);
    })
}

/// The same with tasks that come as they come: `next` may wait, and gives `None` when there are no more.
pub fn work_on<T, W: Send>(
    next: impl Fn() -> Option<T> + Sync,
    start: impl Fn() -> W + Sync,
    step: impl Fn(&mut W, T) + Sync,
) -> Vec<W> {
    rayon::broadcast(|_| {
        let mut worker = start();
        while let Some(task) = next() {
            step(&mut worker, task);
        }
        worker
    })
}

/// Counts that are kept within caps.
pub trait Bounded: Merge + Send {
    /// Bytes that a part takes, or somewhat more; asked after every chunk, so it must be cheap.
    fn weight(&self) -> usize;

    /// Brings what was merged back within its caps. What is left must not depend on how often this is called.
    fn fit(&mut self);

    /// Makes the counts ready to be read, or to be written to a file.
    fn flush(&mut self) {}

    /// An empty part, which passes over what is left out here already.
    fn successor(&self) -> Self;

    /// Takes out what a part hands over that has become too large: all of it, unless it is better off without only some.
    fn hand_over(&mut self) -> Handed<Self>
    where
        Self: Sized,
    {
        let next = self.successor();
        Handed::All(mem::replace(self, next))
    }

    /// Passes over what is left out in `all` already; for a part that handed over all or some of what it counted.
    fn follow(&mut self, all: &Self)
    where
        Self: Sized,
    {
        *self = all.successor();
    }
}

/// What a worker hands over.
pub enum Handed<C> {
    /// Everything, so that it begins anew.
    All(C),
    /// What need not be brought back within its caps together with others: each of its counts has a cap of its own.
    Some(C),
}

/// Where workers hand over what they counted before it becomes too large, so that all of them together take not much
/// more than one would. Small logs never need it.
pub struct Pool<C> {
    common: Mutex<Option<C>>,
    allowance: usize,
}

impl<C: Bounded> Pool<C> {
    /// A pool for the threads of the current thread pool.
    pub fn new(caps: &Caps) -> Pool<C> {
        Pool {
            common: Mutex::new(None),
            allowance: caps.of(Share::Parts) / rayon::current_num_threads().max(1),
        }
    }

    /// Takes over what a part hands over when it has outgrown its allowance.
    #[inline]
    pub fn relieve(&self, part: &mut C) {
        if part.weight() > self.allowance {
            self.take(part);
        }
    }

    #[cold]
    fn take(&self, part: &mut C) {
        let handed = part.hand_over();
        let (handed, fits) = match handed {
            Handed::All(handed) => (handed, false),
            Handed::Some(handed) => (handed, true),
        };
        let mut common = self.common.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = match common.take() {
            Some(mut all) => {
                all.merge(handed);
                all
            }
            None => handed,
        };
        if !fits {
            all.fit();
        }
        part.follow(&all);
        *common = Some(all);
    }

    /// What was handed over.
    pub fn handed_over(self) -> Option<C> {
        self.common
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was counted, those parts included that are with the workers still; `None` when there are none.
    pub fn all(self, parts: impl IntoIterator<Item = C>) -> Option<C> {
        let mut all = merge_all(self.handed_over().into_iter().chain(parts))?;
        all.fit();
        Some(all)
    }
}

/// Merges the workers' parts; `None` only when there are none.
pub fn merge_all<T: Merge>(parts: impl IntoIterator<Item = T>) -> Option<T> {
    parts.into_iter().reduce(|mut left, right| {
        left.merge(right);
        left
    })
}

/// The counts of several windows or groups, merged one by one.
#[derive(Serialize, Deserialize)]
pub struct Several<T>(pub Vec<T>);

impl<T: Merge> Merge for Several<T> {
    fn merge(&mut self, other: Several<T>) {
        self.0
            .iter_mut()
            .zip(other.0)
            .for_each(|(mine, theirs)| mine.merge(theirs));
    }
}

impl<T: Bounded> Bounded for Several<T> {
    fn weight(&self) -> usize {
        self.0.iter().map(Bounded::weight).sum()
    }

    fn fit(&mut self) {
        self.0.iter_mut().for_each(Bounded::fit);
    }

    fn flush(&mut self) {
        self.0.iter_mut().for_each(Bounded::flush);
    }

    fn successor(&self) -> Several<T> {
        Several(self.0.iter().map(Bounded::successor).collect())
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::combined::COMBINED;
    use crate::format::spec::Arena;

    #[test]
    fn a_byte_order_mark_and_a_hole_are_no_part_of_the_client() {
        const LINE: &str =
            r#"192.0.2.1 - - [19/May/2026:14:02:11 +0000] "GET / HTTP/1.1" 200 5 "-" "x""#;
        let arena = Arena::new();
        for lead in ["\u{feff}", "\0", &"\0".repeat(chunk::MAX_LINE + 1)] {
            let line = format!("{lead}{LINE}");
            let log = Log::of(&COMBINED, line.as_bytes()).unwrap();
            let mut desk = Desk::new(&arena);
            let Ok(Event::Access(access)) = log.read(line.as_bytes(), 0, &mut desk) else {
                panic!("a request");
            };
            assert_eq!(access.client, Client::parse(b"192.0.2.1"));
            assert_eq!(log.client(line.as_bytes()), Some(access.client));
        }
    }
}

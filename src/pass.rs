//! How a pass over the logs runs: chunks, workers, merged parts.
//!
//! Workers take chunks in turn and count into a part of their own; nothing is shared and nothing is
//! locked. Since merging is commutative, neither the number of workers nor who took which chunk can
//! be seen in the result.

use std::any::Any;
use std::collections::BTreeMap;
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
use crate::evidence::filed::{Lawful, lawful};
use crate::evidence::lines::LineCounts;
use crate::format::forwarded::Column;
use crate::format::spec::{Desk, Format, Glance, Reader, TimeCache};
use crate::format::timing::Timing;
use crate::known::Known;
use crate::merge::Merge;
use crate::proxies::{HeaderName, Proxies};
use crate::time::{LocalTime, Time, UtcOffset};

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

/// A part of a log, and the time its records cover.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(remote = "Self")]
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
    /// Whether each of its lines was read as a record, or says nothing.
    pub readable: bool,
}

impl Lawful for ChunkSpan {
    fn is_lawful(&self) -> bool {
        self.start <= self.end
    }
}
lawful!(ChunkSpan);

/// Spans kept of the chunks of logs: at [`DEFAULT_CHUNK_BYTES`] those of 256 GiB, in 14 MiB. Of longer logs neighbours are told
/// as one, so that a closer look reads a little more than it needs.
pub const MOST_SPANS: usize = 1 << 18;

/// Tells neighbours as one, two and two, until no more than so many spans are left, if logs are long enough for that.
pub fn coarsen(spans: &mut Vec<ChunkSpan>, most: usize) {
    let mut before = usize::MAX;
    while spans.len() > most && spans.len() < before {
        before = spans.len();
        spans.sort_unstable();
        let mut joined = false;
        spans.dedup_by(|next, last| {
            joined = !joined && last.absorb(next);
            joined
        });
    }
}

impl ChunkSpan {
    /// Takes over what follows in the same log; false if this one does not.
    fn absorb(&mut self, next: &ChunkSpan) -> bool {
        let follows = (self.log, self.end) == (next.log, next.start);
        if follows {
            self.end = next.end;
            self.first = self.first.min(next.first);
            self.last = self.last.max(next.last);
            self.lines += next.lines;
            self.readable &= next.readable;
        }
        follows
    }
}

/// Files the books of a chunk (index of the log, bytes), and the time that it covers.
pub fn file_books(
    chunks: &mut Vec<ChunkSpan>,
    books: &mut BTreeMap<u32, LineCounts>,
    log: &Log<'_>,
    (index, range): (usize, &Range<usize>),
    mut lines: LineCounts,
) {
    lines.order.close(range.start);
    chunks.push(chunk_span(index, range, &lines));
    books.entry(log.source).or_default().merge(lines);
}

fn chunk_span(log: usize, range: &Range<usize>, lines: &LineCounts) -> ChunkSpan {
    let (first, last) = lines.span.map_or((i64::MAX, i64::MIN), |span| {
        (span.first.secs(), span.last.secs())
    });
    ChunkSpan {
        log,
        start: range.start,
        end: range.end,
        first,
        last,
        lines: lines.lines,
        readable: lines.unparsed.is_empty(),
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

/// Some bytes of a source.
pub type Stretch = (u32, Range<usize>);

/// Knows what passes came to that other machines took part in, and takes what they come to here.
///
/// A pass is known by its name and by how many of that name were before it, so all runs over the same logs must make the same
/// passes in the same order.
pub trait Ledger: Sync {
    /// What there is of the next pass of a name, which needs these stretches.
    fn entry(&self, pass: &'static str, needed: &[Stretch]) -> Entry;

    /// Says that the next pass, if it is `pass`, needs nothing of what `other` comes to, so that both can be made in one go.
    fn beside(&self, other: &'static str, pass: &'static str);

    /// Says what is missing for the pass that is [`Entry::Open`].
    fn ask(&self, cut: Cut, missing: Vec<Stretch>);

    /// Takes what was counted of these stretches for it.
    fn file(&self, counted: Vec<Stretch>, counts: Box<dyn Any + Send>);
}

/// What a [`Ledger`] says of a pass.
pub enum Entry {
    /// What it comes to.
    Known(Box<dyn Any + Send>),
    /// Nothing of what it needs can be had.
    Nothing,
    /// These stretches are still to be counted.
    Open(Vec<Stretch>),
    /// Something before it is missing, so that it would be in vain.
    Vain,
}

/// Whether a stretch that is needed may be counted in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// At the end of any line.
    Anywhere,
    /// It is counted as a whole.
    Never,
}

/// What a pass comes to that needs these stretches: what it came to elsewhere; or what `count` makes of as much of them as is
/// here, which is everything on a machine that works alone. Where the pass remains open this is `none`, and whatever follows
/// from it is in vain.
pub fn settle<C: Bounded + 'static>(
    (pass, cut): (&'static str, Cut),
    (logs, run): (&[Log<'_>], &Run<'_>),
    needed: Vec<Stretch>,
    none: impl Fn() -> C,
    count: impl FnOnce(&[Stretch]) -> C,
) -> C {
    let Some(ledger) = run.ledger else {
        return count(&needed);
    };
    if needed.is_empty() {
        return none();
    }
    match ledger.entry(pass, &needed) {
        Entry::Known(counts) => counts.downcast().map_or_else(|_| none(), |counts| *counts),
        Entry::Nothing | Entry::Vain => none(),
        Entry::Open(missing) => {
            let own = own(logs, &missing, cut);
            ledger.ask(cut, missing);
            if !own.is_empty() {
                let mut counts = count(&own);
                counts.flush();
                ledger.file(own, Box::new(counts));
            }
            none()
        }
    }
}

/// What of some stretches is here.
fn own(logs: &[Log<'_>], needed: &[Stretch], cut: Cut) -> Vec<Stretch> {
    let here = |(source, range): &Stretch| {
        let log = logs.iter().find(|log| log.source == *source)?;
        let here = match cut {
            Cut::Anywhere => log.bytes.share(range.clone()),
            Cut::Never if log.bytes.holds(range) => range.clone(),
            Cut::Never => return None,
        };
        (!here.is_empty()).then_some((*source, here))
    };
    needed.iter().filter_map(here).collect()
}

/// The logs that a closer look is at, and the chunks that the survey met in them.
#[derive(Clone, Copy)]
pub struct Surveyed<'s, 'l> {
    /// Those surveyed.
    pub logs: &'s [Log<'l>],
    /// Of these logs.
    pub chunks: &'s [ChunkSpan],
}

/// A closer look: counts those chunks that are wanted, each with its log; see [`settle`].
pub fn count<C: Bounded + 'static>(
    pass: &'static str,
    surveyed: Surveyed<'_, '_>,
    wanted: impl Fn(&ChunkSpan) -> bool,
    run: &Run<'_>,
    start: impl Fn() -> C + Sync,
    step: impl Fn(&mut C, &ChunkSpan, &Log<'_>) + Sync,
) -> C {
    let logs = surveyed.logs;
    let chunks = surveyed.chunks.iter().filter(|chunk| wanted(chunk));
    let mut chunks: Vec<&ChunkSpan> = chunks.collect();
    let stretch = |chunk: &ChunkSpan| (logs[chunk.log].source, chunk.start..chunk.end);
    let needed: Vec<Stretch> = chunks.iter().map(|chunk| stretch(chunk)).collect();
    let make = |own: &[Stretch]| {
        let mut own = own.iter().peekable();
        chunks.retain(|chunk| own.next_if(|own| **own == stretch(chunk)).is_some());
        let tasks = (0..).zip(&chunks);
        let tasks = tasks.map(|(index, chunk)| (index, chunk.start..chunk.end));
        let tasks: Vec<Task> = tasks.collect();
        let pool = Pool::new(&run.caps);
        let parts = work(&tasks, run, &start, |counts, (index, _)| {
            let chunk = chunks[*index];
            step(counts, chunk, &logs[chunk.log]);
            pool.relieve(counts);
        });
        pool.all(parts).unwrap_or_else(&start)
    };
    settle((pass, Cut::Never), (logs, run), needed, &start, make)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::combined::COMBINED;
    use crate::format::spec::Arena;

    #[test]
    fn neighbours_are_told_as_one_when_there_are_too_many() {
        let span = |log, start| ChunkSpan {
            log,
            start,
            end: start + 10,
            first: start as i64,
            last: start as i64 + 5,
            lines: 3,
            readable: start != 30,
        };
        let empty = ChunkSpan {
            first: i64::MAX,
            last: i64::MIN,
            lines: 1,
            ..span(0, 40)
        };
        let mut spans: Vec<ChunkSpan> = [0, 10, 20, 30, 60].map(|start| span(0, start)).into();
        spans.extend([empty, span(1, 0)]);
        spans.reverse();
        coarsen(&mut spans, 7);
        assert_eq!(spans.len(), 7);
        coarsen(&mut spans, 1);
        let told = spans.iter().map(|span| {
            let bytes = span.start..span.end;
            (
                span.log,
                bytes,
                span.first,
                span.last,
                span.lines,
                span.readable,
            )
        });
        let told: Vec<_> = told.collect();
        // Between bytes 50 and 60 somebody else counts.
        assert_eq!(
            told,
            [
                (0, 0..50, 0, 35, 13, false),
                (0, 60..70, 60, 65, 3, true),
                (1, 0..10, 0, 5, 3, true),
            ]
        );
    }

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

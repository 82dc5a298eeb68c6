//! The first pass over access logs: every line once, counted.
//!
//! Nothing is decided here. Each worker counts into its own [`AccessCounts`].

use std::hash::BuildHasher;
use std::mem;
use std::ops::Range;
use std::slice;
use std::sync::{Mutex, PoisonError};

use hashbrown::DefaultHashBuilder;

use crate::chunk;
use crate::client::Client;
use crate::counts::{AccessCounts, Bucket};
use crate::event::{Access, Event, Unparsed, is_asset};
use crate::evidence::capped::{StableHash, hash_bytes};
use crate::evidence::clients::{ClientStats, status_class};
use crate::evidence::conduct::{Conduct, Habit, OddLine};
use crate::evidence::endpoints::{PathStats, Text};
use crate::evidence::lines::LineCounts;
use crate::evidence::weight::allocated;
use crate::format::spec::{Arena, Desk};
use crate::merge::Merge;
use crate::noted::Notes;
use crate::pass::{
    Bounded, Cut, Limits, Log, Pool, Run, Stretch, Task, file_books, settle, stretches, tasks_of,
    work, work_on,
};
use crate::pattern::entry::{Field, Pattern};
use crate::pattern::inspector::Inspector;
use crate::pattern::set::PatternSet;
use crate::pattern::verdict::Verdict;
use crate::severity::Confidence;
use crate::time::UtcOffset;

/// What a survey of access logs looks for.
#[derive(Clone, Copy)]
pub struct Survey<'p> {
    /// Tell which lines are odd.
    pub patterns: &'p PatternSet,
    /// Records outside are set aside.
    pub limits: Limits,
    /// Width of the report's buckets, in seconds.
    pub bucket_s: u64,
}

impl<'p> Survey<'p> {
    fn worker(&self, counts: AccessCounts) -> AccessWorker<'p> {
        AccessWorker {
            counts,
            checks: DefaultHashBuilder::default(),
            inspector: Inspector::new(self.patterns),
            patterns: self.patterns,
            limits: self.limits,
            notes: Notes::default(),
            range: 0..0,
        }
    }
}

/// Counts access logs. What is suspicious is only noted: `attempts` counts it when its context is known.
pub fn survey_access(logs: &[Log<'_>], survey: Survey<'_>, run: &Run<'_>) -> AccessCounts {
    survey_rest(Vec::new(), logs, stretches(logs), survey, run)
}

/// Counts what is left of access logs, into the parts that others were counted into before.
pub fn survey_rest(
    mut parts: Vec<AccessCounts>,
    logs: &[Log<'_>],
    rest: Vec<Stretch>,
    survey: Survey<'_>,
    run: &Run<'_>,
) -> AccessCounts {
    // Who counts for others hands over nothing but the rest.
    let own = match run.ledger {
        None => mem::take(&mut parts),
        Some(_) => Vec::new(),
    };
    let none = || AccessCounts::new(survey.bucket_s, run.caps);
    let make = |rest: &[Stretch]| {
        let tasks = tasks_of(logs, rest, run.chunk_bytes);
        survey_tasks(own, logs, &tasks, survey, run)
    };
    let mut counts = settle(("survey", Cut::Anywhere), (logs, run), rest, none, make);
    if !parts.is_empty() {
        parts.into_iter().for_each(|part| counts.merge(part));
        counts.fit();
    }
    counts.flush();
    counts
}

fn survey_tasks(
    parts: Vec<AccessCounts>,
    logs: &[Log<'_>],
    tasks: &[Task],
    survey: Survey<'_>,
    run: &Run<'_>,
) -> AccessCounts {
    let none = || AccessCounts::new(survey.bucket_s, run.caps);
    let pool = Pool::new(&run.caps);
    let begun = Mutex::new(parts);
    let next = || begun.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let start = || survey.worker(next().unwrap_or_else(none));
    let workers = work(tasks, run, start, |worker, (log, range)| {
        worker.chunk(&logs[*log], *log, range);
        pool.relieve(&mut worker.counts);
    });
    // Parts that no thread took, if there are fewer threads than before.
    let others = begun.into_inner().unwrap_or_else(PoisonError::into_inner);
    let parts = workers.into_iter().map(|worker| worker.counts);
    let counts = pool.all(parts.chain(others));
    counts.unwrap_or_else(none)
}

/// Counts chunks of access logs as `next` hands them out, each with its log; one part for each thread, to be completed
/// by [`survey_rest`].
pub fn survey_coming<'a>(
    next: impl Fn() -> Option<(Log<'a>, Task)> + Sync,
    survey: Survey<'_>,
    run: &Run<'_>,
) -> Vec<AccessCounts> {
    let start = || survey.worker(AccessCounts::new(survey.bucket_s, run.caps));
    let pool = Pool::new(&run.caps);
    let workers = work_on(next, start, |worker, (log, (index, range))| {
        worker.chunk(&log, index, &range);
        pool.relieve(&mut worker.counts);
        (run.advance)(range.len() as u64);
    });
    let counts = workers.into_iter().map(|worker| worker.counts);
    pool.handed_over().into_iter().chain(counts).collect()
}

/// Records that are counted together, so that what they miss in the caches is fetched side by side.
const BATCH: usize = 64;

/// Records that wait to be counted. They are large, so each is copied once and then stays where it is.
struct Batch<'a> {
    records: Vec<Access<'a>>,
    /// For each the byte of its log at which its line begins.
    offsets: Vec<u64>,
}

impl<'a> Batch<'a> {
    fn new() -> Batch<'a> {
        Batch {
            records: Vec::with_capacity(BATCH),
            offsets: Vec::with_capacity(BATCH),
        }
    }

    /// Adds a record; true when that fills the batch.
    #[inline]
    fn add(&mut self, record: &Access<'a>, offset: u64) -> bool {
        // `push` would copy it twice.
        self.records.extend_from_slice(slice::from_ref(record));
        self.offsets.push(offset);
        self.records.len() == BATCH
    }

    fn pending(&self) -> Vec<Pending<'_>> {
        let records = self.records.iter().zip(&self.offsets);
        records
            .map(|(record, offset)| Pending::new(record, *offset))
            .collect()
    }

    fn clear(&mut self) {
        self.records.clear();
        self.offsets.clear();
    }
}

/// A record that is counted now.
struct Pending<'a> {
    access: &'a Access<'a>,
    /// Byte of its log at which its line begins.
    offset: u64,
    path: &'a [u8],
    path_hash: u64,
    /// The stable hashes by which the counts of its path and its client are found.
    path_key: u64,
    client_hash: u64,
    /// Where the counts of its path and its client stand, as far as they are there already.
    found: Found,
}

#[derive(Default)]
struct Found {
    path: Option<u32>,
    client: Option<u32>,
}

impl<'a> Pending<'a> {
    #[inline]
    fn new(access: &'a Access<'a>, offset: u64) -> Pending<'a> {
        let path = access.path();
        let path_hash = hash_bytes(path);
        Pending {
            offset,
            path,
            path_hash,
            path_key: path_hash.stable_hash(),
            client_hash: access.client.stable_hash(),
            found: Found::default(),
            access,
        }
    }

    /// Looks where its counts are looked for.
    #[inline]
    fn peek(&self, counts: &AccessCounts) -> u64 {
        counts.paths.peek(self.path_key) ^ counts.clients.peek(self.client_hash)
    }

    /// Looks for the counts that it adds to.
    #[inline]
    fn find(&mut self, counts: &AccessCounts) {
        self.found = Found {
            path: counts.paths.candidate(self.path_key),
            client: counts.clients.candidate(self.client_hash),
        };
    }

    /// Whether the target has no query.
    #[inline]
    fn is_path_alone(&self) -> bool {
        self.path.len() == self.access.target.len()
    }

    /// Whether the same path was judged before, and nothing was found in it. The texts of paths are far apart in memory,
    /// so that two hashes are compared instead: one of them is another one in each run, so that nobody can write a log in which an attack
    /// passes for something harmless.
    #[inline]
    fn is_known_as_harmless(&self, check: u64, counts: &AccessCounts) -> bool {
        let path = self.known_path(counts);
        path.is_some_and(|path| path.harmless == check && check != 0)
    }

    /// Whether it asks for an image, a style, a script or the like.
    #[inline]
    fn asks_for_asset(&self, counts: &AccessCounts) -> bool {
        let known = self.known_path(counts).and_then(|path| path.asset);
        known.unwrap_or_else(|| is_asset(self.path))
    }

    /// The counts of its path, if they are there already.
    #[inline]
    fn known_path<'c>(&self, counts: &'c AccessCounts) -> Option<&'c PathStats> {
        let path = counts.paths.at(self.found.path, &self.path_hash);
        path.map(|path| &path.stats)
    }

    /// Looks at the counts that were found.
    #[inline]
    fn touch(&self, counts: &AccessCounts) -> u64 {
        let path = |key: &u64, path: &Text<PathStats>| {
            key ^ path.text.len() as u64 ^ u64::from(path.stats.touch())
        };
        let client =
            |key: &Client, stats: &ClientStats| key.stable_hash() ^ u64::from(stats.touch());
        counts.paths.touch(self.found.path, path) ^ counts.clients.touch(self.found.client, client)
    }
}

/// Counts the zones that records are written in. Most lines repeat the one before, which is kept at hand.
#[derive(Default)]
struct Zones {
    last: UtcOffset,
    count: u64,
}

impl Zones {
    #[inline]
    fn note(&mut self, zone: UtcOffset, lines: &mut LineCounts) {
        if self.last != zone {
            self.flush(lines);
            self.last = zone;
        }
        self.count += 1;
    }

    fn flush(&mut self, lines: &mut LineCounts) {
        if self.count > 0 {
            *lines.offsets.entry(self.last).or_default() += self.count;
            self.count = 0;
        }
    }
}

struct AccessWorker<'p> {
    counts: AccessCounts,
    /// The second hash of paths; see [`Pending::is_known_as_harmless`].
    checks: DefaultHashBuilder,
    inspector: Inspector<'p>,
    patterns: &'p PatternSet,
    limits: Limits,
    /// The noted lines of the current chunk.
    notes: Notes,
    /// The current chunk.
    range: Range<usize>,
}

impl AccessWorker<'_> {
    fn chunk(&mut self, log: &Log<'_>, index: usize, range: &Range<usize>) {
        let mut lines = LineCounts::default();
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut batch = Batch::new();
        let mut zones = Zones::default();
        self.range = range.clone();
        for (offset, line) in chunk::lines(log.bytes.get(range.clone())) {
            lines.lines += 1;
            if line.is_empty() {
                lines.blank += 1;
                continue;
            }
            let at = (range.start + offset) as u64;
            match log.read(line, at, &mut desk) {
                Ok(Event::Access(ref access)) => {
                    zones.note(access.utc_offset.unwrap_or_default(), &mut lines);
                    lines.record(access.time);
                    lines.forwarded += u64::from(log.hops.is_some() && access.forwarded.is_some());
                    if !self.limits.contain(access.time.secs()) {
                        lines.outside += 1;
                    } else if let Some(party) = log.party(access.client) {
                        lines.aside += 1;
                        self.set_aside(party, access);
                    } else if batch.add(access, at) {
                        self.record_all(&mut batch);
                    }
                }
                // What it says is for the pass over error logs.
                Ok(Event::Error(record)) if log.is_mixed() => {
                    lines.record(record.time);
                }
                Err(Unparsed::Header) => lines.blank += 1,
                Ok(Event::Error(_)) => self.unparsed(&mut lines, Unparsed::NotThisFormat, at, line),
                Err(reason) => self.unparsed(&mut lines, reason, at, line),
            }
        }
        self.record_all(&mut batch);
        zones.flush(&mut lines);
        let counts = &mut self.counts;
        if let Some(noted) = self.notes.close(index, range) {
            counts.listed += noted.weight();
            counts.noted.push(noted);
        }
        file_books(
            &mut counts.chunks,
            &mut counts.lines,
            log,
            (index, range),
            lines,
        );
    }

    /// A line that is no record is often the attack itself, so it is searched all the same.
    fn unparsed(&mut self, lines: &mut LineCounts, reason: Unparsed, offset: u64, line: &[u8]) {
        lines.unparsed(reason, offset);
        let Some(verdict) = self.inspector.inspect_line(line) else {
            return;
        };
        if verdict.confidence >= Confidence::Medium {
            lines.unparsed_hits += 1;
            self.counts.hits += 1;
            for category in &verdict.categories {
                self.counts.hits_by_category[category.index()] += 1;
            }
        }
    }

    fn record_all(&mut self, batch: &mut Batch<'_>) {
        let mut pending = batch.pending();
        let counts = &self.counts;
        // Only the looking matters, which the compiler must not leave out.
        let peeked = pending.iter().map(|record| record.peek(counts));
        std::hint::black_box(peeked.fold(0, |all, one| all ^ one));
        pending.iter_mut().for_each(|record| record.find(counts));
        let touched = pending.iter().map(|record| record.touch(counts));
        std::hint::black_box(touched.fold(0, |all, one| all ^ one));
        for record in &pending {
            self.record(record);
        }
        batch.clear();
    }

    /// Counts a request of a known client. The log was awake meanwhile, whoever kept it so.
    fn set_aside(&mut self, party: u32, access: &Access<'_>) {
        let verdict = self.inspector.inspect(access);
        let odd = verdict.filter(|verdict| verdict.confidence >= Confidence::Medium);
        let counts = &mut self.counts;
        let categories = odd.map_or(&[][..], |verdict| &verdict.categories);
        counts.aside.note(party, access, categories);
        let secs = access.time.secs();
        counts.minutes.cell(secs).awake(secs.rem_euclid(60) as u8);
        counts.buckets.cell(secs).merge(Bucket {
            requests: 1,
            errors_5xx: u32::from(status_class(access.status) == 4),
            hits: u32::from(odd.is_some()),
        });
        let bucket = counts.buckets.bucket(secs);
        counts
            .bucket_clients
            .note(bucket, access.client.stable_hash());
    }

    #[inline]
    fn record(&mut self, record: &Pending<'_>) {
        let access = record.access;
        let counts = &mut self.counts;
        let check = record
            .is_path_alone()
            .then(|| self.checks.hash_one(record.path));
        let known = check.is_some_and(|check| record.is_known_as_harmless(check, counts));
        let verdict = self.inspector.inspect_known(access, known);
        let odd = verdict.is_some_and(|verdict| verdict.confidence >= Confidence::Medium);
        let asks = || !record.is_path_alone() && access.has_syntax();
        if verdict.is_some() || access.is_rejected_page() || asks() {
            self.notes.note(record.offset, verdict, &self.range);
        }
        if let Some(verdict) = verdict {
            note_conduct(counts, self.patterns, record, verdict);
        }
        let secs = access.time.secs();
        let class = status_class(access.status);
        let failed = u32::from(class == 4);
        let asset = record.asks_for_asset(counts);
        counts.by_class[class] += 1;
        if let Some(bytes) = access.bytes {
            counts.bytes_sent = counts.bytes_sent.saturating_add(bytes);
            counts.sized += 1;
        }
        counts.referred += u64::from(access.referer.is_some());
        let second = secs.rem_euclid(60) as u8;
        let minute = counts.minutes.cell(secs);
        minute.requests += 1;
        minute.assets += u32::from(asset);
        minute.errors_5xx += failed;
        minute.gateway += u32::from(matches!(access.status, Some(502 | 504)));
        minute.refused += u32::from(matches!(access.status, Some(403 | 429 | 444)));
        minute.awake(second);
        if failed > 0 {
            minute.first_failed = minute.first_failed.min(second);
            minute.last_failed = minute.last_failed.max(second);
        }
        counts.buckets.cell(secs).merge(Bucket {
            requests: 1,
            errors_5xx: failed,
            hits: 0,
        });
        let harmless = check.filter(|_| self.inspector.target_is_harmless());
        note_client(counts, record, (secs, class, asset));
        note_path(counts, record, (secs, asset), (odd, harmless));
        if let Some(agent) = access.user_agent {
            let hash = self.inspector.agent_hash();
            note_agent(counts, agent, hash.unwrap_or_else(|| hash_bytes(agent)));
        }
    }
}

/// A text that is new, and its bytes beside those of others.
fn text<S: Default>(bytes: &[u8], all: &mut usize) -> Text<S> {
    let text = Text::new(bytes);
    *all += allocated(text.text.len());
    text
}

#[inline]
fn note_client(
    counts: &mut AccessCounts,
    record: &Pending<'_>,
    (secs, class, asset): (i64, usize, bool),
) {
    let access = record.access;
    let (bucket, width) = (counts.buckets.bucket(secs), counts.buckets.width_s());
    let (found, hash) = (record.found.client, record.client_hash);
    let client = counts
        .clients
        .entry_at(found, access.client, hash, ClientStats::default);
    if let Some(client) = client {
        if !client.was_last_in(bucket * width, width) {
            counts.bucket_clients.note(bucket, hash);
        }
        client.note(secs, class, asset);
    } else {
        counts.bucket_clients.note(bucket, hash);
    }
    if access.client.is_name()
        && let Some(name) = counts.names.entry(access.client, || {
            text(access.client_text, &mut counts.text_bytes)
        })
    {
        name.stats += 1;
    }
}

#[inline]
fn note_path(
    counts: &mut AccessCounts,
    record: &Pending<'_>,
    (secs, asset): (i64, bool),
    (hit, harmless): (bool, Option<u64>),
) {
    let access = record.access;
    let (path, key) = (record.path_hash, record.path_key);
    let entry = counts.paths.entry_at(record.found.path, path, key, || {
        text(record.path, &mut counts.text_bytes)
    });
    if let Some(entry) = entry {
        let stats = &mut entry.stats;
        stats.harmless = harmless.unwrap_or(stats.harmless);
        stats.asset = Some(asset);
        stats.requests = stats.requests.saturating_add(1);
        stats.errors_5xx += u32::from(matches!(access.status, Some(500..=599)));
        if !hit && matches!(access.status, Some(200..=399)) {
            stats.ordinary += 1;
            if let (Some(200), Some(bytes)) = (access.status, access.bytes) {
                stats.sizes.note(bytes);
            }
        }
        if access.method == b"POST" {
            stats
                .posts
                .get_or_insert_default()
                .note(secs, access.status);
        }
    }
}

#[inline]
fn note_agent(counts: &mut AccessCounts, agent: &[u8], hash: u64) {
    let new = || text(agent, &mut counts.text_bytes);
    if let Some(entry) = counts.agents.entry(hash, new) {
        entry.stats += 1;
    }
}

/// Counts what an odd line says about its client and about the site. What only the referer shows says
/// nothing: it may be the echo of a page.
fn note_conduct(
    counts: &mut AccessCounts,
    set: &PatternSet,
    record: &Pending<'_>,
    verdict: &Verdict,
) {
    let own = || {
        let matches = verdict.matches.iter();
        matches.filter(|found| found.field != Field::Referer)
    };
    let client = record.access.client;
    let status = record.access.status;
    let confidences = own().map(|found| found.confidence(set, status));
    let Some(confidence) = confidences.max() else {
        return;
    };
    let tool = own().any(|found| names_tool(set.pattern(found.pattern)));
    if let Some(conduct) = counts.conduct.entry(client, Conduct::default) {
        conduct.note(&OddLine {
            confidence,
            categories: &verdict.categories,
            tool,
            path: record.path_hash,
            agent: hash_bytes(record.access.user_agent.unwrap_or_default()),
            secs: record.access.time.secs(),
        });
    }
    if confidence == Confidence::Medium {
        for found in own() {
            let key = Habit::key(record.path_hash, found.place(), found.pattern.0);
            if let Some(habit) = counts.habits.entry(key, Habit::default) {
                habit.note(client);
            }
        }
    }
}

/// A tool that nobody but an attacker, or who was hired to act as one, uses.
fn names_tool(pattern: &Pattern) -> bool {
    pattern.tool.is_some() && pattern.confidence == Confidence::High
}

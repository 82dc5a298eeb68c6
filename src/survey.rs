//! The first pass: every line once, counted.
//!
//! Nothing is decided here. Each worker counts into its own [`AccessCounts`] (or [`ErrorCounts`]).

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::category::Category;
use crate::chunk;
use crate::client::Client;
use crate::event::{Access, ErrorRecord, Event, Unparsed, is_asset};
use crate::evidence::aside::Aside;
use crate::evidence::capped::{CappedMap, StableHash, hash_bytes};
use crate::evidence::caps::{Caps, Share};
use crate::evidence::clients::{CLASSES, ClientStats, HitStats, status_class};
use crate::evidence::conduct::{Conduct, Habit, OddLine};
use crate::evidence::distinct::DistinctPerBucket;
use crate::evidence::endpoints::{Endpoint, PathStats, Text, TextMap, fit_endpoints};
use crate::evidence::errors::{DatabaseErrors, Mentions, SymptomStats, mention};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::lines::LineCounts;
use crate::evidence::misses::Misses;
use crate::evidence::series::{Minute, Series};
use crate::evidence::shapes::Shapes;
use crate::evidence::tries::MAX_TRIES;
use crate::evidence::weight::{INDEX_BYTES, allocated};
use crate::format::nginx_error;
use crate::format::spec::{Arena, Desk};
use crate::merge::Merge;
use crate::pass::{Bounded, ChunkSpan, Handed, Limits, Log, Pool, Run, Task, tasks, work, work_on};
use crate::pattern::entry::{Field, Pattern};
use crate::pattern::inspector::Inspector;
use crate::pattern::set::PatternSet;
use crate::pattern::symptom::{Classifier, SymptomSet};
use crate::pattern::verdict::Verdict;
use crate::severity::Confidence;
use crate::terms::SymptomKind;
use crate::time::{Time, UtcOffset};

/// One bucket of the report's series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Requests.
    pub requests: u32,
    /// Answers with 5xx.
    pub errors_5xx: u32,
    /// Lines with a hit of at least medium confidence.
    pub hits: u32,
}

impl Merge for Bucket {
    fn merge(&mut self, other: Bucket) {
        self.requests.merge(other.requests);
        self.errors_5xx.merge(other.errors_5xx);
        self.hits.merge(other.hits);
    }
}

/// Everything counted of the access logs.
pub struct AccessCounts {
    /// Per minute, for detection.
    pub minutes: Series<Minute>,
    /// Per bucket of the report.
    pub buckets: Series<Bucket>,
    /// Distinct clients per bucket of the report.
    pub bucket_clients: DistinctPerBucket,
    /// Per client.
    pub clients: CappedMap<Client, ClientStats>,
    /// Texts of the clients that are host names.
    pub names: CappedMap<Client, Text<u64>>,
    /// Suspicious requests per client.
    pub hit_clients: CappedMap<Client, HitStats>,
    /// Per path.
    pub paths: TextMap<PathStats>,
    /// Per user agent.
    pub agents: TextMap<u64>,
    /// Folders of values, known when all paths are.
    pub shapes: Shapes,
    /// Attacked places.
    pub endpoints: CappedMap<u64, Endpoint>,
    /// Requests by status class.
    pub by_class: [u64; CLASSES],
    /// Bytes sent, and how many records say.
    pub bytes_sent: u64,
    /// Records with a size.
    pub sized: u64,
    /// Requests that name a referer.
    pub referred: u64,
    /// Lines with a hit of at least medium confidence.
    pub hits: u64,
    /// The same by category.
    pub hits_by_category: [u64; Category::ALL.len()],
    /// The first lines of each client with hits.
    pub hit_samples: CappedMap<Client, FirstK<Locator, 5>>,
    /// What each client asked for in vain.
    pub misses: CappedMap<Client, Misses>,
    /// What the odd lines of each client say about it.
    pub conduct: CappedMap<Client, Conduct>,
    /// Who sends what a pattern matches to which place, by [`Habit::key`].
    pub habits: CappedMap<u64, Habit>,
    /// What known clients did, which is in no other count but [`AccessCounts::buckets`],
    /// [`AccessCounts::bucket_clients`] and the books.
    pub aside: Aside,
    /// Lines that the next pass judges, in the order of the logs.
    pub noted: Vec<Noted>,
    /// Bytes of their lists.
    listed: usize,
    /// Bytes of the texts that came to paths, agents and names.
    text_bytes: usize,
    /// Attempts kept per attacked place at most.
    pub tries: usize,
    /// The books of each log.
    pub lines: BTreeMap<u32, LineCounts>,
    /// Time range of each chunk.
    pub chunks: Vec<ChunkSpan>,
    caps: Caps,
}

/// The lines of a chunk that may turn out to be suspicious.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Noted {
    /// Index into the logs surveyed.
    pub log: usize,
    /// Bytes.
    pub start: usize,
    /// Bytes.
    pub end: usize,
    /// Offsets of the lines, counted from `start`; `None` for all lines, when they are too many to list.
    pub lines: Option<Box<[u32]>>,
}

/// One of so many bytes of a chunk may be the beginning of a line that is listed in [`Noted`], which bounds the
/// lists to 2% of the log. A line of an ordinary log has 100 to 300 bytes, so that this is every line
/// or every second.
const NOTED_SPACING: usize = 200;

impl AccessCounts {
    /// Nothing counted yet.
    pub fn new(bucket_s: u64, caps: Caps) -> AccessCounts {
        let client = size_of::<(Client, ClientStats)>() + INDEX_BYTES;
        AccessCounts {
            caps,
            minutes: Series::new(60, caps.of(Share::Minutes)),
            buckets: Series::new(bucket_s as i64, caps.of(Share::Buckets)),
            bucket_clients: DistinctPerBucket::new(caps.of(Share::BucketClients)),
            clients: CappedMap::new(caps.entries(Share::Clients, client)),
            names: CappedMap::new(usize::MAX),
            hit_clients: CappedMap::new(usize::MAX),
            paths: CappedMap::new(usize::MAX),
            agents: CappedMap::new(usize::MAX),
            shapes: Shapes::default(),
            endpoints: CappedMap::new(caps.entries(Share::Endpoints, Endpoint::LEAST_WEIGHT)),
            tries: MAX_TRIES,
            by_class: [0; CLASSES],
            bytes_sent: 0,
            sized: 0,
            referred: 0,
            hits: 0,
            hits_by_category: [0; Category::ALL.len()],
            hit_samples: CappedMap::new(usize::MAX),
            misses: CappedMap::new(usize::MAX),
            conduct: CappedMap::new(usize::MAX),
            habits: CappedMap::new(usize::MAX),
            aside: Aside::new(caps),
            noted: Vec::new(),
            listed: 0,
            text_bytes: 0,
            lines: BTreeMap::new(),
            chunks: Vec::new(),
        }
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.by_class.iter().sum()
    }

    /// Makes the counts ready to be read.
    pub fn flush(&mut self) {
        self.minutes.flush();
        self.buckets.flush();
        self.bucket_clients.flush();
        self.chunks.sort_unstable();
        self.noted.sort_unstable();
    }
}

impl Merge for AccessCounts {
    fn merge(&mut self, other: AccessCounts) {
        // What takes longest, side by side.
        rayon::join(
            || self.clients.merge(other.clients),
            || {
                self.bucket_clients.merge(other.bucket_clients);
                self.paths.merge(other.paths);
            },
        );
        self.minutes.merge(other.minutes);
        self.buckets.merge(other.buckets);
        self.names.merge(other.names);
        self.hit_clients.merge(other.hit_clients);
        self.agents.merge(other.agents);
        self.endpoints.merge(other.endpoints);
        self.by_class.merge(other.by_class);
        self.bytes_sent.merge(other.bytes_sent);
        self.sized.merge(other.sized);
        self.referred.merge(other.referred);
        self.hits.merge(other.hits);
        self.hits_by_category.merge(other.hits_by_category);
        self.hit_samples.merge(other.hit_samples);
        self.misses.merge(other.misses);
        self.conduct.merge(other.conduct);
        self.habits.merge(other.habits);
        self.aside.merge(other.aside);
        self.noted.extend(other.noted);
        self.listed += other.listed;
        self.text_bytes += other.text_bytes;
        self.tries = self.tries.min(other.tries);
        merge_lines(&mut self.lines, other.lines);
        self.chunks.extend(other.chunks);
    }
}

/// Bytes that a suspicious line adds at most, to all that is counted of it: an attempt and a client at each of some places,
/// and what its client may be new to.
const HIT_BYTES: usize = 4 << 10;

/// Bytes that a client with odd lines, or one that asks in vain, takes at most.
const ODD_CLIENT_BYTES: usize = 1 << 10;

impl Bounded for AccessCounts {
    fn weight(&self) -> usize {
        let flat = self.clients.flat_weight()
            + self.aside.clients.flat_weight()
            + self.paths.flat_weight()
            + self.agents.flat_weight()
            + self.names.flat_weight();
        let times = self.minutes.weight() + self.buckets.weight() + self.bucket_clients.weight();
        let hits = usize::try_from(self.hits).unwrap_or(usize::MAX);
        let odd = self.conduct.len() + self.habits.len() + self.misses.len();
        let odd = hits
            .saturating_mul(HIT_BYTES)
            .saturating_add(odd * ODD_CLIENT_BYTES);
        (flat + self.text_bytes + times + self.listed).saturating_add(odd)
    }

    fn fit(&mut self) {
        let caps = self.caps;
        for path in self.paths.values_mut() {
            if let Some(posts) = &mut path.stats.posts {
                posts.settle();
            }
        }
        self.paths.fit(caps.of(Share::Paths));
        self.agents.fit(caps.of(Share::Agents));
        self.names.fit(caps.of(Share::Names));
        self.hit_clients.fit(caps.of(Share::HitClients));
        self.hit_samples.fit(caps.of(Share::HitSamples));
        self.misses.fit(caps.of(Share::Misses));
        self.conduct.fit(caps.of(Share::Conduct));
        self.habits.fit(caps.of(Share::Habits));
        self.tries = fit_endpoints(&mut self.endpoints, caps.of(Share::Endpoints)).min(self.tries);
        self.shorten_lists(caps.of(Share::Noted));
    }

    fn successor(&self) -> AccessCounts {
        let mut next = self.empty();
        next.follow(self);
        next
    }

    /// Clients come and go, while the paths of a site come back: these stay, to be merged only once, unless it is they that
    /// take the room.
    fn hand_over(&mut self) -> Handed<AccessCounts> {
        let of_clients = self.clients.flat_weight() + self.bucket_clients.weight();
        let mut rest = self.successor();
        if of_clients < self.weight() / 4 {
            return Handed::All(mem::replace(self, rest));
        }
        mem::swap(&mut self.clients, &mut rest.clients);
        mem::swap(&mut self.bucket_clients, &mut rest.bucket_clients);
        Handed::Some(rest)
    }

    fn follow(&mut self, all: &AccessCounts) {
        self.clients.sample_like(&all.clients);
        self.bucket_clients.sample_like(&all.bucket_clients);
        self.aside.clients.sample_like(&all.aside.clients);
        self.names.sample_like(&all.names);
        self.paths.sample_like(&all.paths);
        self.agents.sample_like(&all.agents);
        self.hit_clients.sample_like(&all.hit_clients);
        self.hit_samples.sample_like(&all.hit_samples);
        self.misses.sample_like(&all.misses);
        self.conduct.sample_like(&all.conduct);
        self.habits.sample_like(&all.habits);
        self.endpoints.sample_like(&all.endpoints);
    }
}

impl AccessCounts {
    fn empty(&self) -> AccessCounts {
        let width = u64::try_from(self.buckets.width_s()).unwrap_or(1);
        AccessCounts::new(width, self.caps)
    }

    /// Replaces the longest lists of noted lines by "all lines" until the others fit. What follows reads more for that, and
    /// finds the same.
    fn shorten_lists(&mut self, most: usize) {
        if self.listed <= most {
            return;
        }
        let length = |noted: &Noted| noted.lines.as_deref().map_or(0, size_of_val);
        self.noted.sort_unstable_by_key(length);
        let mut left = most;
        for noted in &mut self.noted {
            let bytes = length(noted);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => {
                    left = 0;
                    noted.lines = None;
                }
            }
        }
        self.listed = self.noted.iter().map(length).sum();
    }

    /// Bytes of the shares that the counts could have taken and did not.
    pub fn spare_bytes(&self) -> usize {
        let taken = [
            (Share::Clients, self.clients.flat_weight()),
            (Share::BucketClients, self.bucket_clients.weight()),
            (Share::Aside, self.aside.clients.flat_weight()),
            (Share::Names, self.names.weight()),
            (Share::Paths, self.paths.weight()),
            (Share::Agents, self.agents.weight()),
            (Share::Minutes, self.minutes.weight()),
            (Share::Buckets, self.buckets.weight()),
            (Share::Conduct, self.conduct.weight()),
            (Share::Habits, self.habits.weight()),
            (Share::HitClients, self.hit_clients.weight()),
            (Share::HitSamples, self.hit_samples.weight()),
            (Share::Misses, self.misses.weight()),
        ];
        let spare = |(share, bytes): (Share, usize)| self.caps.of(share).saturating_sub(bytes);
        taken.into_iter().map(spare).sum()
    }
}

/// Everything counted of the error logs.
pub struct ErrorCounts {
    /// Messages by symptom (index into the symptom set).
    pub symptoms: BTreeMap<u16, SymptomStats>,
    /// Messages that are no known symptom.
    pub unclassified: u64,
    /// Statements that the database refused, by client.
    pub database: DatabaseErrors,
    /// Messages by what they mean and whom they name.
    pub mentions: Mentions,
    /// Time range of each chunk.
    pub chunks: Vec<ChunkSpan>,
    /// The books of each log.
    pub lines: BTreeMap<u32, LineCounts>,
    /// Messages were left out because their minutes have no room.
    pub forgotten: bool,
    caps: Caps,
}

impl ErrorCounts {
    /// Nothing counted yet.
    pub fn new(caps: Caps) -> ErrorCounts {
        ErrorCounts {
            forgotten: false,
            caps,
            symptoms: BTreeMap::new(),
            unclassified: 0,
            database: CappedMap::new(usize::MAX),
            mentions: CappedMap::new(usize::MAX),
            chunks: Vec::new(),
            lines: BTreeMap::new(),
        }
    }
}

impl Merge for ErrorCounts {
    fn merge(&mut self, other: ErrorCounts) {
        for (symptom, stats) in other.symptoms {
            self.symptoms.entry(symptom).or_default().merge(stats);
        }
        self.unclassified.merge(other.unclassified);
        self.forgotten |= other.forgotten;
        self.database.merge(other.database);
        self.mentions.merge(other.mentions);
        self.chunks.extend(other.chunks);
        merge_lines(&mut self.lines, other.lines);
    }
}

impl Bounded for ErrorCounts {
    fn weight(&self) -> usize {
        let minutes: usize = self.symptoms.values().map(SymptomStats::weight).sum();
        let clients = self.database.len() + self.mentions.len();
        minutes + clients * 2 * ODD_CLIENT_BYTES
    }

    fn fit(&mut self) {
        self.database.fit(self.caps.of(Share::DatabaseErrors));
        self.mentions.fit(self.caps.of(Share::Mentions));
        self.forget_earliest(self.caps.of(Share::Symptoms));
    }

    fn successor(&self) -> ErrorCounts {
        let mut next = ErrorCounts::new(self.caps);
        next.database.sample_like(&self.database);
        next.mentions.sample_like(&self.mentions);
        next
    }
}

impl ErrorCounts {
    /// Keeps the latest minutes of all symptoms that fit into `most` bytes. What was forgotten may come again from another
    /// part, and is forgotten again, because more does not fit better.
    fn forget_earliest(&mut self, most: usize) {
        let kept = most / SymptomStats::MINUTE_BYTES;
        let minutes = self.symptoms.values().flat_map(SymptomStats::minutes);
        let mut minutes: Vec<i64> = minutes.collect();
        minutes.sort_unstable();
        // Of those that share a minute with the latest that does not fit none is kept.
        let Some(last_out) = minutes.len().checked_sub(kept + 1) else {
            return;
        };
        let from = minutes[last_out] + 1;
        self.symptoms
            .values_mut()
            .for_each(|symptom| symptom.forget_before(from));
        self.forgotten = true;
    }
}

fn merge_lines(mine: &mut BTreeMap<u32, LineCounts>, theirs: BTreeMap<u32, LineCounts>) {
    for (source, lines) in theirs {
        mine.entry(source).or_default().merge(lines);
    }
}

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
            inspector: Inspector::new(self.patterns),
            patterns: self.patterns,
            limits: self.limits,
            noted: Vec::new(),
        }
    }
}

/// Counts access logs. What is suspicious is only noted: `attempts` counts it when its context is known.
pub fn survey_access(logs: &[Log<'_>], survey: Survey<'_>, run: &Run<'_>) -> AccessCounts {
    survey_rest(Vec::new(), logs, &tasks(logs, run.chunk_bytes), survey, run)
}

/// Counts what is left of access logs, into the parts that others were counted into before.
pub fn survey_rest(
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
    let mut counts = counts.unwrap_or_else(none);
    counts.flush();
    counts
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

/// A record that waits to be counted.
struct Pending<'a> {
    access: Access<'a>,
    /// Byte of its log at which its line begins.
    offset: u64,
    path: &'a [u8],
    path_hash: u64,
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
    fn new(access: Access<'a>, offset: u64) -> Pending<'a> {
        let path = access.path();
        Pending {
            offset,
            path,
            path_hash: hash_bytes(path),
            client_hash: access.client.stable_hash(),
            found: Found::default(),
            access,
        }
    }

    /// Looks where its counts are looked for.
    #[inline]
    fn peek(&self, counts: &AccessCounts) -> u64 {
        counts.paths.peek(self.path_hash.stable_hash()) ^ counts.clients.peek(self.client_hash)
    }

    /// Looks for the counts that it adds to.
    #[inline]
    fn find(&mut self, counts: &AccessCounts) {
        self.found = Found {
            path: counts.paths.candidate(self.path_hash.stable_hash()),
            client: counts.clients.candidate(self.client_hash),
        };
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
    inspector: Inspector<'p>,
    patterns: &'p PatternSet,
    limits: Limits,
    /// Offsets of the noted lines of the current chunk.
    noted: Vec<u64>,
}

impl AccessWorker<'_> {
    fn chunk(&mut self, log: &Log<'_>, index: usize, range: &Range<usize>) {
        let mut lines = LineCounts::default();
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut batch = Vec::with_capacity(BATCH);
        let mut zones = Zones::default();
        for (offset, line) in chunk::lines(&log.bytes[range.clone()]) {
            lines.lines += 1;
            if line.is_empty() {
                lines.blank += 1;
                continue;
            }
            let at = (range.start + offset) as u64;
            match log.read(line, at, &mut desk) {
                Ok(Event::Access(access)) => {
                    zones.note(access.utc_offset.unwrap_or_default(), &mut lines);
                    lines.record(access.time);
                    lines.forwarded += u64::from(log.hops.is_some() && access.forwarded.is_some());
                    if !self.limits.contain(access.time.secs()) {
                        lines.outside += 1;
                    } else if let Some(party) = log.party(access.client) {
                        lines.aside += 1;
                        self.set_aside(party, &access);
                    } else {
                        batch.push(Pending::new(access, at));
                        if batch.len() == BATCH {
                            self.record_all(&mut batch);
                        }
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
        self.file_noted(index, range);
        let counts = &mut self.counts;
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

    /// Keeps the list of noted lines, or the whole chunk instead of a long list.
    fn file_noted(&mut self, log: usize, range: &Range<usize>) {
        let most = range.len() / NOTED_SPACING + 1;
        let (count, start) = (self.noted.len(), range.start);
        let short = |offset: u64| u32::try_from(offset - start as u64).ok();
        let listed = || self.noted.iter().map(|offset| short(*offset)).collect();
        if count > 0 {
            let lines: Option<Box<[u32]>> = (count <= most).then(listed).flatten();
            self.counts.listed += lines.as_deref().map_or(0, size_of_val);
            self.counts.noted.push(Noted {
                log,
                start,
                end: range.end,
                lines,
            });
        }
        self.noted.clear();
    }

    fn record_all(&mut self, batch: &mut Vec<Pending<'_>>) {
        let counts = &self.counts;
        // Only the looking matters, which the compiler must not leave out.
        let peeked = batch.iter().map(|record| record.peek(counts));
        std::hint::black_box(peeked.fold(0, |all, one| all ^ one));
        batch.iter_mut().for_each(|record| record.find(counts));
        let touched = batch.iter().map(|record| record.touch(counts));
        std::hint::black_box(touched.fold(0, |all, one| all ^ one));
        for record in batch.iter() {
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
        let access = &record.access;
        let verdict = self.inspector.inspect(access);
        let counts = &mut self.counts;
        let odd = verdict.is_some_and(|verdict| verdict.confidence >= Confidence::Medium);
        if verdict.is_some() || access.is_rejected_page() || access.has_syntax() {
            self.noted.push(record.offset);
        }
        if let Some(verdict) = verdict {
            note_conduct(counts, self.patterns, record, verdict);
        }
        let secs = access.time.secs();
        let class = status_class(access.status);
        let failed = u32::from(class == 4);
        let asset = is_asset(record.path);
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
        note_client(counts, record, (secs, class, asset));
        note_texts(counts, record, secs, odd);
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
    let access = &record.access;
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
fn note_texts(counts: &mut AccessCounts, record: &Pending<'_>, secs: i64, hit: bool) {
    let access = &record.access;
    let (path, key) = (record.path_hash, record.path_hash.stable_hash());
    let entry = counts.paths.entry_at(record.found.path, path, key, || {
        text(record.path, &mut counts.text_bytes)
    });
    if let Some(entry) = entry {
        let stats = &mut entry.stats;
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
    if let Some(agent) = access.user_agent
        && let Some(entry) = counts
            .agents
            .entry(hash_bytes(agent), || text(agent, &mut counts.text_bytes))
    {
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

/// Lines of one record that are looked at, as its last may name the client: PHP prints a line for each call, and
/// more calls than these are a recursion.
pub const MAX_RECORD_LINES: usize = 256;

/// Counts error logs. Their clocks' offsets are in the logs given.
pub fn survey_errors(
    logs: &[Log<'_>],
    symptoms: &SymptomSet,
    limits: Limits,
    run: &Run<'_>,
) -> ErrorCounts {
    let tasks = tasks(logs, run.chunk_bytes);
    let pool = Pool::new(&run.caps);
    let start = || ErrorWorker {
        counts: ErrorCounts::new(run.caps),
        symptoms,
        classifier: Classifier::new(symptoms),
        limits,
    };
    let workers = work(&tasks, run, start, |worker, (log, range)| {
        worker.chunk(&logs[*log], *log, range);
        pool.relieve(&mut worker.counts);
    });
    let counts = pool.all(workers.into_iter().map(|worker| worker.counts));
    let mut counts = counts.unwrap_or_else(|| ErrorCounts::new(run.caps));
    counts.chunks.sort_unstable();
    counts
}

struct ErrorWorker<'s> {
    counts: ErrorCounts,
    symptoms: &'s SymptomSet,
    classifier: Classifier<'s>,
    limits: Limits,
}

impl ErrorWorker<'_> {
    fn chunk(&mut self, log: &Log<'_>, index: usize, range: &Range<usize>) {
        let mut lines = LineCounts::default();
        let first_record = first_record(log);
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        for (offset, line) in chunk::lines(&log.bytes[range.clone()]) {
            lines.lines += 1;
            let at = (range.start + offset) as u64;
            match log.read(line, at, &mut desk) {
                _ if line.is_empty() => lines.blank += 1,
                Err(Unparsed::Header) => lines.blank += 1,
                Ok(Event::Error(record)) => {
                    let time = record.time;
                    lines.record(time);
                    let zone = record.utc_offset.unwrap_or_default();
                    *lines.offsets.entry(zone).or_default() += 1;
                    if !self.limits.contain(time.secs()) {
                        lines.outside += 1;
                        continue;
                    }
                    let place = Locator {
                        time,
                        source: log.source,
                        offset: at,
                    };
                    let rest = &log.bytes[at as usize + line.len()..];
                    self.record(&record, place, log, rest);
                }
                Err(_) if at > first_record && continues_record(line) => {
                    lines.records += 1;
                    lines.continued += 1;
                }
                // What it says is for the pass over access logs.
                Ok(Event::Access(access)) if log.is_mixed() => {
                    lines.record(access.time);
                }
                Ok(Event::Access(_)) => lines.unparsed(Unparsed::NotThisFormat, at),
                Err(reason) => lines.unparsed(reason, at),
            }
        }
        let counts = &mut self.counts;
        file_books(
            &mut counts.chunks,
            &mut counts.lines,
            log,
            (index, range),
            lines,
        );
    }

    /// `rest` is what follows the record's first line, its line end included.
    fn record(&mut self, record: &ErrorRecord<'_>, at: Locator, log: &Log<'_>, rest: &[u8]) {
        let Some(id) = self.classifier.classify(record.message) else {
            self.counts.unclassified += 1;
            return;
        };
        let symptom = self.symptoms.symptom(id);
        self.counts.symptoms.entry(id.0).or_default().note(at);
        let Some(client) = record.client.or_else(|| tail_client(log, at.offset, rest)) else {
            return;
        };
        mention(&mut self.counts.mentions, id.0, client, at);
        if symptom.by_requests
            && symptom.kind == SymptomKind::DatabaseError
            && let Some(times) = self.counts.database.entry(client, FirstK::default)
        {
            times.push(at);
        }
    }
}

/// The client that nginx names behind a message of several lines, wherever chunks are cut.
fn tail_client(log: &Log<'_>, at: u64, rest: &[u8]) -> Option<Client> {
    if log.format.name != nginx_error::FORMAT.name {
        return None;
    }
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    // the first of these lines is what is left of the record's own: nothing
    let lines = chunk::lines(rest).skip(1).take(MAX_RECORD_LINES);
    lines
        .map(|(_, line)| line)
        .take_while(|line| continues_record(line) && log.read(line, at, &mut desk).is_err())
        .find_map(nginx_error::client_of_tail)
}

/// A stack trace and the like: printable text that follows a record. What precedes the first record
/// of a file, and binary garbage, belongs to no record.
pub fn continues_record(line: &[u8]) -> bool {
    let printable = !line.iter().any(|byte| *byte < b' ' && *byte != b'\t');
    printable && line.len() <= chunk::MAX_LINE
}

/// Offset of the first line that parses, looked for at the beginning of the file only: an error log
/// that does not start with a record within 64 KiB lost its head to rotation or is no error log.
fn first_record(log: &Log<'_>) -> u64 {
    const HEAD: usize = 64 << 10;
    let head = &log.bytes[..log.bytes.len().min(HEAD)];
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    chunk::lines(head)
        .find(|(offset, line)| log.read(line, *offset as u64, &mut desk).is_ok())
        .map_or(HEAD as u64, |(offset, _)| offset as u64)
}

/// Files the books of a chunk (index of the log, bytes), and the time that it covers.
fn file_books(
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

/// Time of the last record, looked for in the last 64 KiB: what `--since -3h` counts back from.
pub fn last_time(log: &Log<'_>) -> Option<Time> {
    const TAIL: usize = 64 << 10;
    let start = log.bytes.len().saturating_sub(TAIL);
    let tail = &log.bytes[start..];
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let mut last = None;
    for (offset, line) in chunk::lines(tail) {
        let event = log.read(line, (start + offset) as u64, &mut desk);
        last = last.max(event.ok().map(|event| event.time()));
    }
    last
}

/// The earliest time in the first 64 KiB.
pub fn first_time(log: &Log<'_>) -> Option<Time> {
    const HEAD: usize = 64 << 10;
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let head = &log.bytes[..log.bytes.len().min(HEAD)];
    let times = chunk::lines(head).filter_map(|(offset, line)| {
        let event = log.read(line, offset as u64, &mut desk).ok()?;
        Some(event.time())
    });
    times.min()
}

/// The zone that the first readable record is written in.
pub fn first_zone(log: &Log<'_>) -> Option<UtcOffset> {
    const HEAD: usize = 64 << 10;
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let head = &log.bytes[..log.bytes.len().min(HEAD)];
    for (offset, line) in chunk::lines(head) {
        if let Ok(Event::Access(access)) = log.read(line, offset as u64, &mut desk) {
            return access.utc_offset;
        }
    }
    None
}

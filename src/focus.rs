//! The second passes: exact counts inside the windows that the plan asks for.
//!
//! [`focus`] tells what a window consists of, so that a flooder is told from a shopper. [`trace`]
//! follows named clients, so that every statement about an actor can be checked. [`tallies`] counts
//! what incidents cost. All read only chunks whose time range overlaps what is asked.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use rayon::iter::{Either, ParallelIterator};

use crate::client::Client;
use crate::event::{Access, Event, is_asset};
use crate::evidence::capped::{CappedMap, hash_bytes};
use crate::evidence::caps::{self, divide};
use crate::evidence::clients::{CLASSES, ClientStats, Span, status_class};
use crate::evidence::endpoints::{MAX_TEXT_BYTES, Text, TextMap};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::numbers::{Numbers, numbered};
use crate::evidence::series::Series;
use crate::evidence::sketch::Sketch;
use crate::evidence::weight::{INDEX_BYTES, Weigh, allocated, tree};
use crate::format::spec::{Arena, Desk, Glance};
use crate::merge::Merge;
use crate::pass::{Bounded, ChunkSpan, Limits, Log, Pool, Run, Task, work};
use crate::time::Time;

/// A stretch of time worth a second look; seconds since the epoch, both ends within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First second.
    pub start: i64,
    /// Last second.
    pub end: i64,
    /// Only POST requests to the path with this hash.
    pub posts_to: Option<u64>,
    /// Only answers with 5xx.
    pub failed: bool,
}

impl Window {
    fn overlaps(&self, chunk: &ChunkSpan) -> bool {
        chunk.first <= self.end && chunk.last >= self.start
    }

    fn covers(&self, chunk: &ChunkSpan) -> bool {
        chunk.first >= self.start && chunk.last <= self.end
    }

    fn takes(&self, secs: i64, access: &Access<'_>) -> bool {
        (self.start..=self.end).contains(&secs)
            && (!self.failed || status_class(access.status) == 4)
            && self
                .posts_to
                .is_none_or(|path| access.method == b"POST" && hash_bytes(access.path()) == path)
    }
}

/// Whose requests of a window are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Everybody's.
    All,
    /// Those for the path with this hash.
    Path(u64),
    /// Those from the network that this is the first address of: see [`Client::network_key`].
    Network(u128),
    /// Those of one client.
    Client(Client),
}

impl Subject {
    fn takes(&self, access: &Access<'_>) -> bool {
        match self {
            Subject::All => true,
            Subject::Path(path) => hash_bytes(access.path()) == *path,
            Subject::Network(network) => access.client.network_key() == Some(*network),
            Subject::Client(client) => access.client == *client,
        }
    }
}

/// Bytes that the counts of one window may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Of clients.
    pub clients: usize,
    /// Of paths.
    pub paths: usize,
    /// Of user agents.
    pub agents: usize,
    /// Of samples of answers.
    pub answers: usize,
}

/// A window, whose requests of it count, and the room for what is counted.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// When.
    pub window: Window,
    /// Whose.
    pub subject: Subject,
    /// How much of it is kept.
    pub room: Room,
}

/// What a window consists of.
pub struct WindowCounts {
    /// First and last request.
    pub span: Option<Span>,
    /// Requests.
    pub requests: u64,
    /// Answers with 5xx.
    pub errors_5xx: u64,
    /// Requests that name a referer.
    pub referred: u64,
    /// Requests for images, styles, scripts and fonts.
    pub assets: u64,
    /// Per client.
    pub clients: CappedMap<Client, Presence>,
    /// Per path.
    pub paths: TextMap<u64>,
    /// Per user agent.
    pub agents: TextMap<u64>,
    /// Per status: how many, and the first of them.
    pub answers: BTreeMap<u16, Answers>,
    room: Room,
}

/// Requests answered with one status.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// How many.
    pub count: u64,
    /// The first, and who sent them.
    pub first: FirstK<(Locator, Client), ANSWER_SAMPLES>,
}

/// Requests kept per status: enough that those of the clients in question are among them.
pub const ANSWER_SAMPLES: usize = 256;

impl Merge for Answers {
    fn merge(&mut self, other: Answers) {
        self.count += other.count;
        self.first.merge(other.first);
    }
}

/// Bytes that a client of a window costs beside its entry, if it is named: in findings, actors, groups and the report, and
/// what the counts of a group say of it.
pub const NAMED_BYTES: usize = 256;

impl Weigh for Presence {
    fn heap_bytes(&self) -> usize {
        self.agents.heap_bytes() + self.paths.heap_bytes() + self.numbers.heap_bytes() + NAMED_BYTES
    }
}

impl WindowCounts {
    /// `wider` is a sample that the clients are one of as well, so that whoever is known here is known there.
    fn new<V>(room: Room, wider: &CappedMap<Client, V>) -> WindowCounts {
        let mut counts = WindowCounts::empty(room);
        counts.clients.sample_like(wider);
        counts
    }

    fn empty(room: Room) -> WindowCounts {
        WindowCounts {
            room,
            span: None,
            requests: 0,
            errors_5xx: 0,
            referred: 0,
            assets: 0,
            clients: CappedMap::new(usize::MAX),
            paths: CappedMap::new(usize::MAX),
            agents: CappedMap::new(usize::MAX),
            answers: BTreeMap::new(),
        }
    }

    fn note(&mut self, access: &Access<'_>, at: Locator) {
        let path = access.path();
        let failed = status_class(access.status) == 4;
        let referred = access.referer.is_some();
        let asset = is_asset(path);
        let agent = access.user_agent.unwrap_or_default();
        let (path_hash, agent_hash) = (hash_bytes(path), hash_bytes(agent));
        self.span.merge(Some(Span::once(at.time)));
        self.requests += 1;
        self.errors_5xx += u64::from(failed);
        self.referred += u64::from(referred);
        self.assets += u64::from(asset);
        if let Some(status) = access.status {
            let answers = self.answers.entry(status).or_default();
            answers.count += 1;
            answers.first.push((at, access.client));
        }
        if let Some(entry) = self.paths.entry(path_hash, || Text::new(path)) {
            entry.stats += 1;
        }
        if let Some(entry) = self.agents.entry(agent_hash, || Text::new(agent)) {
            entry.stats += 1;
        }
        if let Some(client) = self.clients.entry(access.client, Presence::default) {
            client.requests += 1;
            client.errors_5xx += u32::from(failed);
            client.referred += u32::from(referred);
            client.assets += u32::from(asset);
            client.missed += u32::from(status_class(access.status) == 3);
            client.refused += u32::from(access.status.is_some_and(is_refusal));
            client.moved += u32::from(status_class(access.status) == 2);
            client.widen(at.time, at.time);
            client.agents.note(agent_hash);
            client.paths.note(path_hash);
            if let Some(number) = numbered(access.query()) {
                let numbers = client.numbers.get_or_insert_default();
                numbers.note(hash_bytes(access.target), number);
            }
        }
    }
}

impl WindowCounts {
    /// Requests of those clients that are kept.
    pub fn kept_requests(&self) -> u64 {
        let clients = self.clients.iter();
        clients.map(|(_, here)| u64::from(here.requests)).sum()
    }
}

impl Bounded for WindowCounts {
    fn weight(&self) -> usize {
        /// Bytes of a client with a few pages; the allowance of a worker need not be exact.
        const CLIENT: usize = 512;
        /// Bytes of a text, if all are long.
        const TEXT: usize = allocated(MAX_TEXT_BYTES);
        let texts = self.paths.len() + self.agents.len();
        let flat = self.paths.flat_weight() + self.agents.flat_weight();
        let answers = self.answers.len() * ANSWER_SAMPLES * size_of::<(Locator, Client)>();
        self.clients.len() * CLIENT + flat + texts * TEXT + answers
    }

    fn fit(&mut self) {
        self.clients.fit(self.room.clients);
        self.paths.fit(self.room.paths);
        self.agents.fit(self.room.agents);
        let each = self.room.answers / size_of::<(Locator, Client)>() / self.answers.len().max(1);
        for answers in self.answers.values_mut() {
            answers.first.truncate(each.clamp(1, ANSWER_SAMPLES));
        }
    }

    fn successor(&self) -> WindowCounts {
        let mut next = WindowCounts::new(self.room, &self.clients);
        next.paths.sample_like(&self.paths);
        next.agents.sample_like(&self.agents);
        next
    }
}

impl Merge for WindowCounts {
    fn merge(&mut self, other: WindowCounts) {
        self.span.merge(other.span);
        self.requests += other.requests;
        self.errors_5xx += other.errors_5xx;
        self.referred += other.referred;
        self.assets += other.assets;
        self.clients.merge(other.clients);
        self.paths.merge(other.paths);
        self.agents.merge(other.agents);
        for (status, answers) in other.answers {
            self.answers.entry(status).or_default().merge(answers);
        }
    }
}

/// One client inside a window.
#[derive(Debug, Clone, Default)]
pub struct Presence {
    /// Requests.
    pub requests: u32,
    /// Answers with 5xx.
    pub errors_5xx: u32,
    /// Requests that name a referer.
    pub referred: u32,
    /// Requests for images, styles, scripts and fonts.
    pub assets: u32,
    /// Answers with 4xx.
    pub missed: u32,
    /// Those among them that say "too much", see [`is_refusal`]: no page was missing.
    pub refused: u32,
    /// Answers with 3xx.
    pub moved: u32,
    /// First and last request here.
    pub span: Option<(Time, Time)>,
    /// User agents, by hash.
    pub agents: Sketch,
    /// Paths, by hash.
    pub paths: Sketch,
    /// Pages that a number in the query names.
    pub numbers: Option<Box<Numbers>>,
}

/// An answer that speaks of the server's limits and not of what was asked for: too many requests (429, RFC 6585), a closed
/// connection (nginx's 444), a client that waited in vain (nginx's 499).
pub fn is_refusal(status: u16) -> bool {
    matches!(status, 429 | 444 | 499)
}

impl Merge for Presence {
    fn merge(&mut self, other: Presence) {
        self.requests.merge(other.requests);
        self.errors_5xx.merge(other.errors_5xx);
        self.referred.merge(other.referred);
        self.assets.merge(other.assets);
        self.missed.merge(other.missed);
        self.refused.merge(other.refused);
        self.moved.merge(other.moved);
        if let Some((first, last)) = other.span {
            self.widen(first, last);
        }
        self.agents.merge(other.agents);
        self.paths.merge(other.paths);
        self.numbers.merge(other.numbers);
    }
}

impl Presence {
    fn widen(&mut self, first: Time, last: Time) {
        self.span = Some(match self.span {
            Some((known, latest)) => (known.min(first), latest.max(last)),
            None => (first, last),
        });
    }
}

/// Counts in every window those requests that are a subject's; one result a window, in order. Clients are kept as far as
/// they are of the sample `wider`.
pub fn focus<V: Sync>(
    logs: &[Log<'_>],
    chunks: &[ChunkSpan],
    sights: &[Sight],
    wider: &CappedMap<Client, V>,
    run: &Run<'_>,
) -> Vec<WindowCounts> {
    if sights.is_empty() {
        return Vec::new();
    }
    let tasks = chosen(chunks, |chunk| {
        sights.iter().any(|sight| sight.window.overlaps(chunk))
    });
    let start = || {
        let counts = sights.iter();
        Several(
            counts
                .map(|sight| WindowCounts::new(sight.room, wider))
                .collect(),
        )
    };
    let pool = Pool::new(&run.caps);
    let parts = work(&tasks, run, start, |counts, (log, range)| {
        each_access(
            &logs[*log],
            &logs[*log].bytes[range.clone()],
            range.start,
            |access, at| {
                let secs = at.time.secs();
                for (sight, counts) in sights.iter().zip(counts.0.iter_mut()) {
                    if sight.window.takes(secs, access) && sight.subject.takes(access) {
                        counts.note(access, at);
                    }
                }
            },
        );
        pool.relieve(counts);
    });
    pool.all(parts).map_or_else(Vec::new, |counts| counts.0)
}

/// What a stretch of time cost.
pub struct Tally<'w> {
    /// Requests.
    pub requests: u64,
    /// Answers with 5xx.
    pub errors_5xx: u64,
    /// What was counted of it.
    counted: Counted,
    /// What that is.
    part: Part<'w>,
}

/// Counts of records, before it is said of what.
struct Counted {
    requests: u64,
    errors_5xx: u64,
    clients: CappedMap<Client, Share>,
}

/// How counts relate to the whole.
enum Part<'w> {
    /// They are of what is in the stretch.
    Inside,
    /// They are of what is outside it.
    Outside(&'w CappedMap<Client, ClientStats>),
}

/// One client's part of a [`Tally`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    /// Requests.
    pub requests: u32,
    /// Answers with 5xx.
    pub errors_5xx: u32,
}

impl Merge for Share {
    fn merge(&mut self, other: Share) {
        self.requests.merge(other.requests);
        self.errors_5xx.merge(other.errors_5xx);
    }
}

impl Counted {
    /// Counts of the clients that are of the sample `like`.
    fn new<V>(like: &CappedMap<Client, V>) -> Counted {
        let mut clients = CappedMap::new(usize::MAX);
        clients.sample_like(like);
        Counted {
            requests: 0,
            errors_5xx: 0,
            clients,
        }
    }

    fn note(&mut self, access: &Access<'_>) {
        let failed = status_class(access.status) == 4;
        self.requests += 1;
        self.errors_5xx += u64::from(failed);
        if let Some(client) = self.clients.entry(access.client, Share::default) {
            client.merge(Share {
                requests: 1,
                errors_5xx: u32::from(failed),
            });
        }
    }
}

impl Bounded for Counted {
    fn weight(&self) -> usize {
        self.clients.flat_weight()
    }

    /// The sample was chosen small enough.
    fn fit(&mut self) {}

    fn successor(&self) -> Counted {
        Counted::new(&self.clients)
    }
}

impl Merge for Counted {
    fn merge(&mut self, other: Counted) {
        self.requests += other.requests;
        self.errors_5xx += other.errors_5xx;
        self.clients.merge(other.clients);
    }
}

impl Tally<'_> {
    /// Clients, those among them that met a 5xx: exact, or estimates from a sample.
    pub fn clients(&self) -> (u64, u64) {
        let count = |(_, share): (Client, Share)| (1, usize::from(share.errors_5xx > 0));
        let sum = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
        let (all, failed) = self.shares().map(count).reduce(|| (0, 0), sum);
        let estimate = |kept| self.counted.clients.estimate(kept);
        (estimate(all), estimate(failed))
    }

    /// How many clients each of those stands for that are kept.
    pub fn weight_of_a_client(&self) -> u64 {
        self.counted.clients.scaled(1)
    }

    /// How many clients there are, and the standard error of that; `None` if it is exact.
    pub fn error(&self) -> Option<(u64, f64)> {
        let kept = self.shares().count();
        let sampled = self.counted.clients.is_sampled();
        sampled.then(|| {
            let clients = self.counted.clients.estimate(kept);
            (clients, 1.0 / (kept.max(1) as f64).sqrt())
        })
    }

    /// Every kept client with its part, in no order.
    pub fn shares(&self) -> impl ParallelIterator<Item = (Client, Share)> {
        match self.part {
            Part::Inside => {
                let clients = self.counted.clients.par_iter();
                Either::Left(clients.map(|(client, share)| (*client, *share)))
            }
            Part::Outside(whole) => {
                let left = |(client, all): (&Client, &ClientStats)| {
                    Some((*client, self.left(client, all)?))
                };
                Either::Right(whole.par_iter().filter_map(left))
            }
        }
    }

    /// The part of one client, if it is kept.
    pub fn share(&self, client: &Client) -> Option<Share> {
        match self.part {
            Part::Inside => self.counted.clients.get(client).copied(),
            Part::Outside(whole) => self.left(client, whole.get(client)?),
        }
    }

    /// What a client of the sample did in the stretch, if what it did outside is counted.
    fn left(&self, client: &Client, all: &ClientStats) -> Option<Share> {
        if !self.counted.clients.keeps(client) {
            return None;
        }
        let gone = self
            .counted
            .clients
            .get(client)
            .copied()
            .unwrap_or_default();
        let requests = all.requests().saturating_sub(u64::from(gone.requests));
        (requests > 0).then(|| Share {
            requests: u32::try_from(requests).unwrap_or(u32::MAX),
            errors_5xx: all.by_class[4].saturating_sub(gone.errors_5xx),
        })
    }
}

/// All records that count, as the survey counted them.
pub struct Whole<'a> {
    /// Requests.
    pub requests: u64,
    /// Answers with 5xx.
    pub errors_5xx: u64,
    /// Per client.
    pub clients: &'a CappedMap<Client, ClientStats>,
    /// Which records count.
    pub limits: Limits,
}

impl<'w> Whole<'w> {
    /// What is told apart when so many windows are counted in `bytes`: as much of all clients as would fit if each of them
    /// came in every window, so that it is the same sample whichever side of a window is read.
    fn sample(&self, windows: usize, bytes: usize) -> CappedMap<Client, Share> {
        let entry = size_of::<(Client, Share)>() + INDEX_BYTES;
        let mut sample = CappedMap::new(usize::MAX);
        sample.sample_like(self.clients);
        while self
            .clients
            .iter()
            .filter(|(client, _)| sample.keeps(client))
            .count()
            > bytes / entry / windows.max(1)
            && sample.thin()
        {}
        sample
    }

    fn tally(&self, counted: Counted, outside: bool) -> Tally<'w> {
        let (requests, errors_5xx) = (counted.requests, counted.errors_5xx);
        match outside {
            false => Tally {
                requests,
                errors_5xx,
                counted,
                part: Part::Inside,
            },
            true => Tally {
                requests: self.requests.saturating_sub(requests),
                errors_5xx: self.errors_5xx.saturating_sub(errors_5xx),
                counted,
                part: Part::Outside(self.clients),
            },
        }
    }
}

/// How a window is counted: by what is in it, or, where that is less to read, by what is not.
struct Side {
    window: Window,
    outside: bool,
}

impl Side {
    fn of(window: &Window, chunks: &[ChunkSpan]) -> Side {
        let bytes = |wanted: &dyn Fn(&ChunkSpan) -> bool| -> usize {
            let wanted = chunks.iter().filter(|chunk| wanted(chunk));
            wanted.map(|chunk| chunk.end - chunk.start).sum()
        };
        let inside = bytes(&|chunk| window.overlaps(chunk));
        let outside = bytes(&|chunk| !window.covers(chunk));
        Side {
            window: *window,
            outside: window.posts_to.is_none() && outside < inside,
        }
    }

    fn reads(&self, chunk: &ChunkSpan) -> bool {
        match self.outside {
            true => !self.window.covers(chunk),
            false => self.window.overlaps(chunk),
        }
    }
}

/// Counts what happened in every window; one result a window, in order.
pub fn tallies<'w>(
    logs: &[Log<'_>],
    chunks: &[ChunkSpan],
    whole: &Whole<'w>,
    windows: &[Window],
    bytes: usize,
    run: &Run<'_>,
) -> Vec<Tally<'w>> {
    let sample = whole.sample(windows.len(), bytes);
    let sides: Vec<Side> = windows
        .iter()
        .map(|window| Side::of(window, chunks))
        .collect();
    let tasks = chosen(chunks, |chunk| sides.iter().any(|side| side.reads(chunk)));
    let start = || Several(windows.iter().map(|_| Counted::new(&sample)).collect());
    let pool = Pool::new(&run.caps);
    let parts = work(&tasks, run, start, |counts, (log, range)| {
        let bytes = &logs[*log].bytes[range.clone()];
        each_access(&logs[*log], bytes, range.start, |access, at| {
            let secs = at.time.secs();
            if !whole.limits.contain(secs) {
                return;
            }
            for (side, counts) in sides.iter().zip(counts.0.iter_mut()) {
                if side.window.takes(secs, access) != side.outside {
                    counts.note(access);
                }
            }
        });
        pool.relieve(counts);
    });
    let counted = pool.all(parts).map_or_else(Vec::new, |all| all.0);
    let sides = sides.iter().zip(counted);
    sides
        .map(|(side, counted)| whole.tally(counted, side.outside))
        .collect()
}

fn chosen(chunks: &[ChunkSpan], wanted: impl Fn(&ChunkSpan) -> bool) -> Vec<Task> {
    chunks
        .iter()
        .filter(|chunk| wanted(chunk))
        .map(|chunk| (chunk.log, chunk.start..chunk.end))
        .collect()
}

/// Shows every access record of a part of a log but those of known clients. Lines that do not parse were counted by the survey.
pub fn each_access(
    log: &Log<'_>,
    bytes: &[u8],
    start: usize,
    show: impl FnMut(&Access<'_>, Locator),
) {
    each_access_of(log, bytes, start, |_| true, show);
}

/// The same, passing over clients that are not `wanted` as cheaply as the format allows.
pub fn each_access_of(
    log: &Log<'_>,
    bytes: &[u8],
    start: usize,
    wanted: impl Fn(Client) -> bool,
    mut show: impl FnMut(&Access<'_>, Locator),
) {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    for (offset, line) in written(bytes, start) {
        if log.client(line).is_none_or(&wanted)
            && let Some((access, at)) = read(log, line, offset, &mut desk)
        {
            show(&access, at);
        }
    }
}

/// Who looks over many requests for the sake of a few.
pub trait Look {
    /// Sees the beginning of a line, and says whether it must be read. If it is no request after all, that comes to light
    /// only then.
    fn glance(&mut self, glance: &Glance<'_>) -> bool;

    /// Sees a request of which a glance was not enough.
    fn read(&mut self, access: &Access<'_>, at: Locator);
}

/// The same for who needs no more than the beginnings of most lines.
pub fn look_over(log: &Log<'_>, bytes: &[u8], start: usize, look: &mut impl Look) {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    for (offset, line) in written(bytes, start) {
        let glance = log.glance(line, &mut desk.times);
        if glance.is_none_or(|glance| log.party(glance.client).is_none() && look.glance(&glance))
            && let Some((access, at)) = read(log, line, offset, &mut desk)
        {
            look.read(&access, at);
        }
    }
}

/// The lines of a part of a log on which something is written that can be a record, each with its byte of the log.
fn written(bytes: &[u8], start: usize) -> impl Iterator<Item = (u64, &[u8])> {
    let lines =
        crate::chunk::lines(bytes).map(move |(offset, line)| ((start + offset) as u64, line));
    lines.filter(|(_, line)| !line.is_empty() && line.len() <= crate::chunk::MAX_LINE)
}

/// Reads a request, if it is one and not of a known client.
#[inline]
fn read<'l>(
    log: &Log<'_>,
    line: &'l [u8],
    offset: u64,
    desk: &mut Desk<'l>,
) -> Option<(Access<'l>, Locator)> {
    match log.read(line, offset, desk) {
        Ok(Event::Access(access)) if log.party(access.client).is_none() => {
            let at = Locator {
                time: access.time,
                source: log.source,
                offset,
            };
            Some((access, at))
        }
        _ => None,
    }
}

/// Requests kept from either end of a group's activity, as evidence.
pub const EDGE_REQUESTS: usize = 16;

/// Paths and user agents counted per group.
const MAX_GROUP_TEXTS: usize = 20_000;

/// Clients that are followed together, between two points in time (seconds, both within).
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Who.
    pub clients: Vec<Client>,
    /// First second.
    pub start: i64,
    /// Last second.
    pub end: i64,
}

/// Exactly what a group did.
pub struct GroupCounts {
    /// Requests, the first and the last.
    pub span: Option<Span>,
    /// Answers by status class.
    pub by_class: [u64; CLASSES],
    /// Requests refused with 403, 429 or 444.
    pub refused: u64,
    /// Per path, cut to [`MAX_TEXT_BYTES`].
    pub paths: TextMap<u64>,
    /// Per user agent.
    pub agents: TextMap<u64>,
    /// Each client's first and last request.
    pub clients: HashMap<Client, Span>,
    /// Per second.
    pub seconds: Series<u32>,
    /// The first requests.
    pub first: FirstK<Locator, EDGE_REQUESTS>,
    /// The last requests.
    pub last: FirstK<Reverse<Locator>, EDGE_REQUESTS>,
    /// The first refused requests.
    pub first_refused: FirstK<Locator, 8>,
    /// Bytes of paths, and of user agents.
    texts: usize,
}

/// Bytes that the counts of one group may take, the clients aside.
#[derive(Debug, Clone, Copy)]
struct GroupRoom {
    seconds: usize,
    texts: usize,
}

impl GroupRoom {
    /// Divides `bytes` among groups by how long each is followed.
    fn divide(bytes: usize, groups: &[Group]) -> Vec<GroupRoom> {
        let half = bytes as u64 / 2;
        let seconds = |group: &Group| (group.end - group.start).max(0) as u64 + 1;
        let needs = groups.iter().map(|group| seconds(group) * SECOND_BYTES);
        let shares = divide(half, &needs.collect::<Vec<_>>());
        // Paths and user agents have one half of the other half each.
        let texts = (half / 2) as usize / groups.len().max(1);
        let room = |share: u64| GroupRoom {
            seconds: share as usize,
            texts,
        };
        shares.into_iter().map(room).collect()
    }
}

/// Bytes of a second in which a group asked.
const SECOND_BYTES: u64 = tree::<i64, u32>(1) as u64;

impl GroupCounts {
    fn new(room: GroupRoom) -> GroupCounts {
        GroupCounts {
            texts: room.texts,
            span: None,
            by_class: [0; CLASSES],
            refused: 0,
            paths: CappedMap::new(MAX_GROUP_TEXTS),
            agents: CappedMap::new(MAX_GROUP_TEXTS),
            clients: HashMap::new(),
            seconds: Series::new(1, room.seconds),
            first: FirstK::default(),
            last: FirstK::default(),
            first_refused: FirstK::default(),
        }
    }

    fn note(&mut self, access: &Access<'_>, at: Locator) {
        let once = Span::once(at.time);
        self.span.merge(Some(once));
        self.by_class[status_class(access.status)] += 1;
        if matches!(access.status, Some(403 | 429 | 444)) {
            self.refused += 1;
            self.first_refused.push(at);
        }
        let path = &access.path()[..access.path().len().min(MAX_TEXT_BYTES)];
        if let Some(entry) = self.paths.entry(hash_bytes(path), || Text::new(path)) {
            entry.stats += 1;
        }
        if let Some(agent) = access.user_agent
            && let Some(entry) = self.agents.entry(hash_bytes(agent), || Text::new(agent))
        {
            entry.stats += 1;
        }
        self.clients
            .entry(access.client)
            .and_modify(|span| span.merge(once))
            .or_insert(once);
        self.seconds.cell(at.time.secs()).merge(1);
        self.first.push(at);
        self.last.push(Reverse(at));
    }
}

impl GroupCounts {
    /// From when to when the group is busy, in seconds: from the first second on from which a minute holds at least
    /// `BUSY_SHARE` of what its middle minute does, to the last before which one does. What few clients asked for
    /// earlier, a page or two, is no part of it.
    pub fn busy_span(&self) -> Option<(i64, i64)> {
        let seconds: Vec<(i64, u64)> = self
            .seconds
            .iter()
            .map(|(second, count)| (second, u64::from(*count)))
            .collect();
        let mut minutes: BTreeMap<i64, u64> = BTreeMap::new();
        for (second, count) in &seconds {
            *minutes.entry(second.div_euclid(60)).or_default() += count;
        }
        let mut counts: Vec<u64> = minutes.into_values().collect();
        counts.sort_unstable();
        let middle = *counts.get(counts.len() / 2)? as f64;
        let enough = |sum: u64| sum as f64 >= (BUSY_SHARE * middle).max(BUSY_LEAST);
        let minute_from = |at: usize| -> u64 {
            let end = seconds[at].0 + 60;
            let rest = seconds[at..].iter();
            rest.take_while(|(second, _)| *second < end)
                .map(|(_, count)| count)
                .sum()
        };
        let minute_to = |at: usize| -> u64 {
            let start = seconds[at].0 - 60;
            let before = seconds[..=at].iter().rev();
            before
                .take_while(|(second, _)| *second > start)
                .map(|(_, count)| count)
                .sum()
        };
        let first = (0..seconds.len()).find(|at| enough(minute_from(*at)))?;
        let last = (0..seconds.len()).rfind(|at| enough(minute_to(*at)))?;
        // A minute that begins with a stray request and holds the true beginning begins there.
        let pause = stray_pause(&seconds);
        let joined = |at: usize| seconds[at + 1].0 - seconds[at].0 <= pause;
        let first = (first..last).find(|at| joined(*at)).unwrap_or(first);
        let last = (first + 1..=last)
            .rfind(|at| joined(at - 1))
            .unwrap_or(last);
        Some((seconds[first].0, seconds[last].0.max(seconds[first].0)))
    }
}

/// The pause in seconds that tells a stray request from those that follow each other.
fn stray_pause(seconds: &[(i64, u64)]) -> i64 {
    let gaps = seconds.windows(2).map(|pair| pair[1].0 - pair[0].0);
    let mut gaps: Vec<i64> = gaps.collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
    (STRAY_PAUSE * usual).max(STRAY_LEAST_S)
}

/// A minute belongs to a group's busy time from this share of its middle minute on.
const BUSY_SHARE: f64 = 0.2;

/// And from so many requests on.
const BUSY_LEAST: f64 = 2.0;

/// A request is a stray one when the pause beside it is so many times the usual, and at least so many seconds.
const STRAY_PAUSE: i64 = 10;
/// See [`STRAY_PAUSE`].
const STRAY_LEAST_S: i64 = 10;

impl Bounded for GroupCounts {
    fn weight(&self) -> usize {
        let texts = self.paths.len() + self.agents.len();
        let flat = self.paths.flat_weight() + self.agents.flat_weight();
        let clients = self.clients.len() * (size_of::<(Client, Span)>() + INDEX_BYTES);
        clients + flat + texts * allocated(MAX_TEXT_BYTES) + self.seconds.weight()
    }

    fn fit(&mut self) {
        self.paths.fit(self.texts);
        self.agents.fit(self.texts);
    }

    fn successor(&self) -> GroupCounts {
        let mut next = GroupCounts::new(GroupRoom {
            seconds: self.seconds.most_bytes(),
            texts: self.texts,
        });
        next.paths.sample_like(&self.paths);
        next.agents.sample_like(&self.agents);
        next
    }
}

impl Merge for GroupCounts {
    fn merge(&mut self, other: GroupCounts) {
        self.span.merge(other.span);
        self.by_class.merge(other.by_class);
        self.refused += other.refused;
        self.paths.merge(other.paths);
        self.agents.merge(other.agents);
        for (client, span) in other.clients {
            self.clients
                .entry(client)
                .and_modify(|known| known.merge(span))
                .or_insert(span);
        }
        self.seconds.merge(other.seconds);
        self.first.merge(other.first);
        self.last.merge(other.last);
        self.first_refused.merge(other.first_refused);
    }
}

/// Follows every group; one result a group, in order. A client belongs to the first group that names it.
pub fn trace(
    logs: &[Log<'_>],
    chunks: &[ChunkSpan],
    groups: &[Group],
    run: &Run<'_>,
) -> Vec<GroupCounts> {
    let mut group_of: HashMap<Client, usize> = HashMap::new();
    for (index, group) in groups.iter().enumerate() {
        for client in &group.clients {
            group_of.entry(*client).or_insert(index);
        }
    }
    let overlaps = |chunk: &ChunkSpan| {
        let mut followed = groups.iter().filter(|group| !group.clients.is_empty());
        followed.any(|group| chunk.first <= group.end && chunk.last >= group.start)
    };
    let tasks = chosen(chunks, overlaps);
    let rooms = GroupRoom::divide(run.caps.of(caps::Share::Groups), groups);
    let start = || Several(rooms.iter().copied().map(GroupCounts::new).collect());
    let pool = Pool::new(&run.caps);
    let parts = work(
        &tasks,
        run,
        start,
        |counts: &mut Several<GroupCounts>, (log, range)| {
            each_access_of(
                &logs[*log],
                &logs[*log].bytes[range.clone()],
                range.start,
                |client| group_of.contains_key(&client),
                |access, at| {
                    let Some(index) = group_of.get(&access.client) else {
                        return;
                    };
                    let group = &groups[*index];
                    if (group.start..=group.end).contains(&at.time.secs()) {
                        counts.0[*index].note(access, at);
                    }
                },
            );
            pool.relieve(counts);
        },
    );
    let mut counts = pool.all(parts).map_or_else(Vec::new, |counts| counts.0);
    counts.iter_mut().for_each(|group| group.seconds.flush());
    counts
}

/// The counts of several windows or groups, merged one by one.
struct Several<T>(Vec<T>);

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

    fn successor(&self) -> Several<T> {
        Several(self.0.iter().map(Bounded::successor).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::combined::COMBINED;
    use crate::pass::tasks;

    /// One line a second from noon on; one of seven clients each, and every fifth fails.
    fn text(lines: u32) -> String {
        let line = |n: u32| {
            let (minute, second) = (n / 60, n % 60);
            let status = if n.is_multiple_of(5) { 500 } else { 200 };
            let client = n * n % 7;
            format!(
                "192.0.2.{client} - - [19/May/2026:12:{minute:02}:{second:02} +0000] \"GET / HTTP/1.1\" {status} 5 \"-\" \"x\"\n"
            )
        };
        (0..lines).map(line).collect()
    }

    /// The spans of the chunks, and all of it counted, as the survey would.
    fn survey(log: &Log<'_>, run: &Run<'_>) -> (Vec<ChunkSpan>, CappedMap<Client, ClientStats>) {
        let mut clients = CappedMap::new(usize::MAX);
        let spans = tasks(std::slice::from_ref(log), run.chunk_bytes)
            .into_iter()
            .map(|(index, range)| {
                let mut times = Vec::new();
                each_access(log, &log.bytes[range.clone()], range.start, |access, at| {
                    let secs = at.time.secs();
                    times.push(secs);
                    let client = clients.entry(access.client, ClientStats::default).unwrap();
                    client.note(secs, status_class(access.status), false);
                });
                ChunkSpan {
                    log: index,
                    start: range.start,
                    end: range.end,
                    first: times[0],
                    last: *times.last().unwrap(),
                    lines: times.len() as u64,
                    readable: true,
                }
            });
        (spans.collect(), clients)
    }

    fn sorted(tally: &Tally<'_>) -> Vec<(Client, u32, u32)> {
        let shares: Vec<_> = tally.shares().collect();
        let mut all: Vec<_> = shares
            .into_iter()
            .map(|(client, share)| (client, share.requests, share.errors_5xx))
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn what_is_left_of_the_whole_is_what_is_inside() {
        let text = text(300);
        let log = Log::of(&COMBINED, text.as_bytes()).unwrap();
        let run = Run {
            chunk_bytes: 500,
            caps: Default::default(),
            advance: &|_| {},
        };
        let (chunks, clients) = survey(&log, &run);
        let logs = [log];
        let noon = chunks[0].first;
        let whole = Whole {
            requests: 300,
            errors_5xx: 60,
            clients: &clients,
            limits: Limits {
                since: i64::MIN,
                until: i64::MAX,
            },
        };
        for (start, end) in [(3, 290), (0, 299), (100, 120), (298, 299), (7, 8)] {
            let window = Window {
                start: noon + start,
                end: noon + end,
                posts_to: None,
                failed: false,
            };
            let found = &tallies(&logs, &chunks, &whole, &[window], usize::MAX, &run)[0];
            assert_eq!(matches!(found.part, Part::Outside(_)), end - start > 200);
            let plenty = Room {
                clients: usize::MAX,
                paths: usize::MAX,
                agents: usize::MAX,
                answers: usize::MAX,
            };
            let sight = Sight {
                window,
                subject: Subject::All,
                room: plenty,
            };
            let exact = &focus(&logs, &chunks, &[sight], &clients, &run)[0];
            assert_eq!(found.requests, exact.requests);
            assert_eq!(found.errors_5xx, exact.errors_5xx);
            let mut expected: Vec<_> = exact
                .clients
                .iter()
                .map(|(client, here)| (*client, here.requests, here.errors_5xx))
                .collect();
            expected.sort_unstable();
            assert_eq!(sorted(found), expected);
            let failed = expected.iter().filter(|(_, _, failed)| *failed > 0).count();
            assert_eq!(found.clients(), (expected.len() as u64, failed as u64));
        }
    }
}

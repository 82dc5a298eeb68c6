//! The second pass: exact counts inside the windows that the plan asks for, so that a flooder is told from a shopper.
//!
//! Reads only chunks whose time range overlaps a window.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::event::{Access, is_asset};
use crate::evidence::capped::{CappedMap, hash_bytes};
use crate::evidence::clients::{Span, status_class};
use crate::evidence::endpoints::{MAX_TEXT_BYTES, Text, TextMap};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::numbers::{Numbers, numbered};
use crate::evidence::sketch::Sketch;
use crate::evidence::weight::{Weigh, allocated};
use crate::look::each_access;
use crate::merge::Merge;
use crate::pass::{Bounded, ChunkSpan, Log, Pool, Run, Several, chosen, work};
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
    /// Whether records of a chunk may be in it.
    pub fn overlaps(&self, chunk: &ChunkSpan) -> bool {
        chunk.first <= self.end && chunk.last >= self.start
    }

    /// Whether all records of a chunk are in it, as far as time tells.
    pub fn covers(&self, chunk: &ChunkSpan) -> bool {
        chunk.first >= self.start && chunk.last <= self.end
    }

    /// Whether a request of that second is in it.
    pub fn takes(&self, secs: i64, access: &Access<'_>) -> bool {
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

//! The second pass: exact counts inside the windows that the plan asks for, so that a flooder is told from a shopper.
//!
//! Reads only chunks whose time range overlaps a window.

use std::collections::BTreeMap;
use std::hint::black_box;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::event::{Access, is_asset};
use crate::evidence::capped::{CappedMap, StableHash, hash_bytes, mix64};
use crate::evidence::clients::{Span, status_class};
use crate::evidence::endpoints::{MAX_TEXT_BYTES, Text, TextMap};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::numbers::{Numbers, numbered};
use crate::evidence::sketch::Sketch;
use crate::evidence::weight::{Weigh, allocated};
use crate::format::spec::{Arena, Glance};
use crate::look::{Look, look_over};
use crate::merge::Merge;
use crate::pass::{Bounded, ChunkSpan, Log, Run, Several, Surveyed, count};
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

    /// Whether it matters which answers they are: failures and attempts to log in are quoted, a flood is counted.
    fn quotes_answers(&self) -> bool {
        self.failed || self.posts_to.is_some()
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
    /// Whether a client's request for the path with this hash is the subject's.
    #[inline]
    fn takes(&self, client: Client, path: u64) -> bool {
        match self {
            Subject::All => true,
            Subject::Path(wanted) => path == *wanted,
            Subject::Network(network) => client.network_key() == Some(*network),
            Subject::Client(wanted) => client == *wanted,
        }
    }
}

/// How much is counted of each client of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// All of [`Presence`].
    Conduct,
    /// How much it asked for and how much of that was refused, which is no question of what it is.
    Requests,
}

/// Bytes that the counts of one window may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What of them.
    pub detail: Detail,
    /// How much of it is kept.
    pub room: Room,
}

/// What a window consists of.
#[derive(Serialize, Deserialize)]
pub struct WindowCounts {
    /// First and last request.
    pub span: Option<Span>,
    /// Requests.
    pub requests: u64,
    /// Answers with 5xx.
    pub errors_5xx: u64,
    /// Requests that name a referer.
    pub referred: u64,
    /// Requests for images, styles, scripts and fonts; with [`Detail::Conduct`] only.
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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Answers {
    /// How many.
    pub count: u64,
    /// The first, and who sent them; of failures and of requests with POST alone.
    pub first: FirstK<(Locator, Client), ANSWER_SAMPLES>,
}

/// Requests kept per status: enough that those of the clients in question are among them.
pub const ANSWER_SAMPLES: usize = 256;

impl Merge for Answers {
    fn merge(&mut self, other: Answers) {
        self.count.merge(other.count);
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

    fn note(&mut self, request: &Request<'_>, known: Option<u32>, sight: &Sight) {
        let failed = status_class(request.status) == 4;
        self.span.merge(Some(Span::once(request.at.time)));
        self.requests += 1;
        self.errors_5xx += u64::from(failed);
        self.referred += u64::from(request.referred);
        self.assets += u64::from(request.asset);
        if let Some(status) = request.status {
            let answers = self.answers.entry(status).or_default();
            answers.count += 1;
            if sight.window.quotes_answers() {
                answers.first.push((request.at, request.client));
            }
        }
        let path = self
            .paths
            .entry(request.path_hash, || Text::new(request.path));
        if let Some(path) = path {
            path.stats += 1;
        }
        let agent = self
            .agents
            .entry(request.agent_hash, || Text::new(request.agent));
        if let Some(agent) = agent {
            agent.stats += 1;
        }
        let (client, hash) = (request.client, request.client_hash);
        if let Some(client) = self
            .clients
            .entry_at(known, client, hash, Presence::default)
        {
            client.requests += 1;
            client.refused += u32::from(request.status.is_some_and(is_refusal));
            if sight.detail == Detail::Conduct {
                client.note(request, failed);
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
        self.requests.merge(other.requests);
        self.errors_5xx.merge(other.errors_5xx);
        self.referred.merge(other.referred);
        self.assets.merge(other.assets);
        self.clients.merge(other.clients);
        self.paths.merge(other.paths);
        self.agents.merge(other.agents);
        for (status, answers) in other.answers {
            self.answers.entry(status).or_default().merge(answers);
        }
    }
}

/// One client inside a window. Beside [`requests`](Self::requests) and [`refused`](Self::refused) everything is counted only
/// with [`Detail::Conduct`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
    /// Counts what tells who somebody is.
    #[inline]
    fn note(&mut self, request: &Request<'_>, failed: bool) {
        self.errors_5xx += u32::from(failed);
        self.referred += u32::from(request.referred);
        self.assets += u32::from(request.asset);
        self.missed += u32::from(status_class(request.status) == 3);
        self.moved += u32::from(status_class(request.status) == 2);
        self.widen(request.at.time, request.at.time);
        self.agents.note(request.agent_hash);
        self.paths.note(request.path_hash);
        if let Some((page, number)) = request.numbered {
            let numbers = self.numbers.get_or_insert_default();
            numbers.note(page, number);
        }
    }

    /// Looks at what a request will change. The value means nothing.
    #[inline]
    fn touch(&self) -> u64 {
        let pages = self.numbers.as_ref();
        let pages = pages.map_or(0, |numbers| numbers.pages.touch());
        u64::from(self.requests) ^ self.agents.touch() ^ self.paths.touch() ^ pages
    }

    fn widen(&mut self, first: Time, last: Time) {
        self.span = Some(match self.span {
            Some((known, latest)) => (known.min(first), latest.max(last)),
            None => (first, last),
        });
    }
}

/// Requests that are counted together, so that what they miss in the caches is fetched side by side.
const BATCH: usize = 64;

/// A request as windows count it, worked out once however many of them it is in.
struct Request<'l> {
    at: Locator,
    secs: i64,
    client: Client,
    client_hash: u64,
    path: &'l [u8],
    path_hash: u64,
    agent: &'l [u8],
    agent_hash: u64,
    status: Option<u16>,
    posted: bool,
    referred: bool,
    asset: bool,
    /// The hash of the whole target and its number, of a page that has one.
    numbered: Option<(u64, u32)>,
}

impl<'l> Request<'l> {
    #[inline]
    fn new(access: &Access<'l>, at: Locator, detail: Detail) -> Request<'l> {
        let path = access.path();
        let agent = access.user_agent.unwrap_or_default();
        let conduct = detail == Detail::Conduct;
        let number = || numbered(access.query());
        let number = conduct.then(number).flatten();
        Request {
            at,
            secs: at.time.secs(),
            client: access.client,
            client_hash: access.client.stable_hash(),
            path,
            path_hash: hash_bytes(path),
            agent,
            agent_hash: hash_bytes(agent),
            status: access.status,
            posted: access.method == POST,
            referred: access.referer.is_some(),
            asset: conduct && is_asset(path),
            numbered: number.map(|number| (hash_bytes(access.target), number)),
        }
    }
}

const POST: &[u8] = b"POST";

impl Sight {
    /// Whether a request is counted, as far as its beginning tells.
    #[inline]
    fn may_take(&self, secs: i64, posted: bool, client: Client, path: u64) -> bool {
        let window = &self.window;
        (window.start..=window.end).contains(&secs)
            && window
                .posts_to
                .is_none_or(|wanted| posted && path == wanted)
            && self.subject.takes(client, path)
    }

    #[inline]
    fn takes(&self, request: &Request<'_>) -> bool {
        let (secs, path) = (request.secs, request.path_hash);
        self.may_take(secs, request.posted, request.client, path)
            && (!self.window.failed || status_class(request.status) == 4)
    }

    /// Whether nearly every request of a chunk counts, so that looking at its beginning first is in vain.
    fn takes_all(&self, chunk: &ChunkSpan) -> bool {
        self.window.covers(chunk) && self.window.posts_to.is_none() && self.subject == Subject::All
    }
}

/// Looks over one chunk for the windows that it may be in.
struct Viewer<'v, 'l> {
    sights: Vec<(&'v Sight, &'v mut WindowCounts)>,
    /// Whether one of them takes all of the chunk.
    needs_all: bool,
    /// The most that any of them wants to know.
    detail: Detail,
    batch: Vec<Request<'l>>,
}

impl<'v, 'l> Viewer<'v, 'l> {
    fn new(
        sights: impl Iterator<Item = (&'v Sight, &'v mut WindowCounts)>,
        chunk: &ChunkSpan,
    ) -> Viewer<'v, 'l> {
        let sights: Vec<_> = sights
            .filter(|(sight, _)| sight.window.overlaps(chunk))
            .collect();
        let mut details = sights.iter().map(|(sight, _)| sight.detail);
        Viewer {
            needs_all: sights.iter().any(|(sight, _)| sight.takes_all(chunk)),
            detail: match details.any(|detail| detail == Detail::Conduct) {
                true => Detail::Conduct,
                false => Detail::Requests,
            },
            sights,
            batch: Vec::with_capacity(BATCH),
        }
    }

    /// Counts what was gathered. To be called at the end as well.
    fn count(&mut self) {
        for (sight, counts) in &mut self.sights {
            counts.note_all(sight, &self.batch);
        }
        self.batch.clear();
    }
}

impl<'l> Look<'l> for Viewer<'_, 'l> {
    fn needs_all(&self) -> bool {
        self.needs_all
    }

    fn glance(&mut self, glance: &Glance<'l>) -> bool {
        let (secs, path) = (glance.time.secs(), hash_bytes(glance.path));
        let posted = glance.method == POST;
        let mut sights = self.sights.iter();
        sights.any(|(sight, _)| sight.may_take(secs, posted, glance.client, path))
    }

    fn read(&mut self, access: Access<'l>, at: Locator) {
        self.batch.push(Request::new(&access, at, self.detail));
        if self.batch.len() == BATCH {
            self.count();
        }
    }
}

impl WindowCounts {
    /// Counts those requests of a batch that are in its window.
    fn note_all(&mut self, sight: &Sight, batch: &[Request<'_>]) {
        let (mut taken, mut count) = ([0; BATCH], 0);
        for (request, at) in batch.iter().zip(0..BATCH) {
            taken[count] = at;
            count += usize::from(sight.takes(request));
        }
        let taken = &taken[..count];
        // Only the looking matters, which the compiler must not leave out.
        let peeked = taken.iter().map(|at| {
            let request = &batch[*at];
            self.clients.peek(request.client_hash) ^ self.paths.peek(mix64(request.path_hash))
        });
        black_box(peeked.fold(0, |all, one| all ^ one));
        let mut known = [None; BATCH];
        for at in taken {
            known[*at] = self.clients.candidate(batch[*at].client_hash);
        }
        let touched = taken.iter().map(|at| {
            let look = |_: &Client, here: &Presence| here.touch();
            self.clients.touch(known[*at], look)
        });
        black_box(touched.fold(0, |all, one| all ^ one));
        for at in taken {
            self.note(&batch[*at], known[*at], sight);
        }
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
    let wanted = |chunk: &ChunkSpan| sights.iter().any(|sight| sight.window.overlaps(chunk));
    let start = || {
        let counts = sights.iter();
        Several(
            counts
                .map(|sight| WindowCounts::new(sight.room, wider))
                .collect(),
        )
    };
    let surveyed = Surveyed { logs, chunks };
    let counts = count(
        "focus",
        surveyed,
        wanted,
        run,
        start,
        |counts, chunk, log| {
            let (bytes, arena) = (log.bytes.get(chunk.start..chunk.end), Arena::new());
            let mut viewer = Viewer::new(sights.iter().zip(&mut counts.0), chunk);
            look_over(log, bytes, chunk.start, &arena, &mut viewer);
            viewer.count();
        },
    );
    counts.0
}

//! The second passes: exact counts inside the windows that the plan asks for.
//!
//! [`focus`] tells what a window consists of, so that a flooder is told from a shopper. [`trace`]
//! follows named clients, so that every statement about an actor can be checked. Both read only
//! chunks whose time range overlaps what is asked.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::client::Client;
use crate::event::{Access, Event, is_asset};
use crate::evidence::capped::{CappedMap, hash_bytes};
use crate::evidence::clients::{MAX_CLIENTS, Span, status_class};
use crate::evidence::endpoints::{MAX_TEXT_BYTES, MAX_TEXTS, Text, TextMap};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::sketch::Sketch;
use crate::format::spec::TimeCache;
use crate::merge::Merge;
use crate::pass::{ChunkSpan, Log, Run, Task, merge_all, work};

/// A stretch of time worth a second look; seconds since the epoch, both ends within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First second.
    pub start: i64,
    /// Last second.
    pub end: i64,
    /// Only POST requests to the path with this hash.
    pub posts_to: Option<u64>,
}

impl Window {
    fn takes(&self, secs: i64, access: &Access<'_>) -> bool {
        (self.start..=self.end).contains(&secs)
            && self
                .posts_to
                .is_none_or(|path| access.method == b"POST" && hash_bytes(access.path()) == path)
    }
}

/// What a window consists of.
pub struct WindowCounts {
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
}

/// Requests answered with one status.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// How many.
    pub count: u64,
    /// The first, and who sent them.
    pub first: FirstK<(Locator, Client), ANSWER_SAMPLES>,
}

/// Requests kept per status.
pub const ANSWER_SAMPLES: usize = 8;

impl Merge for Answers {
    fn merge(&mut self, other: Answers) {
        self.count += other.count;
        self.first.merge(other.first);
    }
}

impl WindowCounts {
    fn new() -> WindowCounts {
        WindowCounts {
            requests: 0,
            errors_5xx: 0,
            referred: 0,
            assets: 0,
            clients: CappedMap::new(MAX_CLIENTS),
            paths: CappedMap::new(MAX_TEXTS),
            agents: CappedMap::new(MAX_TEXTS),
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
            client.agents.note(agent_hash);
            client.paths.note(path_hash);
        }
    }
}

impl Merge for WindowCounts {
    fn merge(&mut self, other: WindowCounts) {
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
    /// User agents, by hash.
    pub agents: Sketch,
    /// Paths, by hash.
    pub paths: Sketch,
}

impl Merge for Presence {
    fn merge(&mut self, other: Presence) {
        self.requests.merge(other.requests);
        self.errors_5xx.merge(other.errors_5xx);
        self.referred.merge(other.referred);
        self.assets.merge(other.assets);
        self.agents.merge(other.agents);
        self.paths.merge(other.paths);
    }
}

/// Counts every window; one result a window, in order.
pub fn focus(
    logs: &[Log<'_>],
    chunks: &[ChunkSpan],
    windows: &[Window],
    run: &Run<'_>,
) -> Vec<WindowCounts> {
    if windows.is_empty() {
        return Vec::new();
    }
    let overlaps = |chunk: &ChunkSpan| {
        windows
            .iter()
            .any(|window| chunk.first <= window.end && chunk.last >= window.start)
    };
    let tasks = chosen(chunks, overlaps);
    let start = || {
        windows
            .iter()
            .map(|_| WindowCounts::new())
            .collect::<Vec<_>>()
    };
    let parts = work(&tasks, run, start, |counts, (log, range)| {
        each_access(
            &logs[*log],
            &logs[*log].bytes[range.clone()],
            range.start,
            |access, at| {
                let secs = at.time.secs();
                for (window, counts) in windows.iter().zip(counts.iter_mut()) {
                    if window.takes(secs, access) {
                        counts.note(access, at);
                    }
                }
            },
        );
    });
    let merged = parts.into_iter().reduce(|mut left, right| {
        left.iter_mut()
            .zip(right)
            .for_each(|(left, right)| left.merge(right));
        left
    });
    merged.unwrap_or_default()
}

fn chosen(chunks: &[ChunkSpan], wanted: impl Fn(&ChunkSpan) -> bool) -> Vec<Task> {
    chunks
        .iter()
        .filter(|chunk| wanted(chunk))
        .map(|chunk| (chunk.log, chunk.start..chunk.end))
        .collect()
}

/// Shows every access record of a part of a log. Lines that do not parse were counted by the survey.
fn each_access(
    log: &Log<'_>,
    bytes: &[u8],
    start: usize,
    mut show: impl FnMut(&Access<'_>, Locator),
) {
    let mut times = TimeCache::default();
    for (offset, line) in crate::chunk::lines(bytes) {
        if line.is_empty() || line.len() > crate::chunk::MAX_LINE {
            continue;
        }
        if let Ok(Event::Access(access)) = (log.format.parse)(line, &mut times) {
            let offset = (start + offset) as u64;
            show(
                &access,
                Locator {
                    time: access.time,
                    source: log.source,
                    offset,
                },
            );
        }
    }
}

/// Requests kept from either end of a group's activity, as evidence.
pub const EDGE_REQUESTS: usize = 16;

/// Paths and user agents counted per group.
const MAX_GROUP_TEXTS: usize = 20_000;

/// Clients that are followed together, between two points in time (seconds, both within).
#[derive(Debug, Clone)]
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
    pub by_class: [u64; 5],
    /// Requests refused with 403, 429 or 444.
    pub refused: u64,
    /// Per path, cut to [`MAX_TEXT_BYTES`].
    pub paths: TextMap<u64>,
    /// Per user agent.
    pub agents: TextMap<u64>,
    /// Each client's first and last request.
    pub clients: HashMap<Client, Span>,
    /// The first requests.
    pub first: FirstK<Locator, EDGE_REQUESTS>,
    /// The last requests.
    pub last: FirstK<Reverse<Locator>, EDGE_REQUESTS>,
    /// The first refused requests.
    pub first_refused: FirstK<Locator, 8>,
}

impl GroupCounts {
    fn new() -> GroupCounts {
        GroupCounts {
            span: None,
            by_class: [0; 5],
            refused: 0,
            paths: CappedMap::new(MAX_GROUP_TEXTS),
            agents: CappedMap::new(MAX_GROUP_TEXTS),
            clients: HashMap::new(),
            first: FirstK::default(),
            last: FirstK::default(),
            first_refused: FirstK::default(),
        }
    }

    fn note(&mut self, access: &Access<'_>, at: Locator) {
        let once = Span::once(at.time);
        match &mut self.span {
            Some(span) => span.merge(once),
            None => self.span = Some(once),
        }
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
        self.first.push(at);
        self.last.push(Reverse(at));
    }
}

impl Merge for GroupCounts {
    fn merge(&mut self, other: GroupCounts) {
        match (&mut self.span, other.span) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
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
        groups
            .iter()
            .any(|group| chunk.first <= group.end && chunk.last >= group.start)
    };
    let tasks = chosen(chunks, overlaps);
    let start = || {
        groups
            .iter()
            .map(|_| GroupCounts::new())
            .collect::<Vec<_>>()
    };
    let parts = work(
        &tasks,
        run,
        start,
        |counts: &mut Vec<GroupCounts>, (log, range)| {
            each_access(
                &logs[*log],
                &logs[*log].bytes[range.clone()],
                range.start,
                |access, at| {
                    let Some(index) = group_of.get(&access.client) else {
                        return;
                    };
                    let group = &groups[*index];
                    if (group.start..=group.end).contains(&at.time.secs()) {
                        counts[*index].note(access, at);
                    }
                },
            );
        },
    );
    let all = parts.into_iter().map(Groups);
    merge_all(all).map_or_else(Vec::new, |groups| groups.0)
}

/// Several groups' counts, merged one by one.
struct Groups(Vec<GroupCounts>);

impl Merge for Groups {
    fn merge(&mut self, other: Groups) {
        self.0
            .iter_mut()
            .zip(other.0)
            .for_each(|(mine, theirs)| mine.merge(theirs));
    }
}

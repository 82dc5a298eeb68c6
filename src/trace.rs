//! Follows named clients, so that every statement about an actor can be checked.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::client::Client;
use crate::event::Access;
use crate::evidence::capped::{CappedMap, hash_bytes};
use crate::evidence::caps::{self, divide};
use crate::evidence::clients::{CLASSES, Span, status_class};
use crate::evidence::endpoints::{MAX_TEXT_BYTES, Text, TextMap};
use crate::evidence::filed::{Steps, write_steps};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::series::Series;
use crate::evidence::weight::{INDEX_BYTES, allocated, tree};
use crate::look::each_access_of;
use crate::merge::Merge;
use crate::pass::{Bounded, ChunkSpan, Log, Run, Several, Surveyed, count};

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
#[derive(Serialize, Deserialize)]
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
    #[serde(serialize_with = "write_clients", deserialize_with = "read_clients")]
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

    fn flush(&mut self) {
        self.seconds.flush();
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

fn write_clients<S: Serializer>(
    clients: &HashMap<Client, Span>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut sorted: Vec<(Client, &Span)> = clients.iter().map(|(who, when)| (*who, when)).collect();
    sorted.sort_unstable_by_key(|(client, _)| *client);
    write_steps(sorted.into_iter(), serializer)
}

fn read_clients<'de, D: Deserializer<'de>>(reader: D) -> Result<HashMap<Client, Span>, D::Error> {
    let Steps(clients) = Steps::deserialize(reader)?;
    Ok(clients.into_iter().collect())
}

impl Merge for GroupCounts {
    fn merge(&mut self, other: GroupCounts) {
        self.span.merge(other.span);
        self.by_class.merge(other.by_class);
        self.refused.merge(other.refused);
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
    let rooms = GroupRoom::divide(run.caps.of(caps::Share::Groups), groups);
    let start = || Several(rooms.iter().copied().map(GroupCounts::new).collect());
    let mut counts = count(
        "trace",
        Surveyed { logs, chunks },
        overlaps,
        run,
        start,
        |counts: &mut Several<GroupCounts>, chunk, log| {
            each_access_of(
                log,
                log.bytes.get(chunk.start..chunk.end),
                chunk.start,
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
        },
    );
    counts.flush();
    counts.0
}

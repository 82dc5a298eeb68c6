//! Everything that the surveys count: mergeable, and bounded in bytes.

use std::collections::BTreeMap;
use std::mem;

use serde::{Deserialize, Serialize};

use crate::category::Category;
use crate::client::Client;
use crate::evidence::aside::Aside;
use crate::evidence::capped::CappedMap;
use crate::evidence::caps::{Caps, Share};
use crate::evidence::clients::{CLASSES, ClientStats, HitStats};
use crate::evidence::conduct::{Conduct, Habit};
use crate::evidence::distinct::DistinctPerBucket;
use crate::evidence::endpoints::{Endpoint, PathStats, Text, TextMap, fit_endpoints};
use crate::evidence::errors::{DatabaseErrors, Mentions, SymptomStats};
use crate::evidence::filed::{Lawful, lawful};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::lines::LineCounts;
use crate::evidence::misses::Misses;
use crate::evidence::series::{Minute, Series};
use crate::evidence::shapes::Shapes;
use crate::evidence::tries::MAX_TRIES;
use crate::evidence::weight::{INDEX_BYTES, Weigh};
use crate::merge::Merge;
use crate::noted::Noted;
use crate::pass::{Bounded, ChunkSpan, Handed, MOST_SPANS, coarsen};

/// One bucket of the report's series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Serialize, Deserialize)]
#[serde(remote = "Self")]
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
    /// Folders of values, known when all paths are, which is why they are not written.
    #[serde(skip)]
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
    #[serde(skip)]
    pub listed: usize,
    /// Bytes of the texts that came to paths, agents and names, which depends on how the logs were cut: those that are kept, when
    /// they were read.
    #[serde(skip)]
    pub text_bytes: usize,
    /// Attempts kept per attacked place at most.
    pub tries: usize,
    /// The books of each log.
    pub lines: BTreeMap<u32, LineCounts>,
    /// Time range of each chunk.
    pub chunks: Vec<ChunkSpan>,
    caps: Caps,
}

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

    /// Gives the logs that chunks and noted lines are of other numbers.
    pub fn rename_logs(&mut self, number: impl Fn(usize) -> usize) {
        let chunks = self.chunks.iter_mut().map(|chunk| &mut chunk.log);
        let noted = self.noted.iter_mut().map(|noted| &mut noted.log);
        chunks.chain(noted).for_each(|log| *log = number(*log));
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
        self.listed = self.listed.saturating_add(other.listed);
        self.text_bytes = self.text_bytes.saturating_add(other.text_bytes);
        self.tries = self.tries.min(other.tries);
        merge_lines(&mut self.lines, other.lines);
        self.chunks.extend(other.chunks);
    }
}

impl Lawful for AccessCounts {
    fn complete(&mut self) {
        self.chunks.sort_unstable();
        self.noted.sort_unstable();
        self.listed = self.noted.iter().map(Noted::weight).sum();
        let paths = self.paths.iter().map(|(_, path)| &path.text);
        let agents = self.agents.iter().map(|(_, agent)| &agent.text);
        let names = self.names.iter().map(|(_, name)| &name.text);
        let texts = paths.chain(agents).chain(names);
        self.text_bytes = texts.map(Weigh::heap_bytes).sum();
    }
}
lawful!(AccessCounts);

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
        coarsen(&mut self.chunks, MOST_SPANS);
    }

    fn flush(&mut self) {
        self.minutes.flush();
        self.buckets.flush();
        self.bucket_clients.flush();
        self.chunks.sort_unstable();
        self.noted.sort_unstable();
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
        self.noted.sort_unstable_by_key(Noted::weight);
        let mut left = most;
        for noted in &mut self.noted {
            let bytes = noted.weight();
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => {
                    left = 0;
                    noted.lines = None;
                }
            }
        }
        self.listed = self.noted.iter().map(Noted::weight).sum();
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
#[derive(Serialize, Deserialize)]
#[serde(remote = "Self")]
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
        coarsen(&mut self.chunks, MOST_SPANS);
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

impl Lawful for ErrorCounts {
    fn complete(&mut self) {
        self.chunks.sort_unstable();
    }
}
lawful!(ErrorCounts);

fn merge_lines(mine: &mut BTreeMap<u32, LineCounts>, theirs: BTreeMap<u32, LineCounts>) {
    for (source, lines) in theirs {
        mine.entry(source).or_default().merge(lines);
    }
}

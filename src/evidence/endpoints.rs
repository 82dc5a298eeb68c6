//! What is counted per path, per user agent and per attacked parameter.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::category::Category;
use crate::client::Client;
use crate::evidence::capped::{CappedMap, StableHash, hash_bytes};
use crate::evidence::clients::{CLASSES, Span};
use crate::evidence::filed::{Lawful, Steps, lawful, write_steps};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::tries::{Answer, Asked, MAX_TRIES, Tries, Try};
use crate::evidence::weight::{INDEX_BYTES, Weigh, allocated, grown, tree};
use crate::merge::Merge;

/// Clients remembered per endpoint.
const MAX_ENDPOINT_CLIENTS: usize = 4_096;

/// Bytes kept of a path, a user agent or a parameter name. Longer ones are counted by their whole
/// hash and shown cut.
pub const MAX_TEXT_BYTES: usize = 256;

/// Lines kept as examples per endpoint.
pub const ENDPOINT_SAMPLES: usize = 5;

/// Texts counted by their hash.
pub type TextMap<S> = CappedMap<u64, Text<S>>;

/// A counted text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Text<S> {
    /// The text, at most [`MAX_TEXT_BYTES`].
    #[serde(with = "cut_text")]
    pub text: Box<[u8]>,
    /// Its counts.
    pub stats: S,
}

mod cut_text {
    use serde::Deserializer;

    use crate::evidence::endpoints::MAX_TEXT_BYTES;
    use crate::evidence::filed::{bytes, hold};

    pub use bytes::serialize;

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Box<[u8]>, D::Error> {
        let text = bytes::deserialize(reader)?;
        hold(text.len() <= MAX_TEXT_BYTES, "a text that was not cut")?;
        Ok(text)
    }
}

impl<S: Default> Text<S> {
    /// A text without counts.
    pub fn new(text: &[u8]) -> Text<S> {
        Text {
            text: text[..text.len().min(MAX_TEXT_BYTES)].into(),
            stats: S::default(),
        }
    }
}

impl<S: Weigh> Weigh for Text<S> {
    fn heap_bytes(&self) -> usize {
        self.text.heap_bytes() + self.stats.heap_bytes()
    }
}

impl<S: Merge> Merge for Text<S> {
    fn merge(&mut self, other: Text<S>) {
        // Texts with one hash differ only beyond what is kept; the smaller one wins, for a stable choice.
        if other.text < self.text {
            self.text = other.text;
        }
        self.stats.merge(other.stats);
    }
}

/// Requests for one path, and how they were answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PathStats {
    /// All requests.
    pub requests: u32,
    /// Those answered with 5xx.
    pub errors_5xx: u32,
    /// Requests without a hit that were answered with 2xx or 3xx: the path exists and is used.
    pub ordinary: u32,
    /// Sizes of ordinary 200 answers.
    pub sizes: Sizes,
    /// POST requests per minute, refused ones (401, 403, 429) apart.
    pub posts: Option<Box<Posts>>,
    /// A second hash of the path if no pattern finds anything in it, for who counts; 0 if that is not known. It is
    /// another one in each run, so that none is written.
    #[serde(skip)]
    pub harmless: u64,
    /// Whether it is what a page consists of, for who counts; `None` if that is not known.
    #[serde(skip)]
    pub asset: Option<bool>,
}

impl PathStats {
    /// Reads from both ends of the counts; see `CappedMap::touch`. The value means nothing.
    pub fn touch(&self) -> u32 {
        let sizes = self.sizes.count ^ self.sizes.sum as u32 ^ self.sizes.max as u32;
        self.requests ^ self.ordinary ^ sizes ^ u32::from(self.posts.is_some())
    }
}

/// POST requests of a path over time: what a password attack consists of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Posts {
    /// (minute, requests), unordered and with repeats until [`Posts::minutes`] joins them.
    #[serde(serialize_with = "write_runs", deserialize_with = "read_runs")]
    runs: Vec<(u32, u32)>,
    /// Answered with 401 or 403.
    pub denied: u32,
    /// Answered with 2xx.
    pub ok: u32,
    /// Answered with 3xx.
    pub redirected: u32,
}

impl Posts {
    /// Counts one POST.
    pub fn note(&mut self, secs: i64, status: Option<u16>) {
        let minute = u32::try_from(secs.div_euclid(60).max(0)).unwrap_or(u32::MAX);
        match self.runs.last_mut() {
            Some((at, count)) if *at == minute => *count += 1,
            _ => {
                self.make_room();
                self.runs.push((minute, 1));
            }
        }
        match status {
            Some(401 | 403) => self.denied += 1,
            Some(200..=299) => self.ok += 1,
            Some(300..=399) => self.redirected += 1,
            _ => {}
        }
    }

    /// Joins repeats before more memory is taken for them, so that lines out of order take no more than twice what their
    /// minutes need.
    fn make_room(&mut self) {
        if self.runs.len() == self.runs.capacity() {
            join_runs(&mut self.runs);
            self.runs.reserve(self.runs.len().max(1));
        }
    }

    /// Joins what is counted by minute: what it weighs then is the same in whatever order it was counted.
    pub fn settle(&mut self) {
        join_runs(&mut self.runs);
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.runs.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// (minute, requests) in time order.
    pub fn minutes(&self) -> Vec<(i64, u32)> {
        let mut runs = self.runs.clone();
        join_runs(&mut runs);
        runs.into_iter()
            .map(|(minute, count)| (i64::from(minute), count))
            .collect()
    }
}

/// Joined and in order, whatever has been joined already.
fn write_runs<S: Serializer>(runs: &[(u32, u32)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut runs = runs.to_vec();
    join_runs(&mut runs);
    write_steps(runs.into_iter(), serializer)
}

fn read_runs<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<(u32, u32)>, D::Error> {
    Steps::deserialize(reader).map(|Steps(runs)| runs)
}

fn join_runs(runs: &mut Vec<(u32, u32)>) {
    runs.sort_unstable();
    runs.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(later.1);
        }
        same
    });
}

impl Weigh for Posts {
    fn heap_bytes(&self) -> usize {
        grown::<(u32, u32)>(self.runs.len())
    }
}

impl Weigh for PathStats {
    fn heap_bytes(&self) -> usize {
        self.posts.heap_bytes()
    }
}

impl Merge for Posts {
    fn merge(&mut self, other: Posts) {
        self.runs.extend(other.runs);
        join_runs(&mut self.runs);
        self.denied.merge(other.denied);
        self.ok.merge(other.ok);
        self.redirected.merge(other.redirected);
    }
}

impl Merge for PathStats {
    fn merge(&mut self, other: PathStats) {
        self.requests.merge(other.requests);
        self.errors_5xx.merge(other.errors_5xx);
        self.ordinary.merge(other.ordinary);
        self.sizes.merge(other.sizes);
        self.posts.merge(other.posts);
    }
}

/// Sizes of answers, as moments that merge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Answers.
    pub count: u32,
    /// Sum of their bytes.
    pub sum: u64,
    /// The largest.
    pub max: u64,
}

impl Sizes {
    /// Adds an answer.
    pub fn note(&mut self, bytes: u64) {
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(bytes);
        self.max = self.max.max(bytes);
    }

    /// Mean size in bytes.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / f64::from(self.count))
    }
}

impl Merge for Sizes {
    fn merge(&mut self, other: Sizes) {
        self.count.merge(other.count);
        self.sum.merge(other.sum);
        self.max = self.max.max(other.max);
    }
}

/// An attacked place: a category of attack on one parameter of one path.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Endpoint {
    /// What was tried.
    pub category: Category,
    #[serde(with = "cut_text")]
    /// Where, as logged, at most [`MAX_TEXT_BYTES`]; `{}` stands for the part that carries the attack.
    pub path: Box<[u8]>,
    /// The parameter; `None` when the path itself or a header carries the attack.
    pub parameter: Option<Box<[u8]>>,
    /// Patterns that fired, as indices into the pattern set.
    pub patterns: BTreeSet<u16>,
    /// Attempts, the first and the last.
    pub span: Span,
    /// Attempts of high confidence.
    pub high: u64,
    /// Attempts by status class.
    pub by_class: [u32; CLASSES],
    /// Sizes of attempts answered with 200.
    pub sizes: Sizes,
    /// The first attempts.
    pub samples: FirstK<Locator, ENDPOINT_SAMPLES>,
    /// The attempts with the largest 200 answers.
    pub largest: FirstK<(Reverse<u64>, Locator), ENDPOINT_SAMPLES>,
    /// A sample of the attempts, with what each asked and how it was answered.
    pub tries: Tries,
    /// Who, at most `MAX_ENDPOINT_CLIENTS`.
    pub clients: CappedMap<Client, Attempts>,
}

/// One client's attempts at one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// How many, the first and the last.
    pub span: Span,
    /// Those of high confidence.
    pub high: u64,
    /// The first.
    pub at: Locator,
}

impl Merge for Attempts {
    fn merge(&mut self, other: Attempts) {
        self.span.merge(other.span);
        self.high.merge(other.high);
        self.at = self.at.min(other.at);
    }
}

/// One attempt, as the survey sees it.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// What was tried.
    pub category: Category,
    /// The path as logged, or its shape.
    pub path: &'a [u8],
    /// The parameter.
    pub parameter: Option<&'a [u8]>,
    /// The line leaves no doubt.
    pub high: bool,
    /// Who.
    pub client: Client,
    /// Where the line stands.
    pub at: Locator,
    /// The answer.
    pub status: Option<u16>,
    /// Its size.
    pub bytes: Option<u64>,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
    /// What the payload asks.
    pub asked: Asked,
}

impl Attempt<'_> {
    /// The key of the endpoint that this attempt is on.
    pub fn key(&self) -> u64 {
        let parameter = self.parameter.map_or(0, hash_bytes);
        let place = hash_bytes(self.path) ^ parameter.rotate_left(17);
        (place ^ self.category.index() as u64).stable_hash()
    }
}

impl Endpoint {
    /// An endpoint without attempts, ready for `attempt` to be noted.
    pub fn new(attempt: &Attempt<'_>) -> Endpoint {
        let cut = |text: &[u8]| text[..text.len().min(MAX_TEXT_BYTES)].into();
        Endpoint {
            category: attempt.category,
            path: cut(attempt.path),
            parameter: attempt.parameter.map(cut),
            patterns: BTreeSet::new(),
            span: Span {
                count: 0,
                ..Span::once(attempt.at.time)
            },
            high: 0,
            by_class: [0; CLASSES],
            sizes: Sizes::default(),
            samples: FirstK::default(),
            largest: FirstK::default(),
            tries: Tries::default(),
            clients: CappedMap::new(MAX_ENDPOINT_CLIENTS),
        }
    }

    /// Counts an attempt and the patterns that it fired.
    pub fn note(
        &mut self,
        attempt: &Attempt<'_>,
        class: usize,
        patterns: impl Iterator<Item = u16>,
    ) {
        let once = Span::once(attempt.at.time);
        self.span.merge(once);
        self.high += u64::from(attempt.high);
        self.by_class[class] = self.by_class[class].saturating_add(1);
        self.patterns.extend(patterns);
        self.samples.push(attempt.at);
        let answer = Answer {
            status: attempt.status.unwrap_or(0),
            bytes: attempt.bytes,
            micros: attempt.micros,
        };
        self.tries
            .push(Try::new(attempt.at, attempt.client, answer, attempt.asked));
        if let (Some(200), Some(bytes)) = (attempt.status, attempt.bytes) {
            self.sizes.note(bytes);
            self.largest.push((Reverse(bytes), attempt.at));
        }
        let none = Attempts {
            span: Span { count: 0, ..once },
            high: 0,
            at: attempt.at,
        };
        if let Some(attempts) = self.clients.entry(attempt.client, || none) {
            attempts.merge(Attempts {
                span: once,
                high: u64::from(attempt.high),
                at: attempt.at,
            });
        }
    }
}

/// Attempts kept per place where there are as many places as can be; clients are eight times as many.
const LEAST_TRIES: usize = 4;

/// Clients kept for each attempt that is kept.
const CLIENTS_PER_TRY: usize = MAX_ENDPOINT_CLIENTS / MAX_TRIES;

impl Endpoint {
    /// Bytes of its entry, when at most so many attempts are kept. It counts every attempt as a client, because how many of
    /// a sample are clients depends on the sample.
    fn weight(&self, tries: usize) -> usize {
        let texts = self.path.heap_bytes() + self.parameter.heap_bytes();
        let lines = self.samples.heap_bytes() + self.largest.heap_bytes();
        let clients = usize::try_from(self.span.count).unwrap_or(usize::MAX);
        let own = texts + lines + tree::<u16, ()>(self.patterns.len());
        let tried = grown::<Try>(self.tries.as_slice().len().min(tries));
        Self::ENTRY + own + tried + clients.min(tries * CLIENTS_PER_TRY) * Self::CLIENT
    }

    const ENTRY: usize = size_of::<(u64, Endpoint)>() + INDEX_BYTES;
    const CLIENT: usize = size_of::<(Client, Attempts)>() + INDEX_BYTES;

    /// What one weighs at most when as few attempts are kept as can be; there are a few hundred patterns.
    pub const LEAST_WEIGHT: usize = Self::ENTRY
        + 2 * allocated(MAX_TEXT_BYTES)
        + tree::<u16, ()>(256)
        + grown::<Locator>(ENDPOINT_SAMPLES)
        + grown::<(Reverse<u64>, Locator)>(ENDPOINT_SAMPLES)
        + grown::<Try>(LEAST_TRIES)
        + LEAST_TRIES * CLIENTS_PER_TRY * Self::CLIENT;

    /// Keeps at most so many attempts.
    fn thin(&mut self, tries: usize) {
        self.tries.truncate(tries);
        self.clients.fit(tries * CLIENTS_PER_TRY * Self::CLIENT);
    }
}

/// Keeps what weighs at most `most` bytes: all places, with as many of the attempts at each as all of them leave room for.
/// Returns how many these are at most. Where the places themselves are a sample, each keeps the fewest: what was kept must not
/// depend on when this was called.
pub fn fit_endpoints(endpoints: &mut CappedMap<u64, Endpoint>, most: usize) -> usize {
    let weight = |endpoints: &CappedMap<u64, Endpoint>, tries| {
        let all = endpoints.iter().map(|(_, endpoint)| endpoint.weight(tries));
        all.sum::<usize>()
    };
    let mut tries = match endpoints.is_sampled() {
        true => LEAST_TRIES,
        false => MAX_TRIES,
    };
    while tries > LEAST_TRIES && weight(endpoints, tries) > most {
        tries /= 2;
    }
    if tries < MAX_TRIES {
        endpoints.values_mut().for_each(|place| place.thin(tries));
    }
    tries
}

impl Lawful for Endpoint {
    fn is_lawful(&self) -> bool {
        let parameter = self.parameter.as_ref();
        parameter.is_none_or(|name| name.len() <= MAX_TEXT_BYTES)
    }
}
lawful!(Endpoint);

impl Weigh for Attempts {
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Merge for Endpoint {
    fn merge(&mut self, other: Endpoint) {
        self.patterns.extend(other.patterns);
        self.span.merge(other.span);
        self.high.merge(other.high);
        self.by_class.merge(other.by_class);
        self.sizes.merge(other.sizes);
        self.samples.merge(other.samples);
        self.largest.merge(other.largest);
        self.tries.merge(other.tries);
        self.clients.merge(other.clients);
    }
}

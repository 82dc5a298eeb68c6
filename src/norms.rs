//! What the attacked places answer to everybody else, and who asks for scripts that few know.
//!
//! Which places were attacked is known only after all lines were judged; hence these counts are of a later pass
//! (`sweep`). Counts only; `outcome` and `detect` compare.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::event::Access;
use crate::evidence::capped::{CappedMap, StableHash, hash_bytes, mix64};
use crate::evidence::caps::{Caps, Share};
use crate::evidence::clients::HitStats;
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::histogram::Histogram;
use crate::evidence::scripts::{Script, Use, script_candidates};
use crate::evidence::shapes::Shapes;
use crate::evidence::sieve::Sieve;
use crate::evidence::weight::{Weigh, tree};
use crate::format::spec::Glance;
use crate::merge::Merge;
use crate::pass::{Bounded, Log};

/// Requests with a body kept per client: the first ones.
pub const SENT_KEPT: usize = 16;

/// How a place answers ordinary requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Norm {
    /// Requests by status; at most one entry for each of 1000.
    pub statuses: BTreeMap<u16, u64>,
    /// Bytes of answers with 200.
    pub sizes: Histogram,
    /// Microseconds that requests took.
    pub micros: Histogram,
}

impl Norm {
    /// All requests.
    pub fn requests(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// The share of the requests whose status is like that.
    pub fn share(&self, like: impl Fn(u16) -> bool) -> f64 {
        let statuses = self.statuses.iter().filter(|(status, _)| like(**status));
        statuses.map(|(_, count)| *count).sum::<u64>() as f64 / self.requests().max(1) as f64
    }

    fn note(&mut self, access: &Access<'_>, micros: Option<u64>) {
        *self.statuses.entry(access.status.unwrap_or(0)).or_default() += 1;
        if let (Some(200), Some(bytes)) = (access.status, access.bytes) {
            self.sizes.note(bytes);
        }
        if let Some(micros) = micros {
            self.micros.note(micros);
        }
    }
}

impl Weigh for Norm {
    fn heap_bytes(&self) -> usize {
        let statuses = tree::<u16, u64>(self.statuses.len());
        statuses + self.sizes.heap_bytes() + self.micros.heap_bytes()
    }
}

impl Merge for Norm {
    fn merge(&mut self, other: Norm) {
        for (status, count) in other.statuses {
            self.statuses.entry(status).or_default().merge(count);
        }
        self.sizes.merge(other.sizes);
        self.micros.merge(other.micros);
    }
}

/// What is counted.
#[derive(Serialize, Deserialize)]
pub struct Norms {
    /// By the attacked place's path or shape, by hash.
    places: CappedMap<u64, Norm>,
    /// By path, by hash.
    pub scripts: CappedMap<u64, Script>,
    /// Successful requests with a body, by client.
    sent: CappedMap<Client, FirstK<Locator, SENT_KEPT>>,
    /// Requests counted.
    noted: usize,
    caps: Caps,
}

impl Norms {
    /// Nothing counted yet.
    pub fn new(caps: Caps) -> Norms {
        Norms {
            places: CappedMap::new(usize::MAX),
            scripts: CappedMap::new(usize::MAX),
            sent: CappedMap::new(usize::MAX),
            noted: 0,
            caps,
        }
    }

    /// How a place answers clients that never attack.
    pub fn of(&self, place: &[u8]) -> Option<&Norm> {
        self.places.get(&hash_bytes(place))
    }

    /// The requests with a body that a client sent first and that were answered with 2xx or 3xx.
    pub fn sent(&self, client: &Client) -> &[Locator] {
        self.sent.get(client).map_or(&[], |sent| sent.as_slice())
    }

    /// How many attacked places, scripts and senders of requests with a body were left out.
    pub fn errors(&self) -> [Option<f64>; 3] {
        [self.places.error(), self.scripts.error(), self.sent.error()]
    }
}

impl Merge for Norms {
    fn merge(&mut self, other: Norms) {
        self.places.merge(other.places);
        self.scripts.merge(other.scripts);
        self.sent.merge(other.sent);
        self.noted = self.noted.saturating_add(other.noted);
    }
}

/// Bytes that a request adds to what is known already: an answer of another size, another line.
const REQUEST_BYTES: usize = 64;

/// Bytes of a place, a script or a sender beside those.
const ENTRY_BYTES: usize = 512;

impl Bounded for Norms {
    fn weight(&self) -> usize {
        let entries = self.places.len() + self.scripts.len() + self.sent.len();
        self.noted.saturating_mul(REQUEST_BYTES) + entries * ENTRY_BYTES
    }

    fn fit(&mut self) {
        self.places.fit(self.caps.of(Share::Norms));
        self.scripts.fit(self.caps.of(Share::Scripts));
        self.sent.fit(self.caps.of(Share::Senders));
    }

    fn successor(&self) -> Norms {
        let mut next = Norms::new(self.caps);
        next.places.sample_like(&self.places);
        next.scripts.sample_like(&self.scripts);
        next.sent.sample_like(&self.sent);
        next
    }
}

/// What is looked at.
pub struct Places<'a> {
    /// Attacked paths, by hash.
    paths: HashSet<u64>,
    /// Folders of attacked shapes, by hash, and the hash of the shape.
    folders: HashMap<u64, u64>,
    /// A first look at folders.
    folder_sieve: Sieve,
    /// Scripts that few ask for, by hash.
    scripts: HashMap<u64, &'a [u8]>,
    /// A first look at paths and scripts.
    sieve: Sieve,
    attackers: &'a CappedMap<Client, HitStats>,
}

impl<'a> Places<'a> {
    /// The places that were attacked, and the scripts that few ask for.
    pub fn of(access: &'a AccessCounts) -> Places<'a> {
        let mut places = Places {
            paths: HashSet::new(),
            folders: HashMap::new(),
            folder_sieve: Sieve::default(),
            scripts: script_candidates(&access.paths, access.requests()),
            sieve: Sieve::default(),
            attackers: &access.hit_clients,
        };
        let mut ends = Vec::new();
        for (_, endpoint) in access.endpoints.iter() {
            let place = hash_bytes(&endpoint.path);
            match Shapes::folder(&endpoint.path) {
                Some(folder) => {
                    places.folders.insert(hash_bytes(folder), place);
                    ends.push(end_of(folder));
                }
                None => {
                    places.paths.insert(place);
                }
            }
        }
        places.folder_sieve = Sieve::of(ends);
        let paths = places.paths.iter().chain(places.scripts.keys());
        places.sieve = Sieve::of(paths.map(StableHash::stable_hash));
        places
    }

    /// False for requests that [`note`](Self::note) would not count; `hash` is the path's.
    #[inline]
    pub fn may_count(&self, glance: &Glance<'_>, hash: u64) -> bool {
        let sends = || !self.scripts.is_empty() && has_body(glance.method);
        self.sieve.may_hold(hash.stable_hash())
            || sends()
            || self.place_in_folder(glance.path).is_some()
    }

    /// True when there is nothing to look at.
    pub fn is_idle(&self) -> bool {
        self.paths.is_empty() && self.folders.is_empty() && self.scripts.is_empty()
    }

    /// The attacked place that a path belongs to.
    fn place(&self, path: &[u8], hash: u64) -> Option<u64> {
        match self.paths.contains(&hash) {
            true => Some(hash),
            false => self.place_in_folder(path),
        }
    }

    /// The same for a place that is a folder.
    #[inline]
    fn place_in_folder(&self, path: &[u8]) -> Option<u64> {
        let slash = (!self.folders.is_empty()).then(|| memchr::memrchr(b'/', path))??;
        let folder = &path[..=slash];
        if !self.folder_sieve.may_hold(end_of(folder)) {
            return None;
        }
        self.folders.get(&hash_bytes(folder)).copied()
    }
}

/// Mixes the length of a text and its last bytes: a cheap hash, which is the same for few of a site's folders.
fn end_of(text: &[u8]) -> u64 {
    let last = match text.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    mix64(last ^ text.len() as u64)
}

/// Whether requests of this method bring something.
fn has_body(method: &[u8]) -> bool {
    matches!(method, b"POST" | b"PUT")
}

impl Places<'_> {
    /// Notes a request for a path with this hash.
    pub fn note(
        &self,
        norms: &mut Norms,
        log: &Log<'_>,
        access: &Access<'_>,
        hash: u64,
        at: Locator,
    ) {
        if let Some(place) = self.place(access.path(), hash)
            && self.attackers.get(&access.client).is_none()
        {
            norms.noted += 1;
            if let Some(norm) = norms.places.entry(place, Norm::default) {
                norm.note(access, log.duration_us(access));
            }
        }
        if self.scripts.is_empty() {
            return;
        }
        if let Some(text) = self.scripts.get(&hash) {
            norms.noted += 1;
            if let Some(script) = norms.scripts.entry(hash, || Script::new(text)) {
                script.note(access.client, Use::of(access, at));
            }
        }
        let accepted = matches!(access.status, Some(200..=399));
        if accepted && has_body(access.method) {
            norms.noted += 1;
            if let Some(first) = norms.sent.entry(access.client, FirstK::default) {
                first.push(at);
            }
        }
    }
}

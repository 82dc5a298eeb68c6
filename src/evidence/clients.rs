//! What is counted per client: its requests, and the suspicious ones among them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::category::Category;
use crate::evidence::filed::{Lawful, is_ascending, lawful};
use crate::evidence::sketch::Sketch;
use crate::evidence::weight::{Weigh, grown};
use crate::merge::Merge;
use crate::time::Time;

/// Requests of one client. Small, since a flood brings millions: times are whole seconds in 32 bits
/// (1970 to 2106), beyond which they are clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientStats {
    /// Requests by status class, see [`status_class`].
    pub by_class: [u32; CLASSES],
    /// Requests for images, styles, scripts and the like, which a browser pulls in after a page.
    pub assets: u32,
    /// First and last request, seconds since the epoch.
    first: u32,
    last: u32,
}

impl Default for ClientStats {
    /// A client not met yet.
    fn default() -> ClientStats {
        ClientStats {
            by_class: [0; CLASSES],
            assets: 0,
            first: u32::MAX,
            last: 0,
        }
    }
}

impl ClientStats {
    /// Whether the latest request was in the `width_s` seconds from `start` on. May say no where yes is
    /// right, when requests are out of order or their times clamped.
    #[inline]
    pub fn was_last_in(&self, start: i64, width_s: i64) -> bool {
        self.last > 0 && (start..start.saturating_add(width_s)).contains(&i64::from(self.last))
    }

    /// Counts a request.
    #[inline]
    pub fn note(&mut self, secs: i64, class: usize, asset: bool) {
        let secs = clamp_secs(secs);
        self.first = self.first.min(secs);
        self.last = self.last.max(secs);
        self.by_class[class] = self.by_class[class].saturating_add(1);
        self.assets = self.assets.saturating_add(u32::from(asset));
    }

    /// True for a client that loads what pages consist of and mostly gets what it asks for: somebody with
    /// a browser, following links.
    pub fn browses(&self) -> bool {
        /// A page of the plainest shop pulls in a style, a script and an image or two; caches halve that.
        const ASSET_SHARE: f64 = 0.2;
        /// People meet dead links now and then.
        const MISSED_SHARE: f64 = 0.3;
        let requests = self.requests().max(1) as f64;
        f64::from(self.assets) >= ASSET_SHARE * requests
            && f64::from(self.by_class[3]) <= MISSED_SHARE * requests
    }

    /// Reads from both ends of the counts; see `CappedMap::touch`. The value means nothing.
    pub fn touch(&self) -> u32 {
        self.by_class[0] ^ self.by_class[4] ^ self.first ^ self.last ^ self.assets
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.by_class.iter().map(|count| u64::from(*count)).sum()
    }

    /// First request.
    pub fn first(&self) -> Time {
        Time::from_secs(i64::from(self.first))
    }

    /// Last request.
    pub fn last(&self) -> Time {
        Time::from_secs(i64::from(self.last))
    }
}

/// Requests by class, those for assets, the first, and how long after it the last: which takes fewer bytes than its time.
impl Serialize for ClientStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stay = self.last.wrapping_sub(self.first);
        (self.by_class, self.assets, self.first, stay).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ClientStats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ClientStats, D::Error> {
        let (by_class, assets, first, stay): (_, _, u32, u32) =
            Deserialize::deserialize(deserializer)?;
        Ok(ClientStats {
            by_class,
            assets,
            first,
            last: first.wrapping_add(stay),
        })
    }
}

impl Merge for ClientStats {
    fn merge(&mut self, other: ClientStats) {
        self.by_class.merge(other.by_class);
        self.assets.merge(other.assets);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

fn clamp_secs(secs: i64) -> u32 {
    u32::try_from(secs.max(0)).unwrap_or(u32::MAX)
}

/// Status classes told apart: 1xx to 5xx, and a last one for requests without a status, or with one that is none of HTTP.
pub const CLASSES: usize = 6;

/// Status class index: 0 for 1xx, 4 for 5xx, the last for what has none.
#[inline]
pub fn status_class(status: Option<u16>) -> usize {
    match status {
        Some(status @ 100..=599) => usize::from(status / 100 - 1),
        _ => CLASSES - 1,
    }
}

/// How often, from when, to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Occurrences.
    pub count: u64,
    /// First.
    pub first: Time,
    /// Last.
    pub last: Time,
}

impl Span {
    /// One occurrence.
    pub fn once(time: Time) -> Span {
        Span {
            count: 1,
            first: time,
            last: time,
        }
    }
}

impl Merge for Span {
    fn merge(&mut self, other: Span) {
        self.count.merge(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Suspicious requests of one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct HitStats {
    /// Per category, sorted by it; lines that show several count under each.
    by_category: Vec<(Category, Span)>,
    /// Lines with a hit.
    pub lines: u64,
    /// Lines with a payload in the request itself or in the user agent. What a referer shows may be
    /// the echo of a page that the client was on, repeated with every image of it.
    pub direct: u64,
    /// Direct lines of high confidence.
    pub high: u64,
    /// Hit lines answered with 2xx or 3xx.
    pub answered: u64,
    /// Paths of hit lines, by hash.
    pub paths: Sketch,
    /// User agents of hit lines, by hash.
    pub agents: Sketch,
}

impl HitStats {
    /// Counts a line under its categories.
    pub fn note(
        &mut self,
        time: Time,
        categories: &[Category],
        direct: bool,
        high: bool,
        answered: bool,
    ) {
        self.lines += 1;
        self.direct += u64::from(direct);
        self.high += u64::from(direct && high);
        self.answered += u64::from(answered);
        for category in categories {
            self.add(*category, Span::once(time));
        }
    }

    /// What was tried, by category.
    pub fn categories(&self) -> &[(Category, Span)] {
        &self.by_category
    }

    /// First and last hit.
    pub fn span(&self) -> Option<Span> {
        let mut spans = self.by_category.iter().map(|(_, span)| *span);
        let mut all = spans.next()?;
        spans.for_each(|span| all.merge(span));
        all.count = self.lines;
        Some(all)
    }

    fn add(&mut self, category: Category, span: Span) {
        match self
            .by_category
            .binary_search_by_key(&category, |(known, _)| *known)
        {
            Ok(at) => self.by_category[at].1.merge(span),
            Err(at) => self.by_category.insert(at, (category, span)),
        }
    }
}

impl Lawful for HitStats {
    fn is_lawful(&self) -> bool {
        is_ascending(self.by_category.iter().map(|(category, _)| category))
    }
}
lawful!(HitStats);

impl Merge for HitStats {
    fn merge(&mut self, other: HitStats) {
        self.lines.merge(other.lines);
        self.direct.merge(other.direct);
        self.high.merge(other.high);
        self.answered.merge(other.answered);
        self.paths.merge(other.paths);
        self.agents.merge(other.agents);
        for (category, span) in other.by_category {
            self.add(category, span);
        }
    }
}

impl Weigh for ClientStats {
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Weigh for HitStats {
    fn heap_bytes(&self) -> usize {
        grown::<(Category, Span)>(self.by_category.len())
            + self.paths.heap_bytes()
            + self.agents.heap_bytes()
    }
}

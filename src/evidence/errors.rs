//! What is counted of error logs: symptoms over time, and the clients that messages name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::evidence::capped::{CappedMap, StableHash, mix64};
use crate::evidence::clients::Span;
use crate::evidence::filed::StepKey;
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::weight::{Weigh, tree};
use crate::merge::Merge;
use crate::time::Time;

/// Database errors kept per client.
pub const ERRORS_PER_CLIENT: usize = 64;

/// Lines kept per pair, as evidence.
pub const LINES_PER_MENTION: usize = 3;

/// Messages of one symptom that name one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mention {
    /// Index into the symptom set.
    pub symptom: u16,
    /// Whom they name.
    pub client: Client,
}

impl StepKey for Mention {
    type Step = Mention;

    fn step(self, _: Option<Mention>) -> Mention {
        self
    }

    fn behind(before: Option<Mention>, step: Mention) -> Option<Mention> {
        Some(step).filter(|key| before.is_none_or(|before| before < *key))
    }
}

impl StableHash for Mention {
    fn stable_hash(&self) -> u64 {
        mix64(self.client.stable_hash() ^ mix64(u64::from(self.symptom)))
    }
}

/// How often, when and where a client was named.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mentioned {
    /// Messages.
    pub span: Span,
    /// The first of them.
    pub first: FirstK<Locator, LINES_PER_MENTION>,
}

/// Who is named by which symptom.
pub type Mentions = CappedMap<Mention, Option<Mentioned>>;

/// Counts a message that names a client.
pub fn mention(mentions: &mut Mentions, symptom: u16, client: Client, at: Locator) {
    if let Some(known) = mentions.entry(Mention { symptom, client }, || None) {
        let span = Span::once(at.time);
        match known {
            Some(known) => {
                known.span.merge(span);
                known.first.push(at);
            }
            None => {
                let mut first = FirstK::default();
                first.push(at);
                *known = Some(Mentioned { span, first });
            }
        }
    }
}

impl Weigh for Mentioned {
    fn heap_bytes(&self) -> usize {
        self.first.heap_bytes()
    }
}

impl Merge for Mentioned {
    fn merge(&mut self, other: Mentioned) {
        self.span.merge(other.span);
        self.first.merge(other.first);
    }
}

/// Messages of one symptom within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteOf {
    /// Messages.
    pub count: u64,
    /// The first of them.
    pub first: Locator,
    /// Time of the last.
    pub last: Time,
}

impl Merge for MinuteOf {
    fn merge(&mut self, other: MinuteOf) {
        self.count.merge(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Messages of one symptom.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SymptomStats {
    /// By minutes since the epoch.
    minutes: BTreeMap<i64, MinuteOf>,
}

impl SymptomStats {
    /// Counts a message.
    pub fn note(&mut self, at: Locator) {
        self.add(
            at.time.secs().div_euclid(60),
            MinuteOf {
                count: 1,
                first: at,
                last: at.time,
            },
        );
    }

    /// The minutes from `start` to `end` (seconds since the epoch).
    pub fn between(&self, start: i64, end: i64) -> impl Iterator<Item = &MinuteOf> {
        let (start, end) = (start.div_euclid(60), end.div_euclid(60));
        self.minutes
            .range(start..=end.max(start))
            .map(|(_, minute)| minute)
    }

    /// All messages.
    pub fn count(&self) -> u64 {
        self.minutes.values().map(|minute| minute.count).sum()
    }

    fn add(&mut self, minute: i64, of: MinuteOf) {
        self.minutes
            .entry(minute)
            .and_modify(|known| known.merge(of))
            .or_insert(of);
    }

    /// Bytes of all minutes.
    pub fn weight(&self) -> usize {
        self.minutes.len() * SymptomStats::MINUTE_BYTES
    }

    /// Bytes of a minute.
    pub const MINUTE_BYTES: usize = tree::<i64, MinuteOf>(1);

    /// The minutes that hold messages.
    pub fn minutes(&self) -> impl Iterator<Item = i64> + '_ {
        self.minutes.keys().copied()
    }

    /// Forgets what was before a minute.
    pub fn forget_before(&mut self, minute: i64) {
        self.minutes = self.minutes.split_off(&minute);
    }
}

impl Merge for SymptomStats {
    fn merge(&mut self, other: SymptomStats) {
        for (minute, of) in other.minutes {
            self.add(minute, of);
        }
    }
}

/// The first database errors of each client.
pub type DatabaseErrors = CappedMap<Client, FirstK<Locator, ERRORS_PER_CLIENT>>;

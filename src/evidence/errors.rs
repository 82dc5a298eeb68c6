//! What is counted of error logs: symptoms over time, and the clients that messages name.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::evidence::capped::CappedMap;
use crate::evidence::clients::Span;
use crate::evidence::first::{FirstK, Locator};
use crate::merge::Merge;

/// Messages kept as examples per symptom.
pub const SYMPTOM_SAMPLES: usize = 3;

/// Minutes kept per symptom: a year.
const MAX_SYMPTOM_MINUTES: usize = 366 * 24 * 60;

/// Clients whose database errors are kept.
pub const MAX_ERROR_CLIENTS: usize = 50_000;

/// Database errors kept per client.
pub const ERRORS_PER_CLIENT: usize = 64;

/// Messages of one symptom.
#[derive(Debug, Clone)]
pub struct SymptomStats {
    /// How many, the first and the last.
    pub span: Span,
    /// Messages per minute since the epoch.
    pub minutes: BTreeMap<i64, u32>,
    /// The first messages.
    pub samples: FirstK<Locator, SYMPTOM_SAMPLES>,
}

impl SymptomStats {
    /// A symptom seen once.
    pub fn once(at: Locator) -> SymptomStats {
        let mut samples = FirstK::default();
        samples.push(at);
        let minute = at.time.secs().div_euclid(60);
        SymptomStats {
            span: Span::once(at.time),
            minutes: BTreeMap::from([(minute, 1)]),
            samples,
        }
    }

    /// Counts a message without building one to merge: error storms bring millions.
    pub fn note(&mut self, at: Locator) {
        self.span.merge(Span::once(at.time));
        self.add_minute(at.time.secs().div_euclid(60), 1);
        self.samples.push(at);
    }

    /// Messages from `start` to `end` (seconds since the epoch, to the minute).
    pub fn count_between(&self, start: i64, end: i64) -> u64 {
        let range = start.div_euclid(60)..=end.div_euclid(60).max(start.div_euclid(60));
        self.minutes
            .range(range)
            .map(|(_, count)| u64::from(*count))
            .sum()
    }

    fn add_minute(&mut self, minute: i64, count: u32) {
        self.minutes.entry(minute).or_default().merge(count);
        if self.minutes.len() > MAX_SYMPTOM_MINUTES {
            self.minutes.pop_first();
        }
    }
}

impl Merge for SymptomStats {
    fn merge(&mut self, other: SymptomStats) {
        self.span.merge(other.span);
        for (minute, count) in other.minutes {
            self.add_minute(minute, count);
        }
        self.samples.merge(other.samples);
    }
}

/// The first database errors of each client.
pub type DatabaseErrors = CappedMap<Client, FirstK<Locator, ERRORS_PER_CLIENT>>;

//! What became of every line of a source: the books that must balance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Unparsed;
use crate::evidence::clients::Span;
use crate::evidence::filed::{Lawful, lawful};
use crate::evidence::first::FirstK;
use crate::evidence::order::Order;
use crate::merge::Merge;
use crate::time::{Time, UtcOffset};

/// Lines kept as examples per reason.
pub const UNPARSED_SAMPLES: usize = 3;

/// Lines of one source. `records + unparsed + blank = lines`, always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LineCounts {
    /// Physical lines.
    pub lines: u64,
    /// Lines that became a record.
    pub records: u64,
    /// Lines that continue the record before them, as a stack trace does; part of `records`.
    pub continued: u64,
    /// Lines that did not parse: how many, and the offsets of the first.
    pub unparsed: BTreeMap<Unparsed, (u64, FirstK<u64, UNPARSED_SAMPLES>)>,
    /// Unparsed lines that show an attack pattern.
    pub unparsed_hits: u64,
    /// Empty lines.
    pub blank: u64,
    /// Records outside `--since` and `--until`.
    pub outside: u64,
    /// Records of clients that are known, and not accused.
    pub aside: u64,
    /// Records that say who asked beside who connected.
    pub forwarded: u64,
    /// Earliest and latest record.
    pub span: Option<Span>,
    /// Records by the zone they were written in.
    pub offsets: BTreeMap<UtcOffset, u64>,
    /// Whether times run forward.
    pub order: Order,
}

impl LineCounts {
    /// Counts a record of the chunk that is read.
    #[inline]
    pub fn record(&mut self, time: Time) {
        self.records += 1;
        self.order.note(time.secs());
        self.span.merge(Some(Span::once(time)));
    }

    /// Counts a line that did not parse.
    pub fn unparsed(&mut self, reason: Unparsed, offset: u64) {
        let (count, samples) = self.unparsed.entry(reason).or_default();
        *count += 1;
        samples.push(offset);
    }

    /// Lines that did not parse, for whatever reason.
    pub fn unparsed_total(&self) -> u64 {
        self.unparsed.values().map(|(count, _)| count).sum()
    }

    /// The zone that most records are written in.
    pub fn main_offset(&self) -> Option<UtcOffset> {
        self.offsets
            .iter()
            .max_by_key(|(offset, count)| (**count, std::cmp::Reverse(**offset)))
            .map(|(offset, _)| *offset)
    }
}

impl Lawful for LineCounts {
    fn is_lawful(&self) -> bool {
        let reasons = self.unparsed.values().map(|(count, _)| *count);
        let mut parts = reasons.chain([self.records, self.blank]);
        parts.try_fold(0u64, u64::checked_add) == Some(self.lines)
    }
}
lawful!(LineCounts);

impl Merge for LineCounts {
    fn merge(&mut self, other: LineCounts) {
        self.lines.merge(other.lines);
        self.records.merge(other.records);
        self.continued.merge(other.continued);
        self.unparsed_hits.merge(other.unparsed_hits);
        self.blank.merge(other.blank);
        self.outside.merge(other.outside);
        self.aside.merge(other.aside);
        self.forwarded.merge(other.forwarded);
        for (reason, (count, samples)) in other.unparsed {
            let mine = self.unparsed.entry(reason).or_default();
            mine.0.merge(count);
            mine.1.merge(samples);
        }
        self.span.merge(other.span);
        self.order.merge(other.order);
        for (offset, count) in other.offsets {
            self.offsets.entry(offset).or_default().merge(count);
        }
    }
}

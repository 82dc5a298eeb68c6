//! How numbers are distributed, in counters that merge: logarithmic buckets, as in HdrHistogram and DDSketch
//! (Masson, Rim, Lee: "DDSketch", VLDB 2019), so that a quantile is known within a fixed share of its value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evidence::filed::{Lawful, lawful};
use crate::evidence::weight::{Weigh, tree};
use crate::merge::Merge;

/// Buckets for each doubling: a quantile is right within half of 1/32, about 2%.
const PER_DOUBLING: u64 = 32;

/// A distribution of whole numbers. At most `64 * PER_DOUBLING` buckets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Histogram {
    buckets: BTreeMap<u16, u64>,
    range: Option<(u64, u64)>,
    count: u64,
}

impl Histogram {
    /// Adds a number.
    pub fn note(&mut self, value: u64) {
        *self.buckets.entry(bucket(value)).or_default() += 1;
        let (least, most) = self.range.unwrap_or((value, value));
        self.range = Some((least.min(value), most.max(value)));
        self.count += 1;
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest and the largest, exactly.
    pub fn range(&self) -> Option<(u64, u64)> {
        self.range
    }

    /// The number below or at which a share (0..1) of them lies, within 2%.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let (least, most) = self.range?;
        let wanted = (share * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen.merge(*count);
            if seen >= wanted {
                return Some(middle(*bucket).clamp(least, most));
            }
        }
        Some(most)
    }

    /// How many numbers are about this one: in its bucket or one of those beside it, within 5%.
    pub fn near(&self, value: u64) -> u64 {
        let at = bucket(value);
        let beside = self.buckets.range(at.saturating_sub(1)..=at + 1);
        beside.map(|(_, count)| count).sum()
    }
}

impl Weigh for Histogram {
    fn heap_bytes(&self) -> usize {
        tree::<u16, u64>(self.buckets.len())
    }
}

impl Lawful for Histogram {
    fn is_lawful(&self) -> bool {
        let counts = self.buckets.values();
        let sum = counts.fold(0u64, |sum, count| sum.saturating_add(*count));
        let last = self.buckets.keys().next_back();
        sum == self.count
            && last.is_none_or(|last| *last <= bucket(u64::MAX))
            && self.range.is_some() == last.is_some()
            && self.range.is_none_or(|(least, most)| least <= most)
    }
}
lawful!(Histogram);

impl Merge for Histogram {
    fn merge(&mut self, other: Histogram) {
        for (bucket, count) in other.buckets {
            self.buckets.entry(bucket).or_default().merge(count);
        }
        self.count.merge(other.count);
        if let Some((least, most)) = other.range {
            let (mine, yours) = self.range.unwrap_or((least, most));
            self.range = Some((mine.min(least), yours.max(most)));
        }
    }
}

/// Small numbers have a bucket each; of larger ones, the leading five bits after the first one count.
fn bucket(value: u64) -> u16 {
    if value < PER_DOUBLING {
        return value as u16;
    }
    let exponent = u64::from(value.ilog2());
    let shift = exponent - u64::from(PER_DOUBLING.ilog2());
    let step = (value >> shift) - PER_DOUBLING;
    ((shift + 1) * PER_DOUBLING + step) as u16
}

fn middle(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < PER_DOUBLING {
        return bucket;
    }
    let (shift, step) = (bucket / PER_DOUBLING - 1, bucket % PER_DOUBLING);
    ((PER_DOUBLING + step) << shift) + ((1u64 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut all = Histogram::default();
        values.iter().for_each(|value| all.note(*value));
        all
    }

    proptest! {
        #[test]
        fn quantiles_are_within_two_percent_and_the_cut_does_not_matter(
            values in prop::collection::vec(0u64..u64::MAX, 1..200), cut in 0usize..200,
        ) {
            let whole = of(&values);
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = of(left);
            merged.merge(of(right));
            prop_assert_eq!(&whole, &merged);
            let mut sorted = values.clone();
            sorted.sort_unstable();
            for share in [0.1, 0.5, 0.99] {
                let exact = sorted[((share * values.len() as f64).ceil() as usize).max(1) - 1] as f64;
                let found = whole.quantile(share).unwrap() as f64;
                prop_assert!((found - exact).abs() <= 0.02 * exact + 1.0, "{} {}", found, exact);
            }
        }
    }

    #[test]
    fn what_is_near_is_counted() {
        let all = of(&[100, 101, 2_000, 2_010, 2_020]);
        assert_eq!((all.near(2_015), all.near(4_000), all.count()), (3, 0, 5));
        assert_eq!(all.range(), Some((100, 2_020)));
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}

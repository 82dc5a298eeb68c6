//! A handful of values and how often each occurred, in fixed space.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::evidence::filed::{hold, is_ascending};
use crate::evidence::weight::{Weigh, grown};
use crate::merge::Merge;

/// Counts of a few hashed values: exact up to [`SKETCH_VALUES`] distinct ones, beyond that of the
/// values with the smallest hashes (a sample that does not depend on the order of arrival).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch(Values);

/// Most clients have one user agent and ask for one thing, which needs no memory of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Values {
    #[default]
    None,
    One((u64, u32)),
    /// Sorted; two at least.
    Many(Vec<(u64, u32)>),
}

/// Values a sketch keeps.
pub const SKETCH_VALUES: usize = 16;

impl Sketch {
    /// Counts a value.
    pub fn note(&mut self, hash: u64) {
        self.add(hash, 1);
    }

    /// Reads what [`note`](Self::note) will, so that it is near then. The value means nothing.
    #[inline]
    pub fn touch(&self) -> u64 {
        match &self.0 {
            // A search begins in the middle, and 16 values are four lines of memory.
            Values::Many(many) => {
                let at = |at: usize| many.get(at).map_or(0, |(hash, _)| *hash);
                at(0) ^ at(SKETCH_VALUES / 4) ^ at(SKETCH_VALUES / 2) ^ at(SKETCH_VALUES * 3 / 4)
            }
            _ => 0,
        }
    }

    /// Distinct values kept: all of them up to [`SKETCH_VALUES`].
    pub fn distinct(&self) -> usize {
        self.sorted().len()
    }

    /// Distinct values met: exact up to [`SKETCH_VALUES`], beyond that an estimate from how dense the kept hashes are
    /// (k minimum values: Beyer et al. 2007, *On synopses for distinct-value estimation*), right within a quarter
    /// two times in three. The values must be good hashes.
    pub fn distinct_estimate(&self) -> f64 {
        let kept = self.sorted().len();
        match self.sorted().last() {
            Some((largest, _)) if kept == SKETCH_VALUES => {
                (kept - 1) as f64 * (u64::MAX as f64 / (*largest as f64).max(1.0))
            }
            _ => kept as f64,
        }
    }

    /// Kept values and their counts.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.sorted().iter().copied()
    }

    fn sorted(&self) -> &[(u64, u32)] {
        match &self.0 {
            Values::None => &[],
            Values::One(one) => std::slice::from_ref(one),
            Values::Many(many) => many,
        }
    }

    fn add(&mut self, hash: u64, count: u32) {
        match &mut self.0 {
            Values::None => self.0 = Values::One((hash, count)),
            Values::One((known, counted)) if *known == hash => counted.merge(count),
            Values::One(one) => {
                let mut both = vec![*one, (hash, count)];
                both.sort_unstable();
                self.0 = Values::Many(both);
            }
            Values::Many(sorted) => add_to(sorted, hash, count),
        }
    }
}

fn add_to(sorted: &mut Vec<(u64, u32)>, hash: u64, count: u32) {
    match sorted.binary_search_by_key(&hash, |(kept, _)| *kept) {
        Ok(at) => sorted[at].1.merge(count),
        Err(at) if at < SKETCH_VALUES => {
            sorted.truncate(SKETCH_VALUES - 1);
            sorted.insert(at, (hash, count));
        }
        Err(_) => {}
    }
}

impl Weigh for Sketch {
    fn heap_bytes(&self) -> usize {
        match &self.0 {
            Values::Many(many) => grown::<(u64, u32)>(many.len()),
            _ => 0,
        }
    }
}

/// A value that is kept: its hash, of which all bytes are alike likely, and how often it occurred.
type Written = ([u8; 8], u32);

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(hash, count)| (hash.to_le_bytes(), count)))
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sketch, D::Error> {
        let written: Vec<Written> = Vec::deserialize(deserializer)?;
        let values = written.iter();
        let values = values.map(|(hash, count)| (u64::from_le_bytes(*hash), *count));
        let values: Vec<(u64, u32)> = values.collect();
        let lawful = values.len() <= SKETCH_VALUES && is_ascending(values.iter().map(|one| one.0));
        hold(lawful, "no sketch")?;
        Ok(Sketch(match values[..] {
            [] => Values::None,
            [one] => Values::One(one),
            _ => Values::Many(values),
        }))
    }
}

impl Merge for Sketch {
    fn merge(&mut self, other: Sketch) {
        for (hash, count) in other.iter() {
            self.add(hash, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::capped::mix64;

    #[test]
    fn distinct_values_are_estimated_beyond_those_kept() {
        let estimate = |values: u64| {
            let mut sketch = Sketch::default();
            (0..3 * values).for_each(|n| sketch.note(mix64(n % values + 1)));
            sketch.distinct_estimate()
        };
        assert_eq!(estimate(9), 9.0);
        for values in [40, 400, 40_000] {
            // Three standard errors of 1 / sqrt(16 - 2).
            let error = (estimate(values) / values as f64 - 1.0).abs();
            assert!(error < 0.8, "{values}: {error}");
        }
    }
}

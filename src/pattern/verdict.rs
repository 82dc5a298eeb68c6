//! What was found in one record: the patterns that matched, and what they come to.

use super::entry::{Field, PatternId};
use super::set::PatternSet;
use crate::category::Category;
use crate::severity::{Confidence, Severity};

/// One pattern that matched in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Which pattern.
    pub pattern: PatternId,
    /// Where.
    pub field: Field,
    /// The decoded text that it matched, at most 200 bytes.
    pub matched: Box<[u8]>,
    /// The decoded name of the query parameter whose value matched.
    pub parameter: Option<Box<[u8]>>,
    /// Decoding rounds that were needed to see it.
    pub rounds: u8,
}

impl Match {
    /// The place within a request that carries the match: the parameter's name, or the field's.
    pub fn place(&self) -> &[u8] {
        let name = self.parameter.as_deref();
        name.unwrap_or(self.field.name().as_bytes())
    }
}

/// What one record shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The gravest category among the matches of the highest confidence.
    pub category: Category,
    /// Every category that matched, gravest first.
    pub categories: Vec<Category>,
    /// The highest severity among the matches of the highest confidence.
    pub severity: Severity,
    /// The highest confidence.
    pub confidence: Confidence,
    /// Ordered by pattern, then field.
    pub matches: Vec<Match>,
}

impl Verdict {
    /// Sums up matches; `None` when there are none.
    pub(super) fn of(
        set: &PatternSet,
        mut matches: Vec<Match>,
        status: Option<u16>,
    ) -> Option<Verdict> {
        matches.sort_by_key(|hit| (hit.pattern, hit.field));
        matches.dedup_by_key(|hit| (hit.pattern, hit.field));
        let entries = || matches.iter().map(|hit| set.pattern(hit.pattern));
        let confidence = entries().map(|entry| entry.confidence_with(status)).max()?;
        let best = || entries().filter(|entry| entry.confidence_with(status) == confidence);
        let category = best().map(|entry| entry.category).min()?;
        let severity = best().map(|entry| entry.severity).max()?;
        let mut categories: Vec<Category> = entries().map(|entry| entry.category).collect();
        categories.sort_unstable();
        categories.dedup();
        Some(Verdict {
            category,
            categories,
            severity,
            confidence,
            matches,
        })
    }
}

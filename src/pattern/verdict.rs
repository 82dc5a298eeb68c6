//! What was found in one record: the patterns that matched, and what they come to.

use serde::{Deserialize, Serialize};

use super::entry::{Field, PatternId};
use super::set::PatternSet;
use crate::category::Category;
use crate::severity::{Confidence, Severity};

/// One pattern that matched in one place. Written down, it is what says as much as the line does without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Which pattern.
    pub pattern: PatternId,
    /// Where.
    pub field: Field,
    /// The decoded text that it matched, at most 200 bytes.
    #[serde(skip)]
    pub matched: Box<[u8]>,
    /// The decoded name of the query parameter whose value matched.
    pub parameter: Option<Box<[u8]>>,
    /// Decoding rounds that were needed to see it.
    #[serde(skip)]
    pub rounds: u8,
    /// Rounds among them that undid percent-encoding.
    pub percent_rounds: u8,
}

/// A server undoes percent-encoding once. What needs a second round was encoded to pass a filter, or is an
/// address within an address.
const NEEDLESS_ROUNDS: u8 = 2;

impl Match {
    /// How sure the match is: as its entry says, given the server's answer, and one step more when
    /// percent-encoding had to be undone twice. Addresses within addresses are encoded so by right.
    pub fn confidence(&self, set: &PatternSet, status: Option<u16>) -> Confidence {
        let entry = set.pattern(self.pattern);
        let as_written = entry.confidence_with(status);
        let address = matches!(
            entry.category,
            Category::OpenRedirect | Category::Ssrf | Category::FileInclusion
        );
        match as_written {
            _ if address || self.percent_rounds < NEEDLESS_ROUNDS => as_written,
            Confidence::Low => Confidence::Medium,
            Confidence::Medium | Confidence::High => Confidence::High,
        }
    }

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
    pub fn of(set: &PatternSet, mut matches: Vec<Match>, status: Option<u16>) -> Option<Verdict> {
        matches.sort_by_key(|hit| (hit.pattern, hit.field));
        matches.dedup_by(|later, first| {
            let same = (later.pattern, later.field) == (first.pattern, first.field);
            if same {
                first.percent_rounds = first.percent_rounds.max(later.percent_rounds);
            }
            same
        });
        let entries = matches.iter().map(|hit| set.pattern(hit.pattern));
        let mut categories: Vec<Category> = entries.map(|entry| entry.category).collect();
        categories.sort_unstable();
        categories.dedup();
        let mut verdict = Verdict {
            category: *categories.first()?,
            categories,
            severity: Severity::Low,
            confidence: Confidence::Low,
            matches,
        };
        verdict.given(set, status);
        Some(verdict)
    }

    /// Makes it the verdict on the same words with another answer.
    pub fn given(&mut self, set: &PatternSet, status: Option<u16>) {
        let sure = |hit: &Match| hit.confidence(set, status);
        let confidence = self.matches.iter().map(sure).max();
        self.confidence = confidence.unwrap_or(Confidence::Low);
        let best = || {
            let surest = self
                .matches
                .iter()
                .filter(|hit| sure(hit) == self.confidence);
            surest.map(|hit| set.pattern(hit.pattern))
        };
        let category = best().map(|entry| entry.category).min();
        let severity = best().map(|entry| entry.severity).max();
        self.category = category.unwrap_or(self.category);
        self.severity = severity.unwrap_or(self.severity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::load::embedded;

    #[test]
    fn needless_encoding_counts_except_in_addresses() {
        let set = embedded().unwrap();
        let confidence = |category: Category, as_written: Confidence, percent_rounds: u8| {
            let fits = |entry: &crate::pattern::entry::Pattern| {
                entry.category == category && entry.confidence == as_written
            };
            let index = set.patterns().iter().position(fits).unwrap();
            let hit = Match {
                pattern: PatternId(u16::try_from(index).unwrap()),
                field: Field::Query,
                matched: Box::default(),
                parameter: None,
                rounds: percent_rounds,
                percent_rounds,
            };
            hit.confidence(&set, Some(200))
        };
        use Confidence::{High, Low, Medium};
        assert_eq!(confidence(Category::PathTraversal, Medium, 1), Medium);
        assert_eq!(confidence(Category::PathTraversal, Medium, 2), High);
        assert_eq!(confidence(Category::Xss, Low, 3), Medium);
        assert_eq!(confidence(Category::OpenRedirect, Medium, 3), Medium);
    }
}

//! What the odd lines of one client, and of one place of the site, say together: the context that a single
//! line lacks. Odd is every line in which a pattern matched, however unsure.
//!
//! Counts only; `context` draws the conclusions.

use serde::{Deserialize, Serialize};

use crate::category::Category;
use crate::client::Client;
use crate::evidence::capped::{StableHash, hash_bytes, mix64};
use crate::evidence::first::FirstK;
use crate::evidence::sketch::Sketch;
use crate::evidence::weight::Weigh;
use crate::merge::Merge;
use crate::severity::Confidence;

/// Clients remembered of a habit: enough to tell whether visitors or attackers have it.
const HABIT_CLIENTS: usize = 8;

/// One odd line, as far as its client is concerned.
#[derive(Debug, Clone, Copy)]
pub struct OddLine<'a> {
    /// How sure its own words are.
    pub confidence: Confidence,
    /// What matched outside the referer.
    pub categories: &'a [Category],
    /// Its user agent names a tool of attackers.
    pub tool: bool,
    /// Its path, by hash.
    pub path: u64,
    /// Its user agent, by hash.
    pub agent: u64,
    /// When, seconds since the epoch.
    pub secs: i64,
}

/// The odd lines of one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conduct {
    /// By confidence.
    lines: [u32; 3],
    /// Categories of at least medium confidence, one bit each.
    categories: u32,
    /// Lines whose user agent names a tool.
    tool: u32,
    /// Their paths, by hash.
    paths: Sketch,
    /// User agents of those of at least medium confidence, by hash.
    agents: Sketch,
    /// The first and the last of those, seconds since the epoch.
    span: Option<(i64, i64)>,
}

impl Conduct {
    /// Counts a line.
    pub fn note(&mut self, line: &OddLine<'_>) {
        self.lines[line.confidence as usize].merge(1);
        if line.confidence >= Confidence::Medium {
            let bits = line.categories.iter().map(|category| 1 << category.index());
            self.categories |= bits.fold(0, |all, bit: u32| all | bit);
            self.agents.note(line.agent);
            self.widen((line.secs, line.secs));
        }
        self.tool.merge(u32::from(line.tool));
        self.paths.note(line.path);
    }

    fn widen(&mut self, (first, last): (i64, i64)) {
        let (start, end) = self.span.unwrap_or((first, last));
        self.span = Some((start.min(first), end.max(last)));
    }

    /// Lines that are at least so sure.
    pub fn lines_from(&self, confidence: Confidence) -> u64 {
        let sure = self.lines[confidence as usize..].iter();
        sure.map(|count| u64::from(*count)).sum()
    }

    /// Different categories.
    pub fn categories(&self) -> u32 {
        self.categories.count_ones()
    }

    /// Whether a user agent named a tool.
    pub fn names_tool(&self) -> bool {
        self.tool > 0
    }

    /// Different paths, as far as a sketch counts.
    pub fn paths(&self) -> usize {
        self.paths.distinct()
    }

    /// Different user agents of lines of at least medium confidence, by hash, as far as a sketch counts.
    pub fn agents(&self) -> impl Iterator<Item = u64> + '_ {
        self.agents.iter().map(|(agent, _)| agent)
    }

    /// The first and the last line of at least medium confidence, seconds since the epoch.
    pub fn span(&self) -> Option<(i64, i64)> {
        self.span
    }
}

impl Weigh for Conduct {
    fn heap_bytes(&self) -> usize {
        self.paths.heap_bytes() + self.agents.heap_bytes()
    }
}

impl Merge for Conduct {
    fn merge(&mut self, other: Conduct) {
        self.lines.merge(other.lines);
        self.categories |= other.categories;
        self.tool.merge(other.tool);
        self.paths.merge(other.paths);
        self.agents.merge(other.agents);
        if let Some(span) = other.span {
            self.widen(span);
        }
    }
}

/// Who sends what one pattern matches to one place of the site.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Habit {
    /// Those whose hashes are the smallest, so that the choice depends on nobody's order.
    clients: FirstK<(u64, Client), HABIT_CLIENTS>,
}

impl Habit {
    /// The key of what `pattern` matches at a path (by hash) and a place in it: a parameter or a header.
    pub fn key(path: u64, place: &[u8], pattern: u16) -> u64 {
        mix64(path ^ hash_bytes(place).rotate_left(17)) ^ u64::from(pattern).stable_hash()
    }

    /// Notes that a client does this.
    pub fn note(&mut self, client: Client) {
        self.clients.push((client.stable_hash(), client));
    }

    /// Some of the clients, at most `HABIT_CLIENTS`.
    pub fn clients(&self) -> impl ExactSizeIterator<Item = Client> + '_ {
        self.clients.as_slice().iter().map(|(_, client)| *client)
    }
}

impl Weigh for Habit {
    fn heap_bytes(&self) -> usize {
        self.clients.heap_bytes()
    }
}

impl Merge for Habit {
    fn merge(&mut self, other: Habit) {
        self.clients.merge(other.clients);
    }
}

//! How much memory the counts may take, and how it is shared among them: the one place that holds the caps.
//!
//! Everything that grows with a log has a share of the limit, in bytes. Where a share does not suffice, a sample is
//! kept that fits (`evidence/capped`). Shares depend on the limit alone, neither on the machine nor on the number of
//! threads, because a report must not depend on these. Pages of mapped files are not counted: the system takes them
//! back when it needs them.
//!
//! Workers count into parts of their own, which they hand over when all parts together would outgrow
//! [`Share::Parts`] (`pass::Pool`).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::filed::{Lawful, lawful};

/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

/// The limit where nobody sets one.
pub const DEFAULT_LIMIT: u64 = 1024 * MIB;

/// What the program takes whatever it reads: compiled patterns and what their automata remember, the arithmetic on the
/// minutes of two years, chunks that are being read, and what the allocator cannot use.
pub const FIXED: u64 = 96 * MIB;

/// The least limit that leaves room to find anything.
pub const LEAST_LIMIT: u64 = 128 * MIB;

/// Something that grows with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// Every client.
    Clients,
    /// Which clients came in which bucket of the report's series.
    BucketClients,
    /// Clients that the user knows.
    Aside,
    /// The texts of host names.
    Names,
    /// Paths, with what was asked of them.
    Paths,
    /// User agents.
    Agents,
    /// Counts by the minute.
    Minutes,
    /// Counts by the report's bucket.
    Buckets,
    /// Clients with odd lines.
    Conduct,
    /// What many do at one place.
    Habits,
    /// Where odd lines stand.
    Noted,
    /// Clients with suspicious lines.
    HitClients,
    /// Where their first lines stand.
    HitSamples,
    /// Attacked places.
    Endpoints,
    /// Clients that ask in vain.
    Misses,
    /// Symptoms of error logs by the minute.
    Symptoms,
    /// Clients that messages of error logs name.
    Mentions,
    /// Clients by errors of the database.
    DatabaseErrors,
    /// What attacked places answer to others.
    Norms,
    /// Scripts that few ask for.
    Scripts,
    /// Who sent requests with a body.
    Senders,
    /// Watched series.
    Rows,
    /// What workers have not handed over yet.
    Parts,
    /// The closer looks: windows, rises, failures.
    Windows,
    /// What clusters cost.
    Tallies,
    /// What followed groups did.
    Groups,
}

/// Every share, in thousandths of the limit less [`FIXED`], and why it has that size.
pub const SHARES: &[(Share, u32, &str)] = &[
    (
        Share::Clients,
        200,
        "a flood from everywhere has millions, and all claims about who rest on them",
    ),
    (
        Share::BucketClients,
        50,
        "8 bytes for each client and minute",
    ),
    (Share::Aside, 15, "only their number is told"),
    (Share::Names, 15, "few servers look names up"),
    (
        Share::Paths,
        100,
        "texts, of which attackers make up as many as they like",
    ),
    (Share::Agents, 45, "texts as well, fewer"),
    (Share::Minutes, 55, "two years of minutes need 70 MiB"),
    (Share::Buckets, 35, "as many, smaller"),
    (Share::Conduct, 20, "whoever sends one odd line is in it"),
    (Share::Habits, 5, "a few clients each"),
    (
        Share::Noted,
        20,
        "what has no room is read and judged again instead",
    ),
    (Share::HitClients, 20, "attackers are fewer than visitors"),
    (Share::HitSamples, 10, "five lines each"),
    (
        Share::Endpoints,
        50,
        "hundreds of attempts each: what outcomes are read from",
    ),
    (Share::Misses, 15, "whoever meets one dead link is in it"),
    (Share::Symptoms, 10, "an entry for each minute of trouble"),
    (Share::Mentions, 10, "a few lines each"),
    (Share::DatabaseErrors, 10, "up to 64 lines each"),
    (Share::Norms, 20, "histograms, as many as attacked places"),
    (Share::Scripts, 15, "2,000 at most"),
    (Share::Senders, 10, "up to 16 lines each"),
    (Share::Rows, 20, "as many series as fit"),
    (
        Share::Parts,
        60,
        "the larger, the more seldom workers wait for each other",
    ),
    (
        Share::Windows,
        130,
        "at least: what the survey leaves is added",
    ),
    (Share::Tallies, 30, "clients once more, smaller"),
    (
        Share::Groups,
        30,
        "texts and seconds; the clients are the windows'",
    ),
];

/// How the memory is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Caps {
    limit: u64,
}

impl Lawful for Caps {
    fn is_lawful(&self) -> bool {
        self.limit >= LEAST_LIMIT
    }
}
lawful!(Caps);

/// A limit that is too small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSmall;

impl fmt::Display for TooSmall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "the least memory that the counts work with is {}M",
            LEAST_LIMIT / MIB
        )
    }
}

impl Default for Caps {
    fn default() -> Caps {
        Caps {
            limit: DEFAULT_LIMIT,
        }
    }
}

impl Caps {
    /// Caps that keep the counts within `limit` bytes.
    ///
    /// # Errors
    /// When that is less than [`LEAST_LIMIT`].
    pub fn new(limit: u64) -> Result<Caps, TooSmall> {
        (limit >= LEAST_LIMIT)
            .then_some(Caps { limit })
            .ok_or(TooSmall)
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// A share, in bytes.
    pub fn of(&self, share: Share) -> usize {
        const WHOLE: u64 = 1000;
        let found = SHARES.iter().find(|(known, ..)| *known == share);
        let part = found.map_or(0, |(_, part, _)| u64::from(*part));
        let bytes = (self.limit - FIXED) / WHOLE * part;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// How many entries of so many bytes a share has room for.
    pub fn entries(&self, share: Share, bytes: usize) -> usize {
        (self.of(share) / bytes.max(1)).max(1)
    }
}

/// Divides `total` among those who need so much: nobody gets more than it needs, and who gets less gets as much as anybody
/// (max-min fairness), so that what is large leaves room for what is small.
pub fn divide(total: u64, needs: &[u64]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|index| needs[*index]);
    let mut left = total;
    let mut shares = vec![0; needs.len()];
    for (done, index) in order.into_iter().enumerate() {
        let others = (needs.len() - done) as u64;
        shares[index] = needs[index].min(left / others);
        left -= shares[index];
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_a_whole() {
        let parts: u32 = SHARES.iter().map(|(_, part, _)| part).sum();
        assert_eq!(parts, 1000);
        for (at, (share, part, why)) in SHARES.iter().enumerate() {
            assert!(*part > 0 && !why.is_empty());
            assert!(SHARES[..at].iter().all(|(other, ..)| other != share));
        }
    }

    #[test]
    fn the_small_get_what_they_need() {
        assert_eq!(divide(100, &[10, 20, 30]), [10, 20, 30]);
        assert_eq!(divide(100, &[500, 10, 400]), [45, 10, 45]);
        assert_eq!(divide(5, &[]), [0u64; 0]);
        assert_eq!(divide(0, &[3, 4]), [0, 0]);
    }
}

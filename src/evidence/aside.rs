//! What clients did whom the user knows: counted for the sums, and for nothing that accuses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::category::Category;
use crate::client::Client;
use crate::event::Access;
use crate::evidence::capped::CappedMap;
use crate::evidence::caps::{Caps, Share};
use crate::evidence::clients::{CLASSES, ClientStats, status_class};
use crate::evidence::weight::INDEX_BYTES;
use crate::merge::Merge;

/// Counts of all known clients.
#[derive(Serialize, Deserialize)]
pub struct Aside {
    /// By the party's index.
    pub parties: BTreeMap<u32, PartyCounts>,
    /// Requests by status class.
    pub by_class: [u64; CLASSES],
    /// Bytes sent, and how many records say.
    pub bytes_sent: u64,
    /// Records with a size.
    pub sized: u64,
    /// Lines with a hit of at least medium confidence, by their own words.
    pub hits: u64,
    /// The same by category.
    pub hits_by_category: [u64; Category::ALL.len()],
    /// Per client.
    pub clients: CappedMap<Client, ClientStats>,
}

/// Counts of one party.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyCounts {
    /// Requests.
    pub requests: u64,
    /// Those among them that show an attack.
    pub hits: u64,
}

impl Merge for PartyCounts {
    fn merge(&mut self, other: PartyCounts) {
        self.requests.merge(other.requests);
        self.hits.merge(other.hits);
    }
}

impl Aside {
    /// Nothing counted yet.
    pub fn new(caps: Caps) -> Aside {
        let entry = size_of::<(Client, ClientStats)>() + INDEX_BYTES;
        Aside {
            parties: BTreeMap::new(),
            by_class: [0; CLASSES],
            bytes_sent: 0,
            sized: 0,
            hits: 0,
            hits_by_category: [0; Category::ALL.len()],
            clients: CappedMap::new(caps.entries(Share::Aside, entry)),
        }
    }
}

impl Aside {
    /// Counts a request of a party; `categories` is what it shows, empty for nothing.
    pub fn note(&mut self, party: u32, access: &Access<'_>, categories: &[Category]) {
        let class = status_class(access.status);
        let hit = u64::from(!categories.is_empty());
        self.parties.entry(party).or_default().merge(PartyCounts {
            requests: 1,
            hits: hit,
        });
        self.by_class[class] += 1;
        if let Some(bytes) = access.bytes {
            self.bytes_sent = self.bytes_sent.saturating_add(bytes);
            self.sized += 1;
        }
        self.hits += hit;
        for category in categories {
            self.hits_by_category[category.index()] += 1;
        }
        if let Some(client) = self.clients.entry(access.client, ClientStats::default) {
            client.note(access.time.secs(), class, false);
        }
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.by_class.iter().sum()
    }
}

impl Merge for Aside {
    fn merge(&mut self, other: Aside) {
        for (party, counts) in other.parties {
            self.parties.entry(party).or_default().merge(counts);
        }
        self.by_class.merge(other.by_class);
        self.bytes_sent.merge(other.bytes_sent);
        self.sized.merge(other.sized);
        self.hits.merge(other.hits);
        self.hits_by_category.merge(other.hits_by_category);
        self.clients.merge(other.clients);
    }
}

//! A claim about the logs: what, when, who, how sure, and why.
//!
//! Detectors make findings; what belongs together is decided later.

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::evidence::capped::hash_bytes;
use crate::evidence::endpoints::{Endpoint, Sizes};
use crate::evidence::first::Locator;
use crate::evidence::shapes::Shapes;
use crate::focus::{Subject, WindowCounts};
use crate::norms::Norms;
use crate::plan::{self, Plan, Silence, Stretch};
use crate::terms::{Cause, Dimension, Role};
use crate::text::visible;
use crate::time::Time;
use crate::watch::Rise;

/// A claim.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// First evidence.
    pub start: Time,
    /// Last evidence.
    pub end: Time,
    /// Who, sorted; empty when nobody can be named.
    pub clients: Vec<Client>,
    /// The part they play.
    pub role: Option<Role>,
    /// 0..1.
    pub confidence: f64,
    /// The sentences that it rests on, with the numbers.
    pub reasons: Vec<String>,
    /// Lines that prove it.
    pub samples: Vec<Locator>,
}

/// What is claimed.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Traffic above the baseline, and what it is.
    Burst {
        /// `ddos`, `dos`, `flash_crowd`, `crawler` or `server_fault` (retries).
        cause: Cause,
        /// When and how much.
        stretch: Stretch,
        /// Index of its window in the second pass; where a path, network or client rose, that of its rise.
        window: usize,
        /// What rose.
        dimension: Dimension,
        /// Which path, network or client rose; `None` for everything.
        key: Option<String>,
    },
    /// Password guessing on a path.
    BruteForce {
        /// The path as logged.
        path: Box<[u8]>,
        /// When and how much.
        stretch: Stretch,
        /// Index of its window in the second pass.
        window: usize,
        /// Attempts that were answered unlike all others: logins that probably worked.
        successes: Vec<Locator>,
    },
    /// Injection payloads from these clients.
    Injection,
    /// Probes without payloads.
    Scan,
    /// A web shell that answered.
    Webshell,
    /// Answers with 5xx far beyond the usual.
    Failures {
        /// When and how many.
        stretch: Stretch,
        /// Share of the requests meanwhile that failed.
        share: f64,
    },
    /// Nothing was logged.
    Silence(Silence),
}

impl Kind {
    /// True for findings that accuse somebody.
    pub fn is_attack(&self) -> bool {
        match self {
            Kind::Burst { cause, .. } => cause.is_attack(),
            Kind::BruteForce { .. } | Kind::Injection | Kind::Scan | Kind::Webshell => true,
            Kind::Failures { .. } | Kind::Silence(_) => false,
        }
    }
}

/// The part that those play who make a burst.
pub fn role(cause: Cause) -> Option<Role> {
    match cause {
        Cause::FlashCrowd => Some(Role::Crowd),
        Cause::Crawler => Some(Role::Crawler),
        Cause::ServerFault => None,
        Cause::Scan => Some(Role::Scanner),
        _ => Some(Role::Flooder),
    }
}

/// What a detector is given: the counts of both passes.
pub struct Case<'a> {
    /// The access logs.
    pub access: &'a AccessCounts,
    /// The plan made on them.
    pub plan: &'a Plan,
    /// What is ordinary at the places that were attacked.
    pub norms: &'a Norms,
    /// The second pass, one entry for each of the plan's windows.
    pub windows: &'a [WindowCounts],
    /// Paths, networks and clients that rise.
    pub rises: &'a [Rise],
    /// The second pass over those, one entry for each.
    pub risen: &'a [WindowCounts],
}

impl Case<'_> {
    /// Seconds that the records cover.
    pub fn log_seconds(&self) -> i64 {
        self.plan
            .minutes
            .span()
            .map_or(0, |(first, last)| last - first + 1)
    }

    /// How many clients each of those stands for whom a finding names, where its window has more than are kept: a power of
    /// two. Where few sources matter, they are named one by one and stand for themselves.
    pub fn weight_of_a_client(&self, kind: &Kind) -> u64 {
        let (windows, window) = match kind {
            Kind::Burst {
                cause: Cause::Ddos | Cause::FlashCrowd,
                window,
                dimension,
                ..
            } => match dimension {
                Dimension::Total => (self.windows, *window),
                _ => (self.risen, *window),
            },
            Kind::BruteForce { window, .. } => (self.windows, *window),
            _ => return 1,
        };
        let counts = windows.get(window);
        counts.map_or(1, |counts| counts.clients.scaled(1))
    }

    /// A client as text.
    pub fn name(&self, client: Client) -> String {
        match client.ip() {
            Some(address) => address.to_string(),
            None => self.access.names.get(&client).map_or_else(
                || "unknown host".to_string(),
                |text| visible(&text.text).into_owned(),
            ),
        }
    }

    /// A path, network or client as the report names it; `None` for everything, and for a path that is not kept.
    pub fn key(&self, subject: &Subject) -> Option<String> {
        match subject {
            Subject::All => None,
            Subject::Path(hash) => {
                let path = self.access.paths.get(hash)?;
                Some(visible(&path.text).into_owned())
            }
            Subject::Network(network) => Client::network_name(*network),
            Subject::Client(client) => Some(self.name(*client)),
        }
    }

    /// True when the site itself has this path: ordinary visitors got answers from it.
    pub fn is_own_path(&self, path: &[u8]) -> bool {
        /// One or two may be an attacker's own first steps.
        const ORDINARY: u32 = 3;
        if let Some(folder) = Shapes::folder(path) {
            return self.access.shapes.is_own(folder);
        }
        self.access
            .paths
            .get(&hash_bytes(path))
            .is_some_and(|path| path.stats.ordinary >= ORDINARY)
    }

    /// The largest answer to an attempt, if it is larger than any that ordinary visitors get from the page.
    pub fn oversize(&self, endpoint: &Endpoint) -> Option<Oversize> {
        let path = self.access.paths.get(&hash_bytes(&endpoint.path))?;
        let ordinary = path.stats.sizes;
        let (bytes, at) = endpoint.largest.as_slice().first()?;
        let unusual = ordinary.count >= KNOWN && bytes.0 as f64 >= OVERSIZE * ordinary.max as f64;
        unusual.then_some(Oversize {
            bytes: bytes.0,
            at: *at,
            ordinary,
        })
    }

    /// True when the path with this hash is one where people log in: see [`plan::is_login`].
    pub fn is_login(&self, path: u64) -> bool {
        plan::is_login(self.access, path)
    }
}

/// An answer to an attempt is unusual from this multiple of the largest ordinary answer on.
const OVERSIZE: f64 = 1.2;

/// Ordinary answers needed to know what is usual.
const KNOWN: u32 = 10;

/// An answer that is larger than the page's own.
#[derive(Debug, Clone, Copy)]
pub struct Oversize {
    /// Its size.
    pub bytes: u64,
    /// The attempt.
    pub at: Locator,
    /// What ordinary visitors get.
    pub ordinary: Sizes,
}

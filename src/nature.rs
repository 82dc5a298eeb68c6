//! What is behind a burst: an attack, a crowd of real people, a robot, or a server that fails?

use std::collections::BTreeMap;

use crate::evidence::endpoints::Text;
use crate::finding::Case;
use crate::focus::WindowCounts;
use crate::plan::Stretch;
use crate::suspects::Excess;
use crate::terms::Cause;
use crate::text::counted;

/// From this many sources on, a flood is distributed. Blocking ten addresses by hand is still easy.
const DISTRIBUTED: usize = 10;

/// Pages of a crowd pull their images and scripts: this share of the excess, as a multiple of the
/// ordinary share.
const CROWD_ASSETS: f64 = 0.4;

/// A crowd arrives by links and clicks on: this share of its requests name a referer, as a multiple
/// of the ordinary share.
const CROWD_REFERRED: f64 = 0.4;

/// The least share of either, where the rest of the log tells little of what is ordinary.
const CROWD_LEAST: f64 = 0.1;

/// A declared robot sends this share of a crawl's excess.
const CRAWLER_SHARE: f64 = 0.6;

/// Words by which honest robots name themselves in their user agent (RFC 9309 speaks of product
/// tokens; these are the usual parts of them).
const ROBOT_WORDS: [&str; 7] = [
    "bot", "crawl", "spider", "slurp", "archiver", "fetcher", "monitor",
];

/// Failures that began this many seconds before the burst make it the consequence, not the cause.
const FAILED_FIRST_S: i64 = 60;

/// Retries come from clients that were there before: at most this share are newcomers.
const RETRY_NEWCOMERS: f64 = 0.3;

/// Few clients that meet client errors (or send probes) with at least this share of their requests scan.
const SCAN_SHARE: f64 = 0.5;

/// What tells an attack from a crowd, as shares 0..1.
pub struct Signs {
    sources: usize,
    assets: f64,
    referred: f64,
    ordinary_assets: f64,
    ordinary_referred: f64,
    robots: f64,
    newcomers: f64,
    failed_first: bool,
    probing: f64,
}

impl Signs {
    /// Weighs what the second look saw of a burst.
    pub fn new(
        case: &Case<'_>,
        stretch: &Stretch,
        counts: &WindowCounts,
        excess: &Excess,
    ) -> Signs {
        let of_requests = |part: u64| part as f64 / excess.requests.max(1) as f64;
        let failures = &case.plan.failures;
        Signs {
            sources: excess.suspects.len(),
            assets: of_requests(excess.assets),
            referred: of_requests(excess.referred),
            ordinary_assets: excess.ordinary_assets,
            ordinary_referred: excess.ordinary_referred,
            robots: robot_share(case, counts, stretch),
            probing: probing_share(case, excess),
            newcomers: excess.newcomers as f64 / excess.suspects.len().max(1) as f64,
            failed_first: failures.iter().any(|failed| {
                failed.start + FAILED_FIRST_S <= stretch.start && failed.end >= stretch.start
            }),
        }
    }

    /// What it is, with the sentences that say why.
    pub fn cause(&self) -> (Cause, Vec<String>) {
        if self.robots >= CRAWLER_SHARE {
            return (
                Cause::Crawler,
                vec![format!(
                    "{:.0}% of the excess names itself a robot (at least {:.0}% make it a crawl)",
                    self.robots * 100.0,
                    CRAWLER_SHARE * 100.0
                )],
            );
        }
        if self.failed_first && self.newcomers <= RETRY_NEWCOMERS {
            return (
                Cause::ServerFault,
                vec![format!(
                    "failures began before the burst, and only {:.0}% of its clients are new (at most {:.0}% for retries)",
                    self.newcomers * 100.0,
                    RETRY_NEWCOMERS * 100.0
                )],
            );
        }
        if self.sources <= DISTRIBUTED && self.probing >= SCAN_SHARE {
            let reason = format!(
                "{:.0}% of the requests of its {} met client errors or are known probes (at least {:.0}% make it a scan)",
                self.probing * 100.0,
                counted(self.sources as u64, "client", "clients"),
                SCAN_SHARE * 100.0
            );
            return (Cause::Scan, vec![reason]);
        }
        let comparison = format!(
            "{:.0}% of the excess are images, styles and scripts ({:.0}% ordinarily), {:.0}% name a referer ({:.0}% ordinarily)",
            self.assets * 100.0,
            self.ordinary_assets * 100.0,
            self.referred * 100.0,
            self.ordinary_referred * 100.0
        );
        if self.looks_like_people() {
            return (Cause::FlashCrowd, vec![comparison]);
        }
        let cause = if self.sources > DISTRIBUTED {
            Cause::Ddos
        } else {
            Cause::Dos
        };
        (
            cause,
            vec![
                comparison,
                format!(
                    "{} behaved like the excess and unlike ordinary visitors",
                    counted(self.sources as u64, "client", "clients")
                ),
            ],
        )
    }

    /// Real people load what pages consist of and follow links. Where the log knows neither assets nor
    /// referers (an API, the common format), nothing speaks for people.
    fn looks_like_people(&self) -> bool {
        let assets = self.assets >= (CROWD_ASSETS * self.ordinary_assets).max(CROWD_LEAST);
        let referred = self.referred >= (CROWD_REFERRED * self.ordinary_referred).max(CROWD_LEAST);
        self.sources > DISTRIBUTED && assets && referred
    }

    /// Grows with the size of the burst: from a bit above even at the threshold to nearly certain; five times
    /// the baseline are two thirds of the way. Less by a third when nobody can be named.
    pub fn confidence(&self, stretch: &Stretch) -> f64 {
        let size = 1.0 - (-stretch.ratio / 5.0).exp();
        let clear = if self.sources > 0 || self.robots > 0.0 {
            1.0
        } else {
            0.7
        };
        (0.5 + 0.49 * size) * clear
    }
}

/// Share of the suspects' requests, over the whole log, that met client errors or are hits.
fn probing_share(case: &Case<'_>, excess: &Excess) -> f64 {
    let (mut requests, mut probes) = (0, 0);
    for client in &excess.suspects {
        let missed = case
            .access
            .clients
            .get(client)
            .map_or(0, |stats| u64::from(stats.by_class[3]));
        let hits = case
            .access
            .hit_clients
            .get(client)
            .map_or(0, |hits| hits.lines);
        requests += case
            .access
            .clients
            .get(client)
            .map_or(0, |stats| stats.requests());
        probes += missed.max(hits);
    }
    probes as f64 / requests.max(1) as f64
}

/// Share of the excess that user agents with a robot's name bring beyond their own baseline.
fn robot_share(case: &Case<'_>, counts: &WindowCounts, stretch: &Stretch) -> f64 {
    let outside_s = (case.log_seconds() - (stretch.end - stretch.start + 1)).max(1) as f64;
    let window_s = (stretch.end - stretch.start + 1) as f64;
    let beyond_own = |(hash, text): (&u64, &Text<u64>)| {
        let all = case.access.agents.get(hash).map_or(0, |known| known.stats);
        let usual = all.saturating_sub(text.stats) as f64 / outside_s * window_s;
        (text.stats as f64 - usual).max(0.0)
    };
    let mut robots: BTreeMap<bool, f64> = BTreeMap::new();
    for entry in counts.agents.iter() {
        *robots.entry(is_robot(&entry.1.text)).or_default() += beyond_own(entry);
    }
    robots.get(&true).copied().unwrap_or(0.0) / stretch.excess.max(1) as f64
}

/// True when a user agent names itself a robot.
pub fn is_robot(agent: &[u8]) -> bool {
    let agent = String::from_utf8_lossy(agent).to_ascii_lowercase();
    ROBOT_WORDS.iter().any(|word| agent.contains(word))
}

//! The watched series: heavy paths, networks and clients over time, and which of them rise.
//!
//! The survey knows how much each of them asked for, not when. One cheap look over all lines (`sweep`) counts a
//! bounded number of the heaviest by the bucket. What rises is then compared with its own past: a busy office, a
//! monitor and a search bot are as busy as ever.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashMap;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::baseline::{Outline, baseline};
use crate::client::Client;
use crate::counts::AccessCounts;
use crate::evidence::capped::StableHash;
use crate::evidence::caps::{Caps, Share};
use crate::evidence::sieve::Sieve;
use crate::focus::{Subject, Window};
use crate::heavy::{Heaviest, Most, network_hash};
use crate::merge::Merge;
use crate::pass::Limits;
use crate::plan::{Dense, Plan, Stretch};
use crate::terms::Dimension;

/// Memory for the counts, in bytes, if the caps leave as much.
const BUDGET_BYTES: usize = 16 << 20;

/// Series of clients counted at most: more would not be told of.
const MAX_CLIENTS: usize = 1024;
/// Series of networks counted at most.
const MAX_NETWORKS: usize = 512;
/// Series of paths counted at most.
const MAX_PATHS: usize = 256;

/// Series that the memory suffices for at least; the buckets of a long log are widened for that.
const LEAST_SERIES: usize = 256;

/// A rise on its own must bring this many requests beyond its baseline.
const LEAST_EXCESS: f64 = 300.0;

/// And last this long, in seconds: a page with hundreds of pictures, a gallery or a reload held down is over by then.
const LEAST_SECONDS: i64 = 120;

/// And bring this many requests a second beyond its baseline on average: nobody clicks that fast.
const LEAST_RPS: f64 = 0.5;

/// And this share of what everybody's requests usually are at that time. Below it a server has room.
const LEAST_SHARE: f64 = 0.2;

/// The same for what rose before the server began to fail, and until about when that ended: few requests for what takes
/// long occupy all workers of a server that has room for many others.
const LEAST_SHARE_BEFORE_FAILURES: f64 = 0.03;

/// Failures end within this time of what brings them about, in seconds: the queue is worked off, and the last minutes'
/// requests time out.
const FAILS_ON_S: i64 = 10 * 60;

/// Rises on their own looked at, those with the most excess first.
const MAX_ALONE: usize = 20;

/// Rises listed of each dimension within a burst of everything.
const WITHIN: usize = 3;

/// Bursts of everything that are taken apart, the largest first.
const MAX_TAKEN_APART: usize = 20;

/// A key's excess must be this share of a burst's to stand out in it.
const STANDS_OUT: f64 = 0.02;

/// A rise that came at the same hour of another day with at least this share of its requests is a habit.
const HABIT_SHARE: f64 = 0.5;

/// How far from the same hour a habit may be, in seconds: jobs are started by the clock, and take longer some days.
const HABIT_S: i64 = 30 * 60;

/// A day, in seconds.
const DAY_S: i64 = 24 * 3600;

/// A path, network or client that rises.
#[derive(Debug, Clone)]
pub struct Rise {
    /// Which of the three.
    pub dimension: Dimension,
    /// Which path, network or client.
    pub subject: Subject,
    /// When and how much, against its own baseline.
    pub stretch: Stretch,
    /// What everybody's requests usually are meanwhile.
    pub usual: f64,
    /// Index of the burst of everything that it is part of; `None` where there is none.
    pub within: Option<usize>,
}

impl Rise {
    /// What the second pass must count of it.
    pub fn sight(&self, limits: Limits) -> (Window, Subject) {
        let window = Window {
            start: self.stretch.start.max(limits.since),
            end: self.stretch.end.min(limits.until),
            posts_to: None,
            failed: false,
        };
        (window, self.subject)
    }
}

/// Who is watched, and where in the counts.
pub struct Watched {
    subjects: Vec<Subject>,
    clients: HashMap<Client, usize>,
    networks: HashMap<u128, usize>,
    paths: HashMap<u64, usize>,
    sieve: Sieves,
    visitor_rps: f64,
    /// First second of the first bucket, seconds per bucket, buckets.
    start: i64,
    bucket_s: i64,
    buckets: usize,
}

/// A first look at what is watched.
#[derive(Default)]
struct Sieves {
    clients: Sieve,
    networks: Sieve,
    paths: Sieve,
}

/// One row of buckets for each watched subject. All workers count into the same ones: few requests are of anybody who is
/// watched, and rows of their own would take memory by the number of threads.
#[derive(Serialize, Deserialize)]
pub struct Rows(Vec<AtomicU32>);

impl Merge for Rows {
    fn merge(&mut self, other: Rows) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            mine.get_mut().merge(theirs.into_inner());
        }
    }
}

/// Finds what rises: within each burst of everything those that stand out most, and beside them what rises although
/// the sum does not show it.
pub fn rises(watched: &Watched, rows: Rows, plan: &Plan) -> Vec<Rise> {
    if watched.is_idle() {
        return Vec::new();
    }
    let rows: Vec<u32> = rows.0.into_iter().map(AtomicU32::into_inner).collect();
    let survey = Survey {
        watched,
        rows: &rows,
        plan,
        visitor_rps: watched.visitor_rps,
    };
    let mut found = survey.alone();
    found.extend(survey.within_bursts());
    found
}

impl Watched {
    /// The heaviest, as many as the memory suffices for.
    pub fn new(access: &AccessCounts, minutes: &Dense, caps: Caps) -> Watched {
        let cell = size_of::<u32>();
        let budget = BUDGET_BYTES.min(caps.of(Share::Rows));
        let most = (budget / cell / LEAST_SERIES).max(1);
        let factor = minutes.requests.len().div_ceil(most).max(1);
        let buckets = minutes.requests.len().div_ceil(factor);
        let series = budget / cell / buckets.max(1);
        let mut watched = Watched {
            subjects: Vec::new(),
            clients: HashMap::new(),
            networks: HashMap::new(),
            paths: HashMap::new(),
            sieve: Sieves::default(),
            visitor_rps: 0.0,
            start: minutes.start,
            bucket_s: minutes.bucket_s * factor as i64,
            buckets,
        };
        let heaviest = Heaviest::of(
            access,
            Most {
                clients: MAX_CLIENTS.min(series / 2),
                networks: MAX_NETWORKS.min(series / 4),
                paths: MAX_PATHS.min(series / 4),
            },
        );
        watched.visitor_rps = heaviest.visitor_rps;
        for client in heaviest.clients {
            watched.clients.insert(client, watched.subjects.len());
            watched.subjects.push(Subject::Client(client));
        }
        for network in heaviest.networks {
            watched.networks.insert(network, watched.subjects.len());
            watched.subjects.push(Subject::Network(network));
        }
        for path in heaviest.paths {
            watched.paths.insert(path, watched.subjects.len());
            watched.subjects.push(Subject::Path(path));
        }
        watched.sieve = Sieves {
            clients: Sieve::of(watched.clients.keys().map(StableHash::stable_hash)),
            networks: Sieve::of(watched.networks.keys().map(|key| network_hash(*key))),
            paths: Sieve::of(watched.paths.keys().map(StableHash::stable_hash)),
        };
        watched
    }

    /// False for requests that a [`Counter`] would not count; `path` is the path's hash.
    #[inline]
    pub fn may_count(&self, client: Client, path: u64) -> bool {
        let network = || client.network_key().map(network_hash);
        self.sieve.paths.may_hold(path.stable_hash())
            || self.sieve.clients.may_hold(client.stable_hash())
            || !self.sieve.networks.is_empty()
                && network().is_some_and(|hash| self.sieve.networks.may_hold(hash))
    }

    /// True when nothing is watched.
    pub fn is_idle(&self) -> bool {
        self.subjects.is_empty()
    }

    /// Nothing counted yet.
    pub fn rows(&self) -> Rows {
        let cells = self.subjects.len() * self.buckets;
        Rows((0..cells).map(|_| AtomicU32::new(0)).collect())
    }

    /// Counts requests into `rows`, those of one bucket together.
    pub fn counter<'a>(&'a self, rows: &'a Rows) -> Counter<'a> {
        Counter {
            watched: self,
            rows,
            bucket: None,
            counts: vec![0; self.subjects.len()],
            counted: Vec::new(),
        }
    }

    /// The bucket that a second lies in.
    fn bucket(&self, secs: i64) -> Option<Bucket> {
        let index = usize::try_from((secs - self.start).div_euclid(self.bucket_s));
        let index = index.ok().filter(|index| *index < self.buckets)?;
        let start = self.start + index as i64 * self.bucket_s;
        Some(Bucket {
            index,
            seconds: start..start + self.bucket_s,
        })
    }
}

struct Bucket {
    index: usize,
    seconds: Range<i64>,
}

/// Counts requests of what is watched. Lines come in runs of one bucket, and rows that all threads write to at once are
/// slow: so the counts of a bucket are gathered here.
pub struct Counter<'a> {
    watched: &'a Watched,
    rows: &'a Rows,
    bucket: Option<Bucket>,
    /// By subject.
    counts: Vec<u32>,
    /// Subjects whose counts are not zero.
    counted: Vec<usize>,
}

impl Counter<'_> {
    /// Counts a request for a path with this hash.
    pub fn note(&mut self, client: Client, path: u64, secs: i64) {
        let at_hand = |bucket: &Bucket| bucket.seconds.contains(&secs);
        if !self.bucket.as_ref().is_some_and(at_hand) {
            self.file();
            self.bucket = self.watched.bucket(secs);
        }
        let watched = self.watched;
        let network = match watched.networks.is_empty() || self.bucket.is_none() {
            true => None,
            false => client.network_key(),
        };
        let network = network.and_then(|network| watched.networks.get(&network));
        let kept = [
            watched.clients.get(&client),
            network,
            watched.paths.get(&path),
        ];
        for subject in kept.into_iter().flatten() {
            if self.counts[*subject] == 0 {
                self.counted.push(*subject);
            }
            self.counts[*subject] += 1;
        }
    }

    /// Adds what was gathered to the rows. To be called at the end as well.
    pub fn file(&mut self) {
        for subject in self.counted.drain(..) {
            let count = std::mem::take(&mut self.counts[subject]);
            if let Some(bucket) = &self.bucket {
                let cell = subject * self.watched.buckets + bucket.index;
                self.rows.0[cell].fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}

/// The counted series and what they are compared with.
struct Survey<'a> {
    watched: &'a Watched,
    rows: &'a [u32],
    plan: &'a Plan,
    visitor_rps: f64,
}

impl Survey<'_> {
    fn row(&self, index: usize) -> &[u32] {
        &self.rows[index * self.watched.buckets..(index + 1) * self.watched.buckets]
    }

    /// Rises outside of every burst of everything.
    fn alone(&self) -> Vec<Rise> {
        let width = self.watched.bucket_s as f64;
        let usual = self.usual();
        let least = match self.plan.failures.is_empty() {
            true => LEAST_SHARE,
            false => LEAST_SHARE_BEFORE_FAILURES,
        };
        let mut found: Vec<Rise> = (0..self.watched.subjects.len())
            .into_par_iter()
            .filter(|index| may_matter(self.row(*index), &usual, width, least))
            .flat_map_iter(|index| self.outlines(index, &usual))
            .filter(|rise| self.is_alone(rise) && matters(rise, self.least_share(rise)))
            .collect();
        found.sort_by_key(|rise| (Reverse(rise.stretch.excess), self.order(rise)));
        found.truncate(MAX_ALONE);
        found
    }

    /// The share of everybody's requests from which a rise matters.
    fn least_share(&self, rise: &Rise) -> f64 {
        let stretch = &rise.stretch;
        let mut failures = self.plan.failures.iter();
        let fails_with = failures.any(|failed| {
            (stretch.start..stretch.end).contains(&failed.start)
                && failed.end.abs_diff(stretch.end) <= FAILS_ON_S as u64
        });
        match fails_with {
            true => LEAST_SHARE_BEFORE_FAILURES,
            false => LEAST_SHARE,
        }
    }

    /// A stable order of subjects.
    fn order(&self, rise: &Rise) -> (i64, u8, u128) {
        let (dimension, key) = match rise.subject {
            Subject::All => (0, 0),
            Subject::Path(path) => (1, u128::from(path)),
            Subject::Network(network) => (2, network),
            Subject::Client(client) => (3, client.key()),
        };
        (rise.stretch.start, dimension, key)
    }

    /// What everybody's requests usually are, in the buckets of the watched series.
    fn usual(&self) -> Vec<f64> {
        let factor = (self.watched.bucket_s / self.plan.minutes.bucket_s.max(1)).max(1) as usize;
        let expected = self.plan.normal.expected.chunks(factor);
        expected.map(|part| part.iter().sum()).collect()
    }

    fn outlines(&self, index: usize, usual: &[f64]) -> Vec<Rise> {
        let row = self.row(index);
        let minutes = self.watched.bucket_s as f64 / 60.0;
        let silent = vec![false; row.len()];
        let found = baseline(row, &silent, minutes, LEAST_EXCESS, CORE_SHARE).outlines;
        let rises = found.into_iter().map(|outline| {
            let usual: f64 = usual[outline.start..outline.end].iter().sum();
            let stretch = self
                .plan
                .minutes
                .stretch_of(&outline, row, self.watched.bucket_s);
            self.rise(index, stretch, usual, None)
        });
        rises
            .filter(|rise| !self.is_habit(index, &rise.stretch))
            .collect()
    }

    fn rise(&self, index: usize, stretch: Stretch, usual: f64, within: Option<usize>) -> Rise {
        let subject = self.watched.subjects[index];
        let (dimension, floor) = match subject {
            Subject::Client(_) => (Dimension::Client, self.visitor_rps),
            Subject::Network(_) => (Dimension::Network, self.visitor_rps),
            Subject::Path(_) => (Dimension::Path, 0.0),
            Subject::All => (Dimension::Total, 0.0),
        };
        let baseline_rps = stretch.baseline_rps.max(floor);
        let seconds = (stretch.end - stretch.start + 1) as f64;
        Rise {
            dimension,
            subject,
            stretch: Stretch {
                baseline_rps,
                excess: (stretch.count as f64 - baseline_rps * seconds).max(0.0) as u64,
                ratio: stretch.peak_rps / baseline_rps.max(f64::MIN_POSITIVE),
                ..stretch
            },
            usual,
            within,
        }
    }

    fn is_alone(&self, rise: &Rise) -> bool {
        let mut bursts = self.plan.bursts.iter().chain(&self.plan.pages);
        !bursts.any(|burst| burst.start <= rise.stretch.end && rise.stretch.start <= burst.end)
    }

    /// True when about as many came at the same hour of the day before or after: a job that the clock starts.
    fn is_habit(&self, index: usize, stretch: &Stretch) -> bool {
        let row = self.row(index);
        let last = self.watched.start + self.watched.bucket_s * row.len() as i64;
        [-DAY_S, DAY_S].into_iter().any(|day| {
            let (start, end) = (stretch.start + day - HABIT_S, stretch.end + day + HABIT_S);
            start >= self.watched.start
                && end <= last
                && self.between(row, start, end) as f64 >= HABIT_SHARE * stretch.count as f64
        })
    }

    /// Sum of a row between two seconds, to the bucket.
    fn between(&self, row: &[u32], start: i64, end: i64) -> u64 {
        let bucket = |secs: i64| {
            let at = (secs - self.watched.start).div_euclid(self.watched.bucket_s);
            usize::try_from(at).unwrap_or(0).min(row.len())
        };
        let inside = row[bucket(start)..(bucket(end) + 1).min(row.len())].iter();
        inside.map(|count| u64::from(*count)).sum()
    }

    /// Of each of the largest bursts of everything, the paths, networks and clients that stand out most.
    fn within_bursts(&self) -> Vec<Rise> {
        let mut bursts: Vec<(usize, &Stretch)> = self.plan.bursts.iter().enumerate().collect();
        bursts.sort_by_key(|(index, burst)| (Reverse(burst.excess), *index));
        bursts.truncate(MAX_TAKEN_APART);
        let rises = bursts.into_iter().flat_map(|(at, burst)| {
            let mut all: Vec<(f64, usize)> = (0..self.watched.subjects.len())
                .map(|index| (self.excess(index, burst), index))
                .filter(|(excess, _)| *excess >= (STANDS_OUT * burst.excess as f64).max(1.0))
                .collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let of = |is: fn(&Subject) -> bool| {
                let all = all.iter().map(|(_, index)| *index);
                let ours = all.filter(move |index| is(&self.watched.subjects[*index]));
                ours.take(WITHIN).collect::<Vec<_>>()
            };
            let paths = of(|subject| matches!(subject, Subject::Path(_)));
            let networks = of(|subject| matches!(subject, Subject::Network(_)));
            let clients = of(|subject| matches!(subject, Subject::Client(_)));
            let chosen = paths.into_iter().chain(networks).chain(clients);
            chosen
                .map(|index| self.part(index, at, burst))
                .collect::<Vec<_>>()
        });
        rises.collect()
    }

    /// What a key brings in a burst beyond its own rate in the rest of the log.
    fn excess(&self, index: usize, burst: &Stretch) -> f64 {
        let row = self.row(index);
        let inside = self.between(row, burst.start, burst.end);
        inside as f64 - self.own_rps(index, burst) * (burst.end - burst.start + 1) as f64
    }

    /// A key's rate in the rest of the log.
    fn own_rps(&self, index: usize, burst: &Stretch) -> f64 {
        let row = self.row(index);
        let all: u64 = row.iter().map(|count| u64::from(*count)).sum();
        let outside = all - self.between(row, burst.start, burst.end);
        let seconds = self.watched.bucket_s * row.len() as i64 - (burst.end - burst.start + 1);
        outside as f64 / seconds.max(1) as f64
    }

    /// The part of a key in a burst: from the first to the last bucket in which it is well above its own rate.
    fn part(&self, index: usize, at: usize, burst: &Stretch) -> Rise {
        let (row, width) = (self.row(index), self.watched.bucket_s);
        let own = self.own_rps(index, burst);
        let bucket = |secs: i64| {
            let at = (secs - self.watched.start).div_euclid(width).max(0) as usize;
            at.min(row.len() - 1)
        };
        let beyond = |at: usize| f64::from(row[at]) - own * width as f64;
        let inside = || bucket(burst.start)..bucket(burst.end) + 1;
        let most = inside().map(beyond).fold(0.0, f64::max);
        let high = |at: &usize| beyond(*at) >= CORE_SHARE * most;
        let first = inside().find(high).unwrap_or(bucket(burst.start));
        let last = inside().rfind(high).unwrap_or(first);
        // A flood that swells begins before it is large.
        let near = |minutes: f64| ((minutes * 60.0 / width as f64).ceil() as usize).max(1);
        let noise = |at: &usize| beyond(*at) >= LEAST_BEYOND + NOISE * (own * width as f64).sqrt();
        let before = first.saturating_sub(near(SWELL_MINUTES))..first;
        let after = last + 1..(last + 1 + near(SWELL_MINUTES)).min(row.len());
        let first = reached(before.rev(), first, near(PAUSE_MINUTES), noise);
        let last = reached(after, last, near(PAUSE_MINUTES), noise);
        let outline = Outline {
            start: first,
            end: last + 1,
            baseline: own * width as f64,
            ratio: 0.0,
            ratio_at_most: 0.0,
            sigma: burst.sigma,
        };
        let stretch = self.plan.minutes.stretch_of(&outline, row, width);
        self.rise(index, stretch, 0.0, Some(at))
    }
}

/// A rise's core, as a share of its highest excess.
const CORE_SHARE: f64 = 0.1;

/// How long before and after a burst its swelling and ebbing are followed, in minutes.
const SWELL_MINUTES: f64 = 30.0;

/// A pause that does not end them, in minutes.
const PAUSE_MINUTES: f64 = 5.0;

/// A bucket is beyond a key's own rate by more than chance from so many standard deviations and requests on.
const NOISE: f64 = 3.0;
/// See [`NOISE`].
const LEAST_BEYOND: f64 = 3.0;

/// The last of the buckets, in the order given, that are `high` with no longer pause than `pause` between them.
fn reached(
    buckets: impl Iterator<Item = usize>,
    from: usize,
    pause: usize,
    high: impl Fn(&usize) -> bool,
) -> usize {
    let mut last = from;
    for at in buckets {
        if at.abs_diff(last) > pause {
            break;
        }
        if high(&at) {
            last = at;
        }
    }
    last
}

/// Whether any hour, or less, of a series can be a rise that [`matters`]: cheap, so that few are segmented.
fn may_matter(row: &[u32], usual: &[f64], bucket_s: f64, least_share: f64) -> bool {
    let hour = ((3600.0 / bucket_s).ceil() as usize).max(1);
    let lengths = [hour / 30, hour / 6, hour].map(|length| length.clamp(1, row.len()));
    lengths.into_iter().any(|length| {
        let mut sum: u64 = row[..length - 1]
            .iter()
            .map(|count| u64::from(*count))
            .sum();
        let mut expected: f64 = usual[..length - 1].iter().sum();
        (length - 1..row.len()).any(|last| {
            sum += u64::from(row[last]);
            expected += usual[last];
            let enough = sum as f64 >= (least_share * expected).max(LEAST_EXCESS / 2.0);
            sum -= u64::from(row[last + 1 - length]);
            expected -= usual[last + 1 - length];
            enough
        })
    })
}

/// Long enough, fast enough, and much of what the server usually has to do.
fn matters(rise: &Rise, least_share: f64) -> bool {
    let seconds = rise.stretch.end - rise.stretch.start + 1;
    let excess = rise.stretch.excess as f64;
    seconds >= LEAST_SECONDS
        && excess >= LEAST_EXCESS
        && excess / seconds as f64 >= LEAST_RPS
        && excess >= least_share * rise.usual
}

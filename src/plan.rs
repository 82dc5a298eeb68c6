//! Between the passes: where in the log is it worth a second look? Pure arithmetic on the survey.

mod silence;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::baseline::{Baseline, Outline, baseline};
use crate::counts::AccessCounts;
use crate::evidence::endpoints::Posts;
use crate::evidence::series::{Minute, Series};
use crate::focus::Window;
use crate::merge::Merge;
use crate::pass::Limits;
use crate::pattern::words::Meaning;

/// Bursts of less excess than this are a visitor's click trail.
const MIN_BURST_EXCESS: f64 = 100.0;

/// A burst of pages alone must bring at least this share of what everybody's requests are: a script or a
/// search bot that comes for a while is an ordinary thing, and a server made for its busiest hour has room for it.
const PAGES_MATTER: f64 = 0.3;

/// Failed answers beyond the usual that make a run of failures.
const MIN_FAILURES: f64 = 20.0;

/// POST requests to one path beyond the usual that may be password guessing.
const MIN_POSTS: f64 = 30.0;

/// POST requests to a login beside its bursts from which the whole log is searched for slow guessing: a client or a
/// herd that tries fewer passwords than this gets nowhere.
const MIN_LASTING_POSTS: u64 = 100;

/// A POST burst must reach this multiple of the path's own baseline: logins come in waves.
const POST_RATIO: f64 = 5.0;

/// Requests a bucket should hold on average for its count to mean something.
const PER_BUCKET: f64 = 4.0;

/// A burst's core is where its excess is at least this share of the highest segment's: what rises before a
/// flood (a scan, say) is another story, and a flood's own slow ramp is found by its clients. Failures
/// have no such core: their first minute is part of the outage.
const CORE_SHARE: f64 = 0.1;

/// Paths looked at for POST bursts, by most POSTs.
const MAX_POST_PATHS: usize = 50;

/// Minutes kept dense at most: two years. Records further out (a clock that was wrong) are left out of
/// the search for bursts, and the report says so.
pub const MAX_DENSE_MINUTES: i64 = 2 * 366 * 24 * 60;

/// A silence shorter than this is not looked at, in seconds.
const MIN_SILENCE_S: i64 = 30;

/// A silence must be this many times the longest gap that is ordinary in the log.
const SILENCE_RATIO: i64 = 4;

/// How many gaps may be outages without shaping what is ordinary: the larger of this number and
/// [`UNUSUAL_SHARE`] of all gaps.
const UNUSUAL_GAPS: usize = 5;
const UNUSUAL_SHARE: f64 = 0.01;

/// A stretch of time in which a count stands out of its baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// First second.
    pub start: i64,
    /// Last second.
    pub end: i64,
    /// Counts per second expected.
    pub baseline_rps: f64,
    /// First second of the busiest bucket.
    pub peak_at: i64,
    /// Counts per second in it.
    pub peak_rps: f64,
    /// Counts within.
    pub count: u64,
    /// Counts above the baseline.
    pub excess: u64,
    /// Highest multiple of the baseline.
    pub ratio: f64,
    /// Standard deviations of the excess.
    pub sigma: f64,
    /// The log begins inside it.
    pub at_log_start: bool,
    /// The log stops inside it.
    pub at_log_end: bool,
}

impl Stretch {
    /// True for one that stands for the whole log, in which nothing stands out: what is slow and lasting is
    /// looked for in it.
    pub fn is_lasting(&self) -> bool {
        self.excess == 0 && self.sigma == 0.0
    }
}

/// A time without a line that chance does not explain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silence {
    /// Second of the last request before.
    pub start: i64,
    /// Second of the first request after.
    pub end: i64,
    /// Requests that the baseline would have brought.
    pub expected: f64,
}

/// The plan.
pub struct Plan {
    /// The dense minutes it was made on.
    pub minutes: Dense,
    /// Expected requests per bucket.
    pub normal: Baseline,
    /// All requests.
    pub bursts: Vec<Stretch>,
    /// Rises of pages that the sum of all requests does not show, as stretches of all requests. What pages pull in
    /// comes in clumps, one visit at a time, and hides in its noise what asks for pages alone: which
    /// is how floods come, and what costs a server most.
    pub pages: Vec<Stretch>,
    /// Answers with 5xx.
    pub failures: Vec<Stretch>,
    /// POST requests to one path, with the path's hash.
    pub posts: Vec<(u64, Stretch)>,
    /// Nothing logged.
    pub silences: Vec<Silence>,
}

impl Plan {
    /// Makes the plan.
    pub fn new(counts: &AccessCounts) -> Plan {
        let minutes = Dense::new(&counts.minutes);
        let (silences, silent) = minutes.silences();
        let find = |series: &[u32], least: f64, core: f64| {
            baseline(series, &silent, minutes.bucket_minutes(), least, core)
        };
        let normal = find(&minutes.requests, MIN_BURST_EXCESS, CORE_SHARE);
        let failed = find(&minutes.errors, MIN_FAILURES, 0.0);
        let all = |found: &Baseline, series: &[u32]| {
            found
                .outlines
                .iter()
                .map(|outline| minutes.stretch(outline, series))
                .collect::<Vec<_>>()
        };
        let silences = minutes.confirmed(silences, &normal, &silent);
        let bursts = all(&normal, &minutes.requests);
        let failures = minutes.runs(&failed);
        let posts = post_bursts(counts, &minutes, &silent);
        let paged = find(&minutes.pages, MIN_BURST_EXCESS, CORE_SHARE);
        let pages = minutes.hidden(&paged, &normal);
        Plan {
            minutes,
            normal,
            bursts,
            pages,
            failures,
            posts,
            silences,
        }
    }

    /// Leaves out failures that their own clients brought about, by minutes since the epoch: what is left tells
    /// whether the service failed for anybody else.
    pub fn set_aside(&mut self, own: &BTreeMap<i64, Own>) {
        let minutes = &mut self.minutes;
        for (minute, own) in own {
            let at = minutes.bucket(minute * 60);
            minutes.errors[at] = minutes.errors[at].saturating_sub(own.failed);
            minutes.aside[at] += own.requests;
        }
        minutes.failed.retain(|failed| {
            let own = own.get(&failed.first.div_euclid(60));
            own.is_none_or(|own| own.failed < failed.count)
        });
        let (_, silent) = minutes.silences();
        let width = minutes.bucket_minutes();
        let failed = baseline(&minutes.errors, &silent, width, MIN_FAILURES, 0.0);
        self.failures = minutes.runs(&failed);
    }

    /// Index of the first window of a rise of pages alone.
    pub fn first_pages_window(&self) -> usize {
        self.bursts.len() + self.posts.len()
    }

    /// What the second pass must look at: every burst, then every POST burst, then every rise of pages alone, in
    /// order.
    pub fn windows(&self, limits: Limits) -> Vec<Window> {
        let whole = |burst: &Stretch| Window {
            start: burst.start,
            end: burst.end,
            posts_to: None,
            failed: false,
        };
        let posts = self.posts.iter().map(|(path, burst)| Window {
            start: burst.start,
            end: burst.end,
            posts_to: Some(*path),
            failed: false,
        });
        let within = |window: Window| Window {
            start: window.start.max(limits.since),
            end: window.end.min(limits.until),
            ..window
        };
        let bursts = self.bursts.iter().map(whole);
        let pages = self.pages.iter().map(whole);
        bursts.chain(posts).chain(pages).map(within).collect()
    }
}

fn post_bursts(counts: &AccessCounts, minutes: &Dense, silent: &[bool]) -> Vec<(u64, Stretch)> {
    let mut paths: Vec<(u64, u64, &Posts)> = counts
        .paths
        .iter()
        .filter_map(|(hash, path)| {
            path.stats
                .posts
                .as_deref()
                .map(|posts| (posts.total(), *hash, posts))
        })
        .filter(|(total, _, _)| *total as f64 >= MIN_POSTS)
        .collect();
    paths.sort_unstable_by_key(|(total, hash, _)| (std::cmp::Reverse(*total), *hash));
    paths.truncate(MAX_POST_PATHS);
    let bursts = paths.into_iter().flat_map(|(total, hash, posts)| {
        let coarse = minutes.coarser(total);
        let series = coarse.spread(&posts.minutes());
        let silent = coarse.widened(silent, minutes);
        let found = baseline(
            &series,
            &silent,
            coarse.bucket_minutes(),
            MIN_POSTS,
            CORE_SHARE,
        );
        let usual = median(&series, &silent).max(1.0);
        let mean = |outline: &Outline| {
            f64::from(series[outline.start..outline.end].iter().sum::<u32>())
                / (outline.end - outline.start) as f64
        };
        let strong = found
            .outlines
            .into_iter()
            .filter(|outline| mean(outline) >= POST_RATIO * usual);
        let mut stretches: Vec<(u64, Stretch)> = strong
            .map(|outline| (hash, coarse.stretch(&outline, &series)))
            .collect();
        let in_bursts: u64 = stretches.iter().map(|(_, burst)| burst.count).sum();
        if is_login(counts, hash) && total - in_bursts.min(total) >= MIN_LASTING_POSTS {
            stretches.extend(coarse.lasting(total).map(|whole| (hash, whole)));
        }
        stretches
    });
    bursts.collect()
}

/// True when the path with this hash is one where people log in: by its name, or because most of what is
/// posted there is denied.
pub fn is_login(counts: &AccessCounts, path: u64) -> bool {
    /// Share of answers with 401 or 403 that marks a path as one that checks passwords, whatever its name.
    const DENIED: f64 = 0.5;
    let Some(path) = counts.paths.get(&path) else {
        return false;
    };
    let posts = path.stats.posts.as_deref();
    Meaning::Login.is_in(&path.text)
        || posts.is_some_and(|posts| f64::from(posts.denied) >= DENIED * posts.total() as f64)
}

/// Median of what is not silent.
fn median(series: &[u32], silent: &[bool]) -> f64 {
    let mut values: Vec<u32> = series
        .iter()
        .zip(silent)
        .filter(|(_, silent)| !**silent)
        .map(|(count, _)| *count)
        .collect();
    values.sort_unstable();
    values
        .get(values.len() / 2)
        .map_or(0.0, |middle| f64::from(*middle))
}

/// The survey's minutes without holes, in buckets wide enough that most hold something.
#[derive(Debug, Clone, Default)]
pub struct Dense {
    /// First second of the first bucket.
    pub start: i64,
    /// Seconds per bucket.
    pub bucket_s: i64,
    /// Requests per bucket.
    pub requests: Vec<u32>,
    /// Those among them that are for no image, style or script.
    pub pages: Vec<u32>,
    /// Answers with 5xx per bucket.
    pub errors: Vec<u32>,
    /// Answers with 502 or 504 per bucket.
    pub gateway: Vec<u32>,
    /// Refused requests (403, 429, 444) per bucket.
    pub refused: Vec<u32>,
    /// Requests per bucket that were [set aside](Plan::set_aside).
    pub aside: Vec<u32>,
    /// Occupied minutes: first and last second with a request.
    occupied: Vec<(i64, i64)>,
    /// Minutes with 5xx.
    failed: Vec<Failed>,
}

/// A minute with answers of 5xx.
#[derive(Debug, Clone, Copy)]
struct Failed {
    /// First second with one.
    first: i64,
    /// Last second with one.
    last: i64,
    /// How many.
    count: u32,
}

/// What clients brought about themselves in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// Requests.
    pub requests: u32,
    /// Answers with 5xx.
    pub failed: u32,
}

impl Merge for Own {
    fn merge(&mut self, other: Own) {
        self.requests.merge(other.requests);
        self.failed.merge(other.failed);
    }
}

impl Dense {
    fn new(series: &Series<Minute>) -> Dense {
        let cells: Vec<(i64, &Minute)> = trimmed(series);
        let (Some((first, _)), Some((last, _))) = (cells.first(), cells.last()) else {
            return Dense {
                bucket_s: 60,
                ..Dense::default()
            };
        };
        let width = bucket_minutes(&cells);
        let (first, buckets) = (
            first.div_euclid(width) * width,
            (last.div_euclid(width) - first.div_euclid(width) + 1),
        );
        let mut dense = Dense {
            start: first * 60,
            bucket_s: width * 60,
            requests: vec![0; buckets as usize],
            pages: vec![0; buckets as usize],
            errors: vec![0; buckets as usize],
            gateway: vec![0; buckets as usize],
            refused: vec![0; buckets as usize],
            aside: vec![0; buckets as usize],
            occupied: Vec::with_capacity(cells.len()),
            failed: Vec::new(),
        };
        for (minute, cell) in cells {
            let at = ((minute - first) / width) as usize;
            dense.requests[at] += cell.requests;
            dense.pages[at] += cell.requests.saturating_sub(cell.assets);
            dense.errors[at] += cell.errors_5xx;
            dense.gateway[at] += cell.gateway;
            dense.refused[at] += cell.refused;
            let edge = |second: u8| minute * 60 + i64::from(second);
            dense
                .occupied
                .push((edge(cell.first_second), edge(cell.last_second)));
            if cell.errors_5xx > 0 {
                dense.failed.push(Failed {
                    first: edge(cell.first_failed),
                    last: edge(cell.last_failed),
                    count: cell.errors_5xx,
                });
            }
        }
        dense
    }

    /// Bucket width in minutes.
    pub fn bucket_minutes(&self) -> f64 {
        self.bucket_s as f64 / 60.0
    }

    /// First and last second with a record.
    pub fn span(&self) -> Option<(i64, i64)> {
        Some((self.occupied.first()?.0, self.occupied.last()?.1))
    }

    /// The bucket that `secs` falls in.
    pub fn bucket(&self, secs: i64) -> usize {
        ((secs - self.start).div_euclid(self.bucket_s).max(0) as usize)
            .min(self.requests.len().saturating_sub(1))
    }

    /// Sums a series from `start` to `end` (seconds, to the bucket).
    pub fn sum(&self, series: &[u32], start: i64, end: i64) -> u64 {
        if series.is_empty() {
            return 0;
        }
        series[self.bucket(start)..=self.bucket(end)]
            .iter()
            .map(|count| u64::from(*count))
            .sum()
    }

    /// The same time in buckets wide enough for a series of `total` counts.
    fn coarser(&self, total: u64) -> Dense {
        let per_bucket = total as f64 / self.requests.len().max(1) as f64;
        let factor = [1, 5, 15, 30]
            .into_iter()
            .find(|factor| per_bucket * *factor as f64 >= PER_BUCKET)
            .unwrap_or(60);
        let buckets = self.requests.len().div_ceil(factor);
        Dense {
            bucket_s: self.bucket_s * factor as i64,
            requests: vec![0; buckets],
            start: self.start,
            ..Dense::default()
        }
    }

    /// A mask over `finer` buckets as one over these: silent where all of it is.
    fn widened(&self, mask: &[bool], finer: &Dense) -> Vec<bool> {
        let factor = (self.bucket_s / finer.bucket_s.max(1)).max(1) as usize;
        mask.chunks(factor)
            .map(|part| part.iter().all(|silent| *silent))
            .collect()
    }

    /// (minute, count) pairs as a series of these buckets.
    fn spread(&self, minutes: &[(i64, u32)]) -> Vec<u32> {
        let mut series = vec![0; self.requests.len()];
        for (minute, count) in minutes {
            let at = (minute * 60 - self.start).div_euclid(self.bucket_s);
            if let Some(cell) = usize::try_from(at).ok().and_then(|at| series.get_mut(at)) {
                *cell += count;
            }
        }
        series
    }

    fn stretch(&self, outline: &Outline, series: &[u32]) -> Stretch {
        self.stretch_of(outline, series, self.bucket_s)
    }

    /// An outline of a series that begins with these buckets and is `bucket_s` seconds a bucket wide, as times and
    /// rates.
    pub fn stretch_of(&self, outline: &Outline, series: &[u32], bucket_s: i64) -> Stretch {
        let inside = &series[outline.start..outline.end];
        let count: u64 = inside.iter().map(|count| u64::from(*count)).sum();
        let second = |bucket: usize| self.start + bucket as i64 * bucket_s;
        let peak = (outline.start..outline.end)
            .max_by_key(|at| (series[*at], std::cmp::Reverse(*at)))
            .unwrap_or(outline.start);
        let width = bucket_s as f64;
        let normal = outline.baseline * inside.len() as f64;
        Stretch {
            start: second(outline.start),
            end: second(outline.end) - 1,
            baseline_rps: outline.baseline / width,
            peak_at: second(peak),
            peak_rps: f64::from(series[peak]) / width,
            count,
            excess: (count as f64 - normal).max(0.0) as u64,
            ratio: outline.ratio,
            sigma: outline.sigma,
            at_log_start: outline.start == 0,
            at_log_end: outline.end == series.len(),
        }
    }

    /// The runs of failures that a baseline of them outlines.
    fn runs(&self, failed: &Baseline) -> Vec<Stretch> {
        let outlines = failed.outlines.iter();
        outlines
            .map(|outline| self.to_the_second(self.stretch(outline, &self.errors)))
            .collect()
    }

    /// All failures as one run, from the first to the last.
    pub fn all_failures(&self) -> Option<Stretch> {
        let whole = Outline {
            start: 0,
            end: self.errors.len(),
            baseline: 0.0,
            ratio: 1.0,
            ratio_at_most: 1.0,
            sigma: 0.0,
        };
        let failed = !self.failed.is_empty();
        failed.then(|| self.to_the_second(self.stretch(&whole, &self.errors)))
    }

    /// Last second of the failures in a bucket, if it has any.
    pub fn last_failure(&self, bucket: usize) -> Option<i64> {
        let start = self.start + bucket as i64 * self.bucket_s;
        let inside = self.failed.iter();
        inside
            .filter(|failed| (start..start + self.bucket_s).contains(&failed.first))
            .map(|failed| failed.last)
            .max()
    }

    /// All of the time, for a series of `total` counts in which nothing stands out.
    fn lasting(&self, total: u64) -> Option<Stretch> {
        let end = self.start + self.requests.len() as i64 * self.bucket_s - 1;
        let seconds = (end - self.start + 1) as f64;
        (!self.requests.is_empty()).then_some(Stretch {
            start: self.start,
            end,
            baseline_rps: total as f64 / seconds,
            peak_at: self.start,
            peak_rps: total as f64 / seconds,
            count: total,
            excess: 0,
            ratio: 1.0,
            sigma: 0.0,
            at_log_start: false,
            at_log_end: false,
        })
    }

    /// Rises of pages that no burst of all requests covers, and that matter to the whole.
    fn hidden(&self, pages: &Baseline, normal: &Baseline) -> Vec<Stretch> {
        let apart = |found: &&Outline| {
            let mut bursts = normal.outlines.iter();
            !bursts.any(|burst| burst.start < found.end && found.start < burst.end)
        };
        let all = pages.outlines.iter().filter(apart).filter_map(|found| {
            let inside = found.start..found.end;
            let usual: f64 = normal.expected[inside.clone()].iter().sum();
            let count = |series: &[u32]| -> f64 {
                series[inside.clone()]
                    .iter()
                    .map(|count| f64::from(*count))
                    .sum()
            };
            let excess = count(&self.pages) - found.baseline * inside.len() as f64;
            let ratio = count(&self.requests) / usual.max(1.0);
            let whole = Outline {
                baseline: usual / inside.len() as f64,
                ratio,
                ..*found
            };
            (excess >= PAGES_MATTER * usual).then(|| self.stretch(&whole, &self.requests))
        });
        all.collect()
    }

    /// A run of failures from its first failed answer to its last.
    fn to_the_second(&self, run: Stretch) -> Stretch {
        let inside = || {
            let failed = self.failed.iter();
            failed.filter(|failed| failed.first >= run.start && failed.last <= run.end)
        };
        Stretch {
            start: inside()
                .map(|failed| failed.first)
                .min()
                .unwrap_or(run.start),
            end: inside().map(|failed| failed.last).max().unwrap_or(run.end),
            ..run
        }
    }

    /// Gaps that are unusual for this log, and the buckets that lie wholly inside one.
    fn silences(&self) -> (Vec<(i64, i64)>, Vec<bool>) {
        let gaps: Vec<(i64, i64)> = self
            .occupied
            .windows(2)
            .map(|pair| (pair[0].1, pair[1].0))
            .collect();
        let mut lengths: Vec<i64> = gaps.iter().map(|(start, end)| end - start).collect();
        lengths.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
        let rank = UNUSUAL_GAPS.max((lengths.len() as f64 * UNUSUAL_SHARE) as usize);
        let ordinary = lengths.get(rank).copied().unwrap_or(0);
        let least = MIN_SILENCE_S.max(ordinary * SILENCE_RATIO);
        let long: Vec<(i64, i64)> = gaps
            .into_iter()
            .filter(|(start, end)| end - start >= least)
            .collect();
        let mut silent = vec![false; self.requests.len()];
        for (start, end) in &long {
            let buckets = self.bucket(*start)..=self.bucket(*end);
            for (silent, requests) in silent[buckets.clone()]
                .iter_mut()
                .zip(&self.requests[buckets])
            {
                *silent |= *requests == 0;
            }
        }
        (long, silent)
    }
}

/// The occupied minutes, without the few far-off ones that a wrong clock left behind.
fn trimmed(series: &Series<Minute>) -> Vec<(i64, &Minute)> {
    /// Share of the requests at either end that may be left out to get below the cap.
    const STRAY: f64 = 0.001;
    let mut cells: Vec<(i64, &Minute)> = series.iter().collect();
    let too_long = |cells: &[(i64, &Minute)]| matches!((cells.first(), cells.last()), (Some(first), Some(last)) if last.0 - first.0 >= MAX_DENSE_MINUTES);
    if too_long(&cells) {
        let total: u64 = cells.iter().map(|(_, cell)| u64::from(cell.requests)).sum();
        let stray = (total as f64 * STRAY) as u64;
        let mut before = 0;
        cells.retain(|(_, cell)| {
            before += u64::from(cell.requests);
            (stray + 1..=total - stray).contains(&before)
        });
    }
    if too_long(&cells)
        && let Some(last) = cells.last().map(|(minute, _)| *minute)
    {
        cells.retain(|(minute, _)| last - minute < MAX_DENSE_MINUTES);
    }
    cells
}

/// The narrowest usual width that leaves nine of ten steps between occupied minutes within one
/// bucket: sparse logs, and logs whose lines come once an hour, need wide buckets.
fn bucket_minutes(cells: &[(i64, &Minute)]) -> i64 {
    let mut steps: Vec<i64> = cells.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() * 9 / 10).copied().unwrap_or(1);
    [1, 2, 5, 10, 15, 30]
        .into_iter()
        .find(|width| *width >= usual)
        .unwrap_or(60)
}

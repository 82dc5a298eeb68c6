//! How the service did over time, told from the plan's counts: when it was ordinary again, when refusals began,
//! which share failed.

use crate::plan::Plan;

/// Buckets in a row that must be ordinary again.
const CALM_BUCKETS: usize = 3;

/// A bucket is ordinary again with at most this share of failed answers beside the usual ones ...
const CALM_FAILURES: f64 = 0.02;

/// ... and this share of refused ones over all those buckets, since a limit that is left in place hits a visitor
/// now and then ...
const CALM_REFUSALS: f64 = 0.1;

/// ... of which so many times the share before the trouble are usual; shares of single minutes scatter ...
const USUAL_FAILURES: f64 = 2.0;

/// ... and with requests between these multiples of the baseline, all buckets together ...
const CALM_RATE: std::ops::Range<f64> = 0.3..2.0;

/// ... or as near to it as chance allows where requests are few: so many standard deviations.
const CALM_SIGMAS: f64 = 3.0;

/// A bucket is compared with at least so many expected requests, so that a quiet night divides nothing
/// by zero.
const LEAST_EXPECTED: f64 = 0.1;

/// Refusals (403, 429, 444) of one bucket from which limits and blocks bite.
pub const REFUSALS: u64 = 20;

/// Share of a bucket's requests that refusals must be: a site's own 403s are no limit.
const REFUSED_SHARE: f64 = 0.1;

/// The service over time, with the trouble beginning at `onset` (seconds since the epoch).
pub struct Service<'a> {
    plan: &'a Plan,
    onset: i64,
    /// Ordinary share of failed answers.
    usual: f64,
    /// Ordinary share of refused answers.
    usual_refused: f64,
}

impl<'a> Service<'a> {
    /// Looks at what was usual before the trouble.
    pub fn new(plan: &'a Plan, onset: i64) -> Service<'a> {
        let minutes = &plan.minutes;
        let before = 0..minutes.bucket(onset).min(minutes.requests.len());
        let sum = |series: &[u32]| -> f64 {
            let inside = series[before.clone()].iter();
            inside.map(|count| f64::from(*count)).sum()
        };
        let requests = sum(&minutes.requests).max(1.0);
        Service {
            usual: sum(&minutes.errors) / requests,
            usual_refused: sum(&minutes.refused) / requests,
            plan,
            onset,
        }
    }

    /// The first second after `after` from which requests, failures and refusals are what is usual for some
    /// buckets; to the bucket, or to the second where `after` says when the trouble ended.
    pub fn ordinary_from(&self, after: i64, exact: bool) -> Option<i64> {
        let minutes = &self.plan.minutes;
        let first = minutes.bucket(after);
        let at = (first..minutes.requests.len().saturating_sub(CALM_BUCKETS)).find(|at| {
            let buckets = *at..at + CALM_BUCKETS;
            buckets.clone().all(|at| self.answers(at))
                && self.is_unlimited(buckets.clone())
                && self.is_visited(buckets)
        })?;
        let start = minutes.start + at as i64 * minutes.bucket_s;
        // Of the bucket in which the trouble ends, what comes after it may be ordinary already.
        let edge = minutes
            .last_failure(first)
            .map_or(after, |last| after.max(last + 1));
        Some(match exact && at <= first + 1 {
            true => edge.min(start.max(after)),
            false => start.max(after),
        })
    }

    /// Failures are what is usual.
    fn answers(&self, at: usize) -> bool {
        let minutes = &self.plan.minutes;
        let requests = f64::from(minutes.requests[at]);
        let allowed = (CALM_FAILURES + USUAL_FAILURES * self.usual) * requests;
        f64::from(minutes.errors[at]) <= allowed.max(1.0)
    }

    /// Requests are as many as usual.
    fn is_visited(&self, buckets: std::ops::Range<usize>) -> bool {
        let normal = &self.plan.normal;
        let expected: f64 = normal.expected[buckets.clone()].iter().sum();
        let expected = expected.max(LEAST_EXPECTED);
        let requests = self.plan.minutes.requests[buckets].iter();
        let requests: f64 = requests.map(|count| f64::from(*count)).sum();
        let chance = CALM_SIGMAS * (normal.dispersion.over(1) * expected).sqrt();
        CALM_RATE.contains(&(requests / expected)) || (requests - expected).abs() <= chance
    }

    /// Refusals are what is usual.
    fn is_unlimited(&self, buckets: std::ops::Range<usize>) -> bool {
        let minutes = &self.plan.minutes;
        let sum = |series: &[u32]| -> f64 {
            let inside = series[buckets.clone()].iter();
            inside.map(|count| f64::from(*count)).sum()
        };
        let allowed = CALM_REFUSALS + USUAL_FAILURES * self.usual_refused;
        sum(&minutes.refused) <= (allowed * sum(&minutes.requests)).max(1.0)
    }

    /// The first second of the bucket, at the onset or later, in which limits and blocks begin to bite.
    pub fn first_refusals(&self, until: i64) -> Option<i64> {
        let minutes = &self.plan.minutes;
        if minutes.requests.is_empty() {
            return None;
        }
        let bites = |at: &usize| {
            let refused = minutes.refused[*at];
            let share = f64::from(refused) / f64::from(minutes.requests[*at].max(1));
            u64::from(refused) >= REFUSALS && share >= REFUSED_SHARE + self.usual_refused
        };
        let at = (minutes.bucket(self.onset)..=minutes.bucket(until)).find(bites)?;
        Some((minutes.start + at as i64 * minutes.bucket_s).max(self.onset))
    }

    /// Share of the requests from `start` to `end`, to the bucket, that failed with 5xx.
    pub fn failed(&self, start: i64, end: i64) -> Option<f64> {
        let minutes = &self.plan.minutes;
        if start > end || minutes.requests.is_empty() {
            return None;
        }
        let requests = minutes.sum(&minutes.requests, start, end);
        let failed = minutes.sum(&minutes.errors, start, end);
        (requests > 0).then(|| failed as f64 / requests as f64)
    }

    /// Share of the requests that failed before the onset, and after `end`: whole buckets outside the trouble.
    pub fn failed_around(&self, end: i64) -> (Option<f64>, Option<f64>) {
        let Some((first, last)) = self.plan.minutes.span() else {
            return (None, None);
        };
        let width = self.plan.minutes.bucket_s;
        (
            self.failed(first, self.onset - width)
                .filter(|_| first <= self.onset - width),
            self.failed(end + width, last)
                .filter(|_| end + width <= last),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::AccessCounts;
    use crate::pass::Bounded;

    const MINUTE: i64 = 60;
    /// Requests in every ordinary minute.
    const USUAL: u32 = 50;

    /// What was answered in a minute: requests, failures, refusals.
    type Answered = (u32, u32, u32);

    /// A log of an hour from the epoch on, with `trouble` from minute 20 on.
    fn plan(trouble: &[Answered]) -> Plan {
        let mut counts = AccessCounts::new(60, Default::default());
        for minute in 0..60usize {
            let answered = minute.checked_sub(20).and_then(|at| trouble.get(at));
            let (requests, failed, refused) = *answered.unwrap_or(&(USUAL, 0, 0));
            let cell = counts.minutes.cell(minute as i64 * MINUTE);
            cell.requests = requests;
            cell.refused = refused;
            (cell.first_second, cell.last_second) = (0, 59);
            if failed > 0 {
                cell.errors_5xx = failed;
                (cell.first_failed, cell.last_failed) = (3, 41);
            }
        }
        counts.flush();
        Plan::new(&counts)
    }

    #[test]
    fn ordinary_after_the_last_failure_to_the_second() {
        let plan = plan(&[(50, 40, 0), (50, 40, 0)]);
        let service = Service::new(&plan, 20 * MINUTE);
        let last = 21 * MINUTE + 41;
        assert_eq!(service.ordinary_from(last, true), Some(last + 1));
        // Where only the bucket is known, its successor is the first that is ordinary as a whole.
        assert_eq!(service.ordinary_from(last, false), Some(22 * MINUTE));
    }

    #[test]
    fn limits_and_floods_are_not_ordinary_although_nothing_fails() {
        let limited = plan(&[(50, 0, 30); 5]);
        let service = Service::new(&limited, 20 * MINUTE);
        assert_eq!(service.ordinary_from(20 * MINUTE, false), Some(25 * MINUTE));
        let flooded = plan(&[(500, 0, 0); 5]);
        let service = Service::new(&flooded, 20 * MINUTE);
        assert_eq!(service.ordinary_from(20 * MINUTE, false), Some(25 * MINUTE));
    }

    #[test]
    fn too_short_a_calm_is_none() {
        let calm = (50, 0, 0);
        let plan = plan(&[(50, 40, 0), calm, calm, (50, 40, 0)]);
        let service = Service::new(&plan, 20 * MINUTE);
        assert_eq!(service.ordinary_from(21 * MINUTE, false), Some(24 * MINUTE));
    }

    #[test]
    fn nothing_is_ordinary_when_the_log_ends_in_trouble() {
        let plan = plan(&[(50, 40, 0); 40]);
        let service = Service::new(&plan, 20 * MINUTE);
        assert_eq!(service.ordinary_from(30 * MINUTE, false), None);
    }

    #[test]
    fn refusals_bite_when_they_are_many_and_a_share_of_all() {
        let few = (50, 0, REFUSALS as u32 - 1);
        let thin = (1_000, 0, REFUSALS as u32);
        let many = (100, 0, REFUSALS as u32);
        let plan = plan(&[few, thin, many]);
        let service = Service::new(&plan, 20 * MINUTE);
        assert_eq!(service.first_refusals(40 * MINUTE), Some(22 * MINUTE));
        assert_eq!(service.first_refusals(21 * MINUTE), None, "too early");
    }

    #[test]
    fn failures_are_shares_of_whole_buckets_around_the_trouble() {
        let plan = plan(&[(50, 25, 0), (50, 25, 0)]);
        let service = Service::new(&plan, 20 * MINUTE);
        let (start, end) = (20 * MINUTE, 22 * MINUTE - 1);
        assert_eq!(service.failed(start, end), Some(0.5));
        assert_eq!(service.failed(end, start), None);
        assert_eq!(service.failed_around(end), (Some(0.0), Some(0.0)));
        let all = Service::new(&plan, 0);
        assert_eq!(all.failed_around(60 * MINUTE), (None, None));
    }

    #[test]
    fn an_empty_log_says_nothing() {
        let plan = Plan::new(&AccessCounts::new(60, Default::default()));
        let service = Service::new(&plan, 0);
        assert_eq!(service.ordinary_from(0, true), None);
        assert_eq!(service.first_refusals(100), None);
        assert_eq!(service.failed(0, 100), None);
        assert_eq!(service.failed_around(100), (None, None));
    }
}

//! Which gaps of a log are silences that chance does not explain, and no night either.

use super::{Dense, Silence};
use crate::baseline::Baseline;

/// Chance allows a silence of `x` expected requests with probability `exp(-x)`; over a year of minutes
/// (half a million, `e^13`) this many keeps a false alarm below one in a thousand years.
const SILENCE_EXPECTED: f64 = 20.0;

/// Occupied minutes from which the gaps between them tell what is ordinary: a gap of four times the hundredth
/// longest then has, with an exponential tail, a chance of 0.01^4.
const MANY_GAPS: usize = 500;

/// How long before and after a gap the traffic is looked at, in seconds: a site that falls asleep does so over
/// hours, a server that dies was busy just before, or is when it is back.
const AROUND_S: i64 = 3600;

/// Seconds of a day, and of how many days to either side the same hours are looked at: a week, for what is closed
/// on one day of it.
const DAY_S: i64 = 24 * 3600;
const DAYS: i64 = 7;

/// Of a gap, this part in the middle is held against other days: nights do not end at the same minute.
const MIDDLE: f64 = 0.5;

/// A stretch is as quiet as a gap with less than this share of the requests that the gap lacks.
const AS_QUIET: f64 = 0.1;

impl Dense {
    /// Those gaps in which the usual traffic would have brought too many requests for chance, and which are not
    /// just as silent on other days.
    pub(super) fn confirmed(
        &self,
        gaps: Vec<(i64, i64)>,
        normal: &Baseline,
        silent: &[bool],
    ) -> Vec<Silence> {
        let expected = |(start, end): (i64, i64)| {
            let buckets = &normal.expected[self.bucket(start)..=self.bucket(end)];
            let rate = buckets.iter().sum::<f64>() / buckets.len() as f64 / self.bucket_s as f64;
            let before = self.rate(start - AROUND_S, start, silent);
            let after = self.rate(end, end + AROUND_S, silent);
            rate.min(before.max(after)) * (end - start) as f64
        };
        // With many gaps the longest ordinary one already tells how clumped the traffic is.
        let clump = if self.occupied.len() >= MANY_GAPS {
            1.0
        } else {
            normal.dispersion.over(1)
        };
        gaps.into_iter()
            .map(|gap| Silence {
                start: gap.0,
                end: gap.1,
                expected: expected(gap),
            })
            .filter(|silence| silence.expected / clump >= SILENCE_EXPECTED)
            .filter(|silence| !self.is_usual(silence))
            .collect()
    }

    /// Requests a second over the part of a stretch that is not silent.
    fn rate(&self, start: i64, end: i64, silent: &[bool]) -> f64 {
        let buckets = self.bucket(start)..=self.bucket(end);
        let awake = buckets.filter(|at| !silent[*at]);
        let (mut requests, mut seconds) = (0, 0);
        for at in awake {
            requests += self.requests[at];
            seconds += self.bucket_s;
        }
        f64::from(requests) / seconds.max(1) as f64
    }

    /// Whether the same hours of other days are as quiet, at least half of those that the log covers.
    fn is_usual(&self, silence: &Silence) -> bool {
        let Some((first, last)) = self.span() else {
            return false;
        };
        let cut = ((silence.end - silence.start) as f64 * (1.0 - MIDDLE) / 2.0) as i64;
        let few = silence.expected * MIDDLE * AS_QUIET;
        let (mut known, mut quiet) = (0, 0);
        for day in (-DAYS..=DAYS).filter(|day| *day != 0) {
            let (start, end) = (
                silence.start + cut + day * DAY_S,
                silence.end - cut + day * DAY_S,
            );
            if start >= first && end <= last {
                known += 1;
                quiet += u32::from((self.sum(&self.requests, start, end) as f64) < few);
            }
        }
        known > 0 && 2 * quiet >= known
    }
}

#[cfg(test)]
mod tests {
    use crate::counts::AccessCounts;
    use crate::pass::Bounded;
    use crate::plan::{Plan, Silence};

    const HOUR: i64 = 60;
    const DAY: i64 = 24 * HOUR;

    /// The silences of a log with so many requests in each minute (of the epoch) up to `minutes`.
    fn silences(minutes: i64, requests: impl Fn(i64) -> u32) -> Vec<Silence> {
        let mut counts = AccessCounts::new(60, Default::default());
        for minute in 0..minutes {
            let requests = requests(minute);
            if requests > 0 {
                let cell = counts.minutes.cell(minute * 60);
                cell.requests = requests;
                (cell.first_second, cell.last_second) = (5, 50);
            }
        }
        counts.flush();
        Plan::new(&counts).silences
    }

    #[test]
    fn a_busy_server_that_says_nothing_is_down() {
        let down = 200..210;
        let found = silences(6 * HOUR, |minute| match down.contains(&minute) {
            true => 0,
            false => 60,
        });
        let [silence] = found[..] else {
            panic!("{found:?}");
        };
        // From the last request before to the first after, and what the baseline brings meanwhile.
        assert_eq!((silence.start, silence.end), (199 * 60 + 50, 210 * 60 + 5));
        assert!(
            (550.0..=650.0).contains(&silence.expected),
            "{} requests are missing",
            silence.expected
        );
    }

    #[test]
    fn few_requests_missing_are_chance() {
        // As long a gap, where it lacks but a fifteenth as much.
        let gap = 200..204;
        let found = silences(6 * HOUR, |minute| match gap.contains(&minute) {
            true => 0,
            false => 4,
        });
        assert_eq!(found, []);
    }

    #[test]
    fn nights_are_silent_every_day_and_an_outage_on_one() {
        let open = |minute: i64| (8 * HOUR..18 * HOUR).contains(&minute.rem_euclid(DAY));
        let down = 2 * DAY + 12 * HOUR..2 * DAY + 13 * HOUR;
        let requests = |minute: i64| match open(minute) && !down.contains(&minute) {
            true => 12,
            false => 0,
        };
        let found = silences(5 * DAY, requests);
        let starts: Vec<i64> = found.iter().map(|silence| silence.start).collect();
        assert_eq!(starts, [(down.start - 1) * 60 + 50]);
    }

    #[test]
    fn traffic_that_ebbs_before_a_gap_and_flows_after_it_fell_asleep() {
        // One evening and one morning: no other day tells that nights are quiet.
        let (evening, morning) = (4 * HOUR, 10 * HOUR);
        let found = silences(14 * HOUR, |minute| {
            let away = (evening - minute).max(minute - morning);
            match away {
                ..0 => 0,
                0..60 => u32::from(away % 20 == 0),
                _ => 20,
            }
        });
        assert_eq!(found, []);
    }
}

//! Which part of a log the records of a time lie in, found without reading the rest.
//!
//! Servers write one line after the other, so times run forward, but for lines that were written late: Apache logs when
//! a request began, and writes the line when it ends. A few places are looked at (*probes*). They show how far times run
//! back, and everything is taken to lie within twice that of its order, and within some minutes at least. Then whatever
//! stands before a record that is older than the time asked for by more than this can be left out, and likewise
//! whatever stands after one that is younger; where to cut is found by halving. A log that is out of order is
//! read whole.

use std::ops::Range;

use crate::chunk::MAX_LINE;
use crate::format::spec::{Arena, Desk};
use crate::pass::{Limits, Log, Part};

/// Smaller logs are read whole, which takes no longer.
const LEAST_BYTES: usize = 1 << 20;

/// Places looked at in any case, spread evenly.
const PLACES: usize = 64;

/// Places that must have a time.
const LEAST_PLACES: usize = PLACES / 2;

/// Bytes of lines that are read at each place: some hundred lines, which show how far times run back.
const PROBE_BYTES: usize = 32 << 10;

/// Bytes within which a place must have a record.
const REACH: usize = MAX_LINE;

/// What a line may be late by at least, in seconds: servers give up on a silent connection after one (Apache's
/// `Timeout`, nginx's `proxy_read_timeout`), and downloads take longer.
const LEAST_SLACK_S: i64 = 5 * 60;

/// Beyond this, in seconds, the log is not in order, or its clock was set.
const MOST_SLACK_S: i64 = 3 * 3600;

/// Lines are late by at most this many times what the probes show.
const SLACK_FACTOR: i64 = 2;

/// Bytes before a part whose lines are counted, so that lines have their numbers. Memory is read at gigabytes a
/// second, so that this takes milliseconds.
const COUNTED: usize = 64 << 20;

/// The part of each log that can hold records of this time; `None` for all of it.
pub fn parts(logs: &[Log<'_>], limits: Limits) -> Vec<Option<Range<usize>>> {
    logs.iter().map(|log| part(log, limits)).collect()
}

/// Narrows logs to their parts.
pub fn narrow(logs: &mut [Log<'_>], parts: Vec<Option<Range<usize>>>) {
    for (log, part) in logs.iter_mut().zip(parts) {
        let Some(bytes) = part else {
            continue;
        };
        let between = log.part.bytes.start..bytes.start;
        let lines = || log.bytes.ends(between.clone());
        let before = log.part.lines_before;
        let before = before.filter(|_| between.len() <= COUNTED);
        log.part = Part {
            lines_before: before.map(|before| before + lines()),
            bytes,
        };
    }
}

/// The part; `None` for all of it.
fn part(log: &Log<'_>, limits: Limits) -> Option<Range<usize>> {
    let bounded = limits.since > i64::MIN || limits.until < i64::MAX;
    let whole = log.part.bytes.clone();
    if !bounded || whole.len() < LEAST_BYTES {
        return None;
    }
    let step = whole.len() / PLACES;
    let mut probes = Probes::default();
    for place in 0..PLACES {
        probes.look(log, whole.start + place * step);
    }
    probes.look(log, whole.end - PROBE_BYTES);
    if probes.0.len() < LEAST_PLACES {
        return None;
    }
    let slack = probes.slack()?;
    let since = limits.since.saturating_sub(slack);
    let until = limits.until.saturating_add(slack);
    let start = probes.cut_before(log, since).unwrap_or(whole.start);
    let end = probes.cut_after(log, until).unwrap_or(whole.end);
    // Halving looked at more places, which may tell more.
    let sure = probes.slack()? <= slack && start <= end;
    let found = start..end;
    (sure && found != whole).then_some(found)
}

/// What some lines show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Probe {
    /// Where the first of them begins.
    start: usize,
    /// Where the last of them ends, its line end included.
    end: usize,
    /// Earliest and latest time, seconds since the epoch.
    first: i64,
    last: i64,
    /// How far times run back within, in seconds.
    back: i64,
}

/// The probes of a log, by where they begin.
#[derive(Debug, Default)]
struct Probes(Vec<Probe>);

impl Probes {
    /// Looks at the lines from `at` on.
    fn look(&mut self, log: &Log<'_>, at: usize) -> Option<Probe> {
        let probe = probe(log, at)?;
        if let Err(place) = self
            .0
            .binary_search_by_key(&probe.start, |known| known.start)
        {
            self.0.insert(place, probe);
        }
        Some(probe)
    }

    /// What a line may be late by, in seconds; `None` if that is too much for a log in order.
    fn slack(&self) -> Option<i64> {
        let back = |probe: &Probe| {
            // Where halving came near, probes share lines.
            let before = self.0.iter().filter(|other| other.end <= probe.start);
            let latest = before.map(|other| other.last).max();
            let across = latest.map_or(0, |latest| latest.saturating_sub(probe.first));
            across.max(probe.back)
        };
        let back = self.0.iter().map(back).max().unwrap_or(0);
        let slack = back.saturating_mul(SLACK_FACTOR).max(LEAST_SLACK_S);
        (slack <= MOST_SLACK_S).then_some(slack)
    }

    /// Where to begin reading for records from second `since` on, which allows for lateness: at lines that are all older, so
    /// that some before the time asked for are read as well. What shows no time is kept.
    /// `None` where nothing is.
    fn cut_before(&mut self, log: &Log<'_>, since: i64) -> Option<usize> {
        let older = |probe: &&Probe| probe.last < since;
        let mut low = self.0.iter().rfind(older).copied()?;
        let next = self.0.iter().find(|probe| probe.start > low.start);
        let mut high = next.map_or(log.part.bytes.end, |probe| probe.start);
        while high.saturating_sub(low.end) > PROBE_BYTES {
            let middle = low.end + (high - low.end) / 2;
            match self.look(log, middle) {
                Some(found) if found.start >= high => high = middle,
                Some(found) if found.last < since => low = found,
                _ => high = middle,
            }
        }
        Some(low.start)
    }

    /// Where to end reading for records up to second `until`, likewise.
    fn cut_after(&mut self, log: &Log<'_>, until: i64) -> Option<usize> {
        let younger = |probe: &&Probe| probe.first > until;
        let mut high = self.0.iter().find(younger).copied()?;
        let before = self.0.iter().rfind(|probe| probe.start < high.start);
        let mut low = before.map_or(log.part.bytes.start, |probe| probe.end);
        while high.start.saturating_sub(low) > PROBE_BYTES {
            let middle = low + (high.start - low) / 2;
            match self.look(log, middle) {
                Some(found) if found.start >= high.start => low = middle,
                Some(found) if found.first > until => high = found,
                Some(found) => low = found.end.max(middle),
                None => low = middle,
            }
        }
        Some(high.end)
    }
}

/// Looks at the lines that begin at byte `at` or after it; `None` if no record is near.
fn probe(log: &Log<'_>, at: usize) -> Option<Probe> {
    let reach = at.saturating_add(REACH + PROBE_BYTES);
    let start = match at {
        0 => 0,
        // Where a line begins at once, the byte before says so.
        _ => log.bytes.feed(at - 1, reach)? + 1,
    };
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let mut found: Option<Probe> = None;
    for (place, line) in log.bytes.lines(start..reach) {
        if found.is_some() && place - start >= PROBE_BYTES {
            break;
        }
        let Ok(event) = log.read(line, place as u64, &mut desk) else {
            continue;
        };
        let time = event.time().secs();
        let probe = found.get_or_insert(Probe {
            start,
            end: 0,
            first: time,
            last: time,
            back: 0,
        });
        probe.back = probe.back.max(probe.last.saturating_sub(time));
        probe.first = probe.first.min(time);
        probe.last = probe.last.max(time);
        probe.end = log.bytes.line_end(place);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::format::combined::COMBINED;
    use crate::time::Time;
    use proptest::prelude::*;

    /// 2026-05-19T00:00:00Z.
    const DAY: i64 = 1_779_148_800;

    /// Lines with these times, seconds since [`DAY`].
    fn log(times: impl Iterator<Item = i64>) -> String {
        let line = |secs: i64| {
            let (day, secs) = (19 + secs.div_euclid(86_400), secs.rem_euclid(86_400));
            let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
            format!(
                "192.0.2.1 - - [{day:02}/May/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \
                 \"Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\"\n"
            )
        };
        times.map(line).collect()
    }

    fn read(text: &str) -> Log<'_> {
        Log::of(&COMBINED, text.as_bytes()).unwrap()
    }

    fn limits(since: i64, until: i64) -> Limits {
        Limits {
            since: DAY + since,
            until: DAY + until,
        }
    }

    /// Every record within the limits, by its place.
    fn within(log: &Log<'_>, range: Range<usize>, limits: Limits) -> Vec<usize> {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let lines = crate::chunk::lines(log.bytes.get(range.clone()));
        lines
            .filter_map(|(offset, line)| {
                let at = range.start + offset;
                let Ok(Event::Access(access)) = log.read(line, at as u64, &mut desk) else {
                    panic!("the part begins in the middle of a line");
                };
                limits.contain(access.time.secs()).then_some(at)
            })
            .collect()
    }

    #[test]
    fn little_more_than_the_time_asked_for_is_read() {
        let text = log((0..40_000).map(|n| n * 4));
        let log = read(&text);
        let asked = limits(80_000, 80_600);
        let part = part(&log, asked).unwrap();
        let all = 0..text.len();
        assert_eq!(within(&log, part.clone(), asked), within(&log, all, asked));
        let lines = 2 * (LEAST_SLACK_S / 4) + 150;
        let most = lines as usize * 130 + 5 * PROBE_BYTES;
        assert!(part.len() < most, "{part:?} of {}", text.len());
        let mut logs = [log];
        let parts = parts(&logs, asked);
        narrow(&mut logs, parts);
        let before = text[..part.start].lines().count() as u64;
        assert_eq!(
            (&logs[0].part.bytes, logs[0].part.lines_before),
            (&part, Some(before))
        );
    }

    #[test]
    fn a_time_before_after_or_around_the_log_is_no_trouble() {
        let text = log((0..20_000).map(|n| n * 4));
        let log = read(&text);
        assert_eq!(part(&log, limits(-9000, 90_000)), None);
        for asked in [
            limits(-9000, -8000),
            limits(900_000, 900_001),
            limits(0, 0),
            limits(79_996, 79_996),
        ] {
            let range = part(&log, asked).unwrap();
            assert!(range.len() < text.len() / 4, "{range:?}");
            assert_eq!(
                within(&log, range, asked),
                within(&log, 0..text.len(), asked)
            );
        }
    }

    #[test]
    fn what_is_out_of_order_or_small_is_read_whole() {
        let asked = limits(40_000, 40_600);
        let swapped = log((0..40_000).map(|n| (n + 20_000) % 40_000 * 4));
        assert_eq!(part(&read(&swapped), asked), None);
        let few = log((0..1000).map(|n| n * 90));
        assert_eq!(part(&read(&few), asked), None);
        let ordered = log((0..40_000).map(|n| n * 4));
        let ever = Limits {
            since: i64::MIN,
            until: i64::MAX,
        };
        assert_eq!(part(&read(&ordered), ever), None);
        assert!(
            part(
                &read(&ordered),
                Limits {
                    since: DAY + 120_000,
                    ..ever
                }
            )
            .is_some()
        );
        assert!(
            Time::from_secs(DAY)
                .to_rfc3339()
                .starts_with("2026-05-19T00:00:00")
        );
    }

    #[test]
    fn a_place_without_records_is_kept() {
        let mut text = log((0..60_000).map(|n| n * 4));
        let middle = text.len() / 2 / 131 * 131;
        let middle = middle + text[middle..].find('\n').unwrap() + 1;
        text.insert_str(middle, &"x".repeat(3 * MAX_LINE));
        text.insert(middle + 3 * MAX_LINE, '\n');
        let log = read(&text);
        let asked = limits(10_000, 10_600);
        let range = part(&log, asked).unwrap();
        assert!(range.end < middle);
        assert_eq!(within(&log, range, asked).len(), 151);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// Where lines are late by no more than what is allowed for, nothing of what was asked for is left out.
        #[test]
        fn nothing_that_was_asked_for_is_left_out(
            late in proptest::collection::vec(0..LEAST_SLACK_S, 997),
            pace in 1i64..40,
            since in 0i64..400_000,
            length in 0i64..20_000,
        ) {
            let count = 12_000usize;
            let time = |n: usize| n as i64 * pace - late[n * 31 % late.len()] * i64::from(n.is_multiple_of(17));
            let text = log((0..count).map(time));
            let log = read(&text);
            let asked = limits(since, since + length);
            if let Some(range) = part(&log, asked) {
                prop_assert_eq!(within(&log, range, asked), within(&log, 0..text.len(), asked));
            }
        }
    }
}

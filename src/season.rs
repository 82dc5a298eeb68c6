//! Summer and winter time in logs that write no zone: from which line on which offset holds.
//!
//! In autumn an hour of the wall clock comes twice, in spring one is left out. Where the offsets are known (a zone was
//! named, or an access log writes them), only the repeated hour is open, and the order of the lines settles it. Where
//! nothing is known, times that run back by an hour at a full hour tell of the autumn.

use crate::format::spec::{Arena, Desk};
use crate::pass::{Clock, Log};
use crate::time::{LocalTime, Time, UtcOffset, Zone};

/// Places of a log at which its times are looked at.
const PLACES: usize = 2048;

/// Logs up to this size are looked at line by line where nothing but the order tells.
const SMALL: usize = 64 << 20;

/// The step of the clock in autumn and spring, in seconds: an hour, but on Lord Howe Island (IANA tz database).
const STEP_S: i64 = 3600;

/// Lines are written late by less than this, in seconds; a clock that runs back by more was set.
const LATE_S: i64 = 600;

/// Which offset held from which second since the epoch on, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regimes(Vec<(i64, UtcOffset)>);

impl Regimes {
    /// Those of a zone between two points in time.
    pub fn of(zone: Zone, first: Time, last: Time) -> Regimes {
        const DAY_S: i64 = 86_400;
        let offset = |secs: i64| zone.offset_at(Time::from_secs(secs));
        let mut regimes = vec![(i64::MIN, offset(first.secs() - DAY_S))];
        let mut day = first.secs() - DAY_S;
        while day < last.secs() + DAY_S {
            let (mut before, mut after) = (day, day + DAY_S);
            if offset(before) != offset(after) {
                while after - before > 1 {
                    let middle = before + (after - before) / 2;
                    match offset(middle) == offset(before) {
                        true => before = middle,
                        false => after = middle,
                    }
                }
                regimes.push((after, offset(after)));
            }
            day += DAY_S;
        }
        Regimes(regimes)
    }

    /// Those that a log writes itself; `None` if it writes none or always the same.
    pub fn written(log: &Log<'_>) -> Option<Regimes> {
        let mut seen: Vec<(i64, UtcOffset)> = probes(log)
            .into_iter()
            .filter_map(|probe| Some((probe.time.secs(), probe.zone?)))
            .collect();
        seen.sort_by_key(|(secs, _)| *secs);
        let mut regimes = vec![(i64::MIN, seen.first()?.1)];
        for pair in seen.windows(2) {
            let ((before, _), (after, zone)) = (pair[0], pair[1]);
            if regimes.last().is_some_and(|(_, last)| *last != zone) {
                // Clocks are moved at full hours of UTC: the last one before the first line that tells.
                let hour = after.div_euclid(STEP_S) * STEP_S;
                regimes.push((if hour > before { hour } else { after }, zone));
            }
        }
        (regimes.len() > 1).then_some(Regimes(regimes))
    }

    /// The offsets that a wall clock may have had when it showed this, the earlier first. More than one in the
    /// repeated hour; none in the hour that was left out, to which the later offset is given.
    fn candidates(&self, local: LocalTime) -> impl Iterator<Item = UtcOffset> {
        let ends = self.0[1..].iter().map(|(from, _)| *from).chain([i64::MAX]);
        let spans = self.0.iter().zip(ends);
        spans.filter_map(move |((from, offset), end)| {
            let secs = local.at(*offset).secs();
            (*from <= secs && secs < end).then_some(*offset)
        })
    }

    fn has(&self, offset: UtcOffset) -> bool {
        self.0.iter().any(|(_, known)| *known == offset)
    }
}

/// The offsets of a log's wall clock: `base` holds unless `regimes`, if they know it, or the order of the lines say
/// otherwise.
pub fn clock(log: &Log<'_>, base: UtcOffset, regimes: Option<&Regimes>) -> Clock {
    match regimes.filter(|regimes| regimes.has(base)) {
        Some(regimes) => by_regimes(log, base, regimes),
        None => by_order(log, base),
    }
}

/// The offsets of a log's wall clock in a zone.
pub fn in_zone(log: &Log<'_>, zone: Zone) -> Clock {
    let times = || probes(log).into_iter().map(|probe| probe.time);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Clock::fixed(zone.offset_at(Time::default()));
    };
    match zone {
        Zone::Fixed(offset) => Clock::fixed(offset),
        Zone::Named(_) => clock(
            log,
            zone.offset_at(first),
            Some(&Regimes::of(zone, first, last)),
        ),
    }
}

/// Whether the records of a log say in which zone their times are.
pub fn writes_zone(log: &Log<'_>) -> bool {
    let head = records(log, 0, log.bytes.len());
    let mut times = head.take(HEAD_LINES).flatten();
    times.next().is_none_or(|probe| probe.zone.is_some())
}

/// Lines looked at for the zone.
const HEAD_LINES: usize = 200;

/// A line's place and time.
#[derive(Debug, Clone, Copy)]
struct Probe {
    at: u64,
    time: Time,
    zone: Option<UtcOffset>,
}

impl Probe {
    fn local(self) -> LocalTime {
        LocalTime::from_micros(self.time.micros())
    }
}

/// The first record after each of many places.
fn probes(log: &Log<'_>) -> Vec<Probe> {
    /// Lines looked at in each place before giving it up.
    const TRIES: usize = 32;
    let mut found: Vec<Probe> = Vec::new();
    for place in 0..PLACES {
        let at = log.bytes.len() / PLACES * place;
        if found.last().is_some_and(|last| last.at >= at as u64) {
            continue;
        }
        let start = match log.bytes.near_feed(at, log.bytes.len()) {
            _ if place == 0 => 0,
            Some(end) => end + 1,
            None => continue,
        };
        found.extend(
            records(log, start, log.bytes.len())
                .take(TRIES)
                .flatten()
                .next(),
        );
    }
    found
}

/// The lines from one byte to another; `None` for what is no record.
fn records<'l>(
    log: &'l Log<'_>,
    start: usize,
    end: usize,
) -> impl Iterator<Item = Option<Probe>> + 'l {
    log.bytes.few_lines(start..end).map(move |(at, line)| {
        let at = at as u64;
        let arena = Arena::new();
        let event = log.reader.read(line, at, &mut Desk::new(&arena)).ok()?;
        Some(Probe {
            at,
            time: event.time(),
            zone: event.utc_offset(),
        })
    })
}

fn by_regimes(log: &Log<'_>, base: UtcOffset, regimes: &Regimes) -> Clock {
    let sure = |probe: &Probe| {
        let mut candidates = regimes.candidates(probe.local());
        let one = candidates.next();
        one.filter(|_| candidates.next().is_none())
    };
    let probes = probes(log);
    let mut known = probes
        .iter()
        .filter_map(|probe| Some((probe, sure(probe)?)));
    let Some((mut before, mut offset)) = known.next() else {
        return beginning(log, log.bytes.len(), regimes, base);
    };
    let end = log.bytes.len().min(before.at as usize + 1);
    let mut clock = beginning(log, end, regimes, offset);
    for (probe, new) in known {
        if new != offset {
            // From the last place that is sure of the old to the first that is sure of the new.
            let end = log.bytes.len().min(probe.at as usize + 1);
            settle(log, (before.at as usize, end), regimes, &mut clock);
            if clock.at(probe.at) != new {
                clock.changes.push((probe.at, new));
            }
            offset = new;
        }
        before = probe;
    }
    // The log may end within the repeated hour.
    settle(
        log,
        (before.at as usize, log.bytes.len()),
        regimes,
        &mut clock,
    );
    clock
}

/// The clock of a log's beginning, up to where `then` holds. A log may begin within the repeated hour, or lie in it
/// altogether: if its times run back there, it began before the clock was moved.
fn beginning(log: &Log<'_>, end: usize, regimes: &Regimes, then: UtcOffset) -> Clock {
    let first = records(log, 0, end).flatten().next();
    let earlier = first.and_then(|probe| regimes.candidates(probe.local()).next());
    let mut clock = Clock::fixed(earlier.unwrap_or(then));
    if clock.offset != then || end == log.bytes.len() {
        settle(log, (0, end), regimes, &mut clock);
    }
    match clock.changes.last() {
        Some((_, last)) if *last == then || end == log.bytes.len() => clock,
        _ => Clock::fixed(then),
    }
}

/// Follows the lines of a part of a log, in which the offset may change.
fn settle(log: &Log<'_>, part: (usize, usize), regimes: &Regimes, clock: &mut Clock) {
    let mut current = clock.at(part.0 as u64);
    let mut latest: Option<Time> = None;
    for probe in records(log, part.0, part.1).flatten() {
        let back = latest.is_some_and(|latest| latest.secs() - probe.time.secs() > LATE_S);
        let mut candidates = regimes.candidates(probe.local());
        let (first, second) = (candidates.next(), candidates.next());
        let offset = match (first, second) {
            (Some(_), Some(later)) if back => later,
            (Some(earlier), Some(later)) if [earlier, later].contains(&current) => current,
            (Some(only), _) => only,
            (None, _) => current,
        };
        if offset != current {
            clock.changes.push((probe.at, offset));
            current = offset;
            latest = None;
        }
        latest = latest.max(Some(probe.time));
    }
}

/// Times that run back by an hour at a full hour.
fn by_order(log: &Log<'_>, base: UtcOffset) -> Clock {
    let mut clock = Clock::fixed(base);
    let lines: Vec<Probe> = match log.bytes.len() <= SMALL {
        true => records(log, 0, log.bytes.len()).flatten().collect(),
        false => probes(log),
    };
    let mut current = base;
    for pair in lines.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let unzoned = before.zone.is_none() && after.zone.is_none();
        if unzoned && is_autumn(before.time.secs(), after.time.secs()) {
            current = UtcOffset(current.0 - STEP_S as i32);
            clock.changes.push((after.at, current));
        }
    }
    // A clock is moved back once: what runs back again and again is a log put together from several.
    match clock.changes.len() {
        0 | 1 => clock,
        _ => Clock::fixed(base),
    }
}

/// Whether a wall clock that showed the one and then the other was moved back by an hour when it was a full hour.
fn is_autumn(before: i64, after: i64) -> bool {
    let back = before - after;
    let hour = (before + LATE_S).div_euclid(STEP_S) * STEP_S;
    let just_before = (hour - LATE_S..hour + LATE_S).contains(&before);
    let just_after = (hour - STEP_S..hour - STEP_S + LATE_S).contains(&after);
    back <= STEP_S && just_before && just_after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk;
    use crate::event::Event;
    use crate::format::combined::COMBINED;
    use crate::format::nginx_error::FORMAT as NGINX_ERROR;

    /// 2026-10-25T01:00:00Z, when summer time ends in the European Union.
    const AUTUMN: i64 = 1_792_890_000;
    /// 2026-03-29T01:00:00Z, when it begins.
    const SPRING: i64 = 1_774_746_000;
    const WINTER: UtcOffset = UtcOffset(3600);
    const SUMMER: UtcOffset = UtcOffset(7200);

    fn berlin() -> Zone {
        Zone::parse("Europe/Berlin").unwrap()
    }

    /// A message every five minutes and three seconds from three hours before to three hours after.
    fn moments(change: i64) -> impl Iterator<Item = Time> {
        (-35..36).map(move |n| Time::from_secs(change + n * 303))
    }

    fn error_log(change: i64) -> String {
        let line = |time: Time| {
            let stamp = time.format_at(berlin().offset_at(time), "%Y/%m/%d %H:%M:%S");
            format!("{stamp} [alert] 811#811: 1024 worker_connections are not enough\n")
        };
        moments(change).map(line).collect()
    }

    fn access_log(change: i64) -> String {
        let line = |time: Time| {
            let stamp = time.format_at(berlin().offset_at(time), "%d/%b/%Y:%H:%M:%S %z");
            format!("192.0.2.1 - - [{stamp}] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n")
        };
        moments(change).map(line).collect()
    }

    /// The times of a log as its clock reads them.
    fn read(text: &str, clock: Clock) -> Vec<Time> {
        let log = Log {
            clock,
            ..Log::of(&NGINX_ERROR, text.as_bytes()).unwrap()
        };
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut times = Vec::new();
        for (at, line) in chunk::lines(text.as_bytes()) {
            if let Ok(Event::Error(record)) = log.read(line, at as u64, &mut desk) {
                times.push(record.time);
            }
        }
        times
    }

    #[test]
    fn a_named_zone_settles_both_changes() {
        for (change, base) in [(AUTUMN, SUMMER), (SPRING, WINTER)] {
            let text = error_log(change);
            let log = Log::of(&NGINX_ERROR, text.as_bytes()).unwrap();
            let near = |secs: i64| Time::from_secs(change + secs);
            let regimes = Regimes::of(berlin(), near(-20_000), near(20_000));
            let clock = clock(&log, base, Some(&regimes));
            assert!(read(&text, clock).into_iter().eq(moments(change)));
        }
    }

    #[test]
    fn the_zones_of_an_access_log_settle_the_error_log_beside_it() {
        for (change, base) in [(AUTUMN, SUMMER), (SPRING, WINTER)] {
            let (text, access) = (error_log(change), access_log(change));
            let access = Log::of(&COMBINED, access.as_bytes()).unwrap();
            let regimes = Regimes::written(&access).unwrap();
            let log = Log::of(&NGINX_ERROR, text.as_bytes()).unwrap();
            let clock = clock(&log, base, Some(&regimes));
            assert!(read(&text, clock).into_iter().eq(moments(change)));
        }
    }

    #[test]
    fn a_log_that_begins_within_the_repeated_hour_is_read_by_its_order() {
        let access = access_log(AUTUMN);
        let access = Log::of(&COMBINED, access.as_bytes()).unwrap();
        let regimes = Regimes::written(&access).unwrap();
        let all = moments(AUTUMN).collect::<Vec<_>>();
        // up to the end, and only within the two hours that look alike
        for until in [20_000, 3_000] {
            let kept = |time: &Time| (AUTUMN - 3_000..AUTUMN + until).contains(&time.secs());
            let (text, times): (String, Vec<Time>) = error_log(AUTUMN)
                .split_inclusive('\n')
                .zip(&all)
                .filter(|(_, time)| kept(time))
                .unzip();
            let log = Log::of(&NGINX_ERROR, text.as_bytes()).unwrap();
            for base in [SUMMER, WINTER] {
                let clock = clock(&log, base, Some(&regimes));
                assert_eq!(read(&text, clock), times, "{until} {base:?}");
            }
        }
        // what does not run back keeps the offset that was found for it
        let text = error_log(AUTUMN);
        let late = text.split_inclusive('\n').zip(&all);
        let late = late.filter(|(_, time)| (AUTUMN..AUTUMN + 3_000).contains(&time.secs()));
        let late: String = late.map(|(line, _)| line).collect();
        let log = Log::of(&NGINX_ERROR, late.as_bytes()).unwrap();
        assert_eq!(clock(&log, WINTER, Some(&regimes)), Clock::fixed(WINTER));
    }

    #[test]
    fn order_alone_settles_the_repeated_hour() {
        let text = error_log(AUTUMN);
        let log = Log::of(&NGINX_ERROR, text.as_bytes()).unwrap();
        let clock = clock(&log, SUMMER, None);
        assert_eq!(clock.changes.len(), 1);
        assert!(read(&text, clock).into_iter().eq(moments(AUTUMN)));
    }

    #[test]
    fn a_log_put_together_from_several_is_left_alone() {
        let text = error_log(AUTUMN).repeat(3);
        let log = Log::of(&NGINX_ERROR, text.as_bytes()).unwrap();
        assert_eq!(clock(&log, SUMMER, None), Clock::fixed(SUMMER));
    }
}

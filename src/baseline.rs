//! What is normal, estimated from the log itself, and what stands out of it.
//!
//! Robust to a burst that fills half of the log (a low quantile is looked at, not the mean), to the
//! day's rhythm (normal is local in time, and a burst must rise or fall steeply) and to a log that
//! begins or stops inside the burst (either side serves).

use crate::segment::{Dispersion, Segment, segments};

/// Hours on each side that "local" means in the first, rough estimate.
const ROUGH_HOURS: f64 = 6.0;

/// Hours on each side in the second estimate, with the bursts left out.
const FINE_HOURS: f64 = 3.0;

/// The rough estimate is this quantile of the surrounding counts: a burst may then fill four fifths
/// of them.
const ROUGH_QUANTILE: f64 = 0.2;

/// The quantile of the whole log that stands in where a burst fills even more.
const WHOLE_QUANTILE: f64 = 0.1;

/// A segment belongs to a burst from this multiple of the baseline on.
const MEMBER_RATIO: f64 = 1.8;

/// A burst needs a segment that may well be at least this multiple of the baseline: see [`RATIO_DOUBT`]. At the turn of
/// the day the baseline is estimated up to a quarter too high, so that three times the rate shows as this.
const PEAK_RATIO: f64 = 2.2;

/// What is dismissed as too small must be too small beyond doubt: so many standard deviations are given to it.
/// Two minutes of three times the rate fill parts of three buckets, and a count of clumped traffic says how
/// high a rate is only roughly; a long rise of twice the rate is known to be just that.
const RATIO_DOUBT: f64 = 2.0;

/// A burst's excess must be this many standard deviations (of the over-dispersed count).
const MIN_SIGMA: f64 = 8.0;

/// A burst at least doubles the rate within this time, on its rising or its falling side. The day's
/// rhythm takes hours for that.
const STEEP_MINUTES: f64 = 45.0;

/// Minutes that an edge needs on both sides: the first and the last minute of a log are often cut, and must
/// not pass for the quiet beside a burst.
const ENOUGH_BESIDE_MINUTES: f64 = 5.0;

/// The same in buckets, where those are wide: one may be cut, the other is whole.
const ENOUGH_BESIDE: usize = 2;

/// An edge must be this many standard deviations high. The cuts are already where the data looks most like
/// an edge, so the usual three are too few.
const EDGE_SIGMA: f64 = 5.0;

/// The same where only one side is steep: a small site's morning, which often begins with a few visits at once, has
/// an edge of up to seven.
const LONE_EDGE_SIGMA: f64 = 8.0;

/// Segments of a run up to which every pair of edges is tried, which takes a time that grows with their square. A run
/// of more is taken from its first steep rise to its last steep fall.
const MOST_SEGMENTS: usize = 1000;

/// Bursts less than this apart are one.
const JOIN_MINUTES: f64 = 30.0;

/// A stretch that stands out, in buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outline {
    /// First bucket.
    pub start: usize,
    /// One past the last bucket.
    pub end: usize,
    /// Normal count per bucket meanwhile.
    pub baseline: f64,
    /// Highest multiple of the baseline among its segments.
    pub ratio: f64,
    /// The highest multiple that the counts leave possible.
    pub ratio_at_most: f64,
    /// How many standard deviations the excess is.
    pub sigma: f64,
}

/// A series with what is normal in it.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Normal count per bucket.
    pub expected: Vec<f64>,
    /// Variance over mean.
    pub dispersion: Dispersion,
    /// What stands out, in time order.
    pub outlines: Vec<Outline>,
}

/// Finds what is normal in `counts` (per bucket of `bucket_minutes`) and what stands out. Buckets
/// for which `silent` is true say nothing about what is normal. What stands out must exceed the
/// baseline by `min_excess` in all, and is cut back to the segments whose excess is at least `core_share`
/// of the highest.
pub fn baseline(
    counts: &[u32],
    silent: &[bool],
    bucket_minutes: f64,
    min_excess: f64,
    core_share: f64,
) -> Baseline {
    let cut = segments(counts);
    let dispersion = Dispersion::of(counts);
    let per_hour = 60.0 / bucket_minutes;
    let none = vec![false; counts.len()];
    let rough = local_quantile(
        counts,
        silent,
        &none,
        ROUGH_HOURS * per_hour,
        ROUGH_QUANTILE,
    );
    let whole = whole_quantile(counts, silent, WHOLE_QUANTILE);
    let mut flagged = vec![false; counts.len()];
    for burst in
        candidates(&cut, |segment| rough_level(&rough, segment), bucket_minutes).chain(candidates(
            &cut,
            |segment| rough_level(&rough, segment).min(whole),
            bucket_minutes,
        ))
    {
        for (start, end) in steep_parts(counts, &cut, burst, bucket_minutes, dispersion) {
            flagged[start..end].fill(true);
        }
    }
    let expected = local_quantile(counts, silent, &flagged, FINE_HOURS * per_hour, 0.5);
    let outlines = candidates(
        &cut,
        |segment| rough_level(&expected, segment),
        bucket_minutes,
    )
    .flat_map(|run| steep_parts(counts, &cut, run, bucket_minutes, dispersion))
    .map(|(start, end)| {
        outline(
            counts,
            &cut,
            &expected,
            dispersion,
            (start, end),
            core_share,
        )
    })
    .filter(|found| stands_out(counts, found, min_excess))
    .collect();
    Baseline {
        expected,
        dispersion,
        outlines,
    }
}

/// Level of an estimate over a segment; at least a tenth of a request a bucket, so that a ratio exists.
fn rough_level(levels: &[f64], segment: &Segment) -> f64 {
    let levels = &levels[segment.start..segment.end];
    (levels.iter().sum::<f64>() / levels.len() as f64).max(0.1)
}

/// Runs of segments at or above [`MEMBER_RATIO`], joined across short dips.
fn candidates<'a>(
    cut: &'a [Segment],
    level: impl Fn(&Segment) -> f64 + 'a,
    bucket_minutes: f64,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let gap = (JOIN_MINUTES / bucket_minutes).ceil() as usize;
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for segment in cut
        .iter()
        .filter(|segment| segment.mean >= MEMBER_RATIO * level(segment))
    {
        match runs.last_mut() {
            Some(last) if segment.start <= last.1 + gap => last.1 = segment.end,
            _ => runs.push((segment.start, segment.end)),
        }
    }
    runs.into_iter()
}

/// Cuts a run back to what rises and falls steeply: what lies beyond is the day's rhythm. Of several such parts all
/// are given. Where no part has two steep sides, a side that is nowhere steep stays, and so does the log's own
/// edge. Empty when no side is steep.
fn steep_parts(
    counts: &[u32],
    cut: &[Segment],
    run: (usize, usize),
    bucket_minutes: f64,
    dispersion: Dispersion,
) -> Vec<(usize, usize)> {
    let sides = Sides {
        counts,
        reach: Reach::new(bucket_minutes),
        gap: (JOIN_MINUTES / bucket_minutes).ceil() as usize,
        dispersion,
    };
    let first = cut.partition_point(|segment| segment.start < run.0);
    let last = cut.partition_point(|segment| segment.end <= run.1);
    let inside = &cut[first..last.max(first)];
    let mut parts = Vec::new();
    let mut at = 0;
    while at < inside.len() && inside.len() <= MOST_SEGMENTS {
        let ends = at..inside.len();
        match ends.rev().find(|end| sides.is_burst(&inside[at..=*end])) {
            Some(end) => {
                parts.push((inside[at].start, inside[end].end));
                at = end + 1;
            }
            None => at += 1,
        }
    }
    if parts.is_empty() {
        parts.extend(sides.one_sided(inside, run));
    }
    joined(parts, sides.gap)
}

/// Spans with less than `gap` between them as one.
fn joined(parts: Vec<(usize, usize)>, gap: usize) -> Vec<(usize, usize)> {
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if part.0 <= last.1 + gap => last.1 = last.1.max(part.1),
            _ => joined.push(part),
        }
    }
    joined
}

/// Looks at both sides of stretches.
struct Sides<'a> {
    counts: &'a [u32],
    reach: Reach,
    /// Buckets of a dip that does not end a burst.
    gap: usize,
    dispersion: Dispersion,
}

impl Sides<'_> {
    /// True for a stretch that rises at its beginning, falls at its end, and is high in between, also compared with
    /// what lies on its sides: the day between two bursts is none.
    fn is_burst(&self, inside: &[Segment]) -> bool {
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else {
            return false;
        };
        let (start, end) = (first.start, last.end);
        self.is_steep(start, end, true, EDGE_SIGMA)
            && self.is_steep(start, end, false, EDGE_SIGMA)
            && self.is_high(inside)
    }

    /// The part from the first steep rise on, or up to the last steep fall.
    fn one_sided(&self, inside: &[Segment], run: (usize, usize)) -> Option<(usize, usize)> {
        let mut starts = inside.iter().map(|segment| segment.start);
        let mut ends = inside.iter().map(|segment| segment.end);
        let rise = starts.find(|start| self.is_steep(*start, run.1, true, LONE_EDGE_SIGMA));
        let fall = ends.rfind(|end| self.is_steep(run.0, *end, false, LONE_EDGE_SIGMA));
        match (rise, fall) {
            (Some(rise), Some(fall)) if rise < fall => Some((rise, fall)),
            (Some(rise), _) => Some((rise, run.1)),
            (None, Some(fall)) => Some((run.0, fall)),
            (None, None) => None,
        }
    }

    /// True when the first buckets of a stretch (or the last) hold twice what those beside it do, beyond noise. As
    /// much of the stretch is looked at as of its surroundings, so that a clump at the edge of a busy day
    /// does not pass for the beginning of it.
    fn is_steep(&self, start: usize, end: usize, rising: bool, sigma: f64) -> bool {
        let near = (end - start).min(self.reach.most);
        let (inside, beside) = match rising {
            true => (
                start..start + near,
                start.saturating_sub(self.reach.most)..start,
            ),
            false => (
                end - near..end,
                end..(end + self.reach.most).min(self.counts.len()),
            ),
        };
        let room = match rising {
            true => self.counts.len() - start,
            false => end,
        };
        beside.len().min(room) >= self.reach.least
            && is_double(
                &self.counts[inside],
                &self.counts[beside],
                self.dispersion,
                sigma,
            )
    }

    /// True when a stretch stays at or above [`MEMBER_RATIO`] of what its two sides lead over to, short dips aside.
    fn is_high(&self, inside: &[Segment]) -> bool {
        let (Some(first), Some(last)) = (inside.first(), inside.last()) else {
            return false;
        };
        let (start, end) = (first.start, last.end);
        let before = mean(&self.counts[start.saturating_sub(self.reach.most)..start]);
        let after = mean(&self.counts[end..(end + self.reach.most).min(self.counts.len())]);
        let mut low = 0;
        inside.iter().all(|segment| {
            let middle = (segment.start + segment.end) as f64 / 2.0;
            let along = (middle - start as f64) / (end - start) as f64;
            let level = before + (after - before) * along;
            low = match segment.mean < MEMBER_RATIO * level {
                true => low + segment.len(),
                false => 0,
            };
            low <= self.gap
        })
    }
}

fn mean(counts: &[u32]) -> f64 {
    let sum: f64 = counts.iter().map(|count| f64::from(*count)).sum();
    sum / counts.len().max(1) as f64
}

/// How far around an edge is looked, in buckets.
struct Reach {
    /// At most.
    most: usize,
    /// At least.
    least: usize,
}

impl Reach {
    fn new(bucket_minutes: f64) -> Reach {
        let buckets = |minutes: f64| (minutes / bucket_minutes).ceil() as usize;
        let least = buckets(ENOUGH_BESIDE_MINUTES).max(ENOUGH_BESIDE);
        Reach {
            most: buckets(STEEP_MINUTES).max(least),
            least,
        }
    }
}

/// True when the inside holds twice what the outside would bring in its time, beyond noise.
fn is_double(inside: &[u32], outside: &[u32], dispersion: Dispersion, sigma: f64) -> bool {
    let sum = |part: &[u32]| part.iter().map(|count| f64::from(*count)).sum::<f64>();
    let scale = inside.len() as f64 / outside.len() as f64;
    let (seen, usual) = (sum(inside), sum(outside) * scale);
    let dispersion = dispersion.over(inside.len());
    let noise = (dispersion * (seen + usual * scale)).sqrt();
    seen >= 2.0 * usual && seen - usual >= sigma * noise
}

/// The figures of a run, cut back to its core.
fn outline(
    counts: &[u32],
    cut: &[Segment],
    expected: &[f64],
    dispersion: Dispersion,
    (start, end): (usize, usize),
    core_share: f64,
) -> Outline {
    let inside = || {
        cut.iter()
            .filter(move |segment| segment.start >= start && segment.end <= end)
    };
    let excess = |segment: &Segment| segment.mean - rough_level(expected, segment);
    let most = inside().map(excess).fold(0.0, f64::max);
    let core = || inside().filter(move |segment| excess(segment) >= core_share * most);
    let start = core().map(|segment| segment.start).min().unwrap_or(start);
    let end = core().map(|segment| segment.end).max().unwrap_or(end);
    let total: f64 = counts[start..end]
        .iter()
        .map(|count| f64::from(*count))
        .sum();
    let normal = expected[start..end].iter().sum::<f64>().max(0.1);
    let ratio = inside()
        .map(|segment| segment.mean / rough_level(expected, segment))
        .fold(0.0, f64::max);
    let ratio_at_most = inside()
        .map(|segment| {
            let level = rough_level(expected, segment);
            fullest_rate(counts, segment, dispersion) / level
        })
        .fold(ratio, f64::max);
    let sigma = (total - normal) / (dispersion.over(end - start) * normal.max(1.0)).sqrt();
    Outline {
        start,
        end,
        baseline: normal / (end - start) as f64,
        ratio,
        ratio_at_most,
        sigma,
    }
}

/// The highest rate that the counts of a segment leave possible: of what lies wholly inside it, since its first and
/// last bucket may be filled in part only, and with the doubt that so few counts leave.
fn fullest_rate(counts: &[u32], segment: &Segment, dispersion: Dispersion) -> f64 {
    let whole = match segment.len() {
        0..=2 => segment.start..segment.end,
        _ => segment.start + 1..segment.end - 1,
    };
    let inner = &counts[whole];
    let sum: f64 = inner.iter().map(|count| f64::from(*count)).sum();
    let (sum, buckets) = match segment.len() {
        0..=2 => (f64::from(inner.iter().copied().max().unwrap_or(0)), 1.0),
        _ => (sum, inner.len() as f64),
    };
    (sum + RATIO_DOUBT * (dispersion.over(segment.len()) * sum).sqrt()) / buckets
}

fn stands_out(counts: &[u32], found: &Outline, min_excess: f64) -> bool {
    let total: f64 = counts[found.start..found.end]
        .iter()
        .map(|count| f64::from(*count))
        .sum();
    let excess = total - found.baseline * (found.end - found.start) as f64;
    found.ratio_at_most >= PEAK_RATIO && found.sigma >= MIN_SIGMA && excess >= min_excess
}

/// A quantile of the counts around each bucket, computed on a coarse grid (normal changes slowly)
/// and held between its points. Skips silent and flagged buckets, widening where too few are left.
fn local_quantile(
    counts: &[u32],
    silent: &[bool],
    flagged: &[bool],
    reach: f64,
    quantile: f64,
) -> Vec<f64> {
    /// Fewer usable buckets than this say nothing about normal.
    const ENOUGH: usize = 20;
    let step = ((reach / 12.0) as usize).max(1);
    let (mut usable, mut before) = (Vec::with_capacity(counts.len()), vec![0]);
    for at in 0..counts.len() {
        if !silent[at] && !flagged[at] {
            usable.push(counts[at]);
        }
        before.push(usable.len());
    }
    let mut levels = Vec::with_capacity(counts.len());
    let mut values: Vec<u32> = Vec::new();
    for grid in (0..counts.len()).step_by(step) {
        let middle = grid + step / 2;
        let mut reach = (reach as usize).max(ENOUGH);
        let level = loop {
            let (from, to) = (
                middle.saturating_sub(reach),
                (middle + reach).min(counts.len()),
            );
            values.clear();
            values.extend_from_slice(&usable[before[from.min(to)]..before[to]]);
            if values.len() >= ENOUGH || (from == 0 && to == counts.len()) {
                break quantile_of(&mut values, quantile);
            }
            reach *= 2;
        };
        levels.extend(std::iter::repeat_n(level, step.min(counts.len() - grid)));
    }
    levels
}

fn whole_quantile(counts: &[u32], silent: &[bool], quantile: f64) -> f64 {
    let mut values: Vec<u32> = counts
        .iter()
        .zip(silent)
        .filter(|(_, silent)| !**silent)
        .map(|(count, _)| *count)
        .collect();
    quantile_of(&mut values, quantile)
}

/// The mean of the values around a quantile: steadier than one value where counts are small. At the
/// median it is the mean of the middle nine tenths.
fn quantile_of(values: &mut [u32], quantile: f64) -> f64 {
    /// Share of the values on each side of a low quantile that is averaged.
    const LOW_HALF_WIDTH: f64 = 0.1;
    /// The same at the median.
    const MIDDLE_HALF_WIDTH: f64 = 0.45;
    let half_width = if quantile < 0.5 {
        LOW_HALF_WIDTH
    } else {
        MIDDLE_HALF_WIDTH
    };
    if values.is_empty() {
        return 0.0;
    }
    let at = |share: f64| ((values.len() as f64 * share) as usize).min(values.len() - 1);
    let (first, last) = (
        at((quantile - half_width).max(0.0)),
        at(quantile + half_width),
    );
    // What lies below the band and above it need not be in order, nor does the band.
    values.select_nth_unstable(last);
    values[..=last].select_nth_unstable(first);
    let band = &values[first..=last];
    let sum: u64 = band.iter().map(|value| u64::from(*value)).sum();
    sum as f64 / band.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(scale: f64) -> Vec<u32> {
        let rate = |minute: usize| {
            scale * (1.0 + 0.7 * (minute as f64 / 1440.0 * std::f64::consts::TAU).sin())
        };
        let wobble = |minute: usize| {
            ((minute as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as f64 / 16.0 - 0.2
        };
        (0..1440)
            .map(|minute| (rate(minute) * (1.0 + wobble(minute))) as u32)
            .collect()
    }

    fn found(counts: &[u32]) -> Vec<Outline> {
        baseline(counts, &vec![false; counts.len()], 1.0, 100.0, 0.0).outlines
    }

    #[test]
    fn a_days_rhythm_is_no_burst() {
        assert_eq!(found(&day(100.0)), []);
        assert_eq!(found(&day(4.0)), []);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

        #[test]
        fn a_step_is_found_wherever_it_lies(
            start in 0usize..1300,
            length in 3usize..900,
            times in 4u32..40,
            scale in 20u32..200,
        ) {
            let end = (start + length).min(1440);
            let mut counts = day(f64::from(scale));
            counts[start..end].iter_mut().for_each(|count| *count = (*count + scale / 2) * times);
            let outlines = found(&counts);
            // At least five quiet minutes must be left beside it: a log's first and last minute are often cut.
            proptest::prop_assume!(start == 0 || start >= 5);
            proptest::prop_assume!(end == 1440 || end <= 1435);
            proptest::prop_assume!(start > 0 || end < 1440);
            proptest::prop_assert_eq!(outlines.len(), 1, "{:?}", outlines);
            proptest::prop_assert!(outlines[0].start.abs_diff(start) <= 1, "{:?}", outlines);
            proptest::prop_assert!(outlines[0].end.abs_diff(end) <= 1, "{:?}", outlines);
        }

        #[test]
        fn pulses_are_one_burst(on in 1usize..8, off in 1usize..20, start in 60usize..900) {
            let mut counts = day(100.0);
            let pulses = 240 / (on + off);
            for pulse in 0..pulses {
                let at = start + pulse * (on + off);
                counts[at..at + on].iter_mut().for_each(|count| *count = *count * 10 + 500);
            }
            let end = start + (pulses - 1) * (on + off) + on;
            let outlines = found(&counts);
            proptest::prop_assert_eq!(outlines.len(), 1, "{:?}", outlines);
            proptest::prop_assert!(outlines[0].start.abs_diff(start) <= 1, "{:?}", outlines);
            proptest::prop_assert!(outlines[0].end.abs_diff(end) <= 1, "{:?}", outlines);
        }
    }

    #[test]
    fn a_busy_day_with_a_clump_at_its_edge_is_no_burst() {
        let mut counts = day(12.0);
        // Ten minutes before the day swells, and as it ebbs.
        counts[1100..1104].fill(60);
        counts[640..644].fill(60);
        assert!(
            found(&counts)
                .iter()
                .all(|outline| outline.end - outline.start <= 10),
            "{:?}",
            found(&counts)
        );
    }

    #[test]
    fn a_burst_is_found_on_a_clock_that_runs_once_an_hour() {
        let mut counts = vec![200; 72];
        counts[40..44].fill(2_000);
        let outlines = baseline(&counts, &[false; 72], 60.0, 100.0, 0.0).outlines;
        assert_eq!(outlines.len(), 1);
        assert_eq!((outlines[0].start, outlines[0].end), (40, 44));
    }

    #[test]
    fn bursts_are_found_short_long_at_the_start_and_over_most_of_the_log() {
        for (start, end) in [(700, 703), (300, 540), (0, 120), (200, 1100), (1300, 1440)] {
            let mut counts = day(100.0);
            counts[start..end]
                .iter_mut()
                .for_each(|count| *count = *count * 4 + 60);
            let outlines = found(&counts);
            assert_eq!(outlines.len(), 1, "{start}..{end}: {outlines:?}");
            assert!(
                outlines[0].start.abs_diff(start) <= 1 && outlines[0].end.abs_diff(end) <= 1,
                "{start}..{end}: {outlines:?}"
            );
        }
    }
}

//! Cuts a series of counts into stretches of constant rate.
//!
//! PELT (Killick, Fearnhead, Eckley 2012, "Optimal Detection of Changepoints With a Linear
//! Computational Cost") with the Poisson log-likelihood divided by the series' own dispersion
//! (quasi-Poisson; Wedderburn 1974): web traffic is over-dispersed, and plain Poisson cries wolf.

/// Buckets per block. A block is cut on its own, which bounds the work to its square; a rate that
/// does not change at a block's border is joined again by [`segments`].
const BLOCK: usize = 1440;

/// Penalty per change in units of `ln(n)`. The Schwarz criterion asks for one per parameter; a
/// change has two (where, and the new rate), and doubling that keeps quiet days quiet.
const PENALTY_PER_LOG: f64 = 4.0;

/// A stretch of constant rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// First bucket.
    pub start: usize,
    /// One past the last bucket.
    pub end: usize,
    /// Mean count per bucket.
    pub mean: f64,
}

impl Segment {
    /// Buckets.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Never true for a segment that [`segments`] returns.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// Variance over mean of a series, of its buckets and of sums of several; each at least 1.
///
/// Taken from the differences of neighbours, so that slow changes do not count, within blocks of about
/// an hour, of which the median counts: a flood that is wilder than the rest, as long as it fills less
/// than half of the log, changes nothing. Sites whose pages pull in many images come in clumps, one
/// visit at a time, and easily reach 10. A visit goes on for minutes, so that neighbours rise and fall together and
/// sums of several buckets vary more than single ones tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dispersion([f64; WIDTHS.len()]);

/// Sums of so many buckets are looked at: the longest visits that are common take about ten minutes.
const WIDTHS: [usize; 3] = [1, 3, 10];

impl Dispersion {
    /// Of a series.
    pub fn of(counts: &[u32]) -> Dispersion {
        /// Sums below which their differences say nothing.
        const ENOUGH: usize = 48;
        let mut most = 1.0;
        Dispersion(WIDTHS.map(|width| {
            if width == 1 || counts.len() / width >= ENOUGH {
                let sum = |part: &[u32]| {
                    part.iter()
                        .fold(0u32, |sum, count| sum.saturating_add(*count))
                };
                let sums: Vec<u32> = counts.chunks_exact(width).map(sum).collect();
                most = neighbours(&sums).max(most);
            }
            most
        }))
    }

    /// Of a sum of so many buckets.
    pub fn over(&self, buckets: usize) -> f64 {
        let narrower = WIDTHS.iter().filter(|width| **width < buckets).count();
        self.0[narrower.min(WIDTHS.len() - 1)]
    }
}

/// Half the mean square of the differences of neighbours over their mean, the median of blocks; at least 1.
fn neighbours(counts: &[u32]) -> f64 {
    let block = (counts.len() / 24).clamp(10, 60);
    let ratio = |part: &[u32]| {
        let pairs = || {
            part.windows(2)
                .map(|pair| (f64::from(pair[0]), f64::from(pair[1])))
        };
        let sum: f64 = pairs().map(|(x, y)| x + y).sum();
        // A block without counts is as even as can be; left out, the one burst of a series that is
        // empty otherwise would pass for what is usual.
        if sum > 0.0 {
            pairs().map(|(x, y)| (x - y).powi(2)).sum::<f64>() / sum
        } else {
            1.0
        }
    };
    let mut ratios: Vec<f64> = counts.chunks(block).map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    ratios
        .get(ratios.len() / 2)
        .map_or(1.0, |middle| middle.max(1.0))
}

/// Cuts `counts` into segments that cover it without gaps. Empty for an empty series.
pub fn segments(counts: &[u32]) -> Vec<Segment> {
    let dispersion = Dispersion::of(counts).over(1);
    let mut cuts = vec![0];
    for (block, values) in counts.chunks(BLOCK).enumerate() {
        let inner = pelt(values, dispersion);
        cuts.extend(inner.into_iter().map(|end| block * BLOCK + end));
    }
    let prefix = prefix_sums(counts);
    let penalty = PENALTY_PER_LOG * (BLOCK.min(counts.len()).max(2) as f64).ln();
    join_at_borders(&mut cuts, &prefix, dispersion, penalty);
    let mean =
        |start: usize, end: usize| (prefix[end] - prefix[start]) as f64 / (end - start) as f64;
    cuts.windows(2)
        .map(|cut| Segment {
            start: cut[0],
            end: cut[1],
            mean: mean(cut[0], cut[1]),
        })
        .collect()
}

fn prefix_sums(counts: &[u32]) -> Vec<u64> {
    let mut prefix = Vec::with_capacity(counts.len() + 1);
    prefix.push(0);
    for count in counts {
        prefix.push(prefix[prefix.len() - 1] + u64::from(*count));
    }
    prefix
}

/// Twice the negative log-likelihood of a stretch, up to what all cuts share.
fn cost(sum: u64, buckets: usize, dispersion: f64) -> f64 {
    if sum == 0 {
        return 0.0;
    }
    let sum = sum as f64;
    -2.0 * sum * (sum / buckets as f64).ln() / dispersion
}

/// Natural logarithms of whole numbers, from tables as long as that is cheaper: a block has as many prices of cuts as
/// the square of its buckets, most of them those of a few counts.
struct Logarithms {
    of_buckets: Vec<f64>,
    of_counts: Vec<f64>,
}

impl Logarithms {
    /// The longest table.
    const LONGEST: u64 = 1 << 16;

    /// For so many buckets with so many counts together.
    fn up_to(buckets: u64, total: u64) -> Logarithms {
        // Nothing times its logarithm is nothing.
        let table = |most: u64| (0..=most).map(|number| (number.max(1) as f64).ln());
        Logarithms {
            of_buckets: table(buckets).collect(),
            of_counts: table(total.min(Logarithms::LONGEST)).collect(),
        }
    }

    /// [`cost`] of a stretch.
    #[inline]
    fn cost(&self, sum: u64, buckets: usize, dispersion: f64) -> f64 {
        let log_sum = match self.of_counts.get(sum as usize) {
            Some(known) => *known,
            None => (sum as f64).ln(),
        };
        -2.0 * sum as f64 * (log_sum - self.of_buckets[buckets]) / dispersion
    }
}

/// Where the last segment up to some bucket may begin.
#[derive(Clone, Copy)]
struct Candidate {
    start: usize,
    /// The lowest price of all that lies before it.
    best: f64,
    /// What was counted before it.
    before: u64,
}

/// Ends of the segments of one block.
fn pelt(values: &[u32], dispersion: f64) -> Vec<usize> {
    let n = values.len();
    let penalty = PENALTY_PER_LOG * (n.max(2) as f64).ln();
    let total = values.iter().map(|count| u64::from(*count)).sum();
    let logarithms = Logarithms::up_to(n as u64, total);
    let mut previous = vec![0usize; n + 1];
    let mut candidates = vec![Candidate {
        start: 0,
        best: -penalty,
        before: 0,
    }];
    let mut prices = vec![0.0; n];
    let mut counted = 0;
    for (index, count) in values.iter().enumerate() {
        let end = index + 1;
        counted += u64::from(*count);
        let mut cheapest = (f64::INFINITY, 0);
        for (price, from) in prices.iter_mut().zip(&candidates) {
            *price =
                from.best + logarithms.cost(counted - from.before, end - from.start, dispersion);
            if *price < cheapest.0 {
                cheapest = (*price, from.start);
            }
        }
        let best = cheapest.0 + penalty;
        previous[end] = cheapest.1;
        // Where nothing was counted since the last bucket, a cut there is dearer than one here, whatever comes: the
        // same counts would have to fill more buckets. Without this all buckets of a silence stay candidates.
        let silent = |from: &Candidate| from.start == index && *count == 0 && best <= from.best;
        let mut place = 0..;
        candidates.retain(|from| {
            let price = place.next().map_or(f64::INFINITY, |place| prices[place]);
            price <= best && !silent(from)
        });
        candidates.push(Candidate {
            start: end,
            best,
            before: counted,
        });
    }
    let mut ends = Vec::new();
    let mut end = n;
    while end > 0 {
        ends.push(end);
        end = previous[end];
    }
    ends.reverse();
    ends
}

/// Removes cuts at block borders that the data does not ask for.
fn join_at_borders(cuts: &mut Vec<usize>, prefix: &[u64], dispersion: f64, penalty: f64) {
    let mut kept: Vec<usize> = Vec::with_capacity(cuts.len());
    for (index, cut) in cuts.iter().enumerate() {
        let border = *cut > 0 && cut.is_multiple_of(BLOCK) && index + 1 < cuts.len();
        if border && let Some(start) = kept.last() {
            let (start, end) = (*start, cuts[index + 1]);
            let stretch =
                |from: usize, to: usize| cost(prefix[to] - prefix[from], to - from, dispersion);
            if stretch(start, end) <= stretch(start, *cut) + stretch(*cut, end) + penalty {
                continue;
            }
        }
        kept.push(*cut);
    }
    *cuts = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deterministic wobble around a mean, about as dispersed as web traffic by the minute.
    fn noisy(mean: u32, index: usize) -> u32 {
        let wobble = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
        mean + (mean * wobble as u32) / 40
    }

    #[test]
    fn a_burst_is_cut_out_to_the_bucket_and_quiet_stays_whole() {
        let quiet: Vec<u32> = (0..3000).map(|index| noisy(100, index)).collect();
        assert_eq!(segments(&quiet).len(), 1);
        let mut burst = quiet.clone();
        burst[1437..1450].iter_mut().for_each(|count| *count *= 4);
        let cut = segments(&burst);
        assert!(cut.iter().any(|segment| segment.start == 1437), "{cut:?}");
        assert!(cut.iter().any(|segment| segment.end == 1450), "{cut:?}");
    }

    #[test]
    fn one_burst_in_an_empty_series_does_not_pass_for_usual() {
        let mut logins = vec![0; 240];
        logins[100..103].copy_from_slice(&[120, 170, 60]);
        assert_eq!(Dispersion::of(&logins).over(10), 1.0);
        let cut = segments(&logins);
        assert!(cut.iter().any(|segment| segment.start == 100), "{cut:?}");
    }

    #[test]
    fn segments_cover_the_series() {
        assert!(segments(&[]).is_empty());
        let counts: Vec<u32> = (0..5000).map(|index| (index as u32 * 7919) % 50).collect();
        let cut = segments(&counts);
        assert_eq!(cut.first().map(|segment| segment.start), Some(0));
        assert_eq!(cut.last().map(|segment| segment.end), Some(5000));
        assert!(cut.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}

//! A series over time as one line of blocks, and the axis below it.
//!
//! A column shows the highest bucket it covers, so that a spike of a minute is seen in the chart
//! of a month; zero is a blank, so that a silence is seen too.

use crate::report::words::Clock;
use crate::time::Time;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Distances between ticks, in seconds: those that clocks and calendars make familiar.
const STEPS: [i64; 20] = [
    1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800, 2_419_200, 14_515_200,
];
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// Blanks kept between two labels of the axis.
const LABEL_GAP: usize = 2;

/// How `buckets` buckets spread over the columns of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    start: Time,
    bucket_s: u64,
    buckets: usize,
    columns: usize,
}

impl Scale {
    /// At most `room` columns; fewer when every bucket gets the same whole number of columns.
    /// `None` when there is nothing to draw.
    pub fn new(start: Time, bucket_s: u64, buckets: usize, room: usize) -> Option<Scale> {
        if buckets == 0 || room == 0 || bucket_s == 0 {
            return None;
        }
        let columns = match room / buckets {
            0 => room,
            repeat => buckets * repeat,
        };
        Some(Scale {
            start,
            bucket_s,
            buckets,
            columns,
        })
    }

    /// Columns of the chart.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Seconds that one column stands for.
    pub fn seconds_per_column(&self) -> f64 {
        self.bucket_s as f64 * self.buckets as f64 / self.columns as f64
    }

    /// The column that a time falls into, clamped to the chart.
    pub fn column_of(&self, time: Time) -> usize {
        let at = time.seconds_since(self.start) / self.seconds_per_column();
        (at.max(0.0) as usize).min(self.columns - 1)
    }

    /// The chart of a series with one number a bucket.
    pub fn chart(&self, values: &[u64]) -> String {
        let highest = values.iter().copied().max().unwrap_or(0);
        (0..self.columns)
            .map(|column| block(self.value_at(values, column), highest))
            .collect()
    }

    fn value_at(&self, values: &[u64], column: usize) -> u64 {
        let from = column * self.buckets / self.columns;
        let to = ((column + 1) * self.buckets / self.columns).max(from + 1);
        let covered = from.min(values.len())..to.min(values.len());
        values[covered].iter().copied().max().unwrap_or(0)
    }

    /// The labels below the chart, each beginning with a tick in the column of its time.
    pub fn axis(&self, clock: &Clock) -> String {
        let Some(step) = self.tick_step() else {
            return String::new();
        };
        let offset = i64::from(clock.offset().0);
        let first_tick = (self.start.secs() + offset + step - 1).div_euclid(step) * step - offset;
        let mut axis = String::new();
        for tick in (0..).map(|index| Time::from_secs(first_tick + index * step)) {
            let column = self.unclamped_column(tick);
            let label = format!("╵{}", label(clock, tick, step));
            if column + label.chars().count() > self.columns {
                break;
            }
            let drawn = axis.chars().count();
            axis.push_str(&" ".repeat(column.saturating_sub(drawn)));
            axis.push_str(&label);
        }
        axis
    }

    fn unclamped_column(&self, time: Time) -> usize {
        (time.seconds_since(self.start).max(0.0) / self.seconds_per_column()).round() as usize
    }

    /// The smallest step whose labels do not touch.
    fn tick_step(&self) -> Option<i64> {
        STEPS.into_iter().find(|&step| {
            let room = step as f64 / self.seconds_per_column();
            room >= (label_columns(step) + LABEL_GAP) as f64
        })
    }
}

fn block(value: u64, highest: u64) -> char {
    match value {
        0 => ' ',
        _ => {
            let level =
                (u128::from(value) * BLOCKS.len() as u128).div_ceil(u128::from(highest.max(1)));
            BLOCKS[(level as usize).clamp(1, BLOCKS.len()) - 1]
        }
    }
}

/// Columns of the widest label at a step, with its tick.
fn label_columns(step: i64) -> usize {
    if step < MINUTE {
        "╵00:00:00".chars().count()
    } else {
        "╵00 May".chars().count()
    }
}

fn label(clock: &Clock, tick: Time, step: i64) -> String {
    let midnight = (tick.secs() + i64::from(clock.offset().0)).rem_euclid(DAY) == 0;
    match step {
        _ if midnight => clock.short_date(tick),
        _ if step < MINUTE => clock.time(tick),
        _ => tick.format_at(clock.offset(), "%H:%M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UtcOffset;

    fn scale(buckets: usize, room: usize) -> Scale {
        let start = Time::parse_rfc3339("2021-09-05T13:30:00Z").unwrap();
        Scale::new(start, 60, buckets, room).unwrap()
    }

    #[test]
    fn a_column_shows_its_highest_bucket_and_zero_is_blank() {
        assert_eq!(scale(4, 4).chart(&[0, 1, 4, 8]), " ▁▄█");
        assert_eq!(scale(6, 3).chart(&[0, 8, 0, 0, 1, 4]), "█ ▄");
        assert_eq!(scale(2, 5).chart(&[8, 4]), "██▄▄");
        assert_eq!(scale(3, 3).chart(&[0, 0, 0]), "   ");
        assert_eq!(scale(1, 1).chart(&[u64::MAX]), "█");
        assert!(Scale::new(Time::default(), 60, 0, 10).is_none());
    }

    #[test]
    fn ticks_stand_at_round_local_times() {
        let clock = Clock::new(UtcOffset::UTC);
        assert_eq!(
            scale(120, 40).axis(&clock),
            "╵13:30    ╵14:00    ╵14:30    ╵15:00"
        );
        let night = Clock::new(UtcOffset(10 * 3600));
        assert_eq!(
            scale(120, 40).axis(&night),
            "╵23:30    ╵6 Sep    ╵00:30    ╵01:00"
        );
    }

    #[test]
    fn the_axis_never_leaves_the_chart() {
        let clock = Clock::new(UtcOffset(19_800));
        for buckets in [1, 7, 60, 1_440, 50_000, 3_000_000] {
            for room in [1, 10, 51, 170] {
                let scale = scale(buckets, room);
                assert!(scale.columns() <= room);
                assert!(scale.axis(&clock).chars().count() <= scale.columns());
                assert_eq!(
                    scale.chart(&vec![3; buckets]).chars().count(),
                    scale.columns()
                );
            }
        }
    }
}

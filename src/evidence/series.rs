//! Counts over time: one cell a bucket, kept sparse, joined when parts are.

use std::collections::BTreeMap;

use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::evidence::filed::{Steps, hold, write_steps};
use crate::evidence::weight::tree;
use crate::merge::Merge;

/// Sparse cells by bucket number (seconds since the epoch divided by the width).
#[derive(Debug, Clone)]
pub struct Series<C> {
    width_s: i64,
    current: Option<Current<C>>,
    cells: BTreeMap<i64, C>,
    /// Cells kept at most. Beyond it the earliest are dropped, which gives the same result in any order of arrival.
    most: usize,
    overflowed: bool,
}

/// The cell at hand.
#[derive(Debug, Clone)]
struct Current<C> {
    bucket: i64,
    /// Its first second: comparing is several times cheaper than dividing.
    start: i64,
    cell: C,
}

impl<C: Merge + Default> Series<C> {
    /// An empty series of buckets `width_s` seconds wide (at least 1), of which at most so many are kept as have room in
    /// `bytes`.
    pub fn new(width_s: i64, bytes: usize) -> Self {
        Series {
            most: (bytes / tree::<i64, C>(1)).max(1),
            width_s: width_s.max(1),
            current: None,
            cells: BTreeMap::new(),
            overflowed: false,
        }
    }

    /// The cell that `secs` falls in. Log lines come in runs of one bucket, so the current cell is
    /// kept at hand.
    #[inline]
    pub fn cell(&mut self, secs: i64) -> &mut C {
        if !self.at_hand(secs) {
            self.flush();
        }
        let width_s = self.width_s;
        let begin = || {
            let bucket = secs.div_euclid(width_s);
            Current {
                bucket,
                start: bucket.saturating_mul(width_s),
                cell: C::default(),
            }
        };
        &mut self.current.get_or_insert_with(begin).cell
    }

    #[inline]
    fn at_hand(&self, secs: i64) -> bool {
        let within = |current: &Current<C>| {
            secs >= current.start && secs.saturating_sub(current.start) < self.width_s
        };
        self.current.as_ref().is_some_and(within)
    }

    /// The bucket that `secs` falls in.
    #[inline]
    pub fn bucket(&self, secs: i64) -> i64 {
        match &self.current {
            Some(current) if self.at_hand(secs) => current.bucket,
            _ => secs.div_euclid(self.width_s),
        }
    }

    /// The cells that seconds from `start` to `end` fall in. Call [`Series::flush`] first.
    pub fn between(&self, start: i64, end: i64) -> impl Iterator<Item = &C> {
        debug_assert!(self.current.is_none(), "flush before reading");
        let first = start.div_euclid(self.width_s);
        let last = end.div_euclid(self.width_s).max(first);
        self.cells.range(first..=last).map(|(_, cell)| cell)
    }

    /// Seconds per bucket.
    pub fn width_s(&self) -> i64 {
        self.width_s
    }

    /// Every occupied bucket with its cell, in time order. Call [`Series::flush`] first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &C)> {
        debug_assert!(self.current.is_none(), "flush before reading");
        self.cells.iter().map(|(bucket, cell)| (*bucket, cell))
    }

    /// Bytes that the cells may take.
    pub fn most_bytes(&self) -> usize {
        self.most * tree::<i64, C>(1)
    }

    /// Bytes of the cells.
    pub fn weight(&self) -> usize {
        tree::<i64, C>(self.cells.len())
    }

    /// True when the cap was reached.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Moves the cell at hand to the others.
    pub fn flush(&mut self) {
        if let Some(current) = self.current.take() {
            self.put(current.bucket, current.cell);
        }
    }

    fn put(&mut self, bucket: i64, cell: C) {
        self.cells.entry(bucket).or_default().merge(cell);
        if self.cells.len() > self.most {
            self.cells.pop_first();
            self.overflowed = true;
        }
    }
}

/// The cells, as they are written.
struct Cells<'a, C>(&'a BTreeMap<i64, C>);

impl<C: Serialize> Serialize for Cells<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.0.iter();
        write_steps(cells.map(|(bucket, cell)| (*bucket, cell)), serializer)
    }
}

/// To be flushed before.
impl<C: Serialize> Serialize for Series<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.current.is_some() {
            return Err(S::Error::custom("a series that was not flushed"));
        }
        let cells = Cells(&self.cells);
        (self.width_s, self.most, self.overflowed, cells).serialize(serializer)
    }
}

impl<'de, C: Deserialize<'de>> Deserialize<'de> for Series<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (width_s, most, overflowed, Steps(cells)): (i64, usize, bool, Steps<i64, C>) =
            Deserialize::deserialize(deserializer)?;
        hold(width_s >= 1 && cells.len() <= most, "no series")?;
        let in_time = |(bucket, _): &(i64, C)| bucket.checked_mul(width_s).is_some();
        hold(cells.iter().all(in_time), "a bucket beyond all time")?;
        Ok(Series {
            width_s,
            current: None,
            cells: cells.into_iter().collect(),
            most,
            overflowed,
        })
    }
}

impl<C: Merge + Default> Merge for Series<C> {
    fn merge(&mut self, mut other: Self) {
        self.flush();
        other.flush();
        self.overflowed |= other.overflowed;
        for (bucket, cell) in other.cells {
            self.put(bucket, cell);
        }
    }
}

/// What one minute of the access log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// Requests.
    pub requests: u32,
    /// Those among them for images, styles, scripts and the like, which pages pull in.
    pub assets: u32,
    /// Answers with 5xx.
    pub errors_5xx: u32,
    /// Answers with 502 or 504: the server in front got none from the application.
    pub gateway: u32,
    /// Answers that mean a limit or a block: 403, 429, nginx's 444.
    pub refused: u32,
    /// Lines with a hit of at least medium confidence.
    pub hits: u32,
    /// First and last second of the minute (0..59) that has a request, for the edges of silences.
    pub first_second: u8,
    /// See `first_second`.
    pub last_second: u8,
    /// First and last second that has an answer with 5xx.
    pub first_failed: u8,
    /// See `first_failed`.
    pub last_failed: u8,
}

impl Default for Minute {
    fn default() -> Self {
        Minute {
            requests: 0,
            assets: 0,
            errors_5xx: 0,
            gateway: 0,
            refused: 0,
            hits: 0,
            first_second: u8::MAX,
            last_second: 0,
            first_failed: u8::MAX,
            last_failed: 0,
        }
    }
}

impl Minute {
    /// The log was written at this second of the minute.
    #[inline]
    pub fn awake(&mut self, second: u8) {
        self.first_second = self.first_second.min(second);
        self.last_second = self.last_second.max(second);
    }
}

impl Merge for Minute {
    fn merge(&mut self, other: Minute) {
        self.requests.merge(other.requests);
        self.assets.merge(other.assets);
        self.errors_5xx.merge(other.errors_5xx);
        self.gateway.merge(other.gateway);
        self.refused.merge(other.refused);
        self.hits.merge(other.hits);
        self.first_second = self.first_second.min(other.first_second);
        self.last_second = self.last_second.max(other.last_second);
        self.first_failed = self.first_failed.min(other.first_failed);
        self.last_failed = self.last_failed.max(other.last_failed);
    }
}

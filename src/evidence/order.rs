//! Whether the times of a log run forward, told apart from lines that were merely written late.
//!
//! A clock that was set back, local times at the end of summer time and files that were put together in the wrong
//! order all show as a record much earlier than the one before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::merge::Merge;

/// Seconds that a record may lie before its predecessor without remark. Apache logs the *beginning* of a request when
/// it ends (`%t`), so that a line goes back by as long as the answer took: by up to a minute in ordinary operation,
/// because Apache, and nginx for its upstreams, give up on a silent connection after 60 s (`Timeout`,
/// `proxy_read_timeout`). Workers that write in turn, and clocks that show whole minutes, stay below it as well.
const ORDINARY_STEP_S: i64 = 60;

/// The order of the records of one source, by the chunks in which they were read.
///
/// Only the first and the last time of each chunk are kept, one entry for each: the steps between chunks are counted
/// when all are known, so that the result is that of reading the file as one, wherever it was cut and whoever read which chunk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Steps back within chunks.
    within: StepsBack,
    /// First and last time of chunks, seconds since the epoch, by where they begin.
    edges: BTreeMap<usize, (i64, i64)>,
    /// First and last time of the chunk that is read; what is written has been closed.
    #[serde(skip)]
    current: Option<(i64, i64)>,
}

/// How often times run back, and how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepsBack {
    /// Records more than a minute before the record before them.
    pub count: u64,
    /// The largest step, in seconds.
    pub largest_s: i64,
}

impl StepsBack {
    #[inline]
    fn note(&mut self, before: i64, after: i64) {
        let back = before.saturating_sub(after);
        if back > ORDINARY_STEP_S {
            self.count += 1;
            self.largest_s = self.largest_s.max(back);
        }
    }
}

impl Order {
    /// Notes the next record, at `secs` since the epoch, of the chunk that is read from its beginning to its end.
    #[inline]
    pub fn note(&mut self, secs: i64) {
        let (_, last) = self.current.get_or_insert((secs, secs));
        self.within.note(*last, secs);
        *last = secs;
    }

    /// Ends the chunk that is read, which begins at byte `chunk`.
    pub fn close(&mut self, chunk: usize) {
        if let Some(edges) = self.current.take() {
            self.edges.insert(chunk, edges);
        }
    }

    /// Steps back of the source as a whole.
    pub fn steps_back(&self) -> StepsBack {
        let mut steps = self.within;
        let mut chunks = self.edges.values();
        let Some(&(_, mut last)) = chunks.next() else {
            return steps;
        };
        for (first, end) in chunks {
            steps.note(last, *first);
            last = *end;
        }
        steps
    }
}

impl Merge for Order {
    fn merge(&mut self, other: Order) {
        self.within.count.merge(other.within.count);
        self.within.largest_s = self.within.largest_s.max(other.within.largest_s);
        self.edges.extend(other.edges);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads times as one file cut before each of the given records.
    fn read(times: &[i64], cuts: &[usize]) -> Order {
        let mut parts: Vec<Order> = Vec::new();
        for (at, secs) in times.iter().enumerate() {
            if at == 0 || cuts.contains(&at) {
                parts.push(Order::default());
            }
            let part = parts.last_mut().unwrap();
            part.note(*secs);
            if at + 1 == times.len() || cuts.contains(&(at + 1)) {
                let chunk = cuts.iter().copied().filter(|cut| *cut <= at).max();
                part.close(chunk.unwrap_or(0));
            }
        }
        // The last chunk is done first, as may happen.
        let mut all = parts.pop().unwrap();
        parts.into_iter().for_each(|part| all.merge(part));
        all
    }

    #[test]
    fn late_lines_are_ordinary() {
        let steps = read(&[100, 159, 100, 160, 100, 101], &[]).steps_back();
        assert_eq!(steps, StepsBack::default());
    }

    #[test]
    fn clock_set_back_is_counted_wherever_chunks_are_cut() {
        let times = [5_000, 5_010, 1_410, 1_420, 1_500, 1_439, 1_400, 9_000];
        let expected = StepsBack {
            count: 2,
            largest_s: 3_600,
        };
        for cut in 1..times.len() {
            for second in cut..times.len() {
                let order = read(&times, &[cut, second]);
                assert_eq!(order.steps_back(), expected, "cut at {cut} and {second}");
            }
        }
    }

    #[test]
    fn nothing_read_is_in_order() {
        assert_eq!(Order::default().steps_back(), StepsBack::default());
    }
}

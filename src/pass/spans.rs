//! What is known of each chunk of a log once it was read: where it lies, and the time that it covers.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Log;
use crate::evidence::filed::{Lawful, lawful};
use crate::evidence::lines::LineCounts;
use crate::merge::Merge;

/// A part of a log, and the time its records cover.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ChunkSpan {
    /// Index into the logs surveyed.
    pub log: usize,
    /// Bytes.
    pub start: usize,
    /// Bytes.
    pub end: usize,
    /// Earliest record, seconds since the epoch.
    pub first: i64,
    /// Latest record; before `first` when there is none.
    pub last: i64,
    /// Physical lines that begin in it.
    pub lines: u64,
    /// Whether each of its lines was read as a record, or says nothing.
    pub readable: bool,
}

impl Lawful for ChunkSpan {
    fn is_lawful(&self) -> bool {
        self.start <= self.end
    }
}
lawful!(ChunkSpan);

/// Spans kept of the chunks of logs: at [`super::DEFAULT_CHUNK_BYTES`] those of 256 GiB, in 14 MiB. Of longer logs neighbours are told
/// as one, so that a closer look reads a little more than it needs.
pub const MOST_SPANS: usize = 1 << 18;

/// Tells neighbours as one, two and two, until no more than so many spans are left, if logs are long enough for that.
pub fn coarsen(spans: &mut Vec<ChunkSpan>, most: usize) {
    let mut before = usize::MAX;
    while spans.len() > most && spans.len() < before {
        before = spans.len();
        spans.sort_unstable();
        let mut joined = false;
        spans.dedup_by(|next, last| {
            joined = !joined && last.absorb(next);
            joined
        });
    }
}

impl ChunkSpan {
    /// Takes over what follows in the same log; false if this one does not.
    fn absorb(&mut self, next: &ChunkSpan) -> bool {
        let follows = (self.log, self.end) == (next.log, next.start);
        if follows {
            self.end = next.end;
            self.first = self.first.min(next.first);
            self.last = self.last.max(next.last);
            self.lines += next.lines;
            self.readable &= next.readable;
        }
        follows
    }
}

/// Files the books of a chunk (index of the log, bytes), and the time that it covers.
pub fn file_books(
    chunks: &mut Vec<ChunkSpan>,
    books: &mut BTreeMap<u32, LineCounts>,
    log: &Log<'_>,
    (index, range): (usize, &Range<usize>),
    mut lines: LineCounts,
) {
    lines.order.close(range.start);
    chunks.push(chunk_span(index, range, &lines));
    books.entry(log.source).or_default().merge(lines);
}

fn chunk_span(log: usize, range: &Range<usize>, lines: &LineCounts) -> ChunkSpan {
    let (first, last) = lines.span.map_or((i64::MAX, i64::MIN), |span| {
        (span.first.secs(), span.last.secs())
    });
    ChunkSpan {
        log,
        start: range.start,
        end: range.end,
        first,
        last,
        lines: lines.lines,
        readable: lines.unparsed.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_told_as_one_when_there_are_too_many() {
        let span = |log, start| ChunkSpan {
            log,
            start,
            end: start + 10,
            first: start as i64,
            last: start as i64 + 5,
            lines: 3,
            readable: start != 30,
        };
        let empty = ChunkSpan {
            first: i64::MAX,
            last: i64::MIN,
            lines: 1,
            ..span(0, 40)
        };
        let mut spans: Vec<ChunkSpan> = [0, 10, 20, 30, 60].map(|start| span(0, start)).into();
        spans.extend([empty, span(1, 0)]);
        spans.reverse();
        coarsen(&mut spans, 7);
        assert_eq!(spans.len(), 7);
        coarsen(&mut spans, 1);
        let told = spans.iter().map(|span| {
            let bytes = span.start..span.end;
            (
                span.log,
                bytes,
                span.first,
                span.last,
                span.lines,
                span.readable,
            )
        });
        let told: Vec<_> = told.collect();
        // Between bytes 50 and 60 somebody else counts.
        assert_eq!(
            told,
            [
                (0, 0..50, 0, 35, 13, false),
                (0, 60..70, 60, 65, 3, true),
                (1, 0..10, 0, 5, 3, true),
            ]
        );
    }
}

//! What is there twice: a rotated log beside its packed twin, a copy, the end of one file at the beginning of the next.
//!
//! Looks at bytes alone. A piece is taken for a repetition when its beginning stands in another piece and both go on alike
//! to the end of one of them: then either it is contained, or the other's tail is its head (`copytruncate`, a copy that
//! was taken while the log went on). Nothing else is looked for, and so equal lines in the midst of logs never count.
//!
//! Lines can be equal for good reasons: idle servers answer the same health check, two of them say the same when they start.
//! So what is shared must be [`MIN_LINES`] full lines of [`MIN_SHAPES`] kinds at [`MIN_TIMES`] times; for two pieces that
//! are equal from the first byte to the last, two different lines with a time are enough.
//!
//! Cheap: only pieces of the same format whose times meet are compared; the place is found by bisection over times, and so in
//! a log that is far from sorted an overlap may be missed. One pass over what is shared confirms it.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::ops::Range;

use rayon::prelude::*;

use crate::bytes::Bytes;
use crate::chunk::MAX_LINE;

/// Full lines that two pieces must share.
pub const MIN_LINES: usize = 8;

/// So many of them must differ in more than numbers.
pub const MIN_SHAPES: usize = 3;

/// And so many seconds must be among their times.
pub const MIN_TIMES: usize = 2;

/// Lines that differ, for pieces that are equal from end to end.
const MIN_WHOLE: usize = 2;

/// Lines looked at until a verdict on these is clear.
const MAX_JUDGED: usize = 100_000;

/// Bytes of a piece's beginning that are searched for. They end with the first line unlike the one before.
const MAX_NEEDLE: usize = 256 << 10;

/// Lines without a time that are passed over in search of one.
const MAX_UNTIMED: usize = 100;

/// Bytes searched around the place where a time belongs; lines are written when an answer ends, not when it begins.
const MARGIN: usize = 4 << 20;

/// Bytes searched at most.
const MAX_SEARCHED: usize = 64 << 20;

/// Places at which the beginning of a piece is found at most, in the middle of lines as well.
const MAX_FOUND: usize = 1 << 12;

/// Places that are compared at most.
const MAX_PLACES: usize = 64;

/// A log to compare.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    /// All of it.
    pub bytes: Bytes<'a>,
    /// The name of its format; others cannot hold the same.
    pub format: &'a str,
    /// The time of a line in seconds, on the log's own clock; `None` for lines without.
    pub time: &'a (dyn Fn(&[u8]) -> Option<i64> + Sync),
}

/// The beginning of a piece, or all of it, stands in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// Bytes from the beginning on that are to be left out; ends at a line end, or with the piece.
    pub bytes: usize,
    /// Lines among these.
    pub lines: u64,
    /// Index of the piece that has them as well.
    pub of: usize,
}

/// Finds what each piece repeats of others, so that all that is left is there once. Of equal pieces the first is kept;
/// which bytes are left does not depend on the order of pieces.
pub fn find(pieces: &[Piece<'_>]) -> Vec<Option<Repeat>> {
    let edges: Vec<Option<Edges>> = pieces.par_iter().map(Edges::of).collect();
    let pair = |index: usize, other: usize| {
        let (own, theirs) = (edges[index].as_ref()?, edges[other].as_ref()?);
        let same = index != other && pieces[index].format == pieces[other].format;
        (same && theirs.contain(own)).then_some(())?;
        meeting(&pieces[other], &pieces[index], own).map(|at| Meeting { of: other, at })
    };
    let of_piece = |index: usize| (0..pieces.len()).filter_map(move |other| pair(index, other));
    let meetings: Vec<Vec<Meeting>> = (0..pieces.len())
        .into_par_iter()
        .map(|index| of_piece(index).collect())
        .collect();
    settle(pieces, &edges, &meetings)
}

/// A piece begins at `at` in the piece `of`, and both go on alike to the end of one.
struct Meeting {
    of: usize,
    at: usize,
}

/// Decides what is left out. Nothing is lost: what is contained stands in a longer piece or an equal one before it, and a
/// beginning that is left out stands in a piece that begins earlier, so that no ring of pieces can leave out the same.
fn settle(
    pieces: &[Piece<'_>],
    edges: &[Option<Edges>],
    meetings: &[Vec<Meeting>],
) -> Vec<Option<Repeat>> {
    let len = |index: usize| pieces[index].bytes.len();
    let containing = |index: usize| {
        let holds = |meeting: &&Meeting| {
            let bigger = len(meeting.of) > len(index);
            let twin = len(meeting.of) == len(index) && meeting.of < index;
            (bigger || twin) && meeting.at + len(index) <= len(meeting.of)
        };
        meetings[index].iter().find(holds)
    };
    let contained: Vec<bool> = (0..pieces.len())
        .map(|index| containing(index).is_some())
        .collect();
    let begins = |index: usize| {
        (
            edges[index]
                .as_ref()
                .map(|edges| (edges.first, pieces[index].bytes.get(edges.needle.clone()))),
            len(index),
        )
    };
    let head = |index: usize| {
        let bytes = pieces[index].bytes;
        let shared = meetings[index].iter().filter_map(|meeting| {
            let shared = len(meeting.of) - meeting.at;
            // The last line may have been torn where the other piece ends.
            let skip = bytes.last_feed(0, shared)? + 1;
            let sound = !contained[meeting.of] && begins(meeting.of) < begins(index);
            sound.then_some((skip, meeting.of))
        });
        // The first of those that share most.
        shared.reduce(|best, next| if next.0 > best.0 { next } else { best })
    };
    let repeat = |index: usize| match containing(index) {
        Some(meeting) => Some(Repeat::new(pieces[index].bytes, len(index), meeting.of)),
        None => head(index).map(|(skip, of)| Repeat::new(pieces[index].bytes, skip, of)),
    };
    (0..pieces.len()).map(repeat).collect()
}

impl Repeat {
    fn new(piece: Bytes<'_>, bytes: usize, of: usize) -> Repeat {
        let ended = bytes == 0 || piece.get(bytes - 1..bytes) == b"\n";
        let lines = piece.ends(0..bytes) + u64::from(!ended);
        Repeat { bytes, lines, of }
    }
}

/// What is known of a piece at a glance.
struct Edges {
    first: i64,
    last: i64,
    /// The beginning that is searched for.
    needle: Range<usize>,
}

impl Edges {
    /// `None` when there is no time, or nothing to know the beginning by.
    fn of(piece: &Piece<'_>) -> Option<Edges> {
        let first = first_time(piece, 0)?;
        let last = last_time(piece)?;
        let mut lines = piece.bytes.lines(0..MAX_NEEDLE);
        let (_, opening) = lines.next()?;
        let (at, other) = lines.find(|(_, line)| *line != opening)?;
        let needle = 0..at + other.len();
        Some(Edges {
            first,
            last,
            needle,
        })
    }

    /// Whether the other's beginning can be within.
    fn contain(&self, other: &Edges) -> bool {
        // Jumps back of some minutes happen in any log.
        const SLACK_S: i64 = 600;
        let start = self.first.min(self.last).saturating_sub(SLACK_S);
        let end = self.first.max(self.last).saturating_add(SLACK_S);
        (start..=end).contains(&other.first)
    }
}

/// The time of the first line from `at` on that has one.
fn first_time(piece: &Piece<'_>, at: usize) -> Option<i64> {
    let lines = piece.bytes.lines(at..piece.bytes.len()).take(MAX_UNTIMED);
    lines.filter_map(|(_, line)| (piece.time)(line)).next()
}

fn last_time(piece: &Piece<'_>) -> Option<i64> {
    let mut end = piece.bytes.len();
    for _ in 0..MAX_UNTIMED {
        let before = piece.bytes.last_feed(0, end);
        let start = before.map_or(0, |at| at + 1);
        let line = match end - start <= MAX_LINE {
            true => piece.bytes.get(start..end),
            false => &[],
        };
        if let Some(time) = (piece.time)(line.strip_suffix(b"\r").unwrap_or(line)) {
            return Some(time);
        }
        end = before?;
    }
    None
}

/// Where in `whole` the beginning of `part` stands so that both go on alike to the end of one, convincingly.
fn meeting(whole: &Piece<'_>, part: &Piece<'_>, edges: &Edges) -> Option<usize> {
    let searched = searched(whole, edges.first);
    let needle = part.bytes.get(edges.needle.clone());
    let begins = |at: &usize| *at == 0 || whole.bytes.get(*at - 1..*at) == b"\n";
    let places = whole.bytes.places(searched, needle, MAX_FOUND);
    let beginning = (whole.bytes.head(needle.len()) == needle).then_some(0);
    let places = beginning
        .into_iter()
        .chain(places.into_iter().filter(begins));
    places.take(MAX_PLACES).find(|at| {
        let rest = whole.bytes.len() - at;
        let shared = rest.min(part.bytes.len());
        whole.bytes.equals(*at, part.bytes, 0, shared)
            && convincing(part, shared, rest == part.bytes.len() && *at == 0)
    })
}

/// Which bytes to search for lines of a second.
fn searched(piece: &Piece<'_>, second: i64) -> Range<usize> {
    let len = piece.bytes.len();
    if len <= MARGIN {
        return 0..len;
    }
    let start = lower_bound(piece, second).saturating_sub(MARGIN);
    let end = lower_bound(piece, second.saturating_add(1)).saturating_add(MARGIN);
    start..end.clamp(start, len).min(start + MAX_SEARCHED)
}

/// About where the first line stands that is not before `second`, if the lines are sorted.
fn lower_bound(piece: &Piece<'_>, second: i64) -> usize {
    /// Nearer than this nobody needs to know.
    const NEAR: usize = 64 << 10;
    let (mut low, mut high) = (0, piece.bytes.len());
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        let line = piece.bytes.feed(middle, high).map(|at| at + 1);
        match line.and_then(|line| first_time(piece, line)) {
            Some(time) if time < second => low = middle,
            _ => high = middle,
        }
    }
    low
}

type Hasher = BuildHasherDefault<DefaultHasher>;

/// Whether the first `shared` bytes of a piece can hardly be the same by chance.
fn convincing(piece: &Piece<'_>, shared: usize, whole: bool) -> bool {
    let hasher = Hasher::default();
    let (mut distinct, mut shapes, mut times) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut full = 0;
    for (at, line) in piece.bytes.lines(0..shared).take(MAX_JUDGED) {
        let ended = whole || at + line.len() < shared;
        let Some(time) = (piece.time)(line).filter(|_| ended) else {
            continue;
        };
        full += 1;
        times.insert(time);
        distinct.insert(hasher.hash_one(line));
        shapes.insert(shape(line, &hasher));
        let plenty = full >= MIN_LINES && shapes.len() >= MIN_SHAPES && times.len() >= MIN_TIMES;
        if plenty || whole && distinct.len() >= MIN_WHOLE {
            return true;
        }
    }
    false
}

/// A line without its digits, as a number.
fn shape(line: &[u8], hasher: &Hasher) -> u64 {
    let words = line
        .split(u8::is_ascii_digit)
        .filter(|word| !word.is_empty());
    hasher.hash_one(words.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;

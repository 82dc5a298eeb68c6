//! The bytes of an input, or as much of them as is at hand.
//!
//! Who reads a log on one machine has all of its bytes. Where several machines share the work, each has a range of them, and
//! the one that decides what to read next has none but what it asked for before. So whoever looks at bytes out of order does it
//! through [`Bytes`]: it answers from what is at hand, and notes as a [`Want`] what is not. The answer is then nothing (no
//! bytes, no line, no place), and what follows from it is in vain; but when the wants are answered, the same looks
//! find everything, as they would on one machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::chunk;

/// Bytes that are asked for at least where some are missing: some hundred lines, so that a look at a place needs one answer.
const LOOK: usize = 64 << 10;

/// The same for looks at thousands of places, each of which needs a line or two.
pub const GLIMPSE: usize = 4 << 10;

/// Bytes that one answer is rarely about: more than a chunk of a pass with a long line behind it.
const LARGE: u64 = 4 << 20;

/// All bytes of an input, or some.
#[derive(Clone, Copy)]
pub struct Bytes<'a>(Held<'a>);

#[derive(Clone, Copy)]
enum Held<'a> {
    All(&'a [u8]),
    Some(&'a Excerpts),
}

/// What somebody wants to know of the bytes of an input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Want {
    /// These bytes.
    Bytes(Range64),
    /// How many lines end among these bytes.
    Ends(Range64),
    /// Their SHA-256.
    Digest(Range64),
    /// The first places among these bytes at which a text begins, so many at most.
    Places(Range64, Vec<u8>, usize),
}

/// From a byte to another one, which is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Range64 {
    /// The first byte.
    pub start: u64,
    /// The byte behind the last.
    pub end: u64,
}

impl Range64 {
    /// Whether some bytes are in both.
    pub fn overlaps(&self, other: &Range64) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl From<Range<usize>> for Range64 {
    fn from(range: Range<usize>) -> Range64 {
        Range64 {
            start: range.start as u64,
            end: range.end as u64,
        }
    }
}

impl From<Range64> for Range<usize> {
    fn from(range: Range64) -> Range<usize> {
        range.start as usize..range.end as usize
    }
}

/// What the bytes say to a [`Want`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Want::Bytes`].
    Bytes(Vec<u8>),
    /// To [`Want::Ends`].
    Ends(u64),
    /// To [`Want::Digest`].
    Digest([u8; 32]),
    /// To [`Want::Places`].
    Places(Vec<u64>),
}

impl Want {
    /// The bytes that the answer depends on.
    pub fn range(&self) -> Range64 {
        match self {
            Want::Bytes(range)
            | Want::Ends(range)
            | Want::Digest(range)
            | Want::Places(range, ..) => *range,
        }
    }

    /// The answer; `bytes` are those of [`Want::range`].
    pub fn answer(&self, bytes: &[u8]) -> Answer {
        match self {
            Want::Bytes(_) => Answer::Bytes(bytes.to_vec()),
            Want::Ends(_) => Answer::Ends(memchr::memchr_iter(b'\n', bytes).count() as u64),
            Want::Digest(_) => Answer::Digest(Sha256::digest(bytes).into()),
            Want::Places(range, text, most) => {
                let places = memchr::memmem::find_iter(bytes, text).take(*most);
                Answer::Places(places.map(|at| range.start + at as u64).collect())
            }
        }
    }
}

/// What is at hand of an input.
#[derive(Default)]
pub struct Excerpts {
    len: usize,
    /// By where they begin; none touches another.
    pieces: BTreeMap<usize, Vec<u8>>,
    answers: BTreeMap<Want, Answer>,
    share: OnceLock<Share>,
    missed: Mutex<BTreeSet<Want>>,
}

/// What is to be counted here: the lines that begin in a range.
struct Share {
    range: Range<usize>,
    /// Where the first of these lines begins.
    start: usize,
    /// All of them.
    bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
}

impl Share {
    fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    fn end(&self) -> usize {
        self.start + self.bytes().len()
    }

    /// The lines that begin in a range, as far as they are here.
    fn lines(&self, range: Range<usize>) -> Range<usize> {
        let (start, end) = (self.line_from(range.start), self.line_from(range.end));
        start..end.max(start)
    }

    /// Where the first line begins that begins at a byte or behind it.
    fn line_from(&self, from: usize) -> usize {
        if from <= self.start {
            return self.start;
        }
        if from >= self.range.end.min(self.end()) {
            return self.end();
        }
        let bytes = self.bytes();
        let before = from - self.start - 1;
        let end = memchr::memchr(b'\n', &bytes[before..]);
        self.start + end.map_or(bytes.len(), |end| before + end + 1)
    }
}

impl Excerpts {
    /// What is known of an input of so many bytes, by what was answered before.
    pub fn new(len: usize, answers: impl IntoIterator<Item = (Want, Answer)>) -> Excerpts {
        let mut excerpts = Excerpts {
            len,
            ..Excerpts::default()
        };
        let mut pieces = Vec::new();
        for (want, answer) in answers {
            match answer {
                Answer::Bytes(bytes) => pieces.push((want.range().start as usize, bytes)),
                answer => drop(excerpts.answers.insert(want, answer)),
            }
        }
        pieces.sort_unstable_by_key(|(start, _)| *start);
        for (start, bytes) in pieces {
            excerpts.add(start, &bytes);
        }
        excerpts
    }

    /// Adds bytes that begin nowhere before those that were added before.
    fn add(&mut self, start: usize, bytes: &[u8]) {
        if let Some((before, piece)) = self.pieces.range_mut(..=start).next_back()
            && before + piece.len() >= start
        {
            let known = before + piece.len() - start;
            piece.extend_from_slice(bytes.get(known..).unwrap_or_default());
            return;
        }
        self.pieces.insert(start, bytes.to_vec());
    }

    /// Brings what is to be counted here: the lines that begin in a range, of which the first begins at `start`. Only what is
    /// brought first counts.
    pub fn bring(
        &self,
        range: Range<usize>,
        start: usize,
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
    ) {
        let _ = self.share.set(Share {
            range,
            start,
            bytes: Box::new(bytes),
        });
    }

    /// What is at hand from byte `at` on.
    fn from(&self, at: usize) -> &[u8] {
        let piece = self.pieces.range(..=at).next_back();
        let rest = piece.and_then(|(start, bytes)| bytes.get(at - start..));
        let rest = rest.unwrap_or_default();
        let counted = self.share.get().and_then(|share| {
            let before = at.checked_sub(share.start)?;
            share.bytes().get(before..)
        });
        match counted {
            Some(counted) if counted.len() > rest.len() => counted,
            _ => rest,
        }
    }

    /// What is at hand up to byte `end`.
    fn up_to(&self, end: usize) -> &[u8] {
        let piece = self.pieces.range(..end).next_back();
        let before = piece.and_then(|(start, bytes)| bytes.get(..end - start));
        before.unwrap_or_default()
    }

    /// Notes that something is missing. What is large is only noted where nothing else is missing: whoever did not find a line
    /// end takes all that follows for one line, and will know better when it is there.
    fn miss(&self, want: Want) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        let range = want.range();
        if missed.is_empty() || range.end - range.start <= LARGE {
            missed.insert(want);
        }
    }

    /// An answer that was given, of a kind that `take` knows.
    fn answered<T>(&self, want: Want, take: impl Fn(&Answer) -> Option<T>) -> Option<T> {
        let known = self.answers.get(&want).and_then(take);
        if known.is_none() {
            self.miss(want);
        }
        known
    }

    /// What was wanted and is not there.
    pub fn missed(&self) -> BTreeSet<Want> {
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.clone()
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    fn from(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes(Held::All(bytes))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Bytes<'a> {
    fn from(bytes: &'a [u8; N]) -> Bytes<'a> {
        Bytes(Held::All(bytes))
    }
}

impl<'a> From<&'a Vec<u8>> for Bytes<'a> {
    fn from(bytes: &'a Vec<u8>) -> Bytes<'a> {
        Bytes(Held::All(bytes))
    }
}

impl<'a> From<&'a Excerpts> for Bytes<'a> {
    fn from(excerpts: &'a Excerpts) -> Bytes<'a> {
        Bytes(Held::Some(excerpts))
    }
}

impl<'a> Bytes<'a> {
    /// How many bytes there are, at hand or not.
    pub fn len(self) -> usize {
        match self.0 {
            Held::All(bytes) => bytes.len(),
            Held::Some(excerpts) => excerpts.len,
        }
    }

    /// Whether there is not a byte.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether all of it is there to be read in any order.
    pub fn is_whole(self) -> bool {
        matches!(self.0, Held::All(_))
    }

    /// The bytes of a range, as far as the input has it; none if one of them is not at hand.
    #[inline]
    pub fn get(self, range: Range<usize>) -> &'a [u8] {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        match self.0 {
            Held::All(bytes) => &bytes[start..end],
            Held::Some(excerpts) => match excerpts.from(start).get(..end - start) {
                Some(bytes) => bytes,
                None => {
                    excerpts.miss(Want::Bytes((start..end).into()));
                    &[]
                }
            },
        }
    }

    /// The first bytes, so many at most.
    pub fn head(self, most: usize) -> &'a [u8] {
        self.get(0..most)
    }

    /// The lines of a range, and where each begins in the input. Only as many bytes are looked at as lines are taken.
    pub fn lines(self, range: Range<usize>) -> Lines<'a> {
        self.lines_by(range, LOOK)
    }

    /// The same for who needs a line or two at each of many places.
    pub fn few_lines(self, range: Range<usize>) -> Lines<'a> {
        self.lines_by(range, GLIMPSE)
    }

    fn lines_by(self, range: Range<usize>, look: usize) -> Lines<'a> {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let (bytes, missing) = match self.0 {
            Held::All(bytes) => (&bytes[start..end], None),
            Held::Some(excerpts) => {
                let there = excerpts.from(start);
                let wanted = end - start;
                match there.get(..wanted) {
                    Some(all) => (all, None),
                    None => {
                        let whole = memchr::memrchr(b'\n', there).map_or(0, |at| at + 1);
                        (&there[..whole], Some((excerpts, start + there.len())))
                    }
                }
            }
        };
        Lines {
            start,
            lines: chunk::lines(bytes),
            missing: missing.map(|(excerpts, from)| Missing {
                excerpts,
                from,
                // As much again as there was, for lines that are longer than a look.
                to: end.min(from + (from - start).max(look)),
            }),
        }
    }

    /// The part of a range of which the lines that begin there are to be counted here: all of it where all bytes are.
    pub fn share(self, range: Range<usize>) -> Range<usize> {
        let share = match self.0 {
            Held::All(_) => return range,
            Held::Some(excerpts) => excerpts.share.get().map(|share| &share.range),
        };
        let Some(share) = share else {
            return range.start..range.start;
        };
        let start = range.start.max(share.start);
        start..range.end.min(share.end).max(start)
    }

    /// Whether some lines are all to be counted here.
    pub fn holds(self, lines: &Range<usize>) -> bool {
        match self.0 {
            Held::All(_) => true,
            Held::Some(excerpts) => excerpts.share.get().is_some_and(|share| {
                share.range.contains(&lines.start)
                    && share.start <= lines.start
                    && lines.end <= share.end()
            }),
        }
    }

    /// The lines that begin in a range, as far as they are to be counted here: from which byte to which.
    pub fn whole_lines(self, range: Range<usize>) -> Range<usize> {
        match self.0 {
            Held::All(_) => range,
            Held::Some(excerpts) => match excerpts.share.get() {
                Some(share) => share.lines(range),
                None => range.start..range.start,
            },
        }
    }

    /// The same in chunks of about so many bytes; see [`chunk::chunks`].
    pub fn chunks(self, range: Range<usize>, target: usize) -> Vec<Range<usize>> {
        let lines = self.whole_lines(range);
        let chunks = chunk::chunks(self.get(lines.clone()), target).into_iter();
        chunks
            .map(|range| lines.start + range.start..lines.start + range.end)
            .collect()
    }

    /// Where the line ends that byte `from` is in, its line end included; the end of the input if it has none.
    pub fn line_end(self, from: usize) -> usize {
        self.feed(from, self.len()).map_or(self.len(), |at| at + 1)
    }

    /// The first line feed of a range.
    pub fn feed(self, start: usize, end: usize) -> Option<usize> {
        self.feed_by(start, end, LOOK)
    }

    /// The same for who looks at many places.
    pub fn near_feed(self, start: usize, end: usize) -> Option<usize> {
        self.feed_by(start, end, GLIMPSE)
    }

    fn feed_by(self, start: usize, end: usize, look: usize) -> Option<usize> {
        let end = end.min(self.len());
        let start = start.min(end);
        let (there, excerpts) = match self.0 {
            Held::All(bytes) => (&bytes[start..end], None),
            Held::Some(excerpts) => (excerpts.from(start), Some(excerpts)),
        };
        let there = &there[..there.len().min(end - start)];
        let found = memchr::memchr(b'\n', there).map(|at| start + at);
        if let (None, Some(excerpts)) = (found, excerpts)
            && there.len() < end - start
        {
            let from = start + there.len();
            let to = end.min(from + there.len().max(look));
            excerpts.miss(Want::Bytes((from..to).into()));
        }
        found
    }

    /// The last line feed of a range.
    pub fn last_feed(self, start: usize, end: usize) -> Option<usize> {
        let end = end.min(self.len());
        let start = start.min(end);
        let (there, excerpts) = match self.0 {
            Held::All(bytes) => (&bytes[start..end], None),
            Held::Some(excerpts) => (excerpts.up_to(end), Some(excerpts)),
        };
        let there = &there[there.len() - there.len().min(end - start)..];
        let from = end - there.len();
        let found = memchr::memrchr(b'\n', there).map(|at| from + at);
        if let (None, Some(excerpts)) = (found, excerpts)
            && from > start
        {
            let more = there.len().max(LOOK);
            let want = start.max(from.saturating_sub(more))..from;
            excerpts.miss(Want::Bytes(want.into()));
        }
        found
    }

    /// How many lines end within a range.
    pub fn ends(self, range: Range<usize>) -> u64 {
        let want = Want::Ends(range.clone().into());
        let answered = |answer: &Answer| match answer {
            Answer::Ends(ends) => Some(*ends),
            _ => None,
        };
        match self.0 {
            Held::All(bytes) => memchr::memchr_iter(b'\n', &bytes[range]).count() as u64,
            Held::Some(_) if range.is_empty() => 0,
            Held::Some(excerpts) => excerpts.answered(want, answered).unwrap_or(0),
        }
    }

    /// Where a text begins within a range: the first places, so many at most.
    pub fn places(self, range: Range<usize>, text: &[u8], most: usize) -> Vec<usize> {
        let answered = |answer: &Answer| match answer {
            Answer::Places(places) => Some(places.iter().map(|at| *at as usize).collect()),
            _ => None,
        };
        match self.0 {
            Held::All(bytes) => {
                let places = memchr::memmem::find_iter(&bytes[range.clone()], text).take(most);
                places.map(|at| range.start + at).collect()
            }
            Held::Some(_) if range.is_empty() => Vec::new(),
            Held::Some(excerpts) => {
                let want = Want::Places(range.into(), text.to_vec(), most);
                excerpts.answered(want, answered).unwrap_or_default()
            }
        }
    }

    /// Whether `len` bytes from `at` on are those of another input from `other_at` on.
    pub fn equals(self, at: usize, other: Bytes<'_>, other_at: usize, len: usize) -> bool {
        if let (Held::All(mine), Held::All(theirs)) = (self.0, other.0) {
            return mine[at..at + len] == theirs[other_at..other_at + len];
        }
        if len == 0 {
            return true;
        }
        let (mine, theirs) = (
            self.digest(at..at + len),
            other.digest(other_at..other_at + len),
        );
        mine.is_some() && mine == theirs
    }

    fn digest(self, range: Range<usize>) -> Option<[u8; 32]> {
        match self.0 {
            Held::All(bytes) => Some(Sha256::digest(&bytes[range]).into()),
            Held::Some(excerpts) => {
                excerpts.answered(Want::Digest(range.into()), |answer| match answer {
                    Answer::Digest(digest) => Some(*digest),
                    _ => None,
                })
            }
        }
    }
}

impl fmt::Debug for Excerpts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Excerpts(of {} bytes)", self.len)
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.len())
    }
}

/// See [`Bytes::lines`].
pub struct Lines<'a> {
    start: usize,
    lines: chunk::Lines<'a>,
    missing: Option<Missing<'a>>,
}

/// What is to be asked for when lines are taken that are not at hand.
struct Missing<'a> {
    excerpts: &'a Excerpts,
    from: usize,
    to: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        match self.lines.next() {
            Some((offset, line)) => Some((self.start + offset, line)),
            None => {
                let missing = self.missing.take()?;
                let range = missing.from..missing.to;
                missing.excerpts.miss(Want::Bytes(range.into()));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &[u8] = b"one\ntwo\r\n\nfour is longer\nlast";

    /// Looks until everything that is wanted is there; in how many rounds.
    fn rounds<T>(text: &[u8], look: impl Fn(Bytes<'_>) -> T) -> (T, usize) {
        let mut answers: BTreeMap<Want, Answer> = BTreeMap::new();
        for round in 0.. {
            let excerpts = Excerpts::new(text.len(), answers.clone());
            let found = look(Bytes::from(&excerpts));
            let missed = excerpts.missed();
            if missed.is_empty() {
                return (found, round);
            }
            for want in missed {
                let range: Range<usize> = want.range().into();
                let answer = want.answer(&text[range]);
                assert!(answers.insert(want, answer).is_none());
            }
        }
        unreachable!()
    }

    fn lines(bytes: Bytes<'_>, range: Range<usize>, most: usize) -> Vec<(usize, Vec<u8>)> {
        let lines = bytes.lines(range).take(most);
        lines.map(|(at, line)| (at, line.to_vec())).collect()
    }

    #[test]
    fn what_is_not_at_hand_is_asked_for_once() {
        let (found, rounds) = rounds(TEXT, |bytes| {
            let head = bytes.head(3).to_vec();
            (head, bytes.ends(4..TEXT.len()), bytes.feed(5, 30))
        });
        assert_eq!(found, (b"one".to_vec(), 3, Some(8)));
        assert_eq!(rounds, 1);
    }

    #[test]
    fn long_lines_take_few_rounds() {
        let mut text = vec![b'x'; 20 * LOOK];
        text.push(b'\n');
        text.extend_from_slice(b"end");
        let (found, rounds) = rounds(&text, |bytes| lines(bytes, 0..bytes.len(), 2));
        assert_eq!(found.len(), 2);
        assert!(rounds <= 6, "{rounds}");
    }

    proptest! {
        /// Whatever is looked at, what is found in excerpts in the end is what all bytes say.
        #[test]
        fn excerpts_say_in_the_end_what_all_bytes_do(
            text in prop::collection::vec(prop_oneof![2 => Just(b'\n'), 1 => Just(b'\r'), 5 => Just(b'a'), 3 => any::<u8>()], 1..300),
            start in any::<prop::sample::Index>(),
            end in any::<prop::sample::Index>(),
            most in 1usize..9,
        ) {
            let (start, end) = (start.index(text.len()), end.index(text.len() + 1));
            let range = start.min(end)..start.max(end);
            let look = |bytes: Bytes<'_>| (
                lines(bytes, range.clone(), most),
                bytes.get(range.clone()).to_vec(),
                bytes.feed(range.start, range.end),
                bytes.last_feed(range.start, range.end),
                bytes.line_end(range.start),
                bytes.ends(range.clone()),
                bytes.places(range.clone(), b"a\n", most),
                bytes.equals(range.start, bytes, 0, range.len()),
            );
            let (found, _) = rounds(&text, look);
            prop_assert_eq!(found, look(Bytes::from(&text)));
        }
    }
}

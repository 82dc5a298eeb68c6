//! Cutting bytes: a log into chunks for the workers, a chunk into lines.
//!
//! Nothing is copied. Every byte belongs to exactly one chunk and, line ends aside, to exactly one
//! line; a line belongs to the chunk it begins in, so the chunk size never changes what is read.

use std::ops::Range;

/// The longest line in bytes that is read as a record. Far above what servers write (Apache's
/// default LimitRequestLine is 8190, nginx takes 4 header buffers of 8 KiB), and small enough that
/// no single line holds up a worker.
pub const MAX_LINE: usize = 1 << 20;

/// Cuts `bytes` at line ends into ranges of at least `target` bytes (the last may be shorter).
///
/// The ranges follow each other without gaps. A line longer than `target` makes its chunk longer.
pub fn chunks(bytes: &[u8], target: usize) -> Vec<Range<usize>> {
    let target = target.max(1);
    let mut ranges = Vec::with_capacity(bytes.len() / target + 1);
    let mut start = 0;
    while start < bytes.len() {
        // The last byte of a full chunk may itself be the line end.
        let search_from = start.saturating_add(target - 1);
        let end = line_end(bytes, search_from).unwrap_or(bytes.len());
        ranges.push(start..end);
        start = end;
    }
    ranges
}

/// Where the first line ends whose line end stands at `from` or behind, that line end included.
pub fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    let end = memchr::memchr(b'\n', bytes.get(from..)?);
    end.map(|at| from + at + 1)
}

/// What is left of a range without others, which may come in any order and overlap.
pub fn without(range: Range<usize>, mut gone: Vec<Range<usize>>) -> Vec<Range<usize>> {
    gone.sort_unstable_by_key(|gone| gone.start);
    let mut left = Vec::new();
    let mut from = range.start;
    for gone in gone {
        left.push(from..gone.start.min(range.end));
        from = from.max(gone.end);
    }
    left.push(from..range.end);
    left.retain(|left| !left.is_empty());
    left
}

/// The lines of `bytes`: see [`Lines`].
pub fn lines(bytes: &[u8]) -> Lines<'_> {
    Lines {
        bytes,
        start: 0,
        ends: memchr::memchr_iter(b'\n', bytes),
    }
}

/// Yields `(offset, line)`: where the line begins, and its bytes without the line end (`\n` or
/// `\r\n`; a `\r` at the very end of the input goes as well). A last line without a line end is a
/// line; nothing after the last line end is none.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    bytes: &'a [u8],
    start: usize,
    ends: memchr::Memchr<'a>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<(usize, &'a [u8])> {
        let start = self.start;
        if start >= self.bytes.len() {
            return None;
        }
        let end = self.ends.next().unwrap_or(self.bytes.len());
        self.start = end + 1;
        let line = &self.bytes[start..end];
        Some((start, line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn collect(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
        lines(bytes).map(|(at, line)| (at, line.to_vec())).collect()
    }

    #[test]
    fn line_ends_of_both_kinds_and_a_missing_one() {
        let found = collect(b"one\ntwo\r\n\n\r\nlast");
        let expected: [(usize, &[u8]); 5] =
            [(0, b"one"), (4, b"two"), (9, b""), (10, b""), (12, b"last")];
        assert_eq!(found, expected.map(|(at, line)| (at, line.to_vec())));
        assert!(collect(b"").is_empty());
        assert_eq!(collect(b"\n"), [(0, vec![])]);
        assert_eq!(collect(b"a\rb\n"), [(0, b"a\rb".to_vec())]);
    }

    #[test]
    fn chunks_end_at_line_ends() {
        assert_eq!(chunks(b"aa\nbb\ncc", 3), [0..3, 3..6, 6..8]);
        assert_eq!(chunks(b"aa\nbb\ncc", 4), [0..6, 6..8]);
        assert_eq!(chunks(b"long line\nx\n", 1), [0..10, 10..12]);
        assert_eq!(chunks(b"aa\nb\n", usize::MAX).first(), Some(&(0..5)));
        assert!(chunks(b"", 5).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_no_other_holds(
            range in (0..30usize, 0..30usize),
            gone in prop::collection::vec((0..40usize, 0..9usize), 0..6),
        ) {
            let range = range.0..range.0 + range.1;
            let gone: Vec<_> = gone.into_iter().map(|(start, length)| start..start + length).collect();
            let held = |byte: &usize| !gone.iter().any(|gone| gone.contains(byte));
            let expected: Vec<usize> = range.clone().filter(held).collect();
            let left: Vec<usize> = without(range, gone).into_iter().flatten().collect();
            prop_assert_eq!(left, expected);
        }

        #[test]
        fn any_chunk_size_gives_the_same_lines(
            bytes in proptest::collection::vec(
                prop_oneof![3 => Just(b'\n'), 1 => Just(b'\r'), 6 => any::<u8>()], 0..300),
            target in 0usize..64,
        ) {
            let ranges = chunks(&bytes, target);
            let whole: Vec<u8> = ranges.iter().flat_map(|range| &bytes[range.clone()]).copied().collect();
            prop_assert_eq!(&whole, &bytes);
            let in_chunks: Vec<_> = ranges
                .iter()
                .flat_map(|range| {
                    lines(&bytes[range.clone()])
                        .map(|(at, line)| (range.start + at, line.to_vec()))
                        .collect::<Vec<_>>()
                })
                .collect();
            prop_assert_eq!(in_chunks, collect(&bytes));
        }

        #[test]
        fn lines_and_their_ends_make_up_the_input(
            bytes in proptest::collection::vec(
                prop_oneof![3 => Just(b'\n'), 1 => Just(b'\r'), 6 => any::<u8>()], 0..300),
        ) {
            let mut covered = 0;
            for (at, line) in lines(&bytes) {
                prop_assert_eq!(at, covered);
                prop_assert!(!line.contains(&b'\n'));
                let rest = &bytes[at + line.len()..];
                let ends: [&[u8]; 3] = [b"\r\n", b"\n", b"\r"];
                let end = ends.iter().find(|end| rest.starts_with(end));
                covered = at + line.len() + end.map_or(0, |end| end.len());
            }
            prop_assert_eq!(covered, bytes.len());
        }
    }
}

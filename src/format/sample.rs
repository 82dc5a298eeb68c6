//! Which lines of an input are looked at to find out what it is: from its beginning and from all over it.

use crate::bytes::Bytes;
use crate::chunk::MAX_LINE;

/// Lines looked at where an input begins.
const HEAD_LINES: usize = 200;

/// Places looked at after that, spread evenly: a log that begins with something else is still found.
pub const PLACES: usize = 16;

/// Lines looked at in each such place.
pub const PLACE_LINES: usize = 32;

/// How many bytes of an input one place may take: room for one line that is too long.
pub const WINDOW: usize = 2 * MAX_LINE;

/// Lines and where they begin; blank ones and what is cut off are left out. Depends on the bytes alone.
pub fn lines<'a>(bytes: impl Into<Bytes<'a>>) -> Vec<(u64, &'a [u8])> {
    let bytes = bytes.into();
    let mut found = Vec::new();
    let mut covered = take(bytes, 0, HEAD_LINES, &mut found);
    for place in 1..=PLACES {
        let at = bytes.len() / (PLACES + 1) * place;
        if at < covered {
            continue;
        }
        let Some(start) = next_line(bytes, at) else {
            continue;
        };
        covered = take(bytes, start, PLACE_LINES, &mut found);
    }
    found
}

/// Where the first line begins that starts after `at`, if that is near.
pub fn next_line(bytes: Bytes<'_>, at: usize) -> Option<usize> {
    let end = bytes.feed(at, at.saturating_add(WINDOW));
    end.map(|end| end + 1)
}

/// Takes lines from `start` on; returns where they end.
fn take<'a>(
    bytes: Bytes<'a>,
    start: usize,
    count: usize,
    found: &mut Vec<(u64, &'a [u8])>,
) -> usize {
    let end = bytes.len().min(start.saturating_add(WINDOW));
    let mut covered = start;
    for (at, line) in bytes.lines(start..end).take(count) {
        let whole = at + line.len() < end || end == bytes.len();
        covered = at + line.len() + 1;
        if whole && !line.is_empty() {
            found.push((at as u64, line));
        }
    }
    covered
}

//! What a log says near its beginning and its end: first and last time, and the zone it is written in.

use crate::event::Event;
use crate::format::spec::{Arena, Desk};
use crate::pass::Log;
use crate::time::{Time, UtcOffset};

/// Time of the last record, looked for in the last 64 KiB: what `--since -3h` counts back from.
pub fn last_time(log: &Log<'_>) -> Option<Time> {
    const TAIL: usize = 64 << 10;
    let start = log.bytes.len().saturating_sub(TAIL);
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let mut last = None;
    for (at, line) in log.bytes.lines(start..log.bytes.len()) {
        let event = log.read(line, at as u64, &mut desk);
        last = last.max(event.ok().map(|event| event.time()));
    }
    last
}

/// The earliest time in the first 64 KiB.
pub fn first_time(log: &Log<'_>) -> Option<Time> {
    const HEAD: usize = 64 << 10;
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let times = log.bytes.lines(0..HEAD).filter_map(|(offset, line)| {
        let event = log.read(line, offset as u64, &mut desk).ok()?;
        Some(event.time())
    });
    times.min()
}

/// The zone that the first readable record is written in.
pub fn first_zone(log: &Log<'_>) -> Option<UtcOffset> {
    const HEAD: usize = 64 << 10;
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    for (offset, line) in log.bytes.lines(0..HEAD) {
        if let Ok(Event::Access(access)) = log.read(line, offset as u64, &mut desk) {
            return access.utc_offset;
        }
    }
    None
}

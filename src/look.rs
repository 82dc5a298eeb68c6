//! How later passes look at the lines of a part of a log: those of some clients, or of most only their beginnings.

use crate::client::Client;
use crate::event::{Access, Event};
use crate::evidence::first::Locator;
use crate::format::spec::{Arena, Desk, Glance};
use crate::pass::Log;

/// Shows every access record of a part of a log but those of known clients, passing over clients that are not `wanted` as
/// cheaply as the format allows. Lines that do not parse were counted by the survey.
pub fn each_access_of(
    log: &Log<'_>,
    bytes: &[u8],
    start: usize,
    wanted: impl Fn(Client) -> bool,
    mut show: impl FnMut(&Access<'_>, Locator),
) {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    for (offset, line) in written(bytes, start) {
        if log.client(line).is_none_or(&wanted)
            && let Some((access, at)) = read(log, line, offset, &mut desk)
        {
            show(&access, at);
        }
    }
}

/// Who looks over many requests for the sake of a few. What it is shown lives as long as `'l`.
pub trait Look<'l> {
    /// Whether nearly all lines must be read, so that looking at their beginnings first is in vain.
    fn needs_all(&self) -> bool {
        false
    }

    /// Sees the beginning of a line, and says whether it must be read. If it is no request after all, that comes to light
    /// only then.
    fn glance(&mut self, glance: &Glance<'l>) -> bool;

    /// Sees a request of which a glance was not enough.
    fn read(&mut self, access: Access<'l>, at: Locator);
}

/// The same for who needs no more than the beginnings of most lines. What cannot be borrowed from a line lies in `arena`.
pub fn look_over<'l>(
    log: &Log<'_>,
    bytes: &'l [u8],
    start: usize,
    arena: &'l Arena,
    look: &mut impl Look<'l>,
) {
    let mut desk = Desk::new(arena);
    let needs_all = look.needs_all();
    for (offset, line) in written(bytes, start) {
        let glance = match needs_all {
            true => None,
            false => log.glance(line, &mut desk.times),
        };
        if glance.is_none_or(|glance| log.party(glance.client).is_none() && look.glance(&glance))
            && let Some((access, at)) = read(log, line, offset, &mut desk)
        {
            look.read(access, at);
        }
    }
}

/// The lines of a part of a log on which something is written that can be a record, each with its byte of the log.
fn written(bytes: &[u8], start: usize) -> impl Iterator<Item = (u64, &[u8])> {
    let lines =
        crate::chunk::lines(bytes).map(move |(offset, line)| ((start + offset) as u64, line));
    lines.filter(|(_, line)| !line.is_empty() && line.len() <= crate::chunk::MAX_LINE)
}

/// Reads a request, if it is one and not of a known client.
#[inline]
fn read<'l>(
    log: &Log<'_>,
    line: &'l [u8],
    offset: u64,
    desk: &mut Desk<'l>,
) -> Option<(Access<'l>, Locator)> {
    match log.read(line, offset, desk) {
        Ok(Event::Access(access)) if log.party(access.client).is_none() => {
            let at = Locator {
                time: access.time,
                source: log.source,
                offset,
            };
            Some((access, at))
        }
        _ => None,
    }
}

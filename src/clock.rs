//! Error logs carry no time zone: which one makes them fit the access logs?
//!
//! A message that names a client must fall between that client's first and last request. Whole and half
//! hours are tried, and the one that fits most messages wins; on a near tie the access log's own zone
//! does, because a server usually writes both in one zone.

use crate::chunk;
use crate::counts::AccessCounts;
use crate::event::{ErrorRecord, Event};
use crate::format::spec::{Arena, Desk};
use crate::pass::{Limits, Log};
use crate::season;
use crate::time::{LocalTime, Time, UtcOffset};

/// Places in an error log at which a message is read for the vote.
const PLACES: usize = 2048;

/// Messages that must speak before they outweigh the access log's own zone.
const ENOUGH: usize = 5;

/// How sure it must be that an offset fits a larger share of the messages than the access log's own zone, to replace
/// it: the normal quantile of 99.9%, one-sided.
const QUANTILE: f64 = 3.09;

/// Share of the messages that must fit: a client may come twice, and a message may name an address that the
/// access log never does.
const SHARE: f64 = 0.9;

/// A message may be written this long before or after the request it belongs to is logged: nginx logs
/// a request when it ends, Apache with the time it began. Two minutes cover usual timeouts.
const SLACK_S: i64 = 120;

/// How an offset came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The log writes the zone of its times.
    Written,
    /// The user said so.
    Given,
    /// So many of so many messages fit the access logs with it.
    Aligned {
        /// Messages that fit.
        fitting: usize,
        /// Messages tried.
        tried: usize,
    },
    /// Too few messages name clients of the access logs, or these write several zones; the zone of the first one is assumed.
    Assumed,
    /// There is no access log; UTC is assumed.
    Unknown,
}

/// Finds the offset of an error log. `zone` is the access logs' own.
pub fn align(
    log: &Log<'_>,
    access: &AccessCounts,
    zone: Option<UtcOffset>,
    limits: Limits,
) -> (UtcOffset, Basis) {
    let Some(zone) = zone else {
        return (UtcOffset::UTC, Basis::Unknown);
    };
    let messages = messages(log, access);
    if messages.len() < ENOUGH {
        return (zone, Basis::Assumed);
    }
    // With --since and --until most messages may belong to requests that were not read, so only those count
    // that an offset puts into the time that was.
    let judged = |offset: UtcOffset| Fit::of(&messages, offset, limits);
    let own = judged(zone);
    let best = candidates()
        .map(|offset| (judged(offset), offset))
        .filter(|(fit, _)| fit.convinces())
        .max_by(|(fit, offset), (other_fit, other)| {
            let far = |offset: &UtcOffset| ((offset.0 - zone.0).abs(), offset.0);
            let surer = fit.at_least().total_cmp(&other_fit.at_least());
            surer.then_with(|| far(other).cmp(&far(offset)))
        });
    match best {
        Some((fit, offset)) if !own.convinces() || fit.at_least() > own.share() => {
            (offset, fit.basis())
        }
        _ if own.convinces() => (zone, own.basis()),
        _ => (zone, Basis::Assumed),
    }
}

/// How well an offset fits.
#[derive(Clone, Copy)]
struct Fit {
    fitting: usize,
    tried: usize,
}

impl Fit {
    fn of(messages: &[Message], offset: UtcOffset, limits: Limits) -> Fit {
        let inside = || {
            messages
                .iter()
                .filter(|message| limits.contain(message.time.at(offset).secs()))
        };
        Fit {
            fitting: inside().filter(|message| message.fits(offset)).count(),
            tried: inside().count(),
        }
    }

    fn convinces(self) -> bool {
        self.fitting >= ENOUGH && self.fitting as f64 >= SHARE * self.tried as f64
    }

    /// The share of the messages that fit.
    fn share(self) -> f64 {
        self.fitting as f64 / self.tried.max(1) as f64
    }

    /// The least share that so many messages allow to be believed: the lower end of Wilson's interval (E. B. Wilson,
    /// "Probable inference, the law of succession, and statistical inference", JASA 22, 1927). With a limited time
    /// every offset is tried with other messages, so counts alone say nothing.
    fn at_least(self) -> f64 {
        let (n, z2) = (self.tried.max(1) as f64, QUANTILE * QUANTILE);
        let p = self.share();
        let spread = QUANTILE * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        (p + z2 / (2.0 * n) - spread) / (1.0 + z2 / n)
    }

    fn basis(self) -> Basis {
        Basis::Aligned {
            fitting: self.fitting,
            tried: self.tried,
        }
    }
}

/// Whole and half hours from UTC-12 to UTC+14, the widest offsets in use (IANA tz database).
fn candidates() -> impl Iterator<Item = UtcOffset> {
    (-24..=28).map(|half_hours| UtcOffset(half_hours * 1800))
}

/// A message and the time its client was active in the access logs.
struct Message {
    /// On the clock as it went at the log's beginning, before it was moved for winter.
    time: LocalTime,
    first: Time,
    last: Time,
}

impl Message {
    fn fits(&self, offset: UtcOffset) -> bool {
        let secs = self.time.at(offset).secs();
        (self.first.secs() - SLACK_S..=self.last.secs() + SLACK_S).contains(&secs)
    }
}

fn messages(log: &Log<'_>, access: &AccessCounts) -> Vec<Message> {
    let mut found = Vec::new();
    let moved = season::clock(log, UtcOffset::UTC, None);
    sample(log, |record, byte| {
        if record.utc_offset.is_some() {
            return;
        }
        let client = record.client.and_then(|client| access.clients.get(&client));
        let shown = LocalTime::from_micros(record.time.micros());
        found.extend(client.map(|stats| Message {
            time: LocalTime::from_micros(shown.at(moved.at(byte)).micros()),
            first: stats.first(),
            last: stats.last(),
        }));
    });
    found
}

/// Shows messages from all over a log, with their times as it writes them.
fn sample(log: &Log<'_>, mut show: impl FnMut(&ErrorRecord<'_>, u64)) {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let mut next = 0;
    for place in 0..PLACES {
        let at = (log.bytes.len() / PLACES * place).max(next);
        // From the middle of the file on, the first line is cut off, so the second is read.
        let skipped = usize::from(at != next || at != 0);
        let mut lines = log.bytes.few_lines(at..log.bytes.len());
        let Some((at, line)) = lines.nth(skipped) else {
            continue;
        };
        next = at + line.len();
        if line.len() > chunk::MAX_LINE {
            continue;
        }
        let byte = at as u64;
        if let Ok(Event::Error(record)) = log.reader.read(line, byte, &mut desk) {
            show(&record, byte);
        }
    }
}

//! What stands around a message: the time, host and program that syslog, the journal or a container's runtime put
//! before it, so that any format can stand behind any of them.

use crate::bytes::Bytes;
use crate::event::Unparsed;
use crate::format::spec::{Desk, Format, YearHint};
use crate::time::annual::AnnualTime;
use crate::time::{LocalTime, Time, UtcOffset};

/// A way of wrapping messages. One row each in `messages::ENVELOPES`.
pub struct Envelope {
    /// What the report calls messages of several programs in it. `None` where messages do not say which program they
    /// are from: then all must be in one format.
    pub format: Option<&'static Format>,
    /// What a note says stands before each message: `a syslog prefix`.
    pub stands_before: &'static str,
    /// Takes a line apart.
    pub peel: for<'a> fn(&'a [u8], &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed>,
}

/// A line without its envelope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peeled<'a> {
    /// When the message was taken in.
    pub when: When,
    /// By or from which host; empty where the line does not say.
    pub host: &'a [u8],
    /// Which program wrote it; empty where the line does not say.
    pub program: &'a [u8],
    /// How grave it is by the envelope; empty where the line does not say.
    pub level: &'a [u8],
    /// What the program wrote.
    pub message: &'a [u8],
}

/// The time of an envelope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// As in [`ErrorRecord`](crate::event::ErrorRecord).
    At(Time, Option<UtcOffset>),
    /// Local and without a year.
    Annual(AnnualTime),
}

/// The words for the severities 0 to 7 (RFC 5424, 6.2.1), as syslog.conf has them.
pub const SEVERITIES: [&[u8]; 8] = [
    b"emerg", b"alert", b"crit", b"err", b"warning", b"notice", b"info", b"debug",
];

/// Places of an input at which its date is looked up. From one to the next less than half a year must pass for
/// New Year to be seen.
const PLACES: usize = 1024;

/// Lines tried at each place: a message may go on over some.
const TRIED: usize = 16;

/// Bytes looked through at each place.
const REACH: usize = 64 << 10;

/// How far a clock may be ahead of the file system's, zones included, in microseconds.
const AHEAD: i64 = 86_400_000_000;

/// Of which year the dates of an input are that write none, by where they stand in it.
///
/// The order inside the input tells New Year; one date whose year is known then tells all. A line is in the year
/// that brings it nearest to the place looked up before it, so that lines out of order keep their days.
#[derive(Debug, Clone, PartialEq)]
pub struct Years {
    /// What stands where, in order.
    dates: Vec<(u64, AnnualTime)>,
    /// The same with years.
    known: Vec<(u64, LocalTime)>,
    basis: YearBasis,
}

/// How a year was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum YearBasis {
    /// A message writes a time of its own, with a year.
    Message,
    /// The other inputs are of that time.
    Neighbours,
    /// The file was last written then.
    Modified,
    /// Nothing tells; a leap year is assumed, in which every date exists.
    Unknown,
}

/// 2000-12-31, the end of the year that is assumed where nothing tells.
const ASSUMED: i64 = 978_220_800_000_000;

impl Years {
    /// Looks the dates of an input up. `None` if the places that were looked at write years.
    pub fn of(bytes: Bytes<'_>, envelope: &Envelope) -> Option<Years> {
        let mut dates: Vec<(u64, AnnualTime)> = Vec::new();
        for place in 0..PLACES {
            let at = bytes.len() / PLACES * place + bytes.len() % PLACES * place / PLACES;
            let beyond = |(last, _): &(u64, AnnualTime)| *last < at as u64;
            if place == 0 || dates.last().is_none_or(beyond) {
                dates.extend(date_from(bytes, at, envelope));
            }
        }
        dates.dedup_by_key(|(at, _)| *at);
        let last = dates.last()?.1;
        let mut years = Years {
            dates,
            known: Vec::new(),
            basis: YearBasis::Unknown,
        };
        let assumed = last.last_before(LocalTime::from_micros(ASSUMED))?;
        years.spread(usize::MAX, assumed);
        Some(years)
    }

    /// Takes the year from a message that writes it, at a byte of the input.
    pub fn tell(&mut self, at: u64, date: AnnualTime, message: LocalTime) {
        let Some(known) = date.near(message) else {
            return;
        };
        let place = self.dates.partition_point(|(place, _)| *place < at);
        self.spread(place, known);
        self.basis = YearBasis::Message;
    }

    /// Takes the year from what is known of the file and of its neighbours, unless a message has told it.
    pub fn hint(&mut self, hint: &YearHint) {
        let Some((_, last)) = self.dates.last().copied() else {
            return;
        };
        if self.basis == YearBasis::Message {
            return;
        }
        let local = |time: Time| LocalTime::from_micros(time.micros());
        let latest = hint
            .modified
            .map(|time| LocalTime::from_micros(time.micros().saturating_add(AHEAD)));
        let not_later = |time: &LocalTime| latest.is_none_or(|latest| *time <= latest);
        if let Some((from, to)) = hint.neighbours
            && let Some(end) = last.near(local(to)).filter(not_later)
        {
            self.spread(usize::MAX, end);
            self.basis = YearBasis::Neighbours;
            let begins = self.known.first().map_or(end, |(_, time)| *time);
            let meets = begins.micros() <= to.micros().saturating_add(AHEAD)
                && end.micros() >= from.micros().saturating_sub(AHEAD);
            if meets || latest.is_none() {
                return;
            }
        }
        if let Some(end) = latest.and_then(|latest| last.last_before(latest)) {
            self.spread(usize::MAX, end);
            self.basis = YearBasis::Modified;
        }
    }

    /// Gives every date the year that follows from one of them, going both ways.
    fn spread(&mut self, place: usize, known: LocalTime) {
        let (before, after) = self.dates.split_at(place.min(self.dates.len()));
        let mut times = Vec::with_capacity(self.dates.len());
        let mut next = known;
        for (at, date) in before.iter().rev() {
            next = date.near(next).unwrap_or(next);
            times.push((*at, next));
        }
        times.reverse();
        let mut next = known;
        for (at, date) in after {
            next = date.near(next).unwrap_or(next);
            times.push((*at, next));
        }
        self.known = times;
    }

    /// A date at a byte of the input, with its year.
    pub fn resolve(&self, date: AnnualTime, at: u64) -> Option<LocalTime> {
        let place = self.known.partition_point(|(place, _)| *place <= at);
        let (_, near) = self.known.get(place.saturating_sub(1))?;
        date.near(*near)
    }

    /// What the report says about it.
    pub fn note(&self) -> String {
        let year = |time: Option<&(u64, LocalTime)>| {
            let day = time.map(|(_, time)| time.at(UtcOffset::UTC).to_rfc3339());
            day.and_then(|day| day.split('-').next().map(str::to_string))
                .unwrap_or_default()
        };
        let (first, last) = (year(self.known.first()), year(self.known.last()));
        let years = match first == last {
            true => first,
            false => format!("{first} to {last}"),
        };
        match self.basis {
            YearBasis::Message => {
                format!("its times have no year; messages in it tell that it is {years}")
            }
            YearBasis::Neighbours => {
                format!("its times have no year; {years} makes them meet the other inputs")
            }
            YearBasis::Modified => format!(
                "its times have no year; {years} is taken because the file was last written after that"
            ),
            YearBasis::Unknown => format!(
                "its times have no year and nothing tells it: they are shown in {years}; give the log as a file that kept its modification time"
            ),
        }
    }
}

/// The first date without a year from a place on, and where its line begins.
fn date_from(bytes: Bytes<'_>, at: usize, envelope: &Envelope) -> Option<(u64, AnnualTime)> {
    let arena = crate::format::spec::Arena::new();
    let mut desk = Desk::new(&arena);
    let reach = at.saturating_add(REACH);
    // From the middle on, the first line is cut off, unless it begins right here.
    let start = match at {
        0 => 0,
        _ => bytes.near_feed(at - 1, reach)? + 1,
    };
    let mut lines = bytes.few_lines(start..reach).take(TRIED);
    lines.find_map(|(at, line)| {
        let peeled = (envelope.peel)(line, &mut desk).ok()?;
        match peeled.when {
            When::Annual(date) => Some((at as u64, date)),
            When::At(..) => None,
        }
    })
}

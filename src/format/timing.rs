//! Where an access log writes how long a request took, found without its configuration.
//!
//! Neither the common nor the combined format has a time; people append Apache's `%D` (microseconds), `%T`
//! (seconds), `%{ms}T` (milliseconds), nginx's `$request_time` (seconds, always three decimals:
//! `ngx_http_log_request_time`), or a named field such as `rt=0.012`. Sizes and serial numbers are appended in the same
//! places, so a column counts only when the lines of a file agree on it.

use crate::format::extras::{MAX_COLUMNS, columns};

/// Where the request's time stands, and what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The field after those that the format knows, from 0.
    column: usize,
    /// What one unit of its number is.
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A decimal number of seconds.
    Seconds,
    /// A whole number of seconds.
    WholeSeconds,
    /// A whole number of milliseconds.
    Milliseconds,
    /// A whole number of microseconds.
    Microseconds,
}

/// A line as far as the vote is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// What follows the known fields.
    pub extras: &'a [u8],
    /// The size that the line gives, in bytes.
    pub bytes: Option<u64>,
    /// The length of the whole line, in bytes.
    pub length: usize,
}

/// Lines that must agree before anything is read.
const LEAST_LINES: usize = 20;

/// Share of the lines that must have the column in its form; requests that never reached the application have `-`.
const AGREE: f64 = 0.8;

/// Names under which people log the time of a request: nginx's own examples and those of its log shippers.
const NAMES: &[&[u8]] = &[
    b"rt",
    b"request_time",
    b"req_time",
    b"reqtime",
    b"time_taken",
    b"duration",
    b"took",
    b"response_time",
    b"d",
    b"t",
];

/// A time in microseconds is rarely below this for most requests, nor a time in milliseconds so often above it:
/// what serves a file needs some hundred microseconds, and a page that takes longer than this many
/// milliseconds on the median is not usable.
const MICROSECONDS: u64 = 100;

/// Headers and bodies make a message longer than what the log shows of it by at most this many bytes, as a rule.
const HEADERS: u64 = 8_190;

/// No request takes so many milliseconds: the usual timeouts are 60 to 300 s.
const TIMED_OUT_MS: u64 = 600_000;

/// No server answers one request in twenty in fewer microseconds; of whole milliseconds more are below.
const LEAST_MICROSECONDS: u64 = 20;

/// A number of milliseconds is told from one of requests on a connection by its slowest requests: nginx and Apache
/// close a connection after so many (`keepalive_requests`, `MaxKeepAliveRequests`).
const KEPT_ALIVE: u64 = 1_000;

/// Of whole seconds, nearly all are at most this on a site that works.
const QUICK_S: u64 = 2;

/// A request is ended by the server before this; Apache's `Timeout` and nginx's timeouts are 60 to 300 s.
const LONGEST_S: u64 = 86_400;

impl Timing {
    /// The column that holds the time of the request, if the lines agree on one.
    pub fn vote(samples: &[Sample<'_>]) -> Option<Timing> {
        if samples.len() < LEAST_LINES {
            return None;
        }
        let places = || 0..MAX_COLUMNS;
        let timing = |unit| move |column| Timing { column, unit };
        let decimal = places().map(timing(Unit::Seconds));
        let micros = places().map(timing(Unit::Microseconds));
        let millis = places().map(timing(Unit::Milliseconds));
        let whole = places().map(timing(Unit::WholeSeconds));
        let mut all = decimal.chain(micros).chain(millis).chain(whole);
        all.find(|timing| timing.fits(samples))
    }

    /// The time of a request in microseconds, from what follows the known fields of its line.
    pub fn read(self, extras: &[u8]) -> Option<u64> {
        let text = value(columns(extras).nth(self.column)?);
        match self.unit {
            Unit::Seconds => decimal(text),
            Unit::Microseconds => whole(text),
            Unit::Milliseconds => whole(text)?.checked_mul(1_000),
            Unit::WholeSeconds => whole(text)?.checked_mul(1_000_000),
        }
        .filter(|micros| *micros <= LONGEST_S * 1_000_000)
    }

    /// What the report says about it.
    pub fn note(self) -> String {
        let unit = match self.unit {
            Unit::Seconds => "seconds",
            Unit::WholeSeconds => "whole seconds",
            Unit::Milliseconds => "milliseconds",
            Unit::Microseconds => "microseconds",
        };
        format!(
            "field {} after the usual ones is read as the time of the request in {unit}, because the lines agree on it",
            self.column + 1
        )
    }

    fn fits(self, samples: &[Sample<'_>]) -> bool {
        let each = samples.iter();
        let found: Vec<(u64, Sample<'_>)> = each
            .filter_map(|sample| Some((self.raw(sample.extras)?, *sample)))
            .collect();
        if (found.len() as f64) < AGREE * samples.len() as f64 {
            return false;
        }
        let mut values: Vec<u64> = found.iter().map(|(value, _)| *value).collect();
        let rises = values.windows(2).filter(|pair| pair[0] < pair[1]).count();
        let falls = values.windows(2).filter(|pair| pair[0] > pair[1]).count();
        values.sort_unstable();
        let at = |share: usize| values[(values.len() - 1) * share / 100];
        let varied = values.first() < values.last();
        match self.unit {
            Unit::Seconds => true,
            Unit::WholeSeconds => varied && at(90) <= QUICK_S && values[0] == 0,
            // A serial number rises where it changes.
            _ if !varied || rises as f64 > 0.95 * (rises + falls) as f64 || is_size(&found) => {
                false
            }
            Unit::Microseconds => {
                let slow = at(50) >= MICROSECONDS || at(100) >= TIMED_OUT_MS;
                slow && at(5) >= LEAST_MICROSECONDS
            }
            Unit::Milliseconds => {
                at(5) < LEAST_MICROSECONDS && (KEPT_ALIVE + 1..TIMED_OUT_MS).contains(&at(100))
            }
        }
    }

    /// The number in the column, if it has the form that the unit is written in.
    fn raw(self, extras: &[u8]) -> Option<u64> {
        let field = columns(extras).nth(self.column)?;
        let text = value(field);
        match self.unit {
            Unit::Seconds => {
                let named = is_named(field);
                let point = memchr::memchr(b'.', text)?;
                // nginx writes three decimals; two, as of its compression ratio, are no time.
                (named || text.len() - point == 4).then(|| decimal(text))?
            }
            // Beside the seconds stands something finer, which is what was cut out.
            Unit::WholeSeconds if text.len() < field.len() && field.contains(&b'/') => None,
            _ => whole(text),
        }
    }
}

/// True for what counts bytes: sent ones go with the size in the line, received ones with the line's length.
fn is_size(found: &[(u64, Sample<'_>)]) -> bool {
    let near = |value: u64, size: u64| value >= size && value - size <= HEADERS;
    let share = |test: &dyn Fn(&(u64, Sample<'_>)) -> bool| {
        found.iter().filter(|line| test(line)).count() as f64 / found.len() as f64
    };
    let large = found.iter().filter(|line| {
        let bytes = line.1.bytes.unwrap_or(0);
        bytes > 4 * HEADERS
    });
    let large: Vec<&(u64, Sample<'_>)> = large.collect();
    let sent = match large.len() {
        // Small answers say little: a short time is as near to them as a size.
        0..=4 => share(&|line| line.1.bytes == Some(line.0)) >= 0.5,
        some => {
            let near = large
                .iter()
                .filter(|line| near(line.0, line.1.bytes.unwrap_or(0)));
            near.count() as f64 >= AGREE * some as f64
        }
    };
    // Nothing that is received without a body is longer than the headers may be.
    let received = found.iter().all(|line| line.0 <= HEADERS)
        && share(&|line| line.0 as usize * 4 >= line.1.length) >= AGREE;
    sent || received
}

/// The value of a field: without quotes, brackets, and the name before `=` or `:`.
fn value(field: &[u8]) -> &[u8] {
    let bare = |byte: &u8| matches!(byte, b'"' | b'[' | b']' | b'*' | b',' | b'|');
    let start = field.iter().take_while(|byte| bare(byte)).count();
    let field = &field[start..];
    let end = field.len() - field.iter().rev().take_while(|byte| bare(byte)).count();
    let field = &field[..end];
    let field = match is_named(field) {
        true => &field[memchr::memchr2(b'=', b':', field).map_or(0, |at| at + 1)..],
        false => field,
    };
    // `%T/%D` and `%T/%{ms}T`, the same time twice: the finer one.
    let field = match memchr::memrchr(b'/', field) {
        Some(slash) if whole(&field[..slash]).is_some() => &field[slash + 1..],
        _ => field,
    };
    let quotes = |byte: &u8| *byte == b'"';
    let start = field.iter().take_while(|byte| quotes(byte)).count();
    let field = &field[start..];
    let unit = [&b"us"[..], b"ms", b"s"];
    let suffix = unit.iter().find_map(|unit| field.strip_suffix(*unit));
    suffix.unwrap_or(field)
}

fn is_named(field: &[u8]) -> bool {
    memchr::memchr2(b'=', b':', field).is_some_and(|at| {
        NAMES
            .iter()
            .any(|name| field[..at].eq_ignore_ascii_case(name))
    })
}

/// `0.412` in millionths.
fn decimal(text: &[u8]) -> Option<u64> {
    let point = memchr::memchr(b'.', text)?;
    let fraction = text[point + 1..].get(..6).unwrap_or(&text[point + 1..]);
    let scale = 10u64.pow(6 - fraction.len() as u32);
    whole(&text[..point])?
        .checked_mul(1_000_000)?
        .checked_add(whole(fraction)? * scale)
}

fn whole(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 15 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vote on lines whose extras `write` gives, and the time read of the last one.
    fn vote(write: impl Fn(u64) -> String) -> Option<u64> {
        let texts: Vec<String> = (0..200u64).map(|n| write(n * 7919 % 211)).collect();
        let sample = |(n, text): (usize, &String)| Sample {
            extras: text.as_bytes().to_vec().leak(),
            bytes: Some(n as u64 * 7919 % 211 * 900),
            length: 240,
        };
        let samples: Vec<Sample<'_>> = texts.iter().enumerate().map(sample).collect();
        Timing::vote(&samples)?.read(texts.last()?.as_bytes())
    }

    const LAST: u64 = 199 * 7919 % 211;

    #[test]
    fn the_usual_ways_to_log_a_time_are_read() {
        assert_eq!(vote(|n| format!("{}", 800 + n * 37)), Some(800 + LAST * 37));
        assert_eq!(
            vote(|n| format!("\"10.0.0.2, x\" 0.{n:03} 0.{n:03} .")),
            Some(LAST * 1000)
        );
        assert_eq!(
            vote(|n| format!("rt=0.{n:03} uct=\"0.000\" urt=\"-\"")),
            Some(LAST * 1000)
        );
        assert_eq!(
            vote(|n| format!("2.41 1.{n:03}")),
            Some(1_000_000 + LAST * 1000)
        );
        assert_eq!(
            vote(|n| format!("{}", n / 200)),
            Some(LAST / 200 * 1_000_000)
        );
        let millis = |n: u64| if n == 7 { 2_001 } else { n / 4 };
        assert_eq!(vote(|n| format!("{}", millis(n))), Some(LAST / 4 * 1000));
        let mostly_none = |n: u64| if n == 7 { 2_001 } else { n / 205 * 30 };
        assert_eq!(
            vote(|n| format!("{}/{}", mostly_none(n) / 1000, mostly_none(n))),
            Some(mostly_none(LAST) * 1000),
            "times that are nearly all zero are no serial numbers"
        );
        assert_eq!(
            vote(|n| format!("**{}/{}**", millis(n) / 1000, millis(n))),
            Some(LAST / 4 * 1000)
        );
        assert_eq!(
            vote(|n| format!("0.{n:03}, 0.100 : 0.200 rt=0.{n:03}")),
            Some(LAST * 1000)
        );
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        assert_eq!(vote(|_| String::new()), None, "nothing");
        assert_eq!(
            vote(|n| format!("{}", n * 900 + 310)),
            None,
            "bytes sent with headers"
        );
        assert_eq!(vote(|n| format!("{}", 300 + n)), None, "bytes received");
        assert_eq!(
            vote(|n| format!("{}.{:02}", n % 4, n % 100)),
            None,
            "compression ratio"
        );
        assert_eq!(vote(|_| "443".into()), None, "a port");
        assert_eq!(vote(|n| format!("{}", n % 90)), None, "kept alive");
        let quick = |n: u64| if n % 50 == 7 { 301 } else { n / 200 };
        assert_eq!(
            vote(|n| format!("{}/{}", quick(n) / 1000, quick(n))),
            None,
            "milliseconds behind whole seconds are no seconds"
        );
        let mostly_refused = |n: u64| if n == 7 { 2_000_553 } else { 10 + n / 4 };
        assert_eq!(
            vote(|n| format!("{}", mostly_refused(n))),
            None,
            "microseconds of requests that were refused at once are no milliseconds"
        );
        assert_eq!(Timing::vote(&[]), None);
    }
}

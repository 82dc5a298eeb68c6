//! The pieces of a log format that a server's configuration defines: literal text, and directives whose values stand
//! between it; and what can be wrong with such a format.
//!
//! Two syntaxes are compiled to these pieces (`apache_logformat`, `nginx_logformat`); `template` reads lines by them.

use std::fmt::Write;

use crate::format::record::Field;
use crate::time::{self, Parts, Strftime, Time, Unit, UtcOffset};

/// A piece of a format.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Text that stands in every line.
    Literal(Vec<u8>),
    /// What differs from line to line.
    Directive(Directive),
}

/// A directive of Apache or a variable of nginx.
#[derive(Debug, Clone)]
pub struct Directive {
    /// As it stands in the format: `%>s`, `$status`.
    pub name: String,
    /// What its value says.
    pub field: Field,
    /// What its value looks like.
    pub shape: Shape,
    /// Of several directives for one field, the lowest rank is the one that counts.
    pub rank: u8,
    /// The request header that it stands for, as the format names it.
    pub header: Option<String>,
}

impl Directive {
    /// A directive that has its field for itself.
    pub fn new(name: &str, field: Field, shape: Shape) -> Directive {
        Directive {
            name: name.to_owned(),
            field,
            shape,
            rank: 0,
            header: None,
        }
    }

    /// The same, of this rank.
    pub fn ranked(self, rank: u8) -> Directive {
        Directive { rank, ..self }
    }

    /// The same, standing for this request header.
    pub fn of_header(self, header: Option<&str>) -> Directive {
        Directive {
            header: header.map(str::to_owned),
            ..self
        }
    }
}

/// What a value looks like. Of several ways to cut a line, the first in which every value looks right is taken.
#[derive(Debug, Clone)]
pub enum Shape {
    /// Anything.
    Text,
    /// No blanks.
    Word,
    /// Digits, `-`, or nothing.
    Number,
    /// Three digits, as nginx writes a status: 000 where no answer was sent.
    Status,
    /// The same, or `-` where there is none (Apache).
    StatusOrDash,
    /// A number with a fraction, or a list of such (nginx: one for each upstream that was asked).
    Decimals,
    /// Words with `, ` or ` : ` between them, as nginx lists the upstreams that it asked.
    List,
    /// Anything whose blanks, as a rule, stand behind commas: a header with addresses that stands without quotes.
    Addresses,
    /// `HTTP/1.1`, `-`, or nothing.
    Protocol,
    /// So many bytes.
    Width(usize),
    /// `?` if a query follows, else nothing (nginx' `$is_args`).
    QuestionMark,
    /// A time, or a part of one.
    Clock(Clock),
}

/// A time as servers write it; such values tell themselves where they end.
#[derive(Debug, Clone)]
pub enum Clock {
    /// `[19/May/2026:14:02:11 +0000]`, with or without the brackets.
    Clf {
        /// Whether it stands in brackets.
        bracketed: bool,
    },
    /// `2026-05-19T14:02:11+00:00`.
    Iso,
    /// A whole count since 1970.
    Epoch(Unit),
    /// Seconds since 1970 with a fraction: nginx' `$msec`.
    Seconds,
    /// So many digits of a fraction of a second.
    Fraction(usize),
    /// As strftime(3) would write it.
    Strftime(Strftime),
}

/// The digits of a status (RFC 9110, 15).
const STATUS_DIGITS: usize = 3;

/// The length of nginx' `$time_iso8601`.
const ISO_LENGTH: usize = 25;

/// The length of `19/May/2026:14:02:11 +0000`.
const CLF_LENGTH: usize = 26;

/// The time of a line, in the making.
#[derive(Debug, Default)]
pub struct Moment {
    whole: Option<(Time, Option<UtcOffset>)>,
    parts: Parts,
    fraction_us: u32,
}

impl Moment {
    /// The time; `None` if it is not whole.
    pub fn finish(&self) -> Option<(Time, Option<UtcOffset>)> {
        let (time, zone) = self.whole.or_else(|| self.parts.moment())?;
        Some((time.with_fraction(self.fraction_us), zone))
    }
}

impl Clock {
    /// Reads a time off the front of a text into `moment`; gives how many bytes it took.
    pub fn read(
        &self,
        text: &[u8],
        moment: &mut Moment,
        clf: impl FnOnce(&[u8]) -> Option<(Time, UtcOffset)>,
    ) -> Option<usize> {
        match self {
            Clock::Clf { bracketed } => {
                let inner = match bracketed {
                    true => text.strip_prefix(b"[")?,
                    false => text,
                };
                let (time, zone) = clf(inner.get(..CLF_LENGTH)?)?;
                moment.whole.get_or_insert((time, Some(zone)));
                let closed = !bracketed || inner.get(CLF_LENGTH) == Some(&b']');
                closed.then_some(CLF_LENGTH + 2 * usize::from(*bracketed))
            }
            Clock::Iso => {
                let found = time::parse_iso(text.get(..ISO_LENGTH)?)?;
                moment.whole.get_or_insert(found);
                Some(ISO_LENGTH)
            }
            Clock::Epoch(_) | Clock::Seconds => {
                let (unit, fraction) = match self {
                    Clock::Epoch(unit) => (*unit, false),
                    _ => (Unit::Seconds, true),
                };
                let length = digits_and_fraction(text, fraction);
                let micros = i64::try_from(unit.micros(&text[..length])?).ok()?;
                let found = (Time::from_micros(micros), Some(UtcOffset::UTC));
                moment.whole.get_or_insert(found);
                Some(length)
            }
            Clock::Fraction(digits) => {
                let text = text.get(..*digits)?;
                let value = text.iter().try_fold(0u32, |value, byte| {
                    let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
                    Some(value * 10 + digit)
                })?;
                moment.fraction_us = value * 10u32.pow(6u32.saturating_sub(*digits as u32));
                Some(*digits)
            }
            Clock::Strftime(form) => form.read(text, &mut moment.parts),
        }
    }

    /// How it writes a time, to see whether the times of a format are whole, and for tests.
    pub fn write(&self, time: Time, zone: UtcOffset) -> Option<String> {
        let micros = time.micros().rem_euclid(1_000_000);
        Some(match self {
            Clock::Clf { bracketed: true } => time.format_at(zone, "[%d/%b/%Y:%H:%M:%S %z]"),
            Clock::Clf { bracketed: false } => time.format_at(zone, "%d/%b/%Y:%H:%M:%S %z"),
            Clock::Iso => time.format_at(zone, "%Y-%m-%dT%H:%M:%S%:z"),
            Clock::Epoch(Unit::Seconds) => time.secs().to_string(),
            Clock::Seconds => format!("{}.{:03}", time.secs(), micros / 1_000),
            Clock::Epoch(Unit::Milliseconds) => (time.micros() / 1_000).to_string(),
            Clock::Epoch(_) => time.micros().to_string(),
            Clock::Fraction(3) => format!("{:03}", micros / 1_000),
            Clock::Fraction(_) => format!("{micros:06}"),
            Clock::Strftime(form) => form.write(time, zone)?,
        })
    }
}

/// How many bytes of a number stand in front, with a fraction where one may be.
fn digits_and_fraction(text: &[u8], fraction: bool) -> usize {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    match text.get(whole) {
        Some(b'.') if fraction && whole > 0 => match digits(&text[whole + 1..]) {
            0 => whole,
            decimals => whole + 1 + decimals,
        },
        _ => whole,
    }
}

/// Whether a value is what its shape promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is.
    Yes,
    /// Not so far; a longer one may be.
    NotYet,
    /// No longer one can be.
    Never,
}

impl Shape {
    /// Whether `value` is one.
    #[inline]
    pub fn fit(&self, value: &[u8]) -> Fit {
        let all = |allowed: fn(&u8) -> bool| match value.iter().all(allowed) {
            true => Fit::Yes,
            false => Fit::Never,
        };
        match self {
            Shape::Text | Shape::Width(_) | Shape::Clock(_) => Fit::Yes,
            Shape::Word => all(|byte| !byte.is_ascii_whitespace()),
            Shape::Number => match value {
                b"-" => Fit::Yes,
                _ => all(u8::is_ascii_digit),
            },
            Shape::StatusOrDash if value == b"-" => Fit::Yes,
            Shape::Status | Shape::StatusOrDash => match value.len() {
                STATUS_DIGITS => all(u8::is_ascii_digit),
                ..STATUS_DIGITS => Fit::NotYet,
                _ => Fit::Never,
            },
            Shape::Decimals => match all(|byte| byte.is_ascii_digit() || b".-, :".contains(byte)) {
                Fit::Yes => list(value),
                other => other,
            },
            Shape::List => list(value),
            // a blank ends it, but not one behind a comma or another blank that is
            Shape::Addresses => match value.trim_ascii_end().ends_with(b",") {
                true => Fit::NotYet,
                false => Fit::Yes,
            },
            Shape::Protocol => all(|byte| byte.is_ascii_alphanumeric() || b"/.-".contains(byte)),
            Shape::QuestionMark => match value {
                b"" | b"?" => Fit::Yes,
                _ => Fit::Never,
            },
        }
    }
}

impl Shape {
    /// The same for a line that no list of addresses makes whole: one may end with a comma, but no word of what follows.
    #[inline]
    pub fn fit_loosely(&self, value: &[u8]) -> Fit {
        match self {
            Shape::Addresses => Fit::Yes,
            Shape::Word if value.ends_with(b",") => Fit::Never,
            shape => shape.fit(value),
        }
    }
}

/// Every blank of a list stands behind a comma or around a colon (ngx_http_upstream.c).
fn list(value: &[u8]) -> Fit {
    for at in memchr::memchr_iter(b' ', value) {
        let behind = at.checked_sub(1).map(|before| value[before]);
        let separates = matches!(behind, Some(b',' | b':')) || value.get(at + 1) == Some(&b':');
        if !separates {
            // a blank at the end may yet be followed by a colon
            return match at + 1 == value.len() {
                true => Fit::NotYet,
                false => Fit::Never,
            };
        }
    }
    let unfinished = value.ends_with(b",") || value.ends_with(b" ") || value.ends_with(b" :");
    match unfinished {
        true => Fit::NotYet,
        false => Fit::Yes,
    }
}

/// What makes a format useless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No directive at all.
    #[error(
        "there is no directive in it; give an Apache LogFormat such as '%h %l %u %t \"%r\" %>s %b' \
         or an nginx log_format such as '$remote_addr [$time_local] \"$request\" $status'"
    )]
    Empty,
    /// No moment can be told from it.
    #[error("nothing in it says when a request came{}; add {serves}", has(.found))]
    NoTime {
        /// What there is of a time: its date, its clock.
        found: Vec<String>,
        /// The directives that would serve.
        serves: &'static str,
    },
    /// Nothing tells what was asked for.
    #[error("nothing in it says what was requested; add {0}")]
    NoRequest(&'static str),
    /// A directive that the server does not know either.
    #[error("{name} is no directive of {server}: see {documentation}")]
    Unknown {
        /// As it stands there.
        name: String,
        /// Whose syntax was recognised.
        server: &'static str,
        /// Where all of them are listed.
        documentation: &'static str,
    },
    /// A directive that is not complete.
    #[error("{0} is not complete: {1}")]
    Incomplete(String, &'static str),
    /// No end can be seen between two values.
    #[error(
        "{0} and {1} have nothing between them, so that no line tells where the first ends; put a blank between them"
    )]
    Adjacent(String, String),
    /// A name that is none of the server's, and what it may stand for, beside what is wrong without it.
    #[error("{fault}; {name} is no variable of nginx: did you mean {nearest}?")]
    Misspelt {
        /// What is wrong.
        fault: Box<Fault>,
        /// As it stands there.
        name: String,
        /// The variable of the nearest name.
        nearest: String,
    },
    /// Directives of two servers.
    #[error(
        "{0} is of Apache's LogFormat and {1} of nginx' log_format: a format is written in one of the two"
    )]
    Mixed(String, String),
    /// More than anybody needs.
    #[error("it has more than {0} directives; leave out what is not needed")]
    TooMany(usize),
    /// Neither a format nor a name of one.
    #[error(
        "{0} is no format that the servers define themselves; write it out (the ones defined are {1})"
    )]
    NoNickname(String, &'static str),
}

fn has(found: &[String]) -> String {
    let mut text = String::new();
    if !found.is_empty() {
        let names = found.join(" and ");
        let verb = if found.len() == 1 { "is" } else { "are" };
        write!(
            text,
            " ({names} {verb} not enough for a date, a clock and a year)"
        )
        .ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_upstreams_are_one_value() {
        for (value, fit) in [
            ("10.0.0.1:80", Fit::Yes),
            ("10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80", Fit::Yes),
            ("10.0.0.1:80,", Fit::NotYet),
            ("10.0.0.1:80 ", Fit::NotYet),
            ("10.0.0.1:80 :", Fit::NotYet),
            ("10.0.0.1:80 200", Fit::Never),
            ("-", Fit::Yes),
            ("", Fit::Yes),
        ] {
            assert_eq!(Shape::List.fit(value.as_bytes()), fit, "{value}");
        }
        for value in ["200", "000", "599"] {
            assert_eq!(Shape::Status.fit(value.as_bytes()), Fit::Yes, "{value}");
        }
        for value in ["2000", "20x", "200|1"] {
            assert_eq!(Shape::Status.fit(value.as_bytes()), Fit::Never, "{value}");
        }
        assert_ne!(Shape::Status.fit(b"-"), Fit::Yes);
        assert_eq!(Shape::StatusOrDash.fit(b"-"), Fit::Yes);
        assert_eq!(Shape::Decimals.fit(b"0.000, 0.001"), Fit::Yes);
        assert_eq!(Shape::Decimals.fit(b"0.000 \"-\""), Fit::Never);
    }

    #[test]
    fn times_tell_themselves_where_they_end() {
        for (clock, text, length) in [
            (
                Clock::Clf { bracketed: true },
                "[19/May/2026:14:02:11 +0000] x",
                28,
            ),
            (Clock::Iso, "2026-05-19T14:02:11+00:00\t", 25),
            (Clock::Seconds, "1779199331.000 7", 14),
            (Clock::Seconds, "1779199331.x", 10),
            (Clock::Epoch(Unit::Seconds), "1779199331.000 7", 10),
            (Clock::Epoch(Unit::Milliseconds), "1779199331000.5", 13),
        ] {
            let mut moment = Moment::default();
            let used = clock.read(text.as_bytes(), &mut moment, time::parse_clf);
            assert_eq!(used, Some(length), "{text}");
            let (time, _) = moment.finish().unwrap();
            assert_eq!(time.to_rfc3339(), "2026-05-19T14:02:11Z", "{text}");
        }
    }
}

//! Points in time: parsing what servers write, printing what people and scripts read.
//!
//! The only file, with its parts, that knows chrono. The library never asks for the current time.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub mod annual;
mod strftime;
pub mod zone;

pub use strftime::{Parts, Strftime};

/// Microseconds since 1970-01-01T00:00:00Z. Serialises as RFC 3339 in UTC with a `Z`, in binary formats as the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// A wall-clock reading without a zone, in microseconds as if it were UTC. Becomes a [`Time`] once
/// the offset is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LocalTime(i64);

const MICROS: i64 = 1_000_000;

impl Time {
    /// From whole seconds since the epoch.
    pub fn from_secs(secs: i64) -> Time {
        Time(secs.saturating_mul(MICROS))
    }

    /// From microseconds since the epoch.
    pub fn from_micros(micros: i64) -> Time {
        Time(micros)
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn secs(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// Microseconds since the epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Without the part below a second.
    pub fn floor_to_second(self) -> Time {
        Time::from_secs(self.secs())
    }

    /// Seconds from `earlier` to `self`.
    pub fn seconds_since(self, earlier: Time) -> f64 {
        (self.0 - earlier.0) as f64 / MICROS as f64
    }

    /// RFC 3339 in UTC; a fraction only when there is one.
    pub fn to_rfc3339(self) -> String {
        let Some(moment) = DateTime::<Utc>::from_timestamp_micros(self.0) else {
            return "invalid".to_string();
        };
        let format = if self.0.rem_euclid(MICROS) == 0 {
            "%Y-%m-%dT%H:%M:%SZ"
        } else {
            "%Y-%m-%dT%H:%M:%S%.6fZ"
        };
        moment.format(format).to_string()
    }

    /// Printed at an offset with a chrono format string, for people.
    pub fn format_at(self, offset: UtcOffset, format: &str) -> String {
        match (
            DateTime::<Utc>::from_timestamp_micros(self.0),
            FixedOffset::east_opt(offset.0),
        ) {
            (Some(moment), Some(zone)) => moment.with_timezone(&zone).format(format).to_string(),
            _ => "invalid".to_string(),
        }
    }

    /// Parses RFC 3339 (`2021-09-05T13:58:03Z`, offsets and fractions allowed).
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        let moment = DateTime::parse_from_rfc3339(text.trim()).ok()?;
        Some(Time(moment.timestamp_micros()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.serialize_str(&self.to_rfc3339()),
            false => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Time);
        }
        let text = String::deserialize(deserializer)?;
        let wrong =
            || D::Error::custom(format!("`{text}` is no time such as 2021-09-05T13:58:03Z"));
        Time::parse_rfc3339(&text).ok_or_else(wrong)
    }
}

impl LocalTime {
    /// Reads the wall clock at `offset`.
    pub fn at(self, offset: UtcOffset) -> Time {
        Time(self.0 - i64::from(offset.0) * MICROS)
    }

    /// Microseconds as if the clock were UTC.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// From microseconds as if the clock were UTC.
    pub fn from_micros(micros: i64) -> LocalTime {
        LocalTime(micros)
    }

    /// Parses `YYYY-MM-DD HH:MM[:SS]` (also with a `T`), or a date alone.
    pub fn parse_people(text: &str) -> Option<LocalTime> {
        let text = text.trim();
        [
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%d %H:%M",
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%dT%H:%M",
        ]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .ok()?
                .and_hms_opt(0, 0, 0)
        })
        .map(|naive| LocalTime(naive.and_utc().timestamp_micros()))
    }
}

/// An offset from UTC in seconds, east positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UtcOffset(pub i32);

impl UtcOffset {
    /// UTC itself.
    pub const UTC: UtcOffset = UtcOffset(0);

    /// Parses `+02:00`, `-0400`, `+5`, `Z` and `UTC`. At most 15 hours either way: the widest in
    /// use are UTC-12 and UTC+14 (IANA tz database).
    pub fn parse(text: &str) -> Option<UtcOffset> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("z")
            || text.eq_ignore_ascii_case("utc")
            || text.eq_ignore_ascii_case("gmt")
        {
            return Some(UtcOffset::UTC);
        }
        let (sign, digits) = match text.as_bytes().first()? {
            b'+' => (1, &text[1..]),
            b'-' => (-1, &text[1..]),
            _ => return None,
        };
        let (hours, minutes) = match digits.split_once(':') {
            Some((hours, minutes)) => (hours, minutes),
            None if digits.len() <= 2 => (digits, "0"),
            None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
            None => return None,
        };
        let hours: i32 = hours.parse().ok()?;
        let minutes: i32 = minutes.parse().ok()?;
        (hours <= 15 && (0..60).contains(&minutes) && hours >= 0)
            .then_some(UtcOffset(sign * (hours * 3600 + minutes * 60)))
    }

    /// `+02:00`, `-04:00`, `+00:00`.
    pub fn label(self) -> String {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let minutes = self.0.unsigned_abs() / 60;
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The zone of a place, or an offset that holds all the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// The same all the year.
    Fixed(UtcOffset),
    /// By its name in the IANA tz database: `Europe/Berlin`.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// Parses what [`UtcOffset::parse`] does, and names of the IANA tz database in any case.
    pub fn parse(text: &str) -> Option<Zone> {
        let named = || chrono_tz::Tz::from_str_insensitive(text.trim()).ok();
        UtcOffset::parse(text)
            .map(Zone::Fixed)
            .or_else(|| named().map(Zone::Named))
    }

    /// The offset at a point in time.
    pub fn offset_at(self, time: Time) -> UtcOffset {
        match self {
            Zone::Fixed(offset) => offset,
            Zone::Named(zone) => {
                let moment = DateTime::<Utc>::from_timestamp_micros(time.0).unwrap_or_default();
                let offset = zone.offset_from_utc_datetime(&moment.naive_utc());
                UtcOffset(offset.fix().local_minus_utc())
            }
        }
    }
}

impl Zone {
    /// The offset when the clock on the wall shows this. Of the hour that comes twice in autumn the first is meant; in the
    /// hour that is left out in spring, what held before.
    pub fn offset_at_local(self, local: LocalTime) -> UtcOffset {
        match self {
            Zone::Fixed(offset) => offset,
            Zone::Named(zone) => {
                const DAY_S: i64 = 86_400;
                let naive = DateTime::<Utc>::from_timestamp_micros(local.0).unwrap_or_default();
                let found = zone
                    .offset_from_local_datetime(&naive.naive_utc())
                    .earliest();
                let left_out = || self.offset_at(Time(local.0 - DAY_S * MICROS));
                found.map_or_else(left_out, |offset| UtcOffset(offset.fix().local_minus_utc()))
            }
        }
    }
}

impl Serialize for UtcOffset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.serialize_str(&self.label()),
            false => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for UtcOffset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UtcOffset, D::Error> {
        if !deserializer.is_human_readable() {
            return i32::deserialize(deserializer).map(UtcOffset);
        }
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("`{text}` is no offset from UTC such as +02:00"));
        UtcOffset::parse(&text).ok_or_else(wrong)
    }
}

/// Parses the time of common and combined logs, `19/May/2026:14:02:11 +0000` (without brackets).
///
/// Both fields are returned, so that the report can show the log's own zone.
pub fn parse_clf(field: &[u8]) -> Option<(Time, UtcOffset)> {
    if field.len() != 26
        || field[2] != b'/'
        || field[6] != b'/'
        || field[11] != b':'
        || field[20] != b' '
    {
        return None;
    }
    let local = day_month_year(field)?;
    let offset = parse_offset(&field[21..26])?;
    Some((LocalTime(local).at(offset), offset))
}

/// Parses the same with a fraction of the second, `19/May/2026:14:02:11.123 +0000`, as Apache's `%{msec_frac}t` makes it.
pub fn parse_clf_fraction(field: &[u8]) -> Option<(Time, UtcOffset)> {
    const ZONE: usize = 5;
    let (stamp, zone) = field.split_at_checked(field.len().checked_sub(ZONE)?)?;
    let local = parse_clf_local(stamp.strip_suffix(b" ")?)?;
    let offset = parse_offset(zone)?;
    Some((local.at(offset), offset))
}

/// Parses HAProxy's time of acceptance, `09/May/2026:14:26:03.120` (the fraction is optional).
pub fn parse_clf_local(field: &[u8]) -> Option<LocalTime> {
    const WHOLE: usize = 20;
    let (whole, fraction) = field.split_at_checked(WHOLE)?;
    if whole[2] != b'/' || whole[6] != b'/' || whole[11] != b':' {
        return None;
    }
    let fraction = match fraction.split_first() {
        None => 0,
        Some((b'.', digits)) => fraction_micros(digits)?,
        Some(_) => return None,
    };
    Some(LocalTime(day_month_year(whole)? + fraction))
}

/// Parses Apache's error-log time, `Tue May 19 14:25:58.123456 2026` (the fraction is optional;
/// Apache 2.2 has none; without brackets).
pub fn parse_apache_error(field: &[u8]) -> Option<LocalTime> {
    if field.len() < 24 || field[3] != b' ' || field[7] != b' ' || field[10] != b' ' {
        return None;
    }
    let day = if field[8] == b' ' {
        digits(&field[9..10])?
    } else {
        digits(&field[8..10])?
    };
    let (fraction, year) = match field[19] {
        b'.' => {
            let rest = &field[20..];
            let space = rest.iter().position(|&byte| byte == b' ')?;
            (fraction_micros(&rest[..space])?, rest.get(space + 1..)?)
        }
        b' ' => (0, &field[20..]),
        _ => return None,
    };
    if year.len() != 4 {
        return None;
    }
    let local = civil(digits(year)?, month(&field[4..7])?, day, &field[11..19])?;
    Some(LocalTime(local + fraction))
}

/// Parses nginx's error-log time, `2026/05/19 14:26:03`.
pub fn parse_nginx_error(field: &[u8]) -> Option<LocalTime> {
    if field.len() != 19 || field[4] != b'/' || field[7] != b'/' || field[10] != b' ' {
        return None;
    }
    civil(
        digits(&field[0..4])?,
        digits(&field[5..7])?,
        digits(&field[8..10])?,
        &field[11..19],
    )
    .map(LocalTime)
}

/// Parses the time of php-fpm's log, `19-May-2026 14:26:03`, with an optional fraction.
pub fn parse_php_fpm(field: &[u8]) -> Option<LocalTime> {
    if field.len() < 20 || field[2] != b'-' || field[6] != b'-' || field[11] != b' ' {
        return None;
    }
    let fraction = match field.get(20) {
        None => 0,
        Some(b'.') => fraction_micros(&field[21..])?,
        Some(_) => return None,
    };
    let local = day_month_year(field)?;
    Some(LocalTime(local + fraction))
}

/// Parses ISO 8601 and its relatives: `2026-05-19T14:02:11.120001Z`, `2026-05-19 14:02:11,120 +0200`,
/// `2026/05/19 14:02:11`. The zone may be missing; the time is then the wall clock as if it were UTC.
pub fn parse_iso(field: &[u8]) -> Option<(Time, Option<UtcOffset>)> {
    const DATE_AND_TIME: usize = 19;
    let (stamp, rest) = field.split_at_checked(DATE_AND_TIME)?;
    let dashes = stamp[4] == stamp[7] && matches!(stamp[4], b'-' | b'/');
    if !dashes || !matches!(stamp[10], b'T' | b't' | b' ') {
        return None;
    }
    let local = civil(
        digits(&stamp[0..4])?,
        digits(&stamp[5..7])?,
        digits(&stamp[8..10])?,
        &stamp[11..],
    )?;
    let (fraction, rest) = match rest.split_first() {
        Some((b'.' | b',', decimals)) => {
            let count = decimals.iter().take_while(|byte| byte.is_ascii_digit());
            let (decimals, rest) = decimals.split_at(count.count());
            (fraction_micros(decimals)?, rest)
        }
        _ => (0, rest),
    };
    let local = LocalTime(local + fraction);
    let zone = rest.strip_prefix(b" ").unwrap_or(rest);
    if zone.is_empty() {
        return Some((local.at(UtcOffset::UTC), None));
    }
    let offset = UtcOffset::parse(std::str::from_utf8(zone).ok()?)?;
    Some((local.at(offset), Some(offset)))
}

/// What one unit of a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    /// The unit in which a whole number is a time between 1990 and 2200: what is larger counts smaller parts.
    pub fn of_epoch(number: u64) -> Unit {
        /// Seconds until the year 2200.
        const LAST: u64 = 7_258_118_400;
        match number / LAST {
            0 => Unit::Seconds,
            1..1_000 => Unit::Milliseconds,
            1_000..1_000_000 => Unit::Microseconds,
            _ => Unit::Nanoseconds,
        }
    }

    /// A decimal number of this unit in microseconds; what is smaller than one is cut off. `None` for what is
    /// no number, or too large a one.
    pub fn micros(self, text: &[u8]) -> Option<u64> {
        /// Nine digits behind the point are all that matters even for seconds.
        const DECIMALS: usize = 9;
        let (whole, fraction) = match memchr::memchr(b'.', text) {
            Some(point) => (&text[..point], &text[point + 1..]),
            None => (text, &b""[..]),
        };
        if whole.is_empty() || whole.len() > 20 {
            return None;
        }
        let mut value = 0u128;
        for byte in whole.iter().chain(fraction.iter().take(DECIMALS)) {
            value = value * 10 + u128::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        let missing = DECIMALS - fraction.len().min(DECIMALS);
        value *= 10u128.pow(missing as u32);
        let per_second = match self {
            Unit::Seconds => 1,
            Unit::Milliseconds => 1_000,
            Unit::Microseconds => 1_000_000,
            Unit::Nanoseconds => 1_000_000_000,
        };
        // value is in thousand-millionths of the unit
        u64::try_from(value / (1_000 * per_second)).ok()
    }
}

/// Parses a count since 1970 in seconds, milliseconds, microseconds or nanoseconds, told apart by its size; a
/// fraction is allowed.
pub fn parse_epoch(field: &[u8]) -> Option<Time> {
    let end = memchr::memchr(b'.', field).unwrap_or(field.len());
    let whole = std::str::from_utf8(&field[..end]).ok()?.parse().ok()?;
    let micros = Unit::of_epoch(whole).micros(field)?;
    i64::try_from(micros).ok().map(Time)
}

fn parse_offset(field: &[u8]) -> Option<UtcOffset> {
    let sign = match field[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(&field[1..3])? as i32;
    let minutes = digits(&field[3..5])? as i32;
    (hours <= 15 && minutes < 60).then_some(UtcOffset(sign * (hours * 3600 + minutes * 60)))
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0u32, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + u32::from(byte - b'0'))
    })
}

fn fraction_micros(bytes: &[u8]) -> Option<i64> {
    if bytes.is_empty() || bytes.len() > 9 {
        return None;
    }
    let value = i64::from(digits(bytes)?);
    let exponent = bytes.len() as i32 - 6;
    Some(if exponent <= 0 {
        value * 10i64.pow(exponent.unsigned_abs())
    } else {
        value / 10i64.pow(exponent as u32)
    })
}

fn month(name: &[u8]) -> Option<u32> {
    const NAMES: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    NAMES
        .iter()
        .position(|candidate| name == *candidate)
        .map(|index| index as u32 + 1)
}

/// Microseconds of `19/May/2026:14:02:11`, or with `-` and a blank as php-fpm writes it: the separators are
/// the caller's to check. `field` has at least 20 bytes.
fn day_month_year(field: &[u8]) -> Option<i64> {
    civil(
        digits(&field[7..11])?,
        month(&field[3..6])?,
        digits(&field[0..2])?,
        &field[12..20],
    )
}

/// Microseconds of a date and `HH:MM:SS`, read as UTC. A leap second (`:60`) counts as `:59`.
fn civil(year: u32, month: u32, day: u32, clock: &[u8]) -> Option<i64> {
    if clock.len() != 8 || clock[2] != b':' || clock[5] != b':' {
        return None;
    }
    let second = digits(&clock[6..8])?;
    let second = if second == 60 { 59 } else { second };
    let naive = NaiveDate::from_ymd_opt(year as i32, month, day)?.and_hms_opt(
        digits(&clock[0..2])?,
        digits(&clock[3..5])?,
        second,
    )?;
    Some(Utc.from_utc_datetime(&naive).timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_times_are_read_with_their_zone() {
        let (time, offset) = parse_clf(b"07/May/2023:02:00:00 -0400").unwrap();
        assert_eq!(time.to_rfc3339(), "2023-05-07T06:00:00Z");
        assert_eq!(offset.label(), "-04:00");
        assert_eq!(parse_clf(b"31/Feb/2023:02:00:00 -0400"), None);
        assert_eq!(parse_clf(b"07/May/2023:25:00:00 -0400"), None);
        let apache = parse_apache_error(b"Sun Sep 05 06:15:10.977676 2021").unwrap();
        assert_eq!(
            apache.at(UtcOffset::UTC).to_rfc3339(),
            "2021-09-05T06:15:10.977676Z"
        );
        let old = parse_apache_error(b"Tue May  9 14:25:58 2026").unwrap();
        assert_eq!(old.at(UtcOffset(3600)).to_rfc3339(), "2026-05-09T13:25:58Z");
        let nginx = parse_nginx_error(b"2023/05/06 18:01:58").unwrap();
        assert_eq!(
            nginx.at(UtcOffset(-14400)).to_rfc3339(),
            "2023-05-06T22:01:58Z"
        );
        for (field, text) in [
            (&b"19-May-2026 14:25:58"[..], "2026-05-19T14:25:58Z"),
            (b"19-May-2026 14:25:58.25", "2026-05-19T14:25:58.250000Z"),
        ] {
            let php = parse_php_fpm(field).unwrap();
            assert_eq!(php.at(UtcOffset::UTC).to_rfc3339(), text);
        }
        let haproxy = parse_clf_local(b"09/May/2026:14:26:03.120").unwrap();
        assert_eq!(
            haproxy.at(UtcOffset::UTC).to_rfc3339(),
            "2026-05-09T14:26:03.120000Z"
        );
        for field in [
            &b"09/May/2026:14:26:0"[..],
            b"09/May/2026:14:26:03,1",
            b"09/May/2026 14:26:03",
        ] {
            assert_eq!(parse_clf_local(field), None);
        }
        for field in [&b""[..], b"19-May-2026 14:25", b"19-May-2026 14:25:58 UTC"] {
            assert_eq!(parse_php_fpm(field), None);
        }
    }

    #[test]
    fn offsets_parse_and_print() {
        for (text, label) in [
            ("+02:00", "+02:00"),
            ("-0400", "-04:00"),
            ("+5", "+05:00"),
            ("Z", "+00:00"),
            ("+05:30", "+05:30"),
        ] {
            assert_eq!(UtcOffset::parse(text).unwrap().label(), label);
        }
        for text in ["", "2", "+99", "+1:99", "+abc"] {
            assert_eq!(UtcOffset::parse(text), None, "{text}");
        }
    }
}

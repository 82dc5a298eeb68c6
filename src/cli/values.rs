//! Values of options: times, durations, zones, scales.
//!
//! Every refusal says what would have been accepted.

use std::num::NonZeroUsize;
use std::ops::Range;

use aftertrace::TimeBound;
use aftertrace::addresses::parse_networks;
use aftertrace::category::Category;
use aftertrace::evidence::caps::Caps;
use aftertrace::severity::{Confidence, Severity};
use aftertrace::time::{LocalTime, Time, UtcOffset, Zone as LogZone, parse_clf, parse_clf_local};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ipnet::IpNet;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// The zone to show times in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// The log's own.
    Log,
    /// A fixed offset.
    At(UtcOffset),
}

impl Zone {
    /// The offset, unless the log decides.
    pub fn offset(self) -> Option<UtcOffset> {
        match self {
            Zone::Log => None,
            Zone::At(offset) => Some(offset),
        }
    }
}

/// `log`, `UTC`, `+02:00`.
pub fn zone(text: &str) -> Result<Zone, String> {
    match text {
        "log" => Ok(Zone::Log),
        _ => offset(text)
            .map(Zone::At)
            .map_err(|refusal| match LogZone::parse(text) {
                Some(_) => format!(
                    "{refusal}: the table tells all times in one offset, and a place may have two"
                ),
                None => refusal,
            }),
    }
}

/// `UTC`, `+02:00`, `-0400`.
pub fn offset(text: &str) -> Result<UtcOffset, String> {
    UtcOffset::parse(text)
        .ok_or_else(|| "expected UTC or an offset such as +02:00 or -0430".to_string())
}

/// What [`offset`] takes, and names such as `Europe/Berlin`.
pub fn log_zone(text: &str) -> Result<LogZone, String> {
    LogZone::parse(text).ok_or_else(|| {
        "expected UTC, an offset such as +02:00 or -0430, or a name of the IANA tz database such as Europe/Berlin"
            .to_string()
    })
}

/// RFC 3339, `YYYY-MM-DD HH:MM[:SS]`, a date, or a duration before the log's end such as `-3h`.
pub fn time_bound(text: &str) -> Result<TimeBound, String> {
    let relative = text
        .strip_prefix('-')
        .and_then(seconds)
        .and_then(|seconds| i64::try_from(seconds).ok());
    relative
        .map(TimeBound::BeforeEnd)
        .or_else(|| Time::parse_rfc3339(text).map(TimeBound::At))
        .or_else(|| LocalTime::parse_people(text).map(TimeBound::Local))
        .or_else(|| as_logs_write_it(text))
        .ok_or_else(|| {
            "expected 2021-09-05T13:58:03Z, '2021-09-05 13:58' in the log's zone, a time as logs write it such as \
             '05/Sep/2021:13:58:03 +0200', or a time before the log's end such as -3h, -90m or -2d"
                .to_string()
        })
}

/// `10/Jun/2024:12:00:00 +0200`, with or without brackets and zone.
fn as_logs_write_it(text: &str) -> Option<TimeBound> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    let whole = parse_clf(text.as_bytes()).map(|(time, _)| TimeBound::At(time));
    whole.or_else(|| parse_clf_local(text.as_bytes()).map(TimeBound::Local))
}

/// A number of threads.
pub fn threads(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "expected 1 or more; without -j there is one for each core".to_string())
}

/// A bucket's width in seconds: from a second to a day.
pub fn bucket(text: &str) -> Result<u64, String> {
    seconds(text)
        .filter(|width| (1..=DAY).contains(width))
        .ok_or_else(|| "expected a duration from 1s to 1d, such as 10s, 5m or 1h".to_string())
}

/// `512M`, `2G`, `1536 MiB`: bytes, in powers of 1024.
pub fn memory_limit(text: &str) -> Result<Caps, String> {
    let bytes =
        bytes(text).ok_or_else(|| "expected a size such as 512M, 2G or 1536MiB".to_string())?;
    Caps::new(bytes).map_err(|refusal| refusal.to_string())
}

/// `64M`, `1G`: at least one byte, in powers of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    let size = bytes(text).filter(|size| *size > 0);
    size.ok_or_else(|| "expected a size such as 64M or 1G".to_string())
}

/// `A..B`: from byte A on, before byte B.
pub fn byte_range(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let ends = ends.and_then(|(start, end)| Some((start.parse().ok()?, end.parse().ok()?)));
    let range = ends.map(|(start, end): (usize, usize)| start..end);
    range
        .filter(|range| range.start <= range.end)
        .ok_or_else(|| "expected two numbers of bytes, such as 0..268435456".to_string())
}

/// A point in time, as RFC 3339.
pub fn point_in_time(text: &str) -> Result<Time, String> {
    Time::parse_rfc3339(text)
        .ok_or_else(|| "expected a time such as 2026-05-19T14:02:11Z".to_string())
}

/// A number of bytes with a unit, all of which count in 1024: `k`, `M`, `G`, `T`, with `B` or `iB` behind it or not.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim_start().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let power = match unit.strip_suffix('i').unwrap_or(unit) {
        "" if unit.is_empty() => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return None,
    };
    number.checked_mul(1024_u64.pow(power))
}

/// `90s`, `5m`, `1h30m`, `2d`, `1w` in seconds; every number needs its unit.
fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        total = total.checked_add(number.checked_mul(unit_seconds(unit)?)?)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    (!text.is_empty()).then_some(total)
}

fn unit_seconds(unit: char) -> Option<u64> {
    match unit {
        's' => Some(1),
        'm' => Some(MINUTE),
        'h' => Some(HOUR),
        'd' => Some(DAY),
        'w' => Some(WEEK),
        _ => None,
    }
}

/// What one value of an option for networks stands for: one network, or several for a word.
#[derive(Debug, Clone)]
pub struct Networks(pub Vec<IpNet>);

/// An address, a network, or `private`.
pub fn networks(text: &str) -> Result<Networks, String> {
    parse_networks(text.trim()).map(Networks)
}

/// The severities by name.
pub fn severity() -> impl TypedValueParser<Value = Severity> {
    const ALL: [Severity; 4] = [
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];
    PossibleValuesParser::new(ALL.map(Severity::name)).try_map(|name| {
        ALL.into_iter()
            .find(|severity| severity.name() == name)
            .ok_or("no such severity")
    })
}

/// The categories by name.
pub fn category() -> impl TypedValueParser<Value = Category> {
    PossibleValuesParser::new(Category::ALL.map(Category::name)).try_map(|name| {
        Category::ALL
            .into_iter()
            .find(|category| category.name() == name)
            .ok_or("no such category")
    })
}

/// The confidences by name.
pub fn confidence() -> impl TypedValueParser<Value = Confidence> {
    const ALL: [Confidence; 3] = [Confidence::Low, Confidence::Medium, Confidence::High];
    PossibleValuesParser::new(ALL.map(Confidence::name)).try_map(|name| {
        ALL.into_iter()
            .find(|confidence| confidence.name() == name)
            .ok_or("no such confidence")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_local_or_before_the_end() {
        let instant = Time::parse_rfc3339("2021-09-05T13:58:03Z").unwrap();
        assert_eq!(
            time_bound("2021-09-05T09:58:03-04:00"),
            Ok(TimeBound::At(instant))
        );
        let local = |text| Ok(TimeBound::Local(LocalTime::parse_people(text).unwrap()));
        assert_eq!(time_bound("2021-09-05 13:58"), local("2021-09-05 13:58:00"));
        assert_eq!(time_bound("2021-09-05"), local("2021-09-05 00:00:00"));
        assert_eq!(
            time_bound("[05/Sep/2021:15:58:03 +0200]"),
            Ok(TimeBound::At(instant))
        );
        assert_eq!(
            time_bound("05/Sep/2021:13:58:00"),
            local("2021-09-05 13:58")
        );
        for (text, seconds) in [
            ("-3h", 10_800),
            ("-90m", 5_400),
            ("-2d", 172_800),
            ("-1h30m", 5_400),
            ("-45s", 45),
        ] {
            assert_eq!(time_bound(text), Ok(TimeBound::BeforeEnd(seconds)));
        }
        for text in [
            "",
            "-",
            "3h",
            "-3",
            "-h",
            "-3x",
            "--3h",
            "2021-13-05",
            "-99999999999999999999d",
            "-3é",
        ] {
            assert!(time_bound(text).is_err(), "{text}");
        }
    }

    #[test]
    fn buckets_are_durations_up_to_a_day() {
        assert_eq!(
            ["10s", "1m", "5m", "1h", "1d"].map(bucket),
            [Ok(10), Ok(60), Ok(300), Ok(3_600), Ok(86_400)]
        );
        for text in ["", "0s", "5", "m", "2d", "-5m", "1.5h"] {
            assert!(bucket(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zones_are_the_logs_or_an_offset() {
        assert_eq!(zone("log").unwrap().offset(), None);
        assert_eq!(zone("UTC").unwrap().offset(), Some(UtcOffset::UTC));
        assert_eq!(zone("-04:00").unwrap().offset(), Some(UtcOffset(-14_400)));
        assert!(zone("Europe/Berlin").unwrap_err().contains("one offset"));
        assert!(!zone("Mars").unwrap_err().contains("one offset"));
    }
}

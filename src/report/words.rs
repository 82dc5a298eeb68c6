//! Numbers, sizes, durations and times as people read them.
//!
//! Rounds for the eye; exact values are in the JSON. Knows nothing of layout.

use crate::report::escape;
use crate::report::view::{Database, Origin};
use crate::terms::Cause;
use crate::time::{Time, UtcOffset};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

pub use crate::text::{count, counted, part_of, share};

/// How sure, in whole per cent.
pub fn confidence(value: f64) -> String {
    format!("{:.0}%", value * 100.0)
}

/// A rate in the unit that makes it readable: `482/s`, `3.5/s`, `12/min`, `4/h`.
pub fn rate(per_second: f64) -> String {
    let per_minute = per_second * MINUTE as f64;
    let per_hour = per_second * HOUR as f64;
    match per_second {
        _ if per_second >= 9.95 => format!("{}/s", count(per_second.round() as u64)),
        _ if per_second >= 1.0 => format!("{per_second:.1}/s"),
        _ if per_minute >= 1.0 => format!("{per_minute:.0}/min"),
        _ if per_hour >= 1.0 => format!("{per_hour:.0}/h"),
        _ if per_second > 0.0 => "<1/h".to_string(),
        _ => "0/s".to_string(),
    }
}

/// The unit of a count per bucket: `/s`, `/min`, `/h`, `/10 s`.
pub fn per_bucket(bucket_s: u64) -> String {
    match bucket_s {
        1 => "/s".to_string(),
        MINUTE => "/min".to_string(),
        HOUR => "/h".to_string(),
        DAY => "/day".to_string(),
        other => format!("/{}", duration(other as f64)),
    }
}

/// A bucket as a noun: `minute`, `10 s`.
pub fn bucket(bucket_s: u64) -> String {
    match bucket_s {
        1 => "second".to_string(),
        MINUTE => "minute".to_string(),
        HOUR => "hour".to_string(),
        DAY => "day".to_string(),
        other => duration(other as f64),
    }
}

/// A size in decimal units: `512 B`, `4.2 GB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = size as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A duration in its two leading units, as [`text::duration`](crate::text::duration) has it; `<1 s` for less than one.
pub fn duration(seconds: f64) -> String {
    if seconds > 0.0 && seconds < 1.0 {
        return "<1 s".to_string();
    }
    crate::text::duration(seconds as i64)
}

/// A duration in words, in its two leading units: `45 seconds`, `4 hours 12 minutes`.
pub fn spoken(seconds: f64) -> String {
    if seconds > 0.0 && seconds < 1.0 {
        return "less than a second".to_string();
    }
    let total = seconds.max(0.0) as u64;
    let units = [
        (DAY, "day"),
        (HOUR, "hour"),
        (MINUTE, "minute"),
        (1, "second"),
    ];
    let parts = units.iter().scan(total, |left, (size, unit)| {
        let count = *left / size;
        *left %= size;
        Some((count, *unit))
    });
    let told = parts.skip_while(|(count, _)| *count == 0).take(2);
    let told: Vec<String> = told
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| counted(count, unit, &format!("{unit}s")))
        .collect();
    match told.is_empty() {
        true => "0 seconds".to_string(),
        false => told.join(" "),
    }
}

/// A number as people say it: exact below ten thousand, and three digits of what is above: `9,999`, `48,200`, `1.81 million`.
pub fn about(number: u64) -> String {
    const EXACT: u64 = 10_000;
    const MILLION: f64 = 1e6;
    let value = number as f64;
    let digits = value.log10().floor() as i32;
    match number {
        0..EXACT => count(number),
        _ if value < 0.9995 * MILLION => {
            let step = 10f64.powi(digits - 2);
            count(((value / step).round() * step) as u64)
        }
        _ if value < 999.5 * MILLION => format!("{} million", three_digits(value / MILLION)),
        _ => format!("{} billion", three_digits(value / MILLION / 1e3)),
    }
}

/// [`about`] with a noun.
pub fn about_so_many(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", about(number), if number == 1 { one } else { many })
}

fn three_digits(value: f64) -> String {
    match value {
        _ if value < 9.995 => format!("{value:.2}"),
        _ if value < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// As many items as fit into `columns`, then `and N more`. `total` counts those that the list
/// itself leaves out.
pub fn list(items: &[String], total: u64, columns: usize) -> String {
    let total = total.max(items.len() as u64);
    let mut shown = String::new();
    for (index, item) in items.iter().enumerate() {
        let glue = if index == 0 { "" } else { ", " };
        let left = total - index as u64 - 1;
        let candidate = format!("{shown}{glue}{}", escape::terminal(item));
        if escape::width(&candidate) + escape::width(&more(left)) > columns && index > 0 {
            return shown + &more(left + 1);
        }
        let room = columns.saturating_sub(escape::width(&more(left)));
        shown = escape::fit(&candidate, room).into_owned();
    }
    let left = total - items.len() as u64;
    shown + &more(left)
}

fn more(left: u64) -> String {
    match left {
        0 => String::new(),
        _ => format!(" and {} more", count(left)),
    }
}

/// A term of the report's vocabularies as words: `brute_force` → `brute force`.
pub fn term(name: &str) -> String {
    name.replace('_', " ")
}

/// Where clients are, as far as it is known: `AS64496 Example Hosting B.V. (NL)`.
pub fn origin(origin: &Origin) -> String {
    let number = origin.asn.map(|number| format!("AS{number}"));
    let system: Vec<&str> = [number.as_deref(), origin.organization.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    match (system.as_slice(), &origin.country) {
        ([], None) => "unknown".to_string(),
        ([], Some(country)) => country.clone(),
        (system, None) => system.join(" "),
        (system, Some(country)) => format!("{} ({country})", system.join(" ")),
    }
}

/// A database and what it says of itself: `GeoLite2-ASN, made on 2021-09-01`.
pub fn database(database: &Database) -> String {
    match database.built {
        Some(built) => {
            let date = built.format_at(UtcOffset::UTC, "%Y-%m-%d");
            format!("{}, made on {date}", database.kind)
        }
        None => database.kind.clone(),
    }
}

/// The cause of that name, as people say it; `None` for `"none"`.
pub fn cause_named(name: &str) -> Option<&'static str> {
    let cause = Cause::ALL.iter().find(|cause| cause.name() == name)?;
    Some(cause_in_words(*cause))
}

/// The cause as people say it.
pub fn cause_in_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Ddos => "distributed flood (DDoS)",
        Cause::Dos => "flood from few sources (DoS)",
        Cause::Injection => "injection attempts",
        Cause::InjectionAndSurge => "injection attempts with a traffic surge",
        Cause::BruteForce => "password guessing",
        Cause::Scan => "vulnerability scanning",
        Cause::Webshell => "web shell in use",
        Cause::FlashCrowd => "crowd of real visitors",
        Cause::Crawler => "busy crawler",
        Cause::ServerFault => "server fault without an attack",
    }
}

/// Prints times in one zone, and dates only where they differ from a day that the reader knows.
#[derive(Debug, Clone)]
pub struct Clock {
    offset: UtcOffset,
    day: Option<String>,
}

impl Clock {
    /// A clock whose reader knows no day yet.
    pub fn new(offset: UtcOffset) -> Clock {
        Clock { offset, day: None }
    }

    /// The same clock for a reader who knows the day of `time`.
    pub fn on_day_of(&self, time: Time) -> Clock {
        Clock {
            offset: self.offset,
            day: Some(self.date(time)),
        }
    }

    /// `UTC`, `UTC-04:00`.
    pub fn zone(&self) -> String {
        match self.offset {
            UtcOffset::UTC => "UTC".to_string(),
            other => format!("UTC{}", other.label()),
        }
    }

    /// The offset from UTC.
    pub fn offset(&self) -> UtcOffset {
        self.offset
    }

    /// `2021-09-05`.
    pub fn date(&self, time: Time) -> String {
        time.format_at(self.offset, "%Y-%m-%d")
    }

    /// `13:58:03`.
    pub fn time(&self, time: Time) -> String {
        time.format_at(self.offset, "%H:%M:%S")
    }

    /// `5 Sep`, for axes.
    pub fn short_date(&self, time: Time) -> String {
        time.format_at(self.offset, "%-d %b")
    }

    /// A time with its date, where the reader does not know it.
    pub fn moment(&self, time: Time) -> String {
        let date = self.date(time);
        match &self.day {
            Some(known) if *known == date => self.time(time),
            _ => format!("{date} {}", self.time(time)),
        }
    }

    /// `13:58:03 – 15:47:12 (1 h 49 min)`, dates where they are not known.
    pub fn span(&self, start: Time, end: Time) -> String {
        format!(
            "{} ({})",
            self.range(start, end),
            duration(end.seconds_since(start))
        )
    }

    /// `13:58:03 – 15:47:12`, dates where they are not known; one time when both print alike.
    pub fn range(&self, start: Time, end: Time) -> String {
        let from = self.moment(start);
        if start.floor_to_second() == end.floor_to_second() {
            return from;
        }
        format!("{from} – {}", self.on_day_of(start).moment(end))
    }
}

/// A name short enough that others fit beside it.
pub fn shortened(text: &str) -> String {
    const COLUMNS: usize = 44;
    let safe = crate::report::escape::terminal(text);
    crate::report::escape::fit(&safe, COLUMNS).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.0, 0.0001, 0.015, 0.42, 0.997, 0.9999, 1.0].map(share),
            ["0%", "<0.1%", "1.5%", "42%", "99.7%", ">99.9%", "100%"]
        );
        assert_eq!(
            [0.0, 0.0001, 0.01, 0.2, 3.52, 482.4, 12_000.0].map(rate),
            [
                "0/s", "<1/h", "36/h", "12/min", "3.5/s", "482/s", "12,000/s"
            ]
        );
        assert_eq!(
            [0, 999, 1000, 4_230_000_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "4.2 GB"]
        );
        assert_eq!(
            [1, 60, 600, 3600].map(per_bucket),
            ["/s", "/min", "/10 min", "/h"]
        );
    }

    #[test]
    fn durations_have_two_units() {
        assert_eq!(
            [0.0, 0.4, 45.0, 200.0, 15_120.0, 14_400.0, 183_600.0].map(duration),
            [
                "0 s",
                "<1 s",
                "45 s",
                "3 min 20 s",
                "4 h 12 min",
                "4 h",
                "2 d 3 h"
            ]
        );
    }

    #[test]
    fn durations_and_numbers_can_be_read_aloud() {
        assert_eq!(
            [0.0, 0.4, 1.0, 61.0, 3600.0, 15_120.0, 86_405.0].map(spoken),
            [
                "0 seconds",
                "less than a second",
                "1 second",
                "1 minute 1 second",
                "1 hour",
                "4 hours 12 minutes",
                "1 day",
            ]
        );
        assert_eq!(
            [
                9_999,
                48_213,
                999_499,
                999_500,
                1_812_345,
                57_300_000,
                2_000_000_000
            ]
            .map(about),
            [
                "9,999",
                "48,200",
                "999,000",
                "1.00 million",
                "1.81 million",
                "57.3 million",
                "2.00 billion"
            ]
        );
    }

    #[test]
    fn lists_say_what_they_leave_out() {
        let items = ["alpha", "beta", "gamma"].map(String::from);
        assert_eq!(list(&items, 0, 40), "alpha, beta, gamma");
        assert_eq!(list(&items, 10, 40), "alpha, beta, gamma and 7 more");
        assert_eq!(list(&items, 3, 17), "alpha and 2 more");
        assert_eq!(list(&["x".repeat(50)], 2, 20), "xxxxxxxx… and 1 more");
        assert_eq!(list(&[], 0, 20), "");
    }

    #[test]
    fn dates_show_when_they_change() {
        let zone = UtcOffset(-4 * 3600);
        let start = Time::parse_rfc3339("2023-05-07T02:00:00-04:00").unwrap();
        let end = Time::parse_rfc3339("2023-05-08T06:00:04-04:00").unwrap();
        let clock = Clock::new(zone);
        assert_eq!(clock.zone(), "UTC-04:00");
        assert_eq!(
            clock.span(start, end),
            "2023-05-07 02:00:00 – 2023-05-08 06:00:04 (1 d 4 h)"
        );
        assert_eq!(clock.on_day_of(start).range(start, start), "02:00:00");
        assert_eq!(clock.on_day_of(end).moment(start), "2023-05-07 02:00:00");
    }
}

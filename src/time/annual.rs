//! Times without a year, as BSD syslog writes them (RFC 3164, 4.1.2), and the year they come to belong to.

use super::{LocalTime, civil, digits, fraction_micros, month};

/// A day of some year and the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnnualTime {
    month: u8,
    day: u8,
    clock: [u8; 8],
    /// Behind the seconds.
    micros: u32,
}

/// Microseconds.
const DAY: i64 = 86_400_000_000;

/// Of Gregory's calendar, in the mean.
const YEAR_DAYS: f64 = 365.2425;

/// The years that logs may be from: syslog is of the eighties.
const YEARS: std::ops::RangeInclusive<i32> = 1980..=2199;

/// Reads `May  9 14:26:03` or `May 09 14:26:03.123456` off the front; returns what follows.
pub fn parse_annual(text: &[u8]) -> Option<(AnnualTime, &[u8])> {
    const LEN: usize = 15;
    let (stamp, mut rest) = text.split_at_checked(LEN)?;
    if stamp[3] != b' ' || stamp[6] != b' ' {
        return None;
    }
    let month = month(&stamp[..3])?;
    let day = match stamp[4] {
        b' ' => digits(&stamp[5..6])?,
        _ => digits(&stamp[4..6])?,
    };
    let clock: [u8; 8] = stamp[7..].try_into().ok()?;
    // Every day there may be is one of a leap year.
    civil(2000, month, day, &clock)?;
    let mut micros = 0;
    if let Some(decimals) = rest.strip_prefix(b".") {
        let count = decimals.iter().take_while(|byte| byte.is_ascii_digit());
        let (fraction, after) = decimals.split_at(count.count());
        micros = fraction_micros(fraction)? as u32;
        rest = after;
    }
    let time = AnnualTime {
        month: month as u8,
        day: day as u8,
        clock,
        micros,
    };
    Some((time, rest))
}

impl AnnualTime {
    /// In a year; `None` for the 29th of February of most.
    pub fn in_year(self, year: i32) -> Option<LocalTime> {
        let (year, month, day) = (
            u32::try_from(year).ok()?,
            u32::from(self.month),
            u32::from(self.day),
        );
        let whole = civil(year, month, day, &self.clock)?;
        Some(LocalTime(whole + i64::from(self.micros)))
    }

    /// In the year that brings it nearest to a moment.
    pub fn near(self, moment: LocalTime) -> Option<LocalTime> {
        let year = year_of(moment);
        (year - 1..=year + 1)
            .filter_map(|year| self.in_year(year))
            .min_by_key(|time| (time.0.abs_diff(moment.0), time.0))
    }

    /// In the last year that does not bring it behind a moment.
    pub fn last_before(self, moment: LocalTime) -> Option<LocalTime> {
        /// From one leap year to the next but for the ends of centuries.
        const BACK: i32 = 8;
        let year = year_of(moment);
        (year - BACK..=year + 1)
            .rev()
            .filter_map(|year| self.in_year(year))
            .find(|time| *time <= moment)
    }
}

/// The year of a moment, held to those that logs may be from; within a day of New Year it may be the other one.
fn year_of(moment: LocalTime) -> i32 {
    let days = moment.0.div_euclid(DAY) as f64;
    let year = 1970 + (days / YEAR_DAYS).floor() as i32;
    year.clamp(*YEARS.start(), *YEARS.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UtcOffset;

    fn read(text: &str) -> AnnualTime {
        parse_annual(text.as_bytes()).unwrap().0
    }

    fn local(text: &str) -> LocalTime {
        LocalTime::parse_people(text).unwrap()
    }

    fn shown(time: Option<LocalTime>) -> Option<String> {
        time.map(|time| time.at(UtcOffset::UTC).to_rfc3339())
    }

    #[test]
    fn days_are_padded_with_blanks_or_zeros() {
        let (time, rest) = parse_annual(b"May  9 14:26:03 lb1").unwrap();
        assert_eq!(rest, b" lb1");
        assert_eq!(time, read("May 09 14:26:03"));
        let (precise, rest) = parse_annual(b"May 09 14:26:03.25 lb1").unwrap();
        assert_eq!(rest, b" lb1");
        assert_eq!(
            shown(precise.in_year(2026)),
            Some("2026-05-09T14:26:03.250000Z".to_string())
        );
        for text in [
            "",
            "May  9",
            "Mai  9 14:26:03",
            "May 32 14:26:03",
            "May  9 25:26:03",
            "May  9T14:26:03",
            "May  9 14:26:03.",
        ] {
            assert_eq!(parse_annual(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn years_come_from_what_is_near() {
        let december = read("Dec 31 23:59:59");
        let january = read("Jan  1 00:00:01");
        let leap = read("Feb 29 12:00:00");
        let new_year = local("2026-01-01 00:00:00");
        for (time, near) in [
            (december, "2025-12-31T23:59:59Z"),
            (january, "2026-01-01T00:00:01Z"),
        ] {
            assert_eq!(shown(time.near(new_year)), Some(near.to_string()));
        }
        assert_eq!(
            shown(december.last_before(local("2026-12-31 23:00:00"))),
            Some("2025-12-31T23:59:59Z".to_string())
        );
        assert_eq!(leap.near(new_year), None);
        assert_eq!(
            shown(leap.last_before(new_year)),
            Some("2024-02-29T12:00:00Z".to_string())
        );
    }
}

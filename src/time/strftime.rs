//! Times whose form a configuration gives as a strftime string: Apache's `%{%Y-%m-%dT%H:%M:%S%z}t`.
//!
//! A log may split a time over several fields; [`Parts`] collects them. What cannot be a time together is none.

use chrono::format::{Fixed, Item, Parsed, StrftimeItems, parse_and_remainder};
use chrono::{DateTime, FixedOffset};

use super::{LocalTime, MICROS, Time, UtcOffset};

/// A compiled strftime string (strftime(3); what chrono adds to it is read as well).
#[derive(Debug, Clone)]
pub struct Strftime {
    /// The items between names of zones, which chrono would read up to the next blank.
    runs: Vec<Vec<Item<'static>>>,
}

/// The longest text of a time: room for names of days and months, and for a sentence around them.
const LONGEST: usize = 128;

impl Strftime {
    /// Compiles a string; `None` if it holds a conversion that is none.
    pub fn compile(format: &str) -> Option<Strftime> {
        let items = StrftimeItems::new(format).parse_to_owned().ok()?;
        let named = |item: &Item<'static>| matches!(item, Item::Fixed(Fixed::TimezoneName));
        let runs = items.split(named).map(<[_]>::to_vec).collect();
        Some(Strftime { runs })
    }

    /// Reads a time off the front of `text` into `parts`; gives how many bytes it took.
    pub fn read(&self, text: &[u8], parts: &mut Parts) -> Option<usize> {
        let window = &text[..text.len().min(LONGEST)];
        let whole = window.utf8_chunks().next()?.valid();
        let mut rest = whole;
        for (index, run) in self.runs.iter().enumerate() {
            if index > 0 {
                rest = parts.take_zone_name(rest);
            }
            rest = parse_and_remainder(&mut parts.parsed, rest, run.iter()).ok()?;
        }
        Some(whole.len() - rest.len())
    }

    /// A time in this form, for tests of formats and for what shows how they look.
    pub fn write(&self, time: Time, offset: UtcOffset) -> Option<String> {
        let moment = DateTime::from_timestamp_micros(time.micros())?
            .with_timezone(&FixedOffset::east_opt(offset.0)?);
        let runs = self
            .runs
            .iter()
            .map(|run| moment.format_with_items(run.iter()).to_string());
        Some(runs.collect::<Vec<_>>().join("UTC"))
    }
}

/// Parts of a time, as they were read.
#[derive(Debug, Default)]
pub struct Parts {
    parsed: Parsed,
}

impl Parts {
    /// Names of zones mean different things in different countries; only UTC is sure (RFC 5322, 4.3).
    fn take_zone_name<'t>(&mut self, text: &'t str) -> &'t str {
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-');
        let rest = text.trim_start_matches(in_name);
        let name = &text[..text.len() - rest.len()];
        if matches!(name, "UTC" | "GMT" | "Z") {
            // a zone given in digits as well goes before the name
            self.parsed.set_offset(0).ok();
        }
        rest
    }

    /// The time, and its zone if one was written; a count since 1970 is UTC. `None` if a part is missing, or if they
    /// contradict each other.
    pub fn moment(&self) -> Option<(Time, Option<UtcOffset>)> {
        let counted = self.parsed.timestamp().is_some();
        let written = self.parsed.offset().or(counted.then_some(0));
        let offset = written.unwrap_or(0);
        let local = self.parsed.to_naive_datetime_with_offset(offset).ok()?;
        let local = LocalTime::from_micros(local.and_utc().timestamp_micros());
        let zone = UtcOffset(offset);
        Some((local.at(zone), written.map(|_| zone)))
    }
}

impl Time {
    /// Adds a fraction of a second, in microseconds, to a time that has none.
    pub fn with_fraction(self, micros: u32) -> Time {
        match self.0.rem_euclid(MICROS) {
            0 => Time(self.0.saturating_add(i64::from(micros))),
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<(String, Option<String>, usize)> {
        let mut parts = Parts::default();
        let used = Strftime::compile(format)?.read(text.as_bytes(), &mut parts)?;
        let (time, zone) = parts.moment()?;
        Some((time.to_rfc3339(), zone.map(UtcOffset::label), used))
    }

    #[test]
    fn times_in_the_forms_that_administrators_choose() {
        let east = Some("+05:45".to_string());
        let utc = Some("+00:00".to_string());
        for (format, text, zone) in [
            ("%Y-%m-%dT%H:%M:%S%z", "2026-11-21T20:33:15+0545\" x", &east),
            ("%d/%b/%Y:%T %z", "21/Nov/2026:20:33:15 +0545]", &east),
            ("%a, %d %b %Y %T %Z", "Sat, 21 Nov 2026 14:48:15 GMT|", &utc),
            ("%s", "1795272495 200", &utc),
            ("%F %T", "2026-11-21 14:48:15 a", &None),
            ("%Y%m%d%H%M%S", "20261121144815 x", &None),
            ("%D %r", "11/21/26 02:48:15 PM.", &None),
        ] {
            let found = read(format, text).unwrap_or_else(|| panic!("{format}"));
            assert_eq!(found.0, "2026-11-21T14:48:15Z", "{format}");
            assert_eq!(&found.1, zone, "{format}");
            assert!(found.2 < text.len(), "{format}");
        }
    }

    #[test]
    fn parts_that_make_no_time_are_none() {
        assert_eq!(read("%H:%M:%S", "20:33:15"), None);
        assert_eq!(read("%F %T", "2026-13-21 14:48:15"), None);
        assert_eq!(read("%F %T", "\u{ff}\u{0}"), None);
        assert!(Strftime::compile("%!").is_none());
    }
}

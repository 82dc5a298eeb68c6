//! Zones by name, where a name has one meaning.

use super::{LocalTime, UtcOffset, Zone};

/// Abbreviations that stand for one offset wherever they are used (IANA tz database), in minutes east of UTC. Left out
/// are those of several zones: BST, CDT, CST, EST, IST, MST, PST, SST and others.
const NAMED: [(&str, i32); 25] = [
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 60),
    ("CET", 60),
    ("CEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("SAST", 120),
    ("EAT", 180),
    ("MSK", 180),
    ("WIB", 420),
    ("JST", 540),
    ("KST", 540),
    ("HKT", 480),
    ("AEST", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("EDT", -240),
    ("MDT", -360),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
];

impl UtcOffset {
    /// An offset in figures, or an abbreviation that has one meaning; `None` for what must be taken for local time.
    pub fn named(zone: &[u8]) -> Option<UtcOffset> {
        let text = std::str::from_utf8(zone).ok()?;
        let known = NAMED.iter().find(|(name, _)| *name == text);
        known
            .map(|(_, minutes)| UtcOffset(minutes * 60))
            .or_else(|| UtcOffset::parse(text))
    }
}

/// The offset of what [`UtcOffset::named`] knows, and of a place in the IANA tz database (`Europe/Berlin`) when its clocks
/// show `local`.
pub fn offset_at(zone: &[u8], local: LocalTime) -> Option<UtcOffset> {
    UtcOffset::named(zone).or_else(|| {
        // Without a slash it is an abbreviation that several zones may share.
        let place = std::str::from_utf8(zone)
            .ok()
            .filter(|zone| zone.contains('/'))?;
        Some(Zone::parse(place)?.offset_at_local(local))
    })
}

/// True for what may be the name of a zone: `CEST`, `Europe/Berlin`, `Etc/GMT-2`, `+03`.
pub fn is_zone(word: &[u8]) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_+-:".contains(byte);
    let starts = |byte: &u8| byte.is_ascii_uppercase() || b"+-".contains(byte);
    word.first().is_some_and(starts) && word.iter().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_one_meaning_are_known() {
        let label = |zone: &str| UtcOffset::named(zone.as_bytes()).map(UtcOffset::label);
        assert_eq!(label("UTC").as_deref(), Some("+00:00"));
        assert_eq!(label("CEST").as_deref(), Some("+02:00"));
        assert_eq!(label("EDT").as_deref(), Some("-04:00"));
        assert_eq!(label("+03").as_deref(), Some("+03:00"));
        for zone in ["CST", "IST", "BST", "Europe/Berlin", "", "\u{fffd}"] {
            assert_eq!(label(zone), None, "{zone}");
        }
        for zone in [
            "Europe/Berlin",
            "Etc/GMT-2",
            "America/Port-au-Prince",
            "-03",
        ] {
            assert!(is_zone(zone.as_bytes()), "{zone}");
        }
        assert!(!is_zone(b"[811]") && !is_zone(b""));
    }

    #[test]
    fn places_have_the_offset_of_the_day() {
        let label = |zone: &str, local: &str| {
            let local = LocalTime::parse_people(local).unwrap();
            offset_at(zone.as_bytes(), local).map(UtcOffset::label)
        };
        for (zone, local, offset) in [
            ("Europe/Berlin", "2026-05-19 16:20:32", "+02:00"),
            ("Europe/Berlin", "2026-01-19 16:20:32", "+01:00"),
            // comes twice
            ("Europe/Berlin", "2026-10-25 02:30", "+02:00"),
            // is left out
            ("Europe/Berlin", "2026-03-29 02:30", "+01:00"),
            ("America/New_York", "2026-05-19 16:20:32", "-04:00"),
            ("Etc/GMT-2", "2026-05-19 16:20:32", "+02:00"),
            ("CEST", "2026-05-19 16:20:32", "+02:00"),
        ] {
            assert_eq!(
                label(zone, local).as_deref(),
                Some(offset),
                "{zone} {local}"
            );
        }
        assert_eq!(label("Europe/Nowhere", "2026-05-19"), None);
        assert_eq!(label("CST", "2026-05-19"), None);
    }
}

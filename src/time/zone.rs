//! Zones by name, where a name has one meaning.

use super::UtcOffset;

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
}

//! Bytes that nobody promised to be text, made into text without losing any of them.
//!
//! Also how numbers read in sentences. Not an escape for terminals or documents: control characters that are valid UTF-8 pass.

use std::borrow::Cow;
use std::fmt::Write;

/// The bytes as text. Bytes that are no UTF-8 become a visible `\xHH`, so that nothing is dropped
/// or silently replaced. Borrows when the bytes are text already, which is nearly always.
pub fn visible(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(escape_invalid(bytes)),
    }
}

/// With thousands separators: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with its noun: `1 request`, `2,000 requests`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A duration in its two leading units: `45 s`, `3 min 20 s`, `4 h 12 min`, `2 d 3 h`.
pub fn duration(seconds: i64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let total = u64::try_from(seconds).unwrap_or(0);
    let (large, unit, small, small_unit) = match total {
        0..MINUTE => return format!("{total} s"),
        MINUTE..HOUR => (total / MINUTE, "min", total % MINUTE, "s"),
        HOUR..DAY => (total / HOUR, "h", total % HOUR / MINUTE, "min"),
        _ => (total / DAY, "d", total % DAY / HOUR, "h"),
    };
    match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {small_unit}"),
    }
}

/// A share: `0%`, `<0.1%`, `4.2%`, `42%`, `99.7%`, `100%`; never `0%` or `100%` by rounding.
pub fn share(ratio: f64) -> String {
    let percent = ratio * 100.0;
    match percent {
        _ if percent <= 0.0 => "0%".to_string(),
        _ if percent < 0.1 => "<0.1%".to_string(),
        _ if percent >= 100.0 => "100%".to_string(),
        _ if percent > 99.9 => ">99.9%".to_string(),
        _ if !(9.95..95.0).contains(&percent) => format!("{percent:.1}%"),
        _ => format!("{percent:.0}%"),
    }
}

/// `part / whole` as a share.
pub fn part_of(part: u64, whole: u64) -> String {
    share(part as f64 / whole.max(1) as f64)
}

/// Levenshtein's distance (Doklady Akademii Nauk 163, 1965), one row at a time.
pub fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

fn escape_invalid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        let said = [0, -3, 45, 200, 15_120, 14_400, 183_600].map(duration);
        assert_eq!(
            said,
            [
                "0 s",
                "0 s",
                "45 s",
                "3 min 20 s",
                "4 h 12 min",
                "4 h",
                "2 d 3 h"
            ]
        );
    }

    #[test]
    fn distances_count_edits() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("acess.log", "access.log"), 1);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }

    #[test]
    fn text_is_borrowed_and_other_bytes_show() {
        assert!(matches!(
            visible("Grüße".as_bytes()),
            Cow::Borrowed("Grüße")
        ));
        assert_eq!(visible(b"a\xffb\xc3"), "a\\xFFb\\xC3");
        assert_eq!(visible(b""), "");
    }
}

//! Paths that climb: `..` between separators in every spelling that some program undoes.
//!
//! Not for which files are worth reading; packs know those.

features! {
    /// Climbs above where the text begins.
    AboveRoot = "above_root",
    /// Two or more climbs.
    Climb = "climb",
    /// One climb at the beginning.
    SingleClimb = "single_climb",
    /// A climb written so that a filter overlooks it: `....//`, `..;/`, `..0x2f`.
    Disguised = "disguised",
}

/// Without an odd byte, a climb still has two dots.
pub const NEEDS: &[&str] = &["..", "./.", "0x2e", "2e2e", "2f.."];

/// Finds climbs.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    let mut depth: i64 = 0;
    let mut climbs = 0;
    let mut first = None;
    let mut at = 0;
    while at < text.len() {
        let (dots, dots_end, odd_dots) = dots_at(text, at);
        if dots >= 2 {
            let (separators, end, odd_separator) = separators_at(text, dots_end);
            let (before, odd_before) = separator_before(text, at);
            if (separators > 0 || (before && dots_end == text.len())) && dots <= 8 {
                let starts = before || at == 0 || !text[at - 1].is_ascii_alphanumeric();
                climbs += 1;
                depth -= 1;
                let begin = *first.get_or_insert(at);
                if depth < 0 && starts {
                    facts.note(Feature::AboveRoot, begin, end);
                }
                if climbs >= 2 {
                    facts.note(Feature::Climb, begin, end);
                }
                if climbs == 1 && at <= 1 {
                    facts.note(Feature::SingleClimb, begin, end);
                }
                if odd_dots || odd_separator || odd_before || (dots > 2 && separators > 0) {
                    facts.note(Feature::Disguised, begin, end);
                }
                at = end.max(at + 1);
                continue;
            }
        }
        if matches!(text[at], b'/' | b'\\') {
            let name = &text[at + 1..];
            let length = name
                .iter()
                .take_while(|b| !matches!(b, b'/' | b'\\'))
                .count();
            if length > 0 && !name.starts_with(b"..") && length < name.len() {
                depth += 1;
            }
        }
        at += 1;
    }
    facts
}

/// Dots at `at`, also as `0x2e` or `2e`: how many, where they end, whether oddly written.
fn dots_at(text: &[u8], at: usize) -> (usize, usize, bool) {
    let mut count = 0;
    let mut end = at;
    let mut odd = false;
    loop {
        let rest = &text[end..];
        if rest.starts_with(b".") {
            end += 1;
        } else if rest.starts_with(b"0x2e") || rest.starts_with(b"%2e") {
            end += rest.iter().position(|b| *b == b'e').map_or(0, |n| n + 1);
            odd = true;
        } else {
            return (count, end, odd);
        }
        count += 1;
    }
}

/// Separators at `at`: how many, where they end, whether oddly written.
fn separators_at(text: &[u8], at: usize) -> (usize, usize, bool) {
    const ODD: [&[u8]; 8] = [
        b"0x2f", b"0x5c", b"%2f", b"%5c", b";/", b";\\", b"%252f", b"%255c",
    ];
    let mut count = 0;
    let mut end = at;
    let mut odd = false;
    loop {
        let rest = &text[end..];
        if rest.starts_with(b"/") || rest.starts_with(b"\\") {
            end += 1;
        } else if let Some(spelling) = ODD.iter().find(|spelling| rest.starts_with(spelling)) {
            end += spelling.len();
            odd = true;
        } else {
            return (count, end, odd);
        }
        count += 1;
    }
}

/// Whether a separator stands right before `at`, and whether it is oddly written.
fn separator_before(text: &[u8], at: usize) -> (bool, bool) {
    let before = &text[..at];
    let odd = before.ends_with(b"0x2f") || before.ends_with(b"0x5c");
    (
        odd || matches!(before.last(), Some(b'/' | b'\\' | b'=' | b':')),
        odd,
    )
}

//! Paths that climb: `..` between separators in every spelling that some program undoes.
//!
//! Not for which files are worth reading; packs know those.

use super::bytes::worth_reading;
use super::needs;

features! {
    /// Two or more climbs.
    Climb = "climb",
    /// One climb at the beginning.
    SingleClimb = "single_climb",
    /// A climb written so that a filter overlooks it: `....//`, `..;/`, `..0x2f`.
    Disguised = "disguised",
    /// Bytes that only broken or overlong UTF-8 has, again and again.
    BrokenEncoding = "broken_encoding",
    /// Steps to where the path already is: `/./././`.
    Steps = "steps",
}

/// Longest unknown separator between dots, in bytes.
const MAX_SEPARATOR: usize = 12;

/// Longest path parameter that may stand between dots and a slash, in bytes.
const MAX_PATH_PARAMETER: usize = 32;

/// More dots than this in a row are filler.
const MAX_DOTS: usize = 200;

/// How many broken bytes close together make a pattern rather than an accident.
const BROKEN_RUN: usize = 3;

/// How far apart they may be.
const BROKEN_GAP: usize = 14;

/// How many steps in place no link contains.
const MIN_STEPS: usize = 3;

/// Endings of what pages are made of.
const ASSETS: &[&[u8]] = &[
    b"css", b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"ico", b"html", b"htm", b"woff",
    b"woff2",
];

/// Finds climbs.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    if worth_reading(text, needs::PATH) || text.iter().any(|b| *b >= 0x80) {
        climbs(text, &mut facts);
        equal_separators(text, &mut facts);
        broken_encoding(text, &mut facts);
        steps(text, &mut facts);
    }
    facts
}

/// Counts climbs.
fn climbs(text: &[u8], facts: &mut Facts) {
    let mut climbs = 0;
    let mut first = None;
    let mut at = 0;
    while at < text.len() {
        // the bytes with which dots begin, however they are written
        if !matches!(text[at], b'.' | b'\\' | b'0' | b'%' | b'2' | b'^') {
            at += 1;
            continue;
        }
        let dots = dots_at(text, at);
        if dots.count >= 2 && dots.count <= MAX_DOTS {
            let after = separators_at(text, dots.end);
            let (before, odd_before) = separator_before(text, at);
            let last = before && dots.end == text.len();
            let word_before = at > 0 && text[at - 1].is_ascii_alphanumeric() && !odd_before;
            if (after.count > 0 && !word_before) || last {
                climbs += 1;
                let begin = *first.get_or_insert(at);
                let odd =
                    dots.odd || after.odd || odd_before || (dots.count > 2 && after.count > 1);
                if climbs >= 2 {
                    facts.note(Feature::Climb, begin, after.end);
                } else if !names_asset(text)
                    && text[..at]
                        .iter()
                        .all(|b| matches!(b, b'.' | b'/' | b'\\' | b'=' | b'\'' | b'"'))
                {
                    facts.note(Feature::SingleClimb, begin, after.end);
                }
                if odd && (climbs >= 2 || after.odd) {
                    facts.note(Feature::Disguised, begin, after.end);
                }
                at = after.end.max(at + 1);
                continue;
            }
        }
        at += 1;
    }
}

/// Whether a text ends like a file that sites serve to everybody: relative links name such files.
fn names_asset(text: &[u8]) -> bool {
    let name = text.rsplit(|b| *b == b'.').next().unwrap_or_default();
    memchr::memchr(b'.', text).is_some() && ASSETS.contains(&name)
}

/// A run of dots or separators.
struct Run {
    count: usize,
    end: usize,
    odd: bool,
}

/// Reads a run of `plain` bytes and `odd` spellings.
fn run_of(text: &[u8], at: usize, plain: impl Fn(u8) -> bool, odd: &[&[u8]]) -> Run {
    let mut run = Run {
        count: 0,
        end: at,
        odd: false,
    };
    loop {
        let rest = &text[run.end..];
        match rest.first() {
            Some(&byte) if plain(byte) => run.end += 1,
            // what the spellings begin with
            Some(b'0' | b'%' | b'2' | b'5' | b'^' | b';') => {
                let Some(spelling) = odd.iter().find(|spelling| rest.starts_with(spelling)) else {
                    return run;
                };
                run.end += spelling.len();
                run.odd = true;
            }
            _ => return run,
        }
        run.count += 1;
        if run.count > MAX_DOTS {
            return run;
        }
    }
}

/// Dots at `at`, also as `0x2e`, `%2%e`, or each behind a backslash.
fn dots_at(text: &[u8], at: usize) -> Run {
    const ODD: [&[u8]; 6] = [b"0x2e", b"%2e", b"%2%e", b"2e", b"%252e", b"^."];
    if text[at..].starts_with(b"\\.\\.") {
        return Run {
            count: 2,
            end: at + 4,
            odd: true,
        };
    }
    run_of(text, at, |byte| byte == b'.', &ODD)
}

/// Separators at `at`, also as hexadecimal codes, or behind `;` as Tomcat drops path parameters.
fn separators_at(text: &[u8], at: usize) -> Run {
    const ODD: [&[u8]; 14] = [
        b"0x2f", b"0x5c", b"%2f", b"%5c", b";/", b";\\", b"%252f", b"%255c", b"%2%f", b"%5%c",
        b"2f", b"5c", b"%c0%af", b"%c1%9c",
    ];
    let mut run = run_of(text, at, |byte| matches!(byte, b'/' | b'\\'), &ODD);
    // `..;name=value/`
    let parameter = run.count == 0 && text.get(at) == Some(&b';');
    let slash = text[at..]
        .iter()
        .take(MAX_PATH_PARAMETER)
        .position(|b| *b == b'/');
    if let (true, Some(n)) = (parameter, slash) {
        run = Run {
            count: 1,
            end: at + n + 1,
            odd: true,
        };
    }
    run
}

/// Whether a separator stands right before `at`, and whether it is oddly written.
fn separator_before(text: &[u8], at: usize) -> (bool, bool) {
    let before = &text[..at];
    let odd = matches!(before.last(), Some(b'f' | b'c'))
        && [&b"0x2f"[..], b"0x5c", b"2f", b"5c", b"%2%f", b"%5%c"]
            .iter()
            .any(|s| before.ends_with(s));
    (
        odd || matches!(before.last(), Some(b'/' | b'\\' | b'=' | b':')),
        odd,
    )
}

/// `..X..X` with any X that is no word: dots set apart again and again by the same strange bytes are
/// a path in the eyes of whoever sent it. Some tools write question marks where bytes were lost.
fn equal_separators(text: &[u8], facts: &mut Facts) {
    for dots in [&b".."[..], b"??"] {
        // to prepare a search for both costs more than most texts are worth
        let doubled = |from: usize| {
            let second = |at: &usize| text.get(from + at + 1) == Some(&dots[1]);
            let found = memchr::memchr_iter(dots[0], &text[from..]).find(second);
            found.map(|at| from + at)
        };
        let mut from = 0;
        while let Some(at) = doubled(from) {
            let start = at + 2 + text[at + 2..].iter().take_while(|b| **b == dots[0]).count();
            from = start;
            if let Some(end) = repeats(text, start, dots) {
                facts.note(Feature::Climb, at, end);
                facts.note(Feature::Disguised, at, end);
                return;
            }
        }
    }
}

/// Whether the bytes at `start` and the dots behind them come twice; gives the end.
fn repeats(text: &[u8], start: usize, dots: &[u8]) -> Option<usize> {
    let window = &text[start..text.len().min(start + MAX_SEPARATOR + 2)];
    let length = memchr::memmem::find(window, dots).filter(|n| *n > 0)?;
    let separator = &text[start..start + length];
    let behind = &text[start + length..];
    let next = start + length + behind.iter().take_while(|b| **b == dots[0]).count();
    let again = text.get(next..next + length)?;
    let word = separator
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b',' | b'-'));
    (again == separator && !word).then_some(next + length)
}

/// Bytes C0, C1 and F8..FD never occur in UTF-8 (RFC 3629); in Latin-1 text they are rare letters.
fn broken_encoding(text: &[u8], facts: &mut Facts) {
    let mut run = 0;
    let mut last = None;
    let mut first = 0;
    for (at, byte) in text.iter().enumerate() {
        if !matches!(byte, 0xc0 | 0xc1 | 0xf8 | 0xfc) {
            continue;
        }
        let near = last.is_some_and(|last: usize| at - last <= BROKEN_GAP);
        if !near {
            first = at;
        }
        run = if near { run + 1 } else { 1 };
        last = Some(at);
        if run >= BROKEN_RUN {
            facts.note(Feature::BrokenEncoding, first, at + 1);
            return;
        }
    }
}

/// `/././.`, `.\.\.\`
fn steps(text: &[u8], facts: &mut Facts) {
    let mut count = 0;
    let mut first = 0;
    let mut at = 0;
    while at + 1 < text.len() {
        if text[at] == b'.'
            && matches!(text[at + 1], b'/' | b'\\')
            && (at == 0 || text[at - 1] != b'.')
            && (at == 0 || !text[at - 1].is_ascii_alphanumeric())
        {
            if count == 0 {
                first = at;
            }
            count += 1;
            at += 2;
            if count >= MIN_STEPS {
                facts.note(Feature::Steps, first, at);
                return;
            }
        } else if matches!(text[at], b'/' | b'\\') {
            at += 1;
        } else {
            count = 0;
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn climbs_are_found_in_every_spelling() {
        let has = |text: &[u8], feature| analyse(text).span(feature).is_some();
        for (text, feature) in [
            (&b"../../etc/passwd"[..], Feature::Climb),
            (b"..\\..\\boot.ini", Feature::Climb),
            (b"../x", Feature::SingleClimb),
            (b"....//....//x", Feature::Disguised),
            (b"/app/..;/manager", Feature::Disguised),
            (b"..0x2f..0x2fetc", Feature::Disguised),
            (
                b"..\xef\x80\xa5..\xef\x80\xa5..\xef\x80\xa5",
                Feature::Climb,
            ),
            (b"....\xc1%8s....\xc1%8sx", Feature::Climb),
            (b"\xc0\xee\xc0\xee\xc0%qf", Feature::BrokenEncoding),
            (b"/./././etc", Feature::Steps),
        ] {
            assert!(
                has(text, feature),
                "{:?}: {feature:?}",
                String::from_utf8_lossy(text)
            );
        }
        for text in [
            "a/b/c",
            "wait...what...ok",
            "1..5",
            "file.tar.gz",
            "a, b.. c.. d",
            "../css/page.css",
        ] {
            assert_eq!(analyse(text.as_bytes()), Facts::default(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn spans_stay_within_any_text(
            text in "([.]|[.][.]|/|%2f|0x2e|\\\\|;|;x=/|2f|[?][?]|[a-z]|:|=){0,60}",
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            for text in [text.as_bytes(), &bytes] {
                prop_assert!(analyse(text).stay_within(text.len()));
            }
        }
    }
}

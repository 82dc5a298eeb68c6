//! The only door between log text and a terminal: what an attacker wrote is shown, never obeyed.
//!
//! Escapes, never strips, so that the reader sees that something was there. Also the doors to
//! Markdown, to HTML and to JSON within HTML, whose rules are others.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use unicode_width::UnicodeWidthChar;

/// Stands for text that was cut off.
const ELLIPSIS: char = '…';

/// What may not reach a terminal as it is.
///
/// - `\p{C}`: controls (C0, DEL, C1: ECMA-48 commands), format characters (bidirectional overrides
///   and isolates, Unicode TR36 3.1; zero-width joiners, tags), private use, unassigned.
/// - `\p{M}`: combining marks, which draw over the character before them.
/// - `\p{Z}` but the space: line and paragraph separators, and spaces that only look like one.
/// - `\p{DI}`: the remaining default-ignorable characters (Hangul fillers, variation selectors).
/// - Hangul vowels and final consonants, which draw into the syllable before them (Unicode 3.12),
///   and prefixed Indic consonants, which draw into the one after them (Indic_Syllabic_Category).
/// - U+2800: the Braille pattern without dots.
static UNSAFE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)[ \p{C} \p{M} \p{Z} \p{DI} \x{2800}
            \x{1160}-\x{11ff} \x{d7b0}-\x{d7ff}
            \x{d4e} \x{a8fa} \x{111c2} \x{111c3} \x{113d1} \x{1193f} \x{11941}
            \x{11a84}-\x{11a89} \x{11d46} \x{11f02}
            --\x{20}]",
    )
    .expect("a valid character class")
});

/// Makes text safe and unambiguous on a terminal: every character that could move the cursor,
/// change the reading direction, or hide, becomes `\xHH` (ASCII) or `\u{..}`.
pub fn terminal(text: &str) -> Cow<'_, str> {
    replace_unsafe(text, |character, out| {
        let code = u32::from(character);
        let written = if character.is_ascii() {
            write!(out, "\\x{code:02x}")
        } else {
            write!(out, "\\u{{{code:x}}}")
        };
        written.expect("writing to a string cannot fail");
    })
}

/// Rewrites each unsafe character with `write`; borrows when there is none.
pub fn replace_unsafe(text: &str, write: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text); // nearly every log line: no need to look at characters
    }
    let mut found = UNSAFE.find_iter(text).peekable();
    if found.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    let mut done = 0;
    for unsafe_part in found {
        out.push_str(&text[done..unsafe_part.start()]);
        unsafe_part
            .as_str()
            .chars()
            .for_each(|character| write(character, &mut out));
        done = unsafe_part.end();
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// Makes text safe inside a paragraph, heading or list item of Markdown: it reads the same and means
/// nothing. What a terminal would obey is escaped as by [`terminal`], which leaves one line; what
/// Markdown would is put behind a backslash (CommonMark 0.31, 2.4 allows it before any ASCII
/// punctuation), the addresses that GitHub links by themselves included (GFM, 6.9).
pub fn markdown(text: &str) -> String {
    let safe = terminal(text);
    let mut out = String::with_capacity(safe.len() + safe.len() / 8);
    let mut last = ' ';
    let mut first = true;
    let mut number = true;
    for (at, character) in safe.char_indices() {
        let behind = &safe[at + character.len_utf8()..];
        let next = behind.chars().next();
        let meant = match character {
            // within a line
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' | '!' | '$'
            | '@' | '{' | '}' | '^' => true,
            // `12:34` and `192.0.2.1` are none, and read better as they are
            '.' if last.is_ascii_digit() && next.is_some_and(|next| next.is_ascii_digit()) => false,
            ':' if last.is_ascii_digit() && is_short_number(behind) => false,
            // an address, `http:` or `www.`, or a picture, `:100:`
            ':' | '.' if next.is_some_and(|next| !next.is_whitespace()) => true,
            // a list, a rule, or the underline of a heading
            '-' | '+' | '=' => first,
            '.' | ')' => number && !first,
            _ => false,
        };
        if meant {
            out.push('\\');
        }
        out.push(character);
        number &= character.is_ascii_digit();
        first = false;
        last = character;
    }
    out
}

/// Whether text begins with one or two digits, and not with more.
fn is_short_number(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=2).contains(&digits)
}

/// Text as a code span of Markdown (CommonMark 0.31, 6.1): nothing in it means anything, so only what
/// a terminal would obey is escaped. The fence is longer than any run of backticks within.
pub fn markdown_code(text: &str) -> String {
    let safe = terminal(text);
    let mut longest = 0;
    let mut run = 0;
    for character in safe.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    // one blank on each side is taken off again; without it a backtick would join the fence
    let padded = safe.is_empty() || safe.starts_with(['`', ' ']) || safe.ends_with(['`', ' ']);
    match padded {
        true => format!("{fence} {safe} {fence}"),
        false => format!("{fence}{safe}{fence}"),
    }
}

/// Makes text safe as the text of an HTML element and within an attribute in quotes: what a terminal would obey is escaped
/// as by [`terminal`], and what HTML would (HTML Living Standard, 13.3) becomes a reference. Not for scripts, styles, comments or
/// the names of anything.
pub fn html(text: &str) -> Cow<'_, str> {
    let safe = terminal(text);
    let reference = |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    };
    if !safe.contains(|character| reference(character).is_some()) {
        return safe;
    }
    let mut out = String::with_capacity(safe.len() + safe.len() / 4);
    for character in safe.chars() {
        match reference(character) {
            Some(written) => out.push_str(written),
            None => out.push(character),
        }
    }
    Cow::Owned(out)
}

/// A piece of a JSON string, of which quotes, backslashes and C0 are escaped already: the rest of what [`terminal`] would escape
/// becomes `\uXXXX`, which means the same to a parser.
pub fn json(fragment: &str) -> Cow<'_, str> {
    replace_unsafe(fragment, |character, out| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}").expect("writing to a string cannot fail");
        }
    })
}

/// The same as it may stand in a `script` element: neither `</script>` nor `<!--` can come of it (HTML Living Standard,
/// 4.12.1.3).
pub fn json_in_html(fragment: &str) -> Cow<'_, str> {
    let safe = json(fragment);
    match safe.contains(['<', '>', '&']) {
        false => safe,
        true => Cow::Owned(
            safe.replace('<', r"\u003c")
                .replace('>', r"\u003e")
                .replace('&', r"\u0026"),
        ),
    }
}

/// Columns that safe text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Columns that one safe character takes.
pub fn char_width(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// Cuts safe text at its end so that it takes at most `columns`; the cut shows as `…`.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = take_columns(text.chars(), columns.saturating_sub(1));
    if columns > 0 {
        kept.push(ELLIPSIS);
    }
    Cow::Owned(kept)
}

/// Cuts safe text at its beginning: of a path, the end says more.
pub fn fit_start(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let tail = take_columns(text.chars().rev(), columns.saturating_sub(1));
    let ellipsis = (columns > 0).then_some(ELLIPSIS);
    Cow::Owned(ellipsis.into_iter().chain(tail.chars().rev()).collect())
}

/// The first characters that fit into `columns`.
fn take_columns(characters: impl Iterator<Item = char>, columns: usize) -> String {
    let mut left = columns;
    characters
        .map_while(|character| {
            left = left.checked_sub(char_width(character))?;
            Some(character)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_text_is_borrowed() {
        for text in [
            "",
            "GET /a?b=c HTTP/1.1",
            "naïve Straße 東京 😀 – “x”",
            r"\x1b",
        ] {
            assert!(
                matches!(terminal(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    #[test]
    fn attacks_become_visible() {
        for (attack, shown) in [
            ("\x1b[2J\x1b[H", r"\x1b[2J\x1b[H"),
            (
                "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
                r"\x1b]8;;http://evil.example\x1b\click\x1b]8;;\x1b\",
            ),
            ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
            ("\u{9b}31m\u{9d}0;t\u{9c}", r"\u{9b}31m\u{9d}0;t\u{9c}"),
            ("a\r\nb\tc\x08\x7f\0", r"a\x0d\x0ab\x09c\x08\x7f\x00"),
            (
                "user\u{202e}gpj.exe\u{202c}",
                r"user\u{202e}gpj.exe\u{202c}",
            ),
            (
                "\u{2066}a\u{2069}\u{200f}\u{61c}",
                r"\u{2066}a\u{2069}\u{200f}\u{61c}",
            ),
            (
                "ad\u{200b}min\u{200d}\u{feff}\u{ad}",
                r"ad\u{200b}min\u{200d}\u{feff}\u{ad}",
            ),
            ("a\u{2028}b\u{2029}c\u{85}", r"a\u{2028}b\u{2029}c\u{85}"),
            ("a\u{a0}b\u{3000}c\u{2800}", r"a\u{a0}b\u{3000}c\u{2800}"),
            ("e\u{301}\u{338}", r"e\u{301}\u{338}"),
            (
                "\u{3164}\u{115f}\u{fe0f}\u{e0041}",
                r"\u{3164}\u{115f}\u{fe0f}\u{e0041}",
            ),
            ("\u{e000}\u{fdd0}\u{378}", r"\u{e000}\u{fdd0}\u{378}"),
        ] {
            assert_eq!(terminal(attack), shown);
        }
    }

    #[test]
    fn markdown_reads_the_same_and_means_nothing() {
        for (text, shown) in [
            ("plain words, and more.", "plain words, and more."),
            ("<script>", r"\<script\>"),
            ("a*b_c`d|e", r"a\*b\_c\`d\|e"),
            ("[x](http://evil.example)", r"\[x\](http\://evil\.example)"),
            ("www.evil.example", r"www\.evil\.example"),
            ("# title", r"\# title"),
            ("- item", r"\- item"),
            ("1. item", r"1\. item"),
            ("12) item", r"12\) item"),
            ("a - b (c) 1.", "a - b (c) 1."),
            ("13:58:03 at 0.5/s", "13:58:03 at 0.5/s"),
            ("192.0.2.100", "192.0.2.100"),
            ("1:100:2 and a:1", r"1\:100:2 and a\:1"),
            ("a\nb", r"a\\x0ab"),
            ("&lt;", r"\&lt;"),
        ] {
            assert_eq!(markdown(text), shown);
        }
        for (text, shown) in [
            ("a", "`a`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("", "`  `"),
            ("a\x1b[2J", r"`a\x1b[2J`"),
        ] {
            assert_eq!(markdown_code(text), shown);
        }
    }

    #[test]
    fn html_shows_what_was_written() {
        for (text, shown) in [
            ("/a?b=c", "/a?b=c"),
            ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
            ("\"x' onload=", "&quot;x&#39; onload="),
            ("a\u{202e}\x1b[2J\nb", r"a\u{202e}\x1b[2J\x0ab"),
        ] {
            assert_eq!(html(text), shown);
        }
        assert!(matches!(html("Straße"), Cow::Borrowed("Straße")));
    }

    #[test]
    fn cuts_respect_wide_characters() {
        assert_eq!(fit("東京都", 6), "東京都");
        assert_eq!(fit("東京都", 5), "東京…");
        assert_eq!(fit("東京都", 4), "東…");
        assert_eq!(fit("abc", 1), "…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit_start("/var/log/access.log", 11), "…access.log");
        assert_eq!(fit_start("東京都", 4), "…都");
        assert_eq!(fit_start("abc", 0), "");
    }

    #[test]
    fn every_character_that_passes_has_a_width() {
        let all: String = (char::MIN..=char::MAX).collect();
        let safe = terminal(&all);
        let without = safe.chars().find(|&character| char_width(character) == 0);
        assert_eq!(without, None);
        assert!(!UNSAFE.is_match(&safe));
    }

    proptest! {
        #[test]
        fn nothing_unsafe_passes_and_escaping_twice_is_escaping_once(text in any::<String>()) {
            let safe = terminal(&text);
            prop_assert!(!UNSAFE.is_match(&safe));
            prop_assert_eq!(terminal(&safe), safe.as_ref());
        }

        #[test]
        fn markdown_is_one_line_and_no_markup_is_bare(text in any::<String>()) {
            let safe = markdown(&text);
            prop_assert!(!UNSAFE.is_match(&safe));
            let mut before = None;
            for character in safe.chars() {
                if "<>[]`*_|&#".contains(character) {
                    prop_assert_eq!(before, Some('\\'));
                }
                before = if before == Some('\\') { None } else { Some(character) };
            }
        }

        #[test]
        fn html_means_its_text_and_nothing_else(text in any::<String>()) {
            let safe = html(&text);
            prop_assert!(!UNSAFE.is_match(&safe));
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
            let read = scraper::Html::parse_fragment(&format!("<p title=\"{safe}\">{safe}</p>"));
            let paragraph = scraper::ElementRef::wrap(
                read.root_element().first_child().expect("the paragraph"),
            );
            let paragraph = paragraph.expect("an element");
            let expected = terminal(&text);
            prop_assert_eq!(paragraph.text().collect::<String>(), expected.as_ref());
            prop_assert_eq!(paragraph.attr("title"), Some(expected.as_ref()));
        }

        #[test]
        fn json_in_html_means_the_same_and_ends_nothing(text in any::<String>()) {
            let whole = serde_json::to_string(&text).unwrap();
            let safe = json_in_html(&whole);
            prop_assert!(!UNSAFE.is_match(&safe));
            prop_assert!(!safe.contains(['<', '>', '&']));
            prop_assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }

        #[test]
        fn cut_text_fits(text in any::<String>(), columns in 0usize..40) {
            let safe = terminal(&text);
            prop_assert!(width(&fit(&safe, columns)) <= columns);
            prop_assert!(width(&fit_start(&safe, columns)) <= columns);
        }
    }
}

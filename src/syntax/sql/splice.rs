//! What is left of a text when the tricks are taken out that hide SQL from a reader of words.
//!
//! Comments within words (`sel/**/ect`), percent signs that ASP drops (`%s%e%l`), backslashes and stray
//! bytes that swallow a quote's escape (`\'`, `0xBF 0x27` of GBK), typographic quotes. Encodings are not
//! its business: they are undone before.

use std::borrow::Cow;

/// Longest comment that is taken out of a word, in bytes.
const MAX_COMMENT: usize = 64;

/// Fewer percent signs than this before letters are no trick.
const MIN_PERCENTS: usize = 4;

/// A text without the tricks, and where each of its bytes stood before.
pub(super) struct Spliced<'t> {
    pub(super) text: Cow<'t, [u8]>,
    /// Empty if nothing was taken out.
    origin: Vec<u32>,
}

impl<'t> Spliced<'t> {
    /// The text as it is.
    pub(super) fn untouched(text: &'t [u8]) -> Spliced<'t> {
        Spliced {
            text: Cow::Borrowed(text),
            origin: Vec::new(),
        }
    }

    /// The text without the tricks; `None` if there are none.
    pub(super) fn without_tricks(text: &[u8]) -> Option<Spliced<'static>> {
        let percents = drops_percents(text);
        let odd = |byte: &u8| matches!(byte, b'*' | b'\\' | 0x80..);
        if !percents && !text.iter().any(odd) {
            return None;
        }
        let mut kept = Vec::with_capacity(text.len());
        let mut origin = Vec::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let (byte, taken) = step(text, at, percents);
            if let Some(byte) = byte {
                kept.push(byte);
                origin.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
            at += taken;
        }
        (kept.len() < text.len()).then_some(Spliced {
            text: Cow::Owned(kept),
            origin,
        })
    }

    /// Where an offset of this text lies in the text that it was made of.
    pub(super) fn original(&self, at: usize, whole: usize) -> usize {
        if self.origin.is_empty() {
            return at;
        }
        self.origin.get(at).map_or(whole, |&at| at as usize)
    }
}

/// The byte that stays of what stands at `at`, and how many bytes that was.
fn step(text: &[u8], at: usize, percents: bool) -> (Option<u8>, usize) {
    let rest = &text[at..];
    let letter_before = at > 0 && text[at - 1].is_ascii_alphabetic();
    match rest[0] {
        b'/' if letter_before && rest.get(1) == Some(&b'*') => match word_comment(rest) {
            Some(length) => (None, length),
            None => (Some(b'/'), 1),
        },
        b'\\' if matches!(rest.get(1), Some(b'\'' | b'"')) => (None, 1),
        b'%' if percents && rest.get(1).is_some_and(u8::is_ascii_graphic) => (None, 1),
        // U+2018, U+2019, U+201C, U+201D
        0xe2 if rest.get(1) == Some(&0x80) => match rest.get(2) {
            Some(0x98 | 0x99) => (Some(b'\''), 3),
            Some(0x9c | 0x9d) => (Some(b'"'), 3),
            _ => (Some(rest[0]), 1),
        },
        0x80.. if lone(text, at) && matches!(rest.get(1), Some(b'\'' | b'"')) => (None, 1),
        byte => (Some(byte), 1),
    }
}

/// A byte beyond ASCII that no other stands beside: never UTF-8.
fn lone(text: &[u8], at: usize) -> bool {
    at == 0 || text[at - 1] < 0x80
}

/// The length of a closed comment that a letter follows.
fn word_comment(rest: &[u8]) -> Option<usize> {
    if matches!(rest.get(2), Some(b'!' | b'+')) {
        return None;
    }
    let body = &rest[2..rest.len().min(2 + MAX_COMMENT)];
    let length = 2 + memchr::memmem::find(body, b"*/")? + 2;
    rest.get(length)
        .is_some_and(u8::is_ascii_alphabetic)
        .then_some(length)
}

/// Whether most letters have a percent sign before them.
fn drops_percents(text: &[u8]) -> bool {
    let letters = text.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let marked = memchr::memchr_iter(b'%', text)
        .filter(|&at| text.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
        .count();
    marked >= MIN_PERCENTS && marked * 2 > letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_are_taken_out_and_offsets_kept() {
        for (text, plain) in [
            ("1 un/**/ion sel/*x*/ect 2", "1 union select 2"),
            ("%u%n%i%o%n 1", "union 1"),
            ("a\\' or \\'b", "a' or 'b"),
            ("\u{2019} or \u{2018}1", "' or '1"),
        ] {
            let spliced = Spliced::without_tricks(text.as_bytes()).expect(text);
            assert_eq!(spliced.text.as_ref(), plain.as_bytes(), "{text}");
            assert_eq!(spliced.original(plain.len(), text.len()), text.len());
        }
        assert!(Spliced::without_tricks(b"a\xbf' or 1").is_some());
        for text in [
            "a /* b */ c",
            "100% wool %d",
            "caf\u{e9}'s",
            "x*y",
            "/*!50000union*/",
        ] {
            assert!(Spliced::without_tricks(text.as_bytes()).is_none(), "{text}");
        }
    }
}

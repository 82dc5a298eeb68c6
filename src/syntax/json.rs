//! JSON as a value of a parameter: its strings one by one, for each is a value of its own.
//!
//! Linear, and nothing is built. Not for judging what the strings mean.

use serde::de::IgnoredAny;

/// At most this many strings of one text are handed on.
const MAX_STRINGS: usize = 128;

/// Whether a text is a valid object or array (RFC 8259): then its strings are what programs look at, and the
/// signs between them are no operators. A text that an attack broke is none.
pub fn is_document(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let framed = matches!(
        (text.first(), text.last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    );
    framed && text.contains(&b'"') && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Hands every string to `each`, with the key that it stands under (empty in a bare array); a key stands
/// under itself. Escapes are undone.
pub fn strings(text: &[u8], mut each: impl FnMut(&[u8], &[u8])) {
    let mut key = Vec::new();
    let mut value = Vec::new();
    let mut rest = text;
    for _ in 0..2 * MAX_STRINGS {
        let Some(open) = memchr::memchr(b'"', rest) else {
            return;
        };
        let Some(length) = string(&rest[open + 1..], &mut value) else {
            return;
        };
        rest = &rest[open + 1 + length..];
        if rest.trim_ascii_start().first() == Some(&b':') {
            std::mem::swap(&mut key, &mut value);
            each(&key, &key);
        } else {
            each(&key, &value);
        }
    }
}

/// Reads a string behind its first quote; gives how many bytes it and its last quote take.
fn string(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    out.clear();
    let mut at = 0;
    loop {
        let next = at + memchr::memchr2(b'"', b'\\', &text[at..])?;
        out.extend_from_slice(&text[at..next]);
        if text[next] == b'"' {
            return Some(next + 1);
        }
        // `\uHHHH` was undone with the other encodings
        out.push(match text.get(next + 1)? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' | b'f' => b' ',
            plain => *plain,
        });
        at = next + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        strings(text.as_bytes(), |key, value| {
            all.push((text_of(key), text_of(value)));
        });
        all
    }

    #[test]
    fn strings_stand_under_their_keys() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let text = r#"{"a":"x\"y\/z","b":{"c": ["1","2"]},"n":7,"d":"e"}"#;
        let mut values = found(text);
        values.retain(|(key, value)| key != value);
        let expected = [
            pair("a", "x\"y/z"),
            pair("c", "1"),
            pair("c", "2"),
            pair("d", "e"),
        ];
        assert_eq!(values, expected);
        assert_eq!(found(text).len(), 9);
        assert!(is_document(text.as_bytes()));
        assert_eq!(found(r#"["a","open"#), [pair("", "a")]);
        for text in [
            "{x}",
            "[1,2]",
            "say \"hello\"",
            "{\"a\"",
            "{\"a\":\"b\"x\"}",
            "",
        ] {
            assert!(!is_document(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn strings_are_bounded(text in "[\\[\\]{}:,\"\\\\ a-c]{0,200}") {
            let mut total = 0;
            let mut count = 0;
            strings(text.as_bytes(), |_, value| {
                total += value.len();
                count += 1;
            });
            prop_assert!(total <= text.len() && count <= 2 * MAX_STRINGS);
        }
    }
}

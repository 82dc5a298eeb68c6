//! Text that is wrapped as a whole rather than escaped byte by byte: base64, data URLs, UTF-7.
//!
//! Strict on purpose: ordinary identifiers look like base64, and ordinary sums look like UTF-7, so that
//! only what unwraps to readable text counts. Output is never longer than the input.

/// Shortest base64 text worth trying, in characters: fewer than nine bytes hold no attack, and many
/// words look like base64.
const MIN_BASE64: usize = 12;

/// What a data URL writes before its base64 (RFC 2397).
const DATA_MARK: &[u8] = b";base64,";

/// Longest run of modified base64 in UTF-7 that is read, in characters: encoders shift back as soon as
/// ASCII follows.
const MAX_SHIFTED: usize = 64;

/// Decodes a whole parameter that is strict base64 (RFC 4648, standard or URL alphabet, with or without
/// padding) of printable ASCII, also as UTF-16LE as PowerShell's `-EncodedCommand` wants it. Returns
/// false, leaving `out` in any state, for anything else.
pub fn base64_text(input: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let padding = input.iter().rev().take_while(|&&b| b == b'=');
    let body = input.len() - padding.take(2).count();
    let padded = body < input.len();
    if body < MIN_BASE64 || body % 4 == 1 || (padded && !input.len().is_multiple_of(4)) {
        return false;
    }
    let mut wide = None;
    let mut bits: u32 = 0;
    let mut have = 0;
    let mut count = 0;
    for &byte in &input[..body] {
        let Some(value) = base64_value(byte) else {
            return false;
        };
        bits = bits << 6 | u32::from(value);
        have += 6;
        if have < 8 {
            continue;
        }
        have -= 8;
        let decoded = (bits >> have) as u8;
        count += 1;
        // the second byte tells: no text has a NUL there unless every character is two bytes
        if count == 2 {
            wide = Some(decoded == 0);
        }
        if wide == Some(true) && count % 2 == 0 {
            if decoded != 0 {
                return false;
            }
        } else if is_printable(decoded) {
            out.push(decoded);
        } else {
            return false;
        }
    }
    bits & ((1 << have) - 1) == 0
}

/// A visible ASCII character or a blank.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The six bits of a base64 character; a blank stands for a `+` that form decoding took.
fn base64_value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' | b' ' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// The text of the first data URL within `input` that holds base64 of readable text. Returns false,
/// leaving `out` in any state, when there is none.
pub fn data_url_text(input: &[u8], out: &mut Vec<u8>) -> bool {
    // to prepare the search below costs more than to look for its first byte
    let Some(first) = memchr::memchr(DATA_MARK[0], input) else {
        return false;
    };
    let input = &input[first..];
    memchr::memmem::find_iter(input, DATA_MARK).any(|at| {
        let rest = &input[at + DATA_MARK.len()..];
        let end = rest
            .iter()
            .position(|&b| base64_value(b).is_none() && b != b'=')
            .unwrap_or(rest.len());
        base64_text(rest[..end].trim_ascii_end(), out)
    })
}

/// Decodes UTF-7 (RFC 2152) of ASCII: `+ADw-script+AD4-`. A blank stands for a `+` that form decoding took.
/// Returns false, leaving `out` in any state, unless some run stands for a character that markup or
/// literals are made of: that is why anybody writes UTF-7.
pub fn utf7_text(input: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    // every run begins so, and blanks are more common than capitals
    let shifts = |at: usize| at > 0 && matches!(input[at - 1], b'+' | b' ');
    if !memchr::memchr_iter(b'A', input).any(shifts) {
        return false;
    }
    let mut telling = false;
    let mut at = 0;
    while at < input.len() {
        let shift = matches!(input[at], b'+' | b' ');
        match shift.then(|| shifted(&input[at + 1..], out)).flatten() {
            Some((taken, odd)) => {
                telling |= odd;
                at += 1 + taken;
            }
            None => {
                out.push(input[at]);
                at += 1;
            }
        }
    }
    telling
}

/// One run of modified base64 that is UTF-16BE of ASCII: pushes the characters, and gives how many bytes
/// of `rest` it took and whether one of the characters is markup's or a literal's.
fn shifted(rest: &[u8], out: &mut Vec<u8>) -> Option<(usize, bool)> {
    let is_base64 = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'/' | b'+');
    // every ASCII character begins with a zero byte, hence with an A
    if rest.first() != Some(&b'A') {
        return None;
    }
    let length = rest.iter().take(MAX_SHIFTED).take_while(is_base64).count();
    let before = out.len();
    let mut odd = false;
    let (mut bits, mut have) = (0u32, 0);
    for &byte in &rest[..length] {
        bits = (bits << 6 | u32::from(base64_value(byte)?)) & 0x3f_ffff;
        have += 6;
        if have >= 16 {
            have -= 16;
            let unit = (bits >> have) & 0xffff;
            let ascii = u8::try_from(unit).ok().filter(|b| is_printable(*b));
            let Some(ascii) = ascii else {
                out.truncate(before);
                return None;
            };
            odd |= matches!(ascii, b'<' | b'>' | b'"' | b'\'' | b'(' | b')' | b'=');
            out.push(ascii);
        }
    }
    let exact = out.len() > before && bits & ((1 << have) - 1) == 0;
    if !exact {
        out.truncate(before);
        return None;
    }
    Some((length + usize::from(rest.get(length) == Some(&b'-')), odd))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unwrapped(unwrap: fn(&[u8], &mut Vec<u8>) -> bool, text: &str) -> Option<String> {
        let mut out = Vec::new();
        unwrap(text.as_bytes(), &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn base64_must_be_strict_and_printable() {
        for (text, plain) in [
            (
                "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
                "<script>alert(1)</script>",
            ),
            (
                "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg",
                "<script>alert(1)</script>",
            ),
            ("dwBoAG8AYQBtAGkA", "whoami"),
            ("Pz8_Pj4-Pz8_", "???>>>???"),
        ] {
            assert_eq!(
                unwrapped(base64_text, text).as_deref(),
                Some(plain),
                "{text}"
            );
        }
        for text in [
            "dGVzdA==",
            "d41d8cd98f00b204e9800998ecf8427e",
            "PHNjcmlwdD5hbGVydCgxKTw!",
            "PHNjcmlwdD5hbGVydCgxKTx=",
        ] {
            assert_eq!(unwrapped(base64_text, text), None, "{text}");
        }
    }

    #[test]
    fn data_urls_hold_text_or_nothing() {
        let found = unwrapped(
            data_url_text,
            "data:text/plain;base64,PD9waHAgc3lzdGVtKCdpZCcpOz8+",
        );
        assert_eq!(found.as_deref(), Some("<?php system('id');?>"));
        let image = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==";
        assert_eq!(unwrapped(data_url_text, image), None);
    }

    #[test]
    fn utf7_is_read_only_where_it_hides_structure() {
        for (text, plain) in [
            ("+ADw-script+AD4-x", "<script>x"),
            (" ADw-b AD4-", "<b>"),
            ("a+ACIAPgA8-b", "a\"><b"),
        ] {
            assert_eq!(unwrapped(utf7_text, text).as_deref(), Some(plain), "{text}");
        }
        for text in [
            "1+1",
            "C++ And More",
            "garden +AGE-",
            "+AD-",
            "foo AAAA bar",
        ] {
            assert_eq!(unwrapped(utf7_text, text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn unwrapping_never_grows(text in "[+ A-Za-z0-9/=_-]{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut out = Vec::new();
            for input in [text.as_bytes(), &bytes] {
                for unwrap in [base64_text, data_url_text, utf7_text] {
                    unwrap(input, &mut out);
                    prop_assert!(out.len() <= input.len());
                }
            }
        }
    }
}

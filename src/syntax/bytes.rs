//! Classes of bytes that the gate and the grammars share.
//!
//! Not for what a byte means in any language.

/// A byte that ordinary requests lack, once decoded.
pub const ODD: u8 = 1;
/// A byte that may decode to something else.
pub const CODED: u8 = 2;

/// The kind of every byte: letters, digits and the punctuation of ordinary URLs are 0.
pub const KINDS: [u8; 256] = {
    let mut table = [ODD; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() {
            table[byte] = 0;
        } else if b >= 0x80 && !matches!(b, 0xc0 | 0xc1 | 0xf8..=0xff) {
            // what UTF-8 never has (RFC 3629) stays odd
            table[byte] = CODED;
        }
        byte += 1;
    }
    let plain = b"-_.~/,:@!=&? ";
    let mut at = 0;
    while at < plain.len() {
        table[plain[at] as usize] = 0;
        at += 1;
    }
    table[b'%' as usize] = CODED;
    table[b'+' as usize] = CODED;
    table
};

/// Whether ordinary requests lack the byte.
pub fn is_odd(byte: u8) -> bool {
    KINDS[usize::from(byte)] == ODD
}

/// Whether bytes are text of some encoding that ASCII is part of: fewer than one in 16 is a control character (but the tab).
/// Colours of a terminal have one in twenty, random bytes one in eight, UTF-16 one in two. Bytes above 0x7f say nothing, because
/// most letters of some languages are such.
pub fn is_text(bytes: &[u8]) -> bool {
    const CONTROLS: usize = 16;
    let controls = bytes
        .iter()
        .filter(|byte| byte.is_ascii_control() && **byte != b'\t');
    // A line of few bytes may have one.
    controls.count() <= 1 + bytes.len() / CONTROLS
}

/// Whether a decoded text has an odd byte, an operator, or one of `words`: what every grammar
/// demands before it reads, so that the gate can know.
pub fn worth_reading(text: &[u8], words: &[&str]) -> bool {
    text.iter()
        .any(|&b| is_odd(b) || matches!(b, b'%' | b'+' | b'=' | b'&'))
        || words
            .iter()
            .any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
}

/// Which signs a text has: a bit for each sign of ASCII's, one for each way to break a line or to indent, one for
/// other control bytes, one for what is beyond ASCII.
pub type Signs = u64;

/// Letters, digits and blanks, of which nothing follows: most texts have them.
pub const NO_SIGN: Signs = 1 << 63;

/// The sign of every byte.
const SIGNS: [Signs; 256] = {
    let mut signs = [NO_SIGN; 256];
    let own = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\n\r\t";
    let (control, beyond) = (1 << own.len(), 2 << own.len());
    let mut byte = 0;
    while byte < 256 {
        if byte < 0x20 || byte == 0x7f {
            signs[byte] = control;
        } else if byte >= 0x80 {
            signs[byte] = beyond;
        }
        byte += 1;
    }
    let mut at = 0;
    while at < own.len() {
        signs[own[at] as usize] = 1 << at;
        at += 1;
    }
    signs
};

/// The sign of a byte.
pub fn sign(byte: u8) -> Signs {
    SIGNS[usize::from(byte)]
}

/// The signs of a text.
pub fn signs(text: &[u8]) -> Signs {
    text.iter()
        .fold(0, |signs, byte| signs | SIGNS[usize::from(*byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_other_encodings_are_text_and_random_bytes_are_none() {
        assert!(is_text(b""));
        assert!(is_text(b"\x1b[31merror\x1b[0m GET /?id=1' or '1'='1"));
        assert!(is_text(b"\t\t\tat line 7"));
        assert!(is_text(&[
            0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2, b'\'', b'-', b'-'
        ])); // windows-1251
        let random: Vec<u8> = (0..=255).collect();
        assert!(!is_text(&random));
        assert!(!is_text(b"G\0E\0T\0 \0/\0"));
    }
}

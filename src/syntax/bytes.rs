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

/// Whether a decoded text has an odd byte, an operator, or one of `words`: what every grammar
/// demands before it reads, so that the gate can know.
pub fn worth_reading(text: &[u8], words: &[&str]) -> bool {
    text.iter()
        .any(|&b| is_odd(b) || matches!(b, b'%' | b'+' | b'=' | b'&'))
        || words
            .iter()
            .any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
}

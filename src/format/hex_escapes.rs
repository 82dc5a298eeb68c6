//! Bytes that are written as two hexadecimal digits behind a mark: `%22` of URLs, `#22` of HAProxy.

use crate::format::spec::Desk;

/// How HAProxy writes what may not stand in a log: quotes, `#` and unprintable bytes (configuration manual, 8.6).
pub const HAPROXY: u8 = b'#';

/// Percent-encoding (RFC 3986, 2.1).
pub const PERCENT: u8 = b'%';

/// Takes the escapes with this mark back, one layer of them, for the bytes that `which` accepts. What is no such escape
/// stays.
pub fn decode<'a>(text: &'a [u8], mark: u8, which: fn(u8) -> bool, desk: &Desk<'a>) -> &'a [u8] {
    let Some(first) = memchr::memchr(mark, text) else {
        return text;
    };
    let hex = |byte: &u8| char::from(*byte).to_digit(16);
    let mut plain = desk.writer();
    plain.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let code = match after {
            [high, low, ..] if *byte == mark => hex(high).zip(hex(low)),
            _ => None,
        };
        match code.map(|(high, low)| (high * 16 + low) as u8) {
            Some(code) if which(code) => {
                plain.push(code);
                rest = &after[2..];
            }
            _ => plain.push(*byte),
        }
    }
    plain.into_bump_slice()
}

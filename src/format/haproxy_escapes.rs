//! How HAProxy writes what may not stand in a log: quotes, `#` and unprintable bytes as `#22` (configuration manual, 8.6).

use crate::format::spec::Desk;

/// Takes `#22` back; what is no such escape stays.
pub fn decoded<'a>(text: &'a [u8], desk: &Desk<'a>) -> &'a [u8] {
    let Some(first) = memchr::memchr(b'#', text) else {
        return text;
    };
    let hex = |byte: &u8| char::from(*byte).to_digit(16);
    let mut plain = desk.writer();
    plain.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let code = match after {
            [high, low, ..] if *byte == b'#' => hex(high).zip(hex(low)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                plain.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            None => plain.push(*byte),
        }
    }
    plain.into_bump_slice()
}

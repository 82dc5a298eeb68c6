//! What `journalctl -o json` writes: one JSON object a line.
//!
//! `__REALTIME_TIMESTAMP` counts microseconds; every value is a string, an array of bytes where it is no text, an
//! array of these where a field occurs more than once, or null where it is too large (systemd's journal export
//! formats and journalctl(1)).

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::event::Unparsed;
use crate::format::envelope::{Peeled, SEVERITIES, When};
use crate::format::spec::Desk;
use crate::time::{Time, UtcOffset};

/// The fields that matter.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, rename = "__REALTIME_TIMESTAMP")]
    time: Text<'a>,
    #[serde(borrow, rename = "MESSAGE", default)]
    message: Text<'a>,
    #[serde(borrow, rename = "SYSLOG_IDENTIFIER", default)]
    identifier: Text<'a>,
    #[serde(borrow, rename = "_COMM", default)]
    command: Text<'a>,
    #[serde(borrow, rename = "PRIORITY", default)]
    priority: Text<'a>,
    #[serde(borrow, rename = "_HOSTNAME", default)]
    host: Text<'a>,
}

/// The value of a field.
#[derive(Default)]
enum Text<'a> {
    /// Null, or missing.
    #[default]
    Nothing,
    Borrowed(&'a str),
    Owned(Vec<u8>),
}

impl<'a> Text<'a> {
    fn on(self, desk: &Desk<'a>) -> &'a [u8] {
        match self {
            Text::Nothing => b"",
            Text::Borrowed(text) => text.as_bytes(),
            Text::Owned(bytes) => desk.keep(&bytes),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string, null, or an array of bytes or strings")
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text::Nothing)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text::Owned(text.as_bytes().to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(item) = items.next_element::<Item<'de>>()? {
            match item {
                Item::Byte(byte) => bytes.push(byte),
                // The first of several values; the others are read past.
                Item::Value(value) => {
                    while items.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(value);
                }
            }
        }
        Ok(Text::Owned(bytes))
    }
}

/// What stands in an array.
enum Item<'a> {
    Byte(u8),
    Value(Text<'a>),
}

impl<'de> Deserialize<'de> for Item<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item<'de>, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a byte or a string")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Item<'de>, E> {
        u8::try_from(number).map(Item::Byte).map_err(E::custom)
    }

    fn visit_unit<E>(self) -> Result<Item<'de>, E> {
        Ok(Item::Value(Text::Nothing))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Item<'de>, E> {
        Ok(Item::Value(Text::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Item<'de>, E> {
        Ok(Item::Value(Text::Owned(text.as_bytes().to_vec())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Item<'de>, A::Error> {
        // One of several values that is no text; deeper than this nothing may be.
        bytes_of(items).map(|bytes| Item::Value(Text::Owned(bytes)))
    }
}

fn bytes_of<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Vec<u8>, A::Error> {
    let mut bytes = Vec::new();
    while let Some(byte) = items.next_element::<u8>()? {
        bytes.push(byte);
    }
    Ok(bytes)
}

/// Takes a line apart.
pub fn peel<'a>(line: &'a [u8], desk: &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed> {
    if !line.starts_with(b"{") {
        return Err(Unparsed::NotThisFormat);
    }
    let entry: Entry<'a> = serde_json::from_slice(line).map_err(|error| match error.is_eof() {
        true => Unparsed::Truncated,
        false => Unparsed::NotThisFormat,
    })?;
    let time = std::str::from_utf8(entry.time.on(desk)).ok();
    let time = time.and_then(|text| text.parse().ok());
    let time = Time::from_micros(time.ok_or(Unparsed::BadTime)?);
    let level = match entry.priority.on(desk) {
        [digit @ b'0'..=b'7'] => SEVERITIES[usize::from(digit - b'0')],
        _ => b"",
    };
    let program = match entry.identifier.on(desk) {
        b"" => entry.command.on(desk),
        identifier => identifier,
    };
    Ok(Peeled {
        when: When::At(time, Some(UtcOffset::UTC)),
        host: entry.host.on(desk),
        program,
        level,
        message: entry.message.on(desk),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::Arena;
    use proptest::prelude::*;

    const LINE: &str = r#"{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1779199331520000","_HOSTNAME":"web1","PRIORITY":"3","SYSLOG_IDENTIFIER":"php-fpm8.2","_COMM":"php-fpm","MESSAGE":"a \"b\"\nc","X":{"deep":[1]}}"#;

    #[test]
    fn strings_bytes_null_and_several_values() {
        for (message, expected) in [
            (r#""plain""#, &b"plain"[..]),
            (r#""a \"b\"\u00fc""#, "a \"b\"\u{fc}".as_bytes()),
            ("[97,255,98]", b"a\xffb"),
            ("null", b""),
            (r#"["one","two"]"#, b"one"),
            (r#"[[97,255],"two"]"#, b"a\xff"),
            ("[]", b""),
        ] {
            let line = LINE.replace(r#""a \"b\"\nc""#, message);
            let arena = Arena::new();
            let peeled = peel(line.as_bytes(), &mut Desk::new(&arena)).expect(&line);
            assert_eq!(peeled.message, expected, "{line}");
            assert_eq!(peeled.program, b"php-fpm8.2");
            assert_eq!((peeled.host, peeled.level), (&b"web1"[..], &b"err"[..]));
            let When::At(time, zone) = peeled.when else {
                panic!("a time");
            };
            assert_eq!(time.to_rfc3339(), "2026-05-19T14:02:11.520000Z");
            assert_eq!(zone, Some(UtcOffset::UTC));
        }
    }

    #[test]
    fn other_json_is_not_the_journal() {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        assert_eq!(
            peel(br#"{"ts":1.5,"MESSAGE":"x"}"#, &mut desk).unwrap_err(),
            Unparsed::NotThisFormat
        );
        assert_eq!(
            peel(&LINE.as_bytes()[..60], &mut desk).unwrap_err(),
            Unparsed::Truncated
        );
        let deep = format!(
            r#"{{"__REALTIME_TIMESTAMP":"1","MESSAGE":{}"#,
            "[".repeat(100_000)
        );
        assert!(peel(deep.as_bytes(), &mut desk).is_err());
    }

    proptest! {
        #[test]
        fn never_panics_wherever_a_line_is_cut(
            cut in 0usize..240,
            tail in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut line = LINE.as_bytes()[..cut.min(LINE.len())].to_vec();
            line.extend(tail);
            let arena = Arena::new();
            let _ = peel(&line, &mut Desk::new(&arena));
        }
    }
}

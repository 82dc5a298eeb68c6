//! A scanner over one line that holds a JSON object: values one after the other, each with the keys that lead to it.
//!
//! Made for logs rather than for documents. Servers write JSON from templates, so that it is often none: nginx writes
//! `\x22` inside strings (`escape=default`), nothing at all for a number it does not have (`"t":,`), quotes as they came
//! (`escape=none`), and bytes that are no UTF-8. What can be read of such a line is read. Nothing is allocated, nothing
//! recurses, and no byte is looked at more than a few times, whatever the line.
//!
//! It checks nothing: not for deciding whether a text is JSON.

use crate::bytes::Bytes;
use crate::chunk::MAX_LINE;
use crate::event::Unparsed;
use crate::format::spec::Desk;

/// Containers may stand within each other this deep. What is deeper is handed out as one value, unread.
pub const MAX_DEPTH: usize = 16;

/// A value, and how it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// As written, without the quotes of a string.
    pub raw: &'a [u8],
    /// How it was written.
    pub kind: Kind,
}

/// How a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string without a backslash.
    Plain,
    /// A string with one.
    Escaped,
    /// A number, `true`, `null`, or what stands there without quotes.
    Bare,
    /// An object or an array deeper than [`MAX_DEPTH`].
    Deep,
}

impl<'a> Value<'a> {
    /// The value as text, escapes undone; empty for `null`.
    #[inline]
    pub fn text(self, desk: &Desk<'a>) -> &'a [u8] {
        match self.kind {
            Kind::Escaped => decode(self.raw, desk),
            Kind::Bare if self.raw == b"null" => b"",
            _ => self.raw,
        }
    }
}

/// The keys that lead to a value, outermost first, as written. Arrays add none: all elements of an array have its path.
#[derive(Debug, Clone, Copy)]
pub struct Path<'s, 'a> {
    /// The keys.
    pub keys: &'s [&'a [u8]],
}

impl Path<'_, '_> {
    /// Whether this is the path that `name` writes with dots: `request.uri`. A key with a dot in it (`"request.uri"`)
    /// is the same path.
    #[inline]
    pub fn is(&self, name: &[u8]) -> bool {
        if let [key] = self.keys {
            return *key == name;
        }
        let mut rest = name;
        for (index, key) in self.keys.iter().enumerate() {
            if index > 0 {
                match rest.split_first() {
                    Some((b'.', behind)) => rest = behind,
                    _ => return false,
                }
            }
            match rest.strip_prefix(*key) {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
        rest.is_empty()
    }

    /// Whether the path lies below the one that `name` writes with dots.
    pub fn below(&self, name: &[u8]) -> bool {
        let mut bytes = self.keys.iter().enumerate().flat_map(|(index, key)| {
            let dot: &[u8] = if index > 0 { b"." } else { b"" };
            dot.iter().chain(*key)
        });
        name.iter().all(|byte| bytes.next() == Some(byte)) && bytes.next() == Some(&b'.')
    }

    /// The path written with dots.
    pub fn dotted(&self) -> Vec<u8> {
        self.keys.join(&b'.')
    }
}

/// Hands out the values of one object. See the file's head.
pub struct Scanner<'a> {
    line: &'a [u8],
    at: usize,
    /// The keys on the way to here.
    keys: [&'a [u8]; MAX_DEPTH],
    /// How many of them count.
    path: usize,
    /// For each open container, how many keys led to it.
    bases: [u8; MAX_DEPTH],
    /// Open containers.
    depth: usize,
    /// Which of them are arrays, one bit each.
    arrays: u32,
}

impl<'a> Scanner<'a> {
    /// At the beginning of a line. A byte order mark, and `[` or `,` of an array of records over many lines, may come
    /// before the object.
    ///
    /// # Errors
    /// [`Unparsed::NotThisFormat`] if no object begins there.
    #[inline]
    pub fn new(line: &'a [u8]) -> Result<Scanner<'a>, Unparsed> {
        let rest = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let lead = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'[' | b',');
        let open = rest.iter().position(lead).map(|open| &rest[open..]);
        match open.and_then(|object| object.split_first()) {
            Some((b'{', inner)) => Ok(Scanner {
                line: inner,
                at: 0,
                keys: [b""; MAX_DEPTH],
                path: 0,
                bases: [0; MAX_DEPTH],
                depth: 1,
                arrays: 0,
            }),
            _ => Err(Unparsed::NotThisFormat),
        }
    }

    /// The keys of the value handed out last.
    #[inline]
    pub fn path(&self) -> Path<'_, 'a> {
        Path {
            keys: &self.keys[..self.path],
        }
    }

    /// The next value that is neither an object nor an array; `None` at the end. A key without a value is passed over;
    /// a key that comes twice is handed out twice.
    ///
    /// # Errors
    /// [`Unparsed::Truncated`] where the line ends within the object; [`Unparsed::NotThisFormat`] if something else
    /// than the record stands on the line.
    #[inline]
    pub fn next_value(&mut self) -> Result<Option<Value<'a>>, Unparsed> {
        while self.depth > 0 {
            match self.peek_item()? {
                b'}' | b']' => {
                    self.at += 1;
                    self.depth -= 1;
                    continue;
                }
                _ if self.in_array() => self.path = self.base(),
                b'"' if self.key()? => {}
                _ => {
                    self.skip_stray();
                    continue;
                }
            }
            if let Some(value) = self.value()? {
                return Ok(Some(value));
            }
        }
        let rest = &self.line[self.at..];
        let trail = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b',' | b']');
        match rest.iter().all(trail) {
            true => Ok(None),
            false => Err(Unparsed::NotThisFormat),
        }
    }

    /// Whether the value handed out last is an element of an array.
    #[inline]
    pub fn in_array(&self) -> bool {
        self.arrays & (1 << (self.depth - 1)) != 0
    }

    #[inline]
    fn base(&self) -> usize {
        usize::from(self.bases[self.depth - 1])
    }

    /// Goes to the next byte that is neither blank nor a comma.
    #[inline]
    fn peek_item(&mut self) -> Result<u8, Unparsed> {
        loop {
            match self.line.get(self.at) {
                Some(b',' | b' ' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Unparsed::Truncated),
            }
        }
    }

    /// Goes to the next byte that is not blank.
    #[inline]
    fn peek(&mut self) -> Result<u8, Unparsed> {
        self.at = after_blanks(self.line, self.at);
        self.line.get(self.at).copied().ok_or(Unparsed::Truncated)
    }

    /// Reads a key and its colon. False for a string that is none, which is then behind us.
    #[inline]
    fn key(&mut self) -> Result<bool, Unparsed> {
        let start = self.at + 1;
        let (end, _) = string_end(self.line, start).ok_or(Unparsed::Truncated)?;
        self.at = end + 1;
        if self.peek()? != b':' {
            return Ok(false);
        }
        self.at += 1;
        let base = self.base();
        self.keys[base] = &self.line[start..end];
        self.path = base + 1;
        Ok(true)
    }

    /// Passes over what stands where a key should: the rest of a list without quotes, half a string.
    fn skip_stray(&mut self) {
        let stray = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'"');
        let from = &self.line[self.at..];
        // a string that was no key was passed over already
        self.at += from.iter().position(stray).unwrap_or(from.len());
    }

    /// Reads a value, or enters a container (`None`).
    #[inline]
    fn value(&mut self) -> Result<Option<Value<'a>>, Unparsed> {
        match self.peek()? {
            b'"' => {
                let start = self.at + 1;
                let (end, kind) = text_end(self.line, start).ok_or(Unparsed::Truncated)?;
                self.at = end + 1;
                let raw = &self.line[start..end];
                Ok(Some(Value { raw, kind }))
            }
            b'{' | b'[' if self.depth == MAX_DEPTH => self.deep().map(Some),
            open @ (b'{' | b'[') => {
                self.at += 1;
                self.bases[self.depth] = self.path as u8;
                self.arrays &= !(1 << self.depth);
                self.arrays |= u32::from(open == b'[') << self.depth;
                self.depth += 1;
                Ok(None)
            }
            b',' | b'}' | b']' => Ok(None),
            _ => Ok(Some(self.bare())),
        }
    }

    #[inline]
    fn bare(&mut self) -> Value<'a> {
        let from = &self.line[self.at..];
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r');
        let length = from.iter().position(ends).unwrap_or(from.len());
        self.at += length;
        Value {
            raw: &from[..length],
            kind: Kind::Bare,
        }
    }

    /// Passes over a container without entering it.
    fn deep(&mut self) -> Result<Value<'a>, Unparsed> {
        let start = self.at;
        let mut open = 0usize;
        while let Some(byte) = self.line.get(self.at) {
            self.at += 1;
            match byte {
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                b'"' => {
                    let (end, _) = string_end(self.line, self.at).ok_or(Unparsed::Truncated)?;
                    self.at = end + 1;
                }
                _ => {}
            }
            if open == 0 {
                let raw = &self.line[start..self.at];
                let kind = Kind::Deep;
                return Ok(Value { raw, kind });
            }
        }
        Err(Unparsed::Truncated)
    }
}

#[inline]
fn after_blanks(line: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r') = line.get(at) {
        at += 1;
    }
    at
}

/// Where a string ends whose first byte is at `at`: at the next quote that no backslash precedes.
#[inline]
fn string_end(line: &[u8], mut at: usize) -> Option<(usize, Kind)> {
    let mut kind = Kind::Plain;
    loop {
        at += memchr::memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some((at, kind));
        }
        kind = Kind::Escaped;
        at += 2;
    }
}

/// Where a string ends that is a value: at the first quote with a comma, a bracket or the line's end behind it. In JSON
/// every quote is such a one; where quotes were not escaped, the others belong to the value.
#[inline]
fn text_end(line: &[u8], mut at: usize) -> Option<(usize, Kind)> {
    let mut kind = Kind::Plain;
    loop {
        let (end, found) = string_end(line, at)?;
        if found == Kind::Escaped {
            kind = found;
        }
        let behind = line.get(after_blanks(line, end + 1));
        if matches!(behind, None | Some(b',' | b'}' | b']')) {
            return Some((end, kind));
        }
        at = end + 1;
    }
}

/// Undoes the escapes of a string (RFC 8259, 7). What is none is left as it is, nginx's `\xHH` among it: that is undone
/// with the other escapes of logs. Half a surrogate pair becomes U+FFFD.
pub fn decode<'a>(raw: &'a [u8], desk: &Desk<'a>) -> &'a [u8] {
    let mut out = desk.writer();
    out.reserve(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.get(1) {
            Some(b'u') => match code_point(rest) {
                Some((code, taken)) => {
                    let mut utf8 = [0; 4];
                    out.extend_from_slice(code.encode_utf8(&mut utf8).as_bytes());
                    taken
                }
                None => unescaped(&mut out),
            },
            Some(byte) => match single(*byte) {
                Some(meant) => {
                    out.push(meant);
                    2
                }
                None => unescaped(&mut out),
            },
            None => unescaped(&mut out),
        };
        rest = &rest[taken..];
    }
    out.extend_from_slice(rest);
    out.into_bump_slice()
}

/// Keeps a backslash that escapes nothing.
fn unescaped(out: &mut bumpalo::collections::Vec<'_, u8>) -> usize {
    out.push(b'\\');
    1
}

fn single(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'f' => 0x0c,
        _ => return None,
    })
}

/// `\uHHHH` at the start of `text`, or two of them that are a surrogate pair; and how many bytes that takes.
fn code_point(text: &[u8]) -> Option<(char, usize)> {
    /// `\uHHHH`.
    const LENGTH: usize = 6;
    let high = code_unit(text)?;
    if let Some(code) = char::from_u32(high) {
        return Some((code, LENGTH));
    }
    let low = code_unit(&text[LENGTH..]).filter(|low| (0xdc00..0xe000).contains(low));
    if let (0xd800..0xdc00, Some(low)) = (high, low) {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return Some((char::from_u32(code)?, 2 * LENGTH));
    }
    Some((char::REPLACEMENT_CHARACTER, LENGTH))
}

fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digit = |value: u32, byte: &u8| Some(value << 4 | char::from(*byte).to_digit(16)?);
    digits.iter().try_fold(0, digit)
}

/// Lines looked at where an input begins, when its keys are learned.
const HEAD_LINES: usize = 200;
/// Places looked at after that, spread evenly: keys may come late.
const PLACES: usize = 8;
/// Lines looked at in each of them.
const PLACE_LINES: usize = 16;
/// Bytes of an input that one place may take.
const WINDOW: usize = 2 * MAX_LINE;

/// Some lines of an input that look like records, from its beginning and from all over it, in order. Depends on the
/// bytes alone.
pub fn sample<'a>(bytes: impl Into<Bytes<'a>>) -> Vec<&'a [u8]> {
    let bytes = bytes.into();
    let mut lines = Vec::new();
    let mut covered = 0;
    for place in 0..=PLACES {
        let at = (bytes.len() / (PLACES + 1) * place).max(covered);
        let window = bytes.lines(at..at.saturating_add(WINDOW));
        let (skipped, most) = match place {
            0 => (0, HEAD_LINES),
            // the rest of the line that the place falls into
            _ => (1, PLACE_LINES),
        };
        for (start, line) in window.skip(skipped).take(most) {
            covered = start + line.len();
            if line.len() <= MAX_LINE && Scanner::new(line).is_ok() {
                lines.push(line);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::Arena;
    use proptest::prelude::*;

    /// Every path and value of a line, and how it ended.
    fn read(line: &[u8]) -> (Vec<(String, String)>, Result<(), Unparsed>) {
        let arena = Arena::new();
        let desk = Desk::new(&arena);
        let mut found = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut scanner = match Scanner::new(line) {
            Ok(scanner) => scanner,
            Err(error) => return (found, Err(error)),
        };
        loop {
            match scanner.next_value() {
                Ok(Some(value)) => {
                    let path = scanner.path().dotted();
                    found.push((text(&path), text(value.text(&desk))));
                }
                Ok(None) => return (found, Ok(())),
                Err(error) => return (found, Err(error)),
            }
        }
    }

    #[track_caller]
    fn expect(line: &str, expected: &[(&str, &str)]) {
        let (found, end) = read(line.as_bytes());
        let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!((&found[..], end), (expected, Ok(())), "{line}");
    }

    #[test]
    fn values_come_with_the_keys_that_lead_to_them() {
        expect(
            r#" {"a": "x", "b":{"c":[1, "two", {"d":true}], "e":null} ,"f":-1.5e3, "g":[], "h":{}}"#,
            &[
                ("a", "x"),
                ("b.c", "1"),
                ("b.c", "two"),
                ("b.c.d", "true"),
                ("b.e", ""),
                ("f", "-1.5e3"),
            ],
        );
        expect(r#"[{"a":1},"#, &[("a", "1")]);
        expect("{}", &[]);
    }

    #[test]
    fn escapes_are_undone() {
        expect(
            r#"{"a":"\"\\\/\b\f\n\r\t","b":"\u00fc\ud83d\ude00\u0000","c":"\ud83d \udE00","d":"\x22\q\u12"}"#,
            &[
                ("a", "\"\\/\u{8}\u{c}\n\r\t"),
                ("b", "\u{fc}\u{1f600}\0"),
                ("c", "\u{fffd} \u{fffd}"),
                ("d", r"\x22\q\u12"),
            ],
        );
    }

    #[test]
    fn what_templates_write_is_read_as_far_as_it_goes() {
        // a number that was not set, a list without quotes, a comma too much
        expect(
            r#"{"t":,"u":0.001, 0.002 : 0.003,"s":-,,"b":12,}"#,
            &[("u", "0.001"), ("s", "-"), ("b", "12")],
        );
        // quotes that were not escaped
        expect(
            r#"{"user":""","agent":"a "b" c","s":200}"#,
            &[("user", "\""), ("agent", "a \"b\" c"), ("s", "200")],
        );
        expect(
            r#"{"a":1 "b":"c","#.replace("\"c\",", "\"c\"}").as_str(),
            &[("a", "1"), ("b", "c")],
        );
        let (found, end) = read(b"{\"a\":\"\xfc\x80\",\"b\":\"\x00\"}");
        assert_eq!((found.len(), end), (2, Ok(())));
    }

    #[test]
    fn what_is_cut_or_no_object_is_said_so() {
        for line in [
            r#"{"a":"b"#,
            r#"{"a":"b""#,
            r#"{"a":"b","#,
            r#"{"a"#,
            r#"{"a":"b\"#,
            "{",
            r#"{"a":{"b":1}"#,
        ] {
            assert_eq!(read(line.as_bytes()).1, Err(Unparsed::Truncated), "{line}");
        }
        for line in ["", "x", "\"a\"", "[1]", r#"{"a":1}{"b":2}"#, r#"{"a":1} x"#] {
            assert_eq!(
                read(line.as_bytes()).1,
                Err(Unparsed::NotThisFormat),
                "{line}"
            );
        }
    }

    #[test]
    fn depth_costs_nothing() {
        const DEEP: usize = 10_000;
        for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
            let inner = format!("{}\"}}]\"{}", open.repeat(DEEP), close.repeat(DEEP));
            let line = format!("{{\"deep\":{inner},\"s\":200}}");
            let (found, end) = read(line.as_bytes());
            assert_eq!((found.len(), end), (2, Ok(())));
            assert_eq!(found[1], ("s".to_string(), "200".to_string()));
            assert_eq!(
                read(&line.as_bytes()[..line.len() / 2]).1,
                Err(Unparsed::Truncated)
            );
        }
    }

    #[test]
    fn paths_are_the_same_with_dots_and_without() {
        let keys: [&[u8]; 3] = [b"a", b"b.c", b"d"];
        let path = Path { keys: &keys };
        assert!(path.is(b"a.b.c.d") && path.below(b"a.b") && path.below(b"a.b.c"));
        for other in [&b"a.b.c"[..], b"a.b.c.d.e", b"ab.c.d", b"a.b.c.e", b""] {
            assert!(!path.is(other));
        }
        assert!(!path.below(b"a.b.c.d") && !path.below(b"a.b."));
    }

    /// The paths and texts of a document, as the scanner gives them.
    fn flat(value: &serde_json::Value, path: &str, out: &mut Vec<(String, String)>) {
        use serde_json::Value::*;
        match value {
            Object(members) => members.iter().for_each(|(key, value)| {
                let dot = if path.is_empty() { "" } else { "." };
                flat(value, &format!("{path}{dot}{key}"), out);
            }),
            Array(items) => items.iter().for_each(|item| flat(item, path, out)),
            String(text) => out.push((path.to_string(), text.clone())),
            Null => out.push((path.to_string(), std::string::String::new())),
            other => out.push((path.to_string(), other.to_string())),
        }
    }

    fn document() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[\"\\\\/{}\\[\\],: \u{0}-\u{1f}\u{10000}-\u{10010}]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let members = proptest::collection::btree_map("[a-z]{1,4}", inner.clone(), 0..5);
            prop_oneof![
                proptest::collection::vec(inner, 0..5).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_read_as_it_was_meant(
            members in proptest::collection::btree_map("[a-z]{1,4}", document(), 0..6),
            pretty in any::<bool>(),
        ) {
            let object = serde_json::Value::Object(members.into_iter().collect());
            let mut expected = Vec::new();
            flat(&object, "", &mut expected);
            let mut line = object.to_string();
            if pretty {
                line = serde_json::to_string_pretty(&object).unwrap().replace('\n', " ");
            }
            prop_assert_eq!(read(line.as_bytes()), (expected, Ok(())));
        }

        #[test]
        fn never_panics_and_always_ends(
            pieces in proptest::collection::vec(prop_oneof![
                Just(b"{".to_vec()), Just(b"}".to_vec()), Just(b"[".to_vec()), Just(b"]".to_vec()),
                Just(b"\"".to_vec()), Just(b":".to_vec()), Just(b",".to_vec()), Just(b"\\".to_vec()),
                Just(b"\"a\":".to_vec()), Just(b"\\ud83d".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..4),
            ], 0..60),
        ) {
            let line = [b"{".to_vec(), pieces.concat()].concat();
            let (found, _) = read(&line);
            prop_assert!(found.len() <= line.len());
        }
    }
}

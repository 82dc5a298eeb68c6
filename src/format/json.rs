//! A scanner over one line that holds a JSON object: values one after the other, each with the keys that lead to it.
//!
//! Made for logs rather than for documents. Servers write JSON from templates, so that it is often none: nginx writes
//! `\x22` inside strings (`escape=default`), nothing at all for a number it does not have (`"t":,`), quotes as they came
//! (`escape=none`), and bytes that are no UTF-8. What can be read of such a line is read. Nothing is allocated, nothing
//! recurses, and no byte is looked at more than a few times, whatever the line.
//!
//! It checks nothing: not for deciding whether a text is JSON.

use crate::chunk::{self, MAX_LINE};
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
    pub fn next(&mut self) -> Result<Option<Value<'a>>, Unparsed> {
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

    #[inline]
    fn in_array(&self) -> bool {
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
pub fn sample(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut covered = 0;
    for place in 0..=PLACES {
        let at = (bytes.len() / (PLACES + 1) * place).max(covered);
        let window = &bytes[at..bytes.len().min(at.saturating_add(WINDOW))];
        let (skipped, most) = match place {
            0 => (0, HEAD_LINES),
            // the rest of the line that the place falls into
            _ => (1, PLACE_LINES),
        };
        for (start, line) in chunk::lines(window).skip(skipped).take(most) {
            covered = at + start + line.len();
            if line.len() <= MAX_LINE && Scanner::new(line).is_ok() {
                lines.push(line);
            }
        }
    }
    lines
}

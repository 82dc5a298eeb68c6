//! Cuts a text into the tokens of SQL.
//!
//! One pass, without backtracking: every byte is looked at a bounded number of times. Knows the comments,
//! strings and numbers of MySQL, PostgreSQL, SQL Server, Oracle and SQLite; not what tokens mean together.

use super::words::{Kind, word_kind};

/// Texts are cut into at most this many tokens: more than a request line of 8190 bytes (Apache's
/// `LimitRequestLine`) holds words.
pub(super) const MAX_TOKENS: usize = 4096;

/// Longest identifier in brackets or back quotes, in bytes (SQL Server and PostgreSQL allow 128 and 63).
const MAX_IDENTIFIER: usize = 128;

/// Word processors turn the two hyphens of a comment into a dash.
const EN_DASH: &[u8] = "\u{2013}".as_bytes();
const EM_DASH: &[u8] = "\u{2014}".as_bytes();

/// The first byte of either dash.
const DASH: u8 = 0xe2;

/// A token and where it stands: byte offsets, end exclusive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What becomes of a comment to the end of a line when another line follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineComment {
    /// It is a blank, as the database reads it: the payload goes on below.
    Blank,
    /// It ends the text: what stands below belongs to the tool that sent it.
    End,
}

/// The tokens of one reading, and where the brackets close.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) list: Vec<Token>,
    /// For each token: the bracket that closes what it stands in, or the number of tokens.
    closing: Vec<usize>,
    /// A comment to the end of a line was taken for a blank.
    pub(super) went_on: bool,
}

impl Tokens {
    /// No tokens, and room for those of a text of so many bytes, unless it is long.
    pub(super) fn for_text(bytes: usize) -> Tokens {
        /// Tokens of the longest payloads that are usual.
        const ROOM: usize = 64;
        let room = bytes.min(ROOM);
        Tokens {
            list: Vec::with_capacity(room),
            closing: Vec::with_capacity(room),
            went_on: false,
        }
    }

    /// Cuts `text` from the offset `from`; what was there before is forgotten.
    pub(super) fn read(&mut self, text: &[u8], from: usize, comments: LineComment) {
        self.list.clear();
        self.went_on = false;
        let mut at = from;
        while at < text.len() && self.list.len() < MAX_TOKENS {
            if is_blank(text[at]) {
                at += 1;
                continue;
            }
            let glued = self.list.last().map_or(at == from, |last| last.end == at);
            let (kind, end) = token_at(text, at, glued, comments);
            if let Some(kind) = kind {
                self.list.push(Token {
                    kind,
                    start: at,
                    end: end.min(text.len()),
                });
            }
            // nothing else that begins so is skipped
            self.went_on |= kind.is_none() && matches!(text[at], b'#' | b'-' | DASH);
            at = end.max(at + 1);
        }
        self.match_brackets();
    }

    /// The bracket that closes what the token at `at` stands in, or the number of tokens.
    pub(super) fn closing(&self, at: usize) -> usize {
        self.closing.get(at).copied().unwrap_or(self.list.len())
    }

    fn match_brackets(&mut self) {
        let len = self.list.len();
        self.closing.clear();
        self.closing.resize(len + 1, len);
        for at in (0..len).rev() {
            self.closing[at] = match self.list[at].kind {
                Kind::Close => at,
                Kind::Open => {
                    let own = self.closing[at + 1];
                    self.closing[(own + 1).min(len)]
                }
                _ => self.closing[at + 1],
            };
        }
    }
}

/// What databases take for a blank: ASCII white space, and for SQL Server every control byte
/// (Transact-SQL skips 0x01 to 0x20).
pub(super) fn is_blank(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

/// The token that starts at `at`; no kind for what the database skips. `glued`: nothing stands between
/// it and the token or the quote before.
fn token_at(text: &[u8], at: usize, glued: bool, comments: LineComment) -> (Option<Kind>, usize) {
    let next = text.get(at + 1).copied().unwrap_or(0);
    match text[at] {
        DASH if text[at..].starts_with(EN_DASH) || text[at..].starts_with(EM_DASH) => {
            line_comment(text, at, comments)
        }
        b'0'..=b'9' => number(text, at),
        b'.' if next.is_ascii_digit() => (Some(Kind::Number), number_end(text, at + 1)),
        b'a'..=b'z' | b'_' | b'A'..=b'Z' | 0x80.. => word(text, at, glued),
        b'\'' | b'"' => string(text, at),
        b'`' | b'[' => identifier(text, at),
        b'/' if next == b'*' => block_comment(text, at),
        b'-' if next == b'-' => line_comment(text, at, comments),
        b'#' if next == b'-' => (Some(Kind::Compare), at + 2),
        b'#' => line_comment(text, at, comments),
        b'(' => (Some(Kind::Open), at + 1),
        b')' => (Some(Kind::Close), at + 1),
        b',' => (Some(Kind::Comma), at + 1),
        b'.' => (Some(Kind::Dot), at + 1),
        b';' => (Some(Kind::Semicolon), at + 1),
        b'@' | b'?' | b':' | b'\\' => variable(text, at, next),
        _ => operator(text, at, next),
    }
}

/// `@x`, `@@version`, `?`; the JSON operators of PostgreSQL `@>`, `@?`, `?|`; casts; `\N` of MySQL.
fn variable(text: &[u8], at: usize, next: u8) -> (Option<Kind>, usize) {
    let letter_after = text.get(at + 2).is_some_and(u8::is_ascii_alphabetic);
    match text[at] {
        b'@' if matches!(next, b'>' | b'?' | b'@') && !letter_after => {
            (Some(Kind::Compare), at + 2)
        }
        b'@' => {
            let name = at + if next == b'@' { 2 } else { 1 };
            (Some(Kind::Variable), word_end(text, name))
        }
        b'\\' if next == b'n' => (Some(Kind::Null), at + 2),
        b':' if next == b':' => (None, word_end(text, at + 2)),
        b':' if next == b'=' => (Some(Kind::Compare), at + 2),
        b'?' if matches!(next, b'|' | b'&') => (Some(Kind::Compare), at + 2),
        b'?' => (Some(Kind::Variable), at + 1),
        _ => (Some(Kind::Other), at + 1),
    }
}

fn operator(text: &[u8], at: usize, next: u8) -> (Option<Kind>, usize) {
    match text[at] {
        b'*' if next == b'/' => (None, at + 2),
        b'&' if next == b'&' => (Some(Kind::Logic), at + 2),
        b'|' if next == b'|' => (Some(Kind::Logic), at + 2),
        // `=>` names an argument, or draws an arrow
        b'=' if next == b'>' => (Some(Kind::Other), at + 2),
        b'=' | b'<' | b'>' => {
            let double = matches!(next, b'=' | b'>' | b'<' | b'@');
            (Some(Kind::Compare), at + 1 + usize::from(double))
        }
        b'!' if next == b'=' => (Some(Kind::Compare), at + 2),
        b'!' | b'~' => (Some(Kind::Not), at + 1),
        b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'&' | b'|' => (Some(Kind::Arithmetic), at + 1),
        _ => (Some(Kind::Other), at + 1),
    }
}

/// A number; `1.e` before a bracket, a comma or a dot is one that MySQL reads and forgets.
fn number(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    let end = number_end(text, at);
    let forgotten = text[end - 1] == b'.'
        && text.get(end) == Some(&b'e')
        && matches!(text.get(end + 1), Some(b'(' | b')' | b',' | b'.'));
    if forgotten {
        return (None, end + 1);
    }
    (Some(Kind::Number), end)
}

/// `12`, `1.5`, `0x3a`, `1e0`.
fn number_end(text: &[u8], at: usize) -> usize {
    let hex = text[at] == b'0' && matches!(text.get(at + 1), Some(b'x' | b'b'));
    let mut end = at + if hex { 2 } else { 1 };
    while let Some(&b) = text.get(end) {
        let part = if hex {
            b.is_ascii_hexdigit()
        } else {
            b.is_ascii_digit() || (b == b'.' && text.get(end + 1) != Some(&b'.'))
        };
        let exponent = !hex && b == b'e' && text.get(end + 1).is_some_and(|n| n.is_ascii_digit());
        if !(part || exponent) {
            break;
        }
        end += 1;
    }
    end
}

fn word_end(text: &[u8], at: usize) -> usize {
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | 0x80..);
    let start = at.min(text.len());
    start + text[start..].iter().take_while(|b| part(b)).count()
}

/// A word, a string with a prefix, or what lexers cut out of letters and digits that stand together.
fn word(text: &[u8], at: usize, glued: bool) -> (Option<Kind>, usize) {
    let end = word_end(text, at);
    let bytes = &text[at..end];
    // x'41', n'text', b'01', _utf8'text': a prefix of the string
    if text.get(end) == Some(&b'\'')
        && (bytes.len() == 1 || bytes[0] == b'_')
        && matches!(bytes[0], b'x' | b'n' | b'b' | b'e' | b'_')
    {
        return string(text, end);
    }
    if glued {
        if let Some(cut) = glued_operator(bytes) {
            return (Some(Kind::Logic), at + cut);
        }
        // `1d`, `1f`: Oracle's binary numbers; the word goes on behind the letter
        if matches!(bytes[0], b'd' | b'f') && word_kind(&bytes[1..]) == Kind::Union {
            return (None, at + 1);
        }
    }
    (Some(word_kind(bytes)), end)
}

/// `or1` behind a literal: the operator's length, if digits follow it.
fn glued_operator(word: &[u8]) -> Option<usize> {
    ["or", "and", "xor"]
        .iter()
        .find(|operator| {
            word.strip_prefix(operator.as_bytes())
                .and_then(|rest| rest.first())
                .is_some_and(u8::is_ascii_digit)
        })
        .map(|operator| operator.len())
}

/// A name in back quotes or square brackets.
fn identifier(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    let close = if text[at] == b'`' { b'`' } else { b']' };
    let within = &text[at + 1..text.len().min(at + 1 + MAX_IDENTIFIER)];
    match memchr::memchr(close, within) {
        Some(n) => (Some(Kind::Word), at + n + 2),
        // the program's own quote closes it
        None if close == b'`' && at + 1 < text.len() && word_end(text, at + 1) == text.len() => {
            (Some(Kind::Word), text.len())
        }
        None => (Some(Kind::Other), at + 1),
    }
}

/// A quoted string; a doubled or escaped quote is part of it.
fn string(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    let quote = text[at];
    let mut end = at + 1;
    while let Some(&byte) = text.get(end) {
        if byte == b'\\' {
            end += 2;
        } else if byte == quote {
            if text.get(end + 1) == Some(&quote) {
                end += 2;
                continue;
            }
            return (Some(Kind::Text), end + 1);
        } else {
            end += 1;
        }
    }
    (Some(Kind::OpenText), text.len())
}

/// `/* */` is a blank; `/*! */` is code to MySQL; unclosed, it ends the text.
fn block_comment(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    /// Digits of a version behind `/*!`: five, or six since MySQL 8.
    const VERSION: std::ops::RangeInclusive<usize> = 5..=6;
    if text.get(at + 2) == Some(&b'!') {
        let digits = text[at + 3..]
            .iter()
            .take(*VERSION.end())
            .take_while(|b| b.is_ascii_digit())
            .count();
        // `/*!0union`: the tool leaves one digit before the word
        let zero = digits == 1 && text[at + 3] == b'0';
        let version = if VERSION.contains(&digits) || zero {
            digits
        } else {
            0
        };
        return (None, at + 3 + version);
    }
    match memchr::memmem::find(&text[at + 2..], b"*/") {
        Some(n) => (None, at + 2 + n + 2),
        None => (Some(Kind::Comment), text.len()),
    }
}

/// A comment to the end of the line.
fn line_comment(text: &[u8], at: usize, comments: LineComment) -> (Option<Kind>, usize) {
    match memchr::memchr2(b'\n', b'\r', &text[at..]) {
        Some(n) if comments == LineComment::Blank && goes_on(&text[at + n..]) => (None, at + n + 1),
        _ => (Some(Kind::Comment), text.len()),
    }
}

/// Whether more than a word of letters stands on the lines below: tools append one to their comment.
fn goes_on(below: &[u8]) -> bool {
    let Some(start) = below.iter().position(|b| !is_blank(*b)) else {
        return false;
    };
    let letters = below[start..]
        .iter()
        .take_while(|b| b.is_ascii_alphabetic())
        .count();
    let only = start + letters == below.len();
    !(only && word_kind(&below[start..]) == Kind::Word)
}

//! Rust source as words and signs, without comments, texts and tests: enough to see who uses whom.

/// A word or a sign, and the line it stands on.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The tokens of a file, up to its unit tests (which stand at the end and may use anything); a line
/// `mod tests;` that names another file does not end it.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        bytes: source.as_bytes(),
        at: 0,
        line: 1,
        tokens: Vec::new(),
    };
    while lexer.at < lexer.bytes.len() {
        lexer.step();
    }
    let tests = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let begin = lexer.tokens.windows(tests.len() + 2).position(|window| {
        let texts = || window.iter().map(|token| token.text.as_str());
        let opened = texts().nth(tests.len() + 1) == Some("{");
        opened && texts().zip(tests).all(|(text, expected)| text == expected)
    });
    lexer.tokens.truncate(begin.unwrap_or(lexer.tokens.len()));
    lexer.tokens
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let rest = &self.bytes[self.at..];
        match rest[0] {
            b'/' if rest.starts_with(b"//") => self.skip(until(rest, b'\n')),
            b'/' if rest.starts_with(b"/*") => self.skip(block_comment(rest)),
            b'"' => self.skip(text_length(rest)),
            b'\'' => self.skip(character_length(rest)),
            byte if byte.is_ascii_whitespace() => self.skip(1),
            byte if is_word(byte) => self.word(),
            _ => self.push(1),
        }
    }

    /// A word, or a text with a prefix such as `r#"` or `b"`.
    fn word(&mut self) {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|byte| is_word(**byte)).count();
        let prefix = matches!(&rest[..length], b"r" | b"b" | b"br" | b"c" | b"cr");
        match (prefix, rest.get(length)) {
            (true, Some(b'"' | b'#')) if rest[..length].contains(&b'r') => {
                match raw_text_length(&rest[length..]) {
                    Some(text) => self.skip(length + text),
                    None => self.push(length),
                }
            }
            (true, Some(b'"')) => self.skip(length + text_length(&rest[length..])),
            (true, Some(b'\'')) => self.skip(length + character_length(&rest[length..])),
            _ => self.push(length),
        }
    }

    fn push(&mut self, length: usize) {
        let text = String::from_utf8_lossy(&self.bytes[self.at..self.at + length]).into_owned();
        self.tokens.push(Token {
            text,
            line: self.line,
        });
        self.at += length;
    }

    fn skip(&mut self, length: usize) {
        let end = (self.at + length).min(self.bytes.len());
        let skipped = &self.bytes[self.at..end];
        self.line += skipped.iter().filter(|byte| **byte == b'\n').count();
        self.at = end;
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn until(rest: &[u8], end: u8) -> usize {
    rest.iter().take_while(|byte| **byte != end).count()
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of a text that begins with a quote, both quotes included.
fn text_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw text that begins with its hashes; none for a raw identifier.
fn raw_text_length(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let end = [b"\"".as_slice(), &rest[..hashes]].concat();
    let body = &rest[hashes + 1..];
    let close = body.windows(end.len()).position(|window| window == end)?;
    Some(hashes + 1 + close + end.len())
}

/// The length of a character in quotes, or of the quote alone where a lifetime begins.
fn character_length(rest: &[u8]) -> usize {
    match rest.get(1) {
        Some(b'\\') => 3 + until(&rest[3..], b'\''),
        Some(first) => {
            let width = match first {
                0..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            if rest.get(1 + width) == Some(&b'\'') {
                width + 2
            } else {
                1
            }
        }
        None => 1,
    }
}

#[test]
fn comments_texts_and_tests_are_no_tokens() {
    let source = r####"
//! use crate::wrong;
/* use crate::wrong; /* nested */ */
use crate::right; // use crate::wrong
const A: &str = "use \" crate::wrong";
const B: &[u8] = br#"use "crate::wrong"#;
const C: (char, u8) = ('"', b'\'');
fn f<'a>(x: &'a str) -> &'a str { x }
#[cfg(test)]
mod elsewhere;
use crate::also_right;
#[cfg(test)]
mod tests { use crate::wrong; }
"####;
    let words: Vec<String> = tokens(source).into_iter().map(|token| token.text).collect();
    assert!(words.contains(&"right".to_owned()));
    assert!(words.contains(&"also_right".to_owned()));
    assert!(!words.contains(&"wrong".to_owned()));
    assert_eq!(words.iter().filter(|word| *word == "a").count(), 3);
    let line = tokens(source)
        .into_iter()
        .find(|token| token.text == "right")
        .map(|token| token.line);
    assert_eq!(line, Some(4));
}

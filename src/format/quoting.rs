//! How the configurations of Apache and nginx quote words.

use std::borrow::Cow;

/// A word of a configuration with its quoting undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// What a configuration of nginx is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A name or an argument.
    Word(Word),
    /// `;`.
    End,
    /// `{`.
    Open,
    /// `}`.
    Close,
    /// Quotes that nothing closes; nothing comes after it.
    Unclosed,
}

/// A part of a configuration of nginx, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// The line on which it begins, counted from 1.
    pub line: usize,
}

/// Cuts a configuration of nginx as ngx_conf_read_token of ngx_conf_file.c does.
#[derive(Debug, Clone)]
pub struct NginxTokens<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> NginxTokens<'a> {
    /// The parts of a whole configuration, or of a piece of one.
    pub fn new(text: &'a str) -> NginxTokens<'a> {
        NginxTokens {
            rest: text,
            line: 1,
        }
    }

    fn advance(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count();
        self.rest = rest;
        taken
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let blanks = self.rest.len() - self.rest.trim_start().len();
            self.advance(blanks);
            if !self.rest.starts_with('#') {
                return;
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.advance(end);
        }
    }

    fn quoted(&mut self, quote: u8) -> Kind {
        match closing(&self.rest[1..], quote) {
            Some(length) => {
                let inner = &self.advance(length + 2)[1..=length];
                Kind::Word(Word {
                    text: unescape(inner).into_owned(),
                    quoted: true,
                })
            }
            None => {
                self.advance(self.rest.len());
                Kind::Unclosed
            }
        }
    }

    fn bare(&mut self) -> Kind {
        let bytes = self.rest.as_bytes();
        let mut end = 0;
        while let Some(&byte) = bytes.get(end) {
            match byte {
                b'\\' => end += 1,
                b'$' if bytes.get(end + 1) == Some(&b'{') => end += 1,
                b';' | b'{' => break,
                _ if byte.is_ascii_whitespace() => break,
                _ => {}
            }
            end += 1;
        }
        // a backslash may have led past the end, or into a character of several bytes
        end = end.min(bytes.len());
        while !self.rest.is_char_boundary(end) {
            end += 1;
        }
        Kind::Word(Word {
            text: unescape(self.advance(end)).into_owned(),
            quoted: false,
        })
    }
}

impl Iterator for NginxTokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_blanks_and_comments();
        let line = self.line;
        let first = *self.rest.as_bytes().first()?;
        let mark = match first {
            b';' => Some(Kind::End),
            b'{' => Some(Kind::Open),
            b'}' => Some(Kind::Close),
            _ => None,
        };
        let kind = match mark {
            Some(kind) => {
                self.advance(1);
                kind
            }
            None if matches!(first, b'"' | b'\'') => self.quoted(first),
            None => self.bare(),
        };
        Some(Token { kind, line })
    }
}

/// Where the first such quote stands that no backslash precedes.
fn closing(text: &str, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr::memchr2(quote, b'\\', bytes.get(at..)?)?;
        if bytes[at] == quote {
            return Some(at);
        }
        at += 2;
    }
}

/// Undoes the backslashes of nginx: `\"`, `\'`, `\\`, `\t`, `\r`, `\n`; others stay.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = match (character, characters.peek()) {
            ('\\', Some(plain @ ('"' | '\'' | '\\'))) => Some(*plain),
            ('\\', Some('t')) => Some('\t'),
            ('\\', Some('r')) => Some('\r'),
            ('\\', Some('n')) => Some('\n'),
            _ => None,
        };
        if escaped.is_some() {
            characters.next();
        }
        out.push(escaped.unwrap_or(character));
    }
    Cow::Owned(out)
}

/// The words of a line of an Apache configuration, as ap_getword_conf of server/util.c cuts them.
pub fn apache_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => {
                let inner = &rest[1..];
                // quotes that nothing closes end with the line
                let end = closing(inner, first as u8).unwrap_or(inner.len());
                let after = inner.get(end + 1..).unwrap_or_default();
                (undo(&inner[..end], first), after)
            }
            _ => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// Undoes the backslashes before `quote` and before backslashes.
fn undo(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = characters
            .peek()
            .copied()
            .filter(|next| character == '\\' && (*next == quote || *next == '\\'));
        if escaped.is_some() {
            characters.next();
        }
        out.push(escaped.unwrap_or(character));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nginx_words_end_where_nginx_ends_them() {
        let text = "log_format a 'x\\'y' \"\\t${b}\"; # no\n map $c { \"\" d; }";
        let tokens: Vec<_> = NginxTokens::new(text).collect();
        let words: Vec<_> = tokens
            .iter()
            .map(|token| match &token.kind {
                Kind::Word(word) => word.text.as_str(),
                Kind::End => ";",
                Kind::Open => "{",
                Kind::Close => "}",
                Kind::Unclosed => "?",
            })
            .collect();
        assert_eq!(
            words,
            [
                "log_format",
                "a",
                "x'y",
                "\t${b}",
                ";",
                "map",
                "$c",
                "{",
                "",
                "d",
                ";",
                "}"
            ]
        );
        assert_eq!(tokens[5].line, 2);
        let last = NginxTokens::new("a 'b").last();
        assert_eq!(last.map(|token| token.kind), Some(Kind::Unclosed));
    }

    #[test]
    fn apache_words_undo_their_quotes() {
        let line = r#"LogFormat "%h \"%r\" \\ \t" 'a "b"' c"#;
        assert_eq!(
            apache_words(line),
            ["LogFormat", r#"%h "%r" \ \t"#, "a \"b\"", "c"]
        );
        assert_eq!(apache_words(r#"a "b \"#), ["a", "b \\"]);
    }

    #[test]
    fn nothing_makes_it_panic() {
        use proptest::prelude::*;
        proptest!(|(text in "[a-z\\\\\"'{};$#\u{e9}\n ]{0,40}")| {
            let count = NginxTokens::new(&text).count();
            prop_assert!(count <= text.len());
            apache_words(&text);
            unescape(&text);
        });
    }
}

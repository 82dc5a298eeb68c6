//! Cuts a text into words the way a shell would, loosely: quotes need not match, because a payload
//! begins inside of somebody else's quotes.
//!
//! Not for what the words mean.

use std::cell::Cell;

use super::arguments::Worth;
use super::names::{self, Kind};

/// At most this many words are read.
const MAX_WORDS: usize = 400;

/// Few texts have more words than this.
const LIKELY_WORDS: usize = 32;

/// Longest parameter expansion that is looked through, in bytes.
const MAX_EXPANSION: usize = 64;

/// A word with its quoting undone.
pub(super) struct Word<'w> {
    pub(super) text: &'w [u8],
    pub(super) cut: Cut,
    /// The command that it names, if any.
    pub(super) kind: Option<Kind>,
    /// What it is worth as an argument of any command, once somebody asked.
    pub(super) worth: Cell<Option<Worth>>,
}

/// Where a word stands.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Quoting or expansion within the word.
    pub(super) disguised: bool,
    /// It begins with a quotation mark.
    pub(super) quoted: bool,
    /// It stands where a command would.
    pub(super) first: bool,
    /// What separated it, if it stands where a command would; 0 at the beginning.
    pub(super) separator: u8,
    /// Where the separator stands.
    pub(super) separated_at: usize,
    /// Where its text ends among the texts of all words; it begins where the one before ends.
    text_end: usize,
}

/// The words of a text.
#[derive(Default)]
pub(super) struct Cuts {
    /// What is left of all words without their quoting, one behind the other.
    texts: Vec<u8>,
    list: Vec<Cut>,
}

impl Cuts {
    /// The words, in order.
    pub(super) fn words(&self) -> Vec<Word<'_>> {
        let mut from = 0;
        let word = |cut: &Cut| {
            let text = &self.texts[from..cut.text_end];
            from = cut.text_end;
            Word {
                text,
                cut: *cut,
                kind: names::kind(text),
                worth: Cell::new(None),
            }
        };
        self.list.iter().map(word).collect()
    }
}

/// Reads words one after the other.
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    cuts: Cuts,
    separator: u8,
    separated_at: usize,
    first: bool,
}

/// Cuts a text into words.
pub(super) fn cut(text: &[u8]) -> Cuts {
    let mut reader = Reader {
        text,
        at: 0,
        cuts: Cuts {
            texts: Vec::with_capacity(text.len()),
            list: Vec::with_capacity(LIKELY_WORDS),
        },
        separator: 0,
        separated_at: 0,
        first: true,
    };
    while reader.at < text.len() && reader.cuts.list.len() < MAX_WORDS {
        reader.step();
    }
    reader.cuts
}

impl Reader<'_> {
    /// Reads a blank, a separator or a word.
    fn step(&mut self) {
        let byte = self.text[self.at];
        match byte {
            b' ' | b'\t' | 0x0b | 0x0c => self.at += 1,
            b';' | b'|' | b'&' | b'\n' | b'\r' | b'`' | b'{' => self.separate(byte, 1),
            b'(' => {
                let before = self.at.checked_sub(1).map(|at| self.text[at]);
                if matches!(before, Some(b'$' | b'<' | b'>')) {
                    self.separate(b'(', 1);
                } else {
                    self.at += 1;
                }
            }
            b'$' if self.text.get(self.at + 1) == Some(&b'(') => self.at += 1,
            b'\\' if is_written_break(self.text, self.at) => self.separate(b'\n', 2),
            b')' | b'}' => {
                // what follows a bracket is no argument of what was in it
                self.separate(0, 1);
            }
            _ => self.word(),
        }
    }

    /// Notes a separator of `length` bytes: a command may follow.
    fn separate(&mut self, separator: u8, length: usize) {
        self.separator = separator;
        self.separated_at = self.at;
        self.first = true;
        self.at += length;
    }

    /// Reads a word. What sets a variable or is a keyword leaves the place to the command behind it.
    fn word(&mut self) {
        let from = self.cuts.texts.len();
        let mut word = word_at(self.text, self.at, &mut self.cuts.texts);
        self.at = word.end.max(self.at + 1);
        let text = &self.cuts.texts[from..];
        if text.is_empty() {
            return;
        }
        word.first = self.first;
        word.separated_at = self.separated_at;
        word.separator = if self.first { self.separator } else { 0 };
        self.first = word.first && word.separator != 0 && leads_on(text);
        if !self.first {
            self.separator = 0;
        }
        self.cuts.list.push(word);
    }
}

/// Whether a command follows a word at a command's place: assignments, keywords, unset variables.
fn leads_on(word: &[u8]) -> bool {
    let name = |text: &[u8]| {
        text.first()
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
            && text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    let assigns = memchr::memchr(b'=', word).is_some_and(|at| name(&word[..at]));
    let variable = word.strip_prefix(b"$").is_some_and(name);
    assigns || variable || matches!(word, b"then" | b"do" | b"else" | b"elif" | b"!" | b"if")
}

/// Whether `\n` or `\r` is written out as a line break: at the beginning, at the end, before
/// something that continues no word, or before another one.
fn is_written_break(text: &[u8], at: usize) -> bool {
    let letter = matches!(text.get(at + 1), Some(b'n' | b'r'));
    let after = text.get(at + 2);
    let second = at == 2 && text.starts_with(b"\\r");
    letter && (at == 0 || second || after.is_none_or(|b| !b.is_ascii_alphanumeric()))
}

/// Bytes that stand for more than themselves in a word, or end it.
const TELLING: [bool; 256] = {
    let mut telling = [false; 256];
    let bytes = b" \t\x0b\x0c;|&\n\r`(){},<\\'\"^$";
    let mut at = 0;
    while at < bytes.len() {
        telling[bytes[at] as usize] = true;
        at += 1;
    }
    telling
};

/// A word that is being read.
struct Draft<'o> {
    /// The texts of all words so far.
    out: &'o mut Vec<u8>,
    /// Where this word's begins.
    from: usize,
    disguised: bool,
    /// Quotation marks so far: single, double.
    quotes: [u8; 2],
    /// A quotation mark was met between letters.
    inner_quote: bool,
    /// The word begins with a backslash: others part folders.
    rooted: bool,
}

/// The word at `at`, its quoting undone: what is left of it is added to `out`.
fn word_at(text: &[u8], at: usize, out: &mut Vec<u8>) -> Cut {
    let mut draft = Draft {
        from: out.len(),
        out,
        disguised: false,
        quotes: [0; 2],
        inner_quote: false,
        rooted: false,
    };
    let mut end = at;
    while let Some(&byte) = text.get(end) {
        let taken = match byte {
            b' ' | b'\t' | 0x0b | 0x0c | b';' | b'|' | b'&' | b'\n' | b'\r' | b'`' | b'('
            | b')' | b'{' | b'}' | b',' => break,
            // the file that a command reads from is no part of its name
            b'<' if draft.last().is_some_and(|b| b.is_ascii_alphabetic()) => break,
            b'\\' if is_written_break(text, end) => break,
            b'\'' | b'"' => draft.quote(byte, text.get(end + 1)),
            b'^' => draft.caret(text.get(end + 1)),
            b'\\' => draft.backslash(text.get(end + 1)),
            b'$' => match draft.dollar(&text[end..]) {
                Some(taken) => taken,
                None => break,
            },
            _ => {
                let rest = &text[end..];
                let telling = |b: &u8| TELLING[usize::from(*b)];
                let plain = 1 + rest[1..].iter().position(telling).unwrap_or(rest.len() - 1);
                draft.out.extend_from_slice(&rest[..plain]);
                plain
            }
        };
        end += taken;
    }
    let paired = draft.inner_quote && draft.quotes.iter().any(|count| *count >= 2);
    Cut {
        start: at,
        end,
        disguised: draft.disguised || paired,
        quoted: matches!(text.get(at), Some(b'\'' | b'"')),
        first: false,
        separator: 0,
        separated_at: 0,
        text_end: draft.out.len(),
    }
}

impl Draft<'_> {
    /// What is left of the word so far.
    fn text(&self) -> &[u8] {
        &self.out[self.from..]
    }

    fn last(&self) -> Option<u8> {
        self.text().last().copied()
    }

    fn is_empty(&self) -> bool {
        self.out.len() == self.from
    }

    /// A quotation mark vanishes. One alone between letters is an apostrophe, two hide a word.
    fn quote(&mut self, mark: u8, next: Option<&u8>) -> usize {
        let count = &mut self.quotes[usize::from(mark == b'"')];
        *count = count.saturating_add(1);
        let before = self.last().is_some_and(|b| b.is_ascii_alphanumeric());
        self.inner_quote |= before && next.is_some_and(|b| b.is_ascii_alphanumeric() || *b == mark);
        1
    }

    /// The escape of cmd.exe vanishes.
    fn caret(&mut self, next: Option<&u8>) -> usize {
        self.disguised |= self.last().is_some_and(|b| b.is_ascii_alphanumeric())
            && next.is_some_and(u8::is_ascii_alphanumeric);
        1
    }

    /// A backslash before a letter vanishes, unless it parts the folders of a Windows path.
    fn backslash(&mut self, next: Option<&u8>) -> usize {
        self.rooted |= self.is_empty();
        // a drive, or folders with points in their names
        let path = self.rooted || memchr::memchr2(b':', b'.', self.text()).is_some();
        if path || !next.is_some_and(u8::is_ascii_alphanumeric) {
            self.out.push(b'\\');
        } else {
            self.disguised = true;
        }
        1
    }

    /// A variable: how many bytes vanish, or `None` where a blank ends the word.
    fn dollar(&mut self, rest: &[u8]) -> Option<usize> {
        if let Some(length) = blank_variable(rest) {
            return self.is_empty().then_some(length);
        }
        if rest.get(1) == Some(&b'(') && !self.is_empty() {
            return None;
        }
        if matches!(
            rest.get(1),
            Some(b'@' | b'*' | b'?' | b'!' | b'#' | b'$' | b'-')
        ) {
            self.disguised |= !self.is_empty();
            return Some(2);
        }
        if self.is_empty() {
            self.out.push(b'$');
            return Some(1);
        }
        match unset_variable(rest) {
            Some(length) => {
                self.disguised = true;
                Some(length)
            }
            None => {
                self.out.push(b'$');
                Some(1)
            }
        }
    }
}

/// Length of `$IFS`, `${IFS}` and the like, with a positional parameter (`$9`, always empty) behind it.
fn blank_variable(rest: &[u8]) -> Option<usize> {
    let name = if rest.starts_with(b"$ifs") {
        "$ifs".len()
    } else if rest.starts_with(b"${ifs") {
        let near = &rest[..rest.len().min(MAX_EXPANSION)];
        memchr::memchr(b'}', near).map_or(near.len(), |at| at + 1)
    } else {
        return None;
    };
    let digit = rest.get(name + 1).is_some_and(u8::is_ascii_digit);
    let positional = rest.get(name) == Some(&b'$') && digit;
    Some(if positional { name + 2 } else { name })
}

/// Length of a variable that nobody set: `$x`, `${x}`, `$1`. The shell leaves nothing of it.
fn unset_variable(rest: &[u8]) -> Option<usize> {
    let name = |text: &[u8]| {
        text.iter()
            .take(MAX_EXPANSION)
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count()
    };
    match rest.get(1)? {
        b'{' => {
            let length = name(&rest[2..]);
            (length > 0 && rest.get(2 + length) == Some(&b'}')).then_some(length + 3)
        }
        b'0'..=b'9' => Some(2),
        _ => Some(name(&rest[1..]))
            .filter(|n| *n > 0)
            .map(|length| length + 1),
    }
}

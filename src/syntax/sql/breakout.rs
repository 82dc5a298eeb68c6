//! How a literal is left: what stands right behind its quote, and the quotes of testers.

use super::Feature;
use super::reader::Reader;
use super::token::is_blank;
use super::words::Kind;

/// Longest string that a text may leave open behind an operator: the program's own quote closes it.
pub(super) const MAX_OPEN_TAIL: usize = 12;

/// Longest comment behind a quote that still reads as one, in bytes: tools write a few letters into it.
const MAX_COMMENT_TAIL: usize = 24;

/// A quote, a semicolon, and a blank between or behind them.
const MAX_END: usize = 3;

/// Fewest marks in a heap of quotes and brackets; sqlmap writes ten (`lib/core/settings.py`,
/// `HEURISTIC_CHECK_ALPHABET` drawn ten times), and dots and commas at its start may be cut off.
const MIN_NOISE: usize = 8;

/// At most this many comments of one text are looked at.
const MAX_COMMENTS: usize = 64;

/// Longest comment that can stand for a blank between keywords, in bytes.
const MAX_COMMENT: usize = 64;

impl Reader<'_> {
    /// What stands right behind the quote that ended a literal.
    pub(super) fn tail(&mut self) {
        // a back quote ends a name, and only one that stands before it
        let name_missing = self.text[self.from] == b'`' && self.from == 0;
        if self.quotes_a_word() || name_missing {
            return;
        }
        let mut at = 0;
        while self.kind(at) == Some(Kind::Close) {
            at += 1;
        }
        match self.kind(at) {
            Some(Kind::Comment) if self.hides_the_rest(at) => self.note(Feature::Comment, 0, at),
            Some(Kind::Semicolon) if self.ends_statement(at + 1) => {
                self.note(Feature::Comment, 0, at + 1);
            }
            Some(Kind::Logic) if self.leaves_quote_open(at) => {
                self.note(Feature::Operator, 0, at + 1);
            }
            Some(Kind::Compare | Kind::Arithmetic | Kind::Like | Kind::Logic) => {
                self.operator_tail(at);
            }
            Some(Kind::Not) if self.is_word(at, &["not"]) => self.operator_tail(at),
            Some(Kind::Collate) if self.kind(at + 2) == Some(Kind::Comment) => {
                self.note(Feature::Comment, 0, at + 2);
            }
            _ => {}
        }
    }

    /// Whether the quote opens a quoted word instead of closing a literal: `the '/' key`, `("a")`.
    pub(super) fn quotes_a_word(&self) -> bool {
        let quote = self.text[self.from];
        let Some(pair) = memchr::memchr(quote, &self.text[self.from + 1..]) else {
            return false;
        };
        let inner = &self.text[self.from + 1..self.from + 1 + pair];
        let after = self.text.get(self.from + pair + 2);
        let before = self.prefix_start().checked_sub(1).map(|at| self.text[at]);
        let opens = before.is_some_and(|b| is_blank(b) || b"([{,=:<>+".contains(&b));
        let closes = after.is_none_or(|&b| is_blank(b) || b")]},.:;".contains(&b));
        let tight = inner.first().is_some_and(|b| !is_blank(*b))
            && inner.last().is_some_and(|b| !is_blank(*b));
        // at the start of the text the value of the program may be empty: `'='`, `'-'`
        let starts = before.is_none() && after.is_some();
        tight && closes && (opens || starts)
    }

    /// Where the quote begins, with the letter before it that some languages allow: `r'<='`, `b'-'`.
    fn prefix_start(&self) -> usize {
        let from = self.from;
        let prefixed = from > 1
            && matches!(self.text[from - 1], b'r' | b'b' | b'u' | b'f')
            && !self.text[from - 2].is_ascii_alphanumeric();
        from - usize::from(prefixed)
    }

    /// Whether what stands before the quote could be a value of the program: a word, a number, a name,
    /// an address; and the quote follows it at once.
    fn follows_plain_value(&self) -> bool {
        let before = &self.text[..self.from];
        before.last().is_none_or(|b| !is_blank(*b))
            && before
                .iter()
                .all(|&b| b.is_ascii_alphanumeric() || b >= 0x80 || b" _@.,%-+)(/".contains(&b))
    }

    /// A comment right behind the quote, and little text in it.
    fn hides_the_rest(&self, at: usize) -> bool {
        let rest = &self.text[self.tokens[at].start..];
        let marks = rest
            .iter()
            .take_while(|b| matches!(b, b'-' | b'#' | b'/' | b'*'))
            .count();
        let body = &rest[marks..];
        // `'--help'`: an option of a program
        let option = body.first().is_some_and(u8::is_ascii_alphabetic)
            && body.contains(&self.text[self.from]);
        let hash = rest[0] == b'#';
        body.len() <= MAX_COMMENT_TAIL
            && !option
            && (!hash || ((body.is_empty() || at > 0) && self.follows_plain_value()))
    }

    /// `';` with a comment or nothing behind it, and no other quote in the text.
    fn ends_statement(&self, at: usize) -> bool {
        match self.kind(at) {
            Some(Kind::Comment) => true,
            None => {
                self.follows_plain_value()
                    && !self.text[..self.from].iter().any(|b| is_blank(*b))
                    && self.text.len() - self.from <= MAX_END
            }
            _ => false,
        }
    }

    /// `x' or 'y`: a logic word between two quotes, which the program's own quotes make whole.
    fn leaves_quote_open(&self, at: usize) -> bool {
        let Some(last) = self.tokens.get(at + 1) else {
            return false;
        };
        let before = &self.text[..self.from];
        let value_before = match self.text[self.from] {
            b'"' => !before.iter().any(|b| is_blank(*b)),
            _ => before.last().is_none_or(|b| !is_blank(*b)),
        };
        last.kind == Kind::OpenText
            && self.text[last.start] == self.text[self.from]
            && last.end - last.start <= MAX_OPEN_TAIL
            && value_before
            && !self.is_word(at, &["div"])
    }

    /// `'='`, `' + (select`, `' like '%`: operators and an operand that is no plain word.
    fn operator_tail(&mut self, at: usize) {
        let mut next = at;
        let mut like = false;
        while let Some(
            kind @ (Kind::Compare | Kind::Arithmetic | Kind::Not | Kind::Like | Kind::All),
        ) = self.kind(next)
        {
            like |= kind == Kind::Like;
            next += 1;
        }
        let logic = self.kind(next) == Some(Kind::Logic) && next == at;
        let Some(right) = self.expression(next + usize::from(logic), 0) else {
            return;
        };
        let commented = self.kind(right.end) == Some(Kind::Comment)
            && (right.solid > 0 || self.bare_comment(right.end));
        if (right.solid == 0 && !commented) || !self.may_end(right.end) {
            return;
        }
        let last = self.tokens[right.end.min(self.tokens.len()) - 1];
        let same_quote = right.open && self.text[last.start] == self.text[self.from];
        let short = last.end - last.start <= MAX_OPEN_TAIL;
        let symbol = matches!(self.bytes(at), b"||" | b"&&");
        let compare = matches!(self.tokens[at].kind, Kind::Compare | Kind::Like | Kind::Not);
        let apostrophe = self.text[self.from] == b'\'';
        let wordy = matches!(self.tokens[at].kind, Kind::Like | Kind::Not);
        let open = same_quote
            && short
            && (symbol || (compare && (apostrophe || !wordy)) || (apostrophe && !logic));
        let number =
            compare && !like && !right.open && self.kind(right.end).is_none() && right.words == 0;
        if right.calls > 0
            || commented
            || open
            || number
            || (right.comparisons > 0 && right.solid > 1)
        {
            self.note(Feature::Operator, 0, right.end);
        }
    }

    /// `--` or `/*` with nothing in it.
    fn bare_comment(&self, at: usize) -> bool {
        let bytes = self.bytes(at);
        bytes[0] != b'#'
            && bytes
                .iter()
                .all(|&b| is_blank(b) || matches!(b, b'-' | b'/' | b'*'))
    }

    /// Quotes, brackets, dots and commas in a heap at the end: how tools ask whether a program minds.
    pub(super) fn noise(&mut self) {
        let heap = self
            .text
            .iter()
            .rev()
            .take_while(|b| b"()'\",.".contains(b))
            .count();
        let start = self.text.len() - heap;
        let has = |byte: u8| self.text[start..].contains(&byte);
        let brackets = has(b'(') || has(b')');
        if heap >= MIN_NOISE && has(b'\'') && has(b'"') && brackets {
            self.note_bytes(Feature::Noise, start, self.text.len());
        }
    }

    /// Comments between or within words: `un/**/ion`, `union/**/select`, `/*!50000select*/`.
    pub(super) fn inline_comments(&mut self) {
        let keyword = self.tokens.iter().any(|t| {
            matches!(
                t.kind,
                Kind::Select | Kind::Union | Kind::Logic | Kind::Order | Kind::From | Kind::Verb
            )
        });
        for at in memchr::memmem::find_iter(self.text, b"/*").take(MAX_COMMENTS) {
            let after = &self.text[at + 2..];
            let versioned = after.first() == Some(&b'!')
                && after.get(1).is_some_and(|b| b.is_ascii_alphanumeric());
            let word_before = at > 0 && self.text[at - 1].is_ascii_alphanumeric();
            let closed = memchr::memmem::find(&after[..after.len().min(MAX_COMMENT)], b"*/");
            let word_after =
                closed.is_some_and(|n| after.get(n + 2).is_some_and(u8::is_ascii_alphanumeric));
            if versioned || (word_before && word_after && keyword) {
                self.facts.note(Feature::InlineComment, at, at + 2);
            }
        }
    }
}

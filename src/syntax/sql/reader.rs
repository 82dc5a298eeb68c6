//! One reading of a text: its tokens, what stands around one, and where findings are noted.

use std::cell::Cell;

use super::splice::Spliced;
use super::token::{Token, Tokens};
use super::words::Kind;
use super::{Facts, Feature};

/// How many operands and skipped tokens one reading may look at before expressions are given up: every
/// operator looks at the expression behind it, so this keeps the time linear in the text.
pub(super) const MAX_STEPS: u32 = 200_000;

/// One reading of a text.
pub(super) struct Reader<'t> {
    pub(super) text: &'t [u8],
    pub(super) tokens: &'t [Token],
    pub(super) brackets: &'t Tokens,
    pub(super) facts: &'t mut Facts,
    /// The text as it was, for the places of findings.
    pub(super) spliced: &'t Spliced<'t>,
    /// Length of the text as it was.
    pub(super) whole: usize,
    /// The reading starts behind a quote that ended a literal.
    pub(super) broken_out: bool,
    /// Where the reading starts: at that quote, or at 0.
    pub(super) from: usize,
    /// What is left of [`MAX_STEPS`].
    pub(super) steps: Cell<u32>,
}

impl Reader<'_> {
    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    pub(super) fn bytes(&self, at: usize) -> &[u8] {
        self.tokens
            .get(at)
            .map_or(b"", |token| &self.text[token.start..token.end])
    }

    pub(super) fn is_word(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| word.as_bytes() == self.bytes(at))
    }

    /// Takes `count` steps; false when none are left.
    pub(super) fn step(&self, count: usize) -> bool {
        let left = self.steps.get();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.steps.set(left.saturating_sub(count));
        left > count
    }

    /// Whether nothing stands between a token and the next.
    pub(super) fn glued(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .zip(self.tokens.get(at + 1))
            .is_some_and(|(token, next)| token.end == next.start)
    }

    /// Notes a feature at the tokens `from..=to`.
    pub(super) fn note(&mut self, feature: Feature, from: usize, to: usize) {
        let end = self
            .tokens
            .get(to.min(self.tokens.len().saturating_sub(1)))
            .map_or(self.text.len(), |t| t.end);
        let start = if self.broken_out && from == 0 {
            self.from
        } else {
            self.tokens.get(from).map_or(self.from, |t| t.start)
        };
        self.note_bytes(feature, start, end);
    }

    /// Notes a feature at bytes of the text that is read.
    pub(super) fn note_bytes(&mut self, feature: Feature, start: usize, end: usize) {
        let start = self.spliced.original(start, self.whole);
        let end = self.spliced.original(end, self.whole);
        self.facts.note(feature, start, end);
    }

    /// Whether a literal was left before `at`: brackets and comments may stand between.
    pub(super) fn left_literal(&self, at: usize) -> bool {
        let mut back = at;
        while back > 0 && matches!(self.tokens[back - 1].kind, Kind::Close | Kind::Comment) {
            back -= 1;
        }
        match back.checked_sub(1).map(|n| self.tokens[n].kind) {
            None => self.broken_out || back < at,
            Some(Kind::Number | Kind::Text | Kind::Null | Kind::OpenText | Kind::Variable) => true,
            // `') as t where`: a bracket was closed and what it held is named
            Some(Kind::Word)
                if back > 2
                    && self.tokens[back - 2].kind == Kind::When
                    && self.tokens[back - 3].kind == Kind::Close =>
            {
                true
            }
            Some(_) => back < at,
        }
    }

    /// What may follow a complete expression in a statement: never another word.
    pub(super) fn may_end(&self, at: usize) -> bool {
        matches!(
            self.kind(at),
            None | Some(
                Kind::Comment
                    | Kind::Semicolon
                    | Kind::Close
                    | Kind::Union
                    | Kind::Order
                    | Kind::Group
                    | Kind::Having
                    | Kind::Limit
                    | Kind::Procedure
                    | Kind::Into
                    | Kind::Comma
                    | Kind::From
                    | Kind::When
                    | Kind::Where
                    | Kind::Logic
            )
        )
    }

    /// Where brackets close that `at` is in.
    pub(super) fn closing(&self, at: usize) -> usize {
        self.brackets.closing(at)
    }
}

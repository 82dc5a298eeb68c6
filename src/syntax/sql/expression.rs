//! Expressions as databases read them, and what a logic operator with one behind it amounts to.
//!
//! A small recursive grammar: operands, operators, brackets, calls, `CASE`; depth and steps are bounded.

use super::Feature;
use super::breakout::MAX_OPEN_TAIL;
use super::reader::Reader;
use super::words::Kind;

/// How deep brackets may nest before the grammar gives up.
const MAX_DEPTH: u32 = 24;

/// So many tokens of a call's arguments are searched for a constant.
const MAX_ARGUMENTS: usize = 32;

/// Longest `CASE` … `END`, in tokens; generated ones have about thirty.
const MAX_CASE: usize = 256;

/// What an expression holds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expression {
    pub(super) end: usize,
    pub(super) comparisons: u32,
    pub(super) calls: u32,
    /// Ends in a string that the text leaves open, as the program's own quote will close it.
    pub(super) open: bool,
    /// Operands that are no plain word.
    pub(super) solid: u32,
    pub(super) words: u32,
    pub(super) operators: u32,
    pub(super) brackets: u32,
}

impl Reader<'_> {
    /// A select list that could be one.
    pub(super) fn list_follows(&self, at: usize) -> bool {
        match self.kind(at) {
            None | Some(Kind::Comment) => false,
            Some(Kind::OpenText) => !self.closes_quoted_words(at),
            Some(
                Kind::Number
                | Kind::Text
                | Kind::Null
                | Kind::Variable
                | Kind::Open
                | Kind::Case
                | Kind::Catalogue,
            ) => true,
            Some(Kind::All | Kind::Not) => self.list_follows(at + 1),
            Some(Kind::Arithmetic) => true,
            Some(Kind::Word) if self.is_word(at, &["top", "first", "skip"]) => {
                self.kind(at + 1) == Some(Kind::Number)
            }
            Some(Kind::Function | Kind::Word) => {
                matches!(
                    self.kind(at + 1),
                    Some(
                        Kind::Comma
                            | Kind::Open
                            | Kind::From
                            | Kind::Comment
                            | Kind::Dot
                            | Kind::Compare
                            | Kind::Arithmetic
                    )
                ) || (self.kind(at + 1).is_none() && self.left_literal_before_select(at))
            }
            _ => false,
        }
    }

    pub(super) fn left_literal_before_select(&self, at: usize) -> bool {
        self.broken_out && at < 6
    }

    pub(super) fn logic(&mut self, at: usize) {
        let quoted = at == 0 && self.broken_out && self.quotes_a_word();
        if self.is_word(at, &["div"]) || self.joins_range(at) || quoted {
            return;
        }
        if let Some(right) = self.expression(at + 1, 0)
            && let Some(feature) = self.condition(at, &right)
        {
            self.note(feature, at, right.end);
        }
    }

    /// What the logic operator at `at` and the expression behind it amount to.
    pub(super) fn condition(&self, at: usize, right: &Expression) -> Option<Feature> {
        let left = self.left_literal(at);
        let start = at == 0 && !self.broken_out;
        if !self.may_end(right.end) {
            let dangling = matches!(self.kind(right.end), Some(Kind::Compare | Kind::Not))
                && self.kind(right.end + 1).is_none();
            let outside = (self.broken_out && left) || (start && right.solid > 0);
            return (dangling && outside).then_some(Feature::Tautology);
        }
        if right.comparisons > 0 && (right.solid > 0 || self.same_sides(at + 1, right.end)) {
            return self.comparison(at, right);
        }
        let commented = self.commented(right.end) && !right.open;
        // `min(a,b) and max(c,d)`: programs
        let calls_only = !self.broken_out
            && at > 0
            && matches!(self.tokens[0].kind, Kind::Word | Kind::Function)
            && self.tokens[at - 1].kind == Kind::Close
            && !commented;
        if right.calls > 0 && !calls_only && (left || start || (self.word_left(at) && commented)) {
            return Some(Feature::Boolean);
        }
        let constant = (commented && (left || (start && right.solid > 0)))
            || (left
                && self.is_word(
                    at + 1 + usize::from(self.kind(at + 1) == Some(Kind::Not)),
                    &["true", "false"],
                )
                && !self.is_choice(at)
                && (at == 0 || commented || !matches!(self.bytes(at), b"||" | b"&&")))
            || (self.at_break(at) && right.solid > 0 && self.computes(right));
        constant.then_some(Feature::Constant)
    }

    /// A comparison behind a logic operator, by what stands before it.
    pub(super) fn comparison(&self, at: usize, right: &Expression) -> Option<Feature> {
        let left = self.left_literal(at);
        let start = at == 0 && !self.broken_out;
        let strong = right.solid > 1 || self.same_sides(at + 1, right.end);
        // `"a" or b="c"` within one value is how query languages look
        let text = at > 0 && matches!(self.tokens[at - 1].kind, Kind::Text | Kind::Close);
        let first = at.saturating_sub(MAX_ARGUMENTS);
        let equation = self.tokens[first..at]
            .iter()
            .any(|t| matches!(t.kind, Kind::Compare | Kind::Like));
        let filter =
            (text || equation) && !self.broken_out && right.words > 0 && !self.commented(right.end);
        // `or y^2 = x` is a formula
        let formula = start
            && right.words > 0
            && right.calls == 0
            && !right.open
            && !self.same_sides(at + 1, right.end)
            && !self.commented(right.end)
            && !self.compares_constants(at + 1);
        if (left && !filter) || (strong && !formula && (start || self.word_left(at))) {
            return Some(Feature::Boolean);
        }
        let constants = right.solid > 2 || (right.solid > 1 && right.words == 0);
        let tautology = constants || (start && right.open) || self.compares_constants(at + 1);
        (tautology && !self.ends_sentence(at)).then_some(Feature::Tautology)
    }

    /// Whether plain words stand before `at`: no context makes two of them in a row an operand.
    fn ends_sentence(&self, at: usize) -> bool {
        let first = at.saturating_sub(MAX_ARGUMENTS);
        !self.broken_out
            && at - first > 1
            && self.tokens[first..at]
                .iter()
                .all(|t| matches!(t.kind, Kind::Word | Kind::Verb))
    }

    /// Whether what stands between the quote that was left and `at` goes on with the statement:
    /// nothing, brackets, or an operator first.
    fn at_break(&self, at: usize) -> bool {
        let goes_on = matches!(
            self.tokens[0].kind,
            Kind::Compare | Kind::Arithmetic | Kind::Like | Kind::Not | Kind::Logic
        );
        let brackets = || {
            self.tokens[..at]
                .iter()
                .all(|t| matches!(t.kind, Kind::Close | Kind::Comment))
        };
        self.broken_out && self.left_literal(at) && (goes_on || brackets())
    }

    /// Whether the rest of the statement is cut off at `at`.
    pub(super) fn commented(&self, at: usize) -> bool {
        match self.kind(at) {
            Some(Kind::Comment) => true,
            Some(Kind::Semicolon) => self.broken_out && self.kind(at + 1).is_none(),
            _ => false,
        }
    }

    /// Operators on constants, or a number in the quote that the program will close.
    pub(super) fn computes(&self, right: &Expression) -> bool {
        let last = self.tokens[right.end.min(self.tokens.len()) - 1];
        let inner = &self.text[last.start + 1..last.end.max(last.start + 1)];
        let number = right.open && !inner.is_empty() && inner.iter().all(u8::is_ascii_digit);
        let closed = right.words == 0 && !right.open;
        let operators = right.operators > 0 && (!right.open || inner.len() <= MAX_OPEN_TAIL);
        number || closed || operators
    }

    /// `a=a`: a comparison of a word with itself.
    pub(super) fn same_sides(&self, from: usize, to: usize) -> bool {
        (from..to.min(self.tokens.len())).any(|at| {
            self.kind(at + 1) == Some(Kind::Compare)
                && self.kind(at) == Some(Kind::Word)
                && !matches!(
                    at.checked_sub(1).and_then(|n| self.kind(n)),
                    Some(Kind::Arithmetic | Kind::Dot)
                )
                && self.bytes(at) == self.bytes(at + 2)
        })
    }

    /// A single word before the operator, as in `admin or 1=1`, or `id and 1=1`.
    pub(super) fn word_left(&self, at: usize) -> bool {
        at == 1 && matches!(self.tokens[0].kind, Kind::Word | Kind::Function)
    }

    /// An expression from `at`; `None` if none starts there.
    pub(super) fn expression(&self, at: usize, depth: u32) -> Option<Expression> {
        let mut result = self.operand(at, depth)?;
        loop {
            if !self.step(1) {
                return None;
            }
            let at = result.end;
            let start = match self.kind(at) {
                Some(Kind::Compare | Kind::Arithmetic | Kind::Logic | Kind::Like) => at + 1,
                Some(Kind::Not) => at,
                Some(Kind::Collate) => {
                    result.end = at + 2;
                    continue;
                }
                _ => return Some(result),
            };
            let mut next = start;
            while matches!(
                self.kind(next),
                Some(Kind::Compare | Kind::Like | Kind::All | Kind::Not)
            ) {
                next += 1;
            }
            let comparison =
                (at..next).any(|n| matches!(self.kind(n), Some(Kind::Compare | Kind::Like)));
            let Some(right) = self.operand(next, depth) else {
                return Some(result);
            };
            result = Expression {
                end: right.end,
                comparisons: result.comparisons + right.comparisons + u32::from(comparison),
                calls: result.calls + right.calls,
                open: right.open,
                solid: result.solid + right.solid,
                words: result.words + right.words,
                operators: result.operators + right.operators + 1,
                brackets: result.brackets + right.brackets,
            };
        }
    }

    pub(super) fn operand(&self, mut at: usize, depth: u32) -> Option<Expression> {
        if depth > MAX_DEPTH || !self.step(1) {
            return None;
        }
        while matches!(self.kind(at), Some(Kind::Not | Kind::All))
            || (self.kind(at) == Some(Kind::Arithmetic) && self.kind(at + 1).is_some())
        {
            at += 1;
        }
        let mut found = Expression {
            end: at + 1,
            ..Expression::default()
        };
        match self.kind(at)? {
            Kind::Number | Kind::Null | Kind::Variable => found.solid = 1,
            Kind::Text => found.solid = 1,
            Kind::OpenText => {
                found.solid = 1;
                found.open = true;
            }
            Kind::Open => return self.bracket(at, depth),
            Kind::Word | Kind::Function | Kind::Catalogue => return self.named(at, depth),
            Kind::Case => {
                found.end = self.case_end(at)? + 1;
                found.calls = 1;
                found.solid = 1;
            }
            Kind::Select => {
                // a select without brackets, as after `exists` or within a broken bracket
                if !self.list_follows(at + 1) {
                    return None;
                }
                found.end = self.closing(at);
                found.calls = 1;
                found.solid = 1;
            }
            _ => return None,
        }
        Some(found)
    }

    /// `(` ... `)`: a nested expression, a select, or an argument list; may be left open.
    pub(super) fn bracket(&self, at: usize, depth: u32) -> Option<Expression> {
        let end = self.closing(at + 1);
        let after = (end + 1).min(self.tokens.len());
        if self.kind(at + 1) == Some(Kind::Select) {
            return Some(Expression {
                end: after,
                calls: 1,
                solid: 1,
                ..Expression::default()
            });
        }
        let inner = self.expression(at + 1, depth + 1);
        match inner {
            Some(mut inner) => {
                inner.end = after;
                inner.brackets += 1;
                Some(inner)
            }
            None if end == at + 1 => Some(Expression {
                end: after,
                ..Expression::default()
            }),
            None => None,
        }
    }

    /// A name, a qualified name, or a call.
    pub(super) fn named(&self, at: usize, _depth: u32) -> Option<Expression> {
        let mut end = at + 1;
        while self.kind(end) == Some(Kind::Dot) {
            end += 1;
            if matches!(
                self.kind(end),
                Some(Kind::Word | Kind::Function | Kind::Catalogue | Kind::Arithmetic)
            ) {
                end += 1;
            }
        }
        let mut found = Expression {
            end,
            ..Expression::default()
        };
        if self.kind(end) == Some(Kind::Open) {
            let close = self.closing(end + 1);
            found.end = (close + 1).min(self.tokens.len());
            let known = |n: usize| matches!(self.kind(n), Some(Kind::Function | Kind::Catalogue));
            let dotted = end > at + 1;
            if self.kind(end - 1) == Some(Kind::Function) || (dotted && known(at)) {
                found.calls = 1;
                found.solid = 1;
            } else {
                let constant = (end..close.min(end + MAX_ARGUMENTS)).any(|n| {
                    matches!(
                        self.kind(n),
                        Some(Kind::Number | Kind::Text | Kind::Variable)
                    )
                });
                found.words = 1;
                found.brackets = 1;
                found.solid = u32::from(constant);
            }
        } else {
            found.words = 1;
        }
        Some(found)
    }

    /// Whether the string that opens at `at` is the quote that closes a phrase: `"union select" tutorial`.
    fn closes_quoted_words(&self, at: usize) -> bool {
        let quote = self.tokens[at].start;
        self.broken_out
            && self.text[quote] == self.text[self.from]
            && quote > 0
            && !matches!(self.text[quote - 1], b' ' | b',')
    }

    /// The `and` of `between 1 and 2`.
    fn joins_range(&self, at: usize) -> bool {
        (2..=3).any(|back| {
            at.checked_sub(back)
                .is_some_and(|n| self.is_word(n, &["between"]))
        }) && self.is_word(at, &["and"])
    }

    /// `true or false`: English, and no literal that was left.
    fn is_choice(&self, at: usize) -> bool {
        at > 0 && self.tokens[at - 1].kind == Kind::Null
    }

    /// The `end` of the `case` at `at`, if it is one: `case [x] when … then … end`.
    pub(super) fn case_end(&self, at: usize) -> Option<usize> {
        let last = self.tokens.len().min(at + MAX_CASE);
        let when = (at + 1..last.min(at + MAX_ARGUMENTS)).find(|&n| self.is_word(n, &["when"]))?;
        let then = (when + 2..last).find(|&n| self.is_word(n, &["then"]))?;
        let end = (then + 2..last).find(|&n| self.is_word(n, &["end"]))?;
        self.step(end - at).then_some(end)
    }

    /// `elt(1=1,2)`: a function of the database that is given a comparison of numbers.
    pub(super) fn compares_in_call(&self, at: usize) -> bool {
        let bracket = usize::from(self.kind(at + 2) == Some(Kind::Open));
        let first = at + 2 + bracket;
        self.kind(at) == Some(Kind::Function)
            && self.kind(at + 1) == Some(Kind::Open)
            && self.kind(first) == Some(Kind::Number)
            && self.kind(first + 1) == Some(Kind::Compare)
            && self.kind(first + 2) == Some(Kind::Number)
    }

    /// The text as one expression: compared constants, or an expression before a comment.
    pub(super) fn whole(&mut self) {
        let Some(all) = self.expression(0, 0) else {
            return;
        };
        if all.end >= self.tokens.len()
            && all.comparisons > 0
            && all.words == 0
            && all.solid > 1
            && !all.open
        {
            self.note(Feature::Comparison, 0, all.end);
        }
        let computed = self.kind(0) == Some(Kind::Open)
            && all.words == 0
            && all.comparisons > 0
            && all.operators > all.comparisons;
        if computed && self.may_end(all.end) {
            self.note(Feature::Expression, 0, all.end);
        }
        let number_first = matches!(self.kind(0), Some(Kind::Number | Kind::Text));
        // `cast('x' as numeric)`: a constant of another type
        let cast = self.is_word(0, &["cast", "convert"])
            && self.kind(1) == Some(Kind::Open)
            && matches!(self.kind(2), Some(Kind::Text | Kind::Number))
            && matches!(self.kind(3), Some(Kind::When | Kind::Comma));
        if cast && self.closing(2) + 1 >= self.tokens.len() {
            self.note(Feature::Expression, 0, all.end);
        }
        // braces are the selectors of query languages for metrics
        let metrics = memchr::memchr(b'{', self.text).is_some();
        if number_first && !metrics && all.calls > 0 && all.operators > 0 && self.may_end(all.end) {
            self.note(Feature::Expression, 0, all.end);
        }
        let dashes =
            self.kind(all.end) == Some(Kind::Comment) && self.bytes(all.end).first() != Some(&b'#');
        let after = self
            .tokens
            .get(all.end)
            .and_then(|t| self.text.get(t.start + 2));
        let blank = after.is_none_or(u8::is_ascii_whitespace);
        if dashes && blank && all.words == 0 && all.solid > 0 && all.operators + all.brackets > 0 {
            self.note(Feature::Expression, 0, all.end);
        }
    }
}

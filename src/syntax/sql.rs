//! SQL broken out of a literal: tokens, a small expression grammar, and what attackers do with it.
//!
//! A value reaches a statement as a number, or within single or double quotes. It is read in all three
//! contexts, as the database would read it; an attack is text that is *grammar* in one of them. Words
//! alone never are. Covers what MySQL, PostgreSQL, SQL Server, Oracle and SQLite have in common, with
//! their comments; not a parser of whole statements.

mod breakout;
mod expression;
mod reader;
mod splice;
mod statement;
mod token;
mod words;

use std::cell::Cell;

use self::reader::{MAX_STEPS, Reader};
use self::splice::Spliced;
use self::token::{LineComment, Tokens};
use self::words::Kind;
use super::bytes::worth_reading;
use super::needs;

features! {
    /// `UNION [ALL] SELECT` with a list that could follow it.
    Union = "union",
    /// A logic operator and a comparison after a literal was left.
    Boolean = "boolean",
    /// Logic operator and a bare constant after a literal was left: `' or 1#`.
    Constant = "constant",
    /// A second statement.
    Stacked = "stacked",
    /// A call that only serves to wait.
    Delay = "delay",
    /// A call or name that reads the server, its files or its catalogue.
    Disclosure = "disclosure",
    /// `ORDER BY n`, `GROUP BY`, `HAVING`, `LIMIT`, `PROCEDURE`, `INTO OUTFILE` after a literal.
    Clause = "clause",
    /// A select in brackets.
    Subselect = "subselect",
    /// A whole statement.
    Statement = "statement",
    /// A select of rows, as query interfaces take it.
    Query = "query",
    /// A literal left and the rest commented out.
    Comment = "comment",
    /// A literal left and an operator that needs what follows: `'='`, `'||'`, `'+`.
    Operator = "operator",
    /// A comparison of constants behind a logic operator, whatever stands before.
    Tautology = "tautology",
    /// The whole text compares constants.
    Comparison = "comparison",
    /// An expression, and the rest of the statement commented out.
    Expression = "expression",
    /// `ORDER BY n` or `HAVING` as the whole text.
    BareClause = "bare_clause",
    /// A call that only serves to wait, as the whole text.
    Wait = "wait",
    /// Quotes, brackets, dots and commas in a heap.
    Noise = "noise",
    /// Words split by inline comments.
    InlineComment = "inline_comment",
}

/// Reads a text in every context.
pub fn analyse(text: &[u8]) -> Facts {
    analyse_counting(text).0
}

/// The facts, and how many steps the grammar took.
fn analyse_counting(text: &[u8]) -> (Facts, u32) {
    let mut facts = Facts::default();
    let mut steps = 0;
    if !worth_reading(text, needs::SQL) {
        return (facts, steps);
    }
    let mut tokens = Tokens::for_text(text.len());
    let plain = Spliced::untouched(text);
    steps += read_contexts(&plain, text.len(), &mut tokens, &mut facts);
    if let Some(spliced) = Spliced::without_tricks(text) {
        steps += read_contexts(&spliced, text.len(), &mut tokens, &mut facts);
    }
    (facts, steps)
}

/// Reads a text as a number and within each kind of quote that it has.
fn read_contexts(
    spliced: &Spliced<'_>,
    whole: usize,
    tokens: &mut Tokens,
    facts: &mut Facts,
) -> u32 {
    let text = spliced.text.as_ref();
    let comment = memchr::memchr2(b'#', b'-', text).is_some()
        && memchr::memchr2(b'\n', b'\r', text).is_some();
    let readings: &[LineComment] = if comment {
        &[LineComment::Blank, LineComment::End]
    } else {
        &[LineComment::Blank]
    };
    let mut steps = 0;
    let quotes = [b'\'', b'"', b'`']
        .into_iter()
        .filter_map(|quote| memchr::memchr(quote, text));
    for start in std::iter::once(None).chain(quotes.map(Some)) {
        for &comments in readings {
            // where no line went on, both readings are one
            if comments == LineComment::End && !tokens.went_on {
                continue;
            }
            tokens.read(text, start.map_or(0, |quote| quote + 1), comments);
            let mut reader = Reader {
                text,
                tokens: &tokens.list,
                brackets: tokens,
                facts,
                spliced,
                whole,
                broken_out: start.is_some(),
                from: start.unwrap_or(0),
                steps: Cell::new(MAX_STEPS),
            };
            reader.read();
            steps += MAX_STEPS - reader.steps.get();
        }
    }
    steps
}

impl Reader<'_> {
    fn read(&mut self) {
        for at in 0..self.tokens.len() {
            match self.tokens[at].kind {
                Kind::Union => self.union(at),
                Kind::Logic => self.logic(at),
                Kind::Semicolon => self.stacked(at),
                Kind::Select => self.select(at),
                Kind::Order
                | Kind::Group
                | Kind::Having
                | Kind::Limit
                | Kind::Procedure
                | Kind::Where
                | Kind::From
                | Kind::Into => self.clause(at),
                Kind::Case => self.case(at),
                Kind::Function | Kind::Catalogue | Kind::Word | Kind::Variable => self.name(at),
                Kind::Verb => self.verb(at),
                _ => {}
            }
        }
        if self.broken_out {
            self.tail();
        } else {
            self.whole();
            self.noise();
        }
        self.inline_comments();
    }
}

#[cfg(test)]
mod tests;

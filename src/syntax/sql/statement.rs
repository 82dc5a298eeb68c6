//! Statements and their clauses: what follows a literal that was left, or stands alone.

use super::Feature;
use super::reader::Reader;
use super::words::{DELAYING, Kind, SERVER_VARIABLES, TELLING};

/// How far the second keyword of a statement may stand from its verb, in tokens: names and modifiers
/// stand between.
const REACH: usize = 6;

/// A short select list, in tokens.
const SHORT_LIST: usize = 12;

/// The longest select list that is searched for its `from`, in tokens.
const LONG_LIST: usize = 60;

impl Reader<'_> {
    pub(super) fn union(&mut self, at: usize) {
        let mut next = at + 1;
        while matches!(
            self.kind(next),
            Some(Kind::All | Kind::Not | Kind::Open | Kind::Comment)
        ) {
            next += 1;
        }
        if self.kind(next) != Some(Kind::Select) {
            // MySQL 8 knows `table t` as a short select
            if self.is_word(next, &["table"])
                && self.kind(next + 1) == Some(Kind::Word)
                && self.left_literal(at)
                && self.may_end(next + 2)
            {
                self.note(Feature::Union, at, next + 1);
            }
            // `-1 # comment, new line, union`: nothing but the first number stands before it
            let first = (1..=2).contains(&at)
                && self.tokens[..at]
                    .iter()
                    .all(|t| matches!(t.kind, Kind::Number | Kind::Arithmetic));
            let torn = memchr::memchr2(b'#', b'-', &self.text[self.from..]).is_some();
            if first && torn && self.kind(next).is_none() && !self.broken_out {
                self.note(Feature::Union, at, at);
            }
            if self.kind(next) == Some(Kind::Verb)
                && self.is_word(next, &["values"])
                && (self.kind(next + 1) == Some(Kind::Open) || self.is_word(next + 1, &["row"]))
            {
                self.note(Feature::Union, at, next + 1);
            }
            return;
        }
        let strong = self.list_follows(next + 1);
        let word = matches!(self.kind(next + 1), Some(Kind::Word | Kind::Function));
        let closed = matches!(
            self.kind(next + 1 + usize::from(word)),
            None | Some(Kind::Close | Kind::Comment | Kind::Semicolon)
        );
        let ends = closed && self.left_literal(at) && (at > 0 || self.broken_out);
        if strong || ends {
            self.note(Feature::Union, at, next + 2);
        }
    }

    pub(super) fn stacked(&mut self, at: usize) {
        let next = at + 1;
        let hit = match self.kind(next) {
            Some(Kind::Verb) => self.verb_is_statement(next),
            Some(Kind::Select) => {
                self.list_follows(next + 1) && !matches!(self.kind(next + 1), Some(Kind::OpenText))
            }
            Some(Kind::Word) => self.describes(next),
            Some(Kind::Function) if self.is_word(next, &["if"]) => {
                self.kind(next + 1) == Some(Kind::Open)
            }
            _ => false,
        };
        if hit {
            self.note(Feature::Stacked, at, next + 2);
        }
    }

    /// `show tables`, `desc t` and the end of the statement.
    fn describes(&self, at: usize) -> bool {
        let shows = self.is_word(at, &["show"])
            && self.is_word(
                at + 1,
                &[
                    "tables",
                    "databases",
                    "columns",
                    "grants",
                    "variables",
                    "processlist",
                ],
            );
        let describes = self.is_word(at, &["desc", "describe"])
            && self.kind(at + 1) == Some(Kind::Word)
            && matches!(self.kind(at + 2), Some(Kind::Semicolon | Kind::Comment));
        shows || describes
    }

    /// A verb with what must follow it.
    pub(super) fn verb_is_statement(&self, at: usize) -> bool {
        self.changes_rows(at)
            || self.changes_schema(at)
            || self.runs_code(at)
            || self.administers(at)
    }

    /// `INSERT INTO t (`, `DELETE FROM t WHERE`, `UPDATE t SET a =`.
    pub(super) fn changes_rows(&self, at: usize) -> bool {
        let second = |words: &[&str]| self.is_word(at + 1, words);
        match self.bytes(at) {
            b"insert" => {
                second(&["into"])
                    && matches!(
                        self.kind(at + 2),
                        Some(Kind::Word | Kind::Function | Kind::Catalogue)
                    )
                    && match self.kind(at + 3) {
                        Some(Kind::Verb) => self.kind(at + 4) == Some(Kind::Open),
                        Some(Kind::Open | Kind::Dot | Kind::Select) => true,
                        _ => false,
                    }
            }
            b"delete" => {
                let modifier = second(&["quick", "ignore", "low_priority"]);
                let from = at + 1 + usize::from(modifier);
                self.kind(from) == Some(Kind::From)
                    && matches!(
                        self.kind(from + 1),
                        Some(Kind::Word | Kind::Catalogue | Kind::Function)
                    )
                    && match self.kind(from + 2) {
                        Some(Kind::Where) => self.kind(from + 3).is_some(),
                        None | Some(Kind::Comment | Kind::Semicolon | Kind::Dot) => true,
                        _ => false,
                    }
            }
            b"update" => (at + 2..at + REACH)
                .any(|n| self.is_word(n, &["set"]) && self.kind(n + 2) == Some(Kind::Compare)),
            _ => false,
        }
    }

    /// `DROP TABLE t` and its like.
    pub(super) fn changes_schema(&self, at: usize) -> bool {
        let second = |words: &[&str]| self.is_word(at + 1, words);
        match self.bytes(at) {
            b"create" if second(&["or"]) => self.is_word(at + 2, &["replace"]),
            // the word `table` forgotten, as in lists of payloads
            b"drop" | b"truncate"
                if self.kind(at + 1) == Some(Kind::Word)
                    && self.kind(at + 2) == Some(Kind::Comment) =>
            {
                at > 0 && self.tokens[at - 1].kind == Kind::Semicolon
            }
            b"drop" | b"create" | b"alter" | b"truncate" => {
                second(&[
                    "table",
                    "database",
                    "user",
                    "view",
                    "function",
                    "procedure",
                    "login",
                    "schema",
                    "index",
                    "role",
                    "trigger",
                    "temp",
                    "temporary",
                ]) && matches!(
                    self.kind(at + 2),
                    Some(Kind::Word | Kind::Catalogue | Kind::Function | Kind::Not | Kind::Verb)
                ) && matches!(
                    self.kind(at + 3),
                    None | Some(
                        Kind::Comment
                            | Kind::Semicolon
                            | Kind::Open
                            | Kind::Dot
                            | Kind::When
                            | Kind::Arithmetic
                            | Kind::Word
                            | Kind::Function
                            | Kind::OpenText
                    )
                )
            }
            _ => false,
        }
    }

    /// Procedures, variables and waits.
    pub(super) fn runs_code(&self, at: usize) -> bool {
        let second = |words: &[&str]| self.is_word(at + 1, words);
        match self.bytes(at) {
            b"exec" | b"execute" => {
                (self.kind(at + 1) == Some(Kind::Open)
                    && matches!(
                        self.kind(at + 2),
                        Some(
                            Kind::Text
                                | Kind::OpenText
                                | Kind::Variable
                                | Kind::Function
                                | Kind::Number
                        )
                    ))
                    || second(&["immediate"])
                    || self.bytes(at + 1).starts_with(b"xp_")
                    || self.bytes(at + 1).starts_with(b"sp_")
                    || self.kind(at + 1) == Some(Kind::Variable)
                    || (matches!(self.kind(at + 1), Some(Kind::Catalogue))
                        && self.kind(at + 2) == Some(Kind::Dot))
            }
            b"declare" => {
                self.kind(at + 1) == Some(Kind::Variable)
                    || (self.kind(at + 2) == Some(Kind::Word)
                        && self.bytes(at + 2).starts_with(b"varchar"))
            }
            b"waitfor" => {
                second(&["delay", "time"])
                    && matches!(
                        self.kind(at + 2),
                        Some(Kind::Text | Kind::OpenText | Kind::Variable)
                    )
            }
            b"do" if self.kind(at + 1) == Some(Kind::Open) => {
                self.kind(at + 2) == Some(Kind::Number) && self.kind(at + 3) == Some(Kind::Compare)
            }
            b"call" | b"do" => {
                matches!(
                    self.kind(at + 1),
                    Some(Kind::Function | Kind::Word | Kind::Catalogue)
                ) && matches!(self.kind(at + 2), Some(Kind::Open | Kind::Dot))
                    && self.glued(at + 1)
            }
            _ => false,
        }
    }

    /// Statements for the server itself: backups, grants, bulk loads, transactions.
    pub(super) fn administers(&self, at: usize) -> bool {
        let second = |words: &[&str]| self.is_word(at + 1, words);
        match self.bytes(at) {
            b"shutdown" => {
                matches!(
                    self.kind(at + 1),
                    None | Some(Kind::Comment | Kind::Semicolon)
                ) || second(&["with"])
            }
            b"grant" => (at + 1..at + REACH).any(|n| self.is_word(n, &["on", "to"])),
            b"copy" => {
                (at + 1..at + REACH).any(|n| self.is_word(n, &["from", "to"]))
                    && (at + 1..at + 2 + REACH).any(|n| self.is_word(n, &["program"]))
            }
            b"set" => {
                self.kind(at + 1) == Some(Kind::Variable)
                    && self.kind(at + 2) == Some(Kind::Compare)
            }
            b"backup" => second(&["database", "log"]),
            b"bulk" => second(&["insert"]),
            b"load" => second(&["data", "xml", "extension"]),
            b"attach" => second(&["database"]),
            b"begin" => {
                matches!(self.kind(at + 1), Some(Kind::Verb | Kind::Semicolon))
                    || self.bytes(at + 1).starts_with(b"dbms_")
            }
            b"commit" | b"rollback" => {
                matches!(self.kind(at + 1), Some(Kind::Semicolon | Kind::Comment))
            }
            b"use" => matches!(self.kind(at + 1), Some(Kind::Catalogue)),
            _ => false,
        }
    }

    pub(super) fn verb(&mut self, at: usize) {
        if !self.verb_is_statement(at) {
            return;
        }
        let wait = self.is_word(at, &["waitfor"]);
        if wait {
            self.note(Feature::Delay, at, at + 2);
        } else if at > 0
            && (self.left_literal(at)
                && !matches!(self.tokens[at - 1].kind, Kind::Text | Kind::OpenText))
        {
            self.note(Feature::Stacked, at, at + 2);
        } else if at == 0 && !self.reads_like_search() {
            self.note(Feature::Statement, at, at + 3);
        }
    }

    /// `drop table lamp`: three words are what people search for.
    pub(super) fn reads_like_search(&self) -> bool {
        self.tokens.iter().all(|t| {
            matches!(
                t.kind,
                Kind::Verb
                    | Kind::Word
                    | Kind::Function
                    | Kind::Not
                    | Kind::Catalogue
                    | Kind::Logic
            )
        })
    }

    pub(super) fn select(&mut self, at: usize) {
        let list = self.list_follows(at + 1);
        let before = at.checked_sub(1).and_then(|n| self.kind(n));
        if before == Some(Kind::Open) && list && !matches!(self.kind(at + 1), Some(Kind::OpenText))
        {
            // within a query of its own, as YQL and SOQL know it, it is part of that
            if self.tokens[0].kind != Kind::Select || !self.only_asks(0) {
                self.note(Feature::Subselect, at - 1, at + 2);
            }
            return;
        }
        let source = (at + 1..(at + SHORT_LIST).min(self.tokens.len()))
            .find(|&n| self.kind(n) == Some(Kind::From));
        let catalogue = source.is_some_and(|n| self.kind(n + 1) == Some(Kind::Catalogue));
        let user = matches!(self.kind(at + 1), Some(Kind::Function))
            && matches!(self.kind(at + 2), Some(Kind::Semicolon | Kind::Comment));
        let branch = self.is_word(0, &["if"]) && self.kind(1) == Some(Kind::Open) && list;
        if (at == 0 && !self.broken_out && (catalogue || user)) || branch {
            self.note(Feature::Statement, 0, at + 2);
            return;
        }
        let starts = at == 0 || (at == 1 && matches!(before, Some(Kind::Open | Kind::Close)));
        if starts {
            self.select_alone(at, list);
        }
    }

    /// A select that the text begins with.
    fn select_alone(&mut self, at: usize, list: bool) {
        let from = (at + 2..(at + LONG_LIST).min(self.tokens.len()))
            .find(|&n| self.tokens[n].kind == Kind::From);
        // `select * from table tutorial` is what people search for
        let sentence = from.is_some_and(|n| {
            if self.kind(n + 1).is_none() {
                return true;
            }
            self.kind(n + 1) == Some(Kind::Word)
                && (matches!(self.kind(n + 2), Some(Kind::Word | Kind::Function))
                    || (self.kind(n + 2) == Some(Kind::Where) && self.kind(n + 3).is_none()))
        });
        if sentence {
            return;
        }
        let solid = matches!(
            self.kind(at + 1),
            Some(
                Kind::Function
                    | Kind::Variable
                    | Kind::Number
                    | Kind::Arithmetic
                    | Kind::Catalogue
                    | Kind::Case
                    | Kind::Text
                    | Kind::Null
                    | Kind::Word
            )
        ) && list;
        if solid
            && (from.is_some()
                || matches!(self.kind(at + 1), Some(Kind::Variable))
                || self.kind(at + 2) == Some(Kind::Comma)
                || (self.kind(at + 2) == Some(Kind::Comment)
                    && self.kind(at + 1) != Some(Kind::Word))
                || self.kind(at + 2) == Some(Kind::Open))
        {
            let feature = match from {
                Some(from) if at == 0 && self.only_asks(from) => Feature::Query,
                _ => Feature::Statement,
            };
            self.note(feature, at, from.map_or(at + 2, |n| n + 1));
        }
    }

    /// A select of rows as consoles and query interfaces send it (SOQL, WIQL, YQL, InfluxQL): no second
    /// statement, no comment, no variable, no hexadecimal string, nothing of the server's own.
    fn only_asks(&self, from: usize) -> bool {
        let table = from == 0 || matches!(self.kind(from + 1), Some(Kind::Word | Kind::Text));
        table
            && !self.broken_out
            && self.step(self.tokens.len())
            && self
                .tokens
                .iter()
                .enumerate()
                .all(|(at, token)| match token.kind {
                    Kind::Comment
                    | Kind::Semicolon
                    | Kind::Union
                    | Kind::Variable
                    | Kind::Into
                    | Kind::Catalogue
                    | Kind::OpenText => false,
                    Kind::Number => !self.bytes(at).starts_with(b"0x"),
                    Kind::Where => !self.compares_constants(at + 1),
                    Kind::Function => !TELLING.has(self.bytes(at)) && !DELAYING.has(self.bytes(at)),
                    _ => true,
                })
    }

    pub(super) fn clause(&mut self, at: usize) {
        let own_query = !self.broken_out && self.tokens[0].kind == Kind::Select;
        let left = self.left_literal(at) && (at > 0 || self.broken_out) && !own_query;
        let hit = match self.tokens[at].kind {
            Kind::Order | Kind::Group => left && self.sorts(at),
            Kind::Having => {
                left && self
                    .expression(at + 1, 0)
                    .is_some_and(|e| e.comparisons + e.calls > 0 && e.solid > 0)
            }
            Kind::Limit => {
                left && self.kind(at + 1) == Some(Kind::Number)
                    && (at + 2..at + REACH).any(|n| {
                        matches!(
                            self.kind(n),
                            Some(Kind::Into | Kind::Procedure | Kind::Union | Kind::Comment)
                        )
                    })
            }
            Kind::Where => left && self.compares_constants(at + 1),
            Kind::From => {
                left && (1..=3).contains(&at)
                    && self.kind(at - 1) == Some(Kind::Close)
                    && self.kind(at + 2) == Some(Kind::Where)
                    && self.kind(at + 4) == Some(Kind::Compare)
            }
            Kind::Procedure => self.is_word(at + 1, &["analyse"]),
            Kind::Into => {
                self.is_word(at + 1, &["outfile", "dumpfile"])
                    && matches!(
                        self.kind(at + 2),
                        Some(
                            Kind::Text
                                | Kind::OpenText
                                | Kind::Number
                                | Kind::Variable
                                | Kind::Open
                                | Kind::Function
                        )
                    )
            }
            _ => false,
        };
        if hit {
            self.note(Feature::Clause, at, at + 3);
        } else if at == 0 && !self.broken_out && self.bare_clause() {
            self.note(Feature::BareClause, 0, 3);
        } else if at == 1 && !self.broken_out && self.counts_columns(at) {
            self.note(Feature::BareClause, at, at + 2);
        }
    }

    /// `order by` or `group by` with a number, a name or a bracket, and nothing that reads on.
    fn sorts(&self, at: usize) -> bool {
        self.kind(at + 1) == Some(Kind::By)
            && matches!(
                self.kind(at + 2),
                Some(Kind::Number | Kind::Open | Kind::Function | Kind::Word)
            )
            && (self.may_end(at + 3)
                || self.kind(at + 2) == Some(Kind::Open)
                || self.kind(at + 3) == Some(Kind::Dot)
                || self.kind(at + 3) == Some(Kind::Open))
    }

    /// `order by 7` and the end, behind one word.
    fn counts_columns(&self, at: usize) -> bool {
        matches!(self.tokens[at].kind, Kind::Order | Kind::Group)
            && self.kind(at + 1) == Some(Kind::By)
            && self.kind(at + 2) == Some(Kind::Number)
            && matches!(self.kind(at + 3), None | Some(Kind::Comment))
    }

    /// `where 2=2`: nobody asks a database so, except to go on behind a bracket that was closed.
    pub(super) fn compares_constants(&self, at: usize) -> bool {
        self.kind(at + 1) == Some(Kind::Compare)
            && matches!(
                (self.kind(at), self.kind(at + 2)),
                (Some(Kind::Number), Some(Kind::Number))
                    | (Some(Kind::Text), Some(Kind::Text | Kind::OpenText))
            )
    }

    /// `order by 7`, `having 1=1` and nothing else.
    pub(super) fn bare_clause(&self) -> bool {
        match self.tokens[0].kind {
            Kind::Order | Kind::Group => {
                self.kind(1) == Some(Kind::By)
                    && self.kind(2) == Some(Kind::Number)
                    && matches!(self.kind(3), None | Some(Kind::Comment | Kind::Comma))
            }
            Kind::Having => self.expression(1, 0).is_some_and(|e| {
                e.comparisons > 0 && e.solid > 1 && e.words == 0 && self.may_end(e.end)
            }),
            _ => false,
        }
    }

    /// `case when 1=1 then 2 end`, wherever it stands.
    pub(super) fn case(&mut self, at: usize) {
        let Some(end) = self.case_end(at) else {
            return;
        };
        let solid = (at + 1..end).any(|n| {
            matches!(
                self.kind(n),
                Some(
                    Kind::Number
                        | Kind::Text
                        | Kind::Null
                        | Kind::Variable
                        | Kind::Open
                        | Kind::Compare
                )
            )
        });
        if solid && !self.word_before(at) {
            self.note(Feature::Statement, at, end);
        }
    }

    pub(super) fn name(&mut self, at: usize) {
        let call = self.kind(at + 1) == Some(Kind::Open);
        if call && self.compares_in_call(at) && !self.word_before(at) {
            self.note(Feature::Expression, at, self.closing(at + 2));
        }
        if call && DELAYING.has(self.bytes(at)) && self.waits_for_database(at) {
            let heavy = self.is_word(at, &["benchmark"]) && self.kind(at + 3) == Some(Kind::Comma);
            let alone = at == 0 && !self.broken_out && !heavy;
            let end = self.closing(at + 2);
            let argument = matches!(
                self.kind(at + 2),
                Some(
                    Kind::Number
                        | Kind::Open
                        | Kind::Text
                        | Kind::Function
                        | Kind::Arithmetic
                        | Kind::OpenText
                )
            );
            let plain_word = self.word_before(at);
            let follows = self.may_end(end + 1)
                || matches!(
                    self.kind(end + 1),
                    Some(Kind::Arithmetic | Kind::Compare | Kind::Like)
                );
            if argument && !alone && !plain_word && follows {
                self.note(Feature::Delay, at, end);
            } else if argument && alone && self.ends(end + 1) {
                self.note(Feature::Wait, at, end);
            }
        }
        let reach = call
            || self.kind(at + 1) == Some(Kind::Dot)
            || matches!(self.tokens[at].kind, Kind::Catalogue)
            || self.bytes(at).starts_with(b"xp_");
        let called_with_number = call
            && self.kind(at + 2) == Some(Kind::Number)
            && self.kind(at + 3) == Some(Kind::Comma);
        if reach && TELLING.has(self.bytes(at)) && (called_with_number || self.has_structure()) {
            self.note(Feature::Disclosure, at, at + 1);
        }
        let tells = self.bytes(at).strip_prefix(b"@@").is_some_and(|name| {
            SERVER_VARIABLES
                .iter()
                .any(|known| name.starts_with(known.as_bytes()))
        });
        if tells {
            self.note(Feature::Disclosure, at, at);
        }
    }

    /// Whether nothing but brackets, a semicolon or a comment stands at `at` and behind it.
    fn ends(&self, at: usize) -> bool {
        match self.kind(at) {
            None | Some(Kind::Comment) => true,
            Some(Kind::Semicolon | Kind::Close) => self.kind(at + 1).is_none(),
            _ => false,
        }
    }

    /// Whether a plain word stands before `at`.
    fn word_before(&self, at: usize) -> bool {
        at.checked_sub(1)
            .is_some_and(|n| self.tokens[n].kind == Kind::Word)
    }

    /// `dbms_lock.sleep(5)` waits, `time.sleep(5)` is Python.
    fn waits_for_database(&self, at: usize) -> bool {
        let qualified = at > 0 && self.tokens[at - 1].kind == Kind::Dot;
        let packages = ["dbms_lock", "dbms_pipe", "dbms_session", "user_lock"];
        !qualified || (at > 1 && self.is_word(at - 2, &packages))
    }

    /// Whether the text has words that make a statement of names.
    fn has_structure(&self) -> bool {
        /// Fewer tokens than this are a name and its brackets.
        const FEWEST: usize = 4;
        self.tokens.len() >= FEWEST
            && self.step(self.tokens.len())
            && (self.broken_out
                || self.tokens.iter().any(|t| {
                    matches!(
                        t.kind,
                        Kind::Select | Kind::Logic | Kind::Semicolon | Kind::Verb | Kind::Case
                    )
                }))
    }
}

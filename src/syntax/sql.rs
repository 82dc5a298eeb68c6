//! SQL broken out of a literal: tokens, a small expression grammar, and what attackers do with it.
//!
//! A value reaches a statement as a number, or within single or double quotes. It is read in all three
//! contexts, as the database would read it; an attack is text that is *grammar* in one of them. Words
//! alone never are. Covers what MySQL, PostgreSQL, SQL Server, Oracle and SQLite have in common, with
//! their comments; not a parser of whole statements.

use super::bytes::worth_reading;

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
    /// Words split by inline comments.
    InlineComment = "inline_comment",
}

/// Without an odd byte, a text must hold one of these to be worth tokenising.
pub const NEEDS: &[&str] = &[
    "select", "union", "order by", "group by", "having", "drop ", "delete", "insert", "update",
    "--", "waitfor", " or ", " and ", "@@", "exec ",
];

/// Texts are cut into at most this many tokens.
const MAX_TOKENS: usize = 2000;

/// Longest string that a text may leave open behind an operator: the program's own quote closes it.
const MAX_OPEN_TAIL: usize = 12;

/// Word processors turn the two hyphens of a comment into a dash.
const EN_DASH: &[u8] = "\u{2013}".as_bytes();
const EM_DASH: &[u8] = "\u{2014}".as_bytes();

/// At most this many comments of one text are looked at.
const MAX_COMMENTS: usize = 64;

/// Longest comment that can stand for a blank between keywords, in bytes.
const MAX_COMMENT: usize = 64;

/// How deep brackets may nest before the grammar gives up.
const MAX_DEPTH: u32 = 24;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    /// A string that the text ends within.
    OpenText,
    Null,
    Variable,
    Word,
    Function,
    Catalogue,
    Logic,
    Not,
    Compare,
    Arithmetic,
    Like,
    Union,
    All,
    Select,
    From,
    Where,
    Order,
    Group,
    By,
    Having,
    Limit,
    Into,
    Procedure,
    Verb,
    Case,
    When,
    Open,
    Close,
    Comma,
    Dot,
    Semicolon,
    Comment,
    Other,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

/// Functions of the large databases that attacks call and searches rarely write with a bracket.
const FUNCTIONS: &[&str] = &[
    "abs",
    "aes_decrypt",
    "aes_encrypt",
    "ascii",
    "avg",
    "benchmark",
    "bin",
    "cast",
    "ceil",
    "char",
    "char_length",
    "charindex",
    "chr",
    "coalesce",
    "compress",
    "concat",
    "concat_ws",
    "connection_id",
    "conv",
    "convert",
    "count",
    "current_database",
    "current_setting",
    "current_user",
    "database",
    "datalength",
    "db_name",
    "decode",
    "dump",
    "elt",
    "encode",
    "exp",
    "export_set",
    "extractvalue",
    "field",
    "find_in_set",
    "floor",
    "format",
    "gtid_subset",
    "gtid_subtract",
    "getdate",
    "greatest",
    "group_concat",
    "has_dbaccess",
    "hex",
    "host_name",
    "if",
    "ifnull",
    "iif",
    "instr",
    "is_srvrolemember",
    "isnull",
    "json_keys",
    "lcase",
    "least",
    "left",
    "length",
    "like",
    "listagg",
    "load_extension",
    "load_file",
    "locate",
    "lower",
    "lpad",
    "ltrim",
    "make_set",
    "makeset",
    "max",
    "md5",
    "mid",
    "min",
    "mod",
    "name_const",
    "now",
    "nullif",
    "nvl",
    "object_id",
    "oct",
    "openquery",
    "openrowset",
    "ord",
    "password",
    "patindex",
    "pg_read_file",
    "pg_sleep",
    "pi",
    "polygon",
    "multipoint",
    "geometrycollection",
    "position",
    "pow",
    "quote",
    "quotename",
    "rand",
    "randomblob",
    "regexp_instr",
    "regexp_like",
    "regexp_substring",
    "repeat",
    "replace",
    "replicate",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "schema",
    "serverproperty",
    "session_user",
    "sha1",
    "sign",
    "sleep",
    "soundex",
    "space",
    "sqrt",
    "strcmp",
    "string_agg",
    "stuff",
    "substr",
    "substring",
    "sum",
    "suser_name",
    "suser_sname",
    "sys_eval",
    "sys_exec",
    "system_user",
    "to_base64",
    "to_char",
    "to_number",
    "trim",
    "ucase",
    "unhex",
    "unicode",
    "updatexml",
    "upper",
    "user",
    "user_name",
    "uuid",
    "version",
    "xmltype",
    "xp_cmdshell",
    "zeroblob",
    "dbms_pipe",
    "dbms_lock",
    "utl_http",
    "utl_inaddr",
    "query_to_xml",
    "database_to_xml",
    "row",
    "lo_import",
    "chr_length",
];

/// Names of catalogues and server variables.
const CATALOGUE: &[&str] = &[
    "all_tab_columns",
    "all_tables",
    "all_users",
    "dba_users",
    "information_schema",
    "master",
    "msysaccessobjects",
    "msysobjects",
    "mysql",
    "pg_catalog",
    "pg_database",
    "pg_shadow",
    "pg_stat_activity",
    "pg_tables",
    "pg_user",
    "sqlite_master",
    "sqlite_schema",
    "syscat",
    "syscolumns",
    "sysdatabases",
    "sysibm",
    "syslogins",
    "sysobjects",
    "sysusers",
    "tab",
    "user_tab_columns",
    "user_tables",
    "user_users",
    "rdb$database",
    "dual",
];

/// Variables that tell about the server (MySQL and SQL Server manuals), as prefixes.
const SERVER_VARIABLES: &[&str] = &[
    "version",
    "hostname",
    "datadir",
    "basedir",
    "servername",
    "servicename",
    "spid",
    "global.",
    "session.",
    "language",
    "innodb",
    "tmpdir",
    "rowcount",
    "secure_file",
    "max_",
    "plugin_dir",
    "dbts",
    "identity",
    "options",
    "port",
    "socket",
    "log_",
    "datadir",
    "slave",
    "server_",
    "general_log",
    "character_set",
    "read_only",
    "cpu_busy",
    "trancount",
    "microsoftversion",
    "sql_mode",
];

/// Calls that wait.
const DELAYS: &[&str] = &[
    "sleep",
    "pg_sleep",
    "benchmark",
    "randomblob",
    "receive_message",
    "generate_series",
    "pg_sleep_for",
    "usleep",
];

/// Calls and names that exist only to read or run what they should not.
const DISCLOSING: &[&str] = &[
    "extractvalue",
    "updatexml",
    "load_file",
    "xp_cmdshell",
    "xp_dirtree",
    "xp_regread",
    "sp_executesql",
    "sp_oacreate",
    "sp_password",
    "information_schema",
    "sysobjects",
    "syscolumns",
    "pg_read_file",
    "utl_http",
    "utl_inaddr",
    "utl_file",
    "dbms_xmlgen",
    "dbms_ldap",
    "xmltype",
    "name_const",
    "gtid_subset",
    "geometrycollection",
    "multipoint",
    "openrowset",
    "sqlite_master",
    "pg_catalog",
    "pg_shadow",
    "ctxsys",
    "load_extension",
    "make_set",
    "makeset",
    "group_concat",
    "database_to_xml",
    "query_to_xml",
    "lo_import",
    "sys_eval",
    "sys_exec",
    "all_tables",
    "user_tables",
    "json_keys",
    "all_tab_columns",
    "msysobjects",
    "msysaccessobjects",
    "xp_fileexist",
    "xp_subdirs",
    "master..xp_cmdshell",
];

/// The kind of a bare word.
fn word_kind(word: &[u8]) -> Kind {
    match word {
        b"and" | b"or" | b"xor" | b"div" | b"rlike_" => Kind::Logic,
        b"not" | b"binary" | b"distinctrow" => Kind::Not,
        b"like" | b"rlike" | b"regexp" | b"between" | b"in" | b"is" | b"similar" | b"ilike"
        | b"glob" | b"match" | b"sounds" | b"escape" => Kind::Like,
        b"mod" => Kind::Arithmetic,
        b"null" | b"true" | b"false" | b"unknown" | b"default" => Kind::Null,
        b"union" | b"intersect" | b"except" | b"minus" => Kind::Union,
        b"all" | b"distinct" | b"any" | b"some" | b"exists" => Kind::All,
        b"select" => Kind::Select,
        b"from" => Kind::From,
        b"where" => Kind::Where,
        b"order" => Kind::Order,
        b"group" => Kind::Group,
        b"by" => Kind::By,
        b"having" => Kind::Having,
        b"limit" | b"offset" | b"fetch" => Kind::Limit,
        b"into" => Kind::Into,
        b"procedure" => Kind::Procedure,
        b"case" => Kind::Case,
        b"when" | b"then" | b"else" | b"end" | b"as" | b"using" => Kind::When,
        b"insert" | b"update" | b"delete" | b"drop" | b"create" | b"alter" | b"exec"
        | b"execute" | b"declare" | b"shutdown" | b"truncate" | b"merge" | b"grant"
        | b"waitfor" | b"replace_" | b"call" | b"rename" | b"begin" | b"copy" | b"handler"
        | b"use" | b"set" | b"backup" | b"bulk" | b"do" | b"with_" | b"values" | b"attach"
        | b"commit" | b"rollback" | b"revoke" | b"lock" | b"load" => Kind::Verb,
        _ => {
            if let Ok(text) = std::str::from_utf8(word) {
                if CATALOGUE.contains(&text) {
                    return Kind::Catalogue;
                }
                if FUNCTIONS.contains(&text) {
                    return Kind::Function;
                }
            }
            Kind::Word
        }
    }
}

/// Cuts text into tokens.
fn tokenise(text: &[u8], from: usize, tokens: &mut Vec<Token>) {
    tokens.clear();
    let mut at = from;
    while at < text.len() && tokens.len() < MAX_TOKENS {
        let byte = text[at];
        if byte.is_ascii_whitespace() || byte == 0x0b {
            at += 1;
            continue;
        }
        let (kind, end) = token_at(text, at);
        if let Some(kind) = kind {
            tokens.push(Token {
                kind,
                start: at,
                end,
            });
        }
        at = end.max(at + 1);
    }
}

/// The token that starts at `at`; no kind for what the database skips.
fn token_at(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    let next = text.get(at + 1).copied().unwrap_or(0);
    match text[at] {
        b'@' if matches!(next, b'>' | b'?' | b'@')
            && !text.get(at + 2).is_some_and(u8::is_ascii_alphabetic) =>
        {
            (Some(Kind::Compare), at + 2)
        }
        0xe2 if text[at..].starts_with(EN_DASH) || text[at..].starts_with(EM_DASH) => {
            line_comment(text, at)
        }
        b'0'..=b'9' => (Some(Kind::Number), number_end(text, at)),
        b'.' if next.is_ascii_digit() => (Some(Kind::Number), number_end(text, at + 1)),
        b'a'..=b'z' | b'_' | b'A'..=b'Z' | 0x80.. => word(text, at),
        b'\'' | b'"' => string(text, at),
        b'`' | b'[' => {
            let close = if text[at] == b'`' { b'`' } else { b']' };
            match memchr::memchr(close, &text[at + 1..]) {
                Some(n) if n < 128 => (Some(Kind::Word), at + n + 2),
                _ => (Some(Kind::Other), at + 1),
            }
        }
        b'@' => (
            Some(Kind::Variable),
            word_end(text, at + if next == b'@' { 2 } else { 1 }),
        ),
        b'/' if next == b'*' => comment(text, at),
        b'*' if next == b'/' => (None, at + 2),
        b'\\' if next == b'n' => (Some(Kind::Null), at + 2),
        b'-' if next == b'-' => line_comment(text, at),
        b'#' if next == b'-' => (Some(Kind::Compare), at + 2),
        b'#' => line_comment(text, at),
        b':' if next == b':' => (None, word_end(text, at + 2)),
        b'?' if matches!(next, b'|' | b'&') => (Some(Kind::Compare), at + 2),
        b'?' => (Some(Kind::Variable), at + 1),
        b'(' => (Some(Kind::Open), at + 1),
        b')' => (Some(Kind::Close), at + 1),
        b',' => (Some(Kind::Comma), at + 1),
        b'.' => (Some(Kind::Dot), at + 1),
        b';' => (Some(Kind::Semicolon), at + 1),
        b'&' if next == b'&' => (Some(Kind::Logic), at + 2),
        b'|' if next == b'|' => (Some(Kind::Logic), at + 2),
        b'=' | b'<' | b'>' => (
            Some(Kind::Compare),
            at + 1 + usize::from(matches!(next, b'=' | b'>' | b'<' | b'@')),
        ),
        b'!' if next == b'=' => (Some(Kind::Compare), at + 2),
        b'!' | b'~' => (Some(Kind::Not), at + 1),
        b':' if next == b'=' => (Some(Kind::Compare), at + 2),
        b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'&' | b'|' => (Some(Kind::Arithmetic), at + 1),
        _ => (Some(Kind::Other), at + 1),
    }
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
    at + text[at.min(text.len())..]
        .iter()
        .take_while(|b| part(b))
        .count()
}

fn word(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    let end = word_end(text, at);
    // x'41', n'text', b'01', _utf8'text': a prefix of the string
    if text.get(end) == Some(&b'\'')
        && (end - at == 1 || text[at] == b'_')
        && matches!(text[at], b'x' | b'n' | b'b' | b'e' | b'_')
    {
        let (kind, end) = string(text, end);
        return (kind, end);
    }
    (Some(word_kind(&text[at..end])), end)
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

/// `/* */` is a blank; `/*! */` and `/*+` is code to MySQL; unclosed, it ends the text.
fn comment(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    if text.get(at + 2) == Some(&b'!') {
        let digits = text[at + 3..]
            .iter()
            .take(6)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let version = if digits == 5 || digits == 6 {
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

/// A comment to the end of the line: a blank if a line follows, else the end.
fn line_comment(text: &[u8], at: usize) -> (Option<Kind>, usize) {
    match memchr::memchr(b'\n', &text[at..]) {
        Some(n) if text[at + n..].iter().any(|b| !b.is_ascii_whitespace()) => (None, at + n + 1),
        _ => (Some(Kind::Comment), text.len()),
    }
}

/// Reads a text in every context.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    if !worth_reading(text, NEEDS) {
        return facts;
    }
    let mut tokens = Vec::new();
    tokenise(text, 0, &mut tokens);
    Reader {
        text,
        tokens: &tokens,
        facts: &mut facts,
        broken_out: false,
        from: 0,
    }
    .read();
    for quote in [b'\'', b'"'] {
        if let Some(at) = memchr::memchr(quote, text) {
            tokenise(text, at + 1, &mut tokens);
            Reader {
                text,
                tokens: &tokens,
                facts: &mut facts,
                broken_out: true,
                from: at,
            }
            .read();
        }
    }
    facts
}

/// One reading of a text.
struct Reader<'t> {
    text: &'t [u8],
    tokens: &'t [Token],
    facts: &'t mut Facts,
    /// The reading starts behind a quote that ended a literal.
    broken_out: bool,
    from: usize,
}

/// What an expression holds.
#[derive(Debug, Clone, Copy, Default)]
struct Expression {
    end: usize,
    comparisons: u32,
    calls: u32,
    /// Ends in a string that the text leaves open, as the program's own quote will close it.
    open: bool,
    /// Operands that are no plain word.
    solid: u32,
    words: u32,
    operators: u32,
    brackets: u32,
}

impl Reader<'_> {
    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn bytes(&self, at: usize) -> &[u8] {
        self.tokens
            .get(at)
            .map_or(b"", |token| &self.text[token.start..token.end])
    }

    fn is_word(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| word.as_bytes() == self.bytes(at))
    }

    fn note(&mut self, feature: Feature, from: usize, to: usize) {
        let end = self
            .tokens
            .get(to.min(self.tokens.len().saturating_sub(1)))
            .map_or(self.text.len(), |t| t.end);
        let start = if self.broken_out && from == 0 {
            self.from
        } else {
            self.tokens.get(from).map_or(self.from, |t| t.start)
        };
        self.facts.note(feature, start, end);
    }

    fn read(&mut self) {
        let bracket = usize::from(self.kind(0) == Some(Kind::Open));
        if self.kind(bracket) == Some(Kind::Case) && !self.broken_out {
            let when = (1..self.tokens.len().min(8)).any(|n| self.is_word(n, &["when"]));
            let end = (2..self.tokens.len()).any(|n| self.is_word(n, &["end"]));
            if when && end {
                self.note(Feature::Statement, 0, 2);
            }
        }
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
                | Kind::Into => self.clause(at),
                Kind::Function | Kind::Catalogue | Kind::Word | Kind::Variable => self.name(at),
                Kind::Verb => self.verb(at),
                _ => {}
            }
        }
        if self.broken_out {
            self.tail();
        } else {
            self.whole();
        }
        self.inline_comments();
    }

    /// Whether a literal was left before `at`: brackets and comments may stand between.
    fn left_literal(&self, at: usize) -> bool {
        let mut back = at;
        while back > 0 && matches!(self.tokens[back - 1].kind, Kind::Close | Kind::Comment) {
            back -= 1;
        }
        match back.checked_sub(1).map(|n| self.tokens[n].kind) {
            None => self.broken_out || back < at,
            Some(Kind::Number | Kind::Text | Kind::Null | Kind::OpenText | Kind::Variable) => true,
            Some(_) => back < at,
        }
    }

    /// A select list that could be one.
    fn list_follows(&self, at: usize) -> bool {
        match self.kind(at) {
            None | Some(Kind::Comment) => false,
            Some(
                Kind::Number
                | Kind::Text
                | Kind::OpenText
                | Kind::Null
                | Kind::Variable
                | Kind::Open
                | Kind::Case
                | Kind::All
                | Kind::Not
                | Kind::Catalogue,
            ) => true,
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

    fn left_literal_before_select(&self, at: usize) -> bool {
        self.broken_out && at < 6
    }

    fn union(&mut self, at: usize) {
        let mut next = at + 1;
        while matches!(
            self.kind(next),
            Some(Kind::All | Kind::Open | Kind::Comment)
        ) {
            next += 1;
        }
        if self.kind(next) != Some(Kind::Select) {
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
                && self.kind(next + 1) == Some(Kind::Open)
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
        let ends = closed && self.left_literal(at) && at > 0;
        if strong || ends {
            self.note(Feature::Union, at, next + 2);
        }
    }

    fn logic(&mut self, at: usize) {
        if self.is_word(at, &["div"]) {
            return;
        }
        if let Some(right) = self.expression(at + 1, 0)
            && let Some(feature) = self.condition(at, &right)
        {
            self.note(feature, at, right.end);
        }
    }

    /// What the logic operator at `at` and the expression behind it amount to.
    fn condition(&self, at: usize, right: &Expression) -> Option<Feature> {
        let left = self.left_literal(at);
        let start = at == 0 && !self.broken_out;
        if !self.may_end(right.end) {
            let dangling = matches!(self.kind(right.end), Some(Kind::Compare | Kind::Not))
                && self.kind(right.end + 1).is_none();
            return (dangling && self.broken_out && left).then_some(Feature::Tautology);
        }
        if right.comparisons > 0 && (right.solid > 0 || self.same_sides(at + 1, right.end)) {
            return self.comparison(at, right);
        }
        if right.calls > 0 && (left || start) {
            return Some(Feature::Boolean);
        }
        let commented = self.commented(right.end) && !right.open;
        let constant = (commented && (left || (start && right.solid > 0)))
            || (left && self.is_word(at + 1, &["true", "false"]))
            || (self.broken_out && left && right.solid > 0 && self.computes(right));
        constant.then_some(Feature::Constant)
    }

    /// A comparison behind a logic operator, by what stands before it.
    fn comparison(&self, at: usize, right: &Expression) -> Option<Feature> {
        let left = self.left_literal(at);
        let start = at == 0 && !self.broken_out;
        let strong = right.solid > 1 || self.same_sides(at + 1, right.end);
        // `"a" or b="c"` within one value is how query languages look
        let text = at > 0 && matches!(self.tokens[at - 1].kind, Kind::Text | Kind::Close);
        let equation = at > 1 && self.tokens[at - 2].kind == Kind::Compare;
        let filter =
            (text || equation) && !self.broken_out && right.words > 0 && !self.commented(right.end);
        if (left && !filter) || (strong && (start || self.word_left(at))) {
            return Some(Feature::Boolean);
        }
        let constants = right.solid > 2 || (right.solid > 1 && right.words == 0);
        (constants || (start && right.open)).then_some(Feature::Tautology)
    }

    /// Whether the rest of the statement is cut off at `at`.
    fn commented(&self, at: usize) -> bool {
        match self.kind(at) {
            Some(Kind::Comment) => true,
            Some(Kind::Semicolon) => self.broken_out && self.kind(at + 1).is_none(),
            _ => false,
        }
    }

    /// Operators on constants, or a number in the quote that the program will close.
    fn computes(&self, right: &Expression) -> bool {
        let last = self.tokens[right.end.min(self.tokens.len()) - 1];
        let inner = &self.text[last.start + 1..last.end.max(last.start + 1)];
        let number = right.open && !inner.is_empty() && inner.iter().all(u8::is_ascii_digit);
        let closed = right.words == 0 && !right.open;
        let operators = right.operators > 0 && (!right.open || inner.len() <= MAX_OPEN_TAIL);
        number || closed || operators
    }

    /// `a=a`: a comparison of a word with itself.
    fn same_sides(&self, from: usize, to: usize) -> bool {
        (from..to.min(self.tokens.len())).any(|at| {
            self.kind(at + 1) == Some(Kind::Compare)
                && self.kind(at) == Some(Kind::Word)
                && self.bytes(at) == self.bytes(at + 2)
        })
    }

    /// A single word before the operator, as in `admin or 1=1`, or `id and 1=1`.
    fn word_left(&self, at: usize) -> bool {
        at == 1 && matches!(self.tokens[0].kind, Kind::Word | Kind::Function)
    }

    /// What may follow a complete expression in a statement: never another word.
    fn may_end(&self, at: usize) -> bool {
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

    /// An expression from `at`; `None` if none starts there.
    fn expression(&self, at: usize, depth: u32) -> Option<Expression> {
        let mut result = self.operand(at, depth)?;
        loop {
            let at = result.end;
            let (comparison, next) = match self.kind(at) {
                Some(Kind::Compare) => (1, at + 1),
                Some(Kind::Arithmetic) => (0, at + 1),
                Some(Kind::Logic) => (0, at + 1),
                Some(Kind::Like) => (1, at + 1),
                Some(Kind::Not) => (0, at),
                _ => return Some(result),
            };
            let mut next = next;
            while matches!(
                self.kind(next),
                Some(Kind::Compare | Kind::Like | Kind::All | Kind::Not)
            ) {
                next += 1;
            }
            let Some(right) = self.operand(next, depth) else {
                return Some(result);
            };
            result = Expression {
                end: right.end,
                comparisons: result.comparisons + right.comparisons + comparison,
                calls: result.calls + right.calls,
                open: right.open,
                solid: result.solid + right.solid,
                words: result.words + right.words,
                operators: result.operators + right.operators + 1,
                brackets: result.brackets + right.brackets,
            };
        }
    }

    fn operand(&self, mut at: usize, depth: u32) -> Option<Expression> {
        if depth > MAX_DEPTH {
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
                let end = (at..self.tokens.len()).find(|&n| self.is_word(n, &["end"]))?;
                found.end = end + 1;
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
    fn bracket(&self, at: usize, depth: u32) -> Option<Expression> {
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

    /// The position of the bracket that closes what `at` is in, or the end.
    fn closing(&self, at: usize) -> usize {
        let mut depth = 0u32;
        for n in at..self.tokens.len() {
            match self.tokens[n].kind {
                Kind::Open => depth += 1,
                Kind::Close if depth == 0 => return n,
                Kind::Close => depth -= 1,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// A name, a qualified name, or a call.
    fn named(&self, at: usize, _depth: u32) -> Option<Expression> {
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
            if self.kind(end - 1) == Some(Kind::Function) || end > at + 1 {
                found.calls = 1;
                found.solid = 1;
            } else {
                let constant = (end..close.min(self.tokens.len())).any(|n| {
                    matches!(
                        self.tokens[n].kind,
                        Kind::Number | Kind::Text | Kind::Variable
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

    fn stacked(&mut self, at: usize) {
        let next = at + 1;
        let hit = match self.kind(next) {
            Some(Kind::Verb) => self.verb_is_statement(next),
            Some(Kind::Select) => {
                self.list_follows(next + 1) && !matches!(self.kind(next + 1), Some(Kind::OpenText))
            }
            Some(Kind::Function) if self.is_word(next, &["if"]) => {
                self.kind(next + 1) == Some(Kind::Open)
            }
            _ => false,
        };
        if hit {
            self.note(Feature::Stacked, at, next + 2);
        }
    }

    /// A verb with what must follow it.
    fn verb_is_statement(&self, at: usize) -> bool {
        self.changes_rows(at)
            || self.changes_schema(at)
            || self.runs_code(at)
            || self.administers(at)
    }

    /// `INSERT INTO t (`, `DELETE FROM t WHERE`, `UPDATE t SET a =`.
    fn changes_rows(&self, at: usize) -> bool {
        let second = |words: &[&str]| self.is_word(at + 1, words);
        match self.bytes(at) {
            b"insert" => {
                second(&["into"])
                    && matches!(
                        self.kind(at + 2),
                        Some(Kind::Word | Kind::Function | Kind::Catalogue)
                    )
                    && matches!(
                        self.kind(at + 3),
                        Some(Kind::Open | Kind::Dot | Kind::Verb | Kind::Select)
                    )
            }
            b"delete" => {
                second(&["from"])
                    && matches!(
                        self.kind(at + 2),
                        Some(Kind::Word | Kind::Catalogue | Kind::Function)
                    )
                    && matches!(
                        self.kind(at + 3),
                        None | Some(Kind::Where | Kind::Comment | Kind::Semicolon | Kind::Dot)
                    )
            }
            b"update" => (at + 2..at + 6)
                .any(|n| self.is_word(n, &["set"]) && self.kind(n + 2) == Some(Kind::Compare)),
            _ => false,
        }
    }

    /// `DROP TABLE t` and its like.
    fn changes_schema(&self, at: usize) -> bool {
        let second = |words: &[&str]| self.is_word(at + 1, words);
        match self.bytes(at) {
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
                    "or",
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
    fn runs_code(&self, at: usize) -> bool {
        let second = |words: &[&str]| self.is_word(at + 1, words);
        match self.bytes(at) {
            b"exec" | b"execute" => {
                (self.kind(at + 1) == Some(Kind::Open) && self.kind(at + 2).is_some())
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
            b"do" if self.kind(at + 1) == Some(Kind::Open) => self.kind(at + 2).is_some(),
            b"call" | b"do" => {
                self.kind(at + 2) == Some(Kind::Open) || self.kind(at + 2) == Some(Kind::Dot)
            }
            _ => false,
        }
    }

    /// Statements for the server itself: backups, grants, bulk loads, transactions.
    fn administers(&self, at: usize) -> bool {
        let second = |words: &[&str]| self.is_word(at + 1, words);
        match self.bytes(at) {
            b"shutdown" => {
                matches!(
                    self.kind(at + 1),
                    None | Some(Kind::Comment | Kind::Semicolon)
                ) || second(&["with"])
            }
            b"grant" => (at + 1..at + 5).any(|n| self.is_word(n, &["on", "to"])),
            b"copy" => {
                (at + 1..at + 6).any(|n| self.is_word(n, &["from", "to"]))
                    && (at + 1..at + 8).any(|n| self.is_word(n, &["program"]))
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

    fn verb(&mut self, at: usize) {
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
    fn reads_like_search(&self) -> bool {
        self.tokens.len() <= 4
            && self
                .tokens
                .iter()
                .all(|t| matches!(t.kind, Kind::Verb | Kind::Word | Kind::Function))
    }

    fn select(&mut self, at: usize) {
        let list = self.list_follows(at + 1);
        let before = at.checked_sub(1).and_then(|n| self.kind(n));
        if before == Some(Kind::Open) && list && !matches!(self.kind(at + 1), Some(Kind::OpenText))
        {
            self.note(Feature::Subselect, at - 1, at + 2);
            return;
        }
        let source =
            (at + 1..(at + 12).min(self.tokens.len())).find(|&n| self.kind(n) == Some(Kind::From));
        let catalogue = source.is_some_and(|n| {
            self.kind(n + 1) == Some(Kind::Catalogue) || self.kind(n + 2) == Some(Kind::Dot)
        });
        let user = matches!(self.kind(at + 1), Some(Kind::Function))
            && matches!(self.kind(at + 2), Some(Kind::Semicolon | Kind::Comment));
        let branch = self.is_word(0, &["if"]) && self.kind(1) == Some(Kind::Open) && list;
        if (at == 0 && !self.broken_out && (catalogue || user)) || branch {
            self.note(Feature::Statement, 0, at + 2);
            return;
        }
        let starts = at == 0 || (at == 1 && matches!(before, Some(Kind::Open | Kind::Close)));
        let from =
            (at + 2..(at + 60).min(self.tokens.len())).find(|&n| self.tokens[n].kind == Kind::From);
        // `select * from table tutorial` is what people search for
        let sentence = from.is_some_and(|n| {
            self.kind(n + 1) == Some(Kind::Word)
                && matches!(self.kind(n + 2), Some(Kind::Word | Kind::Function))
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
        if starts
            && solid
            && (from.is_some()
                || matches!(self.kind(at + 1), Some(Kind::Variable))
                || matches!(self.kind(at + 2), Some(Kind::Comment | Kind::Comma))
                || self.kind(at + 2) == Some(Kind::Open))
        {
            self.note(Feature::Statement, at, from.map_or(at + 2, |n| n + 1));
        }
    }

    fn clause(&mut self, at: usize) {
        let left = self.left_literal(at) && (at > 0 || self.broken_out);
        let hit = match self.tokens[at].kind {
            Kind::Order | Kind::Group => {
                left && self.kind(at + 1) == Some(Kind::By)
                    && matches!(
                        self.kind(at + 2),
                        Some(Kind::Number | Kind::Open | Kind::Function | Kind::Word)
                    )
                    && (self.may_end(at + 3)
                        || self.kind(at + 2) == Some(Kind::Open)
                        || self.kind(at + 3) == Some(Kind::Dot)
                        || self.kind(at + 3) == Some(Kind::Open))
            }
            Kind::Having => {
                left && self
                    .expression(at + 1, 0)
                    .is_some_and(|e| e.comparisons + e.calls > 0 && e.solid > 0)
            }
            Kind::Limit => {
                left && self.kind(at + 1) == Some(Kind::Number)
                    && (at + 2..at + 6).any(|n| {
                        matches!(
                            self.kind(n),
                            Some(Kind::Into | Kind::Procedure | Kind::Union | Kind::Comment)
                        )
                    })
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
        }
    }

    /// `order by 7`, `having 1=1` and nothing else.
    fn bare_clause(&self) -> bool {
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

    fn name(&mut self, at: usize) {
        let call = self.kind(at + 1) == Some(Kind::Open);
        if call && self.is_word(at, DELAYS) {
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
            let plain_word = at
                .checked_sub(1)
                .is_some_and(|n| self.tokens[n].kind == Kind::Word);
            let follows = self.may_end(end + 1)
                || matches!(
                    self.kind(end + 1),
                    Some(Kind::Arithmetic | Kind::Compare | Kind::Like)
                );
            if argument && !alone && !plain_word && follows {
                self.note(Feature::Delay, at, end);
            }
        }
        let reach = call
            || self.kind(at + 1) == Some(Kind::Dot)
            || matches!(self.tokens[at].kind, Kind::Catalogue)
            || self.bytes(at).starts_with(b"xp_");
        let within = self.tokens.len() > 3
            && (self.broken_out
                || self.tokens.iter().any(|t| {
                    matches!(
                        t.kind,
                        Kind::Select | Kind::Logic | Kind::Semicolon | Kind::Verb | Kind::Case
                    )
                }));
        if reach && within && self.is_word(at, DISCLOSING) {
            self.note(Feature::Disclosure, at, at + 1);
        }
        let variable = self.bytes(at).strip_prefix(b"@@").unwrap_or_default();
        if SERVER_VARIABLES
            .iter()
            .any(|known| variable.starts_with(known.as_bytes()))
        {
            self.note(Feature::Disclosure, at, at);
        }
    }

    /// What stands right behind the quote that ended a literal.
    fn tail(&mut self) {
        let mut at = 0;
        while self.kind(at) == Some(Kind::Close) {
            at += 1;
        }
        match self.kind(at) {
            Some(Kind::Comment) => {
                let token = self.tokens[at];
                let rest = &self.text[token.start..];
                let body = rest
                    .iter()
                    .skip_while(|b| matches!(b, b'-' | b'#' | b'/' | b'*'))
                    .count();
                if body <= 24 && (rest[0] != b'#' || body == 0 || at > 0) {
                    self.note(Feature::Comment, 0, at);
                }
            }
            Some(Kind::Semicolon) if matches!(self.kind(at + 1), Some(Kind::Comment)) => {
                self.note(Feature::Comment, 0, at + 1)
            }
            Some(Kind::Compare | Kind::Arithmetic | Kind::Like | Kind::Logic | Kind::Not) => {
                self.operator_tail(at)
            }
            _ => {}
        }
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
        let commented = self.kind(right.end) == Some(Kind::Comment);
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

    /// `elt(1=1,2)`: a function of the database that is given a comparison of numbers.
    fn compares_in_call(&self) -> bool {
        self.kind(0) == Some(Kind::Function)
            && self.kind(1) == Some(Kind::Open)
            && self.kind(2) == Some(Kind::Number)
            && self.kind(3) == Some(Kind::Compare)
            && self.kind(4) == Some(Kind::Number)
    }

    /// The text as one expression: compared constants, or an expression before a comment.
    fn whole(&mut self) {
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
        if (computed || self.compares_in_call()) && self.may_end(all.end) {
            self.note(Feature::Expression, 0, all.end);
        }
        let number_first = matches!(self.kind(0), Some(Kind::Number | Kind::Text));
        if number_first && all.calls > 0 && all.operators > 0 && self.may_end(all.end) {
            self.note(Feature::Expression, 0, all.end);
        }
        let dashes =
            self.kind(all.end) == Some(Kind::Comment) && self.bytes(all.end).first() != Some(&b'#');
        let after = self
            .tokens
            .get(all.end)
            .and_then(|t| self.text.get(t.start + 2));
        let blank = after.is_none_or(u8::is_ascii_whitespace);
        if dashes && blank && all.solid > 0 && all.operators + all.brackets > 0 {
            self.note(Feature::Expression, 0, all.end);
        }
    }

    /// Comments between or within words: `un/**/ion`, `union/**/select`, `/*!50000select*/`.
    fn inline_comments(&mut self) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn grammar_tells_breakouts_from_text() {
        let has = |text: &str, feature| analyse(text.as_bytes()).span(feature).is_some();
        for (text, feature) in [
            ("1 or 1=1", Feature::Boolean),
            ("x' or 'a'='a", Feature::Boolean),
            ("x\") and (\"a\"=\"a", Feature::Boolean),
            ("1'/**/and/**/1=1 -- a", Feature::Boolean),
            ("admin'--", Feature::Comment),
            ("' or 1#", Feature::Constant),
            ("-1 union/*!50000*/select 1,2", Feature::Union),
            ("1;drop table t", Feature::Stacked),
            ("1'-sleep(5)-'", Feature::Delay),
            ("1 order by 7", Feature::Clause),
            ("(select 1 from t)", Feature::Subselect),
            ("elt(1=1,2)", Feature::Expression),
            ("'='", Feature::Operator),
        ] {
            assert!(has(text, feature), "{text}: {feature:?}");
        }
        for text in [
            "rock 'n' roll or blues",
            "5' 6\" curtain rod",
            "\"union station\" or \"grand central\"",
            "select a size from the list",
            "union select committee",
            "drop table lamp",
            "it's; order by phone",
            "title~\"a\" or label=\"b\"",
            "x=1 or y=2",
        ] {
            assert_eq!(analyse(text.as_bytes()), Facts::default(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn spans_stay_within_the_text(text in "([a-z0-9'\"();,=#*/ -]|union |select |or |sleep\\(|case when )*") {
            let facts = analyse(text.as_bytes());
            for feature in Feature::ALL {
                if let Some((start, end)) = facts.span(*feature) {
                    prop_assert!(start <= end && end <= text.len(), "{feature:?} in {text}");
                }
            }
        }
    }
}

//! What an SQL payload asks, as far as it can be known without the database: whether the constants that it
//! compares make its condition true, how long it asks the database to wait, and its shape without the values
//! that a tool varies.
//!
//! Reads decoded text in lower case. Not for finding attacks: `sql` does that.

use serde::{Deserialize, Serialize};

/// The operators that compare, longest first, so that `<` does not hide `<>`.
const OPERATORS: &[(&[u8], Operator)] = &[
    (b"<=>", Operator::Equal),
    (b"<>", Operator::Unequal),
    (b"!=", Operator::Unequal),
    (b"<=", Operator::AtMost),
    (b">=", Operator::AtLeast),
    (b"=", Operator::Equal),
    (b"<", Operator::Less),
    (b">", Operator::More),
    (b" like ", Operator::Equal),
    (b" between ", Operator::Between),
];

/// Calls that make a statement wait, and what their number counts in seconds: MySQL `SLEEP`, PostgreSQL
/// `PG_SLEEP`, SQL Server `WAITFOR DELAY 'h:m:s'`, Oracle `DBMS_LOCK.SLEEP` and `DBMS_PIPE.RECEIVE_MESSAGE`,
/// a shell's `sleep`. `BENCHMARK` and heavy queries name no time.
const DELAYS: &[&[u8]] = &[
    b"sleep(",
    b"pg_sleep(",
    b"sleep (",
    b"sleep ",
    b"waitfor delay",
    b"receive_message(",
];

/// What reads a value bit by bit or row by row: substrings, character codes, rows by number (MySQL,
/// PostgreSQL, SQL Server, Oracle, SQLite).
const READS: &[&[u8]] = &[
    b"mid(",
    b"substr",
    b"ascii(",
    b"ord(",
    b"unicode(",
    b"left(",
    b"limit ",
    b"offset ",
    b"rownum",
    b"cast(",
    b"concat",
    b"group_concat",
    b"row_number",
];

/// What statements do beside reading tables, by the calls that do it: files read and written (MySQL, PostgreSQL, SQL
/// Server), and names looked up or pages fetched elsewhere, which carry data out of band (SQL Server, Oracle,
/// MySQL on Windows).
const MEANS: &[(&[u8], Means)] = &[
    (b"load_file(", Means::FileRead),
    (b"pg_read_file(", Means::FileRead),
    (b"openrowset(bulk", Means::FileRead),
    (b"into outfile", Means::FileWrite),
    (b"into dumpfile", Means::FileWrite),
    (b"lo_export(", Means::FileWrite),
    (b"xp_dirtree", Means::OutOfBand),
    (b"xp_fileexist", Means::OutOfBand),
    (b"utl_http.request", Means::OutOfBand),
    (b"utl_inaddr", Means::OutOfBand),
    (b"httpuritype(", Means::OutOfBand),
    (b"dbms_ldap.init", Means::OutOfBand),
];

/// See `MEANS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Means {
    /// A file of the database server is read.
    FileRead,
    /// One is written.
    FileWrite,
    /// Another server is asked.
    OutOfBand,
}

impl Means {
    /// As the report names the technique.
    pub fn name(self) -> &'static str {
        match self {
            Means::FileRead => "file_read",
            Means::FileWrite => "file_write",
            Means::OutOfBand => "out_of_band",
        }
    }
}

/// Longer waits are no test of anything: a server ends the request before.
const MAX_DELAY_S: f64 = 3600.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    More,
    AtMost,
    AtLeast,
    Between,
}

/// A constant of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Constant<'a> {
    Number(u64),
    Text(&'a [u8]),
}

/// How a comparison is joined to what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joined {
    And,
    Or,
}

/// Takes comments out of a payload and joins white space: `/**/` is a blank, `--` and `#` end a line.
/// `text` is decoded and in lower case.
pub fn plain(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(b"/*") {
            // MySQL runs what stands in `/*! ... */`; only the marks are left out there.
            let code = rest.get(2) == Some(&b'!');
            let end = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
            at += if code { 3 } else { end };
            blank(out);
        } else if rest.starts_with(b"*/") {
            at += 2;
        } else if rest[0] == b'#' || rest.starts_with(b"-- ") || rest == b"--" {
            break;
        } else if rest[0].is_ascii_whitespace() || rest[0] == 0 {
            blank(out);
            at += 1;
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
}

fn blank(out: &mut Vec<u8>) {
    if out.last() != Some(&b' ') {
        out.push(b' ');
    }
}

/// The payload without its numbers and the texts in quotes: what is left is the same for all requests of one
/// test or one extraction. `text` is [`plain`].
pub fn skeleton(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let after_word = out.last().is_some_and(|last| is_word(*last));
        if byte.is_ascii_digit() && !after_word {
            let hex = text[at..].starts_with(b"0x");
            let digit = |byte: &&u8| byte.is_ascii_digit() || hex && byte.is_ascii_alphanumeric();
            at += text[at..].iter().take_while(digit).count();
            out.push(b'0');
        } else if matches!(byte, b'\'' | b'"') {
            let inner = &text[at + 1..];
            match inner.iter().position(|other| *other == byte) {
                Some(end) if inner[..end].iter().all(|byte| is_word(*byte)) => {
                    out.extend([byte, byte]);
                    at += end + 2;
                }
                None if inner.iter().all(|byte| is_word(*byte)) => {
                    out.push(byte);
                    at = text.len();
                }
                _ => {
                    out.push(byte);
                    at += 1;
                }
            }
        } else {
            out.push(byte);
            at += 1;
        }
    }
}

/// Whether the constants compared in a payload make its condition true; `None` when it compares none. What the
/// condition is joined to, the application's own part, counts as true before `AND` and as false
/// before `OR`. `text` is [`plain`].
pub fn truth(text: &[u8]) -> Option<bool> {
    let mut groups: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some((word, operator)) = OPERATORS.iter().find(|(word, _)| rest.starts_with(word))
        else {
            at += 1;
            continue;
        };
        let compared = compare(&text[..at], *operator, &text[at + word.len()..]);
        // The blank after a word may stand before the next one.
        at += word.len().max(2) - 1;
        let Some((joined, holds)) = compared else {
            continue;
        };
        match groups.last_mut() {
            Some(group) if joined == Joined::And => *group &= holds,
            _ => groups.push(holds),
        }
    }
    (!groups.is_empty()).then(|| groups.contains(&true))
}

fn compare(before: &[u8], operator: Operator, after: &[u8]) -> Option<(Joined, bool)> {
    let (left, before) = constant_before(before)?;
    let (right, after) = constant_after(after)?;
    let holds = match (operator, left, right) {
        (Operator::Between, ..) => {
            let (_, upper) = after.trim_ascii_start().split_at_checked(3)?;
            let (upper, _) = constant_after(upper)?;
            left >= right && left <= upper
        }
        (Operator::Equal, ..) => left == right,
        (Operator::Unequal, ..) => left != right,
        (_, Constant::Number(left), Constant::Number(right)) => match operator {
            Operator::Less => left < right,
            Operator::More => left > right,
            Operator::AtMost => left <= right,
            _ => left >= right,
        },
        _ => return None,
    };
    let (joined, negated) = connective(before);
    Some((joined, holds != negated))
}

/// The constant that ends before an operator, and what stands before it.
fn constant_before(text: &[u8]) -> Option<(Constant<'_>, &[u8])> {
    let text = text.trim_ascii_end();
    let last = *text.last()?;
    if matches!(last, b'\'' | b'"') {
        let inner = &text[..text.len() - 1];
        let start = memchr::memrchr(last, inner)?;
        return Some((Constant::Text(&inner[start + 1..]), &inner[..start]));
    }
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let start = text.len() - digits.count();
    let number = number(&text[start..])?;
    let within = |byte: &u8| is_word(*byte) || *byte == b'.';
    let alone = !text[..start].last().is_some_and(within);
    alone.then_some((Constant::Number(number), &text[..start]))
}

/// The constant that an operator is followed by, and what follows it. A text that the payload leaves open is
/// closed by the application; it says something only when it is not empty.
fn constant_after(text: &[u8]) -> Option<(Constant<'_>, &[u8])> {
    let text = text.trim_ascii_start();
    let first = *text.first()?;
    if matches!(first, b'\'' | b'"') {
        let inner = &text[1..];
        return match memchr::memchr(first, inner) {
            Some(end) => Some((Constant::Text(&inner[..end]), &inner[end + 1..])),
            None if inner.is_empty() => None,
            None => Some((Constant::Text(inner), b"")),
        };
    }
    let end = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let within = |byte: &u8| is_word(*byte) || *byte == b'.';
    let alone = !text[end..].first().is_some_and(within);
    let number = number(&text[..end]).filter(|_| alone)?;
    Some((Constant::Number(number), &text[end..]))
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What joins a comparison to the text before it, and whether it is negated. Anything but `OR` is taken as
/// `AND`: inside a call or a `CASE WHEN` the comparison alone decides.
fn connective(before: &[u8]) -> (Joined, bool) {
    let mut text = before;
    let mut negated = false;
    loop {
        let open = |byte: &&u8| matches!(byte, b' ' | b'(');
        text = &text[..text.len() - text.iter().rev().take_while(open).count()];
        let word = text.iter().rev().take_while(|byte| is_word(**byte)).count();
        let (rest, word) = text.split_at(text.len() - word);
        match word {
            b"not" => {
                negated = !negated;
                text = rest;
            }
            b"or" => return (Joined::Or, negated),
            b"" if rest.ends_with(b"||") => return (Joined::Or, negated),
            _ => return (Joined::And, negated),
        }
    }
}

/// Seconds that the payload asks to wait; `None` when it asks for none. `text` is [`plain`].
pub fn delay_s(text: &[u8]) -> Option<f64> {
    let calls = DELAYS.iter().flat_map(|call| {
        memchr::memmem::find_iter(text, call).map(move |at| &text[at + call.len()..])
    });
    let longest = calls.filter_map(seconds).fold(0.0, f64::max);
    (longest > 0.0 && longest <= MAX_DELAY_S).then_some(longest)
}

/// The number of seconds that an argument begins with: `5)`, `'0:0:5'`, `('x',5)`, `5-(if(1=1,0,5))`.
fn seconds(argument: &[u8]) -> Option<f64> {
    let lead = |byte: &&u8| matches!(byte, b' ' | b'\'' | b'"' | b'(');
    let argument = &argument[argument.iter().take_while(lead).count()..];
    let argument = match argument.first() {
        // DBMS_PIPE.RECEIVE_MESSAGE('name',5)
        Some(byte) if byte.is_ascii_alphabetic() => {
            let comma = memchr::memchr(b',', argument.get(..64).unwrap_or(argument))?;
            &argument[comma + 1..]
        }
        _ => argument,
    };
    let part = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.');
    let length = argument.iter().take_while(part).count();
    let text = std::str::from_utf8(&argument[..length]).ok()?;
    text.split(':').try_fold(0.0, |total: f64, part| {
        Some(total * 60.0 + part.parse::<f64>().ok()?)
    })
}

/// What the payload does beside reading tables. `text` is [`plain`].
pub fn means(text: &[u8]) -> Option<Means> {
    let calls = |(call, _): &&(&[u8], Means)| memchr::memmem::find(text, call).is_some();
    MEANS.iter().find(calls).map(|(_, means)| *means)
}

/// True when a payload reads a value piece by piece. `text` is [`plain`].
pub fn reads(text: &[u8]) -> bool {
    let has = |word: &&[u8]| memchr::memmem::find(text, word).is_some();
    memchr::memmem::find(text, b"select").is_some() && READS.iter().any(has)
}

/// True for what a name or a number is made of.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(payload: &str) -> Option<bool> {
        let mut text = Vec::new();
        plain(payload.to_ascii_lowercase().as_bytes(), &mut text);
        truth(&text)
    }

    #[test]
    fn constants_decide_and_the_application_does_not() {
        for payload in [
            "5 AND 1=1",
            "5' AND 'a'='a",
            "5 AND 4821=4821-- x",
            "5/**/AND/**/7>3#",
            "5' AND NOT 1=2 AND 'q'='q",
            "-1 OR 3 BETWEEN 3 AND 3",
            "-9' OR MAKE_SET(8=8,3) OR 'x'='y",
            "5 AND (SELECT CASE WHEN (2=2) THEN 5 ELSE 6 END)",
            "x%' AND 5=5 AND '%'='",
        ] {
            assert_eq!(of(payload), Some(true), "{payload}");
        }
        for payload in [
            "5 AND 1=2",
            "5 AND 4821=9117",
            "5' AND 'a'='b",
            "-1 OR NOT 3 BETWEEN 3 AND 3",
            "-9' OR ELT(8=9,3) AND 'x'='x",
            "5 AND 1=1 AND 1=2",
            "5 AND 1<>1",
        ] {
            assert_eq!(of(payload), Some(false), "{payload}");
        }
        for payload in ["5'", "x AND ORD(MID(user(),1,1))>64", "name=5", "a=b", "='"] {
            assert_eq!(of(payload), None, "{payload}");
        }
    }

    #[test]
    fn a_skeleton_is_what_a_tool_does_not_vary() {
        let of = |payload: &str| {
            let (mut text, mut skeleton_of) = (Vec::new(), Vec::new());
            plain(payload.to_ascii_lowercase().as_bytes(), &mut text);
            skeleton(&text, &mut skeleton_of);
            String::from_utf8(skeleton_of).unwrap()
        };
        assert_eq!(of("5 AND 4821=9117-- abc"), of("7 aNd 12=12#x"));
        assert_eq!(of("1' AND 'ab'='cd"), of("1' AND 'ef'='ef"));
        assert_eq!(
            of("1 LIMIT 12,1 CONCAT(0x7a71)"),
            of("1 LIMIT 7,1 CONCAT(0x71)")
        );
        assert_ne!(of("5 AND 1=1"), of("5 OR 1=1"));
    }

    #[test]
    fn files_and_lookups_are_seen() {
        let of = |payload: &str| means(payload.to_ascii_lowercase().as_bytes());
        assert_eq!(
            of("-1 UNION SELECT LOAD_FILE('/etc/passwd')"),
            Some(Means::FileRead)
        );
        assert_eq!(of("1 INTO OUTFILE '/srv/x.php'"), Some(Means::FileWrite));
        assert_eq!(
            of("1;EXEC master..xp_dirtree '//a.example/x'"),
            Some(Means::OutOfBand)
        );
        assert_eq!(of("1 UNION SELECT 1"), None);
    }

    #[test]
    fn waits_are_read_in_every_dialect() {
        let of = |payload: &str| delay_s(payload.to_ascii_lowercase().as_bytes());
        assert_eq!(of("1 AND SLEEP(5)"), Some(5.0));
        assert_eq!(of("1;SELECT PG_SLEEP(2.5)--"), Some(2.5));
        assert_eq!(of("1;WAITFOR DELAY '0:0:7'--"), Some(7.0));
        assert_eq!(of("1 AND DBMS_PIPE.RECEIVE_MESSAGE('a',9)=9"), Some(9.0));
        assert_eq!(of("x;sleep 4"), Some(4.0));
        assert_eq!(of("1 AND SLEEP(5-(IF(1=1,0,5)))"), Some(5.0));
        assert_eq!(of("1 AND SLEEP(0)"), None);
        assert_eq!(of("sleep(99999)"), None);
        assert_eq!(of("sleeping bag"), None);
        assert_eq!(of("sleep("), None);
    }
}

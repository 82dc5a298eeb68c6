//! Values of parameters, in targets and wherever else a query stands.

use crate::pseudonym::{Kind, Pseudonyms};

use super::rewrite::{expression, rewrite};
use super::text::Seen;

/// Names of parameters are longer in no program.
const MAX_NAME: usize = 64;

/// A value that is only digits and one point stays where it is not known to be a value: times, sizes.
const SHORT_NUMBER: usize = 4;

/// Replaces values, and notes what it replaced.
pub struct Queries<'a> {
    pub names: &'a Pseudonyms,
    pub seen: &'a mut Seen,
}

expression!(
    QUOTED_REQUEST,
    r#"(?s)(["“])([A-Za-z_-]{2,20}) (.*?)( HTTP/\d(?:\.\d)?\\?["”])"#
);
expression!(
    CUT_REQUEST,
    r#"(?s)(["“])([A-Z]{3,16}) ((?:/|https?:)[^"”]*)"#
);
expression!(
    BARE_REQUEST,
    r#"(?s)\b([A-Z]{3,16}) ((?:/|https?:)[^"”]*?)( HTTP/\d(?:\.\d)?)"#
);
expression!(VERSION_LAST, r" HTTP/\d(?:\.\d)?\\?$");
expression!(QUERY, r#"\?([^\s"“”<>]+)"#);
expression!(MATRIX, r#";([A-Za-z0-9_.\-]{1,64})=([^;/?\s"“”]+)"#);
expression!(
    SEVERAL,
    r#"(^|[\s"|])([A-Za-z0-9_.\-\[\]%$:]{1,64}=[^\s"&]*(?:&[^\s"&=]+(?:=[^\s"&]*)?)+)"#
);
expression!(
    SINGLE,
    r#"(^|[\s|])([A-Za-z0-9_.\-\[\]%$]{1,64})=([^\s"&,;]+)"#
);
expression!(EXTENDED, r"\b([A-Z]{3,16}) (/\S*) (\S+) (\d{2,5}) ");

impl Queries<'_> {
    /// Queries in a text: of requests, and behind every question mark.
    pub fn in_text(&mut self, text: &mut String) {
        rewrite(text, &QUOTED_REQUEST, |found| {
            let target = self.target(&found[3]);
            format!("{}{} {target}{}", &found[1], &found[2], &found[4])
        });
        rewrite(text, &BARE_REQUEST, |found| {
            let target = self.target(&found[2]);
            format!("{} {target}{}", &found[1], &found[3])
        });
        rewrite(text, &CUT_REQUEST, |found| {
            if VERSION_LAST.is_match(&found[3]) {
                return found[0].to_owned();
            }
            let target = self.target(found[3].trim_end_matches('\\'));
            format!("{}{} {target}", &found[1], &found[2])
        });
        rewrite(text, &QUERY, |found| {
            let query = found[1].trim_end_matches([',', ';', ':', '.', ')', ']', '}', '\\']);
            format!("?{}{}", self.query(query), &found[1][query.len()..])
        });
        rewrite(text, &MATRIX, |found| {
            format!(";{}={}", &found[1], self.value(&found[2]))
        });
    }

    /// Queries that stand in a column of their own.
    pub fn in_columns(&mut self, text: &mut String) {
        rewrite(text, &EXTENDED, |found| {
            let query = match &found[3] {
                none if none == "-" || none.starts_with("HTTP/") => none.to_owned(),
                query => self.query(query),
            };
            format!("{} {} {query} {} ", &found[1], &found[2], &found[4])
        });
        rewrite(text, &SEVERAL, |found| {
            format!("{}{}", &found[1], self.query(&found[2]))
        });
        rewrite(text, &SINGLE, |found| {
            let value = match is_measure(&found[3]) {
                true => found[3].to_owned(),
                false => self.value(&found[3]),
            };
            format!("{}{}={value}", &found[1], &found[2])
        });
    }

    /// A whole target: all behind the first question mark is its query, blanks and quotes included.
    fn target(&mut self, target: &str) -> String {
        let Some((path, query)) = target.split_once('?') else {
            return target.to_owned();
        };
        // What logs such as error logs write behind a target is found again.
        format!("{path}?{}", self.query(query))
    }

    /// A query, without its question mark.
    pub fn query(&mut self, query: &str) -> String {
        let pairs: Vec<String> = query.split('&').map(|pair| self.pair(pair)).collect();
        pairs.join("&")
    }

    fn pair(&mut self, pair: &str) -> String {
        match pair.split_once('=') {
            Some((name, value)) if is_name(name) => format!("{name}={}", self.value(value)),
            // A name that is none is a part of the payload.
            _ => self.value(pair),
        }
    }

    /// A value; the same however it is encoded.
    pub fn value(&mut self, value: &str) -> String {
        if value.is_empty() || Pseudonyms::is_name(Kind::Value, value) {
            return value.to_owned();
        }
        let plain = decoded(value);
        self.seen.value(value);
        self.seen.value(&plain);
        self.names.name(Kind::Value, &plain)
    }
}

/// Whether a text could be the name of a parameter, and no payload. Brackets may be encoded.
pub fn is_name(name: &str) -> bool {
    let plain = name
        .replace("%5B", "[")
        .replace("%5D", "]")
        .replace("%5b", "[")
        .replace("%5d", "]");
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]$:".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && plain.bytes().all(is_part)
}

/// A time, a size or a short number, as logs write them behind a name.
fn is_measure(value: &str) -> bool {
    let mut parts = value.splitn(2, '.');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match (parts.next(), parts.next()) {
        (Some(whole), None) => digits(whole) && whole.len() <= SHORT_NUMBER,
        (Some(whole), Some(fraction)) => {
            digits(whole) && digits(fraction) && whole.len() <= SHORT_NUMBER
        }
        _ => value == "-",
    }
}

/// A value without its percent-encoding (one round) and its plus signs.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = behind.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match code {
            Some(_) => &behind[2..],
            None => behind,
        };
        bytes.push(match (code, first) {
            (Some(code), _) => code,
            (None, b'+') => b' ',
            (None, other) => *other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

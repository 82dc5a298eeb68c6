//! Where an access log in the combined family writes `X-Forwarded-For`, found without its configuration.
//!
//! People append `"$http_x_forwarded_for"` (nginx's own example configuration does) or `"%{X-Forwarded-For}i"`, somewhere
//! behind the user agent. Clients can write anything into that header, and most direct requests lack it, so a column
//! counts when most of what stands in it are lists of addresses. Servers log addresses of their own as well:
//! those of upstreams, with one of few ports, and the one that was asked, which is the same on every line.

use std::collections::BTreeSet;

use crate::client::Client;
use crate::format::extras::{MAX_COLUMNS, columns};
use serde::{Deserialize, Serialize};

use crate::proxies::is_address;

/// The column behind the known fields that names who asked in the words of the proxies in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// From 0.
    index: usize,
}

/// Upstreams listen on few ports, clients come from another one nearly every time: a column of clients has at least
/// one port for so many values ...
const VALUES_PER_PORT: usize = 16;

/// ... and at least so many in all.
const LEAST_PORTS: usize = 4;

impl Column {
    /// The column in which lines have lists of addresses, if there is one. `extras` is what follows the known fields of
    /// each sampled line.
    pub fn vote(extras: &[&[u8]]) -> Option<Column> {
        let columns = (0..MAX_COLUMNS).map(|index| Column { index });
        let counted = columns.filter_map(|column| Some((column.lists(extras)?, column)));
        // Of two that have as many, the first.
        counted
            .rev()
            .max_by_key(|(lists, _)| *lists)
            .map(|(_, column)| column)
    }

    /// What the column says on a line, without quotes; `None` where it says nothing. It need not be an address:
    /// the client may have sent anything.
    pub fn read(self, extras: &[u8]) -> Option<&[u8]> {
        let value = value(columns(extras).nth(self.index)?);
        (!value.is_empty() && value != b"-").then_some(value)
    }

    /// What the report says about it.
    pub fn note(self) -> String {
        format!(
            "field {} after the usual ones is read as the addresses that proxies forwarded, because the lines agree on it",
            self.index + 1
        )
    }

    /// How many lines have a list of addresses in the column; `None` if it is another column.
    fn lists(self, extras: &[&[u8]]) -> Option<usize> {
        let (mut given, mut lists, mut ported) = (0, 0, 0);
        let mut quoted = false;
        let mut ports = BTreeSet::new();
        let mut values = BTreeSet::new();
        for extras in extras {
            let Some(value) = self.read(extras) else {
                continue;
            };
            given += 1;
            if !is_list(value) {
                continue;
            }
            lists += 1;
            quoted |= columns(extras).nth(self.index)?.ends_with(b"\"") || value.contains(&b',');
            values.insert(value);
            if let Some(port) = last_port(value) {
                ported += 1;
                ports.insert(port);
            }
        }
        let clients =
            ported * 2 <= lists || ports.len() >= LEAST_PORTS.max(ported / VALUES_PER_PORT);
        let varied = quoted || values.len() > 1;
        (lists > 0 && lists * 2 >= given && clients && varied).then_some(lists)
    }
}

/// What a column says: without quotes, brackets, and a name before `=`.
fn value(column: &[u8]) -> &[u8] {
    let named = memchr::memchr(b'=', column).filter(|at| {
        column[..*at]
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    });
    let value = named.map_or(column, |at| &column[at + 1..]);
    let value = value.strip_suffix(b",").unwrap_or(value);
    [(b'"', b'"'), (b'[', b']')]
        .iter()
        .find_map(|(open, close)| {
            let inner = value.strip_prefix(&[*open])?.strip_suffix(&[*close])?;
            // `[2001:db8::7]` is an address as it stands.
            (*open == b'"' || Client::parse(value).is_name()).then_some(inner)
        })
        .unwrap_or(value)
}

/// True for a list of addresses, with or without ports; some proxies write `unknown` for one, and RFC 7239 (6.3) lets
/// them write `_` and a word.
fn is_list(value: &[u8]) -> bool {
    let mut addresses = 0;
    for entry in value.split(|byte| *byte == b',') {
        let entry = entry.trim_ascii();
        if is_address(entry) {
            addresses += 1;
        } else if !entry.eq_ignore_ascii_case(b"unknown") && !entry.starts_with(b"_") {
            return false;
        }
    }
    addresses > 0
}

/// The port behind the last address of a list.
fn last_port(value: &[u8]) -> Option<&[u8]> {
    let last = value.rsplit(|byte| *byte == b',').next()?.trim_ascii();
    let colon = memchr::memrchr(b':', last)?;
    let host = &last[..colon];
    (host.ends_with(b"]") || !host.contains(&b':')).then_some(&last[colon + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vote(lines: &[String]) -> Option<usize> {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        Column::vote(&lines).map(|column| column.index)
    }

    fn lines(write: impl Fn(usize) -> String) -> Vec<String> {
        (0..200).map(write).collect()
    }

    #[test]
    fn elements_of_rfc_7239_are_lists_as_well() {
        for forwarded in [
            r#""for=203.0.113.N;proto=https""#,
            r#""for=\x22[2001:db8::N]:4711\x22;proto=https, for=10.0.0.3""#,
            r#""for=\"[2001:db8::N]\"""#,
        ] {
            let line = |n: usize| format!(" {}", forwarded.replace('N', &n.to_string()));
            let lines: Vec<String> = (1..40).map(line).collect();
            assert_eq!(vote(&lines), Some(0), "{forwarded}");
        }
    }

    #[test]
    fn the_usual_ways_to_log_forwarded_addresses_are_found() {
        for (lines, index) in [
            (lines(|n| format!("\"203.0.113.{n}, 10.0.0.2\" 0.412")), 0),
            (
                lines(|n| format!("0.4 - \"2001:db8::{n}\" shop.example")),
                2,
            ),
            (lines(|n| format!("0.4 203.0.113.{n}, 10.0.0.2 0.3")), 1),
            (lines(|n| format!("rt=0.1 xff=\"203.0.113.{n}\"")), 1),
            // Azure's gateway and IIS' router add ports.
            (lines(|n| format!("\"203.0.113.7:{}\"", 40_000 + n)), 0),
            // Direct requests have none, and some clients write what they like.
            (
                lines(|n| match n % 10 {
                    0 => "\"203.0.113.7, unknown\" 1".into(),
                    1 if n < 50 => "\"' or 1=1\" 1".into(),
                    _ => "\"-\" 1".into(),
                }),
                0,
            ),
            (vec!["\"203.0.113.9\" 0.4".into()], 0),
            (
                lines(|n| format!("10.0.0.9 10.0.0.5:80 \"198.51.100.{n}\"")),
                2,
            ),
        ] {
            assert_eq!(vote(&lines), Some(index), "{}", lines[0]);
        }
    }

    #[test]
    fn addresses_of_servers_are_none_of_clients() {
        for lines in [
            lines(|_| String::new()),
            lines(|_| "\"-\" 0.4".into()),
            lines(|n| format!("10.0.0.{}:8080 0.4", n % 3)),
            lines(|n| format!("10.0.0.1:80, 10.0.0.{}:80 0.4", n % 9)),
            lines(|_| "10.0.0.9 0.4".into()),
            lines(|n| format!("\"application/{n}\" 1.5")),
            lines(|n| match n % 3 {
                0 => "\"203.0.113.7\"".into(),
                _ => format!("\"session {n}\""),
            }),
        ] {
            assert_eq!(vote(&lines), None, "{}", lines[0]);
        }
        assert_eq!(Column::vote(&[]), None);
    }

    #[test]
    fn a_line_that_says_nothing_says_none() {
        let column = Column { index: 1 };
        for (extras, expected) in [
            (
                "0.1 \"203.0.113.9, 10.0.0.2\"",
                Some("203.0.113.9, 10.0.0.2"),
            ),
            ("0.1 \"x\\\" 200\"", Some("x\\\" 200")),
            ("0.1 [2001:db8::7]", Some("[2001:db8::7]")),
            ("0.1 [203.0.113.9]", Some("203.0.113.9")),
            ("0.1 \"-\"", None),
            ("0.1 \"\"", None),
            ("0.1", None),
            ("", None),
        ] {
            let found = column.read(extras.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{extras}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(
            lines in proptest::collection::vec(
                proptest::collection::vec(proptest::sample::select(&b"10.,: \"-[]=_a\\"[..]), 0..40), 0..8),
        ) {
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            if let Some(column) = Column::vote(&lines) {
                prop_assert!(lines.iter().any(|line| column.read(line).is_some()));
            }
        }
    }
}

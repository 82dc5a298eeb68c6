//! Free text: which rules apply to sentences, to log lines, to paths, in which order; and names that are known from elsewhere in
//! the report.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aho_corasick::{AhoCorasick, MatchKind};
use hashbrown::HashSet;
use ipnet::IpNet;

use crate::format::spec::LogKind;
use crate::pseudonym::{Kind, Pseudonyms};

use super::addresses;
use super::hosts::Hosts;
use super::query::Queries;
use super::rewrite::{expression, rewrite};

/// Values shorter than this are replaced only where they are known to be values: they would be words of every sentence.
const LEAST_KNOWN: usize = 6;

/// A value of letters alone must be as long.
const LEAST_WORD: usize = 12;

/// A number alone must be as long.
const LEAST_NUMBER: usize = 8;

/// What a first look at a report found.
#[derive(Default)]
pub struct Seen {
    hosts: BTreeSet<String>,
    values: BTreeSet<String>,
    /// Inputs and parties, and what stands for them.
    called: BTreeMap<String, String>,
    /// Addresses of clients.
    pub clients: HashSet<IpAddr>,
}

impl Seen {
    /// Notes the name of a host. One without a dot is a word that may mean anything elsewhere.
    pub fn host(&mut self, text: &str) {
        if text.trim_matches('.').contains('.') {
            self.hosts
                .insert(text.trim_end_matches('.').to_ascii_lowercase());
        }
    }

    /// Notes a value.
    pub fn value(&mut self, text: &str) {
        let all = |test: fn(&u8) -> bool| text.as_bytes().iter().all(test);
        let least = match text {
            _ if all(u8::is_ascii_digit) => LEAST_NUMBER,
            _ if all(u8::is_ascii_alphabetic) => LEAST_WORD,
            _ => LEAST_KNOWN,
        };
        // Also in sentences, which tell times.
        let is_time = all(|byte| byte.is_ascii_digit() || b"-:./ T".contains(byte))
            && !all(u8::is_ascii_digit);
        if text.len() >= least && !is_time {
            self.values.insert(text.to_owned());
        }
    }

    /// Notes what something that the user named is called from now on.
    pub fn called(&mut self, text: &str, name: &str) {
        if text != name && !text.is_empty() {
            self.called.insert(text.to_owned(), name.to_owned());
        }
    }
}

/// Texts that are looked for, and what stands for each.
struct Known {
    search: Option<AhoCorasick>,
    names: Vec<String>,
}

impl Known {
    fn new(pairs: impl Iterator<Item = (String, String)>, any_case: bool) -> Known {
        let (texts, names): (Vec<String>, Vec<String>) = pairs.unzip();
        let mut builder = AhoCorasick::builder();
        builder
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(any_case);
        // Too many for an automaton would be more than a report holds.
        let search = (!texts.is_empty())
            .then(|| builder.build(&texts).ok())
            .flatten();
        Known { search, names }
    }

    /// Replaces what stands alone: `apart` is asked for the character before and the one behind.
    fn replace(&self, text: &mut String, apart: impl Fn(Option<char>, Option<char>) -> bool) {
        let Some(search) = &self.search else { return };
        let mut out = String::new();
        let mut done = 0;
        for found in search.find_iter(text.as_str()) {
            let before = text[..found.start()].chars().next_back();
            if apart(before, text[found.end()..].chars().next()) {
                out.push_str(&text[done..found.start()]);
                out.push_str(&self.names[found.pattern()]);
                done = found.end();
            }
        }
        if done > 0 {
            out.push_str(&text[done..]);
            *text = out;
        }
    }
}

/// Replaces what must not be told in the texts of one report.
pub struct Scrub<'a> {
    names: &'a Pseudonyms,
    /// What this look found.
    pub seen: Seen,
    hosts: Known,
    values: Known,
    /// Values that are no words: who searched for “SQL injection” does not change what sentences call it.
    odd_values: Known,
    called: Known,
}

expression!(
    NEAR,
    r#"(?is)(near )(["'])(.*?)(["'] at (?:line|character|position))"#
);
expression!(SYNTAX, r#"(?i)(syntax for (?:type )?[\w ]+: )"([^"]*)""#);
expression!(SINGLE_QUOTED, r"(^|[^A-Za-z0-9])'((?:[^'\\]|\\.)+)'");
expression!(DETAIL, r"\)=\(([^)]*)\)");

impl<'a> Scrub<'a> {
    /// A look at a report of which this is known.
    pub fn new(names: &'a Pseudonyms, seen: Seen) -> Scrub<'a> {
        let named = |kind: Kind| move |text: &String| (text.clone(), names.name(kind, text));
        let is_word = |character: char| character.is_alphabetic() || character == ' ';
        let odd = seen
            .values
            .iter()
            .filter(|value| !value.chars().all(is_word));
        Scrub {
            names,
            hosts: Known::new(seen.hosts.iter().map(named(Kind::Host)), true),
            values: Known::new(seen.values.iter().map(named(Kind::Value)), false),
            odd_values: Known::new(odd.map(named(Kind::Value)), false),
            called: Known::new(seen.called.clone().into_iter(), false),
            seen,
        }
    }

    fn queries(&mut self) -> Queries<'_> {
        Queries {
            names: self.names,
            seen: &mut self.seen,
        }
    }

    fn host_rules(&mut self) -> Hosts<'_> {
        Hosts {
            names: self.names,
            seen: &mut self.seen,
        }
    }

    /// A client, a network, or the name of a host.
    pub fn name(&mut self, text: &mut String) {
        *text = if let Ok(address) = text.parse::<IpAddr>() {
            self.seen.clients.insert(address);
            self.names.address(address).to_string()
        } else if let Ok(network) = text.parse::<IpNet>() {
            self.names.network(network).to_string()
        } else {
            self.host_rules().host(text)
        };
    }

    /// An input: its folder gets a name, that of the file stays.
    pub fn file(&mut self, path: &mut String) {
        let original = path.clone();
        if let Some((folder, name)) = original.rsplit_once('/')
            && !Pseudonyms::is_name(Kind::Folder, folder)
        {
            *path = format!("{}/{name}", self.names.name(Kind::Folder, folder));
        }
        self.known_hosts(path);
        *path = addresses::replace(path, self.names, &self.seen.clients);
        self.seen.called(&original, path);
    }

    /// What the user calls a known network.
    pub fn party(&mut self, name: &mut String) {
        let original = name.clone();
        *name = self.names.name(Kind::Party, name);
        self.seen.called(&original, name);
    }

    /// The name of a parameter; a payload in its place is a value.
    pub fn parameter(&mut self, name: &mut String) {
        if !super::query::is_name(name) {
            *name = self.queries().value(name);
        }
    }

    /// A place as a measure names it: a path, and behind a question mark a parameter.
    pub fn target(&mut self, text: &mut String) {
        let (path, parameter) = match text.split_once('?') {
            Some((path, parameter)) => (path.to_owned(), Some(parameter.to_owned())),
            None => (text.clone(), None),
        };
        *text = path;
        self.path(text);
        if let Some(mut parameter) = parameter {
            self.parameter(&mut parameter);
            text.push('?');
            text.push_str(&parameter);
        }
    }

    /// A path, perhaps with a query; also a user agent.
    pub fn path(&mut self, text: &mut String) {
        self.queries().in_text(text);
        self.host_rules().in_urls(text);
        self.host_rules().in_mail(text);
        self.known_hosts(text);
        *text = addresses::replace(text, self.names, &self.seen.clients);
    }

    /// A sentence of this program.
    pub fn sentence(&mut self, text: &mut String) {
        self.called(text);
        self.queries().in_text(text);
        self.host_rules().in_urls(text);
        self.host_rules().in_mail(text);
        self.finish(text, true);
    }

    /// A line of a log, or what a message of one says.
    pub fn line(&mut self, text: &mut String, kind: LogKind) {
        self.host_rules().in_front(text, kind);
        self.host_rules().in_json(text);
        self.queries().in_text(text);
        if kind == LogKind::Error {
            self.quoted(text);
        } else {
            self.queries().in_columns(text);
        }
        self.host_rules().in_urls(text);
        self.host_rules().labelled(text);
        self.host_rules().in_mail(text);
        self.host_rules().alone(text, kind == LogKind::Error);
        self.finish(text, false);
    }

    /// A note with lines in quotes.
    pub fn note(&mut self, text: &mut String, kind: LogKind) {
        self.called(text);
        let parts = text.split_inclusive(['“', '”']);
        let parts = parts.map(|part| {
            let mut part = part.to_owned();
            self.line(&mut part, kind);
            part
        });
        *text = parts.collect();
    }

    /// What databases and programs quote of what they were given.
    fn quoted(&mut self, text: &mut String) {
        let mut queries = self.queries();
        rewrite(text, &NEAR, |found| {
            let value = queries.value(&found[3]);
            format!("{}{}{value}{}", &found[1], &found[2], &found[4])
        });
        rewrite(text, &SYNTAX, |found| {
            format!("{}\"{}\"", &found[1], queries.value(&found[2]))
        });
        rewrite(text, &DETAIL, |found| {
            format!(")=({})", queries.value(&found[1]))
        });
        rewrite(text, &SINGLE_QUOTED, |found| {
            match found[2].starts_with('/') {
                true => found[0].to_owned(),
                false => format!("{}'{}'", &found[1], queries.value(&found[2])),
            }
        });
    }

    /// What is known, then addresses: once, because their names are addresses again.
    fn finish(&mut self, text: &mut String, is_sentence: bool) {
        self.known_hosts(text);
        // A value in a path is a path.
        let is_word = |character: char| character.is_alphanumeric() || "_/-".contains(character);
        let values = match is_sentence {
            true => &self.odd_values,
            false => &self.values,
        };
        values.replace(text, |before, behind| {
            !before.is_some_and(is_word) && !behind.is_some_and(char::is_alphanumeric)
        });
        *text = addresses::replace(text, self.names, &self.seen.clients);
    }

    /// Inputs and parties by what they are called now.
    fn called(&self, text: &mut String) {
        self.called.replace(text, |before, behind| {
            !before.is_some_and(char::is_alphanumeric) && !behind.is_some_and(char::is_alphanumeric)
        });
    }

    fn known_hosts(&self, text: &mut String) {
        let is_word = |character: char| character.is_ascii_alphanumeric();
        self.hosts.replace(text, |before, behind| {
            !before.is_some_and(is_word) && !behind.is_some_and(is_word)
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Rule<'a> = &'a dyn Fn(&mut Scrub<'_>, &mut String);

    const CLIENT: &str = "203.0.113.9";
    const SITE: &str = "shop.example";

    /// Of which lines are made.
    const PIECES: [&str; 24] = [
        " ",
        "\"",
        "'",
        "“",
        "”",
        "\\",
        "\\x22",
        "%20",
        "?",
        "&",
        "=",
        ";",
        ":",
        "/",
        "[",
        "]",
        "{\"a\":\"",
        "é",
        "GET /x",
        " HTTP/1.1\"",
        "near '",
        "a",
        "7",
        "https://",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Whatever stands around a client and a host that are known, they are gone; what is replaced stays as it is.
        #[test]
        fn nothing_that_is_known_is_left(
            before in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..8),
            between in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..8),
            after in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..8),
            error in any::<bool>(),
        ) {
            let names = Pseudonyms::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
            let mut seen = Seen::default();
            seen.host(SITE);
            let mut scrub = Scrub::new(&names, seen);
            scrub.name(&mut CLIENT.to_owned());
            let kind = if error { LogKind::Error } else { LogKind::Access };
            // A letter or a digit before a name makes another word.
            let text = format!("{} {CLIENT} {} {SITE} {}", before.concat(), between.concat(), after.concat());
            let rules: [Rule<'_>; 4] =
                [&|scrub, text| scrub.line(text, kind), &|scrub, text| scrub.sentence(text), &|scrub, text| scrub.path(text), &|scrub, text| scrub.note(text, kind)];
            for rule in rules {
                let mut found = text.clone();
                rule(&mut scrub, &mut found);
                prop_assert!(!found.contains(CLIENT) && !found.contains(SITE), "{text}\n{found}");
            }
        }
    }
}

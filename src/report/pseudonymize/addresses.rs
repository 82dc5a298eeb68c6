//! Addresses wherever they stand in a text: with a port, in brackets, as a network, behind an escape.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use hashbrown::HashSet;
use ipnet::IpNet;

use crate::pseudonym::Pseudonyms;

/// Replaces every address and every network. `clients` are addresses for sure: other four numbers behind the name of a
/// product are its version, as in `Chrome/115.0.0.0`.
pub fn replace(text: &str, names: &Pseudonyms, clients: &HashSet<IpAddr>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut word = Word::Outside;
    while let Some(first) = text[at..].chars().next() {
        if let Some(length) = escape(&text.as_bytes()[at..]) {
            out.push_str(&text[at..at + length]);
            (at, word) = (at + length, Word::Outside);
            continue;
        }
        let found = match word {
            Word::Outside if is_part(first) => find(&text[at..]).or_else(|| find_ipv4(&text[at..])),
            // Some stick to the word before, as in `ip192.0.2.7`.
            Word::Letters if first.is_ascii_digit() => find_ipv4(&text[at..]),
            _ => None,
        };
        let end = |found: &Found| at + found.length;
        match found
            .filter(|found| clients.contains(&found.address) || !is_version(text, at, end(found)))
        {
            Some(found) => {
                out.push_str(&found.pseudonym(names));
                (at, word) = (end(&found), Word::Other);
            }
            None => {
                out.push(first);
                at += first.len_utf8();
                word = word.and(first);
            }
        }
    }
    out
}

/// What stands before a place in a text.
#[derive(Clone, Copy)]
enum Word {
    /// No word.
    Outside,
    /// A letter or an underscore, and no `v`, which begins a version.
    Letters,
    /// A digit, or a dot within a word.
    Other,
}

impl Word {
    fn and(self, next: char) -> Word {
        match (self, next) {
            (_, 'v' | 'V') | (Word::Letters | Word::Other, '.') => Word::Other,
            (Word::Other, letter) if letter.is_alphanumeric() && !letter.is_alphabetic() => {
                Word::Other
            }
            (_, letter) if letter.is_alphabetic() || letter == '_' => Word::Letters,
            (_, digit) if digit.is_alphanumeric() => Word::Other,
            _ => Word::Outside,
        }
    }
}

/// An address at the beginning of a text.
struct Found {
    address: IpAddr,
    /// The length of its prefix, if it is a network.
    network: Option<u8>,
    length: usize,
}

impl Found {
    fn pseudonym(&self, names: &Pseudonyms) -> String {
        let Some(length) = self.network else {
            return names.address(self.address).to_string();
        };
        match IpNet::new(self.address, length) {
            // Its own address, not one within.
            Ok(network) if network.network() == self.address => names.network(network).to_string(),
            _ => format!("{}/{length}", names.address(self.address)),
        }
    }
}

/// Bytes of an escape as logs write it, `\x22` or `%22`, at the beginning of a text: what follows it begins anew.
fn escape(text: &[u8]) -> Option<usize> {
    let (length, digits) = match text {
        [b'\\', b'x', high, low, ..] => (4, [high, low]),
        [b'%', high, low, ..] => (3, [high, low]),
        _ => return None,
    };
    digits
        .iter()
        .all(|digit| digit.is_ascii_hexdigit())
        .then_some(length)
}

fn is_part(character: char) -> bool {
    character.is_ascii_hexdigit() || character == ':' || character == '.'
}

/// The longest address that a text begins with.
fn find(text: &str) -> Option<Found> {
    /// The longest is IPv6 that ends as IPv4, with a port.
    const LONGEST: usize = 45 + ":65535".len();
    let run = text
        .find(|character| !is_part(character))
        .unwrap_or(text.len());
    let follows = text[run..].chars().next();
    if run > LONGEST
        || run < "::1".len()
        || follows.is_some_and(|next| next.is_alphanumeric() || next == '_')
    {
        return None;
    }
    let run = text[..run].trim_end_matches('.');
    // A colon at the end belongs to the sentence, unless it is one of two.
    let bare = run
        .strip_suffix(':')
        .filter(|bare| !bare.ends_with(':'))
        .unwrap_or(run);
    let without_port = bare.rsplit_once(':').map(|(address, _)| address);
    let (address, length) = [Some(bare), without_port]
        .into_iter()
        .flatten()
        .find_map(|text| Some((parsed(text)?, text.len())))?;
    let network = prefix_length(&text[length..])
        .filter(|(bits, _)| *bits <= if address.is_ipv4() { 32 } else { 128 });
    let bytes = network.map_or(0, |(_, bytes)| bytes);
    Some(Found {
        address,
        network: network.map(|(bits, _)| bits),
        length: length + bytes,
    })
}

/// Four numbers that a text begins with, whatever word goes on behind them.
fn find_ipv4(text: &str) -> Option<Found> {
    let is_part = |character: char| character.is_ascii_digit() || character == '.';
    let run = text
        .find(|character| !is_part(character))
        .unwrap_or(text.len());
    let word = text[..run].trim_end_matches('.');
    let goes_on = text[run..]
        .chars()
        .next()
        .is_some_and(char::is_alphanumeric);
    // `jquery-3.2.1.0.js`
    if goes_on && word.len() < run {
        return None;
    }
    Some(Found {
        address: parsed(word)?,
        network: None,
        length: word.len(),
    })
}

fn parsed(text: &str) -> Option<IpAddr> {
    if let Ok(address) = IpAddr::from_str(text) {
        return Some(address);
    }
    // The standard library refuses leading zeros, which some servers write.
    let octets: Option<Vec<u8>> = text.split('.').map(|octet| octet.parse().ok()).collect();
    let octets: [u8; 4] = octets?.try_into().ok()?;
    Some(IpAddr::V4(Ipv4Addr::from(octets)))
}

/// The number behind a slash, and how many bytes both take.
fn prefix_length(rest: &str) -> Option<(u8, usize)> {
    let rest = rest.strip_prefix('/')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let next = rest[digits..].chars().next();
    let alone = !next.is_some_and(|next| next.is_alphanumeric() || next == '_' || next == '/');
    let bits = rest[..digits]
        .parse()
        .ok()
        .filter(|_| alone && digits <= 3)?;
    Some((bits, digits + 1))
}

/// Whether what stands there is the version of a product: `Name/1.2.3.4`, as user agents write it.
fn is_version(text: &str, start: usize, end: usize) -> bool {
    let Some(before) = text[..start].strip_suffix('/') else {
        return false;
    };
    let is_name = |character: char| character.is_alphanumeric() || "_.+-".contains(character);
    let name = before.trim_end_matches(is_name);
    let begins_alone = name.is_empty() || name.ends_with([' ', '"', '(', ';', '\t']);
    let begins_as_name =
        before[name.len()..].starts_with(|first: char| first.is_ascii_alphabetic());
    let next = text[end..].chars().next();
    begins_alone && begins_as_name && next.is_none_or(|next| " \";),+\t".contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Pseudonyms {
        Pseudonyms::new(b"0123456789abcdefghijklmnopqrstuv").unwrap()
    }

    fn replaced(text: &str) -> String {
        replace(
            text,
            &names(),
            &HashSet::from_iter(["203.0.113.9".parse().unwrap()]),
        )
    }

    fn of(address: &str) -> String {
        names().address(address.parse().unwrap()).to_string()
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        let (v4, v6) = ("192.0.2.7", "2001:db8::17");
        for around in [
            "{}",
            "{}.",
            "from {}, to",
            "[client {}:51000] x",
            "({})",
            "\"{}\"",
            "a={}&",
            "for={};",
            "/proxy/{}/x",
            "{}: no",
            "\\x22{}\\x22",
            "%20{}%20",
            "http://{}/",
            "{}, {}",
        ] {
            assert_eq!(
                replaced(&around.replace("{}", v4)),
                around.replace("{}", &of(v4)),
                "{around}"
            );
        }
        for around in [
            "{}",
            "[{}]:443",
            "[client {}:51000]",
            "{}.",
            "\"{}\"",
            "x, {}, y",
        ] {
            assert_eq!(
                replaced(&around.replace("{}", v6)),
                around.replace("{}", &of(v6)),
                "{around}"
            );
        }
    }

    #[test]
    fn networks_stay_networks() {
        let network = names().network("198.51.100.0/24".parse().unwrap());
        assert_eq!(
            replaced("block 198.51.100.0/24, then"),
            format!("block {network}, then")
        );
        assert_eq!(
            replaced("198.51.100.7/24"),
            format!("{}/24", of("198.51.100.7"))
        );
        let network = names().network("2001:db8:1::/48".parse().unwrap());
        assert_eq!(replaced("2001:db8:1::/48"), network.to_string());
    }

    #[test]
    fn times_versions_and_words_are_no_addresses() {
        for text in [
            "05/Sep/2021:13:58:03 +0000",
            "12:31:00",
            "Chrome/115.0.0.0 Safari/537.36",
            "a std::vector<u8>",
            "1.2.3",
            "1.2.3.4.5",
            "00:1a:2b:3c:4d:5e",
            "::",
            "HTTP/1.1",
            "v1.2.3.4",
            "256.1.1.1",
            "3.2.1.0.html",
        ] {
            assert_eq!(replaced(text), text);
        }
        assert_ne!(
            replaced("Chrome/203.0.113.9 x"),
            "Chrome/203.0.113.9 x",
            "a client is no version"
        );
    }
}

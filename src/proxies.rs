//! Who asked, where proxies stand in front: one address out of the list that they pass on.
//!
//! Every proxy appends the address that it was asked from (`X-Forwarded-For`; `Forwarded`, RFC 7239). So the right end
//! is written by the nearest proxy, and what stands further left is as true as whoever wrote it: the first entries are the
//! client's own claim. The list is therefore read from the right, through proxies that are trusted, up to the first
//! address that is not.

use std::net::IpAddr;

use crate::addresses::{AddressMap, private};
use crate::client::{Client, host_of};

/// The name of a header as users, servers and log formats write it: `X-Forwarded-For`, `http_x_forwarded_for`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderName {
    /// As the user wrote it.
    text: String,
    /// In small letters, with `_` between words, without `http_`.
    plain: Vec<u8>,
}

/// What nginx puts before the names of a request's headers (`$http_NAME`).
const VARIABLE_PREFIX: &[u8] = b"http_";

impl HeaderName {
    /// Reads a name.
    ///
    /// # Errors
    /// Why it is none, as a sentence.
    pub fn parse(text: &str) -> Result<HeaderName, String> {
        let plain = plain(text.trim().as_bytes());
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if plain.is_empty() || !plain.iter().all(word) {
            return Err(format!(
                "`{text}` is no header name: expected one such as X-Forwarded-For, X-Real-IP, CF-Connecting-IP or Forwarded"
            ));
        }
        Ok(HeaderName {
            text: text.trim().to_string(),
            plain,
        })
    }

    /// Whether a log calls this header so: case does not matter, nor `-` or `_`, nor nginx's `http_` before it.
    pub fn is(&self, name: &[u8]) -> bool {
        let name = match name.get(..VARIABLE_PREFIX.len()) {
            Some(lead) if lead.iter().map(small).eq(VARIABLE_PREFIX.iter().copied()) => {
                &name[VARIABLE_PREFIX.len()..]
            }
            _ => name,
        };
        name.len() == self.plain.len() && name.iter().map(small).eq(self.plain.iter().copied())
    }

    /// As the user wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn small(byte: &u8) -> u8 {
    match byte {
        b'-' => b'_',
        other => other.to_ascii_lowercase(),
    }
}

fn plain(name: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.iter().map(small).collect();
    match name.strip_prefix(VARIABLE_PREFIX) {
        Some(rest) => rest.to_vec(),
        None => name,
    }
}

/// How the client is found in a list of addresses.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// The proxies that are trusted, where the user named them.
    trusted: Option<AddressMap>,
    /// What stands for them otherwise.
    private: AddressMap,
}

impl Proxies {
    /// With the proxies that the user trusts; `None` if none was named.
    pub fn new(trusted: Option<AddressMap>) -> Proxies {
        Proxies {
            trusted,
            private: private(),
        }
    }

    /// The client behind a connection, and its address as the list has it. `None` if it is the connection's own: the
    /// list says nothing, or nothing that can be believed.
    ///
    /// With trusted proxies: the right-most address that is none of them, the connection's own being the last; the
    /// left-most if all are. Without: whoever connects is taken for a proxy, and the right-most address that is not private
    /// is the client; the left-most if all are private, unless that is the machine itself. An entry that is no address (`unknown`, `_hidden`, junk) ends
    /// the search, as nobody vouches for what is left of it.
    pub fn pick<'a>(&self, connection: Client, list: &'a [u8]) -> Option<(Client, &'a [u8])> {
        let through = match &self.trusted {
            Some(trusted) if !trusted.contains(connection) => return None,
            Some(trusted) => trusted,
            None => &self.private,
        };
        let mut farthest = None;
        for entry in list.rsplit(|byte| *byte == b',') {
            let entry = trim(entry);
            if entry.is_empty() {
                continue;
            }
            let found = address(entry)?;
            // Nobody comes from there: a proxy on the same machine, or somebody wrote it into the header.
            let nowhere = found.0.ip().is_some_and(is_nowhere);
            if !through.contains(found.0) && !nowhere {
                return Some(found);
            }
            farthest = Some(found).filter(|_| !nowhere);
        }
        farthest
    }
}

fn is_nowhere(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

/// Without blanks at either end, also as URLs and IIS write them.
fn trim(mut entry: &[u8]) -> &[u8] {
    const BLANKS: [&[u8]; 4] = [b" ", b"\t", b"+", b"%20"];
    while let Some(rest) = BLANKS.iter().find_map(|blank| entry.strip_prefix(*blank)) {
        entry = rest;
    }
    while let Some(rest) = BLANKS.iter().find_map(|blank| entry.strip_suffix(*blank)) {
        entry = rest;
    }
    entry
}

/// Whether an entry of such a list is an address.
pub fn is_address(entry: &[u8]) -> bool {
    address(trim(entry)).is_some()
}

/// The address of an entry: bare, with a port, in brackets, in quotes, or the `for=` of RFC 7239.
fn address(entry: &[u8]) -> Option<(Client, &[u8])> {
    let value = match entry.contains(&b'=') {
        true => forwarded_for(entry)?,
        false => entry,
    };
    let host = host_of(unquoted(value));
    let client = Client::parse(host);
    (!client.is_name()).then_some((client, host))
}

/// The value of `for` among the parameters of an element (RFC 7239, 4: names in any case).
fn forwarded_for(element: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"for=";
    element
        .split(|byte| *byte == b';')
        .map(trim)
        .find(|pair| pair.len() >= NAME.len() && pair[..NAME.len()].eq_ignore_ascii_case(NAME))
        .map(|pair| trim(&pair[NAME.len()..]))
}

/// Without quotes, also as logs escape them.
fn unquoted(mut value: &[u8]) -> &[u8] {
    const QUOTES: [&[u8]; 3] = [b"\\\"", b"\\x22", b"\""];
    for quote in QUOTES {
        value = value.strip_prefix(quote).unwrap_or(value);
        value = value.strip_suffix(quote).unwrap_or(value);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::parse_networks;
    use proptest::prelude::*;

    fn proxies(trusted: &[&str]) -> Proxies {
        let networks = trusted
            .iter()
            .flat_map(|text| parse_networks(text).unwrap());
        let map = AddressMap::new(networks.map(|network| (network, 0)));
        Proxies::new((!trusted.is_empty()).then_some(map))
    }

    fn picked<'a>(trusted: &[&str], connection: &str, list: &'a str) -> Option<&'a str> {
        let connection = Client::parse(connection.as_bytes());
        let (client, text) = proxies(trusted).pick(connection, list.as_bytes())?;
        assert_eq!(client, Client::parse(text));
        std::str::from_utf8(text).ok()
    }

    #[test]
    fn with_trusted_proxies_the_right_most_other_address_is_the_client() {
        let trusted = ["10.0.0.0/8", "198.51.100.0/24"];
        let from_proxy = |list| picked(&trusted, "10.0.0.1", list);
        assert_eq!(from_proxy("203.0.113.7"), Some("203.0.113.7"));
        // what a client claims stands on the left
        assert_eq!(from_proxy("192.0.2.66, 203.0.113.7"), Some("203.0.113.7"));
        assert_eq!(
            from_proxy("192.0.2.66,203.0.113.7, 198.51.100.9, 10.2.3.4"),
            Some("203.0.113.7")
        );
        assert_eq!(from_proxy("10.9.9.9, 198.51.100.9"), Some("10.9.9.9"));
        assert_eq!(from_proxy("203.0.113.7, , 10.1.1.1,"), Some("203.0.113.7"));
        // not through a trusted proxy: all of it is the client's claim
        assert_eq!(
            picked(&trusted, "203.0.113.99", "192.0.2.66, 10.0.0.1"),
            None
        );
    }

    #[test]
    fn without_trusted_proxies_private_addresses_are_passed_over() {
        let from = |list| picked(&[], "192.0.2.1", list);
        assert_eq!(
            from("192.0.2.66, 203.0.113.7, 10.0.0.9"),
            Some("203.0.113.7")
        );
        assert_eq!(from("10.0.0.9, 192.168.1.1"), Some("10.0.0.9"));
        assert_eq!(from("203.0.113.7"), Some("203.0.113.7"));
        // from the proxy on the same machine; and from somebody who says so
        assert_eq!(from("203.0.113.7, 127.0.0.1"), Some("203.0.113.7"));
        assert_eq!(from("127.0.0.1"), None);
        assert_eq!(from("0.0.0.0, ::1"), None);
    }

    #[test]
    fn what_is_no_address_is_not_believed() {
        for list in [
            "",
            "-",
            " , ",
            "unknown",
            "_hidden",
            "203.0.113.7, unknown",
            "203.0.113.7, _SEVKISEK",
            "localhost",
            "by=203.0.113.7",
            "999.1.1.1",
            "fe80::1%eth0",
        ] {
            assert_eq!(picked(&[], "10.0.0.1", list), None, "{list}");
        }
        assert_eq!(
            picked(&[], "10.0.0.1", "junk' OR 1=1--, 203.0.113.7"),
            Some("203.0.113.7")
        );
    }

    #[test]
    fn entries_are_written_in_many_ways() {
        for (list, client) in [
            ("203.0.113.7:51000", "203.0.113.7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("\"203.0.113.7\"", "203.0.113.7"),
            ("for=203.0.113.7;proto=https;by=192.0.2.43", "203.0.113.7"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            (
                "for=192.0.2.66, proto=http; for=\\x22[2001:db8::17]\\x22",
                "2001:db8::17",
            ),
            ("for=\\\"203.0.113.7:80\\\"", "203.0.113.7"),
            ("192.0.2.66,%20203.0.113.7", "203.0.113.7"),
            ("192.0.2.66,+203.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(picked(&[], "10.0.0.1", list), Some(client), "{list}");
        }
    }

    #[test]
    fn names_of_headers_are_compared_as_servers_write_them() {
        let name = HeaderName::parse("X-Forwarded-For").unwrap();
        assert!(
            [
                "x-forwarded-for",
                "http_x_forwarded_for",
                "X_Forwarded_For",
                "HTTP_X_FORWARDED_FOR"
            ]
            .iter()
            .all(|other| name.is(other.as_bytes()))
        );
        assert!(!name.is(b"x-forwarded-host") && !name.is(b"forwarded"));
        assert_eq!(
            HeaderName::parse("http_true_client_ip").unwrap().as_str(),
            "http_true_client_ip"
        );
        assert!(
            HeaderName::parse("True-Client-IP")
                .unwrap()
                .is(b"http_true_client_ip")
        );
        for text in ["", " ", "X Forwarded", "a:b", "$http_x"] {
            assert!(HeaderName::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        /// Whatever a client puts in front of what the proxies write, it is not believed.
        #[test]
        fn a_client_cannot_choose_who_it_is(claim in prop::collection::vec(any::<u8>(), 0..60), hops in 0usize..3) {
            let mut list = claim;
            list.extend_from_slice(b", 203.0.113.7");
            for _ in 0..hops {
                list.extend_from_slice(b", 10.0.0.2");
            }
            let connection = Client::parse(b"10.0.0.1");
            let found = proxies(&["10.0.0.0/8"]).pick(connection, &list);
            prop_assert_eq!(found, Some((Client::parse(b"203.0.113.7"), &b"203.0.113.7"[..])));
        }
    }
}

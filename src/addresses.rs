//! Which networks an address lies in: proxies that are trusted, offices and monitors that are known.
//!
//! Networks become ranges of [`Client`] keys that do not overlap, so that a look-up is one binary search however
//! many there are and however they nest.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::client::Client;

/// What the word `private` stands for: addresses that no client on the internet has. RFC 1918 (10, 172.16, 192.168),
/// RFC 4193 (fc00::/7), loopback (RFC 1122, RFC 4291), link-local (RFC 3927, RFC 4291), and what carriers and
/// clouds share behind their translators (RFC 6598).
const PRIVATE: [&str; 9] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// The word for all of [`PRIVATE`].
const PRIVATE_WORD: &str = "private";

/// Reads what a user calls a network: CIDR, a single address, or the word `private`.
///
/// # Errors
/// What it is not, and what would do, as a sentence.
pub fn parse_networks(text: &str) -> Result<Vec<IpNet>, String> {
    if text.eq_ignore_ascii_case(PRIVATE_WORD) {
        return Ok(PRIVATE
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect());
    }
    let network = text.parse::<IpNet>();
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    match network.or_else(|_| address()) {
        Ok(network) => Ok(vec![network.trunc()]),
        Err(_) => Err(format!(
            "`{text}` is no network: expected an address, a network such as 10.0.0.0/8 or 2001:db8::/32, or `private`"
        )),
    }
}

/// The private networks.
pub fn private() -> AddressMap {
    let networks = PRIVATE.iter().filter_map(|text| text.parse().ok());
    AddressMap::new(networks.map(|network| (network, 0)))
}

/// Networks with a label each. Of nested ones the narrowest counts, of equal ones the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressMap {
    /// Sorted, none overlapping: first key, last key, label.
    ranges: Vec<(u128, u128, u32)>,
}

impl AddressMap {
    /// A map of these networks.
    pub fn new(networks: impl IntoIterator<Item = (IpNet, u32)>) -> AddressMap {
        let mut all: Vec<(u128, u128, u32)> = networks
            .into_iter()
            .map(|(network, label)| (key(network.network()), key(network.broadcast()), label))
            .collect();
        // A wider network comes before those within it; the sort is stable, so the first of equals stays first.
        all.sort_by_key(|(first, last, _)| (*first, std::cmp::Reverse(*last)));
        all.dedup_by_key(|(first, last, _)| (*first, *last));
        let mut map = AddressMap::default();
        let mut open: Vec<(u128, u128, u32)> = Vec::new();
        let mut next = 0;
        for (first, last, label) in all {
            map.close(&mut open, &mut next, Some(first));
            open.push((first, last, label));
        }
        map.close(&mut open, &mut next, None);
        map
    }

    /// Writes down what the open networks cover from `next` up to `until`: networks either nest or are apart, so the
    /// innermost is the last that was opened.
    fn close(&mut self, open: &mut Vec<(u128, u128, u32)>, next: &mut u128, until: Option<u128>) {
        while let Some((first, last, label)) = open.last().copied() {
            *next = (*next).max(first);
            match until {
                Some(until) if until <= last => {
                    if *next < until {
                        self.ranges.push((*next, until - 1, label));
                    }
                    *next = until;
                    return;
                }
                _ => {
                    if *next <= last {
                        self.ranges.push((*next, last, label));
                    }
                    *next = (*next).max(last.saturating_add(1));
                    open.pop();
                }
            }
        }
    }

    /// The label of the narrowest network that a client's address lies in; `None` for host names.
    #[inline]
    pub fn get(&self, client: Client) -> Option<u32> {
        if self.ranges.is_empty() || client.is_name() {
            return None;
        }
        let key = client.key();
        let at = self.ranges.partition_point(|(first, ..)| *first <= key);
        let (_, last, label) = self.ranges[at.checked_sub(1)?];
        (key <= last).then_some(label)
    }

    /// Whether a client's address lies in any of the networks.
    #[inline]
    pub fn contains(&self, client: Client) -> bool {
        self.get(client).is_some()
    }
}

fn key(address: IpAddr) -> u128 {
    Client::from_ip(address).key()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(text: &str) -> Client {
        Client::parse(text.as_bytes())
    }

    fn map(networks: &[(&str, u32)]) -> AddressMap {
        let parse = |(text, label): &(&str, u32)| (parse_networks(text).unwrap()[0], *label);
        AddressMap::new(networks.iter().map(parse))
    }

    #[test]
    fn the_narrowest_network_counts() {
        let map = map(&[
            ("198.51.100.0/24", 1),
            ("198.51.100.64/26", 2),
            ("198.51.100.70", 3),
            ("2001:db8::/32", 4),
            ("198.51.100.70", 5),
            ("198.51.100.200/29", 6),
        ]);
        for (text, label) in [
            ("198.51.100.1", Some(1)),
            ("198.51.100.64", Some(2)),
            ("198.51.100.70", Some(3)),
            ("198.51.100.71", Some(2)),
            ("198.51.100.127", Some(2)),
            ("198.51.100.128", Some(1)),
            ("198.51.100.203", Some(6)),
            ("198.51.100.255", Some(1)),
            ("198.51.101.0", None),
            ("198.51.99.255", None),
            ("2001:db8:1::7", Some(4)),
            ("2001:db9::", None),
            ("::ffff:198.51.100.70", Some(3)),
            ("office.example", None),
        ] {
            assert_eq!(map.get(client(text)), label, "{text}");
        }
        assert_eq!(AddressMap::default().get(client("192.0.2.1")), None);
        assert!(!self::map(&[("::/0", 0)]).contains(client("office.example")));
    }

    #[test]
    fn networks_are_named_in_several_ways() {
        assert_eq!(
            parse_networks("10.1.2.3/8").unwrap()[0].to_string(),
            "10.0.0.0/8"
        );
        assert_eq!(
            parse_networks("192.0.2.7").unwrap()[0].to_string(),
            "192.0.2.7/32"
        );
        assert_eq!(parse_networks("private").unwrap().len(), PRIVATE.len());
        for text in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.7.7",
            "::1",
            "fd00::1",
            "127.0.0.1",
        ] {
            assert!(private().contains(client(text)), "{text}");
        }
        for text in ["11.0.0.1", "172.32.0.1", "203.0.113.7", "2001:db8::1"] {
            assert!(!private().contains(client(text)), "{text}");
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0",
            "office.example",
            "10.0.0.1-10.0.0.9",
        ] {
            let reason = parse_networks(text).unwrap_err();
            assert!(
                reason.contains(text) && reason.contains("10.0.0.0/8"),
                "{reason}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Looking at every network in turn gives the same answer.
        #[test]
        fn a_look_up_agrees_with_a_search(
            networks in prop::collection::vec((0u32..64, 24u8..=32), 0..12),
            address in 0u32..64,
        ) {
            let ip = |low: u32| std::net::Ipv4Addr::from(0xc000_0200 | low << 2);
            let networks: Vec<(IpNet, u32)> = networks
                .into_iter()
                .zip(0..)
                .map(|((low, width), label)| (IpNet::new(ip(low).into(), width).unwrap().trunc(), label))
                .collect();
            let inside = networks.iter().filter(|(network, _)| network.contains(&std::net::IpAddr::V4(ip(address))));
            let narrowest = inside.min_by_key(|(network, label)| (std::cmp::Reverse(network.prefix_len()), *label));
            let map = AddressMap::new(networks.iter().copied());
            prop_assert_eq!(map.get(Client::from_ip(ip(address).into())), narrowest.map(|(_, label)| *label));
        }
    }
}

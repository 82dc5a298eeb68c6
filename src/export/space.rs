//! Sets of addresses as networks: one set without another, and the fewest networks for a set.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// IPv4 addresses as IPv6 writes them (RFC 4291, 2.5.5.2) begin with these bits.
const MAPPED_BITS: u8 = 96;

/// The network of one address; that of an IPv4 address in IPv6's notation is IPv4.
pub fn single(address: IpAddr) -> IpNet {
    IpNet::from(address.to_canonical())
}

/// A network as its addresses are told: IPv6 networks that hold all of IPv4 or a part of it stand for that as well.
pub fn meant(network: IpNet) -> Vec<IpNet> {
    let network = network.trunc();
    let IpNet::V6(wide) = network else {
        return vec![network];
    };
    let whole = Ipv6Net::new_assert(
        std::net::Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(),
        MAPPED_BITS,
    );
    if wide.contains(&whole) {
        return vec![network, IpNet::V4(Ipv4Net::default())];
    }
    let narrow = whole.contains(&wide).then(|| {
        let address = wide.network().to_ipv4_mapped()?;
        Ipv4Net::new(address, wide.prefix_len() - MAPPED_BITS).ok()
    });
    match narrow.flatten() {
        Some(narrow) => vec![IpNet::V4(narrow)],
        None => vec![network],
    }
}

/// What is left of a network without others, in order: the widest networks that hold none of their addresses.
pub fn without(network: IpNet, spared: &[IpNet]) -> Vec<IpNet> {
    let near: Vec<IpNet> = spared
        .iter()
        .filter(|spared| spared.contains(&network) || network.contains(*spared))
        .copied()
        .collect();
    if near.is_empty() {
        return vec![network];
    }
    if near.iter().any(|spared| spared.contains(&network)) {
        return Vec::new();
    }
    // One is within, so that there are longer prefixes.
    let halves = network.subnets(network.prefix_len() + 1);
    let halves = halves.into_iter().flatten();
    halves.flat_map(|half| without(half, &near)).collect()
}

/// The fewest networks for the same addresses, IPv4 first.
pub fn joined(networks: impl IntoIterator<Item = IpNet>) -> Vec<IpNet> {
    let mut joined = IpNet::aggregate(&networks.into_iter().collect());
    joined.sort_unstable();
    joined
}

/// As programs that do not ask for a prefix like it best: a single address by itself.
pub fn plain(network: &IpNet) -> String {
    match network.prefix_len() == network.max_prefix_len() {
        true => network.addr().to_string(),
        false => network.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| net(text)).collect()
    }

    #[test]
    fn what_is_spared_is_cut_out() {
        let left = without(
            net("192.0.2.0/24"),
            &nets(&["192.0.2.64/26", "198.51.100.0/24"]),
        );
        assert_eq!(left, nets(&["192.0.2.0/26", "192.0.2.128/25"]));
        assert!(without(net("192.0.2.7/32"), &nets(&["192.0.2.0/24"])).is_empty());
        assert_eq!(
            without(net("2001:db8::/32"), &nets(&["2001:db8::7/128"])).len(),
            96
        );
        assert_eq!(
            without(net("0.0.0.0/0"), &nets(&["::/0"])),
            nets(&["0.0.0.0/0"])
        );
    }

    #[test]
    fn addresses_of_both_notations_are_one() {
        assert_eq!(
            single("::ffff:192.0.2.1".parse().unwrap()),
            net("192.0.2.1/32")
        );
        assert_eq!(meant(net("::ffff:192.0.2.0/120")), nets(&["192.0.2.0/24"]));
        assert_eq!(meant(net("::/0")), nets(&["::/0", "0.0.0.0/0"]));
        assert_eq!(meant(net("2001:db8::7/32")), nets(&["2001:db8::/32"]));
        assert_eq!(plain(&net("2001:db8::7/128")), "2001:db8::7");
        assert_eq!(plain(&net("192.0.2.0/31")), "192.0.2.0/31");
    }

    /// Networks of few addresses, so that they meet: 256 of each family.
    fn some_network() -> impl Strategy<Value = IpNet> {
        (any::<bool>(), 0u8..=255, 0u8..=8).prop_map(|(v6, low, width)| {
            let (address, most) = match v6 {
                true => (
                    IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(low)]),
                    128,
                ),
                false => (IpAddr::from([192, 0, 2, low]), 32),
            };
            IpNet::new(address, most - width).unwrap().trunc()
        })
    }

    fn addresses() -> impl Iterator<Item = IpAddr> {
        (0..=255).flat_map(|low: u8| {
            let v6 = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(low)]);
            [IpAddr::from([192, 0, 2, low]), v6]
        })
    }

    fn hold(networks: &[IpNet], address: IpAddr) -> bool {
        networks.iter().any(|network| network.contains(&address))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_spared_address_is_left_and_every_other_is(
            networks in prop::collection::vec(some_network(), 0..8),
            spared in prop::collection::vec(some_network(), 0..8),
        ) {
            let left = joined(networks.iter().flat_map(|network| without(*network, &spared)));
            for address in addresses() {
                let expected = hold(&networks, address) && !hold(&spared, address);
                prop_assert_eq!(hold(&left, address), expected, "{}", address);
            }
            for (index, network) in left.iter().enumerate() {
                let others = left[..index].iter();
                prop_assert!(others.clone().all(|other| !other.contains(network) && !network.contains(other)));
                prop_assert_eq!(network.trunc(), *network);
            }
        }
    }
}

//! Who sent a request: an address or a host name as a fixed-size key that hashes fast.
//!
//! IPv4 addresses are held as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2). A host name (Apache with
//! `HostnameLookups On`) is held as a hash below a prefix that no client can have, and its text
//! is kept beside the counts by whoever needs it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A client key: an IP address, or a hashed host name.
///
/// There are millions of them beside small counts, so they are packed like these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(Rust, packed(4))]
pub struct Client(u128);

/// First 16 bits of a host-name key. `ff00::/8` is multicast (RFC 4291, 2.7), never a source address.
const NAME_PREFIX: u128 = 0xffff << 112;

/// What stands before the 32 bits of an IPv4 address (RFC 4291, 2.5.5.2).
const IPV4_PREFIX: u128 = 0xffff << 32;

impl Client {
    /// Reads the client field of a log line: IPv4, IPv6 (also in brackets), or a host name.
    ///
    /// Never fails: what is no address is a name. An empty field and `-` are names too.
    pub fn parse(field: &[u8]) -> Client {
        if let Some(address) = parse_ipv4(field) {
            return Client::from_ip(IpAddr::V4(address));
        }
        if field.contains(&b':') {
            let inner = field
                .strip_prefix(b"[")
                .and_then(|rest| rest.strip_suffix(b"]"))
                .unwrap_or(field);
            if let Some(address) = parse_ipv6(inner).or_else(|| parse_mixed(inner)) {
                return Client::from_ip(IpAddr::V6(address));
            }
        }
        Client(NAME_PREFIX | (name_hash(field) >> 16))
    }

    /// Reads the word that a line begins with, up to the first blank. Returns its length as well; `None` for a line
    /// without a blank.
    #[inline]
    pub fn leading(line: &[u8]) -> Option<(Client, usize)> {
        if let Some((address, length)) = leading_ipv4(line) {
            return Some((Client(IPV4_PREFIX | u128::from(u32::from(address))), length));
        }
        let length = memchr::memchr(b' ', line)?;
        Some((Client::parse(&line[..length]), length))
    }

    /// The key of an address.
    #[inline]
    pub fn from_ip(address: IpAddr) -> Client {
        match address {
            IpAddr::V4(v4) => Client(u128::from(v4.to_ipv6_mapped())),
            IpAddr::V6(v6) => Client(u128::from(v6)),
        }
    }

    /// The address, or `None` for a host name.
    pub fn ip(self) -> Option<IpAddr> {
        if self.is_name() {
            return None;
        }
        let v6 = Ipv6Addr::from(self.0);
        Some(v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4))
    }

    /// True when the key stands for a host name.
    pub fn is_name(self) -> bool {
        self.0 >> 112 == NAME_PREFIX >> 112
    }

    /// The network that operators usually act on: /24 for IPv4, /48 for IPv6 (RFC 6177 gives
    /// end sites a /48 to /56), `None` for host names.
    pub fn network(self) -> Option<ipnet::IpNet> {
        let (address, width) = match self.ip()? {
            v4 @ IpAddr::V4(_) => (v4, 24),
            v6 @ IpAddr::V6(_) => (v6, 48),
        };
        ipnet::IpNet::new(address, width)
            .ok()
            .map(|network| network.trunc())
    }

    /// The first address of [`Client::network`] as a raw key, without the cost of making the network: for counting
    /// line by line.
    #[inline]
    pub fn network_key(self) -> Option<u128> {
        const IPV4_HOST_BITS: u32 = 32 - 24;
        const IPV6_HOST_BITS: u32 = 128 - 48;
        if self.is_name() {
            return None;
        }
        let bits = match self.0 >> 32 {
            0xffff => IPV4_HOST_BITS,
            _ => IPV6_HOST_BITS,
        };
        Some(self.0 >> bits << bits)
    }

    /// The network of a [`Client::network_key`] as text.
    pub fn network_name(key: u128) -> Option<String> {
        Client(key).network().map(|network| network.to_string())
    }

    /// The client with a raw key.
    pub fn from_key(key: u128) -> Client {
        Client(key)
    }

    /// The raw key, for sampling by hash and for serialisation.
    pub fn key(self) -> u128 {
        self.0
    }
}

/// As a number in which IPv4 addresses are small, and so take few bytes.
impl Serialize for Client {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.key() ^ IPV4_PREFIX).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Client {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Client, D::Error> {
        Ok(Client(u128::deserialize(deserializer)? ^ IPV4_PREFIX))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip() {
            Some(ip) => write!(f, "{ip}"),
            None => write!(f, "name:{:x}", self.key()),
        }
    }
}

/// A client without the port: `203.0.113.7:51000` and `[2001:db8::7]:51000`, but not `2001:db8::7`, nor `unix:`.
pub fn host_of(client: &[u8]) -> &[u8] {
    if let Some(inner) = client.strip_prefix(b"[") {
        let end = memchr::memchr(b']', inner).unwrap_or(inner.len());
        return &inner[..end];
    }
    match memchr::memchr(b':', client) {
        Some(colon) if is_port(&client[colon + 1..]) => &client[..colon],
        _ => client,
    }
}

fn is_port(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// The IPv4 address and the length of a word that a line begins with and that a blank ends; `None` for any other word, and near
/// the end of a line. Reads what [`Client::parse`] reads of it, eight bytes at once (Lamport 1975, *Multiple byte processing
/// with full-word instructions*): loops over one to three digits at a time mispredict at every dot.
#[inline]
fn leading_ipv4(line: &[u8]) -> Option<(Ipv4Addr, usize)> {
    /// What ends the octets.
    const ENDS: [u32; 4] = [b'.' as u32, b'.' as u32, b'.' as u32, b' ' as u32];
    // Four bytes more than the longest, `100.100.100.100 `, so that the beginnings of all octets can be read as words.
    let bytes: &[u8; 20] = line.first_chunk()?;
    let half = |at: usize| bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
    let mut no_digits = no_digits(half(0)) | no_digits(half(8)) << 8;
    let (mut start, mut end) = (0, 0);
    let (mut address, mut is_address) = (0, true);
    for ends_with in ENDS {
        end = no_digits.trailing_zeros() as usize;
        no_digits &= no_digits.wrapping_sub(1);
        let digits = end.wrapping_sub(start);
        is_address &= (1..=3).contains(&digits);
        let shift = 8 * (digits % 4);
        let at = start % 16;
        let text = bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
        is_address &= text >> shift & 0xff == ends_with;
        // The last digit into the highest byte, those before it below; an octet without digits is none anyway.
        let text = (text << ((32 - shift) % 32)) & 0x0f0f_0f00;
        let value = (text >> 24) + 10 * (text >> 16 & 0xff) + 100 * (text >> 8 & 0xff);
        is_address &= value <= 255;
        address = address << 8 | value;
        start = end + 1;
    }
    is_address.then(|| (Ipv4Addr::from(address), end))
}

/// A byte, eight times.
const fn repeated(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The top bits of eight bytes, gathered in the lowest eight.
#[inline]
fn gathered(tops: u64) -> u32 {
    // Bit 8 n comes to stand at 56 + n, and nothing carries into it.
    ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// Which of eight bytes are no digits. These are 0x30 to 0x39: what is above 9 without the 0x30 carries into the top bit.
#[inline]
fn no_digits(word: u64) -> u32 {
    let values = word ^ repeated(b'0');
    gathered((((values & repeated(0x7f)) + repeated(0x76)) | values) & repeated(0x80))
}

/// Dotted-quad only, no leading zeros beyond one digit group, no allocation: this runs once a line.
fn parse_ipv4(field: &[u8]) -> Option<Ipv4Addr> {
    if field.len() < 7 || field.len() > 15 {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut index = 0;
    let mut value: u16 = 0;
    let mut digits = 0;
    for &byte in field {
        match byte {
            b'0'..=b'9' if digits < 3 => {
                value = value * 10 + u16::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && index < 3 && value <= 255 => {
                octets[index] = value as u8;
                index += 1;
                value = 0;
                digits = 0;
            }
            _ => return None,
        }
    }
    if index != 3 || digits == 0 || value > 255 {
        return None;
    }
    octets[3] = value as u8;
    Some(Ipv4Addr::from(octets))
}

/// IPv6 in groups of hexadecimal digits (RFC 4291, 2.2, forms 1 and 2), as the standard library reads it at ten times the
/// cost.
fn parse_ipv6(field: &[u8]) -> Option<Ipv6Addr> {
    const GROUPS: u32 = 8;
    const DIGITS: u32 = 4;
    /// The longest: eight groups of four digits, and colons between them.
    const LONGEST: usize = 39;
    if field.len() > LONGEST {
        return None;
    }
    // Groups that are read, one behind the other, and how many of them stood before the gap.
    let (mut read, mut groups, mut before_gap) = (0u128, 0, None);
    let (mut group, mut digits) = (0u16, 0);
    let mut rest = field;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let value = HEX_VALUE[usize::from(*byte)];
        if value < 16 {
            group = group << 4 | u16::from(value);
            digits += 1;
            continue;
        }
        let doubled = rest.first() == Some(&b':');
        // A colon stands behind a group, or is the first of two; none stands at the end alone.
        let begins = groups == 0 && before_gap.is_none() && doubled;
        if *byte != b':' || digits > DIGITS || (digits == 0 && !begins) || rest.is_empty() {
            return None;
        }
        if digits > 0 {
            read = read << 16 | u128::from(group);
            groups += 1;
            (group, digits) = (0, 0);
        }
        if doubled {
            if before_gap.replace(groups).is_some() {
                return None;
            }
            rest = &rest[1..];
        }
    }
    if digits > 0 {
        read = read << 16 | u128::from(group);
        groups += 1;
    }
    if digits > DIGITS || groups > GROUPS {
        return None;
    }
    match before_gap {
        None => (groups == GROUPS).then(|| Ipv6Addr::from(read)),
        Some(before) if groups < GROUPS => {
            let behind = 16 * (groups - before);
            let low = read & ((1 << behind) - 1);
            let high = (read >> behind).checked_shl(128 - 16 * before).unwrap_or(0);
            Some(Ipv6Addr::from(high | low))
        }
        Some(_) => None,
    }
}

/// What a hexadecimal digit stands for; more than 15 for any other byte.
const HEX_VALUE: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        let digits = b"0123456789abcdef";
        table[digits[value] as usize] = value as u8;
        table[digits[value].to_ascii_uppercase() as usize] = value as u8;
        value += 1;
    }
    table
};

/// IPv6 that ends like IPv4 (form 3).
fn parse_mixed(field: &[u8]) -> Option<Ipv6Addr> {
    let text = field.contains(&b'.').then(|| std::str::from_utf8(field))?;
    text.ok()?.parse().ok()
}

/// FNV-1a over 128 bits (Fowler, Noll, Vo; offset basis and prime from the FNV reference page).
/// Stable across runs and machines, which the standard hashers do not promise.
pub fn name_hash(bytes: &[u8]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(BASIS, |hash, &byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_round_trip_and_names_stay_apart() {
        for text in ["203.0.113.7", "2001:db8::1", "0.0.0.0", "::1"] {
            assert_eq!(
                Client::parse(text.as_bytes()).ip(),
                Some(text.parse().unwrap()),
                "{text}"
            );
        }
        assert_eq!(
            Client::parse(b"[2001:db8::1]"),
            Client::parse(b"2001:db8::1")
        );
        for name in [
            "shop.example",
            "-",
            "",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "a:b",
        ] {
            assert!(Client::parse(name.as_bytes()).is_name(), "{name}");
        }
        assert_ne!(Client::parse(b"a.example"), Client::parse(b"b.example"));
    }

    proptest! {
        #[test]
        fn a_leading_word_is_read_as_it_is_alone(
            word in prop_oneof![
                "[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}",
                "[0-9.]{0,17}",
                "[0-9.:a-f/\\-\u{80}-\u{ff}]{0,17}",
            ],
            rest in ".{0,20}",
        ) {
            let line = format!("{word} {rest}");
            let (client, length) = Client::leading(line.as_bytes()).unwrap();
            prop_assert_eq!(length, word.len());
            prop_assert_eq!(client, Client::parse(word.as_bytes()));
        }
    }

    proptest! {
        #[test]
        fn addresses_are_read_as_the_standard_library_reads_them(
            text in prop_oneof![
                "[0-9a-fA-F]{0,5}(:{1,2}[0-9a-fA-F]{0,4}){0,8}:{0,2}",
                "([0-9a-f]{1,4}:){0,8}:([0-9a-f]{1,4}:){0,7}[0-9a-f]{0,5}",
                "(::|1:)[0-9a-g:.]{0,12}",
                any::<std::net::Ipv6Addr>().prop_map(|address| address.to_string()),
            ],
        ) {
            let expected = text.parse().ok().map(IpAddr::V6);
            let client = Client::parse(text.as_bytes());
            let found = (!client.is_name()).then_some(client);
            prop_assert_eq!(found, expected.map(Client::from_ip).filter(|client| !client.is_name()));
        }
    }

    #[test]
    fn networks_are_24_and_48() {
        let network = |text: &str| {
            Client::parse(text.as_bytes())
                .network()
                .unwrap()
                .to_string()
        };
        assert_eq!(network("203.0.113.7"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2::3"), "2001:db8:1::/48");
        assert!(Client::parse(b"host.example").network().is_none());
        for text in ["203.0.113.7", "2001:db8:1:2::3", "::1"] {
            let client = Client::parse(text.as_bytes());
            let first = client.network().map(|network| network.network());
            let key = first.map(|address| Client::from_ip(address).key());
            assert_eq!(client.network_key(), key, "{text}");
        }
        assert_eq!(Client::parse(b"host.example").network_key(), None);
    }
}

//! Names for what must not be told: keyed, so that nobody without the key can try all addresses, and the same for the same
//! thing.
//!
//! Addresses are encrypted bit by bit, so that addresses with a common prefix keep one of the same length (ipcrypt-pfx,
//! draft-denis-ipcrypt; after Xu, Fan, Ammar, Moon 2002, Crypto-PAn). Everything else gets a short part of its
//! HMAC-SHA-256 (RFC 2104, FIPS 180-4).

use std::collections::BTreeSet;
use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use ipcrypt_rs::IpcryptPfx;
use ipnet::IpNet;
use sha2::Sha256;

/// Bytes of a key that is made for one run, and the least that a key of the user's may have.
pub const KEY_BYTES: usize = 32;

/// Different bytes that a key must have: fewer are no random ones. 32 random bytes have 30 on average, and as hexadecimal
/// digits, which are 64, more than 15.
const LEAST_VARIETY: usize = 12;

/// Bytes of the HMAC that stand in a name: of 1,000 values two have the same name in one report of 8,600.
const SHOWN_BYTES: usize = 4;

/// What a name stands for. Equal texts of different kinds get different names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name of a host.
    Host,
    /// Who logged in.
    User,
    /// The value of a parameter, and other text that a visitor wrote.
    Value,
    /// A directory of an input.
    Folder,
    /// What the user calls a network that is known.
    Party,
}

impl Kind {
    /// What a name of this kind begins and ends with.
    fn frame(self) -> (&'static str, &'static str) {
        match self {
            // RFC 2606: never anybody's
            Kind::Host => ("host-", ".example"),
            Kind::User => ("user-", ""),
            Kind::Value => ("v-", ""),
            Kind::Folder => ("folder-", ""),
            Kind::Party => ("party-", ""),
        }
    }
}

/// Gives names under one key.
pub struct Pseudonyms {
    addresses: IpcryptPfx,
    names: Hmac<Sha256>,
}

impl Pseudonyms {
    /// Names under a key: any bytes, if there are enough of them.
    ///
    /// # Errors
    /// When the key is short, or not random; as a sentence.
    pub fn new(key: &[u8]) -> Result<Pseudonyms, String> {
        let variety = key.iter().collect::<BTreeSet<_>>().len();
        if key.len() < KEY_BYTES || variety < LEAST_VARIETY {
            return Err(format!(
                "the key has {} bytes, {variety} of them different, and could be guessed: at least {KEY_BYTES} random ones are \
                 needed, as `head -c {KEY_BYTES} /dev/urandom | base64` writes them",
                key.len()
            ));
        }
        let keyed = Hmac::<Sha256>::new_from_slice(key).map_err(|error| error.to_string())?;
        let derived = |purpose: &[u8]| -> [u8; KEY_BYTES] {
            let mut keyed = keyed.clone();
            keyed.update(purpose);
            keyed.finalize().into_bytes().into()
        };
        let names = derived(b"aftertrace names");
        Ok(Pseudonyms {
            addresses: IpcryptPfx::new(halves_differ(derived(b"aftertrace addresses"))),
            names: Hmac::new_from_slice(&names).map_err(|error| error.to_string())?,
        })
    }

    /// Another address of the same family. Two that begin with the same bits get two that begin with as many.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        let mapped = match address {
            IpAddr::V6(address) => address.to_ipv4_mapped(),
            IpAddr::V4(_) => None,
        };
        match mapped {
            // One client, however it is written.
            Some(v4) => match self.addresses.encrypt_ipaddr(IpAddr::V4(v4)) {
                IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
                other => other,
            },
            None => self.addresses.encrypt_ipaddr(address),
        }
    }

    /// The network of the other addresses that stand for those in this one.
    pub fn network(&self, network: IpNet) -> IpNet {
        let first = self.address(network.network());
        let length = network.prefix_len();
        IpNet::new(first, length).map_or(network, |network| network.trunc())
    }

    /// A name for a text. Case does not count in hosts.
    pub fn name(&self, kind: Kind, text: &str) -> String {
        let (front, end) = kind.frame();
        let mut keyed = self.names.clone();
        keyed.update(front.as_bytes());
        match kind {
            Kind::Host => keyed.update(text.to_ascii_lowercase().as_bytes()),
            _ => keyed.update(text.as_bytes()),
        }
        let mac = keyed.finalize().into_bytes();
        let shown = mac.iter().take(SHOWN_BYTES);
        let shown: String = shown.map(|byte| format!("{byte:02x}")).collect();
        format!("{front}{shown}{end}")
    }

    /// Whether a text is a name of this kind already.
    pub fn is_name(kind: Kind, text: &str) -> bool {
        let (front, end) = kind.frame();
        let inner = text
            .strip_prefix(front)
            .and_then(|rest| rest.strip_suffix(end));
        inner.is_some_and(|inner| {
            inner.len() == 2 * SHOWN_BYTES
                && inner
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }
}

/// The cipher refuses a key of two equal halves, which chance brings once in 2^128.
fn halves_differ(mut key: [u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    if key[..KEY_BYTES / 2] == key[KEY_BYTES / 2..] {
        key[0] ^= 1;
    }
    key
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use proptest::prelude::*;

    const KEY: &[u8] = b"0123456789abcdefghijklmnopqrstuv";

    fn names() -> Pseudonyms {
        Pseudonyms::new(KEY).unwrap()
    }

    #[test]
    fn a_short_or_dull_key_is_refused() {
        for key in [
            &b""[..],
            b"secret",
            &KEY[..31],
            &[7; 64],
            b"abcabcabcabcabcabcabcabcabcabcabcabc",
        ] {
            let fault = Pseudonyms::new(key).err().unwrap();
            assert!(fault.contains("/dev/urandom"), "{fault}");
        }
    }

    #[test]
    fn names_depend_on_the_key_the_kind_and_the_text_alone() {
        let (one, other) = (names(), Pseudonyms::new(&KEY.repeat(2)).unwrap());
        let host = one.name(Kind::Host, "shop.example");
        assert_eq!(host, one.name(Kind::Host, "SHOP.example"));
        assert_ne!(host, other.name(Kind::Host, "shop.example"));
        assert_ne!(one.name(Kind::Value, "a"), one.name(Kind::Value, "b"));
        assert_ne!(
            one.name(Kind::Value, "a")[2..],
            one.name(Kind::User, "a")[5..]
        );
        assert!(Pseudonyms::is_name(Kind::Host, &host));
        assert!(
            !Pseudonyms::is_name(Kind::Value, &host) && !Pseudonyms::is_name(Kind::Value, "v-1")
        );
        let address = "192.0.2.7".parse().unwrap();
        assert_ne!(one.address(address), other.address(address));
        let mapped = one.address("::ffff:192.0.2.7".parse().unwrap());
        assert_eq!(mapped.to_canonical(), one.address(address));
    }

    fn common(a: IpAddr, b: IpAddr) -> u32 {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(v4) => u128::from(u32::from(v4)) << 96,
            IpAddr::V6(v6) => u128::from(v6),
        };
        (bits(a) ^ bits(b)).leading_zeros()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn prefixes_are_kept(a in any::<u128>(), flipped in 0..128u32, v4 in any::<bool>(), length in 0..=32u8) {
            let names = names();
            let address = |bits: u128| match v4 {
                true => IpAddr::V4(((bits >> 96) as u32).into()),
                false => IpAddr::V6(Ipv6Addr::from(bits)),
            };
            let (a, b) = (address(a), address(a ^ 1 << flipped));
            prop_assert_eq!(common(names.address(a), names.address(b)), common(a, b));
            let network = IpNet::new(a, length).unwrap().trunc();
            prop_assert_eq!(names.network(network).contains(&names.address(b)), network.contains(&b));
        }
    }
}

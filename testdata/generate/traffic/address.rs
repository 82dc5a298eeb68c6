//! Where clients come from: reserved addresses only.

use super::rng::Rng;

/// Addresses of 100.64.0.0/10, the shared space of RFC 6598.
pub const SHARED_SPACE: u64 = 1 << 22;

/// One in this many visitors comes by IPv6.
const SIXTH_SENSE: u64 = 9;

/// The address of an ordinary visitor: anywhere in 198.18.0.0/16, 100.64.0.0/10 or 2001:db8::/32.
pub fn visitor(rng: &mut Rng) -> String {
    if rng.below(SIXTH_SENSE) == 0 {
        return format!(
            "2001:db8:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}",
            rng.between(1, 0x7fff),
            rng.below(0x100),
            rng.between(1, 0xffff),
            rng.between(1, 0xffff),
            rng.between(1, 0xffff),
            rng.between(1, 0xffff)
        );
    }
    if rng.chance(0.25) {
        return format!("198.18.{}.{}", rng.below(256), rng.between(1, 254));
    }
    shared(rng.below(SHARED_SPACE))
}

/// The nth address of the shared space.
pub fn shared(index: u64) -> String {
    format!(
        "100.{}.{}.{}",
        64 + (index >> 16 & 0x3f),
        index >> 8 & 0xff,
        index & 0xff
    )
}

/// A background scanner's address: 192.0.2.0/24 and 198.51.100.0/24 are kept for such strays.
pub fn stray(rng: &mut Rng) -> String {
    let network = rng.pick(&["192.0.2", "198.51.100"]);
    format!("{network}.{}", rng.between(130, 254))
}

/// `count` different addresses, most of them in `networks` /24 networks of 198.19.0.0/16, and a
/// share `scattered` anywhere in the shared space.
pub fn botnet(rng: &mut Rng, count: usize, networks: usize, scattered: f64) -> Vec<String> {
    let mut thirds: Vec<u64> = Vec::new();
    while thirds.len() < networks {
        let third = rng.below(256);
        if !thirds.contains(&third) {
            thirds.push(third);
        }
    }
    let mut addresses: Vec<String> = Vec::new();
    while addresses.len() < count {
        let address = if rng.chance(scattered) {
            shared(rng.below(SHARED_SPACE))
        } else {
            let third = thirds[rng.skewed(networks)];
            format!("198.19.{third}.{}", rng.between(1, 254))
        };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

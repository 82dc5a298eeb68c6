//! The headers that HAProxy was told to capture: `{shop.example|Mozilla/5.0|203.0.113.9} {text/html}`.
//!
//! The log holds their values and not their names. The lines of an input vote on each of them by what such headers look
//! like; what is none of those is only searched for attacks.

use crate::bytes::Bytes;
use crate::client::Client;
use crate::format::record::host_of;

/// What a captured header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    /// `Host`.
    Host,
    /// `User-Agent`.
    UserAgent,
    /// `Referer`.
    Referer,
    /// `X-Forwarded-For` or a like one.
    Forwarded,
    /// Of a client or a server, but which?
    Other,
}

/// Captured headers looked at.
pub const MAX_CAPTURES: usize = 16;

/// Lines that vote, and bytes in which they are looked for.
const VOTERS: usize = 500;
const REACH: usize = 1 << 20;

/// Which captured header is what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captures {
    kinds: [Capture; MAX_CAPTURES],
}

impl Captures {
    /// Lets the first lines vote; `blocks` gives the blocks in braces of a line.
    pub fn learn(bytes: Bytes<'_>, blocks: impl Fn(&[u8]) -> Option<&[u8]>) -> Captures {
        let mut ballots = [Ballot::default(); MAX_CAPTURES];
        let lines = bytes.lines(0..REACH).filter_map(|(_, line)| blocks(line));
        for block in lines.take(VOTERS) {
            for (ballot, value) in ballots.iter_mut().zip(captures(block)) {
                ballot.count(value);
            }
        }
        let mut kinds = ballots.map(Ballot::winner);
        for kind in [
            Capture::Host,
            Capture::UserAgent,
            Capture::Referer,
            Capture::Forwarded,
        ] {
            // A response may hold an address or a host too; requests come first.
            let same = kinds.iter_mut().filter(|found| **found == kind);
            same.skip(1).for_each(|again| *again = Capture::Other);
        }
        Captures { kinds }
    }

    /// What the header at an index is, counted over both blocks.
    pub fn at(&self, index: usize) -> Capture {
        self.kinds.get(index).copied().unwrap_or(Capture::Other)
    }

    /// What the report says about it.
    pub fn notes(&self) -> Vec<String> {
        let named = self.kinds.iter().enumerate().filter_map(|(index, kind)| {
            let name = match kind {
                Capture::Host => "Host",
                Capture::UserAgent => "User-Agent",
                Capture::Referer => "Referer",
                Capture::Forwarded => "X-Forwarded-For",
                Capture::Other => return None,
            };
            Some(format!("{} as {name}", index + 1))
        });
        let named: Vec<String> = named.collect();
        match named.is_empty() {
            true => Vec::new(),
            false => vec![format!(
                "captured headers have no names in this log; by what they hold, they are read so: {}",
                named.join(", ")
            )],
        }
    }
}

/// The values in the blocks, in order. An empty block has one, which is empty.
pub fn captures(blocks: &[u8]) -> impl Iterator<Item = &[u8]> {
    // `|` and `}` within a value are written as `#7C` and `#7D`.
    let mut rest = blocks;
    std::iter::from_fn(move || {
        let opened = match rest.first()? {
            b'{' => &rest[1..],
            b'|' => &rest[1..],
            _ => {
                let open = memchr::memchr(b'{', rest)?;
                &rest[open + 1..]
            }
        };
        let end = memchr::memchr2(b'|', b'}', opened).unwrap_or(opened.len());
        rest = &opened[end..];
        Some(&opened[..end])
    })
}

#[derive(Debug, Clone, Copy, Default)]
struct Ballot {
    given: usize,
    hosts: usize,
    agents: usize,
    referers: usize,
    addresses: usize,
}

impl Ballot {
    fn count(&mut self, value: &[u8]) {
        if value.is_empty() || value == b"-" {
            return;
        }
        self.given += 1;
        let url = value.starts_with(b"http://") || value.starts_with(b"https://");
        self.referers += usize::from(url);
        self.addresses += usize::from(are_addresses(value));
        self.hosts += usize::from(is_host(value));
        self.agents += usize::from(!url && is_agent(value));
    }

    fn winner(self) -> Capture {
        let most = |count: usize| count > 0 && count * 2 > self.given;
        match self {
            _ if most(self.referers) => Capture::Referer,
            _ if most(self.agents) => Capture::UserAgent,
            // Scanners ask for a host by its address: that decides only if all do.
            _ if most(self.hosts) => Capture::Host,
            _ if most(self.addresses) => Capture::Forwarded,
            _ => Capture::Other,
        }
    }
}

fn are_addresses(value: &[u8]) -> bool {
    let last = value.rsplit(|byte| *byte == b',').next().unwrap_or(value);
    !Client::parse(host_of(last.trim_ascii())).is_name()
}

/// `shop.example`, `localhost:8080`; no address, and no media type.
fn is_host(value: &[u8]) -> bool {
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:".contains(byte);
    let name = host_of(value);
    value.iter().all(letters)
        && name.iter().any(u8::is_ascii_alphabetic)
        && (name.contains(&b'.') || name != value)
        && Client::parse(name).is_name()
}

/// A product and its version (RFC 9110, 10.1.5): `Mozilla/5.0 (...)`, `curl/8.5.0`.
fn is_agent(value: &[u8]) -> bool {
    let product = value.split(|byte| *byte == b' ').next().unwrap_or(value);
    let mut parts = product.split(|byte| *byte == b'/');
    let name = parts.next().is_some_and(|name| !name.is_empty());
    let version = parts.next().and_then(|version| version.first());
    name && version.is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Capture::*;

    #[test]
    fn values_are_cut_from_both_blocks() {
        for (blocks, expected) in [
            ("", &[][..]),
            ("{}", &[""]),
            ("{a|b c|} {d} ", &["a", "b c", "", "d"]),
            ("{a|} {}", &["a", "", ""]),
            ("{a|b", &["a", "b"]),
        ] {
            let found: Vec<_> = captures(blocks.as_bytes()).collect();
            let expected: Vec<_> = expected.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(found, expected, "{blocks}");
        }
    }

    #[test]
    fn headers_are_told_by_what_they_hold() {
        let log = "{shop.example|curl/8.5.0|203.0.113.9, 10.0.0.2|https://shop.example/|k=v} {text/html|203.0.113.1}\n\
                   {198.51.100.1|Mozilla/5.0 (X11)||-|x} {}\n\
                   {shop.example:8080|' or 1=1|198.51.100.7:443||} {image/png|web.example}\n\
                   {shop.example|Mozilla/5.0|unknown||} {text/css|203.0.113.1}\n";
        let captures = Captures::learn(log.as_bytes().into(), |line| Some(line));
        let found: Vec<_> = (0..7).map(|index| captures.at(index)).collect();
        assert_eq!(
            found,
            [Host, UserAgent, Forwarded, Referer, Other, Other, Other]
        );
        assert_eq!(captures.notes().len(), 1);
        let none = Captures::learn(b"\n\n".into(), |_| None);
        assert_eq!(none.notes(), [""; 0]);
    }
}

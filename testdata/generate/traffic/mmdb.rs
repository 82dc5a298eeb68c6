//! Writes databases in the MaxMind DB format (maxmind.github.io/MaxMind-DB, version 2.0), for invented networks.
//!
//! A binary tree over the bits of an address, a separator of 16 zero bytes, the records, and what the database says of
//! itself. Strings that were written before are pointed at, as real databases do.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// What stands in front of the metadata.
pub const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// When the databases were made, as they say: 2021-09-01T00:00:00Z.
pub const BUILT: u64 = 1_630_454_400;

/// A value of the format.
#[derive(Debug, Clone)]
pub enum Value {
    Text(&'static str),
    Number(u32),
    Double(f64),
    Map(Vec<(&'static str, Value)>),
    Array(Vec<Value>),
}

/// How a database is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// What it calls itself.
    pub kind: &'static str,
    /// Bits of a record of the tree: 24, 28 or 32.
    pub record_bits: u16,
    /// 4, or 6 for a tree of IPv6 in which IPv4 stands below 96 zero bits.
    pub ip_version: u16,
}

/// The database in which these networks (an address and the length of its prefix) have these records. Of networks within
/// each other the narrower must come later.
pub fn database(layout: Layout, networks: &[(&str, Value)]) -> Vec<u8> {
    let mut tree = Tree::new();
    let mut data = Data::default();
    for (network, value) in networks {
        let (address, length) = network.split_once('/').expect("a network");
        let offset = data.bytes.len();
        data.write(value);
        let (bits, length) = key(
            address,
            length.parse().expect("a length"),
            layout.ip_version,
        );
        tree.insert(bits, length, offset);
    }
    let mut out = tree.written(layout.record_bits);
    out.extend([0; 16]);
    out.extend(data.bytes);
    out.extend(MARKER);
    out.extend(metadata(layout, tree.nodes.len()));
    out
}

/// The bits of an address from the left, and how many of them count.
fn key(address: &str, length: usize, ip_version: u16) -> (u128, usize) {
    match (address.parse().expect("an address"), ip_version) {
        (IpAddr::V4(v4), 4) => (u128::from(u32::from(v4)) << 96, length),
        (IpAddr::V4(v4), _) => (u128::from(u32::from(v4)), length + 96),
        (IpAddr::V6(v6), _) => (u128::from(Ipv6Addr::from(v6.octets())), length),
    }
}

/// Where a branch leads.
#[derive(Clone, Copy, PartialEq)]
enum Branch {
    Nowhere,
    Node(usize),
    Record(usize),
}

struct Tree {
    nodes: Vec<[Branch; 2]>,
}

impl Tree {
    fn new() -> Tree {
        Tree {
            nodes: vec![[Branch::Nowhere; 2]],
        }
    }

    fn insert(&mut self, bits: u128, length: usize, record: usize) {
        let mut node = 0;
        for depth in 0..length {
            let side = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == length {
                self.nodes[node][side] = Branch::Record(record);
                return;
            }
            node = match self.nodes[node][side] {
                Branch::Node(next) => next,
                // A wider network goes on beside the narrower one.
                wider => {
                    self.nodes.push([wider; 2]);
                    let next = self.nodes.len() - 1;
                    self.nodes[node][side] = Branch::Node(next);
                    next
                }
            };
        }
    }

    fn written(&self, record_bits: u16) -> Vec<u8> {
        let count = self.nodes.len();
        let number = |branch: Branch| match branch {
            Branch::Nowhere => count as u32,
            Branch::Node(node) => node as u32,
            Branch::Record(offset) => (count + 16 + offset) as u32,
        };
        let mut out = Vec::new();
        for [left, right] in &self.nodes {
            let (left, right) = (number(*left), number(*right));
            let ([high_left, left_rest @ ..], [high_right, right_rest @ ..]) =
                (left.to_be_bytes(), right.to_be_bytes());
            match record_bits {
                24 => {
                    out.extend(left_rest);
                    out.extend(right_rest);
                }
                // The byte between holds the highest four bits of both.
                28 => {
                    out.extend(left_rest);
                    out.push(high_left << 4 | high_right);
                    out.extend(right_rest);
                }
                _ => {
                    out.extend(left.to_be_bytes());
                    out.extend(right.to_be_bytes());
                }
            }
        }
        out
    }
}

/// The numbers of types that are used.
const POINTER: u8 = 1;
const TEXT: u8 = 2;
const DOUBLE: u8 = 3;
const UINT16: u8 = 5;
const UINT32: u8 = 6;
const MAP: u8 = 7;
const UINT64: u8 = 9;
const ARRAY: u8 = 11;

/// The largest type that fits into the first byte.
const LAST_SHORT: u8 = 7;

/// Texts shorter than a pointer are not pointed at.
const WORTH_A_POINTER: usize = 4;

/// A section of values.
#[derive(Default)]
struct Data {
    bytes: Vec<u8>,
    texts: BTreeMap<&'static str, usize>,
}

impl Data {
    fn write(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.text(text),
            Value::Number(number) => self.unsigned(UINT32, u64::from(*number)),
            Value::Double(number) => {
                self.control(DOUBLE, 8);
                self.bytes.extend(number.to_be_bytes());
            }
            Value::Map(fields) => {
                self.control(MAP, fields.len());
                for (name, value) in fields {
                    self.text(name);
                    self.write(value);
                }
            }
            Value::Array(values) => {
                self.control(ARRAY, values.len());
                values.iter().for_each(|value| self.write(value));
            }
        }
    }

    fn text(&mut self, text: &'static str) {
        if text.len() < WORTH_A_POINTER {
            return self.spelled(text);
        }
        match self.texts.get(text) {
            // A pointer of four bytes: the size bits say so, and the offset follows.
            Some(offset) => {
                self.bytes.push(POINTER << 5 | 3 << 3);
                self.bytes.extend((*offset as u32).to_be_bytes());
            }
            None => {
                self.texts.insert(text, self.bytes.len());
                self.spelled(text);
            }
        }
    }

    fn spelled(&mut self, text: &str) {
        self.control(TEXT, text.len());
        self.bytes.extend(text.bytes());
    }

    fn unsigned(&mut self, kind: u8, number: u64) {
        let bytes = number.to_be_bytes();
        let used = bytes.iter().skip_while(|byte| **byte == 0);
        let used: Vec<u8> = used.copied().collect();
        self.control(kind, used.len());
        self.bytes.extend(used);
    }

    /// The type and the size of what follows.
    fn control(&mut self, kind: u8, size: usize) {
        /// From here on the size stands in bytes of its own.
        const LONG: usize = 29;
        /// And from here on in two.
        const LONGER: usize = 29 + 256;
        let (size, more) = match size {
            ..LONG => (size as u8, vec![]),
            LONG..LONGER => (29, vec![(size - LONG) as u8]),
            _ => (30, ((size - LONGER) as u16).to_be_bytes().to_vec()),
        };
        match kind {
            ..=LAST_SHORT => self.bytes.push(kind << 5 | size),
            _ => self.bytes.extend([size, kind - LAST_SHORT]),
        }
        self.bytes.extend(more);
    }
}

fn metadata(layout: Layout, nodes: usize) -> Vec<u8> {
    let mut data = Data::default();
    let fields = 9;
    data.control(MAP, fields);
    let mut number = |name: &str, kind: u8, number: u64| {
        data.spelled(name);
        data.unsigned(kind, number);
    };
    number("binary_format_major_version", UINT16, 2);
    number("binary_format_minor_version", UINT16, 0);
    number("build_epoch", UINT64, BUILT);
    number("ip_version", UINT16, u64::from(layout.ip_version));
    number("node_count", UINT32, nodes as u64);
    number("record_size", UINT16, u64::from(layout.record_bits));
    data.spelled("database_type");
    data.spelled(layout.kind);
    data.spelled("languages");
    data.write(&Value::Array(vec![Value::Text("en")]));
    data.spelled("description");
    data.write(&Value::Map(vec![(
        "en",
        Value::Text("Invented, for tests"),
    )]));
    data.bytes
}

/// Who invented networks belong to: the shop's visitors, and the hosting companies from which it is attacked.
fn owners() -> Vec<(&'static str, &'static str, &'static str, u32, &'static str)> {
    vec![
        (
            "100.64.0.0/10",
            "US",
            "United States",
            64_500,
            "Example Mobile Inc.",
        ),
        (
            "192.0.2.0/24",
            "DE",
            "Germany",
            64_502,
            "Example Networks GmbH",
        ),
        (
            "198.18.0.0/16",
            "US",
            "United States",
            64_501,
            "Example Cable LLC",
        ),
        (
            "198.19.0.0/16",
            "NL",
            "Netherlands",
            64_496,
            "Example Hosting B.V.",
        ),
        (
            "198.19.128.0/17",
            "SG",
            "Singapore",
            64_497,
            "Example Cloud Pte. Ltd.",
        ),
        (
            "198.51.100.0/24",
            "FR",
            "France",
            64_503,
            "Example Télécom SA",
        ),
        (
            "203.0.113.0/24",
            "BR",
            "Brazil",
            64_498,
            "Example Servidores Ltda.",
        ),
        ("2001:db8::/32", "JP", "Japan", 64_499, "Example K.K."),
    ]
}

/// The databases that the tests use and README.md shows, by the names of their files: each in another layout, and with the
/// fields of another vendor.
pub fn databases() -> Vec<(&'static str, Vec<u8>)> {
    let country = |code, name| {
        let names = Value::Map(vec![("en", Value::Text(name))]);
        Value::Map(vec![
            ("geoname_id", Value::Number(1)),
            ("iso_code", Value::Text(code)),
            ("names", names),
        ])
    };
    let of_country = owners().into_iter().map(|(network, code, name, ..)| {
        let fields = vec![
            ("country", country(code, name)),
            ("registered_country", country("ZZ", name)),
        ];
        (network, Value::Map(fields))
    });
    let of_system = owners().into_iter().map(|(network, _, _, number, name)| {
        let fields = vec![
            ("autonomous_system_number", Value::Number(number)),
            ("autonomous_system_organization", Value::Text(name)),
        ];
        (network, Value::Map(fields))
    });
    let flat = owners()
        .into_iter()
        .map(|(network, code, name, number, organization)| {
            let number: &'static str = format!("AS{number}").leak();
            let fields = vec![
                ("asn", Value::Text(number)),
                ("as_name", Value::Text(organization)),
                ("as_domain", Value::Text("hosting.example")),
                ("continent", Value::Text("Elsewhere")),
                ("country", Value::Text(name)),
                ("country_code", Value::Text(code)),
            ];
            (network, Value::Map(fields))
        });
    let places = owners().into_iter().map(|(network, ..)| {
        let location = Value::Map(vec![
            ("latitude", Value::Double(52.5)),
            ("longitude", Value::Double(13.4)),
        ]);
        (
            network,
            Value::Map(vec![
                ("location", location),
                ("postal", Value::Text("00000")),
            ]),
        )
    });
    let layout = |kind, record_bits| Layout {
        kind,
        record_bits,
        ip_version: 6,
    };
    vec![
        (
            "asn.mmdb",
            database(layout("Example-ASN", 24), &of_system.collect::<Vec<_>>()),
        ),
        (
            "country.mmdb",
            database(
                layout("Example-Country", 28),
                &of_country.collect::<Vec<_>>(),
            ),
        ),
        (
            "lite.mmdb",
            database(layout("example lite.mmdb", 32), &flat.collect::<Vec<_>>()),
        ),
        (
            "places.mmdb",
            database(layout("Example-Places", 24), &places.collect::<Vec<_>>()),
        ),
    ]
}

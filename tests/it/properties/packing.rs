//! Properties of what reads files of other kinds than logs: packed streams, archives, databases, parts.

use std::io::{self, Read, Write};

use aftertrace::counts::AccessCounts;
use aftertrace::merge::Merge;
use aftertrace::origins::{Atlas, Databases};
use aftertrace::part;
use aftertrace::pass::Bounded;
use aftertrace::report::view::Origin;
use aftertrace::source::archive::{self, BLOCK};
use aftertrace::source::decompress::{MAX_LAYERS, foreign, peel};
use flate2::Compression;
use flate2::write::GzEncoder;

/// As much is unpacked at most: a few bytes can stand for gigabytes.
const MOST: usize = 1 << 20;

/// The same comes out in whatever steps it is read and asked for, and damage is told in both.
pub fn packed(bytes: &[u8]) {
    foreign(bytes);
    let (small, small_error) = unpacked(bytes, 1, 7);
    let (large, large_error) = unpacked(bytes, usize::MAX, 1 << 16);
    let common = small.len().min(large.len());
    assert!(small[..common] == large[..common], "other bytes");
    if common < MOST {
        assert_eq!(
            small_error, large_error,
            "damage in one of two ways to read"
        );
        if !small_error {
            assert_eq!(small.len(), large.len(), "less in one of two ways to read");
        }
    }
}

/// What comes out, and whether something was wrong. The stream gives `bite` bytes at a time and is asked for `step`.
fn unpacked(bytes: &[u8], bite: usize, step: usize) -> (Vec<u8>, bool) {
    let Ok(peeled) = peel(Bites { bytes, bite }) else {
        return (Vec::new(), true);
    };
    assert!(peeled.layers <= MAX_LAYERS);
    let mut reader = peeled.reader;
    let mut out = Vec::new();
    let mut buffer = vec![0; step];
    while out.len() < MOST {
        match reader.read(&mut buffer) {
            Ok(0) => return (out, false),
            Ok(count) => out.extend(&buffer[..count]),
            Err(_) => return (out, true),
        }
    }
    (out, false)
}

/// A stream that gives a few bytes at a time.
struct Bites<'a> {
    bytes: &'a [u8],
    bite: usize,
}

impl Read for Bites<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bite.min(buffer.len());
        self.bytes.read(&mut buffer[..count])
    }
}

/// The members of an archive lie in it, one behind the other. Checksums are made right, or no change to a header would
/// ever be looked at; so each input is tried as it is as well.
pub fn archive(bytes: &[u8]) {
    list(bytes);
    list(&with_checksums(bytes));
}

fn list(bytes: &[u8]) {
    archive::is_tar(bytes);
    const MOST_MEMBERS: usize = 32;
    let listing = archive::list(bytes, MOST_MEMBERS);
    assert!(listing.members.len() <= MOST_MEMBERS);
    let mut behind = 0;
    for member in &listing.members {
        assert!(member.range.start >= behind + BLOCK, "a header before each");
        assert!(member.range.end >= member.range.start && member.range.end <= bytes.len());
        assert!(member.path.len() <= bytes.len());
        behind = member.range.end;
    }
}

/// Where the checksum of a header stands (POSIX.1-2017, pax, ustar Interchange Format).
const CHECKSUM: std::ops::Range<usize> = 148..156;

fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for block in out.chunks_exact_mut(BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            continue;
        }
        block[CHECKSUM].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    out
}

/// Addresses that are looked up: within the networks of the seeds, and elsewhere.
const ADDRESSES: [&str; 8] = [
    "192.0.2.1",
    "198.19.7.7",
    "198.19.255.1",
    "203.0.113.9",
    "0.0.0.0",
    "255.255.255.255",
    "2001:db8::1",
    "::ffff:192.0.2.1",
];

/// Whatever is in a database, every address is counted once, texts are bounded, and the same is found again.
pub fn database(bytes: &[u8]) {
    /// Bytes of a text that are kept.
    const MAX_TEXT: usize = 200;
    let databases = match Databases::from_bytes("a.mmdb", bytes.to_vec()) {
        Ok(databases) => databases,
        Err(error) => {
            let error = error.to_string();
            assert!(
                error.starts_with("a.mmdb: ") && error.len() < 8 << 10,
                "{error}"
            );
            return;
        }
    };
    let [described] = &databases.described()[..] else {
        panic!("one database")
    };
    assert!(described.kind.len() <= MAX_TEXT);
    let look = || {
        let atlas = Atlas::new(&databases);
        let sent = ADDRESSES
            .iter()
            .filter_map(|text| Some((text.parse().ok()?, 2)));
        let origins = atlas.origins(sent);
        (origins, atlas.warnings())
    };
    let (origins, warnings) = look();
    let sum = |of: fn(&Origin) -> u64| origins.iter().map(of).sum::<u64>();
    assert_eq!(sum(|origin| origin.clients), ADDRESSES.len() as u64);
    assert_eq!(sum(|origin| origin.requests), 2 * ADDRESSES.len() as u64);
    for origin in &origins {
        let name = origin.organization.as_ref();
        assert!(name.is_none_or(|name| name.len() <= MAX_TEXT));
        let code = origin.country.as_ref();
        assert!(code.is_none_or(|code| code.len() == 2));
    }
    assert!(warnings.len() <= 1);
    assert_eq!(look(), (origins, warnings));
}

/// The bytes are a part, and what a part holds: whatever is read of them is written as it was read, and merges.
pub fn part(bytes: &[u8]) {
    let whole = read(bytes);
    let file = part_of(bytes);
    let held = read(&file);
    for counts in [whole, held].into_iter().flatten() {
        let written = rewritten(&counts);
        let mut again = read(&written).expect("a part");
        assert!(rewritten(&again) == written, "another value");
        again.merge(counts);
        again.flush();
        rewritten(&again);
    }
}

fn read(part: &[u8]) -> aftertrace::error::Result<AccessCounts> {
    part::read::<(), AccessCounts>(part, "part").map(|(_, counts)| counts)
}

fn rewritten(counts: &AccessCounts) -> Vec<u8> {
    let mut file = Vec::new();
    part::write(&(), counts, &mut file, "part").expect("room");
    file
}

/// A part that holds these bytes.
fn part_of(bytes: &[u8]) -> Vec<u8> {
    const GZIP: &[u8] = b"\x1f\x8b";
    let mut file = Vec::new();
    part::write(&(), &(), &mut file, "part").expect("room");
    // The head is compressed as well.
    let body = file.windows(GZIP.len()).rposition(|two| two == GZIP);
    file.truncate(body.expect("a compressed body"));
    let mut body = GzEncoder::new(file, Compression::fast());
    body.write_all(bytes).expect("room");
    body.finish().expect("room")
}

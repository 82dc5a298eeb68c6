//! What is in a tar archive: the regular files, as ranges of its bytes.
//!
//! Reads headers only and writes nothing, so a member's name is only a name. Formats: v7, ustar, GNU (long names)
//! and pax (POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format"). Bounded by what is there: no size that a header
//! claims is ever allocated.

use std::ops::Range;

use tar::{EntryType, Header, PaxExtensions};

use crate::time::Time;

/// Bytes of a block; headers and contents begin at multiples of it.
pub const BLOCK: usize = 512;

/// The longest name that is kept, in bytes: PATH_MAX of Linux. A longer one is cut.
const MAX_NAME: usize = 4096;

/// The most that is read of a pax header, in bytes. Real ones hold a name and some times.
const MAX_PAX: usize = 64 << 10;

/// A regular file in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path, as the archive has it: anything that its author wished.
    pub path: Vec<u8>,
    /// Where its bytes lie in the archive.
    pub range: Range<usize>,
    /// When it was last written, as its header says.
    pub modified: Option<Time>,
}

/// What was found in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The regular files, in the archive's order.
    pub members: Vec<Member>,
    /// Why the archive could not be read to its end, if so.
    pub damage: Option<Damage>,
    /// Files stored with holes, which are left out.
    pub sparse: usize,
    /// There are more members than may be.
    pub too_many: bool,
}

/// What is wrong with an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The last member listed goes on beyond the end.
    Torn,
    /// There is no valid header where one must be.
    Header,
}

/// Whether `start`, the first [`BLOCK`] bytes, is the header of an archive: it begins with a name, and its checksum holds.
pub fn is_tar(start: &[u8]) -> bool {
    start
        .get(..BLOCK)
        .is_some_and(|block| block[0] != 0 && is_valid(Header::from_byte_slice(block)))
}

/// Lists the members of an archive, `most` at most.
pub fn list(archive: &[u8], most: usize) -> Listing {
    let mut listing = Listing::default();
    let mut extended = Extended::default();
    let mut at: usize = 0;
    loop {
        let Some(block) = archive.get(at..at.saturating_add(BLOCK)) else {
            // Two blocks of zeros end an archive; where they are missing or torn, nothing is lost.
            let rest = archive.get(at..).unwrap_or_default();
            let lost = rest.iter().any(|byte| *byte != 0);
            listing.damage = lost.then_some(Damage::Torn);
            return listing;
        };
        if block.iter().all(|byte| *byte == 0) {
            return listing;
        }
        let header = Header::from_byte_slice(block);
        let size = is_valid(header).then(|| header.entry_size().ok()).flatten();
        let Some(size) = size.map(|size| extended.size(header).unwrap_or(size)) else {
            listing.damage = Some(Damage::Header);
            return listing;
        };
        let start = at + BLOCK;
        let claimed = usize::try_from(size).unwrap_or(usize::MAX);
        let end = start.saturating_add(claimed).min(archive.len());
        listing.take(header, &mut extended, archive, start..end);
        if listing.members.len() > most {
            listing.members.pop();
            listing.too_many = true;
            return listing;
        }
        if end - start < claimed {
            listing.damage = Some(Damage::Torn);
            return listing;
        }
        at = end.next_multiple_of(BLOCK);
    }
}

impl Listing {
    /// Notes what a header with its contents says.
    fn take<'a>(
        &mut self,
        header: &Header,
        extended: &mut Extended<'a>,
        archive: &'a [u8],
        range: Range<usize>,
    ) {
        let contents = &archive[range.clone()];
        match header.entry_type() {
            EntryType::GNULongName => extended.name = Some(until_nul(contents)),
            EntryType::GNULongLink | EntryType::XGlobalHeader => {}
            EntryType::XHeader => extended.read_pax(contents),
            EntryType::Regular | EntryType::Continuous if !extended.sparse => {
                let path = extended.name(header);
                // In v7 archives a directory is an empty file whose name ends so.
                if path.last() != Some(&b'/') {
                    let modified = header.mtime().ok();
                    let modified = modified.and_then(|secs| i64::try_from(secs).ok());
                    self.members.push(Member {
                        path,
                        range,
                        modified: modified.map(Time::from_secs),
                    });
                }
                *extended = Extended::default();
            }
            EntryType::GNUSparse | EntryType::Regular | EntryType::Continuous => {
                self.sparse += 1;
                *extended = Extended::default();
            }
            _ => *extended = Extended::default(),
        }
    }
}

/// What stands before a header and is about it.
#[derive(Default)]
struct Extended<'a> {
    name: Option<&'a [u8]>,
    size: Option<u64>,
    sparse: bool,
}

impl<'a> Extended<'a> {
    /// The size that overrides the header's; those of extension headers are their own.
    fn size(&self, header: &Header) -> Option<u64> {
        let kind = header.entry_type();
        let own = kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions();
        self.size.filter(|_| !own)
    }

    fn read_pax(&mut self, contents: &'a [u8]) {
        let contents = &contents[..contents.len().min(MAX_PAX)];
        for record in PaxExtensions::new(contents).map_while(Result::ok) {
            match record.key_bytes() {
                b"path" => self.name = Some(record.value_bytes()),
                b"size" => self.size = record.value().ok().and_then(|size| size.parse().ok()),
                key => self.sparse |= key.starts_with(b"GNU.sparse."),
            }
        }
    }

    fn name(&self, header: &Header) -> Vec<u8> {
        let mut name = match self.name {
            Some(name) => name[..name.len().min(MAX_NAME)].to_vec(),
            None => header.path_bytes().into_owned(),
        };
        name.truncate(MAX_NAME);
        name
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    &bytes[..end]
}

/// Whether the sum of the header's bytes, its own field taken as spaces, is what it says.
fn is_valid(header: &Header) -> bool {
    /// Where the field stands.
    const SUM: Range<usize> = 148..156;
    let bytes = header.as_bytes();
    let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
    let own: u32 = bytes[SUM].iter().map(|byte| u32::from(*byte)).sum();
    let blank = SUM.len() as u32 * u32::from(b' ');
    header.cksum().is_ok_and(|told| told == sum - own + blank)
}

#[cfg(test)]
mod tests;

//! From an archive to its members: each becomes a source of its own, unpacked where it is packed itself.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use super::{Begun, Held, OpenOptions, Source, unpack};
use crate::error::Warning;
use crate::source::archive::{Damage, Listing, Member, list};
use crate::source::decompress::peel;
use crate::source::spool::{CUT_SHORT, Crew, DAMAGED, Spool};
use crate::text::{count, counted, visible};

/// The code of the warning about a member whose name leads out of its archive.
pub const ODD_NAME: &str = "odd_member_name";

/// How deep archives may stand in each other: logs of a server, in a bundle of servers, in somebody's backup.
const MAX_DEPTH: usize = 3;

/// Inputs on the way to sources.
pub struct Opening<'o> {
    pub sources: Vec<Source>,
    pub warnings: Vec<Warning>,
    options: &'o OpenOptions,
    crew: &'o Crew,
}

impl<'o> Opening<'o> {
    pub fn new(options: &'o OpenOptions, crew: &'o Crew) -> Opening<'o> {
        Opening {
            sources: Vec::new(),
            warnings: Vec::new(),
            options,
            crew,
        }
    }

    /// Takes an input, or the members if it is an archive. What is packed in these may come to `budget` bytes.
    pub fn add(&mut self, begun: Begun, budget: u64, depth: usize) {
        if !begun.is_tar() {
            return self.sources.push(begun.source);
        }
        let archive = begun.source;
        if depth == MAX_DEPTH {
            return self.warn(
                CUT_SHORT,
                &archive.name,
                format!("is an archive in {MAX_DEPTH} others and was left out; unpack it first"),
            );
        }
        self.warnings.extend(archive.warnings());
        let spooled = match &*archive.held {
            Held::Spooled(_) if archive.part.is_none() => archive.bytes().len() as u64,
            _ => 0,
        };
        let listing = list(archive.bytes(), self.options.max_members);
        self.remark(&archive, &listing);
        // All are begun before one is waited for, so that they are unpacked side by side.
        let begun = self.begin(&archive, listing.members, budget.saturating_sub(spooled));
        for (member, budget) in begun {
            self.add(member, budget, depth + 1);
        }
    }

    /// Begins the members of an archive; each with the bytes that it may come to.
    fn begin(&mut self, archive: &Source, members: Vec<Member>, budget: u64) -> Vec<(Begun, u64)> {
        let start = archive.part.as_ref().map_or(0, |part| part.start);
        let bytes = archive.bytes();
        let owner: Arc<str> = Arc::from(archive.name.as_str());
        let looked_at: Vec<_> = members
            .into_iter()
            .filter(|member| !is_hidden(&member.path))
            .map(|member| {
                let inside = peel(&bytes[member.range.clone()]);
                let (layers, tar) = inside.map_or((0, false), |inside| (inside.layers, inside.tar));
                (member, layers > 0, tar)
            })
            .collect();
        let spending = looked_at.iter().filter(|(_, packed, tar)| *packed || *tar);
        let shares = Shares::of(budget, spending.map(|(member, _, _)| member.range.len()));
        let begun = looked_at.into_iter().map(|(member, packed, tar)| {
            let name = format!("{}:{}", archive.name, visible(&member.path));
            if leads_out(&member.path) {
                self.warn(
                    ODD_NAME,
                    &name,
                    "has a name that leads out of its archive. It was read; no file was written"
                        .to_string(),
                );
            }
            let share = shares.share(member.range.len());
            let part = start + member.range.start..start + member.range.end;
            let source = match packed {
                true => self.unpack(archive, part, name, share, tar),
                false => Source {
                    name,
                    modified: None,
                    held: Arc::clone(&archive.held),
                    part: Some(part),
                    remarks: Vec::new(),
                    archive: None,
                },
            };
            let source = Source {
                modified: member.modified,
                archive: Some(Arc::clone(&owner)),
                ..source
            };
            let tar = Some(tar);
            (Begun { source, tar }, share)
        });
        begun.collect()
    }

    fn unpack(
        &self,
        archive: &Source,
        part: Range<usize>,
        name: String,
        most: u64,
        tar: bool,
    ) -> Source {
        let spool = Arc::new(Spool::new(name, self.options.limits(most)));
        let reader = Slice {
            held: Arc::clone(&archive.held),
            left: part,
        };
        unpack(spool, move |spool| spool.fill(reader), tar, self.crew)
    }

    /// Says what is wrong with an archive.
    fn remark(&mut self, archive: &Source, listing: &Listing) {
        let members = listing.members.len();
        let last = listing.members.last().map(|member| visible(&member.path));
        let last = last.map_or("its beginning".to_string(), |last| format!("member {last}"));
        match listing.damage {
            Some(Damage::Torn) => self.warn(
                DAMAGED,
                &archive.name,
                format!("ends within {last}; what it has was used. Get the whole archive"),
            ),
            Some(Damage::Header) => self.warn(
                DAMAGED,
                &archive.name,
                format!("is damaged behind {last}; what precedes was used. Check the archive"),
            ),
            None if members == 0 && !listing.too_many && listing.sparse == 0 => {
                self.warn("empty_input", &archive.name, "holds no files".to_string());
            }
            None => {}
        }
        if listing.too_many {
            let most = count(members as u64);
            self.warn(
                CUT_SHORT,
                &archive.name,
                format!("holds more than {most} files; the first {most} were used. Unpack it and name what matters"),
            );
        }
        if listing.sparse > 0 {
            let files = counted(listing.sparse as u64, "file", "files");
            self.warn(
                CUT_SHORT,
                &archive.name,
                format!(
                    "holds {files} stored with holes (tar --sparse), left out; unpack it first"
                ),
            );
        }
    }

    fn warn(&mut self, code: &'static str, name: &str, what: String) {
        self.warnings.push(Warning {
            code: code.into(),
            message: format!("{name} {what}"),
            input: Some(name.to_string()),
        });
    }
}

/// Divides the bytes that packed members may come to, in a way that does not depend on which is unpacked first: half
/// of them by their packed sizes, half equally.
struct Shares {
    budget: u64,
    count: u64,
    packed: u64,
}

impl Shares {
    fn of(budget: u64, sizes: impl Iterator<Item = usize>) -> Shares {
        let (count, packed) =
            sizes.fold((0, 0), |(count, sum), size| (count + 1, sum + size as u64));
        Shares {
            budget,
            count,
            packed,
        }
    }

    fn share(&self, size: usize) -> u64 {
        let half = self.budget / 2;
        let by_size = u128::from(half) * size as u128 / u128::from(self.packed.max(1));
        u64::try_from(by_size).unwrap_or(half).min(half) + half / self.count.max(1)
    }
}

/// Reads a part of what is held.
struct Slice {
    held: Arc<Held>,
    left: Range<usize>,
}

impl Read for Slice {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.held.so_far();
        let end = self.left.end.min(bytes.len());
        let mut rest = &bytes[self.left.start.min(end)..end];
        let count = rest.read(buffer)?;
        self.left.start += count;
        Ok(count)
    }
}

/// Files that a search of directories would leave out as well.
fn is_hidden(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    parts.any(|part| part.starts_with(b".") && part != b"." && part != b"..")
}

fn leads_out(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| matches!(byte, b'/' | b'\\'));
    path.starts_with(b"/") || parts.any(|part| part == b"..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_are_no_more_than_what_is_divided(
            budget in 0..u64::MAX,
            sizes in proptest::collection::vec(0usize..1 << 40, 1..50),
        ) {
            let shares = Shares::of(budget, sizes.iter().copied());
            let all: u128 = sizes.iter().map(|size| u128::from(shares.share(*size))).sum();
            prop_assert!(all <= u128::from(budget));
        }
    }
}

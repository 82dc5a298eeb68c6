//! Which entries are worth trying on a decoded text: those of whose literals one is in it.
//!
//! Entries are numbered in the order of their set. Not the trying: see `inspector`.

use hashbrown::HashMap;

use super::entry::{Field, Pattern};
use super::facts::{self, Facts};
use super::literals::{Finder, Literals};
use crate::syntax::bytes;

/// The size of the table that tells where a literal could stand: 32 KiB for some 10,000 literals.
const LITERAL_WORDS: usize = 1 << 12;

/// Most literals of all entries together. What is beyond is tried on every text: slow, but right.
const MAX_LITERALS: usize = 1 << 22;

/// A set of entries: one bit each.
#[derive(Default)]
pub(super) struct EntrySet(Vec<u64>);

impl EntrySet {
    pub(super) fn with_room(entries: usize) -> EntrySet {
        EntrySet(vec![0; entries.div_ceil(64)])
    }

    #[inline]
    pub(super) fn add(&mut self, entry: u16) {
        self.0[usize::from(entry / 64)] |= 1 << (entry % 64);
    }

    #[inline]
    fn has(&self, entry: u16) -> bool {
        self.0[usize::from(entry / 64)] >> (entry % 64) & 1 != 0
    }

    /// Whether an entry is in both.
    #[inline]
    pub(super) fn meets(&self, other: &EntrySet) -> bool {
        self.0.iter().zip(&other.0).any(|(one, two)| one & two != 0)
    }

    /// Takes out the entries of another set.
    #[inline]
    pub(super) fn remove(&mut self, other: &EntrySet) {
        for (mine, out) in self.0.iter_mut().zip(&other.0) {
            *mine &= !out;
        }
    }

    /// The entries, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        (0u16..).zip(&self.0).flat_map(|(word, bits)| {
            let mut bits = *bits;
            std::iter::from_fn(move || {
                let bit = bits.trailing_zeros() as u16;
                bits &= bits.checked_sub(1)?;
                Some(word * 64 + bit)
            })
        })
    }
}

/// The entries by field.
struct Fielded {
    /// Those that look at it.
    all: EntrySet,
    /// Those among them that rest on structure: tried on every text with an odd byte.
    structural: EntrySet,
    /// Those among them from which no literal follows: tried on every text.
    always: EntrySet,
}

/// Fields that are searched for the same literals: few entries look at a target as a whole or at headers, and what
/// the others need would be found there in vain.
pub(super) const GROUPS: [&[Field]; 3] = [
    &[Field::Path, Field::Query, Field::Request, Field::Line],
    &[Field::Target],
    &[Field::Referer, Field::UserAgent, Field::Extra],
];

/// The group of a field.
pub(super) fn group(field: Field) -> usize {
    let of = |fields: &&[Field]| fields.contains(&field);
    GROUPS.iter().position(of).unwrap_or_default()
}

/// What one search needs to remember.
#[derive(Default)]
pub(super) struct Seen(Vec<u64>);

/// Puts the entries that need the literals of a text into a set.
struct Collector<'a> {
    candidates: &'a Candidates,
    seen: &'a mut Seen,
    into: &'a mut EntrySet,
}

impl Finder for Collector<'_> {
    #[inline]
    fn wants(&self, number: usize) -> bool {
        self.seen.0[number / 64] >> (number % 64) & 1 == 0
    }

    #[inline]
    fn found(&mut self, number: usize) -> bool {
        self.seen.0[number / 64] |= 1 << (number % 64);
        let starts = &self.candidates.starts;
        for owner in &self.candidates.owners[starts[number] as usize..starts[number + 1] as usize] {
            self.into.add(*owner);
        }
        true
    }
}

/// The search for candidates in the texts of one of [`GROUPS`].
pub(super) struct Candidates {
    literals: Literals<LITERAL_WORDS>,
    /// Where the owners of each literal begin in `owners`; those of the next one follow.
    starts: Vec<u32>,
    /// The entries that need a literal.
    owners: Vec<u16>,
    /// In the order of [`Field::ALL`].
    fields: Vec<Fielded>,
}

impl Candidates {
    /// Sorts entries by the literals that they need.
    pub(super) fn new(patterns: &[Pattern], facts: &[Facts], group: &[Field]) -> Candidates {
        let mut numbers: HashMap<&[u8], u32> = HashMap::new();
        let mut literals: Vec<&[u8]> = Vec::new();
        let mut pairs: Vec<(u32, u16)> = Vec::new();
        let mut always = EntrySet::with_room(facts.len());
        for (index, (facts, pattern)) in (0u16..).zip(facts.iter().zip(patterns)) {
            if !group.iter().any(|field| pattern.looks_at(*field)) {
                continue;
            }
            let words = facts.words.as_deref();
            let Some(words) = words.filter(|_| pairs.len() < MAX_LITERALS) else {
                always.add(index);
                continue;
            };
            for literal in facts::unpack(words) {
                let number = *numbers.entry(literal).or_insert_with(|| {
                    literals.push(literal);
                    (literals.len() - 1) as u32
                });
                pairs.push((number, index));
            }
        }
        let (starts, owners) = by_literal(&pairs, literals.len());
        let fields = Field::ALL.map(|field| Fielded::new(field, patterns, facts, &always));
        Candidates {
            literals: Literals::new(&literals),
            starts,
            owners,
            fields: fields.into(),
        }
    }

    /// Puts the entries that may match a text of `field` into `into`, and nothing else.
    pub(super) fn of(&self, field: Field, text: &[u8], seen: &mut Seen, into: &mut EntrySet) {
        let fielded = &self.fields[field as usize];
        into.0.clear();
        into.0.extend_from_slice(&fielded.always.0);
        seen.0.clear();
        seen.0.resize(self.starts.len().div_ceil(64), 0);
        let mut collector = Collector {
            candidates: self,
            seen,
            into,
        };
        self.literals.each(text, &mut collector);
        let structure = bytes::worth_reading(text, &[]);
        let sets = into.0.iter_mut().zip(&fielded.all.0);
        for ((found, all), structural) in sets.zip(&fielded.structural.0) {
            *found |= if structure { *structural } else { 0 };
            *found &= all;
        }
    }

    /// Whether an entry looks at a field.
    pub(super) fn looks_at(&self, entry: u16, field: Field) -> bool {
        self.fields[field as usize].all.has(entry)
    }
}

/// Sorts pairs of a literal and an entry by literal: where the entries of each begin, and the entries.
fn by_literal(pairs: &[(u32, u16)], literals: usize) -> (Vec<u32>, Vec<u16>) {
    let mut starts = vec![0u32; literals + 2];
    for (literal, _) in pairs {
        starts[*literal as usize + 2] += 1;
    }
    for at in 2..starts.len() {
        starts[at] += starts[at - 1];
    }
    // each start moves on to where the next literal's entries begin, so that it ends up in its place
    let mut owners = vec![0; pairs.len()];
    for (literal, owner) in pairs {
        let next = &mut starts[*literal as usize + 1];
        owners[*next as usize] = *owner;
        *next += 1;
    }
    starts.pop();
    (starts, owners)
}

impl Fielded {
    fn new(field: Field, patterns: &[Pattern], facts: &[Facts], always: &EntrySet) -> Fielded {
        let none = || EntrySet::with_room(facts.len());
        let mut fielded = Fielded {
            all: none(),
            structural: none(),
            always: none(),
        };
        for (index, (pattern, facts)) in (0u16..).zip(patterns.iter().zip(facts)) {
            if !pattern.looks_at(field) {
                continue;
            }
            fielded.all.add(index);
            if facts.structural {
                fielded.structural.add(index);
            }
            if always.has(index) {
                fielded.always.add(index);
            }
        }
        fielded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_sorted_by_literal() {
        let (starts, owners) = by_literal(&[(1, 7), (0, 3), (3, 5), (1, 2)], 4);
        assert_eq!((starts, owners), (vec![0, 1, 3, 3, 4], vec![3, 7, 2, 5]));
    }

    #[test]
    fn entries_come_in_order() {
        let mut set = EntrySet::with_room(300);
        for entry in [255, 0, 64, 63, 299] {
            set.add(entry);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 255, 299]);
        assert!(set.has(64) && !set.has(65));
    }
}

//! Which lines of a chunk the next pass looks at, and what the survey found in them, so that none is judged twice.
//!
//! A line takes two to four bytes: how far it begins behind the one before, and the number of what was found in it. What
//! was found is kept once in each chunk, because a tool sends the same attack at the same parameter again and again.

use std::ops::Range;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::evidence::filed::{Lawful, lawful};
use crate::pattern::set::PatternSet;
use crate::pattern::verdict::{Match, Verdict};

/// A chunk's lists take at most one of so many of its bytes, which bounds what an attacker can make them take. A line of a
/// server has 80 bytes or more, so that there is room for every line, or nearly.
const BYTES_PER_LISTED: usize = 16;

/// The lines of a chunk that may turn out to be suspicious.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Noted {
    /// Index into the logs surveyed.
    pub log: usize,
    /// Bytes.
    pub start: usize,
    /// Bytes.
    pub end: usize,
    /// Where they are; `None` for all lines, when they are too many to list.
    pub lines: Option<Listed>,
}

impl Lawful for Noted {
    fn is_lawful(&self) -> bool {
        self.start <= self.end
    }
}
lawful!(Noted);

impl Noted {
    /// Bytes of the lists.
    pub fn weight(&self) -> usize {
        let lists = self.lines.as_ref();
        lists.map_or(0, |listed| listed.places.len() + listed.findings.len())
    }
}

/// Lines, and what was found in them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    /// For each line how far behind the last one it begins, and the code of what was found: see [`Code`].
    #[serde(with = "crate::evidence::filed::bytes")]
    places: Box<[u8]>,
    /// The matches of one finding behind those of the other.
    #[serde(with = "crate::evidence::filed::bytes")]
    findings: Box<[u8]>,
}

/// What is known of a noted line. In the lists findings are numbers from [`FIRST_FINDING`] on.
type Code = u32;
const NOTHING: Code = 0;
const UNKNOWN: Code = 1;
const FIRST_FINDING: Code = 2;

/// What was found in a noted line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    Nothing,
    /// It has to be judged again: what was found had no room.
    Unknown,
    /// The finding of this index.
    Finding(usize),
}

impl Listed {
    /// Every line: where in its chunk it begins, and what was found in it.
    pub fn lines(&self) -> impl Iterator<Item = (usize, Known)> {
        let mut rest = &self.places[..];
        let mut at = 0;
        std::iter::from_fn(move || {
            let ((distance, code), behind): ((u64, Code), _) =
                postcard::take_from_bytes(rest).ok()?;
            rest = behind;
            at = usize::try_from(distance).ok()?.checked_add(at)?;
            let known = match code {
                NOTHING => Known::Nothing,
                UNKNOWN => Known::Unknown,
                number => Known::Finding((number - FIRST_FINDING) as usize),
            };
            Some((at, known))
        })
    }

    /// Every finding, by index, for an answer without a status: see [`Verdict::given`].
    pub fn findings(&self, set: &PatternSet) -> Vec<Option<Verdict>> {
        let mut rest = &self.findings[..];
        let each = std::iter::from_fn(|| {
            let (matches, behind): (Vec<Match>, _) = postcard::take_from_bytes(rest).ok()?;
            rest = behind;
            Some(Verdict::of(set, matches, None))
        });
        each.collect()
    }
}

/// The lists of the chunk that is surveyed.
#[derive(Default)]
pub struct Notes {
    places: Vec<u8>,
    /// Where the last line begins, in its log.
    last: Option<u64>,
    findings: Vec<u8>,
    /// The numbers of the findings, by their bytes.
    numbers: HashMap<Box<[u8]>, Code>,
    /// The finding that is looked up.
    finding: Vec<u8>,
}

impl Notes {
    /// Notes the line that begins at byte `at` of its log, in which `verdict` was found; `chunk` are the bytes of its chunk.
    pub fn note(&mut self, at: u64, verdict: Option<&Verdict>, chunk: &Range<usize>) {
        let most = chunk.len() / BYTES_PER_LISTED;
        if self.places.len() > most {
            return;
        }
        let code = verdict.map_or(NOTHING, |verdict| self.code(verdict, most));
        let distance = at - self.last.unwrap_or(chunk.start as u64);
        self.last = Some(at);
        // The longest number of 64 bits takes ten bytes, that of 32 bits five.
        let mut room = [0; 15];
        if let Ok(place) = postcard::to_slice(&(distance, code), &mut room) {
            self.places.extend_from_slice(place);
        }
    }

    /// The number of a finding, given now if it is new and there is room for it.
    fn code(&mut self, verdict: &Verdict, most: usize) -> Code {
        let mut room = std::mem::take(&mut self.finding);
        room.clear();
        let Ok(finding) = postcard::to_extend(&verdict.matches, room) else {
            return UNKNOWN;
        };
        self.finding = finding;
        if let Some(code) = self.numbers.get(&self.finding[..]) {
            return *code;
        }
        if self.findings.len() + self.finding.len() > most {
            return UNKNOWN;
        }
        // As many as the lines of a chunk at most.
        let code = FIRST_FINDING + self.numbers.len() as Code;
        self.findings.extend_from_slice(&self.finding);
        self.numbers.insert(self.finding[..].into(), code);
        code
    }

    /// The lists of a chunk that is done, if it has noted lines; begins those of the next one.
    pub fn close(&mut self, log: usize, chunk: &Range<usize>) -> Option<Noted> {
        self.last.take()?;
        let fits = self.places.len() <= chunk.len() / BYTES_PER_LISTED;
        let listed = Listed {
            places: self.places[..].into(),
            findings: self.findings[..].into(),
        };
        self.places.clear();
        self.findings.clear();
        self.numbers.clear();
        Some(Noted {
            log,
            start: chunk.start,
            end: chunk.end,
            lines: fits.then_some(listed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::entry::{Field, PatternId};
    use crate::pattern::load::embedded;

    fn found(set: &PatternSet, parameter: &[u8]) -> Verdict {
        let matches = vec![Match {
            pattern: PatternId(0),
            field: Field::Query,
            matched: b"1 or 1=1"[..].into(),
            parameter: Some(parameter.into()),
            rounds: 1,
            percent_rounds: 2,
        }];
        Verdict::of(set, matches, None).unwrap()
    }

    #[test]
    fn what_was_found_comes_back_without_the_text_that_matched() {
        let set = embedded().unwrap();
        let (id, name) = (found(&set, b"id"), found(&set, b"name"));
        let chunk = 1 << 33..(1 << 33) + 100_000;
        let mut notes = Notes::default();
        let start = chunk.start as u64;
        for (at, verdict) in [
            (0, Some(&id)),
            (120, None),
            (90_000, Some(&name)),
            (90_100, Some(&id)),
        ] {
            notes.note(start + at, verdict, &chunk);
        }
        let noted = notes.close(3, &chunk).unwrap();
        assert_eq!((noted.log, noted.start), (3, chunk.start));
        let listed = noted.lines.unwrap();
        let lines: Vec<_> = listed.lines().collect();
        use Known::{Finding, Nothing};
        let expected = [
            (0, Finding(0)),
            (120, Nothing),
            (90_000, Finding(1)),
            (90_100, Finding(0)),
        ];
        assert_eq!(lines, expected);
        for (kept, verdict) in listed.findings(&set).iter().zip([&id, &name]) {
            let kept = kept.as_ref().unwrap();
            assert_eq!(kept.categories, verdict.categories);
            assert_eq!(kept.confidence, verdict.confidence);
            let (a, b) = (&kept.matches[0], &verdict.matches[0]);
            assert_eq!(
                (a.pattern, a.field, a.percent_rounds),
                (b.pattern, b.field, b.percent_rounds)
            );
            assert_eq!(a.parameter, b.parameter);
            assert!(a.matched.is_empty());
        }
        assert_eq!(notes.close(3, &chunk), None);
    }

    #[test]
    fn what_has_no_room_is_judged_again() {
        let set = embedded().unwrap();
        let chunk = 0..3200;
        let mut notes = Notes::default();
        for line in 0..50u64 {
            let name = format!("a-long-name-of-a-parameter-{line}");
            notes.note(line * 64, Some(&found(&set, name.as_bytes())), &chunk);
        }
        let noted = notes.close(0, &chunk).unwrap();
        assert!(noted.weight() <= 2 * chunk.len() / BYTES_PER_LISTED);
        let listed = noted.lines.unwrap();
        let known: Vec<_> = listed.lines().map(|(_, known)| known).collect();
        assert_eq!((known.len(), known[0]), (50, Known::Finding(0)));
        assert_eq!(known[49], Known::Unknown);
        for line in 0..2000 {
            notes.note(line, None, &chunk);
        }
        assert_eq!(notes.close(0, &chunk).unwrap().lines, None);
    }
}

//! What messages of error logs mean: the packs under `patterns/symptoms/`, compiled.
//!
//! A message is classified in two steps: one automaton looks for the literals of all entries, and
//! only the entries whose literals occur run their regex. The first entry of the list that matches
//! wins, so the order of packs and entries is the order of precedence.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::severity::Severity;
use crate::terms::SymptomKind;

/// A pack's name and text.
macro_rules! pack {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../patterns/symptoms/", $name)),
        )
    };
}

/// The packs that the binary carries, in order of precedence.
const EMBEDDED: [(&str, &str); 6] = [
    pack!("10-echo.toml"),
    pack!("20-apache.toml"),
    pack!("30-nginx.toml"),
    pack!("40-php.toml"),
    pack!("50-database.toml"),
    pack!("60-system.toml"),
];

/// How many bytes of a message are looked at. Apache cuts its lines at 8192 bytes (MAX_STRING_LEN,
/// httpd.h), nginx at 2048 (NGX_MAX_ERROR_STR); beyond that no server wrote the text.
const LOOKED_AT: usize = 8192;

/// The most entries a set can hold: one bit each in [`Candidates`].
const MAX_ENTRIES: usize = 256;

/// Which entry of a set a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymptomId(pub u16);

/// One entry of a pack.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symptom {
    /// Unique within the set; stable.
    pub id: String,
    /// What happened, for people.
    pub title: String,
    /// What it counts as.
    pub kind: SymptomKind,
    /// How grave it is.
    pub severity: Severity,
    /// At least one of these must occur in a message, in the same case, before `regex` is tried.
    pub literals: Vec<String>,
    /// What the message must match.
    pub regex: String,
    /// True when the server writes the message once in its life, however long what it tells lasts.
    #[serde(default)]
    pub once_per_lifetime: bool,
    /// True when a single request brings the message about, without any trouble of the server: a quote in a search,
    /// a path that is not there.
    #[serde(default)]
    pub by_requests: bool,
    /// Why it matters.
    pub why: String,
    /// Where the meaning is documented.
    pub references: Vec<String>,
    /// Messages that are classified as this entry.
    pub matches: Vec<String>,
    /// Near misses that are not.
    pub ignores: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    symptom: Vec<Symptom>,
}

/// Entries, each compiled when a message first needs it; shared by all workers.
#[derive(Debug)]
pub struct SymptomSet {
    symptoms: Vec<Symptom>,
    regexes: Vec<OnceLock<Option<Regex>>>,
    search: OnceLock<Search>,
}

/// The search for literals, which says which entries are worth trying.
#[derive(Debug)]
struct Search {
    /// Nothing where it cannot be built: then every entry is tried.
    literals: Option<AhoCorasick>,
    /// The entry that each literal of the automaton belongs to.
    owners: Vec<u16>,
}

/// The packs that the binary carries. Their expressions are compiled by a test, so that no run pays for those
/// that it does not need.
///
/// # Errors
/// As [`SymptomSet::from_packs`]; a test holds that it never happens.
pub fn embedded() -> Result<SymptomSet> {
    SymptomSet::read(&EMBEDDED)
}

impl SymptomSet {
    /// Compiles packs, given as `(name, TOML text)`; earlier entries take precedence.
    ///
    /// # Errors
    /// [`Error::Patterns`] with every fault found: bad TOML, an unknown term, a bad regex, a missing
    /// literal or sample, an `id` that occurs twice.
    pub fn from_packs(packs: &[(&str, &str)]) -> Result<SymptomSet> {
        let set = SymptomSet::read(packs);
        let mut faults = Vec::new();
        for (name, text) in packs {
            // what does not parse is told below
            let entries = toml::from_str::<Pack>(text).map(|pack| pack.symptom);
            for entry in entries.unwrap_or_default() {
                if let Err(error) = compile(&entry.regex) {
                    faults.push(format!("{name}: entry {}: \"regex\": {error}", entry.id));
                }
            }
        }
        match set {
            Ok(set) if faults.is_empty() => Ok(set),
            Ok(_) => Err(Error::Patterns(faults)),
            Err(Error::Patterns(others)) => Err(Error::Patterns([faults, others].concat())),
            Err(other) => Err(other),
        }
    }

    /// Reads packs and checks what can be checked without compiling.
    fn read(packs: &[(&str, &str)]) -> Result<SymptomSet> {
        let mut faults = Vec::new();
        let mut symptoms: Vec<Symptom> = Vec::new();
        for (name, text) in packs {
            let entries = match toml::from_str::<Pack>(text) {
                Ok(pack) => pack.symptom,
                Err(error) => {
                    faults.push(format!("{name}: {error}"));
                    continue;
                }
            };
            for entry in entries {
                let place = format!("{name}: entry {}", entry.id);
                let known = symptoms.iter().any(|symptom| symptom.id == entry.id);
                faults.extend(check(&entry, known).map(|fault| format!("{place}: {fault}")));
                symptoms.push(entry);
            }
        }
        if symptoms.len() > MAX_ENTRIES {
            faults.push(format!(
                "{} symptoms, but a set holds at most {MAX_ENTRIES}: merge some",
                symptoms.len()
            ));
        }
        if !faults.is_empty() {
            return Err(Error::Patterns(faults));
        }
        Ok(SymptomSet {
            regexes: symptoms.iter().map(|_| OnceLock::new()).collect(),
            symptoms,
            search: OnceLock::new(),
        })
    }

    /// Which entry the message is, if any.
    pub fn classify(&self, message: &[u8]) -> Option<SymptomId> {
        let message = &message[..message.len().min(LOOKED_AT)];
        let search = self.search.get_or_init(|| Search::new(&self.symptoms));
        let mut candidates = Candidates::default();
        match &search.literals {
            Some(literals) => {
                for found in literals.find_overlapping_iter(message) {
                    candidates.add(search.owners[found.pattern().as_usize()]);
                }
            }
            None => (0..self.symptoms.len() as u16).for_each(|index| candidates.add(index)),
        }
        let mut candidates = candidates.iter();
        candidates
            .find(|index| self.matches(*index, message))
            .map(SymptomId)
    }

    fn matches(&self, index: u16, message: &[u8]) -> bool {
        let at = usize::from(index);
        let regex = self.regexes[at].get_or_init(|| compile(&self.symptoms[at].regex).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(message))
    }

    /// The entry with this id. Ids come from [`SymptomSet::classify`] of the same set.
    pub fn symptom(&self, id: SymptomId) -> &Symptom {
        &self.symptoms[usize::from(id.0)]
    }

    /// All entries, in order of precedence.
    pub fn symptoms(&self) -> &[Symptom] {
        &self.symptoms
    }
}

/// Messages are bytes: classes are ASCII and `.` is any byte, which also keeps the automata small.
fn compile(expression: &str) -> std::result::Result<Regex, regex::Error> {
    RegexBuilder::new(expression)
        .unicode(false)
        .dot_matches_new_line(true)
        .build()
}

/// Slots of a classifier's memory; with [`REMEMBERED_LEN`] this bounds it to 128 KiB.
const REMEMBERED: usize = 256;

/// The longest message that is remembered, in bytes.
const REMEMBERED_LEN: usize = 512;

/// Classifies like its set and remembers recent messages: in a storm millions of lines say the same.
/// One per worker.
#[derive(Debug)]
pub struct Classifier<'s> {
    set: &'s SymptomSet,
    slots: Vec<Remembered>,
}

#[derive(Debug, Clone, Default)]
struct Remembered {
    message: Vec<u8>,
    answer: Option<SymptomId>,
}

impl<'s> Classifier<'s> {
    /// A classifier without memories.
    pub fn new(set: &'s SymptomSet) -> Classifier<'s> {
        Classifier {
            set,
            slots: vec![Remembered::default(); REMEMBERED],
        }
    }

    /// As [`SymptomSet::classify`].
    #[inline]
    pub fn classify(&mut self, message: &[u8]) -> Option<SymptomId> {
        if message.len() > REMEMBERED_LEN {
            return self.set.classify(message);
        }
        // An empty message is what an empty slot remembers, rightly: it is nothing.
        let slot = &mut self.slots[slot_of(message)];
        if slot.message != message {
            slot.message.clear();
            slot.message.extend_from_slice(message);
            slot.answer = self.set.classify(message);
        }
        slot.answer
    }
}

/// A slot by length and both ends: cheap, and different for most different messages. Multiplied by
/// the odd number nearest 2^64 over the golden ratio (Knuth, TAOCP 3, 6.4), whose high bits mix best.
#[inline]
fn slot_of(message: &[u8]) -> usize {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let first = message
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let last = message
        .last_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mixed = (first ^ last.rotate_left(23) ^ message.len() as u64).wrapping_mul(GOLDEN);
    (mixed >> 32) as usize % REMEMBERED
}

/// What is wrong with an entry, apart from its regex.
fn check(entry: &Symptom, known: bool) -> impl Iterator<Item = &'static str> {
    let faults = [
        (known, "the id is taken; choose another"),
        (
            entry.literals.iter().any(String::is_empty) || entry.literals.is_empty(),
            "\"literals\" needs texts, at least one of which every match contains",
        ),
        (entry.matches.is_empty(), "\"matches\" needs a message"),
        (entry.ignores.is_empty(), "\"ignores\" needs a near miss"),
    ];
    faults
        .into_iter()
        .filter_map(|(wrong, fault)| wrong.then_some(fault))
}

impl Search {
    fn new(symptoms: &[Symptom]) -> Search {
        let mut literals = Vec::new();
        let mut owners = Vec::new();
        for (index, symptom) in (0u16..).zip(symptoms) {
            for literal in &symptom.literals {
                literals.push(literal.as_str());
                owners.push(index);
            }
        }
        let automaton = AhoCorasick::builder()
            // As fast here as the full table, which is twenty times larger and slower to build.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(literals);
        Search {
            literals: automaton.ok(),
            owners,
        }
    }
}

/// A set of entries, read in their order.
#[derive(Default)]
struct Candidates([u64; MAX_ENTRIES / 64]);

impl Candidates {
    #[inline]
    fn add(&mut self, index: u16) {
        self.0[usize::from(index / 64)] |= 1 << (index % 64);
    }

    fn iter(&self) -> impl Iterator<Item = u16> {
        (0u16..).zip(self.0).flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let bit = bits.trailing_zeros() as u16;
                bits = bits & bits.checked_sub(1)?;
                Some(word * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_classified_as_its_entry_and_no_near_miss_is() {
        let set = embedded().unwrap();
        let mut faults = Vec::new();
        for symptom in set.symptoms() {
            let id_of = |message: &String| {
                set.classify(message.as_bytes())
                    .map(|id| set.symptom(id).id.clone())
            };
            for message in &symptom.matches {
                let found = id_of(message);
                if found.as_deref() != Some(&symptom.id) {
                    faults.push(format!("{}: {found:?} for {message}", symptom.id));
                }
            }
            for message in &symptom.ignores {
                if id_of(message).as_deref() == Some(&symptom.id) {
                    faults.push(format!("{}: matches {message}", symptom.id));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn literals_never_hide_a_match() {
        let set = embedded().unwrap();
        let samples: Vec<&String> = set
            .symptoms()
            .iter()
            .flat_map(|symptom| symptom.matches.iter().chain(&symptom.ignores))
            .collect();
        for message in samples {
            let unfiltered = (0..set.symptoms.len() as u16)
                .find(|index| set.matches(*index, message.as_bytes()))
                .map(SymptomId);
            assert_eq!(set.classify(message.as_bytes()), unfiltered, "{message}");
        }
    }

    #[test]
    fn every_kind_of_trouble_has_an_entry() {
        let set = embedded().unwrap();
        for kind in SymptomKind::ALL {
            assert!(
                set.symptoms().iter().any(|symptom| symptom.kind == *kind),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn ordinary_and_odd_messages_are_nothing() {
        let set = embedded().unwrap();
        for message in [
            &b""[..],
            b"\xff\x00",
            b"AH00094: Command line: '/usr/sbin/apache2'",
        ] {
            assert_eq!(set.classify(message), None);
        }
        let mut late = vec![b' '; LOOKED_AT];
        late.extend_from_slice(b"SQLSTATE[HY000] [1040] Too many connections");
        assert_eq!(set.classify(&late), None);
    }

    #[test]
    fn remembering_changes_no_answer() {
        let set = embedded().unwrap();
        let mut classifier = Classifier::new(&set);
        let long = "x".repeat(REMEMBERED_LEN) + "SQLSTATE[40001]";
        for message in [
            "",
            "exit",
            "exiT",
            "exit",
            &long,
            "",
            "SQLSTATE[40001]",
            &long,
        ] {
            let message = message.as_bytes();
            assert_eq!(classifier.classify(message), set.classify(message));
        }
        assert!(classifier.classify(long.as_bytes()).is_some());
    }

    #[test]
    fn candidates_come_in_order() {
        let mut candidates = Candidates::default();
        for index in [255, 0, 64, 63, 200] {
            candidates.add(index);
        }
        assert_eq!(candidates.iter().collect::<Vec<_>>(), [0, 63, 64, 200, 255]);
    }

    #[test]
    fn all_faults_of_packs_are_told_with_their_place() {
        let entry = |id: &str, regex: &str, matches: &str| {
            format!(
                "[[symptom]]\nid='{id}'\ntitle='t'\nkind='other'\nseverity='low'\nliterals=['x']\n\
                 regex='{regex}'\nwhy='w'\nreferences=[]\nmatches=[{matches}]\nignores=['y']\n"
            )
        };
        let broken = entry("a", "(", "'x'") + &entry("a", "x", "");
        let Err(Error::Patterns(faults)) =
            SymptomSet::from_packs(&[("one.toml", &broken), ("two.toml", "symptom = 3")])
        else {
            panic!("the packs are wrong");
        };
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(
            faults[0].starts_with("one.toml: entry a: \"regex\""),
            "{faults:?}"
        );
        assert!(faults[3].starts_with("two.toml: "), "{faults:?}");
        assert!(SymptomSet::from_packs(&[("one.toml", &entry("a", "x", "'x'"))]).is_ok());
        assert!(SymptomSet::from_packs(&EMBEDDED).is_ok());
    }
}

//! The stages of a scan that several machines share: partial evidence, what is to be read next, and the report in the end.
//!
//! A scan is arithmetic on what passes count and on looks at some bytes. So whoever knows what the passes and the looks came to
//! can make the report without the logs, and whoever knows a part of it finds out what is missing by beginning to make it:
//! the first look or pass without an answer is what has to be done next ([`plan`]). Machines that have the bytes answer it, each
//! for its share ([`survey`], [`focus`]); the answers are united ([`unite`]), and so on until nothing is missing. What decides
//! is the same code as on one machine, and so is the report.

mod file;
mod here;
mod record;
mod same;
mod todo;
mod unite;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::ahead::{Ahead, Begun};
use crate::analysis::{self, Observer, ScanOptions};
use crate::bytes::{Answer, Excerpts, Range64, Want};
use crate::counts::AccessCounts;
use crate::error::{Error, Result, Warning};
use crate::format::forwarded::Column;
use crate::inputs::Inputs;
use crate::pattern::set::PatternSet;
use crate::report::view::Report;
use crate::source::discover::UNREADABLE;
use crate::source::open::Source;
use crate::text::count;
use crate::time::Time;

use record::{Counts, Record};
use same::beginning;
pub use todo::Piece;
use todo::{Looks, Todo};
pub use unite::unite;

/// What can be known of a part without its counts.
#[derive(Default, Serialize, Deserialize)]
pub struct Head {
    /// The options of the scan, as they stand on a command line.
    pub options: Vec<String>,
    /// What is to be done next; of a plan alone.
    todo: Option<Todo>,
    /// Looks that a plan took for answered, because what they are at is lost.
    vain: Looks,
    /// Whether this answers a plan.
    answer: bool,
}

/// What some machines found out about some logs.
#[derive(Serialize, Deserialize)]
pub struct Partial {
    #[serde(skip)]
    head: Head,
    inputs: BTreeMap<Key, Card>,
    notices: BTreeSet<Notice>,
    begun: Option<Beginning>,
    passes: BTreeMap<PassKey, Pass>,
    /// How many ranges were known to be lost when these passes were counted. What another loss concerns was counted by some
    /// and is not by others, so that they are counted anew.
    losses: usize,
}

/// Which input, in the order in which reports list them: that of paths, and within an archive that of its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The path, the address of an object, or `-`.
    input: String,
    /// Which member of an archive; 0 of what is none.
    member: u32,
}

impl Key {
    fn order(&self) -> (bool, PathBuf, u32) {
        (self.input != "-", PathBuf::from(&self.input), self.member)
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What is known of an input.
#[derive(Clone, Serialize, Deserialize)]
struct Card {
    /// As reports name it.
    name: String,
    len: u64,
    modified: Option<Time>,
    /// Any of its bytes can be read without the others.
    plain: bool,
    archive: Option<String>,
    /// How it begins, if that was to be seen: see [`beginning`].
    begins: Option<Answer>,
    remarks: BTreeSet<Warning>,
    answers: BTreeMap<Want, Answer>,
    /// What could not be read.
    lost: BTreeSet<Range64>,
}

/// A warning about an input that is not there, and where it belongs among the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Notice {
    /// What was not found comes before what could not be opened.
    found: bool,
    input: Option<Key>,
    warning: Warning,
}

/// What was surveyed of access logs by what they seemed to be.
#[derive(Serialize, Deserialize)]
struct Beginning {
    /// Chunks, noted lines and books name inputs by where they stand in the order of all of this part.
    counts: Box<AccessCounts>,
    logs: BTreeMap<Key, Supposed>,
    /// Parts of one input seemed to be different things, so that everything is surveyed again.
    spoiled: bool,
}

/// What an input seemed to be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Supposed {
    format: String,
    column: Option<Option<Column>>,
    done: Vec<Range64>,
}

/// A pass, by its name and by how many of that name were before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct PassKey {
    name: String,
    number: u32,
}

/// What a pass came to so far.
#[derive(Serialize, Deserialize)]
struct Pass {
    covered: BTreeMap<Key, Vec<Range64>>,
    counts: Counts,
}

/// An input, or a range of one, whose bytes are here.
pub struct Here {
    /// Whose bytes these are.
    pub source: Source,
    /// The byte of the input with which the source begins: it may be no more than a range of it.
    pub offset: usize,
    /// The range of the input that is to be read; all of it if not given.
    pub range: Option<Range<usize>>,
    /// Bytes of the whole input.
    pub size: usize,
}

/// Numbers the members of archives; other inputs have number 0.
fn keys<'s>(sources: impl Iterator<Item = &'s Source>) -> Vec<Key> {
    let mut members: BTreeMap<String, u32> = BTreeMap::new();
    let key = |source: &Source| match source.archive() {
        None => Key {
            input: source.name.clone(),
            member: 0,
        },
        Some(archive) => {
            let member = members.entry(archive.to_string()).or_default();
            *member += 1;
            Key {
                input: archive.to_string(),
                member: *member - 1,
            }
        }
    };
    sources.map(key).collect()
}

impl Card {
    fn of(here: &Here) -> Card {
        let source = &here.source;
        Card {
            name: source.name.clone(),
            len: here.size as u64,
            modified: source.modified,
            plain: here.range.is_some() || source.is_plain(),
            archive: source.archive().map(str::to_string),
            begins: beginning(here, here.size),
            remarks: source.warnings().into_iter().collect(),
            answers: BTreeMap::new(),
            lost: BTreeSet::new(),
        }
    }

    /// The input as far as it is known.
    fn source(&self) -> Source {
        let excerpts = Excerpts::new(self.len as usize, self.answers.clone());
        let remarks = self.remarks.iter().cloned().collect();
        Source::elsewhere(self.name.clone(), excerpts, self.modified, remarks)
            .member_of(self.archive.as_deref())
    }
}

impl Partial {
    /// Nothing is known yet.
    pub fn new(options: Vec<String>) -> Partial {
        Partial {
            head: Head {
                options,
                ..Head::default()
            },
            inputs: BTreeMap::new(),
            notices: BTreeSet::new(),
            begun: None,
            passes: BTreeMap::new(),
            losses: 0,
        }
    }

    /// What can be known without its counts.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Whether this answers a plan, but nothing of what that asks for.
    pub fn is_void(&self) -> bool {
        let told = self.inputs.values().any(|card| !card.answers.is_empty());
        self.head.answer && self.passes.is_empty() && !told && self.lost() == self.losses
    }

    /// How many ranges are lost.
    fn lost(&self) -> usize {
        self.inputs.values().map(|card| card.lost.len()).sum()
    }

    /// Whether an input of that name was surveyed.
    pub fn has(&self, name: &str) -> bool {
        self.inputs.keys().any(|key| key.input == name)
    }

    /// Whether this answers a plan.
    pub fn is_answer(&self) -> bool {
        self.head.answer
    }

    /// The same inputs, of which nothing else is known: the beginning of an answer to a plan.
    pub fn bare(&self) -> Partial {
        let bare = |card: &Card| Card {
            answers: BTreeMap::new(),
            ..card.clone()
        };
        let inputs = self.inputs.iter();
        Partial {
            inputs: inputs
                .map(|(key, card)| (key.clone(), bare(card)))
                .collect(),
            notices: self.notices.clone(),
            losses: self.lost(),
            ..Partial::new(self.head.options.clone())
        }
    }

    /// Notes warnings about inputs that are not read: whether these were found and could not be opened, or not even found.
    pub fn notice(&mut self, warnings: impl IntoIterator<Item = Warning>, found: bool) {
        let notice = |warning: Warning| Notice {
            found,
            input: warning.input.clone().map(|input| Key { input, member: 0 }),
            warning,
        };
        self.notices.extend(warnings.into_iter().map(notice));
    }

    /// Notes that an input, or a range of one of so many bytes, could not be read.
    ///
    /// # Errors
    /// When it is a range of an input of which nobody knows how long it is.
    pub fn lose(
        &mut self,
        name: &str,
        range: Option<Range<usize>>,
        size: Option<usize>,
        reason: &str,
    ) -> Result<()> {
        let key = Key {
            input: name.to_string(),
            member: 0,
        };
        self.lose_of(key, name, range, size, reason)
    }

    fn lose_of(
        &mut self,
        key: Key,
        name: &str,
        range: Option<Range<usize>>,
        size: Option<usize>,
        reason: &str,
    ) -> Result<()> {
        let known = self.inputs.get(&key).map(|card| card.len as usize);
        let what = match (&range, known.or(size)) {
            (None, None) => {
                self.notice([lost(name, format!("cannot read: {reason}"))], true);
                return Ok(());
            }
            (None, Some(size)) => 0..size,
            (Some(range), Some(_)) => range.clone(),
            (Some(_), None) => {
                return Err(Error::Usage(format!(
                    "--range of an input that was not surveyed needs --size: how long is {name}?"
                )));
            }
        };
        let text = format!(
            "cannot read bytes {} to {}: {reason}",
            count(what.start as u64),
            count(what.end as u64)
        );
        let size = known.or(size).unwrap_or(what.end);
        let card = self.inputs.entry(key).or_insert_with(|| Card {
            name: name.to_string(),
            len: size as u64,
            modified: None,
            plain: true,
            archive: None,
            begins: None,
            remarks: BTreeSet::new(),
            answers: BTreeMap::new(),
            lost: BTreeSet::new(),
        });
        card.remarks.insert(lost(name, text));
        card.lost.insert(what.into());
        Ok(())
    }

    /// What is to be known about the inputs.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        let remarks = self.inputs.values().flat_map(|card| &card.remarks);
        self.notices
            .iter()
            .map(|notice| &notice.warning)
            .chain(remarks)
    }

    /// The inputs as far as they are known, and their warnings.
    fn inputs(&self, options: &ScanOptions) -> Result<Inputs> {
        let sources = self.inputs.values().map(Card::source);
        let warnings = self.notices.iter().map(|notice| notice.warning.clone());
        Inputs::of(sources.collect(), warnings.collect(), &options.reading())
    }
}

fn lost(name: &str, what: String) -> Warning {
    Warning {
        code: UNREADABLE.into(),
        message: format!("{name}: {what}"),
        input: Some(name.to_string()),
    }
}

/// The first stage: surveys the access logs among inputs by what they seem to be, as far as that is certain enough.
///
/// # Errors
/// When the options make no sense, or no threads can be had.
pub fn survey(
    here: &[Here],
    (options, patterns): (&ScanOptions, &PatternSet),
    labels: Vec<String>,
    observer: &dyn Observer,
) -> Result<Partial> {
    let mut partial = Partial::new(labels);
    if here.is_empty() {
        return Ok(partial);
    }
    let keys = keys(here.iter().map(|here| &here.source));
    for (key, here) in keys.iter().zip(here) {
        partial.inputs.insert(key.clone(), Card::of(here));
    }
    partial.look(&keys, here, options)?;
    let inputs = partial.inputs(options)?;
    let order: Vec<Key> = partial.inputs.keys().cloned().collect();
    bring(&keys, here, &order, &inputs);
    let mut ahead = analysis::survey_shares(&inputs, options, patterns, observer)?;
    let supposed = |begun: &Begun| {
        let key = order[begun.source as usize].clone();
        let supposed = Supposed {
            format: begun.format.clone(),
            column: begun.column,
            done: begun.done.iter().cloned().map(Range64::from).collect(),
        };
        (key, supposed)
    };
    partial.begun = ahead.parts.pop().map(|counts| Beginning {
        counts: Box::new(counts),
        logs: ahead.begun.iter().map(supposed).collect(),
        spoiled: false,
    });
    Ok(partial)
}

impl Partial {
    /// Looks at whole inputs as their identification will, so that it need not be asked for.
    fn look(&mut self, keys: &[Key], here: &[Here], options: &ScanOptions) -> Result<()> {
        if here.iter().any(|here| here.range.is_some()) {
            return Ok(());
        }
        loop {
            let inputs = self.inputs(options)?.identified();
            let cards = self.inputs.iter_mut().zip(&inputs.sources);
            let mut more = false;
            for ((key, card), source) in cards {
                let here = keys.iter().zip(here).find(|(other, _)| *other == key);
                let missed = source.excerpts().map(Excerpts::missed).unwrap_or_default();
                let Some((_, here)) = here else {
                    continue;
                };
                for want in missed {
                    let range: Range<usize> = want.range().into();
                    let answer = want.answer(here.source.view().get(range));
                    card.answers.insert(want, answer);
                    more = true;
                }
            }
            if !more {
                return Ok(());
            }
        }
    }
}

/// Brings what is here of some inputs to where it is looked for; `order` are the keys of `inputs`.
fn bring(keys: &[Key], here: &[Here], order: &[Key], inputs: &Inputs) {
    for (key, here) in keys.iter().zip(here) {
        let index = order.binary_search(key).ok();
        let source = index.and_then(|index| inputs.sources[index].excerpts());
        if let Some(excerpts) = source {
            here.bring(excerpts);
        }
    }
}

/// What comes after some parts were united.
pub enum Next {
    /// Something has to be read: a plan that has nothing of what was counted.
    Read(Partial),
    /// Everything is known.
    Report(Box<Report>),
}

/// Finds out what has to be read next, or makes the report. What is known may have to be loaded more than once.
///
/// # Errors
/// As [`analyze`](crate::analyze).
pub fn plan(
    load: impl Fn() -> Result<Partial>,
    (options, patterns): (&ScanOptions, &PatternSet),
    observer: &dyn Observer,
) -> Result<Next> {
    let mut lost = Looks::new();
    loop {
        let mut whole = load()?;
        whole.answer_lost(&lost);
        let inputs = whole.inputs(options)?.identified();
        let keys: Vec<Key> = whole.inputs.keys().cloned().collect();
        let record = Record::new(&inputs, &keys, &mut whole);
        let ahead = whole.ahead(&keys);
        let asked = (options, patterns);
        let report = analysis::examine(&inputs, ahead, asked, observer, &record);
        if let Some(todo) = record.close() {
            return Ok(Next::Read(whole.asking(todo, lost)));
        }
        let looks = todo::looks(&inputs, &keys);
        if looks.is_empty() {
            return report.map(|report| Next::Report(Box::new(report)));
        }
        if !whole.answer_lost(&looks) {
            return Ok(Next::Read(whole.asking(Todo::Looks(looks), lost)));
        }
        for (key, wants) in looks {
            lost.entry(key).or_default().extend(wants);
        }
    }
}

impl Partial {
    /// A plan for these inputs.
    fn asking(&self, todo: Todo, vain: Looks) -> Partial {
        let mut plan = self.bare();
        plan.head.todo = Some(todo);
        plan.head.vain = vain;
        plan
    }

    /// What was surveyed by what it seemed to be; it can be taken once.
    fn ahead(&mut self, keys: &[Key]) -> Ahead {
        let Some(begun) = self.begun.take().filter(|begun| !begun.spoiled) else {
            return Ahead::default();
        };
        let place = |key: &Key| keys.binary_search(key).ok();
        let logs = begun.logs.iter().filter_map(|(key, supposed)| {
            Some(Begun {
                source: place(key)? as u32,
                format: supposed.format.clone(),
                column: supposed.column,
                done: supposed.done.iter().copied().map(Range::from).collect(),
            })
        });
        Ahead {
            begun: logs.collect(),
            parts: vec![*begun.counts],
        }
    }
}

/// Does what a plan asks for, as far as the bytes are here.
///
/// # Errors
/// When this is no plan, or when an input was not surveyed. One that is another by now is noted as lost.
pub fn focus(
    mut plan: Partial,
    here: Vec<Here>,
    (options, patterns): (&ScanOptions, &PatternSet),
    observer: &dyn Observer,
) -> Result<Partial> {
    let Some(todo) = plan.head.todo.take() else {
        return Err(Error::Usage(
            "this is no plan, but evidence: make a plan of it with `aftertrace plan`".to_string(),
        ));
    };
    let mut answer = plan.bare();
    answer.head.answer = true;
    let (keys, here) = answer.surveyed(here)?;
    match todo {
        Todo::Looks(looks) => {
            for (key, here) in keys.iter().zip(&here) {
                let wants = looks.get(key).into_iter().flatten();
                answer.look_for(key, here, wants);
            }
        }
        Todo::Passes(_) => {
            let vain = mem::take(&mut plan.head.vain);
            plan.answer_lost(&vain);
            let inputs = plan.inputs(options)?.identified();
            let order: Vec<Key> = plan.inputs.keys().cloned().collect();
            bring(&keys, &here, &order, &inputs);
            let record = Record::new(&inputs, &order, &mut plan);
            let ahead = plan.ahead(&order);
            // In vain but for what the record was given.
            let _ = analysis::examine(&inputs, ahead, (options, patterns), observer, &record);
            answer.passes.extend(record.filed());
        }
    }
    Ok(answer)
}

impl Partial {
    /// Answers what is wanted of an input, as far as its bytes are here.
    fn look_for<'w>(&mut self, key: &Key, here: &Here, wants: impl Iterator<Item = &'w Want>) {
        let Some(card) = self.inputs.get_mut(key) else {
            return;
        };
        let bytes = here.bytes();
        let begins = here.range.clone().unwrap_or(0..usize::MAX);
        for want in wants {
            let range: Range<usize> = want.range().into();
            let mine = begins.contains(&range.start) && bytes.end >= range.end;
            if mine && bytes.start <= range.start {
                let within = range.start - here.offset..range.end - here.offset;
                let answer = want.answer(here.source.view().get(within));
                card.answers.insert(want.clone(), answer);
            }
        }
    }
}

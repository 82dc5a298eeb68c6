//! What passes came to on other machines, for a run that has no bytes, or only a share of them.

use std::any::Any;
use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::todo::{Asked, looks};
use super::{Key, Partial, Pass, PassKey, Todo};
use crate::bytes::Range64;
use crate::chunk::without;
use crate::counts::{AccessCounts, ErrorCounts};
use crate::failures::Minutes;
use crate::focus::WindowCounts;
use crate::inputs::Inputs;
use crate::merge::Merge;
use crate::pace::Pace;
use crate::pass::{Bounded, Cut, Entry, Ledger, Several, Stretch};
use crate::sweep::Swept;
use crate::tally::Counted;
use crate::trace::GroupCounts;

/// Writes an enumeration of what passes count, with what each of them can do.
macro_rules! counts {
    ($($name:ident($of:ty),)*) => {
        /// What a pass counts.
        #[derive(Serialize, Deserialize)]
        pub enum Counts {
            $(
                #[allow(missing_docs)]
                $name(Box<$of>),
            )*
        }

        impl Counts {
            fn of(counts: Box<dyn Any + Send>) -> Option<Counts> {
                $(
                    let counts = match counts.downcast::<$of>() {
                        Ok(counts) => return Some(Counts::$name(counts)),
                        Err(other) => other,
                    };
                )*
                drop(counts);
                None
            }

            fn into_any(self) -> Box<dyn Any + Send> {
                match self {
                    $(Counts::$name(counts) => counts,)*
                }
            }

            /// Adds what others counted for the same pass; false if it is something else.
            pub fn add(&mut self, other: Counts) -> bool {
                match (self, other) {
                    $(
                        (Counts::$name(mine), Counts::$name(theirs)) => {
                            let mine = &mut **mine;
                            mine.merge(*theirs);
                            mine.fit();
                            mine.flush();
                            true
                        }
                    )*
                    _ => false,
                }
            }
        }
    };
}

counts! {
    Requests(AccessCounts),
    Messages(ErrorCounts),
    Failures(Minutes),
    Windows(Several<WindowCounts>),
    Sweep(Swept),
    Groups(Several<GroupCounts>),
    Tallies(Several<Counted>),
    Paces(Several<Pace>),
}

/// See [`Ledger`].
pub struct Record<'r> {
    inputs: &'r Inputs,
    keys: &'r [Key],
    lost: Vec<Vec<Range64>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    passes: BTreeMap<PassKey, Pass>,
    /// How many passes of each name there were.
    seen: BTreeMap<&'static str, u32>,
    /// The first pass that is not settled, and those beside it.
    asked: Vec<Asked>,
    filed: Vec<(PassKey, Pass)>,
    /// A pass on which the next one, if it has the second name, does not depend.
    beside: Option<(&'static str, &'static str)>,
    vain: bool,
}

impl<'r> Record<'r> {
    /// Takes over the passes of some evidence; `keys` are those of the inputs.
    pub fn new(inputs: &'r Inputs, keys: &'r [Key], evidence: &mut Partial) -> Record<'r> {
        let lost = evidence.inputs.values();
        Record {
            inputs,
            keys,
            lost: lost
                .map(|card| card.lost.iter().copied().collect())
                .collect(),
            state: Mutex::new(State {
                passes: mem::take(&mut evidence.passes),
                ..State::default()
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has to be read for the first passes that are not settled.
    pub fn close(self) -> Option<Todo> {
        let state = self.state.into_inner();
        let asked = state.unwrap_or_else(PoisonError::into_inner).asked;
        (!asked.is_empty()).then_some(Todo::Passes(asked))
    }

    /// What was counted here for them.
    pub fn filed(self) -> Vec<(PassKey, Pass)> {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).filed
    }

    /// What of these stretches was neither counted nor lost.
    fn missing(&self, needed: &[Stretch], covered: Option<&Pass>) -> Vec<Stretch> {
        let left = needed.iter().flat_map(|(source, range)| {
            let key = &self.keys[*source as usize];
            let covered = covered.and_then(|pass| pass.covered.get(key));
            let covered = covered.into_iter().flatten();
            let gone = covered.chain(&self.lost[*source as usize]);
            let gone = gone.copied().map(Range::from).collect();
            let left = without(range.clone(), gone).into_iter();
            left.map(|range| (*source, range))
        });
        left.collect()
    }
}

impl Ledger for Record<'_> {
    fn entry(&self, pass: &'static str, needed: &[Stretch]) -> Entry {
        let mut state = self.state();
        let beside = state.beside.take().filter(|(_, next)| *next == pass);
        let other = beside.map(|(other, _)| other);
        let depends = |asked: &Asked| Some(&asked.pass.name[..]) != other;
        let depends = state.asked.iter().any(depends);
        state.vain |= depends || !looks(self.inputs, self.keys).is_empty();
        if state.vain {
            return Entry::Vain;
        }
        let number = state.seen.entry(pass).or_default();
        let key = PassKey {
            name: pass.to_string(),
            number: *number,
        };
        *number += 1;
        let known = state.passes.remove(&key);
        let missing = self.missing(needed, known.as_ref());
        match known {
            Some(known) if missing.is_empty() => Entry::Known(known.counts.into_any()),
            None if missing.is_empty() => Entry::Nothing,
            _ => {
                state.asked.push(Asked {
                    pass: key,
                    needed: Vec::new(),
                    divisible: false,
                });
                Entry::Open(missing)
            }
        }
    }

    fn beside(&self, other: &'static str, pass: &'static str) {
        self.state().beside = Some((other, pass));
    }

    fn ask(&self, cut: Cut, needed: Vec<Stretch>) {
        let mut state = self.state();
        if let Some(asked) = state.asked.last_mut() {
            let needed = needed.into_iter();
            let named =
                |(source, range): Stretch| (self.keys[source as usize].clone(), range.into());
            asked.needed = needed.map(named).collect();
            asked.divisible = cut == Cut::Anywhere;
        }
    }

    fn file(&self, counted: Vec<Stretch>, counts: Box<dyn Any + Send>) {
        let mut covered: BTreeMap<Key, Vec<Range64>> = BTreeMap::new();
        for (source, range) in counted {
            let key = self.keys[source as usize].clone();
            covered.entry(key).or_default().push(range.into());
        }
        let mut state = self.state();
        let pass = state.asked.last().map(|asked| asked.pass.clone());
        if let (Some(pass), Some(counts)) = (pass, Counts::of(counts)) {
            state.filed.push((pass, Pass { covered, counts }));
        }
    }
}

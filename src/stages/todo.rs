//! What has to be read next.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Key, Partial, PassKey};
use crate::bytes::{Answer, Excerpts, Range64, Want};
use crate::inputs::Inputs;

/// What has to be read next.
#[derive(Debug, Serialize, Deserialize)]
pub enum Todo {
    /// Some bytes here and there.
    Looks(Looks),
    /// Lines, to be counted in some passes.
    Passes(Vec<Asked>),
}

/// Looks by input.
pub type Looks = BTreeMap<Key, BTreeSet<Want>>;

/// What a pass needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    pub(super) pass: PassKey,
    /// In the order of the inputs.
    pub(super) needed: Vec<(Key, Range64)>,
    /// Whether these may be counted in pieces that end at any line.
    pub(super) divisible: bool,
}

/// Something to be read by one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Its name.
    pub input: String,
    /// From which byte to which; `None` of what has to be unpacked from its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(u64, u64)>,
    /// Bytes of the whole input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Ranges of one input that are at most so many bytes apart are read in one go: to begin anew costs as much.
const NEAR: u64 = 1 << 20;

impl Partial {
    /// What this plan asks for in pieces of at most so many bytes, as far as they can be divided.
    pub fn pieces(&self, split: u64) -> Vec<Piece> {
        let ranges: Vec<(&Key, Vec<Range64>)> = match &self.head.todo {
            None => Vec::new(),
            Some(Todo::Looks(looks)) => {
                let each = looks.iter().map(|(key, wants)| {
                    let ranges = wants.iter().map(Want::range).collect();
                    (key, joined(ranges, NEAR, u64::MAX))
                });
                each.collect()
            }
            Some(Todo::Passes(asked)) => {
                let mut of_input: BTreeMap<&Key, Vec<Range64>> = BTreeMap::new();
                for asked in asked {
                    for (key, range) in &asked.needed {
                        let ranges = of_input.entry(key).or_default();
                        match asked.divisible {
                            true => ranges.extend(cut(*range, split)),
                            false => ranges.push(*range),
                        }
                    }
                }
                let of_input = of_input.into_iter();
                of_input
                    .map(|(key, ranges)| (key, joined(ranges, 0, split)))
                    .collect()
            }
        };
        let mut pieces: Vec<Piece> = Vec::new();
        for (key, ranges) in ranges {
            let Some(card) = self.inputs.get(key) else {
                continue;
            };
            match card.plain {
                true => pieces.extend(ranges.into_iter().map(|range| Piece {
                    input: key.input.clone(),
                    range: Some((range.start, range.end)),
                    size: Some(card.len),
                })),
                false => pieces.push(Piece {
                    input: key.input.clone(),
                    range: None,
                    size: None,
                }),
            }
        }
        // Of an archive several members may be wanted.
        pieces.dedup();
        pieces
    }

    /// Answers looks at what was lost: there is nothing. False if some bytes can still be had.
    pub(super) fn answer_lost(&mut self, looks: &Looks) -> bool {
        let is_lost = |(key, want): (&Key, &Want)| {
            let card = self.inputs.get(key);
            card.is_some_and(|card| {
                let (wanted, mut lost) = (want.range(), card.lost.iter());
                lost.any(|lost| lost.overlaps(&wanted))
            })
        };
        let each = || {
            looks
                .iter()
                .flat_map(|(key, wants)| wants.iter().map(move |want| (key, want)))
        };
        if !each().all(is_lost) {
            return false;
        }
        for (key, want) in each() {
            let nothing = match want {
                Want::Bytes(range) => Answer::Bytes(vec![0; (range.end - range.start) as usize]),
                Want::Ends(_) => Answer::Ends(0),
                Want::Digest(_) => Answer::Digest([0; 32]),
                Want::Places(..) => Answer::Places(Vec::new()),
            };
            if let Some(card) = self.inputs.get_mut(key) {
                card.answers.insert(want.clone(), nothing);
            }
        }
        true
    }
}

/// What was looked for in inputs in vain.
pub fn looks(inputs: &Inputs, keys: &[Key]) -> Looks {
    let missed = keys.iter().zip(&inputs.sources).map(|(key, source)| {
        let missed = source.excerpts().map(Excerpts::missed);
        (key.clone(), missed.unwrap_or_default())
    });
    missed.filter(|(_, missed)| !missed.is_empty()).collect()
}

/// Ranges that are at most `near` apart, together, up to so many bytes; those that overlap in any case.
fn joined(mut ranges: Vec<Range64>, near: u64, most: u64) -> Vec<Range64> {
    ranges.sort_unstable();
    let mut joined: Vec<Range64> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last)
                if range.start < last.end
                    || range.start <= last.end.saturating_add(near)
                        && range.end.saturating_sub(last.start) <= most =>
            {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// A range in pieces of at most so many bytes.
fn cut(range: Range64, most: u64) -> Vec<Range64> {
    let most = most.max(1);
    let whole = Range::from(range).len() as u64;
    let pieces = 0..whole.div_ceil(most);
    let piece = |index: u64| Range64 {
        start: range.start + index * most,
        end: range.end.min(range.start + (index + 1) * most),
    };
    pieces.map(piece).collect()
}

//! Parts become one: associative and commutative, and nothing is counted twice.

use std::collections::BTreeMap;

use super::{Beginning, Card, Key, Partial, Pass, PassKey, Supposed};
use crate::bytes::Range64;
use crate::counts::AccessCounts;
use crate::error::{Error, Result};
use crate::merge::Merge;
use crate::pass::Bounded;

/// Adds what other machines found out to what is known.
///
/// # Errors
/// When the two are of scans with other options or other inputs, or when both counted the same bytes.
pub fn unite(mine: Partial, theirs: Partial) -> Result<Partial> {
    if mine.head.options != theirs.head.options {
        return Err(Error::Usage(format!(
            "these parts are of scans with other options ({} and {}): give all of them the same",
            told(&mine.head.options),
            told(&theirs.head.options)
        )));
    }
    let begun_late = !(mine.passes.is_empty() && theirs.passes.is_empty());
    if begun_late && !mine.inputs.keys().eq(theirs.inputs.keys()) {
        return Err(Error::Usage(
            "these parts are of scans of other inputs: what is to be added has to be surveyed and merged before the first plan"
                .to_string(),
        ));
    }
    let mut all = Partial::new(mine.head.options);
    all.head.answer = mine.head.answer && theirs.head.answer;
    let order = |inputs: &BTreeMap<Key, Card>| inputs.keys().cloned().collect::<Vec<_>>();
    let orders = [order(&mine.inputs), order(&theirs.inputs)];
    all.inputs = mine.inputs;
    for (key, card) in theirs.inputs {
        match all.inputs.remove(&key) {
            None => drop(all.inputs.insert(key, card)),
            Some(known) => drop(all.inputs.insert(key, one_card(known, card)?)),
        }
    }
    all.notices = mine.notices;
    all.notices.extend(theirs.notices);
    let [my_order, their_order] = orders;
    let begun = [(mine.begun, my_order), (theirs.begun, their_order)];
    for (begun, order) in begun {
        let Some(mut begun) = begun else { continue };
        renumber(&mut begun.counts, &order, &all.inputs);
        all.begun = Some(match all.begun.take() {
            None => begun,
            Some(known) => one_beginning(known, begun)?,
        });
    }
    all.spoil_lost();
    // Whoever knew less may not have counted what others did.
    all.losses = mine.losses.min(theirs.losses);
    let lost = all.lost();
    for (passes, losses) in [(mine.passes, mine.losses), (theirs.passes, theirs.losses)] {
        if losses == lost {
            all.losses = lost;
            all.add(passes)?;
        }
    }
    Ok(all)
}

impl Partial {
    /// What was surveyed holds lines that are lost by now, so that others do not find what it says: all of it is surveyed again.
    fn spoil_lost(&mut self) {
        let Some(begun) = &mut self.begun else { return };
        let counted = |(key, supposed): (&Key, &Supposed)| {
            let lost = self.inputs.get(key).map(|card| &card.lost);
            let mut lost = lost.into_iter().flatten();
            lost.any(|lost| supposed.done.iter().any(|done| done.overlaps(lost)))
        };
        begun.spoiled |= begun.logs.iter().any(counted);
    }

    fn add(&mut self, passes: BTreeMap<PassKey, Pass>) -> Result<()> {
        for (key, pass) in passes {
            match self.passes.remove(&key) {
                None => drop(self.passes.insert(key, pass)),
                Some(known) => drop(self.passes.insert(key, one_pass(known, pass)?)),
            }
        }
        Ok(())
    }
}

fn told(options: &[String]) -> String {
    match options.is_empty() {
        true => "none".to_string(),
        false => format!("`{}`", options.join(" ")),
    }
}

fn one_card(mine: Card, theirs: Card) -> Result<Card> {
    if mine.len != theirs.len {
        return Err(Error::Usage(format!(
            "{} has {} bytes in one part and {} in another: the stages need the same bytes; give all the same --size, or begin again with files that do not change",
            mine.name, mine.len, theirs.len
        )));
    }
    if mine.begins.is_some() && theirs.begins.is_some() && mine.begins != theirs.begins {
        return Err(Error::Usage(format!(
            "{} begins otherwise in another part: the stages need the same bytes; begin again with files that do not change",
            mine.name
        )));
    }
    let mut all = mine;
    all.begins = all.begins.or(theirs.begins);
    all.modified = all.modified.max(theirs.modified);
    all.plain &= theirs.plain;
    all.remarks.extend(theirs.remarks);
    all.answers.extend(theirs.answers);
    all.lost.extend(theirs.lost);
    Ok(all)
}

/// Gives inputs the numbers that they have among all.
fn renumber(counts: &mut AccessCounts, order: &[Key], all: &BTreeMap<Key, Card>) {
    let places: BTreeMap<&Key, usize> = all.keys().zip(0..).collect();
    let number = |old: usize| {
        let key = order.get(old);
        key.and_then(|key| places.get(key)).copied().unwrap_or(old)
    };
    counts.rename_logs(number);
    let books = std::mem::take(&mut counts.lines).into_iter();
    counts.lines = books
        .map(|(source, lines)| (number(source as usize) as u32, lines))
        .collect();
}

fn one_beginning(mut mine: Beginning, theirs: Beginning) -> Result<Beginning> {
    mine.spoiled |= theirs.spoiled;
    for (key, supposed) in theirs.logs {
        match mine.logs.remove(&key) {
            None => drop(mine.logs.insert(key, supposed)),
            Some(known) => {
                mine.spoiled |= known.format != supposed.format || known.column != supposed.column;
                let done = disjoint(&key, known.done.clone(), supposed.done)?;
                mine.logs.insert(key, Supposed { done, ..known });
            }
        }
    }
    let counts = &mut *mine.counts;
    counts.merge(*theirs.counts);
    counts.fit();
    counts.flush();
    Ok(mine)
}

fn one_pass(mut mine: Pass, theirs: Pass) -> Result<Pass> {
    for (key, ranges) in theirs.covered {
        let known = mine.covered.remove(&key).unwrap_or_default();
        let all = disjoint(&key, known, ranges)?;
        mine.covered.insert(key, all);
    }
    match mine.counts.add(theirs.counts) {
        true => Ok(mine),
        false => Err(Error::Usage(
            "these parts answer different questions of one plan: they were made by other programs"
                .to_string(),
        )),
    }
}

/// Ranges of two machines, in order and together where they touch.
fn disjoint(key: &Key, mine: Vec<Range64>, theirs: Vec<Range64>) -> Result<Vec<Range64>> {
    let mut all = mine;
    all.extend(theirs);
    all.sort_unstable();
    let mut joined: Vec<Range64> = Vec::new();
    for range in all {
        match joined.last_mut() {
            Some(last) if range.start < last.end => {
                return Err(Error::Usage(format!(
                    "bytes {} to {} of {} were counted twice: merge each part once, and give no two parts the same range",
                    range.start,
                    last.end.min(range.end),
                    key.input
                )));
            }
            Some(last) if range.start == last.end => last.end = range.end,
            _ => joined.push(range),
        }
    }
    Ok(joined)
}

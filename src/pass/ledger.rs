//! What other machines counted: a pass takes it over, and counts only what is missing and here.

use std::any::Any;
use std::ops::Range;

use super::{Bounded, ChunkSpan, Log, Pool, Run, Task, work};

/// Some bytes of a source.
pub type Stretch = (u32, Range<usize>);

/// Knows what passes came to that other machines took part in, and takes what they come to here.
///
/// A pass is known by its name and by how many of that name were before it, so all runs over the same logs must make the same
/// passes in the same order.
pub trait Ledger: Sync {
    /// What there is of the next pass of a name, which needs these stretches.
    fn entry(&self, pass: &'static str, needed: &[Stretch]) -> Entry;

    /// Says that the next pass, if it is `pass`, needs nothing of what `other` comes to, so that both can be made in one go.
    fn beside(&self, other: &'static str, pass: &'static str);

    /// Says what is missing for the pass that is [`Entry::Open`].
    fn ask(&self, cut: Cut, missing: Vec<Stretch>);

    /// Takes what was counted of these stretches for it.
    fn file(&self, counted: Vec<Stretch>, counts: Box<dyn Any + Send>);
}

/// What a [`Ledger`] says of a pass.
pub enum Entry {
    /// What it comes to.
    Known(Box<dyn Any + Send>),
    /// Nothing of what it needs can be had.
    Nothing,
    /// These stretches are still to be counted.
    Open(Vec<Stretch>),
    /// Something before it is missing, so that it would be in vain.
    Vain,
}

/// Whether a stretch that is needed may be counted in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// At the end of any line.
    Anywhere,
    /// It is counted as a whole.
    Never,
}

/// What a pass comes to that needs these stretches: what it came to elsewhere; or what `count` makes of as much of them as is
/// here, which is everything on a machine that works alone. Where the pass remains open this is `none`, and whatever follows
/// from it is in vain.
pub fn settle<C: Bounded + 'static>(
    (pass, cut): (&'static str, Cut),
    (logs, run): (&[Log<'_>], &Run<'_>),
    needed: Vec<Stretch>,
    none: impl Fn() -> C,
    count: impl FnOnce(&[Stretch]) -> C,
) -> C {
    let Some(ledger) = run.ledger else {
        return count(&needed);
    };
    if needed.is_empty() {
        return none();
    }
    match ledger.entry(pass, &needed) {
        Entry::Known(counts) => counts.downcast().map_or_else(|_| none(), |counts| *counts),
        Entry::Nothing | Entry::Vain => none(),
        Entry::Open(missing) => {
            let own = own(logs, &missing, cut);
            ledger.ask(cut, missing);
            if !own.is_empty() {
                let mut counts = count(&own);
                counts.flush();
                ledger.file(own, Box::new(counts));
            }
            none()
        }
    }
}

/// What of some stretches is here.
fn own(logs: &[Log<'_>], needed: &[Stretch], cut: Cut) -> Vec<Stretch> {
    let here = |(source, range): &Stretch| {
        let log = logs.iter().find(|log| log.source == *source)?;
        let here = match cut {
            Cut::Anywhere => log.bytes.share(range.clone()),
            Cut::Never if log.bytes.holds(range) => range.clone(),
            Cut::Never => return None,
        };
        (!here.is_empty()).then_some((*source, here))
    };
    needed.iter().filter_map(here).collect()
}

/// The logs that a closer look is at, and the chunks that the survey met in them.
#[derive(Clone, Copy)]
pub struct Surveyed<'s, 'l> {
    /// Those surveyed.
    pub logs: &'s [Log<'l>],
    /// Of these logs.
    pub chunks: &'s [ChunkSpan],
}

/// A closer look: counts those chunks that are wanted, each with its log; see [`settle`].
pub fn count<C: Bounded + 'static>(
    pass: &'static str,
    surveyed: Surveyed<'_, '_>,
    wanted: impl Fn(&ChunkSpan) -> bool,
    run: &Run<'_>,
    start: impl Fn() -> C + Sync,
    step: impl Fn(&mut C, &ChunkSpan, &Log<'_>) + Sync,
) -> C {
    let logs = surveyed.logs;
    let chunks = surveyed.chunks.iter().filter(|chunk| wanted(chunk));
    let mut chunks: Vec<&ChunkSpan> = chunks.collect();
    let stretch = |chunk: &ChunkSpan| (logs[chunk.log].source, chunk.start..chunk.end);
    let needed: Vec<Stretch> = chunks.iter().map(|chunk| stretch(chunk)).collect();
    let make = |own: &[Stretch]| {
        let mut own = own.iter().peekable();
        chunks.retain(|chunk| own.next_if(|own| **own == stretch(chunk)).is_some());
        let tasks = (0..).zip(&chunks);
        let tasks = tasks.map(|(index, chunk)| (index, chunk.start..chunk.end));
        let tasks: Vec<Task> = tasks.collect();
        let pool = Pool::new(&run.caps);
        let parts = work(&tasks, run, &start, |counts, (index, _)| {
            let chunk = chunks[*index];
            step(counts, chunk, &logs[chunk.log]);
            pool.relieve(counts);
        });
        pool.all(parts).unwrap_or_else(&start)
    };
    settle((pass, Cut::Never), (logs, run), needed, &start, make)
}

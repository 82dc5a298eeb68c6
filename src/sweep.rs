//! The one look over all lines for what only the finished survey tells to look for: what attacked places answer everybody
//! else (`norms`), and when the heaviest paths, networks and clients were there (`watch`).
//!
//! Reading a line costs more than counting it, hence both in one pass, and of most lines only their beginnings are read. A log without either does without it.

use crate::evidence::capped::hash_bytes;
use crate::focus::each_access_like;
use crate::format::spec::Glance;
use crate::merge::Merge;
use crate::norms::{Norms, Places};
use crate::pass::{Limits, Log, Run, Task, merge_all, work};
use crate::plan::Plan;
use crate::survey::AccessCounts;
use crate::watch::{Rise, Rows, Watched, rises};

/// Counts of one worker.
struct Counts {
    norms: Norms,
    rows: Rows,
}

impl Merge for Counts {
    fn merge(&mut self, other: Counts) {
        self.norms.merge(other.norms);
        self.rows.merge(other.rows);
    }
}

/// Learns what is ordinary at the places that were attacked, and finds what rises. `logs` are those surveyed.
pub fn sweep(
    logs: &[Log<'_>],
    access: &AccessCounts,
    plan: &Plan,
    limits: Limits,
    run: &Run<'_>,
) -> (Norms, Vec<Rise>) {
    let places = Places::of(access);
    let watched = Watched::new(access, &plan.minutes);
    if places.is_idle() && watched.is_idle() {
        return (Norms::default(), Vec::new());
    }
    let read = access
        .chunks
        .iter()
        .filter(|chunk| chunk.first <= chunk.last);
    let tasks: Vec<Task> = read
        .map(|chunk| (chunk.log, chunk.start..chunk.end))
        .collect();
    let start = || Counts {
        norms: Norms::default(),
        rows: watched.rows(),
    };
    let parts = work(&tasks, run, start, |counts, (log, range)| {
        let log = &logs[*log];
        let wanted = |glance: &Glance<'_>| {
            let path = hash_bytes(glance.path);
            places.may_count(glance, path) || watched.may_count(glance.client, path)
        };
        let bytes = &log.bytes[range.clone()];
        each_access_like(log, bytes, range.start, wanted, |access, at| {
            let secs = at.time.secs();
            if limits.contain(secs) {
                let path = hash_bytes(access.path());
                places.note(&mut counts.norms, log, access, path, at);
                watched.note(&mut counts.rows, access.client, path, secs);
            }
        });
    });
    let counts = merge_all(parts).unwrap_or_else(start);
    let risen = rises(&watched, &counts.rows, access, plan);
    (counts.norms, risen)
}

//! The one look over all lines for what only the finished survey tells to look for: what attacked places answer everybody
//! else (`norms`), and when the heaviest paths, networks and clients were there (`watch`).
//!
//! Reading a line costs more than counting it, hence both in one pass. A log without either does without it.

use crate::evidence::capped::hash_bytes;
use crate::focus::each_access;
use crate::norms::{Norms, Places};
use crate::pass::{Limits, Log, Pool, Run, Task, work};
use crate::plan::Plan;
use crate::survey::AccessCounts;
use crate::watch::{Rise, Watched, rises};

/// Learns what is ordinary at the places that were attacked, and finds what rises. `logs` are those surveyed.
pub fn sweep(
    logs: &[Log<'_>],
    access: &AccessCounts,
    plan: &Plan,
    limits: Limits,
    run: &Run<'_>,
) -> (Norms, Vec<Rise>) {
    let places = Places::of(access);
    let watched = Watched::new(access, &plan.minutes, run.caps);
    if places.is_idle() && watched.is_idle() {
        return (Norms::new(run.caps), Vec::new());
    }
    let read = access
        .chunks
        .iter()
        .filter(|chunk| chunk.first <= chunk.last);
    let tasks: Vec<Task> = read
        .map(|chunk| (chunk.log, chunk.start..chunk.end))
        .collect();
    let rows = watched.rows();
    let start = || Norms::new(run.caps);
    let pool = Pool::new(&run.caps);
    let parts = work(&tasks, run, start, |norms, (log, range)| {
        let log = &logs[*log];
        each_access(log, &log.bytes[range.clone()], range.start, |access, at| {
            let secs = at.time.secs();
            if limits.contain(secs) {
                let path = hash_bytes(access.path());
                places.note(norms, log, access, path, at);
                watched.note(&rows, access.client, path, secs);
            }
        });
        pool.relieve(norms);
    });
    let norms = pool.all(parts).unwrap_or_else(start);
    (norms, rises(&watched, rows, access, plan))
}

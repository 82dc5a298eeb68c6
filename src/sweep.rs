//! The one look over all lines for what only the finished survey tells to look for: what attacked places answer everybody
//! else (`norms`), and when the heaviest paths, networks and clients were there (`watch`).
//!
//! Reading a line costs more than counting it, hence both in one pass, and of most lines only their beginnings are read. A log without either does without it.

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::event::Access;
use crate::evidence::capped::hash_bytes;
use crate::evidence::first::Locator;
use crate::format::spec::{Arena, Glance};
use crate::look::{Look, look_over};
use crate::norms::{Norms, Places};
use crate::pass::{Limits, Log, Pool, Run, spans_of, work};
use crate::plan::Plan;
use crate::time::Time;
use crate::watch::{Counter, Rise, Watched, rises};

/// Looks over one chunk.
struct Sweeper<'a> {
    places: &'a Places<'a>,
    watched: &'a Watched,
    limits: Limits,
    log: &'a Log<'a>,
    /// What looks like the beginning of a request is one.
    readable: bool,
    norms: &'a mut Norms,
    counter: Counter<'a>,
}

impl<'l> Look<'l> for Sweeper<'_> {
    fn glance(&mut self, glance: &Glance<'l>) -> bool {
        let path = hash_bytes(glance.path);
        if self.places.may_count(glance, path) {
            return true;
        }
        let may_count = self.watched.may_count(glance.client, path);
        if may_count && self.readable {
            self.watch(glance.client, path, glance.time);
        }
        may_count && !self.readable
    }

    fn read(&mut self, access: Access<'l>, at: Locator) {
        let path = hash_bytes(access.path());
        if self.limits.contain(at.time.secs()) {
            self.places.note(self.norms, self.log, &access, path, at);
        }
        self.watch(access.client, path, at.time);
    }
}

impl Sweeper<'_> {
    fn watch(&mut self, client: Client, path: u64, time: Time) {
        if self.limits.contain(time.secs()) {
            self.counter.note(client, path, time.secs());
        }
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
    let watched = Watched::new(access, &plan.minutes, run.caps);
    if places.is_idle() && watched.is_idle() {
        return (Norms::new(run.caps), Vec::new());
    }
    let (chunks, tasks) = spans_of(&access.chunks, |chunk| chunk.first <= chunk.last);
    let rows = watched.rows();
    let start = || Norms::new(run.caps);
    let pool = Pool::new(&run.caps);
    let parts = work(&tasks, run, start, |norms, (index, range)| {
        let log = &logs[chunks[*index].log];
        let mut sweeper = Sweeper {
            places: &places,
            watched: &watched,
            limits,
            log,
            readable: chunks[*index].readable,
            norms,
            counter: watched.counter(&rows),
        };
        let (bytes, arena) = (log.bytes.get(range.clone()), Arena::new());
        look_over(log, bytes, range.start, &arena, &mut sweeper);
        sweeper.counter.file();
        pool.relieve(norms);
    });
    let norms = pool.all(parts).unwrap_or_else(start);
    (norms, rises(&watched, rows, plan))
}

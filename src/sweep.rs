//! The one look over all lines for what only the finished survey tells to look for: what attacked places answer everybody
//! else (`norms`), and when the heaviest paths, networks and clients were there (`watch`).
//!
//! Reading a line costs more than counting it, hence both in one pass, and of most lines only their beginnings are read. A log without either does without it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::event::Access;
use crate::evidence::capped::hash_bytes;
use crate::evidence::first::Locator;
use crate::format::spec::{Arena, Glance};
use crate::look::{Look, look_over};
use crate::merge::Merge;
use crate::norms::{Norms, Places};
use crate::pass::{Bounded, ChunkSpan, Limits, Log, Run, Surveyed, count};
use crate::plan::Plan;
use crate::time::Time;
use crate::watch::{Counter, Rise, Rows, Watched, rises};

/// What a sweep counts.
#[derive(Serialize, Deserialize)]
pub struct Swept {
    /// What places answer everybody.
    pub norms: Norms,
    /// Who was there when. All workers of a machine count into the same rows.
    #[serde(with = "shared")]
    pub rows: Arc<Rows>,
}

/// Rows are written as if they belonged to nobody else.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::watch::Rows;

    pub fn serialize<S: Serializer>(rows: &Arc<Rows>, to: S) -> Result<S::Ok, S::Error> {
        rows.as_ref().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Rows>, D::Error> {
        Rows::deserialize(from).map(Arc::new)
    }
}

impl Merge for Swept {
    fn merge(&mut self, other: Swept) {
        self.norms.merge(other.norms);
        if !Arc::ptr_eq(&self.rows, &other.rows) {
            self.rows.add(&other.rows);
        }
    }
}

impl Bounded for Swept {
    fn weight(&self) -> usize {
        self.norms.weight()
    }

    fn fit(&mut self) {
        self.norms.fit();
    }

    fn successor(&self) -> Swept {
        Swept {
            norms: self.norms.successor(),
            rows: self.rows.clone(),
        }
    }
}

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
    let surveyed = Surveyed {
        logs,
        chunks: &access.chunks,
    };
    let wanted = |chunk: &ChunkSpan| chunk.first <= chunk.last;
    let rows = Arc::new(watched.rows());
    let start = || Swept {
        norms: Norms::new(run.caps),
        rows: rows.clone(),
    };
    let swept = count(
        "sweep",
        surveyed,
        wanted,
        run,
        start,
        |swept, chunk, log| {
            let mut sweeper = Sweeper {
                places: &places,
                watched: &watched,
                limits,
                log,
                readable: chunk.readable,
                norms: &mut swept.norms,
                counter: watched.counter(&rows),
            };
            let (bytes, arena) = (log.bytes.get(chunk.start..chunk.end), Arena::new());
            look_over(log, bytes, chunk.start, &arena, &mut sweeper);
            sweeper.counter.file();
        },
    );
    let rises = rises(&watched, &swept.rows, plan);
    (swept.norms, rises)
}

//! Whose failures a run of failed answers holds: those who send payloads break their own requests.
//!
//! A statement that an injection tool broke is answered with 500, and a thousand such answers say nothing about
//! how the service answered anybody else. What such clients did is counted by minutes, for the plan to leave out.

use std::collections::BTreeMap;

use hashbrown::HashSet;

use crate::client::Client;
use crate::evidence::clients::status_class;
use crate::focus::each_access_of;
use crate::merge::Merge;
use crate::pass::{ChunkSpan, Log, Run, Task, merge_all, work};
use crate::plan::{Own, Plan, Stretch};
use crate::survey::AccessCounts;

/// Share of a client's requests that must be payloads for its failures to be its own doing. Injection tools send
/// little else; a flood with some payloads in it fails because the server is overloaded.
const PAYLOADS: f64 = 0.1;

/// What the senders of payloads did, by minutes since the epoch, within the plan's runs of failures.
pub fn own(
    logs: &[Log<'_>],
    access: &AccessCounts,
    plan: &Plan,
    run: &Run<'_>,
) -> BTreeMap<i64, Own> {
    let probers = probers(access);
    if probers.is_empty() || plan.failures.is_empty() {
        return BTreeMap::new();
    }
    let overlaps = |chunk: &&ChunkSpan| {
        let runs = plan.failures.iter();
        runs.into_iter()
            .any(|stretch| chunk.first <= stretch.end && chunk.last >= stretch.start)
    };
    let tasks: Vec<Task> = access
        .chunks
        .iter()
        .filter(overlaps)
        .map(|chunk| (chunk.log, chunk.start..chunk.end))
        .collect();
    let wanted = |client: Client| probers.contains(&client);
    let parts = work(&tasks, run, BTreeMap::new, |counts, (log, range)| {
        let log = &logs[*log];
        each_access_of(
            log,
            &log.bytes[range.clone()],
            range.start,
            wanted,
            |access, at| {
                let secs = at.time.secs();
                if wanted(access.client) && within(&plan.failures, secs) {
                    note(counts, secs.div_euclid(60), access.status);
                }
            },
        );
    });
    merge_all(parts.into_iter().map(Minutes)).map_or_else(BTreeMap::new, |all| all.0)
}

/// Clients that send payloads rather than visit.
fn probers(access: &AccessCounts) -> HashSet<Client> {
    let clients = access.hit_clients.iter();
    clients
        .filter(|(client, hits)| {
            let all = access
                .clients
                .get(client)
                .map_or(0, |client| client.requests());
            hits.direct > 0 && hits.direct as f64 >= PAYLOADS * all as f64
        })
        .map(|(client, _)| *client)
        .collect()
}

fn within(runs: &[Stretch], secs: i64) -> bool {
    let mut runs = runs.iter();
    runs.any(|run| (run.start..=run.end).contains(&secs))
}

fn note(counts: &mut BTreeMap<i64, Own>, minute: i64, status: Option<u16>) {
    counts.entry(minute).or_default().merge(Own {
        requests: 1,
        failed: u32::from(status_class(status) == 4),
    });
}

/// Counts of one worker.
struct Minutes(BTreeMap<i64, Own>);

impl Merge for Minutes {
    fn merge(&mut self, other: Minutes) {
        for (minute, own) in other.0 {
            self.0.entry(minute).or_default().merge(own);
        }
    }
}

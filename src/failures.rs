//! Whose failures a run of failed answers holds: those who send payloads break their own requests.
//!
//! A statement that an injection tool broke is answered with 500, and a thousand such answers say nothing about
//! how the service answered anybody else. What such clients did is counted by minutes, for the plan to leave out.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::evidence::clients::status_class;
use crate::look::each_access_of;
use crate::merge::Merge;
use crate::pass::{ChunkSpan, Log, Run, Task, merge_all, work};
use crate::plan::{Own, Plan, Stretch};

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
#[derive(Serialize, Deserialize)]
struct Minutes(BTreeMap<i64, Own>);

impl Merge for Minutes {
    fn merge(&mut self, other: Minutes) {
        for (minute, own) in other.0 {
            self.0.entry(minute).or_default().merge(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::Category;
    use crate::evidence::clients::{ClientStats, HitStats};
    use crate::evidence::filed::again;
    use crate::format::combined::COMBINED;
    use crate::pass::tasks;
    use crate::time::Time;

    /// Who sends payloads, who sent one in a hundred requests, and who sends none.
    const PROBER: &str = "192.0.2.1";
    const CURIOUS: &str = "192.0.2.2";
    const VISITOR: &str = "192.0.2.3";

    /// 2026-05-19T12:00:00Z.
    const NOON: i64 = 1_779_192_000;

    fn line(client: &str, second: i64, status: u16) -> String {
        let (minute, second) = (second / 60, second % 60);
        format!(
            "{client} - - [19/May/2026:12:{minute:02}:{second:02} +0000] \"GET /a?b=1 HTTP/1.1\" {status} 5 \"-\" \"x\"\n"
        )
    }

    /// Everybody fails once in each of five minutes, and is answered once.
    fn text() -> String {
        let mut text = String::new();
        for minute in 0..5 {
            for client in [PROBER, CURIOUS, VISITOR] {
                text += &line(client, 60 * minute + 10, 500);
                text += &line(client, 60 * minute + 20, 200);
            }
        }
        text
    }

    fn access(log: &Log<'_>, chunk_bytes: usize) -> AccessCounts {
        let mut access = AccessCounts::new(60, Default::default());
        for (client, requests, payloads) in [(PROBER, 10, 1), (CURIOUS, 100, 1), (VISITOR, 10, 0)] {
            let client = Client::parse(client.as_bytes());
            let stats = access.clients.entry(client, ClientStats::default).unwrap();
            (0..requests).for_each(|_| stats.note(NOON, 2, false));
            if payloads > 0 {
                let hits = access.hit_clients.entry(client, HitStats::default).unwrap();
                let time = Time::from_secs(NOON);
                hits.note(time, &[Category::SqlInjection], true, true, true);
            }
        }
        let spans = tasks(std::slice::from_ref(log), chunk_bytes).into_iter();
        access.chunks = spans
            .map(|(log, range)| ChunkSpan {
                log,
                start: range.start,
                end: range.end,
                first: NOON,
                last: NOON + 300,
                lines: 1,
                readable: true,
            })
            .collect();
        access
    }

    /// What is set aside where the failures run from second `from` to `to` of the log.
    fn set_aside(from: i64, to: i64, chunk_bytes: usize) -> BTreeMap<i64, Own> {
        let text = text();
        let log = Log::of(&COMBINED, text.as_bytes()).unwrap();
        let access = access(&log, chunk_bytes);
        let mut plan = Plan::new(&AccessCounts::new(60, Default::default()));
        plan.failures = vec![Stretch {
            start: NOON + from,
            end: NOON + to,
            baseline_rps: 0.0,
            peak_at: NOON + from,
            peak_rps: 0.1,
            count: 9,
            excess: 9,
            ratio: 9.0,
            sigma: 9.0,
            at_log_start: false,
            at_log_end: false,
        }];
        let run = Run {
            chunk_bytes,
            caps: Default::default(),
            advance: &|_| (),
        };
        again(&Minutes(own(&[log], &access, &plan, &run))).0
    }

    #[test]
    fn only_those_who_send_little_but_payloads_are_set_aside() {
        let own = set_aside(0, 300, 1 << 20);
        let each = Own {
            requests: 2,
            failed: 1,
        };
        let minutes: Vec<i64> = own.keys().copied().collect();
        assert_eq!(minutes, (NOON / 60..NOON / 60 + 5).collect::<Vec<_>>());
        assert!(own.values().all(|own| *own == each), "{own:?}");
    }

    #[test]
    fn only_the_run_of_failures_counts_to_the_second() {
        let own = set_aside(70, 135, 1 << 20);
        let counts: Vec<(u32, u32)> = own.values().map(|own| (own.requests, own.failed)).collect();
        // The second minute whole, of the third the failure alone.
        assert_eq!(counts, [(2, 1), (1, 1)]);
    }

    #[test]
    fn chunks_change_nothing() {
        assert_eq!(set_aside(0, 300, 97), set_aside(0, 300, 1 << 20));
    }
}

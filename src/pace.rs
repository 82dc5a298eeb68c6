//! How many requests each client sent in each minute of an incident, so that it can be said what limits would have done.
//!
//! Who sent no more than the strictest limit in all is never refused and not counted, which leaves out nearly everybody
//! where a flood comes from everywhere. Of most lines only their beginnings are read.

use hashbrown::HashSet;
use rayon::iter::ParallelIterator;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::client::Client;
use crate::event::Access;
use crate::evidence::capped::CappedMap;
use crate::evidence::clients::ClientStats;
use crate::evidence::first::Locator;
use crate::evidence::minutes::Minutes;
use crate::evidence::weight::INDEX_BYTES;
use crate::focus::Window;
use crate::format::spec::{Arena, Glance};
use crate::look::{Look, look_over};
use crate::merge::Merge;
use crate::pass::{Bounded, ChunkSpan, Limits, Log, Run, Several, Surveyed, count};
use crate::tally::Tally;

/// Limits that are tried, in requests of a client a minute: from what a person reading pages asks for to ten requests a
/// second, which is more than a browser needs for a page with all its pictures; roughly doubled from one to the next.
pub const LIMITS: [u64; 8] = [5, 10, 20, 30, 60, 120, 300, 600];

/// Who sends no more than this in all is refused by none of [`LIMITS`].
const NEVER_REFUSED: u64 = LIMITS[0];

/// Seconds in a minute.
const MINUTE_S: i64 = 60;

/// Whether a client sent more than the strictest limit in an average minute of its stay.
pub fn is_fast(stats: &ClientStats) -> bool {
    let stay_s = stats.last().secs() - stats.first().secs();
    let minutes = (stay_s / MINUTE_S).max(0) as u64 + 1;
    stats.requests() > NEVER_REFUSED * minutes
}

/// What those clients of one window asked for by the minute that a limit could have refused.
pub struct Pace {
    clients: CappedMap<Client, Minutes>,
    /// Minutes of all clients.
    minutes: usize,
}

impl Pace {
    fn new<V>(like: &CappedMap<Client, V>) -> Pace {
        let mut clients = CappedMap::new(usize::MAX);
        clients.sample_like(like);
        Pace {
            clients,
            minutes: 0,
        }
    }

    #[inline]
    fn note(&mut self, client: Client, secs: i64) {
        if let Some(minutes) = self.clients.entry(client, Minutes::default) {
            self.minutes += usize::from(minutes.note(secs));
        }
    }

    /// The clients that were counted, in no order; others of the [sample](Pace::sample) sent too little to be refused.
    pub fn clients(&self) -> impl Iterator<Item = (&Client, &Minutes)> {
        self.clients.iter()
    }

    /// The clients of which these are.
    pub fn sample(&self) -> &CappedMap<Client, Minutes> {
        &self.clients
    }

    /// How many clients each of those stands for that are counted.
    pub fn weight_of_a_client(&self) -> u64 {
        self.clients.scaled(1)
    }
}

impl Bounded for Pace {
    fn weight(&self) -> usize {
        self.clients.flat_weight() + Minutes::bytes(self.minutes)
    }

    /// The sample was chosen small enough.
    fn fit(&mut self) {}

    fn successor(&self) -> Pace {
        Pace::new(&self.clients)
    }
}

impl Serialize for Pace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.clients.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pace, D::Error> {
        let clients: CappedMap<Client, Minutes> = Deserialize::deserialize(deserializer)?;
        let minutes = clients.iter().map(|(_, minutes)| minutes.len()).sum();
        Ok(Pace { clients, minutes })
    }
}

impl Merge for Pace {
    fn merge(&mut self, other: Pace) {
        self.minutes = self.minutes.saturating_add(other.minutes);
        self.clients.merge(other.clients);
    }
}

/// Whom a window counts, and when.
struct Wanted {
    window: Window,
    clients: HashSet<Client>,
    sample: CappedMap<Client, ()>,
}

impl Wanted {
    /// Those who may be refused, as many as `bytes` suffice for if each of them came in every minute that it could.
    fn of(window: Window, tally: &Tally<'_>, bytes: usize) -> Wanted {
        /// In [`Wanted::clients`] and in [`Pace::clients`].
        const CLIENT_BYTES: usize = size_of::<(Client, Minutes)>() + 2 * INDEX_BYTES;
        let long = ((window.end - window.start) / MINUTE_S).max(0) as u64 + 2;
        let shares = tally.shares();
        let fast = shares.filter(|(_, share)| u64::from(share.requests) > NEVER_REFUSED);
        let fast: Vec<(Client, usize)> = fast
            .map(|(client, share)| {
                let minutes = u64::from(share.requests).min(long);
                (client, CLIENT_BYTES + Minutes::bytes(minutes as usize))
            })
            .collect();
        let mut sample = CappedMap::new(usize::MAX);
        tally.narrow(&mut sample);
        let kept = |sample: &CappedMap<Client, ()>| -> usize {
            let kept = fast.iter().filter(|(client, _)| sample.keeps(client));
            kept.map(|(_, bytes)| bytes).sum()
        };
        while kept(&sample) > bytes && sample.thin() {}
        let clients = fast.iter().map(|(client, _)| *client);
        Wanted {
            window,
            clients: clients.filter(|client| sample.keeps(client)).collect(),
            sample,
        }
    }

    fn reads(&self, chunk: &ChunkSpan) -> bool {
        !self.clients.is_empty() && self.window.overlaps(chunk)
    }

    #[inline]
    fn takes(&self, client: Client, secs: i64) -> bool {
        (self.window.start..=self.window.end).contains(&secs) && self.clients.contains(&client)
    }
}

/// Looks over one chunk.
struct Timekeeper<'c> {
    windows: Vec<(&'c Wanted, &'c mut Pace)>,
    limits: Limits,
    /// What looks like the beginning of a request is one.
    readable: bool,
}

impl Timekeeper<'_> {
    /// Counts a request, if it is one, or says whether it would count.
    #[inline]
    fn see(&mut self, client: Client, secs: i64, is_request: bool) -> bool {
        let mut counts = false;
        for (wanted, pace) in &mut self.windows {
            if wanted.takes(client, secs) {
                counts = true;
                if is_request {
                    pace.note(client, secs);
                }
            }
        }
        counts
    }
}

impl<'l> Look<'l> for Timekeeper<'_> {
    fn glance(&mut self, glance: &Glance<'l>) -> bool {
        let secs = glance.time.secs();
        self.limits.contain(secs) && self.see(glance.client, secs, self.readable) && !self.readable
    }

    fn read(&mut self, access: Access<'l>, at: Locator) {
        let secs = at.time.secs();
        if self.limits.contain(secs) {
            self.see(access.client, secs, true);
        }
    }
}

/// Counts the windows that are given, of which the tallies tell who was there; one result a window, in order. `bytes` is
/// for all of them together.
pub fn paces(
    logs: &[Log<'_>],
    chunks: &[ChunkSpan],
    windows: &[Option<(Window, &Tally<'_>)>],
    limits: Limits,
    bytes: usize,
    run: &Run<'_>,
) -> Vec<Option<Pace>> {
    let counted = windows.iter().flatten();
    let each = bytes / counted.clone().count().max(1);
    let wanted: Vec<Wanted> = counted
        .map(|(window, tally)| Wanted::of(*window, tally, each))
        .collect();
    let surveyed = Surveyed { logs, chunks };
    let reads = |chunk: &ChunkSpan| wanted.iter().any(|one| one.reads(chunk));
    let start = || Several(wanted.iter().map(|one| Pace::new(&one.sample)).collect());
    let paces = count(
        "pace",
        surveyed,
        reads,
        run,
        start,
        |paces: &mut Several<Pace>, chunk, log| {
            let windows = wanted.iter().zip(&mut paces.0);
            let mut timekeeper = Timekeeper {
                windows: windows.filter(|(one, _)| one.reads(chunk)).collect(),
                limits,
                readable: chunk.readable,
            };
            let (bytes, arena) = (log.bytes.get(chunk.start..chunk.end), Arena::new());
            look_over(log, bytes, chunk.start, &arena, &mut timekeeper);
        },
    );
    let mut paces = paces.0.into_iter();
    let each = windows.iter();
    each.map(|window| window.as_ref().and_then(|_| paces.next()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::filed::again;
    use crate::format::combined::COMBINED;
    use crate::look::each_access_of;
    use crate::pass::tasks;
    use crate::tally::{Whole, tallies};
    use std::collections::BTreeMap;

    const EVER: Limits = Limits {
        since: i64::MIN,
        until: i64::MAX,
    };

    /// Half an hour of forty clients, of whom each asks at a pace of its own, and one line that is no request.
    fn text() -> String {
        let line = |n: u32| {
            let (minute, second) = (n / 120, n / 2 % 60);
            let client = 1 + (n.wrapping_mul(2_654_435_761) >> 8) % 41 * (n % 7) / 7;
            format!(
                "192.0.2.{client} - - [19/May/2026:12:{minute:02}:{second:02} +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n"
            )
        };
        let lines: String = (0..3_600).map(line).collect();
        lines + "192.0.2.1 - - [19/May/2026:12:29:59 +0000] \"GE\n"
    }

    /// The chunks of a log, and its clients, as the survey would have them.
    fn survey(log: &Log<'_>, bytes: usize) -> (Vec<ChunkSpan>, CappedMap<Client, ClientStats>) {
        let mut clients = CappedMap::new(usize::MAX);
        let spans = tasks(std::slice::from_ref(log), bytes).into_iter();
        let spans = spans.map(|(index, range)| {
            let mut times = Vec::new();
            let bytes = log.bytes.get(range.clone());
            each_access_of(
                log,
                bytes,
                range.start,
                |_| true,
                |access, at| {
                    times.push(at.time.secs());
                    let stats = clients.entry(access.client, ClientStats::default).unwrap();
                    stats.note(at.time.secs(), 1, false);
                },
            );
            ChunkSpan {
                log: index,
                start: range.start,
                end: range.end,
                first: times.first().copied().unwrap_or(i64::MAX),
                last: times.last().copied().unwrap_or(i64::MIN),
                lines: times.len() as u64,
                readable: crate::chunk::lines(bytes).count() == times.len(),
            }
        });
        (spans.collect(), clients)
    }

    fn pace(text: &str, from: i64, to: i64, chunk_bytes: usize, bytes: usize) -> Pace {
        let log = Log::of(&COMBINED, text.as_bytes()).unwrap();
        let run = Run {
            chunk_bytes,
            caps: Default::default(),
            advance: &|_| {},
            ledger: None,
        };
        let (chunks, clients) = survey(&log, chunk_bytes);
        let logs = [log];
        let whole = Whole {
            requests: 3_600,
            errors_5xx: 0,
            clients: &clients,
            limits: EVER,
        };
        let noon = chunks[0].first;
        let window = Window {
            start: noon + from,
            end: noon + to,
            posts_to: None,
            failed: false,
        };
        let tallies = tallies(&logs, &chunks, &whole, &[window], usize::MAX, &run);
        let windows = [Some((window, &tallies[0])), None];
        let mut paces = paces(&logs, &chunks, &windows, EVER, bytes, &run);
        assert!(paces.pop().unwrap().is_none());
        let pace = paces.pop().unwrap().unwrap();
        let read = again(&pace);
        // A minute of which two threads counted a part each weighs twice until it is read.
        let minutes = read.clients.iter().map(|(_, minutes)| minutes.len());
        assert_eq!(read.minutes, minutes.sum::<usize>());
        assert!(read.weight() <= pace.weight());
        read
    }

    /// The same, counted plainly: what is beyond each limit, by client.
    fn plainly(text: &str, from: i64, to: i64) -> BTreeMap<Client, [u64; LIMITS.len()]> {
        let mut minutes: BTreeMap<(Client, i64), u64> = BTreeMap::new();
        for line in text.lines().take(3_600) {
            let clock = line.split([':', ' ']).skip(4).take(3);
            let clock: Vec<i64> = clock.map(|part| part.parse().unwrap()).collect();
            let second = clock[1] * 60 + clock[2];
            if (from..=to).contains(&second) {
                let client = Client::parse(line.split(' ').next().unwrap().as_bytes());
                *minutes.entry((client, clock[1])).or_default() += 1;
            }
        }
        let mut beyond: BTreeMap<Client, [u64; LIMITS.len()]> = BTreeMap::new();
        for ((client, _), requests) in minutes {
            let refused = LIMITS.map(|limit| requests.saturating_sub(limit));
            beyond.entry(client).or_default().merge(refused);
        }
        beyond.retain(|_, refused| refused[0] > 0);
        beyond
    }

    fn refused(pace: &Pace) -> BTreeMap<Client, [u64; LIMITS.len()]> {
        let clients = pace.clients();
        let refused =
            clients.map(|(client, minutes)| (*client, LIMITS.map(|limit| minutes.beyond(limit))));
        refused.filter(|(_, refused)| refused[0] > 0).collect()
    }

    #[test]
    fn what_limits_refuse_is_counted_exactly_wherever_chunks_are_cut() {
        let text = text();
        for (from, to) in [(0, 1_799), (130, 1_000), (59, 61), (600, 600)] {
            let expected = plainly(&text, from, to);
            assert_eq!(expected.is_empty(), to - from < 3, "{from} to {to}");
            for chunk_bytes in [300, 5_000, 1 << 20] {
                let found = pace(&text, from, to, chunk_bytes, usize::MAX);
                assert_eq!(refused(&found), expected, "{from} to {to}");
                assert_eq!(found.weight_of_a_client(), 1);
            }
        }
    }

    #[test]
    fn where_memory_does_not_suffice_a_sample_is_counted_exactly() {
        let text = text();
        let whole = plainly(&text, 0, 1_799);
        let sampled = [300, 1 << 20].map(|chunk| refused(&pace(&text, 0, 1_799, chunk, 4_000)));
        assert!(!sampled[0].is_empty() && sampled[0].len() < whole.len());
        assert_eq!(sampled[0], sampled[1]);
        assert!(
            sampled[0]
                .iter()
                .all(|(client, found)| whole[client] == *found)
        );
    }

    #[test]
    fn fast_is_who_sends_more_than_the_strictest_limit_on_average() {
        let client = |seconds: &[i64]| {
            let mut stats = ClientStats::default();
            seconds
                .iter()
                .for_each(|second| stats.note(*second, 1, false));
            is_fast(&stats)
        };
        assert!(client(&[0, 1, 2, 3, 4, 5]));
        assert!(!client(&[0, 1, 2, 3, 4]) && !client(&[0, 1, 2, 3, 4, 60]));
    }
}

//! What a stretch of time cost: requests, failures, and who met them.
//!
//! What is in a stretch follows from what is outside it, where that is less to read.

use rayon::iter::{Either, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::event::Access;
use crate::evidence::capped::{CappedMap, standard_error};
use crate::evidence::clients::{ClientStats, status_class};
use crate::evidence::first::Locator;
use crate::evidence::weight::INDEX_BYTES;
use crate::focus::Window;
use crate::format::spec::{Arena, Glance};
use crate::look::{Look, look_over};
use crate::merge::Merge;
use crate::pass::{Bounded, ChunkSpan, Limits, Log, Pool, Run, Several, spans_of, work};

/// What a stretch of time cost.
pub struct Tally<'w> {
    /// Requests.
    pub requests: u64,
    /// Answers with 5xx.
    pub errors_5xx: u64,
    /// What was counted of it.
    counted: Counted,
    /// What that is.
    part: Part<'w>,
}

/// Counts of records, before it is said of what.
#[derive(Serialize, Deserialize)]
struct Counted {
    requests: u64,
    errors_5xx: u64,
    clients: CappedMap<Client, Share>,
}

/// How counts relate to the whole.
enum Part<'w> {
    /// They are of what is in the stretch.
    Inside,
    /// They are of what is outside it.
    Outside(&'w CappedMap<Client, ClientStats>, Kept),
}

/// Clients, and those among them that met a 5xx.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    all: usize,
    failed: usize,
}

impl Kept {
    fn of(failed: bool) -> Kept {
        Kept {
            all: 1,
            failed: usize::from(failed),
        }
    }

    fn plus(self, other: Kept) -> Kept {
        Kept {
            all: self.all + other.all,
            failed: self.failed + other.failed,
        }
    }

    fn less(self, other: Kept) -> Kept {
        Kept {
            all: self.all.saturating_sub(other.all),
            failed: self.failed.saturating_sub(other.failed),
        }
    }
}

/// One client's part of a [`Tally`].
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Share {
    /// Requests.
    pub requests: u32,
    /// Answers with 5xx.
    pub errors_5xx: u32,
}

impl Merge for Share {
    fn merge(&mut self, other: Share) {
        self.requests.merge(other.requests);
        self.errors_5xx.merge(other.errors_5xx);
    }
}

impl Counted {
    /// Counts of the clients that are of the sample `like`.
    fn new<V>(like: &CappedMap<Client, V>) -> Counted {
        let mut clients = CappedMap::new(usize::MAX);
        clients.sample_like(like);
        Counted {
            requests: 0,
            errors_5xx: 0,
            clients,
        }
    }

    fn note(&mut self, access: &Access<'_>) {
        let failed = status_class(access.status) == 4;
        self.requests += 1;
        self.errors_5xx += u64::from(failed);
        if let Some(client) = self.clients.entry(access.client, Share::default) {
            client.merge(Share {
                requests: 1,
                errors_5xx: u32::from(failed),
            });
        }
    }
}

impl Bounded for Counted {
    fn weight(&self) -> usize {
        self.clients.flat_weight()
    }

    /// The sample was chosen small enough.
    fn fit(&mut self) {}

    fn successor(&self) -> Counted {
        Counted::new(&self.clients)
    }
}

impl Merge for Counted {
    fn merge(&mut self, other: Counted) {
        self.requests.merge(other.requests);
        self.errors_5xx.merge(other.errors_5xx);
        self.clients.merge(other.clients);
    }
}

impl Tally<'_> {
    /// Clients, those among them that met a 5xx: exact, or estimates from a sample.
    pub fn clients(&self) -> (u64, u64) {
        let kept = self.kept();
        let estimate = |kept| self.counted.clients.estimate(kept);
        (estimate(kept.all), estimate(kept.failed))
    }

    /// The clients kept. Where what is outside was counted, only those are looked at that were there.
    fn kept(&self) -> Kept {
        let counted = self.counted.clients.par_iter();
        match self.part {
            Part::Inside => counted
                .map(|(_, share)| Kept::of(share.errors_5xx > 0))
                .reduce(Kept::default, Kept::plus),
            Part::Outside(whole, kept) => {
                let gone = counted.filter_map(|(client, _)| {
                    let all = whole.get(client)?;
                    let left = self.left(client, all);
                    let failed = left.is_some_and(|left| left.errors_5xx > 0);
                    Some(Kept {
                        all: usize::from(left.is_none()),
                        failed: usize::from(all.by_class[4] > 0 && !failed),
                    })
                });
                kept.less(gone.reduce(Kept::default, Kept::plus))
            }
        }
    }

    /// How many clients each of those stands for that are kept.
    pub fn weight_of_a_client(&self) -> u64 {
        self.counted.clients.scaled(1)
    }

    /// Leaves those keys out of a map that are not of the same sample.
    pub fn narrow<V>(&self, map: &mut CappedMap<Client, V>) {
        map.sample_like(&self.counted.clients);
    }

    /// How many clients there are, and the standard error of that; `None` if it is exact.
    pub fn error(&self) -> Option<(u64, f64)> {
        self.counted.clients.is_sampled().then(|| {
            let kept = self.kept().all;
            let clients = self.counted.clients.estimate(kept);
            (clients, standard_error(kept))
        })
    }

    /// Every kept client with its part, in no order.
    pub fn shares(&self) -> impl ParallelIterator<Item = (Client, Share)> {
        match self.part {
            Part::Inside => {
                let clients = self.counted.clients.par_iter();
                Either::Left(clients.map(|(client, share)| (*client, *share)))
            }
            Part::Outside(whole, _) => {
                let left = |(client, all): (&Client, &ClientStats)| {
                    Some((*client, self.left(client, all)?))
                };
                Either::Right(whole.par_iter().filter_map(left))
            }
        }
    }

    /// The part of one client, if it is kept.
    pub fn share(&self, client: &Client) -> Option<Share> {
        match self.part {
            Part::Inside => self.counted.clients.get(client).copied(),
            Part::Outside(whole, _) => self.left(client, whole.get(client)?),
        }
    }

    /// What a client of the sample did in the stretch, if what it did outside is counted.
    fn left(&self, client: &Client, all: &ClientStats) -> Option<Share> {
        if !self.counted.clients.keeps(client) {
            return None;
        }
        let gone = self
            .counted
            .clients
            .get(client)
            .copied()
            .unwrap_or_default();
        let requests = all.requests().saturating_sub(u64::from(gone.requests));
        (requests > 0).then(|| Share {
            requests: u32::try_from(requests).unwrap_or(u32::MAX),
            errors_5xx: all.by_class[4].saturating_sub(gone.errors_5xx),
        })
    }
}

/// All records that count, as the survey counted them.
pub struct Whole<'a> {
    /// Requests.
    pub requests: u64,
    /// Answers with 5xx.
    pub errors_5xx: u64,
    /// Per client.
    pub clients: &'a CappedMap<Client, ClientStats>,
    /// Which records count.
    pub limits: Limits,
}

impl<'w> Whole<'w> {
    /// What is told apart when so many windows are counted in `bytes`: as much of all clients as would fit if each of them
    /// came in every window, so that it is the same sample whichever side of a window is read.
    fn sample(&self, windows: usize, bytes: usize) -> CappedMap<Client, Share> {
        let entry = size_of::<(Client, Share)>() + INDEX_BYTES;
        let mut sample = CappedMap::new(usize::MAX);
        sample.sample_like(self.clients);
        while self
            .clients
            .iter()
            .filter(|(client, _)| sample.keeps(client))
            .count()
            > bytes / entry / windows.max(1)
            && sample.thin()
        {}
        sample
    }

    /// All clients of a sample.
    fn kept(&self, sample: &CappedMap<Client, Share>) -> Kept {
        let clients = self.clients.par_iter();
        let clients = clients.filter(|(client, _)| sample.keeps(client));
        clients
            .map(|(_, stats)| Kept::of(stats.by_class[4] > 0))
            .reduce(Kept::default, Kept::plus)
    }

    fn tally(&self, counted: Counted, outside: Option<Kept>) -> Tally<'w> {
        let (requests, errors_5xx) = (counted.requests, counted.errors_5xx);
        match outside {
            None => Tally {
                requests,
                errors_5xx,
                counted,
                part: Part::Inside,
            },
            Some(kept) => Tally {
                requests: self.requests.saturating_sub(requests),
                errors_5xx: self.errors_5xx.saturating_sub(errors_5xx),
                counted,
                part: Part::Outside(self.clients, kept),
            },
        }
    }
}

/// How a window is counted: by what is in it, or, where that is less to read, by what is not.
struct Side {
    window: Window,
    outside: bool,
}

impl Side {
    fn of(window: &Window, chunks: &[ChunkSpan]) -> Side {
        let bytes = |wanted: &dyn Fn(&ChunkSpan) -> bool| -> usize {
            let wanted = chunks.iter().filter(|chunk| wanted(chunk));
            wanted.map(|chunk| chunk.end - chunk.start).sum()
        };
        let inside = bytes(&|chunk| window.overlaps(chunk));
        let outside = bytes(&|chunk| !window.covers(chunk));
        Side {
            window: *window,
            outside: window.posts_to.is_none() && !window.failed && outside < inside,
        }
    }

    fn reads(&self, chunk: &ChunkSpan) -> bool {
        match self.outside {
            true => !self.window.covers(chunk),
            false => self.window.overlaps(chunk),
        }
    }

    /// Whether everything in a chunk counts, as far as time tells.
    fn takes_all(&self, chunk: &ChunkSpan) -> bool {
        match self.outside {
            true => !self.window.overlaps(chunk),
            false => self.window.covers(chunk),
        }
    }

    /// Whether a request of that second may count.
    #[inline]
    fn may_take(&self, secs: i64) -> bool {
        (self.window.start..=self.window.end).contains(&secs) != self.outside
    }
}

/// Looks over one chunk for the sides that something of it may be on.
struct Clerk<'c> {
    sides: Vec<(&'c Side, &'c mut Counted)>,
    /// Whether one of them takes all of the chunk.
    needs_all: bool,
    limits: Limits,
}

impl<'l> Look<'l> for Clerk<'_> {
    fn needs_all(&self) -> bool {
        self.needs_all
    }

    fn glance(&mut self, glance: &Glance<'l>) -> bool {
        let secs = glance.time.secs();
        let mut sides = self.sides.iter();
        self.limits.contain(secs) && sides.any(|(side, _)| side.may_take(secs))
    }

    fn read(&mut self, access: Access<'l>, at: Locator) {
        let secs = at.time.secs();
        if !self.limits.contain(secs) {
            return;
        }
        for (side, counts) in &mut self.sides {
            if side.may_take(secs) && side.window.takes(secs, &access) != side.outside {
                counts.note(&access);
            }
        }
    }
}

/// Counts what happened in every window; one result a window, in order.
pub fn tallies<'w>(
    logs: &[Log<'_>],
    chunks: &[ChunkSpan],
    whole: &Whole<'w>,
    windows: &[Window],
    bytes: usize,
    run: &Run<'_>,
) -> Vec<Tally<'w>> {
    let sample = whole.sample(windows.len(), bytes);
    let sides: Vec<Side> = windows
        .iter()
        .map(|window| Side::of(window, chunks))
        .collect();
    let wanted = |chunk: &ChunkSpan| sides.iter().any(|side| side.reads(chunk));
    let (chunks, tasks) = spans_of(chunks, wanted);
    let start = || Several(windows.iter().map(|_| Counted::new(&sample)).collect());
    let pool = Pool::new(&run.caps);
    let parts = work(&tasks, run, start, |counts, (index, range)| {
        let chunk = chunks[*index];
        let log = &logs[chunk.log];
        let (bytes, arena) = (&log.bytes[range.clone()], Arena::new());
        let sides = sides.iter().zip(&mut counts.0);
        let sides: Vec<_> = sides.filter(|(side, _)| side.reads(chunk)).collect();
        let mut clerk = Clerk {
            needs_all: sides.iter().any(|(side, _)| side.takes_all(chunk)),
            sides,
            limits: whole.limits,
        };
        look_over(log, bytes, range.start, &arena, &mut clerk);
        pool.relieve(counts);
    });
    let counted = pool.all(parts).map_or_else(Vec::new, |all| all.0);
    let of_all = sides.iter().any(|side| side.outside);
    let of_all = of_all.then(|| whole.kept(&sample));
    let sides = sides.iter().zip(counted);
    sides
        .map(|(side, counted)| whole.tally(counted, of_all.filter(|_| side.outside)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::filed::again;
    use crate::focus::{Detail, Room, Sight, Subject, focus};
    use crate::format::combined::COMBINED;
    use crate::look::each_access_of;
    use crate::pass::tasks;

    /// One line a second from noon on; one of seven clients each, and every fifth fails.
    fn text(lines: u32) -> String {
        let line = |n: u32| {
            let (minute, second) = (n / 60, n % 60);
            let status = if n.is_multiple_of(5) { 500 } else { 200 };
            let client = n * n % 7;
            format!(
                "192.0.2.{client} - - [19/May/2026:12:{minute:02}:{second:02} +0000] \"GET / HTTP/1.1\" {status} 5 \"-\" \"x\"\n"
            )
        };
        (0..lines).map(line).collect()
    }

    /// The spans of the chunks, and all of it counted, as the survey would.
    fn survey(log: &Log<'_>, run: &Run<'_>) -> (Vec<ChunkSpan>, CappedMap<Client, ClientStats>) {
        let mut clients = CappedMap::new(usize::MAX);
        let spans = tasks(std::slice::from_ref(log), run.chunk_bytes)
            .into_iter()
            .map(|(index, range)| {
                let mut times = Vec::new();
                each_access_of(
                    log,
                    &log.bytes[range.clone()],
                    range.start,
                    |_| true,
                    |access, at| {
                        let secs = at.time.secs();
                        times.push(secs);
                        let client = clients.entry(access.client, ClientStats::default).unwrap();
                        client.note(secs, status_class(access.status), false);
                    },
                );
                ChunkSpan {
                    log: index,
                    start: range.start,
                    end: range.end,
                    first: times[0],
                    last: *times.last().unwrap(),
                    lines: times.len() as u64,
                    readable: true,
                }
            });
        (spans.collect(), clients)
    }

    fn sorted(tally: &Tally<'_>) -> Vec<(Client, u32, u32)> {
        let shares: Vec<_> = tally.shares().collect();
        let mut all: Vec<_> = shares
            .into_iter()
            .map(|(client, share)| (client, share.requests, share.errors_5xx))
            .collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn what_is_left_of_the_whole_is_what_is_inside() {
        let text = text(300);
        let log = Log::of(&COMBINED, text.as_bytes()).unwrap();
        let run = Run {
            chunk_bytes: 500,
            caps: Default::default(),
            advance: &|_| {},
        };
        let (chunks, clients) = survey(&log, &run);
        let logs = [log];
        let noon = chunks[0].first;
        let whole = Whole {
            requests: 300,
            errors_5xx: 60,
            clients: &clients,
            limits: Limits {
                since: i64::MIN,
                until: i64::MAX,
            },
        };
        for (start, end) in [(3, 290), (0, 299), (100, 120), (298, 299), (7, 8)] {
            let window = Window {
                start: noon + start,
                end: noon + end,
                posts_to: None,
                failed: false,
            };
            let mut found = tallies(&logs, &chunks, &whole, &[window], usize::MAX, &run).remove(0);
            found.counted = again(&found.counted);
            let found = &found;
            assert_eq!(matches!(found.part, Part::Outside(..)), end - start > 200);
            let plenty = Room {
                clients: usize::MAX,
                paths: usize::MAX,
                agents: usize::MAX,
                answers: usize::MAX,
            };
            let sight = Sight {
                window,
                subject: Subject::All,
                detail: Detail::Conduct,
                room: plenty,
            };
            let exact = &focus(&logs, &chunks, &[sight], &clients, &run)[0];
            assert_eq!(found.requests, exact.requests);
            assert_eq!(found.errors_5xx, exact.errors_5xx);
            let mut expected: Vec<_> = exact
                .clients
                .iter()
                .map(|(client, here)| (*client, here.requests, here.errors_5xx))
                .collect();
            expected.sort_unstable();
            assert_eq!(sorted(found), expected);
            let failed = expected.iter().filter(|(_, _, failed)| *failed > 0).count();
            assert_eq!(found.clients(), (expected.len() as u64, failed as u64));
        }
    }
}

//! How the clients of an excess behave: shares and rates, measured, and nothing decided.

use hashbrown::HashMap;

use crate::client::Client;
use crate::crowd::{Ordinary, company};
use crate::event::is_asset;
use crate::evidence::capped::hash_bytes;
use crate::evidence::clients::ClientStats;
use crate::evidence::numbers::Numbers;
use crate::evidence::sketch::{SKETCH_VALUES, Sketch};
use crate::finding::Case;
use crate::focus::{Presence, WindowCounts};
use crate::pattern::words::Meaning;
use crate::plan::Stretch;
use crate::suspects::{Excess, RAMP_S};

/// Pages from which a client's pace means something.
const PACED_PAGES: u32 = 10;

/// Pages a minute that nobody reads: a click every three seconds, kept up.
pub const MACHINE_PACE: f64 = 20.0;

/// Requests from which a client shows whether it changes its user agent.
const AGENT_REQUESTS: u32 = 4;

/// New clients that chance may bring where the log expects none.
const FEW_ARRIVALS: f64 = 5.0;

/// What the clients of an excess do. Shares are 0..1; `None` where nothing can be said.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// Clients.
    pub sources: usize,
    /// Share of their answered requests that are for images, styles, scripts and fonts.
    pub assets: f64,
    /// The same outside the window.
    pub ordinary_assets: f64,
    /// Share of their requests that name a referer.
    pub referred: f64,
    /// The same outside the window.
    pub ordinary_referred: f64,
    /// Share of their requests answered with something other than 5xx.
    pub answered: f64,
    /// Share of them with at least two others from the same network.
    pub company: f64,
    /// The same for the clients outside the window.
    pub ordinary_company: f64,
    /// Different user agents, beside what that many visitors ordinarily bring.
    pub agents: Option<Variety>,
    /// Mean number of user agents of a client with several requests.
    pub agents_each: f64,
    /// Share of their requests by clients faster than [`MACHINE_PACE`].
    pub machine_paced: f64,
    /// Share of them with a single request.
    pub once: f64,
    /// The same for the clients outside the window.
    pub ordinary_once: f64,
    /// Requests for each of the paths that a client asks for, on average over their requests.
    pub repeats: f64,
    /// Requests a second of the fastest of them, over the whole window.
    pub fastest_rps: f64,
    /// Share of their requests by clients that are also seen half an hour before or after.
    pub known: f64,
    /// One of them read robots.txt.
    pub read_robots: bool,
    /// Share of their requests by monitors, or for paths that monitors ask for.
    pub monitoring: f64,
    /// How many equally busy clients would bring as much.
    pub effective: f64,
    /// Share of their requests whose user agent says that it is a browser; all, where none is logged.
    pub browsers: f64,
    /// Share of their requests by sites that fetch pages for others.
    pub relays: f64,
    /// Share of them that loaded an image, style or script at all.
    pub loading: f64,
    /// Share of them that loaded the same ones again and again, as no browser with a cache does.
    pub uncached: f64,
    /// Pages that they asked for, for each different path among them.
    pub page_repeats: f64,
    /// Share of their requests answered with 4xx.
    pub missed: f64,
    /// The pages they asked for by number, if that is most of what they asked for.
    pub numbered: Option<Numbered>,
}

/// How varied the user agents of some clients are.
#[derive(Debug, Clone, Copy)]
pub struct Variety {
    /// Different ones, each counted by its share (perplexity), as a part of the ordinary ones.
    pub share: f64,
    /// How many equally frequent ones as many visitors ordinarily bring.
    pub ordinary: f64,
}

/// Pages that some clients asked for by number.
#[derive(Debug, Clone, Copy)]
pub struct Numbered {
    /// Requests for each of them.
    pub repeats: f64,
    /// Different pages for each number between the least and the greatest.
    pub density: f64,
}

/// The same image, style or script is loaded so often, on average, by a client without a cache.
const UNCACHED_LOADS: f64 = 3.0;

impl Manners {
    /// Measures the suspects of a window; `ordinary` are all others.
    pub fn new(
        case: &Case<'_>,
        stretch: &Stretch,
        counts: &WindowCounts,
        excess: &Excess,
        ordinary: Ordinary,
    ) -> Manners {
        let clients = Present::of(case, counts, &excess.suspects);
        let requests: f64 = clients.iter().map(Present::requests).sum();
        let failed: f64 = clients
            .iter()
            .map(|client| f64::from(client.here.errors_5xx))
            .sum();
        let by_requests =
            |weight: &dyn Fn(&Present<'_>) -> f64| share_of_requests(&clients, weight);
        let by_clients = |holds: &dyn Fn(&Present<'_>) -> bool| share_of_clients(&clients, holds);
        let window_s = (stretch.end - stretch.start + 1) as f64;
        let company = company(clients.iter().map(|client| client.client));
        let agent = |is: &dyn Fn(&[u8]) -> bool| {
            by_requests(&|client| {
                part(&client.here.agents, |hash| {
                    let known = counts.agents.get(&hash);
                    known.is_some_and(|text| is(&text.text))
                })
            })
        };
        Manners {
            sources: counts.clients.estimate(clients.len()) as usize,
            assets: excess.assets as f64 / (requests - failed).max(1.0),
            ordinary_assets: excess.ordinary_assets,
            referred: excess.referred as f64 / requests.max(1.0),
            ordinary_referred: excess.ordinary_referred,
            answered: 1.0 - failed / requests.max(1.0),
            company,
            ordinary_company: ordinary.company,
            agents: variety(case, counts, &clients),
            agents_each: agents_each(&clients),
            machine_paced: by_requests(&|client| f64::from(client.is_machine_paced())),
            once: by_clients(&|client| client.here.requests == 1),
            ordinary_once: ordinary.once,
            repeats: by_requests(&|client| client.repeats().min(1000.0)),
            fastest_rps: clients
                .iter()
                .map(|client| client.requests() / window_s)
                .fold(0.0, f64::max),
            known: by_requests(&|client| f64::from(client.is_known(stretch))),
            read_robots: clients.iter().any(Present::read_robots),
            monitoring: by_requests(&|client| client.monitoring(counts)),
            effective: effective(&clients) * counts.clients.scaled(1) as f64,
            browsers: agent(&|text| text.is_empty() || Meaning::Browser.is_in(text)),
            relays: agent(&|text| Meaning::Relay.is_in(text)),
            loading: by_clients(&|client| client.here.assets > 0),
            uncached: by_clients(&|client| client.asset_repeats(counts) >= UNCACHED_LOADS),
            page_repeats: page_repeats(counts, &clients),
            numbered: numbered(&clients, requests),
            missed: by_requests(&|client| {
                f64::from(client.here.missed) / client.requests().max(1.0)
            }),
        }
    }
}

/// Share of some clients' requests, each client's weighed from 0 to 1.
fn share_of_requests(clients: &[Present<'_>], weight: &dyn Fn(&Present<'_>) -> f64) -> f64 {
    let requests: f64 = clients.iter().map(Present::requests).sum();
    let weighed: f64 = clients
        .iter()
        .map(|client| (weight(client) * client.requests()).round())
        .sum();
    weighed / requests.max(1.0)
}

fn share_of_clients(clients: &[Present<'_>], holds: &dyn Fn(&Present<'_>) -> bool) -> f64 {
    let holding = clients.iter().filter(|client| holds(client)).count();
    holding as f64 / clients.len().max(1) as f64
}

/// How many equally busy clients would send as much (the inverse of Simpson's index, 1949).
fn effective(clients: &[Present<'_>]) -> f64 {
    let requests: f64 = clients.iter().map(Present::requests).sum();
    let squares: u128 = clients
        .iter()
        .map(|client| u128::from(client.here.requests).pow(2))
        .sum();
    requests * requests / squares.max(1) as f64
}

/// A client in the window, and all that is known of it.
struct Present<'a> {
    client: Client,
    here: &'a Presence,
    stats: Option<&'a ClientStats>,
}

impl<'a> Present<'a> {
    fn of(case: &'a Case<'_>, counts: &'a WindowCounts, clients: &[Client]) -> Vec<Present<'a>> {
        let present = clients.iter().filter_map(|client| {
            Some(Present {
                client: *client,
                here: counts.clients.get(client)?,
                stats: case.access.clients.get(client),
            })
        });
        present.collect()
    }

    fn requests(&self) -> f64 {
        f64::from(self.here.requests)
    }

    /// Whether it is also seen well before or after the stretch.
    fn is_known(&self, stretch: &Stretch) -> bool {
        self.stats.is_some_and(|stats| {
            let before = stats.first().secs() < stretch.start - RAMP_S;
            before || stats.last().secs() > stretch.end + RAMP_S
        })
    }

    fn read_robots(&self) -> bool {
        let robots = hash_bytes(b"/robots.txt");
        self.here.paths.iter().any(|(path, _)| path == robots)
    }

    /// Whether it asked for pages faster than anybody reads, while it was there.
    fn is_machine_paced(&self) -> bool {
        let pages = self.here.requests.saturating_sub(self.here.assets);
        let Some((first, last)) = self.here.span else {
            return false;
        };
        let minutes = ((last.secs() - first.secs()) as f64 / 60.0).max(1.0);
        pages >= PACED_PAGES && f64::from(pages) / minutes > MACHINE_PACE
    }

    /// Requests for each path that it asks for.
    fn repeats(&self) -> f64 {
        let (paths, requests) = self
            .here
            .paths
            .iter()
            .fold((0.0, 0.0), |(paths, sum), (_, count)| {
                (paths + 1.0, sum + f64::from(count))
            });
        requests / f64::max(paths, 1.0)
    }

    /// Share of its requests that look like a monitor's.
    fn monitoring(&self, counts: &WindowCounts) -> f64 {
        let agent = |hash| {
            let known = counts.agents.get(&hash);
            known.is_some_and(|text| Meaning::Monitor.is_in(&text.text))
        };
        let path = |hash| {
            let known = counts.paths.get(&hash);
            known.is_some_and(|text| Meaning::HealthPath.is_in(&text.text))
        };
        part(&self.here.agents, agent).max(part(&self.here.paths, path))
    }

    /// How often it loaded what pages consist of, for each such path.
    fn asset_repeats(&self, counts: &WindowCounts) -> f64 {
        let known = |hash: &u64| counts.paths.get(hash);
        let is_loaded = |hash: &u64| known(hash).is_some_and(|text| is_asset(&text.text));
        let loaded = self.here.paths.iter().filter(|(hash, _)| is_loaded(hash));
        let (paths, loads) = loaded.fold((0.0, 0.0), |(paths, loads), (_, count)| {
            (paths + 1.0, loads + f64::from(count))
        });
        loads / f64::max(paths, 1.0)
    }
}

/// Share of a sketch's counts whose values are wanted.
fn part(sketch: &Sketch, wanted: impl Fn(u64) -> bool) -> f64 {
    let (mut all, mut found) = (0.0, 0.0);
    for (hash, count) in sketch.iter() {
        all += f64::from(count);
        found += if wanted(hash) { f64::from(count) } else { 0.0 };
    }
    if all > 0.0 { found / all } else { 0.0 }
}

/// Pages asked for by some clients together, for each different path among them. What sketches leave out is left
/// out for all clients alike, by the hashes of the paths.
fn page_repeats(counts: &WindowCounts, clients: &[Present<'_>]) -> f64 {
    let mut pages: HashMap<u64, u64> = HashMap::new();
    for (path, count) in clients.iter().flat_map(|client| client.here.paths.iter()) {
        let known = counts.paths.get(&path);
        if known.is_some_and(|text| !is_asset(&text.text)) {
            *pages.entry(path).or_default() += u64::from(count);
        }
    }
    pages.values().sum::<u64>() as f64 / pages.len().max(1) as f64
}

/// How some clients went through numbered pages, if at least half of their requests are for such. Repeats are counted on
/// those pages whose hash is in reach of every client's sketch; the range is the median client's, since one odd number
/// makes any range wide.
fn numbered(clients: &[Present<'_>], requests: f64) -> Option<Numbered> {
    /// Share of the requests.
    const MOST: f64 = 0.5;
    let numbers = || {
        let clients = clients.iter();
        clients.filter_map(|client| client.here.numbers.as_deref())
    };
    let asked: f64 = numbers().map(|numbers| f64::from(numbers.requests)).sum();
    if asked == 0.0 || asked < MOST * requests {
        return None;
    }
    let kept = |sketch: &Sketch| sketch.iter().last().map(|(hash, _)| hash);
    let full = numbers().filter(|numbers| numbers.pages.distinct() == SKETCH_VALUES);
    let reach = full.filter_map(|numbers| kept(&numbers.pages)).min();
    let mut pages: HashMap<u64, u64> = HashMap::new();
    for (page, count) in numbers().flat_map(|numbers| numbers.pages.iter()) {
        if reach.is_none_or(|reach| page <= reach) {
            *pages.entry(page).or_default() += u64::from(count);
        }
    }
    let repeats = pages.values().sum::<u64>() as f64 / pages.len().max(1) as f64;
    let mut widths: Vec<u64> = numbers()
        .filter(|numbers| numbers.requests > 1)
        .map(Numbers::width)
        .collect();
    widths.sort_unstable();
    let width = widths.get(widths.len() / 2).copied()?;
    Some(Numbered {
        repeats,
        density: asked / repeats.max(1.0) / width.max(1) as f64,
    })
}

/// Perplexity of the user agents of some clients, beside what as many visitors ordinarily bring.
fn variety(case: &Case<'_>, counts: &WindowCounts, clients: &[Present<'_>]) -> Option<Variety> {
    let mut ours: HashMap<u64, u64> = HashMap::new();
    for client in clients {
        let most = client
            .here
            .agents
            .iter()
            .max_by_key(|(hash, count)| (*count, *hash));
        if let Some((agent, _)) = most {
            *ours.entry(agent).or_default() += 1;
        }
    }
    let outside = case.access.agents.iter().filter_map(|(hash, text)| {
        let here = counts.agents.get(hash).map_or(0, |text| text.stats);
        let beyond = text.stats.saturating_sub(here);
        (beyond > 0).then_some(beyond)
    });
    let ordinary = perplexity(outside.collect()).min(clients.len() as f64);
    // One user agent for everybody: a log without user agents, or a site for one program.
    (ordinary > 2.0).then(|| Variety {
        share: perplexity(ours.into_values().collect()) / ordinary,
        ordinary,
    })
}

/// How many equally frequent values would be as hard to guess (e to the entropy; Shannon 1948).
fn perplexity(mut counts: Vec<u64>) -> f64 {
    // Always the same order, since sums of fractions depend on it.
    counts.sort_unstable();
    let all: u64 = counts.iter().sum();
    let parts = counts.iter().map(|count| *count as f64 / all.max(1) as f64);
    parts.map(|part| -part * part.ln()).sum::<f64>().exp()
}

fn agents_each(clients: &[Present<'_>]) -> f64 {
    let several: Vec<&Present<'_>> = clients
        .iter()
        .filter(|client| client.here.requests.saturating_sub(client.here.assets) >= AGENT_REQUESTS)
        .collect();
    let agents: usize = several
        .iter()
        .map(|client| client.here.agents.distinct())
        .sum();
    agents as f64 / several.len().max(1) as f64
}

/// Who brings what a window has more than usual, whether or not it is suspected.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surplus {
    /// Share of it by clients that are also seen half an hour before or after.
    pub returning: f64,
    /// First-time clients, as a multiple of what the rest of the log brings in that time.
    pub arrivals: f64,
    /// How many equally busy clients would bring as much.
    pub sources: f64,
    /// Share of the window's requests that failed with 5xx.
    pub failed: f64,
    /// Share of the window's requests that name a referer.
    pub referred: f64,
}

impl Surplus {
    /// Measures a window.
    pub fn new(case: &Case<'_>, stretch: &Stretch, counts: &WindowCounts) -> Surplus {
        let window_s = (stretch.end - stretch.start + 1) as f64;
        let outside_s = (case.log_seconds() as f64 - window_s).max(1.0);
        let (mut all, mut returning, mut squares, mut new) = (0u64, 0u64, 0u128, 0u64);
        for (client, here) in counts.clients.iter() {
            let Some(stats) = case.access.clients.get(client) else {
                continue;
            };
            let outside = stats.requests().saturating_sub(u64::from(here.requests));
            let usual = (outside as f64 / outside_s * window_s).round() as u64;
            let more = u64::from(here.requests).saturating_sub(usual);
            let was_there = stats.first().secs() < stretch.start - RAMP_S;
            let comes_back = stats.last().secs() > stretch.end + RAMP_S;
            all += more;
            squares += u128::from(more) * u128::from(more);
            returning += if was_there || comes_back { more } else { 0 };
            new += u64::from((stretch.start..=stretch.end).contains(&stats.first().secs()));
        }
        // Of all that there are, not only of those that are kept.
        let (new, each) = (counts.clients.scaled(new), counts.clients.scaled(1) as f64);
        let first_elsewhere = case.access.clients.distinct().saturating_sub(new);
        let expected = (first_elsewhere as f64 / outside_s * window_s).max(FEW_ARRIVALS);
        Surplus {
            returning: returning as f64 / all.max(1) as f64,
            arrivals: new as f64 / expected,
            sources: all as f64 * all as f64 / squares.max(1) as f64 * each,
            failed: counts.errors_5xx as f64 / counts.requests.max(1) as f64,
            referred: counts.referred as f64 / counts.requests.max(1) as f64,
        }
    }
}

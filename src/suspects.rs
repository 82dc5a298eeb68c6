//! Who in a window behaves like its excess rather than like the log's ordinary visitors.
//!
//! A naive-Bayes comparison: what a client asked for, with which user agent, with or without a
//! referer, pulling images or not, and how much of it, is each more or less likely under the excess
//! traffic than under the traffic outside the window. The evidence of one client's requests is not
//! independent, so every feature counts at most a few times.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::crowd::{Crowd, VOLUME_BINS, shape, volume_bin};
use crate::evidence::capped::CappedMap;
use crate::evidence::clients::ClientStats;
use crate::evidence::sketch::Sketch;
use crate::focus::{Presence, WindowCounts};
use crate::plan::Stretch;

/// Largest weight of evidence (natural log of the ratio) that one feature may have: e^4 is about 55 to 1.
const MAX_WEIGHT: f64 = 4.0;

/// The same for the user agent. A client says it once, so that nothing else repeats its evidence; and a tool
/// carries a fixed list, so that an agent which is not on it exonerates: e^8 is about 3000 to 1.
const MAX_AGENT_WEIGHT: f64 = 8.0;

/// How many times a feature that each request shows may count for a client.
const MAX_REPEATS: f64 = 3.0;

/// How often suspects and ordinary visitors of the window are told apart anew by what those found before look
/// like (hard expectation maximisation; Celeux and Govaert 1992). It settles after two or three times.
const ROUNDS: usize = 6;

/// Requests outside the window count like so many in it when a round learns what is ordinary: visitors who
/// meet failures behave differently, but a handful of them must not define what is ordinary.
const OUTSIDE_COUNTS: f64 = 200.0;

/// A site shows who loads what pages consist of, if this share of its ordinary requests is for that.
const HIDDEN_ASSETS: f64 = 0.2;

/// A flood hides in a crowd if it brings at least this share of the excess, and the crowd at least that one.
const HIDDEN_SHARE: f64 = 0.25;
const CROWD_SHARE: f64 = 0.05;

/// So different are the user agents of a flood and of a crowd; halves of one crowd differ by chance by half
/// of that.
const HIDDEN_DISTANCE: f64 = 0.5;

/// Below this much excess beside the named clients' requests, a round would learn from chance.
const LEARN_FROM: u64 = 50;

/// Added to every count, so that what was never seen is unlikely rather than impossible (Krichevsky and
/// Trofimov 1981 use a half).
const PRIOR_COUNT: f64 = 0.5;

/// A value seen less often than this is rare.
const RARE: f64 = 20.0;

/// A client whose rate in the window is below this multiple of its own rate outside is doing what
/// it always does: a monitor, a busy office, a search bot.
const OWN_RATIO: f64 = 2.0;

/// The same for a client that was known before the window, however few requests it had made: a returning
/// visitor or a search bot easily doubles its usual rate by chance.
const KNOWN_RATIO: f64 = 20.0;

/// Requests outside the window from which a client has a rate of its own.
const OWN_REQUESTS: u64 = 8;

/// Who came this long before a window, in seconds, was there before: a flood ramps up before it stands out.
pub const RAMP_S: i64 = 30 * 60;

/// Clients outside the window needed to know what ordinary is.
const MIN_ORDINARY: usize = 20;

/// What the excess of a window consists of.
pub struct Excess {
    /// Clients that behave like it, sorted.
    pub suspects: Vec<Client>,
    /// Requests of everybody like them in the window.
    pub requests: u64,
    /// Requests with a referer of those who are listed.
    pub referred: u64,
    /// Requests for assets of those who are listed.
    pub assets: u64,
    /// Suspects that were first seen shortly before the window or in it.
    pub newcomers: u64,
    /// Share of the window's requests by suspects that name a referer, outside the window for comparison.
    pub ordinary_referred: f64,
    /// Share of requests outside the window that are for assets.
    pub ordinary_assets: f64,
}

/// Tells the excess of a window from the ordinary traffic in it.
pub fn excess(
    counts: &AccessCounts,
    crowd: &Crowd,
    window: &WindowCounts,
    stretch: &Stretch,
    log_seconds: i64,
) -> Excess {
    let sample = Sample::new((counts, crowd), window, stretch, log_seconds);
    let mut suspects = HashSet::new();
    for round in 0..ROUNDS {
        let model = Model::new(&sample, (round > 0).then_some(&suspects));
        let found: HashSet<Client> = window
            .clients
            .iter()
            .filter(|(client, presence)| model.judge(&sample, **client, presence))
            .map(|(client, _)| *client)
            .collect();
        let settled = found == suspects;
        suspects = found;
        if settled || !sample.is_worth_learning(&suspects) {
            break;
        }
    }
    let hidden = sample.hidden_flood(&suspects);
    sample.sum(hidden.unwrap_or(suspects))
}

/// A flood ramps up before it stands out, so who came within half an hour before is new as well.
fn is_newcomer(counts: &AccessCounts, client: Client, stretch: &Stretch) -> bool {
    counts
        .clients
        .get(&client)
        .is_none_or(|stats| stats.first().secs() >= stretch.start - RAMP_S)
}

fn outside(counts: &AccessCounts, client: Client, presence: &Presence) -> u64 {
    let all = counts
        .clients
        .get(&client)
        .map_or(0, |stats| stats.requests());
    all.saturating_sub(u64::from(presence.requests))
}

/// The counts that clients are judged by.
struct Sample<'a> {
    counts: &'a AccessCounts,
    window: &'a WindowCounts,
    stretch: &'a Stretch,
    window_s: f64,
    outside_s: f64,
    /// Requests outside the window, and by ordinary visitors in it.
    outside: f64,
    normal: f64,
    /// Requests outside by user agent and by the shape of their path.
    agents: HashMap<u64, f64>,
    shapes: HashMap<u64, f64>,
    /// Clients by how much they asked for outside.
    volumes: [u64; VOLUME_BINS],
    /// The shapes of the window's paths.
    shape_of: HashMap<u64, u64>,
    referred: f64,
    assets: f64,
}

impl<'a> Sample<'a> {
    /// Of a window with more clients than are kept it compares those that are: what everybody brought is taken for
    /// their part of it. Texts that the window has no room for say nothing.
    fn new(
        (counts, crowd): (&'a AccessCounts, &Crowd),
        window: &'a WindowCounts,
        stretch: &'a Stretch,
        log_seconds: i64,
    ) -> Sample<'a> {
        let inside = window.requests as f64;
        let kept = match window.clients.is_sampled() {
            true => share(window.kept_requests() as f64, inside),
            false => 1.0,
        };
        let window_s = (stretch.end - stretch.start + 1) as f64;
        let beyond = |all: u64, here: u64| all.saturating_sub(here) as f64;
        let agents = counts.agents.iter();
        let agents = agents.filter(|(hash, _)| window.agents.keeps(hash));
        let agents = agents.map(|(hash, text)| {
            let here = window.agents.get(hash).map_or(0, |text| text.stats);
            (*hash, beyond(text.stats, here))
        });
        let paths = window.paths.iter();
        Sample {
            counts,
            window,
            stretch,
            window_s,
            outside_s: (log_seconds as f64 - window_s).max(1.0),
            outside: beyond(counts.requests(), window.requests),
            normal: (inside - stretch.excess as f64).clamp(1.0, inside.max(1.0)) * kept,
            agents: agents.collect(),
            shapes: shapes_outside(counts, crowd, window),
            volumes: volumes_outside(counts, crowd, window),
            shape_of: paths
                .map(|(hash, text)| (*hash, shape(&text.text)))
                .collect(),
            referred: beyond(counts.referred, window.referred),
            assets: beyond(crowd.assets, window.assets),
        }
    }

    /// Whether it is known how often a user agent was seen outside of the window: there are no more of them than were kept, or
    /// it is of the sample. Of others it must not be thought that they are new.
    fn knows_agent(&self, agent: u64) -> bool {
        self.counts.agents.keeps(&agent) && self.window.agents.keeps(&agent)
    }

    /// The same of a path.
    fn knows_path(&self, path: u64) -> bool {
        self.counts.paths.keeps(&path) && self.window.paths.keeps(&path)
    }

    /// Whether there are suspects enough, and ordinary visitors enough beside them, to learn from.
    fn is_worth_learning(&self, suspects: &HashSet<Client>) -> bool {
        let presences = suspects
            .iter()
            .filter_map(|client| self.window.clients.get(client));
        let requests: u64 = presences.map(|here| u64::from(here.requests)).sum();
        requests >= LEARN_FROM && self.outside >= LEARN_FROM as f64
    }

    /// A flood within a crowd: suspects who got pages and loaded nothing that belongs to them, if they bring a good part of
    /// the excess beside many who load it, and come with other user agents. Then the crowd is what
    /// is ordinary, and the flood the excess.
    fn hidden_flood(&self, suspects: &HashSet<Client>) -> Option<HashSet<Client>> {
        let is_bare = |client: &Client| {
            let here = self.window.clients.get(client);
            here.is_some_and(|here| {
                let answered = here.requests > here.errors_5xx.saturating_add(here.missed);
                here.assets == 0 && answered
            })
        };
        if share(self.assets, self.outside) < HIDDEN_ASSETS {
            return None;
        }
        let mut flood: HashSet<Client> = suspects.iter().copied().filter(is_bare).collect();
        let crowd: HashSet<Client> = suspects
            .iter()
            .copied()
            .filter(|client| !flood.contains(client))
            .collect();
        let (bare, all) = (self.requests_of(&flood), self.requests_of(suspects));
        let part = share(bare, all);
        if !(HIDDEN_SHARE..1.0 - CROWD_SHARE).contains(&part)
            || crowd.len() < MIN_ORDINARY
            || self.distance(&flood, &crowd) < HIDDEN_DISTANCE
        {
            return None;
        }
        for _ in 1..ROUNDS {
            let model = Model::new(self, Some(&flood));
            let found: HashSet<Client> = suspects
                .iter()
                .filter(|client| {
                    let here = self.window.clients.get(client);
                    here.is_some_and(|here| model.judge(self, **client, here))
                })
                .copied()
                .collect();
            if found == flood || found.is_empty() {
                break;
            }
            flood = found;
        }
        Some(flood)
    }

    fn requests_of(&self, clients: &HashSet<Client>) -> f64 {
        let present = clients
            .iter()
            .filter_map(|client| self.window.clients.get(client));
        present.map(|here| u64::from(here.requests)).sum::<u64>() as f64
    }

    /// How different the user agents of two groups are, from 0 to 1 (total variation); rare ones count as one.
    fn distance(&self, some: &HashSet<Client>, others: &HashSet<Client>) -> f64 {
        let mut agents: BTreeMap<u64, [f64; 2]> = BTreeMap::new();
        for (group, clients) in [some, others].into_iter().enumerate() {
            let present = clients
                .iter()
                .filter_map(|client| self.window.clients.get(client));
            for here in present {
                for (agent, part) in shares(&here.agents) {
                    let part = whole_part(part, f64::from(here.requests));
                    agents.entry(agent).or_default()[group] += part;
                }
            }
        }
        let all = agents.values().fold([0.0, 0.0], |sum: [f64; 2], seen| {
            [sum[0] + seen[0], sum[1] + seen[1]]
        });
        let apart = |seen: [f64; 2]| (share(seen[0], all[0]) - share(seen[1], all[1])).abs();
        let (mut rare, mut sum) = ([0.0, 0.0], 0.0);
        for seen in agents.into_values() {
            if seen[0] + seen[1] < RARE {
                rare = [rare[0] + seen[0], rare[1] + seen[1]];
            } else {
                sum += apart(seen);
            }
        }
        (sum + apart(rare)) / 2.0
    }

    fn sum(&self, suspects: HashSet<Client>) -> Excess {
        let mut found = Excess {
            suspects: suspects.into_iter().collect(),
            requests: 0,
            referred: 0,
            assets: 0,
            newcomers: 0,
            ordinary_referred: share(self.referred, self.outside),
            ordinary_assets: share(self.assets, self.outside),
        };
        found.suspects.sort_unstable();
        for client in &found.suspects {
            let Some(presence) = self.window.clients.get(client) else {
                continue;
            };
            found.requests += u64::from(presence.requests);
            found.referred += u64::from(presence.referred);
            found.assets += u64::from(presence.assets);
            found.newcomers += u64::from(is_newcomer(self.counts, *client, self.stretch));
        }
        found.requests = self.window.clients.scaled(found.requests);
        found
    }
}

/// How often something was seen: with suspects, with others in the window, and outside it.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    suspects: f64,
    others: f64,
    outside: f64,
}

impl Seen {
    fn add(&mut self, suspect: bool, count: f64) {
        match suspect {
            true => self.suspects += count,
            false => self.others += count,
        }
    }

    fn total(&self) -> f64 {
        self.suspects + self.others + self.outside
    }

    fn plus(self, other: Seen) -> Seen {
        Seen {
            suspects: self.suspects + other.suspects,
            others: self.others + other.others,
            outside: self.outside + other.outside,
        }
    }

    fn minus(self, other: Seen) -> Seen {
        Seen {
            suspects: self.suspects - other.suspects,
            others: self.others - other.others,
            outside: self.outside - other.outside,
        }
    }
}

/// Weighs values of one feature.
struct Scale {
    whole: Seen,
    /// So many of those in the window are expected to be ordinary.
    normal: f64,
    /// Suspects are told from others; before that, the excess is what the baseline leaves over.
    learned: bool,
    most: f64,
}

impl Scale {
    /// Weight of evidence of a value, one of so many.
    fn weight(&self, seen: Seen, values: f64) -> f64 {
        let outside = (seen.outside + PRIOR_COUNT) / (self.whole.outside + PRIOR_COUNT * values);
        let (excess, all, ordinary) = match self.learned {
            true => (
                seen.suspects,
                self.whole.suspects,
                (seen.others + OUTSIDE_COUNTS * outside) / (self.whole.others + OUTSIDE_COUNTS),
            ),
            false => {
                let inside = self.whole.suspects + self.whole.others;
                let here = seen.suspects + seen.others;
                let excess = (here - self.normal * outside).max(0.0);
                (excess, (inside - self.normal).max(1.0), outside)
            }
        };
        let excess = (excess + PRIOR_COUNT) / (all + PRIOR_COUNT * values);
        (excess / ordinary).ln().clamp(-self.most, self.most)
    }

    /// Weights of "no" and "yes".
    fn pair(&self, yes: Seen) -> [f64; 2] {
        [
            self.weight(self.whole.minus(yes), 2.0),
            self.weight(yes, 2.0),
        ]
    }

    /// Rare values say nothing one by one (whoever comes once with a user agent of its own came inside the
    /// window or outside by chance), so they are weighed as one.
    fn weights(&self, values: HashMap<u64, Seen>) -> HashMap<u64, f64> {
        let rare = |seen: &Seen| seen.total() < RARE;
        let pooled = values
            .values()
            .filter(|seen| rare(seen))
            .fold(Seen::default(), |sum, seen| sum.plus(*seen));
        let kinds = values.values().filter(|seen| !rare(seen)).count() as f64 + 1.0;
        let weigh = |seen: Seen| self.weight(if rare(&seen) { pooled } else { seen }, kinds);
        values
            .into_iter()
            .map(|(value, seen)| (value, weigh(seen)))
            .collect()
    }
}

/// What one look at the window's clients adds up to.
struct Census {
    requests: Seen,
    referred: Seen,
    assets: Seen,
    agents: HashMap<u64, Seen>,
    shapes: HashMap<u64, Seen>,
}

impl Census {
    fn new(sample: &Sample<'_>, suspects: &HashSet<Client>) -> Census {
        let only = |outside: f64| Seen {
            outside,
            ..Seen::default()
        };
        let beyond = |values: &HashMap<u64, f64>| {
            let values = values.iter();
            values
                .map(|(value, count)| (*value, only(*count)))
                .collect()
        };
        let mut census = Census {
            requests: only(sample.outside),
            referred: only(sample.referred),
            assets: only(sample.assets),
            agents: beyond(&sample.agents),
            shapes: beyond(&sample.shapes),
        };
        for (client, presence) in sample.window.clients.iter() {
            let suspect = suspects.contains(client);
            let requests = f64::from(presence.requests);
            census.requests.add(suspect, requests);
            census.referred.add(suspect, f64::from(presence.referred));
            census.assets.add(suspect, f64::from(presence.assets));
            let known = shares(&presence.agents).filter(|(agent, _)| sample.knows_agent(*agent));
            for (agent, part) in known {
                let seen = census.agents.entry(agent).or_default();
                seen.add(suspect, whole_part(part, requests));
            }
            let known = shares(&presence.paths).filter(|(path, _)| sample.knows_path(*path));
            for (path, part) in known {
                let shape = sample.shape_of.get(&path).copied().unwrap_or(path);
                let seen = census.shapes.entry(shape).or_default();
                seen.add(suspect, whole_part(part, requests));
            }
        }
        census
    }
}

/// So many of a client's requests, in whole numbers: their sums are exact in any order.
fn whole_part(part: f64, requests: f64) -> f64 {
    (part * requests).round()
}

/// The values of a sketch with their shares of it.
fn shares(sketch: &Sketch) -> impl Iterator<Item = (u64, f64)> + '_ {
    let total: f64 = sketch.iter().map(|(_, count)| f64::from(count)).sum();
    sketch
        .iter()
        .map(move |(hash, count)| (hash, f64::from(count) / total))
}

/// What speaks for a client being part of the excess.
struct Model {
    prior: f64,
    agents: HashMap<u64, f64>,
    shapes: HashMap<u64, f64>,
    referred: [f64; 2],
    assets: [f64; 2],
    volume: Vec<f64>,
}

impl Model {
    /// From what the baseline leaves over, or from suspects found before.
    fn new(sample: &Sample<'_>, suspects: Option<&HashSet<Client>>) -> Model {
        let nobody = HashSet::new();
        let census = Census::new(sample, suspects.unwrap_or(&nobody));
        let scale = |most| Scale {
            whole: census.requests,
            normal: sample.normal,
            learned: suspects.is_some(),
            most,
        };
        let each = scale(MAX_WEIGHT);
        let (prior, volume) = volume_weights(sample, suspects);
        Model {
            prior,
            agents: scale(MAX_AGENT_WEIGHT).weights(census.agents),
            shapes: each.weights(census.shapes),
            referred: each.pair(census.referred),
            assets: each.pair(census.assets),
            volume,
        }
    }

    fn judge(&self, sample: &Sample<'_>, client: Client, presence: &Presence) -> bool {
        let requests = f64::from(presence.requests);
        let before = outside(sample.counts, client, presence);
        let own_ratio = (requests / sample.window_s)
            / (before as f64 / sample.outside_s).max(f64::MIN_POSITIVE);
        if before >= OWN_REQUESTS && own_ratio < OWN_RATIO {
            return false;
        }
        let known = before > 0 && !is_newcomer(sample.counts, client, sample.stretch);
        if known && own_ratio < KNOWN_RATIO {
            return false;
        }
        let mean = |sketch: &Sketch, weight: &dyn Fn(u64) -> f64| -> f64 {
            shares(sketch).map(|(hash, part)| weight(hash) * part).sum()
        };
        let mix = |weights: [f64; 2], yes: u32| {
            let yes = f64::from(yes) / requests.max(1.0);
            weights[1] * yes + weights[0] * (1.0 - yes)
        };
        let agent = |hash| match sample.knows_agent(hash) {
            true => self.agents.get(&hash).copied().unwrap_or(0.0),
            false => 0.0,
        };
        let path = |hash| {
            if !sample.knows_path(hash) {
                return 0.0;
            }
            let shape = sample.shape_of.get(&hash).unwrap_or(&hash);
            self.shapes.get(shape).copied().unwrap_or(0.0)
        };
        let repeats = requests.min(MAX_REPEATS);
        let score = self.prior
            + mean(&presence.agents, &agent)
            + repeats * mean(&presence.paths, &path)
            + repeats * mix(self.referred, presence.referred)
            + repeats * mix(self.assets, presence.assets)
            + self.volume[volume_bin(u64::from(presence.requests))];
        score > 0.0
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Requests outside of a window by the shape of their path. Of paths that it has no room for nothing is known.
fn shapes_outside(
    counts: &AccessCounts,
    crowd: &Crowd,
    window: &WindowCounts,
) -> HashMap<u64, f64> {
    if !window.paths.is_sampled() {
        let mut shapes = crowd.shapes.clone();
        for (hash, text) in window.paths.iter() {
            if let Some(known) = counts.paths.get(hash) {
                let inside = text.stats.min(u64::from(known.stats.requests));
                *shapes.entry(shape(&known.text)).or_default() -= inside as f64;
            }
        }
        return shapes;
    }
    let mut shapes: HashMap<u64, f64> = HashMap::new();
    let known = counts.paths.iter();
    for (hash, text) in known.filter(|(hash, _)| window.paths.keeps(hash)) {
        let inside = window.paths.get(hash).map_or(0, |text| text.stats);
        let outside = u64::from(text.stats.requests).saturating_sub(inside);
        *shapes.entry(shape(&text.text)).or_default() += outside as f64;
    }
    shapes
}

/// Clients by how much they asked for outside of a window.
fn volumes_outside(
    counts: &AccessCounts,
    crowd: &Crowd,
    window: &WindowCounts,
) -> [u64; VOLUME_BINS] {
    let mut volumes = crowd.volumes;
    for (client, presence) in window.clients.iter() {
        let all = counts.clients.get(client).map_or(0, ClientStats::requests);
        if all > 0 {
            volumes[volume_bin(all)] -= 1;
        }
        let outside = all.saturating_sub(u64::from(presence.requests));
        if outside > 0 {
            volumes[volume_bin(outside)] += 1;
        }
    }
    volumes
}

/// The prior odds of a client being part of the excess, and the weight of how much it asked for.
fn volume_weights(sample: &Sample<'_>, suspects: Option<&HashSet<Client>>) -> (f64, Vec<f64>) {
    let mut bins = vec![Seen::default(); VOLUME_BINS];
    for (client, presence) in sample.window.clients.iter() {
        let suspect = suspects.is_some_and(|suspects| suspects.contains(client));
        bins[volume_bin(u64::from(presence.requests))].add(suspect, 1.0);
    }
    for (bin, outside) in bins.iter_mut().zip(sample.volumes) {
        bin.outside = outside as f64;
    }
    let whole = bins.iter().fold(Seen::default(), |sum, bin| sum.plus(*bin));
    if whole.outside < MIN_ORDINARY as f64 {
        return (0.0, vec![0.0; VOLUME_BINS]);
    }
    let clients = whole.suspects + whole.others;
    // Of as many as there are, not only of those kept.
    let outside = whole.outside * sample.counts.clients.scaled(1) as f64;
    let expected =
        (sample.normal / (sample.outside / outside).max(1.0)).clamp(1.0, clients.max(1.0));
    let extra = (clients - expected).max(1.0);
    let scale = Scale {
        whole,
        normal: expected,
        learned: suspects.is_some(),
        most: MAX_WEIGHT,
    };
    let odds = match suspects {
        Some(_) => (whole.suspects + PRIOR_COUNT) / (whole.others + PRIOR_COUNT),
        None => extra / expected,
    };
    (
        odds.ln().clamp(-MAX_WEIGHT, MAX_WEIGHT),
        bins.into_iter()
            .map(|bin| scale.weight(bin, VOLUME_BINS as f64))
            .collect(),
    )
}

/// Clients of a window by requests, most first; ties by client.
pub fn ranked(clients: &CappedMap<Client, Presence>) -> Vec<(Client, u64)> {
    let mut all: Vec<(Client, u64)> = clients
        .iter()
        .map(|(client, presence)| (*client, u64::from(presence.requests)))
        .collect();
    all.sort_unstable_by_key(|(client, requests)| (std::cmp::Reverse(*requests), *client));
    all
}

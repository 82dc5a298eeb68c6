//! Who in a window behaves like its excess rather than like the log's ordinary visitors.
//!
//! A naive-Bayes comparison: what a client asked for, with which user agent, with or without a
//! referer, pulling images or not, and how much of it, is each more or less likely under the excess
//! traffic than under the traffic outside the window. The evidence of one client's requests is not
//! independent, so every feature counts at most a few times.

use hashbrown::HashMap;

use crate::client::Client;
use crate::event::is_asset;
use crate::evidence::capped::CappedMap;
use crate::evidence::endpoints::TextMap;
use crate::evidence::sketch::Sketch;
use crate::focus::{Presence, WindowCounts};
use crate::plan::Stretch;
use crate::survey::AccessCounts;

/// Largest weight of evidence (natural log of the ratio) that one feature may have: e^4 is about 55 to 1.
const MAX_WEIGHT: f64 = 4.0;

/// How many times a feature that each request shows may count for a client.
const MAX_REPEATS: f64 = 3.0;

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

/// Clients outside the window needed to know what ordinary is.
const MIN_ORDINARY: usize = 20;

/// What the excess of a window consists of.
pub struct Excess {
    /// Clients that behave like it, sorted.
    pub suspects: Vec<Client>,
    /// Their requests in the window.
    pub requests: u64,
    /// Their requests with a referer.
    pub referred: u64,
    /// Their requests for assets.
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
    window: &WindowCounts,
    stretch: &Stretch,
    log_seconds: i64,
) -> Excess {
    let model = Model::new(counts, window, stretch, log_seconds);
    let mut found = Excess {
        suspects: Vec::new(),
        requests: 0,
        referred: 0,
        assets: 0,
        newcomers: 0,
        ordinary_referred: model.outside_referred,
        ordinary_assets: model.outside_assets,
    };
    for (client, presence) in window.clients.iter() {
        if model.judge(counts, *client, presence) {
            found.suspects.push(*client);
            found.requests += u64::from(presence.requests);
            found.referred += u64::from(presence.referred);
            found.assets += u64::from(presence.assets);
            found.newcomers += u64::from(is_newcomer(counts, *client, stretch));
        }
    }
    found.suspects.sort_unstable();
    found
}

/// A flood ramps up before it stands out, so who came within half an hour before is new as well.
fn is_newcomer(counts: &AccessCounts, client: Client, stretch: &Stretch) -> bool {
    const RAMP_S: i64 = 30 * 60;
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

struct Model {
    prior: f64,
    agents: HashMap<u64, f64>,
    paths: HashMap<u64, f64>,
    referred: [f64; 2],
    assets: [f64; 2],
    volume: Vec<f64>,
    window_s: f64,
    outside_s: f64,
    stretch: Stretch,
    outside_referred: f64,
    outside_assets: f64,
}

impl Model {
    fn new(
        counts: &AccessCounts,
        window: &WindowCounts,
        stretch: &Stretch,
        log_seconds: i64,
    ) -> Model {
        let inside = window.requests as f64;
        let outside = (counts.requests() as f64 - inside).max(0.0);
        let normal = (inside - stretch.excess as f64).clamp(1.0, inside.max(1.0));
        let scale = Scale {
            inside,
            outside,
            normal,
        };
        let assets_outside = assets(counts).saturating_sub(window.assets) as f64;
        let referred_outside = counts.referred.saturating_sub(window.referred) as f64;
        let (prior, volume) = volume_weights(counts, window, normal, outside);
        let window_s = (stretch.end - stretch.start + 1) as f64;
        Model {
            prior,
            agents: scale.text_weights(&window.agents, &counts.agents),
            paths: path_weights(&scale, counts, window),
            referred: scale.pair(window.referred as f64, referred_outside),
            assets: scale.pair(window.assets as f64, assets_outside),
            volume,
            window_s,
            outside_s: (log_seconds as f64 - window_s).max(1.0),
            stretch: *stretch,
            outside_referred: share(referred_outside, outside),
            outside_assets: share(assets_outside, outside),
        }
    }

    fn judge(&self, counts: &AccessCounts, client: Client, presence: &Presence) -> bool {
        let requests = f64::from(presence.requests);
        let before = outside(counts, client, presence);
        let own_ratio =
            (requests / self.window_s) / (before as f64 / self.outside_s).max(f64::MIN_POSITIVE);
        if before >= OWN_REQUESTS && own_ratio < OWN_RATIO {
            return false;
        }
        if before > 0 && !is_newcomer(counts, client, &self.stretch) && own_ratio < KNOWN_RATIO {
            return false;
        }
        let repeats = requests.min(MAX_REPEATS);
        let mean = |sketch: &Sketch, weights: &HashMap<u64, f64>| {
            let total: f64 = sketch.iter().map(|(_, count)| f64::from(count)).sum();
            let sum: f64 = sketch
                .iter()
                .map(|(hash, count)| weights.get(&hash).copied().unwrap_or(0.0) * f64::from(count))
                .sum();
            if total > 0.0 { sum / total } else { 0.0 }
        };
        let mix = |weights: [f64; 2], yes: u32| {
            let yes = f64::from(yes) / requests.max(1.0);
            weights[1] * yes + weights[0] * (1.0 - yes)
        };
        let score = self.prior
            + mean(&presence.agents, &self.agents)
            + repeats * mean(&presence.paths, &self.paths)
            + repeats * mix(self.referred, presence.referred)
            + repeats * mix(self.assets, presence.assets)
            + self.volume[volume_bin(presence.requests)];
        score > 0.0
    }
}

/// How many requests were made where: in the window, outside it, and by ordinary visitors in the window.
struct Scale {
    inside: f64,
    outside: f64,
    normal: f64,
}

impl Scale {
    /// Weight of evidence of a feature that `inside` requests of the window and `outside` others show,
    /// one of `values` values.
    fn weight(&self, inside: f64, outside: f64, values: f64) -> f64 {
        let ordinary = (outside + PRIOR_COUNT) / (self.outside + PRIOR_COUNT * values);
        let excess = (inside - self.normal * ordinary).max(0.0);
        let total = (self.inside - self.normal).max(1.0);
        let excess = (excess + PRIOR_COUNT) / (total + PRIOR_COUNT * values);
        (excess / ordinary).ln().clamp(-MAX_WEIGHT, MAX_WEIGHT)
    }

    /// Weights of "no" and "yes".
    fn pair(&self, inside: f64, outside: f64) -> [f64; 2] {
        [
            self.weight(self.inside - inside, self.outside - outside, 2.0),
            self.weight(inside, outside, 2.0),
        ]
    }

    /// Weights of values that were seen so often in the window and outside. Rare values say nothing
    /// one by one (whoever comes once with a user agent of its own came inside the window or outside
    /// by chance), so they are weighed as one.
    fn weights<K: Eq + std::hash::Hash>(&self, values: HashMap<K, (f64, f64)>) -> HashMap<K, f64> {
        let rare = |seen: &(f64, f64)| seen.0 + seen.1 < RARE;
        let pooled = values
            .values()
            .filter(|seen| rare(seen))
            .fold((0.0, 0.0), |sum, seen| (sum.0 + seen.0, sum.1 + seen.1));
        let kinds = values.values().filter(|seen| !rare(seen)).count() as f64 + 1.0;
        let weigh = |seen: (f64, f64)| {
            let (inside, outside) = if rare(&seen) { pooled } else { seen };
            self.weight(inside, outside, kinds)
        };
        values
            .into_iter()
            .map(|(value, seen)| (value, weigh(seen)))
            .collect()
    }

    fn text_weights(&self, inside: &TextMap<u64>, all: &TextMap<u64>) -> HashMap<u64, f64> {
        let mut values: HashMap<u64, (f64, f64)> = all
            .iter()
            .map(|(hash, text)| (*hash, (0.0, text.stats as f64)))
            .collect();
        for (hash, text) in inside.iter() {
            let seen = values.entry(*hash).or_default();
            *seen = (text.stats as f64, (seen.1 - text.stats as f64).max(0.0));
        }
        self.weights(values)
    }
}

/// Paths differ in numbers and ids only, so they are weighed by shape: digits count as one digit.
fn path_weights(scale: &Scale, counts: &AccessCounts, window: &WindowCounts) -> HashMap<u64, f64> {
    let mut shapes: HashMap<Vec<u8>, (f64, f64)> = HashMap::new();
    for (_, text) in counts.paths.iter() {
        shapes.entry(shape(&text.text)).or_default().1 += f64::from(text.stats.requests);
    }
    for (_, text) in window.paths.iter() {
        let seen = shapes.entry(shape(&text.text)).or_default();
        seen.0 += text.stats as f64;
        seen.1 = (seen.1 - text.stats as f64).max(0.0);
    }
    let weights = scale.weights(shapes);
    let weight = |text: &[u8]| weights.get(&shape(text)).copied().unwrap_or(0.0);
    window
        .paths
        .iter()
        .map(|(hash, text)| (*hash, weight(&text.text)))
        .collect()
}

fn shape(path: &[u8]) -> Vec<u8> {
    let mut shape = Vec::with_capacity(path.len());
    for byte in path {
        let byte = if byte.is_ascii_digit() { b'0' } else { *byte };
        if byte != b'0' || shape.last() != Some(&b'0') {
            shape.push(byte);
        }
    }
    shape
}

fn assets(counts: &AccessCounts) -> u64 {
    counts
        .paths
        .iter()
        .filter(|(_, path)| is_asset(&path.text))
        .map(|(_, path)| u64::from(path.stats.requests))
        .sum()
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Bins of requests per client: powers of two.
const VOLUME_BINS: usize = 24;

fn volume_bin(requests: u32) -> usize {
    (requests.max(1).ilog2() as usize).min(VOLUME_BINS - 1)
}

/// The prior odds of a client being part of the excess, and the weight of how much it asked for.
fn volume_weights(
    counts: &AccessCounts,
    window: &WindowCounts,
    normal: f64,
    outside_requests: f64,
) -> (f64, Vec<f64>) {
    let inside = volumes(window.clients.iter().map(|(_, presence)| presence.requests));
    let ordinary = counts.clients.iter().filter_map(|(client, stats)| {
        let here = window
            .clients
            .get(client)
            .map_or(0, |presence| u64::from(presence.requests));
        let outside = stats.requests().saturating_sub(here);
        (outside > 0).then(|| u32::try_from(outside).unwrap_or(u32::MAX))
    });
    let outside = volumes(ordinary);
    let (clients_in, clients_out): (f64, f64) = (inside.iter().sum(), outside.iter().sum());
    if clients_out < MIN_ORDINARY as f64 {
        return (0.0, vec![0.0; VOLUME_BINS]);
    }
    let expected =
        (normal / (outside_requests / clients_out).max(1.0)).clamp(1.0, clients_in.max(1.0));
    let extra = (clients_in - expected).max(1.0);
    let weight = |bin: usize| {
        let ordinary =
            (outside[bin] + PRIOR_COUNT) / (clients_out + PRIOR_COUNT * VOLUME_BINS as f64);
        let excess = (inside[bin] - expected * ordinary).max(0.0);
        let excess = (excess + PRIOR_COUNT) / (extra + PRIOR_COUNT * VOLUME_BINS as f64);
        (excess / ordinary).ln().clamp(-MAX_WEIGHT, MAX_WEIGHT)
    };
    (
        (extra / expected).ln().clamp(-MAX_WEIGHT, MAX_WEIGHT),
        (0..VOLUME_BINS).map(weight).collect(),
    )
}

fn volumes(requests: impl Iterator<Item = u32>) -> Vec<f64> {
    let mut bins = vec![0.0; VOLUME_BINS];
    requests.for_each(|count| bins[volume_bin(count)] += 1.0);
    bins
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

//! Who went through the site looking for weak spots?
//!
//! A few probes a day from anywhere are the weather; a scan is many from one client, or from several that act as
//! one, at whatever pace. Guesses are told from dead links by their variety: links lead to what once was there, a list
//! of words to everything.

use crate::campaign::{Lead, groups};
use crate::client::Client;
use crate::evidence::clients::{HitStats, Span};
use crate::evidence::first::Locator;
use crate::evidence::misses::Misses;
use crate::evidence::sketch::Sketch;
use crate::finding::{Case, Finding, Kind};
use crate::merge::Merge;
use crate::nature::is_robot;
use crate::terms::Role;

/// Probes (hits, or requests that met rejections) from which a client scans, whatever it looked for.
const PROBES: u64 = 100;

/// The same for one that looked in as many as [`FORMS`] different places.
const MANY_PLACES_PROBES: u64 = 50;

/// Forms of paths that nobody asks for in vain by following links.
const FORMS: f64 = 30.0;

/// A scanner is turned away at least this often: it asks for what is not there. One that is not must send
/// [`PROBES`] payloads; a suspicious user agent alone may be an honest robot's.
const MISSED: f64 = 0.5;

/// The same for one that asked for nothing that is known as a probe. Crawlers that read an old sitemap are
/// answered now and then.
const GUESSED: f64 = 0.8;

/// A scan looks in at least this many different places known as probes; a monitor that asks for one missing page all
/// day does not. Fewer than a sketch holds.
const PLACES: usize = 10;

/// Probes from which a client may be a part of somebody's scan.
const PART: u64 = 10;

/// One finding a scanner, whatever number of addresses it has.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let mut probers: Vec<Prober<'_>> = case
        .access
        .clients
        .iter()
        .filter(|(_, stats)| u64::from(stats.by_class[3]) >= PART || stats.requests() >= PROBES)
        .filter_map(|(client, _)| prober(case, *client))
        .collect();
    probers.sort_unstable_by_key(|prober| prober.client);
    let leads: Vec<Lead> = probers.iter().map(Prober::lead).collect();
    let mut found: Vec<Finding> = groups(&leads, false)
        .into_iter()
        .filter_map(|group| {
            let members: Vec<&Prober<'_>> = group.iter().map(|index| &probers[*index]).collect();
            scan(&members)
        })
        .collect();
    found.sort_unstable_by_key(|finding| (finding.start, finding.clients.clone()));
    found
}

/// A client that probes.
struct Prober<'a> {
    client: Client,
    requests: u64,
    missed: u64,
    span: Span,
    hits: Option<&'a HitStats>,
    misses: Option<&'a Misses>,
    samples: Vec<Locator>,
}

fn prober<'a>(case: &Case<'a>, client: Client) -> Option<Prober<'a>> {
    let stats = case.access.clients.get(&client)?;
    let hits = case.access.hit_clients.get(&client);
    let misses = case.access.misses.get(&client);
    let named = |agent: &u64| {
        let known = case.access.agents.get(agent);
        known.is_some_and(|known| is_robot(&known.text))
    };
    let mut agents = misses.iter().flat_map(|misses| misses.agents.iter());
    // What calls itself a robot follows links, unless it is known by its probes.
    let robot = hits.is_none() && agents.any(|(agent, _)| named(&agent));
    let shown = case.access.hit_samples.get(&client);
    let mut samples: Vec<Locator> = shown.map_or(vec![], |first| first.as_slice().to_vec());
    if let (true, Some(misses)) = (samples.is_empty(), misses) {
        samples = misses.first.as_slice().to_vec();
    }
    let prober = Prober {
        client,
        requests: stats.requests(),
        missed: u64::from(stats.by_class[3]),
        span: Span {
            count: stats.requests(),
            first: stats.first(),
            last: stats.last(),
        },
        hits,
        misses,
        samples,
    };
    (!robot && prober.probes() >= PART && prober.may_scan()).then_some(prober)
}

impl Prober<'_> {
    fn probes(&self) -> u64 {
        self.hits.map_or(0, |hits| hits.lines).max(self.missed)
    }

    fn share(&self) -> f64 {
        self.missed as f64 / self.requests.max(1) as f64
    }

    /// Places known as probes.
    fn places(&self) -> usize {
        self.hits.map_or(0, |hits| hits.paths.distinct())
    }

    fn may_scan(&self) -> bool {
        let payloads = self.hits.map_or(0, |hits| hits.direct);
        self.share() >= MISSED || payloads >= PROBES
    }

    /// Whether this client alone is a scanner.
    fn scans(&self) -> bool {
        let forms = self
            .misses
            .map_or(0.0, |misses| misses.forms.distinct_estimate());
        let known = self.places() >= PLACES;
        let various = forms >= FORMS && (known || self.share() >= GUESSED);
        let (many, some) = (self.probes() >= PROBES, self.probes() >= MANY_PLACES_PROBES);
        (known && many) || (various && some)
    }

    fn lead(&self) -> Lead {
        let paths = self.misses.iter().flat_map(|misses| misses.paths.iter());
        let agents = self.misses.iter().flat_map(|misses| misses.agents.iter());
        Lead {
            client: self.client,
            span: (self.span.first, self.span.last),
            lines: self.probes(),
            targets: paths.map(|(path, _)| path).collect(),
            kinds: vec![0],
            agents: agents.map(|(agent, _)| agent).collect(),
        }
    }
}

/// What several probers did together, if that is a scan.
fn scan(members: &[&Prober<'_>]) -> Option<Finding> {
    let mut forms = Sketch::default();
    for misses in members.iter().filter_map(|member| member.misses) {
        forms.merge(misses.forms.clone());
    }
    let sum =
        |of: &dyn Fn(&Prober<'_>) -> u64| members.iter().map(|member| of(member)).sum::<u64>();
    let (probes, missed) = (sum(&|member| member.probes()), sum(&|member| member.missed));
    let (requests, lines) = (
        sum(&|member| member.requests),
        sum(&|member| member.hits.map_or(0, |hits| hits.lines)),
    );
    let alone = members.iter().any(|member| member.scans());
    let together = members.len() > 1 && probes >= PROBES && forms.distinct_estimate() >= FORMS;
    if !alone && !together {
        return None;
    }
    let span = crate::pass::merge_all(members.iter().map(|member| member.span))?;
    let mut samples: Vec<Locator> = members
        .iter()
        .flat_map(|member| member.samples.clone())
        .collect();
    samples.sort_unstable();
    samples.truncate(SHOWN);
    let who = match members.len() {
        1 => "one client".to_string(),
        several => format!("{several} clients that share networks, or user agents and paths,"),
    };
    Some(Finding {
        kind: Kind::Scan,
        start: span.first,
        end: span.last,
        clients: members.iter().map(|member| member.client).collect(),
        role: Some(Role::Scanner),
        // From 0.5, just above the threshold, towards 0.95; three hundred probes are two thirds of the way.
        confidence: 0.5 + 0.45 * (1.0 - (-(probes as f64) / 300.0).exp()),
        reasons: vec![format!(
            "{who} sent {lines} suspicious lines and met {missed} client errors in {requests} requests ({:.0}%), for \
             about {:.0} different places",
            missed as f64 / requests.max(1) as f64 * 100.0,
            forms.distinct_estimate()
        )],
        samples,
    })
}

/// Lines shown for a finding.
const SHOWN: usize = 5;

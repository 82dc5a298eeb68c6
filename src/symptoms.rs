//! Which messages of the error logs belong to an incident, and what they stand beside: the same clients, a
//! surge, a silence. What stands beside something is not said to come from it.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::counts::ErrorCounts;
use crate::evidence::errors::{Mention, MinuteOf, SymptomStats};
use crate::evidence::first::Locator;
use crate::finding::{Case, Finding, Kind};
use crate::merge::Merge;
use crate::pattern::symptom::{SymptomId, SymptomSet};
use crate::quote::Quoter;
use crate::report::view::{Evidence, Symptom, SymptomLink};
use crate::terms::{Relation, Role, SymptomKind};
use crate::time::Time;

/// Messages this long after an incident still belong to it (restarts, recoveries), in seconds.
const TAIL_S: i64 = 300;

/// Messages of a server in trouble this long before the first finding belong to it, in seconds: findings begin
/// with whole minutes.
const LEAD_S: i64 = 60;

/// A silence or a restart stands beside a message that came no longer before it than this, in seconds.
const PRECEDES_S: f64 = 1800.0;

/// Lines shown per link.
const SHOWN: usize = 3;

/// Messages of a minute that are a wave of refusals, as a share of the busiest minute's: a lone refusal is a
/// limit at its ordinary work.
const WAVE: f64 = 0.05;

/// Messages below which more often than usual means nothing.
const SOME: u64 = 3;

/// So many times the usual rate is more often than usual.
const MORE: f64 = 3.0;

/// What the symptoms of one incident are told from.
pub struct Messages<'a> {
    /// The counts of the access logs.
    pub case: &'a Case<'a>,
    /// The counts of the error logs.
    pub errors: &'a ErrorCounts,
    /// What they are counts of.
    pub set: &'a SymptomSet,
    /// First and last evidence of the incident.
    pub span: (Time, Time),
    /// Its findings.
    pub findings: &'a [&'a Finding],
    /// Its actors.
    pub parties: &'a [Party<'a>],
    /// For evidence.
    pub quoter: &'a Quoter<'a>,
}

/// An actor of the incident, as far as messages concern it.
pub struct Party<'a> {
    /// Its id in the report.
    pub id: &'a str,
    /// Its part.
    pub role: Role,
    /// Who.
    pub clients: &'a [Client],
    /// How many clients each of them stands for.
    pub weight: u64,
    /// Its first request.
    pub first: Option<Time>,
}

/// How many messages name an actor, and the first of them.
type Naming = (u64, Vec<Locator>);

/// Messages that are told together: of one kind, and brought about by single requests or not.
type Key = (SymptomKind, bool);

/// What was gathered of them.
struct Gathered<'a> {
    inside: MinuteOf,
    /// In the whole log.
    all: u64,
    /// All of them are messages that a server writes once in its life.
    once: bool,
    /// The most frequent of them: how many, and what they mean.
    most: (u64, &'a str),
}

impl Messages<'_> {
    /// Symptoms that belong to the incident: crashes and restarts always, others when they come more
    /// often than in the rest of the log.
    pub fn symptoms(&self) -> Vec<Symptom> {
        let mut kinds: BTreeMap<Key, Gathered<'_>> = BTreeMap::new();
        for (id, stats) in &self.errors.symptoms {
            let entry = self.set.symptom(SymptomId(*id));
            let key = (entry.kind, entry.by_requests);
            let Some(inside) = self.inside(key, stats) else {
                continue;
            };
            let new = Gathered {
                inside,
                all: stats.count(),
                once: entry.once_per_lifetime,
                most: (inside.count, &entry.title),
            };
            kinds
                .entry(key)
                .and_modify(|known| {
                    known.inside.merge(new.inside);
                    known.all += new.all;
                    known.once &= new.once;
                    known.most = known.most.max(new.most);
                })
                .or_insert(new);
        }
        kinds
            .into_iter()
            .filter(|(key, found)| self.is_ours(key.0, found.inside.count, found.all))
            .map(|(key, found)| self.symptom(key, &found))
            .collect()
    }

    /// When the server was started or stopped, or a process of it died: each minute's first message.
    pub fn each(&self, kind: SymptomKind) -> Vec<Locator> {
        let (start, end) = self.window(false);
        let stats = self.errors.symptoms.iter();
        let ours = stats.filter(|(id, _)| self.set.symptom(SymptomId(**id)).kind == kind);
        let minutes = ours.flat_map(|(_, stats)| stats.between(start, end));
        let mut firsts: Vec<Locator> = minutes.map(|minute| minute.first).collect();
        firsts.sort_unstable();
        firsts.dedup_by_key(|at| at.time.secs().div_euclid(60));
        firsts
    }

    /// The time in which messages of a kind belong to the incident. What clients bring about themselves, typing
    /// a quote or asking for what is not there, does not precede it.
    fn window(&self, by_requests: bool) -> (i64, i64) {
        let lead = match by_requests {
            true => 0,
            false => LEAD_S,
        };
        (self.span.0.secs() - lead, self.span.1.secs() + TAIL_S)
    }

    fn inside(&self, (kind, by_requests): Key, stats: &SymptomStats) -> Option<MinuteOf> {
        let (start, end) = self.window(by_requests);
        let minutes: Vec<MinuteOf> = stats
            .between(start, end)
            .filter(|minute| !by_requests || minute.first.time.secs() >= start)
            .copied()
            .collect();
        let busiest = minutes.iter().map(|minute| minute.count).max()?;
        let least = match kind {
            SymptomKind::RateLimited => WAVE * busiest as f64,
            _ => 0.0,
        };
        let begins = minutes
            .iter()
            .position(|minute| minute.count as f64 >= least)?;
        minutes.into_iter().skip(begins).reduce(|mut all, minute| {
            all.merge(minute);
            all
        })
    }

    fn is_ours(&self, kind: SymptomKind, inside: u64, all: u64) -> bool {
        if matches!(
            kind,
            SymptomKind::Start
                | SymptomKind::Stop
                | SymptomKind::Reload
                | SymptomKind::ChildCrash
                | SymptomKind::OutOfMemory
                | SymptomKind::WorkersExhausted
                | SymptomKind::DiskFull
        ) {
            return true;
        }
        let window = (self.span.1.secs() - self.span.0.secs() + LEAD_S).max(60) as f64;
        let rest = (self.case.log_seconds() as f64 - window).max(60.0);
        let usual = (all - inside) as f64 / rest;
        inside >= SOME && inside as f64 / window >= MORE * usual
    }

    fn symptom(&self, key: Key, found: &Gathered<'_>) -> Symptom {
        let line = self.quoter.quote(&found.inside.first);
        let (first, last) = (
            found.inside.first.time.floor_to_second(),
            found.inside.last.floor_to_second(),
        );
        Symptom {
            kind: key.0,
            first,
            last,
            count: found.inside.count,
            title: found.most.1.to_string(),
            by_requests: key.1,
            once_per_lifetime: found.once,
            sample: line.text.clone(),
            evidence: vec![line],
            links: self.links(key, &found.inside.first, last),
        }
    }

    /// What messages, from that at `place` to `last`, stand beside.
    fn links(&self, key: Key, place: &Locator, last: Time) -> Vec<SymptomLink> {
        let first = place.time.floor_to_second();
        let parties = self.parties.iter();
        let named: Vec<(&Party<'_>, Naming)> = parties
            .map(|party| (party, self.naming(key, party)))
            .collect();
        let same = named
            .iter()
            .filter_map(|(party, found)| self.same_client(party, found));
        let mut links: Vec<SymptomLink> = same.collect();
        let lines = named.iter().flat_map(|(_, (_, lines))| lines);
        links.extend(self.same_requests(lines.chain([place])));
        let findings = self.findings.iter();
        links.extend(findings.filter_map(|finding| beside(finding, first, last)));
        links.extend(self.next_silence(first));
        links.extend(self.next_start(key.0, first));
        links
    }

    /// The silence that follows messages soonest.
    fn next_silence(&self, first: Time) -> Option<SymptomLink> {
        let findings = self.findings.iter();
        let silences = findings.filter(|finding| matches!(finding.kind, Kind::Silence(_)));
        let next = silences
            .map(|finding| finding.start.floor_to_second())
            .filter(|start| *start >= first)
            .min()?;
        precedes("silence", next.seconds_since(first), Vec::new())
    }

    /// The start of the server that follows messages soonest.
    fn next_start(&self, kind: SymptomKind, first: Time) -> Option<SymptomLink> {
        if matches!(kind, SymptomKind::Start | SymptomKind::Reload) {
            return None;
        }
        let starts = self.each(SymptomKind::Start);
        let next = starts.iter().find(|start| start.time >= first)?;
        let lag = next.time.floor_to_second().seconds_since(first);
        precedes("restart", lag, vec![self.quoter.quote(next)])
    }

    /// The requests that the first messages were written for, by path.
    fn same_requests<'l>(&self, messages: impl Iterator<Item = &'l Locator>) -> Vec<SymptomLink> {
        let mut messages: Vec<Locator> = messages.copied().collect();
        messages.sort_unstable();
        messages.dedup();
        messages.truncate(SHOWN);
        let mut paths: BTreeMap<String, Vec<(Locator, Locator)>> = BTreeMap::new();
        for message in messages {
            if let Some((request, path)) = self.quoter.request_behind(&message) {
                paths.entry(path).or_default().push((message, request));
            }
        }
        let link = |(path, pairs): (String, Vec<(Locator, Locator)>)| SymptomLink {
            relation: Relation::SameRequest,
            to: path,
            count: pairs.len() as u64,
            lag_s: pairs
                .first()
                .map(|(message, request)| message.time.seconds_since(request.time).floor()),
            evidence: self.quoter.quotes(pairs.iter().map(|(_, request)| request)),
        };
        paths.into_iter().map(link).collect()
    }

    /// How many messages name clients of an actor, while it was active here, and the first of them.
    fn naming(&self, key: Key, party: &Party<'_>) -> Naming {
        let (start, end) = self.window(key.1);
        let (mut count, mut lines) = (0, Vec::new());
        let ids = self.errors.symptoms.keys().copied().filter(|id| {
            let entry = self.set.symptom(SymptomId(*id));
            (entry.kind, entry.by_requests) == key
        });
        let ids: Vec<u16> = ids.collect();
        let mentions = party.clients.iter().flat_map(|client| {
            let client = *client;
            ids.iter().map(move |symptom| Mention {
                symptom: *symptom,
                client,
            })
        });
        for mention in mentions {
            let Some(Some(found)) = self.errors.mentions.get(&mention) else {
                continue;
            };
            if found.span.first.secs() <= end && found.span.last.secs() >= start {
                count += found.span.count;
                let inside = found.first.as_slice().iter();
                lines.extend(inside.filter(|at| (start..=end).contains(&at.time.secs())));
            }
        }
        lines.sort_unstable();
        (count, lines)
    }

    /// Messages that name clients of an actor, while it was active here.
    fn same_client(&self, party: &Party<'_>, (count, lines): &Naming) -> Option<SymptomLink> {
        let count = *count;
        let lag = |at: &Locator| Some(at.time.seconds_since(party.first?).floor());
        let lag = |at| lag(at).filter(|lag| *lag >= 0.0);
        (count > 0).then(|| SymptomLink {
            relation: Relation::SameClient,
            to: party.id.to_string(),
            count,
            lag_s: lines.first().and_then(lag),
            evidence: self.quoter.quotes(lines.iter().take(SHOWN)),
        })
    }
}

/// Whether single requests bring the messages about, and most of them name attackers: then they tell what these
/// did, not how the service fared.
pub fn is_their_doing(symptom: &Symptom, parties: &[Party<'_>]) -> bool {
    let attacks = |id: &str| {
        let party = parties.iter().find(|party| party.id == id);
        party.is_some_and(|party| party.role.is_attack())
    };
    let links = symptom.links.iter();
    let theirs: u64 = links
        .filter(|link| link.relation == Relation::SameClient && attacks(&link.to))
        .map(|link| link.count)
        .sum();
    symptom.by_requests && 2 * theirs >= symptom.count
}

/// A step that follows messages, if it is near enough to be told with them.
fn precedes(to: &str, lag_s: f64, evidence: Vec<Evidence>) -> Option<SymptomLink> {
    (lag_s <= PRECEDES_S).then(|| SymptomLink {
        relation: Relation::Precedes,
        to: to.to_string(),
        count: 1,
        lag_s: Some(lag_s),
        evidence,
    })
}

/// A finding in whose time messages from `first` to `last` begin or go on; the lag counts from its beginning. Of a
/// silence, only what is said within it is beside it.
fn beside(finding: &Finding, first: Time, last: Time) -> Option<SymptomLink> {
    let to = match &finding.kind {
        Kind::Burst { .. } => "surge",
        Kind::BruteForce { .. } => "password_guessing",
        Kind::Failures { .. } => "errors_5xx",
        Kind::Silence(_) if first >= finding.start => "silence",
        _ => return None,
    };
    let start = finding.start.floor_to_second();
    (first <= finding.end && last >= start).then(|| SymptomLink {
        relation: Relation::Overlaps,
        to: to.to_string(),
        count: 1,
        lag_s: Some(first.seconds_since(start)),
        evidence: Vec::new(),
    })
}

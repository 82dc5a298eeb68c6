//! Which messages of the error logs belong to an incident, and what they stand beside: the same clients, a
//! surge, a silence. What stands beside something is not said to come from it.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::evidence::errors::{Mention, MinuteOf, SymptomStats};
use crate::evidence::first::Locator;
use crate::finding::{Case, Finding, Kind};
use crate::merge::Merge;
use crate::pattern::symptom::{SymptomId, SymptomSet};
use crate::quote::Quoter;
use crate::report::view::{Symptom, SymptomLink};
use crate::survey::ErrorCounts;
use crate::terms::{Relation, Role, SymptomKind};
use crate::time::Time;

/// Messages this long after an incident still belong to it (restarts, recoveries), in seconds.
const TAIL_S: i64 = 300;

/// Messages of a server in trouble this long before the first finding belong to it, in seconds: findings begin
/// with whole minutes.
const LEAD_S: i64 = 60;

/// A silence or a restart stands beside a message that came no longer before it than this, in seconds.
const PRECEDES_S: i64 = 1800;

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
    /// Its first request.
    pub first: Option<Time>,
}

/// Messages of one kind.
struct Gathered {
    inside: MinuteOf,
    /// In the whole log.
    all: u64,
    /// All of them are messages that a server writes once in its life.
    once: bool,
}

impl Messages<'_> {
    /// Symptoms that belong to the incident: crashes and restarts always, others when they come more
    /// often than in the rest of the log.
    pub fn symptoms(&self) -> Vec<Symptom> {
        let mut kinds: BTreeMap<SymptomKind, Gathered> = BTreeMap::new();
        for (id, stats) in &self.errors.symptoms {
            let entry = self.set.symptom(SymptomId(*id));
            let Some(inside) = self.inside(entry.kind, stats) else {
                continue;
            };
            let new = Gathered {
                inside,
                all: stats.count(),
                once: entry.once_per_lifetime,
            };
            kinds
                .entry(entry.kind)
                .and_modify(|known| {
                    known.inside.merge(new.inside);
                    known.all += new.all;
                    known.once &= new.once;
                })
                .or_insert(new);
        }
        kinds
            .into_iter()
            .filter(|(kind, found)| self.is_ours(*kind, found.inside.count, found.all))
            .map(|(kind, found)| self.symptom(kind, &found))
            .collect()
    }

    /// When the server was started or stopped, or a process of it died: each minute's first message.
    pub fn each(&self, kind: SymptomKind) -> Vec<Locator> {
        let (start, end) = self.window(kind);
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
    fn window(&self, kind: SymptomKind) -> (i64, i64) {
        let lead = match is_of_clients(kind) {
            true => 0,
            false => LEAD_S,
        };
        (self.span.0.secs() - lead, self.span.1.secs() + TAIL_S)
    }

    fn inside(&self, kind: SymptomKind, stats: &SymptomStats) -> Option<MinuteOf> {
        let (start, end) = self.window(kind);
        let minutes: Vec<MinuteOf> = stats
            .between(start, end)
            .filter(|minute| !is_of_clients(kind) || minute.first.time.secs() >= start)
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

    fn symptom(&self, kind: SymptomKind, found: &Gathered) -> Symptom {
        let line = self.quoter.quote(&found.inside.first);
        let (first, last) = (
            found.inside.first.time.floor_to_second(),
            found.inside.last.floor_to_second(),
        );
        Symptom {
            kind,
            first,
            last,
            count: found.inside.count,
            once_per_lifetime: found.once,
            sample: line.text.clone(),
            evidence: vec![line],
            links: self.links(kind, first, last),
        }
    }

    /// What messages of a kind, from `first` to `last`, stand beside.
    fn links(&self, kind: SymptomKind, first: Time, last: Time) -> Vec<SymptomLink> {
        let mut links: Vec<SymptomLink> = self
            .parties
            .iter()
            .filter_map(|party| self.same_client(kind, party))
            .collect();
        for finding in self.findings {
            links.extend(beside(finding, first, last));
        }
        let starts = match kind {
            SymptomKind::Start | SymptomKind::Reload => Vec::new(),
            _ => self.each(SymptomKind::Start),
        };
        let next = starts.iter().find(|start| start.time >= first);
        if let Some(start) =
            next.filter(|start| start.time.seconds_since(last) <= PRECEDES_S as f64)
        {
            links.push(SymptomLink {
                relation: Relation::Precedes,
                to: "restart".to_string(),
                count: 1,
                lag_s: Some(start.time.floor_to_second().seconds_since(first)),
                evidence: vec![self.quoter.quote(start)],
            });
        }
        links
    }

    /// Messages that name clients of an actor, while it was active here.
    fn same_client(&self, kind: SymptomKind, party: &Party<'_>) -> Option<SymptomLink> {
        let (start, end) = self.window(kind);
        let (mut count, mut lines) = (0, Vec::new());
        for client in party.clients {
            let mention = Mention {
                kind,
                client: *client,
            };
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
        let lag = |at: &&Locator| Some(at.time.seconds_since(party.first?).floor());
        (count > 0).then(|| SymptomLink {
            relation: Relation::SameClient,
            to: party.id.to_string(),
            count,
            lag_s: lines.first().and_then(lag),
            evidence: self.quoter.quotes(lines.iter().copied().take(SHOWN)),
        })
    }
}

/// True for messages that a single client brings about without any trouble of the server.
fn is_of_clients(kind: SymptomKind) -> bool {
    matches!(kind, SymptomKind::DatabaseError | SymptomKind::Other)
}

/// Whether most messages of a symptom name clients who attack by more than numbers: then it tells what these did,
/// not how the service fared.
pub fn is_their_doing(symptom: &Symptom, parties: &[Party<'_>]) -> bool {
    let probes = |id: &str| {
        let party = parties.iter().find(|party| party.id == id);
        party.is_some_and(|party| {
            matches!(
                party.role,
                Role::Injector | Role::Scanner | Role::WebshellOperator | Role::BruteForcer
            )
        })
    };
    let links = symptom.links.iter();
    let theirs: u64 = links
        .filter(|link| link.relation == Relation::SameClient && probes(&link.to))
        .map(|link| link.count)
        .sum();
    is_of_clients(symptom.kind) && 2 * theirs >= symptom.count
}

/// How messages from `first` to `last` lie to a finding in time; the lag counts from the finding's beginning, or to
/// it when the messages come before.
fn beside(finding: &Finding, first: Time, last: Time) -> Option<SymptomLink> {
    let to = match &finding.kind {
        Kind::Burst { .. } => "surge",
        Kind::BruteForce { .. } => "password_guessing",
        Kind::Failures { .. } => "errors_5xx",
        Kind::Silence(_) => "silence",
        Kind::Injection | Kind::Scan | Kind::Webshell => return None,
    };
    let lag = first.seconds_since(finding.start.floor_to_second()).floor();
    let relation = match () {
        () if first <= finding.end && last >= finding.start => Relation::Overlaps,
        () if lag < 0.0 && -lag <= PRECEDES_S as f64 => Relation::Precedes,
        () => return None,
    };
    Some(SymptomLink {
        relation,
        to: to.to_string(),
        count: 1,
        lag_s: Some(match relation {
            Relation::Precedes => -lag,
            _ => lag,
        }),
        evidence: Vec::new(),
    })
}

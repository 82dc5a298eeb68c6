//! What belongs together: findings become incidents, each with its cause and its headline.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::actor::{self, Draft, edges, hits, joined};
use crate::client::Client;
use crate::evidence::clients::Span;
use crate::evidence::endpoints::{Endpoint, Text};
use crate::evidence::errors::MinuteOf;
use crate::finding::{Case, Finding, Kind};
use crate::focus::{GroupCounts, Tally, Window, WindowCounts};
use crate::impact;
use crate::merge::Merge;
use crate::outcome;
use crate::pattern::set::PatternSet;
use crate::pattern::symptom::SymptomSet;
use crate::plan::Stretch;
use crate::quote::Quoter;
use crate::report::view;
use crate::severity::Severity;
use crate::survey::ErrorCounts;
use crate::suspects::ranked;
use crate::terms::{Cause, Dimension, Outcome, Role, SymptomKind};
use crate::text::visible;
use crate::time::{Time, UtcOffset};
use crate::timeline::{Member, Story, duration};

/// Findings less than this apart in time belong together, in seconds.
const LINK_S: i64 = 30 * 60;

/// A scan belongs to a graver incident when it lies wholly within this time around it, in seconds.
const SCAN_LINK_S: i64 = 2 * 3600;

/// Injection attempts this long before a surge are part of the same attack, in seconds.
const BEFORE_SURGE_S: i64 = 3 * 3600;

/// Values listed of a burst's leading clients, networks, paths and agents.
const TOP: usize = 10;

/// Attacked endpoints listed per incident, by attempts; one scan can touch thousands.
const MAX_INJECTIONS: usize = 100;

/// Findings that belong together, by index, and the time they take.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Indices of the findings.
    pub findings: Vec<usize>,
    /// First evidence.
    pub start: Time,
    /// Last evidence.
    pub end: Time,
}

impl Cluster {
    /// Whether a burst in it has no window of its own in the plan and is told by the whole cluster's.
    pub fn needs_counts(&self, findings: &[Finding]) -> bool {
        let is_failures = |index: &usize| matches!(findings[*index].kind, Kind::Failures { .. });
        self.findings.iter().any(is_failures)
    }

    /// What must be counted for its impact.
    pub fn window(&self) -> Window {
        Window {
            start: self.start.secs(),
            end: self.end.secs(),
            posts_to: None,
        }
    }
}

/// Moves the edges of floods from whole buckets to the flooders' own first and last requests.
pub fn sharpen(findings: &mut [Finding], drafts: &[Draft], traces: &[GroupCounts]) {
    for (draft, counts) in drafts.iter().zip(traces) {
        let finding = &mut findings[draft.finding];
        if let (Kind::Burst { .. }, Some((start, end))) = (&finding.kind, edges(counts)) {
            finding.start = Time::from_secs(start);
            finding.end = Time::from_secs(end.max(start));
        }
    }
}

/// Groups findings: those close in time, those that share clients, and scans around graver things.
pub fn cluster(findings: &[Finding]) -> Vec<Cluster> {
    let mut group: Vec<usize> = (0..findings.len()).collect();
    for a in 0..findings.len() {
        for b in a + 1..findings.len() {
            if related(&findings[a], &findings[b]) {
                let (from, to) = (group[b].max(group[a]), group[b].min(group[a]));
                group
                    .iter_mut()
                    .filter(|member| **member == from)
                    .for_each(|member| *member = to);
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (finding, group) in group.into_iter().enumerate() {
        members.entry(group).or_default().push(finding);
    }
    let mut clusters: Vec<Cluster> = members
        .into_values()
        .filter_map(|members| {
            let parts: Vec<&Finding> = members.iter().map(|index| &findings[*index]).collect();
            let (start, end) = impact::extent(&parts)?;
            Some(Cluster {
                findings: members,
                start,
                end,
            })
        })
        .collect();
    clusters.sort_by_key(|cluster| (cluster.start, cluster.end, cluster.findings.clone()));
    clusters
}

fn related(a: &Finding, b: &Finding) -> bool {
    let shared = || {
        a.clients
            .iter()
            .any(|client| b.clients.binary_search(client).is_ok())
    };
    let gap = (a.start.secs().max(b.start.secs()) - a.end.secs().min(b.end.secs())).max(0);
    match (is_background(a), is_background(b)) {
        (false, false) => gap <= LINK_S || shared() || precedes_surge(a, b) || precedes_surge(b, a),
        (true, true) => shared(),
        (true, false) => shared() || within(a, b),
        (false, true) => shared() || within(b, a),
    }
}

/// Probing, and what goes on for very long, must not glue unrelated things together.
fn is_background(finding: &Finding) -> bool {
    let lasting = finding.end.secs() - finding.start.secs() > LASTING_S;
    match finding.kind {
        Kind::Scan
        | Kind::Burst {
            cause: Cause::Scan, ..
        } => true,
        Kind::Injection => lasting,
        Kind::Burst { cause, .. } => lasting && !cause.is_attack(),
        _ => false,
    }
}

/// What lasts longer than this is background to anything else, in seconds.
const LASTING_S: i64 = 6 * 3600;

fn precedes_surge(first: &Finding, second: &Finding) -> bool {
    let surge = matches!(
        second.kind,
        Kind::Burst {
            cause: Cause::Ddos | Cause::Dos,
            ..
        }
    );
    let ago = second.start.secs() - first.end.secs();
    surge && matches!(first.kind, Kind::Injection) && (0..=BEFORE_SURGE_S).contains(&ago)
}

fn within(scan: &Finding, graver: &Finding) -> bool {
    graver.kind.is_attack()
        && scan.start.secs() >= graver.start.secs() - SCAN_LINK_S
        && scan.end.secs() <= graver.end.secs() + SCAN_LINK_S
}

/// What incidents are built from.
pub struct Material<'a> {
    /// The counts.
    pub case: &'a Case<'a>,
    /// The error logs' counts.
    pub errors: &'a ErrorCounts,
    /// What they are counts of.
    pub symptoms: &'a SymptomSet,
    /// What hits are hits of.
    pub patterns: &'a PatternSet,
    /// Every finding.
    pub findings: &'a [Finding],
    /// Every actor.
    pub drafts: &'a [Draft],
    /// What each did.
    pub traces: &'a [GroupCounts],
    /// For evidence.
    pub quoter: &'a Quoter<'a>,
    /// The zone that people read times in.
    pub zone: UtcOffset,
}

/// Builds the incidents of all clusters, numbering incidents and actors. `tallies` counts each cluster's
/// time; `windows` in full that of each cluster that [needs it](Cluster::needs_counts), in order.
pub fn incidents(
    material: &Material<'_>,
    clusters: &[Cluster],
    tallies: &[Tally<'_>],
    windows: &[WindowCounts],
) -> Vec<view::Incident> {
    let mut actors = 0;
    let mut windows = windows.iter();
    let numbered = clusters.iter().zip(tallies).enumerate();
    numbered
        .map(|(index, (cluster, tally))| {
            let needed = cluster.needs_counts(material.findings);
            Builder {
                material,
                cluster,
                tally,
                counts: windows.by_ref().take(usize::from(needed)).next(),
            }
            .build(index as u32 + 1, &mut actors)
        })
        .collect()
}

struct Builder<'a> {
    material: &'a Material<'a>,
    cluster: &'a Cluster,
    tally: &'a Tally<'a>,
    counts: Option<&'a WindowCounts>,
}

impl Builder<'_> {
    fn build(&self, id: u32, actors_before: &mut usize) -> view::Incident {
        let material = self.material;
        let findings: Vec<&Finding> = self
            .cluster
            .findings
            .iter()
            .map(|index| &material.findings[*index])
            .collect();
        let (members, actors) = self.members(actors_before);
        let injections = self.injections(&members);
        let symptoms = self.symptoms();
        let impact = impact::impact(&findings, self.tally);
        let cause = cause(&findings, &members);
        let story = Story {
            case: material.case,
            findings: &findings,
            members: &members,
            injections: &injections,
            symptoms: &symptoms,
            quoter: material.quoter,
        };
        let timeline = story.tell();
        let start = timeline
            .iter()
            .map(|step| step.time)
            .min()
            .unwrap_or(self.cluster.start)
            .min(self.cluster.start)
            .floor_to_second();
        let end = self.cluster.end.floor_to_second();
        let span = material.case.plan.minutes.span();
        let confidence = confidence(&findings, cause);
        let severity = severity(cause, &findings, &impact, &injections);
        view::Incident {
            id,
            cause,
            attack: cause.is_attack(),
            severity,
            confidence: impact::rounded(confidence),
            reasons: findings
                .iter()
                .flat_map(|finding| finding.reasons.iter().cloned())
                .take(MAX_REASONS)
                .collect(),
            start,
            end,
            ongoing_at_start: self.touches_edge(&findings, |stretch| stretch.at_log_start),
            ongoing_at_end: self.touches_edge(&findings, |stretch| stretch.at_log_end)
                || span.is_some_and(|(_, last)| end.secs() > last),
            headline: self.headline(
                cause,
                &findings,
                &actors,
                &injections,
                &impact,
                (start, end),
            ),
            mitigations: impact::mitigations(&actors, &injections, self.tally),
            bursts: self.bursts(&findings),
            timeline,
            actors,
            injections,
            symptoms,
            impact,
        }
    }

    fn touches_edge(&self, findings: &[&Finding], edge: impl Fn(&Stretch) -> bool) -> bool {
        findings.iter().any(|finding| match &finding.kind {
            Kind::Burst { stretch, .. }
            | Kind::Failures { stretch, .. }
            | Kind::BruteForce { stretch, .. } => edge(stretch),
            _ => false,
        })
    }

    fn members(&self, before: &mut usize) -> (Vec<Member<'_>>, Vec<view::Actor>) {
        let material = self.material;
        let mut ours: Vec<(&Draft, &GroupCounts)> = material
            .drafts
            .iter()
            .zip(material.traces)
            .filter(|(draft, _)| self.cluster.findings.contains(&draft.finding))
            .collect();
        ours.sort_by_key(|(draft, counts)| {
            (counts.span.map(|span| span.first), draft.clients.clone())
        });
        let mut members = Vec::new();
        let mut actors = Vec::new();
        for (draft, counts) in ours {
            let id = format!("A{}", *before + 1);
            if let Some(actor) = actor::actor(material.case, draft, counts, id.clone()) {
                *before += 1;
                members.push(Member {
                    id,
                    draft,
                    counts,
                    hits: hits(material.case, &draft.clients),
                });
                actors.push(actor);
            }
        }
        (members, actors)
    }

    fn injections(&self, members: &[Member<'_>]) -> Vec<view::Injection> {
        let of_client: HashMap<Client, &str> = members
            .iter()
            .flat_map(|member| {
                member
                    .draft
                    .clients
                    .iter()
                    .map(move |client| (*client, member.id.as_str()))
            })
            .collect();
        let endpoints = self
            .material
            .case
            .access
            .endpoints
            .iter()
            .map(|(_, endpoint)| endpoint);
        let mut ours: Vec<(&Endpoint, BTreeSet<&str>, Span)> = endpoints
            .filter_map(|endpoint| {
                let attackers = || {
                    endpoint.clients.iter().filter_map(|(client, attempts)| {
                        of_client.get(client).map(|id| (*id, attempts.span))
                    })
                };
                if !is_told(self.material.case, endpoint) {
                    return None;
                }
                let span = joined(attackers().map(|(_, span)| span))?;
                Some((endpoint, attackers().map(|(id, _)| id).collect(), span))
            })
            .collect();
        ours.sort_by(|a, b| {
            (b.2.count, a.0.category, &a.0.path, &a.0.parameter).cmp(&(
                a.2.count,
                b.0.category,
                &b.0.path,
                &b.0.parameter,
            ))
        });
        ours.truncate(MAX_INJECTIONS);
        ours.into_iter()
            .map(|(endpoint, actors, span)| self.injection(endpoint, actors, span))
            .collect()
    }

    fn injection(
        &self,
        endpoint: &Endpoint,
        actors: BTreeSet<&str>,
        span: Span,
    ) -> view::Injection {
        let material = self.material;
        let judgement = outcome::judge(material.case, material.errors, endpoint);
        let technique = |id: &u16| {
            material
                .patterns
                .patterns()
                .get(usize::from(*id))
                .and_then(|pattern| pattern.technique.clone())
        };
        let techniques: BTreeSet<String> = endpoint.patterns.iter().filter_map(technique).collect();
        let mut samples = material.quoter.quotes(judgement.lines.iter());
        samples.extend(material.quoter.quotes(endpoint.samples.as_slice()));
        view::Injection {
            category: endpoint.category,
            endpoint: visible(&endpoint.path).into_owned(),
            parameter: endpoint
                .parameter
                .as_deref()
                .map(|name| visible(name).into_owned()),
            techniques: techniques.into_iter().collect(),
            attempts: span.count,
            actors: actors.into_iter().map(str::to_string).collect(),
            first: span.first.floor_to_second(),
            last: span.last.floor_to_second(),
            outcome: judgement.outcome,
            outcome_reasons: judgement.reasons,
            samples,
        }
    }

    /// Symptoms that belong to the incident: crashes and restarts always, others when they come more
    /// often than in the rest of the log.
    fn symptoms(&self) -> Vec<view::Symptom> {
        let (start, end) = (
            self.cluster.start.secs() - 60,
            self.cluster.end.secs() + SYMPTOM_TAIL_S,
        );
        let mut kinds: BTreeMap<SymptomKind, (MinuteOf, u64)> = BTreeMap::new();
        for (id, stats) in &self.material.errors.symptoms {
            let kind = self
                .material
                .symptoms
                .symptom(crate::pattern::symptom::SymptomId(*id))
                .kind;
            let Some(inside) = stats
                .between(start, end)
                .copied()
                .reduce(|mut all, minute| {
                    all.merge(minute);
                    all
                })
            else {
                continue;
            };
            let entry = kinds.entry(kind);
            entry
                .and_modify(|known| {
                    known.0.merge(inside);
                    known.1 += stats.count();
                })
                .or_insert((inside, stats.count()));
        }
        kinds
            .into_iter()
            .filter(|(kind, (inside, all))| self.is_ours(*kind, inside.count, *all))
            .map(|(kind, (inside, _))| {
                let line = self.material.quoter.quote(&inside.first);
                view::Symptom {
                    kind,
                    first: inside.first.time.floor_to_second(),
                    last: inside.last.floor_to_second(),
                    count: inside.count,
                    sample: line.text.clone(),
                    evidence: vec![line],
                }
            })
            .collect()
    }

    fn is_ours(&self, kind: SymptomKind, inside: u64, all: u64) -> bool {
        /// Messages below which more often than usual means nothing.
        const SOME: u64 = 3;
        /// So many times the usual rate.
        const MORE: f64 = 3.0;
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
        let window = (self.cluster.end.secs() - self.cluster.start.secs() + 60).max(60) as f64;
        let rest = (self.material.case.log_seconds() as f64 - window).max(60.0);
        let usual = (all - inside) as f64 / rest;
        inside >= SOME && inside as f64 / window >= MORE * usual
    }

    fn bursts(&self, findings: &[&Finding]) -> Vec<view::Burst> {
        findings
            .iter()
            .filter_map(|finding| match &finding.kind {
                Kind::Burst {
                    cause,
                    stretch,
                    window,
                } => self.burst(
                    finding,
                    Dimension::Total,
                    None,
                    cause.name(),
                    stretch,
                    Some(*window),
                ),
                Kind::BruteForce {
                    path,
                    stretch,
                    window,
                } => {
                    let key = Some(visible(path).into_owned());
                    self.burst(
                        finding,
                        Dimension::Path,
                        key,
                        Cause::BruteForce.name(),
                        stretch,
                        Some(*window),
                    )
                }
                Kind::Failures { stretch, .. } => self.burst(
                    finding,
                    Dimension::Status5xx,
                    None,
                    Cause::ServerFault.name(),
                    stretch,
                    None,
                ),
                _ => None,
            })
            .collect()
    }

    fn burst(
        &self,
        finding: &Finding,
        dimension: Dimension,
        key: Option<String>,
        classification: &'static str,
        stretch: &Stretch,
        window: Option<usize>,
    ) -> Option<view::Burst> {
        let counts = match window {
            Some(window) => self.material.case.windows.get(window),
            None => self.counts,
        }?;
        let newcomers = counts
            .clients
            .iter()
            .filter(|(client, presence)| {
                self.requests_outside(**client, u64::from(presence.requests)) == 0
            })
            .count();
        Some(view::Burst {
            dimension,
            key,
            start: finding.start,
            peak_at: Time::from_secs(stretch.peak_at),
            end: finding.end,
            baseline_rps: impact::rounded(stretch.baseline_rps),
            peak_rps: impact::rounded(stretch.peak_rps),
            requests: stretch.count,
            excess_requests: stretch.excess,
            clients: counts.clients.distinct(),
            new_client_ratio: impact::rounded(
                newcomers as f64 / counts.clients.len().max(1) as f64,
            ),
            classification,
            confidence: impact::rounded(finding.confidence),
            top: self.top(counts, stretch),
        })
    }

    fn requests_outside(&self, client: Client, inside: u64) -> u64 {
        self.material
            .case
            .access
            .clients
            .get(&client)
            .map_or(0, |stats| stats.requests())
            .saturating_sub(inside)
    }

    fn top(&self, counts: &WindowCounts, stretch: &Stretch) -> view::BurstTop {
        let access = self.material.case.access;
        let window_s = (stretch.end - stretch.start + 1) as f64;
        let outside_s = (self.material.case.log_seconds() as f64 - window_s).max(1.0);
        let rank = |key: String, inside: u64, outside: u64| {
            let usual = outside as f64 / outside_s * window_s;
            view::Ranked {
                key,
                requests: inside,
                excess: (inside as f64 - usual).max(0.0) as u64,
            }
        };
        let clients = ranked(&counts.clients);
        let mut networks: BTreeMap<ipnet::IpNet, (u64, u64)> = BTreeMap::new();
        for (client, requests) in &clients {
            if let Some(network) = client.network() {
                let entry = networks.entry(network).or_default();
                entry.0 += requests;
                entry.1 += self.requests_outside(*client, *requests);
            }
        }
        let texts = |hash: &u64, text: &Text<u64>, all: u64| {
            (
                *hash,
                rank(
                    visible(&text.text).into_owned(),
                    text.stats,
                    all.saturating_sub(text.stats),
                ),
            )
                .1
        };
        view::BurstTop {
            clients: leading(clients.iter().take(TOP * 10).map(|(client, requests)| {
                rank(
                    actor::name(self.material.case, *client),
                    *requests,
                    self.requests_outside(*client, *requests),
                )
            })),
            networks: leading(
                networks
                    .into_iter()
                    .map(|(network, (inside, outside))| rank(network.to_string(), inside, outside)),
            ),
            paths: leading(counts.paths.iter().map(|(hash, text)| {
                texts(
                    hash,
                    text,
                    access
                        .paths
                        .get(hash)
                        .map_or(0, |path| u64::from(path.stats.requests)),
                )
            })),
            user_agents: leading(counts.agents.iter().map(|(hash, text)| {
                texts(
                    hash,
                    text,
                    access.agents.get(hash).map_or(0, |agent| agent.stats),
                )
            })),
        }
    }

    fn headline(
        &self,
        cause: Cause,
        findings: &[&Finding],
        actors: &[view::Actor],
        injections: &[view::Injection],
        impact: &view::Impact,
        (start, end): (Time, Time),
    ) -> String {
        let zone = self.material.zone;
        let when = format!(
            "from {} to {} ({})",
            start.format_at(zone, "%Y-%m-%d %H:%M:%S"),
            end.format_at(zone, "%Y-%m-%d %H:%M:%S"),
            zone.label()
        );
        let sources = |role: Role| {
            actors
                .iter()
                .filter(|actor| actor.role == role)
                .map(|actor| actor.client_count)
                .sum::<u64>()
        };
        let failed = match impact.failed {
            0 => String::new(),
            failed => format!("; {failed} of {} requests failed", impact.requests),
        };
        let down: i64 = impact
            .outages
            .iter()
            .filter(|outage| outage.reason.starts_with("nothing"))
            .map(|outage| outage.end.secs() - outage.start.secs())
            .sum();
        let silent = if down > 0 {
            format!(", nothing was logged for {}", duration(down))
        } else {
            String::new()
        };
        let peak = findings
            .iter()
            .filter_map(|finding| match &finding.kind {
                Kind::Burst { stretch, .. } => {
                    Some(stretch.peak_rps / stretch.baseline_rps.max(0.001))
                }
                _ => None,
            })
            .fold(0.0, f64::max);
        let worked = injections
            .iter()
            .filter(|injection| injection.outcome == Outcome::Likely)
            .count();
        let success = match worked {
            0 => "no sign that any worked".to_string(),
            1 => "at one place it probably worked".to_string(),
            n => format!("at {n} places it probably worked"),
        };
        let attempts: u64 = injections.iter().map(|injection| injection.attempts).sum();
        let what = match cause {
            Cause::Ddos => format!(
                "Distributed flood from {} clients at up to {peak:.0} times the usual traffic",
                sources(Role::Flooder)
            ),
            Cause::Dos => format!(
                "Flood from {} client(s) at up to {peak:.0} times the usual traffic",
                sources(Role::Flooder)
            ),
            Cause::InjectionAndSurge => format!(
                "{attempts} injection attempts ({success}) and a surge from {} clients at up to {peak:.0} times the usual traffic",
                sources(Role::Flooder)
            ),
            Cause::Injection => format!(
                "{attempts} injection attempts by {} client(s), {success},",
                sources(Role::Injector)
            ),
            Cause::BruteForce => format!(
                "Password guessing from {} client(s)",
                sources(Role::BruteForcer)
            ),
            Cause::Scan => format!("Scan by {} client(s)", sources(Role::Scanner)),
            Cause::Webshell => format!(
                "A web shell was used by {} client(s)",
                sources(Role::WebshellOperator)
            ),
            Cause::FlashCrowd => {
                format!("No attack: a crowd of visitors at up to {peak:.0} times the usual traffic")
            }
            Cause::Crawler => {
                format!("No attack: a crawler raised traffic to {peak:.0} times the usual")
            }
            Cause::ServerFault => "No attack in the logs: the server failed".to_string(),
        };
        format!("{what} {when}{failed}{silent}")
    }
}

/// A probe for something that is not there is reconnaissance, not an attack on an endpoint.
fn is_told(case: &Case<'_>, endpoint: &Endpoint) -> bool {
    let answered = endpoint.by_class[1] > 0 || endpoint.by_class[4] > 0;
    endpoint.parameter.is_some() || answered || case.is_own_path(&endpoint.path)
}

/// Reasons listed per incident.
const MAX_REASONS: usize = 20;

/// Messages this long after an incident still belong to it (restarts, recoveries), in seconds.
const SYMPTOM_TAIL_S: i64 = 300;

fn leading(values: impl Iterator<Item = view::Ranked>) -> Vec<view::Ranked> {
    let mut all: Vec<view::Ranked> = values.filter(|value| value.excess > 0).collect();
    all.sort_unstable_by(|a, b| {
        (b.excess, b.requests, &a.key).cmp(&(a.excess, a.requests, &b.key))
    });
    all.truncate(TOP);
    all
}

/// The one word for it: what was grave enough to name the incident after.
fn cause(findings: &[&Finding], members: &[Member<'_>]) -> Cause {
    let has = |wanted: fn(&Kind) -> bool| findings.iter().any(|finding| wanted(&finding.kind));
    let burst = findings.iter().filter_map(|finding| match finding.kind {
        Kind::Burst { cause, .. } => Some(cause),
        _ => None,
    });
    let flood = burst
        .clone()
        .find(|cause| matches!(cause, Cause::Ddos | Cause::Dos));
    let injection = has(|kind| matches!(kind, Kind::Injection))
        || members.iter().any(|member| {
            member.draft.role == Role::Flooder && member.hits.direct >= FLOOD_PAYLOADS
        });
    match (flood, injection) {
        (Some(_), true) => return Cause::InjectionAndSurge,
        (Some(flood), false) => return flood,
        _ => {}
    }
    if has(|kind| matches!(kind, Kind::Webshell)) {
        return Cause::Webshell;
    }
    if injection {
        return Cause::Injection;
    }
    if has(|kind| matches!(kind, Kind::BruteForce { .. })) {
        return Cause::BruteForce;
    }
    let mut quiet = burst.filter(|cause| !cause.is_attack());
    let failed = has(|kind| matches!(kind, Kind::Failures { .. } | Kind::Silence(_)));
    match quiet.next() {
        Some(cause) => cause,
        None if failed => Cause::ServerFault,
        None => Cause::Scan,
    }
}

/// Payload lines within a flood from which it is an injection attack as well.
const FLOOD_PAYLOADS: u64 = 50;

/// The surest finding that supports the cause.
fn confidence(findings: &[&Finding], cause: Cause) -> f64 {
    let supports = |finding: &&&Finding| finding.kind.is_attack() == cause.is_attack();
    findings
        .iter()
        .filter(supports)
        .map(|finding| finding.confidence)
        .fold(0.5, f64::max)
}

fn severity(
    cause: Cause,
    findings: &[&Finding],
    impact: &view::Impact,
    injections: &[view::Injection],
) -> Severity {
    let worked = injections
        .iter()
        .any(|injection| injection.outcome == Outcome::Likely);
    let down = !impact.outages.is_empty();
    let failing = findings
        .iter()
        .any(|finding| matches!(finding.kind, Kind::Failures { .. }));
    match cause {
        Cause::Scan => Severity::Low,
        Cause::FlashCrowd | Cause::Crawler if !down => Severity::Low,
        _ if worked || down || cause == Cause::Webshell => Severity::Critical,
        _ if failing => Severity::High,
        _ => Severity::Medium,
    }
}

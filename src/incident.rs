//! Clusters become incidents: cause, severity, actors, attacked endpoints and symptoms of each.
//!
//! Puts together what others find out; the only judgements made here are the cause, how grave it is,
//! and which messages of the error logs belong to it.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use rayon::iter::{Either, IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::actor::{self, Draft, hits, joined};
use crate::breakdown;
use crate::client::Client;
use crate::cluster::Cluster;
use crate::counts::ErrorCounts;
use crate::evidence::clients::{HitStats, Span};
use crate::evidence::endpoints::Endpoint;
use crate::finding::{Case, Finding, Kind};
use crate::focus::WindowCounts;
use crate::headline::Headline;
use crate::impact::{self, Toll};
use crate::mitigation::{self, Attack};
use crate::origins::Atlas;
use crate::outcome::{self, Judge};
use crate::pace::Pace;
use crate::pattern::set::PatternSet;
use crate::pattern::symptom::SymptomSet;
use crate::plan::Stretch;
use crate::quote::Quoter;
use crate::report::view;
use crate::severity::Severity;
use crate::symptoms::{Messages, Party};
use crate::tally::Tally;
use crate::terms::{Cause, Outcome, Role, SymptomKind};
use crate::text::visible;
use crate::time::{Time, UtcOffset};
use crate::timeline::{Member, Story};
use crate::trace::GroupCounts;

/// Attacked endpoints listed per incident, by attempts; one scan can touch thousands.
const MAX_INJECTIONS: usize = 100;

/// What incidents are built from.
pub struct Material<'a> {
    /// The counts.
    pub case: &'a Case<'a>,
    /// Where clients are.
    pub atlas: &'a Atlas<'a>,
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

/// What was counted of the clusters' time.
pub struct Costs<'a> {
    /// Who was there; one for each cluster.
    pub tallies: Vec<Tally<'a>>,
    /// What clients asked for by the minute; one for each cluster, `None` where it is [no question](Cluster::is_of_volume).
    pub paces: Vec<Option<Pace>>,
    /// In full, for each cluster that [needs it](Cluster::needs_counts), in order.
    pub windows: Vec<WindowCounts>,
}

/// Builds the incidents of all clusters, numbering incidents and actors.
pub fn incidents(
    material: &Material<'_>,
    clusters: &[Cluster],
    costs: &Costs<'_>,
) -> Vec<view::Incident> {
    if clusters.is_empty() {
        return Vec::new();
    }
    let case = material.case;
    let endpoints = case.access.endpoints.iter();
    let told: Vec<&Endpoint> = endpoints
        .map(|(_, endpoint)| endpoint)
        .filter(|endpoint| is_told(case, endpoint))
        .collect();
    let judge = Judge::new(case, material.errors);
    let mut actors = 0;
    let mut windows = costs.windows.iter();
    let of_findings = of_findings(material);
    let builders =
        clusters
            .iter()
            .zip(&costs.tallies)
            .zip(&costs.paces)
            .map(|((cluster, tally), pace)| {
                let needed = cluster.needs_counts(material.findings);
                let builder = Builder {
                    material,
                    told: &told,
                    judge: &judge,
                    cluster,
                    members: members(&of_findings, cluster),
                    actors_before: actors,
                    tally,
                    pace: pace.as_ref(),
                    counts: windows.by_ref().take(usize::from(needed)).next(),
                };
                actors += builder.members.len();
                builder
            });
    let builders: Vec<Builder<'_>> = builders.collect();
    let numbered = builders.par_iter().enumerate();
    numbered
        .map(|(index, builder)| builder.build(index as u32 + 1))
        .collect()
}

/// An actor and what it did.
type Acting<'a> = (&'a Draft, &'a GroupCounts);

/// The actors of each finding who did anything, with their places among all of them.
fn of_findings<'a>(material: &Material<'a>) -> HashMap<usize, Vec<(usize, Acting<'a>)>> {
    let mut of_findings: HashMap<usize, Vec<_>> = HashMap::new();
    let all = material.drafts.iter().zip(material.traces).enumerate();
    for (place, (draft, counts)) in all.filter(|(_, (_, counts))| counts.span.is_some()) {
        let actors = of_findings.entry(draft.finding).or_default();
        actors.push((place, (draft, counts)));
    }
    of_findings
}

/// The actors of a cluster, in the order in which they came.
fn members<'a>(
    of_findings: &HashMap<usize, Vec<(usize, Acting<'a>)>>,
    cluster: &Cluster,
) -> Vec<Acting<'a>> {
    let findings: BTreeSet<usize> = cluster.findings.iter().copied().collect();
    let ours = findings.iter().filter_map(|index| of_findings.get(index));
    let mut ours: Vec<_> = ours.flatten().collect();
    let first = |counts: &GroupCounts| counts.span.map(|span| span.first);
    ours.sort_by(|(a_place, (a, a_counts)), (b_place, (b, b_counts))| {
        let times = first(a_counts).cmp(&first(b_counts));
        times
            .then_with(|| a.clients.cmp(&b.clients))
            .then(a_place.cmp(b_place))
    });
    ours.into_iter().map(|(_, actor)| *actor).collect()
}

struct Builder<'a> {
    material: &'a Material<'a>,
    /// Attacked endpoints that are told of.
    told: &'a [&'a Endpoint],
    judge: &'a Judge<'a>,
    cluster: &'a Cluster,
    /// Who acts in it.
    members: Vec<Acting<'a>>,
    /// Actors of the incidents before.
    actors_before: usize,
    tally: &'a Tally<'a>,
    pace: Option<&'a Pace>,
    counts: Option<&'a WindowCounts>,
}

impl<'a> Builder<'a> {
    fn build(&self, id: u32) -> view::Incident {
        let material = self.material;
        let findings = self.findings();
        let (members, actors) = self.members();
        let injections = self.injections(&members);
        let parties: Vec<Party<'_>> = members.iter().map(Member::party).collect();
        let messages = self.messages(&findings, &parties);
        let symptoms = messages.symptoms();
        let impact = self.impact(&findings, &members, &parties, &symptoms);
        let cause = cause(&findings, &members);
        let unexplained = is_unexplained(&findings, &symptoms);
        let story = Story {
            case: material.case,
            findings: &findings,
            members: &members,
            injections: &injections,
            symptoms: &symptoms,
            messages: &messages,
            failed: self.counts,
            quoter: material.quoter,
        };
        let timeline = story.tell();
        let (start, end) = self.span(&timeline);
        let unseen = self.unseen(&findings, end);
        let headline = Headline {
            cause,
            findings: &findings,
            actors: &actors,
            injections: &injections,
            impact: &impact,
            span: (start, end),
            unseen,
            unexplained,
            zone: material.zone,
        };
        view::Incident {
            id,
            cause,
            attack: cause.is_attack(),
            severity: match unexplained {
                true => UNEXPLAINED_SEVERITY,
                false => severity(cause, &findings, &impact, &injections),
            },
            confidence: impact::rounded(confidence(&findings, cause, unexplained)),
            reasons: reasons(&findings, cause, unexplained),
            start,
            end,
            ongoing_at_start: unseen.0,
            ongoing_at_end: unseen.1,
            headline: headline.sentence(),
            mitigations: self.advice(cause, (&actors, self.onsets(&members, start)), &injections),
            bursts: breakdown::bursts(material.case, &findings, cause, self.counts),
            timeline,
            actors,
            injections,
            symptoms,
            impact,
        }
    }

    fn findings(&self) -> Vec<&'a Finding> {
        let all = &self.material.findings;
        let ours = self.cluster.findings.iter();
        ours.map(|index| &all[*index]).collect()
    }

    /// Whether it was going on when the log begins, and when it ends.
    fn unseen(&self, findings: &[&Finding], end: Time) -> (bool, bool) {
        (
            touches_edge(findings, |stretch| stretch.at_log_start),
            touches_edge(findings, |stretch| stretch.at_log_end) || self.outlasts_the_log(end),
        )
    }

    fn impact(
        &self,
        findings: &[&Finding],
        members: &[Member<'_>],
        parties: &[Party<'_>],
        symptoms: &[view::Symptom],
    ) -> view::Impact {
        let toll = Toll {
            findings,
            symptoms,
            parties,
            plan: self.material.case.plan,
            first_refused: first_refused(members),
            span: (self.cluster.start, self.cluster.end),
        };
        impact::impact(&toll, self.tally)
    }

    fn messages<'m>(
        &'m self,
        findings: &'m [&'m Finding],
        parties: &'m [Party<'m>],
    ) -> Messages<'m> {
        Messages {
            case: self.material.case,
            errors: self.material.errors,
            set: self.material.symptoms,
            span: (self.cluster.start, self.cluster.end),
            findings,
            parties,
            quoter: self.material.quoter,
        }
    }

    /// From the first step that an actor takes, which may precede the first finding, to the last evidence.
    /// Messages of the error log begin nothing: a visitor's quote in a search makes some as well.
    fn span(&self, timeline: &[view::TimelineEntry]) -> (Time, Time) {
        let acted = timeline.iter().filter(|step| !step.actors.is_empty());
        let told = acted.map(|step| step.time).min();
        let start = told.map_or(self.cluster.start, |told| told.min(self.cluster.start));
        (start.floor_to_second(), self.cluster.end.floor_to_second())
    }

    fn outlasts_the_log(&self, end: Time) -> bool {
        let span = self.material.case.plan.minutes.span();
        span.is_some_and(|(_, last)| end.secs() > last)
    }

    fn members(&self) -> (Vec<Member<'_>>, Vec<view::Actor>) {
        let case = self.material.case;
        let numbered = (self.actors_before + 1..).zip(&self.members);
        let both = numbered.filter_map(|(number, (draft, counts))| {
            let id = format!("A{number}");
            let actor = actor::actor(case, draft, counts, id.clone(), self.material.atlas)?;
            let member = Member {
                id,
                draft,
                counts,
                hits: hits(case, &draft.clients),
            };
            Some((member, actor))
        });
        both.unzip()
    }

    /// What would have helped against these actors, of whom the attackers began at these times.
    fn advice(
        &self,
        cause: Cause,
        (actors, onsets): (&[view::Actor], HashMap<Client, Time>),
        injections: &[view::Injection],
    ) -> Vec<view::Mitigation> {
        mitigation::mitigations(&Attack {
            cause,
            actors,
            onsets,
            injections,
            window: self.tally,
            pace: self.pace,
            atlas: self.material.atlas,
        })
    }

    /// When each attacker's first request within the incident came, or the first suspicious one where it was not followed.
    fn onsets(&self, members: &[Member<'_>], start: Time) -> HashMap<Client, Time> {
        let attackers = members.iter();
        let attackers = attackers.filter(|member| member.draft.role.is_attack());
        let of_member = |member: &&Member<'_>| {
            let (draft, counts) = (member.draft, member.counts);
            let suspicious = self.material.case.access;
            let onset = move |client: &Client| {
                let seen = counts.clients.get(client).map(|span| span.first);
                let followed = draft.watch.is_some();
                let hits = suspicious.hit_clients.get(client).filter(|_| !followed);
                let first = hits.and_then(HitStats::span).map(|span| span.first);
                let onset = first.or(seen).map_or(start, |first| first.max(start));
                (*client, onset.floor_to_second())
            };
            draft.clients.iter().map(onset).collect::<Vec<_>>()
        };
        attackers.flat_map(|member| of_member(&member)).collect()
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
        let of_endpoint = |endpoint: &&'a Endpoint| {
            let few = of_client.len() < endpoint.clients.len();
            // Whichever are fewer are looked for among the others.
            let attackers = || match few {
                true => Either::Left(of_client.iter().filter_map(|(client, id)| {
                    let attempts = endpoint.clients.get(client)?;
                    Some((*id, attempts.span))
                })),
                false => Either::Right(endpoint.clients.iter().filter_map(|(client, attempts)| {
                    Some((*of_client.get(client)?, attempts.span))
                })),
            };
            let span = joined(attackers().map(|(_, span)| span))?;
            Some((*endpoint, attackers().map(|(id, _)| id).collect(), span))
        };
        let mut ours: Vec<(&Endpoint, BTreeSet<&str>, Span)> =
            self.told.iter().filter_map(of_endpoint).collect();
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
            .map(|(endpoint, actors, span)| self.injection(self.judge, endpoint, actors, span))
            .collect()
    }

    fn injection(
        &self,
        judge: &Judge<'_>,
        endpoint: &Endpoint,
        actors: BTreeSet<&str>,
        span: Span,
    ) -> view::Injection {
        let material = self.material;
        let judgement = judge.judge(endpoint);
        let technique = |id: &u16| {
            material
                .patterns
                .patterns()
                .get(usize::from(*id))
                .and_then(|pattern| pattern.technique.clone())
        };
        let mut techniques: BTreeSet<String> =
            endpoint.patterns.iter().filter_map(technique).collect();
        techniques.extend(outcome::techniques(endpoint).into_iter().map(String::from));
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
}

/// The first request of an attacker that was refused.
fn first_refused(members: &[Member<'_>]) -> Vec<Time> {
    let attackers = members
        .iter()
        .filter(|member| member.draft.role.is_attack());
    let mut times: Vec<Time> = attackers
        .flat_map(|member| member.counts.first_refused.as_slice())
        .map(|at| at.time)
        .collect();
    times.sort_unstable();
    times
}

/// A probe for something that is not there is reconnaissance, not an attack on an endpoint.
fn is_told(case: &Case<'_>, endpoint: &Endpoint) -> bool {
    let answered = endpoint.by_class[1] > 0 || endpoint.by_class[4] > 0;
    endpoint.parameter.is_some() || answered || case.is_own_path(&endpoint.path)
}

/// Reasons listed per incident.
const MAX_REASONS: usize = 20;

/// How sure a fault of the server is where only a silence shows it: a lost log looks the same.
const UNEXPLAINED_CONFIDENCE: f64 = 0.6;

/// How grave it is then: an attack beside it is what a reader must hear of first.
const UNEXPLAINED_SEVERITY: Severity = Severity::Medium;

/// What is said then.
const UNEXPLAINED: &str = "nothing else in these logs says that the server was down: no message of an error log, no \
                           failed request, no surge. The log of that time may be missing as well";

/// Whether an incident is a silence and nothing else, so that either the server was down or its log is lost. Several
/// silences with short returns between them are a server that does not come up.
fn is_unexplained(findings: &[&Finding], symptoms: &[view::Symptom]) -> bool {
    let silence = |finding: &Finding| matches!(finding.kind, Kind::Silence(_));
    let alone = matches!(findings, [only] if silence(only));
    let telling = |symptom: &view::Symptom| symptom.kind != SymptomKind::Other;
    alone && !symptoms.iter().any(telling)
}

/// What the findings rest on: those that name the cause first, so that an injection is not told by the traffic beside it.
fn reasons(findings: &[&Finding], cause: Cause, unexplained: bool) -> Vec<String> {
    let mut ordered = findings.to_vec();
    ordered.sort_by_key(|finding| !names(&finding.kind, cause));
    let all = ordered.iter().flat_map(|finding| finding.reasons.iter());
    let doubt = unexplained.then(|| UNEXPLAINED.to_string());
    all.take(MAX_REASONS).cloned().chain(doubt).collect()
}

/// Whether findings of a kind are what gives an incident this name.
fn names(kind: &Kind, cause: Cause) -> bool {
    match kind {
        Kind::Injection => matches!(cause, Cause::Injection | Cause::InjectionAndSurge),
        Kind::Webshell => cause == Cause::Webshell,
        Kind::BruteForce { .. } => cause == Cause::BruteForce,
        Kind::Scan => cause == Cause::Scan,
        Kind::Burst { cause: burst, .. } => *burst == cause,
        Kind::Failures { .. } | Kind::Silence(_) => cause == Cause::ServerFault,
    }
}

/// True when a rise among the findings begins, or ends, where the log does.
fn touches_edge(findings: &[&Finding], edge: impl Fn(&Stretch) -> bool) -> bool {
    findings.iter().any(|finding| match &finding.kind {
        Kind::Burst { stretch, .. }
        | Kind::Failures { stretch, .. }
        | Kind::BruteForce { stretch, .. } => edge(stretch),
        _ => false,
    })
}

/// The one word for it: what was grave enough to name the incident after.
fn cause(findings: &[&Finding], members: &[Member<'_>]) -> Cause {
    let has = |wanted: fn(&Kind) -> bool| findings.iter().any(|finding| wanted(&finding.kind));
    let burst = findings.iter().filter_map(|finding| match finding.kind {
        Kind::Burst { cause, .. } => Some(cause),
        _ => None,
    });
    let mut floods = findings
        .iter()
        .filter(|finding| !actor::is_own_volume(finding, findings.iter().copied()));
    let flood = floods.find_map(|finding| match finding.kind {
        Kind::Burst { cause, .. } if matches!(cause, Cause::Ddos | Cause::Dos) => Some(cause),
        _ => None,
    });
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
fn confidence(findings: &[&Finding], cause: Cause, unexplained: bool) -> f64 {
    if unexplained {
        return UNEXPLAINED_CONFIDENCE;
    }
    let supports = |finding: &&&Finding| match (&finding.kind, cause) {
        // That the server failed besides says nothing of who came.
        (kind, Cause::FlashCrowd | Cause::Crawler) => matches!(kind, Kind::Burst { .. }),
        (kind, _) => kind.is_attack() == cause.is_attack(),
    };
    findings
        .iter()
        .filter(supports)
        .map(|finding| finding.confidence)
        .reduce(f64::max)
        .unwrap_or(0.5)
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
    let maybe = injections
        .iter()
        .any(|injection| injection.outcome == Outcome::Suspected);
    let down = !impact.outages.is_empty();
    let failing = findings
        .iter()
        .any(|finding| matches!(finding.kind, Kind::Failures { .. }));
    let guessed = findings.iter().any(|finding| {
        matches!(&finding.kind, Kind::BruteForce { successes, .. } if !successes.is_empty())
    });
    match cause {
        Cause::Scan => Severity::Low,
        Cause::FlashCrowd | Cause::Crawler if !down && failing => Severity::Medium,
        Cause::FlashCrowd | Cause::Crawler if !down => Severity::Low,
        _ if worked || down || cause == Cause::Webshell => Severity::Critical,
        _ if failing || guessed || maybe => Severity::High,
        _ => Severity::Medium,
    }
}

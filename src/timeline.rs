//! The story of an incident: its steps in time order, each with its numbers and lines.

mod trouble;

use std::collections::BTreeMap;

use crate::actor::{self, Draft};
use crate::category::Category;
use crate::evidence::clients::{HitStats, Span};
use crate::evidence::first::Locator;
use crate::finding::{Case, Finding, Kind};
use crate::focus::WindowCounts;
use crate::impact::{LEAST_BASELINE_RPS, rounded};
use crate::plan::Stretch;
use crate::quote::Quoter;
use crate::report::view::{Injection, Symptom, TimelineEntry, named};
use crate::severity::Severity;
use crate::symptoms::{Messages, Party};
use crate::terms::{Cause, Outcome, Phase, Role};
use crate::text::{count, counted, visible};
use crate::time::Time;
use crate::trace::GroupCounts;

/// Looking around belongs to an attack when it is no older than this, in seconds.
const RECON_S: i64 = 3 * 3600;

/// Refusals from which limits and blocks bite.
const REFUSALS: u64 = 20;

/// Payload lines of a group below which they are not told.
const FEW: u64 = 3;

/// Client errors from which asking around is reconnaissance, even without a known probe.
const MISSES: u64 = 20;

/// An actor of the incident.
pub struct Member<'a> {
    /// Its id in the report.
    pub id: String,
    /// Who.
    pub draft: &'a Draft,
    /// What it did.
    pub counts: &'a GroupCounts,
    /// Its suspicious requests.
    pub hits: HitStats,
}

impl Member<'_> {
    /// The actor as far as messages of the error logs concern it.
    pub fn party(&self) -> Party<'_> {
        Party {
            id: &self.id,
            role: self.draft.role,
            clients: &self.draft.clients,
            weight: self.draft.weight,
            first: self.counts.span.map(|span| span.first),
        }
    }
}

/// Everything the steps are told from.
pub struct Story<'a> {
    /// The counts.
    pub case: &'a Case<'a>,
    /// The findings of the incident.
    pub findings: &'a [&'a Finding],
    /// Its actors.
    pub members: &'a [Member<'a>],
    /// What was attacked.
    pub injections: &'a [Injection],
    /// What the error logs say.
    pub symptoms: &'a [Symptom],
    /// Where it stands there.
    pub messages: &'a Messages<'a>,
    /// The failed requests of its whole time, where there are runs of them.
    pub failed: Option<&'a WindowCounts>,
    /// For evidence.
    pub quoter: &'a Quoter<'a>,
}

impl Story<'_> {
    /// The steps, in time order.
    pub fn tell(&self) -> Vec<TimelineEntry> {
        let mut steps: Vec<TimelineEntry> = Vec::new();
        for member in self.members {
            steps.extend(self.recon(member));
            steps.extend(self.payloads(member));
            steps.extend(self.refusals(member));
        }
        steps.extend(self.injections.iter().filter_map(access));
        for finding in self.findings {
            steps.extend(self.of_finding(finding));
        }
        for symptom in self.symptoms {
            steps.extend(self.messages_of(symptom));
        }
        steps.extend(self.recovery());
        steps.iter_mut().for_each(|step| self.set_right(step));
        steps.sort_by(|a, b| {
            // What goes on is told before the moments within it: a rise before its peak.
            (a.time, a.phase, a.end.is_none(), a.end, &a.kind, &a.summary).cmp(&(
                b.time,
                b.phase,
                b.end.is_none(),
                b.end,
                &b.kind,
                &b.summary,
            ))
        });
        steps
    }

    /// Puts what a clock that is ahead or behind dates wrongly where it belongs among the rest; the lines keep the
    /// times that they were written with.
    fn set_right(&self, step: &mut TimelineEntry) {
        let first = step.evidence.first();
        let ahead = first.map_or(0, |first| self.quoter.ahead(first));
        if ahead != 0 {
            for time in std::iter::once(&mut step.time).chain(&mut step.end) {
                *time = Time::from_micros(time.micros() - ahead * 1_000_000);
            }
            step.metrics.insert("clock_ahead_s".into(), ahead as f64);
        }
    }

    fn recon(&self, member: &Member<'_>) -> Option<TimelineEntry> {
        if !matches!(
            member.draft.role,
            Role::Injector | Role::Scanner | Role::WebshellOperator
        ) {
            return None;
        }
        let hits = member.hits.span()?;
        let first = member.counts.span?.first;
        let began = if hits.first.secs() - first.secs() <= RECON_S {
            first
        } else {
            hits.first
        };
        let payloads = member
            .hits
            .categories()
            .iter()
            .filter(|(category, _)| !category.is_reconnaissance());
        let ended = payloads
            .map(|(_, span)| span.first)
            .min()
            .unwrap_or(hits.last);
        if ended.secs() <= began.secs() {
            return None;
        }
        let probes: u64 = member
            .hits
            .categories()
            .iter()
            .filter(|(category, _)| category.is_reconnaissance())
            .map(|(_, span)| span.count)
            .sum();
        let missed = member.counts.by_class[3];
        if probes == 0 && missed < MISSES {
            return None;
        }
        let summary = format!(
            "{} looked around; in all {} and {}",
            self.who(member),
            counted(probes, "known probe", "known probes"),
            counted(missed, "client error", "client errors")
        );
        let mut step = step(
            began,
            Some(ended),
            Phase::Recon,
            "reconnaissance",
            Severity::Low,
            summary,
        );
        step.actors = vec![member.id.clone()];
        step.metrics = named([("probes", probes as f64), ("client_errors", missed as f64)]);
        step.evidence = self
            .quoter
            .quotes(member.counts.first.as_slice().iter().take(SHOWN));
        Some(step)
    }

    fn payloads(&self, member: &Member<'_>) -> Vec<TimelineEntry> {
        let categories = member
            .hits
            .categories()
            .iter()
            .filter(|(category, _)| !category.is_reconnaissance());
        // One odd line among thousands of clients is not what they came for.
        let least = if member.draft.clients.len() > 1 {
            FEW
        } else {
            1
        };
        let categories = categories.filter(move |(_, span)| span.count >= least);
        let tell = |(category, span): &(Category, Span)| {
            let summary = format!(
                "{} tried {} {}",
                self.who(member),
                category.title(),
                times(span.count)
            );
            let mut step = step(
                span.first,
                Some(span.last),
                Phase::Injection,
                category.name(),
                Severity::Medium,
                summary,
            );
            step.actors = vec![member.id.clone()];
            step.metrics = named([("attempts", span.count as f64)]);
            step.evidence = self.quoter.quotes(&self.first_attempts(member, *category));
            step
        };
        categories.map(tell).collect()
    }

    /// The first lines in which an actor shows a category.
    fn first_attempts(&self, member: &Member<'_>, category: Category) -> Vec<Locator> {
        let endpoints = self
            .case
            .access
            .endpoints
            .iter()
            .map(|(_, endpoint)| endpoint);
        let ours =
            endpoints
                .filter(|endpoint| endpoint.category == category)
                .flat_map(|endpoint| {
                    member.draft.clients.iter().filter_map(|client| {
                        endpoint.clients.get(client).map(|attempts| attempts.at)
                    })
                });
        let mut places: Vec<Locator> = ours.collect();
        places.sort_unstable();
        places.truncate(SHOWN);
        places
    }

    fn refusals(&self, member: &Member<'_>) -> Option<TimelineEntry> {
        if member.counts.refused < REFUSALS || !member.draft.role.is_attack() {
            return None;
        }
        let first = member.counts.first_refused.as_slice().first()?;
        let summary = format!(
            "{} of {} refused (403, 429 or 444) from here on",
            counted(member.counts.refused, "request", "requests"),
            self.who(member)
        );
        let mut step = step(
            first.time,
            None,
            Phase::Mitigation,
            "refused",
            Severity::Low,
            summary,
        );
        step.actors = vec![member.id.clone()];
        step.metrics = named([("refused", member.counts.refused as f64)]);
        step.evidence = self
            .quoter
            .quotes(member.counts.first_refused.as_slice().iter().take(SHOWN));
        Some(step)
    }

    fn of_finding(&self, finding: &Finding) -> Vec<TimelineEntry> {
        match &finding.kind {
            Kind::Burst { cause, stretch, .. } => self.surge(finding, *cause, stretch),
            Kind::BruteForce {
                path,
                stretch,
                successes,
                ..
            } => self.guessing(finding, path, stretch, successes),
            Kind::Webshell => vec![self.webshell(finding)],
            Kind::Failures { stretch, share } => vec![self.failures(finding, stretch, *share)],
            Kind::Silence(gap) => self.silence(finding, gap).into(),
            Kind::Injection | Kind::Scan => Vec::new(),
        }
    }

    /// Guesses, and the login that worked if one did.
    fn guessing(
        &self,
        finding: &Finding,
        path: &[u8],
        stretch: &Stretch,
        successes: &[Locator],
    ) -> Vec<TimelineEntry> {
        let path = visible(path);
        let summary = format!(
            "{} to {path} from {}",
            counted(stretch.count, "POST request", "POST requests"),
            counted(finding.clients.len() as u64, "client", "clients")
        );
        let guesses = step(
            finding.start,
            Some(finding.end),
            Phase::BruteForce,
            "password_guessing",
            Severity::Medium,
            summary,
        );
        let mut guesses = self.by_actors(finding, guesses);
        guesses.metrics = named([("attempts", stretch.count as f64)]);
        guesses.evidence = self.quoter.quotes(&finding.samples);
        let Some(first) = successes.first() else {
            return vec![guesses];
        };
        let summary = format!(
            "{} at {path} got another answer than all the rest: probably a login that worked",
            if successes.len() == 1 {
                "an attempt".to_string()
            } else {
                format!("{} attempts", successes.len())
            }
        );
        let mut access = self.by_actors(
            finding,
            step(
                first.time,
                None,
                Phase::Access,
                "login",
                Severity::High,
                summary,
            ),
        );
        access.evidence = self.quoter.quotes(successes.iter().take(SHOWN_SUCCESSES));
        vec![guesses, access]
    }

    fn webshell(&self, finding: &Finding) -> TimelineEntry {
        let summary = finding.reasons.first().cloned().unwrap_or_default();
        let step = step(
            finding.start,
            Some(finding.end),
            Phase::Access,
            "webshell",
            Severity::Critical,
            summary,
        );
        let mut step = self.by_actors(finding, step);
        step.evidence = self.quoter.quotes(&finding.samples);
        step
    }

    /// A burst in three steps: onset, peak and end.
    fn surge(&self, finding: &Finding, cause: Cause, stretch: &Stretch) -> Vec<TimelineEntry> {
        let severity = if cause.is_attack() {
            Severity::High
        } else {
            Severity::Low
        };
        let steps = [
            self.onset(finding, stretch, severity),
            peak(finding, stretch, severity),
            self.end(finding, stretch),
        ];
        steps.map(|step| self.by_actors(finding, step)).into()
    }

    fn onset(&self, finding: &Finding, stretch: &Stretch, severity: Severity) -> TimelineEntry {
        let summary = format!(
            "traffic rises above its baseline of {:.2} requests a second; {} requests until the end, {} of them excess",
            stretch.baseline_rps,
            count(stretch.count),
            count(stretch.excess)
        );
        let mut step = step(
            finding.start,
            Some(finding.end),
            Phase::Surge,
            "onset",
            severity,
            summary,
        );
        step.metrics = named([
            ("baseline_rps", rounded(stretch.baseline_rps)),
            ("requests", stretch.count as f64),
            ("excess_requests", stretch.excess as f64),
        ]);
        if let Some(member) = self.who_did(finding) {
            let first = member.counts.first.as_slice().iter();
            let inside = first.filter(|at| at.time.secs() >= finding.start.secs());
            step.evidence = self.quoter.quotes(inside.take(SHOWN));
        }
        step
    }

    fn end(&self, finding: &Finding, stretch: &Stretch) -> TimelineEntry {
        let summary = match stretch.at_log_end {
            true => "the log ends while the surge goes on".to_string(),
            false => "the surge ends".to_string(),
        };
        let mut step = step(
            finding.end,
            None,
            Phase::Surge,
            "end",
            Severity::Low,
            summary,
        );
        if let Some(member) = self.who_did(finding) {
            let last = member.counts.last.as_slice().iter().map(|at| at.0);
            let inside: Option<Locator> = last
                .into_iter()
                .find(|at| at.time.secs() <= finding.end.secs());
            step.evidence = self.quoter.quotes(&inside);
        }
        step
    }

    /// The actor that consists of a finding's clients, all of them and nobody else.
    fn who_did(&self, finding: &Finding) -> Option<&Member<'_>> {
        let mut members = self.members.iter();
        members.find(|member| member.draft.clients == finding.clients)
    }

    fn by_actors(&self, finding: &Finding, mut step: TimelineEntry) -> TimelineEntry {
        let concerned = self.members.iter().filter(|member| {
            member
                .draft
                .clients
                .first()
                .is_some_and(|first| finding.clients.binary_search(first).is_ok())
        });
        step.actors = concerned.map(|member| member.id.clone()).collect();
        step
    }

    fn who(&self, member: &Member<'_>) -> String {
        match member.draft.clients.as_slice() {
            [one] => format!("{} ({})", member.id, actor::name(self.case, *one)),
            many => format!("{} ({} clients)", member.id, count(many.len() as u64)),
        }
    }
}

/// Lines quoted per step.
const SHOWN: usize = 3;

/// Logins that worked quoted at most: each may be an account that was lost.
const SHOWN_SUCCESSES: usize = 8;

fn peak(finding: &Finding, stretch: &Stretch, severity: Severity) -> TimelineEntry {
    let summary = format!(
        "the surge peaks at {:.1} requests a second, {:.0} times the baseline",
        stretch.peak_rps,
        stretch.peak_rps / stretch.baseline_rps.max(LEAST_BASELINE_RPS)
    );
    let mut step = step(
        Time::from_secs(stretch.peak_at).clamp(finding.start, finding.end),
        None,
        Phase::Surge,
        "peak",
        severity,
        summary,
    );
    step.metrics = named([("peak_rps", rounded(stretch.peak_rps))]);
    step
}

fn access(injection: &Injection) -> Option<TimelineEntry> {
    if injection.outcome != Outcome::Likely {
        return None;
    }
    let place = match &injection.parameter {
        Some(parameter) => format!("{} (parameter {parameter})", injection.endpoint),
        None => injection.endpoint.clone(),
    };
    let summary = format!(
        "{} at {place} probably worked: {}",
        injection.category.title(),
        injection.outcome_reasons.join("; ")
    );
    // What proves it stands first among the samples.
    let proof = injection.samples.first().and_then(|proof| proof.time);
    let first = proof.unwrap_or(injection.first);
    let mut step = step(
        first,
        Some(injection.last),
        Phase::Access,
        "injection_succeeded",
        Severity::Critical,
        summary,
    );
    step.actors = injection.actors.clone();
    step.evidence = injection.samples.iter().take(SHOWN).cloned().collect();
    Some(step)
}

fn step(
    time: Time,
    end: Option<Time>,
    phase: Phase,
    kind: &str,
    severity: Severity,
    summary: String,
) -> TimelineEntry {
    TimelineEntry {
        time: time.floor_to_second(),
        end: end.map(Time::floor_to_second),
        phase,
        kind: kind.to_string(),
        severity,
        summary,
        actors: Vec::new(),
        metrics: BTreeMap::new(),
        evidence: Vec::new(),
    }
}

/// `once`, `1,700 times`.
fn times(number: u64) -> String {
    if number == 1 {
        "once".to_string()
    } else {
        format!("{} times", count(number))
    }
}

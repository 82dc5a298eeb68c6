//! The steps that tell how the service fared: failures, silences, messages of the error log, recovery.

use super::{SHOWN, Story, step, times};
use crate::evidence::first::Locator;
use crate::finding::{Finding, Kind};
use crate::impact::{self, OUTAGE_SHARE, rounded};
use crate::plan::{Silence, Stretch};
use crate::report::view::{Symptom, TimelineEntry, named};
use crate::service::Service;
use crate::severity::Severity;
use crate::symptoms::is_their_doing;
use crate::terms::{Phase, Relation, SymptomKind};
use crate::text::{count, counted, duration};
use crate::time::Time;

/// A server that falls silent again within this time of its return did not recover, in seconds.
const BRIEF_S: i64 = 15 * 60;

/// Starts, stops and reloads that are told one by one; more are told together.
const EACH: usize = 12;

/// Actors named in one sentence about messages.
const NAMED: usize = 3;

impl Story<'_> {
    /// A run of failed answers, with the first of them.
    pub(super) fn failures(
        &self,
        finding: &Finding,
        stretch: &Stretch,
        share: f64,
    ) -> TimelineEntry {
        let (phase, severity) = if share >= OUTAGE_SHARE {
            (Phase::Outage, Severity::Critical)
        } else {
            (Phase::Degradation, Severity::High)
        };
        let summary = format!(
            "{} failed with 5xx, {:.0}% of all",
            counted(stretch.count, "request", "requests"),
            share * 100.0
        );
        let mut step = step(
            finding.start,
            Some(finding.end),
            phase,
            "errors_5xx",
            severity,
            summary,
        );
        step.metrics = named([
            ("failed", stretch.count as f64),
            ("failed_ratio", rounded(share)),
        ]);
        step.evidence = self.quoter.quotes(&self.first_failures(finding));
        step
    }

    /// The first failed answers of a run, whatever their status.
    fn first_failures(&self, finding: &Finding) -> Vec<Locator> {
        let answers = self
            .failed
            .iter()
            .flat_map(|failed| failed.answers.values());
        let inside = answers
            .flat_map(|answers| answers.first.as_slice())
            .map(|(at, _)| *at)
            .filter(|at| (finding.start..=finding.end).contains(&at.time.floor_to_second()));
        let mut first: Vec<Locator> = inside.collect();
        first.sort_unstable();
        first.truncate(SHOWN);
        first
    }

    /// A silence and the return from it, which may be brief.
    pub(super) fn silence(&self, finding: &Finding, gap: &Silence) -> [TimelineEntry; 2] {
        let summary = format!(
            "nothing was logged for {}; the baseline brings {} in that time",
            duration(gap.end - gap.start),
            counted(gap.expected.round() as u64, "request", "requests")
        );
        let mut down = step(
            finding.start,
            Some(finding.end),
            Phase::Outage,
            "silence",
            Severity::Critical,
            summary,
        );
        down.metrics = named([
            ("seconds", (gap.end - gap.start) as f64),
            ("lost_requests", gap.expected.round()),
        ]);
        let (kind, severity, summary) = match self.up_for(gap) {
            Some(seconds) => (
                "restart_failed",
                Severity::High,
                format!(
                    "requests are logged again, for {} only: then nothing again",
                    duration(seconds)
                ),
            ),
            None => (
                "log_resumes",
                Severity::Low,
                "requests are logged again".to_string(),
            ),
        };
        let mut back = step(finding.end, None, Phase::Restart, kind, severity, summary);
        down.evidence = self.quoter.quotes(&self.quoter.request_at(gap.start, true));
        back.evidence = self.quoter.quotes(&self.quoter.request_at(gap.end, false));
        [down, back]
    }

    /// How long the server was back after a silence, if it fell silent again soon.
    fn up_for(&self, gap: &Silence) -> Option<i64> {
        let others = self
            .findings
            .iter()
            .filter_map(|finding| match finding.kind {
                Kind::Silence(other) => Some(other.start),
                _ => None,
            });
        let next = others.filter(|start| *start >= gap.end).min()?;
        Some(next - gap.end).filter(|up| *up <= BRIEF_S)
    }

    /// What the error logs say of one kind: starts and stops one by one, the rest together.
    pub(super) fn messages_of(&self, symptom: &Symptom) -> Vec<TimelineEntry> {
        let told_each = matches!(
            symptom.kind,
            SymptomKind::Start | SymptomKind::Stop | SymptomKind::Reload
        );
        let each = match told_each {
            true => self.messages.each(symptom.kind),
            false => Vec::new(),
        };
        match (2..=EACH).contains(&each.len()) {
            true => each
                .iter()
                .map(|at| self.one_message(symptom, at))
                .collect(),
            false => vec![self.all_messages(symptom)],
        }
    }

    fn one_message(&self, symptom: &Symptom, at: &Locator) -> TimelineEntry {
        let (phase, severity) = self.phase(symptom);
        let summary = format!("error log: {}", words(symptom.kind));
        let mut step = step(at.time, None, phase, symptom.kind.name(), severity, summary);
        step.evidence = vec![self.quoter.quote(at)];
        step
    }

    fn all_messages(&self, symptom: &Symptom) -> TimelineEntry {
        let (phase, severity) = self.phase(symptom);
        let (until, lasting) = self.lasts(symptom);
        let meaning = match symptom.kind {
            SymptomKind::DatabaseError | SymptomKind::Other => format!(" ({})", symptom.title),
            _ => String::new(),
        };
        let first = symptom.evidence.first();
        let ahead = first.map_or(0, |first| self.quoter.ahead(first));
        let summary = format!(
            "error log: {}{meaning}, {}{}{lasting}",
            words(symptom.kind),
            times(symptom.count),
            beside(symptom, ahead)
        );
        let end = (until > symptom.first).then_some(until);
        let mut step = step(
            symptom.first,
            end,
            phase,
            symptom.kind.name(),
            severity,
            summary,
        );
        step.metrics = named([("messages", symptom.count as f64)]);
        step.evidence = symptom.evidence.clone();
        step
    }

    /// Until when what messages tell lasted. Of a message that a server writes once in its life, the access log
    /// knows the end.
    fn lasts(&self, symptom: &Symptom) -> (Time, String) {
        let service = Service::new(self.case.plan, symptom.first.secs());
        let ordinary = symptom
            .once_per_lifetime
            .then(|| service.ordinary_from(symptom.last.secs(), false))
            .flatten()
            .map(Time::from_secs);
        match ordinary.filter(|ordinary| *ordinary > symptom.last) {
            Some(ordinary) => (
                ordinary,
                "; a server says so once in its life, so the access log tells the end".to_string(),
            ),
            None => (symptom.last, String::new()),
        }
    }

    fn phase(&self, symptom: &Symptom) -> (Phase, Severity) {
        if is_their_doing(symptom, self.messages.parties) {
            return match symptom.kind {
                SymptomKind::Other => (Phase::Recon, Severity::Low),
                _ => (Phase::Injection, Severity::Medium),
            };
        }
        match symptom.kind {
            SymptomKind::Start | SymptomKind::Reload => (Phase::Restart, Severity::Low),
            SymptomKind::Stop => (Phase::Outage, Severity::High),
            SymptomKind::RateLimited => (Phase::Mitigation, Severity::Low),
            SymptomKind::ChildCrash | SymptomKind::OutOfMemory => {
                (Phase::Degradation, Severity::Critical)
            }
            SymptomKind::DatabaseError | SymptomKind::Other => {
                (Phase::Degradation, Severity::Medium)
            }
            _ => (Phase::Degradation, Severity::High),
        }
    }

    /// The first ordinary time after the last trouble.
    pub(super) fn recovery(&self) -> Option<TimelineEntry> {
        let time = impact::recovered(self.case.plan, self.findings)?;
        Some(step(
            Time::from_secs(time),
            None,
            Phase::Recovery,
            "recovered",
            Severity::Low,
            "traffic and failures are back to what is usual".to_string(),
        ))
    }
}

fn words(kind: SymptomKind) -> String {
    kind.name().replace('_', " ")
}

/// What messages stand beside, in a clause each; in time and by name, never as a cause. The clock of their log is
/// `ahead` by so many seconds.
fn beside(symptom: &Symptom, ahead: i64) -> String {
    let mut clauses = String::new();
    let links = |relation: Relation| {
        let links = symptom.links.iter();
        links.filter(move |link| link.relation == relation)
    };
    for link in links(Relation::SameClient).take(NAMED) {
        clauses += &format!("; {} name {}", count(link.count), link.to);
    }
    if matches!(
        symptom.kind,
        SymptomKind::Start | SymptomKind::Stop | SymptomKind::Reload | SymptomKind::RateLimited
    ) {
        return clauses;
    }
    let surge = links(Relation::Overlaps).find(|link| link.to == "surge");
    if let Some(lag) = surge
        .and_then(|link| link.lag_s)
        .map(|lag| lag - ahead as f64)
        .filter(|lag| *lag > 0.0)
    {
        clauses += &format!("; first {} after the surge began", duration(lag as i64));
    }
    let silence = links(Relation::Precedes).find(|link| link.to == "silence");
    if let Some(lag) = silence
        .and_then(|link| link.lag_s)
        .map(|lag| lag + ahead as f64)
        .filter(|lag| *lag >= 0.0)
    {
        clauses += &format!("; first {} before the silence", duration(lag as i64));
    }
    clauses
}

//! The headline of an incident: the one sentence that a postmortem can quote.

use crate::finding::{Finding, Kind};
use crate::impact::LEAST_BASELINE_RPS;
use crate::pattern::words::Meaning;
use crate::report::view::{Actor, Impact, Incident, Injection};
use crate::severity::Severity;
use crate::terms::{Cause, Outcome, Role};
use crate::text::{count, counted, duration};
use crate::time::{Time, UtcOffset};

/// What a verdict's headline says of the grave incidents beside the one that it is about, those that probably worked
/// first: a clause to append, empty where there are none.
pub fn others(told: &Incident, incidents: &[Incident]) -> String {
    /// Incidents that are named; the rest is counted.
    const NAMED: usize = 2;
    let grave = incidents.iter().filter(|incident| {
        incident.id != told.id && incident.attack && incident.severity >= Severity::High
    });
    let mut grave: Vec<&Incident> = grave.collect();
    grave.sort_by_key(|incident| {
        let worked = outcome(incident) == Some(Outcome::Likely);
        let order = (worked, incident.severity);
        (std::cmp::Reverse(order), incident.id)
    });
    let mut named: Vec<String> = grave.iter().take(NAMED).map(|other| brief(other)).collect();
    if grave.len() > NAMED {
        named.push(format!("{} more", grave.len() - NAMED));
    }
    match named.is_empty() {
        true => String::new(),
        false => format!(". Also {}", named.join(", and ")),
    }
}

/// How sure it is that an incident's attacks worked, at the place where it is surest. A web shell that is used has.
fn outcome(incident: &Incident) -> Option<Outcome> {
    let judged = incident.injections.iter().map(|place| place.outcome);
    let worked = |wanted| judged.clone().any(|outcome| outcome == wanted);
    match () {
        () if incident.cause == Cause::Webshell || worked(Outcome::Likely) => Some(Outcome::Likely),
        () if worked(Outcome::Suspected) => Some(Outcome::Suspected),
        () => None,
    }
}

/// Another incident in a few words.
fn brief(incident: &Incident) -> String {
    let what = match incident.cause {
        Cause::Ddos => "a distributed flood",
        Cause::Dos => "a flood",
        Cause::Injection => "injection attempts",
        Cause::InjectionAndSurge => "injection attempts with a surge",
        Cause::BruteForce => "password guessing",
        Cause::Scan => "a scan",
        Cause::Webshell => "use of a web shell",
        Cause::FlashCrowd => "a crowd",
        Cause::Crawler => "a crawler",
        Cause::ServerFault => "a server fault",
    };
    let success = match outcome(incident) {
        _ if incident.cause == Cause::Webshell => "",
        Some(Outcome::Likely) => ", which probably worked",
        Some(Outcome::Suspected) => ", which may have worked",
        _ => "",
    };
    format!(
        "{what}{success} (incident {}, {})",
        incident.id,
        incident.severity.name()
    )
}

/// Everything that a headline tells.
pub struct Headline<'a> {
    /// What it was.
    pub cause: Cause,
    /// The findings of the incident.
    pub findings: &'a [&'a Finding],
    /// Who.
    pub actors: &'a [Actor],
    /// What was attacked.
    pub injections: &'a [Injection],
    /// What it cost.
    pub impact: &'a Impact,
    /// When it began and ended.
    pub span: (Time, Time),
    /// Whether it was going on when the log begins, and when it ends.
    pub unseen: (bool, bool),
    /// Whether only a silence shows it.
    pub unexplained: bool,
    /// The zone that people read times in.
    pub zone: UtcOffset,
}

impl Headline<'_> {
    /// The sentence, without a full stop.
    pub fn sentence(&self) -> String {
        let (what, when) = (self.what(), self.when());
        let (failed, silent) = (self.failed(), self.silent());
        format!("{what} {when}{failed}{silent}")
    }

    fn what(&self) -> String {
        let sources = |role| counted(self.sources(role), "client", "clients");
        let peak = self.peak();
        match self.cause {
            Cause::Ddos => format!(
                "Distributed flood from {} at up to {peak:.0} times the usual traffic",
                sources(Role::Flooder)
            ),
            Cause::Dos => format!(
                "Flood from {} at up to {peak:.0} times the usual traffic",
                sources(Role::Flooder)
            ),
            Cause::InjectionAndSurge => format!(
                "{} injection attempts ({}) and a surge from {} at up to {peak:.0} times the usual traffic",
                count(self.attempts()),
                self.success(),
                sources(Role::Flooder)
            ),
            Cause::Injection => format!(
                "{} by {}, {},",
                counted(self.attempts(), "injection attempt", "injection attempts"),
                counted(self.injectors(), "client", "clients"),
                self.success()
            ),
            Cause::BruteForce => format!(
                "Password guessing from {}{}",
                sources(Role::BruteForcer),
                self.logins()
            ),
            Cause::Scan => format!("Scan by {}", sources(Role::Scanner)),
            Cause::Webshell => format!(
                "A web shell was used by {}",
                sources(Role::WebshellOperator)
            ),
            Cause::FlashCrowd => {
                format!("No attack: a crowd of visitors at up to {peak:.0} times the usual traffic")
            }
            Cause::Crawler => {
                let robot = self.robot();
                format!("No attack: {robot} raised traffic to {peak:.0} times the usual")
            }
            Cause::ServerFault if self.unexplained => {
                "No attack stands out in the logs: the server was down, or a part of its log is missing,".to_string()
            }
            Cause::ServerFault if peak > 0.0 => format!(
                "No attack: the server failed, and its clients tried again, up to {peak:.0} times the usual traffic,"
            ),
            Cause::ServerFault => "No attack stands out in the logs: the server failed".to_string(),
        }
    }

    /// What kind of robot, by what the user agents say that send most of it.
    fn robot(&self) -> &'static str {
        let robots = || {
            self.actors
                .iter()
                .filter(|actor| actor.role == Role::Crawler)
        };
        let says = |meaning: Meaning| {
            let saying = robots().filter(|actor| {
                let agent = actor.user_agents.first();
                agent.is_some_and(|agent| meaning.is_in(agent.as_bytes()))
            });
            let said: u64 = saying.map(|actor| actor.requests).sum();
            said > 0 && 2 * said >= robots().map(|actor| actor.requests).sum::<u64>()
        };
        match () {
            () if says(Meaning::Monitor) => "a monitor that asks too often",
            () if says(Meaning::Robot) => "a crawler",
            () => "a program that does not say it is a crawler, but behaves like one,",
        }
    }

    fn when(&self) -> String {
        let date = |time: Time| time.format_at(self.zone, "%Y-%m-%d %H:%M:%S");
        let (start, end) = self.span;
        let (before, after) = self.unseen;
        let edge = match (before, after) {
            (true, true) => ", going on when the log begins and when it ends",
            (true, false) => ", going on when the log begins",
            (false, true) => ", going on when the log ends",
            (false, false) => "",
        };
        format!(
            "from {} to {} ({}){edge}",
            date(start),
            date(end),
            self.zone.label()
        )
    }

    /// How many guesses seem to have worked.
    fn logins(&self) -> String {
        let successes = self.findings.iter().map(|finding| match &finding.kind {
            Kind::BruteForce { successes, .. } => successes.len() as u64,
            _ => 0,
        });
        match successes.sum() {
            0 => String::new(),
            worked => format!(
                ", {} of which probably worked,",
                counted(worked, "attempt", "attempts")
            ),
        }
    }

    /// Those who inject; who floods besides may be named for that alone.
    fn injectors(&self) -> u64 {
        let attacks = |actor: &&Actor| !actor.hits_by_category.is_empty() && actor.role.is_attack();
        match self.sources(Role::Injector) {
            0 => self
                .actors
                .iter()
                .filter(attacks)
                .map(|actor| actor.client_count)
                .sum(),
            named => named,
        }
    }

    fn failed(&self) -> String {
        match self.impact.failed {
            0 => String::new(),
            failed => format!(
                "; {} of {} requests failed",
                count(failed),
                count(self.impact.requests)
            ),
        }
    }

    fn silent(&self) -> String {
        let silences = self
            .findings
            .iter()
            .filter(|finding| matches!(finding.kind, Kind::Silence(_)));
        let seconds: i64 = silences
            .map(|finding| finding.end.secs() - finding.start.secs())
            .sum();
        match seconds {
            0 => String::new(),
            seconds => format!(", nothing was logged for {}", duration(seconds)),
        }
    }

    fn sources(&self, role: Role) -> u64 {
        let actors = self.actors.iter().filter(|actor| actor.role == role);
        actors.map(|actor| actor.client_count).sum()
    }

    /// The highest rate of the incident's bursts, as a multiple of the baseline.
    fn peak(&self) -> f64 {
        let peaks = self
            .findings
            .iter()
            .filter_map(|finding| match &finding.kind {
                Kind::Burst { stretch, .. } => {
                    Some(stretch.peak_rps / stretch.baseline_rps.max(LEAST_BASELINE_RPS))
                }
                _ => None,
            });
        peaks.fold(0.0, f64::max)
    }

    fn attempts(&self) -> u64 {
        self.injections
            .iter()
            .map(|injection| injection.attempts)
            .sum()
    }

    fn success(&self) -> String {
        let places = |outcome| {
            let judged = self.injections.iter();
            judged
                .filter(|injection| injection.outcome == outcome)
                .count() as u64
        };
        match (places(Outcome::Likely), places(Outcome::Suspected)) {
            (0, 0) => "no sign that any worked".to_string(),
            (0, maybe) => format!(
                "at {} it may have worked",
                counted(maybe, "place", "places")
            ),
            (worked, _) => format!(
                "at {} it probably worked",
                counted(worked, "place", "places")
            ),
        }
    }
}

//! A report that can be shown to others: addresses, names of hosts and users, folders and values of parameters are replaced by
//! pseudonyms, the same for the same thing.
//!
//! A step between the analysis and the renderers, so that no format tells more than another. Every field of the report is
//! named here, so that a new one cannot be forgotten. What free text holds is found by its form and by what other fields
//! name: a first look learns these names, a second replaces them.

mod addresses;
mod hosts;
mod query;
mod rewrite;
mod text;

use hashbrown::HashMap;

use crate::error::Warning;
use crate::format::spec::LogKind;
use crate::pseudonym::Pseudonyms;
use crate::report::view::{
    Actor, Burst, BurstTop, Evidence, Impact, Incident, Injection, Input, KnownParty, Mitigation,
    Outage, Ranked, Report, Symptom, SymptomLink, Target, TimelineEntry, Verdict,
};
use crate::terms::Dimension;
use text::{Scrub, Seen};

/// The code of the warning that says what was replaced.
pub const PSEUDONYMIZED: &str = "pseudonymized";

/// Replaces what must not be told. Numbers, times and what the program found out stay as they are.
pub fn pseudonymize(report: &mut Report, names: &Pseudonyms) {
    let mut first = Walk::new(report, Scrub::new(names, Seen::default()));
    first.report(&mut report.clone());
    let mut second = Walk::new(report, Scrub::new(names, first.scrub.seen));
    second.report(report);
    report.pseudonymized = true;
    let said = Warning {
        code: PSEUDONYMIZED.into(),
        message: "this report can be shared: addresses, names of hosts, users and folders, and values of parameters are \
                  pseudonyms; paths, names of parameters and user agents are as they were logged"
            .to_owned(),
        input: None,
    };
    // First, so that no format leaves it out.
    report.warnings.insert(0, said);
}

/// One look at everything.
struct Walk<'a> {
    scrub: Scrub<'a>,
    /// What the lines of each input are.
    kinds: HashMap<String, LogKind>,
}

impl<'a> Walk<'a> {
    fn new(report: &Report, scrub: Scrub<'a>) -> Walk<'a> {
        let inputs = report.inputs.iter();
        let kinds = inputs
            .map(|input| (input.path.clone(), input.kind))
            .collect();
        Walk { scrub, kinds }
    }

    fn each(&mut self, texts: &mut [String], replace: impl Fn(&mut Scrub<'a>, &mut String)) {
        texts
            .iter_mut()
            .for_each(|text| replace(&mut self.scrub, text));
    }

    fn report(&mut self, report: &mut Report) {
        let Report {
            schema_version: _,
            tool: _,
            pseudonymized: _,
            verdict,
            inputs,
            window: _,
            totals: _,
            known,
            databases,
            series: _,
            incidents,
            warnings,
        } = report;
        inputs.iter_mut().for_each(|input| self.input(input));
        databases
            .iter_mut()
            .for_each(|database| self.scrub.file(&mut database.path));
        known.iter_mut().for_each(|party| self.party(party));
        incidents
            .iter_mut()
            .for_each(|incident| self.incident(incident));
        let Verdict {
            attack: _,
            cause: _,
            confidence: _,
            headline,
            start: _,
            end: _,
        } = verdict;
        self.scrub.sentence(headline);
        for Warning {
            code: _,
            message,
            input,
        } in warnings
        {
            self.scrub.sentence(message);
            input.iter_mut().for_each(|input| self.scrub.file(input));
        }
    }

    fn input(&mut self, input: &mut Input) {
        let Input {
            path,
            kind,
            format: _,
            bytes: _,
            lines: _,
            records: _,
            unparsed: _,
            blank: _,
            first: _,
            last: _,
            utc_offset: _,
            clock_skew_s: _,
            notes,
        } = input;
        for note in notes {
            self.scrub.note(note, *kind);
        }
        self.scrub.file(path);
    }

    fn party(&mut self, party: &mut KnownParty) {
        let KnownParty {
            name,
            networks,
            requests: _,
            hits: _,
        } = party;
        self.each(networks, Scrub::name);
        name.iter_mut().for_each(|name| self.scrub.party(name));
    }

    fn incident(&mut self, incident: &mut Incident) {
        let Incident {
            id: _,
            cause: _,
            attack: _,
            severity: _,
            confidence: _,
            reasons,
            start: _,
            end: _,
            ongoing_at_start: _,
            ongoing_at_end: _,
            headline,
            timeline,
            bursts,
            actors,
            injections,
            symptoms,
            impact,
            mitigations,
        } = incident;
        // Who, first: what they are called is looked for in texts.
        actors.iter_mut().for_each(|actor| self.actor(actor));
        bursts.iter_mut().for_each(|burst| self.burst(burst));
        injections
            .iter_mut()
            .for_each(|injection| self.injection(injection));
        symptoms
            .iter_mut()
            .for_each(|symptom| self.symptom(symptom));
        mitigations
            .iter_mut()
            .for_each(|mitigation| self.mitigation(mitigation));
        timeline.iter_mut().for_each(|step| self.step(step));
        self.impact(impact);
        self.scrub.sentence(headline);
        self.each(reasons, Scrub::sentence);
    }

    fn actor(&mut self, actor: &mut Actor) {
        let Actor {
            id: _,
            role: _,
            clients,
            client_count: _,
            networks,
            user_agents,
            first: _,
            last: _,
            requests: _,
            hits_by_category: _,
            paths,
            status: _,
            origins: _,
        } = actor;
        self.each(clients, Scrub::name);
        self.each(networks, Scrub::name);
        self.each(user_agents, Scrub::path);
        self.each(paths, Scrub::path);
    }

    fn burst(&mut self, burst: &mut Burst) {
        let Burst {
            dimension,
            key,
            start: _,
            peak_at: _,
            end: _,
            baseline_rps: _,
            peak_rps: _,
            requests: _,
            excess_requests: _,
            clients: _,
            new_client_ratio: _,
            classification: _,
            confidence: _,
            top,
        } = burst;
        if let Some(key) = key {
            match dimension {
                Dimension::Network | Dimension::Client => self.scrub.name(key),
                Dimension::Total | Dimension::Path | Dimension::Status5xx => self.scrub.path(key),
            }
        }
        let BurstTop {
            clients,
            networks,
            paths,
            user_agents,
        } = top;
        let keys = |ranked: &mut Vec<Ranked>, replace: &mut dyn FnMut(&mut String)| {
            ranked.iter_mut().for_each(|one| replace(&mut one.key));
        };
        for names in [clients, networks] {
            keys(names, &mut |key| self.scrub.name(key));
        }
        for texts in [paths, user_agents] {
            keys(texts, &mut |key| self.scrub.path(key));
        }
    }

    fn step(&mut self, step: &mut TimelineEntry) {
        let TimelineEntry {
            time: _,
            end: _,
            phase: _,
            kind: _,
            severity: _,
            summary,
            actors: _,
            metrics: _,
            evidence,
        } = step;
        self.scrub.sentence(summary);
        evidence.iter_mut().for_each(|line| self.evidence(line));
    }

    fn evidence(&mut self, evidence: &mut Evidence) {
        let Evidence {
            source,
            line: _,
            offset: _,
            time: _,
            lines: _,
            text,
        } = evidence;
        let kind = self.kinds.get(source).copied().unwrap_or(LogKind::Access);
        self.scrub.line(text, kind);
        self.scrub.file(source);
    }

    fn injection(&mut self, injection: &mut Injection) {
        let Injection {
            category: _,
            endpoint,
            parameter,
            techniques: _,
            attempts: _,
            actors: _,
            first: _,
            last: _,
            outcome: _,
            outcome_reasons,
            samples,
        } = injection;
        self.scrub.path(endpoint);
        parameter
            .iter_mut()
            .for_each(|name| self.scrub.parameter(name));
        self.each(outcome_reasons, Scrub::sentence);
        samples.iter_mut().for_each(|line| self.evidence(line));
    }

    fn symptom(&mut self, symptom: &mut Symptom) {
        let Symptom {
            kind: _,
            first: _,
            last: _,
            count: _,
            title,
            by_requests: _,
            once_per_lifetime: _,
            sample,
            evidence,
            links,
        } = symptom;
        self.scrub.sentence(title);
        self.scrub.line(sample, LogKind::Error);
        evidence.iter_mut().for_each(|line| self.evidence(line));
        for link in links {
            let SymptomLink {
                relation: _,
                to,
                count: _,
                lag_s: _,
                evidence,
            } = link;
            self.scrub.path(to);
            evidence.iter_mut().for_each(|line| self.evidence(line));
        }
    }

    fn impact(&mut self, impact: &mut Impact) {
        for Outage {
            start: _,
            end: _,
            reason,
        } in &mut impact.outages
        {
            self.scrub.sentence(reason);
        }
    }

    fn mitigation(&mut self, mitigation: &mut Mitigation) {
        let Mitigation {
            kind,
            summary,
            targets,
            attack_share: _,
            innocent_share: _,
            details,
            limits: _,
        } = mitigation;
        self.scrub.sentence(summary);
        match kind.starts_with("block_") {
            true => self.each(targets, Scrub::name),
            false => self.each(targets, Scrub::target),
        }
        for detail in details {
            let Target {
                target,
                clients: _,
                attack_share: _,
                innocent_clients: _,
                innocent_share: _,
                from: _,
                origins: _,
            } = detail;
            self.scrub.name(target);
        }
    }
}

//! Counts that were written to files and read again: pieces of logs, counted one by one, written, read and put together
//! are what was counted in one go; and counting can go on with what was read.
//!
//! What is compared is what is written: it is in order, holds all that can be read from counts, and the same for the same
//! counts.

use std::fs;
use std::path::PathBuf;

use aftertrace::attempts::{Measure, count_hits};
use aftertrace::complaints::survey_errors;
use aftertrace::context::Context;
use aftertrace::counts::{AccessCounts, ErrorCounts};
use aftertrace::evidence::caps::{Caps, LEAST_LIMIT};
use aftertrace::evidence::clients::ClientStats;
use aftertrace::focus::{Detail, Room, Sight, Subject, Window, focus};
use aftertrace::format::spec::LogKind;
use aftertrace::format::vote;
use aftertrace::merge::Merge;
use aftertrace::part;
use aftertrace::pass::{Bounded, Limits, Log, Run, Several};
use aftertrace::pattern::{load, symptom};
use aftertrace::plan::Plan;
use aftertrace::survey::{Survey, survey_access};
use aftertrace::sweep::sweep;
use aftertrace::trace::{Group, trace};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::harness::{read_log, repository};
use crate::memory::MANY;
use crate::traffic::many;

/// Everything counts.
const EVER: Limits = Limits {
    since: i64::MIN,
    until: i64::MAX,
};

/// Bytes of a piece; chunks are a few to a piece.
const PIECE_BYTES: usize = 40_000;
const CHUNK_BYTES: usize = 9_000;

fn written(value: &impl Serialize) -> Vec<u8> {
    let mut file = Vec::new();
    part::write(&(), value, &mut file, "part").unwrap();
    file
}

fn again<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let file = written(value);
    let ((), read): ((), T) = part::read(&file[..], "part").unwrap();
    assert!(file == written(&read), "what is read is what was written");
    read
}

fn run(caps: Caps) -> Run<'static> {
    Run {
        chunk_bytes: CHUNK_BYTES,
        caps,
        advance: &|_| (),
        ledger: None,
    }
}

/// A log in pieces, each to be read by itself.
fn pieces<'a>(log: &Log<'a>, bytes: usize) -> Vec<Log<'a>> {
    let ranges = log.bytes.chunks(0..log.bytes.len(), CHUNK_BYTES);
    let each = bytes / CHUNK_BYTES;
    let pieces = ranges.chunks(each).map(|chunks| {
        let mut piece = log.clone();
        piece.part.bytes = chunks[0].start..chunks[chunks.len() - 1].end;
        piece.part.lines_before = None;
        piece
    });
    pieces.collect()
}

/// Parts of parts, from the back, each written and read again.
fn united<T: Bounded + Serialize + DeserializeOwned>(parts: Vec<T>, flush: impl Fn(&mut T)) -> T {
    let parts = parts.into_iter().rev().map(|part| again(&part));
    let whole = parts.reduce(|mut left, right| {
        left.merge(right);
        left.fit();
        flush(&mut left);
        again(&left)
    });
    whole.unwrap()
}

struct Surveyor {
    patterns: aftertrace::pattern::set::PatternSet,
    symptoms: symptom::SymptomSet,
    caps: Caps,
}

impl Surveyor {
    fn new(caps: Caps) -> Surveyor {
        Surveyor {
            patterns: load::embedded().unwrap(),
            symptoms: symptom::embedded().unwrap(),
            caps,
        }
    }

    fn access(&self, log: &Log<'_>) -> AccessCounts {
        let survey = Survey {
            patterns: &self.patterns,
            limits: EVER,
            bucket_s: 60,
        };
        survey_access(std::slice::from_ref(log), survey, &run(self.caps))
    }

    fn errors(&self, log: &Log<'_>) -> ErrorCounts {
        let log = std::slice::from_ref(log);
        survey_errors(log, &self.symptoms, EVER, &run(self.caps))
    }

    /// Surveys a log in pieces and in one go, and compares; returns both.
    fn compare_access(&self, name: &str, log: &Log<'_>) -> AccessCounts {
        let parts = pieces(log, PIECE_BYTES)
            .iter()
            .map(|piece| self.access(piece))
            .collect();
        let united = united(parts, AccessCounts::flush);
        let whole = self.access(log);
        assert!(written(&united) == written(&whole), "{name}");
        united
    }

    fn compare_errors(&self, name: &str, log: &Log<'_>) {
        let parts = pieces(log, PIECE_BYTES)
            .iter()
            .map(|piece| self.errors(piece))
            .collect();
        let united = united(parts, |counts: &mut ErrorCounts| counts.chunks.sort());
        assert!(written(&united) == written(&self.errors(log)), "{name}");
    }
}

/// The logs of a few scenarios that differ most, of one hour at most: every pass reads them a dozen times.
fn logs() -> Vec<PathBuf> {
    let folder = repository().join("testdata/scenarios");
    let scenarios = [
        "boolean-sqli",
        "dirty-input",
        "database-down",
        "directory-scan",
    ];
    let mut found = Vec::new();
    for scenario in scenarios {
        let logs = fs::read_dir(folder.join(scenario).join("logs")).unwrap();
        found.extend(logs.map(|entry| entry.unwrap().path()));
    }
    found.sort();
    found
}

#[test]
fn pieces_that_were_written_and_read_are_the_survey_of_the_whole() {
    let surveyor = Surveyor::new(Caps::default());
    let mut kinds = [0, 0];
    for path in logs() {
        let bytes = read_log(&path);
        let Some(vote) = vote(&bytes) else {
            continue;
        };
        let Some(log) = Log::of(vote.format, &bytes) else {
            continue;
        };
        let name = path.display().to_string();
        if vote.holds(LogKind::Error) {
            kinds[0] += 1;
            surveyor.compare_errors(&name, &log);
        }
        if vote.holds(LogKind::Access) {
            kinds[1] += 1;
            surveyor.compare_access(&name, &log);
        }
    }
    assert!(kinds[0] > 0 && kinds[1] > 4, "{kinds:?}");
}

#[test]
fn samples_are_the_same_through_files() {
    let caps = Caps::new(LEAST_LIMIT).unwrap();
    let mut text = Vec::new();
    many::write(MANY, 1, &mut text).unwrap();
    let bytes = &text[..];
    let log = Log::of(vote(bytes).unwrap().format, bytes).unwrap();
    let surveyor = Surveyor::new(caps);
    let parts = pieces(&log, bytes.len() / 4);
    let parts = parts.iter().map(|piece| surveyor.access(piece));
    let united = united(parts.collect(), AccessCounts::flush);
    assert!(united.clients.is_sampled() && united.paths.is_sampled());
    assert!(written(&united).len() > 1 << 20);
    assert!(written(&united) == written(&surveyor.access(&log)));
}

#[test]
fn what_attacks_leave_comes_back() {
    let surveyor = Surveyor::new(Caps::default());
    let bytes = read_log(&repository().join("testdata/scenarios/boolean-sqli/logs/access.log"));
    let log = Log::of(vote(&bytes).unwrap().format, &bytes).unwrap();
    let logs = [log];
    let run = run(Caps::default());
    let mut access = surveyor.access(&logs[0]);
    let context = Context::of(&access);
    let measure = Measure {
        patterns: &surveyor.patterns,
        context: &context,
        limits: EVER,
    };
    let surveyed = again(&access);
    count_hits(&logs, &mut access, measure, 60, &run);
    assert!(!access.endpoints.is_empty() && !access.hit_clients.is_empty());
    let read = again(&access);
    let tries = |counts: &AccessCounts| {
        let places = counts.endpoints.iter();
        let mut all: Vec<_> = places
            .map(|(key, place)| (*key, place.tries.clone()))
            .collect();
        all.sort_by_key(|(key, _)| *key);
        all
    };
    assert_eq!(tries(&read), tries(&access));
    // What was noted before it was written is judged alike.
    let mut later = surveyed;
    count_hits(&logs, &mut later, measure, 60, &run);
    assert!(written(&later) == written(&access));

    let plan = Plan::new(&access);
    let (norms, _) = sweep(&logs, &access, &plan, EVER, &run);
    let parts = access.chunks.clone().into_iter().map(|chunk| {
        let mut of_chunk = again(&access);
        of_chunk.chunks = vec![chunk];
        sweep(&logs, &of_chunk, &plan, EVER, &run).0
    });
    assert!(
        access
            .endpoints
            .iter()
            .any(|(_, place)| norms.of(&place.path).is_some())
    );
    assert!(written(&united(parts.collect(), |_| ())) == written(&norms));
}

#[test]
fn counting_goes_on_with_what_was_read() {
    let surveyor = Surveyor::new(Caps::default());
    let bytes = read_log(&repository().join("testdata/scenarios/boolean-sqli/logs/access.log"));
    let log = Log::of(vote(&bytes).unwrap().format, &bytes).unwrap();
    let mut original = surveyor.access(&log);
    let mut read = again(&original);
    for counts in [&mut original, &mut read] {
        let clients: Vec<_> = counts.clients.iter().map(|(client, _)| *client).collect();
        for client in clients
            .into_iter()
            .chain([aftertrace::client::Client::parse(b"new.example")])
        {
            let entry = counts.clients.entry(client, ClientStats::default);
            entry.unwrap().note(1_779_192_000, 1, false);
        }
        counts.minutes.cell(1_779_192_000).merge(Default::default());
        counts.bucket_clients.note(29_653_200, 1 << 40);
        counts.flush();
        let third = counts.paths.weight() / 3;
        counts.paths.fit(third);
        assert!(counts.clients.thin());
    }
    assert!(original.paths.is_sampled());
    assert!(written(&original) == written(&read));
}

#[test]
fn windows_and_groups_come_back() {
    let surveyor = Surveyor::new(Caps::default());
    let bytes = read_log(&repository().join("testdata/scenarios/boolean-sqli/logs/access.log"));
    let log = Log::of(vote(&bytes).unwrap().format, &bytes).unwrap();
    let access = surveyor.access(&log);
    let room = Room {
        clients: 4_000,
        paths: 4_000,
        agents: 4_000,
        answers: 10_000,
    };
    let sight = |failed| Sight {
        window: Window {
            start: access.chunks[0].first,
            end: i64::MAX,
            posts_to: None,
            failed,
        },
        subject: Subject::All,
        detail: Detail::Conduct,
        room,
    };
    let sights = [sight(false), sight(true)];
    let (logs, clients) = ([log], &access.clients);
    let focus = |chunks: &[_]| {
        Several(focus(
            &logs,
            chunks,
            &sights,
            clients,
            &run(Caps::default()),
        ))
    };
    let whole = focus(&access.chunks);
    assert!(whole.0[0].clients.is_sampled() && !whole.0[1].answers.is_empty());
    let parts = access
        .chunks
        .iter()
        .map(|chunk| focus(std::slice::from_ref(chunk)));
    assert!(written(&united(parts.collect(), |_| ())) == written(&whole));

    let groups = [Group {
        clients: clients.iter().map(|(client, _)| *client).collect(),
        start: access.chunks[0].first,
        end: access.chunks[0].first + 86_400,
    }];
    let trace = |chunks: &[_]| Several(trace(&logs, chunks, &groups, &run(Caps::default())));
    let whole = trace(&access.chunks);
    assert_eq!(whole.0[0].clients.len(), clients.len());
    let parts = access
        .chunks
        .iter()
        .map(|chunk| trace(std::slice::from_ref(chunk)));
    let flush = |counts: &mut Several<_>| {
        let groups: &mut Vec<aftertrace::trace::GroupCounts> = &mut counts.0;
        groups.iter_mut().for_each(|group| group.seconds.flush());
    };
    assert!(written(&united(parts.collect(), flush)) == written(&whole));
}

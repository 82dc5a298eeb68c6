//! The first pass over error logs: every message once, by what it means and whom it names.

use std::ops::Range;

use crate::chunk;
use crate::client::Client;
use crate::counts::ErrorCounts;
use crate::event::{ErrorRecord, Event, Unparsed};
use crate::evidence::errors::mention;
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::lines::LineCounts;
use crate::format::nginx_error;
use crate::format::spec::{Arena, Desk};
use crate::pass::{
    Cut, Limits, Log, Pool, Run, Stretch, Task, file_books, settle, stretches, tasks_of, work,
};
use crate::pattern::symptom::{Classifier, SymptomSet};
use crate::terms::SymptomKind;

/// Lines of one record that are looked at, as its last may name the client: PHP prints a line for each call, and
/// more calls than these are a recursion.
pub const MAX_RECORD_LINES: usize = 256;

/// Counts error logs. Their clocks' offsets are in the logs given.
pub fn survey_errors(
    logs: &[Log<'_>],
    symptoms: &SymptomSet,
    limits: Limits,
    run: &Run<'_>,
) -> ErrorCounts {
    let none = || ErrorCounts::new(run.caps);
    let make = |own: &[Stretch]| {
        let tasks = tasks_of(logs, own, run.chunk_bytes);
        survey_tasks(logs, &tasks, symptoms, limits, run)
    };
    let needed = stretches(logs);
    // The clocks of these logs follow from when clients were there, and not from what of it is suspicious.
    run.beside("hits", "errors");
    let mut counts = settle(("errors", Cut::Anywhere), (logs, run), needed, none, make);
    counts.chunks.sort_unstable();
    counts
}

fn survey_tasks(
    logs: &[Log<'_>],
    tasks: &[Task],
    symptoms: &SymptomSet,
    limits: Limits,
    run: &Run<'_>,
) -> ErrorCounts {
    let pool = Pool::new(&run.caps);
    let start = || ErrorWorker {
        counts: ErrorCounts::new(run.caps),
        symptoms,
        classifier: Classifier::new(symptoms),
        limits,
    };
    let workers = work(tasks, run, start, |worker, (log, range)| {
        worker.chunk(&logs[*log], *log, range);
        pool.relieve(&mut worker.counts);
    });
    let counts = pool.all(workers.into_iter().map(|worker| worker.counts));
    counts.unwrap_or_else(|| ErrorCounts::new(run.caps))
}

struct ErrorWorker<'s> {
    counts: ErrorCounts,
    symptoms: &'s SymptomSet,
    classifier: Classifier<'s>,
    limits: Limits,
}

impl ErrorWorker<'_> {
    fn chunk(&mut self, log: &Log<'_>, index: usize, range: &Range<usize>) {
        let mut lines = LineCounts::default();
        let first_record = first_record(log);
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        for (offset, line) in chunk::lines(log.bytes.get(range.clone())) {
            lines.lines += 1;
            let at = (range.start + offset) as u64;
            match log.read(line, at, &mut desk) {
                _ if line.is_empty() => lines.blank += 1,
                Err(Unparsed::Header) => lines.blank += 1,
                Ok(Event::Error(record)) => {
                    let time = record.time;
                    lines.record(time);
                    let zone = record.utc_offset.unwrap_or_default();
                    *lines.offsets.entry(zone).or_default() += 1;
                    if !self.limits.contain(time.secs()) {
                        lines.outside += 1;
                        continue;
                    }
                    let place = Locator {
                        time,
                        source: log.source,
                        offset: at,
                    };
                    self.record(&record, place, log);
                }
                Err(_) if at > first_record && continues_record(line) => {
                    lines.records += 1;
                    lines.continued += 1;
                }
                // What it says is for the pass over access logs.
                Ok(Event::Access(access)) if log.is_mixed() => {
                    lines.record(access.time);
                }
                Ok(Event::Access(_)) => lines.unparsed(Unparsed::NotThisFormat, at),
                Err(reason) => lines.unparsed(reason, at),
            }
        }
        let counts = &mut self.counts;
        file_books(
            &mut counts.chunks,
            &mut counts.lines,
            log,
            (index, range),
            lines,
        );
    }

    fn record(&mut self, record: &ErrorRecord<'_>, at: Locator, log: &Log<'_>) {
        let Some(id) = self.classifier.classify(record.message) else {
            self.counts.unclassified += 1;
            return;
        };
        let symptom = self.symptoms.symptom(id);
        self.counts.symptoms.entry(id.0).or_default().note(at);
        let Some(client) = record.client.or_else(|| tail_client(log, at.offset)) else {
            return;
        };
        mention(&mut self.counts.mentions, id.0, client, at);
        if symptom.by_requests
            && symptom.kind == SymptomKind::DatabaseError
            && let Some(times) = self.counts.database.entry(client, FirstK::default)
        {
            times.push(at);
        }
    }
}

/// The client that nginx names behind a message of several lines, wherever chunks are cut.
fn tail_client(log: &Log<'_>, at: u64) -> Option<Client> {
    if log.format.name != nginx_error::FORMAT.name {
        return None;
    }
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let from = at as usize..log.bytes.len();
    let lines = log.bytes.lines(from).skip(1).take(MAX_RECORD_LINES);
    lines
        .map(|(_, line)| line)
        .take_while(|line| continues_record(line) && log.read(line, at, &mut desk).is_err())
        .find_map(nginx_error::client_of_tail)
}

/// A stack trace and the like: printable text that follows a record. What precedes the first record
/// of a file, and binary garbage, belongs to no record.
pub fn continues_record(line: &[u8]) -> bool {
    let printable = !line.iter().any(|byte| *byte < b' ' && *byte != b'\t');
    printable && line.len() <= chunk::MAX_LINE
}

/// Offset of the first line that parses, looked for at the beginning of the file only: an error log
/// that does not start with a record within 64 KiB lost its head to rotation or is no error log.
fn first_record(log: &Log<'_>) -> u64 {
    const HEAD: usize = 64 << 10;
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    log.bytes
        .lines(0..HEAD)
        .find(|(offset, line)| log.read(line, *offset as u64, &mut desk).is_ok())
        .map_or(HEAD as u64, |(offset, _)| offset as u64)
}

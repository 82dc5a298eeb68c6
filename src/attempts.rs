//! The pass over what the survey noted: each line in its context, and counted if it is suspicious.
//!
//! Pages asked for in vain, which are noted too, are counted by client. Only noted lines are read, so that an ordinary log costs next to nothing here.

use crate::category::Category;
use crate::chunk;
use crate::context::Context;
use crate::counts::AccessCounts;
use crate::decode::{Decoded, Form, unescape_log};
use crate::event::{Access, Event};
use crate::evidence::capped::hash_bytes;
use crate::evidence::clients::{HitStats, status_class};
use crate::evidence::endpoints::{Attempt, Endpoint, PathStats, TextMap};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::misses::Misses;
use crate::evidence::shapes::{Shapes, VALUE, before_payload};
use crate::evidence::tries::Asked;
use crate::format::spec::{Arena, Desk};
use crate::merge::Merge;
use crate::noted::{Known, Noted};
use crate::pass::{Bounded, Cut, Limits, Log, Pool, Run, Stretch, Task, settle, work};
use crate::pattern::entry::Field;
use crate::pattern::inspector::Inspector;
use crate::pattern::set::PatternSet;
use crate::pattern::verdict::{Match, Verdict};
use crate::severity::Confidence;
use crate::syntax::condition;

/// What makes a line count.
#[derive(Clone, Copy)]
pub struct Measure<'a> {
    /// The patterns.
    pub patterns: &'a PatternSet,
    /// What surrounds each line.
    pub context: &'a Context,
    /// Records outside do not count.
    pub limits: Limits,
}

/// Counts the suspicious lines among those noted, and adds them to `counts`. `logs` are those surveyed.
pub fn count_hits(
    logs: &[Log<'_>],
    counts: &mut AccessCounts,
    measure: Measure<'_>,
    bucket_s: u64,
    run: &Run<'_>,
) {
    counts.shapes = Shapes::of(&counts.paths);
    let noted = std::mem::take(&mut counts.noted);
    let stretch = |noted: &Noted| (logs[noted.log].source, noted.start..noted.end);
    let needed: Vec<Stretch> = noted.iter().map(stretch).collect();
    let none = || AccessCounts::new(bucket_s, run.caps);
    let paths = &counts.paths;
    let make = |own: &[Stretch]| {
        let mut own = own.iter().peekable();
        let here = noted
            .iter()
            .filter(|noted| own.next_if(|own| **own == stretch(noted)).is_some());
        count_noted(
            logs,
            &here.collect::<Vec<_>>(),
            paths,
            measure,
            (bucket_s, run),
        )
    };
    let hits = settle(("hits", Cut::Never), (logs, run), needed, none, make);
    counts.merge(hits);
    counts.fit();
    counts.flush();
}

/// Counts the suspicious lines of some lists; `paths` are those of the site.
fn count_noted(
    logs: &[Log<'_>],
    noted: &[&Noted],
    paths: &TextMap<PathStats>,
    measure: Measure<'_>,
    (bucket_s, run): (u64, &Run<'_>),
) -> AccessCounts {
    let tasks: Vec<Task> = (0..)
        .zip(noted)
        .map(|(index, noted)| (index, noted.start..noted.end))
        .collect();
    let none = || AccessCounts::new(bucket_s, run.caps);
    let pool = Pool::new(&run.caps);
    let start = || Worker {
        counts: none(),
        inspector: Inspector::new(measure.patterns),
        reader: Reader::new(paths),
        measure,
    };
    let workers = work(&tasks, run, start, |worker, (index, _)| {
        let noted = noted[*index];
        worker.chunk(&logs[noted.log], noted);
        pool.relieve(&mut worker.counts);
    });
    let hits = pool.all(workers.into_iter().map(|worker| worker.counts));
    hits.unwrap_or_else(none)
}

/// How a line is judged.
enum Judged<'v> {
    /// By looking at its words again.
    Anew,
    /// As the survey judged it, except for what the answer says.
    As(Option<&'v mut Verdict>),
}

struct Worker<'a> {
    counts: AccessCounts,
    inspector: Inspector<'a>,
    reader: Reader<'a>,
    measure: Measure<'a>,
}

impl Worker<'_> {
    fn chunk(&mut self, log: &Log<'_>, noted: &Noted) {
        let bytes = log.bytes.get(noted.start..noted.end);
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let Some(listed) = &noted.lines else {
            for (offset, line) in chunk::lines(bytes) {
                self.line(
                    log,
                    (noted.start + offset) as u64,
                    line,
                    Judged::Anew,
                    &mut desk,
                );
            }
            return;
        };
        let mut findings = listed.findings(self.measure.patterns);
        for (offset, known) in listed.lines() {
            let judged = match known {
                Known::Nothing => Judged::As(None),
                Known::Unknown => Judged::Anew,
                Known::Finding(index) => match findings.get_mut(index) {
                    Some(finding) => Judged::As(finding.as_mut()),
                    None => Judged::Anew,
                },
            };
            let line = bytes.get(offset..).unwrap_or_default();
            if let Some((_, line)) = chunk::lines(line).next() {
                self.line(log, (noted.start + offset) as u64, line, judged, &mut desk);
            }
        }
    }

    fn line<'l>(
        &mut self,
        log: &Log<'_>,
        offset: u64,
        line: &'l [u8],
        judged: Judged<'_>,
        desk: &mut Desk<'l>,
    ) {
        let Ok(Event::Access(access)) = log.read(line, offset, desk) else {
            return;
        };
        if !self.measure.limits.contain(access.time.secs()) || log.party(access.client).is_some() {
            return;
        }
        let at = Locator {
            time: access.time,
            source: log.source,
            offset,
        };
        if access.is_rejected_page()
            && let Some(misses) = self.counts.misses.entry(access.client, Misses::default)
        {
            misses.note(&access, at);
        }
        let Measure {
            patterns, context, ..
        } = self.measure;
        let verdict = match judged {
            Judged::Anew => self.inspector.inspect(&access),
            Judged::As(None) => None,
            Judged::As(Some(verdict)) => {
                verdict.given(patterns, access.status);
                Some(&*verdict)
            }
        };
        if let Some(weighed) = context.weigh(&access, verdict, patterns)
            && weighed.confidence >= Confidence::Medium
        {
            let hit = Hit {
                access: &access,
                at,
                confidence: weighed.confidence,
                micros: log.duration_us(&access),
            };
            note_hit(&mut self.counts, patterns, &hit, verdict);
            if let Some(verdict) = verdict {
                note_attempts(&mut self.counts, patterns, &hit, verdict, &mut self.reader);
            }
        }
    }
}

/// What a line without a payload is part of.
const WITHOUT_PAYLOAD: &[Category] = &[Category::Scanner];

/// A suspicious line.
#[derive(Clone, Copy)]
struct Hit<'a> {
    access: &'a Access<'a>,
    at: Locator,
    confidence: Confidence,
    /// How long the answer took, in microseconds.
    micros: Option<u64>,
}

/// Counts a suspicious line; `verdict` is what its own words say, if anything.
fn note_hit(counts: &mut AccessCounts, set: &PatternSet, hit: &Hit<'_>, verdict: Option<&Verdict>) {
    let (access, at) = (hit.access, hit.at);
    let categories = verdict.map_or(WITHOUT_PAYLOAD, |verdict| &verdict.categories);
    let class = status_class(access.status);
    counts.hits += 1;
    for category in categories {
        counts.hits_by_category[category.index()] += 1;
    }
    counts.minutes.cell(at.time.secs()).hits += 1;
    counts.buckets.cell(at.time.secs()).hits += 1;
    let answered = class == 1 || class == 2;
    if let Some(client) = counts.hit_clients.entry(access.client, HitStats::default) {
        let direct = verdict.is_some_and(|verdict| is_direct(set, verdict));
        let high = hit.confidence == Confidence::High;
        client.note(at.time, categories, direct, high, answered);
        client.paths.note(hash_bytes(access.path()));
        if let Some(agent) = access.user_agent {
            client.agents.note(hash_bytes(agent));
        }
    }
    if let Some(samples) = counts.hit_samples.entry(access.client, FirstK::default) {
        samples.push(at);
    }
}

/// Counts the payloads of a line under the places that they aim at.
fn note_attempts(
    counts: &mut AccessCounts,
    set: &PatternSet,
    hit: &Hit<'_>,
    verdict: &Verdict,
    reader: &mut Reader<'_>,
) {
    let access = hit.access;
    let payloads = verdict.categories.iter().copied();
    for category in payloads.filter(|category| !category.is_reconnaissance()) {
        let of_category = || {
            let matches = verdict.matches.iter();
            matches.filter(|found| set.pattern(found.pattern).category == category)
        };
        let parameter = of_category()
            .find_map(|found| found.parameter.as_deref())
            .or_else(|| of_category().find_map(|found| header(found.field)));
        let asked = reader.read(access, parameter);
        let attempt = Attempt {
            high: hit.confidence == Confidence::High,
            category,
            path: reader.place(access.path()),
            parameter,
            client: access.client,
            at: hit.at,
            status: access.status,
            bytes: access.bytes,
            micros: hit.micros,
            asked,
        };
        let endpoint = counts
            .endpoints
            .entry(attempt.key(), || Endpoint::new(&attempt));
        if let Some(endpoint) = endpoint {
            let class = status_class(access.status);
            endpoint.note(&attempt, class, of_category().map(|found| found.pattern.0));
        }
    }
}

/// Reads what payloads ask; keeps its buffers from line to line.
struct Reader<'a> {
    /// The paths that the site has.
    own: &'a TextMap<PathStats>,
    raw: Vec<u8>,
    scratch: Vec<u8>,
    decoded: Decoded,
    plain: Vec<u8>,
    skeleton: Vec<u8>,
    place: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(own: &'a TextMap<PathStats>) -> Reader<'a> {
        Reader {
            own,
            raw: Vec::new(),
            scratch: Vec::new(),
            decoded: Decoded::default(),
            plain: Vec::new(),
            skeleton: Vec::new(),
            place: Vec::new(),
        }
    }

    /// What the payload in `parameter`, or in the whole target, asks.
    fn read(&mut self, access: &Access<'_>, parameter: Option<&[u8]>) -> Asked {
        let target = access.target;
        let value = parameter.and_then(|name| value_of(access.query()?, name));
        let value = value.unwrap_or(target);
        let value = match unescape_log(value, &mut self.raw) {
            true => &self.raw,
            false => value,
        };
        self.decoded
            .decode(value, Form::Urlencoded, &mut self.scratch);
        condition::plain(&self.decoded.lower, &mut self.plain);
        condition::skeleton(&self.plain, &mut self.skeleton);
        let millis = |seconds: f64| (seconds * 1000.0) as u32;
        Asked {
            length: u32::try_from(target.len()).unwrap_or(u32::MAX),
            shape: hash_bytes(&self.skeleton),
            text: hash_bytes(&self.plain),
            truth: condition::truth(&self.plain),
            delay_ms: condition::delay_s(&self.plain).map(millis),
            reads: condition::reads(&self.plain),
            means: condition::means(&self.plain),
        }
    }

    /// The place that a path is: itself when the site has it, and its shape when the payload stands in it.
    fn place<'p>(&'p mut self, path: &'p [u8]) -> &'p [u8] {
        let known = self.own.get(&hash_bytes(path));
        match before_payload(path) {
            Some(folder) if known.is_none_or(|path| path.stats.ordinary == 0) => {
                self.place.clear();
                self.place.extend_from_slice(folder);
                self.place.extend_from_slice(VALUE);
                &self.place
            }
            _ => path,
        }
    }
}

/// The value of the first parameter of this name, as it stands in the query.
fn value_of<'a>(query: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find_iter(query, name).find(|at| {
        let begins = *at == 0 || matches!(query[at - 1], b'&' | b';');
        begins && query.get(at + name.len()) == Some(&b'=')
    })?;
    let value = &query[at + name.len() + 1..];
    let end = memchr::memchr(b'&', value).unwrap_or(value.len());
    Some(&value[..end])
}

/// A payload stands in the request or the user agent, not only in the referer.
fn is_direct(set: &PatternSet, verdict: &Verdict) -> bool {
    let payload = |found: &Match| !set.pattern(found.pattern).category.is_reconnaissance();
    verdict
        .matches
        .iter()
        .any(|found| payload(found) && found.field != Field::Referer)
}

/// The header that a field is, as the report names an attacked place.
fn header(field: Field) -> Option<&'static [u8]> {
    match field {
        Field::Referer => Some(REFERER),
        Field::UserAgent => Some(b"User-Agent"),
        Field::Extra => Some(b"another header"),
        _ => None,
    }
}

/// See `header`.
pub const REFERER: &[u8] = b"Referer";

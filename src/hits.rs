//! The suspicious lines of access logs, one record each, in the order of the input.
//!
//! Lists, and decides nothing: what a line is was the patterns' verdict, what it means is the scan's.
//! Error logs repeat requests that access logs have, so they are not read here.

use std::io;
use std::ops::Range;

use rayon::ThreadPool;
use schemars::JsonSchema;
use serde::Serialize;

use crate::category::Category;
use crate::chunk;
use crate::context::{Context, Shift, Weighed};
use crate::error::Warning;
use crate::event::{Access, Event};
use crate::evidence::caps::{Caps, Share};
use crate::format::spec::{Arena, Desk};
use crate::pass::{Limits, Log, Run, Task, tasks, work};
use crate::pattern::entry::Field;
use crate::pattern::inspector::Inspector;
use crate::pattern::set::PatternSet;
use crate::pattern::verdict::{Match, Verdict};
use crate::severity::{Confidence, Severity};
use crate::text::{counted, visible};
use crate::time::Time;

/// How many times its bytes a suspicious line may take: its target and what matched, with each byte that is no text written
/// as four.
const EXPANSION: usize = 8;

/// How many bytes of logs are judged before their hits are handed on, in order: enough that workers
/// seldom wait for each other, and little enough that a log full of attacks stays within memory.
fn wave_bytes(caps: &Caps) -> usize {
    (caps.of(Share::Windows) + caps.of(Share::Parts)) / EXPANSION
}

/// A suspicious line. What the line does not say is `null`; bytes that are no text show as `\xHH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HitLine<'a> {
    /// The input.
    pub source: &'a str,
    /// 1-based; `null` where the lines before were not read.
    pub line: Option<u64>,
    /// Bytes before the line, after decompression.
    pub offset: u64,
    /// When, as logged; `null` for a line in no format, like the four fields below.
    pub time: Option<Time>,
    /// The client, as logged.
    pub client: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The request target, as logged.
    pub target: Option<String>,
    /// The status code.
    pub status: Option<u16>,
    /// The gravest of `categories` among the surest matches.
    pub category: Category,
    /// Every category that matched, gravest first.
    pub categories: Vec<Category>,
    /// The ids of the patterns that matched.
    pub patterns: Vec<&'a str>,
    /// How much harm a success would mean.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where the match that `category` names was found.
    pub field: Field,
    /// The decoded text that it matched.
    pub matched: String,
    /// What the line's surroundings did to `confidence`; `null` if nothing.
    pub context: Option<Shift>,
}

/// What is looked for, and in which records.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// The patterns.
    pub patterns: &'a PatternSet,
    /// What surrounds each line.
    pub context: &'a Context,
    /// Only records of this time. Lines without a time always count.
    pub limits: Limits,
    /// Only hits at least this sure.
    pub min_confidence: Confidence,
}

/// Hands every suspicious line of `logs` to `sink`, by source and line. `name` gives the name of a
/// source. The same whatever the number of threads in `pool` and the size of chunks. `sink` is called
/// from this thread alone. Returns how many requests were not judged because their clients are known.
///
/// # Errors
/// What the sink returns; nothing is judged after that.
pub fn hits<'a>(
    logs: &[Log<'a>],
    name: impl Fn(u32) -> &'a str + Sync,
    search: Search<'a>,
    run: &Run<'_>,
    pool: &ThreadPool,
    sink: &mut dyn FnMut(&HitLine<'a>) -> io::Result<()>,
) -> io::Result<u64> {
    let tasks = tasks(logs, run.chunk_bytes);
    let mut log = 0;
    let before = |log: usize| logs.get(log)?.part.lines_before;
    let mut lines_before = before(log);
    let mut aside = 0;
    for wave in waves(&tasks, wave_bytes(&run.caps)) {
        let judged = pool.install(|| judge(wave, logs, &name, search, run));
        for mut done in judged {
            if done.log != log {
                (log, lines_before) = (done.log, before(done.log));
            }
            for hit in &mut done.hits {
                hit.line = hit
                    .line
                    .zip(lines_before)
                    .map(|(line, before)| line + before);
                sink(hit)?;
            }
            lines_before = lines_before.map(|before| before + done.lines);
            aside += done.aside;
        }
    }
    Ok(aside)
}

/// What must be said where requests of known clients were not judged.
pub fn set_aside(requests: u64) -> Option<Warning> {
    (requests > 0).then(|| Warning {
        code: "known_clients_skipped".into(),
        message: format!(
            "{} of clients named by --exclude and --known {} not judged; leave the options out to see their lines",
            counted(requests, "request", "requests"),
            if requests == 1 { "was" } else { "were" }
        ),
        input: None,
    })
}

/// Groups tasks that follow each other so that each group has about so many bytes.
fn waves(tasks: &[Task], most: usize) -> impl Iterator<Item = &[Task]> {
    let mut rest = tasks;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let count = rest
            .iter()
            .take_while(|(_, range)| {
                let first = bytes == 0;
                bytes += range.len();
                first || bytes <= most
            })
            .count();
        let (wave, after) = rest.split_at(count);
        rest = after;
        (count > 0).then_some(wave)
    })
}

/// What was found in a chunk; line numbers count from its beginning.
struct Done<'a> {
    log: usize,
    start: usize,
    lines: u64,
    aside: u64,
    hits: Vec<HitLine<'a>>,
}

/// Judges the chunks of a wave in parallel; the results are in the order of the input.
fn judge<'a>(
    wave: &[Task],
    logs: &[Log<'a>],
    name: &(impl Fn(u32) -> &'a str + Sync),
    search: Search<'a>,
    run: &Run<'_>,
) -> Vec<Done<'a>> {
    let start = || Worker {
        judge: Judge::new(search),
        done: Vec::new(),
    };
    let workers = work(wave, run, start, |worker, (index, range)| {
        let log = &logs[*index];
        worker.chunk(*index, log, name(log.source), range);
    });
    let mut done: Vec<Done<'a>> = workers.into_iter().flat_map(|worker| worker.done).collect();
    done.sort_unstable_by_key(|done| (done.log, done.start));
    done
}

struct Worker<'a> {
    judge: Judge<'a>,
    done: Vec<Done<'a>>,
}

impl<'a> Worker<'a> {
    fn chunk(&mut self, index: usize, log: &Log<'a>, name: &'a str, range: &Range<usize>) {
        let mut done = Done {
            log: index,
            start: range.start,
            lines: 0,
            aside: 0,
            hits: Vec::new(),
        };
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        for (offset, line) in chunk::lines(log.bytes.get(range.clone())) {
            done.lines += 1;
            let origin = Origin {
                source: name,
                line: Some(done.lines),
                offset: (range.start + offset) as u64,
            };
            done.hits
                .extend(self.judge.line(log, line, origin, &mut desk));
        }
        done.aside = std::mem::take(&mut self.judge.aside);
        self.done.push(done);
    }
}

/// Judges one line after the other.
pub struct Judge<'s> {
    search: Search<'s>,
    inspector: Inspector<'s>,
    /// Requests of known clients, which are not judged.
    pub aside: u64,
}

impl<'s> Judge<'s> {
    /// A judge who looks for what `search` says.
    pub fn new(search: Search<'s>) -> Judge<'s> {
        Judge {
            search,
            inspector: Inspector::new(search.patterns),
            aside: 0,
        }
    }

    /// What is suspicious about a line of `log`.
    #[inline]
    pub fn line<'l>(
        &mut self,
        log: &Log<'_>,
        line: &'l [u8],
        origin: Origin<'s>,
        desk: &mut Desk<'l>,
    ) -> Option<HitLine<'s>> {
        if line.is_empty() {
            return None;
        }
        let record = match log.read(line, origin.offset, desk) {
            Ok(Event::Access(record)) => Some(record),
            // What the server says of itself, which the survey does not search either.
            Ok(Event::Error(_)) if log.is_mixed() => return None,
            _ => None,
        };
        let Search {
            patterns, context, ..
        } = self.search;
        let (verdict, weighed) = match &record {
            Some(record) if !self.search.limits.contain(record.time.secs()) => return None,
            Some(record) if log.party(record.client).is_some() => {
                self.aside += 1;
                return None;
            }
            Some(record) => {
                let verdict = self.inspector.inspect(record);
                (verdict, context.weigh(record, verdict, patterns)?)
            }
            None => {
                let verdict = self.inspector.inspect_line(line)?;
                (Some(verdict), Weighed::alone(verdict))
            }
        };
        (weighed.confidence >= self.search.min_confidence)
            .then(|| origin.hit(record.as_ref(), verdict, weighed, patterns))
    }
}

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The input.
    pub source: &'a str,
    /// 1-based, if known.
    pub line: Option<u64>,
    /// Bytes before it.
    pub offset: u64,
}

impl<'a> Origin<'a> {
    /// The object for a line: what its words say, if anything, and what its context makes of them.
    fn hit(
        self,
        record: Option<&Access<'_>>,
        verdict: Option<&Verdict>,
        weighed: Weighed,
        patterns: &'a PatternSet,
    ) -> HitLine<'a> {
        let field = |field: Option<&[u8]>| {
            let given = field.filter(|field| !field.is_empty());
            given.map(|field| visible(field).into_owned())
        };
        let path = record.map_or(&b""[..], Access::path);
        let words = verdict.and_then(|verdict| foremost(verdict, patterns));
        let (place, matched) =
            words.map_or((Field::Path, path), |found| (found.field, &found.matched));
        HitLine {
            source: self.source,
            line: self.line,
            offset: self.offset,
            time: record.map(|record| record.time),
            client: field(record.map(|record| record.client_text)),
            method: field(record.map(|record| record.method)),
            target: field(record.map(|record| record.target)),
            status: record.and_then(|record| record.status),
            category: verdict.map_or(Category::Scanner, |verdict| verdict.category),
            categories: verdict.map_or_else(
                || vec![Category::Scanner],
                |verdict| verdict.categories.clone(),
            ),
            patterns: verdict.map_or_else(Vec::new, |verdict| pattern_ids(verdict, patterns)),
            severity: verdict.map_or(Severity::Low, |verdict| verdict.severity),
            confidence: weighed.confidence,
            field: place,
            matched: visible(matched).into_owned(),
            context: weighed.shift,
        }
    }
}

/// The match that the verdict's category rests on.
fn foremost<'v>(verdict: &'v Verdict, patterns: &PatternSet) -> Option<&'v Match> {
    let speaks = |hit: &&Match| {
        let pattern = patterns.pattern(hit.pattern);
        pattern.category == verdict.category && pattern.confidence == verdict.confidence
    };
    verdict
        .matches
        .iter()
        .find(speaks)
        .or(verdict.matches.first())
}

/// Every pattern once; matches are ordered by pattern.
fn pattern_ids<'a>(verdict: &Verdict, patterns: &'a PatternSet) -> Vec<&'a str> {
    let mut ids: Vec<_> = verdict.matches.iter().map(|hit| hit.pattern).collect();
    ids.dedup();
    ids.into_iter()
        .map(|id| patterns.pattern(id).id.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::vote;
    use crate::pattern::load;
    use std::sync::LazyLock;

    static PATTERNS: LazyLock<PatternSet> = LazyLock::new(|| load::embedded().unwrap());

    static ALONE: LazyLock<Context> = LazyLock::new(Context::none);

    const ALWAYS: Limits = Limits {
        since: i64::MIN,
        until: i64::MAX,
    };

    fn line(n: usize, target: &str) -> String {
        format!(
            "192.0.2.{} - - [19/May/2026:14:02:{:02} +0200] \"GET {target} HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0\"\n",
            n % 200,
            n % 60
        )
    }

    /// Two logs: attacks, ordinary lines, blank lines, and lines in no format.
    fn logs() -> [String; 2] {
        let attack = "/item?id=1'%20UNION%20SELECT%20password%20FROM%20users--";
        let mut first = String::from("\n");
        for n in 0..300 {
            first += &match n % 7 {
                0 => line(n, attack),
                3 => "\r\n".to_string(),
                5 => "broken /?q=<script>alert(document.cookie)</script>\n".to_string(),
                _ => line(n, "/item?id=7"),
            };
        }
        let second = line(1, "/index.html") + line(2, attack).trim_end();
        [first, second]
    }

    fn log(text: &str) -> Log<'_> {
        Log::of(vote(text.as_bytes()).unwrap().format, text.as_bytes()).unwrap()
    }

    /// The JSON lines of the logs at this chunk size and number of threads.
    fn found(chunk_bytes: usize, threads: usize, search: Search<'static>) -> String {
        let texts = logs();
        let logs = [0, 1].map(|index| Log {
            source: index,
            ..log(&texts[index as usize])
        });
        let run = Run {
            chunk_bytes,
            caps: Default::default(),
            advance: &|_| {},
            ledger: None,
        };
        let mut out = String::new();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let name = |source: u32| ["a.log", "b.log"][source as usize];
        let mut print = |hit: &HitLine<'_>| {
            out += &serde_json::to_string(hit).map_err(io::Error::other)?;
            out.push('\n');
            Ok(())
        };
        hits(&logs, name, search, &run, &pool, &mut print).unwrap();
        out
    }

    fn search() -> Search<'static> {
        Search {
            patterns: &PATTERNS,
            context: &ALONE,
            limits: ALWAYS,
            min_confidence: Confidence::Medium,
        }
    }

    #[test]
    fn a_hit_has_every_field_of_the_contract() {
        let all = found(1 << 20, 1, search());
        let mut lines = all.lines();
        let first: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(first["source"], "a.log");
        assert_eq!(first["line"], 2);
        assert_eq!(first["time"], "2026-05-19T12:02:00Z");
        assert_eq!(first["client"], "192.0.2.0");
        assert_eq!(first["method"], "GET");
        assert_eq!(
            first["target"],
            "/item?id=1'%20UNION%20SELECT%20password%20FROM%20users--"
        );
        assert_eq!(first["status"], 200);
        assert_eq!(first["category"], "sql_injection");
        assert_eq!(first["confidence"], "high");
        assert!(
            first["matched"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .contains("union select")
        );
        let broken: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!(
            (&broken["line"], &broken["field"]),
            (&7.into(), &"line".into())
        );
        assert_eq!(broken["category"], "xss");
        for key in ["time", "client", "method", "target", "status"] {
            assert!(broken[key].is_null(), "{key}");
        }
        let keys = |value: &serde_json::Value| value.as_object().unwrap().len();
        assert_eq!((keys(&first), keys(&broken)), (16, 16));
        let last: serde_json::Value = serde_json::from_str(all.lines().last().unwrap()).unwrap();
        assert_eq!(
            (&last["source"], &last["line"]),
            (&"b.log".into(), &2.into())
        );
    }

    #[test]
    fn chunk_size_and_threads_cannot_be_seen() {
        let reference = found(1 << 20, 1, search());
        assert_eq!(reference.lines().count(), 43 + 43 + 1);
        for (chunk_bytes, threads) in [(1, 1), (1, 3), (100, 2), (777, 4), (5000, 3)] {
            assert_eq!(
                found(chunk_bytes, threads, search()),
                reference,
                "{chunk_bytes}"
            );
        }
    }

    #[test]
    fn limits_of_time_and_confidence_hold() {
        let second = |text| Time::parse_rfc3339(text).unwrap().secs();
        let limits = Limits {
            since: second("2026-05-19T12:02:00Z"),
            until: second("2026-05-19T12:02:09Z"),
        };
        let within = found(1 << 20, 1, Search { limits, ..search() });
        let timed = within
            .lines()
            .filter(|line| !line.contains("\"time\":null"));
        assert!(timed.clone().count() > 0);
        for line in timed {
            assert!(line.contains("\"time\":\"2026-05-19T12:02:0"), "{line}");
        }
        let low = found(
            1 << 20,
            1,
            Search {
                min_confidence: Confidence::Low,
                ..search()
            },
        );
        let high = found(
            1 << 20,
            1,
            Search {
                min_confidence: Confidence::High,
                ..search()
            },
        );
        assert!(low.lines().count() >= high.lines().count());
        assert!(
            high.lines()
                .all(|line| line.contains("\"confidence\":\"high\""))
        );
    }

    #[test]
    fn a_closed_pipe_ends_the_search() {
        let text = line(0, "/?q=<script>alert(1)</script>").repeat(3);
        let log = log(&text);
        let run = Run {
            chunk_bytes: 1,
            caps: Default::default(),
            advance: &|_| {},
            ledger: None,
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let mut calls = 0;
        let mut closed = |_: &HitLine<'_>| {
            calls += 1;
            Err(io::Error::from(io::ErrorKind::BrokenPipe))
        };
        let ended = hits(&[log], |_| "a", search(), &run, &pool, &mut closed);
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(calls, 1);
    }

    #[test]
    fn waves_keep_order_and_leave_nothing_out() {
        const MOST: usize = 1000;
        let sizes = [MOST * 2, 5, MOST - 4, 4, 1, 1];
        let tasks: Vec<Task> = sizes.iter().map(|&size| (0, 0..size)).collect();
        let groups: Vec<usize> = waves(&tasks, MOST).map(<[Task]>::len).collect();
        assert_eq!(groups, [1, 1, 2, 2]);
        assert_eq!(waves(&[], MOST).count(), 0);
    }
}

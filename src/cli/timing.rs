//! `aftertrace patterns check --timing`: what each entry costs, by the clock.
//!
//! The library has no clock; here is the only one. Figures are nanoseconds for each KiB of text that an
//! entry is tried on, and with logs the time that each entry took of them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aftertrace::decode::Decoded;
use aftertrace::error::{Result, Warning};
use aftertrace::event::Event;
use aftertrace::format::spec::{Arena, Desk, LogKind};
use aftertrace::inputs::{Inputs, Reading};
use aftertrace::pass::Who;
use aftertrace::pattern::cost::{self, Probe};
use aftertrace::pattern::entry::{Pattern, PatternId};
use aftertrace::pattern::inspector::Inspector;
use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::pattern::watch::{Told, Watch};
use aftertrace::readers::FormatOptions;
use serde::Serialize;

use super::columns;

/// How often a measurement is repeated; the fastest counts, for everything else is disturbance.
const REPEATS: usize = 3;

/// How long one measurement takes at least.
const SPAN: Duration = Duration::from_micros(200);

/// Bytes of a worst-case text.
const WORST_TEXT: usize = 16 * 1024;

/// How many times longer the text is that shows whether the cost of a byte grows with the length. The
/// longer one is as long as a field can be that is looked at.
const LONGER: usize = 4;

/// Bytes of a KiB.
const KIB: f64 = 1024.0;

/// What everything costs.
#[derive(Debug, Serialize)]
pub struct Timing {
    /// The entries, dearest first.
    entries: Vec<Entry>,
    /// With logs: the grammars, dearest first. An entry that asks one is not charged for it, for the
    /// answer serves all.
    #[serde(skip_serializing_if = "Option::is_none")]
    grammars: Option<Vec<Grammar>>,
    /// With logs: the lines that were judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
}

/// What one entry costs.
#[derive(Debug, Serialize)]
struct Entry {
    id: String,
    /// States of the expression's automaton.
    states: Option<usize>,
    /// Nanoseconds for each KiB of its own samples.
    samples_ns_per_kib: Option<f64>,
    /// Nanoseconds for each KiB of the worst text that was derived for it.
    worst_ns_per_kib: Option<f64>,
    /// How much more each KiB costs in a text that is four times as long: 1 is linear, 4 quadratic.
    growth: Option<f64>,
    /// What it costs on the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<OnLogs>,
}

/// What something costs on logs.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct OnLogs {
    /// Texts that it was tried on.
    tried: u64,
    /// Texts that it matched.
    fired: u64,
    /// Nanoseconds, the clock's own included.
    ns: u64,
    /// Of the time of all entries and grammars, 0 to 1.
    share: f64,
}

/// What one grammar costs.
#[derive(Debug, Serialize)]
struct Grammar {
    name: String,
    #[serde(flatten)]
    logs: OnLogs,
}

/// Measures every entry, on logs too when some are given; also what was wrong with these.
pub fn measure(set: &PatternSet, logs: &[PathBuf]) -> Result<(Timing, Vec<Warning>)> {
    let mut entries: Vec<Entry> = (0u16..)
        .zip(set.patterns())
        .map(|(index, pattern)| alone(set, PatternId(index), pattern))
        .collect();
    let mut timing = Timing {
        entries: Vec::new(),
        grammars: None,
        lines: None,
    };
    let mut warnings = Vec::new();
    if !logs.is_empty() {
        let formats = FormatOptions::default();
        let reading = Reading {
            mmap: true,
            formats: &formats,
            who: &Who::default(),
        };
        let inputs = Inputs::open(logs, &reading)?;
        let (stopwatch, lines) = on_logs(set, &inputs)?;
        for (entry, spent) in entries.iter_mut().zip(&stopwatch.entries) {
            entry.logs = Some(*spent);
        }
        timing.grammars = Some(stopwatch.grammars());
        timing.lines = Some(lines);
        warnings = inputs.warnings;
    }
    entries.sort_by(|a, b| {
        let time = |entry: &Entry| entry.logs.map_or(0, |logs| logs.ns);
        let worst = |entry: &Entry| entry.worst_ns_per_kib.unwrap_or(0.0);
        (time(b).cmp(&time(a)))
            .then(worst(b).total_cmp(&worst(a)))
            .then(a.id.cmp(&b.id))
    });
    timing.entries = entries;
    Ok((timing, warnings))
}

/// An entry on its own samples and on the worst texts derived for it.
fn alone(set: &PatternSet, id: PatternId, pattern: &Pattern) -> Entry {
    let probe = Probe::new(set, id);
    let samples = load::sample_texts(set, id);
    let worst = cost::worst_texts(pattern, WORST_TEXT);
    let longer = cost::worst_texts(pattern, WORST_TEXT * LONGER);
    let dearest = worst
        .iter()
        .zip(&longer)
        .filter_map(|(text, longer)| Some((per_kib(&probe, std::slice::from_ref(text))?, longer)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let growth = dearest.and_then(|(cost, longer)| {
        let long = per_kib(&probe, std::slice::from_ref(longer))?;
        (cost > 0.0).then(|| round(long / cost))
    });
    Entry {
        id: pattern.id.clone(),
        states: pattern.regex.as_deref().and_then(cost::states),
        samples_ns_per_kib: per_kib(&probe, &samples),
        worst_ns_per_kib: dearest.map(|(cost, _)| cost),
        growth,
        logs: None,
    }
}

/// Nanoseconds for each KiB of the texts; `None` when they are empty.
fn per_kib(probe: &Probe<'_>, texts: &[Decoded]) -> Option<f64> {
    let bytes: usize = texts.iter().map(|text| text.lower.len()).sum();
    if bytes == 0 {
        return None;
    }
    let mut fastest = f64::INFINITY;
    for _ in 0..REPEATS {
        let started = Instant::now();
        let mut rounds = 0u32;
        while started.elapsed() < SPAN || rounds == 0 {
            for text in texts {
                std::hint::black_box(probe.matches(std::hint::black_box(text)));
            }
            rounds += 1;
        }
        let spent = started.elapsed().as_nanos() as f64;
        fastest = fastest.min(spent / f64::from(rounds));
    }
    Some(round(fastest * KIB / bytes as f64))
}

/// To a tenth: the rest is noise.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Judges every line of the access logs as a scan does, gate and memory included.
fn on_logs<'s>(set: &'s PatternSet, inputs: &Inputs) -> Result<(Stopwatch<'s>, u64)> {
    inputs.check()?;
    let mut stopwatch = Stopwatch::new(set);
    let mut inspector = Inspector::new(set).watched(&mut stopwatch);
    let mut judged = 0;
    for log in inputs.logs(LogKind::Access) {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        for (at, line) in log
            .bytes
            .lines(0..log.bytes.len())
            .filter(|(_, line)| !line.is_empty())
        {
            judged += 1;
            match log.read(line, at as u64, &mut desk) {
                Ok(Event::Access(record)) => inspector.inspect(&record),
                _ => inspector.inspect_line(line),
            };
        }
    }
    drop(inspector);
    stopwatch.share_out();
    inputs.check()?;
    Ok((stopwatch, judged))
}

/// What the time goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    Nothing,
    Entry(usize),
    Grammar(usize),
}

/// Takes the time of every entry and grammar.
struct Stopwatch<'s> {
    patterns: &'s [Pattern],
    entries: Vec<OnLogs>,
    /// The grammar that each entry asks.
    grammar_of: Vec<Option<usize>>,
    grammar_names: Vec<&'s str>,
    grammars: Vec<OnLogs>,
    running: Running,
    current: usize,
    since: Instant,
}

impl<'s> Stopwatch<'s> {
    fn new(set: &'s PatternSet) -> Stopwatch<'s> {
        let patterns = set.patterns();
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let grammar_of: Vec<Option<usize>> = patterns
            .iter()
            .map(|pattern| {
                let (grammar, _) = pattern.syntax.as_deref()?.split_once('.')?;
                let next = numbers.len();
                Some(*numbers.entry(grammar).or_insert(next))
            })
            .collect();
        let mut grammar_names = vec![""; numbers.len()];
        for (name, number) in &numbers {
            grammar_names[*number] = name;
        }
        Stopwatch {
            patterns,
            entries: vec![OnLogs::default(); patterns.len()],
            grammar_of,
            grammars: vec![OnLogs::default(); grammar_names.len()],
            grammar_names,
            running: Running::Nothing,
            current: 0,
            since: Instant::now(),
        }
    }

    /// Books the time since the last event, and starts anew for `next`.
    fn turn(&mut self, next: Running) {
        let now = Instant::now();
        let spent = now.duration_since(self.since).as_nanos() as u64;
        match self.running {
            Running::Nothing => {}
            Running::Entry(index) => self.entries[index].ns += spent,
            Running::Grammar(index) => self.grammars[index].ns += spent,
        }
        self.running = next;
        self.since = now;
    }

    /// Says what part of the whole each took.
    fn share_out(&mut self) {
        let whole: u64 = self
            .entries
            .iter()
            .chain(&self.grammars)
            .map(|of| of.ns)
            .sum();
        for of in self.entries.iter_mut().chain(&mut self.grammars) {
            of.share = of.ns as f64 / whole.max(1) as f64;
        }
    }

    fn grammars(&self) -> Vec<Grammar> {
        let mut all: Vec<Grammar> = self
            .grammar_names
            .iter()
            .zip(&self.grammars)
            .map(|(name, logs)| Grammar {
                name: (*name).to_string(),
                logs: *logs,
            })
            .collect();
        all.sort_by(|a, b| b.logs.ns.cmp(&a.logs.ns).then(a.name.cmp(&b.name)));
        all
    }
}

impl Watch for Stopwatch<'_> {
    fn told(&mut self, event: Told<'_>) {
        match event {
            Told::Tried(id) => {
                self.current = usize::from(id.0);
                self.entries[self.current].tried += 1;
                self.turn(Running::Entry(self.current));
            }
            Told::Asked => {
                if let Some(grammar) = self.grammar_of[self.current] {
                    self.grammars[grammar].tried += 1;
                    self.turn(Running::Grammar(grammar));
                }
            }
            Told::Fired { .. } => {
                self.entries[self.current].fired += 1;
                if let Some(grammar) = self.grammar_of[self.current] {
                    self.grammars[grammar].fired += 1;
                }
                self.turn(Running::Entry(self.current));
            }
            Told::Done => self.turn(Running::Nothing),
            Told::Unescaped { .. } | Told::Text(_) => {}
        }
        debug_assert!(self.current < self.patterns.len());
    }
}

/// Writes the figures as a table.
///
/// # Errors
/// Whatever the writer returns.
pub fn table(timing: &Timing, out: &mut dyn Write) -> io::Result<()> {
    let figure = |value: Option<f64>| value.map_or("-".to_string(), |value| format!("{value:.0}"));
    let mut head = vec!["ID", "STATES", "SAMPLES NS/KIB", "WORST NS/KIB", "GROWTH"];
    if timing.lines.is_some() {
        head.extend(["TRIED", "FIRED", "TIME US", "SHARE"]);
    }
    let mut rows: Vec<Vec<String>> = vec![head.into_iter().map(String::from).collect()];
    for entry in &timing.entries {
        let states = entry
            .states
            .map_or("-".to_string(), |states| states.to_string());
        let mut row = vec![
            entry.id.clone(),
            states,
            figure(entry.samples_ns_per_kib),
            figure(entry.worst_ns_per_kib),
            entry
                .growth
                .map_or("-".to_string(), |growth| format!("{growth:.1}")),
        ];
        row.extend(entry.logs.iter().flat_map(on_logs_cells));
        rows.push(row);
    }
    for grammar in timing.grammars.iter().flatten() {
        let mut row = vec![format!("(grammar {})", grammar.name)];
        row.extend(["-", "-", "-", "-"].map(String::from));
        row.extend(on_logs_cells(&grammar.logs));
        rows.push(row);
    }
    columns(&rows, out)
}

fn on_logs_cells(logs: &OnLogs) -> [String; 4] {
    /// Nanoseconds of a microsecond.
    const MICRO: u64 = 1000;
    [
        logs.tried.to_string(),
        logs.fired.to_string(),
        (logs.ns / MICRO).to_string(),
        format!("{:.1}%", logs.share * 100.0),
    ]
}

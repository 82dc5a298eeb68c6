//! The whole way from paths to a report: the order of the passes, and nothing that they do.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::path::PathBuf;
use std::thread;

use crate::actor;
use crate::ahead::Ahead;
use crate::assemble::{self, ErrorClock, Read};
use crate::attempts::{Measure, count_hits};
use crate::bisect;
use crate::client::Client;
use crate::clock::{self, Basis};
use crate::cluster::{self, Cluster};
use crate::complaints::survey_errors;
use crate::context::Context;
use crate::counts::{AccessCounts, ErrorCounts};
use crate::detect::detect;
use crate::doubt;
use crate::edges::{first_time, first_zone, last_time};
use crate::error::{Error, Result, Warning};
use crate::estimates;
use crate::evidence::caps::Caps;
use crate::failures;
use crate::finding::{Case, Finding};
use crate::focus::{Subject, Window, focus};
use crate::format::spec::LogKind;
use crate::hits::{self, HitLine, Search};
use crate::incident::{self, Costs, Material};
use crate::inputs::{Inputs, Reading};
use crate::origins::{Atlas, Databases};
use crate::pace::paces;
use crate::pass::{DEFAULT_CHUNK_BYTES, Ledger, Limits, Log, Part, Run, Who};
use crate::pattern::set::PatternSet;
use crate::pattern::symptom::{self, SymptomSet};
use crate::plan::Plan;
use crate::quote::Quoter;
use crate::readers::{FormatOptions, Readers};
use crate::report::view::{Incident, Report};
use crate::room::{Look, Purse};
use crate::season::{self, Regimes};
use crate::severity::Confidence;
use crate::skew::{self, Skew};
use crate::source::map::Manner;
use crate::source::stream::stdin;
use crate::stream;
use crate::survey::Survey;
use crate::sweep::sweep;
use crate::tally::{Tally, Whole, tallies};
use crate::time::{LocalTime, Time, UtcOffset, Zone};
use crate::trace::trace;

/// A point in time as a user names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TimeBound {
    /// With a zone.
    At(Time),
    /// On the log's own clock.
    Local(LocalTime),
    /// So many seconds before the last record.
    BeforeEnd(i64),
}

/// What a scan is asked for.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// Only records from here on.
    pub since: Option<TimeBound>,
    /// Only records up to here.
    pub until: Option<TimeBound>,
    /// Bucket width of the report's series, in seconds.
    pub bucket_s: u64,
    /// The zone of logs that write none, where the user knows it.
    pub error_tz: Option<Zone>,
    /// The zone in which headlines tell times; the access log's own if not given.
    pub tz: Option<UtcOffset>,
    /// Threads; as many as there are cores if not given.
    pub threads: Option<usize>,
    /// Bytes per chunk; changes nothing but speed.
    pub chunk_bytes: Option<usize>,
    /// Map plain files rather than copy them first.
    pub mmap: bool,
    /// Judge lines in the context of their clients and of the site.
    pub context: bool,
    /// Formats that are not only told by content.
    pub formats: FormatOptions,
    /// Who the clients are.
    pub who: Who,
    /// What says where they are; without databases nothing is looked up.
    pub databases: Databases,
    /// How much memory the counts may take. Where more were needed, a part of the figures are estimates, and a warning of the
    /// report says which.
    pub caps: Caps,
}

impl Default for ScanOptions {
    fn default() -> ScanOptions {
        ScanOptions {
            since: None,
            until: None,
            bucket_s: 60,
            error_tz: None,
            tz: None,
            threads: None,
            chunk_bytes: None,
            mmap: true,
            context: true,
            formats: FormatOptions::default(),
            who: Who::default(),
            databases: Databases::default(),
            caps: Caps::default(),
        }
    }
}

impl ScanOptions {
    /// How inputs are read.
    pub fn reading(&self) -> Reading<'_> {
        Reading {
            mmap: self.mmap,
            formats: &self.formats,
            who: &self.who,
        }
    }
}

/// Is told how far a run is.
pub trait Observer: Sync {
    /// A pass over so many bytes begins.
    fn begin(&self, stage: &str, total_bytes: u64);
    /// So many more bytes are done; called from any thread.
    fn advance(&self, bytes: u64);
    /// Everything is done.
    fn finish(&self);
}

/// Tells nobody.
pub struct Silent;

impl Observer for Silent {
    fn begin(&self, _stage: &str, _total_bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn finish(&self) {}
}

/// Reads logs and reconstructs what happened.
///
/// # Errors
/// When nothing can be read, or when an option makes no sense. Inputs that cannot be read beside others that can are
/// warnings with the code `unreadable`; of a file that is shortened while it is read the report covers what is left.
pub fn analyze(
    paths: &[PathBuf],
    options: &ScanOptions,
    patterns: &PatternSet,
    observer: &dyn Observer,
) -> Result<Report> {
    let inputs = Inputs::begin(paths, &options.reading())?;
    let pool = pool(options.threads)?;
    let bucket_s = options.bucket_s.max(1);
    let mut ahead = pool.install(|| begin_survey(&inputs, options, patterns, bucket_s, observer));
    let mut inputs = inputs.identified();
    let report = loop {
        let ahead = mem::take(&mut ahead);
        let advance = |bytes| observer.advance(bytes);
        let run = run(options, &advance);
        let asked = (options, patterns);
        let report = pool.install(|| investigate(&inputs, ahead, asked, observer, &run));
        // Whatever came of a file that lost its end meanwhile; what is left of it cannot change any more.
        if !inputs.keep_what_is_left() {
            break report;
        }
    };
    observer.finish();
    report
}

/// Surveys what is there of the access logs while the rest is unpacked, unless it depends on the rest which records
/// count.
fn begin_survey(
    inputs: &Inputs,
    options: &ScanOptions,
    patterns: &PatternSet,
    bucket_s: u64,
    observer: &dyn Observer,
) -> Ahead {
    if options.since.is_some() || options.until.is_some() {
        return Ahead::default();
    }
    let advance = |bytes| observer.advance(bytes);
    let survey = Survey {
        patterns,
        limits: EVER,
        bucket_s,
    };
    observer.begin("unpacking", 0);
    Ahead::survey(inputs, survey, &run(options, &advance))
}

/// Surveys what is here of access logs by what they seem to be, unless it depends on the others which records count.
///
/// # Errors
/// When the operating system gives no threads.
pub fn survey_shares(
    inputs: &Inputs,
    options: &ScanOptions,
    patterns: &PatternSet,
    observer: &dyn Observer,
) -> Result<Ahead> {
    if options.since.is_some() || options.until.is_some() {
        return Ok(Ahead::default());
    }
    let advance = |bytes| observer.advance(bytes);
    let survey = Survey {
        patterns,
        limits: EVER,
        bucket_s: options.bucket_s.max(1),
    };
    let run = run(options, &advance);
    let survey = || Ahead::of_shares(inputs, survey, &run);
    Ok(pool(options.threads)?.install(survey))
}

/// The report on identified inputs, by what `ledger` knows of the passes. Where something is missing, it is of no use.
///
/// # Errors
/// As [`analyze`].
pub fn examine(
    inputs: &Inputs,
    ahead: Ahead,
    (options, patterns): (&ScanOptions, &PatternSet),
    observer: &dyn Observer,
    ledger: &dyn Ledger,
) -> Result<Report> {
    let advance = |bytes| observer.advance(bytes);
    let run = Run {
        ledger: Some(ledger),
        ..run(options, &advance)
    };
    let investigate = || investigate(inputs, ahead, (options, patterns), observer, &run);
    pool(options.threads)?.install(investigate)
}

fn run<'a>(options: &ScanOptions, advance: &'a (dyn Fn(u64) + Sync)) -> Run<'a> {
    Run {
        chunk_bytes: options.chunk_bytes.unwrap_or(DEFAULT_CHUNK_BYTES),
        caps: options.caps,
        advance,
        ledger: None,
    }
}

/// No limit to the time of records.
const EVER: Limits = Limits {
    since: i64::MIN,
    until: i64::MAX,
};

/// Width of a survey's buckets where nobody looks at them, in seconds.
const SURVEY_BUCKET_S: u64 = 60;

/// Hands every suspicious line of the access logs at or above a confidence to `sink`, in the order of
/// the inputs. Returns the warnings; error logs among the paths are opened, and not searched.
///
/// With context the logs are read twice. Without it, standard input alone is judged as it arrives, unless
/// its end or its zone must be known first for the time that was asked for.
///
/// # Errors
/// As [`analyze`]; and what `sink` returns, as an error of standard output.
pub fn hits(
    paths: &[PathBuf],
    options: &ScanOptions,
    patterns: &PatternSet,
    min_confidence: Confidence,
    observer: &dyn Observer,
    sink: &mut dyn FnMut(&HitLine<'_>) -> io::Result<()>,
) -> Result<Vec<Warning>> {
    let context = Context::none();
    let alone = Search {
        patterns,
        context: &context,
        limits: EVER,
        min_confidence,
    };
    let warnings = match streams(paths, options) {
        true => stream_hits(options, alone, observer, sink),
        false => {
            let inputs = Inputs::begin(paths, &options.reading())?;
            search_hits(inputs, options, alone, observer, sink)
        }
    };
    observer.finish();
    warnings
}

/// Whether [`hits()`] judges lines as they arrive.
pub fn streams(paths: &[PathBuf], options: &ScanOptions) -> bool {
    let told = |bound: Option<TimeBound>| matches!(bound, None | Some(TimeBound::At(_)));
    let only_stdin = matches!(paths, [path] if path.as_os_str() == "-");
    only_stdin && !options.context && told(options.since) && told(options.until)
}

fn stream_hits(
    options: &ScanOptions,
    search: Search<'_>,
    observer: &dyn Observer,
    sink: &mut dyn FnMut(&HitLine<'_>) -> io::Result<()>,
) -> Result<Vec<Warning>> {
    let unread = |error| Error::io("-", "cannot read standard input", error);
    let mut input = stdin().map_err(unread)?;
    if input.tar {
        // Its files cannot be told apart as they arrive.
        let inputs = Inputs::begin_stream(input.reader, "-".to_string(), &options.reading())?;
        return search_hits(inputs, options, search, observer, sink);
    }
    let search = Search {
        limits: limits(options, &[], &[])?,
        ..search
    };
    observer.begin("searching", 0);
    let advance = |bytes| observer.advance(bytes);
    let (readers, mut warnings) = Readers::new(&options.formats)?;
    let told = stream::hits(
        &mut input.reader,
        "-",
        search,
        (&readers, &options.who),
        &advance,
        sink,
    );
    warnings.extend(told.map_err(unwritten)?);
    Ok(warnings)
}

fn search_hits(
    inputs: Inputs,
    options: &ScanOptions,
    alone: Search<'_>,
    observer: &dyn Observer,
    sink: &mut dyn FnMut(&HitLine<'_>) -> io::Result<()>,
) -> Result<Vec<Warning>> {
    let advance = |bytes| observer.advance(bytes);
    let run = run(options, &advance);
    let pool = pool(options.threads)?;
    let patterns = alone.patterns;
    let mut ahead = match options.context {
        true => {
            pool.install(|| begin_survey(&inputs, options, patterns, SURVEY_BUCKET_S, observer))
        }
        false => Ahead::default(),
    };
    let mut inputs = inputs.identified();
    // A file that loses its end may be begun again until the first line is handed out.
    let (limits, parts, context, estimated) = loop {
        let ahead = mem::take(&mut ahead);
        let surroundings = || surroundings(&inputs, ahead, options, patterns, observer, &run);
        let surroundings = pool.install(surroundings);
        if !inputs.keep_what_is_left() {
            break surroundings?;
        }
    };
    inputs.warnings.extend(estimated);
    let mut logs = inputs.logs(LogKind::Access);
    for (log, part) in logs.iter_mut().zip(parts) {
        log.part = part;
    }
    let bytes = to_read(&logs);
    let search = Search {
        context: &context,
        limits,
        ..alone
    };
    observer.begin("searching", bytes);
    let name = |source: u32| inputs.sources[source as usize].name.as_str();
    let aside = hits::hits(&logs, name, search, &run, &pool, sink).map_err(unwritten)?;
    drop(logs);
    inputs.warnings.extend(hits::set_aside(aside));
    let losses = inputs.losses();
    inputs.warnings.extend(losses);
    Ok(inputs.warnings)
}

/// The time that was asked for, what is read of each log for it, and the context of the lines if it is wanted, with what of that is
/// estimated.
fn surroundings(
    inputs: &Inputs,
    ahead: Ahead,
    options: &ScanOptions,
    patterns: &PatternSet,
    observer: &dyn Observer,
    run: &Run<'_>,
) -> Result<(Limits, Vec<Part>, Context, Vec<Warning>)> {
    let mut logs = inputs.logs(LogKind::Access);
    let limits = limits(options, &logs, &inputs.logs(LogKind::Error))?;
    narrow(inputs, &mut logs, limits);
    let parts = logs.iter().map(|log| log.part.clone()).collect();
    if !options.context {
        return Ok((limits, parts, Context::none(), Vec::new()));
    }
    let survey = Survey {
        patterns,
        limits,
        bucket_s: SURVEY_BUCKET_S,
    };
    let begun = ahead.confirmed(&logs);
    observer.begin("reading", to_read(&logs) - begun.bytes());
    let access = begun.complete(&logs, survey, run);
    let estimated = estimates::of_survey(&access);
    Ok((limits, parts, Context::of(&access), estimated))
}

/// The error of a sink that takes no more.
fn unwritten(error: io::Error) -> Error {
    Error::io("standard output", "cannot write", error)
}

/// The threads that work.
///
/// # Errors
/// When the operating system gives none.
pub fn pool(threads: Option<usize>) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build()
        .map_err(|error| Error::Usage(format!("cannot start threads: {error}; try --threads 1")))
}

/// The logs of a run and what the survey counted of them.
struct Surveyed<'a> {
    access_logs: Vec<Log<'a>>,
    error_logs: Vec<Log<'a>>,
    limits: Limits,
    access: AccessCounts,
    errors: ErrorCounts,
    symptoms: SymptomSet,
    /// The access logs' own zone.
    zone: Option<UtcOffset>,
    clocks: Vec<ErrorClock>,
    /// First and last time near the ends of the access logs, where only a part was asked for.
    reach: Option<(Time, Time)>,
}

impl Surveyed<'_> {
    /// What was read of each source, by its index. Of a log with records of both kinds, what the pass read whose books are
    /// reported.
    fn parts(&self) -> BTreeMap<u32, Part> {
        let of_kind = |logs: &'_ [Log<'_>], kind: LogKind| {
            let logs = logs.iter().filter(|log| log.format.kind == kind);
            logs.map(|log| (log.source, log.part.clone()))
                .collect::<Vec<_>>()
        };
        let access = of_kind(&self.access_logs, LogKind::Access);
        let errors = of_kind(&self.error_logs, LogKind::Error);
        access.into_iter().chain(errors).collect()
    }
}

fn investigate(
    inputs: &Inputs,
    ahead: Ahead,
    (options, patterns): (&ScanOptions, &PatternSet),
    observer: &dyn Observer,
    run: &Run<'_>,
) -> Result<Report> {
    // Before each pass: what a mapped file has lost reads as zeros, and the run would be in vain.
    inputs.check()?;
    let surveyed = survey(inputs, ahead, options, patterns, observer, run)?;
    inputs.check()?;
    observer.begin("looking closer", 0);
    let skews = skew::skews(&surveyed.access_logs, &surveyed.error_logs);
    let (incidents, looks) = reconstruct(inputs, options, &surveyed, &skews, patterns, run);
    inputs.check()?;
    let read = Read {
        inputs,
        access: &surveyed.access,
        errors: &surveyed.errors,
        clocks: &surveyed.clocks,
        skews: &skews,
        who: &options.who,
        databases: &options.databases,
        parts: surveyed.parts(),
        bucket_s: options.bucket_s.max(1),
        limits: surveyed.limits,
        reach: surveyed.reach,
    };
    let report = assemble::report(&read, incidents, looks);
    let Surveyed { access, errors, .. } = surveyed;
    let_go((access, errors));
    Ok(report)
}

/// Frees counts of millions of clients while the report is written; who has no thread for it waits.
fn let_go(counts: impl Send + 'static) {
    let free = thread::Builder::new().spawn(move || drop(counts));
    // An error has freed them as well.
    drop(free);
}

/// The first pass: access logs, then error logs, whose zone the access logs tell.
fn survey<'a>(
    inputs: &'a Inputs,
    ahead: Ahead,
    options: &ScanOptions,
    patterns: &PatternSet,
    observer: &dyn Observer,
    run: &Run<'_>,
) -> Result<Surveyed<'a>> {
    let mut access_logs = zoned(inputs.logs(LogKind::Access), options.error_tz);
    let mut error_logs = inputs.logs(LogKind::Error);
    let limits = limits(options, &access_logs, &error_logs)?;
    let reach = reach(options, &access_logs);
    narrow(inputs, &mut access_logs, limits);
    let bucket_s = options.bucket_s.max(1);
    let survey = Survey {
        patterns,
        limits,
        bucket_s,
    };
    let begun = ahead.confirmed(&access_logs);
    observer.begin("reading access logs", to_read(&access_logs) - begun.bytes());
    let mut access = begun.complete(&access_logs, survey, run);
    let context = context(options, &access);
    let measure = Measure {
        patterns,
        context: &context,
        limits,
    };
    observer.begin("weighing suspicious lines", 0);
    count_hits(&access_logs, &mut access, measure, bucket_s, run);
    let zone = assemble::zone(&access);
    let regimes = match error_logs.iter().all(season::writes_zone) {
        true => None,
        false => access_logs.iter().find_map(Regimes::written),
    };
    let known = Known {
        access: &access,
        zone,
        given: options.error_tz,
        regimes: regimes.as_ref(),
        limits,
    };
    let mut clocks = known.set_clocks(&mut error_logs);
    clocks.extend(guessed_clocks(&access_logs, options.error_tz));
    let symptoms = symptom::embedded()?;
    narrow(inputs, &mut error_logs, limits);
    observer.begin("reading error logs", to_read(&error_logs));
    let errors = survey_errors(&error_logs, &symptoms, limits, run);
    Ok(Surveyed {
        access_logs,
        error_logs,
        limits,
        access,
        errors,
        symptoms,
        zone,
        clocks,
        reach,
    })
}

/// Narrows logs to what can hold records of this time.
fn narrow(inputs: &Inputs, logs: &mut [Log<'_>], limits: Limits) {
    inputs.expect(Manner::Places);
    let parts = bisect::parts(logs, limits);
    inputs.expect(Manner::Through);
    bisect::narrow(logs, parts);
}

/// Bytes of a pass over all that is read of some logs.
fn to_read(logs: &[Log<'_>]) -> u64 {
    logs.iter().map(|log| log.part.bytes.len() as u64).sum()
}

/// What surrounds each line, unless every line is to speak for itself.
fn context(options: &ScanOptions, access: &AccessCounts) -> Context {
    match options.context {
        true => Context::of(access),
        false => Context::none(),
    }
}

/// From counts to incidents: plan, second look, findings, actors, third look, clusters; and what must be known of them.
fn reconstruct<'a>(
    inputs: &'a Inputs,
    options: &ScanOptions,
    surveyed: &Surveyed<'a>,
    skews: &BTreeMap<u32, Skew>,
    patterns: &PatternSet,
    run: &Run<'_>,
) -> (Vec<Incident>, Vec<Warning>) {
    let (logs, access) = (&surveyed.access_logs, &surveyed.access);
    let mut plan = Plan::new(access);
    plan.set_aside(&failures::own(logs, access, &plan, run));
    let purse = Purse::new(&run.caps, access);
    let look = |look: Look, windows: &[(Window, Subject)]| {
        let sights = purse.sights(look, access, windows);
        focus(logs, &access.chunks, &sights, &access.clients, run)
    };
    let windows = look(Look::Bursts, &everybody(plan.windows(surveyed.limits)));
    run.beside("focus", "sweep");
    let (norms, rises) = sweep(logs, access, &plan, surveyed.limits, run);
    let sights = rises.iter().map(|rise| rise.sight(surveyed.limits));
    let risen = look(Look::Rises, &sights.collect::<Vec<_>>());
    let case = Case {
        access,
        norms: &norms,
        plan: &plan,
        windows: &windows,
        rises: &rises,
        risen: &risen,
    };
    let mut findings = doubt::about_relays(&case, &inputs.relays, detect(&case));
    let drafts = actor::cast(&case, &findings);
    let groups = actor::groups(&drafts, surveyed.limits);
    let mut traces = trace(logs, &access.chunks, &groups, run);
    actor::fill(&case, &drafts, &mut traces);
    cluster::sharpen(&mut findings, &drafts, &traces);
    let clusters = cluster::cluster(&findings);
    let costs = costs(surveyed, &clusters, &findings, purse, run);

    let quoter = quoter(inputs, surveyed, skews);
    let atlas = Atlas::new(&options.databases);
    let material = Material {
        case: &case,
        atlas: &atlas,
        errors: &surveyed.errors,
        symptoms: &surveyed.symptoms,
        patterns,
        findings: &findings,
        drafts: &drafts,
        traces: &traces,
        quoter: &quoter,
        zone: options.tz.or(surveyed.zone).unwrap_or_default(),
    };
    let looks = [&windows, &risen, &costs.windows].map(Vec::as_slice);
    let mut warnings = estimates::of_looks(&looks, &costs.tallies, &costs.paces, &norms);
    let incidents = incident::incidents(&material, &clusters, &costs);
    warnings.extend(atlas.warnings());
    let_go((windows, risen, costs.windows));
    (incidents, warnings)
}

/// What the time of each cluster cost: who was there, how much each asked for by the minute, and which answers failed.
fn costs<'a>(
    surveyed: &'a Surveyed<'_>,
    clusters: &[Cluster],
    findings: &[Finding],
    purse: Purse,
    run: &Run<'_>,
) -> Costs<'a> {
    let (logs, access) = (&surveyed.access_logs, &surveyed.access);
    let spans: Vec<_> = clusters.iter().map(Cluster::window).collect();
    let room = purse.of(Look::Tallies);
    let tallies = tallies(logs, &access.chunks, &whole(surveyed), &spans, room, run);
    let failed = everybody(failed(clusters, findings));
    let sights = purse.sights(Look::Failures, access, &failed);
    run.beside("tally", "focus");
    let windows = focus(logs, &access.chunks, &sights, &access.clients, run);
    let room = purse.of(Look::Paces);
    let fast = of_volume(clusters, findings, access, &tallies);
    let paces = paces(logs, &access.chunks, &fast, surveyed.limits, room, run);
    Costs {
        windows,
        tallies,
        paces,
    }
}

/// Windows in which everybody's requests count.
fn everybody(windows: Vec<Window>) -> Vec<(Window, Subject)> {
    let windows = windows.into_iter();
    windows.map(|window| (window, Subject::All)).collect()
}

/// What incidents are a part of.
fn whole<'a>(surveyed: &'a Surveyed<'_>) -> Whole<'a> {
    Whole {
        requests: surveyed.access.requests(),
        errors_5xx: surveyed.access.by_class[4],
        clients: &surveyed.access.clients,
        limits: surveyed.limits,
    }
}

/// The time of each cluster in which limits to what a client may ask for are tried, with who was there.
fn of_volume<'t, 'w>(
    clusters: &[Cluster],
    findings: &[Finding],
    access: &AccessCounts,
    tallies: &'t [Tally<'w>],
) -> Vec<Option<(Window, &'t Tally<'w>)>> {
    let known = |client: &Client| access.clients.get(client).copied();
    let clusters = clusters.iter().zip(tallies);
    let fast = clusters.map(|(cluster, tally)| {
        let fast = cluster.is_of_volume(findings, known);
        fast.then(|| (cluster.window(), tally))
    });
    fast.collect()
}

/// Where failed answers are counted for the clusters that have no window of their own.
fn failed(clusters: &[Cluster], findings: &[Finding]) -> Vec<Window> {
    let needed = clusters
        .iter()
        .filter(|cluster| cluster.needs_counts(findings));
    let failed = needed.map(|cluster| Window {
        failed: true,
        ..cluster.window()
    });
    failed.collect()
}

/// Quotes lines of every log that was surveyed.
fn quoter<'a>(
    inputs: &'a Inputs,
    surveyed: &'a Surveyed<'a>,
    skews: &BTreeMap<u32, Skew>,
) -> Quoter<'a> {
    let mut quoter = Quoter::default();
    let name = |source: u32| inputs.sources[source as usize].name.as_str();
    quoter.add(&surveyed.access_logs, &surveyed.access.chunks, name);
    quoter.add(&surveyed.error_logs, &surveyed.errors.chunks, name);
    quoter.set_ahead(skews.iter().map(|(source, skew)| (*source, skew.ahead_s)));
    quoter
}

/// Sets the clocks of access logs that write no zone: the one that is given, or that of the access logs beside them.
fn zoned<'a>(mut logs: Vec<Log<'a>>, given: Option<Zone>) -> Vec<Log<'a>> {
    let written = |log: &Log<'a>| season::writes_zone(log).then(|| first_zone(log)).flatten();
    let beside = logs.iter().find_map(written).unwrap_or_default();
    if logs.iter().all(season::writes_zone) {
        return logs;
    }
    let regimes = logs.iter().find_map(Regimes::written);
    for log in logs.iter_mut().filter(|log| !season::writes_zone(log)) {
        log.clock = match given {
            Some(zone) => season::in_zone(log, zone),
            None => season::clock(log, beside, regimes.as_ref()),
        };
    }
    logs
}

/// The clocks of access logs that write no zone where nobody says which one it is, or not all say the same.
fn guessed_clocks(logs: &[Log<'_>], given: Option<Zone>) -> Vec<ErrorClock> {
    let (writing, zoneless): (Vec<&Log<'_>>, Vec<_>) =
        logs.iter().partition(|log| season::writes_zone(log));
    if given.is_some() || zoneless.is_empty() {
        return Vec::new();
    }
    let zones: BTreeSet<UtcOffset> = writing.into_iter().filter_map(first_zone).collect();
    let basis = match zones.len() {
        0 => Basis::Unknown,
        1 => return Vec::new(),
        _ => Basis::Assumed,
    };
    let zoneless = zoneless.into_iter();
    zoneless.map(|log| ErrorClock::of(log, basis)).collect()
}

/// First and last time of logs, looked for near their ends, where only a part is asked for.
fn reach(options: &ScanOptions, logs: &[Log<'_>]) -> Option<(Time, Time)> {
    options.since.or(options.until)?;
    let first = logs.iter().filter_map(first_time).min()?;
    Some((first, logs.iter().filter_map(last_time).max()?))
}

/// What tells the zones of error logs.
struct Known<'a> {
    access: &'a AccessCounts,
    /// The access logs' own zone.
    zone: Option<UtcOffset>,
    given: Option<Zone>,
    /// The access logs' summer and winter time.
    regimes: Option<&'a Regimes>,
    limits: Limits,
}

impl Known<'_> {
    /// Gives every error log its clock.
    fn set_clocks(&self, logs: &mut [Log<'_>]) -> Vec<ErrorClock> {
        let set = |log: &mut Log<'_>| {
            let basis = match self.given {
                _ if season::writes_zone(log) => Basis::Written,
                Some(zone) => {
                    log.clock = season::in_zone(log, zone);
                    Basis::Given
                }
                None => {
                    let (offset, basis) = clock::align(log, self.access, self.zone, self.limits);
                    log.clock = season::clock(log, offset, self.regimes);
                    basis
                }
            };
            // Of a log of requests the report tells the zone of these.
            (log.format.kind == LogKind::Error).then(|| ErrorClock::of(log, basis))
        };
        logs.iter_mut().filter_map(set).collect()
    }
}

/// Turns the bounds into seconds. Local ones are read on the access logs' clock, relative ones from the
/// latest record near the end of any log.
fn limits(options: &ScanOptions, access: &[Log<'_>], errors: &[Log<'_>]) -> Result<Limits> {
    let end = || {
        access
            .iter()
            .filter_map(last_time)
            .max()
            .or_else(|| errors.iter().filter_map(last_time).max())
    };
    let zone = || access.iter().find_map(first_zone).unwrap_or(UtcOffset::UTC);
    let seconds = |bound: TimeBound| {
        match bound {
        TimeBound::At(time) => Ok(time.secs()),
        TimeBound::Local(local) => Ok(local.at(zone()).secs()),
        TimeBound::BeforeEnd(back) => end()
            .map(|end| end.secs() - back)
            .ok_or_else(|| Error::Usage("no record near the end of the logs has a time to count back from; give an absolute time".to_string())),
    }
    };
    let since = options.since.map_or(Ok(EVER.since), seconds)?;
    let until = options.until.map_or(Ok(EVER.until), seconds)?;
    if since > until {
        return Err(Error::Usage(
            "--since is later than --until: nothing would be left".to_string(),
        ));
    }
    Ok(Limits { since, until })
}

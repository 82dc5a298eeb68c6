//! Puts the report together: inputs and their books, totals, series, verdict, warnings.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::actor::statuses;
use crate::bytes::Bytes;
use crate::category::Category;
use crate::clock::Basis;
use crate::counts::{AccessCounts, ErrorCounts};
use crate::error::Warning;
use crate::estimates;
use crate::evidence::lines::LineCounts;
use crate::format::spec::LogKind;
use crate::headline;
use crate::impact::rounded;
use crate::inputs::Inputs;
use crate::merge::Merge;
use crate::origins::Databases;
use crate::pass::{Limits, Log, Part, Who};
use crate::proxies::HeaderName;
use crate::relays::Relays;
use crate::report::view::{
    self, Incident, KnownParty, Report, SCHEMA_VERSION, Series, Tool, Totals, Verdict, Window,
    named,
};
use crate::skew::Skew;
use crate::terms::Cause;
use crate::text::{count, counted, duration, visible};
use crate::time::{Time, UtcOffset};

/// Buckets in the series at most. A bucket of a minute then covers almost two years.
const MAX_BUCKETS: i64 = 1_000_000;

/// Share of unparsed lines from which the reader must be warned.
const MANY_UNPARSED: f64 = 0.01;

/// Bytes of an unparsed line that are shown as an example.
const EXAMPLE_BYTES: usize = 120;

/// The zone given to an error log, and why.
#[derive(Debug, Clone)]
pub struct ErrorClock {
    /// Index of the source.
    pub source: u32,
    /// Its offset, at its beginning.
    pub offset: UtcOffset,
    /// What the offset became after that, in order: summer and winter time.
    pub changes: Vec<UtcOffset>,
    /// Why this one.
    pub basis: Basis,
}

impl ErrorClock {
    /// The clock that a log was given, and why.
    pub fn of(log: &Log<'_>, basis: Basis) -> ErrorClock {
        let changes = log.clock.changes.iter();
        ErrorClock {
            source: log.source,
            offset: log.clock.offset,
            changes: changes.map(|(_, offset)| *offset).collect(),
            basis,
        }
    }
}

/// Everything that was read.
pub struct Read<'a> {
    /// The inputs.
    pub inputs: &'a Inputs,
    /// The access logs' counts.
    pub access: &'a AccessCounts,
    /// The error logs' counts.
    pub errors: &'a ErrorCounts,
    /// The error logs' zones.
    pub clocks: &'a [ErrorClock],
    /// How far the logs' clocks are apart.
    pub skews: &'a BTreeMap<u32, Skew>,
    /// Who the clients are.
    pub who: &'a Who,
    /// What says where they are.
    pub databases: &'a Databases,
    /// What was read of each source.
    pub parts: BTreeMap<u32, Part>,
    /// Bucket width of the series in seconds.
    pub bucket_s: u64,
    /// The time that was asked for.
    pub limits: Limits,
    /// From when to when the access logs reach, where only a part was asked for.
    pub reach: Option<(Time, Time)>,
}

/// The zone that most access records are written in; `None` without access records.
pub fn zone(access: &AccessCounts) -> Option<UtcOffset> {
    let mut zones: BTreeMap<UtcOffset, u64> = BTreeMap::new();
    for (zone, count) in access.lines.values().flat_map(|lines| &lines.offsets) {
        *zones.entry(*zone).or_default() += count;
    }
    zones
        .into_iter()
        .max_by_key(|(zone, count)| (*count, std::cmp::Reverse(*zone)))
        .map(|(zone, _)| zone)
}

/// The report. `looks` says what of the incidents is estimated.
pub fn report(read: &Read<'_>, incidents: Vec<Incident>, looks: Vec<Warning>) -> Report {
    let inputs = inputs(read);
    let (series, stray) = series(read);
    let mut warnings = read.inputs.warnings.clone();
    warnings.extend(inputs.iter().filter_map(unparsed_warning));
    warnings.extend(
        read.clocks
            .iter()
            .filter_map(|clock| clock_warning(read, clock)),
    );
    warnings.extend(client_warnings(read));
    warnings.extend(repetition_warnings(read));
    warnings.extend(estimates::of_survey(read.access));
    warnings.extend(estimates::of_errors(read.errors));
    warnings.extend(looks);
    warnings.extend(stray);
    warnings.extend(
        read.inputs
            .sources
            .iter()
            .filter_map(|source| source.change()),
    );
    warnings.sort();
    Report {
        schema_version: SCHEMA_VERSION.into(),
        tool: Tool {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
        },
        pseudonymized: false,
        verdict: verdict(&incidents, read),
        window: window(&inputs, read),
        totals: totals(read.access),
        known: known(read),
        databases: read.databases.described(),
        series,
        inputs,
        incidents,
        warnings,
    }
}

/// A scan that is less sure than this is told among the incidents, and is not what the log is about: robots that ask
/// for a list of some hundred admin pages and shells come to every public server. With the formula of `detect::scan`
/// this is about 120 probes; a scanner sends more.
const SCAN_MATTERS: f64 = 0.65;

/// The gravest incident speaks for the whole: by severity, scans after what moved the traffic, attacks before
/// anything else, then the earliest.
fn verdict(incidents: &[Incident], read: &Read<'_>) -> Verdict {
    let access = read.access;
    let requests = access.requests();
    let is_scan = |incident: &Incident| incident.cause == Cause::Scan;
    let matters = |incident: &&Incident| !is_scan(incident) || incident.confidence >= SCAN_MATTERS;
    let gravest = incidents.iter().filter(matters).max_by_key(|incident| {
        (
            incident.severity,
            !is_scan(incident),
            incident.attack,
            std::cmp::Reverse(incident.id),
        )
    });
    let attacked = gravest.is_some_and(|incident| incident.attack);
    let unknown = what_is_unknown(read).filter(|_| !attacked);
    let whole = match unknown {
        Some(_) => CUT_CONFIDENCE,
        None => 1.0,
    };
    // That an attack was seen is sure whatever else was not read; that there was none is not.
    let sure = match attacked {
        true => 1.0,
        false => whole * read_share(access),
    };
    let unknown = unknown.unwrap_or_default();
    match gravest {
        Some(incident) => Verdict {
            attack: incident.attack,
            cause: incident.cause.name().into(),
            confidence: rounded(incident.confidence * sure),
            headline: incident.headline.clone() + &headline::others(incident, incidents) + &unknown,
            start: Some(incident.start),
            end: Some(incident.end),
        },
        None if requests == 0 => Verdict {
            attack: false,
            cause: "none".into(),
            confidence: 0.0,
            headline: nothing_headline(read),
            start: None,
            end: None,
        },
        None => Verdict {
            attack: false,
            cause: "none".into(),
            confidence: rounded(quiet_confidence(requests) * sure),
            headline: quiet_headline(requests, access.hits) + &unknown,
            start: None,
            end: None,
        },
    }
}

/// What remains of the confidence in "no attack" where what was ordinary before was cut off.
const CUT_CONFIDENCE: f64 = 0.4;

/// What to say where a short window, or one in which much fails, was cut from a log with `--since`: a flood that was
/// going on when it begins is what is ordinary in it.
fn what_is_unknown(read: &Read<'_>) -> Option<String> {
    /// A window from which what is ordinary can be known, in seconds.
    const KNOWN_S: i64 = 3600;
    /// Share of 5xx from which more time does not excuse it.
    const FAILING: f64 = 0.1;
    let access = read.access;
    let spans = access.lines.values().filter_map(|lines| lines.span);
    let last = spans.map(|span| span.last.secs()).max()?;
    let left_out = access.lines.values().any(|lines| lines.outside > 0)
        || read.parts.values().any(|part| part.bytes.start > 0);
    let since = read.limits.since;
    let window_s = last.min(read.limits.until).saturating_sub(since);
    let failed = access.by_class[4] as f64 / access.requests().max(1) as f64;
    let cut = since > i64::MIN && left_out;
    (cut && (window_s < KNOWN_S || failed >= FAILING)).then(|| {
        let failed = match failed >= FAILING {
            true => format!(", and {:.0}% of all requests failed", failed * 100.0),
            false => String::new(),
        };
        format!(
            ". What was ordinary before is not known from this window{failed}, so an attack that was going on when it \
             begins would not show: look again with --since at least an hour earlier"
        )
    })
}

/// What there is to say where no request was read.
fn nothing_headline(read: &Read<'_>) -> String {
    let Some((first, last)) = read.reach else {
        return view::NOTHING_READ.to_owned();
    };
    let date = |time: Time| time.format_at(UtcOffset::UTC, "%Y-%m-%d %H:%M:%S");
    format!(
        "No verdict: nothing lies in the time asked for; the log reaches from {} to {} (UTC)",
        date(first),
        date(last)
    )
}

/// What there is to say where nothing happened; suspicious lines are not kept back.
fn quiet_headline(requests: u64, hits: u64) -> String {
    let requests = counted(requests, "request", "requests");
    match hits {
        0 => format!("No attack and no outage found in {requests}"),
        _ => format!(
            "No attack and no outage stands out in {requests}; {} too few or too common to make one, listed by \
             `aftertrace hits`",
            counted(hits, "suspicious line is", "suspicious lines are")
        ),
    }
}

/// Share of the access logs' lines that could be read.
fn read_share(access: &AccessCounts) -> f64 {
    let sum = |count: fn(&LineCounts) -> u64| access.lines.values().map(count).sum::<u64>() as f64;
    let (records, unread) = (sum(|lines| lines.records), sum(LineCounts::unparsed_total));
    match records + unread {
        0.0 => 1.0,
        lines => records / lines,
    }
}

/// How sure "nothing happened" is: with few requests there was little to see.
fn quiet_confidence(requests: u64) -> f64 {
    /// With this many requests, most of what we look for would show.
    const PLENTY: f64 = 1000.0;
    0.95 * (1.0 - (-(requests as f64) / PLENTY).exp())
}

fn inputs(read: &Read<'_>) -> Vec<view::Input> {
    let known = read
        .inputs
        .sources
        .iter()
        .zip(&read.inputs.formats)
        .enumerate();
    known
        .filter_map(|(index, (source, format))| {
            let vote = format.as_ref()?;
            let format = vote.format;
            let books = match format.kind {
                LogKind::Access => read.access.lines.get(&(index as u32)),
                LogKind::Error => read.errors.lines.get(&(index as u32)),
            };
            let asked = read.inputs.part(index).bytes;
            let part = read.parts.get(&(index as u32));
            let part = part.map_or(asked.clone(), |part| part.bytes.clone());
            let none = LineCounts::default();
            let books = books.unwrap_or(&none);
            let clock = read
                .clocks
                .iter()
                .find(|clock| clock.source == index as u32);
            let skew = read.skews.get(&(index as u32));
            Some(view::Input {
                path: source.name.clone(),
                kind: format.kind,
                format: format.name.into(),
                bytes: part.len() as u64,
                lines: books.lines,
                records: books.records,
                unparsed: books.unparsed_total(),
                blank: books.blank,
                first: books.span.map(|span| span.first),
                last: books.span.map(|span| span.last),
                utc_offset: clock
                    .filter(|clock| clock.basis != Basis::Written)
                    .map(|clock| clock.offset)
                    .or_else(|| books.main_offset()),
                clock_skew_s: skew.map(|skew| skew.ahead_s as f64),
                notes: {
                    let mut notes = notes(books, clock, source.view());
                    notes.extend((part != asked).then(|| part_note(&part, source.view().len())));
                    notes.extend(read.inputs.notes(index));
                    notes.extend(skew.and_then(|skew| skew_note(read, skew)));
                    notes
                },
            })
        })
        .collect()
}

fn notes(books: &LineCounts, clock: Option<&ErrorClock>, bytes: Bytes<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    for (reason, (count, samples)) in &books.unparsed {
        let examples: Vec<String> = samples
            .as_slice()
            .iter()
            .map(|offset| example(bytes, *offset))
            .collect();
        notes.push(format!(
            "{}: {}, as in {}",
            counted(*count, "line", "lines"),
            reason.reason(),
            examples.join(" and ")
        ));
    }
    if books.unparsed_hits > 0 {
        notes.push(format!(
            "attack patterns in {} that did not parse",
            counted(books.unparsed_hits, "line", "lines")
        ));
    }
    if books.continued > 0 {
        let lines = counted(books.continued, "line continues", "lines continue");
        notes.push(format!("{lines} the message before"));
    }
    if books.outside > 0 {
        notes.push(format!(
            "{} outside the time asked for",
            counted(books.outside, "record lies", "records lie")
        ));
    }
    if books.aside > 0 {
        notes.push(format!(
            "{} of known clients are counted in the sums and accused of nothing",
            counted(books.aside, "request", "requests")
        ));
    }
    if books.offsets.len() > 1 {
        let zones: Vec<String> = books
            .offsets
            .iter()
            .map(|(zone, count)| format!("{} ({count})", zone.label()))
            .collect();
        notes.push(format!(
            "records are written in several zones: {}",
            zones.join(", ")
        ));
    }
    let back = books.order.steps_back();
    if back.count > 0 {
        notes.push(format!(
            "times run back {}, by up to {}",
            counted(back.count, "time", "times"),
            duration(back.largest_s)
        ));
    }
    notes.extend(clock.and_then(clock_note));
    notes
}

fn part_note(part: &Range<usize>, of: usize) -> String {
    format!(
        "only bytes {} to {} of {} were read: wherever it was looked at its times run forward, and what is asked for lies there",
        count(part.start as u64),
        count(part.end as u64),
        count(of as u64)
    )
}

fn example(bytes: Bytes<'_>, offset: u64) -> String {
    let line = bytes
        .lines(offset as usize..bytes.len())
        .next()
        .map_or(&b""[..], |(_, line)| line);
    let cut = &line[..line.len().min(EXAMPLE_BYTES)];
    let more = if cut.len() < line.len() { "…" } else { "" };
    format!("\u{201c}{}{more}\u{201d}", visible(cut))
}

fn clock_note(clock: &ErrorClock) -> Option<String> {
    let later = clock.changes.iter();
    let later = later.map(|offset| format!(", then {}", offset.label()));
    let zone = clock.offset.label() + &later.collect::<String>();
    let why = match clock.basis {
        Basis::Written => return None,
        Basis::Given => ", as asked for".to_string(),
        Basis::Aligned { fitting, tried } => {
            let (fitting, tried) = (count(fitting as u64), count(tried as u64));
            format!(": {fitting} of {tried} messages then fit their clients' requests")
        }
        Basis::Assumed => ", the access log's own zone".to_string(),
        Basis::Unknown => String::new(),
    };
    Some(format!("its times are read in {zone}{why}"))
}

/// What the report says of a clock that is not right.
fn skew_note(read: &Read<'_>, skew: &Skew) -> Option<String> {
    let direction = match skew.ahead_s {
        0 => return None,
        1.. => "ahead",
        _ => "behind",
    };
    Some(format!(
        "its clock is {} {direction}, as {} of {} say that were compared with {}; the timeline is corrected by that",
        counted(skew.ahead_s.unsigned_abs(), "second", "seconds"),
        count(skew.shared as u64),
        counted(skew.compared as u64, "line", "lines"),
        read.inputs.sources[skew.against as usize].name,
    ))
}

/// Says which access logs hold the requests of others, as a balancer's does.
fn repetition_warnings(read: &Read<'_>) -> Vec<Warning> {
    let name = |source: u32| &read.inputs.sources[source as usize].name;
    let has_requests = |source: &u32| {
        let vote = read.inputs.formats[*source as usize].as_ref();
        vote.is_some_and(|vote| vote.holds(LogKind::Access))
    };
    let repeated = read.skews.iter().filter(|(source, skew)| {
        has_requests(source) && has_requests(&skew.against) && skew.is_repetition()
    });
    let warning = |(source, skew): (&u32, &Skew)| Warning {
        code: "requests_logged_twice".into(),
        message: format!(
            "{} holds requests that {} holds as well ({} of {} compared): a proxy in front and the server behind it? \
             They are counted twice; give only one of these logs",
            name(*source),
            name(skew.against),
            count(skew.shared as u64),
            counted(skew.compared as u64, "line", "lines"),
        ),
        input: Some(name(*source).clone()),
    };
    repeated.map(warning).collect()
}

fn clock_warning(read: &Read<'_>, clock: &ErrorClock) -> Option<Warning> {
    let vote = read.inputs.formats[clock.source as usize].as_ref();
    let is_access = vote.is_some_and(|vote| vote.format.kind == LogKind::Access);
    let why = match clock.basis {
        Basis::Written | Basis::Given | Basis::Aligned { .. } => return None,
        Basis::Assumed if is_access => "the access logs beside it write different ones",
        Basis::Assumed => "too few of its messages name clients of the access logs",
        Basis::Unknown if is_access => "no access log beside it writes one",
        Basis::Unknown => "there is no access log beside it",
    };
    let name = &read.inputs.sources[clock.source as usize].name;
    Some(Warning {
        code: "error_tz_assumed".into(),
        message: format!(
            "{name} carries no time zone and {why}: {} is assumed; --error-tz sets it",
            clock.offset.label()
        ),
        input: Some(name.clone()),
    })
}

fn unparsed_warning(input: &view::Input) -> Option<Warning> {
    let share = input.unparsed as f64 / input.lines.max(1) as f64;
    (share >= MANY_UNPARSED).then(|| Warning {
        code: "unparsed_lines".into(),
        message: format!(
            "{}: {} of {} lines did not parse ({:.1}%)",
            input.path,
            input.unparsed,
            input.lines,
            share * 100.0
        ),
        input: Some(input.path.clone()),
    })
}

/// The time that the records cover, cut to what was asked for.
fn window(inputs: &[view::Input], read: &Read<'_>) -> Window {
    let first = inputs.iter().filter_map(|input| input.first).min();
    let last = inputs.iter().filter_map(|input| input.last).max();
    let start = first.map(|first| first.max(Time::from_secs(read.limits.since)));
    let end = last.map(|last| last.min(Time::from_secs(read.limits.until)));
    // nothing of the log lies in the time asked for
    let empty = start > end;
    Window {
        start: start.filter(|_| !empty),
        end: end.filter(|_| !empty),
        bucket_s: read.bucket_s,
        utc_offset: zone(read.access)
            .or_else(|| read.clocks.first().map(|clock| clock.offset))
            .unwrap_or_default(),
    }
}

fn totals(access: &AccessCounts) -> Totals {
    let aside = &access.aside;
    let category = |category: &Category| {
        let at = category.index();
        let hits = access.hits_by_category[at] + aside.hits_by_category[at];
        (category.name(), hits)
    };
    let mut by_class = access.by_class;
    by_class.merge(aside.by_class);
    let bytes_sent = access.bytes_sent.saturating_add(aside.bytes_sent);
    Totals {
        requests: access.requests() + aside.requests(),
        bytes_sent: (access.sized + aside.sized > 0).then_some(bytes_sent),
        clients: access.clients.distinct() + aside.clients.distinct(),
        status: statuses(&by_class),
        hits: access.hits + aside.hits,
        hits_by_category: named(
            Category::ALL
                .iter()
                .map(category)
                .filter(|(_, count)| *count > 0),
        ),
    }
}

/// What became of the clients that the user knows; those of whom nothing was seen as well.
fn known(read: &Read<'_>) -> Vec<KnownParty> {
    let parties = read.who.known.parties().iter().zip(0..);
    let told = parties.map(|(party, index)| {
        let counts = read.access.aside.parties.get(&index).copied();
        let counts = counts.unwrap_or_default();
        KnownParty {
            name: party.name.clone(),
            networks: party.networks.iter().map(ToString::to_string).collect(),
            requests: counts.requests,
            hits: counts.hits,
        }
    });
    told.collect()
}

/// What must be known of who the clients are taken for.
fn client_warnings(read: &Read<'_>) -> Vec<Warning> {
    let inputs = read.inputs.sources.iter().zip(&read.inputs.relays).zip(0..);
    let mut warnings: Vec<Warning> = inputs
        .filter_map(|((source, relays), index)| {
            let books = read
                .access
                .lines
                .get(&index)
                .filter(|books| books.records > 0)?;
            match (&read.who.client_from, relays) {
                (Some(header), _) if books.forwarded == 0 => {
                    Some(no_client_field(&source.name, header))
                }
                (header, Some(relays)) => {
                    Some(behind_proxy(&source.name, relays, header.is_some()))
                }
                _ => None,
            }
        })
        .collect();
    let attacking = known(read).into_iter().filter(|party| party.hits > 0);
    warnings.extend(attacking.map(|party| Warning {
        code: "known_client_hits".into(),
        message: format!(
            "{} sent {}; nothing is made of them, because --exclude or --known names the client",
            party.name.as_deref().unwrap_or(&party.networks.join(", ")),
            counted(party.hits, "suspicious request", "suspicious requests")
        ),
        input: None,
    }));
    warnings
}

fn no_client_field(name: &str, header: &HeaderName) -> Warning {
    Warning {
        code: "no_client_field".into(),
        message: format!(
            "{name}: no line has a client in {}: the addresses that connected are taken for the clients",
            header.as_str()
        ),
        input: Some(name.to_string()),
    }
}

fn behind_proxy(name: &str, relays: &Relays, asked: bool) -> Warning {
    /// Addresses that are named.
    const SHOWN: usize = 3;
    let named = relays.addresses.iter().filter_map(|client| client.ip());
    let shown: Vec<String> = named
        .take(SHOWN)
        .map(|address| address.to_string())
        .collect();
    let more = match relays.addresses.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let advice = match asked {
        true => "name more proxies: --trusted-proxy",
        false => "give --client-from X-Forwarded-For --trusted-proxy",
    };
    Warning {
        code: "clients_behind_proxy".into(),
        message: format!(
            "{name}: most requests come through {}{more}, and a field names at least {} others behind; to tell clients \
             apart, {advice} {}",
            shown.join(", "),
            relays.behind,
            shown.join(",")
        ),
        input: Some(name.to_string()),
    }
}

/// The dense series. Records whose time lies so far off that the series would not fit are left out of it,
/// which is a warning.
fn series(read: &Read<'_>) -> (Series, Option<Warning>) {
    let access = read.access;
    let occupied: Vec<_> = access.buckets.iter().collect();
    let empty = Series {
        start: None,
        bucket_s: read.bucket_s,
        requests: vec![],
        errors_5xx: vec![],
        hits: vec![],
        clients: vec![],
    };
    let Some((first, last)) = densest(&occupied) else {
        return (empty, None);
    };
    let width = (last - first + 1) as usize;
    let mut series = Series {
        start: Some(Time::from_secs(first * access.buckets.width_s())),
        requests: vec![0; width],
        errors_5xx: vec![0; width],
        hits: vec![0; width],
        clients: vec![0; width],
        ..empty
    };
    let mut stray = 0;
    for (bucket, cell) in occupied {
        if bucket < first || bucket > last {
            stray += u64::from(cell.requests);
            continue;
        }
        let at = (bucket - first) as usize;
        series.requests[at] = u64::from(cell.requests);
        series.errors_5xx[at] = u64::from(cell.errors_5xx);
        series.hits[at] = u64::from(cell.hits);
        series.clients[at] = access.bucket_clients.count(bucket);
    }
    let warning = (stray > 0).then(|| Warning {
        code: "stray_times".into(),
        message: format!(
            "{stray} records carry times far from all others and are left out of the series"
        ),
        input: None,
    });
    (series, warning)
}

/// First and last bucket of the stretch of at most [`MAX_BUCKETS`] that holds most requests.
fn densest(occupied: &[(i64, &crate::counts::Bucket)]) -> Option<(i64, i64)> {
    let (mut from, mut inside, mut best) = (0, 0u64, None::<(u64, i64, i64)>);
    for (bucket, cell) in occupied {
        inside += u64::from(cell.requests);
        while bucket - occupied[from].0 >= MAX_BUCKETS {
            inside -= u64::from(occupied[from].1.requests);
            from += 1;
        }
        if best.is_none_or(|(most, ..)| inside > most) {
            best = Some((inside, occupied[from].0, *bucket));
        }
    }
    best.map(|(_, first, last)| (first, last))
}

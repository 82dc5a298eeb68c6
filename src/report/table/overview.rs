//! The top of the page: the verdict, what was looked at, and the shape of the traffic.

use std::io;

use super::Context;
use super::page::{Page, Text, Tone};
use super::spark::Scale;
use super::words::{self, Clock};
use crate::format::spec::LogKind;
use crate::report::view::{Incident, Input, Report, Totals, Verdict, Window};
use crate::severity::Severity;
use crate::terms::Cause;

/// Columns of the labels before charts and facts.
const LABEL: usize = 11;
const HEADLINE_LINES: usize = 5;
const FACT_LINES: usize = 3;

/// Writes the verdict, the facts and the charts.
pub fn render(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    verdict(report, context, page)?;
    page.blank()?;
    facts(report, context, page)?;
    charts(report, context, page)
}

fn verdict(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    let verdict = &report.verdict;
    let sure = format!("confidence {}", words::confidence(verdict.confidence));
    if report.totals.requests == 0 && report.incidents.is_empty() {
        return no_verdict(report, page);
    }
    let (badge, tone) = match verdict.attack {
        true => (" ATTACK ", Tone::AlarmBadge),
        false => (" NO ATTACK FOUND ", Tone::CalmBadge),
    };
    let mut answer = Text::new().toned(tone, badge);
    if let Some(cause) = cause_of(verdict) {
        answer = answer.plain("  ").strong(cause_in_words(cause));
    }
    let room = page.width().saturating_sub(sure.len() + 2);
    page.line(0, answer.fit(room).padded(room + 2).quiet(&sure))?;
    if let (Some(start), Some(end)) = (verdict.start, verdict.end) {
        let when = format!(
            "{}, times in {}",
            context.clock.span(start, end),
            context.clock.zone()
        );
        page.paragraph(1, Text::new().strong(&when), 2)?;
    }
    page.paragraph(1, Text::from(verdict.headline.as_str()), HEADLINE_LINES)?;
    if !verdict.attack {
        page.paragraph(1, how_sure(report).into(), HEADLINE_LINES)?;
    }
    Ok(())
}

fn no_verdict(report: &Report, page: &mut Page) -> io::Result<()> {
    page.line(
        0,
        Text::new()
            .toned(Tone::Warn, " NO VERDICT ")
            .strong("  no request could be read"),
    )?;
    let advice = match report.inputs.is_empty() {
        true => "None of the inputs is a log that this program reads; the warnings below say why.",
        false => {
            "Without access records an attack can be neither found nor ruled out. Add the access log."
        }
    };
    page.paragraph(1, advice.into(), HEADLINE_LINES)
}

/// What a clean answer rests on, and what it cannot cover.
fn how_sure(report: &Report) -> String {
    let lines: u64 = report.inputs.iter().map(|input| input.lines).sum();
    let unparsed: u64 = report.inputs.iter().map(|input| input.unparsed).sum();
    let looked_at = looked_at(&report.inputs);
    let readable = match unparsed {
        0 => "Every line could be read.".to_string(),
        _ => format!(
            "{} of {} lines ({}) could not be read as records; they were searched for attack patterns all the same.",
            words::count(unparsed),
            words::count(lines),
            words::part_of(unparsed, lines)
        ),
    };
    format!(
        "Looked at {looked_at}. {readable} Not in a log, and so not covered: request bodies, and requests that \
         never reached this server."
    )
}

fn looked_at(inputs: &[Input]) -> String {
    let records = |kind: LogKind| -> u64 {
        inputs
            .iter()
            .filter(|input| input.kind == kind)
            .map(|input| input.records)
            .sum()
    };
    let requests = words::counted(records(LogKind::Access), "request", "requests");
    match records(LogKind::Error) {
        0 => format!("{requests}; no error log was given"),
        errors => format!(
            "{requests} and {}",
            words::counted(errors, "line of error logs", "lines of error logs")
        ),
    }
}

fn cause_of(verdict: &Verdict) -> Option<Cause> {
    Cause::ALL
        .iter()
        .copied()
        .find(|cause| cause.name() == verdict.cause)
}

/// The cause as people say it.
pub fn cause_in_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Ddos => "distributed flood (DDoS)",
        Cause::Dos => "flood from few sources (DoS)",
        Cause::Injection => "injection attempts",
        Cause::InjectionAndSurge => "injection attempts with a traffic surge",
        Cause::BruteForce => "password guessing",
        Cause::Scan => "vulnerability scanning",
        Cause::Webshell => "web shell in use",
        Cause::FlashCrowd => "a crowd of real visitors",
        Cause::Crawler => "a busy crawler",
        Cause::ServerFault => "server fault without an attack",
    }
}

fn facts(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    fact("window", window(&report.window, &context.clock), page)?;
    fact("traffic", traffic(&report.totals), page)?;
    fact("answers", answers(&report.totals), page)?;
    fact("patterns", patterns(&report.totals), page)?;
    page.blank()
}

fn fact(label: &str, body: Text, page: &mut Page) -> io::Result<()> {
    match body.is_empty() {
        true => Ok(()),
        false => page.hanging(1, Text::new().quiet(label), LABEL, body, FACT_LINES),
    }
}

fn window(window: &Window, clock: &Clock) -> Text {
    match (window.start, window.end) {
        (Some(start), Some(end)) => {
            Text::from(format!("{} {}", clock.span(start, end), clock.zone()))
        }
        _ => Text::new(),
    }
}

fn traffic(totals: &Totals) -> Text {
    let sent = totals.bytes_sent.map_or(String::new(), |sent| {
        format!(", {} sent", words::bytes(sent))
    });
    Text::from(format!(
        "{} from {}{sent}",
        words::counted(totals.requests, "request", "requests"),
        words::counted(totals.clients, "client", "clients")
    ))
}

fn answers(totals: &Totals) -> Text {
    let mut text = Text::new();
    for (class, &number) in totals.status.iter().filter(|&(_, &number)| number > 0) {
        let tone = if *class == "5xx" {
            Tone::Warn
        } else {
            Tone::Plain
        };
        let glue = if text.is_empty() { "" } else { ", " };
        let share = words::part_of(number, totals.requests);
        text = text
            .plain(glue)
            .toned(tone, &format!("{class} {} ({share})", words::count(number)));
    }
    text
}

fn patterns(totals: &Totals) -> Text {
    if totals.hits == 0 {
        return Text::from("no line with an attack pattern");
    }
    let mut categories: Vec<(&str, u64)> = totals
        .hits_by_category
        .iter()
        .map(|(name, &number)| (*name, number))
        .collect();
    categories.sort_by_key(|&(name, number)| (std::cmp::Reverse(number), name));
    let named: Vec<String> = categories
        .iter()
        .map(|(name, number)| format!("{} {}", words::term(name), words::count(*number)))
        .collect();
    Text::from(format!(
        "{} with an attack pattern: {}",
        words::counted(totals.hits, "line", "lines"),
        named.join(", ")
    ))
}

fn charts(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    let series = &report.series;
    let unit = words::per_bucket(series.bucket_s);
    let rows = [
        ("requests", &series.requests, Tone::Accent),
        ("clients", &series.clients, Tone::Plain),
        ("5xx", &series.errors_5xx, Tone::Alarm),
        ("patterns", &series.hits, Tone::Warn),
    ]
    .map(|(label, values, tone)| (label, values, tone, peak(values, &unit)));
    let captions = rows
        .iter()
        .map(|row| row.3.chars().count())
        .max()
        .unwrap_or(0);
    let room = page.width().saturating_sub(1 + LABEL + 2 + captions);
    let scale = series
        .start
        .and_then(|start| Scale::new(start, series.bucket_s, series.requests.len(), room));
    let Some(scale) = scale else {
        return Ok(());
    };
    for (label, values, tone, caption) in rows {
        let chart = Text::new()
            .toned(tone, &scale.chart(values))
            .padded(scale.columns());
        chart_line(label, chart.plain("  ").quiet(&caption), page)?;
    }
    if !report.incidents.is_empty() {
        chart_line("incidents", marks(&report.incidents, &scale), page)?;
    }
    chart_line("", Text::new().quiet(&scale.axis(&context.clock)), page)?;
    page.paragraph(
        1 + LABEL,
        Text::new().quiet(&legend(&scale, series.bucket_s, &context.clock)),
        2,
    )
}

fn chart_line(label: &str, chart: Text, page: &mut Page) -> io::Result<()> {
    page.line(1, Text::new().quiet(label).padded(LABEL).text(chart))
}

fn peak(values: &[u64], unit: &str) -> String {
    match values.iter().copied().max().unwrap_or(0) {
        0 => "none".to_string(),
        highest => format!("max {}{unit}", words::count(highest)),
    }
}

fn legend(scale: &Scale, bucket_s: u64, clock: &Clock) -> String {
    let column = scale.seconds_per_column();
    let zone = clock.zone();
    match column > bucket_s as f64 {
        true => format!(
            "{zone}; a column is {}, and shows its highest {}",
            words::duration(column),
            words::duration(bucket_s as f64)
        ),
        false => zone,
    }
}

/// A bar for each incident, its number at the start; the gravest is drawn over the others.
fn marks(incidents: &[Incident], scale: &Scale) -> Text {
    let mut cells = vec![(' ', Tone::Plain); scale.columns()];
    let mut order: Vec<&Incident> = incidents.iter().collect();
    order.sort_by_key(|incident| (incident.severity, std::cmp::Reverse(incident.id)));
    for incident in order {
        let (from, to) = (
            scale.column_of(incident.start),
            scale.column_of(incident.end),
        );
        let tone = severity_tone(incident.severity);
        cells[from..=to].fill(('━', tone));
        for (cell, digit) in cells[from..]
            .iter_mut()
            .zip(incident.id.to_string().chars())
        {
            *cell = (digit, tone);
        }
    }
    cells.iter().fold(Text::new(), |text, (cell, tone)| {
        text.toned(*tone, cell.encode_utf8(&mut [0; 4]))
    })
}

/// How loudly a severity speaks.
pub fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Alarm,
        Severity::Medium => Tone::Warn,
        Severity::Low => Tone::Quiet,
    }
}

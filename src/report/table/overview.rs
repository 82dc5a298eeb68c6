//! The top of the page: the verdict, what was looked at, and the shape of the traffic.

use std::io;

use super::charts::{self, INDENT, LABEL};
use super::page::{Page, Text, Tone};
use super::section::{Context, by_category};
use crate::report::phrases;
use crate::report::view::{NOTHING_READ, Report, Totals, Verdict, Window};
use crate::report::words::{self, Clock};

const HEADLINE_LINES: usize = 5;
const FACT_LINES: usize = 3;

/// Writes the verdict, the facts and the charts.
pub fn render(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    verdict(report, context, page)?;
    facts(report, context, page)?;
    charts::overview(&report.series, &report.incidents, &context.clock, page)
}

fn verdict(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    let verdict = &report.verdict;
    if report.totals.requests == 0 && report.incidents.is_empty() {
        return no_verdict(report, page);
    }
    answer(verdict, page)?;
    if let (Some(start), Some(end)) = (verdict.start, verdict.end) {
        let clock = &context.clock;
        let when = format!("{}, times in {}", clock.span(start, end), clock.zone());
        page.paragraph(INDENT, Text::new().strong(&when), 2)?;
    }
    page.paragraph(INDENT, verdict.headline.as_str().into(), HEADLINE_LINES)?;
    if !verdict.attack {
        page.paragraph(INDENT, phrases::how_sure(report).into(), HEADLINE_LINES)?;
    }
    Ok(())
}

/// The first line: yes or no, why, and how sure.
fn answer(verdict: &Verdict, page: &mut Page) -> io::Result<()> {
    let badge = match verdict.attack {
        true => Text::new().toned(Tone::AlarmBadge, " ATTACK "),
        false => Text::new().toned(Tone::CalmBadge, " NO ATTACK FOUND "),
    };
    let cause = words::cause_named(&verdict.cause)
        .map_or(Text::new(), |cause| Text::new().plain("  ").strong(cause));
    let sure = format!("confidence {}", words::confidence(verdict.confidence));
    let room = page.width().saturating_sub(sure.len() + 2);
    page.line(0, badge.text(cause).fit(room).padded(room + 2).quiet(&sure))
}

fn no_verdict(report: &Report, page: &mut Page) -> io::Result<()> {
    let badge = Text::new().toned(Tone::Warn, " NO VERDICT ");
    let headline = report.verdict.headline.as_str();
    if headline != NOTHING_READ && !report.inputs.is_empty() {
        page.line(0, badge.strong("  nothing in the time asked for"))?;
        return page.paragraph(INDENT, headline.into(), HEADLINE_LINES);
    }
    page.line(0, badge.strong("  no request could be read"))?;
    page.paragraph(INDENT, phrases::advice(report).into(), HEADLINE_LINES)
}

fn facts(report: &Report, context: &Context, page: &mut Page) -> io::Result<()> {
    if report.window.start.is_none() && report.totals.requests == 0 {
        return Ok(());
    }
    page.blank()?;
    fact("window", window(&report.window, &context.clock), page)?;
    fact("traffic", traffic(&report.totals), page)?;
    fact("answers", answers(&report.totals), page)?;
    fact("patterns", patterns(&report.totals), page)
}

fn fact(label: &str, body: Text, page: &mut Page) -> io::Result<()> {
    match body.is_empty() {
        true => Ok(()),
        false => page.hanging(INDENT, Text::new().quiet(label), LABEL, body, FACT_LINES),
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
        let answer = format!("{class} {} ({share})", words::count(number));
        text = text.plain(glue).kept(tone, &answer);
    }
    text
}

fn patterns(totals: &Totals) -> Text {
    if totals.hits == 0 {
        return Text::from("no suspicious line");
    }
    let found = words::counted(totals.hits, "suspicious line", "suspicious lines");
    Text::from(format!("{found}: ")).text(by_category(&totals.hits_by_category, Tone::Plain))
}

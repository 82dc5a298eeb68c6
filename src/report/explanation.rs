//! An explanation as text for people: how a line was read, what decoding made of it, what fired where.
//!
//! Renders what the explanation says and computes nothing. All of it may be hostile; the page escapes.

use std::io::{self, Write};

use crate::explain::{DecodingStep, Explanation, Fired, InputKind, Near, Place, What};
use crate::pattern::entry::Field;
use crate::report::escape;
use crate::report::table::page::{Page, Text, Tone};
use crate::report::table::{MIN_WIDTH, TableOptions};
use crate::severity::Confidence;

/// Most lines that one text of a line may take; the JSON has it whole.
const TEXT_LINES: usize = 6;

/// Most lines of a sentence.
const PROSE_LINES: usize = 12;

/// Columns of the labels.
const LABELS: usize = 18;

/// Most texts that are shown of one line, those in which something fired aside.
const MAX_PLACES: usize = 24;

/// Which part of the room the text before a match may take, and which the match itself.
const BEFORE_SHARE: usize = 3;
const MATCH_SHARE: usize = 2;

/// Writes one explanation.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(
    explanation: &Explanation,
    options: &TableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, options.width.max(MIN_WIDTH), options.color);
    page.rule(Text::new().strong(&explanation.input))?;
    understood(explanation, &mut page)?;
    places(explanation, &mut page)?;
    fired(explanation, &mut page)?;
    near(&explanation.near, &mut page)?;
    verdict(explanation, &mut page)
}

fn titled(page: &mut Page<'_>, title: &str) -> io::Result<()> {
    page.blank()?;
    page.line(1, Text::new().strong(title))
}

fn labelled(page: &mut Page<'_>, label: &str, text: Text, lines: usize) -> io::Result<()> {
    page.hanging(
        3,
        Text::new().toned(Tone::Accent, label),
        LABELS,
        text,
        lines,
    )
}

/// What the line was taken for.
fn understood(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    let understood = &explanation.understood;
    let format = understood.format.unwrap_or_default();
    let kind = match understood.kind {
        InputKind::AccessLine => format!("a line of an access log in the format {format}"),
        InputKind::ErrorLine => {
            format!("a line of an error log in the format {format}; of it, the request is judged")
        }
        InputKind::ErrorMessage => format!(
            "a line of an error log in the format {format} that names no request; patterns do not \
             look at it"
        ),
        InputKind::RequestLine => "a request line".to_string(),
        InputKind::Target => "a request target".to_string(),
        InputKind::Url => "a URL; of it, path and query are judged".to_string(),
        InputKind::Unknown => {
            "a line in no known format, judged as such; to judge it as the value \
                               of a parameter, put /?q= before it"
                .to_string()
        }
    };
    titled(page, "Read as")?;
    page.paragraph(3, Text::from(kind), PROSE_LINES)?;
    let status = understood.status.map(|status| status.to_string());
    let fields = [
        ("host", &understood.host),
        ("fragment", &understood.fragment),
        ("method", &understood.method),
        ("target", &understood.target),
        ("protocol", &understood.protocol),
        ("status", &status),
        ("referer", &understood.referer),
        ("user agent", &understood.user_agent),
        ("further fields", &understood.extras),
    ];
    for (label, value) in fields {
        if let Some(value) = value {
            labelled(page, label, Text::from(value.as_str()), TEXT_LINES)?;
        }
    }
    Ok(())
}

/// The texts that were judged, with every layer that was removed on the way.
fn places(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    let fired_in = |index: usize| explanation.matches.iter().any(|fired| fired.place == index);
    // segments, names and the whole target repeat what is shown anyway
    let shown = |(index, place): &(usize, &Place)| {
        fired_in(*index)
            || !matches!(place.what, What::Segment | What::ParameterName)
                && place.field != Field::Target
            || place.what == What::AsLogged
    };
    let chosen: Vec<(usize, &Place)> = explanation
        .places
        .iter()
        .enumerate()
        .filter(shown)
        .collect();
    if chosen.is_empty() {
        return Ok(());
    }
    titled(page, "What the patterns saw")?;
    let mut left_out = 0;
    for (number, (index, place)) in chosen.iter().enumerate() {
        if number >= MAX_PLACES && !fired_in(*index) {
            left_out += 1;
            continue;
        }
        show_place(place, page)?;
    }
    if left_out > 0 {
        page.line(
            3,
            Text::new().quiet(&format!("and {left_out} more; --format json has all")),
        )?;
    }
    Ok(())
}

/// One text: as it came in, and a line for each step.
fn show_place(place: &Place, page: &mut Page<'_>) -> io::Result<()> {
    let Some((first, rest)) = place.steps.split_first() else {
        return labelled(
            page,
            &title(place),
            Text::from(place.text.as_str()),
            TEXT_LINES,
        );
    };
    labelled(
        page,
        &title(place),
        Text::from(first.text.as_str()),
        TEXT_LINES,
    )?;
    for step in rest {
        let label = Text::new().quiet(&format!("→ {}", layers(step)));
        let text = Text::from(step.text.as_str());
        page.hanging(5, label, LABELS + 4, text, TEXT_LINES)?;
    }
    Ok(())
}

fn layers(step: &DecodingStep) -> String {
    let titles: Vec<&str> = step.layers.iter().map(|layer| layer.title()).collect();
    titles.join(", ")
}

/// What a text is, for people.
fn title(place: &Place) -> String {
    let parameter = place.parameter.as_deref().unwrap_or_default();
    let within = match place.field {
        Field::Referer if place.parameter.is_some() => "referer: ",
        _ => "",
    };
    match place.what {
        What::AsLogged if place.field == Field::Extra => "raw further field".to_string(),
        What::AsLogged => format!("raw {}", field(place.field)),
        What::Whole if place.field == Field::Extra => "further field".to_string(),
        What::Whole => field(place.field).to_string(),
        What::Segment => "path segment".to_string(),
        What::ParameterName => "parameter name".to_string(),
        What::Value => format!("{within}{parameter} ="),
        What::BareValue => "bare value".to_string(),
        What::Wrapped | What::AroundNul | What::JsonString if parameter.is_empty() => {
            format!("in {}", field(place.field))
        }
        What::Wrapped | What::AroundNul => format!("{within}in {parameter}"),
        What::JsonString => format!("JSON: {parameter}"),
        What::Json if parameter.is_empty() => "bare value".to_string(),
        What::Joined => "joined parameters".to_string(),
        What::Url | What::Json => format!("{within}{parameter} ="),
        What::UrlPart => format!("{within}in {parameter}"),
    }
}

fn field(field: Field) -> &'static str {
    match field {
        Field::Target => "target",
        Field::Path => "path",
        Field::Query => "query",
        Field::Referer => "referer",
        Field::UserAgent => "user agent",
        Field::Extra => "field behind the user agent",
        Field::Request => "request",
        Field::Line => "line",
    }
}

/// What fired, with a mark below what it matched.
fn fired(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    if explanation.matches.is_empty() {
        return Ok(());
    }
    titled(page, "What fired")?;
    for (number, fired) in explanation.matches.iter().enumerate() {
        if number > 0 {
            page.blank()?;
        }
        let place = explanation.places.get(fired.place);
        one_fired(fired, place, page)?;
    }
    Ok(())
}

fn one_fired(fired: &Fired, place: Option<&Place>, page: &mut Page<'_>) -> io::Result<()> {
    let heading = Text::new()
        .toned(tone(fired.confidence), &fired.pattern)
        .plain("  ")
        .plain(&fired.title);
    page.paragraph(3, heading, PROSE_LINES)?;
    let raised = match fired.by_itself == fired.confidence {
        true => String::new(),
        false => format!(" ({} by itself)", fired.by_itself.name()),
    };
    let place = place.map_or_else(|| field(fired.field).to_string(), where_it_is);
    let about = format!(
        "{}, severity {}, confidence {}{raised}; in {place}",
        fired.category.title(),
        fired.severity.name(),
        fired.confidence.name(),
    );
    page.paragraph(5, Text::new().quiet(&about), PROSE_LINES)?;
    marked(fired, page)?;
    page.paragraph(5, Text::from(fired.why.as_str()), PROSE_LINES)
}

/// Where a text is, within a sentence.
fn where_it_is(place: &Place) -> String {
    let parameter = place.parameter.as_deref().unwrap_or_default();
    let field = field(place.field);
    match place.what {
        What::AsLogged | What::Whole => format!("the {field}"),
        What::Segment => format!("a segment of the {field}"),
        What::ParameterName => format!("the name of a parameter of the {field}"),
        What::Json if parameter.is_empty() => format!("a JSON value of the {field}"),
        What::Value | What::Url | What::Json => format!("parameter {parameter} of the {field}"),
        What::BareValue => format!("a value without a name of the {field}"),
        What::Wrapped if parameter.is_empty() => format!("what the {field} wraps"),
        What::Wrapped => format!("what parameter {parameter} of the {field} wraps"),
        What::AroundNul => format!("what stands around a NUL in the {field}"),
        What::JsonString => format!("the string {parameter} in JSON of the {field}"),
        What::Joined => format!("parameters of the {field} read as one"),
        What::UrlPart => format!("the URL in parameter {parameter} of the {field}"),
    }
}

/// The text around a match on one line, and marks below the match.
fn marked(fired: &Fired, page: &mut Page<'_>) -> io::Result<()> {
    const INDENT: usize = 7;
    let room = page.width().saturating_sub(INDENT);
    let before = escape::terminal(&fired.before);
    let before = escape::fit_start(&before, room / BEFORE_SHARE);
    let matched = escape::terminal(&fired.matched);
    let matched = escape::fit(&matched, room / MATCH_SHARE);
    let after = escape::terminal(&fired.after);
    let tone = tone(fired.confidence);
    let text = Text::new()
        .plain(&before)
        .toned(tone, &matched)
        .plain(&after);
    page.line(INDENT, text)?;
    let marks = "^".repeat(escape::width(&matched).max(1));
    let marks = Text::new()
        .padded(escape::width(&before))
        .toned(tone, &marks);
    page.line(INDENT, marks)
}

fn tone(confidence: Confidence) -> Tone {
    match confidence {
        Confidence::High => Tone::Alarm,
        Confidence::Medium => Tone::Warn,
        Confidence::Low => Tone::Quiet,
    }
}

/// Patterns that were tried in vain.
fn near(near: &[Near], page: &mut Page<'_>) -> io::Result<()> {
    if near.is_empty() {
        return Ok(());
    }
    titled(page, "What came near")?;
    for near in near {
        let place = match &near.parameter {
            Some(parameter) => format!("parameter {parameter}"),
            None => format!("the {}", field(near.field)),
        };
        let text = Text::new()
            .plain(&near.pattern)
            .quiet(&format!(" ({}, {})", near.title, near.confidence.name()))
            .plain(&format!(
                ": “{}” is in {place}, but {}",
                near.literal, near.missing
            ));
        page.paragraph(3, text, PROSE_LINES)?;
    }
    Ok(())
}

/// What it comes to, and what the program would do with it.
fn verdict(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    titled(page, "Verdict")?;
    let Some(verdict) = &explanation.verdict else {
        let nothing = "Nothing fired: no pattern matches this line, at any confidence.";
        page.paragraph(3, Text::new().toned(Tone::Good, nothing), PROSE_LINES)?;
        return alone(page);
    };
    let others: Vec<&str> = verdict
        .categories
        .iter()
        .filter(|category| **category != verdict.category)
        .map(|category| category.title())
        .collect();
    let also = match others.is_empty() {
        true => String::new(),
        false => format!("; also {}", others.join(", ")),
    };
    let text = Text::new()
        .toned(tone(verdict.confidence), verdict.category.title())
        .plain(&format!(
            ", severity {}, confidence {}{also}",
            verdict.severity.name(),
            verdict.confidence.name()
        ));
    page.paragraph(3, text, PROSE_LINES)?;
    let shown = match verdict.confidence {
        Confidence::High => "`hits --no-context` lists such a line at every --min-confidence.",
        Confidence::Medium => {
            "`hits --no-context` lists such a line by default, and not with --min-confidence high."
        }
        Confidence::Low => {
            "`hits --no-context` lists such a line only with --min-confidence low: ordinary users \
             write such things too."
        }
    };
    let shown = match explanation.understood.kind {
        InputKind::ErrorLine => "`hits` searches access logs only; its request stands there too.",
        _ => shown,
    };
    page.paragraph(3, Text::from(shown), PROSE_LINES)?;
    alone(page)
}

fn alone(page: &mut Page<'_>) -> io::Result<()> {
    let text = "One line, judged alone: what its client did besides, and what is usual on its site, \
                may make such a line count more or less.";
    page.paragraph(3, Text::new().quiet(text), PROSE_LINES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Given, explain};
    use crate::pattern::load;

    fn shown(input: &[u8], width: usize, color: bool) -> String {
        let set = load::embedded().unwrap();
        let explanation = explain(&set, input, &Given::default());
        let mut out = Vec::new();
        let options = TableOptions {
            width,
            tz: None,
            color,
        };
        render(&explanation, &options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn marks_stand_below_what_matched() {
        let text = shown(
            b"/i?q=%E6%9D%B1%E4%BA%AC%27%20UNION%20SELECT%20a%20FROM%20b--",
            100,
            false,
        );
        let lines: Vec<&str> = text.lines().collect();
        let at = lines
            .iter()
            .position(|line| line.trim_start().starts_with('^'))
            .unwrap_or_else(|| panic!("no marks in\n{text}"));
        let column = escape::width(&lines[at][..lines[at].find('^').unwrap()]);
        let above: String = lines[at - 1]
            .chars()
            .scan(0, |used, character| {
                *used += escape::char_width(character);
                Some((*used, character))
            })
            .filter(|(used, _)| *used > column)
            .map(|(_, character)| character)
            .collect();
        assert!(
            above.to_lowercase().starts_with("union") || above.starts_with('\''),
            "{text}"
        );
    }

    #[test]
    fn hostile_lines_change_neither_width_nor_terminal() {
        let pieces = [
            "/?a=%1b%5b2J\x1b[2J",
            "' union select 1,2,3--",
            "\u{202e}<script>alert(1)</script>",
            "\u{200b}東京",
            "%00%0a",
        ];
        for piece in pieces {
            let line = format!("/x?y={}{}", piece.repeat(60), "' or 1=1--".repeat(40));
            for width in [50, 80, 200] {
                for line in shown(line.as_bytes(), width, false).lines() {
                    assert_eq!(escape::terminal(line), line);
                    assert!(escape::width(line) <= width, "{width}: {line}");
                }
            }
        }
        let bytes: Vec<u8> = (0..=255).collect();
        for line in shown(&bytes, 80, false).lines() {
            assert_eq!(escape::terminal(line), line);
        }
    }

    #[test]
    fn colour_comes_only_when_asked_for() {
        assert!(shown(b"/?a=<script>alert(1)</script>", 80, true).contains('\x1b'));
        assert!(!shown(b"/?a=<script>alert(1)</script>", 80, false).contains('\x1b'));
    }
}

//! The patterns for people: all of them as a Markdown document, one of them as a page.
//!
//! Says what the entries say. Packs can be anybody's, so their text is escaped like a log's.

use std::io::{self, Write};

use crate::category::Category;
use crate::pattern::describe::{self, Description, Reference, describe};
use crate::pattern::entry::Pattern;
use crate::report::escape;
use crate::report::phrases::capitalised;
use crate::report::table::page::{Page, Text, Tone};
use crate::report::table::{MIN_WIDTH, TableOptions};

/// Most lines of one paragraph of a page: far beyond every sane entry.
const MAX_LINES: usize = 400;

/// Columns of the labels on a page.
const LABELS: usize = 12;

/// Writes the catalogue as a document: a chapter for each category, gravest first, the entries of each
/// in the order of their ids.
///
/// # Errors
/// Whatever the writer returns.
pub fn markdown(patterns: &[Pattern], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Attack patterns\n")?;
    writeln!(
        out,
        "{} patterns. What each looks for is matched against decoded, lower-case text.",
        patterns.len()
    )?;
    for category in Category::ALL {
        let mut entries: Vec<&Pattern> = patterns
            .iter()
            .filter(|pattern| pattern.category == category)
            .collect();
        if entries.is_empty() {
            continue;
        }
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        let words = describe::category(category);
        writeln!(
            out,
            "\n## {}\n\n{}: {} in this list. {}.",
            capitalised(words.title),
            escape::markdown_code(words.name),
            entries.len(),
            links(&words.references)
        )?;
        for pattern in entries {
            entry(&describe(pattern), out)?;
        }
    }
    Ok(())
}

/// One entry of the document.
fn entry(description: &Description<'_>, out: &mut dyn Write) -> io::Result<()> {
    let md = escape::markdown;
    writeln!(
        out,
        "\n### {}\n\n{}\n",
        escape::markdown_code(description.id),
        md(description.title)
    )?;
    let fields: Vec<String> = description
        .fields
        .iter()
        .map(|field| escape::markdown_code(field.name))
        .collect();
    writeln!(
        out,
        "- Severity {}, confidence {}.",
        description.severity.name(),
        description.confidence.name()
    )?;
    if let Some(technique) = description.technique {
        writeln!(out, "- Technique: {}.", md(technique))?;
    }
    writeln!(out, "- Looks at: {}.", fields.join(", "))?;
    let looks_for = &description.looks_for;
    if let Some(parameter) = looks_for.parameter {
        let code = escape::markdown_code(parameter);
        writeln!(out, "- Only in parameters whose name matches: {code}")?;
    }
    if let Some(syntax) = &looks_for.syntax {
        let code = escape::markdown_code(syntax.name);
        writeln!(out, "- Structure: {code}: {}", md(syntax.about))?;
    }
    if let Some(regex) = looks_for.regex {
        writeln!(out, "- Expression: {}", escape::markdown_code(regex))?;
    }
    writeln!(out, "- Why: {}", md(description.why))?;
    if let Some(answer) = description.answer {
        writeln!(out, "- {answer}")?;
    }
    writeln!(out, "- References: {}.", links(&description.references))
}

/// References as links, where their page is known.
fn links(references: &[Reference]) -> String {
    let link = |reference: &Reference| match &reference.url {
        Some(url) => format!("[{}]({})", escape::markdown(&reference.id), address(url)),
        None => escape::markdown(&reference.id),
    };
    references.iter().map(link).collect::<Vec<_>>().join(", ")
}

/// An address within the brackets of a link: what could end it, or is no part of one, is
/// percent-encoded (RFC 3986, 2.1).
fn address(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'#' | b'@' | b'!' | b'$' | b'&'
            | b'+' | b',' | b';' | b'=' | b'%' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Writes everything about one entry as a page.
///
/// # Errors
/// Whatever the writer returns.
pub fn page(
    description: &Description<'_>,
    options: &TableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, options.width.max(MIN_WIDTH), options.color);
    page.rule(Text::new().strong(description.id))?;
    page.paragraph(1, Text::from(description.title), MAX_LINES)?;
    page.blank()?;
    let category = &description.category;
    let numbers: Vec<&str> = category
        .references
        .iter()
        .map(|reference| reference.id.as_str())
        .collect();
    labelled(
        &mut page,
        "category",
        Text::new().plain(category.title).quiet(&format!(
            " ({}; {})",
            category.name,
            numbers.join(", ")
        )),
    )?;
    labelled(&mut page, "severity", description.severity.name().into())?;
    labelled(
        &mut page,
        "confidence",
        Text::new()
            .plain(description.confidence.name())
            .quiet(&format!(" ({})", description.confidence_means)),
    )?;
    if let Some(technique) = description.technique {
        labelled(&mut page, "technique", technique.into())?;
    }
    if let Some(tool) = description.tool {
        labelled(&mut page, "tool", tool.into())?;
    }
    if let Some(answer) = description.answer {
        labelled(&mut page, "answer", answer.into())?;
    }
    what_it_looks_for(description, &mut page)?;
    titled(&mut page, "Why")?;
    page.paragraph(3, Text::from(description.why), MAX_LINES)?;
    titled(&mut page, "References")?;
    let all = category.references.iter().chain(&description.references);
    let mut told: Vec<&str> = Vec::new();
    for reference in all {
        if told.contains(&reference.id.as_str()) {
            continue;
        }
        told.push(&reference.id);
        let url = reference.url.as_deref().unwrap_or_default();
        let label = Text::new().toned(Tone::Accent, &reference.id);
        page.hanging(3, label, LABELS + 4, Text::from(url), MAX_LINES)?;
    }
    samples(&mut page, "Matches", description.matches)?;
    samples(&mut page, "Does not match", description.ignores)
}

/// Where and what.
fn what_it_looks_for(description: &Description<'_>, page: &mut Page<'_>) -> io::Result<()> {
    titled(page, "Where it looks")?;
    for field in &description.fields {
        let label = Text::new().toned(Tone::Accent, field.name);
        page.hanging(3, label, LABELS, Text::from(field.about), MAX_LINES)?;
    }
    titled(page, "What it looks for")?;
    let looks_for = &description.looks_for;
    let mut part = |label: &str, text: &str| {
        let label = Text::new().toned(Tone::Accent, label);
        page.hanging(3, label, LABELS, Text::from(text), MAX_LINES)
    };
    if let Some(parameter) = looks_for.parameter {
        part("parameter", &format!("whose name matches {parameter}"))?;
    }
    if let Some(syntax) = &looks_for.syntax {
        part("structure", &format!("{}: {}", syntax.name, syntax.about))?;
    }
    if let Some(regex) = looks_for.regex {
        part("expression", regex)?;
    }
    Ok(())
}

fn samples(page: &mut Page<'_>, title: &str, samples: &[String]) -> io::Result<()> {
    titled(page, title)?;
    for sample in samples {
        page.paragraph(3, Text::from(sample.as_str()), MAX_LINES)?;
    }
    Ok(())
}

fn labelled(page: &mut Page<'_>, label: &str, text: Text) -> io::Result<()> {
    page.hanging(1, Text::new().quiet(label), LABELS, text, MAX_LINES)
}

fn titled(page: &mut Page<'_>, title: &str) -> io::Result<()> {
    page.blank()?;
    page.line(1, Text::new().strong(title))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::load;

    /// An entry whose every text wants to be obeyed.
    fn hostile() -> Pattern {
        let set = load::embedded().unwrap();
        let evil = "\x1b[2J</a>`*[x](http://evil.example)\r\n# |\u{202e}".to_string();
        let mut pattern = set.patterns()[0].clone();
        pattern.id = evil.clone();
        pattern.title = evil.clone();
        pattern.technique = Some(evil.clone());
        pattern.tool = Some(evil.clone());
        pattern.regex = Some(evil.clone());
        pattern.parameter = Some(evil.clone());
        pattern.why = evil.clone();
        pattern.references = vec![format!("https://a.example/)>{evil}"), evil.clone()];
        pattern.matches = vec![evil.clone()];
        pattern.ignores = vec![evil];
        pattern
    }

    fn document(patterns: &[Pattern]) -> String {
        let mut out = Vec::new();
        markdown(patterns, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_document_has_every_entry_once_under_its_category() {
        let set = load::embedded().unwrap();
        let text = document(set.patterns());
        for pattern in set.patterns() {
            let title = format!("\n### `{}`\n", pattern.id);
            assert_eq!(text.matches(&title).count(), 1, "{}", pattern.id);
        }
        assert!(text.contains("## SQL injection\n\n`sql_injection`: "));
        assert!(text.contains("[CWE-89](https://cwe.mitre.org/data/definitions/89.html)"));
        assert_eq!(text, document(set.patterns()));
        let mut reversed = set.patterns().to_vec();
        reversed.reverse();
        assert_eq!(text, document(&reversed), "the order is the document's own");
    }

    #[test]
    fn hostile_packs_change_neither_document_nor_terminal() {
        let pattern = hostile();
        let text = document(std::slice::from_ref(&pattern));
        for line in text.lines() {
            assert_eq!(escape::terminal(line), line);
        }
        let headings = text.lines().filter(|line| line.starts_with('#')).count();
        assert_eq!(headings, 3, "{text}");
        // code spans mean nothing by themselves
        let prose = text.lines().filter(|line| !line.contains("``"));
        assert!(prose.clone().count() > 8, "{text}");
        for line in prose {
            assert!(
                !line.contains("](http://evil") && !line.contains("</a>"),
                "{line}"
            );
        }
        for width in [60, 100] {
            let mut out = Vec::new();
            let options = TableOptions {
                width,
                tz: None,
                color: false,
            };
            page(&describe(&pattern), &options, &mut out).unwrap();
            for line in String::from_utf8(out).unwrap().lines() {
                assert_eq!(escape::terminal(line), line);
                assert!(escape::width(line) <= width, "{line}");
            }
        }
    }
}

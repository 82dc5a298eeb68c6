//! Markdown as it is written: headings, paragraphs, lists, tables, and the lines that statements refer to.
//!
//! Whoever calls escapes what comes from a log: see [`text`] and [`code`].

use std::io::{self, Write};

use crate::report::escape;
use crate::report::view::Evidence;

/// Longest text of a line in the appendix, in characters: the report has it whole.
const LONGEST_LINE: usize = 600;

/// Text that means nothing to Markdown.
pub fn text(text: &str) -> String {
    escape::markdown(text)
}

/// Text as code. A table ends a cell at every bar, in code as well (GFM 4.10).
pub fn code(text: &str) -> String {
    escape::markdown_code(text).replace('|', "\\|")
}

/// What the author must fill in.
pub fn blank(what: &str) -> String {
    format!("**[fill in: {what}]**")
}

/// The document.
pub struct Page<W> {
    out: W,
    /// The lines referred to, in the order of their numbers.
    evidence: Vec<Evidence>,
}

impl<W: Write> Page<W> {
    /// An empty document.
    pub fn new(out: W) -> Page<W> {
        Page {
            out,
            evidence: Vec::new(),
        }
    }

    /// The title.
    pub fn title(&mut self, title: &str) -> io::Result<()> {
        writeln!(self.out, "# {title}")
    }

    /// A section.
    pub fn heading(&mut self, heading: &str) -> io::Result<()> {
        writeln!(self.out, "\n## {heading}")
    }

    /// A part of a section.
    pub fn subheading(&mut self, heading: &str) -> io::Result<()> {
        writeln!(self.out, "\n### {heading}")
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "\n{text}")
    }

    /// A list.
    pub fn list(&mut self, items: impl IntoIterator<Item = String>) -> io::Result<()> {
        let mut items = items.into_iter().peekable();
        if items.peek().is_some() {
            writeln!(self.out)?;
        }
        items.try_for_each(|item| writeln!(self.out, "- {item}"))
    }

    /// A table; cells must have been escaped.
    pub fn table<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> io::Result<()> {
        writeln!(self.out, "\n| {} |", head.join(" | "))?;
        writeln!(self.out, "|{}", "---|".repeat(N))?;
        let mut rows = rows.into_iter();
        rows.try_for_each(|row| writeln!(self.out, "| {} |", row.join(" | ")))
    }

    /// Refers to lines by their numbers in the appendix: `E1, E2`; nothing for no lines.
    pub fn refer(&mut self, lines: &[Evidence]) -> String {
        let mut numbers: Vec<usize> = Vec::new();
        for line in lines {
            let number = self.number(line);
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        let numbers: Vec<String> = numbers.iter().map(|number| format!("E{number}")).collect();
        numbers.join(", ")
    }

    fn number(&mut self, line: &Evidence) -> usize {
        let known = self.evidence.iter().position(|known| known == line);
        known.map_or_else(
            || {
                self.evidence.push(line.clone());
                self.evidence.len()
            },
            |at| at + 1,
        )
    }

    /// The lines that were referred to.
    pub fn evidence(&mut self) -> io::Result<()> {
        if self.evidence.is_empty() {
            return self.paragraph("No line is referred to.");
        }
        writeln!(self.out)?;
        for (line, number) in self.evidence.iter().zip(1..) {
            let place = match line.line {
                Some(line) => format!("line {line}"),
                None => format!("byte {}", line.offset),
            };
            let source = escape::markdown_code(&line.source);
            let text = escape::fit(&line.text, LONGEST_LINE);
            writeln!(self.out, "- **E{number}** {source}, {place}:  ")?;
            writeln!(self.out, "  {}", escape::markdown_code(&text))?;
        }
        Ok(())
    }
}

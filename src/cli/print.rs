//! How a report leaves the program: which format, where to, in which zone and how wide.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use aftertrace::error::Result;
use aftertrace::report::table::TableOptions;
use aftertrace::report::view::Report;
use aftertrace::report::{csv, ecs, html, json, markdown, table, timesketch};
use clap::{Args, ValueEnum};

use super::{Color, output, values};

/// Shapes of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people at a terminal
    Table,
    /// For scripts: the whole report
    Json,
    /// The draft of a postmortem
    Markdown,
    /// One page with charts, for a browser
    Html,
    /// The timeline and the actors, for spreadsheets
    Csv,
    /// Events to be imported into Timesketch, as JSON lines
    Timesketch,
    /// Alerts in the Elastic Common Schema, as JSON lines
    Ecs,
}

/// How a report is printed.
#[derive(Debug, Args)]
pub struct PrintArguments {
    /// How to print the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
    /// Write to FILE instead of standard output, all of it or nothing
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Zone of the times that people read: `log`, `UTC`, or an offset such as +02:00
    #[arg(long, value_name = "ZONE", default_value = "log", allow_hyphen_values = true, value_parser = values::zone)]
    pub tz: values::Zone,
    /// When to colour the table; NO_COLOR is respected
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

impl PrintArguments {
    /// Writes the report.
    pub fn print(&self, report: &Report) -> Result<()> {
        output::write_to(self.output.as_deref(), |out| self.render(report, out))
    }

    fn render(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            ReportFormat::Json => json::render(report, out),
            ReportFormat::Table => table::render(report, &self.table_options(), out),
            ReportFormat::Csv => csv::render(report, out),
            ReportFormat::Timesketch => timesketch::render(report, out),
            ReportFormat::Ecs => ecs::render(report, out),
            ReportFormat::Html => html::render(report, self.tz.offset(), out),
            ReportFormat::Markdown => markdown::render(report, self.tz.offset(), out),
        }
    }

    fn table_options(&self) -> TableOptions {
        let page = output::page(self.color);
        TableOptions {
            width: match self.on_stdout() {
                true => page.width,
                false => output::DEFAULT_WIDTH,
            },
            tz: self.tz.offset(),
            color: page.color && (self.on_stdout() || self.color == Color::Always),
        }
    }

    fn on_stdout(&self) -> bool {
        let target = self.output.as_deref();
        target.is_none_or(|path| path.as_os_str() == "-")
    }

    /// Whether a reader of standard error sees the table's own list of warnings anyway.
    pub fn table_is_on_screen(&self) -> bool {
        self.format == ReportFormat::Table && self.on_stdout() && io::stdout().is_terminal()
    }
}

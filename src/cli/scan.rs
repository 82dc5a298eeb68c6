//! `aftertrace scan`: analyse, print the report, say what was wrong with the inputs.

use std::io::{self, IsTerminal, Write};

use aftertrace::Observer;
use aftertrace::error::Result;
use aftertrace::report::table::TableOptions;
use aftertrace::report::view::Report;
use aftertrace::report::{json, table};
use aftertrace::severity::Severity;

use super::{Color, Format, Outcome, ScanArguments, messages, output, sigma};

/// Columns where there is no terminal to ask: what mail, tickets and chat show without wrapping.
const DEFAULT_WIDTH: usize = 80;

/// Runs the command.
pub fn run(arguments: &ScanArguments, observer: &dyn Observer) -> Result<Outcome> {
    let input = &arguments.input;
    let patterns = sigma::patterns(input)?;
    let report = aftertrace::analyze(&input.paths, &arguments.options()?, &patterns, observer)?;
    observer.finish();
    let written = output::write_to(arguments.output.as_deref(), |out| {
        print(&report, arguments, out)
    });
    messages::warnings(
        &report.warnings,
        input.quiet || table_is_on_screen(arguments),
        input.quiet && report.inputs.is_empty(),
    );
    let outcome = judge(&report, arguments.fail_on);
    if outcome == Outcome::Incomplete {
        messages::hints(&input.paths);
    }
    match written {
        Err(error) if output::is_closed_pipe(&error) => Ok(outcome),
        other => other.map(|()| outcome),
    }
}

fn print(report: &Report, arguments: &ScanArguments, out: &mut dyn Write) -> io::Result<()> {
    match arguments.format {
        Format::Json => json::render(report, out),
        Format::Table => table::render(report, &table_options(arguments), out),
    }
}

fn table_options(arguments: &ScanArguments) -> TableOptions {
    TableOptions {
        width: width(arguments),
        tz: arguments.tz.offset(),
        color: color(arguments),
    }
}

fn on_stdout(arguments: &ScanArguments) -> bool {
    arguments
        .output
        .as_deref()
        .is_none_or(|path| path.as_os_str() == "-")
}

/// Whether a reader of standard error sees the table's own list of warnings anyway.
fn table_is_on_screen(arguments: &ScanArguments) -> bool {
    arguments.format == Format::Table && on_stdout(arguments) && io::stdout().is_terminal()
}

fn width(arguments: &ScanArguments) -> usize {
    match on_stdout(arguments).then(|| terminal_size::terminal_size_of(io::stdout())) {
        Some(Some((terminal_size::Width(columns), _))) => usize::from(columns),
        _ => DEFAULT_WIDTH,
    }
}

/// Colour on request, and by default where standard output is a terminal that can (NO_COLOR,
/// CLICOLOR and TERM are respected).
fn color(arguments: &ScanArguments) -> bool {
    match arguments.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            on_stdout(arguments)
                && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
        }
    }
}

fn judge(report: &Report, fail_on: Option<Severity>) -> Outcome {
    // "Nothing found" where nothing was a log must not look like all clear to a script.
    let unreadable =
        report.inputs.is_empty() || report.warnings.iter().any(messages::is_unreadable);
    let gravest = report
        .incidents
        .iter()
        .map(|incident| incident.severity)
        .max();
    outcome(unreadable, gravest, fail_on)
}

/// An input that could not be read outweighs what was found in the others.
fn outcome(unreadable: bool, gravest: Option<Severity>, fail_on: Option<Severity>) -> Outcome {
    match (gravest, fail_on) {
        _ if unreadable => Outcome::Incomplete,
        (Some(found), Some(limit)) if found >= limit => Outcome::Failed,
        _ => Outcome::Finished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fail_on_makes_a_finding_a_failure() {
        let high = Some(Severity::High);
        assert_eq!(outcome(false, high, None), Outcome::Finished);
        assert_eq!(outcome(false, None, Some(Severity::Low)), Outcome::Finished);
        assert_eq!(
            outcome(false, high, Some(Severity::Critical)),
            Outcome::Finished
        );
        assert_eq!(outcome(false, high, high), Outcome::Failed);
        assert_eq!(outcome(true, high, high), Outcome::Incomplete);
    }
}

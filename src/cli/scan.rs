//! `aftertrace scan`: analyse, print the report, say what was wrong with the inputs.

use aftertrace::Observer;
use aftertrace::error::Result;
use aftertrace::report::view::Report;
use aftertrace::severity::Severity;

use super::{Outcome, ScanArguments, messages, output, sigma};

/// Runs the command.
pub fn run(arguments: &ScanArguments, observer: &dyn Observer) -> Result<Outcome> {
    let input = &arguments.counting.reading;
    arguments.print.check()?;
    let patterns = sigma::patterns(input)?;
    let report = aftertrace::analyze(&arguments.paths, &arguments.options()?, &patterns, observer)?;
    observer.finish();
    let written = arguments.print.print(&report);
    messages::warnings(
        &report.warnings,
        input.quiet || arguments.print.table_is_on_screen(),
        input.quiet && report.inputs.is_empty(),
    );
    let outcome = judge(&report, arguments.fail_on);
    if outcome == Outcome::Incomplete {
        messages::hints(&arguments.paths);
    }
    match written {
        Err(error) if output::is_closed_pipe(&error) => Ok(outcome),
        other => other.map(|()| outcome),
    }
}

/// How the run ended, by what was found in it.
pub fn judge(report: &Report, fail_on: Option<Severity>) -> Outcome {
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

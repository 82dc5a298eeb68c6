//! `aftertrace hits`: every suspicious line as a JSON object on a line of its own, as it is found.

use std::io::{self, BufWriter, IsTerminal, LineWriter, Write};

use aftertrace::Observer;
use aftertrace::error::Result;
use aftertrace::report::json;

use super::{HitsArguments, Outcome, messages, output, sigma};

/// Runs the command.
pub fn run(arguments: &HitsArguments, observer: &dyn Observer) -> Result<Outcome> {
    let input = &arguments.reading;
    let patterns = sigma::patterns(input)?;
    let options = input.options()?;
    let streams = aftertrace::streams(&arguments.paths, &options);
    let mut out = standard_output(streams);
    let mut failure = None;
    let warnings = aftertrace::hits(
        &arguments.paths,
        &options,
        &patterns,
        arguments.min_confidence,
        observer,
        &mut |hit| json::write_line(hit, &mut *out).map_err(|error| remember(error, &mut failure)),
    )?;
    observer.finish();
    messages::warnings(&warnings, input.quiet, false);
    finish(failure, &mut *out).map_err(output::stdout_error)?;
    if warnings.iter().any(messages::is_unreadable) {
        messages::hints(&arguments.paths);
        return Ok(Outcome::Incomplete);
    }
    Ok(Outcome::Finished)
}

/// Keeps why writing failed: the library only stops.
fn remember(error: io::Error, failure: &mut Option<io::Error>) -> io::Error {
    let kind = error.kind();
    *failure = Some(error);
    kind.into()
}

fn finish(failure: Option<io::Error>, out: &mut dyn Write) -> io::Result<()> {
    match failure {
        Some(error) => Err(error),
        None => out.flush(),
    }
}

/// A person, and whoever follows a stream, sees each line at once; others get blocks.
fn standard_output(streams: bool) -> Box<dyn Write> {
    let stdout = io::stdout();
    match streams || stdout.is_terminal() {
        true => Box::new(LineWriter::new(stdout)),
        false => Box::new(BufWriter::new(stdout)),
    }
}

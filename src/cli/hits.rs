//! `aftertrace hits`: every suspicious line as a JSON object on a line of its own, as it is found.

use std::io::{self, BufWriter, IsTerminal, LineWriter, Write};

use aftertrace::Observer;
use aftertrace::error::Result;
use aftertrace::report::json;

use super::{HitsArguments, Outcome, messages, output};

/// Runs the command.
pub fn run(arguments: &HitsArguments, observer: &dyn Observer) -> Result<Outcome> {
    let input = &arguments.input;
    let patterns = aftertrace::pattern::load::load(&input.pattern_dirs)?;
    let mut out = standard_output();
    let warnings = aftertrace::hits(
        &input.paths,
        &input.options(),
        &patterns,
        arguments.min_confidence,
        observer,
        &mut |hit| json::write_line(hit, &mut *out),
    )?;
    observer.finish();
    let flushed = out.flush().map_err(output::stdout_error);
    messages::warnings(&warnings, input.quiet);
    if warnings.iter().any(messages::is_unreadable) {
        messages::hints(&input.paths);
        return Ok(Outcome::Incomplete);
    }
    flushed.map(|()| Outcome::Finished)
}

/// A person sees each line at once; a program gets blocks.
fn standard_output() -> Box<dyn Write> {
    let stdout = io::stdout();
    match stdout.is_terminal() {
        true => Box::new(LineWriter::new(stdout)),
        false => Box::new(BufWriter::new(stdout)),
    }
}

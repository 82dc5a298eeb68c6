//! Arguments in, exit status out.
//!
//! Everything worth testing is in the library; what people type and see is in `cli` and `progress`.

mod cli;
mod progress;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::parse();
    let progress = progress::Progress::new(cli::wants_progress(&arguments));
    cli::run(&arguments, &progress)
}

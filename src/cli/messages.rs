//! What goes to standard error: errors, warnings, and what to try next. All of it escaped, since
//! paths and samples can be hostile too.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aftertrace::error::{Error, Warning};
use aftertrace::inputs::{EMPTY, NOT_A_LOG};
use aftertrace::report::escape;
pub use aftertrace::source::open::is_unreadable;

use super::{hint, output};

/// Prints an error, one line for each fault it lists, and what to try. `inputs` are the paths that
/// were to be read.
pub fn error(error: &Error, inputs: &[PathBuf]) {
    match error {
        Error::Patterns(faults) => faults.iter().for_each(|fault| print("error", fault)),
        other => print("error", &other.to_string()),
    }
    match error {
        Error::Io { path, source, .. } if is_about(path, source) => {
            hints(std::slice::from_ref(path))
        }
        Error::NoInput(_) => hints(inputs),
        _ => {}
    }
}

/// Whether a path itself is at fault, so that a hint about it helps: not where a disk is full, and not where what is not
/// there yet must not be written.
fn is_about(path: &Path, fault: &io::Error) -> bool {
    path != Path::new(output::STDOUT)
        && match fault.kind() {
            io::ErrorKind::NotFound => true,
            io::ErrorKind::PermissionDenied => path.exists(),
            _ => false,
        }
}

/// Prints warnings: all of them, or with `quiet` only those that cost the run its success. Where `nothing` could be read,
/// what is no log did.
pub fn warnings(warnings: &[Warning], quiet: bool, nothing: bool) {
    for warning in warnings {
        let text = with_input(warning);
        let fatal = is_unreadable(warning) || (nothing && is_no_log(warning));
        match fatal {
            true => print("error", &text),
            false if !quiet => print("warning", &text),
            false => {}
        }
    }
}

fn is_no_log(warning: &Warning) -> bool {
    [EMPTY, NOT_A_LOG].contains(&&*warning.code)
}

/// Prints what to try for each path that does not work.
pub fn hints(paths: &[PathBuf]) {
    paths
        .iter()
        .filter_map(|path| hint::for_path(path))
        .for_each(|text| print("hint", &text));
}

/// Prints what is worth knowing though nothing is wrong.
pub fn notes(notes: &[String]) {
    notes.iter().for_each(|note| print("note", note));
}

fn with_input(warning: &Warning) -> String {
    match &warning.input {
        Some(input) if !warning.message.contains(input.as_str()) => {
            format!("{input}: {}", warning.message)
        }
        _ => warning.message.clone(),
    }
}

/// A closed standard error is nobody's loss.
fn print(kind: &str, text: &str) {
    let _ = writeln!(io::stderr(), "{kind}: {}", escape::terminal(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_found_gets_a_hint() {
        use std::io::ErrorKind;
        let about = |path: &str, kind: ErrorKind| is_about(Path::new(path), &kind.into());
        assert!(about("no/such.log", ErrorKind::NotFound));
        assert!(!about("report.json", ErrorKind::StorageFull));
        assert!(!about("no/such.json", ErrorKind::PermissionDenied));
        assert!(about("/", ErrorKind::PermissionDenied));
        assert!(!about(output::STDOUT, ErrorKind::NotFound));
    }

    #[test]
    fn the_input_is_named_once() {
        let warning = |message: &str| Warning {
            code: "cap".into(),
            message: message.to_string(),
            input: Some("a.log".to_string()),
        };
        assert_eq!(with_input(&warning("cut")), "a.log: cut");
        assert_eq!(with_input(&warning("a.log is cut")), "a.log is cut");
    }
}

//! From paths to inputs: files, directories, standard input, each read once and in a fixed order.
//!
//! Looks at names and file types only; what an input contains is found out by reading it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Warning};
use crate::text::visible;

/// The warning code of an input that could not be read. A run that has one ends with exit status 2
/// although the rest was read.
pub const UNREADABLE: &str = "unreadable";

/// The warning code of an input that was named more than once.
pub const DUPLICATE: &str = "duplicate_input";

/// How deep directories are followed: deeper than any log tree, and an end to every loop that
/// comparing canonical paths cannot see (bind mounts).
const MAX_DEPTH: usize = 64;

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// Standard input, named `-`.
    Stdin,
    /// A file, or anything else that can be opened by path (a named pipe).
    File {
        /// The path as given, or as found below a directory that was given.
        path: PathBuf,
    },
}

impl Input {
    /// The name under which reports list the input: the path, or `-`.
    pub fn name(&self) -> String {
        match self {
            Input::Stdin => "-".to_string(),
            Input::File { path } => path_name(path),
        }
    }
}

/// A path as text; bytes that are no text stay visible.
fn path_name(path: &Path) -> String {
    visible(path.as_os_str().as_encoded_bytes()).into_owned()
}

/// The warning about an input that could not be read.
pub fn unreadable(input: impl Into<String>, error: &Error) -> Warning {
    Warning {
        code: UNREADABLE.into(),
        message: error.to_string(),
        input: Some(input.into()),
    }
}

/// The warning about an input that was named more than once.
pub fn repeated(input: String) -> Warning {
    Warning {
        code: DUPLICATE.into(),
        message: format!("{input} was named more than once and is read once"),
        input: Some(input),
    }
}

/// Finds everything to read below `paths`: see [`search`].
///
/// # Errors
/// [`Error::NoInput`] when nothing is left to read.
pub fn discover(paths: &[PathBuf]) -> Result<(Vec<Input>, Vec<Warning>)> {
    let (inputs, warnings) = search(paths);
    match inputs.is_empty() {
        true => Err(nothing_to_read(paths, &warnings)),
        false => Ok((inputs, warnings)),
    }
}

/// Finds everything to read below `paths`, sorted by path, so that the order of arguments does not
/// matter. `-` is standard input. Directories are searched to the bottom; names that begin with a
/// dot are skipped there, and so is what is no regular file. A path that cannot be read is a warning with
/// the code [`UNREADABLE`].
pub fn search(paths: &[PathBuf]) -> (Vec<Input>, Vec<Warning>) {
    let mut search = Search::default();
    let mut sorted: Vec<&PathBuf> = paths.iter().collect();
    sorted.sort();
    for path in sorted {
        if path.as_os_str() == "-" {
            search.add_stdin();
        } else {
            search.visit(path, 0);
        }
    }
    let Search {
        found, warnings, ..
    } = search;
    let mut inputs = found;
    inputs.sort();
    (inputs, warnings)
}

fn nothing_to_read(paths: &[PathBuf], warnings: &[Warning]) -> Error {
    let mut reasons: Vec<&str> = warnings.iter().map(|w| w.message.as_str()).collect();
    if paths.is_empty() {
        reasons.push("name a log file, a directory, or - for standard input");
    } else if reasons.is_empty() {
        reasons.push("the directories named hold no files");
    }
    Error::NoInput(reasons.join("; "))
}

#[derive(Default)]
struct Search {
    found: Vec<Input>,
    warnings: Vec<Warning>,
    /// Canonical paths of what was found, and of the directories on the way.
    seen: BTreeSet<PathBuf>,
}

impl Search {
    fn add_stdin(&mut self) {
        if self.found.contains(&Input::Stdin) {
            self.warn_duplicate("-".to_string());
        } else {
            self.found.push(Input::Stdin);
        }
    }

    fn visit(&mut self, path: &Path, depth: usize) {
        if let Err(source) = self.try_visit(path, depth) {
            let error = Error::io(path, "cannot read", source);
            self.warnings.push(unreadable(path_name(path), &error));
        }
    }

    fn try_visit(&mut self, path: &Path, depth: usize) -> std::io::Result<()> {
        let metadata = fs::metadata(path)?;
        if depth > 0 && !metadata.is_file() && !metadata.is_dir() {
            return Ok(());
        }
        // `/dev/stdin` and descriptors of a shell may have no canonical path.
        let canonical = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if !self.seen.insert(canonical) {
            if !metadata.is_dir() {
                self.warn_duplicate(path_name(path));
            }
            return Ok(());
        }
        if metadata.is_dir() {
            return self.descend(path, depth);
        }
        self.found.push(Input::File {
            path: path.to_path_buf(),
        });
        Ok(())
    }

    fn descend(&mut self, directory: &Path, depth: usize) -> std::io::Result<()> {
        if depth >= MAX_DEPTH {
            return Err(std::io::Error::other("directories are nested too deeply"));
        }
        let mut entries = fs::read_dir(directory)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        entries.retain(|path| !is_hidden(path));
        entries.sort();
        for entry in entries {
            self.visit(&entry, depth + 1);
        }
        Ok(())
    }

    /// Once, however often it was named.
    fn warn_duplicate(&mut self, name: String) {
        let warning = repeated(name);
        // What is named again comes right behind.
        if self.warnings.last() != Some(&warning) {
            self.warnings.push(warning);
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &[Input], root: &Path) -> Vec<String> {
        let root = format!("{}/", root.display());
        inputs
            .iter()
            .map(|input| input.name().replace(&root, ""))
            .collect()
    }

    #[test]
    fn a_directory_is_searched_sorted_without_hidden_files_or_loops() {
        let root = tempfile::tempdir().unwrap();
        for directory in ["b/deep", ".hidden"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        for file in ["z.log", "b/deep/a.log", "a.log", ".hidden/x.log", ".swp"] {
            fs::write(root.path().join(file), "x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.path(), root.path().join("b/loop")).unwrap();
        let (inputs, warnings) = discover(&[root.path().to_path_buf()]).unwrap();
        assert_eq!(
            names(&inputs, root.path()),
            ["a.log", "b/deep/a.log", "z.log"]
        );
        assert_eq!(warnings, []);
    }

    #[test]
    fn order_and_repetition_of_arguments_do_not_matter() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        fs::write(&a, "x").unwrap();
        fs::write(&b, "x").unwrap();
        let stdin = PathBuf::from("-");
        let forth = discover(&[a.clone(), b.clone(), stdin.clone(), a.clone()]).unwrap();
        let back = discover(&[stdin, a.clone(), a, b]).unwrap();
        assert_eq!(forth, back);
        assert_eq!(names(&forth.0, root.path()), ["-", "a", "b"]);
        assert_eq!(forth.1.len(), 1);
        assert_eq!(forth.1[0].code, DUPLICATE);
    }

    #[test]
    fn what_is_missing_is_a_warning_unless_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let (present, missing) = (root.path().join("a"), root.path().join("missing"));
        fs::write(&present, "x").unwrap();
        let (inputs, warnings) = discover(&[missing.clone(), present]).unwrap();
        assert_eq!(inputs.len(), 1);
        assert_eq!(warnings[0].code, UNREADABLE);
        assert!(matches!(discover(&[missing]), Err(Error::NoInput(_))));
        assert!(matches!(discover(&[]), Err(Error::NoInput(_))));
    }

    #[test]
    fn what_is_named_three_times_is_told_once() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.log");
        fs::write(&path, "x").unwrap();
        let (inputs, warnings) = discover(&[path.clone(), path.clone(), path]).unwrap();
        assert_eq!((inputs.len(), warnings.len()), (1, 1));
    }
}

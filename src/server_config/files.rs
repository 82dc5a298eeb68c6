//! The files of a configuration: the one that was named, and those it includes, within bounds.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result, Warning};
use crate::text::visible;

use super::WARNING;

/// Configurations that administrators write have hundreds of files at most; hosting panels write some thousand.
const MOST_FILES: usize = 4096;

/// Files within files: far above what anybody can keep in mind.
const DEEPEST: usize = 16;

/// Names with wildcards in one path: a folder for each site, a file for each of its parts, and one more.
const MOST_WILD: usize = 3;

/// The longest file read, in bytes.
const LONGEST: u64 = 8 << 20;

/// A file of a configuration that was read.
pub(super) struct Text {
    /// As messages name it.
    pub(super) name: Arc<str>,
    pub(super) text: String,
    canonical: PathBuf,
}

/// Finds and reads files, and remembers what was wrong with them.
pub(super) struct Files {
    main: PathBuf,
    /// The files that are being read, each included by the one before.
    stack: Vec<PathBuf>,
    opened: usize,
    /// Nothing but the text that was given is read.
    closed: bool,
    warnings: Vec<Warning>,
}

impl Text {
    /// A text that is in no file.
    pub(super) fn given(name: &Path, text: &str) -> Text {
        Text {
            name: name.to_string_lossy().into(),
            text: text.to_owned(),
            canonical: name.to_path_buf(),
        }
    }
}

impl Files {
    pub(super) fn new(main: &Path) -> Files {
        Files {
            main: main.to_path_buf(),
            stack: Vec::new(),
            opened: 0,
            closed: false,
            warnings: Vec::new(),
        }
    }

    /// For a text that is in no file: what it includes is not found.
    pub(super) fn closed(main: &Path) -> Files {
        Files {
            closed: true,
            ..Files::new(main)
        }
    }

    /// The file that was named.
    pub(super) fn main(&mut self) -> Result<Text> {
        let main = self.main.clone();
        read(&main)
            .map_err(|error| Error::io(main, "cannot read the server's configuration", error))
    }

    /// The folder of the file that was named.
    pub(super) fn folder(&self) -> PathBuf {
        self.main
            .parent()
            .map_or_else(PathBuf::new, Path::to_path_buf)
    }

    /// Adds a warning about the configuration.
    pub(super) fn warn(&mut self, message: String) {
        let message = visible(message.as_bytes()).into_owned();
        self.warnings.push(Warning {
            code: WARNING.into(),
            message,
            input: None,
        });
    }

    pub(super) fn into_warnings(mut self) -> Vec<Warning> {
        self.warnings.sort();
        self.warnings.dedup();
        self.warnings
    }

    /// Goes into a file: while it is being read, nothing may include it again.
    pub(super) fn enter(&mut self, text: &Text) {
        self.stack.push(text.canonical.clone());
    }

    pub(super) fn leave(&mut self) {
        self.stack.pop();
    }

    /// Reads every file that an include names, in the order of names. `root` is what relative paths rest on.
    /// `place` is where the include stands. One that `must` be there is missed.
    pub(super) fn include(
        &mut self,
        wanted: &str,
        root: &Path,
        place: &str,
        must: bool,
    ) -> Vec<Text> {
        let mut texts = Vec::new();
        let paths = self.find(wanted, root);
        if paths.is_empty() && must {
            let what = match is_wild(wanted) {
                true => format!("no file matches {wanted}, which is included"),
                false => format!("{wanted} is included and cannot be found"),
            };
            self.warn(format!(
                "{place}: {what}; give the configuration with all its files, or formats defined there are not known"
            ));
        }
        for path in paths {
            if self.opened >= MOST_FILES || self.stack.len() >= DEEPEST {
                self.warn(format!(
                    "{place}: {wanted} was left out: includes end at {MOST_FILES} files and {DEEPEST} levels"
                ));
                break;
            }
            self.opened += 1;
            match read(&path) {
                Ok(text) if self.stack.contains(&text.canonical) => {
                    self.warn(format!("{place}: {} includes itself", path.display()));
                }
                Ok(text) => texts.push(text),
                Err(error) => {
                    self.warn(format!("{place}: cannot read {}: {error}", path.display()))
                }
            }
        }
        texts
    }

    /// Whether a file is being read.
    fn is_open(&self, path: &Path) -> bool {
        path.canonicalize()
            .is_ok_and(|canonical| self.stack.contains(&canonical))
    }

    /// The files of that name, or below the folder of that name. A copy of a configuration is looked for beside the file
    /// that was named, before the machine's own.
    fn find(&self, wanted: &str, root: &Path) -> Vec<PathBuf> {
        if self.closed {
            return Vec::new();
        }
        let folder = self.folder();
        let wanted = Path::new(wanted);
        let whole = root.join(wanted);
        let names: Vec<_> = whole
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .collect();
        let beside =
            (0..names.len()).map(|from| folder.join(names[from..].iter().collect::<PathBuf>()));
        let at_home = std::path::absolute(&folder).is_ok_and(|folder| whole.starts_with(folder));
        let mut candidates: Vec<PathBuf> = beside.collect();
        candidates.insert(if at_home { 0 } else { candidates.len() }, whole.clone());
        let mut found = candidates.iter().map(|candidate| {
            let mut paths = expand(candidate);
            // what was not written there is not meant if it would include itself
            paths.retain(|path| *candidate == whole || !self.is_open(path));
            paths
        });
        found.find(|paths| !paths.is_empty()).unwrap_or_default()
    }
}

/// Whether a name or a path has wildcards.
fn is_wild(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The files that a path with wildcards means; a folder means the files in it. None for a path that would have all of
/// a disk searched.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let Some(pattern) = pattern.to_str() else {
        return Vec::new();
    };
    let wild = pattern.split('/').filter(|name| is_wild(name));
    if wild.count() > MOST_WILD {
        return Vec::new();
    }
    // two stars mean all folders below to the library, and no more than one star to the servers
    let Ok(paths) = glob::glob(&pattern.replace("**", "*")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in paths.flatten().take(MOST_FILES) {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            found.extend(entries.map(|entry| entry.path()).take(MOST_FILES));
        } else {
            found.push(path);
        }
    }
    found.retain(|path| path.is_file());
    found.sort();
    found.dedup();
    found
}

/// Reads a file up to the bound; bytes that are no UTF-8 become signs for such.
fn read(path: &Path) -> std::io::Result<Text> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(Text {
        name: path.to_string_lossy().into(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
        canonical: path.canonicalize()?,
    })
}

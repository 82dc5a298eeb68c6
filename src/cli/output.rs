//! Where results go: standard output, or a file that appears whole or not at all.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use aftertrace::error::{Error, Result};
use aftertrace::report::table::TableOptions;
use tempfile::NamedTempFile;

use super::Color;

/// What errors of standard output name, since it has no path.
pub const STDOUT: &str = "standard output";

/// Columns where there is no terminal to ask: what mail, tickets and chat show without wrapping.
pub const DEFAULT_WIDTH: usize = 80;

/// How a page on standard output is laid out. Colour on request, and by default where standard output
/// is a terminal that can (NO_COLOR, CLICOLOR and TERM are respected).
pub fn page(color: Color) -> TableOptions {
    let stdout = io::stdout();
    let columns = stdout
        .is_terminal()
        .then(|| terminal_size::terminal_size_of(&stdout))
        .flatten();
    TableOptions {
        width: columns.map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0)),
        tz: None,
        color: match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        },
    }
}

/// Runs `write` on standard output, or on a file that replaces `target` once it is complete.
pub fn write_to(
    target: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    match target {
        Some(path) if path != Path::new("-") => {
            to_file(path, write).map_err(|error| Error::io(path, "cannot write", error))
        }
        _ => to_stdout(write).map_err(stdout_error),
    }
}

/// That a file can be written where it is wanted: asked before the work is done that fills it.
pub fn check(target: Option<&Path>) -> Result<()> {
    let Some(path) = target.filter(|path| *path != Path::new("-")) else {
        return Ok(());
    };
    let resolved = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let possible = match fs::metadata(&resolved) {
        Ok(existing) if existing.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(existing) if !existing.is_file() => Ok(()),
        _ => temporary_beside(&resolved).map(drop),
    };
    possible.map_err(|error| Error::io(path, "cannot write", error))
}

/// An error of standard output.
pub fn stdout_error(error: io::Error) -> Error {
    Error::io(STDOUT, "cannot write", error)
}

/// Whether the reader went away, as `head` does: no fault of anybody.
pub fn is_closed_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::BrokenPipe)
}

fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    buffered(&mut io::stdout().lock(), write)
}

fn buffered(
    out: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = BufWriter::new(out);
    write(&mut buffer)?;
    buffer.flush()
}

/// Writes beside the target and renames, so that nobody ever reads half a report. A device or a pipe
/// cannot be replaced and is written to; a link keeps pointing where it does.
fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    match fs::metadata(&target) {
        Ok(existing) if existing.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(existing) if !existing.is_file() => buffered(
            &mut fs::OpenOptions::new().write(true).open(&target)?,
            write,
        ),
        Ok(existing) => replace(&target, Some(existing.permissions()), write),
        Err(_) => replace(&target, None, write),
    }
}

fn replace(
    target: &Path,
    permissions: Option<fs::Permissions>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = temporary_beside(target)?;
    buffered(&mut file, write)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(target)
        .map(drop)
        .map_err(|failure| failure.error)
}

fn temporary_beside(target: &Path) -> io::Result<NamedTempFile> {
    let directory = match target.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".aftertrace-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        /// What `open` asks for by default; the user's umask decides the rest.
        const ORDINARY_FILE: u32 = 0o666;
        builder.permissions(fs::Permissions::from_mode(ORDINARY_FILE));
    }
    builder.tempfile_in(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        write_to(Some(&path), |out| out.write_all(b"old")).unwrap();
        let failure = write_to(Some(&path), |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("stopped"))
        });
        assert!(
            failure
                .unwrap_err()
                .to_string()
                .contains("report.json: cannot write: stopped")
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        write_to(Some(&path), |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_kept() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        write_to(Some(&link), |out| out.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(
            fs::metadata(&real).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }

    #[test]
    fn a_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(write_to(Some(dir.path()), |_| Ok(())).is_err());
        assert!(check(Some(dir.path())).is_err());
    }

    #[test]
    fn what_cannot_be_written_is_known_before() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check(Some(&dir.path().join("nowhere/report.json"))).is_err());
        for fine in [None, Some(Path::new("-")), Some(Path::new("/dev/null"))] {
            check(fine).unwrap();
        }
        check(Some(&dir.path().join("report.json"))).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

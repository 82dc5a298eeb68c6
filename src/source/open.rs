//! Opens an input and holds its bytes, mapped where that is possible.
//!
//! The only file of the project with `unsafe` in it.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use memmap2::Mmap;

use super::decompress::{self, MAX_SPOOLED};
use super::discover::{Input, Stamp, unreadable};
use crate::error::{Error, Result, Warning};
use crate::time::Time;

/// The code of the warning about a file that changed while it was read.
pub const CHANGED: &str = "changed_while_read";

/// How inputs are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Map plain files. Without it they are copied into a private temporary file first, which is
    /// slower and safe against whatever happens to the original.
    pub mmap: bool,
    /// The most bytes a packed or piped input may come to.
    pub max_spooled: u64,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions {
            mmap: true,
            max_spooled: MAX_SPOOLED,
        }
    }
}

/// An input with its bytes.
#[derive(Debug)]
pub struct Source {
    /// The path as given or found, bytes that are no text escaped; `-` for standard input.
    pub name: String,
    /// What must be known about these bytes.
    pub warnings: Vec<Warning>,
    /// When the file was last written, where it is one.
    pub modified: Option<Time>,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Memory(Vec<u8>),
    /// A map of a temporary file without a name: nobody else can reach it.
    Private(Mmap),
    /// A map of the user's file, which its server may go on writing.
    Shared {
        map: Mmap,
        file: File,
        opened: Stamp,
    },
}

impl Source {
    /// A source made from bytes, for those who have them already.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Source {
        Source {
            name: name.into(),
            warnings: Vec::new(),
            modified: None,
            held: Held::Memory(bytes),
        }
    }

    /// All bytes, unpacked. The length was frozen when the input was opened: what a server appends
    /// later is not seen.
    pub fn bytes(&self) -> &[u8] {
        match &self.held {
            Held::Memory(bytes) => bytes,
            Held::Private(map) | Held::Shared { map, .. } => map,
        }
    }

    /// Looks again at a mapped file: says if it grew, or changed, since it was opened. To be asked
    /// after the last pass; before each pass ask [`Source::check`].
    pub fn change(&self) -> Option<Warning> {
        let Held::Shared { file, opened, .. } = &self.held else {
            return None;
        };
        let now = Stamp::of(&file.metadata().ok()?);
        (now != *opened).then(|| Warning {
            code: CHANGED,
            message: format!(
                "{} changed while it was read ({} bytes when opened, {} now); its first {} bytes were used",
                self.name, opened.len, now.len, opened.len
            ),
            input: Some(self.name.clone()),
        })
    }

    /// Looks again whether a mapped file still has the bytes that are mapped. To be asked before a
    /// pass over [`Source::bytes`]: touching bytes beyond a shortened file would end the process.
    ///
    /// # Errors
    /// When the file was shortened since it was opened.
    pub fn check(&self) -> Result<()> {
        let Held::Shared { file, opened, .. } = &self.held else {
            return Ok(());
        };
        let io = |source| Error::io(&self.name, "cannot look at the file again", source);
        let now = file.metadata().map_err(io)?.len();
        if now >= opened.len {
            return Ok(());
        }
        Err(Error::io(
            &self.name,
            "cannot go on reading",
            io::Error::other(format!(
                "the file was shortened from {} to {now} bytes while it was read (log rotation?); \
                 analyse a copy, or switch memory maps off",
                opened.len
            )),
        ))
    }
}

/// Opens an input.
///
/// Plain files are mapped. Pipes, gzip, and standard input are spooled into a private temporary
/// file; so are files that changed since they were found, because a log that is being written may
/// also be truncated by rotation, and reading a map beyond a truncated file's end is fatal.
///
/// # Errors
/// [`Error::Io`] when the input cannot be opened or its first bytes cannot be read. Later trouble
/// is a warning of the source, and what could be read is kept.
pub fn open(input: &Input, options: &OpenOptions) -> Result<Source> {
    match input {
        Input::Stdin => spooled(io::stdin().lock(), "-".to_string(), options)
            .map_err(|source| Error::io("-", "cannot read standard input", source)),
        Input::File { path, seen } => open_file(path, *seen, input.name(), options)
            .map(|source| Source {
                modified: seen.modified_time(),
                ..source
            })
            .map_err(|source| Error::io(path, "cannot read", source)),
    }
}

/// Opens all inputs; those that cannot be opened become warnings and the rest is read.
pub fn open_all(inputs: &[Input], options: &OpenOptions) -> (Vec<Source>, Vec<Warning>) {
    let mut sources = Vec::with_capacity(inputs.len());
    let mut warnings = Vec::new();
    for input in inputs {
        match open(input, options) {
            Ok(source) => {
                warnings.extend(source.warnings.iter().cloned());
                sources.push(source);
            }
            Err(error) => warnings.push(unreadable(input.name(), &error)),
        }
    }
    (sources, warnings)
}

fn open_file(path: &Path, seen: Stamp, name: String, options: &OpenOptions) -> io::Result<Source> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return spooled(file, name, options);
    }
    let opened = Stamp::of(&metadata);
    if starts_as_gzip(&mut file)? {
        return spooled(file, name, options);
    }
    if options.mmap && seen == opened {
        return mapped(file, opened, name, options);
    }
    // A copy may fail for want of space, where the map would not.
    let copy = spooled((&file).take(opened.len), name.clone(), options)?;
    if copy.warnings.is_empty() || !options.mmap {
        return Ok(copy);
    }
    drop(copy);
    mapped(file, opened, name, options)
}

fn starts_as_gzip(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(decompress::is_gzip(&start))
}

fn mapped(file: File, opened: Stamp, name: String, options: &OpenOptions) -> io::Result<Source> {
    let held = match map(&file, opened.len) {
        Ok(map) => Held::Shared { map, file, opened },
        Err(_) => return spooled(file, name, options),
    };
    Ok(Source {
        name,
        warnings: Vec::new(),
        modified: None,
        held,
    })
}

fn spooled(reader: impl Read, name: String, options: &OpenOptions) -> io::Result<Source> {
    let (mut file, warnings) = decompress::spool(reader, options.max_spooled, &name)?;
    let len = file.metadata()?.len();
    let held = match map(&file, len) {
        Ok(map) => Held::Private(map),
        Err(_) => Held::Memory(read_all(&mut file)?),
    };
    Ok(Source {
        name,
        warnings,
        modified: None,
        held,
    })
}

fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Maps the first `len` bytes; refused for an empty file, which cannot be mapped everywhere.
fn map(file: &File, len: u64) -> io::Result<Mmap> {
    let len = usize::try_from(len).map_err(io::Error::other)?;
    if len == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    // SAFETY: the map is read-only and its length is frozen here. Bytes of a temporary file cannot
    // change: it has no name and this process never writes to it again. Bytes of a user's file
    // could be changed by another process: servers append, which a frozen length does not see;
    // a file that moves between discovery and opening is spooled instead, and `check` looks before
    // each pass for truncation. What remains is a file rewritten in place within a pass; the code
    // that reads the map treats all bytes as hostile and relies on none staying the same, and
    // `OpenOptions::mmap` turns the map of users' files off.
    #[allow(unsafe_code)]
    unsafe {
        memmap2::MmapOptions::new().len(len).map(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::discover::{UNREADABLE, discover};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;
    use std::path::PathBuf;

    fn input(path: &Path) -> Input {
        discover(&[path.to_path_buf()]).unwrap().0.remove(0)
    }

    fn file(contents: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(contents).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_way_of_holding_gives_the_same_bytes() {
        let text = b"one\ntwo\n".repeat(1000);
        let plain = file(&text);
        let packed = file(&gzip(&text));
        for path in [plain.path(), packed.path()] {
            for mmap in [true, false] {
                let options = OpenOptions {
                    mmap,
                    ..OpenOptions::default()
                };
                let source = open(&input(path), &options).unwrap();
                assert_eq!(source.bytes(), text);
                assert_eq!(source.name, path.to_str().unwrap());
                assert!(source.check().is_ok() && source.change().is_none());
                let shared = matches!(source.held, Held::Shared { .. });
                assert_eq!(shared, mmap && path == plain.path());
            }
        }
    }

    #[test]
    fn an_empty_file_is_no_error() {
        let empty = file(b"");
        let source = open(&input(empty.path()), &OpenOptions::default()).unwrap();
        assert_eq!(source.bytes(), b"");
    }

    #[test]
    fn a_file_that_moves_is_copied_and_growth_is_told() {
        let mut growing = file(b"one\n");
        let found = input(growing.path());
        let source = open(&found, &OpenOptions::default()).unwrap();
        growing.write_all(b"two\n").unwrap();
        assert_eq!(source.bytes(), b"one\n");
        assert_eq!(source.change().unwrap().code, CHANGED);
        assert!(source.check().is_ok());
        let copied = open(&found, &OpenOptions::default()).unwrap();
        assert!(matches!(copied.held, Held::Private(_)));
        assert_eq!(copied.bytes(), b"one\ntwo\n");
    }

    #[test]
    fn a_shortened_file_is_an_error_before_it_is_a_crash() {
        let shrinking = file(&b"one\n".repeat(4096));
        let source = open(&input(shrinking.path()), &OpenOptions::default()).unwrap();
        shrinking.as_file().set_len(10).unwrap();
        let message = source.check().unwrap_err().to_string();
        assert!(message.contains("shortened from 16384 to 10"), "{message}");
    }

    #[test]
    fn an_unreadable_file_leaves_the_others() {
        let present = file(b"x\n");
        let gone = Input::File {
            path: PathBuf::from("no/such/file"),
            seen: Stamp::default(),
        };
        let inputs = [gone, input(present.path())];
        let (sources, warnings) = open_all(&inputs, &OpenOptions::default());
        assert_eq!(sources.len(), 1);
        assert_eq!(warnings[0].code, UNREADABLE);
        assert_eq!(warnings[0].input.as_deref(), Some("no/such/file"));
    }
}

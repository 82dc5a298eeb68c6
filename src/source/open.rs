//! Opens inputs: plain files are mapped, what is packed or piped is unpacked in the background, archives become
//! their members.

mod members;

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::SystemTime;

use super::decompress::peel;
use super::discover::{Input, UNREADABLE, unreadable};
use super::handle::{Handle, Kept};
use super::map::{Manner, Shared};
use super::spool::{BOMB_FROM, CUT_SHORT, Crew, DAMAGED, Limits, MAX_SPOOLED, Spool};
use crate::bytes::{Bytes, Excerpts};
use crate::error::{Error, Warning};
use crate::time::Time;

/// The code of the warning about a file that changed while it was read.
pub const CHANGED: &str = "changed_while_read";

/// The most members of one archive that are read.
pub const MAX_MEMBERS: usize = 10_000;

/// How inputs are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Map plain files. Without it they are copied into a private temporary file first, which is slower and safe
    /// against whatever happens to the original.
    pub mmap: bool,
    /// The most bytes that a packed or piped input may come to, with everything packed inside it.
    pub max_spooled: u64,
    /// From how many unpacked bytes on an input may not be packed better than logs are.
    pub bomb_from: u64,
    /// The most members of one archive.
    pub max_members: usize,
    /// How many inputs are unpacked at the same time; as many as there are cores if not given.
    pub threads: Option<usize>,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions {
            mmap: true,
            max_spooled: MAX_SPOOLED,
            bomb_from: BOMB_FROM,
            max_members: MAX_MEMBERS,
            threads: None,
        }
    }
}

impl OpenOptions {
    fn crew(&self) -> Crew {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        Crew::new(self.threads.unwrap_or_else(cores))
    }

    fn limits(&self, most: u64) -> Limits {
        Limits {
            most: most.min(self.max_spooled),
            bomb_from: self.bomb_from,
        }
    }
}

/// A file's length and modification time: when they differ between two looks, it is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    len: u64,
    /// As the file system tells it; `None` where it does not.
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }

    /// When the file was last written.
    fn modified_time(&self) -> Option<Time> {
        let since = self.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_micros()).ok().map(Time::from_micros)
    }
}

/// An input, or a member of an archive, with its bytes. It may still be unpacked while it is read already.
#[derive(Debug)]
pub struct Source {
    /// The path as given or found, bytes that are no text escaped; `-` for standard input; `ARCHIVE:PATH` for a member.
    pub name: String,
    /// When the file was last written, or the member as its archive says; `None` of what is no file.
    pub modified: Option<Time>,
    held: Arc<Held>,
    /// Which of the bytes, for a member of an archive.
    part: Option<Range<usize>>,
    /// What was known when it was opened.
    remarks: Vec<Warning>,
    /// The archive that it is a member of.
    archive: Option<Arc<str>>,
}

#[derive(Debug)]
enum Held {
    Memory(Vec<u8>),
    /// Of an input whose bytes are elsewhere.
    Excerpts(Excerpts),
    /// Unpacked, or copied.
    Spooled(Arc<Spool>),
    /// The user's file, which its server may go on writing.
    Mapped(Box<Mapped>),
}

#[derive(Debug)]
struct Mapped {
    /// The file's; its members share the map.
    name: String,
    map: Shared,
    file: Handle,
    opened: Stamp,
    /// A copy of what was left when the file had been shortened; takes the place of the map.
    left: OnceLock<Spool>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Held::Spooled(spool) = self {
            spool.abandon();
        }
    }
}

impl Held {
    fn so_far(&self) -> &[u8] {
        match self {
            Held::Memory(bytes) => bytes,
            Held::Excerpts(_) => &[],
            Held::Spooled(spool) => spool.so_far(),
            Held::Mapped(mapped) => match mapped.left.get() {
                Some(left) => left.so_far(),
                None => mapped.map.bytes(),
            },
        }
    }

    fn bytes(&self) -> &[u8] {
        if let Held::Spooled(spool) = self {
            spool.wait_beyond(usize::MAX);
        }
        self.so_far()
    }
}

impl Mapped {
    /// How many of the bytes are still there, if some are not.
    fn shortened(&self) -> Option<u64> {
        if self.left.get().is_some() {
            return None;
        }
        let now = match self.file.metadata() {
            Ok(metadata) => metadata.len(),
            // Renamed or removed: what is mapped is still there, or the map knows better.
            Err(_) if self.file.is_closed() => self.opened.len,
            Err(_) => 0,
        };
        let left = now.min(self.map.lost_from().unwrap_or(u64::MAX));
        (left < self.opened.len).then_some(left)
    }
}

/// Whether a warning says that something could not be read, or not to its end: a run that has one ends with exit status 2.
pub fn is_unreadable(warning: &Warning) -> bool {
    [UNREADABLE, DAMAGED, CUT_SHORT].contains(&&*warning.code)
}

impl Source {
    fn new(name: String, held: Held) -> Source {
        Source {
            name,
            modified: None,
            held: Arc::new(held),
            part: None,
            remarks: Vec::new(),
            archive: None,
        }
    }

    /// The name of the archive that it is a member of, if it is one.
    pub fn archive(&self) -> Option<&str> {
        self.archive.as_deref()
    }

    /// A source made from bytes, for those who have them already.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Source {
        Source::new(name.into(), Held::Memory(bytes))
    }

    /// An input whose bytes are elsewhere, but for excerpts; with what was remarked where it was opened.
    pub fn elsewhere(
        name: String,
        excerpts: Excerpts,
        modified: Option<Time>,
        remarks: Vec<Warning>,
    ) -> Source {
        Source {
            modified,
            remarks,
            ..Source::new(name, Held::Excerpts(excerpts))
        }
    }

    /// The same as a member of an archive.
    pub fn member_of(self, archive: Option<&str>) -> Source {
        Source {
            archive: archive.map(Arc::from),
            ..self
        }
    }

    /// The same, last written when somebody else says.
    pub fn written(self, modified: Option<Time>) -> Source {
        Source {
            modified: modified.or(self.modified),
            ..self
        }
    }

    /// No more than its first bytes.
    pub fn first(self, bytes: usize) -> Source {
        let part = self.part.clone().unwrap_or(0..usize::MAX);
        Source {
            part: Some(part.start..part.end.min(part.start.saturating_add(bytes))),
            ..self
        }
    }

    /// What is at hand of an input whose bytes are elsewhere.
    pub fn excerpts(&self) -> Option<&Excerpts> {
        match &*self.held {
            Held::Excerpts(excerpts) => Some(excerpts),
            _ => None,
        }
    }

    /// Whether its bytes are those of a file, so that any of them can be read without the others.
    pub fn is_plain(&self) -> bool {
        self.archive.is_none() && !matches!(&*self.held, Held::Spooled(_))
    }

    /// Some of its bytes, to be kept as long as somebody needs them.
    pub fn portion(&self, bytes: Range<usize>) -> Portion {
        Portion {
            held: Arc::clone(&self.held),
            bytes: self.part.as_ref().map_or(bytes.clone(), |part| {
                part.start + bytes.start..part.start + bytes.end
            }),
        }
    }

    /// All bytes, unpacked; waits until they are there. The length of a file was frozen when it was opened: what a server
    /// appends later is not seen.
    pub fn bytes(&self) -> &[u8] {
        self.cut(self.held.bytes())
    }

    /// The same for those who look at it out of order.
    pub fn view(&self) -> Bytes<'_> {
        match &*self.held {
            Held::Excerpts(excerpts) => Bytes::from(excerpts),
            _ => Bytes::from(self.bytes()),
        }
    }

    /// What is there by now: a beginning of [`Source::bytes`], which ends anywhere.
    pub fn so_far(&self) -> &[u8] {
        self.cut(self.held.so_far())
    }

    fn cut<'s>(&self, bytes: &'s [u8]) -> &'s [u8] {
        match &self.part {
            Some(part) => &bytes[part.start.min(bytes.len())..part.end.min(bytes.len())],
            None => bytes,
        }
    }

    /// Whether [`Source::so_far`] is all that will come.
    pub fn is_whole(&self) -> bool {
        match &*self.held {
            Held::Spooled(spool) => spool.is_whole(),
            _ => true,
        }
    }

    /// Waits until there are more than `len` bytes, or all of them.
    pub fn wait_beyond(&self, len: usize) {
        if let Held::Spooled(spool) = &*self.held {
            let before = self.part.as_ref().map_or(0, |part| part.start);
            spool.wait_beyond(before.saturating_add(len));
        }
    }

    /// What must be known about these bytes; waits until all are there.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.remarks.clone();
        // What is wrong with an archive is said once, by `open_all`, and not by each of its members.
        if let (Held::Spooled(spool), None) = (&*self.held, &self.part) {
            warnings.extend(spool.warnings());
        }
        warnings
    }

    /// Says how the bytes are going to be read. What was unpacked is in memory.
    pub fn expect(&self, manner: Manner) {
        if let Held::Mapped(mapped) = &*self.held {
            mapped.map.expect(manner);
        }
    }

    /// Looks again at a mapped file: says if it grew, or changed, since it was opened. To be asked after the last
    /// pass; whether bytes were lost on the way tells [`Source::shortened`].
    pub fn change(&self) -> Option<Warning> {
        let Held::Mapped(mapped) = &*self.held else {
            return None;
        };
        if mapped.left.get().is_some() {
            return None;
        }
        let opened = mapped.opened;
        let now = Stamp::of(&mapped.file.metadata().ok()?);
        (now != opened).then(|| Warning {
            code: CHANGED.into(),
            message: format!(
                "{} changed while it was read ({} bytes when opened, {} now); its first {} bytes were used",
                mapped.name, opened.len, now.len, opened.len
            ),
            input: Some(mapped.name.clone()),
        })
    }

    /// How many bytes of a mapped file are still there, if it was shortened since it was opened (`copytruncate`). What a
    /// pass read of it may then be zeros or other lines: keep what is left with [`Source::keep_what_is_left`], and begin
    /// again.
    pub fn shortened(&self) -> Option<u64> {
        match &*self.held {
            Held::Mapped(mapped) => mapped.shortened(),
            _ => None,
        }
    }

    /// The warning about a mapped file that was shortened, for a run that cannot begin again.
    pub fn loss(&self) -> Option<Warning> {
        let Held::Mapped(mapped) = &*self.held else {
            return None;
        };
        let left = mapped.shortened()?;
        Some(Warning {
            code: CHANGED.into(),
            message: format!(
                "{} was shortened from {} to {left} bytes while it was read (log rotation?); what stood behind these may \
                 be missing. Analyse a copy, or switch memory maps off",
                mapped.name, mapped.opened.len
            ),
            input: Some(mapped.name.clone()),
        })
    }

    /// Copies what a shortened file still has, so that [`Source::bytes`] is that from now on and cannot change again.
    /// Not to be called while a pass runs. The warning says what happened; `None` when the file was not shortened.
    pub fn keep_what_is_left(&self) -> Option<Warning> {
        let Held::Mapped(mapped) = &*self.held else {
            return None;
        };
        let left = mapped.shortened()?;
        let limits = Limits {
            most: left.max(1),
            bomb_from: u64::MAX,
        };
        let copy = Spool::new(mapped.name.clone(), limits);
        let filled = mapped.file.with(|mut file| {
            file.rewind()?;
            copy.fill_plain(file.take(left));
            Ok(())
        });
        if filled.is_err() {
            copy.fill_plain(io::empty());
        }
        let kept = copy.so_far().len();
        let _ = mapped.left.set(copy);
        Some(Warning {
            code: CHANGED.into(),
            message: format!(
                "{} was shortened from {} to {kept} bytes while it was read (log rotation?); the report covers \
                 the {kept} bytes that are left",
                mapped.name, mapped.opened.len
            ),
            input: Some(mapped.name.clone()),
        })
    }
}

/// Opens all inputs; those that cannot be opened become warnings and the rest is read.
///
/// Plain files are mapped, or copied without [`OpenOptions::mmap`]. Packed files, pipes and standard input are unpacked
/// into private temporary files, several at a time and in the background: ask [`Source::so_far`] for what is there.
/// Tar archives become one source a member, in the archive's order; of these this waits until they are unpacked.
pub fn open_all(inputs: &[Input], options: &OpenOptions) -> (Vec<Source>, Vec<Warning>) {
    let crew = options.crew();
    let kept = Kept::default();
    let begun: Vec<_> = inputs
        .iter()
        .map(|input| begin(input, options, &crew, &kept))
        .collect();
    let mut opening = members::Opening::new(options, &crew);
    for (input, begun) in inputs.iter().zip(begun) {
        match begun {
            Ok(begun) => opening.add(begun, options.max_spooled, 0),
            Err(error) => opening.warnings.push(unreadable(input.name(), &error)),
        }
    }
    (opening.sources, opening.warnings)
}

/// The same for a stream that somebody began to read: it becomes one source, or the members of the archive that it is.
pub fn open_stream(
    reader: impl Read + Send + 'static,
    name: String,
    options: &OpenOptions,
) -> (Vec<Source>, Vec<Warning>) {
    let crew = options.crew();
    let begun = piped(reader, name, options, &crew);
    let mut opening = members::Opening::new(options, &crew);
    opening.add(begun, options.max_spooled, 0);
    (opening.sources, opening.warnings)
}

/// Copies bytes that stand for themselves, whatever they look like, into a private temporary file.
pub fn open_plain(reader: impl Read, name: String) -> (Source, Vec<Warning>) {
    let limits = Limits {
        most: u64::MAX,
        bomb_from: u64::MAX,
    };
    let spool = Arc::new(Spool::new(name.clone(), limits));
    spool.fill_plain(reader);
    let warnings = spool.warnings();
    (Source::new(name, Held::Spooled(spool)), warnings)
}

/// Some bytes of a [`Source`].
pub struct Portion {
    held: Arc<Held>,
    bytes: Range<usize>,
}

impl AsRef<[u8]> for Portion {
    fn as_ref(&self) -> &[u8] {
        self.held
            .bytes()
            .get(self.bytes.clone())
            .unwrap_or_default()
    }
}

/// An input that is opened, and perhaps being unpacked.
struct Begun {
    source: Source,
    /// Whether it is a tar archive; not known yet of what comes through a pipe.
    tar: Option<bool>,
}

impl Begun {
    fn is_tar(&self) -> bool {
        match (self.tar, &*self.source.held) {
            (Some(tar), _) => tar,
            (None, Held::Spooled(spool)) => spool.is_tar(),
            (None, _) => false,
        }
    }
}

fn begin(input: &Input, options: &OpenOptions, crew: &Crew, kept: &Kept) -> Result<Begun, Error> {
    match input {
        Input::Stdin => Ok(piped(io::stdin(), "-".to_string(), options, crew)),
        Input::File { path } => begin_file(path, input.name(), options, crew, kept)
            .map_err(|source| Error::io(path, "cannot read", source)),
    }
}

fn begin_file(
    path: &Path,
    name: String,
    options: &OpenOptions,
    crew: &Crew,
    kept: &Kept,
) -> io::Result<Begun> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(piped(file, name, options, crew));
    }
    let opened = Stamp::of(&metadata);
    let peeled = peel((&file).take(opened.len))?;
    let (packed, tar) = (peeled.layers > 0, peeled.tar);
    drop(peeled);
    (&file).rewind()?;
    let source = match packed {
        true => {
            let spool = Arc::new(Spool::new(name, options.limits(options.max_spooled)));
            let reader = Handle::new(path, file, kept)?.into_reader();
            let reader = reader.take(opened.len);
            // The members of an archive are not known before it is unpacked, so it goes first.
            unpack(spool, move |spool| spool.fill(reader), tar, crew)
        }
        false if opened.len == 0 => Source::from_bytes(name, Vec::new()),
        false => {
            let map = options.mmap.then(|| Shared::new(&file, opened.len));
            let file = Handle::new(path, file, kept)?;
            match map {
                Some(Ok(map)) => Source::new(
                    name.clone(),
                    Held::Mapped(Box::new(Mapped {
                        name,
                        map,
                        file,
                        opened,
                        left: OnceLock::new(),
                    })),
                ),
                _ => copied(file, opened, name, crew),
            }
        }
    };
    Ok(Begun {
        source: Source {
            modified: opened.modified_time(),
            ..source
        },
        tar: Some(tar),
    })
}

/// A file that is copied, because it cannot be mapped or shall not be.
fn copied(file: Handle, opened: Stamp, name: String, crew: &Crew) -> Source {
    let spool = Arc::new(Spool::new(
        name,
        Limits {
            most: opened.len,
            bomb_from: u64::MAX,
        },
    ));
    let reader = file.into_reader().take(opened.len);
    unpack(spool, move |spool| spool.fill_plain(reader), false, crew)
}

/// What comes from outside at its own pace has a thread of its own: whoever writes to one pipe may wait until another
/// is read.
fn piped(
    reader: impl Read + Send + 'static,
    name: String,
    options: &OpenOptions,
    crew: &Crew,
) -> Begun {
    let spool = Arc::new(Spool::new(name, options.limits(options.max_spooled)));
    let filled = Arc::clone(&spool);
    crew.set_apart(Box::new(move || filled.fill(reader)));
    Begun {
        source: Source::new(spool.name().to_string(), Held::Spooled(spool)),
        tar: None,
    }
}

/// Has a spool filled in the background.
fn unpack(
    spool: Arc<Spool>,
    fill: impl FnOnce(&Spool) + Send + 'static,
    first: bool,
    crew: &Crew,
) -> Source {
    let filled = Arc::clone(&spool);
    crew.take_on(Box::new(move || fill(&filled)), first);
    Source::new(spool.name().to_string(), Held::Spooled(spool))
}

#[cfg(test)]
mod tests;

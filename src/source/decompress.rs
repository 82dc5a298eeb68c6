//! Unpacks a stream, whatever it is packed with: told by its first bytes, never by its name.
//!
//! gzip (RFC 1952), zstd (RFC 8878), bzip2 and xz (the .xz file format 1.2.1), each also as several members one after
//! the other, as `cat a.gz b.gz` makes them, and packed more than once. Memory is bounded by [`MAX_WINDOW`] for a layer.

mod xz;
mod zstd;

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;

use super::archive::{self, is_tar};
use zstd::Frame;

/// How often a stream may be packed over. A log is packed once, an archive of logs twice.
pub const MAX_LAYERS: usize = 4;

/// The most a decoder may keep of what it unpacked, in bytes: what `zstd` grants by default, and twice what `xz -9`
/// needs. A stream that asks for more is refused.
pub const MAX_WINDOW: usize = 128 << 20;

/// The first bytes of a gzip member with its only compression method (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// RFC 8878, 3.1.1.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Skippable frames begin with 0x184D2A50 to 0x184D2A5F in little-endian order (RFC 8878, 3.1.2).
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// .xz file format, 2.1.1.1.
const XZ_MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];

/// `BZh` and the size of blocks, then the mark of a block or of the end (bzip2 has no specification; the marks are the
/// digits of pi and of its square root).
const BZIP2_MAGIC: &[u8] = b"BZh";
const BZIP2_BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const BZIP2_END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];

/// Read ahead from each layer at a time.
const READ_AHEAD: usize = 128 << 10;

/// Archives of other kinds, by their first bytes.
const FOREIGN: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x04\x22\x4d\x18", "packed with lz4"),
    (b"LZIP", "packed with lzip"),
];

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
}

impl Packing {
    /// The packing that `start`, the first bytes of a stream, tells.
    pub fn of(start: &[u8]) -> Option<Packing> {
        if start.starts_with(&GZIP_MAGIC) {
            return Some(Packing::Gzip);
        }
        if start.starts_with(&XZ_MAGIC) {
            return Some(Packing::Xz);
        }
        let skippable = start.first().is_some_and(|first| first & 0xf0 == 0x50)
            && start[1..].starts_with(&ZSTD_SKIPPABLE);
        if start.starts_with(&ZSTD_MAGIC) || skippable {
            return Some(Packing::Zstd);
        }
        let block = start.strip_prefix(BZIP2_MAGIC)?;
        let (size, mark) = block.split_first()?;
        let bzip2 = (b'1'..=b'9').contains(size)
            && (mark.starts_with(&BZIP2_BLOCK) || mark.starts_with(&BZIP2_END));
        bzip2.then_some(Packing::Bzip2)
    }
}

/// Packings and archives that this program cannot read, in words that follow "is".
pub fn foreign(start: &[u8]) -> Option<&'static str> {
    let found = FOREIGN.iter().find(|(magic, _)| start.starts_with(magic));
    found.map(|(_, what)| *what)
}

/// Whether bytes begin like UTF-16: with its byte order mark (RFC 2781, 3.2), or with ASCII of which every other byte is
/// zero.
pub fn is_utf16(start: &[u8]) -> bool {
    /// Units that tell where there is no mark.
    const UNITS: usize = 16;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let units = || start.chunks_exact(2).take(UNITS);
    let ascii = |high: usize| {
        units().all(|unit| unit[high] == 0 && unit[1 - high].is_ascii() && unit[1 - high] != 0)
    };
    units().len() == UNITS && (ascii(0) || ascii(1))
}

/// A stream out of all its packings.
pub struct Peeled<'r> {
    /// What is inside.
    pub reader: Box<dyn Read + Send + 'r>,
    /// How many packings were around it.
    pub layers: usize,
    /// What is inside is a tar archive.
    pub tar: bool,
}

/// Takes all packings off a stream. Waits until its first bytes tell what it is.
///
/// # Errors
/// When the very first read fails. Later trouble is an error of the reader that is returned.
pub fn peel<'r>(reader: impl Read + Send + 'r) -> io::Result<Peeled<'r>> {
    let mut head = Head::of(Box::new(Patient(reader)));
    if let (true, Some(error)) = (head.start.is_empty(), head.failed.take()) {
        return Err(error);
    }
    for layers in 0..=MAX_LAYERS {
        let Some(packing) = Packing::of(&head.start) else {
            let tar = is_tar(&head.start);
            let reader = Box::new(head);
            return Ok(Peeled {
                reader,
                layers,
                tar,
            });
        };
        let stream = BufReader::with_capacity(READ_AHEAD, head);
        head = Head::of(Box::new(Members::new(packing, stream)));
    }
    Ok(Peeled {
        reader: Box::new(Failing),
        layers: MAX_LAYERS,
        tar: false,
    })
}

/// A reader whose first bytes were looked at; gives them again.
struct Head<'r> {
    start: Vec<u8>,
    given: usize,
    /// What went wrong behind the first bytes.
    failed: Option<io::Error>,
    rest: Box<dyn Read + Send + 'r>,
}

impl<'r> Head<'r> {
    /// Reads no more than is needed to tell what it is: somebody may wait for the lines of a slow stream.
    fn of(mut rest: Box<dyn Read + Send + 'r>) -> Head<'r> {
        let mut start = vec![0; archive::BLOCK];
        let mut filled = 0;
        let mut failed = None;
        while filled < start.len() && !is_text(&start[..filled]) {
            match rest.read(&mut start[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        start.truncate(filled);
        Head {
            start,
            given: 0,
            failed,
            rest,
        }
    }
}

/// Whether a stream that begins so is a text: it has a whole line, and no NUL in it as the name in a tar header has.
fn is_text(start: &[u8]) -> bool {
    let end = memchr::memchr2(b'\n', 0, start);
    end.is_some_and(|end| start[end] == b'\n') && Packing::of(start).is_none()
}

impl Read for Head<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = &self.start[self.given..];
        if !left.is_empty() {
            let count = left.len().min(buffer.len());
            buffer[..count].copy_from_slice(&left[..count]);
            self.given += count;
            return Ok(count);
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.rest.read(buffer),
        }
    }
}

/// Goes on after an interrupted read: decoders would lose their place.
struct Patient<R>(R);

impl<R: Read> Read for Patient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

/// What is packed too often.
struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other(format!(
            "it is packed more than {MAX_LAYERS} times over"
        )))
    }
}

/// Unpacks one member after another. Zeros between and behind them are padding, as xz allows and GNU gzip has it.
struct Members<R: BufRead> {
    packing: Packing,
    /// `None` at the end, and after an error.
    member: Option<Member<R>>,
}

enum Member<R: BufRead> {
    Between(R),
    Gzip(Box<GzDecoder<R>>),
    Zstd(Box<Frame<R>>),
    Bzip2(Box<BzDecoder<R>>),
    Xz(Box<xz::Stream<R>>),
}

impl<R: BufRead> Members<R> {
    fn new(packing: Packing, stream: R) -> Members<R> {
        Members {
            packing,
            member: Some(Member::Between(stream)),
        }
    }

    fn unpack(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = match member {
                Member::Between(_) => 0,
                Member::Gzip(member) => member.read(buffer)?,
                Member::Zstd(member) => member.read(buffer)?,
                Member::Bzip2(member) => member.read(buffer)?,
                Member::Xz(member) => member.read(buffer)?,
            };
            if count > 0 {
                return Ok(count);
            }
            self.next_member()?;
        }
        Ok(0)
    }

    fn next_member(&mut self) -> io::Result<()> {
        let mut stream = match self.member.take() {
            None => return Ok(()),
            Some(Member::Between(stream)) => stream,
            Some(Member::Gzip(member)) => member.into_inner(),
            Some(Member::Zstd(member)) => member.into_inner(),
            Some(Member::Bzip2(member)) => member.into_inner(),
            Some(Member::Xz(member)) => member.into_inner(),
        };
        skip_zeros(&mut stream)?;
        if stream.fill_buf()?.is_empty() {
            return Ok(());
        }
        self.member = Some(match self.packing {
            Packing::Gzip => Member::Gzip(Box::new(GzDecoder::new(stream))),
            Packing::Bzip2 => Member::Bzip2(Box::new(BzDecoder::new(stream))),
            Packing::Xz => Member::Xz(Box::new(xz::Stream::new(stream))),
            Packing::Zstd => match Frame::begin(stream)? {
                Ok(frame) => Member::Zstd(Box::new(frame)),
                Err(skipped) => Member::Between(skipped),
            },
        });
        Ok(())
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let done = self.unpack(buffer);
        if done.is_err() {
            self.member = None;
        }
        done
    }
}

fn skip_zeros(stream: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = stream.fill_buf()?;
        let zeros = buffer.iter().take_while(|&&byte| byte == 0).count();
        let all = zeros == buffer.len();
        stream.consume(zeros);
        if zeros == 0 || !all {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;

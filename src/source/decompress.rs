//! Copies a stream into a private temporary file, unpacking gzip on the way.
//!
//! The file has no name, so nobody else can change it and it is gone when the run ends. Bounded:
//! neither a bomb nor an endless pipe fills the disk beyond a stated limit.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, Write};

use flate2::bufread::GzDecoder;

use crate::error::Warning;

/// The most that one input may unpack to, in bytes: 32 GiB, beyond a day of a busy shop's log.
/// Deflate can expand up to 1032 times (zlib technical details), so 10 MB could become 10 GB.
pub const MAX_SPOOLED: u64 = 32 << 30;

/// The code of the warning about an archive that ends early or holds nonsense.
pub const DAMAGED: &str = "damaged_archive";

/// The code of the warning about an input that was read in part.
pub const CUT_SHORT: &str = "input_cut_short";

/// The first bytes of a gzip member with its only compression method (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Bytes moved at a time. When an archive is damaged, at most this much before the damage is lost.
const STEP: usize = 16 << 10;

/// Read ahead from the stream at a time.
const READ_AHEAD: usize = 128 << 10;

/// True when `start`, the first bytes of an input, says that it is gzip.
pub fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&GZIP_MAGIC)
}

/// Whether a stream is gzip, and the whole of it. Waits for its first bytes.
///
/// # Errors
/// When these cannot be read.
pub fn tell_gzip<R: Read>(mut reader: R) -> io::Result<(bool, impl Read + use<R>)> {
    let mut start = Vec::with_capacity(GZIP_MAGIC.len());
    let mut magic = reader.by_ref().take(GZIP_MAGIC.len() as u64);
    magic.read_to_end(&mut start)?;
    Ok((is_gzip(&start), Cursor::new(start).chain(reader)))
}

/// Copies `reader` into a temporary file, unpacked if it is gzip, up to `limit` bytes.
///
/// A damaged archive, an overlong one and a full disk are warnings: what came before is kept.
///
/// # Errors
/// When no temporary file can be made, or when the very first read fails.
pub fn spool(reader: impl Read, limit: u64, name: &str) -> io::Result<(File, Vec<Warning>)> {
    let (gzip, whole) = tell_gzip(reader)?;
    let stream = BufReader::with_capacity(READ_AHEAD, whole);
    let mut spool = Spool {
        file: tempfile::tempfile()?,
        written: 0,
        limit,
    };
    let stopped = if gzip {
        unpack(stream, &mut spool)
    } else {
        spool.copy(stream)
    };
    spool.file.rewind()?;
    let warnings = stopped.err().map(|stop| stop.warning(name, spool.written));
    Ok((spool.file, warnings.into_iter().collect()))
}

/// Unpacks one gzip member after another (RFC 1952, 2.2). Zeros after the last are padding, as
/// GNU gzip has it.
fn unpack(mut stream: impl BufRead, spool: &mut Spool) -> Result<(), Stop> {
    loop {
        let mut member = GzDecoder::new(&mut stream);
        spool.copy(&mut member)?;
        skip_zeros(&mut stream).map_err(Stop::Read)?;
        if stream.fill_buf().map_err(Stop::Read)?.is_empty() {
            return Ok(());
        }
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

struct Spool {
    file: File,
    written: u64,
    limit: u64,
}

/// Why copying ended before the stream did.
enum Stop {
    Read(io::Error),
    Write(io::Error),
    Limit(u64),
}

impl Spool {
    fn copy(&mut self, mut stream: impl Read) -> Result<(), Stop> {
        let mut buffer = [0; STEP];
        loop {
            let count = match stream.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Stop::Read(error)),
            };
            let room = self.limit - self.written;
            let kept = (count as u64).min(room) as usize;
            self.file.write_all(&buffer[..kept]).map_err(Stop::Write)?;
            self.written += kept as u64;
            if kept < count {
                return Err(Stop::Limit(self.limit));
            }
        }
    }
}

impl Stop {
    fn warning(self, name: &str, kept: u64) -> Warning {
        let (code, reason) = match self {
            Stop::Read(error) => (
                DAMAGED,
                format!("cannot be read to its end ({error}); check the file"),
            ),
            Stop::Write(error) => (
                CUT_SHORT,
                format!(
                    "does not fit into {} ({error}); free space there or set TMPDIR",
                    std::env::temp_dir().display()
                ),
            ),
            Stop::Limit(limit) => (
                CUT_SHORT,
                format!("is larger than {limit} bytes; unpack or split it first"),
            ),
        };
        Warning {
            code,
            message: format!("{name} {reason}. Its first {kept} bytes were used"),
            input: Some(name.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn spooled(bytes: &[u8], limit: u64) -> (Vec<u8>, Vec<Warning>) {
        let (mut file, warnings) = spool(bytes, limit, "x.gz").unwrap();
        let mut contents = Vec::new();
        file.read_to_end(&mut contents).unwrap();
        (contents, warnings)
    }

    /// Text that does not compress to nothing.
    fn log(lines: u32) -> Vec<u8> {
        (0..lines)
            .flat_map(|n| format!("line {n} {}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect()
    }

    #[test]
    fn plain_and_packed_streams_arrive_alike() {
        let text = log(20_000);
        assert_eq!(spooled(&text, MAX_SPOOLED), (text.clone(), vec![]));
        assert_eq!(spooled(&gzip(&text), MAX_SPOOLED), (text.clone(), vec![]));
        assert_eq!(spooled(b"", MAX_SPOOLED), (vec![], vec![]));
        assert_eq!(spooled(b"\x1f", MAX_SPOOLED), (b"\x1f".to_vec(), vec![]));
    }

    #[test]
    fn concatenated_members_and_padding_are_read() {
        let mut packed = gzip(b"one\n");
        packed.extend(gzip(b"two\n"));
        packed.extend([0; 512]);
        assert_eq!(spooled(&packed, 100), (b"one\ntwo\n".to_vec(), vec![]));
    }

    #[test]
    fn what_precedes_damage_is_kept_and_said() {
        let text = log(50_000);
        let packed = gzip(&text);
        let mut torn = packed.clone();
        torn.truncate(packed.len() / 2);
        let mut garbage_after = packed.clone();
        garbage_after.extend(b"not gzip at all");
        let mut flipped = packed.clone();
        let middle = packed.len() / 2;
        flipped[middle..middle + 64].fill(0xff);
        for (damaged, at_least) in [
            (torn, text.len() / 3),
            (garbage_after, text.len()),
            (flipped, text.len() / 3),
        ] {
            let (contents, warnings) = spooled(&damaged, MAX_SPOOLED);
            assert!(contents.len() >= at_least, "{}", contents.len());
            assert_eq!(contents[..at_least], text[..at_least]);
            assert_eq!(warnings[0].code, DAMAGED);
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![b'a'; 10 << 20]);
        let (contents, warnings) = spooled(&bomb, 1000);
        assert_eq!(contents.len(), 1000);
        assert_eq!(warnings[0].code, CUT_SHORT);
        let (contents, warnings) = spooled(&bomb, 10 << 20);
        assert_eq!((contents.len(), warnings.len()), (10 << 20, 0));
    }
}

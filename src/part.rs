//! Parts: counts in files, so that many machines can count and one can put together what they counted.
//!
//! A part begins with a mark of its own, the [`FORMAT`] and the version of the program that wrote it, which every version can
//! read. Then come two values in postcard's format (<https://postcard.jamesmunns.com/wire-format>): a short head, which can be read
//! without the rest and exchanged, and the body. Each is compressed with gzip (RFC 1952), whose trailer holds a checksum and
//! the length: whatever was cut off or changed is noticed.
//!
//! Both directions stream: no more than a few buffers stand beside the value. What a file says about lengths is not believed
//! before it has come, and it may not unpack to more than `most_body` says, so that memory is bounded by the file's size.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use postcard::{Deserializer, Serializer, de_flavors, ser_flavors};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// What every part begins with. No text begins with the first byte (RFC 3629 has none such in UTF-8), and the line ends show
/// when a file was transferred as text, as PNG's signature does (RFC 2083, 12.11).
const MAGIC: &[u8; 12] = b"\xc1aftrpart\r\n\x1a";

/// The format of parts. Any change of what is counted, of how it is written or of the order of fields raises it: the
/// numbers of another format would be read as something that they are not.
pub const FORMAT: u16 = 1;

/// The program's version. Two versions may have other patterns or judge otherwise, and their counts make no whole.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Bytes of a version's name at most.
const MOST_VERSION: usize = 64;

/// What is read at once, and what is gathered before it is compressed, in bytes.
const BUFFER: usize = 64 << 10;

/// Bytes that any part may unpack to, and how many times its own size beyond them. Counts of many clients are two to four times as
/// large unpacked; rows of zeros are a thousand times, and at most `watch`'s few megabytes.
const FREE_BODY: u64 = 16 << 20;
const MOST_RATIO: u64 = 64;

/// Bytes that a body may have of which so many compressed bytes were read.
fn most_body(packed: u64) -> u64 {
    packed.saturating_mul(MOST_RATIO).saturating_add(FREE_BODY)
}

/// Bytes that tell whether a file is a part.
pub const HEAD: usize = MAGIC.len();

/// Whether a file that begins so is a part, of whatever version.
pub fn begins(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Writes a part. Counts must have been flushed.
///
/// # Errors
/// Those of the writer, for which `name` is the file that they name.
pub fn write(
    head: &impl Serialize,
    body: &impl Serialize,
    mut writer: impl Write,
    name: &str,
) -> Result<()> {
    let written = write_mark(&mut writer)
        .and_then(|()| write_value(head, &mut writer))
        .and_then(|()| write_value(body, &mut writer))
        .and_then(|()| writer.flush());
    written.map_err(|error| Error::io(name, "cannot write", error))
}

/// Writes a part with the body of another one, as it lies there; `name` is what errors about that one name.
///
/// # Errors
/// Those of both files, and when the other one is no part; whether its body is sound is not looked at.
pub fn write_again(
    head: &impl Serialize,
    other: impl Read,
    mut writer: impl Write,
    name: &str,
) -> Result<()> {
    let mut other = BufReader::with_capacity(BUFFER, other);
    let skipped = read_mark(&mut other).and_then(|()| skip_value(&mut other));
    skipped.map_err(|fault| fault.of(name))?;
    let written = write_mark(&mut writer)
        .and_then(|()| write_value(head, &mut writer))
        .and_then(|()| io::copy(&mut other, &mut writer))
        .and_then(|_| writer.flush());
    written.map_err(|error| Error::io(name, "cannot copy", error))
}

fn write_mark(writer: &mut impl Write) -> io::Result<()> {
    writer.write_all(MAGIC)?;
    writer.write_all(&FORMAT.to_le_bytes())?;
    let version = &VERSION.as_bytes()[..VERSION.len().min(MOST_VERSION)];
    writer.write_all(&[version.len() as u8])?;
    writer.write_all(version)
}

fn write_value(value: &impl Serialize, writer: impl Write) -> io::Result<()> {
    let mut out = Outlet {
        gzip: GzEncoder::new(writer, Compression::fast()),
        buffer: Vec::with_capacity(BUFFER),
        fault: None,
    };
    let mut serializer = Serializer {
        output: Output(&mut out),
    };
    let written = value.serialize(&mut serializer);
    match (written, out.fault.take()) {
        (_, Some(fault)) => return Err(fault),
        (Err(error), None) => return Err(io::Error::other(error)),
        (Ok(()), None) => out.pass_on()?,
    }
    out.gzip.finish().map(drop)
}

/// Where serialised bytes go: gathered, then compressed.
struct Outlet<W: Write> {
    gzip: GzEncoder<W>,
    buffer: Vec<u8>,
    /// Why writing failed, which postcard does not hand on.
    fault: Option<io::Error>,
}

impl<W: Write> Outlet<W> {
    fn pass_on(&mut self) -> io::Result<()> {
        self.gzip.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    #[cold]
    fn make_room(&mut self) -> postcard::Result<()> {
        self.pass_on().map_err(|fault| {
            self.fault = Some(fault);
            postcard::Error::SerializeBufferFull
        })
    }
}

/// The outlet, as postcard wants it.
struct Output<'a, W: Write>(&'a mut Outlet<W>);

impl<W: Write> ser_flavors::Flavor for Output<'_, W> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        if self.0.buffer.len() >= BUFFER {
            self.0.make_room()?;
        }
        self.0.buffer.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        if self.0.buffer.len() + bytes.len() > BUFFER {
            self.0.make_room()?;
        }
        self.0.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Reads the head and the body of a part; `name` is what errors name.
///
/// # Errors
/// When this is no part, or one of another version, or when it was cut short or damaged.
pub fn read<H: DeserializeOwned, B: DeserializeOwned>(
    reader: impl Read,
    name: &str,
) -> Result<(H, B)> {
    let mut reader = BufReader::with_capacity(BUFFER, reader);
    let mut both = || {
        read_mark(&mut reader)?;
        let both = (read_value(&mut reader)?, read_value(&mut reader)?);
        match reader.fill_buf()?.is_empty() {
            true => Ok(both),
            false => Err(Fault::damaged()),
        }
    };
    both().map_err(|fault: Fault| fault.of(name))
}

/// Reads the head of a part, and nothing behind it.
///
/// # Errors
/// As [`read`].
pub fn read_head<H: DeserializeOwned>(reader: impl Read, name: &str) -> Result<H> {
    let mut reader = BufReader::with_capacity(BUFFER, reader);
    let head = read_mark(&mut reader).and_then(|()| read_value(&mut reader));
    head.map_err(|fault| fault.of(name))
}

/// Why something is no value.
enum Fault {
    /// It could not be read.
    Io(io::Error),
    /// What is wrong with it, and what to do.
    Wrong(String),
}

impl From<io::Error> for Fault {
    /// As the decompressor tells it.
    fn from(error: io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::cut(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Fault::damaged(),
            _ => Fault::Io(error),
        }
    }
}

impl Fault {
    fn of(self, name: &str) -> Error {
        match self {
            Fault::Io(error) => Error::io(name, "cannot read", error),
            Fault::Wrong(what) => Error::Part {
                path: name.into(),
                what,
            },
        }
    }

    fn cut() -> Fault {
        Fault::Wrong("this part was cut short: write it again".to_owned())
    }

    fn damaged() -> Fault {
        Fault::Wrong("this part is damaged: write it again".to_owned())
    }

    fn foreign(what: &str) -> Fault {
        Fault::Wrong(format!(
            "this is no part of aftertrace but {what}: name what `aftertrace map`, `merge` and `plan` write"
        ))
    }
}

/// Checks that this is a part which this program can read.
fn read_mark(reader: &mut impl BufRead) -> std::result::Result<(), Fault> {
    let mut magic = Vec::with_capacity(MAGIC.len());
    let wanted = MAGIC.len() as u64;
    reader.by_ref().take(wanted).read_to_end(&mut magic)?;
    if magic != MAGIC {
        return Err(match magic[..] {
            [] => Fault::foreign("an empty file"),
            [b'{', ..] => {
                Fault::foreign("JSON, such as a saved report, which `aftertrace report` renders")
            }
            _ if MAGIC.starts_with(&magic) => Fault::cut(),
            _ => Fault::foreign("something else"),
        });
    }
    let mut format = [0; 2];
    reader.read_exact(&mut format)?;
    let format = u16::from_le_bytes(format);
    let mut length = [0];
    reader.read_exact(&mut length)?;
    let length = usize::from(length[0]);
    if length > MOST_VERSION {
        return Err(Fault::damaged());
    }
    let mut version = vec![0; length];
    reader.read_exact(&mut version)?;
    if format != FORMAT || version != VERSION.as_bytes() {
        let version = String::from_utf8_lossy(&version);
        return Err(Fault::Wrong(format!(
            "this part was made by aftertrace {}, format {format}, and this is aftertrace {VERSION}, which reads format \
             {FORMAT}: use the same program everywhere",
            version.escape_debug(),
        )));
    }
    Ok(())
}

fn read_value<T: DeserializeOwned>(reader: &mut impl BufRead) -> std::result::Result<T, Fault> {
    let mut inlet = Inlet::new(reader);
    let read = T::deserialize(&mut Deserializer::from_flavor(Intake(&mut inlet)));
    if let Some(fault) = inlet.fault.take() {
        return Err(fault.into());
    }
    // The checksum is at the end. If it is right, the file was made so as to deceive, or by a program with a fault.
    let rest = inlet.drain()?;
    match read {
        Ok(value) if rest == 0 => Ok(value),
        _ => Err(Fault::Wrong(
            "this part holds what cannot have been counted: write it again, with this program"
                .to_owned(),
        )),
    }
}

fn skip_value(reader: &mut impl BufRead) -> std::result::Result<(), Fault> {
    Inlet::new(reader).drain()?;
    Ok(())
}

/// Counts what is taken from a reader.
struct Counted<R> {
    reader: R,
    bytes: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
        self.bytes += bytes as u64;
    }
}

/// Where serialised bytes come from.
struct Inlet<R: BufRead> {
    gzip: GzDecoder<Counted<R>>,
    buffer: Box<[u8]>,
    /// The next byte of the buffer, and the end of what is in it.
    at: usize,
    filled: usize,
    /// Bytes unpacked.
    body: u64,
    /// A text that is longer than what is left in the buffer.
    text: Vec<u8>,
    /// Why reading failed, which postcard does not hand on.
    fault: Option<io::Error>,
}

impl<R: BufRead> Inlet<R> {
    fn new(reader: R) -> Inlet<R> {
        Inlet {
            gzip: GzDecoder::new(Counted { reader, bytes: 0 }),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            at: 0,
            filled: 0,
            body: 0,
            text: Vec::new(),
            fault: None,
        }
    }

    /// Unpacks more; false at the end.
    fn refill(&mut self) -> io::Result<bool> {
        self.at = 0;
        self.filled = self.gzip.read(&mut self.buffer)?;
        self.body += self.filled as u64;
        if self.body > most_body(self.gzip.get_ref().bytes) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(self.filled > 0)
    }

    /// Bytes that are left, up to the checksum.
    fn drain(&mut self) -> io::Result<u64> {
        let mut rest = 0;
        loop {
            rest += (self.filled - self.at) as u64;
            if !self.refill()? {
                return Ok(rest);
            }
        }
    }

    /// The same, as postcard wants it: there must be more.
    #[cold]
    fn more(&mut self) -> postcard::Result<()> {
        match self.refill() {
            Ok(true) => Ok(()),
            Ok(false) => Err(postcard::Error::DeserializeUnexpectedEnd),
            Err(fault) => {
                self.fault = Some(fault);
                Err(postcard::Error::DeserializeUnexpectedEnd)
            }
        }
    }
}

/// The inlet, as postcard wants it.
struct Intake<'a, R: BufRead>(&'a mut Inlet<R>);

impl<'de, R: BufRead> de_flavors::Flavor<'de> for Intake<'de, R> {
    type Remainder = ();
    type Source = ();

    #[inline]
    fn pop(&mut self) -> postcard::Result<u8> {
        if self.0.at == self.0.filled {
            self.0.more()?;
        }
        let byte = self.0.buffer[self.0.at];
        self.0.at += 1;
        Ok(byte)
    }

    /// Nothing borrows from a stream.
    fn try_take_n(&mut self, _: usize) -> postcard::Result<&'de [u8]> {
        Err(postcard::Error::WontImplement)
    }

    #[inline]
    fn try_take_n_temp<'a>(&'a mut self, length: usize) -> postcard::Result<&'a [u8]>
    where
        'de: 'a,
    {
        let inlet = &mut *self.0;
        if inlet.filled - inlet.at >= length {
            inlet.at += length;
            return Ok(&inlet.buffer[inlet.at - length..inlet.at]);
        }
        inlet.text.clear();
        while inlet.text.len() < length {
            if inlet.at == inlet.filled {
                inlet.more()?;
            }
            let most = (length - inlet.text.len()).min(inlet.filled - inlet.at);
            let next = &inlet.buffer[inlet.at..inlet.at + most];
            inlet.text.extend_from_slice(next);
            inlet.at += most;
        }
        Ok(&inlet.text)
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::counts::AccessCounts;
    use crate::evidence::caps::Caps;
    use crate::evidence::clients::ClientStats;
    use crate::pass::Bounded;

    fn counts() -> AccessCounts {
        let mut counts = AccessCounts::new(60, Caps::default());
        for n in 0..50_000u128 {
            let client = Client::from_key(n * n);
            let stats = counts.clients.entry(client, ClientStats::default).unwrap();
            stats.note(
                1_779_192_000 + (n % 977) as i64,
                (n % 6) as usize,
                n % 3 == 0,
            );
        }
        counts
    }

    fn written(value: &impl Serialize) -> Vec<u8> {
        let mut file = Vec::new();
        write(&(), value, &mut file, "part").unwrap();
        file
    }

    fn body<T: DeserializeOwned>(file: impl Read) -> Result<T> {
        read::<(), T>(file, "some.part").map(|(_, body)| body)
    }

    fn fault(file: &[u8]) -> String {
        let error = body::<AccessCounts>(file)
            .err()
            .expect("an error")
            .to_string();
        assert!(
            error.starts_with("some.part: ") && !error.contains('\n'),
            "{error}"
        );
        error
    }

    #[test]
    fn what_is_longer_than_any_buffer_comes_back() {
        let long = "x".repeat(3 * BUFFER + 1);
        let value = ("short".to_owned(), long, vec![7u64; BUFFER], -1i64);
        let read: (String, String, Vec<u64>, i64) = body(&written(&value)[..]).unwrap();
        assert!(read == value);
    }

    #[test]
    fn what_is_no_part_is_told_from_other_versions_and_from_damage() {
        let file = written(&counts());
        assert!(body::<AccessCounts>(&file[..]).is_ok());
        assert!(fault(b"").contains("an empty file"));
        assert!(fault(b"{\"schema_version\": \"1\"}").contains("a saved report"));
        assert!(fault(b"192.0.2.1 - - [19/May/2026:12:00:00 +0000]").contains("no part"));
        for length in [
            1,
            MAGIC.len(),
            MAGIC.len() + 5,
            100,
            file.len() / 2,
            file.len() - 1,
        ] {
            let fault = fault(&file[..length]);
            assert!(fault.contains("cut short"), "{length}: {fault}");
        }
        let with = |at: usize, byte: u8| {
            let mut file = file.clone();
            file[at] = byte;
            fault(&file)
        };
        let format = with(MAGIC.len(), 77);
        assert!(
            format.contains("format 77") && format.contains("the same program everywhere"),
            "{format}"
        );
        let version = with(MAGIC.len() + 3, b'\x1b');
        assert!(version.contains("made by aftertrace \\u{1b}"), "{version}");
        for at in [file.len() / 3, file.len() / 2, file.len() - 6] {
            // All bits of a byte: some may be padding.
            let damaged = with(at, !file[at]);
            assert!(damaged.contains("damaged"), "{at}: {damaged}");
        }
        assert!(fault(&[&file[..], b"x"].concat()).contains("damaged"));
    }

    #[test]
    fn a_head_is_read_alone_and_exchanged() {
        let value = counts();
        let mut file = Vec::new();
        write(&"old", &value, &mut file, "part").unwrap();
        let mut other = Vec::new();
        write_again(&"new", &file[..], &mut other, "part").unwrap();
        let mut expected = Vec::new();
        write(&"new", &value, &mut expected, "part").unwrap();
        assert!(other == expected);
        // Whatever is wrong behind it.
        let cut = &other[..MAGIC.len() + 100];
        assert_eq!(read_head::<String>(cut, "part").unwrap(), "new");
        let early = read_head::<String>(&other[..MAGIC.len() + 15], "part");
        assert!(early.unwrap_err().to_string().contains("cut short"));
        let foreign = write_again(&"new", &b"{}"[..], io::sink(), "some.part");
        assert!(
            foreign
                .unwrap_err()
                .to_string()
                .contains("some.part: this is no part")
        );
    }

    #[test]
    fn another_value_and_more_than_one_are_refused() {
        assert!(fault(&written(&vec![1u8; 10])).contains("cannot have been counted"));
        let more = body::<u8>(&written(&(1u8, 1u8))[..]);
        assert!(
            more.unwrap_err()
                .to_string()
                .contains("cannot have been counted")
        );
    }

    #[test]
    fn lengths_are_not_believed_and_bombs_are_not_unpacked() {
        // A list of 2^60 numbers, and a text of as many bytes.
        let huge = written(&(1u64 << 60));
        assert!(body::<Vec<u64>>(&huge[..]).is_err());
        assert!(body::<String>(&huge[..]).is_err());
        let bomb = written(&vec![0u8; 6 * FREE_BODY as usize]);
        assert!(6 * FREE_BODY > most_body(bomb.len() as u64));
        let error = body::<Vec<u8>>(&bomb[..]).unwrap_err();
        assert!(error.to_string().contains("damaged"));
    }

    #[test]
    fn faults_of_disks_are_not_those_of_the_file() {
        /// Full, or broken.
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("no space"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("no disk"))
            }
        }
        let error = write(&(), &counts(), Broken, "some.part").unwrap_err();
        assert_eq!(error.to_string(), "some.part: cannot write: no space");
        let head = &written(&counts())[..2_000];
        let error = body::<AccessCounts>(head.chain(Broken)).err().unwrap();
        assert_eq!(error.to_string(), "some.part: cannot read: no disk");
    }

    #[test]
    fn counts_that_were_not_flushed_are_not_written() {
        let mut counts = counts();
        counts.minutes.cell(0);
        assert!(write(&(), &counts, io::sink(), "part").is_err());
        counts.flush();
        assert!(write(&(), &counts, io::sink(), "part").is_ok());
    }
}

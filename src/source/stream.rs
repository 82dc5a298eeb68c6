//! Standard input as it comes, unpacked: for what looks at each line once and waits for no end.
//!
//! Not for passes that look twice: those need `open`, which spools.

use std::io::{self, Read};

use super::decompress::peel;

/// Standard input, unpacked.
///
/// # Errors
/// As [`unpacked`].
pub fn stdin() -> io::Result<Box<dyn Read + Send>> {
    unpacked(io::stdin())
}

/// The bytes of `reader`, out of whatever they are packed in. Waits for the first line, or for the few bytes that tell a
/// packing.
///
/// # Errors
/// When these cannot be read, and for a tar archive, whose files cannot be told apart here. Reading on fails where the
/// stream or the archive is damaged.
pub fn unpacked<'r>(reader: impl Read + Send + 'r) -> io::Result<Box<dyn Read + Send + 'r>> {
    let peeled = peel(reader)?;
    match peeled.tar {
        true => Err(io::Error::other(
            "a tar archive cannot be searched as it arrives; leave --no-context out, or unpack it first",
        )),
        false => Ok(peeled.reader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn text(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        unpacked(bytes)?.read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn packed_and_plain_streams_read_the_same() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"a line\nanother\n").unwrap();
        let mut packed = packed.finish().unwrap();
        assert_eq!(text(&packed).unwrap(), "a line\nanother\n");
        assert_eq!(text(b"a line\nanother\n").unwrap(), "a line\nanother\n");
        assert_eq!(text(b"a").unwrap(), "a");
        packed.truncate(packed.len() - 4);
        assert!(text(&packed).is_err());
    }

    #[test]
    fn the_first_line_of_a_slow_stream_is_not_held_back() {
        /// Gives a line, and then would wait for ever.
        struct Slow(bool);
        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                assert!(!std::mem::replace(&mut self.0, true), "a second read");
                (&b"a line\n"[..]).read(buffer)
            }
        }
        let mut buffer = [0; 64];
        let count = unpacked(Slow(false)).unwrap().read(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"a line\n");
    }

    #[test]
    fn an_archive_is_refused() {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        archive
            .append_data(&mut header, "a.log", &b"x\n"[..])
            .unwrap();
        let error = text(&archive.into_inner().unwrap()).unwrap_err();
        assert!(error.to_string().contains("--no-context"));
    }
}

//! Standard input as it comes, unpacked: for what looks at each line once and waits for no end.
//!
//! Not for passes that look twice: those need `open`, which spools.

use std::io;

use super::decompress::{Peeled, peel};

/// Standard input, out of whatever it is packed in. Waits for the first line, or for the few bytes that tell a packing.
///
/// Reading on fails where the stream or the archive is damaged. The files of a tar archive cannot be told apart here:
/// see [`open_stream`](super::open::open_stream).
///
/// # Errors
/// When these bytes cannot be read.
pub fn stdin() -> io::Result<Peeled<'static>> {
    peel(io::stdin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn text(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        peel(bytes)?.reader.read_to_string(&mut text).map(|_| text)
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
        let count = peel(Slow(false)).unwrap().reader.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"a line\n");
    }
}

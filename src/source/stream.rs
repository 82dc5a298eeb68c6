//! Standard input as it comes, unpacked: for what looks at each line once and waits for no end.
//!
//! Not for passes that look twice: those need `open`, which spools.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::decompress::tell_gzip;

/// Standard input, unpacked.
///
/// # Errors
/// As [`unpacked`].
pub fn stdin() -> io::Result<Box<dyn Read>> {
    unpacked(io::stdin().lock())
}

/// The bytes of `reader`, unpacked if it is gzip. Waits for the first few bytes.
///
/// # Errors
/// When these cannot be read. Reading on fails where the stream or the archive is damaged.
pub fn unpacked<'r>(reader: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let (gzip, whole) = tell_gzip(reader)?;
    Ok(match gzip {
        true => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        false => Box::new(whole),
    })
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
}

//! One stream of an .xz file, given out to its end even where it is torn.
//!
//! `lzma_rust2` has two decoders. The one that reads for itself takes a chunk before it unpacks any of it, 64 KiB that may
//! be 2 MiB of log, and so loses all of a small file that is torn. The one used here is handed what is there.

use std::io::{self, BufRead, Read};

use lzma_rust2::{Action, Status, XzStream};

use super::MAX_WINDOW;

/// What a decoder needs beside its dictionary, in KiB, generously.
const OWN_KIB: u32 = 1024;

/// A stream that is being unpacked.
pub struct Stream<R> {
    decoder: XzStream,
    stream: R,
    ended: bool,
}

impl<R: BufRead> Stream<R> {
    /// A decoder that refuses what asks for more than [`MAX_WINDOW`].
    pub fn new(stream: R) -> Stream<R> {
        let most = (MAX_WINDOW >> 10) as u32 + OWN_KIB;
        Stream {
            decoder: XzStream::new_mem_limit(false, most),
            stream,
            ended: false,
        }
    }

    /// What follows the stream.
    pub fn into_inner(self) -> R {
        self.stream
    }
}

impl<R: BufRead> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buffer.is_empty() {
            let packed = self.stream.fill_buf()?;
            let torn = packed.is_empty();
            // Never told that this is the end: it would not give out what it holds of a torn chunk.
            let done = self.decoder.process(packed, buffer, Action::Run)?;
            self.stream.consume(done.bytes_consumed);
            self.ended = done.status == Status::StreamEnd;
            if done.bytes_produced > 0 {
                return Ok(done.bytes_produced);
            }
            if !self.ended && (torn || done.bytes_consumed == 0) {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
        }
        Ok(0)
    }
}

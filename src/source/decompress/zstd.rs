//! One frame of a zstd stream (RFC 8878), given out to its end even where it is torn.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::MAX_WINDOW;

/// An empty last block (RFC 8878, 3.1.1.2), and zeros in the place of a checksum.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// A frame that is being unpacked.
pub struct Frame<R> {
    decoder: FrameDecoder,
    stream: R,
    failed: Option<io::Error>,
}

impl<R: BufRead> Frame<R> {
    /// Reads a frame's header. A skippable frame is skipped, and the stream comes back as `Err`.
    ///
    /// # Errors
    /// When there is no valid header, or one that asks for more than [`MAX_WINDOW`].
    pub fn begin(mut stream: R) -> io::Result<Result<Frame<R>, R>> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW as u64);
        match decoder.init(&mut stream) {
            Ok(()) => Ok(Ok(Frame {
                decoder,
                stream,
                failed: None,
            })),
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let mut skipped = stream.by_ref().take(u64::from(length));
                if io::copy(&mut skipped, &mut io::sink())? < u64::from(length) {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                Ok(Err(stream))
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// The stream behind the frame.
    pub fn into_inner(self) -> R {
        self.stream
    }

    /// Unpacks a block. The decoder holds the last window back until the frame ends; where it is damaged, it is told
    /// that it ended, so that nothing before the damage is lost.
    fn step(&mut self) {
        let step = BlockDecodingStrategy::UptoBlocks(1);
        if let Err(error) = self.decoder.decode_blocks(&mut self.stream, step) {
            self.failed = Some(io::Error::other(error));
            // What comes of it shows in `can_collect`.
            let all = BlockDecodingStrategy::All;
            let _ = self.decoder.decode_blocks(LAST_BLOCK.as_slice(), all);
        }
    }

    /// Whether what was unpacked is what was packed, as far as the frame says.
    fn verify(&self) -> io::Result<()> {
        let told = self.decoder.get_checksum_from_data();
        match told.is_none() || told == self.decoder.get_calculated_checksum() {
            true => Ok(()),
            false => Err(io::Error::other("the checksum of a zstd frame is wrong")),
        }
    }
}

impl<R: BufRead> Read for Frame<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.decoder.is_finished() {
                return self.verify().map(|()| 0);
            }
            self.step();
        }
    }
}

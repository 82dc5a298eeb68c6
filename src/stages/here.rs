//! Inputs, or ranges of them, whose bytes are here: files, and standard input that somebody else reads for us.

use std::io::{self, Read};
use std::ops::Range;

use super::Here;
use crate::bytes::Excerpts;
use crate::error::{Error, Result};
use crate::source::open::{OpenOptions, Source, open_plain, open_stream};
use crate::text::count;
use crate::time::Time;

impl Here {
    /// A whole input, of which everything is read.
    pub fn whole(source: Source) -> Here {
        Here {
            size: source.view().len(),
            source,
            offset: 0,
            range: None,
        }
    }

    /// A range of the one file among these, of which no more than `size` bytes are read.
    ///
    /// # Errors
    /// When it is not one, or has to be unpacked.
    pub fn range_of(
        sources: Vec<Source>,
        range: Range<usize>,
        size: Option<usize>,
    ) -> Result<Here> {
        match <[Source; 1]>::try_from(sources) {
            Ok([source]) if source.is_plain() => {
                let here = Here::whole(source).first(size.unwrap_or(usize::MAX));
                let range = range.start.min(here.size)..range.end.min(here.size);
                Ok(Here {
                    range: Some(range),
                    ..here
                })
            }
            Ok([source]) => Err(Error::Usage(format!(
                "{}: --range and --size are for files that are not compressed: read all of it",
                source.name
            ))),
            Err(_) => Err(Error::Usage(
                "--range and --size are for one file".to_string(),
            )),
        }
    }

    /// What comes as a stream: a whole input, which may be packed; or what a range of one of `size` bytes needs, which begins
    /// with the byte before the range and is read up to the end of the line in which the range ends.
    ///
    /// # Errors
    /// When the stream cannot be read, or ends too early.
    pub fn stream(
        reader: impl Read + Send + 'static,
        name: &str,
        share: Option<(Range<usize>, usize)>,
        modified: Option<Time>,
    ) -> Result<Vec<Here>> {
        let Some((range, size)) = share else {
            let (sources, _) = open_stream(reader, name.to_string(), &OpenOptions::default());
            let whole = |source: Source| Here::whole(source.written(modified));
            return Ok(sources.into_iter().map(whole).collect());
        };
        let offset = range.start.saturating_sub(1);
        let end = range.end.min(size);
        let fault = |error| Error::io(name, "cannot read", error);
        let mut until = Until {
            reader,
            left: end.saturating_sub(offset + 1),
            fault: None,
            done: end <= offset,
        };
        let (source, _) = open_plain(&mut until, name.to_string());
        if let Some(error) = until.fault {
            return Err(fault(error));
        }
        let source = source.written(modified);
        let came = source.view().len();
        if offset + came < end {
            return Err(fault(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "standard input ended {} bytes before the end of the range",
                    count((end - offset - came) as u64)
                ),
            )));
        }
        Ok(vec![Here {
            source,
            offset,
            range: Some(range),
            size,
        }])
    }

    /// No more than the first bytes of the input, if it has more: what was appended later is not read.
    pub fn first(self, size: usize) -> Here {
        match self.size > size {
            false => self,
            true => Here {
                source: self.source.first(size.saturating_sub(self.offset)),
                size,
                ..self
            },
        }
    }

    /// All bytes that are here: from which byte of the input to which.
    pub(super) fn bytes(&self) -> Range<usize> {
        self.offset..self.offset + self.source.view().len()
    }

    /// The lines that begin in the range: from which byte of the input to which.
    pub(super) fn lines(&self) -> Range<usize> {
        let bytes = self.source.view();
        let range = self.range.clone().unwrap_or(0..self.size);
        // Where the first line begins that begins at a byte or behind it.
        let line = |from: usize| match from.checked_sub(1) {
            None => 0,
            Some(before) => self.offset + bytes.line_end(before - self.offset),
        };
        let (start, end) = (line(range.start), line(range.end.min(self.size)));
        start.min(end)..end
    }

    /// Brings the lines to where they are counted.
    pub(super) fn bring(&self, excerpts: &Excerpts) {
        let lines = self.lines();
        let within = lines.start - self.offset..lines.end - self.offset;
        let range = self.range.clone().unwrap_or(0..self.size);
        excerpts.bring(range, lines.start, self.source.portion(within));
    }
}

/// Reads so many bytes, and then up to the end of a line.
struct Until<R> {
    reader: R,
    left: usize,
    fault: Option<io::Error>,
    done: bool,
}

impl<R: Read> Read for Until<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.done || buffer.is_empty() {
            return Ok(0);
        }
        let most = match self.left {
            0 => buffer.len(),
            left => left.min(buffer.len()),
        };
        let read = match self.reader.read(&mut buffer[..most]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.fault = Some(error);
                0
            }
        };
        if self.left > 0 || read == 0 {
            self.left -= read.min(self.left);
            self.done = read == 0;
            return Ok(read);
        }
        match memchr::memchr(b'\n', &buffer[..read]) {
            None => Ok(read),
            Some(at) => {
                self.done = true;
                Ok(at + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However a file is divided, each line is in one range, whether its bytes are mapped or streamed.
        #[test]
        fn ranges_share_the_lines_among_them(
            text in prop::collection::vec(prop_oneof![2 => Just(b'\n'), 5 => Just(b'a')], 1..80),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut mapped = Vec::new();
            let mut streamed = Vec::new();
            for cut in cuts.windows(2) {
                let range = cut[0]..cut[1];
                let source = Source::from_bytes("a.log", text.clone());
                mapped.push(Here::range_of(vec![source], range.clone(), None).unwrap().lines());
                let stream = io::Cursor::new(text[range.start.saturating_sub(1)..].to_vec());
                let here = Here::stream(stream, "a.log", Some((range, text.len())), None).unwrap();
                let lines = here[0].lines();
                let within = lines.start - here[0].offset..lines.end - here[0].offset;
                let portion = here[0].source.portion(within);
                prop_assert_eq!(portion.as_ref(), &text[lines.clone()]);
                streamed.push(lines);
            }
            prop_assert_eq!(&mapped, &streamed);
            let mut at = 0;
            for lines in mapped.iter().filter(|lines| !lines.is_empty()) {
                prop_assert_eq!(lines.start, at);
                prop_assert!(lines.end == text.len() || text[lines.end - 1] == b'\n');
                at = lines.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }

    #[test]
    fn a_stream_that_ends_too_early_is_an_error() {
        let early = Here::stream(&b"one\ntw"[..], "a.log", Some((0..9, 9)), None);
        let error = early.err().unwrap().to_string();
        assert!(
            error.contains("a.log") && error.contains("3 bytes before"),
            "{error}"
        );
    }
}

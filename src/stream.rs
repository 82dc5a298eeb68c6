//! Judges lines as they arrive, each by itself: standard input that never ends, such as `tail -f`.
//!
//! The format is voted on as soon as the first lines are there. Memory holds one read and one line.

use std::io::{self, Read};

use crate::bytes::Bytes;
use crate::chunk::{self, MAX_LINE};
use crate::error::Warning;
use crate::format::Vote;
use crate::format::spec::{Arena, Desk, LogKind};
use crate::hits::{HitLine, Judge, Origin, Search, set_aside};
use crate::inputs::{hops, no_log};
use crate::pass::{Clock, Hops, Log, Part, Who};
use crate::readers::Readers;
use crate::source::spool::DAMAGED;
use crate::time::UtcOffset;

/// Bytes read at a time: a pipe of Linux holds as much (pipe(7)).
const READ_BYTES: usize = 64 << 10;

/// Bytes after which a stream in which no format is recognised is no log.
const MAX_UNKNOWN: usize = MAX_LINE;

/// Hands every suspicious line of `reader` to `sink`, each as soon as it is there. Returns what went wrong
/// with the stream; what came before was judged.
///
/// # Errors
/// What the sink returns.
pub fn hits(
    reader: &mut dyn Read,
    name: &str,
    search: Search<'_>,
    (readers, who): (&Readers, &Who),
    advance: &dyn Fn(u64),
    sink: &mut dyn FnMut(&HitLine<'_>) -> io::Result<()>,
) -> io::Result<Vec<Warning>> {
    let mut stream = Stream {
        name,
        readers,
        judge: Judge::new(search),
        format: None,
        who,
        hops: None,
        waiting: Vec::new(),
        overlong: false,
        line: 0,
        done: 0,
    };
    let mut block = vec![0; READ_BYTES];
    loop {
        let count = match reader.read(&mut block) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                stream.take(true, sink)?;
                let mut told = vec![stream.broken(&error)];
                told.extend(set_aside(stream.judge.aside));
                return Ok(told);
            }
        };
        advance(count as u64);
        stream.waiting.extend_from_slice(&block[..count]);
        let ended = count == 0;
        stream.take(ended, sink)?;
        if ended || stream.is_hopeless() {
            let known = stream.format.is_some();
            let unknown = (!known).then(|| no_log(name, &stream.waiting));
            return Ok(unknown
                .into_iter()
                .chain(set_aside(stream.judge.aside))
                .collect());
        }
    }
}

struct Stream<'s> {
    name: &'s str,
    readers: &'s Readers,
    judge: Judge<'s>,
    format: Option<Vote>,
    who: &'s Who,
    /// Where it says who asked.
    hops: Option<Hops>,
    /// What was read and not judged yet.
    waiting: Vec<u8>,
    /// The line that goes on was judged by its beginning.
    overlong: bool,
    /// Lines judged.
    line: u64,
    /// Bytes before what is waiting.
    done: u64,
}

impl Stream<'_> {
    /// Judges the lines that are complete.
    fn take(
        &mut self,
        ended: bool,
        sink: &mut dyn FnMut(&HitLine<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let complete = match memchr::memrchr(b'\n', &self.waiting) {
            _ if ended => self.waiting.len(),
            Some(end) => end + 1,
            None if self.waiting.len() > MAX_LINE => self.waiting.len(),
            None => return Ok(()),
        };
        if self.format.is_none() {
            let lines = &self.waiting[..complete];
            self.format = self.readers.vote(self.name, lines.into());
            let vote = self.format.as_mut();
            self.hops = vote.and_then(|vote| hops(self.who, vote, lines.into()));
        }
        let access = |vote: &&Vote| vote.holds(LogKind::Access);
        let Some(vote) = self.format.as_ref().filter(access) else {
            return Ok(());
        };
        let waiting = std::mem::take(&mut self.waiting);
        let log = Log {
            source: 0,
            bytes: Bytes::from(&waiting),
            part: Part::all(Bytes::from(&waiting)),
            format: vote.format,
            reader: vote.reader.clone(),
            clock: Clock::fixed(UtcOffset::UTC),
            timing: None,
            hops: self.hops.clone(),
            known: (!self.who.known.is_empty()).then(|| self.who.known.clone()),
        };
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        for (offset, line) in chunk::lines(&waiting[..complete]) {
            if std::mem::take(&mut self.overlong) {
                continue;
            }
            self.line += 1;
            let origin = Origin {
                source: self.name,
                line: Some(self.line),
                offset: self.done + offset as u64,
            };
            if let Some(hit) = self.judge.line(&log, line, origin, &mut desk) {
                sink(&hit)?;
            }
        }
        self.overlong = complete > 0 && waiting[complete - 1] != b'\n';
        self.waiting = waiting;
        self.waiting.drain(..complete);
        self.done += complete as u64;
        Ok(())
    }

    /// No format fits, however long one waits, or the stream is a log without requests.
    fn is_hopeless(&self) -> bool {
        match &self.format {
            Some(vote) => vote.format.kind != LogKind::Access,
            None => self.waiting.len() > MAX_UNKNOWN,
        }
    }

    fn broken(&self, error: &io::Error) -> Warning {
        Warning {
            code: DAMAGED.into(),
            message: format!(
                "{} cannot be read to its end ({error}). Its first {} lines were judged",
                self.name, self.line
            ),
            input: Some(self.name.to_string()),
        }
    }
}

//! From a locator back to the line itself: the only way in which log text reaches a report.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::bytes::Bytes;
use crate::chunk;
use crate::client::Client;
use crate::complaints::{MAX_RECORD_LINES, continues_record};
use crate::event::{Access, Event};
use crate::evidence::first::Locator;
use crate::format::spec::{Arena, Desk, LogKind};
use crate::pass::{ChunkSpan, Log};
use crate::report::view::Evidence;
use crate::text::visible;

/// Longer lines are quoted up to here, in bytes; far above what servers log of a request line.
pub const MAX_QUOTE: usize = 16 << 10;

/// Quotes lines with their numbers.
#[derive(Default)]
pub struct Quoter<'a> {
    sources: BTreeMap<u32, Quoted<'a>>,
    /// Seconds that clocks are ahead, by the name of the source; those that are right are left out.
    ahead: BTreeMap<&'a str, i64>,
}

struct Quoted<'a> {
    name: &'a str,
    log: Log<'a>,
    bytes: Bytes<'a>,
    /// Start of each chunk and the lines before it, if they were counted.
    chunks: Vec<(usize, Option<u64>)>,
    /// The chunks themselves.
    spans: Vec<&'a ChunkSpan>,
    /// Numbers of the lines that were quoted, by where they begin: lines are counted from the nearest one on.
    numbers: Mutex<BTreeMap<usize, u64>>,
}

impl<'a> Quoter<'a> {
    /// Adds logs and the chunks that a survey met in them; `name` gives the name of a source.
    pub fn add(
        &mut self,
        logs: &[Log<'a>],
        chunks: &'a [ChunkSpan],
        name: impl Fn(u32) -> &'a str,
    ) {
        for (index, log) in logs.iter().enumerate() {
            let mut before = log.part.lines_before;
            let mut starts = Vec::new();
            for chunk in chunks.iter().filter(|chunk| chunk.log == index) {
                starts.push((chunk.start, before));
                before = before.map(|before| before + chunk.lines);
            }
            self.sources.insert(
                log.source,
                Quoted {
                    name: name(log.source),
                    log: log.clone(),
                    bytes: log.bytes,
                    chunks: starts,
                    spans: chunks.iter().filter(|chunk| chunk.log == index).collect(),
                    numbers: Mutex::default(),
                },
            );
        }
    }

    /// Says by how many seconds the clocks of sources are ahead.
    pub fn set_ahead(&mut self, ahead: impl IntoIterator<Item = (u32, i64)>) {
        let named = ahead.into_iter().filter(|(_, seconds)| *seconds != 0);
        let named =
            named.filter_map(|(source, ahead)| Some((self.sources.get(&source)?.name, ahead)));
        self.ahead = named.collect();
    }

    /// By how many seconds the clock that wrote a line is ahead; 0 where nothing says so.
    pub fn ahead(&self, evidence: &Evidence) -> i64 {
        let source = evidence.source.as_str();
        self.ahead.get(source).copied().unwrap_or(0)
    }

    /// The line at a place.
    pub fn quote(&self, at: &Locator) -> Evidence {
        let Some(source) = self.sources.get(&at.source) else {
            return Evidence {
                source: String::new(),
                line: None,
                offset: at.offset,
                time: Some(at.time),
                lines: 0,
                text: String::new(),
            };
        };
        let offset = at.offset as usize;
        let line = source.line(offset);
        Evidence {
            source: source.name.to_string(),
            line: source.line_number(offset),
            offset: at.offset,
            time: Some(at.time),
            lines: source.record_lines(offset),
            text: visible(&line[..line.len().min(MAX_QUOTE)]).into_owned(),
        }
    }

    /// The first request of a second, or the last.
    pub fn request_at(&self, secs: i64, last: bool) -> Option<Locator> {
        let logs = self.sources.values();
        let access = logs.filter(|source| source.log.format.kind == LogKind::Access);
        let places = access.flat_map(|source| source.requests_of(secs));
        match last {
            true => places.max(),
            false => places.min(),
        }
    }

    /// The request that a message of an error log was written for: of the client that the message names, for the
    /// request that it quotes (nginx), or else the only one of that client in its second (Apache). The nearest in time
    /// where a client repeats itself.
    pub fn request_behind(&self, message: &Locator) -> Option<(Locator, String)> {
        let log = &self.sources.get(&message.source)?.log;
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let line = self.line(message);
        let Ok(Event::Error(record)) = log.read(line, message.offset, &mut desk) else {
            return None;
        };
        let wanted = Wanted {
            client: record.client?,
            request: record.request,
            secs: message.time.secs(),
        };
        let logs = self.sources.values();
        let access = logs.filter(|source| source.log.format.kind == LogKind::Access);
        let mut found: Vec<(i64, Locator, String)> = access
            .flat_map(|source| source.requests_like(&wanted))
            .collect();
        found.sort_unstable();
        let certain = wanted.request.is_some() || found.len() == 1;
        let (_, at, path) = found.into_iter().next().filter(|_| certain)?;
        Some((at, path))
    }

    /// Several lines.
    pub fn quotes<'l>(&self, places: impl IntoIterator<Item = &'l Locator>) -> Vec<Evidence> {
        places.into_iter().map(|at| self.quote(at)).collect()
    }

    /// The bytes of the line at a place.
    pub fn line(&self, at: &Locator) -> &'a [u8] {
        let source = self.sources.get(&at.source);
        source.map_or(&b""[..], |source| source.line(at.offset as usize))
    }
}

/// The request that a message is about.
struct Wanted<'a> {
    client: Client,
    /// The request line, where the message quotes it.
    request: Option<&'a [u8]>,
    /// When the message was written, seconds since the epoch.
    secs: i64,
}

impl Wanted<'_> {
    /// Seconds that a request may be logged before or after its message. nginx logs a request at its end and gives
    /// up on what stands behind it after 60 s (`proxy_read_timeout`, `fastcgi_read_timeout`). A message without
    /// a request is only found by its second.
    fn reach(&self) -> i64 {
        const QUOTED_S: i64 = 60;
        const SAME_SECOND_S: i64 = 1;
        match self.request {
            Some(_) => QUOTED_S,
            None => SAME_SECOND_S,
        }
    }

    fn is(&self, access: &Access<'_>) -> bool {
        access.client == self.client
            && (access.time.secs() - self.secs).abs() <= self.reach()
            && self.request.is_none_or(|request| request == access.request)
    }
}

impl<'a> Quoted<'a> {
    /// The line that begins at `offset`.
    fn line(&self, offset: usize) -> &'a [u8] {
        let mut lines = self.bytes.lines(offset..self.bytes.len());
        lines.next().map_or(&b""[..], |(_, line)| line)
    }

    /// Requests that a message may be about: how far off in time, where, for which path.
    fn requests_like(&self, wanted: &Wanted<'_>) -> Vec<(i64, Locator, String)> {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut found = Vec::new();
        let (from, to) = (wanted.secs - wanted.reach(), wanted.secs + wanted.reach());
        let spans = self.spans.iter();
        for span in spans.filter(|span| span.first <= to && span.last >= from) {
            for (offset, line) in chunk::lines(self.bytes.get(span.start..span.end)) {
                let other = self.log.client(line);
                if other.is_some_and(|client| client != wanted.client) {
                    continue;
                }
                let place = (span.start + offset) as u64;
                if let Ok(Event::Access(access)) = self.log.read(line, place, &mut desk)
                    && wanted.is(&access)
                {
                    let at = Locator {
                        time: access.time,
                        source: self.log.source,
                        offset: place,
                    };
                    let off = (access.time.secs() - wanted.secs).abs();
                    found.push((off, at, visible(access.path()).into_owned()));
                }
            }
        }
        found
    }

    /// Every request of a second.
    fn requests_of(&self, secs: i64) -> Vec<Locator> {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut places = Vec::new();
        let spans = self.spans.iter();
        for span in spans.filter(|span| (span.first..=span.last).contains(&secs)) {
            for (offset, line) in chunk::lines(self.bytes.get(span.start..span.end)) {
                let place = (span.start + offset) as u64;
                let Ok(Event::Access(access)) = self.log.read(line, place, &mut desk) else {
                    continue;
                };
                if access.time.secs() == secs && self.log.party(access.client).is_none() {
                    places.push(Locator {
                        time: access.time,
                        source: self.log.source,
                        offset: place,
                    });
                }
            }
        }
        places
    }

    /// Physical lines of the record that begins at `offset`: those of an error log go on until the next one.
    fn record_lines(&self, offset: usize) -> u64 {
        if self.log.format.kind != LogKind::Error {
            return 1;
        }
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let further = self
            .bytes
            .lines(offset..self.bytes.len())
            .skip(1)
            .take(MAX_RECORD_LINES)
            .take_while(|(at, line)| {
                !line.is_empty()
                    && continues_record(line)
                    && self.log.read(line, *at as u64, &mut desk).is_err()
            });
        1 + further.count() as u64
    }

    /// 1-based number of the line that begins at `offset`; `None` if the lines before were not counted.
    fn line_number(&self, offset: usize) -> Option<u64> {
        let chunk = self
            .chunks
            .partition_point(|(start, _)| *start <= offset)
            .saturating_sub(1);
        let (start, before) = self.chunks.get(chunk).copied().unwrap_or((0, Some(0)));
        let before = before?;
        let mut known = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let near = known.range(start..=offset).next_back();
        // What is wanted must not depend on what was quoted before.
        let near = near.filter(|_| self.bytes.is_whole());
        let (from, passed) = near.map_or((start, before), |(at, number)| (*at, *number - 1));
        let number = passed + self.bytes.ends(from..offset) + 1;
        known.insert(offset, number);
        Some(number)
    }
}

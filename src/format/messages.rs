//! Logs whose lines stand in an envelope: of one program in its own format, or of several.
//!
//! Each program's messages are tried with every other format, so that the requests and errors that servers send to
//! syslog are read as those in their files. What no format knows is a message with the envelope's time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bytes::Bytes;
use crate::event::{ErrorRecord, Event, Unparsed};
use crate::format::envelope::{Envelope, Peeled, When, Years};
use crate::format::spec::{Arena, Desk, Format, LogKind, ReadLine, Reader, Sought, YearHint};
use crate::format::{container, journal_json, sample, syslog};
use crate::proxies::HeaderName;
use crate::time::{LocalTime, Time, UtcOffset};

/// Syslog's files, and what `journalctl -o short` writes.
pub const SYSLOG: Format = Format {
    name: "syslog",
    kind: LogKind::Error,
    mixed: true,
    title: "syslog (RFC 3164, rsyslog's file formats, journalctl -o short)",
    samples: &[
        "May  9 14:26:03 web1 kernel: [12345.678901] Out of memory: Killed process 811 (php-fpm8.2) total-vm:912344kB, anon-rss:801232kB, file-rss:0kB, shmem-rss:0kB, UID:33 pgtables:1700kB oom_score_adj:0",
        "May 19 14:26:04 web1 systemd[1]: php8.2-fpm.service: Main process exited, code=killed, status=9/KILL",
        "<30>May 19 14:26:05 systemd[1]: Started php8.2-fpm.service - The PHP 8.2 FastCGI Process Manager.",
        "2026-05-19T14:26:05.120001+02:00 web1 systemd[1]: Started nginx.service.",
    ],
    reader: |bytes| alone(bytes, &BSD),
};

/// Syslog as it goes over the network today.
pub const SYSLOG5424: Format = Format {
    name: "syslog5424",
    kind: LogKind::Error,
    mixed: true,
    title: "syslog (RFC 5424)",
    samples: &[
        "<28>1 2026-05-19T14:26:04.120001+02:00 web1 systemd 1 - - php8.2-fpm.service: Failed with result 'oom-kill'.",
        "1 2026-05-19T12:26:04Z web1 kernel - - [meta sequenceId=\"7\"] TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.",
    ],
    reader: |bytes| alone(bytes, &RFC5424),
};

/// The journal, printed with times that have a year.
pub const JOURNAL_SHORT_ISO: Format = Format {
    name: "journal_short_iso",
    kind: LogKind::Error,
    mixed: true,
    title: "journalctl -o short-iso, short-full, short-unix",
    samples: &[
        "2026-05-19T14:26:04+0200 web1 systemd[1]: php8.2-fpm.service: Scheduled restart job, restart counter is at 1.",
        "Tue 2026-05-19 14:26:04 UTC web1 kernel: php-fpm8.2[811]: segfault at 0 ip 000055d0 sp 00007ffc error 4 in php-fpm8.2[55d0+1000]",
    ],
    reader: |bytes| alone(bytes, &JOURNAL_SHORT),
};

/// The journal, exported.
pub const JOURNAL_JSON: Format = Format {
    name: "journal_json",
    kind: LogKind::Error,
    mixed: true,
    title: "journalctl -o json",
    samples: &[
        r#"{"__REALTIME_TIMESTAMP":"1779199564120001","_HOSTNAME":"web1","PRIORITY":"3","SYSLOG_IDENTIFIER":"kernel","_TRANSPORT":"kernel","MESSAGE":"Memory cgroup out of memory: Killed process 811 (php-fpm8.2) total-vm:912344kB, anon-rss:801232kB"}"#,
        r#"{"__REALTIME_TIMESTAMP":"1779199564130001","_HOSTNAME":"web1","PRIORITY":"6","_COMM":"app","MESSAGE":[226,130,172,255]}"#,
    ],
    reader: |bytes| alone(bytes, &JOURNAL),
};

/// What Docker keeps of a container's output.
pub const DOCKER_JSON: Format = Format {
    name: "docker_json",
    kind: LogKind::Error,
    mixed: true,
    title: "output of a container, as Docker's json-file driver keeps it",
    samples: &[
        r#"{"log":"worker 7 was killed\n","stream":"stderr","time":"2026-05-19T14:26:04.120001042Z"}"#,
        r#"{"log":"listening on port 80\r\n","stream":"stdout","attrs":{"tag":"web"},"time":"2026-05-19T14:26:04.1Z"}"#,
    ],
    reader: |bytes| alone(bytes, &DOCKER),
};

/// What Kubernetes keeps of a container's output.
pub const CRI: Format = Format {
    name: "cri",
    kind: LogKind::Error,
    mixed: true,
    title: "output of a container in Kubernetes (CRI: containerd, CRI-O), podman's k8s-file",
    samples: &[
        "2026-05-19T14:26:04.120001042Z stderr F worker 7 was killed",
        "2026-05-19T16:26:04.120001042+02:00 stdout P the first part of a long line",
    ],
    reader: |bytes| alone(bytes, &KUBERNETES),
};

static DOCKER: Envelope = Envelope {
    format: Some(&DOCKER_JSON),
    stands_before: "what Docker's json-file driver adds",
    peel: container::peel_docker,
};

static KUBERNETES: Envelope = Envelope {
    format: Some(&CRI),
    stands_before: "a prefix of Kubernetes (CRI)",
    peel: container::peel_cri,
};

static JOURNAL: Envelope = Envelope {
    format: Some(&JOURNAL_JSON),
    stands_before: "the fields of the journal",
    peel: journal_json::peel,
};

static BSD: Envelope = Envelope {
    format: Some(&SYSLOG),
    stands_before: "a syslog prefix",
    peel: syslog::peel_bsd,
};

static RFC5424: Envelope = Envelope {
    format: Some(&SYSLOG5424),
    stands_before: "a syslog header (RFC 5424)",
    peel: syslog::peel_5424,
};

static JOURNAL_SHORT: Envelope = Envelope {
    format: Some(&JOURNAL_SHORT_ISO),
    stands_before: "a prefix of journalctl",
    peel: syslog::peel_journal,
};

static TIME: Envelope = Envelope {
    format: None,
    stands_before: "a time",
    peel: syslog::peel_time,
};

/// Every envelope. Of two that take as many lines apart, the earlier one is taken: it is the stricter.
static ENVELOPES: &[&Envelope] = &[
    &JOURNAL,
    &DOCKER,
    &KUBERNETES,
    &RFC5424,
    &JOURNAL_SHORT,
    &BSD,
    &TIME,
];

/// Formats of messages of several programs.
pub static FORMATS: &[&Format] = &[
    &JOURNAL_JSON,
    &DOCKER_JSON,
    &CRI,
    &SYSLOG5424,
    &JOURNAL_SHORT_ISO,
    &SYSLOG,
];

/// What stands in an envelope in this share of the lines is read in it: the beginning of such a line can look like
/// another format's.
const MOST: f64 = 0.9;

/// Programs whose messages are told apart; of others every format is tried on every message.
const MAX_PROGRAMS: usize = 64;

/// Clocks differ by whole quarters of an hour where only their zones differ, in seconds.
const QUARTER_S: i64 = 900;

/// An input whose lines stand in an envelope.
pub struct Opened {
    /// The format of the messages, or the envelope's for those of several programs.
    pub format: &'static Format,
    /// Reads the lines.
    pub reader: Reader,
    /// How many of the sampled lines are records.
    pub read: usize,
    /// How many lines were sampled, the envelope's own headers left out.
    pub of: usize,
}

/// Reads an input by its envelope, if most of the sampled lines stand in one.
pub fn open(
    bytes: Bytes<'_>,
    lines: &[(u64, &[u8])],
    formats: &[&'static Format],
) -> Option<Opened> {
    let needed = (lines.len() as f64 * MOST).max(1.0);
    let peeled = |envelope: &&&Envelope| count(lines, envelope);
    let best = |named: bool| {
        let fit = ENVELOPES.iter().filter(|one| one.format.is_some() == named);
        let best = fit.rev().max_by_key(peeled);
        best.filter(|envelope| peeled(envelope) as f64 >= needed)
    };
    let envelope = best(true).or_else(|| best(false))?;
    let (messages, trial) = Messages::learn(bytes, lines, envelope, formats);
    Some(Opened {
        format: trial.format.or(envelope.format)?,
        reader: Arc::new(messages),
        read: trial.read,
        of: lines.len() - trial.headers,
    })
}

/// How many lines an envelope takes apart; its own headers count.
fn count(lines: &[(u64, &[u8])], envelope: &Envelope) -> usize {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let mut fits =
        |line| !matches!((envelope.peel)(line, &mut desk), Err(error) if error != Unparsed::Header);
    lines.iter().filter(|(_, line)| fits(line)).count()
}

/// A reader of an envelope's messages that tries no format on them.
fn alone(bytes: Bytes<'_>, envelope: &'static Envelope) -> Option<Reader> {
    let (messages, _) = Messages::learn(bytes, &sample::lines(bytes), envelope, &[]);
    Some(Arc::new(messages))
}

/// Reads messages in an envelope.
#[derive(Clone)]
struct Messages {
    envelope: &'static Envelope,
    /// The formats that read some message, and whether theirs are requests.
    formats: Vec<(&'static Format, Reader)>,
    /// The programs that were seen, in order, and which of `formats` read their messages.
    programs: Vec<(Box<[u8]>, Vec<usize>)>,
    years: Option<Years>,
    /// By how much the clock of messages without a zone is ahead of the envelope's, in seconds; `None` if that is not
    /// known.
    ahead_s: Option<i32>,
    notes: Vec<String>,
}

/// What a trial of the formats came to.
struct Trial {
    /// The format of all messages, if one is.
    format: Option<&'static Format>,
    read: usize,
    headers: usize,
}

impl Messages {
    fn learn(
        bytes: Bytes<'_>,
        lines: &[(u64, &[u8])],
        envelope: &'static Envelope,
        formats: &[&'static Format],
    ) -> (Messages, Trial) {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut peeled: Vec<(u64, Peeled<'_>)> = Vec::new();
        let mut headers = 0;
        for (at, line) in lines {
            match (envelope.peel)(line, &mut desk) {
                Ok(found) => peeled.push((*at, found)),
                Err(reason) => headers += usize::from(reason == Unparsed::Header),
            }
        }
        let mut learner = Learner::new(&peeled, formats);
        learner.run(&peeled, &mut desk);
        let annual = |(_, found): &(u64, Peeled<'_>)| matches!(found.when, When::Annual(_));
        // Looks at many places, which would be in vain for all that is no syslog.
        let years = peeled.iter().any(annual);
        let mut years = years.then(|| Years::of(bytes, envelope)).flatten();
        if let (Some(years), Some((at, date, time))) = (&mut years, learner.dated) {
            years.tell(at, date, time);
        }
        let format = learner.all();
        let stands_before = envelope.stands_before;
        let mut messages = Messages {
            envelope,
            ahead_s: learner.ahead_s(),
            notes: vec![format!("each message stands behind {stands_before}")],
            years,
            programs: Vec::new(),
            formats: Vec::new(),
        };
        let read = learner.records(format);
        learner.keep(&mut messages);
        let trial = Trial {
            format,
            read,
            headers,
        };
        (messages, trial)
    }

    fn formats_of(&self, program: &[u8]) -> Option<&[usize]> {
        let found = self
            .programs
            .binary_search_by(|(name, _)| name[..].cmp(program));
        found.ok().map(|at| &self.programs[at].1[..])
    }

    /// The message as some format reads it.
    fn inner<'a>(
        &self,
        peeled: &Peeled<'a>,
        at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Option<Event<'a>>, Unparsed> {
        let mut failure = None;
        let mut attempt = |index: usize| {
            let (format, reader) = &self.formats[index];
            match reader.read(peeled.message, at, desk) {
                Ok(event) => return Some(event),
                // Cut off by syslog, which allows less than a request may be long.
                Err(reason @ (Unparsed::Truncated | Unparsed::BadNumber))
                    if format.kind == LogKind::Access =>
                {
                    failure = failure.or(Some(reason));
                }
                Err(_) => {}
            }
            None
        };
        let event = match self.formats_of(peeled.program) {
            Some(formats) => formats.iter().find_map(|index| attempt(*index)),
            None => (0..self.formats.len()).find_map(attempt),
        };
        match (event, failure) {
            (None, Some(reason)) => Err(reason),
            (event, _) => Ok(event),
        }
    }

    /// The time of the envelope.
    fn moment(&self, when: When, at: u64) -> Option<(Time, Option<UtcOffset>)> {
        match when {
            When::At(time, zone) => Some((time, zone)),
            When::Annual(date) => {
                let local = self.years.as_ref()?.resolve(date, at)?;
                Some((local.at(UtcOffset::UTC), None))
            }
        }
    }

    /// Gives a message that writes no zone that of its envelope.
    fn set_zone(&self, time: &mut Time, zone: &mut Option<UtcOffset>, when: When) {
        let (None, When::At(_, Some(outer)), Some(ahead)) = (*zone, when, self.ahead_s) else {
            return;
        };
        let offset = UtcOffset(outer.0 + ahead);
        *time = LocalTime::from_micros(time.micros()).at(offset);
        *zone = Some(offset);
    }
}

impl ReadLine for Messages {
    fn read<'a>(
        &self,
        line: &'a [u8],
        at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        let peeled = (self.envelope.peel)(line, desk)?;
        let mut event = match self.inner(&peeled, at, desk)? {
            Some(event) => event,
            None => {
                let (time, zone) = self.moment(peeled.when, at).ok_or(Unparsed::BadTime)?;
                return Ok(Event::Error(message(&peeled, time, zone)));
            }
        };
        match &mut event {
            Event::Access(access) => {
                self.set_zone(&mut access.time, &mut access.utc_offset, peeled.when);
            }
            Event::Error(record) => {
                self.set_zone(&mut record.time, &mut record.utc_offset, peeled.when);
                record.program = record.program.or(given(peeled.program));
            }
        }
        Ok(event)
    }

    fn with_years(&self, hint: &YearHint) -> Option<Reader> {
        let mut messages = self.clone();
        messages.years.as_mut()?.hint(hint);
        Some(Arc::new(messages))
    }

    /// The header is looked for in each format of requests. If one has it, the formats without names are read without.
    fn forwarded_from(&self, header: &HeaderName) -> Sought {
        let mut messages = self.clone();
        let (mut found, mut unnamed, mut requests) = (false, false, false);
        for (format, reader) in &mut messages.formats {
            if format.kind != LogKind::Access && !format.mixed {
                continue;
            }
            requests = true;
            match reader.forwarded_from(header) {
                Sought::Found(other) => {
                    *reader = other;
                    found = true;
                }
                Sought::Unnamed => unnamed = true,
                Sought::Lacking => {}
            }
        }
        match (found, unnamed || !requests) {
            (true, _) => Sought::Found(Arc::new(messages)),
            (false, true) => Sought::Unnamed,
            (false, false) => Sought::Lacking,
        }
    }

    /// Any program may send its messages to syslog, and a rare one need not be among the lines that were looked at.
    fn is_mixed(&self) -> bool {
        self.envelope.format.is_some()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        for (_, reader) in &self.formats {
            notes.extend(reader.notes());
        }
        notes.extend(self.years.as_ref().map(Years::note));
        notes
    }
}

fn given(text: &[u8]) -> Option<&[u8]> {
    (!text.is_empty()).then_some(text)
}

/// A message that is in no other format.
fn message<'a>(peeled: &Peeled<'a>, time: Time, zone: Option<UtcOffset>) -> ErrorRecord<'a> {
    ErrorRecord {
        time,
        utc_offset: zone,
        program: given(peeled.program),
        level: peeled.level,
        client: None,
        message: peeled.message,
        request: None,
        referer: None,
    }
}

/// Tries formats on messages.
struct Learner {
    formats: Vec<(&'static Format, Reader)>,
    /// Per program, how many messages it has and how many each format reads.
    programs: BTreeMap<Box<[u8]>, (usize, Vec<usize>)>,
    /// How many messages each format reads, and how many it knows for its own but cannot read.
    reads: Vec<(usize, usize)>,
    tried: usize,
    /// A date without a year and what its message writes.
    dated: Option<(u64, crate::time::annual::AnnualTime, LocalTime)>,
    /// How far messages without a zone are ahead, in quarters of an hour, and how many are.
    ahead: BTreeMap<i64, usize>,
}

impl Learner {
    fn new(peeled: &[(u64, Peeled<'_>)], formats: &[&'static Format]) -> Learner {
        let messages: Vec<&[u8]> = peeled.iter().map(|(_, peeled)| peeled.message).collect();
        let text = messages.join(&b'\n');
        let reader = |format: &&'static Format| Some((*format, (format.reader)((&text).into())?));
        let formats: Vec<_> = formats.iter().filter_map(reader).collect();
        Learner {
            reads: vec![(0, 0); formats.len()],
            formats,
            programs: BTreeMap::new(),
            tried: 0,
            dated: None,
            ahead: BTreeMap::new(),
        }
    }

    fn run<'a>(&mut self, peeled: &[(u64, Peeled<'a>)], desk: &mut Desk<'a>) {
        for (at, peeled) in peeled {
            self.try_all(*at, peeled, desk);
        }
    }

    fn try_all<'a>(&mut self, at: u64, peeled: &Peeled<'a>, desk: &mut Desk<'a>) {
        self.tried += 1;
        let known = self.programs.contains_key(peeled.program);
        if !known && self.programs.len() < MAX_PROGRAMS {
            let none = (0, vec![0; self.formats.len()]);
            self.programs.insert(peeled.program.into(), none);
        }
        let mut program = self.programs.get_mut(peeled.program);
        if let Some((count, _)) = &mut program {
            *count += 1;
        }
        let mut first = None;
        for (index, (format, reader)) in self.formats.iter().enumerate() {
            match reader.read(peeled.message, at, desk) {
                Ok(event) => {
                    self.reads[index].0 += 1;
                    if let Some((_, reads)) = &mut program {
                        reads[index] += 1;
                    }
                    first.get_or_insert(event);
                }
                Err(Unparsed::Truncated | Unparsed::BadNumber)
                    if format.kind == LogKind::Access =>
                {
                    self.reads[index].1 += 1;
                }
                Err(_) => {}
            }
        }
        if let Some(event) = first {
            self.compare(at, peeled.when, &event);
        }
    }

    /// Compares the time of a message with its envelope's.
    fn compare(&mut self, at: u64, when: When, event: &Event<'_>) {
        let (time, zone) = match event {
            Event::Access(access) => (access.time, access.utc_offset),
            Event::Error(record) => (record.time, record.utc_offset),
        };
        match (when, zone) {
            (When::Annual(date), _) => {
                let local = LocalTime::from_micros(time.micros());
                self.dated.get_or_insert((at, date, local));
            }
            (When::At(outer, Some(offset)), None) => {
                let local = outer.secs() + i64::from(offset.0);
                let quarters = (time.secs() - local + QUARTER_S / 2).div_euclid(QUARTER_S);
                *self.ahead.entry(quarters).or_default() += 1;
            }
            _ => {}
        }
    }

    fn ahead_s(&self) -> Option<i32> {
        let all: usize = self.ahead.values().sum();
        let (quarters, count) = self.ahead.iter().max_by_key(|(_, count)| **count)?;
        (2 * count > all).then_some((quarters * QUARTER_S) as i32)
    }

    /// The format that all messages are in, or all of the programs that it reads; where it reads only requests there
    /// may be nothing else.
    fn all(&self) -> Option<&'static Format> {
        let best = (0..self.formats.len())
            .rev()
            .max_by_key(|index| self.reads[*index])?;
        let (read, cut) = self.reads[best];
        let format = self.formats[best].0;
        let own = |(count, reads): &(usize, Vec<usize>)| match reads[best] {
            0 => 0,
            _ => *count,
        };
        let of_its_programs: usize = self.programs.values().map(own).sum();
        let both = format.mixed || format.kind == LogKind::Error;
        let all = match both {
            true => of_its_programs >= self.tried && 2 * read >= self.tried,
            false => read + cut >= self.tried,
        };
        (read > 0 && all).then_some(format)
    }

    /// How many messages are records if they are in this format: what is no request is a message.
    fn records(&self, format: Option<&'static Format>) -> usize {
        let known = |format: &Format| {
            self.formats
                .iter()
                .position(|(one, _)| one.name == format.name)
        };
        match format.filter(|format| format.kind == LogKind::Access && !format.mixed) {
            Some(format) => known(format).map_or(0, |index| self.reads[index].0),
            None => self.tried,
        }
    }

    /// Hands over what was learned: the formats that read something.
    fn keep(self, messages: &mut Messages) {
        let used: Vec<usize> = (0..self.formats.len())
            .filter(|index| self.reads[*index].0 > 0)
            .collect();
        for (name, (_, reads)) in self.programs {
            let mut own: Vec<usize> = (0..used.len()).filter(|at| reads[used[*at]] > 0).collect();
            own.sort_by_key(|at| std::cmp::Reverse(reads[used[*at]]));
            messages.programs.push((name, own));
        }
        let formats = self.formats.into_iter().enumerate();
        let formats = formats.filter(|(index, _)| used.contains(index));
        messages.formats = formats.map(|(_, format)| format).collect();
    }
}

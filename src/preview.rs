//! How an input is read, line by line and field by field, and how every format fared in the vote on it: what
//! somebody looks at whose log is read wrongly.

use serde::Serialize;

use crate::bytes::Bytes;
use crate::event::{Access, ErrorRecord, Event, Unparsed};
use crate::format::spec::{Arena, Desk, LogKind, Reader};
use crate::format::{self, Count};
use crate::pass::Log;
use crate::text::visible;
use crate::time::Time;

/// How an input is read as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The input.
    pub input: String,
    /// The format that won the vote; `null` for what is no log.
    pub format: Option<&'static str>,
    /// Which kind of log it is.
    pub kind: Option<LogKind>,
    /// What writes it, for people.
    pub title: Option<&'static str>,
    /// Lines of the sample that the vote is on.
    pub sampled: usize,
    /// How every format fared, best first.
    pub votes: Vec<Standing>,
    /// What was found out about how to read the lines.
    pub notes: Vec<String>,
}

/// How a format fared in the vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its name.
    pub format: &'static str,
    /// Lines of the sample that it reads.
    pub read: usize,
    /// 1-based number of the first line that it does not read; `null` if it reads all of them or did not try.
    pub line: Option<u64>,
    /// Why not.
    pub reason: Option<&'static str>,
}

/// How a line is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// 1-based.
    pub line: u64,
    /// The format of its input.
    pub format: &'static str,
    /// Which kind of record it is; `null` if it is none.
    pub kind: Option<LogKind>,
    /// Why it is no record.
    pub unparsed: Option<&'static str>,
    /// What it says.
    pub fields: Fields,
}

/// The fields of a record, as the log has them; what it does not say is `null`. Bytes that are no text show as
/// `\xHH`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Fields {
    pub time: Option<Time>,
    pub client: Option<String>,
    pub user: Option<String>,
    pub request: Option<String>,
    pub method: Option<String>,
    pub target: Option<String>,
    pub protocol: Option<String>,
    pub status: Option<u16>,
    pub bytes: Option<u64>,
    pub referer: Option<String>,
    pub user_agent: Option<String>,
    pub vhost: Option<String>,
    pub forwarded: Option<String>,
    /// Microseconds.
    pub duration_us: Option<u64>,
    /// Whatever else the line holds.
    pub extras: Option<String>,
    pub program: Option<String>,
    pub level: Option<String>,
    pub message: Option<String>,
}

/// How the formats fared on an input, those that the user gave for it among them, and which one reads it.
pub fn reading(
    input: &str,
    bytes: Bytes<'_>,
    log: Option<&Log<'_>>,
    given: &[Reader],
    notes: Vec<String>,
) -> Reading {
    let (counts, sampled) = format::counts(bytes, given);
    Reading {
        input: input.to_string(),
        format: log.map(|log| log.format.name),
        kind: log.map(|log| log.format.kind),
        title: log.map(|log| log.format.title),
        sampled,
        votes: counts.iter().map(|count| standing(count, bytes)).collect(),
        notes,
    }
}

fn standing(count: &Count, bytes: Bytes<'_>) -> Standing {
    let number = |at: u64| bytes.ends(0..bytes.len().min(at as usize)) + 1;
    Standing {
        format: count.format,
        read: count.read,
        line: count.failure.map(|(at, _)| number(at)),
        reason: count.failure.map(|(_, reason)| reason.reason()),
    }
}

/// Hands every line of a log to `sink` as it is read, `most` of them; blank ones and headers are passed over.
///
/// # Errors
/// What the sink returns.
pub fn lines<E>(
    log: &Log<'_>,
    most: usize,
    mut sink: impl FnMut(&Line) -> Result<(), E>,
) -> Result<(), E> {
    let numbered = log.bytes.lines(0..log.bytes.len()).zip(1..);
    let mut shown = 0;
    for ((at, text), number) in numbered.filter(|((_, text), _)| !text.is_empty()) {
        if shown == most {
            break;
        }
        let arena = Arena::new();
        let event = log.read(text, at as u64, &mut Desk::new(&arena));
        if matches!(event, Err(Unparsed::Header)) {
            continue;
        }
        shown += 1;
        sink(&line(log, number, event))?;
    }
    Ok(())
}

fn line(log: &Log<'_>, number: u64, event: Result<Event<'_>, Unparsed>) -> Line {
    let (kind, fields) = match &event {
        Ok(Event::Access(access)) => (Some(LogKind::Access), of_access(log, access)),
        Ok(Event::Error(record)) => (Some(LogKind::Error), of_error(record)),
        Err(_) => (None, Fields::default()),
    };
    Line {
        line: number,
        format: log.format.name,
        kind,
        unparsed: event.err().map(Unparsed::reason),
        fields,
    }
}

fn of_access(log: &Log<'_>, access: &Access<'_>) -> Fields {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| visible(bytes).into_owned());
    let given = |bytes: &[u8]| text(Some(bytes).filter(|bytes| !bytes.is_empty()));
    Fields {
        time: Some(access.time),
        client: given(access.client_text),
        user: text(access.user),
        request: given(access.request),
        method: given(access.method),
        target: given(access.target),
        protocol: given(access.protocol),
        status: access.status,
        bytes: access.bytes,
        referer: text(access.referer),
        user_agent: text(access.user_agent),
        vhost: text(access.vhost),
        forwarded: text(access.forwarded),
        duration_us: log.duration_us(access),
        extras: given(access.extras),
        ..Fields::default()
    }
}

fn of_error(record: &ErrorRecord<'_>) -> Fields {
    let text = |bytes: &[u8]| Some(visible(bytes).into_owned());
    Fields {
        time: Some(record.time),
        client: record.client.map(|client| format!("{client:?}")),
        request: record.request.and_then(text),
        referer: record.referer.and_then(text),
        program: record.program.and_then(text),
        level: text(record.level),
        message: text(record.message),
        ..Fields::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::combined::COMBINED;

    const TEXT: &str = concat!(
        "\n203.0.113.7 - ana [19/May/2026:14:02:11 +0000] \"GET /a?b=1 HTTP/1.1\" 500 71 \"-\" \"x\"\n",
        "not a record\n",
    );

    fn shown() -> Vec<Line> {
        let log = Log::of(&COMBINED, TEXT.as_bytes()).unwrap();
        let mut found = Vec::new();
        let kept: Result<(), ()> = lines(&log, 10, |line| {
            found.push(line.clone());
            Ok(())
        });
        assert_eq!(kept, Ok(()));
        found
    }

    #[test]
    fn every_field_of_a_line_is_shown_and_why_another_is_no_record() {
        let [first, second] = &shown()[..] else {
            panic!("two lines that are not blank");
        };
        assert_eq!((first.line, second.line), (2, 3));
        assert_eq!(first.fields.client.as_deref(), Some("203.0.113.7"));
        assert_eq!(first.fields.target.as_deref(), Some("/a?b=1"));
        assert_eq!(first.fields.referer, None);
        assert_eq!(second.kind, None);
        assert_eq!(second.unparsed, Some(Unparsed::NotThisFormat.reason()));
    }

    #[test]
    fn headers_are_not_counted_as_lines() {
        let format = &crate::format::iis_w3c::FORMAT;
        let text = format!(
            "#Software: Microsoft Internet Information Services 10.0\n{}\n",
            format.samples[0]
        );
        let log = Log::of(format, text.as_bytes()).unwrap();
        let mut kinds = Vec::new();
        let kept: Result<(), ()> = lines(&log, 1, |line| {
            kinds.push(line.kind);
            Ok(())
        });
        assert_eq!((kept, kinds), (Ok(()), vec![Some(LogKind::Access)]));
    }

    #[test]
    fn the_vote_says_why_a_format_lost() {
        let log = Log::of(&COMBINED, TEXT.as_bytes()).unwrap();
        let reading = reading("a.log", TEXT.as_bytes().into(), Some(&log), &[], Vec::new());
        assert_eq!((reading.sampled, reading.votes[0].read), (2, 1));
        let common = reading.votes.iter().find(|vote| vote.format == "common");
        assert_eq!(
            common.map(|vote| (vote.read, vote.line)),
            Some((0, Some(2)))
        );
    }
}

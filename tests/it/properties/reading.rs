//! Properties of what reads lines: formats, envelopes, JSON, formats that users give.

use std::sync::Arc;

use aftertrace::chunk;
use aftertrace::event::{Event, Unparsed};
use aftertrace::format::json::{self, Scanner};
use aftertrace::format::spec::{Arena, Desk, Reader, Sought, YearHint};
use aftertrace::format::{self, custom};
use aftertrace::proxies::HeaderName;
use aftertrace::server_config::ServerLogs;
use aftertrace::time::Time;

/// Lines of an input that are read, so that no input takes long.
const MOST_LINES: usize = 400;

/// What a desk may hold for each byte that was read, and for nothing: decoded texts, and the blocks in which they lie.
const DESK_PER_BYTE: usize = 16;
const EMPTY_DESK: usize = 64 << 10;

/// By how much a value may be longer than its line: words that a reader puts together name what it found.
const WORDS: usize = 256;

/// The first byte chooses a format; it reads the rest as if it had won the vote.
pub fn one_format(bytes: &[u8]) {
    let Some((choice, input)) = bytes.split_first() else {
        return;
    };
    let format = format::ALL[usize::from(*choice) % format::ALL.len()];
    if let Some(reader) = (format.reader)(input.into()) {
        read_in_any_order(&reader, input);
    }
}

/// The vote, and what the winner reads.
pub fn whole_input(input: &[u8]) {
    let (counts, sampled) = format::counts(input.into(), &[]);
    let most = counts.first().map_or(0, |count| count.read);
    assert!(counts.iter().all(|count| count.read <= sampled));
    let Some(vote) = format::vote(input) else {
        return;
    };
    assert_eq!((vote.read, vote.of), (most, sampled));
    // the headers of a log without lines tell its format as well
    assert!(vote.read > 0 || vote.of == 0);
    read_in_any_order(&vote.reader, input);
    format::timing(input, &vote.reader);
    format::forwarded(input, &vote.reader);
    let hint = YearHint {
        modified: Some(Time::from_secs(1_779_199_331)),
        neighbours: None,
    };
    if let Some(reader) = vote.reader.with_years(&hint) {
        read_in_any_order(&reader, input);
    }
    for header in ["X-Forwarded-For", "X-Real-IP"] {
        let header = HeaderName::parse(header).expect("a header");
        if let Sought::Found(reader) = vote.reader.forwarded_from(&header) {
            read_in_any_order(&reader, input);
        }
    }
    for size in [1, 64, 4096] {
        let parts = chunk::chunks(input, size);
        let joined: usize = parts
            .iter()
            .map(|part| chunk::lines(&input[part.clone()]).count())
            .sum();
        assert_eq!(joined, chunk::lines(input).count());
    }
}

/// What is written before a message in each kind of envelope.
const ENVELOPES: [&str; 5] = [
    "<30>May 19 14:26:05 web1 nginx: ",
    "May 19 14:26:05 web1 nginx[7]: ",
    "<30>1 2026-05-19T14:26:05Z web1 nginx 7 - - ",
    "2026-05-19T14:26:05+0000 web1 nginx[7]: ",
    "2026-05-19T14:26:05.120001Z ",
];

/// The first byte chooses an envelope; the lines behind it are read in it.
pub fn envelope(bytes: &[u8]) {
    let Some((choice, inner)) = bytes.split_first() else {
        return;
    };
    let mut input = Vec::new();
    for (_, line) in chunk::lines(inner).take(MOST_LINES) {
        match ENVELOPES.get(usize::from(*choice) % (ENVELOPES.len() + 1)) {
            Some(before) => input.extend([before.as_bytes(), line].concat()),
            None => {
                let message = String::from_utf8_lossy(line);
                let entry = serde_json::json!({
                    "__REALTIME_TIMESTAMP": "1779199564120001",
                    "SYSLOG_IDENTIFIER": "nginx",
                    "MESSAGE": message,
                });
                input.extend(entry.to_string().into_bytes());
            }
        }
        input.push(b'\n');
    }
    whole_input(&input);
}

/// What a parser of JSON takes for an object, the scanner reads with the same values; of anything else it hands out no more
/// than there is.
pub fn json(input: &[u8]) {
    for (_, line) in chunk::lines(input).take(MOST_LINES) {
        let arena = Arena::new();
        let desk = Desk::new(&arena);
        let mut found = Vec::new();
        let ended = values(line, &desk, &mut found);
        assert!(found.len() <= line.len());
        let read: usize = found.iter().map(|text| text.len()).sum();
        assert!(read <= line.len(), "{read} bytes of {}", line.len());
        if line.first() != Some(&b'{') {
            continue;
        }
        let Ok(object) = serde_json::from_slice::<serde_json::Value>(line) else {
            continue;
        };
        if depth(&object) > json::MAX_DEPTH {
            continue;
        }
        assert_eq!(ended, Ok(()));
        let mut meant = Vec::new();
        texts(&object, &mut meant);
        for text in meant {
            assert!(found.contains(&text.as_bytes()), "{text:?} is missing");
        }
    }
}

fn values<'a>(line: &'a [u8], desk: &Desk<'a>, found: &mut Vec<&'a [u8]>) -> Result<(), Unparsed> {
    let mut scanner = Scanner::new(line)?;
    while let Some(value) = scanner.next_value()? {
        found.push(value.text(desk));
    }
    Ok(())
}

fn depth(value: &serde_json::Value) -> usize {
    use serde_json::Value::{Array, Object};
    match value {
        Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The strings of a document. Numbers may be written in several ways.
fn texts<'v>(value: &'v serde_json::Value, out: &mut Vec<&'v str>) {
    use serde_json::Value::{Array, Object, String};
    match value {
        String(text) => out.push(text),
        Array(items) => items.iter().for_each(|item| texts(item, out)),
        Object(members) => members.values().for_each(|member| texts(member, out)),
        _ => {}
    }
}

/// The first line is a format, those behind it are a log.
pub fn custom_format(bytes: &[u8]) {
    let end = memchr(bytes, b'\n').unwrap_or(bytes.len());
    let (format, log) = bytes.split_at(end);
    let template = match custom::compile(&String::from_utf8_lossy(format)) {
        Ok(template) => template,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    let reader: Reader = Arc::new(template);
    reader.notes();
    read_in_any_order(&reader, log);
    let given = format::vote_with(log, std::slice::from_ref(&reader));
    if let Some(vote) = given {
        assert!(vote.read <= vote.of);
    }
    let header = HeaderName::parse("X-Forwarded-For").expect("a header");
    if let Sought::Found(reader) = reader.forwarded_from(&header) {
        read_in_any_order(&reader, log);
    }
}

/// A configuration without the files that it includes. Its formats read every format's samples.
pub fn server_config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok((logs, _)) = ServerLogs::parse("server.conf", &text) else {
        return;
    };
    for name in ["access.log", "/var/log/shop/access.log.2.gz", ""] {
        logs.readers_for(name);
    }
    for reader in logs.readers().iter().take(8) {
        for format in format::ALL {
            read_in_any_order(reader, format.samples[0].as_bytes());
        }
    }
}

fn memchr(bytes: &[u8], wanted: u8) -> Option<usize> {
    bytes.iter().position(|byte| *byte == wanted)
}

/// A line is read in the same way whatever was read before, its values are no longer than it, and what is kept of it is
/// bounded by its length.
pub fn read_in_any_order(reader: &Reader, input: &[u8]) {
    let lines: Vec<(usize, &[u8])> = chunk::lines(input)
        .filter(|(_, line)| !line.is_empty())
        .take(MOST_LINES)
        .collect();
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let mut forth = Vec::with_capacity(lines.len());
    for (at, line) in &lines {
        forth.push(reader.read(line, *at as u64, &mut desk));
    }
    let kept = arena.allocated_bytes();
    assert!(
        kept <= EMPTY_DESK + DESK_PER_BYTE * input.len(),
        "{kept} bytes are kept of {}",
        input.len()
    );
    let other = Arena::new();
    let mut desk = Desk::new(&other);
    for ((at, line), before) in lines.iter().zip(&forth).rev() {
        let event = reader.read(line, *at as u64, &mut desk);
        assert_eq!(&event, before, "read after other lines");
        let Ok(event) = event else { continue };
        let longest = longest(&event);
        assert!(longest <= line.len() + WORDS, "{longest} of {}", line.len());
        if let (Event::Access(access), Some(client)) = (&event, reader.client(line)) {
            assert_eq!(client, access.client, "the client alone");
        }
    }
}

/// The length of the longest value.
fn longest(event: &Event<'_>) -> usize {
    let length = |text: &Option<&[u8]>| text.map_or(0, <[u8]>::len);
    let lengths = match event {
        Event::Access(access) => vec![
            access.client_text.len(),
            access.request.len(),
            access.method.len(),
            access.target.len(),
            access.protocol.len(),
            access.extras.len(),
            length(&access.vhost),
            length(&access.user),
            length(&access.referer),
            length(&access.user_agent),
            length(&access.forwarded),
        ],
        Event::Error(record) => vec![
            record.level.len(),
            record.message.len(),
            length(&record.program),
            length(&record.request),
            length(&record.referer),
        ],
    };
    lengths.into_iter().max().unwrap_or(0)
}

//! Properties of what is made of records: the decoded view, the judgement, the report.

use std::cell::RefCell;
use std::fs;
use std::sync::OnceLock;

use aftertrace::client::Client;
use aftertrace::decode::{self, Decoded, Form, MAX_FIELD, MAX_ROUNDS};
use aftertrace::event::Access;
use aftertrace::pattern::inspector::Inspector;
use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::report::table::{self, TableOptions};
use aftertrace::report::{escape, json};
use aftertrace::time::Time;
use aftertrace::{ScanOptions, Silent, analyze};

/// The length of fields that are judged; longer ones are of no other kind.
const MOST_JUDGED: usize = 4096;

/// Undoes one kind of encoding.
type Layer = fn(&[u8], &mut Vec<u8>) -> bool;

/// No layer makes a text longer, and watching the steps changes nothing.
pub fn decoded(input: &[u8]) {
    let mut scratch = Vec::new();
    for form in [Form::Plain, Form::Urlencoded] {
        let mut decoded = Decoded::default();
        decoded.decode(input, form, &mut scratch);
        assert!(decoded.text.len() <= input.len().min(MAX_FIELD));
        assert_eq!(decoded.lower, decoded.text.to_ascii_lowercase());
        assert!(decoded.rounds <= MAX_ROUNDS && decoded.percent_rounds <= decoded.rounds);
        assert!(!decoded.nul || decoded.cut <= decoded.text.len());
        let mut watched = Decoded::default().with_trail();
        watched.decode(input, form, &mut scratch);
        assert_eq!(watched.text, decoded.text);
    }
    let layers: [Layer; 5] = [
        decode::unescape_log,
        decode::one_round,
        decode::base64_text,
        decode::data_url_text,
        decode::utf7_text,
    ];
    for layer in layers {
        let mut out = Vec::new();
        layer(input, &mut out);
        assert!(out.len() <= input.len());
    }
    let mut out = Vec::new();
    decode::fold(input, &mut out);
    assert!(out.len() <= input.len());
}

/// A request for a target that was answered, with this referer and user agent.
pub fn request<'a>(target: &'a [u8], header: &'a [u8], extras: &'a [u8]) -> Access<'a> {
    Access {
        time: Time::default(),
        utc_offset: None,
        client: Client::parse(b"192.0.2.1"),
        client_text: b"192.0.2.1",
        vhost: None,
        user: None,
        request: b"",
        method: b"GET",
        target,
        protocol: b"HTTP/1.1",
        status: Some(200),
        bytes: Some(5),
        referer: Some(header),
        user_agent: Some(header),
        duration_us: None,
        forwarded: None,
        extras,
    }
}

/// The gate, which is there for speed, and what is remembered change no verdict.
pub fn judged(input: &[u8]) {
    let input = &input[..input.len().min(MOST_JUDGED)];
    let (header, target) = input.split_at(input.len() / 3);
    let quoted = [b"0.003 \"", header, b"\""].concat();
    let access = request(target, header, &quoted);
    INSPECTORS.with_borrow_mut(|(gated, bare)| {
        for _ in 0..2 {
            assert_eq!(gated.inspect(&access), bare.inspect(&access));
        }
        assert_eq!(gated.inspect_line(input), bare.inspect_line(input));
    });
}

thread_local! {
    /// With the gate and without it. Kept, because making them takes longer than a judgement.
    static INSPECTORS: RefCell<(Inspector<'static>, Inspector<'static>)> =
        RefCell::new((Inspector::new(set()), Inspector::without_gate(set())));
}

fn set() -> &'static PatternSet {
    static SET: OnceLock<PatternSet> = OnceLock::new();
    SET.get_or_init(|| load::embedded().expect("the built-in patterns"))
}

/// Chunks and threads cannot be seen in a report, no line is lost in it, and nothing of a log reaches a terminal as more
/// than text.
pub fn report(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    fs::write(&path, input).expect("a file");
    let run = |threads, chunk_bytes| {
        let options = ScanOptions {
            threads: Some(threads),
            chunk_bytes: Some(chunk_bytes),
            mmap: false,
            ..ScanOptions::default()
        };
        analyze(std::slice::from_ref(&path), &options, set(), &Silent)
    };
    let (Ok(report), Ok(other)) = (run(1, 1 << 20), run(2, 64)) else {
        return;
    };
    let written = |report| {
        let mut out = Vec::new();
        json::render(report, &mut out).expect("a text");
        String::from_utf8(out).expect("UTF-8")
    };
    assert_eq!(written(&report), written(&other));
    for input in &report.inputs {
        assert_eq!(input.lines, input.records + input.unparsed + input.blank);
    }
    let options = TableOptions {
        width: 100,
        tz: None,
        color: false,
    };
    let mut page = Vec::new();
    table::render(&report, &options, &mut page).expect("a text");
    let page = String::from_utf8(page).expect("UTF-8");
    for line in page.lines() {
        assert_eq!(escape::terminal(line), line);
    }
}

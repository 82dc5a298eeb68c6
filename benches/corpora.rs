//! Judges labelled corpora line by line: `corpora FOLDER OUT [NAME...]` reads `FOLDER/NAME.log` and writes
//! `OUT/NAME.jsonl`, one object for each line that was flagged; prints the cost per line.
//!
//! A tool for measuring detection, not part of the program.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use aftertrace::client::Client;
use aftertrace::event::Access;
use aftertrace::pattern::inspector::Inspector;
use aftertrace::pattern::load;
use aftertrace::time::{Time, UtcOffset};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or("usage: corpora FOLDER OUT [NAME...]")?;
    let out = arguments
        .next()
        .ok_or("usage: corpora FOLDER OUT [NAME...]")?;
    let wanted: Vec<String> = arguments.collect();
    fs::create_dir_all(&out)?;
    let started = Instant::now();
    let set = load::embedded()?;
    eprintln!(
        "{} patterns loaded in {:?}",
        set.patterns().len(),
        started.elapsed()
    );
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        if is_log && (wanted.is_empty() || wanted.contains(&name)) {
            names.push(name);
        }
    }
    names.sort();
    for name in names {
        judge(&set, &folder, &out, &name)?;
    }
    Ok(())
}

/// Judges one corpus.
fn judge(
    set: &aftertrace::pattern::set::PatternSet,
    folder: &str,
    out: &str,
    name: &str,
) -> std::io::Result<()> {
    let log = fs::read(Path::new(folder).join(format!("{name}.log")))?;
    let mut writer = BufWriter::new(fs::File::create(
        Path::new(out).join(format!("{name}.jsonl")),
    )?);
    let lines = || log.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    // cutting alone, so that the cost of inspection can be told from it
    let started = Instant::now();
    let cut_alone = lines().filter_map(cut).count();
    let cutting = started.elapsed();
    let mut inspector = Inspector::new(set);
    let mut objects = Vec::new();
    let started = Instant::now();
    for (line, number) in lines().zip(1u32..) {
        let Some(access) = cut(line) else { continue };
        if let Some(verdict) = inspector.inspect(&access) {
            objects.push((number, verdict.clone()));
        }
    }
    let inspecting = started.elapsed().saturating_sub(cutting);
    let nanos = inspecting.as_nanos() / cut_alone.max(1) as u128;
    eprintln!("{name}: {cut_alone} lines, inspection costs {nanos} ns/line");
    for (number, verdict) in objects {
        let marks = |hit: &aftertrace::pattern::verdict::Match| {
            let pattern = set.pattern(hit.pattern);
            let mark = match pattern.confidence.name() {
                "high" => "+",
                "medium" => "",
                _ => "?",
            };
            format!("{}@{}{mark}", pattern.id, hit.field.name())
        };
        let object = serde_json::json!({
            "line": number,
            "category": verdict.category.name(),
            "categories": verdict.categories.iter().map(|c| c.name()).collect::<Vec<_>>(),
            "confidence": verdict.confidence.name(),
            "patterns": verdict.matches.iter().map(marks).collect::<Vec<_>>(),
            "matched": String::from_utf8_lossy(&verdict.matches[0].matched),
        });
        writeln!(writer, "{object}")?;
    }
    writer.flush()
}

/// Cuts a combined line at its quotes; a quote behind a backslash is part of its field.
fn cut(line: &[u8]) -> Option<Access<'_>> {
    let mut fields: Vec<&[u8]> = Vec::with_capacity(7);
    let mut from = 0;
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            b'\\' => at += 1,
            b'"' => {
                fields.push(&line[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    let request = *fields.get(1)?;
    let method_end = request.iter().position(|b| *b == b' ');
    let protocol = request.windows(6).rposition(|w| w == b" HTTP/");
    let (method, target) = match (method_end, protocol) {
        (Some(first), Some(last)) if first < last => (&request[..first], &request[first + 1..last]),
        _ => (&request[..0], request),
    };
    let status = fields.get(2).and_then(|rest| {
        let text = std::str::from_utf8(rest).ok()?;
        text.split_whitespace().next()?.parse().ok()
    });
    Some(Access {
        time: Time::default(),
        utc_offset: UtcOffset::default(),
        client: Client::parse(b"-"),
        client_text: b"-",
        vhost: None,
        user: None,
        request,
        method,
        target,
        protocol: b"",
        status,
        bytes: None,
        referer: fields.get(3).copied(),
        user_agent: fields.get(5).copied(),
        extras: b"",
    })
}

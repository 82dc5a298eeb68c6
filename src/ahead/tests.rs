//! What was counted ahead is what is counted when everything is there, and is dropped where it was wrong.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::format::spec::LogKind;
use crate::inputs::Reading;
use crate::pass::{Limits, Who};
use crate::pattern::load;
use crate::readers::FormatOptions;
use crate::survey::survey_access;

/// Gives its parts one by one, each after the first when it is told to.
struct Gated {
    parts: VecDeque<Vec<u8>>,
    given: usize,
    gate: Receiver<()>,
}

impl Read for Gated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self
            .parts
            .front()
            .is_some_and(|part| part.len() == self.given)
        {
            self.parts.pop_front();
            self.given = 0;
            let _ = self.gate.recv();
        }
        let Some(part) = self.parts.front() else {
            return Ok(0);
        };
        let count = (&part[self.given..]).read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

fn line(n: usize) -> String {
    let target = match n % 50 {
        7 => "/item?id=1'%20UNION%20SELECT%20password%20FROM%20users--",
        _ => "/cart?page=2",
    };
    format!(
        "192.0.2.{} - - [19/May/2026:{:02}:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0\"\n",
        n % 200,
        8 + n / 3600 % 12,
        n / 60 % 60,
        n % 60,
        500 + n % 77,
    )
}

fn combined(lines: Range<usize>) -> Vec<u8> {
    lines.flat_map(|n| line(n).into_bytes()).collect()
}

/// Surveys a log of which the second part comes when something of the first was counted: what was left to be counted when
/// all was there, and then how many bytes of these were counted anew.
fn survey(first: Vec<u8>, second: Vec<u8>) -> (usize, u64) {
    let patterns = load::embedded().unwrap();
    let survey = Survey {
        patterns: &patterns,
        limits: Limits {
            since: i64::MIN,
            until: i64::MAX,
        },
        bucket_s: 60,
    };
    let all = first.len() + second.len();
    let (open, gate) = channel();
    let reader = Gated {
        parts: VecDeque::from([first, second]),
        given: 0,
        gate,
    };
    // Both parts, and the end.
    let advance = |_| (0..2).for_each(|_| _ = open.send(()));
    let run = Run {
        chunk_bytes: 64 << 10,
        caps: Default::default(),
        advance: &advance,
        ledger: None,
    };
    let inputs = Inputs::begin_stream(
        reader,
        "-".to_string(),
        &Reading {
            mmap: true,
            formats: &FormatOptions::default(),
            who: &Who::default(),
        },
    )
    .unwrap();
    let ahead = Ahead::survey(&inputs, survey, &run);
    assert!(!ahead.begun[0].done[0].is_empty());
    let inputs = inputs.identified();
    let logs = inputs.logs(LogKind::Access);
    let confirmed = ahead.confirmed(&logs);
    let kept = confirmed.bytes();
    let counts = confirmed.complete(&logs, survey, &run);
    let expected = survey_access(&logs, survey, &run);
    assert_eq!(counts.chunks, expected.chunks);
    assert_eq!(counts.noted, expected.noted);
    assert_eq!(counts.by_class, expected.by_class);
    assert_eq!(counts.clients.len(), expected.clients.len());
    assert_eq!(counts.lines, expected.lines);
    (all, kept)
}

#[test]
fn what_is_counted_ahead_is_counted_once_and_in_the_same_chunks() {
    let text = combined(0..30_000);
    // Within a line.
    let (first, second) = text.split_at(text.len() - text.len() / 4 + 11);
    let (all, kept) = survey(first.to_vec(), second.to_vec());
    assert!(0 < kept && kept <= all as u64, "{kept} of {all}");
}

#[test]
fn what_was_supposed_wrongly_is_dropped() {
    let vhost: Vec<u8> = (0..100_000)
        .flat_map(|n| format!("shop.example:443 {}", line(n)).into_bytes())
        .collect();
    let (_, kept) = survey(combined(0..16_000), vhost);
    assert_eq!(kept, 0);
}

//! Logs that are made to cost much: by whoever wants the reader of a log to give up, or by accident.
//!
//! Each is written record by record until it has the length asked for, from a seed, so that the tests read a
//! hundred kilobytes of what the benches read ten megabytes of.

mod errors;
mod lines;
mod targets;
mod visits;

use super::clock::{Millis, SECOND, Zone};
use super::rng::Rng;

/// A log made to cost much.
pub struct Evil {
    /// Its name in tables, and of its file.
    pub name: &'static str,
    /// What is evil about it.
    pub what: &'static str,
    /// Writes the next record.
    pub write: fn(&mut Pen),
}

/// What is to be decoded and judged, what is to be counted, what is to be read, and what is no access log.
pub const GROUPS: [&[Evil]; 4] = [targets::ALL, visits::ALL, lines::ALL, errors::ALL];

/// Every one of them.
pub fn all() -> impl Iterator<Item = &'static Evil> {
    GROUPS.into_iter().flatten()
}

/// Seeds all of them.
const SEED: u64 = 20_261_121;

/// Milliseconds between requests, where nothing else is said.
const PACE: Millis = SECOND / 20;

/// Ordinary records at the beginning of logs that would be no logs without: more than the vote on formats looks at.
const OPENING: u64 = 500;

/// What a visitor's browser calls itself.
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

impl Evil {
    /// The log: whole records, of at least so many bytes together. One record alone may be larger than that.
    pub fn log(&self, bytes: usize) -> Vec<u8> {
        let mut pen = Pen {
            out: Vec::with_capacity(bytes + bytes / 8),
            rng: Rng::new(SEED),
            number: 0,
            bytes,
        };
        while pen.out.len() < bytes {
            (self.write)(&mut pen);
            pen.number += 1;
        }
        pen.out
    }
}

/// What writes a log.
pub struct Pen {
    out: Vec<u8>,
    rng: Rng,
    /// Of the record, from 0 on.
    number: u64,
    /// How long the log is to be.
    bytes: usize,
}

/// A request and its answer, as the combined format has them.
struct Visit<'a> {
    client: &'a str,
    user: &'a str,
    at: Millis,
    request: &'a str,
    status: u16,
    referer: &'a str,
    agent: &'a str,
}

impl Pen {
    /// When a record happens that nothing is said of.
    fn now(&self) -> Millis {
        start() + self.number as i64 * PACE
    }

    /// An ordinary visit at the next moment, from one of a few thousand addresses.
    fn visit(&self) -> Visit<'static> {
        Visit {
            client: "",
            user: "-",
            at: self.now(),
            request: "GET / HTTP/1.1",
            status: 200,
            referer: "-",
            agent: AGENT,
        }
    }

    /// Writes a visit; without a client it gets one of those of a large network.
    fn put(&mut self, visit: &Visit<'_>) {
        let line = self.combined(visit);
        self.line(&line);
    }

    /// A visit as a line without an end.
    fn combined(&self, visit: &Visit<'_>) -> String {
        let usual;
        let client = match visit.client {
            "" => {
                usual = address(self.number % 4_001);
                usual.as_str()
            }
            given => given,
        };
        format!(
            "{client} - {} [{}] \"{}\" {} 5120 \"{}\" \"{}\"",
            visit.user,
            Zone(0).access(visit.at),
            visit.request,
            visit.status,
            visit.referer,
            visit.agent
        )
    }

    /// Somebody gets a target.
    fn get(&mut self, target: &str) {
        let request = format!("GET {target} HTTP/1.1");
        let visit = Visit {
            request: &request,
            ..self.visit()
        };
        self.put(&visit);
    }

    /// Writes an ordinary visit as long as the log only begins, so that what follows is read as such a log.
    fn opens(&mut self) -> bool {
        let opens = self.number < OPENING;
        if opens {
            self.get("/");
        }
        opens
    }

    fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'\n');
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.rng.below(texts.len() as u64) as usize]
    }

    /// A word of letters, different in most calls.
    fn word(&mut self) -> String {
        let length = 4 + self.rng.below(6);
        (0..length)
            .map(|_| char::from(b'a' + self.rng.below(26) as u8))
            .collect()
    }
}

fn start() -> Millis {
    Zone(0).at((2026, 5, 19), 0, 0, 0)
}

/// The nth address of 240.0.0.0/4, which nobody has (RFC 1112, section 4), scattered.
fn address(number: u64) -> String {
    let scattered = number.wrapping_mul(2_654_435_761) & ((1 << 28) - 1);
    format!(
        "{}.{}.{}.{}",
        240 + (scattered >> 24),
        scattered >> 16 & 0xff,
        scattered >> 8 & 0xff,
        scattered & 0xff
    )
}

//! The list of log formats, and the vote that decides which one an input is in.

pub mod apache_error;
pub mod apache_logformat;
pub mod combined;
pub mod custom;
pub mod directive;
pub mod nginx_error;
pub mod nginx_logformat;
pub mod php_fpm;
pub mod quoting;
pub mod record;
pub mod spec;
pub mod template;
pub mod timing;

use crate::chunk::{self, MAX_LINE};
use spec::{Arena, Desk, Format, Reader};
use timing::{Sample, Timing};

use crate::event::{Event, Unparsed};

/// Every format. Of two that read a file equally well, the earlier one is taken: it is the stricter.
pub static ALL: &[&Format] = &[
    &combined::VHOST_COMBINED,
    &combined::COMBINED,
    &combined::COMMON,
    &apache_error::APACHE_ERROR,
    &apache_error::APACHE22_ERROR,
    &nginx_error::FORMAT,
    &php_fpm::FORMAT,
];

/// The outcome of a vote.
#[derive(Clone)]
pub struct Vote {
    /// The format that reads most.
    pub format: &'static Format,
    /// Reads the lines of the input.
    pub reader: Reader,
    /// How many of the sampled lines it reads.
    pub read: usize,
    /// How many lines were sampled; blank ones and headers are not.
    pub of: usize,
}

/// How one format fared in a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Its name.
    pub format: &'static str,
    /// Sampled lines that it reads.
    pub read: usize,
    /// The first of the others: where it begins, and why the format does not read it. `None` if it reads all, or does
    /// not try because the input cannot be in this format at all.
    pub failure: Option<(u64, Unparsed)>,
}

/// Lines looked at where an input begins.
const HEAD_LINES: usize = 200;

/// Places looked at after that, spread evenly: a log that begins with something else is still found.
const PLACES: usize = 16;

/// Lines looked at in each such place.
const PLACE_LINES: usize = 32;

/// The winner must read one line in this many. Low, because the formats are strict enough not to read
/// a foreign line by chance, while a stack trace in an error log has many lines to one record.
const ONE_LINE_IN: usize = 20;

/// How many bytes of an input one place may take: room for one line that is too long.
const WINDOW: usize = 2 * MAX_LINE;

/// Lets every format read a sample of the lines, from the beginning and from all over the input.
///
/// `None` when no format reads a sensible share: the input is no log, or one of an unknown kind.
/// The sample depends on the bytes alone.
pub fn vote(bytes: &[u8]) -> Option<Vote> {
    vote_with(bytes, &[])
}

/// The same with formats that the user gave: they are tried like the others, and win where they read as much.
pub fn vote_with(bytes: &[u8], given: &[Reader]) -> Option<Vote> {
    ballot(bytes, given).winner()
}

/// How every format fared in the vote on an input, and of how many lines; those that read most come first.
pub fn counts(bytes: &[u8], given: &[Reader]) -> (Vec<Count>, usize) {
    let ballot = ballot(bytes, given);
    let tried = ballot.candidates.iter().map(|candidate| Count {
        format: candidate.format.name,
        read: candidate.read,
        failure: candidate.failure,
    });
    let mut counts: Vec<Count> = tried.collect();
    for format in ALL {
        if !counts.iter().any(|count| count.format == format.name) {
            counts.push(Count {
                format: format.name,
                read: 0,
                failure: None,
            });
        }
    }
    counts.sort_by_key(|count| std::cmp::Reverse(count.read));
    (counts, ballot.of)
}

/// Lets every format read the sample.
fn ballot(bytes: &[u8], given: &[Reader]) -> Ballot {
    let mut ballot = Ballot::new(bytes, given);
    let mut covered = ballot.sample(bytes, 0, HEAD_LINES);
    for place in 1..=PLACES {
        let at = bytes.len() / (PLACES + 1) * place;
        if at < covered {
            continue;
        }
        let Some(line_start) = next_line(bytes, at) else {
            continue;
        };
        covered = ballot.sample(bytes, line_start, PLACE_LINES);
    }
    ballot
}

/// Where the lines of an access log say how long each request took, if they do: the same sample of lines votes
/// on it. Depends on the bytes alone.
pub fn timing(bytes: &[u8], reader: &Reader) -> Option<Timing> {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let mut samples = Vec::new();
    for place in 0..=PLACES {
        let at = bytes.len() / (PLACES + 1) * place;
        let start = if place == 0 {
            Some(0)
        } else {
            next_line(bytes, at)
        };
        let end = bytes.len().min(at.saturating_add(WINDOW));
        let window = start.and_then(|start| bytes.get(start..end));
        for (offset, line) in chunk::lines(window.unwrap_or_default()).take(PLACE_LINES) {
            let at = start.unwrap_or_default() + offset;
            let Ok(Event::Access(access)) = reader.read(line, at as u64, &mut desk) else {
                continue;
            };
            samples.push(Sample {
                extras: access.extras,
                bytes: access.bytes,
                length: line.len(),
            });
        }
    }
    Timing::vote(&samples)
}

/// Where the first line begins that starts after `at`, if that is near.
fn next_line(bytes: &[u8], at: usize) -> Option<usize> {
    let window = &bytes[at..bytes.len().min(at.saturating_add(WINDOW))];
    memchr::memchr(b'\n', window).map(|end| at + end + 1)
}

struct Ballot {
    candidates: Vec<Candidate>,
    of: usize,
}

/// A format that the input may be in.
struct Candidate {
    format: &'static Format,
    reader: Reader,
    read: usize,
    failure: Option<(u64, Unparsed)>,
}

impl Ballot {
    fn new(bytes: &[u8], given: &[Reader]) -> Ballot {
        let known = ALL
            .iter()
            .filter_map(|format| Some((*format, (format.reader)(bytes)?)));
        let given = given.iter().map(|reader| (&custom::CUSTOM, reader.clone()));
        let candidate = |(format, reader)| Candidate {
            format,
            reader,
            read: 0,
            failure: None,
        };
        Ballot {
            candidates: given.chain(known).map(candidate).collect(),
            of: 0,
        }
    }

    /// Lets every format try the lines from `start` on; returns where the sample ends.
    fn sample(&mut self, bytes: &[u8], start: usize, count: usize) -> usize {
        let end = bytes.len().min(start.saturating_add(WINDOW));
        let mut covered = start;
        for (at, line) in chunk::lines(&bytes[start..end]).take(count) {
            let whole = start + at + line.len() < end || end == bytes.len();
            covered = start + at + line.len() + 1;
            if whole && !line.is_empty() {
                self.count(line, (start + at) as u64);
            }
        }
        covered
    }

    fn count(&mut self, line: &[u8], at: u64) {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut header = false;
        for candidate in &mut self.candidates {
            match candidate.reader.read(line, at, &mut desk) {
                Ok(_) => candidate.read += 1,
                Err(Unparsed::Header) => header = true,
                Err(reason) => {
                    candidate.failure.get_or_insert((at, reason));
                }
            }
        }
        self.of += usize::from(!header);
    }

    fn winner(self) -> Option<Vote> {
        let best = self.candidates.iter().map(|format| format.read).max()?;
        let mut candidates = self.candidates.into_iter();
        let winner = candidates.find(|format| format.read == best)?;
        (best > 0 && best * ONE_LINE_IN >= self.of).then_some(Vote {
            format: winner.format,
            reader: winner.reader,
            read: best,
            of: self.of,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(bytes: &[u8]) -> Option<&'static str> {
        vote(bytes).map(|vote| vote.format.name)
    }

    #[test]
    fn every_sample_is_read_by_its_format_and_wins_the_vote_for_it() {
        for format in ALL {
            assert!(!format.samples.is_empty(), "{} has no samples", format.name);
            for sample in format.samples {
                let vote = vote(sample.as_bytes()).unwrap_or_else(|| panic!("{sample}"));
                assert_eq!(vote.read, vote.of, "{}: {sample}", format.name);
                assert_eq!(winner(sample.as_bytes()), Some(format.name), "{sample}");
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|format| format.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn the_majority_decides_and_blank_lines_do_not_vote() {
        let combined = combined::COMBINED.samples[0];
        let common = combined::COMMON.samples[0];
        let mixed = format!("\n{combined}\n\n{combined}\n{common}\ngarbage\n");
        let vote = vote(mixed.as_bytes()).unwrap();
        assert_eq!((vote.format.name, vote.read, vote.of), ("combined", 2, 4));
    }

    #[test]
    fn a_log_that_begins_with_something_else_is_found() {
        let mut bytes = b"not a record\n".repeat(1000);
        bytes.extend(
            format!("{}\n", nginx_error::FORMAT.samples[1])
                .repeat(3000)
                .bytes(),
        );
        assert_eq!(winner(&bytes), Some("nginx_error"));
    }

    #[test]
    fn what_is_no_log_wins_nothing() {
        assert_eq!(winner(b""), None);
        assert_eq!(winner(b"\n\n\n"), None);
        assert_eq!(winner(&b"# notes\nnothing here\n".repeat(50)), None);
        assert_eq!(winner(&vec![0; 5 << 20]), None);
        let binary: Vec<u8> = (0..1u32 << 16)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        assert_eq!(winner(&binary), None);
    }

    #[test]
    fn one_endless_line_does_not_hide_the_rest() {
        let mut bytes = vec![b'x'; 3 * MAX_LINE];
        bytes.push(b'\n');
        bytes.extend(
            format!("{}\n", combined::COMBINED.samples[0])
                .repeat(100_000)
                .bytes(),
        );
        assert_eq!(winner(&bytes), Some("combined"));
    }
}

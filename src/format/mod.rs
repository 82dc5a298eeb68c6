//! The list of log formats, and the vote that decides which one an input is in.

pub mod any_json;
pub mod apache_error;
pub mod apache_logformat;
pub mod aws_alb;
pub mod caddy_json;
pub mod cloudflare_json;
pub mod cloudfront;
pub mod combined;
pub mod container;
pub mod custom;
pub mod directive;
pub mod envelope;
pub mod envoy;
pub mod extras;
pub mod forwarded;
pub mod haproxy;
pub mod haproxy_captures;
pub mod haproxy_clf;
pub mod hex_escapes;
pub mod iis_w3c;
pub mod ingress_nginx;
pub mod journal_json;
pub mod json;
pub mod json_guess;
pub mod json_keys;
pub mod messages;
pub mod mysql_error;
pub mod nginx_error;
pub mod nginx_json;
pub mod nginx_logformat;
pub mod php_error;
pub mod php_fpm;
pub mod postgresql;
pub mod quoting;
pub mod record;
pub mod sample;
pub mod spec;
pub mod syslog;
pub mod template;
pub mod timing;
pub mod traefik_clf;
pub mod traefik_json;
pub mod w3c;

use forwarded::Column;
use spec::{Arena, Desk, Format, LogKind, Reader};
use timing::{Sample, Timing};

use crate::bytes::Bytes;
use crate::event::{Access, Event, Unparsed};

/// Every format. Of two that read a file equally well, the earlier one is taken: it is the stricter.
pub static ALL: &[&Format] = &[
    &ingress_nginx::FORMAT,
    &traefik_clf::FORMAT,
    &haproxy_clf::FORMAT,
    &combined::VHOST_COMBINED,
    &combined::COMBINED,
    &combined::COMMON,
    &haproxy::FORMAT,
    &aws_alb::FORMAT,
    &cloudfront::FORMAT,
    &iis_w3c::FORMAT,
    &envoy::FORMAT,
    &apache_error::APACHE_ERROR,
    &apache_error::APACHE22_ERROR,
    &nginx_error::FORMAT,
    &php_fpm::FORMAT,
    &php_error::FORMAT,
    &postgresql::FORMAT,
    &mysql_error::FORMAT,
    &messages::JOURNAL_JSON,
    &messages::DOCKER_JSON,
    &messages::CRI,
    &messages::SYSLOG5424,
    &messages::JOURNAL_SHORT_ISO,
    &messages::SYSLOG,
    &caddy_json::FORMAT,
    &traefik_json::FORMAT,
    &cloudflare_json::FORMAT,
    &nginx_json::FORMAT,
    // any JSON: after those that know its names
    &any_json::FORMAT,
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

impl Vote {
    /// Whether records of a kind may be among the lines.
    pub fn holds(&self, kind: LogKind) -> bool {
        self.format.kind == kind || self.format.mixed || self.reader.is_mixed()
    }
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

/// The winner must read one line in this many. Low, because the formats are strict enough not to read
/// a foreign line by chance, while a stack trace in an error log has many lines to one record.
const ONE_LINE_IN: usize = 20;

/// Lets every format read a sample of the lines, from the beginning and from all over the input.
///
/// `None` when no format reads a sensible share: the input is no log, or one of an unknown kind.
/// The sample depends on the bytes alone.
pub fn vote<'b>(bytes: impl Into<Bytes<'b>>) -> Option<Vote> {
    vote_with(bytes, &[])
}

/// The same with formats that the user gave: they are tried like the others, and win where they read as much.
pub fn vote_with<'b>(bytes: impl Into<Bytes<'b>>, given: &[Reader]) -> Option<Vote> {
    let bytes = bytes.into();
    let lines = sample::lines(bytes);
    let Some(opened) = messages::open(bytes, &lines, &plain()) else {
        return Ballot::new(bytes, given).on(&lines).winner();
    };
    let named = Ballot::of_given(given).on(&lines).winner();
    let named = named.filter(|vote| vote.read >= opened.read);
    Some(named.unwrap_or(Vote {
        format: opened.format,
        reader: opened.reader,
        read: opened.read,
        of: opened.of,
    }))
}

/// How every format fared in the vote on an input, those that the user gave among them, and of how many lines; those that
/// read most come first. Where messages stand in an envelope, none but the format of what is in it is counted.
pub fn counts(bytes: Bytes<'_>, given: &[Reader]) -> (Vec<Count>, usize) {
    let lines = sample::lines(bytes);
    if let Some(opened) = messages::open(bytes, &lines, &plain()) {
        let count = |format: &&Format| Count {
            format: format.name,
            read: match format.name == opened.format.name {
                true => opened.read,
                false => 0,
            },
            failure: None,
        };
        let named = Ballot::of_given(given).on(&lines);
        let named = named.candidates.iter().map(Candidate::count);
        let counts = named.chain(ALL.iter().map(count)).collect();
        return (sorted(counts), opened.of);
    }
    let ballot = Ballot::new(bytes, given).on(&lines);
    let mut counts: Vec<Count> = ballot.candidates.iter().map(Candidate::count).collect();
    for format in ALL {
        if !counts.iter().any(|count| count.format == format.name) {
            counts.push(Count {
                format: format.name,
                read: 0,
                failure: None,
            });
        }
    }
    (sorted(counts), ballot.of)
}

fn sorted(mut counts: Vec<Count>) -> Vec<Count> {
    counts.sort_by_key(|count| std::cmp::Reverse(count.read));
    counts
}

/// The formats whose lines stand in no envelope.
fn plain() -> Vec<&'static Format> {
    let wrapped = |format: &&&Format| messages::FORMATS.iter().any(|one| one.name == format.name);
    let formats = ALL.iter().filter(|format| !wrapped(format));
    formats.copied().collect()
}

/// Where the lines of an access log say how long each request took, if they do: the same sample of lines votes
/// on it. Depends on the bytes alone.
pub fn timing<'b>(bytes: impl Into<Bytes<'b>>, reader: &Reader) -> Option<Timing> {
    let arena = Arena::new();
    let requests = sampled(bytes.into(), reader, &arena);
    let samples = requests.iter().map(|(line, access)| Sample {
        extras: access.extras,
        bytes: access.bytes,
        length: line.len(),
    });
    // A format that has a field for it needs no vote.
    if requests
        .iter()
        .any(|(_, access)| access.duration_us.is_some())
    {
        return None;
    }
    Timing::vote(&samples.collect::<Vec<_>>())
}

/// Where the lines of an access log name the addresses that proxies forwarded, if they do and the format has no field
/// for it. Depends on the bytes alone.
pub fn forwarded<'b>(bytes: impl Into<Bytes<'b>>, reader: &Reader) -> Option<Column> {
    let arena = Arena::new();
    let requests = sampled(bytes.into(), reader, &arena);
    let unnamed = requests
        .iter()
        .filter(|(_, access)| access.forwarded.is_none());
    Column::vote(&unnamed.map(|(_, access)| access.extras).collect::<Vec<_>>())
}

/// The requests among the lines that are looked at, with their lines.
pub fn sampled<'a>(
    bytes: impl Into<Bytes<'a>>,
    reader: &Reader,
    arena: &'a Arena,
) -> Vec<(&'a [u8], Access<'a>)> {
    let mut desk = Desk::new(arena);
    let mut request = |(at, line)| match reader.read(line, at, &mut desk) {
        Ok(Event::Access(access)) => Some((line, access)),
        _ => None,
    };
    let lines = sample::lines(bytes).into_iter();
    lines.filter_map(&mut request).collect()
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

impl Candidate {
    fn new(format: &'static Format, reader: Reader) -> Candidate {
        Candidate {
            format,
            reader,
            read: 0,
            failure: None,
        }
    }

    fn count(&self) -> Count {
        Count {
            format: self.format.name,
            read: self.read,
            failure: self.failure,
        }
    }
}

impl Ballot {
    /// The formats that the user gave, and then all that the input may be in.
    fn new(bytes: Bytes<'_>, given: &[Reader]) -> Ballot {
        let mut ballot = Ballot::of_given(given);
        for format in ALL {
            let reader = (format.reader)(bytes);
            ballot
                .candidates
                .extend(reader.map(|reader| Candidate::new(format, reader)));
        }
        ballot
    }

    fn of_given(given: &[Reader]) -> Ballot {
        let candidate = |reader: &Reader| Candidate::new(&custom::CUSTOM, reader.clone());
        Ballot {
            candidates: given.iter().map(candidate).collect(),
            of: 0,
        }
    }

    /// Lets every format try the lines of a sample.
    fn on(mut self, lines: &[(u64, &[u8])]) -> Ballot {
        for (at, line) in lines {
            self.count(line, *at);
        }
        self
    }

    fn count(&mut self, line: &[u8], at: u64) {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        self.of += 1;
        for candidate in &mut self.candidates {
            match candidate.reader.read(line, at, &mut desk) {
                Ok(_) | Err(Unparsed::Header) => candidate.read += 1,
                Err(reason) => {
                    candidate.failure.get_or_insert((at, reason));
                }
            }
        }
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
    use crate::chunk::MAX_LINE;
    use crate::event::Event;
    use crate::format::spec::{Arena, Desk, Glance, TimeCache};
    use proptest::prelude::*;

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
    fn what_a_container_writes_is_read_in_its_own_format() {
        let inside = combined::COMBINED.samples[0];
        let escaped = inside.replace('"', "\\\"");
        let docker =
            format!(r#"{{"log":"{escaped}\n","stream":"stdout","time":"2026-05-19T14:02:11.5Z"}}"#);
        let kubernetes = format!("2026-05-19T14:02:11.5Z stdout F {inside}");
        for line in [docker, kubernetes] {
            assert_eq!(winner(line.as_bytes()), Some("combined"), "{line}");
        }
        let json = nginx_json::FORMAT.samples[0];
        assert!(json.starts_with('{') && !json.contains('\\'), "{json}");
        let escaped = json.replace('"', "\\\"");
        let docker =
            format!(r#"{{"log":"{escaped}\n","stream":"stdout","time":"2026-05-19T14:02:11Z"}}"#);
        assert_eq!(winner(docker.as_bytes()), Some("nginx_json"));
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

    /// What a reader says of the beginning of a line, against all of what it reads.
    fn glance_agrees(reader: &Reader, line: &[u8]) {
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let Some(glance) = reader.glance(line, &mut desk.times) else {
            return;
        };
        if let Ok(Event::Access(access)) = reader.read(line, 0, &mut desk) {
            let text = String::from_utf8_lossy(line);
            let read = Glance {
                time: access.time,
                client: access.client,
                method: access.method,
                path: access.path(),
            };
            assert_eq!(glance, read, "{text}");
        }
    }

    #[test]
    fn a_glance_sees_what_reading_finds() {
        let mut glances = 0;
        for format in ALL {
            for sample in format.samples {
                let reader = (format.reader)(sample.as_bytes().into()).unwrap();
                for line in sample.lines() {
                    glance_agrees(&reader, line.as_bytes());
                    let mut times = TimeCache::default();
                    glances += usize::from(reader.glance(line.as_bytes(), &mut times).is_some());
                }
            }
        }
        assert!(glances > 3, "{glances}");
    }

    proptest! {
        #[test]
        fn a_glance_sees_what_reading_finds_in_any_line(
            pick in any::<prop::sample::Index>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
                Just(" "), Just("\""), Just("?"), Just("\\"), Just("\" 200 "), Just(" HTTP/1.1"), Just("["), Just("-"), Just("\u{e9}"), Just(":"), Just("1"),
            ], any::<bool>()), 0..4),
        ) {
            let samples: Vec<(&Format, &str)> = ALL
                .iter()
                .flat_map(|format| format.samples.iter().map(move |sample| (*format, *sample)))
                .collect();
            let (format, sample) = samples[pick.index(samples.len())];
            let reader = (format.reader)(sample.as_bytes().into()).unwrap();
            for line in sample.lines().filter(|line| !line.is_empty()) {
                let mut line = line.as_bytes().to_vec();
                for (at, text, replaces) in &edits {
                    let at = at.index(line.len());
                    line.splice(at..at + usize::from(*replaces), text.bytes());
                }
                glance_agrees(&reader, &line);
            }
        }
    }
}

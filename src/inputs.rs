//! What was named on the command line, found, opened, and identified by its content.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::bytes::Bytes;
use crate::error::{Error, Result, Warning};
use crate::event::Access;
use crate::format::sample;
use crate::format::spec::{Arena, Desk, LogKind, Reader, Sought, YearHint};
use crate::format::timing::Timing;
use crate::format::{self, Vote};
use crate::known::Known;
use crate::pass::{Clock, Hops, Log, Part, Who};
use crate::proxies::Proxies;
use crate::readers::{FormatOptions, Readers, UNUSED};
use crate::relays::Relays;
use crate::source::decompress::{foreign, is_utf16};
use crate::source::discover::discover;
use crate::source::map::Manner;
use crate::source::open::{OpenOptions, Source, open_all, open_stream};
use crate::source::overlap::{self, Piece, Repeat};
use crate::text::{count, counted};
use crate::time::{Time, UtcOffset};

/// What inputs are opened with.
pub struct Reading<'r> {
    /// Map plain files rather than copy them first.
    pub mmap: bool,
    /// What the user says about formats.
    pub formats: &'r FormatOptions,
    /// Who the clients are.
    pub who: &'r Who,
}

/// Opened inputs whose format is known.
pub struct Inputs {
    /// The inputs, in their sorted order.
    pub sources: Vec<Source>,
    /// The format of each; `None` for what is no log.
    pub formats: Vec<Option<Vote>>,
    /// Where each says how long requests took, if it does.
    pub timings: Vec<Option<Timing>>,
    /// The formats that the user gave.
    pub readers: Readers,
    /// Where each says who asked, if the user asked for it.
    hops: Vec<Option<Hops>>,
    /// The proxies that each takes for clients, as far as a sample shows.
    pub relays: Vec<Option<Relays>>,
    /// What each repeats of another, where it is counted.
    pub repeats: Vec<Option<Repeat>>,
    /// Who the clients are.
    who: Who,
    /// What could not be read or understood.
    pub warnings: Vec<Warning>,
}

impl Inputs {
    /// Finds, opens and identifies inputs. Waits until everything is unpacked.
    ///
    /// # Errors
    /// [`Error::NoInput`] when nothing that was named can be read; what [`Readers::new`] returns.
    pub fn open(paths: &[PathBuf], reading: &Reading<'_>) -> Result<Inputs> {
        Ok(Inputs::begin(paths, reading)?.identified())
    }

    /// Finds and opens inputs, some of which may still be unpacked in the background. Of none it is known what it is
    /// before [`Inputs::identified`].
    ///
    /// # Errors
    /// As [`Inputs::open`].
    pub fn begin(paths: &[PathBuf], reading: &Reading<'_>) -> Result<Inputs> {
        let (found, mut warnings) = discover(paths)?;
        let (sources, troubles) = open_all(
            &found,
            &OpenOptions {
                mmap: reading.mmap,
                ..OpenOptions::default()
            },
        );
        warnings.extend(troubles);
        Inputs::of(sources, warnings, reading)
    }

    /// The same for a stream that somebody began to read.
    ///
    /// # Errors
    /// As [`Inputs::open`].
    pub fn begin_stream(
        reader: impl Read + Send + 'static,
        name: String,
        reading: &Reading<'_>,
    ) -> Result<Inputs> {
        let (sources, warnings) = open_stream(reader, name, &OpenOptions::default());
        Inputs::of(sources, warnings, reading)
    }

    /// Inputs that were opened before, or elsewhere.
    ///
    /// # Errors
    /// As [`Inputs::open`].
    pub fn of(
        sources: Vec<Source>,
        mut warnings: Vec<Warning>,
        reading: &Reading<'_>,
    ) -> Result<Inputs> {
        let (readers, about_formats) = Readers::new(reading.formats)?;
        warnings.extend(about_formats);
        if sources.is_empty() {
            let reasons: Vec<String> = warnings
                .into_iter()
                .map(|warning| warning.message)
                .collect();
            return Err(Error::NoInput(reasons.join("; ")));
        }
        Ok(Inputs {
            sources,
            formats: Vec::new(),
            timings: Vec::new(),
            readers,
            hops: Vec::new(),
            relays: Vec::new(),
            repeats: Vec::new(),
            who: reading.who.clone(),
            warnings,
        })
    }

    /// Finds out what each input is, when everything is unpacked.
    pub fn identified(mut self) -> Inputs {
        self.identify();
        let told = self.sources.iter().flat_map(Source::warnings);
        self.warnings.extend(told);
        self
    }

    /// Votes on what each input is, and finds out how it is read.
    fn identify(&mut self) {
        self.expect(Manner::Places);
        let sources = &self.sources;
        let vote = |source: &Source| self.readers.vote(&source.name, source.view());
        let mut formats: Vec<_> = sources.iter().map(vote).collect();
        let voted = sources.iter().zip(&formats);
        let unused = self.readers.unused(
            voted.map(|(source, vote)| (source.name.as_str(), source.view(), vote.as_ref())),
        );
        self.warnings.retain(|warning| warning.code != UNUSED);
        self.warnings.extend(unused);
        tell_years(sources, &mut formats);
        self.formats = formats;
        let timing = |(source, vote): (&Source, &Option<Vote>)| {
            let vote = vote.as_ref()?;
            let access = vote.format.kind == LogKind::Access;
            access.then(|| format::timing(source.view(), &vote.reader))?
        };
        self.timings = sources.iter().zip(&self.formats).map(timing).collect();
        self.warnings.extend(no_logs(sources, &self.formats));
        self.tell_clients();
        self.expect(Manner::Through);
        self.compare();
    }

    /// Finds what is there twice.
    fn compare(&mut self) {
        let votes = self.formats.iter().enumerate();
        let logs: Vec<(usize, &Vote)> = votes
            .filter_map(|(index, vote)| Some((index, vote.as_ref()?)))
            .collect();
        let clocks: Vec<_> = logs.iter().map(|(_, vote)| time_of(&vote.reader)).collect();
        let mut pieces = Vec::with_capacity(logs.len());
        for ((index, vote), time) in logs.iter().zip(&clocks) {
            pieces.push(Piece {
                bytes: self.sources[*index].view(),
                format: vote.format.name,
                time,
            });
        }
        let mut repeats = vec![None; self.sources.len()];
        for ((index, _), found) in logs.iter().zip(overlap::find(&pieces)) {
            repeats[*index] = found.map(|found| Repeat {
                of: logs[found.of].0,
                ..found
            });
        }
        self.repeats = repeats;
        for index in 0..self.sources.len() {
            let name = &self.sources[index].name;
            let warning = self.repeat_note(index).map(|note| Warning {
                code: DUPLICATE_CONTENT.into(),
                message: format!("{name}: {note}"),
                input: Some(name.clone()),
            });
            self.warnings.extend(warning);
        }
    }

    /// Keeps what is left of mapped files that were shortened, and says so. True if there were any: then the run must
    /// begin again, which it does once a file at most.
    pub fn keep_what_is_left(&mut self) -> bool {
        let sources = self.sources.iter();
        let shortened: Vec<Warning> = sources.filter_map(Source::keep_what_is_left).collect();
        if shortened.is_empty() {
            return false;
        }
        let of_source = |warning: &Warning| {
            let input = warning.input.as_deref();
            let mut sources = self.sources.iter();
            sources.any(|source| input == Some(&source.name) || input == source.archive())
        };
        let stale = |warning: &Warning| is_found_again(warning) && of_source(warning);
        self.warnings.retain(|warning| !stale(warning));
        self.warnings.extend(shortened);
        self.identify();
        true
    }

    /// The warnings about mapped files that were shortened, for a run that cannot begin again.
    pub fn losses(&self) -> Vec<Warning> {
        self.sources.iter().filter_map(Source::loss).collect()
    }

    /// What was found out about how to read an input.
    pub fn notes(&self, index: usize) -> Vec<String> {
        let vote = self.formats[index].as_ref();
        let mut notes = vote.map_or_else(Vec::new, |vote| vote.reader.notes());
        notes.extend(self.timings[index].map(Timing::note));
        notes.extend(self.repeat_note(index));
        notes
    }

    /// Tells clients as the user wishes: from the proxies in front, and from those who are set aside. Looks whether
    /// there are proxies that the user did not name.
    fn tell_clients(&mut self) {
        self.hops = vec![None; self.sources.len()];
        self.relays = vec![None; self.sources.len()];
        let inputs = self.sources.iter().zip(&mut self.formats).enumerate();
        for (index, (source, vote)) in inputs {
            let Some(vote) = vote.as_mut().filter(|vote| vote.holds(LogKind::Access)) else {
                continue;
            };
            let bytes = source.view();
            self.hops[index] = hops(&self.who, vote, bytes);
            self.relays[index] = relays(vote, bytes, self.hops[index].as_ref());
        }
    }

    /// Whose requests are set aside.
    fn known(&self) -> Option<Arc<Known>> {
        (!self.who.known.is_empty()).then(|| self.who.known.clone())
    }

    /// The logs of a kind. Their offset is UTC until told otherwise.
    pub fn logs(&self, kind: LogKind) -> Vec<Log<'_>> {
        let all = self.sources.iter().zip(&self.formats).enumerate();
        all.filter_map(|(index, (source, format))| {
            let vote = format.as_ref()?;
            vote.holds(kind).then(|| Log {
                source: index as u32,
                bytes: source.view(),
                part: self.part(index),
                format: vote.format,
                reader: vote.reader.clone(),
                clock: Clock::fixed(UtcOffset::UTC),
                timing: self.timings[index],
                hops: self.hops[index].clone(),
                known: self.known(),
            })
        })
        .collect()
    }

    /// The log of requests that an input seems to be by its beginning `head`, which is also all that the log has; `None` if
    /// it seems to be something else.
    pub fn seeming<'h>(&self, index: usize, head: &'h [u8]) -> Option<Log<'h>> {
        let head = Bytes::from(head);
        let vote = self.readers.vote(&self.sources[index].name, head);
        let mut vote = vote.filter(|vote| vote.format.kind == LogKind::Access)?;
        let hops = hops(&self.who, &mut vote, head);
        Some(Log {
            source: index as u32,
            bytes: head,
            part: Part::all(head),
            format: vote.format,
            reader: vote.reader,
            clock: Clock::fixed(UtcOffset::UTC),
            timing: None,
            hops,
            known: self.known(),
        })
    }

    /// All of an input but a beginning that is counted elsewhere.
    pub fn part(&self, index: usize) -> Part {
        let bytes = self.sources[index].view();
        match self.repeats[index] {
            Some(repeat) => Part {
                bytes: repeat.bytes.min(bytes.len())..bytes.len(),
                lines_before: Some(repeat.lines),
            },
            None => Part::all(bytes),
        }
    }

    /// What was left out of an input, in words that follow its name.
    fn repeat_note(&self, index: usize) -> Option<String> {
        let Repeat { bytes, lines, of } = self.repeats[index]?;
        let of = &self.sources[of].name;
        let lines = counted(lines, "line", "lines");
        let all = bytes == self.sources[index].view().len();
        let what = if all { "all" } else { "the first" };
        Some(format!(
            "{what} {lines} ({} bytes) are in {of} as well and were counted there",
            count(bytes as u64)
        ))
    }

    /// Says how the inputs are going to be read.
    pub fn expect(&self, manner: Manner) {
        self.sources.iter().for_each(|source| source.expect(manner));
    }

    /// Makes sure that every mapped byte is still there.
    ///
    /// # Errors
    /// When a file was shortened since it was opened; see [`Inputs::keep_what_is_left`].
    pub fn check(&self) -> Result<()> {
        match self.losses().into_iter().next() {
            None => Ok(()),
            Some(loss) => Err(Error::io(
                loss.input.unwrap_or_default(),
                "cannot go on reading",
                io::Error::other(loss.message),
            )),
        }
    }
}

/// Tells the readers of inputs without years what the files and the other inputs say about them.
fn tell_years(sources: &[Source], formats: &mut [Option<Vote>]) {
    let wants = |vote: &Option<Vote>| {
        let reader = vote.as_ref().map(|vote| &vote.reader);
        reader.is_some_and(|reader| reader.with_years(&YearHint::default()).is_some())
    };
    let lacking: Vec<usize> = (0..formats.len())
        .filter(|index| wants(&formats[*index]))
        .collect();
    if lacking.is_empty() {
        return;
    }
    let others = (0..formats.len()).filter(|index| !lacking.contains(index));
    let spans = others.filter_map(|index| ends(sources[index].view(), formats[index].as_ref()?));
    let neighbours = spans.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
    for index in lacking {
        let hint = YearHint {
            modified: sources[index].modified,
            neighbours,
        };
        if let Some(vote) = &mut formats[index]
            && let Some(reader) = vote.reader.with_years(&hint)
        {
            vote.reader = reader;
        }
    }
}

/// The earliest and latest time among a sample of an input's lines.
fn ends(bytes: Bytes<'_>, vote: &Vote) -> Option<(Time, Time)> {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let time = |(at, line)| {
        let event = vote.reader.read(line, at, &mut desk).ok()?;
        Some(event.time())
    };
    let times: Vec<Time> = sample::lines(bytes).into_iter().filter_map(time).collect();
    Some((*times.iter().min()?, *times.iter().max()?))
}

/// Where a log has the field that the user names, and who is believed in it; `None` if the user names none, or if the log
/// names its fields and has none of this name. May give the vote another reader, which takes that field.
pub fn hops(who: &Who, vote: &mut Vote, bytes: Bytes<'_>) -> Option<Hops> {
    let header = who.client_from.as_ref()?;
    let column = match vote.reader.forwarded_from(header) {
        Sought::Lacking => return None,
        Sought::Found(reader) => {
            vote.reader = reader;
            None
        }
        Sought::Unnamed => format::forwarded(bytes, &vote.reader),
    };
    Some(Hops {
        proxies: Arc::new(Proxies::new(who.trusted.clone())),
        column,
    })
}

/// The proxies that a log takes for clients, also where the user named other proxies.
fn relays(vote: &Vote, bytes: Bytes<'_>, hops: Option<&Hops>) -> Option<Relays> {
    let column = format::forwarded(bytes, &vote.reader);
    let anybody = Proxies::new(None);
    let arena = Arena::new();
    let requests = format::sampled(bytes, &vote.reader, &arena);
    let sighting = |(_, access): &(&[u8], Access<'_>)| {
        let mut access = *access;
        let list = access
            .forwarded
            .or_else(|| column.and_then(|column| column.read(access.extras)));
        if let Some(hops) = hops {
            hops.resolve(&mut access);
        }
        // The farthest is only a claim, which is all that is needed here.
        let farthest = list.and_then(|list| list.split(|byte| *byte == b',').next());
        let claim = farthest.and_then(|entry| anybody.pick(access.client, entry));
        let other = claim.filter(|(client, _)| *client != access.client);
        (access.client, other.map(|(client, _)| client))
    };
    let sightings: Vec<_> = requests.iter().map(sighting).collect();
    Relays::of(&sightings, hops.is_some())
}

/// The code of the warning about an input that has lines of another one.
pub const DUPLICATE_CONTENT: &str = "duplicate_content";

/// Reads the time of a line, in seconds on the log's own clock.
fn time_of(reader: &Reader) -> impl Fn(&[u8]) -> Option<i64> + Sync {
    |line| {
        let arena = Arena::new();
        let event = reader.read(line, 0, &mut Desk::new(&arena)).ok()?;
        Some(event.time().secs())
    }
}

/// The code of the warning about an input without a byte.
pub const EMPTY: &str = "empty_input";

/// The code of the warning about an input in which no format was recognised.
pub const NOT_A_LOG: &str = "not_a_log";

/// Members of one archive that are named as no logs, each; the others are counted.
const MAX_NAMED: usize = 3;

/// The warnings about inputs in which no format was recognised.
fn no_logs(sources: &[Source], formats: &[Option<Vote>]) -> Vec<Warning> {
    let mut of_archive: BTreeMap<&str, usize> = BTreeMap::new();
    let mut warnings = Vec::new();
    for (source, _) in sources
        .iter()
        .zip(formats)
        .filter(|(_, vote)| vote.is_none())
    {
        let before = source
            .archive()
            .map(|name| of_archive.entry(name).or_default());
        if before.as_ref().is_none_or(|before| **before < MAX_NAMED) {
            warnings.push(no_log(&source.name, source.view().head(LOOKED_AT)));
        }
        before.into_iter().for_each(|before| *before += 1);
    }
    let others = of_archive.into_iter().filter(|(_, all)| *all > MAX_NAMED);
    warnings.extend(others.map(|(archive, all)| Warning {
        code: NOT_A_LOG.into(),
        message: format!(
            "{archive} holds {} that are empty or no logs and were left out",
            counted((all - MAX_NAMED) as u64, "more file", "more files")
        ),
        input: Some(archive.to_string()),
    }));
    warnings
}

fn is_found_again(warning: &Warning) -> bool {
    [EMPTY, NOT_A_LOG, DUPLICATE_CONTENT].contains(&&*warning.code)
}

/// What somebody may do whose log is in a format that nobody knows.
const FORMATS_ADVICE: &str = "; `aftertrace formats --explain FILE` shows why, and --access-format reads a format that you give";

/// Bytes of an input that tell what it is if it is no log.
const LOOKED_AT: usize = 4096;

/// Whether bytes are text.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

/// The warning about an input in which no format was recognised; `bytes` is all that it has, or its beginning.
pub fn no_log(name: &str, bytes: &[u8]) -> Warning {
    let (code, what) = match foreign(bytes) {
        _ if bytes.is_empty() => (EMPTY, "is empty".to_string()),
        None if is_utf16(bytes) => (
            NOT_A_LOG,
            "is UTF-16 text, which cannot be read; convert it first, as `iconv -f UTF-16 -t UTF-8` does"
                .to_string(),
        ),
        Some(kind) => (
            NOT_A_LOG,
            format!("is {kind}, which cannot be read; unpack it first"),
        ),
        None => (
            NOT_A_LOG,
            format!(
                "is in none of the known log formats and was left out{}",
                if is_text(bytes) { FORMATS_ADVICE } else { "" }
            ),
        ),
    };
    Warning {
        code: code.into(),
        message: format!("{name} {what}"),
        input: Some(name.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_log_is_named_and_says_what_to_do() {
        let message = |bytes: &[u8]| no_log("x", bytes).message;
        let utf16: Vec<u8> = "192.0.2.7 - - [19/May"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let marked: Vec<u8> = [&[0xff, 0xfe][..], &utf16].concat();
        for bytes in [&utf16, &marked] {
            assert!(message(bytes).contains("is UTF-16 text"), "{bytes:?}");
        }
        assert!(message(b"PK\x03\x04").contains("unpack it first"));
        assert!(message(b"nothing of interest").contains("--explain"));
        assert!(!message(&[0, 159, 146, 150].repeat(20)).contains("--explain"));
        assert_eq!(message(b""), "x is empty");
    }
}

//! What was named on the command line, found, opened, and identified by its content.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result, Warning};
use crate::event::{Access, Event};
use crate::format::sample;
use crate::format::spec::{Arena, Desk, LogKind, Sought, YearHint};
use crate::format::timing::Timing;
use crate::format::{self, Vote, vote};
use crate::known::Known;
use crate::pass::{Clock, Hops, Log, Part, Who};
use crate::proxies::Proxies;
use crate::relays::Relays;
use crate::source::discover::discover;
use crate::source::open::{OpenOptions, Source, open_all};
use crate::time::{Time, UtcOffset};

/// Opened inputs whose format is known.
pub struct Inputs {
    /// The inputs, in their sorted order.
    pub sources: Vec<Source>,
    /// The format of each; `None` for what is no log.
    pub formats: Vec<Option<Vote>>,
    /// Where each says how long requests took, if it does.
    pub timings: Vec<Option<Timing>>,
    /// Where each says who asked, if the user asked for it.
    hops: Vec<Option<Hops>>,
    /// The proxies that each takes for clients, as far as a sample shows.
    pub relays: Vec<Option<Relays>>,
    /// Whose requests are set aside.
    known: Option<Arc<Known>>,
    /// What could not be read or understood.
    pub warnings: Vec<Warning>,
}

impl Inputs {
    /// Finds, opens and identifies inputs.
    ///
    /// # Errors
    /// [`Error::NoInput`] when nothing that was named can be read.
    pub fn open(paths: &[PathBuf], mmap: bool) -> Result<Inputs> {
        let (found, mut warnings) = discover(paths)?;
        let (sources, troubles) = open_all(
            &found,
            &OpenOptions {
                mmap,
                ..OpenOptions::default()
            },
        );
        warnings.extend(troubles);
        if sources.is_empty() {
            let reasons: Vec<String> = warnings
                .into_iter()
                .map(|warning| warning.message)
                .collect();
            return Err(Error::NoInput(reasons.join("; ")));
        }
        let mut formats: Vec<_> = sources.iter().map(|source| vote(source.bytes())).collect();
        tell_years(&sources, &mut formats);
        let timing = |(source, vote): (&Source, &Option<Vote>)| {
            let vote = vote.as_ref()?;
            let access = vote.format.kind == LogKind::Access;
            access.then(|| format::timing(source.bytes(), &vote.reader))?
        };
        let timings = sources.iter().zip(&formats).map(timing).collect();
        for (source, format) in sources.iter().zip(&formats) {
            if format.is_none() {
                warnings.push(no_log(&source.name, source.bytes().is_empty()));
            }
        }
        Ok(Inputs {
            hops: vec![None; sources.len()],
            relays: vec![None; sources.len()],
            known: None,
            sources,
            formats,
            timings,
            warnings,
        })
    }

    /// What was found out about how to read an input.
    pub fn notes(&self, index: usize) -> Vec<String> {
        let vote = self.formats[index].as_ref();
        let mut notes = vote.map_or_else(Vec::new, |vote| vote.reader.notes());
        notes.extend(self.timings[index].map(Timing::note));
        notes
    }

    /// Tells clients as the user wishes: from the proxies in front, and from those who are set aside. Looks whether
    /// there are proxies that the user did not name.
    pub fn identify(&mut self, who: &Who) {
        self.known = (!who.known.is_empty()).then(|| who.known.clone());
        let inputs = self.sources.iter().zip(&mut self.formats).enumerate();
        for (index, (source, vote)) in inputs {
            let Some(vote) = vote.as_mut().filter(|vote| may_have_requests(vote)) else {
                continue;
            };
            let bytes = source.bytes();
            self.hops[index] = hops(who, vote, bytes);
            self.relays[index] = relays(vote, bytes, self.hops[index].as_ref());
        }
    }

    /// The logs of a kind. Their offset is UTC until told otherwise.
    pub fn logs(&self, kind: LogKind) -> Vec<Log<'_>> {
        let all = self.sources.iter().zip(&self.formats).enumerate();
        all.filter_map(|(index, (source, format))| {
            let vote = format.as_ref()?;
            (vote.format.kind == kind || vote.format.mixed).then(|| Log {
                source: index as u32,
                bytes: source.bytes(),
                part: Part::all(source.bytes()),
                format: vote.format,
                reader: vote.reader.clone(),
                clock: Clock::fixed(UtcOffset::UTC),
                timing: self.timings[index],
                hops: self.hops[index].clone(),
                known: self.known.clone(),
            })
        })
        .collect()
    }

    /// Makes sure that every mapped byte is still there.
    ///
    /// # Errors
    /// When a file was shortened since it was opened.
    pub fn check(&self) -> Result<()> {
        self.sources.iter().try_for_each(Source::check)
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
    let spans = others.filter_map(|index| ends(sources[index].bytes(), formats[index].as_ref()?));
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
fn ends(bytes: &[u8], vote: &Vote) -> Option<(Time, Time)> {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let time = |(at, line)| match vote.reader.read(line, at, &mut desk) {
        Ok(Event::Access(access)) => Some(access.time),
        Ok(Event::Error(record)) => Some(record.time),
        Err(_) => None,
    };
    let times: Vec<Time> = sample::lines(bytes).into_iter().filter_map(time).collect();
    Some((*times.iter().min()?, *times.iter().max()?))
}

fn may_have_requests(vote: &Vote) -> bool {
    vote.format.kind == LogKind::Access || vote.format.mixed
}

/// Where a log has the field that the user names, and who is believed in it; `None` if the user names none, or if the log
/// names its fields and has none of this name. May give the vote another reader, which takes that field.
pub fn hops(who: &Who, vote: &mut Vote, bytes: &[u8]) -> Option<Hops> {
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
fn relays(vote: &Vote, bytes: &[u8], hops: Option<&Hops>) -> Option<Relays> {
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
    Relays::of(&requests.iter().map(sighting).collect::<Vec<_>>())
}

/// The warning about an input in which no format was recognised.
pub fn no_log(name: &str, empty: bool) -> Warning {
    let (code, what) = match empty {
        true => ("empty_input", "is empty"),
        false => (
            "not_a_log",
            "is in none of the known log formats and was left out",
        ),
    };
    Warning {
        code,
        message: format!("{name} {what}"),
        input: Some(name.to_string()),
    }
}

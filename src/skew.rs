//! How far the clocks of several logs are apart, told by the requests that two of them hold: a load balancer and the
//! server behind it log the same request, and so do an access log and the error log beside it.
//!
//! What two logs share is not known line by line, since clients and fields differ from log to log. So all pairs of
//! lines that may be the same request are formed, and their differences in time counted: those of different requests
//! scatter, those of shared ones pile up at the difference of the clocks. (The same idea as the cross-correlation of
//! two point processes.) Only the timeline is corrected by it; no record's time is changed.

use std::collections::BTreeMap;
use std::ops::Range;

use hashbrown::{HashMap, HashSet};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::chunk;
use crate::client::Client;
use crate::event::{Access, Event};
use crate::evidence::capped::{StableHash, hash_bytes, mix64};
use crate::format::combined::request_line;
use crate::format::spec::{Arena, Desk};
use crate::pass::Log;

/// Clocks are looked at that are at most this far apart, in seconds. What is further apart is a wrong zone or a clock
/// that was never set, and would make everything match everything.
const REACH_S: i64 = 900;

/// Bytes of the pieces that a log is cut into, unless there would be more than [`MOST_PIECES`]. They are not the chunks
/// of the passes, whose size must not be seen in the result.
const PIECE_BYTES: usize = 1 << 20;

/// Pieces of a log at most: of each the times at its ends are read.
const MOST_PIECES: usize = 4096;

/// Pieces of a log that are compared: the quiet ones say most, because little in them is alike by chance.
const PIECES: usize = 4;

/// Logs of its time that a log is compared with: so many of the largest, one of which may be a balancer's, and as many
/// whose paths are next to its own, as those of one server are. Otherwise the pairs of a hundred servers would take longer
/// than their logs.
const OF_EACH: usize = 2;

/// Comparisons in vain, after which the logs that are left, the shortest, are not compared.
const MOST_IN_VAIN: usize = 256;

/// Pieces of the other log that one is compared with, around its own time.
const PARTNERS: usize = 16;

/// Lines that are tried at either end of a piece until one has a time.
const TRIES: usize = 16;

/// Lines of a key beyond which it says nothing: the start page is asked for all the time.
const COMMON: usize = 24;

/// Pairs that must agree to a second.
const ENOUGH: usize = 8;

/// By how much they must outnumber those of any other difference.
const MARGIN: usize = 3;

/// How close two differences are the same: times of a second's width at either end.
const WIDTH_S: i64 = 1;

/// Share of the lines that must be those of another log, for its requests to be the same: a few are lost or written
/// late.
const REPEATED: f64 = 0.9;

/// Lines that must be shared for it: health checks alone come to two servers at the same seconds as well.
const LEAST_REPEATED: usize = 100;

/// What was found out about the clock of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// How much it is ahead of the reference, in seconds.
    pub ahead_s: i64,
    /// Lines that agree on it with one of the other log.
    pub shared: usize,
    /// Lines that were compared.
    pub compared: usize,
    /// The source that it was compared with.
    pub against: u32,
}

impl Skew {
    /// Whether the requests of this log stand in the other one as well, as they do in the log of a balancer: two servers
    /// that share the work agree on a flood's times, but not on most requests.
    pub fn is_repetition(&self) -> bool {
        self.shared >= LEAST_REPEATED && self.shared as f64 >= REPEATED * self.compared as f64
    }
}

/// Whole lines of a log, and the time that they begin and end at.
#[derive(Debug, Clone)]
struct Piece {
    bytes: Range<usize>,
    /// Seconds.
    first: i64,
    /// Seconds; not before `first`.
    last: i64,
}

impl Piece {
    /// Seconds a byte, in a unit that orders: few lines a second are quiet.
    fn quiet(&self) -> i64 {
        (self.last - self.first).saturating_mul(PIECE_BYTES as i64) / self.bytes.len().max(1) as i64
    }
}

/// A log and its pieces.
struct Clocked<'a> {
    log: &'a Log<'a>,
    pieces: Vec<Piece>,
}

impl<'a> Clocked<'a> {
    fn of(log: &'a Log<'a>) -> Clocked<'a> {
        let part = log.part.bytes.clone();
        let size = PIECE_BYTES.max(part.len() / MOST_PIECES);
        let cut: Vec<Range<usize>> = cut(log, part, size);
        let pieces = cut.into_par_iter().filter_map(|bytes| piece(log, bytes));
        Clocked {
            log,
            pieces: pieces.collect(),
        }
    }

    /// From its first to its last time.
    fn span(&self) -> Option<(i64, i64)> {
        let first = self.pieces.iter().map(|piece| piece.first).min()?;
        let last = self.pieces.iter().map(|piece| piece.last).max()?;
        Some((first, last))
    }

    /// Whether two logs are of the same time for the most part: one that goes on where the other ends, as after
    /// rotation, holds none of its requests, however alike they are.
    fn goes_along_with(&self, other: &Clocked<'_>) -> bool {
        let (Some(mine), Some(theirs)) = (self.span(), other.span()) else {
            return false;
        };
        let common = mine.1.min(theirs.1) - mine.0.max(theirs.0);
        common * 2 >= (mine.1 - mine.0).min(theirs.1 - theirs.0)
    }
}

/// A piece of a large log in parts of [`PIECE_BYTES`], of which so many may be held in memory.
fn parts(log: &Log<'_>, of: &Piece) -> Vec<Piece> {
    let cut = cut(log, of.bytes.clone(), PIECE_BYTES).into_iter();
    cut.filter_map(|bytes| piece(log, bytes)).collect()
}

/// A range of a log in pieces of about so many bytes, each of whole lines: where an even cut falls into a line, that line
/// goes to the piece before.
fn cut(log: &Log<'_>, range: Range<usize>, size: usize) -> Vec<Range<usize>> {
    let evenly = (1..range.len().div_ceil(size.max(1))).map(|piece| range.start + piece * size);
    let ends = evenly.map(|at| log.bytes.line_end(at - 1).min(range.end));
    let mut pieces = Vec::new();
    let mut start = range.start;
    for end in ends.chain([range.end]) {
        if end > start {
            pieces.push(start..end);
            start = end;
        }
    }
    pieces
}

/// The times at both ends; `None` where there are none.
fn piece(log: &Log<'_>, bytes: Range<usize>) -> Option<Piece> {
    let at_start = log.bytes.lines(bytes.clone()).map(|(at, _)| at);
    let starts = at_start.take(TRIES).collect::<Vec<_>>();
    let before = |end: &usize| {
        let start = log.bytes.last_feed(bytes.start, *end - 1);
        let start = start.map_or(bytes.start, |at| at + 1);
        (start > bytes.start).then_some(start)
    };
    let ends = std::iter::successors(Some(bytes.end), before).skip(1);
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    let times: Vec<i64> = starts
        .into_iter()
        .chain(ends.take(TRIES))
        .filter_map(|at| time_at(log, at, &mut desk))
        .collect();
    Some(Piece {
        first: *times.iter().min()?,
        last: *times.iter().max()?,
        bytes,
    })
}

fn time_at<'l>(log: &Log<'l>, at: usize, desk: &mut Desk<'l>) -> Option<i64> {
    let (_, line) = log.bytes.lines(at..log.bytes.len()).next()?;
    let event = log.read(line, at as u64, desk).ok()?;
    Some(event.time().secs())
}

/// The skews of all logs that share requests with another, by source. The largest access log that shares requests with
/// others is the reference, at 0.
pub fn skews(access: &[Log<'_>], errors: &[Log<'_>]) -> BTreeMap<u32, Skew> {
    if access.is_empty() || access.len() + errors.len() < 2 {
        return BTreeMap::new();
    }
    let mut logs: Vec<_> = access.iter().map(Clocked::of).collect();
    logs.sort_by_key(|clocked| {
        (
            std::cmp::Reverse(clocked.log.part.bytes.len()),
            clocked.log.source,
        )
    });
    let mut found = BTreeMap::new();
    let mut in_vain = 0;
    for (index, clocked) in logs.iter().enumerate() {
        let skew = first(clocked, &logs[..index], &found, &mut in_vain);
        found.extend(skew.map(|skew| (clocked.log.source, skew)));
    }
    // Those that are no access logs besides.
    let alone = |log: &&Log<'_>| access.iter().all(|other| other.source != log.source);
    for clocked in errors.iter().filter(alone).map(Clocked::of) {
        let skew = first(&clocked, &logs, &found, &mut in_vain);
        found.extend(skew.map(|skew| (clocked.log.source, skew)));
    }
    for reference in found.values().map(|skew| skew.against).collect::<Vec<_>>() {
        found.entry(reference).or_insert(Skew {
            ahead_s: 0,
            shared: 0,
            compared: 0,
            against: reference,
        });
    }
    found
}

/// What the first of the others tells that shares requests with a log.
fn first(
    clocked: &Clocked<'_>,
    others: &[Clocked<'_>],
    known: &BTreeMap<u32, Skew>,
    in_vain: &mut usize,
) -> Option<Skew> {
    for other in candidates(clocked, others) {
        if *in_vain >= MOST_IN_VAIN {
            return None;
        }
        match against(clocked, other, known) {
            Some(skew) => return Some(skew),
            None => *in_vain += 1,
        }
    }
    None
}

/// Those of the others that a log is compared with, in their order, which is that of their size.
fn candidates<'o, 'l>(clocked: &Clocked<'_>, others: &'o [Clocked<'l>]) -> Vec<&'o Clocked<'l>> {
    let mut along: Vec<(usize, &Clocked<'_>)> = others.iter().enumerate().collect();
    along.retain(|(_, other)| clocked.goes_along_with(other));
    if along.len() > 2 * OF_EACH {
        // Sources are in the order of their paths.
        let away = |other: &Clocked<'_>| other.log.source.abs_diff(clocked.log.source);
        along[OF_EACH..].sort_by_key(|(_, other)| away(other));
        along.truncate(2 * OF_EACH);
        along.sort_by_key(|(order, _)| *order);
    }
    along.into_iter().map(|(_, other)| other).collect()
}

/// How much a log's clock is ahead of the reference, by way of another log whose skew is known, or that is the
/// reference itself.
fn against(
    clocked: &Clocked<'_>,
    other: &Clocked<'_>,
    known: &BTreeMap<u32, Skew>,
) -> Option<Skew> {
    let difference = compare(clocked, other)?;
    let base = known.get(&other.log.source).map_or(0, |skew| skew.ahead_s);
    Some(Skew {
        ahead_s: base + difference.ahead_s,
        ..difference
    })
}

/// What may make two lines the same request, from the surest to the least sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Alike {
    /// The same client asked for the same.
    ClientAndTarget,
    /// The same program asked for the same: a server behind a proxy sees the proxy as its client.
    AgentAndTarget,
    /// Somebody asked for the same.
    Target,
    /// The same client asked: messages of Apache name no request.
    Client,
}

const KINDS: [Alike; 4] = [
    Alike::ClientAndTarget,
    Alike::AgentAndTarget,
    Alike::Target,
    Alike::Client,
];

/// What a line may share with others.
type Key = (Alike, u64);

/// Times of the lines with a key, in seconds, of one [`COMMON`] and one more at most.
#[derive(Default)]
struct Times {
    own: Vec<i64>,
    others: Vec<i64>,
}

/// What a piece of a log seeks in another log. Most lines there have none of it, and are passed over by their client alone
/// where everything that is sought is of clients.
struct Wanted {
    lines: HashMap<Key, Times>,
    /// The kinds of keys among them.
    kinds: [bool; KINDS.len()],
    /// All clients of the piece.
    clients: HashSet<u64>,
}

/// The difference between two clocks, if the logs share requests.
fn compare(clocked: &Clocked<'_>, other: &Clocked<'_>) -> Option<Skew> {
    let mut quiet: Vec<&Piece> = clocked.pieces.iter().collect();
    quiet.retain(|piece| !nearest(piece, other.pieces.iter()).is_empty());
    quiet.sort_by_key(|piece| (std::cmp::Reverse(piece.quiet()), piece.bytes.start));
    quiet.truncate(PIECES);
    let differences = quiet.into_par_iter().filter_map(|piece| {
        let first = parts(clocked.log, piece).into_iter().next()?;
        Some(differences(clocked.log, &first, other))
    });
    let mut of_kind: [Differences; KINDS.len()] = Default::default();
    for piece in differences.collect::<Vec<_>>() {
        for (all, more) in of_kind.iter_mut().zip(piece) {
            all.extend(more);
        }
    }
    let found = of_kind
        .iter()
        .filter_map(|lines| Some((peak(&lines.pairs)?, lines)));
    let ((ahead_s, _), lines) = found.max_by_key(|((_, pairs), _)| *pairs)?;
    let meets = |line: &&[i64]| {
        let mut differences = line.iter();
        differences.any(|difference| (difference - ahead_s).abs() <= 2 * WIDTH_S)
    };
    Some(Skew {
        ahead_s,
        shared: lines.lines().filter(meets).count(),
        compared: lines.ends.len(),
        against: other.log.source,
    })
}

/// For each line its differences in time to those of the other log that may be the same request.
#[derive(Default)]
struct Differences {
    /// Those of all lines, one line behind the other.
    pairs: Vec<i64>,
    /// Where those of each line end.
    ends: Vec<usize>,
}

impl Differences {
    fn push_line(&mut self, time: i64, others: &[i64]) {
        let differences = others.iter().map(|other| time - other);
        let near = differences.filter(|difference| difference.abs() <= REACH_S);
        self.pairs.extend(near);
        self.ends.push(self.pairs.len());
    }

    fn extend(&mut self, more: Differences) {
        let before = self.pairs.len();
        self.pairs.extend(more.pairs);
        self.ends.extend(more.ends.iter().map(|end| before + end));
    }

    fn lines(&self) -> impl Iterator<Item = &[i64]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let lines = starts.zip(&self.ends);
        lines.map(|(start, end)| &self.pairs[start..*end])
    }
}

/// Compares one piece with those of the other log around its time; by what makes two lines alike.
fn differences(log: &Log<'_>, piece: &Piece, other: &Clocked<'_>) -> [Differences; KINDS.len()] {
    let mut wanted = Wanted::of(log, piece);
    for partner in partners(piece, other) {
        wanted.file_others(other.log, &partner);
    }
    let mut found: [Differences; KINDS.len()] = Default::default();
    for ((kind, _), times) in &wanted.lines {
        if times.others.len() <= COMMON {
            let lines = &mut found[*kind as usize];
            let times = times.own.iter().map(|time| (*time, &times.others));
            times.for_each(|(time, others)| lines.push_line(time, others));
        }
    }
    found
}

/// The pieces of the other log that may hold the same requests: those nearest in time.
fn partners(piece: &Piece, other: &Clocked<'_>) -> Vec<Piece> {
    let near = nearest(piece, other.pieces.iter());
    let parts: Vec<Piece> = near
        .into_iter()
        .flat_map(|near| parts(other.log, near))
        .collect();
    nearest(piece, parts.iter()).into_iter().cloned().collect()
}

fn nearest<'o>(piece: &Piece, theirs: impl Iterator<Item = &'o Piece>) -> Vec<&'o Piece> {
    let middle = piece.first + (piece.last - piece.first) / 2;
    let reach = piece.first - REACH_S..=piece.last + REACH_S;
    let near = |theirs: &&Piece| theirs.first <= *reach.end() && theirs.last >= *reach.start();
    let mut near: Vec<&Piece> = theirs.filter(near).collect();
    near.sort_by_key(|theirs| {
        let away = (theirs.first - middle).max(middle - theirs.last).max(0);
        (away, theirs.bytes.start)
    });
    near.truncate(PARTNERS);
    near
}

impl Wanted {
    /// What the lines of a piece may share with others; what is common among them says nothing.
    fn of(log: &Log<'_>, piece: &Piece) -> Wanted {
        let mut wanted = Wanted {
            lines: HashMap::new(),
            kinds: [true; KINDS.len()],
            clients: HashSet::new(),
        };
        let everybody = |_| true;
        each_key(log, piece, &[true; KINDS.len()], everybody, |key, secs| {
            note(&mut wanted.lines.entry(key).or_default().own, secs);
            if key.0 == Alike::Client {
                wanted.clients.insert(key.1);
            }
        });
        wanted.lines.retain(|_, times| times.own.len() <= COMMON);
        wanted.kinds = KINDS.map(|kind| wanted.lines.keys().any(|key| key.0 == kind));
        wanted
    }

    /// Files the lines of a piece of the other log that are sought.
    fn file_others(&mut self, log: &Log<'_>, piece: &Piece) {
        let Wanted {
            lines,
            kinds,
            clients,
        } = self;
        let anybody = kinds[Alike::Target as usize] || kinds[Alike::AgentAndTarget as usize];
        let wanted = |client: Client| anybody || clients.contains(&client.stable_hash());
        each_key(log, piece, kinds, wanted, |key, secs| {
            if let Some(times) = lines.get_mut(&key) {
                note(&mut times.others, secs);
            }
        });
    }
}

/// Adds a time, unless there are so many that it does not matter.
fn note(times: &mut Vec<i64>, secs: i64) {
    if times.len() <= COMMON {
        times.push(secs);
    }
}

/// Shows what the lines of a piece may share with others, as far as it is of these kinds, and their times in seconds. Of
/// clients that are not `wanted` not everything is shown.
fn each_key(
    log: &Log<'_>,
    piece: &Piece,
    kinds: &[bool; KINDS.len()],
    wanted: impl Fn(Client) -> bool,
    mut show: impl FnMut(Key, i64),
) {
    let arena = Arena::new();
    let mut desk = Desk::new(&arena);
    for (offset, line) in chunk::lines(log.bytes.get(piece.bytes.clone())) {
        let at = piece.bytes.start + offset;
        if log.client(line).is_some_and(|client| !wanted(client)) {
            continue;
        }
        match log.read(line, at as u64, &mut desk) {
            Ok(Event::Access(access)) => keys_of_request(&access, kinds, &mut show),
            Ok(Event::Error(record)) => {
                let Some(client) = record.client else {
                    continue;
                };
                let who = client.stable_hash();
                let secs = record.time.secs();
                show((Alike::Client, who), secs);
                if let Some(request) = record.request {
                    let (_, target, _) = request_line(request);
                    let what = mix64(hash_bytes(target));
                    show((Alike::ClientAndTarget, who ^ what), secs);
                }
            }
            Err(_) => {}
        }
    }
}

fn keys_of_request(
    access: &Access<'_>,
    kinds: &[bool; KINDS.len()],
    mut show: impl FnMut(Key, i64),
) {
    let secs = access.time.secs();
    let target = mix64(hash_bytes(access.target));
    let who = access.client.stable_hash();
    let mut show = |kind: Alike, key: u64| {
        if kinds[kind as usize] {
            show((kind, key), secs);
        }
    };
    show(Alike::Target, target);
    show(Alike::ClientAndTarget, who ^ target);
    show(Alike::Client, who);
    if let Some(agent) = access.user_agent
        && kinds[Alike::AgentAndTarget as usize]
    {
        show(Alike::AgentAndTarget, mix64(hash_bytes(agent)) ^ target);
    }
}

/// Where the differences pile up, and how many there are: their median there. None is larger than [`REACH_S`].
fn peak(differences: &[i64]) -> Option<(i64, usize)> {
    const WIDTH: usize = 2 * REACH_S as usize + 1;
    let mut counts = [0usize; WIDTH];
    for difference in differences {
        counts[(difference + REACH_S) as usize] += 1;
    }
    let at = |difference: i64| (difference + REACH_S).clamp(0, WIDTH as i64 - 1) as usize;
    let around = |centre: i64| -> usize {
        counts[at(centre - WIDTH_S)..=at(centre + WIDTH_S)]
            .iter()
            .sum()
    };
    let centres = || (-REACH_S..=REACH_S).filter(|centre| counts[at(*centre)] > 0);
    let best = centres()
        .max_by_key(|centre| (around(*centre), std::cmp::Reverse(centre.abs()), *centre))?;
    let count = around(best);
    let apart = |centre: &i64| (centre - best).abs() > 2 * WIDTH_S + 1;
    let second = centres().filter(apart).map(around).max();
    let sure = count >= ENOUGH && count >= MARGIN * second.unwrap_or(0);
    let mut before = 0;
    let middle = (best - WIDTH_S..=best + WIDTH_S).find(|centre| {
        before += counts[at(*centre)];
        before > count / 2
    });
    let middle = middle.unwrap_or(best);
    sure.then_some((if middle.abs() <= WIDTH_S { 0 } else { middle }, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::combined::COMBINED;
    use crate::format::nginx_error::FORMAT as NGINX_ERROR;
    use crate::time::Time;

    /// 2026-05-19T12:00:00Z.
    const NOON: i64 = 1_779_192_000;

    /// Requests of many clients for few pages, each logged `ahead` seconds too late; `seen_as` is the client that is
    /// logged instead of the real one.
    fn access(ahead: i64, every: usize, seen_as: Option<&str>) -> String {
        let line = |n: usize| {
            let at = Time::from_secs(NOON + 3 * n as i64 + ahead);
            let stamp = at.format_at(Default::default(), "%d/%b/%Y:%H:%M:%S %z");
            let own = format!("192.0.2.{}", n * 7 % 200);
            let client = seen_as.unwrap_or(&own);
            let page = n * n % 61;
            format!(
                "{client} - - [{stamp}] \"GET /p/{page} HTTP/1.1\" 200 5 \"-\" \"agent {}\"\n",
                n % 23
            )
        };
        (0..1200).step_by(every).map(line).collect()
    }

    fn errors(ahead: i64) -> String {
        let line = |n: usize| {
            let at = Time::from_secs(NOON + 3 * n as i64 + ahead);
            let stamp = at.format_at(Default::default(), "%Y/%m/%d %H:%M:%S");
            let (client, page) = (n * 7 % 200, n * n % 61);
            format!(
                "{stamp} [error] 8#8: *{n} no live upstreams while connecting to upstream, client: 192.0.2.{client}, \
                 server: s, request: \"GET /p/{page} HTTP/1.1\", host: \"shop.example\"\n"
            )
        };
        (0..1200).step_by(11).map(line).collect()
    }

    fn found(access: &[&str], errors: &[&str]) -> Vec<(u32, i64)> {
        let mut source = 0;
        let mut log = |format, text: &'static str| {
            source += 1;
            Log {
                source: source - 1,
                ..Log::of(format, text.as_bytes()).unwrap()
            }
        };
        let leak = |text: &str| -> &'static str { text.to_string().leak() };
        let access: Vec<_> = access
            .iter()
            .map(|text| log(&COMBINED, leak(text)))
            .collect();
        let errors: Vec<_> = errors
            .iter()
            .map(|text| log(&NGINX_ERROR, leak(text)))
            .collect();
        let all = skews(&access, &errors);
        all.iter()
            .map(|(source, skew)| (*source, skew.ahead_s))
            .collect()
    }

    #[test]
    fn a_balancer_and_the_servers_behind_it_tell_their_clocks() {
        let balancer = access(0, 1, None);
        let (one, two) = (
            access(90, 2, Some("10.0.0.1")),
            access(-37, 3, Some("10.0.0.1")),
        );
        let skews = found(&[&balancer, &one, &two], &[]);
        assert_eq!(skews, [(0, 0), (1, 90), (2, -37)]);
    }

    #[test]
    fn an_error_log_is_told_by_the_access_log_beside_it() {
        let skews = found(&[&access(0, 1, None)], &[&errors(42)]);
        assert_eq!(skews, [(0, 0), (1, 42)]);
    }

    #[test]
    fn a_log_among_many_is_told_by_its_neighbour_and_by_the_largest() {
        // Eight servers, each with its own visitors, an error log beside the sixth, and a balancer before the last.
        let own = |server: usize| {
            let log = access(0, 1, None).replace("/p/", &format!("/{server}/"));
            log.replace("192.0.2.", &format!("198.51.{server}."))
        };
        let mut servers: Vec<String> = (0..8).map(own).collect();
        let balancer = access(0, 1, None) + &access(3600, 3, None);
        servers.push(balancer);
        servers.push(access(90, 2, Some("10.0.0.1")));
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        assert_eq!(found(&servers, &[]), [(8, 0), (9, 90)]);
        let mut texts: Vec<Log<'_>> = Vec::new();
        for (source, text) in servers[..8].iter().enumerate() {
            texts.push(Log {
                // One number is left for what is beside the sixth.
                source: source as u32 + u32::from(source > 5),
                ..Log::of(&COMBINED, text.as_bytes()).unwrap()
            });
        }
        let beside = errors(42).replace("/p/", "/5/");
        let beside = beside.replace("192.0.2.", "198.51.5.");
        let beside = Log {
            source: 6,
            ..Log::of(&NGINX_ERROR, beside.as_bytes()).unwrap()
        };
        let all = skews(&texts, &[beside]);
        assert_eq!(
            all.get(&6).map(|skew| (skew.ahead_s, skew.against)),
            Some((42, 5))
        );
    }

    #[test]
    fn logs_that_share_nothing_tell_nothing() {
        let other = access(5, 1, None)
            .replace("/p/", "/q/")
            .replace("192.0.2.", "198.51.100.");
        assert_eq!(found(&[&access(0, 1, None), &other], &[]), []);
    }
}

//! From the keys of a JSON log to a record: which key says what, and reading a line by that.
//!
//! The keys of an input are learned from some of its lines; since a server writes them in the same order each time,
//! finding one costs a comparison. Nothing here knows any server's names.

use crate::client::Client;
use crate::decode::MAX_FIELD;
use crate::event::Unparsed;
use crate::format::json::{Kind, Path, Scanner, Value};
use crate::format::record::{Draft, Field, host_of, nearest};
use crate::format::spec::{Arena, Desk};
use crate::proxies::HeaderName;
use crate::time::Unit;

/// What becomes of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Nothing.
    Ignore,
    /// It is searched for attacks, if it can hold one.
    Search,
    /// It is this field.
    Set(Field),
    /// It is this field if no [`Take::Set`] says anything.
    Fallback(Field),
    /// A target that may be a whole URL: its host and the rest are two fields.
    Url,
    /// The format itself looks at it: [`Fields::words`].
    Word(usize),
    /// It is the header that the user named: [`Keys::forwarded_from`].
    Header,
}

/// Words that a format can ask for.
pub const WORDS: usize = 4;

/// Keys remembered of an input. Servers write some dozens; with headers among them a client makes up more.
const MAX_KEYS: usize = 256;

/// Fallbacks of one line.
const MAX_FALLBACKS: usize = 8;

/// Values of one line that are searched beside the fields.
const MAX_SEARCHED: usize = 16;

/// What [`Field::Forwarded`] is where nobody names a header.
const FORWARDED_FOR: &[u8] = b"x-forwarded-for";

/// A name that a server gives a key, with dots between the keys that lead to it.
pub type Name = (&'static str, Take);

/// What the keys of an input say.
#[derive(Clone)]
pub struct Keys {
    /// Paths with dots, in the order in which they came first.
    known: Vec<(Box<[u8]>, Take)>,
    /// Tells most of the paths that are none of them.
    sieve: Sieve,
    /// How many of them lines had; the others may still come.
    seen: usize,
    /// What becomes of others.
    other: fn(&Path<'_, '_>) -> Take,
    /// The client stands nowhere but in the header that the user named.
    client_in_list: bool,
}

/// A set of bits for lengths, first and last bytes of names. Lines with hundreds of keys that nobody knows would be held
/// against every name otherwise, key by key.
#[derive(Clone, Default)]
struct Sieve([u64; Sieve::WORDS]);

impl Sieve {
    /// Enough bits for most to stay empty when there are [`MAX_KEYS`] names.
    const WORDS: usize = 32;

    fn of<'n>(names: impl Iterator<Item = &'n [u8]>) -> Sieve {
        let mut sieve = Sieve::default();
        for name in names {
            if let (Some(first), Some(last)) = (name.first(), name.last()) {
                let (word, bit) = Sieve::place(name.len(), *first, *last);
                sieve.0[word] |= bit;
            }
        }
        sieve
    }

    /// The word and the bit in it.
    #[inline]
    fn place(length: usize, first: u8, last: u8) -> (usize, u64) {
        // Odd, so that each letter moves the bit.
        let mixed = length
            .wrapping_mul(0x9e5)
            .wrapping_add(usize::from(first).wrapping_mul(0x2f))
            .wrapping_add(usize::from(last).wrapping_mul(0x3b3));
        (mixed / 64 % Sieve::WORDS, 1 << (mixed % 64))
    }

    /// False if a path is none of the names for certain.
    #[inline]
    fn may_hold(&self, path: &Path<'_, '_>) -> bool {
        let ends = (path.keys.first(), path.keys.last());
        let (Some([first, ..]), Some([.., last])) = ends else {
            return true;
        };
        let dots = path.keys.len() - 1;
        let length = path.keys.iter().map(|key| key.len()).sum::<usize>() + dots;
        let (word, bit) = Sieve::place(length, *first, *last);
        self.0[word] & bit != 0
    }
}

/// Gives the name of the request's header that a path (with dots) holds, if it holds one.
pub type HeaderOf = fn(&[u8]) -> Option<&[u8]>;

impl Keys {
    /// From pairs of a path and what becomes of it.
    pub fn of(
        known: impl IntoIterator<Item = (Vec<u8>, Take)>,
        other: fn(&Path<'_, '_>) -> Take,
    ) -> Keys {
        let boxed = |(name, take): (Vec<u8>, Take)| (name.into_boxed_slice(), take);
        let known: Vec<_> = known.into_iter().map(boxed).collect();
        Keys {
            seen: known.len(),
            sieve: Sieve::of(known.iter().map(|(name, _)| &**name)),
            known,
            other,
            client_in_list: false,
        }
    }

    /// The keys of some lines, by a table of names. Of two names for one field that the lines have, the earlier row is
    /// meant, and the other is its fallback. Names that the lines do not have may still come.
    pub fn by_name(lines: &[&[u8]], names: &[Name], other: fn(&Path<'_, '_>) -> Take) -> Keys {
        let mut found: Vec<(Vec<u8>, Option<usize>)> = Vec::new();
        each_value(lines, |path, _| {
            if found.len() < MAX_KEYS && !found.iter().any(|(name, _)| path.is(name)) {
                let row = names.iter().position(|(name, _)| path.is(name.as_bytes()));
                found.push((path.dotted(), row));
            }
        });
        let mut meant: Vec<usize> = Vec::new();
        let mut mean = |row: usize| {
            let Take::Set(field) = names[row].1 else {
                return;
            };
            let rival =
                |other: &usize| matches!(names[*other].1, Take::Set(other) if same(other, field));
            if !meant.iter().any(rival) {
                meant.push(row);
            }
        };
        let mut rows: Vec<usize> = found.iter().filter_map(|(_, row)| *row).collect();
        rows.sort_unstable();
        rows.into_iter().for_each(&mut mean);
        (0..names.len()).for_each(&mut mean);
        let late =
            (0..names.len()).filter(|row| !found.iter().any(|(_, known)| *known == Some(*row)));
        let late: Vec<_> = late.map(|row| (names[row].0.into(), Some(row))).collect();
        let take = |(path, row): (Vec<u8>, Option<usize>)| {
            let take = match row.map(|row| (row, names[row].1)) {
                Some((row, Take::Set(field))) if !meant.contains(&row) => Take::Fallback(field),
                Some((_, take)) => take,
                None => other(&Path { keys: &[&path] }),
            };
            (path, take)
        };
        let seen = found.len();
        Keys {
            seen,
            ..Keys::of(found.into_iter().chain(late).map(take), other)
        }
    }

    /// These keys for who takes the client from a header: it is [`Field::Forwarded`], and the client is who connected.
    /// `None` if no line had the header.
    ///
    /// `connections` are the paths that say who connected, where another key has the client already as the server sees
    /// it: what a server made of the header must not decide whether the header is believed.
    pub fn forwarded_from(
        &self,
        header: &HeaderName,
        header_of: HeaderOf,
        connections: &[&[u8]],
    ) -> Option<Keys> {
        let named =
            |path: &[u8]| header.is(path) || header_of(path).is_some_and(|name| header.is(name));
        let seen = &self.known[..self.seen];
        let usual = || {
            // called otherwise, but told to be that header by its values or by the format
            let usual = |take: &Take| *take == Take::Set(Field::Forwarded);
            header.is(FORWARDED_FOR) && seen.iter().any(|(_, take)| usual(take))
        };
        let by_name = seen.iter().any(|(path, _)| named(path));
        if !by_name && !usual() {
            return None;
        }
        let connects = |path: &[u8]| connections.contains(&path) && !named(path);
        let known_connection = seen.iter().any(|(path, _)| connects(path));
        let mut keys = self.clone();
        for (path, take) in &mut keys.known {
            *take = match *take {
                _ if by_name && named(path) => Take::Header,
                Take::Set(Field::Forwarded) if by_name => Take::Search,
                Take::Set(Field::Forwarded) => Take::Header,
                _ if known_connection && connects(path) => Take::Set(Field::Client),
                Take::Set(Field::Client) if known_connection => Take::Fallback(Field::Client),
                other => other,
            };
        }
        let client = |(_, take): &(Box<[u8]>, Take)| {
            matches!(
                take,
                Take::Set(Field::Client) | Take::Fallback(Field::Client)
            )
        };
        keys.client_in_list = !keys.known[..keys.seen].iter().any(client);
        Some(keys)
    }

    /// Whether a key is this field.
    pub fn have(&self, wanted: Field) -> bool {
        self.known
            .iter()
            .any(|(_, take)| matches!(take, Take::Set(field) if same(*field, wanted)))
    }

    /// What becomes of a path. `next` is where it is looked for first, and then where the one after it stands.
    #[inline]
    fn find(&self, path: &Path<'_, '_>, next: &mut usize) -> Take {
        let expected = self.known.get(*next);
        if !expected.is_some_and(|(name, _)| path.is(name)) && !self.sieve.may_hold(path) {
            return (self.other)(path);
        }
        for step in 0..self.known.len() {
            let mut at = *next + step;
            if at >= self.known.len() {
                at -= self.known.len();
            }
            let (name, take) = &self.known[at];
            if path.is(name) {
                *next = if at + 1 < self.known.len() { at + 1 } else { 0 };
                return *take;
            }
        }
        (self.other)(path)
    }

    /// Reads a line.
    ///
    /// # Errors
    /// Those of [`Scanner`] and [`Draft::set`].
    #[inline]
    pub fn read<'a>(&self, line: &'a [u8], desk: &mut Desk<'a>) -> Result<Fields<'a>, Unparsed> {
        let mut fields = Fields::default();
        let mut fallbacks = [None; MAX_FALLBACKS];
        let mut waiting = 0;
        let mut searched = 0;
        let mut next = 0;
        let mut header = HeaderLines::default();
        let mut scanner = Scanner::new(line)?;
        while let Some(value) = scanner.next_value()? {
            match self.find(&scanner.path(), &mut next) {
                Take::Ignore => {}
                Take::Search => {
                    if searched < MAX_SEARCHED && can_attack(value) {
                        searched += 1;
                        fields.search(value, desk);
                    }
                }
                Take::Set(field) => fields.set(field, value, desk)?,
                Take::Fallback(field) => {
                    if let Some(slot) = fallbacks.get_mut(waiting) {
                        *slot = Some((field, value));
                        waiting += 1;
                    }
                }
                Take::Url => fields.set_url(value.text(desk), desk)?,
                Take::Word(index) => {
                    fields.words[index].get_or_insert(value.text(desk));
                }
                Take::Header => header.add(value.text(desk), scanner.in_array(), desk),
            }
        }
        if let Some(list) = header.list() {
            fields.draft.set(Field::Forwarded, list, desk)?;
            if self.client_in_list {
                fields.draft.set(Field::Client, nearest(list), desk)?;
            }
        }
        for (field, value) in fallbacks.into_iter().flatten() {
            // what nobody relies on may be wrong
            let _ = fields.set(field, value, desk);
        }
        Ok(fields)
    }

    /// See [`ReadLine::client`](crate::format::spec::ReadLine::client).
    pub fn client(&self, line: &[u8]) -> Option<Client> {
        let mut next = 0;
        let mut scanner = Scanner::new(line).ok()?;
        while let Some(value) = scanner.next_value().ok()? {
            if self.find(&scanner.path(), &mut next) != Take::Set(Field::Client) {
                continue;
            }
            let plain = matches!(value.kind, Kind::Plain);
            let said = plain && !value.raw.is_empty() && value.raw != b"-";
            return said.then(|| Client::parse(host_of(value.raw)));
        }
        None
    }
}

/// The header of a request, which may stand in an array of several lines. They are one list (RFC 9110, 5.3).
#[derive(Default)]
struct HeaderLines<'a> {
    first: Option<&'a [u8]>,
    joined: Option<bumpalo::collections::Vec<'a, u8>>,
    /// The first one was in an array.
    several: bool,
}

impl<'a> HeaderLines<'a> {
    /// Takes a line. Of what is no array the first counts: what comes again may be forged.
    fn add(&mut self, line: &'a [u8], in_array: bool, desk: &Desk<'a>) {
        if matches!(line, b"" | b"-") {
            return;
        }
        let Some(first) = self.first else {
            self.first = Some(line);
            self.several = in_array;
            return;
        };
        if !(self.several && in_array) {
            return;
        }
        let joined = self.joined.get_or_insert_with(|| {
            let mut text = desk.writer();
            text.extend_from_slice(first);
            text
        });
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(line);
    }

    fn list(self) -> Option<&'a [u8]> {
        match self.joined {
            Some(joined) => Some(joined.into_bump_slice()),
            None => self.first,
        }
    }
}

/// Whether two values are for the same field, whatever their units.
fn same(one: Field, other: Field) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}

/// What a line says.
#[derive(Default)]
pub struct Fields<'a> {
    /// The record in the making.
    pub draft: Draft<'a>,
    /// What the format asked for with [`Take::Word`].
    pub words: [Option<&'a [u8]>; WORDS],
}

impl<'a> Fields<'a> {
    #[inline]
    fn set(&mut self, field: Field, value: Value<'a>, desk: &mut Desk<'a>) -> Result<(), Unparsed> {
        let text = value.text(desk);
        match field {
            Field::Duration(unit) => {
                if let Some(micros) = duration_us(text, unit) {
                    self.draft.set_duration(micros);
                }
                Ok(())
            }
            Field::Time if value.kind == Kind::Bare => {
                self.draft.set(field, plain_number(text, desk), desk)
            }
            _ => self.draft.set(field, text, desk),
        }
    }

    fn set_url(&mut self, url: &'a [u8], desk: &mut Desk<'a>) -> Result<(), Unparsed> {
        let (host, target) = split_url(url);
        self.draft.set(Field::Host, host, desk)?;
        self.draft.set(Field::Target, target, desk)
    }

    fn search(&mut self, value: Value<'a>, desk: &mut Desk<'a>) {
        let text = value.text(desk);
        let text = &text[..text.len().min(MAX_FIELD)];
        // an extra is never refused
        let _ = self.draft.set(Field::Extra, text, desk);
    }
}

/// The authority and the rest of `https://shop.example/a?b=c`; no authority in what is no such URL.
pub fn split_url(url: &[u8]) -> (&[u8], &[u8]) {
    let behind = |scheme: &[u8]| url.strip_prefix(scheme);
    let Some(rest) = behind(b"https://").or_else(|| behind(b"http://")) else {
        return (b"", url);
    };
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    match rest.split_at(end.unwrap_or(rest.len())) {
        (host, b"") => (host, b"/"),
        parts => parts,
    }
}

/// Whether a value is long enough for an attack and has a sign that one needs. Addresses, numbers, identifiers and
/// dates are not worth a search.
fn can_attack(value: Value<'_>) -> bool {
    const SHORTEST: usize = 5;
    let harmless = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b',' | b'+')
    };
    value.kind != Kind::Bare
        && value.raw.len() >= SHORTEST
        && (!value.raw.iter().all(harmless) || value.raw.windows(2).any(|pair| pair == b".."))
}

/// A number with an exponent written out, as seconds; any other value as it is.
fn plain_number<'a>(text: &'a [u8], desk: &Desk<'a>) -> &'a [u8] {
    match exponential(text) {
        Some(number) => desk.keep(format!("{number:.6}").as_bytes()),
        None => text,
    }
}

/// `1.7e9`.
fn exponential(text: &[u8]) -> Option<f64> {
    if !text.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return None;
    }
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// A duration in microseconds: a number of `unit`, also with an exponent, or one with its own units behind it as Go
/// writes them (`1m2.5s`, `350ms`, `1.2µs`; `time.Duration.String`). `None` for what is none, such as `-1`.
pub fn duration_us(text: &[u8], unit: Unit) -> Option<u64> {
    unit.micros(text).or_else(|| with_units(text)).or_else(|| {
        let scale = match unit {
            Unit::Seconds => 1e6,
            Unit::Milliseconds => 1e3,
            Unit::Microseconds => 1.0,
            Unit::Nanoseconds => 1e-3,
        };
        Some((exponential(text)? * scale) as u64)
    })
}

/// See [`duration_us`].
pub fn with_units(text: &[u8]) -> Option<u64> {
    let mut rest = text;
    let mut total = 0u64;
    while !rest.is_empty() {
        let digit = |byte: &u8| !byte.is_ascii_digit() && *byte != b'.';
        let (number, behind) = rest.split_at(rest.iter().position(digit)?);
        let end = behind.iter().position(u8::is_ascii_digit);
        let (name, behind) = behind.split_at(end.unwrap_or(behind.len()));
        let (unit, times) = match name.trim_ascii() {
            b"h" => (Unit::Seconds, 3600),
            b"m" => (Unit::Seconds, 60),
            b"s" => (Unit::Seconds, 1),
            b"ms" => (Unit::Milliseconds, 1),
            // with the micro sign or the Greek letter
            b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => (Unit::Microseconds, 1),
            b"ns" => (Unit::Nanoseconds, 1),
            _ => return None,
        };
        total = total.checked_add(unit.micros(number)?.checked_mul(times)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

/// Hands out every value of some lines, each text decoded, until something is wrong with the line.
pub fn each_value(lines: &[&[u8]], mut each: impl FnMut(&Path<'_, '_>, (usize, &[u8]))) {
    for (index, line) in lines.iter().enumerate() {
        let arena = Arena::new();
        let desk = Desk::new(&arena);
        let Ok(mut scanner) = Scanner::new(line) else {
            continue;
        };
        while let Ok(Some(value)) = scanner.next_value() {
            each(&scanner.path(), (index, value.text(&desk)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Access;

    const NAMES: &[Name] = &[
        ("ts", Take::Set(Field::Time)),
        ("real", Take::Set(Field::Client)),
        ("peer", Take::Set(Field::Client)),
        ("status", Take::Set(Field::Status)),
        ("origin", Take::Fallback(Field::Status)),
        ("h.agent", Take::Set(Field::UserAgent)),
    ];

    fn other(path: &Path<'_, '_>) -> Take {
        match path.below(b"h") {
            true => Take::Search,
            false => Take::Ignore,
        }
    }

    fn read(learned: &[&str], line: &str, check: impl Fn(Access<'_>)) {
        let learned: Vec<&[u8]> = learned.iter().map(|line| line.as_bytes()).collect();
        let keys = Keys::by_name(&learned, NAMES, other);
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let fields = keys.read(line.as_bytes(), &mut desk).unwrap();
        let record = fields.draft.finish(&mut desk).unwrap();
        let client = keys.client(line.as_bytes());
        assert!(client.is_none_or(|client| client == record.client));
        check(record);
    }

    #[test]
    fn the_better_name_wins_whatever_the_order() {
        let both = r#"{"peer":"10.0.0.1","real":"203.0.113.7","ts":1779199331,"status":200}"#;
        let peer = r#"{"peer":"10.0.0.1","ts":1779199331}"#;
        let said = |expected: &'static str| {
            move |record: Access<'_>| assert_eq!(record.client_text, expected.as_bytes())
        };
        read(&[both], both, said("203.0.113.7"));
        read(&[both], peer, said("10.0.0.1"));
        read(&[peer], peer, said("10.0.0.1"));
        read(&[], both, said("203.0.113.7"));
    }

    #[test]
    fn fallbacks_and_keys_that_come_late_count() {
        let first = r#"{"peer":"10.0.0.1","ts":1779199331}"#;
        let late = r#"{"origin":502,"h":{"agent":["probe/1.0"],"x":"../../etc","id":"1a2b3c"},"ts":1.779199331e9,"new":"<b>"}"#;
        read(&[first], late, |record| {
            assert_eq!(record.status, Some(502));
            assert_eq!(record.user_agent, Some(&b"probe/1.0"[..]));
            assert_eq!(record.time.secs(), 1_779_199_331);
            assert_eq!(record.extras, b"\"../../etc\"");
        });
    }

    #[test]
    fn what_is_searched_is_bounded() {
        let headers: Vec<String> = (0..100).map(|n| format!("\"x{n}\":\"<script>\"")).collect();
        let line = format!(
            "{{\"h\":{{{}}},\"ts\":1779199331,\"status\":1}}",
            headers.join(",")
        );
        read(&[], &line.replace(":1}", ":200}"), |record| {
            let extras = record.extras.split(|byte| *byte == b' ');
            assert_eq!(extras.count(), MAX_SEARCHED);
        });
    }

    #[test]
    fn durations_of_every_form() {
        for (text, unit, micros) in [
            ("0.004", Unit::Seconds, Some(4_000)),
            ("3.0155e-05", Unit::Seconds, Some(30)),
            ("4100000", Unit::Nanoseconds, Some(4_100)),
            ("1.2ms", Unit::Seconds, Some(1_200)),
            ("1h1m1.5s", Unit::Seconds, Some(3_661_500_000)),
            ("12µs", Unit::Seconds, Some(12)),
            ("31 ms", Unit::Seconds, Some(31_000)),
            ("-1", Unit::Seconds, None),
            ("1x", Unit::Seconds, None),
            ("e", Unit::Seconds, None),
            ("", Unit::Seconds, None),
            ("99999999999999999999h", Unit::Seconds, None),
        ] {
            assert_eq!(duration_us(text.as_bytes(), unit), micros, "{text}");
        }
    }

    #[test]
    fn urls_are_cut_into_host_and_target() {
        for (url, host, target) in [
            (
                "https://shop.example:443/a?b=/c",
                "shop.example:443",
                "/a?b=/c",
            ),
            ("http://shop.example", "shop.example", "/"),
            ("https://shop.example?q", "shop.example", "?q"),
            ("/a", "", "/a"),
        ] {
            assert_eq!(
                split_url(url.as_bytes()),
                (host.as_bytes(), target.as_bytes())
            );
        }
    }
}

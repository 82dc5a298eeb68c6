//! A log format compiled from a configuration: cuts lines at the literal text between the values.
//!
//! A value ends where the text that follows it begins, unless the value or what comes next does not look right then:
//! users and lists of upstreams contain blanks. Then a later place is tried, within a budget that no line can exceed.

use std::sync::Arc;

use crate::chunk::MAX_LINE;
use crate::client::Client;
use crate::event::{Event, Unparsed};
use crate::format::directive::{Clock, Directive, Fault, Fit, Moment, Piece, Shape};
use crate::format::record::{Draft, Field, host_of, nearest};
use crate::format::spec::{Desk, ReadLine, Sought};
use crate::proxies::HeaderName;
use crate::time::{self, Time, Unit, UtcOffset};

/// How a server writes what would end a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escaping {
    /// `\"`, `\\`, `\n`, `\xhh` (Apache).
    Backslash,
    /// `\xHH`, also for quotes and backslashes (nginx).
    Hexadecimal,
    /// As in a JSON string (nginx, `escape=json`).
    Json,
    /// Not at all (nginx, `escape=none`).
    None,
}

/// What to say when something is missing: which directives would serve.
#[derive(Debug, Clone, Copy)]
pub struct Advice {
    /// For a time.
    pub time: &'static str,
    /// For a request.
    pub request: &'static str,
}

/// A format as read from a configuration.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Its pieces in order.
    pub pieces: Vec<Piece>,
    /// How values are escaped.
    pub escaping: Escaping,
    /// What to say when something is missing.
    pub advice: Advice,
    /// What the report says about how lines are read.
    pub notes: Vec<String>,
}

/// More directives than any server's documentation lists.
const MOST_DIRECTIVES: usize = 128;

/// How often the bytes of a line may be looked at in search of the ends of values.
const LOOKS: usize = 32;

/// A compiled format.
#[derive(Debug, Clone)]
pub struct Template {
    /// What every line begins with.
    lead: Vec<u8>,
    /// Blanks that a line may end with.
    trail: Vec<u8>,
    steps: Vec<Step>,
    escaping: Escaping,
    notes: Vec<String>,
    /// Lists of addresses stand in it without quotes.
    bare_lists: bool,
    /// The list of addresses in which the client stands, where the format names the client nowhere else.
    client_in_list: bool,
    /// The first step is the client, and nothing else can be.
    client_first: bool,
}

#[derive(Debug, Clone)]
struct Step {
    directive: Directive,
    /// Whether its value goes into the record.
    counts: bool,
    /// The text that follows.
    after: Vec<u8>,
    end: End,
    /// Nothing but `after` may follow.
    last: bool,
}

/// How the end of a value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The value tells.
    Measured,
    /// The text that follows.
    Literal,
    /// The next value begins with a slash.
    Slash,
    /// The line's end, less the text that follows.
    Line,
}

impl Template {
    /// Compiles a format.
    ///
    /// # Errors
    /// What makes it useless.
    pub fn compile(outline: Outline) -> Result<Template, Fault> {
        let pieces = join(outline.pieces);
        let mut lead = Vec::new();
        let mut parts: Vec<(Directive, Vec<u8>)> = Vec::new();
        for piece in pieces {
            match (piece, parts.last_mut()) {
                (Piece::Directive(directive), _) => parts.push((directive, Vec::new())),
                (Piece::Literal(text), None) => lead.extend(text),
                (Piece::Literal(text), Some((_, after))) => after.extend(text),
            }
        }
        // blanks at the end are lost on the way, in formats as in logs
        let trail = parts.last_mut().map_or_else(Vec::new, |(_, after)| {
            after.split_off(after.trim_ascii_end().len())
        });
        match parts.len() {
            0 => return Err(Fault::Empty),
            MOST_DIRECTIVES.. => return Err(Fault::TooMany(MOST_DIRECTIVES)),
            _ => {}
        }
        let bare_lists = mark_lists(&mut parts);
        let counts = choose(&parts);
        check_time(&parts, &counts, outline.advice)?;
        check_request(&parts, outline.advice)?;
        let ends = ends(&parts)?;
        let has = |wanted| parts.iter().any(|(directive, _)| directive.field == wanted);
        let clients = parts
            .iter()
            .filter(|(directive, _)| directive.field == Field::Client);
        let client_first = clients.count() == 1
            && parts[0].0.field == Field::Client
            && ends[0] == End::Literal
            && parts[0].1.first() == Some(&b' ');
        let client_in_list = !has(Field::Client) && has(Field::Forwarded);
        let last = parts.len() - 1;
        let steps = parts.into_iter().zip(counts).zip(ends).enumerate();
        Ok(Template {
            lead,
            trail,
            escaping: outline.escaping,
            notes: outline.notes,
            client_first,
            client_in_list,
            bare_lists,
            steps: steps
                .map(|(index, (((directive, after), counts), end))| Step {
                    directive,
                    counts,
                    after,
                    end,
                    last: index == last,
                })
                .collect(),
        })
    }

    /// The same with a note that says where the format comes from.
    pub fn noted(mut self, note: String) -> Template {
        self.notes.insert(0, note);
        self
    }

    /// Cuts a line into the values of the steps. A list of addresses may end with a comma if nothing else works.
    fn cut(&self, line: &[u8], spans: &mut [Span; MOST_DIRECTIVES]) -> Result<(), Unparsed> {
        match self.cut_with(line, spans, Shape::fit) {
            Err(_) if self.bare_lists => self.cut_with(line, spans, Shape::fit_loosely),
            found => found,
        }
    }

    fn cut_with(
        &self,
        line: &[u8],
        spans: &mut [Span; MOST_DIRECTIVES],
        fits: impl Fn(&Shape, &[u8]) -> Fit,
    ) -> Result<(), Unparsed> {
        if !line.starts_with(&self.lead) {
            return Err(Unparsed::NotThisFormat);
        }
        let mut budget = LOOKS * (line.len() + MOST_DIRECTIVES);
        let (mut index, mut start) = (0, self.lead.len());
        let (mut from, mut deepest) = (start, 0);
        while let Some(step) = self.steps.get(index) {
            let found = step.find_end(line, start, from, self.escaping);
            let looked = found.map_or(line.len(), |end| end) - from.min(line.len());
            budget = budget
                .checked_sub(looked + 1)
                .ok_or(Unparsed::NotThisFormat)?;
            let fit = found.map(|end| {
                let value = &line[start..end];
                match step.overruns(value) {
                    true => (end, Fit::Never),
                    false => (end, fits(&step.directive.shape, value)),
                }
            });
            match fit {
                Some((end, Fit::Yes)) => {
                    spans[index] = Span { start, end };
                    index += 1;
                    deepest = deepest.max(index);
                    start = end + step.after.len();
                    from = start;
                }
                Some((end, Fit::NotYet)) => from = end + 1,
                Some((_, Fit::Never)) | None => {
                    // back to the value before, which may end later
                    index = index
                        .checked_sub(1)
                        .ok_or_else(|| self.reason(line, deepest, spans))?;
                    start = spans[index].start;
                    from = spans[index].end + 1;
                }
            }
        }
        Ok(())
    }

    /// Where a line that is not in this format leaves it, as somebody sees it who reads both from the left.
    pub fn leaves(&self, line: &[u8]) -> Option<Departure<'_>> {
        let line = line.strip_suffix(self.trail.as_slice()).unwrap_or(line);
        let Some(rest) = line.strip_prefix(self.lead.as_slice()) else {
            return Some(Departure {
                at: 0,
                name: None,
                more: false,
            });
        };
        let mut start = line.len() - rest.len();
        for step in &self.steps {
            let name = Some(step.directive.name.as_str());
            let Some(end) = step.first_end(line, start, self.escaping) else {
                let more = step.last.then(|| step.shortest(&line[start..])).flatten();
                return Some(Departure {
                    at: start + more.unwrap_or_default(),
                    name,
                    more: more.is_some(),
                });
            };
            start = end + step.after.len();
        }
        None
    }

    /// Why a line could not be cut: what stopped the try that came furthest.
    fn reason(&self, line: &[u8], deepest: usize, spans: &[Span; MOST_DIRECTIVES]) -> Unparsed {
        let Some(last) = deepest.checked_sub(1) else {
            return Unparsed::NotThisFormat;
        };
        let step = &self.steps[deepest];
        let start = spans[last].end + self.steps[last].after.len();
        let rest = line.get(start..).unwrap_or_default();
        match step.directive.shape {
            _ if rest.is_empty() => Unparsed::Truncated,
            Shape::Clock(_) => Unparsed::BadTime,
            Shape::Number | Shape::Decimals | Shape::Status | Shape::StatusOrDash
                if step.is_followed(rest) =>
            {
                Unparsed::BadNumber
            }
            _ if step.is_followed(rest) => Unparsed::NotThisFormat,
            _ => Unparsed::Truncated,
        }
    }
}

/// Finds the lists of addresses that nothing but a blank ends; says whether there are any.
fn mark_lists(parts: &mut [(Directive, Vec<u8>)]) -> bool {
    let mut any = false;
    for (directive, after) in parts {
        if directive.field == Field::Forwarded && after.first() == Some(&b' ') {
            directive.shape = Shape::Addresses;
            any = true;
        }
    }
    any
}

/// Where a line leaves a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure<'t> {
    /// The byte of the line, from 0.
    pub at: usize,
    /// The directive whose value begins there, or ends there if more follows; `None` for the text before all.
    pub name: Option<&'t str>,
    /// Whether that directive is the format's last, and its value stands there.
    pub more: bool,
}

/// Where a value stands in the line.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: usize,
    end: usize,
}

impl Step {
    /// The end, at or behind `from`, of a value that begins at `start`.
    #[inline]
    fn find_end(
        &self,
        line: &[u8],
        start: usize,
        from: usize,
        escaping: Escaping,
    ) -> Option<usize> {
        match self.end {
            End::Measured => {
                let length = (from == start).then(|| self.measure(&line[start..]))??;
                let rest = &line[start + length..];
                let fits = match self.last {
                    true => rest == self.after.as_slice(),
                    false => rest.starts_with(self.after.as_slice()),
                };
                fits.then_some(start + length)
            }
            End::Line => {
                let end = line.len().checked_sub(self.after.len())?;
                (end >= from && line.ends_with(self.after.as_slice())).then_some(end)
            }
            End::Slash => Some(from + memchr::memchr(b'/', line.get(from..)?)?),
            End::Literal => {
                let (first, others) = self.after.split_first()?;
                let quoted =
                    *first == b'"' && matches!(escaping, Escaping::Backslash | Escaping::Json);
                let mut from = from;
                loop {
                    let end = from + find_byte(line.get(from..)?, *first)?;
                    from = end + 1;
                    let ends = line[from..].starts_with(others);
                    if ends && !(quoted && is_escaped(&line[start..end])) {
                        return Some(end);
                    }
                }
            }
        }
    }

    /// Whether a request goes on behind its own end: its version stands in front of the text that ends it, and it does not
    /// end with one.
    #[inline]
    fn overruns(&self, value: &[u8]) -> bool {
        /// ` HTTP/1.1`.
        const VERSION: usize = 9;
        let ends = |value: &[u8]| {
            let from = value.len().saturating_sub(VERSION);
            value[from..].starts_with(b" HTTP/")
        };
        if self.directive.field != Field::Request || self.after.is_empty() || ends(value) {
            return false;
        }
        let found = memchr::memmem::find_iter(value, &self.after);
        found.into_iter().any(|at| ends(&value[..at]))
    }

    /// The first place at which the value may end.
    fn first_end(&self, line: &[u8], start: usize, escaping: Escaping) -> Option<usize> {
        let mut from = start;
        loop {
            let end = self.find_end(line, start, from, escaping)?;
            match self.directive.shape.fit_loosely(&line[start..end]) {
                Fit::Yes => return Some(end),
                Fit::NotYet => from = end + 1,
                Fit::Never => return None,
            }
        }
    }

    /// How long the value is if more follows that does not belong to it.
    fn shortest(&self, rest: &[u8]) -> Option<usize> {
        let length = match self.end {
            End::Measured => self.measure(rest)?,
            _ => {
                let word = |byte: &u8| byte.is_ascii_alphanumeric() || b".-/".contains(byte);
                rest.iter().take_while(|byte| word(byte)).count()
            }
        };
        let fits = self.directive.shape.fit(&rest[..length]) == Fit::Yes;
        (fits && length > 0 && length < rest.len()).then_some(length)
    }

    /// Whether the text that ends the value is there at all.
    fn is_followed(&self, rest: &[u8]) -> bool {
        memchr::memmem::find(rest, &self.after).is_some()
    }

    /// How long a value is that tells it.
    fn measure(&self, text: &[u8]) -> Option<usize> {
        match &self.directive.shape {
            Shape::Width(width) => (text.len() >= *width).then_some(*width),
            Shape::QuestionMark => Some(usize::from(text.first() == Some(&b'?'))),
            Shape::Clock(clock) => match clock {
                // cheap here; whether it is a time is found out when it is read
                Clock::Clf { bracketed } => {
                    let (month, length) = if *bracketed { (4, 28) } else { (3, 26) };
                    (text.len() >= length && text[month].is_ascii_alphabetic()).then_some(length)
                }
                clock => clock.read(text, &mut Moment::default(), time::parse_clf),
            },
            _ => None,
        }
    }
}

/// Where a byte stands first. Most values are short: a plain loop finds their ends before a call into memchr would.
#[inline]
fn find_byte(text: &[u8], byte: u8) -> Option<usize> {
    const SHORT: usize = 16;
    let near = text.iter().take(SHORT).position(|found| *found == byte);
    near.or_else(|| Some(SHORT + memchr::memchr(byte, text.get(SHORT..)?)?))
}

/// True when an odd number of backslashes stands before the end.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    backslashes.count() % 2 == 1
}

impl ReadLine for Template {
    fn read<'a>(
        &self,
        line: &'a [u8],
        _at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        if line.len() > MAX_LINE {
            return Err(Unparsed::TooLong);
        }
        let line = line.strip_suffix(self.trail.as_slice()).unwrap_or(line);
        let mut spans = [Span::default(); MOST_DIRECTIVES];
        self.cut(line, &mut spans)?;
        let mut draft = Draft::default();
        let mut moment = Moment::default();
        for (step, span) in self.steps.iter().zip(&spans) {
            if !step.counts {
                continue;
            }
            let value = &line[span.start..span.end];
            if let Shape::Clock(clock) = &step.directive.shape {
                clock
                    .read(value, &mut moment, |field| desk.times.clf(field))
                    .ok_or(Unparsed::BadTime)?;
                continue;
            }
            let value = self.decode(step.directive.field, value, desk);
            if self.client_in_list && step.directive.field == Field::Forwarded {
                draft.set(Field::Client, nearest(value), desk)?;
            }
            draft.set(step.directive.field, value, desk)?;
        }
        let (time, zone) = moment.finish().ok_or(Unparsed::BadTime)?;
        draft.set_moment(time, zone);
        draft.finish(desk).map(Event::Access)
    }

    fn client(&self, line: &[u8]) -> Option<Client> {
        if !self.client_first {
            return None;
        }
        let rest = line.strip_prefix(self.lead.as_slice())?;
        let end = memchr::memchr(b' ', rest)?;
        let text = &rest[..end];
        (!matches!(text, b"" | b"-")).then(|| Client::parse(host_of(text)))
    }

    fn forwarded_from(&self, header: &HeaderName) -> Sought {
        let named = |step: &Step| {
            let name = step.directive.header.as_deref();
            name.is_some_and(|name| header.is(name.as_bytes()))
        };
        if !self.steps.iter().any(named) {
            return Sought::Lacking;
        }
        let mut other = self.clone();
        for step in &mut other.steps {
            if named(step) {
                step.directive.field = Field::Forwarded;
            } else if step.directive.field == Field::Forwarded {
                step.directive.field = Field::Extra;
            }
        }
        let mut fields = other.steps.iter().map(|step| step.directive.field);
        other.client_in_list = !fields.any(|field| field == Field::Client);
        Sought::Found(Arc::new(other))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

impl Template {
    /// A value as the other formats hand it on: JSON strings decoded, what a server writes for an empty user left out.
    #[inline]
    fn decode<'a>(&self, field: Field, value: &'a [u8], desk: &Desk<'a>) -> &'a [u8] {
        match self.escaping {
            Escaping::Json if value.contains(&b'\\') => unescape_json(value, desk),
            // log_remote_user of mod_log_config.c
            Escaping::Backslash if field == Field::User && value == b"\"\"" => b"",
            _ => value,
        }
    }
}

/// Undoes the escapes of a JSON string (RFC 8259, 7) that nginx writes: all of them, and of `\uHHHH` those below 256,
/// which are bytes. What is no escape stays.
fn unescape_json<'a>(text: &[u8], desk: &Desk<'a>) -> &'a [u8] {
    let mut out = desk.writer();
    out.reserve(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let (byte, length) = match rest {
            [_, b'u', b'0', b'0', high, low, ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => ((high * 16 + low) as u8, 6),
                    _ => (b'\\', 1),
                }
            }
            [_, b'n', ..] => (b'\n', 2),
            [_, b't', ..] => (b'\t', 2),
            [_, b'r', ..] => (b'\r', 2),
            [_, b'b', ..] => (8, 2),
            [_, b'f', ..] => (12, 2),
            [_, plain @ (b'"' | b'\\' | b'/'), ..] => (*plain, 2),
            _ => (b'\\', 1),
        };
        out.push(byte);
        rest = &rest[length..];
    }
    out.extend_from_slice(rest);
    out.into_bump_slice()
}

/// Puts together what belongs together although nothing stands between: a path and its query.
fn join(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let (Some(Piece::Directive(before)), Piece::Directive(now)) = (joined.last_mut(), &piece)
        else {
            joined.push(piece);
            continue;
        };
        let both = match (before.field, &before.shape, now.field, &now.shape) {
            (Field::Path, _, Field::Query, _) => Some(Field::Target),
            // nginx: $is_args before $args
            (Field::Path, _, _, Shape::QuestionMark) => Some(Field::Path),
            (_, Shape::QuestionMark, Field::Query, _) => Some(Field::Query),
            _ => None,
        };
        match both {
            Some(field) => {
                before.field = field;
                before.shape = Shape::Text;
                before.name.push_str(&now.name);
            }
            None => joined.push(piece),
        }
    }
    joined
}

/// Which directives fill the record, where several say the same.
fn choose(parts: &[(Directive, Vec<u8>)]) -> Vec<bool> {
    let rival = |a: &Directive, b: &Directive| match (a.field, b.field) {
        (Field::Duration(_), Field::Duration(_)) => true,
        (Field::Client | Field::Bytes | Field::Status, _) => a.field == b.field,
        // a time of the request's beginning and one of its end
        (Field::Time, Field::Time) => a.rank != b.rank,
        _ => false,
    };
    let counts = |(index, (directive, _)): (usize, &(Directive, Vec<u8>))| {
        let better = |(other, (candidate, _)): (usize, &(Directive, Vec<u8>))| {
            rival(directive, candidate) && (candidate.rank, other) < (directive.rank, index)
        };
        directive.field != Field::Ignored && !parts.iter().enumerate().any(better)
    };
    parts.iter().enumerate().map(counts).collect()
}

/// Whether the times of the format make up a moment: tried with one.
fn check_time(
    parts: &[(Directive, Vec<u8>)],
    counts: &[bool],
    advice: Advice,
) -> Result<(), Fault> {
    // 2026-05-19T14:02:11.123456Z
    let model = Time::from_micros(1_779_199_331_123_456);
    let mut moment = Moment::default();
    let mut found = Vec::new();
    for ((directive, _), counts) in parts.iter().zip(counts) {
        if let (Shape::Clock(clock), true) = (&directive.shape, counts) {
            found.push(directive.name.clone());
            if let Some(text) = clock.write(model, UtcOffset::UTC) {
                clock.read(text.as_bytes(), &mut moment, time::parse_clf);
            }
        }
    }
    match moment.finish() {
        Some((time, _)) if time.secs() / 60 == model.secs() / 60 => Ok(()),
        _ => Err(Fault::NoTime {
            found,
            serves: advice.time,
        }),
    }
}

fn check_request(parts: &[(Directive, Vec<u8>)], advice: Advice) -> Result<(), Fault> {
    let asked = |field| matches!(field, Field::Request | Field::Target | Field::Path);
    match parts.iter().any(|(directive, _)| asked(directive.field)) {
        true => Ok(()),
        false => Err(Fault::NoRequest(advice.request)),
    }
}

/// How the end of each value is found.
fn ends(parts: &[(Directive, Vec<u8>)]) -> Result<Vec<End>, Fault> {
    let last = parts.len() - 1;
    let end = |(index, (directive, after)): (usize, &(Directive, Vec<u8>))| {
        let measured = match &directive.shape {
            Shape::Width(_) | Shape::Clock(_) => true,
            Shape::QuestionMark => after.is_empty(),
            _ => false,
        };
        if measured {
            return Ok(End::Measured);
        }
        if index == last {
            return Ok(End::Line);
        }
        if !after.is_empty() {
            return Ok(End::Literal);
        }
        let next = &parts[index + 1].0;
        match next.field {
            Field::Target | Field::Path => Ok(End::Slash),
            _ => Err(Fault::Adjacent(directive.name.clone(), next.name.clone())),
        }
    };
    parts.iter().enumerate().map(end).collect()
}

/// The rank of a duration: the finest counts.
pub fn fineness(unit: Unit) -> u8 {
    match unit {
        Unit::Nanoseconds => 0,
        Unit::Microseconds => 1,
        Unit::Milliseconds => 2,
        Unit::Seconds => 3,
    }
}

//! Judges one record at a time.
//!
//! A record passes a cheap gate, then each of its places is decoded, analysed once by the grammars
//! and once by a regex set, and only what hit is looked at in detail. Strings that repeat are judged
//! once and remembered. None of this may change a verdict: see the gate's test in `load`.

use super::candidates::{EntrySet, Seen};
use super::entry::{Field, PatternId};
use super::feature::Analyses;
use super::gate;
use super::memory::{MEMORY_KEY, Memory, Slot};
use super::set::{LazyRegex, PatternSet};
use super::sigma::judge;
use super::verdict::{Match, Verdict};
use super::watch::{Look, Told, Watch};
use crate::decode::{self, Decoded, Form, Layer, MAX_FIELD};
use crate::event::Access;
#[cfg(doc)]
use crate::evidence::capped::hash_bytes;
use crate::syntax::query::{
    self, inner_query, is_search_engine, part_end, path_parameters, plausible_name,
};
use crate::syntax::{bytes, json};

/// Longest matched text kept with a match, in bytes.
const MAX_MATCHED: usize = 200;

/// Most matches kept for one field, each of another pattern.
const MAX_MATCHES: usize = 64;

/// Most segments of a path that are looked at one by one.
const MAX_SEGMENTS: usize = 64;

/// Most parameters of one query that are looked at one by one. PHP reads 1000 (`max_input_vars`);
/// all others are looked at as one text.
const MAX_PARAMETERS: usize = 256;

/// How many wrappings within each other are undone: base64 of JSON that holds base64.
const MAX_WRAPPED: u8 = 3;

/// Most fields behind the user agent that are looked at.
const MAX_EXTRAS: usize = 8;

/// Judges records, one after the other. One per worker.
pub struct Inspector<'s> {
    worker: Worker<'s>,
    paths: Memory,
    referers: Memory,
    agents: Memory,
    extras: Memory,
    harmless: bool,
    agent_hash: Option<u64>,
    verdict: Option<Verdict>,
}

/// The part of an inspector that looks at one text.
struct Worker<'s> {
    set: &'s PatternSet,
    /// Texts, and parts of them, are judged only if the gate lets them pass.
    gated: bool,
    matches: Vec<Match>,
    /// Where the matches of the field that is looked at begin.
    first: usize,
    /// The text is a parameter of a referer, which has the norms of a parameter and not those of a header.
    within_referer: bool,
    unescaped: Vec<u8>,
    scratch: Vec<u8>,
    unwrapped: Vec<u8>,
    parts: Vec<Part>,
    view: Decoded,
    name: Decoded,
    inner: Decoded,
    candidates: EntrySet,
    seen: Seen,
    gate: gate::Scratch,
    /// Is told what happens, if anybody wants to know.
    watch: Option<&'s mut dyn Watch>,
    sigma: judge::Scratch,
}

/// Where a parameter stands in a query.
struct Part {
    start: usize,
    /// Where its value begins, behind `=`; its start if it has no name.
    value: usize,
    end: usize,
}

impl<'s> Inspector<'s> {
    /// A fresh inspector over `set`.
    pub fn new(set: &'s PatternSet) -> Self {
        Inspector {
            worker: Worker {
                set,
                gated: true,
                matches: Vec::new(),
                first: 0,
                within_referer: false,
                unescaped: Vec::new(),
                scratch: Vec::new(),
                unwrapped: Vec::new(),
                parts: Vec::new(),
                view: Decoded::default(),
                name: Decoded::default(),
                inner: Decoded::default(),
                candidates: EntrySet::default(),
                seen: Seen::default(),
                gate: gate::Scratch::default(),
                watch: None,
                sigma: judge::Scratch::default(),
            },
            paths: Memory::default(),
            referers: Memory::default(),
            agents: Memory::default(),
            extras: Memory::default(),
            harmless: false,
            agent_hash: None,
            verdict: None,
        }
    }

    /// The same without gate and memory: slow, and the measure of both.
    pub fn without_gate(set: &'s PatternSet) -> Self {
        let mut inspector = Inspector::new(set);
        inspector.worker.gated = false;
        inspector
    }

    /// The same verdicts, with `watch` told how they come about. What gate and memory spare is not
    /// told.
    pub fn watched(mut self, watch: &'s mut dyn Watch) -> Self {
        self.worker.watch = Some(watch);
        for view in [
            &mut self.worker.view,
            &mut self.worker.name,
            &mut self.worker.inner,
        ] {
            *view = std::mem::take(view).with_trail();
        }
        self
    }

    /// Judges a record of an access log; `None` when nothing was found. Includes findings of low
    /// confidence.
    pub fn inspect(&mut self, access: &Access<'_>) -> Option<&Verdict> {
        self.inspect_known(access, false)
    }

    /// The same, without looking at the target if it is known to be `harmless`: if
    /// [`target_is_harmless`](Self::target_is_harmless) said so of the same target before.
    pub fn inspect_known(&mut self, access: &Access<'_>, harmless: bool) -> Option<&Verdict> {
        self.worker.matches.clear();
        match access.has_target() {
            true if harmless => {}
            true => self.target(access.target),
            false => self.request(access.request),
        }
        self.harmless = access.has_target() && self.worker.matches.is_empty();
        if let Some(referer) = access.referer {
            self.header(Field::Referer, referer);
        }
        self.agent_hash = match access.user_agent {
            Some(agent) => self.header(Field::UserAgent, agent),
            None => None,
        };
        for extra in quoted_fields(access.extras).take(MAX_EXTRAS) {
            // addresses seldom repeat, so that the gate comes before the memory
            if self.worker.passes_text(extra) {
                self.header(Field::Extra, extra);
            }
        }
        self.worker.sigma(access);
        self.sum_up(access.status)
    }

    /// Judges a line that no format could read, by its first 64 KiB. In what is no text everything can be found by chance,
    /// so that nothing is looked for there.
    pub fn inspect_line(&mut self, raw: &[u8]) -> Option<&Verdict> {
        self.worker.matches.clear();
        let raw = &raw[..raw.len().min(MAX_FIELD)];
        if !bytes::is_text(raw) {
            return None;
        }
        if self.worker.passes_text(raw) {
            self.worker.whole(Field::Line, raw);
        }
        if let Some(target) = target_within(raw)
            && self.worker.passes_target(target)
        {
            self.worker.target(target);
            for found in &mut self.worker.matches {
                found.field = Field::Line;
            }
        }
        self.sum_up(None)
    }

    /// Whether the record that was judged last has a target, and nothing was found in it.
    pub fn target_is_harmless(&self) -> bool {
        self.harmless
    }

    /// The [`hash_bytes`] of the user agent of the record that was judged last, if it is one of those that are remembered.
    pub fn agent_hash(&self) -> Option<u64> {
        self.agent_hash
    }

    fn sum_up(&mut self, status: Option<u16>) -> Option<&Verdict> {
        if self.worker.matches.is_empty() {
            return None;
        }
        let matches = std::mem::take(&mut self.worker.matches);
        self.verdict = Verdict::of(self.worker.set, matches, status);
        self.verdict.as_ref()
    }

    fn request(&mut self, raw: &[u8]) {
        if self.worker.passes_text(raw) {
            self.worker.whole(Field::Request, raw);
        }
    }

    /// A target: the gate decides, or the memory for targets without a query.
    fn target(&mut self, raw: &[u8]) {
        if !self.worker.passes_target(raw) {
            return;
        }
        if !self.worker.gated || raw.len() > MEMORY_KEY {
            return self.worker.target(raw);
        }
        recall(&mut self.paths, raw, &mut self.worker, |worker| {
            worker.target(raw);
        });
    }

    /// A header that many requests repeat. Returns its hash if it is remembered.
    fn header(&mut self, field: Field, raw: &[u8]) -> Option<u64> {
        if raw.is_empty() || raw == b"-" {
            return None;
        }
        if !self.worker.gated || raw.len() > MEMORY_KEY {
            self.worker.header(field, raw);
            return None;
        }
        let memory = match field {
            Field::Referer => &mut self.referers,
            Field::Extra => &mut self.extras,
            _ => &mut self.agents,
        };
        let slot = recall(memory, raw, &mut self.worker, |worker| {
            if worker.passes_text(raw) {
                worker.header(field, raw);
            }
        });
        Some(slot.hash)
    }
}

/// What looks like a request target in a line that no format reads: the first word that begins with a slash
/// and goes on to a query.
fn target_within(raw: &[u8]) -> Option<&[u8]> {
    let words = raw.split(|byte| byte.is_ascii_whitespace() || *byte == b'"');
    words
        .into_iter()
        .find(|word| word.first() == Some(&b'/') && word.contains(&b'?'))
}

/// The fields in quotes among what follows the fields that a format knows, without their quotes.
fn quoted_fields(extras: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = extras;
    std::iter::from_fn(move || {
        let open = memchr::memchr(b'"', rest)? + 1;
        let mut end = open;
        loop {
            end += memchr::memchr2(b'"', b'\\', rest.get(end..)?)?;
            if rest[end] == b'"' {
                break;
            }
            end += 2;
        }
        let field = &rest[open..end];
        rest = &rest[end + 1..];
        Some(field)
    })
}

/// Takes the matches of `key` from a memory, or finds them and puts them there.
#[inline]
fn recall<'m, 's>(
    memory: &'m mut Memory,
    key: &[u8],
    worker: &mut Worker<'s>,
    find: impl FnOnce(&mut Worker<'s>),
) -> &'m Slot {
    if memory.recall(key) {
        let slot = memory.last();
        worker.matches.extend_from_slice(&slot.matches);
        return slot;
    }
    let before = worker.matches.len();
    find(worker);
    memory.store(key, &worker.matches[before..]);
    memory.last()
}

impl Worker<'_> {
    /// Asks the Sigma rules, which look at whole records.
    fn sigma(&mut self, access: &Access<'_>) {
        let (set, matches) = (self.set, &mut self.matches);
        set.sigma
            .judge(access, self.gated, &mut self.sigma, &mut |found| {
                if matches.len() < MAX_MATCHES {
                    matches.push(Match {
                        pattern: set.sigma_id(found.rule),
                        field: found.field,
                        matched: found.quoted(MAX_MATCHED).as_bytes().into(),
                        parameter: None,
                        rounds: u8::from(found.decoded),
                        // a rule is never sure by itself, however its match was encoded
                        percent_rounds: 0,
                    });
                }
            });
    }

    /// Whether a target, or a part of one that could be a target by itself, must be judged.
    #[inline]
    fn passes_target(&mut self, raw: &[u8]) -> bool {
        !self.gated || self.set.gate.passes_target(raw, &mut self.gate)
    }

    /// The same for a parameter, which could be all of a query.
    #[inline]
    fn passes_parameter(&mut self, raw: &[u8]) -> bool {
        !self.gated || self.set.gate.passes_parameter(raw, &mut self.gate)
    }

    #[inline]
    fn passes_text(&mut self, raw: &[u8]) -> bool {
        !self.gated || self.set.gate.passes_text(raw, &mut self.gate)
    }

    #[inline]
    fn tell(&mut self, event: Told<'_>) {
        if let Some(watch) = &mut self.watch {
            watch.told(event);
        }
    }

    /// Runs `look` on `raw` without the log's escapes.
    fn unescaped(&mut self, raw: &[u8], look: impl FnOnce(&mut Self, &[u8])) {
        self.first = self.matches.len();
        let mut buffer = std::mem::take(&mut self.unescaped);
        let text = if decode::unescape_log(raw, &mut buffer) {
            self.tell(Told::Unescaped { raw, text: &buffer });
            &buffer[..]
        } else {
            &raw[..raw.len().min(MAX_FIELD)]
        };
        look(self, text);
        self.unescaped = buffer;
    }

    /// A field that has no inner structure.
    fn whole(&mut self, field: Field, raw: &[u8]) {
        self.unescaped(raw, |worker, text| {
            worker.look(field, text, Form::Plain, None);
        });
    }

    /// A referer or user agent. A referer that is a URL has the places of a target.
    fn header(&mut self, field: Field, raw: &[u8]) {
        self.unescaped(raw, |worker, text| {
            let is_url = text.starts_with(b"http://") || text.starts_with(b"https://");
            if field != Field::Referer || !is_url {
                return worker.look(field, text, Form::Plain, None);
            }
            let split = memchr::memchr(b'?', text);
            let address = &text[..split.unwrap_or(text.len())];
            worker.look(field, address, Form::Plain, None);
            if let Some(at) = split.filter(|_| !is_search_engine(address)) {
                worker.within_referer = true;
                worker.query(field, &text[at + 1..]);
                worker.within_referer = false;
            }
        });
    }

    /// A request target: as a whole, its path, and each parameter.
    fn target(&mut self, raw: &[u8]) {
        self.unescaped(raw, |worker, text| {
            let split = memchr::memchr(b'?', text);
            let path = &text[..split.unwrap_or(text.len())];
            // behind most attacks is a path like any other
            if split.is_none() || worker.passes_target(path) {
                worker.look(Field::Path, path, Form::Plain, None);
                worker.segments(path);
            }
            worker.look(Field::Target, text, Form::Urlencoded, None);
            if let Some(at) = split {
                worker.query(Field::Query, &text[at + 1..]);
            }
        });
    }

    /// Every segment of a path that has more than a plain name: routers hand segments to programs as
    /// they hand parameters.
    fn segments(&mut self, path: &[u8]) {
        let odd = |segment: &&[u8]| {
            segment
                .iter()
                .any(|&b| !b.is_ascii_alphanumeric() && !matches!(b, b'-' | b'_' | b'.' | b'~'))
        };
        let mut view = std::mem::take(&mut self.view);
        for segment in path.split(|b| *b == b'/').take(MAX_SEGMENTS).filter(odd) {
            if !self.passes_target(segment) {
                continue;
            }
            view.decode(segment, Form::Plain, &mut self.scratch);
            self.judge(Field::Path, &view, None, Reading::Structure);
        }
        self.view = view;
        self.path_parameters(Field::Query, path);
    }

    /// Every parameter of a query. A part whose name is no plausible name continues the value before
    /// it: tools send `&` unencoded.
    fn query(&mut self, field: Field, query: &[u8]) {
        let mut parts = std::mem::take(&mut self.parts);
        parts.clear();
        let mut start = 0;
        while start < query.len() && parts.len() < MAX_PARAMETERS {
            let end = start + part_end(&query[start..]);
            let value = memchr::memchr(b'=', &query[start..end]);
            parts.push(Part {
                start,
                value: start + value.map_or(0, |at| at + 1),
                end,
            });
            self.part(field, &query[start..end]);
            start = end + 1;
        }
        if start < query.len() {
            self.look(field, &query[start..], Form::Urlencoded, None);
        }
        if parts.len() > 1 {
            self.repeated(field, query, &mut parts);
            self.across(field, query);
        }
        self.parts = parts;
    }

    /// One part of a query, and the parameters that `;` separates in it (HTML 4.01, B.2.2).
    fn part(&mut self, field: Field, part: &[u8]) {
        self.parameter(field, part);
        let split = memchr::memchr(b';', part).is_some();
        if let (true, Some(value)) = (split, memchr::memchr(b'=', part)) {
            let first = path_parameters(&part[value + 1..]).next();
            let rest = first.map_or(part.len(), |(start, _)| value + start);
            if rest < part.len() {
                self.parameter(field, &part[..rest]);
                self.path_parameters(field, &part[rest..]);
            }
        }
    }

    /// Every `;name=value` of a text.
    fn path_parameters(&mut self, field: Field, text: &[u8]) {
        for (start, end) in path_parameters(text).take(MAX_PARAMETERS) {
            self.parameter(field, &text[start..end]);
        }
    }

    /// The values of parameters that have the same name, joined: ASP writes commas between them, and
    /// comments around the commas make one statement of them.
    fn repeated(&mut self, field: Field, query: &[u8], parts: &mut [Part]) {
        let name = |part: &Part| &query[part.start..part.value];
        parts.sort_by(|a, b| name(a).cmp(name(b)).then(a.start.cmp(&b.start)));
        for group in parts.chunk_by(|a, b| name(a) == name(b)) {
            let label = name(&group[0]);
            if group.len() < 2 || label.is_empty() {
                continue;
            }
            let mut joined = std::mem::take(&mut self.unwrapped);
            joined.clear();
            for part in group {
                joined.extend_from_slice(&query[part.value..part.end]);
                joined.push(b',');
            }
            joined.pop();
            self.structure(field, &joined, &label[..label.len() - 1]);
            self.unwrapped = joined;
        }
    }

    /// A comment that is open at the end of one value swallows what stands between it and the next one.
    fn across(&mut self, field: Field, query: &[u8]) {
        let Some(open) = query::open_comment(query) else {
            return;
        };
        let value = memchr::memrchr2(b'=', b'&', &query[..open]).map_or(0, |at| at + 1);
        self.structure(field, &query[value..], b"");
    }

    /// Judges by grammars alone what no single parameter is. Where no byte is odd the gate lets nothing
    /// pass, so that nothing may be found here.
    fn structure(&mut self, field: Field, raw: &[u8], name: &[u8]) {
        let mut view = std::mem::take(&mut self.view);
        view.decode(raw, Form::Urlencoded, &mut self.scratch);
        if view.lower.iter().any(|byte| bytes::is_odd(*byte)) {
            let name = (!name.is_empty()).then_some(name);
            self.judge(field, &view, name, Reading::Structure);
        }
        self.view = view;
    }

    /// One `name=value`, or a bare value.
    fn parameter(&mut self, field: Field, part: &[u8]) {
        if part.is_empty() || !self.passes_parameter(part) {
            return;
        }
        let split = memchr::memchr(b'=', part).filter(|&at| plausible_name(&part[..at]));
        let Some(at) = split else {
            return self.look(field, part, Form::Urlencoded, None);
        };
        let mut name = std::mem::take(&mut self.name);
        name.decode(&part[..=at], Form::Urlencoded, &mut self.scratch);
        if name.lower[..name.lower.len() - 1]
            .iter()
            .any(|b| !b.is_ascii_alphanumeric() && *b != b'_')
            || name.lower.windows(2).any(|pair| pair == b"__")
        {
            self.judge(field, &name, None, Reading::Whole);
        }
        let label = std::mem::take(&mut name.lower);
        let label_text = label.strip_suffix(b"=").unwrap_or(&label);
        self.look(field, &part[at + 1..], Form::Urlencoded, Some(label_text));
        name.lower = label;
        self.name = name;
    }

    /// Decodes a text and judges it, and what it wraps.
    fn look(&mut self, field: Field, raw: &[u8], form: Form, name: Option<&[u8]>) {
        let mut view = std::mem::take(&mut self.view);
        view.decode(raw, form, &mut self.scratch);
        self.value(field, &view, name, MAX_WRAPPED);
        self.view = view;
    }

    /// Judges a decoded value, what stands before a NUL in it, and what it wraps.
    fn value(&mut self, field: Field, view: &Decoded, name: Option<&[u8]>, depth: u8) {
        let json = field == Field::Query && json::is_document(&view.text);
        match name.and_then(|_| inner_query(&view.text)) {
            None if json => self.judge(field, view, name, Reading::Words),
            Some(query) => {
                self.judge(field, view, name, Reading::Words);
                self.inner_query(field, view, query, name);
            }
            None => self.judge(field, view, name, Reading::Whole),
        }
        if view.nul {
            self.around_nul(field, view, name);
        }
        if depth > 0 {
            self.wrapped(field, view, name, depth - 1);
        }
    }

    /// A NUL ends the text in the eyes of C, and is a blank in the eyes of some SQL servers.
    fn around_nul(&mut self, field: Field, view: &Decoded, name: Option<&[u8]>) {
        let mut inner = self.take_inner();
        inner.set_plain(&view.text[..view.cut.min(view.text.len())], view.rounds);
        inner.trail_wrapped(Some(&view.text), Layer::BehindNul);
        self.judge(field, &inner, name, Reading::Whole);
        inner.set_plain(&view.spaced, view.rounds);
        inner.trail_wrapped(Some(&view.text), Layer::NulsAsBlanks);
        self.judge(field, &inner, name, Reading::Structure);
        self.inner = inner;
    }

    /// What base64, a data URL, UTF-7 or JSON holds.
    fn wrapped(&mut self, field: Field, view: &Decoded, name: Option<&[u8]>, depth: u8) {
        let mut text = std::mem::take(&mut self.unwrapped);
        if name.is_some() && decode::base64_text(&view.text, &mut text) {
            self.layer(field, &text, (view, Layer::Base64), name, depth);
        } else if decode::data_url_text(&view.text, &mut text) {
            self.layer(field, &text, (view, Layer::DataUrl), name, depth);
        }
        if decode::utf7_text(&view.text, &mut text) {
            self.layer(field, &text, (view, Layer::Utf7), name, depth);
        }
        if field == Field::Query && json::is_document(&view.text) {
            json::strings(&view.text, |key, value| {
                let key = key.to_ascii_lowercase();
                self.json_string(field, value, &key, view.rounds, depth);
            });
        }
        self.unwrapped = text;
    }

    /// A string of a JSON value. Expressions have seen it within the whole; programs exchange whole
    /// addresses and statements as JSON, so that standing alone there says nothing.
    fn json_string(&mut self, field: Field, value: &[u8], key: &[u8], rounds: u8, depth: u8) {
        let mut inner = self.take_inner();
        inner.decode(value, Form::Plain, &mut self.scratch);
        inner.trail_wrapped(None, Layer::Json);
        inner.rounds = inner.rounds.saturating_add(rounds).saturating_add(1);
        self.judge(field, &inner, Some(key), Reading::Structure);
        if depth > 0 {
            self.wrapped(field, &inner, Some(key), depth - 1);
        }
        self.inner = inner;
    }

    /// Judges what was wrapped in a text, one layer further in.
    fn layer(
        &mut self,
        field: Field,
        text: &[u8],
        (outer, layer): (&Decoded, Layer),
        name: Option<&[u8]>,
        depth: u8,
    ) {
        let mut inner = self.take_inner();
        inner.decode(text, Form::Plain, &mut self.scratch);
        inner.trail_wrapped(Some(&outer.text), layer);
        inner.rounds = inner.rounds.saturating_add(outer.rounds).saturating_add(1);
        self.value(field, &inner, name, depth);
        self.inner = inner;
    }

    /// A value that is itself a URL with a query, as beacons and redirects carry: its parameters are
    /// values of their own, and what joins them is no operator.
    fn inner_query(&mut self, field: Field, view: &Decoded, query: usize, name: Option<&[u8]>) {
        let mut inner = self.take_inner();
        let head = &view.text[..query];
        inner.set_plain(head, view.rounds);
        self.judge(field, &inner, name, Reading::Whole);
        let mut rest = &view.text[query + 1..];
        for _ in 0..MAX_PARAMETERS {
            if rest.is_empty() {
                break;
            }
            let end = part_end(rest);
            let part = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            let value = match memchr::memchr(b'=', part) {
                Some(at) if plausible_name(&part[..at]) => &part[at + 1..],
                _ => part,
            };
            inner.decode(value, Form::Urlencoded, &mut self.scratch);
            inner.rounds = inner.rounds.saturating_add(view.rounds);
            self.judge(field, &inner, name, Reading::Whole);
        }
        self.inner = inner;
    }

    /// A view for what is inside of another one; nested ones keep their steps too.
    fn take_inner(&mut self) -> Decoded {
        let inner = std::mem::take(&mut self.inner);
        match self.watch {
            Some(_) => inner.with_trail(),
            None => inner,
        }
    }

    /// Runs everything that looks at `field` over one decoded text.
    fn judge(&mut self, field: Field, view: &Decoded, name: Option<&[u8]>, reading: Reading) {
        let set = self.set;
        let mut analyses = Analyses::default();
        let mut candidates = std::mem::take(&mut self.candidates);
        set.candidates(field, &view.lower, &mut self.seen, &mut candidates);
        self.tell(Told::Text(Look {
            field,
            view,
            name,
            expressions: reading != Reading::Structure,
            grammars: reading != Reading::Words,
        }));
        if reading != Reading::Words && self.watch.is_none() {
            set.drop_unseen(&mut candidates, &mut analyses, view);
        }
        for index in candidates.iter() {
            let structural = set.compiled[usize::from(index)].syntax.is_some();
            let wanted = match reading {
                Reading::Whole => true,
                Reading::Words => !structural,
                Reading::Structure => structural,
            };
            if !wanted {
                continue;
            }
            self.tell(Told::Tried(PatternId(index)));
            self.try_entry(index, field, view, name, &mut analyses);
        }
        self.tell(Told::Done);
        self.candidates = candidates;
    }

    /// Adds a match if every condition of the entry holds; the cheap ones are asked first.
    fn try_entry(
        &mut self,
        index: u16,
        field: Field,
        view: &Decoded,
        name: Option<&[u8]>,
        analyses: &mut Analyses,
    ) {
        let known = &self.matches[self.first.min(self.matches.len())..];
        let again = |found: &Match| found.pattern == PatternId(index) && found.field == field;
        if known.len() >= MAX_MATCHES || known.iter().any(again) {
            return;
        }
        if self.within_referer && !self.set.looks_at(index, Field::Query) {
            return;
        }
        let compiled = &self.set.compiled[usize::from(index)];
        let named = |parameter: &LazyRegex| name.is_some_and(|name| parameter.get().is_match(name));
        if compiled
            .parameter
            .as_ref()
            .is_some_and(|parameter| !named(parameter))
        {
            return;
        }
        let mut span = (0, view.text.len());
        if let Some(expression) = &compiled.regex {
            if !compiled.may_match(analyses.signs(view)) {
                return;
            }
            match expression.find(&view.lower) {
                Some(found) => span = (found.start(), found.end()),
                None => return,
            }
        }
        if let Some(syntax) = compiled.syntax {
            self.tell(Told::Asked);
            match analyses.span(syntax, view) {
                Some(seen) => span = seen,
                None => return,
            }
        }
        self.tell(Told::Fired {
            start: span.0,
            end: span.1,
        });
        let end = span.1.min(span.0 + MAX_MATCHED).min(view.text.len());
        self.matches.push(Match {
            pattern: PatternId(index),
            field,
            matched: view.text[span.0.min(end)..end].into(),
            parameter: name.map(Into::into),
            rounds: view.rounds,
            percent_rounds: view.percent_rounds,
        });
    }
}

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// By expressions and grammars.
    Whole,
    /// By expressions only: its parts are read by themselves.
    Words,
    /// By grammars only: it is a part, and expressions have seen the whole.
    Structure,
}

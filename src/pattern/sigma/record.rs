//! What a record of an access log looks like to a Sigma rule: the taxonomy's fields, and the line.

use std::borrow::Cow;
use std::cell::OnceCell;

use rsigma_eval::event::{Event, EventValue};

use crate::decode::{self, Decoded, Form};
use crate::event::Access;
use crate::pattern::entry;

/// A field of the `webserver` taxonomy that access logs carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Query,
    Stem,
    Uri,
    UserAgent,
    Referer,
    Method,
    Status,
    Bytes,
    Client,
    Host,
    User,
    Version,
}

/// What rules call a field. First the names of Sigma's taxonomy for web servers and proxies
/// (sigma-specification, appendix taxonomy), which are those of the W3C extended log file format, then
/// the variables of nginx's `log_format` (ngx_http_core_module, ngx_http_log_module).
const NAMES: &[(&str, Field)] = &[
    ("cs-uri-query", Field::Query),
    ("c-uri-query", Field::Query),
    ("args", Field::Query),
    ("query_string", Field::Query),
    ("cs-uri-stem", Field::Stem),
    ("c-uri-stem", Field::Stem),
    ("uri", Field::Stem),
    ("cs-uri", Field::Uri),
    ("c-uri", Field::Uri),
    ("request_uri", Field::Uri),
    ("cs-user-agent", Field::UserAgent),
    ("c-useragent", Field::UserAgent),
    ("cs(user-agent)", Field::UserAgent),
    ("http_user_agent", Field::UserAgent),
    ("cs-referer", Field::Referer),
    ("cs-referrer", Field::Referer),
    ("cs(referer)", Field::Referer),
    ("http_referer", Field::Referer),
    ("cs-method", Field::Method),
    ("request_method", Field::Method),
    ("sc-status", Field::Status),
    ("status", Field::Status),
    ("sc-bytes", Field::Bytes),
    ("body_bytes_sent", Field::Bytes),
    ("bytes_sent", Field::Bytes),
    ("c-ip", Field::Client),
    ("remote_addr", Field::Client),
    ("cs-host", Field::Host),
    ("host", Field::Host),
    ("cs-username", Field::User),
    ("remote_user", Field::User),
    ("cs-version", Field::Version),
    ("server_protocol", Field::Version),
];

impl Field {
    /// The field that a rule means, if a log has it.
    pub(super) fn named(name: &str) -> Option<Field> {
        let known = |(known, _): &&(&str, Field)| known.eq_ignore_ascii_case(name);
        NAMES.iter().find(known).map(|(_, field)| *field)
    }

    /// Where a match in it is reported.
    pub(super) fn place(self) -> entry::Field {
        match self {
            Field::Query | Field::Uri => entry::Field::Target,
            Field::Stem => entry::Field::Path,
            Field::UserAgent => entry::Field::UserAgent,
            Field::Referer => entry::Field::Referer,
            _ => entry::Field::Line,
        }
    }
}

/// The texts of a record in one view: as logged, or decoded.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    pub(super) target: &'a [u8],
    pub(super) referer: &'a [u8],
    pub(super) agent: &'a [u8],
}

impl<'a> Texts<'a> {
    /// As logged.
    pub(super) fn raw(access: &Access<'a>) -> Texts<'a> {
        // a request field that is no request line has only itself to be looked at
        let target = match access.has_target() {
            true => access.target,
            false => access.request,
        };
        let cut = |text: &'a [u8]| &text[..text.len().min(decode::MAX_FIELD)];
        Texts {
            target: cut(target),
            referer: cut(access.referer.unwrap_or_default()),
            agent: cut(access.user_agent.unwrap_or_default()),
        }
    }
}

/// Buffers for the decoded view.
#[derive(Default)]
pub(super) struct View {
    target: Vec<u8>,
    referer: Vec<u8>,
    agent: Vec<u8>,
    unescaped: Vec<u8>,
    scratch: Vec<u8>,
    decoded: Decoded,
}

impl View {
    /// The decoded view of a record, or `None` if nothing in it can be decoded.
    pub(super) fn decode<'v>(&'v mut self, raw: Texts<'v>) -> Option<Texts<'v>> {
        let coded = |text: &[u8], signs: [u8; 3]| {
            memchr::memchr3(signs[0], signs[1], signs[2], text).is_some()
        };
        // `;` ends an HTML entity; headers are full of it
        let target = coded(raw.target, *b"%+\\") || raw.target.contains(&b';');
        let referer = coded(raw.referer, *b"%+\\");
        let agent = coded(raw.agent, *b"%%\\");
        if !(target || referer || agent) {
            return None;
        }
        if target {
            self.address(raw.target);
            std::mem::swap(&mut self.target, &mut self.decoded.text);
        }
        if referer {
            self.address(raw.referer);
            std::mem::swap(&mut self.referer, &mut self.decoded.text);
        }
        if agent {
            self.text(raw.agent, Form::Plain);
            std::mem::swap(&mut self.agent, &mut self.decoded.text);
        }
        let pick = |decoded: bool, ours: &'v [u8], raw: &'v [u8]| if decoded { ours } else { raw };
        let texts = Texts {
            target: pick(target, &self.target, raw.target),
            referer: pick(referer, &self.referer, raw.referer),
            agent: pick(agent, &self.agent, raw.agent),
        };
        let same =
            (texts.target, texts.referer, texts.agent) == (raw.target, raw.referer, raw.agent);
        (!same).then_some(texts)
    }

    /// Decodes path and query, each by its own rules.
    fn address(&mut self, raw: &[u8]) {
        let split = memchr::memchr(b'?', raw).unwrap_or(raw.len());
        self.text(&raw[..split], Form::Plain);
        let mut whole = std::mem::take(&mut self.decoded.text);
        if split < raw.len() {
            whole.push(b'?');
            self.text(&raw[split + 1..], Form::Urlencoded);
            whole.extend_from_slice(&self.decoded.text);
        }
        self.decoded.text = whole;
    }

    fn text(&mut self, raw: &[u8], form: Form) {
        let text = match decode::unescape_log(raw, &mut self.unescaped) {
            true => &self.unescaped[..],
            false => raw,
        };
        self.decoded.decode(text, form, &mut self.scratch);
    }
}

/// A record as rules see it.
pub(super) struct Record<'a> {
    access: &'a Access<'a>,
    texts: Texts<'a>,
    line: OnceCell<String>,
}

impl<'a> Record<'a> {
    pub(super) fn new(access: &'a Access<'a>, texts: Texts<'a>) -> Record<'a> {
        Record {
            access,
            texts,
            line: OnceCell::new(),
        }
    }

    /// A field's text; empty when the log does not say.
    pub(super) fn text(&self, field: Field) -> Cow<'a, str> {
        let target = self.texts.target;
        let split = memchr::memchr(b'?', target).unwrap_or(target.len());
        let bytes = match field {
            Field::Query | Field::Uri => target,
            Field::Stem => &target[..split],
            Field::UserAgent => self.texts.agent,
            Field::Referer => self.texts.referer,
            Field::Method => self.access.method,
            Field::Client => self.access.client_text,
            Field::Host => self.access.vhost.unwrap_or_default(),
            Field::User => self.access.user.unwrap_or_default(),
            Field::Version => self.access.protocol,
            Field::Status | Field::Bytes => b"",
        };
        String::from_utf8_lossy(bytes)
    }

    /// The line for keywords, in the order of the combined format.
    pub(super) fn line(&self) -> &str {
        self.line.get_or_init(|| {
            let access = self.access;
            let or_dash = |text: &[u8]| match text.is_empty() {
                true => "-".to_string(),
                false => String::from_utf8_lossy(text).into_owned(),
            };
            let number = |value: Option<u64>| value.map_or("-".to_string(), |n| n.to_string());
            let mut request = vec![self.texts.target];
            if !access.method.is_empty() {
                request.insert(0, access.method);
                request.push(access.protocol);
            }
            format!(
                "{} - {} \"{}\" {} {} \"{}\" \"{}\" {} {}",
                or_dash(access.client_text),
                or_dash(access.user.unwrap_or_default()),
                or_dash(request.join(&b' ').trim_ascii_end()),
                number(access.status.map(u64::from)),
                number(access.bytes),
                or_dash(self.texts.referer),
                or_dash(self.texts.agent),
                or_dash(access.vhost.unwrap_or_default()),
                or_dash(access.extras),
            )
        })
    }
}

impl Event for Record<'_> {
    fn get_field(&self, name: &str) -> Option<EventValue<'_>> {
        let field = Field::named(name)?;
        let number = |value: Option<u64>| {
            value.map_or(EventValue::Null, |n| {
                EventValue::Int(i64::try_from(n).unwrap_or(i64::MAX))
            })
        };
        let text = self.text(field);
        Some(match field {
            Field::Status => number(self.access.status.map(u64::from)),
            Field::Bytes => number(self.access.bytes),
            // rules mean by it the query, or, as most of Sigma's own conversions do, the whole target
            Field::Query => match text.find('?') {
                Some(at) => EventValue::Array(vec![
                    EventValue::Str(Cow::Owned(text[at + 1..].to_owned())),
                    EventValue::Str(text),
                ]),
                None => EventValue::Str(text),
            },
            _ if text.is_empty() => EventValue::Null,
            _ => EventValue::Str(text),
        })
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        pred(self.line())
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        vec![Cow::Borrowed(self.line())]
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::Value::String(self.line().to_owned())
    }
}

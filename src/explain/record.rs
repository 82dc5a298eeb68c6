//! Keeps what an inspector tells of one line: the texts, the steps to them, and what was tried there.

use serde::Serialize;

use crate::decode::{Layer, Step};
use crate::pattern::entry::{Field, PatternId};
use crate::pattern::watch::{Look, Told, Watch};

/// What part of a field a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The field as logged, before its parts are looked at; nothing was tried on it.
    AsLogged,
    /// The whole field: a path, a header, a line.
    Whole,
    /// A segment of the path.
    Segment,
    /// The name of a parameter, with its `=`.
    ParameterName,
    /// The value of a parameter.
    Value,
    /// A part of a query without a name.
    BareValue,
    /// What base64, a data URL or UTF-7 hid.
    Wrapped,
    /// What stands before a NUL.
    BeforeNul,
    /// A JSON value: its strings follow.
    Json,
    /// A string of a JSON value; `parameter` is its key.
    JsonString,
    /// Several parameters read as one: of one name, or joined by a comment.
    Joined,
    /// The value of a parameter that is a URL with a query: its parts follow.
    Url,
    /// A part of the URL that a parameter's value is.
    UrlPart,
}

/// An entry that was tried on a text.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) pattern: PatternId,
    /// Its grammar was asked.
    pub(super) asked: bool,
    /// What it matched.
    pub(super) span: Option<(usize, usize)>,
}

/// A text and what happened there.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) field: Field,
    pub(super) what: What,
    pub(super) name: Option<Vec<u8>>,
    pub(super) steps: Vec<Step>,
    pub(super) text: Vec<u8>,
    pub(super) rounds: u8,
    pub(super) tried: Vec<Tried>,
}

impl Seen {
    /// What an entry matched here.
    pub(super) fn fired(&self, pattern: PatternId) -> Option<(usize, usize)> {
        let mut tried = self.tried.iter();
        tried
            .find(|tried| tried.pattern == pattern)
            .and_then(|tried| tried.span)
    }
}

/// Keeps everything, in order. Bounded as the inspector is: a field has at most 64 KiB, and so many
/// parts.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) seen: Vec<Seen>,
    /// A field before and after its log escapes were removed, until its first part is told.
    unescaped: Option<[Vec<u8>; 2]>,
}

impl Watch for Recorder {
    fn told(&mut self, event: Told<'_>) {
        match event {
            Told::Unescaped { raw, text } => self.unescaped = Some([raw.to_vec(), text.to_vec()]),
            Told::Text(look) => self.text(&look),
            Told::Tried(pattern) => self.tried(pattern),
            Told::Asked => {
                if let Some(tried) = self.last_tried() {
                    tried.asked = true;
                }
            }
            Told::Fired { start, end } => {
                if let Some(tried) = self.last_tried() {
                    tried.span = Some((start, end));
                }
            }
            Told::Done => {}
        }
    }
}

impl Recorder {
    fn text(&mut self, look: &Look<'_>) {
        self.as_logged(look.field);
        let seen = Seen {
            field: look.field,
            what: self.what(look),
            name: look.name.map(<[u8]>::to_vec),
            steps: look.view.trail().to_vec(),
            text: look.view.text.clone(),
            rounds: look.view.rounds,
            tried: Vec::new(),
        };
        self.seen.push(seen);
    }

    /// Adds the field whose log escapes were removed before its first part.
    fn as_logged(&mut self, field: Field) {
        let Some([raw, text]) = self.unescaped.take() else {
            return;
        };
        let step = |layers, text| Step { layers, text };
        self.seen.push(Seen {
            // the path comes first, and it is the target that was logged
            field: if field == Field::Path {
                Field::Target
            } else {
                field
            },
            what: What::AsLogged,
            name: None,
            steps: vec![
                step(Vec::new(), raw),
                step(vec![Layer::LogEscapes], text.clone()),
            ],
            text,
            rounds: 0,
            tried: Vec::new(),
        });
    }

    /// What part of its field a text is, from how it is looked at.
    fn what(&self, look: &Look<'_>) -> What {
        let taken_from = |wanted: &[Layer]| {
            let mut layers = look.view.trail().iter().flat_map(|step| &step.layers);
            layers.any(|layer| wanted.contains(layer))
        };
        let within_url = || {
            self.seen.last().is_some_and(|seen| {
                matches!(seen.what, What::Url | What::UrlPart)
                    && seen.field == look.field
                    && seen.name.as_deref() == look.name
            })
        };
        match (look.field, look.name) {
            _ if taken_from(&[Layer::Json]) => What::JsonString,
            _ if taken_from(&[Layer::BehindNul]) => What::BeforeNul,
            _ if taken_from(&[Layer::Base64, Layer::DataUrl, Layer::Utf7]) => What::Wrapped,
            (Field::Path, None) if !look.expressions => What::Segment,
            _ if !look.expressions => What::Joined,
            _ if !look.grammars && look.view.text.trim_ascii().starts_with(b"http") => What::Url,
            _ if !look.grammars && look.view.text.starts_with(b"/") => What::Url,
            _ if !look.grammars => What::Json,
            (_, Some(_)) if within_url() => What::UrlPart,
            (_, Some(_)) => What::Value,
            (Field::Query, None) if look.view.lower.ends_with(b"=") => What::ParameterName,
            (Field::Query, None) => What::BareValue,
            (Field::Referer, None) if self.has(Field::Referer) => What::BareValue,
            _ => What::Whole,
        }
    }

    /// Whether a part of the field was told already.
    fn has(&self, field: Field) -> bool {
        let mut seen = self.seen.iter();
        seen.any(|seen| seen.field == field && seen.what != What::AsLogged)
    }

    fn tried(&mut self, pattern: PatternId) {
        if let Some(seen) = self.seen.last_mut() {
            seen.tried.push(Tried {
                pattern,
                asked: false,
                span: None,
            });
        }
    }

    fn last_tried(&mut self) -> Option<&mut Tried> {
        self.seen.last_mut()?.tried.last_mut()
    }
}

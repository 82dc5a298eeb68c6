//! Markup that a browser would run: tags, attributes, handlers and URLs that hold script.
//!
//! Tags are cut as HTML parsers cut them (WHATWG HTML 13.2.5): a letter right behind `<`, names ended
//! by blank, `/` or `>`, attributes quoted or not, tags left open at the end. Harmless formatting is
//! no feature.

mod attributes;
mod ends;

use super::bytes::worth_reading;
use super::needs;
use attributes::{Looked, is_handler};
use ends::Ends;

features! {
    /// An element that runs or loads by itself: `script`, `iframe`, `object`, ...
    ActiveElement = "active_element",
    /// An attribute `on...=` within a tag.
    Handler = "handler",
    /// A script URL where a browser follows it.
    ScriptUrl = "script_url",
    /// A quote that leaves an attribute, followed by a handler.
    AttributeBreakout = "attribute_breakout",
    /// Style that runs script in old browsers, or loads from elsewhere.
    ActiveStyle = "active_style",
    /// An element that changes how the page works: `base`, `form`, `meta`, `link`, `svg`, ...
    OddElement = "odd_element",
    /// A quote or `>` followed by a tag: an attribute was left.
    TagBreakout = "tag_breakout",
}

/// At most this many bytes are read of all tags of a text together: tags may stand within tags, so that
/// their sum can exceed the text.
const MAX_WORK: usize = 256 * 1024;

/// Longest name of an element that people mention, in bytes.
const MAX_MENTION: usize = 16;

/// The namespace that an SVG picture declares (SVG 1.1, 1.3).
const SVG_NAMESPACE: &[u8] = b"http://www.w3.org/2000/svg";

/// At most this many bytes of one tag are read.
const MAX_TAG: usize = 4096;

/// At most this many bytes may stand between a quote and the attribute that follows it.
const MAX_GAP: usize = 32;

/// Longest name of an event handler that is looked for, in bytes.
const MAX_HANDLER: usize = 64;

/// Elements that run or load when they are merely present.
const ACTIVE: &[&[u8]] = &[
    b"script",
    b"iframe",
    b"object",
    b"embed",
    b"applet",
    b"frameset",
    b"frame",
    b"portal",
    b"xss",
    b"noscript",
];

/// Elements that no visitor types and that redirect, restyle or carry other languages.
const ODD: &[&[u8]] = &[
    b"base",
    b"form",
    b"meta",
    b"link",
    b"svg",
    b"math",
    b"style",
    b"isindex",
    b"bgsound",
    b"layer",
    b"ilayer",
    b"xml",
    b"template",
    b"marquee",
    b"video",
    b"audio",
    b"source",
    b"details",
    b"body",
    b"html",
    b"input",
    b"button",
    b"textarea",
    b"keygen",
    b"animate",
    b"set",
    b"image",
    b"foreignobject",
    b"use",
    b"dialog",
    b"select",
    b"title",
    b"plaintext",
    b"xmp",
    b"comment",
    b"event-source",
    b"menuitem",
    b"var_",
];

/// Elements whose names are types of programming languages as well.
const TYPES: &[&[u8]] = &[
    b"object",
    b"form",
    b"link",
    b"template",
    b"video",
    b"audio",
    b"source",
    b"input",
    b"button",
    b"image",
    b"dialog",
    b"select",
    b"title",
    b"set",
    b"comment",
    b"frame",
];

/// Finds the features of a text.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    if !worth_reading(text, needs::MARKUP) {
        return facts;
    }
    let mut outside = Outside {
        picture: is_picture(text),
        ..Outside::default()
    };
    let mut ends = Ends::default();
    let mut looked = Looked::default();
    let mut work = 0;
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'<', &text[from..]).map(|n| from + n) {
        from = at + 1;
        if let Some(tag) = Tag::read(text, at, &mut ends) {
            work += tag.whole.len();
            if work > MAX_WORK {
                break;
            }
            tag.judge(text, &mut outside, &mut facts);
            looked.attributes(text, &tag, &mut facts);
            from = tag.name_end;
        } else if at >= outside.end
            && let Some(length) = instruction(&text[at..])
        {
            outside.end = at + length;
            outside.tags = true;
        }
    }
    if facts != Facts::default() && talks_of_tags(text) {
        return Facts::default();
    }
    attribute_breakout(text, &mut facts);
    facts
}

/// Whether a text is words about elements: `<form>` stands between blanks like any other word, and
/// nothing else is markup, a quote or a call. Whoever injects an element has to give it something to do.
fn talks_of_tags(text: &[u8]) -> bool {
    let mut words = 0;
    let mut at = 0;
    let blank_at = |at: usize| text.get(at).is_none_or(|b| b.is_ascii_whitespace());
    while at < text.len() {
        let apart = at == 0 || blank_at(at - 1);
        match text[at] {
            b'<' => {
                let name = text[at + 1..].iter().take(MAX_MENTION);
                let end = at + 1 + name.take_while(|b| b.is_ascii_alphanumeric()).count();
                let closed = text.get(end) == Some(&b'>');
                let ended = |at| blank_at(at) || matches!(text[at], b',' | b'.' | b'?' | b':');
                if !apart || !closed || !ended(end + 1) {
                    return false;
                }
                at = end;
            }
            byte if byte.is_ascii_alphabetic() || byte >= 0x80 => words += usize::from(apart),
            b' ' | b',' | b'.' | b'?' | b':' | b'!' | b'-' | b'0'..=b'9' => {}
            _ => return false,
        }
        at += 1;
    }
    words > 0
}

/// Blank or another byte that HTML or lenient browsers skip between attributes.
fn is_gap(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'/' | b'"' | b'\'' | b'+' | b'\\')
}

/// A byte that may follow a tag's name in what browsers, or those who filter for them, still read as a tag.
fn ends_name(byte: u8) -> bool {
    is_gap(byte) || b"><&#=(?{`;.~*,[|".contains(&byte) || byte >= 0x80
}

/// What was seen outside of tags so far.
#[derive(Default)]
struct Outside {
    /// Where the last tag ended.
    end: usize,
    /// A tag was read.
    tags: bool,
    /// An attribute was left before the first tag.
    left: bool,
    /// The text begins with the end of an element.
    closed: bool,
    /// The whole text is an SVG picture.
    picture: bool,
    /// Some element is closed anywhere in the text, once that was asked.
    closes: Option<bool>,
}

/// One tag, as far as it is read.
struct Tag<'a> {
    /// The tag's bytes, from `<` on.
    whole: &'a [u8],
    at: usize,
    name: &'a [u8],
    name_end: usize,
    closing: bool,
}

impl<'a> Tag<'a> {
    /// Reads the tag at `at`.
    fn read(text: &'a [u8], at: usize, ends: &mut Ends) -> Option<Tag<'a>> {
        let rest = &text[at..text.len().min(at + MAX_TAG)];
        // blanks, NULs and other control bytes behind `<` were skipped by old browsers
        let skip = rest[1..]
            .iter()
            .take_while(|&&b| b == b'/' || b == b'%' || b == b'!' || (b < b' '))
            .count();
        let name_at = 1 + skip;
        if !rest.get(name_at)?.is_ascii_alphabetic() {
            return None;
        }
        let name_len = rest[name_at..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':' | b'_'))
            .count();
        let name_end = name_at + name_len;
        Some(Tag {
            whole: &rest[..ends.of(text, at, rest.len(), name_end)],
            at,
            name: &rest[name_at..name_end],
            name_end: at + name_end,
            closing: rest.get(1) == Some(&b'/'),
        })
    }

    fn judge(&self, text: &[u8], outside: &mut Outside, facts: &mut Facts) {
        let (start, end) = (self.at, self.at + self.whole.len());
        let local = self.name.rsplit(|&b| b == b':').next().unwrap_or(self.name);
        let ended = text.get(self.name_end).is_none_or(|b| ends_name(*b));
        if ended && ACTIVE.contains(&local) && !self.is_type(text, local, outside) {
            facts.note(Feature::ActiveElement, start, end);
        } else if ended
            && ODD.contains(&local)
            && !self.is_type(text, local, outside)
            && !(outside.picture && local == b"svg")
        {
            facts.note(Feature::OddElement, start, end);
        }
        // the value ends an element of the page, and begins another
        if self.at == 0 && self.closing {
            outside.closed = true;
        } else if outside.closed && !self.closing {
            facts.note(Feature::TagBreakout, 0, end);
        }
        if ended && self.at >= outside.end {
            self.breakout(text, outside, facts);
        }
        outside.tags = true;
        outside.end = outside.end.max(end);
    }

    /// Whether an attribute was left right before the tag. Before the first tag a quote does it; behind
    /// others, where quotes may be text, only one that a `>` follows.
    fn breakout(&self, text: &[u8], outside: &mut Outside, facts: &mut Facts) {
        let gap = &text[outside.end..self.at];
        let quote = |b: &u8| matches!(b, b'"' | b'\'');
        let last = gap.last().copied();
        let begins = matches!(last, Some(b'"' | b'\'' | b'>' | b')' | b'}' | b';'));
        let left = begins && gap.iter().any(quote);
        let inner = gap.strip_suffix(b">").unwrap_or_default();
        let inner = inner.strip_suffix(b"/").unwrap_or(inner).trim_ascii_end();
        let closed = inner.last().is_some_and(quote);
        let first = !outside.tags && left && (!self.closing || closed);
        // `'<x`: what a quote and a bracket make of a password
        let cut = !self.whole.ends_with(b">") && !self.whole.contains(&b'=');
        if cut && last != Some(b'>') {
            return;
        }
        if first || (outside.tags && closed) || (outside.left && gap.is_empty() && !self.closing) {
            let start = self.at - usize::from(self.at > outside.end);
            facts.note(Feature::TagBreakout, start, self.at + self.whole.len());
            outside.left = true;
        }
    }

    /// Whether the element's name is a type argument of a programming language: `list<object>`.
    fn is_type(&self, text: &[u8], local: &[u8], outside: &mut Outside) -> bool {
        let behind_name = self.at > 0 && text[self.at - 1].is_ascii_alphanumeric();
        let bare = self.whole.len() == self.name.len() + 2 && self.whole.ends_with(b">");
        let closes = || memchr::memmem::find(text, b"</").is_some();
        behind_name && bare && TYPES.contains(&local) && !*outside.closes.get_or_insert_with(closes)
    }
}

/// Whether the text is one SVG picture: logos are sent so.
fn is_picture(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let root = memchr::memchr(b'>', text).map_or(text, |end| &text[..end]);
    text.starts_with(b"<svg")
        && text.ends_with(b"</svg>")
        && memchr::memmem::find(root, SVG_NAMESPACE).is_some()
}

/// The length of a processing instruction or comment at the start of `rest`: the quotes in it leave nothing.
fn instruction(rest: &[u8]) -> Option<usize> {
    let end: &[u8] = match rest.get(1..4)? {
        [b'?', ..] => b"?>",
        b"!--" => b"-->",
        _ => return None,
    };
    let rest = &rest[..rest.len().min(MAX_TAG)];
    memchr::memmem::find(rest, end).map(|at| at + end.len())
}

/// `" onmouseover=...`: an attribute was left by its quote, and a handler follows.
fn attribute_breakout(text: &[u8], facts: &mut Facts) {
    for (at, _) in text
        .iter()
        .enumerate()
        .filter(|(_, b)| matches!(b, b'"' | b'\'' | b'`'))
    {
        let rest = &text[at + 1..];
        let gap = rest
            .iter()
            .take(MAX_GAP)
            .take_while(|b| is_gap(**b))
            .count();
        let name_len = rest[gap..]
            .iter()
            .take(MAX_HANDLER)
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let name = &rest[gap..gap + name_len];
        let after = rest[gap + name_len..]
            .iter()
            .take(MAX_GAP)
            .position(|b| *b > b' ');
        let equals = after.is_some_and(|n| rest[gap + name_len + n] == b'=');
        if equals && is_handler(name) {
            facts.note(Feature::AttributeBreakout, at, at + 1 + gap + name_len + 1);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn live_markup_is_told_from_formatting() {
        let has = |text: &str, feature| analyse(text.as_bytes()).span(feature).is_some();
        for (text, feature) in [
            ("<script>alert(1)</script>", Feature::ActiveElement),
            ("<img src=x onerror=alert(1)>", Feature::Handler),
            ("<svg/onload=alert(1)>", Feature::Handler),
            ("<a href=\"jav\tascript:alert(1)\">", Feature::ScriptUrl),
            ("\" onfocus=alert(1) x=\"", Feature::AttributeBreakout),
            ("<p style=\"x:exp/**/ression(1)\">", Feature::ActiveStyle),
            ("<base href=//x>", Feature::OddElement),
            ("<p style=x:expression\\28 1\\29>", Feature::ActiveStyle),
            ("\"><h1>x", Feature::TagBreakout),
            ("'></a><h1>x", Feature::TagBreakout),
            ("</name><role>admin</role><name>", Feature::TagBreakout),
            ("x<script>1</script> how to", Feature::ActiveElement),
            ("say <script> alert(1)", Feature::ActiveElement),
        ] {
            assert!(has(text, feature), "{text}: {feature:?}");
        }
        for text in [
            "<b>bold</b>",
            "a < b",
            "vector<int>",
            "i <3 you",
            "<p>one <em>two</em></p>",
            "<p class=\"a\"><b>x</b></p>",
            "<b>\"quoted\"</b> <i>x</i>",
            "what is the <form> element, or <script>?",
            "list<object> x",
            "k'<fz.t",
            "</b> is missing",
            "<?xml version=\"1.0\"?><order><id>1</id></order>",
            "<!-- \"a\" --><p>x</p>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"m0\"/></svg>",
        ] {
            assert_eq!(analyse(text.as_bytes()), Facts::default(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn spans_stay_within_any_text(
            text in "(<|</|<!--|-->|>|/|=| |\"|'|<svg|<b|script|onload|style|href|javascript:|expression\\\\28|[a-z]|\\\\|/[*]|[*]/){0,60}",
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            for text in [text.as_bytes(), &bytes] {
                prop_assert!(analyse(text).stay_within(text.len()));
            }
        }

        #[test]
        fn tags_within_tags_have_the_attributes_of_each(
            text in "(<a|<b/|>|=| |\"|'|`|onload|style|href|javascript:|expression[(]|x){0,40}",
        ) {
            let text = text.as_bytes();
            let (mut together, mut apart) = (Facts::default(), Facts::default());
            let (mut ends, mut looked) = (Ends::default(), Looked::default());
            for at in memchr::memchr_iter(b'<', text) {
                if let Some(tag) = Tag::read(text, at, &mut ends) {
                    looked.attributes(text, &tag, &mut together);
                    Looked::default().attributes(text, &tag, &mut apart);
                }
            }
            prop_assert_eq!(together, apart);
        }

    }
}

//! Markup that a browser would run: tags, attributes, handlers and URLs that hold script.
//!
//! Tags are cut as HTML parsers cut them (WHATWG HTML 13.2.5): a letter right behind `<`, names ended
//! by blank, `/` or `>`, attributes quoted or not, tags left open at the end. Harmless formatting is
//! no feature.

use super::bytes::worth_reading;

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

/// No tag without an odd byte; a handler needs a quote or a bracket.
pub const NEEDS: &[&str] = &[];

/// At most this many tags are read.
const MAX_TAGS: usize = 200;

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

/// Attributes that hold a URL which a browser follows.
const URL_ATTRIBUTES: &[&[u8]] = &[
    b"href",
    b"src",
    b"action",
    b"formaction",
    b"data",
    b"xlink:href",
    b"background",
    b"dynsrc",
    b"lowsrc",
    b"poster",
    b"code",
    b"codebase",
    b"srcdoc",
    b"to",
    b"from",
    b"values",
    b"content",
    b"value",
    b"url",
    b"manifest",
    b"classid",
    b"archive",
    b"ping",
    b"srcset",
    b"folder",
    b"by",
    b"path",
];

/// Finds the features of a text.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    if !worth_reading(text, NEEDS) {
        return facts;
    }
    let mut from = 0;
    for _ in 0..MAX_TAGS {
        let Some(at) = memchr::memchr(b'<', &text[from..]).map(|n| from + n) else {
            break;
        };
        from = at + 1;
        if let Some(end) = tag(text, at, &mut facts) {
            from = end.max(at + 1);
        }
    }
    attribute_breakout(text, &mut facts);
    facts
}

/// Blank or another byte that HTML or lenient browsers skip between attributes.
fn is_gap(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'/' | b'"' | b'\'' | b'+' | b'\\')
}

/// A byte that may follow a tag's name in what browsers, or those who filter for them, still read as a tag.
fn ends_name(byte: u8) -> bool {
    is_gap(byte) || b"><&#=(?{`;.~*,[|".contains(&byte) || byte >= 0x80
}

/// Reads the tag at `at`; returns where it ends.
fn tag(text: &[u8], at: usize, facts: &mut Facts) -> Option<usize> {
    let rest = &text[at..text.len().min(at + MAX_TAG)];
    let closing = rest.get(1) == Some(&b'/');
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
    let name = &rest[name_at..name_at + name_len];
    let local = name.rsplit(|&b| b == b':').next().unwrap_or(name);
    let end = tag_end(rest, name_at + name_len);
    let whole = (at, at + end);
    let after = rest.get(name_at + name_len).copied();
    let ended = after.is_none_or(ends_name);
    if ended && ACTIVE.contains(&local) {
        facts.note(Feature::ActiveElement, whole.0, whole.1);
    } else if ended && ODD.contains(&local) {
        facts.note(Feature::OddElement, whole.0, whole.1);
    }
    if at > 0
        && matches!(text[at - 1], b'"' | b'\'' | b'>' | b')' | b'}' | b';')
        && ended
        && !closing
    {
        let quote = text[..at].iter().any(|b| matches!(b, b'"' | b'\''));
        if quote {
            facts.note(Feature::TagBreakout, at - 1, whole.1);
        }
    }
    attributes(text, at, &rest[..end], name_at + name_len, facts);
    Some(at + name_at + name_len)
}

/// The end of a tag: `>` outside quotes, or the text's.
fn tag_end(rest: &[u8], from: usize) -> usize {
    let mut quote = 0u8;
    let mut previous = 0u8;
    for (at, &byte) in rest.iter().enumerate().skip(from) {
        if quote != 0 {
            if byte == quote {
                quote = 0;
            }
        } else if matches!(byte, b'"' | b'\'' | b'`') && matches!(previous, b'=') {
            quote = byte;
        } else if byte == b'>' {
            return at + 1;
        }
        if byte > b' ' {
            previous = byte;
        }
    }
    rest.len()
}

/// Looks at the attributes of one tag.
fn attributes(text: &[u8], base: usize, tag: &[u8], from: usize, facts: &mut Facts) {
    let mut at = from;
    while at < tag.len() {
        let Some(equals) = memchr::memchr(b'=', &tag[at..]).map(|n| at + n) else {
            break;
        };
        let name_end = equals
            - tag[at..equals]
                .iter()
                .rev()
                .take_while(|b| **b <= b' ')
                .count();
        let name_start = name_end
            - tag[at..name_end]
                .iter()
                .rev()
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':' | b'_'))
                .count();
        let name = &tag[name_start..name_end];
        let value_at = equals + 1 + tag[equals + 1..].iter().take_while(|b| **b <= b' ').count();
        let value = attribute_value(&tag[value_at..]);
        if is_handler(name) {
            facts.note(Feature::Handler, base, base + tag.len());
        } else if URL_ATTRIBUTES.contains(&name) && (is_script_url(value) || name == b"srcdoc") {
            facts.note(Feature::ScriptUrl, base, base + tag.len());
        } else if name == b"style" && is_active_style(value) {
            facts.note(Feature::ActiveStyle, base, base + tag.len());
        }
        at = (value_at + value.len()).max(equals + 1);
    }
    let _ = text;
}

/// The value at the start of `rest`, with its quotes.
fn attribute_value(rest: &[u8]) -> &[u8] {
    match rest.first() {
        Some(&quote @ (b'"' | b'\'' | b'`')) => {
            let end = memchr::memchr(quote, &rest[1..]).map_or(rest.len(), |n| n + 2);
            &rest[..end]
        }
        _ => {
            let end = rest
                .iter()
                .position(|b| *b <= b' ' || *b == b'>')
                .unwrap_or(rest.len());
            &rest[..end]
        }
    }
}

/// `on` and at least three letters: every event handler content attribute has that form.
fn is_handler(name: &[u8]) -> bool {
    name.len() >= 5
        && name.starts_with(b"on")
        && name
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether a browser would run the URL: blanks and control bytes within the scheme are skipped.
pub fn is_script_url(value: &[u8]) -> bool {
    let mut letters = [0u8; 24];
    let mut count = 0;
    for &byte in value
        .iter()
        .filter(|b| **b > b' ' && !matches!(**b, b'"' | b'\'' | b'`' | b'\\') && **b < 0x80)
    {
        if count == letters.len() {
            break;
        }
        letters[count] = byte;
        count += 1;
    }
    let start = &letters[..count];
    let schemes: [&[u8]; 9] = [
        b"javascript:",
        b"vbscript:",
        b"livescript:",
        b"mocha:",
        b"data:text/html",
        b"data:;base64",
        b"data:text/",
        b"data:image/svg",
        b"data:application",
    ];
    schemes
        .iter()
        .any(|scheme| memchr::memmem::find(start, scheme).is_some())
        || start.starts_with(b"data:,")
}

/// Style with script in it.
fn is_active_style(value: &[u8]) -> bool {
    let mut squeezed = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&byte, tail)) = rest.split_first() {
        if rest.starts_with(b"/*") {
            let end = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |n| n + 2);
            rest = &rest[end..];
            continue;
        }
        if byte > b' ' && byte != b'\\' {
            squeezed.push(byte);
        }
        rest = tail;
    }
    let words: [&[u8]; 7] = [
        b"expression(",
        b"javascript:",
        b"-moz-binding",
        b"behavior:",
        b"behaviour:",
        b"vbscript:",
        b"@import",
    ];
    words
        .iter()
        .any(|word| memchr::memmem::find(&squeezed, word).is_some())
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
            ("\"><h1>x", Feature::TagBreakout),
        ] {
            assert!(has(text, feature), "{text}: {feature:?}");
        }
        for text in [
            "<b>bold</b>",
            "a < b",
            "vector<int>",
            "i <3 you",
            "<p>one <em>two</em></p>",
        ] {
            assert_eq!(analyse(text.as_bytes()), Facts::default(), "{text}");
        }
    }
}

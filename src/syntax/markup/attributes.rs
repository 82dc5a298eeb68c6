//! What the attributes of a tag tell: handlers, URLs that hold script, style that does.
//!
//! Tags may stand within tags; each attribute is looked at once.

use super::{Facts, Feature, Tag};

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

/// Where attributes were looked for, so that tags within tags are not searched for the same ones: the first tag that
/// has one notes it.
#[derive(Default)]
pub(super) struct Looked {
    /// The places from which an attribute was looked for, in order.
    from: Vec<usize>,
    /// Where the tag ends that reaches furthest of those searched from there.
    end: usize,
}

impl Looked {
    /// Looks at the attributes of a tag.
    pub(super) fn attributes(&mut self, text: &[u8], tag: &Tag<'_>, facts: &mut Facts) {
        let (start, end) = (tag.at, tag.at + tag.whole.len());
        let mut from = tag.name_end;
        let mut mine = Vec::new();
        while from < end {
            if self.from.binary_search(&from).is_ok() {
                if end <= self.end {
                    return;
                }
                // the last one may have been cut short by the end of that tag
                mine = std::mem::take(&mut self.from);
                from = mine.pop().unwrap_or(from);
            }
            mine.push(from);
            let Some((feature, next)) = attribute(&text[..end], from) else {
                break;
            };
            if let Some(feature) = feature {
                facts.note(feature, start, end);
            }
            from = next;
        }
        (self.from, self.end) = (mine, end);
    }
}

/// The first attribute with a value from a place on in what ends with its tag: what is told by it, and where it ends.
fn attribute(tag: &[u8], from: usize) -> Option<(Option<Feature>, usize)> {
    let equals = from + memchr::memchr(b'=', &tag[from..])?;
    let before = &tag[from..equals];
    let blanks = before.iter().rev().take_while(|b| **b <= b' ').count();
    let before = &before[..before.len() - blanks];
    let letters = before
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':' | b'_'))
        .count();
    let name = &before[before.len() - letters..];
    let value_at = equals + 1 + tag[equals + 1..].iter().take_while(|b| **b <= b' ').count();
    let value = attribute_value(&tag[value_at..]);
    let feature = if is_handler(name) {
        Some(Feature::Handler)
    } else if URL_ATTRIBUTES.contains(&name) && (is_script_url(value) || name == b"srcdoc") {
        Some(Feature::ScriptUrl)
    } else if name == b"style" && is_active_style(value) {
        Some(Feature::ActiveStyle)
    } else {
        None
    };
    Some((feature, (value_at + value.len()).max(equals + 1)))
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
pub(super) fn is_handler(name: &[u8]) -> bool {
    name.len() >= 5
        && name.starts_with(b"on")
        && name
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether a browser would run the URL: blanks and control bytes within the scheme are skipped.
fn is_script_url(value: &[u8]) -> bool {
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
        if byte == b'\\'
            && let Some((escaped, taken)) = style_escape(tail)
        {
            squeezed.push(escaped);
            rest = &tail[taken..];
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

/// A character by its number, behind the backslash (CSS Syntax 3, 4.3.7): up to six digits, and a blank
/// that ends them. Gives it, lower case, and how many bytes it took.
fn style_escape(rest: &[u8]) -> Option<(u8, usize)> {
    let digits = rest.iter().take(6).take_while(|b| b.is_ascii_hexdigit());
    let digits = digits.count();
    let text = std::str::from_utf8(&rest[..digits]).ok()?;
    let byte = u8::try_from(u32::from_str_radix(text, 16).ok()?).ok()?;
    let blank = usize::from(rest.get(digits).is_some_and(u8::is_ascii_whitespace));
    Some((byte.to_ascii_lowercase(), digits + blank))
}

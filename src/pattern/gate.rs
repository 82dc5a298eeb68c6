//! The gate: a few nanoseconds that spare ordinary requests the whole inspection.
//!
//! It is derived from the patterns, not written beside them. From every expression follows what any
//! text that it matches must contain: a byte that ordinary requests lack, or one of a few literals.
//! A text that contains neither cannot match, so the gate never changes a result. An entry from
//! which nothing follows opens the gate for good: slow, but right.

use super::facts::{self, GateWords};
use super::literals::Literals;
use crate::decode;
use crate::syntax::bytes::{CODED, KINDS, ODD};

/// Longer texts are always looked at: they are rare, and odd.
const MAX_GATED: usize = 2048;

/// Longest parameter name that is sure to be taken for one.
const MAX_NAME: usize = 64;

/// The size of the table that tells where a literal could stand: 32 KiB, which mostly stays in the processor's
/// first cache, for some 3,000 literals.
const LITERAL_WORDS: usize = 1 << 12;

/// A sign that gives a target a shape: where none is, there is nothing to be said about it.
const SHAPING: u8 = 4;

/// What the gate asks of each byte: its kind, and whether it shapes.
const ASKED: [u8; 256] = {
    let mut asked = KINDS;
    let signs = b"=&+?";
    let mut at = 0;
    while at < signs.len() {
        asked[signs[at] as usize] |= SHAPING;
        at += 1;
    }
    asked
};

/// Buffers of one worker, so that no line costs an allocation.
#[derive(Default)]
pub struct Scratch {
    plain: Vec<u8>,
    once: Vec<u8>,
    folded: Vec<u8>,
    target: Vec<u8>,
}

/// Decides whether a raw text (as logged) needs inspection.
pub struct Gate {
    /// For patterns that look at targets.
    targets: Words,
    /// For patterns that look at headers and whole lines.
    texts: Words,
}

/// What lets a text without odd bytes pass.
struct Words {
    literals: Literals<LITERAL_WORDS>,
    /// Some pattern needs no literal: everything passes.
    open: bool,
}

impl Words {
    /// Joins what was derived from several packs.
    fn new(parts: &[&GateWords]) -> Words {
        let literals = parts.iter().flat_map(|part| facts::unpack(&part.literals));
        Words {
            literals: Literals::new(&literals.collect::<Vec<_>>()),
            open: parts.iter().any(|part| part.open),
        }
    }
}

impl Gate {
    /// A gate for entries from each of which follows what `parts` say about targets and about other texts.
    pub fn new(parts: &[[GateWords; 2]]) -> Gate {
        let words = |kind: usize| {
            let parts: Vec<&GateWords> = parts.iter().map(|part| &part[kind]).collect();
            Words::new(&parts)
        };
        Gate {
            targets: words(0),
            texts: words(1),
        }
    }

    /// False only if no pattern can match anything decoded from a request target.
    #[inline]
    pub fn passes_target(&self, raw: &[u8], scratch: &mut Scratch) -> bool {
        Self::passes(&self.targets, raw, true, scratch)
    }

    /// The same for one parameter of a query: it is asked as the only one.
    #[inline]
    pub fn passes_parameter(&self, raw: &[u8], scratch: &mut Scratch) -> bool {
        // whether a sign within it ends the parameter depends on what follows in the whole query
        if raw.len() > MAX_GATED || memchr::memchr(b'&', raw).is_some() {
            return true;
        }
        let mut target = std::mem::take(&mut scratch.target);
        target.clear();
        target.push(b'?');
        target.extend_from_slice(raw);
        let passes = self.passes_target(&target, scratch);
        scratch.target = target;
        passes
    }

    /// The same for a text that is looked at as a whole: a header, or a line.
    #[inline]
    pub fn passes_text(&self, raw: &[u8], scratch: &mut Scratch) -> bool {
        Self::passes(&self.texts, raw, false, scratch)
    }

    #[inline]
    fn passes(words: &Words, raw: &[u8], target: bool, scratch: &mut Scratch) -> bool {
        if words.open || raw.len() > MAX_GATED {
            return true;
        }
        let kinds = survey(raw);
        let shaped = kinds & SHAPING != 0;
        if kinds & ODD != 0 || (shaped && odd_shape(raw, target)) {
            return true;
        }
        if kinds & CODED != 0 {
            return Self::passes_decoded(words, raw, target, scratch);
        }
        words.literals.are_in(raw) || (shaped && hides_text(raw, &mut scratch.once))
    }

    /// The same for text with percent signs, plus signs or non-ASCII bytes.
    #[cold]
    fn passes_decoded(words: &Words, raw: &[u8], target: bool, scratch: &mut Scratch) -> bool {
        let Scratch {
            plain,
            once,
            folded,
            ..
        } = scratch;
        plain.clear();
        plain.extend(raw.iter().map(|&b| if b == b'+' { b' ' } else { b }));
        decode::one_round(plain, once);
        if survey(once) & ODD != 0 || decode::utf7_text(plain, folded) {
            return true;
        }
        let coded = |text: &[u8]| text.iter().any(|b| matches!(b, 0 | b'%' | b'+'));
        let ampersands = |text: &[u8]| memchr::memchr_iter(b'&', text).count();
        if coded(once) {
            return true;
        }
        decode::fold(once, folded);
        if coded(folded) || ampersands(folded) > ampersands(raw) {
            return true;
        }
        survey(folded) & ODD != 0
            || odd_shape(folded, target)
            || words.literals.are_in(folded)
            || hides_text(folded, plain)
    }
}

/// What is to be said of the bytes of a text.
#[inline]
fn survey(text: &[u8]) -> u8 {
    text.iter()
        .fold(0, |said, &byte| said | ASKED[usize::from(byte)])
}

/// Whether a text has an operator sign where a form has none: a second `=` in one parameter, a name that
/// no form would have (so that the part may continue the value before it), or a sign outside of a query, where
/// a plus is no blank. One pass, for it runs on every target.
#[inline]
fn odd_shape(text: &[u8], target: bool) -> bool {
    let query = if target {
        memchr::memchr(b'?', text)
    } else {
        None
    };
    let before = &text[..query.unwrap_or(text.len())];
    if memchr::memchr3(b'=', b'&', b'+', before).is_some() {
        return true;
    }
    let mut name = 0;
    let mut in_value = false;
    for &byte in &text[query.map_or(text.len(), |at| at + 1)..] {
        match byte {
            b'&' => {
                name = 0;
                in_value = false;
            }
            b'=' if in_value => return true,
            b'=' => in_value = true,
            _ if in_value => {}
            b'+' | b' ' | b'/' | b'%' => return true,
            _ if name > MAX_NAME => return true,
            _ => name += 1,
        }
    }
    false
}

/// Whether a parameter is base64 of text: what it hides must be looked at.
fn hides_text(text: &[u8], out: &mut Vec<u8>) -> bool {
    memchr::memchr_iter(b'=', text).any(|at| {
        let value = &text[at + 1..];
        let end = memchr::memchr(b'&', value).unwrap_or(value.len());
        decode::base64_text(&value[..end], out)
    })
}

#[cfg(test)]
mod tests {
    use crate::pattern::inspector::Inspector;

    #[test]
    fn a_plus_outside_of_a_query_is_no_blank() {
        let set = crate::pattern::load::embedded().unwrap();
        let line = b"/b?n/l?+/x.acti?qiv+st+/x.acti?qi";
        let (mut gated, mut bare) = (Inspector::new(&set), Inspector::without_gate(&set));
        assert!(bare.inspect_line(line).is_some());
        assert_eq!(gated.inspect_line(line), bare.inspect_line(line));
    }

    /// What shops and blogs are asked for must not need inspection, or it would cost too much.
    #[test]
    fn ordinary_targets_stay_outside() {
        let set = crate::pattern::load::embedded().unwrap();
        let passing: Vec<String> = ORDINARY
            .iter()
            .filter(|target| {
                set.gate()
                    .passes_target(target.as_bytes(), &mut super::Scratch::default())
            })
            .map(|target| (*target).to_owned())
            .collect();
        assert!(passing.is_empty(), "{}", passing.join("\n"));
    }

    const ORDINARY: [&str; 25] = [
        "/",
        "/?11044827",
        "/index.php",
        "/category.php?c=kitchen&page=3120",
        "/product.php?id=475",
        "/search.php?q=ncdw+jueisoea",
        "/css/style.css?v=3",
        "/search?q=garden%20chair",
        "/blog/some-post-about-things",
        "/js/jquery.min.js",
        "/cart.php?add=14&qty=2",
        "/caf%C3%A9/men%C3%BC",
        "/api/v2/items?offset=20&limit=10",
        "/account/orders/2023-05-07",
        "/robots.txt",
        "/favicon.ico",
        "/product/1234-blue-shirt-size-m.html?color=blue&size=m",
        "/search?q=black+dress+for+women&sort=price_asc&page=2",
        "/static/fonts/roboto-v20-latin-regular.woff2",
        "/checkout/shipping?step=2",
        "/news/2024/05/the-best-tools-of-the-year/",
        "/user/profile?tab=settings&lang=en",
        "/s?utm_source=newsletter&utm_medium=email&utm_campaign=spring",
        "/p/8162-small-mug?variant=1789",
        "/media/480/2047-striped-basket.jpg?variant=247",
    ];
}

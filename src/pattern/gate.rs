//! The gate: a few nanoseconds that spare ordinary requests the whole inspection.
//!
//! It is derived from the patterns, not written beside them. From every expression follows what any
//! text that it matches must contain: a byte that ordinary requests lack, or one of a few literals.
//! A text that contains neither cannot match, so the gate never changes a result. An entry from
//! which nothing follows opens the gate for good: slow, but right.

use aho_corasick::AhoCorasick;
use hashbrown::HashSet;

use super::entry::{Field, Pattern};
use super::need::{self, Need};
use crate::decode;
use crate::syntax::bytes::{CODED, KINDS, ODD, is_odd};

/// Longer texts are always looked at: they are rare, and odd.
const MAX_GATED: usize = 2048;

/// Longest parameter name that is sure to be taken for one.
const MAX_NAME: usize = 64;

/// Entities that decode without a semicolon; with one, the semicolon itself opens the gate.
const BARE_ENTITIES: [&str; 4] = ["&amp", "&gt", "&lt", "&quot"];

/// Buffers of one worker, so that no line costs an allocation.
#[derive(Default)]
pub struct Scratch {
    plain: Vec<u8>,
    once: Vec<u8>,
    folded: Vec<u8>,
}

/// Decides whether a raw text (as logged) needs inspection.
pub struct Gate {
    /// For patterns that look at targets.
    targets: Literals,
    /// For patterns that look at headers and whole lines.
    texts: Literals,
}

/// What lets a text without odd bytes pass.
struct Literals {
    automaton: AhoCorasick,
    /// Some pattern needs no literal: everything passes.
    open: bool,
}

impl Literals {
    /// Collects the needs of the entries that look at one of `fields`.
    fn new(patterns: &[Pattern], fields: &[Field]) -> Literals {
        let mut literals: Vec<Vec<u8>> = BARE_ENTITIES
            .map(|entity| entity.as_bytes().to_vec())
            .to_vec();
        let mut open = false;
        let looking = |pattern: &&Pattern| fields.iter().any(|field| pattern.looks_at(*field));
        for pattern in patterns.iter().filter(looking) {
            match need_of(pattern) {
                Some(need) => literals.extend(need),
                None => open = true,
            }
        }
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(without_longer(literals));
        match built {
            Ok(automaton) => Literals { automaton, open },
            // too many literals for an automaton: every text is looked at
            Err(_) => Literals {
                automaton: AhoCorasick::new([""]).expect("one empty literal fits"),
                open: true,
            },
        }
    }
}

/// Leaves out literals that contain another: where they are, that one is too. This leaves a third of those of
/// the packs, and so an automaton that is built fast and stays in the processor's caches.
fn without_longer(literals: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let all: HashSet<Vec<u8>> = literals.into_iter().collect();
    let shorter = |literal: &[u8]| {
        let starts = 0..literal.len();
        starts.into_iter().any(|start| {
            let ends = start + 1..=literal.len();
            ends.into_iter()
                .any(|end| end - start < literal.len() && all.contains(&literal[start..end]))
        })
    };
    all.iter()
        .filter(|literal| !shorter(literal))
        .cloned()
        .collect()
}

impl Gate {
    /// Derives the gate from the entries.
    pub fn new(patterns: &[Pattern]) -> Gate {
        let targets = [Field::Target, Field::Path, Field::Query];
        let texts = [
            Field::Referer,
            Field::UserAgent,
            Field::Extra,
            Field::Request,
            Field::Line,
        ];
        let literals = |fields: &[Field]| Literals::new(patterns, fields);
        let (targets, texts) = rayon::join(|| literals(&targets), || literals(&texts));
        Gate { targets, texts }
    }

    /// False only if no pattern can match anything decoded from a request target.
    #[inline]
    pub fn passes_target(&self, raw: &[u8], scratch: &mut Scratch) -> bool {
        Self::passes(&self.targets, raw, true, scratch)
    }

    /// The same for a text that is looked at as a whole: a header, or a line.
    #[inline]
    pub fn passes_text(&self, raw: &[u8], scratch: &mut Scratch) -> bool {
        Self::passes(&self.texts, raw, false, scratch)
    }

    #[inline]
    fn passes(literals: &Literals, raw: &[u8], target: bool, scratch: &mut Scratch) -> bool {
        if literals.open || raw.len() > MAX_GATED {
            return true;
        }
        let kinds = survey(raw);
        if kinds & ODD != 0 || odd_shape(raw, target) {
            return true;
        }
        if kinds & CODED != 0 {
            return Self::passes_decoded(literals, raw, target, scratch);
        }
        literals.automaton.is_match(raw) || hides_text(raw, &mut scratch.once)
    }

    /// The same for text with percent signs, plus signs or non-ASCII bytes.
    #[cold]
    fn passes_decoded(
        literals: &Literals,
        raw: &[u8],
        target: bool,
        scratch: &mut Scratch,
    ) -> bool {
        let Scratch {
            plain,
            once,
            folded,
        } = scratch;
        plain.clear();
        plain.extend(raw.iter().map(|&b| if b == b'+' { b' ' } else { b }));
        decode::one_round(plain, once);
        if decode::utf7_text(plain, folded) {
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
            || literals.automaton.is_match(&*folded)
            || hides_text(folded, plain)
    }
}

/// The kinds of bytes in a text.
#[inline]
fn survey(text: &[u8]) -> u8 {
    text.iter()
        .fold(0, |kinds, &byte| kinds | KINDS[usize::from(byte)])
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

/// Literals so common in ordinary requests that they say nothing.
const COMMON: &[&str] = &[
    ".php?", ".asp?", ".aspx?", ".jsp?", "/", ".", "-", "_", "=", ":", " ", "?", "&", ",", "~",
    "!", "@", ".php", "php", ".asp", "asp", ".html", "html", ".js", "www", "com", ".com", "src",
    "img", "css", "id", "in", "cat", "page", "url", "index", "http",
];

/// How rarely ordinary requests meet a need: best is one that takes an odd byte in any case.
fn rarity(need: &Need) -> usize {
    need.iter()
        .filter(|literal| !literal.iter().any(|&b| is_odd(b)))
        .map(|literal| {
            let common = COMMON
                .iter()
                .any(|word| word.as_bytes() == literal.as_slice());
            if common { 0 } else { literal.len() }
        })
        .min()
        .unwrap_or(usize::MAX)
}

/// What any text that the entry matches must have; `None` when nothing follows. A literal with an odd
/// byte in it needs no search: the byte itself opens the gate.
fn need_of(pattern: &Pattern) -> Option<Need> {
    let of_regex =
        |expression: &Option<String>| need::of_expression(expression.as_deref()?, rarity);
    let mut need = [
        of_regex(&pattern.regex),
        need::of_syntax(pattern),
        of_regex(&pattern.parameter),
    ]
    .into_iter()
    .flatten()
    .max_by_key(rarity)?;
    need.retain(|literal| !literal.iter().any(|&b| is_odd(b)));
    Some(need)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::inspector::Inspector;

    #[test]
    fn literals_within_others_suffice() {
        let words = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let mut left = without_longer(words(&["shell", "/shell.php", "c99", "c99", "c9"]));
        left.sort_unstable();
        let expected: Vec<Vec<u8>> = words(&["c9", "shell"]);
        assert_eq!(left, expected);
    }

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
            .map(|target| {
                let literal = set.gate().targets.automaton.find(target.as_bytes());
                format!(
                    "{target}: {:?}",
                    literal.map(|found| &target[found.range()])
                )
            })
            .collect();
        assert!(passing.is_empty(), "{}", passing.join("\n"));
    }

    const ORDINARY: [&str; 23] = [
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
    ];
}

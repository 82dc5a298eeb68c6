//! Program code without markup: calls, chains and string tricks of JavaScript, PHP, Java, Python, Perl.
//!
//! A word with a bracket is ordinary text; code is a call that does something, with arguments.

use super::bytes::worth_reading;
use super::needs;

features! {
    /// JavaScript that runs and shows or steals something, standing alone or behind a broken literal.
    JsCall = "js_call",
    /// A JavaScript string was left and code follows.
    JsBreakout = "js_breakout",
}

/// Calls that are telling by themselves, with an argument.
const TELLING: &[&[u8]] = &[
    b"alert",
    b"confirm",
    b"prompt",
    b"eval",
    b"settimeout",
    b"setinterval",
    b"atob",
    b"document.write",
    b"document.writeln",
    b"execscript",
    b"string.fromcharcode",
    b"window.open",
    b"$.getscript",
    b"msgbox",
    b"navigator.sendbeacon",
];

/// Calls that are telling behind a broken literal.
const BEHIND: &[&[u8]] = &[
    b"print",
    b"fetch",
    b"import",
    b"function",
    b"open",
    b"expression",
    b"write",
    b"call",
    b"apply",
];

/// Longest name of a call that is read, in bytes.
const MAX_NAME: usize = 64;

/// At most this many brackets are looked at.
const MAX_CALLS: usize = 256;

/// How far apart a call's bracket and its end may be.
const MAX_ARGUMENTS: usize = 400;

/// Finds code.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    if !worth_reading(text, needs::SCRIPT) {
        return facts;
    }
    let closed_at = text
        .iter()
        .position(|b| matches!(b, b'\'' | b'"' | b'`' | b'}'));
    for open in memchr::memchr2_iter(b'(', b'`', text).take(MAX_CALLS) {
        let name_len = text[..open]
            .iter()
            .rev()
            .take(MAX_NAME)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'))
            .count();
        let start = open - name_len;
        let name = &text[start..open];
        let base = name.rsplit(|b| *b == b'.').next().unwrap_or(name);
        let is_in =
            |list: &[&[u8]]| list.contains(&name) || (base.len() > 3 && list.contains(&base));
        let telling = is_in(TELLING);
        if !telling && !is_in(BEHIND) {
            continue;
        }
        let close = if text[open] == b'(' { b')' } else { b'`' };
        let rest = &text[open + 1..text.len().min(open + 1 + MAX_ARGUMENTS)];
        let Some(length) = memchr::memchr(close, rest) else {
            continue;
        };
        if telling && length > 0 {
            facts.note(Feature::JsCall, start, open + 1 + length);
        }
        let closed = closed_at.is_some_and(|at| at < start);
        if closed && stands_apart(&text[..start]) {
            facts.note(Feature::JsBreakout, start, open + 1 + length);
        }
    }
    facts
}

/// Whether an operator or a separator stands right before a call.
fn stands_apart(before: &[u8]) -> bool {
    let last = before.iter().rev().find(|b| **b > b' ').copied();
    let operator = |b| {
        matches!(
            b,
            b';' | b'-'
                | b'+'
                | b'*'
                | b'/'
                | b'^'
                | b'|'
                | b'&'
                | b'}'
                | b','
                | b'='
                | b'('
                | b'{'
                | b'?'
                | b':'
                | b'%'
                | b'<'
                | b'>'
                | b'!'
        )
    };
    last.is_some_and(operator) || before.last() == Some(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn calls_are_told_from_words() {
        let has = |text: &str, feature| analyse(text.as_bytes()).span(feature).is_some();
        assert!(has("alert(1)", Feature::JsCall));
        assert!(has("'-alert(1)-'", Feature::JsBreakout));
        assert!(has("\"};print(x)", Feature::JsBreakout));
        for text in ["print(x)", "red alert (now)", "alert()", "prompt and eval"] {
            assert_eq!(analyse(text.as_bytes()), Facts::default(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(alert|print|eval|a|\\(|\\)|`|'|\"|;|\\}|\n|.){0,60}") {
            let text = text.into_bytes();
            prop_assert!(analyse(&text).stay_within(text.len()));
        }
    }
}

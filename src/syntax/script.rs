//! Program code without markup: calls, chains and string tricks of JavaScript, PHP, Java, Python, Perl.
//!
//! A word with a bracket is ordinary text; code is a call that does something, with arguments.

features! {
    /// JavaScript that runs and shows or steals something, standing alone or behind a broken literal.
    JsCall = "js_call",
    /// A JavaScript string was left and code follows.
    JsBreakout = "js_breakout",
}

/// Code needs a bracket, a backtick or a quote.
pub const NEEDS: &[&str] = &[];

/// Calls that tests and attacks use.
const CALLS: &[&[u8]] = &[
    b"alert",
    b"confirm",
    b"prompt",
    b"eval",
    b"print",
    b"settimeout",
    b"setinterval",
    b"fetch",
    b"import",
    b"atob",
    b"document.write",
    b"document.writeln",
    b"execscript",
    b"function",
    b"string.fromcharcode",
    b"window.open",
    b"$.getscript",
    b"msgbox",
    b"open",
    b"a",
    b"navigator.sendbeacon",
    b"expression",
];

/// Finds code.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    for open in memchr::memchr2_iter(b'(', b'`', text) {
        let name_len = text[..open]
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'))
            .count();
        let start = open - name_len;
        let name = &text[start..open];
        let base = name.rsplit(|b| *b == b'.').next().unwrap_or(name);
        if !CALLS.contains(&name) && !(base.len() > 3 && CALLS.contains(&base)) {
            continue;
        }
        let closed = text[open + 1..]
            .iter()
            .any(|b| *b == if text[open] == b'(' { b')' } else { b'`' });
        let before = text[..start].iter().rev().find(|b| **b > b' ').copied();
        if !closed {
            continue;
        }
        let quoted = text[..start]
            .iter()
            .any(|b| matches!(b, b'\'' | b'"' | b'`' | b'}'));
        if quoted
            && matches!(
                before,
                Some(
                    b';' | b'-'
                        | b'+'
                        | b'*'
                        | b'/'
                        | b'^'
                        | b'|'
                        | b'&'
                        | b'}'
                        | b'\n'
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
            )
            && base.len() > 1
        {
            facts.note(Feature::JsBreakout, start, open + 1);
        }
        if base.len() > 1 && base != b"a" {
            facts.note(Feature::JsCall, start, open + 1);
        }
    }
    facts
}

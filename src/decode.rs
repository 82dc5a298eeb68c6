//! The decoded view: what the attacked program would see after every layer of encoding.
//!
//! Each layer is bounded, never grows the text, and is counted. Not for deciding anything: a decoder
//! that turns harmless text into other harmless text is right, whatever the text means. Structure
//! (SQL comments, shell quoting, markup) belongs to `syntax`.

mod trail;
mod wrapped;

pub use trail::{Layer, Step};
pub use wrapped::{base64_text, data_url_text, utf7_text};

/// At most this much of a field is looked at. Servers refuse longer request lines far earlier
/// (Apache `LimitRequestLine` 8190, nginx `large_client_header_buffers` 8k).
pub const MAX_FIELD: usize = 64 * 1024;

/// At most this many rounds of decoding: one by the server, one by a framework, one by a careless
/// program. More are not met in working attacks.
pub const MAX_ROUNDS: u8 = 3;

/// A decoded text beside its lower-case twin (same length, same offsets).
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// The decoded bytes in their own case.
    pub text: Vec<u8>,
    /// The same, ASCII lower case: what patterns look at.
    pub lower: Vec<u8>,
    /// Rounds that changed something (`+` for a blank is none).
    pub rounds: u8,
    /// Rounds among them that undid percent-encoding: a server undoes one.
    pub percent_rounds: u8,
    /// A NUL byte was removed.
    pub nul: bool,
    /// Where the first of them stood in `text`: where a program written in C stops reading.
    pub cut: usize,
    /// The text with a blank for every NUL, as some SQL servers read it; empty where there was none.
    pub spaced: Vec<u8>,
    /// Numeric character references of letters, digits or angle brackets were decoded: nobody needs
    /// to write these so.
    pub references: bool,
    /// The steps on the way, while somebody watches.
    trail: Option<Vec<Step>>,
}

/// How a text was encoded on its way into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `+` is a plus sign: paths and headers.
    Plain,
    /// `+` is a blank: form-encoded queries (WHATWG URL, application/x-www-form-urlencoded).
    Urlencoded,
}

impl Decoded {
    /// Decodes `input` (log escapes already removed) to a fixed point, within the bounds.
    pub fn decode(&mut self, input: &[u8], form: Form, scratch: &mut Vec<u8>) {
        let input = &input[..input.len().min(MAX_FIELD)];
        self.text.clear();
        self.rounds = 0;
        self.percent_rounds = 0;
        self.nul = false;
        self.references = false;
        self.trail_begins(input);
        match form {
            Form::Plain => self.text.extend_from_slice(input),
            Form::Urlencoded => self
                .text
                .extend(input.iter().map(|&b| if b == b'+' { b' ' } else { b })),
        }
        self.trail_reaches(Layer::PlusSigns);
        while self.rounds < MAX_ROUNDS && one_round(&self.text, scratch) {
            self.trail_round(scratch);
            self.references |= needless_reference(&self.text);
            self.percent_rounds += u8::from(has_percent(&self.text));
            std::mem::swap(&mut self.text, scratch);
            self.rounds += 1;
        }
        self.finish(scratch);
    }

    /// Takes text that needs no decoding.
    pub fn set_plain(&mut self, input: &[u8], rounds: u8) {
        self.text.clear();
        self.text
            .extend_from_slice(&input[..input.len().min(MAX_FIELD)]);
        self.rounds = rounds;
        self.percent_rounds = 0;
        self.nul = false;
        self.references = false;
        self.trail_begins(input);
        self.lower.clear();
        self.lower
            .extend(self.text.iter().map(u8::to_ascii_lowercase));
    }

    /// Folds look-alikes, removes NULs, makes the lower-case twin.
    fn finish(&mut self, scratch: &mut Vec<u8>) {
        self.spaced.clear();
        if self.text.iter().any(|&b| b == 0 || b >= 0x80) {
            if self.text.contains(&0) {
                let blank = |b: &u8| if *b == 0 { b' ' } else { *b };
                self.spaced.extend(self.text.iter().map(blank));
            }
            self.cut = fold(&self.text, scratch);
            std::mem::swap(&mut self.text, scratch);
            self.nul = self.cut < usize::MAX;
        }
        self.trail_reaches(Layer::LookAlikes);
        self.lower.clear();
        self.lower
            .extend(self.text.iter().map(u8::to_ascii_lowercase));
    }
}

/// Removes the escapes that servers add when they write a log: Apache's `\"`, `\\`, `\n`, `\xHH`
/// (`ap_escape_logitem`), nginx's `\xHH`, JSON's `\u00HH` (nginx `escape=json`). Returns false, and
/// leaves `out` empty, when there is nothing to remove.
pub fn unescape_log(input: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let input = &input[..input.len().min(MAX_FIELD)];
    let Some(first) = memchr::memchr(b'\\', input) else {
        return false;
    };
    out.extend_from_slice(&input[..first]);
    let mut at = first;
    while at < input.len() {
        let rest = &input[at..];
        if rest[0] != b'\\' {
            out.push(rest[0]);
            at += 1;
            continue;
        }
        at += unescape_one(rest, out);
    }
    true
}

/// One escape at the start of `rest`; returns how many bytes it took.
fn unescape_one(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let plain = |byte: u8, out: &mut Vec<u8>| {
        out.push(byte);
        2
    };
    match rest.get(1) {
        Some(b'x') => match hex_pair(&rest[2..]) {
            Some(byte) => {
                out.push(byte);
                4
            }
            None => plain_backslash(out),
        },
        Some(b'u') => match hex_quad(&rest[2..]) {
            Some(unit) if unit < 0x80 => {
                out.push(unit as u8);
                6
            }
            _ => plain_backslash(out),
        },
        Some(b'n') => plain(b'\n', out),
        Some(b'r') => plain(b'\r', out),
        Some(b't') => plain(b'\t', out),
        Some(b'v') => plain(0x0b, out),
        Some(&byte @ (b'"' | b'\\')) => plain(byte, out),
        _ => plain_backslash(out),
    }
}

/// Keeps a backslash that escapes nothing.
fn plain_backslash(out: &mut Vec<u8>) -> usize {
    out.push(b'\\');
    1
}

/// One round over every layer at once: percent, `%u`, HTML entities, `\xHH` and `\uHHHH`.
/// Returns whether anything changed. The output is never longer than the input.
pub fn one_round(input: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut changed = false;
    let mut at = 0;
    while at < input.len() {
        let next = memchr::memchr3(b'%', b'&', b'\\', &input[at..]).map_or(input.len(), |n| at + n);
        out.extend_from_slice(&input[at..next]);
        at = next;
        if at == input.len() {
            break;
        }
        if input[at] == b'\\' {
            let octal = octal_run(&input[at..], out);
            if octal > 0 {
                at += octal;
                changed = true;
                continue;
            }
        }
        let decoded = match input[at] {
            b'%' => percent(&input[at..]),
            b'&' => entity(&input[at..]),
            _ => backslash(&input[at..]),
        };
        match decoded {
            Some((code, taken)) => {
                push_code(code, out);
                at += taken;
                changed = true;
            }
            None => {
                out.push(input[at]);
                at += 1;
            }
        }
    }
    changed
}

/// A decoded unit: a byte of whatever charset, or a Unicode code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte(u8),
    Code(u32),
}

/// Writes a unit; surrogates and what is no code point become `?`.
fn push_code(unit: Unit, out: &mut Vec<u8>) {
    match unit {
        Unit::Byte(byte) => out.push(byte),
        Unit::Code(code) => {
            let mut buffer = [0u8; 4];
            let c = char::from_u32(code).unwrap_or('?');
            out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
    }
}

/// `%HH`, or `%uHHHH` as IIS and JavaScript's `escape` write it.
fn percent(rest: &[u8]) -> Option<(Unit, usize)> {
    if let Some(byte) = hex_pair(&rest[1..]) {
        return Some((Unit::Byte(byte), 3));
    }
    if matches!(rest.get(1), Some(b'u' | b'U')) {
        let code = hex_quad(&rest[2..])?;
        return Some((Unit::Code(u32::from(code)), 6));
    }
    None
}

/// An escape of one character, or the backslash before one.
fn backslash(rest: &[u8]) -> Option<(Unit, usize)> {
    match rest.get(1)? {
        // an escape within a string of another language: this round undoes the outer backslash
        b'\\' => backslash_code(&rest[1..]).map(|_| (Unit::Byte(b'\\'), 2)),
        _ => backslash_code(rest),
    }
}

/// `\xHH` and `\uHHHH` as JavaScript, JSON, PHP and C write them.
fn backslash_code(rest: &[u8]) -> Option<(Unit, usize)> {
    match rest.get(1)? {
        b'x' => hex_pair(&rest[2..]).map(|byte| (Unit::Byte(byte), 4)),
        b'u' if rest.get(2) == Some(&b'{') => {
            let close = rest.iter().take(10).position(|&b| b == b'}')?;
            let digits = std::str::from_utf8(&rest[3..close]).ok()?;
            let code = u32::from_str_radix(digits, 16).ok()?;
            Some((Unit::Code(code), close + 1))
        }
        b'u' => hex_quad(&rest[2..]).map(|code| (Unit::Code(u32::from(code)), 6)),
        _ => None,
    }
}

/// Fewest octal escapes in a row that are taken for text: a single one is more often a back-reference or
/// a Windows path.
const MIN_OCTAL: usize = 3;

/// `\74\163\166`: octal escapes one behind the other, as JavaScript, PHP and shells write text (ECMA-262,
/// B.1.2). Pushes what they stand for, and returns how many bytes they took; 0 for anything else.
fn octal_run(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let before = out.len();
    let mut at = 0;
    while rest.get(at) == Some(&b'\\') {
        let is_octal = |b: &&u8| (b'0'..=b'7').contains(*b);
        let digits = rest[at + 1..].iter().take(3).take_while(is_octal).count();
        let value = rest[at + 1..at + 1 + digits]
            .iter()
            .fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0'));
        match u8::try_from(value) {
            Ok(byte) if digits >= 2 && byte.is_ascii() => out.push(byte),
            _ => break,
        }
        at += 1 + digits;
    }
    // alone, only the brackets of tags: nobody writes these so for another reason
    let brackets = out[before..].iter().all(|b| matches!(b, b'<' | b'>'));
    if out.len() - before < MIN_OCTAL && (!brackets || at == 0) {
        out.truncate(before);
        return 0;
    }
    at
}

/// Named entities that matter to a parser, with the code they stand for (WHATWG HTML, 13.5).
/// Sorted by name; names compare without case, as browsers accept both cases of the old ones.
const ENTITIES: [(&[u8], u8); 30] = [
    (b"amp", b'&'),
    (b"apos", b'\''),
    (b"ast", b'*'),
    (b"bsol", b'\\'),
    (b"colon", b':'),
    (b"comma", b','),
    (b"dollar", b'$'),
    (b"equals", b'='),
    (b"excl", b'!'),
    (b"grave", b'`'),
    (b"gt", b'>'),
    (b"lbrace", b'{'),
    (b"lbrack", b'['),
    (b"lcub", b'{'),
    (b"lowbar", b'_'),
    (b"lpar", b'('),
    (b"lsqb", b'['),
    (b"lt", b'<'),
    (b"nbsp", b' '),
    (b"newline", b'\n'),
    (b"num", b'#'),
    (b"period", b'.'),
    (b"quot", b'"'),
    (b"rbrace", b'}'),
    (b"rcub", b'}'),
    (b"rpar", b')'),
    (b"semi", b';'),
    (b"sol", b'/'),
    (b"tab", b'\t'),
    (b"vert", b'|'),
];

/// Entities that browsers accept without the closing semicolon.
const BARE_ENTITIES: [&[u8]; 4] = [b"amp", b"gt", b"lt", b"quot"];

/// Longest named entity above.
const LONGEST_ENTITY: usize = 8;

/// `&#60;`, `&#x3c;`, `&lt;`, also without the semicolon where browsers are that kind.
fn entity(rest: &[u8]) -> Option<(Unit, usize)> {
    if rest.get(1) == Some(&b'#') {
        return numeric_entity(rest);
    }
    let name_end = rest[1..]
        .iter()
        .take(LONGEST_ENTITY + 1)
        .position(|b| !b.is_ascii_alphabetic())
        .map_or(rest.len().min(LONGEST_ENTITY + 2), |n| n + 1);
    let name = &rest[1..name_end];
    if rest.get(name_end) == Some(&b';') {
        return ENTITIES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|&(_, byte)| (Unit::Byte(byte), name_end + 1));
    }
    // `&lt` before anything but a letter or `=`: `&lt=5` is a parameter named lt
    if rest.get(name_end) == Some(&b'=') {
        return None;
    }
    BARE_ENTITIES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .and_then(|known| ENTITIES.iter().find(|(n, _)| n == known))
        .map(|&(_, byte)| (Unit::Byte(byte), name_end))
}

/// Decimal or hexadecimal character reference; any number of leading zeros within reason.
fn numeric_entity(rest: &[u8]) -> Option<(Unit, usize)> {
    const MAX_DIGITS: usize = 10;
    let hex = matches!(rest.get(2), Some(b'x' | b'X'));
    let start = if hex { 3 } else { 2 };
    let is_digit = |b: &u8| {
        if hex {
            b.is_ascii_hexdigit()
        } else {
            b.is_ascii_digit()
        }
    };
    let digits = rest
        .get(start..)?
        .iter()
        .take(MAX_DIGITS)
        .take_while(|b| is_digit(b))
        .count();
    let text = std::str::from_utf8(&rest[start..start + digits]).ok()?;
    let code = u32::from_str_radix(text, if hex { 16 } else { 10 }).ok()?;
    let end = start + digits;
    let taken = end + usize::from(rest.get(end) == Some(&b';'));
    let unit = match u8::try_from(code) {
        Ok(byte) if byte < 0x80 => Unit::Byte(byte),
        _ => Unit::Code(code),
    };
    // three bytes of UTF-8 at most for four or more characters of reference: never grows
    (taken >= 4).then_some((unit, taken))
}

/// Whether a text refers by number to a letter, a digit or an angle bracket.
fn needless_reference(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"&#").any(|at| {
        matches!(
            numeric_entity(&text[at..]),
            Some((Unit::Byte(byte), _)) if byte.is_ascii_alphanumeric() || matches!(byte, b'<' | b'>')
        )
    })
}

/// Whether a text has a percent escape that decodes.
fn has_percent(text: &[u8]) -> bool {
    memchr::memchr_iter(b'%', text).any(|at| percent(&text[at..]).is_some())
}

/// What no hexadecimal digit is worth.
const NO_DIGIT: u8 = 16;

/// What each byte is worth as a hexadecimal digit.
const HEX: [u8; 256] = {
    let mut worth = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < NO_DIGIT {
        let byte = b"0123456789abcdef"[digit as usize];
        worth[byte as usize] = digit;
        worth[byte.to_ascii_uppercase() as usize] = digit;
        digit += 1;
    }
    worth
};

/// Two hexadecimal digits as a byte.
fn hex_pair(digits: &[u8]) -> Option<u8> {
    let [high, low] = *digits.first_chunk()?;
    let (high, low) = (HEX[usize::from(high)], HEX[usize::from(low)]);
    (high | low < NO_DIGIT).then_some(high << 4 | low)
}

/// Four hexadecimal digits as a UTF-16 unit.
fn hex_quad(digits: &[u8]) -> Option<u16> {
    let high = hex_pair(digits)?;
    let low = hex_pair(digits.get(2..)?)?;
    Some(u16::from(high) << 8 | u16::from(low))
}

/// Folds what lenient decoders take for ASCII: overlong UTF-8 (RFC 3629, section 3 forbids it),
/// full-width forms (Unicode FF01..FF5E), slash look-alikes that Windows best-fit maps, blanks of
/// every kind; drops NULs and zero-width characters. Never grows. Returns where in `out` the first NUL
/// stood, or `usize::MAX`.
pub fn fold(input: &[u8], out: &mut Vec<u8>) -> usize {
    out.clear();
    let mut cut = usize::MAX;
    let mut at = 0;
    while at < input.len() {
        let byte = input[at];
        if byte == 0 {
            cut = cut.min(out.len());
            at += 1;
        } else if byte < 0x80 {
            out.push(byte);
            at += 1;
        } else {
            at += fold_wide(&input[at..], out);
        }
    }
    cut
}

/// One non-ASCII sequence; returns how many bytes it took.
fn fold_wide(rest: &[u8], out: &mut Vec<u8>) -> usize {
    // a lead byte before a backslash: decoders that take what follows as it is drop the lead
    if rest.starts_with(b"\xc0\\") {
        out.push(b'\\');
        return 2;
    }
    if let Some((ascii, taken)) = overlong(rest) {
        if ascii != 0 {
            out.push(ascii);
        }
        return taken;
    }
    let width = match rest[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let character = rest
        .get(..width)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(|text| text.chars().next());
    match character {
        Some(c) => {
            match ascii_twin(c) {
                Some(0) => {}
                Some(ascii) => out.push(ascii),
                None => out.extend_from_slice(&rest[..width]),
            }
            width
        }
        // a lone 0xA0 is a blank to Latin-1 readers, MySQL's lexer among them
        None => {
            out.push(if rest[0] == 0xa0 { b' ' } else { rest[0] });
            1
        }
    }
}

/// The ASCII character that lenient software takes `c` for; 0 for what it drops.
fn ascii_twin(c: char) -> Option<u8> {
    match c {
        '\u{ff01}'..='\u{ff5e}' => Some((c as u32 - 0xff01 + 0x21) as u8),
        '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' => Some(b' '),
        '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Some(b' '),
        '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => Some(0),
        // letters whose other case is ASCII: filters see one, the program's upper() the other
        '\u{131}' => Some(b'i'),
        '\u{17f}' => Some(b's'),
        '\u{212a}' => Some(b'k'),
        '\u{fe64}' => Some(b'<'),
        '\u{fe65}' => Some(b'>'),
        '\u{2044}' | '\u{2215}' => Some(b'/'),
        '\u{2216}' | '\u{fe68}' => Some(b'\\'),
        '\u{2024}' => Some(b'.'),
        '\u{2b9}' | '\u{2bc}' | '\u{2c8}' | '\u{2032}' => Some(b'\''),
        _ => None,
    }
}

/// Reads an ASCII character written with too many bytes, also with broken continuation bytes where
/// the result is a character that climbs or separates (`%c0%2e`, `%c1%1c`, `%e0%40%ae`).
fn overlong(rest: &[u8]) -> Option<(u8, usize)> {
    let (mut code, width) = match rest[0] {
        0xc0 | 0xc1 => (u32::from(rest[0] & 0x1f), 2),
        0xe0 => (0, 3),
        0xf0 => (0, 4),
        0xf8 => (0, 5),
        0xfc => (0, 6),
        _ => return None,
    };
    let mut strict = true;
    for &byte in rest.get(1..width)? {
        strict &= byte & 0xc0 == 0x80;
        code = (code << 6) | u32::from(byte & 0x3f);
    }
    let ascii = u8::try_from(code).ok().filter(|&b| b < 0x80)?;
    // overlong letters are never needed; the bytes are kept, for they stand for separators elsewhere
    if ascii.is_ascii_alphanumeric() && width == 2 {
        return None;
    }
    let climbs = matches!(ascii, b'.' | b'/' | b'\\');
    (strict || (width <= 3 && climbs)).then_some((ascii, width))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(text: &str, form: Form) -> (String, u8) {
        let mut view = Decoded::default();
        view.decode(text.as_bytes(), form, &mut Vec::new());
        (
            String::from_utf8_lossy(&view.text).into_owned(),
            view.rounds,
        )
    }

    #[test]
    fn every_layer_is_undone_and_counted() {
        for (text, plain, rounds) in [
            ("abc", "abc", 0),
            ("%27%20or", "' or", 1),
            ("%2527", "'", 2),
            ("%252527", "'", 3),
            ("%25252527", "%27", 3),
            ("%u0027%uff1c", "'<", 1),
            ("%c0%ae%c0%af", "./", 1),
            ("%e0%80%af%f0%80%80%ae", "/.", 1),
            ("%c1%1c", "\\", 1),
            ("&lt;b&#62;&#x26;", "<b>&", 1),
            ("a&colon;b&lpar;", "a:b(", 1),
            (r"\\x3cb\\u003e \\host\x", r"<b> \\host\x", 2),
            (r"\141\142\143", "abc", 1),
            (r"\74b\76 \1 c:\101\x", r"<b> \1 c:\101\x", 1),
            ("%c0%5c%c0%ae", "\\.", 1),
            ("\u{17f}\u{131}\u{1680}x", "si x", 0),
            ("\\x3cb\\u003e\\u{41}", "<b>A", 1),
            ("a%00b", "ab", 1),
            ("un%C2%A0ion", "un ion", 1),
            ("%zz%", "%zz%", 0),
            ("caf%C3%A9", "caf\u{e9}", 1),
        ] {
            assert_eq!(decoded(text, Form::Plain), (plain.into(), rounds), "{text}");
        }
        assert_eq!(decoded("a+b%2Bc", Form::Urlencoded).0, "a b+c");
        assert_eq!(decoded("a+b", Form::Plain).0, "a+b");
    }

    #[test]
    fn parameters_named_like_entities_stay() {
        assert_eq!(decoded("a=1&lt=5&amp;b", Form::Plain).0, "a=1&lt=5&b");
    }

    #[test]
    fn escapes_of_the_servers_are_removed() {
        let mut out = Vec::new();
        assert!(!unescape_log(b"plain", &mut out));
        for (text, plain) in [
            (r#"a\"b"#, &b"a\"b"[..]),
            (r"a\\b", b"a\\b"),
            (r"\x22\x5Cx", b"\"\\x"),
            (r"\n\t", b"\n\t"),
            (r"\u0022", b"\""),
            (r"C:\dir", b"C:\\dir"),
        ] {
            assert!(unescape_log(text.as_bytes(), &mut out), "{text}");
            assert_eq!(out, plain, "{text}");
        }
    }

    proptest! {
        #[test]
        fn decoding_never_grows_and_ends(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut out = Vec::new();
            one_round(&text, &mut out);
            prop_assert!(out.len() <= text.len());
            fold(&text, &mut out);
            prop_assert!(out.len() <= text.len());
            let mut view = Decoded::default();
            view.decode(&text, Form::Urlencoded, &mut out);
            prop_assert!(view.text.len() <= text.len() && view.rounds <= MAX_ROUNDS);
            prop_assert_eq!(view.text.len(), view.lower.len());
        }

        #[test]
        fn text_without_escapes_stays(text in "[ -$'-\\[\\]-~]{0,100}") {
            let mut view = Decoded::default();
            view.decode(text.as_bytes(), Form::Plain, &mut Vec::new());
            prop_assert_eq!(&view.text, text.as_bytes());
            prop_assert_eq!((view.rounds, view.percent_rounds, view.nul), (0, 0, false));
        }

        #[test]
        fn each_round_of_percent_encoding_is_counted(text in "[a-z<>' ]{0,20}", rounds in 1..=MAX_ROUNDS) {
            let mut coded = format!("{text}'");
            for _ in 0..rounds {
                coded = coded.replace('%', "%25").replace('<', "%3C").replace('\'', "%27");
            }
            let mut view = Decoded::default();
            view.decode(coded.as_bytes(), Form::Plain, &mut Vec::new());
            prop_assert_eq!(view.percent_rounds, rounds);
            prop_assert_eq!(view.text, format!("{text}'").into_bytes());
        }

        #[test]
        fn a_cut_lies_within_the_text(text in prop::collection::vec(prop::sample::select(&b"a\0\xc0\x80\xaf.\xe2"[..]), 0..40)) {
            let mut view = Decoded::default();
            view.decode(&text, Form::Plain, &mut Vec::new());
            prop_assert_eq!(view.nul, text.contains(&0));
            prop_assert!(!view.nul || view.cut <= view.text.len());
        }

        #[test]
        fn encoding_tricks_never_grow(text in "(%[0-9a-f]{2}|%u[0-9a-f]{4}|&#[0-9]{1,7};?|&[a-z]{2,8};?|\\\\[xu][0-9a-f]{2,4}|[a-z<>'])*") {
            let mut out = Vec::new();
            let bytes = text.as_bytes();
            one_round(bytes, &mut out);
            prop_assert!(out.len() <= bytes.len(), "{} became {:?}", text, out);
            prop_assert!(unescape_log(bytes, &mut out) == text.contains('\\'));
            prop_assert!(out.len() <= bytes.len());
        }
    }
}

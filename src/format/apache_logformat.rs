//! Apache's `LogFormat`: from its string to the pieces of a format.
//!
//! Directives as in the documentation of mod_log_config, mod_logio and mod_ssl (httpd 2.4).

use crate::format::directive::{Clock, Directive, Fault, Piece, Shape};
use crate::format::record::Field;
use crate::format::template::{Advice, Escaping, Outline, fineness};
use crate::time::{Strftime, Unit};

/// Where Apache's directives are listed.
const DOCUMENTATION: &str = "https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats";

const ADVICE: Advice = Advice {
    time: "%t, or %{sec}t, or %{%Y-%m-%dT%H:%M:%S%z}t",
    request: "\\\"%r\\\", or %m and %U%q",
};

/// Formats that Apache's and Debian's configurations come with.
const NICKNAMES: [(&str, &str); 6] = [
    ("common", r#"%h %l %u %t "%r" %>s %b"#),
    (
        "combined",
        r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#,
    ),
    (
        "vhost_combined",
        r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#,
    ),
    ("vhost_common", r#"%v %h %l %u %t "%r" %>s %b"#),
    (
        "combinedio",
        r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O"#,
    ),
    ("common_with_vhost", r#"%v %h %l %u %t "%r" %>s %b"#),
];

/// The names of [`nickname`], for messages.
pub const NICKNAME_LIST: &str =
    "common, combined, vhost_combined, vhost_common, combinedio, common_with_vhost";

/// A format by the name that usual configurations give it.
pub fn nickname(name: &str) -> Option<&'static str> {
    let found = NICKNAMES.iter().find(|(known, _)| *known == name)?;
    Some(found.1)
}

/// Reads a format string as it is after the configuration's own quoting was undone.
///
/// # Errors
/// Names the directive that Apache does not have, or that is not complete.
pub fn read(format: &str) -> Result<Outline, Fault> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        literal.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("%%") {
            literal.push(b'%');
            rest = after;
        } else if rest.starts_with('\\') {
            rest = unescape(&rest[1..], &mut literal);
        } else {
            let call = Call::cut(rest)?;
            rest = &rest[call.whole.len()..];
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Directive(call.directive()?));
        }
    }
    literal.extend_from_slice(rest.as_bytes());
    pieces.push(Piece::Literal(literal));
    Ok(Outline {
        pieces,
        escaping: Escaping::Backslash,
        advice: ADVICE,
        notes: Vec::new(),
    })
}

/// The directive that a text begins with, if Apache has it.
pub fn directive(text: &str) -> Option<&str> {
    let call = Call::cut(text).ok()?;
    call.directive().ok().map(|_| call.whole)
}

/// Undoes what parse_log_misc_string of mod_log_config.c undoes, and `\"`, which the configuration's reader undid before.
fn unescape<'a>(rest: &'a str, literal: &mut Vec<u8>) -> &'a str {
    let (byte, length) = match rest.as_bytes().first() {
        Some(b'n') => (b'\n', 1),
        Some(b'r') => (b'\r', 1),
        Some(b't') => (b'\t', 1),
        Some(plain @ (b'\\' | b'"')) => (*plain, 1),
        _ => (b'\\', 0),
    };
    literal.push(byte);
    &rest[length..]
}

/// A directive in its parts: `%!200,304>{Referer}i`.
struct Call<'a> {
    whole: &'a str,
    /// `>` or `<`, the last that stands there.
    which: Option<u8>,
    argument: Option<&'a str>,
    /// The letter; `^ti` and its like have two more.
    letter: &'a str,
}

impl<'a> Call<'a> {
    /// Cuts a directive off the front; `format` begins with its `%`.
    fn cut(format: &'a str) -> Result<Call<'a>, Fault> {
        let bytes = format.as_bytes();
        let mut at = 1;
        let (mut which, mut argument) = (None, None);
        let incomplete = |at: usize, why| Fault::Incomplete(format[..at].to_owned(), why);
        loop {
            match bytes.get(at) {
                None => return Err(incomplete(at, "a letter must follow")),
                // conditions: which answers it is written for
                Some(b'!' | b',' | b'0'..=b'9') => at += 1,
                Some(mark @ (b'<' | b'>')) => {
                    which = Some(*mark);
                    at += 1;
                }
                Some(b'{') => {
                    let length = format[at..]
                        .find('}')
                        .ok_or_else(|| incomplete(bytes.len(), "its } is missing"))?;
                    argument = Some(&format[at + 1..at + length]);
                    at += length + 1;
                }
                Some(_) => break,
            }
        }
        let longer = ["^ti", "^to", "^FU", "^FB"];
        let long = longer.iter().find(|name| format[at..].starts_with(**name));
        let letter = match (long, format[at..].chars().next()) {
            (Some(name), _) => &format[at..at + name.len()],
            (None, Some(letter)) => &format[at..at + letter.len_utf8()],
            (None, None) => "",
        };
        Ok(Call {
            whole: &format[..at + letter.len()],
            which,
            argument,
            letter,
        })
    }

    fn directive(&self) -> Result<Directive, Fault> {
        let (field, shape, rank) = match self.letter {
            "t" => return self.time(),
            "T" => return self.duration(),
            "i" => (self.header(), Shape::Text, 0),
            "a" if self.argument == Some("c") => (Field::Client, Shape::Word, 2),
            "a" => (Field::Client, Shape::Word, 0),
            "h" => (Field::Client, Shape::Word, 1),
            "B" | "b" => (Field::Bytes, Shape::Number, 0),
            "O" => (Field::Bytes, Shape::Number, 1),
            "D" => (
                Field::Duration(Unit::Microseconds),
                Shape::Number,
                fineness(Unit::Microseconds),
            ),
            "H" => (Field::Protocol, Shape::Protocol, 0),
            "m" => (Field::Method, Shape::Word, 0),
            "q" => (Field::Query, Shape::Text, 0),
            "r" => (Field::Request, Shape::Text, 0),
            "s" => (
                Field::Status,
                Shape::StatusOrDash,
                u8::from(self.which != Some(b'>')),
            ),
            "u" => (Field::User, Shape::Text, 0),
            "U" => (Field::Path, Shape::Text, 0),
            "v" | "V" => (Field::Host, Shape::Text, 0),
            // what a client sends besides
            "C" | "^ti" => (Field::Extra, Shape::Text, 0),
            "A" | "L" | "R" | "l" => (Field::Ignored, Shape::Word, 0),
            "I" | "S" | "k" | "p" | "P" | "^FU" | "^FB" => (Field::Ignored, self.number(), 0),
            "X" => (Field::Ignored, Shape::Width(1), 0),
            "e" | "f" | "n" | "o" | "^to" | "x" | "c" | "g" => (Field::Ignored, Shape::Text, 0),
            _ => return Err(self.unknown()),
        };
        let header = self.argument.filter(|_| self.letter == "i");
        let directive = Directive::new(self.whole, field, shape).ranked(rank);
        Ok(directive.of_header(header))
    }

    fn unknown(&self) -> Fault {
        Fault::Unknown {
            name: self.whole.to_owned(),
            server: "Apache",
            documentation: DOCUMENTATION,
        }
    }

    /// Processes may be written in hexadecimal.
    fn number(&self) -> Shape {
        match self.argument {
            Some("hextid") => Shape::Word,
            _ => Shape::Number,
        }
    }

    fn header(&self) -> Field {
        let name = self.argument.unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "x-forwarded-for" => Field::Forwarded,
            "referer" => Field::Referer,
            "user-agent" => Field::UserAgent,
            "host" => Field::Host,
            _ => Field::Extra,
        }
    }

    /// `%t`, `%{sec}t`, `%{begin:msec}t`, `%{%d/%b/%Y}t`.
    fn time(&self) -> Result<Directive, Fault> {
        let argument = self.argument.unwrap_or_default();
        let (rank, form) = match (
            argument.strip_prefix("end:"),
            argument.strip_prefix("begin:"),
        ) {
            (Some(form), _) => (1, form),
            (None, Some(form)) => (0, form),
            (None, None) => (0, argument),
        };
        let clock = match form {
            "" => Clock::Clf { bracketed: true },
            "sec" => Clock::Epoch(Unit::Seconds),
            "msec" => Clock::Epoch(Unit::Milliseconds),
            "usec" => Clock::Epoch(Unit::Microseconds),
            "msec_frac" => Clock::Fraction(3),
            "usec_frac" => Clock::Fraction(6),
            form => Clock::Strftime(Strftime::compile(form).ok_or_else(|| self.unknown())?),
        };
        Ok(Directive::new(self.whole, Field::Time, Shape::Clock(clock)).ranked(rank))
    }

    /// `%T`, `%{ms}T`.
    fn duration(&self) -> Result<Directive, Fault> {
        let unit = match self.argument {
            None | Some("s") => Unit::Seconds,
            Some("ms") => Unit::Milliseconds,
            Some("us") => Unit::Microseconds,
            Some(_) => return Err(self.unknown()),
        };
        let directive = Directive::new(self.whole, Field::Duration(unit), Shape::Number);
        Ok(directive.ranked(fineness(unit)))
    }
}

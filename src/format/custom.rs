//! Log formats that the user gives: an Apache `LogFormat` or an nginx `log_format`, as it stands in the configuration.

use crate::format::apache_logformat as apache;
use crate::format::directive::Fault;
use crate::format::nginx_logformat as nginx;
use crate::format::quoting::{Kind, NginxTokens, Word, apache_words, unescape};
use crate::format::spec::{Format, LogKind};
use crate::format::template::{Escaping, Template};

/// What reports call them. No input is in this format unless somebody gives its string.
pub static CUSTOM: Format = Format {
    name: "custom",
    kind: LogKind::Access,
    mixed: false,
    title: "a format given with --access-format or found by --server-config",
    samples: &[],
    reader: |_| None,
};

/// Compiles a format: a bare string, one in the quotes of the configuration, or the configuration's whole line. Which
/// of the two syntaxes it is in is told by `%` and `$`.
///
/// # Errors
/// What makes it useless.
pub fn compile(text: &str) -> Result<Template, Fault> {
    let text = text.trim();
    if let Some(format) = apache::nickname(text) {
        return compile_apache(format);
    }
    if let Some((percent, dollar)) = mixture(text) {
        return Err(Fault::Mixed(percent, dollar));
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    let lone = first.len() == text.len();
    match (is_nginx(text), first) {
        (Some(true), "log_format") => {
            let words = words(text);
            compile_nginx_words(words.get(2..).unwrap_or_default())
        }
        (Some(true), _) => compile_nginx(text),
        (Some(false), "LogFormat") => compile_apache(&argument(text, 1)),
        (Some(false), "CustomLog") => compile_apache(&argument(text, 2)),
        (Some(false), _) => compile_apache(&bare(text)),
        (None, "") => Err(Fault::Empty),
        (None, _) if lone => Err(Fault::NoNickname(text.to_owned(), apache::NICKNAME_LIST)),
        (None, _) => Err(Fault::Empty),
    }
}

/// Compiles an Apache format whose quotes were undone.
///
/// # Errors
/// What makes it useless.
pub fn compile_apache(format: &str) -> Result<Template, Fault> {
    Template::compile(apache::read(format)?)
}

/// Compiles what stands behind the name in nginx' `log_format NAME [escape=...] 'a' 'b'`.
///
/// # Errors
/// What makes it useless.
pub fn compile_nginx_words(words: &[Word]) -> Result<Template, Fault> {
    let escape = words.first().and_then(|word| escape(&word.text));
    let strings = &words[usize::from(escape.is_some())..];
    let format: String = strings.iter().map(|word| word.text.as_str()).collect();
    let escaping = escape.unwrap_or(Escaping::Hexadecimal);
    compile_nginx_string(&format, escaping)
}

/// Compiles what somebody copied out of a `log_format`: its strings in their quotes, or without.
fn compile_nginx(text: &str) -> Result<Template, Fault> {
    let words = words(text);
    let escape = words.first().and_then(|word| escape(&word.text));
    let strings = &words[usize::from(escape.is_some())..];
    if !strings.is_empty() && strings.iter().all(|word| word.quoted) {
        let joined = compile_nginx_words(&words);
        // `"$a" "$b"` may be one format whose values stand in quotes
        if !matches!(joined, Err(Fault::Adjacent(..))) {
            return joined;
        }
    }
    let text = match (escape, text.split_once(char::is_whitespace)) {
        (Some(_), Some((_, rest))) => rest.trim_start(),
        _ => text,
    };
    let text = text.trim_end_matches(';');
    // who leaves the escaping out means the log that is there: what JSON escapes, the default never writes
    let json = text.starts_with('{');
    let escaping = escape.unwrap_or(match json {
        true => Escaping::Json,
        false => Escaping::Hexadecimal,
    });
    compile_nginx_string(&unescape(text), escaping)
}

/// Where something is missing, a name that is nearly that of a variable may be why.
fn compile_nginx_string(format: &str, escaping: Escaping) -> Result<Template, Fault> {
    let compiled = Template::compile(nginx::read(format, escaping)?);
    compiled.map_err(|fault| match (&fault, nginx::misspelt(format)) {
        (Fault::NoTime { .. } | Fault::NoRequest(_), Some((name, nearest))) => Fault::Misspelt {
            fault: Box::new(fault),
            name,
            nearest,
        },
        _ => fault,
    })
}

/// A directive of Apache and a variable of nginx in one format, if it has both: `%h` beside `$status`.
fn mixture(text: &str) -> Option<(String, String)> {
    let percent = text.match_indices('%').find_map(|(at, _)| {
        let behind = &text[at + 1..];
        let directive = apache::directive(&text[at..])?;
        let alone = |next: char| !next.is_ascii_alphanumeric();
        let follows = text[at + directive.len()..].chars().next();
        let escaped = behind.starts_with(|first: char| first.is_ascii_digit());
        (!escaped && follows.is_none_or(alone)).then_some(directive)
    })?;
    let dollar = text
        .match_indices('$')
        .find_map(|(at, _)| nginx::known(&text[at..]))?;
    Some((percent.to_owned(), dollar.to_owned()))
}

/// `escape=json`.
fn escape(word: &str) -> Option<Escaping> {
    Some(match word.strip_prefix("escape=")? {
        "json" => Escaping::Json,
        "none" => Escaping::None,
        _ => Escaping::Hexadecimal,
    })
}

/// The words of nginx up to the first semicolon.
fn words(text: &str) -> Vec<Word> {
    let words = NginxTokens::new(text).map_while(|token| match token.kind {
        Kind::Word(word) => Some(word),
        _ => None,
    });
    words.collect()
}

/// The word at this place of a line of an Apache configuration; empty if there is none.
fn argument(line: &str, index: usize) -> String {
    apache_words(line)
        .into_iter()
        .nth(index)
        .unwrap_or_default()
}

/// An Apache format without the quotes around the whole of it.
fn bare(text: &str) -> String {
    let quoted = text.starts_with(['"', '\'']);
    let words = match quoted {
        true => apache_words(text),
        false => Vec::new(),
    };
    match words.as_slice() {
        // a nickname may follow
        [format] | [format, _]
            if format.contains('%') && !words[1..].iter().any(|word| word.contains('%')) =>
        {
            format.clone()
        }
        _ => text.to_owned(),
    }
}

/// Whether a format is one of nginx rather than one of Apache; `None` if it has directives of neither.
fn is_nginx(text: &str) -> Option<bool> {
    let count = |mark: u8, follows: fn(u8) -> bool| {
        let pairs = text.as_bytes().windows(2);
        pairs
            .filter(|pair| pair[0] == mark && follows(pair[1]))
            .count()
    };
    let nginx = count(b'$', |byte| byte.is_ascii_alphabetic() || byte == b'{');
    let apache = count(b'%', |byte| {
        byte.is_ascii_alphanumeric() || b"{<>!^".contains(&byte)
    });
    (nginx + apache > 0).then_some(nginx > apache)
}

#[cfg(test)]
mod tests;

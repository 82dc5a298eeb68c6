//! What the runtime of a container puts around each line that a program writes to its output.
//!
//! Docker's `json-file` driver writes an object a line, `{"log":"TEXT\n","stream":"stdout","time":"2026-05-19T14:02:11.52Z"}`,
//! with `attrs` before the time where labels were asked for (Docker's documentation, "JSON File logging driver"); those
//! who pass it on add keys. Kubernetes has `TIME STREAM TAGS TEXT`, of whose tags, with colons between them, the first
//! is `F`, or `P` where more of the same line follows (CRI, "kubelet logging"); podman's `k8s-file` is the same.
//!
//! A line over 16 KiB comes in parts. Each part is read for itself: a request that was cut in two is no record.

use crate::event::Unparsed;
use crate::format::envelope::{Peeled, When};
use crate::format::json::{Kind, Scanner, Value};
use crate::format::spec::Desk;
use crate::time::{self, Time, UtcOffset};

/// Takes a line of Docker's `json-file` apart.
///
/// # Errors
/// Those of [`Scanner`]; [`Unparsed::NotThisFormat`] if a key is missing or says something else.
pub fn peel_docker<'a>(line: &'a [u8], desk: &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed> {
    let (mut log, mut stream, mut stamp) = (None, None, None);
    let mut scanner = Scanner::new(line)?;
    while let Some(value) = scanner.next_value()? {
        let slot = match scanner.path().keys {
            [b"log"] => &mut log,
            [b"stream"] => &mut stream,
            [b"time"] => &mut stamp,
            _ => continue,
        };
        slot.get_or_insert(value);
    }
    let text = |value: Option<Value<'a>>| match value {
        Some(value) if matches!(value.kind, Kind::Plain | Kind::Escaped) => Ok(value.text(desk)),
        _ => Err(Unparsed::NotThisFormat),
    };
    let message = text(log)?;
    if !is_stream(text(stream)?) {
        return Err(Unparsed::NotThisFormat);
    }
    let when = moment(text(stamp)?).ok_or(Unparsed::BadTime)?;
    Ok(peeled(when, without_end(message)))
}

/// Takes a line of a container in Kubernetes apart.
///
/// # Errors
/// [`Unparsed::NotThisFormat`] if it is none.
pub fn peel_cri<'a>(line: &'a [u8], _desk: &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed> {
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let (Some(stamp), Some(stream), Some(tags)) = (words.next(), words.next(), words.next()) else {
        return Err(Unparsed::NotThisFormat);
    };
    let whole = tags.split(|byte| *byte == b':').next();
    if !is_stream(stream) || !matches!(whole, Some(b"F" | b"P")) {
        return Err(Unparsed::NotThisFormat);
    }
    let when = moment(stamp).ok_or(Unparsed::NotThisFormat)?;
    Ok(peeled(when, without_end(words.next().unwrap_or_default())))
}

fn peeled(when: (Time, UtcOffset), message: &[u8]) -> Peeled<'_> {
    Peeled {
        when: When::At(when.0, Some(when.1)),
        host: b"",
        program: b"",
        level: b"",
        message,
    }
}

fn is_stream(word: &[u8]) -> bool {
    matches!(word, b"stdout" | b"stderr")
}

/// RFC 3339, always with a zone.
fn moment(stamp: &[u8]) -> Option<(Time, UtcOffset)> {
    let (time, zone) = time::parse_iso(stamp)?;
    Some((time, zone?))
}

/// The end of the line that the program wrote; a terminal's has a carriage return.
fn without_end(message: &[u8]) -> &[u8] {
    let message = message.strip_suffix(b"\n").unwrap_or(message);
    message.strip_suffix(b"\r").unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::Arena;
    use proptest::prelude::*;

    type Peel = for<'a> fn(&'a [u8], &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed>;

    fn message(peel: Peel, line: &str) -> Result<(String, String), Unparsed> {
        let arena = Arena::new();
        let peeled = peel(line.as_bytes(), &mut Desk::new(&arena))?;
        let When::At(time, Some(_)) = peeled.when else {
            panic!("a time with its zone: {line}");
        };
        let text = String::from_utf8(peeled.message.to_vec()).unwrap();
        Ok((time.to_rfc3339(), text))
    }

    const DOCKER: &str =
        r#"{"log":"say \"a\\x22b\"\n","stream":"stdout","time":"2026-05-19T14:02:11.520000042Z"}"#;

    #[test]
    fn docker_lines_are_unescaped_and_lose_their_end() {
        let time = "2026-05-19T14:02:11.520000Z".to_string();
        let expected = Ok((time.clone(), r#"say "a\x22b""#.to_string()));
        assert_eq!(message(peel_docker, DOCKER), expected);
        let labelled = DOCKER.replace(r#""time""#, r#""attrs":{"time":"x","tag":"web"},"time""#);
        assert_eq!(message(peel_docker, &labelled), expected);
        let terminal = DOCKER.replace(r"\n", r"\r\n");
        assert_eq!(message(peel_docker, &terminal), expected);
        let empty = DOCKER.replace(r#"say \"a\\x22b\"\n"#, r"\n");
        assert_eq!(message(peel_docker, &empty), Ok((time, String::new())));
    }

    #[test]
    fn kubernetes_lines_have_a_stream_and_tags() {
        for (line, text) in [
            ("2026-05-19T14:02:11.52Z stdout F a  b", "a  b"),
            (
                "2026-05-19T16:02:11.520000000+02:00 stderr P begins",
                "begins",
            ),
            ("2026-05-19T14:02:11.52Z stdout F:more x", "x"),
            ("2026-05-19T14:02:11.52Z stdout F ", ""),
        ] {
            let time = "2026-05-19T14:02:11.520000Z".to_string();
            assert_eq!(
                message(peel_cri, line),
                Ok((time, text.to_string())),
                "{line}"
            );
        }
    }

    #[test]
    fn other_lines_are_left_alone() {
        for line in [
            r#"{"log":"x\n","time":"2026-05-19T14:02:11Z"}"#,
            r#"{"log":"x\n","stream":"main","time":"2026-05-19T14:02:11Z"}"#,
            r#"{"log":{"level":"info"},"stream":"stdout","time":"2026-05-19T14:02:11Z"}"#,
            r#"{"log":7,"stream":"stdout","time":"2026-05-19T14:02:11Z"}"#,
        ] {
            assert_eq!(
                message(peel_docker, line),
                Err(Unparsed::NotThisFormat),
                "{line}"
            );
        }
        assert_eq!(
            message(peel_docker, &DOCKER[..40]),
            Err(Unparsed::Truncated)
        );
        for line in [
            "2026-05-19T14:02:11Z stdout x y",
            "2026-05-19T14:02:11 stdout F y",
            "2026-05-19T14:02:11Z web F y",
            "2026-05-19T14:02:11Z stdout",
            "",
        ] {
            assert_eq!(
                message(peel_cri, line),
                Err(Unparsed::NotThisFormat),
                "{line}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(cut in 0usize..100, tail in proptest::collection::vec(any::<u8>(), 0..30)) {
            let arena = Arena::new();
            for line in [DOCKER, "2026-05-19T14:02:11.52Z stdout F a"] {
                let line = [&line.as_bytes()[..cut.min(line.len())], &tail].concat();
                let _ = peel_docker(&line, &mut Desk::new(&arena));
                let _ = peel_cri(&line, &mut Desk::new(&arena));
            }
        }
    }
}

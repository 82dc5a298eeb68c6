//! nginx's access log written as JSON: a `log_format` whose keys are named as the variables are.
//!
//! The keys are free, so that those with other names are found out by their values (`json_guess`). With `escape=json`
//! a line is JSON but for bytes that are no UTF-8; with `escape=default` quotes inside strings are `\x22`.

use std::sync::Arc;

use crate::bytes::Bytes;
use crate::client::Client;
use crate::event::{Event, Unparsed};
use crate::format::json;
use crate::format::json_guess::{guess, header_of};
use crate::format::json_keys::Keys;
use crate::format::spec::{Desk, Format, LogKind, ReadLine, Reader, Sought};
use crate::proxies::HeaderName;

/// nginx's JSON.
pub const FORMAT: Format = Format {
    name: "nginx_json",
    kind: LogKind::Access,
    mixed: false,
    title: "nginx JSON",
    samples: &[
        r#"{"time_iso8601":"2026-05-19T14:02:11+00:00","remote_addr":"203.0.113.7","request":"GET /a HTTP/1.1","status":"200","request_time":"0.012"}"#,
        r#"{"msec":"1779199331.520","remote_addr":"203.0.113.7","request_method":"GET","request_uri":"/item?q=\x22a\x22","server_protocol":"HTTP/1.1","status":"200","body_bytes_sent":"512","request_time":"0.012","http_referer":"","http_user_agent":"probe/1.0","http_x_forwarded_for":"198.51.100.7","host":"shop.example"}"#,
    ],
    reader,
};

/// Keys named as nginx's variables are, that make it nginx's log.
const LEAST_NAMES: usize = 2;

/// Who connected; another key may have been taken for the client by its values (`http_x_real_ip`).
const CONNECTION: &[u8] = b"remote_addr";

struct Nginx {
    keys: Keys,
    /// What was read from keys with names of one's own.
    note: Option<String>,
}

fn reader(bytes: Bytes<'_>) -> Option<Reader> {
    let lines = json::sample(bytes);
    let guess = guess(&lines)?;
    if guess.nginx_names < LEAST_NAMES {
        return None;
    }
    let own = !guess.by_value.is_empty();
    Some(Arc::new(Nginx {
        note: own.then(|| guess.note(&guess.by_value)),
        keys: guess.keys,
    }))
}

impl ReadLine for Nginx {
    fn read<'a>(
        &self,
        line: &'a [u8],
        _at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        let record = self.keys.read(line, desk)?.draft.finish(desk)?;
        Ok(Event::Access(record))
    }

    fn client(&self, line: &[u8]) -> Option<Client> {
        self.keys.client(line)
    }

    fn notes(&self) -> Vec<String> {
        self.note.iter().cloned().collect()
    }

    fn forwarded_from(&self, header: &HeaderName) -> Sought {
        let keys = self.keys.forwarded_from(header, header_of, &[CONNECTION]);
        Sought::named(keys.map(|keys| Nginx {
            keys,
            note: self.note.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::{forwarded_alone, read_alone};

    #[test]
    fn a_line_of_each_kind_of_escaping() {
        let Ok(Event::Access(record)) = read_alone(&FORMAT, FORMAT.samples[1].as_bytes()) else {
            panic!("a request");
        };
        assert_eq!(record.target, br"/item?q=\x22a\x22");
        assert_eq!(record.forwarded, Some(&b"198.51.100.7"[..]));
        assert_eq!((record.referer, record.duration_us), (None, Some(12_000)));
        let json = br#"{"time_local":"19/May/2026:14:02:11 +0200","remote_addr":"203.0.113.7","request":"GET /?q=\"a\u00fc HTTP/1.1","status":,"agent":"x \\ y"}"#;
        let Ok(Event::Access(record)) = read_alone(&FORMAT, json) else {
            panic!("a request");
        };
        assert_eq!(record.target, "/?q=\"aü".as_bytes());
        assert_eq!(record.status, None);
    }

    #[test]
    fn keys_of_ones_own_are_noted() {
        let line = |n: usize| {
            format!(
                r#"{{"time_iso8601":"2026-05-19T14:02:1{n}+00:00","remote_addr":"203.0.113.7","request_method":"GET","p":"/item","q":"id={n}%27","status":500}}"#
            )
        };
        let log: Vec<String> = (0..9).map(line).collect();
        let reader = (FORMAT.reader)(log.join("\n").as_bytes().into()).unwrap();
        let note = r#"its keys were read by what their values look like: "q" as the query, "p" as the target"#;
        assert_eq!(reader.notes(), [note]);
        let arena = crate::format::spec::Arena::new();
        let read = reader.read(log[1].as_bytes(), 0, &mut Desk::new(&arena));
        assert!(matches!(read, Ok(Event::Access(record)) if record.target == b"/item?id=1%27"));
        let plain = (FORMAT.reader)(FORMAT.samples[1].as_bytes().into()).unwrap();
        assert!(plain.notes().is_empty());
    }

    #[test]
    fn forged_fields_come_too_late() {
        // as a careless `escape=none` writes them
        let line = br#"{"time_local":"19/May/2026:14:02:11 +0200","remote_addr":"203.0.113.7","request":"GET / HTTP/1.1","status":404,"http_user_agent":"","status":200,"remote_addr":"192.0.2.1"}"#;
        let Ok(Event::Access(record)) = read_alone(&FORMAT, line) else {
            panic!("a request");
        };
        assert_eq!(
            (record.status, record.client_text),
            (Some(404), &b"203.0.113.7"[..])
        );
    }

    #[test]
    fn a_named_header_is_taken_from_whatever_its_key_is_called() {
        let log = |keys: &str| {
            format!(
                r#"{{"time_iso8601":"2026-05-19T14:02:11+00:00","remote_addr":"10.0.0.1","request":"GET /a HTTP/1.1","status":"200",{keys}}}"#
            )
        };
        for (header, keys, expected) in [
            (
                "X-Real-IP",
                r#""http_x_real_ip":"203.0.113.7""#,
                "203.0.113.7",
            ),
            (
                "http_x_real_ip",
                r#""X-Real-IP":"203.0.113.7""#,
                "203.0.113.7",
            ),
            (
                "CF-Connecting-IP",
                r#""cf_connecting_ip":"203.0.113.7","xff":"192.0.2.1""#,
                "203.0.113.7",
            ),
            (
                "X-Forwarded-For",
                r#""xff":"192.0.2.1, 203.0.113.7""#,
                "192.0.2.1, 203.0.113.7",
            ),
            (
                "X-Forwarded-For",
                r#""x_forwarded_for":"203.0.113.7","xff":"192.0.2.1""#,
                "203.0.113.7",
            ),
            // what comes again may be forged
            (
                "X-Real-IP",
                r#""http_x_real_ip":"203.0.113.7","http_x_real_ip":"192.0.2.1""#,
                "203.0.113.7",
            ),
        ] {
            let line = log(keys);
            assert_eq!(
                forwarded_alone(&FORMAT, &line, &line, header),
                Some(("10.0.0.1".into(), Some(expected.into()))),
                "{header}: {keys}"
            );
        }
        let line = log(r#""http_x_forwarded_for":"203.0.113.7""#);
        assert_eq!(forwarded_alone(&FORMAT, &line, &line, "X-Real-IP"), None);
    }
}

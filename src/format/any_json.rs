//! A JSON access log whose keys nobody told us: read by what its values look like.
//!
//! The report says which key was read as what. See `json_guess` for how that is found out.

use std::sync::Arc;

use crate::bytes::Bytes;
use crate::client::Client;
use crate::event::{Event, Unparsed};
use crate::format::json;
use crate::format::json_guess::{Guess, guess, header_of};
use crate::format::json_keys::Keys;
use crate::format::spec::{Desk, Format, LogKind, ReadLine, Reader, Sought};
use crate::proxies::HeaderName;

/// JSON with unknown keys.
pub const FORMAT: Format = Format {
    name: "json",
    kind: LogKind::Access,
    mixed: false,
    title: "JSON with any keys, read by what the values look like",
    samples: &[
        r#"{"zeit":"2026-05-19T14:02:11Z","adr":"203.0.113.7","was":"GET /a HTTP/1.1","ergebnis":200}"#,
        r#"{"@timestamp":"2026-05-19T14:02:11.520Z","source":{"ip":"203.0.113.7"},"url":{"original":"/item?id=1"},"http":{"request":{"method":"GET"},"response":{"status_code":200,"body":{"bytes":512}}},"user_agent":{"original":"probe/1.0"},"event":{"duration":4100000}}"#,
        r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"https://shop.example/item?id=1","status":502,"responseSize":"341","userAgent":"probe/1.0","remoteIp":"203.0.113.7","latency":"0.031s"},"insertId":"1a","timestamp":"2026-05-19T14:02:11.520411Z","resource":{"type":"http_load_balancer"}}"#,
    ],
    reader,
};

/// Reads lines by keys that were learned.
pub struct Learned {
    keys: Keys,
    /// The path that says who connected, by its name.
    connection: Option<Box<[u8]>>,
    note: String,
}

impl Learned {
    /// From what was found out.
    pub fn new(guess: Guess) -> Learned {
        Learned {
            note: guess.note(&guess.found),
            keys: guess.keys,
            connection: guess.connection,
        }
    }
}

fn reader(bytes: Bytes<'_>) -> Option<Reader> {
    let lines = json::sample(bytes);
    Some(Arc::new(Learned::new(guess(&lines)?)))
}

impl ReadLine for Learned {
    fn read<'a>(
        &self,
        line: &'a [u8],
        _at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        let record = self.keys.read(line, desk)?.draft.finish(desk)?;
        // messages of the program that wrote the log have a time and an address, too
        match record.request.is_empty() && record.status.is_none() {
            true => Err(Unparsed::NotThisFormat),
            false => Ok(Event::Access(record)),
        }
    }

    fn client(&self, line: &[u8]) -> Option<Client> {
        self.keys.client(line)
    }

    fn forwarded_from(&self, header: &HeaderName) -> Sought {
        let connection = self.connection.as_deref();
        let keys = self
            .keys
            .forwarded_from(header, header_of, connection.as_slice());
        Sought::named(keys.map(|keys| Learned {
            keys,
            connection: self.connection.clone(),
            note: self.note.clone(),
        }))
    }

    fn notes(&self) -> Vec<String> {
        vec![self.note.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::{forwarded_alone, read_alone};

    #[test]
    fn a_record_of_unknown_keys_and_the_note_about_it() {
        let Ok(Event::Access(record)) = read_alone(&FORMAT, FORMAT.samples[2].as_bytes()) else {
            panic!("a request");
        };
        assert_eq!(record.client_text, b"203.0.113.7");
        assert_eq!(
            (record.method, record.target),
            (&b"GET"[..], &b"/item?id=1"[..])
        );
        assert_eq!((record.status, record.bytes), (Some(502), Some(341)));
        assert_eq!(record.duration_us, Some(31_000));
        let reader = (FORMAT.reader)(FORMAT.samples[0].as_bytes().into()).unwrap();
        assert_eq!(
            reader.notes(),
            [
                r#"its keys were read by what their values look like: "zeit" as the time, "was" as the request, "adr" as the client, "ergebnis" as the status"#
            ]
        );
    }

    #[test]
    fn the_note_lists_some_of_the_keys_that_are_no_field() {
        let note = |keys: usize| {
            let more: String = (0..keys).map(|n| format!(r#","k{n}":{n}"#)).collect();
            let line = FORMAT.samples[0].replace('}', &format!("{more}}}"));
            (FORMAT.reader)(line.as_bytes().into())
                .unwrap()
                .notes()
                .concat()
        };
        assert!(note(2).ends_with(r#"; no field was found for "k0", "k1""#));
        assert!(note(11).ends_with(r#", "k7" and 3 more"#), "{}", note(11));
    }

    #[test]
    fn messages_among_the_requests_are_none() {
        let log = format!("{}\n", FORMAT.samples[0]);
        let reader = (FORMAT.reader)(log.as_bytes().into()).unwrap();
        let arena = crate::format::spec::Arena::new();
        let line = br#"{"zeit":"2026-05-19T14:02:11Z","adr":"203.0.113.7","text":"hello"}"#;
        let read = reader.read(line, 0, &mut Desk::new(&arena));
        assert_eq!(read, Err(Unparsed::NotThisFormat));
    }

    #[test]
    fn a_named_header_may_stand_anywhere_in_the_record() {
        let line = |more: &str| {
            format!(
                r#"{{"zeit":"2026-05-19T14:02:11Z","was":"GET /a HTTP/1.1","ergebnis":200{more}}}"#
            )
        };
        for (header, more, client, list) in [
            (
                "X-Forwarded-For",
                r#","adr":"10.0.0.1","http":{"request":{"headers":{"x-forwarded-for":["192.0.2.1","203.0.113.7"]}}}"#,
                "10.0.0.1",
                "192.0.2.1, 203.0.113.7",
            ),
            // taken for the client by its values; who connected is known by name
            (
                "X-Real-IP",
                r#","ip":"10.0.0.1","x_real_ip":"203.0.113.7""#,
                "10.0.0.1",
                "203.0.113.7",
            ),
            // nothing else says who asked
            (
                "X-Real-IP",
                r#","x_real_ip":"203.0.113.7""#,
                "203.0.113.7",
                "203.0.113.7",
            ),
        ] {
            let line = line(more);
            assert_eq!(
                forwarded_alone(&FORMAT, &line, &line, header),
                Some((client.into(), Some(list.into()))),
                "{line}"
            );
        }
        let answer = line(r#","adr":"10.0.0.1","response":{"headers":{"x-real-ip":"192.0.2.1"}}"#);
        assert_eq!(
            forwarded_alone(&FORMAT, &answer, &answer, "X-Real-IP"),
            None
        );
    }
}

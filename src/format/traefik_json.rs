//! Traefik's access log with `format: json`.
//!
//! The names are those of `logdata.go` in traefik/traefik (pkg/middlewares/accesslog): durations in nanoseconds,
//! `RequestPath` with its query, headers as `request_NAME` and `downstream_NAME`. A configuration may drop or redact
//! any of them (`accessLog.fields`). Traefik's own messages, which share standard output with these, are read as such.

use std::sync::Arc;

use crate::bytes::Bytes;
use crate::client::Client;
use crate::event::{Event, Unparsed};
use crate::format::json::{self, Path};
use crate::format::json_keys::{Fields, HeaderOf, Keys, Name, Take, each_value};
use crate::format::record::Field;
use crate::format::spec::{Desk, Format, LogKind, ReadLine, Reader, Sought};
use crate::proxies::HeaderName;
use crate::time::Unit;

/// Traefik's JSON access log.
pub const FORMAT: Format = Format {
    name: "traefik_json",
    kind: LogKind::Access,
    mixed: true,
    title: "Traefik JSON",
    samples: &[
        r#"{"ClientHost":"203.0.113.7","RequestMethod":"GET","RequestPath":"/a","DownstreamStatus":200,"Duration":4100000,"StartUTC":"2026-05-19T14:02:11.5Z"}"#,
        r#"{"ClientAddr":"203.0.113.7:51000","ClientHost":"203.0.113.7","ClientPort":"51000","ClientUsername":"-","DownstreamContentSize":11,"DownstreamStatus":502,"Duration":31204411,"OriginContentSize":11,"OriginDuration":31000000,"OriginStatus":502,"Overhead":204411,"RequestAddr":"shop.example","RequestContentSize":0,"RequestCount":4410,"RequestHost":"shop.example","RequestMethod":"GET","RequestPath":"/item?id=1","RequestPort":"-","RequestProtocol":"HTTP/2.0","RequestScheme":"https","RetryAttempts":0,"RouterName":"shop@docker","ServiceName":"shop@docker","ServiceURL":"http://10.0.0.5:80","StartLocal":"2026-05-19T16:02:11.520411+02:00","StartUTC":"2026-05-19T14:02:11.520411Z","entryPointName":"websecure","level":"info","msg":"","request_Referer":"-","request_User-Agent":"probe/1.0","time":"2026-05-19T16:02:11+02:00"}"#,
    ],
    reader,
};

const LEVEL: usize = 0;
const MESSAGE: usize = 1;
const FAULT: usize = 2;

const NAMES: &[Name] = &[
    ("StartUTC", Take::Set(Field::Time)),
    ("StartLocal", Take::Set(Field::Time)),
    ("time", Take::Set(Field::Time)),
    ("ClientHost", Take::Set(Field::Client)),
    ("ClientAddr", Take::Set(Field::Client)),
    ("ClientUsername", Take::Set(Field::User)),
    ("RequestMethod", Take::Set(Field::Method)),
    ("RequestPath", Take::Set(Field::Target)),
    ("RequestProtocol", Take::Set(Field::Protocol)),
    ("RequestHost", Take::Set(Field::Host)),
    ("RequestAddr", Take::Set(Field::Host)),
    ("DownstreamStatus", Take::Set(Field::Status)),
    ("OriginStatus", Take::Set(Field::Status)),
    ("DownstreamContentSize", Take::Set(Field::Bytes)),
    ("Duration", Take::Set(Field::Duration(Unit::Nanoseconds))),
    ("request_User-Agent", Take::Set(Field::UserAgent)),
    ("request_Referer", Take::Set(Field::Referer)),
    ("request_X-Forwarded-For", Take::Set(Field::Forwarded)),
    ("level", Take::Word(LEVEL)),
    ("msg", Take::Word(MESSAGE)),
    ("message", Take::Word(MESSAGE)),
    ("error", Take::Word(FAULT)),
];

/// What only Traefik calls so; one of them tells its log from others.
const OWN: [&[u8]; 4] = [
    b"DownstreamStatus",
    b"RequestPath",
    b"ClientHost",
    b"ClientAddr",
];

/// Who connected. `ClientHost` is the value of `X-Forwarded-For` where a request has it (`logger.go`).
const CONNECTION: &[u8] = b"ClientAddr";

/// Headers of the request are the client's.
fn other(path: &Path<'_, '_>) -> Take {
    let header = path
        .keys
        .first()
        .is_some_and(|key| key.starts_with(b"request_"));
    match header {
        true => Take::Search,
        false => Take::Ignore,
    }
}

struct Traefik(Keys);

fn reader(bytes: Bytes<'_>) -> Option<Reader> {
    let lines = json::sample(bytes);
    let mut traefiks = 0;
    each_value(&lines, |path, _| {
        traefiks += usize::from(OWN.iter().any(|name| path.is(name)))
    });
    let keys = || Keys::by_name(&lines, NAMES, other);
    (traefiks > 0).then(|| Arc::new(Traefik(keys())) as Reader)
}

impl ReadLine for Traefik {
    fn read<'a>(
        &self,
        line: &'a [u8],
        _at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        let Fields { draft, words } = self.0.read(line, desk)?;
        let message = words[MESSAGE].unwrap_or_default();
        // a request has an empty message
        if message.is_empty() {
            return draft.finish(desk).map(Event::Access);
        }
        let message = match words[FAULT] {
            Some(fault) => desk.join(&[message, b": ", fault]),
            None => message,
        };
        let level = words[LEVEL].unwrap_or_default();
        draft.message(level, message, desk).map(Event::Error)
    }

    fn client(&self, line: &[u8]) -> Option<Client> {
        self.0.client(line)
    }

    fn forwarded_from(&self, header: &HeaderName) -> Sought {
        let header_of: HeaderOf = |path| path.strip_prefix(b"request_");
        let keys = self.0.forwarded_from(header, header_of, &[CONNECTION]);
        Sought::named(keys.map(Traefik))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::{forwarded_alone, read_alone};

    #[test]
    fn a_request_and_a_message() {
        let Ok(Event::Access(record)) = read_alone(&FORMAT, FORMAT.samples[1].as_bytes()) else {
            panic!("a request");
        };
        assert_eq!(record.client_text, b"203.0.113.7");
        assert_eq!(record.target, b"/item?id=1");
        assert_eq!((record.status, record.bytes), (Some(502), Some(11)));
        assert_eq!(record.duration_us, Some(31_204));
        assert_eq!(record.user_agent, Some(&b"probe/1.0"[..]));
        assert_eq!((record.user, record.referer), (None, None));
        assert_eq!(record.vhost, Some(&b"shop.example"[..]));
        assert_eq!(record.time.to_rfc3339(), "2026-05-19T14:02:11.520411Z");
        let log = format!("{}\n", FORMAT.samples[1]);
        let reader = (FORMAT.reader)(log.as_bytes().into()).unwrap();
        let line = br#"{"level":"error","error":"dial tcp: refused","message":"Service error","time":"2026-05-19T14:02:11Z"}"#;
        let arena = crate::format::spec::Arena::new();
        let Ok(Event::Error(record)) = reader.read(line, 0, &mut Desk::new(&arena)) else {
            panic!("a message");
        };
        assert_eq!(record.message, b"Service error: dial tcp: refused");
    }

    #[test]
    fn fields_may_be_dropped() {
        let line = r#"{"ClientAddr":"[2001:db8::7]:51000","OriginStatus":404,"RequestPath":"/a","RequestMethod":"GET","time":"2026-05-19T14:02:11Z","level":"info","msg":""}"#;
        let Ok(Event::Access(record)) = read_alone(&FORMAT, line.as_bytes()) else {
            panic!("a request");
        };
        assert_eq!(record.client_text, b"2001:db8::7");
        assert_eq!((record.status, record.duration_us), (Some(404), None));
    }

    #[test]
    fn a_named_header_is_the_requests() {
        let line = r#"{"ClientAddr":"10.0.0.1:51000","ClientHost":"192.0.2.1","DownstreamStatus":404,"RequestPath":"/a","RequestMethod":"GET","StartUTC":"2026-05-19T14:02:11Z","downstream_X-Served-For":"192.0.2.9","request_X-Forwarded-For":"192.0.2.1, 203.0.113.7","request_X-Real-Ip":"203.0.113.8","level":"info","msg":""}"#;
        let found = |header| forwarded_alone(&FORMAT, line, line, header);
        for (header, list) in [
            ("X-Forwarded-For", "192.0.2.1, 203.0.113.7"),
            ("X-Real-IP", "203.0.113.8"),
            ("downstream_X-Served-For", "192.0.2.9"),
        ] {
            let expected = ("10.0.0.1".into(), Some(list.into()));
            assert_eq!(found(header), Some(expected), "{header}");
        }
        assert_eq!(found("X-Served-For"), None);
        assert_eq!(found("CF-Connecting-IP"), None);
    }
}

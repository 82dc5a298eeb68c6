//! Caddy's JSON log (version 2): requests, and what Caddy itself has to say, in one file.
//!
//! The fields are those of `logging.go` and `marshalers.go` in caddyserver/caddy (modules/caddyhttp): `request` has
//! `remote_ip` and, from 2.7 on, `client_ip` (after trusted proxies), before 2.5 `remote_addr` with a port; headers are
//! objects of arrays. `ts` and `duration` have the form that the encoder was configured for.

use std::sync::Arc;

use crate::bytes::Bytes;
use crate::client::Client;
use crate::event::{Event, Unparsed};
use crate::format::json::{self, Path};
use crate::format::json_keys::{Fields, Keys, Name, Take, each_value};
use crate::format::record::Field;
use crate::format::spec::{Desk, Format, LogKind, ReadLine, Reader, Sought};
use crate::proxies::HeaderName;
use crate::time::Unit;

/// Caddy's log with the JSON encoder, its default for files.
pub const FORMAT: Format = Format {
    name: "caddy_json",
    kind: LogKind::Access,
    mixed: true,
    title: "Caddy JSON",
    samples: &[
        r#"{"level":"info","ts":1779199331.52,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"203.0.113.7","remote_port":"51000","client_ip":"203.0.113.7","proto":"HTTP/2.0","method":"GET","host":"shop.example","uri":"/item?id=1","headers":{"User-Agent":["probe/1.0"],"Referer":["https://shop.example/"]}},"bytes_read":0,"user_id":"","duration":0.004,"size":9,"status":200,"resp_headers":{"Server":["Caddy"]}}"#,
        r#"{"level":"error","ts":"2026-05-19T14:02:11.520+0200","logger":"http.log.access.shop","msg":"handled request","request":{"remote_addr":"[2001:db8::7]:51000","proto":"HTTP/1.1","method":"POST","host":"shop.example","uri":"/cart","headers":{}},"duration":"1.2ms","size":0,"status":502}"#,
        r#"{"level":"error","ts":1779199331.52,"logger":"http.log.error","msg":"dial tcp 192.0.2.9:80: connect: connection refused","request":{"remote_ip":"203.0.113.7","proto":"HTTP/1.1","method":"GET","host":"shop.example","uri":"/cart","headers":{"User-Agent":["x"]}},"duration":0.09,"status":502}"#,
    ],
    reader,
};

const LOGGER: usize = 0;
const LEVEL: usize = 1;
const MESSAGE: usize = 2;
const FAULT: usize = 3;

const NAMES: &[Name] = &[
    ("ts", Take::Set(Field::Time)),
    ("logger", Take::Word(LOGGER)),
    ("level", Take::Word(LEVEL)),
    ("msg", Take::Word(MESSAGE)),
    ("error", Take::Word(FAULT)),
    ("request.client_ip", Take::Set(Field::Client)),
    ("request.remote_ip", Take::Set(Field::Client)),
    ("request.remote_addr", Take::Set(Field::Client)),
    ("request.method", Take::Set(Field::Method)),
    ("request.uri", Take::Set(Field::Target)),
    ("request.proto", Take::Set(Field::Protocol)),
    ("request.host", Take::Set(Field::Host)),
    ("request.headers.User-Agent", Take::Set(Field::UserAgent)),
    ("request.headers.Referer", Take::Set(Field::Referer)),
    (
        "request.headers.X-Forwarded-For",
        Take::Set(Field::Forwarded),
    ),
    ("user_id", Take::Set(Field::User)),
    ("status", Take::Set(Field::Status)),
    ("size", Take::Set(Field::Bytes)),
    ("duration", Take::Set(Field::Duration(Unit::Seconds))),
];

/// Headers are the client's; all else is Caddy's.
fn other(path: &Path<'_, '_>) -> Take {
    match path.below(b"request.headers") {
        true => Take::Search,
        false => Take::Ignore,
    }
}

/// Who connected. `client_ip` is what Caddy makes of headers for proxies that it trusts.
const CONNECTIONS: &[&[u8]] = &[b"request.remote_ip", b"request.remote_addr"];

/// See [`HeaderOf`](crate::format::json_keys::HeaderOf).
fn header_of(path: &[u8]) -> Option<&[u8]> {
    match path {
        b"request.client_ip" => Some(b"client_ip"),
        _ => path.strip_prefix(b"request.headers."),
    }
}

/// What Caddy says of every request that it served.
const HANDLED: &[u8] = b"handled request";

/// The logger of requests; a server's own begins with it.
const ACCESS_LOGGER: &[u8] = b"http.log.access";

/// What loggers of Caddy's parts begin with: zap, which writes these lines, writes those of other programs as well.
const LOGGERS: [&[u8]; 4] = [b"http", b"tls", b"admin", b"pki"];

struct Caddy(Keys);

fn reader(bytes: Bytes<'_>) -> Option<Reader> {
    let lines = json::sample(bytes);
    let mut caddys = false;
    each_value(&lines, |path, (_, value)| {
        let of = |part: &&[u8]| {
            let rest = value.strip_prefix(*part);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
        };
        caddys |= path.is(b"logger") && LOGGERS.iter().any(of);
        caddys |= path.is(b"msg") && value == HANDLED;
    });
    caddys.then(|| Arc::new(Caddy(Keys::by_name(&lines, NAMES, other))) as Reader)
}

impl ReadLine for Caddy {
    fn read<'a>(
        &self,
        line: &'a [u8],
        _at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        let Fields { draft, words } = self.0.read(line, desk)?;
        let logger = words[LOGGER].unwrap_or_default();
        let message = words[MESSAGE].unwrap_or_default();
        if logger.starts_with(ACCESS_LOGGER) || message == HANDLED {
            return draft.finish(desk).map(Event::Access);
        }
        if message.is_empty() {
            return Err(Unparsed::NotThisFormat);
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
        let keys = self.0.forwarded_from(header, header_of, CONNECTIONS);
        Sought::named(keys.map(Caddy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Access, ErrorRecord};
    use crate::format::spec::{forwarded_alone, read_alone, request_alone};

    fn access(line: &str) -> Access<'_> {
        request_alone(&FORMAT, line.as_bytes())
            .unwrap_or_else(|reason| panic!("{reason:?}: {line}"))
    }

    fn error(line: &str) -> ErrorRecord<'_> {
        match read_alone(&FORMAT, line.as_bytes()) {
            Ok(Event::Error(record)) => record,
            other => panic!("{other:?}: {line}"),
        }
    }

    #[test]
    fn a_request() {
        let record = access(FORMAT.samples[0]);
        assert_eq!(record.client_text, b"203.0.113.7");
        assert_eq!(
            (record.method, record.target),
            (&b"GET"[..], &b"/item?id=1"[..])
        );
        assert_eq!((record.status, record.bytes), (Some(200), Some(9)));
        assert_eq!(record.duration_us, Some(4_000));
        assert_eq!(record.user_agent, Some(&b"probe/1.0"[..]));
        assert_eq!(record.referer, Some(&b"https://shop.example/"[..]));
        assert_eq!(record.vhost, Some(&b"shop.example"[..]));
        assert_eq!(record.time.to_rfc3339(), "2026-05-19T14:02:11.520000Z");
        let older = access(FORMAT.samples[1]);
        assert_eq!(older.client_text, b"2001:db8::7");
        assert_eq!(older.duration_us, Some(1_200));
        assert_eq!(older.time.to_rfc3339(), "2026-05-19T12:02:11.520000Z");
    }

    #[test]
    fn the_client_is_whom_trusted_proxies_name_and_headers_are_searched() {
        let record = access(
            r#"{"logger":"http.log.access","ts":1779199331,"request":{"remote_ip":"10.0.0.1","client_ip":"203.0.113.7","method":"GET","uri":"/","headers":{"X-Api":["${jndi:ldap://a}"],"Accept":["*/*"],"Cookie":["a=1'--","b"]}},"status":0,"resp_headers":{"Server":["<Caddy>"]}}"#,
        );
        assert_eq!(record.client_text, b"203.0.113.7");
        assert_eq!(record.status, None);
        assert_eq!(record.extras, br#""${jndi:ldap://a}" "a=1'--""#);
    }

    #[test]
    fn caddys_own_messages() {
        let refused = error(FORMAT.samples[2]);
        assert_eq!(
            refused.message,
            b"dial tcp 192.0.2.9:80: connect: connection refused"
        );
        assert_eq!(refused.level, b"error");
        assert_eq!(refused.client, Some(Client::parse(b"203.0.113.7")));
        assert_eq!(refused.request, Some(&b"GET /cart HTTP/1.1"[..]));
        let fault = error(
            r#"{"level":"error","ts":1779199331,"logger":"tls.obtain","msg":"will retry","error":"timeout"}"#,
        );
        assert_eq!(fault.message, b"will retry: timeout");
        assert_eq!(fault.client, None);
        // zap's lines of another program
        assert!(
            (FORMAT.reader)(
                (br#"{"level":"info","ts":1779199331,"logger":"etcd","msg":"x"}"#).into()
            )
            .is_none()
        );
    }

    #[test]
    fn a_named_header_is_the_requests_and_its_lines_are_one_list() {
        let line = r#"{"logger":"http.log.access","ts":1779199331,"request":{"remote_ip":"10.0.0.1","client_ip":"198.51.100.9","method":"GET","uri":"/","headers":{"X-Forwarded-For":["192.0.2.1, 203.0.113.7","10.0.0.2"],"X-Real-Ip":["203.0.113.8"]}},"status":200,"resp_headers":{"X-Served-For":["192.0.2.9"]}}"#;
        let found = |header| forwarded_alone(&FORMAT, line, line, header);
        for (header, list) in [
            ("x-forwarded-for", "192.0.2.1, 203.0.113.7, 10.0.0.2"),
            ("X-Real-IP", "203.0.113.8"),
            ("client_ip", "198.51.100.9"),
        ] {
            // who connected, whomever Caddy believes
            let expected = ("10.0.0.1".into(), Some(list.into()));
            assert_eq!(found(header), Some(expected), "{header}");
        }
        for header in ["X-Served-For", "CF-Connecting-IP"] {
            assert_eq!(found(header), None);
        }
        let without = FORMAT.samples[0];
        assert_eq!(
            forwarded_alone(&FORMAT, without, without, "X-Forwarded-For"),
            None
        );
    }
}

//! nginx's access log written as JSON: a `log_format` whose keys are named as the variables are.
//!
//! The keys are free, so that those with other names are found out by their values (`json_guess`). With `escape=json`
//! a line is JSON but for bytes that are no UTF-8; with `escape=default` quotes inside strings are `\x22`.

use std::sync::Arc;

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

struct Nginx(Keys);

fn reader(bytes: &[u8]) -> Option<Reader> {
    let lines = json::sample(bytes);
    let guess = guess(&lines)?;
    (guess.nginx_names >= LEAST_NAMES).then(|| Arc::new(Nginx(guess.keys)) as Reader)
}

impl ReadLine for Nginx {
    fn read<'a>(
        &self,
        line: &'a [u8],
        _at: u64,
        desk: &mut Desk<'a>,
    ) -> Result<Event<'a>, Unparsed> {
        let record = self.0.read(line, desk)?.draft.finish(desk)?;
        Ok(Event::Access(record))
    }

    fn client(&self, line: &[u8]) -> Option<Client> {
        self.0.client(line)
    }

    fn forwarded_from(&self, header: &HeaderName) -> Sought {
        let keys = self.0.forwarded_from(header, header_of, &[CONNECTION]);
        Sought::named(keys.map(Nginx))
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

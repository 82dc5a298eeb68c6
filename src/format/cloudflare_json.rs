//! Cloudflare's Logpush of HTTP requests: one JSON object a line, with the fields that were selected.
//!
//! The names are those of the data set `http_requests` in Cloudflare's documentation. Times are counts of nanoseconds or
//! seconds, or RFC 3339, as the job's `timestamp_format` says.

use std::sync::Arc;

use crate::bytes::Bytes;
use crate::client::Client;
use crate::event::{Event, Unparsed};
use crate::format::json::{self, Path};
use crate::format::json_keys::{HeaderOf, Keys, Name, Take, each_value};
use crate::format::record::Field;
use crate::format::spec::{Desk, Format, LogKind, ReadLine, Reader, Sought};
use crate::proxies::HeaderName;
use crate::time::Unit;

/// The data set `http_requests`.
pub const FORMAT: Format = Format {
    name: "cloudflare_json",
    kind: LogKind::Access,
    mixed: false,
    title: "Cloudflare Logpush, HTTP requests",
    samples: &[
        r#"{"ClientIP":"203.0.113.7","ClientRequestMethod":"GET","ClientRequestURI":"/a","EdgeResponseStatus":503,"EdgeStartTimestamp":1779199331000000000,"RayID":"9a"}"#,
        r#"{"CacheCacheStatus":"miss","ClientASN":64496,"ClientCountry":"de","ClientIP":"2001:db8::7","ClientRequestBytes":2710,"ClientRequestHost":"shop.example","ClientRequestMethod":"POST","ClientRequestPath":"/item","ClientRequestProtocol":"HTTP/2","ClientRequestReferer":"https://shop.example/","ClientRequestURI":"/item?id=1%27","ClientRequestUserAgent":"probe/1.0","EdgeEndTimestamp":"2026-05-19T14:02:12Z","EdgeResponseBytes":540,"EdgeResponseStatus":500,"EdgeStartTimestamp":"2026-05-19T14:02:11Z","EdgeTimeToFirstByteMs":31,"OriginIP":"192.0.2.9","OriginResponseDurationMs":29,"OriginResponseStatus":500,"RayID":"9b"}"#,
    ],
    reader,
};

const NAMES: &[Name] = &[
    ("EdgeStartTimestamp", Take::Set(Field::Time)),
    ("EdgeEndTimestamp", Take::Set(Field::Time)),
    ("ClientIP", Take::Set(Field::Client)),
    ("ClientRequestMethod", Take::Set(Field::Method)),
    ("ClientRequestURI", Take::Set(Field::Target)),
    // without the query
    ("ClientRequestPath", Take::Set(Field::Path)),
    ("ClientRequestProtocol", Take::Set(Field::Protocol)),
    ("ClientRequestHost", Take::Set(Field::Host)),
    ("ClientRequestReferer", Take::Set(Field::Referer)),
    ("ClientRequestUserAgent", Take::Set(Field::UserAgent)),
    ("EdgeResponseStatus", Take::Set(Field::Status)),
    ("OriginResponseStatus", Take::Fallback(Field::Status)),
    ("EdgeResponseBytes", Take::Set(Field::Bytes)),
    (
        "OriginResponseDurationMs",
        Take::Set(Field::Duration(Unit::Milliseconds)),
    ),
    (
        "EdgeTimeToFirstByteMs",
        Take::Set(Field::Duration(Unit::Milliseconds)),
    ),
    (
        "OriginResponseTime",
        Take::Set(Field::Duration(Unit::Nanoseconds)),
    ),
    ("ClientXRequestedWith", Take::Search),
];

/// Headers and cookies that a job was told to log are the client's.
fn other(path: &Path<'_, '_>) -> Take {
    match path.below(b"RequestHeaders") || path.below(b"Cookies") {
        true => Take::Search,
        false => Take::Ignore,
    }
}

struct Cloudflare(Keys);

fn reader(bytes: Bytes<'_>) -> Option<Reader> {
    let lines = json::sample(bytes);
    let mut cloudflares = false;
    each_value(&lines, |path, _| {
        cloudflares |= path.is(b"EdgeResponseStatus") || path.is(b"EdgeStartTimestamp");
    });
    let keys = || Keys::by_name(&lines, NAMES, other);
    cloudflares.then(|| Arc::new(Cloudflare(keys())) as Reader)
}

impl ReadLine for Cloudflare {
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
        let header_of: HeaderOf = |path| path.strip_prefix(b"RequestHeaders.");
        let keys = self.0.forwarded_from(header, header_of, &[]);
        Sought::named(keys.map(Cloudflare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Access;
    use crate::format::spec::{forwarded_alone, request_alone};

    fn access(line: &str) -> Access<'_> {
        request_alone(&FORMAT, line.as_bytes())
            .unwrap_or_else(|reason| panic!("{reason:?}: {line}"))
    }

    #[test]
    fn a_request_with_all_its_fields() {
        let record = access(FORMAT.samples[1]);
        assert_eq!(record.client_text, b"2001:db8::7");
        assert_eq!(
            (record.method, record.target),
            (&b"POST"[..], &b"/item?id=1%27"[..])
        );
        assert_eq!((record.status, record.bytes), (Some(500), Some(540)));
        assert_eq!(record.duration_us, Some(29_000));
        assert_eq!(record.time.to_rfc3339(), "2026-05-19T14:02:11Z");
        assert_eq!(record.extras, b"");
    }

    #[test]
    fn times_of_every_form_and_a_path_alone() {
        for time in [
            "1779199331",
            "1779199331000000000",
            "\"2026-05-19T14:02:11Z\"",
        ] {
            let line = format!(
                r#"{{"EdgeStartTimestamp":{time},"ClientIP":"203.0.113.7","ClientRequestPath":"/a","EdgeResponseStatus":0,"OriginResponseStatus":404,"RequestHeaders":{{"x-a":"<b>12"}}}}"#
            );
            let record = access(&line);
            assert_eq!(record.time.to_rfc3339(), "2026-05-19T14:02:11Z");
            assert_eq!((record.target, record.status), (&b"/a"[..], Some(404)));
            assert_eq!(record.extras, b"\"<b>12\"");
        }
    }

    #[test]
    fn a_named_header_is_one_that_the_job_logs() {
        let line = r#"{"EdgeStartTimestamp":1779199331,"ClientIP":"198.51.100.1","ClientRequestPath":"/a","EdgeResponseStatus":200,"RequestHeaders":{"x-forwarded-for":"203.0.113.7"},"ResponseHeaders":{"x-real-ip":"192.0.2.1"}}"#;
        assert_eq!(
            forwarded_alone(&FORMAT, line, line, "X-Forwarded-For"),
            Some(("198.51.100.1".into(), Some("203.0.113.7".into())))
        );
        assert_eq!(forwarded_alone(&FORMAT, line, line, "X-Real-IP"), None);
    }
}

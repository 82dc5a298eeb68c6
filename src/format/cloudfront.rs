//! Standard access logs of Amazon CloudFront: W3C extended, with tabs between the columns.
//!
//! CloudFront percent-encodes what a client sent once more before it writes it ("Standard logging reference"): one layer is
//! taken back in the query, the user agent, the referer and cookies. In the path only the encoded percent sign is: a
//! question mark there would begin a query.

use std::sync::Arc;

use crate::bytes::Bytes;
use crate::format::hex_escapes::{self, PERCENT};
use crate::format::record::Field;
use crate::format::spec::{Desk, Format, LogKind, Reader};
use crate::format::w3c::{Dialect, Table};
use crate::time::Unit;

/// What CloudFront delivers to S3.
pub const FORMAT: Format = Format {
    name: "cloudfront",
    kind: LogKind::Access,
    mixed: false,
    title: "Amazon CloudFront standard access log",
    samples: &[
        "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n2026-05-19\t14:02:11\tFRA2-C1\t640\t203.0.113.7\tGET\td1.example\t/item\t403\t-\tprobe/1.0%20(x)\tid=1%2527\t-\tError\tr1\tshop.example\thttps\t90\t0.004\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tError\tHTTP/2.0\t-\t-\t51000\t0.004\tError\ttext/html\t540\t-\t-\n",
        "2026-05-19\t14:02:11\tFRA2-C1\t640\t2001:db8::7\tGET\td1.example\t/a%2520b\t000\thttps://shop.example/%2520x\tprobe/1.0\t-\tk=v%2527\tError\tr1\tshop.example\thttps\t90\t1\t203.0.113.7\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tError\tHTTP/2.0\t-\t-\t51000\t0.004\tError\ttext/html\t540\t-\t-\n2026-05-19\t14:02:11\tFRA2-C1\t640\t203.0.113.7\tGET\td1.example\t/item\t200\t-\tprobe/1.0\t-\t-\tHit\tr1\tshop.example\thttps\t90\t0.004\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tHit\tHTTP/2.0\t-\t-\t51000\t0.004\tHit\ttext/html\t540\t-\t-\n",
    ],
    reader,
};

static DIALECT: Dialect = Dialect {
    defaults: &[
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end",
        // Before December 2019.
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields",
    ],
    accepts: |header| header.contains("x-edge-location"),
    separator: b'\t',
    time_taken: Unit::Seconds,
    decode,
};

fn decode<'a>(field: Field, value: &'a [u8], desk: &Desk<'a>) -> &'a [u8] {
    match field {
        Field::Query | Field::UserAgent | Field::Referer | Field::Extra => {
            hex_escapes::decode(value, PERCENT, |_| true, desk)
        }
        Field::Path => hex_escapes::decode(value, PERCENT, |byte| byte == b'%', desk),
        Field::Forwarded => {
            hex_escapes::decode(value, PERCENT, |byte| byte == b' ' || byte == b',', desk)
        }
        _ => value,
    }
}

fn reader(bytes: Bytes<'_>) -> Option<Reader> {
    Some(Arc::new(Table::learn(bytes, &DIALECT)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk;
    use crate::event::{Access, Event, Unparsed};
    use crate::format::spec::{Arena, forwarded_alone};
    use proptest::prelude::*;

    fn all<'a>(log: &'a str, arena: &'a Arena) -> Vec<Access<'a>> {
        let reader = reader(log.as_bytes().into()).expect("such a log");
        let mut desk = Desk::new(arena);
        let lines = chunk::lines(log.as_bytes());
        let mut found = Vec::new();
        for (at, line) in lines {
            match reader.read(line, at as u64, &mut desk) {
                Ok(Event::Access(access)) => found.push(access),
                Err(Unparsed::Header) => {}
                other => panic!("{other:?}"),
            }
        }
        found
    }

    #[test]
    fn one_layer_of_encoding_is_taken_back() {
        let arena = Arena::new();
        let record = all(FORMAT.samples[0], &arena)[0];
        assert_eq!(record.time.to_rfc3339(), "2026-05-19T14:02:11Z");
        assert_eq!(record.client_text, b"203.0.113.7");
        assert_eq!(record.target, b"/item?id=1%27");
        assert_eq!(record.protocol, b"HTTP/2.0");
        assert_eq!(record.user_agent, Some(&b"probe/1.0 (x)"[..]));
        assert_eq!(record.vhost, Some(&b"shop.example"[..]));
        assert_eq!((record.status, record.bytes), (Some(403), Some(640)));
        assert_eq!(record.duration_us, Some(4_000));
    }

    #[test]
    fn a_file_without_its_header_is_read() {
        let arena = Arena::new();
        let record = all(FORMAT.samples[1], &arena)[0];
        assert_eq!(record.target, b"/a%20b");
        assert_eq!(record.status, None);
        assert_eq!(record.referer, Some(&b"https://shop.example/%20x"[..]));
        assert_eq!(record.forwarded, Some(&b"203.0.113.7"[..]));
        assert_eq!(record.extras, b"\"k=v%27\"");
        assert_eq!(record.duration_us, Some(1_000_000));
    }

    #[test]
    fn a_named_header_is_one_that_is_delivered() {
        let line = FORMAT.samples[1].lines().next().unwrap();
        assert_eq!(
            forwarded_alone(&FORMAT, FORMAT.samples[1], line, "X-Forwarded-For"),
            Some(("2001:db8::7".into(), Some("203.0.113.7".into())))
        );
        assert_eq!(
            forwarded_alone(&FORMAT, FORMAT.samples[1], line, "X-Real-IP"),
            None
        );
    }

    proptest! {
        #[test]
        fn never_panics(
            sample in 0..FORMAT.samples.len(),
            cut in any::<proptest::sample::Index>(),
            more in proptest::collection::vec(proptest::sample::select(&b"a0\t/\"\n#%-."[..]), 0..60),
        ) {
            let text = FORMAT.samples[sample].as_bytes();
            let text = [&text[..cut.index(text.len())], &more].concat();
            let Some(reader) = reader((&text).into()) else { return Ok(()) };
            let arena = Arena::new();
            let mut desk = Desk::new(&arena);
            for (at, line) in chunk::lines(&text) {
                let _ = reader.read(line, at as u64, &mut desk);
            }
        }
    }
}

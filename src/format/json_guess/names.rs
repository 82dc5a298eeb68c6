//! What the name of a key hints at: names that servers, their documentation and log shippers use.
//!
//! Sources: nginx's variables, Logstash's grok patterns, the Elastic Common Schema, OpenTelemetry's semantic
//! conventions, Google Cloud's `HttpRequest`, Azure's access logs.

use crate::time::Unit;

/// The field that a name hints at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    Time,
    Client,
    Forwarded,
    Request,
    Method,
    Target,
    Query,
    Protocol,
    Status,
    Bytes,
    Duration,
    UserAgent,
    Referer,
    Host,
    User,
    /// Nothing that a record has: what the client sent, what another server answered.
    Nothing,
}

/// Names in lower case, without signs; the better known before the others. A name of two or three keys is written in
/// one (`source.ip`).
const NAMES: &[(Hint, &[&str])] = &[
    (
        Hint::Nothing,
        &[
            "requestsize",
            "requestbytes",
            "requestbodybytes",
            "requestlength",
            "bytesin",
            "bytesread",
            "bytesreceived",
            "latitude",
            "longitude",
            "lat",
            "lon",
        ],
    ),
    (
        Hint::Time,
        &[
            "timeiso8601",
            "timestamp",
            "timelocal",
            "time",
            "datetime",
            "ts",
            "msec",
            "date",
            "requesttimestamp",
            "starttime",
            "eventtime",
            "logtime",
            "receivedat",
            "epoch",
            "when",
            "at",
            "t",
            "start",
        ],
    ),
    (
        Hint::Client,
        &[
            "remoteaddr",
            "clientip",
            "sourceip",
            "clientaddress",
            "remoteip",
            "remoteaddress",
            "client",
            "cip",
            "ip",
            "sourceaddress",
            "networkclientip",
            "httprequestremoteip",
            "clientaddr",
            "clienthost",
            "ipaddress",
            "ipaddr",
            "addr",
            "address",
            "remotehost",
            "remote",
            "peer",
            "callerip",
            "calleripaddress",
            "srcip",
            "src",
            "visitorip",
            "userip",
            "realip",
            "httpxrealip",
            "xrealip",
            "trueclientip",
            "cfconnectingip",
            "httpcfconnectingip",
        ],
    ),
    (
        Hint::Forwarded,
        &[
            "httpxforwardedfor",
            "xforwardedfor",
            "xff",
            "forwardedfor",
            "forwarded",
            "httpforwarded",
            "proxyip",
        ],
    ),
    (
        Hint::Request,
        &[
            "request",
            "requestline",
            "req",
            "httprequestline",
            "firstline",
        ],
    ),
    (
        Hint::Method,
        &[
            "requestmethod",
            "httprequestmethod",
            "method",
            "verb",
            "httpmethod",
            "csmethod",
        ],
    ),
    (
        Hint::Target,
        &[
            "requesturi",
            "urloriginal",
            "httprequestrequesturl",
            "requesturl",
            "uri",
            "url",
            "requestpath",
            "target",
            "urlfull",
            "urlpath",
            "httptarget",
            "path",
            "rawpath",
            "originalurl",
            "resource",
            "page",
            "csuristem",
            "endpoint",
            "route",
        ],
    ),
    (
        Hint::Query,
        &[
            "querystring",
            "args",
            "urlquery",
            "query",
            "qs",
            "csuriquery",
            "params",
            "rawquery",
        ],
    ),
    (
        Hint::Protocol,
        &[
            "serverprotocol",
            "protocol",
            "proto",
            "httpversion",
            "httprequestprotocol",
        ],
    ),
    (
        Hint::Status,
        &[
            "status",
            "statuscode",
            "httpresponsestatuscode",
            "httprequeststatus",
            "responsecode",
            "httpstatus",
            "response",
            "responsestatus",
            "httpstatuscode",
            "code",
            "scstatus",
            "edgeresponsestatus",
            "resultcode",
            "rc",
        ],
    ),
    (
        Hint::Bytes,
        &[
            "bodybytessent",
            "bytessent",
            "httpresponsebodybytes",
            "httpresponsebytes",
            "responsesize",
            "responsebodysize",
            "httprequestresponsesize",
            "responsebytes",
            "bytes",
            "bytesout",
            "size",
            "sz",
            "bodysize",
            "contentlength",
            "responselength",
            "sentbytes",
            "sent",
            "length",
            "scbytes",
            "bodybytes",
        ],
    ),
    (
        Hint::Duration,
        &[
            "requesttime",
            "duration",
            "latency",
            "elapsed",
            "took",
            "responsetime",
            "eventduration",
            "timetaken",
            "httprequestlatency",
            "totaltime",
            "totalms",
            "processingtime",
            "runtime",
            "us",
            "ms",
            "rt",
            "time",
            "dur",
            "upstreamresponsetime",
        ],
    ),
    (
        Hint::UserAgent,
        &[
            "httpuseragent",
            "useragent",
            "useragentoriginal",
            "agent",
            "ua",
            "browser",
            "httprequestuseragent",
            "csuseragent",
        ],
    ),
    (
        Hint::Referer,
        &[
            "httpreferer",
            "referer",
            "referrer",
            "httpreferrer",
            "httprequestreferrer",
            "httprequestreferer",
            "ref",
            "csreferer",
        ],
    ),
    (
        Hint::Host,
        &[
            "host",
            "httphost",
            "vhost",
            "servername",
            "urldomain",
            "authority",
            "domain",
            "virtualhost",
            "site",
            "cshost",
        ],
    ),
    (
        Hint::User,
        &[
            "remoteuser",
            "username",
            "user",
            "authuser",
            "userid",
            "usernameoriginal",
            "clientuser",
            "csusername",
        ],
    ),
];

/// Words in a name that tell of a server rather than of the client, or of what a server says.
const ASIDE: &[&[u8]] = &[
    b"upstream",
    b"backend",
    b"origin",
    b"server",
    b"destination",
    b"dest",
    b"dst",
    b"local",
    b"listen",
    b"pod",
    b"node",
    b"container",
    b"observer",
    b"target",
    b"resp",
    b"geo",
    b"geoip",
    b"edge",
    b"created",
    b"ingested",
    b"insertid",
    b"cookie",
    b"cookies",
];

/// Names of nginx's variables that nobody else uses (nginx.org, "Alphabetical index of variables").
const NGINX: &[&[u8]] = &[
    b"remote_addr",
    b"remote_user",
    b"time_local",
    b"time_iso8601",
    b"msec",
    b"request_uri",
    b"request_method",
    b"request_length",
    b"body_bytes_sent",
    b"bytes_sent",
    b"request_time",
    b"http_referer",
    b"http_user_agent",
    b"http_x_forwarded_for",
    b"http_host",
    b"server_protocol",
    b"upstream_addr",
    b"upstream_status",
    b"upstream_response_time",
    b"upstream_connect_time",
    b"connection_requests",
];

/// How many of some keys are named as nginx's variables are.
pub fn nginx_variables<'n>(names: impl Iterator<Item = &'n [u8]>) -> usize {
    names.filter(|name| NGINX.contains(name)).count()
}

/// What a path hints at, and how strongly (up to 1): its last three, two or one keys.
pub fn hint(path: &[u8]) -> Option<(Hint, f64)> {
    /// Keys of a path that are looked at, from the last.
    const KEYS: usize = 3;
    let keys: Vec<&[u8]> = path.rsplit(|byte| *byte == b'.').take(KEYS).collect();
    (1..=keys.len())
        .rev()
        .find_map(|count| {
            let parts = keys[..count].iter().rev().copied();
            let letters =
                parts.flat_map(|key| key.iter().filter(|byte| byte.is_ascii_alphanumeric()));
            let name: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect();
            named(&name)
        })
        .or_else(|| part(keys[0]))
}

/// What a word of a key hints at, where the others are of a language that nobody listed: `bytes_enviados`.
fn part(key: &[u8]) -> Option<(Hint, f64)> {
    /// What a part weighs against a whole name.
    const PART: f64 = 0.5;
    /// Parts of names of what the client sent.
    const SENT: [&[u8]; 6] = [b"in", b"received", b"recv", b"request", b"req", b"rx"];
    let mut words = key.split(|byte| !byte.is_ascii_alphanumeric());
    let is = |word: &[u8], known: &[u8]| word.eq_ignore_ascii_case(known);
    let sent = |word: &[u8]| SENT.iter().any(|known| is(word, known));
    if words.clone().any(sent) {
        return None;
    }
    words
        .any(|word| is(word, b"bytes"))
        .then_some((Hint::Bytes, PART))
}

/// Looks a name up, and then without the unit behind it.
fn named(name: &[u8]) -> Option<(Hint, f64)> {
    /// Longer ones first, so that no other is left over.
    const UNITS: [&str; 10] = [
        "milliseconds",
        "microseconds",
        "nanoseconds",
        "seconds",
        "usec",
        "msec",
        "sec",
        "ms",
        "us",
        "ns",
    ];
    let bare = || {
        let cut = |unit: &&str| name.strip_suffix(unit.as_bytes());
        let (hint, strength) = listed(UNITS.iter().find_map(cut)?)?;
        matches!(hint, Hint::Duration | Hint::Time).then_some((Hint::Duration, strength))
    };
    listed(name).or_else(bare)
}

fn listed(name: &[u8]) -> Option<(Hint, f64)> {
    /// What a place further back in the list takes off.
    const STEP: f64 = 0.02;
    NAMES.iter().find_map(|(hint, names)| {
        let at = names.iter().position(|known| known.as_bytes() == name)?;
        Some((*hint, 1.0 - STEP * at as f64))
    })
}

/// Whether a name is that of a header by which proxies name the client, rather than of who connected.
pub fn is_client_header(path: &[u8]) -> bool {
    const HEADERS: [&str; 4] = ["realip", "trueclientip", "cfconnectingip", "forwarded"];
    let letters = path.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let name: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect();
    HEADERS
        .iter()
        .any(|header| name.ends_with(header.as_bytes()))
}

/// Whether a name has a word that tells of somebody else than the client.
pub fn aside(path: &[u8]) -> bool {
    let word = |word: &[u8]| ASIDE.iter().any(|aside| word.eq_ignore_ascii_case(aside));
    path.split(|byte| !byte.is_ascii_alphanumeric()).any(word)
}

/// The unit that a name ends with.
pub fn unit_of(path: &[u8]) -> Option<Unit> {
    let name = path.to_ascii_lowercase();
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word.as_bytes()));
    Some(
        if ends(&["_ns", "nanos", "nanoseconds", "event.duration"]) {
            Unit::Nanoseconds
        } else if ends(&["_us", "micros", "microseconds", "_usec"]) || name == b"us" {
            Unit::Microseconds
        } else if ends(&["_ms", "millis", "milliseconds", "_msec"])
            || name == b"ms"
            || path.ends_with(b"Ms")
        {
            Unit::Milliseconds
        } else if ends(&["_s", "_sec", "_secs", "seconds", "request_time"]) {
            Unit::Seconds
        } else {
            return None;
        },
    )
}

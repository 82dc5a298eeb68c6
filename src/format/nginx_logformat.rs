//! nginx' `log_format`: from its string to the pieces of a format.
//!
//! Variables as in the alphabetical index of variables in nginx' documentation; what is not listed there may be made by
//! `map` or `set`, and is text.

use crate::format::directive::{Clock, Directive, Fault, Piece, Shape};
use crate::format::record::Field;
use crate::format::template::{Advice, Escaping, Outline, fineness};
use crate::text::edit_distance;
use crate::time::Unit;

const ADVICE: Advice = Advice {
    time: "$time_iso8601, $time_local or $msec",
    request: "\"$request\", or $request_method and $request_uri",
};

/// The format that nginx has without being told.
pub const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status \
                            $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

/// Reads a format string as it is after the configuration's own quoting was undone.
///
/// # Errors
/// When a `$` has no name behind it.
pub fn read(format: &str, escaping: Escaping) -> Result<Outline, Fault> {
    let mut pieces = Vec::new();
    let mut own = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('$') {
        if at > 0 {
            pieces.push(Piece::Literal(rest.as_bytes()[..at].to_vec()));
        }
        let (whole, name) = cut_name(&rest[at..])?;
        rest = &rest[at + whole.len()..];
        let (directive, known) = variable(whole, name);
        if !known && !own.contains(&whole) {
            own.push(whole);
        }
        pieces.push(Piece::Directive(directive));
    }
    pieces.push(Piece::Literal(rest.as_bytes().to_vec()));
    let notes = match own.is_empty() {
        true => Vec::new(),
        false => vec![format!(
            "nginx has no variables of the names {} itself; they are taken for text",
            own.join(", ")
        )],
    };
    Ok(Outline {
        pieces,
        escaping,
        advice: ADVICE,
        notes,
    })
}

/// `$name` or `${name}`, whole and the name alone.
fn cut_name(format: &str) -> Result<(&str, &str), Fault> {
    let letters = |text: &str| {
        let letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        text.bytes().take_while(|byte| letter(byte)).count()
    };
    let braced = format.starts_with("${");
    let start = if braced { 2 } else { 1 };
    let length = letters(&format[start..]);
    let end = start + length;
    if length == 0 {
        let why = "the name of a variable must follow";
        return Err(Fault::Incomplete(format[..start].to_owned(), why));
    }
    match (braced, format[end..].starts_with('}')) {
        (false, _) => Ok((&format[..end], &format[start..end])),
        (true, true) => Ok((&format[..=end], &format[start..end])),
        (true, false) => Err(Fault::Incomplete(
            format[..end].to_owned(),
            "its } is missing",
        )),
    }
}

/// What a variable says, and whether it is one of nginx.
fn variable(whole: &str, name: &str) -> (Directive, bool) {
    let clock = |clock| (Field::Time, Shape::Clock(clock), 0);
    let lower = name.to_ascii_lowercase();
    let seconds = Field::Duration(Unit::Seconds);
    let (field, shape, rank) = match lower.as_str() {
        "time_local" => clock(Clock::Clf { bracketed: false }),
        "time_iso8601" => clock(Clock::Iso),
        "msec" => clock(Clock::Seconds),
        "remote_addr" => (Field::Client, Shape::Word, 0),
        "remote_user" => (Field::User, Shape::Text, 0),
        "request" => (Field::Request, Shape::Text, 0),
        "request_method" => (Field::Method, Shape::Word, 0),
        "request_uri" => (Field::Target, Shape::Text, 0),
        "uri" | "document_uri" => (Field::Path, Shape::Text, 0),
        "args" | "query_string" => (Field::Query, Shape::Text, 0),
        "is_args" => (Field::Ignored, Shape::QuestionMark, 0),
        "server_protocol" => (Field::Protocol, Shape::Protocol, 0),
        "status" => (Field::Status, Shape::Status, 0),
        "body_bytes_sent" => (Field::Bytes, Shape::Number, 0),
        "bytes_sent" => (Field::Bytes, Shape::Number, 1),
        "request_time" => (seconds, Shape::Decimals, fineness(Unit::Seconds)),
        "http_referer" => (Field::Referer, Shape::Text, 0),
        "http_user_agent" => (Field::UserAgent, Shape::Text, 0),
        "host" | "http_host" | "server_name" => (Field::Host, Shape::Text, 0),
        "http_x_forwarded_for" | "proxy_add_x_forwarded_for" => (Field::Forwarded, Shape::Text, 0),
        // what the client sent, and is searched
        "request_body" | "content_type" => (Field::Extra, Shape::Text, 0),
        "pipe" => (Field::Ignored, Shape::Width(1), 0),
        name => match name.split_once('_') {
            Some(("http" | "cookie" | "arg", _)) => (Field::Extra, Shape::Text, 0),
            _ => match other(name) {
                Some(shape) => (Field::Ignored, shape, 0),
                None => {
                    let directive = Directive::new(whole, Field::Extra, Shape::Text);
                    return (directive, false);
                }
            },
        },
    };
    let header = match lower.as_str() {
        "proxy_add_x_forwarded_for" => Some("x_forwarded_for"),
        name => name.strip_prefix("http_"),
    };
    let directive = Directive::new(whole, field, shape).ranked(rank);
    (directive.of_header(header), true)
}

/// The variable that a text begins with, if nginx has it.
pub fn known(text: &str) -> Option<&str> {
    let (whole, name) = cut_name(text).ok()?;
    variable(whole, name).1.then_some(whole)
}

/// A name in a format that nginx does not have, and the variable of the nearest name among those that a format needs.
pub fn misspelt(format: &str) -> Option<(String, String)> {
    let mut rest = format;
    while let Some(at) = rest.find('$') {
        let (whole, name) = cut_name(&rest[at..]).ok()?;
        rest = &rest[at + whole.len()..];
        let lower = name.to_ascii_lowercase();
        let nearest = NEEDED
            .iter()
            .map(|needed| (edit_distance(&lower, needed), needed))
            .min()
            .filter(|(distance, _)| *distance <= MOST_EDITS);
        if let (false, Some((_, nearest))) = (variable(whole, name).1, nearest) {
            return Some((whole.to_owned(), format!("${nearest}")));
        }
    }
    None
}

/// Letters that may be wrong in a name that was meant.
const MOST_EDITS: usize = 3;

/// Variables without which a format may be of no use.
const NEEDED: [&str; 6] = [
    "time_local",
    "time_iso8601",
    "msec",
    "request",
    "request_uri",
    "request_method",
];

/// Counts and ports.
const NUMBERS: [&str; 12] = [
    "request_length",
    "connection",
    "connection_requests",
    "pid",
    "remote_port",
    "server_port",
    "proxy_port",
    "proxy_protocol_port",
    "proxy_protocol_server_port",
    "realip_remote_port",
    "content_length",
    "limit_rate",
];

/// Values without blanks.
const WORDS: [&str; 13] = [
    "scheme",
    "hostname",
    "nginx_version",
    "server_addr",
    "request_id",
    "https",
    "http2",
    "http3",
    "realip_remote_addr",
    "proxy_protocol_addr",
    "proxy_protocol_server_addr",
    "limit_req_status",
    "limit_conn_status",
];

/// Anything else.
const TEXTS: [&str; 24] = [
    "ancient_browser",
    "binary_remote_addr",
    "date_gmt",
    "date_local",
    "document_root",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "invalid_referer",
    "jwt_header",
    "memcached_key",
    "modern_browser",
    "msie",
    "proxy_host",
    "proxy_internal_body_length",
    "realpath_root",
    "request_body_file",
    "request_completion",
    "request_filename",
    "secure_link",
    "secure_link_expires",
    "session_log_id",
    "slice_range",
    "sub_status",
    "upstream_cache_status",
];

/// Variables of any name that begins so.
const FAMILIES: [&str; 15] = [
    "sent_http_",
    "sent_trailer_",
    "upstream_http_",
    "upstream_trailer_",
    "upstream_cookie_",
    "ssl_",
    "geoip_",
    "geoip2_",
    "tcpinfo_",
    "uid_",
    "spdy_",
    "proxy_protocol_tlv_",
    "jwt_",
    "quic_",
    "userid_",
];

/// What variables look like that say nothing of use here; `None` for those that nginx does not have.
fn other(name: &str) -> Option<Shape> {
    match name {
        _ if NUMBERS.contains(&name) => Some(Shape::Number),
        _ if WORDS.contains(&name) => Some(Shape::Word),
        "gzip_ratio" | "connection_time" => Some(Shape::Decimals),
        "upstream_response_time"
        | "upstream_connect_time"
        | "upstream_header_time"
        | "upstream_queue_time"
        | "upstream_first_byte_time" => Some(Shape::Decimals),
        "upstream_addr"
        | "upstream_status"
        | "upstream_response_length"
        | "upstream_bytes_received"
        | "upstream_bytes_sent" => Some(Shape::List),
        _ if TEXTS.contains(&name) => Some(Shape::Text),
        _ if FAMILIES.iter().any(|family| name.starts_with(family)) => Some(Shape::Text),
        _ => None,
    }
}

//! The values of one key in a sample of lines, and what single values look like.

use std::net::IpAddr;

use hashbrown::HashSet;

use super::names::unit_of;
use crate::client::Client;
use crate::format::combined::request_line;
use crate::format::json_keys::{duration_us, each_value, with_units};
use crate::format::record::{host_of, number, read_time};
use crate::format::spec::{Arena, Desk};
use crate::time::{Time, Unit};

/// Keys looked at; a record with more is not a record of a request.
const MAX_COLUMNS: usize = 256;

/// Bytes of a value that are looked at.
const MAX_VALUE: usize = 4096;

/// A key and its values.
pub struct Column {
    /// The path, with dots.
    pub name: Vec<u8>,
    values: Vec<Box<[u8]>>,
}

/// The keys of some lines in the order in which they come first. Of a key that comes twice in a line, and of an array,
/// the first value counts; what says nothing (`""`, `-`, `null`) does not count.
pub fn columns(lines: &[&[u8]]) -> Vec<Column> {
    let mut columns: Vec<(Column, usize)> = Vec::new();
    each_value(lines, |path, (line, value)| {
        let at = columns.iter().position(|(column, _)| path.is(&column.name));
        let at = match at {
            Some(at) => at,
            None if columns.len() < MAX_COLUMNS => {
                let name = path.dotted();
                let values = Vec::new();
                columns.push((Column { name, values }, usize::MAX));
                columns.len() - 1
            }
            None => return,
        };
        let (column, last) = &mut columns[at];
        if *last != line && !matches!(value, b"" | b"-") {
            *last = line;
            column
                .values
                .push(value[..value.len().min(MAX_VALUE)].into());
        }
    });
    columns.into_iter().map(|(column, _)| column).collect()
}

impl Column {
    /// How many lines say something.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The share of the values that look like this.
    pub fn share(&self, looks: impl Fn(&[u8]) -> bool) -> f64 {
        let count = self.values.iter().filter(|value| looks(value)).count();
        count as f64 / self.count().max(1) as f64
    }

    /// How many different values there are to one line: 0 for a constant.
    pub fn variety(&self) -> f64 {
        let distinct: HashSet<&[u8]> = self.values.iter().map(|value| &**value).collect();
        (distinct.len().max(1) - 1) as f64 / self.count().max(1) as f64
    }

    /// The share of the values, taken as times, that are not before the one above them.
    pub fn rising(&self) -> f64 {
        let times: Vec<Option<Time>> = self.values.iter().map(|value| time(value)).collect();
        let pairs = times.windows(2);
        let of = pairs.len().max(1);
        let rising = pairs.filter(|pair| pair[0] <= pair[1]).count();
        rising as f64 / of as f64
    }

    /// Whether the values are seconds with fractions down to thousandths. JSON writes no zeros at a number's end, so that
    /// some have fewer decimals.
    pub fn has_thousandths(&self) -> bool {
        /// The share of values that must have their thousandths: of evenly spread ones nine in ten have.
        const FINE: f64 = 0.2;
        /// The share that must have decimals at all.
        const BROKEN: f64 = 0.8;
        let broken = |value: &[u8]| value.contains(&b'.') && is_duration(value);
        let short = |value: &[u8]| {
            Unit::Seconds
                .micros(value)
                .is_some_and(|took| took < LONGEST)
        };
        self.share(tells_duration) >= FINE
            && self.share(broken) >= BROKEN
            && self.share(short) == 1.0
    }

    /// What the numbers of a duration count: by the name, by their form, by their size.
    pub fn unit(&self) -> Unit {
        if let Some(unit) = unit_of(&self.name) {
            return unit;
        }
        let mut micros: Vec<u64> = self
            .values
            .iter()
            .filter_map(|value| Unit::Microseconds.micros(value))
            .collect();
        micros.sort_unstable();
        let median = micros.get(micros.len() / 2).copied().unwrap_or(0);
        let decimals = self.share(|value| value.contains(&b'.') || value.contains(&b'e'));
        // Requests take from a fraction of a millisecond to some seconds.
        match (decimals >= 0.5, median) {
            (true, 0..20) => Unit::Seconds,
            (true, _) | (false, 0..20_000) => Unit::Milliseconds,
            (false, 20_000..20_000_000) => Unit::Microseconds,
            _ => Unit::Nanoseconds,
        }
    }
}

fn time(value: &[u8]) -> Option<Time> {
    /// 2000-01-01 and 2100-01-01: what is beyond is no epoch but a number.
    const YEARS: std::ops::Range<i64> = 946_684_800..4_102_444_800;
    let arena = Arena::new();
    let (time, _) = read_time(value, &mut Desk::new(&arena))?;
    YEARS.contains(&time.secs()).then_some(time)
}

pub fn is_time(value: &[u8]) -> bool {
    time(value).is_some()
}

/// A time that is more than a number.
pub fn is_text_time(value: &[u8]) -> bool {
    is_time(value) && value.iter().any(|byte| matches!(byte, b'-' | b'/'))
}

/// `2026-05-19`.
pub fn is_date(value: &[u8]) -> bool {
    is_time(&[value, b" 00:00:00"].concat())
}

/// `14:02:11`.
pub fn is_clock(value: &[u8]) -> bool {
    is_time(&[b"2026-05-19 ", value].concat())
}

/// An address, also with a port.
pub fn is_address(value: &[u8]) -> bool {
    Client::parse(host_of(value)).ip().is_some()
}

/// An address that the rest of the world can have.
pub fn is_public(value: &[u8]) -> bool {
    match Client::parse(host_of(value)).ip() {
        Some(IpAddr::V4(v4)) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local()),
        Some(IpAddr::V6(v6)) => {
            !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local())
        }
        None => false,
    }
}

/// Several addresses, as proxies write them.
pub fn is_address_list(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    value.contains(&b',') && parts.all(is_address)
}

/// Methods that sites are asked with (RFC 9110 and 5789, WebDAV).
const METHODS: [&[u8]; 16] = [
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
];

pub fn is_method(value: &[u8]) -> bool {
    METHODS
        .iter()
        .any(|method| value.eq_ignore_ascii_case(method))
}

/// `GET /a HTTP/1.1`.
pub fn is_request(value: &[u8]) -> bool {
    let (method, target, protocol) = request_line(value);
    !target.is_empty() && (is_protocol(protocol) || (is_method(method) && target.starts_with(b"/")))
}

pub fn is_protocol(value: &[u8]) -> bool {
    value.len() <= 8 && value.starts_with(b"HTTP/")
}

/// 100 to 599; 0 stands for none.
pub fn is_status(value: &[u8]) -> bool {
    match value {
        b"0" | b"000" => true,
        _ => value.len() == 3 && number(value).is_some_and(|code| (100..600).contains(&code)),
    }
}

/// One of the statuses that servers do send.
pub fn is_usual_status(value: &[u8]) -> bool {
    number(value).is_some_and(|code| {
        matches!(code, 101 | 200..=207 | 300..=308 | 400..=429 | 431 | 444 | 451 | 460 | 494..=499 | 500..=511 | 520..=530)
    })
}

pub fn is_path(value: &[u8]) -> bool {
    value.starts_with(b"/")
}

pub fn is_url(value: &[u8]) -> bool {
    value.starts_with(b"http://") || value.starts_with(b"https://")
}

/// Parameters as a query has them: `a=b&c=d`, with or without the question mark. Blanks are encoded there, so that lists
/// of cookies are none.
pub fn is_query(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"?").unwrap_or(value);
    let name = value.split(|byte| *byte == b'=').next().unwrap_or(value);
    let sign = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.[]%+~$:".contains(byte);
    !name.is_empty()
        && name.len() < value.len()
        && name.iter().all(sign)
        && !value
            .iter()
            .any(|byte| byte.is_ascii_whitespace() || *byte == b';')
}

pub fn is_target(value: &[u8]) -> bool {
    is_path(value) || is_url(value) || value == b"*"
}

/// A product and its version (RFC 9110, 10.1.5): `Mozilla/5.0 (X11)`, `curl/8.1`.
pub fn is_agent(value: &[u8]) -> bool {
    let slash = value.iter().position(|byte| *byte == b'/');
    let Some((product, version)) = slash.map(|slash| (&value[..slash], &value[slash + 1..])) else {
        return false;
    };
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !product.is_empty()
        && product.iter().all(name)
        && !product.eq_ignore_ascii_case(b"HTTP")
        && version.first().is_some_and(u8::is_ascii_digit)
}

pub fn is_number(value: &[u8]) -> bool {
    number(value).is_some()
}

pub fn is_duration(value: &[u8]) -> bool {
    duration_us(value, Unit::Seconds).is_some() || value == b"-1"
}

/// An hour in microseconds: no request that a server answers takes as long.
const LONGEST: u64 = 3_600_000_000;

/// A duration whatever its name is: with a unit, or with thousandths.
pub fn tells_duration(value: &[u8]) -> bool {
    const THOUSANDTHS: usize = 3;
    let point = value.iter().position(|byte| *byte == b'.');
    let decimals = point.map_or(0, |point| value.len() - point - 1);
    match Unit::Seconds.micros(value) {
        Some(micros) => decimals >= THOUSANDTHS && micros < LONGEST,
        None => with_units(value).is_some(),
    }
}

//! A log as large as wanted, for measuring: written as a stream, several hundred megabytes a second.
//!
//! Half a percent of the lines are attacks of all kinds, unless a [`Mix`] says otherwise. The number of
//! distinct clients is exactly the one asked for, as long as it fits the address space used; the paths
//! grow with the log up to 149,000.

use std::io::{self, Write};

use super::address::SHARED_SPACE;
use super::agents;
use super::attackers::{FLOOD_AGENTS, samples};
use super::clock::{Millis, SECOND, Zone};
use super::rng::Rng;
use super::shop::item_name;

/// How large a log.
#[derive(Clone, Copy)]
pub struct Size {
    pub lines: u64,
    pub clients: u64,
}

/// What a log is made of.
#[derive(Clone, Copy)]
pub struct Mix {
    /// Attack lines in a thousand.
    pub attacks: u64,
    /// Each attack line has a number of its own in its target, as those of a tool have.
    pub numbered: bool,
    /// Requests per second on average, outside floods.
    pub rate: u64,
    /// Floods, spread evenly over the log; together they have [`FLOODED`] of its lines.
    pub floods: u64,
}

impl Default for Mix {
    fn default() -> Mix {
        Mix {
            attacks: 5,
            numbered: false,
            rate: 20,
            floods: 0,
        }
    }
}

/// The most clients there can be: IPv4 clients have one address each of the shared space and then of
/// 240.0.0.0/4, which nobody has (RFC 1112, section 4).
pub const MAX_CLIENTS: u64 = SHARED_SPACE + (1 << 28);

/// Attacks are counted in lines of this many.
const THOUSAND: u64 = 1_000;
/// Lines of floods in a thousand, when there are floods.
const FLOODED: u64 = 400;
/// How many times the ordinary rate a flood has.
const FLOOD_TIMES: u64 = 30;
/// Addresses of a flood, from a network of its own.
const FLOODERS: u64 = 250;
/// One client in this many comes by IPv6.
const SIXTH_EVERY: u64 = 10;
/// Clients that came before are met again among this many latest ones.
const RECENT_CLIENTS: u64 = 60_000;
/// Distinct paths at most, and lines for each in smaller logs.
const MAX_PATHS: u64 = 149_000;
const LINES_PER_PATH: u64 = 30;
/// Three in ten paths are pages, the others pictures.
const PAGES_IN_TEN: u64 = 3;
/// Attackers' addresses.
const ATTACKERS: u64 = 250;
/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 20;
/// Odd, so that multiplication permutes the address space: neighbours in time are no neighbours in
/// address.
const SCATTER: u64 = 2_654_435_761;

/// Texts made once, chosen from per line.
struct Stock {
    browsers: Vec<String>,
    paths: Vec<String>,
    referers: Vec<String>,
    attacks: Vec<String>,
}

/// Writes the log with the usual mix.
pub fn write(size: Size, seed: u64, out: &mut impl Write) -> io::Result<()> {
    write_mix(size, Mix::default(), seed, out)
}

/// Writes the log.
pub fn write_mix(size: Size, mix: Mix, seed: u64, out: &mut impl Write) -> io::Result<()> {
    if size.clients > MAX_CLIENTS || size.clients > size.lines || mix.attacks > THOUSAND {
        let text = format!(
            "at most one client a line, and {MAX_CLIENTS} in all; at most {THOUSAND} attacks in {THOUSAND} lines"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let zone = Zone(0);
    let mut rng = Rng::new(seed);
    let stock = Stock::new(size);
    let mut buffer = Vec::with_capacity(BUFFER + 4_096);
    let mut second = zone.at((2024, 3, 11), 6, 0, 0);
    let mut time = zone.access(second);
    let attacks = attacks_before(size.lines, mix);
    let visitors = size
        .clients
        .saturating_sub(ATTACKERS.min(attacks))
        .max(u64::from(size.clients > 0));
    for line in 0..size.lines {
        let flood = flood_of_line(line, size.lines, mix);
        let rate = mix.rate * if flood.is_some() { FLOOD_TIMES } else { 1 };
        if rng.below(rate) == 0 {
            second = next_second(&mut rng, second);
            time = zone.access(second);
        }
        let number = attacks_before(line, mix);
        if attacks_before(line + 1, mix) > number {
            attack_line(&mut buffer, &mut rng, &stock, &time, number, mix.numbered);
        } else if let Some(flood) = flood {
            flood_line(&mut buffer, &mut rng, &time, flood);
        } else {
            let client = client_of_line(&mut rng, line, size.lines, visitors, mix);
            visitor_line(&mut buffer, &mut rng, &stock, &time, client);
        }
        if buffer.len() >= BUFFER {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer)
}

/// How many of the lines before this one are attacks: one stands in the middle of each stretch of
/// lines that has one.
fn attacks_before(line: u64, mix: Mix) -> u64 {
    (line * mix.attacks + THOUSAND / 2 - 1) / THOUSAND
}

/// The flood that a line belongs to: the last part of its share of the log.
fn flood_of_line(line: u64, lines: u64, mix: Mix) -> Option<u64> {
    if mix.floods == 0 {
        return None;
    }
    let share = (lines / mix.floods).max(1);
    (line % share >= share * (THOUSAND - FLOODED) / THOUSAND).then_some(line / share)
}

/// Usually the next second; at times a quiet one is left out.
fn next_second(rng: &mut Rng, second: Millis) -> Millis {
    second + SECOND + if rng.below(50) == 0 { SECOND } else { 0 }
}

/// The number of the client that asks in a line: a new one whenever one is due, so that the last
/// comes with the last line, else one that was here lately.
fn client_of_line(rng: &mut Rng, line: u64, lines: u64, clients: u64, mix: Mix) -> u64 {
    // Attack lines take the place of some visitors' lines; those clients come one line later.
    let seen = |line: u64| {
        let all = lines - attacks_before(lines, mix);
        ((line - attacks_before(line, mix)) * clients).div_ceil(all.max(1))
    };
    let (before, after) = (seen(line), seen(line + 1));
    if after > before {
        return after - 1;
    }
    let recent = RECENT_CLIENTS.min(before).max(1);
    before.saturating_sub(1) - rng.skewed(recent as usize) as u64
}

impl Stock {
    fn new(size: Size) -> Stock {
        let paths = MAX_PATHS.min(size.lines / LINES_PER_PATH).max(10);
        let paths: Vec<String> = (0..paths).map(path).collect();
        let mut referers = vec!["-".to_owned(); 110];
        referers.extend((0..400).map(|n| format!("https://shop.example{}", path(n * 7 * 10))));
        referers.extend(
            (0..40).map(|n| format!("https://www.search.example/results?q={}", item_name(n))),
        );
        Stock {
            browsers: agents::browsers(),
            paths,
            referers,
            attacks: samples(),
        }
    }
}

/// The nth path: a page or a picture.
fn path(number: u64) -> String {
    let name = item_name(number as usize);
    match number {
        0 => "/".to_owned(),
        n if n % 10 < PAGES_IN_TEN => format!("/p/{n}-{name}"),
        n => format!(
            "/media/{}/{n}-{name}.jpg",
            [240, 480, 800][(n % 3) as usize]
        ),
    }
}

fn visitor_line(out: &mut Vec<u8>, rng: &mut Rng, stock: &Stock, time: &str, client: u64) {
    push_client(out, client);
    let path = &stock.paths[rng.skewed(stock.paths.len())];
    // A client keeps its browser.
    let browser = &stock.browsers[browser_of(client, stock.browsers.len())];
    let (status, bytes) = match rng.below(100) {
        0..=1 => (404, 4_120),
        2..=7 => (304, 0),
        8 => (302, 0),
        _ => (200, 900 + rng.below(60_000)),
    };
    let method = if status == 302 { "POST" } else { "GET" };
    push(out, &[" - - [", time, "] \"", method, " ", path]);
    if rng.below(12) == 0 {
        push(out, &["?variant="]);
        push_number(out, rng.below(5_000));
    }
    push(out, &[" HTTP/1.1\" "]);
    push_number(out, status);
    out.push(b' ');
    push_number(out, bytes);
    let referer = &stock.referers[rng.skewed(stock.referers.len())];
    push(out, &[" \"", referer, "\" \"", browser, "\"\n"]);
}

/// Which browser a client has: like [`Rng::skewed`], but the same each time.
fn browser_of(client: u64, browsers: usize) -> usize {
    let dice = (client.wrapping_mul(SCATTER) >> 7) & 0xffff;
    ((dice * dice * browsers as u64) >> 32) as usize
}

fn attack_line(
    out: &mut Vec<u8>,
    rng: &mut Rng,
    stock: &Stock,
    time: &str,
    number: u64,
    numbered: bool,
) {
    push(out, &["203.0.113."]);
    push_number(out, 1 + number % ATTACKERS);
    let target = rng.pick(&stock.attacks);
    let browser = &stock.browsers[(number % 30) as usize];
    let (status, bytes) = if rng.below(4) == 0 {
        ("200", "17204")
    } else {
        ("404", "4120")
    };
    push(out, &[" - - [", time, "] \"GET ", target]);
    if numbered {
        push(out, &[if target.contains('?') { "&_=" } else { "?_=" }]);
        push_number(out, number);
    }
    push(out, &[" HTTP/1.1\" ", status, " ", bytes]);
    push(out, &[" \"-\" \"", browser, "\"\n"]);
}

/// A request of one of the machines that flood: a search for something else each time.
fn flood_line(out: &mut Vec<u8>, rng: &mut Rng, time: &str, flood: u64) {
    push(out, &["198.19."]);
    push_number(out, flood % 256);
    out.push(b'.');
    push_number(out, 1 + rng.below(FLOODERS));
    push(out, &[" - - [", time, "] \"GET /search?q="]);
    push_number(out, rng.below(FLOODERS * FLOODERS));
    let status = if rng.below(4) == 0 {
        "503 0"
    } else {
        "200 9120"
    };
    let agent = FLOOD_AGENTS[(flood % FLOOD_AGENTS.len() as u64) as usize];
    push(out, &[" HTTP/1.1\" ", status, " \"-\" \"", agent, "\"\n"]);
}

/// The address of the nth client; no two share one.
fn push_client(out: &mut Vec<u8>, client: u64) {
    if client >= SHARED_SPACE {
        return push_reserved(out, client - SHARED_SPACE);
    }
    let scattered = client.wrapping_mul(SCATTER) & (SHARED_SPACE - 1);
    if client.is_multiple_of(SIXTH_EVERY) {
        push(out, &["2001:db8:"]);
        push_hex(out, scattered >> 12);
        out.push(b':');
        push_hex(out, scattered & 0xfff);
        push(out, &["::1"]);
    } else {
        push(out, &["100."]);
        push_number(out, 64 + (scattered >> 16));
        out.push(b'.');
        push_number(out, scattered >> 8 & 0xff);
        out.push(b'.');
        push_number(out, scattered & 0xff);
    }
}

/// The nth address of 240.0.0.0/4.
fn push_reserved(out: &mut Vec<u8>, number: u64) {
    let scattered = number.wrapping_mul(SCATTER) & ((1 << 28) - 1);
    push_number(out, 240 + (scattered >> 24));
    for shift in [16, 8, 0] {
        out.push(b'.');
        push_number(out, scattered >> shift & 0xff);
    }
}

pub fn push(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

pub fn push_number(out: &mut Vec<u8>, number: u64) {
    push_digits(out, number, 10);
}

pub fn push_hex(out: &mut Vec<u8>, number: u64) {
    push_digits(out, number, 16);
}

fn push_digits(out: &mut Vec<u8>, mut number: u64, base: u64) {
    let start = out.len();
    loop {
        out.push(b"0123456789abcdef"[(number % base) as usize]);
        number /= base;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

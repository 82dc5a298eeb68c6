//! A day of a site with as many clients, paths and user agents as wanted, and with floods if wanted: what fills the memory
//! of whoever counts them. Written as a stream.
//!
//! Each of them is there exactly as often as is asked for, new ones whenever they are due, others as often as the lines
//! leave room for. Floods last twenty minutes, at even distances, from clients of their own that are nowhere else.

use std::io::{self, Write};

use super::clock::{DAY, Millis, SECOND, Zone};
use super::large::{push, push_hex, push_number};
use super::rng::Rng;
use super::shop::item_name;

/// How much of what.
#[derive(Clone, Copy, Default)]
pub struct Size {
    /// Lines beside the floods.
    pub lines: u64,
    /// Their distinct clients.
    pub clients: u64,
    /// Their distinct paths.
    pub targets: u64,
    /// Their distinct user agents.
    pub agents: u64,
    /// Floods.
    pub floods: u64,
    /// Distinct clients of each.
    pub flooders: u64,
    /// Lines of each.
    pub flood_lines: u64,
}

/// How long a flood lasts, in seconds.
pub const FLOOD_S: u64 = 20 * 60;

/// Seconds of the day that the log covers.
const DAY_S: u64 = (DAY / SECOND) as u64;
/// Who was here before is met again among this many latest ones.
const RECENT: u64 = 50_000;
/// Clients that come by IPv4; the others have an address of 2001:db8::/32 each.
const IPV4: u64 = super::address::SHARED_SPACE;
/// Odd, so that multiplication permutes what is a power of two.
const SCATTER: u64 = 2_654_435_761;
/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 20;
/// Programs that floods come with.
const TOOLS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Flood/1.0",
    "Mozilla/5.0 (X11; Linux x86_64) Flood/1.1",
    "Mozilla/5.0 (Macintosh) Flood/1.2",
    "Mozilla/5.0 (compatible; Flood/2.0)",
];

/// Writes the log.
pub fn write(size: Size, seed: u64, out: &mut impl Write) -> io::Result<()> {
    let least = size.clients.max(size.targets).max(size.agents);
    if size.lines < least || size.flood_lines < size.flooders {
        let text = "there must be a line for each client, target and agent";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let zone = Zone(0);
    let mut rng = Rng::new(seed);
    let mut buffer = Vec::with_capacity(BUFFER + 4_096);
    let begin = zone.at((2024, 3, 11), 0, 0, 0);
    for second in 0..DAY_S {
        let time = zone.access(begin + second as Millis * SECOND);
        for line in share(size.lines, second, DAY_S) {
            visitor_line(&mut buffer, &mut rng, size, &time, line);
            flush(&mut buffer, out, BUFFER)?;
        }
        if let Some((flood, into)) = flood_at(size, second) {
            for line in share(size.flood_lines, into, FLOOD_S) {
                flood_line(&mut buffer, &mut rng, size, &time, (flood, line));
                flush(&mut buffer, out, BUFFER)?;
            }
        }
    }
    flush(&mut buffer, out, 0)
}

/// The numbers, of `all`, that fall into one of so many parts.
fn share(all: u64, part: u64, parts: u64) -> std::ops::Range<u64> {
    let until = |part: u64| (u128::from(all) * u128::from(part) / u128::from(parts)) as u64;
    until(part)..until(part + 1)
}

fn flush(buffer: &mut Vec<u8>, out: &mut impl Write, above: usize) -> io::Result<()> {
    if buffer.len() > above {
        out.write_all(buffer)?;
        buffer.clear();
    }
    Ok(())
}

/// Which flood there is in a second of the day, and how many seconds ago it began.
fn flood_at(size: Size, second: u64) -> Option<(u64, u64)> {
    let distance = DAY_S / (size.floods + 1);
    let flood = (second / distance.max(1)).checked_sub(1)?;
    let into = second % distance.max(1);
    (flood < size.floods && into < FLOOD_S).then_some((flood, into))
}

/// Which of so many things stands in a line: a new one if one is due, else one of the latest.
fn of_line(rng: &mut Rng, line: u64, lines: u64, things: u64) -> u64 {
    let seen =
        |line: u64| (u128::from(line) * u128::from(things)).div_ceil(u128::from(lines)) as u64;
    let (before, after) = (seen(line), seen(line + 1));
    match after > before {
        true => before,
        false => before - 1 - rng.below(before.min(RECENT)),
    }
}

fn visitor_line(out: &mut Vec<u8>, rng: &mut Rng, size: Size, time: &str, line: u64) {
    let client = of_line(rng, line, size.lines, size.clients);
    let target = of_line(rng, line, size.lines, size.targets);
    let agent = of_line(rng, line, size.lines, size.agents);
    push_client(out, client);
    push(out, &[" - - [", time, "] \"GET /shop/"]);
    push_number(out, target);
    push(out, &["/"]);
    push(out, &[&item_name(target as usize)]);
    push(out, &[" HTTP/1.1\" "]);
    push(out, &[if rng.below(50) == 0 { "404" } else { "200" }, " "]);
    push_number(out, 900 + rng.below(60_000));
    push(out, &[" \"-\" \"Mozilla/5.0 (X11; Linux x86_64) Browser/"]);
    push_number(out, agent);
    push(out, &["\"\n"]);
}

fn flood_line(out: &mut Vec<u8>, rng: &mut Rng, size: Size, time: &str, (flood, line): (u64, u64)) {
    let client = of_line(rng, line, size.flood_lines, size.flooders);
    // Beyond all addresses of visitors, which are numbered from zero on.
    push_v6(out, 0x8000 + flood, client);
    push(out, &[" - - [", time, "] \"GET /search?q="]);
    push_hex(out, rng.next() >> 40);
    push(out, &[" HTTP/1.1\" "]);
    push(
        out,
        &[
            if rng.below(3) == 0 { "503" } else { "200" },
            " 512 \"-\" \"",
        ],
    );
    let tool = TOOLS[(client % TOOLS.len() as u64) as usize];
    push(out, &[tool, "\"\n"]);
}

/// The address of the nth visitor; no two share one.
fn push_client(out: &mut Vec<u8>, client: u64) {
    if client >= IPV4 {
        push_v6(out, 0, client);
        return;
    }
    let scattered = client.wrapping_mul(SCATTER) & (IPV4 - 1);
    push(out, &["100."]);
    push_number(out, 64 + (scattered >> 16));
    out.push(b'.');
    push_number(out, scattered >> 8 & 0xff);
    out.push(b'.');
    push_number(out, scattered & 0xff);
}

/// An address of 2001:db8::/32: neighbours in number are in networks far apart.
fn push_v6(out: &mut Vec<u8>, group: u64, number: u64) {
    let scattered = number.wrapping_mul(SCATTER) & u64::from(u32::MAX);
    push(out, &["2001:db8:"]);
    push_hex(out, scattered >> 16);
    out.push(b':');
    push_hex(out, scattered & 0xffff);
    out.push(b':');
    push_hex(out, group);
    push(out, &["::1"]);
}

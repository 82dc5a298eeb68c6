//! Everything that is wrong with real logs, in a few small files.

use super::{Content, File, Scenario};
use crate::traffic::clock::{HOUR, MINUTE, SECOND, Zone};
use crate::traffic::robots::robots;
use crate::traffic::shop::Shop;
use crate::traffic::story::Story;
use crate::traffic::visitors::{visits, visits_for};
use crate::traffic::writers::{Layout, Server};

pub const SCENARIO: Scenario = Scenario {
    name: "dirty-input",
    about: "\
A quiet hour whose logs hold TLS bytes, empty requests, escaped quotes, NULs, bytes that are no UTF-8,
CRLF ends, blank and cut-off lines, host names and IPv6 clients, attack strings inside lines that do not
parse, a gzip file of two members, three formats, and a file that is no log. The report must account for every
line (`records + unparsed + blank = lines`), say why lines did not parse, name `notes.txt` as no log, and
still see the attack strings.",
    args: &[],
    build,
};

const ZONE: Zone = Zone(0);

/// Lines that parse, odd as they are. TIME stands for the time.
const ODD: [&[u8]; 16] = [
    b"192.0.2.140 - - [TIME] \"\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03\" 400 226 \"-\" \"-\"\n",
    b"192.0.2.141 - - [TIME] \"-\" 408 0 \"-\" \"-\"\n",
    b"192.0.2.142 - - [TIME] \"\" 400 0 \"-\" \"-\"\n",
    b"198.18.4.9 - - [TIME] \"GET /search?q=\\\"oak\\\" HTTP/1.1\" 200 8120 \"-\" \"Mozilla/5.0 \\\"quoted\\\" agent\"\n",
    b"198.18.4.9 - - [TIME] \"GET /back\\\\slash HTTP/1.1\" 404 4120 \"-\" \"-\"\n",
    b"198.18.4.10 - - [TIME] \"GET /caf\xe9 HTTP/1.1\" 404 4120 \"-\" \"latin-1 \xfcber\"\n",
    b"198.18.4.10 - - [TIME] \"GET /nul\0byte HTTP/1.1\" 400 226 \"-\" \"-\"\n",
    b"198.18.4.11 - - [TIME] \"GET /crlf HTTP/1.1\" 200 512 \"-\" \"ends in CRLF\"\r\n",
    b"crawl-9.bots.example - - [TIME] \"GET /p/3-oak-mug HTTP/1.1\" 200 9800 \"-\" \"a host name\"\n",
    b"2001:db8::7 - ana [TIME] \"GET /account HTTP/1.1\" 200 512 \"-\" \"IPv6, with a user\"\n",
    b"::ffff:198.18.4.12 - - [TIME] \"GET /mapped HTTP/1.1\" 200 512 \"-\" \"IPv4 in IPv6\"\n",
    b"198.18.4.13 - - [TIME] \"GET /%zz%%%u12 HTTP/1.1\" 400 226 \"-\" \"percent garbage\"\n",
    b"198.18.4.13 - - [TIME] \"PRI * HTTP/2.0\" 400 157 \"-\" \"-\"\n",
    b"198.18.4.14 - - [TIME] \"GET /no-protocol\" 200 512 \"-\" \"HTTP/0.9\"\n",
    b"198.18.4.15 - - [TIME] \"GET /with space HTTP/1.1\" 404 4120 \"-\" \"\x1b[31mred\x1b[0m\"\n",
    b"198.18.4.16 - - [TIME] \"GET / HTTP/1.1\" 200 18446744073709551615 \"-\" \"the largest size\"\n",
];

/// Lines that do not parse, and blank ones.
const BROKEN: [&[u8]; 12] = [
    b"\n",
    b"\r\n",
    b"198.18.4.20 - - [TIME] \"GET /cut-off HTTP/1.1\" 2\n",
    b"198.18.4.20 - - [TIME] \"GET /cut-in-the-request\n",
    b"198.18.4.21 - - [31/Feb/2022:25:61:61 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"no such time\"\n",
    b"198.18.4.21 - - [TIME] \"GET / HTTP/1.1\" abc def \"-\" \"no numbers\"\n",
    b"203.0.113.200 half a line GET /item.php?no=-1+UNION+ALL+SELECT+user,password+FROM+users--\n",
    b"203.0.113.200 <script>alert(document.cookie)</script>\n",
    b"\x00\x01\x02\x03\xff\xfe binary \x7f\n",
    b"}{ not a log line at all\n",
    b"203.0.113.201 - - [TIME] \"GET /index.php?page=../../../../etc/passwd HTTP/1.1\n",
    b"   \n",
];

fn build() -> Vec<File> {
    let first = ZONE.at((2022, 2, 2), 9, 0, 0);
    let mut story = Story::new(0xD147_0001, Shop::pretty(), Server::Nginx, ZONE);
    let last = first + HOUR;
    visits(&mut story, first, last, visits_for(3.0, 9));
    robots(&mut story, first, last, 5 * MINUTE);
    let ordinary = story.access_log();
    vec![
        File::plain("access.log", strew(&ordinary, first)),
        File {
            name: "access.log.1.gz",
            content: Content::Gzip(two_members(first - HOUR)),
        },
        File::plain("common.log", short_log(Layout::Common, 0xD147_0002, first)),
        File::plain(
            "vhost.log",
            short_log(Layout::Vhost("www.shop.example:443"), 0xD147_0003, first),
        ),
        File::plain("notes.txt", NOTES.as_bytes().to_vec()),
    ]
}

const NOTES: &str = "Ask the provider about the second disk.\nRenew the certificate before March.\n\
                     The new shelf labels are in the office.\n";

/// The odd and broken lines between the ordinary ones; the last line has no end.
fn strew(ordinary: &[u8], first: i64) -> Vec<u8> {
    let dirt: Vec<&[u8]> = ODD.iter().chain(&BROKEN).copied().collect();
    let lines: Vec<&[u8]> = ordinary.split_inclusive(|byte| *byte == b'\n').collect();
    let stride = lines.len() / dirt.len();
    let mut log = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        log.extend_from_slice(line);
        if number % stride == 0
            && let Some(line) = dirt.get(number / stride)
        {
            let time = ZONE.access(first + number as i64 * 3 * SECOND);
            log.extend_from_slice(&with_time(line, &time));
        }
    }
    while log.ends_with(b"\n") {
        log.pop();
    }
    log
}

fn with_time(line: &[u8], time: &str) -> Vec<u8> {
    let mark = b"TIME";
    match line.windows(mark.len()).position(|window| window == mark) {
        Some(at) => [&line[..at], time.as_bytes(), &line[at + mark.len()..]].concat(),
        None => line.to_vec(),
    }
}

/// Half an hour each, as two runs of gzip appended to one file leave it.
fn two_members(first: i64) -> Vec<Vec<u8>> {
    let mut story = Story::new(0xD147_0004, Shop::pretty(), Server::Nginx, ZONE);
    visits(&mut story, first, first + HOUR, visits_for(2.0, 8));
    let half = first + HOUR / 2;
    let (mut early, mut late) = (story, Vec::new());
    early.requests.retain(|request| {
        let is_late = request.logged_at() >= half;
        if is_late {
            late.push(request.clone());
        }
        !is_late
    });
    let first_half = early.access_log();
    early.requests = late;
    vec![first_half, early.access_log()]
}

fn short_log(layout: Layout, seed: u64, first: i64) -> Vec<u8> {
    let mut story = Story::new(seed, Shop::scripts(), Server::Apache, ZONE);
    visits(&mut story, first, first + HOUR, visits_for(0.8, 9));
    story.access_log_as(layout)
}

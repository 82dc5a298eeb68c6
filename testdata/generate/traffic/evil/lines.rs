//! Lines that are hard to cut, to tell apart or to read at all.

use super::super::clock::Zone;
use super::{AGENT, Evil, OPENING, Pen, Visit, address, start};

pub const ALL: &[Evil] = &[
    Evil {
        name: "long-lines",
        what: "requests of 1 MB",
        write: |pen| {
            if !pen.opens() {
                let text = pen.text(1 << 20);
                pen.get(&format!("/{}?q={text}", pen.number));
            }
        },
    },
    Evil {
        name: "one-line",
        what: "a request that never ends",
        write: |pen| {
            if pen.opens() {
                return;
            }
            let text = pen.text(pen.bytes);
            pen.out
                .extend_from_slice(b"192.0.2.1 - - [19/May/2026:00:00:00 +0000] \"GET /?q=");
            pen.out.extend_from_slice(text.as_bytes());
        },
    },
    Evil {
        name: "long-agents",
        what: "agents of 60 KB",
        write: |pen| {
            if pen.opens() {
                return;
            }
            let agent = pen.text(60_000);
            let visit = Visit {
                agent: &agent,
                ..pen.visit()
            };
            pen.put(&visit);
        },
    },
    Evil {
        name: "letters",
        what: "lines of one byte",
        write: |pen| {
            if !pen.opens() {
                pen.line("a");
            }
        },
    },
    Evil {
        name: "blanks",
        what: "blank lines",
        write: |pen| {
            if !pen.opens() {
                pen.line("");
            }
        },
    },
    Evil {
        name: "carriage-returns",
        what: "blank lines that end with CR LF",
        write: |pen| {
            if !pen.opens() {
                pen.line("\r");
            }
        },
    },
    Evil {
        name: "zeros",
        what: "one line of NUL bytes",
        write: |pen| {
            if !pen.opens() {
                pen.out.resize(pen.bytes, 0);
            }
        },
    },
    Evil {
        name: "noise",
        what: "random bytes",
        write: |pen| {
            if !pen.opens() {
                let word = pen.rng.next();
                pen.out.extend_from_slice(&word.to_le_bytes());
            }
        },
    },
    Evil {
        name: "unparsed",
        what: "sentences, no two alike",
        write: |pen| {
            if !pen.opens() {
                let text = pen.text(120);
                pen.line(&text);
            }
        },
    },
    Evil {
        name: "almost",
        what: "requests whose last quote is missing",
        write: |pen| {
            if !pen.opens() {
                let line = pen.combined(&pen.visit());
                pen.line(&line[..line.len() - 1]);
            }
        },
    },
    Evil {
        name: "unparsed-hits",
        what: "attacks in lines of no format",
        write: |pen| {
            if !pen.opens() {
                let text = pen.text(40);
                let line = format!(
                    "{text} 1' union select {} from users-- <script>alert(1)",
                    pen.number
                );
                pen.line(&line);
            }
        },
    },
    Evil {
        name: "quotes-only",
        what: "lines of quotes and blanks, which could be fields",
        write: |pen| {
            if pen.opens() {
                return;
            }
            let quotes = "\" ".repeat(60);
            pen.line(&format!(
                "192.0.2.1 - - [19/May/2026:00:00:00 +0000] {quotes}"
            ));
        },
    },
    Evil {
        name: "many-fields",
        what: "400 more fields at the end of each line",
        write: |pen| {
            let fields: Vec<String> = (0..400).map(|_| pen.rng.below(1_000).to_string()).collect();
            let line = pen.combined(&pen.visit());
            pen.line(&format!("{line} {}", fields.join(" ")));
        },
    },
    Evil {
        name: "many-proxies",
        what: "400 forwarded addresses at the end of each line",
        write: |pen| {
            let proxies: Vec<String> = (0..400).map(|_| address(pen.rng.next())).collect();
            let line = pen.combined(&pen.visit());
            pen.line(&format!("{line} \"{}\"", proxies.join(", ")));
        },
    },
    Evil {
        name: "many-hosts",
        what: "each line another virtual host",
        write: |pen| {
            let line = pen.combined(&pen.visit());
            let host = pen.word();
            pen.line(&format!("{host}.example:443 {line}"));
        },
    },
    Evil {
        name: "many-formats",
        what: "combined, common, JSON, an error log and HAProxy in turn",
        write: many_formats,
    },
    Evil {
        name: "json",
        what: "JSON lines, every character of the attack in them escaped",
        write: json_escaped,
    },
    Evil {
        name: "json-deep",
        what: "JSON lines with 2,000 brackets within each other",
        write: |pen| {
            let (open, close) = ("[".repeat(2_000), "]".repeat(2_000));
            let body = json(pen, "/");
            pen.line(&format!("{{\"x\":{open}{close},{body}}}"));
        },
    },
    Evil {
        name: "json-wide",
        what: "JSON lines with 500 keys that nobody knows",
        write: |pen| {
            if pen.opens_json() {
                return;
            }
            let keys: String = (0..500)
                .map(|_| format!("\"{}\":\"{}\",", pen.word(), pen.rng.below(1_000)))
                .collect();
            let body = json(pen, "/");
            pen.line(&format!("{{{keys}{body}}}"));
        },
    },
    Evil {
        name: "json-unfinished",
        what: "JSON lines that stop within a string",
        write: |pen| {
            if !pen.opens_json() {
                let body = json(pen, "/");
                pen.line(&format!("{{{body},\"more\":\"\\u00"));
            }
        },
    },
    Evil {
        name: "w3c-headers",
        what: "W3C logs that name their fields anew in every second line",
        write: w3c,
    },
];

impl Pen {
    /// Like [`Pen::opens`], for logs of JSON lines.
    fn opens_json(&mut self) -> bool {
        let opens = self.number < OPENING;
        if opens {
            let body = json(self, "/");
            self.line(&format!("{{{body}}}"));
        }
        opens
    }

    /// Words without a meaning, so many bytes together.
    fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            let word = self.word();
            text.push_str(&word);
            text.push(if self.rng.below(8) == 0 { '/' } else { '+' });
        }
        text
    }
}

/// The usual keys of nginx, without the brackets around.
fn json(pen: &Pen, target: &str) -> String {
    format!(
        "\"remote_addr\":\"{}\",\"time_local\":\"{}\",\"request\":\"GET {target} HTTP/1.1\",\"status\":200,\
         \"body_bytes_sent\":5120,\"http_referer\":\"\",\"http_user_agent\":\"{AGENT}\"",
        address(pen.number % 4_001),
        Zone(0).access(pen.now())
    )
}

fn json_escaped(pen: &mut Pen) {
    let attack = format!("/item?id={}' union select 1,2,3 from users-- ", pen.number);
    let escaped: String = attack
        .chars()
        .map(|letter| format!("\\u{:04x}", letter as u32))
        .collect();
    let body = json(pen, &escaped);
    pen.line(&format!("{{{body}}}"));
}

fn many_formats(pen: &mut Pen) {
    let client = address(pen.number % 4_001);
    let time = Zone(0).access(pen.now());
    match pen.number % 5 {
        0 => pen.get("/"),
        1 => pen.line(&format!("{client} - - [{time}] \"GET / HTTP/1.1\" 200 51")),
        2 => {
            let body = json(pen, "/");
            pen.line(&format!("{{{body}}}"));
        }
        3 => {
            let time = Zone(0).nginx_error(pen.now());
            pen.line(&format!("{time} [error] 12#12: *3 open() \"/srv/a\" failed (2: No such file or directory), client: {client}"));
        }
        _ => pen.line(&format!(
            "May 19 00:00:01 lb haproxy[3]: {client}:4000 [19/May/2026:00:00:01.003] web app/one 0/0/1/5/6 200 512 - - ---- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\""
        )),
    }
}

fn w3c(pen: &mut Pen) {
    const FIELDS: [&str; 6] = [
        "c-ip",
        "cs-method",
        "cs-uri-stem",
        "cs-uri-query",
        "sc-status",
        "cs(User-Agent)",
    ];
    const VALUES: [&str; 6] = ["192.0.2.7", "GET", "/", "-", "200", "curl/8.0"];
    let turn = pen.number as usize % FIELDS.len();
    let turned = |of: &[&str; 6]| [&of[turn..], &of[..turn]].concat().join(" ");
    if pen.number == 0 {
        pen.line("#Version: 1.0");
    }
    pen.line(&format!("#Fields: date time {}", turned(&FIELDS)));
    let civil = Zone(0).civil(start() + pen.number as i64 * 50);
    pen.line(&format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}",
        civil.year,
        civil.month,
        civil.day,
        civil.hour,
        civil.minute,
        civil.second,
        turned(&VALUES)
    ));
}

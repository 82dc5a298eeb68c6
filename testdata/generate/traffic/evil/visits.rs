//! Visits that are ordinary one by one, and whose clients, times, paths or agents are too many to count.

use super::super::attackers::FLOOD_AGENTS;
use super::super::clock::{DAY, HOUR, MINUTE, SECOND};
use super::{Evil, Pen, Visit, address, start};

pub const ALL: &[Evil] = &[
    Evil {
        name: "clients",
        what: "each line another client, IPv4 and IPv6 in turn",
        write: clients,
    },
    Evil {
        name: "networks",
        what: "each line another IPv6 network",
        write: networks,
    },
    Evil {
        name: "agents",
        what: "each line another agent",
        write: agents,
    },
    Evil {
        name: "referers",
        what: "each line another referer",
        write: referers,
    },
    Evil {
        name: "paths",
        what: "each line another path",
        write: |pen| pen.get(&format!("/page/{}", pen.number.wrapping_mul(2_654_435_761))),
    },
    Evil {
        name: "folders",
        what: "each line a path through eight folders of its own",
        write: folders,
    },
    Evil {
        name: "all-distinct",
        what: "each line another client, user, path, query, referer and agent",
        write: all_distinct,
    },
    Evil {
        name: "ten-years",
        what: "each line an hour and a half later, over ten years",
        write: |pen| pen.at(pen.number as i64 * 90 * MINUTE),
    },
    Evil {
        name: "every-minute",
        what: "one line in each minute, for seven weeks",
        write: |pen| pen.at(pen.number as i64 * MINUTE),
    },
    Evil {
        name: "every-second",
        what: "one line in each second, each page from other clients than the last",
        write: every_second,
    },
    Evil {
        name: "random-times",
        what: "each line at a random second of ten years",
        write: |pen| {
            let moment = pen.rng.below(3_650 * 86_400) as i64 * SECOND;
            pen.at(moment);
        },
    },
    Evil {
        name: "back-and-forth",
        what: "times a day apart in turn",
        write: |pen| pen.at((pen.number % 2) as i64 * DAY + pen.number as i64 * 50),
    },
    Evil {
        name: "backwards",
        what: "each line a second before the last",
        write: |pen| pen.at(-(pen.number as i64) * SECOND),
    },
    Evil {
        name: "far-times",
        what: "years from 1 to 9999",
        write: |pen| {
            let days = pen.rng.below(3_652_000) as i64 - 739_000;
            pen.at(days * DAY);
        },
    },
    Evil {
        name: "bursts",
        what: "a burst of 200 requests every hour, each from other clients for another page",
        write: bursts,
    },
    Evil {
        name: "silences",
        what: "a busy minute, then none for nine minutes, again and again; what comes before a silence fails",
        write: silences,
    },
    Evil {
        name: "failures",
        what: "every second one fails with 500 to 504, in runs",
        write: failures,
    },
    Evil {
        name: "botnet",
        what: "a flood of one page from 65,000 addresses that change their agents",
        write: botnet,
    },
    Evil {
        name: "logins",
        what: "passwords tried at 100,000 login pages",
        write: logins,
    },
    Evil {
        name: "users",
        what: "passwords tried by many clients, each line another user",
        write: users,
    },
    Evil {
        name: "web-shells",
        what: "each script was never seen before, and is posted to twice by the same few clients",
        write: web_shells,
    },
    Evil {
        name: "probes",
        what: "directory scans of thousands of clients that end where another one begins",
        write: probes,
    },
];

impl Pen {
    /// A visit to a usual page, so many milliseconds after the start.
    fn at(&mut self, since_start: i64) {
        let visit = Visit {
            at: start() + since_start,
            ..self.visit()
        };
        self.put(&visit);
    }
}

fn clients(pen: &mut Pen) {
    let client = match pen.number % 2 {
        0 => address(pen.number),
        _ => format!("2001:db8::{:x}:{:x}", pen.number >> 16, pen.number & 0xffff),
    };
    let visit = Visit {
        client: &client,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn networks(pen: &mut Pen) {
    let client = format!(
        "2001:db8:{:x}:{:x}::1",
        pen.number & 0xffff,
        pen.number >> 16
    );
    let visit = Visit {
        client: &client,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn agents(pen: &mut Pen) {
    let agent = format!(
        "Mozilla/5.0 ({}; {}) {}/{}",
        pen.word(),
        pen.word(),
        pen.word(),
        pen.number
    );
    let visit = Visit {
        agent: &agent,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn referers(pen: &mut Pen) {
    let referer = format!(
        "https://{}.example/{}?q={}",
        pen.word(),
        pen.word(),
        pen.number
    );
    let visit = Visit {
        referer: &referer,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn folders(pen: &mut Pen) {
    let mut target = String::new();
    for _ in 0..8 {
        target.push('/');
        target.push_str(&pen.word());
    }
    pen.get(&target);
}

fn all_distinct(pen: &mut Pen) {
    let (client, user, number) = (address(pen.number), pen.word(), pen.number);
    let [folder, name, value, site, page, tool] = [(); 6].map(|()| pen.word());
    let request = format!("GET /{folder}/{number}?{name}={value} HTTP/1.1");
    let referer = format!("https://{site}.example/{page}");
    let agent = format!("{tool}/{number} ({site})");
    let visit = Visit {
        client: &client,
        user: &user,
        request: &request,
        referer: &referer,
        agent: &agent,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn every_second(pen: &mut Pen) {
    let request = format!("GET /page/{} HTTP/1.1", pen.number % 50);
    let visit = Visit {
        at: start() + pen.number as i64 * SECOND,
        request: &request,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn bursts(pen: &mut Pen) {
    const SIZE: u64 = 200;
    const QUIET: u64 = 60;
    let (hour, place) = (pen.number / (SIZE + QUIET), pen.number % (SIZE + QUIET));
    let since = match place.checked_sub(QUIET) {
        None => place as i64 * MINUTE,
        Some(of_burst) => HOUR - MINUTE + of_burst as i64 * 100,
    };
    let (client, page) = match place < QUIET {
        true => (address(place), "/".to_owned()),
        false => (address(hour * 50 + place % 50), format!("/page/{hour}")),
    };
    let request = format!("GET {page} HTTP/1.1");
    let visit = Visit {
        client: &client,
        at: start() + hour as i64 * HOUR + since,
        request: &request,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn silences(pen: &mut Pen) {
    const BUSY: u64 = 60;
    let (stretch, place) = (pen.number / BUSY, pen.number % BUSY);
    let visit = Visit {
        at: start() + stretch as i64 * 10 * MINUTE + place as i64 * SECOND,
        status: if place > BUSY - 9 { 503 } else { 200 },
        ..pen.visit()
    };
    pen.put(&visit);
}

fn failures(pen: &mut Pen) {
    let run = pen.number / 40;
    let visit = Visit {
        status: if run.is_multiple_of(2) {
            200
        } else {
            500 + (run % 5) as u16
        },
        ..pen.visit()
    };
    pen.put(&visit);
}

fn botnet(pen: &mut Pen) {
    let client = address(pen.number % 65_000);
    let agent = format!("{} {}", pen.pick(&FLOOD_AGENTS), pen.rng.below(1_000));
    let visit = Visit {
        client: &client,
        // A quiet hour first, then the flood.
        at: match pen.number {
            quiet @ 0..1_000 => start() + quiet as i64 * 3 * SECOND,
            flood => start() + HOUR + flood as i64,
        },
        request: "GET /search?q=a HTTP/1.1",
        agent: &agent,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn logins(pen: &mut Pen) {
    let page = pen.rng.below(100_000);
    let request = format!("POST /shop{page}/login HTTP/1.1");
    let client = address(pen.number % 300);
    let visit = Visit {
        client: &client,
        request: &request,
        status: 401,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn users(pen: &mut Pen) {
    let user = format!("{}{}", pen.word(), pen.number);
    let visit = Visit {
        user: &user,
        request: "POST /login HTTP/1.1",
        status: if pen.number % 1_000 == 999 { 302 } else { 401 },
        ..pen.visit()
    };
    pen.put(&visit);
}

fn web_shells(pen: &mut Pen) {
    let request = format!("POST /uploads/{:x}.php HTTP/1.1", pen.number / 2);
    let client = address(pen.number / 2 % 40);
    let visit = Visit {
        client: &client,
        request: &request,
        ..pen.visit()
    };
    pen.put(&visit);
}

fn probes(pen: &mut Pen) {
    let client = address(pen.number / 20);
    let request = format!(
        "GET /{}.{} HTTP/1.1",
        pen.word(),
        pen.pick(&["php", "bak", "zip", "env"])
    );
    let visit = Visit {
        client: &client,
        request: &request,
        status: 404,
        ..pen.visit()
    };
    pen.put(&visit);
}

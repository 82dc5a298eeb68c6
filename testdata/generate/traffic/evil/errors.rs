//! Error logs, and lines in the envelopes of those who carry logs about.

use super::super::clock::Zone;
use super::{Evil, OPENING, Pen, address};

pub const ALL: &[Evil] = &[
    Evil {
        name: "messages",
        what: "an Apache error log in which no two messages are alike",
        write: |pen| {
            let words = [pen.word(), pen.word(), pen.word()].join(" ");
            let text = format!("AH{:05}: {words}: {}", pen.number % 100_000, pen.number);
            pen.apache(&text);
        },
    },
    Evil {
        name: "continued",
        what: "one message of an error log with all other lines as its continuation",
        write: |pen| match pen.number {
            0..OPENING => pen.apache("AH00094: Command line: '/usr/sbin/apache2'"),
            _ => {
                let word = pen.word();
                pen.line(&format!("    at {word}.{word}(Main.java:{})", pen.number));
            }
        },
    },
    Evil {
        name: "stack-traces",
        what: "PHP stack traces of thirty lines, each of another script and client",
        write: stack_trace,
    },
    Evil {
        name: "symptoms",
        what: "every message says that the server is in trouble, each another way",
        write: symptoms,
    },
    Evil {
        name: "starts-and-stops",
        what: "a server that starts and stops every second",
        write: |pen| match pen.number % 2 {
            0 => pen
                .apache("AH00163: Apache/2.4.62 (Debian) configured -- resuming normal operations"),
            _ => pen.apache("AH00169: caught SIGTERM, shutting down"),
        },
    },
    Evil {
        name: "database-errors",
        what: "syntax errors of a database that quote an injection, each from another client",
        write: database_error,
    },
    Evil {
        name: "nginx-errors",
        what: "an nginx error log with client, request, upstream and referer, all different",
        write: nginx_error,
    },
    Evil {
        name: "syslog",
        what: "attacks in the combined format, each in a line of syslog from another host",
        write: |pen| {
            let line = attack(pen);
            let host = pen.word();
            pen.line(&format!(
                "May 19 00:00:{:02} {host} nginx[{}]: {line}",
                pen.number % 60,
                pen.number % 30_000
            ));
        },
    },
    Evil {
        name: "syslog-messages",
        what: "a system log: each line another program says something else",
        write: |pen| {
            let words = [pen.word(), pen.word(), pen.word(), pen.word()];
            pen.line(&format!(
                "May 19 00:00:{:02} host {}[{}]: {} {} {}",
                pen.number % 60,
                words[0],
                pen.number % 30_000,
                words[1],
                words[2],
                words[3]
            ));
        },
    },
    Evil {
        name: "journal",
        what: "attacks in the combined format, in entries of the journal as JSON",
        write: |pen| {
            let line = attack(pen).replace('"', "\\\"");
            let host = pen.word();
            pen.line(&format!(
                "{{\"__REALTIME_TIMESTAMP\":\"{}000\",\"_HOSTNAME\":\"{host}\",\"SYSLOG_IDENTIFIER\":\"nginx\",\"_PID\":\"7\",\"MESSAGE\":\"{line}\"}}",
                pen.now()
            ));
        },
    },
    Evil {
        name: "journal-bytes",
        what: "the same with the message as an array of numbers",
        write: |pen| {
            let line: Vec<String> = attack(pen).bytes().map(|byte| byte.to_string()).collect();
            pen.line(&format!(
                "{{\"__REALTIME_TIMESTAMP\":\"{}000\",\"SYSLOG_IDENTIFIER\":\"nginx\",\"MESSAGE\":[{}]}}",
                pen.now(),
                line.join(",")
            ));
        },
    },
    Evil {
        name: "container",
        what: "attacks in the combined format, as Docker keeps them",
        write: |pen| {
            let line = attack(pen).replace('"', "\\\"");
            pen.line(&format!(
                "{{\"log\":\"{line}\\n\",\"stream\":\"stdout\",\"time\":\"2026-05-19T00:00:{:02}.000000001Z\"}}",
                pen.number % 60
            ));
        },
    },
    Evil {
        name: "container-parts",
        what: "lines of a container cut into parts that no whole line ends",
        write: |pen| {
            let word = pen.word();
            pen.line(&format!(
                "2026-05-19T00:00:00.{:09}Z stdout P {word}",
                pen.number % 1_000_000_000
            ));
        },
    },
];

impl Pen {
    /// A message of Apache.
    fn apache(&mut self, text: &str) {
        let time = Zone(0).apache_error(self.now(), self.number % 1_000);
        let client = address(self.number % 4_001);
        self.line(&format!(
            "[{time}] [core:error] [pid 812] [client {client}:40000] {text}"
        ));
    }
}

/// A line of the combined format with an attack.
fn attack(pen: &Pen) -> String {
    let request = format!(
        "GET /item?id={}%27+union+select+1,2,3--+ HTTP/1.1",
        pen.number
    );
    pen.combined(&super::Visit {
        request: &request,
        ..pen.visit()
    })
}

fn stack_trace(pen: &mut Pen) {
    if pen.number < OPENING {
        return pen.apache("AH00094: Command line: '/usr/sbin/apache2'");
    }
    let script = pen.word();
    pen.apache(&format!(
        "AH01071: Got error 'PHP message: PHP Fatal error:  Uncaught Error: Call to undefined function {script}() in /srv/{script}.php:{}",
        pen.number
    ));
    pen.line("Stack trace:");
    for frame in 0..30 {
        let name = pen.word();
        pen.line(&format!(
            "#{frame} /srv/{name}.php({frame}): {script}->{name}()"
        ));
    }
}

fn symptoms(pen: &mut Pen) {
    let number = pen.number;
    match number % 6 {
        0 => pen.apache("AH00161: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting"),
        1 => pen.apache(&format!("AH00052: child pid {number} exit signal Segmentation fault (11)")),
        2 => pen.apache(&format!("(28)No space left on device: AH00023: Couldn't create the mutex {number}")),
        3 => pen.apache(&format!("(70007)The timeout specified has expired: AH01220: Timeout waiting for output from CGI script /srv/{number}")),
        4 => pen.apache(&format!("PHP Fatal error:  Allowed memory size of {number} bytes exhausted (tried to allocate {number} bytes)")),
        _ => pen.apache(&format!("SQLSTATE[HY000] [1040] Too many connections {number}")),
    }
}

fn database_error(pen: &mut Pen) {
    let (client, page) = (address(pen.number), pen.word());
    let time = Zone(0).nginx_error(pen.now());
    pen.line(&format!(
        "{time} [error] 660#660: *{} FastCGI sent in stderr: \"PHP message: You have an error in your SQL syntax; check the \
         manual that corresponds to your MySQL server version for the right syntax to use near '' union select {}-- ' at line 1\" \
         while reading response header from upstream, client: {client}, server: shop.example, request: \"GET /{page}?id=1%27 \
         HTTP/1.1\", upstream: \"fastcgi://unix:/run/php.sock:\", host: \"shop.example\"",
        pen.number, pen.number
    ));
}

fn nginx_error(pen: &mut Pen) {
    let words = [pen.word(), pen.word(), pen.word()];
    let client = address(pen.number);
    let time = Zone(0).nginx_error(pen.now());
    pen.line(&format!(
        "{time} [error] 660#660: *{} connect() failed (111: Connection refused) while connecting to upstream, client: {client}, \
         server: {}.example, request: \"GET /{} HTTP/1.1\", upstream: \"http://192.0.2.1:{}/\", host: \"{}.example\", \
         referrer: \"https://{}.example/\"",
        pen.number, words[0], words[1], pen.number % 60_000, words[0], words[2]
    ));
}

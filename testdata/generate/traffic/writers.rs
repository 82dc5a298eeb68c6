//! How servers write what happened: the access log formats, and gzip.

use std::io::Write;

use super::clock::{Millis, Zone};

/// A request and its answer, with every text escaped as the server would log it.
#[derive(Clone)]
pub struct Request {
    /// When it came.
    pub at: Millis,
    /// How long the answer took.
    pub took: Millis,
    pub client: String,
    /// The request field: `GET / HTTP/1.1`.
    pub line: String,
    pub status: u16,
    pub bytes: u64,
    /// `-` when there was none.
    pub referer: String,
    /// `-` when there was none.
    pub agent: String,
}

/// The two servers, as far as their logs differ.
#[derive(Clone, Copy, PartialEq)]
pub enum Server {
    /// Logs the start of a request when it ends, so that times step back now and then.
    Apache,
    /// Logs the end of a request.
    Nginx,
}

/// Which fields a line has.
#[derive(Clone, Copy, PartialEq)]
pub enum Layout {
    Common,
    Combined,
    /// Debian's `vhost_combined`, with this host and port in front.
    Vhost(&'static str),
    /// Combined, and Apache's `%D` at the end: microseconds.
    Timed,
}

impl Request {
    /// The moment at which the line is written.
    pub fn logged_at(&self) -> Millis {
        self.at + self.took
    }

    /// The line, with its end.
    pub fn render(&self, server: Server, layout: Layout, zone: Zone) -> String {
        let (time, size) = match server {
            Server::Apache if self.bytes == 0 => (self.at, "-".to_owned()),
            Server::Apache => (self.at, self.bytes.to_string()),
            Server::Nginx => (self.logged_at(), self.bytes.to_string()),
        };
        let front = match layout {
            Layout::Vhost(host) => format!("{host} "),
            _ => String::new(),
        };
        let common = format!(
            "{front}{} - - [{}] \"{}\" {} {size}",
            self.client,
            zone.access(time),
            self.line,
            self.status
        );
        match layout {
            Layout::Common => format!("{common}\n"),
            Layout::Timed => {
                let micros =
                    self.took * 1_000 + (self.at * 7919 + self.bytes as i64).rem_euclid(1_000);
                format!(
                    "{common} \"{}\" \"{}\" {micros}\n",
                    self.referer, self.agent
                )
            }
            _ => format!("{common} \"{}\" \"{}\"\n", self.referer, self.agent),
        }
    }
}

/// The whole log, in the order in which the server writes it.
pub fn access_log(
    mut requests: Vec<Request>,
    server: Server,
    layout: Layout,
    zone: Zone,
) -> Vec<u8> {
    requests.sort_by_key(Request::logged_at);
    let mut log = Vec::new();
    for request in &requests {
        log.extend_from_slice(request.render(server, layout, zone).as_bytes());
    }
    log
}

/// A gzip file with one member for each part. Its bytes depend on the version of the compressor;
/// what it holds does not.
pub fn gzip(parts: &[Vec<u8>]) -> std::io::Result<Vec<u8>> {
    let mut file = Vec::new();
    for part in parts {
        let mut member = flate2::write::GzEncoder::new(&mut file, flate2::Compression::best());
        member.write_all(part)?;
        member.finish()?;
    }
    Ok(file)
}

/// Percent-encodes what a careful client encodes in a query value.
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'*' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

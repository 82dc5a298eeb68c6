//! Error logs. The wording of the messages follows the sources of Apache httpd 2.4, nginx 1.22, PHP
//! and MariaDB; levels and layouts too.

use super::clock::{Millis, Zone};
use super::rng::fingerprint;
use super::story::Story;
use super::writers::{Request, Server};

/// A line of an error log, without its time.
pub struct Message {
    pub at: Millis,
    /// Apache: `mpm_prefork:error`; nginx: `error`.
    pub level: String,
    /// Apache: `[client A:P] `, or nothing; nginx: `*N `, or nothing.
    pub front: String,
    pub text: String,
}

/// Process ids of the servers; they must only look like some.
const APACHE_PARENT: u64 = 812;
const NGINX_MASTER: u64 = 640;

/// The highest port that clients' systems give out, and how many there are.
const CLIENT_PORTS: (u64, u64) = (32_768, 28_000);

/// The whole log in order of time.
pub fn error_log(messages: &[Message], server: Server, zone: Zone) -> Vec<u8> {
    let mut order: Vec<&Message> = messages.iter().collect();
    order.sort_by_key(|message| message.at);
    let mut log = String::new();
    for message in order {
        let Message {
            at,
            level,
            front,
            text,
        } = message;
        let number = fingerprint(front) % 40;
        match server {
            Server::Apache => {
                let pid = if front.is_empty() {
                    APACHE_PARENT
                } else {
                    21_100 + number
                };
                let time = zone.apache_error(*at, fingerprint(text) % 1_000);
                log.push_str(&format!("[{time}] [{level}] [pid {pid}] {front}{text}\n"));
            }
            Server::Nginx => {
                let pid = if front.is_empty() {
                    NGINX_MASTER
                } else {
                    660 + number % 4
                };
                let time = zone.nginx_error(*at);
                log.push_str(&format!("{time} [{level}] {pid}#{pid}: {front}{text}\n"));
            }
        }
    }
    log.into_bytes()
}

impl Story {
    /// A message of the server itself.
    pub fn server_says(&mut self, at: Millis, level: &str, text: impl Into<String>) {
        self.messages.push(Message {
            at,
            level: level.to_owned(),
            front: String::new(),
            text: text.into(),
        });
    }

    /// An Apache message about a request.
    pub fn apache_about(&mut self, request: &Request, level: &str, text: &str) {
        let port = CLIENT_PORTS.0 + self.rng.below(CLIENT_PORTS.1);
        let referer = match request.referer.as_str() {
            "-" => String::new(),
            url => format!(", referer: {url}"),
        };
        self.messages.push(Message {
            at: request.logged_at(),
            level: level.to_owned(),
            front: format!("[client {}:{port}] ", request.client),
            text: format!("{text}{referer}"),
        });
    }

    /// An nginx message about a request; with an upstream, if one was asked.
    pub fn nginx_about(
        &mut self,
        request: &Request,
        level: &str,
        text: &str,
        upstream: Option<&str>,
    ) {
        let host = self.shop.origin.trim_start_matches("https://");
        let upstream = upstream.map_or(String::new(), |at| format!(", upstream: \"{at}\""));
        let referer = match request.referer.as_str() {
            "-" => String::new(),
            url => format!(", referrer: \"{url}\""),
        };
        let connection = 100_000 + self.messages.len();
        self.messages.push(Message {
            at: request.logged_at(),
            level: level.to_owned(),
            front: format!("*{connection} "),
            text: format!(
                "{text}, client: {}, server: {host}, request: \"{}\"{upstream}, host: \"{host}\"{referer}",
                request.client, request.line
            ),
        });
    }

    /// What nginx says when its application did not answer in time.
    pub fn upstream_timed_out(&mut self, request: &Request) {
        let upstream = app_url(request);
        self.nginx_about(
            request,
            "error",
            "upstream timed out (110: Connection timed out) while reading response header from upstream",
            Some(&upstream),
        );
    }

    /// What nginx says when every application server is marked as failed.
    pub fn no_live_upstreams(&mut self, request: &Request) {
        let target = target_of(request);
        self.nginx_about(
            request,
            "error",
            "no live upstreams while connecting to upstream",
            Some(&format!("http://shop_app{target}")),
        );
    }

    /// What nginx says when nobody listens on the application's port.
    pub fn upstream_refused(&mut self, request: &Request) {
        let upstream = app_url(request);
        self.nginx_about(
            request,
            "error",
            "connect() failed (111: Connection refused) while connecting to upstream",
            Some(&upstream),
        );
    }

    /// What the PHP shop says when the database refuses a statement.
    pub fn sql_error(&mut self, request: &Request, complaint: &str, script: &str) {
        let text = format!(
            "PHP Fatal error:  Uncaught mysqli_sql_exception: {complaint} in /srv/shop/{script}:31"
        );
        self.apache_about(request, "php7:error", &text);
    }

    /// What the PHP shop says when the database takes no more connections.
    pub fn too_many_connections(&mut self, request: &Request) {
        self.apache_about(
            request,
            "php7:error",
            "PHP Fatal error:  Uncaught mysqli_sql_exception: Too many connections in \
             /srv/shop/lib/database.php:12",
        );
    }

    /// Apache's prefork server begins to serve.
    pub fn apache_starts(&mut self, at: Millis) {
        self.server_says(
            at,
            "mpm_prefork:notice",
            "AH00163: Apache/2.4.38 (Debian) configured -- resuming normal operations",
        );
        self.server_says(
            at,
            "core:notice",
            "AH00094: Command line: '/usr/sbin/apache2'",
        );
    }

    /// nginx begins to serve.
    pub fn nginx_starts(&mut self, at: Millis) {
        self.server_says(at, "notice", "using the \"epoll\" event method");
        self.server_says(at, "notice", "nginx/1.22.1");
        self.server_says(at, "notice", "start worker processes");
        self.server_says(at, "notice", "start worker process 661");
    }
}

/// The target of a well-formed request line.
pub fn target_of(request: &Request) -> &str {
    request.line.split(' ').nth(1).unwrap_or("/")
}

fn app_url(request: &Request) -> String {
    format!("http://127.0.0.1:9200{}", target_of(request))
}

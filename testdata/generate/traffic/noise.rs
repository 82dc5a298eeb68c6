//! The stray scanners that every public server sees all day: a probe or two each, and gone.

use super::address;
use super::clock::Millis;
use super::story::{Answer, Story, Who};

/// What strays ask for, as logged. The request lines that are no requests are what speaking TLS or
/// SMB to a plain port leaves behind.
const PROBES: [(&str, u16); 16] = [
    ("GET /.env HTTP/1.1", 404),
    ("GET /wp-login.php HTTP/1.1", 404),
    ("GET /.git/config HTTP/1.1", 404),
    ("GET /phpmyadmin/index.php HTTP/1.1", 404),
    ("GET /actuator/health HTTP/1.1", 404),
    ("GET /boaform/admin/formLogin HTTP/1.1", 404),
    (
        "GET /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php HTTP/1.1",
        404,
    ),
    ("GET /solr/admin/info/system?wt=json HTTP/1.1", 404),
    ("GET /owa/auth/logon.aspx HTTP/1.1", 404),
    ("POST /xmlrpc.php HTTP/1.1", 404),
    ("GET /robots.txt HTTP/1.1", 200),
    ("GET / HTTP/1.0", 200),
    ("GET / HTTP/1.1", 200),
    ("HEAD / HTTP/1.1", 200),
    (
        "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03",
        400,
    ),
    (
        "\\x03\\x00\\x00/*\\xE0\\x00\\x00\\x00\\x00\\x00Cookie: mstshash=Test",
        400,
    ),
];

/// What strays call themselves.
const AGENTS: [&str; 5] = [
    "-",
    "Mozilla/5.0 zgrab/0.x",
    "python-requests/2.26.0",
    "Go-http-client/1.1",
    "Mozilla/5.0",
];

/// Strays from `from` to `to`, `per_hour` of them.
pub fn strays(story: &mut Story, from: Millis, to: Millis, per_hour: f64) {
    for start in story.moments(from, to, per_hour / 60.0) {
        let client = address::stray(&mut story.rng);
        let agent = *story.rng.pick(&AGENTS);
        let mut at = start;
        for _ in 0..1 + story.rng.skewed(3) {
            let (line, status) = *story.rng.pick(&PROBES);
            let (bytes, agent) = match status {
                400 => (226, "-"),
                404 => (4_120, agent),
                _ => (17_204, agent),
            };
            let who = Who {
                client: &client,
                agent,
            };
            story.raw(at, who, line.to_owned(), "-", Answer(status, bytes, 12));
            at += story.rng.between(300, 4_000);
        }
    }
    story.requests.retain(|request| request.logged_at() < to);
}

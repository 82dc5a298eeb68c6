//! Names of hosts, and of users: behind the words that servers write before them, in URLs, and names that stand alone.

use std::net::IpAddr;

use crate::format::spec::LogKind;
use crate::pseudonym::{Kind, Pseudonyms};

use super::query::Queries;
use super::rewrite::{expression, rewrite};
use super::text::Seen;

/// What files end in, so that `index.php` is no host.
const FILES: &str = "asp aspx avi bak bin bz2 c cc cfg cgi class conf cpp cs css csv dat db dll do doc docx env eot exe gif go gz h \
    htm html ico inc ini jar java jpeg jpg js json jsp key lock log lua map md mjs mmdb mo mp3 mp4 pdf pem php php3 php4 php5 php7 \
    phar phtml pid pl png po ppt py rar rb rs rss sh sock socket service slice so sql svg swf swp tar tgz timer tmp toml ts ttf txt \
    vue war webp woff woff2 xls xlsx xml yaml yml zip zst";

/// Replaces names, and notes what it replaced.
pub struct Hosts<'a> {
    pub names: &'a Pseudonyms,
    pub seen: &'a mut Seen,
}

expression!(
    SYSLOG,
    r"^(?:<\d{1,3}>)?(?:\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*) (\S+) [\w./@-]+(?:\[\d+\])?: "
);
expression!(RFC5424, r"^<\d{1,3}>\d{1,2} \S+ (\S+) ");
expression!(COMBINED, r#"^(?:(\S+) )?(\S+) (\S+) ([^\[\]"]{1,64}?) \["#);
expression!(
    JSON,
    r#""([\w.\-:@()]{1,64})"\s*:\s*\[?"((?:\\.|[^"\\])*)""#
);
expression!(
    JSON_WITHIN,
    r#"\\"([\w.\-:@()]{1,64})\\"\s*:\s*\[?\\"((?:\\\\.|[^"\\])*)\\""#
);
expression!(
    URL,
    r#"([A-Za-z][A-Za-z0-9+.\-]*):(//|\\/\\/)(?:([^/\s"@?#]*)@)?(\[[^\]\s]*\]|[^/\s"?#:@\[\],;()<>'|\\]+)"#
);
expression!(
    LABELLED,
    r#"(?i)\b(host|server|vhost|server name|virtual host|authority|sni|hostname): ("?)([A-Za-z0-9._-]+)"#
);
expression!(
    BRACKETED,
    r#"(?i)\[(host|hostname|vhost|server) ("?)([^"\]\s:]+)"#
);
expression!(
    EMAIL,
    r"([A-Za-z0-9._%+\-]+)@((?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,24})"
);
expression!(USER_IS, r#"(?i)\b(user(?:name)?)=([^\s,"']+)"#);
expression!(
    USER_QUOTED,
    r#"(?i)\b((?:user|role|login):? )(["'`])(.+?)(["'`])"#
);
expression!(
    USER_BARE,
    r#"(?i)\b(user )([^\s"'`,:]+)(: | not found| in realm)"#
);

impl Hosts<'_> {
    /// What stands in front of a line: the host that sent it, the virtual host, the client, the user.
    pub fn in_front(&mut self, line: &mut String, kind: LogKind) {
        let sender = SYSLOG.captures(line).or_else(|| RFC5424.captures(line));
        let sender = sender.and_then(|found| Some((found.get(0)?.end(), found.get(1)?.range())));
        let mut start = 0;
        if let Some((end, range)) = sender {
            let host = self.host(&line[range.clone()]);
            start = end + host.len() - range.len();
            line.replace_range(range, &host);
        }
        if kind == LogKind::Error {
            return;
        }
        let mut rest = line.split_off(start);
        rewrite(&mut rest, &COMBINED, |found| {
            let vhost = found
                .get(1)
                .map(|vhost| format!("{} ", self.host_with_port(vhost.as_str())));
            let whole = &found[0];
            let front = [
                vhost.unwrap_or_default(),
                self.host(&found[2]) + " ",
                self.user(&found[3]) + " ",
                self.user(&found[4]),
            ];
            let behind = found.get(4).map_or(whole.len(), |user| user.end());
            front.concat() + &whole[behind..]
        });
        line.push_str(&rest);
    }

    /// Members of JSON objects by what their names say.
    pub fn in_json(&mut self, line: &mut String) {
        for (expression, quote) in [(&JSON, "\""), (&JSON_WITHIN, "\\\"")] {
            rewrite(line, expression, |found| {
                let (key, value) = (found[1].to_ascii_lowercase(), &found[2]);
                let new = self.member(&key, value);
                let whole = &found[0];
                format!(
                    "{}{new}{quote}",
                    &whole[..whole.len() - quote.len() - value.len()]
                )
            });
        }
    }

    fn member(&mut self, key: &str, value: &str) -> String {
        let has = |words: &[&str]| words.iter().any(|word| key.contains(word));
        if has(&["agent"]) || value.is_empty() || value == "-" {
            return value.to_owned();
        }
        if has(&["cookie", "authorization", "token", "session"]) {
            return self.queries().value(value);
        }
        if has(&["query"]) || ["args", "qs"].contains(&key) {
            let query = value.strip_prefix('?');
            let mark = if query.is_some() { "?" } else { "" };
            return format!("{mark}{}", self.queries().query(query.unwrap_or(value)));
        }
        if has(&["user", "login", "email"]) {
            return self.user(value);
        }
        match has(&[
            "host",
            "server_name",
            "servername",
            "authority",
            "domain",
            "sni",
        ]) {
            true => self.host_with_port(value),
            false => value.to_owned(),
        }
    }

    fn queries(&mut self) -> Queries<'_> {
        Queries {
            names: self.names,
            seen: self.seen,
        }
    }

    /// Hosts of URLs, and who logs in by them. Who wrote a robot names its home in the user agent, in brackets or behind a
    /// plus sign: that says nothing of the site, and stays.
    pub fn in_urls(&mut self, text: &mut String) {
        let original = text.clone();
        rewrite(text, &URL, |found| {
            let start = found.get(0).map_or(0, |whole| whole.start());
            let before = &original[..start];
            let scheme = &found[1];
            let is_home = scheme.to_ascii_lowercase().starts_with("http")
                && (before.ends_with(['+', '('])
                    || before.ends_with("; ")
                    || before.ends_with(", "));
            if is_home {
                return found[0].to_owned();
            }
            let user = found
                .get(3)
                .map_or(String::new(), |user| self.user(user.as_str()) + "@");
            format!("{scheme}:{}{user}{}", &found[2], self.host(&found[4]))
        });
    }

    /// Names behind words such as `host:`, as error logs write them.
    pub fn labelled(&mut self, text: &mut String) {
        rewrite(text, &LABELLED, |found| {
            format!("{}: {}{}", &found[1], &found[2], self.host(&found[3]))
        });
        rewrite(text, &BRACKETED, |found| {
            format!("[{} {}{}", &found[1], &found[2], self.host(&found[3]))
        });
        rewrite(text, &USER_IS, |found| {
            format!("{}={}", &found[1], self.user(&found[2]))
        });
        rewrite(text, &USER_QUOTED, |found| {
            format!(
                "{}{}{}{}",
                &found[1],
                &found[2],
                self.user(&found[3]),
                &found[4]
            )
        });
        rewrite(text, &USER_BARE, |found| {
            match found[2].eq_ignore_ascii_case("agent") {
                true => found[0].to_owned(),
                false => format!("{}{}{}", &found[1], self.user(&found[2]), &found[3]),
            }
        });
    }

    /// Addresses of mail.
    pub fn in_mail(&mut self, text: &mut String) {
        rewrite(text, &EMAIL, |found| {
            format!("{}@{}", self.user(&found[1]), self.host(&found[2]))
        });
    }

    /// Names with a dot that stand alone, or in quotes. In messages of error logs these may be `files`.
    pub fn alone(&mut self, text: &mut String, files: bool) {
        let is_part =
            |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_part) {
            let run = &rest[start..];
            let run = &run[..run
                .find(|character| !is_part(character))
                .unwrap_or(run.len())];
            let before = rest[..start]
                .chars()
                .next_back()
                .or(out.chars().next_back());
            let behind = &rest[start + run.len()..];
            let begins =
                before.is_none_or(|before| before.is_whitespace() || "\"{|=[,".contains(before));
            let port = behind
                .strip_prefix(':')
                .is_some_and(|port| port.starts_with(|first: char| first.is_ascii_digit()));
            // HAProxy writes the version of TLS behind the name that was asked for.
            let ends = port
                || ["/TLS", "/SSL", "/-"]
                    .iter()
                    .any(|next| behind.starts_with(next))
                || behind
                    .chars()
                    .next()
                    .is_none_or(|next| next.is_whitespace() || "\"}|],;".contains(next));
            out.push_str(&rest[..start]);
            match begins && ends && is_host(run, files) {
                true => out.push_str(&self.host(run)),
                false => out.push_str(run),
            }
            rest = behind;
        }
        out.push_str(rest);
        *text = out;
    }

    fn host_with_port(&mut self, text: &str) -> String {
        match text.rsplit_once(':') {
            Some((host, port))
                if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.contains(':') =>
            {
                format!("{}:{port}", self.host(host))
            }
            _ => self.host(text),
        }
    }

    /// A host; addresses are left, and what stands for none.
    pub fn host(&mut self, text: &str) -> String {
        let stands_for_none =
            ["", "-", "_", "*", "unknown", "unknown host", "localhost"].contains(&text);
        let is_address = text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if stands_for_none
            || is_address
            || text.starts_with('$')
            || Pseudonyms::is_name(Kind::Host, text)
        {
            return text.to_owned();
        }
        self.seen.host(text);
        self.names.name(Kind::Host, text.trim_end_matches('.'))
    }

    /// A user, where one is named.
    pub fn user(&mut self, text: &str) -> String {
        let is_name = [Kind::User, Kind::Value]
            .iter()
            .any(|kind| Pseudonyms::is_name(*kind, text));
        match text.is_empty() || text == "-" || is_name || text.parse::<IpAddr>().is_ok() {
            true => text.to_owned(),
            false => self.names.name(Kind::User, text),
        }
    }
}

/// Whether a word reads as the name of a host: labels, of which the last has letters alone and is not what files end in.
fn is_host(word: &str, files: bool) -> bool {
    /// The longest top-level domain in use is shorter.
    const LONGEST_TOP: usize = 24;
    let Some((front, top)) = word.trim_end_matches('.').rsplit_once('.') else {
        return false;
    };
    let is_top = (2..=LONGEST_TOP).contains(&top.len())
        && (top.bytes().all(|byte| byte.is_ascii_lowercase())
            || top.bytes().all(|byte| byte.is_ascii_uppercase()));
    let is_file = files
        && FILES
            .split_whitespace()
            .any(|ending| ending.eq_ignore_ascii_case(top));
    let is_label = |label: &str| !label.is_empty() && !label.contains('_');
    is_top && !is_file && front.split('.').all(is_label)
}

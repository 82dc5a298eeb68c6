//! One log record, borrowed from the line it was read from.
//!
//! A record is what a format understood of a line; it owns nothing, so that parsing allocates
//! nothing. `None` means that the log does not say.

use crate::client::Client;
use crate::time::{Time, UtcOffset};
use serde::{Deserialize, Serialize};

/// What one line says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// A request that was answered.
    Access(Access<'a>),
    /// A message of the server.
    Error(ErrorRecord<'a>),
}

impl Event<'_> {
    /// When; see [`Access::utc_offset`] for whose clock that is on.
    pub fn time(&self) -> Time {
        match self {
            Event::Access(access) => access.time,
            Event::Error(record) => record.time,
        }
    }

    /// The zone that the time is written in, if one is.
    pub fn utc_offset(&self) -> Option<UtcOffset> {
        match self {
            Event::Access(access) => access.utc_offset,
            Event::Error(record) => record.utc_offset,
        }
    }
}

/// A record of an access log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Access<'a> {
    /// When, as logged: nginx logs the end of a request, Apache its start.
    pub time: Time,
    /// The zone the log wrote the time in. `None` where it wrote none: `time` is then the server's wall clock as if
    /// that were UTC, until [`Log::read`](crate::pass::Log::read) sets it right.
    pub utc_offset: Option<UtcOffset>,
    /// Who asked.
    pub client: Client,
    /// The client field as logged.
    pub client_text: &'a [u8],
    /// The virtual host, where the format has one.
    pub vhost: Option<&'a [u8]>,
    /// The authenticated user.
    pub user: Option<&'a [u8]>,
    /// The whole request field, still escaped as logged; empty when the client sent nothing.
    pub request: &'a [u8],
    /// The method; empty when the request field is no request line, or when the log has no method.
    pub method: &'a [u8],
    /// The request target, still escaped and encoded as logged. For a malformed request line, the
    /// whole field, so that it is searched as well.
    pub target: &'a [u8],
    /// `HTTP/1.1`; empty when missing.
    pub protocol: &'a [u8],
    /// The status code.
    pub status: Option<u16>,
    /// Bytes sent.
    pub bytes: Option<u64>,
    /// The referer, still escaped as logged.
    pub referer: Option<&'a [u8]>,
    /// The user agent, still escaped as logged.
    pub user_agent: Option<&'a [u8]>,
    /// How long the request took, in microseconds, where the format has a field for it.
    pub duration_us: Option<u64>,
    /// Who asked in the words of the proxies in front: the value of `X-Forwarded-For` or of what the user named.
    pub forwarded: Option<&'a [u8]>,
    /// Whatever follows the fields that the format knows; what stands in quotes is searched.
    pub extras: &'a [u8],
}

impl<'a> Access<'a> {
    /// The target up to the first `?`.
    pub fn path(&self) -> &'a [u8] {
        match memchr::memchr(b'?', self.target) {
            Some(at) => &self.target[..at],
            None => self.target,
        }
    }

    /// Whether the target is one: of a request line, or from a log that has a field for it and none for the method (its
    /// request begins with the blank behind the method then). What is no request line is no target.
    pub fn has_target(&self) -> bool {
        let alone = |rest: &[u8]| !self.target.is_empty() && rest.starts_with(self.target);
        !self.method.is_empty() || self.request.strip_prefix(b" ").is_some_and(alone)
    }

    /// True for a page that the server has not, or not for this client: what somebody meets who guesses at
    /// addresses and forms of requests (RFC 9110, 15.5). Not 401, 408 and 429, which people at home on the site
    /// meet as well.
    pub fn is_rejected_page(&self) -> bool {
        matches!(self.status, Some(400 | 403..=406 | 410 | 414)) && !is_asset(self.path())
    }

    /// True when the query holds what is syntax somewhere: quotes, brackets, separators, control bytes, also
    /// percent-encoded once (RFC 3986, 2.1). Ordinary in many an application, and telling from an attacker.
    pub fn has_syntax(&self) -> bool {
        let Some(query) = self.query() else {
            return false;
        };
        let coded = |at: usize| {
            let digits = std::str::from_utf8(query.get(at + 1..at + 3)?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        let bytes = query.iter().enumerate();
        let mut decoded = bytes.filter_map(|(at, byte)| match byte {
            b'%' => coded(at),
            _ => Some(*byte),
        });
        decoded.any(|byte| SYNTAX[usize::from(byte)])
    }

    /// The target after the first `?`, if there is one.
    pub fn query(&self) -> Option<&'a [u8]> {
        memchr::memchr(b'?', self.target).map(|at| &self.target[at + 1..])
    }
}

/// See [`Access::has_syntax`].
const SYNTAX: [bool; 256] = {
    let mut table = [false; 256];
    let marks = b"'\"`<>(){};|$\\";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    let mut control = 0;
    while control < b' ' {
        table[control as usize] = true;
        control += 1;
    }
    table
};

/// A record of an error log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorRecord<'a> {
    /// When.
    pub time: Time,
    /// As in [`Access::utc_offset`]; most error logs write no zone.
    pub utc_offset: Option<UtcOffset>,
    /// Which program wrote it, where the log holds those of several: `kernel`, `mysqld`.
    pub program: Option<&'a [u8]>,
    /// `error`, `crit`, `notice`, ... as logged.
    pub level: &'a [u8],
    /// The client the message is about.
    pub client: Option<Client>,
    /// The message: Apache's text from the `AHnnnnn` code on (with the system error before it, where
    /// there is one: `(28)No space left on device: AH00646: ...`), nginx's text after `*CONN`,
    /// without the context fields below.
    pub message: &'a [u8],
    /// The request line that nginx adds, without quotes.
    pub request: Option<&'a [u8]>,
    /// The referer that Apache and nginx add.
    pub referer: Option<&'a [u8]>,
}

/// Why a line is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unparsed {
    /// The line ends before the format's fields do.
    Truncated,
    /// No time, or one that no calendar has.
    BadTime,
    /// The status or size field is no number.
    BadNumber,
    /// Nothing of the format is recognisable.
    NotThisFormat,
    /// Longer than a line may be; only its beginning was looked at.
    TooLong,
    /// Describes the lines after it, as `#Fields:` does; counted among the blank ones.
    Header,
}

impl Unparsed {
    /// The reason as the report words it.
    pub fn reason(self) -> &'static str {
        match self {
            Unparsed::Truncated => "the line ends too early",
            Unparsed::BadTime => "no readable time",
            Unparsed::BadNumber => "status or size is not a number",
            Unparsed::NotThisFormat => "not in the format of the file",
            Unparsed::TooLong => "line too long",
            Unparsed::Header => "a header",
        }
    }
}

/// True for what a browser pulls in after a page: images, styles, scripts, fonts, media.
pub fn is_asset(path: &[u8]) -> bool {
    /// What hands out images, styles and scripts under a name without their extension: the image optimisers of Next.js
    /// (`images.path` in its documentation) and Vercel, MediaWiki's ResourceLoader, WordPress' loaders of several at once.
    const LOADERS: [&[u8]; 5] = [
        b"/_next/image",
        b"/_vercel/image",
        b"/load.php",
        b"/load-styles.php",
        b"/load-scripts.php",
    ];
    /// The longest extension.
    const LONGEST: usize = 11;
    let tail = &path[path.len().saturating_sub(LONGEST + 1)..];
    let dot = tail.iter().rposition(|byte| *byte == b'.');
    let extension = dot.map_or(&[][..], |dot| &tail[dot + 1..]);
    let mut lower = [0; LONGEST];
    let lower = &mut lower[..extension.len()];
    lower.copy_from_slice(extension);
    lower.make_ascii_lowercase();
    match &*lower {
        b"css" | b"js" | b"mjs" | b"map" | b"png" | b"jpg" | b"jpeg" | b"gif" | b"webp"
        | b"avif" | b"svg" | b"ico" | b"bmp" | b"woff" | b"woff2" | b"ttf" | b"otf" | b"eot"
        | b"mp4" | b"webm" | b"m3u8" | b"m4s" | b"ts" | b"mp3" | b"webmanifest" => true,
        b"" | b"php" => LOADERS.iter().any(|loader| path.ends_with(loader)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_asset;

    #[test]
    fn loaders_hand_out_assets_under_a_name_without_extension() {
        for path in [
            "/_next/image",
            "/shop/_next/image",
            "/w/load.php",
            "/a.css",
            "/A.PNG",
        ] {
            assert!(is_asset(path.as_bytes()), "{path}");
        }
        for path in ["/", "/image", "/upload.php", "/next/image", "/index.php"] {
            assert!(!is_asset(path.as_bytes()), "{path}");
        }
    }
}

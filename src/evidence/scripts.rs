//! Scripts of a site that few requests ask for, and what those who ask for them do: what tells a web shell, whose
//! name nobody knows beforehand, from an admin's page or a job that runs every hour.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::event::Access;
use crate::evidence::capped::CappedMap;
use crate::evidence::clients::Span;
use crate::evidence::endpoints::{PathStats, TextMap};
use crate::evidence::filed::{Lawful, lawful};
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::weight::{Weigh, allocated, tree};
use crate::merge::Merge;

/// Scripts watched at most: those with the fewest requests.
const MAX_SCRIPTS: usize = 2_000;

/// Requests from which a script may be in use.
const LEAST_REQUESTS: u32 = 3;

/// A script that more than this share of all requests ask for is a part of the site.
const RARE: f64 = 0.05;

/// Users kept per script.
const MAX_USERS: usize = 64;

/// Different sizes of answers kept per user.
const SIZES_KEPT: usize = 16;

/// Lines kept as proof per user.
pub const USES_KEPT: usize = 5;

/// What servers run as a program when it lies in a folder that they serve (Apache `AddHandler`, IIS and Tomcat
/// defaults).
const EXTENSIONS: &[&[u8]] = &[
    b"php", b"php3", b"php4", b"php5", b"php7", b"php8", b"phtml", b"pht", b"phar", b"asp",
    b"aspx", b"ashx", b"asmx", b"jsp", b"jspx", b"jspf", b"cfm", b"cgi", b"pl",
];

/// Folders that a site writes what visitors bring into, or keeps pictures and styles in: no program belongs there.
const FOLDERS: &[&[u8]] = &[
    b"upload",
    b"uploads",
    b"uploaded",
    b"files",
    b"userfiles",
    b"media",
    b"images",
    b"image",
    b"img",
    b"pictures",
    b"photos",
    b"avatar",
    b"avatars",
    b"attachments",
    b"tmp",
    b"temp",
    b"cache",
    b"fonts",
    b"css",
    b"static",
    b"banners",
    b".well-known",
];

/// Names of parameters that take a command in shells of all sorts, and what shells are asked first.
const COMMANDS: &[&[u8]] = &[
    b"id",
    b"whoami",
    b"pwd",
    b"ls",
    b"dir",
    b"uname",
    b"hostname",
    b"ps",
    b"netstat",
    b"ifconfig",
    b"ipconfig",
    b"w",
    b"env",
    b"set",
    b"ver",
    b"df",
    b"phpinfo();",
    b"history",
];

/// A script, and who used it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Script {
    /// Its path.
    #[serde(with = "crate::evidence::filed::bytes")]
    pub path: Box<[u8]>,
    /// By client.
    pub users: CappedMap<Client, Uses>,
}

impl Script {
    /// A script that nobody asked for yet.
    pub fn new(path: &[u8]) -> Script {
        Script {
            path: path.into(),
            users: CappedMap::new(MAX_USERS),
        }
    }

    /// Counts a request.
    pub fn note(&mut self, client: Client, once: Use) {
        let none = || Uses {
            span: Span {
                count: 0,
                ..Span::once(once.at.time)
            },
            answered: 0,
            posts: 0,
            commands: 0,
            sizes: BTreeSet::new(),
            first: FirstK::default(),
        };
        if let Some(uses) = self.users.entry(client, none) {
            uses.note(once);
        }
    }

    /// True when it lies where no program belongs.
    pub fn is_misplaced(&self) -> bool {
        let mut folders = self.path.split(|byte| *byte == b'/');
        folders.next_back();
        folders.any(|folder| {
            FOLDERS
                .iter()
                .any(|known| folder.eq_ignore_ascii_case(known))
        })
    }
}

impl Weigh for Script {
    fn heap_bytes(&self) -> usize {
        allocated(self.path.len()) + self.users.weight()
    }
}

impl Weigh for Uses {
    fn heap_bytes(&self) -> usize {
        tree::<u64, ()>(self.sizes.len()) + self.first.heap_bytes()
    }
}

impl Merge for Script {
    fn merge(&mut self, other: Script) {
        self.users.merge(other.users);
    }
}

/// One client's requests for a script.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Uses {
    /// How many, the first and the last.
    pub span: Span,
    /// Answered with 2xx.
    pub answered: u64,
    /// Sent with a body.
    pub posts: u64,
    /// With a parameter that reads like a command.
    pub commands: u64,
    /// Different sizes of answers with 2xx, at most `SIZES_KEPT`.
    pub sizes: BTreeSet<u64>,
    /// The first answered ones.
    pub first: FirstK<Locator, USES_KEPT>,
}

/// One request for a script.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    at: Locator,
    ok: bool,
    post: bool,
    command: bool,
    bytes: Option<u64>,
}

impl Use {
    /// What a record says about the use of its script.
    pub fn of(access: &Access<'_>, at: Locator) -> Use {
        Use {
            at,
            ok: matches!(access.status, Some(200..=299)),
            post: access.method == b"POST",
            command: access.query().is_some_and(has_command),
            bytes: access.bytes,
        }
    }
}

impl Uses {
    fn note(&mut self, once: Use) {
        self.span.merge(Span::once(once.at.time));
        self.answered += u64::from(once.ok);
        self.posts += u64::from(once.ok && once.post);
        self.commands += u64::from(once.ok && once.command);
        if once.ok {
            self.sizes.extend(once.bytes);
            self.first.push(once.at);
        }
        self.bound();
    }

    /// Keeps the smallest sizes, so that the order of arrival does not matter.
    fn bound(&mut self) {
        while self.sizes.len() > SIZES_KEPT {
            self.sizes.pop_last();
        }
    }
}

impl Lawful for Uses {
    fn is_lawful(&self) -> bool {
        self.sizes.len() <= SIZES_KEPT
    }
}
lawful!(Uses);

impl Merge for Uses {
    fn merge(&mut self, other: Uses) {
        self.span.merge(other.span);
        self.answered.merge(other.answered);
        self.posts.merge(other.posts);
        self.commands.merge(other.commands);
        self.sizes.extend(other.sizes);
        self.first.merge(other.first);
        self.bound();
    }
}

/// True when the value of a parameter is a command: one that shells are asked first, or words with blanks and
/// paths between them. People's searches have blanks, but no paths and options.
fn has_command(query: &[u8]) -> bool {
    query.split(|byte| *byte == b'&').any(|part| {
        let value = memchr::memchr(b'=', part).map_or(part, |at| &part[at + 1..]);
        let finds = |text: &[u8]| memchr::memmem::find(value, text).is_some();
        let blank = finds(b"+") || finds(b"%20") || finds(b"${IFS}");
        let odd = [
            "/", "%2F", "%2f", "+-", "%20-", "%7C", "|", "%3B", ";", "*", "%3E",
        ];
        COMMANDS.contains(&value) || blank && odd.iter().any(|text| finds(text.as_bytes()))
    })
}

/// The scripts worth watching, by hash: asked for more than once and seldom. Of too many, those with the fewest
/// requests.
pub fn script_candidates(paths: &TextMap<PathStats>, requests: u64) -> HashMap<u64, &[u8]> {
    let rare = |count: u32| count >= LEAST_REQUESTS && f64::from(count) <= RARE * requests as f64;
    let mut found: Vec<(u32, &[u8], u64)> = paths
        .iter()
        .filter(|(_, path)| rare(path.stats.requests) && is_script(&path.text))
        .map(|(hash, path)| (path.stats.requests, &*path.text, *hash))
        .collect();
    found.sort_unstable();
    found.truncate(MAX_SCRIPTS);
    let by_hash = found.into_iter().map(|(_, path, hash)| (hash, path));
    by_hash.collect()
}

fn is_script(path: &[u8]) -> bool {
    let name = memchr::memrchr(b'/', path).map_or(path, |at| &path[at + 1..]);
    memchr::memrchr(b'.', name).is_some_and(|dot| {
        let extension = &name[dot + 1..];
        EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_what_people_type() {
        for query in [
            "z=id",
            "c=ls%20-la",
            "x=cat+/etc/passwd",
            "a=1&q=ps+aux|grep+x",
        ] {
            assert!(has_command(query.as_bytes()), "{query}");
        }
        for query in [
            "q=red+lamp",
            "id=7",
            "page=2&sort=price",
            "file=a/b.jpg",
            "",
        ] {
            assert!(!has_command(query.as_bytes()), "{query}");
        }
    }

    #[test]
    fn programs_do_not_belong_among_pictures() {
        assert!(Script::new(b"/wp-content/uploads/2024/x.php").is_misplaced());
        assert!(!Script::new(b"/admin/upload.php").is_misplaced());
        assert!(is_script(b"/a/b.PHP") && !is_script(b"/a/b.jpg") && !is_script(b"/a.php/b"));
    }
}

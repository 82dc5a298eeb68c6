//! What each client's payloads weigh: how sure and how grave they are, and whether they were aimed at this site or
//! strewn over the Internet.
//!
//! Every public server is probed at random, mostly for software that it does not run. What tells an attacker of this
//! site is aim: payloads in parameters and below directories that ordinary visitors use.

use hashbrown::HashMap;

use crate::attempts::REFERER;
use crate::category::Category;
use crate::client::Client;
use crate::evidence::capped::{hash_bytes, mix64};
use crate::evidence::clients::Span;
use crate::evidence::endpoints::{Attempts, Endpoint};
use crate::finding::Case;
use crate::merge::Merge;

/// Points of an aimed line that leaves no doubt ...
pub const SURE: u64 = 4;

/// ... the same where it would run code or read files, if it worked: nobody types that by accident ...
const GRAVE: u64 = 6;

/// ... and of an aimed line of medium confidence.
const LIKELY: u64 = 3;

/// The home page is known to everybody, so that payloads there are aimed half as much.
const HOME_DIVISOR: u64 = 2;

/// Requests to a directory that ordinary visitors get answers from. One or two may be an attacker's own.
const ORDINARY: u64 = 3;

/// What one client sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aim {
    /// What it sent at this site.
    pub aimed: Sent,
    /// Weight of that.
    pub points: u64,
    /// One of the attacked pages answered somebody's payload with more than it ever gives visitors.
    pub rewarded: bool,
    /// What anybody could have sent to any server.
    pub strewn: Sent,
}

/// Payloads of one client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Attempts, the first and the last.
    pub span: Option<Span>,
    /// Those that leave no doubt.
    pub high: u64,
    /// Where they aimed, or by which exploit, hashed and sorted.
    pub targets: Vec<u64>,
    /// Their categories, hashed and sorted.
    pub kinds: Vec<u64>,
}

impl Sent {
    /// Attempts.
    pub fn lines(&self) -> u64 {
        self.span.map_or(0, |span| span.count)
    }

    fn note(&mut self, attempts: &Attempts, target: u64, category: Category) {
        self.span.merge(Some(attempts.span));
        self.high += attempts.high;
        insert(&mut self.targets, target);
        insert(&mut self.kinds, category.index() as u64);
    }
}

fn insert(sorted: &mut Vec<u64>, value: u64) {
    if let Err(at) = sorted.binary_search(&value) {
        sorted.insert(at, value);
    }
}

/// Where an endpoint is.
enum Place {
    /// On this site: how to tell the target, and by what the weight is divided.
    Own(u64, u64),
    /// Anywhere: by which exploit.
    Anywhere(u64),
    /// In a referer, which may be the echo of another request.
    Echo,
}

/// What every client with payloads sent.
pub fn aims(case: &Case<'_>) -> HashMap<Client, Aim> {
    let folders = folders(case);
    let mut aims: HashMap<Client, Aim> = HashMap::new();
    for (_, endpoint) in case.access.endpoints.iter() {
        let place = place(case, &folders, endpoint);
        let rewarded = case.oversize(endpoint).is_some();
        for (client, attempts) in endpoint.clients.iter() {
            match place {
                Place::Own(target, divisor) => {
                    let aim = aims.entry(*client).or_default();
                    aim.aimed.note(attempts, target, endpoint.category);
                    aim.points += points(endpoint.category, attempts) / divisor;
                    aim.rewarded |= rewarded;
                }
                Place::Anywhere(exploit) => {
                    let aim = aims.entry(*client).or_default();
                    aim.strewn.note(attempts, exploit, endpoint.category);
                }
                Place::Echo => {}
            }
        }
    }
    aims
}

fn points(category: Category, attempts: &Attempts) -> u64 {
    let sure = match category {
        Category::CommandInjection
        | Category::CodeInjection
        | Category::TemplateInjection
        | Category::Webshell
        | Category::FileInclusion
        | Category::PathTraversal => GRAVE,
        _ => SURE,
    };
    sure * attempts.high + LIKELY * attempts.span.count.saturating_sub(attempts.high)
}

fn place(case: &Case<'_>, folders: &HashMap<u64, u64>, endpoint: &Endpoint) -> Place {
    let own = |place: &[u8]| {
        let parameter = endpoint.parameter.as_deref().map_or(0, hash_bytes);
        mix64(hash_bytes(place) ^ parameter.rotate_left(17)) ^ endpoint.category.index() as u64
    };
    let jndi = endpoint.category == Category::JndiInjection;
    match endpoint.parameter.as_deref() {
        Some(REFERER) if !jndi => Place::Echo,
        // Whoever sprays look-ups does so wherever a server may log them.
        _ if jndi => Place::Anywhere(exploit(endpoint)),
        Some(parameter) if is_header(parameter) => Place::Anywhere(exploit(endpoint)),
        Some(_) if &*endpoint.path == b"/" && case.is_own_path(b"/") => {
            Place::Own(own(b"/"), HOME_DIVISOR)
        }
        Some(_) if case.is_own_path(&endpoint.path) => Place::Own(own(&endpoint.path), 1),
        None => match folder_before_payload(&endpoint.path) {
            Some(folder)
                if folders
                    .get(&hash_bytes(folder))
                    .is_some_and(|n| *n >= ORDINARY) =>
            {
                Place::Own(own(folder), 1)
            }
            _ => Place::Anywhere(exploit(endpoint)),
        },
        Some(_) => Place::Anywhere(exploit(endpoint)),
    }
}

/// Names of headers begin with a capital or hold a blank, as `attempts` writes them; parameters of pages may too,
/// but not these.
fn is_header(parameter: &[u8]) -> bool {
    parameter == b"User-Agent" || parameter == b"another header"
}

/// What tells an exploit wherever it is sent: its category and the first pattern that knows it. Look-ups come in
/// endless disguises and are one.
fn exploit(endpoint: &Endpoint) -> u64 {
    let pattern = match endpoint.category {
        Category::JndiInjection => None,
        _ => endpoint.patterns.first(),
    };
    mix64(endpoint.category.index() as u64 ^ pattern.map_or(0, |id| u64::from(*id) << 8))
}

/// The folder in which a payload stands in the path's place of a name, if it stands there: `/stock/` of
/// `/stock/7%27%20OR%201=1`. Not the root.
fn folder_before_payload(path: &[u8]) -> Option<&[u8]> {
    let ordinary = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte);
    let odd = path.iter().position(|byte| !ordinary(byte));
    let dots = memchr::memmem::find(path, b"/../").map(|at| at + 1);
    let payload = odd.into_iter().chain(dots).min()?;
    let slash = memchr::memrchr(b'/', &path[..payload])?;
    (slash > 0).then(|| &path[..=slash])
}

/// How often ordinary visitors got something from each folder, by hash of its path.
fn folders(case: &Case<'_>) -> HashMap<u64, u64> {
    let mut folders: HashMap<u64, u64> = HashMap::new();
    for (_, path) in case.access.paths.iter() {
        let end = memchr::memrchr(b'/', &path.text).filter(|end| *end > 0);
        if let (Some(end), true) = (end, path.stats.ordinary > 0) {
            *folders.entry(hash_bytes(&path.text[..=end])).or_default() +=
                u64::from(path.stats.ordinary);
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_in_the_path_tells_its_folder() {
        let folder = |path: &str| {
            folder_before_payload(path.as_bytes())
                .map(|folder| String::from_utf8_lossy(folder).into_owned())
        };
        assert_eq!(
            folder("/api/stock/7%27%20or").as_deref(),
            Some("/api/stock/")
        );
        assert_eq!(
            folder("/files/../../etc/passwd").as_deref(),
            Some("/files/")
        );
        assert_eq!(folder("/%2e%2e/etc/passwd"), None);
        assert_eq!(folder("/vendor/phpunit/eval-stdin.php"), None);
    }
}

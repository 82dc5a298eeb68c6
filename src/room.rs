//! How the memory that the survey left is divided among the closer looks.
//!
//! A window gets room for the clients and texts that it can have at most; where that is too much for all, what is large
//! gets less and what is small keeps what it needs. This rests on the survey's counts, which are the same however the
//! logs were read, and so is the result.

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::evidence::caps::{Caps, Share, divide};
use crate::evidence::endpoints::Text;
use crate::evidence::first::Locator;
use crate::evidence::weight::{INDEX_BYTES, allocated};
use crate::focus::{ANSWER_SAMPLES, Detail, NAMED_BYTES, Presence, Room, Sight, Subject, Window};

/// Bytes of a client in a window that asks for a few pages.
const CLIENT_BYTES: u64 =
    (size_of::<(Client, Presence)>() + INDEX_BYTES + NAMED_BYTES + 2 * allocated(4 * 16)) as u64;

/// Bytes of a path or a user agent of ordinary length.
const TEXT_BYTES: u64 = (size_of::<(u64, Text<u64>)>() + INDEX_BYTES + allocated(120)) as u64;

/// Statuses of an ordinary window, of each of which all samples are kept.
const STATUSES: usize = 16;

/// A window's samples of answers take at most this share of the room for all windows.
const ANSWERS: usize = 8;

/// The memory for all closer looks, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Purse {
    bytes: u64,
}

/// One sort of closer look, and the share (in hundredths) of the purse that it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Bursts, and runs of POST requests.
    Bursts,
    /// What rises: paths, networks, clients.
    Rises,
    /// Failures that no burst covers.
    Failures,
    /// What clusters cost.
    Tallies,
    /// What clients asked for by the minute.
    Paces,
}

impl Look {
    fn hundredths(self) -> u64 {
        match self {
            Look::Bursts => 40,
            Look::Rises => 25,
            Look::Failures => 10,
            Look::Tallies => 15,
            Look::Paces => 10,
        }
    }

    /// Who is who is asked in bursts alone.
    fn detail(self) -> Detail {
        match self {
            Look::Bursts => Detail::Conduct,
            Look::Rises | Look::Failures | Look::Tallies | Look::Paces => Detail::Requests,
        }
    }
}

impl Purse {
    /// What the survey of the access logs left.
    pub fn new(caps: &Caps, access: &AccessCounts) -> Purse {
        let own = caps.of(Share::Windows) + caps.of(Share::Tallies);
        Purse {
            bytes: (own + access.spare_bytes()) as u64,
        }
    }

    /// Bytes for one sort of look.
    pub fn of(&self, look: Look) -> usize {
        usize::try_from(self.bytes / 100 * look.hundredths()).unwrap_or(usize::MAX)
    }

    /// Windows with the room that each gets.
    pub fn sights(
        &self,
        look: Look,
        access: &AccessCounts,
        windows: &[(Window, Subject)],
    ) -> Vec<Sight> {
        let total = self.of(look);
        let most = STATUSES * ANSWER_SAMPLES * size_of::<(Locator, Client)>();
        let answers = most.min(total / ANSWERS / windows.len().max(1));
        let left = (total - answers * windows.len()) as u64;
        let needs: Vec<Need> = windows
            .iter()
            .map(|(window, subject)| Need::of(access, window, *subject))
            .collect();
        let bytes: Vec<u64> = needs.iter().map(Need::bytes).collect();
        let shares = divide(left, &bytes);
        // What nobody needs is shared by all, in case that texts are longer than they usually are.
        let spare = left - shares.iter().sum::<u64>();
        let all = bytes.iter().sum::<u64>().max(1);
        let sights = windows.iter().zip(&needs).zip(shares);
        sights
            .map(|(((window, subject), need), share)| {
                let extra = (u128::from(spare) * u128::from(need.bytes()) / u128::from(all)) as u64;
                Sight {
                    window: *window,
                    subject: *subject,
                    detail: look.detail(),
                    room: need.room(share + extra, answers),
                }
            })
            .collect()
    }
}

/// How many clients and texts a window has at most.
struct Need {
    clients: u64,
    paths: u64,
    agents: u64,
}

impl Need {
    fn of(access: &AccessCounts, window: &Window, subject: Subject) -> Need {
        let minutes = access.minutes.between(window.start, window.end);
        let requests: u64 = minutes.map(|minute| u64::from(minute.requests)).sum();
        let width = access.buckets.width_s();
        let (first, last) = (window.start.div_euclid(width), window.end.div_euclid(width));
        let clients = access.bucket_clients.between(first, last);
        let clients = clients.min(access.clients.distinct()).min(requests);
        let paths = access.paths.distinct().min(requests);
        let agents = access.agents.distinct().min(requests);
        let one = |count: u64| count.min(1);
        match subject {
            Subject::Client(_) => Need {
                clients: one(clients),
                paths,
                agents,
            },
            Subject::Path(_) => Need {
                clients,
                paths: one(paths),
                agents,
            },
            _ if window.posts_to.is_some() => Need {
                clients,
                paths: one(paths),
                agents,
            },
            _ => Need {
                clients,
                paths,
                agents,
            },
        }
    }

    /// One of each at least, so that nothing is without room.
    fn parts(&self) -> [u64; 3] {
        [
            (self.clients + 1) * CLIENT_BYTES,
            (self.paths + 1) * TEXT_BYTES,
            (self.agents + 1) * TEXT_BYTES,
        ]
    }

    fn bytes(&self) -> u64 {
        self.parts().iter().sum()
    }

    /// Divides `bytes` among clients, paths and user agents.
    fn room(&self, bytes: u64, answers: usize) -> Room {
        let whole = u128::from(self.bytes());
        let part = |need: u64| {
            let part = u128::from(bytes) * u128::from(need) / whole;
            usize::try_from(part).unwrap_or(usize::MAX)
        };
        let [clients, paths, agents] = self.parts();
        Room {
            clients: part(clients),
            paths: part(paths),
            agents: part(agents),
            answers,
        }
    }
}

//! Did somebody guess passwords?
//!
//! What shows in an access log: many POST requests to one path, far above its own baseline, most of
//! them refused or all answered alike. Accounts are not visible.

use crate::client::Client;
use crate::evidence::endpoints::PathStats;
use crate::finding::{Case, Finding, Kind};
use crate::focus::WindowCounts;
use crate::plan::Stretch;
use crate::suspects::ranked;
use crate::terms::Role;
use crate::time::Time;

/// Parts of paths at which people log in, as frameworks and products name them.
const LOGIN_WORDS: [&[u8]; 9] = [
    b"login",
    b"logon",
    b"signin",
    b"sign-in",
    b"sign_in",
    b"auth",
    b"session",
    b"xmlrpc.php",
    b"token",
];

/// Share of answers with 401 or 403 that marks a path as one that checks passwords, whatever its name.
const DENIED: f64 = 0.5;

/// Attempts from one client that no person makes at a login form within one burst.
const ATTEMPTS: u64 = 5;

/// A burst spread over more clients than this, each with few attempts, is credential stuffing.
const SPREAD_CLIENTS: u64 = 50;

/// One finding for each burst of POST requests to a login path.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let windows = &case.windows[case.plan.bursts.len().min(case.windows.len())..];
    let bursts = case.plan.posts.iter().zip(windows).enumerate();
    bursts
        .filter_map(|(index, ((path, stretch), counts))| {
            let path = case.access.paths.get(path)?;
            is_login(&path.text, &path.stats)
                .then(|| finding(&path.text, stretch, counts, case.plan.bursts.len() + index))
        })
        .collect()
}

fn is_login(path: &[u8], stats: &PathStats) -> bool {
    let lower = path.to_ascii_lowercase();
    let named = LOGIN_WORDS
        .iter()
        .any(|word| memchr::memmem::find(&lower, word).is_some());
    let denied = stats
        .posts
        .as_ref()
        .is_some_and(|posts| f64::from(posts.denied) >= DENIED * posts.total() as f64);
    named || denied
}

fn finding(path: &[u8], stretch: &Stretch, counts: &WindowCounts, window: usize) -> Finding {
    let ranked = ranked(&counts.clients);
    let busy: Vec<Client> = ranked
        .iter()
        .filter(|(_, posts)| *posts >= ATTEMPTS)
        .map(|(client, _)| *client)
        .collect();
    let spread =
        busy.is_empty() || ranked.len() as u64 >= SPREAD_CLIENTS && busy.len() * 2 < ranked.len();
    let mut clients = if spread {
        ranked.iter().map(|(client, _)| *client).collect()
    } else {
        busy
    };
    clients.sort_unstable();
    let reasons = vec![format!(
        "{} POST requests to {} ({:.1} times its baseline) from {} clients",
        stretch.count,
        crate::text::visible(path),
        stretch.ratio,
        clients.len()
    )];
    Finding {
        kind: Kind::BruteForce {
            path: path.into(),
            stretch: *stretch,
            window,
        },
        start: Time::from_secs(stretch.start),
        end: Time::from_secs(stretch.end),
        clients,
        role: Some(Role::BruteForcer),
        confidence: 0.6 + 0.35 * (1.0 - (-(stretch.count as f64) / 200.0).exp()),
        reasons,
        samples: Vec::new(),
    }
}

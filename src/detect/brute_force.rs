//! Did somebody guess passwords?
//!
//! What shows in an access log: many POST requests to one path, far above its own baseline, most of
//! them refused or all answered alike. Accounts are not visible.

use crate::client::Client;
use crate::finding::{Case, Finding, Kind};
use crate::focus::WindowCounts;
use crate::plan::Stretch;
use crate::suspects::ranked;
use crate::terms::Role;
use crate::time::Time;

/// Attempts from one client that no person makes at a login form within one burst.
const ATTEMPTS: u64 = 5;

/// A burst spread over more clients than this, each with few attempts, is credential stuffing.
const SPREAD_CLIENTS: u64 = 50;

/// A burst at a login that is less than this share of a burst of everything is a part of that.
const FLOOD_PART: f64 = 0.3;

/// One finding for each burst of POST requests to a login path.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let windows = &case.windows[case.plan.bursts.len().min(case.windows.len())..];
    let bursts = case.plan.posts.iter().zip(windows).enumerate();
    bursts
        .filter_map(|(index, ((hash, stretch), counts))| {
            if is_part_of_flood(case, stretch) {
                return None;
            }
            let path = case.access.paths.get(hash)?;
            case.is_login(*hash)
                .then(|| finding(&path.text, stretch, counts, case.plan.bursts.len() + index))
        })
        .collect()
}

/// True when a flood of everything also reached the login form.
fn is_part_of_flood(case: &Case<'_>, stretch: &Stretch) -> bool {
    let overlaps = |burst: &&Stretch| burst.start <= stretch.end && burst.end >= stretch.start;
    let mut floods = case.plan.bursts.iter().filter(overlaps);
    floods.any(|burst| (stretch.count as f64) < FLOOD_PART * burst.excess as f64)
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
        // From 0.6, just above the threshold, towards 0.95; two hundred attempts are two thirds of the way.
        confidence: 0.6 + 0.35 * (1.0 - (-(stretch.count as f64) / 200.0).exp()),
        reasons,
        samples: Vec::new(),
    }
}

//! Did somebody guess passwords?
//!
//! What shows in an access log: many POST requests to one path, far above its own baseline, most of
//! them refused or all answered alike. Accounts are not visible.

use crate::client::Client;
use crate::evidence::first::Locator;
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

/// An answer is rare when at most this share of the attempts get it.
const RARE_ANSWER: f64 = 0.05;

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
            case.is_login(*hash).then(|| {
                finding(
                    case,
                    &path.text,
                    stretch,
                    counts,
                    case.plan.bursts.len() + index,
                )
            })
        })
        .collect()
}

/// True when a flood of everything also reached the login form.
fn is_part_of_flood(case: &Case<'_>, stretch: &Stretch) -> bool {
    let overlaps = |burst: &&Stretch| burst.start <= stretch.end && burst.end >= stretch.start;
    let mut floods = case.plan.bursts.iter().filter(overlaps);
    floods.any(|burst| (stretch.count as f64) < FLOOD_PART * burst.excess as f64)
}

fn finding(
    case: &Case<'_>,
    path: &[u8],
    stretch: &Stretch,
    counts: &WindowCounts,
    window: usize,
) -> Finding {
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
    // Who loads the images and scripts of pages is a customer who logs in.
    clients.retain(|client| {
        !case
            .access
            .clients
            .get(client)
            .is_some_and(|stats| stats.browses())
    });
    clients.sort_unstable();
    let reasons = vec![format!(
        "{} to {} ({:.0} times its baseline) from {}",
        crate::text::counted(stretch.count, "POST request", "POST requests"),
        crate::text::visible(path),
        stretch.ratio,
        crate::text::counted(clients.len() as u64, "client", "clients")
    )];
    Finding {
        kind: Kind::BruteForce {
            path: path.into(),
            stretch: *stretch,
            window,
            successes: successes(counts, &clients),
        },
        start: Time::from_secs(stretch.start),
        end: Time::from_secs(stretch.end),
        clients,
        role: Some(Role::BruteForcer),
        // From 0.6, just above the threshold, towards 0.95; two hundred attempts are two thirds of the way.
        confidence: 0.6 + 0.35 * (1.0 - (-(stretch.count as f64) / 200.0).exp()),
        reasons,
        samples: first_attempts(counts),
    }
}

/// The first attempts, whatever their answer.
fn first_attempts(counts: &WindowCounts) -> Vec<Locator> {
    /// Lines shown.
    const SHOWN: usize = 3;
    let answers = counts
        .answers
        .values()
        .flat_map(|answers| answers.first.as_slice());
    let mut first: Vec<Locator> = answers.map(|(at, _)| *at).collect();
    first.sort_unstable();
    first.truncate(SHOWN);
    first
}

/// The answer that most attempts get means "wrong password". A rare other one that lets the client go on
/// (2xx or 3xx), given to one of those who guess, probably means "welcome".
fn successes(counts: &WindowCounts, clients: &[Client]) -> Vec<Locator> {
    let most = counts
        .answers
        .iter()
        .max_by_key(|(status, answers)| (answers.count, **status));
    let Some((failure, _)) = most else {
        return Vec::new();
    };
    let all: u64 = counts.answers.values().map(|answers| answers.count).sum();
    let welcome = counts.answers.iter().filter(|(status, answers)| {
        (200..400).contains(*status)
            && *status != failure
            && answers.count as f64 <= RARE_ANSWER * all as f64
    });
    let ours = welcome
        .flat_map(|(_, answers)| answers.first.as_slice())
        .filter(|(_, client)| clients.binary_search(client).is_ok());
    let mut found: Vec<Locator> = ours.map(|(at, _)| *at).collect();
    found.sort_unstable();
    found
}

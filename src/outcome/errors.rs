//! Did the database complain when an attempt came? Each of its errors is laid to the attempt of the same client that is
//! nearest in time, so that a client that tries many places is not blamed for one error at all of them.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::{Scene, Sign, Weight};
use crate::client::Client;
use crate::evidence::capped::hash_bytes;
use crate::evidence::endpoints::Endpoint;
use crate::evidence::first::Locator;
use crate::finding::Case;
use crate::survey::ErrorCounts;
use crate::text::counted;

/// An error belongs to an attempt of the same client when it comes this close, in seconds: Apache logs the start of
/// a request, and a statement may run for a while.
const SAME_CLIENT_S: i64 = 5;

/// An attempt: when, whether it was answered as a failure, and at which place.
struct Moment {
    secs: i64,
    failed: bool,
    place: u64,
}

/// Database errors by the place that they are laid to.
pub(super) struct Blamed {
    by_place: HashMap<u64, Vec<(Locator, Client)>>,
}

impl Blamed {
    pub(super) fn of(case: &Case<'_>, errors: &ErrorCounts) -> Blamed {
        let mut moments: HashMap<Client, Vec<Moment>> = HashMap::new();
        for (_, endpoint) in case.access.endpoints.iter() {
            for attempt in endpoint.tries.as_slice() {
                moments.entry(attempt.client).or_default().push(Moment {
                    secs: attempt.at.time.secs(),
                    failed: attempt.answer.is_failure(),
                    place: place(endpoint),
                });
            }
        }
        let mut by_place: HashMap<u64, Vec<(Locator, Client)>> = HashMap::new();
        for (client, moments) in &moments {
            let known = errors.database.get(client);
            for error in known.map_or(&[][..], |first| first.as_slice()) {
                let apart = |moment: &Moment| (moment.secs - error.time.secs()).abs();
                let nearest = moments
                    .iter()
                    .min_by_key(|moment| (apart(moment), !moment.failed, moment.place));
                if let Some(moment) = nearest.filter(|moment| apart(moment) <= SAME_CLIENT_S) {
                    let blamed = by_place.entry(moment.place).or_default();
                    blamed.push((*error, *client));
                }
            }
        }
        Blamed { by_place }
    }

    pub(super) fn sign(&self, scene: &Scene<'_>) -> Option<Sign> {
        if !scene.is_query() {
            return None;
        }
        let found = self.by_place.get(&place(scene.endpoint))?;
        let clients: BTreeSet<Client> = found.iter().map(|(_, client)| *client).collect();
        let first = found.iter().map(|(at, _)| *at).min()?;
        let reason = format!(
            "within {SAME_CLIENT_S} s of an attempt of the same client, the database refused at least {} of {}",
            counted(found.len() as u64, "statement", "statements"),
            counted(clients.len() as u64, "client", "clients")
        );
        Some(Sign {
            weight: Weight::Reached,
            reason,
            lines: vec![first],
        })
    }
}

/// A place whatever was tried there.
fn place(endpoint: &Endpoint) -> u64 {
    let parameter = endpoint.parameter.as_deref().map_or(0, hash_bytes);
    hash_bytes(&endpoint.path) ^ parameter.rotate_left(17)
}

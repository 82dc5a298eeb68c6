//! Did the database complain when an attempt came? Each of its errors is laid to one attempt of the same client, so
//! that a client that tries many places is not blamed for one error at all of them: to the nearest that failed, or else to
//! the nearest.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::{Scene, Sign, Weight};
use crate::client::Client;
use crate::counts::ErrorCounts;
use crate::evidence::capped::hash_bytes;
use crate::evidence::endpoints::Endpoint;
use crate::evidence::first::Locator;
use crate::finding::Case;
use crate::text::counted;

/// An error belongs to an attempt of the same client when it comes this close, in seconds: Apache logs the start of
/// a request, and a statement may run for a while.
const SAME_CLIENT_S: i64 = 5;

/// The same where the attempt was not answered as a failure: what goes wrong in a page that hides it is said at once.
const SAME_SECOND_S: i64 = 1;

/// An attempt: when, whether it was answered as a failure, and at which place.
struct Moment {
    secs: i64,
    failed: bool,
    /// It attacks an interpreter of statements.
    query: bool,
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
            let tries = endpoint.tries.as_slice().iter();
            // Of whom the database says nothing nothing is laid anywhere.
            let known = tries.filter(|attempt| errors.database.get(&attempt.client).is_some());
            for attempt in known {
                moments.entry(attempt.client).or_default().push(Moment {
                    secs: attempt.at.time.secs(),
                    failed: attempt.answer.is_failure(),
                    query: super::is_query(endpoint.category),
                    place: place(endpoint),
                });
            }
        }
        let mut by_place: HashMap<u64, Vec<(Locator, Client)>> = HashMap::new();
        for (client, moments) in &moments {
            let known = errors.database.get(client);
            // Where some attempts fail when the statement is refused, those that do not fail were not refused.
            let hidden = !moments.iter().any(|moment| moment.failed);
            for error in known.map_or(&[][..], |first| first.as_slice()) {
                let apart = |moment: &Moment| (moment.secs - error.time.secs()).abs();
                let near = |moment: &&Moment| match moment.failed {
                    true => apart(moment) <= SAME_CLIENT_S,
                    false => hidden && apart(moment) <= SAME_SECOND_S,
                };
                let nearest = moments.iter().filter(near).min_by_key(|moment| {
                    (!moment.failed, apart(moment), !moment.query, moment.place)
                });
                if let Some(moment) = nearest.filter(|moment| moment.query) {
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

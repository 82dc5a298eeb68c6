//! Does a web shell answer? Not where the server answers any address alike.

use hashbrown::{HashMap, HashSet};

use super::{Scene, Sign, Weight};
use crate::category::Category;
use crate::detect::webshell;
use crate::evidence::endpoints::Endpoint;
use crate::finding::Case;
use crate::text::count;

/// Addresses that nobody else asks for and that are answered with the same size, from which a server has one page for
/// all of them.
const ALIKE: usize = 3;

/// Sizes that a server gives for any address.
pub(super) struct CatchAll {
    sizes: HashSet<u64>,
    /// Paths of scripts that act like web shells.
    shells: HashSet<Box<[u8]>>,
}

impl CatchAll {
    pub(super) fn of(case: &Case<'_>) -> CatchAll {
        let mut paths: HashMap<u64, HashSet<&[u8]>> = HashMap::new();
        for (_, endpoint) in case.access.endpoints.iter() {
            if endpoint.category == Category::Webshell && !case.is_own_path(&endpoint.path) {
                for size in sizes(endpoint) {
                    paths.entry(size).or_default().insert(&endpoint.path);
                }
            }
        }
        let many = |(size, paths): (u64, HashSet<&[u8]>)| (paths.len() >= ALIKE).then_some(size);
        CatchAll {
            sizes: paths.into_iter().filter_map(many).collect(),
            shells: webshell::paths(case).into_iter().collect(),
        }
    }

    pub(super) fn sign(&self, scene: &Scene<'_>) -> Option<Sign> {
        let path = &scene.endpoint.path;
        let through = match scene.endpoint.category {
            Category::Webshell => false,
            // What is sent to a shell is run.
            _ => self.shells.contains(path),
        };
        let named = scene.endpoint.category == Category::Webshell && !scene.own;
        if !through && !named {
            return None;
        }
        let own: HashSet<u64> = sizes(scene.endpoint).collect();
        let different = own.difference(&self.sizes).count();
        if different == 0 {
            return None;
        }
        let answered = scene.tries.iter().filter(|attempt| attempt.answer.is_ok());
        let first = answered.map(|attempt| attempt.at).min()?;
        let reason = format!(
            "{} requests were answered with 2xx, with {different} different sizes, at a path that no ordinary visitor asks for",
            count(u64::from(scene.endpoint.by_class[1]))
        );
        Some(Sign {
            weight: if different > 1 {
                Weight::Proof
            } else {
                Weight::Hint
            },
            reason,
            lines: vec![first],
        })
    }
}

fn sizes(endpoint: &Endpoint) -> impl Iterator<Item = u64> + '_ {
    let tries = endpoint.tries.as_slice().iter();
    tries
        .filter(|attempt| attempt.answer.is_ok())
        .filter_map(|attempt| attempt.answer.bytes)
}

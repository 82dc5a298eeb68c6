//! What each client asked for in vain: pages that the server has not, or not for it.
//!
//! Counts only. Dead links and guesses look alike in number; in variety they do not.

use serde::{Deserialize, Serialize};

use crate::event::Access;
use crate::evidence::capped::hash_bytes;
use crate::evidence::first::{FirstK, Locator};
use crate::evidence::sketch::Sketch;
use crate::evidence::weight::Weigh;
use crate::merge::Merge;

/// Lines kept as examples per client.
const SAMPLES: usize = 5;

/// What one client asked for in vain.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Misses {
    /// Requests.
    pub count: u64,
    /// Their paths, by hash.
    pub paths: Sketch,
    /// Forms of their paths, by hash: names that hold a digit, as ids do, are all the same.
    pub forms: Sketch,
    /// Their user agents, by hash.
    pub agents: Sketch,
    /// The first.
    pub first: FirstK<Locator, SAMPLES>,
}

impl Misses {
    /// Counts a request.
    pub fn note(&mut self, access: &Access<'_>, at: Locator) {
        self.count += 1;
        self.paths.note(hash_bytes(access.path()));
        self.forms.note(form(access.path()));
        self.agents
            .note(hash_bytes(access.user_agent.unwrap_or_default()));
        self.first.push(at);
    }
}

impl Weigh for Misses {
    fn heap_bytes(&self) -> usize {
        let sketches = [&self.paths, &self.forms, &self.agents];
        let sketches: usize = sketches.into_iter().map(Weigh::heap_bytes).sum();
        sketches + self.first.heap_bytes()
    }
}

impl Merge for Misses {
    fn merge(&mut self, other: Misses) {
        self.count.merge(other.count);
        self.paths.merge(other.paths);
        self.forms.merge(other.forms);
        self.agents.merge(other.agents);
        self.first.merge(other.first);
    }
}

/// The form of a path: `/item/17` and `/item/18` have the same.
fn form(path: &[u8]) -> u64 {
    let names = path.split(|byte| *byte == b'/');
    names.fold(0u64, |form, name| {
        let name = match name.iter().any(u8::is_ascii_digit) {
            true => b"0",
            false => name,
        };
        hash_bytes(name) ^ form.rotate_left(7)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_form_and_words_many() {
        let forms = |paths: &[&str]| {
            let mut all: Vec<u64> = paths.iter().map(|path| form(path.as_bytes())).collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        assert_eq!(
            forms(&["/api/item/17", "/api/item/9b-4c", "/api/item/0"]),
            1
        );
        assert_eq!(forms(&["/admin", "/backup", "/old/backup", "/admin/"]), 4);
    }
}

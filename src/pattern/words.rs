//! Words that tell what a client is or a place is for: the packs under `patterns/words/`.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

/// The pack that the binary carries.
const EMBEDDED: &str = include_str!("../../patterns/words/clients.toml");

/// A list of words with one meaning.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordList {
    /// Unique; the code asks for it.
    pub id: String,
    /// What the words name, for people.
    pub title: String,
    /// Lower case; each counts wherever it occurs.
    pub words: Vec<String>,
    /// Why they mean it.
    pub why: String,
    /// Where that is documented.
    pub references: Vec<String>,
    /// Texts with one of the words.
    pub matches: Vec<String>,
    /// Texts with none.
    pub ignores: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    words: Vec<WordList>,
}

/// What words can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A user agent that names itself a robot.
    Robot,
    /// A user agent of a monitor or a health check.
    Monitor,
    /// A path that monitors ask for.
    HealthPath,
    /// A user agent that says it is a browser.
    Browser,
    /// A user agent of a site that fetches pages for others.
    Relay,
    /// A path at which people log in.
    Login,
}

impl Meaning {
    const ALL: [(Meaning, &'static str); 6] = [
        (Meaning::Robot, "robot"),
        (Meaning::Monitor, "monitor"),
        (Meaning::HealthPath, "health_path"),
        (Meaning::Browser, "browser"),
        (Meaning::Relay, "relay"),
        (Meaning::Login, "login"),
    ];

    /// Whether a text has one of the words, in any case. The end of a path counts as a slash.
    pub fn is_in(self, text: &[u8]) -> bool {
        /// Longer than any word that ends in a slash.
        const TAIL: usize = 24;
        let list = COMPILED.iter().find(|(meaning, _)| *meaning == self);
        let end = [&text[text.len().saturating_sub(TAIL)..], b"/"].concat();
        list.is_some_and(|(_, words)| words.is_match(text) || words.is_match(&end))
    }
}

/// The lists, as the pack has them.
///
/// # Errors
/// When the embedded pack does not parse; a test holds that it does.
pub fn lists() -> Result<Vec<WordList>, toml::de::Error> {
    toml::from_str::<Pack>(EMBEDDED).map(|pack| pack.words)
}

/// One automaton for each meaning.
static COMPILED: LazyLock<Vec<(Meaning, AhoCorasick)>> = LazyLock::new(|| {
    let lists = lists().unwrap_or_default();
    let compiled = Meaning::ALL.into_iter().filter_map(|(meaning, id)| {
        let list = lists.iter().find(|list| list.id == id)?;
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(&list.words);
        Some((meaning, words.ok()?))
    });
    compiled.collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_has_its_list_and_every_list_is_proved() {
        let lists = lists().unwrap();
        assert_eq!(lists.len(), Meaning::ALL.len());
        for (meaning, id) in Meaning::ALL {
            let list = lists.iter().find(|list| list.id == id).unwrap();
            assert!(!list.words.is_empty() && !list.why.is_empty() && !list.title.is_empty());
            assert!(!list.references.is_empty(), "{id} has no reference");
            assert!(list.words.iter().all(|word| *word == word.to_lowercase()));
            assert!(!list.matches.is_empty() && !list.ignores.is_empty());
            for text in &list.matches {
                assert!(meaning.is_in(text.as_bytes()), "{id} misses {text}");
            }
            for text in &list.ignores {
                assert!(!meaning.is_in(text.as_bytes()), "{id} takes {text}");
            }
        }
    }
}

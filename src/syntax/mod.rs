//! Grammars of the languages that attacks are written in. Only lists them.
//!
//! Each file tokenises one language and answers with *features*: named structural findings with the
//! place where they were seen. None knows about requests, patterns or confidence. All read the
//! decoded, lower-case view.

/// Declares the features of a grammar and the facts that hold where each was first seen.
macro_rules! features {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal),+ $(,)?) => {
        /// What this grammar can find.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Feature { $($(#[doc = $doc])+ $variant),+ }

        impl Feature {
            const ALL: &'static [Feature] = &[$(Feature::$variant),+];

            /// The names that packs use, in order.
            pub fn names() -> Vec<&'static str> {
                vec![$($name),+]
            }

            /// What it is, in words: its documentation.
            pub fn about(self) -> &'static str {
                const ABOUT: &[&str] = &[$(concat!($($doc),+)),+];
                ABOUT[self as usize].trim_ascii()
            }

            /// Reads a name.
            pub fn parse(name: &str) -> Option<Feature> {
                Feature::names()
                    .iter()
                    .position(|known| *known == name)
                    .map(|at| Feature::ALL[at])
            }
        }

        /// What was found in one text.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Facts {
            seen: [Option<(usize, usize)>; Feature::ALL.len()],
        }

        impl Facts {
            /// Where a feature was first seen: byte offsets, end exclusive.
            pub fn span(&self, feature: Feature) -> Option<(usize, usize)> {
                self.seen[feature as usize]
            }

            /// Whether any feature was seen.
            pub fn any(&self) -> bool {
                self.seen.iter().any(Option::is_some)
            }

            /// Whether every feature lies within a text of this length.
            #[cfg(test)]
            fn stay_within(&self, length: usize) -> bool {
                let mut seen = self.seen.iter().flatten();
                seen.all(|(start, end)| start <= end && *end <= length)
            }

            /// Notes a feature, unless it was seen before.
            fn note(&mut self, feature: Feature, start: usize, end: usize) {
                self.seen[feature as usize].get_or_insert((start, end.max(start)));
            }
        }
    };
}

pub mod bytes;
pub mod condition;
pub mod json;
pub mod lookup;
pub mod markup;
pub mod needs;
pub mod path;
pub mod query;
pub mod script;
pub mod shell;
pub mod sql;
pub mod vocabulary;

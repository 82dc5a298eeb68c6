//! The list of renderers.

pub mod catalogue;
pub mod csv;
pub mod ecs;
pub mod escape;
pub mod explanation;
pub mod html;
pub mod json;
pub mod markdown;
pub(crate) mod phrases;
pub mod pseudonymize;
pub mod reading;
#[cfg(test)]
pub(crate) mod sample;
pub mod saved;
pub mod schema;
pub mod table;
pub mod techniques;
pub mod timesketch;
pub mod view;
pub(crate) mod words;

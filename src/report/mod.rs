//! The list of renderers.

pub mod catalogue;
pub mod escape;
pub mod explanation;
pub mod json;
pub mod reading;
#[cfg(test)]
mod sample;
pub mod table;
pub mod view;

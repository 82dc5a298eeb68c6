//! The list of renderers.

pub mod escape;
pub mod json;
#[cfg(test)]
mod sample;
pub mod table;
pub mod view;

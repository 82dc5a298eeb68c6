//! The list of renderers.

pub mod escape;
pub mod json;
pub mod table;
pub mod view;

//! The list of renderers.

pub mod view;

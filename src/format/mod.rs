//! The list of log formats, and the vote that decides which one a file is in.

pub mod spec;

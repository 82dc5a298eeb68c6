//! From the paths a user names to bytes: finding inputs, unpacking them, holding them.

pub mod decompress;
pub mod discover;
pub mod open;
pub mod stream;

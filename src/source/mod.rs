//! From the paths a user names to bytes: finding inputs, unpacking them, holding them.

pub mod archive;
pub mod decompress;
pub mod discover;
pub mod fault;
pub mod handle;
pub mod map;
pub mod open;
pub mod overlap;
pub mod spool;
pub mod stream;

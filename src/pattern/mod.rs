//! Attack patterns: what an entry is, the compiled set, how packs are read. Only lists the parts.

pub mod entry;
pub mod gate;
pub mod load;
pub mod need;
pub mod set;

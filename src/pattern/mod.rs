//! Knowledge as data: attack patterns and error-log symptoms, loaded from `patterns/`.

pub mod cost;
pub mod describe;
pub mod entry;
mod feature;
pub mod gate;
pub mod inspector;
pub mod load;
mod memory;
pub mod need;
pub mod set;
pub mod sigma;
pub mod symptom;
pub mod verdict;
pub mod watch;
pub mod words;

//! Knowledge as data: attack patterns and error-log symptoms, loaded from `patterns/`.

mod candidates;
pub mod cost;
pub mod describe;
pub mod entry;
pub mod facts;
mod feature;
pub mod gate;
pub mod inspector;
mod literals;
pub mod load;
mod memory;
pub mod need;
mod ready;
pub mod set;
pub mod sigma;
pub mod symptom;
pub mod verdict;
pub mod watch;
pub mod words;

//! Knowledge as data: attack patterns and error-log symptoms, loaded from `patterns/`.

pub mod entry;
pub mod gate;
pub mod load;
pub mod need;
pub mod set;
pub mod symptom;

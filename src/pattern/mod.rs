//! Knowledge as data: what the packs under `patterns/` say, compiled.

pub mod symptom;

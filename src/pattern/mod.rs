<<<<<<< HEAD
//! Knowledge as data: what the packs under `patterns/` say, compiled.

pub mod symptom;
=======
//! Attack patterns: what an entry is, the compiled set, how packs are read. Only lists the parts.

pub mod entry;
pub mod gate;
pub mod load;
pub mod set;
>>>>>>> a483af5f496952619f6fe2b815e0fe2effd6becf

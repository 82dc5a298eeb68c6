//! The properties that the fuzzers try: those of the library's own tests.

#[path = "../../tests/it/properties/mod.rs"]
pub mod properties;

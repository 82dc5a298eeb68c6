//! Server log forensics: logs in, attack timeline out.

#![warn(missing_docs)]

pub mod baseline;
pub mod category;

pub mod client;
pub mod error;
pub mod event;
pub mod evidence;
pub mod format;
pub mod merge;
pub mod report;
pub mod segment;
pub mod severity;
pub mod terms;
pub mod time;

// ---- Everything below is the contract that cli.rs is written against; the integrator replaces it.
#[allow(missing_docs)]
mod contract {
    use std::{io, path::PathBuf};

    use crate::error::{Error, Result, Warning};
    use crate::report::view::Report;
    use crate::severity::Confidence;
    use crate::time::{LocalTime, Time, UtcOffset};

    #[derive(Debug, Clone, Copy, PartialEq)]
    pub enum TimeBound {
        At(Time),
        Local(LocalTime),
        BeforeEnd(i64),
    }
    #[derive(Debug, Clone, Default)]
    pub struct ScanOptions {
        pub since: Option<TimeBound>,
        pub until: Option<TimeBound>,
        pub bucket_s: u64,
        pub error_tz: Option<UtcOffset>,
        pub threads: Option<usize>,
        pub chunk_bytes: Option<usize>,
        pub mmap: bool,
    }
    pub trait Observer: Sync {
        fn begin(&self, stage: &str, total_bytes: u64);
        fn advance(&self, bytes: u64);
        fn finish(&self);
    }
    pub struct Silent;
    impl Observer for Silent {
        fn begin(&self, _: &str, _: u64) {}
        fn advance(&self, _: u64) {}
        fn finish(&self) {}
    }
    pub fn analyze(
        paths: &[PathBuf],
        _: &ScanOptions,
        _: &crate::pattern::set::PatternSet,
        _: &dyn Observer,
    ) -> Result<Report> {
        Err(Error::NoInput(format!(
            "{}: not wired yet",
            paths[0].display()
        )))
    }
    pub fn hits(
        paths: &[PathBuf],
        _: &ScanOptions,
        _: &crate::pattern::set::PatternSet,
        _: Confidence,
        _: &dyn Observer,
        _: &mut dyn FnMut(&crate::hits::HitLine) -> io::Result<()>,
    ) -> Result<Vec<Warning>> {
        Err(Error::NoInput(format!(
            "{}: not wired yet",
            paths[0].display()
        )))
    }
}
pub use contract::*;
#[allow(missing_docs)]
pub mod hits {
    #[derive(serde::Serialize)]
    pub struct HitLine {
        pub source: String,
    }
}

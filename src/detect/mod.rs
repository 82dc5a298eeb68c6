//! The list of detectors: one question each.

pub mod brute_force;
pub mod burst;
pub mod injection;
pub mod outage;
pub mod rise;
pub mod scan;
pub mod webshell;

use crate::finding::{Case, Finding};

/// A detector: counts in, claims out.
pub type Detector = fn(&Case<'_>) -> Vec<Finding>;

/// Every detector with its name, in the order in which findings are listed.
pub const ALL: &[(&str, Detector)] = &[
    ("burst", burst::detect),
    ("rise", rise::detect),
    ("brute_force", brute_force::detect),
    ("injection", injection::detect),
    ("outage", outage::detect),
    ("scan", scan::detect),
    ("webshell", webshell::detect),
];

/// What all detectors find.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    ALL.iter().flat_map(|(_, detect)| detect(case)).collect()
}

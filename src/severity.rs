//! How grave a finding is and how sure we are of it: the two scales every stage shares.
//!
//! Not for scores inside a detector; those stay numbers until they become a claim.

use serde::{Deserialize, Serialize};

/// How much harm a finding means. Ordered: `Low < Medium < High < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Background noise of the Internet; nobody needs to be woken.
    Low,
    /// Worth a look in working hours.
    Medium,
    /// Users were hurt, or the attacker is targeted and persistent.
    High,
    /// The service was down, or data or control were probably lost.
    Critical,
}

/// How sure a pattern, and so a hit, is. Ordered: `Low < Medium < High`.
///
/// `High` means that a person would call the line an attack without seeing anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Odd, but ordinary users do it too.
    Low,
    /// More likely an attack than not.
    Medium,
    /// An attack by itself.
    High,
}

impl Severity {
    /// The name used in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl Confidence {
    /// The name used in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

//! One line of the score: what was compared, what came out, and whether that is good enough.

use std::fmt;

/// How a comparison stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A goal, reached.
    Met,
    /// A goal, not reached.
    Missed,
    /// A figure without a goal.
    Told,
    /// The truth does not say.
    Skipped,
}

/// One line of the score.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was compared.
    pub what: String,
    /// What came out.
    pub found: String,
    /// Whether it is good enough.
    pub standing: Standing,
}

impl Row {
    /// A goal.
    pub fn goal(what: impl Into<String>, met: bool, found: impl Into<String>) -> Row {
        let standing = match met {
            true => Standing::Met,
            false => Standing::Missed,
        };
        Row::new(what, standing, found)
    }

    /// A figure without a goal.
    pub fn told(what: impl Into<String>, found: impl Into<String>) -> Row {
        Row::new(what, Standing::Told, found)
    }

    /// What the truth does not say.
    pub fn skipped(what: impl Into<String>, why: impl Into<String>) -> Row {
        Row::new(what, Standing::Skipped, why)
    }

    fn new(what: impl Into<String>, standing: Standing, found: impl Into<String>) -> Row {
        Row {
            what: what.into(),
            found: found.into(),
            standing,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.standing {
            Standing::Met => "ok",
            Standing::Missed => "MISSED",
            Standing::Told => "",
            Standing::Skipped => "skipped",
        };
        write!(f, "  {mark:<8}{:<34} {}", self.what, self.found)
    }
}

//! The progress bar: bytes, rate and time left, on standard error and only for a person who watches.

use std::io::{self, IsTerminal};

use aftertrace::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Redraws a second: enough to look smooth, too few to cost anything.
const REDRAWS: u8 = 10;

const KNOWN_SIZE: &str = "{msg:12} {wide_bar} {decimal_bytes:>9} of {decimal_total_bytes:<9} {decimal_bytes_per_sec:>12} {eta:>4} left";
const UNKNOWN_SIZE: &str = "{msg:12} {spinner} {decimal_bytes:>9} {decimal_bytes_per_sec:>12}";

/// Shows an analysis at work.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar when `wanted` and standard error is a terminal; otherwise nothing is ever drawn.
    pub fn new(wanted: bool) -> Progress {
        let target = if wanted && io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(REDRAWS)
        } else {
            ProgressDrawTarget::hidden()
        };
        Progress(ProgressBar::with_draw_target(None, target))
    }
}

impl Observer for Progress {
    fn begin(&self, stage: &str, total_bytes: u64) {
        let template = if total_bytes > 0 {
            KNOWN_SIZE
        } else {
            UNKNOWN_SIZE
        };
        let style = ProgressStyle::with_template(template).expect("a valid template");
        self.0.set_style(style.progress_chars("━╸─"));
        self.0.set_length(total_bytes);
        self.0.set_message(stage.to_string());
        self.0.reset();
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_starts_from_zero() {
        let progress = Progress::new(false);
        for (stage, total) in [("survey", 100), ("focus", 40), ("reading", 0)] {
            progress.begin(stage, total);
            assert_eq!(progress.0.position(), 0);
            progress.advance(30);
            assert_eq!(
                (progress.0.position(), progress.0.length()),
                (30, Some(total))
            );
            progress.finish();
        }
    }
}

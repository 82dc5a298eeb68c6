//! Did the application fail at payloads where it answers others? Then what was injected reached it; not more.

use super::{Scene, Sign, Weight};

/// Failed attempts from which it is no accident.
const LEAST: usize = 3;

/// Share of the attempts that must have failed ...
const FAILED: f64 = 0.05;

/// ... and so many times the share of ordinary requests that did.
const MORE: f64 = 4.0;

pub(super) fn sign(scene: &Scene<'_>) -> Option<Sign> {
    if !scene.is_query() {
        return None;
    }
    let norm = scene.norm?;
    let ordinary = norm.share(|status| status >= 500 && status != 501);
    let broken = |attempt: &&crate::evidence::tries::Try| attempt.answer.status == 500;
    let mut failed: Vec<_> = scene
        .tries
        .iter()
        .filter(broken)
        .map(|attempt| attempt.at)
        .collect();
    let share = failed.len() as f64 / scene.tries.len().max(1) as f64;
    if failed.len() < LEAST || share < FAILED || share < MORE * ordinary {
        return None;
    }
    failed.sort_unstable();
    let reason = format!(
        "{:.0}% of the attempts were answered with 500, against {:.1}% of the ordinary requests to the page; {:.0} times as many are needed",
        share * 100.0,
        ordinary * 100.0,
        MORE
    );
    Some(Sign {
        weight: Weight::Reached,
        reason,
        lines: failed.into_iter().take(1).collect(),
    })
}

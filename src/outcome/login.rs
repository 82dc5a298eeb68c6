//! Did a login let somebody in who sent a statement instead of a name? It sends on who may enter, and shows its form again
//! to, or refuses, everybody else.

use super::{Scene, Sign, Weight};
use crate::evidence::tries::Try;
use crate::pattern::words::Meaning;

/// Share of the attempts that may be sent on: a login that sends everybody on, to itself or to an error, says nothing.
const FEW: f64 = 0.5;

pub(super) fn sign(scene: &Scene<'_>) -> Option<Sign> {
    if !scene.is_query() || !Meaning::Login.is_in(&scene.endpoint.path) {
        return None;
    }
    let moved = |attempt: &Try| (300..400).contains(&attempt.answer.status);
    let share = scene.share(moved);
    if share == 0.0 || share > FEW {
        return None;
    }
    let sent_on = scene.tries.iter().filter(|attempt| moved(attempt));
    let mut lines: Vec<_> = sent_on.map(|attempt| attempt.at).collect();
    lines.sort_unstable();
    let reason = format!(
        "{:.0}% of the attempts at this login were sent on with a redirect, as somebody who may enter is (at most {:.0}% tell them from the rest)",
        share * 100.0,
        FEW * 100.0
    );
    lines.truncate(2);
    Some(Sign {
        weight: Weight::Hint,
        reason,
        lines,
    })
}

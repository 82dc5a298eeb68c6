//! Did answers wait as long as the payload asked? Only where the log has times.

use super::{Scene, Sign, Weight};
use crate::evidence::tries::Try;
use crate::norms::Norm;
use crate::text::count;

/// An answer waited when it took at least this share of the time asked for: clocks and `%T` round.
const WAITED: f64 = 0.95;

/// Shorter waits are lost among ordinary times, in milliseconds.
const LEAST_MS: u32 = 500;

/// Requests that do not ask to wait must mostly be below this share of the shortest wait asked for.
const QUICK: f64 = 0.5;

/// At most this share of the requests that do not ask to wait may be as slow: else the server was slow by itself.
const SLOW_ANYWAY: f64 = 0.1;

/// Attempts without a wait that tell how quick the place was meanwhile.
const CONTROLS: usize = 5;

/// Answers that waited from which chance is out of the question.
const SURE: usize = 2;

pub(super) fn sign(scene: &Scene<'_>) -> Option<Sign> {
    let timed = timed(scene);
    let mut waited: Vec<&Try> = timed
        .iter()
        .filter(|(_, kept)| *kept)
        .map(|(t, _)| *t)
        .collect();
    waited.sort_unstable_by_key(|attempt| attempt.at);
    let first = waited.first()?;
    let shortest = waited
        .iter()
        .filter_map(|attempt| attempt.asked.delay_ms)
        .min()?;
    let anyway = slow_anyway(scene, f64::from(shortest) * 1000.0 * QUICK)?;
    if anyway > SLOW_ANYWAY {
        return None;
    }
    let reason = format!(
        "{} of {} answers to payloads that ask to wait came after the time asked for ({:.1} s asked, {:.1} s taken in the first); {:.0}% of the requests that ask for no wait took half as long, at most {:.0}% may",
        count(waited.len() as u64),
        count(timed.len() as u64),
        f64::from(first.asked.delay_ms?) / 1000.0,
        first.answer.micros? as f64 / 1e6,
        anyway * 100.0,
        SLOW_ANYWAY * 100.0
    );
    Some(Sign {
        weight: if waited.len() >= SURE {
            Weight::Proof
        } else {
            Weight::Hint
        },
        reason,
        lines: waited.iter().take(SURE).map(|attempt| attempt.at).collect(),
    })
}

/// What is said of waits that were asked for in vain.
pub(super) fn in_vain(scene: &Scene<'_>) -> Option<String> {
    let timed = timed(scene);
    let longest = timed
        .iter()
        .filter_map(|(attempt, _)| attempt.answer.micros)
        .max()?;
    let shortest = timed
        .iter()
        .filter_map(|(attempt, _)| attempt.asked.delay_ms)
        .min()?;
    let none = timed.iter().all(|(_, waited)| !waited);
    none.then(|| {
        format!(
            "{} payloads asked to wait {:.1} s or more, and no answer took longer than {:.1} s",
            count(timed.len() as u64),
            f64::from(shortest) / 1000.0,
            longest as f64 / 1e6
        )
    })
}

/// The attempts that ask to wait and whose time is known, and whether each waited.
fn timed<'a>(scene: &Scene<'a>) -> Vec<(&'a Try, bool)> {
    let asks = |attempt: &'a Try| {
        let asked = attempt
            .asked
            .delay_ms
            .filter(|millis| *millis >= LEAST_MS)?;
        let taken = attempt.answer.micros?;
        Some((attempt, taken as f64 >= WAITED * f64::from(asked) * 1000.0))
    };
    scene.tries.iter().filter_map(asks).collect()
}

/// The share of requests that took as many microseconds without being asked to: of the other attempts, which came at
/// the same time, or else of ordinary requests. `None` when there is nothing to compare with.
fn slow_anyway(scene: &Scene<'_>, micros: f64) -> Option<f64> {
    let others = scene
        .tries
        .iter()
        .filter(|attempt| attempt.asked.delay_ms.is_none());
    let times: Vec<u64> = others.filter_map(|attempt| attempt.answer.micros).collect();
    if times.len() >= CONTROLS {
        let slow = times.iter().filter(|time| **time as f64 >= micros).count();
        return Some(slow as f64 / times.len() as f64);
    }
    let norm: &Norm = scene.norm?;
    let quick = norm.micros.quantile(1.0 - SLOW_ANYWAY)?;
    Some(if (quick as f64) < micros { 0.0 } else { 1.0 })
}

//! Did a payload bring something that the page never gives? A file that was read or a command that ran leaves one
//! answer that is unlike the page's own and unlike the answers to all other payloads.

use super::{Scene, Sign, Weight};
use crate::category::Category;
use crate::evidence::tries::Try;
use crate::text::count;

/// A page may show its input up to so many times, or with codes of so many characters: answers are alike when this
/// many bytes for each byte of the payload explain what differs.
const SHOWN: u64 = 8;

/// Beside that, answers that are alike differ by up to this: a clock, a counter.
const SLACK: u64 = 16;

/// An answer that more than this share of the other attempts get as well is how the page says no.
const COMMON: f64 = 0.25;

/// When at least this share of the other payloads was turned down, the page tells payloads apart.
const TELLS_APART: f64 = 0.5;

pub(super) fn sign(scene: &Scene<'_>) -> Option<Sign> {
    let reads_files = matches!(
        scene.endpoint.category,
        Category::PathTraversal | Category::FileInclusion | Category::XmlInjection
    );
    let runs = matches!(
        scene.endpoint.category,
        Category::CommandInjection | Category::CodeInjection | Category::Ssrf
    );
    if !reads_files && !runs {
        return None;
    }
    let norm = scene.usual()?;
    let unusual = |attempt: &&Try| {
        let bytes = attempt
            .answer
            .bytes
            .filter(|_| attempt.answer.status == 200);
        bytes.is_some_and(|bytes| bytes > 0 && norm.sizes.near(bytes) == 0)
            && !is_common(attempt, scene.tries)
    };
    let mut found: Vec<&Try> = scene.tries.iter().filter(unusual).collect();
    found.sort_unstable_by_key(|attempt| attempt.at);
    let first = *found
        .iter()
        .max_by_key(|attempt| (attempt.answer.bytes, std::cmp::Reverse(attempt.at)))?;
    let turned_down = scene.share(|attempt| !attempt.answer.is_ok());
    let (least, most) = norm.sizes.range()?;
    let reason = format!(
        "an attempt was answered with {} bytes, which none of the {} ordinary answers of the page is near to ({} to {} bytes), nor more than {:.0}% of the other attempts; {:.0}% of the attempts were turned down, at least {:.0}% are needed to be sure",
        count(first.answer.bytes?),
        count(norm.sizes.count()),
        count(least),
        count(most),
        COMMON * 100.0,
        turned_down * 100.0,
        TELLS_APART * 100.0
    );
    let sure = reads_files && turned_down >= TELLS_APART;
    Some(Sign {
        weight: if sure { Weight::Proof } else { Weight::Hint },
        reason,
        lines: vec![first.at],
    })
}

/// True when many other payloads were answered alike.
fn is_common(attempt: &Try, tries: &[Try]) -> bool {
    let others = || {
        tries
            .iter()
            .filter(|other| other.asked.text != attempt.asked.text)
    };
    let alike = others().filter(|other| {
        let longer = u64::from(other.asked.length.abs_diff(attempt.asked.length));
        let (Some(one), Some(two)) = (attempt.answer.bytes, other.answer.bytes) else {
            return false;
        };
        other.answer.status == 200 && one.abs_diff(two) <= SHOWN * longer + SLACK
    });
    let alike = alike.count();
    alike > 0 && alike as f64 > COMMON * others().count() as f64
}

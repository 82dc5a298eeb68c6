//! Was an answer larger than any that the page gives to others? Rows of another table make it so. So does the payload
//! itself where the page shows its input, which is allowed for.

use super::{Scene, Sign, Weight};
use crate::evidence::tries::Try;
use crate::text::count;

/// An answer is unusual from this multiple of the largest ordinary one on.
const OVERSIZE: f64 = 1.2;

/// The largest share of a page's growth with its input that is still the input: shown in the title, the heading, the
/// form and the address, with codes for quotes.
const SHOWN_AT_MOST: f64 = 8.0;

/// Attempts that must lie on one line for the page to show its input.
const ON_LINE: f64 = 0.7;

/// How near to the line: this share of the size.
const NEAR_LINE: f64 = 0.04;

/// Attempts from which a line can be told, and how much longer the longer half of them must be, in bytes.
const LEAST: usize = 6;
const LONGER: f64 = 12.0;

pub(super) fn sign(scene: &Scene<'_>) -> Option<Sign> {
    let norm = scene.usual()?;
    let (bytes, at) = scene.endpoint.largest.as_slice().first()?;
    let bytes = bytes.0;
    let (_, most) = norm.sizes.range()?;
    let shown = shown(scene.tries);
    let length = scene
        .tries
        .iter()
        .map(|attempt| attempt.asked.length)
        .max()?;
    let own = (shown * f64::from(length)) as u64;
    if (bytes.saturating_sub(own) as f64) < OVERSIZE * most as f64 {
        return None;
    }
    let reason = format!(
        "an attempt was answered with {} bytes, while the {} ordinary answers of the page have at most {}, {:.1} times as many are needed{}",
        count(bytes),
        count(norm.sizes.count()),
        count(most),
        OVERSIZE,
        match own {
            0 => String::new(),
            own => format!(
                " beside {} for what the page shows of its input",
                count(own)
            ),
        }
    );
    Some(Sign {
        weight: Weight::Hint,
        reason,
        lines: vec![*at],
    })
}

/// Bytes by which the page grows for each byte of its input: the line through the shorter and the longer half of the
/// attempts, if most lie on it; else 0.
fn shown(tries: &[Try]) -> f64 {
    let mut points: Vec<(f64, f64)> = tries
        .iter()
        .filter(|attempt| attempt.answer.status == 200)
        .filter_map(|attempt| {
            Some((
                f64::from(attempt.asked.length),
                attempt.answer.bytes? as f64,
            ))
        })
        .collect();
    if points.len() < LEAST {
        return 0.0;
    }
    points.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let (short, long) = points.split_at(points.len() / 2);
    let (short, long) = (median(short), median(long));
    if long.0 - short.0 < LONGER {
        return 0.0;
    }
    let slope = (long.1 - short.1) / (long.0 - short.0);
    let on_line = |(length, bytes): &&(f64, f64)| {
        let expected = short.1 + slope * (length - short.0);
        (bytes - expected).abs() <= NEAR_LINE * bytes.max(1.0)
    };
    let fits = points.iter().filter(on_line).count() as f64 >= ON_LINE * points.len() as f64;
    match fits && (0.0..=SHOWN_AT_MOST).contains(&slope) {
        true => slope,
        false => 0.0,
    }
}

fn median(points: &[(f64, f64)]) -> (f64, f64) {
    let middle = |get: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = points.iter().map(get).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    (middle(|point| point.0), middle(|point| point.1))
}

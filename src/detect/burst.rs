//! Did traffic rise above its baseline, and who made it rise?

use std::cell::LazyCell;

use crate::client::Client;
use crate::crowd::Crowd;
use crate::finding::{Case, Finding, Kind, role};
use crate::focus::WindowCounts;
use crate::nature::{Signs, is_password_guessing};
use crate::plan::Stretch;
use crate::suspects::{Excess, excess};
use crate::terms::{Cause, Dimension};
use crate::text::count;
use crate::time::Time;

/// One finding for each burst of all requests, and for each rise of pages alone that is a flood.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let bursts = case.plan.bursts.iter().zip(case.windows).enumerate();
    let first = case.plan.first_pages_window();
    let pages = case.plan.pages.iter().enumerate();
    let pages = pages.filter_map(|(index, stretch)| {
        let window = first + index;
        Some((window, (stretch, case.windows.get(window)?)))
    });
    // Most logs have no burst to compare it with.
    let crowd = LazyCell::new(|| Crowd::of(case.access));
    let judged = |(window, (stretch, counts))| judge(case, &crowd, window, stretch, counts);
    let guessing =
        |stretch: &Stretch, counts: &WindowCounts| is_password_guessing(case, stretch, counts);
    let of_all = bursts
        .filter(|(_, (stretch, counts))| !guessing(stretch, counts))
        .filter_map(judged)
        .filter(|finding| !is_ordinary(case, finding));
    let of_pages = pages
        .filter(|(_, (stretch, counts))| !guessing(stretch, counts))
        .filter_map(judged)
        .filter(is_flood);
    of_all.chain(of_pages).collect()
}

/// A robot that reads pages, or people who come without their pictures being logged, do not make the sum rise: they are
/// nothing to tell of. Only a flood is.
fn is_flood(finding: &Finding) -> bool {
    let burst = matches!(
        finding.kind,
        Kind::Burst {
            cause: Cause::Ddos | Cause::Dos,
            ..
        }
    );
    burst && !finding.clients.is_empty()
}

/// `None` for people who are there every day, in their busy hour.
fn judge(
    case: &Case<'_>,
    crowd: &Crowd,
    window: usize,
    stretch: &Stretch,
    counts: &WindowCounts,
) -> Option<Finding> {
    let excess = excess(case.access, crowd, counts, stretch, case.log_seconds());
    let ordinary = crowd.without(case.access, &excess.suspects);
    let signs = Signs::new(case, stretch, counts, (&excess, ordinary));
    let (cause, mut reasons) = signs.cause();
    if matches!(cause, Cause::Crawler | Cause::FlashCrowd) && signs.is_everyday() {
        return None;
    }
    reasons.insert(0, size_sentence(stretch));
    Some(Finding {
        kind: Kind::Burst {
            cause,
            stretch: *stretch,
            window,
            dimension: Dimension::Total,
            key: None,
        },
        start: Time::from_secs(stretch.start),
        end: Time::from_secs(stretch.end),
        role: role(cause),
        clients: named(cause, excess, counts),
        confidence: signs.confidence(stretch),
        reasons,
        samples: Vec::new(),
    })
}

/// Where few sources make a burst, those that matter; of a crowd, everybody; nobody where the server is at fault.
fn named(cause: Cause, excess: Excess, counts: &WindowCounts) -> Vec<Client> {
    /// A source that brings less than this share is not one of the few.
    const MATTERS: f64 = 0.02;
    let matters = |client: &Client| {
        let requests = counts
            .clients
            .get(client)
            .map_or(0, |presence| presence.requests);
        f64::from(requests) >= MATTERS * excess.requests as f64
    };
    match cause {
        Cause::ServerFault => Vec::new(),
        Cause::Ddos | Cause::FlashCrowd => excess.suspects,
        _ => excess.suspects.iter().copied().filter(matters).collect(),
    }
}

/// People and robots whose coming was not seen, because the log begins among them or because they came slowly
/// and stayed for most of a day, are what is usual at that time, not a crowd. Nor are those that only another log brings.
fn is_ordinary(case: &Case<'_>, finding: &Finding) -> bool {
    const MOST_OF_A_DAY_S: i64 = 8 * 3600;
    match &finding.kind {
        Kind::Burst { cause, stretch, .. } if !cause.is_attack() => {
            stretch.at_log_start
                || stretch.end - stretch.start > MOST_OF_A_DAY_S
                || is_another_log(case, stretch)
        }
        _ => false,
    }
}

/// True when logs that begin with a rise bring it, while the others go on as before: a server behind another logs the same
/// requests again, and its log need not reach back as far. (Where a log only goes on in the next file, the others do not
/// go on.)
fn is_another_log(case: &Case<'_>, stretch: &Stretch) -> bool {
    /// What goes on as before, as a multiple of the baseline.
    const AS_BEFORE: std::ops::Range<f64> = 0.5..1.5;
    /// A rise begins and ends with a bucket, give or take one.
    const BUCKETS: i64 = 2;
    let slack = BUCKETS * case.plan.minutes.bucket_s;
    let spans = case.access.lines.values().filter_map(|lines| lines.span);
    let within = spans.filter(|span| {
        span.first.secs() >= stretch.start - slack && span.last.secs() <= stretch.end + slack
    });
    let brought: u64 = within.map(|span| span.count).sum();
    let others = stretch.count.saturating_sub(brought) as f64;
    let usual = stretch.baseline_rps * (stretch.end - stretch.start + 1) as f64;
    brought > 0 && AS_BEFORE.contains(&(others / usual.max(f64::MIN_POSITIVE)))
}

fn size_sentence(stretch: &Stretch) -> String {
    format!(
        "requests rose from {:.2} to {:.2} a second ({:.0} times the baseline), {} more than the baseline brings",
        stretch.baseline_rps,
        stretch.peak_rps,
        stretch.peak_rps / stretch.baseline_rps.max(0.001),
        count(stretch.excess)
    )
}

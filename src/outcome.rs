//! Did an injection work? Judged by several signs, one file each, never by the status alone.
//!
//! Each sign compares: an attempt with what the same place answers everybody else, or attempts with each other. What a
//! log cannot show is not claimed: a payload in a body, a lookup that the server makes elsewhere, a page that
//! answers alike whether it was fooled or not.

mod delay;
mod errors;
mod extraction;
mod files;
mod login;
mod pairs;
mod shell;
mod size;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::category::Category;
use crate::counts::ErrorCounts;
use crate::evidence::endpoints::Endpoint;
use crate::evidence::first::Locator;
use crate::evidence::tries::Try;
use crate::finding::Case;
use crate::norms::Norm;
use crate::terms::Outcome;
use crate::text::count;

use self::errors::Blamed;
use self::shell::CatchAll;

/// An attack counts as refused when at least this share of its attempts was refused at a page that
/// ordinarily answers.
const REFUSED: f64 = 0.9;

/// A place refuses nobody in particular when it refuses ordinary requests as often as this.
const REFUSES_ALL: f64 = 0.5;

/// Ordinary answers needed to know what is usual.
const KNOWN: u64 = 10;

/// An outcome with the sentences and the lines that it rests on.
pub struct Judgement {
    /// Whether it worked.
    pub outcome: Outcome,
    /// Why.
    pub reasons: Vec<String>,
    /// Lines that show it, besides the attempts themselves.
    pub lines: Vec<Locator>,
}

/// How much a sign says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// What was injected reached an interpreter, whatever came of it.
    Reached,
    /// It may have worked.
    Hint,
    /// It can hardly be otherwise.
    Proof,
}

/// Something that speaks for success.
struct Sign {
    weight: Weight,
    reason: String,
    lines: Vec<Locator>,
}

/// An attacked place beside what is ordinary there.
struct Scene<'a> {
    endpoint: &'a Endpoint,
    tries: &'a [Try],
    norm: Option<&'a Norm>,
    own: bool,
}

impl Scene<'_> {
    /// The norm, if enough is known of what the page answers with 200.
    fn usual(&self) -> Option<&Norm> {
        self.norm.filter(|norm| norm.sizes.count() >= KNOWN)
    }

    fn share(&self, like: impl Fn(&Try) -> bool) -> f64 {
        let alike = self.tries.iter().filter(|attempt| like(attempt)).count();
        alike as f64 / self.tries.len().max(1) as f64
    }

    fn is_query(&self) -> bool {
        is_query(self.endpoint.category)
    }
}

/// True for attacks on an interpreter of statements.
fn is_query(category: Category) -> bool {
    matches!(
        category,
        Category::SqlInjection
            | Category::NosqlInjection
            | Category::XpathInjection
            | Category::LdapInjection
    )
}

/// Judges attacked places.
pub struct Judge<'a> {
    case: &'a Case<'a>,
    blamed: Blamed,
    catch_all: CatchAll,
}

impl<'a> Judge<'a> {
    /// A judge who knows which error belongs to which place.
    pub fn new(case: &'a Case<'a>, errors: &ErrorCounts) -> Judge<'a> {
        Judge {
            case,
            blamed: Blamed::of(case, errors),
            catch_all: CatchAll::of(case),
        }
    }

    /// Judges the attempts at one place.
    pub fn judge(&self, endpoint: &Endpoint) -> Judgement {
        let scene = Scene {
            endpoint,
            tries: endpoint.tries.as_slice(),
            norm: self.case.norms.of(&endpoint.path),
            own: self.case.is_own_path(&endpoint.path),
        };
        let signs = [
            pairs::sign(&scene),
            delay::sign(&scene),
            extraction::sign(&scene),
            files::sign(&scene),
            login::sign(&scene),
            self.catch_all.sign(&scene),
            size::sign(&scene),
            self.blamed.sign(&scene),
            status::sign(&scene),
        ];
        let mut signs: Vec<Sign> = signs.into_iter().flatten().collect();
        signs.sort_by_key(|sign| std::cmp::Reverse(sign.weight));
        let outcome = match weigh(&signs) {
            Some(outcome) => outcome,
            None => return unsuccessful(&scene),
        };
        Judgement {
            outcome,
            lines: signs.iter().flat_map(|sign| sign.lines.clone()).collect(),
            reasons: signs.into_iter().map(|sign| sign.reason).collect(),
        }
    }
}

/// What the payloads at a place show beside what their patterns say: conditions on constants, and waits.
pub fn techniques(endpoint: &Endpoint) -> BTreeSet<&'static str> {
    let tries = endpoint.tries.as_slice();
    let boolean = tries.iter().any(|attempt| attempt.asked.truth.is_some());
    let waits = tries.iter().any(|attempt| attempt.asked.delay_ms.is_some());
    let mut found = BTreeSet::new();
    if boolean && endpoint.category == Category::SqlInjection {
        found.insert("boolean");
    }
    if endpoint.category == Category::SqlInjection {
        let means = tries.iter().filter_map(|attempt| attempt.asked.means);
        found.extend(means.map(|means| means.name()));
    }
    let interprets = matches!(
        endpoint.category,
        Category::SqlInjection | Category::CommandInjection | Category::CodeInjection
    );
    if waits && interprets {
        found.insert("time_based");
    }
    found
}

/// A proof, two hints, or a hint where the payload is known to have arrived.
fn weigh(signs: &[Sign]) -> Option<Outcome> {
    let has = |weight| signs.iter().filter(|sign| sign.weight == weight).count();
    let (proofs, hints) = (has(Weight::Proof), has(Weight::Hint));
    let reached = has(Weight::Reached) > 0;
    match (proofs, hints) {
        (1.., _) | (0, 2..) => Some(Outcome::Likely),
        (0, 1) if reached => Some(Outcome::Likely),
        (0, 1) => Some(Outcome::Suspected),
        (0, 0) => reached.then_some(Outcome::Suspected),
    }
}

fn unsuccessful(scene: &Scene<'_>) -> Judgement {
    let judged = |outcome, reason: String| Judgement {
        outcome,
        reasons: vec![reason],
        lines: Vec::new(),
    };
    if !scene.own {
        return judged(
            Outcome::NoEvidence,
            "ordinary visitors never get an answer from this path".to_string(),
        );
    }
    let refused = scene.share(|attempt| attempt.answer.is_refused());
    let refused_all = scene.norm.map_or(0.0, |norm| {
        norm.share(|status| matches!(status, 400..=499 if status != 404))
    });
    if refused >= REFUSED && refused_all < REFUSES_ALL {
        let reason = format!(
            "{:.0}% of the attempts were refused ({}), at least {:.0}% are needed; of ordinary requests to the page {:.0}% were",
            refused * 100.0,
            statuses(scene),
            REFUSED * 100.0,
            refused_all * 100.0
        );
        return judged(Outcome::Blocked, reason);
    }
    let missing = scene.share(|attempt| attempt.answer.status == 404);
    if missing >= REFUSED {
        let reason = format!(
            "{:.0}% of the attempts met 404, as any value does that the page does not know",
            missing * 100.0
        );
        return judged(Outcome::NoEvidence, reason);
    }
    judged(Outcome::NoEvidence, nothing_seen(scene))
}

fn nothing_seen(scene: &Scene<'_>) -> String {
    let usual = scene.usual().and_then(|norm| {
        let (_, largest) = norm.sizes.range()?;
        Some((norm.sizes.quantile(0.5)?, largest))
    });
    let mut reason = match usual {
        Some((median, largest)) => format!(
            "no answer was unlike the page's own (median {} bytes, largest {})",
            count(median),
            count(largest)
        ),
        None => "nothing is known of the page's usual answers".to_string(),
    };
    if scene.is_query() {
        reason.push_str(", and no database error followed");
    }
    if scene.endpoint.category == Category::JndiInjection {
        reason.push_str("; whether the server looked the address up is not in these logs");
    }
    if let Some(waits) = delay::in_vain(scene) {
        reason.push_str("; ");
        reason.push_str(&waits);
    }
    reason
}

/// `403 and 406`: the statuses with which attempts were refused.
fn statuses(scene: &Scene<'_>) -> String {
    let refused = scene
        .tries
        .iter()
        .filter(|attempt| attempt.answer.is_refused());
    let all: BTreeSet<String> = refused
        .map(|attempt| attempt.answer.status.to_string())
        .collect();
    all.into_iter().collect::<Vec<_>>().join(" and ")
}

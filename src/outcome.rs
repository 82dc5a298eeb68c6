//! Did an injection work? Judged by several signs, never by the status alone.

use crate::category::Category;
use crate::client::Client;
use crate::evidence::clients::Span;
use crate::evidence::endpoints::Endpoint;
use crate::evidence::first::Locator;
use crate::finding::Case;
use crate::survey::ErrorCounts;
use crate::terms::Outcome;
use crate::text::{count, counted};

/// An attack counts as refused when at least this share of its attempts met 4xx at a page that
/// ordinarily answers.
const REFUSED: f64 = 0.9;

/// A database error belongs to an attempt of the same client when it comes this close, in seconds.
const SAME_CLIENT_S: i64 = 5;

/// An outcome with the sentences and the lines that it rests on.
pub struct Judgement {
    /// Whether it worked.
    pub outcome: Outcome,
    /// Why.
    pub reasons: Vec<String>,
    /// Lines that show it, besides the attempts themselves.
    pub lines: Vec<Locator>,
}

/// Judges the attempts at one endpoint.
pub fn judge(case: &Case<'_>, errors: &ErrorCounts, endpoint: &Endpoint) -> Judgement {
    let mut reasons = Vec::new();
    let mut lines = Vec::new();
    let mut signs = 0;
    if let Some((reason, at)) = oversize(case, endpoint) {
        signs += 1;
        reasons.push(reason);
        lines.push(at);
    }
    if let Some((reason, at)) = database_errors(errors, endpoint) {
        signs += 1;
        reasons.push(reason);
        lines.push(at);
    }
    if endpoint.category == Category::Webshell
        && endpoint.by_class[1] > 0
        && !case.is_own_path(&endpoint.path)
    {
        signs += 2;
        reasons.push(format!(
            "{} requests were answered with 2xx at a path that no ordinary visitor asks for",
            endpoint.by_class[1]
        ));
    }
    let outcome = match signs {
        0 => return unsuccessful(case, endpoint),
        1 => Outcome::Suspected,
        _ => Outcome::Likely,
    };
    Judgement {
        outcome,
        reasons,
        lines,
    }
}

fn unsuccessful(case: &Case<'_>, endpoint: &Endpoint) -> Judgement {
    let attempts = endpoint.span.count;
    let refused = u64::from(endpoint.by_class[3]);
    let judged = |outcome, reason: String| Judgement {
        outcome,
        reasons: vec![reason],
        lines: Vec::new(),
    };
    if !case.is_own_path(&endpoint.path) {
        return judged(
            Outcome::NoEvidence,
            "ordinary visitors never get an answer from this path".to_string(),
        );
    }
    if refused as f64 >= REFUSED * attempts as f64 {
        let reason = format!(
            "{refused} of {attempts} attempts met a client error at a page that ordinarily answers"
        );
        return judged(Outcome::Blocked, reason);
    }
    let reason = match case
        .access
        .paths
        .get(&crate::evidence::capped::hash_bytes(&endpoint.path))
        .and_then(|path| path.stats.sizes.mean())
    {
        Some(mean) => format!(
            "no answer was larger than usual ({mean:.0} bytes on average), and no database error followed"
        ),
        None => "no database error followed, and nothing is known of the page's usual answers"
            .to_string(),
    };
    judged(Outcome::NoEvidence, reason)
}

/// An answer far larger than the page ever gives ordinary visitors: data came along.
fn oversize(case: &Case<'_>, endpoint: &Endpoint) -> Option<(String, Locator)> {
    let large = case.oversize(endpoint)?;
    let reason = format!(
        "an attempt was answered with {} bytes, while the {} ordinary answers of the page have at most {}",
        count(large.bytes),
        count(u64::from(large.ordinary.count)),
        count(large.ordinary.max)
    );
    Some((reason, large.at))
}

/// Database errors of the same clients within seconds of their attempts: the statement arrived.
fn database_errors(errors: &ErrorCounts, endpoint: &Endpoint) -> Option<(String, Locator)> {
    if !matches!(
        endpoint.category,
        Category::SqlInjection
            | Category::NosqlInjection
            | Category::XpathInjection
            | Category::LdapInjection
    ) {
        return None;
    }
    let near = |span: &Span, at: &Locator| {
        (span.first.secs() - SAME_CLIENT_S..=span.last.secs() + SAME_CLIENT_S)
            .contains(&at.time.secs())
    };
    let mut found: Vec<(Locator, Client)> = Vec::new();
    for (client, attempts) in endpoint.clients.iter() {
        let times = errors
            .database
            .get(client)
            .map_or(&[][..], |times| times.as_slice());
        found.extend(
            times
                .iter()
                .filter(|at| near(&attempts.span, at))
                .map(|at| (*at, *client)),
        );
    }
    found.sort_unstable();
    let first = found.first()?.0;
    let clients: std::collections::BTreeSet<Client> =
        found.iter().map(|(_, client)| *client).collect();
    let reason = format!(
        "while they tried, the database refused at least {} of {}",
        counted(found.len() as u64, "statement", "statements"),
        counted(clients.len() as u64, "client", "clients")
    );
    Some((reason, first))
}

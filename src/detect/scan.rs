//! Who went through the site looking for weak spots?
//!
//! A few probes a day from anywhere are the weather; a scan is many from one client.

use crate::client::Client;
use crate::evidence::clients::ClientStats;
use crate::finding::{Case, Finding, Kind};
use crate::terms::Role;

/// Probes (hits, or requests that met 404) from which a client scans.
const PROBES: u64 = 100;

/// A scanner meets 4xx at least this often: it asks for what is not there. One that does not must send
/// [`PROBES`] payloads; a suspicious user agent alone may be an honest robot's.
const MISSED: f64 = 0.5;

/// A scan looks in at least this many different places; a monitor that asks for one missing page all day does
/// not. Fewer than a sketch holds.
const PLACES: usize = 10;

/// One finding a scanner.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = case
        .access
        .clients
        .iter()
        .filter(|(_, stats)| u64::from(stats.by_class[3]) >= PROBES || stats.requests() >= PROBES)
        .filter_map(|(client, stats)| scan(case, *client, stats))
        .collect();
    found.sort_unstable_by_key(|finding| (finding.start, finding.clients.clone()));
    found
}

fn scan(case: &Case<'_>, client: Client, stats: &ClientStats) -> Option<Finding> {
    let hits = case.access.hit_clients.get(&client)?;
    if hits.paths.distinct() < PLACES {
        return None;
    }
    let missed = u64::from(stats.by_class[3]);
    let share = missed as f64 / stats.requests().max(1) as f64;
    let probes = hits.lines.max(missed);
    if probes < PROBES || (share < MISSED && hits.direct < PROBES) {
        return None;
    }
    let span = hits.span()?;
    Some(Finding {
        kind: Kind::Scan,
        start: stats.first().min(span.first),
        end: stats.last().max(span.last),
        clients: vec![client],
        role: Some(Role::Scanner),
        // From 0.5, just above the threshold, towards 0.95; three hundred probes are two thirds of the way.
        confidence: 0.5 + 0.45 * (1.0 - (-(probes as f64) / 300.0).exp()),
        reasons: vec![format!(
            "one client sent {} suspicious lines and met {missed} client errors in {} requests ({:.0}%)",
            hits.lines,
            stats.requests(),
            share * 100.0
        )],
        samples: case
            .access
            .hit_samples
            .get(&client)
            .map_or_else(Vec::new, |first| first.as_slice().to_vec()),
    })
}

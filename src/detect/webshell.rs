//! Was a web shell there, and did somebody use it?
//!
//! A request for a shell's name proves nothing: scanners ask for hundreds. A shell that answers
//! again and again with 200, at a path that ordinary visitors never ask for, does.

use crate::category::Category;
use crate::client::Client;
use crate::evidence::endpoints::{Attempts, Endpoint};
use crate::finding::{Case, Finding, Kind};
use crate::terms::Role;

/// Answers with 2xx, and requests of one client, from which a shell was used rather than met.
const USES: u32 = 3;

/// One finding for each path that acts like a web shell.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let shells = case.access.endpoints.iter().map(|(_, endpoint)| endpoint);
    let mut found: Vec<Finding> = shells
        .filter(|endpoint| endpoint.category == Category::Webshell && endpoint.by_class[1] >= USES)
        .filter(|endpoint| !case.is_own_path(&endpoint.path))
        .filter_map(finding)
        .collect();
    found.sort_unstable_by_key(|finding| (finding.start, finding.clients.clone()));
    found
}

fn finding(endpoint: &Endpoint) -> Option<Finding> {
    let uses = |attempts: &Attempts| attempts.span.count >= u64::from(USES);
    let users = endpoint
        .clients
        .iter()
        .filter(|(_, attempts)| uses(attempts));
    let mut clients: Vec<Client> = users.map(|(client, _)| *client).collect();
    if clients.is_empty() {
        return None;
    }
    clients.sort_unstable();
    Some(Finding {
        kind: Kind::Webshell,
        start: endpoint.span.first,
        end: endpoint.span.last,
        role: Some(Role::WebshellOperator),
        // A page of the site that only one group of clients knows would look the same.
        confidence: 0.9,
        reasons: vec![format!(
            "{} answered {} of {} requests with 2xx, and no ordinary visitor asks for it",
            crate::text::visible(&endpoint.path),
            endpoint.by_class[1],
            endpoint.span.count
        )],
        samples: endpoint.samples.as_slice().to_vec(),
        clients,
    })
}

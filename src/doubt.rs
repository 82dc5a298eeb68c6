//! What is said of a proxy is said of everybody behind it.
//!
//! Where the log takes a proxy for the client, thousands of visitors look like one who floods, probes and guesses
//! passwords. Such a claim is told with its doubt, and with low confidence where it rests on how much one client does.

use crate::finding::{Case, Finding, Kind};
use crate::relays::Relays;

/// The most confidence that a claim about the amount of one client's requests may have, if that is a proxy: less likely
/// than not.
const AMOUNT: f64 = 0.4;

/// Says of each finding that accuses mostly proxies that it does.
pub fn about_relays(
    case: &Case<'_>,
    relays: &[Option<Relays>],
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    for finding in &mut findings {
        let all = relays.iter().flatten().flat_map(|relays| &relays.addresses);
        let accused: Vec<_> = all
            .filter(|relay| finding.clients.binary_search(relay).is_ok())
            .collect();
        let mostly = accused.len() * 2 >= finding.clients.len();
        let (Some(relay), true) = (accused.first(), mostly && finding.kind.is_attack()) else {
            continue;
        };
        // A payload is an attack whoever sent it; a number of requests is not.
        if !matches!(finding.kind, Kind::Injection | Kind::Webshell) {
            finding.confidence = finding.confidence.min(AMOUNT);
        }
        finding.reasons.push(format!(
            "{} looks like a proxy: what many did behind it looks like the doing of one; --client-from tells them apart",
            case.name(**relay)
        ));
    }
    findings
}

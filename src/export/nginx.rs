//! nginx: `deny` directives, and a limit for each client.

use std::fmt::Write;

use super::comment::{Guide, comment};
use super::plan::Plan;
use super::space::plain;
use crate::error::Result;
use crate::report::words;

/// Room for the clients that are limited: about 16,000 in each MB (documentation of ngx_http_limit_req_module).
const ZONE: &str = "10m";

/// `deny` for each network.
pub fn deny(plan: &Plan<'_>) -> String {
    let guide = Guide {
        does: plan.does("nginx answers 403 to"),
        apply: &[
            "cp THIS /etc/nginx/conf.d/aftertrace-deny.conf && nginx -t && nginx -s reload",
            "Where a server or location has allow or deny of its own, include it there, before these.",
        ],
        undo: &["rm /etc/nginx/conf.d/aftertrace-deny.conf && nginx -s reload"],
    };
    let mut out = comment(plan, &guide);
    for network in plan.networks() {
        let _ = writeln!(out, "deny {};", plain(network));
    }
    out
}

/// The limit that the report advises.
///
/// # Errors
/// When it advises none.
pub fn limit(plan: &Plan<'_>) -> Result<String> {
    let (incident, limit) = plan.limit()?;
    let per_minute = limit.per_minute;
    // A client may spend its minute at once, as the report counted it.
    let burst = per_minute.saturating_sub(1);
    let share = |share: Option<f64>| share.map_or("an unknown part".to_string(), words::share);
    let guide = Guide {
        does: format!(
            "What it does: nginx answers 429 to what exceeds {} a minute from one address, known clients and private addresses aside. In the \
             report's incident {} that would have refused {} of the attack's requests, {} of the others, and {} at least once.",
            words::counted(per_minute, "request", "requests"),
            incident,
            share(limit.attack_share),
            share(limit.innocent_share),
            words::counted(
                limit.innocent_clients,
                "innocent client",
                "innocent clients"
            ),
        ),
        apply: &[
            "cp THIS /etc/nginx/conf.d/aftertrace-limit.conf && nginx -t && nginx -s reload",
            "Behind a proxy set real_ip_header first, or all visitors are one client.",
            "Where a server or location has limit_req of its own, repeat the limit_req line there.",
        ],
        undo: &["rm /etc/nginx/conf.d/aftertrace-limit.conf && nginx -s reload"],
    };
    let mut out = comment(plan, &guide);
    out.push_str("geo $aftertrace_spared {\n    default 0;\n");
    for network in &plan.spared() {
        let _ = writeln!(out, "    {} 1;", plain(network));
    }
    out.push_str("}\n");
    out.push_str(
        "map $aftertrace_spared $aftertrace_client {\n    0 $binary_remote_addr;\n    1 \"\";\n}\n",
    );
    let _ = writeln!(
        out,
        "limit_req_zone $aftertrace_client zone=aftertrace:{ZONE} rate={per_minute}r/m;"
    );
    match burst {
        0 => out.push_str("limit_req zone=aftertrace;\n"),
        burst => {
            let _ = writeln!(out, "limit_req zone=aftertrace burst={burst} nodelay;");
        }
    }
    out.push_str("limit_req_status 429;\n");
    Ok(out)
}

//! Apache 2.4: `Require not ip`.

use std::fmt::Write;

use super::comment::{Guide, comment};
use super::plan::Plan;
use super::space::plain;

/// The file. `AuthMerging And` keeps what other sections require: without it the section would open what they close.
pub fn file(plan: &Plan<'_>) -> String {
    let guide = Guide {
        does: plan.does("Apache answers 403 to"),
        apply: &[
            "cp THIS /etc/apache2/conf-enabled/aftertrace.conf && apachectl configtest && apachectl graceful",
            "Behind a proxy it needs mod_remoteip. A Location of its own with Require is not merged; include it there.",
        ],
        undo: &["rm /etc/apache2/conf-enabled/aftertrace.conf && apachectl graceful"],
    };
    let mut out = comment(plan, &guide);
    out.push_str(
        "<Location \"/\">\n    AuthMerging And\n    <RequireAll>\n        Require all granted\n",
    );
    for network in plan.networks() {
        let _ = writeln!(out, "        Require not ip {}", plain(network));
    }
    out.push_str("    </RequireAll>\n</Location>\n");
    out
}

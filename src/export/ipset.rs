//! ipset: two sets, as `ipset restore` reads them.

use std::fmt::Write;

use super::comment::{Guide, comment};
use super::plan::Plan;

/// Entries that a set may have. Always the same, since `ipset` takes a set that exists for another one if it has another
/// limit; the kernel takes memory for what is in it alone.
const MAX_ENTRIES: u32 = 1 << 20;

/// The file.
pub fn file(plan: &Plan<'_>) -> String {
    let guide = Guide {
        does: plan.does("fills the sets aftertrace4 and aftertrace6; with a rule for each the kernel drops what comes from"),
        apply: &[
            "ipset restore < THIS; applied again it replaces what is in the sets",
            "iptables -I INPUT -m set --match-set aftertrace4 src -j DROP",
            "ip6tables -I INPUT -m set --match-set aftertrace6 src -j DROP",
        ],
        undo: &[
            "iptables -D INPUT -m set --match-set aftertrace4 src -j DROP; ipset destroy aftertrace4",
            "ip6tables -D INPUT -m set --match-set aftertrace6 src -j DROP; ipset destroy aftertrace6",
        ],
    };
    let mut out = comment(plan, &guide);
    let (v4, v6) = plan.families();
    for (name, family, networks) in [("aftertrace4", "inet", v4), ("aftertrace6", "inet6", v6)] {
        let _ = writeln!(
            out,
            "create {name} hash:net family {family} maxelem {MAX_ENTRIES} -exist\nflush {name}"
        );
        for network in networks {
            let _ = writeln!(out, "add {name} {network} -exist");
        }
    }
    out
}

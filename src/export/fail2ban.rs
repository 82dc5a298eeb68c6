//! fail2ban: a script that has it ban networks in a jail, so that its own actions and times hold for them.

use std::fmt::Write;

use super::comment::{Guide, comment};
use super::plan::Plan;
use super::space::plain;

/// Networks in one call of `fail2ban-client`, which well fits a command line and a message to the server.
const PER_CALL: usize = 100;

/// The file.
pub fn file(plan: &Plan<'_>) -> String {
    let guide = Guide {
        does: plan.does("the jail that is named bans, by its own action and for its own time,"),
        apply: &[
            "sh THIS JAIL, where fail2ban-client status lists the jails",
            "Networks wider than one address need an action that takes them, as nftables, iptables and ufw do.",
        ],
        undo: &["sh THIS JAIL unbanip"],
    };
    let mut out = "#!/bin/sh\n".to_string();
    out.push_str(&comment(plan, &guide));
    out.push_str(
        "set -eu\n\
         : \"${1:?the name of a jail is missing: sh $0 JAIL [banip|unbanip]}\"\n\
         run() { fail2ban-client set \"$jail\" \"$what\" \"$@\"; }\n\
         jail=$1\n\
         what=${2:-banip}\n",
    );
    for some in plan.networks().chunks(PER_CALL) {
        out.push_str("run");
        for network in some {
            let _ = write!(out, " \\\n    {}", plain(network));
        }
        out.push('\n');
    }
    out
}

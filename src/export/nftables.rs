//! nftables: a table of its own with a set for each family.

use std::fmt::Write;

use ipnet::IpNet;

use super::comment::{Guide, comment};
use super::plan::Plan;

/// The file. It makes the table anew whenever it is read: it is added in case that it is missing, deleted, and added as
/// it is to be, all in one transaction.
pub fn file(plan: &Plan<'_>) -> String {
    let guide = Guide {
        does: plan.does("the kernel drops everything, on all ports, from"),
        apply: &[
            "nft -c -f THIS && nft -f THIS",
            "Applied again it replaces what it did before; nft list table inet aftertrace shows the packets dropped.",
        ],
        undo: &["nft delete table inet aftertrace"],
    };
    let mut out = comment(plan, &guide);
    out.push_str("table inet aftertrace\ndelete table inet aftertrace\ntable inet aftertrace {\n");
    let (v4, v6) = plan.families();
    set(&mut out, "attackers4", "ipv4_addr", &v4);
    set(&mut out, "attackers6", "ipv6_addr", &v6);
    // Before the kernel keeps track of connections, and before addresses are translated for containers.
    out.push_str(
        "\tchain prerouting {\n\
         \t\ttype filter hook prerouting priority raw; policy accept;\n\
         \t\tip saddr @attackers4 counter drop\n\
         \t\tip6 saddr @attackers6 counter drop\n\
         \t}\n}\n",
    );
    out
}

fn set(out: &mut String, name: &str, kind: &str, networks: &[IpNet]) {
    let _ = writeln!(out, "\tset {name} {{\n\t\ttype {kind}\n\t\tflags interval");
    if !networks.is_empty() {
        out.push_str("\t\telements = {\n");
        for network in networks {
            let _ = writeln!(out, "\t\t\t{network},");
        }
        out.push_str("\t\t}\n");
    }
    out.push_str("\t}\n");
}

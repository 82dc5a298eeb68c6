//! Files for the programs that refuse requests, made from a saved report: nginx, Apache, nftables, ipset, fail2ban, and
//! plain lists.
//!
//! Nothing here decides who attacked: networks, clients and limits are those that the report advises. What is decided
//! here is what never gets into such a file: an address that the user knows, and one that is not on the internet.

mod apache;
mod comment;
mod fail2ban;
mod ipset;
mod lists;
mod nftables;
mod nginx;
mod plan;
mod space;

use crate::error::Result;

pub use plan::{Options, Plan};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `deny` directives of nginx (ngx_http_access_module).
    NginxDeny,
    /// A limit for each client in nginx (ngx_http_limit_req_module).
    NginxLimit,
    /// `Require not ip` of Apache 2.4 (mod_authz_host).
    Apache,
    /// A table of nftables, for `nft -f`.
    Nftables,
    /// Sets for `ipset restore`.
    Ipset,
    /// A shell script that has fail2ban ban them.
    Fail2ban,
    /// One network a line and nothing else.
    Cidr,
    /// A table with what the report knows of each network.
    Csv,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 8] = [
        Form::NginxDeny,
        Form::NginxLimit,
        Form::Apache,
        Form::Nftables,
        Form::Ipset,
        Form::Fail2ban,
        Form::Cidr,
        Form::Csv,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Form::NginxDeny => "nginx-deny",
            Form::NginxLimit => "nginx-limit",
            Form::Apache => "apache",
            Form::Nftables => "nftables",
            Form::Ipset => "ipset",
            Form::Fail2ban => "fail2ban",
            Form::Cidr => "cidr",
            Form::Csv => "csv",
        }
    }
}

/// The whole file. Without anything to block it is one that blocks nobody, and valid.
///
/// # Errors
/// When a limit is asked for and the report advises none.
pub fn file(plan: &Plan<'_>, form: Form) -> Result<String> {
    match form {
        Form::NginxDeny => Ok(nginx::deny(plan)),
        Form::NginxLimit => nginx::limit(plan),
        Form::Apache => Ok(apache::file(plan)),
        Form::Nftables => Ok(nftables::file(plan)),
        Form::Ipset => Ok(ipset::file(plan)),
        Form::Fail2ban => Ok(fail2ban::file(plan)),
        Form::Cidr => Ok(lists::cidr(plan)),
        Form::Csv => lists::csv(plan),
    }
}

#[cfg(test)]
mod tests;

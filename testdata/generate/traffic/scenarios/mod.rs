//! The stories under `testdata/scenarios`, one file each.
//!
//! Rates are scaled down so that the files stay small; the shape of each story is not.

pub mod api_flood;
mod background_noise;
mod blind_sqli_timed;
mod boolean_sqli;
mod brute_force;
mod crawler;
pub mod credential_stuffing;
mod database_down;
mod ddos;
mod deploy_breaks_pages;
mod directory_scan;
mod dirty_input;
mod flash_crowd;
pub mod flood_with_referers;
mod hourly_clock;
pub mod ipv6_botnet;
mod jndi_spray;
mod log_begins_inside;
mod low_and_slow_sqli;
mod monitor_gone_wild;
mod nightly_gaps;
mod out_of_order;
mod php_fatal_traces;
mod product_launch;
mod pulses;
mod quiet_day;
mod retry_storm;
mod rotating_sqli;
mod server_fault;
mod silent_crash;
pub mod single_client_dos;
pub mod slow_brute_force;
mod slow_ramp;
pub mod sparse_dos;
mod sql_errors_from_visitors;
mod sqli_surge;
mod two_attackers;
mod waf_blocked;
mod webshell;
mod webshell_upload;

use std::io;
use std::path::Path;

use super::writers::gzip;

/// A story and what the report about it must say.
pub struct Scenario {
    /// The folder's name.
    pub name: &'static str,
    /// Two sentences: what happened, and what the report must say.
    pub about: &'static str,
    /// Extra arguments of the command line.
    pub args: &'static [&'static str],
    /// Writes the logs.
    pub build: fn() -> Vec<File>,
}

/// A file of a scenario.
pub struct File {
    pub name: &'static str,
    pub content: Content,
}

/// What a file holds.
pub enum Content {
    /// These bytes.
    Plain(Vec<u8>),
    /// A gzip file with these members.
    Gzip(Vec<Vec<u8>>),
}

/// Every scenario, by name.
pub const ALL: &[Scenario] = &[
    api_flood::SCENARIO,
    background_noise::SCENARIO,
    blind_sqli_timed::SCENARIO,
    boolean_sqli::SCENARIO,
    brute_force::SCENARIO,
    crawler::SCENARIO,
    credential_stuffing::SCENARIO,
    database_down::SCENARIO,
    ddos::SCENARIO,
    deploy_breaks_pages::SCENARIO,
    directory_scan::SCENARIO,
    dirty_input::SCENARIO,
    flash_crowd::SCENARIO,
    flood_with_referers::SCENARIO,
    hourly_clock::SCENARIO,
    ipv6_botnet::SCENARIO,
    jndi_spray::SCENARIO,
    log_begins_inside::SCENARIO,
    low_and_slow_sqli::SCENARIO,
    monitor_gone_wild::SCENARIO,
    nightly_gaps::SCENARIO,
    out_of_order::SCENARIO,
    php_fatal_traces::SCENARIO,
    product_launch::SCENARIO,
    pulses::SCENARIO,
    quiet_day::SCENARIO,
    retry_storm::SCENARIO,
    rotating_sqli::SCENARIO,
    server_fault::SCENARIO,
    silent_crash::SCENARIO,
    single_client_dos::SCENARIO,
    slow_brute_force::SCENARIO,
    slow_ramp::SCENARIO,
    sparse_dos::SCENARIO,
    sql_errors_from_visitors::SCENARIO,
    sqli_surge::SCENARIO,
    two_attackers::SCENARIO,
    waf_blocked::SCENARIO,
    webshell::SCENARIO,
    webshell_upload::SCENARIO,
];

impl File {
    fn plain(name: &'static str, bytes: Vec<u8>) -> File {
        File {
            name,
            content: Content::Plain(bytes),
        }
    }

    fn gzip(name: &'static str, bytes: Vec<u8>) -> File {
        File {
            name,
            content: Content::Gzip(vec![bytes]),
        }
    }

    /// What the file holds once it is unpacked.
    pub fn unpacked(&self) -> Vec<u8> {
        match &self.content {
            Content::Plain(bytes) => bytes.clone(),
            Content::Gzip(members) => members.concat(),
        }
    }

    fn stored(&self) -> io::Result<Vec<u8>> {
        match &self.content {
            Content::Plain(bytes) => Ok(bytes.clone()),
            Content::Gzip(members) => gzip(members),
        }
    }
}

impl Scenario {
    /// The scenario's `README.md`.
    pub fn readme(&self) -> String {
        format!("# {}\n\n{}\n", self.name, self.about)
    }

    /// Writes the scenario into a folder, and leaves the expected reports in it alone.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs)?;
        std::fs::write(folder.join("README.md"), self.readme())?;
        if !self.args.is_empty() {
            std::fs::write(folder.join("args"), self.args.join("\n") + "\n")?;
        }
        for file in (self.build)() {
            std::fs::write(logs.join(file.name), file.stored()?)?;
        }
        Ok(())
    }
}

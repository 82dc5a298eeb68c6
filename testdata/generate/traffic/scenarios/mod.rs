//! The stories under `testdata/scenarios`, one file each.
//!
//! Rates are scaled down so that the files stay small; the shape of each story is not.

pub mod api_flood;
mod brute_force;
mod crawler;
pub mod credential_stuffing;
mod ddos;
mod deploy_breaks_pages;
mod dirty_input;
mod flash_crowd;
pub mod flood_with_referers;
mod monitor_gone_wild;
mod out_of_order;
mod product_launch;
mod quiet_day;
mod retry_storm;
mod server_fault;
pub mod slow_brute_force;
mod sqli_surge;
mod webshell;

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
pub const ALL: [Scenario; 18] = [
    api_flood::SCENARIO,
    brute_force::SCENARIO,
    crawler::SCENARIO,
    credential_stuffing::SCENARIO,
    ddos::SCENARIO,
    deploy_breaks_pages::SCENARIO,
    dirty_input::SCENARIO,
    flash_crowd::SCENARIO,
    flood_with_referers::SCENARIO,
    monitor_gone_wild::SCENARIO,
    out_of_order::SCENARIO,
    product_launch::SCENARIO,
    quiet_day::SCENARIO,
    retry_storm::SCENARIO,
    server_fault::SCENARIO,
    slow_brute_force::SCENARIO,
    sqli_surge::SCENARIO,
    webshell::SCENARIO,
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

//! Formats that the user names, beside those that are told by content: a format string, configurations of servers.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result, Warning};
use crate::format::custom::compile;
use crate::format::spec::Reader;
use crate::format::{Vote, vote, vote_with};
use crate::server_config::ServerLogs;

/// The code of the warning about a format that no input is in.
pub const UNUSED: &str = "access_format_unused";

/// What the user says about formats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormatOptions {
    /// An Apache `LogFormat` or an nginx `log_format`.
    pub access_format: Option<String>,
    /// Configurations of servers, each with what it includes.
    pub server_configs: Vec<PathBuf>,
}

/// The readers that follow from it.
#[derive(Default)]
pub struct Readers {
    given: Option<Reader>,
    servers: ServerLogs,
}

impl Readers {
    /// Compiles what the user says; the warnings are about configurations.
    ///
    /// # Errors
    /// When the format can be of no use, or a configuration cannot be read.
    pub fn new(options: &FormatOptions) -> Result<(Readers, Vec<Warning>)> {
        let given = options.access_format.as_deref().map(|text| {
            let template =
                compile(text).map_err(|fault| Error::Usage(format!("--access-format: {fault}")))?;
            let template = template.noted("read with the format of --access-format".to_owned());
            Ok(Arc::new(template) as Reader)
        });
        let mut readers = Readers {
            given: given.transpose()?,
            servers: ServerLogs::default(),
        };
        let mut warnings = Vec::new();
        for path in &options.server_configs {
            let (logs, troubles) = ServerLogs::read(path)?;
            readers.servers.extend(logs);
            warnings.extend(troubles);
        }
        Ok((readers, warnings))
    }

    /// Lets the formats vote on an input: those that the user names for it go before those that read as much. An input
    /// that is in no other format is tried with every format of the configurations, for logs are renamed.
    pub fn vote(&self, input: &str, bytes: &[u8]) -> Option<Vote> {
        let vote = vote_with(bytes, &self.named(input));
        vote.or_else(|| vote_with(bytes, &self.servers.readers()))
    }

    /// The readers that the user names for an input.
    pub fn named(&self, input: &str) -> Vec<Reader> {
        let mut named = self.servers.readers_for(input);
        named.extend(self.given.clone());
        named
    }

    /// The same for a line of which nobody knows where it stood.
    pub fn vote_on_line(&self, line: &[u8]) -> Option<Vote> {
        match &self.given {
            Some(given) => vote_with(line, std::slice::from_ref(given)),
            None => vote(line).or_else(|| vote_with(line, &self.servers.readers())),
        }
    }

    /// The warning that the format of `--access-format` read none of these inputs.
    pub fn unused<'v>(&self, votes: impl IntoIterator<Item = &'v Vote>) -> Option<Warning> {
        let given = self.given.as_ref()?;
        let mut votes = votes.into_iter();
        let used = votes.any(|vote| Arc::ptr_eq(&vote.reader, given));
        (!used).then(|| Warning {
            code: UNUSED,
            message: "no input is in the format of --access-format; all were read as their content tells: \
                      compare it with a line of the log"
                .to_owned(),
            input: None,
        })
    }
}

//! Formats that the user names, beside those that are told by content: a format string, configurations of servers.

use std::path::PathBuf;
use std::sync::Arc;

use crate::bytes::Bytes;
use crate::error::{Error, Result, Warning};
use crate::format::custom::compile;
use crate::format::sample;
use crate::format::spec::Reader;
use crate::format::template::Template;
use crate::format::{Vote, vote, vote_with};
use crate::server_config::ServerLogs;
use crate::text::visible;

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
    given: Option<Arc<Template>>,
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
            Ok::<_, Error>(Arc::new(template))
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
    pub fn vote(&self, input: &str, bytes: Bytes<'_>) -> Option<Vote> {
        let vote = vote_with(bytes, &self.named(input));
        vote.or_else(|| vote_with(bytes, &self.servers.readers()))
    }

    /// The readers that the user names for an input.
    pub fn named(&self, input: &str) -> Vec<Reader> {
        let mut named = self.servers.readers_for(input);
        named.extend(self.given());
        named
    }

    /// The same for a line of which nobody knows where it stood.
    pub fn vote_on_line(&self, line: &[u8]) -> Option<Vote> {
        match self.given() {
            Some(given) => vote_with(line, &[given]),
            None => vote(line).or_else(|| vote_with(line, &self.servers.readers())),
        }
    }

    /// The format of `--access-format`.
    fn given(&self) -> Option<Reader> {
        self.given.clone().map(|given| given as Reader)
    }

    /// The warning that the format of `--access-format` read none of these inputs, each with its name and its bytes.
    pub fn unused<'v>(
        &self,
        inputs: impl Iterator<Item = (&'v str, Bytes<'v>, Option<&'v Vote>)> + Clone,
    ) -> Option<Warning> {
        let given = self.given.as_ref()?;
        let reader = self.given()?;
        let mut votes = inputs.clone().filter_map(|(_, _, vote)| vote);
        if votes.any(|vote| Arc::ptr_eq(&vote.reader, &reader)) {
            return None;
        }
        // what no other format reads either is what was meant
        let unknown = inputs.clone().filter(|(_, _, vote)| vote.is_none());
        let mut candidates = unknown.chain(inputs.filter(|(_, _, vote)| vote.is_some()));
        let place = candidates.find_map(|(name, bytes, _)| departure(given, name, bytes));
        let advice = "compare it with a line of the log".to_owned();
        Some(Warning {
            code: UNUSED.into(),
            message: format!(
                "no input is in the format of --access-format; all were read as their content tells: {}",
                place.unwrap_or(advice)
            ),
            input: None,
        })
    }
}

/// Where the first line of an input leaves a format.
fn departure(format: &Template, name: &str, bytes: Bytes<'_>) -> Option<String> {
    /// Bytes of the line that are shown.
    const SHOWN: usize = 60;
    let (at, line) = sample::lines(bytes).into_iter().next()?;
    let number = 1 + bytes.ends(0..at as usize);
    let found = format.leaves(line)?;
    let rest = &line[found.at..];
    let cut = visible(&rest[..rest.len().min(SHOWN)]);
    let more = if rest.len() > SHOWN { "\u{2026}" } else { "" };
    let column = found.at + 1;
    let place = format!("line {number} of {name}");
    Some(match (found.name, found.more) {
        (Some(directive), true) => format!(
            "{place} has more than the format: at column {column}, behind {directive}, \u{201c}{cut}{more}\u{201d} follows"
        ),
        (Some(directive), false) => format!(
            "{place} is not in it from column {column} on, where {directive} is expected: \u{201c}{cut}{more}\u{201d}"
        ),
        (None, _) => {
            format!("{place} does not begin as the format does: \u{201c}{cut}{more}\u{201d}")
        }
    })
}

//! Monitors, offices and others whose requests are counted and never accused.

use std::path::Path;

use ipnet::IpNet;

use crate::addresses::{AddressMap, parse_networks};
use crate::client::Client;
use crate::error::{Error, Result};

/// Networks under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// What the user calls them, if anything.
    pub name: Option<String>,
    /// Where they come from.
    pub networks: Vec<IpNet>,
}

/// Everybody who is known. Empty if nobody is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    parties: Vec<Party>,
    map: AddressMap,
}

impl Known {
    /// These parties; of one name they are one. Where networks nest, the narrowest says whose an address is.
    pub fn new(parties: impl IntoIterator<Item = Party>) -> Known {
        let mut known: Vec<Party> = Vec::new();
        for party in parties {
            let same = known
                .iter_mut()
                .find(|other| other.name.is_some() && other.name == party.name);
            match same {
                Some(other) => other.networks.extend(party.networks),
                None => known.push(party),
            }
        }
        let labelled = known.iter().zip(0..).flat_map(|(party, label)| {
            let networks = party.networks.iter();
            networks.map(move |network| (*network, label))
        });
        Known {
            map: AddressMap::new(labelled),
            parties: known,
        }
    }

    /// The parties, in the order in which they were given.
    pub fn parties(&self) -> &[Party] {
        &self.parties
    }

    /// True when nobody is known.
    pub fn is_empty(&self) -> bool {
        self.parties.is_empty()
    }

    /// Index of the party that a client belongs to.
    #[inline]
    pub fn party(&self, client: Client) -> Option<u32> {
        self.map.get(client)
    }
}

/// Reads a file with a network or an address a line, and a name behind it if it has one; `#` begins a comment.
///
/// # Errors
/// When the file cannot be read, or a line names no network: with the file and the line.
pub fn read(path: &Path) -> Result<Vec<Party>> {
    let bytes = std::fs::read(path)
        .map_err(|error| Error::io(path, "cannot read the list of known clients", error))?;
    parse(&String::from_utf8_lossy(&bytes))
        .map_err(|(line, reason)| Error::Usage(format!("{}:{line}: {reason}", path.display())))
}

/// The lines of such a file, or the number of the first that is wrong and why.
fn parse(text: &str) -> std::result::Result<Vec<Party>, (usize, String)> {
    let mut parties = Vec::new();
    for (line, number) in text.trim_start_matches('\u{feff}').lines().zip(1..) {
        let line = uncommented(line);
        let (network, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if network.is_empty() {
            continue;
        }
        let name = name.trim();
        parties.push(Party {
            networks: parse_networks(network).map_err(|reason| (number, reason))?,
            name: (!name.is_empty()).then(|| name.to_string()),
        });
    }
    Ok(parties)
}

/// A line up to its comment, which begins a word, so that a name may be `rack#7`.
fn uncommented(line: &str) -> &str {
    let mut comments = line.match_indices('#');
    let begins_word = |at: usize| {
        line[..at]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace)
    };
    let end = comments.find(|(at, _)| begins_word(*at));
    end.map_or(line, |(at, _)| &line[..at]).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\u{feff}# who may\n198.51.100.0/24  Head office, Berlin # since May\n\n  192.0.2.7\n\
        2001:db8::/48\tHead office, Berlin\r\n203.0.113.9 rack#7\n";

    #[test]
    fn a_file_names_networks_and_whose_they_are() {
        let known = Known::new(parse(FILE).unwrap());
        let names: Vec<_> = known
            .parties()
            .iter()
            .map(|party| party.name.as_deref())
            .collect();
        assert_eq!(names, [Some("Head office, Berlin"), None, Some("rack#7")]);
        assert_eq!(known.parties()[0].networks.len(), 2);
        let party = |text: &str| known.party(Client::parse(text.as_bytes()));
        assert_eq!(party("198.51.100.77"), Some(0));
        assert_eq!(party("2001:db8:0:1::1"), Some(0));
        assert_eq!((party("192.0.2.7"), party("192.0.2.8")), (Some(1), None));
        assert!(Known::default().is_empty() && !known.is_empty());
    }

    #[test]
    fn a_wrong_line_is_named() {
        let (line, reason) = parse("192.0.2.1\n\noffice.example Office\n").unwrap_err();
        assert_eq!(line, 3);
        assert!(
            reason.contains("`office.example` is no network"),
            "{reason}"
        );
        let error = read(Path::new("no/such/file")).unwrap_err().to_string();
        assert!(error.starts_with("no/such/file: cannot read"), "{error}");
    }
}

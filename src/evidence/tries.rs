//! Single attempts at an attacked place, with what each asked and how it was answered: what the signs of success
//! are read from.
//!
//! A sample of bounded size, in which attempts that compare constants or ask to wait, and thus say most, are more
//! likely. Which attempts are kept depends on where their lines stand, so that the
//! sample of a whole log is the same however it was cut.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::client::Client;
use crate::evidence::capped::mix64;
use crate::evidence::first::{FirstK, Locator};
use crate::syntax::condition::Means;

/// Attempts kept per place; one takes about 130 bytes. A tool sends some hundred to a parameter before it knows
/// whether it can be injected.
pub const MAX_TRIES: usize = 512;

/// How much more likely than others telling attempts are kept, where not all can be.
const FAVOUR: u64 = 8;

/// One attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Try {
    /// Orders the sample as by lot.
    lot: u64,
    /// The line.
    pub at: Locator,
    /// Who.
    pub client: Client,
    /// How it was answered.
    pub answer: Answer,
    /// What was asked.
    pub asked: Asked,
}

/// An answer, as far as the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Answer {
    /// The status code; 0 when unknown.
    pub status: u16,
    /// Bytes sent.
    pub bytes: Option<u64>,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
}

/// What a payload asks, without its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Asked {
    /// Bytes of the request target: what a page that shows its input grows by.
    pub length: u32,
    /// The payload by hash, without what a tool varies from request to request.
    pub shape: u64,
    /// The payload by hash, as it is.
    pub text: u64,
    /// Whether the constants that it compares make its condition true.
    pub truth: Option<bool>,
    /// Milliseconds that it asks to wait.
    pub delay_ms: Option<u32>,
    /// It reads a value piece by piece.
    pub reads: bool,
    /// It reads or writes files, or asks another server.
    pub means: Option<Means>,
}

impl Try {
    /// An attempt in the line at `at`.
    pub fn new(at: Locator, client: Client, answer: Answer, asked: Asked) -> Try {
        let lot = mix64(at.offset ^ mix64(u64::from(at.source)));
        let telling = asked.truth.is_some() || asked.delay_ms.is_some();
        Try {
            lot: if telling { lot / FAVOUR } else { lot },
            at,
            client,
            answer,
            asked,
        }
    }
}

/// All but the lot, which follows from the rest.
impl Serialize for Try {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.at, self.client, self.answer, self.asked).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Try {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Try, D::Error> {
        let (at, client, answer, asked) = Deserialize::deserialize(deserializer)?;
        Ok(Try::new(at, client, answer, asked))
    }
}

impl Answer {
    /// True when the server or something before it refused to look at the request: statuses that firewalls
    /// and limits give (ModSecurity's default is 403; 406 and 501 in older rule sets; nginx 444; RFC 6585 429).
    /// Not 404, which an application gives for any value that it does not know.
    pub fn is_refused(&self) -> bool {
        matches!(
            self.status,
            400 | 401 | 403 | 405 | 406 | 418 | 429 | 444 | 501
        )
    }

    /// True for 2xx.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// True when the application failed, or had no time to answer.
    pub fn is_failure(&self) -> bool {
        self.status >= 500 && self.status != 501
    }
}

/// The attempts kept of a place.
pub type Tries = FirstK<Try, MAX_TRIES>;

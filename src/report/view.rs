//! The report: the one versioned, serialisable value that every renderer is given.
//!
//! Renderers never compute; what is not here cannot be shown. Log text in these fields is text
//! (bytes that are no UTF-8 stand as `\xHH`), but still hostile: escape it for the medium.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::category::Category;
pub use crate::error::Warning;
use crate::format::spec::LogKind;
use crate::severity::Severity;
pub use crate::terms::Relation;
use crate::terms::{Cause, Dimension, Outcome, Phase, Role, SymptomKind};
use crate::time::{Time, UtcOffset};

/// A name of a closed vocabulary, or of something that the program knows: borrowed when it is made, owned when it is read.
pub type Name = Cow<'static, str>;

/// Values under names that the program knows.
pub fn named<V>(pairs: impl IntoIterator<Item = (&'static str, V)>) -> BTreeMap<Name, V> {
    let pairs = pairs.into_iter();
    pairs.map(|(name, value)| (name.into(), value)).collect()
}

/// Version of the report's shape: rises when a named field must change its meaning.
pub const SCHEMA_VERSION: &str = "1";

/// The whole answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)] // REPORT.md's names; documented on the types they hold
pub struct Report {
    pub schema_version: Name,
    pub tool: Tool,
    /// Whether addresses and names are pseudonyms (`--pseudonymize`): nothing in it can be blocked then.
    #[serde(default)]
    pub pseudonymized: bool,
    pub verdict: Verdict,
    pub inputs: Vec<Input>,
    pub window: Window,
    pub totals: Totals,
    pub known: Vec<KnownParty>,
    #[serde(default)]
    pub databases: Vec<Database>,
    pub series: Series,
    pub incidents: Vec<Incident>,
    pub warnings: Vec<Warning>,
}

/// Name and version of the program that wrote the report.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Tool {
    pub name: Name,
    pub version: Name,
}

/// The one answer, taken from the gravest incident.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// Whether an attack was found.
    pub attack: bool,
    /// A [`Cause`] name, or `"none"`.
    pub cause: Name,
    /// 0..1.
    pub confidence: f64,
    /// One sentence.
    pub headline: String,
    /// First evidence.
    pub start: Option<Time>,
    /// Last evidence.
    pub end: Option<Time>,
}

/// The headline where no request could be read at all.
pub const NOTHING_READ: &str = "No verdict: no request could be read";

/// One input and what became of its lines: `records + unparsed + blank = lines`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Input {
    /// As given or found; `-` for standard input.
    pub path: String,
    /// Access or error log.
    pub kind: LogKind,
    /// The format's name.
    pub format: Name,
    /// Bytes read, after decompression; less than there are where only a part can hold the time asked for.
    pub bytes: u64,
    /// Physical lines.
    pub lines: u64,
    /// Lines that became records, or belong to one.
    pub records: u64,
    /// Lines that did not parse.
    pub unparsed: u64,
    /// Empty lines.
    pub blank: u64,
    /// Earliest record.
    pub first: Option<Time>,
    /// Latest record.
    pub last: Option<Time>,
    /// The zone of its times.
    pub utc_offset: Option<UtcOffset>,
    /// Clock error against the other inputs, in seconds.
    pub clock_skew_s: Option<f64>,
    /// Lines that did not parse, by reason, and other remarks.
    pub notes: Vec<String>,
}

/// The time that the records cover.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Window {
    pub start: Option<Time>,
    pub end: Option<Time>,
    /// Bucket width of the series in seconds.
    pub bucket_s: u64,
    /// The zone that people expect times in: the access log's own.
    pub utc_offset: UtcOffset,
}

/// Sums over everything read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Access records.
    pub requests: u64,
    /// Bytes sent, where the log says.
    pub bytes_sent: Option<u64>,
    /// Distinct clients.
    pub clients: u64,
    /// Requests by status class, `"1xx"` to `"5xx"`, and `"none"` if some have no status.
    pub status: BTreeMap<Name, u64>,
    /// Lines with a hit of at least medium confidence.
    pub hits: u64,
    /// The same by category.
    pub hits_by_category: BTreeMap<Name, u64>,
}

/// Clients that the user knows (`--exclude`, `--known`): part of `totals` and `series`, and accused of nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownParty {
    /// The user's name for them; `null` for a network without one.
    pub name: Option<String>,
    /// Their networks (CIDR).
    pub networks: Vec<String>,
    /// Their requests.
    pub requests: u64,
    /// Those among them with a hit of at least medium confidence.
    pub hits: u64,
}

/// A database of `--mmdb` that says where clients are. Without any nothing is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Database {
    /// As given.
    pub path: String,
    /// What its maker calls it, such as `GeoLite2-ASN`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was made, by its own word: how addresses are used changes.
    pub built: Option<Time>,
}

/// Parallel arrays, one number a bucket, no bucket left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Series {
    pub start: Option<Time>,
    pub bucket_s: u64,
    pub requests: Vec<u64>,
    pub errors_5xx: Vec<u64>,
    pub hits: Vec<u64>,
    pub clients: Vec<u64>,
}

/// What belongs together, told from its first to its last evidence.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// 1.. within the report.
    pub id: u32,
    /// Why.
    pub cause: Cause,
    /// False for crowds, crawlers and server faults.
    pub attack: bool,
    /// How grave.
    pub severity: Severity,
    /// 0..1.
    pub confidence: f64,
    /// The sentences that the confidence rests on.
    pub reasons: Vec<String>,
    /// First evidence.
    pub start: Time,
    /// Last evidence.
    pub end: Time,
    /// The logs begin inside the incident.
    pub ongoing_at_start: bool,
    /// The logs stop inside the incident.
    pub ongoing_at_end: bool,
    /// One sentence a postmortem can quote.
    pub headline: String,
    /// What happened, in time order.
    pub timeline: Vec<TimelineEntry>,
    /// Traffic above the baseline.
    pub bursts: Vec<Burst>,
    /// Who.
    pub actors: Vec<Actor>,
    /// What was attacked, and whether it worked.
    pub injections: Vec<Injection>,
    /// What the error logs say.
    pub symptoms: Vec<Symptom>,
    /// What it cost.
    pub impact: Impact,
    /// What would have helped, counted on these logs.
    pub mitigations: Vec<Mitigation>,
}

/// One step of the story.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// When it began.
    pub time: Time,
    /// When it ended, if it lasted.
    pub end: Option<Time>,
    /// Phase of the attack.
    pub phase: Phase,
    /// A finer name: `onset`, `peak`, `sql_injection`, `workers_exhausted`, ...
    pub kind: String,
    /// How grave.
    pub severity: Severity,
    /// One sentence.
    pub summary: String,
    /// Ids of the actors concerned.
    pub actors: Vec<String>,
    /// The numbers behind the sentence.
    pub metrics: BTreeMap<Name, f64>,
    /// Lines that prove it.
    pub evidence: Vec<Evidence>,
}

/// A log line that proves a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The input's path.
    pub source: String,
    /// 1-based; `null` where the lines before were not read.
    pub line: Option<u64>,
    /// Bytes before the line, after decompression.
    pub offset: u64,
    /// The record's time.
    pub time: Option<Time>,
    /// Physical lines of the record: more than one for a stack trace and the like, whose first is `text`.
    pub lines: u64,
    /// The line.
    pub text: String,
}

/// Traffic above the baseline.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Burst {
    /// What was watched.
    pub dimension: Dimension,
    /// Which path, network or client; `null` for the total.
    pub key: Option<String>,
    /// Onset, to the second.
    pub start: Time,
    /// The busiest bucket.
    pub peak_at: Time,
    /// End, to the second.
    pub end: Time,
    /// Requests per second expected.
    pub baseline_rps: f64,
    /// Requests per second in the busiest bucket.
    pub peak_rps: f64,
    /// Requests within.
    pub requests: u64,
    /// Requests above the baseline.
    pub excess_requests: u64,
    /// Distinct clients within.
    pub clients: u64,
    /// Share of those never seen before it; unknown where the log begins inside it.
    pub new_client_ratio: Option<f64>,
    /// A [`Cause`] name.
    pub classification: Name,
    /// 0..1.
    pub confidence: f64,
    /// Who and what it consists of.
    pub top: BurstTop,
}

/// The leading values inside a burst.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub struct BurstTop {
    pub clients: Vec<Ranked>,
    pub networks: Vec<Ranked>,
    pub paths: Vec<Ranked>,
    pub user_agents: Vec<Ranked>,
}

/// A value and how often it occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ranked {
    /// The value.
    pub key: String,
    /// Requests inside the burst.
    pub requests: u64,
    /// Those above its own baseline.
    pub excess: u64,
}

/// One client, or many that act alike.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// `A1`, `A2`, ... within the report.
    pub id: String,
    /// Its part.
    pub role: Role,
    /// Every address or host name.
    pub clients: Vec<String>,
    /// How many.
    pub client_count: u64,
    /// Their networks (CIDR).
    pub networks: Vec<String>,
    /// User agents, most frequent first.
    pub user_agents: Vec<String>,
    /// First request.
    pub first: Time,
    /// Last request.
    pub last: Time,
    /// Requests.
    pub requests: u64,
    /// Hits by category.
    pub hits_by_category: BTreeMap<Name, u64>,
    /// Paths, most frequent first.
    pub paths: Vec<String>,
    /// Answers by status class.
    pub status: BTreeMap<Name, u64>,
    /// The same clients by country and autonomous system, most requests first; empty without `--mmdb`.
    #[serde(default)]
    pub origins: Vec<Origin>,
}

/// Where clients are, as the databases of `--mmdb` say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// Two letters of ISO 3166-1; `null` where no database says.
    pub country: Option<String>,
    /// Number of the autonomous system; `null` where no database says.
    pub asn: Option<u32>,
    /// Who runs that system; `null` where no database says.
    pub organization: Option<String>,
    /// Addresses.
    pub clients: u64,
    /// Their requests.
    pub requests: u64,
}

/// An attacked endpoint and parameter.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Injection {
    /// A [`Category`].
    pub category: Category,
    /// The path.
    pub endpoint: String,
    /// The parameter, or the header's name; `null` when the path itself was attacked.
    pub parameter: Option<String>,
    /// Techniques: `union`, `boolean`, `error`, `time_based`, ...
    pub techniques: Vec<String>,
    /// Requests.
    pub attempts: u64,
    /// Ids of the actors.
    pub actors: Vec<String>,
    /// First attempt.
    pub first: Time,
    /// Last attempt.
    pub last: Time,
    /// Whether it worked.
    pub outcome: Outcome,
    /// Why we think so.
    pub outcome_reasons: Vec<String>,
    /// Some of the lines.
    pub samples: Vec<Evidence>,
}

/// Messages of one kind in the error logs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Symptom {
    /// What they mean.
    pub kind: SymptomKind,
    /// First message.
    pub first: Time,
    /// Last message.
    pub last: Time,
    /// Messages.
    pub count: u64,
    /// What the most frequent of them mean.
    pub title: String,
    /// Single requests bring these messages about, without any trouble of the server.
    pub by_requests: bool,
    /// The server writes these messages once in its life: their number and their last say nothing about how long
    /// the trouble lasted.
    pub once_per_lifetime: bool,
    /// One of them.
    pub sample: String,
    /// Some of the lines.
    pub evidence: Vec<Evidence>,
    /// What they stand beside.
    pub links: Vec<SymptomLink>,
}

/// What messages of an error log stand beside: in time or by what they name, never as its cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SymptomLink {
    /// How they lie to it.
    pub relation: Relation,
    /// The path of a request, an actor's id, or a step: `surge`, `errors_5xx`, `silence`, `restart`,
    /// `password_guessing`.
    pub to: String,
    /// Messages that name a client of the actor; of `same_request`, those of a few messages that were looked up;
    /// 1 for steps.
    pub count: u64,
    /// Seconds from the beginning of the other to the first message; of `precedes`, from the first message to the
    /// other. Negative when what overlaps began later.
    pub lag_s: Option<f64>,
    /// Some of the lines.
    pub evidence: Vec<Evidence>,
}

/// What it cost.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// Requests inside the incident.
    pub requests: u64,
    /// Those answered with 5xx.
    pub failed: u64,
    /// failed / requests.
    pub failed_ratio: Option<f64>,
    /// Clients inside.
    pub clients: u64,
    /// Clients that met a 5xx.
    pub clients_failed: u64,
    /// When the service did not answer.
    pub outages: Vec<Outage>,
    /// Requests that the baseline would have brought during silences.
    pub lost_requests_estimate: Option<u64>,
    /// Minutes in which the service did not answer: the outages together, what overlaps counted once.
    pub minutes_down: f64,
    /// Clients that met a 5xx and belong to no attacking actor.
    pub innocent_clients_failed: u64,
    /// failed / requests before the incident.
    pub failed_ratio_before: Option<f64>,
    /// failed / requests after it.
    pub failed_ratio_after: Option<f64>,
    /// Seconds from the onset to the first sign of trouble in these logs: a message of overload, a run of failures,
    /// a silence. When somebody noticed, logs do not tell; this is when an alarm could have.
    pub time_to_detect_s: Option<u64>,
    /// Seconds from the onset to the first wave of refusals (403, 429, 444) or messages of a limit.
    pub time_to_mitigate_s: Option<u64>,
    /// Seconds from the onset until requests, failures and refusals were ordinary again.
    pub time_to_recover_s: Option<u64>,
}

/// A time in which the service did not answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Outage {
    pub start: Time,
    pub end: Time,
    /// What shows it.
    pub reason: String,
}

/// A measure and what it would have done.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Mitigation {
    /// `block_networks`, `block_clients`, `rate_limit`, `fix_endpoint` where an injection showed signs of success,
    /// `check_endpoint` where none did.
    pub kind: Name,
    pub summary: String,
    /// Networks, clients or endpoints concerned, or the limit; empty where the summary says that nothing would have helped.
    pub targets: Vec<String>,
    /// Share of the attack's requests it would have stopped.
    pub attack_share: Option<f64>,
    /// Share of the other requests it would have stopped too.
    pub innocent_share: Option<f64>,
    /// The same for each target of `block_networks`; otherwise empty.
    pub details: Vec<Target>,
    /// What limits of different strictness would have done, strictest first; of `rate_limit`, otherwise empty.
    #[serde(default)]
    pub limits: Vec<RateLimit>,
}

/// What a limit to the requests of each client would have done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateLimit {
    /// Requests that a client may send in a minute.
    pub per_minute: u64,
    /// Share of the attack's requests that it would have refused.
    pub attack_share: Option<f64>,
    /// Share of the other requests that it would have refused too.
    pub innocent_share: Option<f64>,
    /// Clients that did not attack and would have been refused at least once.
    pub innocent_clients: u64,
    /// True for the one that the measure advises; for none where no limit would have helped.
    #[serde(default)]
    pub advised: bool,
}

/// What one target's part in a [`Mitigation`] is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The network (CIDR).
    pub target: String,
    /// Attacking addresses within.
    pub clients: u64,
    /// Share of the attack's requests that came from within.
    pub attack_share: Option<f64>,
    /// Addresses within that did not attack.
    pub innocent_clients: u64,
    /// Share of the other requests that came from within.
    pub innocent_share: Option<f64>,
    /// When the attack's first request from within came: from then on blocking it would have helped.
    #[serde(default)]
    pub from: Option<Time>,
    /// Where the network is; empty without `--mmdb`.
    #[serde(default)]
    pub origins: Vec<Origin>,
}

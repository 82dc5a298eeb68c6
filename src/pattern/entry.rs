//! What a pattern is: one entry of a pack, with everything a person needs to judge it.
//!
//! Not the compiled form (`set`) and not the reading of packs (`load`).

use serde::{Deserialize, Serialize};

use crate::category::Category;
use crate::severity::{Confidence, Severity};

/// Index into [`PatternSet::patterns`](super::set::PatternSet::patterns).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PatternId(pub u16);

/// Where in a record a pattern looks, and where a match was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Path and query together.
    Target,
    /// The path.
    Path,
    /// One parameter of the query, or of a segment of the path (`;name=value`): its value, or its name
    /// written `name=`.
    Query,
    /// The referer.
    Referer,
    /// The user agent.
    UserAgent,
    /// A quoted field behind the user agent. nginx's packaged format writes `X-Forwarded-For` there,
    /// others the host or a cookie; the line does not say which.
    Extra,
    /// A request field that is no request line.
    Request,
    /// A line that no format could read.
    Line,
}

impl Field {
    /// Every field.
    pub const ALL: [Field; 8] = [
        Field::Target,
        Field::Path,
        Field::Query,
        Field::Referer,
        Field::UserAgent,
        Field::Extra,
        Field::Request,
        Field::Line,
    ];

    /// The name used in reports and packs.
    pub fn name(self) -> &'static str {
        match self {
            Field::Target => "target",
            Field::Path => "path",
            Field::Query => "query",
            Field::Referer => "referer",
            Field::UserAgent => "user_agent",
            Field::Extra => "extra",
            Field::Request => "request",
            Field::Line => "line",
        }
    }
}

/// One entry of a pack.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// Unique over all packs, `category-detail` in kebab case.
    pub id: String,
    /// What a match is, in a few words.
    pub title: String,
    /// What kind of attack it is.
    pub category: Category,
    /// How much harm a success would mean.
    pub severity: Severity,
    /// How sure a match is by itself.
    pub confidence: Confidence,
    /// The technique within the category: `union`, `boolean`, `error`, `time_based`, `stacked`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technique: Option<String>,
    /// Where to look.
    pub fields: Vec<Field>,
    /// Only in query parameters whose decoded lower-case name matches this expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What to look for in the decoded, lower-case text (`regex::bytes`, dot matches newline).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// A structural feature of `src/syntax`, as in `sql.union`. With `regex`, both must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syntax: Option<String>,
    /// The page is ordinary where it exists: a match counts one step more when the server answered
    /// that it does not (403, 404, 410).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// Why a match matters.
    pub why: String,
    /// CWE, CAPEC, ATT&CK, CVE numbers, or a URL.
    pub references: Vec<String>,
    /// Whole targets, referers or user agents, as they stand in a log, that must match.
    pub matches: Vec<String>,
    /// Near misses that must not.
    pub ignores: Vec<String>,
    /// The tool that a user agent names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

impl Pattern {
    /// The confidence of a match, given the server's answer.
    pub fn confidence_with(&self, status: Option<u16>) -> Confidence {
        let missing = matches!(status, Some(403 | 404 | 410));
        match self.confidence {
            Confidence::Low if self.probe && missing => Confidence::Medium,
            Confidence::Medium if self.probe && missing => Confidence::High,
            as_written => as_written,
        }
    }

    /// Whether the entry looks at `field`. What is an attack in a user agent is one in any other header;
    /// only the names of tools belong to the user agent alone.
    pub fn looks_at(&self, field: Field) -> bool {
        let by_agent = field == Field::Extra
            && self.category != Category::Scanner
            && self.fields.contains(&Field::UserAgent);
        by_agent || self.fields.contains(&field)
    }
}

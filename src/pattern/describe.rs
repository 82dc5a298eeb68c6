//! An entry in words: what it looks for and where, for somebody who has never read a pack.
//!
//! Says what the entry says; not for layout, and not for judging.

use serde::Serialize;

use super::entry::{Field, Pattern};
use super::feature::syntax_about;
use super::need;
use crate::category::Category;
use crate::severity::{Confidence, Severity};
use crate::text::visible;

/// Everything about one entry.
#[derive(Debug, Clone, Serialize)]
pub struct Description<'a> {
    /// The entry's id.
    pub id: &'a str,
    /// What a match is.
    pub title: &'a str,
    /// What kind of attack it is, with the numbers that other tools use.
    pub category: CategoryWords,
    /// How much harm a success would mean.
    pub severity: Severity,
    /// How sure a match is by itself.
    pub confidence: Confidence,
    /// What that confidence means.
    pub confidence_means: &'static str,
    /// The technique within the category.
    pub technique: Option<&'a str>,
    /// The tool that a user agent names.
    pub tool: Option<&'a str>,
    /// What the server's answer changes, if anything.
    pub answer: Option<&'static str>,
    /// Where it looks.
    pub fields: Vec<FieldWords>,
    /// What it looks for.
    pub looks_for: LooksFor<'a>,
    /// Why a match matters.
    pub why: &'a str,
    /// Where to read more.
    pub references: Vec<Reference>,
    /// Samples that match.
    pub matches: &'a [String],
    /// Near misses that do not.
    pub ignores: &'a [String],
}

/// A category and its numbers.
#[derive(Debug, Clone, Serialize)]
pub struct CategoryWords {
    /// As reports and packs write it.
    pub name: &'static str,
    /// As people say it.
    pub title: &'static str,
    /// CWE and CAPEC numbers with their pages.
    pub references: Vec<Reference>,
}

/// A place in a record.
#[derive(Debug, Clone, Serialize)]
pub struct FieldWords {
    /// As packs write it.
    pub name: &'static str,
    /// In words.
    pub about: &'static str,
}

/// What an entry looks for; all that is given must be there.
#[derive(Debug, Clone, Serialize)]
pub struct LooksFor<'a> {
    /// Only in parameters whose name matches this expression.
    pub parameter: Option<&'a str>,
    /// An expression over the decoded, lower-case text.
    pub regex: Option<&'a str>,
    /// A structure that a grammar finds.
    pub syntax: Option<SyntaxWords<'a>>,
    /// One of these is in every text that the expression matches; empty when nothing follows.
    pub literals: Vec<String>,
}

/// A structural feature.
#[derive(Debug, Clone, Serialize)]
pub struct SyntaxWords<'a> {
    /// As packs write it: `sql.union`.
    pub name: &'a str,
    /// In words.
    pub about: &'static str,
}

/// A number or page that an entry refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// As the pack writes it.
    pub id: String,
    /// The page that explains it, for the kinds of numbers that are known.
    pub url: Option<String>,
}

/// Describes an entry.
pub fn describe(pattern: &Pattern) -> Description<'_> {
    Description {
        id: &pattern.id,
        title: &pattern.title,
        category: category(pattern.category),
        severity: pattern.severity,
        confidence: pattern.confidence,
        confidence_means: confidence_means(pattern.confidence),
        technique: pattern.technique.as_deref(),
        tool: pattern.tool.as_deref(),
        answer: pattern.probe.then_some(
            "One step surer when the server answered that there is no such page (403, 404, 410).",
        ),
        fields: pattern.fields.iter().copied().map(field).collect(),
        looks_for: looks_for(pattern),
        why: &pattern.why,
        references: references(pattern),
        matches: &pattern.matches,
        ignores: &pattern.ignores,
    }
}

/// A category with its CWE and CAPEC pages.
pub fn category(category: Category) -> CategoryWords {
    let cwe = category.cwe().iter().map(|number| format!("CWE-{number}"));
    let capec = std::iter::once(format!("CAPEC-{}", category.capec()));
    CategoryWords {
        name: category.name(),
        title: category.title(),
        references: cwe.chain(capec).map(|id| reference(&id)).collect(),
    }
}

/// What an entry refers to.
pub fn references(pattern: &Pattern) -> Vec<Reference> {
    pattern.references.iter().map(|id| reference(id)).collect()
}

/// What a confidence means, as [`Confidence`] defines it.
fn confidence_means(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "odd, but ordinary users do it too",
        Confidence::Medium => "more likely an attack than not",
        Confidence::High => "a person would call the line an attack seeing nothing else",
    }
}

/// A place in words.
pub fn field(field: Field) -> FieldWords {
    let about = match field {
        Field::Target => "the request target, path and query together",
        Field::Path => "the path of the request",
        Field::Query => {
            "each parameter of the query or of the path: its value, and a name that is an odd one"
        }
        Field::Referer => "the referer, and the parameters of its query",
        Field::UserAgent => "the user agent",
        Field::Extra => "a quoted field behind the user agent, such as X-Forwarded-For",
        Field::Request => "a request that is no request line",
        Field::Line => "a line that is in no log format",
    };
    FieldWords {
        name: field.name(),
        about,
    }
}

fn looks_for(pattern: &Pattern) -> LooksFor<'_> {
    let needed = |expression: &str| need::of_expression(expression, need::by_length);
    LooksFor {
        parameter: pattern.parameter.as_deref(),
        regex: pattern.regex.as_deref(),
        syntax: pattern.syntax.as_deref().map(|name| SyntaxWords {
            name,
            about: syntax_about(name).unwrap_or_default(),
        }),
        literals: pattern
            .regex
            .as_deref()
            .and_then(needed)
            .unwrap_or_default()
            .iter()
            .map(|literal| visible(literal).into_owned())
            .collect(),
    }
}

/// A reference with its page. The addresses are those that the keepers of the numbers publish:
/// cwe.mitre.org, capec.mitre.org, attack.mitre.org and cve.org.
pub fn reference(id: &str) -> Reference {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let page = |prefix: &str, address: &str, end: &str| {
        let number = id.strip_prefix(prefix).filter(|number| digits(number))?;
        Some(format!("{address}{number}{end}"))
    };
    let cve = || {
        let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
        (digits(year) && digits(number))
            .then(|| format!("https://www.cve.org/CVERecord?id=CVE-{year}-{number}"))
    };
    let technique = || {
        let (technique, sub) = match id.strip_prefix('T')?.split_once('.') {
            Some((technique, sub)) => (technique, Some(sub)),
            None => (id.strip_prefix('T')?, None),
        };
        let known = digits(technique) && sub.is_none_or(digits);
        known.then(|| match sub {
            Some(sub) => format!("https://attack.mitre.org/techniques/T{technique}/{sub}/"),
            None => format!("https://attack.mitre.org/techniques/T{technique}/"),
        })
    };
    let address = || {
        let web = id.starts_with("https://") || id.starts_with("http://");
        web.then(|| id.to_string())
    };
    Reference {
        id: id.to_string(),
        url: page("CWE-", "https://cwe.mitre.org/data/definitions/", ".html")
            .or_else(|| {
                page(
                    "CAPEC-",
                    "https://capec.mitre.org/data/definitions/",
                    ".html",
                )
            })
            .or_else(cve)
            .or_else(technique)
            .or_else(address),
    }
}

#[cfg(test)]
mod tests {
    use super::super::feature::syntax_names;
    use super::*;

    #[test]
    fn references_lead_to_their_pages() {
        for (id, url) in [
            (
                "CWE-89",
                Some("https://cwe.mitre.org/data/definitions/89.html"),
            ),
            (
                "CAPEC-66",
                Some("https://capec.mitre.org/data/definitions/66.html"),
            ),
            ("T1190", Some("https://attack.mitre.org/techniques/T1190/")),
            (
                "T1505.003",
                Some("https://attack.mitre.org/techniques/T1505/003/"),
            ),
            (
                "CVE-2021-44228",
                Some("https://www.cve.org/CVERecord?id=CVE-2021-44228"),
            ),
            ("https://example.org/a", Some("https://example.org/a")),
            ("CWE-", None),
            ("CWE-89/../../x", None),
            ("CVE-2021", None),
            ("Tx", None),
            ("T1190.", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(reference(id).url.as_deref(), url, "{id}");
        }
    }

    #[test]
    fn every_feature_is_described_in_a_sentence() {
        for name in syntax_names() {
            let about = syntax_about(&name).unwrap();
            assert!(about.len() > 8 && about.ends_with('.'), "{name}: {about:?}");
            assert!(!about.contains("  ") && !about.contains('\n'), "{name}");
        }
        assert_eq!(syntax_about("sql.nothing"), None);
    }

    #[test]
    fn every_reference_of_the_embedded_packs_has_a_page() {
        let set = crate::pattern::load::embedded().unwrap();
        for pattern in set.patterns() {
            for reference in references(pattern) {
                assert!(reference.url.is_some(), "{}: {}", pattern.id, reference.id);
            }
        }
    }
}

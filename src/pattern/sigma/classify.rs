//! What a Sigma rule counts as here: id, category, severity, confidence.
//!
//! Rules know no categories. What they say of themselves in title, tags and description decides, by the table
//! below; where they say nothing of the kind, a match shows that somebody looks around, and no more.

use rsigma_parser::{Level, SigmaRule, Status};

use crate::category::Category;
use crate::pattern::entry::Pattern;
use crate::severity::{Confidence, Severity};

/// Longest id. Ids of rules are UUIDs of 36 characters.
const MAX_ID: usize = 64;

/// Words of titles, descriptions and tags, and the category they stand for; the first row that is met counts.
/// Techniques are those of MITRE ATT&CK.
const CATEGORIES: &[(Category, &[&str])] = &[
    (Category::JndiInjection, &["jndi", "log4j", "log4shell"]),
    (Category::NosqlInjection, &["nosql"]),
    (Category::SqlInjection, &["sql injection", "sqli", "sqlmap"]),
    (Category::XpathInjection, &["xpath injection"]),
    (Category::LdapInjection, &["ldap injection"]),
    (
        Category::SsiInjection,
        &[
            "server side include",
            "server-side include",
            "ssi injection",
        ],
    ),
    (Category::TemplateInjection, &["template injection", "ssti"]),
    (
        Category::Ssrf,
        &[
            "ssrf",
            "server side request forgery",
            "server-side request forgery",
        ],
    ),
    (
        Category::XmlInjection,
        &["xxe", "xml external entity", "xml injection"],
    ),
    (
        Category::Xss,
        &["xss", "cross site scripting", "cross-site scripting"],
    ),
    (
        Category::CrlfInjection,
        &["crlf", "response splitting", "header injection"],
    ),
    (
        Category::ProtocolAbuse,
        &["request smuggling", "smuggling", "http desync"],
    ),
    (
        Category::OpenRedirect,
        &["open redirect", "url redirection"],
    ),
    (
        Category::Webshell,
        &["webshell", "web shell", "attack.t1505.003"],
    ),
    (
        Category::PathTraversal,
        &[
            "path traversal",
            "directory traversal",
            "arbitrary file read",
            "file read",
        ],
    ),
    (Category::FileInclusion, &["file inclusion", "lfi", "rfi"]),
    (
        Category::CommandInjection,
        &[
            "command injection",
            "command execution",
            "shellshock",
            "attack.t1059",
        ],
    ),
    (
        Category::CodeInjection,
        &[
            "code execution",
            "code injection",
            "rce",
            "ognl",
            "deserialization",
            "deserialisation",
        ],
    ),
    (
        Category::SensitiveFile,
        &[
            "source code",
            "credential",
            "backup file",
            "sensitive file",
            "information disclosure",
            "attack.t1552",
        ],
    ),
    (
        Category::Scanner,
        &[
            "scan",
            "scanner",
            "scanning",
            "recon",
            "reconnaissance",
            "enumeration",
            "fuzzing",
            "attack.t1595",
        ],
    ),
];

/// The entry that a rule is in the catalogue.
pub(super) fn entry(rule: &SigmaRule) -> Pattern {
    Pattern {
        id: id(rule),
        title: rule.title.clone(),
        category: category(rule),
        severity: severity(rule.level),
        confidence: confidence(rule.level, rule.status),
        technique: None,
        fields: Vec::new(),
        parameter: None,
        regex: None,
        syntax: None,
        probe: false,
        why: rule.description.clone().unwrap_or_default(),
        references: rule.tags.iter().chain(&rule.references).cloned().collect(),
        matches: Vec::new(),
        ignores: Vec::new(),
        tool: None,
    }
}

/// `sigma-` and the rule's id, or its title where it has none.
fn id(rule: &SigmaRule) -> String {
    let source = rule.id.as_deref().unwrap_or(&rule.title);
    let mut id = String::from("sigma");
    for word in source
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        id.push('-');
        id.push_str(&word.to_ascii_lowercase());
    }
    id.truncate(MAX_ID);
    id
}

/// By title first, for it says what the rule is about, then tags, then the description.
fn category(rule: &SigmaRule) -> Category {
    let tags = rule.tags.join(" ");
    let description = rule.description.as_deref().unwrap_or_default();
    let named = [&rule.title, tags.as_str(), description]
        .into_iter()
        .find_map(|text| {
            let text = text.to_lowercase();
            let has = |words: &&[&str]| words.iter().any(|word| has_word(&text, word));
            CATEGORIES
                .iter()
                .find(|(_, words)| has(words))
                .map(|(category, _)| *category)
        });
    named.unwrap_or(Category::Scanner)
}

/// Whether a text has a word, or words, and not as part of another: `rce` is not in `source`. A technique has
/// its subtechniques' numbers behind a dot.
fn has_word(text: &str, word: &str) -> bool {
    let bytes = text.as_bytes();
    let is_part = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        !is_part(before) && !is_part(bytes.get(at + word.len()))
    })
}

/// Levels as the specification describes them. A rule without one promises nothing.
fn severity(level: Option<Level>) -> Severity {
    match level {
        Some(Level::Critical) => Severity::Critical,
        Some(Level::High) => Severity::High,
        Some(Level::Medium) => Severity::Medium,
        Some(Level::Low | Level::Informational) | None => Severity::Low,
    }
}

/// A match of level `high` or `critical` "requires a prompt review", one of `medium` "should be reviewed
/// manually on a more frequent basis" (Sigma rules specification, level): more likely an attack than not
/// is said of the first two alone, and only of rules that somebody has tried, which `experimental` ones are
/// not. Never `high`: that is said by a person who sees the line.
fn confidence(level: Option<Level>, status: Option<Status>) -> Confidence {
    match (level, status) {
        (Some(Level::High | Level::Critical), Some(Status::Stable | Status::Test)) => {
            Confidence::Medium
        }
        _ => Confidence::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(head: &str) -> SigmaRule {
        let text = format!(
            "{head}\nlogsource: {{category: webserver}}\ndetection:\n  s: [x]\n  condition: s\n"
        );
        let mut read = rsigma_parser::parse_sigma_yaml(&text).unwrap();
        assert!(read.errors.is_empty(), "{:?}", read.errors);
        read.rules.remove(0)
    }

    #[test]
    fn words_decide_the_category() {
        for (head, expected) in [
            ("title: Log4Shell probes", Category::JndiInjection),
            (
                "title: Successful SQL Injection attempt",
                Category::SqlInjection,
            ),
            ("title: A resource of source code", Category::SensitiveFile),
            (
                "title: Uploads\ntags: [attack.t1505.003]",
                Category::Webshell,
            ),
            (
                "title: Uploads\ndescription: leads to RCE.",
                Category::CodeInjection,
            ),
            (
                "title: Forced search\ntags: [attack.t1190]",
                Category::Scanner,
            ),
            ("title: Odd\ntags: [attack.t1595.002]", Category::Scanner),
        ] {
            assert_eq!(category(&rule(head)), expected, "{head}");
        }
    }

    #[test]
    fn no_rule_is_sure_by_itself() {
        use Confidence::{Low, Medium};
        for (level, status, expected) in [
            ("critical", "stable", Medium),
            ("high", "test", Medium),
            ("high", "experimental", Low),
            ("medium", "stable", Low),
            ("informational", "stable", Low),
        ] {
            let head = format!("title: t\nlevel: {level}\nstatus: {status}");
            assert_eq!(entry(&rule(&head)).confidence, expected, "{head}");
        }
        assert_eq!(entry(&rule("title: t")).confidence, Low);
        assert_eq!(entry(&rule("title: t")).severity, Severity::Low);
    }

    #[test]
    fn ids_are_kebab_case_whatever_the_rule_says() {
        let of = |head: &str| entry(&rule(head)).id;
        assert_eq!(of("title: t\nid: 5FA1-00aa"), "sigma-5fa1-00aa");
        assert_eq!(of("title: \"A \\e[31m rule!\""), "sigma-a-31m-rule");
        assert!(of(&format!("title: {}", "x".repeat(500))).len() <= MAX_ID);
    }
}

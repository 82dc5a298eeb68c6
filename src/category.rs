//! What kind of attack a line shows, with the identifiers other tools use for it.
//!
//! The list is closed: a pattern pack adds entries to a category, never a category.

use serde::{Deserialize, Serialize};

/// An attack category. The order is gravity, gravest first: it decides which category a line that
/// shows several is listed under. Code execution ranks before data access, data access before
/// attacks on other users, and those before reconnaissance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the names are the documentation; `cwe` and `capec` define each
pub enum Category {
    JndiInjection,
    CommandInjection,
    CodeInjection,
    TemplateInjection,
    Webshell,
    SqlInjection,
    NosqlInjection,
    XmlInjection,
    FileInclusion,
    PathTraversal,
    Ssrf,
    SsiInjection,
    LdapInjection,
    XpathInjection,
    CrlfInjection,
    Xss,
    OpenRedirect,
    ProtocolAbuse,
    SensitiveFile,
    Scanner,
}

impl Category {
    /// Every category, gravest first.
    pub const ALL: [Category; 20] = [
        Category::JndiInjection,
        Category::CommandInjection,
        Category::CodeInjection,
        Category::TemplateInjection,
        Category::Webshell,
        Category::SqlInjection,
        Category::NosqlInjection,
        Category::XmlInjection,
        Category::FileInclusion,
        Category::PathTraversal,
        Category::Ssrf,
        Category::SsiInjection,
        Category::LdapInjection,
        Category::XpathInjection,
        Category::CrlfInjection,
        Category::Xss,
        Category::OpenRedirect,
        Category::ProtocolAbuse,
        Category::SensitiveFile,
        Category::Scanner,
    ];

    /// Position in [`Category::ALL`]; a stable array index.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The name used in reports and packs.
    pub fn name(self) -> &'static str {
        match self {
            Category::JndiInjection => "jndi_injection",
            Category::CommandInjection => "command_injection",
            Category::CodeInjection => "code_injection",
            Category::TemplateInjection => "template_injection",
            Category::Webshell => "webshell",
            Category::SqlInjection => "sql_injection",
            Category::NosqlInjection => "nosql_injection",
            Category::XmlInjection => "xml_injection",
            Category::FileInclusion => "file_inclusion",
            Category::PathTraversal => "path_traversal",
            Category::Ssrf => "ssrf",
            Category::SsiInjection => "ssi_injection",
            Category::LdapInjection => "ldap_injection",
            Category::XpathInjection => "xpath_injection",
            Category::CrlfInjection => "crlf_injection",
            Category::Xss => "xss",
            Category::OpenRedirect => "open_redirect",
            Category::ProtocolAbuse => "protocol_abuse",
            Category::SensitiveFile => "sensitive_file",
            Category::Scanner => "scanner",
        }
    }

    /// The name people say: "SQL injection", "path traversal".
    pub fn title(self) -> &'static str {
        match self {
            Category::JndiInjection => "JNDI injection",
            Category::CommandInjection => "command injection",
            Category::CodeInjection => "code injection",
            Category::TemplateInjection => "template injection",
            Category::Webshell => "web shell",
            Category::SqlInjection => "SQL injection",
            Category::NosqlInjection => "NoSQL injection",
            Category::XmlInjection => "XML injection",
            Category::FileInclusion => "file inclusion",
            Category::PathTraversal => "path traversal",
            Category::Ssrf => "server-side request forgery",
            Category::SsiInjection => "server-side include injection",
            Category::LdapInjection => "LDAP injection",
            Category::XpathInjection => "XPath injection",
            Category::CrlfInjection => "CRLF injection",
            Category::Xss => "cross-site scripting",
            Category::OpenRedirect => "open redirect",
            Category::ProtocolAbuse => "protocol abuse",
            Category::SensitiveFile => "sensitive file access",
            Category::Scanner => "scanning",
        }
    }

    /// CWE numbers (MITRE Common Weakness Enumeration).
    pub fn cwe(self) -> &'static [u16] {
        match self {
            Category::JndiInjection => &[917],
            Category::CommandInjection => &[78],
            Category::CodeInjection => &[94],
            Category::TemplateInjection => &[1336],
            Category::Webshell => &[553],
            Category::SqlInjection => &[89],
            Category::NosqlInjection => &[943],
            Category::XmlInjection => &[91, 611],
            Category::FileInclusion => &[98],
            Category::PathTraversal => &[22],
            Category::Ssrf => &[918],
            Category::SsiInjection => &[97],
            Category::LdapInjection => &[90],
            Category::XpathInjection => &[643],
            Category::CrlfInjection => &[93],
            Category::Xss => &[79],
            Category::OpenRedirect => &[601],
            Category::ProtocolAbuse => &[444],
            Category::SensitiveFile => &[538],
            Category::Scanner => &[],
        }
    }

    /// CAPEC number (MITRE Common Attack Pattern Enumeration and Classification).
    pub fn capec(self) -> u16 {
        match self {
            Category::JndiInjection => 248,
            Category::CommandInjection => 88,
            Category::CodeInjection => 242,
            Category::TemplateInjection => 242,
            Category::Webshell => 650,
            Category::SqlInjection => 66,
            Category::NosqlInjection => 676,
            Category::XmlInjection => 250,
            Category::FileInclusion => 252,
            Category::PathTraversal => 126,
            Category::Ssrf => 664,
            Category::SsiInjection => 101,
            Category::LdapInjection => 136,
            Category::XpathInjection => 83,
            Category::CrlfInjection => 105,
            Category::Xss => 63,
            Category::OpenRedirect => 178,
            Category::ProtocolAbuse => 220,
            Category::SensitiveFile => 87,
            Category::Scanner => 310,
        }
    }

    /// True for categories that only look around: they carry no payload that could run.
    pub fn is_reconnaissance(self) -> bool {
        matches!(
            self,
            Category::Scanner | Category::SensitiveFile | Category::ProtocolAbuse
        )
    }
}

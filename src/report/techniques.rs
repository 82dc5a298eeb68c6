//! Which techniques of MITRE ATT&CK (Enterprise, version 17) findings are: for who collects alerts by them.
//!
//! Names and numbers are those of attack.mitre.org. A log of requests shows what was sent and not what it was for, so that each
//! finding has one technique, the one that its requests are.

use crate::category::Category;
use crate::terms::Cause;

/// A technique, and the tactic that it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Technique {
    /// `T1190`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Number and name of the subtechnique, if one fits: `T1505.003`.
    pub part: Option<(&'static str, &'static str)>,
    /// The number of the tactic.
    pub tactic: &'static str,
    /// The name of the tactic.
    pub tactic_name: &'static str,
}

type Named = (&'static str, &'static str);

const fn technique((id, name): Named, part: Option<Named>, tactic: Named) -> Technique {
    Technique {
        id,
        name,
        part,
        tactic: tactic.0,
        tactic_name: tactic.1,
    }
}

const INITIAL_ACCESS: Named = ("TA0001", "Initial Access");
const PERSISTENCE: Named = ("TA0003", "Persistence");
const CREDENTIAL_ACCESS: Named = ("TA0006", "Credential Access");
const IMPACT: Named = ("TA0040", "Impact");
const RECONNAISSANCE: Named = ("TA0043", "Reconnaissance");

const EXPLOIT: Technique = technique(
    ("T1190", "Exploit Public-Facing Application"),
    None,
    INITIAL_ACCESS,
);
const DRIVE_BY: Technique = technique(("T1189", "Drive-by Compromise"), None, INITIAL_ACCESS);
const PHISHING_LINK: Technique = technique(
    ("T1566", "Phishing"),
    Some(("T1566.002", "Spearphishing Link")),
    INITIAL_ACCESS,
);
const WEB_SHELL: Technique = technique(
    ("T1505", "Server Software Component"),
    Some(("T1505.003", "Web Shell")),
    PERSISTENCE,
);
const BRUTE_FORCE: Technique = technique(("T1110", "Brute Force"), None, CREDENTIAL_ACCESS);
const SCANNING: Named = ("T1595", "Active Scanning");
const VULNERABILITY_SCANNING: Technique = technique(
    SCANNING,
    Some(("T1595.002", "Vulnerability Scanning")),
    RECONNAISSANCE,
);
const WORDLIST_SCANNING: Technique = technique(
    SCANNING,
    Some(("T1595.003", "Wordlist Scanning")),
    RECONNAISSANCE,
);
const EXHAUSTION_FLOOD: Technique = technique(
    ("T1499", "Endpoint Denial of Service"),
    Some(("T1499.002", "Service Exhaustion Flood")),
    IMPACT,
);

/// The technique of requests of a category.
pub fn of_category(category: Category) -> Technique {
    match category {
        Category::Webshell => WEB_SHELL,
        Category::Xss => DRIVE_BY,
        Category::OpenRedirect => PHISHING_LINK,
        Category::SensitiveFile => WORDLIST_SCANNING,
        Category::Scanner => VULNERABILITY_SCANNING,
        Category::JndiInjection
        | Category::CommandInjection
        | Category::CodeInjection
        | Category::TemplateInjection
        | Category::SqlInjection
        | Category::NosqlInjection
        | Category::XmlInjection
        | Category::FileInclusion
        | Category::PathTraversal
        | Category::Ssrf
        | Category::SsiInjection
        | Category::LdapInjection
        | Category::XpathInjection
        | Category::CrlfInjection
        | Category::ProtocolAbuse => EXPLOIT,
    }
}

/// The techniques of an incident with this cause; none for what is no attack.
pub fn of_cause(cause: Cause) -> &'static [Technique] {
    match cause {
        Cause::Ddos | Cause::Dos => &[EXHAUSTION_FLOOD],
        Cause::Injection => &[EXPLOIT],
        Cause::InjectionAndSurge => &[EXPLOIT, EXHAUSTION_FLOOD],
        Cause::BruteForce => &[BRUTE_FORCE],
        Cause::Scan => &[VULNERABILITY_SCANNING],
        Cause::Webshell => &[WEB_SHELL],
        Cause::FlashCrowd | Cause::Crawler | Cause::ServerFault => &[],
    }
}

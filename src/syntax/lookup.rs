//! Log4j lookups: `${...}` resolved from the inside, as the library itself does (CVE-2021-44228).
//!
//! Only what attackers use to hide the word `jndi` is resolved: `lower`, `upper`, and defaults.

use super::bytes::worth_reading;
use super::needs;

features! {
    /// A lookup that resolves to `${jndi:`.
    Jndi = "jndi",
    /// Lookups within lookups, or one that reads the environment.
    Nested = "nested",
}

/// How many lookups are resolved in one text.
const MAX_LOOKUPS: usize = 256;

/// Finds lookups.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    if !worth_reading(text, needs::LOOKUP) {
        return facts;
    }
    let begins = |at: &usize| text.get(at + 1) == Some(&b'{');
    let Some(start) = memchr::memchr_iter(b'$', text).find(begins) else {
        return facts;
    };
    if names_address(&text[start..], b"${jndi:") {
        facts.note(Feature::Jndi, start, text.len());
    }
    let mut current = text[start..].to_vec();
    let mut nested = false;
    for _ in 0..MAX_LOOKUPS {
        let Some(open) = memchr::memmem::rfind(&current, b"${") else {
            break;
        };
        let Some(close) = memchr::memchr(b'}', &current[open..]).map(|n| open + n) else {
            break;
        };
        let inner = &current[open + 2..close];
        if names_address(inner, b"jndi:") {
            facts.note(Feature::Jndi, start, text.len());
            return facts;
        }
        let Some(value) = resolve(inner).map(<[u8]>::to_vec) else {
            break;
        };
        nested = true;
        current.splice(open..=close, value);
    }
    let resolved = names_address(&current, b"${jndi:")
        || (nested && memchr::memmem::find(&current, b"jndi:").is_some());
    if resolved {
        facts.note(Feature::Jndi, start, text.len());
    } else if nested {
        facts.note(Feature::Nested, start, text.len());
    }
    facts
}

/// Whether `prefix` is followed by a service and a colon: `${jndi:ldap:`. People who ask what
/// `${jndi:ldap}` means name no address.
fn names_address(text: &[u8], prefix: &[u8]) -> bool {
    memchr::memmem::find(text, prefix).is_some_and(|at| text[at + prefix.len()..].contains(&b':'))
}

/// The value of one lookup, where it needs no environment: `lower:x`, `upper:x`, `any:thing:-x`.
fn resolve(inner: &[u8]) -> Option<&[u8]> {
    if let Some(at) = memchr::memmem::rfind(inner, b":-") {
        return Some(&inner[at + 2..]);
    }
    for prefix in [&b"lower:"[..], b"upper:", b"upper::", b"lower::"] {
        if let Some(rest) = inner.strip_prefix(prefix) {
            return Some(rest);
        }
    }
    let known = [
        &b"env:"[..],
        b"sys:",
        b"java:",
        b"date:",
        b"base64:",
        b"ctx:",
        b"main:",
        b"bundle:",
        b"hostname",
        b"map:",
    ];
    known
        .iter()
        .any(|name| inner.starts_with(name))
        .then_some(b"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nested_lookups_are_resolved() {
        for text in [
            "${jndi:ldap://x/a}",
            "${${lower:j}ndi:${lower:l}dap://x/a}",
            "${${env:nan:-j}ndi${env:nan:-:}${env:nan:-l}dap${env:nan:-:}//x/a}",
            "${${::-j}${::-n}${::-d}${::-i}:rmi://x/a}",
        ] {
            assert!(
                analyse(text.as_bytes()).span(Feature::Jndi).is_some(),
                "{text}"
            );
        }
        for text in [
            "${user_id}",
            "how does ${jndi:ldap} work",
            "${a}${b}",
            "jndi:ldap",
        ] {
            assert_eq!(analyse(text.as_bytes()), Facts::default(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn spans_stay_within_any_text(
            text in "([$][{]|[}]|:-|lower:|jndi:|env:|[a-z]|:){0,60}",
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            for text in [text.as_bytes(), &bytes] {
                prop_assert!(analyse(text).stay_within(text.len()));
            }
        }
    }
}

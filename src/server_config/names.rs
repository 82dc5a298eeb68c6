//! Whether a log is the one that a configuration declares: by its path, its name, or a name that rotation gave it.

/// Extensions of compressed logs.
const COMPRESSED: [&str; 8] = ["gz", "bz2", "xz", "zst", "zstd", "Z", "tar", "tgz"];

/// How many names at the end of two paths agree, the last one at least but for what rotation adds to it; `None` if they
/// do not.
pub(super) fn agreement(declared: &str, input: &str) -> Option<usize> {
    let split = |path: &str| -> Vec<String> {
        let names = path
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".");
        names.map(str::to_owned).collect()
    };
    let (declared, input) = (split(declared), split(input));
    let is_last = |(index, name): (usize, &String)| {
        // logs in an archive: `logs.tar/access.log`
        (index + 1 == input.len() && is_rotation_of(name, declared.last()?)).then_some(())
    };
    input.iter().enumerate().next_back().and_then(is_last)?;
    let folders = declared
        .iter()
        .rev()
        .skip(1)
        .zip(input.iter().rev().skip(1));
    Some(
        1 + folders
            .take_while(|(declared, input)| matches(declared, input))
            .count(),
    )
}

/// Whether a name with `*` in it means another name.
fn matches(pattern: &str, name: &str) -> bool {
    let plain = pattern.replace('[', "[[]").replace('?', "[?]");
    glob::Pattern::new(&plain).is_ok_and(|pattern| pattern.matches(name))
}

/// `access.log`, and of it `access.log.1`, `access.log.2.gz`, `access.log-20260519`, `access-20260519.log.zst`,
/// `access.log.2026-05-19T14`. (logrotate(8), rotatelogs(8), cronolog(1).)
fn is_rotation_of(name: &str, declared: &str) -> bool {
    let mut name = name;
    while let Some((stem, extension)) = name.rsplit_once('.')
        && COMPRESSED.contains(&extension)
    {
        name = stem;
    }
    if matches(declared, name) {
        return true;
    }
    let numbered = |part: &str| {
        let separated = part.starts_with(['.', '-', '_']);
        let rest = part.trim_start_matches(['.', '-', '_']);
        let counts = |c: char| c.is_ascii_digit() || "-_.:T".contains(c);
        separated && (rest == "old" || !rest.is_empty() && rest.chars().all(counts))
    };
    let ends = name
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | '-' | '_'))
        .map(|(at, _)| at);
    let (stem, extension) = declared.rsplit_once('.').unwrap_or((declared, ""));
    for at in ends {
        let (head, tail) = name.split_at(at);
        if matches(declared, head) && numbered(tail) {
            return true;
        }
        let dated = tail
            .strip_suffix(extension)
            .and_then(|tail| tail.strip_suffix('.'));
        if !extension.is_empty() && matches(stem, head) && dated.is_some_and(numbered) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_are_names_of_their_log() {
        for name in [
            "access.log",
            "access.log.1",
            "access.log.2.gz",
            "access.log.old",
            "access.log-20260519",
            "access.log-20260519-1400.zst",
            "access-20260519.log",
            "access-2026-05-19.log.gz",
            "access.log.2026-05-19T14",
        ] {
            assert!(is_rotation_of(name, "access.log"), "{name}");
        }
        for name in [
            "error.log",
            "access.log.json",
            "shop-access.log",
            "access",
            "access.logs",
        ] {
            assert!(!is_rotation_of(name, "access.log"), "{name}");
        }
        assert!(is_rotation_of("shop.example.access.log.1", "*.access.log"));
        assert!(is_rotation_of("a[1].log.1", "a[1].log"));
    }

    #[test]
    fn paths_agree_from_their_ends() {
        let declared = "/var/log/nginx/shop/access.log";
        assert_eq!(agreement(declared, "case/shop/access.log.1"), Some(2));
        assert_eq!(agreement(declared, "access.log"), Some(1));
        assert_eq!(agreement(declared, declared), Some(5));
        assert_eq!(agreement(declared, "shop/error.log"), None);
        assert_eq!(agreement(declared, "-"), None);
    }
}

//! What follows a command's name: how surely it is an argument and not the next word of a sentence.

use super::names;
use super::words::Word;

/// How surely a word is an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// A word like any other.
    Word,
    /// A file, a number of seconds, a host: an argument if the place is a command's.
    Weak,
    /// A flag, a path from the root, an address, a variable, a redirection: no sentence has it.
    Strong,
}

/// Longest flag, in bytes.
const MAX_FLAG: usize = 20;

/// Longest path of wildcards, in bytes.
const MAX_GLOB: usize = 60;

/// `-l`, `--version`; no negative number, no dash of a sentence.
pub(super) fn is_flag(word: &[u8]) -> bool {
    let letters = word.strip_prefix(b"--").or_else(|| word.strip_prefix(b"-"));
    letters.is_some_and(|rest| {
        rest.first().is_some_and(u8::is_ascii_alphabetic) && rest.len() < MAX_FLAG
    })
}

/// A flag that no search engine takes for "without this word": `-l`, `-la`, `--version`.
pub(super) fn is_terse_flag(word: &[u8]) -> bool {
    is_flag(word) && (word.len() <= 3 || word.starts_with(b"--"))
}

/// A flag of one letter, which may have a word of its own: `-c`, `/c`.
pub(super) fn is_letter_flag(word: &[u8]) -> bool {
    matches!(word, [b'-' | b'/', letter] if letter.is_ascii_alphabetic())
}

/// What a word is worth as an argument, whatever the command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worth {
    any: Strength,
    number: bool,
    host: bool,
}

impl Worth {
    fn of(word: &[u8]) -> Worth {
        let strong = is_flag(word)
            || is_address(word)
            || is_rooted(word)
            || memchr::memchr(b'=', word).is_some_and(|at| is_rooted(&word[at + 1..]))
            || is_variable(word)
            || is_redirection(word)
            || memchr::memchr_iter(b':', word).any(|at| word[at..].starts_with(b"://"));
        let any = if strong {
            Strength::Strong
        } else if is_file(word) || matches!(word, b"*" | b">" | b">>") {
            Strength::Weak
        } else {
            Strength::Word
        };
        Worth {
            any,
            number: !word.is_empty() && word.iter().all(|b| b.is_ascii_digit() || *b == b'.'),
            host: is_host(word),
        }
    }
}

/// What a command takes for its arguments.
pub(super) struct Takes {
    launches: bool,
    numbers: bool,
    hosts: bool,
    spoken: &'static [&'static str],
}

impl Takes {
    pub(super) fn of(command: &[u8]) -> Takes {
        Takes {
            launches: names::is_launcher(command),
            numbers: names::is_numeric(command),
            hosts: names::is_networked(command),
            spoken: names::spoken(command),
        }
    }

    /// Whether the command starts the one behind it.
    pub(super) fn launches(&self) -> bool {
        self.launches
    }

    /// How surely a word is an argument of the command.
    pub(super) fn strength(&self, word: &Word<'_>) -> Strength {
        let worth = word.worth.get().unwrap_or_else(|| Worth::of(word.text));
        word.worth.set(Some(worth));
        let started =
            || word.text.len() > 1 && word.kind.is_some_and(|kind| kind != names::Kind::Plain);
        let said = || {
            self.spoken
                .iter()
                .any(|known| known.as_bytes() == word.text)
        };
        if worth.any == Strength::Strong || (self.launches && started()) || said() {
            return Strength::Strong;
        }
        let taken = (worth.number && self.numbers) || (worth.host && self.hosts);
        worth.any.max(if taken {
            Strength::Weak
        } else {
            Strength::Word
        })
    }
}

/// A path that says where it begins: `/etc`, `../x`, `./x`, `~/x`, `c:\x`, `\\host\x`.
fn is_rooted(word: &[u8]) -> bool {
    let drive = word.get(1) == Some(&b':')
        && word[0].is_ascii_alphabetic()
        && matches!(word.get(2), None | Some(b'\\' | b'/'));
    let starts = |prefix: &[u8]| word.starts_with(prefix);
    drive
        || starts(b"/")
        || starts(b"./")
        || starts(b"../")
        || starts(b"~/")
        || starts(b"..\\")
        || starts(b"\\\\")
}

/// An IPv4 address, also with a port or a path behind it.
fn is_address(word: &[u8]) -> bool {
    let host = word
        .split(|b| matches!(b, b'/' | b':'))
        .next()
        .unwrap_or(word);
    let mut parts = 0;
    let numbers = host.split(|b| *b == b'.').all(|part| {
        parts += 1;
        (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit)
    });
    numbers && parts == 4
}

/// `$x`, `$(`, `${`, `%x%`; no price.
fn is_variable(word: &[u8]) -> bool {
    let unix = word.first() == Some(&b'$') && !word.get(1).is_some_and(u8::is_ascii_digit);
    let windows = word.len() > 2 && word.starts_with(b"%") && word[1..].contains(&b'%');
    unix || windows
}

/// `>file`, `2>&1`, `<file`, `>>`; no smiley and no arrow of a sentence.
fn is_redirection(word: &[u8]) -> bool {
    let digits = word.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = &word[digits..];
    let target = rest
        .iter()
        .position(|b| !matches!(b, b'>' | b'<'))
        .unwrap_or(rest.len());
    (1..=3).contains(&target)
        && digits <= 1
        && rest
            .get(target)
            .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'.' | b'$' | b'%'))
}

/// A name with labels: `x.example.net`.
fn is_host(word: &[u8]) -> bool {
    let dots = word.iter().filter(|b| **b == b'.').count();
    dots > 0
        && word.first().is_some_and(u8::is_ascii_alphanumeric)
        && word.last().is_some_and(u8::is_ascii_alphanumeric)
        && word
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'/'))
}

/// `config.php`, `*.txt`, `dir/file`; no time, no version, no mail address.
fn is_file(word: &[u8]) -> bool {
    let plain = word
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b'*' | b'?'));
    let dots = word.iter().filter(|b| **b == b'.').count();
    let ending = memchr::memrchr(b'.', word).map(|at| &word[at + 1..]);
    plain
        && dots == 1
        && word.first() != Some(&b'.')
        && ending.is_some_and(|ending| {
            (1..=4).contains(&ending.len()) && ending[0].is_ascii_alphabetic()
        })
}

/// A path with wildcards in two or more of its parts, or in one if it leads to a program.
pub(super) fn is_glob_path(word: &[u8]) -> bool {
    if word.first() != Some(&b'/') || word.len() >= MAX_GLOB {
        return false;
    }
    let wild = |part: &&[u8]| part.iter().any(|b| matches!(b, b'?' | b'*' | b'['));
    let parts = || word.split(|b| *b == b'/').filter(|part| !part.is_empty());
    let wild = |least: usize| parts().filter(wild).nth(least - 1).is_some();
    if !wild(1) {
        return false;
    }
    // `/**/` is a comment of SQL, not a path
    let comment = memchr::memmem::find(word, b"/*").is_some();
    let plain = !comment && word.iter().all(|b| !matches!(b, b'=' | b':'));
    let program = names::kind(word).is_some_and(|kind| kind != names::Kind::Plain);
    let programs = [&b"/bin/"[..], b"/sbin/", b"/usr/bin/", b"/usr/sbin/"]
        .iter()
        .any(|folder| word.starts_with(folder));
    let least = if programs || program { 1 } else { 2 };
    plain && parts().nth(1).is_some() && wild(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strength(command: &str, word: &str) -> Strength {
        let cuts = super::super::words::cut(word.as_bytes());
        let mut found = cuts.words();
        assert_eq!(found.len(), 1, "{word}");
        found[0].text = word.as_bytes();
        Takes::of(command.as_bytes()).strength(&found[0])
    }

    #[test]
    fn arguments_are_told_from_words() {
        for (command, word) in [
            ("ls", "-la"),
            ("cat", "/etc/passwd"),
            ("cat", "../x"),
            ("type", r"c:\boot.ini"),
            ("ping", "192.0.2.7"),
            ("curl", "http://x.example"),
            ("echo", "$path"),
            ("type", "%systemroot%\\win.ini"),
            ("echo", ">x"),
            ("ls", "2>/dev/null"),
            ("sudo", "whoami"),
            ("net", "user"),
        ] {
            let found = strength(command, word);
            assert_eq!(found, Strength::Strong, "{command} {word}");
        }
        for (command, word) in [
            ("sleep", "5"),
            ("nslookup", "a.b.example"),
            ("cat", "x.php"),
        ] {
            let found = strength(command, word);
            assert_eq!(found, Strength::Weak, "{command} {word}");
        }
        for (command, word) in [
            ("top", "10"),
            ("vol", "2"),
            ("cat", "food"),
            ("who", "$5"),
            ("node", "v1.0"),
            ("mail", "me@x.example"),
            ("open", "24/7"),
            ("date", "-5"),
            ("net", "users"),
            ("time", "->"),
        ] {
            let found = strength(command, word);
            assert_eq!(found, Strength::Word, "{command} {word}");
        }
    }

    #[test]
    fn wildcards_need_a_path() {
        assert!(is_glob_path(b"/???/c?t"));
        assert!(is_glob_path(b"/usr/bin/i?"));
        assert!(!is_glob_path(b"/a/*/b"));
        assert!(!is_glob_path(b"/what?"));
        assert!(!is_glob_path(b"/**/or/**/"));
    }
}

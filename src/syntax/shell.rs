//! Shell syntax: separators, words with their quoting undone, and which commands they name.
//!
//! Reads POSIX shells and cmd.exe loosely: quotes, backslashes, carets, `$IFS`, `$@`, empty
//! expansions and globs within words are undone the way a shell would undo them.

features! {
    /// A separator or substitution, followed by a known command with a plausible rest.
    Command = "command",
    /// The text is itself a command line of a known command with an argument.
    CommandLine = "command_line",
    /// A known command was hidden by quotes, backslashes, globs or empty expansions.
    Obfuscated = "obfuscated",
    /// `$(...)` or backticks around a known command.
    Substitution = "substitution",
    /// The text is nothing but one command's name.
    BareCommand = "bare_command",
    /// A path of a system's program.
    BinPath = "bin_path",
}

/// Without an odd byte there is no separator; paths and lone commands need one of these.
pub const NEEDS: &[&str] = &[
    "/bin/", "whoami", "ipconfig", "ifconfig", "netstat", "uname", "wget ", "curl ", "cat ",
    "ping ", "net user", "net view", "id", "ls",
];

/// At most this many words are read.
const MAX_WORDS: usize = 400;

/// Programs that attacks start: recon, download, interpreters, file access, waiting.
const COMMANDS: &[&str] = &[
    "arp",
    "ash",
    "awk",
    "base64",
    "bash",
    "bitsadmin",
    "busybox",
    "bzip2",
    "cat",
    "certutil",
    "chmod",
    "chown",
    "cmd",
    "cmd.exe",
    "cp",
    "crontab",
    "csh",
    "curl",
    "cut",
    "dash",
    "dd",
    "del",
    "df",
    "dig",
    "dir",
    "dmesg",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "fetch",
    "fgrep",
    "find",
    "finger",
    "ftp",
    "gawk",
    "gcc",
    "getent",
    "grep",
    "groups",
    "gunzip",
    "gzip",
    "head",
    "hexdump",
    "history",
    "host",
    "hostname",
    "id",
    "ifconfig",
    "ip",
    "ipconfig",
    "iptables",
    "java",
    "kill",
    "killall",
    "ksh",
    "last",
    "less",
    "ln",
    "lpr",
    "ls",
    "lsb_release",
    "lsmod",
    "lsof",
    "lua",
    "lwp-download",
    "mail",
    "mknod",
    "mkfifo",
    "more",
    "mount",
    "mv",
    "mysql",
    "nano",
    "nc",
    "nc.exe",
    "ncat",
    "net",
    "netcat",
    "netsh",
    "netstat",
    "nl",
    "nmap",
    "node",
    "nohup",
    "nslookup",
    "openssl",
    "passwd",
    "perl",
    "php",
    "ping",
    "ping6",
    "pip",
    "pkill",
    "powershell",
    "powershell.exe",
    "print",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "python",
    "python2",
    "python3",
    "reboot",
    "reg",
    "rm",
    "rmdir",
    "route",
    "rpm",
    "rsync",
    "ruby",
    "scp",
    "sed",
    "set",
    "sh",
    "shutdown",
    "sleep",
    "socat",
    "sort",
    "ssh",
    "stat",
    "strings",
    "su",
    "sudo",
    "systeminfo",
    "tac",
    "tail",
    "tar",
    "tasklist",
    "taskkill",
    "tclsh",
    "tcpdump",
    "tee",
    "telnet",
    "tftp",
    "time",
    "timeout",
    "top",
    "touch",
    "traceroute",
    "tracert",
    "type",
    "uname",
    "uniq",
    "useradd",
    "uptime",
    "vi",
    "vim",
    "wc",
    "wget",
    "which",
    "who",
    "whoami",
    "wmic",
    "xargs",
    "xxd",
    "xterm",
    "zsh",
    "ver",
    "w",
    "whereis",
    "locate",
    "mshta",
    "rundll32",
    "regsvr32",
    "wscript",
    "cscript",
    "vol",
    "attrib",
    "chdir",
    "cd",
    "exec",
    "export",
    "source",
    "eval",
];

/// Commands that are no English words: one alone is telling.
const UNMISTAKABLE: &[&str] = &[
    "whoami",
    "ifconfig",
    "ipconfig",
    "netstat",
    "uname",
    "wget",
    "curl",
    "nslookup",
    "systeminfo",
    "tasklist",
    "printenv",
    "certutil",
    "powershell",
    "netcat",
    "bash",
    "chmod",
    "chown",
    "lsmod",
    "lsof",
    "traceroute",
    "tracert",
    "crontab",
    "getent",
    "nc",
    "ncat",
    "ls",
    "ps",
    "pwd",
    "cat",
    "bitsadmin",
    "wmic",
    "id",
    "dir",
];

/// A word with its quoting undone.
struct Word {
    text: Vec<u8>,
    start: usize,
    end: usize,
    /// Quoting or expansion within the word.
    disguised: bool,
    /// A separator stands before it.
    first: bool,
    /// What separated it.
    separator: u8,
}

/// Finds commands.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    let words = words(text);
    for (at, word) in words.iter().enumerate() {
        let known = is_command(&word.text);
        if !known {
            continue;
        }
        let strong = is_unmistakable(&word.text) || has_path(&word.text);
        let next = words.get(at + 1).filter(|next| !next.first);
        let argument = next.is_some_and(|next| is_argument(&next.text));
        let ends = next.is_none();
        if word.separator == b'`' || word.separator == b'(' {
            if strong || argument || ends {
                facts.note(Feature::Substitution, word.start, word.end);
            }
        } else if word.first && word.separator != 0 && (strong || argument || ends) {
            facts.note(Feature::Command, word.start.saturating_sub(2), word.end);
        }
        if at == 0 && word.separator == 0 {
            if argument && (strong || words.len() <= 8) {
                facts.note(Feature::CommandLine, word.start, word.end);
            }
            if words.len() == 1 && strong {
                facts.note(Feature::BareCommand, word.start, word.end);
            }
        }
        if word.disguised && word.text.len() > 1 {
            facts.note(Feature::Obfuscated, word.start, word.end);
        }
        if has_path(&word.text) {
            facts.note(Feature::BinPath, word.start, word.end);
        }
    }
    facts
}

/// The last part of a path.
fn base(word: &[u8]) -> &[u8] {
    word.rsplit(|b| matches!(b, b'/' | b'\\'))
        .next()
        .unwrap_or(word)
}

fn has_path(word: &[u8]) -> bool {
    [&b"/bin/"[..], b"/sbin/", b"\\system32\\", b"/system32/"]
        .iter()
        .any(|dir| memchr::memmem::find(word, dir).is_some())
}

fn is_command(word: &[u8]) -> bool {
    let base = base(word);
    let base = base.strip_suffix(b".exe").unwrap_or(base);
    COMMANDS.iter().any(|command| command.as_bytes() == base)
}

fn is_unmistakable(word: &[u8]) -> bool {
    let base = base(word);
    UNMISTAKABLE
        .iter()
        .any(|command| command.as_bytes() == base)
}

/// A flag, a path, an address, a variable, a redirection: what follows a command and no sentence.
fn is_argument(word: &[u8]) -> bool {
    word.starts_with(b"-")
        || word.starts_with(b"/")
        || word.starts_with(b"$")
        || word.starts_with(b">")
        || word.starts_with(b"<")
        || memchr::memmem::find(word, b"://").is_some()
        || memchr::memmem::find(word, b"/etc/").is_some()
        || word.iter().filter(|b| **b == b'.').count() == 3
        || word.iter().all(u8::is_ascii_digit)
        || word.starts_with(b"c:")
        || word.starts_with(b"%")
}

/// Cuts a text into words.
fn words(text: &[u8]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut separator = 0u8;
    let mut first = true;
    let mut at = 0;
    while at < text.len() && words.len() < MAX_WORDS {
        let byte = text[at];
        match byte {
            b' ' | b'\t' => at += 1,
            b';' | b'|' | b'&' | b'\n' | b'\r' | b'`' | b'{' | b'!' => {
                separator = byte;
                first = true;
                at += 1;
            }
            b'(' => {
                separator = if at > 0 && matches!(text[at - 1], b'$' | b'<' | b'>') {
                    b'('
                } else {
                    separator
                };
                first = first || separator == b'(';
                at += 1;
            }
            b')' | b'}' => at += 1,
            _ => {
                let mut word = word_at(text, at, first, separator);
                at = word.end.max(at + 1);
                if word.text.is_empty() {
                    continue;
                }
                if !word.first {
                    word.separator = 0;
                }
                words.push(word);
                first = false;
                separator = 0;
            }
        }
    }
    words
}

/// The word at `at`, its quoting undone.
fn word_at(text: &[u8], at: usize, first: bool, separator: u8) -> Word {
    let mut out = Vec::new();
    let mut end = at;
    let mut disguised = false;
    while let Some(&byte) = text.get(end) {
        match byte {
            b' ' | b'\t' | b';' | b'|' | b'&' | b'\n' | b'\r' | b'`' | b'(' | b')' | b'{'
            | b'}' | b',' => break,
            b'\'' | b'"' | b'^' => {
                disguised |= end > at
                    && out.last().is_some_and(u8::is_ascii_alphanumeric)
                    && text
                        .get(end + 1)
                        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == byte);
                end += 1;
            }
            b'\\'
                if text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric)
                    && !out.contains(&b':') =>
            {
                disguised |= !out.is_empty();
                if out.iter().any(|b| *b == b'.') || out.is_empty() {
                    out.push(b'\\');
                }
                end += 1;
            }
            b'$' => {
                let rest = &text[end..];
                if rest.starts_with(b"${ifs") || rest.starts_with(b"$ifs") {
                    if out.is_empty() {
                        end += if rest[1] == b'{' {
                            rest.iter()
                                .position(|b| *b == b'}')
                                .map_or(rest.len(), |n| n + 1)
                        } else {
                            4
                        };
                        if text.get(end) == Some(&b'$')
                            && text.get(end + 1).is_some_and(u8::is_ascii_digit)
                        {
                            end += 2;
                        }
                        continue;
                    }
                    break;
                }
                if matches!(rest.get(1), Some(b'@' | b'*' | b'?' | b'1'..=b'9')) {
                    disguised |= !out.is_empty();
                    end += 2;
                } else {
                    out.push(byte);
                    end += 1;
                }
            }
            _ => {
                out.push(byte);
                end += 1;
            }
        }
    }
    Word {
        text: out,
        start: at,
        end,
        disguised,
        first,
        separator,
    }
}

//! Shell syntax: separators, words with their quoting undone, and which commands they name.
//!
//! Reads POSIX shells and cmd.exe loosely: quotes, backslashes, carets, `$IFS`, `$@`, empty
//! expansions and globs within words are undone the way a shell would undo them.

use super::bytes::worth_reading;

features! {
    /// A separator, then a command.
    Command = "command",
    /// A separator, then a command with an argument: strong enough for headers.
    StrongCommand = "strong_command",
    /// A separator, then any word with a flag.
    FlaggedWord = "flagged_word",
    /// The text is itself a command line: a known command with an argument.
    CommandLine = "command_line",
    /// The text begins with a command of which no sentence has the name, with an argument.
    StrongLine = "strong_line",
    /// A known command was hidden by quotes, backslashes, globs or empty expansions.
    Obfuscated = "obfuscated",
    /// `$(...)` or backticks around a command.
    Substitution = "substitution",
    /// The text is nothing but one command's name.
    BareCommand = "bare_command",
    /// The path of a system's program.
    BinPath = "bin_path",
    /// A path of wildcards, as in `/???/c?t`.
    Glob = "glob",
}

/// Without an odd byte there is no separator; paths and lone commands need one of these.
pub const NEEDS: &[&str] = &[
    "/bin/",
    "whoami",
    "ipconfig",
    "ifconfig",
    "netstat",
    "uname",
    "wget ",
    "curl ",
    "cat ",
    "ping ",
    "net user",
    "net view",
    "sleep ",
    "ls -",
    "nslookup",
    "systeminfo",
    "tasklist",
    "printenv",
    "certutil",
    "powershell",
    "netcat",
    "ncat",
    "ansible",
    "pip install",
    "python ",
    "perl ",
    "ruby ",
    "bash",
    "reg ",
    "traceroute",
    "crontab",
    "dig ",
    "??",
    "which ",
    "nohup ",
    "sysinfo",
    "cscli",
    "chef-",
    "visudo",
    "htop",
    "time sh",
    "nmap",
    "strace",
];

/// At most this many words are read.
const MAX_WORDS: usize = 400;

/// Commands that are no words of a sentence (coreutils, util-linux, GTFOBins, LOLBAS): one behind a
/// separator is telling.
const RARE: &[&str] = &[
    "aa-disable",
    "aa-exec",
    "ab-results",
    "addgroup",
    "adduser",
    "agetty",
    "ansible",
    "ansible-doc",
    "ansible-galaxy",
    "ansible-inventory",
    "ansible-playbook",
    "ansible-vault",
    "apt-cache",
    "apt-get",
    "aptitude",
    "aria2c",
    "arp",
    "atrm",
    "attrib",
    "auditctl",
    "awk",
    "base32",
    "base64",
    "bash",
    "bcdboot",
    "bcdedit",
    "bitsadmin",
    "blkid",
    "bpftrace",
    "bsdtar",
    "btop",
    "bunzip2",
    "busybox",
    "bzcat",
    "bzip2",
    "c89",
    "c99",
    "cacls",
    "capsh",
    "certutil",
    "cfdisk",
    "chage",
    "chattr",
    "chdir",
    "chgrp",
    "chmod",
    "chown",
    "chpasswd",
    "chroot",
    "chrt",
    "chsh",
    "cksum",
    "cmd.exe",
    "cmdkey",
    "cmp",
    "cp",
    "cpan",
    "cpio",
    "cpulimit",
    "crontab",
    "cscli",
    "cscript",
    "csh",
    "csvtool",
    "curl",
    "cvtsudoers",
    "dd",
    "debugfs",
    "df",
    "dir",
    "diskpart",
    "diskshadow",
    "dmesg",
    "dmidecode",
    "dmsetup",
    "dnf",
    "dnsrecon",
    "doas",
    "docker",
    "dosbox",
    "dpkg",
    "dsget",
    "dsquery",
    "dstat",
    "du",
    "dvips",
    "ebtables",
    "echo",
    "egrep",
    "elinks",
    "esentutl",
    "ethtool",
    "eval",
    "exiftool",
    "expr",
    "extrac32",
    "fdisk",
    "fgrep",
    "findmnt",
    "findstr",
    "fping",
    "ftp",
    "gawk",
    "gcc",
    "gcore",
    "gdb",
    "getcap",
    "getconf",
    "getent",
    "getfacl",
    "ghci",
    "ghostscript",
    "gimp",
    "gpasswd",
    "grep",
    "groupadd",
    "gtester",
    "gunzip",
    "gzexe",
    "gzip",
    "hashcat",
    "hexdump",
    "hostid",
    "hostname",
    "hostnamectl",
    "hping",
    "hping3",
    "htop",
    "icacls",
    "iconv",
    "id",
    "iex",
    "ifconfig",
    "iftop",
    "imagemagick",
    "infdefaultinstall",
    "installutil",
    "ionice",
    "iostat",
    "ipconfig",
    "ipcs",
    "iptables",
    "irb",
    "ispell",
    "iwr",
    "jjs",
    "journalctl",
    "jrunscript",
    "kmod",
    "ksh",
    "ksshell",
    "kubectl",
    "lastlog",
    "latexmk",
    "ldconfig",
    "ldd",
    "ligolo",
    "linpeas",
    "ln",
    "logname",
    "logsave",
    "lpr",
    "ls",
    "lsattr",
    "lsb_release",
    "lsblk",
    "lscpu",
    "lshw",
    "lsmod",
    "lsns",
    "lsof",
    "lspci",
    "lsusb",
    "ltrace",
    "luatex",
    "lwp-download",
    "lwp-request",
    "mailx",
    "makecab",
    "mavinject",
    "mawk",
    "md5sum",
    "meterpreter",
    "microsoft.workflow.compiler",
    "mimikatz",
    "mkdir",
    "mkfifo",
    "mknod",
    "mktemp",
    "mlocate",
    "modprobe",
    "mosquitto",
    "mpstat",
    "msbuild",
    "msconfig",
    "msdt",
    "msfconsole",
    "msfvenom",
    "mshta",
    "msiexec",
    "mtr",
    "mv",
    "mysql",
    "mysqldump",
    "nasm",
    "nawk",
    "nbtstat",
    "nc",
    "ncat",
    "netcat",
    "nethogs",
    "netsh",
    "netstat",
    "newgrp",
    "nft",
    "nltest",
    "nmap",
    "nohup",
    "nproc",
    "nroff",
    "nsenter",
    "nslookup",
    "ntpdate",
    "odbcconf",
    "openssl",
    "openvpn",
    "pcalua",
    "pcwrun",
    "pdb",
    "pdflatex",
    "perl5",
    "pftp",
    "pgrep",
    "php",
    "php5",
    "php7",
    "php8",
    "pidstat",
    "ping6",
    "pip install",
    "pip2",
    "pip3",
    "pipx",
    "pkexec",
    "pkill",
    "poweroff",
    "powershell",
    "presentationhost",
    "printenv",
    "printf",
    "procdump",
    "ps",
    "pscp",
    "psexec",
    "psftp",
    "psql",
    "ptx",
    "pwd",
    "pwdx",
    "pwsh",
    "pypy",
    "python2",
    "python3",
    "python3.10",
    "qemu",
    "qwinsta",
    "rclone",
    "readelf",
    "readlink",
    "regasm",
    "regedit",
    "regsvcs",
    "regsvr32",
    "rlogin",
    "rlwrap",
    "rm",
    "rmdir",
    "rmt-dump",
    "rmt-tar",
    "rpcping",
    "rpm",
    "rsync",
    "rubeus",
    "rundll32",
    "runscripthelper",
    "schtasks",
    "scp",
    "scriptrunner",
    "sdelete",
    "seatbelt",
    "setarch",
    "setfacl",
    "setuid",
    "sftp",
    "sh",
    "sha1sum",
    "sha256sum",
    "shuf",
    "slsh",
    "smbclient",
    "smbmap",
    "socat",
    "soelim",
    "sqlite3",
    "sqlmap",
    "ssh",
    "ssh-copy-id",
    "ssh-keygen",
    "ssh-keyscan",
    "sshpass",
    "start-stop-daemon",
    "stdbuf",
    "strace",
    "sudo",
    "sudoedit",
    "syncappvpublishingserver",
    "sysctl",
    "sysinfo",
    "systemctl",
    "systemd-resolve",
    "systeminfo",
    "tac",
    "taskkill",
    "tasklist",
    "taskset",
    "tasksh",
    "tclsh",
    "tcpdump",
    "tcpkill",
    "tee",
    "telnet",
    "tftp",
    "tmux",
    "touch",
    "traceroute",
    "traceroute6",
    "tracert",
    "tshark",
    "udevadm",
    "ulimit",
    "uname",
    "unexpand",
    "uniq",
    "unlzma",
    "unrar",
    "unxz",
    "unzip",
    "uptime",
    "useradd",
    "userdel",
    "usermod",
    "uudecode",
    "uuencode",
    "valgrind",
    "verclsid",
    "vigr",
    "vim",
    "vimdiff",
    "vipw",
    "virsh",
    "visudo",
    "vmstat",
    "vssadmin",
    "w3m",
    "wbadmin",
    "wc",
    "wevtutil",
    "wget",
    "whereis",
    "whiptail",
    "whoami",
    "winpeas",
    "winrm",
    "winscp",
    "wireshark",
    "wmic",
    "wpscan",
    "wscript",
    "wsreset",
    "xargs",
    "xcopy",
    "xdotool",
    "xelatex",
    "xmodmap",
    "xmore",
    "xterm",
    "xwizard",
    "xxd",
    "xzcat",
    "yum",
    "zcat",
    "zegrep",
    "zgrep",
    "zsh",
    "zsoelim",
    "zypper",
];

/// Commands that are also words: they need an argument that no sentence has.
const PLAIN: &[&str] = &[
    "alias",
    "ash",
    "at",
    "axel",
    "cat",
    "cd",
    "check",
    "chef-vault",
    "chisel",
    "cmd",
    "column",
    "comm",
    "copy",
    "crash",
    "cut",
    "dash",
    "date",
    "del",
    "dialog",
    "diff",
    "dig",
    "easy_install",
    "ed",
    "emacs",
    "env",
    "erase",
    "exec",
    "expand",
    "export",
    "facter",
    "false",
    "fetch",
    "fierce",
    "file",
    "find",
    "finger",
    "fish",
    "flock",
    "fmt",
    "fold",
    "gem",
    "git",
    "gs",
    "halt",
    "head",
    "help",
    "history",
    "host",
    "hydra",
    "if",
    "info",
    "install",
    "ip",
    "java",
    "jobs",
    "joe",
    "john",
    "join",
    "kill",
    "killall",
    "last",
    "less",
    "link",
    "links",
    "list",
    "locate",
    "logger",
    "look",
    "lua",
    "lynx",
    "mail",
    "make",
    "man",
    "mc",
    "md",
    "more",
    "mosh",
    "mount",
    "move",
    "nano",
    "net",
    "nice",
    "nl",
    "nm",
    "node",
    "octave",
    "od",
    "open",
    "passwd",
    "paste",
    "patch",
    "perf",
    "perl",
    "pico",
    "ping",
    "pinky",
    "pkg",
    "plink",
    "pr",
    "print",
    "pry",
    "puppet",
    "python",
    "rake",
    "rc",
    "read",
    "reboot",
    "red",
    "reg",
    "ren",
    "rename",
    "restore",
    "rev",
    "route",
    "ruby",
    "run",
    "rvim",
    "sar",
    "sc",
    "screen",
    "script",
    "sed",
    "set",
    "shutdown",
    "sleep",
    "sort",
    "source",
    "split",
    "start",
    "stat",
    "strings",
    "su",
    "sum",
    "tail",
    "tar",
    "tasks",
    "test",
    "tex",
    "time",
    "timeout",
    "top",
    "tr",
    "true",
    "truncate",
    "type",
    "unset",
    "update",
    "ver",
    "vi",
    "view",
    "vol",
    "w",
    "watch",
    "which",
    "while",
    "who",
    "whois",
    "wish",
    "write",
    "xml",
    "xz",
    "yarn",
    "zip",
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

/// How a separator and a command were met.
struct Met {
    rare: bool,
    argument: bool,
    /// A flag, an absolute path or a URL.
    strong: bool,
    ends: bool,
    /// At most two words follow.
    short: bool,
}

/// Finds commands.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    if !worth_reading(text, NEEDS) {
        return facts;
    }
    let words = words(text);
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).filter(|next| !next.first);
        if word.first
            && word.separator != 0
            && next.is_some_and(|next| is_flag(&next.text))
            && is_plain_word(&word.text)
        {
            facts.note(Feature::FlaggedWord, word.start, word.end);
        }
        if word.text.starts_with(b"/") && is_glob_path(&word.text) {
            facts.note(Feature::Glob, word.start, word.end);
        }
        let rare = is_listed(&word.text, RARE);
        if !rare && !is_listed(&word.text, PLAIN) {
            continue;
        }
        let met = Met {
            rare,
            argument: next.is_some_and(|next| is_argument(&next.text)),
            strong: next.is_some_and(|next| is_strong_argument(&next.text)),
            ends: next.is_none(),
            short: words[at + 1..]
                .iter()
                .take_while(|word| !word.first)
                .count()
                <= 2,
        };
        judge(word, at, words.len(), &met, text, &mut facts);
    }
    facts
}

/// Notes what a known command in its place means.
fn judge(word: &Word, at: usize, count: usize, met: &Met, text: &[u8], facts: &mut Facts) {
    let path = has_path(&word.text);
    let mut note = |feature| facts.note(feature, word.start.saturating_sub(1), word.end);
    let short = word.text.len() <= 3;
    let rest = &text[word.end..];
    let closing = rest.first() == Some(&b'|')
        && rest
            .iter()
            .all(|b| matches!(b, b'|' | b'"' | b'\'' | b';' | b' '));
    let listed =
        short && !closing && text.iter().filter(|b| **b == b'|').count() > 1 && !met.argument;
    match word.separator {
        0 => {}
        b'`' | b'(' => {
            let close = if word.separator == b'`' { b'`' } else { b')' };
            let closed = text[word.end..].contains(&close);
            if closed && (met.rare || met.argument || (met.ends && word.text.len() > 3)) {
                note(Feature::Substitution);
            }
        }
        b'{' if text.get(word.end) == Some(&b',') && met.argument => note(Feature::Command),
        b'{' => {}
        _ if word.first && !listed => {
            let encoding = text.get(word.end) == Some(&b',');
            if (met.rare && (met.ends || met.argument || (!short && met.short)) && !encoding)
                || path
                || met.argument
            {
                note(Feature::Command);
            }
            if (met.rare && met.strong) || path {
                note(Feature::StrongCommand);
            }
        }
        _ => {}
    }
    if at == 0 && word.separator == 0 {
        if met.argument && (met.rare || count <= 6) {
            note(Feature::CommandLine);
        }
        if met.strong
            && (met.rare || matches!(&word.text[..], b"time" | b"watch" | b"env" | b"which"))
        {
            note(Feature::StrongLine);
        }
        if count == 1 && met.rare {
            note(Feature::BareCommand);
        }
    }
    if word.disguised && word.text.len() > 1 && (met.rare || met.argument) {
        note(Feature::Obfuscated);
    }
    if path && (met.ends || met.argument) {
        note(Feature::BinPath);
    }
}

/// The last part of a path, without `.exe`.
fn base(word: &[u8]) -> &[u8] {
    let base = word
        .rsplit(|b| matches!(b, b'/' | b'\\'))
        .next()
        .unwrap_or(word);
    base.strip_suffix(b".exe").unwrap_or(base)
}

fn has_path(word: &[u8]) -> bool {
    [&b"/bin/"[..], b"/sbin/", b"\\system32\\", b"/system32/"]
        .iter()
        .any(|dir| memchr::memmem::find(word, dir).is_some())
}

/// Whether a sorted list has the word's last part.
fn is_listed(word: &[u8], list: &[&str]) -> bool {
    let base = base(word);
    let family = base.len() > 8 && (base.starts_with(b"ansible-") || base.starts_with(b"chef-"));
    let end = base.len()
        - base
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
    let listed = |word: &[u8]| {
        list.binary_search_by(|known| known.as_bytes().cmp(word))
            .is_ok()
    };
    // python3.11, gcc10.1
    listed(base) || (end > 2 && listed(&base[..end])) || family
}

fn is_plain_word(word: &[u8]) -> bool {
    word.len() > 1
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'))
}

/// `-l`, `--version`; no negative number, no dash of a sentence.
fn is_flag(word: &[u8]) -> bool {
    let letters = word.strip_prefix(b"--").or_else(|| word.strip_prefix(b"-"));
    letters.is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_alphabetic) && rest.len() < 20)
}

/// What only a command is followed by.
fn is_strong_argument(word: &[u8]) -> bool {
    is_flag(word)
        || word.starts_with(b"/")
        || (word.len() > 2 && is_listed(word, RARE))
        || memchr::memmem::find(word, b"://").is_some()
}

/// A path with wildcards in two or more of its parts.
fn is_glob_path(word: &[u8]) -> bool {
    let wild = |part: &&[u8]| part.iter().any(|b| matches!(b, b'?' | b'*' | b'['));
    let parts: Vec<&[u8]> = word
        .split(|b| *b == b'/')
        .filter(|part| !part.is_empty())
        .collect();
    // `/**/` is a comment of SQL, not a path
    let comment = memchr::memmem::find(word, b"/*").is_some();
    let plain = !comment && word.iter().all(|b| !matches!(b, b'=' | b':'));
    plain
        && parts.len() >= 2
        && parts.iter().filter(|part| wild(part)).count() >= 2
        && word.len() < 60
}

/// A flag, a path, an address, a variable, a redirection: what follows a command and no sentence.
fn is_argument(word: &[u8]) -> bool {
    let dots = word.iter().filter(|b| **b == b'.').count();
    let file = dots == 1
        && word
            .iter()
            .rev()
            .position(|b| *b == b'.')
            .is_some_and(|n| (1..=4).contains(&n));
    is_flag(word)
        || (word.len() > 2 && is_listed(word, RARE))
        || word.contains(&b'/')
        || word.contains(&b'\\')
        || matches!(word.first(), Some(b'$' | b'>' | b'<' | b'%' | b'*'))
        || dots == 3
        || file
        || word.iter().all(u8::is_ascii_digit)
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
            b';' | b'|' | b'&' | b'\n' | b'\r' | b'`' | b'{' => {
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
            b'\\' if written_break(text, at) => {
                separator = b'\n';
                first = true;
                at += 2;
            }
            b')' | b'}' => {
                // what follows a bracket is no argument of what was in it
                first = true;
                separator = 0;
                at += 1;
            }
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

/// Whether `\n` or `\r` is written out as a line break: at the beginning, at the end, or before
/// something that continues no word.
fn written_break(text: &[u8], at: usize) -> bool {
    let letter = matches!(text.get(at + 1), Some(b'n' | b'r'));
    let after = text.get(at + 2);
    letter && (at == 0 || after.is_none_or(|b| !b.is_ascii_alphanumeric()))
}

/// Length of `$IFS`, `${IFS}` and the like, with a positional parameter (`$9`, always empty) behind it.
fn separator_variable(rest: &[u8]) -> usize {
    let closing = || rest.iter().position(|byte| *byte == b'}');
    let name = match rest[1] {
        b'{' => closing().map_or(rest.len(), |at| at + 1),
        _ => "$ifs".len(),
    };
    let digit = rest.get(name + 1).is_some_and(u8::is_ascii_digit);
    if rest.get(name) == Some(&b'$') && digit {
        name + 2
    } else {
        name
    }
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
            b'\\' if written_break(text, end) => break,
            b'\\'
                if text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric)
                    && !out.contains(&b':') =>
            {
                disguised |= !out.is_empty();
                if out.contains(&b'.') || out.is_empty() {
                    out.push(b'\\');
                }
                end += 1;
            }
            b'$' => {
                let rest = &text[end..];
                if rest.starts_with(b"${ifs") || rest.starts_with(b"$ifs") {
                    if out.is_empty() {
                        end += separator_variable(rest);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_apart() {
        for list in [RARE, PLAIN] {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert!(RARE.iter().all(|command| !PLAIN.contains(command)));
    }

    #[test]
    fn commands_are_told_from_sentences() {
        let has = |text: &str, feature| analyse(text.as_bytes()).span(feature).is_some();
        for (text, feature) in [
            ("x;whoami", Feature::Command),
            ("127.0.0.1|cat /etc/passwd", Feature::Command),
            ("x;c''at /etc/passwd", Feature::Obfuscated),
            ("x;who\\ami", Feature::Obfuscated),
            ("$(id)", Feature::Substitution),
            ("`uname -a`", Feature::Substitution),
            ("cat$ifs/etc/passwd", Feature::CommandLine),
            ("/???/c?t /???/p?ss??", Feature::Glob),
            ("whoami", Feature::BareCommand),
            ("a;foo --version", Feature::FlaggedWord),
        ] {
            assert!(has(text, feature), "{text}: {feature:?}");
        }
        for text in [
            "ping pong table ; paddles",
            "cat and dog & mouse",
            "smith; john",
            "items=a|b|c",
            "find my phone",
            "tom & jerry; the movie",
        ] {
            assert_eq!(analyse(text.as_bytes()), Facts::default(), "{text}");
        }
    }
}

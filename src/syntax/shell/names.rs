//! The names of commands, and how much each name tells when it stands alone.
//!
//! From coreutils, util-linux, procps, net-tools, GTFOBins, LOLBAS and the help of cmd.exe. Not for
//! what follows a name: see `arguments`.

use crate::syntax::vocabulary::Vocabulary;

/// How much a command's name says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No word of a sentence, and nothing that people write about.
    Rare,
    /// A program that people search for and write about.
    Topic,
    /// A word of the language.
    Plain,
}

/// Names that no sentence has: one behind a separator is telling.
const RARE: &[&str] = &[
    "aa-disable",
    "aa-exec",
    "ab-results",
    "addgroup",
    "adduser",
    "agetty",
    "apt-cache",
    "apt-get",
    "atrm",
    "attrib",
    "auditctl",
    "bcdboot",
    "bcdedit",
    "bitsadmin",
    "blkid",
    "bpftrace",
    "bsdtar",
    "btop",
    "bzcat",
    "bzless",
    "c89",
    "c99",
    "cacls",
    "capsh",
    "certutil",
    "cfdisk",
    "chage",
    "chattr",
    "chcp",
    "chgrp",
    "chmod",
    "chown",
    "chpasswd",
    "chroot",
    "chrt",
    "chsh",
    "cksum",
    "cmdkey",
    "compgen",
    "cpio",
    "cpulimit",
    "cscli",
    "cscript",
    "csvtool",
    "cvtsudoers",
    "debugfs",
    "diskpart",
    "diskshadow",
    "dmesg",
    "dmidecode",
    "dmsetup",
    "dnsrecon",
    "doas",
    "dpkg-query",
    "driverquery",
    "dsget",
    "dsquery",
    "dstat",
    "dvips",
    "ebtables",
    "echo",
    "env",
    "esentutl",
    "ethtool",
    "expr",
    "extrac32",
    "fdisk",
    "fgrep",
    "findmnt",
    "findstr",
    "get-childitem",
    "get-content",
    "get-help",
    "get-process",
    "getcap",
    "getconf",
    "getent",
    "getfacl",
    "getmac",
    "ghci",
    "gpasswd",
    "gtester",
    "gzcat",
    "gzexe",
    "hexdump",
    "hostid",
    "hostnamectl",
    "hping3",
    "icacls",
    "id",
    "iex",
    "ifconfig",
    "iftop",
    "infdefaultinstall",
    "installutil",
    "invoke-expression",
    "invoke-webrequest",
    "ionice",
    "iostat",
    "ipconfig",
    "ipcs",
    "iwr",
    "jrunscript",
    "ksshell",
    "lastb",
    "lastlog",
    "ldconfig",
    "logname",
    "logsave",
    "lpr",
    "lpstat",
    "ls",
    "lsattr",
    "lsb_release",
    "lsblk",
    "lscpu",
    "lshw",
    "lsinitrd",
    "lsmod",
    "lsns",
    "lspci",
    "lsusb",
    "ltrace",
    "lwp-download",
    "lwp-request",
    "makecab",
    "mavinject",
    "mawk",
    "microsoft.workflow.compiler",
    "mkfifo",
    "mknod",
    "mktemp",
    "mlocate",
    "modprobe",
    "mpstat",
    "msconfig",
    "msfconsole",
    "msfvenom",
    "mshta",
    "msiexec",
    "nawk",
    "nbtstat",
    "ncat",
    "nethogs",
    "netsh",
    "netstat",
    "newgrp",
    "nft",
    "nltest",
    "nohup",
    "nproc",
    "nroff",
    "nsenter",
    "nslookup",
    "ntpdate",
    "odbcconf",
    "pcalua",
    "pcwrun",
    "pftp",
    "pidstat",
    "ping6",
    "pkexec",
    "pkill",
    "poweroff",
    "presentationhost",
    "printenv",
    "printf",
    "psftp",
    "pstree",
    "pwd",
    "pwdx",
    "qprocess",
    "quser",
    "qwinsta",
    "readelf",
    "readlink",
    "regasm",
    "regsvcs",
    "regsvr32",
    "rlogin",
    "rlwrap",
    "rmdir",
    "rmt-dump",
    "rmt-tar",
    "rpcclient",
    "rpcping",
    "rundll32",
    "runscripthelper",
    "runuser",
    "schtasks",
    "scriptrunner",
    "sdelete",
    "setarch",
    "setfacl",
    "setsid",
    "setuid",
    "shuf",
    "smbclient",
    "smbget",
    "smbmap",
    "smbstatus",
    "ssh-copy-id",
    "ssh-keygen",
    "ssh-keyscan",
    "sshpass",
    "start-sleep",
    "start-stop-daemon",
    "stdbuf",
    "sudoedit",
    "syncappvpublishingserver",
    "sysinfo",
    "systemd-resolve",
    "systeminfo",
    "tac",
    "taskkill",
    "tasklist",
    "taskset",
    "tclsh",
    "tcpkill",
    "traceroute6",
    "udevadm",
    "ulimit",
    "uname",
    "unexpand",
    "unlzma",
    "unshare",
    "unxz",
    "useradd",
    "userdel",
    "usermod",
    "usleep",
    "uudecode",
    "uuencode",
    "verclsid",
    "vigr",
    "vipw",
    "visudo",
    "vmstat",
    "vssadmin",
    "wbadmin",
    "wevtutil",
    "whereis",
    "whiptail",
    "whoami",
    "winpeas",
    "wmic",
    "write-host",
    "write-output",
    "wscript",
    "wsreset",
    "xcopy",
    "xdotool",
    "xmodmap",
    "xwizard",
    "xxd",
    "xzcat",
    "xzless",
    "zcat",
    "zegrep",
    "zgrep",
    "zless",
    "zmore",
    "zsoelim",
    "zstdcat",
];

/// Names of programs that are also subjects: they need an argument, or a value that begins with a
/// separator.
const TOPIC: &[&str] = &[
    "ansible",
    "ansible-doc",
    "ansible-galaxy",
    "ansible-inventory",
    "ansible-playbook",
    "ansible-vault",
    "aptitude",
    "aria2c",
    "arp",
    "awk",
    "base32",
    "base64",
    "bash",
    "bunzip2",
    "busybox",
    "bzip2",
    "chdir",
    "cmp",
    "cp",
    "cpan",
    "crontab",
    "csh",
    "curl",
    "dd",
    "df",
    "dir",
    "dnf",
    "docker",
    "dosbox",
    "dpkg",
    "du",
    "egrep",
    "elinks",
    "eval",
    "exiftool",
    "fping",
    "ftp",
    "gawk",
    "gcc",
    "gcloud",
    "gcore",
    "gdb",
    "ghostscript",
    "gimp",
    "grep",
    "groupadd",
    "gunzip",
    "gzip",
    "hashcat",
    "helm",
    "hostname",
    "hping",
    "htop",
    "iconv",
    "imagemagick",
    "iptables",
    "irb",
    "ispell",
    "java",
    "jjs",
    "journalctl",
    "kmod",
    "ksh",
    "kubectl",
    "latexmk",
    "ldd",
    "ligolo",
    "linpeas",
    "ln",
    "lsof",
    "lua",
    "luatex",
    "mailx",
    "md5sum",
    "meterpreter",
    "mimikatz",
    "mkdir",
    "mosquitto",
    "msbuild",
    "msdt",
    "mtr",
    "mv",
    "mysql",
    "mysqldump",
    "nasm",
    "nc",
    "netcat",
    "nmap",
    "node",
    "openssl",
    "openvpn",
    "pdb",
    "pdflatex",
    "perl",
    "perl5",
    "pgrep",
    "php",
    "php5",
    "php7",
    "php8",
    "pip",
    "pip2",
    "pip3",
    "pipx",
    "powershell",
    "procdump",
    "ps",
    "pscp",
    "psexec",
    "psql",
    "ptx",
    "pwsh",
    "pypy",
    "python",
    "python2",
    "python3",
    "python3.10",
    "qemu",
    "rclone",
    "regedit",
    "rm",
    "rpm",
    "rsync",
    "rubeus",
    "ruby",
    "scp",
    "seatbelt",
    "sftp",
    "sh",
    "sha1sum",
    "sha256sum",
    "slsh",
    "socat",
    "soelim",
    "sqlite3",
    "sqlmap",
    "ssh",
    "strace",
    "sudo",
    "sysctl",
    "systemctl",
    "tasksh",
    "tcpdump",
    "tee",
    "telnet",
    "terraform",
    "tftp",
    "tmux",
    "touch",
    "traceroute",
    "tracert",
    "tshark",
    "uniq",
    "unrar",
    "unzip",
    "uptime",
    "valgrind",
    "vim",
    "vimdiff",
    "virsh",
    "w3m",
    "wc",
    "wget",
    "winrm",
    "winscp",
    "wireshark",
    "wpscan",
    "xargs",
    "xelatex",
    "xmore",
    "xterm",
    "yum",
    "zsh",
    "zstd",
    "zypper",
];

/// Commands that are also words: they need an argument that no sentence has.
const PLAIN: &[&str] = &[
    "alias",
    "arch",
    "ash",
    "at",
    "aws",
    "axel",
    "call",
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
    "declare",
    "del",
    "dialog",
    "diff",
    "dig",
    "easy_install",
    "ed",
    "emacs",
    "erase",
    "ex",
    "exec",
    "exit",
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
    "groups",
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
    "ll",
    "locate",
    "logger",
    "logout",
    "look",
    "lp",
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
    "octave",
    "od",
    "open",
    "passwd",
    "paste",
    "patch",
    "perf",
    "pico",
    "ping",
    "pinky",
    "pkg",
    "plink",
    "pr",
    "print",
    "pry",
    "puppet",
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
    "run",
    "rvim",
    "sar",
    "sc",
    "screen",
    "script",
    "sdiff",
    "sed",
    "service",
    "set",
    "shutdown",
    "sleep",
    "sort",
    "source",
    "split",
    "ss",
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
    "trap",
    "true",
    "truncate",
    "type",
    "typeset",
    "unset",
    "update",
    "users",
    "ver",
    "vi",
    "view",
    "vol",
    "w",
    "wall",
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

/// Beginnings of names that whole families of tools share.
const FAMILIES: &[&str] = &["ansible-", "chef-"];

/// Commands that start the command they are given.
const LAUNCHERS: &[&str] = &[
    "command", "doas", "env", "exec", "nice", "nohup", "setsid", "strace", "sudo", "time",
    "timeout", "watch", "which", "xargs",
];

/// Commands whose argument may be a bare number: seconds, processes, counts.
const NUMERIC: &[&str] = &[
    "expr", "kill", "ping", "ping6", "sleep", "timeout", "usleep",
];

/// Commands that take the name of a host.
const NETWORKED: &[&str] = &[
    "curl",
    "dig",
    "fping",
    "ftp",
    "host",
    "nc",
    "ncat",
    "nmap",
    "nslookup",
    "ping",
    "ping6",
    "scp",
    "ssh",
    "telnet",
    "tftp",
    "traceroute",
    "tracert",
    "wget",
];

/// What a system administrator says to some commands in one plain word.
const SPOKEN: &[(&str, &[&str])] = &[
    ("getent", &["group", "hosts", "passwd", "shadow"]),
    ("ip", &["a", "addr", "r", "route"]),
    (
        "net",
        &[
            "accounts",
            "config",
            "group",
            "localgroup",
            "session",
            "share",
            "start",
            "stop",
            "use",
            "user",
            "view",
        ],
    ),
    ("ps", &["aux", "auxw", "auxww", "ax", "axu", "ef"]),
    ("query", &["session", "user"]),
    ("set", &["/a", "/p"]),
    ("sudo", &["bash", "id", "sh", "su", "whoami"]),
    (
        "tar",
        &[
            "cf", "cvf", "cvzf", "czf", "czvf", "tf", "xf", "xvf", "xvzf", "xzf", "zcf", "zcvf",
            "zxvf",
        ],
    ),
];

/// The last part of a path, without `.exe` and the `@` that silences a command of cmd.exe.
pub(super) fn base(word: &[u8]) -> &[u8] {
    let base = memchr::memrchr2(b'/', b'\\', word).map_or(word, |at| &word[at + 1..]);
    let base = base
        .strip_prefix(b"@")
        .filter(|rest| rest.len() > 1)
        .unwrap_or(base);
    base.strip_suffix(b".exe").unwrap_or(base)
}

/// Every command, in the order of [`KINDS`].
static COMMANDS: Vocabulary<2048> = Vocabulary::new(&[RARE, TOPIC, PLAIN]);

/// What the lists of [`COMMANDS`] say.
const KINDS: [Kind; 3] = [Kind::Rare, Kind::Topic, Kind::Plain];

static LAUNCHING: Vocabulary<32> = Vocabulary::new(&[LAUNCHERS]);
static TAKING_NUMBERS: Vocabulary<16> = Vocabulary::new(&[NUMERIC]);
static TAKING_HOSTS: Vocabulary<64> = Vocabulary::new(&[NETWORKED]);

/// What is known of the command that a word names.
pub(super) fn kind(word: &[u8]) -> Option<Kind> {
    let base = base(word);
    if of_family(base) {
        return Some(Kind::Rare);
    }
    // python3.11, gcc10.1
    let version = base
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    let stem = &base[..base.len() - version];
    let mut list = COMMANDS.list(base);
    if version > 0 && stem.len() > 2 {
        let known = [list, COMMANDS.list(stem)];
        list = known.into_iter().flatten().min();
    }
    let found = list.map(|list| KINDS[list]);
    // `find` is a word, `find.exe` is none
    found.map(|kind| {
        if word.ends_with(b".exe") {
            Kind::Rare
        } else {
            kind
        }
    })
}

/// Whether the command is one of a family of tools that share the beginning of their names: no
/// sentence has such a name.
pub(super) fn is_family(word: &[u8]) -> bool {
    of_family(base(word))
}

/// The same for a name by itself.
fn of_family(base: &[u8]) -> bool {
    base == b"cscli"
        || FAMILIES.iter().any(|family| {
            base.strip_prefix(family.as_bytes())
                .is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_lowercase))
        })
}

/// Whether the command starts the one behind it.
pub(super) fn is_launcher(word: &[u8]) -> bool {
    LAUNCHING.has(base(word))
}

/// Whether a bare number is an argument of the command.
pub(super) fn is_numeric(word: &[u8]) -> bool {
    TAKING_NUMBERS.has(base(word))
}

/// Whether the name of a host is an argument of the command.
pub(super) fn is_networked(word: &[u8]) -> bool {
    TAKING_HOSTS.has(base(word))
}

/// What the command may be told in one plain word.
pub(super) fn spoken(word: &[u8]) -> &'static [&'static str] {
    let name = base(word);
    let entry = SPOKEN
        .iter()
        .find(|(command, _)| command.as_bytes() == name);
    entry.map_or(&[], |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_apart() {
        let sorted = |list: &[&str]| list.windows(2).all(|pair| pair[0] < pair[1]);
        for list in [RARE, TOPIC, PLAIN, LAUNCHERS, NUMERIC, NETWORKED] {
            assert!(sorted(list));
        }
        assert!(SPOKEN.iter().all(|(_, words)| sorted(words)));
        let all = [RARE, TOPIC, PLAIN];
        for (at, list) in all.iter().enumerate() {
            let others = all[at + 1..].concat();
            assert!(list.iter().all(|command| !others.contains(command)));
        }
    }

    #[test]
    fn paths_versions_and_endings_do_not_hide_a_name() {
        assert_eq!(kind(b"/usr/bin/id"), Some(Kind::Rare));
        assert_eq!(kind(b"c:\\windows\\system32\\cmd.exe"), Some(Kind::Rare));
        assert_eq!(kind(b"python3.11"), Some(Kind::Topic));
        assert_eq!(kind(b"@echo"), Some(Kind::Rare));
        assert_eq!(kind(b"date"), Some(Kind::Plain));
        assert_eq!(kind(b"dates"), None);
    }
}

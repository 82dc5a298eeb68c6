//! What a text without an odd byte must hold for a grammar to read it.
//!
//! By itself, because the build script derives the gate from these words, and needs nothing else of the
//! grammars.

/// A lookup needs `$` and a brace.
pub const LOOKUP: &[&str] = &[];

/// No tag without an odd byte; a handler needs a quote or a bracket.
pub const MARKUP: &[&str] = &[];

/// Without an odd byte, a climb still has two dots.
pub const PATH: &[&str] = &["..", "./.", "0x2e", "2e2e", "2f.."];

/// Code needs a bracket, a backtick or a quote.
pub const SCRIPT: &[&str] = &[];

/// Without an odd byte there is no separator; paths and lone commands need one of these.
pub const SHELL: &[&str] = &[
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
    "net start",
    "net localgroup",
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
    "lsb_release",
    "ps aux",
    "sudo ",
    " /etc/",
    " /tmp/",
    " /var/",
    " /proc/",
    " /home/",
    " /root/",
    " /usr/",
    " /dev/",
    " ../",
    " ./",
    " / ",
    "cmd ",
    "cmd.exe",
    " -",
    "ip addr",
    "ip a",
];

/// Without an odd byte, a text must hold one of these to be worth tokenising as SQL.
pub const SQL: &[&str] = &[
    "select",
    "union",
    "order by",
    "group by",
    "having",
    "drop ",
    "delete",
    "insert",
    "update",
    "--",
    "waitfor",
    " or ",
    " and ",
    " xor ",
    "@@",
    "exec ",
    "case ",
    "truncate ",
    "declare @",
    "shutdown",
    " like ",
];

//! Error logs of every kind beside an access log with a flood: what they say must stand in the incident, at the time
//! at which they say it.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use crate::harness::{each, number, report_in};

/// An hour of a shop from 14:00 UTC on, with a flood from 14:20 to 14:25.
fn access_log() -> String {
    let mut log = String::new();
    for second in 0..3600 {
        let (minute, second_of) = (second / 60, second % 60);
        let time = format!("19/May/2026:14:{minute:02}:{second_of:02} +0000");
        let visitor = second % 47;
        writeln!(
            log,
            "192.0.2.{visitor} - - [{time}] \"GET /item/{} HTTP/1.1\" 200 {} \"https://shop.example/\" \"Mozilla/5.0 (X11; Linux x86_64) {visitor}\"",
            second % 30,
            2000 + second % 30,
        )
        .unwrap();
        if (20..25).contains(&minute) {
            for source in 0..40 {
                writeln!(
                    log,
                    "203.0.113.{} - - [{time}] \"GET /search?q={source} HTTP/1.1\" 503 190 \"-\" \"flood/1.0\"",
                    (second + source) % 250,
                )
                .unwrap();
            }
        }
    }
    log
}

/// An error log beside the flood, and what must come of it.
struct Case {
    /// As the report names it.
    format: &'static str,
    log: &'static str,
    /// Kind, first time and count of symptoms.
    symptoms: &'static [(&'static str, &'static str, u64)],
    /// The zone that the report tells.
    zone: &'static str,
}

const CASES: [Case; 14] = [
    Case {
        format: "php_error",
        log: "\
[19-May-2026 16:03:58 CEST] PHP Warning:  Undefined variable $user in /srv/www/a.php on line 3
[19-May-2026 16:21:30 CEST] PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [1040] Too many connections in /srv/www/db.php:26
Stack trace:
#0 /srv/www/db.php(26): PDO->__construct()
#1 {main}
  thrown in /srv/www/db.php on line 26
[19-May-2026 16:21:31 CEST] PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [1040] Too many connections in /srv/www/db.php:26
[19-May-2026 16:21:32 CEST] PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [1040] Too many connections in /srv/www/db.php:26
[19-May-2026 16:22:10 CEST] PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in /srv/www/cart.php on line 26
",
        symptoms: &[
            ("connections_exhausted", "2026-05-19T14:21:30Z", 3),
            ("out_of_memory", "2026-05-19T14:22:10Z", 1),
        ],
        zone: "+02:00",
    },
    Case {
        format: "php_fpm",
        log: "\
[19-May-2026 14:00:58.104233] NOTICE: fpm is running, pid 811
[19-May-2026 14:21:58.104233] WARNING: [pool www] server reached pm.max_children setting (20), consider raising it
[19-May-2026 14:22:58.104233] WARNING: [pool www] child 812 exited on signal 11 (SIGSEGV - core dumped) after 5.2 seconds from start
",
        symptoms: &[
            ("workers_exhausted", "2026-05-19T14:21:58Z", 1),
            ("child_crash", "2026-05-19T14:22:58Z", 1),
        ],
        zone: "+00:00",
    },
    Case {
        format: "mysql_error",
        log: "\
2026-05-19T14:01:11.123456Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting as process 811
2026-05-19T14:22:11.000001Z 9 [Note] [MY-010914] [Server] Aborted connection 9 to db: 'unconnected' user: 'unauthenticated' host: 'web1.example' (Too many connections)
2026-05-19T14:22:11.000002Z 9 [Note] [MY-010914] [Server] Aborted connection 9 to db: 'unconnected' user: 'unauthenticated' host: 'web1.example' (Too many connections)
2026-05-19T14:22:11.000003Z 9 [Note] [MY-010914] [Server] Aborted connection 9 to db: 'unconnected' user: 'unauthenticated' host: 'web1.example' (Too many connections)
2026-05-19T14:23:01Z UTC - mysqld got signal 11 ;
Most likely, you have hit a bug, but this error can also be caused by malfunctioning hardware.
Thread pointer: 0x7f2a
stack_bottom = 7ffc thread_stack 0x100000
2026-05-19T14:23:09.000001Z 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.0.36'  socket: '/run/mysqld/mysqld.sock'  port: 3306.
",
        symptoms: &[
            ("connections_exhausted", "2026-05-19T14:22:11Z", 3),
            ("child_crash", "2026-05-19T14:23:01Z", 1),
            ("start", "2026-05-19T14:23:09Z", 1),
        ],
        zone: "+00:00",
    },
    Case {
        format: "mysql_error",
        log: "\
2026-05-19 14:01:11 0 [Note] InnoDB: Buffer pool(s) load completed at 260519 14:01:11
260519 14:23:01 [ERROR] mysqld got signal 11 ;
This could be because you hit a bug.
260519 14:23:02 mysqld_safe Number of processes running now: 0
2026-05-19 14:23:04 0 [Note] InnoDB: Starting crash recovery from checkpoint LSN=44388
2026-05-19 14:23:09 0 [Note] /usr/sbin/mariadbd: ready for connections.
Version: '10.11.6-MariaDB'  socket: '/run/mysqld/mysqld.sock'  port: 3306
",
        symptoms: &[
            ("child_crash", "2026-05-19T14:23:01Z", 2),
            ("start", "2026-05-19T14:23:09Z", 1),
        ],
        zone: "+00:00",
    },
    Case {
        format: "postgresql",
        log: "\
2026-05-19 10:01:11.123 EDT [801] LOG:  checkpoint starting: time
2026-05-19 10:21:11.123 EDT [811] shop@db FATAL:  sorry, too many clients already
2026-05-19 10:21:11.124 EDT [812] shop@db FATAL:  sorry, too many clients already
2026-05-19 10:21:11.125 EDT [813] shop@db FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute
2026-05-19 10:22:11.125 EDT [801] LOG:  server process (PID 812) was terminated by signal 9: Killed
2026-05-19 10:22:11.125 EDT [801] DETAIL:  Failed process was running: select 'FATAL:  sorry, too many clients already'
2026-05-19 10:22:11.125 EDT [801] LOG:  terminating any other active server processes
2026-05-19 10:22:13.125 EDT [801] LOG:  database system is ready to accept connections
",
        symptoms: &[
            ("connections_exhausted", "2026-05-19T14:21:11Z", 3),
            ("child_crash", "2026-05-19T14:22:11Z", 2),
            ("start", "2026-05-19T14:22:13Z", 1),
        ],
        zone: "-04:00",
    },
    Case {
        format: "syslog",
        log: "\
May 19 14:01:03 web1 CRON[700]: (root) CMD (test -x /usr/sbin/anacron)
May 19 14:22:03 web1 kernel: [12345.678901] php-fpm8.2 invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
May 19 14:22:03 web1 kernel: [12345.678911] Out of memory: Killed process 811 (mariadbd) total-vm:912344kB, anon-rss:801232kB
May 19 14:22:04 web1 systemd[1]: mariadb.service: Main process exited, code=killed, status=9/KILL
May 19 14:22:04 web1 systemd[1]: mariadb.service: Failed with result 'oom-kill'.
May 19 14:22:09 web1 systemd[1]: mariadb.service: Scheduled restart job, restart counter is at 1.
May 19 14:22:11 web1 systemd[1]: Started mariadb.service - MariaDB 10.11.6 database server.
",
        symptoms: &[
            ("out_of_memory", "2026-05-19T14:22:03Z", 3),
            ("child_crash", "2026-05-19T14:22:04Z", 1),
            ("start", "2026-05-19T14:22:09Z", 2),
        ],
        zone: "+00:00",
    },
    Case {
        format: "syslog",
        log: "\
2026-05-19T16:01:03.120001+02:00 web1 systemd[1]: Started Session 7 of user shop.
2026-05-19T16:21:03.120001+02:00 web1 kernel: TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.
2026-05-19T16:21:04.120001+02:00 web1 kernel: nf_conntrack: nf_conntrack: table full, dropping packet
2026-05-19T16:21:05.120001+02:00 web1 kernel: nf_conntrack: nf_conntrack: table full, dropping packet
2026-05-19T16:22:05.120001+02:00 web1 php-fpm8.2[811]: [WARNING] [pool www] server reached pm.max_children setting (20), consider raising it
",
        symptoms: &[
            ("connections_exhausted", "2026-05-19T14:21:03Z", 3),
            ("workers_exhausted", "2026-05-19T14:22:05Z", 1),
        ],
        zone: "+02:00",
    },
    Case {
        format: "syslog5424",
        log: "\
<30>1 2026-05-19T14:01:04.120001Z lb1 systemd 1 - - Started Session 7 of user shop.
<129>1 2026-05-19T14:21:04.120001Z lb1 haproxy 881 - - Server shop/web1 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 1 active and 0 backup servers left. 7 sessions active, 0 requeued, 0 remaining in queue.
<129>1 2026-05-19T14:21:05.120001Z lb1 haproxy 881 - - Server shop/web2 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 0 active and 0 backup servers left. 9 sessions active, 0 requeued, 0 remaining in queue.
<128>1 2026-05-19T14:21:05.130001Z lb1 haproxy 881 - - backend shop has no server available!
<133>1 2026-05-19T14:24:05.120001Z lb1 haproxy 881 - - Server shop/web2 is UP, reason: Layer4 check passed, check duration: 0ms. 1 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.
",
        symptoms: &[
            ("upstream_down", "2026-05-19T14:21:04Z", 3),
            ("start", "2026-05-19T14:24:05Z", 1),
        ],
        zone: "+00:00",
    },
    Case {
        format: "journal_short_iso",
        log: "\
-- Journal begins at Mon 2026-05-04 06:00:01 UTC, ends at Tue 2026-05-19 15:00:00 UTC. --
2026-05-19T16:01:04+0200 web1 sshd[7]: Server listening on 0.0.0.0 port 22.
2026-05-19T16:22:04+0200 web1 kernel: php-fpm8.2[811]: segfault at 0 ip 000055d0 sp 00007ffc error 4 in php-fpm8.2[55d0+1000]
2026-05-19T16:22:05+0200 web1 php-fpm8.2[800]: [19-May-2026 16:22:05] WARNING: [pool www] server reached pm.max_children setting (20), consider raising it
",
        symptoms: &[
            ("child_crash", "2026-05-19T14:22:04Z", 1),
            ("workers_exhausted", "2026-05-19T14:22:05Z", 1),
        ],
        zone: "+02:00",
    },
    Case {
        format: "journal_json",
        log: r#"{"__REALTIME_TIMESTAMP":"1779199264120001","_HOSTNAME":"web1","PRIORITY":"6","SYSLOG_IDENTIFIER":"systemd","MESSAGE":"Started Session 7 of user shop."}
{"__REALTIME_TIMESTAMP":"1779200524120001","_HOSTNAME":"web1","PRIORITY":"3","SYSLOG_IDENTIFIER":"kernel","MESSAGE":"Memory cgroup out of memory: Killed process 811 (php-fpm8.2) total-vm:912344kB"}
{"__REALTIME_TIMESTAMP":"1779200525120001","_HOSTNAME":"web1","PRIORITY":"3","SYSLOG_IDENTIFIER":"nginx","MESSAGE":"2026/05/19 16:22:05 [alert] 7#7: worker process 811 exited on signal 9"}
"#,
        symptoms: &[
            ("out_of_memory", "2026-05-19T14:22:04Z", 1),
            ("child_crash", "2026-05-19T14:22:05Z", 1),
        ],
        zone: "+00:00",
    },
    Case {
        format: "docker_json",
        log: r#"{"log":"/docker-entrypoint.sh: Configuration complete; ready for start up\n","stream":"stdout","time":"2026-05-19T14:01:03.120001042Z"}
{"log":"192.0.2.1 - - [19/May/2026:14:20:03 +0000] \"GET /health HTTP/1.1\" 200 2 \"-\" \"probe/1.0\"\n","stream":"stdout","time":"2026-05-19T14:20:03.1Z"}
{"log":"2026/05/19 16:21:05 [alert] 7#7: worker process 811 exited on signal 9\n","stream":"stderr","attrs":{"tag":"web"},"time":"2026-05-19T14:21:05.1Z"}
{"log":"Out of memory: Killed process 811 (php-fpm8.2) total-vm:912344kB\r\n","stream":"stderr","time":"2026-05-19T14:22:04.1Z"}
"#,
        symptoms: &[
            ("child_crash", "2026-05-19T14:21:05Z", 1),
            ("out_of_memory", "2026-05-19T14:22:04Z", 1),
        ],
        zone: "+00:00",
    },
    Case {
        format: "cri",
        log: "\
2026-05-19T16:01:03.120001042+02:00 stdout F listening on port 80
2026-05-19T16:21:05.1+02:00 stderr F 2026/05/19 14:21:05 [alert] 7#7: worker process 811 exited on signal 9
2026-05-19T16:22:04.1+02:00 stderr P Out of memory: Killed process 811 (php-fpm8.2) total-vm:912344kB
",
        symptoms: &[
            ("child_crash", "2026-05-19T14:21:05Z", 1),
            ("out_of_memory", "2026-05-19T14:22:04Z", 1),
        ],
        zone: "+02:00",
    },
    Case {
        format: "nginx_error",
        log: "\
<139>May 19 14:21:03 web1 nginx: 2026/05/19 14:21:03 [alert] 7#7: 1024 worker_connections are not enough
<139>May 19 14:21:04 web1 nginx: 2026/05/19 14:21:04 [alert] 7#7: 1024 worker_connections are not enough
<139>May 19 14:21:05 web1 nginx: 2026/05/19 14:21:05 [alert] 7#7: 1024 worker_connections are not enough
",
        symptoms: &[("connections_exhausted", "2026-05-19T14:21:03Z", 3)],
        zone: "+00:00",
    },
    Case {
        format: "apache_error",
        log: "\
May 19 14:01:03 web1 apache2[811]: [Tue May 19 14:01:03.123456 2026] [core:notice] [pid 811] AH00094: Command line: '/usr/sbin/apache2'
May 19 14:21:03 web1 apache2[811]: [Tue May 19 14:21:03.123456 2026] [mpm_event:error] [pid 811:tid 140] AH00484: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting
",
        symptoms: &[("workers_exhausted", "2026-05-19T14:21:03Z", 1)],
        zone: "+00:00",
    },
];

#[test]
fn what_error_logs_say_of_a_flood_stands_in_its_incident() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("access.log"), access_log()).unwrap();
    for (index, case) in CASES.iter().enumerate() {
        let name = format!("{index}-{}.log", case.format);
        fs::write(folder.path().join(&name), case.log).unwrap();
        let report = report_in(folder.path(), &["access.log", &name]);
        let inputs = each(&report, "/inputs/*");
        let input = inputs.iter().find(|input| input["path"] == *name).unwrap();
        assert_eq!(input["format"], case.format, "{name}");
        assert_eq!(number(input, "/unparsed"), 0, "{name}: {input}");
        let all = number(input, "/records") + number(input, "/blank");
        assert_eq!(all, case.log.lines().count() as u64, "{name}: {input}");
        assert_eq!(input["utc_offset"], case.zone, "{name}: {input}");
        for (kind, first, count) in case.symptoms {
            let symptoms = each(&report, "/incidents/*/symptoms/*");
            let found = symptoms.iter().find(|symptom| symptom["kind"] == *kind);
            let found = found.unwrap_or_else(|| panic!("{name}: no {kind} in {symptoms:?}"));
            assert_eq!(found["first"], *first, "{name}: {kind}");
            assert_eq!(found["count"], *count, "{name}: {kind}: {found}");
        }
    }
}

fn input<'a>(report: &'a Value, name: &str) -> &'a Value {
    let inputs = report["inputs"].as_array().unwrap();
    inputs.iter().find(|input| input["path"] == name).unwrap()
}

#[test]
fn requests_behind_syslog_are_requests_whatever_stands_among_them() {
    let folder = tempfile::tempdir().unwrap();
    let plain = access_log();
    fs::write(folder.path().join("plain.log"), &plain).unwrap();
    let prefixed = |line: &str, second: usize| {
        let (minute, second) = (second / 60 % 60, second % 60);
        format!("<190>May 19 14:{minute:02}:{second:02} web1 nginx: {line}\n")
    };
    let wrapped: String = plain
        .lines()
        .map(|line| {
            let at = line.find("2026:14:").unwrap() + "2026:14:".len();
            let number = |from: usize| line[from..from + 2].parse::<usize>().unwrap();
            prefixed(line, number(at) * 60 + number(at + 3))
        })
        .collect();
    fs::write(folder.path().join("syslog.log"), &wrapped).unwrap();
    let oom = "<2>May 19 14:22:03 web1 kernel: Out of memory: Killed process 811 (nginx)\n";
    let mixed = format!("{wrapped}{oom}");
    fs::write(folder.path().join("mixed.log"), mixed).unwrap();

    let report = |name: &str| report_in(folder.path(), &[name]);
    let (plain, wrapped, mixed) = (
        report("plain.log"),
        report("syslog.log"),
        report("mixed.log"),
    );
    assert_eq!(plain["totals"], wrapped["totals"]);
    assert_eq!(plain["totals"], mixed["totals"]);
    let told = |report: &Value| report["verdict"]["cause"].clone();
    assert_eq!(told(&plain), told(&wrapped));
    assert_eq!(input(&wrapped, "syslog.log")["format"], "combined");
    let notes = input(&wrapped, "syslog.log")["notes"].to_string();
    assert!(notes.contains("behind a syslog prefix"), "{notes}");
    assert!(notes.contains("tell that it is 2026"), "{notes}");
    let kinds = each(&mixed, "/incidents/*/symptoms/*/kind");
    assert!(
        kinds.iter().any(|kind| **kind == "out_of_memory"),
        "{kinds:?}"
    );
}

#[test]
fn years_follow_from_the_order_and_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages");
    let mut log = String::new();
    for (month, days) in [("Nov", 30), ("Dec", 31), ("Jan", 31), ("Feb", 28)] {
        for day in 1..=days {
            writeln!(
                log,
                "{month} {day:>2} 06:25:01 web1 CRON[7]: (root) CMD (x)"
            )
            .unwrap();
        }
    }
    fs::write(&path, log).unwrap();
    let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_772_400_000);
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(written).unwrap();
    let report = report_in(folder.path(), &["messages"]);
    let input = input(&report, "messages");
    assert_eq!(input["first"], "2025-11-01T06:25:01Z", "{input}");
    assert_eq!(input["last"], "2026-02-28T06:25:01Z", "{input}");
    assert!(
        input["notes"].to_string().contains("2025 to 2026"),
        "{input}"
    );
}

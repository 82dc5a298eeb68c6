//! Configurations as administrators keep them, and what may be wrong with them.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read(folder: &tempfile::TempDir, name: &str) -> Result<(ServerLogs, Vec<Warning>)> {
    ServerLogs::read(&folder.path().join(name))
}

/// What the notes of the readers for a log say; the folder's own path is left out.
fn notes(logs: &ServerLogs, input: &str) -> Vec<String> {
    let readers = logs.readers_for(input);
    let notes = readers.iter().flat_map(|reader| reader.notes());
    notes
        .map(|note| match note.split_once(" of ") {
            Some((what, place)) => {
                let file = place.rsplit('/').next().unwrap_or_default();
                format!("{what} of {file}")
            }
            None => note,
        })
        .collect()
}

const NGINX: &str = "\
http {
    log_format main '$remote_addr [$time_local] '   # the usual
                    '\"$request\" $status';
    log_format json escape=json '{\"t\":\"$msec\",\"r\":\"$request\"}';
    log_format useless '$remote_addr $status';
    access_log /var/log/nginx/access.log main;
    access_log syslog:server=192.0.2.1 main;
    access_log off;
    include sites/*.conf;
    include /etc/nginx/missing.conf;
    include itself.conf;
}
stream { log_format main '$remote_addr'; access_log /var/log/nginx/tcp.log main; }
";

#[test]
fn nginx_formats_go_to_their_logs() {
    let folder = folder(&[
        ("nginx.conf", NGINX),
        (
            "sites/shop.conf",
            "server { server_name shop.example; access_log \"/srv/shop/logs/${host}.access.log\" json buffer=32k;\n\
             location /a { access_log logs/b.log useless; access_log c.log later; access_log d.log; } }",
        ),
        (
            "itself.conf",
            "log_format later '$msec \"$request\"'; include itself.conf;",
        ),
    ]);
    let (logs, warnings) = read(&folder, "nginx.conf").unwrap();
    let main = ["read with the format `main` of nginx.conf:2"];
    let json = ["read with the format `json` of nginx.conf:4"];
    assert_eq!(notes(&logs, "copy/nginx/access.log.2.gz"), main);
    assert_eq!(notes(&logs, "shop.example.access.log"), json);
    assert_eq!(
        notes(&logs, "shop/logs/shop.example.access.log-20260519"),
        json
    );
    assert_eq!(
        notes(&logs, "c.log"),
        ["read with the format `later` of itself.conf:1"]
    );
    for other in ["tcp.log", "b.log", "d.log", "error.log", "-"] {
        assert_eq!(notes(&logs, other), Vec::<String>::new(), "{other}");
    }
    assert_eq!(logs.readers().len(), 3);
    let said: Vec<&str> = warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    let said = said.join("\n");
    for words in [
        "nginx.conf:10: /etc/nginx/missing.conf is included and cannot be found",
        "includes itself",
        "shop.conf:2: logs/b.log is in the format `useless` of",
        "add $time_iso8601",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert_eq!(warnings.len(), 3, "{said}");
}

const APACHE: &str = "\
ServerRoot \"/etc/apache2\"
Define LOGS /var/log/shop
# LogFormat \"%h\" main
logformat \"%h %t \\\"%r\\\" \\
    %>s\" main
LogFormat \"%t \\\"%r\\\"\"
<IfModule log_config_module>
    CustomLog ${LOGS}/access.log main env=!dontlog
</IfModule>
CustomLog ${APACHE_LOG_DIR}/other.log \"%{sec}t %m %U%q\"
CustomLog \"|/usr/bin/rotatelogs -l /var/log/piped.%Y-%m-%d.log 86400\" main
CustomLog \"||/usr/bin/logger -t httpd\" main
TransferLog logs/transfer_log
ErrorLogFormat \"[%t] %M\"
IncludeOptional sites/*.conf
Include /etc/apache2/conf.d/
";

#[test]
fn apache_formats_go_to_their_logs() {
    let folder = folder(&[
        ("apache2.conf", APACHE),
        (
            "sites/a.conf",
            "<VirtualHost *:80>\nLogFormat \"%v %t \\\"%r\\\"\" main\nCustomLog a.log main\nCustomLog b.log nowhere\n</VirtualHost>\n\
             <VirtualHost *:443>\nCustomLog c.log main\n</VirtualHost>",
        ),
        ("conf.d/x.conf", "CustomLog x.log main"),
    ]);
    let (logs, warnings) = read(&folder, "apache2.conf").unwrap();
    let main = ["read with the format `main` of apache2.conf:4"];
    for log in [
        "shop/access.log.1",
        "piped.2026-05-19.log.gz",
        "c.log",
        "x.log",
    ] {
        assert_eq!(notes(&logs, log), main, "{log}");
    }
    assert_eq!(
        notes(&logs, "a.log"),
        ["read with the format `main` of a.conf:2"]
    );
    assert_eq!(
        notes(&logs, "other.log"),
        ["read with the format `CustomLog` of apache2.conf:10"]
    );
    assert_eq!(
        notes(&logs, "transfer_log"),
        ["read with the format `LogFormat` of apache2.conf:6"]
    );
    let said: Vec<&str> = warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    let said = said.join("\n");
    for words in [
        "apache2.conf:14: ErrorLogFormat is not supported",
        "a.conf:4: b.log is in the format `nowhere`, which no LogFormat defines",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert_eq!(warnings.len(), 2, "{said}");
}

#[test]
fn the_longest_agreement_of_paths_decides() {
    let folder = folder(&[(
        "nginx.conf",
        "log_format a '$msec $request'; log_format b '$request $msec';\n\
         access_log /srv/a/access.log a; access_log /srv/b/access.log b;",
    )]);
    let (logs, _) = read(&folder, "nginx.conf").unwrap();
    let one = |input: &str| notes(&logs, input).len();
    assert_eq!((one("b/access.log"), one("case/a/access.log.1")), (1, 1));
    assert_eq!(one("access.log"), 2);
    assert_eq!(one("c/access.log"), 2);
}

#[test]
fn what_is_no_configuration_is_told() {
    let folder = folder(&[
        ("open.conf", "http {\n access_log 'x;\n}"),
        ("deep.conf", &"a {".repeat(500)),
        ("empty.conf", ""),
        ("binary.conf", "\u{0}\u{1}\u{fffd}"),
    ]);
    let fails = |name: &str| read(&folder, name).map(|_| ()).unwrap_err().to_string();
    assert!(fails("open.conf").contains("open.conf:2: quotes are opened here"));
    assert!(fails("deep.conf").contains("nested too deep"));
    assert!(fails("absent.conf").contains("cannot read the server's configuration"));
    for name in ["empty.conf", "binary.conf"] {
        let (logs, warnings) = read(&folder, name).unwrap();
        assert!(logs.readers().is_empty());
        assert!(warnings[0].message.contains("defines no format"), "{name}");
    }
}

#[test]
fn includes_end() {
    let mut files: Vec<(String, String)> = Vec::new();
    for number in 0..40 {
        let name = if number == 0 {
            "nginx.conf".into()
        } else {
            format!("{number}.conf")
        };
        let next = number + 1;
        files.push((name, format!("include {next}.conf; include {next}.conf;")));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let folder = folder(&files);
    let (_, warnings) = read(&folder, "nginx.conf").unwrap();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.message.contains("includes end at"))
    );
}

#[test]
fn no_text_makes_it_panic() {
    use proptest::prelude::*;
    let folder = folder(&[]);
    let path: PathBuf = folder.path().join("x.conf");
    let words = "([ \n\"'\\\\{};#<>$%*|/a-z]|log_format |access_log |LogFormat |CustomLog |Include |include |Define |\\$\\{a\\}|</?VirtualHost>){0,40}";
    proptest!(ProptestConfig::with_cases(200), |(text in words)| {
        fs::write(&path, &text).unwrap();
        let _ = ServerLogs::read(&path);
    });
}

#[test]
fn an_include_that_matches_nothing_says_so() {
    let folder = folder(&[(
        "httpd.conf",
        "LogFormat \"%h %t \\\"%r\\\" %>s\" own\nInclude nosuch/*.conf\nIncludeOptional none/*.conf\nInclude missing.conf\n",
    )]);
    let (_, warnings) = read(&folder, "httpd.conf").unwrap();
    let told: Vec<&str> = warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    let says = |text: &str| told.iter().filter(|told| told.contains(text)).count();
    assert_eq!(
        says("no file matches nosuch/*.conf, which is included"),
        1,
        "{told:?}"
    );
    assert_eq!(
        says("missing.conf is included and cannot be found"),
        1,
        "{told:?}"
    );
    assert_eq!(says("includes itself") + says("none/*.conf"), 0, "{told:?}");
}

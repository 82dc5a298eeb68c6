//! Files for other programs, made from the expected reports of scenarios. That those programs take them is for
//! `tests/exports/run`.

use std::fs;
use std::path::Path;

use crate::harness::{aftertrace, run_in, scenario, text};
use crate::scenarios::compare;

/// A flood from everywhere, IPv4 and IPv6, one for which a limit is advised, one with an injection, and no attack.
const SCENARIOS: [&str; 5] = [
    "ddos-2023-05-07",
    "ipv6-botnet",
    "single-client-dos",
    "sqli-surge-2021-09-05",
    "quiet-day",
];

const FORMS: [&str; 8] = [
    "nginx-deny",
    "nginx-limit",
    "apache",
    "nftables",
    "ipset",
    "fail2ban",
    "cidr",
    "csv",
];

#[test]
fn exports_of_reports_are_the_expected_ones() {
    let mut complaints = Vec::new();
    let mut limits = 0;
    for name in SCENARIOS {
        let scenario = scenario(name);
        for form in FORMS {
            let output = run_in(&scenario.home, &["export", "expected.json", "--to", form]);
            if form == "nginx-limit" && !output.status.success() {
                assert_eq!(output.status.code(), Some(2), "{name}");
                assert!(output.stdout.is_empty(), "{name}");
                let said = text(&output.stderr);
                let why = [
                    "advises no limit",
                    "no limit for each client was tried",
                    "has no attack",
                ];
                assert!(why.iter().any(|why| said.contains(why)), "{name}: {said}");
                continue;
            }
            limits += usize::from(form == "nginx-limit");
            assert!(output.status.success(), "{name}, {form}");
            let file = format!("expected.export-{form}.txt");
            complaints.extend(compare(&scenario, &file, &output.stdout).err());
        }
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    assert!(limits > 0, "no scenario has a limit");
}

/// Runs an export of a scenario's report. Returns the exit status, what was written, and what was said.
fn export(name: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut all = vec!["export", "expected.json"];
    all.extend(arguments);
    let output = run_in(&scenario(name).home, &all);
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn who_is_known_afterwards_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("known.txt");
    fs::write(&list, "198.19.97.0/24 Head office\n2001:db8:bad:7::/64\n").unwrap();
    let list = list.to_str().unwrap();
    for form in FORMS.into_iter().filter(|form| *form != "nginx-limit") {
        let (status, file, said) = export("ipv6-botnet", &["--to", form, "--known", list]);
        assert_eq!(status, Some(0), "{form}: {said}");
        assert!(said.contains("198.19.97.0/24"), "{form}: {said}");
        let body = file.lines().filter(|line| !line.starts_with('#'));
        let body: Vec<&str> = body.collect();
        let has = |network: &str| body.iter().any(|line| line.contains(network));
        assert!(
            has("198.19.96.0/24") && has("198.19.98.0/23"),
            "{form}: {file}"
        );
        assert!(
            !has("198.19.96.0/22") && !has("198.19.97."),
            "{form}: {file}"
        );
        assert!(
            !has("2001:db8:bad::/48") && !has("2001:db8:bad:7::"),
            "{form}: {file}"
        );
    }
    let (_, _, said) = export("ipv6-botnet", &["--to", "cidr", "--known", list, "--quiet"]);
    assert_eq!(said, "");
}

#[test]
fn where_there_is_nothing_to_block_that_is_said() {
    let (status, file, said) = export("quiet-day", &["--to", "cidr"]);
    assert_eq!((status, file.as_str()), (Some(0), ""));
    assert!(said.starts_with("note: nothing to block"), "{said}");
    let scattered = "credential-stuffing";
    let (status, file, said) = export(scattered, &["--to", "cidr"]);
    assert_eq!((status, file.as_str()), (Some(0), ""));
    assert!(said.contains("--exact"), "{said}");
    // Its attackers have addresses of carriers (RFC 6598).
    let (status, file, said) = export(scattered, &["--to", "cidr", "--exact"]);
    assert_eq!((status, file.as_str()), (Some(0), ""));
    assert!(said.contains("--private"), "{said}");
    let (_, file, said) = export(scattered, &["--to", "cidr", "--exact", "--private"]);
    assert!(file.lines().count() > 100, "{file}");
    assert_eq!(said, "");
}

#[test]
fn reports_come_from_standard_input_and_files_appear_whole() {
    let home = scenario("ipv6-botnet").home;
    let report = fs::read(home.join("expected.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = aftertrace();
    command.args(["export", "-", "--to", "nginx-deny", "-o", "deny.conf"]);
    let output = command
        .current_dir(&folder)
        .write_stdin(report)
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    let file = fs::read_to_string(folder.path().join("deny.conf")).unwrap();
    assert!(
        file.contains("from \"standard input\"") && file.contains("\ndeny "),
        "{file}"
    );
}

#[test]
fn what_cannot_be_exported_ends_with_status_2() {
    for (arguments, said) in [
        (&["expected.json", "--to", "iptables"][..], "nftables"),
        (&["expected.json"], "--to"),
        (
            &["expected.json", "--to", "cidr", "--incident", "9"],
            "no incident 9",
        ),
        (&["expected.md", "--to", "cidr"], "no report"),
        (&["missing.json", "--to", "cidr"], "missing.json"),
        (
            &["expected.json", "--to", "cidr", "--known", "missing.txt"],
            "missing.txt",
        ),
    ] {
        let mut all = vec!["export"];
        all.extend(arguments);
        let output = run_in(&scenario("ipv6-botnet").home, &all);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
        assert!(output.stdout.is_empty() && !Path::new("missing.json").exists());
    }
}

//! A small made incident, scored as a real one.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// A quiet log in which one client asks for what only attackers ask for.
fn access_log() -> String {
    let mut log = String::new();
    for second in 0..240 {
        let client = format!("192.0.2.{}", 1 + second % 9);
        log += &line(&client, second, "/product.php?id=7");
    }
    log += &line(
        "198.51.100.7",
        241,
        "/product.php?id=7%27+union+select+1,password+from+users--+-",
    );
    log += &line("203.0.113.9", 242, "/.env");
    log
}

fn line(client: &str, second: u32, target: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "{client} - - [05/Sep/2021:10:{minute:02}:{second:02} +0000] \"GET {target} HTTP/1.1\" 200 512 \"-\" \"Mozilla/5.0\"\n"
    )
}

fn labels() -> String {
    let mut labels = "line\tactor\tlabel\tsucceeded\tvisible\tnote\n".to_string();
    for number in 1..=240 {
        labels += &format!("{number}\tbenign\tbenign\t-\t-\t-\n");
    }
    labels + "241\tattacker-1\tsqli\tyes\tyes\texfil\n242\tnoise-1\tscanner\tno\tyes\t-\n"
}

fn truth() -> Value {
    json!({
        "kind": "attack",
        "root_cause": {"cls": "sqli"},
        "files": {"access": ["access.log"]},
        "window": {"start": "2021-09-05T10:00:00+0000", "end": "2021-09-05T10:05:00+00:00"},
        "phases": [
            {"name": "surge_onset", "start": "2021-09-05T10:01:00+00:00", "end": "2021-09-05T10:02:00+00:00"},
            {"name": "log_gap", "start_epoch": 1_630_836_000, "end_epoch": 1_630_836_300},
        ],
    })
}

/// A report that is right about everything.
fn report() -> Value {
    json!({
        "verdict": {"attack": true, "cause": "injection"},
        "incidents": [{
            "cause": "injection", "attack": true, "severity": "high", "confidence": 0.9,
            "start": "2021-09-05T10:01:00Z", "end": "2021-09-05T10:04:01Z",
            "timeline": [{"time": "2021-09-05T10:01:12Z", "end": null, "phase": "surge"}],
            "actors": [{"role": "injector", "clients": ["198.51.100.7"]}],
            "injections": [{"category": "sql_injection", "endpoint": "/product.php", "outcome": "likely"}],
            "impact": {"outages": [{"start": "2021-09-05T10:00:04Z", "end": "2021-09-05T10:05:00Z"}]},
        }],
    })
}

fn scored(truth: &Value, report: &Value) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("truth.json", &truth.to_string());
    write("access.log", &access_log());
    write("lines.tsv", &labels());
    write(
        "attacker_ips.tsv",
        "ip\tactor\trequests\n198.51.100.7\tattacker-1\t1\n",
    );
    write("report.json", &report.to_string());
    let set = load::embedded().unwrap();
    score(
        folder.path(),
        Some(&folder.path().join("report.json")),
        &set,
    )
    .unwrap()
}

fn row<'r>(rows: &'r [Row], what: &str) -> &'r Row {
    let row = rows.iter().find(|row| row.what == what);
    row.unwrap_or_else(|| panic!("no row {what:?} in {rows:#?}"))
}

fn missed(rows: &[Row]) -> Vec<&str> {
    let missed = rows.iter().filter(|row| row.standing == Standing::Missed);
    missed.map(|row| row.what.as_str()).collect()
}

#[test]
fn a_true_report_misses_nothing() {
    let rows = scored(&truth(), &report());
    assert_eq!(missed(&rows), Vec::<&str>::new());
    assert!(row(&rows, "surge onset").found.starts_with("+12 s"));
    assert!(
        row(&rows, "log_gap")
            .found
            .starts_with("start +4 s, end +0 s")
    );
    assert_eq!(row(&rows, "surge end").standing, Standing::Skipped);
    assert!(
        row(&rows, "lines of sqli")
            .found
            .starts_with("1.0000 recall (1 of 1")
    );
    assert!(
        row(&rows, "flagged lines")
            .found
            .starts_with("1.0000 precision")
    );
    assert_eq!(
        row(&rows, "outcome sqli /product.php").standing,
        Standing::Met
    );
}

#[test]
fn each_false_claim_is_missed() {
    type Change = fn(&mut Value);
    let cases: [(&[&str], Change); 7] = [
        (&["cause"], |incident| incident["cause"] = json!("ddos")),
        (
            &["attack", "address precision", "address recall"],
            |incident| {
                incident["attack"] = json!(false);
            },
        ),
        (&["surge onset"], |incident| {
            incident["timeline"][0]["time"] = json!("2021-09-05T10:01:31Z");
        }),
        (&["log_gap"], |incident| {
            incident["impact"]["outages"][0]["end"] = json!("2021-09-05T10:05:11Z");
        }),
        (&["address precision"], |incident| {
            incident["actors"][0]["clients"] = json!(["198.51.100.7", "192.0.2.1"]);
        }),
        (&["address recall", "address precision"], |incident| {
            incident["actors"][0]["clients"] = json!([]);
        }),
        (&["outcome sqli /product.php"], |incident| {
            incident["injections"][0]["outcome"] = json!("suspected");
        }),
    ];
    for (expected, change) in cases {
        let mut report = report();
        change(&mut report["incidents"][0]);
        let rows = scored(&truth(), &report);
        let mut expected = expected.to_vec();
        let mut found = missed(&rows);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_truth_may_accept_another_cause() {
    let mut truth = truth();
    truth["root_cause"]["cls"] = json!("ddos");
    assert_eq!(missed(&scored(&truth, &report())), ["cause"]);
    truth["root_cause"]["accept"] = json!(["dos", "injection"]);
    assert_eq!(missed(&scored(&truth, &report())), Vec::<&str>::new());
}

#[test]
fn background_noise_is_excused_in_a_low_scan_alone() {
    let mut report = report();
    let mut scan = report["incidents"][0].clone();
    scan["cause"] = json!("scan");
    scan["actors"][0]["clients"] = json!(["203.0.113.9"]);
    for (severity, expected) in [("low", Vec::new()), ("medium", vec!["address precision"])] {
        scan["severity"] = json!(severity);
        report["incidents"] = json!([report["incidents"][0], scan]);
        assert_eq!(missed(&scored(&truth(), &report)), expected, "{severity}");
    }
}

#[test]
fn without_an_attack_every_incident_is_one_too_many() {
    let mut truth = truth();
    truth["kind"] = json!("quiet");
    truth["root_cause"]["cls"] = json!("none");
    truth["phases"] = json!([]);
    let rows = scored(&truth, &report());
    assert_eq!(row(&rows, "cause").standing, Standing::Missed);
    assert_eq!(row(&rows, "attack").standing, Standing::Missed);
    assert_eq!(row(&rows, "extra incident").standing, Standing::Missed);
}

#[test]
fn scans_when_no_report_is_given() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("truth.json"), truth().to_string()).unwrap();
    fs::write(folder.path().join("access.log"), access_log()).unwrap();
    let rows = score(folder.path(), None, &load::embedded().unwrap()).unwrap();
    assert_eq!(row(&rows, "flagged lines").standing, Standing::Skipped);
    assert!(row(&rows, "attack").found.ends_with("for true"));
}

#[test]
fn names_the_classes() {
    for (class, cause) in [
        ("sqli_and_surge", "injection_and_surge"),
        ("ddos", "ddos"),
        ("dos_single", "dos"),
        ("credential stuffing", "brute_force"),
        ("flash_crowd", "flash_crowd"),
        ("deploy", "server_fault"),
        ("vulnerability_scan", "scan"),
        ("quiet", "none"),
    ] {
        assert_eq!(story::right_causes(class).unwrap()[0], cause, "{class}");
    }
    assert_eq!(story::right_causes("sunspots"), None);
}

#[test]
fn needs_a_folder() {
    let arguments = |given: &[&str]| arguments(given.iter().map(ToString::to_string));
    assert!(arguments(&[]).is_err());
    assert!(arguments(&["--report"]).is_err());
    assert!(arguments(&["--report", "r.json", "a", "b"]).is_err());
    let (report, folders) = arguments(&["--report", "r.json", "a"]).unwrap();
    assert_eq!(report.as_deref(), Some(Path::new("r.json")));
    assert_eq!(folders, [Path::new("a")]);
}

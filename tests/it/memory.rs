//! The memory limit: what counts take stays within it, what has no room is estimated and the report says how well, and
//! all of that is the same however the log was read.

use std::fs::File;
use std::path::Path;

use aftertrace::counts::AccessCounts;
use aftertrace::evidence::caps::{Caps, DEFAULT_LIMIT, FIXED, LEAST_LIMIT, SHARES, Share};
use aftertrace::format::combined::COMBINED;
use aftertrace::pass::{Limits, Log, Run};
use aftertrace::pattern::load;
use aftertrace::survey::{Survey, survey_access};
use serde_json::Value;

use crate::harness::{aftertrace, each, number, parse, report_in, run_in, text};
use crate::traffic::many::{self, FLOOD_S, Size};

/// More of everything than the least limit has room for.
pub const MANY: Size = Size {
    lines: 160_000,
    clients: 150_000,
    targets: 60_000,
    agents: 40_000,
    floods: 1,
    flooders: 40_000,
    flood_lines: 60_000,
};

fn write(folder: &Path) {
    let mut file = File::create(folder.join("many.log")).unwrap();
    many::write(MANY, 1, &mut file).unwrap();
}

/// The least limit, as the option takes it.
fn least() -> String {
    format!("{}M", LEAST_LIMIT >> 20)
}

fn scan(folder: &Path, arguments: &[&str]) -> Value {
    let least = least();
    let mut all = vec!["many.log", "--memory-limit", &least];
    all.extend(arguments);
    report_in(folder, &all)
}

/// The first percentage behind some words of the warning that has them.
fn told_error(report: &Value, about: &str) -> f64 {
    let warnings = each(report, "/warnings/*");
    let message = warnings
        .iter()
        .filter_map(|warning| warning["message"].as_str())
        .find(|message| message.contains(about))
        .unwrap_or_else(|| panic!("no warning says {about}: {warnings:#?}"));
    let (_, behind) = message.split_once("standard error of ").unwrap();
    let (percent, _) = behind.split_once('%').unwrap();
    percent.parse::<f64>().unwrap() / 100.0
}

/// Four standard errors: the logs are always the same, so that this is no matter of chance from run to run.
fn is_near(estimate: u64, truth: u64, error: f64) -> bool {
    error > 0.0 && estimate.abs_diff(truth) as f64 <= 4.0 * error * truth as f64
}

#[test]
fn estimates_lie_within_the_error_that_the_report_tells() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let report = scan(folder.path(), &[]);
    let requests = MANY.lines + MANY.flood_lines;
    assert_eq!(number(&report, "/totals/requests"), requests);
    let clients = MANY.clients + MANY.flooders;
    let error = told_error(&report, "more distinct clients than");
    let told = number(&report, "/totals/clients");
    assert!(told != clients && is_near(told, clients, error), "{told}");
    for what in ["paths", "user agents"] {
        assert!(told_error(&report, &format!("more distinct {what} than")) > 0.0);
    }
    let incident = &report["incidents"][0];
    assert_eq!(incident["cause"], "ddos");
    let burst = &incident["bursts"][0];
    let visitors = MANY.clients * FLOOD_S / 86_400;
    let error = told_error(&report, "looked at closer");
    let told = number(burst, "/clients");
    assert!(is_near(told, MANY.flooders + visitors, error), "{told}");
    let actor = &incident["actors"][0];
    let told = number(actor, "/client_count");
    assert!(is_near(told, MANY.flooders, error), "{told}");
    let told = number(actor, "/requests");
    assert!(is_near(told, MANY.flood_lines, 2.0 * error), "{told}");
    let told = number(incident, "/impact/clients");
    let error = told_error(&report, "whose impact is told");
    assert!(is_near(told, MANY.flooders + visitors, error), "{told}");
}

#[test]
fn neither_threads_nor_chunks_show_in_estimates() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let expected = scan(folder.path(), &["-j", "1"]);
    for arguments in [
        ["-j", "4", "--chunk-bytes", "1048576"],
        ["-j", "4", "--chunk-bytes", "40000"],
        ["-j", "3", "--chunk-bytes", "9000000"],
    ] {
        let found = scan(folder.path(), &arguments);
        assert!(found == expected, "{arguments:?}");
    }
}

#[test]
fn below_the_caps_the_limit_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let small = Size {
        lines: 3_000,
        clients: 900,
        targets: 500,
        agents: 300,
        flooders: 400,
        flood_lines: 2_000,
        ..MANY
    };
    let mut file = File::create(folder.path().join("many.log")).unwrap();
    many::write(small, 1, &mut file).unwrap();
    let report = scan(folder.path(), &[]);
    assert_eq!(report, report_in(folder.path(), &["many.log"]));
    assert!(each(&report, "/warnings/*").is_empty(), "{report:#}");
    let clients = small.clients + small.flooders;
    assert_eq!(number(&report, "/totals/clients"), clients);
}

#[test]
fn hits_say_that_their_context_is_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let least = least();
    let output = run_in(
        folder.path(),
        &["hits", "many.log", "--memory-limit", &least],
    );
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("more distinct clients than"), "{said}");
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let least = format!("{}M", LEAST_LIMIT >> 20);
    for limit in [
        "12",
        "127M",
        "lots",
        "-1G",
        "1.5G",
        "1X",
        "G",
        "",
        "99999999999G",
    ] {
        let output = aftertrace()
            .args(["scan", "a.log"])
            .arg(format!("--memory-limit={limit}"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{limit}");
        let said = text(&output.stderr);
        assert!(said.contains(&least) || said.contains("512M"), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.log"), "").unwrap();
    for limit in [
        "128M",
        "1g",
        "2GiB",
        "1536 MiB",
        "200000k",
        "1GB",
        "134217728",
    ] {
        let output = run_in(
            folder.path(),
            &["scan", "--format", "json", "--memory-limit", limit, "a.log"],
        );
        assert_eq!(parse(&output)["schema_version"], "1", "{limit}");
    }
}

#[test]
fn the_shares_of_any_limit_stay_below_it() {
    for limit in [LEAST_LIMIT, 300 << 20, DEFAULT_LIMIT, 10 << 30, 1 << 40] {
        let caps = Caps::new(limit).unwrap();
        let shares: u64 = SHARES
            .iter()
            .map(|(share, ..)| caps.of(*share) as u64)
            .sum();
        assert!(shares + FIXED <= limit, "{limit}: {shares}");
        // Of what is left over by rounding nobody could make anything.
        assert!(shares + FIXED > limit - (1 << 20), "{limit}: {shares}");
    }
    assert!(Caps::new(LEAST_LIMIT - 1).is_err());
}

/// The survey of a log with more of everything than there is room for.
fn survey(caps: Caps, text: &[u8], chunk_bytes: usize) -> AccessCounts {
    let patterns = load::embedded().unwrap();
    let survey = Survey {
        patterns: &patterns,
        limits: Limits {
            since: i64::MIN,
            until: i64::MAX,
        },
        bucket_s: 60,
    };
    let run = Run {
        chunk_bytes,
        caps,
        advance: &|_| {},
    };
    survey_access(&[Log::of(&COMBINED, text).unwrap()], survey, &run)
}

#[test]
fn what_was_counted_weighs_no_more_than_its_share() {
    let mut log = Vec::new();
    many::write(MANY, 1, &mut log).unwrap();
    let caps = Caps::new(LEAST_LIMIT).unwrap();
    let counts = survey(caps, &log, 200_000);
    let weights = [
        (Share::Clients, counts.clients.weight()),
        (Share::BucketClients, counts.bucket_clients.weight()),
        (Share::Paths, counts.paths.weight()),
        (Share::Agents, counts.agents.weight()),
        (Share::Minutes, counts.minutes.weight()),
        (Share::Buckets, counts.buckets.weight()),
        (Share::Conduct, counts.conduct.weight()),
        (Share::Habits, counts.habits.weight()),
    ];
    for (share, weight) in weights {
        assert!(weight <= caps.of(share), "{share:?}: {weight}");
    }
    // And it is not thrown away needlessly: sampling leaves between half a share and a whole one.
    for (share, weight) in &weights[..4] {
        let full = *share == Share::BucketClients || weight * 5 / 2 > caps.of(*share);
        assert!(full, "{share:?}: {weight} of {}", caps.of(*share));
    }
}

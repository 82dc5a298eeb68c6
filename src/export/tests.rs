//! Files of hand-made reports.

use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::report::escape;
use crate::report::sample::rich;
use crate::report::view::{KnownParty, Report, Target};
use crate::terms::Role;

/// A report in which these networks are advised, these clients attack as one, and these networks are known.
fn report(networks: &[&str], clients: &[&str], known: &[&str]) -> Report {
    let mut report = rich(&str::to_string);
    report.incidents.retain(|incident| incident.id == 2);
    let incident = &mut report.incidents[0];
    let target = |network: &&str| Target {
        target: network.to_string(),
        ..incident.mitigations[0].details[0].clone()
    };
    let details: Vec<Target> = networks.iter().map(target).collect();
    incident.mitigations[0].details = details;
    incident.actors.truncate(1);
    let actor = &mut incident.actors[0];
    actor.clients = clients.iter().map(ToString::to_string).collect();
    actor.client_count = clients.len() as u64;
    report.known = vec![KnownParty {
        name: None,
        networks: known.iter().map(ToString::to_string).collect(),
        requests: 0,
        hits: 0,
    }];
    report
}

fn networks(report: &Report, options: &Options) -> Vec<String> {
    let plan = Plan::new("report.json", report, options).unwrap();
    plan.networks().iter().map(ToString::to_string).collect()
}

fn exact() -> Options {
    Options {
        exact: true,
        ..Options::default()
    }
}

#[test]
fn advice_is_networks_and_the_few_beside_them() {
    let report = report(
        &["198.51.100.0/24", "2001:db8::/48"],
        &["203.0.113.9", "198.51.100.7", "host.example"],
        &[],
    );
    assert_eq!(
        networks(&report, &Options::default()),
        ["198.51.100.0/24", "203.0.113.9/32", "2001:db8::/48"]
    );
    assert_eq!(
        networks(&report, &exact()),
        ["198.51.100.7/32", "203.0.113.9/32"]
    );
    let plan = Plan::new("report.json", &report, &exact()).unwrap();
    assert!(
        plan.notes()[0].contains("host.example"),
        "{:?}",
        plan.notes()
    );
}

#[test]
fn neighbours_are_joined_only_where_nobody_else_is() {
    let clients = [
        "192.0.2.4",
        "192.0.2.5",
        "192.0.2.6",
        "192.0.2.7",
        "192.0.2.9",
        "::ffff:192.0.2.8",
    ];
    let report = report(&[], &clients, &[]);
    assert_eq!(
        networks(&report, &exact()),
        ["192.0.2.4/30", "192.0.2.8/31"]
    );
    let plan = Plan::new("report.json", &report, &exact()).unwrap();
    assert_eq!(plan.entries()[0].attackers, 4);
}

#[test]
fn who_is_known_is_spared_wherever_it_is_said() {
    let known = report(
        &["198.51.100.0/24"],
        &["203.0.113.9"],
        &["198.51.100.128/25", "203.0.113.9"],
    );
    assert_eq!(networks(&known, &Options::default()), ["198.51.100.0/25"]);
    let plan = Plan::new("report.json", &known, &Options::default()).unwrap();
    assert!(
        plan.notes()
            .iter()
            .any(|note| note.contains("198.51.100.128/25"))
    );
    let later = Options {
        known: vec!["198.51.100.0/25".parse().unwrap()],
        ..Options::default()
    };
    assert!(networks(&known, &later).is_empty());
    let all = report(&["198.51.100.0/24"], &["2001:db8::1"], &["::/0"]);
    assert!(networks(&all, &exact()).is_empty());
    assert!(networks(&all, &Options::default()).is_empty());
}

#[test]
fn a_network_that_is_none_is_an_error() {
    for (networks, known) in [
        ("198.51.100.0/33", "192.0.2.1"),
        ("198.51.100.0/24", "office"),
    ] {
        let report = report(&[networks], &[], &[known]);
        let error = Plan::new("report.json", &report, &Options::default())
            .err()
            .unwrap();
        assert!(error.to_string().starts_with("report.json: `"), "{error}");
    }
}

#[test]
fn private_addresses_are_asked_for_and_those_of_this_host_never_written() {
    let clients = [
        "10.1.2.3",
        "127.0.0.1",
        "::1",
        "fe80::7",
        "0.0.0.0",
        "198.51.100.7",
    ];
    let report = report(&["10.0.0.0/8"], &clients, &[]);
    assert_eq!(networks(&report, &Options::default()), ["198.51.100.7/32"]);
    let private = Options {
        private: true,
        ..Options::default()
    };
    assert_eq!(
        networks(&report, &private),
        ["10.0.0.0/8", "198.51.100.7/32"]
    );
}

#[test]
fn only_attacks_and_attackers_are_exported() {
    let mut report = report(&["198.51.100.0/24"], &["203.0.113.9"], &[]);
    let of = |report: &Report, ids: &[u32]| {
        let options = Options {
            incidents: ids.to_vec(),
            ..Options::default()
        };
        Plan::new("report.json", report, &options).map(|plan| plan.networks().len())
    };
    assert_eq!(of(&report, &[2, 2]).unwrap(), 2);
    let missing = of(&report, &[2, 7]).err().unwrap().to_string();
    assert!(missing.contains("no incident 7"), "{missing}");
    report.incidents[0].actors[0].role = Role::Crawler;
    assert_eq!(of(&report, &[]).unwrap(), 1);
    assert!(networks(&report, &exact()).is_empty());
    report.incidents[0].attack = false;
    assert_eq!(of(&report, &[]).unwrap(), 0);
    assert!(
        of(&report, &[2])
            .err()
            .unwrap()
            .to_string()
            .contains("no attack")
    );
}

#[test]
fn pieces_of_a_cut_network_do_not_have_its_figures() {
    let report = report(
        &["198.51.100.0/24", "203.0.113.0/24"],
        &[],
        &["198.51.100.0/25"],
    );
    let plan = Plan::new("report.json", &report, &Options::default()).unwrap();
    let table = super::file(&plan, Form::Csv).unwrap();
    let row = |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap();
    let cut = row("198.51.100.128/25,");
    assert!(cut.starts_with("198.51.100.128/25,,,,,"), "{cut}");
    let whole = row("203.0.113.0/24,");
    assert!(whole.starts_with("203.0.113.0/24,118,0.61,"), "{whole}");
}

#[test]
fn pseudonyms_are_nobody_to_block() {
    let mut report = report(&["198.51.100.0/24"], &[], &[]);
    report.pseudonymized = true;
    let refused = Plan::new("report.json", &report, &Options::default());
    let error = refused.err().expect("refused").to_string();
    assert!(error.contains("--pseudonymize"), "{error}");
}

#[test]
fn the_limit_is_the_advised_one_or_an_error() {
    let mut report = report(&[], &[], &["192.0.2.7"]);
    let file = |report: &Report| {
        let plan = Plan::new("report.json", report, &Options::default()).unwrap();
        super::file(&plan, Form::NginxLimit)
    };
    let text = file(&report).unwrap();
    for line in [
        "rate=30r/m;",
        "burst=29 nodelay;",
        "    192.0.2.7 1;",
        "limit_req_status 429;",
    ] {
        assert!(text.contains(line), "{text}");
    }
    for limit in &mut report.incidents[0].mitigations[1].limits {
        limit.advised = false;
    }
    let refused = |report: &Report| file(report).unwrap_err().to_string();
    let mut untried = report.clone();
    untried.incidents[0].mitigations[1].limits.clear();
    assert!(refused(&untried).contains("no attack in the report is one of volume"));
    untried.incidents.clear();
    assert!(refused(&untried).contains("no attack"));
    let error = file(&report).unwrap_err().to_string();
    assert!(
        error.contains("no limit") && error.contains("--to nginx-deny"),
        "{error}"
    );
}

#[test]
fn quiet_reports_make_files_that_block_nobody() {
    let report = crate::report::sample::empty();
    let plan = Plan::new("report.json", &report, &Options::default()).unwrap();
    for form in Form::ALL
        .into_iter()
        .filter(|form| *form != Form::NginxLimit)
    {
        let file = file(&plan, form).unwrap();
        assert!(
            !file.contains('/') || file.contains("nothing, as there is nobody"),
            "{file}"
        );
    }
}

/// What is not within a comment.
fn effective(file: &str) -> Vec<&str> {
    file.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn log_text_stays_within_comments() {
    let plain = report(&["198.51.100.0/24"], &["203.0.113.9"], &[]);
    for attack in [
        "\n} deny all;\n",
        "\r\nflush ruleset",
        "\\",
        "\u{2028}x\u{85}y\u{b}z",
        "\x1b[2J\0",
        &"long ".repeat(500),
        &"x".repeat(3_000),
        &"\\".repeat(95),
        &"東".repeat(300),
    ] {
        let mut hostile = plain.clone();
        hostile.verdict.headline = format!("{attack}{attack}");
        hostile.tool.version = attack.to_string().into();
        let path = format!("{attack}.json{attack}");
        let plans = [("report.json", &plain), (path.as_str(), &hostile)];
        let plans =
            plans.map(|(path, report)| Plan::new(path, report, &Options::default()).unwrap());
        for form in Form::ALL {
            let [plain, hostile] = [&plans[0], &plans[1]].map(|plan| file(plan, form).unwrap());
            assert_eq!(effective(&hostile), effective(&plain), "{}", form.name());
            for line in hostile.lines().filter(|line| line.starts_with('#')) {
                assert_eq!(escape::terminal(line), line);
                assert!(line.len() < 1_000 && !line.ends_with('\\'), "{line}");
            }
        }
    }
}

/// A network around 198.51.100.0/22 or 2001:db8::/118, so that those of one report meet.
fn some_network() -> impl Strategy<Value = IpNet> {
    (any::<bool>(), 0u16..1024, 0u8..=10).prop_map(|(v6, low, width)| {
        let address = match v6 {
            true => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, low]),
            false => {
                IpAddr::from((u32::from_be_bytes([198, 51, 100, 0]) + u32::from(low)).to_be_bytes())
            }
        };
        let most = if v6 { 128 } else { 32 };
        IpNet::new(address, most - width).unwrap().trunc()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_exported_network_holds_a_known_address_and_all_others_are_there(
        advised in prop::collection::vec(some_network(), 0..6),
        clients in prop::collection::vec(some_network(), 0..6),
        known in prop::collection::vec(some_network(), 0..6),
        exactly in any::<bool>(),
    ) {
        let text = |networks: &[IpNet]| networks.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (a, k) = (text(&advised), text(&known));
        let c: Vec<String> = clients.iter().map(|network| network.addr().to_string()).collect();
        let [targets, names, spared] = [&a, &c, &k].map(|texts| texts.iter().map(String::as_str).collect::<Vec<_>>());
        let report = report(&targets, &names, &spared);
        let options = Options { exact: exactly, ..Options::default() };
        let plan = Plan::new("report.json", &report, &options).unwrap();
        let hold = |networks: &[IpNet], address: &IpAddr| networks.iter().any(|network| network.contains(address));
        for low in 0u16..1024 {
            let v4 = u32::from_be_bytes([198, 51, 100, 0]) + u32::from(low);
            for address in [IpAddr::from(v4.to_be_bytes()), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, low])] {
                let attacks = c.contains(&address.to_string()) || !exactly && hold(&advised, &address);
                let expected = attacks && !hold(&known, &address);
                prop_assert_eq!(hold(plan.networks(), &address), expected, "{}", address);
            }
        }
        let rows: Vec<IpNet> = plan.entries().iter().flat_map(|entry| entry.left.clone()).collect();
        prop_assert!(rows.iter().all(|row| !known.iter().any(|known| known.contains(row) || row.contains(known))));
    }
}

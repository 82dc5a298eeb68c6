//! Countries and autonomous systems from databases that the tests write: every layout and every vendor's fields, what the
//! report makes of them, and what is said of databases that cannot be used.

use std::fs;
use std::net::IpAddr;

use aftertrace::origins::{Atlas, Databases};
use aftertrace::report::view::Origin;
use serde_json::{Value as Json, json};

use crate::harness::{aftertrace, each, names_in, parse, repository, run_in, scenario, text};
use crate::traffic::mmdb::{self, Layout, Value, database};

const FLAT: Layout = Layout {
    kind: "Test",
    record_bits: 24,
    ip_version: 6,
};

fn opened(bytes: Vec<u8>) -> Databases {
    Databases::from_bytes("test.mmdb", bytes).unwrap()
}

fn fault(bytes: Vec<u8>) -> String {
    let error = Databases::from_bytes("test.mmdb", bytes).unwrap_err();
    error.to_string()
}

/// Where some addresses are, with a request each.
fn origins(databases: &Databases, addresses: &[&str]) -> Vec<Origin> {
    let atlas = Atlas::new(databases);
    let addresses = addresses
        .iter()
        .map(|address| (address.parse().unwrap(), 1));
    let origins = atlas.origins(addresses);
    assert_eq!(atlas.warnings(), []);
    origins
}

/// Country, system and organisation of one address.
fn place(databases: &Databases, address: &str) -> (Option<String>, Option<u32>, Option<String>) {
    let mut origins = origins(databases, &[address]);
    let origin = origins.pop().unwrap();
    assert_eq!((origins.len(), origin.clients, origin.requests), (0, 1, 1));
    (origin.country, origin.asn, origin.organization)
}

fn known(country: &str, asn: u32, name: &str) -> (Option<String>, Option<u32>, Option<String>) {
    (Some(country.to_owned()), Some(asn), Some(name.to_owned()))
}

fn system(number: u32) -> Value {
    Value::Map(vec![("autonomous_system_number", Value::Number(number))])
}

#[test]
fn every_layout_of_the_tree_is_read() {
    let networks = [
        ("192.0.2.0/24", system(64_496)),
        ("192.0.2.128/25", system(64_497)),
        ("203.0.113.7/32", system(64_498)),
        ("2001:db8::/32", system(64_499)),
        ("2001:db8::1/128", system(64_500)),
    ];
    for record_bits in [24, 28, 32] {
        for (ip_version, networks) in [(4, &networks[..3]), (6, &networks[..])] {
            let layout = Layout {
                record_bits,
                ip_version,
                ..FLAT
            };
            let databases = opened(database(layout, networks));
            let asn = |address: &str| place(&databases, address).1;
            assert_eq!(asn("192.0.2.1"), Some(64_496), "{layout:?}");
            assert_eq!(asn("192.0.2.129"), Some(64_497));
            assert_eq!(asn("203.0.113.7"), Some(64_498));
            assert_eq!((asn("203.0.113.8"), asn("198.51.100.1")), (None, None));
            let sixth = (ip_version == 6).then_some(64_499);
            assert_eq!((asn("2001:db8::2"), asn("2001:db9::1")), (sixth, None));
            assert_eq!(asn("2001:db8::1"), sixth.map(|asn| asn + 1));
        }
    }
}

#[test]
fn the_fields_of_every_vendor_are_known() {
    let flat = |fields: Vec<(&'static str, Value)>| {
        opened(database(FLAT, &[("192.0.2.0/24", Value::Map(fields))]))
    };
    let of = |fields| place(&flat(fields), "192.0.2.7");
    let iso = |code| {
        Value::Map(vec![
            ("geoname_id", Value::Number(7)),
            ("iso_code", Value::Text(code)),
        ])
    };
    // MaxMind and DB-IP
    let maxmind = vec![
        ("continent", iso("EU")),
        ("country", iso("DE")),
        ("registered_country", iso("US")),
    ];
    assert_eq!(of(maxmind), (Some("DE".to_owned()), None, None));
    let asn = [
        ("autonomous_system_number", Value::Number(64_496)),
        (
            "autonomous_system_organization",
            Value::Text("Example B.V."),
        ),
    ];
    assert_eq!(
        of(asn.to_vec()),
        (None, Some(64_496), Some("Example B.V.".to_owned()))
    );
    let traits = vec![("country", iso("NL")), ("traits", Value::Map(asn.to_vec()))];
    assert_eq!(of(traits), known("NL", 64_496, "Example B.V."));
    // IPinfo: lite, country and system, system alone
    let lite = vec![
        ("asn", Value::Text("AS64496")),
        ("as_name", Value::Text("Example B.V.")),
        ("country", Value::Text("Netherlands")),
        ("country_code", Value::Text("NL")),
    ];
    assert_eq!(of(lite), known("NL", 64_496, "Example B.V."));
    let short = vec![
        ("asn", Value::Text("AS64496")),
        ("name", Value::Text("Example B.V.")),
        ("country", Value::Text("nl")),
    ];
    assert_eq!(of(short), known("NL", 64_496, "Example B.V."));
    // What looks like one of these and is not
    let odd = vec![
        ("country", Value::Array(vec![iso("NL")])),
        ("country_code", Value::Text("N1")),
        ("autonomous_system_number", Value::Double(1.5)),
        ("asn", Value::Text("AS0")),
        ("as_name", Value::Text("Example B.V.")),
    ];
    assert_eq!(of(odd), (None, None, Some("Example B.V.".to_owned())));
}

#[test]
fn the_first_database_that_knows_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        ("a.mmdb", system(64_496)),
        (
            "b.mmdb",
            Value::Map(vec![
                ("asn", Value::Text("AS64511")),
                ("as_name", Value::Text("Another")),
                ("country_code", Value::Text("FR")),
            ]),
        ),
    ]
    .map(|(name, value)| {
        let path = folder.path().join(name);
        fs::write(&path, database(FLAT, &[("192.0.2.0/24", value)])).unwrap();
        path
    });
    let databases = Databases::open(&paths).unwrap();
    // Not the other's name beside the number.
    assert_eq!(
        place(&databases, "192.0.2.1"),
        (Some("FR".to_owned()), Some(64_496), None)
    );
    let [described, _] = &databases.described()[..] else {
        panic!()
    };
    assert_eq!(
        described.built.unwrap().to_rfc3339(),
        "2021-09-01T00:00:00Z"
    );
    assert_eq!(described.kind, "Test");
}

#[test]
fn clients_are_grouped_with_their_requests_most_first() {
    let networks = [
        ("192.0.2.0/25", system(64_496)),
        ("192.0.2.128/25", system(64_497)),
        ("198.51.100.0/24", system(64_496)),
    ];
    let databases = opened(database(FLAT, &networks));
    let sent = [
        ("192.0.2.1", 5),
        ("192.0.2.129", 10),
        ("198.51.100.1", 6),
        ("203.0.113.1", 2),
        ("2001:db8::1", 1),
    ];
    let sent = sent.map(|(address, requests)| (address.parse::<IpAddr>().unwrap(), requests));
    let origins = Atlas::new(&databases).origins(sent.into_iter());
    let told: Vec<_> = origins
        .iter()
        .map(|origin| (origin.asn, origin.clients, origin.requests))
        .collect();
    assert_eq!(
        told,
        [(Some(64_496), 2, 11), (Some(64_497), 1, 10), (None, 2, 3)]
    );
    let nobody = Databases::default();
    assert_eq!(Atlas::new(&nobody).origins(sent.into_iter()), []);
}

#[test]
fn texts_of_a_database_are_bounded() {
    let long: &'static str = "é".repeat(30_000).leak();
    let record = Value::Map(vec![
        ("asn", Value::Text("64496")),
        ("as_name", Value::Text(long)),
    ]);
    let databases = opened(database(
        Layout { kind: long, ..FLAT },
        &[("192.0.2.0/24", record)],
    ));
    let (_, _, name) = place(&databases, "192.0.2.1");
    assert_eq!(name.unwrap(), "é".repeat(100));
    assert!(databases.described()[0].kind.len() <= 200);
}

#[test]
fn what_is_no_database_or_only_a_part_says_so() {
    let whole = database(
        FLAT,
        &[
            ("192.0.2.0/24", system(64_496)),
            ("2001:db8::/32", system(64_497)),
        ],
    );
    for other in [
        Vec::new(),
        b"192.0.2.1 - - [05/Sep/2021:13:58:03 +0000] \"GET / HTTP/1.1\" 200 5\n".to_vec(),
        b"\x1f\x8b\x08\x00".to_vec(),
        mmdb::MARKER.to_vec(),
        whole[..whole.len() / 2].to_vec(),
    ] {
        let fault = fault(other);
        assert!(
            fault.starts_with("test.mmdb: this is no database"),
            "{fault}"
        );
        assert!(fault.contains("give an unpacked .mmdb file"), "{fault}");
    }
}

#[test]
fn a_database_without_either_names_the_fields_that_it_has() {
    let (_, places) = mmdb::databases().pop().unwrap();
    let fault = fault(places);
    for part in [
        "neither countries nor autonomous systems",
        "“Example-Places”",
        "location, postal",
        "country.iso_code",
    ] {
        assert!(fault.contains(part), "{fault}");
    }
}

/// Bytes of a node of a tree with records of 24 bits.
const NODE: usize = 6;

#[test]
fn pointers_in_circles_end() {
    let good = database(FLAT, &[("192.0.2.0/24", system(64_496))]);
    // Every node leads to itself.
    let mut tree = good.clone();
    let separator = tree.windows(16).position(|bytes| bytes == [0; 16]).unwrap();
    for node in 0..separator / NODE {
        let itself = (node as u32).to_be_bytes();
        tree[node * NODE..(node + 1) * NODE]
            .copy_from_slice(&[&itself[1..], &itself[1..]].concat());
    }
    assert!(fault(tree).contains("damaged"));
    // The record is a map whose value is that map.
    let mut data = good;
    let start = data
        .windows(24)
        .position(|bytes| bytes == b"autonomous_system_number")
        .unwrap();
    let value = start + 24;
    data[value..value + 3].copy_from_slice(&[1 << 5, 0, 0]);
    let fault = fault(data);
    assert!(
        fault.contains("test.mmdb") && fault.contains("damaged"),
        "{fault}"
    );
}

#[test]
fn a_record_that_cannot_be_read_is_a_warning_and_the_others_count() {
    let good = [
        ("192.0.2.0/24", system(64_496)),
        (
            "203.0.113.0/24",
            Value::Map(vec![("country_code", Value::Text("NL"))]),
        ),
    ];
    let mut bytes = database(FLAT, &good);
    let at = bytes
        .windows(13)
        .position(|bytes| bytes == b"\x4ccountry_code")
        .unwrap();
    bytes[at + 14] = 0xff;
    let databases = opened(bytes);
    let atlas = Atlas::new(&databases);
    let sent =
        ["192.0.2.1", "203.0.113.9", "203.0.113.7"].map(|address| (address.parse().unwrap(), 1));
    let origins = atlas.origins(sent.into_iter());
    let told: Vec<_> = origins
        .iter()
        .map(|origin| (origin.asn, origin.clients))
        .collect();
    assert_eq!(told, [(None, 2), (Some(64_496), 1)]);
    let [warning] = &atlas.warnings()[..] else {
        panic!()
    };
    assert_eq!(
        (&*warning.code, warning.input.as_deref()),
        ("database_damaged", Some("test.mmdb"))
    );
    assert!(
        warning.message.contains("download the database again"),
        "{}",
        warning.message
    );
}

#[test]
fn the_stored_databases_are_the_generated_ones() {
    let folder = repository().join("testdata/mmdb");
    let mut names = Vec::new();
    for (name, bytes) in mmdb::databases() {
        let remedy = "run `cargo run --release --example generate -- databases testdata/mmdb`";
        assert!(
            fs::read(folder.join(name)).unwrap() == bytes,
            "{name}: {remedy}"
        );
        names.push(name.to_owned());
    }
    assert_eq!(names_in(&folder), names);
}

/// The flood of four hours, with these databases.
fn flood(databases: &[&str], format: &str) -> Vec<u8> {
    let scenario = scenario("ddos-2023-05-07");
    let mut arguments = vec!["scan", "-q", "--color", "never", "--format", format];
    let paths: Vec<String> = databases
        .iter()
        .map(|name| {
            repository()
                .join("testdata/mmdb")
                .join(name)
                .display()
                .to_string()
        })
        .collect();
    for path in &paths {
        arguments.extend(["--mmdb", path]);
    }
    let own = scenario.command_line();
    arguments.extend(own.iter().map(String::as_str));
    run_in(&scenario.folder, &arguments).stdout
}

#[test]
fn a_report_says_where_the_attackers_are() {
    let report: Json =
        serde_json::from_slice(&flood(&["country.mmdb", "asn.mmdb"], "json")).unwrap();
    let databases = each(&report, "/databases/*/type");
    assert_eq!(
        databases,
        [&json!("Example-Country"), &json!("Example-ASN")]
    );
    for actor in each(&report, "/incidents/*/actors/*") {
        let sum = |field: &str| -> u64 {
            let numbers = each(actor, &format!("/origins/*/{field}"));
            numbers.iter().filter_map(|number| number.as_u64()).sum()
        };
        assert_eq!(
            (sum("clients"), sum("requests")),
            (
                actor["client_count"].as_u64().unwrap(),
                actor["requests"].as_u64().unwrap()
            )
        );
    }
    let flooder = each(&report, "/incidents/*/actors/*")
        .into_iter()
        .find(|actor| actor["role"] == "flooder")
        .unwrap();
    // Counted on the addresses that the report lists.
    let hosting = |address: &Json| {
        let address: std::net::Ipv4Addr = address.as_str().unwrap().parse().unwrap();
        let [a, b, c, _] = address.octets();
        (a, b) == (198, 19) && c < 128
    };
    let there = flooder["clients"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|address| hosting(address))
        .count();
    let told = flooder["origins"]
        .as_array()
        .unwrap()
        .iter()
        .find(|origin| origin["asn"] == 64_496)
        .unwrap();
    assert_eq!(told["clients"], there);
    assert_eq!(
        (&told["country"], &told["organization"]),
        (&json!("NL"), &json!("Example Hosting B.V."))
    );
    for target in each(&report, "/incidents/*/mitigations/*/details/*") {
        let members: u64 = each(target, "/origins/*/clients")
            .iter()
            .filter_map(|number| number.as_u64())
            .sum();
        assert_eq!(target["clients"], members);
    }
    let flat: Json = serde_json::from_slice(&flood(&["lite.mmdb"], "json")).unwrap();
    assert_eq!(
        each(&flat, "/incidents/*/actors/*/origins"),
        each(&report, "/incidents/*/actors/*/origins")
    );
}

#[test]
fn every_format_shows_it() {
    for (format, parts) in [
        (
            "table",
            &[
                "from",
                "AS64496 Example Hosting B.V. (NL): ",
                "Countries and autonomous systems",
                "Example-ASN, made on 2021-09-01",
            ][..],
        ),
        (
            "markdown",
            &[
                "| AS64496 | Example Hosting B\\.V. | NL | ",
                "| Where |",
                "Example-ASN, made on 2021-09-01",
            ],
        ),
        (
            "html",
            &[
                "AS64496 Example Hosting B.V. (NL)",
                "Databases of where clients are",
            ],
        ),
        (
            "csv",
            &["origin,1,ddos,A1,", ",NL,64496,Example Hosting B.V."],
        ),
        (
            "ecs",
            &["\"asn\":64496", "\"organization\":\"Example Hosting B.V.\""],
        ),
        ("timesketch", &["\"AS64496 Example Hosting B.V. (NL)\""]),
    ] {
        let written = text(&flood(&["country.mmdb", "asn.mmdb"], format));
        for part in parts {
            assert!(
                written.contains(part),
                "{format}: no {part:?} in\n{written}"
            );
        }
        assert!(!text(&flood(&[], format)).contains("AS64496"));
    }
}

#[test]
fn the_command_line_names_the_file_and_the_next_step() {
    let folder = repository().join("testdata");
    let failed = |arguments: &[&str]| {
        let output = run_in(&folder, arguments);
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    };
    let log = "scenarios/quiet-day/logs";
    let said = failed(&["scan", log, "--mmdb", "mmdb/places.mmdb"]);
    assert!(
        said.contains("error: mmdb/places.mmdb: neither countries"),
        "{said}"
    );
    let said = failed(&["scan", log, "--mmdb", "mmdb/asm.mmdb"]);
    assert!(
        said.contains("mmdb/asm.mmdb: cannot open") && said.contains("did you mean mmdb/asn.mmdb?"),
        "{said}"
    );
    let said = failed(&["scan", log, "--mmdb", "sigma/access.log"]);
    assert!(
        said.contains("sigma/access.log: this is no database"),
        "{said}"
    );
    let said = failed(&[
        "report",
        "scenarios/quiet-day/expected.json",
        "--mmdb",
        "mmdb/asn.mmdb",
    ]);
    assert!(said.contains("aftertrace scan"), "{said}");
    let quiet = run_in(&folder, &["scan", "-q", "--format", "json", log]);
    assert_eq!(parse(&quiet)["databases"], json!([]));
    // It is of use where the report is still to be made.
    let help = aftertrace().args(["report", "--help"]).output().unwrap();
    let help = text(&help.stdout);
    assert!(
        help.contains("--mmdb") && help.contains("`merge` wrote"),
        "{help}"
    );
}

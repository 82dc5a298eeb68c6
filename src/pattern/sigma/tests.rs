//! What rules match, which are left out, and that neither bad rules nor hostile records do any harm.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::check::check;
use super::*;
use crate::event::Access;
use crate::pattern::gate::Gate;
use crate::pattern::inspector::Inspector;
use crate::pattern::load::blank_access;
use crate::pattern::set::PatternSet;

/// A request in which every field is filled.
fn request() -> Access<'static> {
    Access {
        client_text: b"10.1.2.3",
        vhost: Some(b"shop.example"),
        user: Some(b"alice"),
        request: b"GET /a%20b/Page.php?x=..%2fetc/Passwd&q=aXYa1b HTTP/1.1",
        method: b"GET",
        target: b"/a%20b/Page.php?x=..%2fetc/Passwd&q=aXYa1b",
        protocol: b"HTTP/1.1",
        status: Some(404),
        bytes: Some(1234),
        referer: Some(b"https://shop.example/"),
        user_agent: Some(b"Probe/1.0 (\\xC3\\xA9)"),
        ..blank_access()
    }
}

fn document(detection: &str) -> String {
    format!("title: t\nlogsource: {{category: webserver}}\ndetection:\n{detection}\n")
}

fn checked(text: &str) -> std::result::Result<Checked, String> {
    check(&yaml_serde::from_str(text).unwrap())
}

/// Whether a rule matches, which must not depend on the search for literals.
fn matches(detection: &str, access: &Access<'_>) -> bool {
    let rule = checked(&document(detection)).unwrap_or_else(|error| panic!("{detection}: {error}"));
    let rules = Rules::new(vec![(rule.compiled, rule.clues)]);
    let found = |gated| {
        let mut found = false;
        rules.judge(access, gated, &mut judge::Scratch::default(), &mut |_| {
            found = true;
        });
        found
    };
    assert_eq!(found(true), found(false), "{detection}");
    found(true)
}

/// One selection with one line.
fn selects(line: &str) -> bool {
    matches(&format!("  s:\n    {line}\n  condition: s"), &request())
}

#[test]
fn fields_have_the_names_of_the_taxonomy() {
    for line in [
        "cs-method: get",
        "cs-uri-stem: /a%20b/page.php",
        "cs-uri-query|startswith: x=..%2f",
        "cs-uri-query|contains: /page.php?x=",
        "cs-uri: '/a%20b/*q=*'",
        "c-uri|endswith: a1b",
        "c-useragent|startswith: probe/",
        "cs-user-agent|contains: '1.0'",
        "cs-referer|contains: shop.example",
        "cs-referrer|contains: shop.example",
        "sc-status: 404",
        "sc-status: '404'",
        "sc-bytes: 1234",
        "c-ip: 10.1.2.3",
        "cs-host: SHOP.example",
        "cs-username: alice",
        "cs-version: HTTP/1.1",
        "remote_addr: 10.1.2.3",
    ] {
        assert!(selects(line), "{line}");
    }
    for line in [
        "cs-method: POST",
        "sc-status: 40",
        "cs-uri-stem|contains: q=",
    ] {
        assert!(!selects(line), "{line}");
    }
}

#[test]
fn modifiers_do_what_the_specification_says() {
    for (line, expected) in [
        ("cs-uri-query|contains|all: [passwd, xya]", true),
        ("cs-uri-query|contains|all: [passwd, shadow]", false),
        ("cs-uri-query|contains: [passwd, shadow]", true),
        ("cs-uri-query|contains|cased: passwd", false),
        ("cs-uri-query|contains|cased: Passwd", true),
        ("cs-uri: '*a?b*'", true),
        ("cs-uri: '*a?c*'", false),
        (r"cs-uri: '*a\?b*'", false),
        (r"cs-uri-query|re: 'q=a[X-Z]+a\db$'", true),
        ("cs-uri-query|re: etc/passwd", false),
        ("cs-uri-query|re|i: etc/passwd", true),
        ("c-ip|cidr: 10.0.0.0/8", true),
        ("c-ip|cidr: ['2001:db8::/32', 192.168.0.0/16]", false),
        ("sc-status|gte: 400", true),
        ("sc-status|lt: 400", false),
        ("sc-status|neq: 200", true),
        ("cs-username|exists: true", true),
        ("cs-username|exists: false", false),
        ("cs-uri-stem|fieldref: cs-referer", false),
        ("cs-host|fieldref: cs-host", true),
        ("cs-uri-query|windash|contains: 'x='", true),
        ("cs-uri-query|base64offset|contains: probe", false),
        ("cs-username: '-'", false),
    ] {
        assert_eq!(selects(line), expected, "{line}");
    }
}

#[test]
fn what_a_log_does_not_say_is_null() {
    let silent = Access {
        user: None,
        referer: None,
        bytes: None,
        ..request()
    };
    let selects = |line: &str| matches(&format!("  s:\n    {line}\n  condition: s"), &silent);
    assert!(selects("cs-username: null"));
    assert!(selects("cs-referer: '-'"));
    assert!(selects("cs-referer|exists: false"));
    assert!(selects("sc-bytes: null"));
    assert!(!selects("sc-bytes|gte: 0"));
}

#[test]
fn conditions_combine_selections() {
    let detections = "  sel_a: {cs-method: GET}\n  sel_b: {sc-status: 500}\n  other:\n    - cs-method: PUT\n    - sc-status: 404\n  words: [passwd, shadow]\n";
    for (condition, expected) in [
        ("sel_a and not sel_b", true),
        ("1 of sel_*", true),
        ("any of sel_*", true),
        ("all of sel_*", false),
        ("all of them", false),
        ("2 of them", true),
        ("not (sel_b or not other)", true),
        ("words and other", true),
        ("sel_b or sel_a and words", true),
        ("[sel_b, sel_a]", true),
    ] {
        let detection = format!("{detections}  condition: {condition}");
        assert_eq!(matches(&detection, &request()), expected, "{condition}");
    }
}

#[test]
fn keywords_are_looked_for_in_the_whole_line() {
    let finds = |keywords: &str| matches(&format!("  k: {keywords}\n  condition: k"), &request());
    assert!(finds("[ETC/passwd]"));
    assert!(finds("passwd"));
    assert!(finds("['\" 404 1234']"));
    assert!(finds("['GET /a']"));
    assert!(finds("['pa??wd']"));
    assert!(finds("{'|all': [alice, HTTP/1.1]}"));
    assert!(!finds("{'|all': [alice, HTTP/2]}"));
    assert!(!finds("[shadow]"));
}

#[test]
fn rules_see_the_line_as_logged_and_decoded() {
    assert!(selects("cs-uri|contains: '..%2fetc'"));
    assert!(selects("cs-uri|contains: '../etc'"));
    assert!(selects("cs-uri-stem: '/a b/page.php'"));
    // the two views are never mixed
    assert!(!matches(
        "  raw: {cs-uri|contains: '%2f'}\n  decoded: {cs-uri|contains: '../'}\n  condition: raw and decoded",
        &request()
    ));
}

#[test]
fn letters_that_fold_to_ascii_are_not_missed() {
    let access = Access {
        target: "/\u{212a}ey?\u{17f}ecret".as_bytes(),
        ..request()
    };
    assert!(matches(
        "  s: {cs-uri|contains: key}\n  condition: s",
        &access
    ));
    assert!(matches(
        "  s: {cs-uri|re|i: secret}\n  condition: s",
        &access
    ));
}

#[test]
fn a_rule_applies_as_far_as_its_fields_are_there() {
    let with = |condition: &str| {
        document(&format!(
            "  seen: {{cs-method: GET}}\n  unseen: {{cs-cookie: x}}\n  condition: {condition}"
        ))
    };
    for condition in ["seen or unseen", "1 of them", "seen"] {
        let rule = checked(&with(condition)).unwrap_or_else(|error| panic!("{condition}: {error}"));
        assert!(rule.note.is_some_and(|note| note.contains("`cs-cookie`")));
    }
    for condition in [
        "unseen",
        "seen and unseen",
        "seen and not unseen",
        "all of them",
        "2 of them",
        "not (seen or unseen)",
    ] {
        let reason = checked(&with(condition)).err().unwrap();
        assert!(reason.contains("`cs-cookie`"), "{condition}: {reason}");
    }
}

#[test]
fn only_access_logs_of_web_servers_are_meant() {
    let reason = |source: &str| {
        let text = document("  s: {cs-method: GET}\n  condition: s");
        checked(&text.replace("{category: webserver}", source)).err()
    };
    for source in [
        "{category: webserver}",
        "{category: webserver, product: windows, service: iis}",
        "{product: nginx}",
        "{product: Apache, service: access}",
        "{product: linux, service: nginx}",
    ] {
        assert_eq!(reason(source), None, "{source}");
    }
    for (source, part) in [
        ("{category: proxy}", "`category: proxy`"),
        (
            "{category: process_creation, product: apache}",
            "no web server",
        ),
        ("{product: apache, service: error}", "error logs"),
        ("{category: webserver, service: error_log}", "error logs"),
        ("{}", "no log source"),
    ] {
        assert!(
            reason(source).is_some_and(|text| text.contains(part)),
            "{source}"
        );
    }
}

/// Conditions and expressions that would cost too much, on the small stack of a thread of tests.
#[test]
fn what_would_cost_too_much_is_refused() {
    let reason = |detection: &str| checked(&document(detection)).err().unwrap_or_default();
    let with = |condition: String| format!("  s: {{cs-method: GET}}\n  condition: {condition}");
    let nots = "not ".repeat(MAX_NOTS);
    assert!(reason(&with(format!("{nots} {nots} s"))).contains("longer than"));
    assert!(!matches(&with(format!("not {nots}s")), &request()));
    let deep = format!("{}s{}", "(".repeat(900), ")".repeat(900));
    assert!(!reason(&with(deep)).is_empty());
    let large = "  s: {cs-uri|re: '((a{1,200}){1,200}){1,200}'}\n  condition: s";
    assert!(reason(large).contains("too large"));
}

/// As many as a condition has place for.
const MAX_NOTS: usize = 500;

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn listed(folder: &Path) -> Vec<Listed> {
    load(&[folder.to_path_buf()]).unwrap().listed
}

#[test]
fn every_file_is_listed_in_order_and_bad_ones_with_the_reason() {
    let good = document("  s: {cs-method: GET}\n  condition: s");
    let huge = vec![b'#'; 300 << 10];
    let deep = format!("a: {}", "[".repeat(100_000));
    let folder = folder(&[
        (
            "b/two.yaml",
            good.replace("title: t", "title: u").as_bytes(),
        ),
        ("a.yml", good.as_bytes()),
        ("c.yml", &huge),
        ("d.yml", b"title: \xff\n"),
        ("e.yml", deep.as_bytes()),
        ("f.yml", b""),
        ("g.yml", b"- a\n- b\n"),
        ("h.yml", good.as_bytes()),
        ("notes.txt", b"not read"),
        (".hidden.yml", b"not read"),
    ]);
    let rows: Vec<(String, Option<String>)> = listed(folder.path())
        .into_iter()
        .map(|row| {
            let name = Path::new(&row.file).strip_prefix(folder.path()).unwrap();
            (name.display().to_string(), row.reason)
        })
        .collect();
    let expected = [
        ("a.yml", None),
        ("b/two.yaml", None),
        ("c.yml", Some("larger than 256 KiB")),
        ("d.yml", Some("no UTF-8")),
        ("e.yml", Some("nests deeper")),
        ("f.yml", Some("empty")),
        ("g.yml", Some("no mapping")),
        ("h.yml", Some("another rule")),
    ];
    assert_eq!(rows.len(), expected.len());
    for ((name, reason), (wanted, part)) in rows.iter().zip(expected) {
        assert_eq!(name, wanted);
        match part {
            None => assert_eq!(*reason, None, "{name}"),
            Some(part) => assert!(reason.as_deref().unwrap().contains(part), "{reason:?}"),
        }
    }
}

#[test]
fn a_folder_without_rules_is_an_error() {
    let folder = folder(&[("readme.txt", b"")]);
    assert!(load(&[folder.path().to_path_buf()]).is_err());
    assert!(load(&[folder.path().join("nowhere")]).is_err());
}

/// The rules of the tests, without the packs' patterns.
fn set() -> PatternSet {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sigma");
    let empty = PatternSet::compile(Vec::new(), Gate::new(&[]))
        .unwrap_or_else(|_| panic!("no patterns compile"));
    empty.with_sigma(load(&[dir]).unwrap()).unwrap()
}

/// Pieces that the rules of `testdata/sigma` look for, and others.
const PARTS: &[&str] = &[
    "/shop-admin/",
    "/db-2021.zip",
    "coupon=",
    "' or ",
    "--",
    "%27",
    "+or+",
    "%2d-",
    "<?php",
    "%3C?php",
    "\\x3c?php",
    "PD9waHA",
    "ShopProbe/",
    "coupon-brutor",
    "probe-run",
    "step=",
    "ShopSync",
    "shopsync",
    "jsessionid=",
    "JSESSIONID=0123abcd",
    "/upload.php?overwrite=",
    "?",
    "&",
    "/",
    "%25",
    "%",
    "\u{212a}",
    "\u{e9}",
    " ",
    "\"",
    "x",
];

fn same_with_and_without_gate(text: &[u8]) -> std::result::Result<(), TestCaseError> {
    let set = set();
    let mut gated = Inspector::new(&set);
    let mut bare = Inspector::without_gate(&set);
    let blank = Access {
        method: b"POST",
        status: Some(200),
        bytes: Some(6_000_000),
        ..blank_access()
    };
    let places = [
        Access {
            target: text,
            ..blank
        },
        Access {
            referer: Some(text),
            ..blank
        },
        Access {
            user_agent: Some(text),
            target: b"/",
            ..blank
        },
        Access {
            target: text,
            referer: Some(text),
            ..blank
        },
        Access {
            method: b"",
            request: text,
            ..blank
        },
        Access {
            user: Some(text),
            extras: text,
            ..blank
        },
    ];
    // twice, so that the second round comes from memory
    for access in places.iter().chain(&places) {
        prop_assert_eq!(gated.inspect(access), bare.inspect(access));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn searching_for_literals_never_changes_a_verdict(parts in prop::collection::vec(prop::sample::select(PARTS), 1..7)) {
        same_with_and_without_gate(parts.concat().as_bytes())?;
    }

    #[test]
    fn any_record_is_judged_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        same_with_and_without_gate(&bytes)?;
    }

    /// A rule with a part of it replaced by anything is a rule or is listed, and its judging ends.
    #[test]
    fn any_file_is_read_without_panic(
        at in 0usize..260,
        cut in 0usize..40,
        text in "[-a-z:|\\[\\]{}\"'*&!?%()\\\\é\n ]{0,24}",
    ) {
        let rule = "title: t\nstatus: test\nlevel: high\ntags: [attack.t1190]\nlogsource: {category: webserver}\ndetection:\n  sel_a:\n    cs-uri|contains|all: [a, 'b*c']\n    cs-uri-query|re: '(a|b)+c'\n  sel_b: [x, y]\n  condition: 1 of sel_* and not sel_b\n";
        let from = at.min(rule.len());
        let to = (from + cut).min(rule.len());
        let mutated = format!("{}{text}{}", &rule[..from], &rule[to..]);
        let folder = folder(&[("a.yml", mutated.as_bytes())]);
        let loaded = load(&[folder.path().to_path_buf()]).unwrap();
        prop_assert!(!loaded.listed.is_empty());
        for row in &loaded.listed {
            prop_assert!(row.applies() || row.reason.as_ref().is_some_and(|reason| !reason.is_empty()));
        }
        loaded.rules.judge(&request(), true, &mut judge::Scratch::default(), &mut |_| {});
    }
}

//! What holds for every page: it is well-formed, asks for nothing, no log text is more than text, and it says what matters.

use std::collections::HashSet;

use scraper::{ElementRef, Html, Selector};

use super::*;
use crate::report::sample::{empty, quiet, rich};

fn page(report: &Report) -> String {
    let mut out = Vec::new();
    render(report, None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn samples() -> [String; 3] {
    [rich(&str::to_string), quiet(&str::to_string), empty()].map(|report| page(&report))
}

fn selected<'d>(document: &'d Html, selector: &str) -> Vec<ElementRef<'d>> {
    document
        .select(&Selector::parse(selector).unwrap())
        .collect()
}

/// Every element with its attributes, in order: all of a page besides its text.
fn shape(document: &Html) -> Vec<String> {
    let elements = document.root_element().descendent_elements();
    let shape = elements.map(|element| format!("{:?}", element.value()));
    shape.collect()
}

fn prose(document: &Html) -> String {
    let body = selected(document, "header, main, footer");
    let texts = body.iter().flat_map(ElementRef::text);
    texts.collect::<Vec<_>>().join(" ")
}

fn data(document: &Html) -> serde_json::Value {
    let text: String = selected(document, "script#data")[0].text().collect();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn pages_are_well_formed() {
    for text in samples() {
        let document = Html::parse_document(&text);
        assert_eq!(document.errors, Vec::<String>::new());
        assert_eq!(selected(&document, "h1").len(), 1);
        let mut level = 0;
        for heading in selected(&document, "h1, h2, h3, h4") {
            let own = heading.value().name()[1..].parse().unwrap();
            assert!(own <= level + 1, "h{own} behind h{level}");
            level = own;
        }
        let mut ids = HashSet::new();
        for element in selected(&document, "[id]") {
            assert!(ids.insert(element.attr("id").unwrap()), "{element:?}");
        }
        for element in selected(&document, "[aria-labelledby], [aria-describedby]") {
            let names = ["aria-labelledby", "aria-describedby"];
            for name in names.iter().filter_map(|name| element.attr(name)) {
                assert!(ids.contains(name), "{name}");
            }
        }
        for link in selected(&document, "[href]") {
            assert!(ids.contains(&link.attr("href").unwrap()[1..]), "{link:?}");
        }
    }
}

#[test]
fn the_policy_allows_what_is_there_and_nothing_else() {
    use base64::Engine as _;
    use sha2::Digest as _;
    for text in samples() {
        let document = Html::parse_document(&text);
        let policy = selected(&document, "meta[http-equiv]")[0].attr("content");
        let policy = policy.unwrap();
        assert!(policy.starts_with("default-src 'none';"));
        assert!(!policy.contains("unsafe"));
        let parts = selected(&document, "style, script:not([type])");
        assert_eq!(parts.len(), 4);
        for part in parts {
            let content: String = part.text().collect();
            let digest = sha2::Sha256::digest(content.as_bytes());
            let hash = base64::engine::general_purpose::STANDARD.encode(digest);
            assert!(policy.contains(&format!("'sha256-{hash}'")));
        }
        for element in document.root_element().descendent_elements() {
            for (name, value) in element.value().attrs() {
                assert!(!name.starts_with("on") && !["style", "src", "srcdoc"].contains(&name));
                assert!(name != "href" || value.starts_with('#'), "{value}");
            }
        }
    }
}

#[test]
fn hostile_log_text_means_nothing() {
    let attacks = [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "]]>--><img src=x onerror=alert(1)>",
        "\" autofocus onfocus=alert(1) x=\"",
        "' onmouseover='alert(1)",
        "javascript:alert(1)",
        "</style></title></table></details><base href=http://evil.example>",
        "&lt;b&gt;&#x3c;&Tab;",
        "\x1b]8;;http://evil.example\x07\u{202e}\u{2028}\u{9b}31m\r\n\0",
        "{{7*7}} ${7*7} `x`",
    ];
    let harmless = shape(&Html::parse_document(&page(&rich(&str::to_string))));
    for attack in attacks {
        for hostile in [
            &|text: &str| format!("{attack}{text}") as String,
            &|text: &str| format!("{text}{attack}"),
        ] as [&dyn Fn(&str) -> String; 2]
        {
            let text = page(&rich(hostile));
            let document = Html::parse_document(&text);
            let policy = |one: &&String| !one.contains("http-equiv");
            assert!(
                shape(&document)
                    .iter()
                    .filter(policy)
                    .eq(harmless.iter().filter(policy)),
                "{attack}"
            );
            assert_eq!(document.errors, Vec::<String>::new());
            for line in text.lines() {
                assert_eq!(crate::report::escape::terminal(line), line);
            }
            let shown = crate::report::escape::terminal(attack);
            assert!(prose(&document).contains(&*shown), "{attack}");
            assert!(
                data(&document)["lists"]
                    .to_string()
                    .contains("198.51.100.7")
            );
        }
    }
}

#[test]
fn the_page_says_what_a_reader_asks() {
    let text = page(&rich(&str::to_string));
    let document = Html::parse_document(&text);
    let prose = prose(&document);
    for fact in [
        "injection attempts with a traffic surge",
        "2021-09-05 13:58:03 – 15:47:12 (1 h 49 min)",
        "44,000 clients sent 1.50 million requests meanwhile.",
        "Blocking three networks",
        "Limits to each client, strictest first",
        "AS64496 Example Hosting B.V.",
        "2021-09-05 14:00:03",
        "connections exhausted",
        "suspected",
        "120 answers were 200 and 40 times larger",
        "7,900 name A2",
        "more than 65,536 distinct paths",
        "14 lines: the line ends too early",
        ":811904",
        "its clock is off by -2 s",
    ] {
        assert!(prose.contains(fact), "no {fact:?} in\n{prose}");
    }
    let steps = selected(&document, "details.step");
    assert_eq!(
        steps.len(),
        rich(&str::to_string).incidents[1].timeline.len()
    );
}

#[test]
fn fifty_thousand_addresses_are_data_and_not_rows() {
    let mut report = rich(&str::to_string);
    let many = (0..50_000).map(|host| format!("2001:db8::{host:x}"));
    report.incidents[1].actors[1].clients = many.collect();
    let text = page(&report);
    let document = Html::parse_document(&text);
    assert_eq!(
        selected(&document, "#address-list tbody tr").len(),
        list::ROWS
    );
    assert!(prose(&document).contains("The first 100 of 50,001"));
    let data = data(&document);
    let lists = data["lists"].as_array().unwrap();
    let addresses = lists.iter().find(|list| list["id"] == "address-list");
    assert_eq!(
        addresses.unwrap()["groups"][1]["first"]
            .as_array()
            .unwrap()
            .len(),
        50_000
    );
}

#[test]
fn a_long_series_keeps_its_spikes_in_fewer_points() {
    const BUCKETS: usize = 1_000_000;
    let mut report = quiet(&str::to_string);
    let series = &mut report.series;
    for values in [
        &mut series.requests,
        &mut series.errors_5xx,
        &mut series.hits,
        &mut series.clients,
    ] {
        *values = vec![1; BUCKETS];
    }
    series.requests[777_777] = 99;
    let text = page(&report);
    let data = data(&Html::parse_document(&text));
    let points = data["series"][0]["values"].as_array().unwrap();
    let merged = data["merged"].as_u64().unwrap() as usize;
    assert!(points.len() * merged >= BUCKETS && points.len() < 300_000);
    assert_eq!(points[777_777 / merged], 99);
    assert!(text.len() < 4_000_000, "{}", text.len());
}

#[test]
fn times_follow_the_chosen_zone() {
    let mut out = Vec::new();
    let zone = Some(UtcOffset(-4 * 3600));
    render(&rich(&str::to_string), zone, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("09:58:03 – 11:47:12"), "{text}");
    assert_eq!(data(&Html::parse_document(&text))["offset_s"], -4 * 3600);
}

/// The library must stay as its authors published it, version 1.6.32 of the npm package `uplot`, and its licence goes along.
#[test]
fn the_library_is_unmodified_and_named() {
    use sha2::Digest as _;
    for (file, sum) in [
        (
            shell::UPLOT,
            "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
        ),
        (
            shell::UPLOT_STYLE,
            "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
        ),
        (
            shell::UPLOT_LICENCE,
            "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
        ),
    ] {
        let digest = sha2::Sha256::digest(file.as_bytes());
        let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, sum);
    }
    let text = page(&empty());
    assert!(text.contains("(v1.6.32)") && text.contains("uPlot 1.6.32 (MIT licence"));
    assert!(text.contains(shell::UPLOT_LICENCE));
    assert!(
        !shell::UPLOT_LICENCE.contains("--"),
        "it stands in a comment"
    );
}
